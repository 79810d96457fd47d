/* link.c: from what the evaluator left to the program: groups of core instances, merged; boundary slots; plans;
 * steps.
 *
 * Place in the pipeline: link_eval.h -> here -> program.h, by way of merge.h and abi/plan.h.
 * Non-goals: what definitions mean (link_*.c), how modules are merged (merge*.c).
 *
 * Core instances that share a memory, table or global must become one module; those that only call each other may, as
 * long as no two memories come together (docs/merging.md). What then still crosses groups has no expression yet and
 * is refused by name.
 */
#include <stdio.h>

#include "engine/engine.h"
#include "link/link_eval.h"

/* A group while its parts are collected. */
typedef struct group_build {
    CJ_VEC(uint32_t) members;                    /* core instances by number, in order */
    cj_names slot_keys, shape_keys, export_keys; /* what is there already: position in the table is its number */
    CJ_VEC(cj_slot) slots;
    CJ_VEC(cj_merge_slot) merge_slots;
    CJ_VEC(cj_merge_export) exports;
} group_build;

typedef struct linker {
    const cj_config *config;
    const cj_allocator *alloc;
    cj_eval ev;
    cj_error *err;
    cj_program *program;
    uint32_t instance_count;
    uint32_t *parent;         /* union-find over core instances */
    uint32_t *memory;         /* of each set's representative: the instance that defines its memory, or CJ_NONE */
    uint32_t *group_of;       /* per instance */
    uint32_t *place_of;       /* per instance: position among the group's members */
    uint32_t *import_at;      /* per host import: position in the program, or CJ_NONE */
    uint32_t *imports_before; /* per host import, and past the last: how many of those before it are in the program */
    group_build *groups;
    uint32_t group_count;
    cj_names plan_keys;
    uint32_t *value_counts; /* per type id: values in it, or 0 while not counted */
    uint64_t total_values;  /* in all plans, against max_total_plan_ops */
} linker;

static const cj_core_inst *instance_at(const linker *l, uint32_t i)
{
    return l->ev.core_instances.at[i];
}

/* Position of `key` in a table, where it is put if it is new. */
static cj_status intern(linker *l, cj_names *names, const void *key, size_t size, uint32_t *out, bool *is_new)
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

/* -- Groups ------------------------------------------------------------------------------------------------------ */

static uint32_t find_set(linker *l, uint32_t i)
{
    while (l->parent[i] != i)
        i = l->parent[i] = l->parent[l->parent[i]];
    return i;
}

/* Puts two instances into one set unless that would join two memories. */
static bool join(linker *l, uint32_t a, uint32_t b)
{
    a = find_set(l, a);
    b = find_set(l, b);
    if (a == b)
        return true;
    if (l->memory[a] != CJ_NONE && l->memory[b] != CJ_NONE)
        return false;
    uint32_t memory = l->memory[a] != CJ_NONE ? l->memory[a] : l->memory[b];
    l->parent[b] = a;
    l->memory[a] = memory;
    return true;
}

static bool is_defined(const cj_core_item *item)
{
    return item && item->origin == CJ_CORE_DEFINED;
}

static void join_item(linker *l, uint32_t instance, const cj_core_item *item)
{
    if (is_defined(item))
        join(l, instance, item->instance->number);
}

static bool is_together(linker *l, uint32_t instance, const cj_core_item *item)
{
    return !is_defined(item) || find_set(l, instance) == find_set(l, item->instance->number);
}

/* Shared memories, tables and globals: these instances cannot be apart. */
static void join_shared(linker *l)
{
    for (uint32_t i = 0; i < l->instance_count; i++) {
        const cj_core_inst *instance = instance_at(l, i);
        for (uint32_t j = 0; j < instance->module->import_count; j++) {
            const cj_core_item *item = instance->imports[j];
            if (item->type.sort != CJ_SORT_CORE_FUNC && is_defined(item) && !join(l, i, item->instance->number))
                cj__eval_unsupported(&l->ev, instance->offset, "core instances with different memories that share a %s",
                                     cj__sort_name(item->type.sort));
        }
    }
}

