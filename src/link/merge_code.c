/* merge_code.c: function bodies of the merged module: those of the instances, copied but for their sites, and those
 * that no module has.
 *
 * Place in the pipeline: last but sections; all indices are known.
 * Non-goals: deciding anything (merge_live.c, merge_init.c).
 */
#include "link/merge_internal.h"

enum {
    IF = 0x04,
    ELSE = 0x05,
    END = 0x0b,
    CALL = 0x10,
    CALL_INDIRECT = 0x11,
    RETURN_CALL = 0x12,
    RETURN_CALL_INDIRECT = 0x13,
    LOCAL_GET = 0x20,
    LOCAL_SET = 0x21,
    LOCAL_TEE = 0x22,
    GLOBAL_GET = 0x23,
    GLOBAL_SET = 0x24,
    I32_CONST = 0x41,
    I64_CONST = 0x42,
    F32_CONST = 0x43,
    F64_CONST = 0x44,
    I32_LT_S = 0x48,
    I32_GT_U = 0x4b,
    I32_SUB = 0x6b,
    I32_SHR_U = 0x76,
    REF_NULL = 0xd0,
    REF_FUNC = 0xd2,
    FC = 0xfc,
    FC_MEMORY_INIT = 8,
    FC_TABLE_INIT = 12,
    FD = 0xfd,
    FD_V128_CONST = 12,
    EMPTY_BLOCK = 0x40,
    BULK_OPERANDS = 3, /* of memory.copy and memory.fill */
};

static void write_op(cj_writer *w, uint8_t op, uint32_t immediate)
{
    cj__write_byte(w, op);
    cj__write_u32(w, immediate);
}

static void write_i32(cj_writer *w, uint32_t value)
{
    cj__write_byte(w, I32_CONST);
    cj__write_s32(w, (int32_t)value);
}

void cj__merge_write_const(cj_merger *m, cj_writer *w, const cj_const *value)
{
    switch (value->type) {
    case CJ_CORE_I32:
        write_i32(w, value->of.i32);
        break;
    case CJ_CORE_I64:
        cj__write_byte(w, I64_CONST);
        cj__write_s64(w, (int64_t)value->of.i64);
        break;
    case CJ_CORE_F32:
        cj__write_byte(w, F32_CONST);
        for (unsigned i = 0; i < 4; i++)
            cj__write_byte(w, (uint8_t)(value->of.i32 >> 8 * i));
        break;
    case CJ_CORE_F64:
        cj__write_byte(w, F64_CONST);
        for (unsigned i = 0; i < 8; i++)
            cj__write_byte(w, (uint8_t)(value->of.i64 >> 8 * i));
        break;
    case CJ_CORE_V128:
        cj__write_byte(w, FD);
        cj__write_u32(w, FD_V128_CONST);
        cj__write_bytes(w, value->of.v128, sizeof(value->of.v128));
        break;
    default:
        if (value->is_null)
            write_op(w, REF_NULL, value->type);
        else
            write_op(w, REF_FUNC, cj__merge_ref_index(m, value->of.func));
        break;
    }
}

/* -- Sites --------------------------------------------------------------------------------------------------------- */

/* Calls of a slot push its number: WAMR's JIT code does not tell a native function which import was called. */
static void write_call(cj_merger *m, cj_writer *w, cj_target target)
{
    if (cj__target_is_slot(target)) {
        uint32_t slot = target & ~CJ_TARGET_SLOT;
        write_i32(w, slot);
        write_op(w, CALL, m->shape_imports[m->input->slots[slot].shape]);
    } else {
        write_op(w, CALL, m->func_index[target]);
    }
}

static void write_call_indirect(cj_merger *m, cj_writer *w, const cj_group_instance *inst, uint8_t op,
                                const cj_site *site)
{
    write_op(w, op, cj__merge_type_index(m, inst->module->types[site->aux]));
    cj__write_u32(w, m->tables.at[inst->tables[site->value]].index);
}

