/* parity.c: see parity.h.
 */
#include "parity.h"

#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

const cj_config parity_config = {.struct_size = sizeof(cj_config),
#define CJ_X(type, name, default_value, what) .name = default_value,
                                 CJ_LOAD_LIMIT_MAP(CJ_X)
#undef CJ_X
};

enum {
    MAX_VALUES = 400, /* in one case */
    MAX_STRUCT = 1 << 16,
};

/* Draws values. Odds are one in `bad` for a value that must trap, 0: never. */
typedef struct chance {
    uint64_t state;
    uint32_t bad;
    bool scripts; /* what realloc does is the one thing that is not as it should be */
    int32_t left; /* of MAX_VALUES */
    fake_engine *fake;
    cj_arena *arena; /* host values */
    parity *p;
    cj_handles *table; /* whose handles are drawn */
    cj_encoding encoding;
    bool alias; /* host values may point into guest memory */
} chance;

typedef struct text {
    uint8_t *at;
    size_t len, cap;
} text;

struct parity {
    uint64_t seed;
    fake_engine *fake; /* exports, or calls imports */
    fake_engine *peer; /* of fused calls, the callee */
    cj_compiler *compiler;
    cj_arena *arena;
    bool parts;
    parity_counts counts;
    /* The case that is run. */
    const cj_functype *type;
    const cj_plan *plan;
    uint64_t case_seed;
    text lifted; /* what the host got to see */
    cj_instance_core others[3], *entering[4];
    cj_resource resources[PARITY_RESOURCES], *by_slot[PARITY_RESOURCES];
    cj_call_ctx outer; /* what tables have borrows from that no call here gives back */
};

/* What a run left behind in one guest. */
typedef struct remains {
    uint8_t *memory;
    uint32_t memory_size;
    uint8_t may_leave, may_enter;
    const cj_binding *called;
} remains;

/* And in all. */
typedef struct outcome {
    cj_trap trap;
    char path[300], detail[64], words[300];
    char *events;
    remains guests[2];
    uint8_t others; /* may_enter of the other instances that are entered */
    uint64_t flat, host_bytes, arena_used;
    text lifted, handles;
} outcome;

static void *must(void *ptr)
{
    if (!ptr)
        abort();
    return ptr;
}

static void text_add(text *t, const void *bytes, size_t len)
{
    if (t->len + len > t->cap) {
        t->cap = 2 * (t->len + len) + 64;
        t->at = must(realloc(t->at, t->cap));
    }
    if (len)
        memcpy(t->at + t->len, bytes, len);
    t->len += len;
}

static uint32_t below(chance *c, uint32_t n)
{
    return parity_below(&c->state, n);
}

static bool one_in(chance *c, uint32_t n)
{
    return n && below(c, n) == 0;
}

/* -- Scalars, lengths, characters -------------------------------------------------------------------------------- */

static uint64_t number(chance *c)
{
    switch (below(c, 4)) {
    case 0:
        return below(c, 4);
    case 1:
        return ~(uint64_t)below(c, 4);
    default:
        return parity_next(&c->state);
    }
}

static uint32_t character(chance *c)
{
    static const uint32_t starts[] = {0x20, 0x20, 0x20, 0x80, 0x100, 0x7f0, 0xd700, 0xe000, 0xfff0, 0x10000, 0x10ff00};
    uint32_t ch = starts[below(c, CJ_COUNT(starts))] + below(c, 0xff);
    return ch >= 0xd800 && ch < 0xe000 ? 'x' : ch;
}

static uint32_t bad_character(chance *c)
{
    static const uint32_t bad[] = {0x110000, 0xd800, 0xdfff, 0xdabc, 0xffffffff, 0x80000000, 0x110001};
    return bad[below(c, CJ_COUNT(bad))];
}

static uint32_t char_value(chance *c)
{
    return one_in(c, c->bad) ? bad_character(c) : character(c);
}

static uint32_t cases_of(const cj_type *type)
{
    return type->kind == CJ_KIND_OPTION ? 2 : type->count;
}

/* The payload's type of case `i`, or NULL. */
static const cj_member *case_member(const cj_type *type, uint32_t i)
{
    if (type->kind == CJ_KIND_OPTION)
        return i ? &type->members[0] : NULL;
    return type->members[i].type ? &type->members[i] : NULL;
}

/* `full`: bits of the place that it is put into. */
static uint64_t discriminant(chance *c, const cj_type *type, uint32_t full)
{
    uint32_t count = cases_of(type);
    if (!one_in(c, c->bad) || (full < 32 && count >= 1u << full))
        return below(c, count);
    uint64_t bad[] = {count, count + 1, full == 32 ? 0xffffffffu : (1u << full) - 1, full == 32 ? 0x100 : count};
    uint64_t d = bad[below(c, CJ_COUNT(bad))];
    return full == 32 ? d : d & ((1u << full) - 1);
}

