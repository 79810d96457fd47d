;; Strings on the way out of a component, in the three encodings: length, alignment, bounds, then the text (Canonical ABI,
;; load_string_from_range).

(component definition $Strings
  (core module $M
    (memory (export "memory") 1)
    (data (i32.const 16) "hello")
    (data (i32.const 32) "\c3\a9\e2\82\ac\f0\9f\98\80")             ;; 2, 3 and 4 bytes
    (data (i32.const 48) "\00\ef\bf\bf\f4\8f\bf\bf\ed\9f\bf\ee\80\80") ;; U+0, U+FFFF, U+10FFFF, U+D7FF, U+E000
    (data (i32.const 128) "\c0\80")          ;; overlong, of 2 bytes
    (data (i32.const 136) "\e0\9f\bf")       ;; of 3
    (data (i32.const 144) "\f0\8f\bf\bf")    ;; of 4
    (data (i32.const 152) "\ed\a0\80")       ;; a surrogate
    (data (i32.const 160) "\f4\90\80\80")    ;; U+110000
    (data (i32.const 168) "\80")             ;; a continuation alone
    (data (i32.const 176) "\fe")             ;; no byte of UTF-8
    (data (i32.const 184) "a\e2\82")         ;; cut
    (data (i32.const 192) "\c3(")            ;; a continuation lacks
    (data (i32.const 200) "0123456789abcdef0123456789abcdef0123456789abcde\ff") ;; bad at the end of a long one
    (data (i32.const 256) "h\00i\00\e9\00\ac\20\3d\d8\00\de")       ;; UTF-16: h i U+E9 U+20AC U+1F600
    (data (i32.const 288) "\00\d8")          ;; half a pair
    (data (i32.const 292) "\00\dca\00")      ;; the other half
    (data (i32.const 296) "\00\d8\00\d8")    ;; two firsts
    (data (i32.const 300) "a\00\ff\db")      ;; cut
    (data (i32.const 304) "\00\d8a\00")      ;; a letter where the second half belongs
    (data (i32.const 320) "caf\e9\ff\00")    ;; Latin-1
    (data (i32.const 65534) "yz")
    (func (export "string") (param i32 i32) (result i32)
      (i32.store (i32.const 0) (local.get 0))
      (i32.store (i32.const 4) (local.get 1))
      (i32.const 0)))
  (core instance $m (instantiate $M))
  (alias core export $m "memory" (core memory $mem))
  (func (export "utf8") (param "ptr" u32) (param "len" u32) (result string)
    (canon lift (core func $m "string") (memory $mem) string-encoding=utf8))
  (func (export "utf16") (param "ptr" u32) (param "len" u32) (result string)
    (canon lift (core func $m "string") (memory $mem) string-encoding=utf16))
  (func (export "latin1") (param "ptr" u32) (param "len" u32) (result string)
    (canon lift (core func $m "string") (memory $mem) string-encoding=latin1+utf16)))

(component instance $s $Strings)
(assert_return (invoke "utf8" (u32.const 16) (u32.const 5)) (str.const "hello"))
(assert_return (invoke "utf8" (u32.const 32) (u32.const 9)) (str.const "\u{e9}\u{20ac}\u{1f600}"))
(assert_return (invoke "utf8" (u32.const 48) (u32.const 14)) (str.const "\00\u{ffff}\u{10ffff}\u{d7ff}\u{e000}"))
(assert_return (invoke "utf8" (u32.const 65534) (u32.const 2)) (str.const "yz"))
(assert_return (invoke "utf8" (u32.const 65535) (u32.const 1)) (str.const "z"))
(assert_return (invoke "utf8" (u32.const 65536) (u32.const 0)) (str.const ""))
(assert_return (invoke "utf8" (u32.const 1) (u32.const 0)) (str.const ""))
(assert_return (invoke "utf16" (u32.const 256) (u32.const 6)) (str.const "hi\u{e9}\u{20ac}\u{1f600}"))
(assert_return (invoke "utf16" (u32.const 65534) (u32.const 1)) (str.const "\u{7a79}"))
(assert_return (invoke "utf16" (u32.const 65536) (u32.const 0)) (str.const ""))
(assert_return (invoke "latin1" (u32.const 320) (u32.const 6)) (str.const "caf\u{e9}\u{ff}\00"))
(assert_return (invoke "latin1" (u32.const 65534) (u32.const 2)) (str.const "yz"))
(assert_return (invoke "latin1" (u32.const 65536) (u32.const 0)) (str.const ""))
(assert_return (invoke "latin1" (u32.const 256) (u32.const 0x80000006)) (str.const "hi\u{e9}\u{20ac}\u{1f600}"))
(assert_return (invoke "latin1" (u32.const 65536) (u32.const 0x80000000)) (str.const ""))

