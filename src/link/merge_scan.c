/* merge_scan.c: validates function bodies and notes their sites: the places that merge_code.c must rewrite.
 *
 * Place in the pipeline: once per module, before anything is decided about the group. The algorithm is that of the core
 * specification's appendix "Validation Algorithm": a stack of operand types and a stack of control frames. WAMR's
 * loader validates too, but what it is given has new indices and inserted code, and its faults are reached with invalid
 * modules; so only valid ones get there.
 * Non-goals: speed by omission. Nor is this where most instructions are done: merge_scan_loop.c.
 */
#include "link/merge_scan.h"

/* WAMR has SIMD only where it compiles. */
#if defined(CJ_ENGINE_JIT) && !CJ_ENGINE_JIT
#define HAVE_SIMD 0
#else
#define HAVE_SIMD 1
#endif
#define NO_SIMD "unsupported: core SIMD where WAMR interprets"

/* -- Instruction tables -------------------------------------------------------------------------------------------- */

typedef struct op_row {
    uint8_t imm, arg;
    uint16_t sig;
} op_row;

#define CJ_X(code, text, imm, arg, sig) [code] = {IMM_##imm, arg, sig},
static const op_row plain_ops[256] = {CJ_OPCODE_MAP(CJ_X)};
static const op_row fc_ops[8] = {CJ_OPCODE_FC_MAP(CJ_X)};
static const op_row fd_ops[256] = {CJ_OPCODE_FD_MAP(CJ_X)};
#undef CJ_X

/* -- Operands ------------------------------------------------------------------------------------------------------ */

static uint64_t op_offset(const cj_scan *f)
{
    return f->r.start_offset + (uint64_t)(f->op_at - f->r.start);
}

#define FAIL(f, status, ...) cj__fail_at((f)->s->err, (status), op_offset(f), __VA_ARGS__)

/* For push and pop: false tells the caller to leave with f->status. */
static bool fail_mismatch(cj_scan *f, uint8_t wanted, uint8_t found)
{
    f->status = found == ANY ? FAIL(f, CJ_INVALID, "type mismatch: expected %s, found nothing on the operand stack",
                                    cj__core_valtype_name(wanted))
                             : FAIL(f, CJ_INVALID, "type mismatch: expected %s, found %s",
                                    cj__core_valtype_name(wanted), cj__core_valtype_name(found));
    return false;
}

static void use_stack(cj_scan *f)
{
    size_t room = f->s->stack_cap - 2 * STACK_PAD;
    uint32_t most = f->s->config->max_function_slots - f->local_count;
    f->stack = f->s->stack + STACK_PAD;
    f->limit = room < most ? (uint32_t)room : most;
}

static bool push_slow(cj_scan *f, uint32_t count)
{
    const cj_config *config = f->s->config;
    if ((uint64_t)f->height + f->local_count + count > config->max_function_slots) {
        f->status =
            FAIL(f, CJ_LIMIT, "function needs more locals and operand stack slots than max_function_slots, which is %u",
                 config->max_function_slots);
        return false;
    }
    if (!cj__vec_grow(f->s->alloc, (void **)&f->s->stack, &f->s->stack_cap, 1,
                      (size_t)f->height + count + 2 * STACK_PAD)) {
        f->status = cj__fail_nomem(f->s->err);
        return false;
    }
    use_stack(f);
    return true;
}

static inline bool push(cj_scan *f, uint8_t type)
{
    if (CJ_UNLIKELY(f->height == f->limit) && !push_slow(f, 1))
        return false;
    f->stack[f->height++] = type;
    return true;
}

static inline bool push_all(cj_scan *f, const uint8_t *types, uint32_t count)
{
    if (CJ_UNLIKELY(f->limit - f->height < count) && !push_slow(f, count))
        return false;
    if (count) {
        memcpy(f->stack + f->height, types, count);
        f->height += count;
    }
    return true;
}

static inline bool pop(cj_scan *f, uint8_t type)
{
    if (CJ_LIKELY(f->height > f->top->height)) {
        uint8_t found = f->stack[--f->height];
        return CJ_LIKELY(found == type) || found == ANY || fail_mismatch(f, type, found);
    }
    return f->top->unreachable || fail_mismatch(f, type, ANY);
}

/* Of any type: what it is, or ANY. */
static inline bool pop_any(cj_scan *f, uint8_t *out)
{
    if (f->height > f->top->height) {
        *out = f->stack[--f->height];
        return true;
    }
    *out = ANY;
    if (!f->top->unreachable)
        f->status = FAIL(f, CJ_INVALID, "type mismatch: nothing on the operand stack");
    return f->top->unreachable;
}

static inline bool pop_all(cj_scan *f, const uint8_t *types, uint32_t count)
{
    if (count == 0)
        return true;
    if (f->height - f->top->height >= count && memcmp(f->stack + f->height - count, types, count) == 0) {
        f->height -= count;
        return true;
    }
    while (count > 0)
        if (!pop(f, types[--count]))
            return false;
    return true;
}

static void become_unreachable(cj_scan *f)
{
    f->height = f->top->height;
    f->top->unreachable = true;
}

static cj_status enter(cj_scan *f, uint8_t op, const uint8_t *params, uint32_t param_count, const uint8_t *results,
                       uint32_t result_count)
{
    cj_scanner *s = f->s;
    if (s->frames.len > s->config->max_function_nesting) /* the function itself is one */
        return FAIL(f, CJ_LIMIT, "blocks nest deeper than max_function_nesting, which is %u",
                    s->config->max_function_nesting);
    if (!CJ_VEC_PUSH(s->alloc, &s->frames,
                     (cj_scan_frame){.height = f->height,
                                     .op = op,
                                     .params = params,
                                     .results = results,
                                     .param_count = param_count,
                                     .result_count = result_count,
                                     .calls_before = f->calls}))
        return cj__fail_nomem(s->err);
    f->top = &s->frames.at[s->frames.len - 1];
    return CJ_OK;
}

