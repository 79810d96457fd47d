/* interp.h: what the files of the plan interpreter share: the state of one program, numbers, places in guests.
 *
 *     interp.c   between a guest and the host: exports, imports
 *     fused.c    between two guests
 *
 * Non-goals: anything that the compiler needs.
 */
#ifndef CJ_EXEC_INTERP_INTERP_H
#define CJ_EXEC_INTERP_INTERP_H

#include "engine/engine.h"
#include "exec/exec.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "linear memory is read and written as the machine's own"
#endif

/* One program of one call. */
typedef struct run {
    cj_call_ctx *call;
    const cj_moves *moves;
    bool in_results;
    const cj_side *from, *to; /* where values come from, and go: NULL is the host */
} run;

static inline run cj__run(cj_call_ctx *call, bool in_results)
{
    const cj_plan *plan = call->bound->plan;
    return (run){call, in_results ? &plan->results : &plan->args, in_results, cj__lift_side(call, in_results),
                 cj__lower_side(call, in_results)};
}

/* The guest's end when values come out of it, and when they go in. `slots` is NULL when it is a block. */
typedef struct guest_source {
    const uint64_t *slots;
    const uint8_t *block;
} guest_source;

typedef struct guest_target {
    uint64_t *slots;
    uint8_t *block;
    uint32_t at, size; /* the block's guest address and size */
} guest_target;

static inline uint32_t trap_at(const run *r, const cj_op *op, uint32_t kind)
{
    return cj__call_trap(r->call, (cj_trap)kind, r->in_results, (uint32_t)(op - r->moves->ops));
}

static inline uint32_t trap_outside(const run *r, uint32_t kind)
{
    return cj__call_trap(r->call, (cj_trap)kind, r->in_results, CJ_NO_SITE);
}

/* Before anything that calls realloc. */
static inline void note(const run *r, const cj_op *op)
{
    cj__call_note(r->call, r->in_results, (uint32_t)(op - r->moves->ops));
}

static inline cj_range all_ops(const cj_moves *moves)
{
    return (cj_range){0, moves->op_count};
}

/* The operations of case `index` of a variant. */
static inline cj_range case_ops(const run *r, const cj_op *op, uint32_t index)
{
    return r->moves->cases[op->cases + index];
}

/* A list's body. */
static inline cj_range body_ops(const run *r, const cj_op *op)
{
    return (cj_range){(uint32_t)(op - r->moves->ops) + 1, op->next};
}

/* Tells the value path which element of the list at `op` is current. */
static inline void set_index(const run *r, const cj_op *op, uint32_t index)
{
    if (op->depth < CJ_TRAP_DEPTH)
        r->call->index[op->depth] = index;
}

/* -- Numbers ------------------------------------------------------------------------------------------------------- */

static inline uint64_t load(const uint8_t *at, uint32_t width)
{
    uint64_t value = 0;
    switch (width) {
    case 1:
        return *at;
    case 2:
        memcpy(&value, at, 2);
        return value;
    case 4:
        memcpy(&value, at, 4);
        return value;
    default:
        memcpy(&value, at, 8);
        return value;
    }
}

static inline void store(uint8_t *at, uint32_t width, uint64_t value)
{
    switch (width) {
    case 1:
        *at = (uint8_t)value;
        break;
    case 2:
        memcpy(at, &value, 2);
        break;
    case 4:
        memcpy(at, &value, 4);
        break;
    default:
        memcpy(at, &value, 8);
        break;
    }
}

/* The slot's form of an integer: i32 or i64, zero-extended to 64 bits, which is what a joined slot wants too. */
static inline uint64_t extend(uint64_t value, const cj_op *op)
{
    if (op->is_signed && op->width < 4) {
        unsigned shift = 32 - 8u * op->width;
        return (uint32_t)((int32_t)((uint32_t)value << shift) >> shift);
    }
    return value;
}

static inline uint32_t flags_mask(uint32_t labels)
{
    return UINT32_MAX >> (32 - labels);
}

static inline uint32_t check_char(uint32_t c)
{
    if (c >= 0x110000)
        return CJ_TRAP_CHAR_RANGE;
    return c >= 0xd800 && c <= 0xdfff ? CJ_TRAP_CHAR_SURROGATE : CJ_TRAP_NONE;
}

/* -- Places in guests ---------------------------------------------------------------------------------------------- */

/* An integer: `width` bytes of a block; of a slot, what is above them is nobody's. */
static inline uint64_t get_int(const guest_source *from, uint32_t at, uint32_t width)
{
    return from->slots ? from->slots[at] & (UINT64_MAX >> (64 - 8 * width)) : load(from->block + at, width);
}

/* Out of a block `width` bytes, out of slots all 32 bits of an i32: a discriminant of 0x100 does not name case 0. */
static inline uint32_t get32(const guest_source *from, uint32_t at, uint32_t width)
{
    return from->slots ? (uint32_t)from->slots[at] : (uint32_t)load(from->block + at, width);
}

/* The length of a string or list, whose pointer is at `at`. */
static inline uint32_t get_length(const guest_source *from, uint32_t at)
{
    return get32(from, at + (from->slots ? 1 : 4), 4);
}

static inline void put(const guest_target *to, uint32_t at, uint32_t width, uint64_t value)
{
    if (to->slots)
        to->slots[at] = value;
    else
        store(to->block + at, width, value);
}

/* The payload slots that the case leaves; its own operations overwrite the others. */
static inline void put_discriminant(const guest_target *to, const cj_op *op, uint32_t value)
{
    if (to->slots)
        memset(&to->slots[op->dst + 1], 0, op->slots * sizeof(*to->slots));
    put(to, op->dst, op->width, value);
}

/* After something that called out. */
static inline void reseat(const run *r, guest_target *to)
{
    if (!to->slots)
        to->block = cj__memory_view(r->to->memory, to->at, to->size);
}

static inline void put_pair(const run *r, const cj_op *op, guest_target *to, uint32_t ptr, uint32_t len)
{
    reseat(r, to);
    put(to, op->dst, 4, ptr);
    put(to, op->dst + (to->slots ? 1 : 4), 4, len);
}

/* -- interp.c: steps of more than one kind of plan ----------------------------------------------------------------- */

/* All record the trap that they return. */

/* OWN, BORROW. */
uint32_t cj__interp_move_handle(const run *r, const cj_op *op, uint32_t index, uint32_t *out);
/* The spilled block, of the result or of the parameters, that the guest at `side` points to: its host address. */
uint32_t cj__interp_find_block(cj_call_ctx *call, const cj_side *side, bool results, uint32_t at, uint8_t **out);
/* The block for spilled parameters, allocated in the callee; its address is the only parameter. */
uint32_t cj__interp_new_params(const run *r, uint64_t *flat, guest_target *to);
/* The core function that the plan calls; in `flat` its parameters, then its result. What it was lent it must have dropped. */
uint32_t cj__interp_call_core(cj_call_ctx *call, uint64_t *flat);
/* Where the plan has one; `result` is the core function's. */

/* Of plans with has_borrow. */
static inline void cj__interp_begin_scope(cj_call_ctx *call)
{
    call->borrows = 0;
    call->lends_mark = call->store->lends.len;
}

#endif
