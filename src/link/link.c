/* link.c: cj__link: from an AST to a program, and what of it the host sees: imports, exports, resource types, named
 * types.
 *
 * Place in the pipeline: link_eval.h runs the definitions; link_build.h says what is made of that, and where.
 * Non-goals: what definitions mean, groups, slots, steps.
 */
#include "engine/engine.h"
#include "link/link_build.h"

_Static_assert(CJ_MAX_BOUNDARY_PARAMS + 1 == CJ_MAX_CORE_PARAMS, "what the merger lets pass is what the engine passes");

cj_status cj__link_intern(cj_linker_state *l, cj_names *names, const void *key, size_t size, uint32_t *out,
                          bool *is_new)
{
    const cj_named *found = cj__names_find(&l->ev, names, (cj_str){key, size});
    *is_new = !found;
    if (found) {
        *out = (uint32_t)(found - names->at);
        return CJ_OK;
    }
    char *copy = cj__arena_dup(l->ev.arena, key, size, 1);
    if (!copy)
        return cj__fail_nomem(l->err);
    *out = names->len;
    return cj__names_add(&l->ev, names, (cj_str){copy, size}, (cj_entity){0}, 0, "key");
}

/* A copy for the program; counted, for files that repeat long names. */
static cj_status copy_text(cj_linker_state *l, cj_str text, const char **out)
{
    enum { COST = 64 }; /* bytes that are a definition's worth of work: names are long, and instances repeat them */
    CJ_TRY(cj__eval_charge(&l->ev, text.len / COST, CJ_NO_OFFSET));
    *out = cj__arena_strdup(l->program->arena, text);
    return *out ? CJ_OK : cj__fail_nomem(l->err);
}

cj_status cj__link_info(cj_linker_state *l, cj_str interface, cj_str name, const cj_functype *type, cj_func_info *out)
{
    cj_str path;
    CJ_TRY(cj__eval_join_path(&l->ev, interface, name, &path));
    CJ_TRY(copy_text(l, path, &out->path));
    CJ_TRY(copy_text(l, interface, &out->interface));
    CJ_TRY(copy_text(l, name, &out->name));
    out->type = type;
    return CJ_OK;
}

/* -- Parts and resource types ------------------------------------------------------------------------------------ */

static cj_status make_parts(cj_linker_state *l)
{
    cj_program *program = l->program;
    program->part_count = (uint32_t)l->ev.parts.len;
    program->parts = CJ_ARENA_ARRAY(program->arena, cj_part, program->part_count);
    if (!program->parts)
        return cj__fail_nomem(l->err);
    for (uint32_t i = 0; i < program->part_count; i++)
        program->parts[i] = (cj_part){l->ev.parts.at[i].parent, l->ev.parts.at[i].offset};
    return CJ_OK;
}

/* Numbers only grow, so what an ascription made opaque has its place already. */
static cj_status make_resources(cj_linker_state *l)
{
    cj_program *program = l->program;
    size_t count = l->ev.resources.len;
    program->resource_of_count = l->ev.resource_count + 1;
    program->resource_of = CJ_ARENA_ARRAY(program->arena, uint32_t, program->resource_of_count);
    program->resources = CJ_ARENA_ARRAY(program->arena, cj_program_resource, count);
    if (!program->resource_of || !program->resources)
        return cj__fail_nomem(l->err);
    memset(program->resource_of, 0xff, program->resource_of_count * sizeof(uint32_t));
    for (size_t i = 0; i < count; i++) {
        const cj_live_resource *from = &l->ev.resources.at[i];
        if (from->underlying) {
            program->resource_of[from->resource] = program->resource_of[from->underlying];
            continue;
        }
        program->resource_of[from->resource] = program->resource_count;
        cj_program_resource *to = &program->resources[program->resource_count++];
        *to = (cj_program_resource){.part = from->part, .group = CJ_NONE, .dtor = CJ_NONE};
        CJ_TRY(copy_text(l, from->type->interface, &to->interface));
        CJ_TRY(copy_text(l, from->type->name, &to->name));
    }
    return CJ_OK;
}

