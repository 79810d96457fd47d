/* timing.c: cj_func_time: calls of one function that enter and do nothing, that time their steps, or their callee's realloc.
 *
 *     ENTRY     the thunk is one that returns at once
 *     STEPS     the thunk is another: the plan compiled with reads of the counter in it, or the interpreter's that does the same
 *     REALLOC   the thunk is the usual one; the realloc it calls is a function of ours around the guest's
 *
 * Place in the pipeline: beside bind.c: it changes what that has bound.
 * Non-goals: rounds, minima, what the figures mean (cli/bench*.c). Functions that are not being timed pay nothing.
 */
#include "exec/native.h"
#include "runtime/runtime.h"

#include <pthread.h>
#include <stdio.h>

/* -- The counter ------------------------------------------------------------------------------------------------------ */

static double ns_per_tick = 1, ticks_per_stamp;
static pthread_once_t clock_once = PTHREAD_ONCE_INIT;

/* The fastest of many short runs: a disturbance only ever adds time. */
static void measure_clock(void)
{
    enum { STAMPS = 64, RUNS = 400, SPAN_NS = 5000000 };
    uint64_t start_ns = cj__now_ns(), start = cj__ticks(), fastest = UINT64_MAX;
    for (int run = 0; run < RUNS; run++) {
        uint64_t sum = 0, last = cj__ticks();
        for (int i = 0; i < STAMPS; i++) {
            uint64_t now = cj__ticks();
            sum += now - last;
            last = now;
        }
        fastest = sum < fastest ? sum : fastest;
    }
    while (cj__now_ns() - start_ns < SPAN_NS) {
    }
    uint64_t ticks = cj__ticks() - start, ns = cj__now_ns() - start_ns;
    ns_per_tick = ticks ? (double)ns / (double)ticks : 1;
    ticks_per_stamp = (double)fastest / STAMPS;
}

void cj_timing_clock(double *tick_ns, double *stamp_ticks)
{
    pthread_once(&clock_once, measure_clock);
    if (tick_ns)
        *tick_ns = ns_per_tick;
    if (stamp_ticks)
        *stamp_ticks = ticks_per_stamp;
}

/* -- Thunks and a realloc ----------------------------------------------------------------------------------------------- */

static uint32_t enter_only(cj_call_ctx *call, const void *args, void *results) /* a cj_export_thunk */
{
    (void)call, (void)args, (void)results;
    return CJ_TRAP_NONE;
}

static void *code_of(cj_export_thunk thunk)
{
    void *code;
    memcpy(&code, &thunk, sizeof(code));
    return code;
}

#if CJ_ENGINE_JIT
/* Called as the guest's realloc is, by the function that is being timed and by no other: its call is the one the host made last. */
static uint32_t timed_realloc(void *env, uint32_t old_ptr, uint32_t old_size, uint32_t align, uint32_t new_size)
{
    const cj_binding *bound = cj__native_group(env)->instance->store->active->bound;
    const cj_func *func = (const void *)((const char *)bound - offsetof(cj_func, core.bound));
    uint32_t (*usual)(void *, uint32_t, uint32_t, uint32_t, uint32_t);
    memcpy(&usual, &func->usual_realloc, sizeof(usual));
    uint64_t start = cj__ticks();
    uint32_t ptr = usual(env, old_ptr, old_size, align, new_size);
    bound->ticks->realloc += cj__ticks() - start;
    bound->ticks->realloc_calls++;
    return ptr;
}
#endif

static cj_status time_realloc(cj_func *func, cj_error *err)
{
#if CJ_ENGINE_JIT
    uint32_t (*timed)(void *, uint32_t, uint32_t, uint32_t, uint32_t) = timed_realloc;
    if (func->usual_realloc)
        memcpy(&func->core.bound.guest.realloc, &timed, sizeof(timed));
    (void)err;
    return CJ_OK;
#else
    (void)func;
    return cj__fail(err, CJ_UNSUPPORTED, "unsupported: CJ_TIMING_REALLOC in this build (%s)", cj_build_info());
#endif
}

static cj_status steps_code(cj_func *func, void **out, cj_error *err)
{
    *out = code_of(cj__interp_export_timed);
#if CJ_HAVE_JIT
    if (func->usual_code != code_of(cj__interp_export)) {
        if (!func->timed_code) {
            cj_compiler *compiler;
            char name[256];
            snprintf(name, sizeof(name), "cj:timed:%s", func->core.bound.info->path);
            CJ_TRY(cj__engine_compiler(func->instance->store->engine, &compiler, err));
            CJ_TRY(cj__compiler_timed(compiler, func->core.bound.plan, name, &func->timed_code, err));
        }
        *out = func->timed_code;
    }
#else
    (void)func, (void)err;
#endif
    return CJ_OK;
}

/* -- The mode --------------------------------------------------------------------------------------------------------- */

static void set_code(cj_func *func, void *code)
{
    __atomic_store_n(&func->core.bound.code, code, __ATOMIC_RELEASE);
}

static void stop_timing(cj_func *func)
{
    if (func->timing == CJ_TIMING_OFF)
        return;
    set_code(func, func->usual_code);
    func->core.bound.guest.realloc = func->usual_realloc;
    func->core.bound.ticks = NULL;
    func->timing = CJ_TIMING_OFF;
}

cj_status cj_func_time(cj_func *func, cj_timing timing, cj_step_ticks *ticks, cj_error *err)
{
    cj__error_clear(err);
    if (!func)
        return cj__fail(err, CJ_MISUSE, "cj_func_time: func is NULL: there is no such function");
    cj_func_core *core = &func->core;
    if ((unsigned)timing > CJ_TIMING_REALLOC)
        return cj__fail(err, CJ_MISUSE, "cj_func_time: %d is no cj_timing", (int)timing);
    if ((timing == CJ_TIMING_STEPS || timing == CJ_TIMING_REALLOC) && !ticks)
        return cj__fail(err, CJ_MISUSE, "cj_func_time: ticks must not be NULL for this mode");
    if (core->store->active)
        return cj__fail(err, CJ_MISUSE, "cj_func_time: a call of the store is going on");
    if (core->head.entry == cj__func_entry_failed)
        return cj__fail(err, CJ_MISUSE, "cj_func_time: the instance of this function is not ready");
    if (core->head.entry == cj__func_entry_host)
        return cj__fail(err, CJ_UNSUPPORTED, "unsupported: timing a function of the host's that is exported again");

    stop_timing(func);
    if (timing == CJ_TIMING_OFF)
        return CJ_OK;
    func->usual_code = __atomic_load_n(&core->bound.code, __ATOMIC_ACQUIRE);
    func->usual_realloc = core->bound.guest.realloc;
    cj_status status = CJ_OK;
    void *code = func->usual_code;
    if (timing == CJ_TIMING_ENTRY)
        code = code_of(enter_only);
    else if (timing == CJ_TIMING_STEPS)
        status = steps_code(func, &code, err);
    else
        status = time_realloc(func, err);
    if (status != CJ_OK)
        return status;
    core->bound.ticks = ticks;
    set_code(func, code);
    func->timing = timing;
    return CJ_OK;
}