static cj_status add_site(cj_scan *f, cj_site_kind kind, const uint8_t *at, uint32_t value, uint32_t aux)
{
    cj_site site = {(uint32_t)(at - f->r.start), value, aux, (uint8_t)kind, (uint8_t)(f->r.at - at)};
    return CJ_VEC_PUSH(f->s->alloc, &f->m->sites, site) ? CJ_OK : cj__fail_nomem(f->s->err);
}

/* -- Immediates ---------------------------------------------------------------------------------------------------- */

static inline cj_status read_u32(cj_scan *f, uint32_t *out, const char *what)
{
    if (CJ_LIKELY(f->r.at != f->r.end && *f->r.at < 0x80)) {
        *out = *f->r.at++;
        return CJ_OK;
    }
    return cj__read_u32(&f->r, out, what);
}

static cj_status read_index(cj_scan *f, uint32_t count, uint32_t *out, const char *what)
{
    CJ_TRY(read_u32(f, out, what));
    if (CJ_UNLIKELY(*out >= count))
        return FAIL(f, CJ_INVALID, "unknown %s %u (there are %u)", what, *out, count);
    return CJ_OK;
}

static cj_status skip_leb(cj_scan *f, uint32_t width)
{
    if (CJ_LIKELY(f->r.at != f->r.end && *f->r.at < 0x80)) {
        f->r.at++;
        return CJ_OK;
    }
    int32_t i32;
    int64_t i64;
    return width == 32 ? cj__read_s32(&f->r, &i32, "an i32") : cj__read_s64(&f->r, &i64, "an i64");
}

static cj_status skip_bytes(cj_scan *f, uint32_t count, const char *what)
{
    const uint8_t *bytes;
    return cj__read_bytes(&f->r, count, &bytes, what);
}

static cj_status need_memory(cj_scan *f)
{
    return f->o->memory_count ? CJ_OK : FAIL(f, CJ_INVALID, "unknown memory 0 (there is none)");
}

/* WAMR wants the byte 0 and no other encoding of it. */
static cj_status read_memory_index(cj_scan *f, bool note)
{
    const uint8_t *at = f->r.at;
    uint32_t index;
    CJ_TRY(read_index(f, f->o->memory_count, &index, "memory"));
    if (note && f->r.at - at > 1)
        CJ_TRY(add_site(f, CJ_SITE_MEMORY_INDEX, at, 0, 0));
    return CJ_OK;
}

static cj_status read_memarg(cj_scan *f, uint32_t natural)
{
    uint32_t align, offset;
    CJ_TRY(read_u32(f, &align, "an alignment"));
    if (CJ_UNLIKELY(align > natural)) {
        if (align >= 0x40 && align < 0x80)
            return FAIL(f, CJ_UNSUPPORTED, "unsupported: core multi-memory");
        return FAIL(f, CJ_INVALID, "alignment 2^%u is larger than natural, 2^%u", align, natural);
    }
    CJ_TRY(read_u32(f, &offset, "an offset"));
    return need_memory(f);
}

static cj_status read_lanes(cj_scan *f, uint32_t count, uint32_t below)
{
    const uint8_t *lanes;
    CJ_TRY(cj__read_bytes(&f->r, count, &lanes, "a lane"));
    for (uint32_t i = 0; i < count; i++)
        if (lanes[i] >= below)
            return FAIL(f, CJ_INVALID, "lane %u is not below %u", lanes[i], below);
    return CJ_OK;
}

static cj_status read_reftype(cj_scan *f, uint8_t *out)
{
    CJ_TRY(cj__core_read_valtype(&f->r, out, "a reference type"));
    return cj__core_is_ref(*out)
               ? CJ_OK
               : FAIL(f, CJ_MALFORMED, "expected a reference type, found %s", cj__core_valtype_name(*out));
}

/* -- Instructions by row ------------------------------------------------------------------------------------------- */

static inline cj_status run_row(cj_scan *f, op_row row)
{
    switch (row.imm) {
    case IMM_NONE:
        break;
    case IMM_MEMARG:
        CJ_TRY(read_memarg(f, row.arg));
        break;
    case IMM_MEMARG_LANE:
        CJ_TRY(read_memarg(f, row.arg));
        CJ_TRY(read_lanes(f, 1, 16u >> row.arg));
        break;
    case IMM_MEMORY:
        if (*f->op_at == OP_MEMORY_GROW)
            f->heavy++;
        CJ_TRY(read_memory_index(f, true));
        break;
    case IMM_I32:
        CJ_TRY(skip_leb(f, 32));
        f->const_at = f->op_at;
        f->const_end = f->r.at;
        break;
    case IMM_I64:
        CJ_TRY(skip_leb(f, 64));
        break;
    case IMM_F32:
        CJ_TRY(skip_bytes(f, 4, "an f32"));
        break;
    case IMM_F64:
        CJ_TRY(skip_bytes(f, 8, "an f64"));
        break;
    case IMM_V128:
        CJ_TRY(skip_bytes(f, 16, "a v128"));
        break;
    case IMM_LANE:
        CJ_TRY(read_lanes(f, 1, row.arg));
        break;
    case IMM_SHUFFLE:
        CJ_TRY(read_lanes(f, 16, row.arg));
        break;
    default:
        return FAIL(f, CJ_MALFORMED, "expected an instruction, found 0x%02x", *f->op_at);
    }
    for (int i = 2; i >= 0; i--)
        if (S_OPERAND(row.sig, i) && !pop(f, (uint8_t)(0x80 - S_OPERAND(row.sig, i))))
            return f->status;
    if (S_RESULT(row.sig) && !push(f, (uint8_t)(0x80 - S_RESULT(row.sig))))
        return f->status;
    return CJ_OK;
}

