/* link_component.c: running a component's definitions: imports, exports, aliases, instances, and the root's results.
 *
 * Place in the pipeline and the model: link_eval.h.
 * Spec: Explainer, "Instance Definitions", "Alias Definitions", "Import and Export Definitions"; Binary.md,
 * validation notes.
 */
#include "component/names.h"
#include "link/link_eval.h"

static cj_entity type_entity(const cj_type_val *type)
{
    return (cj_entity){CJ_SORT_TYPE, {.type = type}};
}

/* -- Names with annotations -------------------------------------------------------------------------------------- */

/* What the first part of an annotated name refers to: a resource type imported, or exported, under that name before. */
static cj_status annotated_resource(cj_eval *ev, const cj_names *names, const cj_name *name, cj_str text,
                                    uint64_t offset, const cj_type_val **out)
{
    const cj_named *found = names ? cj__names_find(ev, names, name->resource) : NULL;
    if (found && found->entity.sort == CJ_SORT_TYPE && found->entity.of.type->kind == CJ_TYPE_RESOURCE) {
        *out = found->entity.of.type;
        return CJ_OK;
    }
    return cj__fail_at(ev->err, CJ_INVALID, offset, "name `%.*s` needs a resource type named `%.*s` before it, %s",
                       CJ_STR_ARG(text), CJ_STR_ARG(name->resource),
                       !names  ? "and instances of inline exports name none"
                       : found ? "but that name is something else"
                               : "but there is none of that name");
}

static bool is_handle_of(const cj_type_val *type, cj_deftype_kind def, const cj_type_val *resource)
{
    return type && type->def == def && type->uses[0]->identity == resource->identity;
}

/* Binary.md: "Validation of [constructor] names ...", "[method] names ...". The grammar of the name and that it
 * stands on a function are the decoder's matter. */
cj_status cj__eval_check_annotated(cj_eval *ev, const cj_names *names, cj_str text, cj_entity entity, uint64_t offset)
{
    cj_name name;
    if (entity.sort != CJ_SORT_FUNC || text.len == 0 || text.ptr[0] != '[')
        return CJ_OK;
    CJ_TRY(cj__name_parse(text, offset, &name, ev->err));
    const cj_type_val *resource = NULL;
    CJ_TRY(annotated_resource(ev, names, &name, text, offset, &resource));

    const cj_type_val *type = entity.of.func->type;
    uint32_t param_count = type->func->param_count;
    if (name.kind == CJ_NAME_CONSTRUCTOR) {
        const cj_type_val *result = type->uses[param_count];
        if (result && result->def == CJ_DEFTYPE_RESULT)
            result = result->uses[0];
        if (!is_handle_of(result, CJ_DEFTYPE_OWN, resource))
            return cj__fail_at(ev->err, CJ_INVALID, offset,
                               "function `%.*s` must return `own<%.*s>`, or a result with that as `ok`",
                               CJ_STR_ARG(text), CJ_STR_ARG(name.resource));
    } else if (name.kind == CJ_NAME_METHOD) {
        if (param_count == 0 || !cj__str_eq(type->func->params[0].name, CJ_STR("self")) ||
            !is_handle_of(type->uses[0], CJ_DEFTYPE_BORROW, resource))
            return cj__fail_at(ev->err, CJ_INVALID, offset,
                               "the first parameter of function `%.*s` must be `self: borrow<%.*s>`", CJ_STR_ARG(text),
                               CJ_STR_ARG(name.resource));
    }
    return CJ_OK;
}

/* -- Imports and exports ----------------------------------------------------------------------------------------- */

/* What an export or an argument names. */
static cj_status take(cj_eval *ev, cj_scope *scope, cj_sort sort, uint32_t index, uint64_t offset, cj_entity *out)
{
    return sort == CJ_SORT_VALUE ? cj__eval_use_value(ev, scope, index, offset, out)
                                 : cj__scope_get(ev, scope, sort, index, offset, out);
}

