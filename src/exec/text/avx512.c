/* avx512.c: the string kernels with AVX-512 (BW, DQ, VL, VBMI, VBMI2): 64 bytes at a time, ends by masks.
 *
 * Place in the pipeline: text.h; compiled for that instruction set, chosen by text.c.
 *
 * Transcoding takes every block of the source as it is, wherever its characters begin: what a block says of
 * each byte goes into 64-bit masks, whose carries run into the next block, and the bytes or units that characters end
 * with are compressed to the front. So no block waits for the one before but for its place in the output.
 * Well-formedness comes of the same masks.
 *
 * Blocks are stored whole, 64 bytes, as long as what is left of the source needs as much room in any case; after
 * that exactly.
 */
#include "exec/text/scalar.h"
#include "exec/text/utf8_classes.h"

#include <immintrin.h>

typedef __m512i block;

static inline __mmask64 first(size_t n)
{
    return _bzhi_u64(~UINT64_C(0), (unsigned)n);
}

static inline block load(const uint8_t *s)
{
    return _mm512_loadu_si512(s);
}

static inline block load_first(const uint8_t *s, size_t n)
{
    return _mm512_maskz_loadu_epi8(first(n), s);
}

static inline void store(uint8_t *out, block b)
{
    _mm512_storeu_si512(out, b);
}

static inline void store_first(uint8_t *out, block b, size_t n)
{
    _mm512_mask_storeu_epi8(out, first(n), b);
}

static inline block bytes(int v)
{
    return _mm512_set1_epi8((char)v);
}

static inline block units(int v)
{
    return _mm512_set1_epi16((short)v);
}

static inline bool any_high(block b)
{
    return _mm512_movepi8_mask(b) != 0;
}

static inline bool any_of(block b, block bits)
{
    return _mm512_test_epi64_mask(b, bits) != 0;
}

static inline block or3(block a, block b, block c)
{
    return _mm512_ternarylogic_epi64(a, b, c, 0xfe);
}

/* Bits of `a` where `mask` has ones, of `b` elsewhere. */
static inline block pick(block mask, block a, block b)
{
    return _mm512_ternarylogic_epi64(mask, a, b, 0xca);
}

/* The block that begins n bytes before `b`, whose predecessor is `before`. */
#define EARLIER(b, before, n) _mm512_alignr_epi8(b, _mm512_alignr_epi32(b, before, 12), 16 - (n))

static inline size_t count(uint64_t mask)
{
    return (size_t)_mm_popcnt_u64(mask);
}

/* -- Validating UTF-8 ------------------------------------------------------------------------------------------------ */

static inline block look_up(const uint8_t table[16], block halves)
{
    return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)table)), halves);
}

/* The faults of a block. */
static inline block faults(block b, block before)
{
    const block half = bytes(0x0f), prev1 = EARLIER(b, before, 1), prev2 = EARLIER(b, before, 2),
                prev3 = EARLIER(b, before, 3);
    const block first_high = look_up(utf8_first_high, _mm512_and_si512(_mm512_srli_epi16(prev1, 4), half)),
                first_low = look_up(utf8_first_low, _mm512_and_si512(prev1, half)),
                second_high = look_up(utf8_second_high, _mm512_and_si512(_mm512_srli_epi16(b, 4), half));
    /* the top bit of each: prev2 is e0 or above, prev3 f0 or above */
    const block must =
        _mm512_or_si512(_mm512_subs_epu8(prev2, bytes(0xe0 - 0x80)), _mm512_subs_epu8(prev3, bytes(0xf0 - 0x80)));
    const block pair = _mm512_ternarylogic_epi64(first_high, first_low, second_high, 0x80);
    return _mm512_ternarylogic_epi64(must, bytes(0x80), pair, 0x6a); /* (must & 0x80) ^ pair */
}

/* Not zero when a character begins in the block that does not end there. */
static inline block unfinished(block b)
{
    static const uint8_t most[64] = {[0 ... 60] = 0xff, 0xef, 0xdf, 0xbf};
    return _mm512_subs_epu8(b, load(most));
}

