;; Components that link; test_link.c says what must come of each.

;; @empty
(component)

;; @add
(component
  (core module $m (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))
  (core instance $i (instantiate $m))
  (func $add (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $i "add")))
  (export "add" (func $add)))

;; @options
(component
  (core module $m
    (memory (export "memory") 1)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0))
    (func (export "f") (param i32 i32) (result i32) (i32.const 0))
    (func (export "post") (param i32)))
  (core instance $i (instantiate $m))
  (alias core export $i "memory" (core memory $mem))
  (alias core export $i "cabi_realloc" (core func $realloc))
  (func $f (param "s" string) (result string)
    (canon lift (core func $i "f") string-encoding=utf16 (memory $mem) (realloc $realloc) (post-return (func $i "post"))))
  (func $g (param "s" string) (result string)
    (canon lift (core func $i "f") string-encoding=latin1+utf16 (memory $mem) (realloc $realloc)))
  (export "f" (func $f))
  (export "g" (func $g))
  (export "f2" (func $f)))

;; @lower
(component
  (import "a" (func $a (param "x" u32)))
  (import "b" (func $b (param "y" char)))
  (import "log" (func $log (param "s" string)))
  (import "name" (func $name (result string)))
  (import "unused" (func $unused))
  (core module $libc
    (memory (export "memory") 1)
    (func (export "realloc1") (param i32 i32 i32 i32) (result i32) (i32.const 0))
    (func (export "realloc2") (param i32 i32 i32 i32) (result i32) (i32.const 0)))
  (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $mem))
  (core func $a' (canon lower (func $a)))
  (core func $a2 (canon lower (func $a)))
  (core func $b' (canon lower (func $b)))
  (core func $log8 (canon lower (func $log) (memory $mem)))
  (core func $log16 (canon lower (func $log) string-encoding=utf16 (memory $mem)))
  (core func $log8again (canon lower (func $log) (memory $mem)))
  (core func $name1 (canon lower (func $name) (memory $mem) (realloc (func $libc "realloc1"))))
  (core func $name2 (canon lower (func $name) (memory $mem) (realloc (func $libc "realloc2"))))
  (core module $main
    (import "i" "a" (func $a (param i32)))
    (import "i" "a2" (func $a2 (param i32)))
    (import "i" "b" (func $b (param i32)))
    (import "i" "log8" (func $log8 (param i32 i32)))
    (import "i" "log16" (func $log16 (param i32 i32)))
    (import "i" "log8again" (func $log8again (param i32 i32)))
    (import "i" "name1" (func $name1 (param i32)))
    (import "i" "name2" (func $name2 (param i32)))
    (func (export "run")
      (call $a (i32.const 1)) (call $a2 (i32.const 1)) (call $b (i32.const 1))
      (call $log8 (i32.const 0) (i32.const 0)) (call $log16 (i32.const 0) (i32.const 0)) (call $log8again (i32.const 0) (i32.const 0))
      (call $name1 (i32.const 0)) (call $name2 (i32.const 0))))
  (core instance $main (instantiate $main (with "i" (instance
    (export "a" (func $a')) (export "a2" (func $a2)) (export "b" (func $b'))
    (export "log8" (func $log8)) (export "log16" (func $log16)) (export "log8again" (func $log8again))
    (export "name1" (func $name1)) (export "name2" (func $name2))))))
  (func $run (canon lift (core func $main "run")))
  (export "run" (func $run)))

;; @lower-result
(component
  (import "now" (func $now (result u64)))
  (core func $now' (canon lower (func $now)))
  (core module $m (import "e" "now" (func $now (result i64))) (func (export "run") (result i64) (call $now)))
  (core instance $i (instantiate $m (with "e" (instance (export "now" (func $now'))))))
  (func $run (result u64) (canon lift (core func $i "run")))
  (export "run" (func $run)))

;; @interfaces
(component
  (import "ns:pkg/types@1.0.0" (instance $types
    (type $p (record (field "x" s32) (field "y" s32)))
    (export "point" (type (eq $p)))))
  (alias export $types "point" (type $point))
  (import "ns:pkg/host@1.0.0" (instance $host
    (alias outer 1 $point (type $p))
    (export "point" (type $point (eq $p)))
    (export "draw" (func (param "at" $point)))
    (export "clear" (func))))
  (import "plain" (func $plain))
  (core func $draw (canon lower (func $host "draw")))
  (core func $plain' (canon lower (func $plain)))
  (core module $m
    (import "h" "draw" (func $draw (param i32 i32)))
    (import "h" "plain" (func $plain))
    (func (export "run") (call $plain) (call $draw (i32.const 1) (i32.const 2)))
    (func (export "area") (param i32 i32) (result i64) (i64.const 0)))
  (core instance $i (instantiate $m (with "h" (instance (export "draw" (func $draw)) (export "plain" (func $plain'))))))
  (func $run (canon lift (core func $i "run")))
  (func $area (param "p" $point) (result u64) (canon lift (core func $i "area")))
  (export "run" (func $run))
  (component $shim
    (type $p (record (field "x" s32) (field "y" s32)))
    (import "import-type-point" (type $point (eq $p)))
    (import "import-func-area" (func $area (param "p" $point) (result u64)))
    (export $point' "point" (type $point))
    (export "area" (func $area) (func (param "p" $point') (result u64))))
  (instance $geometry (instantiate $shim
    (with "import-type-point" (type $point))
    (with "import-func-area" (func $area))))
  (export "ns:pkg/geometry@1.0.0" (instance $geometry)))

;; @shim
;; The shape that wit-component gives to components that lower with a memory: shim, main, fixups.
(component
  (import "log" (func $log (param "s" string)))
  (core module $shim
    (table (export "$imports") 1 1 funcref)
    (func (export "0") (param i32 i32) (call_indirect (param i32 i32) (local.get 0) (local.get 1) (i32.const 0))))
  (core module $main
    (import "$root" "log" (func $log (param i32 i32)))
    (memory (export "memory") 1)
    (func (export "run") (call $log (i32.const 0) (i32.const 3)))
    (data (i32.const 0) "abc"))
  (core module $fixups
    (import "" "0" (func (param i32 i32)))
    (import "" "$imports" (table 1 1 funcref))
    (elem (i32.const 0) func 0))
  (core instance $shim (instantiate $shim))
  (core instance $main (instantiate $main (with "$root" (instance (export "log" (func $shim "0"))))))
  (core func $log' (canon lower (func $log) (memory $main "memory")))
  (core instance (instantiate $fixups (with "" (instance (export "0" (func $log')) (export "$imports" (table $shim "$imports"))))))
  (func $run (canon lift (core func $main "run")))
  (export "run" (func $run)))

;; @steps
;; Two groups that come to life in turns: instances 0, 2 and 4 share a memory, 1 and 3 another.
(component
  (core module $mem (memory (export "m") 1) (global (export "n") (mut i32) (i32.const 0)) (func $s) (start $s))
  (core module $user (import "e" "m" (memory 1)) (func $s (i32.store (i32.const 0) (i32.const 1))) (start $s))
  (core module $quiet (import "e" "m" (memory 1)) (func (export "f")))
  (core instance $a (instantiate $mem))
  (core instance $b (instantiate $mem))
  (core instance $c (instantiate $user (with "e" (instance $a))))
  (core instance $d (instantiate $user (with "e" (instance $b))))
  (core instance $e (instantiate $quiet (with "e" (instance $a))))
  (func $f (canon lift (core func $e "f")))
  (export "f" (func $f)))

;; @functions-join
;; Instances without a memory of their own go with those whose functions they call.
(component
  (core module $a (func (export "f")))
  (core module $b (import "e" "f" (func)) (export "f" (func 0)) (func (export "g")))
  (core module $c (import "e" "f" (func)) (memory (export "m") 1))
  (core module $lone (func))
  (core instance $a (instantiate $a))
  (core instance $b (instantiate $b (with "e" (instance $a))))
  (core instance $c (instantiate $c (with "e" (instance $b))))
  (core instance $lone (instantiate $lone))
  (func $f (canon lift (core func $b "f")))
  (func $g (canon lift (core func $b "g") (memory $c "m")))
  (export "f" (func $f))
  (export "g" (func $g)))

;; @declared-only
;; Nothing here is used at a boundary, so nothing of it is unsupported.
(component
  (type $r (resource (rep i32)))
  (type (stream u8))
  (type (future))
  (type (option error-context))
  (type (list (stream u8)))
  (type (map u8 (list (stream u8))))
  (type $future (future))
  (type $stream (stream))
  (type (result $future (error $stream)))
  (type (list u8 4))
  (type (func async (param "x" (own $r))))
  (type (instance (export "s" (type (sub resource))) (export "f" (func (param "x" (stream u8))))))
  (core type (func (param externref)))
  (core type (module (import "a" "b" (func)) (export "m" (memory 1))))
  (core type $ct (func))
  (core type (module
    (alias outer 1 $ct (type $f)) (type $g (func (param i32))) (alias outer 0 $g (type $h))
    (export "f" (func (type $f))) (export "h" (func (type $h)))))
  (type (component (core type $t (module)) (import "m" (core module (type $t)))))
  (component
    (import "m" (core module $m (export "f" (func)) (export "g" (func))))
    (component $c (import "m" (core module (export "f" (func)))))
    (instance (instantiate $c (with "m" (core module $m)))))
  (component
    (core module $m (memory (export "m") i64 1) (func (export "f") (param i64 i64))
      (func (export "r") (param i64 i64 i64 i64) (result i64) unreachable))
    (core instance $i (instantiate $m))
    (func (param "s" string) (canon lift (core func $i "f") (memory $i "m") (realloc (func $i "r")))))
  (core func (canon resource.drop $r))
  (core func (canon waitable-set.new))
  (core module $gc (memory 1) (memory 1))
  (component (import "m" (core module)) (core module $m) (core instance (instantiate $m)))
  (import "s" (func (param "x" (stream u8))))
  (import "t" (func (result u8))))

;; @map
(component
  (core module $m
    (memory (export "memory") 1)
    (func (export "r") (param i32 i32 i32 i32) (result i32) (i32.const 0))
    (func (export "f") (param i32 i32)))
  (core instance $i (instantiate $m))
  (func $f (param "m" (map string u32)) (canon lift (core func $i "f") (memory $i "memory") (realloc (func $i "r"))))
  (export "f" (func $f)))

;; @aliases
;; Outer aliases of everything that may be aliased, exports of exports, and types that are equal by structure.
(component $top
  (core module $m (func (export "f") (result i32) (i32.const 7)))
  (core type $ct (func))
  (type $t (record (field "a" u8)))
  (component $id (import "t" (type $x (sub resource))) (export "t" (type $x)))
  (component $c
    (alias outer $top $m (core module $m2))
    (alias outer $top $ct (core type $ct2))
    (alias outer $top $t (type $t2))
    (alias outer $top $id (component $id2))
    (component $inner (alias outer 2 0 (core module)) (alias outer 1 $t2 (type)))
    (import "f" (func $f (result u32)))
    (instance $bag (export "g" (func $f)) (export "m" (core module $m2)))
    (export "i" (instance $bag))
    (alias export $bag "m" (core module $m3))
    (export "m" (core module $m3)))
  (core instance $i (instantiate $m))
  (core instance $bag (export "h" (func $i "f")))
  (func $f (result u32) (canon lift (core func $bag "h")))
  (instance $x (instantiate $c (with "f" (func $f))))
  (alias export $x "i" (instance $xi))
  (export $e "e" (func $xi "g"))
  (export "e2" (func $e))
  (export "m" (core module $x "m"))
  (export "deep" (instance $x)))

;; @component-arguments
;; Components and modules as arguments, matched against their types.
(component
  (core module $m (import "a" "b" (func)) (func (export "f")) (func (export "g")))
  (component $d (import "f" (func)) (export "h" (func 0)) (export "h2" (func 0)))
  (component $c
    (import "m" (core module
      (import "a" "b" (func)) (import "a" "c" (func))
      (export "f" (func))))
    (import "d" (component $d (import "f" (func)) (import "z" (func)) (export "h" (func))))
    (import "f" (func $f))
    (instance $i (instantiate $d (with "f" (func $f)) (with "z" (func $f))))
    (export "h" (func $i "h")))
  (core module $n (func (export "f")))
  (core instance $n (instantiate $n))
  (func $f (canon lift (core func $n "f")))
  (instance $i (instantiate $c (with "m" (core module $m)) (with "d" (component $d)) (with "f" (func $f))))
  (export "h" (func $i "h")))

;; @resource-identity
;; The rules for resource types, in components that nobody runs.
(component
  (component
    (import "r" (type $r (sub resource)))
    (import "f" (func $f (param "x" (own $r))))
    (component $c
      (import "r" (type $r (sub resource)))
      (import "same" (type (eq $r)))
      (import "f" (func (param "x" (own $r))))
      (import "i" (instance (export "r2" (type $r2 (eq $r))) (export "g" (func (param "x" (own $r2)))))))
    (instance (instantiate $c
      (with "r" (type $r)) (with "same" (type $r)) (with "f" (func $f))
      (with "i" (instance (export "r2" (type $r)) (export "g" (func $f)))))))
  (component
    (component $d
      (type $r (resource (rep i32)))
      (export $e "r" (type $r))
      (core func $drop (canon resource.drop $r))
      (func $f (param "x" (own $e)) (canon lift (core func $drop)))
      (export "[static]r.f" (func $f)))
    (component $user
      (import "i" (instance (export "r" (type $r (sub resource))) (export "[static]r.f" (func (param "x" (own $r)))))))
    (instance $a (instantiate $d))
    (instance $b (instantiate $d))
    (instance (instantiate $user (with "i" (instance $a))))
    (instance (instantiate $user (with "i" (instance $b))))))

;; @methods
(component
  (import "a:b/c" (instance
    (export "r" (type $r (sub resource)))
    (export "[constructor]r" (func (param "n" u32) (result (own $r))))
    (export "s" (type $s (sub resource)))
    (export "[constructor]s" (func (result (result (own $s) (error string)))))
    (export "[method]r.get" (func (param "self" (borrow $r)) (result u32)))
    (export "[static]r.merge" (func (param "a" (own $r)) (param "b" (own $r)) (result (own $r))))
    (export "use" (func (param "list" (list (borrow $s)))))
    (export "t" (type (sub resource))))))

;; @core-kinds
;; Matching of core imports where actual and expected differ and yet match.
(component
  (core module $a
    (memory (export "m") 2 4)
    (table (export "t") 2 8 funcref)
    (global (export "g") (mut i64) (i64.const 1))
    (func (export "f")))
  (core module $b
    (import "a" "m" (memory 1 5))
    (import "a" "t" (table 1 funcref))
    (import "a" "g" (global (mut i64)))
    (import "a" "f" (func))
    (export "m" (memory 0))
    (func (export "run") (result i64) (global.get 0)))
  (core instance $a (instantiate $a))
  (core instance $b (instantiate $b (with "a" (instance $a)) (with "not-used" (instance $a))))
  (func $run (result u64) (canon lift (core func $b "run") (memory $b "m")))
  (export "run" (func $run)))

;; @exponential
;; 2^24 instances of a component without anything in it.
(component
  (component $c0)
  (component $c1 (alias outer 1 $c0 (component $c)) (instance (instantiate $c)) (instance (instantiate $c)))
  (component $c2 (alias outer 1 $c1 (component $c)) (instance (instantiate $c)) (instance (instantiate $c)))
  (component $c3 (alias outer 1 $c2 (component $c)) (instance (instantiate $c)) (instance (instantiate $c)))
  (component $c4 (alias outer 1 $c3 (component $c)) (instance (instantiate $c)) (instance (instantiate $c)))
  (component $c5 (alias outer 1 $c4 (component $c)) (instance (instantiate $c)) (instance (instantiate $c)))
  (component $c6 (alias outer 1 $c5 (component $c)) (instance (instantiate $c)) (instance (instantiate $c)))
  (component $c7 (alias outer 1 $c6 (component $c)) (instance (instantiate $c)) (instance (instantiate $c)))
  (component $c8 (alias outer 1 $c7 (component $c)) (instance (instantiate $c)) (instance (instantiate $c)))
  (component $c9 (alias outer 1 $c8 (component $c)) (instance (instantiate $c)) (instance (instantiate $c)))
  (component $ca (alias outer 1 $c9 (component $c)) (instance (instantiate $c)) (instance (instantiate $c)))
  (component $cb (alias outer 1 $ca (component $c)) (instance (instantiate $c)) (instance (instantiate $c)))
  (component $cc (alias outer 1 $cb (component $c)) (instance (instantiate $c)) (instance (instantiate $c)))
  (component $cd (alias outer 1 $cc (component $c)) (instance (instantiate $c)) (instance (instantiate $c)))
  (component $ce (alias outer 1 $cd (component $c)) (instance (instantiate $c)) (instance (instantiate $c)))
  (component $cf (alias outer 1 $ce (component $c)) (instance (instantiate $c)) (instance (instantiate $c)))
  (component $cg (alias outer 1 $cf (component $c)) (instance (instantiate $c)) (instance (instantiate $c)))
  (component $ch (alias outer 1 $cg (component $c)) (instance (instantiate $c)) (instance (instantiate $c)))
  (component $ci (alias outer 1 $ch (component $c)) (instance (instantiate $c)) (instance (instantiate $c)))
  (component $cj (alias outer 1 $ci (component $c)) (instance (instantiate $c)) (instance (instantiate $c)))
  (component $ck (alias outer 1 $cj (component $c)) (instance (instantiate $c)) (instance (instantiate $c)))
  (component $cl (alias outer 1 $ck (component $c)) (instance (instantiate $c)) (instance (instantiate $c)))
  (component $cm (alias outer 1 $cl (component $c)) (instance (instantiate $c)) (instance (instantiate $c)))
  (component $cn (alias outer 1 $cm (component $c)) (instance (instantiate $c)) (instance (instantiate $c)))
  (component $co (alias outer 1 $cn (component $c)) (instance (instantiate $c)) (instance (instantiate $c))))

;; @exponential-exports
;; An instance that contains 2^24 others, by two exports of each level.
(component
  (import "f" (func $f))
  (instance $i0 (export "f" (func $f)))
  (instance $i1 (export "a" (instance $i0)) (export "b" (instance $i0)))
  (instance $i2 (export "a" (instance $i1)) (export "b" (instance $i1)))
  (instance $i3 (export "a" (instance $i2)) (export "b" (instance $i2)))
  (instance $i4 (export "a" (instance $i3)) (export "b" (instance $i3)))
  (instance $i5 (export "a" (instance $i4)) (export "b" (instance $i4)))
  (instance $i6 (export "a" (instance $i5)) (export "b" (instance $i5)))
  (instance $i7 (export "a" (instance $i6)) (export "b" (instance $i6)))
  (instance $i8 (export "a" (instance $i7)) (export "b" (instance $i7)))
  (instance $i9 (export "a" (instance $i8)) (export "b" (instance $i8)))
  (instance $ia (export "a" (instance $i9)) (export "b" (instance $i9)))
  (instance $ib (export "a" (instance $ia)) (export "b" (instance $ia)))
  (instance $ic (export "a" (instance $ib)) (export "b" (instance $ib)))
  (instance $id (export "a" (instance $ic)) (export "b" (instance $ic)))
  (instance $ie (export "a" (instance $id)) (export "b" (instance $id)))
  (instance $if (export "a" (instance $ie)) (export "b" (instance $ie)))
  (instance $ig (export "a" (instance $if)) (export "b" (instance $if)))
  (instance $ih (export "a" (instance $ig)) (export "b" (instance $ig)))
  (instance $ii (export "a" (instance $ih)) (export "b" (instance $ih)))
  (instance $ij (export "a" (instance $ii)) (export "b" (instance $ii)))
  (instance $ik (export "a" (instance $ij)) (export "b" (instance $ij)))
  (instance $il (export "a" (instance $ik)) (export "b" (instance $ik)))
  (instance $im (export "a" (instance $il)) (export "b" (instance $il)))
  (instance $in (export "a" (instance $im)) (export "b" (instance $im)))
  (export "i" (instance $in)))

;; @wide
;; A function whose plan has more than a few operations.
(component
  (core module $m (memory (export "m") 1) (func (export "f") (param i32))
    (func (export "r") (param i32 i32 i32 i32) (result i32) (i32.const 0)))
  (core instance $i (instantiate $m))
  (func $f (param "a" (tuple bool bool bool bool bool bool bool bool bool bool bool bool bool bool bool bool bool bool))
    (canon lift (core func $i "f") (memory $i "m") (realloc (func $i "r"))))
  (instance $bag (export "wide-one" (func $f)))
  (export "a:b/c" (instance $bag)))

;; @types
;; For the printer: every kind of type, names by `use`, a world with types, keywords as labels.
(component
  (import "a:b/c@0.1.0" (instance $c
    (type $e (enum "one" "two"))
    (export "e" (type $e' (eq $e)))
    (type $fl (flags "r" "w"))
    (export "fl" (type $fl' (eq $fl)))
    (type $v (variant (case "none") (case "some" $e') (case "own" (list $fl'))))
    (export "v" (type (eq $v)))
    (type $rec (record (field "a" (option u8)) (field "type" (result (error string)))))
    (export "rec" (type $rec' (eq $rec)))
    (type $bytes (list u8))
    (export "bytes" (type $bytes' (eq $bytes)))
    (export "e2" (type (eq $e')))
    (type $s (stream u8))
    (export "s" (type $s' (eq $s)))
    (export "f" (func (param "a" (result)) (param "b" (result u8)) (param "c" (result u8 (error $e'))) (param "d" $bytes')
      (result $rec')))))
  (alias export $c "v" (type $v))
  (alias export $c "fl" (type $fl))
  (alias export $c "rec" (type $rec))
  (import "inline" (instance
    (export "variant" (type $v' (eq $v)))
    (export "fl" (type $fl' (eq $fl)))
    (export "f" (func (param "x" $v') (result $fl')))))
  (import "rec" (type $rec' (eq $rec)))
  (import "g" (func (param "x" $rec')))
  (import "h" (func (param "x" (tuple bool char)))))

;; @both-ways
(component
  (import "a:b/c" (instance $c
    (type $e (enum "x" "y"))
    (export "e" (type $e' (eq $e)))
    (export "f" (func (param "a" $e')))))
  (alias export $c "e" (type $e))
  (core module $m (func (export "f") (param i32)))
  (core instance $i (instantiate $m))
  (func $f (param "a" $e) (canon lift (core func $i "f")))
  (instance $bag (export "e" (type $e)) (export "f" (func $f)) (export "g" (func $f)))
  (export "a:b/c" (instance $bag)))

;; @nested-types
(component
  (type $t0 (list u8))
  (type $l1 (list $t0)) (type $t1 (tuple $l1 $l1))
  (type $l2 (list $t1)) (type $t2 (tuple $l2 $l2))
  (type $l3 (list $t2)) (type $t3 (tuple $l3 $l3))
  (type $l4 (list $t3)) (type $t4 (tuple $l4 $l4))
  (type $l5 (list $t4)) (type $t5 (tuple $l5 $l5))
  (type $l6 (list $t5)) (type $t6 (tuple $l6 $l6))
  (type $l7 (list $t6)) (type $t7 (tuple $l7 $l7))
  (type $l8 (list $t7)) (type $t8 (tuple $l8 $l8))
  (type $l9 (list $t8)) (type $t9 (tuple $l9 $l9))
  (type $l10 (list $t9)) (type $t10 (tuple $l10 $l10))
  (type $l11 (list $t10)) (type $t11 (tuple $l11 $l11))
  (type $l12 (list $t11)) (type $t12 (tuple $l12 $l12))
  (type $l13 (list $t12)) (type $t13 (tuple $l13 $l13))
  (type $l14 (list $t13)) (type $t14 (tuple $l14 $l14))
  (type $l15 (list $t14)) (type $t15 (tuple $l15 $l15))
  (type $l16 (list $t15)) (type $t16 (tuple $l16 $l16))
  (type $l17 (list $t16)) (type $t17 (tuple $l17 $l17))
  (type $l18 (list $t17)) (type $t18 (tuple $l18 $l18))
  (type $l19 (list $t18)) (type $t19 (tuple $l19 $l19))
  (type $l20 (list $t19)) (type $t20 (tuple $l20 $l20))
  (type $l21 (list $t20)) (type $t21 (tuple $l21 $l21))
  (type $l22 (list $t21)) (type $t22 (tuple $l22 $l22))
  (type $l23 (list $t22)) (type $t23 (tuple $l23 $l23))
  (type $l24 (list $t23)) (type $t24 (tuple $l24 $l24))
  (type $l25 (list $t24)) (type $t25 (tuple $l25 $l25))
  (type $l26 (list $t25)) (type $t26 (tuple $l26 $l26))
  (type $l27 (list $t26)) (type $t27 (tuple $l27 $l27))
  (type $l28 (list $t27)) (type $t28 (tuple $l28 $l28))
  (type $l29 (list $t28)) (type $t29 (tuple $l29 $l29))
  (type $l30 (list $t29)) (type $t30 (tuple $l30 $l30))
  (type $l31 (list $t30)) (type $t31 (tuple $l31 $l31))
  (type $l32 (list $t31)) (type $t32 (tuple $l32 $l32))
  (type $l33 (list $t32)) (type $t33 (tuple $l33 $l33))
  (type $l34 (list $t33)) (type $t34 (tuple $l34 $l34))
  (type $l35 (list $t34)) (type $t35 (tuple $l35 $l35))
  (type $l36 (list $t35)) (type $t36 (tuple $l36 $l36))
  (type $l37 (list $t36)) (type $t37 (tuple $l37 $l37))
  (type $l38 (list $t37)) (type $t38 (tuple $l38 $l38))
  (type $l39 (list $t38)) (type $t39 (tuple $l39 $l39))
  (type $l40 (list $t39)) (type $t40 (tuple $l40 $l40))
  (type $l41 (list $t40)) (type $t41 (tuple $l41 $l41))
  (type $l42 (list $t41)) (type $t42 (tuple $l42 $l42))
  (type $l43 (list $t42)) (type $t43 (tuple $l43 $l43))
  (type $l44 (list $t43)) (type $t44 (tuple $l44 $l44))
  (type $l45 (list $t44)) (type $t45 (tuple $l45 $l45))
  (import "f" (func (param "x" $t45)))
)

;; @builtins
;; The core types of all canonical built-in functions, and of async lifts and lowers.
(component
  (component
    (type $r (resource (rep i32)))
    (type $s (stream u32))
    (type $f (future string))
    (type $empty (stream))
    (import "five" (func $five async (param "a" u8) (param "b" u8) (param "c" u8) (param "d" u8) (param "e" u8)))
    (import "four" (func $four async (param "a" u8) (param "b" u16) (param "c" f32) (param "d" u64) (result u8)))
    (core type $start (func (param i32)))
    (core module $libc
      (memory (export "m") 1)
      (table (export "t") 1 funcref)
      (func (export "r") (param i32 i32 i32 i32) (result i32) unreachable))
    (core instance $libc (instantiate $libc))
    (alias core export $libc "m" (core memory $m))
    (alias core export $libc "t" (core table $t))
    (alias core export $libc "r" (core func $realloc))
    (core func $resource.new (canon resource.new $r))
    (core func $resource.drop (canon resource.drop $r))
    (core func $resource.rep (canon resource.rep $r))
    (core func $task.cancel (canon task.cancel))
    (core func $subtask.cancel (canon subtask.cancel))
    (core func $subtask.drop (canon subtask.drop))
    (core func $task.return0 (canon task.return))
    (core func $task.return2 (canon task.return (result (tuple u8 f64))))
    (core func $task.return17 (canon task.return (result (tuple u8 u8 u8 u8 u8 u8 u8 u8 u8 u8 u8 u8 u8 u8 u8 u8 u8)) (memory $m)))
    (core func $context.get (canon context.get i32 0))
    (core func $context.set (canon context.set i32 1))
    (core func $thread.yield (canon thread.yield))
    (core func $stream.new (canon stream.new $s))
    (core func $stream.read (canon stream.read $s async (memory $m)))
    (core func $stream.write (canon stream.write $s async (memory $m)))
    (core func $stream.read0 (canon stream.read $empty async))
    (core func $stream.cancel-read (canon stream.cancel-read $s))
    (core func $stream.drop-readable (canon stream.drop-readable $s))
    (core func $future.new (canon future.new $f))
    (core func $future.read (canon future.read $f async (memory $m) (realloc $realloc)))
    (core func $future.write (canon future.write $f async (memory $m)))
    (core func $future.drop-writable (canon future.drop-writable $f))
    (core func $error-context.new (canon error-context.new (memory $m)))
    (core func $error-context.debug-message (canon error-context.debug-message (memory $m) (realloc $realloc)))
    (core func $waitable-set.new (canon waitable-set.new))
    (core func $waitable-set.wait (canon waitable-set.wait (memory $m)))
    (core func $waitable-set.drop (canon waitable-set.drop))
    (core func $waitable.join (canon waitable.join))
    (core func $backpressure.inc (canon backpressure.inc))
    (core func $thread.index (canon thread.index))
    (core func $thread.new-indirect (canon thread.new-indirect $start (table $t)))
    (core func $five (canon lower (func $five) async (memory $m)))
    (core func $four (canon lower (func $four) async (memory $m)))
    (core module $user
      (import "" "resource.new" (func (param i32) (result i32)))
      (import "" "resource.drop" (func (param i32)))
      (import "" "resource.rep" (func (param i32) (result i32)))
      (import "" "task.cancel" (func))
      (import "" "subtask.cancel" (func (param i32) (result i32)))
      (import "" "subtask.drop" (func (param i32)))
      (import "" "task.return0" (func))
      (import "" "task.return2" (func (param i32 f64)))
      (import "" "task.return17" (func (param i32)))
      (import "" "context.get" (func (result i32)))
      (import "" "context.set" (func (param i32)))
      (import "" "thread.yield" (func (result i32)))
      (import "" "stream.new" (func (result i64)))
      (import "" "stream.read" (func (param i32 i32 i32) (result i32)))
      (import "" "stream.write" (func (param i32 i32 i32) (result i32)))
      (import "" "stream.read0" (func (param i32 i32 i32) (result i32)))
      (import "" "stream.cancel-read" (func (param i32) (result i32)))
      (import "" "stream.drop-readable" (func (param i32)))
      (import "" "future.new" (func (result i64)))
      (import "" "future.read" (func (param i32 i32) (result i32)))
      (import "" "future.write" (func (param i32 i32) (result i32)))
      (import "" "future.drop-writable" (func (param i32)))
      (import "" "error-context.new" (func (param i32 i32) (result i32)))
      (import "" "error-context.debug-message" (func (param i32 i32)))
      (import "" "waitable-set.new" (func (result i32)))
      (import "" "waitable-set.wait" (func (param i32 i32) (result i32)))
      (import "" "waitable-set.drop" (func (param i32)))
      (import "" "waitable.join" (func (param i32 i32)))
      (import "" "backpressure.inc" (func))
      (import "" "thread.index" (func (result i32)))
      (import "" "thread.new-indirect" (func (param i32 i32) (result i32)))
      (import "" "five" (func (param i32) (result i32)))
      (import "" "four" (func (param i32 i32 f32 i64 i32) (result i32)))
      (func (export "stackful") (param i32))
      (func (export "callback") (param i32 i32 i32) (result i32) unreachable)
      (func (export "stackless") (param i32) (result i32) unreachable))
    (core instance $user (instantiate $user (with "" (instance
      (export "resource.new" (func $resource.new)) (export "resource.drop" (func $resource.drop))
      (export "resource.rep" (func $resource.rep)) (export "task.cancel" (func $task.cancel))
      (export "subtask.cancel" (func $subtask.cancel)) (export "subtask.drop" (func $subtask.drop))
      (export "task.return0" (func $task.return0)) (export "task.return2" (func $task.return2))
      (export "task.return17" (func $task.return17)) (export "context.get" (func $context.get))
      (export "context.set" (func $context.set)) (export "thread.yield" (func $thread.yield))
      (export "stream.new" (func $stream.new)) (export "stream.read" (func $stream.read))
      (export "stream.write" (func $stream.write)) (export "stream.read0" (func $stream.read0))
      (export "stream.cancel-read" (func $stream.cancel-read)) (export "stream.drop-readable" (func $stream.drop-readable))
      (export "future.new" (func $future.new)) (export "future.read" (func $future.read))
      (export "future.write" (func $future.write)) (export "future.drop-writable" (func $future.drop-writable))
      (export "error-context.new" (func $error-context.new))
      (export "error-context.debug-message" (func $error-context.debug-message))
      (export "waitable-set.new" (func $waitable-set.new)) (export "waitable-set.wait" (func $waitable-set.wait))
      (export "waitable-set.drop" (func $waitable-set.drop)) (export "waitable.join" (func $waitable.join))
      (export "backpressure.inc" (func $backpressure.inc)) (export "thread.index" (func $thread.index))
      (export "thread.new-indirect" (func $thread.new-indirect)) (export "five" (func $five)) (export "four" (func $four))))))
    (func async (param "a" u32) (result u64) (canon lift (core func $user "stackful") async))
    (func async (param "a" u32) (result u64)
      (canon lift (core func $user "stackless") async (callback (func $user "callback"))))))

;; @type-arguments
;; Instance and component types as type arguments: equal when each is a subtype of the other.
(component
  (type $t (instance (export "f" (func)) (export "g" (func (param "x" u8)))))
  (type $k (component (import "f" (func)) (export "g" (func))))
  (component $c
    (type $u (instance (type $f (func (param "x" u8))) (export "g" (func (type $f))) (export "f" (func))))
    (import "t" (type (eq $u)))
    (type $l (component (import "f" (func)) (export "g" (func))))
    (import "k" (type (eq $l))))
  (instance (instantiate $c (with "t" (type $t)) (with "k" (type $k)))))
