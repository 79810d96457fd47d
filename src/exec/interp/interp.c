/* interp.c: the plan interpreter.
 *
 * Place in the pipeline: a back end (exec.h): always there, needs no compiler, runs a boundary call by walking its
 * plan. It is the oracle for the compiler, so it follows plan.h and the spec line by line and is written to be read; it
 * allocates nothing per call but what lifted values need.
 * Non-goals: speed beyond that. Flags of instances other than may_leave, entering and leaving: engine/.
 *
 * A value has two ends. The host's is a pointer into a struct; the guest's is an array of slots or a block of linear
 * memory. A block is known by its guest address, and its host pointer is derived anew after every operation that called
 * out (realloc can move the memory). Each block's bounds are checked when it is found or allocated; memories never
 * shrink.
 *
 * Safe against longjmp: a guest's trap may leave any function here that calls out, so none owns anything.
 */
#include "engine/engine.h"
#include "exec/exec.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "linear memory is read and written as the machine's own"
#endif

enum { SMALL_STRUCT = 256 }; /* bytes of arguments and of a result that an import keeps on the native stack */

/* One program of one call. */
typedef struct run {
    cj_call_ctx *call;
    const cj_moves *moves;
    bool in_results;
} run;

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

static uint32_t trap_at(const run *r, const cj_op *op, uint32_t kind)
{
    return cj__call_trap(r->call, (cj_trap)kind, r->in_results, (uint32_t)(op - r->moves->ops));
}

