/* support.c: what compiled code calls and no other back end does.
 *
 * Place: beside emit.h's list of helpers, which names everything that compiled code calls. UTF-8 strings, by far the
 * most frequent, and strings between guests of one encoding have shorter ways here than exec/text's: the same checks in
 * the same order, with realloc called as the native code that it is where code is compiled, and without a validator's
 * overhead for short ASCII.
 * Non-goals: LLVM; nothing here knows it.
 */
#include "exec/llvm/emit.h"
#include "exec/native.h"
#include "exec/text/text.h"

const char cj__ll_in_post_return[] = "in post-return";

uint32_t cj__ll_trap(cj_call_ctx *call, uint32_t packed)
{
    uint32_t site = packed & 0xffffff;
    return cj__call_trap(call, (cj_trap)(packed >> CJ__LL_KIND_SHIFT), packed >> 24 & 1,
                         site == 0xffffff ? CJ_NO_SITE : site);
}

void cj__ll_throw_trap(cj_call_ctx *call, uint32_t packed)
{
    cj__ll_trap(call, packed);
    cj__core_throw(call);
}

void cj__ll_throw_host_failed(cj_call_ctx *call, uint32_t status, const cj_error *err)
{
    cj__call_host_failed(call, (cj_status)status, err);
    cj__core_throw(call);
}

void cj__ll_give_back(cj_store_core *store)
{
    cj__call_give_back(store);
}

/* -- Strings ----------------------------------------------------------------------------------------------------- */

uint32_t cj__ll_string_lift_utf8(cj_call_ctx *call, uint32_t as, uint32_t ptr, uint32_t len, cj_string *out)
{
    const void *memory = call->bound->guest.memory;
    if (CJ_UNLIKELY(len > CJ_MAX_BYTES))
        return CJ_TRAP_STRING_LENGTH;
    if (CJ_UNLIKELY(!cj__memory_covers(memory, ptr, len)))
        return CJ_TRAP_STRING_BOUNDS;
    const uint8_t *s = len ? cj__memory_view(memory, ptr, len) : (const uint8_t *)"";
    *out = (cj_string){(const char *)s, len};
    if (len == 0)
        return CJ_TRAP_NONE;
    if (as != CJ_STRING_COPY) {
        if (CJ_UNLIKELY(!cj__text_utf8_valid(s, len)))
            return CJ_TRAP_STRING_UTF8;
        bool fits = as == CJ_STRING_VIEW ? cj__call_fits(call, len) : cj__call_charge(call, len);
        return CJ_LIKELY(fits) ? CJ_TRAP_NONE : CJ_TRAP_HOST_LIMIT;
    }
    if (len > CJ_TEXT_SHORT &&
        CJ_LIKELY(len <= call->store->host_bytes)) { /* malformed comes before the host's limit */
        char *room = cj__call_alloc(call, len, 1);
        if (CJ_UNLIKELY(!room))
            return CJ_TRAP_HOST_LIMIT;
        out->ptr = room;
        return CJ_LIKELY(cj__text()->utf8_copy(s, len, (uint8_t *)room)) ? CJ_TRAP_NONE : CJ_TRAP_STRING_UTF8;
    }
    if (CJ_UNLIKELY(!cj__text_utf8_valid(s, len)))
        return CJ_TRAP_STRING_UTF8;
    char *copy = cj__call_alloc(call, len, 1);
    if (CJ_UNLIKELY(!copy))
        return CJ_TRAP_HOST_LIMIT;
    cj__text_copy(copy, s, len);
    out->ptr = copy;
    return CJ_TRAP_NONE;
}

uint32_t cj__ll_string_bad_view_utf8(cj_call_ctx *call, const cj_string *view)
{
    if (!cj__text_utf8_valid((const uint8_t *)view->ptr, view->len))
        return CJ_TRAP_STRING_UTF8;
    (void)cj__call_fits(call, view->len); /* says what the limit is */
    return CJ_TRAP_HOST_LIMIT;
}

/* cj__lower_realloc where realloc is native code, and the environment's module_inst that side's already: compiled code
 * has seen to that. */
