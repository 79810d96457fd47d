/* fused.c: the plan interpreter for calls from one component to another.
 *
 * Place in the pipeline: as interp.c, whose rules hold here too. A value goes from the one guest's slots or memory to the other's in
 * one step, lifted as it is lowered; nothing of it lies in between.
 * Non-goals: which instances a call enters (link/ lists them in the binding).
 * Spec: "canon lift", "canon lower"; the order of steps: plan.h, FUSED.
 *
 * Both ends' addresses are derived anew after everything that called out, though it is only the target's realloc that runs.
 */
#include "exec/interp/interp.h"

static uint32_t move_ops(const run *r, cj_range range, const guest_source *from, guest_target *to);

static cj_encoding encoding_of(const run *r, const cj_side *side)
{
    const cj_plan_options *options = &r->call->bound->plan->options;
    return side == &r->call->bound->caller ? options->caller_encoding : options->encoding;
}

static uint32_t move_string(const run *r, const cj_op *op, const guest_source *from, guest_target *to)
{
    uint32_t pair[2];
    note(r, op);
    uint32_t trap = cj__string_move(r->call, r->from, encoding_of(r, r->from), r->to, encoding_of(r, r->to),
                                    get32(from, op->src, 4), get_length(from, op->src), pair);
    if (trap)
        return trap_at(r, op, trap);
    put_pair(r, op, to, pair[0], pair[1]);
    return CJ_TRAP_NONE;
}

static uint32_t move_elements(const run *r, const cj_op *op, uint32_t source, uint32_t target, uint32_t len)
{
    guest_target to = {.at = target, .size = op->size};
    for (uint32_t i = 0; i < len; i++, source += op->size, to.at += op->size) {
        set_index(r, op, i);
        guest_source from = {.block = cj__memory_view(r->from->memory, source, op->size)};
        reseat(r, &to);
        uint32_t trap = move_ops(r, body_ops(r, op), &from, &to);
        if (trap)
            return trap;
    }
    return CJ_TRAP_NONE;
}

static uint32_t move_list(const run *r, const cj_op *op, const guest_source *from, guest_target *to)
{
    uint32_t ptr = get32(from, op->src, 4), len = get_length(from, op->src), target;
    uint64_t bytes = (uint64_t)len * op->size;
    if (bytes > CJ_MAX_BYTES)
        return trap_at(r, op, CJ_TRAP_LIST_LENGTH);
    if (ptr & (op->align - 1))
        return trap_at(r, op, CJ_TRAP_LIST_ALIGNMENT);
    if (!cj__memory_covers(r->from->memory, ptr, bytes))
        return trap_at(r, op, CJ_TRAP_LIST_BOUNDS);
    note(r, op);
    uint32_t trap = cj__lower_alloc(r->call, r->to, op->align, (uint32_t)bytes, &target);
    if (trap)
        return trap_at(r, op, trap);
    if (op->mode == CJ_MODE_LOOP)
        trap = move_elements(r, op, ptr, target, len);
    else if (bytes)
        memcpy(cj__memory_view(r->to->memory, target, bytes), cj__memory_view(r->from->memory, ptr, bytes),
               (size_t)bytes);
    if (trap)
        return trap;
    put_pair(r, op, to, target, len);
    return CJ_TRAP_NONE;
}

static uint32_t move_op(const run *r, const cj_op *op, const guest_source *from, guest_target *to)
{
    uint32_t value, trap;
    switch ((cj_opcode)op->code) {
    case CJ_OP_COPY:
        memcpy(to->block + op->dst, from->block + op->src, op->size);
        return CJ_TRAP_NONE;
    case CJ_OP_INT:
        put(to, op->dst, op->width, extend(get_int(from, op->src, op->width), op));
        return CJ_TRAP_NONE;
    case CJ_OP_BOOL:
        put(to, op->dst, 1, get32(from, op->src, 1) != 0);
        return CJ_TRAP_NONE;
    case CJ_OP_CHAR:
        value = get32(from, op->src, 4);
        trap = check_char(value);
        if (trap)
            return trap_at(r, op, trap);
        put(to, op->dst, 4, value);
        return CJ_TRAP_NONE;
    case CJ_OP_FLAGS:
        put(to, op->dst, op->width, get32(from, op->src, op->width) & flags_mask(op->count));
        return CJ_TRAP_NONE;
    case CJ_OP_ENUM:
    case CJ_OP_VARIANT:
        value = get32(from, op->src, op->width);
        if (value >= op->count)
            return trap_at(r, op, CJ_TRAP_DISCRIMINANT);
        put_discriminant(to, op, value);
        return op->code == CJ_OP_VARIANT ? move_ops(r, case_ops(r, op, value), from, to) : CJ_TRAP_NONE;
    case CJ_OP_STRING:
        return move_string(r, op, from, to);
    case CJ_OP_LIST:
        return move_list(r, op, from, to);
    case CJ_OP_OWN:
    case CJ_OP_BORROW:
        trap = cj__interp_move_handle(r, op, get32(from, op->src, 4), &value);
        if (trap)
            return trap;
        put(to, op->dst, 4, value);
        return CJ_TRAP_NONE;
    case CJ_OP_COUNT:
        break;
    }
    return trap_at(r, op, CJ_TRAP_HANDLE_KIND); /* not in a plan */
}

