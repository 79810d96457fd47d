/* random_values.c: see random_values.h.
 */
#include "random_values.h"

#include "make_types.h"

#include <stdlib.h>

/* -- Numbers: splitmix64 ------------------------------------------------------------------------------------------- */

random_source random_new(uint64_t seed)
{
    return (random_source){seed};
}

uint64_t random_u64(random_source *r)
{
    uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint32_t random_below(random_source *r, uint32_t bound)
{
    return (uint32_t)(random_u64(r) % bound);
}

/* -- Types --------------------------------------------------------------------------------------------------------- */

static const cj_type *random_members(random_source *r, cj_types *types, cj_kind kind, uint32_t depth)
{
    cj_param members[8];
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    uint32_t count = 1 + random_below(r, 1 + random_below(r, 8));
    for (uint32_t i = 0; i < count; i++) {
        bool empty = kind == CJ_KIND_VARIANT && random_below(r, 3) == 0;
        members[i] = (cj_param){cj__str(names[i]), empty ? NULL : random_type(r, types, depth)};
    }
    return t_make(types, kind, members, count);
}

const cj_type *random_type(random_source *r, cj_types *types, uint32_t depth)
{
    static const uint32_t label_counts[] = {1, 2, 7, 8, 9, 16, 17, 31, 32};
    static const uint32_t case_counts[] = {1, 2, 3, 255, 256, 257, 300};
    if (depth > 1) {
        switch (random_below(r, 12)) {
        case 0:
        case 1:
            return t_list(types, random_type(r, types, depth - 1));
        case 2:
        case 3:
            return random_members(r, types, CJ_KIND_RECORD, depth - 1);
        case 4:
            return random_members(r, types, CJ_KIND_TUPLE, depth - 1);
        case 5:
        case 6:
            return random_members(r, types, CJ_KIND_VARIANT, depth - 1);
        case 7:
            return t_option(types, random_type(r, types, depth - 1));
        case 8: {
            const cj_type *ok = random_below(r, 3) ? random_type(r, types, depth - 1) : NULL;
            const cj_type *err = random_below(r, 3) ? random_type(r, types, depth - 1) : NULL;
            return t_result(types, ok, err);
        }
        default:
            break;
        }
    }
    switch (random_below(r, 8)) {
    case 0:
        return t_labels(types, CJ_KIND_FLAGS, label_counts[random_below(r, CJ_COUNT(label_counts))]);
    case 1:
        return t_labels(types, CJ_KIND_ENUM, case_counts[random_below(r, CJ_COUNT(case_counts))]);
    case 2:
        return t_string(types);
    default:
        return t_scalar(types, (cj_kind)random_below(r, CJ_KIND_STRING + 1));
    }
}

const cj_functype *random_functype(random_source *r, cj_types *types, uint32_t max_params, uint32_t depth)
{
    cj_param params[32];
    static const char name[] = "abcdefghijklmnopqrstuvwxyzabcdefgh";
    if (max_params > CJ_COUNT(params))
        max_params = CJ_COUNT(params);
    uint32_t count = random_below(r, max_params + 1);
    for (uint32_t i = 0; i < count; i++)
        params[i] = (cj_param){{name, i + 1}, random_type(r, types, depth)};
    const cj_type *result = random_below(r, 5) ? random_type(r, types, depth) : NULL;
    cj_error err;
    const cj_functype *type = cj__functype_make(types, params, count, result, false, &err);
    if (!type)
        abort();
    return type;
}

/* -- Values -------------------------------------------------------------------------------------------------------- */

void *pool_alloc(value_pool *pool, size_t size)
{
    if (pool->len == pool->cap) {
        pool->cap = 2 * pool->cap + 16;
        pool->blocks = realloc(pool->blocks, pool->cap * sizeof(*pool->blocks));
    }
    void *block = malloc(size ? size : 1);
    if (!block || !pool->blocks)
        abort();
    memset(block, pool->fill, size);
    return pool->blocks[pool->len++] = block;
}

void pool_reset(value_pool *pool)
{
    for (size_t i = 0; i < pool->len; i++)
        free(pool->blocks[i]);
    free(pool->blocks);
    *pool = (value_pool){.fill = pool->fill};
}

static uint32_t random_char(random_source *r, uint32_t limit)
{
    uint32_t c = random_below(r, limit);
    return c >= 0xd800 && c <= 0xdfff ? c - 0x800 : c;
}

/* Of one kind most of the time, so that all branches of the transcoders are met: ASCII, Latin-1, the BMP,
 * everything. */
static void random_string(random_source *r, uint32_t max_len, cj_string *out, value_pool *pool)
{
    static const uint32_t limits[] = {0x80, 0x80, 0x100, 0x100, 0x800, 0x10000, 0x110000};
    uint32_t limit = limits[random_below(r, CJ_COUNT(limits))], n = random_below(r, max_len + 1);
    uint8_t *text = pool_alloc(pool, 4 * (size_t)n);
    size_t len = 0;
    for (uint32_t i = 0; i < n; i++) {
        bool tail = limit == 0x10000 && i + 3 < n; /* the high ones come late: Latin-1 has to be inflated */
        uint32_t c = random_char(r, tail ? 0x100 : limit);
        if (c < 0x80) {
            text[len++] = (uint8_t)c;
        } else if (c < 0x800) {
            text[len++] = (uint8_t)(0xc0 | c >> 6);
            text[len++] = (uint8_t)(0x80 | (c & 0x3f));
        } else if (c < 0x10000) {
            text[len++] = (uint8_t)(0xe0 | c >> 12);
            text[len++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
            text[len++] = (uint8_t)(0x80 | (c & 0x3f));
        } else {
            text[len++] = (uint8_t)(0xf0 | c >> 18);
            text[len++] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
            text[len++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
            text[len++] = (uint8_t)(0x80 | (c & 0x3f));
        }
    }
    char *exact = pool_alloc(pool, len);
    memcpy(exact, text, len);
    *out = (cj_string){exact, len};
}

static void write_uint(void *at, size_t width, uint32_t value)
{
    memcpy(at, &value, width); /* little-endian */
}

static uint32_t read_uint(const void *at, size_t width)
{
    uint32_t value = 0;
    memcpy(&value, at, width);
    return value;
}

static uint32_t case_count(const cj_type *type)
{
    return type->kind == CJ_KIND_OPTION ? 2 : type->count;
}

/* The member that case `index` of a variant, option or result carries, or NULL. */
static const cj_member *case_member(const cj_type *type, uint32_t index)
{
    if (type->kind == CJ_KIND_OPTION)
        return index ? &type->members[0] : NULL;
    return type->members[index].type ? &type->members[index] : NULL;
}

void random_value(random_source *r, const cj_type *type, uint32_t max_len, void *at, value_pool *pool)
{
    char *to = at;
    uint64_t bits = random_u64(r) & random_u64(r); /* small values are frequent enough below */
    switch (type->kind) {
    case CJ_KIND_BOOL:
        *(uint8_t *)to = bits & 1;
        break;
    case CJ_KIND_CHAR:
        write_uint(to, 4, random_char(r, random_below(r, 2) ? 0x110000 : 0x100));
        break;
    case CJ_KIND_STRING: {
        cj_string string;
        random_string(r, max_len, &string, pool);
        memcpy(to, &string, sizeof(string));
        break;
    }
    case CJ_KIND_LIST: {
        const cj_type *elem = type->members[0].type;
        cj_list list = {.len = random_below(r, max_len + 1)};
        list.ptr = pool_alloc(pool, list.len * elem->host_size);
        for (size_t i = 0; i < list.len; i++)
            random_value(r, elem, max_len / 2, (char *)list.ptr + i * elem->host_size, pool);
        memcpy(to, &list, sizeof(list));
        break;
    }
    case CJ_KIND_RECORD:
    case CJ_KIND_TUPLE:
        for (uint32_t i = 0; i < type->count; i++)
            random_value(r, type->members[i].type, max_len, to + type->members[i].host_offset, pool);
        break;
    case CJ_KIND_VARIANT:
    case CJ_KIND_ENUM:
    case CJ_KIND_OPTION:
    case CJ_KIND_RESULT: {
        uint32_t index = random_below(r, case_count(type));
        const cj_member *member = case_member(type, index);
        write_uint(to, type->disc_size, index);
        if (member)
            random_value(r, member->type, max_len, to + member->host_offset, pool);
        break;
    }
    case CJ_KIND_FLAGS:
        write_uint(to, type->disc_size, (uint32_t)random_u64(r) & UINT32_MAX >> (32 - type->count));
        break;
    default:
        bits = random_below(r, 3) ? random_u64(r) : random_below(r, 2) ? bits & 0xff : UINT64_MAX;
        memcpy(to, &bits, type->host_size);
        break;
    }
}

void *random_args(random_source *r, const cj_functype *type, uint32_t max_len, value_pool *pool)
{
    void *args = pool_alloc(pool, type->params_tuple->host_size);
    random_value(r, type->params_tuple, max_len, args, pool);
    return args;
}

void *random_result(random_source *r, const cj_functype *type, uint32_t max_len, value_pool *pool)
{
    void *result = pool_alloc(pool, type->result ? type->result->host_size : 0);
    if (type->result)
        random_value(r, type->result, max_len, result, pool);
    return result;
}

bool value_equal(const cj_type *type, const void *a, const void *b)
{
    const char *x = a, *y = b;
    switch (type->kind) {
    case CJ_KIND_STRING: {
        cj_string s, t;
        memcpy(&s, x, sizeof(s));
        memcpy(&t, y, sizeof(t));
        return s.len == t.len && (s.len == 0 || memcmp(s.ptr, t.ptr, s.len) == 0);
    }
    case CJ_KIND_LIST: {
        const cj_type *elem = type->members[0].type;
        cj_list s, t;
        memcpy(&s, x, sizeof(s));
        memcpy(&t, y, sizeof(t));
        if (s.len != t.len)
            return false;
        for (size_t i = 0; i < s.len; i++) {
            if (!value_equal(elem, (char *)s.ptr + i * elem->host_size, (char *)t.ptr + i * elem->host_size))
                return false;
        }
        return true;
    }
    case CJ_KIND_RECORD:
    case CJ_KIND_TUPLE:
        for (uint32_t i = 0; i < type->count; i++) {
            size_t offset = type->members[i].host_offset;
            if (!value_equal(type->members[i].type, x + offset, y + offset))
                return false;
        }
        return true;
    case CJ_KIND_VARIANT:
    case CJ_KIND_ENUM:
    case CJ_KIND_OPTION:
    case CJ_KIND_RESULT: {
        uint32_t index = read_uint(x, type->disc_size);
        if (index != read_uint(y, type->disc_size) || index >= case_count(type))
            return false;
        const cj_member *member = case_member(type, index);
        return !member || value_equal(member->type, x + member->host_offset, y + member->host_offset);
    }
    default:
        return memcmp(x, y, type->host_size) == 0;
    }
}

bool args_equal(const cj_functype *type, const void *a, const void *b)
{
    return value_equal(type->params_tuple, a, b);
}
