/* decode_types.c: core types, value types, function, resource, component and instance types, and their declarations.
 *
 * Place in the pipeline and shared conventions: decode.h.
 * Non-goals: what indices refer to; GC types beyond their extent (CJ_CORETYPE_OTHER).
 * Spec: Binary.md, "Type Definitions"; core binary format, "Types".
 */
#include "component/decode.h"

#include <inttypes.h>

/* -- Core types ---------------------------------------------------------------------------------------------------- */

enum {
    CORE_FUNC = 0x60,
    CORE_STRUCT = 0x5f,
    CORE_ARRAY = 0x5e,
    CORE_SUB = 0x50, /* where a component's core type begins: a module type */
    CORE_SUB_FINAL = 0x4f,
    CORE_REC = 0x4e,
    CORE_SHARED = 0x65,
    CORE_REF_NULL = 0x63,
    CORE_REF = 0x64,
    CORE_I16 = 0x77,
    CORE_I8 = 0x78,
};

static bool is_abstract_heap_type(uint8_t byte)
{
    return byte >= 0x69 && byte <= 0x74;
}

static cj_status decode_heap_type(cj_decoder *d, cj_reader *r)
{
    uint64_t offset = cj__reader_offset(r);
    int64_t type;
    if (r->at != r->end && *r->at == CORE_SHARED) {
        uint8_t byte;
        r->at++;
        CJ_TRY(cj__read_byte(r, &byte, "a heap type"));
        return is_abstract_heap_type(byte) ? CJ_OK : cj__decode_unexpected(d, offset + 1, byte, "a heap type");
    }
    if (r->at != r->end && is_abstract_heap_type(*r->at)) {
        r->at++;
        return CJ_OK;
    }
    CJ_TRY(cj__read_s33(r, &type, "a heap type"));
    if (type < 0)
        return cj__fail_at(d->err, CJ_MALFORMED, offset, "expected a heap type, found %" PRId64, type);
    return CJ_OK;
}

cj_status cj__decode_core_valtype(cj_decoder *d, cj_reader *r, uint8_t *out, bool *opaque)
{
    uint64_t offset = cj__reader_offset(r);
    CJ_TRY(cj__read_byte(r, out, "a core value type"));
    *opaque = false;
    switch (*out) {
    case 0x7f: /* i32, i64, f32, f64, v128, funcref, externref */
    case 0x7e:
    case 0x7d:
    case 0x7c:
    case 0x7b:
    case 0x70:
    case 0x6f:
        return CJ_OK;
    case CORE_REF_NULL:
    case CORE_REF:
        *opaque = true;
        return decode_heap_type(d, r);
    default:
        *opaque = true;
        return is_abstract_heap_type(*out) ? CJ_OK : cj__decode_unexpected(d, offset, *out, "a core value type");
    }
}

static cj_status decode_core_types(cj_decoder *d, cj_reader *r, const uint8_t **out, uint32_t *out_count, bool *opaque,
                                   const char *what)
{
    size_t base = d->bytes.len;
    uint32_t count;
    CJ_TRY(cj__decode_count(d, r, d->config.max_params, "max_params", &count, what));
    for (uint32_t i = 0; i < count; i++) {
        uint8_t type;
        bool is_opaque;
        CJ_TRY(cj__decode_core_valtype(d, r, &type, &is_opaque));
        *opaque |= is_opaque;
        CJ_PUSH(d, bytes, type);
    }
    return CJ_KEEP(d, bytes, base, out, out_count);
}

static cj_status decode_core_func(cj_decoder *d, cj_reader *r, cj_ast_corefunc *out)
{
    CJ_TRY(
        decode_core_types(d, r, &out->params, &out->param_count, &out->opaque, "parameters of a core function type"));
    return decode_core_types(d, r, &out->results, &out->result_count, &out->opaque, "results of a core function type");
}

static cj_status skip_field(cj_decoder *d, cj_reader *r)
{
    uint8_t byte;
    bool flag;
    if (r->at != r->end && (*r->at == CORE_I8 || *r->at == CORE_I16))
        r->at++;
    else
        CJ_TRY(cj__decode_core_valtype(d, r, &byte, &flag));
    return cj__read_flag(r, &flag, "the mutability of a field");
}

