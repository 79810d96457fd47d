/* bind.c: the operands that plans leave open, for one instance: whose memory, which core function, which resource types, what is entered.
 *
 *     prepare: parts, resource types, slots, exports, their code ─ then, as each group comes to be: memories and functions of it ─ entries
 *
 * Place in the pipeline: instance.c calls it between the linker and the steps.
 * Non-goals: order and content of the steps (link/), core instances (engine/).
 *
 * A group's imports may be functions of groups that come later (of a component that is instantiated between two core instances of the
 * group): such a slot waits for them. No guest can call it before, since what calls it is initialised after.
 */
#include "runtime/start.h"

#include <stdio.h>

/* -- Parts --------------------------------------------------------------------------------------------------------- */

static cj_status make_parts(cj_start *s)
{
    const cj_program *program = s->program;
    cj_instance *instance = s->instance;
    instance->parts = CJ_ARENA_ARRAY(instance->arena, cj_instance_core, program->part_count);
    s->chains = CJ_ARENA_ARRAY(s->scratch, cj_chain, program->part_count);
    if (!instance->parts || !s->chains)
        return cj__fail_nomem(s->err);
    for (uint32_t i = 0; i < program->part_count; i++) {
        cj_instance_core *part = &instance->parts[i];
        part->may_enter =
            i !=
            0; /* the root when all steps have run, and so nothing for the host before; others as soon as somebody can know them */
        part->may_leave = 1;
        part->store = &s->store->core;
        part->owner = instance;
        part->parent = i == 0 ? NULL : &instance->parts[program->parts[i].parent];
        cj__handles_init(&part->handles, s->store->limits.max_handles);
    }
    instance->part_count = program->part_count;
    return CJ_OK;
}

static cj_status chain_of(cj_start *s, uint32_t part, cj_chain *out)
{
    cj_chain *chain = &s->chains[part];
    if (!chain->at) {
        const cj_part *parts = s->program->parts;
        uint32_t depth = 1;
        for (uint32_t p = part; p != 0; p = parts[p].parent)
            depth++;
        chain->at = CJ_ARENA_ARRAY(s->instance->arena, cj_instance_core *, depth);
        if (!chain->at)
            return cj__fail_nomem(s->err);
        for (uint32_t p = part; chain->count < depth; p = parts[p].parent)
            chain->at[chain->count++] = &s->instance->parts[p];
    }
    *out = *chain;
    return CJ_OK;
}

/* How many of the callee and its ancestors are neither the caller nor an ancestor of it: parents have lower numbers than their children. */
static uint32_t not_shared(const cj_program *program, uint32_t callee, uint32_t caller)
{
    uint32_t count = 0;
    while (callee != caller) {
        if (callee > caller) {
            callee = program->parts[callee].parent;
            count++;
        } else {
            caller = program->parts[caller].parent;
        }
    }
    return count;
}

/* -- Thunks -------------------------------------------------------------------------------------------------------- */

#if CJ_HAVE_JIT
/* Compiling takes milliseconds per function: a file must not be able to ask for hours of it. The same functions are
 * over the limit each time. */
static bool worth_compiling(cj_start *s, const cj_plan *plan)
{
    enum { PER_FUNCTION = 256 };
    uint64_t work = (uint64_t)plan->args.op_count + plan->results.op_count + PER_FUNCTION;
    uint64_t left = s->store->engine->config.max_compile_work - s->work;
    if (work > left)
        return false;
    s->work += work;
    return true;
}

/* Finds the shape's code, or has it made: now, when it is called often enough, or as soon as may be. */
static cj_status find_code(cj_start *s, cj_binding *bound, const char *what)
{
    const cj_config *config = &s->store->engine->config;
    cj_compiler *compiler;
    if (config->tier == CJ_TIER_INTERP || !worth_compiling(s, bound->plan))
        return CJ_OK;
    CJ_TRY(cj__engine_compiler(s->store->engine, &compiler, s->err));
    CJ_TRY(cj__compiler_thunk(compiler, bound->plan, &bound->thunk, s->err));
    bound->code = cj__thunk_code(bound->thunk);
    if (bound->code) {
        bound->thunk = NULL;
    } else if (config->tier == CJ_TIER_JIT) {
        if (cj__thunk_want(bound->thunk, bound->plan, what, bound->info->path, true) == CJ_NO_MEMORY)
            return cj__fail_nomem(s->err);
        s->awaited = true;
    } else if (config->calls_before_compile == 0) {
        (void)cj__thunk_want(bound->thunk, bound->plan, what, bound->info->path,
                             false); /* its first call tries again */
    }
    return CJ_OK;
}

