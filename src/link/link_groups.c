/* link_groups.c: which core instances become one module.
 *
 * Place in the pipeline: link_build.h. Non-goals: how they are merged (merge*.c), what then crosses (link_slots.c).
 *
 * Core instances that share a memory, table or mutable global must be together: those edges are hard. All others are
 * soft: they join what they connect as long as that brings no two memories together, and what stays apart is reached
 * through boundary slots. Soft are, in this order: constants, canonical options of lifted functions and the functions
 * themselves, canonical options of lowered functions, calls. A group belongs to one component instance, for core items
 * never cross components.
 */
#include "link/link_build.h"

typedef struct sets {
    cj_linker_state *l;
    uint32_t *parent; /* union-find over core instances */
    uint32_t *memory; /* of each set's representative: the instance that defines its memory, or CJ_NONE */
} sets;

static uint32_t find_set(sets *s, uint32_t i)
{
    while (s->parent[i] != i)
        i = s->parent[i] = s->parent[s->parent[i]];
    return i;
}

/* Puts two instances into one set unless that would join two memories. */
static bool join(sets *s, uint32_t a, uint32_t b)
{
    a = find_set(s, a);
    b = find_set(s, b);
    if (a == b)
        return true;
    if (s->memory[a] != CJ_NONE && s->memory[b] != CJ_NONE)
        return false;
    uint32_t memory = s->memory[a] != CJ_NONE ? s->memory[a] : s->memory[b];
    s->parent[b] = a;
    s->memory[a] = memory;
    return true;
}

static void join_item(sets *s, uint32_t instance, const cj_core_item *item)
{
    if (cj__link_is_defined(item))
        join(s, instance, item->instance->number);
}

static bool is_constant(const cj_core_item *item)
{
    return item->type.sort == CJ_SORT_CORE_GLOBAL && !item->type.is_mutable && !cj__core_is_ref(item->type.value_type);
}

static cj_status join_shared(sets *s)
{
    cj_linker_state *l = s->l;
    for (uint32_t i = 0; i < l->instance_count; i++) {
        const cj_core_inst *instance = cj__link_instance(l, i);
        for (uint32_t j = 0; j < instance->module->import_count; j++) {
            const cj_core_item *item = instance->imports[j];
            if (item->type.sort == CJ_SORT_CORE_FUNC || is_constant(item) || !cj__link_is_defined(item))
                continue;
            if (!join(s, i, item->instance->number))
                return cj__fail_at(l->err, CJ_UNSUPPORTED, instance->offset,
                                   "unsupported: core instances with different memories that share a %s",
                                   cj__sort_name(item->type.sort));
        }
    }
    return CJ_OK;
}

/* What boundary functions need at hand. */
static void join_options(sets *s)
{
    cj_linker_state *l = s->l;
    for (size_t i = 0; i < l->ev.lifts.len; i++) {
        const cj_func_val *func = l->ev.lifts.at[i];
        const cj_core_item *base = cj__link_is_defined(func->opts.memory) ? func->opts.memory : func->core;
        if (!cj__link_is_defined(base))
            continue;
        join_item(s, base->instance->number, func->core);
        join_item(s, base->instance->number, func->opts.realloc);
        join_item(s, base->instance->number, func->opts.post_return);
    }
    for (uint32_t i = 0; i < l->instance_count; i++) {
        const cj_core_inst *instance = cj__link_instance(l, i);
        for (uint32_t j = 0; j < instance->module->import_count; j++) {
            const cj_core_item *item = instance->imports[j];
            if (item->origin != CJ_CORE_LOWERED)
                continue;
            join_item(s, i, item->opts.memory);
            if (cj__link_is_defined(item->opts.memory))
                join_item(s, item->opts.memory->instance->number, item->opts.realloc);
        }
    }
}

static void join_imports(sets *s, bool constants)
{
    cj_linker_state *l = s->l;
    for (uint32_t i = 0; i < l->instance_count; i++) {
        const cj_core_inst *instance = cj__link_instance(l, i);
        for (uint32_t j = 0; j < instance->module->import_count; j++)
            if (is_constant(instance->imports[j]) == constants)
                join_item(s, i, instance->imports[j]);
    }
}