static uint32_t length(chance *c, uint32_t elem_size)
{
    if (c->left <= 0)
        return 0;
    uint32_t n = below(c, 4) == 0 ? 0 : one_in(c, 6) && elem_size <= 4 ? below(c, 150) : below(c, 5);
    c->left -= (int32_t)(elem_size <= 4 ? n / 8 : n) + 1;
    return n;
}

/* A handle: nearly always a new one of the table, now and then one that may be lent or moved already. */
static uint32_t handle(chance *c, const cj_type *type)
{
    const cj_resource *rt = &c->p->resources[type->resource];
    if (one_in(c, c->bad)) {
        uint32_t bad[] = {0, c->table->len, UINT32_MAX, below(c, c->table->len + 1), below(c, c->table->len + 1)};
        return bad[below(c, CJ_COUNT(bad))];
    }
    if (type->kind == CJ_KIND_BORROW && below(c, 3) == 0) {
        for (uint32_t i = 1; i < c->table->len; i++) {
            if (c->table->at[i].rt == rt)
                return i;
        }
    }
    bool borrowed = (type->kind == CJ_KIND_BORROW && below(c, 3) == 0) || one_in(c, 4 * c->bad);
    cj_handle fresh = {
        .rt = rt, .rep = number(c), .scope = borrowed ? &c->p->outer : NULL, .lends = one_in(c, 4 * c->bad)};
    if (c->table == &c->p->fake->store.handles)
        fresh.named = below(c, 3);
    uint32_t index = 0;
    (void)cj__handle_add(cj__alloc_or_default(NULL), c->table, fresh, &index);
    return index;
}

/* What a callee does with the handles that it was lent. */
static void drop_borrows(chance *c)
{
    for (uint32_t i = 1; i < c->table->len; i++) {
        cj_handle *entry = &c->table->at[i];
        if (entry->rt && entry->scope && entry->scope != &c->p->outer && !one_in(c, c->bad)) {
            entry->scope->borrows--;
            cj__handle_remove(c->table, i);
        }
    }
}

static uint32_t flags_value(chance *c)
{
    return (uint32_t)number(c); /* garbage beyond the labels too */
}

/* Code points of a string; `out` has room for 64. */
static uint32_t draw_string(chance *c, uint32_t *out)
{
    uint32_t n = below(c, 3) == 0 ? 0 : below(c, one_in(c, 4) ? 65 : 20), style = below(c, 3);
    for (uint32_t i = 0; i < n; i++)
        out[i] = style == 0 ? 0x20 + below(c, 0x5f) : style == 1 ? 0x20 + below(c, 0xdf) : character(c);
    return n;
}

static uint32_t utf8_of(uint32_t ch, uint8_t *out)
{
    if (ch < 0x80) {
        out[0] = (uint8_t)ch;
        return 1;
    }
    uint32_t n = ch < 0x800 ? 2 : ch < 0x10000 ? 3 : 4;
    for (uint32_t i = n; i-- > 1; ch >>= 6)
        out[i] = (uint8_t)(0x80 | (ch & 0x3f));
    out[0] = (uint8_t)((n == 2 ? 0xc0 : n == 3 ? 0xe0 : 0xf0) | ch);
    return n;
}

static uint32_t utf8_string(chance *c, uint8_t *out)
{
    uint32_t points[64], n = draw_string(c, points), len = 0;
    for (uint32_t i = 0; i < n; i++)
        len += utf8_of(points[i], out + len);
    if (len && one_in(c, c->bad))
        out[below(c, len)] = (uint8_t)parity_next(&c->state);
    return len;
}

/* -- Host values ------------------------------------------------------------------------------------------------- */

static void host_value(chance *c, const cj_type *type, uint8_t *at);

static void put_host(uint8_t *at, uint64_t value, size_t size)
{
    memcpy(at, &value, size);
}

static void host_string(chance *c, uint8_t *at)
{
    cj_string string;
    if (c->alias && one_in(c, 3) && c->fake->memory.page_count > 64) { /* a view of what the guest has */
        string.len = below(c, 30);
        string.ptr = (const char *)c->fake->memory.data + below(c, c->fake->memory.page_count - 30);
    } else {
        uint8_t bytes[256];
        string.len = utf8_string(c, bytes);
        string.ptr = cj__arena_dup(c->arena, bytes, string.len, 1);
    }
    if (one_in(c, 8 * c->bad))
        string.len = (size_t)CJ_MAX_BYTES + 1 + below(c, 5);
    memcpy(at, &string, sizeof(string));
}

