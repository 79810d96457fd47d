/* format.c: values to WAVE text, such that parse.c gives the same value back (any NaN becomes `nan`).
 *
 * Place in the pipeline: cj_wave_format; results on the command line, messages.
 * Non-goals: line breaks and indentation; handles, which WAVE has no text for: they print as <own 3>, which does not
 * parse. Nor does <invalid>, which stands for a value that is not of its type.
 *
 * Strings come from guests and go to terminals: what would not show as itself (controls, direction marks, invisible
 * characters) is escaped.
 */
#include "wave/wave.h"

#include "base/utf8.h"

#include <float.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct writer {
    char *at;
    size_t size, len; /* room with the terminator; length that the whole text has */
} writer;

static void put_bytes(writer *w, const char *bytes, size_t n)
{
    if (w->len < w->size) {
        size_t fits = w->size - w->len < n ? w->size - w->len : n;
        memcpy(w->at + w->len, bytes, fits);
    }
    w->len += n;
}

static void put(writer *w, const char *text)
{
    put_bytes(w, text, strlen(text));
}

static void put_char(writer *w, char c)
{
    put_bytes(w, &c, 1);
}

CJ_PRINTF(2, 3) static void put_format(writer *w, const char *format, ...)
{
    char text[48];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    put(w, text);
}

/* -- Floats ------------------------------------------------------------------------------------------------------ */

static bool reads_back(const char *text, double v, bool single)
{
    return single ? strtof(text, NULL) == (float)v : strtod(text, NULL) == v;
}

/* Writes the shortest digits that read back as `v`, as d.ddde+xx, perhaps with zeros at their end. A normal number
 * that fewer digits than DBL_DIG name is printed with these and zeros after them, so the search may start there.
 * Where the nearest number of so many digits reads back as another, the next one may not: just above a power of two
 * the numbers that round to `v` reach twice as far up as down. */
static void shortest_digits(char *text, size_t size, double v, bool single)
{
    int most = single ? FLT_DECIMAL_DIG : DBL_DECIMAL_DIG;
    bool normal = v >= (single ? FLT_MIN : DBL_MIN) || -v >= (single ? FLT_MIN : DBL_MIN);
    for (int digits = !normal ? 1 : single ? FLT_DIG : DBL_DIG; digits < most; digits++) {
        snprintf(text, size, "%.*e", digits - 1, v);
        if (reads_back(text, v, single))
            return;
        char *last = strchr(text, 'e') - 1;
        if (*last < '9') {
            ++*last;
            if (reads_back(text, v, single))
                return;
        }
    }
    snprintf(text, size, "%.*e", most - 1, v);
}

static void put_float(writer *w, double v, bool single)
{
    if (v != v) {
        put(w, "nan");
        return;
    }
    if (v == __builtin_inf() || v == -__builtin_inf()) {
        put(w, v < 0 ? "-inf" : "inf");
        return;
    }
    cj_c_locale locale;
    if (!cj__c_locale_enter(&locale)) {
        put(w, "<out of memory>");
        return;
    }
    char text[32];
    shortest_digits(text, sizeof(text), v, single);
    int exponent = (int)strtol(strchr(text, 'e') + 1, NULL, 10);
    cj__c_locale_leave(&locale);

    char mantissa[20]; /* the digits alone */
    int n = 0;
    for (const char *c = text; *c != 'e'; c++)
        if (*c >= '0' && *c <= '9')
            mantissa[n++] = *c;
    while (n > 1 && mantissa[n - 1] == '0')
        n--;
    if (text[0] == '-')
        put_char(w, '-');
    if (exponent < -5 || exponent > 20) {
        put_bytes(w, mantissa, 1);
        if (n > 1) {
            put_char(w, '.');
            put_bytes(w, mantissa + 1, (size_t)n - 1);
        }
        put_format(w, "e%d", exponent);
    } else if (exponent < 0) {
        put(w, "0.");
        for (int i = exponent + 1; i < 0; i++)
            put_char(w, '0');
        put_bytes(w, mantissa, (size_t)n);
    } else {
        for (int i = 0; i <= exponent || i < n; i++) {
            if (i == exponent + 1)
                put_char(w, '.');
            put_char(w, i < n ? mantissa[i] : '0');
        }
    }
}

