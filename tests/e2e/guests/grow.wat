;; grow: a memory of 4 pages, and a table of 100 elements that may have 200.
(component
  (core module $m
    (memory 4)
    (table 100 200 funcref)
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "grow-table") (param i32) (result i32) (table.grow (ref.null func) (local.get 0))))
  (core instance $i (instantiate $m))
  (func $grow (param "pages" u32) (result s32) (canon lift (core func $i "grow")))
  (export "grow" (func $grow))
  (func $grow-table (param "elements" u32) (result s32) (canon lift (core func $i "grow-table")))
  (export "grow-table" (func $grow-table))
)
