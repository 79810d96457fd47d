;; Vectors in every place.

;; @instruction
(module (func (export "f") (drop (i32x4.extract_lane 1 (i32x4.add (i32x4.splat (i32.const 1)) (v128.const i32x4 1 2 3 4))))))
;; @local
(module (func (export "f") (local v128)))
;; @global
(module (global (mut v128) (v128.const i64x2 5 6)) (func (export "f")))
;; @param
(module (func $g (param v128)) (func (export "f")))
;; @result
(module (type (func (result v128))) (func (export "f")))
