/* utf8.h: one UTF-8 sequence at a time, checked strictly (no overlong forms, surrogates, or past U+10FFFF).
 *
 * Place in the pipeline: names in files, error texts.
 * Non-goals: speed over long texts; the kernels that move strings between guests are exec/text's.
 */
#ifndef CJ_BASE_UTF8_H
#define CJ_BASE_UTF8_H

#include "base/base.h"

/* Decodes the sequence at `s`, which has `len` > 0 bytes. Returns its length, 1 to 4, or 0 when it is malformed or
 * cut. */
static inline size_t cj__utf8_decode(const uint8_t *s, size_t len, uint32_t *out)
{
    uint8_t b = s[0];
    if (b < 0x80) {
        *out = b;
        return 1;
    }
    size_t n = b >= 0xf0 ? 4 : b >= 0xe0 ? 3 : 2;
    if (b < 0xc2 || b > 0xf4 || n > len)
        return 0;
    uint32_t cp = b & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        cp = cp << 6 | (s[i] & 0x3fu);
    }
    if ((n == 3 && (cp < 0x800 || (cp >= 0xd800 && cp <= 0xdfff))) || (n == 4 && (cp < 0x10000 || cp > 0x10ffff)))
        return 0;
    *out = cp;
    return n;
}

/* Writes the sequence of a scalar value to `s`, which has room for 4 bytes. Returns its length. */
static inline size_t cj__utf8_encode(uint32_t cp, char *s)
{
    static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    if (cp < 0x80) {
        s[0] = (char)cp;
        return 1;
    }
    size_t n = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    for (size_t i = n; i-- > 1; cp >>= 6)
        s[i] = (char)(0x80 | (cp & 0x3f));
    s[0] = (char)(lead[n] | cp);
    return n;
}

/* Number of leading bytes that are valid UTF-8: `len` when all are. */
static inline size_t cj__utf8_valid_prefix(const uint8_t *s, size_t len)
{
    size_t i = 0;
    while (i < len) {
        uint32_t cp;
        size_t n = cj__utf8_decode(s + i, len - i, &cp);
        if (n == 0)
            break;
        i += n;
    }
    return i;
}

/* The longest prefix of valid UTF-8 `s` that fits in `max` bytes and does not cut a sequence. */
static inline size_t cj__utf8_cut(const char *s, size_t len, size_t max)
{
    if (len <= max)
        return len;
    while (max > 0 && ((uint8_t)s[max] & 0xc0) == 0x80)
        max--;
    return max;
}

#endif
