/* link_steps.c: the merger's input, the merged modules, and the order in which they come to life.
 *
 * Place in the pipeline: link_build.h. Core instances come to life in the order in which the definitions ran, across all
 * component instances; a group does with the first of its members, and its later members' segments and start functions
 * are steps of their own. Non-goals: running the steps (runtime/).
 */
#include <inttypes.h>

#include "link/link_build.h"

/* -- Imports of core instances ----------------------------------------------------------------------------------- */

static cj_status make_source(cj_linker_state *l, uint32_t group, const cj_core_inst *instance, uint32_t i,
                             cj_merge_source *out)
{
    const cj_core_item *item = instance->imports[i];
    const cj_module_import *import = &instance->module->imports[i];
    if (cj__link_is_defined(item)) {
        uint32_t number = item->instance->number;
        if (l->group_of[number] == group) {
            *out = (cj_merge_source){.kind = CJ_SOURCE_INSTANCE, .instance = l->place_of[number], .index = item->index};
            return CJ_OK;
        }
        if (item->type.sort == CJ_SORT_CORE_GLOBAL) {
            out->kind = CJ_SOURCE_CONST;
            return cj__link_const(l, item, &out->value);
        }
    }
    const cj_core_use use = {.wanted = &import->type.func, .import = import, .offset = instance->offset};
    out->kind = CJ_SOURCE_BOUNDARY;
    return cj__link_slot(l, group, item, &use, &out->slot);
}

cj_status cj__link_sources(cj_linker_state *l, cj_merge_source **per_instance)
{
    for (uint32_t i = 0; i < l->instance_count; i++) {
        const cj_core_inst *instance = cj__link_instance(l, i);
        uint32_t count = instance->module->import_count;
        per_instance[i] = CJ_EVAL_ARRAY(&l->ev, cj_merge_source, count);
        if (!per_instance[i])
            return CJ_NO_MEMORY;
        for (uint32_t k = 0; k < count; k++)
            CJ_TRY(make_source(l, l->group_of[i], instance, k, &per_instance[i][k]));
    }
    return CJ_OK;
}

/* -- Merging ----------------------------------------------------------------------------------------------------- */

/* Whether something outside an instance's group may have run the group's code before it: a start function of another
 * group or component, in the time since the group came to life. Start functions inside are the merger's matter. */
static cj_status find_late(cj_linker_state *l, bool *late)
{
    typedef struct counts {
        uint32_t before, own; /* start functions: when the group came to life; of its own members since */
    } counts;
    counts *of = CJ_EVAL_ARRAY(&l->ev, counts, l->group_count);
    if (!of)
        return CJ_NO_MEMORY;
    uint32_t starts = 0;
    for (uint32_t i = 0; i < l->instance_count; i++) {
        counts *c = &of[l->group_of[i]];
        if (l->place_of[i] == 0)
            c->before = starts;
        late[i] = starts - c->before > c->own;
        if (cj__link_instance(l, i)->module->outline->has_start) {
            starts++;
            c->own++;
        }
    }
    return CJ_OK;
}

/* The types of the merged module's imports: those of the slots, and the slot's number. */
static cj_status make_import_types(cj_linker_state *l, const cj_group_build *group, cj_group *out)
{
    const cj_merged *merged = &out->merged;
    const cj_core_functype **type_of_shape = CJ_EVAL_ARRAY(&l->ev, const cj_core_functype *, group->shape_keys.len);
    out->import_types = CJ_ARENA_ARRAY(l->program->arena, struct cj_core_type, merged->import_count);
    if (!type_of_shape || !out->import_types)
        return cj__fail_nomem(l->err);
    for (size_t i = 0; i < group->merge_slots.len; i++)
        type_of_shape[group->merge_slots.at[i].shape] = &group->merge_slots.at[i].type;
    for (uint32_t i = 0; i < merged->import_count; i++)
        CJ_TRY(cj__link_core_type(l, type_of_shape[merged->import_shapes[i]], true, &out->import_types[i]));
    return CJ_OK;
}

