;; Tail calls with many parameters, at the end of whatever stack there is.
(module
  (type $wide (func (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64)))
  (func $wide (type $wide) (local.get 31))
  (func $step (param i32) (result i64)
    (return_call $wide
      (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5) (i64.const 6) (i64.const 7) (i64.const 8)
      (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5) (i64.const 6) (i64.const 7) (i64.const 8)
      (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5) (i64.const 6) (i64.const 7) (i64.const 8)
      (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5) (i64.const 6) (i64.const 7) (i64.const 8)))
  (func $deep (export "deep") (param i32) (result i64)
    (if (i32.eqz (local.get 0)) (then (return (call $step (i32.const 0)))))
    (i64.add (call $deep (i32.sub (local.get 0) (i32.const 1))) (call $step (local.get 0))))
  (func $loop (export "loop") (param i32) (result i32)
    (if (i32.eqz (local.get 0)) (then (return (i32.const 99))))
    (return_call $loop (i32.sub (local.get 0) (i32.const 1)))))