static void host_list(chance *c, const cj_type *type, uint8_t *at)
{
    const cj_type *elem = type->members[0].type;
    cj_list list = {NULL, length(c, elem->size)};
    uint32_t bytes = (uint32_t)list.len * elem->size;
    if (c->alias && elem->plain && one_in(c, 3) && c->fake->memory.page_count > bytes + 64) {
        list.ptr = c->fake->memory.data + cj__align_up(below(c, c->fake->memory.page_count - bytes - 16), 8);
    } else if (list.len) {
        list.ptr = cj__arena_calloc(c->arena, list.len, elem->host_size, elem->host_align);
        for (size_t i = 0; i < list.len; i++)
            host_value(c, elem, (uint8_t *)list.ptr + i * elem->host_size);
    }
    if (one_in(c, 8 * c->bad))
        list.len = below(c, 2) ? SIZE_MAX / 2 + below(c, 9) : CJ_MAX_BYTES / elem->size + 1;
    memcpy(at, &list, sizeof(list));
}

static void host_value(chance *c, const cj_type *type, uint8_t *at)
{
    c->left--;
    switch (type->kind) {
    case CJ_KIND_BOOL:
        put_host(at, one_in(c, 5) ? number(c) : below(c, 2), 1);
        break;
    case CJ_KIND_CHAR:
        put_host(at, char_value(c), 4);
        break;
    case CJ_KIND_STRING:
        host_string(c, at);
        break;
    case CJ_KIND_LIST:
        host_list(c, type, at);
        break;
    case CJ_KIND_RECORD:
    case CJ_KIND_TUPLE:
        for (uint32_t i = 0; i < type->count; i++)
            host_value(c, type->members[i].type, at + type->members[i].host_offset);
        break;
    case CJ_KIND_VARIANT:
    case CJ_KIND_ENUM:
    case CJ_KIND_OPTION:
    case CJ_KIND_RESULT: {
        uint64_t d = discriminant(c, type, 8 * type->disc_size);
        put_host(at, d, type->disc_size);
        const cj_member *member = d < cases_of(type) ? case_member(type, (uint32_t)d) : NULL;
        if (member)
            host_value(c, member->type, at + member->host_offset);
        break;
    }
    case CJ_KIND_FLAGS:
        put_host(at, flags_value(c), type->disc_size);
        break;
    case CJ_KIND_OWN:
    case CJ_KIND_BORROW:
        put_host(at, handle(c, type), 4);
        break;
    default:
        put_host(at, number(c), type->host_size);
        break;
    }
}

/* A value as bytes without addresses or padding. */
static void dump_value(text *out, const cj_type *type, const uint8_t *at)
{
    switch (type->kind) {
    case CJ_KIND_STRING: {
        cj_string string;
        memcpy(&string, at, sizeof(string));
        text_add(out, &string.len, sizeof(string.len));
        text_add(out, string.ptr, string.len);
        break;
    }
    case CJ_KIND_LIST: {
        const cj_type *elem = type->members[0].type;
        cj_list list;
        memcpy(&list, at, sizeof(list));
        text_add(out, &list.len, sizeof(list.len));
        for (size_t i = 0; i < list.len; i++)
            dump_value(out, elem, (const uint8_t *)list.ptr + i * elem->host_size);
        break;
    }
    case CJ_KIND_RECORD:
    case CJ_KIND_TUPLE:
        for (uint32_t i = 0; i < type->count; i++)
            dump_value(out, type->members[i].type, at + type->members[i].host_offset);
        break;
    case CJ_KIND_VARIANT:
    case CJ_KIND_ENUM:
    case CJ_KIND_OPTION:
    case CJ_KIND_RESULT: {
        uint32_t d = 0;
        memcpy(&d, at, type->disc_size);
        text_add(out, &d, sizeof(d));
        assert_true(d < cases_of(type));
        const cj_member *member = case_member(type, d);
        if (member)
            dump_value(out, member->type, at + member->host_offset);
        break;
    }
    default:
        text_add(out, at, type->host_size);
        break;
    }
}

/* -- Guest values ------------------------------------------------------------------------------------------------ */

static void guest_value(chance *c, const cj_type *type, uint32_t at);

static void put_guest(chance *c, uint32_t at, uint64_t value, uint32_t size)
{
    memcpy(fake_at(c->fake, at, size), &value, size);
}

/* A block the guest allocates, now and then in the wrong place. */
static uint32_t guest_block(chance *c, uint32_t align, uint32_t size)
{
    uint32_t at = fake_guest_alloc(c->fake, align, size);
    return at;
}

static uint32_t bad_pointer(chance *c, uint32_t at, uint32_t size)
{
    if (!one_in(c, c->bad))
        return at;
    uint32_t end = c->fake->memory.page_count;
    uint32_t bad[] = {at + 1, end, end - size + 1, end + 8, UINT32_MAX, end - size, at + 2, UINT32_MAX - size + 1};
    return bad[below(c, CJ_COUNT(bad))];
}