/* comptype; a function type is stored in `func`. */
static cj_status decode_composite(cj_decoder *d, cj_reader *r, bool *is_func, cj_ast_corefunc *func)
{
    uint64_t offset = cj__reader_offset(r);
    uint8_t byte;
    bool shared = false;
    *is_func = false;
    CJ_TRY(cj__read_byte(r, &byte, "a core type"));
    if (byte == CORE_SHARED) {
        shared = true;
        offset++;
        CJ_TRY(cj__read_byte(r, &byte, "a core type"));
    }
    if (byte == CORE_FUNC) {
        *is_func = !shared;
        return decode_core_func(d, r, func);
    }
    if (byte == CORE_ARRAY)
        return skip_field(d, r);
    if (byte != CORE_STRUCT)
        return cj__decode_unexpected(d, offset, byte, "a core type");
    uint32_t fields;
    CJ_TRY(cj__decode_count(d, r, d->config.max_members, "max_members", &fields, "fields of a struct"));
    for (uint32_t i = 0; i < fields; i++)
        CJ_TRY(skip_field(d, r));
    return CJ_OK;
}

/* subtype: `is_func` when it is a final one without supertypes of a function type, which is the function type itself. */
static cj_status decode_subtype(cj_decoder *d, cj_reader *r, bool *is_func, cj_ast_corefunc *func)
{
    uint32_t supertypes = 0;
    bool final = true;
    if (r->at != r->end && (*r->at == CORE_SUB || *r->at == CORE_SUB_FINAL)) {
        final = *r->at++ == CORE_SUB_FINAL;
        CJ_TRY(cj__decode_count(d, r, 0, NULL, &supertypes, "supertypes"));
        for (uint32_t i = 0; i < supertypes; i++) {
            uint32_t index;
            CJ_TRY(cj__read_u32(r, &index, "the index of a supertype"));
        }
    }
    CJ_TRY(decode_composite(d, r, is_func, func));
    *is_func &= final && supertypes == 0;
    return CJ_OK;
}

static cj_status decode_rec_type(cj_decoder *d, cj_reader *r, cj_ast_coretypedef *type)
{
    uint32_t count = 1;
    bool is_func = false;
    if (r->at != r->end && *r->at == CORE_REC) {
        r->at++;
        CJ_TRY(cj__decode_count(d, r, 0, NULL, &count, "types of a recursive group"));
    }
    for (uint32_t i = 0; i < count; i++) {
        cj_ast_corefunc func = {0};
        CJ_TRY(decode_subtype(d, r, &is_func, &func));
        type->func = func;
    }
    type->kind = count == 1 && is_func ? CJ_CORETYPE_FUNC : CJ_CORETYPE_OTHER;
    type->type_count = count;
    return CJ_OK;
}

static cj_status decode_limits(cj_decoder *d, cj_reader *r, cj_ast_limits *out)
{
    uint64_t offset = cj__reader_offset(r);
    uint8_t flags;
    CJ_TRY(cj__read_byte(r, &flags, "the flags of limits"));
    if (flags > 7)
        return cj__decode_unexpected(d, offset, flags, "the flags of limits (0x00 to 0x07)");
    out->has_max = flags & 1;
    out->shared = flags & 2;
    out->is64 = flags & 4;
    CJ_TRY(cj__read_u64(r, &out->min, "a minimum"));
    if (out->has_max)
        CJ_TRY(cj__read_u64(r, &out->max, "a maximum"));
    if (!out->is64 && (out->min > UINT32_MAX || out->max > UINT32_MAX))
        return cj__fail_at(d->err, CJ_INVALID, offset, "limits of more than 32 bits");
    if (out->has_max && out->min > out->max)
        return cj__fail_at(d->err, CJ_INVALID, offset, "minimum %" PRIu64 " is over maximum %" PRIu64, out->min,
                           out->max);
    return CJ_OK;
}