/* -- Control ------------------------------------------------------------------------------------------------------- */

typedef struct block_type {
    const uint8_t *params, *results;
    uint32_t param_count, result_count;
} block_type;

static cj_status read_block_type(cj_scan *f, block_type *out)
{
    const uint8_t *at = f->r.at;
    memset(out, 0, sizeof(*out));
    if (at != f->r.end && *at == EMPTY_BLOCK) {
        f->r.at++;
        return CJ_OK;
    }
    if (at != f->r.end && *at > EMPTY_BLOCK && *at < 0x80) { /* a negative number of one byte: a value type */
        uint8_t type;
        out->results = at;
        out->result_count = 1;
        return cj__core_read_valtype(&f->r, &type, "a block type");
    }
    int64_t index;
    CJ_TRY(cj__read_s33(&f->r, &index, "a block type"));
    if (index < 0)
        return FAIL(f, CJ_MALFORMED, "expected a block type, found %lld", (long long)index);
    if (index >= f->o->type_count)
        return FAIL(f, CJ_INVALID, "unknown type %lld (there are %u)", (long long)index, f->o->type_count);
    const cj_core_functype *type = &f->o->types[index];
    *out = (block_type){type->params, type->results, type->param_count, type->result_count};
    return add_site(f, CJ_SITE_BLOCK_TYPE, at, (uint32_t)index, 0);
}

static cj_status run_block(cj_scan *f, uint8_t op)
{
    block_type type;
    CJ_TRY(read_block_type(f, &type));
    if (op == OP_IF && !pop(f, CJ_CORE_I32))
        return f->status;
    if (!pop_all(f, type.params, type.param_count))
        return f->status;
    CJ_TRY(enter(f, op, type.params, type.param_count, type.results, type.result_count));
    if (op == OP_LOOP) {
        f->has_loop = true;
        if (f->s->interruptible) {
            f->top->loop_site = (uint32_t)f->m->sites.len;
            f->top->loop_at = (uint32_t)(f->op_at - f->r.start);
            CJ_TRY(add_site(f, CJ_SITE_LOOP, f->r.at, 0, 0));
        }
    }
    return push_all(f, type.params, type.param_count) ? CJ_OK : f->status;
}

/* The block's results must be all that its part of the operand stack has. */
static cj_status pop_results(cj_scan *f)
{
    if (!pop_all(f, f->top->results, f->top->result_count))
        return f->status;
    if (f->height != f->top->height)
        return FAIL(f, CJ_INVALID, "type mismatch: %u operands more than results at the end of a block",
                    f->height - f->top->height);
    return CJ_OK;
}

static cj_status run_else(cj_scan *f)
{
    if (f->top->op != OP_IF)
        return FAIL(f, CJ_MALFORMED, "else without if");
    CJ_TRY(pop_results(f));
    f->top->op = OP_ELSE;
    f->top->unreachable = false;
    f->top->br_table = 0;
    return push_all(f, f->top->params, f->top->param_count) ? CJ_OK : f->status;
}

static uint32_t weigh(const cj_scan *f, const uint8_t *from, uint32_t calls)
{
    uint64_t weight = (uint64_t)(f->r.at - from) + (uint64_t)calls * CJ_WEIGHT_CALL;
    return cj__sat32(weight);
}

/* The end of a block that is not the function's. */
cj_status cj__scan_block_end(cj_scan *f)
{
    cj_scan_frame *top = f->top;
    if (top->op == OP_IF && (top->param_count != top->result_count ||
                             (top->param_count && memcmp(top->params, top->results, top->param_count) != 0)))
        return FAIL(f, CJ_INVALID, "type mismatch: if without else must have results like its parameters");
    CJ_TRY(pop_results(f));
    if (top->op == OP_LOOP && f->s->interruptible) {
        uint32_t weight = weigh(f, f->r.start + top->loop_at, f->calls - top->calls_before);
        f->m->sites.at[top->loop_site].value = weight < CJ_BUDGET_LOOP ? weight : CJ_BUDGET_LOOP;
    }
    const uint8_t *results = top->results;
    uint32_t count = top->result_count;
    f->s->frames.len--;
    f->top--;
    return push_all(f, results, count) ? CJ_OK : f->status;
}

static inline cj_status read_label(cj_scan *f, cj_scan_frame **out, const uint8_t **types, uint32_t *count)
{
    uint32_t depth;
    CJ_TRY(read_u32(f, &depth, "a label"));
    if (depth >= f->s->frames.len)
        return FAIL(f, CJ_INVALID, "unknown label %u (there are %zu)", depth, f->s->frames.len);
    cj_scan_frame *target = f->top - depth;
    *out = target;
    *types = target->op == OP_LOOP ? target->params : target->results;
    *count = target->op == OP_LOOP ? target->param_count : target->result_count;
    return CJ_OK;
}

/* That the operands would do for a label, without taking them. */
static cj_status peek_all(cj_scan *f, const uint8_t *types, uint32_t count)
{
    uint32_t own = f->height - f->top->height;
    if (count == 0)
        return CJ_OK;
    if (own < count && !f->top->unreachable)
        return fail_mismatch(f, types[count - own - 1], ANY) ? CJ_OK : f->status;
    uint32_t have = own < count ? own : count;
    const uint8_t *operands = f->stack + f->height - have;
    types += count - have;
    if (have == 0 || memcmp(operands, types, have) == 0)
        return CJ_OK;
    for (uint32_t i = have; i-- > 0;)
        if (operands[i] != types[i] && operands[i] != ANY)
            return fail_mismatch(f, types[i], operands[i]) ? CJ_OK : f->status;
    return CJ_OK;
}

