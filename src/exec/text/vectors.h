/* vectors.h: the string kernels with vectors of 16 bytes, and of 32 where there are such, for any instruction set.
 *
 * Place in the pipeline: text.h; included once by sse4.c, avx2.c and neon.c, each of which has defined before, besides
 * the types of vectors.h's own:
 *   vec            16 bytes
 *   look_up(t, i)  byte i of t for each byte i below 16
 *   less(a, b)     a - b, or 0 when that is negative
 *   tops(a)        the top bit of each byte, bit 0 the first one's
 *   any_top(a)     whether any is set
 *   zip_low(a, b), zip_high(a, b)    bytes of a and b in turn
 *   pack(a, b)     the low bytes of 16 units, whose high ones are 0
 *   wide, wide_look_up, wide_less, wide_any_top    the same for what is validated; `wide` may be vec
 *
 * Transcoding goes as in avx512.c: every block as it is, wherever its characters begin, only that the bytes before it are
 * loaded again, not carried over. The last bytes, and where a block is stored whole past what it holds, the room for
 * that, are left to the scalar kernels.
 */
#include "exec/text/scalar.h"
#include "exec/text/shuffles.h"
#include "exec/text/utf8_classes.h"

typedef uint16_t vec16 __attribute__((vector_size(16)));
typedef uint32_t vec32 __attribute__((vector_size(16)));
typedef uint64_t vec64 __attribute__((vector_size(16)));
typedef int8_t signed_vec __attribute__((vector_size(16)));
typedef uint16_t wide16 __attribute__((vector_size(sizeof(wide))));

enum { WIDE = sizeof(wide) };

static inline vec load(const void *s)
{
    vec v;
    memcpy(&v, s, sizeof(v));
    return v;
}

static inline wide wide_load(const void *s)
{
    wide v;
    memcpy(&v, s, sizeof(v));
    return v;
}

static inline void store(uint8_t *out, vec v)
{
    memcpy(out, &v, sizeof(v));
}

static inline vec each(uint8_t byte)
{
    return (vec){0} + byte;
}

static inline vec shuffle(vec v, const uint64_t by[2])
{
    return look_up(v, load(by));
}

static inline bool any(wide v)
{
    return wide_any_top((wide)(v != (wide){0}));
}

/* -- Validating and counting --------------------------------------------------------------------------------------- */

/* How many bytes of a character are before `s` whose last byte is not: 0 to 3. Three bytes can be read before it. */
static inline size_t unfinished(const uint8_t *s)
{
    return s[-1] >= 0xc0 ? 1 : s[-2] >= 0xe0 ? 2 : s[-3] >= 0xf0 ? 3 : 0;
}

/* The faults of a block; three bytes can be read before it. (must & 0x80) ^ pair: a third or fourth byte must be a
 * continuation after another, and no other may. */
#define FAULTS(type, load_it, look, minus, s) \
    ({ \
        const uint8_t *at_ = (s); \
        type prev1_ = load_it(at_ - 1), \
             must_ = minus(load_it(at_ - 2), (type){0} + 0x60) | minus(load_it(at_ - 3), (type){0} + 0x70), \
             pair_ = look(utf8_first_high, prev1_ >> 4) & look(utf8_first_low, prev1_ & 0x0f) & \
                     look(utf8_second_high, load_it(at_) >> 4); \
        (must_ & 0x80) ^ pair_; \
    })

static inline wide wide_faults(const uint8_t *s)
{
    return FAULTS(wide, wide_load, wide_look_up, wide_less, s);
}

static inline vec look_up_half(const uint8_t table[16], vec halves)
{
    return look_up(load(table), halves);
}

static inline vec faults(const uint8_t *s)
{
    return FAULTS(vec, load, look_up_half, less, s);
}

/* True when all of a text of a block or more is ASCII; the last block overlaps. */
static inline bool all_ascii(const uint8_t *s, size_t len)
{
    wide all = wide_load(s + len - WIDE);
    for (size_t i = 0; i + WIDE < len; i += WIDE)
        all |= wide_load(s + i);
    return !wide_any_top(all);
}

