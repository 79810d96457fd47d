/* link_core.c: core types, core modules, core instances: every import resolved to who defines it, and checked.
 *
 * Place in the pipeline and the model: link_eval.h.
 * Spec: Explainer, "Instance Definitions", "Core Type Definitions"; core specification, "Matching" of external types.
 */
#include "link/link_eval.h"

#include <inttypes.h>
#include <stdio.h>

/* -- Core types as values and as text ---------------------------------------------------------------------------- */

char *cj__core_functype_text(const cj_core_functype *type, char *buffer, size_t size)
{
    size_t len = 0;
    buffer[0] = 0;
    for (int part = 0; part < 2; part++) {
        uint32_t count = part == 0 ? type->param_count : type->result_count;
        const uint8_t *types = part == 0 ? type->params : type->results;
        for (uint32_t i = 0; i <= count && count > 0; i++) {
            int n = i == count ? snprintf(buffer + len, size - len, ")")
                               : snprintf(buffer + len, size - len, "%s%s",
                                          i           ? " "
                                          : part == 0 ? " (param "
                                                      : " (result ",
                                          cj__core_valtype_name(types[i]));
            if (n < 0 || (size_t)n >= size - len)
                return buffer;
            len += (size_t)n;
        }
    }
    return buffer;
}

/* Limits of something real against those that are asked for. */
static bool limits_match(const cj_ast_limits *expected, const cj_ast_limits *actual)
{
    return actual->min >= expected->min && (!expected->has_max || (actual->has_max && actual->max <= expected->max));
}

static void limits_text(const cj_ast_limits *limits, char *buffer, size_t size)
{
    if (limits->has_max)
        snprintf(buffer, size, "%" PRIu64 " to %" PRIu64, limits->min, limits->max);
    else
        snprintf(buffer, size, "%" PRIu64 " or more", limits->min);
}

/* Whether something of type `actual` may stand where `expected` is asked for; if not, `why` has the reason with
 * both types. */
static bool desc_matches(const cj_core_desc *expected, const cj_core_desc *actual, char *why, size_t size)
{
    char want[96], have[96];
    if (expected->sort != actual->sort) {
        snprintf(why, size, "expected %s, found %s", cj__sort_text(expected->sort), cj__sort_text(actual->sort));
        return false;
    }
    if (expected->unknown || actual->unknown)
        return true;
    switch (expected->sort) {
    case CJ_SORT_CORE_FUNC:
    case CJ_SORT_CORE_TAG:
        if (cj__core_functype_equal(&expected->func, &actual->func))
            return true;
        snprintf(why, size, "expected (func%s), found (func%s)",
                 cj__core_functype_text(&expected->func, want, sizeof(want)),
                 cj__core_functype_text(&actual->func, have, sizeof(have)));
        return false;
    case CJ_SORT_CORE_GLOBAL:
        if (expected->value_type == actual->value_type && expected->is_mutable == actual->is_mutable)
            return true;
        snprintf(why, size, "expected a %s global of type %s, found a %s one of type %s",
                 expected->is_mutable ? "mutable" : "constant", cj__core_valtype_name(expected->value_type),
                 actual->is_mutable ? "mutable" : "constant", cj__core_valtype_name(actual->value_type));
        return false;
    default:
        break;
    }
    const cj_ast_limits *a = &expected->limits, *b = &actual->limits;
    if (expected->sort == CJ_SORT_CORE_TABLE && expected->value_type != actual->value_type) {
        snprintf(why, size, "expected a table of %s, found one of %s", cj__core_valtype_name(expected->value_type),
                 cj__core_valtype_name(actual->value_type));
        return false;
    }
    const char *what = expected->sort == CJ_SORT_CORE_TABLE ? "table" : "memory";
    if (a->is64 != b->is64 || a->shared != b->shared) {
        snprintf(why, size, "expected a %s%s-bit %s, found a %s%s-bit one", a->shared ? "shared " : "",
                 a->is64 ? "64" : "32", what, b->shared ? "shared " : "", b->is64 ? "64" : "32");
        return false;
    }
    if (!limits_match(a, b)) {
        limits_text(a, want, sizeof(want));
        limits_text(b, have, sizeof(have));
        snprintf(why, size, "expected a %s with a size of %s, found one of %s", what, want, have);
        return false;
    }
    return true;
}