/* An operation that called out has moved the target's memory, not the source's. */
static uint32_t move_ops(const run *r, cj_range range, const guest_source *from, guest_target *to)
{
    for (uint32_t i = range.first; i < range.past; i = r->moves->ops[i].next) {
        uint32_t trap = move_op(r, &r->moves->ops[i], from, to);
        if (CJ_UNLIKELY(trap))
            return trap;
    }
    return CJ_TRAP_NONE;
}

/* -- Steps --------------------------------------------------------------------------------------------------------- */

static uint32_t enter(cj_call_ctx *call)
{
    const cj_binding *bound = call->bound;
    if (!cj__may_enter(bound))
        return cj__call_trap(call, CJ_TRAP_CANNOT_ENTER, false, CJ_NO_SITE);
    cj__set_may_enter(bound, 0);
    bound->guest.instance->called = bound;
    return CJ_TRAP_NONE;
}

static uint32_t move_args(cj_call_ctx *call, const uint64_t *flat, uint64_t *callee_flat)
{
    run r = cj__run(call, false);
    guest_source from = {.slots = flat};
    guest_target to = {.slots = callee_flat};
    if (call->bound->plan->sig.spill_params) {
        uint32_t at = (uint32_t)flat[0];
        uint8_t *block;
        uint32_t trap = cj__interp_find_block(call, r.from, false, at, &block);
        if (!trap)
            trap = cj__interp_new_params(&r, callee_flat, &to);
        if (trap)
            return trap;
        from = (guest_source){.block = cj__memory_view(r.from->memory, at, call->bound->plan->params_size)};
    }
    return move_ops(&r, all_ops(r.moves), &from, &to);
}

static uint32_t move_results(cj_call_ctx *call, const uint64_t *flat, const uint64_t *callee_flat, uint64_t *result)
{
    const cj_plan *plan = call->bound->plan;
    run r = cj__run(call, true);
    guest_source from = {.slots = callee_flat};
    guest_target to = {.slots = result};
    if (plan->sig.spill_results) {
        uint8_t *block;
        to = (guest_target){.at = (uint32_t)flat[plan->sig.param_count - 1], .size = plan->result_size};
        uint32_t trap = cj__interp_find_block(call, r.from, true, (uint32_t)callee_flat[0], &block);
        if (!trap)
            trap = cj__interp_find_block(call, r.to, true, to.at, &to.block);
        if (trap)
            return trap;
        from = (guest_source){.block = block};
    }
    return move_ops(&r, all_ops(r.moves), &from, &to);
}

uint32_t cj__interp_fused(cj_call_ctx *call, const uint64_t *flat, uint64_t *result)
{
    const cj_binding *bound = call->bound;
    uint64_t callee_flat[CJ_MAX_FLAT_PARAMS + 1];
    bool has_scope = bound->plan->has_borrow;
    if (!bound->caller.instance->may_leave)
        return cj__call_trap(call, CJ_TRAP_CANNOT_LEAVE, false, CJ_NO_SITE);
    if (cj__core_stack_low(call))
        return cj__call_trap(call, CJ_TRAP_STACK_OVERFLOW, false, CJ_NO_SITE);
    uint32_t trap = enter(call);
    if (trap)
        return trap;
    if (has_scope)
        cj__interp_begin_scope(call);
    trap = move_args(call, flat, callee_flat);
    if (!trap)
        trap = cj__interp_call_core(call, callee_flat);
    if (!trap)
        trap = move_results(call, flat, callee_flat, result);
    if (!trap)
        trap = cj__interp_post_return(call, callee_flat);
    if (trap)
        return trap;
    cj__set_may_enter(bound, 1);
    if (has_scope)
        cj__lends_end(call);
    return CJ_TRAP_NONE;
}
