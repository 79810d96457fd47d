;; Function bodies that must be refused, each with the status and a part of the message. The assembler does not validate.

;; @i32-for-i64: invalid type mismatch: expected i64, found i32
(module (func (drop (i64.add (i32.const 0) (i64.const 0)))))
;; @nothing-for-i32: invalid type mismatch: expected i32, found nothing
(module (func (drop (i32.add (i32.const 0)))))
;; @drop-nothing: invalid nothing on the operand stack
(module (func drop))
;; @below-the-block: invalid type mismatch: expected i32, found nothing
(module (func (i32.const 1) (block (drop (i32.eqz))) drop))
;; @too-much-at-the-end: invalid 1 operands more than results at the end of a block
(module (func (i32.const 1)))
;; @too-much-in-a-block: invalid 2 operands more than results at the end of a block
(module (func (block (result i32) (i32.const 1) (i32.const 1) (i32.const 1)) drop))
;; @too-little-at-the-end: invalid type mismatch: expected i32, found nothing
(module (func (result i32)))
;; @wrong-at-the-end: invalid type mismatch: expected i32, found f32
(module (func (result i32) (f32.const 0)))
;; @after-unreachable-still-typed: invalid type mismatch: expected i32, found i64
(module (func unreachable (i64.const 0) i32.eqz drop))
;; @after-unreachable-too-much: invalid 1 operands more than results
(module (func unreachable (i64.const 0)))
;; @if-without-condition: invalid type mismatch: expected i32, found nothing
(module (func (if (then))))
;; @if-condition: invalid type mismatch: expected i32, found i64
(module (func (if (i64.const 0) (then))))
;; @if-without-else: invalid if without else must have results like its parameters
(module (func (drop (if (result i32) (i32.const 1) (then (i32.const 2))))))
;; @if-without-else-params: invalid if without else must have results like its parameters
(module (func (i32.const 1) (i32.const 1) (if (param i32) (result f32) (then drop (f32.const 1))) drop))
;; @then-result: invalid type mismatch: expected i32, found f32
(module (func (drop (if (result i32) (i32.const 1) (then (f32.const 2)) (else (i32.const 0))))))
;; @else-result: invalid type mismatch: expected i32, found f32
(module (func (drop (if (result i32) (i32.const 1) (then (i32.const 2)) (else (f32.const 0))))))
;; @else-without-if: malformed else without if
(module (func block else end))
;; @two-elses: malformed else without if
(module (func (i32.const 0) if else else end))
;; @block-param: invalid type mismatch: expected i64, found i32
(module (func (i32.const 1) (block (param i64) drop)))
;; @block-type: invalid unknown type 7 (there are 1)
(module (type (func)) (func (block (type 7))))
;; @loop-param: invalid type mismatch: expected i32, found nothing
(module (func (loop (param i32) drop)))
;; @br-depth: invalid unknown label 2 (there are 2)
(module (func (block (br 2))))
;; @br-operand: invalid type mismatch: expected i32, found nothing
(module (func (drop (block (result i32) (br 0)))))
;; @br-to-function: invalid type mismatch: expected i32, found f64
(module (func (result i32) (f64.const 0) (br 0)))
;; @br-if-condition: invalid type mismatch: expected i32, found f32
(module (func (block (br_if 0 (f32.const 0)))))
;; @br-if-operand: invalid type mismatch: expected i32, found nothing
(module (func (drop (block (result i32) (br_if 0 (i32.const 1)) (i32.const 1)))))
;; @br-if-keeps-types: invalid type mismatch: expected f32, found i32
(module (func (drop (block (result i32) (f32.abs (br_if 0 (i32.const 1) (i32.const 1))) drop (i32.const 1)))))
;; @br-to-loop: invalid type mismatch: expected i32, found nothing
(module (func (i32.const 1) (loop (param i32) drop (br 0))))
;; @br-table-depth: invalid unknown label 3 (there are 2)
(module (func (block (br_table 0 1 3 0 (i32.const 0)))))
;; @br-table-default: invalid unknown label 9 (there are 2)
(module (func (block (br_table 0 1 9 (i32.const 0)))))
;; @br-table-arity: invalid the labels of a br_table take 0 and 1 operands
(module (func (drop (block (result i32) (block (br_table 0 1 (i32.const 1) (i32.const 0))) (i32.const 1)))))
;; @br-table-types: invalid type mismatch: expected f32, found i32
(module (func (drop (block (result i32) (drop (block (result f32) (br_table 1 0 (i32.const 1) (i32.const 0)))) (i32.const 1)))))
;; @br-table-operand: invalid type mismatch: expected i32, found nothing
(module (func (drop (block (result i32) (br_table 0 (i32.const 0))))))
;; @br-table-index: invalid type mismatch: expected i32, found i64
(module (func (block (br_table 0 (i64.const 0)))))
;; @br-table-unreachable-types: invalid type mismatch: expected i64, found f32
(module (func (drop (block (result i64) unreachable (f32.const 0) (i32.const 0) br_table 0))))
;; @return-operand: invalid type mismatch: expected i32, found i64
(module (func (result i32) (return (i64.const 0))))
;; @call-index: invalid unknown function 4 (there are 1)
(module (func (call 4)))
;; @call-param: invalid type mismatch: expected i32, found f32
(module (func $f (param i32)) (func (call $f (f32.const 0))))
;; @call-result: invalid type mismatch: expected f32, found i32
(module (func $f (result i32) (i32.const 0)) (func (drop (f32.neg (call $f)))))
;; @call-indirect-no-table: invalid unknown table 0 (there are 0)
(module (type (func)) (func (call_indirect (type 0) (i32.const 0))))
;; @call-indirect-type: invalid unknown type 3 (there are 1)
(module (type (func)) (table 1 funcref) (func (call_indirect (type 3) (i32.const 0))))
;; @call-indirect-index: invalid type mismatch: expected i32, found i64
(module (type (func)) (table 1 funcref) (func (call_indirect (type 0) (i64.const 0))))
;; @call-indirect-externref: invalid call_indirect through a table of externref
(module (type (func)) (table 1 externref) (func (call_indirect (type 0) (i32.const 0))))
;; @call-indirect-param: invalid type mismatch: expected i32, found nothing
(module (type (func (param i32))) (table 1 funcref) (func (call_indirect (type 0) (i32.const 0))))
;; @tail-call-results: invalid a tail call must give the results of its function
(module (func $f (result i32) (i32.const 0)) (func (return_call $f)))
;; @tail-call-result-type: invalid a tail call must give the results of its function
(module (func $f (result i32) (i32.const 0)) (func (result f32) (return_call $f)))
;; @tail-call-param: invalid type mismatch: expected i32, found nothing
(module (func $f (param i32)) (func (return_call $f)))
;; @tail-call-indirect-results: invalid a tail call must give the results of its function
(module (type $t (func (result i32))) (table 1 funcref) (func (return_call_indirect (type $t) (i32.const 0))))
;; @local-get: invalid unknown local 2 (there are 2)
(module (func (param i32) (local i64) (drop (local.get 2))))
;; @local-set: invalid type mismatch: expected i64, found i32
(module (func (param i32) (local i64) (local.set 1 (i32.const 0))))
;; @local-tee: invalid type mismatch: expected f32, found i64
(module (func (param i32) (local i64) (drop (f32.abs (local.tee 1 (i64.const 0))))))
;; @local-index: invalid unknown local 0 (there are 0)
(module (func (local.set 0 (i32.const 0))))
;; @global-get: invalid unknown global 0 (there are 0)
(module (func (drop (global.get 0))))
;; @global-set-immutable: invalid global 0 is immutable
(module (global i32 (i32.const 0)) (func (global.set 0 (i32.const 0))))
;; @global-set-type: invalid type mismatch: expected i32, found f32
(module (global (mut i32) (i32.const 0)) (func (global.set 0 (f32.const 0))))
;; @select-types: invalid type mismatch: expected i32, found f32
(module (func (drop (select (i32.const 0) (f32.const 0) (i32.const 0)))))
;; @select-condition: invalid type mismatch: expected i32, found f64
(module (func (drop (select (i32.const 0) (i32.const 0) (f64.const 0)))))
;; @select-references: invalid select of references needs a type
(module (func (drop (select (ref.null func) (ref.null func) (i32.const 0)))))
;; @select-typed: invalid type mismatch: expected i64, found i32
(module (func (drop (select (result i64) (i32.const 0) (i64.const 0) (i32.const 0)))))
;; @select-two-types: invalid select must have one type, has 2
(module (func (drop (select (result i64 i64) (i64.const 0) (i64.const 0) (i32.const 0)))))
;; @no-memory-load: invalid unknown memory 0 (there is none)
(module (func (drop (i32.load (i32.const 0)))))
;; @no-memory-store: invalid unknown memory 0 (there is none)
(module (func (i64.store8 (i32.const 0) (i64.const 0))))
;; @no-memory-size: invalid unknown memory 0 (there are 0)
(module (func (drop (memory.size))))
;; @no-memory-grow: invalid unknown memory 0 (there are 0)
(module (func (drop (memory.grow (i32.const 0)))))
;; @no-memory-copy: invalid unknown memory 0 (there are 0)
(module (func (memory.copy (i32.const 0) (i32.const 0) (i32.const 0))))
;; @no-memory-fill: invalid unknown memory 0 (there are 0)
(module (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))))
;; @no-memory-init: invalid unknown memory 0 (there are 0)
(module (data "x") (func (memory.init 0 (i32.const 0) (i32.const 0) (i32.const 0))))
;; @alignment: invalid alignment 2^3 is larger than natural, 2^2
(module (memory 1) (func (drop (i32.load align=8 (i32.const 0)))))
;; @store-address: invalid type mismatch: expected i32, found i64
(module (memory 1) (func (i32.store (i64.const 0) (i32.const 0))))
;; @memory-fill-operand: invalid type mismatch: expected i32, found f32
(module (memory 1) (func (memory.fill (i32.const 0) (f32.const 0) (i32.const 0))))
;; @memory-init-segment: invalid unknown data segment 1 (there are 1)
(module (memory 1) (data "x") (func (memory.init 1 (i32.const 0) (i32.const 0) (i32.const 0))))
;; @data-drop-segment: invalid unknown data segment 1 (there are 1)
(module (memory 1) (data "x") (func (data.drop 1)))
;; @table-get: invalid unknown table 1 (there are 1)
(module (table 1 funcref) (func (drop (table.get 1 (i32.const 0)))))
;; @table-get-index: invalid type mismatch: expected i32, found i64
(module (table 1 funcref) (func (drop (table.get 0 (i64.const 0)))))
;; @table-set-type: invalid type mismatch: expected funcref, found externref
(module (table 1 funcref) (func (table.set 0 (i32.const 0) (ref.null extern))))
;; @table-set-index: invalid type mismatch: expected i32, found f32
(module (table 1 funcref) (func (table.set 0 (f32.const 0) (ref.null func))))
;; @table-grow-type: invalid type mismatch: expected externref, found funcref
(module (table 1 externref) (func (drop (table.grow 0 (ref.null func) (i32.const 1)))))
;; @table-fill-type: invalid type mismatch: expected externref, found funcref
(module (table 1 externref) (func (table.fill 0 (i32.const 0) (ref.null func) (i32.const 1))))
;; @table-copy-types: invalid table.copy between tables of different types
(module (table 1 externref) (table 1 funcref) (func (table.copy 0 1 (i32.const 0) (i32.const 0) (i32.const 0))))
;; @table-copy-index: invalid unknown table 2 (there are 1)
(module (table 1 funcref) (func (table.copy 0 2 (i32.const 0) (i32.const 0) (i32.const 0))))
;; @table-init-types: invalid table.init of a externref table with funcref
(module (table 1 externref) (elem func) (func (table.init 0 0 (i32.const 0) (i32.const 0) (i32.const 0))))
;; @table-init-segment: invalid unknown element segment 1 (there are 1)
(module (table 1 funcref) (elem func) (func (table.init 0 1 (i32.const 0) (i32.const 0) (i32.const 0))))
;; @table-size: invalid unknown table 0 (there are 0)
(module (func (drop (table.size 0))))
;; @elem-drop-segment: invalid unknown element segment 0 (there are 0)
(module (func (elem.drop 0)))
;; @ref-func-index: invalid unknown function 5 (there are 1)
(module (func (drop (ref.func 5))))
;; @ref-func-undeclared: invalid which no element, export or global declares
(module (func $f) (func (export "x") (drop (ref.func $f))))
;; @ref-func-used-is-not-declared: invalid which no element, export or global declares
(module (func $f) (func (export "x") (call $f) (drop (ref.func $f))) (start $f))
;; @ref-is-null: invalid type mismatch: ref.is_null of i32
(module (func (drop (ref.is_null (i32.const 0)))))
;; @ref-null-type: malformed expected a reference type, found i32
(module binary "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00" "\0a\07\01\05\00\d0\7f\1a\0b")
;; @no-data-count: malformed there is no data count section
(module binary "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00" "\05\03\01\00\01" "\0a\07\01\05\00\fc\09\00\0b" "\0b\03\01\01\00")
;; @no-data-count-init: malformed there is no data count section
(module binary "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00" "\05\03\01\00\01" "\0a\0e\01\0c\00\41\00\41\00\41\00\fc\08\00\00\0b" "\0b\03\01\01\00")
;; @opcode: malformed expected an instruction, found 0x27
(module binary "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00" "\0a\05\01\03\00\27\0b")
;; @opcode-fc: malformed expected an instruction, found 0xfc 18
(module binary "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00" "\0a\06\01\04\00\fc\12\0b")
;; @opcode-fd: malformed expected an instruction, found 0xfd 154
(module binary "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00" "\0a\07\01\05\00\fd\9a\01\0b")
;; @opcode-fd-beyond: malformed expected an instruction, found 0xfd 512
(module binary "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00" "\0a\07\01\05\00\fd\80\04\0b")
;; @no-end: malformed expected an instruction, found the end of the function
(module binary "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00" "\0a\05\01\03\00\01\01")
;; @no-inner-end: malformed expected an instruction, found the end of the function
(module binary "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00" "\0a\06\01\04\00\02\40\0b")
;; @after-the-end: malformed expected the end of the function, found 2 more bytes
(module binary "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00" "\0a\06\01\04\00\0b\01\0b")
;; @no-body: malformed expected groups of locals, found the end
(module binary "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00" "\0a\02\01\00")
;; @cut-immediate: malformed expected an i32, found the end
(module binary "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00" "\0a\05\01\03\00\41\80")
;; @cut-float: malformed expected an f64 of 8 bytes
(module binary "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00" "\0a\06\01\04\00\44\00\0b")
;; @long-immediate: malformed an integer of more than 32 bits
(module binary "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00" "\0a\0b\01\09\00\41\80\80\80\80\70\1a\0b")
;; @block-type-negative: malformed expected a block type, found -65
(module binary "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00" "\0a\08\01\06\00\02\bf\7f\0b\0b")
;; @block-type-byte: malformed expected a block type, found 0x41
(module binary "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00" "\0a\07\01\05\00\02\41\0b\0b")
;; @local-type: malformed expected a value type, found 0x40
(module binary "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00" "\0a\06\01\04\01\01\40\0b")
;; @local-groups: malformed groups of locals
(module binary "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00" "\0a\05\01\03\7f\01\0b")
;; @too-many-locals: limit function has 4294967297 locals, max_function_slots is 8192
(module binary "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00" "\0a\0c\01\0a\02\ff\ff\ff\ff\0f\7f\02\7e\0b")
;; @memory-index: invalid unknown memory 1 (there are 1)
(module binary "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00" "\05\03\01\00\01" "\0a\07\01\05\00\3f\01\1a\0b")
;; @lane: invalid lane 4 is not below 4
(module binary "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00" "\0a\09\01\07\00\00\fd\1b\04\1a\0b")
;; @lane-of-load: invalid lane 8 is not below 8
(module binary "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00" "\05\03\01\00\01" "\0a\0b\01\09\00\00\fd\55\00\00\08\1a\0b")
;; @shuffle: invalid lane 32 is not below 32
(module binary "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00" "\0a\18\01\16\00\00\fd\0d\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\20\1a\0b")