enum { MAX_PAGES = 65536 };

/* -- Core type definitions --------------------------------------------------------------------------------------- */

/* Two imports of one name would become one when the two parts of their names are written as one ("Imports and
 * exports"). */
static cj_status name_imports(cj_eval *ev, cj_module *module)
{
    for (uint32_t i = 0; i < module->import_count; i++) {
        const cj_module_import *import = &module->imports[i];
        size_t head = sizeof(import->module.len) + import->module.len;
        char *key = CJ_EVAL_ARRAY(ev, char, head + import->name.len);
        if (!key)
            return CJ_NO_MEMORY;
        memcpy(key, &import->module.len, sizeof(import->module.len));
        if (import->module.len)
            memcpy(key + sizeof(import->module.len), import->module.ptr, import->module.len);
        if (import->name.len)
            memcpy(key + head, import->name.ptr, import->name.len);
        cj_entity entity = {import->type.sort, {.any = import}};
        cj_str name = {key, head + import->name.len};
        if (cj__names_find(ev, &module->import_names, name))
            return cj__fail_at(ev->err, CJ_INVALID, import->offset, "the core module imports `%.*s.%.*s` twice",
                               CJ_STR_ARG(import->module), CJ_STR_ARG(import->name));
        CJ_TRY(cj__names_add(ev, &module->import_names, name, entity, import->offset, "import"));
    }
    return CJ_OK;
}

/* The core types that a module type's declarations can refer to: its own, and by outer aliases those around. */
typedef struct module_scope {
    cj_scope *outer;
    cj_index_space types;
} module_scope;

static cj_status module_type_get(cj_eval *ev, const module_scope *scope, uint32_t index, uint64_t offset,
                                 const cj_core_typeval **out)
{
    if (index >= scope->types.len)
        return cj__fail_at(ev->err, CJ_INVALID, offset,
                           "core type index %u is out of bounds: the module type has defined %u so far", index,
                           scope->types.len);
    *out = scope->types.at[index].of.core_type;
    return CJ_OK;
}

static cj_status module_type_desc(cj_eval *ev, const module_scope *scope, const cj_ast_coretype *ast, uint64_t offset,
                                  cj_core_desc *out)
{
    *out = (cj_core_desc){
        .sort = ast->sort, .limits = ast->limits, .value_type = ast->value_type, .is_mutable = ast->is_mutable};
    out->unknown = ast->opaque;
    const cj_ast_limits *limits = &ast->limits;
    if (ast->sort == CJ_SORT_CORE_MEMORY && !limits->is64 &&
        (limits->min > MAX_PAGES || (limits->has_max && limits->max > MAX_PAGES)))
        return cj__fail_at(ev->err, CJ_INVALID, offset, "a core memory has %d pages at most", MAX_PAGES);
    if (ast->sort != CJ_SORT_CORE_FUNC && ast->sort != CJ_SORT_CORE_TAG)
        return CJ_OK;
    const cj_core_typeval *type = NULL;
    CJ_TRY(module_type_get(ev, scope, ast->func_type, offset, &type));
    out->func = type->func;
    out->unknown = type->kind != CJ_CORETYPE_FUNC || type->opaque;
    return CJ_OK;
}

static cj_status push_core_type(cj_eval *ev, cj_index_space *space, const cj_core_typeval *type)
{
    cj_scope holder = {0}; /* the growing of index spaces is a scope's */
    holder.spaces[CJ_SORT_CORE_TYPE] = *space;
    CJ_TRY(cj__scope_push(ev, &holder, (cj_entity){CJ_SORT_CORE_TYPE, {.core_type = type}}));
    *space = holder.spaces[CJ_SORT_CORE_TYPE];
    return CJ_OK;
}

