/* plan_build.c: from a function type and its canonical options to the move plan.
 *
 * Place in the pipeline: plan.h. link/ calls it once per boundary function; nothing here runs during a call.
 * Non-goals: how a back end moves a value; sharing of equal plans (the key is there for it: plan_key.c).
 *
 * One walk over the type tree emits operations in the spec's order, depth first. The walk optimises as it goes, because
 * what it does not emit it need not visit: an aggregate that may be copied whole becomes one COPY, neighbours that are
 * contiguous at both ends grow the COPY before them, a list of such elements becomes one block. What may be copied
 * depends on the direction (types.h, plain and dense): bytes that go to a guest never include padding, an inactive
 * payload, or anything that must be checked or normalised. In a fused plan both ends are a guest's, with one layout.
 *
 * Hostile types: record{a: T, b: T} nested 90 levels has 2^90 leaves. Every value and every case visited is counted
 * against max_plan_ops before anything is made of it, so time and memory are bounded by that; recursion by the type's
 * depth.
 */
#include "abi/plan_internal.h"

#include "base/arena.h"

typedef struct builder {
    const cj_allocator *alloc;
    const cj_config *config;
    const cj_plan_options *options;
    cj_error *err;
    uint32_t visited; /* of both programs */

    /* The program that is being made. */
    CJ_VEC(cj_op) ops;
    CJ_VEC(cj_range) cases;
    CJ_VEC(cj_path) paths;
    bool fused;
    bool into_guest;    /* true in fused plans, too */
    size_t merge_floor; /* operations before this one belong to another range and must not grow */
    uint32_t depth, max_depth;

    /* Of both programs: the resource types by slot, and where in `resources` each is (1 + its slot, 0: free), by open
     * addressing: there are at most as many as operations. */
    CJ_VEC(uint32_t) resources;
    uint32_t *resource_map, resource_map_size;
} builder;

/* Where one value is: the slot or offset at the guest's end (FUSED: at both), the host's offset. */
typedef struct place {
    cj_space space; /* FLAT or MEM */
    uint32_t guest, host;
    uint32_t path;
} place;

static cj_status move_value(builder *b, const cj_type *type, place at);

/* -- Pieces -------------------------------------------------------------------------------------------------------- */

static cj_status visit(builder *b, uint32_t count)
{
    if (count > b->config->max_plan_ops - b->visited)
        return cj__fail(b->err, CJ_LIMIT, "the function's types have more than %u values to move (max_plan_ops)",
                        b->config->max_plan_ops);
    b->visited += count;
    return CJ_OK;
}

static cj_status path_push(builder *b, uint32_t parent, cj_step step, uint32_t index, uint32_t *out)
{
    *out = (uint32_t)b->paths.len;
    if (!CJ_VEC_PUSH(b->alloc, &b->paths, (cj_path){.parent = parent, .step = step, .index = index}))
        return cj__fail_nomem(b->err);
    return CJ_OK;
}

static cj_op op_at(const builder *b, cj_opcode code, place at)
{
    cj_op op = {.code = (uint8_t)code, .depth = b->depth, .path = at.path};
    op.src = b->into_guest && !b->fused ? at.host : at.guest;
    op.dst = b->into_guest ? at.guest : at.host;
    return op;
}

static cj_status push(builder *b, cj_op op)
{
    if (b->depth > b->max_depth)
        b->max_depth = b->depth;
    op.next = (uint32_t)b->ops.len + 1;
    return CJ_VEC_PUSH(b->alloc, &b->ops, op) ? CJ_OK : cj__fail_nomem(b->err);
}

/* -- Copies -------------------------------------------------------------------------------------------------------- */

/* Whether the bytes of a value in memory may be copied as they are. */
static bool copies(const builder *b, const cj_type *type)
{
    return b->into_guest ? type->dense : type->plain;
}

/* Alignment of base + offset when base has `align`. */
static uint32_t align_of_offset(uint32_t align, uint32_t offset)
{
    uint32_t low = offset & (0u - offset);
    return low && low < align ? low : align;
}