;; Length, in bytes, counted in more than 32 bits.
(component instance $s $Strings)
(assert_trap (invoke "utf8" (u32.const 0) (u32.const 0x10000000)) "string is longer than 2^28-1 bytes")
(component instance $s $Strings)
(assert_trap (invoke "utf8" (u32.const 0) (u32.const 0x0fffffff)) "string is out of bounds of memory")
(component instance $s $Strings)
(assert_trap (invoke "utf8" (u32.const 0) (u32.const 0xffffffff)) "string is longer than 2^28-1 bytes")
(component instance $s $Strings)
(assert_trap (invoke "utf16" (u32.const 0) (u32.const 0x08000000)) "string is longer than 2^28-1 bytes")
(component instance $s $Strings)
(assert_trap (invoke "utf16" (u32.const 0) (u32.const 0x07ffffff)) "string is out of bounds of memory")
(component instance $s $Strings)
(assert_trap (invoke "utf16" (u32.const 0) (u32.const 0x80000001)) "string is longer than 2^28-1 bytes") ;; 2 bytes modulo 2^32
(component instance $s $Strings)
(assert_trap (invoke "latin1" (u32.const 0) (u32.const 0x10000000)) "string is longer than 2^28-1 bytes")
(component instance $s $Strings)
(assert_trap (invoke "latin1" (u32.const 0) (u32.const 0x7fffffff)) "string is longer than 2^28-1 bytes")
(component instance $s $Strings)
(assert_trap (invoke "latin1" (u32.const 0) (u32.const 0x88000000)) "string is longer than 2^28-1 bytes")
(component instance $s $Strings)
(assert_trap (invoke "latin1" (u32.const 0) (u32.const 0x87ffffff)) "string is out of bounds of memory")
(component instance $s $Strings)
(assert_trap (invoke "utf16" (u32.const 1) (u32.const 0xffffffff)) "string is longer than 2^28-1 bytes") ;; before alignment

;; Alignment, of empty strings too, and before bounds. In latin1+utf16 it is always 2.
(component instance $s $Strings)
(assert_trap (invoke "utf16" (u32.const 257) (u32.const 1)) "string pointer is not aligned")
(component instance $s $Strings)
(assert_trap (invoke "utf16" (u32.const 1) (u32.const 0)) "string pointer is not aligned")
(component instance $s $Strings)
(assert_trap (invoke "latin1" (u32.const 321) (u32.const 1)) "string pointer is not aligned")
(component instance $s $Strings)
(assert_trap (invoke "latin1" (u32.const 1) (u32.const 0)) "string pointer is not aligned")
(component instance $s $Strings)
(assert_trap (invoke "latin1" (u32.const 257) (u32.const 0x80000001)) "string pointer is not aligned")
(component instance $s $Strings)
(assert_trap (invoke "utf16" (u32.const 0xffffffff) (u32.const 1)) "string pointer is not aligned")

