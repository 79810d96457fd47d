/* core_module.c: the outline of a core module, see core_module.h.
 *
 * One pass over the sections in the order that the specification demands, so that whatever an entry refers to has been
 * read already. Arrays grow as entries are read, never ahead of the bytes that back them.
 * Spec: core specification, "Binary Format / Modules", "Validation / Modules".
 */
#include "link/core_module.h"
#include "base/arena.h"
#include "base/reader.h"
#include "link/const_expr.h"

enum {
    MAX_PAGES = 65536,
    /* bits of a limits byte */
    LIMITS_MAX = 1,
    LIMITS_SHARED = 2,
    LIMITS_64 = 4,
    LIMITS_PAGE_SIZE = 8,
};

typedef struct outliner {
    const cj_config *config;
    cj_core_outline *out;
    cj_arena *arena;
    cj_error *err;
    cj_reader r; /* of the current section */
    uint32_t declared_data_count;
} outliner;

bool cj__core_functype_equal(const cj_core_functype *a, const cj_core_functype *b)
{
    return a->param_count == b->param_count && a->result_count == b->result_count &&
           (a->param_count == 0 || memcmp(a->params, b->params, a->param_count) == 0) &&
           (a->result_count == 0 || memcmp(a->results, b->results, a->result_count) == 0);
}

static const uint8_t realloc_types[] = {CJ_CORE_I32, CJ_CORE_I32, CJ_CORE_I32, CJ_CORE_I32};
const cj_core_functype cj__core_realloc_type = {realloc_types, realloc_types, 4, 1};

cj_status cj__core_read_valtype(cj_reader *r, uint8_t *out, const char *what)
{
    CJ_TRY(cj__read_byte(r, out, what));
    uint64_t offset = cj__reader_offset(r) - 1;
    switch (*out) {
    case CJ_CORE_I32:
    case CJ_CORE_I64:
    case CJ_CORE_F32:
    case CJ_CORE_F64:
    case CJ_CORE_V128:
    case CJ_CORE_FUNCREF:
    case CJ_CORE_EXTERNREF:
        return CJ_OK;
    case 0x65: /* shared */
        return cj__fail_at(r->err, CJ_UNSUPPORTED, offset, "unsupported: core shared-everything threads");
    case 0x63: /* (ref null ht) */
    case 0x64: /* (ref ht) */
        return cj__fail_at(r->err, CJ_UNSUPPORTED, offset, "unsupported: core typed function references");
    case 0x69: /* exnref */
    case 0x74: /* nullexnref */
        return cj__fail_at(r->err, CJ_UNSUPPORTED, offset, "unsupported: core exceptions");
    case 0x68: /* contref */
    case 0x75: /* nullcontref */
        return cj__fail_at(r->err, CJ_UNSUPPORTED, offset, "unsupported: core stack switching");
    case 0x6a: /* arrayref */
    case 0x6b: /* structref */
    case 0x6c: /* i31ref */
    case 0x6d: /* eqref */
    case 0x6e: /* anyref */
    case 0x71: /* nullref */
    case 0x72: /* nullexternref */
    case 0x73: /* nullfuncref */
        return cj__fail_at(r->err, CJ_UNSUPPORTED, offset, "unsupported: core GC types");
    default:
        return cj__fail_at(r->err, CJ_MALFORMED, offset, "expected %s, found 0x%02x", what, *out);
    }
}

/* -- Helpers ------------------------------------------------------------------------------------------------------- */

/* Room for one more element in an array of the arena; old blocks stay behind, so an array costs at most twice its
 * size. */
static bool grow(cj_arena *arena, void *at, uint32_t len, uint32_t *cap, size_t size, size_t align)
{
    if (len < *cap)
        return true;
    uint32_t fresh_cap = *cap ? *cap * 2 : 16;
    void *old, *fresh = cj__arena_calloc(arena, fresh_cap, size, align);
    if (!fresh)
        return false;
    memcpy(&old, at, sizeof(old));
    if (len)
        memcpy(fresh, old, len * size);
    memcpy(at, &fresh, sizeof(fresh));
    *cap = fresh_cap;
    return true;
}