/* Those of live component instances that have destructors: each an export of a group. */
static cj_status make_destructors(cj_linker_state *l)
{
    static const uint8_t i32[] = {CJ_CORE_I32};
    for (size_t i = 0; i < l->ev.resources.len; i++) {
        const cj_live_resource *from = &l->ev.resources.at[i];
        if (!from->dtor)
            continue;
        uint32_t at = l->program->resource_of[from->resource];
        cj_program_resource *to = &l->program->resources[at];
        to->group = cj__link_home(l, from->part, from->dtor);
        CJ_TRY(cj__link_want(l, (cj_wanted_export){.kind = CJ_WANTED_DTOR,
                                                   .group = to->group,
                                                   .of = at,
                                                   .item = from->dtor,
                                                   .type = {i32, NULL, 1, 0},
                                                   .offset = from->offset}));
    }
    return CJ_OK;
}

cj_status cj__link_resource(cj_linker_state *l, uint32_t resource, uint32_t *out)
{
    *out = resource < l->program->resource_of_count ? l->program->resource_of[resource] : CJ_NONE;
    if (*out == CJ_NONE)
        return cj__fail(l->err, CJ_INTERNAL, "resource type %u, which nothing live defines, is used", resource);
    l->program->resources[*out].used = true;
    return CJ_OK;
}

/* -- Imports and exports ----------------------------------------------------------------------------------------- */

static cj_status make_imports(cj_linker_state *l)
{
    cj_program *program = l->program;
    size_t count = l->ev.imports.len;
    program->imports = CJ_ARENA_ARRAY(program->arena, cj_program_import, count);
    l->import_at = CJ_EVAL_ARRAY(&l->ev, uint32_t, count);
    l->imports_before = CJ_EVAL_ARRAY(&l->ev, uint32_t, count + 1);
    if (!program->imports || !l->import_at || !l->imports_before)
        return cj__fail_nomem(l->err);
    for (size_t i = 0; i < count; i++) {
        const cj_host_import *import = &l->ev.imports.at[i];
        l->import_at[i] = CJ_NONE;
        l->imports_before[i + 1] = program->import_count;
        if (import->type->func->gate)
            continue; /* no value of it can be moved; nothing can call it */
        l->import_at[i] = program->import_count;
        l->imports_before[i + 1]++;
        cj_program_import *out = &program->imports[program->import_count++];
        CJ_TRY(cj__link_info(l, import->interface, import->name, import->type->func, &out->info));
    }
    return CJ_OK;
}

static cj_status make_export(cj_linker_state *l, const cj_root_export *from)
{
    cj_program *program = l->program;
    const cj_func_val *func = from->func;
    cj_program_export *out = &program->exports[program->export_count++];
    CJ_TRY(cj__link_info(l, from->interface, from->name, func->type->func, &out->info));
    out->import = out->lifted = CJ_NONE;
    if (func->origin == CJ_FUNC_HOST) {
        out->import = l->import_at[func->import];
        program->imports[out->import].used = true;
        return CJ_OK;
    }
    if (func->origin != CJ_FUNC_LIFTED)
        return cj__fail_at(l->err, CJ_INTERNAL, from->offset, "export `%.*s` is a function that nothing defines",
                           CJ_STR_ARG(from->name));
    const cj_plan_options options = cj__link_plan_options(CJ_PLAN_EXPORT, &func->opts);
    CJ_TRY(cj__link_plan(l, func->type->func, &options, &out->info, func->offset, &out->plan));
    return cj__link_lifted(l, func, &out->lifted);
}