;; Bounds.
(component instance $s $Strings)
(assert_trap (invoke "utf8" (u32.const 65535) (u32.const 2)) "string is out of bounds of memory")
(component instance $s $Strings)
(assert_trap (invoke "utf8" (u32.const 65537) (u32.const 0)) "string is out of bounds of memory")
(component instance $s $Strings)
(assert_trap (invoke "utf8" (u32.const 0xffffffff) (u32.const 1)) "string is out of bounds of memory")
(component instance $s $Strings)
(assert_trap (invoke "utf16" (u32.const 65534) (u32.const 2)) "string is out of bounds of memory")
(component instance $s $Strings)
(assert_trap (invoke "utf16" (u32.const 65538) (u32.const 0)) "string is out of bounds of memory")
(component instance $s $Strings)
(assert_trap (invoke "utf16" (u32.const 0xfffffffe) (u32.const 1)) "string is out of bounds of memory")
(component instance $s $Strings)
(assert_trap (invoke "latin1" (u32.const 65534) (u32.const 3)) "string is out of bounds of memory")
(component instance $s $Strings)
(assert_trap (invoke "latin1" (u32.const 65534) (u32.const 0x80000002)) "string is out of bounds of memory")

;; UTF-8.
(component instance $s $Strings)
(assert_trap (invoke "utf8" (u32.const 128) (u32.const 2)) "string is not valid UTF-8")
(component instance $s $Strings)
(assert_trap (invoke "utf8" (u32.const 136) (u32.const 3)) "string is not valid UTF-8")
(component instance $s $Strings)
(assert_trap (invoke "utf8" (u32.const 144) (u32.const 4)) "string is not valid UTF-8")
(component instance $s $Strings)
(assert_trap (invoke "utf8" (u32.const 152) (u32.const 3)) "string is not valid UTF-8")
(component instance $s $Strings)
(assert_trap (invoke "utf8" (u32.const 160) (u32.const 4)) "string is not valid UTF-8")
(component instance $s $Strings)
(assert_trap (invoke "utf8" (u32.const 168) (u32.const 1)) "string is not valid UTF-8")
(component instance $s $Strings)
(assert_trap (invoke "utf8" (u32.const 176) (u32.const 1)) "string is not valid UTF-8")
(component instance $s $Strings)
(assert_trap (invoke "utf8" (u32.const 184) (u32.const 3)) "string is not valid UTF-8")
(component instance $s $Strings)
(assert_trap (invoke "utf8" (u32.const 192) (u32.const 2)) "string is not valid UTF-8")
(component instance $s $Strings)
(assert_trap (invoke "utf8" (u32.const 200) (u32.const 48)) "string is not valid UTF-8")
(component instance $s $Strings)
(assert_return (invoke "utf8" (u32.const 200) (u32.const 47)) (str.const "0123456789abcdef0123456789abcdef0123456789abcde"))

;; UTF-16, and so marked in latin1+utf16; Latin-1 is never wrong.
(component instance $s $Strings)
(assert_trap (invoke "utf16" (u32.const 288) (u32.const 1)) "string is not valid UTF-16")
(component instance $s $Strings)
(assert_trap (invoke "utf16" (u32.const 292) (u32.const 2)) "string is not valid UTF-16")
(component instance $s $Strings)
(assert_trap (invoke "utf16" (u32.const 296) (u32.const 2)) "string is not valid UTF-16")
(component instance $s $Strings)
(assert_trap (invoke "utf16" (u32.const 300) (u32.const 2)) "string is not valid UTF-16")
(component instance $s $Strings)
(assert_trap (invoke "utf16" (u32.const 304) (u32.const 2)) "string is not valid UTF-16")
(component instance $s $Strings)
(assert_trap (invoke "latin1" (u32.const 288) (u32.const 0x80000001)) "string is not valid UTF-16")
(component instance $s $Strings)
(assert_return (invoke "latin1" (u32.const 288) (u32.const 2)) (str.const "\00\u{d8}"))