/* memory.init and table.init on a segment: `sub` is the opcode, `last` the memory or table. data.drop and elem.drop
 * never occur: WAMR drops the segment of all instances. Instead a global tells that the segment is empty now. */
static void write_segment_init(cj_merger *m, cj_writer *w, const cj_segment *seg, uint32_t sub, uint32_t empty,
                               uint32_t last)
{
    bool can_drop = seg->flag != CJ_NO_INDEX;
    if (can_drop) {
        write_op(w, GLOBAL_GET, m->flag_base + seg->flag);
        cj__write_byte(w, IF);
        cj__write_s33(w, cj__merge_type_index(m, m->type_bulk));
    }
    if (can_drop || !seg->passive) {
        write_op(w, FC, sub);
        cj__write_u32(w, empty);
        cj__write_u32(w, last);
    }
    if (can_drop)
        cj__write_byte(w, ELSE);
    if (seg->passive) {
        write_op(w, FC, sub);
        cj__write_u32(w, seg->index);
        cj__write_u32(w, last);
    }
    if (can_drop)
        cj__write_byte(w, END);
}

static void write_segment_drop(cj_merger *m, cj_writer *w, const cj_segment *seg)
{
    if (seg->flag == CJ_NO_INDEX)
        return; /* nobody looks */
    write_i32(w, 1);
    write_op(w, GLOBAL_SET, m->flag_base + seg->flag);
}

/* Subtracts from a countdown and polls when it has run out. */
static void write_if_negative_poll(cj_merger *m, cj_writer *w)
{
    write_i32(w, 0);
    cj__write_byte(w, I32_LT_S);
    write_op(w, IF, EMPTY_BLOCK);
    write_op(w, CALL, m->first_extra + m->poll);
}

static void write_look_at_flag(cj_merger *m, cj_writer *w)
{
    write_op(w, GLOBAL_GET, CJ_GLOBAL_INTERRUPT);
    write_op(w, IF, EMPTY_BLOCK);
    write_op(w, CALL, m->first_extra + m->stop);
    cj__write_byte(w, END);
}

/* Whether a function has a local more, behind its own, for the countdown of its loops. Behind it come those for the
 * operands of bulk operations. */
static bool counts_loops(const cj_merger *m, const cj_body *body)
{
    return m->input->interruptible && m->check == CJ_INTERRUPT_COUNTDOWN && body->has_loop;
}

/* Takes off a countdown what moving as many bytes as the local says is worth. */
static void write_size_charge(cj_writer *w, uint32_t local)
{
    write_op(w, LOCAL_GET, local);
    write_i32(w, 4);
    cj__write_byte(w, I32_SHR_U);
    cj__write_byte(w, I32_SUB);
}

static void write_entry_check(cj_merger *m, cj_writer *w, const cj_body *body)
{
    if (m->check == CJ_INTERRUPT_FLAG) {
        write_look_at_flag(m, w);
        return;
    }
    write_op(w, GLOBAL_GET, CJ_GLOBAL_BUDGET);
    write_i32(w, body->weight < CJ_BUDGET_ENTRIES ? body->weight : CJ_BUDGET_ENTRIES);
    cj__write_byte(w, I32_SUB);
    if (body->allocates)
        write_size_charge(w, 3);
    write_op(w, GLOBAL_SET, CJ_GLOBAL_BUDGET);
    write_op(w, GLOBAL_GET, CJ_GLOBAL_BUDGET);
    write_if_negative_poll(m, w);
    cj__write_byte(w, END);
    if (counts_loops(m, body)) {
        write_i32(w, CJ_BUDGET_LOOP);
        write_op(w, LOCAL_SET, body->local_count);
    }
}

static void write_loop_check(cj_merger *m, cj_writer *w, const cj_body *body, uint32_t weight)
{
    if (m->check == CJ_INTERRUPT_FLAG) {
        write_look_at_flag(m, w);
        return;
    }
    write_op(w, LOCAL_GET, body->local_count);
    write_i32(w, weight);
    cj__write_byte(w, I32_SUB);
    write_op(w, LOCAL_TEE, body->local_count);
    write_if_negative_poll(m, w);
    write_i32(w, CJ_BUDGET_LOOP);
    write_op(w, LOCAL_SET, body->local_count);
    cj__write_byte(w, END);
}

