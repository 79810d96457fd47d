/* component.c: cj_component: bytes to a program whose core modules are loaded, once for all instances.
 *
 * Place in the pipeline: drives component/, link/ (which builds the plans) and engine/'s loader, in this order.
 * Non-goals: what differs between instances (instance.c).
 *
 * Immutable once made; instances count as users, so a component that is deleted too early only goes later.
 */
#include "runtime/runtime.h"

#include <stdlib.h>

static int compare_paths(const void *a, const void *b, void *program)
{
    const cj_program_export *exports = ((const cj_program *)program)->exports;
    return strcmp(exports[*(const uint32_t *)a].info.path, exports[*(const uint32_t *)b].info.path);
}

/* Heapsort on indices: no recursion, no memory, no quadratic case for a hostile file. */
static void sift(uint32_t *at, size_t root, size_t len, cj_program *program)
{
    for (size_t child; (child = 2 * root + 1) < len; root = child) {
        if (child + 1 < len && compare_paths(&at[child], &at[child + 1], program) < 0)
            child++;
        if (compare_paths(&at[root], &at[child], program) >= 0)
            return;
        uint32_t t = at[root];
        at[root] = at[child];
        at[child] = t;
    }
}

static void sort_paths(uint32_t *at, size_t len, cj_program *program)
{
    for (size_t i = len / 2; i-- > 0;)
        sift(at, i, len, program);
    for (size_t end = len; end-- > 1;) {
        uint32_t t = at[0];
        at[0] = at[end];
        at[end] = t;
        sift(at, 0, end, program);
    }
}

uint32_t cj__component_find_export(const cj_component *component, const char *path)
{
    const cj_program *program = component->program;
    size_t low = 0, high = program->export_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        uint32_t i = component->exports_by_path[middle];
        int order = strcmp(path, program->exports[i].info.path);
        if (order == 0)
            return i;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return CJ_NONE;
}

static cj_status list_resources(cj_component *component, cj_error *err)
{
    const cj_program *program = component->program;
    uint32_t count = 0;
    for (uint32_t i = 0; i < program->named_type_count; i++)
        count += program->named_types[i].resource != 0;
    component->resources = cj__calloc(component->engine->alloc, count, sizeof(*component->resources));
    if (!component->resources)
        return cj__fail_nomem(err);
    for (uint32_t i = 0; i < program->named_type_count; i++)
        if (program->named_types[i].resource)
            component->resources[component->resource_count++] = i;
    return CJ_OK;
}

static cj_status load_modules(cj_component *component, cj_error *err)
{
    cj_engine *engine = component->engine;
    cj_program *program = component->program;
    component->modules = cj__calloc(engine->alloc, program->group_count, sizeof(*component->modules));
    component->exports_by_path = cj__calloc(engine->alloc, program->export_count, sizeof(*component->exports_by_path));
    if (!component->modules || !component->exports_by_path)
        return cj__fail_nomem(err);
    for (uint32_t i = 0; i < program->export_count; i++)
        component->exports_by_path[i] = i;
    sort_paths(component->exports_by_path, program->export_count, component->program);
    for (uint32_t i = 0; i < program->group_count; i++) {
        cj_group *group = &program->groups[i];
        CJ_TRY(cj__core_load(engine->alloc, group->merged.bytes, group->merged.size, group->import_types,
                             group->merged.import_count, &component->modules[i], err));
        cj__merged_forget_bytes(&engine->config, &group->merged);
    }
    return CJ_OK;
}

/* Whether bytes say that they are a component, and no core module (Binary.md, "Component Definitions"). */
static bool is_component(const uint8_t *bytes, size_t size)
{
    enum { LAYER = 6 };
    return size > LAYER && bytes[LAYER] != 0;
}

static cj_status decode_given(const cj_config *config, const cj_component_part *from, cj_given *to, cj_ast **ast,
                              cj_error *err)
{
    to->name = cj__str(from->name);
    to->module = (cj_bytes){from->bytes, from->size, 0};
    if (!is_component(from->bytes, from->size))
        return CJ_OK;
    cj_status status = cj__ast_decode(config, from->bytes, from->size, ast, err);
    if (status != CJ_OK)
        cj__error_where(err, "given as `%s`", from->name);
    to->component = *ast;
    return status;
}

