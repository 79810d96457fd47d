/* instance.c: cj_instantiate: a program comes to life in a store.
 *
 * Place in the pipeline: imports.c asks the linker, bind.c makes the bindings that plans leave open and compiles thunks; here the
 * steps are run.
 * Non-goals: order and content of the steps (link/), core instances (engine/).
 *
 *     imports found ─ bindings and thunks made ─ for each step: group instantiated and bound, or initialiser called ─ ready
 *
 * Nothing that a guest can see happens before the first initialiser runs. An instance that fails before goes at once;
 * one whose initialisers ran may be known to host functions, so it stays in the store, without its core instances,
 * until that goes.
 */
#include "runtime/start.h"

/* -- Steps --------------------------------------------------------------------------------------------------------- */

static cj_status instantiate_group(cj_start *s, const cj_program_step *step)
{
    cj_store *store = s->store;
    cj_group_run *run = &s->instance->groups[step->group];
    cj_core_instance *inst;
    cj_status status = cj__core_instantiate(&store->core, s->component->modules[step->group], &store->limits, run->core,
                                            &inst, s->err);
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
    return cj__bind_group(s, step->group);
}

static uint32_t call_initialiser(cj_call_ctx *call, void *func)
{
    static const cj_core_type nothing;
    uint64_t flat[1] = {0};
    return cj__core_call(call, &call->bound->guest, func, &nothing, flat);
}

/* Core instances start inside their component instance and those around it: while they do, none of these can be entered. */
static cj_status run_initialiser(cj_start *s, const cj_program_step *step)
{
    cj_store_core *store = &s->store->core;
    const cj_group_run *run = &s->instance->groups[step->group];
    cj_binding bound;
    CJ_TRY(cj__bind_core(s, step->group, &bound));
    for (uint32_t i = 0; i < bound.entering_count; i++)
        bound.entering[i]->may_enter = 0;

    cj_call_ctx call;
    cj_call_ctx *outer = cj__call_begin(&call, &bound, store, store->arena);
    s->guest_ran = true;
    uint32_t kind = cj__core_enter(&call, call_initialiser, cj__core_export_func(run->inst, step->export_));
    cj__call_end(&call, outer);
    if (kind == CJ_TRAP_NONE) {
        for (uint32_t i = 0; i < bound.entering_count; i++)
            bound.entering[i]->may_enter = bound.entering[i]->parent != NULL; /* the root when all is done */
        return CJ_OK;
    }
    cj_status status = cj__call_failed_forget(&call, kind);
    store->error.offset = step->offset;
    if (s->err)
        *s->err = store->error;
    return status;
}

static cj_status run_steps(cj_start *s)
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
    for (uint32_t i = 0; i < instance->part_count; i++)
        cj__handles_fini(store->engine->alloc, &instance->parts[i].handles);
    for (uint32_t i = 0; instance->funcs && i < instance->component->program->export_count; i++)
        cj__scoped_free(&instance->funcs[i]);
    cj_arena_delete(instance->arena);
    cj__component_unuse(instance->component);
    cj__free(store->engine->alloc, instance, sizeof(*instance));
}

static cj_status new_instance(cj_start *s)
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

static cj_status start_instance(cj_start *s)
{
    CJ_TRY(cj__start_imports(s));
    CJ_TRY(cj__bind_prepare(s));
    return run_steps(s);
}

static void give_up(cj_start *s)
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

static void open_instance(cj_start *s)
{
    cj__bind_entries(s);
    s->instance->state = CJ_INSTANCE_READY;
    s->instance->parts[0].may_enter = 1;
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
    if (store->closing)
        return cj__fail(err, CJ_MISUSE, "cj_instantiate: the store is being deleted");

    cj_start s = {.store = store,
                  .linker = linker,
                  .component = (cj_component *)(uintptr_t)component,
                  .program = component->program,
                  .err = err};
    if (cj_arena_new(store->engine->alloc, &s.scratch) != CJ_OK)
        return cj__fail_nomem(err);
    cj_status status = new_instance(&s);
    if (status == CJ_OK) {
        status = start_instance(&s);
        if (status != CJ_OK)
            give_up(&s);
        else
            open_instance(&s);
    }
    cj_arena_delete(s.scratch);
    CJ_TRY(status);
    *out = s.instance;
    return CJ_OK;
}
