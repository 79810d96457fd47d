/* types.c: the type interner, and all that is computed once per type.
 *
 * Place in the pipeline: types.h.
 * Non-goals: printing (type_format.c).
 *
 * A type is looked up by a key of bytes: its kind, then each member's name and the id of its type. Members are interned
 * already, so equal keys mean structurally equal types, and everything about the new type follows from what its members
 * have cached. Nothing recurses: a chain record{a: T, b: T} nested 90 levels costs 90 steps, though it has 2^90 leaves.
 * Sums are 64 bits wide; no summand exceeds 2^32 and no count 2^32, so they cannot wrap.
 */
#include "component/types.h"

#include "base/arena.h"
#include "base/hash.h"

/* -- Scalars and strings ------------------------------------------------------------------------------------------- */

#define HOST_ALIGN(T) \
    offsetof( \
        struct { \
            char c; \
            T v; \
        }, \
        v)

typedef struct scalar_info {
    uint8_t size; /* and alignment; of strings: of one of their two words */
    cj_core core;
    bool plain;
    size_t host_size, host_align;
} scalar_info;

static const scalar_info scalars[] = {
    [CJ_KIND_BOOL] = {1, CJ_CORE_I32, false, sizeof(bool), HOST_ALIGN(bool)},
    [CJ_KIND_S8] = {1, CJ_CORE_I32, true, 1, 1},
    [CJ_KIND_U8] = {1, CJ_CORE_I32, true, 1, 1},
    [CJ_KIND_S16] = {2, CJ_CORE_I32, true, 2, HOST_ALIGN(int16_t)},
    [CJ_KIND_U16] = {2, CJ_CORE_I32, true, 2, HOST_ALIGN(uint16_t)},
    [CJ_KIND_S32] = {4, CJ_CORE_I32, true, 4, HOST_ALIGN(int32_t)},
    [CJ_KIND_U32] = {4, CJ_CORE_I32, true, 4, HOST_ALIGN(uint32_t)},
    [CJ_KIND_S64] = {8, CJ_CORE_I64, true, 8, HOST_ALIGN(int64_t)},
    [CJ_KIND_U64] = {8, CJ_CORE_I64, true, 8, HOST_ALIGN(uint64_t)},
    [CJ_KIND_F32] = {4, CJ_CORE_F32, true, 4, HOST_ALIGN(float)},
    [CJ_KIND_F64] = {8, CJ_CORE_F64, true, 8, HOST_ALIGN(double)},
    [CJ_KIND_CHAR] = {4, CJ_CORE_I32, false, 4, HOST_ALIGN(uint32_t)},
    [CJ_KIND_STRING] = {4, CJ_CORE_I32, false, sizeof(cj_string), HOST_ALIGN(cj_string)},
};

_Static_assert(sizeof(bool) == 1, "the canonical layout of bool is the host's");
_Static_assert(CJ_KIND_STRING + 1 == CJ_KIND_LIST, "scalars come first");
_Static_assert(sizeof(cj_list) == sizeof(cj_string) && HOST_ALIGN(cj_list) == HOST_ALIGN(cj_string),
               "one layout for both");

/* -- The interner -------------------------------------------------------------------------------------------------- */

typedef struct type_entry {
    UT_hash_handle hh;
    cj_type type;
} type_entry;

typedef struct functype_entry {
    UT_hash_handle hh;
    cj_functype type;
} functype_entry;

struct cj_types {
    const cj_allocator *alloc;
    cj_arena *arena;
    uint32_t max_depth;
    uint32_t count;
    uint64_t seed;
    type_entry *types;
    functype_entry *functypes;
    CJ_VEC(uint8_t) key; /* of the type that is being made */
};