/* Validates, and copies to `out` unless that is NULL. */
static inline __attribute__((always_inline)) bool validate(const uint8_t *s, size_t len, uint8_t *out)
{
    block before = bytes(0), fault = bytes(0);
    size_t i = 0;
    for (; len - i >= 256; i += 256) {
        block a = load(s + i), b = load(s + i + 64), c = load(s + i + 128), d = load(s + i + 192);
        if (out) {
            store(out + i, a);
            store(out + i + 64, b);
            store(out + i + 128, c);
            store(out + i + 192, d);
        }
        if (!any_high(or3(a, b, _mm512_or_si512(c, d)))) {
            fault = _mm512_or_si512(fault, unfinished(before));
        } else {
            fault = or3(fault, faults(a, before), faults(b, a));
            fault = or3(fault, faults(c, b), faults(d, c));
        }
        before = d;
    }
    for (; len - i >= 64; i += 64) {
        block a = load(s + i);
        if (out)
            store(out + i, a);
        fault = _mm512_or_si512(fault, any_high(a) ? faults(a, before) : unfinished(before));
        before = a;
    }
    block rest = load_first(s + i, len - i); /* zeros follow: a character that is cut has no continuation */
    if (out)
        store_first(out + i, rest, len - i);
    fault = _mm512_or_si512(fault, any_high(rest) ? faults(rest, before) : unfinished(before));
    return _mm512_test_epi8_mask(fault, fault) == 0;
}

static __attribute__((noinline)) bool utf8_valid_long(const uint8_t *s, size_t len)
{
    return validate(s, len, NULL);
}

static bool utf8_valid(const uint8_t *s, size_t len)
{
    if (len <= 64 && !any_high(load_first(s, len)))
        return true;
    return utf8_valid_long(s, len);
}

static bool utf8_copy(const uint8_t *s, size_t len, uint8_t *out)
{
    return validate(s, len, out);
}

/* -- UTF-8 -> UTF-16 ------------------------------------------------------------------------------------------------- */

/* What a block of UTF-8 leaves to the next. */
typedef struct utf8_carry {
    block before;
    uint64_t lead, lead3, lead4; /* which bytes were c0, e0, f0 or above */
    bool bad;
} utf8_carry;

/* Bit i of the result is bit i - n of the masks, that of the block before for the first ones. */
static inline uint64_t later(uint64_t mask, uint64_t before, int n)
{
    return mask << n | before >> (64 - n);
}

/* The units of four-byte characters among those that were put together as if of three bytes: of the first three bytes
 * the high surrogate, of the last three the low one. `high` and `low` say which. False: not a character. */
static inline bool mend_pairs(block *u, __mmask32 high, __mmask32 low)
{
    block top = _mm512_sub_epi16(_mm512_srli_epi16(*u, 4), units(0x40));
    bool good = _mm512_mask_cmpge_epu16_mask(high, top, units(0x400)) == 0;
    block bottom = _mm512_ternarylogic_epi64(*u, units(0x3ff), units(0xdc00), 0xea); /* a & b | c */
    *u = _mm512_mask_add_epi16(*u, high, top, units(0xd800));
    *u = _mm512_mask_mov_epi16(*u, low, bottom);
    return good;
}

/* One block to UTF-16. `valid` says which of its bytes are the source's; `exact` forbids to write more than that. Gives
 * the units. */