static uint32_t bad_length(chance *c, uint32_t n)
{
    static const uint32_t bad[] = {UINT32_MAX, 1u << 28, (1u << 28) - 1, 1u << 31, (1u << 31) + 1};
    return one_in(c, 2 * c->bad) ? bad[below(c, CJ_COUNT(bad))] : n;
}

/* (pointer, length) of a new string. */
static void guest_string(chance *c, uint32_t pair[2])
{
    uint8_t bytes[300];
    uint32_t points[64], len = 0, units;
    if (c->encoding == CJ_UTF8) {
        len = units = utf8_string(c, bytes);
    } else {
        uint32_t n = draw_string(c, points), top = 0;
        for (uint32_t i = 0; i < n; i++)
            top = points[i] > top ? points[i] : top;
        bool wide = c->encoding == CJ_UTF16 || top > 0xff || below(c, 2);
        for (uint32_t i = 0; i < n; i++) {
            uint32_t ch = points[i];
            if (!wide) {
                bytes[len++] = (uint8_t)ch;
                continue;
            }
            uint16_t pairs[2] = {(uint16_t)ch, 0};
            if (ch >= 0x10000) {
                pairs[0] = (uint16_t)(0xd7c0 + (ch >> 10));
                pairs[1] = (uint16_t)(0xdc00 | (ch & 0x3ff));
            }
            if (one_in(c, 4 * c->bad))
                pairs[0] = (uint16_t)(0xd800 | below(c, 0x800));
            memcpy(bytes + len, pairs, ch >= 0x10000 ? 4 : 2);
            len += ch >= 0x10000 ? 4 : 2;
        }
        units = wide ? len / 2 : len;
        if (wide && c->encoding == CJ_LATIN1_UTF16)
            units |= 0x80000000u;
    }
    uint32_t at = guest_block(c, c->encoding == CJ_UTF8 ? 1 : 2, len);
    if (len)
        memcpy(fake_at(c->fake, at, len), bytes, len);
    pair[0] = bad_pointer(c, at, len);
    pair[1] = bad_length(c, units);
}

static void guest_list(chance *c, const cj_type *type, uint32_t pair[2])
{
    const cj_type *elem = type->members[0].type;
    uint32_t n = length(c, elem->size), at = guest_block(c, elem->align, n * elem->size);
    for (uint32_t i = 0; i < n; i++)
        guest_value(c, elem, at + i * elem->size);
    pair[0] = bad_pointer(c, at, n * elem->size);
    pair[1] = bad_length(c, n);
}

static void guest_value(chance *c, const cj_type *type, uint32_t at)
{
    uint32_t pair[2];
    c->left--;
    switch (type->kind) {
    case CJ_KIND_BOOL:
        put_guest(c, at, one_in(c, 5) ? number(c) : below(c, 2), 1);
        break;
    case CJ_KIND_CHAR:
        put_guest(c, at, char_value(c), 4);
        break;
    case CJ_KIND_STRING:
    case CJ_KIND_LIST:
        if (type->kind == CJ_KIND_STRING)
            guest_string(c, pair);
        else
            guest_list(c, type, pair);
        put_guest(c, at, pair[0], 4);
        put_guest(c, at + 4, pair[1], 4);
        break;
    case CJ_KIND_RECORD:
    case CJ_KIND_TUPLE:
        for (uint32_t i = 0; i < type->count; i++)
            guest_value(c, type->members[i].type, at + type->members[i].offset);
        break;
    case CJ_KIND_VARIANT:
    case CJ_KIND_ENUM:
    case CJ_KIND_OPTION:
    case CJ_KIND_RESULT: {
        uint64_t d = discriminant(c, type, 8 * type->disc_size);
        put_guest(c, at, d, type->disc_size);
        const cj_member *member = d < cases_of(type) ? case_member(type, (uint32_t)d) : NULL;
        if (member)
            guest_value(c, member->type, at + member->offset);
        break;
    }
    case CJ_KIND_FLAGS:
        put_guest(c, at, flags_value(c), type->disc_size);
        break;
    case CJ_KIND_OWN:
    case CJ_KIND_BORROW:
        put_guest(c, at, handle(c, type), 4);
        break;
    default:
        put_guest(c, at, number(c), type->size);
        break;
    }
}

static bool is_64(cj_core type)
{
    return type == CJ_CORE_I64 || type == CJ_CORE_F64;
}