static void write_bulk_operands(cj_writer *w, uint32_t first)
{
    for (uint32_t i = 0; i < BULK_OPERANDS; i++)
        write_op(w, LOCAL_GET, first + i);
}

/* Small copies as they are; large ones by a function that goes piece by piece. */
static void write_bulk_site(cj_merger *m, cj_writer *w, const cj_body *body, bool copy)
{
    static const uint8_t copy_op[] = {FC, 0x0a, 0x00, 0x00}, fill_op[] = {FC, 0x0b, 0x00};
    uint32_t first = body->local_count + counts_loops(m, body);
    for (uint32_t i = BULK_OPERANDS; i-- > 0;)
        write_op(w, LOCAL_SET, first + i);
    write_op(w, LOCAL_GET, first + BULK_OPERANDS - 1);
    write_i32(w, CJ_BULK_SMALL);
    cj__write_byte(w, I32_GT_U);
    write_op(w, IF, EMPTY_BLOCK);
    write_bulk_operands(w, first);
    write_op(w, CALL, m->first_extra + (copy ? m->copy : m->fill));
    cj__write_byte(w, ELSE);
    write_bulk_operands(w, first);
    cj__write_bytes(w, copy ? copy_op : fill_op, copy ? sizeof(copy_op) : sizeof(fill_op));
    cj__write_byte(w, END);
}

static void write_site(cj_merger *m, cj_writer *w, uint32_t instance, const cj_body *body, const uint8_t *bytes,
                       const cj_site *site)
{
    const cj_group_instance *inst = &m->instances[instance];
    cj_target target;
    switch (site->kind) {
    case CJ_SITE_CALL:
        write_call(m, w, cj__merge_call_target(m, cj__merge_target(m, instance, site->value)));
        break;
    case CJ_SITE_RETURN_CALL:
        write_op(w, RETURN_CALL,
                 cj__merge_ref_index(m, cj__merge_call_target(m, cj__merge_target(m, instance, site->value))));
        break;
    case CJ_SITE_CALL_CONST:
    case CJ_SITE_RETURN_CALL_CONST:
        if (cj__merge_direct_target(m, inst, bytes, site, &target)) {
            target = cj__merge_call_target(m, target);
            if (site->kind == CJ_SITE_CALL_CONST)
                write_call(m, w, target);
            else
                write_op(w, RETURN_CALL, cj__merge_ref_index(m, target));
        } else {
            cj_reader r = cj__reader(bytes + site->at + 1, site->len, 0, NULL);
            int32_t index = 0;
            (void)cj__read_s32(&r, &index, "");
            write_i32(w, (uint32_t)index);
            write_call_indirect(m, w, inst, site->kind == CJ_SITE_CALL_CONST ? CALL_INDIRECT : RETURN_CALL_INDIRECT,
                                site);
        }
        break;
    case CJ_SITE_CALL_INDIRECT:
        write_call_indirect(m, w, inst, CALL_INDIRECT, site);
        break;
    case CJ_SITE_RETURN_CALL_INDIRECT:
        write_call_indirect(m, w, inst, RETURN_CALL_INDIRECT, site);
        break;
    case CJ_SITE_REF_FUNC:
        write_op(w, REF_FUNC, cj__merge_ref_index(m, cj__merge_target(m, instance, site->value)));
        break;
    case CJ_SITE_BLOCK_TYPE:
        cj__write_s33(w, cj__merge_type_index(m, inst->module->types[site->value]));
        break;
    case CJ_SITE_GLOBAL_GET: {
        uint32_t number = inst->globals[site->value];
        const cj_merge_global *global = &m->globals.at[number];
        if (!global->is_mutable && !cj__core_is_ref(global->type))
            cj__merge_write_const(m, w, &global->value);
        else
            write_op(w, GLOBAL_GET, m->global_base + number);
        break;
    }
    case CJ_SITE_GLOBAL_SET:
        write_op(w, GLOBAL_SET, m->global_base + inst->globals[site->value]);
        break;
    case CJ_SITE_TABLE:
        cj__write_u32(w, m->tables.at[inst->tables[site->value]].index);
        break;
    case CJ_SITE_TABLE_INIT: {
        const cj_merge_elem *elem = &inst->elems[site->value];
        write_segment_init(m, w, &elem->seg, FC_TABLE_INIT, m->empty_elem[elem->ref_type == CJ_CORE_EXTERNREF],
                           m->tables.at[inst->tables[site->aux]].index);
        break;
    }
    case CJ_SITE_ELEM_DROP:
        write_segment_drop(m, w, &inst->elems[site->value].seg);
        break;
    case CJ_SITE_MEMORY_INIT:
        write_segment_init(m, w, &inst->datas[site->value].seg, FC_MEMORY_INIT, m->empty_data, 0);
        break;
    case CJ_SITE_DATA_DROP:
        write_segment_drop(m, w, &inst->datas[site->value].seg);
        break;
    case CJ_SITE_MEMORY_INDEX:
        cj__write_byte(w, 0);
        break;
    case CJ_SITE_LOOP:
        write_loop_check(m, w, body, site->value);
        break;
    case CJ_SITE_MEMORY_COPY:
    default: /* CJ_SITE_MEMORY_FILL */
        write_bulk_site(m, w, body, site->kind == CJ_SITE_MEMORY_COPY);
        break;
    }
}

