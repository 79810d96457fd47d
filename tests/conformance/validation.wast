;; What makes a component invalid (Explainer; Canonical ABI, "Canonical definitions"), each beside a good one. The messages are not compared:
;; they say the rule.

;; -- Value types

(component definition
  (type (record (field "a" u8)))
  (type (variant (case "a") (case "b" u8)))
  (type (tuple u8))
  (type (flags "a"))
  (type (enum "a"))
  (type (option (option u8)))
  (type (result))
  (type (list (list string)))
  (type (func (param "a" u8) (param "b" u8) (result u8)))
  (type (func)))
(assert_invalid (component (type (record))) "a record has a field")
(assert_invalid (component (type (variant))) "a variant has a case")
(assert_invalid (component (type (tuple))) "a tuple has an element")
(assert_invalid (component (type (flags))) "flags have a label")
(assert_invalid (component (type (enum))) "an enum has a case")
(assert_invalid (component (type (record (field "a" u8) (field "a" u16)))) "fields have names of their own")
(assert_invalid (component (type (record (field "a-b" u8) (field "A-B" u16)))) "whatever the case of letters")
(assert_invalid (component (type (variant (case "x") (case "x" u8)))) "cases too")
(assert_invalid (component (type (enum "x" "y" "x"))) "in enums too")
(assert_invalid (component (type (flags "x" "x"))) "and labels")
(assert_invalid (component (type (func (param "a" u8) (param "a" u8)))) "and parameters")
(assert_invalid (component (type (record (field "a_b" u8)))) "names are kebab")
(assert_invalid (component (type (record (field "" u8)))) "and not empty")
(assert_invalid (component (type (record (field "1a" u8)))) "and begin with a letter")
(assert_invalid (component (type (record (field "a--b" u8)))) "words are not empty")
(assert_invalid (component (type (record (field "aB" u8)))) "a word is of one case")
(assert_invalid
  (component (type (flags
    "a0" "a1" "a2" "a3" "a4" "a5" "a6" "a7" "a8" "a9" "b0" "b1" "b2" "b3" "b4" "b5" "b6" "b7" "b8" "b9"
    "c0" "c1" "c2" "c3" "c4" "c5" "c6" "c7" "c8" "c9" "d0" "d1" "d2")))
  "flags have 32 labels at most")
(assert_invalid (component (type (list 7))) "a type is defined before it is used")
(assert_invalid (component (type $f (func)) (type (list $f))) "a list's element is a value type")
(assert_invalid (component (type $i (instance)) (type (option $i))) "an option's payload is a value type")
(assert_invalid (component (type $f (func)) (type (record (field "f" $f)))) "a field is a value type")
(assert_invalid (component (type $f (func)) (type (func (param "f" $f)))) "a parameter is a value type")
(assert_invalid (component (type $r (list u8)) (type (own $r))) "own is of a resource")
(assert_invalid (component (type $r (list u8)) (type (borrow $r))) "borrow is of a resource")
(assert_invalid (component (type $r (resource (rep i32))) (type (func (result (borrow $r))))) "a result is no borrow")
(assert_invalid (component (type $r (resource (rep i32))) (type (func (result (option (list (borrow $r))))))) "nor holds it one")
(assert_invalid
  (component
    (core module $M (func (export "d") (param i64)))
    (core instance $m (instantiate $M))
    (type $r (resource (rep i32) (dtor (func $m "d")))))
  "a destructor takes the representation")
(assert_invalid
  (component
    (core module $M (func (export "d") (param i32) (result i32) (i32.const 0)))
    (core instance $m (instantiate $M))
    (type $r (resource (rep i32) (dtor (func $m "d")))))
  "and returns nothing")
(assert_invalid (component (type (instance (type (resource (rep i32)))))) "an instance type defines no resource")

;; -- Lifting

(component definition
  (core module $M
    (memory (export "m") 1)
    (func (export "r") (param i32 i32 i32 i32) (result i32) unreachable)
    (func (export "f"))
    (func (export "s") (param i32 i32))
    (func (export "g") (result i32) unreachable)
    (func (export "p") (param i32)))
  (core instance $m (instantiate $M))
  (func (canon lift (core func $m "f")))
  (func (param "s" string) (canon lift (core func $m "s") (memory (core memory $m "m")) (realloc (core func $m "r"))))
  (func (result string)
    (canon lift (core func $m "g") (memory (core memory $m "m")) (post-return (core func $m "p")) string-encoding=utf16)))
(assert_invalid
  (component
    (core module $M (func (export "f") (param i64)))
    (core instance $m (instantiate $M))
    (func (param "a" u32) (canon lift (core func $m "f"))))
  "the core function has the flattened type")
(assert_invalid
  (component
    (core module $M (func (export "f") (param i32)))
    (core instance $m (instantiate $M))
    (func (result u32) (canon lift (core func $m "f"))))
  "of its results too")
(assert_invalid
  (component
    (core module $M (memory (export "m") 1) (func (export "f") (param i32 i32)))
    (core instance $m (instantiate $M))
    (func (param "a" string) (canon lift (core func $m "f") (memory (core memory $m "m")))))
  "a string as parameter needs realloc")