/* `member`: an array of the outline; `len`: its count, incremented. */
#define PUSH(o, member, len, cap, ...) \
    (grow((o)->arena, &(o)->out->member, (o)->out->len, (cap), sizeof(*(o)->out->member), \
          _Alignof(__typeof__(*(o)->out->member))) \
         ? ((o)->out->member[(o)->out->len++] = (__VA_ARGS__), true) \
         : false)

static void note_unsupported(outliner *o, uint64_t offset, const char *name)
{
    if (!o->out->unsupported) {
        o->out->unsupported = name;
        o->out->unsupported_offset = offset;
    }
}

static cj_status read_count(outliner *o, uint32_t *out, const char *what)
{
    return cj__read_count(&o->r, o->config->max_definitions, "max_definitions", out, what);
}

static cj_status read_index(outliner *o, uint32_t count, uint32_t *out, const char *what)
{
    uint64_t offset = cj__reader_offset(&o->r);
    CJ_TRY(cj__read_u32(&o->r, out, what));
    if (*out >= count)
        return cj__fail_at(o->err, CJ_INVALID, offset, "%s is %u, there are %u", what, *out, count);
    return CJ_OK;
}

static cj_status read_name(outliner *o, cj_str *out, const char *what)
{
    return cj__read_name(&o->r, o->config->max_name_length, out, what);
}

static cj_status read_reftype(outliner *o, uint8_t *out)
{
    uint64_t offset = cj__reader_offset(&o->r);
    CJ_TRY(cj__core_read_valtype(&o->r, out, "a reference type"));
    if (!cj__core_is_ref(*out))
        return cj__fail_at(o->err, CJ_MALFORMED, offset, "expected a reference type, found %s",
                           cj__core_valtype_name(*out));
    return CJ_OK;
}

/* -- Types, limits, imports ---------------------------------------------------------------------------------------- */

static cj_status read_valtypes(outliner *o, const uint8_t **out, uint32_t *count, const char *what)
{
    CJ_TRY(cj__read_count(&o->r, o->config->max_params, "max_params", count, what));
    *out = o->r.at;
    for (uint32_t i = 0; i < *count; i++) {
        uint8_t type;
        CJ_TRY(cj__core_read_valtype(&o->r, &type, "a value type"));
    }
    return CJ_OK;
}

static cj_status read_types(outliner *o)
{
    uint32_t count, cap = 0;
    CJ_TRY(read_count(o, &count, "types"));
    for (uint32_t i = 0; i < count; i++) {
        uint64_t offset = cj__reader_offset(&o->r);
        uint8_t form;
        CJ_TRY(cj__read_byte(&o->r, &form, "a function type (0x60)"));
        switch (form) {
        case 0x60:
            break;
        case 0x4e: /* rec */
        case 0x4f: /* sub final */
        case 0x50: /* sub */
        case 0x5e: /* array */
        case 0x5f: /* struct */
            return cj__fail_at(o->err, CJ_UNSUPPORTED, offset, "unsupported: core GC types");
        case 0x65: /* shared */
            return cj__fail_at(o->err, CJ_UNSUPPORTED, offset, "unsupported: core shared-everything threads");
        case 0x5d: /* cont */
            return cj__fail_at(o->err, CJ_UNSUPPORTED, offset, "unsupported: core stack switching");
        default:
            return cj__fail_at(o->err, CJ_MALFORMED, offset, "expected a function type (0x60), found 0x%02x", form);
        }
        cj_core_functype type = {0};
        CJ_TRY(read_valtypes(o, &type.params, &type.param_count, "parameters"));
        CJ_TRY(read_valtypes(o, &type.results, &type.result_count, "results"));
        if (!PUSH(o, types, type_count, &cap, type))
            return cj__fail_nomem(o->err);
    }
    return CJ_OK;
}