static cj_status module_alias(cj_eval *ev, module_scope *scope, const cj_ast_moduledecl *decl)
{
    const cj_core_typeval *type = NULL;
    if (decl->alias_count == 0) {
        CJ_TRY(module_type_get(ev, scope, decl->alias_index, decl->offset, &type));
    } else {
        cj_scope *outer;
        bool crosses;
        cj_entity entity;
        CJ_TRY(cj__scope_outward(ev, scope->outer, decl->alias_count - 1, decl->offset, &outer, &crosses));
        CJ_TRY(cj__scope_get(ev, outer, CJ_SORT_CORE_TYPE, decl->alias_index, decl->offset, &entity));
        type = entity.of.core_type;
    }
    if (type->kind == CJ_CORETYPE_MODULE)
        return cj__fail_at(ev->err, CJ_INVALID, decl->offset, "a module type cannot contain another module type");
    return push_core_type(ev, &scope->types, type);
}

static cj_status core_typeval(cj_eval *ev, cj_scope *scope, const cj_ast_coretypedef *def, cj_core_typeval **out);

static cj_status module_import(cj_eval *ev, const module_scope *scope, const cj_ast_moduledecl *decl, cj_module *module)
{
    cj_module_import *import = &module->imports[module->import_count++];
    *import = (cj_module_import){.module = decl->module, .name = decl->name, .offset = decl->offset};
    return module_type_desc(ev, scope, &decl->type, decl->offset, &import->type);
}

static cj_status module_export(cj_eval *ev, const module_scope *scope, const cj_ast_moduledecl *decl, cj_module *module)
{
    cj_core_item *item = CJ_EVAL_NEW(ev, cj_core_item);
    if (!item)
        return CJ_NO_MEMORY;
    item->origin = CJ_CORE_ABSTRACT;
    CJ_TRY(module_type_desc(ev, scope, &decl->type, decl->offset, &item->type));
    cj_entity entity = {decl->type.sort, {.item = item}};
    return cj__names_add(ev, &module->exports, decl->name, entity, decl->offset, "export");
}

static cj_status module_typedef(cj_eval *ev, cj_scope *outer, const cj_ast_coretypedef *def, cj_module *module)
{
    module_scope scope = {.outer = outer};
    module->offset = def->offset;
    module->imports = CJ_EVAL_ARRAY(ev, cj_module_import, def->decl_count);
    if (!module->imports)
        return CJ_NO_MEMORY;
    CJ_TRY(cj__eval_charge(ev, def->decl_count, def->offset));
    for (uint32_t i = 0; i < def->decl_count; i++) {
        const cj_ast_moduledecl *decl = &def->decls[i];
        switch (decl->kind) {
        case CJ_MODULEDECL_IMPORT:
            CJ_TRY(module_import(ev, &scope, decl, module));
            break;
        case CJ_MODULEDECL_TYPE: {
            cj_core_typeval *type;
            CJ_TRY(core_typeval(ev, outer, decl->typedef_, &type));
            for (uint32_t j = 0; j < decl->typedef_->type_count; j++)
                CJ_TRY(push_core_type(ev, &scope.types, type));
            break;
        }
        case CJ_MODULEDECL_ALIAS:
            CJ_TRY(module_alias(ev, &scope, decl));
            break;
        case CJ_MODULEDECL_EXPORT:
            CJ_TRY(module_export(ev, &scope, decl, module));
            break;
        }
    }
    return name_imports(ev, module);
}

static cj_status core_typeval(cj_eval *ev, cj_scope *scope, const cj_ast_coretypedef *def, cj_core_typeval **out)
{
    cj_core_typeval *type = CJ_EVAL_NEW(ev, cj_core_typeval);
    if (!type)
        return CJ_NO_MEMORY;
    type->kind = def->kind;
    type->opaque = def->func.opaque;
    type->func = (cj_core_functype){def->func.params, def->func.results, def->func.param_count, def->func.result_count};
    *out = type;
    if (def->kind != CJ_CORETYPE_MODULE)
        return CJ_OK;
    cj_module *module = CJ_EVAL_NEW(ev, cj_module);
    if (!module)
        return CJ_NO_MEMORY;
    type->module = module;
    return module_typedef(ev, scope, def, module);
}