static bool utf8_valid(const uint8_t *s, size_t len)
{
    if (len < WIDE + 8)
        return cj__text_short_ascii(s, len, CJ_TEXT_NOT_ASCII) || scalar_utf8_valid(s, len);
    if (len < 4 * WIDE && all_ascii(s, len))
        return true;
    size_t i = 0;
    while (i < 3) { /* whole characters, so that there are three bytes before the first block */
        uint32_t c;
        size_t n = cj__utf8_decode(s + i, len - i, &c);
        if (n == 0)
            return false;
        i += n;
    }
    wide fault = {0};
    for (; len - i >= 4 * WIDE; i += 4 * WIDE) {
        const uint8_t *p = s + i;
        wide all = wide_load(p) | wide_load(p + WIDE) | wide_load(p + 2 * WIDE) | wide_load(p + 3 * WIDE);
        if (wide_any_top(all)) {
            fault |= wide_faults(p) | wide_faults(p + WIDE);
            fault |= wide_faults(p + 2 * WIDE) | wide_faults(p + 3 * WIDE);
        } else if (unfinished(p)) {
            return false;
        }
    }
    for (; len - i >= WIDE; i += WIDE)
        fault |= wide_faults(s + i);
    fault |= wide_faults(s + len - WIDE); /* some of it for the second time */
    return !any(fault) && !unfinished(s + len);
}

static bool utf8_copy(const uint8_t *s, size_t len, uint8_t *out)
{
    memcpy(out, s, len);
    return utf8_valid(s, len);
}

static inline wide surrogates(wide16 u, uint16_t mask, uint16_t kind)
{
    return (wide)((u & mask) == kind);
}

/* Not zero where a unit of the block is a low surrogate and the one before no high one, or the other way round. */
static inline wide unpaired(const uint8_t *s)
{
    return surrogates((wide16)wide_load(s), 0xfc00, 0xdc00) ^ surrogates((wide16)wide_load(s - 2), 0xfc00, 0xd800);
}

static inline bool is_high(const uint8_t *s)
{
    return (s[1] & 0xfc) == 0xd8;
}

static inline bool is_low(const uint8_t *s)
{
    return (s[1] & 0xfc) == 0xdc;
}

static bool utf16_valid(const uint8_t *s, size_t units)
{
    enum { UNITS = WIDE / 2 };
    if (units < UNITS + 1)
        return scalar_utf16_valid(s, units);
    if (is_low(s) || is_high(s + 2 * units - 2))
        return false;
    wide fault = {0};
    size_t i = 1;
    for (; units - i >= 2 * UNITS; i += 2 * UNITS)
        fault |= unpaired(s + 2 * i) | unpaired(s + 2 * i + WIDE);
    for (; units - i >= UNITS; i += UNITS)
        fault |= unpaired(s + 2 * i);
    fault |= unpaired(s + 2 * units - WIDE);
    return !any(fault);
}

static size_t sum16(wide16 v)
{
    size_t sum = 0;
    for (size_t i = 0; i < WIDE / 2; i++)
        sum += v[i];
    return sum;
}

static size_t utf16_utf8_len(const uint8_t *s, size_t units)
{
    enum { UNITS = WIDE / 2, MOST = 8192 }; /* blocks until a lane may overflow */
    size_t i = 0, len = units;
    if (cj__text_short_ascii(s, 2 * units, CJ_TEXT_NOT_ASCII16))
        return units;
    if (units >= 64) {
        if (is_low(s))
            return CJ_TEXT_BAD;
        len += (s[1] >= 0x08) + (size_t)(s[1] || s[0] >= 0x80) - is_high(s);
        wide fault = {0};
        for (i = 1; units - i >= UNITS;) {
            wide16 more = {0};
            for (size_t n = 0; n < MOST && units - i >= UNITS; n++, i += UNITS) {
                wide16 u = (wide16)wide_load(s + 2 * i);
                while (units - i >= 3 * UNITS && !is_high(s + 2 * i - 2) &&
                       !any((wide)((u | (wide16)wide_load(s + 2 * i + WIDE)) & 0xff80))) {
                    i += 2 * UNITS;
                    u = (wide16)wide_load(s + 2 * i);
                }
                /* counted as six bytes at first, and are four */
                wide16 pairs = (wide16)surrogates(u, 0xf800, 0xd800);
                more += 2 + (wide16)((u & 0xff80) == 0) + (wide16)((u & 0xf800) == 0) + pairs;
                fault |= unpaired(s + 2 * i);
            }
            len += sum16(more);
        }
        if (any(fault))
            return CJ_TEXT_BAD;
        if (is_high(s + 2 * i - 2)) { /* it is counted as half a pair, which the scalar kernel counts */
            i--;
            len -= 1;
        }
    }
    size_t rest = scalar_utf16_utf8_len(s + 2 * i, units - i);
    return rest == CJ_TEXT_BAD ? CJ_TEXT_BAD : len - (units - i) + rest;
}