/* -- Bodies -------------------------------------------------------------------------------------------------------- */

static void write_locals(cj_merger *m, cj_writer *w, const cj_body *body, const uint8_t *bytes)
{
    uint32_t more = counts_loops(m, body) + (body->has_bulk ? BULK_OPERANDS : 0u);
    if (!more) {
        cj__write_bytes(w, bytes, body->code_at);
        return;
    }
    cj_reader r = cj__reader(bytes, body->code_at, 0, NULL);
    uint32_t groups = 0;
    (void)cj__read_u32(&r, &groups, "");
    cj__write_u32(w, groups + 1);
    cj__write_bytes(w, r.at, cj__reader_left(&r));
    cj__write_u32(w, more);
    cj__write_byte(w, CJ_CORE_I32);
}

static void write_body(cj_merger *m, cj_writer *w, cj_target target)
{
    const cj_group_instance *inst;
    cj_bytes bytes;
    const cj_body *body = cj__merge_body(m, target, &inst, &bytes);
    write_locals(m, w, body, bytes.ptr);
    if (m->input->interruptible && body->weight)
        write_entry_check(m, w, body);
    uint32_t at = body->code_at;
    const cj_site *sites = body->site_count ? &inst->module->sites.at[body->first_site] : NULL;
    for (uint32_t i = 0; i < body->site_count; i++) {
        cj__write_bytes(w, bytes.ptr + at, sites[i].at - at);
        write_site(m, w, m->func_instance[target], body, bytes.ptr, &sites[i]);
        at = sites[i].at + sites[i].len;
    }
    cj__write_bytes(w, bytes.ptr + at, bytes.len - at);
}

/* -- Functions that no module has ---------------------------------------------------------------------------------- */

static void write_wrapper(cj_merger *m, cj_writer *w, const cj_extra *extra)
{
    uint32_t params = m->types.at[extra->type].type.param_count;
    cj__write_u32(w, 0);
    for (uint32_t i = 0; i < params; i++)
        write_op(w, LOCAL_GET, i);
    write_call(m, w, extra->of | CJ_TARGET_SLOT);
    cj__write_byte(w, END);
}