/* -- Characters -------------------------------------------------------------------------------------------------- */

static bool is_shown(uint32_t c)
{
    return !(c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x200b || c == 0x200e || c == 0x200f ||
             (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x2069) || c == 0xfeff ||
             (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe007f));
}

/* `c` is written as the bytes `s` where it may stand for itself. */
static void put_escaped(writer *w, uint32_t c, char quote, const char *s, size_t n)
{
    if (c == (uint8_t)quote || c == '\\') {
        put_char(w, '\\');
        put_char(w, (char)c);
    } else if (c == '\t') {
        put(w, "\\t");
    } else if (c == '\n') {
        put(w, "\\n");
    } else if (c == '\r') {
        put(w, "\\r");
    } else if (!is_shown(c)) {
        put_format(w, "\\u{%" PRIx32 "}", c);
    } else {
        put_bytes(w, s, n);
    }
}

/* Bytes that are no UTF-8 can only come from the host; each becomes U+FFFD. */
static void put_string(writer *w, cj_string s)
{
    put_char(w, '"');
    for (size_t i = 0; i < s.len;) {
        uint32_t c;
        size_t n = cj__utf8_decode((const uint8_t *)s.ptr + i, s.len - i, &c);
        if (n == 0) {
            put(w, "\\u{fffd}");
            i++;
        } else {
            put_escaped(w, c, '"', s.ptr + i, n);
            i += n;
        }
    }
    put_char(w, '"');
}

static void put_scalar_value(writer *w, uint32_t c)
{
    if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) {
        put(w, "<invalid>");
        return;
    }
    char utf8[4];
    size_t n = cj__utf8_encode(c, utf8);
    put_char(w, '\'');
    put_escaped(w, c, '\'', utf8, n);
    put_char(w, '\'');
}

/* -- Values ------------------------------------------------------------------------------------------------------ */

static void put_value(writer *w, const cj_type *type, const cj_val *v);

static void put_name(writer *w, const cj_type *type, uint32_t i)
{
    size_t len;
    const char *name = cj_type_member_name(type, i, &len);
    put_bytes(w, name, len);
}

/* A case label that reads like a keyword needs '%'. */
static void put_label(writer *w, const cj_type *type, uint32_t i)
{
    size_t len;
    const char *name = cj_type_member_name(type, i, &len);
    if (cj__wave_is_keyword((cj_str){name, len}))
        put_char(w, '%');
    put_bytes(w, name, len);
}

static void put_payload(writer *w, const cj_type *type, const cj_val *payload)
{
    if (!type)
        return;
    put_char(w, '(');
    put_value(w, type, payload);
    put_char(w, ')');
}

static void put_record(writer *w, const cj_type *type, const cj_val *v)
{
    put_char(w, '{');
    bool first = true;
    for (uint32_t i = 0; i < v->of.seq.len; i++) {
        const cj_type *field = cj_type_member(type, i);
        const cj_val *value = &v->of.seq.ptr[i];
        if (cj_type_kind(field) == CJ_KIND_OPTION && value->kind == CJ_KIND_OPTION && value->of.choice.index == 0)
            continue;
        put(w, first ? "" : ", ");
        first = false;
        put_name(w, type, i);
        put(w, ": ");
        put_value(w, field, value);
    }
    put(w, first ? ":}" : "}"); /* {:} tells a record from flags */
}

