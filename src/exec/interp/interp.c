/* interp.c: the plan interpreter: exports and imports.
 *
 * Place in the pipeline: a back end (exec.h): always there, needs no compiler, runs a boundary call by walking its
 * plan. It is the oracle for the compiler, so it follows plan.h and the spec line by line and is written to be read; it
 * allocates nothing per call but what lifted values need.
 * Non-goals: speed beyond that. Entering and leaving instances for the host: engine/. Between two guests: fused.c.
 *
 * A value has two ends. The host's is a pointer into a struct; the guest's is an array of slots or a block of linear
 * memory. A block is known by its guest address, and its host pointer is derived anew after every operation that called
 * out (realloc can move the memory). Each block's bounds are checked when it is found or allocated; memories never
 * shrink.
 *
 * Safe against longjmp: a guest's trap may leave any function here that calls out, so none owns anything.
 */
#include "exec/interp/interp.h"

enum { SMALL_STRUCT = 256 }; /* bytes of arguments and of a result that an import keeps on the native stack */

/* -- Out of a guest: lift ------------------------------------------------------------------------------------------ */

static uint32_t lift_ops(const run *r, cj_range range, const guest_source *from, uint8_t *host);

static uint32_t lift_string(const run *r, const cj_op *op, const guest_source *from, uint8_t *host)
{
    cj_string string;
    uint32_t trap = cj__string_lift(r->call, r->from, r->call->bound->plan->options.encoding,
                                    cj__string_as(op, from->block != NULL), get32(from, op->src, 4),
                                    get_length(from, op->src), &string);
    if (trap)
        return trap_at(r, op, trap);
    memcpy(host + op->dst, &string, sizeof(string));
    return CJ_TRAP_NONE;
}

static uint32_t lift_list(const run *r, const cj_op *op, const guest_source *from, uint8_t *host)
{
    static uint64_t nothing[2];
    uint32_t ptr = get32(from, op->src, 4), len = get_length(from, op->src);
    uint64_t bytes = (uint64_t)len * op->size;
    if (bytes > CJ_MAX_BYTES)
        return trap_at(r, op, CJ_TRAP_LIST_LENGTH);
    if (ptr & (op->align - 1))
        return trap_at(r, op, CJ_TRAP_LIST_ALIGNMENT);
    if (!cj__memory_covers(r->from->memory, ptr, bytes))
        return trap_at(r, op, CJ_TRAP_LIST_BOUNDS);

    cj_list list = {nothing, len};
    if (len) {
        uint8_t *elements = cj__memory_view(r->from->memory, ptr, bytes);
        list.ptr = op->mode == CJ_MODE_VIEW ? elements
                                            : cj__call_alloc(r->call, (uint64_t)len * op->host_size, op->host_align);
        if (!list.ptr)
            return trap_at(r, op, CJ_TRAP_HOST_LIMIT);
        if (op->mode == CJ_MODE_BLOCK)
            memcpy(list.ptr, elements, (size_t)bytes);
    }
    if (op->mode == CJ_MODE_LOOP) {
        for (uint32_t i = 0; i < len; i++) {
            set_index(r, op, i);
            guest_source element = {.block = cj__memory_view(r->from->memory, ptr + i * op->size, op->size)};
            uint32_t trap = lift_ops(r, body_ops(r, op), &element, (uint8_t *)list.ptr + (size_t)i * op->host_size);
            if (trap)
                return trap;
        }
    }
    memcpy(host + op->dst, &list, sizeof(list));
    return CJ_TRAP_NONE;
}

