;; $caller, of the world `types`, has $callee, of the world `values`, for its host; what it logs is the host's own.
(component
  (import "log" (func $log (param "message" string)))
  (component $caller)
  (component $callee)
  (instance $values (instantiate $callee))
  (instance $types (instantiate $caller
    (with "test:types/shapes@1.0.0" (instance $values "test:types/shapes@1.0.0"))
    (with "test:types/echo@1.0.0" (instance $values "test:types/echo@1.0.0"))
    (with "test:types/host@1.0.0" (instance $values "test:types/spill@1.0.0"))
    (with "log" (func $log))))
  (export "test:types/shapes@1.0.0" (instance $values "test:types/shapes@1.0.0"))
  (export "test:types/echo@1.0.0" (instance $types "test:types/echo@1.0.0"))
  (export "log-twice" (func $types "log-twice"))
  (export "ask-host" (func $types "ask-host"))
  (export "heap-used" (func $types "heap-used"))
  (export "post-returns" (func $types "post-returns"))
  (export "callee-heap-used" (func $values "heap-used"))
  (export "callee-post-returns" (func $values "post-returns")))