static cj_status wait_for_code(cj_start *s, cj_binding *bound)
{
    if (!bound->thunk)
        return CJ_OK;
    cj_status status = cj__thunk_wait(bound->thunk, &bound->code, s->err);
    bound->thunk = NULL;
    if (status != CJ_OK)
        cj__error_where(s->err, "%s", bound->info->path);
    return status;
}
#endif

/* `code` NULL afterwards: an import keeps the gate, which interprets the plan, and counts calls when there is a thunk. */
static cj_status compile(cj_start *s, cj_binding *bound, const char *what)
{
#if CJ_HAVE_JIT
    return find_code(s, bound, what);
#else
    (void)s;
    (void)bound;
    (void)what;
    return CJ_OK;
#endif
}

/* CJ_TIER_JIT: all that was wanted was wanted at once, so that LLVM is never idle. */
static cj_status wait_for_all_code(cj_start *s)
{
#if CJ_HAVE_JIT
    if (!s->awaited)
        return CJ_OK;
    for (uint32_t g = 0; g < s->program->group_count; g++)
        for (uint32_t i = 0; i < s->program->groups[g].slot_count; i++)
            CJ_TRY(wait_for_code(s, &cj__group_imports(s->instance->groups[g].core)[i]));
    for (uint32_t i = 0; i < s->program->export_count; i++)
        CJ_TRY(wait_for_code(s, &s->instance->funcs[i].core.bound));
#else
    (void)s;
#endif
    return CJ_OK;
}

/* -- Resource types ------------------------------------------------------------------------------------------------ */

static cj_status wait_for(cj_start *s, uint32_t awaited, uint32_t group, uint32_t slot)
{
    cj_waiting *waiting = CJ_ARENA_NEW(s->scratch, cj_waiting);
    if (!waiting)
        return cj__fail_nomem(s->err);
    *waiting = (cj_waiting){s->waiting[awaited], group, slot};
    s->waiting[awaited] = waiting;
    return CJ_OK;
}

static cj_status name_resource(cj_start *s, const cj_program_resource *from, cj_resource_type *type)
{
    cj_arena *arena = s->instance->arena;
    type->core.name = cj__linker_path(arena, from->interface, from->name);
    size_t size = strlen(from->name) + sizeof("[dtor]");
    char *name = cj__arena_alloc(arena, size, 1);
    if (!type->core.name || !name)
        return cj__fail_nomem(s->err);
    snprintf(name, size, "[dtor]%s", from->name);
    type->dtor_info = (cj_func_info){
        .path = cj__linker_path(arena, from->interface, name), .interface = from->interface, .name = name};
    return type->dtor_info.path ? CJ_OK : cj__fail_nomem(s->err);
}

static cj_status make_resource(cj_start *s, uint32_t i)
{
    const cj_program_resource *from = &s->program->resources[i];
    cj_resource_type *type = CJ_ARENA_NEW(s->instance->arena, cj_resource_type);
    if (!type)
        return cj__fail_nomem(s->err);
    s->instance->resources[i] = type;
    type->core.impl = &s->instance->parts[from->part];
    CJ_TRY(name_resource(s, from, type));
    if (from->dtor == CJ_NONE)
        return CJ_OK;
    cj_chain chain;
    CJ_TRY(chain_of(s, from->part, &chain));
    type->dtor = (cj_binding){.guest = {.instance = type->core.impl},
                              .entering = chain.at,
                              .entering_count = chain.count,
                              .info = &type->dtor_info};
    cj_export_thunk thunk = cj__dtor_thunk;
    memcpy(&type->dtor.code, &thunk, sizeof(thunk));
    type->core.dtor = &type->dtor;
    return wait_for(s, from->group, CJ_NONE, i);
}

