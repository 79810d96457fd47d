/* scoped.c: calls whose results are looked at where the guest has put them: cj_call_begin and cj_call_end.
 *
 * Place in the pipeline: beside func.c. A function that is called so has a second plan, made at its first such call, whose strings and flat lists are
 * views and that leaves out post-return; that runs when the call is ended. In between the function's instances stay as they are during a call: nobody can
 * enter them, so nothing moves or frees what the views show.
 * Non-goals: the tiers' background: the second plan is compiled there and then (CJ_TIER_JIT), or interpreted.
 * Spec: "canon lift": post-return runs when the caller has read the results, and only then the instance can be entered again.
 */
#include "exec/exec.h"
#include "runtime/runtime.h"

#include <stdio.h>

struct cj_scoped {
    cj_binding bound;
    cj_plan *plan;
    uint64_t result; /* the core function's, for post-return */
};

void cj__scoped_free(cj_func *func)
{
    if (func->scoped)
        cj__plan_delete(func->scoped->plan);
    func->scoped = NULL;
}

static cj_status find_code(cj_func *func, cj_scoped *scoped, cj_error *err)
{
    cj_export_thunk interp = cj__interp_export;
    memcpy(&scoped->bound.code, &interp, sizeof(interp));
#if CJ_HAVE_JIT
    cj_engine *engine = func->instance->store->engine;
    if (engine->config.tier == CJ_TIER_JIT) {
        cj_compiler *compiler;
        char name[256];
        snprintf(name, sizeof(name), "cj:scoped:%s", func->core.bound.info->path);
        CJ_TRY(cj__engine_compiler(engine, &compiler, err));
        CJ_TRY(cj__compiler_code(compiler, scoped->plan, name, &scoped->bound.code, err));
    }
#else
    (void)func, (void)err;
#endif
    return CJ_OK;
}

static cj_status make(cj_func *func, cj_error *err)
{
    const cj_binding *usual = &func->core.bound;
    cj_scoped *scoped = CJ_ARENA_NEW(func->instance->arena, cj_scoped);
    if (!scoped)
        return cj__fail_nomem(err);
    cj_plan_options options = usual->plan->options;
    options.lends_results = true;
    CJ_TRY(cj__plan_build(&func->instance->store->engine->config, usual->info->type, &options, &scoped->plan, err));
    scoped->bound = *usual;
    scoped->bound.plan = scoped->plan;
    if (func->timing != CJ_TIMING_OFF) /* of the usual calls: cj_func_time */
        scoped->bound.guest.realloc = func->usual_realloc;
    scoped->bound.thunk = NULL;
    scoped->bound.ticks = NULL;
    cj_status status = find_code(func, scoped, err);
    if (status != CJ_OK) {
        cj__plan_delete(scoped->plan);
        return status;
    }
    func->scoped = scoped;
    return CJ_OK;
}

static cj_status misuse(cj_func *func, const char *what)
{
    cj__fail(&func->core.store->error, CJ_MISUSE, "%s", what);
    cj__error_where(&func->core.store->error, "%s", func->core.bound.info->path);
    return CJ_MISUSE;
}

cj_status cj_call_begin(cj_func *func, const void *args, void *results, cj_arena *arena)
{
    if (!func)
        return CJ_MISUSE;
    cj_store_core *store = func->core.store;
    if (func->core.head.entry == cj__func_entry_failed)
        return cj__func_entry_failed(func, args, results, arena);
    if (func->core.head.entry == cj__func_entry_host)
        return misuse(
            func, "cj_call_begin: the function is the host's own, and lends nothing of a guest's: use cj_call_native");
    cj_error err;
    cj__error_clear(&err);
    cj_status status = func->scoped ? CJ_OK : make(func, &err);
    if (status != CJ_OK) {
        cj__error_where(&err, "%s", func->core.bound.info->path);
        store->error = err;
        return status;
    }

    cj_scoped *scoped = func->scoped;
    cj_call_ctx call;
    cj_call_ctx *outer = cj__call_begin(&call, &scoped->bound, store, arena);
    uint32_t kind = cj__core_enter_export(&call, args, results);
    cj__call_end(&call, outer);
    if (CJ_UNLIKELY(kind != CJ_TRAP_NONE))
        return cj__call_failed_forget(&call, kind);
    cj__set_may_enter(&scoped->bound, 0);
    scoped->result = call.core_result;
    func->instance->scoped = func;
    return CJ_OK;
}

static uint32_t post_return(cj_call_ctx *call, void *arg)
{
    const cj_scoped *scoped = arg;
    return cj__interp_post_return(call, &scoped->result);
}

cj_status cj_call_end(cj_func *func)
{
    if (!func)
        return CJ_MISUSE;
    if (func->core.head.entry == cj__func_entry_failed) /* the store is being deleted */
        return cj__func_entry_failed(func, NULL, NULL, NULL);
    if (func->instance->scoped != func)
        return misuse(func, "cj_call_end: no call of the function has begun by cj_call_begin, or it has been ended");
    cj_store_core *store = func->core.store;
    cj_scoped *scoped = func->scoped;
    func->instance->scoped = NULL;
    cj_call_ctx call;
    cj_call_ctx *outer = cj__call_begin(&call, &scoped->bound, store, store->arena);
    uint32_t kind = cj__core_enter(&call, post_return, scoped);
    cj__call_end(&call, outer);
    if (CJ_UNLIKELY(kind != CJ_TRAP_NONE))
        return cj__call_failed_forget(&call, kind);
    cj__set_may_enter(&scoped->bound, 1);
    return CJ_OK;
}
