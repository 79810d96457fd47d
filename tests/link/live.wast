;; Components with parts, slots of all kinds and resources; test_program.c says what must come of each.

;; -- Parts ----------------------------------------------------------------------------------------------------------

;; @nested-core
(component
  (component $c (core module $m) (core instance (instantiate $m)))
  (instance (instantiate $c)))
;; @parts
;; The same component three times at two depths: part 1 holds part 2; part 3 stands alone; nothing of $unused is live.
(component
  (component $leaf
    (core module $m (func (export "f") (result i32) i32.const 7))
    (core instance $i (instantiate $m))
    (func (export "f") (result u32) (canon lift (core func $i "f"))))
  (component $middle
    (alias outer 1 $leaf (component $leaf))
    (instance $l (instantiate $leaf))
    (export "g" (func $l "f")))
  (component $unused
    (core module $m) (core instance (instantiate $m)))
  (instance $middle (instantiate $middle))
  (instance $leaf (instantiate $leaf))
  (export "a" (func $middle "g"))
  (export "b" (func $leaf "f")))
;; @siblings
;; One component calls another, with strings both ways: memory and realloc of both, each other's encoding.
(component
  (component $provider
    (core module $m
      (memory (export "m") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable)
      (func (export "post") (param i32))
      (func (export "f") (param i32 i32) (result i32) unreachable))
    (core instance $i (instantiate $m))
    (func $f (param "s" string) (result string) (canon lift (core func $i "f") (memory $i "m")
      (realloc (func $i "realloc")) (post-return (func $i "post")) string-encoding=utf16))
    (instance $api (export "f" (func $f)))
    (export "a:b/c@1.0.0" (instance $api)))
  (component $consumer
    (import "a:b/c@1.0.0" (instance $p (export "f" (func (param "s" string) (result string)))))
    (core module $libc
      (memory (export "m") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable))
    (core instance $libc (instantiate $libc))
    (core func $f (canon lower (func $p "f") (memory $libc "m") (realloc (func $libc "realloc"))))
    (core module $m
      (import "p" "f" (func $f (param i32 i32 i32)))
      (func (export "run") (call $f (i32.const 0) (i32.const 0) (i32.const 0))))
    (core instance $i (instantiate $m (with "p" (instance (export "f" (func $f))))))
    (func (export "run") (canon lift (core func $i "run"))))
  (instance $p (instantiate $provider))
  (instance $c (instantiate $consumer (with "a:b/c@1.0.0" (instance $p "a:b/c@1.0.0"))))
  (export "run" (func $c "run")))