/* The call goes through a table so that no optimiser sees that the flag is all that it reads. */
static void write_poll(cj_merger *m, cj_writer *w)
{
    cj__write_u32(w, 0);
    write_i32(w, CJ_BUDGET_ENTRIES);
    write_op(w, GLOBAL_SET, CJ_GLOBAL_BUDGET);
    write_i32(w, 0);
    write_op(w, CALL_INDIRECT, cj__merge_type_index(m, m->type_init));
    cj__write_u32(w, m->poll_table);
    cj__write_byte(w, END);
}

/* Between pieces of a large copy. */
static void write_piece_check(cj_merger *m, cj_writer *w)
{
    if (m->check == CJ_INTERRUPT_FLAG)
        write_look_at_flag(m, w);
    else
        write_op(w, CALL, m->first_extra + m->poll);
}

/* What a copy of `n` (local 2) bytes charges: so that many copies of medium size are not forgotten. */
static void write_bulk_check(cj_merger *m, cj_writer *w)
{
    if (m->check == CJ_INTERRUPT_FLAG) {
        write_look_at_flag(m, w);
        return;
    }
    write_op(w, GLOBAL_GET, CJ_GLOBAL_BUDGET);
    write_size_charge(w, 2);
    write_op(w, GLOBAL_SET, CJ_GLOBAL_BUDGET);
    write_op(w, GLOBAL_GET, CJ_GLOBAL_BUDGET);
    write_if_negative_poll(m, w);
    cj__write_byte(w, END);
}

#define CHUNK_LEB 0x80, 0x80, 0xc0, 0x00 /* of 1 << 20, signed */
_Static_assert(CJ_BULK_CHUNK == 1 << 20, "CHUNK_LEB is written out");

/* (func (param $d i32) (param $s i32) (param $n i32)     memory.fill: $s is the value
 *    check
 *    (if (i32.gt_u $n CHUNK)
 *      (if all is in bounds                               else the last instruction traps, before anything is written
 *        (loop
 *          check
 *          move one piece: of a copy, from the end when $d > $s; else from the start
 *          (br_if 0 (i32.gt_u $n CHUNK)))))
 *    memory.copy $d $s $n)
 */