(assert_invalid
  (component
    (core module $M (func (export "f") (result i32) unreachable))
    (core instance $m (instantiate $M))
    (func (result string) (canon lift (core func $m "f"))))
  "a string as result needs memory")
(assert_invalid
  (component
    (core module $M (func (export "f") (result i32) unreachable))
    (core instance $m (instantiate $M))
    (func (result (tuple u8 u8)) (canon lift (core func $m "f"))))
  "so do results that are spilled")
(assert_invalid
  (component
    (core module $M (memory (export "m") 1) (func (export "f") (param i32)))
    (core instance $m (instantiate $M))
    (type $t (tuple u8 u8 u8 u8 u8 u8 u8 u8 u8 u8 u8 u8 u8 u8 u8 u8 u8))
    (func (param "a" $t) (canon lift (core func $m "f") (memory (core memory $m "m")))))
  "and parameters that are, with realloc")
(assert_invalid
  (component
    (core module $M (memory (export "m") 1) (func (export "f") (param i32 i32)) (func (export "r") (param i32 i32 i32) (result i32) unreachable))
    (core instance $m (instantiate $M))
    (func (param "a" string) (canon lift (core func $m "f") (memory (core memory $m "m")) (realloc (core func $m "r")))))
  "realloc takes four parameters")
(assert_invalid
  (component
    (core module $M (func (export "f") (param i32 i32)) (func (export "r") (param i32 i32 i32 i32) (result i32) unreachable))
    (core instance $m (instantiate $M))
    (func (param "a" string) (canon lift (core func $m "f") (realloc (core func $m "r")))))
  "realloc needs memory")
(assert_invalid
  (component
    (core module $M (func (export "f") (result i32) unreachable) (func (export "p") (param i64)))
    (core instance $m (instantiate $M))
    (func (result u32) (canon lift (core func $m "f") (post-return (core func $m "p")))))
  "post-return takes what the function returns")
(assert_invalid
  (component
    (core module $M (func (export "f") (result i32) unreachable) (func (export "p") (param i32) (result i32) unreachable))
    (core instance $m (instantiate $M))
    (func (result u32) (canon lift (core func $m "f") (post-return (core func $m "p")))))
  "post-return returns nothing")
(assert_invalid
  (component
    (core module $M (memory (export "m") 1) (func (export "f")))
    (core instance $m (instantiate $M))
    (func (canon lift (core func $m "f") (memory (core memory $m "m")) (memory (core memory $m "m")))))
  "an option stands once")
(assert_invalid
  (component
    (core module $M (func (export "f")))
    (core instance $m (instantiate $M))
    (func (canon lift (core func $m "f") string-encoding=utf8 string-encoding=utf16)))
  "there is one encoding")
(assert_invalid
  (component
    (core module $M (func (export "f")) (func (export "c") (param i32 i32 i32) (result i32) unreachable))
    (core instance $m (instantiate $M))
    (func (canon lift (core func $m "f") (callback (core func $m "c")))))
  "a callback needs async")
(assert_invalid
  (component (core module $M (func (export "f"))) (core instance $m (instantiate $M)) (type $t u32)
    (canon lift (core func $m "f") (func (type $t))))
  "what is lifted is a function")

;; -- Lowering

(component definition
  (import "f" (func $f (param "s" string) (result u32)))
  (core module $M (memory (export "m") 1))
  (core instance $m (instantiate $M))
  (core func (canon lower (func $f) (memory (core memory $m "m")))))
(assert_invalid
  (component
    (import "f" (func $f (param "s" string)))
    (core func (canon lower (func $f))))
  "a string as parameter needs memory")
(assert_invalid
  (component
    (import "f" (func $f (result string)))
    (core module $M (memory (export "m") 1))
    (core instance $m (instantiate $M))
    (core func (canon lower (func $f) (memory (core memory $m "m")))))
  "a string as result needs realloc")
(assert_invalid
  (component
    (import "f" (func $f))
    (core module $M (func (export "p")))
    (core instance $m (instantiate $M))
    (core func (canon lower (func $f) (post-return (core func $m "p")))))
  "post-return is for lifting")
(assert_invalid
  (component
    (import "f" (func $f (param "a" u32)))
    (core func $l (canon lower (func $f)))
    (core module $M (import "" "f" (func (param i64))))
    (core instance (instantiate $M (with "" (instance (export "f" (func $l)))))))
  "what is lowered has the flattened type")

;; -- Core modules

(assert_invalid (component (core module $M (import "a" "b" (func))) (core instance (instantiate $M))) "every import has an argument")
(assert_invalid
  (component
    (core module $A (func (export "f") (param i32)))
    (core module $B (import "a" "f" (func)))
    (core instance $a (instantiate $A))
    (core instance (instantiate $B (with "a" (instance $a)))))
  "of its type")
(assert_invalid
  (component
    (core module $A (memory (export "m") 1))
    (core module $B (import "a" "m" (memory 2)))
    (core instance $a (instantiate $A))
    (core instance (instantiate $B (with "a" (instance $a)))))
  "and limits")
