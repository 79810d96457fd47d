/* native.h: what a native function that WAMR's code calls reads of the environment that it gets, where guests are machine code.
 *
 * Place in the pipeline: over the engine's layout (cj__core_layout), so that none of WAMR's headers is needed; under builtins.c, core_calls.c,
 * llvm/support.c and runtime/timing.c. Non-goals: entries of the host's (engine/enter_jit.c), which have more to do.
 */
#ifndef CJ_EXEC_NATIVE_H
#define CJ_EXEC_NATIVE_H

#include "engine/engine.h"
#include "exec/exec.h"

/* The group whose code runs. */
static inline const cj_group_core *cj__native_group(const void *env)
{
    const char *inst;
    const cj_group_core *group;
    memcpy(&inst, (const char *)env + cj__core_layout.env_module_inst, sizeof(inst));
    memcpy(&group, inst + cj__core_layout.inst_custom_data, sizeof(group));
    return group;
}

static inline const cj_binding *cj__native_binding(const void *env, uint32_t slot)
{
    return &cj__group_imports(cj__native_group(env))[slot];
}

static inline bool cj__native_stack_low(const void *env)
{
    uintptr_t boundary;
    memcpy(&boundary, (const char *)env + cj__core_layout.env_stack_boundary, sizeof(boundary));
#if defined(__x86_64__)
    uintptr_t here; /* a frame address would cost the frame pointer */
    __asm__ volatile("mov %%rsp, %0" : "=r"(here));
    return here < boundary;
#else
    return (uintptr_t)__builtin_frame_address(0) < boundary;
#endif
}

/* Makes `inst` the instance that runs; returns the one that did. */
static inline void *cj__native_switch(void *env, void *inst)
{
    void *outer;
    memcpy(&outer, (char *)env + cj__core_layout.env_module_inst, sizeof(outer));
    memcpy((char *)env + cj__core_layout.env_module_inst, &inst, sizeof(inst));
    return outer;
}

/* Whether code of `inst` has returned with an exception. */
static inline bool cj__native_failed(const void *inst)
{
    return ((const char *)inst)[cj__core_layout.inst_exception] != 0;
}

static inline cj_call_ctx cj__native_call(void *env, const cj_binding *bound)
{
    cj_store_core *store = bound->guest.instance->store;
    return (cj_call_ctx){.bound = bound, .store = store, .env = env, .arena = store->arena};
}

#endif
