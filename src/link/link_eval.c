/* link_eval.c: the evaluator's ground: limits, memory, tables of names, index spaces.
 *
 * Place in the pipeline and the model: link_eval.h.
 */
#include "link/link_eval.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/hash.h"

enum {
    DEPTH_CEILING = 500, /* of max_component_depth: what the C stack bears */
    SCAN_LIMIT = 8,      /* names up to which a table is searched from end to end */
    SCOPE_COST = 4,      /* definitions' worth of work that a scope is */
    PATH_COST = 64,      /* bytes of a path that are one: names are long, and paths repeat them */
};

cj_status cj__eval_init(cj_eval *ev, const cj_config *config, cj_types *types, cj_error *err)
{
    *ev = (cj_eval){
        .config = config,
        .alloc = cj__alloc_or_default(config->allocator),
        .types = types,
        .err = err,
        .seed = cj__hash_seed(),
    };
    return cj_arena_new(config->allocator, &ev->arena) == CJ_OK ? CJ_OK : cj__fail_nomem(err);
}

void cj__eval_fini(cj_eval *ev)
{
    CJ_VEC_FREE(ev->alloc, &ev->parts);
    CJ_VEC_FREE(ev->alloc, &ev->core_instances);
    CJ_VEC_FREE(ev->alloc, &ev->lifts);
    CJ_VEC_FREE(ev->alloc, &ev->resources);
    CJ_VEC_FREE(ev->alloc, &ev->imports);
    CJ_VEC_FREE(ev->alloc, &ev->exports);
    CJ_VEC_FREE(ev->alloc, &ev->named_types);
    cj_arena_delete(ev->arena);
    ev->arena = NULL;
}

/* -- Limits and memory ------------------------------------------------------------------------------------------- */

cj_status cj__eval_charge(cj_eval *ev, uint64_t n, uint64_t offset)
{
    ev->work += n;
    if (ev->work <= ev->config->max_definitions)
        return CJ_OK;
    return cj__fail_at(ev->err, CJ_LIMIT, offset,
                       "running the definitions of all components, instances and types takes more than %u steps; "
                       "the limit is max_definitions",
                       ev->config->max_definitions);
}

cj_status cj__eval_enter(cj_eval *ev, uint64_t offset)
{
    uint32_t max = ev->config->max_component_depth < DEPTH_CEILING ? ev->config->max_component_depth : DEPTH_CEILING;
    if (ev->depth >= max)
        return cj__fail_at(ev->err, CJ_LIMIT, offset,
                           "components or component types nested more than %u deep; the limit is max_component_depth",
                           max);
    ev->depth++;
    return CJ_OK;
}

void cj__eval_unsupported(cj_eval *ev, uint64_t offset, const char *format, ...)
{
    if (ev->has_unsupported)
        return;
    char text[sizeof(ev->unsupported.message)];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    cj__fail_at(&ev->unsupported, CJ_UNSUPPORTED, offset, "unsupported: %s", n < 0 ? "" : text);
    ev->has_unsupported = true;
}

void cj__eval_unsupported_error(cj_eval *ev, const cj_error *err)
{
    if (!ev->has_unsupported)
        ev->unsupported = *err;
    ev->has_unsupported = true;
}

cj_status cj__eval_nomem(cj_eval *ev)
{
    return cj__fail_nomem(ev->err);
}

void *cj__eval_alloc(cj_eval *ev, size_t count, size_t size)
{
    void *ptr = cj__arena_calloc(ev->arena, count, size, _Alignof(max_align_t));
    if (!ptr)
        cj__eval_nomem(ev);
    return ptr;
}

/* Doubles an array of the arena when `len` has reached its capacity; what the old one took is given up. */
static cj_status grow(cj_eval *ev, void *at, uint32_t len, uint32_t *cap, size_t size)
{
    if (len < *cap)
        return CJ_OK;
    if (len > UINT32_MAX / 4)
        return cj__eval_nomem(ev);
    uint32_t new_cap = *cap ? *cap * 2 : 4;
    void *new_at = cj__eval_alloc(ev, new_cap, size);
    if (!new_at)
        return CJ_NO_MEMORY;
    void *old;
    memcpy(&old, at, sizeof(old));
    if (len)
        memcpy(new_at, old, len * size);
    memcpy(at, &new_at, sizeof(new_at));
    *cap = new_cap;
    return CJ_OK;
}