cj_types *cj__types_new(const cj_allocator *hook, uint32_t max_depth)
{
    const cj_allocator *alloc = cj__alloc_or_default(hook);
    cj_types *types = cj__calloc(alloc, 1, sizeof(*types));
    if (!types)
        return NULL;
    types->alloc = alloc;
    types->max_depth = max_depth < CJ_DEPTH_CEILING ? max_depth : CJ_DEPTH_CEILING;
    types->seed = cj__hash_seed();
    if (cj_arena_new(alloc, &types->arena) != CJ_OK) {
        cj__free(alloc, types, sizeof(*types));
        return NULL;
    }
    return types;
}

void cj__types_delete(cj_types *types)
{
    if (!types)
        return;
    const cj_allocator *hash_alloc = types->alloc;
    HASH_CLEAR(hh, types->types);
    HASH_CLEAR(hh, types->functypes);
    CJ_VEC_FREE(types->alloc, &types->key);
    cj_arena_delete(types->arena);
    cj__free(types->alloc, types, sizeof(*types));
}

uint32_t cj__types_count(const cj_types *types)
{
    return types->count;
}

static bool key_bytes(cj_types *types, const void *bytes, size_t size)
{
    if (!CJ_VEC_RESERVE(types->alloc, &types->key, types->key.len + size))
        return false;
    if (size)
        memcpy(types->key.at + types->key.len, bytes, size);
    types->key.len += size;
    return true;
}

static bool key_u32(cj_types *types, uint32_t n)
{
    return key_bytes(types, &n, sizeof(n));
}

static bool key_param(cj_types *types, const cj_param *param)
{
    return key_u32(types, (uint32_t)param->name.len) && key_bytes(types, param->name.ptr, param->name.len) &&
           key_u32(types, param->type ? param->type->id + 1 : 0);
}

static void *key_keep(cj_types *types)
{
    return cj__arena_dup(types->arena, types->key.at, types->key.len, 1);
}

static const cj_type *find(cj_types *types, unsigned *hash)
{
    type_entry *entry = NULL;
    *hash = cj__hash(types->seed, types->key.at, types->key.len);
    HASH_FIND_BYHASHVALUE(hh, types->types, types->key.at, types->key.len, *hash, entry);
    return entry ? &entry->type : NULL;
}

static cj_type *add(cj_types *types, unsigned hash, const cj_type *type)
{
    const cj_allocator *hash_alloc = types->alloc;
    bool hash_oom = false;
    type_entry *entry = CJ_ARENA_NEW(types->arena, type_entry);
    void *key = key_keep(types);
    if (!entry || !key)
        return NULL;
    entry->type = *type;
    entry->type.id = types->count;
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, types->types, key, types->key.len, hash, entry);
    if (hash_oom)
        return NULL;
    types->count++;
    return &entry->type;
}

static const cj_type *out_of_memory(cj_error *err)
{
    cj__fail_nomem(err);
    return NULL;
}

/* -- Layout and flattening ----------------------------------------------------------------------------------------- */

cj_core cj__core_join(cj_core a, cj_core b)
{
    if (a == b)
        return a;
    if ((a == CJ_CORE_I32 && b == CJ_CORE_F32) || (a == CJ_CORE_F32 && b == CJ_CORE_I32))
        return CJ_CORE_I32;
    return CJ_CORE_I64;
}

char cj__core_letter(cj_core core)
{
    switch (core) {
    case CJ_CORE_I32:
        return 'i';
    case CJ_CORE_I64:
        return 'I';
    case CJ_CORE_F32:
        return 'f';
    case CJ_CORE_F64:
        return 'F';
    default:
        return '?';
    }
}

static uint32_t max32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint32_t min32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static size_t max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* A type under construction: sizes with room for every sum. */
typedef struct builder {
    cj_type type;
    cj_member *members;
    uint64_t size, size64, host_size;
    uint64_t dense_size; /* of the members alone */
} builder;

static void inherit(cj_type *type, const cj_type *member)
{
    type->depth = max32(type->depth, member->depth + 1);
    type->has_pointer |= member->has_pointer;
    type->has_borrow |= member->has_borrow;
    type->has_handle |= member->has_handle;
    type->min_resource = min32(type->min_resource, member->min_resource);
    if (!type->gate)
        type->gate = member->gate;
}

