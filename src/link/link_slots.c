/* link_slots.c: what crosses a group's border: boundary slots, lifted functions, plans, and the core functions that must
 * be exports because someone calls them from outside.
 *
 * Place in the pipeline: link_build.h.
 *
 * A slot with a memory lives in the group of that memory, and so do the callables of a lifted function: what is defined
 * elsewhere, or is no core function of any module, is wrapped there. Whoever is in another group calls a wrapper through
 * a CORE slot. So every boundary function has one group, whose memory, realloc and environment are its guest's.
 * Non-goals: which function may be called when (runtime/).
 */
#include <inttypes.h>
#include <stdio.h>

#include "link/link_build.h"

/* -- Plans ------------------------------------------------------------------------------------------------------- */

/* How many values a plan for `type` moves at most, counted as max_plan_ops counts them. Types share parts, so the
 * number can be exponential in what the file spells out: it sticks past the limit, and each type is counted once. */
static uint32_t count_values(cj_linker_state *l, const cj_type *type)
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

static cj_status charge_plan(cj_linker_state *l, const cj_functype *type, uint64_t offset)
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

cj_plan_options cj__link_plan_options(cj_plan_kind kind, const cj_canon_opts *opts)
{
    return (cj_plan_options){
        .kind = kind,
        .encoding = opts->encoding,
        .has_memory = opts->memory != NULL,
        .has_realloc = opts->realloc != NULL,
        .has_post_return = opts->post_return != NULL,
    };
}

/* What a plan is made from: one for equal types and options. */
typedef struct plan_key {
    uintptr_t type;
    uint32_t kind, encoding, caller_encoding, flags;
} plan_key;

static plan_key key_of_plan(const cj_functype *type, const cj_plan_options *options)
{
    plan_key key;
    memset(&key, 0, sizeof(key));
    key.type = (uintptr_t)type;
    key.kind = (uint32_t)options->kind;
    key.encoding = (uint32_t)options->encoding;
    key.caller_encoding = (uint32_t)options->caller_encoding;
    key.flags = (uint32_t)options->has_memory | (uint32_t)options->has_realloc << 1 |
                (uint32_t)options->has_post_return << 2 | (uint32_t)options->caller_has_memory << 3 |
                (uint32_t)options->caller_has_realloc << 4;
    return key;
}

cj_status cj__link_plan(cj_linker_state *l, const cj_functype *type, const cj_plan_options *options,
                        const cj_func_info *info, uint64_t offset, cj_plan **out)
{
    const plan_key key = key_of_plan(type, options);
    uint32_t at;
    bool is_new;
    CJ_TRY(cj__link_intern(l, &l->plan_keys, &key, sizeof(key), &at, &is_new));
    if (!is_new) {
        *out = l->program->plans.at[at];
        return CJ_OK;
    }
    cj_plan *plan = NULL;
    cj_status status = charge_plan(l, type, offset);
    if (status == CJ_OK)
        status = cj__plan_build(l->config, type, options, &plan, l->err);
    if (status != CJ_OK) {
        l->err->offset = offset;
        cj__error_where(l->err, "%s", info->path);
        return status;
    }
    if (!CJ_VEC_PUSH(l->alloc, &l->program->plans, plan)) {
        cj__plan_delete(plan);
        return cj__fail_nomem(l->err);
    }
    for (uint32_t i = 0; i < plan->resource_count; i++) {
        uint32_t resource;
        CJ_TRY(cj__link_resource(l, plan->resources[i], &resource));
    }
    *out = plan;
    return CJ_OK;
}

/* -- What a core function is ------------------------------------------------------------------------------------- */

const char *cj__link_gate(const cj_func_val *func)
{
    return func->gate ? func->gate : cj__functype_gate(func->type);
}

/* Spec notes: the rules allow a component to call into its children and them to call back; the official tests and other
 * runtimes trap on every call between a component instance and itself, an ancestor or a descendant ("for now"). */
enum { TRAP_BETWEEN_RELATIVES = 1 };

static bool is_within(const cj_linker_state *l, uint32_t part, uint32_t outer)
{
    while (part != CJ_NONE && part != outer)
        part = l->ev.parts.at[part].parent;
    return part == outer;
}

static bool cannot_enter(const cj_linker_state *l, uint32_t caller, uint32_t callee)
{
    return caller == callee ||
           (TRAP_BETWEEN_RELATIVES && (is_within(l, caller, callee) || is_within(l, callee, caller)));
}