static uint32_t lift_op(const run *r, const cj_op *op, const guest_source *from, uint8_t *host)
{
    uint8_t *to = host + op->dst;
    uint32_t value, trap;
    switch ((cj_opcode)op->code) {
    case CJ_OP_COPY:
        memcpy(to, from->block + op->src, op->size);
        return CJ_TRAP_NONE;
    case CJ_OP_INT:
        store(to, op->width, get_int(from, op->src, op->width));
        return CJ_TRAP_NONE;
    case CJ_OP_BOOL:
        *to = get32(from, op->src, 1) != 0;
        return CJ_TRAP_NONE;
    case CJ_OP_CHAR:
        value = get32(from, op->src, 4);
        trap = check_char(value);
        if (trap)
            return trap_at(r, op, trap);
        store(to, 4, value);
        return CJ_TRAP_NONE;
    case CJ_OP_FLAGS:
        store(to, op->width, get32(from, op->src, op->width) & flags_mask(op->count));
        return CJ_TRAP_NONE;
    case CJ_OP_ENUM:
    case CJ_OP_VARIANT:
        value = get32(from, op->src, op->width);
        if (value >= op->count)
            return trap_at(r, op, CJ_TRAP_DISCRIMINANT);
        store(to, op->width, value);
        return op->code == CJ_OP_VARIANT ? lift_ops(r, case_ops(r, op, value), from, host) : CJ_TRAP_NONE;
    case CJ_OP_STRING:
        return lift_string(r, op, from, host);
    case CJ_OP_LIST:
        return lift_list(r, op, from, host);
    case CJ_OP_OWN:
    case CJ_OP_BORROW:
        value = get32(from, op->src, 4);
        trap = cj__interp_move_handle(r, op, value, &value);
        if (trap)
            return trap;
        store(to, 4, value);
        return CJ_TRAP_NONE;
    case CJ_OP_COUNT:
        break;
    }
    return trap_at(r, op, CJ_TRAP_HANDLE_KIND); /* not in a plan */
}

static uint32_t lift_ops(const run *r, cj_range range, const guest_source *from, uint8_t *host)
{
    for (uint32_t i = range.first; i < range.past; i = r->moves->ops[i].next) {
        uint32_t trap = lift_op(r, &r->moves->ops[i], from, host);
        if (CJ_UNLIKELY(trap))
            return trap;
    }
    return CJ_TRAP_NONE;
}

/* -- Into a guest: lower ------------------------------------------------------------------------------------------- */

static uint32_t lower_ops(const run *r, cj_range range, const uint8_t *host, guest_target *to);

static uint32_t lower_string(const run *r, const cj_op *op, const uint8_t *host, guest_target *to)
{
    cj_string string;
    uint32_t pair[2];
    memcpy(&string, host + op->src, sizeof(string));
    note(r, op);
    uint32_t trap = cj__string_lower(r->call, r->to, r->call->bound->plan->options.encoding, &string, pair);
    if (trap)
        return trap_at(r, op, trap);
    put_pair(r, op, to, pair[0], pair[1]);
    return CJ_TRAP_NONE;
}

static uint32_t lower_list(const run *r, const cj_op *op, const uint8_t *host, guest_target *to)
{
    cj_list list;
    memcpy(&list, host + op->src, sizeof(list));
    if (list.len > CJ_MAX_BYTES / op->size)
        return trap_at(r, op, CJ_TRAP_LIST_LENGTH);
    uint32_t len = (uint32_t)list.len, bytes = len * op->size, ptr;
    const uint8_t *elements = cj__call_source(r->call, list.ptr, (uint64_t)len * op->host_size, op->host_align);
    if (!elements)
        return trap_at(r, op, CJ_TRAP_HOST_LIMIT);
    note(r, op);
    uint32_t trap = cj__lower_alloc(r->call, r->to, op->align, bytes, &ptr);
    if (trap)
        return trap_at(r, op, trap);

    if (op->mode == CJ_MODE_BLOCK) {
        if (bytes)
            memcpy(cj__memory_view(r->to->memory, ptr, bytes), elements, bytes);
    } else {
        guest_target element = {.at = ptr, .size = op->size};
        for (uint32_t i = 0; i < len; i++, element.at += op->size) {
            set_index(r, op, i);
            reseat(r, &element);
            trap = lower_ops(r, body_ops(r, op), elements + (size_t)i * op->host_size, &element);
            if (trap)
                return trap;
        }
    }
    put_pair(r, op, to, ptr, len);
    return CJ_TRAP_NONE;
}