static void inherit_align(cj_type *type, const cj_type *member)
{
    type->align = max32(type->align, member->align);
    type->align64 = max32(type->align64, member->align64);
    type->host_align = max_size(type->host_align, member->host_align);
}

static void add_flat(cj_type *type, const cj_type *member)
{
    for (uint32_t i = 0; i < member->flat_count && type->flat_count < CJ_FLAT_OVER; i++) {
        type->flat64[type->flat_count] = member->flat64[i];
        type->flat[type->flat_count++] = member->flat[i];
    }
}

static void flat_scalar(cj_type *type, cj_core core)
{
    type->flat[0] = core;
    type->flat64[0] = (uint8_t)core;
    type->flat_count = 1;
}

static void lay_out_record(builder *b)
{
    cj_type *type = &b->type;
    type->plain = type->dense = true;
    for (uint32_t i = 0; i < type->count; i++) {
        const cj_type *field = b->members[i].type;
        inherit(type, field);
        inherit_align(type, field);

        b->size = cj__align_up(b->size, field->align);
        b->size64 = cj__align_up(b->size64, field->align64);
        b->host_size = cj__align_up(b->host_size, field->host_align);
        b->members[i].offset = cj__sat32(b->size);
        b->members[i].host_offset = (size_t)b->host_size;
        type->plain &= field->plain && b->size == b->host_size;
        type->dense &= field->dense;
        b->size += field->size;
        b->size64 += field->size64;
        b->host_size += field->host_size;
        b->dense_size += field->size;

        add_flat(type, field);
    }
    b->size = cj__align_up(b->size, type->align);
    b->size64 = cj__align_up(b->size64, type->align64);
    b->host_size = cj__align_up(b->host_size, type->host_align);
    type->plain &= b->size == b->host_size && type->align == type->host_align;
    type->dense &= type->plain && b->size == b->dense_size;
}

static uint32_t discriminant_size(uint32_t cases)
{
    return cases <= 256 ? 1 : cases <= 65536 ? 2 : 4;
}

static size_t host_uint_align(uint32_t size)
{
    return size == 1 ? 1 : size == 2 ? HOST_ALIGN(uint16_t) : HOST_ALIGN(uint32_t);
}

/* variant, enum, option, result: a discriminant, then room for the largest payload. An option has one member but two
 * cases. */
static void lay_out_variant(builder *b)
{
    cj_type *type = &b->type;
    type->disc_size = discriminant_size(type->kind == CJ_KIND_OPTION ? 2 : type->count);
    flat_scalar(type, CJ_CORE_I32);

    uint64_t payload = 0, payload64 = 0, host_payload = 0;
    for (uint32_t i = 0; i < type->count; i++) {
        const cj_type *of_case = b->members[i].type;
        if (!of_case)
            continue;
        inherit(type, of_case);
        inherit_align(type, of_case); /* so far of the payloads alone */
        payload = of_case->size > payload ? of_case->size : payload;
        payload64 = of_case->size64 > payload64 ? of_case->size64 : payload64;
        host_payload = of_case->host_size > host_payload ? of_case->host_size : host_payload;
        for (uint32_t j = 0; j < of_case->flat_count && j + 1 < CJ_FLAT_OVER; j++) {
            if (j + 1 < type->flat_count) {
                type->flat[j + 1] = cj__core_join(type->flat[j + 1], of_case->flat[j]);
                type->flat64[j + 1] = (uint8_t)cj__core_join((cj_core)type->flat64[j + 1], (cj_core)of_case->flat64[j]);
            } else {
                type->flat64[type->flat_count] = of_case->flat64[j];
                type->flat[type->flat_count++] = of_case->flat[j];
            }
        }
    }
    uint64_t at = cj__align_up(type->disc_size, type->align);
    uint64_t at64 = cj__align_up(type->disc_size, type->align64);
    uint64_t host_at = cj__align_up(type->disc_size, type->host_align);
    for (uint32_t i = 0; i < type->count; i++) {
        b->members[i].offset = cj__sat32(at);
        b->members[i].host_offset = (size_t)host_at;
    }
    type->align = max32(type->align, type->disc_size);
    type->align64 = max32(type->align64, type->disc_size);
    type->host_align = max_size(type->host_align, host_uint_align(type->disc_size));
    b->size = cj__align_up(at + payload, type->align);
    b->size64 = cj__align_up(at64 + payload64, type->align64);
    b->host_size = cj__align_up(host_at + host_payload, type->host_align);
}

