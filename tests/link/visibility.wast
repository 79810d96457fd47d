;; External visibility of types: what an import or export refers to needs a name that an earlier import or export gave. Cases without
;; a message are valid; the others name what the error says.

;; -- Every kind of type that needs a name, and those that need none ------------------------------------------------------------

;; @needs-no-name
(component
  (import "f" (func (param "a" (list (tuple (option u8) (result string (error char))))) (result (result)))))
;; @record-unnamed: import `f` refers to `record { x: u8 }`, which no earlier import or export names: import the type first
(component
  (type $t (record (field "x" u8)))
  (import "f" (func (param "a" $t))))
;; @variant-unnamed: import `f` refers to `variant { x(u8) }`
(component (type $t (variant (case "x" u8))) (import "f" (func (result $t))))
;; @enum-unnamed: import `f` refers to `enum { x }`
(component (type $t (enum "x")) (import "f" (func (param "a" $t))))
;; @flags-unnamed: import `f` refers to `flags { x }`
(component (type $t (flags "x")) (import "f" (func (param "a" $t))))
;; @resource-unnamed: export `f` refers to `resource type`, which no earlier import or export names: export the type first
(component
  (type $r (resource (rep i32)))
  (core func $drop (canon resource.drop $r))
  (func $f (param "a" (own $r)) (canon lift (core func $drop)))
  (export "f" (func $f)))
