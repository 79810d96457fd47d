/* parse.c: WAVE text to values, directed by the type.
 *
 * Place in the pipeline: cj_wave_parse; the arguments of a call (call.c).
 * Non-goals: parsing without a type; texts of handles, which WAVE has none of.
 *
 *     value  ::= 'true' | 'false' | number | 'nan' | 'inf' | '-inf' | 'char' | "string" | """multi-line string"""
 *              | '(' value, ... ')' | '[' value, ... ']' | '{' label: value, ... '}' | '{:}' | '{' label, ... '}'
 *              | label [ '(' value ')' ]                       some(v) none ok(v) err(v) are labels of their types
 *     label  ::= ['%'] words with hyphens                      '%' for labels that read like a keyword
 *
 * Commas may trail; white space and // comments may stand between tokens; a bare value stands for some(value) or
 * ok(value) unless the payload is itself an option or result; fields of option type may be left out. Integers out of
 * range are errors.
 */
#include "wave/wave.h"

#include "base/utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* -- Characters and errors --------------------------------------------------------------------------------------- */

cj_status cj__wave_start(cj_wave_reader *r, const char *text, size_t len, cj_arena *arena, cj_error *err)
{
    r->text = text;
    r->len = len;
    r->at = 0;
    r->arena = arena;
    r->err = err ? err : &r->unwanted;
    r->parts = 0;
    size_t valid = cj__utf8_valid_prefix((const uint8_t *)text, len);
    if (valid < len)
        return cj__fail_at(r->err, CJ_INVALID, valid, "the text is not valid UTF-8");
    return CJ_OK;
}

static char peek_at(const cj_wave_reader *r, size_t ahead)
{
    return ahead < r->len - r->at ? r->text[r->at + ahead] : 0;
}

static char peek(const cj_wave_reader *r)
{
    return peek_at(r, 0);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '-' || c == '_';
}

void cj__wave_space(cj_wave_reader *r)
{
    for (;;) {
        char c = peek(r);
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            r->at++;
        } else if (c == '/' && peek_at(r, 1) == '/') {
            while (r->at < r->len && peek(r) != '\n')
                r->at++;
        } else {
            return;
        }
    }
}

bool cj__wave_take(cj_wave_reader *r, char c)
{
    cj__wave_space(r);
    if (r->at == r->len || peek(r) != c)
        return false;
    r->at++;
    return true;
}

/* The length of what stands at the present place, as far as a message quotes it: a word or number, else one
 * character. */
static size_t found_length(const cj_wave_reader *r)
{
    size_t n = 0;
    while (r->at + n < r->len &&
           (is_word(peek_at(r, n)) || peek_at(r, n) == '.' || peek_at(r, n) == '%' || (peek_at(r, n) == '+' && n > 0)))
        n++;
    uint32_t cp;
    if (n == 0)
        n = cj__utf8_decode((const uint8_t *)r->text + r->at, r->len - r->at, &cp);
    return n;
}

cj_status cj__wave_expected(cj_wave_reader *r, const char *what)
{
    cj__wave_space(r);
    if (r->at == r->len)
        return cj__fail_at(r->err, CJ_INVALID, r->at, "expected %s, found the end of the text", what);
    char c = peek(r);
    if (c == '"')
        return cj__fail_at(r->err, CJ_INVALID, r->at, "expected %s, found a string", what);
    size_t n = found_length(r), shown = cj__utf8_cut(r->text + r->at, n, 40);
    return cj__fail_at(r->err, CJ_INVALID, r->at, "expected %s, found %s%.*s%s%s", what,
                       is_word(c) || c == '%' ? "" : "'", (int)shown, r->text + r->at, shown < n ? "..." : "",
                       is_word(c) || c == '%' ? "" : "'");
}

static cj_status expected_type(cj_wave_reader *r, const cj_type *type)
{
    char what[96];
    if (cj_type_format(type, what, sizeof(what)) >= sizeof(what)) {
        size_t cut = cj__utf8_cut(what, strlen(what), sizeof(what) - 5);
        memcpy(what + cut, "...", 4);
    }
    return cj__wave_expected(r, what);
}

cj_val *cj__wave_values(cj_wave_reader *r, size_t count)
{
    if (count > CJ_WAVE_MAX_PARTS - r->parts) {
        cj__fail_at(r->err, CJ_LIMIT, r->at, "the text stands for more than %d values", CJ_WAVE_MAX_PARTS);
        return NULL;
    }
    r->parts += (uint32_t)count;
    cj_val *at = cj_arena_alloc(r->arena, (count ? count : 1) * sizeof(*at), _Alignof(cj_val));
    if (!at)
        cj__fail_nomem(r->err);
    return at;
}