/* core:externtype */
static cj_status decode_core_externtype(cj_decoder *d, cj_reader *r, cj_ast_coretype *out)
{
    uint64_t offset = cj__reader_offset(r);
    uint8_t kind;
    CJ_TRY(cj__read_byte(r, &kind, "a core extern type"));
    switch (kind) {
    case 0x00:
        out->sort = CJ_SORT_CORE_FUNC;
        return cj__read_u32(r, &out->func_type, "a core type index");
    case 0x01:
        out->sort = CJ_SORT_CORE_TABLE;
        offset = cj__reader_offset(r);
        CJ_TRY(cj__decode_core_valtype(d, r, &out->value_type, &out->opaque));
        if (out->value_type >= 0x7b)
            return cj__decode_unexpected(d, offset, out->value_type, "a reference type");
        return decode_limits(d, r, &out->limits);
    case 0x02:
        out->sort = CJ_SORT_CORE_MEMORY;
        return decode_limits(d, r, &out->limits);
    case 0x03:
        out->sort = CJ_SORT_CORE_GLOBAL;
        CJ_TRY(cj__decode_core_valtype(d, r, &out->value_type, &out->opaque));
        return cj__read_flag(r, &out->is_mutable, "the mutability of a global");
    case 0x04:
        out->sort = CJ_SORT_CORE_TAG;
        CJ_TRY(cj__read_exact(r, 0x00, "the attribute of a tag"));
        return cj__read_u32(r, &out->func_type, "a core type index");
    default:
        return cj__decode_unexpected(d, offset, kind, "a core extern type (0x00 to 0x04)");
    }
}

static cj_status decode_moduledecl(cj_decoder *d, cj_reader *r, cj_ast_moduledecl *decl)
{
    uint8_t kind;
    CJ_TRY(cj__read_byte(r, &kind, "a declaration of a module type"));
    switch (kind) {
    case 0x00:
        decl->kind = CJ_MODULEDECL_IMPORT;
        CJ_TRY(cj__decode_core_name(d, r, &decl->module, "the module name of a core import"));
        CJ_TRY(cj__decode_core_name(d, r, &decl->name, "the name of a core import"));
        return decode_core_externtype(d, r, &decl->type);
    case 0x01:
        decl->kind = CJ_MODULEDECL_TYPE;
        return cj__decode_core_type(d, r, true, &decl->typedef_);
    case 0x02:
        decl->kind = CJ_MODULEDECL_ALIAS;
        CJ_TRY(cj__read_exact(r, 0x10, "the sort of an alias in a module type, type"));
        CJ_TRY(cj__read_exact(r, 0x01, "the target of an alias in a module type, outer"));
        CJ_TRY(cj__read_u32(r, &decl->alias_count, "an outer count"));
        return cj__read_u32(r, &decl->alias_index, "a core type index");
    case 0x03:
        decl->kind = CJ_MODULEDECL_EXPORT;
        CJ_TRY(cj__decode_core_name(d, r, &decl->name, "the name of a core export"));
        return decode_core_externtype(d, r, &decl->type);
    default:
        return cj__decode_unexpected(d, decl->offset, kind, "a declaration of a module type (0x00 to 0x03)");
    }
}

static cj_status decode_module_type(cj_decoder *d, cj_reader *r, cj_ast_coretypedef *type)
{
    size_t base = d->moduledecls.len;
    uint32_t count;
    CJ_TRY(cj__decode_count(d, r, 0, NULL, &count, "declarations of a module type"));
    for (uint32_t i = 0; i < count; i++) {
        cj_ast_moduledecl decl;
        memset(&decl, 0, sizeof(decl));
        decl.offset = cj__reader_offset(r);
        CJ_TRY(decode_moduledecl(d, r, &decl));
        CJ_PUSH(d, moduledecls, decl);
    }
    type->kind = CJ_CORETYPE_MODULE;
    type->type_count = 1;
    return CJ_KEEP(d, moduledecls, base, &type->decls, &type->decl_count);
}

/* Whether a subtype stands here, and not a module type, which begins with the same byte: what follows the supertypes
 * tells. */
