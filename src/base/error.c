/* error.c: filling and printing cj_error.
 *
 * Place in the pipeline: used by all; nothing here allocates, so that running out of memory can be reported.
 * Non-goals: value paths and traps' places are composed by those who know them, and added with cj__error_where.
 */
#include "base/base.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const status_texts[] = {
#define CJ_X(name, text) text,
    CJ_STATUS_MAP(CJ_X)
#undef CJ_X
};

static const char *const trap_texts[] = {
#define CJ_X(name, text) text,
    CJ_TRAP_MAP(CJ_X)
#undef CJ_X
};

const char *cj_status_text(cj_status status)
{
    return (unsigned)status < CJ_COUNT(status_texts) ? status_texts[status] : "unknown status";
}

const char *cj_trap_text(cj_trap trap)
{
    return (unsigned)trap < CJ_COUNT(trap_texts) ? trap_texts[trap] : "unknown trap";
}

/* Names come from hostile files and messages go to terminals and logs: what is not printable UTF-8 becomes '?'. A
 * sequence that the end of the buffer cut is dropped. */
static void make_printable(char *text, bool was_cut)
{
    uint8_t *s = (uint8_t *)text;
    size_t len = strlen(text);
    for (size_t i = 0; i < len;) {
        uint32_t cp;
        size_t n = cj__utf8_decode(s + i, len - i, &cp);
        if (n == 0) {
            if (was_cut && len - i < 4 && s[i] >= 0xc2 && cj__utf8_valid_prefix(s + i + 1, len - i - 1) == 0) {
                s[i] = 0;
                return;
            }
            s[i++] = '?';
        } else {
            if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0))
                memset(s + i, '?', n);
            i += n;
        }
    }
}

static void format_into(char *buffer, size_t size, const char *format, va_list args)
{
    int n = vsnprintf(buffer, size, format, args);
    if (n < 0)
        buffer[0] = 0;
    make_printable(buffer, n >= 0 && (size_t)n >= size);
}

static void fill(cj_error *err, cj_status status, uint64_t offset, const char *format, va_list args)
{
    char message[sizeof(err->message)]; /* apart, because an argument may be the old message */
    format_into(message, sizeof(message), format, args);
    err->status = status;
    err->trap = CJ_TRAP_NONE;
    err->offset = offset;
    err->where[0] = 0;
    memcpy(err->message, message, sizeof(message));
}

cj_status cj__fail(cj_error *err, cj_status status, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        fill(err, status, CJ_NO_OFFSET, format, args);
        va_end(args);
    }
    return status;
}

cj_status cj__fail_at(cj_error *err, cj_status status, uint64_t offset, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        fill(err, status, offset, format, args);
        va_end(args);
    }
    return status;
}

cj_status cj__fail_nomem(cj_error *err)
{
    return cj__fail(err, CJ_NO_MEMORY, "out of memory");
}

void cj__error_where(cj_error *err, const char *format, ...)
{
    if (!err)
        return;
    char inner[sizeof(err->where)], outer[sizeof(err->where)];
    memcpy(inner, err->where, sizeof(inner));
    va_list args;
    va_start(args, format);
    format_into(outer, sizeof(outer), format, args);
    va_end(args);

    int n = snprintf(err->where, sizeof(err->where), inner[0] ? "%s: %s" : "%s%s", outer, inner);
    make_printable(err->where, n >= 0 && (size_t)n >= sizeof(err->where));
}

void cj__error_clear(cj_error *err)
{
    if (err) {
        err->status = CJ_OK;
        err->trap = CJ_TRAP_NONE;
        err->offset = CJ_NO_OFFSET;
        err->where[0] = 0;
        err->message[0] = 0;
    }
}

size_t cj_error_format(const cj_error *err, char *buffer, size_t size)
{
    char offset[32] = "";
    if (!buffer)
        size = 0;
    if (!err) {
        if (size)
            buffer[0] = 0;
        return 0;
    }
    if (err->offset != CJ_NO_OFFSET)
        snprintf(offset, sizeof(offset), ": offset 0x%llx", (unsigned long long)err->offset);
    const char *message = err->message;
    if (!message[0] && err->status == CJ_TRAP)
        message = cj_trap_text(err->trap);

    int n = snprintf(buffer, size, "%s%s%s%s%s%s", cj_status_text(err->status), err->where[0] ? ": " : "", err->where,
                     offset, message[0] ? ": " : "", message);
    if (n < 0) {
        if (size)
            buffer[0] = 0;
        return 0;
    }
    if (size && (size_t)n >= size)
        make_printable(buffer, true);
    return (size_t)n;
}