/* A COPY of the size of an integer that is aligned like one is an INT: equal layouts are to give equal plans. */
static void set_copy(cj_op *op, uint32_t size, uint32_t align)
{
    bool is_int = size == align && size <= 8;
    op->code = is_int ? CJ_OP_INT : CJ_OP_COPY;
    op->width = is_int ? (uint8_t)size : 0;
    op->size = is_int ? 0 : size;
    op->align = is_int ? 0 : align;
}

/* The previous operation takes the new bytes in when both ends advance by the same distance. Into a guest that must be
 * exactly the size of what was copied; out of it, padding between the two may go along. (Between two operations of one
 * range that follow each other in offset there is nothing but padding.) */
static bool grow_previous(builder *b, place at, uint32_t size, uint32_t align)
{
    if (b->ops.len <= b->merge_floor)
        return false;
    cj_op *last = &b->ops.at[b->ops.len - 1];
    if (last->code != CJ_OP_COPY && last->code != CJ_OP_INT)
        return false;
    uint32_t last_size = last->code == CJ_OP_COPY ? last->size : last->width;
    uint32_t last_align = last->code == CJ_OP_COPY ? last->align : last->width;
    uint32_t last_guest = b->into_guest ? last->dst : last->src, last_host = b->into_guest ? last->src : last->dst;
    uint32_t host = b->fused ? at.guest : at.host, distance = at.guest - last_guest;
    if (at.guest < last_guest || host < last_host || host - last_host != distance || distance < last_size)
        return false;
    if (b->into_guest && distance != last_size)
        return false;
    uint32_t merged = align > last_align ? align : last_align;
    merged = align_of_offset(align_of_offset(merged, last->src), last->dst);
    set_copy(last, distance + size, merged);
    return true;
}

static cj_status copy_bytes(builder *b, const cj_type *type, place at)
{
    if (grow_previous(b, at, type->size, type->align))
        return CJ_OK;
    cj_op op = op_at(b, CJ_OP_COPY, at);
    set_copy(&op, type->size, type->align);
    return push(b, op);
}

/* -- Values by kind ------------------------------------------------------------------------------------------------ */

static cj_status move_number(builder *b, const cj_type *type, place at)
{
    if (at.space == CJ_SPACE_MEM && copies(b, type))
        return copy_bytes(b, type, at);
    cj_op op = op_at(b, CJ_OP_INT, at);
    op.width = (uint8_t)type->size;
    if (at.space == CJ_SPACE_FLAT) {
        op.is_float = type->kind == CJ_KIND_F32 || type->kind == CJ_KIND_F64;
        op.is_signed = b->into_guest && (type->kind == CJ_KIND_S8 || type->kind == CJ_KIND_S16);
    }
    return push(b, op);
}

static cj_status move_fields(builder *b, const cj_type *type, place at)
{
    if (at.space == CJ_SPACE_MEM && copies(b, type))
        return copy_bytes(b, type, at);
    uint32_t slot = at.guest;
    for (uint32_t i = 0; i < type->count; i++) {
        const cj_member *field = &type->members[i];
        place inner = {.space = at.space,
                       .guest = at.space == CJ_SPACE_FLAT ? slot : at.guest + field->offset,
                       .host = at.host + (uint32_t)field->host_offset};
        CJ_TRY(path_push(b, at.path, CJ_STEP_MEMBER, i, &inner.path));
        CJ_TRY(move_value(b, field->type, inner));
        slot += field->type->flat_count;
    }
    return CJ_OK;
}

/* A view must not outlive the call. */
static bool views(const builder *b)
{
    return !b->into_guest && (b->options->kind == CJ_PLAN_IMPORT || b->options->lends_results);
}

static cj_status move_string(builder *b, place at)
{
    cj_op op = op_at(b, CJ_OP_STRING, at);
    op.mode = views(b) && b->options->encoding == CJ_UTF8 ? CJ_MODE_VIEW : CJ_MODE_LOOP;
    return push(b, op);
}