static cj_status run_import(cj_eval *ev, cj_scope *scope, const cj_run *run, const cj_ast_import *import,
                            uint64_t offset)
{
    cj_str name = import->name.name;
    cj_bind bind = {.host = scope->is_root, .interface = CJ_STR(""), .name = name, .offset = offset};
    if (run->args) {
        const cj_named *arg = cj__names_find(ev, run->args, name);
        if (!arg)
            return cj__fail_at(ev->err, CJ_INVALID, run->offset,
                               "the component instantiated here imports `%.*s`, but there is no argument of that name",
                               CJ_STR_ARG(name));
        bind.mode = CJ_BIND_MATCH;
        bind.actual = &arg->entity;
        bind.offset = arg->offset;
    }
    cj_entity entity;
    CJ_TRY(cj__eval_bind(ev, scope, &import->type, &bind, &entity));
    if (scope->is_root) {
        if (entity.sort == CJ_SORT_VALUE)
            cj__eval_unsupported(ev, offset, "values (import `%.*s`)", CJ_STR_ARG(name));
    }
    if (scope->check) {
        CJ_TRY(cj__eval_check_annotated(ev, &scope->imports, name, entity, offset));
        CJ_TRY(cj__eval_check_visible(ev, scope, true, name, entity, offset));
    }
    CJ_TRY(cj__names_add(ev, &scope->imports, name, entity, offset, "import"));
    return cj__scope_push(ev, scope, entity);
}

static void name_func(const cj_scope *scope, cj_str interface, cj_str name, const cj_func_val *view)
{
    const cj_func_val *real = view->real ? view->real : view;
    if (real->part != scope->part || real->name.len)
        return;
    cj_func_val *func = (cj_func_val *)(uintptr_t)real; /* the evaluator's own */
    func->interface = interface;
    func->name = name;
}

static void name_resource(const cj_scope *scope, cj_str interface, cj_str name, const cj_type_val *real)
{
    while (real->original || real->underlying)
        real = real->original ? real->original : real->underlying;
    if (real->defined_in != scope || real->name.len)
        return;
    cj_type_val *type = (cj_type_val *)(uintptr_t)real;
    type->interface = interface;
    type->name = name;
}

static void name_entity(const cj_scope *scope, cj_str interface, cj_str name, cj_entity entity)
{
    if (entity.sort == CJ_SORT_FUNC)
        name_func(scope, interface, name, entity.of.func);
    else if (entity.sort == CJ_SORT_TYPE && entity.of.type->kind == CJ_TYPE_RESOURCE)
        name_resource(scope, interface, name, entity.of.type);
}

/* The functions and resource types that a live component defines are called, in errors, what it first exports them
 * as. */
static cj_status name_entities(cj_eval *ev, const cj_scope *scope, cj_str name, cj_entity entity, uint64_t offset)
{
    name_entity(scope, CJ_STR(""), name, entity);
    if (entity.sort != CJ_SORT_INSTANCE)
        return CJ_OK;
    const cj_names *exports = &entity.of.instance->exports;
    CJ_TRY(cj__eval_charge(ev, exports->len / 8, offset));
    for (uint32_t i = 0; i < exports->len; i++)
        name_entity(scope, name, exports->at[i].name, exports->at[i].entity);
    return CJ_OK;
}

static cj_status run_export(cj_eval *ev, cj_scope *scope, const cj_ast_export *export_, uint64_t offset)
{
    cj_str name = export_->name.name;
    cj_entity entity;
    CJ_TRY(take(ev, scope, export_->sort, export_->index, offset, &entity));
    if (export_->has_type) {
        cj_entity ascribed;
        CJ_TRY(cj__eval_ascribe(ev, scope, &export_->type, entity, name, offset, &ascribed));
        entity = ascribed;
    } else if (entity.sort == CJ_SORT_TYPE) { /* the export, not what is exported, has the name */
        entity.of.type = cj__eval_type_new(ev, entity.of.type->kind, entity.of.type);
        if (!entity.of.type)
            return CJ_NO_MEMORY;
    }
    if (scope->check) {
        CJ_TRY(cj__eval_check_annotated(ev, &scope->exports, name, entity, offset));
        CJ_TRY(cj__eval_check_visible(ev, scope, false, name, entity, offset));
    }
    if (scope->live)
        CJ_TRY(name_entities(ev, scope, name, entity, offset));
    CJ_TRY(cj__names_add(ev, &scope->exports, name, entity, offset, "export"));
    if (entity.sort == CJ_SORT_VALUE) {
        if (entity.of.type->value->has_borrow)
            return cj__fail_at(ev->err, CJ_INVALID, offset, "exported value `%.*s` may not contain a borrow",
                               CJ_STR_ARG(name));
        CJ_TRY(cj__id_set_add(ev, &scope->values_used, scope->spaces[CJ_SORT_VALUE].len)); /* the export's own index */
    }
    return cj__scope_push(ev, scope, entity);
}