cj_status cj__eval_core_typedef(cj_eval *ev, cj_scope *scope, const cj_ast_coretypedef *def)
{
    cj_core_typeval *type;
    CJ_TRY(core_typeval(ev, scope, def, &type));
    for (uint32_t i = 0; i < def->type_count; i++)
        CJ_TRY(cj__scope_push(ev, scope, (cj_entity){CJ_SORT_CORE_TYPE, {.core_type = type}}));
    return CJ_OK;
}

/* -- Modules ----------------------------------------------------------------------------------------------------- */

enum { ITEM_SORTS = 5 }; /* CORE_FUNC to CORE_TAG */
_Static_assert(CJ_SORT_CORE_FUNC == 0 && CJ_SORT_CORE_TAG == ITEM_SORTS - 1, "sorts of items come first");

static cj_core_desc outline_desc(const cj_core_outline *outline, const cj_ast_coretype *type)
{
    cj_core_desc desc = {
        .sort = type->sort, .limits = type->limits, .value_type = type->value_type, .is_mutable = type->is_mutable};
    if (type->sort == CJ_SORT_CORE_FUNC || type->sort == CJ_SORT_CORE_TAG)
        desc.func = outline->types[type->func_type];
    return desc;
}

/* Where in the module's list of imports each imported item stands. */
static cj_status index_imports(cj_eval *ev, cj_module *module)
{
    const cj_core_outline *outline = module->outline;
    const uint32_t counts[ITEM_SORTS] = {outline->imported_funcs, outline->imported_tables, outline->imported_memories,
                                         outline->imported_globals, outline->imported_tags};
    for (uint32_t sort = 0; sort < ITEM_SORTS; sort++) {
        module->import_of[sort] = CJ_EVAL_ARRAY(ev, uint32_t, counts[sort]);
        if (!module->import_of[sort])
            return CJ_NO_MEMORY;
    }
    module->import_count = outline->import_count;
    module->imports = CJ_EVAL_ARRAY(ev, cj_module_import, outline->import_count);
    if (!module->imports)
        return CJ_NO_MEMORY;
    for (uint32_t i = 0; i < outline->import_count; i++) {
        const cj_core_import *import = &outline->imports[i];
        module->imports[i] =
            (cj_module_import){import->module, import->name, outline_desc(outline, &import->type), import->offset};
        module->import_of[import->type.sort][import->index] = i;
    }
    return name_imports(ev, module);
}

cj_status cj__eval_module(cj_eval *ev, cj_bytes bytes, const cj_module **out)
{
    /* A component that is run many times has its modules parsed once. */
    const uintptr_t address = (uintptr_t)bytes.ptr;
    char *key = cj__arena_dup(ev->arena, &address, sizeof(address), 1);
    if (!key)
        return cj__eval_nomem(ev);
    cj_str name = {key, sizeof(address)};
    const cj_named *found = cj__names_find(ev, &ev->modules, name);
    if (found) {
        *out = found->entity.of.module;
        return CJ_OK;
    }
    cj_module *module = CJ_EVAL_NEW(ev, cj_module);
    cj_core_outline *outline = CJ_EVAL_NEW(ev, cj_core_outline);
    if (!module || !outline)
        return CJ_NO_MEMORY;
    module->offset = bytes.offset;
    cj_status status = cj__core_outline(ev->config, bytes, ev->arena, outline, ev->err);
    if (status == CJ_OK) {
        module->outline = outline;
        CJ_TRY(index_imports(ev, module));
    } else if (status == CJ_UNSUPPORTED) { /* what stands after it may still be invalid */
        module->opaque = cj__arena_dup(ev->arena, ev->err, sizeof(*ev->err), _Alignof(cj_error));
        if (!module->opaque)
            return cj__eval_nomem(ev);
        cj__error_clear(ev->err);
    } else {
        return status;
    }
    *out = module;
    cj_entity entity = {CJ_SORT_CORE_MODULE, {.module = module}};
    return cj__names_add(ev, &ev->modules, name, entity, bytes.offset, "module");
}

