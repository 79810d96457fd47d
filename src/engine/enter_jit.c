/* enter_jit.c: entering and leaving guest code that is machine code (WAMR's LLVM JIT).
 *
 * Place in the pipeline: under every call of a component's export. A compiled core function is a C function (environment, parameters...); what it
 * wants besides is that the environment's module_inst is its instance's. A trap leaves by a jump over its frames, out of the signal handler (mend_signals.c) or out of
 * WAMR's trap helpers (there, or mend_traps.c), to the innermost entry of the thread (cj__leave).
 *
 * An entry that returns has everything back as it was, but that after the outermost one the environment still names its instance; one that is left by a jump
 * restores it here: the instance, and WAMR's list of jump buffers and interpreter frames, which grow under it only when a guest calls an import through a
 * table (merged modules do not).
 *
 * Two ways to jump: on x86-64 a few instructions of our own, since entering is what every call pays for; elsewhere, and for the sanitizers, which
 * follow the C library's jumps, setjmp and longjmp. Neither touches the signal mask: nothing here blocks signals.
 */
#include "engine/wamr.h"
#include "exec/native.h"

#include <setjmp.h>

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define OWN_JUMP 1
#else
#define OWN_JUMP 0
#endif

struct cj_entry {
    void *sp; /* where its frame is: what was pushed on the stack since lies below */
#if OWN_JUMP
    void *bp, *bx, *r12, *r13, *r14, *r15; /* after sp, and in this order: the assembler code knows their places */
#else
    jmp_buf jump;
#endif
    cj_entry *outer;
    WASMExecEnv *env;
    struct WASMModuleInstanceCommon *outer_inst;
};

/* A store's outermost call, of which there is one at a time: made with the environment and mostly filled in for good, since what an entry takes is mainly
 * its stores. */
struct cj_outermost {
    cj_entry entry;
    cj_call_ctx call;
    struct cj_outermost *other; /* of the two that a store has: cj__core_renew_outermost */
};

typedef uint32_t (*entered_fn)(cj_call_ctx *, const void *, void *);

#if OWN_JUMP
_Static_assert(CJ_TRAP_CORE == 11, "cj__leap knows the number");
_Static_assert(offsetof(cj_entry, sp) == 0 && offsetof(cj_entry, r15) == 48, "cj__leap knows the places");

/* Calls fn(call, args, results). cj__leap goes on as if it had returned CJ_TRAP_CORE: with the registers that a callee preserves, and at the address
 * that the call pushed, which lies there as long as the callee has not returned. To the compiler this is no call, so two things see to it that there is a frame by
 * then, aligned for calls and without a red zone: that the stack pointer is an operand, and that whoever this is inlined into makes a call that is not its
 * last step (not_last). */