/* Calls, and the canonical options that a boundary function needs at hand. */
static void join_callers(linker *l)
{
    for (size_t i = 0; i < l->ev.exports.len; i++) {
        const cj_func_val *func = l->ev.exports.at[i].func;
        if (func->origin != CJ_FUNC_LIFTED || !is_defined(func->core))
            continue;
        uint32_t instance = func->core->instance->number;
        join_item(l, instance, func->opts.memory);
        join_item(l, instance, func->opts.realloc);
        join_item(l, instance, func->opts.post_return);
    }
    for (uint32_t i = 0; i < l->instance_count; i++) {
        const cj_core_inst *instance = instance_at(l, i);
        for (uint32_t j = 0; j < instance->module->import_count; j++) {
            const cj_core_item *item = instance->imports[j];
            join_item(l, i, item);
            if (item->origin == CJ_CORE_LOWERED) {
                join_item(l, i, item->opts.memory);
                join_item(l, i, item->opts.realloc);
            }
        }
    }
}

static void note_crossings(linker *l)
{
    static const char options[] = "canonical options that name another memory than the core function's";
    for (uint32_t i = 0; i < l->instance_count; i++) {
        const cj_core_inst *instance = instance_at(l, i);
        for (uint32_t j = 0; j < instance->module->import_count; j++) {
            const cj_core_item *item = instance->imports[j];
            if (!is_together(l, i, item))
                cj__eval_unsupported(&l->ev, instance->offset, "calls between core instances with different memories");
            if (item->origin == CJ_CORE_LOWERED &&
                (!is_together(l, i, item->opts.memory) || !is_together(l, i, item->opts.realloc)))
                cj__eval_unsupported(&l->ev, instance->offset, "%s", options);
        }
    }
    for (size_t i = 0; i < l->ev.exports.len; i++) {
        const cj_func_val *func = l->ev.exports.at[i].func;
        if (func->origin != CJ_FUNC_LIFTED || !is_defined(func->core))
            continue;
        uint32_t instance = func->core->instance->number;
        if (!is_together(l, instance, func->opts.memory) || !is_together(l, instance, func->opts.realloc) ||
            !is_together(l, instance, func->opts.post_return))
            cj__eval_unsupported(&l->ev, func->offset, "%s", options);
    }
}

/* Exports that cannot run yet, apart from their place. */
static void note_exports(linker *l)
{
    for (size_t i = 0; i < l->ev.exports.len; i++) {
        const cj_root_export *export_ = &l->ev.exports.at[i];
        const cj_func_val *func = export_->func;
        const char *gate = func->gate ? func->gate : cj__functype_gate(func->type);
        if (!gate && func->origin != CJ_FUNC_LIFTED)
            gate = "re-export of an imported function";
        if (!gate && func->core->origin == CJ_CORE_LOWERED)
            gate = "canon lift of a lowered function";
        if (!gate && func->core->origin != CJ_CORE_DEFINED)
            gate = "canon lift of a canonical built-in function";
        if (!gate && ((func->opts.realloc && !is_defined(func->opts.realloc)) ||
                      (func->opts.post_return && !is_defined(func->opts.post_return))))
            gate = "canonical option that names a lowered function";
        if (gate)
            cj__eval_unsupported(&l->ev, func->offset, "%s (export `%.*s`)", gate, CJ_STR_ARG(export_->name));
    }
}

static cj_status form_groups(linker *l)
{
    cj_eval *ev = &l->ev;
    uint32_t n = l->instance_count = (uint32_t)ev->core_instances.len;
    l->parent = CJ_EVAL_ARRAY(ev, uint32_t, n);
    l->memory = CJ_EVAL_ARRAY(ev, uint32_t, n);
    l->group_of = CJ_EVAL_ARRAY(ev, uint32_t, n);
    l->place_of = CJ_EVAL_ARRAY(ev, uint32_t, n);
    l->groups = CJ_EVAL_ARRAY(ev, group_build, n);
    if (!l->parent || !l->memory || !l->group_of || !l->place_of || !l->groups)
        return CJ_NO_MEMORY;
    for (uint32_t i = 0; i < n; i++) {
        const cj_core_outline *outline = instance_at(l, i)->module->outline;
        l->parent[i] = i;
        l->memory[i] = outline && outline->memory_count > outline->imported_memories ? i : CJ_NONE;
    }
    note_exports(l);
    join_shared(l);
    join_callers(l);
    note_crossings(l);
    if (ev->has_unsupported) {
        *l->err = ev->unsupported;
        return CJ_UNSUPPORTED;
    }

    uint32_t *group_of_set = CJ_EVAL_ARRAY(ev, uint32_t, n);
    if (!group_of_set)
        return CJ_NO_MEMORY;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t set = find_set(l, i);
        if (group_of_set[set] == 0)
            group_of_set[set] = ++l->group_count;
        group_build *group = &l->groups[group_of_set[set] - 1];
        l->group_of[i] = group_of_set[set] - 1;
        l->place_of[i] = (uint32_t)group->members.len;
        if (!CJ_VEC_PUSH(l->alloc, &group->members, i))
            return cj__fail_nomem(l->err);
    }
    return CJ_OK;
}

