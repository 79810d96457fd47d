/* text.h: the string kernels: validating, counting and transcoding UTF-8, UTF-16 and Latin-1.
 *
 * Place in the pipeline: under strings.c, which knows the Canonical ABI; a kernel knows only bytes. A table of function
 * pointers per instruction set: scalar.c is the reference, SIMD tables are chosen beside it in cj__text().
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

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CJ_TEXT_BAD SIZE_MAX

typedef struct cj_text_kernels {
    const char *name;

    /* True when all of it is well-formed. */
    bool (*utf8_valid)(const uint8_t *s, size_t len);
    bool (*utf16_valid)(const uint8_t *s, size_t units);

    /* How long the other form is: UTF-16 units, UTF-8 bytes. CJ_TEXT_BAD when malformed. */
    size_t (*utf8_utf16_len)(const uint8_t *s, size_t len);
    size_t (*utf16_utf8_len)(const uint8_t *s, size_t units);
    size_t (*latin1_utf8_len)(const uint8_t *s, size_t len);

    /* Transcode all of it. Give the units or bytes written, CJ_TEXT_BAD when malformed. Room needed: as counted above,
     * at most 2 * len bytes (UTF-8 -> UTF-16), 3 * units bytes (UTF-16 -> UTF-8), 2 * len bytes (Latin-1 -> UTF-8). */
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

/* The fastest table for this machine. */
const cj_text_kernels *cj__text(void);

#endif
