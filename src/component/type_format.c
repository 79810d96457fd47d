/* type_format.c: types as text: component types as WIT, core types by their names.
 *
 * Place in the pipeline: errors, inspection, the command.
 * Non-goals: whole WIT documents; names of types, which the interner does not know (records print with their fields).
 *
 * Text is cut at CJ_FORMAT_MAX and printing stops there: record{a: T, b: T} nested 90 levels would print 2^90 leaves.
 */
#include "component/types.h"

#include <stdio.h>

const char *cj__core_valtype_name(uint32_t type)
{
    switch (type) {
    case CJ_CORE_I32:
        return "i32";
    case CJ_CORE_I64:
        return "i64";
    case CJ_CORE_F32:
        return "f32";
    case CJ_CORE_F64:
        return "f64";
    case CJ_CORE_V128:
        return "v128";
    case CJ_CORE_FUNCREF:
        return "funcref";
    case CJ_CORE_EXTERNREF:
        return "externref";
    default:
        return "?";
    }
}

static const char *const kind_names[] = {
#define CJ_X(name, wit) [CJ_KIND_##name] = wit,
    CJ_KIND_MAP(CJ_X)
#undef CJ_X
};

const char *cj_kind_name(cj_kind kind)
{
    return (unsigned)kind < CJ_COUNT(kind_names) ? kind_names[kind] : "unknown kind";
}

bool cj__wit_is_keyword(cj_str label)
{
    static const char *const words[] = {
        "as",  "async",  "bool",   "borrow",  "char",   "constructor", "enum",    "export",    "f32",
        "f64", "flags",  "from",   "func",    "future", "import",      "include", "interface", "list",
        "map", "option", "own",    "package", "record", "resource",    "result",  "s16",       "s32",
        "s64", "s8",     "static", "stream",  "string", "tuple",       "type",    "u16",       "u32",
        "u64", "u8",     "use",    "variant", "with",   "world",
    };
    for (size_t i = 0; i < CJ_COUNT(words); i++)
        if (cj__str_eq(label, cj__str(words[i])))
            return true;
    return false;
}

typedef struct printer {
    char *buffer;
    size_t size, len;
    bool full;
} printer;

static void put_raw(printer *p, const char *text, size_t n)
{
    if (p->len < p->size) {
        size_t room = p->size - p->len;
        memcpy(p->buffer + p->len, text, n < room ? n : room);
    }
    p->len += n;
}

static void put_str(printer *p, cj_str s)
{
    static const cj_str dots = CJ_STR("...");
    if (p->full)
        return;
    size_t room = CJ_FORMAT_MAX - dots.len - p->len;
    if (s.len > room) {
        p->full = true;
        put_raw(p, s.ptr, room);
        put_raw(p, dots.ptr, dots.len);
    } else {
        put_raw(p, s.ptr, s.len);
    }
}

static void put(printer *p, const char *text)
{
    put_str(p, cj__str(text));
}

static void put_label(printer *p, cj_str label)
{
    if (cj__wit_is_keyword(label))
        put(p, "%");
    put_str(p, label);
}

static void put_type(printer *p, const cj_type *type);

static void put_args(printer *p, const cj_type *type)
{
    put(p, "<");
    for (uint32_t i = 0; i < type->count && !p->full; i++) {
        put(p, i ? ", " : "");
        put_type(p, type->members[i].type);
    }
    if (type->kind == CJ_KIND_FIXED_LIST) {
        char length[16];
        snprintf(length, sizeof(length), ", %u", type->length);
        put(p, length);
    }
    put(p, ">");
}

static void put_result(printer *p, const cj_type *type)
{
    const cj_type *ok = type->members[0].type, *err = type->members[1].type;
    if (!ok && !err)
        return;
    put(p, "<");
    if (ok)
        put_type(p, ok);
    else
        put(p, "_");
    if (err) {
        put(p, ", ");
        put_type(p, err);
    }
    put(p, ">");
}

/* record { a: u32 }, variant { a, b(u32) }, enum { a, b }, flags { a, b } */
static void put_members(printer *p, const cj_type *type)
{
    put(p, " { ");
    for (uint32_t i = 0; i < type->count && !p->full; i++) {
        const cj_member *member = &type->members[i];
        put(p, i ? ", " : "");
        put_label(p, member->name);
        if (member->type) {
            bool is_record = type->kind == CJ_KIND_RECORD;
            put(p, is_record ? ": " : "(");
            put_type(p, member->type);
            put(p, is_record ? "" : ")");
        }
    }
    put(p, " }");
}

static void put_type(printer *p, const cj_type *type)
{
    char handle[32];

    if (p->full)
        return;
    if (type->is_map) { /* of pairs */
        put(p, "map");
        put_args(p, type->members[0].type);
        return;
    }
    put(p, cj_kind_name(type->kind));
    switch (type->kind) {
    case CJ_KIND_STREAM:
    case CJ_KIND_FUTURE:
        if (type->members[0].type)
            put_args(p, type);
        break;
    case CJ_KIND_LIST:
    case CJ_KIND_FIXED_LIST:
    case CJ_KIND_OPTION:
    case CJ_KIND_TUPLE:
        put_args(p, type);
        break;
    case CJ_KIND_RESULT:
        put_result(p, type);
        break;
    case CJ_KIND_RECORD:
    case CJ_KIND_VARIANT:
    case CJ_KIND_ENUM:
    case CJ_KIND_FLAGS:
        put_members(p, type);
        break;
    case CJ_KIND_OWN:
    case CJ_KIND_BORROW:
        snprintf(handle, sizeof(handle), "resource-%u", type->resource);
        put(p, "<");
        put(p, type->resource_name ? type->resource_name : handle);
        put(p, ">");
        break;
    default:
        break;
    }
}

static size_t finish(printer *p)
{
    if (p->size)
        p->buffer[p->len < p->size ? p->len : p->size - 1] = 0;
    return p->len;
}

size_t cj__type_format(const cj_type *type, char *buffer, size_t size)
{
    printer p = {buffer, size, 0, false};
    put_type(&p, type);
    return finish(&p);
}

size_t cj__functype_format(const cj_functype *type, char *buffer, size_t size)
{
    printer p = {buffer, size, 0, false};
    put(&p, type->is_async ? "async func(" : "func(");
    for (uint32_t i = 0; i < type->param_count && !p.full; i++) {
        put(&p, i ? ", " : "");
        put_label(&p, type->params[i].name);
        put(&p, ": ");
        put_type(&p, type->params[i].type);
    }
    put(&p, ")");
    if (type->result) {
        put(&p, " -> ");
        put_type(&p, type->result);
    }
    return finish(&p);
}

static size_t nothing(char *buffer, size_t size)
{
    if (buffer && size)
        buffer[0] = 0;
    return 0;
}

size_t cj_type_format(const cj_type *type, char *buffer, size_t size)
{
    return type ? cj__type_format(type, buffer, buffer ? size : 0) : nothing(buffer, size);
}

size_t cj_functype_format(const cj_functype *type, char *buffer, size_t size)
{
    return type ? cj__functype_format(type, buffer, buffer ? size : 0) : nothing(buffer, size);
}