/* -- Boundary functions ------------------------------------------------------------------------------------------ */

static cj_status strdup_into(linker *l, cj_str text, const char **out)
{
    *out = cj__arena_strdup(l->program->arena, text);
    return *out ? CJ_OK : cj__fail_nomem(l->err);
}

static cj_status make_info(linker *l, cj_str interface, cj_str name, const cj_functype *type, cj_func_info *out)
{
    cj_str path;
    CJ_TRY(cj__eval_join_path(&l->ev, interface, name, &path));
    CJ_TRY(strdup_into(l, path, &out->path));
    CJ_TRY(strdup_into(l, interface, &out->interface));
    CJ_TRY(strdup_into(l, name, &out->name));
    out->type = type;
    return CJ_OK;
}

/* How many values a plan for `type` moves at most, counted as max_plan_ops counts them. Types share parts, so the
 * number can be exponential in what the file spells out: it sticks past the limit, and each type is counted once. */
static uint32_t count_values(linker *l, const cj_type *type)
{
    uint32_t *count = &l->value_counts[type->id];
    if (*count)
        return *count;
    uint64_t sum = 1;
    for (uint32_t i = 0; i < type->count && type->kind != CJ_KIND_ENUM && type->kind != CJ_KIND_FLAGS; i++)
        sum += 1 + (type->members[i].type ? count_values(l, type->members[i].type) : 0);
    *count = cj__sat32(sum > l->config->max_total_plan_ops ? (uint64_t)l->config->max_total_plan_ops + 1 : sum);
    return *count;
}

static cj_status charge_plan(linker *l, const cj_functype *type, uint64_t offset)
{
    l->total_values += count_values(l, type->params_tuple);
    if (type->result)
        l->total_values += count_values(l, type->result);
    if (l->total_values <= l->config->max_total_plan_ops)
        return CJ_OK;
    return cj__fail_at(l->err, CJ_LIMIT, offset,
                       "all functions up to here have more than %u values to move; the limit is max_total_plan_ops",
                       l->config->max_total_plan_ops);
}

/* What a plan is made from: one for equal types and options. */
typedef struct plan_key {
    uintptr_t type;
    uint32_t kind, encoding, flags;
} plan_key;

static cj_status make_plan(linker *l, const cj_functype *type, cj_plan_kind kind, const cj_canon_opts *opts,
                           const cj_func_info *info, uint64_t offset, cj_plan **out)
{
    const cj_plan_options options = {
        .kind = kind,
        .encoding = opts->encoding,
        .has_memory = opts->memory != NULL,
        .has_realloc = opts->realloc != NULL,
        .has_post_return = opts->post_return != NULL,
    };
    plan_key key;
    memset(&key, 0, sizeof(key));
    key.type = (uintptr_t)type;
    key.kind = (uint32_t)kind;
    key.encoding = (uint32_t)options.encoding;
    key.flags =
        (uint32_t)options.has_memory | (uint32_t)options.has_realloc << 1 | (uint32_t)options.has_post_return << 2;
    uint32_t at;
    bool is_new;
    CJ_TRY(intern(l, &l->plan_keys, &key, sizeof(key), &at, &is_new));
    if (!is_new) {
        *out = l->program->plans.at[at];
        return CJ_OK;
    }
    cj_plan *plan = NULL;
    cj_status status = charge_plan(l, type, offset);
    if (status == CJ_OK)
        status = cj__plan_build(l->config, type, &options, &plan, l->err);
    if (status != CJ_OK) {
        l->err->offset = offset;
        cj__error_where(l->err, "%s", info->path);
        return status;
    }
    if (!CJ_VEC_PUSH(l->alloc, &l->program->plans, plan)) {
        cj__plan_delete(plan);
        return cj__fail_nomem(l->err);
    }
    *out = plan;
    return CJ_OK;
}