/* Spec: "canon context.get", "canon context.set", "canon backpressure.{inc,dec}": without a look at may_leave. */
static cj_slot_kind unsupported_kind(const cj_core_item *item)
{
    if (item->origin != CJ_CORE_BUILTIN)
        return CJ_SLOT_UNSUPPORTED;
    switch (item->canon) {
    case CJ_CANON_CONTEXT_GET:
    case CJ_CANON_CONTEXT_SET:
    case CJ_CANON_BACKPRESSURE_INC:
    case CJ_CANON_BACKPRESSURE_DEC:
        return CJ_SLOT_UNSUPPORTED_ANYWHERE;
    default:
        return CJ_SLOT_UNSUPPORTED;
    }
}

/* What a slot for a lowered or built-in function of a part is; `gate`: why it cannot run, of UNSUPPORTED ones. */
static cj_slot_kind classify(const cj_linker_state *l, uint32_t part, const cj_core_item *item, const char **gate)
{
    *gate = item->gate;
    if (item->origin == CJ_CORE_LOWERED && !*gate)
        *gate = cj__link_gate(item->func);
    if (*gate)
        return unsupported_kind(item);
    if (item->origin == CJ_CORE_LOWERED)
        return item->func->origin == CJ_FUNC_HOST        ? CJ_SLOT_HOST
               : cannot_enter(l, part, item->func->part) ? CJ_SLOT_CANNOT_ENTER
                                                         : CJ_SLOT_FUSED;
    return item->canon == CJ_CANON_RESOURCE_NEW   ? CJ_SLOT_RESOURCE_NEW
           : item->canon == CJ_CANON_RESOURCE_REP ? CJ_SLOT_RESOURCE_REP
                                                  : CJ_SLOT_RESOURCE_DROP;
}

/* The group whose memory a lowered function uses, or CJ_NONE. */
static uint32_t memory_group(const cj_linker_state *l, uint32_t part, const cj_core_item *item)
{
    const char *gate;
    if (item->origin != CJ_CORE_LOWERED || !cj__link_is_defined(item->opts.memory))
        return CJ_NONE;
    cj_slot_kind kind = classify(l, part, item, &gate);
    return kind == CJ_SLOT_HOST || kind == CJ_SLOT_FUSED ? l->group_of[item->opts.memory->instance->number] : CJ_NONE;
}

uint32_t cj__link_home(cj_linker_state *l, uint32_t part, const cj_core_item *item)
{
    if (cj__link_is_defined(item))
        return l->group_of[item->instance->number];
    uint32_t group = memory_group(l, part, item);
    return group == CJ_NONE ? cj__link_wrapper_group(l, part) : group;
}

/* -- Slots ------------------------------------------------------------------------------------------------------- */

cj_status cj__link_core_type(cj_linker_state *l, const cj_core_functype *from, bool with_slot, cj_core_type *out)
{
    cj_core *params = CJ_ARENA_ARRAY(l->program->arena, cj_core, (size_t)from->param_count + 1);
    if (!params)
        return cj__fail_nomem(l->err);
    for (uint32_t i = 0; i < from->param_count; i++)
        params[i] = (cj_core)from->params[i];
    params[from->param_count] = CJ_CORE_I32;
    *out = (cj_core_type){
        .params = params, .param_count = from->param_count + with_slot, .result_count = from->result_count};
    if (from->result_count)
        out->result = (cj_core)from->results[0];
    return CJ_OK;
}

/* Slots of a kind that needs no plan are of one shape when their core types are equal. No plan's key begins with 0. */
static cj_status plain_shape(cj_linker_state *l, cj_group_build *group, cj_slot_kind kind, const cj_core_functype *type,
                             uint32_t *out)
{
    bool is_new;
    size_t size = 3 + (size_t)type->param_count + type->result_count;
    if (!CJ_VEC_RESERVE(l->alloc, &l->scratch, size))
        return cj__fail_nomem(l->err);
    uint8_t *key = l->scratch.at;
    memset(key, 0, size);
    key[1] = (uint8_t)kind;
    if (type->param_count)
        memcpy(key + 2, type->params, type->param_count);
    if (type->result_count)
        memcpy(key + 3 + type->param_count, type->results, type->result_count);
    return cj__link_intern(l, &group->shape_keys, key, size, out, &is_new);
}

/* What makes two slots one. */
typedef struct slot_key {
    uint32_t kind, of, core_func, shape, encoding, has_memory;
    uintptr_t thing, index; /* realloc; what traps */
} slot_key;