/* A value in flat slots: type->flat_count of them, with rubbish wherever it must be ignored. */
static void flat_value(chance *c, const cj_type *type, uint64_t *slots)
{
    uint32_t pair[2];
    c->left--;
    switch (type->kind) {
    case CJ_KIND_CHAR:
        slots[0] = char_value(c);
        break;
    case CJ_KIND_STRING:
    case CJ_KIND_LIST:
        if (type->kind == CJ_KIND_STRING)
            guest_string(c, pair);
        else
            guest_list(c, type, pair);
        slots[0] = pair[0];
        slots[1] = pair[1];
        break;
    case CJ_KIND_RECORD:
    case CJ_KIND_TUPLE:
        for (uint32_t i = 0, at = 0; i < type->count; at += type->members[i++].type->flat_count)
            flat_value(c, type->members[i].type, slots + at);
        break;
    case CJ_KIND_VARIANT:
    case CJ_KIND_ENUM:
    case CJ_KIND_OPTION:
    case CJ_KIND_RESULT: {
        slots[0] = discriminant(c, type, 32);
        for (uint32_t i = 1; i < type->flat_count; i++)
            slots[i] = is_64(type->flat[i]) ? number(c) : (uint32_t)number(c);
        const cj_member *member = slots[0] < cases_of(type) ? case_member(type, (uint32_t)slots[0]) : NULL;
        if (!member)
            break;
        flat_value(c, member->type, slots + 1);
        for (uint32_t i = 0; i < member->type->flat_count; i++) { /* wrapping i64 to i32 drops the upper half */
            if (is_64(type->flat[i + 1]) && !is_64(member->type->flat[i]) && below(c, 2))
                slots[i + 1] = (uint32_t)slots[i + 1] | number(c) << 32;
        }
        break;
    }
    case CJ_KIND_OWN:
    case CJ_KIND_BORROW:
        slots[0] = handle(c, type);
        break;
    default: /* numbers, bool, flags: any bits */
        slots[0] = is_64(type->flat[0]) ? number(c) : (uint32_t)number(c);
        break;
    }
}

/* -- The other side of a call ------------------------------------------------------------------------------------ */

static chance chance_for(parity *p, fake_engine *fake, uint64_t salt)
{
    uint64_t state = p->case_seed;
    uint32_t kind = parity_below(&state, 6);
    return (chance){
        .state = p->case_seed ^ salt * 0xd6e8feb86659fd93u,
        .bad = kind < 3 ? 0 : 10,
        .scripts = kind == 2,
        .left = MAX_VALUES,
        .fake = fake,
        .p = p,
        .table = p->plan->options.kind == CJ_PLAN_FUSED ? &fake->instance.handles : &p->fake->instance.handles,
        .arena = p->arena,
        .encoding = p->plan->options.kind == CJ_PLAN_FUSED && fake == p->fake ? p->plan->options.caller_encoding
                                                                              : p->plan->options.encoding,
    };
}

/* A result as the core function of an export or a fused call returns it. */
static void core_function(fake_engine *fake, void *user, uint64_t *flat)
{
    parity *p = user;
    chance c = chance_for(p, fake, 2);
    assert_int_equal(fake->may_leave_in_core, 1);
    if (p->plan->options.kind == CJ_PLAN_FUSED)
        assert_int_equal(fake->may_enter_in_core, 0);
    if (one_in(&c, 60)) {
        fake_trap(fake, "unreachable");
        return;
    }
    drop_borrows(&c);
    const cj_type *type = p->type->result;
    if (p->plan->sig.spill_results) {
        uint32_t at = guest_block(&c, type->align, type->size);
        guest_value(&c, type, at);
        flat[0] = bad_pointer(&c, at, type->size);
    } else if (type) {
        flat_value(&c, type, flat);
    }
}

static void post_return(fake_engine *fake, void *user, uint64_t *flat)
{
    (void)flat;
    chance c = chance_for(user, fake, 4);
    assert_int_equal(fake->may_leave_in_post_return, 0);
    if (one_in(&c, 40))
        fake_trap(fake, "unreachable");
    else if (one_in(&c, 10))
        fake_grow(fake, 16);
}

static cj_status host_function(void *user, cj_call_ctx *call, const void *args, void *results, cj_error *err)
{
    parity *p = user;
    (void)call;
    chance c = chance_for(p, p->fake, 3);
    fake_event(p->fake, "host()");
    c.table = &p->fake->store.handles;
    if (below(&c, 2))
        drop_borrows(&c);
    if (p->type->param_count)
        dump_value(&p->lifted, p->type->params_tuple, args);
    for (size_t i = 0; i < p->plan->host_result_size; i++)
        assert_int_equal(((const uint8_t *)results)[i], 0);
    if (one_in(&c, 40)) {
        err->status = CJ_HOST;
        snprintf(err->message, sizeof(err->message), "words of its own %u", below(&c, 100));
        return below(&c, 2) ? CJ_HOST : CJ_TRAP;
    }
    if (one_in(&c, 10))
        fake_grow(p->fake, 1 + below(&c, 100));
    if (one_in(&c, 4) && !cj__call_host_alloc(call, 100, 8))
        return CJ_NO_MEMORY;
    c.alias = below(&c, 2);
    if (p->type->result)
        host_value(&c, p->type->result, results);
    return CJ_OK;
}

/* -- Runs -------------------------------------------------------------------------------------------------------- */