/* The number of a core function among the function exports of its group. */
static cj_status export_number(linker *l, const cj_core_item *item, uint32_t *out)
{
    *out = CJ_NONE;
    if (!item)
        return CJ_OK;
    group_build *group = &l->groups[l->group_of[item->instance->number]];
    const uint32_t key[2] = {l->place_of[item->instance->number], item->index};
    bool is_new;
    CJ_TRY(intern(l, &group->export_keys, key, sizeof(key), out, &is_new));
    if (is_new && !CJ_VEC_PUSH(l->alloc, &group->exports, (cj_merge_export){key[0], key[1]}))
        return cj__fail_nomem(l->err);
    return CJ_OK;
}

static cj_status make_imports(linker *l)
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
        if (!import->type->func)
            continue; /* its type cannot be represented; nothing lowers it, or it would have been refused */
        l->import_at[i] = program->import_count;
        l->imports_before[i + 1]++;
        cj_program_import *out = &program->imports[program->import_count++];
        out->used = import->used;
        CJ_TRY(make_info(l, import->interface, import->name, import->type->func, &out->info));
    }
    return CJ_OK;
}

static cj_status make_exports(linker *l)
{
    cj_program *program = l->program;
    size_t count = l->ev.exports.len;
    program->exports = CJ_ARENA_ARRAY(program->arena, cj_program_export, count);
    program->lifted = CJ_ARENA_ARRAY(program->arena, cj_lifted, count);
    program->parts = CJ_ARENA_NEW(program->arena, cj_part);
    if (!program->exports || !program->lifted || !program->parts)
        return cj__fail_nomem(l->err);
    program->parts[0].parent = CJ_NONE;
    program->part_count = 1;
    for (size_t i = 0; i < count; i++) {
        const cj_root_export *from = &l->ev.exports.at[i];
        const cj_func_val *func = from->func;
        cj_program_export *out = &program->exports[program->export_count++];
        CJ_TRY(make_info(l, from->interface, from->name, func->type->func, &out->info));
        CJ_TRY(make_plan(l, func->type->func, CJ_PLAN_EXPORT, &func->opts, &out->info, func->offset, &out->plan));
        out->import = CJ_NONE;
        out->lifted = program->lifted_count++;
        cj_lifted *lifted = &program->lifted[out->lifted];
        lifted->info = out->info;
        lifted->group = l->group_of[func->core->instance->number];
        CJ_TRY(export_number(l, func->core, &lifted->core_func));
        CJ_TRY(export_number(l, func->opts.realloc, &lifted->realloc));
        CJ_TRY(export_number(l, func->opts.post_return, &lifted->post_return));
    }
    return CJ_OK;
}

/* The slot of a lowered function in a group: one for each function and set of options. */
static cj_status slot_number(linker *l, group_build *group, const cj_core_item *item, uint64_t offset, uint32_t *out)
{
    uint32_t realloc;
    CJ_TRY(export_number(l, item->opts.realloc, &realloc));
    uint32_t import = l->import_at[item->func->import];
    const uint32_t key[4] = {import, (uint32_t)item->opts.encoding, item->opts.memory != NULL, realloc};
    bool is_new;
    CJ_TRY(intern(l, &group->slot_keys, key, sizeof(key), out, &is_new));
    if (!is_new)
        return CJ_OK;

    const cj_func_info *info = &l->program->imports[import].info;
    cj_slot slot = {.kind = CJ_SLOT_HOST, .of = import, .realloc = realloc, .memory_group = (uint32_t)(group - l->groups)};
    CJ_TRY(make_plan(l, info->type, CJ_PLAN_IMPORT, &item->opts, info, offset, &slot.plan));
    CJ_TRY(intern(l, &group->shape_keys, slot.plan->key, slot.plan->key_len, &slot.shape, &is_new));
    if (!CJ_VEC_PUSH(l->alloc, &group->slots, slot) ||
        !CJ_VEC_PUSH(l->alloc, &group->merge_slots, (cj_merge_slot){item->type.func, slot.shape}))
        return cj__fail_nomem(l->err);
    return CJ_OK;
}

