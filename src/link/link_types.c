/* link_types.c: type definitions as values, and matching: what is declared of an import, export or argument against
 * what there is.
 *
 * Place in the pipeline and the model: link_eval.h.
 * Spec: Explainer, "Type Definitions", "Type Checking"; Binary.md, notes on types.
 */
#include "link/link_eval.h"

#include <inttypes.h>
#include <stdio.h>

#define FORMAT_ROOM 88 /* of each of the two types in an error */

/* -- Words for errors -------------------------------------------------------------------------------------------- */

const char *cj__type_val_text(const cj_type_val *type)
{
    static const char *const kinds[] = {
#define CJ_X(name, wit) [CJ_KIND_##name] = wit,
        CJ_KIND_MAP(CJ_X)
#undef CJ_X
    };
    switch (type->kind) {
    case CJ_TYPE_VALUE:
        return type->value.type ? kinds[type->value.type->kind] : type->value.gate ? type->value.gate : "value type";
    case CJ_TYPE_FUNC:
        return "function type";
    case CJ_TYPE_RESOURCE:
        return "resource type";
    case CJ_TYPE_INSTANCE:
        return "instance type";
    case CJ_TYPE_COMPONENT:
        return "component type";
    }
    return "";
}

const char *cj__sort_text(cj_sort sort)
{
    static const char *const texts[] = {
#define CJ_X(name, core, component, text) "a " text,
        CJ_SORT_MAP(CJ_X)
#undef CJ_X
    };
    return sort == CJ_SORT_INSTANCE ? "an instance" : texts[sort];
}

static void format_type(const cj_type_val *type, char *buffer, size_t size)
{
    if (type->kind == CJ_TYPE_VALUE && type->value.type)
        cj__type_format(type->value.type, buffer, size);
    else if (type->kind == CJ_TYPE_FUNC && type->func)
        cj__functype_format(type->func, buffer, size);
    else
        snprintf(buffer, size, "%s", cj__type_val_text(type));
}

const char *cj__functype_gate(const cj_type_val *type)
{
    if (type->value.gate)
        return type->value.gate;
    if (type->is_async)
        return "async function types";
    return NULL;
}

/* -- Value types ------------------------------------------------------------------------------------------------- */

/* Errors of the interner lack the place. */
static cj_status no_type(cj_eval *ev, uint64_t offset)
{
    ev->err->offset = offset;
    return ev->err->status;
}

static cj_status represented(cj_eval *ev, const cj_type *type, uint64_t offset, cj_valtype *out)
{
    if (!type)
        return no_type(ev, offset);
    out->type = type;
    out->size64 = type->size64;
    out->align64 = type->align64;
    return CJ_OK;
}

/* A type that is a handle in guests. */
static void gated(cj_valtype *out, const char *gate)
{
    out->gate = gate;
    out->size64 = out->align64 = 4;
}

static bool scalar_kind(uint8_t prim, cj_kind *out)
{
    static const cj_kind kinds[] = {CJ_KIND_STRING, CJ_KIND_CHAR, CJ_KIND_F64, CJ_KIND_F32, CJ_KIND_U64,
                                    CJ_KIND_S64,    CJ_KIND_U32,  CJ_KIND_S32, CJ_KIND_U16, CJ_KIND_S16,
                                    CJ_KIND_U8,     CJ_KIND_S8,   CJ_KIND_BOOL};
    enum { FIRST = 0x73 };
    if (prim < FIRST || prim - FIRST >= (int)CJ_COUNT(kinds))
        return false;
    *out = kinds[prim - FIRST];
    return true;
}

cj_status cj__eval_get_type(cj_eval *ev, const cj_scope *scope, uint32_t index, uint64_t offset, cj_type_val_kind kind,
                            const char *wanted, const cj_type_val **out)
{
    cj_entity entity;
    CJ_TRY(cj__scope_get(ev, scope, CJ_SORT_TYPE, index, offset, &entity));
    if (entity.of.type->kind != kind) {
        char text[FORMAT_ROOM];
        format_type(entity.of.type, text, sizeof(text));
        return cj__fail_at(ev->err, CJ_INVALID, offset, "type %u is not %s, but `%s`", index, wanted, text);
    }
    *out = entity.of.type;
    return CJ_OK;
}

cj_status cj__eval_valtype(cj_eval *ev, const cj_scope *scope, const cj_ast_valtype *ast, cj_valtype *out)
{
    if (ast->is_index) {
        const cj_type_val *type;
        CJ_TRY(cj__eval_get_type(ev, scope, ast->index, ast->offset, CJ_TYPE_VALUE, "a value type", &type));
        *out = type->value;
        return CJ_OK;
    }
    *out = (cj_valtype){.min_resource = CJ_NO_RESOURCE};
    cj_kind kind;
    if (!scalar_kind(ast->prim, &kind)) {
        gated(out, "error-context");
        return CJ_OK;
    }
    return represented(ev, cj__type_scalar(ev->types, kind, ev->err), ast->offset, out);
}