static inline __attribute__((always_inline)) size_t utf8_block_to_utf16(block b, utf8_carry *carry, __mmask64 valid,
                                                                        bool exact, uint8_t *out)
{
    static const uint8_t interleave[128] = {
#define PAIRS(n) n, n + 64, n + 1, n + 65, n + 2, n + 66, n + 3, n + 67
        PAIRS(0),  PAIRS(4),  PAIRS(8),  PAIRS(12), PAIRS(16), PAIRS(20), PAIRS(24), PAIRS(28), PAIRS(32),
        PAIRS(36), PAIRS(40), PAIRS(44), PAIRS(48), PAIRS(52), PAIRS(56), PAIRS(60)
#undef PAIRS
    };
    uint64_t high = _mm512_movepi8_mask(b), lead = _mm512_cmpge_epu8_mask(b, bytes(0xc0)),
             lead3 = _mm512_cmpge_epu8_mask(b, bytes(0xe0)), lead4 = _mm512_cmpge_epu8_mask(b, bytes(0xf0));
    uint64_t second = later(lead, carry->lead, 1), second3 = later(lead3, carry->lead3, 1),
             third = later(lead3, carry->lead3, 2), third4 = later(lead4, carry->lead4, 2),
             fourth = later(lead4, carry->lead4, 3);
    /* every byte that must be a continuation is one, and no other */
    carry->bad |= (high & ~lead) != (second | third | fourth);
    carry->bad |= _mm512_mask_cmplt_epu8_mask(lead, b, bytes(0xc2)) != 0;

    /* bits 0-7 and 8-15 of the unit that ends at each byte */
    block prev1 = _mm512_maskz_mov_epi8(high, EARLIER(b, carry->before, 1)), prev2 = EARLIER(b, carry->before, 2);
    block low_bits = _mm512_mask_mov_epi8(b, high, pick(bytes(0x3f), b, _mm512_slli_epi16(prev1, 6)));
    block from_third = _mm512_maskz_mov_epi8(third | fourth, _mm512_slli_epi16(prev2, 4));
    block high_bits = pick(bytes(0x0f), _mm512_srli_epi16(prev1, 2), from_third);

    /* overlong or a surrogate in three bytes */
    uint64_t three = third & ~third4;
    carry->bad |= (_mm512_mask_cmplt_epu8_mask(three, high_bits, bytes(0x08)) |
                   _mm512_mask_cmplt_epu8_mask(three, _mm512_xor_si512(high_bits, bytes(0xd8)), bytes(0x08))) != 0;

    uint64_t ends = ~(lead | second3) & valid;
    size_t n = count(ends);
    low_bits = _mm512_maskz_compress_epi8(ends, low_bits);
    high_bits = _mm512_maskz_compress_epi8(ends, high_bits);
    block u0 = _mm512_permutex2var_epi8(low_bits, load(interleave), high_bits);
    block u1 = _mm512_permutex2var_epi8(low_bits, load(interleave + 64), high_bits);
    if (third4 | fourth) {
        uint64_t highs = _pext_u64(third4, ends), lows = _pext_u64(fourth, ends);
        carry->bad |= !mend_pairs(&u0, (__mmask32)highs, (__mmask32)lows);
        carry->bad |= !mend_pairs(&u1, (__mmask32)(highs >> 32), (__mmask32)(lows >> 32));
    }
    if (exact) {
        store_first(out, u0, n < 32 ? 2 * n : 64);
        store_first(out + 64, u1, n < 32 ? 0 : 2 * n - 64);
    } else {
        store(out, u0);
        if (n > 32)
            store(out + 64, u1);
    }
    carry->before = b;
    carry->lead = lead;
    carry->lead3 = lead3;
    carry->lead4 = lead4;
    return n;
}

static inline block widen_low(block b)
{
    return _mm512_cvtepu8_epi16(_mm512_castsi512_si256(b));
}

static inline block widen_high(block b)
{
    return _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(b, 1));
}

static inline bool carries(const utf8_carry *c)
{
    return (c->lead >> 63 | c->lead3 >> 62 | c->lead4 >> 61) != 0;
}

static __attribute__((noinline)) size_t utf8_to_utf16_long(const uint8_t *s, size_t len, uint8_t *out)
{
    utf8_carry carry = {.before = bytes(0)};
    uint8_t *start = out;
    size_t i = 0;
    /* three bytes are a unit at least: those after the block have room for what is written past its units */
    for (; len - i >= 64 + 96; i += 64) {
        block b = load(s + i);
        if (!any_high(b) && !carries(&carry)) {
            store(out, widen_low(b));
            store(out + 64, widen_high(b));
            carry.before = b;
            out += 128;
        } else {
            out += 2 * utf8_block_to_utf16(b, &carry, ~UINT64_C(0), false, out);
            if (carry.bad)
                return CJ_TEXT_BAD;
        }
    }
    do { /* at least once: a character that is cut shows in the zeros after it */
        size_t n = len - i < 64 ? len - i : 64;
        block b = load_first(s + i, n);
        if (!any_high(b) && !carries(&carry)) {
            store_first(out, widen_low(b), n < 32 ? 2 * n : 64);
            if (n > 32)
                store_first(out + 64, widen_high(b), 2 * n - 64);
            carry.before = b;
            carry.lead = carry.lead3 = carry.lead4 = 0;
            out += 2 * n;
        } else {
            out += 2 * utf8_block_to_utf16(b, &carry, first(n), true, out);
        }
        i += n;
    } while (i < len);
    return carry.bad || carries(&carry) ? CJ_TEXT_BAD : (size_t)(out - start) / 2;
}