/* -- Words and labels -------------------------------------------------------------------------------------------- */

static cj_str word_here(cj_wave_reader *r)
{
    cj__wave_space(r);
    size_t n = 0;
    while (is_word(peek_at(r, n)))
        n++;
    return (cj_str){r->text + r->at, n};
}

static bool take_word(cj_wave_reader *r, const char *word)
{
    if (!cj__str_eq(word_here(r), cj__str(word)))
        return false;
    r->at += strlen(word);
    return true;
}

bool cj__wave_is_keyword(cj_str s)
{
    static const char *const keywords[] = {"true", "false", "some", "none", "ok", "err", "inf", "nan"};
    for (size_t i = 0; i < CJ_COUNT(keywords); i++)
        if (cj__str_eq(s, cj__str(keywords[i])))
            return true;
    return false;
}

static cj_str member_name(const cj_type *type, uint32_t i)
{
    size_t len;
    const char *ptr = cj_type_member_name(type, i, &len);
    return (cj_str){ptr, len};
}

/* The names of all members, for a message: "red, green, blue". */
static void list_names(const cj_type *type, char *buffer, size_t size)
{
    size_t at = 0;
    for (uint32_t i = 0, count = cj_type_count(type); i < count; i++) {
        cj_str name = member_name(type, i);
        size_t need = name.len + (i ? 2 : 0);
        if (at + need + 5 >= size) {
            at += (size_t)snprintf(buffer + at, size - at, "%s...", i ? ", " : "");
            break;
        }
        at += (size_t)snprintf(buffer + at, size - at, "%s%.*s", i ? ", " : "", CJ_STR_ARG(name));
    }
}

/* A label that names a member of `type`: its index. Keywords are no labels without '%', except where a field or flag
 * is all that can stand (`keywords_too`). */
static cj_status take_member(cj_wave_reader *r, const cj_type *type, bool keywords_too, uint32_t *out)
{
    cj__wave_space(r);
    size_t start = r->at;
    bool escaped = peek(r) == '%';
    if (escaped)
        r->at++;
    size_t n = 0;
    while (is_word(peek_at(r, n)))
        n++;
    cj_str word = {r->text + r->at, n};
    char names[128] = "";
    if (word.len > 0 && (escaped || keywords_too || !cj__wave_is_keyword(word))) {
        for (uint32_t i = 0, count = cj_type_count(type); i < count; i++) {
            if (cj__str_eq(member_name(type, i), word)) {
                r->at += n;
                *out = i;
                return CJ_OK;
            }
        }
    }
    r->at = start;
    if (word.len > 0 && cj__wave_is_keyword(word) && !escaped) {
        for (uint32_t i = 0, count = cj_type_count(type); i < count; i++)
            if (cj__str_eq(member_name(type, i), word))
                return cj__fail_at(r->err, CJ_INVALID, start, "'%.*s' is a keyword: write %%%.*s for the label",
                                   CJ_STR_ARG(word), CJ_STR_ARG(word));
    }
    list_names(type, names, sizeof(names));
    char what[160];
    snprintf(what, sizeof(what), "%s%s", cj_type_count(type) == 1 ? "" : "one of ", names);
    return cj__wave_expected(r, what);
}

/* -- Numbers ----------------------------------------------------------------------------------------------------- */

/* The token of a number: its length, 0 if there is none; and whether it is an integer. It must end where a word could
 * not go on. */
static size_t number_here(cj_wave_reader *r, bool *integer)
{
    cj__wave_space(r);
    size_t n = peek(r) == '-' ? 1 : 0;
    if (!is_digit(peek_at(r, n)))
        return 0;
    if (peek_at(r, n) == '0')
        n++;
    else
        while (is_digit(peek_at(r, n)))
            n++;
    *integer = true;
    if (peek_at(r, n) == '.' && is_digit(peek_at(r, n + 1))) {
        *integer = false;
        n += 2;
        while (is_digit(peek_at(r, n)))
            n++;
    }
    if ((peek_at(r, n) | 32) == 'e') {
        size_t sign = peek_at(r, n + 1) == '+' || peek_at(r, n + 1) == '-' ? 1 : 0;
        if (is_digit(peek_at(r, n + 1 + sign))) {
            *integer = false;
            n += 2 + sign;
            while (is_digit(peek_at(r, n)))
                n++;
        }
    }
    return is_word(peek_at(r, n)) || peek_at(r, n) == '.' ? 0 : n;
}

