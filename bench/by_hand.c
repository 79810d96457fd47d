/* by_hand.c: what a careful C programmer would write against WAMR's LLVM JIT for each function of the bench guest: the bar that
 * compiled thunks are measured by.
 *
 * Same core functions, same instance, same string validator, same checks; a jump buffer for WAMR's signal handler where it has one; the flags that the Canonical ABI
 * wants tested and set (may_enter around an export's call, may_leave off while realloc and post-return run, tested when the guest calls an import). Only
 * the import of `nop` is an empty function, the barest that WAMR can call. No bookkeeping of canonjit's: no limits, no places for errors, no way to
 * call on another thread, one instance, one store. Knows WAMR's structs, as such a programmer would have to.
 */
#include "bench.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "exec/text/text.h"
#include "runtime/runtime.h"

#include "version.h"
#include "wasm_runtime.h"

typedef WASMExecEnv env_t;

static inline void set_thread_env(env_t *env)
{
#if CJ_HARDWARE_BOUNDS
    wasm_runtime_set_exec_env_tls(env);
#else
    (void)env;
#endif
}

#if WAMR_VERSION_MAJOR >= 2
#define LOOK_UP(inst, name) wasm_runtime_lookup_function(inst, name)
#else
#define LOOK_UP(inst, name) wasm_runtime_lookup_function(inst, name, NULL)
#endif

struct cjb_hand {
    cjb_session *session;
    env_t *env;
    WASMModuleInstance *inst;
    WASMMemoryInstance *memory;
    cj_arena *arena;
    const cj_text_kernels *text;
    bool may_enter, may_leave;
    struct {
        void *func, *realloc, *post_return;
        uint32_t core_func; /* export number */
    } of[CJB_CALL_COUNT];
    void *import_realloc[CJB_CALL_COUNT];
};

/* -- Guest memory and guest functions, inside an entered region ---------------------------------------------------------- */

static inline uint64_t memory_size(const cjb_hand *h)
{
    return (uint64_t)h->memory->cur_page_count * h->memory->num_bytes_per_page;
}

static inline bool in_memory(const cjb_hand *h, uint32_t at, uint64_t len)
{
    uint64_t size = memory_size(h);
    return at <= size && len <= size - at;
}

static inline uint8_t *memory_at(const cjb_hand *h, uint32_t at)
{
    return h->memory->memory_data + at;
}

static inline uint32_t load32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

static inline void store32(uint8_t *p, uint32_t v)
{
    memcpy(p, &v, 4);
}

static inline bool trapped(const cjb_hand *h)
{
    return h->inst->cur_exception[0] != 0;
}

static inline bool guest_alloc(cjb_hand *h, void *realloc_func, uint32_t align, uint64_t size, uint32_t *at)
{
    h->may_leave = false;
    *at = ((uint32_t(*)(env_t *, uint32_t, uint32_t, uint32_t, uint32_t))realloc_func)(h->env, 0, 0, align,
                                                                                       (uint32_t)size);
    if (trapped(h))
        return false;
    h->may_leave = true;
    return (*at & (align - 1)) == 0 && in_memory(h, *at, size);
}

static bool string_to_guest(cjb_hand *h, void *realloc_func, cj_string s, uint32_t *at)
{
    if (s.len > CJ_MAX_BYTES || !h->text->utf8_valid((const uint8_t *)s.ptr, s.len) ||
        !guest_alloc(h, realloc_func, 1, s.len, at))
        return false;
    memcpy(memory_at(h, *at), s.ptr, s.len);
    return true;
}

static bool bytes_to_guest(cjb_hand *h, void *realloc_func, cj_list v, uint32_t align, uint32_t size, uint32_t *at)
{
    if (v.len > CJ_MAX_BYTES / size || !guest_alloc(h, realloc_func, align, v.len * size, at))
        return false;
    memcpy(memory_at(h, *at), v.ptr, v.len * size);
    return true;
}

