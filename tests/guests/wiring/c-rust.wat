;; C uses Rust.
(component
  (component $user)
  (component $rust)
  (instance $r (instantiate $rust))
  (instance $u (instantiate $user
    (with "test:rust/geometry@1.0.0" (instance $r "test:rust/geometry@1.0.0"))
    (with "greet" (func $r "greet"))
    (with "sum" (func $r "sum"))
    (with "longest" (func $r "longest"))
    (with "parse" (func $r "parse"))
    (with "sort" (func $r "sort"))))
  (export "report" (func $u "report"))
  (export "middle" (func $u "middle")))