static size_t latin1_utf8_len(const uint8_t *s, size_t len)
{
    size_t i = 0, high = 0;
    while (len - i >= WIDE) {
        wide more = {0};
        for (size_t n = 0; n < 255 && len - i >= WIDE; n++, i += WIDE) /* until a lane may overflow */
            more += wide_load(s + i) >> 7;
        for (size_t k = 0; k < WIDE; k++)
            high += more[k];
    }
    return i + high + scalar_latin1_utf8_len(s + i, len - i);
}

/* -- Out of UTF-8 ----------------------------------------------------------------------------------------------------- */

/* The units of four-byte characters among those that were put together as if of three bytes: of the first three bytes
 * the high surrogate, of the last three the low one. */
static inline vec mend_pairs(vec units, vec high, vec low)
{
    vec16 u = (vec16)units, h = (vec16)high, l = (vec16)low, top = (u >> 4) + 0xd7c0, bottom = (u & 0x3ff) | 0xdc00;
    return (vec)((u & ~(h | l)) | (top & h) | (bottom & l));
}

/* One block of well-formed UTF-8 to UTF-16; three bytes can be read before it. Stores 32 bytes from `out` on at most and
 * gives the end of what is right of them. Of malformed text it makes up to 16 units of some kind. */
static inline uint8_t *utf8_block_to_utf16(const uint8_t *s, uint8_t *out)
{
    vec b = load(s), prev1 = load(s - 1), prev2 = load(s - 2), prev3 = load(s - 3);
    vec high = (vec)((signed_vec)b < 0);
    vec third4 = less(prev2, each(0x70)), fourth = less(prev3, each(0x70)); /* top bits: f0 or above */
    vec third = (vec)((signed_vec)(less(prev2, each(0x60)) | fourth) < 0);
    /* bits 0-7 and 8-15 of the unit that ends at each byte */
    vec low_bits = (b & (high ^ 0xff)) | (((b & 0x3f) | prev1 << 6) & high);
    vec high_bits = ((prev1 & high) >> 2 & 0x0f) | (prev2 << 4 & third);
    vec u0 = zip_low(low_bits, high_bits), u1 = zip_high(low_bits, high_bits);
    if (any_top(third4 | fourth)) {
        third4 = (vec)((signed_vec)third4 < 0);
        fourth = (vec)((signed_vec)fourth < 0);
        u0 = mend_pairs(u0, zip_low(third4, third4), zip_low(fourth, fourth));
        u1 = mend_pairs(u1, zip_high(third4, third4), zip_high(fourth, fourth));
    }
    uint32_t ends = ~tops(less(b, each(0x40)) | less(prev1, each(0x60))); /* no lead, no second of three or four */
    uint32_t first = ends & 0xff, second = ends >> 8 & 0xff;
    store(out, shuffle(u0, cj__text_keep_units[first]));
    out += 2 * __builtin_popcount(first);
    store(out, shuffle(u1, cj__text_keep_units[second]));
    return out + 2 * __builtin_popcount(second);
}

static size_t utf8_to_utf16(const uint8_t *s, size_t len, uint8_t *out)
{
    enum { SPARE = 24 }; /* bytes that need the room of another store: three a unit at most */
    uint8_t *start = out;
    size_t i = 0;
    if (len >= 16 + SPARE + 16) {
        while (i < 3) {
            uint32_t c;
            size_t n = cj__utf8_decode(s + i, len - i, &c);
            if (n == 0)
                return CJ_TEXT_BAD;
            out += 2 * scalar_utf8_to_utf16(s + i, n, out);
            i += n;
        }
        vec fault = {0};
        for (; len - i >= 16 + SPARE; i += 16) {
            vec b = load(s + i);
            if (!any_top(b) && !unfinished(s + i)) {
                store(out, zip_low(b, each(0)));
                store(out + 16, zip_high(b, each(0)));
                out += 32;
            } else {
                fault |= faults(s + i);
                out = utf8_block_to_utf16(s + i, out);
            }
        }
        if (any_top((vec)(fault != 0)))
            return CJ_TEXT_BAD;
        size_t cut = unfinished(s + i);
        i -= cut;
        out -= cut == 3 ? 2 : 0; /* the high surrogate */
    }
    size_t rest = scalar_utf8_to_utf16(s + i, len - i, out);
    return rest == CJ_TEXT_BAD ? CJ_TEXT_BAD : (size_t)(out - start) / 2 + rest;
}

