/* instance.c: cj_instantiate: a program comes to life in a store.
 *
 * Place in the pipeline: resolves imports in the linker, makes the bindings that plans leave open, compiles thunks,
 * runs the steps.
 * Non-goals: order and content of the steps (link/), core instances (engine/).
 *
 *     imports resolved ─ thunks compiled ─ for each step: group instantiated and bound, or initialiser called ─ ready
 *
 * Nothing that a guest can see happens before the first initialiser runs. An instance that fails before goes at once;
 * one whose initialisers ran may be known to host functions, so it stays in the store, without its core instances,
 * until that goes.
 */
#include "runtime/runtime.h"

#include <stdio.h>

typedef struct start {
    cj_store *store;
    const cj_linker *linker;
    cj_component *component;
    const cj_program *program;
    cj_instance *instance;
    const cj_linker_entry **hosts; /* per import of the program */
    cj_error *err;
    uint64_t work; /* compiled so far */
    bool guest_ran;
} start;

/* -- Imports ------------------------------------------------------------------------------------------------------- */

static cj_status no_such_host_function(start *s, const cj_func_info *info)
{
    char type[160], hint[160] = "";
    cj_functype_format(info->type, type, sizeof(type));
    if (s->linker) {
        cj_near near;
        cj__near_start(&near, info->path);
        for (const cj_linker_entry *e = s->linker->entries; e; e = e->hh.next)
            cj__near_offer(&near, e->path);
        cj__near_finish(&near, hint, sizeof(hint));
    }
    if (info->interface[0])
        cj__fail(s->err, CJ_LINK, "the linker has no function \"%s\" of interface \"%s\", %s%s", info->name,
                 info->interface, type, hint);
    else
        cj__fail(s->err, CJ_LINK, "the linker has no function \"%s\", %s%s", info->name, type, hint);
    cj__error_where(s->err, "%s", info->path);
    return CJ_LINK;
}

static cj_status resolve_imports(start *s)
{
    const cj_program *program = s->program;
    s->hosts = CJ_ARENA_ARRAY(s->instance->arena, const cj_linker_entry *, program->import_count);
    if (!s->hosts)
        return cj__fail_nomem(s->err);
    for (uint32_t i = 0; i < program->import_count; i++) {
        const cj_func_info *info = &program->imports[i].info;
        s->hosts[i] = s->linker ? cj__linker_find(s->linker, info->path) : NULL;
        if (!s->hosts[i] && program->imports[i].used)
            return no_such_host_function(s, info);
    }
    return CJ_OK;
}

/* -- Thunks -------------------------------------------------------------------------------------------------------- */

#if CJ_HAVE_JIT
/* Compiling takes milliseconds per function: a file must not be able to ask for hours of it. The same functions are
 * over the limit each time. */
static bool worth_compiling(start *s, const cj_plan *plan)
{
    enum { PER_FUNCTION = 256 };
    uint64_t work = (uint64_t)plan->args.op_count + plan->results.op_count + PER_FUNCTION;
    uint64_t left = s->store->engine->config.max_compile_work - s->work;
    if (work > left)
        return false;
    s->work += work;
    return true;
}
#endif

/* NULL in `out`: the plan stays interpreted. */
static cj_status compile(start *s, const cj_plan *plan, const char *what, const cj_func_info *info, void **out)
{
    *out = NULL;
#if CJ_HAVE_JIT
    if (s->store->engine->config.tier != CJ_TIER_JIT || !worth_compiling(s, plan))
        return CJ_OK;
    char name[256];
    cj_compiler *compiler;
    CJ_TRY(cj__engine_compiler(s->store->engine, &compiler, s->err));
    snprintf(name, sizeof(name), "cj:%s:%s", what, info->path);
    cj_status status = cj__compiler_code(compiler, plan, name, out, s->err);
    if (status != CJ_OK)
        cj__error_where(s->err, "%s", info->path);
    return status;
#else
    (void)s;
    (void)plan;
    (void)what;
    (void)info;
    return CJ_OK;
#endif
}

/* -- Bindings ------------------------------------------------------------------------------------------------------ */