static cj_status move_list(builder *b, const cj_type *type, place at)
{
    const cj_type *elem = type->members[0].type;
    if (elem->size == 0) /* there is no empty type in a component */
        return cj__fail(b->err, CJ_INTERNAL, "a list of empty values");
    cj_op op = op_at(b, CJ_OP_LIST, at);
    op.size = elem->size;
    op.align = elem->align;
    op.host_size = b->fused ? 0 : (uint32_t)elem->host_size;
    op.host_align = b->fused ? 0 : (uint32_t)elem->host_align;
    op.mode = CJ_MODE_LOOP;
    if (copies(b, elem))
        op.mode = views(b) ? CJ_MODE_VIEW : CJ_MODE_BLOCK;
    size_t self = b->ops.len;
    CJ_TRY(push(b, op));

    if (op.mode == CJ_MODE_LOOP) {
        place inner = {.space = CJ_SPACE_MEM};
        CJ_TRY(path_push(b, at.path, CJ_STEP_ELEMENT, 0, &inner.path));
        b->depth++;
        b->merge_floor = b->ops.len;
        CJ_TRY(move_value(b, elem, inner));
        b->depth--;
    }
    b->merge_floor = b->ops.len;
    b->ops.at[self].next = (uint32_t)b->ops.len;
    return CJ_OK;
}

/* enum, and variant, option, result by their despecialised form: option has the cases none and some. */
static cj_status move_variant(builder *b, const cj_type *type, place at)
{
    bool is_option = type->kind == CJ_KIND_OPTION;
    uint32_t count = is_option ? 2 : type->count, payloads = 0;
    for (uint32_t i = 0; i < type->count; i++)
        payloads += type->members[i].type != NULL;

    cj_op op = op_at(b, payloads ? CJ_OP_VARIANT : CJ_OP_ENUM, at);
    op.width = (uint8_t)type->disc_size;
    op.count = count;
    if (!payloads)
        return push(b, op);

    CJ_TRY(visit(b, count));
    op.slots = at.space == CJ_SPACE_FLAT ? type->flat_count - 1 : 0;
    op.cases = (uint32_t)b->cases.len;
    size_t self = b->ops.len;
    CJ_TRY(push(b, op));
    for (uint32_t i = 0; i < count; i++) {
        if (!CJ_VEC_PUSH(b->alloc, &b->cases, (cj_range){0, 0}))
            return cj__fail_nomem(b->err);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t m = is_option ? 0 : i;
        const cj_member *member = is_option && i == 0 ? NULL : &type->members[m];
        uint32_t first = (uint32_t)b->ops.len;
        b->merge_floor = b->ops.len;
        if (member && member->type) {
            place inner = {.space = at.space,
                           .guest = at.space == CJ_SPACE_FLAT ? at.guest + 1 : at.guest + member->offset,
                           .host = at.host + (uint32_t)member->host_offset};
            CJ_TRY(path_push(b, at.path, CJ_STEP_MEMBER, m, &inner.path));
            CJ_TRY(move_value(b, member->type, inner));
        }
        b->cases.at[op.cases + i] = (cj_range){first, (uint32_t)b->ops.len};
    }
    b->merge_floor = b->ops.len;
    b->ops.at[self].next = (uint32_t)b->ops.len;
    return CJ_OK;
}

/* The slot of a resource type: a new one at its first use. */
static cj_status resource_slot(builder *b, uint32_t resource, uint32_t *slot)
{
    uint32_t size = b->resource_map_size;
    if (2 * b->resources.len >= size) {
        uint32_t grown = size ? 2 * size : 16;
        uint32_t *map = cj__calloc(b->alloc, grown, sizeof(*map));
        if (!map)
            return cj__fail_nomem(b->err);
        for (uint32_t i = 0; i < b->resources.len; i++) {
            uint32_t at = b->resources.at[i] & (grown - 1);
            while (map[at])
                at = (at + 1) & (grown - 1);
            map[at] = i + 1;
        }
        cj__free(b->alloc, b->resource_map, size * sizeof(*map));
        b->resource_map = map;
        b->resource_map_size = size = grown;
    }
    uint32_t at = resource & (size - 1); /* they are dense numbers, given in order: no need of a hash */
    for (; b->resource_map[at]; at = (at + 1) & (size - 1)) {
        *slot = b->resource_map[at] - 1;
        if (b->resources.at[*slot] == resource)
            return CJ_OK;
    }
    *slot = (uint32_t)b->resources.len;
    if (!CJ_VEC_PUSH(b->alloc, &b->resources, resource))
        return cj__fail_nomem(b->err);
    b->resource_map[at] = *slot + 1;
    return CJ_OK;
}