/* A guest's memory and script: as the case's seed says. */
static void set_guest(chance *c, fake_engine *fake)
{
    fake_reset(fake, FAKE_HEAP_BASE + below(c, 2) * below(c, 60000));
    for (uint32_t i = 0; i < fake->memory.page_count && i < 4096; i += 8) {
        uint64_t bits = below(c, 2) ? 0x6162636465666768u + i : parity_next(&c->state);
        memcpy(fake->memory.data + i, &bits, fake->memory.page_count - i < 8 ? fake->memory.page_count - i : 8);
    }
    fake->grow_by = below(c, 2) ? 0 : 1 + below(c, 200);
    if (c->scripts || one_in(c, c->bad ? 4 : 0)) {
        static const struct {
            fake_action action;
            uint32_t most;
        } acts[] = {{FAKE_RETURN, UINT32_MAX}, {FAKE_ADD, 3},  {FAKE_AT_END, 3},
                    {FAKE_GROW, 70000},        {FAKE_TRAP, 1}, {FAKE_FILL, 256}};
        for (uint32_t i = 0; i < (c->scripts ? 1 : 3); i++) {
            uint32_t act = below(c, CJ_COUNT(acts));
            fake_script(fake, 1 + below(c, c->scripts ? 2 : 5), acts[act].action, below(c, acts[act].most));
        }
    }
}

/* And flags and limits. */
static void set_scene(parity *p, cj_binding *binding)
{
    fake_engine *fake = p->fake;
    chance c = chance_for(p, fake, 1);
    set_guest(&c, fake);
    set_guest(&c, p->peer);
    fake->longjmp_on_trap = below(&c, 2);
    cj_plan_kind kind = p->plan->options.kind;
    for (uint32_t i = 0; i < CJ_COUNT(p->others); i++) {
        p->others[i].may_enter = 1;
        p->entering[i + 1] = &p->others[i];
    }
    cj_handles *tables[] = {&fake->instance.handles, &p->peer->instance.handles, &fake->store.handles};
    for (uint32_t i = 0; i < CJ_COUNT(tables); i++) { /* with holes */
        cj_handle entry = {.rt = &p->resources[below(&c, PARITY_RESOURCES)], .rep = i};
        uint32_t n = below(&c, 5), index = 0;
        for (uint32_t k = 0; k < n; k++)
            (void)cj__handle_add(fake->store.alloc, tables[i], entry, &index);
        if (n > 2)
            cj__handle_remove(tables[i], 1 + below(&c, n));
        if (one_in(&c, 3 * c.bad))
            tables[i]->max = n - (n > 2) + below(&c, 4);
    }
    p->entering[0] = binding->entering[0];
    binding->entering = p->entering;
    binding->entering_count = kind == CJ_PLAN_FUSED && below(&c, 3) == 0 ? 1 + below(&c, CJ_COUNT(p->entering)) : 1;
    if (!c.bad)
        return;
    if (kind == CJ_PLAN_FUSED && one_in(&c, 60))
        fake->instance.may_leave = 0;
    if (kind == CJ_PLAN_FUSED && one_in(&c, 60))
        p->peer->instance.may_enter = 0;
    if (kind == CJ_PLAN_FUSED && one_in(&c, 20))
        p->others[below(&c, CJ_COUNT(p->others))].may_enter = 0;
    if (kind != CJ_PLAN_FUSED && one_in(&c, 5))
        fake->store.host_bytes = below(&c, below(&c, 2) ? 400 : 60);
    if (one_in(&c, 60))
        fake_set_stack_low(fake, true);
    if (one_in(&c, 60) && kind == CJ_PLAN_IMPORT)
        fake->instance.may_leave = 0;
}

static remains take_remains(fake_engine *fake)
{
    remains r = {.memory_size = fake->memory.page_count,
                 .may_leave = fake->instance.may_leave,
                 .may_enter = fake->instance.may_enter,
                 .called = fake->instance.called};
    r.memory = must(malloc(r.memory_size + 1));
    if (r.memory_size)
        memcpy(r.memory, fake->memory.data, r.memory_size);
    fake->instance.called = NULL;
    return r;
}

static void dump_table(parity *p, text *out, const cj_handles *table)
{
    uint32_t header[2] = {table->len, table->free};
    text_add(out, header, sizeof(header));
    for (uint32_t i = 1; i < table->len; i++) {
        const cj_handle *entry = &table->at[i];
        uint64_t seen[5] = {entry->rt ? (uint64_t)(entry->rt - p->resources) + 1 : 0, entry->rep, entry->lends,
                            entry->named,
                            !entry->scope               ? 0u
                            : entry->scope == &p->outer ? 1u
                                                        : 2u};
        text_add(out, seen, sizeof(seen));
    }
}