static size_t utf8_to_utf16(const uint8_t *s, size_t len, uint8_t *out)
{
    if (len <= 32) {
        block b = load_first(s, len);
        if (!any_high(b)) {
            store_first(out, widen_low(b), 2 * len);
            return len;
        }
    }
    return utf8_to_utf16_long(s, len, out);
}

/* -- UTF-8 -> Latin-1 ------------------------------------------------------------------------------------------------- */

static __attribute__((noinline)) size_t utf8_to_latin1_long(const uint8_t *s, size_t len, uint8_t *out, size_t *read)
{
    const uint8_t *start = out;
    size_t i = 0;
    while (i < len) { /* a character begins here */
        while (len - i >= 256) {
            block a = load(s + i), c = load(s + i + 64), d = load(s + i + 128), e = load(s + i + 192);
            if (any_high(or3(a, c, _mm512_or_si512(d, e))))
                break;
            store(out, a);
            store(out + 64, c);
            store(out + 128, d);
            store(out + 192, e);
            out += 256;
            i += 256;
        }
        size_t n = len - i < 64 ? len - i : 64;
        block b = n == 64 ? load(s + i) : load_first(s + i, n);
        uint64_t high = _mm512_movepi8_mask(b);
        if (high) {
            uint64_t lead = _mm512_cmpge_epu8_mask(b, bytes(0xc0)) & first(n);
            uint64_t right = _mm512_cmpeq_epi8_mask(_mm512_and_si512(b, bytes(0xfe)), bytes(0xc2));
            if (n == 64 && lead >> 63) { /* it ends in the next block */
                n = 63;
                lead &= first(63), right &= first(63), high &= first(63);
            }
            if (lead != right || (high & ~lead) != lead << 1)
                break;
            block prev1 = EARLIER(b, bytes(0), 1);
            block low_bits = _mm512_mask_mov_epi8(b, high, pick(bytes(0x3f), b, _mm512_slli_epi16(prev1, 6)));
            uint64_t ends = ~lead & first(n);
            low_bits = _mm512_maskz_compress_epi8(ends, low_bits);
            store_first(out, low_bits, count(ends));
            out += count(ends);
        } else {
            store_first(out, b, n);
            out += n;
        }
        i += n;
    }
    size_t more = scalar_utf8_to_latin1(s + i, len - i, out, read);
    *read += i;
    return (size_t)(out - start) + more;
}

static size_t utf8_to_latin1(const uint8_t *s, size_t len, uint8_t *out, size_t *read)
{
    if (len <= 64) {
        block b = load_first(s, len);
        if (!any_high(b)) {
            store_first(out, b, len);
            return *read = len;
        }
    }
    return utf8_to_latin1_long(s, len, out, read);
}

/* -- Out of UTF-16 ------------------------------------------------------------------------------------------------------ */

/* A block of 32 units. */
typedef struct utf16_kinds {
    __mmask32 surrogates, high, low;
} utf16_kinds;

static inline utf16_kinds surrogates_in(block u)
{
    block top = _mm512_and_si512(u, units(0xfc00));
    __mmask32 high = _mm512_cmpeq_epi16_mask(top, units(0xd800)), low = _mm512_cmpeq_epi16_mask(top, units(0xdc00));
    return (utf16_kinds){high | low, high, low};
}

static inline __mmask32 surrogate_mask(block u)
{
    return _mm512_cmpeq_epi16_mask(_mm512_and_si512(u, units(0xf800)), units(0xd800));
}

/* Well-formed so far: every low surrogate follows a high one and the other way round. `carry`: the last unit of all
 * before was a high one. */
static inline bool paired(utf16_kinds k, uint32_t *carry)
{
    bool good = k.low == (k.high << 1 | *carry);
    *carry = k.high >> 31;
    return good;
}

static bool utf16_valid(const uint8_t *s, size_t count_of)
{
    if (count_of <= 32 && !surrogate_mask(load_first(s, 2 * count_of)))
        return true;

    uint32_t carry = 0;
    size_t i = 0;
    bool good = true;
    for (; count_of - i >= 64; i += 64) {
        block a = load(s + 2 * i), b = load(s + 2 * i + 64);
        if ((surrogate_mask(a) | surrogate_mask(b)) == 0 && !carry)
            continue;
        good &= paired(surrogates_in(a), &carry);
        good &= paired(surrogates_in(b), &carry);
    }
    do { /* at least once: zeros follow a high surrogate at the end */
        size_t n = count_of - i < 32 ? count_of - i : 32;
        good &= paired(surrogates_in(load_first(s + 2 * i, 2 * n)), &carry);
        i += n;
    } while (i < count_of);
    return good && !carry;
}