static cj_status run_br_table(cj_scan *f)
{
    uint32_t count, arity = 0;
    if (!pop(f, CJ_CORE_I32))
        return f->status;
    CJ_TRY(cj__read_count(&f->r, 0, NULL, &count, "labels"));
    uint32_t self = ++f->br_tables;
    for (uint64_t i = 0; i <= count; i++) {
        cj_scan_frame *target = NULL;
        const uint8_t *types = NULL;
        uint32_t n = 0;
        CJ_TRY(read_label(f, &target, &types, &n));
        if (i == 0)
            arity = n;
        else if (n != arity)
            return FAIL(f, CJ_INVALID, "type mismatch: the labels of a br_table take %u and %u operands", arity, n);
        if (target->br_table != self) { /* once per label: a table may name one a million times */
            target->br_table = self;
            CJ_TRY(peek_all(f, types, n));
        }
    }
    become_unreachable(f);
    return CJ_OK;
}

/* -- Calls --------------------------------------------------------------------------------------------------------- */

static cj_status apply_type(cj_scan *f, const cj_core_functype *type, bool tail)
{
    if (!pop_all(f, type->params, type->param_count))
        return f->status;
    f->calls++;
    if (!tail)
        return push_all(f, type->results, type->result_count) ? CJ_OK : f->status;
    const cj_scan_frame *function = f->s->frames.at;
    if (type->result_count != function->result_count ||
        (type->result_count && memcmp(type->results, function->results, type->result_count) != 0))
        return FAIL(f, CJ_INVALID, "type mismatch: a tail call must give the results of its function");
    become_unreachable(f);
    return CJ_OK;
}

static cj_status run_call(cj_scan *f, bool tail)
{
    uint32_t index;
    CJ_TRY(read_index(f, f->o->func_count, &index, "function"));
    CJ_TRY(add_site(f, tail ? CJ_SITE_RETURN_CALL : CJ_SITE_CALL, f->op_at, index, 0));
    return apply_type(f, &f->o->types[f->o->func_types[index]], tail);
}

static cj_status run_call_indirect(cj_scan *f, bool tail)
{
    uint32_t type, table;
    CJ_TRY(read_index(f, f->o->type_count, &type, "type"));
    CJ_TRY(read_index(f, f->o->table_count, &table, "table"));
    if (f->o->tables[table].value_type != CJ_CORE_FUNCREF)
        return FAIL(f, CJ_INVALID, "type mismatch: call_indirect through a table of %s",
                    cj__core_valtype_name(f->o->tables[table].value_type));
    if (f->const_end == f->op_at)
        CJ_TRY(add_site(f, tail ? CJ_SITE_RETURN_CALL_CONST : CJ_SITE_CALL_CONST, f->const_at, table, type));
    else
        CJ_TRY(add_site(f, tail ? CJ_SITE_RETURN_CALL_INDIRECT : CJ_SITE_CALL_INDIRECT, f->op_at, table, type));
    if (!pop(f, CJ_CORE_I32))
        return f->status;
    return apply_type(f, &f->o->types[type], tail);
}

/* -- Tables, references, bulk memory ------------------------------------------------------------------------------- */

static cj_status read_table(cj_scan *f, uint32_t *out, bool note)
{
    const uint8_t *at = f->r.at;
    CJ_TRY(read_index(f, f->o->table_count, out, "table"));
    return note ? add_site(f, CJ_SITE_TABLE, at, *out, 0) : CJ_OK;
}

static cj_status pop3(cj_scan *f, uint8_t a, uint8_t b, uint8_t c)
{
    return (!c || pop(f, c)) && (!b || pop(f, b)) && (!a || pop(f, a)) ? CJ_OK : f->status;
}

static cj_status read_data_index(cj_scan *f, uint32_t *out)
{
    if (!f->o->has_data_count)
        return FAIL(f, CJ_MALFORMED, "instruction on a data segment, but there is no data count section");
    return read_index(f, f->o->data_count, out, "data segment");
}