static inline __attribute__((always_inline)) uint32_t cj__enter(cj_entry *entry, entered_fn fn, cj_call_ctx *call,
                                                                const void *args, void *results)
{
    uint64_t trap;
    register void *sp __asm__("rsp");
    __asm__ volatile("mov %%rsp, (%%rcx)\n\t"
                     "mov %%rbp, 8(%%rcx)\n\t"
                     "mov %%rbx, 16(%%rcx)\n\t"
                     "mov %%r12, 24(%%rcx)\n\t"
                     "mov %%r13, 32(%%rcx)\n\t"
                     "mov %%r14, 40(%%rcx)\n\t"
                     "mov %%r15, 48(%%rcx)\n\t"
                     "call *%%rax"
                     : "=a"(trap), "+c"(entry), "+D"(call), "+S"(args), "+d"(results), "+r"(sp)
                     : "0"(fn)
                     : "r8", "r9", "r10", "r11", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                       "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "cc", "memory");
    return (uint32_t)trap;
}

static inline uint32_t not_last(uint32_t value)
{
    __asm__ volatile("" : "+r"(value));
    return value;
}

static _Noreturn void cj__leap(cj_entry *entry)
{
    __asm__ volatile("mov 48(%%rcx), %%r15\n\t"
                     "mov 40(%%rcx), %%r14\n\t"
                     "mov 32(%%rcx), %%r13\n\t"
                     "mov 24(%%rcx), %%r12\n\t"
                     "mov 16(%%rcx), %%rbx\n\t"
                     "mov 8(%%rcx), %%rbp\n\t"
                     "mov (%%rcx), %%rsp\n\t"
                     "mov $11, %%eax\n\t"
                     "jmp *-8(%%rsp)"
                     :
                     : "c"(entry)
                     : "memory");
    __builtin_unreachable();
}
#else
static __attribute__((noinline)) uint32_t cj__enter(cj_entry *entry, entered_fn fn, cj_call_ctx *call, const void *args,
                                                    void *results)
{
    entry->sp = __builtin_frame_address(0);
    return _setjmp(entry->jump) == 0 ? fn(call, args, results) : (uint32_t)CJ_TRAP_CORE;
}

static inline uint32_t not_last(uint32_t value)
{
    return value;
}

static _Noreturn void cj__leap(cj_entry *entry)
{
    longjmp(entry->jump, 1);
}
#endif

/* -- Entering ------------------------------------------------------------------------------------------------------------------- */

bool cj__core_stack_low(const cj_call_ctx *call)
{
    return call->env != NULL && cj__native_stack_low(call->env);
}

/* After a trap. The exception is that of the instance which ran; the caller looks for it in its own. WAMR's jump buffers that lie below
 * this entry are gone; so are frames of its interpreter, of which there are none left outside of all entries. */
static __attribute__((noinline, cold)) void tidy(cj_call_ctx *call, const cj_entry *e, void *inst)
{
    WASMExecEnv *env = e->env;
    bool outermost = e->outer == NULL || e->outer->env != env;
#if CJ_HARDWARE_BOUNDS
    while (env->jmpbuf_stack_top != NULL && (uintptr_t)env->jmpbuf_stack_top < (uintptr_t)e->sp)
        env->jmpbuf_stack_top = env->jmpbuf_stack_top->prev;
    outermost = outermost && env->jmpbuf_stack_top == NULL;
#endif
    if (outermost) {
        env->cur_frame = NULL;
        CJ_INTERP_STACK_RESET(env);
    }
    cj__trap_place(call, (WASMModuleInstance *)env->module_inst);
    cj__exception_move((WASMModuleInstance *)env->module_inst, inst);
}

static inline __attribute__((always_inline)) uint32_t enter(cj_call_ctx *call, WASMExecEnv *env, void *inst,
                                                            entered_fn fn, const void *args, void *results)
{
    cj_entry e;
    e.outer = cj__anchor.entry;
    e.env = env;
    e.outer_inst = env->module_inst;
    call->env = env;
    env->module_inst = inst;
    cj__anchor.entry = &e;
    uint32_t trap = cj__enter(&e, fn, call, args, results);
    cj__anchor.entry = e.outer;
    if (CJ_UNLIKELY(trap == CJ_TRAP_CORE))
        tidy(call, &e, inst);
    e.env->module_inst = e.outer_inst;
    return trap;
}

static __attribute__((noinline, cold)) void attach(cj_store_core *store)
{
    cj__thread_attach(store);
}

typedef struct body_call {
    uint32_t (*body)(cj_call_ctx *, void *);
    void *arg;
} body_call;

static uint32_t run_body(cj_call_ctx *call, const void *args, void *results)
{
    (void)results;
    const body_call *b = args;
    return b->body(call, b->arg);
}

uint32_t cj__core_enter(cj_call_ctx *call, uint32_t (*body)(cj_call_ctx *, void *), void *arg)
{
    cj_store_core *store = call->store;
    WASMExecEnv *env = store->env;
    if (CJ_UNLIKELY(env == NULL))
        return body(call, arg); /* no core instance in the store: nothing can trap inside */
    if (CJ_UNLIKELY(store->owner != cj__anchor.id))
        attach(store);
    if (CJ_UNLIKELY(cj__native_stack_low(env)))
        return cj__call_trap(call, CJ_TRAP_STACK_OVERFLOW, false, CJ_NO_SITE);
    body_call b = {body, arg};
    return enter(call, env, call->bound->guest.core_env_inst, run_body, &b, NULL);
}

uint32_t cj__core_enter_export(cj_call_ctx *call, const void *args, void *results)
{
    const cj_binding *bound = call->bound;
    cj_store_core *store = call->store;
    WASMExecEnv *env = store->env;
    if (CJ_UNLIKELY(!cj__may_enter(bound)))
        return cj__call_trap(call, CJ_TRAP_CANNOT_ENTER, false, CJ_NO_SITE);
    void *code = __atomic_load_n(&bound->code, __ATOMIC_ACQUIRE);
    cj_export_thunk thunk;
    memcpy(&thunk, &code, sizeof thunk);
    uint32_t trap;
    if (CJ_LIKELY(env != NULL)) {
        if (CJ_UNLIKELY(store->owner != cj__anchor.id))
            attach(store);
        if (CJ_UNLIKELY(cj__native_stack_low(env)))
            return cj__call_trap(call, CJ_TRAP_STACK_OVERFLOW, false, CJ_NO_SITE);
        cj__set_may_enter(bound, 0);
        trap = enter(call, env, bound->guest.core_env_inst, thunk, args, results);
    } else {
        cj__set_may_enter(bound, 0);
        trap = thunk(call, args, results);
    }
    if (CJ_LIKELY(trap == CJ_TRAP_NONE))
        cj__set_may_enter(bound, 1);
    return trap;
}

/* -- Entering for the host ------------------------------------------------------------------------------------------------------ */

bool cj__outermost_new(cj_store_core *store)
{
    struct cj_outermost *two = cj__calloc(store->alloc, 2, sizeof *two);
    if (two == NULL)
        return false;
    for (int i = 0; i < 2; i++) {
        two[i].entry.env = two[i].call.env = store->env;
        two[i].call.store = store;
        two[i].other = &two[!i];
    }
    store->outermost = two;
    return true;
}

void cj__outermost_free(cj_store_core *store)
{
    struct cj_outermost *two = store->outermost;
    if (two != NULL)
        cj__free(store->alloc, two < two->other ? two : two->other, 2 * sizeof *two);
    store->outermost = NULL;
}

void cj__core_renew_outermost(cj_store_core *store)
{
    struct cj_outermost *o = store->outermost;
    if (o != NULL && store->active == &o->call)
        store->outermost = o->other;
}

static __attribute__((noinline, cold)) cj_status func_trapped(struct cj_outermost *o, uint32_t trap)
{
    cj_store_core *store = o->call.store;
    if (trap == CJ_TRAP_CORE)
        tidy(&o->call, &o->entry, o->call.bound->guest.core_env_inst);
    store->active = NULL;
    store->taken.at = NULL;
    return store->hooks->failed(&o->call, trap);
}

/* `nested`: more instances than the function's own are entered. A constant, so that the functions of roots pay nothing for it. */
static inline __attribute__((always_inline)) cj_status func_entry(cj_func *f, const void *args, void *results,
                                                                  cj_arena *arena, bool nested)
{
    const cj_func_core *func = (const void *)f;
    cj_store_core *store = func->store;
    cj_instance_core *instance = func->bound.guest.instance;
    WASMExecEnv *env = store->env;
    bool usual = instance->may_enter && env != NULL && store->owner == cj__anchor.id && store->active == NULL &&
                 cj__anchor.entry == NULL && !cj__native_stack_low(env) && (!nested || cj__may_enter(&func->bound));
    if (CJ_UNLIKELY(!usual))
        return store->hooks->entry(f, args, results, arena);
    cj_arena *results_arena = arena;
    if (arena == NULL) {
        results_arena = store->arena;
        if (CJ_UNLIKELY(results_arena->at != store->arena_start))
            return store->hooks->entry(f, args, results, arena);
    }

    struct cj_outermost *o = store->outermost; /* whose lends_mark is 0: nothing is lent outside of calls */
    if (store->host_bytes != store->max_host_bytes)
        store->host_bytes = store->max_host_bytes;
    if (env->module_inst != func->bound.guest.core_env_inst)
        env->module_inst = func->bound.guest.core_env_inst;
    o->call.bound = &func->bound;
    o->call.arena = results_arena;
    store->active = &o->call;
    if (nested)
        cj__set_may_enter(&func->bound, 0);
    else
        instance->may_enter = 0;
    void *code = __atomic_load_n(&func->bound.code, __ATOMIC_ACQUIRE);
    cj_export_thunk thunk;
    memcpy(&thunk, &code, sizeof thunk);
    cj__anchor.entry = &o->entry;
    uint32_t trap = cj__enter(&o->entry, thunk, &o->call, args, results);
    cj__anchor.entry = NULL;
    if (CJ_UNLIKELY(trap != CJ_TRAP_NONE))
        return (cj_status)not_last(func_trapped(o, trap));
    store->active = NULL;
    if (nested)
        cj__set_may_enter(&func->bound, 1);
    else
        instance->may_enter = 1;
    return CJ_OK;
}

cj_status cj__core_func_entry(cj_func *f, const void *args, void *results, cj_arena *arena)
{
    return func_entry(f, args, results, arena, false);
}

cj_status cj__core_func_entry_nested(cj_func *f, const void *args, void *results, cj_arena *arena)
{
    return func_entry(f, args, results, arena, true);
}

/* -- Leaving -------------------------------------------------------------------------------------------------------------------- */

WASMExecEnv *cj__entered_env(void)
{
    return cj__anchor.entry != NULL ? cj__anchor.entry->env : NULL;
}

#if CJ_HARDWARE_BOUNDS
/* The innermost frame that can be jumped to is the one at the lowest address: an entry of ours, or a jump buffer of WAMR's own in our environment,
 * below a call through a table, or in one that the program itself entered through WAMR. */
bool cj__leave_is_ours(WASMExecEnv **env, WASMJmpBuf **wamr_jump)
{
    cj_entry *entry = cj__anchor.entry;
    WASMExecEnv *theirs = wasm_runtime_get_exec_env_tls();
    *env = entry != NULL ? entry->env : NULL;
    *wamr_jump = entry != NULL ? entry->env->jmpbuf_stack_top : NULL;
    if (theirs != NULL && theirs != *env && theirs->jmpbuf_stack_top != NULL &&
        (*wamr_jump == NULL || (uintptr_t)theirs->jmpbuf_stack_top < (uintptr_t)*wamr_jump) &&
        (entry == NULL || (uintptr_t)theirs->jmpbuf_stack_top < (uintptr_t)entry->sp)) {
        *env = theirs;
        *wamr_jump = theirs->jmpbuf_stack_top;
    }
    return entry != NULL && (*wamr_jump == NULL || (uintptr_t)entry->sp < (uintptr_t)*wamr_jump);
}

void cj__leave(void)
{
    WASMExecEnv *env;
    WASMJmpBuf *wamr_jump;
    if (cj__leave_is_ours(&env, &wamr_jump))
        cj__leap(cj__anchor.entry);
    if (wamr_jump != NULL)
        longjmp(wamr_jump->jmpbuf, 1);
}

void cj__leave_from(const void *inst)
{
    (void)inst; /* WAMR has a jump buffer wherever the program has entered through it */
    cj__leave();
}
#else
void cj__leave(void)
{
    if (cj__anchor.entry != NULL)
        cj__leap(cj__anchor.entry);
}

void cj__leave_from(const void *inst)
{
    const WASMExecEnv *env = cj__entered_env();
    if (env != NULL && (const void *)env->module_inst == inst)
        cj__leave();
}
#endif

void cj__core_throw(cj_call_ctx *call)
{
    (void)call;
    cj__leave();
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
#define CALL_INTS(call_args) \
    call_args[0], call_args[1], call_args[2], call_args[3], call_args[4], call_args[5], call_args[6]
#define INT_TYPES uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t
#else
#error "cj__core_call wants the C ABI of this machine"
#endif
enum { FLOAT_REGS = 8, STACK_SLOTS = 16, MANY_SLOTS = 64 };
_Static_assert((int)MANY_SLOTS >= (int)CJ_MAX_CORE_PARAMS, "whatever is no register's fits");
#define FLOAT_TYPES double, double, double, double, double, double, double, double
#define SLOT_TYPES INT64_X4, INT64_X4, INT64_X4, INT64_X4
#define INT64_X4 uint64_t, uint64_t, uint64_t, uint64_t
#define CALL_FLOATS(f) f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7]
#define CALL_SLOTS(s) \
    (s)[0], (s)[1], (s)[2], (s)[3], (s)[4], (s)[5], (s)[6], (s)[7], (s)[8], (s)[9], (s)[10], (s)[11], (s)[12], \
        (s)[13], (s)[14], (s)[15]
#define CALL_MANY(s) CALL_SLOTS(s), CALL_SLOTS((s) + 16), CALL_SLOTS((s) + 32), CALL_SLOTS((s) + 48)

typedef uint64_t (*int_fn)(void *, INT_TYPES, FLOAT_TYPES);
typedef double (*float_fn)(void *, INT_TYPES, FLOAT_TYPES);
typedef uint64_t (*int_slots_fn)(void *, INT_TYPES, FLOAT_TYPES, SLOT_TYPES);
typedef double (*float_slots_fn)(void *, INT_TYPES, FLOAT_TYPES, SLOT_TYPES);
typedef uint64_t (*int_many_fn)(void *, INT_TYPES, FLOAT_TYPES, SLOT_TYPES, SLOT_TYPES, SLOT_TYPES, SLOT_TYPES);
typedef double (*float_many_fn)(void *, INT_TYPES, FLOAT_TYPES, SLOT_TYPES, SLOT_TYPES, SLOT_TYPES, SLOT_TYPES);

/* Code runs on the instance that the environment names. A trap usually leaves by a jump; cj__enter's caller then has the
 * instance back. */
static inline struct WASMModuleInstanceCommon *switch_to(WASMExecEnv *env, const cj_side *callee)
{
    struct WASMModuleInstanceCommon *outer = env->module_inst;
    env->module_inst = callee->core_env_inst;
    return outer;
}

static inline uint32_t switch_back(WASMExecEnv *env, struct WASMModuleInstanceCommon *outer)
{
    WASMModuleInstance *inst = (WASMModuleInstance *)env->module_inst;
    env->module_inst = outer;
    if (CJ_LIKELY(inst->cur_exception[0] == '\0'))
        return CJ_TRAP_NONE;
    if ((void *)inst != (void *)outer)
        cj__exception_move(inst, (WASMModuleInstance *)outer);
    return CJ_TRAP_CORE;
}

static inline bool is_float(cj_core type)
{
    return type == CJ_CORE_F32 || type == CJ_CORE_F64;
}

uint32_t cj__core_call(cj_call_ctx *call, const cj_side *callee, void *func, const cj_core_type *type, uint64_t *flat)
{
    uint64_t ints[INT_REGS] = {0}, slots[MANY_SLOTS];
    double floats[FLOAT_REGS] = {0};
    uint32_t int_count = 0, float_count = 0, slot_count = 0;
    WASMExecEnv *env = call->env;
    struct WASMModuleInstanceCommon *outer = switch_to(env, callee);
    if (CJ_UNLIKELY(type->param_count > CJ_MAX_CORE_PARAMS)) {
        cj__exception_set((WASMModuleInstance *)env->module_inst,
                          "a core function with more parameters than canonjit can pass");
        return switch_back(env, outer);
    }
    for (uint32_t i = 0; i < type->param_count; i++) {
        if (is_float(type->params[i]) && float_count < FLOAT_REGS) {
            memcpy(&floats[float_count++], &flat[i], 8);
        } else if (!is_float(type->params[i]) && int_count < INT_REGS) {
            ints[int_count++] = flat[i];
        } else {
            slots[slot_count++] = flat[i];
        }
    }
    bool many = slot_count > STACK_SLOTS;
    if (slot_count > 0)
        memset(&slots[slot_count], 0, ((many ? MANY_SLOTS : STACK_SLOTS) - slot_count) * sizeof(slots[0]));
    uint64_t result = 0;
    if (type->result_count > 0 && is_float(type->result)) {
        double value;
        if (slot_count == 0) {
            float_fn fn;
            memcpy(&fn, &func, sizeof fn);
            value = fn(env, CALL_INTS(ints), CALL_FLOATS(floats));
        } else if (CJ_UNLIKELY(many)) {
            float_many_fn fn;
            memcpy(&fn, &func, sizeof fn);
            value = fn(env, CALL_INTS(ints), CALL_FLOATS(floats), CALL_MANY(slots));
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
    } else if (CJ_UNLIKELY(many)) {
        int_many_fn fn;
        memcpy(&fn, &func, sizeof fn);
        result = fn(env, CALL_INTS(ints), CALL_FLOATS(floats), CALL_MANY(slots));
    } else {
        int_slots_fn fn;
        memcpy(&fn, &func, sizeof fn);
        result = fn(env, CALL_INTS(ints), CALL_FLOATS(floats), CALL_SLOTS(slots));
    }
    if (CJ_UNLIKELY(switch_back(env, outer) != CJ_TRAP_NONE))
        return CJ_TRAP_CORE;
    if (type->result_count > 0)
        flat[0] = type->result == CJ_CORE_I32 || type->result == CJ_CORE_F32 ? (uint32_t)result : result;
    return CJ_TRAP_NONE;
}

uint32_t cj__core_call_realloc(cj_call_ctx *call, const cj_side *callee, uint32_t old_ptr, uint32_t old_size,
                               uint32_t align, uint32_t new_size, uint32_t *out)
{
    uint32_t (*fn)(void *, uint32_t, uint32_t, uint32_t, uint32_t);
    memcpy(&fn, &callee->realloc, sizeof fn);
    WASMExecEnv *env = call->env;
    struct WASMModuleInstanceCommon *outer = switch_to(env, callee);
    uint32_t ptr = fn(env, old_ptr, old_size, align, new_size);
    if (CJ_UNLIKELY(switch_back(env, outer) != CJ_TRAP_NONE))
        return CJ_TRAP_CORE;
    *out = ptr;
    return CJ_TRAP_NONE;
}
