;; A tally for each side, of one component; so are the sides.
(component
  (component $tally)
  (component $side)
  (component $top)
  (instance $t1 (instantiate $tally))
  (instance $t2 (instantiate $tally))
  (instance $l (instantiate $side (with "test:diamond/tally@1.0.0" (instance $t1 "test:diamond/tally@1.0.0"))))
  (instance $r (instantiate $side (with "test:diamond/tally@1.0.0" (instance $t2 "test:diamond/tally@1.0.0"))))
  (instance $both (instantiate $top
    (with "test:diamond/left@1.0.0" (instance $l "test:diamond/side@1.0.0"))
    (with "test:diamond/right@1.0.0" (instance $r "test:diamond/side@1.0.0"))))
  (export "both" (func $both "both"))
  (export "notes" (func $both "notes"))
  (export "test:diamond/tally@1.0.0" (instance $t1 "test:diamond/tally@1.0.0"))
  (export "test:diamond/tally@2.0.0" (instance $t2 "test:diamond/tally@1.0.0")))
