/* enter_interp.c: entering and leaving guest code that WAMR interprets.
 *
 * Place in the pipeline: as enter_jit.c. A core function is WAMR's record of it, called through WAMR's public call function; a trap is a normal
 * return with the exception set, all the way up. There are no signals and no jumps.
 */
#include "engine/wamr.h"

typedef struct frame {
    WASMExecEnv *env;
    struct WASMModuleInstanceCommon *outer_inst;
    struct WASMInterpFrame *interp_frame;
    uint8_t *interp_top;
} frame;

static inline bool stack_low(const WASMExecEnv *env)
{
    return (uintptr_t)__builtin_frame_address(0) < (uintptr_t)env->native_stack_boundary;
}

bool cj__core_stack_low(const cj_call_ctx *call)
{
    return call->env != NULL && stack_low(call->env);
}

static void push(frame *f, WASMExecEnv *env, void *inst)
{
    *f = (frame){.env = env,
                 .outer_inst = env->module_inst,
                 .interp_frame = env->cur_frame,
                 .interp_top = CJ_INTERP_STACK_TOP(env)};
    env->module_inst = inst;
}

/* WAMR leaves frames of its stack behind when a call fails in some places: they are dropped here. */
static void pop(const frame *f)
{
    f->env->module_inst = f->outer_inst;
    f->env->cur_frame = f->interp_frame;
    CJ_INTERP_STACK_TOP(f->env) = f->interp_top;
}

/* That there is an environment on this thread, and stack to run in. */
static uint32_t prepare(cj_call_ctx *call)
{
    cj_store_core *store = call->store;
    call->env = store->env;
    if (CJ_UNLIKELY(store->env == NULL))
        return CJ_TRAP_NONE; /* no core instance in the store */
    if (CJ_UNLIKELY(store->owner != cj__anchor.id))
        cj__thread_attach(store);
    return CJ_UNLIKELY(stack_low(store->env)) ? cj__call_trap(call, CJ_TRAP_STACK_OVERFLOW, false, CJ_NO_SITE)
                                              : (uint32_t)CJ_TRAP_NONE;
}

static uint32_t run(cj_call_ctx *call, uint32_t (*body)(cj_call_ctx *, void *), void *arg)
{
    cj_store_core *store = call->store;
    WASMExecEnv *env = store->env;
    if (CJ_UNLIKELY(env == NULL))
        return body(call, arg);
    frame f;
    push(&f, env, call->bound->guest.core_env_inst);
    uint32_t trap = body(call, arg);
    /* A trap recorded by us travels through WAMR as an exception with no meaning of its own. */
    WASMModuleInstance *inst = call->bound->guest.core_env_inst;
    if (trap != CJ_TRAP_NONE && store->trap.kind != CJ_TRAP_NONE && inst != NULL)
        inst->cur_exception[0] = '\0';
    pop(&f);
    return trap;
}

uint32_t cj__core_enter(cj_call_ctx *call, uint32_t (*body)(cj_call_ctx *, void *), void *arg)
{
    uint32_t trap = prepare(call);
    return CJ_UNLIKELY(trap != CJ_TRAP_NONE) ? trap : run(call, body, arg);
}

typedef struct thunk_call {
    const void *args;
    void *results;
} thunk_call;

static uint32_t run_thunk(cj_call_ctx *call, void *arg)
{
    thunk_call *t = arg;
    cj_export_thunk thunk;
    void *code = __atomic_load_n(&call->bound->code, __ATOMIC_ACQUIRE);
    memcpy(&thunk, &code, sizeof thunk);
    return thunk(call, t->args, t->results);
}

uint32_t cj__core_enter_export(cj_call_ctx *call, const void *args, void *results)
{
    if (CJ_UNLIKELY(!cj__may_enter(call->bound)))
        return cj__call_trap(call, CJ_TRAP_CANNOT_ENTER, false, CJ_NO_SITE);
    uint32_t trap = prepare(call);
    if (CJ_UNLIKELY(trap != CJ_TRAP_NONE))
        return trap;
    cj__set_may_enter(call->bound, 0);
    thunk_call t = {args, results};
    trap = run(call, run_thunk, &t);
    if (CJ_LIKELY(trap == CJ_TRAP_NONE))
        cj__set_may_enter(call->bound, 1);
    return trap;
}

void cj__core_renew_outermost(cj_store_core *store)
{
    (void)store; /* all calls are on the stack */
}

void cj__core_throw(cj_call_ctx *call)
{
    WASMModuleInstance *inst = (WASMModuleInstance *)((WASMExecEnv *)call->env)->module_inst;
    if (inst->cur_exception[0] == '\0')
        cj__exception_set(inst, "trap of a boundary function");
}

/* A function runs on the instance that the environment names. */
static bool call_in(WASMExecEnv *env, const cj_side *callee, void *func, uint32_t n, uint32_t *cells)
{
    struct WASMModuleInstanceCommon *outer = env->module_inst;
    if ((void *)outer == callee->core_env_inst)
        return wasm_runtime_call_wasm(env, func, n, cells);
    frame f;
    push(&f, env, callee->core_env_inst);
    bool ok = wasm_runtime_call_wasm(env, func, n, cells);
    pop(&f);
    if (!ok)
        cj__exception_move((WASMModuleInstance *)callee->core_env_inst, (WASMModuleInstance *)outer);
    return ok;
}

uint32_t cj__core_call(cj_call_ctx *call, const cj_side *callee, void *func, const cj_core_type *type, uint64_t *flat)
{
    uint32_t cells[CJ_MAX_CORE_PARAMS * 2], n = 0;
    if (type->param_count > CJ_MAX_CORE_PARAMS) {
        cj__exception_set((WASMModuleInstance *)((WASMExecEnv *)call->env)->module_inst,
                          "a core function with more parameters than canonjit can pass");
        return CJ_TRAP_CORE;
    }
    for (uint32_t i = 0; i < type->param_count; i++) {
        cells[n++] = (uint32_t)flat[i];
        if (type->params[i] == CJ_CORE_I64 || type->params[i] == CJ_CORE_F64)
            cells[n++] = (uint32_t)(flat[i] >> 32);
    }
    if (!call_in(call->env, callee, func, n, cells))
        return CJ_TRAP_CORE;
    if (type->result_count > 0)
        flat[0] =
            type->result == CJ_CORE_I32 || type->result == CJ_CORE_F32 ? cells[0] : cells[0] | (uint64_t)cells[1] << 32;
    return CJ_TRAP_NONE;
}

uint32_t cj__core_call_realloc(cj_call_ctx *call, const cj_side *callee, uint32_t old_ptr, uint32_t old_size,
                               uint32_t align, uint32_t new_size, uint32_t *out)
{
    uint32_t cells[4] = {old_ptr, old_size, align, new_size};
    if (!call_in(call->env, callee, callee->realloc, 4, cells))
        return CJ_TRAP_CORE;
    *out = cells[0];
    return CJ_TRAP_NONE;
}
