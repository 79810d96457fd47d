/* values.c: between dynamic values (cj_val) and the host layout: cj_val_store, cj_val_load, cj_val_equal.
 *
 * Place in the pipeline: the dynamic door of calls and host functions stands on this; the native door never comes here.
 * Non-goals: guest memory (plans move values there), text (wave/).
 *
 * Storing checks everything that a type asks of a value, so that a slip of the host is CJ_MISUSE with the value's
 * path and not a trap that kills an instance. Loading trusts the memory, but never follows a discriminant that names
 * no case. Recursion is as deep as the type, which max_type_depth bounds.
 */
#include "runtime/runtime.h"

#include "base/utf8.h"
#include "exec/text/text.h"

#include <math.h>
#include <stdio.h>

_Static_assert(CJ_KIND_F64 - CJ_KIND_S8 == 9, "the numbers lie between bool and char");

/* Where in the value we are: member or element `index` of a value of type `in`. */
typedef struct place {
    const struct place *up;
    const cj_type *in;
    size_t index;
} place;

typedef struct text {
    char *at;
    size_t left;
} text;

static void append(text *t, const char *bytes, size_t len)
{
    size_t n = len < t->left - 1 ? len : t->left - 1;
    memcpy(t->at, bytes, n);
    t->at[n] = 0;
    t->at += n;
    t->left -= n;
}

/* "param 0 .items[3] .name", in the words of cj__plan_path_format. */
static void format_place(text *t, const place *p)
{
    if (!p)
        return;
    format_place(t, p->up);
    char number[32];
    if (p->in->kind == CJ_KIND_LIST) {
        snprintf(number, sizeof(number), "[%zu]", p->index);
        append(t, number, strlen(number));
    } else if (p->in->kind == CJ_KIND_TUPLE) {
        snprintf(number, sizeof(number), " .%zu", p->index);
        append(t, number, strlen(number));
    } else {
        size_t len;
        uint32_t member = p->in->kind == CJ_KIND_OPTION ? 0 : (uint32_t)p->index;
        const char *name = cj_type_member_name(p->in, member, &len);
        append(t, " .", 2);
        append(t, name, len);
    }
}

static cj_status fail(const cj_val_io *io, const place *p, cj_status status, const char *message)
{
    cj__fail(io->err, status, "%s", message);
    if (io->err) {
        char where[sizeof(io->err->where)];
        text t = {where, sizeof(where)};
        char root[24] = "";
        if (io->root == CJ_ROOT_PARAM)
            snprintf(root, sizeof(root), "param %u", io->param);
        else if (io->root == CJ_ROOT_RESULT)
            snprintf(root, sizeof(root), "result");
        append(&t, root, strlen(root));
        format_place(&t, p);
        if (where[0])
            cj__error_where(io->err, "%s", where[0] == ' ' ? where + 1 : where);
    }
    return status;
}

#define MISUSE(io, p, ...) \
    do { \
        char cj_text_[sizeof(((cj_error *)0)->message)]; \
        snprintf(cj_text_, sizeof(cj_text_), __VA_ARGS__); \
        return fail((io), (p), CJ_MISUSE, cj_text_); \
    } while (0)

/* Cases of a type that has a discriminant. */
static uint32_t case_count(const cj_type *type)
{
    return type->kind == CJ_KIND_OPTION || type->kind == CJ_KIND_RESULT ? 2 : type->count;
}

static const cj_member *case_payload(const cj_type *type, uint32_t i)
{
    const cj_member *member;
    switch (type->kind) {
    case CJ_KIND_ENUM:
        return NULL;
    case CJ_KIND_OPTION:
        member = i ? &type->members[0] : NULL;
        break;
    default:
        member = &type->members[i];
        break;
    }
    return member && member->type ? member : NULL;
}

/* An integer or float: any bytes are one. */
static bool is_number(cj_kind kind)
{
    return kind >= CJ_KIND_S8 && kind <= CJ_KIND_F64;
}

static void write_uint(void *at, size_t width, uint32_t n)
{
    if (width == 1)
        memcpy(at, &(uint8_t){(uint8_t)n}, 1);
    else if (width == 2)
        memcpy(at, &(uint16_t){(uint16_t)n}, 2);
    else
        memcpy(at, &n, 4);
}

