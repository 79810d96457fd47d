/* plan_key.c: the shape of a plan as bytes: equal keys run equal code.
 *
 * Place in the pipeline: made with every plan; what code caches look up, in memory and on disk.
 * Non-goals: reading a key back. Its form may change with any version: a cache on disk also keys by the library's
 * version.
 *
 * Left out is what code must not depend on (plan.h): names, paths, has_memory and has_realloc, which resource types the
 * resource slots stand for, the encodings when nothing is a string. All numbers are written as LEB128, in a fixed order, with counts before sequences: no two shapes
 * have one key.
 */
#include "abi/plan_internal.h"
#include "base/arena.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { KEY_VERSION = 2 };

typedef struct writer {
    const cj_allocator *alloc;
    CJ_VEC(uint8_t) bytes;
    bool failed;
} writer;

static void put(writer *w, uint64_t n)
{
    do {
        uint8_t byte = (uint8_t)(n & 0x7f);
        n >>= 7;
        if (!CJ_VEC_PUSH(w->alloc, &w->bytes, (uint8_t)(n ? byte | 0x80 : byte)))
            w->failed = true;
    } while (n);
}

static void put_moves(writer *w, const cj_moves *moves)
{
    put(w, moves->src);
    put(w, moves->dst);
    put(w, moves->op_count);
    for (uint32_t i = 0; i < moves->op_count; i++) {
        const cj_op *op = &moves->ops[i];
        put(w, op->code);
        put(w, op->width);
        put(w, op->mode);
        put(w, (unsigned)op->is_signed | (unsigned)op->is_float << 1);
        put(w, op->src);
        put(w, op->dst);
        put(w, op->size);
        put(w, op->align);
        put(w, op->host_size);
        put(w, op->host_align);
        put(w, op->count);
        put(w, op->slots);
        put(w, op->cases);
        put(w, op->next);
        put(w, op->depth);
    }
    put(w, moves->case_count);
    for (uint32_t i = 0; i < moves->case_count; i++) {
        put(w, moves->cases[i].first);
        put(w, moves->cases[i].past);
    }
}

static bool has_string(const cj_moves *moves)
{
    for (uint32_t i = 0; i < moves->op_count; i++) {
        if (moves->ops[i].code == CJ_OP_STRING)
            return true;
    }
    return false;
}

static void put_plan(writer *w, const cj_plan *plan)
{
    put(w, KEY_VERSION);
    put(w, plan->options.kind);
    bool strings = has_string(&plan->args) || has_string(&plan->results);
    put(w, strings ? 1 + (uint64_t)plan->options.encoding : 0);
    put(w, strings && plan->options.kind == CJ_PLAN_FUSED ? 1 + (uint64_t)plan->options.caller_encoding : 0);
    put(w, (unsigned)plan->options.has_post_return | (unsigned)plan->options.lends_results << 1);

    put(w, plan->sig.param_count);
    for (uint32_t i = 0; i < plan->sig.param_count; i++)
        put(w, plan->sig.params[i]);
    put(w, plan->sig.result_count);
    put(w, plan->sig.result_count ? plan->sig.result : 0);
    put(w, (unsigned)plan->sig.spill_params | (unsigned)plan->sig.spill_results << 1);

    put(w, plan->sig.spill_params ? plan->params_size : 0);
    put(w, plan->sig.spill_params ? plan->params_align : 0);
    put(w, plan->sig.spill_results ? plan->result_size : 0);
    put(w, plan->sig.spill_results ? plan->result_align : 0);
    put(w, plan->host_args_size);
    put(w, plan->host_args_align);
    put(w, plan->host_result_size);
    put(w, plan->host_result_align);
    put_moves(w, &plan->args);
    put_moves(w, &plan->results);
}

cj_status cj__plan_make_key(cj_plan *plan, const cj_allocator *alloc, cj_error *err)
{
    writer w = {.alloc = alloc};
    put_plan(&w, plan);
    plan->key_len = w.bytes.len;
    plan->key = w.failed ? NULL : cj__arena_dup(plan->arena, w.bytes.at, w.bytes.len, 1);
    CJ_VEC_FREE(alloc, &w.bytes);
    if (!plan->key)
        return cj__fail_nomem(err);
    plan->hash = XXH64(plan->key, plan->key_len, 0);
    return CJ_OK;
}