static const void *guest_memory(const run *r)
{
    return r->call->bound->guest.memory;
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
static uint64_t extend(uint64_t value, const cj_op *op)
{
    if (op->is_signed && op->width < 4) {
        unsigned shift = 32 - 8u * op->width;
        return (uint32_t)((int32_t)((uint32_t)value << shift) >> shift);
    }
    return value;
}

/* Out of a block `width` bytes, out of slots all 32 bits of an i32: a discriminant of 0x100 does not name case 0. */
static uint32_t get32(const guest_source *from, uint32_t at, uint32_t width)
{
    return from->slots ? (uint32_t)from->slots[at] : (uint32_t)load(from->block + at, width);
}

static void put(const guest_target *to, uint32_t at, uint32_t width, uint64_t value)
{
    if (to->slots)
        to->slots[at] = value;
    else
        store(to->block + at, width, value);
}

static uint32_t flags_mask(uint32_t labels)
{
    return UINT32_MAX >> (32 - labels);
}

static uint32_t check_char(uint32_t c)
{
    if (c >= 0x110000)
        return CJ_TRAP_CHAR_RANGE;
    return c >= 0xd800 && c <= 0xdfff ? CJ_TRAP_CHAR_SURROGATE : CJ_TRAP_NONE;
}

/* The operations of case `index` of a variant. */
static cj_range case_ops(const run *r, const cj_op *op, uint32_t index)
{
    return r->moves->cases[op->cases + index];
}

/* Tells the value path which element of the list at `op` is current. */
static void set_index(const run *r, const cj_op *op, uint32_t index)
{
    if (op->depth < CJ_TRAP_DEPTH)
        r->call->index[op->depth] = index;
}

/* -- Out of a guest: lift ------------------------------------------------------------------------------------------ */

static uint32_t lift_ops(const run *r, cj_range range, const guest_source *from, uint8_t *host);

static uint32_t lift_string(const run *r, const cj_op *op, const guest_source *from, uint8_t *host)
{
    uint32_t ptr = get32(from, op->src, 4), units = get32(from, op->src + (from->slots ? 1 : 4), 4);
    cj_string string;
    uint32_t trap =
        cj__string_lift(r->call, &r->call->bound->guest, r->call->bound->plan->options.encoding, op->mode == CJ_MODE_VIEW, ptr, units, &string);
    if (trap)
        return trap_at(r, op, trap);
    memcpy(host + op->dst, &string, sizeof(string));
    return CJ_TRAP_NONE;
}

static uint32_t lift_list(const run *r, const cj_op *op, const guest_source *from, uint8_t *host)
{
    static uint64_t nothing[2];
    uint32_t ptr = get32(from, op->src, 4), len = get32(from, op->src + (from->slots ? 1 : 4), 4);
    uint64_t bytes = (uint64_t)len * op->size;
    if (bytes > CJ_MAX_BYTES)
        return trap_at(r, op, CJ_TRAP_LIST_LENGTH);
    if (ptr & (op->align - 1))
        return trap_at(r, op, CJ_TRAP_LIST_ALIGNMENT);
    if (!cj__memory_covers(guest_memory(r), ptr, bytes))
        return trap_at(r, op, CJ_TRAP_LIST_BOUNDS);

    cj_list list = {nothing, len};
    if (len) {
        uint8_t *elements = cj__memory_view(guest_memory(r), ptr, bytes);
        list.ptr = op->mode == CJ_MODE_VIEW ? elements
                                            : cj__call_alloc(r->call, (uint64_t)len * op->host_size, op->host_align);
        if (!list.ptr)
            return trap_at(r, op, CJ_TRAP_HOST_LIMIT);
        if (op->mode == CJ_MODE_BLOCK)
            memcpy(list.ptr, elements, (size_t)bytes);
    }
    if (op->mode == CJ_MODE_LOOP) {
        uint32_t self = (uint32_t)(op - r->moves->ops);
        for (uint32_t i = 0; i < len; i++) {
            set_index(r, op, i);
            guest_source element = {.block = cj__memory_view(guest_memory(r), ptr + i * op->size, op->size)};
            uint32_t trap =
                lift_ops(r, (cj_range){self + 1, op->next}, &element, (uint8_t *)list.ptr + (size_t)i * op->host_size);
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
        store(to, op->width, from->slots ? from->slots[op->src] : load(from->block + op->src, op->width));
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
    case CJ_OP_COUNT:
        break;
    }
    return trap_at(r, op, CJ_TRAP_HANDLE_KIND); /* no plan has them yet (plan_build.c) */
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

/* After something that called out. */
static void reseat(const run *r, guest_target *to)
{
    if (!to->slots)
        to->block = cj__memory_view(guest_memory(r), to->at, to->size);
}

static void put_pair(const run *r, const cj_op *op, guest_target *to, uint32_t ptr, uint32_t len)
{
    reseat(r, to);
    put(to, op->dst, 4, ptr);
    put(to, op->dst + (to->slots ? 1 : 4), 4, len);
}

static uint32_t lower_string(const run *r, const cj_op *op, const uint8_t *host, guest_target *to)
{
    cj_string string;
    uint32_t pair[2];
    memcpy(&string, host + op->src, sizeof(string));
    uint32_t trap = cj__string_lower(r->call, &r->call->bound->guest, r->call->bound->plan->options.encoding, &string, pair);
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
    uint32_t trap = cj__lower_alloc(r->call, &r->call->bound->guest, op->align, bytes, &ptr);
    if (trap)
        return trap_at(r, op, trap);

    if (op->mode == CJ_MODE_BLOCK) {
        if (bytes)
            memcpy(cj__memory_view(guest_memory(r), ptr, bytes), elements, bytes);
    } else {
        uint32_t self = (uint32_t)(op - r->moves->ops);
        guest_target element = {.at = ptr, .size = op->size};
        for (uint32_t i = 0; i < len; i++, element.at += op->size) {
            set_index(r, op, i);
            reseat(r, &element);
            trap = lower_ops(r, (cj_range){self + 1, op->next}, elements + (size_t)i * op->host_size, &element);
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
        if (to->slots) /* the payload slots that the case leaves; its own operations overwrite the others */
            memset(&to->slots[op->dst + 1], 0, op->slots * sizeof(*to->slots));
        put(to, op->dst, op->width, value);
        return op->code == CJ_OP_VARIANT ? lower_ops(r, case_ops(r, op, value), host, to) : CJ_TRAP_NONE;
    case CJ_OP_STRING:
        return lower_string(r, op, host, to);
    case CJ_OP_LIST:
        return lower_list(r, op, host, to);
    case CJ_OP_OWN:
    case CJ_OP_BORROW:
    case CJ_OP_COUNT:
        break;
    }
    return trap_at(r, op, CJ_TRAP_HANDLE_KIND); /* no plan has them yet (plan_build.c) */
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

/* -- Whole programs ------------------------------------------------------------------------------------------------ */

static cj_range all_ops(const cj_moves *moves)
{
    return (cj_range){0, moves->op_count};
}

/* A spilled block that the guest points to: NULL with `trap` recorded when it is not aligned or not in memory. */
static uint8_t *find_block(cj_call_ctx *call, bool results, uint32_t at, uint32_t *trap)
{
    const cj_plan *plan = call->bound->plan;
    uint32_t size = results ? plan->result_size : plan->params_size,
             align = results ? plan->result_align : plan->params_align;
    uint8_t *block = cj__memory_view(call->bound->guest.memory, at, size);
    if (at & (align - 1))
        *trap =
            cj__call_trap(call, results ? CJ_TRAP_RESULTS_ALIGNMENT : CJ_TRAP_PARAMS_ALIGNMENT, results, CJ_NO_SITE);
    else if (!block)
        *trap = cj__call_trap(call, results ? CJ_TRAP_RESULTS_BOUNDS : CJ_TRAP_PARAMS_BOUNDS, results, CJ_NO_SITE);
    else
        return block;
    return NULL;
}

/* -- Exports ------------------------------------------------------------------------------------------------------- */

static uint32_t lower_args(cj_call_ctx *call, const void *args, uint64_t *flat)
{
    const cj_plan *plan = call->bound->plan;
    run r = {call, &plan->args, false};
    guest_target to = {.slots = flat};
    if (plan->sig.spill_params) {
        uint32_t trap = cj__lower_alloc(call, &call->bound->guest, plan->params_align, plan->params_size, &to.at);
        if (trap)
            return cj__call_trap(call, (cj_trap)trap, false, CJ_NO_SITE);
        flat[0] = to.at;
        to.slots = NULL;
        to.size = plan->params_size;
        reseat(&r, &to);
    }
    return lower_ops(&r, all_ops(&plan->args), args, &to);
}

static uint32_t lift_results(cj_call_ctx *call, const uint64_t *flat, void *results)
{
    const cj_plan *plan = call->bound->plan;
    run r = {call, &plan->results, true};
    guest_source from = {.slots = flat};
    if (plan->sig.spill_results) {
        uint32_t trap;
        from.slots = NULL;
        from.block = find_block(call, true, (uint32_t)flat[0], &trap);
        if (!from.block)
            return trap;
    }
    return lift_ops(&r, all_ops(&plan->results), &from, results);
}

static uint32_t post_return(cj_call_ctx *call, uint64_t *flat)
{
    const cj_binding *bound = call->bound;
    const cj_core_sig *sig = &bound->plan->sig;
    cj_core_type type = {.params = &sig->result, .param_count = sig->result_count};
    bound->guest.instance->may_leave = 0;
    call->store->trap.detail = "in post-return";
    uint32_t trap = cj__core_call(call, &bound->guest, bound->post_return, &type, flat);
    if (trap)
        return cj__call_trap(call, (cj_trap)trap, true, CJ_NO_SITE);
    call->store->trap.detail = NULL;
    bound->guest.instance->may_leave = 1;
    return CJ_TRAP_NONE;
}

uint32_t cj__interp_export(cj_call_ctx *call, const void *args, void *results)
{
    const cj_binding *bound = call->bound;
    const cj_core_sig *sig = &bound->plan->sig;
    uint64_t flat[CJ_MAX_FLAT_PARAMS + 1]; /* each is written: by an operation, or by the variant that leaves it */
    call->alias_size = 0;

    uint32_t trap = lower_args(call, args, flat);
    if (trap)
        return trap;
    cj_core_type type = {sig->params, sig->param_count, sig->result, sig->result_count};
    trap = cj__core_call(call, &bound->guest, bound->core_func, &type, flat);
    if (trap)
        return cj__call_trap(call, (cj_trap)trap, false, CJ_NO_SITE);
    trap = lift_results(call, flat, results);
    if (trap)
        return trap;
    return bound->plan->options.has_post_return ? post_return(call, flat) : CJ_TRAP_NONE;
}

/* -- Imports ------------------------------------------------------------------------------------------------------- */

static uint32_t lift_args(cj_call_ctx *call, const uint64_t *flat, void *args)
{
    const cj_plan *plan = call->bound->plan;
    run r = {call, &plan->args, false};
    guest_source from = {.slots = flat};
    if (plan->sig.spill_params) {
        uint32_t trap;
        from.slots = NULL;
        from.block = find_block(call, false, (uint32_t)flat[0], &trap);
        if (!from.block)
            return trap;
    }
    return lift_ops(&r, all_ops(&plan->args), &from, args);
}

static uint32_t lower_results(cj_call_ctx *call, const uint64_t *flat, const void *results, uint64_t *result)
{
    const cj_plan *plan = call->bound->plan;
    const void *memory = call->bound->guest.memory;
    call->alias_base = memory ? cj__memory_base(memory) : NULL;
    call->alias_size = memory ? cj__memory_size(memory) : 0;

    run r = {call, &plan->results, true};
    guest_target to = {.slots = result};
    if (plan->sig.spill_results) {
        uint32_t trap;
        to.slots = NULL;
        to.at = (uint32_t)flat[plan->sig.param_count - 1];
        to.size = plan->result_size;
        to.block = find_block(call, true, to.at, &trap);
        if (!to.block)
            return trap;
    }
    return lower_ops(&r, all_ops(&plan->results), results, &to);
}

/* Room for a struct of the host's: `small` when it fits. */
static void *room_for(cj_call_ctx *call, uint8_t *small, size_t size, size_t align)
{
    return size <= SMALL_STRUCT ? small : cj__call_alloc(call, size, (uint32_t)align);
}

static uint32_t import_in_mark(cj_call_ctx *call, const uint64_t *flat, uint64_t *result)
{
    const cj_plan *plan = call->bound->plan;
    _Alignas(16) uint8_t small_args[SMALL_STRUCT], small_results[SMALL_STRUCT];
    void *args = room_for(call, small_args, plan->host_args_size, plan->host_args_align);
    if (!args)
        return cj__call_trap(call, CJ_TRAP_HOST_LIMIT, false, CJ_NO_SITE);
    uint32_t trap = lift_args(call, flat, args);
    if (trap)
        return trap;
    void *results = room_for(call, small_results, plan->host_result_size, plan->host_result_align);
    if (!results)
        return cj__call_trap(call, CJ_TRAP_HOST_LIMIT, false, CJ_NO_SITE);
    memset(results, 0, plan->host_result_size);
    trap = cj__call_host(call, args, results);
    if (trap)
        return trap;
    return lower_results(call, flat, results, result);
}

uint32_t cj__interp_import(cj_call_ctx *call, const uint64_t *flat, uint64_t *result)
{
    if (!call->bound->guest.instance->may_leave)
        return cj__call_trap(call, CJ_TRAP_CANNOT_LEAVE, false, CJ_NO_SITE);
    if (cj__core_stack_low(call))
        return cj__call_trap(call, CJ_TRAP_STACK_OVERFLOW, false, CJ_NO_SITE);
    cj_call_point point = cj__call_mark(call);
    uint32_t trap = import_in_mark(call, flat, result);
    if (!trap)
        cj__call_release(call, point);
    return trap;
}
