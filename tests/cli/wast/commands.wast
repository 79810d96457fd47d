;; Every command, right and wrong; tests/cli/wast.sh has the lines.
(; a block comment (; in another ;) "(" ;)
(component definition $D
  (core module $M
    (global $count (mut i32) (i32.const 0))
    (func (export "next") (result i32)
      (global.set $count (i32.add (global.get $count) (i32.const 1)))
      (global.get $count))
    (func (export "trap") unreachable)
    (func $deep (export "deep") (call $deep)))
  (core instance $m (instantiate $M))
  (func (export "next") (result u32) (canon lift (core func $m "next")))
  (func (export "trap") (canon lift (core func $m "trap")))
  (func (export "deep") (canon lift (core func $m "deep"))))

(component instance $one $D)
(component instance $two $D)
(invoke "next")
(assert_return (invoke $one "next") (u32.const 1))
(assert_return (invoke $two "next") (u32.const 2))
(register "three" $one)
(assert_return (invoke $three "next") (u32.const 2))
(assert_trap (invoke $one "trap") "unreachable")
(assert_trap (invoke $one "next") "cannot enter component instance")
(assert_return (invoke $two "next") (u32.const 3))
(assert_trap (invoke $two "trap") "something that no table knows")
(component instance $four $D)
(assert_exhaustion (invoke "deep") "call stack exhausted")
(component $binary binary "\00asm" "\0d\00\01\00")
(component quote "(core module)")
(assert_invalid (component (type (tuple))) "tuple type must have at least one type")
(assert_malformed (component binary "\00asm" "\0d\00\01\00" "\ff") "unexpected end")
(assert_malformed (component quote "(bad syntax") "unexpected token")
(assert_invalid (component quote "(export \"x\" (func $unknown))") "unknown func")
(assert_unlinkable
  (component
    (import "f" (func $f))
    (core func $l (canon lower (func $f)))
    (core module $M (import "" "f" (func)))
    (core instance (instantiate $M (with "" (instance (export "f" (func $l)))))))
  "import `f` is not there")
(assert_trap (component (core module $M (func $f unreachable) (start $f)) (core instance (instantiate $M))) "unreachable")
(module $core (func (export "f")))
(assert_invalid (module (export "f" (func 9))) "unknown function")
(assert_malformed (module binary "\00asm\01\00\00\00\0f") "malformed section id")
(component definition $async
  (core module $M (func (export "f") (result i32) (i32.const 0)) (func (export "cb") (param i32 i32 i32) (result i32) (i32.const 0)))
  (core instance $m (instantiate $M))
  (func (export "f") async (canon lift (core func $m "f") async (callback (func $m "cb")))))
(component instance $async $async)
(component definition $builtins
  (core func $new (canon waitable-set.new))
  (core func $inc (canon backpressure.inc))
  (core module $M
    (import "" "new" (func $new (result i32)))
    (import "" "inc" (func $inc))
    (func (export "one") (result i32) (i32.const 1))
    (func (export "new") (result i32) (call $new))
    (func (export "new-post") (param i32) (drop (call $new)))
    (func (export "inc-post") (param i32) (call $inc)))
  (core instance $m (instantiate $M (with "" (instance (export "new" (func $new)) (export "inc" (func $inc))))))
  (func (export "one") (result u32) (canon lift (core func $m "one")))
  (func (export "new") (result u32) (canon lift (core func $m "new")))
  (func (export "post-leaves") (result u32) (canon lift (core func $m "one") (post-return (func $m "new-post"))))
  (func (export "post-stays") (result u32) (canon lift (core func $m "one") (post-return (func $m "inc-post")))))
(component instance $a $builtins)
(component instance $b $builtins)
(component instance $c $builtins)
(assert_return (invoke $a "one") (u32.const 1))
(assert_return (invoke $b "one") (u32.const 1))
(assert_trap (invoke $c "post-leaves") "cannot leave component instance") ;; before anything that canonjit lacks

;; From here on all is wrong, or skipped.
(module (import "" "f" (func)))
(assert_return (invoke "f"))
(assert_return (invoke $core "f"))
(component (type (tuple)))
(component definition $Bad (type (tuple)))
(component instance $bad $Bad)
(component instance $none $None)
(assert_invalid (component) "it is valid")
(assert_malformed (component binary "\00asm" "\0d\00\01\00") "it is well-formed")
(assert_unlinkable (component) "it has no imports")
(assert_trap (component) "it does not trap")
(assert_trap (component (core module $M (func $f unreachable) (start $f)) (core instance (instantiate $M))) "integer overflow")
(register "x" $none-of-that-name)
(unknown_command)
(assert_return (invoke "f" (u8.const 256)))
(component $text (unknown-field)) ;; skipped
(assert_return (invoke $text "f")) ;; skipped
(assert_return (invoke $async "f")) ;; skipped
(component $M (core module $M (memory 1) (memory 1)) (core instance (instantiate $M))) ;; skipped
(assert_return (invoke $a "new") (u32.const 1)) ;; skipped
(assert_return (invoke $a "one") (u32.const 1)) ;; skipped
(assert_trap (invoke $b "post-stays") "cannot leave component instance") ;; skipped
