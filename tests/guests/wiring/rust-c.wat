;; Rust uses C.
(component
  (import "log" (func $log (param "message" string)))
  (component $user)
  (component $values)
  (instance $v (instantiate $values))
  (instance $u (instantiate $user
    (with "test:types/shapes@1.0.0" (instance $v "test:types/shapes@1.0.0"))
    (with "test:types/text@1.0.0" (instance $v "test:types/text@1.0.0"))
    (with "test:types/show@1.0.0" (instance $v "test:types/show@1.0.0"))
    (with "log" (func $log))))
  (export "shout" (func $u "shout"))
  (export "introduce" (func $u "introduce"))
  (export "sorted" (func $u "sorted")))
