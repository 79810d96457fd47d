/* short.h: transcoding without the call of a kernel where a text is short and ASCII, as most are.
 *
 * Place in the pipeline: between lowering.h and the table of kernels (text.h), whose rules hold here.
 * Non-goals: instruction sets: vectors of 8 and 16 bytes are everywhere, if only as words. Working in place, as some kernels do.
 */
#ifndef CJ_EXEC_TEXT_SHORT_H
#define CJ_EXEC_TEXT_SHORT_H

#include "exec/text/text.h"

typedef uint8_t cj__text_eight __attribute__((vector_size(8)));
typedef uint8_t cj__text_sixteen __attribute__((vector_size(16)));
typedef uint64_t cj__text_two_words __attribute__((vector_size(16)));
typedef uint16_t cj__text_eight_wide __attribute__((vector_size(16)));

/* Eight bytes of Latin-1 -> UTF-16: interleaved with zeros, which is one instruction where there are 16-byte vectors. */
static inline void cj__text_widen_eight(const uint8_t *s, uint8_t *out)
{
    uint64_t word;
    memcpy(&word, s, sizeof(word));
    cj__text_sixteen narrow = (cj__text_sixteen)(cj__text_two_words){word, 0}, zeros = {0};
    cj__text_sixteen wide =
        __builtin_shufflevector(narrow, zeros, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    memcpy(out, &wide, sizeof(wide));
}

/* Latin-1 -> UTF-16 of 8 to 32 bytes, the second half overlapping the first; false: of so many it cannot. */
static inline bool cj__text_short_widen(const uint8_t *s, size_t len, uint8_t *out)
{
    if (len - 8 > 24)
        return false;
    size_t last = len - 8;
    cj__text_widen_eight(s, out);
    cj__text_widen_eight(s + last, out + 2 * last);
    if (len > 16) {
        cj__text_widen_eight(s + 8, out + 16);
        cj__text_widen_eight(s + last - 8, out + 2 * last - 16);
    }
    return true;
}

/* UTF-16 -> Latin-1 of 8 to 16 units that have no bit of `high`; false: of others it cannot. */
static inline bool cj__text_short_narrow(const uint8_t *s, size_t units, uint64_t high, uint8_t *out)
{
    if (units - 8 > 8 || !cj__text_short_ascii(s, 2 * units, high))
        return false;
    for (size_t i = 0;; i = units - 8) {
        cj__text_eight_wide wide;
        memcpy(&wide, s + 2 * i, sizeof(wide));
        cj__text_eight narrow = __builtin_convertvector(wide, cj__text_eight);
        memcpy(out + i, &narrow, sizeof(narrow));
        if (i + 8 == units)
            return true;
    }
}

static inline size_t cj__text_utf8_to_utf16(const uint8_t *s, size_t len, uint8_t *out)
{
    bool ascii = cj__text_short_ascii(s, len, CJ_TEXT_NOT_ASCII);
    return ascii && cj__text_short_widen(s, len, out) ? len : cj__text()->utf8_to_utf16(s, len, out);
}

static inline void cj__text_latin1_to_utf16(const uint8_t *s, size_t len, uint8_t *out)
{
    if (!cj__text_short_widen(s, len, out))
        cj__text()->latin1_to_utf16(s, len, out);
}

static inline size_t cj__text_utf16_to_ascii(const uint8_t *s, size_t units, uint8_t *out)
{
    return cj__text_short_narrow(s, units, CJ_TEXT_NOT_ASCII16, out) ? units
                                                                     : cj__text()->utf16_to_ascii(s, units, out);
}

static inline size_t cj__text_utf16_to_latin1(const uint8_t *s, size_t units, uint8_t *out, size_t *read)
{
    if (!cj__text_short_narrow(s, units, CJ_TEXT_NOT_LATIN16, out))
        return cj__text()->utf16_to_latin1(s, units, out, read);
    *read = units;
    return units;
}

static inline size_t cj__text_latin1_to_ascii(const uint8_t *s, size_t len, uint8_t *out)
{
    if (!cj__text_short_ascii(s, len, CJ_TEXT_NOT_ASCII))
        return cj__text()->latin1_to_ascii(s, len, out);
    cj__text_copy(out, s, len);
    return len;
}

static inline size_t cj__text_utf8_to_latin1(const uint8_t *s, size_t len, uint8_t *out, size_t *read)
{
    if (!cj__text_short_ascii(s, len, CJ_TEXT_NOT_ASCII))
        return cj__text()->utf8_to_latin1(s, len, out, read);
    cj__text_copy(out, s, len);
    *read = len;
    return len;
}

#endif