static bool is_subtype(const cj_reader *r)
{
    cj_reader quiet = *r;
    uint8_t byte;
    uint32_t count, index;
    quiet.err = NULL;
    if (cj__read_byte(&quiet, &byte, "") != CJ_OK || cj__read_count(&quiet, 0, NULL, &count, "") != CJ_OK)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (cj__read_u32(&quiet, &index, "") != CJ_OK)
            return false;
    return cj__read_byte(&quiet, &byte, "") == CJ_OK &&
           (byte == CORE_FUNC || byte == CORE_STRUCT || byte == CORE_ARRAY || byte == CORE_SHARED);
}

cj_status cj__decode_core_type(cj_decoder *d, cj_reader *r, bool in_module_type, cj_ast_coretypedef **out)
{
    cj_ast_coretypedef *type = CJ_ARENA_NEW(d->arena, cj_ast_coretypedef);
    if (!type)
        return cj__fail_nomem(d->err);
    type->offset = cj__reader_offset(r);
    *out = type;
    /* "An encoding ambiguity": in a component, 0x50 is a module type, and sub is 0x00 0x50; elsewhere 0x50 is sub. */
    if (in_module_type && is_subtype(r))
        return decode_rec_type(d, r, type);
    if (r->at != r->end && *r->at == CORE_SUB) {
        if (in_module_type)
            return cj__fail_at(d->err, CJ_INVALID, type->offset,
                               "a module type cannot be defined inside a module type");
        r->at++;
        return decode_module_type(d, r, type);
    }
    if (r->at != r->end && *r->at == 0x00) {
        r->at++;
        if (r->at == r->end || *r->at != CORE_SUB)
            return cj__read_exact(r, CORE_SUB, "a subtype after the byte 0x00");
    }
    return decode_rec_type(d, r, type);
}

/* -- Value types --------------------------------------------------------------------------------------------------- */

static bool is_primitive(uint8_t byte)
{
    return (byte >= 0x73 && byte <= 0x7f) || byte == 0x64;
}

cj_status cj__decode_valtype(cj_decoder *d, cj_reader *r, cj_ast_valtype *out)
{
    memset(out, 0, sizeof(*out));
    out->present = true;
    out->offset = cj__reader_offset(r);
    if (r->at != r->end && is_primitive(*r->at)) {
        out->prim = *r->at++;
        return CJ_OK;
    }
    if (r->at != r->end && (*r->at & 0xc0) == 0x40) /* a negative number of one byte */
        return cj__decode_unexpected(d, out->offset, *r->at, "a value type");
    int64_t index;
    CJ_TRY(cj__read_s33(r, &index, "a value type"));
    if (index < 0)
        return cj__fail_at(d->err, CJ_MALFORMED, out->offset,
                           "expected a value type, found the negative index %" PRId64, index);
    out->is_index = true;
    out->index = (uint32_t)index;
    return CJ_OK;
}

static cj_status decode_optional_valtype(cj_decoder *d, cj_reader *r, cj_ast_valtype *out, const char *what)
{
    bool present;
    memset(out, 0, sizeof(*out));
    out->offset = cj__reader_offset(r);
    CJ_TRY(cj__read_flag(r, &present, what));
    return present ? cj__decode_valtype(d, r, out) : CJ_OK;
}

/* resultlist */
cj_status cj__decode_result(cj_decoder *d, cj_reader *r, cj_ast_valtype *out)
{
    uint8_t kind;
    memset(out, 0, sizeof(*out));
    out->offset = cj__reader_offset(r);
    CJ_TRY(cj__read_byte(r, &kind, "a function's result"));
    if (kind == 0x00)
        return cj__decode_valtype(d, r, out);
    if (kind == 0x01)
        return cj__read_exact(r, 0x00, "the end of an empty list of results");
    return cj__decode_unexpected(d, out->offset, kind, "a function's result (0x00 or 0x01)");
}

enum labels_form { LABELS_TYPED, LABELS_CASES, LABELS_BARE, LABELS_UNNAMED };