static cj_status link_with(cj_component *component, const cj_ast *ast, const cj_component_part *from, size_t count,
                           cj_error *err)
{
    const cj_engine *engine = component->engine;
    cj_given *given = cj__calloc(engine->alloc, count, sizeof(*given));
    cj_ast **asts = cj__calloc(engine->alloc, count, sizeof(*asts));
    cj_status status = given && asts ? CJ_OK : cj__fail_nomem(err);
    for (size_t i = 0; i < count && status == CJ_OK; i++)
        status = decode_given(&engine->config, &from[i], &given[i], &asts[i], err);
    if (status == CJ_OK)
        status = cj__link_with(&engine->config, ast, given, count, &component->program, err);
    for (size_t i = 0; i < count && asts; i++)
        cj__ast_delete(asts[i]);
    cj__free(engine->alloc, given, count * sizeof(*given));
    cj__free(engine->alloc, asts, count * sizeof(*asts));
    return status;
}

cj_status cj_component_new(cj_engine *engine, const uint8_t *bytes, size_t size, cj_component **out, cj_error *err)
{
    return cj_component_new_with(engine, bytes, size, NULL, 0, out, err);
}

cj_status cj_component_new_with(cj_engine *engine, const uint8_t *bytes, size_t size, const cj_component_part *given,
                                size_t given_count, cj_component **out, cj_error *err)
{
    cj__error_clear(err);
    if (!engine || !out || (!bytes && size) || (!given && given_count))
        return cj__fail(err, CJ_MISUSE, "cj_component_new: engine, bytes and out must not be NULL");
    for (size_t i = 0; i < given_count; i++)
        if (!given[i].name || (!given[i].bytes && given[i].size))
            return cj__fail(err, CJ_MISUSE, "cj_component_new_with: name and bytes must not be NULL");
    cj_component *component = cj__calloc(engine->alloc, 1, sizeof(*component));
    if (!component)
        return cj__fail_nomem(err);
    component->engine = cj__engine_use(engine);
    atomic_init(&component->users, 1);

    cj_ast *ast = NULL;
    cj_status status = cj__ast_decode(&engine->config, bytes, size, &ast, err);
    if (status == CJ_OK)
        status = link_with(component, ast, given, given_count, err);
    cj__ast_delete(ast);
    if (status == CJ_OK)
        status = list_resources(component, err);
    if (status == CJ_OK)
        status = load_modules(component, err);
    if (status != CJ_OK) {
        cj__component_unuse(component);
        return status;
    }
    *out = component;
    return CJ_OK;
}

cj_component *cj__component_use(const cj_component *component)
{
    cj_component *counted = (cj_component *)(uintptr_t)component; /* the count is all that ever changes */
    atomic_fetch_add_explicit(&counted->users, 1, memory_order_relaxed);
    return counted;
}

void cj__component_unuse(cj_component *component)
{
    if (atomic_fetch_sub_explicit(&component->users, 1, memory_order_acq_rel) != 1)
        return;
    cj_engine *engine = component->engine;
    const cj_program *program = component->program;
    if (program && component->modules) {
        for (uint32_t i = 0; i < program->group_count; i++)
            if (component->modules[i])
                cj__core_unload(component->modules[i]);
        cj__free(engine->alloc, component->modules, program->group_count * sizeof(*component->modules));
    }
    if (program && component->exports_by_path)
        cj__free(engine->alloc, component->exports_by_path,
                 program->export_count * sizeof(*component->exports_by_path));
    cj__free(engine->alloc, component->resources, component->resource_count * sizeof(*component->resources));
    cj__program_delete(component->program);
    cj__free(engine->alloc, component, sizeof(*component));
    cj__engine_unuse(engine);
}

void cj_component_delete(cj_component *component)
{
    if (component)
        cj__component_unuse(component);
}

/* -- Imports and exports ------------------------------------------------------------------------------------------- */

static cj_extern_func extern_func(const cj_func_info *info)
{
    return (cj_extern_func){info->interface, info->name, info->type};
}

size_t cj_component_import_count(const cj_component *component)
{
    return component ? component->program->import_count : 0;
}

cj_extern_func cj_component_import(const cj_component *component, size_t i)
{
    return i < cj_component_import_count(component) ? extern_func(&component->program->imports[i].info)
                                                    : (cj_extern_func){"", "", NULL};
}

size_t cj_component_export_count(const cj_component *component)
{
    return component ? component->program->export_count : 0;
}

cj_extern_func cj_component_export(const cj_component *component, size_t i)
{
    return i < cj_component_export_count(component) ? extern_func(&component->program->exports[i].info)
                                                    : (cj_extern_func){"", "", NULL};
}

size_t cj_component_resource_count(const cj_component *component)
{
    return component ? component->resource_count : 0;
}

cj_extern_resource cj_component_resource(const cj_component *component, size_t i)
{
    if (i >= cj_component_resource_count(component))
        return (cj_extern_resource){"", "", false};
    const cj_program_type *type = &component->program->named_types[component->resources[i]];
    return (cj_extern_resource){type->interface, type->name, !type->is_export};
}