;; -- Proposals ---------------------------------------------------------------------------------------------------------------------

;; @multi-memory-load: unsupported unsupported: core multi-memory
(module binary "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00" "\05\03\01\00\01" "\0a\0b\01\09\00\41\00\28\42\00\00\1a\0b")
;; @try: unsupported unsupported: core exceptions
(module binary "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00" "\0a\06\01\04\00\06\40\0b")
;; @throw: unsupported unsupported: core exceptions
(module binary "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00" "\0a\06\01\04\00\08\00\0b")
;; @try-table: unsupported unsupported: core exceptions
(module (func (try_table)))
;; @throw-ref: unsupported unsupported: core exceptions
(module (func (throw_ref)))
;; @delegate: unsupported unsupported: core exceptions
(module binary "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00" "\0a\06\01\04\00\18\00\0b")
;; @call-ref: unsupported unsupported: core typed function references
(module (type $t (func)) (func (call_ref $t (ref.null func))))
;; @br-on-null: unsupported unsupported: core typed function references
(module (func (br_on_null 0 (ref.null func)) drop))
;; @ref-as-non-null: unsupported unsupported: core typed function references
(module (func (drop (ref.as_non_null (ref.null func)))))
;; @ref-eq: unsupported unsupported: core GC instructions
(module (func (drop (ref.eq (unreachable) (unreachable)))))
;; @ref-null-gc: unsupported unsupported: core GC types
(module (func (drop (ref.null any))))
;; @local-gc: unsupported unsupported: core GC types
(module (func (local anyref)))
;; @local-typed-ref: unsupported unsupported: core typed function references
(module (type $t (func)) (func (local (ref null $t))))
;; @block-gc: unsupported unsupported: core GC types
(module (func (drop (block (result anyref) unreachable))))
;; @i31: unsupported unsupported: core GC instructions
(module (func (drop (ref.i31 (i32.const 0)))))
;; @atomic: unsupported unsupported: core threads
(module (memory 1) (func (drop (i32.atomic.load (i32.const 0)))))
;; @atomic-fence: unsupported unsupported: core threads
(module (func atomic.fence))
;; @relaxed: unsupported unsupported: core relaxed SIMD
(module (func (drop (f32x4.relaxed_min (v128.const i64x2 0 0) (v128.const i64x2 0 0)))))
;; @wide-arithmetic: unsupported unsupported: core wide arithmetic
(module (func (param i64 i64) (i64.mul_wide_s (local.get 0) (local.get 1)) drop drop))
;; @resume: unsupported unsupported: core stack switching
(module binary "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00" "\0a\05\01\03\00\e0\0b")
;; @shared-memory: unsupported unsupported: core threads
(module (memory 1 1 shared))
;; @memory64: unsupported unsupported: core memory64
(module (memory i64 1))
;; @two-memories-in-one: unsupported unsupported: core multi-memory
(module (memory 1) (memory 1))
;; @tag: unsupported unsupported: core exceptions
(module (tag))