/* The types that a plan's resource slots mean. */
static cj_status bind_resources(cj_start *s, cj_binding *bound, const cj_plan *plan)
{
    if (!plan || !plan->resource_count)
        return CJ_OK;
    cj_resource **resources = CJ_ARENA_ARRAY(s->instance->arena, cj_resource *, plan->resource_count);
    if (!resources)
        return cj__fail_nomem(s->err);
    for (uint32_t i = 0; i < plan->resource_count; i++) {
        cj_resource_type *type = cj__instance_resource_number(s->instance, plan->resources[i]);
        if (!type)
            return cj__fail(s->err, CJ_INTERNAL, "%s: resource type %u of its plan is not live", bound->info->path,
                            plan->resources[i]);
        resources[i] = &type->core;
    }
    bound->resources = resources;
    return CJ_OK;
}

/* -- Slots --------------------------------------------------------------------------------------------------------- */

static cj_status bind_host(cj_start *s, cj_binding *bound, const cj_linker_entry *host)
{
    bound->host = host->fn;
    bound->host_user = host->user;
    if (!host->dyn)
        return CJ_OK;
    cj_dyn_host *dyn = CJ_ARENA_NEW(s->instance->arena, cj_dyn_host);
    if (!dyn)
        return cj__fail_nomem(s->err);
    *dyn = (cj_dyn_host){host->dyn, host->user};
    bound->host = cj__dyn_gate;
    bound->host_user = dyn;
    return CJ_OK;
}

static cj_status bind_lifted(cj_start *s, cj_binding *bound, uint32_t caller, const cj_lifted *lifted)
{
    cj_chain chain;
    CJ_TRY(chain_of(s, lifted->part, &chain));
    bound->info = &lifted->info;
    bound->guest.instance = &s->instance->parts[lifted->part];
    bound->entering = chain.at;
    bound->entering_count = caller == CJ_NONE ? chain.count : not_shared(s->program, lifted->part, caller);
    return CJ_OK;
}

/* A builtin has no type and so no info in the program: "resource.drop ns:pkg/iface#r". */
static cj_status name_builtin(cj_start *s, cj_binding *bound, const cj_slot *slot, const char *resource)
{
    if (!slot->name)
        return CJ_OK;
    cj_func_info *info = CJ_ARENA_NEW(s->instance->arena, cj_func_info);
    size_t size = strlen(slot->name) + strlen(resource) + 2;
    char *path = cj__arena_alloc(s->instance->arena, size, 1);
    if (!info || !path)
        return cj__fail_nomem(s->err);
    snprintf(path, size, "%s%s%s", slot->name, resource[0] ? " " : "", resource);
    *info = (cj_func_info){.path = path, .interface = "", .name = path};
    bound->info = info;
    return CJ_OK;
}

static cj_status bind_builtin(cj_start *s, cj_binding *bound, const cj_slot *slot)
{
    bool resource =
        slot->kind == CJ_SLOT_RESOURCE_NEW || slot->kind == CJ_SLOT_RESOURCE_REP || slot->kind == CJ_SLOT_RESOURCE_DROP;
    if (!resource)
        return name_builtin(s, bound, slot, "");
    cj_resource_type *type = s->instance->resources[slot->of];
    cj_resource **resources = CJ_ARENA_ARRAY(s->instance->arena, cj_resource *, 1);
    if (!resources)
        return cj__fail_nomem(s->err);
    if (!type)
        return cj__fail(s->err, CJ_INTERNAL, "%s of a resource type that is not live", slot->name);
    resources[0] = &type->core;
    bound->resources = resources;
    return name_builtin(s, bound, slot, type->core.name);
}