static void bind_to_group(cj_binding *bound, cj_instance *instance, const cj_group_run *run)
{
    bound->guest.instance = &instance->core;
    bound->guest.core_instance = run->inst;
    bound->guest.core_env_inst = cj__core_env_inst(run->inst);
    bound->guest.memory = cj__core_memory(run->inst);
}

static void *export_or_null(const cj_group_run *run, uint32_t number)
{
    return number == CJ_NONE ? NULL : cj__core_export_func(run->inst, number);
}

/* Room for what imports are bound to, and its parts that do not need the core instance. */
static cj_status prepare_group(start *s, uint32_t g)
{
    const cj_group *group = &s->program->groups[g];
    cj_group_run *run = &s->instance->groups[g];
    run->core.instance = &s->instance->core;
    run->core.import_count = group->slot_count;
    run->core.imports = CJ_ARENA_ARRAY(s->instance->arena, cj_binding, group->slot_count);
    if (!run->core.imports)
        return cj__fail_nomem(s->err);
    for (uint32_t i = 0; i < group->slot_count; i++) {
        const cj_slot *slot = &group->slots[i];
        cj_binding *bound = &run->core.imports[i];
        const cj_linker_entry *host = s->hosts[slot->of];
        bound->guest.instance = &s->instance->core;
        bound->kind = (uint8_t)slot->kind;
        bound->plan = slot->plan;
        bound->info = &s->program->imports[slot->of].info;
        bound->host = host->fn;
        bound->host_user = host->user;
        if (host->dyn) {
            cj_dyn_host *dyn = CJ_ARENA_NEW(s->instance->arena, cj_dyn_host);
            if (!dyn)
                return cj__fail_nomem(s->err);
            *dyn = (cj_dyn_host){host->dyn, host->user};
            bound->host = cj__dyn_gate;
            bound->host_user = dyn;
        }
        CJ_TRY(compile(s, slot->plan, "import", bound->info, &bound->code));
    }
    return CJ_OK;
}

static cj_status prepare_exports(start *s)
{
    const cj_program *program = s->program;
    s->instance->funcs = CJ_ARENA_ARRAY(s->instance->arena, cj_func, program->export_count);
    if (!s->instance->funcs)
        return cj__fail_nomem(s->err);
    for (uint32_t i = 0; i < program->export_count; i++) {
        cj_func *func = &s->instance->funcs[i];
        func->core.head.entry = cj__func_entry_failed;
        func->core.store = &s->store->core;
        func->instance = s->instance;
        func->core.bound.guest.instance = &s->instance->core;
        func->core.bound.plan = program->exports[i].plan;
        func->core.bound.info = &program->exports[i].info;
        CJ_TRY(compile(s, func->core.bound.plan, "export", func->core.bound.info, &func->core.bound.code));
        if (!func->core.bound.code) {
            cj_export_thunk interp = cj__interp_export;
            memcpy(&func->core.bound.code, &interp, sizeof(interp));
        }
    }
    return CJ_OK;
}

static void bind_imports(start *s, uint32_t g)
{
    const cj_group *group = &s->program->groups[g];
    const cj_group_run *run = &s->instance->groups[g];
    for (uint32_t i = 0; i < group->slot_count; i++) {
        bind_to_group(&run->core.imports[i], s->instance, run);
        run->core.imports[i].guest.realloc = export_or_null(run, group->slots[i].realloc);
    }
}

static void bind_exports(start *s)
{
    for (uint32_t i = 0; i < s->program->export_count; i++) {
        const cj_lifted *lifted = &s->program->lifted[s->program->exports[i].lifted];
        const cj_group_run *run = &s->instance->groups[lifted->group];
        cj_func *func = &s->instance->funcs[i];
        bind_to_group(&func->core.bound, s->instance, run);
        func->core.bound.core_func = export_or_null(run, lifted->core_func);
        func->core.bound.guest.realloc = export_or_null(run, lifted->realloc);
        func->core.bound.post_return = export_or_null(run, lifted->post_return);
        func->core.head.entry = CJ_FUNC_ENTRY;
    }
}

/* One import of the merged module stands for all slots of a shape, and so for one piece of code. What was not
 * compiled keeps the gate. */
