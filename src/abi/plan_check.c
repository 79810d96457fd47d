/* plan_check.c: the self-check of a plan's form.
 *
 * Place in the pipeline: tests, and debug builds before a plan is used. A back end may rely on everything checked here.
 * Non-goals: whether the plan is the right one for a type (the parity tests ask that).
 */
#include "abi/plan_internal.h"

typedef struct checker {
    const cj_plan *plan;
    const cj_moves *moves;
    const cj_core *slots; /* of a FLAT end; of both in a fused plan */
    uint32_t deepest;
    const char *program;
    cj_error *err;
} checker;

/* What the current base has at each end: slots or bytes. */
typedef struct extent {
    cj_space src_space, dst_space;
    uint64_t src, dst;
} extent;

#define REQUIRE(c, at, condition) \
    do { \
        if (!(condition)) \
            return cj__fail((c)->err, CJ_INTERNAL, "plan: %s %u: %s", (c)->program, (unsigned)(at), #condition); \
    } while (0)

static cj_core own_type(const cj_op *op)
{
    if (op->code != CJ_OP_INT)
        return CJ_CORE_I32;
    if (op->is_float)
        return op->width == 8 ? CJ_CORE_F64 : CJ_CORE_F32;
    return op->width == 8 ? CJ_CORE_I64 : CJ_CORE_I32;
}

/* A slot has the value's own type, or one that a join with it gives. */
static cj_status check_slot(const checker *c, uint32_t at, uint64_t slot, cj_core own)
{
    cj_core type = c->slots[slot];
    REQUIRE(c, at, type == own || type == CJ_CORE_I64 || (type == CJ_CORE_I32 && own == CJ_CORE_F32));
    return CJ_OK;
}

static cj_status check_ops(checker *c, uint32_t first, uint32_t past, extent in, uint32_t depth);

static bool is_width(uint32_t n)
{
    return n == 1 || n == 2 || n == 4 || n == 8;
}

static bool is_align(uint32_t n)
{
    return n && (n & (n - 1)) == 0 && n <= 16;
}

/* A case may not reach past its variant's slots. */
static cj_status check_payload(const checker *c, uint32_t at, cj_space space, uint32_t slot, uint64_t *slots)
{
    const cj_op *op = &c->moves->ops[at];
    if (space == CJ_SPACE_FLAT) {
        REQUIRE(c, at, op->slots <= *slots - slot - 1);
        *slots = (uint64_t)slot + 1 + op->slots;
    }
    return CJ_OK;
}

static cj_status check_variant(checker *c, uint32_t at, extent in, uint32_t depth)
{
    const cj_op *op = &c->moves->ops[at];
    REQUIRE(c, at, op->count <= c->moves->case_count && op->cases <= c->moves->case_count - op->count);
    REQUIRE(c, at, op->slots == 0 || in.src_space == CJ_SPACE_FLAT || in.dst_space == CJ_SPACE_FLAT);
    extent inner = in;
    CJ_TRY(check_payload(c, at, in.src_space, op->src, &inner.src));
    CJ_TRY(check_payload(c, at, in.dst_space, op->dst, &inner.dst));
    uint32_t next = at + 1;
    for (uint32_t i = 0; i < op->count; i++) {
        const cj_range *range = &c->moves->cases[op->cases + i];
        REQUIRE(c, at, range->first == next && range->past >= range->first && range->past <= op->next);
        CJ_TRY(check_ops(c, range->first, range->past, inner, depth));
        next = range->past;
    }
    REQUIRE(c, at, next == op->next);
    return CJ_OK;
}

/* Only what is over before the guest runs again. */
static bool may_view(const checker *c)
{
    return c->plan->options.kind == CJ_PLAN_IMPORT || c->plan->options.lends_results;
}

static cj_status check_list(checker *c, uint32_t at, uint32_t depth)
{
    const cj_op *op = &c->moves->ops[at];
    bool from_host = c->moves->src == CJ_SPACE_HOST, to_host = c->moves->dst == CJ_SPACE_HOST;
    bool fused = c->plan->options.kind == CJ_PLAN_FUSED;
    REQUIRE(c, at, op->size > 0 && op->size <= CJ_MAX_BYTES && is_align(op->align) && op->size % op->align == 0);
    if (fused) {
        REQUIRE(c, at, op->host_size == 0 && op->host_align == 0);
    } else {
        REQUIRE(c, at, op->host_size > 0 && is_align(op->host_align) && op->host_size % op->host_align == 0);
    }
    REQUIRE(c, at, op->mode <= CJ_MODE_VIEW);
    if (op->mode == CJ_MODE_LOOP) {
        REQUIRE(c, at, op->next > at + 1);
        extent inner = {from_host ? CJ_SPACE_HOST : CJ_SPACE_MEM, to_host ? CJ_SPACE_HOST : CJ_SPACE_MEM,
                        from_host ? op->host_size : op->size, to_host ? op->host_size : op->size};
        return check_ops(c, at + 1, op->next, inner, depth + 1);
    }
    REQUIRE(c, at, op->next == at + 1);
    REQUIRE(c, at, fused || (op->size == op->host_size && op->align == op->host_align));
    REQUIRE(c, at, op->mode == CJ_MODE_BLOCK || (to_host && may_view(c)));
    return CJ_OK;
}

/* What an operation takes at an end. */
typedef struct room {
    uint64_t slots, mem, host;
} room;

static cj_status check_end(const checker *c, uint32_t at, cj_space space, uint64_t offset, uint64_t size, room need)
{
    uint64_t wanted = space == CJ_SPACE_FLAT ? need.slots : space == CJ_SPACE_MEM ? need.mem : need.host;
    REQUIRE(c, at, offset <= size && wanted <= size - offset);
    for (uint64_t i = 0; space == CJ_SPACE_FLAT && i < need.slots; i++)
        CJ_TRY(check_slot(c, at, offset + i, own_type(&c->moves->ops[at])));
    return CJ_OK;
}

static cj_status check_op(checker *c, uint32_t at, extent in, uint32_t depth)
{
    const cj_op *op = &c->moves->ops[at];
    bool flat = in.src_space == CJ_SPACE_FLAT || in.dst_space == CJ_SPACE_FLAT;
    room need = {1, op->width, op->width};
    REQUIRE(c, at, op->code < CJ_OP_COUNT && op->depth == depth && op->path < c->moves->path_count);

    switch ((cj_opcode)op->code) {
    case CJ_OP_COPY:
        REQUIRE(c, at, !flat && op->size > 0 && is_align(op->align));
        REQUIRE(c, at, op->src % op->align == 0 && op->dst % op->align == 0);
        need.mem = need.host = op->size;
        break;
    case CJ_OP_INT:
        REQUIRE(c, at, is_width(op->width) && (flat || (!op->is_signed && !op->is_float)));
        REQUIRE(c, at, !op->is_float || op->width >= 4);
        break;
    case CJ_OP_BOOL:
        need.mem = need.host = 1;
        break;
    case CJ_OP_CHAR:
        need.mem = need.host = 4;
        break;
    case CJ_OP_FLAGS:
        REQUIRE(c, at, op->count >= 1 && op->count <= 8u * op->width && op->width <= 4);
        break;
    case CJ_OP_ENUM:
    case CJ_OP_VARIANT:
        REQUIRE(c, at, is_width(op->width) && op->width <= 4 && op->count >= 1);
        REQUIRE(c, at, op->count - 1 <= UINT32_MAX >> (32 - 8 * op->width));
        break;
    case CJ_OP_STRING:
        REQUIRE(c, at, op->mode == CJ_MODE_LOOP || op->mode == CJ_MODE_VIEW);
        REQUIRE(c, at,
                op->mode == CJ_MODE_LOOP ||
                    (c->moves->dst == CJ_SPACE_HOST && may_view(c) && c->plan->options.encoding == CJ_UTF8));
        need = (room){2, 8, sizeof(cj_string)};
        break;
    case CJ_OP_LIST:
        need = (room){2, 8, sizeof(cj_list)};
        break;
    case CJ_OP_OWN:
    case CJ_OP_BORROW:
        REQUIRE(c, at, op->count < c->plan->resource_count);
        REQUIRE(c, at, op->code == CJ_OP_OWN || (c->moves == &c->plan->args && c->plan->has_borrow));
        need.mem = need.host = 4;
        break;
    case CJ_OP_COUNT:
        break;
    }
    CJ_TRY(check_end(c, at, in.src_space, op->src, in.src, need));
    CJ_TRY(check_end(c, at, in.dst_space, op->dst, in.dst, need));

    if (depth > c->deepest)
        c->deepest = depth;
    if (op->code == CJ_OP_VARIANT)
        return check_variant(c, at, in, depth);
    if (op->code == CJ_OP_LIST)
        return check_list(c, at, depth);
    REQUIRE(c, at, op->next == at + 1);
    return CJ_OK;
}

static cj_status check_ops(checker *c, uint32_t first, uint32_t past, extent in, uint32_t depth)
{
    uint32_t i = first;
    while (i < past) {
        REQUIRE(c, i, c->moves->ops[i].next > i && c->moves->ops[i].next <= past);
        CJ_TRY(check_op(c, i, in, depth));
        i = c->moves->ops[i].next;
    }
    return CJ_OK;
}

static cj_status check_paths(const checker *c)
{
    for (uint32_t i = 0; i < c->moves->path_count; i++) {
        const cj_path *path = &c->moves->paths[i];
        bool is_root = path->step == CJ_STEP_PARAM || path->step == CJ_STEP_RESULT;
        REQUIRE(c, i, path->step <= CJ_STEP_ELEMENT);
        REQUIRE(c, i, is_root ? path->parent == UINT32_MAX : path->parent < i);
    }
    return CJ_OK;
}

static cj_status check_program(const cj_plan *plan, bool results, cj_error *err)
{
    const cj_core_sig *sig = &plan->sig;
    checker c = {.plan = plan,
                 .moves = results ? &plan->results : &plan->args,
                 .program = results ? "results" : "args",
                 .err = err};
    c.slots = results ? &sig->result : sig->params;
    bool spilled = results ? sig->spill_results : sig->spill_params;
    cj_plan_kind out_of_host = results ? CJ_PLAN_IMPORT : CJ_PLAN_EXPORT; /* and the other goes into it */
    cj_space guest = spilled ? CJ_SPACE_MEM : CJ_SPACE_FLAT;
    bool fused = plan->options.kind == CJ_PLAN_FUSED;
    REQUIRE(&c, 0, c.moves->src == (plan->options.kind == out_of_host ? CJ_SPACE_HOST : guest));
    REQUIRE(&c, 0, c.moves->dst == (plan->options.kind == out_of_host || fused ? guest : CJ_SPACE_HOST));
    REQUIRE(&c, 0, !fused || (plan->host_args_size == 0 && plan->host_result_size == 0));

    uint64_t in_guest = results ? sig->result_count : cj__plan_arg_slots(plan),
             in_host = results ? plan->host_result_size : plan->host_args_size;
    if (spilled)
        in_guest = results ? plan->result_size : plan->params_size;
    extent in = {c.moves->src, c.moves->dst, c.moves->src == CJ_SPACE_HOST ? in_host : in_guest,
                 c.moves->dst == CJ_SPACE_HOST ? in_host : in_guest};
    CJ_TRY(check_paths(&c));
    CJ_TRY(check_ops(&c, 0, c.moves->op_count, in, 0));
    REQUIRE(&c, 0, c.deepest == c.moves->max_depth);
    return CJ_OK;
}

cj_status cj__plan_check(const cj_plan *plan, cj_error *err)
{
    CJ_TRY(check_program(plan, false, err));
    return check_program(plan, true, err);
}
