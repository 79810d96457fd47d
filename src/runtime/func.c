/* func.c: exported functions: lookup, and the entry of the native door.
 *
 * Place in the pipeline: cj_call_native calls what cj_func begins with; the dynamic door (call.c) does too.
 * Non-goals: moving values (the thunk does), entering WAMR (engine/).
 */
#include "runtime/runtime.h"

cj_call_ctx *cj__call_begin(cj_call_ctx *call, const cj_binding *bound, cj_store_core *store, cj_arena *arena)
{
    cj_call_ctx *outer = store->active;
    if (outer) {
        cj__call_take(store); /* its results stay until the host function returns */
        call->taken = store->taken;
        store->taken.at = NULL;
    } else {
        call->taken.at = NULL;
        store->host_bytes = store->max_host_bytes;
        if (!arena && CJ_UNLIKELY(store->arena->at != store->arena_start))
            cj__store_turn_arena(store);
    }
    if (CJ_UNLIKELY(store->failed_in != outer))
        store->failed_in = NULL; /* it may be over, and its address that of one to come */
    call->bound = bound;
    call->store = store;
    call->env = store->env;
    call->arena = arena ? arena : store->arena;
    call->lends_mark = store->lends.len;
    store->active = call;
    return outer;
}

/* The whole of an entry. With WAMR's JIT the engine does the usual case by itself, in the same steps
 * (cj__core_func_entry). */
cj_status cj__func_entry(cj_func *func, const void *args, void *results, cj_arena *arena)
{
    cj_store_core *store = func->core.store;
    cj_call_ctx call;
    cj_call_ctx *outer = cj__call_begin(&call, &func->core.bound, store, arena);
    uint32_t kind = cj__core_enter_export(&call, args, results);
    cj__call_end(&call, outer);
    if (CJ_LIKELY(kind == CJ_TRAP_NONE))
        return CJ_OK;
    return cj__call_failed_forget(&call, kind);
}

/* Before its instance is ready, for ever when that failed, and at the store's end. */
cj_status cj__func_entry_failed(cj_func *func, const void *args, void *results, cj_arena *arena)
{
    (void)args;
    (void)results;
    (void)arena;
    cj_instance_state state = func->instance->state;
    cj__fail(&func->core.store->error, CJ_MISUSE, "the instance of this function %s",
             state == CJ_INSTANCE_FAILED    ? "was never ready: cj_instantiate failed"
             : state == CJ_INSTANCE_CLOSING ? "is gone: its store is being deleted"
                                            : "is not ready: cj_instantiate has not returned");
    cj__error_where(&func->core.store->error, "%s", func->core.bound.info->path);
    return CJ_MISUSE;
}

cj_func *cj_instance_func(cj_instance *instance, const char *path)
{
    if (!instance || !path)
        return NULL;
    uint32_t i = cj__component_find_export(instance->component, path);
    return i == CJ_NONE ? NULL : &instance->funcs[i];
}

cj_func *cj_instance_func_at(cj_instance *instance, size_t i)
{
    return instance && i < instance->component->program->export_count ? &instance->funcs[i] : NULL;
}

const cj_functype *cj_func_type(const cj_func *func)
{
    return func ? func->core.bound.info->type : NULL;
}

const char *cj_func_name(const cj_func *func)
{
    return func ? func->core.bound.info->path : NULL;
}

cj_instance *cj_func_instance(const cj_func *func)
{
    return func ? func->instance : NULL;
}
