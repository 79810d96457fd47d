;; scoped: results in memory that is always the same, and post-returns that say what they were given.
(component
  (import "host-fn" (func $host (param "n" u32) (result u32)))
  (core module $m
    (memory (export "memory") 1)
    (global $posts (mut i32) (i32.const 0))
    (global $given (mut i32) (i32.const -1))
    (data (i32.const 16) "hello")
    (data (i32.const 32) "h\00e\00")
    (data (i32.const 64) "\01\00\00\00\02\00\00\00\03\00\00\00")
    (data (i32.const 128) "\10\00\00\00\05\00\00\00")                          ;; text
    (data (i32.const 136) "\40\00\00\00\03\00\00\00")                          ;; numbers
    (data (i32.const 144) "\20\00\00\00\02\00\00\00")                          ;; wide
    (data (i32.const 152) "\a0\00\00\00\02\00\00\00\10\00\00\00\05\00\00\00\11\00\00\00\02\00\00\00") ;; names
    (data (i32.const 176) "\fe\ff\00\00\05\00\00\00")                          ;; bad
    (func (export "text") (result i32) (i32.const 128))
    (func (export "numbers") (result i32) (i32.const 136))
    (func (export "wide") (result i32) (i32.const 144))
    (func (export "names") (result i32) (i32.const 152))
    (func (export "bad") (result i32) (i32.const 176))
    (func (export "twice") (param f64) (result f64) (f64.add (local.get 0) (local.get 0)))
    (func (export "posts") (result i32) (global.get $posts))
    (func (export "given") (result i32) (global.get $given))
    (func (export "post") (param i32)
      (global.set $given (local.get 0))
      (global.set $posts (i32.add (global.get $posts) (i32.const 1))))
    (func (export "post-f64") (param f64) (global.set $given (i32.trunc_f64_s (local.get 0))))
    (func (export "post-traps") (param i32) unreachable))
  (core instance $i (instantiate $m))
  (alias core export $i "memory" (core memory $memory))
  (func (export "text") (result string) (canon lift (core func $i "text") (memory $memory) (post-return (func $i "post"))))
  (func (export "numbers") (result (list u32)) (canon lift (core func $i "numbers") (memory $memory) (post-return (func $i "post"))))
  (func (export "wide") (result string) (canon lift (core func $i "wide") (memory $memory) string-encoding=utf16))
  (func (export "names") (result (list string)) (canon lift (core func $i "names") (memory $memory) (post-return (func $i "post"))))
  (func (export "bad") (result string) (canon lift (core func $i "bad") (memory $memory) (post-return (func $i "post"))))
  (func (export "text-then-trap") (result string) (canon lift (core func $i "text") (memory $memory) (post-return (func $i "post-traps"))))
  (func (export "twice") (param "n" f64) (result f64) (canon lift (core func $i "twice") (post-return (func $i "post-f64"))))
  (func (export "posts") (result u32) (canon lift (core func $i "posts")))
  (func (export "given") (result u32) (canon lift (core func $i "given")))
  (export "host-again" (func $host)))
