;; segment: its data segment lies outside of its memory.
(component
  (core module $m
    (memory 1)
    (data (i32.const 65535) "ab")
    (func (export "f")))
  (core instance $i (instantiate $m))
  (func $f (canon lift (core func $i "f")))
  (export "f" (func $f))
)