static cj_status patch_imports(start *s, uint32_t g)
{
    const cj_group *group = &s->program->groups[g];
    const cj_group_run *run = &s->instance->groups[g];
    uint32_t shapes = 0;
    for (uint32_t i = 0; i < group->slot_count; i++)
        if (run->core.imports[i].code && group->slots[i].shape >= shapes)
            shapes = group->slots[i].shape + 1;
    void **code = CJ_ARENA_ARRAY(s->instance->arena, void *, shapes);
    if (!code)
        return cj__fail_nomem(s->err);
    for (uint32_t i = 0; i < group->slot_count; i++)
        if (run->core.imports[i].code)
            code[group->slots[i].shape] = run->core.imports[i].code;
    for (uint32_t k = 0; k < group->merged.import_count; k++)
        if (group->merged.import_shapes[k] < shapes && code[group->merged.import_shapes[k]])
            cj__core_patch_import(run->inst, k, code[group->merged.import_shapes[k]]);
    return CJ_OK;
}

/* -- Steps --------------------------------------------------------------------------------------------------------- */

static cj_status instantiate_group(start *s, const cj_program_step *step)
{
    cj_store *store = s->store;
    cj_group_run *run = &s->instance->groups[step->group];
    cj_core_instance *inst;
    cj_status status = cj__core_instantiate(&store->core, s->component->modules[step->group], &store->limits,
                                            &run->core, &inst, s->err);
    if (status != CJ_OK) {
        if (s->err && s->err->offset == CJ_NO_OFFSET)
            s->err->offset = step->offset;
        return status;
    }
    pthread_mutex_lock(&store->lock);
    run->inst = inst;
    if (store->interrupted)
        cj__instance_interrupt(s->instance, true);
    pthread_mutex_unlock(&store->lock);
    bind_imports(s, step->group);
    return patch_imports(s, step->group);
}

static uint32_t call_initialiser(cj_call_ctx *call, void *func)
{
    static const cj_core_type nothing;
    uint64_t flat[1] = {0};
    return cj__core_call(call, &call->bound->guest, func, &nothing, flat);
}

static cj_status run_initialiser(start *s, const cj_program_step *step)
{
    cj_store_core *store = &s->store->core;
    const cj_group_run *run = &s->instance->groups[step->group];
    cj_binding bound = {0};
    bind_to_group(&bound, s->instance, run);

    cj_call_ctx *outer = store->active;
    if (!outer)
        store->host_bytes = store->max_host_bytes;
    cj_call_ctx call = {.bound = &bound, .store = store, .env = store->env, .arena = store->arena};
    store->active = &call;
    s->guest_ran = true;
    uint32_t kind = cj__core_enter(&call, call_initialiser, cj__core_export_func(run->inst, step->export_));
    store->active = outer;
    if (kind == CJ_TRAP_NONE)
        return CJ_OK;
    cj_status status = cj__call_failed(&call, kind);
    store->error.offset = step->offset;
    if (s->err)
        *s->err = store->error;
    return status;
}

static cj_status run_steps(start *s)
{
    for (uint32_t i = 0; i < s->program->step_count; i++) {
        const cj_program_step *step = &s->program->steps[i];
        if (step->kind == CJ_STEP_INSTANTIATE)
            CJ_TRY(instantiate_group(s, step));
        else
            CJ_TRY(run_initialiser(s, step));
    }
    return CJ_OK;
}

/* -- Life ---------------------------------------------------------------------------------------------------------- */

static void drop_core_instances(cj_instance *instance)
{
    for (uint32_t g = instance->groups ? instance->component->program->group_count : 0; g-- > 0;) {
        if (instance->groups[g].inst)
            cj__core_deinstantiate(instance->groups[g].inst);
        instance->groups[g].inst = NULL;
    }
}

void cj__instance_delete(cj_instance *instance)
{
    cj_store *store = instance->store;
    drop_core_instances(instance);
    cj_arena_delete(instance->arena);
    cj__component_unuse(instance->component);
    cj__free(store->engine->alloc, instance, sizeof(*instance));
}