static void key_item(slot_key *key, const cj_core_item *item)
{
    if (!item)
        return;
    bool defined = item->origin == CJ_CORE_DEFINED; /* each alias makes an item of its own */
    key->thing = defined ? (uintptr_t)item->instance : (uintptr_t)item;
    key->index = defined ? (uintptr_t)item->index + 1 : 0;
}

/* Adds a slot unless there is one like it. */
static cj_status add_slot(cj_linker_state *l, uint32_t group, slot_key *key, const cj_slot *slot,
                          const cj_core_functype *type, uint32_t *out, bool *is_new)
{
    cj_group_build *build = &l->groups[group];
    key->kind = (uint32_t)slot->kind;
    key->of = slot->of;
    key->core_func = slot->core_func;
    key->shape = slot->shape;
    CJ_TRY(cj__link_intern(l, &build->slot_keys, key, sizeof(*key), out, is_new));
    if (!*is_new)
        return CJ_OK;
    if (!CJ_VEC_PUSH(l->alloc, &build->slots, *slot) ||
        !CJ_VEC_PUSH(l->alloc, &build->merge_slots, (cj_merge_slot){*type, slot->shape}))
        return cj__fail_nomem(l->err);
    return CJ_OK;
}

/* Slots that no plan belongs to. `thing` tells apart those that are equal in all else. */
static cj_status plain_slot(cj_linker_state *l, uint32_t group, cj_slot slot, const cj_core_functype *type,
                            const void *thing, uint32_t *out, bool *is_new)
{
    slot_key key;
    memset(&key, 0, sizeof(key));
    key.thing = (uintptr_t)thing;
    slot.realloc = slot.memory_group = CJ_NONE;
    CJ_TRY(plain_shape(l, &l->groups[group], slot.kind, type, &slot.shape));
    CJ_TRY(add_slot(l, group, &key, &slot, type, out, is_new));
    if (!*is_new)
        return CJ_OK;
    cj_core_type *core_type = CJ_ARENA_NEW(l->program->arena, cj_core_type);
    if (!core_type)
        return cj__fail_nomem(l->err);
    l->groups[group].slots.at[*out].core_type = core_type;
    return cj__link_core_type(l, type, false, core_type);
}

static cj_status unsupported_slot(cj_linker_state *l, uint32_t group, cj_slot_kind kind, const cj_core_item *item,
                                  const char *gate, const cj_core_use *use, uint32_t *out)
{
    if (!l->config->trap_unsupported) {
        if (use->import)
            cj__eval_unsupported(&l->ev, use->offset, "%s (core import `%.*s.%.*s`)", gate,
                                 CJ_STR_ARG(use->import->module), CJ_STR_ARG(use->import->name));
        else
            cj__eval_unsupported(&l->ev, use->offset, "%s (%s)", gate, use->what);
    }
    bool is_new;
    const char *name = item->origin == CJ_CORE_BUILTIN ? cj__canon_name(item->canon) : gate;
    const cj_slot slot = {.kind = kind, .of = CJ_NONE, .core_func = CJ_NONE, .name = name};
    return plain_slot(l, group, slot, item->type.unknown ? use->wanted : &item->type.func, name, out, &is_new);
}

/* HOST and FUSED. */
static cj_status planned_slot(cj_linker_state *l, uint32_t group, cj_slot_kind kind, const cj_core_item *item,
                              uint32_t *out)
{
    cj_slot slot = {.kind = kind, .core_func = CJ_NONE, .realloc = CJ_NONE};
    const cj_func_info *info;
    cj_plan_options options;
    if (kind == CJ_SLOT_HOST) {
        slot.of = l->import_at[item->func->import];
        l->program->imports[slot.of].used = true;
        info = &l->program->imports[slot.of].info;
        options = cj__link_plan_options(CJ_PLAN_IMPORT, &item->opts);
    } else {
        CJ_TRY(cj__link_lifted(l, item->func, &slot.of));
        info = &l->lifted.at[slot.of].info;
        options = cj__link_plan_options(CJ_PLAN_FUSED, &item->func->opts);
        options.caller_encoding = item->opts.encoding;
        options.caller_has_memory = item->opts.memory != NULL;
        options.caller_has_realloc = item->opts.realloc != NULL;
    }
    slot.memory_group = item->opts.memory ? group : CJ_NONE;
    CJ_TRY(cj__link_plan(l, item->func->type->func, &options, info, item->offset, &slot.plan));
    bool is_new;
    CJ_TRY(cj__link_intern(l, &l->groups[group].shape_keys, slot.plan->key, slot.plan->key_len, &slot.shape, &is_new));

    slot_key key;
    memset(&key, 0, sizeof(key));
    key.encoding = (uint32_t)item->opts.encoding;
    key.has_memory = item->opts.memory != NULL;
    key_item(&key, item->opts.realloc);
    CJ_TRY(add_slot(l, group, &key, &slot, &item->type.func, out, &is_new));
    if (!is_new || !item->opts.realloc)
        return CJ_OK;
    return cj__link_want(l, (cj_wanted_export){.kind = CJ_WANTED_SLOT_REALLOC,
                                               .group = group,
                                               .of = *out,
                                               .item = item->opts.realloc,
                                               .offset = item->offset});
}