static uint32_t lower_op(const run *r, const cj_op *op, const uint8_t *host, guest_target *to)
{
    const uint8_t *from = host + op->src;
    uint32_t value, trap;
    switch ((cj_opcode)op->code) {
    case CJ_OP_COPY:
        memcpy(to->block + op->dst, from, op->size);
        return CJ_TRAP_NONE;
    case CJ_OP_INT:
        put(to, op->dst, op->width, extend(load(from, op->width), op));
        return CJ_TRAP_NONE;
    case CJ_OP_BOOL:
        put(to, op->dst, 1, *from != 0);
        return CJ_TRAP_NONE;
    case CJ_OP_CHAR:
        value = (uint32_t)load(from, 4);
        trap = check_char(value);
        if (trap)
            return trap_at(r, op, trap);
        put(to, op->dst, 4, value);
        return CJ_TRAP_NONE;
    case CJ_OP_FLAGS:
        put(to, op->dst, op->width, load(from, op->width) & flags_mask(op->count));
        return CJ_TRAP_NONE;
    case CJ_OP_ENUM:
    case CJ_OP_VARIANT:
        value = (uint32_t)load(from, op->width);
        if (value >= op->count)
            return trap_at(r, op, CJ_TRAP_DISCRIMINANT);
        put_discriminant(to, op, value);
        return op->code == CJ_OP_VARIANT ? lower_ops(r, case_ops(r, op, value), host, to) : CJ_TRAP_NONE;
    case CJ_OP_STRING:
        return lower_string(r, op, host, to);
    case CJ_OP_LIST:
        return lower_list(r, op, host, to);
    case CJ_OP_OWN:
    case CJ_OP_BORROW:
        trap = cj__interp_move_handle(r, op, (uint32_t)load(from, 4), &value);
        if (trap)
            return trap;
        put(to, op->dst, 4, value);
        return CJ_TRAP_NONE;
    case CJ_OP_COUNT:
        break;
    }
    return trap_at(r, op, CJ_TRAP_HANDLE_KIND); /* not in a plan */
}

static uint32_t lower_ops(const run *r, cj_range range, const uint8_t *host, guest_target *to)
{
    for (uint32_t i = range.first; i < range.past; i = r->moves->ops[i].next) {
        uint32_t trap = lower_op(r, &r->moves->ops[i], host, to);
        if (CJ_UNLIKELY(trap))
            return trap;
    }
    return CJ_TRAP_NONE;
}

/* -- Steps --------------------------------------------------------------------------------------------------------- */

uint32_t cj__interp_move_handle(const run *r, const cj_op *op, uint32_t index, uint32_t *out)
{
    uint32_t trap = op->code == CJ_OP_OWN ? cj__move_own(r->call, r->in_results, op->count, index, out)
                                          : cj__move_borrow(r->call, r->in_results, op->count, index, out);
    return CJ_LIKELY(!trap) ? CJ_TRAP_NONE : trap_at(r, op, trap);
}

uint32_t cj__interp_find_block(cj_call_ctx *call, const cj_side *side, bool results, uint32_t at, uint8_t **out)
{
    const cj_plan *plan = call->bound->plan;
    uint32_t size = results ? plan->result_size : plan->params_size,
             align = results ? plan->result_align : plan->params_align;
    if (at & (align - 1))
        return cj__call_trap(call, results ? CJ_TRAP_RESULTS_ALIGNMENT : CJ_TRAP_PARAMS_ALIGNMENT, results, CJ_NO_SITE);
    *out = cj__memory_view(side->memory, at, size);
    if (!*out)
        return cj__call_trap(call, results ? CJ_TRAP_RESULTS_BOUNDS : CJ_TRAP_PARAMS_BOUNDS, results, CJ_NO_SITE);
    return CJ_TRAP_NONE;
}

uint32_t cj__interp_new_params(const run *r, uint64_t *flat, guest_target *to)
{
    const cj_plan *plan = r->call->bound->plan;
    *to = (guest_target){.size = plan->params_size};
    cj__call_note(r->call, r->in_results, CJ_NO_SITE);
    uint32_t trap = cj__lower_alloc(r->call, r->to, plan->params_align, plan->params_size, &to->at);
    if (trap)
        return trap_outside(r, trap);
    flat[0] = to->at;
    reseat(r, to);
    return CJ_TRAP_NONE;
}