static cj_status new_instance(start *s)
{
    cj_store *store = s->store;
    if (store->instance_count >= store->limits.max_instances)
        return cj__fail(s->err, CJ_LIMIT, "the store has %u instances, as many as max_instances of cj_limits allows",
                        store->instance_count);
    cj_instance *instance = cj__calloc(store->engine->alloc, 1, sizeof(*instance));
    if (!instance)
        return cj__fail_nomem(s->err);
    if (cj_arena_new(store->engine->alloc, &instance->arena) != CJ_OK) {
        cj__free(store->engine->alloc, instance, sizeof(*instance));
        return cj__fail_nomem(s->err);
    }
    instance->core.may_enter = 0; /* until all steps have run */
    instance->core.may_leave = 1;
    instance->core.store = &store->core;
    instance->core.owner = instance;
    instance->state = CJ_INSTANCE_STARTING;
    instance->store = store;
    instance->component = cj__component_use(s->component);
    s->instance = instance;

    pthread_mutex_lock(&store->lock);
    instance->next = store->instances;
    store->instances = instance;
    store->instance_count++;
    pthread_mutex_unlock(&store->lock);
    return CJ_OK;
}

static cj_status start_instance(start *s)
{
    const cj_program *program = s->program;
    CJ_TRY(resolve_imports(s));
    cj_group_run *groups = CJ_ARENA_ARRAY(s->instance->arena, cj_group_run, program->group_count);
    if (!groups)
        return cj__fail_nomem(s->err);
    pthread_mutex_lock(&s->store->lock);
    s->instance->groups = groups;
    pthread_mutex_unlock(&s->store->lock);
    for (uint32_t g = 0; g < program->group_count; g++)
        CJ_TRY(prepare_group(s, g));
    CJ_TRY(prepare_exports(s));
    return run_steps(s);
}

static void give_up(start *s)
{
    cj_store *store = s->store;
    cj_instance *instance = s->instance;
    pthread_mutex_lock(&store->lock);
    instance->state = CJ_INSTANCE_FAILED;
    drop_core_instances(instance);
    if (!s->guest_ran) { /* host functions may have made others meanwhile, if guests ran; here it is still the newest */
        store->instances = instance->next;
        store->instance_count--;
    }
    pthread_mutex_unlock(&store->lock);
    if (!s->guest_ran)
        cj__instance_delete(instance);
}

/* What the linker makes and this file does not bind yet. */
static cj_status check_supported(const cj_program *program, cj_error *err)
{
    bool ok = true;
    for (uint32_t g = 0; g < program->group_count; g++) {
        ok &= program->groups[g].part == 0;
        for (uint32_t i = 0; i < program->groups[g].slot_count; i++)
            ok &= program->groups[g].slots[i].kind == CJ_SLOT_HOST;
    }
    for (uint32_t i = 0; i < program->export_count; i++)
        ok &= program->exports[i].lifted != CJ_NONE;
    return ok && program->resource_count == 0
               ? CJ_OK
               : cj__fail(err, CJ_UNSUPPORTED, "unsupported: nested component instances, resources and re-exports");
}

cj_status cj_instantiate(cj_store *store, const cj_linker *linker, const cj_component *component, cj_instance **out,
                         cj_error *err)
{
    cj__error_clear(err);
    if (!store || !component || !out)
        return cj__fail(err, CJ_MISUSE, "cj_instantiate: store, component and out must not be NULL");
    if (component->engine != store->engine)
        return cj__fail(err, CJ_MISUSE, "cj_instantiate: the component is of another engine than the store");
    if (linker && linker->engine != store->engine)
        return cj__fail(err, CJ_MISUSE, "cj_instantiate: the linker is of another engine than the store");

    start s = {.store = store,
               .linker = linker,
               .component = (cj_component *)(uintptr_t)component,
               .program = component->program,
               .err = err};
    CJ_TRY(check_supported(component->program, err));
    CJ_TRY(new_instance(&s));
    cj_status status = start_instance(&s);
    if (status != CJ_OK) {
        give_up(&s);
        return status;
    }
    bind_exports(&s);
    s.instance->state = CJ_INSTANCE_READY;
    s.instance->core.may_enter = 1;
    *out = s.instance;
    return CJ_OK;
}