static size_t utf16_utf8_len(const uint8_t *s, size_t count_of)
{
    if (count_of <= 32 && !any_of(load_first(s, 2 * count_of), units(0xff80)))
        return count_of;
    uint32_t carry = 0;
    size_t i = 0, len = count_of;
    bool good = true;
    do {
        size_t n = count_of - i < 32 ? count_of - i : 32;
        block u = n == 32 ? load(s + 2 * i) : load_first(s + 2 * i, 2 * n);
        uint64_t two = _mm512_test_epi16_mask(u, units(0xff80)), three = _mm512_test_epi16_mask(u, units(0xf800));
        __mmask32 pairs = surrogate_mask(u);
        len += count(two | three << 32);
        if (pairs || carry) { /* a pair is counted as six bytes so far, and is four */
            good &= paired(surrogates_in(u), &carry);
            len -= count(pairs);
        }
        i += n;
    } while (i < count_of);
    return good && !carry ? len : CJ_TEXT_BAD;
}

/* The low bytes of 64 units. */
static inline block narrow(block a, block b)
{
    static const uint8_t even[64] = {
#define EVEN(n) n, n + 2, n + 4, n + 6, n + 8, n + 10, n + 12, n + 14
        EVEN(0),  EVEN(16), EVEN(32), EVEN(48), EVEN(64),
        EVEN(80), EVEN(96), EVEN(112)
#undef EVEN
    };
    return _mm512_permutex2var_epi8(a, load(even), b);
}

/* The bytes of `text` in `keep`, close together; behind them others, up to 64 in all, where not `exact`. */
static inline __attribute__((always_inline)) size_t put(block text, uint64_t keep, bool exact, uint8_t *out)
{
    block close = _mm512_maskz_compress_epi8(keep, text);
    size_t n = count(keep);
    if (exact)
        store_first(out, close, n);
    else
        store(out, close);
    return n;
}

/* Units below U+0800 as UTF-8: two bytes a lane, of which `wide` says where both are kept. Gives the bytes. */
static inline __attribute__((always_inline)) size_t put_two(block u, __mmask32 wide, __mmask32 valid, bool exact,
                                                            uint8_t *out)
{
    block lead = _mm512_or_si512(_mm512_srli_epi16(u, 6), units(0x80c0));
    block both = _mm512_ternarylogic_epi64(lead, _mm512_slli_epi16(u, 8), units(0x3f00), 0xf8); /* a | b & c */
    uint64_t keep = _pdep_u64(wide, UINT64_C(0xaaaaaaaaaaaaaaaa)) | _pdep_u64(valid, UINT64_C(0x5555555555555555));
    return put(_mm512_mask_mov_epi16(u, wide, both), keep, exact, out);
}

/* Sixteen characters as UTF-8, four bytes a lane, of which the last are kept: none where `none`, two, three, four by
 * the other masks, each of which is part of the one before; else one. */
static inline __attribute__((always_inline)) size_t put_four(block c, uint32_t none, uint32_t two, uint32_t three,
                                                             uint32_t four, uint32_t valid, bool exact, uint8_t *out)
{
    const block sixes = _mm512_set1_epi64(0x20262c3200060c12); /* in each lane bits 18, 12, 6, 0 and up */
    block text = _mm512_multishift_epi64_epi8(sixes, c);
    text = _mm512_ternarylogic_epi64(text, bytes(0x3f), bytes(0x80), 0xea); /* a & b | c */
    text = _mm512_mask_slli_epi32(text, (__mmask16)~two, c, 24);
    text = _mm512_mask_or_epi32(text, (__mmask16)(two & ~three), text, _mm512_set1_epi32(0x00400000));
    text = _mm512_mask_or_epi32(text, (__mmask16)(three & ~four), text, _mm512_set1_epi32(0x00006000));
    if (four)
        text = _mm512_mask_or_epi32(text, (__mmask16)four, text, _mm512_set1_epi32(0x00000070));
    uint64_t keep = _pdep_u64(valid & ~none, UINT64_C(0x8888888888888888)) |
                    _pdep_u64(two & ~none, UINT64_C(0x4444444444444444)) |
                    _pdep_u64(three & ~none, UINT64_C(0x2222222222222222));
    if (four)
        keep |= _pdep_u64(four, UINT64_C(0x1111111111111111));
    return put(text, keep, exact, out);
}