typedef struct range {
    int64_t min;
    uint64_t max;
} range;

static cj_status out_of_range(cj_wave_reader *r, const cj_type *type, range to, size_t n)
{
    size_t shown = n < 40 ? n : 40;
    return cj__fail_at(r->err, CJ_INVALID, r->at, "%.*s%s is out of range for %s (%" PRId64 " to %" PRIu64 ")",
                       (int)shown, r->text + r->at, shown < n ? "..." : "", cj_kind_name(cj_type_kind(type)), to.min,
                       to.max);
}

static cj_status parse_integer(cj_wave_reader *r, const cj_type *type, cj_val *out)
{
    static const range ranges[] = {
        [CJ_KIND_S8] = {INT8_MIN, INT8_MAX},    [CJ_KIND_U8] = {0, UINT8_MAX},
        [CJ_KIND_S16] = {INT16_MIN, INT16_MAX}, [CJ_KIND_U16] = {0, UINT16_MAX},
        [CJ_KIND_S32] = {INT32_MIN, INT32_MAX}, [CJ_KIND_U32] = {0, UINT32_MAX},
        [CJ_KIND_S64] = {INT64_MIN, INT64_MAX}, [CJ_KIND_U64] = {0, UINT64_MAX},
    };
    range to = ranges[out->kind];
    bool integer;
    size_t n = number_here(r, &integer);
    if (n == 0 || !integer) {
        char what[80];
        snprintf(what, sizeof(what), "%s (%" PRId64 " to %" PRIu64 ")", cj_kind_name(out->kind), to.min, to.max);
        return cj__wave_expected(r, what);
    }
    bool negative = peek(r) == '-';
    uint64_t v = 0;
    for (size_t i = negative; i < n; i++) {
        uint64_t digit = (uint64_t)(peek_at(r, i) - '0');
        if (v > (UINT64_MAX - digit) / 10)
            return out_of_range(r, type, to, n);
        v = v * 10 + digit;
    }
    if (negative ? v > 0 - (uint64_t)to.min : v > to.max)
        return out_of_range(r, type, to, n);
    if (negative)
        v = 0 - v;
    r->at += n;
    switch (out->kind) {
    case CJ_KIND_S8:
        out->of.s8 = (int8_t)v;
        break;
    case CJ_KIND_U8:
        out->of.u8 = (uint8_t)v;
        break;
    case CJ_KIND_S16:
        out->of.s16 = (int16_t)v;
        break;
    case CJ_KIND_U16:
        out->of.u16 = (uint16_t)v;
        break;
    case CJ_KIND_S32:
        out->of.s32 = (int32_t)v;
        break;
    case CJ_KIND_U32:
        out->of.u32 = (uint32_t)v;
        break;
    case CJ_KIND_S64:
        out->of.s64 = (int64_t)v;
        break;
    default:
        out->of.u64 = v;
        break;
    }
    return CJ_OK;
}

/* Rounds to the nearest, ties to even, as IEEE 754 has it: past the largest to infinity, below the smallest to zero. */
static cj_status parse_float(cj_wave_reader *r, cj_val *out)
{
    double d = 0;
    float f = 0;
    if (take_word(r, "nan")) {
        d = __builtin_nan("");
        f = __builtin_nanf("");
    } else if (take_word(r, "inf")) {
        d = __builtin_inf();
        f = __builtin_inff();
    } else if (take_word(r, "-inf")) {
        d = -__builtin_inf();
        f = -__builtin_inff();
    } else {
        bool integer;
        size_t n = number_here(r, &integer);
        if (n == 0)
            return cj__wave_expected(r, out->kind == CJ_KIND_F32 ? "f32 (1, -2.5e3, inf, -inf or nan)"
                                                                 : "f64 (1, -2.5e3, inf, -inf or nan)");
        char small[64], *copy = small; /* strtod wants a terminator */
        if (n >= sizeof(small) && !(copy = cj_arena_alloc(r->arena, n + 1, 1)))
            return cj__fail_nomem(r->err);
        memcpy(copy, r->text + r->at, n);
        copy[n] = 0;
        cj_c_locale locale;
        if (!cj__c_locale_enter(&locale))
            return cj__fail_nomem(r->err);
        int errno_before = errno;
        if (out->kind == CJ_KIND_F32)
            f = strtof(copy, NULL);
        else
            d = strtod(copy, NULL);
        errno = errno_before;
        cj__c_locale_leave(&locale);
        r->at += n;
    }
    if (out->kind == CJ_KIND_F32)
        out->of.f32 = f;
    else
        out->of.f64 = d;
    return CJ_OK;
}