static void lay_out_flags(builder *b)
{
    cj_type *type = &b->type;
    uint32_t size = type->count <= 8 ? 1 : type->count <= 16 ? 2 : 4;
    b->size = b->size64 = b->host_size = size;
    type->align = type->align64 = type->disc_size = size;
    type->host_align = host_uint_align(size);
    flat_scalar(type, CJ_CORE_I32);
}

/* Like a tuple of `length` elements. The sum saturates at what no value may have. */
static void lay_out_fixed_list(builder *b)
{
    cj_type *type = &b->type;
    const cj_type *element = b->members[0].type;
    inherit(type, element);
    inherit_align(type, element);
    b->size = (uint64_t)element->size * type->length;
    b->size64 = (uint64_t)element->size64 * type->length;
    b->host_size = element->host_size > UINT32_MAX ? UINT64_MAX : element->host_size * (uint64_t)type->length;
    for (uint32_t i = 0; i < type->length && element->flat_count && type->flat_count < CJ_FLAT_OVER; i++)
        add_flat(type, element);
    if (!type->gate)
        type->gate = "fixed-length lists";
}

/* Handles: of resources, streams, futures, error contexts. */
static void lay_out_handle(builder *b)
{
    b->size = b->size64 = b->host_size = b->type.align = b->type.align64 = 4;
    b->type.host_align = HOST_ALIGN(uint32_t);
    flat_scalar(&b->type, CJ_CORE_I32);
}

/* A channel's values are handles, whatever they carry; but a type that mentions resources. */
static void lay_out_channel(builder *b)
{
    cj_type *type = &b->type;
    const cj_type *element = b->members[0].type;
    lay_out_handle(b);
    type->gate = type->kind == CJ_KIND_STREAM ? "streams" : "futures";
    if (element) {
        type->depth = element->depth + 1;
        type->min_resource = element->min_resource;
    }
}

/* A string's and a list's two words. */
static void lay_out_words(builder *b)
{
    cj_type *type = &b->type;
    b->size = 8;
    b->size64 = 16;
    b->host_size = sizeof(cj_list);
    type->align = 4;
    type->align64 = 8;
    type->host_align = HOST_ALIGN(cj_list);
    type->flat[0] = type->flat[1] = CJ_CORE_I32;
    type->flat64[0] = type->flat64[1] = CJ_CORE_I64;
    type->flat_count = 2;
    type->has_pointer = true;
}

static void lay_out_scalar(builder *b)
{
    cj_type *type = &b->type;
    const scalar_info *info = &scalars[type->kind];
    b->size = b->size64 = type->align = type->align64 = info->size;
    b->host_size = info->host_size;
    type->host_align = info->host_align;
    flat_scalar(type, info->core);
    type->plain = type->dense = info->plain && info->host_align == info->size;
}

static builder begin(cj_kind kind, uint32_t count)
{
    builder b = {0};
    b.type.kind = kind;
    b.type.count = count;
    b.type.depth = b.type.align = b.type.align64 = 1;
    b.type.host_align = 1;
    b.type.min_resource = CJ_NO_RESOURCE;
    return b;
}

static void finish(builder *b)
{
    b->type.members = b->members;
    b->type.size = cj__sat32(b->size);
    b->type.size64 = cj__sat32(b->size64);
    b->type.host_size = b->host_size > SIZE_MAX ? SIZE_MAX : (size_t)b->host_size;
}

/* -- Making types -------------------------------------------------------------------------------------------------- */