typedef struct utf16_carry {
    block before;
    uint32_t high;
    bool bad;
} utf16_carry;

static inline __attribute__((always_inline)) size_t utf16_block_to_utf8(block u, utf16_carry *carry, __mmask32 valid,
                                                                        bool exact, uint8_t *out)
{
    __mmask32 two = _mm512_test_epi16_mask(u, units(0xff80)), three = _mm512_test_epi16_mask(u, units(0xf800));
    if (!three && !carry->high)
        return put_two(u, two, valid, exact, out);
    block c0 = _mm512_cvtepu16_epi32(_mm512_castsi512_si256(u)),
          c1 = _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(u, 1));
    uint32_t high = 0, low = 0;
    if (surrogate_mask(u) || carry->high) { /* the character is where its low surrogate is */
        utf16_kinds kinds = surrogates_in(u);
        block prev = EARLIER(u, carry->before, 2), base = _mm512_set1_epi32(0x10000 - (0xd800 << 10) - 0xdc00);
        if (!paired(kinds, &carry->high)) {
            carry->bad = true;
            return 0; /* low surrogates by themselves would need more room than there is */
        }
        high = kinds.high, low = kinds.low;
        block p0 = _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm512_castsi512_si256(prev)), 10),
              p1 = _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(prev, 1)), 10);
        c0 = _mm512_mask_add_epi32(c0, (__mmask16)low, c0, _mm512_add_epi32(p0, base));
        c1 = _mm512_mask_add_epi32(c1, (__mmask16)(low >> 16), c1, _mm512_add_epi32(p1, base));
    }
    size_t n = put_four(c0, (uint16_t)high, (uint16_t)two, (uint16_t)three, (uint16_t)low, (uint16_t)valid, exact, out);
    return n + put_four(c1, high >> 16, two >> 16, three >> 16, low >> 16, valid >> 16, exact, out + n);
}

static __attribute__((noinline)) size_t utf16_to_utf8_long(const uint8_t *s, size_t count_of, uint8_t *out)
{
    utf16_carry carry = {.before = bytes(0)};
    uint8_t *start = out;
    size_t i = 0;
    while (count_of - i >= 64 + 64) { /* each unit is a byte at least */
        block a = load(s + 2 * i), b = load(s + 2 * i + 64);
        if (!any_of(_mm512_or_si512(a, b), units(0xff80)) && !carry.high) {
            store(out, narrow(a, b));
            out += 64;
            i += 64;
            carry.before = b;
        } else {
            out += utf16_block_to_utf8(a, &carry, ~UINT32_C(0), false, out);
            carry.before = a;
            i += 32;
        }
        if (carry.bad)
            return CJ_TEXT_BAD;
    }
    do {
        size_t n = count_of - i < 32 ? count_of - i : 32;
        block u = load_first(s + 2 * i, 2 * n);
        out += utf16_block_to_utf8(u, &carry, (__mmask32)first(n), true, out);
        carry.before = u;
        i += n;
    } while (i < count_of && !carry.bad);
    return carry.bad || carry.high ? CJ_TEXT_BAD : (size_t)(out - start);
}

static size_t utf16_to_utf8(const uint8_t *s, size_t count_of, uint8_t *out)
{
    if (count_of <= 32) {
        block u = load_first(s, 2 * count_of);
        if (!any_of(u, units(0xff80))) {
            store_first(out, _mm512_castsi256_si512(_mm512_cvtepi16_epi8(u)), count_of);
            return count_of;
        }
    }
    return utf16_to_utf8_long(s, count_of, out);
}

/* Units that are no higher than `most`, 0x7f or 0xff, a byte each. */
static inline __attribute__((always_inline)) size_t narrow_prefix(const uint8_t *s, size_t count_of, int most,
                                                                  uint8_t *out)
{
    const block above = units(0xffff & ~most);
    size_t i = 0;
    for (; count_of - i >= 64; i += 64) {
        block a = load(s + 2 * i), b = load(s + 2 * i + 64);
        if (any_of(_mm512_or_si512(a, b), above))
            break;
        store(out + i, narrow(a, b));
    }
    while (i < count_of) {
        size_t n = count_of - i < 32 ? count_of - i : 32;
        block u = load_first(s + 2 * i, 2 * n);
        uint32_t higher = _mm512_test_epi16_mask(u, above);
        size_t good = higher ? (size_t)__builtin_ctz(higher) : n;
        store_first(out + i, narrow(u, u), good);
        i += good;
        if (higher)
            break;
    }
    return i;
}