static cj_status make_exports(cj_linker_state *l)
{
    cj_program *program = l->program;
    size_t count = l->ev.exports.len;
    program->exports = CJ_ARENA_ARRAY(program->arena, cj_program_export, count);
    l->exports_before = CJ_EVAL_ARRAY(&l->ev, uint32_t, count + 1);
    if (!program->exports || !l->exports_before)
        return cj__fail_nomem(l->err);
    for (size_t i = 0; i < count; i++) {
        const cj_root_export *from = &l->ev.exports.at[i];
        const char *gate = cj__link_gate(from->func);
        if (!gate)
            CJ_TRY(make_export(l, from));
        else if (!l->config->trap_unsupported)
            cj__eval_unsupported(&l->ev, from->func->offset, "%s (export `%.*s`)", gate, CJ_STR_ARG(from->name));
        l->exports_before[i + 1] = program->export_count;
    }
    return CJ_OK;
}

static cj_status make_named_types(cj_linker_state *l)
{
    cj_program *program = l->program;
    size_t count = l->ev.named_types.len;
    program->named_types = CJ_ARENA_ARRAY(program->arena, cj_program_type, count);
    if (!program->named_types)
        return cj__fail_nomem(l->err);
    for (size_t i = 0; i < count; i++) {
        const cj_root_type *from = &l->ev.named_types.at[i];
        cj_program_type *out = &program->named_types[program->named_type_count++];
        out->is_export = from->is_export;
        CJ_TRY(copy_text(l, from->interface, &out->interface));
        CJ_TRY(copy_text(l, from->name, &out->name));
        out->type = from->type->value; /* NULL for resource types */
        out->resource = from->type->kind == CJ_TYPE_RESOURCE ? from->type->resource : 0;
        out->identity = from->type->original ? from->type->original : from->type;
        out->before = (from->is_export ? l->exports_before : l->imports_before)[from->before];
    }
    return CJ_OK;
}

/* -- The whole --------------------------------------------------------------------------------------------------- */

/* What is valid and cannot run is noted on the way; the first note is the result. */
static cj_status check_unsupported(cj_linker_state *l)
{
    if (!l->ev.has_unsupported)
        return CJ_OK;
    *l->err = l->ev.unsupported;
    return CJ_UNSUPPORTED;
}

static cj_status check_given(cj_linker_state *l)
{
    for (size_t i = 0; i < l->ev.given_count; i++)
        if (!l->ev.given_used[i])
            return cj__fail(l->err, CJ_NOT_FOUND, "the component imports no core module or component named `%.*s`",
                            CJ_STR_ARG(l->ev.given[i].name));
    return CJ_OK;
}

static cj_status link_all(cj_linker_state *l, const cj_ast *ast)
{
    l->ev.given_used = CJ_EVAL_ARRAY(&l->ev, bool, l->ev.given_count);
    if (!l->ev.given_used)
        return CJ_NO_MEMORY;
    CJ_TRY(cj__eval_root(&l->ev, ast));
    CJ_TRY(check_given(l));
    CJ_TRY(check_unsupported(l));
    l->value_counts = CJ_EVAL_ARRAY(&l->ev, uint32_t, cj__types_count(l->program->types));
    if (!l->value_counts)
        return CJ_NO_MEMORY;
    CJ_TRY(make_parts(l));
    CJ_TRY(make_resources(l));
    CJ_TRY(make_imports(l));
    CJ_TRY(cj__link_groups(l));
    cj_merge_source **sources = CJ_EVAL_ARRAY(&l->ev, cj_merge_source *, l->instance_count);
    if (!sources)
        return CJ_NO_MEMORY;
    CJ_TRY(make_exports(l));
    CJ_TRY(cj__link_sources(l, sources));
    CJ_TRY(make_destructors(l));
    CJ_TRY(cj__link_wanted(l));
    CJ_TRY(check_unsupported(l));
    CJ_TRY(cj__link_merge(l, sources));
    CJ_TRY(cj__link_steps(l));
    l->program->lifted_count = (uint32_t)l->lifted.len;
    l->program->lifted =
        cj__arena_dup(l->program->arena, l->lifted.at, l->lifted.len * sizeof(cj_lifted), _Alignof(cj_lifted));
    if (!l->program->lifted)
        return cj__fail_nomem(l->err);
    if (l->ev.not_given.len)
        CJ_TRY(copy_text(l, l->ev.not_given, &l->program->not_given));
    return make_named_types(l);
}