static cj_status number_groups(sets *s)
{
    cj_linker_state *l = s->l;
    uint32_t n = l->instance_count;
    uint32_t *group_of_set = CJ_EVAL_ARRAY(&l->ev, uint32_t, n);
    if (!group_of_set)
        return CJ_NO_MEMORY;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t set = find_set(s, i);
        if (group_of_set[set] == 0) {
            group_of_set[set] = ++l->group_count;
            l->groups[l->group_count - 1].part = cj__link_instance(l, i)->part;
        }
        cj_group_build *group = &l->groups[group_of_set[set] - 1];
        l->group_of[i] = group_of_set[set] - 1;
        l->place_of[i] = (uint32_t)group->members.len;
        if (!CJ_VEC_PUSH(l->alloc, &group->members, i))
            return cj__fail_nomem(l->err);
    }
    return CJ_OK;
}

cj_status cj__link_groups(cj_linker_state *l)
{
    cj_eval *ev = &l->ev;
    uint32_t n = l->instance_count = (uint32_t)ev->core_instances.len;
    sets s = {l, CJ_EVAL_ARRAY(ev, uint32_t, n), CJ_EVAL_ARRAY(ev, uint32_t, n)};
    l->group_of = CJ_EVAL_ARRAY(ev, uint32_t, n);
    l->place_of = CJ_EVAL_ARRAY(ev, uint32_t, n);
    l->groups = CJ_EVAL_ARRAY(ev, cj_group_build, n + ev->parts.len);
    l->wrapper_group = CJ_EVAL_ARRAY(ev, uint32_t, ev->parts.len);
    if (!s.parent || !s.memory || !l->group_of || !l->place_of || !l->groups || !l->wrapper_group)
        return CJ_NO_MEMORY;
    memset(l->wrapper_group, 0xff, ev->parts.len * sizeof(*l->wrapper_group));
    for (uint32_t i = 0; i < n; i++) {
        const cj_core_outline *outline = cj__link_instance(l, i)->module->outline;
        s.parent[i] = i;
        s.memory[i] = outline->memory_count > outline->imported_memories ? i : CJ_NONE;
    }
    CJ_TRY(join_shared(&s));
    join_imports(&s, true);
    join_options(&s);
    join_imports(&s, false);
    return number_groups(&s);
}

uint32_t cj__link_wrapper_group(cj_linker_state *l, uint32_t part)
{
    if (l->wrapper_group[part] == CJ_NONE) {
        l->wrapper_group[part] = l->group_count;
        l->groups[l->group_count++].part = part;
    }
    return l->wrapper_group[part];
}

/* -- Constants --------------------------------------------------------------------------------------------------- */

/* The values of an instance's constant globals. Those that it imports are of earlier instances. */
static cj_status work_out(cj_linker_state *l, uint32_t number)
{
    const cj_core_inst *instance = cj__link_instance(l, number);
    const cj_module *module = instance->module;
    const cj_core_outline *outline = module->outline;
    CJ_TRY(cj__eval_charge(&l->ev, outline->global_count, instance->offset));
    cj_const *values = CJ_EVAL_ARRAY(&l->ev, cj_const, outline->global_count);
    if (!values)
        return CJ_NO_MEMORY;
    for (uint32_t i = 0; i < outline->global_count; i++) {
        if (i >= outline->imported_globals) {
            values[i] = cj__const_eval(outline->globals[i].init, values);
            continue;
        }
        const cj_core_item *item = instance->imports[module->import_of[CJ_SORT_CORE_GLOBAL][i]];
        values[i] = l->globals[item->instance->number][item->index];
    }
    l->globals[number] = values;
    return CJ_OK;
}

cj_status cj__link_const(cj_linker_state *l, const cj_core_item *item, const cj_const **out)
{
    if (!l->globals) {
        l->globals = CJ_EVAL_ARRAY(&l->ev, const cj_const *, l->instance_count);
        if (!l->globals)
            return CJ_NO_MEMORY;
        for (uint32_t i = 0; i < l->instance_count; i++)
            CJ_TRY(work_out(l, i));
    }
    *out = &l->globals[item->instance->number][item->index];
    return CJ_OK;
}