static uint32_t read_uint(const void *at, size_t width)
{
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    if (width == 1)
        return memcpy(&u8, at, 1), u8;
    if (width == 2)
        return memcpy(&u16, at, 2), u16;
    return memcpy(&u32, at, 4), u32;
}

/* -- Storing ------------------------------------------------------------------------------------------------------- */

static cj_status store_value(const cj_val_io *io, const place *p, const cj_type *type, const cj_val *val, uint8_t *at);

static cj_status store_string(const cj_val_io *io, const place *p, cj_string s, uint8_t *at)
{
    if (!s.ptr && s.len)
        MISUSE(io, p, "string of %zu bytes has no pointer", s.len);
    if (s.len > CJ_MAX_BYTES)
        MISUSE(io, p, "string of %zu bytes is longer than 2^28-1 bytes", s.len);
    if (!cj__text_utf8_valid((const uint8_t *)s.ptr, s.len))
        MISUSE(io, p, "string is not valid UTF-8 at byte %zu", cj__utf8_valid_prefix((const uint8_t *)s.ptr, s.len));
    memcpy(at, &s, sizeof(s));
    return CJ_OK;
}

/* Elements that need no check but that of their kind. Gives the number stored: all, or up to the first of another
 * kind. */
static size_t store_numbers(cj_kind kind, size_t width, const cj_val *vals, size_t len, uint8_t *at)
{
    size_t i = 0;
#define STORE_ALL(T) \
    for (; i < len && vals[i].kind == kind; i++) \
    memcpy(at + i * sizeof(T), &vals[i].of, sizeof(T))
    if (width == 1)
        STORE_ALL(uint8_t);
    else if (width == 2)
        STORE_ALL(uint16_t);
    else if (width == 4)
        STORE_ALL(uint32_t);
    else
        STORE_ALL(uint64_t);
#undef STORE_ALL
    return i;
}

static cj_status store_list(const cj_val_io *io, const place *p, const cj_type *type, const cj_val *val, uint8_t *at)
{
    const cj_type *elem = type->members[0].type;
    size_t len = val->of.seq.len;
    if (!val->of.seq.ptr && len)
        MISUSE(io, p, "list of %zu elements has no pointer", len);
    if (len > CJ_MAX_BYTES / elem->size)
        MISUSE(io, p, "list of %zu elements is longer than 2^28-1 bytes", len);

    cj_list list = {NULL, len};
    if (len) {
        list.ptr = cj__arena_calloc(io->arena, len, elem->host_size, elem->host_align);
        if (!list.ptr)
            return fail(io, p, CJ_NO_MEMORY, "out of memory");
    }
    size_t done =
        is_number(elem->kind) ? store_numbers(elem->kind, elem->host_size, val->of.seq.ptr, len, list.ptr) : 0;
    for (size_t i = done; i < len; i++) {
        place here = {p, type, i};
        CJ_TRY(store_value(io, &here, elem, &val->of.seq.ptr[i], (uint8_t *)list.ptr + i * elem->host_size));
    }
    memcpy(at, &list, sizeof(list));
    return CJ_OK;
}

static cj_status store_record(const cj_val_io *io, const place *p, const cj_type *type, const cj_val *val, uint8_t *at)
{
    if (val->of.seq.len != type->count)
        MISUSE(io, p, "%s has %u members, %zu were given", cj_kind_name(type->kind), type->count, val->of.seq.len);
    if (!val->of.seq.ptr && type->count)
        MISUSE(io, p, "%s has no pointer to its members", cj_kind_name(type->kind));
    for (uint32_t i = 0; i < type->count; i++) {
        place here = {p, type, i};
        CJ_TRY(store_value(io, &here, type->members[i].type, &val->of.seq.ptr[i], at + type->members[i].host_offset));
    }
    return CJ_OK;
}

static cj_status store_choice(const cj_val_io *io, const place *p, const cj_type *type, const cj_val *val, uint8_t *at)
{
    uint32_t index = val->of.choice.index, cases = case_count(type);
    if (index >= cases)
        MISUSE(io, p, "case %u of %s: it has %u cases", index, cj_kind_name(type->kind), cases);
    const cj_member *payload = case_payload(type, index);
    if (payload && !val->of.choice.payload)
        MISUSE(io, p, "case %u of %s has a payload, none was given", index, cj_kind_name(type->kind));
    if (!payload && val->of.choice.payload)
        MISUSE(io, p, "case %u of %s has no payload, one was given", index, cj_kind_name(type->kind));
    write_uint(at, type->disc_size, index);
    if (!payload)
        return CJ_OK;
    place here = {p, type, index};
    return store_value(io, &here, payload->type, val->of.choice.payload, at + payload->host_offset);
}