/* `max`: what both bounds may be at most; 0 for tables, which have no bound. */
static cj_status read_limits(outliner *o, uint64_t max, cj_ast_limits *out, const char *what)
{
    uint64_t offset = cj__reader_offset(&o->r);
    uint8_t flags;
    CJ_TRY(cj__read_byte(&o->r, &flags, "a limits flag"));
    if (flags > (LIMITS_MAX | LIMITS_SHARED | LIMITS_64 | LIMITS_PAGE_SIZE))
        return cj__fail_at(o->err, CJ_MALFORMED, offset, "expected a limits flag, found 0x%02x", flags);
    out->has_max = flags & LIMITS_MAX;
    out->shared = flags & LIMITS_SHARED;
    out->is64 = flags & LIMITS_64;
    if (out->shared) {
        note_unsupported(o, offset, "core threads");
        if (!out->has_max)
            return cj__fail_at(o->err, CJ_INVALID, offset, "shared %s must have a maximum", what);
    }
    if (out->is64) {
        note_unsupported(o, offset, "core memory64");
        max = max ? (uint64_t)MAX_PAGES << 32 : UINT64_MAX;
        CJ_TRY(cj__read_u64(&o->r, &out->min, "a minimum size"));
        if (out->has_max)
            CJ_TRY(cj__read_u64(&o->r, &out->max, "a maximum size"));
    } else {
        uint32_t n;
        CJ_TRY(cj__read_u32(&o->r, &n, "a minimum size"));
        out->min = n;
        if (out->has_max) {
            CJ_TRY(cj__read_u32(&o->r, &n, "a maximum size"));
            out->max = n;
        }
    }
    if (flags & LIMITS_PAGE_SIZE) {
        uint32_t log2;
        note_unsupported(o, offset, "core custom page sizes");
        CJ_TRY(cj__read_u32(&o->r, &log2, "a page size"));
        return CJ_OK; /* then the bounds are others */
    }
    if (out->has_max && out->max < out->min)
        return cj__fail_at(o->err, CJ_INVALID, offset, "%s has a minimum of %llu and a maximum of %llu", what,
                           (unsigned long long)out->min, (unsigned long long)out->max);
    if (max && (out->min > max || (out->has_max && out->max > max)))
        return cj__fail_at(o->err, CJ_INVALID, offset, "%s has more than %llu pages of 64 KiB", what,
                           (unsigned long long)max);
    return CJ_OK;
}

static cj_status read_table_type(outliner *o, cj_ast_coretype *out)
{
    out->sort = CJ_SORT_CORE_TABLE;
    CJ_TRY(read_reftype(o, &out->value_type));
    return read_limits(o, 0, &out->limits, "a table");
}

static cj_status read_memory_type(outliner *o, cj_ast_coretype *out)
{
    out->sort = CJ_SORT_CORE_MEMORY;
    return read_limits(o, MAX_PAGES, &out->limits, "a memory");
}

static cj_status read_global_type(outliner *o, cj_ast_coretype *out)
{
    out->sort = CJ_SORT_CORE_GLOBAL;
    CJ_TRY(cj__core_read_valtype(&o->r, &out->value_type, "a value type"));
    return cj__read_flag(&o->r, &out->is_mutable, "a mutability");
}

static cj_status read_tag_type(outliner *o, cj_ast_coretype *out)
{
    out->sort = CJ_SORT_CORE_TAG;
    note_unsupported(o, cj__reader_offset(&o->r), "core exceptions");
    CJ_TRY(cj__read_exact(&o->r, 0x00, "a tag attribute"));
    uint64_t offset = cj__reader_offset(&o->r);
    CJ_TRY(read_index(o, o->out->type_count, &out->func_type, "a type index"));
    if (o->out->types[out->func_type].result_count)
        return cj__fail_at(o->err, CJ_INVALID, offset, "the type of a tag must have no results");
    return CJ_OK;
}

typedef struct spaces {
    uint32_t func, table, memory, global, tag; /* capacities of the outline's arrays */
} spaces;