static cj_status prepare_slot(cj_start *s, uint32_t g, uint32_t i)
{
    const cj_group *group = &s->program->groups[g];
    const cj_slot *slot = &group->slots[i];
    cj_binding *bound = &cj__group_imports(s->instance->groups[g].core)[i];
    cj_instance_core *part = &s->instance->parts[group->part];
    const char *what = "cj:import:";
    bound->kind = (uint8_t)slot->kind;
    bound->plan = slot->plan;
    switch (slot->kind) {
    case CJ_SLOT_HOST:
        bound->guest.instance = part;
        bound->info = &s->program->imports[slot->of].info;
        CJ_TRY(bind_host(s, bound, s->hosts[slot->of]));
        break;
    case CJ_SLOT_FUSED:
        what = "cj:fused:";
        bound->caller.instance = part;
        CJ_TRY(bind_lifted(s, bound, group->part, &s->program->lifted[slot->of]));
        break;
    case CJ_SLOT_CORE:
        bound->caller.instance = part;
        bound->guest.instance = &s->instance->parts[s->program->groups[slot->of].part];
        bound->core_type = slot->core_type;
        break;
    default:
        bound->guest.instance = part;
        CJ_TRY(bind_builtin(s, bound, slot));
        break;
    }
    CJ_TRY(bind_resources(s, bound, slot->plan));
    if (slot->plan)
        return compile(s, bound, what);
#if CJ_HAVE_JIT
    if (s->store->engine->config.tier != CJ_TIER_INTERP)
        bound->code = slot->kind == CJ_SLOT_CORE ? cj__core_call_code(slot->core_type) : cj__builtin_code(slot->kind);
#endif
    return CJ_OK;
}

/* Room for what imports are bound to, and its parts that do not need the core instance. */
static cj_status prepare_group(cj_start *s, uint32_t g)
{
    const cj_group *group = &s->program->groups[g];
    cj_group_run *run = &s->instance->groups[g];
    size_t size = sizeof(cj_group_core) + (size_t)group->slot_count * sizeof(cj_binding);
    run->core = cj__arena_calloc(s->instance->arena, 1, size, _Alignof(cj_group_core));
    if (!run->core)
        return cj__fail_nomem(s->err);
    run->core->instance = &s->instance->parts[group->part];
    run->core->import_count = group->slot_count;
    for (uint32_t i = 0; i < group->slot_count; i++)
        CJ_TRY(prepare_slot(s, g, i));
    return CJ_OK;
}

/* -- Exports ------------------------------------------------------------------------------------------------------- */

static cj_status prepare_export(cj_start *s, uint32_t i)
{
    const cj_program_export *from = &s->program->exports[i];
    cj_func *func = &s->instance->funcs[i];
    cj_binding *bound = &func->core.bound;
    func->core.head.entry = cj__func_entry_failed;
    func->core.store = &s->store->core;
    func->instance = s->instance;
    bound->plan = from->plan;
    if (from->lifted == CJ_NONE) { /* the host's own function: nothing is entered */
        bound->kind = CJ_SLOT_HOST;
        bound->guest.instance = &s->instance->parts[0];
        bound->info = &from->info;
        if (!s->hosts[from->import])
            return cj__fail(s->err, CJ_INTERNAL, "%s: an import that is exported is not used", from->info.path);
        return bind_host(s, bound, s->hosts[from->import]);
    }
    CJ_TRY(bind_lifted(s, bound, CJ_NONE, &s->program->lifted[from->lifted]));
    bound->info = &from->info; /* the name that the host knows it by */
    CJ_TRY(bind_resources(s, bound, from->plan));
    return compile(s, bound, "cj:export:");
}

/* What is not compiled, or not yet. */
static void interpret_export(cj_binding *bound)
{
    cj_export_thunk interp = cj__interp_export;
#if CJ_HAVE_JIT
    if (bound->thunk)
        interp = cj__thunk_export;
#endif
    if (!bound->code)
        memcpy(&bound->code, &interp, sizeof(interp));
}

