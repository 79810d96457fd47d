;; unused: imports a function that it never lowers, next to one that it does.
(component
  (import "never" (func $never (param "x" u32)))
  (import "always" (func $always (param "x" u32) (result u32)))
  (core func $always' (canon lower (func $always)))
  (core module $m
    (import "h" "always" (func $always (param i32) (result i32)))
    (func (export "f") (param i32) (result i32) (call $always (local.get 0))))
  (core instance $i (instantiate $m (with "h" (instance (export "always" (func $always'))))))
  (func $f (param "x" u32) (result u32) (canon lift (core func $i "f")))
  (export "f" (func $f))
)