static cj_status move_handle(builder *b, const cj_type *type, place at)
{
    cj_op op = op_at(b, type->kind == CJ_KIND_OWN ? CJ_OP_OWN : CJ_OP_BORROW, at);
    CJ_TRY(resource_slot(b, type->resource, &op.count));
    return push(b, op);
}

static cj_status move_value(builder *b, const cj_type *type, place at)
{
    CJ_TRY(visit(b, 1));
    cj_op op;
    switch (type->kind) {
    case CJ_KIND_BOOL:
        return push(b, op_at(b, CJ_OP_BOOL, at));
    case CJ_KIND_S8:
    case CJ_KIND_U8:
    case CJ_KIND_S16:
    case CJ_KIND_U16:
    case CJ_KIND_S32:
    case CJ_KIND_U32:
    case CJ_KIND_S64:
    case CJ_KIND_U64:
    case CJ_KIND_F32:
    case CJ_KIND_F64:
        return move_number(b, type, at);
    case CJ_KIND_CHAR:
        return push(b, op_at(b, CJ_OP_CHAR, at));
    case CJ_KIND_STRING:
        return move_string(b, at);
    case CJ_KIND_LIST:
        return move_list(b, type, at);
    case CJ_KIND_RECORD:
    case CJ_KIND_TUPLE:
        return move_fields(b, type, at);
    case CJ_KIND_VARIANT:
    case CJ_KIND_ENUM:
    case CJ_KIND_OPTION:
    case CJ_KIND_RESULT:
        return move_variant(b, type, at);
    case CJ_KIND_FLAGS:
        op = op_at(b, CJ_OP_FLAGS, at);
        op.width = (uint8_t)type->disc_size;
        op.count = type->count;
        return push(b, op);
    case CJ_KIND_OWN:
    case CJ_KIND_BORROW:
        return move_handle(b, type, at);
    case CJ_KIND_FIXED_LIST: /* gated: the linker refuses them by name */
    case CJ_KIND_STREAM:
    case CJ_KIND_FUTURE:
    case CJ_KIND_ERROR_CONTEXT:
    case CJ_KIND_COUNT:
        break;
    }
    return cj__fail(b->err, CJ_INTERNAL, "no plan for a %s", cj_kind_name(type->kind));
}

/* -- Programs ------------------------------------------------------------------------------------------------------ */

static void program_begin(builder *b, cj_moves *moves, bool into_guest, bool spilled)
{
    cj_space guest = spilled ? CJ_SPACE_MEM : CJ_SPACE_FLAT;
    moves->src = into_guest && !b->fused ? CJ_SPACE_HOST : guest;
    moves->dst = into_guest ? guest : CJ_SPACE_HOST;
    b->into_guest = into_guest;
    b->ops.len = b->cases.len = b->paths.len = b->merge_floor = 0;
    b->depth = b->max_depth = 0;
}

static cj_status program_end(builder *b, cj_arena *arena, cj_moves *moves)
{
    moves->op_count = (uint32_t)b->ops.len;
    moves->case_count = (uint32_t)b->cases.len;
    moves->path_count = (uint32_t)b->paths.len;
    moves->max_depth = b->max_depth;
    moves->ops = cj__arena_dup(arena, b->ops.at, b->ops.len * sizeof(cj_op), _Alignof(cj_op));
    moves->cases = cj__arena_dup(arena, b->cases.at, b->cases.len * sizeof(cj_range), _Alignof(cj_range));
    moves->paths = cj__arena_dup(arena, b->paths.at, b->paths.len * sizeof(cj_path), _Alignof(cj_path));
    return moves->ops && moves->cases && moves->paths ? CJ_OK : cj__fail_nomem(b->err);
}