cj_status cj__bind_prepare(cj_start *s)
{
    const cj_program *program = s->program;
    cj_instance *instance = s->instance;
    CJ_TRY(make_parts(s));
    s->waiting = CJ_ARENA_ARRAY(s->scratch, cj_waiting *, program->group_count);
    instance->funcs = CJ_ARENA_ARRAY(instance->arena, cj_func, program->export_count);
    cj_group_run *groups = CJ_ARENA_ARRAY(instance->arena, cj_group_run, program->group_count);
    if (!s->waiting || !instance->funcs || !groups)
        return cj__fail_nomem(s->err);
    pthread_mutex_lock(&s->store->lock);
    instance->groups = groups;
    pthread_mutex_unlock(&s->store->lock);
    for (uint32_t i = 0; i < program->resource_count; i++)
        if (program->resources[i].part != CJ_NONE)
            CJ_TRY(make_resource(s, i));
    for (uint32_t g = 0; g < program->group_count; g++)
        CJ_TRY(prepare_group(s, g));
    for (uint32_t i = 0; i < program->export_count; i++)
        CJ_TRY(prepare_export(s, i));
    CJ_TRY(wait_for_all_code(s));
    for (uint32_t i = 0; i < program->export_count; i++)
        if (program->exports[i].lifted != CJ_NONE)
            interpret_export(&instance->funcs[i].core.bound);
    return CJ_OK;
}

/* -- Core instances ------------------------------------------------------------------------------------------------ */

static void *export_or_null(const cj_group_run *run, uint32_t number)
{
    return number == CJ_NONE ? NULL : cj__core_export_func(run->inst, number);
}

/* All of a side but its instance. */
static void bind_side(cj_side *side, const cj_group_run *run, const cj_group_run *memory, uint32_t realloc)
{
    side->core_instance = run->inst;
    side->core_env_inst = cj__core_env_inst(run->inst);
    side->memory = memory && memory->inst ? cj__core_memory(memory->inst) : NULL;
    side->realloc = export_or_null(run, realloc);
}

static void bind_callee(cj_binding *bound, const cj_instance *instance, const cj_lifted *lifted)
{
    const cj_group_run *run = &instance->groups[lifted->group];
    bind_side(&bound->guest, run, run, lifted->realloc);
    bound->core_func = export_or_null(run, lifted->core_func);
    bound->post_return = export_or_null(run, lifted->post_return);
}

/* The group whose function a slot calls, or CJ_NONE. */
static uint32_t callee_group(const cj_program *program, const cj_slot *slot)
{
    return slot->kind == CJ_SLOT_FUSED  ? program->lifted[slot->of].group
           : slot->kind == CJ_SLOT_CORE ? slot->of
                                        : CJ_NONE;
}

/* As far as the groups are there; its own is. */
static void bind_slot(cj_start *s, uint32_t g, uint32_t i)
{
    const cj_slot *slot = &s->program->groups[g].slots[i];
    const cj_group_run *groups = s->instance->groups;
    cj_binding *bound = &cj__group_imports(groups[g].core)[i];
    uint32_t callee = callee_group(s->program, slot);
    const cj_group_run *memory = slot->memory_group == CJ_NONE ? NULL : &groups[slot->memory_group];
    bind_side(callee == CJ_NONE ? &bound->guest : &bound->caller, &groups[g], memory, slot->realloc);
    if (callee == CJ_NONE || !groups[callee].inst)
        return;
    if (slot->kind == CJ_SLOT_FUSED) {
        bind_callee(bound, s->instance, &s->program->lifted[slot->of]);
    } else {
        bind_side(&bound->guest, &groups[callee], &groups[callee], CJ_NONE);
        bound->core_func = export_or_null(&groups[callee], slot->core_func);
    }
}

/* One import of the merged module stands for all slots of a shape, and so for one piece of code. What was not
 * compiled keeps the gate. */