/* Members of a type. `what` is one of them: "a record field". */
static cj_status decode_labels(cj_decoder *d, cj_reader *r, enum labels_form form, uint32_t max, const char *limit,
                               const char *what, cj_ast_labels *out)
{
    size_t base = d->labels.len;
    uint32_t count;
    CJ_TRY(cj__decode_count(d, r, max, limit, &count, what));
    for (uint32_t i = 0; i < count; i++) {
        cj_ast_labelled member;
        memset(&member, 0, sizeof(member));
        member.label = CJ_STR("");
        member.offset = cj__reader_offset(r);
        if (form != LABELS_UNNAMED)
            CJ_TRY(cj__decode_label(d, r, &member.label, what));
        if (form == LABELS_CASES) {
            CJ_TRY(decode_optional_valtype(d, r, &member.type, "the flag of a case's payload"));
            CJ_TRY(cj__read_exact(r, 0x00, "the byte that ends a variant case"));
        } else if (form != LABELS_BARE) {
            CJ_TRY(cj__decode_valtype(d, r, &member.type));
        }
        CJ_PUSH(d, labels, member);
    }
    CJ_TRY(CJ_KEEP(d, labels, base, &out->at, &out->len));
    return form == LABELS_UNNAMED ? CJ_OK : cj__decode_check_labels(d, out->at, out->len, what);
}

static cj_status decode_members(cj_decoder *d, cj_reader *r, enum labels_form form, const char *what,
                                cj_ast_typedef *type)
{
    CJ_TRY(decode_labels(d, r, form, d->config.max_members, "max_members", what, &type->labels));
    if (type->labels.len == 0)
        return cj__fail_at(d->err, CJ_INVALID, type->offset, "a type must have at least one %s", what);
    return CJ_OK;
}

static cj_status decode_flags(cj_decoder *d, cj_reader *r, cj_ast_typedef *type)
{
    CJ_TRY(decode_members(d, r, LABELS_BARE, "flags label", type));
    if (type->labels.len > 32)
        return cj__fail_at(d->err, CJ_INVALID, type->offset, "flags with %u labels, more than 32", type->labels.len);
    return CJ_OK;
}

static cj_status decode_fixed_list(cj_decoder *d, cj_reader *r, cj_ast_typedef *type)
{
    CJ_TRY(cj__decode_valtype(d, r, &type->elem));
    CJ_TRY(cj__read_u32(r, &type->index, "the length of a fixed-length list"));
    if (type->index == 0)
        return cj__fail_at(d->err, CJ_INVALID, type->offset, "a fixed-length list must have at least one element");
    return CJ_OK;
}

/* keytype: whether an index is one of these is for who knows what it refers to. */
static bool may_be_key(const cj_ast_valtype *type)
{
    bool is_float = type->prim == 0x76 || type->prim == 0x75, is_error = type->prim == 0x64;
    return type->is_index || (!is_float && !is_error);
}

static cj_status decode_map(cj_decoder *d, cj_reader *r, cj_ast_typedef *type)
{
    CJ_TRY(cj__decode_valtype(d, r, &type->elem));
    if (!may_be_key(&type->elem))
        return cj__fail_at(d->err, CJ_INVALID, type->elem.offset,
                           "a map's key must be an integer, bool, char or string");
    return cj__decode_valtype(d, r, &type->second);
}

static cj_status decode_resource(cj_decoder *d, cj_reader *r, bool in_type, cj_ast_typedef *type)
{
    bool opaque;
    if (in_type)
        return cj__fail_at(d->err, CJ_INVALID, type->offset,
                           "a resource type can only be defined in a component, not in a type");
    uint64_t offset = cj__reader_offset(r);
    CJ_TRY(cj__decode_core_valtype(d, r, &type->rep, &opaque));
    if (type->rep != 0x7f && type->rep != 0x7e)
        return cj__fail_at(d->err, CJ_INVALID, offset,
                           "a resource is represented by i32 or i64, not by core type 0x%02x", type->rep);
    CJ_TRY(cj__read_flag(r, &type->has_dtor, "the flag of a destructor"));
    return type->has_dtor ? cj__read_u32(r, &type->dtor, "a core function index") : CJ_OK;
}

static cj_status decode_func(cj_decoder *d, cj_reader *r, cj_ast_typedef *type)
{
    CJ_TRY(decode_labels(d, r, LABELS_TYPED, d->config.max_params, "max_params", "parameter", &type->labels));
    return cj__decode_result(d, r, &type->elem);
}

/* -- Component and instance types ---------------------------------------------------------------------------------- */