static void run(parity *p, cj_binding *binding, void *code, outcome *out)
{
    fake_engine *fake = p->fake;
    binding->code = code;
    cj_arena_reset(p->arena);
    p->lifted = (text){0};
    set_scene(p, binding);
    chance c = chance_for(p, p->fake, 5);
    memset(out, 0, sizeof(*out));
    uint64_t used = cj__arena_used(fake->arena), host_bytes = fake->store.host_bytes;
    if (p->plan->options.kind == CJ_PLAN_EXPORT) {
        uint8_t *args = cj__arena_calloc(p->arena, 1, p->plan->host_args_size + 1, 16);
        uint8_t *results = cj__arena_calloc(p->arena, 1, p->plan->host_result_size + 1, 16);
        c.table = &fake->store.handles;
        if (p->type->param_count)
            host_value(&c, p->type->params_tuple, args);
        out->trap = fake_call_export(fake, binding, args, results);
        if (out->trap == CJ_TRAP_NONE && p->type->result)
            dump_value(&p->lifted, p->type->result, results);
    } else {
        const cj_core_sig *sig = &p->plan->sig;
        const cj_type *tuple = p->type->params_tuple;
        uint64_t flat[CJ_MAX_FLAT_PARAMS + 1] = {0};
        if (sig->spill_params) {
            uint32_t at = guest_block(&c, tuple->align, tuple->size);
            guest_value(&c, tuple, at);
            flat[0] = bad_pointer(&c, at, tuple->size);
        } else {
            for (uint32_t i = 0, at = 0; i < p->type->param_count; at += p->type->params[i++].type->flat_count)
                flat_value(&c, p->type->params[i].type, flat + at);
        }
        if (sig->spill_results) {
            uint32_t at = guest_block(&c, p->type->result->align, p->type->result->size);
            flat[sig->param_count - 1] = bad_pointer(&c, at, p->type->result->size);
        }
        out->trap = fake_call_import(fake, binding, flat, &out->flat);
        if (out->trap != CJ_TRAP_NONE)
            out->flat = 0;
        else
            assert_int_equal(fake->store.host_bytes, host_bytes); /* given back */
        assert_int_equal(cj__arena_used(fake->arena), used);
    }
    out->lifted = p->lifted;
    out->host_bytes = fake->store.host_bytes;
    const cj_trap_record *trap = &fake->store.trap;
    fake_trap_path(fake, out->path, sizeof(out->path));
    snprintf(out->detail, sizeof(out->detail), "%s", trap->running ? "in realloc" : trap->detail ? trap->detail : "");
    if (trap->host_error)
        snprintf(out->words, sizeof(out->words), "%d %d %s", (int)trap->host_error->status, (int)trap->host_error->trap,
                 trap->host_error->message);
    out->events = must(strdup(fake_events(fake)));
    out->guests[0] = take_remains(fake);
    out->guests[1] = take_remains(p->peer);
    for (uint32_t i = 0; i < CJ_COUNT(p->others); i++)
        out->others |= (uint8_t)(p->others[i].may_enter << i);
    dump_table(p, &out->handles, &fake->instance.handles);
    dump_table(p, &out->handles, &p->peer->instance.handles);
    dump_table(p, &out->handles, &fake->store.handles);
    assert_int_equal(fake->store.lends.len, 0);
}

static void outcome_free(outcome *o)
{
    free(o->events);
    free(o->guests[0].memory);
    free(o->guests[1].memory);
    free(o->lifted.at);
    free(o->handles.at);
}

static const char *difference(const outcome *a, const outcome *b)
{
    if (a->trap != b->trap)
        return "trap";
    if (strcmp(a->path, b->path) != 0)
        return "place of the trap";
    if (strcmp(a->detail, b->detail) != 0 || strcmp(a->words, b->words) != 0)
        return "words of the trap";
    if (strcmp(a->events, b->events) != 0)
        return "events";
    if (a->lifted.len != b->lifted.len || (a->lifted.len && memcmp(a->lifted.at, b->lifted.at, a->lifted.len) != 0))
        return "lifted values";
    if (a->flat != b->flat)
        return "flat result";
    if (a->handles.len != b->handles.len || memcmp(a->handles.at, b->handles.at, a->handles.len) != 0)
        return "handle tables";
    for (int i = 0; i < 2; i++) {
        const remains *x = &a->guests[i], *y = &b->guests[i];
        if (x->may_leave != y->may_leave)
            return "may_leave";
        if (x->may_enter != y->may_enter || a->others != b->others)
            return "may_enter";
        if (x->called != y->called)
            return "called";
        if (x->memory_size != y->memory_size)
            return "size of memory";
    }
    if (a->trap != CJ_TRAP_NONE) /* what is left half written is nobody's to see */
        return NULL;
    if (a->host_bytes != b->host_bytes)
        return "host_bytes";
    for (int i = 0; i < 2; i++) {
        if (memcmp(a->guests[i].memory, b->guests[i].memory, a->guests[i].memory_size) != 0)
            return i ? "the peer's memory" : "memory";
    }
    return NULL;
}