static const cj_type *intern_leaf(cj_types *types, cj_kind kind, uint32_t resource, cj_error *err)
{
    types->key.len = 0;
    if (!key_u32(types, kind) || !key_u32(types, resource))
        return out_of_memory(err);
    unsigned hash;
    const cj_type *found = find(types, &hash);
    if (found)
        return found;

    builder b = begin(kind, 0);
    b.type.resource = resource;
    if (kind == CJ_KIND_STRING) {
        lay_out_words(&b);
    } else if (kind < CJ_KIND_STRING) {
        lay_out_scalar(&b);
    } else if (kind == CJ_KIND_ERROR_CONTEXT) {
        lay_out_handle(&b);
        b.type.gate = "error-context";
    } else {
        lay_out_handle(&b);
        b.type.has_handle = true;
        b.type.has_borrow = kind == CJ_KIND_BORROW;
        b.type.min_resource = resource;
    }
    finish(&b);
    const cj_type *type = add(types, hash, &b.type);
    return type ? type : out_of_memory(err);
}

const cj_type *cj__type_scalar(cj_types *types, cj_kind kind, cj_error *err)
{
    if ((unsigned)kind > CJ_KIND_STRING && kind != CJ_KIND_ERROR_CONTEXT) {
        cj__fail(err, CJ_INTERNAL, "%s is not a scalar type", cj_kind_name(kind));
        return NULL;
    }
    return intern_leaf(types, kind, 0, err);
}

void cj__types_name_resources(cj_types *types, const char *const *names, uint32_t count)
{
    for (type_entry *entry = types->types; entry; entry = entry->hh.next) {
        cj_type *type = &entry->type;
        bool handle = type->kind == CJ_KIND_OWN || type->kind == CJ_KIND_BORROW;
        if (handle && type->resource < count && names[type->resource] && names[type->resource][0])
            type->resource_name = names[type->resource];
    }
}

const cj_type *cj__type_handle(cj_types *types, cj_kind kind, uint32_t resource, cj_error *err)
{
    if (kind != CJ_KIND_OWN && kind != CJ_KIND_BORROW) {
        cj__fail(err, CJ_INTERNAL, "%s is not a handle type", cj_kind_name(kind));
        return NULL;
    }
    return intern_leaf(types, kind, resource, err);
}

/* How a kind names its members. */
static cj_str member_name(cj_kind kind, const cj_param *members, uint32_t i)
{
    switch (kind) {
    case CJ_KIND_LIST:
    case CJ_KIND_FIXED_LIST:
    case CJ_KIND_STREAM:
    case CJ_KIND_FUTURE:
    case CJ_KIND_TUPLE:
        return CJ_STR("");
    case CJ_KIND_OPTION:
        return CJ_STR("some");
    case CJ_KIND_RESULT:
        return i == 0 ? CJ_STR("ok") : CJ_STR("err");
    default:
        return members[i].name;
    }
}

/* Whether `kind` may have these members; what the file can do wrong is CJ_INVALID, what only our code can,
 * CJ_INTERNAL. */