static cj_status module_item_desc(cj_eval *ev, const cj_module *module, cj_str name, cj_core_desc *out, bool *found)
{
    if (!module->outline) {
        const cj_named *named = cj__names_find(ev, &module->exports, name);
        *found = named != NULL;
        if (named)
            *out = named->entity.of.item->type;
        return CJ_OK;
    }
    const cj_core_outline *outline = module->outline;
    const cj_core_export *export_ = cj__core_find_export(outline, name);
    *found = export_ != NULL;
    if (!export_)
        return CJ_OK;
    *out = (cj_core_desc){.sort = export_->sort};
    switch (export_->sort) {
    case CJ_SORT_CORE_FUNC:
        out->func = outline->types[outline->func_types[export_->index]];
        return CJ_OK;
    case CJ_SORT_CORE_TABLE:
        *out = outline_desc(outline, &outline->tables[export_->index]);
        return CJ_OK;
    case CJ_SORT_CORE_MEMORY:
        *out = outline_desc(outline, &outline->memories[export_->index]);
        return CJ_OK;
    case CJ_SORT_CORE_GLOBAL:
        out->value_type = outline->globals[export_->index].type;
        out->is_mutable = outline->globals[export_->index].is_mutable;
        return CJ_OK;
    default:
        out->func = outline->types[outline->tag_types[export_->index]];
        return CJ_OK;
    }
}

cj_status cj__eval_match_module(cj_eval *ev, const cj_module *expected, const cj_module *actual, const cj_bind *bind)
{
    char why[256];
    if (actual->opaque)
        return CJ_OK;
    CJ_TRY(cj__eval_charge(ev, ((uint64_t)expected->import_count + actual->import_count + expected->exports.len) / 8,
                           bind->offset));
    for (uint32_t i = 0; i < actual->import_names.len; i++) {
        const cj_module_import *import = actual->import_names.at[i].entity.of.any;
        const cj_named *found = cj__names_find(ev, &expected->import_names, actual->import_names.at[i].name);
        if (!found)
            return cj__fail_at(ev->err, CJ_INVALID, bind->offset,
                               "the core module imports `%.*s.%.*s`, which the expected type does not",
                               CJ_STR_ARG(import->module), CJ_STR_ARG(import->name));
        if (!desc_matches(&import->type, &((const cj_module_import *)found->entity.of.any)->type, why, sizeof(why)))
            return cj__fail_at(ev->err, CJ_INVALID, bind->offset, "import `%.*s.%.*s` of the core module: %s",
                               CJ_STR_ARG(import->module), CJ_STR_ARG(import->name), why);
    }
    for (uint32_t i = 0; i < expected->exports.len; i++) {
        const cj_named *export_ = &expected->exports.at[i];
        cj_core_desc desc;
        bool found;
        CJ_TRY(module_item_desc(ev, actual, export_->name, &desc, &found));
        if (!found)
            return cj__fail_at(ev->err, CJ_INVALID, bind->offset,
                               "the core module has no export `%.*s`, which the expected type has",
                               CJ_STR_ARG(export_->name));
        if (!desc_matches(&export_->entity.of.item->type, &desc, why, sizeof(why)))
            return cj__fail_at(ev->err, CJ_INVALID, bind->offset, "export `%.*s` of the core module: %s",
                               CJ_STR_ARG(export_->name), why);
    }
    return CJ_OK;
}

/* -- Instances --------------------------------------------------------------------------------------------------- */

/* What an opaque module exports. */
static cj_status unknown_item(cj_eval *ev, cj_sort sort, cj_entity *out)
{
    cj_core_item *item = CJ_EVAL_NEW(ev, cj_core_item);
    if (!item)
        return CJ_NO_MEMORY;
    item->origin = CJ_CORE_ABSTRACT;
    item->type = (cj_core_desc){.sort = sort, .unknown = true};
    *out = (cj_entity){sort, {.item = item}};
    return CJ_OK;
}

