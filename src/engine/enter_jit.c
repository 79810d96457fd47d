/* enter_jit.c: entering and leaving guest code that is machine code (WAMR's LLVM JIT).
 *
 * Place in the pipeline: under every call of a component's export. A compiled core function is a C function (environment, parameters...); what it
 * wants besides is that the environment's module_inst is its instance's. It leaves by a trap with longjmp, from the signal handler or from
 * WAMR's trap helper (mend_signals.c), to the jump buffer on top of the environment's list: so every entered frame pushes one.
 *
 * An entered frame that returns has everything back as it was; one that is left by a jump restores it here: the jump buffer list, the
 * instance, and WAMR's interpreter frames, which lie under it only when a guest called an import through a table.
 */
#include "engine/wamr.h"

#include <setjmp.h>

typedef struct frame {
    WASMJmpBuf jump;
    WASMExecEnv *env, *outer_env;
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

static inline void push(frame *f, WASMExecEnv *env, void *inst)
{
    f->env = env;
    f->outer_env = cj__anchor.env;
    f->outer_inst = env->module_inst;
    f->interp_frame = env->cur_frame;
    f->interp_top = env->wasm_stack.s.top;
    f->jump.prev = env->jmpbuf_stack_top;
    env->jmpbuf_stack_top = &f->jump;
    env->module_inst = inst;
    cj__anchor.env = env;
}

static inline void pop(const frame *f)
{
    cj__anchor.env = f->outer_env;
    f->env->module_inst = f->outer_inst;
    f->env->jmpbuf_stack_top = f->jump.prev;
}

/* After a jump. The exception is the innermost instance's; the caller looks for it in its own. */
static __attribute__((noinline, cold)) uint32_t left_by_trap(const frame *f, void *inst)
{
    f->env->cur_frame = f->interp_frame;
    f->env->wasm_stack.s.top = f->interp_top;
    cj__exception_move((WASMModuleInstance *)f->env->module_inst, inst);
    return CJ_TRAP_CORE;
}

static __attribute__((noinline, cold)) void attach(cj_store_core *store)
{
    cj__thread_attach(store);
}

uint32_t cj__core_enter(cj_call_ctx *call, uint32_t (*body)(cj_call_ctx *, void *), void *arg)
{
    cj_store_core *store = call->store;
    WASMExecEnv *env = store->env;
    void *inst = call->bound->core_env_inst;
    if (CJ_UNLIKELY(env == NULL))
        return body(call, arg); /* no core instance in the store: nothing can trap inside */
    if (CJ_UNLIKELY(store->owner != cj__anchor.id))
        attach(store);
    if (CJ_UNLIKELY(stack_low(env)))
        return cj__call_trap(call, CJ_TRAP_STACK_OVERFLOW, false, CJ_NO_SITE);
    call->env = env;

    frame f;
    uint32_t trap;
    push(&f, env, inst);
    if (_setjmp(f.jump.jmpbuf) == 0)
        trap = body(call, arg);
    else
        trap = left_by_trap(&f, inst);
    pop(&f);
    return trap;
}

uint32_t cj__core_enter_export(cj_call_ctx *call, const void *args, void *results)
{
    const cj_binding *bound = call->bound;
    cj_instance_core *instance = bound->instance;
    cj_store_core *store = call->store;
    WASMExecEnv *env = store->env;
    if (CJ_UNLIKELY(!instance->may_enter))
        return cj__call_trap(call, CJ_TRAP_CANNOT_ENTER, false, CJ_NO_SITE);
    cj_export_thunk thunk;
    {
        void *code = __atomic_load_n(&bound->code, __ATOMIC_ACQUIRE);
        memcpy(&thunk, &code, sizeof thunk);
    }
    if (CJ_UNLIKELY(env == NULL)) {
        instance->may_enter = 0;
        uint32_t trap = thunk(call, args, results);
        instance->may_enter = trap == CJ_TRAP_NONE;
        return trap;
    }
    if (CJ_UNLIKELY(store->owner != cj__anchor.id))
        attach(store);
    if (CJ_UNLIKELY(stack_low(env)))
        return cj__call_trap(call, CJ_TRAP_STACK_OVERFLOW, false, CJ_NO_SITE);
    call->env = env;
    instance->may_enter = 0;

    frame f;
    uint32_t trap;
    push(&f, env, bound->core_env_inst);
    if (_setjmp(f.jump.jmpbuf) == 0)
        trap = thunk(call, args, results);
    else
        trap = left_by_trap(&f, bound->core_env_inst);
    pop(&f);
    if (CJ_LIKELY(trap == CJ_TRAP_NONE))
        instance->may_enter = 1;
    return trap;
}

void cj__core_throw(cj_call_ctx *call)
{
    WASMExecEnv *env = call->env;
    longjmp(env->jmpbuf_stack_top->jmpbuf, 1);
}

/* -- Core functions of any type ------------------------------------------------------------------------------------------------ */

/* The C ABIs of x86-64 (System V) and AArch64 number integer and floating-point registers apart, and pass what does not fit in
 * 8-byte slots on the stack, in order: so one C type can call a function of any signature, as long as all registers
 * and enough slots are filled. The slots that are too many are the caller's to drop. */
#if defined(__x86_64__)
enum { INT_REGS = 5 };
#define CALL_INTS(call_args) call_args[0], call_args[1], call_args[2], call_args[3], call_args[4]
#define INT_TYPES uint64_t, uint64_t, uint64_t, uint64_t, uint64_t
#elif defined(__aarch64__)
enum { INT_REGS = 7 };
#define CALL_INTS(call_args) call_args[0], call_args[1], call_args[2], call_args[3], call_args[4], call_args[5], call_args[6]
#define INT_TYPES uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t
#else
#error "cj__core_call wants the C ABI of this machine"
#endif
enum { FLOAT_REGS = 8, STACK_SLOTS = 16 };
#define FLOAT_TYPES double, double, double, double, double, double, double, double
#define SLOT_TYPES INT64_X4, INT64_X4, INT64_X4, INT64_X4
#define INT64_X4 uint64_t, uint64_t, uint64_t, uint64_t
#define CALL_FLOATS(f) f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7]
#define CALL_SLOTS(s) \
    s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8], s[9], s[10], s[11], s[12], s[13], s[14], s[15]