static bool check_members(cj_kind kind, const cj_param *members, uint32_t count, cj_error *err)
{
    bool needs_types = false, forbids_types = false;
    switch (kind) {
    case CJ_KIND_LIST:
    case CJ_KIND_FIXED_LIST:
    case CJ_KIND_OPTION:
    case CJ_KIND_STREAM:
    case CJ_KIND_FUTURE:
        needs_types = kind != CJ_KIND_STREAM && kind != CJ_KIND_FUTURE;
        if (count != 1) {
            cj__fail(err, CJ_INTERNAL, "%s with %u members", cj_kind_name(kind), count);
            return false;
        }
        break;
    case CJ_KIND_RESULT:
        if (count != 2) {
            cj__fail(err, CJ_INTERNAL, "result with %u members", count);
            return false;
        }
        break;
    case CJ_KIND_TUPLE:
        needs_types = true;
        break;
    case CJ_KIND_RECORD:
    case CJ_KIND_VARIANT:
    case CJ_KIND_ENUM:
    case CJ_KIND_FLAGS:
        needs_types = kind == CJ_KIND_RECORD;
        forbids_types = kind == CJ_KIND_ENUM || kind == CJ_KIND_FLAGS;
        if (count == 0) {
            cj__fail(err, CJ_INVALID, "%s without members", cj_kind_name(kind));
            return false;
        }
        if (kind == CJ_KIND_FLAGS && count > CJ_MAX_FLAGS) {
            cj__fail(err, CJ_INVALID, "flags with %u labels, more than %d", count, CJ_MAX_FLAGS);
            return false;
        }
        break;
    default:
        cj__fail(err, CJ_INTERNAL, "%s is not made of members", cj_kind_name(kind));
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (members[i].name.len > UINT32_MAX || (needs_types && !members[i].type) ||
            (forbids_types && members[i].type)) {
            cj__fail(err, CJ_INTERNAL, "member %u of %s is malformed", i, cj_kind_name(kind));
            return false;
        }
    }
    return true;
}

/* Fills in `b` from the members; false when out of memory. */
static bool build(cj_types *types, builder *b, const cj_param *members)
{
    cj_type *type = &b->type;
    b->members = CJ_ARENA_ARRAY(types->arena, cj_member, type->count);
    if (!b->members)
        return false;
    for (uint32_t i = 0; i < type->count; i++) {
        cj_str name = member_name(type->kind, members, i);
        char *copy = cj__arena_strdup(types->arena, name);
        if (!copy)
            return false;
        b->members[i].name = (cj_str){copy, name.len};
        b->members[i].type = members[i].type;
    }
    switch (type->kind) {
    case CJ_KIND_LIST:
        lay_out_words(b);
        inherit(type, members[0].type);
        break;
    case CJ_KIND_RECORD:
    case CJ_KIND_TUPLE:
        lay_out_record(b);
        break;
    case CJ_KIND_FIXED_LIST:
        lay_out_fixed_list(b);
        break;
    case CJ_KIND_FLAGS:
        lay_out_flags(b);
        break;
    case CJ_KIND_STREAM:
    case CJ_KIND_FUTURE:
        lay_out_channel(b);
        break;
    default:
        lay_out_variant(b);
        break;
    }
    finish(b);
    return true;
}

/* `is_ours`: a tuple that the file does not define: the parameters of a function, the pair of a map. Neither the limit on
 * depth nor that on size holds for it. */
static bool size_allowed(const cj_type *type, bool is_ours, cj_error *err)
{
    if (!is_ours && type->size64 > CJ_MAX_BYTES) {
        cj__fail(err, CJ_INVALID, "a %s of %u bytes is larger than a value can be, %d bytes (with 64-bit pointers)",
                 cj_kind_name(type->kind), type->size64, CJ_MAX_BYTES);
        return false;
    }
    if (type->size64 == UINT32_MAX) {
        cj__fail(err, CJ_UNSUPPORTED, "unsupported: parameters of 4 GiB and more");
        return false;
    }
    return true;
}

/* What a kind and its members do not say. */
typedef struct make_extra {
    bool is_ours;    /* TUPLE: see size_allowed */
    bool is_map;     /* LIST */
    uint32_t length; /* FIXED_LIST */
} make_extra;