/* Padding of the host's struct must not reach the guest. */
static bool items_to_guest(cjb_hand *h, void *realloc_func, cj_list v, uint32_t *at)
{
    const cjb_item *items = v.ptr;
    if (v.len > CJ_MAX_BYTES / 24 || !guest_alloc(h, realloc_func, 8, v.len * 24, at))
        return false;
    uint8_t *to = memory_at(h, *at);
    for (size_t i = 0; i < v.len; i++, to += 24) {
        memcpy(to, &items[i].a, 4);
        memcpy(to + 8, &items[i].b, 8);
        memcpy(to + 16, &items[i].c, 4);
    }
    return true;
}

static bool strings_to_guest(cjb_hand *h, void *realloc_func, cj_list v, uint32_t *at)
{
    const cj_string *strings = v.ptr;
    if (v.len > CJ_MAX_BYTES / 8 || !guest_alloc(h, realloc_func, 4, v.len * 8, at))
        return false;
    for (size_t i = 0; i < v.len; i++) {
        uint32_t text;
        if (!string_to_guest(h, realloc_func, strings[i], &text))
            return false;
        uint8_t *to = memory_at(h, *at) + 8 * i;
        store32(to, text);
        store32(to + 4, (uint32_t)strings[i].len);
    }
    return true;
}

static bool string_from_guest(const cjb_hand *h, const uint8_t *pair, cj_string *out)
{
    uint32_t at = load32(pair), len = load32(pair + 4);
    if (len > CJ_MAX_BYTES || !in_memory(h, at, len) || !h->text->utf8_valid(memory_at(h, at), len))
        return false;
    char *copy = cj__arena_alloc(h->arena, len, 1);
    if (!copy)
        return false;
    memcpy(copy, memory_at(h, at), len);
    *out = (cj_string){copy, len};
    return true;
}

static bool bytes_from_guest(const cjb_hand *h, const uint8_t *pair, uint32_t align, uint32_t size, cj_list *out)
{
    uint32_t at = load32(pair), len = load32(pair + 4);
    uint64_t bytes = (uint64_t)len * size;
    if (bytes > CJ_MAX_BYTES || (at & (align - 1)) || !in_memory(h, at, bytes))
        return false;
    void *copy = cj__arena_alloc(h->arena, bytes, align);
    if (!copy)
        return false;
    memcpy(copy, memory_at(h, at), bytes);
    *out = (cj_list){copy, len};
    return true;
}

static bool strings_from_guest(const cjb_hand *h, const uint8_t *pair, cj_list *out)
{
    uint32_t at = load32(pair), len = load32(pair + 4);
    if ((uint64_t)len * 8 > CJ_MAX_BYTES || (at & 3) || !in_memory(h, at, (uint64_t)len * 8))
        return false;
    cj_string *strings = cj__arena_alloc(h->arena, len * sizeof *strings, 8);
    if (!strings)
        return false;
    for (uint32_t i = 0; i < len; i++)
        if (!string_from_guest(h, memory_at(h, at) + 8 * i, &strings[i]))
            return false;
    *out = (cj_list){strings, len};
    return true;
}

/* -- Host to guest ----------------------------------------------------------------------------------------------------------- */

#define FUNC(type, ...) ((type(*)(env_t *, ##__VA_ARGS__))f)