cj_status cj__core_inst_export(cj_eval *ev, const cj_core_inst *instance, cj_str name, cj_sort wanted, cj_entity *out,
                               bool *found)
{
    const cj_module *module = instance->module;
    if (module && module->opaque) {
        *found = true;
        return unknown_item(ev, wanted, out);
    }
    if (!module || !module->outline) {
        const cj_named *named = cj__names_find(ev, module ? &module->exports : &instance->exports, name);
        *found = named != NULL;
        if (named)
            *out = named->entity;
        return CJ_OK;
    }
    const cj_core_export *export_ = cj__core_find_export(module->outline, name);
    *found = export_ != NULL;
    if (!export_)
        return CJ_OK;
    const cj_core_outline *outline = module->outline;
    const uint32_t imported[ITEM_SORTS] = {outline->imported_funcs, outline->imported_tables,
                                           outline->imported_memories, outline->imported_globals,
                                           outline->imported_tags};
    if (export_->index < imported[export_->sort]) { /* an import that is exported again is what it was */
        *out =
            (cj_entity){export_->sort, {.item = instance->imports[module->import_of[export_->sort][export_->index]]}};
        return CJ_OK;
    }
    CJ_TRY(cj__eval_charge(ev, 1, instance->offset));
    cj_core_item *item = CJ_EVAL_NEW(ev, cj_core_item);
    if (!item)
        return CJ_NO_MEMORY;
    item->origin = CJ_CORE_DEFINED;
    item->instance = instance;
    item->index = export_->index;
    *out = (cj_entity){export_->sort, {.item = item}};
    return module_item_desc(ev, module, name, &item->type, found);
}

static cj_status inline_core_instance(cj_eval *ev, const cj_scope *scope, const cj_ast_instance *def,
                                      cj_core_inst *instance)
{
    for (uint32_t i = 0; i < def->arg_count; i++) {
        const cj_ast_arg *arg = &def->args[i];
        cj_entity entity;
        CJ_TRY(cj__scope_get(ev, scope, arg->sort, arg->index, arg->offset, &entity));
        if ((unsigned)arg->sort >= ITEM_SORTS)
            return cj__fail_at(ev->err, CJ_INVALID, arg->offset, "a core instance cannot export %s",
                               cj__sort_text(arg->sort));
        CJ_TRY(cj__names_add(ev, &instance->exports, arg->name.name, entity, arg->offset, "export"));
    }
    return CJ_OK;
}

static cj_status resolve_import(cj_eval *ev, const cj_names *args, const cj_module_import *import, uint64_t offset,
                                const cj_core_item **out)
{
    const cj_named *arg = cj__names_find(ev, args, import->module);
    if (!arg)
        return cj__fail_at(ev->err, CJ_INVALID, offset, "missing import `%.*s.%.*s`: no argument is named `%.*s`",
                           CJ_STR_ARG(import->module), CJ_STR_ARG(import->name), CJ_STR_ARG(import->module));
    cj_entity entity;
    bool found;
    CJ_TRY(cj__core_inst_export(ev, arg->entity.of.core_instance, import->name, import->type.sort, &entity, &found));
    if (!found)
        return cj__fail_at(ev->err, CJ_INVALID, offset,
                           "missing import `%.*s.%.*s`: the instance given for `%.*s` has no such export",
                           CJ_STR_ARG(import->module), CJ_STR_ARG(import->name), CJ_STR_ARG(import->module));
    char why[256];
    if (!desc_matches(&import->type, &entity.of.item->type, why, sizeof(why)))
        return cj__fail_at(ev->err, CJ_INVALID, offset, "import `%.*s.%.*s` of the core module: %s",
                           CJ_STR_ARG(import->module), CJ_STR_ARG(import->name), why);
    *out = entity.of.item;
    return CJ_OK;
}