static cj_status store_handle(const cj_val_io *io, const place *p, const cj_type *type, uint32_t handle, uint8_t *at)
{
    const char *why = io->instance ? cj__handle_refusal(io->instance, type, handle) : NULL;
    if (why)
        MISUSE(io, p, "%s handle %u: %s", cj_kind_name(type->kind), handle, why);
    memcpy(at, &handle, sizeof(handle));
    return CJ_OK;
}

static cj_status store_value(const cj_val_io *io, const place *p, const cj_type *type, const cj_val *val, uint8_t *at)
{
    if (val->kind != type->kind) {
        char wit[128];
        cj_type_format(type, wit, sizeof(wit));
        MISUSE(io, p, "expected %s, got %s", wit,
               (unsigned)val->kind < CJ_KIND_COUNT ? cj_kind_name(val->kind) : "a value of no kind");
    }
    switch (type->kind) {
    case CJ_KIND_BOOL:
        write_uint(at, 1, val->of.b ? 1 : 0);
        return CJ_OK;
    case CJ_KIND_S8:
    case CJ_KIND_U8:
    case CJ_KIND_S16:
    case CJ_KIND_U16:
    case CJ_KIND_S32:
    case CJ_KIND_U32:
    case CJ_KIND_S64:
    case CJ_KIND_U64:
    case CJ_KIND_F32:
    case CJ_KIND_F64:
        memcpy(at, &val->of, type->host_size); /* every scalar begins where the union does */
        return CJ_OK;
    case CJ_KIND_OWN:
    case CJ_KIND_BORROW:
        return store_handle(io, p, type, val->of.handle, at);
    case CJ_KIND_CHAR:
        if (val->of.ch >= 0x110000 || (val->of.ch >= 0xd800 && val->of.ch <= 0xdfff))
            MISUSE(io, p, "char U+%04X is not a Unicode scalar value", val->of.ch);
        memcpy(at, &val->of.ch, 4);
        return CJ_OK;
    case CJ_KIND_STRING:
        return store_string(io, p, val->of.string, at);
    case CJ_KIND_LIST:
        return store_list(io, p, type, val, at);
    case CJ_KIND_RECORD:
    case CJ_KIND_TUPLE:
        return store_record(io, p, type, val, at);
    case CJ_KIND_VARIANT:
    case CJ_KIND_ENUM:
    case CJ_KIND_OPTION:
    case CJ_KIND_RESULT:
        return store_choice(io, p, type, val, at);
    case CJ_KIND_FLAGS:
        if (type->count < 32 && val->of.flags >> type->count)
            MISUSE(io, p, "flags 0x%x: bits past its %u labels are set", val->of.flags, type->count);
        write_uint(at, type->disc_size, val->of.flags);
        return CJ_OK;
    case CJ_KIND_FIXED_LIST: /* gated: no function that has one is callable */
    case CJ_KIND_STREAM:
    case CJ_KIND_FUTURE:
    case CJ_KIND_ERROR_CONTEXT:
    case CJ_KIND_COUNT:
        break;
    }
    return fail(io, p, CJ_INTERNAL, "type of no kind");
}

cj_status cj__val_store(const cj_val_io *io, const cj_type *type, const cj_val *val, void *at)
{
    memset(at, 0, type->host_size); /* padding and payloads that a case does not use */
    return store_value(io, NULL, type, val, at);
}

/* -- Loading ------------------------------------------------------------------------------------------------------- */

static cj_status load_value(const cj_val_io *io, const place *p, const cj_type *type, const uint8_t *at, cj_val *out);

/* Values are several times larger than what they stand for: a guest that may fill a list must not get that for
 * nothing. */
