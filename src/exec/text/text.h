/* text.h: the string kernels: validating, counting and transcoding UTF-8, UTF-16 and Latin-1.
 *
 * Place in the pipeline: under strings.c, which knows the Canonical ABI; a kernel knows only bytes. A table of function
 * pointers per instruction set: scalar.h is the reference, text.c chooses at run time. docs/performance.md has their
 * speeds.
 * Non-goals: allocation, guest memory, traps.
 *
 * Rules for every kernel:
 *   - Source and destination are plain bytes without alignment; UTF-16 is little-endian, two bytes a unit, `units`
 *     counts units.
 *   - It reads exactly the source's bytes and writes at most what its line says, also when the source is malformed.
 *   - Source and destination do not overlap but where its line says so.
 *   - Malformed means as Unicode has it: in UTF-8 overlong forms, surrogates, past U+10FFFF, cut or stray continuation
 *     bytes; in UTF-16 unpaired surrogates. CJ_TEXT_BAD is the answer then. Latin-1 is never malformed.
 */
#ifndef CJ_EXEC_TEXT_TEXT_H
#define CJ_EXEC_TEXT_TEXT_H

#include "base/base.h"

#include <stdatomic.h>

#define CJ_TEXT_BAD SIZE_MAX

typedef struct cj_text_kernels {
    const char *name;

    /* True when all of it is well-formed. */
    bool (*utf8_valid)(const uint8_t *s, size_t len);
    bool (*utf16_valid)(const uint8_t *s, size_t units);

    /* Copy all of it, len bytes, well-formed or not; true when it is. */
    bool (*utf8_copy)(const uint8_t *s, size_t len, uint8_t *out);

    /* How many bytes it is in UTF-8. CJ_TEXT_BAD when malformed. */
    size_t (*utf16_utf8_len)(const uint8_t *s, size_t units);
    size_t (*latin1_utf8_len)(const uint8_t *s, size_t len);

    /* Transcode all of it. Give the units or bytes written, CJ_TEXT_BAD when malformed. Room needed: what is given when
     * the source is well-formed, else at most 2 * len bytes (UTF-8 -> UTF-16), 3 * units bytes (UTF-16 -> UTF-8). */
    size_t (*utf8_to_utf16)(const uint8_t *s, size_t len, uint8_t *out);
    size_t (*utf16_to_utf8)(const uint8_t *s, size_t units, uint8_t *out);
    size_t (*latin1_to_utf8)(const uint8_t *s, size_t len, uint8_t *out);

    /* Copy the longest prefix of characters below U+0080, a byte each; give their number. Room: len or units bytes. */
    size_t (*latin1_to_ascii)(const uint8_t *s, size_t len, uint8_t *out);
    size_t (*utf16_to_ascii)(const uint8_t *s, size_t units, uint8_t *out);

    /* Transcode the longest prefix of characters up to U+00FF to Latin-1. Give the bytes written, and in `read` the
     * source bytes or units that they were; the rest begins with a higher character or a malformed sequence. Room: len
     * or units bytes. The deflating one works in place too, out == s. */
    size_t (*utf8_to_latin1)(const uint8_t *s, size_t len, uint8_t *out, size_t *read);
    size_t (*utf16_to_latin1)(const uint8_t *s, size_t units, uint8_t *out, size_t *read);

    /* Latin-1 -> UTF-16: 2 * len bytes. Works in place too, out == s. */
    void (*latin1_to_utf16)(const uint8_t *s, size_t len, uint8_t *out);
} cj_text_kernels;

extern const cj_text_kernels cj__text_scalar;
#if defined(__x86_64__)
extern const cj_text_kernels cj__text_sse4, cj__text_avx2, cj__text_avx512;
#elif defined(__aarch64__)
extern const cj_text_kernels cj__text_neon;
#endif

/* The table of that name; NULL: there is none, or this machine cannot run it. */
const cj_text_kernels *cj__text_named(const char *name);

/* The fastest table for this machine, or the one that the environment variable CANONJIT_TEXT names, if it can be run. */
const cj_text_kernels *cj__text_choose(void);
extern const cj_text_kernels *_Atomic cj__text_chosen; /* NULL: not yet */
static inline const cj_text_kernels *cj__text(void)
{
    const cj_text_kernels *chosen = atomic_load_explicit(&cj__text_chosen, memory_order_relaxed);
    return CJ_LIKELY(chosen) ? chosen : cj__text_choose();
}

/* Up to here strings are validated before they are copied, above on the way (both back ends, as guests can tell). */
enum { CJ_TEXT_SHORT = 64 };

/* The bits that no byte of ASCII has, no unit of UTF-16 that is ASCII, none that is Latin-1. */
#define CJ_TEXT_NOT_ASCII UINT64_C(0x8080808080808080)
#define CJ_TEXT_NOT_ASCII16 UINT64_C(0xff80ff80ff80ff80)
#define CJ_TEXT_NOT_LATIN16 UINT64_C(0xff00ff00ff00ff00)

/* True when no bit of `high`, which repeats every two bytes, is set: of short texts only. */
static inline bool cj__text_short_ascii(const uint8_t *s, size_t len, uint64_t high)
{
    uint64_t all, words[4];
    if (len > 32)
        return false;
    if (len >= 16) { /* the second half overlaps the first */
        memcpy(words, s, 16);
        memcpy(words + 2, s + len - 16, 16);
        all = (words[0] | words[1]) | (words[2] | words[3]);
    } else if (len >= 8) {
        memcpy(words, s, 8);
        memcpy(words + 1, s + len - 8, 8);
        all = words[0] | words[1];
    } else if (len >= 4) {
        uint32_t first, last;
        memcpy(&first, s, 4);
        memcpy(&last, s + len - 4, 4);
        all = first | last;
    } else {
        all = 0;
        for (size_t i = 0; i < len; i++)
            all |= (uint64_t)s[i] << 8 * (i & 1);
    }
    return CJ_LIKELY((all & high) == 0);
}

/* memcpy without the call for 8 to 32 bytes, which do not overlap. */
static inline void cj__text_copy(void *to, const void *from, size_t len)
{
    const uint8_t *s = from;
    uint8_t *t = to;
    if (len - 8 > 24) {
        memcpy(t, s, len);
    } else if (len >= 16) { /* the second half overlaps the first */
        memcpy(t, s, 16);
        memcpy(t + len - 16, s + len - 16, 16);
    } else {
        memcpy(t, s, 8);
        memcpy(t + len - 8, s + len - 8, 8);
    }
}

/* The table's, without the call where a text is short and ASCII, as most are. */
static inline bool cj__text_utf8_valid(const uint8_t *s, size_t len)
{
    return cj__text_short_ascii(s, len, CJ_TEXT_NOT_ASCII) || cj__text()->utf8_valid(s, len);
}

static inline bool cj__text_utf16_valid(const uint8_t *s, size_t units)
{
    return cj__text_short_ascii(s, 2 * units, CJ_TEXT_NOT_ASCII16) || cj__text()->utf16_valid(s, units);
}

#endif
