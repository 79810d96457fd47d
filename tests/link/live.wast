;; Components with parts, slots of all kinds and resources; test_program.c says what must come of each.

;; @resources-exported
(component
  (type $r (resource (rep i32)))
  (export $e "r" (type $r))
  (core module $m (func (export "f") (param i32)))
  (core instance $i (instantiate $m))
  (func $f (param "x" (own $e)) (canon lift (core func $i "f")))
  (export "f" (func $f)))
;; @resources-lowered
(component
  (import "r" (type $r (sub resource)))
  (import "f" (func $f (param "x" (borrow $r))))
  (core func $f' (canon lower (func $f)))
  (core module $m (import "e" "f" (func (param i32))))
  (core instance (instantiate $m (with "e" (instance (export "f" (func $f')))))))
;; @resource-drop
(component
  (import "r" (type $r (sub resource)))
  (core func $f' (canon resource.drop $r))
  (core module $m (import "e" "f" (func (param i32))))
  (core instance (instantiate $m (with "e" (instance (export "f" (func $f')))))))
;; @lift-of-lower
(component
  (import "f" (func $f))
  (core func $f' (canon lower (func $f)))
  (func $g (canon lift (core func $f')))
  (export "g" (func $g)))
;; @lift-of-lower-through-a-module
(component
  (import "f" (func $f))
  (core func $f' (canon lower (func $f)))
  (core module $m (import "e" "f" (func $f)) (export "f" (func $f)))
  (core instance $i (instantiate $m (with "e" (instance (export "f" (func $f'))))))
  (func $g (canon lift (core func $i "f")))
  (export "g" (func $g)))
;; @lower-of-lift
(component
  (core module $a (func (export "f")))
  (core instance $a (instantiate $a))
  (func $f (canon lift (core func $a "f")))
  (core func $f' (canon lower (func $f)))
  (core module $b (import "e" "f" (func)))
  (core instance (instantiate $b (with "e" (instance (export "f" (func $f')))))))
;; @lowered-realloc
(component
  (import "r" (func $r (param "a" u32) (param "b" u32) (param "c" u32) (param "d" u32) (result u32)))
  (core func $r' (canon lower (func $r)))
  (core module $m (memory (export "m") 1) (func (export "f") (param i32 i32)))
  (core instance $i (instantiate $m))
  (func $f (param "s" string) (canon lift (core func $i "f") (memory $i "m") (realloc (func $r'))))
  (export "f" (func $f)))
;; @lowered-realloc-of-lower
(component
  (import "r" (func $r (param "a" u32) (param "b" u32) (param "c" u32) (param "d" u32) (result u32)))
  (import "f" (func $f (result string)))
  (core func $r' (canon lower (func $r)))
  (core module $m (memory (export "m") 1))
  (core instance $i (instantiate $m))
  (core func $f' (canon lower (func $f) (memory $i "m") (realloc (func $r'))))
  (core module $n (import "e" "f" (func (param i32))))
  (core instance (instantiate $n (with "e" (instance (export "f" (func $f')))))))
;; @reexport-of-import
(component (import "f" (func $f)) (export "g" (func $f)))
;; @reexport-of-imported-instance
(component (import "a:b/c" (instance $i (export "f" (func)))) (export "x:y/z" (instance $i)))
;; @reexport-through-component
(component
  (import "f" (func $f))
  (component $c (import "f" (func $f)) (export "g" (func $f)))
  (instance $i (instantiate $c (with "f" (func $f))))
  (export "h" (func $i "g")))
;; @nested-instances
(component
  (component $c (core module $m) (core instance (instantiate $m)))
  (instance (instantiate $c)))
;; @calls-between-memories
(component
  (core module $a (memory 1) (func (export "f")))
  (core module $b (import "e" "f" (func)) (memory 1))
  (core instance $a (instantiate $a))
  (core instance (instantiate $b (with "e" (instance $a)))))
;; @options-of-another-memory
(component
  (core module $a (memory (export "m") 1))
  (core module $b (memory 1) (func (export "f") (result i32) unreachable))
  (core instance $a (instantiate $a))
  (core instance $b (instantiate $b))
  (func $f (result string) (canon lift (core func $b "f") (memory $a "m")))
  (export "f" (func $f)))
;; @lower-with-another-memory
(component
  (import "f" (func $f (param "s" string)))
  (core module $a (memory (export "m") 1))
  (core module $b (import "e" "f" (func (param i32 i32))) (memory 1))
  (core instance $a (instantiate $a))
  (core func $f' (canon lower (func $f) (memory $a "m")))
  (core instance (instantiate $b (with "e" (instance (export "f" (func $f')))))))