/* -- Tables of names --------------------------------------------------------------------------------------------- */

static uint32_t *slot_of(const cj_eval *ev, const cj_names *names, cj_str name)
{
    uint32_t mask = names->slot_count - 1;
    for (uint32_t i = cj__hash(ev->seed, name.ptr, name.len) & mask;; i = (i + 1) & mask) {
        uint32_t entry = names->slots[i];
        if (entry == 0 || cj__str_eq(names->at[entry - 1].name, name))
            return &names->slots[i];
    }
}

const cj_named *cj__names_find(const cj_eval *ev, const cj_names *names, cj_str name)
{
    if (names->slots) {
        uint32_t entry = *slot_of(ev, names, name);
        return entry ? &names->at[entry - 1] : NULL;
    }
    for (uint32_t i = 0; i < names->len; i++)
        if (cj__str_eq(names->at[i].name, name))
            return &names->at[i];
    return NULL;
}

/* Makes room for one more slot, at most half of them taken. */
static cj_status reserve_slot(cj_eval *ev, cj_names *names)
{
    if (names->len < SCAN_LIMIT || (names->slots && names->len < names->slot_count / 2))
        return CJ_OK;
    uint32_t count = names->slots ? names->slot_count * 2 : 4 * SCAN_LIMIT;
    uint32_t *slots = CJ_EVAL_ARRAY(ev, uint32_t, count);
    if (!slots)
        return CJ_NO_MEMORY;
    names->slots = slots;
    names->slot_count = count;
    for (uint32_t i = 0; i < names->len; i++)
        *slot_of(ev, names, names->at[i].name) = i + 1;
    return CJ_OK;
}

cj_status cj__names_add(cj_eval *ev, cj_names *names, cj_str name, cj_entity entity, uint64_t offset, const char *what)
{
    if (cj__names_find(ev, names, name))
        return cj__fail_at(ev->err, CJ_INVALID, offset, "%s `%.*s` is given twice", what, CJ_STR_ARG(name));
    CJ_TRY(grow(ev, &names->at, names->len, &names->cap, sizeof(*names->at)));
    CJ_TRY(reserve_slot(ev, names));
    names->at[names->len++] = (cj_named){name, entity, offset};
    if (names->slots)
        *slot_of(ev, names, name) = names->len;
    return CJ_OK;
}

cj_status cj__eval_join_path(cj_eval *ev, cj_str outer, cj_str inner, cj_str *out)
{
    if (outer.len == 0) {
        *out = inner;
        return CJ_OK;
    }
    CJ_TRY(cj__eval_charge(ev, (outer.len + inner.len) / PATH_COST, CJ_NO_OFFSET));
    char *text = CJ_EVAL_ARRAY(ev, char, outer.len + 1 + inner.len + 1);
    if (!text)
        return CJ_NO_MEMORY;
    memcpy(text, outer.ptr, outer.len);
    text[outer.len] = '#';
    memcpy(text + outer.len + 1, inner.ptr, inner.len);
    *out = (cj_str){text, outer.len + 1 + inner.len};
    return CJ_OK;
}

/* -- Sets of numbers --------------------------------------------------------------------------------------------- */

static uint64_t *id_slot(const cj_id_set *set, uint64_t id)
{
    /* Numbers are our own, given in sequence: any mixing will do. */
    uint32_t mask = set->slot_count - 1, at = (uint32_t)(id * 0x9e3779b97f4a7c15u >> 32) & mask;
    while (set->slots[at] != 0 && set->slots[at] != id + 1)
        at = (at + 1) & mask;
    return &set->slots[at];
}

bool cj__id_set_has(const cj_id_set *set, uint64_t id)
{
    return set->slots && *id_slot(set, id) != 0;
}