/* What a type inherits from one that it contains. */
static void inherit(cj_valtype *to, const cj_valtype *from)
{
    if (!to->gate)
        to->gate = from->gate;
    to->min_resource = cj__min_resource(to->min_resource, from->min_resource);
    to->has_borrow |= from->has_borrow;
    to->sum = cj__align_up(to->sum, from->align64) + from->size64;
    to->payload = from->size64 > to->payload ? from->size64 : to->payload;
    to->align64 = from->align64 > to->align64 ? from->align64 : to->align64;
}

static cj_status member(cj_eval *ev, const cj_scope *scope, const cj_ast_valtype *ast, cj_valtype *whole,
                        const cj_type **out)
{
    *out = NULL;
    if (!ast->present)
        return CJ_OK;
    cj_valtype type;
    CJ_TRY(cj__eval_valtype(ev, scope, ast, &type));
    inherit(whole, &type);
    *out = type.type;
    return CJ_OK;
}

/* The layout of what the interner does not know, for the limit on sizes that holds for every value type. */
static cj_status lay_out_gated(cj_eval *ev, cj_kind kind, const char *name, uint32_t count, uint64_t offset,
                               cj_valtype *whole)
{
    uint32_t disc = kind == CJ_KIND_OPTION || count <= 256 ? 1 : count <= 65536 ? 2 : 4;
    if (kind == CJ_KIND_LIST) {
        whole->size64 = 16;
        whole->align64 = 8;
    } else if (kind == CJ_KIND_RECORD || kind == CJ_KIND_TUPLE) {
        whole->size64 = cj__align_up(whole->sum, whole->align64);
    } else {
        whole->size64 = cj__align_up(disc, whole->align64) + whole->payload;
        whole->align64 = whole->align64 > disc ? whole->align64 : disc;
        whole->size64 = cj__align_up(whole->size64, whole->align64);
    }
    if (whole->size64 <= CJ_MAX_BYTES)
        return CJ_OK;
    return cj__fail_at(ev->err, CJ_INVALID, offset,
                       "a %s of %" PRIu64 " bytes is larger than a value can be, %d bytes (with 64-bit pointers)", name,
                       whole->size64, CJ_MAX_BYTES);
}

static cj_status make(cj_eval *ev, cj_kind kind, const cj_param *members, uint32_t count, uint64_t offset,
                      cj_valtype *whole)
{
    if (whole->gate)
        return lay_out_gated(ev, kind, cj_kind_name(kind), count, offset, whole);
    return represented(ev, cj__type_make(ev->types, kind, members, count, ev->err), offset, whole);
}

/* record, variant, tuple, flags, enum: and the parameters of a function, which become no type of their own (`kind`
 * CJ_KIND_COUNT). The members are left in the arena. */
static cj_status members_of(cj_eval *ev, const cj_scope *scope, const cj_ast_labels *labels, uint64_t offset,
                            cj_valtype *whole, cj_param **out)
{
    CJ_TRY(cj__eval_charge(ev, labels->len / 8, offset));
    cj_param *members = CJ_EVAL_ARRAY(ev, cj_param, labels->len);
    if (!members)
        return CJ_NO_MEMORY;
    for (uint32_t i = 0; i < labels->len; i++) {
        members[i].name = labels->at[i].label;
        CJ_TRY(member(ev, scope, &labels->at[i].type, whole, &members[i].type));
    }
    *out = members;
    return CJ_OK;
}

static cj_status labelled(cj_eval *ev, const cj_scope *scope, const cj_ast_typedef *def, cj_kind kind, cj_valtype *out)
{
    cj_arena_mark mark = cj__arena_mark(ev->arena);
    cj_param *members;
    CJ_TRY(members_of(ev, scope, &def->labels, def->offset, out, &members));
    CJ_TRY(make(ev, kind, members, def->labels.len, def->offset, out));
    cj__arena_release(ev->arena, mark);
    return CJ_OK;
}

static cj_status handle(cj_eval *ev, const cj_scope *scope, const cj_ast_typedef *def, cj_kind kind, cj_valtype *out)
{
    const cj_type_val *resource;
    CJ_TRY(cj__eval_get_type(ev, scope, def->index, def->offset, CJ_TYPE_RESOURCE, "a resource type", &resource));
    out->min_resource = resource->resource;
    out->has_borrow = kind == CJ_KIND_BORROW;
    if (resource->value.gate) {
        gated(out, resource->value.gate);
        return CJ_OK;
    }
    return represented(ev, cj__type_handle(ev->types, kind, resource->resource, ev->err), def->offset, out);
}