static const cj_type *make(cj_types *types, cj_kind kind, const cj_param *members, uint32_t count, make_extra extra,
                           cj_error *err)
{
    types->key.len = 0;
    if (!key_u32(types, kind) || !key_u32(types, extra.is_map ? UINT32_MAX : extra.length) || !key_u32(types, count))
        return out_of_memory(err);
    uint32_t depth = 1;
    for (uint32_t i = 0; i < count; i++) {
        const cj_param member = {member_name(kind, members, i), members[i].type};
        if (!key_param(types, &member))
            return out_of_memory(err);
        if (member.type)
            depth = max32(depth, member.type->depth + 1);
    }
    if (!extra.is_ours && depth > types->max_depth) {
        cj__fail(err, CJ_LIMIT, "value type nested %u levels deep, max_type_depth is %u", depth, types->max_depth);
        return NULL;
    }
    unsigned hash;
    const cj_type *found = find(types, &hash);
    if (found)
        return size_allowed(found, extra.is_ours, err) ? found : NULL;

    builder b = begin(kind, count);
    b.type.is_map = extra.is_map;
    b.type.length = extra.length;
    if (!build(types, &b, members))
        return out_of_memory(err);
    if (!size_allowed(&b.type, extra.is_ours, err))
        return NULL;
    const cj_type *added = add(types, hash, &b.type);
    return added ? added : out_of_memory(err);
}

const cj_type *cj__type_make(cj_types *types, cj_kind kind, const cj_param *members, uint32_t count, cj_error *err)
{
    return check_members(kind, members, count, err) ? make(types, kind, members, count, (make_extra){0}, err) : NULL;
}

const cj_type *cj__type_fixed_list(cj_types *types, const cj_type *element, uint32_t length, cj_error *err)
{
    const cj_param member = {CJ_STR(""), element};
    if (length == 0) {
        cj__fail(err, CJ_INVALID, "a fixed-length list without elements");
        return NULL;
    }
    return check_members(CJ_KIND_FIXED_LIST, &member, 1, err)
               ? make(types, CJ_KIND_FIXED_LIST, &member, 1, (make_extra){.length = length}, err)
               : NULL;
}

const cj_type *cj__type_map(cj_types *types, const cj_type *key, const cj_type *value, cj_error *err)
{
    const cj_param members[] = {{CJ_STR(""), key}, {CJ_STR(""), value}};
    const cj_param pair = {CJ_STR(""), make(types, CJ_KIND_TUPLE, members, 2, (make_extra){.is_ours = true}, err)};
    return pair.type ? make(types, CJ_KIND_LIST, &pair, 1, (make_extra){.is_map = true}, err) : NULL;
}

const cj_functype *cj__functype_make(cj_types *types, const cj_param *params, uint32_t count, const cj_type *result,
                                     bool is_async, cj_error *err)
{
    if (!check_members(CJ_KIND_TUPLE, params, count, err))
        return NULL;
    const cj_type *tuple = make(types, CJ_KIND_TUPLE, params, count, (make_extra){.is_ours = true}, err);
    if (!tuple)
        return NULL;

    types->key.len = 0;
    bool ok = key_u32(types, is_async) && key_u32(types, result ? result->id + 1 : 0);
    for (uint32_t i = 0; ok && i < count; i++)
        ok = key_param(types, &params[i]);
    if (!ok) {
        cj__fail_nomem(err);
        return NULL;
    }
    functype_entry *entry = NULL;
    unsigned hash = cj__hash(types->seed, types->key.at, types->key.len);
    HASH_FIND_BYHASHVALUE(hh, types->functypes, types->key.at, types->key.len, hash, entry);
    if (entry)
        return &entry->type;

    const cj_allocator *hash_alloc = types->alloc;
    bool hash_oom = false;
    cj_param *copies = CJ_ARENA_ARRAY(types->arena, cj_param, count);
    void *key = key_keep(types);
    entry = CJ_ARENA_NEW(types->arena, functype_entry);
    ok = copies && key && entry;
    for (uint32_t i = 0; ok && i < count; i++) {
        char *name = cj__arena_strdup(types->arena, params[i].name);
        copies[i] = (cj_param){{name, params[i].name.len}, params[i].type};
        ok = name;
    }
    if (ok) {
        const char *gate = tuple->gate || !result ? tuple->gate : result->gate;
        entry->type = (cj_functype){copies, count, result, is_async, gate, tuple};
        HASH_ADD_KEYPTR_BYHASHVALUE(hh, types->functypes, key, types->key.len, hash, entry);
    }
    if (!ok || hash_oom) {
        cj__fail_nomem(err);
        return NULL;
    }
    return &entry->type;
}