/* -- Aliases ----------------------------------------------------------------------------------------------------- */

static cj_status wrong_sort(cj_eval *ev, const cj_ast_alias *alias, cj_entity found, uint64_t offset)
{
    return cj__fail_at(ev->err, CJ_INVALID, offset, "export `%.*s` of %sinstance %u is %s, not %s",
                       CJ_STR_ARG(alias->name), alias->kind == CJ_ALIAS_CORE_EXPORT ? "core " : "", alias->instance,
                       cj__sort_text(found.sort), cj__sort_text(alias->sort));
}

cj_status cj__eval_alias(cj_eval *ev, cj_scope *scope, const cj_ast_alias *alias, uint64_t offset)
{
    cj_entity from, entity;
    bool found = false;
    switch (alias->kind) {
    case CJ_ALIAS_EXPORT: {
        CJ_TRY(cj__scope_get(ev, scope, CJ_SORT_INSTANCE, alias->instance, offset, &from));
        const cj_named *named = cj__names_find(ev, &from.of.instance->exports, alias->name);
        found = named != NULL;
        if (found)
            entity = named->entity;
        break;
    }
    case CJ_ALIAS_CORE_EXPORT:
        CJ_TRY(cj__scope_get(ev, scope, CJ_SORT_CORE_INSTANCE, alias->instance, offset, &from));
        CJ_TRY(cj__core_inst_export(ev, from.of.core_instance, alias->name, alias->sort, &entity, &found));
        break;
    case CJ_ALIAS_OUTER: {
        cj_scope *outer;
        bool crosses;
        CJ_TRY(cj__scope_outward(ev, scope, alias->outer_count, offset, &outer, &crosses));
        CJ_TRY(cj__scope_get(ev, outer, alias->sort, alias->outer_index, offset, &entity));
        if (crosses && alias->sort == CJ_SORT_TYPE && cj__entity_min_resource(entity) != CJ_NO_RESOURCE)
            return cj__fail_at(
                ev->err, CJ_INVALID, offset,
                "outer alias to type %u refers to resource types, which differ from one instance of the outer "
                "component to the next; import the type instead",
                alias->outer_index);
        return cj__scope_push(ev, scope, entity);
    }
    }
    if (!found)
        return cj__fail_at(ev->err, CJ_INVALID, offset, "%sinstance %u has no export named `%.*s`",
                           alias->kind == CJ_ALIAS_CORE_EXPORT ? "core " : "", alias->instance,
                           CJ_STR_ARG(alias->name));
    if (entity.sort != alias->sort)
        return wrong_sort(ev, alias, entity, offset);
    return cj__scope_push(ev, scope, entity);
}

/* -- Instances --------------------------------------------------------------------------------------------------- */

cj_status cj__eval_inst_new(cj_eval *ev, cj_names exports, cj_entity *out)
{
    cj_instance_val *instance = CJ_EVAL_NEW(ev, cj_instance_val);
    if (!instance)
        return CJ_NO_MEMORY;
    instance->exports = exports;
    instance->min_resource = cj__names_min_resource(&exports);
    instance->identity = ++ev->identity_count;
    *out = (cj_entity){CJ_SORT_INSTANCE, {.instance = instance}};
    return CJ_OK;
}

/* The arguments of an instantiation, or the exports of an inline instance, by name. */
static cj_status gather(cj_eval *ev, cj_scope *scope, const cj_ast_instance *def, uint64_t offset, const char *what,
                        cj_names *out)
{
    CJ_TRY(cj__eval_charge(ev, def->arg_count, offset));
    for (uint32_t i = 0; i < def->arg_count; i++) {
        const cj_ast_arg *arg = &def->args[i];
        cj_entity entity;
        CJ_TRY(take(ev, scope, arg->sort, arg->index, arg->offset, &entity));
        CJ_TRY(cj__names_add(ev, out, arg->name.name, entity, arg->offset, what));
    }
    return CJ_OK;
}

