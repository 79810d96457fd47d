/* scalar.h: the string kernels in portable C: the reference for the SIMD tables, and their short ends.
 *
 * Place in the pipeline: scalar.c makes a table of them; a SIMD table's file includes them for what is shorter than its
 * vectors, compiled for its instruction set. Eight bytes at a time while a text is ASCII, one character otherwise.
 */
#ifndef CJ_EXEC_TEXT_SCALAR_H
#define CJ_EXEC_TEXT_SCALAR_H

#include "base/utf8.h"
#include "exec/text/text.h"

/* -- Words of eight bytes ------------------------------------------------------------------------------------------ */

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "UTF-16 in guest memory is read and written as the machine's own"
#endif

static inline uint64_t load8(const uint8_t *s)
{
    uint64_t word;
    memcpy(&word, s, 8);
    return word;
}

static inline uint32_t load_unit(const uint8_t *s)
{
    return (uint32_t)s[0] | (uint32_t)s[1] << 8;
}

static inline void store_unit(uint8_t *out, uint32_t unit)
{
    out[0] = (uint8_t)unit;
    out[1] = (uint8_t)(unit >> 8);
}

/* Number of leading bytes below 0x80, rounded down to whole words at most. */
static inline size_t ascii_words(const uint8_t *s, size_t len)
{
    size_t i = 0;
    while (len - i >= 8 && !(load8(s + i) & CJ_TEXT_NOT_ASCII))
        i += 8;
    return i;
}

/* The same for UTF-16 units below `0x80`, in units. */
static inline size_t ascii_words16(const uint8_t *s, size_t units)
{
    size_t i = 0;
    while (units - i >= 4 && !(load8(s + 2 * i) & CJ_TEXT_NOT_ASCII16))
        i += 4;
    return i;
}

/* -- One character ------------------------------------------------------------------------------------------------- */

/* Units of the UTF-16 character at `s`, 1 or 2, or 0 when it is an unpaired surrogate. */
static inline size_t utf16_decode(const uint8_t *s, size_t units, uint32_t *out)
{
    uint32_t unit = load_unit(s);
    if (unit < 0xd800 || unit > 0xdfff) {
        *out = unit;
        return 1;
    }
    if (unit > 0xdbff || units < 2)
        return 0;
    uint32_t low = load_unit(s + 2);
    if (low < 0xdc00 || low > 0xdfff)
        return 0;
    *out = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    return 2;
}

static inline size_t utf8_size(uint32_t cp)
{
    return cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
}

static inline size_t utf8_encode(uint32_t cp, uint8_t *out)
{
    if (cp < 0x80) {
        out[0] = (uint8_t)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (uint8_t)(0xc0 | cp >> 6);
        out[1] = (uint8_t)(0x80 | (cp & 0x3f));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (uint8_t)(0xe0 | cp >> 12);
        out[1] = (uint8_t)(0x80 | (cp >> 6 & 0x3f));
        out[2] = (uint8_t)(0x80 | (cp & 0x3f));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | cp >> 18);
    out[1] = (uint8_t)(0x80 | (cp >> 12 & 0x3f));
    out[2] = (uint8_t)(0x80 | (cp >> 6 & 0x3f));
    out[3] = (uint8_t)(0x80 | (cp & 0x3f));
    return 4;
}

/* -- Validating and counting --------------------------------------------------------------------------------------- */

static inline bool scalar_utf8_valid(const uint8_t *s, size_t len)
{
    for (size_t i = 0; i < len;) {
        i += ascii_words(s + i, len - i);
        if (i == len)
            break;
        uint32_t cp;
        size_t n = cj__utf8_decode(s + i, len - i, &cp);
        if (n == 0)
            return false;
        i += n;
    }
    return true;
}

static inline bool scalar_utf8_copy(const uint8_t *s, size_t len, uint8_t *out)
{
    memcpy(out, s, len);
    return scalar_utf8_valid(s, len);
}

static inline size_t scalar_utf16_utf8_len(const uint8_t *s, size_t units)
{
    size_t len = 0;
    for (size_t i = 0; i < units;) {
        size_t ascii = ascii_words16(s + 2 * i, units - i);
        i += ascii;
        len += ascii;
        if (i == units)
            break;
        uint32_t cp;
        size_t n = utf16_decode(s + 2 * i, units - i, &cp);
        if (n == 0)
            return CJ_TEXT_BAD;
        i += n;
        len += utf8_size(cp);
    }
    return len;
}