static void write_bulk(cj_merger *m, cj_writer *w, bool copy)
{
    static const uint8_t if_large[] = {0x00, /* no locals */
                                       0x20, 0x02, 0x41, CHUNK_LEB, 0x4b, 0x04, 0x40};
    /* (i64.le_u (i64.add (i64.extend_i32_u X) (i64.extend_i32_u $n)) (i64.shl (i64.extend_i32_u (memory.size))
     * (i64.const 16))) */
    static const uint8_t if_bounds[] = {0xad, 0x20, 0x02, 0xad, 0x7c, 0x3f, 0x00,
                                        0xad, 0x42, 0x10, 0x86, 0x58, 0x04, 0x40};
    static const uint8_t fill_end[] = {0x20, 0x00};
    /* the larger of $d and $s */
    static const uint8_t copy_end[] = {0x20, 0x00, 0x20, 0x01, 0x20, 0x00, 0x20, 0x01, 0x4b, 0x1b};
    static const uint8_t from_end[] = {
        0x20, 0x00, 0x20,      0x01,      0x4b, 0x04, 0x40,             /* (if (i32.gt_u $d $s) */
        0x20, 0x02, 0x41,      CHUNK_LEB, 0x6b, 0x21, 0x02,             /*   $n -= CHUNK */
        0x20, 0x00, 0x20,      0x02,      0x6a, 0x20, 0x01, 0x20, 0x02, /*   memory.copy ($d + $n) ($s + $n) CHUNK */
        0x6a, 0x41, CHUNK_LEB, 0xfc,      0x0a, 0x00, 0x00, 0x05,       /*   else */
    };
    static const uint8_t piece[] = {0x20, 0x00, 0x20, 0x01, 0x41, CHUNK_LEB, 0xfc};
    static const uint8_t copy_op[] = {0x0a, 0x00, 0x00}, fill_op[] = {0x0b, 0x00};
    static const uint8_t next[] = {0x20, 0x00, 0x41, CHUNK_LEB, 0x6a, 0x21, 0x00,  /* $d += CHUNK */
                                   0x20, 0x02, 0x41, CHUNK_LEB, 0x6b, 0x21, 0x02}; /* $n -= CHUNK */
    static const uint8_t next_source[] = {0x20, 0x01, 0x41, CHUNK_LEB, 0x6a, 0x21, 0x01};
    static const uint8_t again[] = {0x20, 0x02, 0x41, CHUNK_LEB, 0x4b, 0x0d, 0x00, 0x0b, 0x0b, 0x0b};
    static const uint8_t rest[] = {0x20, 0x00, 0x20, 0x01, 0x20, 0x02, 0xfc};

    cj__write_bytes(w, if_large, 1);
    write_bulk_check(m, w);
    cj__write_bytes(w, if_large + 1, sizeof(if_large) - 1);
    cj__write_bytes(w, copy ? copy_end : fill_end, copy ? sizeof(copy_end) : sizeof(fill_end));
    cj__write_bytes(w, if_bounds, sizeof(if_bounds));
    cj__write_byte(w, 0x03);
    cj__write_byte(w, EMPTY_BLOCK);
    write_piece_check(m, w);
    if (copy)
        cj__write_bytes(w, from_end, sizeof(from_end));
    cj__write_bytes(w, piece, sizeof(piece));
    cj__write_bytes(w, copy ? copy_op : fill_op, copy ? sizeof(copy_op) : sizeof(fill_op));
    cj__write_bytes(w, next, sizeof(next));
    if (copy) {
        cj__write_bytes(w, next_source, sizeof(next_source));
        cj__write_byte(w, END);
    }
    cj__write_bytes(w, again, sizeof(again));
    cj__write_bytes(w, rest, sizeof(rest));
    cj__write_bytes(w, copy ? copy_op : fill_op, copy ? sizeof(copy_op) : sizeof(fill_op));
    cj__write_byte(w, END);
}

static void write_extra(cj_merger *m, cj_writer *w, const cj_extra *extra)
{
    switch (extra->kind) {
    case CJ_EXTRA_WRAPPER:
        write_wrapper(m, w, extra);
        break;
    case CJ_EXTRA_INIT:
        cj__merge_write_init(m, w, extra->of);
        break;
    case CJ_EXTRA_STOP: {
        static const uint8_t stop[] = {0x00, I32_CONST, 0x01, GLOBAL_SET, CJ_GLOBAL_INTERRUPTED, 0x00 /* unreachable */,
                                       END};
        cj__write_bytes(w, stop, sizeof(stop));
        break;
    }
    case CJ_EXTRA_LOOK:
        cj__write_u32(w, 0);
        write_look_at_flag(m, w);
        cj__write_byte(w, END);
        break;
    case CJ_EXTRA_POLL:
        write_poll(m, w);
        break;
    case CJ_EXTRA_COPY:
        write_bulk(m, w, true);
        break;
    case CJ_EXTRA_FILL:
        write_bulk(m, w, false);
        break;
    }
}

void cj__merge_write_code(cj_merger *m, cj_writer *w)
{
    cj__write_u32(w, (uint32_t)(m->live.len + m->extras.len));
    for (size_t i = 0; i < m->live.len && w->status == CJ_OK; i++) {
        const cj_group_instance *inst;
        cj_bytes bytes;
        (void)cj__merge_body(m, m->live.at[i], &inst, &bytes);
        size_t mark = cj__write_begin_guessed(w, (uint32_t)bytes.len);
        write_body(m, w, m->live.at[i]);
        cj__write_end_guessed(w, mark, (uint32_t)bytes.len);
    }
    for (size_t i = 0; i < m->extras.len && w->status == CJ_OK; i++) {
        size_t mark = cj__write_begin_sized(w);
        write_extra(m, w, &m->extras.at[i]);
        cj__write_end_sized(w, mark);
    }
}