/* -- Characters and strings -------------------------------------------------------------------------------------- */

/* One character of a char or string, escaped or not, past it. `quote` must be escaped; a line break always. */
static cj_status take_char(cj_wave_reader *r, char quote, uint32_t *out)
{
    size_t start = r->at;
    if (r->at == r->len)
        return cj__wave_expected(r, quote == '"' ? "the closing '\"' of the string" : "the closing ' of the char");
    char c = peek(r);
    if (c == '\n')
        return cj__fail_at(r->err, CJ_INVALID, start, "a line break in a %s must be written \\n",
                           quote == '"' ? "string" : "char");
    if (c != '\\') {
        r->at += cj__utf8_decode((const uint8_t *)r->text + r->at, r->len - r->at, out);
        return CJ_OK;
    }
    c = peek_at(r, 1);
    r->at += 2;
    switch (c) {
    case '\\':
    case '\'':
    case '"':
        *out = (uint8_t)c;
        return CJ_OK;
    case 't':
        *out = '\t';
        return CJ_OK;
    case 'n':
        *out = '\n';
        return CJ_OK;
    case 'r':
        *out = '\r';
        return CJ_OK;
    case 'u':
        break;
    default:
        r->at = start;
        return cj__fail_at(r->err, CJ_INVALID, start, "expected an escape: \\\\ \\' \\\" \\t \\n \\r or \\u{...}");
    }
    uint32_t cp = 0;
    size_t digits = 0;
    if (peek(r) == '{') {
        for (r->at++; digits < 7; digits++, r->at++) {
            c = peek(r);
            if (is_digit(c))
                cp = cp << 4 | (uint32_t)(c - '0');
            else if ((c | 32) >= 'a' && (c | 32) <= 'f')
                cp = cp << 4 | (uint32_t)((c | 32) - 'a' + 10);
            else
                break;
        }
    }
    if (digits == 0 || digits > 6 || peek(r) != '}')
        return cj__fail_at(r->err, CJ_INVALID, start, "expected \\u{...} with 1 to 6 hexadecimal digits");
    r->at++;
    if (cp > 0x10ffff || (cp >= 0xd800 && cp < 0xe000))
        return cj__fail_at(r->err, CJ_INVALID, start, "U+%04" PRIX32 " is no character: %s", cp,
                           cp > 0x10ffff ? "the last is U+10FFFF" : "it is a surrogate");
    *out = cp;
    return CJ_OK;
}

static cj_status parse_char(cj_wave_reader *r, const cj_type *type, cj_val *out)
{
    if (!cj__wave_take(r, '\''))
        return expected_type(r, type);
    if (peek(r) == '\'' && r->at < r->len)
        return cj__fail_at(r->err, CJ_INVALID, r->at,
                           "expected a character, found the closing quote (a quote is written \\')");
    CJ_TRY(take_char(r, '\'', &out->of.ch));
    if (r->at == r->len || peek(r) != '\'')
        return cj__wave_expected(r, "the closing ' after one character");
    r->at++;
    return CJ_OK;
}

/* From after `"` to after the closing one. An escape is never shorter than what it stands for, so the text's length
 * bounds the value's. */
static cj_status parse_line_string(cj_wave_reader *r, cj_val *out)
{
    size_t end = r->at;
    while (end < r->len && r->text[end] != '"')
        end += r->text[end] == '\\' && end + 1 < r->len ? 2 : 1;
    char *to = cj_arena_alloc(r->arena, end - r->at + 1, 1);
    if (!to)
        return cj__fail_nomem(r->err);
    out->of.string = (cj_string){to, 0};
    while (r->at == r->len || peek(r) != '"') {
        uint32_t c;
        CJ_TRY(take_char(r, '"', &c));
        out->of.string.len += cj__utf8_encode(c, to + out->of.string.len);
    }
    r->at++;
    return CJ_OK;
}