static size_t utf16_to_ascii(const uint8_t *s, size_t count_of, uint8_t *out)
{
    return narrow_prefix(s, count_of, 0x7f, out);
}

static size_t utf16_to_latin1(const uint8_t *s, size_t count_of, uint8_t *out, size_t *read)
{
    return *read = narrow_prefix(s, count_of, 0xff, out);
}

/* -- Out of Latin-1 ----------------------------------------------------------------------------------------------------- */

static size_t latin1_utf8_len(const uint8_t *s, size_t len)
{
    size_t i = 0, high = 0;
    for (; len - i >= 64; i += 64)
        high += count(_mm512_movepi8_mask(load(s + i)));
    return len + high + count(_mm512_movepi8_mask(load_first(s + i, len - i)));
}

static __attribute__((noinline)) size_t latin1_to_utf8_long(const uint8_t *s, size_t len, uint8_t *out)
{
    uint8_t *start = out;
    size_t i = 0;
    while (len - i >= 64 + 64) {
        block b = load(s + i);
        if (!any_high(b)) {
            store(out, b);
            out += 64;
        } else {
            block low = widen_low(b), high = widen_high(b);
            uint64_t wide = _mm512_movepi8_mask(b);
            out += put_two(low, (__mmask32)wide, ~UINT32_C(0), false, out);
            out += put_two(high, (__mmask32)(wide >> 32), ~UINT32_C(0), false, out);
        }
        i += 64;
    }
    while (i < len) {
        size_t n = len - i < 64 ? len - i : 64;
        block b = load_first(s + i, n);
        uint64_t wide = _mm512_movepi8_mask(b);
        if (!wide) {
            store_first(out, b, n);
            out += n;
        } else {
            out += put_two(widen_low(b), (__mmask32)wide, (__mmask32)first(n), true, out);
            out += put_two(widen_high(b), (__mmask32)(wide >> 32), (__mmask32)(first(n) >> 32), true, out);
        }
        i += n;
    }
    return (size_t)(out - start);
}

static size_t latin1_to_utf8(const uint8_t *s, size_t len, uint8_t *out)
{
    if (len <= 64) {
        block b = load_first(s, len);
        if (!any_high(b)) {
            store_first(out, b, len);
            return len;
        }
    }
    return latin1_to_utf8_long(s, len, out);
}

static size_t latin1_to_ascii(const uint8_t *s, size_t len, uint8_t *out)
{
    size_t i = 0;
    while (i < len) {
        size_t n = len - i < 64 ? len - i : 64;
        block b = load_first(s + i, n);
        uint64_t high = _mm512_movepi8_mask(b);
        if (high) {
            n = (size_t)__builtin_ctzll(high);
            store_first(out + i, b, n);
            return i + n;
        }
        store_first(out + i, b, n);
        i += n;
    }
    return i;
}

static void latin1_to_utf16(const uint8_t *s, size_t len, uint8_t *out)
{
    size_t i = len;
    for (; i >= 64; i -= 64) { /* backwards: in place, a block covers bytes that were read before it */
        block b = load(s + i - 64);
        store(out + 2 * i - 64, widen_high(b));
        store(out + 2 * i - 128, widen_low(b));
    }
    block b = load_first(s, i);
    if (i > 32)
        store_first(out + 64, widen_high(b), 2 * i - 64);
    store_first(out, widen_low(b), i < 32 ? 2 * i : 64);
}

const cj_text_kernels cj__text_avx512 = {
    .name = "avx512",
    .utf8_valid = utf8_valid,
    .utf8_copy = utf8_copy,
    .utf16_valid = utf16_valid,
    .utf16_utf8_len = utf16_utf8_len,
    .latin1_utf8_len = latin1_utf8_len,
    .utf8_to_utf16 = utf8_to_utf16,
    .utf16_to_utf8 = utf16_to_utf8,
    .latin1_to_utf8 = latin1_to_utf8,
    .latin1_to_ascii = latin1_to_ascii,
    .utf16_to_ascii = utf16_to_ascii,
    .utf8_to_latin1 = utf8_to_latin1,
    .utf16_to_latin1 = utf16_to_latin1,
    .latin1_to_utf16 = latin1_to_utf16,
};