static size_t utf8_to_latin1(const uint8_t *s, size_t len, uint8_t *out, size_t *read)
{
    const uint8_t *start = out;
    size_t i = 0;
    if (len >= 16) {
        while (len - i >= 16) {
            vec b = load(s + i);
            bool between = i == 0 || s[i - 1] < 0x80; /* no character is cut */
            if (between && len - i >= 64 && !any_top(b | load(s + i + 16) | load(s + i + 32) | load(s + i + 48))) {
                for (size_t at = 0; at < 64; at += 16)
                    store(out + at, load(s + i + at));
                i += 64;
                out += 64;
                continue;
            }
            if (between && !any_top(b)) {
                store(out, b);
                i += 16;
                out += 16;
                continue;
            }
            if (i == 0) { /* the byte before a block is looked at */
                if (s[0] >= 0x80 && s[0] != 0xc2 && s[0] != 0xc3)
                    break;
                if (s[0] < 0x80)
                    *out++ = s[0];
                i = 1;
                continue;
            }
            vec prev1 = load(s + i - 1);
            vec after_lead = (vec)((prev1 & 0xfe) == 0xc2), lead = (vec)((b & 0xfe) == 0xc2);
            vec high = (vec)((signed_vec)b < 0), next = (vec)((b & 0xc0) == 0x80);
            if (any_top((high ^ (lead | next)) | (next ^ after_lead)))
                break;
            vec low_bits = (b & (high ^ 0xff)) | (((b & 0x3f) | prev1 << 6) & high);
            uint32_t ends = ~tops(lead);
            uint32_t first = ends & 0xff, second = ends >> 8 & 0xff;
            vec64 kept = {cj__text_keep_bytes[first], cj__text_keep_bytes[second] + UINT64_C(0x0808080808080808)};
            kept = (vec64)look_up(low_bits, (vec)kept);
            memcpy(out, &kept, 8);
            out += __builtin_popcount(first);
            uint64_t upper = kept[1];
            memcpy(out, &upper, 8);
            out += __builtin_popcount(second);
            i += 16;
        }
        if (i && s[i - 1] >= 0xc0)
            i--;
    }
    size_t more = scalar_utf8_to_latin1(s + i, len - i, out, read);
    *read += i;
    return (size_t)(out - start) + more;
}

/* -- Out of UTF-16, out of Latin-1 ----------------------------------------------------------------------------------- */

/* Eight units below U+0800; `two` has a bit for each from U+0080 on. Stores 16 bytes. */
static inline uint8_t *put_two(vec16 u, uint32_t two, uint8_t *out)
{
    vec16 both = u >> 6 | (u << 8 & 0x3f00) | 0x80c0, wide_ones = (vec16)((u & 0xff80) != 0);
    store(out, shuffle((vec)((u & ~wide_ones) | (both & wide_ones)), cj__text_keep_two[two]));
    return out + 8 + __builtin_popcount(two);
}

/* Four units that are no surrogates; the bits of `keep` are those of cj__text_keep_three. Stores 16 bytes. */
static inline uint8_t *put_three(vec32 u, uint32_t keep, uint8_t *out)
{
    vec32 all = u >> 12 | (u << 2 & 0x3f00) | (u << 16 & 0x3f0000) | 0x8080e0;
    vec32 ascii = (vec32)((u & 0xff80) == 0), three = (vec32)((u & 0xf800) != 0);
    all |= ~three & 0x4000; /* the lead of two bytes */
    store(out, shuffle((vec)((all & ~ascii) | (u << 16 & ascii)), cj__text_keep_three[keep]));
    return out + 4 + __builtin_popcount(keep);
}

/* A bit for each of eight units. */
static inline uint32_t bits_of_units(vec16 mask)
{
    vec bytes = pack((vec)(mask & 0xff), each(0));
    return tops(bytes);
}