static bool is_key_type(const cj_type *type)
{
    return type && type->kind <= CJ_KIND_STRING && type->kind != CJ_KIND_F32 && type->kind != CJ_KIND_F64;
}

/* map<K, V> is list<tuple<K, V>> (spec, "Despecialization"). */
static cj_status map(cj_eval *ev, const cj_scope *scope, const cj_ast_typedef *def, cj_valtype *out)
{
    cj_param pair[2] = {{CJ_STR(""), NULL}, {CJ_STR(""), NULL}};
    CJ_TRY(member(ev, scope, &def->elem, out, &pair[0].type));
    if (!is_key_type(pair[0].type))
        return cj__fail_at(ev->err, CJ_INVALID, def->offset,
                           "a map's key must be bool, an integer, char or string, not `%s`",
                           pair[0].type ? cj_kind_name(pair[0].type->kind) : "error-context");
    CJ_TRY(member(ev, scope, &def->second, out, &pair[1].type));
    if (out->gate)
        return lay_out_gated(ev, CJ_KIND_LIST, "map", 1, def->offset, out);
    CJ_TRY(make(ev, CJ_KIND_TUPLE, pair, 2, def->offset, out));
    const cj_param elem = {CJ_STR(""), out->type};
    return make(ev, CJ_KIND_LIST, &elem, 1, def->offset, out);
}

/* stream and future: their element may hold no borrow, and not yet be a char. */
static cj_status channel(cj_eval *ev, const cj_scope *scope, const cj_ast_typedef *def, const char *gate,
                         cj_type_val *type)
{
    gated(&type->value, gate);
    if (!def->elem.present)
        return CJ_OK;
    cj_valtype *elem = CJ_EVAL_NEW(ev, cj_valtype);
    if (!elem)
        return CJ_NO_MEMORY;
    CJ_TRY(cj__eval_valtype(ev, scope, &def->elem, elem));
    if (elem->has_borrow)
        return cj__fail_at(ev->err, CJ_INVALID, def->offset, "the element of %s may not contain a borrow", gate);
    if (def->kind == CJ_DEFTYPE_STREAM && elem->type && elem->type->kind == CJ_KIND_CHAR)
        return cj__fail_at(ev->err, CJ_INVALID, def->offset, "stream<char> is not allowed; use stream<u8>");
    type->elem = elem;
    type->value.min_resource = elem->min_resource;
    return CJ_OK;
}

static cj_status value_typedef(cj_eval *ev, const cj_scope *scope, const cj_ast_typedef *def, cj_type_val *type)
{
    cj_valtype *out = &type->value;
    cj_param members[2] = {{CJ_STR(""), NULL}, {CJ_STR(""), NULL}};
    switch (def->kind) {
    case CJ_DEFTYPE_PRIM:
        return cj__eval_valtype(ev, scope, &def->elem, out);
    case CJ_DEFTYPE_RECORD:
        return labelled(ev, scope, def, CJ_KIND_RECORD, out);
    case CJ_DEFTYPE_VARIANT:
        return labelled(ev, scope, def, CJ_KIND_VARIANT, out);
    case CJ_DEFTYPE_TUPLE:
        return labelled(ev, scope, def, CJ_KIND_TUPLE, out);
    case CJ_DEFTYPE_FLAGS:
        return labelled(ev, scope, def, CJ_KIND_FLAGS, out);
    case CJ_DEFTYPE_ENUM:
        return labelled(ev, scope, def, CJ_KIND_ENUM, out);
    case CJ_DEFTYPE_LIST:
    case CJ_DEFTYPE_OPTION:
        CJ_TRY(member(ev, scope, &def->elem, out, &members[0].type));
        return make(ev, def->kind == CJ_DEFTYPE_LIST ? CJ_KIND_LIST : CJ_KIND_OPTION, members, 1, def->offset, out);
    case CJ_DEFTYPE_RESULT:
        CJ_TRY(member(ev, scope, &def->elem, out, &members[0].type));
        CJ_TRY(member(ev, scope, &def->second, out, &members[1].type));
        return make(ev, CJ_KIND_RESULT, members, 2, def->offset, out);
    case CJ_DEFTYPE_OWN:
        return handle(ev, scope, def, CJ_KIND_OWN, out);
    case CJ_DEFTYPE_BORROW:
        return handle(ev, scope, def, CJ_KIND_BORROW, out);
    case CJ_DEFTYPE_MAP:
        return map(ev, scope, def, out);
    case CJ_DEFTYPE_STREAM:
        return channel(ev, scope, def, "streams", type);
    case CJ_DEFTYPE_FUTURE:
        return channel(ev, scope, def, "futures", type);
    case CJ_DEFTYPE_FIXED_LIST:
        CJ_TRY(member(ev, scope, &def->elem, out, &members[0].type));
        out->sum = out->sum > CJ_MAX_BYTES || def->index > CJ_MAX_BYTES ? UINT32_MAX : out->sum * def->index;
        out->type = NULL;
        if (!out->gate)
            out->gate = "fixed-length lists";
        return lay_out_gated(ev, CJ_KIND_TUPLE, "fixed-length list", 1, def->offset, out);
    default:
        return cj__fail_at(ev->err, CJ_INTERNAL, def->offset, "type definition of kind %d is no value type",
                           (int)def->kind);
    }
}

