;; Components that decode but break a rule of validation: each case breaks one, and names the words that the error must have.

;; -- Index spaces -----------------------------------------------------------------------------------------------------------

;; @index-core-func: core function index 0 is out of bounds: the component has defined no core function yet
(component (type (func)) (func (type 0) (canon lift (core func 0))))
;; @index-func: function index 3 is out of bounds: the component has defined 1 so far, 0 to 0
(component (import "f" (func)) (core func (canon lower (func 3))))
;; @index-core-memory: core memory index 0 is out of bounds
(component (import "f" (func)) (core func (canon lower (func 0) (memory 0))))
;; @index-core-table: core table index 2 is out of bounds
(component (core instance (export "t" (table 2))))
;; @index-core-global: core global index 2 is out of bounds
(component (core instance (export "g" (global 2))))
;; @index-core-tag: core tag index 2 is out of bounds
(component (core instance (export "e" (tag 2))))
;; @index-core-module: core module index 0 is out of bounds
(component (core instance (instantiate 0)))
;; @index-core-instance: core instance index 1 is out of bounds
(component (core module $m) (core instance (instantiate $m)) (alias core export 1 "f" (core func)))
;; @index-core-type: core type index 0 is out of bounds
(component (import "m" (core module (type 0))))
;; @index-component: component index 7 is out of bounds
(component (instance (instantiate 7)))
;; @index-instance: instance index 0 is out of bounds
(component (alias export 0 "f" (func)))
;; @index-type: type index 4 is out of bounds
(component (type (list 4)))
;; @index-is-not-defined-yet: type index 1 is out of bounds: the component has defined 1 so far
(component (type (list u8)) (type (list 1)))
;; @index-in-nested-component-nobody-instantiates: function index 0 is out of bounds
(component (component (core func (canon lower (func 0)))))
;; @index-in-instance-type: the instance type has defined no type yet
(component (type (instance (export "f" (func (type 0))))))
;; @index-in-component-type: the component type has defined no type yet
(component (type (component (import "f" (func (type 0))))))
;; @index-of-argument: instance index 5 is out of bounds
(component (component $c) (instance (instantiate $c (with "a" (instance 5)))))
;; @index-of-start: function index 0 is out of bounds
(component (start 0))

;; -- Aliases ---------------------------------------------------------------------------------------------------------------------

;; @alias-no-export: instance 0 has no export named `g`
(component (import "i" (instance (export "f" (func)))) (alias export 0 "g" (func)))
;; @alias-wrong-sort: export `f` of instance 0 is a function, not a component
(component (import "i" (instance (export "f" (func)))) (alias export 0 "f" (component)))
;; @alias-core-no-export: core instance 0 has no export named `g`
(component (core module $m (func (export "f"))) (core instance (instantiate $m)) (alias core export 0 "g" (core func)))
;; @alias-core-wrong-sort: export `f` of core instance 0 is a core function, not a core memory
(component (core module $m (func (export "f"))) (core instance (instantiate $m)) (alias core export 0 "f" (core memory)))
;; @alias-core-of-inline: core instance 1 has no export named `f`
(component
  (core module $m (func (export "f")))
  (core instance $i (instantiate $m))
  (core instance (export "g" (func $i "f")))
  (alias core export 1 "f" (core func)))
;; @alias-outer-count: outer alias counts 2 scopes outward, but only 1 lie around it
(component (component (alias outer 2 0 (type))))
;; @alias-outer-index: type index 0 is out of bounds
(component (component (alias outer 1 0 (type))))
;; @alias-outer-resource: outer alias to type 0 refers to resource types
(component (type (resource (rep i32))) (component (alias outer 1 0 (type))))
;; @alias-outer-own: outer alias to type 1 refers to resource types
(component (type $r (resource (rep i32))) (type (list (own $r))) (component (alias outer 1 1 (type))))
;; @alias-outer-func-of-resource: outer alias to type 1 refers to resource types
(component (import "r" (type $r (sub resource))) (type (func (param "x" (borrow $r)))) (component (alias outer 1 1 (type))))
;; @alias-outer-instance-type-of-resource: outer alias to type 1 refers to resource types
(component
  (type $r (resource (rep i32)))
  (type (instance (export "r" (type (eq $r)))))
  (component (alias outer 1 1 (type))))