uint32_t cj__interp_call_core(cj_call_ctx *call, uint64_t *flat)
{
    const cj_binding *bound = call->bound;
    cj_core_sig sig;
    cj__plan_callee_sig(bound->plan, &sig);
    cj_core_type type = {sig.params, sig.param_count, sig.result, sig.result_count};
    uint32_t trap = cj__core_call(call, &bound->guest, bound->core_func, &type, flat);
    if (trap)
        return cj__call_trap(call, (cj_trap)trap, false, CJ_NO_SITE);
    if (bound->plan->has_borrow && call->borrows)
        return cj__call_trap(call, CJ_TRAP_BORROW_NOT_DROPPED, true, CJ_NO_SITE);
    return CJ_TRAP_NONE;
}

uint32_t cj__interp_post_return(cj_call_ctx *call, const uint64_t *result)
{
    const cj_binding *bound = call->bound;
    if (!bound->plan->options.has_post_return)
        return CJ_TRAP_NONE;
    cj_core_sig sig;
    cj__plan_callee_sig(bound->plan, &sig);
    cj_core_type type = {.params = &sig.result, .param_count = sig.result_count};
    uint64_t flat[1] = {sig.result_count ? *result : 0};
    bound->guest.instance->may_leave = 0;
    call->store->trap.detail = "in post-return";
    uint32_t trap = cj__core_call(call, &bound->guest, bound->post_return, &type, flat);
    if (trap)
        return cj__call_trap(call, (cj_trap)trap, true, CJ_NO_SITE);
    call->store->trap.detail = NULL;
    bound->guest.instance->may_leave = 1;
    return CJ_TRAP_NONE;
}

/* -- Exports ------------------------------------------------------------------------------------------------------- */

/* In line in both of run_export's forms, though the compiler thinks twice is too often. */
static inline __attribute__((always_inline)) uint32_t lower_args(cj_call_ctx *call, const void *args, uint64_t *flat)
{
    run r = cj__run(call, false);
    guest_target to = {.slots = flat};
    uint32_t trap = call->bound->plan->sig.spill_params ? cj__interp_new_params(&r, flat, &to) : CJ_TRAP_NONE;
    return trap ? trap : lower_ops(&r, all_ops(r.moves), args, &to);
}

static inline __attribute__((always_inline)) uint32_t lift_results(cj_call_ctx *call, const uint64_t *flat,
                                                                   void *results)
{
    run r = cj__run(call, true);
    guest_source from = {.slots = flat};
    if (call->bound->plan->sig.spill_results) {
        uint8_t *block;
        uint32_t trap = cj__interp_find_block(call, r.from, true, (uint32_t)flat[0], &block);
        if (trap)
            return trap;
        from = (guest_source){.block = block};
    }
    return lift_ops(&r, all_ops(r.moves), &from, results);
}

/* `ticks` NULL, a constant: no step is timed. */
static inline __attribute__((always_inline)) uint32_t run_export(cj_call_ctx *call, const void *args, void *results,
                                                                 cj_step_ticks *ticks)
{
    uint64_t at[5] = {0};
    if (ticks)
        at[0] = cj__ticks();
    uint64_t flat[CJ_MAX_FLAT_PARAMS + 1]; /* each is written: by an operation, or by the variant that leaves it */
    bool has_scope = call->bound->plan->has_borrow;
    call->alias_size = 0;
    if (has_scope)
        cj__interp_begin_scope(call);

    uint32_t trap = lower_args(call, args, flat);
    if (ticks)
        at[1] = cj__ticks();
    if (!trap)
        trap = cj__interp_call_core(call, flat);
    if (ticks)
        at[2] = cj__ticks();
    if (!trap)
        trap = lift_results(call, flat, results);
    if (ticks)
        at[3] = cj__ticks();
    if (!trap && call->bound->plan->options.lends_results)
        call->core_result = flat[0];
    else if (!trap)
        trap = cj__interp_post_return(call, flat);
    if (!trap && has_scope)
        cj__lends_end(call);
    if (ticks && !trap) {
        at[4] = cj__ticks();
        ticks->calls++;
        ticks->lower += at[1] - at[0];
        ticks->core += at[2] - at[1];
        ticks->lift += at[3] - at[2];
        if (call->bound->plan->options.has_post_return)
            ticks->post_return += at[4] - at[3];
    }
    return trap;
}

