(module
  (memory 10 60000)
  (table $t 100 1000 funcref)
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "size") (result i32) (memory.size))
  (func (export "table.grow") (param i32) (result i32) (table.grow $t (ref.null func) (local.get 0))))