/* The body of one call: moves arguments, calls, moves the result. False: a trap. */
static inline __attribute__((always_inline)) bool call_guest(cjb_hand *h, cjb_call call, const cjb_any *args,
                                                             cjb_any *result)
{
    env_t *env = h->env;
    void *f = h->of[call].func, *realloc_func = h->of[call].realloc;
    typedef uint32_t u;
    u at;
    const uint8_t *block;

    switch (call) {
    case CJB_NOP:
        FUNC(void)(env);
        return !trapped(h);
    case CJB_ADD:
        result->u32[0] = FUNC(u, u, u)(env, args->u32[0], args->u32[1]);
        return !trapped(h);
    case CJB_PARAMS16: {
        const u *p = args->u32;
        result->u32[0] = FUNC(u, u, u, u, u, u, u, u, u, u, u, u, u, u, u, u, u)(
            env, p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8], p[9], p[10], p[11], p[12], p[13], p[14], p[15]);
        return !trapped(h);
    }
    case CJB_STRING_IN:
        if (!string_to_guest(h, realloc_func, args->string, &at))
            return false;
        break;
    case CJB_BYTES_IN:
        if (!bytes_to_guest(h, realloc_func, args->list, 1, 1, &at))
            return false;
        break;
    case CJB_NUMBERS_IN:
        if (!bytes_to_guest(h, realloc_func, args->list, 4, 4, &at))
            return false;
        break;
    case CJB_ITEMS_IN:
        if (!items_to_guest(h, realloc_func, args->list, &at))
            return false;
        break;
    case CJB_STRINGS_IN:
        if (!strings_to_guest(h, realloc_func, args->list, &at))
            return false;
        break;
    case CJB_OPTION_IN:
        result->u32[0] = FUNC(u, u, u)(env, args->option.some, args->option.some ? args->option.value : 0);
        return !trapped(h);
    case CJB_RESULT_IN: {
        u a = args->result.of.ok, b = 0;
        if (args->result.err) {
            if (!string_to_guest(h, realloc_func, args->result.of.err, &a))
                return false;
            b = (u)args->result.of.err.len;
        }
        result->u32[0] = FUNC(u, u, u, u)(env, args->result.err, a, b);
        return !trapped(h);
    }
    case CJB_VARIANT_IN: {
        uint64_t a = 0;
        u b = 0;
        switch (args->choice.which) {
        case 0:
            break;
        case 1:
            a = args->choice.of.number;
            break;
        case 2:
            if (!string_to_guest(h, realloc_func, args->choice.of.text, &at))
                return false;
            a = at, b = (u)args->choice.of.text.len;
            break;
        case 3:
            memcpy(&a, &args->choice.of.real, 8);
            break;
        default:
            return false;
        }
        result->u32[0] = FUNC(u, u, uint64_t, u)(env, args->choice.which, a, b);
        return !trapped(h);
    }
    default:
        at = FUNC(u, u)(env, args->u32[0]);
        if (trapped(h))
            return false;
        goto result_in_memory;
    }
    result->u32[0] = FUNC(u, u, u)(env, at, (u)args->list.len);
    return !trapped(h);

result_in_memory:;
    static const uint8_t sizes[CJB_CALL_COUNT] = {
        [CJB_STRING_OUT] = 8,  [CJB_BYTES_OUT] = 8,  [CJB_NUMBERS_OUT] = 8, [CJB_ITEMS_OUT] = 8,
        [CJB_STRINGS_OUT] = 8, [CJB_OPTION_OUT] = 8, [CJB_RESULT_OUT] = 12, [CJB_VARIANT_OUT] = 16};
    if ((at & (call == CJB_VARIANT_OUT ? 7 : 3)) || !in_memory(h, at, sizes[call]))
        return false;
    block = memory_at(h, at);
    bool ok = true;
    switch (call) {
    case CJB_STRING_OUT:
        ok = string_from_guest(h, block, &result->string);
        break;
    case CJB_BYTES_OUT:
        ok = bytes_from_guest(h, block, 1, 1, &result->list);
        break;
    case CJB_NUMBERS_OUT:
        ok = bytes_from_guest(h, block, 4, 4, &result->list);
        break;
    case CJB_ITEMS_OUT:
        ok = bytes_from_guest(h, block, 8, 24, &result->list);
        break;
    case CJB_STRINGS_OUT:
        ok = strings_from_guest(h, block, &result->list);
        break;
    case CJB_OPTION_OUT:
        if (block[0] > 1)
            return false;
        result->option = (cjb_option){block[0], block[0] ? load32(block + 4) : 0};
        break;
    case CJB_RESULT_OUT:
        if (block[0] > 1)
            return false;
        result->result.err = block[0];
        if (block[0])
            ok = string_from_guest(h, block + 4, &result->result.of.err);
        else
            result->result.of.ok = load32(block + 4);
        break;
    case CJB_VARIANT_OUT:
        if (block[0] > 3)
            return false;
        result->choice.which = block[0];
        if (block[0] == 1)
            result->choice.of.number = load32(block + 8);
        else if (block[0] == 2)
            ok = string_from_guest(h, block + 8, &result->choice.of.text);
        else if (block[0] == 3)
            memcpy(&result->choice.of.real, block + 8, 8);
        break;
    default:
        return false;
    }
    if (!ok)
        return false;
    if (h->of[call].post_return) {
        h->may_leave = false;
        ((void (*)(env_t *, u))h->of[call].post_return)(env, at);
        if (trapped(h))
            return false;
        h->may_leave = true;
    }
    return true;
}

