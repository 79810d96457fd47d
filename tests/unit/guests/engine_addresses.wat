;; Addresses that come from locals, which WAMR may believe to have compared already; a trap in a function that has called itself.
(module
  (memory 1 1)
  (data (i32.const 0) "\01\00\00\00")
  ;; A value of $a from before it was set is an address after that; then $a is.
  (func (export "stale") (param $a i32) (param $b i32) (result i32)
    (local.get $a)
    (local.set $a (local.get $b))
    (i32.load)
    (i32.add (i32.load (local.get $a))))
  (func (export "stale_store") (param $a i32) (param $b i32)
    (local.get $a)
    (local.set $a (local.get $b))
    (i32.const 7)
    (i32.store)
    (i32.store (local.get $a) (i32.const 7)))
  (func $again (export "again") (param $n i32) (param $at i32) (result i32)
    (if (local.get $n)
      (then
        (drop (call $again (i32.sub (local.get $n) (i32.const 1)) (local.get $at)))
        (i32.store (i32.const 0) (i32.const 9))))
    (i32.load (local.get $at)))
)
