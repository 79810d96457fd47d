;; spin: loops for ever, in code and in recursion, in an export and in a start function that asks the host first; and without a loop: lists of
;; lists that are all one another's elements are given to a component whose realloc is a constant.
(component
  (import "spin-at-start" (func $ask (result bool)))
  (core func $ask' (canon lower (func $ask)))
  (core module $m
    (import "h" "ask" (func $ask (result i32)))
    (func $spin (loop $again (br $again)))
    (func $fib (param i32) (result i32)
      (if (i32.lt_u (local.get 0) (i32.const 2)) (then (return (local.get 0))))
      (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1))) (call $fib (i32.sub (local.get 0) (i32.const 2)))))
    (func $start (if (call $ask) (then (call $spin))))
    (func (export "spin") (call $spin))
    (func (export "fib") (param i32) (result i32) (call $fib (local.get 0)))
    (func (export "one") (result i32) (i32.const 1))
    (start $start))
  (core instance $i (instantiate $m (with "h" (instance (export "ask" (func $ask'))))))
  (func $spin (canon lift (core func $i "spin")))
  (export "spin" (func $spin))
  (func $fib (param "n" u32) (result u32) (canon lift (core func $i "fib")))
  (export "fib" (func $fib))
  (func $one (result u32) (canon lift (core func $i "one")))
  (export "one" (func $one))

  (component $Taker
    (core module $m
      (memory (export "memory") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0))
      (func (export "take") (param i32 i32)))
    (core instance $i (instantiate $m))
    (type $1 (list u8)) (type $2 (list $1)) (type $3 (list $2)) (type $4 (list $3)) (type $5 (list $4)) (type $6 (list $5)) (type $7 (list $6))
    (func (export "take") (param "v" $7)
      (canon lift (core func $i "take") (memory $i "memory") (realloc (core func $i "realloc")))))
  (component $Giver
    (type $1 (list u8)) (type $2 (list $1)) (type $3 (list $2)) (type $4 (list $3)) (type $5 (list $4)) (type $6 (list $5)) (type $7 (list $6))
    (import "take" (func $take (param "v" $7)))
    (core module $memory (memory (export "memory") 1))
    (core instance $memory (instantiate $memory))
    (core func $take' (canon lower (func $take) (memory $memory "memory")))
    (core module $m
      (import "t" "take" (func $take (param i32 i32)))
      (import "m" "memory" (memory 1))
      (func (export "give") 
        (local $at i32)
        (loop $again
          (i32.store offset=4 (local.get $at) (i32.const 512))
          (br_if $again (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.const 4096))))
        (call $take (i32.const 0) (i32.const 512))))
    (core instance $i (instantiate $m (with "t" (instance (export "take" (func $take')))) (with "m" (instance $memory))))
    (func (export "give") (canon lift (core func $i "give"))))
  (instance $taker (instantiate $Taker))
  (instance $giver (instantiate $Giver (with "take" (func $taker "take"))))
  (export "give" (func $giver "give"))
)