static cj_status new_values(const cj_val_io *io, const place *p, size_t count, cj_val **out)
{
    size_t size;
    if (__builtin_mul_overflow(count, sizeof(cj_val), &size))
        return fail(io, p, CJ_NO_MEMORY, "out of memory");
    if (io->budget && size > *io->budget)
        return fail(io, p, CJ_LIMIT, "the values of this call take more than max_host_bytes");
    *out = size ? cj__arena_alloc(io->arena, size, _Alignof(cj_val)) : NULL;
    if (size && !*out)
        return fail(io, p, CJ_NO_MEMORY, "out of memory");
    if (io->budget)
        *io->budget -= size;
    return CJ_OK;
}

static void load_numbers(cj_kind kind, size_t width, const uint8_t *at, size_t len, cj_val *out)
{
#define LOAD_ALL(T) \
    for (size_t i = 0; i < len; i++) { \
        out[i] = (cj_val){.kind = kind}; \
        memcpy(&out[i].of, at + i * sizeof(T), sizeof(T)); \
    }
    if (width == 1)
        LOAD_ALL(uint8_t)
    else if (width == 2)
        LOAD_ALL(uint16_t)
    else if (width == 4)
        LOAD_ALL(uint32_t)
    else
        LOAD_ALL(uint64_t)
#undef LOAD_ALL
}

static cj_status load_list(const cj_val_io *io, const place *p, const cj_type *type, const uint8_t *at, cj_val *out)
{
    const cj_type *elem = type->members[0].type;
    cj_list list;
    memcpy(&list, at, sizeof(list));
    out->of.seq.len = list.len;
    CJ_TRY(new_values(io, p, list.len, &out->of.seq.ptr));
    if (is_number(elem->kind)) {
        load_numbers(elem->kind, elem->host_size, list.ptr, list.len, out->of.seq.ptr);
        return CJ_OK;
    }
    for (size_t i = 0; i < list.len; i++) {
        place here = {p, type, i};
        CJ_TRY(load_value(io, &here, elem, (const uint8_t *)list.ptr + i * elem->host_size, &out->of.seq.ptr[i]));
    }
    return CJ_OK;
}

static cj_status load_record(const cj_val_io *io, const place *p, const cj_type *type, const uint8_t *at, cj_val *out)
{
    out->of.seq.len = type->count;
    CJ_TRY(new_values(io, p, type->count, &out->of.seq.ptr));
    for (uint32_t i = 0; i < type->count; i++) {
        place here = {p, type, i};
        CJ_TRY(load_value(io, &here, type->members[i].type, at + type->members[i].host_offset, &out->of.seq.ptr[i]));
    }
    return CJ_OK;
}

static cj_status load_choice(const cj_val_io *io, const place *p, const cj_type *type, const uint8_t *at, cj_val *out)
{
    uint32_t index = read_uint(at, type->disc_size), cases = case_count(type);
    if (index >= cases)
        MISUSE(io, p, "discriminant %u of %s: it has %u cases", index, cj_kind_name(type->kind), cases);
    out->of.choice.index = index;
    const cj_member *payload = case_payload(type, index);
    if (!payload)
        return CJ_OK;
    place here = {p, type, index};
    CJ_TRY(new_values(io, &here, 1, &out->of.choice.payload));
    return load_value(io, &here, payload->type, at + payload->host_offset, out->of.choice.payload);
}

static cj_status load_value(const cj_val_io *io, const place *p, const cj_type *type, const uint8_t *at, cj_val *out)
{
    memset(out, 0, sizeof(*out));
    out->kind = type->kind;
    switch (type->kind) {
    case CJ_KIND_BOOL:
        out->of.b = at[0] != 0;
        return CJ_OK;
    case CJ_KIND_S8:
    case CJ_KIND_U8:
    case CJ_KIND_S16:
    case CJ_KIND_U16:
    case CJ_KIND_S32:
    case CJ_KIND_U32:
    case CJ_KIND_S64:
    case CJ_KIND_U64:
    case CJ_KIND_F32:
    case CJ_KIND_F64:
    case CJ_KIND_CHAR:
    case CJ_KIND_STRING:
    case CJ_KIND_OWN:
    case CJ_KIND_BORROW:
        memcpy(&out->of, at, type->host_size);
        return CJ_OK;
    case CJ_KIND_LIST:
        return load_list(io, p, type, at, out);
    case CJ_KIND_RECORD:
    case CJ_KIND_TUPLE:
        return load_record(io, p, type, at, out);
    case CJ_KIND_VARIANT:
    case CJ_KIND_ENUM:
    case CJ_KIND_OPTION:
    case CJ_KIND_RESULT:
        return load_choice(io, p, type, at, out);
    case CJ_KIND_FLAGS:
        out->of.flags = read_uint(at, type->disc_size);
        return CJ_OK;
    case CJ_KIND_FIXED_LIST: /* gated: no function that has one is callable */
    case CJ_KIND_STREAM:
    case CJ_KIND_FUTURE:
    case CJ_KIND_ERROR_CONTEXT:
    case CJ_KIND_COUNT:
        break;
    }
    return fail(io, p, CJ_INTERNAL, "type of no kind");
}