static cj_status run_fc(cj_scan *f)
{
    uint32_t sub, index, other;
    CJ_TRY(read_u32(f, &sub, "an instruction"));
    if (sub < CJ_COUNT(fc_ops))
        return run_row(f, fc_ops[sub]);
    switch (sub) {
    case FC_MEMORY_INIT:
        CJ_TRY(read_data_index(f, &index));
        CJ_TRY(read_memory_index(f, false));
        CJ_TRY(add_site(f, CJ_SITE_MEMORY_INIT, f->op_at, index, 0));
        return pop3(f, CJ_CORE_I32, CJ_CORE_I32, CJ_CORE_I32);
    case FC_DATA_DROP:
        CJ_TRY(read_data_index(f, &index));
        f->m->data_dropped[index] = 1;
        return add_site(f, CJ_SITE_DATA_DROP, f->op_at, index, 0);
    case FC_MEMORY_COPY:
        CJ_TRY(read_memory_index(f, !f->s->interruptible));
        CJ_TRY(read_memory_index(f, !f->s->interruptible));
        if (f->s->interruptible)
            CJ_TRY(add_site(f, CJ_SITE_MEMORY_COPY, f->op_at, 0, 0));
        f->has_bulk = true;
        f->calls++;
        return pop3(f, CJ_CORE_I32, CJ_CORE_I32, CJ_CORE_I32);
    case FC_MEMORY_FILL:
        CJ_TRY(read_memory_index(f, !f->s->interruptible));
        if (f->s->interruptible)
            CJ_TRY(add_site(f, CJ_SITE_MEMORY_FILL, f->op_at, 0, 0));
        f->has_bulk = true;
        f->calls++;
        return pop3(f, CJ_CORE_I32, CJ_CORE_I32, CJ_CORE_I32);
    case FC_TABLE_INIT:
        CJ_TRY(read_index(f, f->o->elem_count, &index, "element segment"));
        CJ_TRY(read_table(f, &other, false));
        if (f->o->elems[index].ref_type != f->o->tables[other].value_type)
            return FAIL(f, CJ_INVALID, "type mismatch: table.init of a %s table with %s",
                        cj__core_valtype_name(f->o->tables[other].value_type),
                        cj__core_valtype_name(f->o->elems[index].ref_type));
        f->m->table_facts[other] |= CJ_TABLE_WRITTEN;
        f->calls++;
        CJ_TRY(add_site(f, CJ_SITE_TABLE_INIT, f->op_at, index, other));
        return pop3(f, CJ_CORE_I32, CJ_CORE_I32, CJ_CORE_I32);
    case FC_ELEM_DROP:
        CJ_TRY(read_index(f, f->o->elem_count, &index, "element segment"));
        f->m->elem_dropped[index] = 1;
        return add_site(f, CJ_SITE_ELEM_DROP, f->op_at, index, 0);
    case FC_TABLE_COPY:
        CJ_TRY(read_table(f, &index, true));
        CJ_TRY(read_table(f, &other, true));
        if (f->o->tables[index].value_type != f->o->tables[other].value_type)
            return FAIL(f, CJ_INVALID, "type mismatch: table.copy between tables of different types");
        f->m->table_facts[index] |= CJ_TABLE_WRITTEN;
        f->calls++;
        return pop3(f, CJ_CORE_I32, CJ_CORE_I32, CJ_CORE_I32);
    case FC_TABLE_GROW:
        CJ_TRY(read_table(f, &index, true));
        f->m->table_facts[index] |= CJ_TABLE_WRITTEN | CJ_TABLE_GROWN;
        f->heavy++;
        CJ_TRY(pop3(f, 0, f->o->tables[index].value_type, CJ_CORE_I32));
        return push(f, CJ_CORE_I32) ? CJ_OK : f->status;
    case FC_TABLE_SIZE:
        CJ_TRY(read_table(f, &index, true));
        return push(f, CJ_CORE_I32) ? CJ_OK : f->status;
    case FC_TABLE_FILL:
        CJ_TRY(read_table(f, &index, true));
        f->m->table_facts[index] |= CJ_TABLE_WRITTEN;
        f->heavy++;
        return pop3(f, CJ_CORE_I32, f->o->tables[index].value_type, CJ_CORE_I32);
    default:
        if (sub >= 19 && sub <= 22)
            return FAIL(f, CJ_UNSUPPORTED, "unsupported: core wide arithmetic");
        return FAIL(f, CJ_MALFORMED, "expected an instruction, found 0xfc %u", sub);
    }
}

static cj_status run_fd(cj_scan *f)
{
    uint32_t sub;
    CJ_TRY(read_u32(f, &sub, "an instruction"));
    if (sub >= CJ_COUNT(fd_ops)) {
        if (sub < 0x130)
            return FAIL(f, CJ_UNSUPPORTED, "unsupported: core relaxed SIMD");
        return FAIL(f, CJ_MALFORMED, "expected an instruction, found 0xfd %u", sub);
    }
    if (fd_ops[sub].imm == IMM_ABSENT)
        return FAIL(f, CJ_MALFORMED, "expected an instruction, found 0xfd %u", sub);
    if (!HAVE_SIMD)
        return FAIL(f, CJ_UNSUPPORTED, NO_SIMD);
    return run_row(f, fd_ops[sub]);
}

static cj_status run_select(cj_scan *f, bool typed)
{
    if (!pop(f, CJ_CORE_I32))
        return f->status;
    if (typed) {
        uint32_t count;
        uint8_t type;
        CJ_TRY(read_u32(f, &count, "a count of types"));
        if (count != 1)
            return FAIL(f, CJ_INVALID, "select must have one type, has %u", count);
        CJ_TRY(cj__core_read_valtype(&f->r, &type, "a value type"));
        return pop(f, type) && pop(f, type) && push(f, type) ? CJ_OK : f->status;
    }
    uint8_t a, b;
    if (!pop_any(f, &a) || !pop_any(f, &b))
        return f->status;
    if (cj__core_is_ref(a) || cj__core_is_ref(b))
        return FAIL(f, CJ_INVALID, "type mismatch: select of references needs a type");
    if (a != b && a != ANY && b != ANY)
        return fail_mismatch(f, b, a) ? CJ_OK : f->status;
    return push(f, a == ANY ? b : a) ? CJ_OK : f->status;
}

static cj_status run_global(cj_scan *f, bool set)
{
    uint32_t index;
    CJ_TRY(read_index(f, f->o->global_count, &index, "global"));
    CJ_TRY(add_site(f, set ? CJ_SITE_GLOBAL_SET : CJ_SITE_GLOBAL_GET, f->op_at, index, 0));
    const cj_core_global *global = &f->o->globals[index];
    if (!set)
        return push(f, global->type) ? CJ_OK : f->status;
    if (!global->is_mutable)
        return FAIL(f, CJ_INVALID, "global %u is immutable", index);
    return pop(f, global->type) ? CJ_OK : f->status;
}