static cj_status run_instance(cj_eval *ev, cj_scope *scope, const cj_ast_instance *def, uint64_t offset)
{
    cj_names names = {0};
    cj_entity instance;
    if (def->is_inline) {
        CJ_TRY(gather(ev, scope, def, offset, "export", &names));
        for (uint32_t i = 0; scope->check && i < names.len; i++)
            CJ_TRY(cj__eval_check_annotated(ev, NULL, names.at[i].name, names.at[i].entity, names.at[i].offset));
        CJ_TRY(cj__eval_inst_new(ev, names, &instance));
        return cj__scope_push(ev, scope, instance);
    }
    cj_entity target;
    CJ_TRY(cj__scope_get(ev, scope, CJ_SORT_COMPONENT, def->target, offset, &target));
    CJ_TRY(gather(ev, scope, def, offset, "instantiation argument", &names));
    const cj_run run = {.args = &names, .live = scope->live, .parent = scope->part, .offset = offset};
    cj_scope *ran;
    CJ_TRY(cj__eval_component(ev, target.of.component, &run, &ran));
    CJ_TRY(cj__eval_inst_new(ev, ran->exports, &instance));
    return cj__scope_push(ev, scope, instance);
}

/* -- Definitions ------------------------------------------------------------------------------------------------- */

static cj_status run_component_def(cj_eval *ev, cj_scope *scope, const cj_ast_component *ast, uint64_t offset)
{
    cj_component_val *component = CJ_EVAL_NEW(ev, cj_component_val);
    if (!component)
        return CJ_NO_MEMORY;
    *component = (cj_component_val){.ast = ast, .outer = scope, .offset = offset};
    if (scope->check) {
        const cj_run run = {.check = true, .offset = offset};
        cj_scope *ran;
        CJ_TRY(cj__eval_component(ev, component, &run, &ran));
    }
    return cj__scope_push(ev, scope, (cj_entity){CJ_SORT_COMPONENT, {.component = component}});
}

static cj_status run_def(cj_eval *ev, cj_scope *scope, const cj_run *run, const cj_ast_def *def)
{
    CJ_TRY(cj__eval_charge(ev, 1, def->offset));
    cj_entity entity = {0};
    switch (def->kind) {
    case CJ_DEF_CORE_MODULE:
        entity.sort = CJ_SORT_CORE_MODULE;
        CJ_TRY(cj__eval_module(ev, def->of.module, &entity.of.module));
        return cj__scope_push(ev, scope, entity);
    case CJ_DEF_CORE_INSTANCE:
        entity.sort = CJ_SORT_CORE_INSTANCE;
        CJ_TRY(cj__eval_core_instance(ev, scope, &def->of.instance, def->offset, &entity.of.core_instance));
        return cj__scope_push(ev, scope, entity);
    case CJ_DEF_CORE_TYPE:
        return cj__eval_core_typedef(ev, scope, def->of.core_type);
    case CJ_DEF_COMPONENT:
        return run_component_def(ev, scope, def->of.component, def->offset);
    case CJ_DEF_INSTANCE:
        return run_instance(ev, scope, &def->of.instance, def->offset);
    case CJ_DEF_ALIAS:
        return cj__eval_alias(ev, scope, &def->of.alias, def->offset);
    case CJ_DEF_TYPE: {
        const cj_type_val *type;
        CJ_TRY(cj__eval_typedef(ev, scope, def->of.type, &type));
        return cj__scope_push(ev, scope, type_entity(type));
    }
    case CJ_DEF_CANON:
        return cj__eval_canon(ev, scope, def->of.canon, def->offset);
    case CJ_DEF_START:
        return cj__eval_start(ev, scope, &def->of.start, def->offset);
    case CJ_DEF_IMPORT:
        return run_import(ev, scope, run, def->of.import, def->offset);
    case CJ_DEF_EXPORT:
        return run_export(ev, scope, def->of.export_, def->offset);
    case CJ_DEF_VALUE:
        return cj__eval_value(ev, scope, &def->of.value.type, def->of.value.bytes, def->offset);
    }
    return CJ_OK;
}