(assert_invalid
  (component
    (core module $A (global (export "g") i32 (i32.const 0)))
    (core module $B (import "a" "g" (global (mut i32))))
    (core instance $a (instantiate $A))
    (core instance (instantiate $B (with "a" (instance $a)))))
  "and mutability")
(assert_invalid
  (component
    (core module $A (func (export "f")))
    (core module $B (import "a" "f" (func)))
    (core instance $a (instantiate $A))
    (core instance (instantiate $B (with "a" (instance $a)) (with "a" (instance $a)))))
  "an argument stands once")
(assert_invalid (component (core instance (instantiate 0))) "a module is defined before it is instantiated")
(assert_invalid (component (core module $M) (core instance $m (instantiate $M)) (alias core export $m "f" (core func))) "an alias is of what is there")
(assert_invalid
  (component (core module $M (func (export "f"))) (core instance $m (instantiate $M)) (alias core export $m "f" (core memory)))
  "and of its kind")

;; -- Imports, exports, instances

(component definition
  (import "a" (func))
  (import "a:b/c@1.0.0" (instance (export "f" (func))))
  (component $C (import "f" (func $f)) (export "g" (func $f)))
  (import "f" (func $f))
  (instance $c (instantiate $C (with "f" (func $f))))
  (export "g" (func $c "g")))
(assert_invalid (component (import "a" (func)) (import "a" (func))) "imports have names of their own")
(assert_invalid (component (import "a" (func)) (import "A" (func))) "whatever the case of letters")
(assert_invalid (component (import "a" (func $f)) (export "b" (func $f)) (export "b" (func $f))) "so have exports")
(assert_invalid (component (import "A_b" (func))) "names are kebab")
(assert_invalid (component (import "a:b" (func))) "or those of an interface")
(assert_invalid (component (import "f" (func (type 0)))) "a type is defined before it is used")
(assert_invalid (component (export "f" (func 0))) "so is what is exported")
(assert_invalid (component (component $C (import "f" (func))) (instance (instantiate $C))) "every import has an argument")
(assert_invalid
  (component
    (component $C (import "f" (func (param "a" u8))))
    (import "f" (func $f (param "a" u16)))
    (instance (instantiate $C (with "f" (func $f)))))
  "of its type")
(assert_invalid
  (component
    (component $C (import "f" (func (param "a" u8))))
    (import "f" (func $f (param "b" u8)))
    (instance (instantiate $C (with "f" (func $f)))))
  "names of parameters included")
(assert_invalid
  (component
    (component $C (import "i" (instance (export "f" (func)) (export "g" (func)))))
    (import "i" (instance $i (export "f" (func))))
    (instance (instantiate $C (with "i" (instance $i)))))
  "an instance has all the exports that are wanted")
(component definition
  (component $C (import "i" (instance (export "f" (func)))))
  (import "i" (instance $i (export "f" (func)) (export "g" (func))))
  (instance (instantiate $C (with "i" (instance $i)))))
(assert_invalid
  (component
    (component $C (import "r" (type (sub resource))))
    (type $t u8)
    (instance (instantiate $C (with "r" (type $t)))))
  "a resource is wanted")
(assert_invalid
  (component
    (type $r (resource (rep i32)))
    (component $C (alias outer 1 $r (type $x)) (type (own $x))))
  "a component does not reach a resource outside of it")
(assert_invalid (component (alias outer 1 0 (type))) "there is no component outside of the root")
(assert_invalid (component (instance $i) (alias export $i "f" (func))) "an alias is of what is there")
(assert_invalid
  (component
    (type $r (resource (rep i32)))
    (export $e "r" (type $r))
    (core func (canon resource.new $e))
    (type $f (func))
    (core func (canon resource.new $f)))
  "resource.new is of a resource")
(assert_invalid
  (component
    (import "r" (type $r (sub resource)))
    (core func (canon resource.rep $r)))
  "resource.rep is of a resource of its own")

;; -- The binary format

(assert_malformed (component binary "\00asm\0d\00") "the preamble is cut")
(assert_malformed (component binary "\00asm\0c\00\01\00") "another version")
(assert_malformed (component binary "\00asm\0d\00\02\00") "another layer")
(assert_malformed (component binary "\00asm\0d\00\01\00" "\0d\00") "an unknown section")
(assert_malformed (component binary "\00asm\0d\00\01\00" "\07\02\01\40") "a section that is cut")
(assert_malformed (component binary "\00asm\0d\00\01\00" "\07\05\01\70\7d\00\00") "a section longer than what is in it")
(assert_malformed (component binary "\00asm\0d\00\01\00" "\07\06\ff\ff\ff\ff\0f\7d") "more types than bytes")
(assert_malformed (component binary "\00asm\0d\00\01\00" "\07\07\80\80\80\80\80\00\7d") "a number of more than 32 bits")
(assert_malformed (component binary "\00asm\0d\00\01\00" "\07\02\01\3e") "an unknown type")
(assert_malformed (component binary "\00asm\0d\00\01\00" "\00\02\01\ff") "a name that is not UTF-8")
(component definition binary "\00asm\0d\00\01\00" "\07\07\81\80\80\80\00\70\7d" "\00\02\01x")
