;; Constants that no instruction has room for: a compiler puts them into a section of their own.
(module
  (func (export "sum") (param f64) (result f64)
    (local.get 0)
    (f64.add (f64.const 1.5))
    (f64.add (f64.const 2.5))
    (f64.add (f64.const 3.5))
    (f64.add (f64.const 4.5))
    (f64.add (f64.const 5.5))
    (f64.add (f64.const 6.5))
    (f64.add (f64.const 7.5))
    (f64.add (f64.const 8.5))))