/* -- Other types ------------------------------------------------------------------------------------------------- */

static cj_status func_typedef(cj_eval *ev, const cj_scope *scope, const cj_ast_typedef *def, cj_type_val *type)
{
    cj_arena_mark mark = cj__arena_mark(ev->arena);
    cj_param *params;
    const cj_type *result;
    CJ_TRY(members_of(ev, scope, &def->labels, def->offset, &type->value, &params));
    cj_valtype result_type = {.min_resource = CJ_NO_RESOURCE};
    CJ_TRY(member(ev, scope, &def->elem, &result_type, &result));
    if (result_type.has_borrow)
        return cj__fail_at(ev->err, CJ_INVALID, def->offset, "a function's result may not contain a borrow");
    inherit(&type->value, &result_type);
    type->kind = CJ_TYPE_FUNC;
    type->is_async = def->kind == CJ_DEFTYPE_ASYNC_FUNC;
    if (!type->value.gate) {
        type->func = cj__functype_make(ev->types, params, def->labels.len, result, type->is_async, ev->err);
        if (!type->func)
            return no_type(ev, def->offset);
    }
    cj__arena_release(ev->arena, mark);
    return CJ_OK;
}

static cj_status resource_typedef(cj_eval *ev, const cj_scope *scope, const cj_ast_typedef *def, cj_type_val *type)
{
    static const uint8_t i32[] = {CJ_CORE_I32}, i64[] = {CJ_CORE_I64};
    type->kind = CJ_TYPE_RESOURCE;
    type->resource = type->value.min_resource = ++ev->resource_count;
    type->defined_in = scope;
    if (def->rep != CJ_CORE_I32)
        type->value.gate = "memory64";
    const cj_core_item *dtor_item = NULL;
    if (def->has_dtor) {
        cj_entity dtor;
        const cj_core_functype wanted = {def->rep == CJ_CORE_I32 ? i32 : i64, NULL, 1, 0};
        CJ_TRY(cj__scope_get(ev, scope, CJ_SORT_CORE_FUNC, def->dtor, def->offset, &dtor));
        const cj_core_desc *desc = &dtor.of.item->type;
        if (!desc->unknown && !cj__core_functype_equal(&wanted, &desc->func)) {
            char text[FORMAT_ROOM];
            return cj__fail_at(ev->err, CJ_INVALID, def->offset,
                               "a resource's destructor must be (func (param %s)), this one is (func%s)",
                               def->rep == CJ_CORE_I32 ? "i32" : "i64",
                               cj__core_functype_text(&desc->func, text, sizeof(text)));
        }
        dtor_item = dtor.of.item;
    }
    if (!scope->live)
        return CJ_OK;
    const cj_live_resource live = {
        .resource = type->resource, .part = scope->part, .dtor = dtor_item, .offset = def->offset};
    return CJ_VEC_PUSH(ev->alloc, &ev->resources, live) ? CJ_OK : cj__eval_nomem(ev);
}

/* The closure; checked by running it with everything abstract. Resource types that the run itself brings forth are
 * not mentioned by the type: each use has its own. */
static cj_status scope_typedef(cj_eval *ev, cj_scope *scope, const cj_ast_typedef *def, cj_type_val *type)
{
    type->kind = def->kind == CJ_DEFTYPE_INSTANCE ? CJ_TYPE_INSTANCE : CJ_TYPE_COMPONENT;
    type->decls = &def->decls;
    type->outer = scope;
    if (!scope->check)
        return CJ_OK;
    uint32_t fresh = ev->resource_count + 1;
    const cj_bind bind = {.offset = def->offset};
    const cj_decl_run run = {.check = true, .bind = &bind};
    cj_scope *ran;
    CJ_TRY(cj__eval_decls(ev, type, &run, &ran));
    uint32_t min = cj__min_resource(cj__names_min_resource(&ran->imports), cj__names_min_resource(&ran->exports));
    type->value.min_resource = min < fresh ? min : CJ_NO_RESOURCE;
    return CJ_OK;
}

