;; tiers: an export, imports and fused calls that are called in loops, so that their code changes while a guest runs.
;;
;;     host ─▶ loop ─▶ (n times) the other component's add (fused) and tick (host)
(component
  (import "tick" (func $tick (param "n" u32) (result u32)))

  (component $adder
    (core module $m (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))
    (core instance $i (instantiate $m))
    (func (export "add") (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $i "add"))))
  (instance $adder (instantiate $adder))

  (component $looper
    (import "add" (func $add (param "a" u32) (param "b" u32) (result u32)))
    (import "tick" (func $tick (param "n" u32) (result u32)))
    (core func $add' (canon lower (func $add)))
    (core func $tick' (canon lower (func $tick)))
    (core module $m
      (import "h" "add" (func $add (param i32 i32) (result i32)))
      (import "h" "tick" (func $tick (param i32) (result i32)))
      (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
      ;; tick(0) + tick(1) + ... + tick(n - 1), added by the other component
      (func (export "loop") (param $n i32) (result i32)
        (local $i i32) (local $sum i32)
        (block $done
          (loop $again
            (br_if $done (i32.ge_u (local.get $i) (local.get $n)))
            (local.set $sum (call $add (local.get $sum) (call $tick (local.get $i))))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br $again)))
        (local.get $sum)))
    (core instance $i (instantiate $m (with "h" (instance (export "add" (func $add')) (export "tick" (func $tick'))))))
    (func (export "add") (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $i "add")))
    (func (export "loop") (param "n" u32) (result u32) (canon lift (core func $i "loop"))))
  (instance $looper (instantiate $looper (with "add" (func $adder "add")) (with "tick" (func $tick))))
  (export "add" (func $looper "add"))
  (export "loop" (func $looper "loop")))