static cj_status build_args(builder *b, const cj_functype *type, cj_plan *plan)
{
    const cj_type *tuple = type->params_tuple;
    bool spilled = plan->sig.spill_params;
    program_begin(b, &plan->args, plan->options.kind != CJ_PLAN_IMPORT, spilled);
    place at = {.space = spilled ? CJ_SPACE_MEM : CJ_SPACE_FLAT};
    uint32_t slot = 0;
    for (uint32_t i = 0; i < type->param_count; i++) {
        at.guest = spilled ? tuple->members[i].offset : slot;
        at.host = (uint32_t)tuple->members[i].host_offset;
        CJ_TRY(path_push(b, UINT32_MAX, CJ_STEP_PARAM, i, &at.path));
        CJ_TRY(move_value(b, type->params[i].type, at));
        slot += type->params[i].type->flat_count;
    }
    return program_end(b, plan->arena, &plan->args);
}

static cj_status build_results(builder *b, const cj_functype *type, cj_plan *plan)
{
    bool spilled = plan->sig.spill_results;
    program_begin(b, &plan->results, plan->options.kind != CJ_PLAN_EXPORT, spilled);
    if (type->result) {
        place at = {.space = spilled ? CJ_SPACE_MEM : CJ_SPACE_FLAT};
        CJ_TRY(path_push(b, UINT32_MAX, CJ_STEP_RESULT, 0, &at.path));
        CJ_TRY(move_value(b, type->result, at));
    }
    return program_end(b, plan->arena, &plan->results);
}

/* One borrow, in no list and no case of a variant. */
static bool lends_one(const cj_moves *args)
{
    uint32_t all = 0, certain = 0;
    for (uint32_t i = 0; i < args->op_count; i++)
        all += args->ops[i].code == CJ_OP_BORROW;
    for (uint32_t i = 0; i < args->op_count; i = args->ops[i].next)
        certain += args->ops[i].code == CJ_OP_BORROW;
    return all == 1 && certain == 1;
}

static cj_status build(builder *b, const cj_functype *type, cj_plan *plan)
{
    cj__core_sig(type, plan->options.kind != CJ_PLAN_EXPORT, &plan->sig);
    plan->params_size = type->params_tuple->size;
    plan->params_align = type->params_tuple->align;
    cj_plan_kind kind = plan->options.kind;
    plan->has_borrow = type->params_tuple->has_borrow || (kind == CJ_PLAN_IMPORT && type->params_tuple->has_handle) ||
                       (kind == CJ_PLAN_EXPORT && type->result && type->result->has_handle);
    if (type->param_count && !b->fused) {
        plan->host_args_size = type->params_tuple->host_size;
        plan->host_args_align = type->params_tuple->host_align;
    }
    if (type->result) {
        plan->result_size = type->result->size;
        plan->result_align = type->result->align;
    }
    if (type->result && !b->fused) {
        plan->host_result_size = type->result->host_size;
        plan->host_result_align = type->result->host_align;
    }
    if (plan->host_args_size > UINT32_MAX || plan->host_result_size > UINT32_MAX)
        return cj__fail(b->err, CJ_UNSUPPORTED, "unsupported: parameters of 4 GiB and more");
    CJ_TRY(build_args(b, type, plan));
    plan->lends_one = kind != CJ_PLAN_IMPORT && lends_one(&plan->args);
    CJ_TRY(build_results(b, type, plan));
    plan->resource_count = (uint32_t)b->resources.len;
    plan->resources =
        cj__arena_dup(plan->arena, b->resources.at, b->resources.len * sizeof(uint32_t), _Alignof(uint32_t));
    if (!plan->resources)
        return cj__fail_nomem(b->err);
    return cj__plan_make_key(plan, b->alloc, b->err);
}

void cj__plan_callee_sig(const cj_plan *plan, cj_core_sig *out)
{
    *out = plan->sig;
    if (plan->options.kind == CJ_PLAN_FUSED && plan->sig.spill_results) {
        out->param_count--;
        out->result_count = 1;
        out->result = CJ_CORE_I32;
    }
}

