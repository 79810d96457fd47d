;; start: two core modules with start functions; the second's calls the host, which decides how it ends.
(component
  (import "at-start" (func $at-start (param "n" u32) (result u32)))
  (core func $at-start' (canon lower (func $at-start)))
  (core module $first
    (global $seen (mut i32) (i32.const 0))
    (func $start (global.set $seen (i32.const 7)))
    (func (export "seen") (result i32) (global.get $seen))
    (start $start))
  (core instance $a (instantiate $first))
  (core module $second
    (import "h" "at-start" (func $at-start (param i32) (result i32)))
    (import "a" "seen" (func $seen (result i32)))
    (global $said (mut i32) (i32.const 0))
    (func $start
      (global.set $said (call $at-start (call $seen)))
      (if (i32.eq (global.get $said) (i32.const 99)) (then unreachable)))
    (func (export "said") (result i32) (global.get $said))
    (start $start))
  (core instance $b (instantiate $second (with "h" (instance (export "at-start" (func $at-start')))) (with "a" (instance $a))))
  (func $said (result u32) (canon lift (core func $b "said")))
  (export "said" (func $said))
)
