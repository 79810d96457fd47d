/* wast_values.c: the constants of test scripts: as arguments, compared with results, printed.
 *
 * Place in the pipeline: between the JSON of a split script and cj_val; wast_run.c is the user.
 * Non-goals: handles, which scripts have no constants for; constants of core WebAssembly beyond numbers.
 *
 * A constant has the JSON form of `wasm-tools json-from-wast`: {"type": "u8", "value": "7"}; numbers are decimal texts,
 * floats the bits as such a text, or "nan:canonical" or "nan:arithmetic".
 */
#include "wast.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const char *wast_text(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

static const cJSON *value_of(const cJSON *constant)
{
    return cJSON_GetObjectItemCaseSensitive(constant, "value");
}

/* -- Where in a value -------------------------------------------------------------------------------------------- */

typedef struct place {
    char *text;
    size_t size, len;
} place;

static void put(place *p, const char *format, ...) CLI_PRINTF(2, 3);
static void put(place *p, const char *format, ...)
{
    if (p->len + 1 >= p->size)
        return;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(p->text + p->len, p->size - p->len, format, args);
    va_end(args);
    if (n > 0)
        p->len += (size_t)n < p->size - p->len ? (size_t)n : p->size - p->len - 1;
}

/* Goes back to `len`, where a member that was fine had begun. */
static void back(place *p, size_t len)
{
    p->len = len;
    p->text[len] = 0;
}

static bool say(place *p, const char *what, const cj_type *type)
{
    char name[128];
    cj_type_format(type, name, sizeof(name));
    put(p, "%s%s: the type is %s", p->len ? " " : "", what, name);
    return false;
}

/* -- Numbers and strings ----------------------------------------------------------------------------------------- */

static bool read_unsigned(const char *text, uint64_t highest, uint64_t *out)
{
    char *end;
    errno = 0;
    if (!text || text[0] < '0' || text[0] > '9')
        return false;
    *out = strtoull(text, &end, 10);
    return !errno && !*end && *out <= highest;
}

static bool read_signed(const char *text, int64_t highest, int64_t *out)
{
    char *end;
    errno = 0;
    if (!text || (text[0] != '-' && (text[0] < '0' || text[0] > '9')))
        return false;
    *out = strtoll(text, &end, 10);
    return !errno && end != text && !*end && *out <= highest && *out >= -highest - 1;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A string with a NUL in it comes as hexadecimal bytes beside the text. */
static bool read_string(const cJSON *constant, cj_arena *arena, cj_string *out)
{
    const char *hex = wast_text(constant, "hex"), *text = wast_text(constant, "value");
    if (!hex) {
        *out = (cj_string){text, text ? strlen(text) : 0};
        return text != NULL;
    }
    size_t len = strlen(hex) / 2;
    char *bytes = cj_arena_alloc(arena, len + 1, 1);
    if (!bytes)
        return false;
    for (size_t i = 0; i < len; i++) {
        int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i] = (char)(high * 16 + low);
    }
    *out = (cj_string){bytes, len};
    return true;
}

/* The only character of a UTF-8 text that the splitter, or another JSON writer, has made. */
static bool read_char(cj_string text, uint32_t *out)
{
    const unsigned char *s = (const unsigned char *)text.ptr;
    static const unsigned char first_mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    if (text.len < 1 || text.len > 4)
        return false;
    *out = s[0] & first_mask[text.len];
    for (size_t i = 1; i < text.len; i++) {
        if (s[i] >> 6 != 2)
            return false;
        *out = *out << 6 | (s[i] & 0x3f);
    }
    return true;
}

#define NAN_SIGN_32 0x80000000u
#define NAN_QUIET_32 0x7fc00000u
#define NAN_SIGN_64 0x8000000000000000u
#define NAN_QUIET_64 0x7ff8000000000000u

/* The bits of a float; for a NaN pattern, those of the canonical NaN. */
static bool read_float(const cJSON *constant, uint64_t highest, uint64_t *bits)
{
    const char *text = wast_text(constant, "value");
    if (text && strncmp(text, "nan:", 4) == 0) {
        *bits = highest == UINT32_MAX ? NAN_QUIET_32 : NAN_QUIET_64;
        return true;
    }
    return read_unsigned(text, highest, bits);
}