cj_status cj__decode_externtype(cj_decoder *d, cj_reader *r, cj_ast_externtype *out)
{
    uint8_t kind, bound;
    memset(out, 0, sizeof(*out));
    out->offset = cj__reader_offset(r);
    CJ_TRY(cj__read_byte(r, &kind, "an extern type"));
    uint64_t offset = cj__reader_offset(r);
    switch (kind) {
    case 0x00:
        out->sort = CJ_SORT_CORE_MODULE;
        CJ_TRY(cj__read_exact(r, 0x11, "the core sort of an extern type, module"));
        return cj__read_u32(r, &out->index, "a core type index");
    case 0x01:
        out->sort = CJ_SORT_FUNC;
        return cj__read_u32(r, &out->index, "a type index");
    case 0x02:
        out->sort = CJ_SORT_VALUE;
        CJ_TRY(cj__read_byte(r, &bound, "a value bound"));
        out->bound = bound == 0x00 ? CJ_BOUND_EQ : CJ_BOUND_TYPE;
        if (bound == 0x00)
            return cj__read_u32(r, &out->index, "a value index");
        if (bound == 0x01)
            return cj__decode_valtype(d, r, &out->value);
        return cj__decode_unexpected(d, offset, bound, "a value bound (0x00 or 0x01)");
    case 0x03:
        out->sort = CJ_SORT_TYPE;
        CJ_TRY(cj__read_byte(r, &bound, "a type bound"));
        out->bound = bound == 0x00 ? CJ_BOUND_EQ : CJ_BOUND_SUB;
        if (bound == 0x00)
            return cj__read_u32(r, &out->index, "a type index");
        return bound == 0x01 ? CJ_OK : cj__decode_unexpected(d, offset, bound, "a type bound (0x00 or 0x01)");
    case 0x04:
        out->sort = CJ_SORT_COMPONENT;
        return cj__read_u32(r, &out->index, "a type index");
    case 0x05:
        out->sort = CJ_SORT_INSTANCE;
        return cj__read_u32(r, &out->index, "a type index");
    default:
        return cj__decode_unexpected(d, out->offset, kind, "an extern type (0x00 to 0x05)");
    }
}

static cj_status decode_decl(cj_decoder *d, cj_reader *r, bool in_component, cj_decode_scope *scope, cj_ast_decl *decl)
{
    uint8_t kind;
    CJ_TRY(cj__read_byte(r, &kind, "a declaration"));
    switch (kind) {
    case 0x00:
        decl->kind = CJ_DECL_CORE_TYPE;
        return cj__decode_core_type(d, r, false, &decl->of.core_type);
    case 0x01:
        decl->kind = CJ_DECL_TYPE;
        return cj__decode_type(d, r, true, &decl->of.type);
    case 0x02:
        decl->kind = CJ_DECL_ALIAS;
        return cj__decode_alias(d, r, true, &decl->of.alias);
    case 0x03:
        if (!in_component)
            return cj__decode_unexpected(d, decl->offset, kind,
                                         "a declaration of an instance type, which has no imports");
        decl->kind = CJ_DECL_IMPORT;
        return cj__decode_import(d, r, scope, false, &decl->of.import);
    case 0x04:
        decl->kind = CJ_DECL_EXPORT;
        return cj__decode_import(d, r, scope, true, &decl->of.import);
    default:
        return cj__decode_unexpected(d, decl->offset, kind, "a declaration (0x00 to 0x04)");
    }
}

static cj_status decode_decl_list(cj_decoder *d, cj_reader *r, bool in_component, cj_decode_scope *scope,
                                  cj_ast_decls *out)
{
    size_t base = d->decls.len;
    uint32_t count;
    CJ_TRY(cj__decode_count(d, r, 0, NULL, &count, "declarations"));
    for (uint32_t i = 0; i < count; i++) {
        cj_ast_decl decl;
        memset(&decl, 0, sizeof(decl));
        decl.offset = cj__reader_offset(r);
        CJ_TRY(decode_decl(d, r, in_component, scope, &decl));
        CJ_PUSH(d, decls, decl);
    }
    return CJ_KEEP(d, decls, base, &out->at, &out->len);
}

