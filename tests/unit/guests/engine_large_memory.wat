;; More than 2 GiB of memory, addressed by constants.
(module
  (memory 40000)
  (func (export "store") (i32.store (i32.const 0x90000000) (i32.const 0x12345678)))
  (func (export "load") (result i32) (i32.load (i32.const 0x90000000)))
  (func (export "load_offset") (result i32) (i32.load offset=0x80000000 (i32.const 0x10000000)))
  (func (export "fill") (memory.fill (i32.const 0x90000010) (i32.const 0x5a) (i32.const 16)))
  (func (export "copy") (memory.copy (i32.const 0x90000020) (i32.const 0x90000010) (i32.const 8)))
  (func (export "load_at") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "fill_at") (param i32 i32) (memory.fill (local.get 0) (i32.const 0x77) (local.get 1)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))