/* -- Merging ----------------------------------------------------------------------------------------------------- */

static cj_status make_sources(linker *l, group_build *group, const cj_core_inst *instance, const cj_merge_source **out)
{
    uint32_t count = instance->module->import_count;
    cj_merge_source *sources = CJ_EVAL_ARRAY(&l->ev, cj_merge_source, count);
    if (!sources)
        return CJ_NO_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        const cj_core_item *item = instance->imports[i];
        if (item->origin == CJ_CORE_DEFINED) {
            sources[i] = (cj_merge_source){CJ_SOURCE_INSTANCE, l->place_of[item->instance->number], item->index, 0};
        } else {
            sources[i].kind = CJ_SOURCE_BOUNDARY;
            CJ_TRY(slot_number(l, group, item, instance->offset, &sources[i].slot));
        }
    }
    *out = sources;
    return CJ_OK;
}

/* The types of the merged module's imports: those of the slots, and the slot's number. */
static cj_status make_import_types(linker *l, const group_build *group, cj_group *out)
{
    cj_arena *arena = l->program->arena;
    const cj_merged *merged = &out->merged;
    const cj_core_functype **type_of_shape = CJ_EVAL_ARRAY(&l->ev, const cj_core_functype *, group->shape_keys.len);
    out->import_types = CJ_ARENA_ARRAY(arena, struct cj_core_type, merged->import_count);
    if (!type_of_shape || !out->import_types)
        return cj__fail_nomem(l->err);
    for (size_t i = 0; i < group->merge_slots.len; i++)
        type_of_shape[group->merge_slots.at[i].shape] = &group->merge_slots.at[i].type;
    for (uint32_t i = 0; i < merged->import_count; i++) {
        const cj_core_functype *from = type_of_shape[merged->import_shapes[i]];
        cj_core *params = CJ_ARENA_ARRAY(arena, cj_core, from->param_count + 1);
        if (!params)
            return cj__fail_nomem(l->err);
        for (uint32_t j = 0; j < from->param_count; j++)
            params[j] = (cj_core)from->params[j];
        params[from->param_count] = CJ_CORE_I32;
        cj_core_type *type = &out->import_types[i];
        type->params = params;
        type->param_count = from->param_count + 1;
        type->result_count = from->result_count;
        if (from->result_count)
            type->result = (cj_core)from->results[0];
    }
    return CJ_OK;
}

static cj_status merge_group(linker *l, group_build *group, cj_group *out)
{
    cj_merge_instance *instances = CJ_EVAL_ARRAY(&l->ev, cj_merge_instance, group->members.len);
    if (!instances)
        return CJ_NO_MEMORY;
    /* `late` stays false: no code of one group is known to another. */
    for (size_t i = 0; i < group->members.len; i++) {
        const cj_core_inst *instance = instance_at(l, group->members.at[i]);
        instances[i].module = instance->module->outline;
        CJ_TRY(make_sources(l, group, instance, &instances[i].sources));
    }
    const cj_merge_input input = {
        .instances = instances,
        .instance_count = (uint32_t)group->members.len,
        .slots = group->merge_slots.at,
        .slot_count = (uint32_t)group->merge_slots.len,
        .exports = group->exports.at,
        .export_count = (uint32_t)group->exports.len,
        .interruptible = l->config->interruptible,
    };
    CJ_TRY(cj__merge(l->config, &input, &out->merged, l->err));
    out->slot_count = (uint32_t)group->slots.len;
    out->slots =
        cj__arena_dup(l->program->arena, group->slots.at, group->slots.len * sizeof(cj_slot), _Alignof(cj_slot));
    if (!out->slots)
        return cj__fail_nomem(l->err);
    return make_import_types(l, group, out);
}