static size_t line_break_here(const cj_wave_reader *r)
{
    return peek(r) == '\n' ? 1 : peek(r) == '\r' && peek_at(r, 1) == '\n' ? 2 : 0;
}

/* From after `"""`: whole lines up to one with only spaces and `"""`; its spaces are the indentation taken off the
 * others. */
static cj_status parse_lines_string(cj_wave_reader *r, cj_val *out)
{
    if (!line_break_here(r))
        return cj__wave_expected(r, "a line break after \"\"\"");
    size_t end = r->at; /* an escaped quote does not hide a triple */
    while (end + 2 < r->len && memcmp(r->text + end, "\"\"\"", 3) != 0)
        end++;
    if (end + 2 >= r->len)
        return cj__fail_at(r->err, CJ_INVALID, r->len, "expected the closing \"\"\", found the end of the text");
    size_t indent = 0;
    while (r->text[end - 1 - indent] == ' ')
        indent++;
    size_t last_break = end - 1 - indent;
    if (r->text[last_break] != '\n')
        return cj__fail_at(r->err, CJ_INVALID, end, "the closing \"\"\" must stand on a line of its own");
    if (last_break > r->at && r->text[last_break - 1] == '\r')
        last_break--;

    char *to = cj_arena_alloc(r->arena, end - r->at + 1, 1);
    if (!to)
        return cj__fail_nomem(r->err);
    size_t len = 0;
    for (bool first = true; r->at < last_break;) {
        size_t n = line_break_here(r);
        if (n) {
            r->at += n;
            if (!first)
                to[len++] = '\n';
            first = false;
            for (size_t i = 0; i < indent; i++, r->at++)
                if (peek(r) != ' ')
                    return cj__fail_at(r->err, CJ_INVALID, r->at, "expected %zu spaces, as before the closing \"\"\"",
                                       indent);
            continue;
        }
        uint32_t c;
        CJ_TRY(take_char(r, '"', &c));
        len += cj__utf8_encode(c, to + len);
    }
    out->of.string = (cj_string){to, len};
    r->at = end + 3;
    return CJ_OK;
}

static cj_status parse_string(cj_wave_reader *r, const cj_type *type, cj_val *out)
{
    if (!cj__wave_take(r, '"'))
        return expected_type(r, type);
    if (peek(r) != '"' || peek_at(r, 1) != '"')
        return parse_line_string(r, out);
    r->at += 2;
    return parse_lines_string(r, out);
}

/* -- Aggregates -------------------------------------------------------------------------------------------------- */

/* After an element: ',' and perhaps the end, or the end. */
static cj_status next_element(cj_wave_reader *r, char close, bool *more)
{
    bool comma = cj__wave_take(r, ',');
    if (cj__wave_take(r, close)) {
        *more = false;
        return CJ_OK;
    }
    *more = true;
    if (comma)
        return CJ_OK;
    char what[] = "',' or '?'";
    what[8] = close;
    return cj__wave_expected(r, what);
}

static cj_status parse_list(cj_wave_reader *r, const cj_type *type, cj_val *out)
{
    if (!cj__wave_take(r, '['))
        return expected_type(r, type);
    const cj_type *elem = cj_type_member(type, 0);
    cj_val *at = NULL;
    size_t len = 0, cap = 0;
    bool more = !cj__wave_take(r, ']');
    while (more) {
        if (len == cap) {
            cap = cap ? cap * 2 : 8;
            cj_val *grown = cj__wave_values(r, cap); /* the outgrown ones count too: their memory is still there */
            if (!grown)
                return r->err->status;
            if (len)
                memcpy(grown, at, len * sizeof(*at));
            at = grown;
        }
        CJ_TRY(cj__wave_value(r, elem, &at[len]));
        len++;
        CJ_TRY(next_element(r, ']', &more));
    }
    out->of.seq.ptr = at;
    out->of.seq.len = len;
    return CJ_OK;
}

static cj_status parse_tuple(cj_wave_reader *r, const cj_type *type, cj_val *out)
{
    if (!cj__wave_take(r, '('))
        return expected_type(r, type);
    uint32_t count = cj_type_count(type);
    cj_val *at = cj__wave_values(r, count);
    if (!at)
        return r->err->status;
    bool more = true;
    for (uint32_t i = 0; i < count; i++) {
        if (!more) {
            r->at--;
            char what[64];
            snprintf(what, sizeof(what), "element %" PRIu32 " of a tuple of %" PRIu32, i + 1, count);
            return cj__wave_expected(r, what);
        }
        CJ_TRY(cj__wave_value(r, cj_type_member(type, i), &at[i]));
        CJ_TRY(next_element(r, ')', &more));
    }
    if (more) {
        char what[64];
        snprintf(what, sizeof(what), "')' after %" PRIu32 " element%s of a tuple", count, count == 1 ? "" : "s");
        return cj__wave_expected(r, what);
    }
    out->of.seq.ptr = at;
    out->of.seq.len = count;
    return CJ_OK;
}