void cj__plan_needs(const cj_functype *type, cj_plan_kind kind, bool *memory, bool *realloc)
{
    const cj_type *params = type->params_tuple, *result = type->result;
    bool params_in_memory = params->has_pointer || params->flat_count > CJ_MAX_FLAT_PARAMS;
    bool result_in_memory = result && (result->has_pointer || result->flat_count > CJ_MAX_FLAT_RESULTS);
    *memory = params_in_memory || result_in_memory;
    *realloc = kind == CJ_PLAN_IMPORT ? result && result->has_pointer : params_in_memory;
}

static cj_status check_needs(const cj_functype *type, cj_plan_kind kind, bool has_memory, bool has_realloc,
                             cj_error *err)
{
    bool memory, realloc;
    cj__plan_needs(type, kind, &memory, &realloc);
    if (memory && !has_memory)
        return cj__fail(err, CJ_INVALID, "the function's type needs the canonical option `memory`");
    if (realloc && !has_realloc)
        return cj__fail(err, CJ_INVALID, "the function's type needs the canonical option `realloc`");
    return CJ_OK;
}

cj_status cj__plan_build(const cj_config *config, const cj_functype *type, const cj_plan_options *options,
                         cj_plan **out, cj_error *err)
{
    if (type->is_async)
        return cj__fail(err, CJ_UNSUPPORTED, "unsupported: async function types");
    CJ_TRY(check_needs(type, options->kind, options->has_memory, options->has_realloc, err));
    if (options->kind == CJ_PLAN_FUSED)
        CJ_TRY(check_needs(type, CJ_PLAN_IMPORT, options->caller_has_memory, options->caller_has_realloc, err));

    cj_arena *arena;
    const cj_allocator *alloc = cj__alloc_or_default(config->allocator);
    if (cj_arena_new(alloc, &arena) != CJ_OK)
        return cj__fail_nomem(err);
    cj_plan *plan = CJ_ARENA_NEW(arena, cj_plan);
    cj_status status = CJ_NO_MEMORY;
    if (plan) {
        plan->options = *options;
        plan->arena = arena;
        builder b = {.alloc = alloc,
                     .config = config,
                     .options = &plan->options,
                     .err = err,
                     .fused = options->kind == CJ_PLAN_FUSED};
        status = build(&b, type, plan);
        CJ_VEC_FREE(alloc, &b.ops);
        CJ_VEC_FREE(alloc, &b.cases);
        CJ_VEC_FREE(alloc, &b.paths);
        CJ_VEC_FREE(alloc, &b.resources);
        cj__free(alloc, b.resource_map, b.resource_map_size * sizeof(*b.resource_map));
    } else {
        cj__fail_nomem(err);
    }
    if (status == CJ_OK)
        *out = plan;
    else
        cj_arena_delete(arena);
    return status;
}

void cj__plan_delete(cj_plan *plan)
{
    if (plan)
        cj_arena_delete(plan->arena);
}

static bool copy_moves(cj_arena *arena, cj_moves *moves)
{
    moves->ops = cj__arena_dup(arena, moves->ops, moves->op_count * sizeof(cj_op), _Alignof(cj_op));
    moves->cases = cj__arena_dup(arena, moves->cases, moves->case_count * sizeof(cj_range), _Alignof(cj_range));
    moves->paths = NULL;
    moves->path_count = 0;
    return moves->ops && moves->cases;
}

cj_plan *cj__plan_copy_shape(const cj_allocator *alloc, const cj_plan *plan)
{
    cj_arena *arena;
    if (cj_arena_new(alloc, &arena) != CJ_OK)
        return NULL;
    cj_plan *copy = CJ_ARENA_NEW(arena, cj_plan);
    if (copy) {
        *copy = *plan;
        copy->arena = arena;
        copy->resources = NULL;
        copy->resource_count = 0;
        copy->key = cj__arena_dup(arena, plan->key, plan->key_len, 1);
    }
    if (copy && copy->key && copy_moves(arena, &copy->args) && copy_moves(arena, &copy->results))
        return copy;
    cj_arena_delete(arena);
    return NULL;
}
