/* builtins.c: what a guest's import does: the gate that all imports go through where nothing is compiled, and the
 * canonical builtins, which need no plan.
 *
 * Place in the pipeline: between the engine's generic natives (cj__core_set_gate) and the plan interpreter. Where WAMR
 * compiles guests, its code calls the builtins' natives here directly.
 * Non-goals: plans (interp/, llvm/), tables (handles.c).
 * Spec: "canon lower", "canon resource.new", "canon resource.drop", "canon resource.rep".
 */
#include "exec/native.h"

static uint32_t trap(cj_call_ctx *call, uint32_t kind)
{
    return cj__call_trap(call, (cj_trap)kind, false, CJ_NO_SITE);
}

/* -- The gate ------------------------------------------------------------------------------------------------------ */

/* Nobody's boundary: a core trap's place is left to the frames around it. */
static uint32_t call_core(cj_call_ctx *call, const uint64_t *flat, uint64_t *result)
{
    const cj_core_type *type = call->bound->core_type;
    uint64_t values[CJ_MAX_CORE_PARAMS];
    memcpy(values, flat, type->param_count * sizeof(*flat));
    uint32_t kind = cj__core_call(call, &call->bound->guest, call->bound->core_func, type, values);
    if (CJ_LIKELY(!kind) && type->result_count)
        *result = values[0];
    return kind;
}

static uint32_t new_or_rep(cj_call_ctx *call, const uint64_t *flat, uint64_t *result)
{
    const cj_resource *rt = call->bound->resources[0];
    uint32_t out = 0, kind = call->bound->kind == CJ_SLOT_RESOURCE_NEW
                                 ? cj__resource_new(call, rt, (uint32_t)flat[0], &out)
                                 : cj__resource_rep(call, rt, (uint32_t)flat[0], &out);
    *result = out;
    return kind;
}

/* Leaving is looked at before anything else. */
static uint32_t cannot(const cj_call_ctx *call, cj_trap why)
{
    return call->bound->guest.instance->may_leave ? why : CJ_TRAP_CANNOT_LEAVE;
}

/* Towards being compiled. */
static inline void count(cj_call_ctx *call)
{
#if CJ_HAVE_LLVM
    if (CJ_UNLIKELY(call->bound->thunk != NULL))
        cj__thunk_gate(call);
#else
    (void)call;
#endif
}

uint32_t cj__gate(cj_call_ctx *call, const uint64_t *flat, uint64_t *result)
{
    uint32_t kind = CJ_TRAP_NONE;
    switch ((cj_slot_kind)call->bound->kind) {
    case CJ_SLOT_HOST:
        count(call);
        return cj__interp_import(call, flat, result);
    case CJ_SLOT_FUSED:
        count(call);
        return cj__interp_fused(call, flat, result);
    case CJ_SLOT_CORE:
        return call_core(call, flat, result);
    case CJ_SLOT_RESOURCE_NEW:
    case CJ_SLOT_RESOURCE_REP:
        kind = new_or_rep(call, flat, result);
        break;
    case CJ_SLOT_RESOURCE_DROP:
        kind = cj__resource_drop(call, call->bound->resources[0], (uint32_t)flat[0]);
        break;
    case CJ_SLOT_CANNOT_ENTER:
        kind = cannot(call, CJ_TRAP_CANNOT_ENTER);
        break;
    case CJ_SLOT_UNSUPPORTED:
        kind = cannot(call, CJ_TRAP_UNSUPPORTED);
        break;
    case CJ_SLOT_UNSUPPORTED_ANYWHERE:
        kind = CJ_TRAP_UNSUPPORTED;
        break;
    }
    return CJ_LIKELY(!kind) ? CJ_TRAP_NONE : trap(call, kind);
}

/* -- Natives ------------------------------------------------------------------------------------------------------- */

#if CJ_ENGINE_JIT

/* What is usual is done here, without a call object: exec/handles.c does the rest, and finds every trap. */

static __attribute__((noinline, cold)) void leave(cj_call_ctx *call, uint32_t kind)
{
    (void)trap(call, kind);
    cj__core_throw(call);
}

static __attribute__((noinline)) uint32_t other_new(void *env, const cj_binding *bound, uint32_t rep)
{
    cj_call_ctx call = cj__native_call(env, bound);
    uint32_t index = 0, kind = cj__resource_new(&call, bound->resources[0], rep, &index);
    if (CJ_UNLIKELY(kind))
        leave(&call, kind);
    return index;
}

static uint32_t native_new(void *env, uint32_t rep, uint32_t slot)
{
    const cj_binding *bound = cj__native_binding(env, slot);
    cj_handles *table = &bound->guest.instance->handles;
    if (CJ_UNLIKELY(!bound->guest.instance->may_leave || !table->free))
        return other_new(env, bound, rep);
    return cj__handle_put_own(table, bound->resources[0], rep);
}