/* Its name outside of its component; one that is never exported is told by its place. */
static cj_status lifted_info(cj_linker_state *l, const cj_func_val *func, cj_func_info *out)
{
    char place[48];
    if (func->real)
        func = func->real;
    cj_str name = func->name;
    if (!name.len)
        name = (cj_str){place, (size_t)snprintf(place, sizeof(place), "canon lift at 0x%" PRIx64, func->offset)};
    return cj__link_info(l, func->interface, name, func->type->func, out);
}

static cj_status export_number(cj_linker_state *l, uint32_t group, const cj_core_item *item, const cj_core_use *use,
                               uint32_t *out);

/* A function that another group of the part has: defined there, or wrapped. */
static cj_status core_slot(cj_linker_state *l, uint32_t group, uint32_t home, const cj_core_item *item,
                           const cj_core_use *use, uint32_t *out)
{
    cj_slot slot = {.kind = CJ_SLOT_CORE, .of = home};
    bool is_new;
    CJ_TRY(export_number(l, home, item, use, &slot.core_func));
    return plain_slot(l, group, slot, &item->type.func, NULL, out, &is_new);
}

cj_status cj__link_slot(cj_linker_state *l, uint32_t group, const cj_core_item *item, const cj_core_use *use,
                        uint32_t *out)
{
    uint32_t part = l->groups[group].part;
    if (item->origin == CJ_CORE_ABSTRACT)
        return cj__fail_at(l->err, CJ_INTERNAL, use->offset, "a core function that nothing defines");
    uint32_t home = cj__link_is_defined(item) ? l->group_of[item->instance->number] : memory_group(l, part, item);
    if (home != CJ_NONE && home != group)
        return core_slot(l, group, home, item, use, out);

    const char *gate;
    cj_slot_kind kind = classify(l, part, item, &gate);
    cj_slot slot = {.kind = kind, .of = CJ_NONE, .core_func = CJ_NONE};
    bool is_new;
    switch (kind) {
    case CJ_SLOT_HOST:
    case CJ_SLOT_FUSED:
        return planned_slot(l, group, kind, item, out);
    case CJ_SLOT_UNSUPPORTED:
    case CJ_SLOT_UNSUPPORTED_ANYWHERE:
        return unsupported_slot(l, group, kind, item, gate, use, out);
    case CJ_SLOT_CANNOT_ENTER: {
        cj_func_info info;
        const cj_func_val *func = item->func->real ? item->func->real : item->func;
        CJ_TRY(plain_slot(l, group, slot, &item->type.func, func, out, &is_new));
        if (!is_new)
            return CJ_OK;
        CJ_TRY(lifted_info(l, func, &info));
        l->groups[group].slots.at[*out].name = info.path;
        return CJ_OK;
    }
    default:
        slot.name = cj__canon_name(item->canon);
        CJ_TRY(cj__link_resource(l, item->resource, &slot.of));
        return plain_slot(l, group, slot, &item->type.func, NULL, out, &is_new);
    }
}

/* -- Exports of groups ------------------------------------------------------------------------------------------- */

/* The number of a core function among the function exports of a group, in which it is wrapped unless it is of it. */
static cj_status export_number(cj_linker_state *l, uint32_t group, const cj_core_item *item, const cj_core_use *use,
                               uint32_t *out)
{
    cj_merge_export export_ = {.is_slot = true};
    if (cj__link_is_defined(item) && l->group_of[item->instance->number] == group) {
        export_ = (cj_merge_export){.instance = l->place_of[item->instance->number], .index = item->index};
    } else {
        CJ_TRY(cj__link_slot(l, group, item, use, &export_.index));
    }
    const uint32_t key[3] = {export_.is_slot, export_.instance, export_.index};
    bool is_new;
    cj_group_build *build = &l->groups[group];
    CJ_TRY(cj__link_intern(l, &build->export_keys, key, sizeof(key), out, &is_new));
    if (is_new && !CJ_VEC_PUSH(l->alloc, &build->exports, export_))
        return cj__fail_nomem(l->err);
    return CJ_OK;
}