static const char *refused(uint8_t op)
{
#define CJ_X(first, last, proposal) \
    if (op >= (first) && op <= (last)) \
        return proposal;
    CJ_REFUSED_MAP(CJ_X)
#undef CJ_X
    return NULL;
}

/* -- Instructions -------------------------------------------------------------------------------------------------- */

cj_status cj__scan_instruction(cj_scan *f, uint8_t op)
{
    op_row row = plain_ops[op];
    if (CJ_LIKELY(row.imm != IMM_ABSENT))
        return run_row(f, row);

    uint32_t index = 0;
    uint8_t type = ANY;
    const uint8_t *types = NULL;
    cj_scan_frame *target = NULL;
    switch (op) {
    case OP_UNREACHABLE:
        become_unreachable(f);
        return CJ_OK;
    case OP_NOP:
        return CJ_OK;
    case OP_BLOCK:
    case OP_LOOP:
    case OP_IF:
        return run_block(f, op);
    case OP_ELSE:
        return run_else(f);
    case OP_BR:
    case OP_BR_IF:
        if (op == OP_BR_IF && !pop(f, CJ_CORE_I32))
            return f->status;
        CJ_TRY(read_label(f, &target, &types, &index));
        if (!pop_all(f, types, index))
            return f->status;
        if (op == OP_BR_IF)
            return push_all(f, types, index) ? CJ_OK : f->status;
        become_unreachable(f);
        return CJ_OK;
    case OP_BR_TABLE:
        return run_br_table(f);
    case OP_RETURN:
        if (!pop_all(f, f->s->frames.at->results, f->s->frames.at->result_count))
            return f->status;
        become_unreachable(f);
        return CJ_OK;
    case OP_CALL:
        return run_call(f, false);
    case OP_RETURN_CALL:
        return run_call(f, true);
    case OP_CALL_INDIRECT:
        return run_call_indirect(f, false);
    case OP_RETURN_CALL_INDIRECT:
        return run_call_indirect(f, true);
    case OP_DROP:
        return pop_any(f, &type) ? CJ_OK : f->status;
    case OP_SELECT:
        return run_select(f, false);
    case OP_SELECT_TYPED:
        return run_select(f, true);
    case OP_LOCAL_GET:
        CJ_TRY(read_index(f, f->local_count, &index, "local"));
        return push(f, f->s->locals[index]) ? CJ_OK : f->status;
    case OP_LOCAL_SET:
        CJ_TRY(read_index(f, f->local_count, &index, "local"));
        return pop(f, f->s->locals[index]) ? CJ_OK : f->status;
    case OP_LOCAL_TEE:
        CJ_TRY(read_index(f, f->local_count, &index, "local"));
        return pop(f, f->s->locals[index]) && push(f, f->s->locals[index]) ? CJ_OK : f->status;
    case OP_GLOBAL_GET:
        return run_global(f, false);
    case OP_GLOBAL_SET:
        return run_global(f, true);
    case OP_TABLE_GET:
        CJ_TRY(read_table(f, &index, true));
        return pop(f, CJ_CORE_I32) && push(f, f->o->tables[index].value_type) ? CJ_OK : f->status;
    case OP_TABLE_SET:
        CJ_TRY(read_table(f, &index, true));
        f->m->table_facts[index] |= CJ_TABLE_WRITTEN;
        return pop3(f, 0, CJ_CORE_I32, f->o->tables[index].value_type);
    case OP_REF_NULL:
        CJ_TRY(read_reftype(f, &type));
        return push(f, type) ? CJ_OK : f->status;
    case OP_REF_IS_NULL:
        if (!pop_any(f, &type))
            return f->status;
        if (type != ANY && !cj__core_is_ref(type))
            return FAIL(f, CJ_INVALID, "type mismatch: ref.is_null of %s", cj__core_valtype_name(type));
        return push(f, CJ_CORE_I32) ? CJ_OK : f->status;
    case OP_REF_FUNC:
        CJ_TRY(read_index(f, f->o->func_count, &index, "function"));
        if (!f->declared[index])
            return FAIL(f, CJ_INVALID, "ref.func of function %u, which no element, export or global declares", index);
        CJ_TRY(add_site(f, CJ_SITE_REF_FUNC, f->op_at, index, 0));
        return push(f, CJ_CORE_FUNCREF) ? CJ_OK : f->status;
    case OP_FC:
        return run_fc(f);
    case OP_FD:
        return run_fd(f);
    default: {
        const char *proposal = refused(op);
        if (proposal)
            return FAIL(f, CJ_UNSUPPORTED, "unsupported: core %s", proposal);
        return FAIL(f, CJ_MALFORMED, "expected an instruction, found 0x%02x", op);
    }
    }
}

/* -- Bodies -------------------------------------------------------------------------------------------------------- */

/* `types`, or so many of one type. Those beyond max_function_slots are only counted. */
static inline cj_status add_locals(cj_scanner *s, const uint8_t *types, uint8_t type, uint32_t count, uint64_t *total)
{
    uint64_t before = *total;
    *total += count;
    if (count == 0 || *total > s->config->max_function_slots)
        return CJ_OK;
    if (*total > s->locals_cap && !cj__vec_grow(s->alloc, (void **)&s->locals, &s->locals_cap, 1, (size_t)*total))
        return cj__fail_nomem(s->err);
    if (types)
        memcpy(s->locals + before, types, count);
    else
        memset(s->locals + before, type, count);
    return CJ_OK;
}

