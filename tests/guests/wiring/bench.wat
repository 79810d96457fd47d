;; $caller's loops call $callee; the host times them, and has the callee's functions for a baseline written by hand.
(component
  (component $caller)
  (component $callee)
  (instance $e (instantiate $callee))
  (instance $r (instantiate $caller
    (with "test:bench/calls@1.0.0" (instance $e "test:bench/calls@1.0.0"))
    (with "test:bench/things@1.0.0" (instance $e "test:bench/things@1.0.0"))))
  (export "test:bench/calls@1.0.0" (instance $e "test:bench/calls@1.0.0"))
  (export "test:bench/things@1.0.0" (instance $e "test:bench/things@1.0.0"))
  (export "test:bench/drive@1.0.0" (instance $r "test:bench/drive@1.0.0"))
  (export "test:bench/drive-things@1.0.0" (instance $r "test:bench/drive-things@1.0.0")))