static void linker_fini(cj_linker_state *l)
{
    for (uint32_t i = 0; i < l->group_count; i++) {
        cj_group_build *group = &l->groups[i];
        CJ_VEC_FREE(l->alloc, &group->members);
        CJ_VEC_FREE(l->alloc, &group->slots);
        CJ_VEC_FREE(l->alloc, &group->merge_slots);
        CJ_VEC_FREE(l->alloc, &group->exports);
    }
    CJ_VEC_FREE(l->alloc, &l->lifted);
    CJ_VEC_FREE(l->alloc, &l->wanted);
    CJ_VEC_FREE(l->alloc, &l->scratch);
    cj__eval_fini(&l->ev);
}

static cj_status program_new(const cj_config *config, cj_program **out)
{
    cj_program *program = cj__calloc(cj__alloc_or_default(config->allocator), 1, sizeof(*program));
    if (!program)
        return CJ_NO_MEMORY;
    program->config = *config;
    program->types = cj__types_new(config->allocator, config->max_type_depth);
    if (!program->types || cj_arena_new(config->allocator, &program->arena) != CJ_OK) {
        cj__program_delete(program);
        return CJ_NO_MEMORY;
    }
    *out = program;
    return CJ_OK;
}

cj_status cj__link(const cj_config *config, const cj_ast *ast, cj_program **out, cj_error *err)
{
    return cj__link_with(config, ast, NULL, 0, out, err);
}

/* By its own name where it has one, else by that of what it is. */
static cj_status name_resources(cj_program *program, cj_error *err)
{
    uint32_t count = program->resource_of_count;
    const char **names = CJ_ARENA_ARRAY(program->arena, const char *, count);
    if (!names)
        return cj__fail_nomem(err);
    for (uint32_t i = 0; i < count; i++)
        if (program->resource_of[i] != CJ_NONE)
            names[i] = program->resources[program->resource_of[i]].name;
    for (uint32_t i = 0; i < program->named_type_count; i++)
        if (program->named_types[i].resource < count)
            names[program->named_types[i].resource] = program->named_types[i].name;
    cj__types_name_resources(program->types, names, count);
    return CJ_OK;
}

cj_status cj__link_with(const cj_config *config, const cj_ast *ast, const cj_given *given, size_t given_count,
                        cj_program **out, cj_error *err)
{
    cj_config defaults;
    cj_error unwanted;
    if (!config) {
        cj_config_init(&defaults);
        config = &defaults;
    }
    cj_linker_state l = {
        .config = config, .alloc = cj__alloc_or_default(config->allocator), .err = err ? err : &unwanted};
    cj__error_clear(l.err);
    if (program_new(config, &l.program) != CJ_OK)
        return cj__fail_nomem(l.err);
    cj_status status = cj__eval_init(&l.ev, config, l.program->types, l.err);
    if (status == CJ_OK) {
        l.ev.given = given;
        l.ev.given_count = given_count;
        status = cj__eval_finish(&l.ev, link_all(&l, ast));
        linker_fini(&l);
    }
    if (status == CJ_OK)
        status = name_resources(l.program, l.err);
    if (status != CJ_OK) {
        cj__program_delete(l.program);
        return status;
    }
    *out = l.program;
    return CJ_OK;
}

void cj__program_delete(cj_program *program)
{
    if (!program)
        return;
    const cj_allocator *alloc = cj__alloc_or_default(program->config.allocator);
    for (uint32_t i = 0; i < program->group_count; i++)
        cj__merged_fini(&program->config, &program->groups[i].merged);
    for (size_t i = 0; i < program->plans.len; i++)
        cj__plan_delete(program->plans.at[i]);
    CJ_VEC_FREE(alloc, &program->plans);
    cj_arena_delete(program->arena);
    cj__types_delete(program->types);
    cj__free(alloc, program, sizeof(*program));
}