;; -- Types ---------------------------------------------------------------------------------------------------------------------------

;; @type-not-a-value: type 0 is not a value type, but `func()`
(component (type (func)) (type (list 0)))
;; @type-not-a-resource: type 0 is not a resource type, but `list<u8>`
(component (type (list u8)) (type (own 0)))
;; @type-not-a-function: type 0 is not a function type, but `string`
(component (type string) (import "f" (func (type 0))))
;; @type-not-an-instance: type 0 is not an instance type, but `func()`
(component (type (func)) (import "i" (instance (type 0))))
;; @type-not-a-component: type 0 is not a component type, but `instance type`
(component (type (instance)) (import "c" (component (type 0))))
;; @type-not-a-module: core type 0 is not a module type
(component (core type (func)) (import "m" (core module (type 0))))
;; @borrow-in-result: a function's result may not contain a borrow
(component (import "r" (type $r (sub resource))) (type (func (result (option (borrow $r))))))
;; @map-key: a map's key must be bool, an integer, char or string, not `f32`
(component (type $k f32) (type (map $k u8)))
;; @stream-of-char: stream<char> is not allowed
(component (type (stream char)))
;; @stream-of-borrow: the element of a stream may not contain a borrow
(component (import "r" (type $r (sub resource))) (type (stream (borrow $r))))
;; @future-of-borrow: the element of a future may not contain a borrow
(component (import "r" (type $r (sub resource))) (type (future (list (borrow $r)))))
;; @value-too-large: is larger than a value can be
(component (type (list u64 33554432)))
;; @value-with-stream-too-large: is larger than a value can be
(component (type $a (list u8 268435455)) (type (tuple $a (stream u8))))
;; @destructor: a resource's destructor must be (func (param i32)), this one is (func (param i64))
(component
  (core module $m (func (export "d") (param i64)))
  (core instance $i (instantiate $m))
  (type (resource (rep i32) (dtor (func $i "d")))))
;; @module-type-index: core type index 0 is out of bounds: the module type has defined 0 so far
(component (core type (module (export "f" (func (type 0))))))
;; @module-type-export-twice: export `f` is given twice
(component (core type (module (export "f" (func)) (export "f" (func)))))
;; @module-type-import-twice: the core module imports `a.b` twice
(component (core type (module (import "a" "b" (func)) (import "a" "b" (func)))))
;; @module-import-twice: the core module imports `a.b` twice
(component (core module (import "a" "b" (func)) (import "a" "b" (func))))
;; @module-type-memory: a core memory has 65536 pages at most
(component (core type (module (export "m" (memory 65537)))))

;; -- Names with annotations -----------------------------------------------------------------------------------------------------------

;; @method-without-resource: name `[method]r.f` needs a resource type named `r` before it, but there is none of that name
(component (import "[method]r.f" (func)))
;; @method-of-no-resource: but that name is something else
(component (import "r" (func)) (import "[static]r.f" (func)))
;; @method-without-self: the first parameter of function `[method]r.f` must be `self: borrow<r>`
(component (import "r" (type $r (sub resource))) (import "[method]r.f" (func (param "x" (borrow $r)))))
;; @method-with-own-self: the first parameter of function `[method]r.f` must be `self: borrow<r>`
(component (import "r" (type $r (sub resource))) (import "[method]r.f" (func (param "self" (own $r)))))
;; @constructor-result: function `[constructor]r` must return `own<r>`
(component (import "r" (type $r (sub resource))) (import "[constructor]r" (func (result u32))))
;; @constructor-without-result: function `[constructor]r` must return `own<r>`
(component (import "r" (type $r (sub resource))) (import "[constructor]r" (func)))
;; @method-in-instance-type: must be `self: borrow<r>`
(component (type (instance (export "r" (type $r (sub resource))) (export "[method]r.f" (func)))))
;; @method-before-resource-in-bag: needs a resource type named `r` before it
(component
  (import "r" (type $r (sub resource)))
  (import "[method]r.f" (func $f (param "self" (borrow $r))))
  (instance (export "[method]r.f" (func $f)) (export "r" (type $r))))

