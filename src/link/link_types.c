/* link_types.c: type definitions as values.
 *
 * Place in the pipeline and the model: link_eval.h. Non-goals: matching (link_bind.c).
 * Spec: Explainer, "Type Definitions"; Binary.md, notes on types.
 */
#include "link/link_eval.h"

#include <stdio.h>

/* -- Words for errors -------------------------------------------------------------------------------------------- */

const char *cj__type_val_text(const cj_type_val *type)
{
    switch (type->kind) {
    case CJ_TYPE_VALUE:
        return cj_kind_name(type->value->kind);
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

void cj__type_val_format(const cj_type_val *type, char *buffer, size_t size)
{
    if (type->kind == CJ_TYPE_VALUE)
        cj__type_format(type->value, buffer, size);
    else if (type->kind == CJ_TYPE_FUNC)
        cj__functype_format(type->func, buffer, size);
    else
        snprintf(buffer, size, "%s", cj__type_val_text(type));
}

const char *cj__functype_gate(const cj_type_val *type)
{
    if (type->func->gate)
        return type->func->gate;
    return type->func->is_async ? "async function types" : NULL;
}

/* -- Value types ------------------------------------------------------------------------------------------------- */

/* Errors of the interner lack the place. */
static cj_status made(cj_eval *ev, const cj_type *type, uint64_t offset, const cj_type **out)
{
    *out = type;
    if (type)
        return CJ_OK;
    ev->err->offset = offset;
    return ev->err->status;
}

static cj_kind primitive_kind(uint8_t prim)
{
    static const cj_kind kinds[] = {CJ_KIND_STRING, CJ_KIND_CHAR, CJ_KIND_F64, CJ_KIND_F32, CJ_KIND_U64,
                                    CJ_KIND_S64,    CJ_KIND_U32,  CJ_KIND_S32, CJ_KIND_U16, CJ_KIND_S16,
                                    CJ_KIND_U8,     CJ_KIND_S8,   CJ_KIND_BOOL};
    enum { FIRST = 0x73 };
    return prim < FIRST ? CJ_KIND_ERROR_CONTEXT : kinds[prim - FIRST];
}

cj_status cj__eval_get_type(cj_eval *ev, const cj_scope *scope, uint32_t index, uint64_t offset, cj_type_val_kind kind,
                            const char *wanted, const cj_type_val **out)
{
    cj_entity entity;
    CJ_TRY(cj__scope_get(ev, scope, CJ_SORT_TYPE, index, offset, &entity));
    if (entity.of.type->kind != kind) {
        char text[CJ_TYPE_ROOM];
        cj__type_val_format(entity.of.type, text, sizeof(text));
        return cj__fail_at(ev->err, CJ_INVALID, offset, "type %u is not %s, but `%s`", index, wanted, text);
    }
    *out = entity.of.type;
    return CJ_OK;
}

cj_status cj__eval_valtype(cj_eval *ev, const cj_scope *scope, const cj_ast_valtype *ast, const cj_type **out,
                           const cj_type_val **use)
{
    *out = NULL;
    *use = NULL;
    if (!ast->present)
        return CJ_OK;
    if (!ast->is_index)
        return made(ev, cj__type_scalar(ev->types, primitive_kind(ast->prim), ev->err), ast->offset, out);
    CJ_TRY(cj__eval_get_type(ev, scope, ast->index, ast->offset, CJ_TYPE_VALUE, "a value type", use));
    *out = (*use)->value;
    return CJ_OK;
}

/* Room for `count` uses, to be filled by and by. */
static const cj_type_val **reserve_uses(cj_eval *ev, cj_type_val *type, uint32_t count, uint64_t offset)
{
    if (cj__eval_charge(ev, count / 8, offset) != CJ_OK)
        return NULL;
    const cj_type_val **uses = CJ_EVAL_ARRAY(ev, const cj_type_val *, count);
    type->uses = uses;
    type->use_count = count;
    return uses;
}

/* The members of a record, variant, tuple, flags or enum, or the parameters of a function. `uses` has room for them. They
 * are left in the arena, to be released. */
static cj_status members_of(cj_eval *ev, const cj_scope *scope, const cj_ast_labels *labels, const cj_type_val **uses,
                            cj_param **out)
{
    cj_param *members = *out = CJ_EVAL_ARRAY(ev, cj_param, labels->len);
    if (!members)
        return CJ_NO_MEMORY;
    for (uint32_t i = 0; i < labels->len; i++) {
        members[i].name = labels->at[i].label;
        CJ_TRY(cj__eval_valtype(ev, scope, &labels->at[i].type, &members[i].type, &uses[i]));
    }
    return CJ_OK;
}

static cj_status labelled(cj_eval *ev, const cj_scope *scope, const cj_ast_typedef *def, cj_kind kind,
                          cj_type_val *type)
{
    cj_param *members;
    const cj_type_val **uses = reserve_uses(ev, type, def->labels.len, def->offset);
    if (!uses)
        return ev->err->status;
    cj_arena_mark mark = cj__arena_mark(ev->arena);
    CJ_TRY(members_of(ev, scope, &def->labels, uses, &members));
    const cj_type *whole = cj__type_make(ev->types, kind, members, def->labels.len, ev->err);
    cj__arena_release(ev->arena, mark);
    return made(ev, whole, def->offset, &type->value);
}

static cj_status handle(cj_eval *ev, const cj_scope *scope, const cj_ast_typedef *def, cj_kind kind, cj_type_val *type)
{
    const cj_type_val **uses = reserve_uses(ev, type, 1, def->offset);
    if (!uses)
        return ev->err->status;
    CJ_TRY(cj__eval_get_type(ev, scope, def->index, def->offset, CJ_TYPE_RESOURCE, "a resource type", &uses[0]));
    return made(ev, cj__type_handle(ev->types, kind, uses[0]->resource, ev->err), def->offset, &type->value);
}

/* list, option, result, map, stream, future, fixed-length list. */
static cj_status generic(cj_eval *ev, const cj_scope *scope, const cj_ast_typedef *def, cj_kind kind, cj_type_val *type)
{
    bool is_pair = def->kind == CJ_DEFTYPE_RESULT || def->kind == CJ_DEFTYPE_MAP;
    cj_param members[2] = {{CJ_STR(""), NULL}, {CJ_STR(""), NULL}};
    const cj_type_val **uses = reserve_uses(ev, type, is_pair ? 2 : 1, def->offset);
    if (!uses)
        return ev->err->status;
    CJ_TRY(cj__eval_valtype(ev, scope, &def->elem, &members[0].type, &uses[0]));
    if (is_pair)
        CJ_TRY(cj__eval_valtype(ev, scope, &def->second, &members[1].type, &uses[1]));

    const cj_type *first = members[0].type, *whole;
    switch (def->kind) {
    case CJ_DEFTYPE_MAP:
        if (first->kind > CJ_KIND_STRING || first->kind == CJ_KIND_F32 || first->kind == CJ_KIND_F64)
            return cj__fail_at(ev->err, CJ_INVALID, def->elem.offset,
                               "a map's key must be bool, an integer, char or string, not `%s`",
                               cj_kind_name(first->kind));
        whole = cj__type_map(ev->types, first, members[1].type, ev->err);
        break;
    case CJ_DEFTYPE_FIXED_LIST:
        whole = cj__type_fixed_list(ev->types, first, def->index, ev->err);
        break;
    case CJ_DEFTYPE_STREAM:
    case CJ_DEFTYPE_FUTURE:
        if (first && first->has_borrow)
            return cj__fail_at(ev->err, CJ_INVALID, def->offset, "the element of a %s may not contain a borrow",
                               cj_kind_name(kind));
        if (first && first->kind == CJ_KIND_CHAR && def->kind == CJ_DEFTYPE_STREAM)
            return cj__fail_at(ev->err, CJ_INVALID, def->offset, "stream<char> is not allowed; use stream<u8>");
        whole = cj__type_make(ev->types, kind, members, 1, ev->err);
        break;
    default:
        whole = cj__type_make(ev->types, kind, members, is_pair ? 2 : 1, ev->err);
        break;
    }
    return made(ev, whole, def->offset, &type->value);
}

static cj_status value_typedef(cj_eval *ev, const cj_scope *scope, const cj_ast_typedef *def, cj_type_val *type)
{
    const cj_type_val *none;
    switch (def->kind) {
    case CJ_DEFTYPE_PRIM:
        return cj__eval_valtype(ev, scope, &def->elem, &type->value, &none);
    case CJ_DEFTYPE_RECORD:
        return labelled(ev, scope, def, CJ_KIND_RECORD, type);
    case CJ_DEFTYPE_VARIANT:
        return labelled(ev, scope, def, CJ_KIND_VARIANT, type);
    case CJ_DEFTYPE_TUPLE:
        return labelled(ev, scope, def, CJ_KIND_TUPLE, type);
    case CJ_DEFTYPE_FLAGS:
        return labelled(ev, scope, def, CJ_KIND_FLAGS, type);
    case CJ_DEFTYPE_ENUM:
        return labelled(ev, scope, def, CJ_KIND_ENUM, type);
    case CJ_DEFTYPE_OWN:
        return handle(ev, scope, def, CJ_KIND_OWN, type);
    case CJ_DEFTYPE_BORROW:
        return handle(ev, scope, def, CJ_KIND_BORROW, type);
    case CJ_DEFTYPE_LIST:
    case CJ_DEFTYPE_MAP:
        return generic(ev, scope, def, CJ_KIND_LIST, type);
    case CJ_DEFTYPE_OPTION:
        return generic(ev, scope, def, CJ_KIND_OPTION, type);
    case CJ_DEFTYPE_RESULT:
        return generic(ev, scope, def, CJ_KIND_RESULT, type);
    case CJ_DEFTYPE_STREAM:
        return generic(ev, scope, def, CJ_KIND_STREAM, type);
    case CJ_DEFTYPE_FUTURE:
        return generic(ev, scope, def, CJ_KIND_FUTURE, type);
    case CJ_DEFTYPE_FIXED_LIST:
        return generic(ev, scope, def, CJ_KIND_FIXED_LIST, type);
    default:
        return cj__fail_at(ev->err, CJ_INTERNAL, def->offset, "type definition of kind %d is no value type",
                           (int)def->kind);
    }
}

cj_status cj__eval_value_type(cj_eval *ev, const cj_scope *scope, const cj_ast_valtype *ast, cj_type_val *type)
{
    const cj_type_val **uses = reserve_uses(ev, type, 1, ast->offset);
    if (!uses)
        return ev->err->status;
    CJ_TRY(cj__eval_valtype(ev, scope, ast, &type->value, &uses[0]));
    type->min_resource = type->value->min_resource;
    return CJ_OK;
}

/* -- Other types ------------------------------------------------------------------------------------------------- */

static cj_status func_typedef(cj_eval *ev, const cj_scope *scope, const cj_ast_typedef *def, cj_type_val *type)
{
    cj_param *params;
    const cj_type *result;
    uint32_t count = def->labels.len;
    const cj_type_val **uses = reserve_uses(ev, type, count + 1, def->offset);
    if (!uses)
        return ev->err->status;
    cj_arena_mark mark = cj__arena_mark(ev->arena);
    CJ_TRY(members_of(ev, scope, &def->labels, uses, &params));
    CJ_TRY(cj__eval_valtype(ev, scope, &def->elem, &result, &uses[count]));
    if (result && result->has_borrow)
        return cj__fail_at(ev->err, CJ_INVALID, def->offset, "a function's result may not contain a borrow");
    type->func = cj__functype_make(ev->types, params, count, result, def->kind == CJ_DEFTYPE_ASYNC_FUNC, ev->err);
    cj__arena_release(ev->arena, mark);
    if (!type->func) {
        ev->err->offset = def->offset;
        return ev->err->status;
    }
    type->min_resource =
        cj__min_resource(type->func->params_tuple->min_resource, result ? result->min_resource : CJ_NO_RESOURCE);
    return CJ_OK;
}

static cj_status resource_typedef(cj_eval *ev, const cj_scope *scope, const cj_ast_typedef *def, cj_type_val *type)
{
    static const uint8_t i32[] = {CJ_CORE_I32}, i64[] = {CJ_CORE_I64};
    type->resource = type->min_resource = ++ev->resource_count;
    type->defined_in = scope;
    type->rep64 = def->rep != CJ_CORE_I32;
    if (type->rep64 && scope->live)
        cj__eval_unsupported(ev, def->offset, "memory64 (a resource represented by i64)");
    const cj_core_item *dtor_item = NULL;
    if (def->has_dtor) {
        cj_entity dtor;
        const cj_core_functype wanted = {type->rep64 ? i64 : i32, NULL, 1, 0};
        CJ_TRY(cj__scope_get(ev, scope, CJ_SORT_CORE_FUNC, def->dtor, def->offset, &dtor));
        const cj_core_desc *desc = &dtor.of.item->type;
        if (!desc->unknown && !cj__core_functype_equal(&wanted, &desc->func)) {
            char text[CJ_TYPE_ROOM];
            return cj__fail_at(ev->err, CJ_INVALID, def->offset,
                               "a resource's destructor must be (func (param %s)), this one is (func%s)",
                               type->rep64 ? "i64" : "i32", cj__core_functype_text(&desc->func, text, sizeof(text)));
        }
        dtor_item = dtor.of.item;
    }
    if (!scope->live)
        return CJ_OK;
    const cj_live_resource live = {
        .resource = type->resource, .part = scope->part, .dtor = dtor_item, .type = type, .offset = def->offset};
    return CJ_VEC_PUSH(ev->alloc, &ev->resources, live) ? CJ_OK : cj__eval_nomem(ev);
}

/* The closure; checked by running it with everything abstract. Resource types that the run itself brings forth are
 * not mentioned by the type: each use has its own. */
static cj_status scope_typedef(cj_eval *ev, cj_scope *scope, const cj_ast_typedef *def, cj_type_val *type)
{
    type->decls = &def->decls;
    type->outer = scope;
    if (!scope->check)
        return CJ_OK;
    uint32_t fresh = ev->resource_count + 1;
    const cj_bind bind = {.offset = def->offset};
    const cj_decl_run run = {.check = true, .bind = &bind};
    cj_scope *ran;
    CJ_TRY(cj__eval_decls(ev, type, &run, &ran));
    return cj__eval_free_resources(ev, ran, fresh, def->offset, type);
}

cj_type_val *cj__eval_type_new(cj_eval *ev, cj_type_val_kind kind, const cj_type_val *original)
{
    cj_type_val *type = CJ_EVAL_NEW(ev, cj_type_val);
    if (!type)
        return NULL;
    type->min_resource = CJ_NO_RESOURCE;
    if (original) {
        *type = *original;
        if (!type->original)
            type->original = original;
    }
    type->kind = kind;
    type->identity = ++ev->identity_count;
    return type;
}

cj_type_val *cj__eval_resource_new(cj_eval *ev, const cj_type_val *underlying)
{
    cj_type_val *type = cj__eval_type_new(ev, CJ_TYPE_RESOURCE, NULL);
    if (!type)
        return NULL;
    type->resource = type->min_resource = ++ev->resource_count;
    type->underlying = underlying;
    return type;
}

static cj_type_val_kind kind_of(cj_deftype_kind def)
{
    switch (def) {
    case CJ_DEFTYPE_FUNC:
    case CJ_DEFTYPE_ASYNC_FUNC:
        return CJ_TYPE_FUNC;
    case CJ_DEFTYPE_RESOURCE:
        return CJ_TYPE_RESOURCE;
    case CJ_DEFTYPE_INSTANCE:
        return CJ_TYPE_INSTANCE;
    case CJ_DEFTYPE_COMPONENT:
        return CJ_TYPE_COMPONENT;
    default:
        return CJ_TYPE_VALUE;
    }
}

cj_status cj__eval_typedef(cj_eval *ev, cj_scope *scope, const cj_ast_typedef *def, const cj_type_val **out)
{
    cj_type_val *type = cj__eval_type_new(ev, kind_of(def->kind), NULL);
    if (!type)
        return CJ_NO_MEMORY;
    *out = type;
    switch (type->kind) {
    case CJ_TYPE_FUNC:
        return func_typedef(ev, scope, def, type);
    case CJ_TYPE_RESOURCE:
        return resource_typedef(ev, scope, def, type);
    case CJ_TYPE_INSTANCE:
    case CJ_TYPE_COMPONENT:
        return scope_typedef(ev, scope, def, type);
    case CJ_TYPE_VALUE:
        break;
    }
    type->def = def->kind;
    CJ_TRY(value_typedef(ev, scope, def, type));
    type->min_resource = type->value->min_resource;
    return CJ_OK;
}
