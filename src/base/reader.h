/* reader.h: reading a slice of an untrusted file: bytes, LEB128, names; every error with its offset in the file.
 *
 * Place in the pipeline: under component/'s decoder and link/'s reading of core modules.
 * Non-goals: what the bytes mean.
 *
 * All readers return CJ_MALFORMED "expected WHAT, found ..." and leave the position at the start of what was being
 * read. `what` is a noun phrase: "a type index". Spec: core binary format, "Integers": an LEB128 may be padded with
 * zeros (or sign bits) up to the length that its width needs, bits beyond the width are malformed.
 */
#ifndef CJ_BASE_READER_H
#define CJ_BASE_READER_H

#include "base/base.h"

typedef struct cj_reader {
    const uint8_t *at, *end;
    const uint8_t *start;
    uint64_t start_offset; /* of `start` in the file */
    cj_error *err;         /* may be NULL */
} cj_reader;

static inline cj_reader cj__reader(const uint8_t *bytes, size_t size, uint64_t offset, cj_error *err)
{
    return (cj_reader){bytes, bytes + size, bytes, offset, err};
}

static inline uint64_t cj__reader_offset(const cj_reader *r)
{
    return r->start_offset + (uint64_t)(r->at - r->start);
}

static inline size_t cj__reader_left(const cj_reader *r)
{
    return (size_t)(r->end - r->at);
}

cj_status cj__read_byte(cj_reader *, uint8_t *out, const char *what);
/* A byte that is 0 or 1. */
cj_status cj__read_flag(cj_reader *, bool *out, const char *what);
/* The byte `value` and no other. */
cj_status cj__read_exact(cj_reader *, uint8_t value, const char *what);
cj_status cj__read_u32(cj_reader *, uint32_t *out, const char *what);
cj_status cj__read_u64(cj_reader *, uint64_t *out, const char *what);
cj_status cj__read_s32(cj_reader *, int32_t *out, const char *what);
cj_status cj__read_s33(cj_reader *, int64_t *out, const char *what);
cj_status cj__read_s64(cj_reader *, int64_t *out, const char *what);
/* A block of `len` bytes, inside the slice. */
cj_status cj__read_bytes(cj_reader *, uint64_t len, const uint8_t **out, const char *what);
/* The same as a reader of its own; cj__read_done then wants it used up: "WHAT is longer than its contents". */
cj_status cj__read_slice(cj_reader *, uint64_t len, cj_reader *out, const char *what);
cj_status cj__read_done(const cj_reader *, const char *what);
/* A length and that many bytes of UTF-8. More than `max` bytes are CJ_LIMIT "max_name_length". */
cj_status cj__read_name(cj_reader *, uint32_t max, cj_str *out, const char *what);
/* The count of a vector. Every element takes a byte at least, so a count over the bytes left is the end of input;
 * one over `max` is CJ_LIMIT with `limit`'s name. `limit` NULL: no limit. */
cj_status cj__read_count(cj_reader *, uint32_t max, const char *limit, uint32_t *out, const char *what);

#endif