cj_status cj__id_set_add(cj_eval *ev, cj_id_set *set, uint64_t id)
{
    if (!set->slots || set->len >= set->slot_count / 2) {
        cj_id_set larger = {.slot_count = set->slots ? set->slot_count * 2 : 16};
        larger.slots = CJ_EVAL_ARRAY(ev, uint64_t, larger.slot_count);
        if (!larger.slots)
            return CJ_NO_MEMORY;
        for (uint32_t i = 0; i < set->slot_count; i++)
            if (set->slots[i])
                *id_slot(&larger, set->slots[i] - 1) = set->slots[i];
        larger.len = set->len;
        *set = larger;
    }
    uint64_t *slot = id_slot(set, id);
    set->len += *slot == 0;
    *slot = id + 1;
    return CJ_OK;
}

/* -- Scopes and index spaces ------------------------------------------------------------------------------------- */

cj_scope *cj__scope_new(cj_eval *ev, cj_scope_kind kind, cj_scope *outer, uint64_t offset)
{
    if (cj__eval_charge(ev, SCOPE_COST, offset) != CJ_OK)
        return NULL;
    cj_scope *scope = CJ_EVAL_NEW(ev, cj_scope);
    if (scope) {
        scope->kind = kind;
        scope->outer = outer;
        scope->part = CJ_NONE;
        scope->first_resource = ev->resource_count + 1;
    }
    return scope;
}

cj_status cj__scope_push(cj_eval *ev, cj_scope *scope, cj_entity entity)
{
    cj_index_space *space = &scope->spaces[entity.sort];
    CJ_TRY(grow(ev, &space->at, space->len, &space->cap, sizeof(*space->at)));
    space->at[space->len++] = entity;
    return CJ_OK;
}

static const char *scope_text(const cj_scope *scope)
{
    switch (scope->kind) {
    case CJ_SCOPE_COMPONENT:
        return "component";
    case CJ_SCOPE_COMPONENT_TYPE:
        return "component type";
    case CJ_SCOPE_INSTANCE_TYPE:
        return "instance type";
    }
    return "";
}

cj_status cj__scope_get(cj_eval *ev, const cj_scope *scope, cj_sort sort, uint32_t index, uint64_t offset,
                        cj_entity *out)
{
    const cj_index_space *space = &scope->spaces[sort];
    if (index < space->len) {
        *out = space->at[index];
        return CJ_OK;
    }
    const char *name = cj__sort_name(sort);
    if (space->len == 0)
        return cj__fail_at(ev->err, CJ_INVALID, offset, "%s index %u is out of bounds: the %s has defined no %s yet",
                           name, index, scope_text(scope), name);
    return cj__fail_at(
        ev->err, CJ_INVALID, offset,
        "%s index %u is out of bounds: the %s has defined %u so far, 0 to %u (definitions come before their use)", name,
        index, scope_text(scope), space->len, space->len - 1);
}

cj_status cj__scope_outward(cj_eval *ev, cj_scope *scope, uint32_t count, uint64_t offset, cj_scope **out,
                            bool *crosses)
{
    *crosses = false;
    for (uint32_t i = 0; i < count; i++) {
        if (!scope->outer)
            return cj__fail_at(ev->err, CJ_INVALID, offset,
                               "outer alias counts %u scopes outward, but only %u lie around it", count, i);
        *crosses |= scope->kind == CJ_SCOPE_COMPONENT;
        scope = scope->outer;
    }
    *out = scope;
    return CJ_OK;
}

uint32_t cj__entity_min_resource(cj_entity entity)
{
    switch (entity.sort) {
    case CJ_SORT_FUNC:
        return entity.of.func->type->min_resource;
    case CJ_SORT_TYPE:
    case CJ_SORT_VALUE:
        return entity.of.type->min_resource;
    case CJ_SORT_INSTANCE:
        return entity.of.instance->min_resource;
    case CJ_SORT_COMPONENT:
        return entity.of.component->type ? entity.of.component->type->min_resource : CJ_NO_RESOURCE;
    default:
        return CJ_NO_RESOURCE;
    }
}

uint32_t cj__names_min_resource(const cj_names *names)
{
    uint32_t min = CJ_NO_RESOURCE;
    for (uint32_t i = 0; i < names->len; i++)
        min = cj__min_resource(min, cj__entity_min_resource(names->at[i].entity));
    return min;
}