uint32_t cj__interp_export(cj_call_ctx *call, const void *args, void *results)
{
    return run_export(call, args, results, NULL);
}

uint32_t cj__interp_export_timed(cj_call_ctx *call, const void *args, void *results)
{
    return run_export(call, args, results, call->bound->ticks);
}

/* -- Imports ------------------------------------------------------------------------------------------------------- */

static uint32_t lift_args(cj_call_ctx *call, const uint64_t *flat, void *args)
{
    run r = cj__run(call, false);
    guest_source from = {.slots = flat};
    if (call->bound->plan->sig.spill_params) {
        uint8_t *block;
        uint32_t trap = cj__interp_find_block(call, r.from, false, (uint32_t)flat[0], &block);
        if (trap)
            return trap;
        from = (guest_source){.block = block};
    }
    return lift_ops(&r, all_ops(r.moves), &from, args);
}

static uint32_t lower_results(cj_call_ctx *call, const uint64_t *flat, const void *results, uint64_t *result)
{
    const cj_plan *plan = call->bound->plan;
    const void *memory = call->bound->guest.memory;
    call->alias_base = memory ? cj__memory_base(memory) : NULL;
    call->alias_size = memory ? cj__memory_size(memory) : 0;

    run r = cj__run(call, true);
    guest_target to = {.slots = result};
    if (plan->sig.spill_results) {
        to = (guest_target){.at = (uint32_t)flat[plan->sig.param_count - 1], .size = plan->result_size};
        uint32_t trap = cj__interp_find_block(call, r.to, true, to.at, &to.block);
        if (trap)
            return trap;
    }
    return lower_ops(&r, all_ops(r.moves), results, &to);
}

/* Room for a struct of the host's: `small` when it fits, NULL when it is of nothing. */
static void *room_for(cj_call_ctx *call, uint8_t *small, size_t size, size_t align)
{
    if (!size)
        return NULL;
    return size <= SMALL_STRUCT ? small : cj__call_alloc(call, size, (uint32_t)align);
}

static uint32_t import_in_mark(cj_call_ctx *call, const uint64_t *flat, uint64_t *result)
{
    const cj_plan *plan = call->bound->plan;
    _Alignas(16) uint8_t small_args[SMALL_STRUCT], small_results[SMALL_STRUCT];
    void *args = room_for(call, small_args, plan->host_args_size, plan->host_args_align);
    if (!args && plan->host_args_size)
        return cj__call_trap(call, CJ_TRAP_HOST_LIMIT, false, CJ_NO_SITE);
    uint32_t trap = lift_args(call, flat, args);
    if (trap)
        return trap;
    void *results = room_for(call, small_results, plan->host_result_size, plan->host_result_align);
    if (results)
        memset(results, 0, plan->host_result_size);
    else if (plan->host_result_size)
        return cj__call_trap(call, CJ_TRAP_HOST_LIMIT, false, CJ_NO_SITE);
    trap = cj__call_host(call, args, results);
    if (trap)
        return trap;
    if (plan->has_borrow)
        cj__host_borrows_end(call);
    return lower_results(call, flat, results, result);
}

uint32_t cj__interp_import(cj_call_ctx *call, const uint64_t *flat, uint64_t *result)
{
    if (!call->bound->guest.instance->may_leave)
        return cj__call_trap(call, CJ_TRAP_CANNOT_LEAVE, false, CJ_NO_SITE);
    if (cj__core_stack_low(call))
        return cj__call_trap(call, CJ_TRAP_STACK_OVERFLOW, false, CJ_NO_SITE);
    bool has_scope = call->bound->plan->has_borrow;
    cj__call_take(call->store);
    if (has_scope)
        cj__interp_begin_scope(call);
    uint32_t trap = import_in_mark(call, flat, result);
    if (trap)
        return trap;
    if (has_scope)
        cj__lends_end(call);
    cj__call_give_back(call->store);
    return CJ_TRAP_NONE;
}