cj_status cj__eval_typedef(cj_eval *ev, cj_scope *scope, const cj_ast_typedef *def, const cj_type_val **out)
{
    cj_type_val *type = CJ_EVAL_NEW(ev, cj_type_val);
    if (!type)
        return CJ_NO_MEMORY;
    type->value.min_resource = CJ_NO_RESOURCE;
    *out = type;
    switch (def->kind) {
    case CJ_DEFTYPE_FUNC:
    case CJ_DEFTYPE_ASYNC_FUNC:
        return func_typedef(ev, scope, def, type);
    case CJ_DEFTYPE_RESOURCE:
        return resource_typedef(ev, scope, def, type);
    case CJ_DEFTYPE_INSTANCE:
    case CJ_DEFTYPE_COMPONENT:
        return scope_typedef(ev, scope, def, type);
    default:
        type->kind = CJ_TYPE_VALUE;
        type->def = def->kind;
        return value_typedef(ev, scope, def, type);
    }
}

/* -- Equality ---------------------------------------------------------------------------------------------------- */

static cj_status match_component(cj_eval *ev, const cj_type_val *expected, const cj_component_val *actual,
                                 const cj_bind *bind);

/* Whether whatever has type `a` may stand where `b` is asked for. A mismatch is an error of kind CJ_INVALID. */
static cj_status subtype(cj_eval *ev, const cj_type_val *a, const cj_type_val *b, uint64_t offset)
{
    const cj_bind bind = {.offset = offset};
    if (a->kind == CJ_TYPE_COMPONENT) {
        const cj_component_val abstract = {.type = a, .offset = offset};
        return match_component(ev, b, &abstract, &bind);
    }
    cj_scope *from, *ran;
    const cj_decl_run abstract = {.bind = &bind};
    CJ_TRY(cj__eval_decls(ev, a, &abstract, &from));
    const cj_decl_run match = {.actual = &from->exports, .bind = &bind};
    return cj__eval_decls(ev, b, &match, &ran);
}

cj_status cj__eval_types_equal(cj_eval *ev, const cj_type_val *a, const cj_type_val *b, uint64_t offset, bool *out)
{
    *out = false;
    if (a == b) {
        *out = true;
        return CJ_OK;
    }
    if (a->kind != b->kind)
        return CJ_OK;
    switch (a->kind) {
    case CJ_TYPE_VALUE:
        *out = a->value.type == b->value.type && (!a->value.gate) == (!b->value.gate) &&
               (!a->value.gate || strcmp(a->value.gate, b->value.gate) == 0);
        return CJ_OK;
    case CJ_TYPE_FUNC:
        *out = a->func == b->func && a->is_async == b->is_async && (!a->value.gate) == (!b->value.gate);
        return CJ_OK;
    case CJ_TYPE_RESOURCE:
        *out = a->resource == b->resource;
        return CJ_OK;
    case CJ_TYPE_INSTANCE:
    case CJ_TYPE_COMPONENT:
        break;
    }
    uint32_t depth = ev->depth;
    cj_status status = subtype(ev, a, b, offset);
    if (status == CJ_OK)
        status = subtype(ev, b, a, offset);
    ev->depth = depth;
    *out = status == CJ_OK;
    if (status != CJ_INVALID)
        return status;
    cj__error_clear(ev->err);
    return CJ_OK;
}

/* -- Binding ----------------------------------------------------------------------------------------------------- */

static cj_status mismatch(cj_eval *ev, const cj_type_val *expected, const cj_type_val *actual, const cj_bind *bind)
{
    char want[FORMAT_ROOM], have[FORMAT_ROOM];
    if (expected->kind == CJ_TYPE_RESOURCE && actual->kind == CJ_TYPE_RESOURCE)
        return cj__fail_at(
            ev->err, CJ_INVALID, bind->offset,
            "expected another resource type for `%.*s` (each definition, import and ascription makes its own)",
            CJ_STR_ARG(bind->name));
    format_type(expected, want, sizeof(want));
    format_type(actual, have, sizeof(have));
    if (strcmp(want, have) == 0)
        return cj__fail_at(ev->err, CJ_INVALID, bind->offset,
                           "expected type `%s`, found one that reads the same but differs inside", want);
    return cj__fail_at(ev->err, CJ_INVALID, bind->offset, "expected type `%s`, found `%s`", want, have);
}