static cj_status parse_record(cj_wave_reader *r, const cj_type *type, cj_val *out)
{
    cj__wave_space(r);
    size_t start = r->at;
    if (!cj__wave_take(r, '{'))
        return expected_type(r, type);
    uint32_t count = cj_type_count(type);
    cj_val *at = cj__wave_values(r, count);
    bool *seen = at ? cj_arena_alloc(r->arena, count, 1) : NULL;
    if (!at)
        return r->err->status;
    if (!seen)
        return cj__fail_nomem(r->err);
    memset(seen, 0, count);

    bool more = true;
    if (cj__wave_take(r, ':')) {
        if (!cj__wave_take(r, '}'))
            return cj__wave_expected(r, "'}' of the empty record {:}");
        more = false;
    }
    while (more) {
        uint32_t i;
        cj__wave_space(r);
        size_t label = r->at;
        CJ_TRY(take_member(r, type, true, &i));
        if (seen[i])
            return cj__fail_at(r->err, CJ_INVALID, label, "field \"%.*s\" is given twice",
                               CJ_STR_ARG(member_name(type, i)));
        seen[i] = true;
        if (!cj__wave_take(r, ':'))
            return cj__wave_expected(r, "':' after the name of a field");
        CJ_TRY(cj__wave_value(r, cj_type_member(type, i), &at[i]));
        CJ_TRY(next_element(r, '}', &more));
    }
    for (uint32_t i = 0; i < count; i++) {
        if (seen[i])
            continue;
        if (cj_type_kind(cj_type_member(type, i)) != CJ_KIND_OPTION)
            return cj__fail_at(r->err, CJ_INVALID, start, "field \"%.*s\" is missing",
                               CJ_STR_ARG(member_name(type, i)));
        at[i] = (cj_val){.kind = CJ_KIND_OPTION};
    }
    out->of.seq.ptr = at;
    out->of.seq.len = count;
    return CJ_OK;
}

static cj_status parse_flags(cj_wave_reader *r, const cj_type *type, cj_val *out)
{
    if (!cj__wave_take(r, '{'))
        return expected_type(r, type);
    bool more = !cj__wave_take(r, '}');
    while (more) {
        uint32_t i;
        cj__wave_space(r);
        size_t label = r->at;
        CJ_TRY(take_member(r, type, true, &i));
        if (out->of.flags >> i & 1)
            return cj__fail_at(r->err, CJ_INVALID, label, "flag \"%.*s\" is given twice",
                               CJ_STR_ARG(member_name(type, i)));
        out->of.flags |= UINT32_C(1) << i;
        CJ_TRY(next_element(r, '}', &more));
    }
    return CJ_OK;
}

/* -- Variants ---------------------------------------------------------------------------------------------------- */

static cj_status payload_value(cj_wave_reader *r, const cj_type *type, cj_val *out)
{
    cj_val *payload = cj__wave_values(r, 1);
    if (!payload)
        return r->err->status;
    out->of.choice.payload = payload;
    return cj__wave_value(r, type, payload);
}

/* What follows the label of case `i`: its payload in parentheses, if it has one. */
static cj_status parse_payload(cj_wave_reader *r, const cj_type *type, uint32_t i, cj_val *out)
{
    const cj_type *payload = cj_type_member(type, i);
    out->of.choice.index = i;
    char what[160];
    if (!payload) {
        cj__wave_space(r);
        if (peek(r) != '(' || r->at == r->len)
            return CJ_OK;
        return cj__fail_at(r->err, CJ_INVALID, r->at, "case \"%.*s\" has no payload", CJ_STR_ARG(member_name(type, i)));
    }
    if (!cj__wave_take(r, '(')) {
        snprintf(what, sizeof(what), "'(' and the payload of case \"%.*s\"", CJ_STR_ARG(member_name(type, i)));
        return cj__wave_expected(r, what);
    }
    CJ_TRY(payload_value(r, payload, out));
    if (!cj__wave_take(r, ')'))
        return cj__wave_expected(r, "')' after the payload");
    return CJ_OK;
}