static cj_status read_locals(cj_scan *f, const cj_core_functype *type)
{
    cj_scanner *s = f->s;
    uint64_t offset = cj__reader_offset(&f->r);
    const uint32_t max = s->config->max_function_slots;
    uint32_t groups;
    CJ_TRY(cj__read_count(&f->r, 0, NULL, &groups, "groups of locals"));
    uint64_t total = 0; /* 2^32 groups of 2^32 locals cannot be in a file: no overflow */
    CJ_TRY(add_locals(s, type->params, 0, type->param_count, &total));
    for (uint32_t i = 0; i < groups; i++) {
        uint32_t count;
        uint8_t local;
        CJ_TRY(read_u32(f, &count, "a count of locals"));
        CJ_TRY(cj__core_read_valtype(&f->r, &local, "a value type"));
        if (!HAVE_SIMD && local == CJ_CORE_V128)
            return FAIL(f, CJ_UNSUPPORTED, NO_SIMD);
        CJ_TRY(add_locals(s, NULL, local, count, &total));
    }
    if (total > max)
        return cj__fail_at(s->err, CJ_LIMIT, offset, "function has %llu locals, max_function_slots is %u",
                           (unsigned long long)total, max);
    f->local_count = (uint32_t)total;
    return CJ_OK;
}

/* local.get 0, local.get 1, ... of all parameters, and nothing else. */
static bool gets_all_params(const uint8_t *at, const uint8_t *end, uint32_t count)
{
    cj_reader r = cj__reader(at, (size_t)(end - at), 0, NULL);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t op;
        uint32_t index;
        if (cj__read_byte(&r, &op, "") != CJ_OK || op != OP_LOCAL_GET || cj__read_u32(&r, &index, "") != CJ_OK ||
            index != i)
            return false;
    }
    return r.at == r.end;
}

static bool is_forwarder(const cj_scan *f, const cj_body *body, const cj_core_functype *type)
{
    if (body->site_count != 1 || body->local_count != type->param_count)
        return false;
    const cj_site *site = &f->m->sites.at[body->first_site];
    if (site->kind != CJ_SITE_CALL && site->kind != CJ_SITE_RETURN_CALL && site->kind != CJ_SITE_CALL_CONST &&
        site->kind != CJ_SITE_RETURN_CALL_CONST)
        return false;
    const uint8_t *call_end = f->r.start + site->at + site->len;
    return f->r.end - call_end == 1 &&
           gets_all_params(f->r.start + body->code_at, f->r.start + site->at, type->param_count);
}

static cj_status scan_body(cj_scanner *s, cj_scanned *m, const uint8_t *declared, const cj_packed_type *packed,
                           uint32_t index)
{
    const cj_core_outline *o = m->outline;
    cj_bytes bytes = o->bodies[index];
    const cj_core_functype *type = &o->types[o->func_types[o->imported_funcs + index]];
    cj_body *body = &m->bodies[index];
    if (bytes.len > s->config->max_function_body)
        return cj__fail_at(s->err, CJ_LIMIT, bytes.offset, "function body has %zu bytes, max_function_body is %u",
                           bytes.len, s->config->max_function_body);

    cj_scan f = {.r = cj__reader(bytes.ptr, bytes.len, bytes.offset, s->err),
                 .s = s,
                 .m = m,
                 .o = o,
                 .declared = declared,
                 .packed = packed,
                 .op_at = bytes.ptr};
    body->first_site = (uint32_t)m->sites.len;
    CJ_TRY(read_locals(&f, type));
    body->code_at = (uint32_t)(f.r.at - f.r.start);
    body->local_count = f.local_count;
    use_stack(&f);
    s->frames.len = 0;
    CJ_TRY(enter(&f, OP_BLOCK, NULL, 0, type->results, type->result_count));

    CJ_TRY(cj__scan_code(&f));
    CJ_TRY(pop_results(&f));
    if (f.r.at != f.r.end)
        return cj__fail_at(s->err, CJ_MALFORMED, cj__reader_offset(&f.r),
                           "expected the end of the function, found %zu more bytes", cj__reader_left(&f.r));
    if (m->sites.len > UINT32_MAX)
        return cj__fail_nomem(s->err);
    body->site_count = (uint32_t)m->sites.len - body->first_site;
    body->has_loop = f.has_loop;
    body->has_bulk = f.has_bulk && s->interruptible;
    /* A realloc is the one kind of function that a boundary call may call any number of times: for each list and string of those in lists. Small as it may
     * be, it looks whether to stop. */
    body->allocates = s->interruptible && declared[o->imported_funcs + index] &&
                      cj__core_functype_equal(type, &cj__core_realloc_type);
    if (s->interruptible && (f.has_loop || f.calls || f.heavy || body->allocates || bytes.len > CJ_WEIGHT_CALL)) {
        body->weight = weigh(&f, bytes.ptr, f.calls);
        if (f.has_loop || f.heavy)
            body->weight = cj__sat32((uint64_t)body->weight + CJ_BUDGET_LOOP);
    }
    body->forwards = is_forwarder(&f, body, type);
    return CJ_OK;
}

/* The functions that ref.func may name: those that occur outside of bodies. Elements are decoded again here, in the one
 * pass over them that every module with references needs. */
static void mark_declared(const cj_core_outline *o, uint8_t *declared)
{
    for (uint32_t i = 0; i < o->export_count; i++)
        if (o->exports[i].sort == CJ_SORT_CORE_FUNC)
            declared[o->exports[i].index] = 1;
    for (uint32_t i = o->imported_globals; i < o->global_count; i++)
        if (o->globals[i].type == CJ_CORE_FUNCREF && o->globals[i].init.len &&
            o->globals[i].init.ptr[0] == OP_REF_FUNC) {
            cj_const value = cj__const_eval(o->globals[i].init, NULL);
            declared[value.of.func] = 1;
        }
    for (uint32_t i = 0; i < o->elem_count; i++) {
        const cj_core_elem *elem = &o->elems[i];
        cj_reader r = cj__reader(elem->items.ptr, elem->items.len, 0, NULL);
        for (uint32_t k = 0; k < elem->count; k++) {
            uint32_t index = 0;
            if (elem->flags & 4) {
                uint8_t op = 0;
                (void)cj__read_byte(&r, &op, "");
                (void)cj__read_u32(&r, &index, ""); /* ref.null's type is one byte too */
                if (op == OP_REF_FUNC)
                    declared[index] = 1;
                r.at++; /* end */
            } else {
                (void)cj__read_u32(&r, &index, "");
                declared[index] = 1;
            }
        }
    }
}

