/* reader.c: see reader.h. */
#include "base/reader.h"
#include "base/utf8.h"

#include <inttypes.h>

static cj_status at_end(cj_reader *r, const uint8_t *start, const char *what)
{
    r->at = start;
    cj__fail_at(r->err, CJ_MALFORMED, cj__reader_offset(r), "expected %s, found the end", what);
    return CJ_MALFORMED; /* a constant here and below, so that compilers see that *out is set on CJ_OK */
}

cj_status cj__read_byte(cj_reader *r, uint8_t *out, const char *what)
{
    if (CJ_UNLIKELY(r->at == r->end))
        return at_end(r, r->at, what);
    *out = *r->at++;
    return CJ_OK;
}

cj_status cj__read_flag(cj_reader *r, bool *out, const char *what)
{
    uint8_t byte;
    CJ_TRY(cj__read_byte(r, &byte, what));
    if (byte > 1) {
        r->at--;
        return cj__fail_at(r->err, CJ_MALFORMED, cj__reader_offset(r), "expected %s (0x00 or 0x01), found 0x%02x", what,
                           byte);
    }
    *out = byte;
    return CJ_OK;
}

cj_status cj__read_exact(cj_reader *r, uint8_t value, const char *what)
{
    uint8_t byte;
    CJ_TRY(cj__read_byte(r, &byte, what));
    if (byte != value) {
        r->at--;
        return cj__fail_at(r->err, CJ_MALFORMED, cj__reader_offset(r), "expected %s (0x%02x), found 0x%02x", what,
                           value, byte);
    }
    return CJ_OK;
}

/* Reads up to 64 bits of LEB128 for an integer of `width` bits. Signed ones come out sign-extended. */
static cj_status read_leb(cj_reader *r, unsigned width, bool is_signed, uint64_t *out, const char *what)
{
    const uint8_t *start = r->at;
    uint64_t value = 0;
    unsigned shift = 0;
    for (;;) {
        if (CJ_UNLIKELY(r->at == r->end))
            return at_end(r, start, what);
        uint8_t byte = *r->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        unsigned left = width - shift; /* bits of the integer that this byte still holds, >= 1 */
        if (left <= 7) {
            bool ok = !(byte & 0x80);
            if (is_signed) { /* the bits past the width repeat the sign */
                unsigned extra = (unsigned)(byte & 0x7f) >> (left - 1);
                ok = ok && (extra == 0 || extra == 0x7fu >> (left - 1));
            } else {
                ok = ok && (unsigned)(byte & 0x7f) >> left == 0;
            }
            if (!ok) {
                r->at = start;
                cj__fail_at(r->err, CJ_MALFORMED, cj__reader_offset(r),
                            "expected %s, found an integer of more than %u bits", what, width);
                return CJ_MALFORMED;
            }
        }
        shift += 7;
        if (!(byte & 0x80)) {
            if (is_signed && shift < 64 && (byte & 0x40))
                value |= UINT64_MAX << shift;
            *out = value;
            return CJ_OK;
        }
    }
}

cj_status cj__read_u32(cj_reader *r, uint32_t *out, const char *what)
{
    if (CJ_LIKELY(r->at != r->end && *r->at < 0x80)) {
        *out = *r->at++;
        return CJ_OK;
    }
    uint64_t value;
    CJ_TRY(read_leb(r, 32, false, &value, what));
    *out = (uint32_t)value;
    return CJ_OK;
}

cj_status cj__read_u64(cj_reader *r, uint64_t *out, const char *what)
{
    return read_leb(r, 64, false, out, what);
}

cj_status cj__read_s32(cj_reader *r, int32_t *out, const char *what)
{
    uint64_t value;
    CJ_TRY(read_leb(r, 32, true, &value, what));
    *out = (int32_t)(int64_t)value;
    return CJ_OK;
}

cj_status cj__read_s33(cj_reader *r, int64_t *out, const char *what)
{
    uint64_t value;
    CJ_TRY(read_leb(r, 33, true, &value, what));
    *out = (int64_t)value;
    return CJ_OK;
}

cj_status cj__read_s64(cj_reader *r, int64_t *out, const char *what)
{
    uint64_t value;
    CJ_TRY(read_leb(r, 64, true, &value, what));
    *out = (int64_t)value;
    return CJ_OK;
}

cj_status cj__read_bytes(cj_reader *r, uint64_t len, const uint8_t **out, const char *what)
{
    size_t left = cj__reader_left(r);
    if (len > left) {
        cj__fail_at(r->err, CJ_MALFORMED, cj__reader_offset(r),
                    "expected %s of %" PRIu64 " bytes, found the end after %zu", what, len, left);
        return CJ_MALFORMED;
    }
    *out = r->at;
    r->at += len;
    return CJ_OK;
}

cj_status cj__read_slice(cj_reader *r, uint64_t len, cj_reader *out, const char *what)
{
    uint64_t offset = cj__reader_offset(r);
    const uint8_t *bytes;
    CJ_TRY(cj__read_bytes(r, len, &bytes, what));
    *out = cj__reader(bytes, (size_t)len, offset, r->err);
    return CJ_OK;
}

cj_status cj__read_done(const cj_reader *r, const char *what)
{
    if (r->at != r->end)
        return cj__fail_at(r->err, CJ_MALFORMED, cj__reader_offset(r), "expected the end of %s, found %zu more bytes",
                           what, cj__reader_left(r));
    return CJ_OK;
}

cj_status cj__read_name(cj_reader *r, uint32_t max, cj_str *out, const char *what)
{
    const uint8_t *start = r->at;
    uint32_t len;
    CJ_TRY(cj__read_u32(r, &len, what));
    const uint8_t *bytes;
    cj_status status = cj__read_bytes(r, len, &bytes, what);
    if (status != CJ_OK) {
        r->at = start;
        return status;
    }
    uint64_t offset = cj__reader_offset(r) - len;
    if (len > max) {
        r->at = start;
        return cj__fail_at(r->err, CJ_LIMIT, offset, "%s has %u bytes, max_name_length is %u", what, len, max);
    }
    size_t valid = cj__utf8_valid_prefix(bytes, len);
    if (valid != len) {
        r->at = start;
        return cj__fail_at(r->err, CJ_MALFORMED, offset + valid, "expected %s in UTF-8, found byte 0x%02x", what,
                           bytes[valid]);
    }
    *out = (cj_str){(const char *)bytes, len};
    return CJ_OK;
}

cj_status cj__read_count(cj_reader *r, uint32_t max, const char *limit, uint32_t *out, const char *what)
{
    const uint8_t *start = r->at;
    uint32_t count;
    CJ_TRY(cj__read_u32(r, &count, what));
    if (count > cj__reader_left(r)) {
        size_t left = cj__reader_left(r);
        r->at = start;
        return cj__fail_at(r->err, CJ_MALFORMED, cj__reader_offset(r),
                           "expected %s: %u of them, found the end after %zu bytes", what, count, left);
    }
    if (limit && count > max) {
        r->at = start;
        return cj__fail_at(r->err, CJ_LIMIT, cj__reader_offset(r), "%s: %u of them, %s is %u", what, count, limit, max);
    }
    *out = count;
    return CJ_OK;
}