void cj__core_sig_as(const cj_functype *type, cj_flatten how, cj_core_sig *out)
{
    const cj_type *params = type->params_tuple, *result = type->result;
    const cj_core address = how.addr64 ? CJ_CORE_I64 : CJ_CORE_I32;
    uint32_t max_params = how.is_async && how.lower ? CJ_MAX_FLAT_ASYNC_PARAMS : CJ_MAX_FLAT_PARAMS;
    uint32_t max_results = how.is_async ? 0 : CJ_MAX_FLAT_RESULTS;
    memset(out, 0, sizeof(*out));
    out->spill_params = params->flat_count > max_params;
    if (out->spill_params)
        out->params[out->param_count++] = address;
    else
        for (; out->param_count < params->flat_count; out->param_count++)
            out->params[out->param_count] =
                how.addr64 ? (cj_core)params->flat64[out->param_count] : params->flat[out->param_count];
    if (how.is_async && !how.lower) { /* what it returns goes through task.return */
        out->result_count = how.callback;
        out->result = CJ_CORE_I32;
        return;
    }
    out->spill_results = result && result->flat_count > max_results;
    if (out->spill_results && how.lower)
        out->params[out->param_count++] = address;
    if (how.is_async) {
        out->result_count = 1;
        out->result = CJ_CORE_I32;
    } else if (result && result->flat_count > 0 && !(out->spill_results && how.lower)) {
        out->result_count = 1;
        out->result = out->spill_results ? address : how.addr64 ? (cj_core)result->flat64[0] : result->flat[0];
    }
}

void cj__core_sig(const cj_functype *type, bool lower, cj_core_sig *out)
{
    cj__core_sig_as(type, (cj_flatten){.lower = lower}, out);
}

/* -- Reflection (canonjit.h) --------------------------------------------------------------------------------------- */

cj_kind cj_type_kind(const cj_type *type)
{
    return type ? type->kind : CJ_KIND_COUNT;
}

size_t cj_type_size(const cj_type *type)
{
    return type ? type->host_size : 0;
}

size_t cj_type_align(const cj_type *type)
{
    return type ? type->host_align : 0;
}

uint32_t cj_type_count(const cj_type *type)
{
    return type ? type->count : 0;
}

const cj_type *cj_type_member(const cj_type *type, uint32_t i)
{
    return type && i < type->count ? type->members[i].type : NULL;
}

const char *cj_type_member_name(const cj_type *type, uint32_t i, size_t *len)
{
    cj_str name = type && i < type->count ? type->members[i].name : CJ_STR("");
    if (len)
        *len = name.len;
    return name.ptr;
}

size_t cj_type_member_offset(const cj_type *type, uint32_t i)
{
    return type && i < type->count ? type->members[i].host_offset : 0;
}

size_t cj_type_discriminant_size(const cj_type *type)
{
    return type ? type->disc_size : 0;
}

uint32_t cj_functype_param_count(const cj_functype *type)
{
    return type ? type->param_count : 0;
}

const cj_type *cj_functype_param(const cj_functype *type, uint32_t i)
{
    return type && i < type->param_count ? type->params[i].type : NULL;
}

const char *cj_functype_param_name(const cj_functype *type, uint32_t i, size_t *len)
{
    cj_str name = type && i < type->param_count ? type->params[i].name : CJ_STR("");
    if (len)
        *len = name.len;
    return name.ptr;
}

const cj_type *cj_functype_result(const cj_functype *type)
{
    return type ? type->result : NULL;
}

size_t cj_functype_args_size(const cj_functype *type)
{
    return type ? type->params_tuple->host_size : 0;
}

size_t cj_functype_args_align(const cj_functype *type)
{
    return type ? type->params_tuple->host_align : 0;
}

size_t cj_functype_param_offset(const cj_functype *type, uint32_t i)
{
    return type ? cj_type_member_offset(type->params_tuple, i) : 0;
}
