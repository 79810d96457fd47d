/* link_bind.c: what is declared of an import, export or argument against what there is: equality, subtyping, views.
 *
 * Place in the pipeline and the model: link_eval.h.
 * Spec: Explainer, "Type Checking"; Binary.md, validation notes of instances, imports and exports.
 *
 * Something that is matched keeps the resource types that it has: the type's own names for them are replaced
 * (substitution). A view is how an ascription, or a component known by its type, shows something: with new resource
 * types where the type says `(sub resource)`, and without what the type does not name.
 */
#include "link/link_eval.h"

/* -- Equality ---------------------------------------------------------------------------------------------------- */

static cj_status match_component(cj_eval *ev, const cj_type_val *expected, const cj_component_val *actual,
                                 uint64_t offset);

/* Whether whatever has type `a` may stand where `b` is asked for. A mismatch is an error of kind CJ_INVALID. */
static cj_status subtype(cj_eval *ev, const cj_type_val *a, const cj_type_val *b, uint64_t offset)
{
    if (a->kind == CJ_TYPE_COMPONENT) {
        const cj_component_val abstract = {.type = a, .offset = offset};
        return match_component(ev, b, &abstract, offset);
    }
    cj_scope *from, *ran;
    const cj_bind fresh = {.offset = offset}, matched = {.mode = CJ_BIND_MATCH, .offset = offset};
    const cj_decl_run abstract = {.bind = &fresh};
    CJ_TRY(cj__eval_decls(ev, a, &abstract, &from));
    const cj_decl_run match = {.actual = &from->exports, .bind = &matched};
    return cj__eval_decls(ev, b, &match, &ran);
}