static cj_status record_live(cj_eval *ev, const cj_scope *scope, cj_core_inst *instance)
{
    if (ev->core_instances.len >= ev->config->max_core_instances)
        return cj__fail_at(ev->err, CJ_LIMIT, instance->offset,
                           "more than %u core instances; the limit is max_core_instances",
                           ev->config->max_core_instances);
    const cj_core_outline *outline = instance->module->outline;
    if (instance->module->opaque)
        cj__eval_unsupported_error(ev, instance->module->opaque);
    else if (!outline)
        cj__eval_unsupported(ev, instance->offset,
                             "imported core module `%.*s` (unless cj_component_new_with is given it)",
                             CJ_STR_ARG(instance->module->import));
    else if (outline->unsupported)
        cj__eval_unsupported(ev, outline->unsupported_offset, "%s", outline->unsupported);
    instance->live = true;
    instance->part = scope->part;
    instance->number = (uint32_t)ev->core_instances.len;
    return CJ_VEC_PUSH(ev->alloc, &ev->core_instances, instance) ? CJ_OK : cj__eval_nomem(ev);
}

static cj_status instantiate_core(cj_eval *ev, const cj_scope *scope, const cj_ast_instance *def,
                                  cj_core_inst *instance)
{
    cj_entity target;
    CJ_TRY(cj__scope_get(ev, scope, CJ_SORT_CORE_MODULE, def->target, instance->offset, &target));
    const cj_module *module = target.of.module;
    instance->module = module;

    cj_names args = {0};
    for (uint32_t i = 0; i < def->arg_count; i++) {
        const cj_ast_arg *arg = &def->args[i];
        cj_entity entity;
        CJ_TRY(cj__scope_get(ev, scope, CJ_SORT_CORE_INSTANCE, arg->index, arg->offset, &entity));
        CJ_TRY(cj__names_add(ev, &args, arg->name.name, entity, arg->offset, "instantiation argument"));
    }
    CJ_TRY(cj__eval_charge(ev, module->import_count / 8, instance->offset));
    instance->imports = CJ_EVAL_ARRAY(ev, const cj_core_item *, module->import_count);
    if (!instance->imports)
        return CJ_NO_MEMORY;
    for (uint32_t i = 0; i < module->import_count; i++)
        CJ_TRY(resolve_import(ev, &args, &module->imports[i], instance->offset, &instance->imports[i]));
    return scope->live ? record_live(ev, scope, instance) : CJ_OK;
}

cj_status cj__eval_core_instance(cj_eval *ev, cj_scope *scope, const cj_ast_instance *def, uint64_t offset,
                                 const cj_core_inst **out)
{
    CJ_TRY(cj__eval_charge(ev, def->arg_count, offset));
    cj_core_inst *instance = CJ_EVAL_NEW(ev, cj_core_inst);
    if (!instance)
        return CJ_NO_MEMORY;
    instance->offset = offset;
    *out = instance;
    return def->is_inline ? inline_core_instance(ev, scope, def, instance) : instantiate_core(ev, scope, def, instance);
}

/* -- Function bodies --------------------------------------------------------------------------------------------- */

/* Modules of proposals that canonjit does not know are not validated: nothing live has them, or linking said so. */
cj_status cj__eval_finish(cj_eval *ev, cj_status status)
{
    if (status != CJ_OK && status != CJ_UNSUPPORTED)
        return status;
    cj_id_set merged = {0};
    for (size_t i = 0; status == CJ_OK && i < ev->core_instances.len; i++)
        CJ_TRY(cj__id_set_add(ev, &merged, (uintptr_t)ev->core_instances.at[i]->module));
    for (uint32_t i = 0; i < ev->modules.len; i++) {
        const cj_module *module = ev->modules.at[i].entity.of.module;
        if (!module->outline || cj__id_set_has(&merged, (uintptr_t)module))
            continue;
        cj_error err;
        cj_status one = cj__core_check_bodies(ev->config, module->outline, &err);
        if (one != CJ_OK && one != CJ_UNSUPPORTED) {
            *ev->err = err;
            return one;
        }
    }
    return status;
}