;; -- Core instantiation --------------------------------------------------------------------------------------------------------------

;; @core-no-argument: missing import `env.f`: no argument is named `env`
(component (core module $m (import "env" "f" (func))) (core instance (instantiate $m)))
;; @core-no-field: missing import `env.f`: the instance given for `env` has no such export
(component
  (core module $a (func (export "g")))
  (core module $b (import "env" "f" (func)))
  (core instance $a (instantiate $a))
  (core instance (instantiate $b (with "env" (instance $a)))))
;; @core-func-params: import `e.f` of the core module: expected (func (param i32)), found (func (param i64))
(component
  (core module $a (func (export "f") (param i64)))
  (core module $b (import "e" "f" (func (param i32))))
  (core instance $a (instantiate $a))
  (core instance (instantiate $b (with "e" (instance $a)))))
;; @core-func-results: expected (func (result i32)), found (func)
(component
  (core module $a (func (export "f")))
  (core module $b (import "e" "f" (func (result i32))))
  (core instance $a (instantiate $a))
  (core instance (instantiate $b (with "e" (instance $a)))))
;; @core-lowered-func: expected (func (param i32)), found (func (param i32 i32))
(component
  (import "f" (func $f (param "a" u8) (param "b" char)))
  (core func $f' (canon lower (func $f)))
  (core module $m (import "e" "f" (func (param i32))))
  (core instance (instantiate $m (with "e" (instance (export "f" (func $f')))))))
;; @core-sort: expected a core table, found a core memory
(component
  (core module $a (memory (export "t") 1))
  (core module $b (import "e" "t" (table 0 funcref)))
  (core instance $a (instantiate $a))
  (core instance (instantiate $b (with "e" (instance $a)))))
;; @core-memory-min: expected a memory with a size of 2 or more, found one of 1 or more
(component
  (core module $a (memory (export "m") 1))
  (core module $b (import "e" "m" (memory 2)))
  (core instance $a (instantiate $a))
  (core instance (instantiate $b (with "e" (instance $a)))))
;; @core-memory-no-max: expected a memory with a size of 1 to 4, found one of 1 or more
(component
  (core module $a (memory (export "m") 1))
  (core module $b (import "e" "m" (memory 1 4)))
  (core instance $a (instantiate $a))
  (core instance (instantiate $b (with "e" (instance $a)))))
;; @core-memory-max: expected a memory with a size of 1 to 4, found one of 1 to 5
(component
  (core module $a (memory (export "m") 1 5))
  (core module $b (import "e" "m" (memory 1 4)))
  (core instance $a (instantiate $a))
  (core instance (instantiate $b (with "e" (instance $a)))))
;; @core-memory-shared: expected a shared 32-bit memory, found a 32-bit one
(component
  (core module $a (memory (export "m") 1))
  (core module $b (import "e" "m" (memory 1 4 shared)))
  (core instance $a (instantiate $a))
  (core instance (instantiate $b (with "e" (instance $a)))))
;; @core-table-type: expected a table of funcref, found one of externref
(component
  (core module $a (table (export "t") 1 externref))
  (core module $b (import "e" "t" (table 1 funcref)))
  (core instance $a (instantiate $a))
  (core instance (instantiate $b (with "e" (instance $a)))))
;; @core-table-limits: expected a table with a size of 3 or more, found one of 1 or more
(component
  (core module $a (table (export "t") 1 funcref))
  (core module $b (import "e" "t" (table 3 funcref)))
  (core instance $a (instantiate $a))
  (core instance (instantiate $b (with "e" (instance $a)))))
;; @core-global-type: expected a constant global of type i32, found a constant one of type i64
(component
  (core module $a (global (export "g") i64 (i64.const 0)))
  (core module $b (import "e" "g" (global i32)))
  (core instance $a (instantiate $a))
  (core instance (instantiate $b (with "e" (instance $a)))))
;; @core-global-mutable: expected a mutable global of type i32, found a constant one of type i32
(component
  (core module $a (global (export "g") i32 (i32.const 0)))
  (core module $b (import "e" "g" (global (mut i32))))
  (core instance $a (instantiate $a))
  (core instance (instantiate $b (with "e" (instance $a)))))
;; @core-tag-type: expected (func (param i32)), found (func)
(component
  (core module $a (tag (export "e")))
  (core module $b (import "e" "e" (tag (param i32))))
  (core instance $a (instantiate $a))
  (core instance (instantiate $b (with "e" (instance $a)))))
;; @core-argument-twice: instantiation argument `e` is given twice
(component
  (core module $a)
  (core instance $i (instantiate $a))
  (core instance (instantiate $a (with "e" (instance $i)) (with "e" (instance $i)))))
;; @core-inline-twice: export `f` is given twice
(component
  (core module $a (func (export "f")))
  (core instance $i (instantiate $a))
  (core instance (export "f" (func $i "f")) (export "f" (func $i "f"))))
;; @core-of-abstract-module: expected (func), found (func (param i32))
(component
  (component
    (import "m" (core module $a (export "f" (func (param i32)))))
    (core module $b (import "e" "f" (func)))
    (core instance $i (instantiate $a))
    (core instance (instantiate $b (with "e" (instance $i))))))

;; -- Canonical definitions -----------------------------------------------------------------------------------------------------------------

;; @lift-params: canon lift: `func(a: u64)` flattens to (func (param i64)), but core function 0 is (func (param i32))
(component
  (core module $m (func (export "f") (param i32)))
  (core instance $i (instantiate $m))
  (func (param "a" u64) (canon lift (core func $i "f"))))
;; @lift-result: flattens to (func (result i32)), but core function 0 is (func)
(component
  (core module $m (func (export "f")))
  (core instance $i (instantiate $m))
  (func (result char) (canon lift (core func $i "f"))))
;; @lift-joined: flattens to (func (param i32 i64)), but core function 0 is (func (param i32 f32))
(component
  (core module $m (func (export "f") (param i32 f32)))
  (core instance $i (instantiate $m))
  (type $v (variant (case "a" f32) (case "b" u64)))
  (func (param "v" $v) (canon lift (core func $i "f"))))
;; @lift-needs-memory: canon lift of `func() -> string` needs canonical option `memory`
(component
  (core module $m (func (export "f") (result i32) unreachable))
  (core instance $i (instantiate $m))
  (func (result string) (canon lift (core func $i "f"))))
;; @lift-needs-memory-for-results: needs canonical option `memory`
(component
  (core module $m (func (export "f") (result i32) unreachable))
  (core instance $i (instantiate $m))
  (func (result (tuple u8 u8)) (canon lift (core func $i "f"))))
;; @lift-needs-realloc: canon lift of `func(s: string)` needs canonical option `realloc`
(component
  (core module $m (memory (export "m") 1) (func (export "f") (param i32 i32)))
  (core instance $i (instantiate $m))
  (func (param "s" string) (canon lift (core func $i "f") (memory $i "m"))))
;; @lift-of-map-needs-realloc: needs canonical option `realloc`
(component
  (core module $m (memory (export "m") 1) (func (export "f") (param i32 i32)))
  (core instance $i (instantiate $m))
  (func (param "s" (map u8 u8)) (canon lift (core func $i "f") (memory $i "m"))))
;; @lower-needs-memory: canon lower of `func(s: list<u8>)` needs canonical option `memory`
(component (import "f" (func $f (param "s" (list u8)))) (core func (canon lower (func $f))))
;; @lower-needs-realloc: canon lower of `func() -> string` needs canonical option `realloc`
(component
  (import "f" (func $f (result string)))
  (core module $m (memory (export "m") 1))
  (core instance $i (instantiate $m))
  (core func (canon lower (func $f) (memory $i "m"))))
;; @realloc-type: canonical option `realloc` must be (func (param i32 i32 i32 i32) (result i32)), this one is (func (param i32 i32 i32) (result i32))
(component
  (import "f" (func $f))
  (core module $m (memory (export "m") 1) (func (export "r") (param i32 i32 i32) (result i32) unreachable))
  (core instance $i (instantiate $m))
  (core func (canon lower (func $f) (memory $i "m") (realloc (func $i "r")))))
;; @post-return-type: canonical option `post-return` must be (func (param i32)), this one is (func)
(component
  (core module $m (func (export "f") (result i32) unreachable) (func (export "p")))
  (core instance $i (instantiate $m))
  (func (result u32) (canon lift (core func $i "f") (post-return (func $i "p")))))
;; @post-return-result: canonical option `post-return` must be (func), this one is (func (result i32))
(component
  (core module $m (func (export "f")) (func (export "p") (result i32) unreachable))
  (core instance $i (instantiate $m))
  (func (canon lift (core func $i "f") (post-return (func $i "p")))))
;; @shared-memory: core memory 0 is shared
(component
  (import "f" (func $f))
  (core module $m (memory (export "m") 1 1 shared))
  (core instance $i (instantiate $m))
  (core func (canon lower (func $f) (memory $i "m"))))
;; @async-lift-of-sync-type: canonical option `async` needs an async function type
(component
  (core module $m (func (export "f") (result i32) unreachable) (func (export "c") (param i32 i32 i32) (result i32) unreachable))
  (core instance $i (instantiate $m))
  (func (canon lift (core func $i "f") async (callback (func $i "c")))))
;; @async-lift-core-type: `async func()` flattens to (func (result i32)), but core function 0 is (func)
(component
  (core module $m (func (export "f")) (func (export "c") (param i32 i32 i32) (result i32) unreachable))
  (core instance $i (instantiate $m))
  (func async (canon lift (core func $i "f") async (callback (func $i "c")))))
;; @callback-type: canonical option `callback` must be (func (param i32 i32 i32) (result i32)), this one is (func)
(component
  (core module $m (func (export "f") (result i32) unreachable) (func (export "c")))
  (core instance $i (instantiate $m))
  (func async (canon lift (core func $i "f") async (callback (func $i "c")))))
;; @async-lower-needs-memory: needs canonical option `memory`
(component (import "f" (func $f async (result u8))) (core func (canon lower (func $f) async)))
;; @resource-new-of-import: resource.new needs a resource type that this component defines
(component (import "r" (type $r (sub resource))) (core func (canon resource.new $r)))
;; @resource-rep-of-import: resource.rep needs a resource type that this component defines
(component (import "r" (type $r (sub resource))) (core func (canon resource.rep $r)))
;; @resource-drop-of-value: type 0 is not a resource type
(component (type u8) (core func (canon resource.drop 0)))
;; @stream-new-of-future: stream.new: type 0 is not a stream type
(component (type (future u8)) (core func (canon stream.new 0)))
;; @stream-read-needs-memory: stream.read needs canonical option `memory`
(component (type $s (stream u8)) (core func (canon stream.read $s async)))
;; @future-read-needs-realloc: future.read needs canonical option `realloc`
(component
  (core module $m (memory (export "m") 1))
  (core instance $i (instantiate $m))
  (type $f (future string))
  (core func (canon future.read $f async (memory $i "m"))))
;; @context-slot: slot 2 is out of bounds
(component (core func (canon context.get i32 2)))
;; @task-return-needs-memory: task.return needs canonical option `memory`
(component (core func (canon task.return (result string))))
;; @error-context-needs-memory: error-context.new needs canonical option `memory`
(component (core func (canon error-context.new)))
;; @waitable-set-memory: core memory index 0 is out of bounds
(component (core func (canon waitable-set.wait (memory 0))))
;; @builtin-type: import `e.f` of the core module: expected (func), found (func (result i32))
(component
  (core func $n (canon waitable-set.new))
  (core module $m (import "e" "f" (func)))
  (core instance (instantiate $m (with "e" (instance (export "f" (func $n)))))))
;; @thread-type: core type 0 must be (func (param i32)), it is (func (param i32) (result i32))
(component
  (core type $t (func (param i32) (result i32)))
  (core module $m (table (export "t") 1 funcref))
  (core instance $i (instantiate $m))
  (alias core export $i "t" (core table $table))
  (core func (canon thread.new-indirect $t (table $table))))

;; -- Instances of components --------------------------------------------------------------------------------------------------------------------

;; @argument-missing: the component instantiated here imports `f`, but there is no argument of that name
(component (component $c (import "f" (func))) (instance (instantiate $c)))
;; @argument-twice: instantiation argument `f` is given twice
(component (import "f" (func $f)) (component $c) (instance (instantiate $c (with "f" (func $f)) (with "f" (func $f)))))
;; @argument-sort: expected a function for `f`, found a component
(component (component $c (import "f" (func))) (component $d) (instance (instantiate $c (with "f" (component $d)))))
;; @argument-func-type: expected type `func(a: u32)`, found `func(b: u32)`
(component
  (import "f" (func $f (param "b" u32)))
  (component $c (import "f" (func (param "a" u32))))
  (instance (instantiate $c (with "f" (func $f)))))
;; @argument-func-async: expected type `async func()`, found `func()`
(component
  (import "f" (func $f))
  (component $c (import "f" (func async)))
  (instance (instantiate $c (with "f" (func $f)))))
;; @argument-type: expected type `list<u8>`, found `list<s8>`
(component
  (type $t (list s8))
  (component $c (type $u (list u8)) (import "t" (type (eq $u))))
  (instance (instantiate $c (with "t" (type $t)))))
;; @argument-type-kind: expected type `u8`, found `func()`
(component
  (type $t (func))
  (component $c (type $u u8) (import "t" (type (eq $u))))
  (instance (instantiate $c (with "t" (type $t)))))
;; @argument-not-a-resource: expected a resource type for `r`, found `u8`
(component (type $t u8) (component $c (import "r" (type (sub resource)))) (instance (instantiate $c (with "r" (type $t)))))
;; @argument-other-resource: expected another resource type for `s`
(component
  (import "a" (type $a (sub resource)))
  (import "b" (type $b (sub resource)))
  (component $c (import "r" (type $r (sub resource))) (import "s" (type (eq $r))))
  (instance (instantiate $c (with "r" (type $a)) (with "s" (type $b)))))
;; @argument-resource-in-func: expected type `func(x: own<resource-1>)`, found `func(x: own<resource-2>)`
(component
  (import "a" (type $a (sub resource)))
  (import "b" (type $b (sub resource)))
  (import "f" (func $f (param "x" (own $b))))
  (component $c (import "r" (type $r (sub resource))) (import "f" (func (param "x" (own $r)))))
  (instance (instantiate $c (with "r" (type $a)) (with "f" (func $f)))))
;; @argument-instance-lacks: there is no export `g` (a function), which the expected type has
(component
  (import "i" (instance $i (export "f" (func))))
  (component $c (import "i" (instance (export "f" (func)) (export "g" (func)))))
  (instance (instantiate $c (with "i" (instance $i)))))
;; @argument-instance-differs: expected type `func()`, found `func() -> u8`
(component
  (import "i" (instance $i (export "f" (func (result u8)))))
  (component $c (import "i" (instance (export "f" (func)))))
  (instance (instantiate $c (with "i" (instance $i)))))
;; @argument-instance-export-sort: expected a component for `f`, found a function
(component
  (import "i" (instance $i (export "f" (func))))
  (component $c (import "i" (instance (export "f" (component)))))
  (instance (instantiate $c (with "i" (instance $i)))))
;; @argument-module-imports: the core module imports `a.b`, which the expected type does not
(component
  (core module $m (import "a" "b" (func)))
  (component $c (import "m" (core module)))
  (instance (instantiate $c (with "m" (core module $m)))))
;; @argument-module-import-type: import `a.b` of the core module: expected (func), found (func (param i32))
(component
  (core module $m (import "a" "b" (func)))
  (component $c (import "m" (core module (import "a" "b" (func (param i32))))))
  (instance (instantiate $c (with "m" (core module $m)))))
;; @argument-module-exports: the core module has no export `f`, which the expected type has
(component
  (core module $m)
  (component $c (import "m" (core module (export "f" (func)))))
  (instance (instantiate $c (with "m" (core module $m)))))
;; @argument-module-export-type: export `f` of the core module: expected (func), found (func (result i32))
(component
  (core module $m (func (export "f") (result i32) unreachable))
  (component $c (import "m" (core module (export "f" (func)))))
  (instance (instantiate $c (with "m" (core module $m)))))
;; @argument-component-imports-more: imports `g`, but there is no argument of that name
(component
  (component $d (import "g" (func)))
  (component $c (import "d" (component (import "f" (func)))))
  (instance (instantiate $c (with "d" (component $d)))))
;; @argument-component-exports-less: there is no export `f`
(component
  (component $d)
  (component $c (import "d" (component (export "f" (func)))))
  (instance (instantiate $c (with "d" (component $d)))))
;; @argument-component-import-type: expected type `func(a: u8)`, found `func()`
(component
  (component $d (import "f" (func (param "a" u8))))
  (component $c (import "d" (component (import "f" (func)))))
  (instance (instantiate $c (with "d" (component $d)))))
;; @resources-of-two-instances: expected another resource type for `s`
(component
  (component $d (type $r (resource (rep i32))) (export "r" (type $r)))
  (instance $a (instantiate $d))
  (instance $b (instantiate $d))
  (component $c (import "r" (type $r (sub resource))) (import "s" (type (eq $r))))
  (instance (instantiate $c (with "r" (type $a "r")) (with "s" (type $b "r")))))
;; @ascription: expected type `func(a: u8)`, found `func(b: u8)`
(component (import "f" (func $f (param "b" u8))) (export "g" (func $f) (func (param "a" u8))))
;; @ascription-of-instance: there is no export `f`
(component (import "i" (instance $i)) (export "j" (instance $i) (instance (export "f" (func)))))
;; @ascription-sort: expected an instance for `g`, found a function
(component (import "f" (func $f)) (export "g" (func $f) (instance)))
;; @ascribed-resource-is-opaque: expected another resource type for `s`
(component
  (type $r (resource (rep i32)))
  (export $e "e" (type $r) (type (sub resource)))
  (component $c (import "r" (type $r (sub resource))) (import "s" (type (eq $r))))
  (instance (instantiate $c (with "r" (type $r)) (with "s" (type $e)))))
;; @invalid-after-unsupported: function index 9 is out of bounds
(component
  (import "r" (type $r (sub resource)))
  (core func $f (canon resource.drop $r))
  (core module $m (import "e" "f" (func (param i32))))
  (core instance (instantiate $m (with "e" (instance (export "f" (func $f))))))
  (export "g" (func 9)))

;; -- More rules ---------------------------------------------------------------------------------------------------------------

;; @start-arity: start function has 1 parameters and 0 results, but is given 0 and 0
(component (import "f" (func (param "x" u8))) (start 0))
;; @context-types: context values of one component must all be i32, or all be i64
(component (core func (canon context.get i32 0)) (core func (canon context.set i64 1)))
;; @thread-table: core table 0 is not one of functions
(component
  (core type $t (func (param i32)))
  (core module $m (table (export "t") 1 externref))
  (core instance $i (instantiate $m))
  (alias core export $i "t" (core table $table))
  (core func (canon thread.new-indirect $t (table $table))))
;; @error-context-needs-realloc: error-context.debug-message needs canonical option `realloc`
(component
  (core module $m (memory (export "m") 1))
  (core instance $i (instantiate $m))
  (core func (canon error-context.debug-message (memory $i "m"))))
;; @argument-instance-type: expected type `instance type`, found one that reads the same but differs inside
(component
  (type $t (instance (export "f" (func))))
  (component $c (type $u (instance (export "f" (func)) (export "g" (func)))) (import "t" (type (eq $u))))
  (instance (instantiate $c (with "t" (type $t)))))
;; @argument-component-type: expected type `component type`, found one that reads the same but differs inside
(component
  (type $t (component (import "f" (func))))
  (component $c (type $u (component)) (import "t" (type (eq $u))))
  (instance (instantiate $c (with "t" (type $t)))))
;; @module-type-in-module-type-by-alias: a module type cannot contain another module type
(component (core type $t (module)) (core type (module (alias outer 1 $t (type)))))
;; @module-alias-index: core type index 1 is out of bounds
(component (core type (func)) (core type (module (alias outer 1 1 (type)))))
;; @core-inline-component-sort: core instance index 0 is out of bounds
(component (core module $m) (core instance (instantiate $m (with "a" (instance 0)))))
;; @alias-of-coerced-instance: has no export named `g`
(component
  (import "i" (instance $i (export "f" (func)) (export "g" (func))))
  (export "j" (instance $i) (instance (export "f" (func))))
  (alias export 1 "g" (func)))