static bool is_option_or_result(const cj_type *type)
{
    return cj_type_kind(type) == CJ_KIND_OPTION || cj_type_kind(type) == CJ_KIND_RESULT;
}

static cj_status parse_option(cj_wave_reader *r, const cj_type *type, cj_val *out)
{
    const cj_type *payload = cj_type_member(type, 0);
    if (take_word(r, "none")) {
        cj__wave_space(r);
        return r->at < r->len && peek(r) == '(' ? cj__fail_at(r->err, CJ_INVALID, r->at, "none has no payload") : CJ_OK;
    }
    out->of.choice.index = 1;
    if (take_word(r, "some")) {
        if (!cj__wave_take(r, '('))
            return cj__wave_expected(r, "'(' and the payload of some");
        CJ_TRY(payload_value(r, payload, out));
        return cj__wave_take(r, ')') ? CJ_OK : cj__wave_expected(r, "')' after the payload of some");
    }
    return is_option_or_result(payload) ? cj__wave_expected(r, "none or some(...)") : payload_value(r, payload, out);
}

static cj_status parse_result(cj_wave_reader *r, const cj_type *type, cj_val *out)
{
    if (take_word(r, "ok"))
        return parse_payload(r, type, 0, out);
    if (take_word(r, "err"))
        return parse_payload(r, type, 1, out);
    const cj_type *ok = cj_type_member(type, 0);
    if (!ok || is_option_or_result(ok))
        return cj__wave_expected(r, ok ? "ok(...) or err" : "ok or err");
    return payload_value(r, ok, out);
}

/* -- Values ------------------------------------------------------------------------------------------------------ */

/* Recursion is as deep as the type, which CJ_DEPTH_CEILING bounds. */
cj_status cj__wave_value(cj_wave_reader *r, const cj_type *type, cj_val *out)
{
    *out = (cj_val){.kind = cj_type_kind(type)};
    switch (out->kind) {
    case CJ_KIND_BOOL:
        out->of.b = take_word(r, "true");
        return out->of.b || take_word(r, "false") ? CJ_OK : cj__wave_expected(r, "true or false");
    case CJ_KIND_S8:
    case CJ_KIND_U8:
    case CJ_KIND_S16:
    case CJ_KIND_U16:
    case CJ_KIND_S32:
    case CJ_KIND_U32:
    case CJ_KIND_S64:
    case CJ_KIND_U64:
        return parse_integer(r, type, out);
    case CJ_KIND_F32:
    case CJ_KIND_F64:
        return parse_float(r, out);
    case CJ_KIND_CHAR:
        return parse_char(r, type, out);
    case CJ_KIND_STRING:
        return parse_string(r, type, out);
    case CJ_KIND_LIST:
        return parse_list(r, type, out);
    case CJ_KIND_RECORD:
        return parse_record(r, type, out);
    case CJ_KIND_TUPLE:
        return parse_tuple(r, type, out);
    case CJ_KIND_ENUM:
        return take_member(r, type, false, &out->of.choice.index);
    case CJ_KIND_VARIANT: {
        uint32_t i;
        CJ_TRY(take_member(r, type, false, &i));
        return parse_payload(r, type, i, out);
    }
    case CJ_KIND_OPTION:
        return parse_option(r, type, out);
    case CJ_KIND_RESULT:
        return parse_result(r, type, out);
    case CJ_KIND_FLAGS:
        return parse_flags(r, type, out);
    default:
        return cj__fail_at(r->err, CJ_UNSUPPORTED, r->at,
                           "unsupported: %s values in WAVE, which has no text for handles", cj_kind_name(out->kind));
    }
}

cj_status cj_wave_parse(const cj_type *type, const char *text, size_t len, cj_val *out, cj_arena *arena, cj_error *err)
{
    cj__error_clear(err);
    if (!type || (!text && len) || !out || !arena)
        return cj__fail(err, CJ_MISUSE, "cj_wave_parse: type, text, out and arena must not be NULL");
    cj_wave_reader r;
    CJ_TRY(cj__wave_start(&r, text, len, arena, err));
    CJ_TRY(cj__wave_value(&r, type, out));
    cj__wave_space(&r);
    return r.at == r.len ? CJ_OK : cj__wave_expected(&r, "the end of the text");
}