/* Puts an imported or defined item at the end of its index space. */
static cj_status add_item(outliner *o, spaces *caps, const cj_ast_coretype *type, bool imported, uint64_t offset)
{
    bool ok;
    switch (type->sort) {
    case CJ_SORT_CORE_FUNC:
        ok = PUSH(o, func_types, func_count, &caps->func, type->func_type);
        break;
    case CJ_SORT_CORE_TABLE:
        ok = PUSH(o, tables, table_count, &caps->table, *type);
        break;
    case CJ_SORT_CORE_MEMORY:
        ok = PUSH(o, memories, memory_count, &caps->memory, *type);
        if (o->out->memory_count > 1)
            note_unsupported(o, offset, "core multi-memory");
        break;
    case CJ_SORT_CORE_GLOBAL:
        ok = PUSH(o, globals, global_count, &caps->global,
                  (cj_core_global){.type = type->value_type, .is_mutable = type->is_mutable, .imported = imported});
        break;
    default:
        ok = PUSH(o, tag_types, tag_count, &caps->tag, type->func_type);
        break;
    }
    return ok ? CJ_OK : cj__fail_nomem(o->err);
}

static cj_status read_imports(outliner *o, spaces *caps)
{
    cj_core_outline *out = o->out;
    uint32_t count, cap = 0;
    CJ_TRY(read_count(o, &count, "imports"));
    for (uint32_t i = 0; i < count; i++) {
        cj_core_import import = {.offset = cj__reader_offset(&o->r)};
        CJ_TRY(read_name(o, &import.module, "an import's module name"));
        CJ_TRY(read_name(o, &import.name, "an import's name"));
        uint64_t offset = cj__reader_offset(&o->r);
        uint8_t kind;
        CJ_TRY(cj__read_byte(&o->r, &kind, "a kind of import"));
        switch (kind) {
        case 0:
            import.type.sort = CJ_SORT_CORE_FUNC;
            CJ_TRY(read_index(o, out->type_count, &import.type.func_type, "a type index"));
            import.index = out->func_count;
            out->imported_funcs++;
            break;
        case 1:
            CJ_TRY(read_table_type(o, &import.type));
            import.index = out->table_count;
            out->imported_tables++;
            break;
        case 2:
            CJ_TRY(read_memory_type(o, &import.type));
            import.index = out->memory_count;
            out->imported_memories++;
            break;
        case 3:
            CJ_TRY(read_global_type(o, &import.type));
            import.index = out->global_count;
            out->imported_globals++;
            break;
        case 4:
            CJ_TRY(read_tag_type(o, &import.type));
            import.index = out->tag_count;
            out->imported_tags++;
            break;
        default:
            return cj__fail_at(o->err, CJ_MALFORMED, offset, "expected a kind of import (0 to 4), found 0x%02x", kind);
        }
        CJ_TRY(add_item(o, caps, &import.type, true, offset));
        if (!PUSH(o, imports, import_count, &cap, import))
            return cj__fail_nomem(o->err);
    }
    return CJ_OK;
}

/* -- Definitions --------------------------------------------------------------------------------------------------- */

static cj_status read_functions(outliner *o, spaces *caps)
{
    uint32_t count;
    CJ_TRY(read_count(o, &count, "functions"));
    for (uint32_t i = 0; i < count; i++) {
        cj_ast_coretype type = {.sort = CJ_SORT_CORE_FUNC};
        CJ_TRY(read_index(o, o->out->type_count, &type.func_type, "a type index"));
        CJ_TRY(add_item(o, caps, &type, false, 0));
    }
    return CJ_OK;
}

static cj_status read_tables(outliner *o, spaces *caps)
{
    uint32_t count;
    CJ_TRY(read_count(o, &count, "tables"));
    for (uint32_t i = 0; i < count; i++) {
        cj_ast_coretype type = {0};
        if (cj__reader_left(&o->r) && *o->r.at == 0x40) /* with an initial value for its elements */
            return cj__fail_at(o->err, CJ_UNSUPPORTED, cj__reader_offset(&o->r),
                               "unsupported: core typed function references");
        CJ_TRY(read_table_type(o, &type));
        CJ_TRY(add_item(o, caps, &type, false, 0));
    }
    return CJ_OK;
}