/* -- Choices ----------------------------------------------------------------------------------------------------- */

static bool find_member(const cj_type *type, const char *name, uint32_t *out)
{
    for (uint32_t i = 0; name && i < cj_type_count(type); i++) {
        if (strcmp(cj_type_member_name(type, i, NULL), name) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

/* The case of a variant, enum, option or result constant, and its payload or NULL. */
static bool read_choice(const cJSON *constant, const cj_type *type, uint32_t *index, const cJSON **payload)
{
    const cJSON *value = value_of(constant);
    *payload = NULL;
    switch (cj_type_kind(type)) {
    case CJ_KIND_ENUM:
        return find_member(type, cJSON_GetStringValue(value), index);
    case CJ_KIND_VARIANT:
        *payload = cJSON_GetObjectItemCaseSensitive(value, "payload");
        return find_member(type, wast_text(value, "case"), index);
    case CJ_KIND_OPTION:
        *payload = cJSON_IsObject(value) ? value : NULL;
        *index = *payload != NULL;
        return value != NULL;
    default: /* result */
        *payload = cJSON_GetObjectItemCaseSensitive(value, "Ok");
        *index = *payload == NULL;
        if (!*payload)
            *payload = cJSON_GetObjectItemCaseSensitive(value, "Err");
        if (!*payload)
            return false;
        *payload = cJSON_IsObject(*payload) ? *payload : NULL;
        return true;
    }
}

/* What the payload of case `index` is. */
static const cj_type *payload_type(const cj_type *type, uint32_t index)
{
    return cj_type_kind(type) == CJ_KIND_OPTION ? index ? cj_type_member(type, 0) : NULL : cj_type_member(type, index);
}

/* The constants in a list, tuple or record constant. */
static const cJSON *element(const cJSON *item, cj_kind kind)
{
    return kind == CJ_KIND_RECORD ? cJSON_GetArrayItem(item, 1) : item;
}

static const char *field_name(const cJSON *item)
{
    return cJSON_GetStringValue(cJSON_GetArrayItem(item, 0));
}

static void put_member(place *p, const cj_type *type, uint32_t i)
{
    if (cj_type_kind(type) == CJ_KIND_RECORD)
        put(p, ".%s", cj_type_member_name(type, i, NULL));
    else
        put(p, "[%" PRIu32 "]", i);
}

/* -- As arguments ------------------------------------------------------------------------------------------------ */

static bool fill(const cJSON *constant, const cj_type *type, cj_arena *arena, cj_val *out, place *p);

static bool fill_sequence(const cJSON *constant, const cj_type *type, cj_arena *arena, cj_val *out, place *p)
{
    const cJSON *items = value_of(constant), *item;
    int count = cJSON_GetArraySize(items);
    bool is_list = out->kind == CJ_KIND_LIST;
    if (!cJSON_IsArray(items) || (!is_list && (uint32_t)count != cj_type_count(type)))
        return say(p, "has another number of members", type);
    out->of.seq.len = (size_t)count;
    out->of.seq.ptr = cj_arena_alloc(arena, ((size_t)count + 1) * sizeof(cj_val), _Alignof(cj_val));
    if (!out->of.seq.ptr)
        return say(p, "is too large", type);
    uint32_t i = 0;
    cJSON_ArrayForEach(item, items)
    {
        size_t len = p->len;
        put_member(p, type, i);
        if (out->kind == CJ_KIND_RECORD &&
            (!field_name(item) || strcmp(field_name(item), cj_type_member_name(type, i, NULL)) != 0))
            return say(p, "is another field in the script", type);
        if (!fill(element(item, out->kind), cj_type_member(type, is_list ? 0 : i), arena, &out->of.seq.ptr[i], p))
            return false;
        back(p, len);
        i++;
    }
    return true;
}

static bool fill_choice(const cJSON *constant, const cj_type *type, cj_arena *arena, cj_val *out, place *p)
{
    const cJSON *payload;
    if (!read_choice(constant, type, &out->of.choice.index, &payload))
        return say(p, "is a case that the type has not", type);
    const cj_type *inner = payload_type(type, out->of.choice.index);
    if ((payload != NULL) != (inner != NULL))
        return say(p, payload ? "has a payload" : "lacks the payload", type);
    if (!inner)
        return true;
    size_t len = p->len;
    put(p, "(%s)",
        cj_type_kind(type) == CJ_KIND_OPTION ? "some" : cj_type_member_name(type, out->of.choice.index, NULL));
    out->of.choice.payload = cj_arena_alloc(arena, sizeof(cj_val), _Alignof(cj_val));
    if (!out->of.choice.payload)
        return say(p, "is too large", type);
    if (!fill(payload, inner, arena, out->of.choice.payload, p))
        return false;
    back(p, len);
    return true;
}

static bool fill_flags(const cJSON *constant, const cj_type *type, cj_val *out, place *p)
{
    const cJSON *items = value_of(constant), *item;
    if (!cJSON_IsArray(items))
        return say(p, "is not a set of labels", type);
    cJSON_ArrayForEach(item, items)
    {
        uint32_t i;
        if (!find_member(type, cJSON_GetStringValue(item), &i))
            return say(p, "has a label that the type has not", type);
        out->of.flags |= UINT32_C(1) << i;
    }
    return true;
}

static bool fill(const cJSON *constant, const cj_type *type, cj_arena *arena, cj_val *out, place *p)
{
    const char *kind = wast_text(constant, "type"), *text = wast_text(constant, "value");
    memset(out, 0, sizeof(*out));
    out->kind = cj_type_kind(type);
    if (!kind || strcmp(kind, cj_kind_name(out->kind)) != 0) {
        char what[64];
        snprintf(what, sizeof(what), "is a %.40s", kind ? kind : "value of no type");
        return say(p, what, type);
    }
    uint64_t u = 0;
    int64_t s = 0;
    cj_string string;
    bool good = true;
    switch (out->kind) {
    case CJ_KIND_BOOL:
        out->of.b = cJSON_IsTrue(value_of(constant));
        good = cJSON_IsBool(value_of(constant));
        break;
    case CJ_KIND_S8:
        good = read_signed(text, INT8_MAX, &s);
        out->of.s8 = (int8_t)s;
        break;
    case CJ_KIND_S16:
        good = read_signed(text, INT16_MAX, &s);
        out->of.s16 = (int16_t)s;
        break;
    case CJ_KIND_S32:
        good = read_signed(text, INT32_MAX, &s);
        out->of.s32 = (int32_t)s;
        break;
    case CJ_KIND_S64:
        good = read_signed(text, INT64_MAX, &s);
        out->of.s64 = s;
        break;
    case CJ_KIND_U8:
        good = read_unsigned(text, UINT8_MAX, &u);
        out->of.u8 = (uint8_t)u;
        break;
    case CJ_KIND_U16:
        good = read_unsigned(text, UINT16_MAX, &u);
        out->of.u16 = (uint16_t)u;
        break;
    case CJ_KIND_U32:
        good = read_unsigned(text, UINT32_MAX, &u);
        out->of.u32 = (uint32_t)u;
        break;
    case CJ_KIND_U64:
        good = read_unsigned(text, UINT64_MAX, &u);
        out->of.u64 = u;
        break;
    case CJ_KIND_F32:
        good = read_float(constant, UINT32_MAX, &u);
        out->of.u32 = (uint32_t)u; /* the bits */
        break;
    case CJ_KIND_F64:
        good = read_float(constant, UINT64_MAX, &u);
        out->of.u64 = u;
        break;
    case CJ_KIND_CHAR:
        good = read_string(constant, arena, &string) && read_char(string, &out->of.ch);
        break;
    case CJ_KIND_STRING:
        good = read_string(constant, arena, &out->of.string);
        break;
    case CJ_KIND_LIST:
    case CJ_KIND_RECORD:
    case CJ_KIND_TUPLE:
        return fill_sequence(constant, type, arena, out, p);
    case CJ_KIND_VARIANT:
    case CJ_KIND_ENUM:
    case CJ_KIND_OPTION:
    case CJ_KIND_RESULT:
        return fill_choice(constant, type, arena, out, p);
    case CJ_KIND_FLAGS:
        return fill_flags(constant, type, out, p);
    default:
        good = false;
        break;
    }
    return good || say(p, "cannot be read", type);
}

bool wast_value(const cJSON *constant, const cj_type *type, cj_arena *arena, cj_val *out, char *why, size_t size)
{
    place p = {why, size, 0};
    why[0] = 0;
    return fill(constant, type, arena, out, &p);
}

/* -- Compared with results --------------------------------------------------------------------------------------- */

/* Component values have one NaN, whatever its bits: one in a script that is no pattern is met by any. */
static bool same_float(const cJSON *constant, uint64_t actual, uint64_t sign, uint64_t quiet, uint64_t highest)
{
    const char *text = wast_text(constant, "value");
    uint64_t infinity = quiet & (quiet << 1), expected;
    if (text && strcmp(text, "nan:canonical") == 0)
        return (actual & ~sign) == quiet;
    if (text && strcmp(text, "nan:arithmetic") == 0)
        return (actual & quiet) == quiet;
    if (!read_unsigned(text, highest, &expected))
        return false;
    return actual == expected || ((expected & ~sign) > infinity && (actual & ~sign) > infinity);
}

static bool compare(const cJSON *constant, const cj_type *type, const cj_val *val, cj_arena *arena, place *p);

static bool compare_sequence(const cJSON *constant, const cj_type *type, const cj_val *val, cj_arena *arena, place *p)
{
    const cJSON *items = value_of(constant), *item;
    if (!cJSON_IsArray(items) || (size_t)cJSON_GetArraySize(items) != val->of.seq.len)
        return false;
    uint32_t i = 0;
    cJSON_ArrayForEach(item, items)
    {
        size_t len = p->len;
        put_member(p, type, i);
        if (val->kind == CJ_KIND_RECORD &&
            (!field_name(item) || strcmp(field_name(item), cj_type_member_name(type, i, NULL)) != 0))
            return false;
        if (!compare(element(item, val->kind), cj_type_member(type, val->kind == CJ_KIND_LIST ? 0 : i),
                     &val->of.seq.ptr[i], arena, p))
            return false;
        back(p, len);
        i++;
    }
    return true;
}

static bool compare_choice(const cJSON *constant, const cj_type *type, const cj_val *val, cj_arena *arena, place *p)
{
    const cJSON *payload;
    uint32_t index;
    if (!read_choice(constant, type, &index, &payload) || index != val->of.choice.index)
        return false;
    const cj_type *inner = payload_type(type, index);
    if (!payload || !inner)
        return !payload && !inner;
    return compare(payload, inner, val->of.choice.payload, arena, p);
}

static bool compare(const cJSON *constant, const cj_type *type, const cj_val *val, cj_arena *arena, place *p)
{
    const char *kind = wast_text(constant, "type");
    if (!kind || val->kind != cj_type_kind(type) || strcmp(kind, cj_kind_name(val->kind)) != 0)
        return say(p, "has another type", type);
    switch (val->kind) {
    case CJ_KIND_F32:
        return same_float(constant, val->of.u32, NAN_SIGN_32, NAN_QUIET_32, UINT32_MAX);
    case CJ_KIND_F64:
        return same_float(constant, val->of.u64, NAN_SIGN_64, NAN_QUIET_64, UINT64_MAX);
    case CJ_KIND_LIST:
    case CJ_KIND_RECORD:
    case CJ_KIND_TUPLE:
        return compare_sequence(constant, type, val, arena, p);
    case CJ_KIND_VARIANT:
    case CJ_KIND_ENUM:
    case CJ_KIND_OPTION:
    case CJ_KIND_RESULT:
        return compare_choice(constant, type, val, arena, p);
    default: {
        cj_val expected;
        size_t len = p->len;
        if (!fill(constant, type, arena, &expected, p))
            return false;
        back(p, len);
        return cj_val_equal(&expected, val);
    }
    }
}

bool wast_matches(const cJSON *constant, const cj_type *type, const cj_val *val, char *why, size_t size)
{
    place p = {why, size, 0};
    cj_arena *arena;
    why[0] = 0;
    if (cj_arena_new(NULL, &arena) != CJ_OK)
        return false;
    bool same = compare(constant, type, val, arena, &p);
    cj_arena_delete(arena);
    return same;
}

/* -- Printed ----------------------------------------------------------------------------------------------------- */

static void print_quoted(FILE *to, const cJSON *constant, char quote)
{
    const char *text = wast_text(constant, "value"), *hex = wast_text(constant, "hex");
    if (hex) {
        fprintf(to, "bytes %s", hex);
        return;
    }
    fputc(quote, to);
    for (const char *c = text ? text : ""; *c; c++) {
        if (*c == quote || *c == '\\')
            fprintf(to, "\\%c", *c);
        else if (*c == '\n')
            fputs("\\n", to);
        else if ((unsigned char)*c < 0x20)
            fprintf(to, "\\u{%x}", (unsigned)*c);
        else
            fputc(*c, to);
    }
    fputc(quote, to);
}

static void print_float(FILE *to, const cJSON *constant, bool is_double)
{
    const char *text = wast_text(constant, "value");
    uint64_t bits;
    if (!read_unsigned(text, UINT64_MAX, &bits)) {
        fputs(text ? text : "?", to);
        return;
    }
    uint32_t narrow = (uint32_t)bits;
    float f;
    double d;
    memcpy(&f, &narrow, sizeof(f));
    memcpy(&d, &bits, sizeof(d));
    fprintf(to, is_double ? "%.17g" : "%.9g", is_double ? d : (double)f);
}

static void print_items(FILE *to, const cJSON *constant, const char *kind)
{
    bool is_record = strcmp(kind, "record") == 0, is_tuple = strcmp(kind, "tuple") == 0;
    bool is_flags = strcmp(kind, "flags") == 0;
    const char *between = "";
    const cJSON *item;
    fputs(is_record || is_flags ? "{" : is_tuple ? "(" : "[", to);
    cJSON_ArrayForEach(item, value_of(constant))
    {
        fputs(between, to);
        between = ", ";
        if (is_flags)
            fputs(cJSON_IsString(item) ? item->valuestring : "?", to);
        else if (is_record)
            fprintf(to, "%s: ", field_name(item) ? field_name(item) : "?");
        if (!is_flags)
            wast_print(to, is_record ? cJSON_GetArrayItem(item, 1) : item);
    }
    fputs(is_record || is_flags ? "}" : is_tuple ? ")" : "]", to);
}

static void print_case(FILE *to, const char *name, const cJSON *payload)
{
    fputs(name ? name : "?", to);
    if (!cJSON_IsObject(payload))
        return;
    fputc('(', to);
    wast_print(to, payload);
    fputc(')', to);
}

void wast_print(FILE *to, const cJSON *constant)
{
    const char *kind = wast_text(constant, "type");
    const cJSON *value = value_of(constant);
    if (!kind) {
        fputs("?", to);
    } else if (strcmp(kind, "string") == 0) {
        print_quoted(to, constant, '"');
    } else if (strcmp(kind, "char") == 0) {
        print_quoted(to, constant, '\'');
    } else if (strcmp(kind, "f32") == 0 || strcmp(kind, "f64") == 0) {
        print_float(to, constant, kind[1] == '6');
    } else if (strcmp(kind, "option") == 0) {
        print_case(to, cJSON_IsObject(value) ? "some" : "none", value);
    } else if (strcmp(kind, "result") == 0) {
        const cJSON *ok = cJSON_GetObjectItemCaseSensitive(value, "Ok");
        print_case(to, ok ? "ok" : "err", ok ? ok : cJSON_GetObjectItemCaseSensitive(value, "Err"));
    } else if (strcmp(kind, "variant") == 0) {
        print_case(to, wast_text(value, "case"), cJSON_GetObjectItemCaseSensitive(value, "payload"));
    } else if (cJSON_IsArray(value)) {
        print_items(to, constant, kind);
    } else if (cJSON_IsBool(value)) {
        fputs(cJSON_IsTrue(value) ? "true" : "false", to);
    } else {
        fputs(cJSON_GetStringValue(value) ? cJSON_GetStringValue(value) : "?", to);
    }
}