typedef uint64_t (*int_fn)(void *, INT_TYPES, FLOAT_TYPES);
typedef double (*float_fn)(void *, INT_TYPES, FLOAT_TYPES);
typedef uint64_t (*int_slots_fn)(void *, INT_TYPES, FLOAT_TYPES, SLOT_TYPES);
typedef double (*float_slots_fn)(void *, INT_TYPES, FLOAT_TYPES, SLOT_TYPES);

static inline bool is_float(cj_core type)
{
    return type == CJ_CORE_F32 || type == CJ_CORE_F64;
}

uint32_t cj__core_call(cj_call_ctx *call, void *func, const cj_core_type *type, uint64_t *flat)
{
    uint64_t ints[INT_REGS] = {0}, slots[STACK_SLOTS] = {0};
    double floats[FLOAT_REGS] = {0};
    uint32_t int_count = 0, float_count = 0, slot_count = 0;
    WASMExecEnv *env = call->env;
    WASMModuleInstance *inst = (WASMModuleInstance *)env->module_inst;
    for (uint32_t i = 0; i < type->param_count; i++) {
        if (is_float(type->params[i]) && float_count < FLOAT_REGS) {
            memcpy(&floats[float_count++], &flat[i], 8);
        } else if (!is_float(type->params[i]) && int_count < INT_REGS) {
            ints[int_count++] = flat[i];
        } else if (slot_count < STACK_SLOTS) {
            slots[slot_count++] = flat[i];
        } else {
            cj__exception_set(inst, "a core function with more parameters than canonjit can pass");
            return CJ_TRAP_CORE;
        }
    }
    uint64_t result = 0;
    if (type->result_count > 0 && is_float(type->result)) {
        double value;
        if (slot_count == 0) {
            float_fn fn;
            memcpy(&fn, &func, sizeof fn);
            value = fn(env, CALL_INTS(ints), CALL_FLOATS(floats));
        } else {
            float_slots_fn fn;
            memcpy(&fn, &func, sizeof fn);
            value = fn(env, CALL_INTS(ints), CALL_FLOATS(floats), CALL_SLOTS(slots));
        }
        memcpy(&result, &value, 8);
    } else if (slot_count == 0) {
        int_fn fn;
        memcpy(&fn, &func, sizeof fn);
        result = fn(env, CALL_INTS(ints), CALL_FLOATS(floats));
    } else {
        int_slots_fn fn;
        memcpy(&fn, &func, sizeof fn);
        result = fn(env, CALL_INTS(ints), CALL_FLOATS(floats), CALL_SLOTS(slots));
    }
    if (CJ_UNLIKELY(inst->cur_exception[0] != '\0'))
        return CJ_TRAP_CORE;
    if (type->result_count > 0)
        flat[0] = type->result == CJ_CORE_I32 || type->result == CJ_CORE_F32 ? (uint32_t)result : result;
    return CJ_TRAP_NONE;
}

uint32_t cj__core_call_realloc(cj_call_ctx *call, uint32_t old_ptr, uint32_t old_size, uint32_t align, uint32_t new_size, uint32_t *out)
{
    uint32_t (*fn)(void *, uint32_t, uint32_t, uint32_t, uint32_t);
    memcpy(&fn, &call->bound->realloc, sizeof fn);
    WASMExecEnv *env = call->env;
    uint32_t ptr = fn(env, old_ptr, old_size, align, new_size);
    if (CJ_UNLIKELY(((WASMModuleInstance *)env->module_inst)->cur_exception[0] != '\0'))
        return CJ_TRAP_CORE;
    *out = ptr;
    return CJ_TRAP_NONE;
}
