;; Valid components that canonjit cannot run yet: the error names the feature.

;; @resources-exported: unsupported: resources (export `f`)
(component
  (type $r (resource (rep i32)))
  (export $e "r" (type $r))
  (core module $m (func (export "f") (param i32)))
  (core instance $i (instantiate $m))
  (func $f (param "x" (own $e)) (canon lift (core func $i "f")))
  (export "f" (func $f)))
;; @resources-lowered: unsupported: resources (core import `e.f`)
(component
  (import "r" (type $r (sub resource)))
  (import "f" (func $f (param "x" (borrow $r))))
  (core func $f' (canon lower (func $f)))
  (core module $m (import "e" "f" (func (param i32))))
  (core instance (instantiate $m (with "e" (instance (export "f" (func $f')))))))
;; @resource-drop: unsupported: resources (core import `e.f`)
(component
  (import "r" (type $r (sub resource)))
  (core func $f' (canon resource.drop $r))
  (core module $m (import "e" "f" (func (param i32))))
  (core instance (instantiate $m (with "e" (instance (export "f" (func $f')))))))
;; @async-builtin: unsupported: async (core import `e.f`)
(component
  (core func $f' (canon waitable-set.new))
  (core module $m (import "e" "f" (func (result i32))))
  (core instance (instantiate $m (with "e" (instance (export "f" (func $f')))))))
;; @threads: unsupported: threads (core import `e.f`)
(component
  (core func $f' (canon thread.index))
  (core module $m (import "e" "f" (func (result i32))))
  (core instance (instantiate $m (with "e" (instance (export "f" (func $f')))))))
;; @error-context-builtin: unsupported: error-context (core import `e.f`)
(component
  (core func $f' (canon error-context.drop))
  (core module $m (import "e" "f" (func (param i32))))
  (core instance (instantiate $m (with "e" (instance (export "f" (func $f')))))))
;; @async-lift: unsupported: async lift (export `f`)
(component
  (core module $m (func (export "f") (result i32) unreachable) (func (export "c") (param i32 i32 i32) (result i32) unreachable))
  (core instance $i (instantiate $m))
  (func $f async (canon lift (core func $i "f") async (callback (func $i "c"))))
  (export "f" (func $f)))
;; @async-lower: unsupported: async lower (core import `e.f`)
(component
  (import "f" (func $f async))
  (core func $f' (canon lower (func $f) async))
  (core module $m (import "e" "f" (func (result i32))))
  (core instance (instantiate $m (with "e" (instance (export "f" (func $f')))))))
;; @async-type-lifted: unsupported: async function types (export `f`)
(component
  (core module $m (func (export "f")))
  (core instance $i (instantiate $m))
  (func $f async (canon lift (core func $i "f")))
  (export "f" (func $f)))
;; @async-type-lowered: unsupported: async function types (core import `e.f`)
(component
  (import "f" (func $f async))
  (core func $f' (canon lower (func $f)))
  (core module $m (import "e" "f" (func)))
  (core instance (instantiate $m (with "e" (instance (export "f" (func $f')))))))
;; @stream: unsupported: streams (export `f`)
(component
  (core module $m (func (export "f") (param i32)))
  (core instance $i (instantiate $m))
  (func $f (param "x" (stream u8)) (canon lift (core func $i "f")))
  (export "f" (func $f)))
;; @future: unsupported: futures (core import `e.f`)
(component
  (import "f" (func $f (param "x" (option (future u8)))))
  (core func $f' (canon lower (func $f)))
  (core module $m (import "e" "f" (func (param i32 i32))))
  (core instance (instantiate $m (with "e" (instance (export "f" (func $f')))))))
;; @error-context: unsupported: error-context (export `f`)
(component
  (core module $m (func (export "f") (param i32)))
  (core instance $i (instantiate $m))
  (func $f (param "x" error-context) (canon lift (core func $i "f")))
  (export "f" (func $f)))
;; @fixed-length-list: unsupported: fixed-length lists (export `f`)
(component
  (core module $m (func (export "f") (param i32 i32)))
  (core instance $i (instantiate $m))
  (func $f (param "x" (list u8 2)) (canon lift (core func $i "f")))
  (export "f" (func $f)))
;; @lift-of-lower: unsupported: canon lift of a lowered function (export `g`)
(component
  (import "f" (func $f))
  (core func $f' (canon lower (func $f)))
  (func $g (canon lift (core func $f')))
  (export "g" (func $g)))
;; @lift-of-builtin: unsupported: canon lift of a canonical built-in function (export `g`)
(component
  (core func $d (canon backpressure.inc))
  (func $g (canon lift (core func $d)))
  (export "g" (func $g)))
;; @lift-of-lower-through-a-module: unsupported: canon lift of a lowered function (export `g`)
(component
  (import "f" (func $f))
  (core func $f' (canon lower (func $f)))
  (core module $m (import "e" "f" (func $f)) (export "f" (func $f)))
  (core instance $i (instantiate $m (with "e" (instance (export "f" (func $f'))))))
  (func $g (canon lift (core func $i "f")))
  (export "g" (func $g)))
;; @lower-of-lift: unsupported: canon lower of a function that a component lifts (core import `e.f`)
(component
  (core module $a (func (export "f")))
  (core instance $a (instantiate $a))
  (func $f (canon lift (core func $a "f")))
  (core func $f' (canon lower (func $f)))
  (core module $b (import "e" "f" (func)))
  (core instance (instantiate $b (with "e" (instance (export "f" (func $f')))))))
;; @lowered-realloc: unsupported: canonical option that names a lowered function (export `f`)
(component
  (import "r" (func $r (param "a" u32) (param "b" u32) (param "c" u32) (param "d" u32) (result u32)))
  (core func $r' (canon lower (func $r)))
  (core module $m (memory (export "m") 1) (func (export "f") (param i32 i32)))
  (core instance $i (instantiate $m))
  (func $f (param "s" string) (canon lift (core func $i "f") (memory $i "m") (realloc (func $r'))))
  (export "f" (func $f)))
;; @lowered-realloc-of-lower: unsupported: canonical option that names a lowered function
(component
  (import "r" (func $r (param "a" u32) (param "b" u32) (param "c" u32) (param "d" u32) (result u32)))
  (import "f" (func $f (result string)))
  (core func $r' (canon lower (func $r)))
  (core module $m (memory (export "m") 1))
  (core instance $i (instantiate $m))
  (core func $f' (canon lower (func $f) (memory $i "m") (realloc (func $r'))))
  (core module $n (import "e" "f" (func (param i32))))
  (core instance (instantiate $n (with "e" (instance (export "f" (func $f')))))))
;; @reexport-of-import: unsupported: re-export of an imported function (export `g`)
(component (import "f" (func $f)) (export "g" (func $f)))
;; @reexport-of-imported-instance: unsupported: re-export of an imported function (export `f`)
(component (import "a:b/c" (instance $i (export "f" (func)))) (export "x:y/z" (instance $i)))
;; @reexport-through-component: unsupported: re-export of an imported function (export `h`)
(component
  (import "f" (func $f))
  (component $c (import "f" (func $f)) (export "g" (func $f)))
  (instance $i (instantiate $c (with "f" (func $f))))
  (export "h" (func $i "g")))
;; @nested-instances: unsupported: nested component with core instances
(component
  (component $c (core module $m) (core instance (instantiate $m)))
  (instance (instantiate $c)))
;; @imported-module: unsupported: imported core modules (`m`)
(component (import "m" (core module)))
;; @imported-component: unsupported: imported components (`c`)
(component (import "c" (component)))
;; @calls-between-memories: unsupported: calls between core instances with different memories
(component
  (core module $a (memory 1) (func (export "f")))
  (core module $b (import "e" "f" (func)) (memory 1))
  (core instance $a (instantiate $a))
  (core instance (instantiate $b (with "e" (instance $a)))))
;; @shared-table-between-memories: unsupported: core instances with different memories that share a core table
(component
  (core module $a (memory 1) (table (export "t") 1 funcref))
  (core module $b (import "e" "t" (table 1 funcref)) (memory 1))
  (core instance $a (instantiate $a))
  (core instance (instantiate $b (with "e" (instance $a)))))
;; @options-of-another-memory: unsupported: canonical options that name another memory than the core function's
(component
  (core module $a (memory (export "m") 1))
  (core module $b (memory 1) (func (export "f") (result i32) unreachable))
  (core instance $a (instantiate $a))
  (core instance $b (instantiate $b))
  (func $f (result string) (canon lift (core func $b "f") (memory $a "m")))
  (export "f" (func $f)))
;; @lower-with-another-memory: unsupported: canonical options that name another memory than the core function's
(component
  (import "f" (func $f (param "s" string)))
  (core module $a (memory (export "m") 1))
  (core module $b (import "e" "f" (func (param i32 i32))) (memory 1))
  (core instance $a (instantiate $a))
  (core func $f' (canon lower (func $f) (memory $a "m")))
  (core instance (instantiate $b (with "e" (instance (export "f" (func $f')))))))
;; @exceptions: unsupported: core exceptions
(component (core module $a (tag (export "e"))) (core instance (instantiate $a)))
;; @multi-memory: unsupported: core multi-memory
(component (core module $a (memory 1) (memory 1)) (core instance (instantiate $a)))
;; @memory64: unsupported: core memory64
(component (core module $a (memory i64 1)) (core instance (instantiate $a)))
;; @resource64: unsupported: memory64 (export `f`)
(component
  (type $r (resource (rep i64)))
  (export $e "r" (type $r))
  (core module $m (func (export "f") (param i32)))
  (core instance $i (instantiate $m))
  (func $f (param "x" (own $e)) (canon lift (core func $i "f")))
  (export "f" (func $f)))
;; @start: unsupported: start functions of components
(component (import "f" (func)) (start 0))