static cj_packed_type pack_type(const cj_core_functype *type)
{
    cj_packed_type out = {.want = UINT64_MAX, .mask = UINT64_MAX}; /* no type's byte is 0xff */
    if (type->param_count > STACK_PAD || type->result_count > 1)
        return out;
    uint8_t want[STACK_PAD] = {0}, mask[STACK_PAD] = {0};
    for (uint32_t i = 0; i < type->param_count; i++) {
        want[STACK_PAD - type->param_count + i] = type->params[i];
        mask[STACK_PAD - type->param_count + i] = 0xff;
    }
    out.want = load64(want);
    out.mask = load64(mask);
    out.param_count = (uint8_t)type->param_count;
    out.result_count = (uint8_t)type->result_count;
    out.result = type->result_count ? type->results[0] : ANY;
    return out;
}

cj_status cj__scan_module(cj_scanner *s, cj_arena *arena, cj_scanned *m)
{
    const cj_core_outline *o = m->outline;
    if (o->unsupported)
        return cj__fail_at(s->err, CJ_UNSUPPORTED, o->unsupported_offset, "unsupported: %s", o->unsupported);
    for (uint32_t i = 0; !HAVE_SIMD && i < o->type_count; i++)
        if (memchr(o->types[i].params, CJ_CORE_V128, o->types[i].param_count) ||
            memchr(o->types[i].results, CJ_CORE_V128, o->types[i].result_count))
            return cj__fail_at(s->err, CJ_UNSUPPORTED, o->file.offset, NO_SIMD);
    for (uint32_t i = 0; !HAVE_SIMD && i < o->global_count; i++)
        if (o->globals[i].type == CJ_CORE_V128)
            return cj__fail_at(s->err, CJ_UNSUPPORTED, o->file.offset, NO_SIMD);
    m->bodies = CJ_ARENA_ARRAY(arena, cj_body, o->body_count);
    m->table_facts = CJ_ARENA_ARRAY(arena, uint8_t, o->table_count);
    m->elem_dropped = CJ_ARENA_ARRAY(arena, uint8_t, o->elem_count);
    m->data_dropped = CJ_ARENA_ARRAY(arena, uint8_t, o->data_count);
    uint8_t *declared = CJ_ARENA_ARRAY(arena, uint8_t, o->func_count);
    cj_packed_type *packed = CJ_ARENA_ARRAY(arena, cj_packed_type, o->type_count);
    if (!m->bodies || !m->table_facts || !m->elem_dropped || !m->data_dropped || !declared || !packed)
        return cj__fail_nomem(s->err);
    for (uint32_t i = 0; i < o->type_count; i++)
        packed[i] = pack_type(&o->types[i]);
    mark_declared(o, declared);
    for (uint32_t i = 0; i < o->body_count; i++) {
        cj_status status = scan_body(s, m, declared, packed, i);
        if (status != CJ_OK) {
            cj__error_where(s->err, "core function %u", o->imported_funcs + i);
            return status;
        }
    }
    return CJ_OK;
}

cj_scanner *cj__scanner_new(const cj_config *config, bool interruptible, cj_error *err)
{
    const cj_allocator *alloc = cj__alloc_or_default(config->allocator);
    cj_scanner *s = cj__calloc(alloc, 1, sizeof(*s));
    if (!s) {
        cj__fail_nomem(err);
        return NULL;
    }
    s->config = config;
    s->alloc = alloc;
    s->err = err;
    s->interruptible = interruptible;
    s->stack_cap = FIRST_STACK;
    s->stack = cj__calloc(alloc, FIRST_STACK, 1); /* pads have values */
    if (!s->stack) {
        cj__free(alloc, s, sizeof(*s));
        cj__fail_nomem(err);
        return NULL;
    }
    return s;
}

void cj__scanner_plainly(cj_scanner *s)
{
    s->plainly = true;
}

void cj__scanner_delete(cj_scanner *s)
{
    if (!s)
        return;
    const cj_allocator *alloc = s->alloc;
    cj__free(alloc, s->stack, s->stack_cap);
    cj__free(alloc, s->locals, s->locals_cap);
    CJ_VEC_FREE(alloc, &s->frames);
    cj__free(alloc, s, sizeof(*s));
}

cj_status cj__core_check_bodies(const cj_config *config, const cj_core_outline *outline, cj_error *err)
{
    const cj_allocator *alloc = cj__alloc_or_default(config->allocator);
    cj_scanned scanned = {.outline = outline};
    cj_arena *arena = NULL;
    cj_scanner *scanner = cj__scanner_new(config, false, err);
    cj_status status = scanner ? CJ_OK : CJ_NO_MEMORY;
    if (status == CJ_OK && cj_arena_new(config->allocator, &arena) != CJ_OK)
        status = cj__fail_nomem(err);
    if (status == CJ_OK)
        status = cj__scan_module(scanner, arena, &scanned);
    CJ_VEC_FREE(alloc, &scanned.sites);
    cj_arena_delete(arena);
    cj__scanner_delete(scanner);
    return status;
}
