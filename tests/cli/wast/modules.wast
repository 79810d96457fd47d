;; Core modules that named instances export, imported by later components: defined, aliased, handed on.
(component $source
  (core module (export "inline") (func (export "f") (result i32) (i32.const 1)))
  (core module $M (func (export "f") (result i32) (i32.const 2)))
  (instance $i (export "m" (core module $M)))
  (alias export $i "m" (core module $N))
  (export "aliased" (core module $N))
  (export "named" (core module $M)))
(component definition $D
  (core module (export "m") (func (export "f") (result i32) (i32.const 3)) (memory (export "mem") 1)))
(component instance $defined $D)
(component $between
  (import "source" (instance $s (export "aliased" (core module (export "f" (func (result i32)))))))
  (alias export $s "aliased" (core module $m))
  (export "m" (core module $m)))
(component
  (core type $T (module (export "f" (func (result i32)))))
  (import "source" (instance $source (export "inline" (core module (type $T))) (export "named" (core module (type $T)))))
  (import "defined" (instance $defined (export "m" (core module (type $T)))))
  (import "between" (instance $between (export "m" (core module (type $T)))))
  (core instance $a (instantiate (module $source "inline")))
  (core instance $b (instantiate (module $source "named")))
  (core instance $c (instantiate (module $defined "m")))
  (core instance $d (instantiate (module $between "m")))
  (func (export "a") (result u32) (canon lift (core func $a "f")))
  (func (export "b") (result u32) (canon lift (core func $b "f")))
  (func (export "c") (result u32) (canon lift (core func $c "f")))
  (func (export "d") (result u32) (canon lift (core func $d "f"))))
(assert_return (invoke "a") (u32.const 1))
(assert_return (invoke "b") (u32.const 2))
(assert_return (invoke "c") (u32.const 3))
(assert_return (invoke "d") (u32.const 2))
(assert_unlinkable
  (component (import "source" (instance (export "named" (core module (export "f" (func (result i64))))))))
  "the function has another type")
(assert_unlinkable
  (component (import "defined" (instance (export "m" (core module (export "mem" (memory 2)))))))
  "the memory is smaller")
(component (import "defined" (instance (export "m" (core module (export "mem" (memory 0)))))))