#if CJ_HARDWARE_BOUNDS
#define ENTERED(env, statement) \
    do { \
        WASMJmpBuf jump; \
        jump.prev = (env)->jmpbuf_stack_top; \
        (env)->jmpbuf_stack_top = &jump; \
        if (_setjmp(jump.jmpbuf) == 0) \
            statement; \
        (env)->jmpbuf_stack_top = jump.prev; \
    } while (0)
#else /* WAMR's code returns from all its frames */
#define ENTERED(env, statement) statement
#endif

/* One entered call per function, with a constant `call`, so that the switch is gone, as if each had been written out. */
#define CJB_X(name, wit) \
    static __attribute__((noinline)) bool enter_##name(cjb_hand *h, const cjb_any *args, cjb_any *result) \
    { \
        bool ok = false; \
        env_t *env = h->env; \
        if (!h->may_enter) \
            return false; \
        h->may_enter = false; \
        WASMModuleInstanceCommon *before = env->module_inst; \
        env->module_inst = (WASMModuleInstanceCommon *)h->inst; \
        ENTERED(env, ok = call_guest(h, CJB_##name, args, result)); \
        env->module_inst = before; \
        if (ok) \
            h->may_enter = true; \
        return ok; \
    }
CJB_CALL_MAP(CJB_X)
#undef CJB_X

void cjb_hand_export(void *arg, uint64_t count)
{
    static bool (*const enter[])(cjb_hand *, const cjb_any *, cjb_any *) = {
#define CJB_X(name, wit) enter_##name,
        CJB_CALL_MAP(CJB_X)
#undef CJB_X
    };
    cjb_hand_call *c = arg;
    bool (*f)(cjb_hand *, const cjb_any *, cjb_any *) = enter[c->call];
    set_thread_env(c->hand->env);
    while (count--) {
        cj_arena_reset(c->hand->arena);
        if (!f(c->hand, &c->args, &c->result))
            abort();
    }
}

void cjb_hand_bare(void *arg, uint64_t count)
{
    cjb_hand_call *c = arg;
    cjb_hand *h = c->hand;
    env_t *env = h->env;
    void *f = h->of[c->call].func;
    WASMModuleInstanceCommon *before = env->module_inst;
    env->module_inst = (WASMModuleInstanceCommon *)h->inst;
    set_thread_env(env);
    while (count--) {
        if (c->call == CJB_ADD)
            c->result.u32[0] = FUNC(uint32_t, uint32_t, uint32_t)(env, c->args.u32[0], c->args.u32[1]);
        else
            FUNC(void)(env);
        if (trapped(h))
            abort();
    }
    env->module_inst = before;
}

void cjb_hand_wamr(void *arg, uint64_t count)
{
    cjb_hand_call *c = arg;
    cjb_hand *h = c->hand;
    char name[16];
    snprintf(name, sizeof name, "f%u", h->of[c->call].core_func);
    wasm_function_inst_t func = LOOK_UP((wasm_module_inst_t)h->inst, name);
    WASMModuleInstanceCommon *before = h->env->module_inst;
    h->env->module_inst = (WASMModuleInstanceCommon *)h->inst;
    uint32_t argv[2];
    while (count--) {
        argv[0] = c->args.u32[0], argv[1] = c->args.u32[1];
        if (!wasm_runtime_call_wasm(h->env, func, c->call == CJB_ADD ? 2 : 0, argv))
            abort();
    }
    c->result.u32[0] = argv[0];
    h->env->module_inst = before;
    set_thread_env(h->env); /* which it leaves empty */
}

/* -- Guest to host ------------------------------------------------------------------------------------------------------------ */

static cjb_hand *patched; /* the natives' context: a programmer writing for one guest would have it as cheaply */

/* A guest's fault in a native: WAMR's way of leaving. */
static void fault(void)
{
    wasm_set_exception(patched->inst, "bad argument of an import");
}

static void native_NOP(env_t *env, uint32_t slot)
{
    (void)env, (void)slot;
}

/* What an import begins with. */
#define NATIVE_BEGIN(...) \
    (void)env, (void)slot; \
    if (!patched->may_leave) \
    return fault(), ##__VA_ARGS__

static uint32_t native_ADD(env_t *env, uint32_t a, uint32_t b, uint32_t slot)
{
    NATIVE_BEGIN(0);
    cjb_any args = {.u32 = {a, b}}, result = {0};
    cjb_answer(CJB_ADD, &args, &result);
    return result.u32[0];
}

static uint32_t native_PARAMS16(env_t *env, uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e, uint32_t f,
                                uint32_t g, uint32_t h, uint32_t i, uint32_t j, uint32_t k, uint32_t l, uint32_t m,
                                uint32_t n, uint32_t o, uint32_t p, uint32_t slot)
{
    NATIVE_BEGIN(0);
    cjb_any args = {.u32 = {a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p}}, result = {0};
    cjb_answer(CJB_PARAMS16, &args, &result);
    return result.u32[0];
}

#define NATIVE_LIST_IN(name, align, size) \
    static uint32_t native_##name(env_t *env, uint32_t at, uint32_t len, uint32_t slot) \
    { \
        NATIVE_BEGIN(0); \
        cjb_hand *h = patched; \
        if ((uint64_t)len * (size) > CJ_MAX_BYTES || (at & ((align)-1)) || !in_memory(h, at, (uint64_t)len * (size))) \
            return fault(), 0; \
        cjb_any args = {.list = {memory_at(h, at), len}}, result = {0}; \
        cjb_answer(CJB_##name, &args, &result); \
        return result.u32[0]; \
    }
NATIVE_LIST_IN(BYTES_IN, 1, 1)
NATIVE_LIST_IN(NUMBERS_IN, 4, 4)
NATIVE_LIST_IN(ITEMS_IN, 8, 24)

static uint32_t native_STRING_IN(env_t *env, uint32_t at, uint32_t len, uint32_t slot)
{
    NATIVE_BEGIN(0);
    cjb_hand *h = patched;
    if (len > CJ_MAX_BYTES || !in_memory(h, at, len) || !h->text->utf8_valid(memory_at(h, at), len))
        return fault(), 0;
    cjb_any args = {.string = {(const char *)memory_at(h, at), len}}, result = {0};
    cjb_answer(CJB_STRING_IN, &args, &result);
    return result.u32[0];
}

static uint32_t native_STRINGS_IN(env_t *env, uint32_t at, uint32_t len, uint32_t slot)
{
    NATIVE_BEGIN(0);
    cjb_hand *h = patched;
    if ((uint64_t)len * 8 > CJ_MAX_BYTES || (at & 3) || !in_memory(h, at, (uint64_t)len * 8))
        return fault(), 0;
    cj_arena_reset(h->arena);
    cj_string *strings = cj__arena_alloc(h->arena, len * sizeof *strings, 8);
    if (!strings)
        return fault(), 0;
    for (uint32_t i = 0; i < len; i++) {
        const uint8_t *pair = memory_at(h, at) + 8 * i;
        uint32_t text = load32(pair), bytes = load32(pair + 4);
        if (bytes > CJ_MAX_BYTES || !in_memory(h, text, bytes) || !h->text->utf8_valid(memory_at(h, text), bytes))
            return fault(), 0;
        strings[i] = (cj_string){(const char *)memory_at(h, text), bytes};
    }
    cjb_any args = {.list = {strings, len}}, result = {0};
    cjb_answer(CJB_STRINGS_IN, &args, &result);
    return result.u32[0];
}

static uint32_t native_OPTION_IN(env_t *env, uint32_t tag, uint32_t v, uint32_t slot)
{
    NATIVE_BEGIN(0);
    if (tag > 1)
        return fault(), 0;
    cjb_any args = {.option = {(uint8_t)tag, v}}, result = {0};
    cjb_answer(CJB_OPTION_IN, &args, &result);
    return result.u32[0];
}

static uint32_t native_RESULT_IN(env_t *env, uint32_t tag, uint32_t a, uint32_t b, uint32_t slot)
{
    NATIVE_BEGIN(0);
    cjb_hand *h = patched;
    cjb_any args = {.result = {.err = (uint8_t)tag}}, result = {0};
    if (tag == 0) {
        args.result.of.ok = a;
    } else {
        if (tag > 1 || b > CJ_MAX_BYTES || !in_memory(h, a, b) || !h->text->utf8_valid(memory_at(h, a), b))
            return fault(), 0;
        args.result.of.err = (cj_string){(const char *)memory_at(h, a), b};
    }
    cjb_answer(CJB_RESULT_IN, &args, &result);
    return result.u32[0];
}

static uint32_t native_VARIANT_IN(env_t *env, uint32_t tag, uint64_t a, uint32_t b, uint32_t slot)
{
    NATIVE_BEGIN(0);
    cjb_hand *h = patched;
    cjb_any args = {.choice = {.which = (uint8_t)tag}}, result = {0};
    uint32_t at = (uint32_t)a;
    switch (tag) {
    case 0:
        break;
    case 1:
        args.choice.of.number = at;
        break;
    case 2:
        if (b > CJ_MAX_BYTES || !in_memory(h, at, b) || !h->text->utf8_valid(memory_at(h, at), b))
            return fault(), 0;
        args.choice.of.text = (cj_string){(const char *)memory_at(h, at), b};
        break;
    case 3:
        memcpy(&args.choice.of.real, &a, 8);
        break;
    default:
        return fault(), 0;
    }
    cjb_answer(CJB_VARIANT_IN, &args, &result);
    return result.u32[0];
}

/* The "out" functions: the host's answer goes to where the guest said. */
#define NATIVE_OUT(name, align, size, ...) \
    static void native_##name(env_t *env, uint32_t n, uint32_t to, uint32_t slot) \
    { \
        NATIVE_BEGIN(); \
        cjb_hand *h = patched; \
        void *realloc_func = h->import_realloc[CJB_##name]; \
        cjb_any args = {.u32 = {n}}, v = {0}; \
        cjb_answer(CJB_##name, &args, &v); \
        uint32_t at = 0; \
        (void)at, (void)realloc_func; \
        if ((to & ((align)-1)) || !in_memory(h, to, (size))) \
            return fault(); \
        __VA_ARGS__; \
    }
#define NATIVE_LIST_OUT(name, move) \
    NATIVE_OUT(name, 4, 8, if (!(move)) return fault(); store32(memory_at(h, to), at); \
               store32(memory_at(h, to) + 4, (uint32_t)v.list.len))

NATIVE_LIST_OUT(STRING_OUT, string_to_guest(h, realloc_func, v.string, &at))
NATIVE_LIST_OUT(BYTES_OUT, bytes_to_guest(h, realloc_func, v.list, 1, 1, &at))
NATIVE_LIST_OUT(NUMBERS_OUT, bytes_to_guest(h, realloc_func, v.list, 4, 4, &at))
NATIVE_LIST_OUT(ITEMS_OUT, items_to_guest(h, realloc_func, v.list, &at))
NATIVE_LIST_OUT(STRINGS_OUT, strings_to_guest(h, realloc_func, v.list, &at))
NATIVE_OUT(OPTION_OUT, 4, 8, memory_at(h, to)[0] = v.option.some;
           if (v.option.some) store32(memory_at(h, to) + 4, v.option.value))
NATIVE_OUT(
    RESULT_OUT, 4, 12, memory_at(h, to)[0] = v.result.err;
    if (!v.result.err) { store32(memory_at(h, to) + 4, v.result.of.ok); } else {
        if (!string_to_guest(h, realloc_func, v.result.of.err, &at))
            return fault();
        store32(memory_at(h, to) + 4, at);
        store32(memory_at(h, to) + 8, (uint32_t)v.result.of.err.len);
    })
NATIVE_OUT(
    VARIANT_OUT, 8, 16, uint8_t which = v.choice.which; memory_at(h, to)[0] = which;
    if (which == 1) { store32(memory_at(h, to) + 8, v.choice.of.number); } else if (which == 2) {
        if (!string_to_guest(h, realloc_func, v.choice.of.text, &at))
            return fault();
        store32(memory_at(h, to) + 8, at);
        store32(memory_at(h, to) + 12, (uint32_t)v.choice.of.text.len);
    } else if (which == 3) { memcpy(memory_at(h, to) + 8, &v.choice.of.real, 8); })

void cjb_hand_patch_imports(cjb_hand *h)
{
    static void *const natives[] = {
#define CJB_X(name, wit) (void *)native_##name,
        CJB_CALL_MAP(CJB_X)
#undef CJB_X
    };
    static const char *const names[] = {
#define CJB_X(name, wit) wit,
        CJB_CALL_MAP(CJB_X)
#undef CJB_X
    };
    const cj_instance *instance = h->session->instance;
    const cj_program *program = instance->component->program;
    for (uint32_t g = 0; g < program->group_count; g++) {
        const cj_group *group = &program->groups[g];
        for (uint32_t s = 0; s < group->slot_count; s++)
            for (uint32_t c = 0; c < CJB_CALL_COUNT; c++) {
                if (strcmp(program->imports[group->slots[s].of].info.name, names[c]) != 0)
                    continue;
                h->import_realloc[c] = cj__group_imports(instance->groups[g].core)[s].guest.realloc;
                for (uint32_t k = 0; k < group->merged.import_count; k++)
                    if (group->merged.import_shapes[k] == group->slots[s].shape)
                        cj__core_patch_import(instance->groups[g].inst, k, natives[c]);
            }
    }
    patched = h;
}

/* -- Set-up -------------------------------------------------------------------------------------------------------------------- */

cjb_hand *cjb_hand_new(cjb_session *s)
{
    cjb_hand *h = calloc(1, sizeof *h);
    if (!h || cj_arena_new(NULL, &h->arena) != CJ_OK)
        abort();
    h->session = s;
    h->text = cj__text();
    h->may_enter = h->may_leave = true;
    const cj_program *program = s->instance->component->program;
    for (uint32_t c = 0; c < CJB_CALL_COUNT; c++) {
        const cj_binding *b = &s->calls[c]->core.bound;
        h->env = b->guest.instance->store->env;
        h->inst = b->guest.core_env_inst;
        if (b->guest.memory)
            h->memory = b->guest.memory;
        h->of[c].func = b->core_func;
        h->of[c].realloc = b->guest.realloc;
        h->of[c].post_return = b->post_return;
        h->of[c].core_func = program->lifted[program->exports[s->calls[c] - s->instance->funcs].lifted].core_func;
    }
    return h;
}

void cjb_hand_delete(cjb_hand *h)
{
    if (h)
        cj_arena_delete(h->arena);
    free(h);
}