static inline __attribute__((always_inline)) uint32_t native_realloc(cj_call_ctx *call, const cj_side *to,
                                                                     uint32_t old_ptr, uint32_t old_size,
                                                                     uint32_t align, uint32_t new_size, uint32_t *ptr)
{
    uint32_t (*realloc_fn)(void *env, uint32_t old_ptr, uint32_t old_size, uint32_t align, uint32_t new_size);
    memcpy(&realloc_fn, &to->realloc, sizeof(realloc_fn));
    if (CJ_UNLIKELY(cj__native_stack_low(call->env)))
        return CJ_TRAP_STACK_OVERFLOW;
    to->instance->may_leave = 0;
    call->store->trap.running = call->bound;
    *ptr = realloc_fn(call->env, old_ptr, old_size, align, new_size);
    if (CJ_UNLIKELY(cj__native_failed(to->core_env_inst)))
        return CJ_TRAP_CORE;
    call->store->trap.running = NULL;
    to->instance->may_leave = 1;
    if (CJ_UNLIKELY(*ptr & (align - 1)))
        return CJ_TRAP_REALLOC_ALIGNMENT;
    return CJ_LIKELY(cj__memory_covers(to->memory, *ptr, new_size)) ? CJ_TRAP_NONE : CJ_TRAP_REALLOC_BOUNDS;
}

#define CJ__LOWERING static inline __attribute__((always_inline))
#define cj__lowering_realloc native_realloc
#include "exec/text/lowering.h"

uint32_t cj__ll_string_lower_utf8(cj_call_ctx *call, const cj_string *in, uint32_t out[2])
{
    if (CJ_UNLIKELY(in->len > CJ_MAX_BYTES))
        return CJ_TRAP_STRING_LENGTH;
    uint32_t len = (uint32_t)in->len;
    const void *src = in->ptr;
    if (CJ_UNLIKELY(cj__call_aliases(call, src) && len)) {
        src = cj__call_source(call, src, len, 1);
        if (!src)
            return CJ_TRAP_HOST_LIMIT;
    }
    bool is_short = len <= CJ_TEXT_SHORT;
    if (is_short && CJ_UNLIKELY(!cj__text_utf8_valid(src, len)))
        return CJ_TRAP_STRING_UTF8;
    uint32_t ptr, trap = native_realloc(call, &call->bound->guest, 0, 0, 1, len, &ptr);
    if (CJ_UNLIKELY(trap))
        return trap;
    put_words(out, ptr, len);
    if (len == 0)
        return CJ_TRAP_NONE;
    uint8_t *to = cj__memory_view(call->bound->guest.memory, ptr, len);
    if (is_short)
        cj__text_copy(to, src, len);
    else if (CJ_UNLIKELY(!cj__text()->utf8_copy(src, len, to)))
        return CJ_TRAP_STRING_UTF8;
    return CJ_TRAP_NONE;
}

/* -- Strings from guest to guest, an entry per pair --------------------------------------------------------------- */

static cj_call_ctx fused_call(void *env, const cj_binding *bound)
{
    return (cj_call_ctx){.bound = bound, .store = bound->guest.instance->store, .env = env};
}

static cj__ll_moved as_moved(const uint32_t words[2], uint32_t trap)
{
    return (cj__ll_moved){(uint64_t)words[1] << 32 | words[0], trap};
}

static __attribute__((noinline)) cj__ll_moved move_tagged(void *env, const cj_binding *bound, uint32_t in_results,
                                                          cj_encoding to, uint32_t ptr, uint32_t tagged_units)
{
    cj_call_ctx call = fused_call(env, bound);
    uint32_t out[2] = {0}, trap = cj__string_move(&call, cj__lift_side(&call, in_results), CJ_LATIN1_UTF16,
                                                  cj__lower_side(&call, in_results), to, ptr, tagged_units, out);
    return as_moved(out, trap);
}

/* `call` is known to nobody, so that it is in registers. */
#define MOVE(from, to, FROM, TO) \
    cj__ll_moved cj__ll_string_##from##_to_##to(void *env, const cj_binding *bound, uint32_t in_results, uint32_t ptr, \
                                                uint32_t tagged_units) \
    { \
        if (FROM == CJ_LATIN1_UTF16 && CJ_UNLIKELY(tagged_units & UTF16_TAG)) \
            return move_tagged(env, bound, in_results, TO, ptr, tagged_units); \
        const cj_side *caller = &bound->caller, *callee = &bound->guest; \
        cj_call_ctx call = fused_call(env, bound); \
        uint32_t out[2] = {0}, trap = move_string(&call, in_results ? callee : caller, FROM, \
                                                  in_results ? caller : callee, TO, ptr, tagged_units, out); \
        return as_moved(out, trap); \
    }
CJ__LL_STRING_PAIRS(MOVE)
