;; One tally, which both sides use.
(component
  (component $tally)
  (component $side)
  (component $other)
  (component $top)
  (instance $t (instantiate $tally))
  (instance $l (instantiate $side (with "test:diamond/tally@1.0.0" (instance $t "test:diamond/tally@1.0.0"))))
  (instance $r (instantiate $other (with "test:diamond/tally@1.0.0" (instance $t "test:diamond/tally@1.0.0"))))
  (instance $both (instantiate $top
    (with "test:diamond/left@1.0.0" (instance $l "test:diamond/side@1.0.0"))
    (with "test:diamond/right@1.0.0" (instance $r "test:diamond/side@1.0.0"))))
  (export "both" (func $both "both"))
  (export "notes" (func $both "notes"))
  (export "test:diamond/tally@1.0.0" (instance $t "test:diamond/tally@1.0.0")))