static __attribute__((noinline, cold)) uint32_t other_rep(void *env, const cj_binding *bound, uint32_t index)
{
    cj_call_ctx call = cj__native_call(env, bound);
    uint32_t rep = 0, kind = cj__resource_rep(&call, bound->resources[0], index, &rep);
    if (CJ_UNLIKELY(kind))
        leave(&call, kind);
    return rep;
}

static uint32_t native_rep(void *env, uint32_t index, uint32_t slot)
{
    const cj_binding *bound = cj__native_binding(env, slot);
    const cj_handles *table = &bound->guest.instance->handles;
    if (CJ_UNLIKELY(index >= table->len || table->at[index].rt != bound->resources[0]))
        return other_rep(env, bound, index);
    return (uint32_t)table->at[index].rep;
}

static __attribute__((noinline)) void other_drop(void *env, const cj_binding *bound, uint32_t index)
{
    cj_call_ctx call = cj__native_call(env, bound);
    uint32_t kind = cj__resource_drop(&call, bound->resources[0], index);
    if (CJ_UNLIKELY(kind))
        leave(&call, kind);
}

/* The destructor has returned with an exception instead of leaving by a jump: the frame that the host entered finds it in the
 * instance that runs. */
static __attribute__((noinline, cold)) void dtor_failed(void *env, const cj_binding *bound, const cj_binding *dtor)
{
    cj_call_ctx inner = cj__native_call(env, dtor), call = cj__native_call(env, bound);
    (void)cj__call_trap(&inner, CJ_TRAP_CORE, false, CJ_NO_SITE);
    leave(&call, CJ_TRAP_CORE);
}

/* As `destroy` of exec/handles.c, where nothing but the implementing instance is entered. By itself, as what drops without one needs no
 * registers saved. */
static __attribute__((noinline)) void run_dtor(void *env, uint32_t rep, const cj_binding *bound, const cj_binding *dtor,
                                               cj_instance_core *impl)
{
    void (*code)(void *env, uint32_t rep);
    (void)cj__native_switch(env, dtor->guest.core_env_inst);
    memcpy(&code, &dtor->core_func, sizeof(code));
    impl->may_enter = 0;
    impl->dtor = dtor;
    code(env, rep);
    if (CJ_UNLIKELY(cj__native_failed(dtor->guest.core_env_inst)))
        dtor_failed(env, bound, dtor);
    (void)cj__native_switch(env, bound->guest.core_env_inst);
    impl->dtor = NULL; /* as before: no destructor of an instance runs that may be entered */
    impl->may_enter = 1;
}

/* Whether a call from `caller` enters `impl` and no other instance, which it is not in already. */
static inline bool enters_one(const cj_instance_core *caller, const cj_instance_core *impl)
{
    return impl != caller && (impl->parent == caller || impl->parent == caller->parent);
}

/* Whether `self` may drop the own handle `index`, and that takes no more than removing it and calling a guest's destructor. */
static inline bool is_usual_drop(const void *env, const cj_instance_core *self, const cj_resource *rt, uint32_t index)
{
    const cj_handles *table = &self->handles;
    if (CJ_UNLIKELY(index >= table->len))
        return false;
    const cj_handle *handle = &table->at[index];
    const cj_instance_core *impl = rt->impl;
    return handle->rt == rt && !handle->lends && !handle->scope && impl && self->may_leave && enters_one(self, impl) &&
           impl->may_enter && !cj__native_stack_low(env);
}

static void native_drop(void *env, uint32_t index, uint32_t slot)
{
    const cj_binding *bound = cj__native_binding(env, slot);
    cj_instance_core *self = bound->guest.instance;
    const cj_resource *rt = bound->resources[0];
    if (CJ_UNLIKELY(!is_usual_drop(env, self, rt, index))) {
        other_drop(env, bound, index);
        return;
    }
    uint32_t rep = (uint32_t)self->handles.at[index].rep;
    cj__handle_take_own(&self->handles, index);
    if (rt->dtor)
        run_dtor(env, rep, bound, rt->dtor, rt->impl);
}

void *cj__builtin_code(cj_slot_kind kind)
{
    uint32_t (*new_)(void *, uint32_t, uint32_t) = native_new;
    uint32_t (*rep)(void *, uint32_t, uint32_t) = native_rep;
    void (*drop)(void *, uint32_t, uint32_t) = native_drop;
    void *code = NULL;
    if (kind == CJ_SLOT_RESOURCE_NEW)
        memcpy(&code, &new_, sizeof(code));
    else if (kind == CJ_SLOT_RESOURCE_REP)
        memcpy(&code, &rep, sizeof(code));
    else if (kind == CJ_SLOT_RESOURCE_DROP)
        memcpy(&code, &drop, sizeof(code));
    return code;
}

#else

void *cj__builtin_code(cj_slot_kind kind)
{
    (void)kind;
    return NULL;
}

#endif