static void put_value(writer *w, const cj_type *type, const cj_val *v)
{
    uint32_t count = cj_type_count(type);
    bool valid = type && v && v->kind == cj_type_kind(type);
    if (valid && (v->kind == CJ_KIND_RECORD || v->kind == CJ_KIND_TUPLE))
        valid = v->of.seq.len == count;
    if (valid && (v->kind == CJ_KIND_VARIANT || v->kind == CJ_KIND_ENUM))
        valid = v->of.choice.index < count;
    if (valid && (v->kind == CJ_KIND_OPTION || v->kind == CJ_KIND_RESULT))
        valid = v->of.choice.index < 2;
    if (!valid) {
        put(w, "<invalid>");
        return;
    }

    switch (v->kind) {
    case CJ_KIND_BOOL:
        put(w, v->of.b ? "true" : "false");
        break;
    case CJ_KIND_S8:
        put_format(w, "%" PRId8, v->of.s8);
        break;
    case CJ_KIND_U8:
        put_format(w, "%" PRIu8, v->of.u8);
        break;
    case CJ_KIND_S16:
        put_format(w, "%" PRId16, v->of.s16);
        break;
    case CJ_KIND_U16:
        put_format(w, "%" PRIu16, v->of.u16);
        break;
    case CJ_KIND_S32:
        put_format(w, "%" PRId32, v->of.s32);
        break;
    case CJ_KIND_U32:
        put_format(w, "%" PRIu32, v->of.u32);
        break;
    case CJ_KIND_S64:
        put_format(w, "%" PRId64, v->of.s64);
        break;
    case CJ_KIND_U64:
        put_format(w, "%" PRIu64, v->of.u64);
        break;
    case CJ_KIND_F32:
        put_float(w, (double)v->of.f32, true);
        break;
    case CJ_KIND_F64:
        put_float(w, v->of.f64, false);
        break;
    case CJ_KIND_CHAR:
        put_scalar_value(w, v->of.ch);
        break;
    case CJ_KIND_STRING:
        put_string(w, v->of.string);
        break;
    case CJ_KIND_LIST:
    case CJ_KIND_TUPLE: {
        bool list = v->kind == CJ_KIND_LIST;
        put_char(w, list ? '[' : '(');
        for (size_t i = 0; i < v->of.seq.len; i++) {
            put(w, i ? ", " : "");
            put_value(w, cj_type_member(type, list ? 0 : (uint32_t)i), &v->of.seq.ptr[i]);
        }
        put_char(w, list ? ']' : ')');
        break;
    }
    case CJ_KIND_RECORD:
        put_record(w, type, v);
        break;
    case CJ_KIND_VARIANT:
        put_label(w, type, v->of.choice.index);
        put_payload(w, cj_type_member(type, v->of.choice.index), v->of.choice.payload);
        break;
    case CJ_KIND_ENUM:
        put_label(w, type, v->of.choice.index);
        break;
    case CJ_KIND_OPTION:
        put(w, v->of.choice.index ? "some" : "none");
        put_payload(w, v->of.choice.index ? cj_type_member(type, 0) : NULL, v->of.choice.payload);
        break;
    case CJ_KIND_RESULT:
        put(w, v->of.choice.index ? "err" : "ok");
        put_payload(w, cj_type_member(type, v->of.choice.index), v->of.choice.payload);
        break;
    case CJ_KIND_FLAGS: {
        bool first = true;
        put_char(w, '{');
        for (uint32_t i = 0; i < count && i < 32; i++) {
            if (!(v->of.flags >> i & 1))
                continue;
            put(w, first ? "" : ", ");
            first = false;
            put_name(w, type, i);
        }
        put_char(w, '}');
        break;
    }
    default:
        put_format(w, "<%s %" PRIu32 ">", cj_kind_name(v->kind), v->of.handle);
        break;
    }
}

size_t cj_wave_format(const cj_type *type, const cj_val *val, char *buffer, size_t size)
{
    if (!buffer)
        size = 0;
    writer w = {buffer, size, 0};
    put_value(&w, type, val);
    if (size > 0)
        buffer[w.len < size ? w.len : cj__utf8_cut(buffer, size, size - 1)] = 0;
    return w.len;
}
