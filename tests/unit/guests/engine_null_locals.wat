;; Locals of a reference type begin as null: were they function 0, the guest could call an import with a slot of its choice.
(module
  (import "cj" "(i)" (func $import (param i32)))
  (type $t (func (param i32)))
  (table $t 1 1 funcref)
  (func (export "is_null") (result i32) (local i64 funcref i32 externref)
    (i32.add (ref.is_null (local.get 1)) (ref.is_null (local.get 3))))
  (func (export "call_null") (local f32 funcref)
    (table.set $t (i32.const 0) (local.get 1))
    (call_indirect $t (type $t) (i32.const 5) (i32.const 0))))