static cj_status bind_func(cj_eval *ev, cj_scope *scope, const cj_ast_externtype *ext, const cj_bind *bind,
                           cj_entity *out)
{
    const cj_type_val *type;
    CJ_TRY(cj__eval_get_type(ev, scope, ext->index, ext->offset, CJ_TYPE_FUNC, "a function type", &type));
    if (bind->actual) {
        bool equal;
        const cj_type_val *actual = bind->actual->of.func->type;
        CJ_TRY(cj__eval_types_equal(ev, type, actual, bind->offset, &equal));
        if (!equal)
            return mismatch(ev, type, actual, bind);
        *out = *bind->actual;
        return CJ_OK;
    }
    cj_func_val *func = CJ_EVAL_NEW(ev, cj_func_val);
    if (!func)
        return CJ_NO_MEMORY;
    func->origin = CJ_FUNC_ABSTRACT;
    func->part = CJ_NONE;
    func->type = type;
    func->offset = bind->offset;
    if (bind->host) {
        func->origin = CJ_FUNC_HOST;
        func->import = (uint32_t)ev->imports.len;
        if (!CJ_VEC_PUSH(ev->alloc, &ev->imports, (cj_host_import){bind->interface, bind->name, type}))
            return cj__eval_nomem(ev);
    }
    *out = (cj_entity){CJ_SORT_FUNC, {.func = func}};
    return CJ_OK;
}

static cj_status fresh_resource(cj_eval *ev, const cj_bind *bind, const cj_type_val *real, cj_entity *out)
{
    cj_type_val *type = CJ_EVAL_NEW(ev, cj_type_val);
    if (!type)
        return CJ_NO_MEMORY;
    type->kind = CJ_TYPE_RESOURCE;
    type->resource = type->value.min_resource = ++ev->resource_count;
    type->underlying = real;
    *out = (cj_entity){CJ_SORT_TYPE, {.type = type}};
    if (!real && !bind->host)
        return CJ_OK;
    const cj_live_resource live = {.resource = type->resource,
                                   .underlying = real ? real->resource : 0,
                                   .part = CJ_NONE,
                                   .interface = bind->interface,
                                   .name = bind->name,
                                   .offset = bind->offset};
    return CJ_VEC_PUSH(ev->alloc, &ev->resources, live) ? CJ_OK : cj__eval_nomem(ev);
}

static cj_status bind_type(cj_eval *ev, cj_scope *scope, const cj_ast_externtype *ext, const cj_bind *bind,
                           cj_entity *out)
{
    if (ext->bound == CJ_BOUND_SUB) {
        if (bind->actual && bind->actual->of.type->kind != CJ_TYPE_RESOURCE)
            return cj__fail_at(ev->err, CJ_INVALID, bind->offset, "expected a resource type for `%.*s`, found `%s`",
                               CJ_STR_ARG(bind->name), cj__type_val_text(bind->actual->of.type));
        if (!bind->actual || bind->ascribe)
            return fresh_resource(ev, bind, bind->actual ? bind->actual->of.type : NULL, out);
        *out = *bind->actual;
        return CJ_OK;
    }
    CJ_TRY(cj__scope_get(ev, scope, CJ_SORT_TYPE, ext->index, ext->offset, out));
    if (bind->actual) {
        bool equal;
        CJ_TRY(cj__eval_types_equal(ev, out->of.type, bind->actual->of.type, bind->offset, &equal));
        if (!equal)
            return mismatch(ev, out->of.type, bind->actual->of.type, bind);
        *out = *bind->actual; /* substitution: who made it shows in WIT texts */
    }
    return CJ_OK;
}

/* An abstract instance, or a view of the real one that shows what the type names. Ascription does not make the
 * resource types of an instance opaque: what it shows still has the types that it has. */
static cj_status bind_instance(cj_eval *ev, cj_scope *scope, const cj_ast_externtype *ext, const cj_bind *bind,
                               cj_entity *out)
{
    const cj_type_val *type;
    CJ_TRY(cj__eval_get_type(ev, scope, ext->index, ext->offset, CJ_TYPE_INSTANCE, "an instance type", &type));
    cj_bind inner = *bind;
    inner.actual = NULL;
    inner.ascribe = false;
    if (bind->host)
        CJ_TRY(cj__eval_join_path(ev, bind->interface, bind->name, &inner.interface));
    const cj_decl_run run = {.actual = bind->actual ? &bind->actual->of.instance->exports : NULL, .bind = &inner};
    cj_scope *ran;
    CJ_TRY(cj__eval_decls(ev, type, &run, &ran));
    return cj__eval_inst_new(ev, ran->exports, out);
}

