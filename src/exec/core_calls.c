/* core_calls.c: calls between core functions of different groups of one component instance, where guests are machine code.
 *
 * Place in the pipeline: what WAMR's code calls for a slot of kind CORE (cj__builtin_code). The core function takes what the caller passes but for the
 * slot number, so nothing is moved: the environment's instance is switched, the function called, the instance switched back.
 *
 * One C function serves all signatures with as many integers: C ABIs count integer and floating-point registers apart, integers that find no register
 * lie in order in slots of 8 bytes, and what is in a register that the callee has no parameter for is ignored. So integers are passed on as 64 bits, the
 * slot number is one more, and all registers for floating-point numbers are passed on.
 * Non-goals: signatures with more integers than MAX_INTS or floats than registers; they keep the gate (builtins.c).
 */
#include "exec/native.h"

#if CJ_ENGINE_JIT && (defined(__x86_64__) || (defined(__aarch64__) && !defined(__APPLE__)))

enum { MAX_INTS = 12, MAX_FLOATS = 8 };

/* A core trap is nobody's at this boundary: its place is left to the frames around. */
static __attribute__((noinline, cold)) void leave(void *env, const cj_binding *bound, cj_trap kind)
{
    cj_call_ctx call = cj__native_call(env, bound);
    if (kind != CJ_TRAP_CORE)
        (void)cj__call_trap(&call, kind, false, CJ_NO_SITE);
    cj__core_throw(&call);
}

#define FLOATS double f0, double f1, double f2, double f3, double f4, double f5, double f6, double f7
#define FLOAT_TYPES double, double, double, double, double, double, double, double
#define FLOAT_VALUES f0, f1, f2, f3, f4, f5, f6, f7

/* Integers: parameters, their types, their values. */
#define P0
#define P1 uint64_t i1,
#define P2 P1 uint64_t i2,
#define P3 P2 uint64_t i3,
#define P4 P3 uint64_t i4,
#define P5 P4 uint64_t i5,
#define P6 P5 uint64_t i6,
#define P7 P6 uint64_t i7,
#define P8 P7 uint64_t i8,
#define P9 P8 uint64_t i9,
#define P10 P9 uint64_t i10,
#define P11 P10 uint64_t i11,
#define P12 P11 uint64_t i12,
#define T0
#define T1 T0 uint64_t,
#define T2 T1 uint64_t,
#define T3 T2 uint64_t,
#define T4 T3 uint64_t,
#define T5 T4 uint64_t,
#define T6 T5 uint64_t,
#define T7 T6 uint64_t,
#define T8 T7 uint64_t,
#define T9 T8 uint64_t,
#define T10 T9 uint64_t,
#define T11 T10 uint64_t,
#define T12 T11 uint64_t,
#define V0
#define V1 i1,
#define V2 V1 i2,
#define V3 V2 i3,
#define V4 V3 i4,
#define V5 V4 i5,
#define V6 V5 i6,
#define V7 V6 i7,
#define V8 V7 i8,
#define V9 V8 i9,
#define V10 V9 i10,
#define V11 V10 i11,
#define V12 V11 i12,

#define DEFINE(n, kind, result_type) \
    static result_type kind##n(void *env, P##n uint64_t slot, FLOATS) \
    { \
        const cj_binding *bound = cj__native_binding(env, (uint32_t)slot); \
        result_type (*code)(void *, T##n FLOAT_TYPES); \
        memcpy(&code, &bound->core_func, sizeof(code)); \
        if (CJ_UNLIKELY(cj__native_stack_low(env))) \
            leave(env, bound, CJ_TRAP_STACK_OVERFLOW); \
        void *inst = bound->guest.core_env_inst, *outer = cj__native_switch(env, inst); \
        result_type result = code(env, V##n FLOAT_VALUES); \
        if (CJ_UNLIKELY(cj__native_failed(inst))) \
            leave(env, bound, CJ_TRAP_CORE); \
        (void)cj__native_switch(env, outer); \
        return result; \
    }

#define EACH(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12)
#define DEFINE_BOTH(n) DEFINE(n, gives_int_, uint64_t) DEFINE(n, gives_float_, double)
EACH(DEFINE_BOTH)

static bool is_float(cj_core type)
{
    return type == CJ_CORE_F32 || type == CJ_CORE_F64;
}

void *cj__core_call_code(const cj_core_type *type)
{
#define INT_CODE(n) (void *)gives_int_##n,
#define FLOAT_CODE(n) (void *)gives_float_##n,
    static void *const gives_int[] = {EACH(INT_CODE)}, *const gives_float[] = {EACH(FLOAT_CODE)};
    uint32_t floats = 0;
    for (uint32_t i = 0; i < type->param_count; i++)
        floats += is_float(type->params[i]);
    uint32_t ints = type->param_count - floats;
    if (ints > MAX_INTS || floats > MAX_FLOATS)
        return NULL;
    return type->result_count && is_float(type->result) ? gives_float[ints] : gives_int[ints];
}

#else

void *cj__core_call_code(const cj_core_type *type)
{
    (void)type;
    return NULL;
}

#endif