cj_status cj__link_want(cj_linker_state *l, cj_wanted_export wanted)
{
    return CJ_VEC_PUSH(l->alloc, &l->wanted, wanted) ? CJ_OK : cj__fail_nomem(l->err);
}

static const char *const wanted_texts[] = {
    [CJ_WANTED_REALLOC] = "canonical option `realloc`",         [CJ_WANTED_CORE_FUNC] = "canon lift",
    [CJ_WANTED_POST_RETURN] = "canonical option `post-return`", [CJ_WANTED_SLOT_REALLOC] = "canonical option `realloc`",
    [CJ_WANTED_DTOR] = "a resource type's destructor",
};

cj_status cj__link_wanted(cj_linker_state *l)
{
    static const uint8_t i32[] = {CJ_CORE_I32, CJ_CORE_I32, CJ_CORE_I32, CJ_CORE_I32};
    while (l->wanted.len) {
        cj_wanted_export wanted = l->wanted.at[--l->wanted.len];
        if (wanted.kind == CJ_WANTED_REALLOC || wanted.kind == CJ_WANTED_SLOT_REALLOC)
            wanted.type = (cj_core_functype){i32, i32, 4, 1};
        const cj_core_use use = {.wanted = &wanted.type, .what = wanted_texts[wanted.kind], .offset = wanted.offset};
        uint32_t number;
        CJ_TRY(export_number(l, wanted.group, wanted.item, &use, &number));
        switch (wanted.kind) {
        case CJ_WANTED_REALLOC:
            l->lifted.at[wanted.of].realloc = number;
            break;
        case CJ_WANTED_CORE_FUNC:
            l->lifted.at[wanted.of].core_func = number;
            break;
        case CJ_WANTED_POST_RETURN:
            l->lifted.at[wanted.of].post_return = number;
            break;
        case CJ_WANTED_SLOT_REALLOC:
            l->groups[wanted.group].slots.at[wanted.of].realloc = number;
            break;
        case CJ_WANTED_DTOR:
            l->program->resources[wanted.of].dtor = number;
            break;
        }
    }
    return CJ_OK;
}

/* -- Lifted functions -------------------------------------------------------------------------------------------- */

cj_status cj__link_lifted(cj_linker_state *l, const cj_func_val *func, uint32_t *out)
{
    bool is_new;
    if (func->real)
        func = func->real;
    const uintptr_t key = (uintptr_t)func;
    CJ_TRY(cj__link_intern(l, &l->lifted_keys, &key, sizeof(key), out, &is_new));
    if (!is_new)
        return CJ_OK;
    const cj_canon_opts *opts = &func->opts;
    uint32_t group = cj__link_home(l, func->part, cj__link_is_defined(opts->memory) ? opts->memory : func->core);
    cj_lifted lifted = {.part = func->part, .group = group, .realloc = CJ_NONE, .post_return = CJ_NONE};
    CJ_TRY(lifted_info(l, func, &lifted.info));
    if (!CJ_VEC_PUSH(l->alloc, &l->lifted, lifted))
        return cj__fail_nomem(l->err);

    cj_core_sig sig;
    cj__core_sig(func->type->func, false, &sig);
    uint8_t *bytes = CJ_EVAL_ARRAY(&l->ev, uint8_t, (size_t)sig.param_count + 1);
    if (!bytes)
        return CJ_NO_MEMORY;
    for (uint32_t i = 0; i < sig.param_count; i++)
        bytes[i] = (uint8_t)sig.params[i];
    bytes[sig.param_count] = (uint8_t)sig.result;
    const uint8_t *results = bytes + sig.param_count;
    cj_wanted_export wanted = {.kind = CJ_WANTED_CORE_FUNC,
                               .group = group,
                               .of = *out,
                               .item = func->core,
                               .type = {bytes, results, sig.param_count, sig.result_count},
                               .offset = func->offset};
    CJ_TRY(cj__link_want(l, wanted));
    if (opts->post_return) {
        wanted.kind = CJ_WANTED_POST_RETURN;
        wanted.item = opts->post_return;
        wanted.type = (cj_core_functype){results, NULL, sig.result_count, 0};
        CJ_TRY(cj__link_want(l, wanted));
    }
    if (opts->realloc) {
        wanted.kind = CJ_WANTED_REALLOC;
        wanted.item = opts->realloc;
        CJ_TRY(cj__link_want(l, wanted));
    }
    return CJ_OK;
}