static cj_status record_part(cj_eval *ev, cj_scope *scope, const cj_run *run)
{
    if (ev->parts.len >= ev->config->max_component_instances)
        return cj__fail_at(ev->err, CJ_LIMIT, run->offset,
                           "more than %u component instances; the limit is max_component_instances",
                           ev->config->max_component_instances);
    const cj_live_part part = {run->parent, run->offset, (uint32_t)ev->core_instances.len};
    scope->part = (uint32_t)ev->parts.len;
    return CJ_VEC_PUSH(ev->alloc, &ev->parts, part) ? CJ_OK : cj__eval_nomem(ev);
}

cj_status cj__eval_component(cj_eval *ev, const cj_component_val *component, const cj_run *run, cj_scope **out)
{
    if (!component->ast)
        return cj__eval_abstract_component(ev, component, run, out);
    CJ_TRY(cj__eval_enter(ev, run->offset));
    cj_scope *scope = cj__scope_new(ev, CJ_SCOPE_COMPONENT, component->outer, run->offset);
    if (!scope)
        return ev->err->status;
    scope->is_root = run->is_root;
    scope->live = run->live;
    scope->check = run->check;
    if (run->live)
        CJ_TRY(record_part(ev, scope, run));
    const cj_ast_component *ast = component->ast;
    for (uint32_t i = 0; i < ast->def_count; i++)
        CJ_TRY(run_def(ev, scope, run, &ast->defs[i]));
    CJ_TRY(cj__eval_values_done(ev, scope, component->offset));
    ev->depth--;
    *out = scope;
    return CJ_OK;
}

/* -- The root ---------------------------------------------------------------------------------------------------- */

/* Collects the functions of a root's exports, and the named types of its imports and exports, in the order of the
 * file. Instances may nest deeply and repeat each other, so the walk is bounded like a run. */
static cj_status collect(cj_eval *ev, const cj_names *names, cj_str interface, bool is_export, uint32_t *funcs)
{
    uint64_t offset = names->len ? names->at[0].offset : CJ_NO_OFFSET;
    CJ_TRY(cj__eval_enter(ev, offset));
    CJ_TRY(cj__eval_charge(ev, names->len, offset));
    for (uint32_t i = 0; i < names->len; i++) {
        const cj_named *named = &names->at[i];
        cj_entity entity = named->entity;
        if (entity.sort == CJ_SORT_FUNC) {
            ++*funcs;
            if (is_export && !CJ_VEC_PUSH(ev->alloc, &ev->exports,
                                          (cj_root_export){interface, named->name, entity.of.func, named->offset}))
                return cj__eval_nomem(ev);
        } else if (entity.sort == CJ_SORT_TYPE &&
                   (entity.of.type->kind == CJ_TYPE_VALUE || entity.of.type->kind == CJ_TYPE_RESOURCE)) {
            if (!CJ_VEC_PUSH(ev->alloc, &ev->named_types,
                             (cj_root_type){interface, named->name, is_export, entity.of.type, *funcs}))
                return cj__eval_nomem(ev);
        } else if (entity.sort == CJ_SORT_INSTANCE) {
            cj_str path;
            CJ_TRY(cj__eval_join_path(ev, interface, named->name, &path));
            CJ_TRY(collect(ev, &entity.of.instance->exports, path, is_export, funcs));
        }
    }
    ev->depth--;
    return CJ_OK;
}

cj_status cj__eval_root(cj_eval *ev, const cj_ast *ast)
{
    const cj_component_val root = {.ast = &ast->root, .offset = ast->root.offset};
    const cj_run run = {.live = true, .check = true, .is_root = true, .parent = CJ_NONE, .offset = ast->root.offset};
    cj_scope *scope;
    CJ_TRY(cj__eval_component(ev, &root, &run, &scope));
    uint32_t imports = 0, exports = 0;
    CJ_TRY(collect(ev, &scope->imports, CJ_STR(""), false, &imports));
    return collect(ev, &scope->exports, CJ_STR(""), true, &exports);
}