/* Type equality: structural, and of resource types identity. */
static cj_status types_equal(cj_eval *ev, const cj_type_val *a, const cj_type_val *b, uint64_t offset, bool *out)
{
    *out = false;
    if (a->kind != b->kind)
        return CJ_OK;
    switch (a->kind) {
    case CJ_TYPE_VALUE:
        *out = a->value == b->value;
        return CJ_OK;
    case CJ_TYPE_FUNC:
        *out = a->func == b->func;
        return CJ_OK;
    case CJ_TYPE_RESOURCE:
        *out = a->resource == b->resource;
        return CJ_OK;
    case CJ_TYPE_INSTANCE:
    case CJ_TYPE_COMPONENT:
        break;
    }
    if (a->decls == b->decls && a->outer == b->outer) {
        *out = true;
        return CJ_OK;
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
    char want[CJ_TYPE_ROOM], have[CJ_TYPE_ROOM];
    if (expected->kind == CJ_TYPE_RESOURCE && actual->kind == CJ_TYPE_RESOURCE)
        return cj__fail_at(
            ev->err, CJ_INVALID, bind->offset,
            "expected another resource type for `%.*s` (each definition, import and ascription makes its own)",
            CJ_STR_ARG(bind->name));
    cj__type_val_format(expected, want, sizeof(want));
    cj__type_val_format(actual, have, sizeof(have));
    if (strcmp(want, have) == 0)
        return cj__fail_at(ev->err, CJ_INVALID, bind->offset,
                           "expected type `%s`, found one that reads the same but differs inside", want);
    return cj__fail_at(ev->err, CJ_INVALID, bind->offset, "expected type `%s`, found `%s`", want, have);
}

static cj_status must_equal(cj_eval *ev, const cj_type_val *expected, const cj_type_val *actual, const cj_bind *bind)
{
    bool equal;
    CJ_TRY(types_equal(ev, expected, actual, bind->offset, &equal));
    return equal ? CJ_OK : mismatch(ev, expected, actual, bind);
}

static cj_entity type_entity(const cj_type_val *type)
{
    return (cj_entity){CJ_SORT_TYPE, {.type = type}};
}

static cj_status bind_func(cj_eval *ev, cj_scope *scope, const cj_ast_externtype *ext, const cj_bind *bind,
                           cj_entity *out)
{
    const cj_type_val *type;
    CJ_TRY(cj__eval_get_type(ev, scope, ext->index, ext->offset, CJ_TYPE_FUNC, "a function type", &type));
    if (bind->mode == CJ_BIND_MATCH)
        CJ_TRY(must_equal(ev, type, bind->actual->of.func->type, bind));
    if (bind->actual && bind->actual->of.func->type == type) {
        *out = *bind->actual;
        return CJ_OK;
    }
    cj_func_val *func = CJ_EVAL_NEW(ev, cj_func_val);
    if (!func)
        return CJ_NO_MEMORY;
    *out = (cj_entity){CJ_SORT_FUNC, {.func = func}};
    if (bind->actual) { /* the type that is declared may name its parts otherwise */
        const cj_func_val *actual = bind->actual->of.func;
        *func = *actual;
        func->type = type;
        func->real = actual->real ? actual->real : actual;
        return CJ_OK;
    }
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
    return CJ_OK;
}

/* The program knows new resource types only when they are the host's, or another number for an older one. */
static cj_status record_resource(cj_eval *ev, const cj_bind *bind, cj_type_val *type)
{
    if (!type->underlying) {
        type->interface = bind->interface;
        type->name = bind->name;
    }
    const cj_live_resource live = {.resource = type->resource,
                                   .underlying = type->underlying ? type->underlying->resource : 0,
                                   .part = CJ_NONE,
                                   .type = type,
                                   .offset = bind->offset};
    return CJ_VEC_PUSH(ev->alloc, &ev->resources, live) ? CJ_OK : cj__eval_nomem(ev);
}

static cj_status bind_type(cj_eval *ev, cj_scope *scope, const cj_ast_externtype *ext, const cj_bind *bind,
                           cj_entity *out)
{
    const cj_type_val *actual = bind->actual ? bind->actual->of.type : NULL;
    cj_type_val *type;
    if (ext->bound == CJ_BOUND_SUB) {
        if (actual && actual->kind != CJ_TYPE_RESOURCE)
            return cj__fail_at(ev->err, CJ_INVALID, bind->offset, "expected a resource type for `%.*s`, found `%s`",
                               CJ_STR_ARG(bind->name), cj__type_val_text(actual));
        if (bind->mode == CJ_BIND_MATCH) {
            *out = *bind->actual;
            return CJ_OK;
        }
        type = cj__eval_resource_new(ev, actual);
        if (type && (actual || bind->host))
            CJ_TRY(record_resource(ev, bind, type));
    } else {
        cj_entity declared;
        CJ_TRY(cj__scope_get(ev, scope, CJ_SORT_TYPE, ext->index, ext->offset, &declared));
        if (bind->mode == CJ_BIND_MATCH) {
            *out = *bind->actual;
            return must_equal(ev, declared.of.type, actual, bind);
        }
        type = cj__eval_type_new(ev, declared.of.type->kind, declared.of.type);
    }
    *out = type_entity(type);
    return type ? CJ_OK : CJ_NO_MEMORY;
}

static cj_status bind_instance(cj_eval *ev, cj_scope *scope, const cj_ast_externtype *ext, const cj_bind *bind,
                               cj_entity *out)
{
    const cj_type_val *type;
    CJ_TRY(cj__eval_get_type(ev, scope, ext->index, ext->offset, CJ_TYPE_INSTANCE, "an instance type", &type));
    cj_bind inner = *bind;
    inner.actual = NULL;
    if (bind->host)
        CJ_TRY(cj__eval_join_path(ev, bind->interface, bind->name, &inner.interface));
    const cj_decl_run run = {.actual = bind->actual ? &bind->actual->of.instance->exports : NULL, .bind = &inner};
    cj_scope *ran;
    CJ_TRY(cj__eval_decls(ev, type, &run, &ran));
    return cj__eval_inst_new(ev, ran->exports, out);
}

/* What the host gives for an import of the root, and the name by which it would; NULL: nothing. */
static cj_status find_given(cj_eval *ev, const cj_bind *bind, cj_str *path, const cj_given **out)
{
    *out = NULL;
    CJ_TRY(cj__eval_join_path(ev, bind->interface, bind->name, path));
    for (size_t i = 0; i < ev->given_count; i++)
        if (cj__str_eq(ev->given[i].name, *path)) {
            *out = &ev->given[i];
            ev->given_used[i] = true;
        }
    if (!*out && !ev->not_given.len)
        ev->not_given = *path;
    return CJ_OK;
}

/* Offsets in errors are those of what was given. */
static cj_status fail_given(cj_eval *ev, cj_status status, cj_str path)
{
    if (status != CJ_OK && !ev->err->where[0])
        cj__error_where(ev->err, "given as `%.*s`", CJ_STR_ARG(path));
    return status;
}

/* A component of the host's, checked for its own sake like those that the file defines. */
static cj_status given_component(cj_eval *ev, const cj_bind *bind, cj_component_val *import)
{
    const cj_given *given;
    CJ_TRY(find_given(ev, bind, &import->import, &given));
    if (!given)
        return CJ_OK;
    if (!given->component)
        return cj__fail_at(ev->err, CJ_INVALID, bind->offset, "expected a component for `%.*s`, given a core module",
                           CJ_STR_ARG(import->import));
    cj_component_val *real = CJ_EVAL_NEW(ev, cj_component_val);
    if (!real)
        return CJ_NO_MEMORY;
    *real = (cj_component_val){.ast = &given->component->root};
    const cj_run check = {.check = true};
    cj_scope *ran;
    CJ_TRY(fail_given(ev, cj__eval_component(ev, real, &check, &ran), import->import));
    CJ_TRY(match_component(ev, import->type, real, bind->offset));
    import->real = real;
    return CJ_OK;
}

static cj_status given_module(cj_eval *ev, const cj_bind *bind, const cj_module *type, const cj_module **out)
{
    const cj_given *given;
    cj_str path;
    CJ_TRY(find_given(ev, bind, &path, &given));
    if (given && given->component)
        return cj__fail_at(ev->err, CJ_INVALID, bind->offset, "expected a core module for `%.*s`, given a component",
                           CJ_STR_ARG(path));
    if (given) {
        CJ_TRY(fail_given(ev, cj__eval_module(ev, given->module, out), path));
        return cj__eval_match_module(ev, type, *out, bind);
    }
    cj_module *module = CJ_EVAL_NEW(ev, cj_module); /* so that an error can name it */
    if (!module)
        return CJ_NO_MEMORY;
    *module = *type;
    module->import = path;
    *out = module;
    return CJ_OK;
}

static cj_status bind_component(cj_eval *ev, cj_scope *scope, const cj_ast_externtype *ext, const cj_bind *bind,
                                cj_entity *out)
{
    const cj_type_val *type;
    CJ_TRY(cj__eval_get_type(ev, scope, ext->index, ext->offset, CJ_TYPE_COMPONENT, "a component type", &type));
    if (bind->mode == CJ_BIND_MATCH)
        CJ_TRY(match_component(ev, type, bind->actual->of.component, bind->offset));
    cj_component_val *component = CJ_EVAL_NEW(ev, cj_component_val);
    if (!component)
        return CJ_NO_MEMORY;
    *component = (cj_component_val){.type = type, .offset = bind->offset};
    if (bind->actual)
        component->real = bind->actual->of.component;
    else if (bind->host)
        CJ_TRY(given_component(ev, bind, component));
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
    const cj_module *module = type.of.core_type->module;
    *out = bind->actual ? *bind->actual : (cj_entity){CJ_SORT_CORE_MODULE, {.module = module}};
    if (bind->actual)
        return cj__eval_match_module(ev, module, bind->actual->of.module, bind);
    return bind->host ? given_module(ev, bind, module, &out->of.module) : CJ_OK;
}

static cj_status bind_value(cj_eval *ev, cj_scope *scope, const cj_ast_externtype *ext, const cj_bind *bind,
                            cj_entity *out)
{
    cj_type_val *type = cj__eval_type_new(ev, CJ_TYPE_VALUE, NULL);
    if (!type)
        return CJ_NO_MEMORY;
    if (ext->bound == CJ_BOUND_EQ) {
        cj_entity same;
        CJ_TRY(cj__scope_get(ev, scope, CJ_SORT_VALUE, ext->index, ext->offset, &same));
        *type = *same.of.type;
    } else {
        CJ_TRY(cj__eval_value_type(ev, scope, &ext->value, type));
    }
    if (bind->mode == CJ_BIND_MATCH)
        CJ_TRY(must_equal(ev, type, bind->actual->of.type, bind));
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

cj_status cj__eval_ascribe(cj_eval *ev, cj_scope *scope, const cj_ast_externtype *ext, cj_entity actual, cj_str name,
                           uint64_t offset, cj_entity *out)
{
    cj_bind bind = {.mode = CJ_BIND_MATCH, .actual = &actual, .name = name, .offset = offset};
    CJ_TRY(cj__eval_bind(ev, scope, ext, &bind, out));
    bind.mode = CJ_BIND_VIEW;
    return cj__eval_bind(ev, scope, ext, &bind, out);
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
        bind.mode = CJ_BIND_MATCH;
        bind.actual = &arg->entity;
        bind.offset = arg->offset;
    }
    cj_entity entity;
    CJ_TRY(cj__eval_bind(ev, scope, &import->type, &bind, &entity));
    if (run->check) {
        CJ_TRY(cj__eval_check_annotated(ev, &scope->imports, name, entity, offset));
        CJ_TRY(cj__eval_check_visible(ev, scope, true, name, entity, offset));
    }
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
    if (run->check) {
        CJ_TRY(cj__eval_check_annotated(ev, &scope->exports, name, entity, offset));
        CJ_TRY(cj__eval_check_visible(ev, scope, false, name, entity, offset));
    }
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

/* -- Components -------------------------------------------------------------------------------------------------- */

/* Instantiates `real` with the arguments that `type` asks for, taken from `args`, and binds its exports as `mode` says
 * to those of the type: what must be possible of a component that is used as one of that type. */
static cj_status run_through(cj_eval *ev, const cj_type_val *type, const cj_component_val *real, cj_bind_mode mode,
                             const cj_run *run, cj_scope **out)
{
    const cj_bind fresh = {.offset = run->offset}, bound = {.mode = mode, .offset = run->offset};
    cj_scope *wanted, *given;
    const cj_decl_run imports = {.args = run->args, .bind = &fresh};
    CJ_TRY(cj__eval_decls(ev, type, &imports, &wanted));
    const cj_run inner = {.args = &wanted->imports, .live = run->live, .parent = run->parent, .offset = run->offset};
    CJ_TRY(cj__eval_component(ev, real, &inner, &given));
    const cj_decl_run exports = {.args = &wanted->imports, .actual = &given->exports, .bind = &bound};
    return cj__eval_decls(ev, type, &exports, out);
}

/* A component may stand in for one of another type when it can be instantiated with that type's imports and then
 * exports what that type exports: so do exactly that, with imports that are abstract. */
static cj_status match_component(cj_eval *ev, const cj_type_val *expected, const cj_component_val *actual,
                                 uint64_t offset)
{
    cj_scope *ran;
    const cj_run abstract = {.offset = offset};
    return run_through(ev, expected, actual, CJ_BIND_MATCH, &abstract, &ran);
}

cj_status cj__eval_abstract_component(cj_eval *ev, const cj_component_val *component, const cj_run *run, cj_scope **out)
{
    if (component->real)
        return run_through(ev, component->type, component->real, CJ_BIND_VIEW, run, out);
    const cj_bind fresh = {.offset = run->offset};
    const cj_decl_run decls = {.args = run->args, .bind = &fresh};
    if (run->live)
        cj__eval_unsupported(ev, run->offset, "imported component `%.*s` (unless cj_component_new_with is given it)",
                             CJ_STR_ARG(component->import));
    return cj__eval_decls(ev, component->type, &decls, out);
}
