;; Lists on the way out of a component: length, alignment and bounds, in this order (Canonical ABI, load_list).

(component definition $Lists
  (core module $M
    (memory (export "memory") 1)
    (data (i32.const 256) "\01\00\00\00\00\00\00\00\02\00\00\00\00\00\00\00") ;; tuple<u8, u64>
    (data (i32.const 512) "\00\02\00\00\00\00\00\00\08\02\00\00\01\00\00\00") ;; list<list<u8>>: [[], [8]]
    (data (i32.const 65528) "abcdefgh")
    (func (export "list") (param i32 i32) (result i32)
      (i32.store (i32.const 0) (local.get 0))
      (i32.store (i32.const 4) (local.get 1))
      (i32.const 0))
    (func (export "grow") (result i32) (memory.grow (i32.const 1))))
  (core instance $m (instantiate $M))
  (alias core export $m "memory" (core memory $mem))
  (func (export "u8s") (param "ptr" u32) (param "len" u32) (result (list u8)) (canon lift (core func $m "list") (memory $mem)))
  (func (export "bools") (param "ptr" u32) (param "len" u32) (result (list bool)) (canon lift (core func $m "list") (memory $mem)))
  (func (export "u16s") (param "ptr" u32) (param "len" u32) (result (list u16)) (canon lift (core func $m "list") (memory $mem)))
  (func (export "u32s") (param "ptr" u32) (param "len" u32) (result (list u32)) (canon lift (core func $m "list") (memory $mem)))
  (func (export "u64s") (param "ptr" u32) (param "len" u32) (result (list u64)) (canon lift (core func $m "list") (memory $mem)))
  (func (export "tuples") (param "ptr" u32) (param "len" u32) (result (list (tuple u8 u64)))
    (canon lift (core func $m "list") (memory $mem)))
  (func (export "lists") (param "ptr" u32) (param "len" u32) (result (list (list u8)))
    (canon lift (core func $m "list") (memory $mem)))
  (func (export "options") (param "ptr" u32) (param "len" u32) (result (list (option u64)))
    (canon lift (core func $m "list") (memory $mem)))
  (func (export "grow") (result u32) (canon lift (core func $m "grow"))))

;; What is good, up to the last byte of memory.
(component instance $l $Lists)
(assert_return (invoke "u8s" (u32.const 65535) (u32.const 1)) (list.const (u8.const 0x68)))
(assert_return (invoke "u8s" (u32.const 65536) (u32.const 0)) (list.const))
(assert_return (invoke "u16s" (u32.const 65532) (u32.const 2)) (list.const (u16.const 0x6665) (u16.const 0x6867)))
(assert_return (invoke "u32s" (u32.const 65532) (u32.const 1)) (list.const (u32.const 0x68676665)))
(assert_return (invoke "u64s" (u32.const 65528) (u32.const 1)) (list.const (u64.const 0x6867666564636261)))
(assert_return (invoke "u64s" (u32.const 65536) (u32.const 0)) (list.const))
(assert_return (invoke "tuples" (u32.const 256) (u32.const 1)) (list.const (tuple.const (u8.const 1) (u64.const 2))))
(assert_return (invoke "lists" (u32.const 512) (u32.const 2)) (list.const (list.const) (list.const (u8.const 8))))
(assert_return (invoke "options" (u32.const 256) (u32.const 1)) (list.const (option.some (u64.const 2))))
(assert_return (invoke "grow") (u32.const 1)) ;; what was outside of memory may be inside at the next call
(assert_return (invoke "u8s" (u32.const 131072) (u32.const 0)) (list.const))
(assert_return (invoke "u32s" (u32.const 131064) (u32.const 2)) (list.const (u32.const 0) (u32.const 0)))
(assert_trap (invoke "u8s" (u32.const 131071) (u32.const 2)) "list is out of bounds of memory")
(assert_trap (invoke "u8s" (u32.const 0) (u32.const 0)) "cannot enter component instance")

;; The length is limited in bytes, not in elements, and counted in more than 32 bits.
(component instance $l $Lists)
(assert_trap (invoke "u8s" (u32.const 0) (u32.const 0x10000000)) "list is longer than 2^28-1 bytes")
(component instance $l $Lists)
(assert_trap (invoke "u8s" (u32.const 0) (u32.const 0x0fffffff)) "list is out of bounds of memory")
(component instance $l $Lists)
(assert_trap (invoke "u64s" (u32.const 0) (u32.const 0x02000000)) "list is longer than 2^28-1 bytes")
(component instance $l $Lists)
(assert_trap (invoke "u64s" (u32.const 0) (u32.const 0x01ffffff)) "list is out of bounds of memory")
(component instance $l $Lists)
(assert_trap (invoke "u64s" (u32.const 0) (u32.const 0x20000001)) "list is longer than 2^28-1 bytes") ;; 8 bytes modulo 2^32
(component instance $l $Lists)
(assert_trap (invoke "tuples" (u32.const 0) (u32.const 0x10000000)) "list is longer than 2^28-1 bytes") ;; 0 modulo 2^32
(component instance $l $Lists)
(assert_trap (invoke "bools" (u32.const 0) (u32.const 0xffffffff)) "list is longer than 2^28-1 bytes")

;; Alignment counts even for an empty list, and before bounds.
(component instance $l $Lists)
(assert_trap (invoke "u16s" (u32.const 1) (u32.const 0)) "list pointer is not aligned")
(component instance $l $Lists)
(assert_trap (invoke "u32s" (u32.const 2) (u32.const 1)) "list pointer is not aligned")
(component instance $l $Lists)
(assert_trap (invoke "u64s" (u32.const 4) (u32.const 1)) "list pointer is not aligned")
(component instance $l $Lists)
(assert_trap (invoke "tuples" (u32.const 260) (u32.const 1)) "list pointer is not aligned")
(component instance $l $Lists)
(assert_trap (invoke "lists" (u32.const 514) (u32.const 0)) "list pointer is not aligned")
(component instance $l $Lists)
(assert_trap (invoke "u32s" (u32.const 0xfffffffe) (u32.const 1)) "list pointer is not aligned")
(component instance $l $Lists)
(assert_trap (invoke "u32s" (u32.const 2) (u32.const 0xffffffff)) "list is longer than 2^28-1 bytes")

;; Bounds, in more than 32 bits.
(component instance $l $Lists)
(assert_trap (invoke "u8s" (u32.const 65537) (u32.const 0)) "list is out of bounds of memory")
(component instance $l $Lists)
(assert_trap (invoke "u8s" (u32.const 65535) (u32.const 2)) "list is out of bounds of memory")
(component instance $l $Lists)
(assert_trap (invoke "u8s" (u32.const 0xffffffff) (u32.const 1)) "list is out of bounds of memory")
(component instance $l $Lists)
(assert_trap (invoke "bools" (u32.const 0xfffffff0) (u32.const 16)) "list is out of bounds of memory") ;; ends at 2^32
(component instance $l $Lists)
(assert_trap (invoke "u64s" (u32.const 65528) (u32.const 2)) "list is out of bounds of memory")
(component instance $l $Lists)
(assert_trap (invoke "u64s" (u32.const 65544) (u32.const 0)) "list is out of bounds of memory")
(component instance $l $Lists)
(assert_trap (invoke "options" (u32.const 65528) (u32.const 1)) "list is out of bounds of memory")

;; An inner list is checked as an outer one.
(component instance $l $Lists)
(assert_trap (invoke "lists" (u32.const 65528) (u32.const 1)) "list is longer than 2^28-1 bytes") ;; "abcd" + "efgh"