;; @cousins
;; A call from a grandchild to a child of another parent, and two calls of one shape: they share an import.
(component
  (component $leaf
    (core module $m (func (export "f") (param i32)) (func (export "g") (param i32)))
    (core instance $i (instantiate $m))
    (func (export "f") (param "x" u32) (canon lift (core func $i "f")))
    (func (export "g") (param "x" u32) (canon lift (core func $i "g"))))
  (component $wrap
    (alias outer 1 $leaf (component $leaf))
    (instance $l (instantiate $leaf))
    (export "f" (func $l "f"))
    (export "g" (func $l "g")))
  (component $caller
    (import "f" (func $f (param "x" u32)))
    (import "g" (func $g (param "x" u32)))
    (core func $f' (canon lower (func $f)))
    (core func $f'' (canon lower (func $f)))
    (core func $g' (canon lower (func $g)))
    (core module $m
      (import "e" "f" (func $f (param i32))) (import "e" "f2" (func $f2 (param i32))) (import "e" "g" (func $g (param i32)))
      (func (export "run") (call $f (i32.const 1)) (call $f2 (i32.const 2)) (call $g (i32.const 3))))
    (core instance $i (instantiate $m
      (with "e" (instance (export "f" (func $f')) (export "f2" (func $f'')) (export "g" (func $g'))))))
    (func (export "run") (canon lift (core func $i "run"))))
  (component $outer
    (alias outer 1 $caller (component $caller))
    (import "f" (func $f (param "x" u32)))
    (import "g" (func $g (param "x" u32)))
    (instance $c (instantiate $caller (with "f" (func $f)) (with "g" (func $g))))
    (export "run" (func $c "run")))
  (instance $w (instantiate $wrap))
  (instance $o (instantiate $outer (with "f" (func $w "f")) (with "g" (func $w "g"))))
  (export "run" (func $o "run")))
;; @relatives
;; Calls of oneself, a parent, a child and a grandchild trap; those of a sibling are calls.
(component
  (core module $own (func (export "f")))
  (core instance $own (instantiate $own))
  (func $own (canon lift (core func $own "f")))
  (core module $caller (import "e" "f" (func $f)) (func (export "run") (call $f)))
  (component $child
    (import "parent" (func $parent))
    (core module $m (func (export "f")))
    (core instance $i (instantiate $m))
    (core func $parent' (canon lower (func $parent)))
    (alias outer 1 $caller (core module $caller))
    (core instance $c (instantiate $caller (with "e" (instance (export "f" (func $parent'))))))
    (func (export "up") (canon lift (core func $c "run")))
    (func (export "f") (canon lift (core func $i "f"))))
  (component $wrap
    (alias outer 1 $child (component $child))
    (import "parent" (func $parent))
    (instance $c (instantiate $child (with "parent" (func $parent))))
    (export "f" (func $c "f")))
  (instance $child (instantiate $child (with "parent" (func $own))))
  (instance $grand (instantiate $wrap (with "parent" (func $own))))
  (instance $sibling (instantiate $child (with "parent" (func $child "f"))))
  (core func $own' (canon lower (func $own)))
  (core func $child' (canon lower (func $child "f")))
  (core func $grand' (canon lower (func $grand "f")))
  (core instance $a (instantiate $caller (with "e" (instance (export "f" (func $own'))))))
  (core instance $b (instantiate $caller (with "e" (instance (export "f" (func $child'))))))
  (core instance $c (instantiate $caller (with "e" (instance (export "f" (func $grand'))))))
  (func (export "self") (canon lift (core func $a "run")))
  (func (export "down") (canon lift (core func $b "run")))
  (func (export "far-down") (canon lift (core func $c "run")))
  (export "up" (func $child "up"))
  (export "across" (func $sibling "up")))
;; @same-module-twice
;; Two instances of a module in one component, joined by nothing.
(component
  (core module $m (global $g (mut i32) (i32.const 0)) (func (export "f") (result i32) global.get $g))
  (core instance $a (instantiate $m))
  (core instance $b (instantiate $m))
  (func (export "a") (result u32) (canon lift (core func $a "f")))
  (func (export "b") (result u32) (canon lift (core func $b "f"))))

;; -- Groups that stay apart -----------------------------------------------------------------------------------------

;; @call-between-memories
(component
  (core module $a (memory 1) (func (export "f") (param i32 i64) (result f32) unreachable) (func (export "unused")))
  (core module $b
    (import "e" "f" (func $f (param i32 i64) (result f32))) (memory 1)
    (func (export "run") (result f32) (call $f (i32.const 1) (i64.const 2))))
  (core instance $a (instantiate $a))
  (core instance $b (instantiate $b (with "e" (instance $a))))
  (func (export "run") (result f32) (canon lift (core func $b "run"))))
;; @calls-both-ways
;; Two memories; the third instance goes with the first, and is called by the second through a table that it fills.
(component
  (core module $a (memory 1) (table (export "t") 1 funcref) (type $v (func))
    (func (export "f") (call_indirect (type $v) (i32.const 0))))
  (core module $b (import "a" "f" (func $f)) (memory 1) (func (export "g") (call $f)))
  (core module $c (import "a" "t" (table 1 funcref)) (import "b" "g" (func $g)) (elem (i32.const 0) $g))
  (core instance $a (instantiate $a))
  (core instance $b (instantiate $b (with "a" (instance $a))))
  (core instance $c (instantiate $c (with "a" (instance $a)) (with "b" (instance $b))))
  (func (export "run") (canon lift (core func $b "g"))))
;; @lift-with-another-memory
;; The function and post-return are of the group without the memory: wrapped beside it.
(component
  (core module $a (memory (export "m") 1))
  (core module $b (memory 1)
    (func (export "f") (result i32) unreachable) (func (export "post") (param i32)))
  (core instance $a (instantiate $a))
  (core instance $b (instantiate $b))
  (func $f (result string) (canon lift (core func $b "f") (memory $a "m") (post-return (func $b "post"))))
  (export "f" (func $f)))
;; @lower-with-another-memory
;; The slot is in the group of its memory, and the caller reaches it through a slot of its own.
(component
  (import "f" (func $f (param "s" string)))
  (core module $a (memory (export "m") 1))
  (core module $b (import "e" "f" (func $f (param i32 i32))) (memory 1)
    (func (export "run") (call $f (i32.const 0) (i32.const 0))))
  (core instance $a (instantiate $a))
  (core instance $b0 (instantiate $a))
  (core func $f' (canon lower (func $f) (memory $a "m")))
  (core instance $b (instantiate $b (with "e" (instance (export "f" (func $f'))))))
  (func (export "run") (canon lift (core func $b "run"))))
;; @constant-between-memories
(component
  (core module $a (memory 1) (global (export "g") i32 (i32.const 40)) (global (export "h") f64 (f64.const 0.5)))
  (core module $b
    (import "a" "g" (global $g i32)) (import "a" "h" (global $h f64)) (memory 1)
    (global $sum (export "sum") i32 (i32.add (global.get $g) (i32.const 2)))
    (func (export "f") (result i32) global.get $sum))
  (core module $c (import "b" "sum" (global $g i32)) (memory 1) (func (export "f") (result i32) global.get $g))
  (core instance $a (instantiate $a))
  (core instance $b (instantiate $b (with "a" (instance $a))))
  (core instance $c (instantiate $c (with "b" (instance $b))))
  (func (export "f") (result u32) (canon lift (core func $b "f")))
  (func (export "g") (result u32) (canon lift (core func $c "f"))))
;; @late
;; $d's segment must wait: $c's start function, of another group, may look at the table before.
(component
  (core module $a (memory 1) (table (export "t") 2 funcref) (type $v (func))
    (func (export "f") (call_indirect (type $v) (i32.const 0))))
  (core module $b (import "a" "f" (func $f)) (memory 1) (func $start (call $f)) (start $start))
  (core module $d (import "a" "t" (table 1 funcref)) (func $x) (elem (i32.const 0) $x))
  (core instance $a (instantiate $a))
  (core instance $b (instantiate $b (with "a" (instance $a))))
  (core instance $d (instantiate $d (with "a" (instance $a))))
  (func (export "f") (canon lift (core func $a "f"))))
;; @not-late
;; As before, but the other group's start function runs before the table is there.
(component
  (core module $b (memory 1) (func $start) (start $start))
  (core module $a (memory 1) (table (export "t") 2 funcref) (type $v (func))
    (func (export "f") (call_indirect (type $v) (i32.const 0))))
  (core module $d (import "a" "t" (table 1 funcref)) (func $x) (elem (i32.const 0) $x))
  (core instance $b (instantiate $b))
  (core instance $a (instantiate $a))
  (core instance $d (instantiate $d (with "a" (instance $a))))
  (func (export "f") (canon lift (core func $a "f"))))

;; -- Functions that no module has ------------------------------------------------------------------------------------

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
;; @lift-of-lower-with-memory
;; The wrapper goes to the group of the memory.
(component
  (import "f" (func $f (param "s" string)))
  (core module $m (memory (export "m") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable))
  (core instance $i (instantiate $m))
  (core func $f' (canon lower (func $f) (memory $i "m")))
  (func $g (param "s" string) (canon lift (core func $f') (memory $i "m") (realloc (func $i "realloc"))))
  (export "g" (func $g)))
;; @lower-lift-chain
;; Each component only lowers what it is given and lifts it again; no core instance anywhere but at the end.
(component
  (component $end
    (core module $m (func (export "f") (param i32) (result i32) local.get 0))
    (core instance $i (instantiate $m))
    (func (export "f") (param "x" u32) (result u32) (canon lift (core func $i "f"))))
  (component $pass
    (import "f" (func $f (param "x" u32) (result u32)))
    (core func $f' (canon lower (func $f)))
    (func (export "f") (param "x" u32) (result u32) (canon lift (core func $f'))))
  (instance $a (instantiate $end))
  (instance $b (instantiate $pass (with "f" (func $a "f"))))
  (instance $c (instantiate $pass (with "f" (func $b "f"))))
  (export "f" (func $c "f")))
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
  (core module $n (import "e" "f" (func $f (param i32))) (func (export "run") (call $f (i32.const 0))))
  (core instance $n (instantiate $n (with "e" (instance (export "f" (func $f'))))))
  (func (export "run") (canon lift (core func $n "run"))))
;; @reexport-of-import
(component (import "f" (func $f)) (export "g" (func $f)))
;; @reexport-of-imported-instance
(component (import "a:b/c" (instance $i (export "f" (func)))) (export "x:y/z" (instance $i)))
;; @reexport-through-component
;; The import is numbered after one that no type can be given to.
(component
  (import "s" (func (param "x" (stream u8))))
  (import "e" (func))
  (import "f" (func $f))
  (component $c (import "f" (func $f)) (export "g" (func $f)))
  (instance $i (instantiate $c (with "f" (func $f))))
  (export "h" (func $i "g")))

;; -- Resources ------------------------------------------------------------------------------------------------------

;; @resource-builtins
;; All three built-ins, of one type and of another: two slots of one kind are one shape.
(component
  (type $r (resource (rep i32)))
  (type $s (resource (rep i32)))
  (core func $new (canon resource.new $r))
  (core func $rep (canon resource.rep $r))
  (core func $drop (canon resource.drop $r))
  (core func $drop2 (canon resource.drop $r))
  (core func $new-s (canon resource.new $s))
  (core module $m
    (import "e" "new" (func $new (param i32) (result i32))) (import "e" "rep" (func $rep (param i32) (result i32)))
    (import "e" "drop" (func $drop (param i32))) (import "e" "drop2" (func $drop2 (param i32)))
    (import "e" "new-s" (func $new-s (param i32) (result i32)))
    (func (export "run") (drop (call $rep (call $new (i32.const 1)))) (call $drop (i32.const 1)) (call $drop2 (i32.const 1))
      (drop (call $new-s (i32.const 1)))))
  (core instance $i (instantiate $m (with "e" (instance (export "new" (func $new)) (export "rep" (func $rep))
    (export "drop" (func $drop)) (export "drop2" (func $drop2)) (export "new-s" (func $new-s))))))
  (func (export "run") (canon lift (core func $i "run"))))
;; @resource-exported
;; What the root calls `r` outside is the same type as inside.
(component
  (core module $d (func (export "dtor") (param i32)))
  (core instance $d (instantiate $d))
  (type $r (resource (rep i32) (dtor (func $d "dtor"))))
  (export $e "r" (type $r))
  (core module $m (func (export "make") (result i32) unreachable) (func (export "look") (param i32)))
  (core instance $m (instantiate $m))
  (func (export "make") (result (own $e)) (canon lift (core func $m "make")))
  (func (export "look") (param "x" (borrow $e)) (canon lift (core func $m "look"))))
;; @resource-imported
;; `s` is declared, never used; r2 is r.
(component
  (import "a:b/c" (instance $i
    (export "r" (type $r (sub resource)))
    (export "s" (type (sub resource)))
    (export "f" (func (param "x" (borrow $r))))))
  (alias export $i "r" (type $r))
  (import "r2" (type $r2 (eq $r)))
  (core func $f (canon lower (func $i "f")))
  (core func $drop (canon resource.drop $r2))
  (core module $m (import "e" "f" (func $f (param i32))) (import "e" "drop" (func $drop (param i32)))
    (func (export "run") (call $f (i32.const 1)) (call $drop (i32.const 1))))
  (core instance $m (instantiate $m (with "e" (instance (export "f" (func $f)) (export "drop" (func $drop))))))
  (func (export "run") (canon lift (core func $m "run"))))
;; @resource-between-siblings
;; The provider twice: two types. The consumer's function types mention the type that it was given.
(component
  (component $provider
    (core module $d (func (export "dtor") (param i32)))
    (core instance $d (instantiate $d))
    (type $r (resource (rep i32) (dtor (func $d "dtor"))))
    (export $e "r" (type $r) (type (sub resource)))
    (core module $m (func (export "make") (result i32) unreachable))
    (core instance $m (instantiate $m))
    (func (export "make") (result (own $e)) (canon lift (core func $m "make"))))
  (component $consumer
    (import "p" (instance $p (export "r" (type $r (sub resource))) (export "make" (func (result (own $r))))))
    (alias export $p "r" (type $r))
    (core func $make (canon lower (func $p "make")))
    (core func $drop (canon resource.drop $r))
    (core module $m (import "e" "make" (func $make (result i32))) (import "e" "drop" (func $drop (param i32)))
      (func (export "run") (call $drop (call $make))))
    (core instance $m (instantiate $m (with "e" (instance (export "make" (func $make)) (export "drop" (func $drop))))))
    (func (export "run") (canon lift (core func $m "run"))))
  (instance $p1 (instantiate $provider))
  (instance $p2 (instantiate $provider))
  (instance $c1 (instantiate $consumer (with "p" (instance $p1))))
  (instance $c2 (instantiate $consumer (with "p" (instance $p2))))
  (export "one" (func $c1 "run"))
  (export "two" (func $c2 "run")))
;; @resource-passed-down
;; A type of the host, given to a component inside.
(component
  (import "r" (type $r (sub resource)))
  (component $c
    (import "t" (type $t (sub resource)))
    (core func $drop (canon resource.drop $t))
    (core module $m (import "e" "drop" (func $drop (param i32))) (func (export "f") (param i32) (call $drop (local.get 0))))
    (core instance $m (instantiate $m (with "e" (instance (export "drop" (func $drop))))))
    (func (export "f") (param "x" (own $t)) (canon lift (core func $m "f"))))
  (instance $i (instantiate $c (with "t" (type $r))))
  (export "f" (func $i "f")))
;; @destructors
;; A destructor of a group without the other's memory; one that is lowered; one that is a built-in.
(component
  (import "log" (func $log (param "x" u32)))
  (core func $log' (canon lower (func $log)))
  (type $a (resource (rep i32) (dtor (func $log'))))
  (core func $drop-a (canon resource.drop $a))
  (type $b (resource (rep i32) (dtor (func $drop-a))))
  (core module $m (memory 1) (func (export "dtor") (param i32)))
  (core instance $m (instantiate $m))
  (type $c (resource (rep i32) (dtor (func $m "dtor"))))
  (type $none (resource (rep i32)))
  (core func $drop-b (canon resource.drop $b))
  (core func $drop-c (canon resource.drop $c))
  (core func $drop-none (canon resource.drop $none))
  (core module $n
    (import "e" "b" (func $b (param i32))) (import "e" "c" (func $c (param i32))) (import "e" "none" (func $none (param i32)))
    (memory 1)
    (func (export "run") (call $b (i32.const 1)) (call $c (i32.const 1)) (call $none (i32.const 1))))
  (core instance $n (instantiate $n (with "e" (instance (export "b" (func $drop-b)) (export "c" (func $drop-c))
    (export "none" (func $drop-none))))))
  (func (export "run") (canon lift (core func $n "run"))))
;; -- What the root imports as modules and components ------------------------------------------------------------------

;; @imports-unused
(component
  (import "m" (core module))
  (import "c" (component (import "x" (func))))
  (import "i" (instance (export "m" (core module)))))
;; @given-module
(component
  (core module (func (export "f") (result i32) i32.const 42) (func (export "more"))))
;; @given-component
;; Lowers what it imports and lifts it again.
(component
  (import "g" (func $g (result u32)))
  (core func $g' (canon lower (func $g)))
  (func (export "h") (result u32) (canon lift (core func $g'))))