static void show(parity *p, const char *what, const outcome *o)
{
    print_error("%s: %s at '%s' (%s; %s), flat %llx, host_bytes %llu, memory %u and %u, lifted %zu bytes\n    %s\n",
                what, cj_trap_text(o->trap), o->path, o->detail, o->words, (unsigned long long)o->flat,
                (unsigned long long)o->host_bytes, (unsigned)o->guests[0].memory_size,
                (unsigned)o->guests[1].memory_size, o->lifted.len, o->events);
    (void)p;
}

void parity_check(parity *p, const cj_functype *type, cj_plan_kind kind, cj_encoding encoding, cj_encoding caller,
                  uint32_t cases)
{
    static const char *const kinds[] = {"export", "import", "fused call"};
    bool fused = kind == CJ_PLAN_FUSED;
    cj_error err;
    cj_plan *plan;
    uint64_t draw = p->seed;
    bool with_post_return = kind != CJ_PLAN_IMPORT && parity_below(&draw, 2);
    cj_plan_options options = {kind,
                               encoding,
                               .has_memory = true,
                               .has_realloc = true,
                               .has_post_return = with_post_return,
                               .caller_encoding = fused ? caller : CJ_UTF8,
                               .caller_has_memory = fused,
                               .caller_has_realloc = fused};
    cj_status status = cj__plan_build(&parity_config, type, &options, &plan, &err);
    if (status == CJ_LIMIT)
        return;
    if (status != CJ_OK)
        fail_msg("plan: %s", err.message);
    void *code;
    if (cj__compiler_code(p->compiler, plan, "parity", &code, &err) != CJ_OK)
        fail_msg("compiler: %s", err.message);
    p->plan = plan;
    p->type = type;
    fake_engine *fake = p->fake = fake_new(FAKE_HEAP_BASE);
    p->peer = fake_peer(fake, fused ? "callee" : "another", FAKE_HEAP_BASE);
    fake_core_fn after = with_post_return ? post_return : NULL;
    cj_binding *binding = kind == CJ_PLAN_EXPORT   ? fake_export(fake, plan, type, core_function, after, p)
                          : kind == CJ_PLAN_IMPORT ? fake_import(fake, plan, type, host_function, p)
                                                   : fake_fused(fake, p->peer, plan, type, core_function, after, p);
    cj_instance_core *const impl[PARITY_RESOURCES] = {&fake->instance, &p->peer->instance, NULL, &p->others[0]};
    for (uint32_t i = 0; i < PARITY_RESOURCES; i++)
        p->resources[i] = (cj_resource){.impl = impl[i], .name = "r"};
    for (uint32_t i = 0; i < plan->resource_count; i++)
        p->by_slot[i] = &p->resources[plan->resources[i]];
    binding->resources = p->by_slot;
    for (uint32_t i = 0; i < cases; i++) {
        p->case_seed = parity_next(&p->seed);
        outcome interpreted, compiled;
        run(p, binding, NULL, &interpreted);
        run(p, binding, code, &compiled);
        const char *what = difference(&interpreted, &compiled);
        if (p->parts && fake->stack_low && compiled.trap == CJ_TRAP_STACK_OVERFLOW)
            what = NULL;
        if (what) {
            char name[600];
            cj_functype_format(type, name, sizeof(name));
            print_error("%s of encoding %d (caller %d), case %llx: %s differs: %s\n", kinds[kind], (int)encoding,
                        (int)caller, (unsigned long long)p->case_seed, what, name);
            show(p, "interpreted", &interpreted);
            show(p, "compiled   ", &compiled);
            size_t len;
            print_error("%.30000s\n", cj__plan_print(cj__alloc_or_default(NULL), plan, type, &len));
            fail();
        }
        p->counts.cases++;
        p->counts.returned += interpreted.trap == CJ_TRAP_NONE;
        p->counts.traps[interpreted.trap]++;
        outcome_free(&interpreted);
        outcome_free(&compiled);
    }
    fake_delete(fake);
    cj__plan_delete(plan);
}

parity *parity_new(uint64_t seed)
{
    parity *p = must(calloc(1, sizeof(*p)));
    cj_error err;
    p->seed = seed;
    if (cj_arena_new(NULL, &p->arena) != CJ_OK || cj__compiler_new(NULL, &p->compiler, &err) != CJ_OK)
        abort();
    return p;
}

void parity_delete(parity *p)
{
    cj__compiler_delete(p->compiler);
    cj_arena_delete(p->arena);
    free(p);
}

cj_compiler *parity_compiler(parity *p)
{
    return p->compiler;
}

void parity_expect_parts(parity *p)
{
    p->parts = true;
}

const parity_counts *parity_total(const parity *p)
{
    return &p->counts;
}