static size_t utf16_to_utf8(const uint8_t *s, size_t units, uint8_t *out)
{
    enum { SPARE = 16 }; /* units that need the room of another store: a byte each at least */
    uint8_t *start = out;
    size_t i = 0;
    while (units - i >= 16 + SPARE) {
        vec16 u = (vec16)load(s + 2 * i), next = (vec16)load(s + 2 * i + 16);
        if (!any_top((vec)(((u | next) & 0xff80) != 0))) {
            store(out, pack((vec)u, (vec)next));
            out += 16;
            i += 16;
            continue;
        }
        uint32_t two = bits_of_units((vec16)((u & 0xff80) != 0));
        if (!any_top((vec)((u & 0xf800) != 0))) {
            out = put_two(u, two, out);
            i += 8;
        } else if (!any_top((vec)((u & 0xf800) == 0xd800))) {
            uint32_t three = bits_of_units((vec16)((u & 0xf800) != 0));
            vec zero = each(0);
            vec32 low = (vec32)zip_units_low((vec)u, zero), high = (vec32)zip_units_high((vec)u, zero);
            out = put_three(low, (two & 15) | (three & 15) << 4, out);
            out = put_three(high, two >> 4 | (three & 0xf0), out);
            i += 8;
        } else {
            for (size_t end = i + 16; i < end;) { /* where there is one pair, more are near */
                uint32_t c;
                size_t n = utf16_decode(s + 2 * i, units - i, &c);
                if (n == 0)
                    return CJ_TEXT_BAD;
                i += n;
                out += utf8_encode(c, out);
            }
        }
    }
    size_t rest = scalar_utf16_to_utf8(s + 2 * i, units - i, out);
    return rest == CJ_TEXT_BAD ? CJ_TEXT_BAD : (size_t)(out - start) + rest;
}

static size_t utf16_to_ascii(const uint8_t *s, size_t units, uint8_t *out)
{
    size_t i = 0;
    for (; units - i >= 16; i += 16) {
        vec a = load(s + 2 * i), b = load(s + 2 * i + 16);
        if (any_top((vec)((((vec16)a | (vec16)b) & 0xff80) != 0)))
            break;
        store(out + i, pack(a, b));
    }
    return i + scalar_utf16_to_ascii(s + 2 * i, units - i, out + i);
}

static size_t utf16_to_latin1(const uint8_t *s, size_t units, uint8_t *out, size_t *read)
{
    size_t i = 0;
    for (; units - i >= 16; i += 16) {
        vec a = load(s + 2 * i), b = load(s + 2 * i + 16);
        if (any_top((vec)((((vec16)a | (vec16)b) & 0xff00) != 0)))
            break;
        store(out + i, pack(a, b));
    }
    i += scalar_utf16_to_latin1(s + 2 * i, units - i, out + i, read);
    return *read = i;
}

static size_t latin1_to_utf8(const uint8_t *s, size_t len, uint8_t *out)
{
    uint8_t *start = out;
    size_t i = 0;
    for (; len - i >= 16 + 16; i += 16) {
        vec b = load(s + i);
        uint32_t two = tops(b);
        if (!two) {
            store(out, b);
            out += 16;
        } else {
            out = put_two((vec16)zip_low(b, each(0)), two & 0xff, out);
            out = put_two((vec16)zip_high(b, each(0)), two >> 8, out);
        }
    }
    return (size_t)(out - start) + scalar_latin1_to_utf8(s + i, len - i, out);
}

static size_t latin1_to_ascii(const uint8_t *s, size_t len, uint8_t *out)
{
    size_t i = 0;
    for (; len - i >= WIDE; i += WIDE) {
        wide b = wide_load(s + i);
        if (wide_any_top(b))
            break;
        memcpy(out + i, &b, WIDE);
    }
    return i + scalar_latin1_to_ascii(s + i, len - i, out + i);
}

static void latin1_to_utf16(const uint8_t *s, size_t len, uint8_t *out)
{
    size_t i = len;
    for (; i >= 16; i -= 16) { /* backwards: in place, a block covers bytes that were read before it */
        vec b = load(s + i - 16);
        store(out + 2 * i - 16, zip_high(b, each(0)));
        store(out + 2 * i - 32, zip_low(b, each(0)));
    }
    scalar_latin1_to_utf16(s, i, out);
}

#define VECTOR_TABLE \
    .utf8_valid = utf8_valid, .utf8_copy = utf8_copy, .utf16_valid = utf16_valid, .utf16_utf8_len = utf16_utf8_len, \
    .latin1_utf8_len = latin1_utf8_len, .utf8_to_utf16 = utf8_to_utf16, .utf16_to_utf8 = utf16_to_utf8, \
    .latin1_to_utf8 = latin1_to_utf8, .latin1_to_ascii = latin1_to_ascii, .utf16_to_ascii = utf16_to_ascii, \
    .utf8_to_latin1 = utf8_to_latin1, .utf16_to_latin1 = utf16_to_latin1, .latin1_to_utf16 = latin1_to_utf16