cj_status cj__val_load(const cj_val_io *io, const cj_type *type, const void *at, cj_val *out)
{
    return load_value(io, NULL, type, at, out);
}

/* -- The public forms ---------------------------------------------------------------------------------------------- */

cj_status cj_val_store(const cj_type *type, const cj_val *val, void *at, cj_arena *arena, cj_error *err)
{
    cj__error_clear(err);
    if (!type || !val || !at || !arena)
        return cj__fail(err, CJ_MISUSE, "cj_val_store: type, val, at and arena must not be NULL");
    return cj__val_store(&(cj_val_io){.arena = arena, .err = err}, type, val, at);
}

cj_status cj_val_load(const cj_type *type, const void *at, cj_val *out, cj_arena *arena, cj_error *err)
{
    cj__error_clear(err);
    if (!type || !at || !out || !arena)
        return cj__fail(err, CJ_MISUSE, "cj_val_load: type, at, out and arena must not be NULL");
    return cj__val_load(&(cj_val_io){.arena = arena, .err = err}, type, at, out);
}

static bool equal_bytes(const cj_val *a, const cj_val *b, size_t size)
{
    return memcmp(&a->of, &b->of, size) == 0;
}

static bool equal_seq(const cj_val *a, const cj_val *b)
{
    if (a->of.seq.len != b->of.seq.len)
        return false;
    for (size_t i = 0; i < a->of.seq.len; i++)
        if (!cj_val_equal(&a->of.seq.ptr[i], &b->of.seq.ptr[i]))
            return false;
    return true;
}

bool cj_val_equal(const cj_val *a, const cj_val *b)
{
    if (!a || !b)
        return a == b;
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case CJ_KIND_BOOL:
        return a->of.b == b->of.b;
    case CJ_KIND_S8:
    case CJ_KIND_U8:
        return equal_bytes(a, b, 1);
    case CJ_KIND_S16:
    case CJ_KIND_U16:
        return equal_bytes(a, b, 2);
    case CJ_KIND_S32:
    case CJ_KIND_U32:
    case CJ_KIND_CHAR:
    case CJ_KIND_FLAGS:
    case CJ_KIND_OWN:
    case CJ_KIND_BORROW:
        return equal_bytes(a, b, 4);
    case CJ_KIND_S64:
    case CJ_KIND_U64:
        return equal_bytes(a, b, 8);
    case CJ_KIND_F32: /* by bits, so that 0 and -0 differ */
        return equal_bytes(a, b, 4) || (isnan(a->of.f32) && isnan(b->of.f32));
    case CJ_KIND_F64:
        return equal_bytes(a, b, 8) || (isnan(a->of.f64) && isnan(b->of.f64));
    case CJ_KIND_STRING:
        return a->of.string.len == b->of.string.len &&
               (!a->of.string.len || memcmp(a->of.string.ptr, b->of.string.ptr, a->of.string.len) == 0);
    case CJ_KIND_LIST:
    case CJ_KIND_RECORD:
    case CJ_KIND_TUPLE:
        return equal_seq(a, b);
    case CJ_KIND_VARIANT:
    case CJ_KIND_OPTION:
    case CJ_KIND_RESULT:
        return a->of.choice.index == b->of.choice.index && cj_val_equal(a->of.choice.payload, b->of.choice.payload);
    case CJ_KIND_ENUM:
        return a->of.choice.index == b->of.choice.index;
    case CJ_KIND_FIXED_LIST: /* gated: no function that has one is callable */
    case CJ_KIND_STREAM:
    case CJ_KIND_FUTURE:
    case CJ_KIND_ERROR_CONTEXT:
    case CJ_KIND_COUNT:
        break;
    }
    return false;
}
