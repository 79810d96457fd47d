;; Core modules that are merged and run. The tests instantiate the modules of a component in their order, under the names a, b, c, ...
;; unless they say otherwise; an import is looked up by that name in an earlier instance, and is a boundary function when there is none.

;; -- Order ---------------------------------------------------------------------------------------------------------------------------

;; A start function between segments of two instances: b's data must come after what a's start function wrote.
;; @start-before-segment
(component
  (core module
    (memory (export "m") 1)
    (table (export "t") 4 funcref)
    (type $v (func (result i32)))
    (data (i32.const 0) "\01")
    (func $start (i32.store8 (i32.const 1) (i32.add (i32.load8_u (i32.const 0)) (i32.const 10))) (i32.store8 (i32.const 2) (i32.const 77)))
    (func (export "get") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "call") (param i32) (result i32) (call_indirect (type $v) (local.get 0)))
    (start $start))
  (core module
    (memory (import "a" "m") 1)
    (table (import "a" "t") 4 funcref)
    (data (i32.const 2) "\05")
    (elem (i32.const 1) func $f)
    (func $f (result i32) (i32.const 42))))

;; Each start function sees the segments of its own instance and not those of later ones.
;; @start-sees-own
(component
  (core module
    (memory (export "m") 1)
    (func (export "get") (param i32) (result i32) (i32.load8_u (local.get 0))))
  (core module
    (import "log" "log" (func $log (param i32)))
    (memory (import "a" "m") 1)
    (data (i32.const 0) "\01")
    (func $s (call $log (i32.load8_u (i32.const 0))) (call $log (i32.load8_u (i32.const 1))))
    (start $s))
  (core module
    (import "log" "log" (func $log (param i32)))
    (memory (import "a" "m") 1)
    (data (i32.const 0) "\02\03")
    (func $s (call $log (i32.load8_u (i32.const 0))) (call $log (i32.load8_u (i32.const 1))))
    (start $s)))

;; Segments out of bounds trap in their turn: a's start function ran, b's other segments before it are applied, c's start function does not run.
;; @data-out-of-bounds
(component
  (core module
    (import "log" "log" (func $log (param i32)))
    (memory (export "m") 1 3)
    (func (export "get") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func $s (call $log (i32.const 1)))
    (start $s))
  (core module
    (import "log" "log" (func $log (param i32)))
    (memory (import "a" "m") 1)
    (data (i32.const 0) "\07")
    (data (i32.const 65535) "xy")
    (data (i32.const 1) "\08")
    (func $s (call $log (i32.const 2)))
    (start $s))
  (core module
    (import "log" "log" (func $log (param i32)))
    (func $s (call $log (i32.const 3)))
    (start $s)))

;; The first segment of all is out of bounds; nothing is applied after it, and the elements before it are.
;; @first-data-out-of-bounds
(component
  (core module
    (memory (export "m") 1)
    (table (export "t") 2 funcref)
    (type $v (func (result i32)))
    (elem (i32.const 0) func $f)
    (data (i32.const 10) "\07")
    (data (i32.const 0x10000) "x")
    (data (i32.const 11) "\08")
    (func $f (result i32) (i32.const 5))
    (func (export "get") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "call") (param i32) (result i32) (call_indirect (type $v) (local.get 0)))))

;; @elem-out-of-bounds
(component
  (core module
    (table (export "t") 2 10 funcref)
    (type $v (func (result i32)))
    (elem (i32.const 0) func $f)
    (elem (i32.const 1) func $f $f)
    (func $f (result i32) (i32.const 5))
    (func (export "grow") (result i32) (table.grow (ref.null func) (i32.const 1)))
    (func (export "call") (param i32) (result i32) (call_indirect (type $v) (local.get 0)))))

;; Segments of no bytes or elements trap too when they lie outside, and only then.
;; @empty-data-outside
(component (core module (memory 1) (data (i32.const 0x10001) "")))
;; @empty-elem-outside
(component (core module (table 2 funcref) (elem (i32.const 3) func)))
;; @empty-externref-outside
(component (core module (table 2 externref) (elem (i32.const 3) externref)))
;; @empty-at-the-end
(component (core module (memory 1) (table 2 funcref) (data (i32.const 0x10000) "") (elem (i32.const 2) func)))
;; @no-memory-at-all
(component (core module (memory 0) (data (i32.const 0) "") (func (export "size") (result i32) (memory.size))))
;; Offsets are unsigned.
;; @huge-offset
(component (core module (memory 1) (data (i32.const -1) "x")))
;; @huge-elem-offset
(component (core module (table 2 funcref) (elem (i32.const -1) func $f) (func $f)))
;; The same when a start function has run and the table or memory may have grown.
;; @huge-offset-later
(component
  (core module (memory (export "m") 1) (func $s (drop (memory.grow (i32.const 1)))) (start $s))
  (core module (memory (import "a" "m") 1) (data (i32.const -1) "xy")))