static cj_status merge_group(cj_linker_state *l, cj_group_build *group, cj_merge_source *const *sources,
                             const bool *late, cj_group *out)
{
    cj_merge_instance *instances = CJ_EVAL_ARRAY(&l->ev, cj_merge_instance, group->members.len);
    if (!instances)
        return CJ_NO_MEMORY;
    for (size_t i = 0; i < group->members.len; i++) {
        uint32_t number = group->members.at[i];
        instances[i] =
            (cj_merge_instance){cj__link_instance(l, number)->module->outline, sources[number], late[number]};
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
    cj_status status = cj__merge(l->config, &input, &out->merged, l->err);
    if (status != CJ_OK) { /* what crosses, or is too large, has no place of its own */
        if (l->err->offset == CJ_NO_OFFSET)
            l->err->offset = group->members.len ? cj__link_instance(l, group->members.at[0])->offset
                                                : l->ev.parts.at[group->part].offset;
        return status;
    }
    out->part = group->part;
    out->slot_count = (uint32_t)group->slots.len;
    out->slots =
        cj__arena_dup(l->program->arena, group->slots.at, group->slots.len * sizeof(cj_slot), _Alignof(cj_slot));
    if (!out->slots)
        return cj__fail_nomem(l->err);
    return make_import_types(l, group, out);
}

/* The limits on what is merged hold for all groups together: one module can be instantiated again and again. */
static cj_status check_sizes(cj_linker_state *l)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < l->instance_count; i++) {
        const cj_core_inst *instance = cj__link_instance(l, i);
        total += instance->module->outline->file.len;
        if (total > l->config->max_merged_size)
            return cj__fail_at(l->err, CJ_LIMIT, instance->offset,
                               "core instances up to here have more than %" PRIu64 " bytes of modules together; "
                               "the limit is max_merged_size",
                               l->config->max_merged_size);
    }
    return CJ_OK;
}

/* What has been merged so far. */
typedef struct totals {
    uint64_t size, locals, type_pairs;
} totals;

static cj_status check_merged(cj_linker_state *l, const cj_merged *merged, totals *sum)
{
    const cj_config *config = l->config;
    sum->size += merged->size;
    sum->locals += merged->local_count;
    sum->type_pairs += (uint64_t)merged->type_count * merged->type_count;
    if (sum->size > config->max_merged_size)
        return cj__fail(l->err, CJ_LIMIT,
                        "merged core modules have more than %" PRIu64 " bytes together; the limit is max_merged_size",
                        config->max_merged_size);
    if (sum->locals > config->max_core_locals)
        return cj__fail(l->err, CJ_LIMIT,
                        "core functions have more than %" PRIu32 " locals together; the limit is max_core_locals",
                        config->max_core_locals);
    /* WAMR compares each type of a module with the others: many modules may have as many pairs as one can */
    if (sum->type_pairs > (uint64_t)config->max_core_types * config->max_core_types)
        return cj__fail(l->err, CJ_LIMIT,
                        "merged core modules have more pairs of function types than one with %" PRIu32
                        " types; the limit is max_core_types",
                        config->max_core_types);
    return CJ_OK;
}

cj_status cj__link_merge(cj_linker_state *l, cj_merge_source *const *per_instance)
{
    cj_program *program = l->program;
    totals sum = {0};
    CJ_TRY(check_sizes(l));
    bool *late = CJ_EVAL_ARRAY(&l->ev, bool, l->instance_count);
    program->groups = CJ_ARENA_ARRAY(program->arena, cj_group, l->group_count);
    if (!late || !program->groups)
        return cj__fail_nomem(l->err);
    CJ_TRY(find_late(l, late));
    for (uint32_t i = 0; i < l->group_count; i++) {
        program->group_count = i + 1; /* what is made of it is the program's to free from here on */
        CJ_TRY(merge_group(l, &l->groups[i], per_instance, late, &program->groups[i]));
        CJ_TRY(check_merged(l, &program->groups[i].merged, &sum));
    }
    return CJ_OK;
}

/* -- Steps ------------------------------------------------------------------------------------------------------- */

static void add_step(cj_program *program, cj_step_kind kind, uint32_t group, uint32_t export_, uint64_t offset)
{
    program->steps[program->step_count++] = (cj_program_step){kind, group, export_, offset};
}

/* A group of wrappers comes to life with its component instance: what it wraps is older, and nothing runs in it. */
cj_status cj__link_steps(cj_linker_state *l)
{
    cj_program *program = l->program;
    program->steps = CJ_ARENA_ARRAY(program->arena, cj_program_step, (size_t)l->instance_count + l->group_count);
    if (!program->steps)
        return cj__fail_nomem(l->err);
    size_t part = 0;
    for (uint32_t i = 0; i <= l->instance_count; i++) {
        for (; part < l->ev.parts.len && l->ev.parts.at[part].begin <= i; part++)
            if (l->wrapper_group[part] != CJ_NONE)
                add_step(program, CJ_STEP_INSTANTIATE, l->wrapper_group[part], CJ_NONE, l->ev.parts.at[part].offset);
        if (i == l->instance_count)
            break;
        uint32_t group = l->group_of[i], place = l->place_of[i];
        uint64_t offset = cj__link_instance(l, i)->offset;
        if (place == 0)
            add_step(program, CJ_STEP_INSTANTIATE, group, CJ_NONE, offset);
        uint32_t init = program->groups[group].merged.init_exports[place];
        if (init != CJ_NONE)
            add_step(program, CJ_STEP_INIT, group, init, offset);
    }
    return CJ_OK;
}