static cj_status read_memories(outliner *o, spaces *caps)
{
    uint32_t count;
    CJ_TRY(read_count(o, &count, "memories"));
    for (uint32_t i = 0; i < count; i++) {
        cj_ast_coretype type = {0};
        uint64_t offset = cj__reader_offset(&o->r);
        CJ_TRY(read_memory_type(o, &type));
        CJ_TRY(add_item(o, caps, &type, false, offset));
    }
    return CJ_OK;
}

static cj_status read_tags(outliner *o, spaces *caps)
{
    uint32_t count;
    CJ_TRY(read_count(o, &count, "tags"));
    for (uint32_t i = 0; i < count; i++) {
        cj_ast_coretype type = {0};
        CJ_TRY(read_tag_type(o, &type));
        CJ_TRY(add_item(o, caps, &type, false, 0));
    }
    return CJ_OK;
}

static cj_status read_globals(outliner *o, spaces *caps)
{
    uint32_t count;
    CJ_TRY(read_count(o, &count, "globals"));
    for (uint32_t i = 0; i < count; i++) {
        cj_ast_coretype type = {0};
        cj_bytes init;
        CJ_TRY(read_global_type(o, &type));
        CJ_TRY(cj__const_read(&o->r, o->out, type.value_type, &init));
        CJ_TRY(add_item(o, caps, &type, false, 0));
        o->out->globals[o->out->global_count - 1].init = init;
    }
    return CJ_OK;
}

/* -- Exports ------------------------------------------------------------------------------------------------------- */

static int compare_names(cj_str a, cj_str b)
{
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    return a.len ? memcmp(a.ptr, b.ptr, a.len) : 0;
}

/* Merge sort: no bad case that a file could be made for, unlike hashing and quicksort. */
static void sort_exports(const cj_core_export **at, const cj_core_export **scratch, uint32_t count)
{
    for (uint32_t width = 1; width<count; width = width> count / 2 ? count : width * 2) {
        for (uint32_t low = 0; low < count;) {
            uint32_t middle = count - low > width ? low + width : count;
            uint32_t high = count - middle > width ? middle + width : count;
            uint32_t i = low, j = middle, k = low;
            while (i < middle || j < high) {
                bool left = j == high || (i < middle && compare_names(at[i]->name, at[j]->name) <= 0);
                scratch[k++] = at[left ? i++ : j++];
            }
            low = high;
        }
        memcpy(at, scratch, count * sizeof(*at));
    }
}

static cj_status read_exports(outliner *o)
{
    cj_core_outline *out = o->out;
    uint32_t count, cap = 0;
    uint64_t section_offset = cj__reader_offset(&o->r);
    CJ_TRY(read_count(o, &count, "exports"));
    for (uint32_t i = 0; i < count; i++) {
        cj_core_export export_ = {0};
        CJ_TRY(read_name(o, &export_.name, "an export's name"));
        uint64_t offset = cj__reader_offset(&o->r);
        uint8_t kind;
        CJ_TRY(cj__read_byte(&o->r, &kind, "a kind of export"));
        static const struct {
            cj_sort sort;
            const char *what;
        } kinds[] = {
            {CJ_SORT_CORE_FUNC, "a function index"}, {CJ_SORT_CORE_TABLE, "a table index"},
            {CJ_SORT_CORE_MEMORY, "a memory index"}, {CJ_SORT_CORE_GLOBAL, "a global index"},
            {CJ_SORT_CORE_TAG, "a tag index"},
        };
        const uint32_t counts[] = {out->func_count, out->table_count, out->memory_count, out->global_count,
                                   out->tag_count};
        if (kind >= CJ_COUNT(kinds))
            return cj__fail_at(o->err, CJ_MALFORMED, offset, "expected a kind of export (0 to 4), found 0x%02x", kind);
        export_.sort = kinds[kind].sort;
        CJ_TRY(read_index(o, counts[kind], &export_.index, kinds[kind].what));
        if (!PUSH(o, exports, export_count, &cap, export_))
            return cj__fail_nomem(o->err);
    }

    out->by_name = CJ_ARENA_ARRAY(o->arena, const cj_core_export *, count);
    cj_arena_mark mark = cj__arena_mark(o->arena);
    const cj_core_export **scratch = CJ_ARENA_ARRAY(o->arena, const cj_core_export *, count);
    if (!out->by_name || !scratch)
        return cj__fail_nomem(o->err);
    for (uint32_t i = 0; i < count; i++)
        out->by_name[i] = &out->exports[i];
    sort_exports(out->by_name, scratch, count);
    cj__arena_release(o->arena, mark);
    for (uint32_t i = 1; i < count; i++) {
        cj_str name = out->by_name[i]->name;
        if (compare_names(out->by_name[i - 1]->name, name) == 0)
            return cj__fail_at(o->err, CJ_INVALID, section_offset, "duplicate export name \"%.*s\"", CJ_STR_ARG(name));
    }
    return CJ_OK;
}

