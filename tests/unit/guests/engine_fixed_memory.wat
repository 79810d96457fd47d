;; Never grows: WAMR makes this one page of 200 KiB.
(module
  (memory 3)
  (func (export "load") (param i32) (result i32) (i32.load (local.get 0))))