static cj_status bind_component(cj_eval *ev, cj_scope *scope, const cj_ast_externtype *ext, const cj_bind *bind,
                                cj_entity *out)
{
    const cj_type_val *type;
    CJ_TRY(cj__eval_get_type(ev, scope, ext->index, ext->offset, CJ_TYPE_COMPONENT, "a component type", &type));
    if (bind->actual) {
        *out = *bind->actual;
        return match_component(ev, type, bind->actual->of.component, bind);
    }
    cj_component_val *component = CJ_EVAL_NEW(ev, cj_component_val);
    if (!component)
        return CJ_NO_MEMORY;
    *component = (cj_component_val){.type = type, .offset = bind->offset};
    *out = (cj_entity){CJ_SORT_COMPONENT, {.component = component}};
    return CJ_OK;
}

static cj_status bind_module(cj_eval *ev, cj_scope *scope, const cj_ast_externtype *ext, const cj_bind *bind,
                             cj_entity *out)
{
    cj_entity type;
    CJ_TRY(cj__scope_get(ev, scope, CJ_SORT_CORE_TYPE, ext->index, ext->offset, &type));
    if (type.of.core_type->kind != CJ_CORETYPE_MODULE)
        return cj__fail_at(ev->err, CJ_INVALID, ext->offset, "core type %u is not a module type", ext->index);
    *out = bind->actual ? *bind->actual : (cj_entity){CJ_SORT_CORE_MODULE, {.module = type.of.core_type->module}};
    return bind->actual ? cj__eval_match_module(ev, type.of.core_type->module, bind->actual->of.module, bind) : CJ_OK;
}

static cj_status bind_value(cj_eval *ev, cj_scope *scope, const cj_ast_externtype *ext, const cj_bind *bind,
                            cj_entity *out)
{
    cj_type_val *type = CJ_EVAL_NEW(ev, cj_type_val);
    if (!type)
        return CJ_NO_MEMORY;
    type->kind = CJ_TYPE_VALUE;
    if (ext->bound == CJ_BOUND_EQ) {
        cj_entity same;
        CJ_TRY(cj__scope_get(ev, scope, CJ_SORT_VALUE, ext->index, ext->offset, &same));
        type->value = same.of.type->value;
    } else {
        CJ_TRY(cj__eval_valtype(ev, scope, &ext->value, &type->value));
    }
    if (bind->actual) {
        bool equal;
        CJ_TRY(cj__eval_types_equal(ev, type, bind->actual->of.type, bind->offset, &equal));
        if (!equal)
            return mismatch(ev, type, bind->actual->of.type, bind);
    }
    *out = (cj_entity){CJ_SORT_VALUE, {.type = type}};
    return CJ_OK;
}

cj_status cj__eval_bind(cj_eval *ev, cj_scope *scope, const cj_ast_externtype *ext, const cj_bind *bind, cj_entity *out)
{
    if (bind->actual && bind->actual->sort != ext->sort)
        return cj__fail_at(ev->err, CJ_INVALID, bind->offset, "expected %s for `%.*s`, found %s",
                           cj__sort_text(ext->sort), CJ_STR_ARG(bind->name), cj__sort_text(bind->actual->sort));
    switch (ext->sort) {
    case CJ_SORT_FUNC:
        return bind_func(ev, scope, ext, bind, out);
    case CJ_SORT_TYPE:
        return bind_type(ev, scope, ext, bind, out);
    case CJ_SORT_INSTANCE:
        return bind_instance(ev, scope, ext, bind, out);
    case CJ_SORT_COMPONENT:
        return bind_component(ev, scope, ext, bind, out);
    case CJ_SORT_CORE_MODULE:
        return bind_module(ev, scope, ext, bind, out);
    case CJ_SORT_VALUE:
        return bind_value(ev, scope, ext, bind, out);
    default:
        return cj__fail_at(ev->err, CJ_INVALID, ext->offset, "%s cannot be imported or exported",
                           cj__sort_text(ext->sort));
    }
}

/* -- Instance and component types -------------------------------------------------------------------------------- */

