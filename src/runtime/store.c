/* store.c: cj_store: the single-threaded world in which instances live: limits, the arena of lent results, the
 * interrupt switch, the end of all.
 *
 * Place in the pipeline: made from an engine; owns the instances that instance.c makes in it.
 * Non-goals: threads: but for cj_store_interrupt and cj_store_resume, a store is used by one at a time.
 */
#include "runtime/runtime.h"

void cj_limits_init(cj_limits *limits)
{
    if (!limits)
        return;
    *limits = (cj_limits){.struct_size = sizeof(*limits),
#define CJ_X(type, name, default_value, what) .name = (default_value),
                          CJ_LIMIT_MAP(CJ_X)
#undef CJ_X
    };
}

static cj_status take_limits(const cj_limits *given, cj_limits *out, cj_error *err)
{
    cj_limits_init(out);
    if (!given)
        return CJ_OK;
    if (given->struct_size < sizeof(size_t) || given->struct_size > sizeof(*out))
        return cj__fail(err, CJ_MISUSE, "cj_limits.struct_size is %zu: call cj_limits_init before changing members",
                        given->struct_size);
    memcpy(out, given, given->struct_size);
    out->struct_size = sizeof(*out);
    return CJ_OK;
}

static void free_store(cj_store *store)
{
    cj_engine *engine = store->engine;
    for (size_t i = 0; i < store->met.len; i++)
        cj__resource_type_unuse(store->met.at[i]);
    CJ_VEC_FREE(engine->alloc, &store->met);
    cj__handles_fini(engine->alloc, &store->core.handles);
    cj__lends_fini(engine->alloc, &store->core.lends);
    cj_arena_delete(store->core.arena);
    cj_arena_delete(store->spare_arena);
    pthread_mutex_destroy(&store->lock);
    cj__free(engine->alloc, store, sizeof(*store));
    cj__engine_unuse(engine);
}

static const cj_call_hooks hooks = {cj__func_entry, cj__call_failed_forget, cj__bind_compiled};

cj_status cj_store_new(cj_engine *engine, const cj_limits *limits, void *user, cj_store **out, cj_error *err)
{
    cj__error_clear(err);
    if (!engine || !out)
        return cj__fail(err, CJ_MISUSE, "cj_store_new: engine and out must not be NULL");
    cj_limits resolved;
    CJ_TRY(take_limits(limits, &resolved, err));

    cj_store *store = cj__calloc(engine->alloc, 1, sizeof(*store));
    if (!store)
        return cj__fail_nomem(err);
    store->engine = cj__engine_use(engine);
    store->limits = resolved;
    store->user = user;
    pthread_mutex_init(&store->lock, NULL);
    store->core.alloc = engine->alloc;
    store->core.hooks = &hooks;
    store->core.max_host_bytes = resolved.max_host_bytes;
    store->core.host_bytes = resolved.max_host_bytes;
    cj__handles_init(&store->core.handles, resolved.max_handles);
    cj__call_trap_clear(&store->core);
    cj__error_clear(&store->core.host_error);
    cj__error_clear(&store->core.error);
    if (cj_arena_new(engine->alloc, &store->core.arena) != CJ_OK ||
        cj_arena_new(engine->alloc, &store->spare_arena) != CJ_OK) {
        free_store(store);
        return cj__fail_nomem(err);
    }
    store->core.arena_start = store->core.arena->at;
    *out = store;
    return CJ_OK;
}

/* What drop functions may still call fails from now on. */
static void close_instances(cj_store *store)
{
    store->closing = true;
    for (cj_instance *instance = store->instances; instance; instance = instance->next) {
        if (instance->state != CJ_INSTANCE_FAILED)
            instance->state = CJ_INSTANCE_CLOSING;
        for (uint32_t i = 0; instance->funcs && i < instance->component->program->export_count; i++)
            instance->funcs[i].core.head.entry = cj__func_entry_failed;
    }
}

/* Inside a call there are frames of this store below us: nothing is freed, and the host is told. */
void cj_store_delete(cj_store *store)
{
    if (!store)
        return;
    if (store->core.active || store->dropping) {
        cj__fail(&store->core.error, CJ_MISUSE,
                 "cj_store_delete was called inside a %s of the store: nothing was deleted",
                 store->core.active ? "call" : "drop function");
        return;
    }
    close_instances(store);
    cj__store_drop_all(store);
    while (store->instances) {
        cj_instance *instance = store->instances;
        store->instances = instance->next;
        cj__instance_delete(instance);
    }
    cj__core_store_fini(&store->core);
    free_store(store);
}

void *cj_store_user(const cj_store *store)
{
    return store ? store->user : NULL;
}

const cj_error *cj_store_error(const cj_store *store)
{
    static const cj_error none = {.status = CJ_MISUSE, .offset = CJ_NO_OFFSET, .message = "the store is NULL"};
    return store ? &store->core.error : &none;
}

void cj__store_turn_arena(cj_store_core *core)
{
    cj_store *store = (cj_store *)(void *)core;
    cj_arena *lent = core->arena;
    core->arena = store->spare_arena;
    store->spare_arena = lent;
    cj_arena_reset(core->arena);
    core->arena_start = core->arena->at;
}

/* -- Interrupts ---------------------------------------------------------------------------------------------------- */

static void set_interrupted(cj_store *store, bool stop)
{
    pthread_mutex_lock(&store->lock);
    store->interrupted = stop;
    for (cj_instance *instance = store->instances; instance; instance = instance->next)
        cj__instance_interrupt(instance, stop);
    pthread_mutex_unlock(&store->lock);
}

cj_status cj_store_interrupt(cj_store *store)
{
    if (!store)
        return CJ_MISUSE;
    if (!store->engine->config.interruptible)
        return CJ_UNSUPPORTED;
    set_interrupted(store, true);
    return CJ_OK;
}

void cj_store_resume(cj_store *store)
{
    if (store && store->engine->config.interruptible)
        set_interrupted(store, false);
}
