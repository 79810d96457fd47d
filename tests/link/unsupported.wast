;; Valid components that canonjit cannot run yet: the error names the feature.

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
;; @lift-of-builtin: unsupported: async (canon lift)
(component
  (core func $d (canon backpressure.inc))
  (func $g (canon lift (core func $d)))
  (export "g" (func $g)))
;; @imported-module: unsupported: imported core module `m`
(component (import "m" (core module $m)) (core instance (instantiate $m)))
;; @imported-component: unsupported: imported component `c`
(component (import "c" (component $c)) (instance (instantiate $c)))
;; @imported-component-instantiated-inside: unsupported: imported component `c`
(component
  (import "c" (component $c))
  (component $d (import "x" (component $x)) (instance (instantiate $x)))
  (instance (instantiate $d (with "x" (component $c)))))
;; @shared-table-between-memories: unsupported: core instances with different memories that share a core table
(component
  (core module $a (memory 1) (table (export "t") 1 funcref))
  (core module $b (import "e" "t" (table 1 funcref)) (memory 1))
  (core instance $a (instantiate $a))
  (core instance (instantiate $b (with "e" (instance $a)))))
;; @exceptions: unsupported: core exceptions
(component (core module $a (tag (export "e"))) (core instance (instantiate $a)))
;; @multi-memory: unsupported: core multi-memory
(component (core module $a (memory 1) (memory 1)) (core instance (instantiate $a)))
;; @memory64: unsupported: core memory64
(component (core module $a (memory i64 1)) (core instance (instantiate $a)))
;; @resource64: unsupported: memory64 (a resource represented by i64)
(component
  (type $r (resource (rep i64)))
  (export $e "r" (type $r))
  (core module $m (func (export "f") (param i32)))
  (core instance $i (instantiate $m))
  (func $f (param "x" (own $e)) (canon lift (core func $i "f")))
  (export "f" (func $f)))
;; @start: unsupported: start functions of components
(component (import "f" (func)) (start 0))
;; @imported-module-in-instance: unsupported: imported core module `i#m`
(component
  (import "i" (instance $i (export "m" (core module (export "f" (func))))))
  (core instance $c (instantiate (module $i "m")))
  (func $f (canon lift (core func $c "f")))
  (export "f" (func $f)))
;; @imported-component-in-instance: unsupported: imported component `i#c`
(component
  (import "i" (instance $i (export "c" (component (export "f" (func))))))
  (instance $c (instantiate (component $i "c")))
  (export "f" (func $c "f")))
;; @reference-between-memories: unsupported: funcref in a core function that crosses groups
(component
  (core module $a (memory 1) (func (export "f") (result funcref) (ref.null func)))
  (core module $b (import "e" "f" (func (result funcref))) (memory 1))
  (core instance $a (instantiate $a))
  (core instance (instantiate $b (with "e" (instance $a)))))
;; @results-between-memories: unsupported: several results of a core function that crosses groups
(component
  (core module $a (memory 1) (func (export "f") (result i32 i32) (i32.const 1) (i32.const 2)))
  (core module $b (import "e" "f" (func (result i32 i32))) (memory 1))
  (core instance $a (instantiate $a))
  (core instance (instantiate $b (with "e" (instance $a)))))
;; @shared-global-between-memories: unsupported: core instances with different memories that share a core global
(component
  (core module $a (memory 1) (global (export "g") (mut i32) (i32.const 0)))
  (core module $b (import "e" "g" (global (mut i32))) (memory 1))
  (core instance $a (instantiate $a))
  (core instance (instantiate $b (with "e" (instance $a)))))
;; @reference-constant-between-memories: unsupported: core instances with different memories that share a core global
(component
  (core module $a (memory 1) (func $f) (global (export "g") funcref (ref.func $f)))
  (core module $b (import "e" "g" (global funcref)) (memory 1))
  (core instance $a (instantiate $a))
  (core instance (instantiate $b (with "e" (instance $a)))))
;; @two-memories-by-a-third: unsupported: core instances with different memories that share a core table
(component
  (core module $a (memory (export "m") 1))
  (core module $b (memory 1) (table (export "t") 1 funcref))
  (core module $c (import "a" "m" (memory 1)) (import "b" "t" (table 1 funcref)))
  (core instance $a (instantiate $a))
  (core instance $b (instantiate $b))
  (core instance (instantiate $c (with "a" (instance $a)) (with "b" (instance $b)))))
;; @async-destructor: unsupported: async (a resource type's destructor)
(component
  (core func $d (canon subtask.drop))
  (type (resource (rep i32) (dtor (func $d)))))
;; @imports-given: unsupported: imported core module `m`
;; test_program.c gives what it imports.
(component
  (import "m" (core module $m (export "f" (func (result i32)))))
  (import "i" (instance $i
    (export "c" (component (import "g" (func (result u32))) (export "h" (func (result u32)))))))
  (core instance $a (instantiate $m))
  (func $f (result u32) (canon lift (core func $a "f")))
  (component $wrap
    (import "f" (core module $m (export "f" (func (result i32)))))
    (core instance $i (instantiate $m))
    (func (export "g") (result u32) (canon lift (core func $i "f"))))
  (instance $w (instantiate $wrap (with "f" (core module $m))))
  (alias export $i "c" (component $c))
  (instance $b (instantiate $c (with "g" (func $w "g"))))
  (export "f" (func $f))
  (export "h" (func $b "h")))
;; @parameters-between-memories: unsupported: more than 63 parameters of a core function that crosses groups
(component
  (core module $a (memory 1) (func (export "f") (param
    i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32
    i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32
    i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32
    i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (core module $b
    (import "e" "f" (func (param
    i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32
    i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32
    i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32
    i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
    (memory 1))
  (core instance $a (instantiate $a))
  (core instance (instantiate $b (with "e" (instance $a)))))