static cj_status make_groups(linker *l)
{
    cj_program *program = l->program;
    program->groups = CJ_ARENA_ARRAY(program->arena, cj_group, l->group_count);
    if (!program->groups)
        return cj__fail_nomem(l->err);
    for (uint32_t i = 0; i < l->group_count; i++) {
        program->group_count = i + 1; /* what is made of it is the program's to free from here on */
        CJ_TRY(merge_group(l, &l->groups[i], &program->groups[i]));
    }
    return CJ_OK;
}

/* Instances come to life in the order of the file, whatever their groups: a group with its first one. */
static cj_status make_steps(linker *l)
{
    cj_program *program = l->program;
    program->steps = CJ_ARENA_ARRAY(program->arena, cj_program_step, (size_t)l->instance_count + l->group_count);
    if (!program->steps)
        return cj__fail_nomem(l->err);
    for (uint32_t i = 0; i < l->instance_count; i++) {
        uint32_t group = l->group_of[i], place = l->place_of[i];
        uint64_t offset = instance_at(l, i)->offset;
        if (place == 0)
            program->steps[program->step_count++] = (cj_program_step){CJ_STEP_INSTANTIATE, group, CJ_NONE, offset};
        uint32_t init = program->groups[group].merged.init_exports[place];
        if (init != CJ_NONE)
            program->steps[program->step_count++] = (cj_program_step){CJ_STEP_INIT, group, init, offset};
    }
    return CJ_OK;
}

static cj_status make_named_types(linker *l)
{
    cj_program *program = l->program;
    size_t count = l->ev.named_types.len;
    program->named_types = CJ_ARENA_ARRAY(program->arena, cj_program_type, count);
    if (!program->named_types)
        return cj__fail_nomem(l->err);
    for (size_t i = 0; i < count; i++) {
        const cj_root_type *from = &l->ev.named_types.at[i];
        CJ_TRY(cj__eval_charge(&l->ev, from->interface.len / 64, CJ_NO_OFFSET));
        cj_program_type *out = &program->named_types[program->named_type_count++];
        out->is_export = from->is_export;
        CJ_TRY(strdup_into(l, from->interface, &out->interface));
        CJ_TRY(strdup_into(l, from->name, &out->name));
        out->type = from->type->kind == CJ_TYPE_VALUE ? from->type->value.type : NULL;
        out->resource = from->type->kind == CJ_TYPE_RESOURCE ? from->type->resource : 0;
        out->gate = from->type->value.gate;
        out->identity = from->type;
        out->before = from->is_export ? from->before : l->imports_before[from->before];
    }
    return CJ_OK;
}

/* -- The whole --------------------------------------------------------------------------------------------------- */

static cj_status link_all(linker *l, const cj_ast *ast)
{
    CJ_TRY(cj__eval_root(&l->ev, ast));
    CJ_TRY(form_groups(l));
    l->value_counts = CJ_EVAL_ARRAY(&l->ev, uint32_t, cj__types_count(l->program->types));
    if (!l->value_counts)
        return CJ_NO_MEMORY;
    CJ_TRY(make_imports(l));
    CJ_TRY(make_exports(l));
    CJ_TRY(make_groups(l));
    CJ_TRY(make_steps(l));
    return make_named_types(l);
}

static void linker_fini(linker *l)
{
    for (uint32_t i = 0; i < l->group_count; i++) {
        group_build *group = &l->groups[i];
        CJ_VEC_FREE(l->alloc, &group->members);
        CJ_VEC_FREE(l->alloc, &group->slots);
        CJ_VEC_FREE(l->alloc, &group->merge_slots);
        CJ_VEC_FREE(l->alloc, &group->exports);
    }
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
    cj_config defaults;
    cj_error unwanted;
    if (!config) {
        cj_config_init(&defaults);
        config = &defaults;
    }
    linker l = {.config = config, .alloc = cj__alloc_or_default(config->allocator), .err = err ? err : &unwanted};
    cj__error_clear(l.err);
    if (program_new(config, &l.program) != CJ_OK)
        return cj__fail_nomem(l.err);
    cj_status status = cj__eval_init(&l.ev, config, l.program->types, l.err);
    if (status == CJ_OK) {
        status = link_all(&l, ast);
        linker_fini(&l);
    }
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