;; @huge-elem-offset-later
(component
  (core module (table (export "t") 2 funcref) (func $s (drop (table.grow (ref.null func) (i32.const 1)))) (start $s))
  (core module (table (import "a" "t") 2 funcref) (elem (i32.const -1) func $f $f) (func $f)))

;; A start function grows memory and table: then b's segments fit, or do not (its parameter, in a's global, is set by the data).
;; @grown-before-segment
(component
  (core module
    (memory (export "m") 1 4)
    (table (export "t") 1 10 funcref)
    (type $v (func (result i32)))
    (func $s (drop (memory.grow (i32.const 1))) (drop (table.grow (ref.null func) (i32.const 2))))
    (func (export "get") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "call") (param i32) (result i32) (call_indirect (type $v) (local.get 0)))
    (start $s))
  (core module
    (memory (import "a" "m") 1)
    (table (import "a" "t") 1 funcref)
    (data (i32.const 0x1fffe) "\2a\2b")
    (elem (i32.const 2) func $f)
    (data (i32.const 0x20000) "")
    (elem (i32.const 3) func)
    (func $f (result i32) (i32.const 42))))
;; @grown-too-little
(component
  (core module
    (memory (export "m") 1 4)
    (func $s (drop (memory.grow (i32.const 1))))
    (func (export "get") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (start $s))
  (core module (memory (import "a" "m") 1) (data (i32.const 0x1ffff) "\2a\2b")))
;; @grown-too-little-empty
(component
  (core module (memory (export "m") 1 4) (func $s (drop (memory.grow (i32.const 1)))) (start $s))
  (core module (memory (import "a" "m") 1) (data (i32.const 0x20001) "")))
;; @grown-too-little-elem
(component
  (core module (table (export "t") 1 10 funcref) (func $s (drop (table.grow (ref.null func) (i32.const 1)))) (start $s))
  (core module (table (import "a" "t") 1 funcref) (elem (i32.const 1) func $f $f) (func $f)))
;; @grown-too-little-empty-elem
(component
  (core module (table (export "t") 1 10 funcref) (func $s (drop (table.grow (ref.null func) (i32.const 1)))) (start $s))
  (core module (table (import "a" "t") 1 funcref) (elem (i32.const 3) func)))

;; The start function is an import: of an instance, re-exported, and of the boundary.
;; @imported-start
(component
  (core module
    (global $n (mut i32) (i32.const 0))
    (func (export "init") (global.set $n (i32.add (global.get $n) (i32.const 5))))
    (func (export "n") (result i32) (global.get $n)))
  (core module (import "a" "init" (func $init)) (export "again" (func $init)))
  (core module (import "b" "again" (func $init)) (start $init)))
;; @boundary-start
(component
  (core module (import "log" "start" (func $init)) (start $init)))
;; A start function that traps.
;; @trapping-start
(component
  (core module (func $s unreachable) (start $s))
  (core module (import "log" "log" (func $log (param i32))) (func $s (call $log (i32.const 3))) (start $s)))

;; -- Constant expressions --------------------------------------------------------------------------------------------------------

;; @folding
(component
  (core module
    (memory (export "memory") 1)
    (table (export "table") 8 funcref)
    (global (export "base") i32 (i32.const 16))
    (global (export "wide") i64 (i64.const 0x100000000))
    (global (export "half") f32 (f32.const 0.5))
    (global (export "pi") f64 (f64.const 3.25))
    (global (export "f") funcref (ref.func $five))
    (global (export "none") externref (ref.null extern))
    (global (export "sp") (mut i32) (i32.const 1024))
    (func $five (result i32) (i32.const 5))
    (func (export "get_sp") (result i32) (global.get 6))
    (func (export "get") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (type $v (func (result i32)))
    (func (export "call") (param i32) (result i32) (call_indirect (type $v) (local.get 0))))
  (core module
    (memory (import "a" "memory") 1)
    (table $t (import "a" "table") 8 funcref)
    (import "a" "base" (global $base i32))
    (import "a" "wide" (global $wide i64))
    (import "a" "half" (global $half f32))
    (import "a" "pi" (global $pi f64))
    (import "a" "f" (global $f funcref))
    (import "a" "none" (global $none externref))
    (import "a" "sp" (global $sp (mut i32)))
    (global $own i32 (i32.add (global.get $base) (i32.const 3)))
    (global $more i32 (i32.mul (i32.sub (global.get $own) (i32.const 1)) (i32.const 2)))
    (global $wider i64 (i64.add (i64.mul (global.get $wide) (i64.const 3)) (i64.sub (i64.const 1) (i64.const 2))))
    (global $h f32 (global.get $half))
    (global $p f64 (global.get $pi))
    (global $ref (mut funcref) (global.get $f))
    (global $n externref (global.get $none))
    (data (global.get $base) "\2a")
    (data (i32.add (global.get $base) (i32.const 1)) "\2b")
    (elem (i32.sub (global.get $base) (i32.const 15)) funcref (ref.func $six) (global.get $f) (ref.null func) (global.get $ref2))
    (global $ref2 funcref (ref.func $six))
    (func $six (result i32) (i32.const 6))
    (func (export "more") (result i32) (global.get $more))
    (func (export "wider") (result i32) (i64.eq (global.get $wider) (i64.const 0x2ffffffff)))
    (func (export "floats") (result i32)
      (i32.and (f32.eq (global.get $h) (f32.const 0.5)) (f64.eq (global.get $p) (f64.const 3.25))))
    (func (export "refs") (result i32) (i32.add (ref.is_null (global.get $n)) (i32.mul (i32.const 2) (ref.is_null (global.get $ref)))))
    (func (export "push") (param i32) (global.set $sp (i32.sub (global.get $sp) (local.get 0))))
    (func (export "through") (result i32) (table.set $t (i32.const 7) (global.get $ref)) (call_indirect (type 0) (i32.const 7)))))

;; -- Dropped segments --------------------------------------------------------------------------------------------------------------

;; @data-drop
(component
  (core module
    (memory 1)
    (data $p "abcd")
    (data $q "efgh")
    (data $active (i32.const 100) "xyz")
    (func (export "init") (param i32 i32 i32) (memory.init $p (local.get 0) (local.get 1) (local.get 2)))
    (func (export "init_q") (param i32 i32 i32) (memory.init $q (local.get 0) (local.get 1) (local.get 2)))
    (func (export "init_active") (param i32 i32 i32) (memory.init $active (local.get 0) (local.get 1) (local.get 2)))
    (func (export "drop") (data.drop $p))
    (func (export "drop_active") (data.drop $active))
    (func (export "get") (param i32) (result i32) (i32.load8_u (local.get 0)))))
;; @elem-drop
(component
  (core module
    (table $t 8 funcref)
    (table $u 8 externref)
    (type $v (func (result i32)))
    (elem $p func $f $g)
    (elem $declared declare func $f)
    (elem $active (table $t) (i32.const 5) func $g)
    (elem $x externref (ref.null extern))
    (func $f (result i32) (i32.const 1))
    (func $g (result i32) (i32.const 2))
    (func (export "init") (param i32 i32 i32) (table.init $t $p (local.get 0) (local.get 1) (local.get 2)))
    (func (export "init_active") (param i32 i32 i32) (table.init $t $active (local.get 0) (local.get 1) (local.get 2)))
    (func (export "init_declared") (param i32 i32 i32) (table.init $t $declared (local.get 0) (local.get 1) (local.get 2)))
    (func (export "init_x") (param i32 i32 i32) (table.init $u $x (local.get 0) (local.get 1) (local.get 2)))
    (func (export "drop") (elem.drop $p))
    (func (export "drop_active") (elem.drop $active))
    (func (export "drop_declared") (elem.drop $declared))
    (func (export "drop_x") (elem.drop $x))
    (func (export "call") (param i32) (result i32) (call_indirect $t (type $v) (local.get 0)))))
;; Nobody reads the segment: nothing is left of the drop.
;; @drop-only
(component
  (core module
    (data $p "abcd")
    (func (export "drop") (data.drop $p) (data.drop $p))))

;; -- The boundary --------------------------------------------------------------------------------------------------------------------

;; Three functions of two shapes; the slot number tells them apart.
;; @shapes
(component
  (core module
    (import "h" "one" (func $one (param i32) (result i32)))
    (import "h" "two" (func $two (param i32) (result i32)))
    (import "h" "three" (func $three (param i64 f32 f64) (result i64)))
    (import "h" "unused" (func $unused (param f32)))
    (func (export "one") (param i32) (result i32) (call $one (local.get 0)))
    (func (export "both") (param i32) (result i32) (i32.add (call $two (local.get 0)) (i32.mul (i32.const 100) (call $one (local.get 0)))))
    (func (export "three") (param i32) (result i32)
      (i32.wrap_i64 (call $three (i64.extend_i32_u (local.get 0)) (f32.const 1) (f64.const 2))))))

;; Boundary functions where WAMR must not see an import: in a table, in ref.func, as an export, in a tail call.
;; @wrapped
(component
  (core module
    (import "h" "f" (func $f (param i32) (result i32)))
    (import "h" "g" (func $g (param i32) (result i32)))
    (type $t (func (param i32) (result i32)))
    (table 4 funcref)
    (table $own 1 funcref)
    (elem (i32.const 0) func $g $f)
    (global $r funcref (ref.func $g))
    (export "f" (func $f))
    (func (export "call") (param i32 i32) (result i32) (call_indirect (type $t) (local.get 0) (local.get 1)))
    (func (export "set") (param i32) (table.set (local.get 0) (ref.func $f)))
    (func (export "by_global") (param i32) (result i32)
      (table.set $own (i32.const 0) (global.get $r)) (call_indirect $own (type $t) (local.get 0) (i32.const 0)))
    (func (export "tail") (param i32) (result i32) (return_call $g (i32.add (local.get 0) (i32.const 1))))))

;; @boundary-v128
(component (core module (import "h" "f" (func $f (param v128))) (func (export "x") (call $f (v128.const i64x2 0 0)))))
;; @boundary-funcref
(component (core module (import "h" "f" (func $f (param funcref))) (func (export "x") (call $f (ref.null func)))))
;; @boundary-externref
(component (core module (import "h" "f" (func $f (result externref))) (func (export "x") (drop (call $f)))))
;; @boundary-results
(component (core module (import "h" "f" (func $f (result i32 i32))) (func (export "x") (drop (call $f)) drop)))
;; @export-results
(component (core module (func (export "x") (result i32 i32) (i32.const 1) (i32.const 2))))

;; -- Types and limits ---------------------------------------------------------------------------------------------------------------

;; Equal types are one, whatever their number in their module.
;; @types
(component
  (core module
    (type $pad (func (param f64)))
    (type $t (func (param i32 i64) (result i64)))
    (type $again (func (param i32 i64) (result i64)))
    (table (export "t") 1 funcref)
    (elem (i32.const 0) func $f)
    (func $f (export "f") (type $again) (i64.add (i64.extend_i32_u (local.get 0)) (local.get 1)))
    (func (export "x") (type $pad)))
  (core module
    (type $t (func (param i32 i64) (result i64)))
    (type $b (func (param i64) (result i64 i32)))
    (import "a" "f" (func $f (type $t)))
    (table (import "a" "t") 1 funcref)
    (func (export "direct") (param i32) (result i32) (i32.wrap_i64 (call $f (local.get 0) (i64.const 30))))
    (func (export "indirect") (param i32 i32) (result i32)
      (i32.wrap_i64 (call_indirect (type $t) (local.get 0) (i64.const 40) (local.get 1))))
    (func (export "block") (result i32)
      (i64.const 7)
      (block (type $b) (i32.const 5))
      (drop)
      (i32.wrap_i64))))

;; @import-func-mismatch
(component
  (core module (func (export "f") (param i32)))
  (core module (import "a" "f" (func (param i32 i32)))))
;; @import-func-results
(component
  (core module (func (export "f") (result i32) (i32.const 1)))
  (core module (import "a" "f" (func))))
;; @import-memory-min
(component (core module (memory (export "m") 1 5)) (core module (memory (import "a" "m") 2)))
;; @import-memory-max
(component (core module (memory (export "m") 1 5)) (core module (memory (import "a" "m") 1 4)))
;; @import-memory-no-max
(component (core module (memory (export "m") 1)) (core module (memory (import "a" "m") 1 65536)))
;; @import-memory-fits
(component (core module (memory (export "m") 2 5)) (core module (memory (import "a" "m") 1 6)) (core module (memory (import "a" "m") 2)))
;; @import-table-min
(component (core module (table (export "t") 1 5 funcref)) (core module (table (import "a" "t") 2 funcref)))
;; @import-table-max
(component (core module (table (export "t") 1 5 funcref)) (core module (table (import "a" "t") 1 4 funcref)))
;; @import-table-no-max
(component (core module (table (export "t") 1 funcref)) (core module (table (import "a" "t") 1 5 funcref)))
;; @import-table-type
(component (core module (table (export "t") 1 externref)) (core module (table (import "a" "t") 1 funcref)))
;; @import-table-fits
(component (core module (table (export "t") 2 5 funcref)) (core module (table (import "a" "t") 1 6 funcref)))
;; @import-global-type
(component (core module (global (export "g") i32 (i32.const 0))) (core module (import "a" "g" (global i64))))
;; @import-global-mutable
(component (core module (global (export "g") (mut i32) (i32.const 0))) (core module (import "a" "g" (global i32))))
;; @import-global-immutable
(component (core module (global (export "g") i32 (i32.const 0))) (core module (import "a" "g" (global (mut i32)))))
;; @two-memories
(component
  (core module (memory 1) (table (export "t") 1 funcref))
  (core module (table (import "a" "t") 1 funcref) (memory 1)))

;; -- Shims ---------------------------------------------------------------------------------------------------------------------------

;; What wit-component makes of imports that need the memory: shim, main, fixups.
;; @shim
(component
  (core module
    (type $t (func (param i32 i32) (result i32)))
    (table (export "$imports") 2 2 funcref)
    (func (export "0") (type $t) (call_indirect (type $t) (local.get 0) (local.get 1) (i32.const 0)))
    (func (export "1") (type $t) (call_indirect (type $t) (local.get 0) (local.get 1) (i32.const 1))))
  (core module
    (import "a" "0" (func $f (param i32 i32) (result i32)))
    (import "a" "1" (func $g (param i32 i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "run") (param i32) (result i32)
      (i32.add (call $f (local.get 0) (i32.const 2)) (i32.mul (i32.const 100) (call $g (local.get 0) (i32.const 3)))))
    (func (export "unused") (result i32) (i32.const 0)))
  (core module
    (import "h" "f" (func $f (param i32 i32) (result i32)))
    (import "h" "g" (func $g (param i32 i32) (result i32)))
    (table (import "a" "$imports") 2 2 funcref)
    (elem (i32.const 0) func $f $g)))

;; With an adapter between whose start function calls nothing that could look into the table.
;; @shim-blind-start
(component
  (core module
    (type $t (func (param i32) (result i32)))
    (table (export "$imports") 1 1 funcref)
    (func (export "0") (type $t) (call_indirect (type $t) (local.get 0) (i32.const 0))))
  (core module
    (import "a" "0" (func $f (param i32) (result i32)))
    (memory 1)
    (func $grow (drop (memory.grow (i32.const 1))))
    (func $start (call $grow))
    (start $start)
    (func (export "run") (param i32) (result i32) (call $f (local.get 0))))
  (core module
    (import "h" "f" (func $f (param i32) (result i32)))
    (table (import "a" "$imports") 1 1 funcref)
    (elem (i32.const 0) func $f)))

;; A start function calls through the shim before the fixups: traps.
;; @shim-too-early
(component
  (core module
    (type $t (func (param i32) (result i32)))
    (table (export "$imports") 1 1 funcref)
    (func (export "0") (type $t) (call_indirect (type $t) (local.get 0) (i32.const 0))))
  (core module
    (import "a" "0" (func $f (param i32) (result i32)))
    (func $start (drop (call $f (i32.const 1))))
    (start $start)
    (func (export "run") (param i32) (result i32) (call $f (local.get 0))))
  (core module
    (import "h" "f" (func $f (param i32) (result i32)))
    (table (import "a" "$imports") 1 1 funcref)
    (elem (i32.const 0) func $f)))

;; A start function leaves the group before the fixups: nobody knows what it runs, so the calls stay indirect.
;; @shim-start-leaves
(component
  (core module
    (type $t (func (param i32) (result i32)))
    (table (export "$imports") 1 1 funcref)
    (func (export "0") (type $t) (call_indirect (type $t) (local.get 0) (i32.const 0))))
  (core module
    (import "a" "0" (func $f (param i32) (result i32)))
    (import "h" "log" (func $log (param i32)))
    (func $start (call $log (i32.const 7)))
    (start $start)
    (func (export "run") (param i32) (result i32) (call $f (local.get 0))))
  (core module
    (import "h" "f" (func $f (param i32) (result i32)))
    (table (import "a" "$imports") 1 1 funcref)
    (elem (i32.const 0) func $f)))

;; Tables that something writes: the calls must go through them. Each module's run(0) finds what the write left.
;; @table-set
(component
  (core module
    (type $t (func (result i32)))
    (table (export "t") 2 funcref)
    (elem (i32.const 0) func $one)
    (func $one (result i32) (i32.const 1))
    (func $two (result i32) (i32.const 2))
    (elem declare func $two)
    (func (export "write") (table.set (i32.const 0) (ref.func $two)))
    (func (export "run") (result i32) (call_indirect (type $t) (i32.const 0)))))
;; @table-set-elsewhere
(component
  (core module
    (type $t (func (result i32)))
    (table (export "t") 2 funcref)
    (elem (i32.const 0) func $one)
    (func $one (result i32) (i32.const 1))
    (func (export "run") (result i32) (call_indirect (type $t) (i32.const 0))))
  (core module
    (table (import "a" "t") 1 funcref)
    (func $two (result i32) (i32.const 2))
    (elem declare func $two)
    (func (export "write") (table.set (i32.const 0) (ref.func $two)))))
;; @table-fill
(component
  (core module
    (type $t (func (result i32)))
    (table (export "t") 2 funcref)
    (elem (i32.const 0) func $one)
    (func $one (result i32) (i32.const 1))
    (func $two (result i32) (i32.const 2))
    (elem declare func $two)
    (func (export "write") (table.fill (i32.const 0) (ref.func $two) (i32.const 1)))
    (func (export "run") (result i32) (call_indirect (type $t) (i32.const 0)))))
;; @table-copy
(component
  (core module
    (type $t (func (result i32)))
    (table $a 2 funcref)
    (table $b 2 funcref)
    (elem (table $a) (i32.const 0) func $one)
    (elem (table $b) (i32.const 0) func $two)
    (func $one (result i32) (i32.const 1))
    (func $two (result i32) (i32.const 2))
    (func (export "write") (table.copy $a $b (i32.const 0) (i32.const 0) (i32.const 1)))
    (func (export "run") (result i32) (call_indirect $a (type $t) (i32.const 0)))
    (func (export "run_b") (result i32) (call_indirect $b (type $t) (i32.const 0)))))
;; @table-init
(component
  (core module
    (type $t (func (result i32)))
    (table 2 funcref)
    (elem (i32.const 0) func $one)
    (elem $p func $two)
    (func $one (result i32) (i32.const 1))
    (func $two (result i32) (i32.const 2))
    (func (export "write") (table.init $p (i32.const 0) (i32.const 0) (i32.const 1)))
    (func (export "run") (result i32) (call_indirect (type $t) (i32.const 0)))))
;; @table-grow
(component
  (core module
    (type $t (func (result i32)))
    (table 1 funcref)
    (elem (i32.const 0) func $one)
    (func $one (result i32) (i32.const 1))
    (func $two (result i32) (i32.const 2))
    (elem declare func $two)
    (func (export "write") (drop (table.grow (ref.func $two) (i32.const 1))))
    (func (export "run") (result i32) (call_indirect (type $t) (i32.const 1)))))
;; A later instance writes over an element: what counts is the last.
;; @table-overwritten
(component
  (core module
    (type $t (func (result i32)))
    (table (export "t") 2 funcref)
    (elem (i32.const 0) func $one $one)
    (elem (i32.const 1) func $two)
    (func $one (result i32) (i32.const 1))
    (func $two (result i32) (i32.const 2))
    (func (export "run") (result i32) (call_indirect (type $t) (i32.const 0)))
    (func (export "run_1") (result i32) (call_indirect (type $t) (i32.const 1))))
  (core module
    (table (import "a" "t") 1 funcref)
    (func $three (result i32) (i32.const 3))
    (elem (i32.const 0) func $three)))
;; Null, beyond the end, of another type: these must trap as they do through the table.
;; @table-traps
(component
  (core module
    (type $t (func (result i32)))
    (type $u (func (param i32) (result i32)))
    (table 3 funcref)
    (elem (i32.const 0) funcref (ref.func $one) (ref.null func))
    (func $one (result i32) (i32.const 1))
    (func (export "run") (result i32) (call_indirect (type $t) (i32.const 0)))
    (func (export "null") (result i32) (call_indirect (type $t) (i32.const 1)))
    (func (export "unset") (result i32) (call_indirect (type $t) (i32.const 2)))
    (func (export "outside") (result i32) (call_indirect (type $t) (i32.const 3)))
    (func (export "negative") (result i32) (call_indirect (type $t) (i32.const -1)))
    (func (export "type") (result i32) (call_indirect (type $u) (i32.const 5) (i32.const 0)))
    (func (export "tail") (result i32) (return_call_indirect (type $t) (i32.const 0)))
    (func (export "tail_null") (result i32) (return_call_indirect (type $t) (i32.const 1)))))
;; One element at the end of a large table: nobody keeps an array of it.
;; @table-sparse
(component
  (core module
    (type $t (func (result i32)))
    (table 100000 funcref)
    (elem (i32.const 99999) func $one)
    (func $one (result i32) (i32.const 1))
    (func (export "run") (result i32) (call_indirect (type $t) (i32.const 99999)))))

;; Functions that only pass their parameters on: chains are followed, circles stay.
;; @forwarders
(component
  (core module
    (import "h" "f" (func $f (param i32 i64) (result i32)))
    (func $a (param i32 i64) (result i32) (call $f (local.get 0) (local.get 1)))
    (func $b (param i32 i64) (result i32) (call $a (local.get 0) (local.get 1)))
    (func $c (export "c") (param i32 i64) (result i32) (return_call $b (local.get 0) (local.get 1)))
    (func (export "run") (param i32) (result i32) (call $c (local.get 0) (i64.const 1)))
    (func $swapped (param i32 i32) (result i32) (call $sub (local.get 1) (local.get 0)))
    (func $sub (param i32 i32) (result i32) (i32.sub (local.get 0) (local.get 1)))
    (func (export "swapped") (param i32 i32) (result i32) (call $swapped (local.get 0) (local.get 1)))
    (func $with_local (param i32 i32) (result i32) (local i32) (call $sub (local.get 0) (local.get 1)))
    (func (export "with_local") (param i32 i32) (result i32) (call $with_local (local.get 0) (local.get 1)))
    (func $circle (param i32) (result i32) (call $circle2 (local.get 0)))
    (func $circle2 (param i32) (result i32) (call $circle (local.get 0)))
    (func (export "circle") (param i32) (result i32) (call $circle (local.get 0)))
    (func $keeps (param i32) (result i32 i32) (local.get 0) (call $nine))
    (func $nine (result i32) (i32.const 9))
    (func (export "keeps") (param i32) (result i32) (call $keeps (local.get 0)) (i32.sub))
    (func (export "nothing") (call $nothing))
    (func $nothing (call $nothing2))
    (func $nothing2)))

;; -- The rest -------------------------------------------------------------------------------------------------------------------------

;; The same module twice: code of its own for each, with its own globals and tables and segments.
;; @twice
(component
  (core module
    (memory (export "m") 1)
    (table (export "t") 4 funcref)
    (type $v (func (result i32)))
    (func (export "get") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "call") (param i32) (result i32) (call_indirect (type $v) (local.get 0)))
    (global (export "g1") i32 (i32.const 1))
    (global (export "g2") i32 (i32.const 2)))
  (core module
    (memory (import "a" "m") 1)
    (table (import "a" "t") 4 funcref)
    (global $n (mut i32) (i32.const 0))
    (table $own 1 funcref)
    (elem $p func $f)
    (data $d "abc")
    (type $v (func (result i32)))
    (func $f (result i32) (global.get $n))
    (func (export "count") (result i32) (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n))
    (func (export "put") (param i32) (table.init $own $p (i32.const 0) (i32.const 0) (i32.const 1)) (table.set 0 (local.get 0) (table.get $own (i32.const 0))))
    (func (export "has") (result i32) (i32.eqz (ref.is_null (table.get $own (i32.const 0)))))
    (func (export "init") (param i32) (memory.init $d (local.get 0) (i32.const 0) (i32.const 3)))
    (func (export "drop") (data.drop $d))))

;; Every kind of site in one function, to see that what lies between is copied.
;; @sites
(component
  (core module
    (memory (export "m") 1)
    (global (export "pad") i32 (i32.const 1))
    (table (export "pad1") 1 externref)
    (func (export "pad2") (result i32) (i32.const 1)))
  (core module
    (type $pad (func (param f32 f32 f32)))
    (memory (import "a" "m") 1)
    (import "h" "f" (func $h (param i32) (result i32)))
    (type $t (func (param i32) (result i32)))
    (type $two (func (param i32) (result i32 i32)))
    (global $g (mut i32) (i32.const 3))
    (global $c i64 (i64.const -2))
    (table $t 4 funcref)
    (elem (table $t) (i32.const 0) func $inc $dec)
    (elem declare func $dec)
    (func $inc (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
    (func $dec (param i32) (result i32) (i32.sub (local.get 0) (i32.const 1)))
    (func (export "run") (param $x i32) (result i32) (local $i i32) (local i64 f32 f64)
      (local.set $i (call $inc (local.get $x)))
      (local.set $i (call_indirect $t (type $t) (local.get $i) (i32.const 0)))
      (local.set $i (call_indirect $t (type $t) (local.get $i) (i32.and (local.get $i) (i32.const 0))))
      (table.set $t (i32.const 2) (ref.func $dec))
      (local.set $i (call_indirect $t (type $t) (local.get $i) (i32.const 2)))
      (global.set $g (i32.add (global.get $g) (local.get $i)))
      (local.get $i)
      (block (type $two) (i32.const 5))
      (i32.add)
      (local.tee $i)
      (loop $l (type $t) (param i32) (result i32)
        (i32.sub (i32.const 1))
        (br_if $l (i32.gt_s (i32.const 3) (i32.const 4))))
      (i32.store (i32.const 8) (i32.load (i32.const 4)))
      (drop (memory.size))
      (i32.add (local.get $i))
      (i32.add (global.get $g))
      (i32.add (i32.wrap_i64 (global.get $c)))
      (i32.add (table.size $t))
      (call $h))
    (func (export "g") (result i32) (global.get $g))))

;; @names
(component
  (core module $first
    (import "h" "f" (func $h))
    (func $alpha (export "x") (call $h) (call $beta))
    (func $beta (if (i32.const 0) (then (call $beta)))))
  (core module (@name "") (func (export "exported") (if (i32.const 0) (then unreachable)))))

;; @tail-calls
(component
  (core module
    (type $t (func (param i32 i32) (result i32)))
    (table 1 funcref)
    (elem (i32.const 0) func $down)
    (func $down (param i32 i32) (result i32)
      (if (result i32) (i32.eqz (local.get 0)) (then (local.get 1))
        (else (return_call $up (i32.sub (local.get 0) (i32.const 1)) (i32.add (local.get 1) (i32.const 2))))))
    (func $up (param i32 i32) (result i32)
      (return_call_indirect (type $t) (local.get 0) (local.get 1) (i32.and (local.get 0) (i32.const 0))))
    (func (export "run") (param i32) (result i32) (call $down (local.get 0) (i32.const 0)))))

;; -- What crosses groups -------------------------------------------------------------------------------------------------------------

;; Two boundary functions of one type and one of another.
;; @slots-exported
(component
  (core module
    (import "log" "one" (func $one (param i32) (result i32)))
    (import "log" "two" (func $two (param i32) (result i32)))
    (import "log" "three" (func $three (param i32 i64)))
    (func (export "run") (result i32)
      (call $three (i32.const 9) (i64.const 8)) (i32.add (call $one (i32.const 1)) (call $two (i32.const 2))))))

;; Constants of another group: as values, in offsets and in the values of other globals.
;; @constants
(component
  (core module
    (import "x" "at" (global $at i32))
    (import "x" "wide" (global $wide i64))
    (import "x" "half" (global $half f64))
    (import "x" "tiny" (global $tiny f32))
    (memory (export "m") 1)
    (global $sum i32 (i32.add (global.get $at) (i32.const 2)))
    (global $own (mut i64) (global.get $wide))
    (data (global.get $at) "\2a")
    (func (export "at") (result i32) (global.get $at))
    (func (export "sum") (result i32) (global.get $sum))
    (func (export "wide") (result i64) (i64.add (global.get $wide) (global.get $own)))
    (func (export "half") (result f64) (global.get $half))
    (func (export "tiny") (result f32) (global.get $tiny))
    (func (export "get") (param i32) (result i32) (i32.load8_u (local.get 0)))))