static cj_status run_decl_import(cj_eval *ev, cj_scope *scope, const cj_decl_run *run, const cj_ast_import *import,
                                 uint64_t offset)
{
    cj_str name = import->name.name;
    cj_bind bind = {.name = name, .offset = run->check ? offset : run->bind->offset};
    if (run->args) {
        const cj_named *arg = cj__names_find(ev, run->args, name);
        if (!arg)
            return cj__fail_at(ev->err, CJ_INVALID, bind.offset,
                               "the component instantiated here imports `%.*s`, but there is no argument of that name",
                               CJ_STR_ARG(name));
        bind.actual = &arg->entity;
        bind.offset = arg->offset;
    }
    cj_entity entity;
    CJ_TRY(cj__eval_bind(ev, scope, &import->type, &bind, &entity));
    if (run->check)
        CJ_TRY(cj__eval_check_annotated(ev, &scope->imports, scope->imports.len, name, entity, offset));
    CJ_TRY(cj__names_add(ev, &scope->imports, name, entity, bind.offset, "import"));
    return cj__scope_push(ev, scope, entity);
}

static cj_status run_decl_export(cj_eval *ev, cj_scope *scope, const cj_decl_run *run, const cj_ast_import *export_,
                                 uint64_t offset)
{
    cj_str name = export_->name.name;
    cj_bind bind = *run->bind;
    bind.name = name;
    if (run->check)
        bind.offset = offset;
    if (run->actual) {
        const cj_named *found = cj__names_find(ev, run->actual, name);
        if (!found)
            return cj__fail_at(ev->err, CJ_INVALID, bind.offset,
                               "there is no export `%.*s` (%s), which the expected type has", CJ_STR_ARG(name),
                               cj__sort_text(export_->type.sort));
        bind.actual = &found->entity;
    }
    cj_entity entity;
    cj_status status = cj__eval_bind(ev, scope, &export_->type, &bind, &entity);
    if (status != CJ_OK && run->actual)
        cj__error_where(ev->err, "export `%.*s`", CJ_STR_ARG(name));
    CJ_TRY(status);
    if (run->check)
        CJ_TRY(cj__eval_check_annotated(ev, &scope->exports, scope->exports.len, name, entity, offset));
    CJ_TRY(cj__names_add(ev, &scope->exports, name, entity, bind.offset, "export"));
    return cj__scope_push(ev, scope, entity);
}

static cj_status run_decl(cj_eval *ev, cj_scope *scope, const cj_decl_run *run, const cj_ast_decl *decl)
{
    CJ_TRY(cj__eval_charge(ev, 1, decl->offset));
    switch (decl->kind) {
    case CJ_DECL_CORE_TYPE:
        return cj__eval_core_typedef(ev, scope, decl->of.core_type);
    case CJ_DECL_TYPE: {
        cj_entity type = {.sort = CJ_SORT_TYPE};
        CJ_TRY(cj__eval_typedef(ev, scope, decl->of.type, &type.of.type));
        return cj__scope_push(ev, scope, type);
    }
    case CJ_DECL_ALIAS:
        return cj__eval_alias(ev, scope, &decl->of.alias, decl->offset);
    case CJ_DECL_IMPORT:
        return run_decl_import(ev, scope, run, decl->of.import, decl->offset);
    case CJ_DECL_EXPORT:
        return run_decl_export(ev, scope, run, decl->of.import, decl->offset);
    }
    return CJ_OK;
}

cj_status cj__eval_decls(cj_eval *ev, const cj_type_val *type, const cj_decl_run *run, cj_scope **out)
{
    CJ_TRY(cj__eval_enter(ev, run->bind->offset));
    cj_scope_kind kind = type->kind == CJ_TYPE_INSTANCE ? CJ_SCOPE_INSTANCE_TYPE : CJ_SCOPE_COMPONENT_TYPE;
    cj_scope *scope = cj__scope_new(ev, kind, type->outer, run->bind->offset);
    if (!scope)
        return ev->err->status;
    scope->check = run->check;
    for (uint32_t i = 0; i < type->decls->len; i++)
        CJ_TRY(run_decl(ev, scope, run, &type->decls->at[i]));
    ev->depth--;
    *out = scope;
    return CJ_OK;
}

/* A component may stand in for one of another type when it can be instantiated with that type's imports and then
 * exports what that type exports: so do exactly that, with imports that are abstract. */
static cj_status match_component(cj_eval *ev, const cj_type_val *expected, const cj_component_val *actual,
                                 const cj_bind *bind)
{
    const cj_bind plain = {.offset = bind->offset};
    cj_scope *wanted, *given, *ran;
    const cj_decl_run imports = {.bind = &plain};
    CJ_TRY(cj__eval_decls(ev, expected, &imports, &wanted));
    const cj_run run = {.args = &wanted->imports, .offset = bind->offset};
    CJ_TRY(cj__eval_component(ev, actual, &run, &given));
    const cj_decl_run exports = {.args = &wanted->imports, .actual = &given->exports, .bind = &plain};
    return cj__eval_decls(ev, expected, &exports, &ran);
}