static cj_status patch_imports(cj_start *s, uint32_t g)
{
    const cj_group *group = &s->program->groups[g];
    const cj_group_run *run = &s->instance->groups[g];
    uint32_t shapes = 0;
    for (uint32_t i = 0; i < group->slot_count; i++)
        if (cj__group_imports(run->core)[i].code && group->slots[i].shape >= shapes)
            shapes = group->slots[i].shape + 1;
    void **code = CJ_ARENA_ARRAY(s->scratch, void *, shapes);
    if (!code)
        return cj__fail_nomem(s->err);
    for (uint32_t i = 0; i < group->slot_count; i++)
        if (cj__group_imports(run->core)[i].code)
            code[group->slots[i].shape] = cj__group_imports(run->core)[i].code;
    for (uint32_t k = 0; k < group->merged.import_count; k++)
        if (group->merged.import_shapes[k] < shapes && code[group->merged.import_shapes[k]])
            cj__core_patch_import(run->inst, k, code[group->merged.import_shapes[k]]);
    return CJ_OK;
}

/* Calls from code of the guest's that has read the address of the gate before still reach the gate: it stays there. */
void cj__bind_compiled(const cj_binding *import)
{
    const cj_instance *instance = (import->kind == CJ_SLOT_FUSED ? import->caller : import->guest).instance->owner;
    const cj_program *program = instance->component->program;
    for (uint32_t g = 0; g < program->group_count; g++) {
        const cj_group_run *run = &instance->groups[g];
        const cj_group *group = &program->groups[g];
        uintptr_t slot = ((uintptr_t)import - (uintptr_t)cj__group_imports(run->core)) / sizeof(*import);
        if (slot >= run->core->import_count)
            continue;
        uint32_t shape = group->slots[slot].shape;
        for (uint32_t k = 0; k < group->merged.import_count; k++)
            if (group->merged.import_shapes[k] == shape)
                cj__core_patch_import(run->inst, k, import->code);
    }
}

static void bind_dtor(cj_start *s, uint32_t i)
{
    const cj_program_resource *from = &s->program->resources[i];
    const cj_group_run *run = &s->instance->groups[from->group];
    cj_binding *dtor = &s->instance->resources[i]->dtor;
    bind_side(&dtor->guest, run, run, CJ_NONE);
    dtor->core_func = export_or_null(run, from->dtor);
}

cj_status cj__bind_group(cj_start *s, uint32_t g)
{
    const cj_group *group = &s->program->groups[g];
    const cj_group_run *groups = s->instance->groups;
    for (uint32_t i = 0; i < group->slot_count; i++) {
        const cj_slot *slot = &group->slots[i];
        uint32_t callee = callee_group(s->program, slot);
        bind_slot(s, g, i);
        if (callee != CJ_NONE && !groups[callee].inst)
            CJ_TRY(wait_for(s, callee, g, i));
        if (slot->memory_group != CJ_NONE && !groups[slot->memory_group].inst)
            CJ_TRY(wait_for(s, slot->memory_group, g, i));
    }
    for (const cj_waiting *w = s->waiting[g]; w; w = w->next) {
        if (w->group == CJ_NONE)
            bind_dtor(s, w->slot);
        else
            bind_slot(s, w->group, w->slot);
    }
    return patch_imports(s, g);
}

cj_status cj__bind_core(cj_start *s, uint32_t g, cj_binding *out)
{
    const cj_group_run *run = &s->instance->groups[g];
    uint32_t part = s->program->groups[g].part;
    cj_chain chain;
    CJ_TRY(chain_of(s, part, &chain));
    *out = (cj_binding){
        .guest = {.instance = &s->instance->parts[part]}, .entering = chain.at, .entering_count = chain.count};
    bind_side(&out->guest, run, run, CJ_NONE);
    return CJ_OK;
}

void cj__bind_entries(cj_start *s)
{
    for (uint32_t i = 0; i < s->program->export_count; i++) {
        const cj_program_export *from = &s->program->exports[i];
        cj_func *func = &s->instance->funcs[i];
        if (from->lifted == CJ_NONE) {
            func->core.head.entry = cj__func_entry_host;
            continue;
        }
        bind_callee(&func->core.bound, s->instance, &s->program->lifted[from->lifted]);
#if CJ_ENGINE_JIT
        func->core.head.entry = func->core.bound.entering_count > 1 ? cj__core_func_entry_nested : cj__core_func_entry;
#else
        func->core.head.entry = cj__func_entry;
#endif
    }
}