;; @all-named
(component
  (type $rec (record (field "x" u8)))
  (import "rec" (type $rec' (eq $rec)))
  (type $var (variant (case "x" $rec')))
  (import "var" (type $var' (eq $var)))
  (type $en (enum "x"))
  (import "en" (type $en' (eq $en)))
  (type $fl (flags "x"))
  (import "fl" (type $fl' (eq $fl)))
  (import "res" (type $res (sub resource)))
  (import "f" (func (param "a" $var') (param "b" $en') (param "c" $fl') (param "d" (borrow $res)) (result (own $res)))))

;; -- Where it hides ------------------------------------------------------------------------------------------------------------

;; @in-list: refers to `enum { x }`
(component (type $t (enum "x")) (import "f" (func (param "a" (list $t)))))
;; @in-tuple-in-option: refers to `enum { x }`
(component (type $t (enum "x")) (import "f" (func (param "a" (option (tuple u8 $t))))))
;; @in-result-error: refers to `enum { x }`
(component (type $t (enum "x")) (import "f" (func (result (result (error $t))))))
;; @in-map: refers to `enum { x }`
(component (type $t (enum "x")) (import "f" (func (param "a" (map string $t)))))
;; @in-fixed-list: refers to `enum { x }`
(component (type $t (enum "x")) (import "f" (func (param "a" (list $t 3)))))
;; @in-stream: refers to `enum { x }`
(component (type $t (enum "x")) (import "f" (func (param "a" (stream $t)))))
;; @in-future: refers to `enum { x }`
(component (type $t (enum "x")) (import "f" (func (param "a" (future (list $t))))))
;; @in-borrow: refers to `resource type`
(component
  (type $r (resource (rep i32)))
  (core func $drop (canon resource.drop $r))
  (func $f (param "a" (borrow $r)) (canon lift (core func $drop)))
  (export "r" (type $r))
  (export "f" (func $f)))
;; @in-record-field: import `t` refers to `enum { x }`
(component
  (type $e (enum "x"))
  (type $t (record (field "a" (list $e))))
  (import "t" (type (eq $t))))
;; @in-variant-case: import `t` refers to `enum { x }`
(component (type $e (enum "x")) (type $t (variant (case "a") (case "b" $e))) (import "t" (type (eq $t))))
;; @in-function-type: export `t` refers to `enum { x }`
(component (type $e (enum "x")) (type $t (func (param "a" $e))) (export "t" (type $t)))
;; @second-use-of-a-good-type: refers to `enum { y }`
(component
  (type $e (enum "x"))
  (import "e" (type $e' (eq $e)))
  (type $list (list $e'))
  (import "f" (func (param "a" $list)))
  (type $bad (enum "y"))
  (import "g" (func (param "a" $list) (param "b" $bad))))

;; -- Which name counts ---------------------------------------------------------------------------------------------------------

;; @named-after-use: refers to `enum { x }`
(component
  (type $e (enum "x"))
  (import "f" (func (param "a" $e)))
  (import "e" (type (eq $e))))
;; @the-definition-is-not-named: refers to `enum { x }`
(component
  (type $e (enum "x"))
  (import "e" (type (eq $e)))
  (import "f" (func (param "a" $e))))
;; @equal-structure-is-not-enough: refers to `enum { x }`
(component
  (type $e (enum "x"))
  (import "e" (type (eq $e)))
  (type $e2 (enum "x"))
  (import "f" (func (param "a" $e2))))
;; @a-name-of-a-name
(component
  (type $e (enum "x"))
  (import "e" (type $e1 (eq $e)))
  (import "e2" (type $e2 (eq $e1)))
  (import "f" (func (param "a" $e1) (param "b" $e2))))
;; @exports-see-imports
(component
  (type $e (enum "x"))
  (import "e" (type $e' (eq $e)))
  (import "f" (func $f (param "a" $e')))
  (export "g" (func $f)))
;; @imports-do-not-see-exports: refers to a type that is exported, `enum { x }`; imports cannot depend on exports
(component
  (type $e (enum "x"))
  (export $e' "e" (type $e))
  (import "f" (func (param "a" $e'))))
;; @imports-do-not-see-exported-resources: refers to a type that is exported, `resource type`; imports cannot depend on exports
(component
  (type $r (resource (rep i32)))
  (export $r' "r" (type $r))
  (import "f" (func (param "a" (own $r')))))
;; @imported-type-is-a-local-resource: import `t` refers to `resource type`
(component
  (type $r (resource (rep i32)))
  (import "t" (type (eq $r))))
;; @imported-type-is-an-exported-resource: import `t` refers to a type that is exported
(component
  (type $r (resource (rep i32)))
  (export $r' "r" (type $r))
  (import "t" (type (eq $r'))))
;; @imported-type-is-a-childs-resource: import `t` refers to `resource type`
(component
  (component $c (type $r (resource (rep i32))) (export "r" (type $r)))
  (instance $i (instantiate $c))
  (alias export $i "r" (type $r))
  (import "t" (type (eq $r))))
;; @imported-type-in-a-type-is-an-outer-resource
(component
  (type $r (resource (rep i32)))
  (type (component (import "t" (type (eq $r))))))
;; @imported-type-in-a-type-is-its-own-export: import `t` refers to a type that is exported
(component
  (type (component
    (export "r" (type $r (sub resource)))
    (import "t" (type (eq $r))))))
;; @imported-type-is-an-imported-resource
(component
  (import "r" (type $r (sub resource)))
  (import "t" (type $t (eq $r)))
  (import "f" (func (param "a" (own $t)) (param "b" (own $r)))))
;; @ascribed-function
(component
  (type $e (enum "x"))
  (core module $m (func (export "f") (param i32)))
  (core instance $i (instantiate $m))
  (func $f (param "a" $e) (canon lift (core func $i "f")))
  (export $e' "e" (type $e))
  (export "f" (func $f) (func (param "a" $e'))))
;; @ascribed-with-the-unnamed: refers to `enum { x }`
(component
  (type $e (enum "x"))
  (core module $m (func (export "f") (param i32)))
  (core instance $i (instantiate $m))
  (export $e' "e" (type $e))
  (func $f (param "a" $e') (canon lift (core func $i "f")))
  (export "f" (func $f) (func (param "a" $e))))

;; -- Instances -----------------------------------------------------------------------------------------------------------------

;; @instance-brings-names
(component
  (import "i" (instance $i
    (type $e (enum "x"))
    (export "e" (type $e' (eq $e)))
    (export "r" (type $r (sub resource)))
    (export "f" (func (param "a" $e') (result (own $r))))))
  (alias export $i "e" (type $e))
  (alias export $i "r" (type $r))
  (import "g" (func (param "a" $e) (param "b" (borrow $r)))))
;; @instance-hides-a-type: import `i` refers to `enum { x }`
(component
  (import "i" (instance
    (type $e (enum "x"))
    (export "f" (func (param "a" $e))))))
;; @nested-instance-hides-a-type: import `i` refers to `enum { x }`
(component
  (import "i" (instance (export "j" (instance
    (type $e (enum "x"))
    (export "f" (func (param "a" $e))))))))
;; @nested-instance-brings-names
(component
  (import "i" (instance $i (export "j" (instance
    (type $e (enum "x"))
    (export "e" (type (eq $e)))))))
  (alias export $i "j" (instance $j))
  (alias export $j "e" (type $e))
  (import "f" (func (param "a" $e))))
;; @names-of-inner-instances-serve-outer-ones
(component
  (import "i" (instance
    (export "j" (instance $j
      (type $e (enum "x"))
      (export "e" (type (eq $e)))))
    (alias export $j "e" (type $e))
    (export "f" (func (param "a" $e))))))
;; @bag-names-nothing-until-exported: export `f` refers to `record { x: u8 }`
(component
  (core module $m (func (export "f") (param i32)))
  (core instance $i (instantiate $m))
  (type $t (record (field "x" u8)))
  (instance $bag (export "t" (type $t)))
  (alias export $bag "t" (type $t'))
  (func $f (param "a" $t') (canon lift (core func $i "f")))
  (export "f" (func $f)))
;; @bag-names-when-exported
(component
  (core module $m (func (export "f") (param i32)))
  (core instance $i (instantiate $m))
  (type $t (record (field "x" u8)))
  (instance $bag (export "t" (type $t)))
  (export $bag' "i" (instance $bag))
  (alias export $bag' "t" (type $t'))
  (func $f (param "a" $t') (canon lift (core func $i "f")))
  (export "f" (func $f)))
;; @bag-with-a-hidden-type: export `i` refers to `record { x: u8 }`
(component
  (core module $m (func (export "f") (param i32)))
  (core instance $i (instantiate $m))
  (type $t (record (field "x" u8)))
  (func $f (param "a" $t) (canon lift (core func $i "f")))
  (instance $bag (export "f" (func $f)))
  (export "i" (instance $bag)))
;; @child-brings-names-when-exported
(component
  (component $c
    (type $t (record (field "x" u8)))
    (export $t' "t" (type $t))
    (core module $m (func (export "f") (param i32)))
    (core instance $i (instantiate $m))
    (func $f (param "a" $t') (canon lift (core func $i "f")))
    (export "f" (func $f)))
  (instance $i (instantiate $c))
  (export "i" (instance $i))
  (alias export $i "f" (func $f))
  (export "f" (func $f)))
;; @child-that-is-not-exported: export `f` refers to `record { x: u8 }`
(component
  (component $c
    (type $t (record (field "x" u8)))
    (export $t' "t" (type $t))
    (core module $m (func (export "f") (param i32)))
    (core instance $i (instantiate $m))
    (func $f (param "a" $t') (canon lift (core func $i "f")))
    (export "f" (func $f)))
  (instance $i (instantiate $c))
  (alias export $i "f" (func $f))
  (export "f" (func $f)))
;; @child-refers-to-its-argument
(component
  (type $t (record (field "x" u8)))
  (import "t" (type $t' (eq $t)))
  (component $c
    (type $t (record (field "x" u8)))
    (import "a" (type $a (eq $t)))
    (type $list (list $a))
    (export "list" (type $list)))
  (instance $i (instantiate $c (with "a" (type $t'))))
  (export "list" (type $i "list")))
;; @child-refers-to-an-unnamed-argument: export `list` refers to `record { x: u8 }`
(component
  (type $t (record (field "x" u8)))
  (component $c
    (type $t (record (field "x" u8)))
    (import "a" (type $a (eq $t)))
    (type $list (list $a))
    (export "list" (type $list)))
  (instance $i (instantiate $c (with "a" (type $t))))
  (export "list" (type $i "list")))
;; @outer-names-do-not-count: import `f` refers to `enum { x }`
(component
  (type $e (enum "x"))
  (import "e" (type $e' (eq $e)))
  (component (import "f" (func (param "a" $e')))))

;; -- Types of instances and components -----------------------------------------------------------------------------------------

;; @instance-type-alone-is-not-looked-at
(component (type (instance (type $e (enum "x")) (export "f" (func (param "a" $e))))))
;; @instance-type-imported: import `t` refers to `enum { x }`
(component
  (type $i (instance (type $e (enum "x")) (export "f" (func (param "a" $e)))))
  (import "t" (type (eq $i))))
;; @instance-type-exported: export `t` refers to `enum { x }`
(component
  (type $i (instance (type $e (enum "x")) (export "f" (func (param "a" $e)))))
  (export "t" (type $i)))
;; @instance-type-with-names-of-its-own
(component
  (type $i (instance
    (type $e (enum "x"))
    (export "e" (type $e' (eq $e)))
    (export "r" (type $r (sub resource)))
    (export "f" (func (param "a" $e') (param "b" (own $r))))))
  (import "t" (type (eq $i)))
  (export "u" (type $i)))
;; @component-type-is-looked-at: export `f` refers to `enum { x }`
(component (type (component (type $e (enum "x")) (export "f" (func (param "a" $e))))))
;; @component-type-import: import `f` refers to `enum { x }`
(component (type (component (type $e (enum "x")) (import "f" (func (param "a" $e))))))
;; @component-type-imports-cannot-depend-on-exports: refers to a type that is exported
(component (type (component (export "r" (type $r (sub resource))) (import "f" (func (param "a" (own $r)))))))
;; @component-type-in-instance-type: export `f` refers to `enum { x }`
(component (type (instance (type (component (type $e (enum "x")) (export "f" (func (param "a" $e))))))))
;; @component-type-exports-see-imports
(component (type (component
  (import "r" (type $r (sub resource)))
  (export "f" (func (param "a" (own $r)))))))
;; @component-is-closed
(component
  (component $c (type $e (enum "x")) (type $t (func (param "a" $e))))
  (export "c" (component $c)))

;; @imported-component-mentions-a-local-resource: import `c` refers to `resource type`
(component $o
  (type $r (resource (rep i32)))
  (type $c (component (alias outer $o $r (type $r)) (import "t" (type (eq $r)))))
  (import "c" (component (type $c))))
;; @imported-component-mentions-an-exported-resource: import `c` refers to a type that is exported
(component $o
  (type $r (resource (rep i32)))
  (export $r' "r" (type $r))
  (type $c (component (alias outer $o $r' (type $r)) (import "t" (type $t (eq $r))) (import "f" (func (param "a" (own $t))))))
  (import "c" (component (type $c))))
;; @imported-component-mentions-an-imported-resource
(component $o
  (import "r" (type $r (sub resource)))
  (type $c (component (alias outer $o $r (type $r)) (import "t" (type $t (eq $r))) (import "f" (func (param "a" (own $t))))))
  (import "c" (component (type $c)))
  (export "t" (type $c)))
;; @component-in-an-imported-instance-mentions-a-local-resource: import `i` refers to `resource type`
(component $o
  (type $r (resource (rep i32)))
  (type $i (instance
    (alias outer $o $r (type $r))
    (type $c (component (alias outer 1 0 (type $r)) (import "t" (type (eq $r)))))
    (export "c" (component (type $c)))))
  (import "i" (instance (type $i))))
;; @exported-component-type-mentions-a-local-resource: export `t` refers to `resource type`
(component $o
  (type $r (resource (rep i32)))
  (type $c (component (alias outer $o $r (type $r)) (import "t" (type (eq $r)))))
  (export "t" (type $c)))
;; @exported-component-type-mentions-an-exported-resource
(component $o
  (type $r (resource (rep i32)))
  (export $r' "r" (type $r))
  (type $c (component (alias outer $o $r (type $r)) (import "t" (type (eq $r)))))
  (export "t" (type $c)))

;; -- Annotated names: the resource is the one that the scope names so ----------------------------------------------------------

;; @method-of-another-name-of-the-resource: must be `self: borrow<b>`
(component
  (import "a" (type $a (sub resource)))
  (import "b" (type $b (eq $a)))
  (import "[method]b.f" (func (param "self" (borrow $a)))))
;; @method-of-that-name
(component
  (import "a" (type $a (sub resource)))
  (import "b" (type $b (eq $a)))
  (import "[method]b.f" (func (param "self" (borrow $b)))))
;; @constructor-of-the-definition: must return `own<r>`
(component
  (type $r (resource (rep i32)))
  (export $r' "r" (type $r))
  (core module $m (func (export "f") (result i32) unreachable))
  (core instance $i (instantiate $m))
  (func $f (result (own $r)) (canon lift (core func $i "f")))
  (export "[constructor]r" (func $f)))
;; @constructor-ascribed
(component
  (type $r (resource (rep i32)))
  (export $r' "r" (type $r))
  (core module $m (func (export "f") (result i32) unreachable))
  (core instance $i (instantiate $m))
  (func $f (result (own $r)) (canon lift (core func $i "f")))
  (export "[constructor]r" (func $f) (func (result (own $r')))))
;; @method-with-a-type-that-has-a-name
(component
  (import "a" (type $a (sub resource)))
  (type $self (borrow $a))
  (import "[method]a.f" (func (param "self" $self))))
;; @static-in-a-bag: instances of inline exports name none
(component
  (import "r" (type $r (sub resource)))
  (import "f" (func $f))
  (instance (export "r" (type $r)) (export "[static]r.f" (func $f))))
