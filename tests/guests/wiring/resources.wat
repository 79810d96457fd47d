;; $user has resources of $items and shares them with $shop.
(component
  (component $items)
  (component $shop)
  (component $user)
  (instance $i (instantiate $items))
  (instance $s (instantiate $shop (with "test:resources/items@1.0.0" (instance $i "test:resources/items@1.0.0"))))
  (instance $u (instantiate $user
    (with "test:resources/items@1.0.0" (instance $i "test:resources/items@1.0.0"))
    (with "test:resources/shop@1.0.0" (instance $s "test:resources/shop@1.0.0"))))
  (export "test:resources/items@1.0.0" (instance $i "test:resources/items@1.0.0"))
  (export "test:resources/shop@1.0.0" (instance $s "test:resources/shop@1.0.0"))
  (export "test:resources/run@1.0.0" (instance $u "test:resources/run@1.0.0"))
  (export "test:resources/wrong@1.0.0" (instance $u "test:resources/wrong@1.0.0")))