static cj_status decode_decls(cj_decoder *d, cj_reader *r, bool in_component, cj_ast_decls *out)
{
    CJ_TRY(cj__decode_enter(d, cj__reader_offset(r)));
    cj_decode_scope scope = cj__decode_scope(d);
    cj_status status = decode_decl_list(d, r, in_component, &scope, out);
    cj__decode_scope_free(&scope);
    d->depth--;
    return status;
}

/* -- Type definitions ---------------------------------------------------------------------------------------------- */

static bool find_kind(uint8_t byte, cj_deftype_kind *out)
{
    static const uint8_t bytes[] = {
#define CJ_X(name, byte, text) byte,
        CJ_DEFTYPE_MAP(CJ_X)
#undef CJ_X
    };
    for (size_t i = 0; i < CJ_COUNT(bytes); i++) {
        if (bytes[i] == byte && i != CJ_DEFTYPE_PRIM) {
            *out = (cj_deftype_kind)i;
            return true;
        }
    }
    *out = CJ_DEFTYPE_PRIM;
    return is_primitive(byte);
}

static cj_status decode_deftype(cj_decoder *d, cj_reader *r, bool in_type, cj_ast_typedef *type)
{
    uint8_t byte;
    CJ_TRY(cj__read_byte(r, &byte, "a type"));
    if (!find_kind(byte, &type->kind))
        return cj__decode_unexpected(d, type->offset, byte, "a type");
    switch (type->kind) {
    case CJ_DEFTYPE_PRIM:
        type->elem = (cj_ast_valtype){.present = true, .prim = byte, .offset = type->offset};
        return CJ_OK;
    case CJ_DEFTYPE_RECORD:
        return decode_members(d, r, LABELS_TYPED, "record field", type);
    case CJ_DEFTYPE_VARIANT:
        return decode_members(d, r, LABELS_CASES, "variant case", type);
    case CJ_DEFTYPE_LIST:
    case CJ_DEFTYPE_OPTION:
        return cj__decode_valtype(d, r, &type->elem);
    case CJ_DEFTYPE_FIXED_LIST:
        return decode_fixed_list(d, r, type);
    case CJ_DEFTYPE_TUPLE:
        return decode_members(d, r, LABELS_UNNAMED, "tuple element", type);
    case CJ_DEFTYPE_FLAGS:
        return decode_flags(d, r, type);
    case CJ_DEFTYPE_ENUM:
        return decode_members(d, r, LABELS_BARE, "enum case", type);
    case CJ_DEFTYPE_RESULT:
        CJ_TRY(decode_optional_valtype(d, r, &type->elem, "the flag of a result's type"));
        return decode_optional_valtype(d, r, &type->second, "the flag of a result's error type");
    case CJ_DEFTYPE_OWN:
    case CJ_DEFTYPE_BORROW:
        return cj__read_u32(r, &type->index, "the type index of a resource");
    case CJ_DEFTYPE_STREAM:
    case CJ_DEFTYPE_FUTURE:
        return decode_optional_valtype(d, r, &type->elem, "the flag of an element type");
    case CJ_DEFTYPE_MAP:
        return decode_map(d, r, type);
    case CJ_DEFTYPE_RESOURCE:
        return decode_resource(d, r, in_type, type);
    case CJ_DEFTYPE_FUNC:
    case CJ_DEFTYPE_ASYNC_FUNC:
        return decode_func(d, r, type);
    case CJ_DEFTYPE_COMPONENT:
        return decode_decls(d, r, true, &type->decls);
    case CJ_DEFTYPE_INSTANCE:
        return decode_decls(d, r, false, &type->decls);
    case CJ_DEFTYPE_COUNT:
        break;
    }
    return cj__fail(d->err, CJ_INTERNAL, "type kind %d", (int)type->kind);
}

cj_status cj__decode_type(cj_decoder *d, cj_reader *r, bool in_type, cj_ast_typedef **out)
{
    cj_ast_typedef *type = CJ_ARENA_NEW(d->arena, cj_ast_typedef);
    if (!type)
        return cj__fail_nomem(d->err);
    type->offset = cj__reader_offset(r);
    *out = type;
    return decode_deftype(d, r, in_type, type);
}