const cj_core_export *cj__core_find_export(const cj_core_outline *module, cj_str name)
{
    uint32_t low = 0, high = module->by_name ? module->export_count : 0;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = compare_names(module->by_name[middle]->name, name);
        if (order == 0)
            return module->by_name[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static cj_status read_start(outliner *o)
{
    uint64_t offset = cj__reader_offset(&o->r);
    CJ_TRY(read_index(o, o->out->func_count, &o->out->start, "a function index"));
    const cj_core_functype *type = &o->out->types[o->out->func_types[o->out->start]];
    if (type->param_count || type->result_count)
        return cj__fail_at(o->err, CJ_INVALID, offset, "the start function must have no parameters and no results");
    o->out->has_start = true;
    return CJ_OK;
}

/* -- Segments, code ------------------------------------------------------------------------------------------------ */

/* Bits of an element segment's flags. */
enum { ELEM_NOT_ACTIVE = 1, ELEM_EXPLICIT = 2, ELEM_EXPRS = 4 };

static cj_status read_elem_items(outliner *o, cj_core_elem *elem)
{
    CJ_TRY(cj__read_count(&o->r, 0, NULL, &elem->count, "elements"));
    const uint8_t *start = o->r.at;
    uint64_t offset = cj__reader_offset(&o->r);
    for (uint32_t i = 0; i < elem->count; i++) {
        if (elem->flags & ELEM_EXPRS) {
            cj_bytes expr;
            CJ_TRY(cj__const_read(&o->r, o->out, elem->ref_type, &expr));
        } else {
            uint32_t index;
            CJ_TRY(read_index(o, o->out->func_count, &index, "a function index"));
        }
    }
    elem->items = (cj_bytes){start, (size_t)(o->r.at - start), offset};
    return CJ_OK;
}

static cj_status read_elems(outliner *o)
{
    uint32_t count, cap = 0;
    CJ_TRY(read_count(o, &count, "element segments"));
    for (uint32_t i = 0; i < count; i++) {
        cj_core_elem elem = {.ref_type = CJ_CORE_FUNCREF};
        uint64_t offset = cj__reader_offset(&o->r);
        CJ_TRY(cj__read_u32(&o->r, &elem.flags, "an element segment's kind"));
        if (elem.flags > 7)
            return cj__fail_at(o->err, CJ_MALFORMED, offset, "expected an element segment's kind (0 to 7), found %u",
                               elem.flags);
        bool active = !(elem.flags & ELEM_NOT_ACTIVE);
        if (active) {
            uint64_t index_offset = cj__reader_offset(&o->r);
            if (elem.flags & ELEM_EXPLICIT)
                CJ_TRY(cj__read_u32(&o->r, &elem.table, "a table index"));
            if (elem.table >= o->out->table_count)
                return cj__fail_at(o->err, CJ_INVALID, index_offset, "unknown table %u (there are %u)", elem.table,
                                   o->out->table_count);
            CJ_TRY(cj__const_read(&o->r, o->out, o->out->tables[elem.table].limits.is64 ? CJ_CORE_I64 : CJ_CORE_I32,
                                  &elem.offset_expr));
        }
        if (elem.flags & (ELEM_NOT_ACTIVE | ELEM_EXPLICIT)) {
            if (elem.flags & ELEM_EXPRS)
                CJ_TRY(read_reftype(o, &elem.ref_type));
            else
                CJ_TRY(cj__read_exact(&o->r, 0x00, "an element kind"));
        }
        if (active && o->out->tables[elem.table].value_type != elem.ref_type)
            return cj__fail_at(o->err, CJ_INVALID, offset, "element segment of %s for a table of %s",
                               cj__core_valtype_name(elem.ref_type),
                               cj__core_valtype_name(o->out->tables[elem.table].value_type));
        CJ_TRY(read_elem_items(o, &elem));
        if (!PUSH(o, elems, elem_count, &cap, elem))
            return cj__fail_nomem(o->err);
    }
    return CJ_OK;
}

static cj_status read_data_count(outliner *o)
{
    o->out->has_data_count = true;
    return cj__read_u32(&o->r, &o->declared_data_count, "a count of data segments");
}

static cj_status read_code(outliner *o)
{
    uint32_t count, cap = 0;
    uint64_t section_offset = cj__reader_offset(&o->r);
    CJ_TRY(read_count(o, &count, "function bodies"));
    if (count != o->out->func_count - o->out->imported_funcs)
        return cj__fail_at(o->err, CJ_MALFORMED, section_offset,
                           "function and code section have different lengths: %u and %u",
                           o->out->func_count - o->out->imported_funcs, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t size;
        cj_bytes body;
        CJ_TRY(cj__read_u32(&o->r, &size, "the size of a function body"));
        body.offset = cj__reader_offset(&o->r);
        body.len = size;
        CJ_TRY(cj__read_bytes(&o->r, size, &body.ptr, "a function body"));
        if (!PUSH(o, bodies, body_count, &cap, body))
            return cj__fail_nomem(o->err);
    }
    return CJ_OK;
}

static cj_status read_datas(outliner *o)
{
    uint32_t count, cap = 0;
    uint64_t section_offset = cj__reader_offset(&o->r);
    CJ_TRY(read_count(o, &count, "data segments"));
    if (o->out->has_data_count && count != o->declared_data_count)
        return cj__fail_at(o->err, CJ_MALFORMED, section_offset,
                           "data count and data section have different lengths: %u and %u", o->declared_data_count,
                           count);
    for (uint32_t i = 0; i < count; i++) {
        cj_core_data data = {0};
        uint64_t offset = cj__reader_offset(&o->r);
        CJ_TRY(cj__read_u32(&o->r, &data.flags, "a data segment's kind"));
        if (data.flags > 2)
            return cj__fail_at(o->err, CJ_MALFORMED, offset, "expected a data segment's kind (0 to 2), found %u",
                               data.flags);
        if (data.flags != 1) {
            uint32_t memory = 0;
            if (data.flags == 2)
                CJ_TRY(cj__read_u32(&o->r, &memory, "a memory index"));
            if (memory >= o->out->memory_count)
                return cj__fail_at(o->err, CJ_INVALID, offset, "unknown memory %u (there are %u)", memory,
                                   o->out->memory_count);
            CJ_TRY(cj__const_read(&o->r, o->out, o->out->memories[memory].limits.is64 ? CJ_CORE_I64 : CJ_CORE_I32,
                                  &data.offset_expr));
        }
        uint32_t size;
        CJ_TRY(cj__read_u32(&o->r, &size, "the size of a data segment"));
        data.bytes.offset = cj__reader_offset(&o->r);
        data.bytes.len = size;
        CJ_TRY(cj__read_bytes(&o->r, size, &data.bytes.ptr, "a data segment"));
        if (!PUSH(o, datas, data_count, &cap, data))
            return cj__fail_nomem(o->err);
    }
    return CJ_OK;
}

/* -- Sections ------------------------------------------------------------------------------------------------------ */

static cj_status read_custom(outliner *o)
{
    cj_str name;
    CJ_TRY(read_name(o, &name, "a custom section's name"));
    if (cj__str_eq(name, CJ_STR("name")) && !o->out->names.ptr)
        o->out->names = (cj_bytes){o->r.at, cj__reader_left(&o->r), cj__reader_offset(&o->r)};
    o->r.at = o->r.end;
    return CJ_OK;
}

enum { SECTION_CUSTOM, SECTION_FUNCTION = 3, SECTION_DATA_COUNT = 12, SECTION_TAG = 13, SECTION_COUNT };

static cj_status read_section(outliner *o, spaces *caps, uint8_t id)
{
    switch (id) {
    case SECTION_CUSTOM:
        return read_custom(o);
    case 1:
        return read_types(o);
    case 2:
        return read_imports(o, caps);
    case SECTION_FUNCTION:
        return read_functions(o, caps);
    case 4:
        return read_tables(o, caps);
    case 5:
        return read_memories(o, caps);
    case 6:
        return read_globals(o, caps);
    case 7:
        return read_exports(o);
    case 8:
        return read_start(o);
    case 9:
        return read_elems(o);
    case 10:
        return read_code(o);
    case 11:
        return read_datas(o);
    case SECTION_DATA_COUNT:
        return read_data_count(o);
    default:
        return read_tags(o, caps);
    }
}

cj_status cj__core_outline(const cj_config *config, cj_bytes module, cj_arena *arena, cj_core_outline *out,
                           cj_error *err)
{
    /* Sections in the order that they must have; ids are not in that order. */
    static const uint8_t rank[SECTION_COUNT] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 13, 11, 6};
    static const char *const names[SECTION_COUNT] = {"custom", "type",   "import",     "function", "table",
                                                     "memory", "global", "export",     "start",    "element",
                                                     "code",   "data",   "data count", "tag"};
    static const uint8_t preamble[] = {0x00, 'a', 's', 'm', 0x01, 0x00, 0x00, 0x00};

    memset(out, 0, sizeof(*out));
    out->file = module;
    outliner o = {.config = config, .out = out, .arena = arena, .err = err};
    cj_reader r = cj__reader(module.ptr, module.len, module.offset, err);
    const uint8_t *start;
    CJ_TRY(cj__read_bytes(&r, sizeof(preamble), &start, "the preamble of a core module"));
    if (memcmp(start, preamble, sizeof(preamble)) != 0)
        return cj__fail_at(err, CJ_MALFORMED, module.offset, "expected the preamble of a core module of version 1");

    spaces caps = {0};
    uint8_t last_rank = 0;
    const char *last_name = "";
    while (cj__reader_left(&r)) {
        uint64_t offset = cj__reader_offset(&r);
        uint8_t id;
        uint32_t size;
        CJ_TRY(cj__read_byte(&r, &id, "a section"));
        if (id >= SECTION_COUNT)
            return cj__fail_at(err, CJ_MALFORMED, offset, "expected a section (0 to %d), found %u", SECTION_COUNT - 1,
                               id);
        if (id != SECTION_CUSTOM) {
            if (rank[id] <= last_rank)
                return cj__fail_at(err, CJ_MALFORMED, offset, "%s section after the %s section", names[id], last_name);
            last_rank = rank[id];
            last_name = names[id];
        }
        CJ_TRY(cj__read_u32(&r, &size, "the size of a section"));
        CJ_TRY(cj__read_slice(&r, size, &o.r, "a section"));
        CJ_TRY(read_section(&o, &caps, id));
        CJ_TRY(cj__read_done(&o.r, "a section"));
    }
    if (out->body_count != out->func_count - out->imported_funcs)
        return cj__fail_at(err, CJ_MALFORMED, cj__reader_offset(&r), "%u functions without a code section",
                           out->func_count - out->imported_funcs);
    if (out->has_data_count && out->data_count != o.declared_data_count)
        return cj__fail_at(err, CJ_MALFORMED, cj__reader_offset(&r),
                           "data count and data section have different lengths: %u and %u", o.declared_data_count,
                           out->data_count);
    return CJ_OK;
}