static inline bool scalar_utf16_valid(const uint8_t *s, size_t units)
{
    return scalar_utf16_utf8_len(s, units) != CJ_TEXT_BAD;
}

static inline size_t scalar_latin1_utf8_len(const uint8_t *s, size_t len)
{
    size_t high = 0, i = 0;
    for (; len - i >= 8; i += 8)
        high += (size_t)__builtin_popcountll(load8(s + i) & CJ_TEXT_NOT_ASCII);
    for (; i < len; i++)
        high += s[i] >> 7;
    return len + high;
}

/* -- Transcoding --------------------------------------------------------------------------------------------------- */

static inline size_t scalar_utf8_to_utf16(const uint8_t *s, size_t len, uint8_t *out)
{
    uint8_t *start = out;
    for (size_t i = 0; i < len;) {
        for (size_t ascii = ascii_words(s + i, len - i); ascii; ascii--, out += 2)
            store_unit(out, s[i++]);
        if (i == len)
            break;
        uint32_t cp;
        size_t n = cj__utf8_decode(s + i, len - i, &cp);
        if (n == 0)
            return CJ_TEXT_BAD;
        i += n;
        if (n == 4) {
            cp -= 0x10000;
            store_unit(out, 0xd800 + (cp >> 10));
            out += 2;
            cp = 0xdc00 + (cp & 0x3ff);
        }
        store_unit(out, cp);
        out += 2;
    }
    return (size_t)(out - start) / 2;
}

static inline size_t scalar_utf16_to_utf8(const uint8_t *s, size_t units, uint8_t *out)
{
    uint8_t *start = out;
    for (size_t i = 0; i < units;) {
        for (size_t ascii = ascii_words16(s + 2 * i, units - i); ascii; ascii--)
            *out++ = s[2 * i++];
        if (i == units)
            break;
        uint32_t cp;
        size_t n = utf16_decode(s + 2 * i, units - i, &cp);
        if (n == 0)
            return CJ_TEXT_BAD;
        i += n;
        out += utf8_encode(cp, out);
    }
    return (size_t)(out - start);
}

static inline size_t scalar_latin1_to_utf8(const uint8_t *s, size_t len, uint8_t *out)
{
    uint8_t *start = out;
    for (size_t i = 0; i < len;) {
        size_t ascii = ascii_words(s + i, len - i);
        if (ascii) {
            memcpy(out, s + i, ascii);
            out += ascii;
            i += ascii;
        } else {
            out += utf8_encode(s[i++], out);
        }
    }
    return (size_t)(out - start);
}

static inline size_t scalar_latin1_to_ascii(const uint8_t *s, size_t len, uint8_t *out)
{
    size_t i = ascii_words(s, len);
    memcpy(out, s, i);
    for (; i < len && s[i] < 0x80; i++)
        out[i] = s[i];
    return i;
}

static inline size_t scalar_utf16_to_ascii(const uint8_t *s, size_t units, uint8_t *out)
{
    size_t i = 0;
    for (; i < units && load_unit(s + 2 * i) < 0x80; i++)
        out[i] = s[2 * i];
    return i;
}

static inline size_t scalar_utf8_to_latin1(const uint8_t *s, size_t len, uint8_t *out, size_t *read)
{
    uint8_t *start = out;
    size_t i = 0;
    while (i < len) {
        size_t ascii = ascii_words(s + i, len - i);
        if (ascii) {
            memcpy(out, s + i, ascii);
            out += ascii;
            i += ascii;
        } else {
            uint32_t cp;
            size_t n = cj__utf8_decode(s + i, len - i, &cp);
            if (n == 0 || cp > 0xff)
                break;
            *out++ = (uint8_t)cp;
            i += n;
        }
    }
    *read = i;
    return (size_t)(out - start);
}

static inline size_t scalar_utf16_to_latin1(const uint8_t *s, size_t units, uint8_t *out, size_t *read)
{
    size_t i = 0;
    while (i < units && s[2 * i + 1] == 0) { /* in place: byte i is written after unit i was read */
        out[i] = s[2 * i];
        i++;
    }
    *read = i;
    return i;
}

static inline void scalar_latin1_to_utf16(const uint8_t *s, size_t len, uint8_t *out)
{
    for (size_t i = len; i-- > 0;) /* backwards: in place, unit i covers bytes that were read before it */
        store_unit(out + 2 * i, s[i]);
}

#endif
