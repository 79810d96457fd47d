/* merge_init.c: segments and start functions: what happens when the merged module is instantiated, and in which order.
 *
 * Place in the pipeline: between the resolution of imports and liveness (merge_live.c), which it serves with what
 * tables hold; at the end it writes the initialisers.
 *
 * The order to keep is that of the core specification, instance by instance: element segments, data segments, start
 * function; a segment out of bounds traps there and then. One merged module would apply all active segments first. So a
 * segment stays active only while nothing can have run or trapped before it, which is the common case; the others
 * become passive and an initialiser, one per instance, applies them. Offsets and sizes are constants by now, so most
 * bounds are decided here.
 * Non-goals: calling the initialisers (runtime/ does, in instance order).
 */
#include "link/merge_internal.h"

enum { PAGE = 65536 };

/* -- Decoding ------------------------------------------------------------------------------------------------------ */

/* Function references of a module's constants become targets. */
static cj_const localise(const cj_merger *m, uint32_t instance, cj_const value)
{
    if (value.type == CJ_CORE_FUNCREF && !value.is_null)
        value.of.func = cj__merge_target(m, instance, value.of.func);
    return value;
}

static cj_const eval(const cj_merger *m, uint32_t instance, cj_bytes expr, const cj_const *values)
{
    /* A global.get of a reference gives a target already; ref.func gives an index. Both are one instruction. */
    cj_const value = cj__const_eval(expr, values);
    return expr.len && expr.ptr[0] == 0x23 ? value : localise(m, instance, value);
}

/* The values of all globals of an instance; mutable ones' are those they begin with. */
static cj_const *global_values(cj_merger *m, const cj_group_instance *inst)
{
    uint32_t count = inst->module->outline->global_count;
    cj_const *values = CJ_ARENA_ARRAY(m->arena, cj_const, count);
    for (uint32_t i = 0; values && i < count; i++)
        values[i] = m->globals.at[inst->globals[i]].value;
    return values;
}

static cj_status read_elem(cj_merger *m, cj_group_instance *inst, uint32_t instance, const cj_core_elem *from,
                           const cj_const *values, cj_merge_elem *to)
{
    bool active = !(from->flags & 1);
    *to = (cj_merge_elem){
        .seg = {.apply = CJ_APPLY_NEVER,
                .passive = (from->flags & 3) == 1,
                .count = from->count,
                .flag = CJ_NO_INDEX,
                .index = CJ_NO_INDEX},
        .ref_type = from->ref_type,
    };
    if (active) {
        to->table = inst->tables[from->table];
        to->seg.offset = cj__const_eval(from->offset_expr, values).of.i32;
    }
    if (!active && !to->seg.passive)
        return CJ_OK; /* declarative: its items were checked, nothing else needs them */
    to->items = CJ_ARENA_ARRAY(m->arena, cj_target, from->count);
    if (!to->items)
        return cj__fail_nomem(m->err);
    cj_reader r = cj__reader(from->items.ptr, from->items.len, from->items.offset, NULL);
    for (uint32_t i = 0; i < from->count; i++) {
        if (from->flags & 4) {
            cj_bytes expr = {r.at, cj__reader_left(&r), 0};
            (void)cj__const_read(&r, inst->module->outline, from->ref_type, &expr);
            cj_const value = eval(m, instance, expr, values);
            to->items[i] = value.is_null ? CJ_TARGET_NULL : value.of.func;
            to->has_null |= value.is_null;
        } else {
            uint32_t index = 0;
            (void)cj__read_u32(&r, &index, "");
            to->items[i] = cj__merge_target(m, instance, index);
        }
    }
    return CJ_OK;
}

cj_status cj__merge_segments(cj_merger *m, uint32_t instance)
{
    cj_group_instance *inst = &m->instances[instance];
    const cj_core_outline *o = inst->module->outline;

    /* Globals that the instance defines: values of those before are known. */
    cj_const *values = global_values(m, inst);
    if (!values)
        return cj__fail_nomem(m->err);
    for (uint32_t i = o->imported_globals; i < o->global_count; i++) {
        values[i] = eval(m, instance, o->globals[i].init, values);
        m->globals.at[inst->globals[i]].value = values[i];
    }

    inst->elems = CJ_ARENA_ARRAY(m->arena, cj_merge_elem, o->elem_count);
    inst->datas = CJ_ARENA_ARRAY(m->arena, cj_merge_data, o->data_count);
    if (!inst->elems || !inst->datas)
        return cj__fail_nomem(m->err);
    for (uint32_t i = 0; i < o->elem_count; i++)
        CJ_TRY(read_elem(m, inst, instance, &o->elems[i], values, &inst->elems[i]));
    for (uint32_t i = 0; i < o->data_count; i++) {
        const cj_core_data *from = &o->datas[i];
        inst->datas[i] = (cj_merge_data){
            .seg = {.apply = CJ_APPLY_NEVER,
                    .passive = from->flags == 1,
                    .count = (uint32_t)from->bytes.len,
                    .flag = CJ_NO_INDEX,
                    .index = CJ_NO_INDEX},
            .bytes = from->bytes.ptr,
        };
        if (from->flags != 1)
            inst->datas[i].seg.offset = cj__const_eval(from->offset_expr, values).of.i32;
    }
    return CJ_OK;
}

/* -- When segments are applied ------------------------------------------------------------------------------------- */

/* `quiet`: nothing has run or trapped yet, so the size is `min` exactly; else it is that at least, and `fixed` when
 * nothing can grow it. */
static bool plan_segment(cj_segment *seg, uint64_t min, bool fixed, bool quiet)
{
    seg->fits = (uint64_t)seg->offset + seg->count <= min;
    if (seg->fits)
        seg->apply = quiet ? CJ_APPLY_LOAD : CJ_APPLY_INIT;
    else
        seg->apply = quiet || fixed ? CJ_APPLY_TRAP : CJ_APPLY_INIT;
    return seg->apply != CJ_APPLY_TRAP && quiet;
}

cj_status cj__merge_plan_init(cj_merger *m)
{
    bool quiet = true;
    for (uint32_t i = 0; i < m->input->instance_count; i++) {
        cj_group_instance *inst = &m->instances[i];
        const cj_core_outline *o = inst->module->outline;
        quiet = quiet && !inst->late;
        for (uint32_t k = 0; k < o->elem_count; k++) {
            cj_merge_elem *elem = &inst->elems[k];
            if (o->elems[k].flags & 1)
                continue;
            cj_merge_table *table = &m->tables.at[elem->table];
            elem->next = table->elems;
            table->elems = elem;
            quiet = plan_segment(&elem->seg, table->type.limits.min, !(table->facts & CJ_TABLE_GROWN), quiet);
            if (elem->seg.fits) {
                uint64_t end = (uint64_t)elem->seg.offset + elem->seg.count;
                table->elem_end = table->elem_end > end ? table->elem_end : end;
                table->elem_total += elem->seg.count;
            }
        }
        for (uint32_t k = 0; k < o->data_count; k++)
            if (o->datas[k].flags != 1)
                quiet = plan_segment(&inst->datas[k].seg, m->memory.min * PAGE, false, quiet);
        if (o->has_start)
            quiet = false;
    }
    return CJ_OK;
}

/* -- What tables hold ---------------------------------------------------------------------------------------------- */

/* Whether code that a start function reaches may call through a table, or do what cannot be followed from here: call
 * through another one, or leave the group. `seen` has a byte per defined function. */
static cj_status start_may_call(cj_merger *m, uint32_t instance, uint8_t *seen, bool *out)
{
    const cj_core_outline *o = m->instances[instance].module->outline;
    cj_target start = cj__merge_target(m, instance, o->start);
    *out = true;
    m->work.len = 0;
    if (cj__target_is_slot(start))
        return CJ_OK;
    if (!seen[start]) {
        seen[start] = 1;
        if (!CJ_VEC_PUSH(m->alloc, &m->work, start))
            return cj__fail_nomem(m->err);
    }
    while (m->work.len) {
        const cj_group_instance *inst;
        cj_bytes bytes;
        cj_target at = m->work.at[--m->work.len];
        const cj_body *body = cj__merge_body(m, at, &inst, &bytes);
        for (uint32_t i = 0; i < body->site_count; i++) {
            const cj_site *site = &inst->module->sites.at[body->first_site + i];
            switch (site->kind) {
            case CJ_SITE_CALL:
            case CJ_SITE_RETURN_CALL: {
                cj_target to = cj__merge_target(m, m->func_instance[at], site->value);
                if (cj__target_is_slot(to))
                    return CJ_OK;
                if (!seen[to]) {
                    seen[to] = 1;
                    if (!CJ_VEC_PUSH(m->alloc, &m->work, to))
                        return cj__fail_nomem(m->err);
                }
                break;
            }
            case CJ_SITE_CALL_INDIRECT:
            case CJ_SITE_RETURN_CALL_INDIRECT:
            case CJ_SITE_CALL_CONST:
            case CJ_SITE_RETURN_CALL_CONST:
                return CJ_OK;
            default:
                break;
            }
        }
    }
    *out = false;
    return CJ_OK;
}

/* The instances up to this number have start functions, if any, that call nothing that cannot be followed, and nothing
 * outside the group can have run: until then no code has looked into any table. */
static cj_status count_blind_instances(cj_merger *m, uint32_t *out)
{
    uint8_t *seen = CJ_ARENA_ARRAY(m->arena, uint8_t, m->defined_count);
    if (!seen)
        return cj__fail_nomem(m->err);
    uint32_t i;
    for (i = 0; i < m->input->instance_count; i++) {
        bool may_call = false;
        if (m->instances[i].late)
            break;
        if (m->instances[i].module->outline->has_start)
            CJ_TRY(start_may_call(m, i, seen, &may_call));
        if (may_call) {
            i++; /* its segments still come before */
            break;
        }
    }
    *out = i;
    return CJ_OK;
}

cj_status cj__merge_known_tables(cj_merger *m)
{
    uint32_t blind = 0;
    CJ_TRY(count_blind_instances(m, &blind));

    /* A table is worth knowing when nothing writes it and no element lies so far out that the array would not be backed
     * by the file. */
    for (uint32_t t = 0; t < m->tables.len; t++) {
        cj_merge_table *table = &m->tables.at[t];
        if (table->type.value_type != CJ_CORE_FUNCREF || table->facts & CJ_TABLE_WRITTEN || !table->elem_total ||
            table->elem_end > 4 * table->elem_total + 16)
            continue;
        table->known_count = (uint32_t)table->elem_end;
        table->known = CJ_ARENA_ARRAY(m->arena, cj_target, table->known_count);
        if (!table->known)
            return cj__fail_nomem(m->err);
        memset(table->known, 0xff, table->known_count * sizeof(*table->known)); /* null */
    }

    for (uint32_t i = 0; i < m->input->instance_count; i++)
        for (uint32_t k = 0; k < m->instances[i].module->outline->elem_count; k++) {
            const cj_merge_elem *elem = &m->instances[i].elems[k];
            if (elem->seg.apply == CJ_APPLY_NEVER || !m->tables.at[elem->table].known)
                continue;
            cj_merge_table *table = &m->tables.at[elem->table];
            if (elem->seg.apply == CJ_APPLY_TRAP || (elem->seg.apply == CJ_APPLY_INIT && !elem->seg.fits)) {
                table->known = NULL; /* what comes after it may never be applied */
                continue;
            }
            for (uint32_t n = 0; n < elem->seg.count; n++)
                table->known[elem->seg.offset + n] = i < blind ? elem->items[n] : CJ_TARGET_UNKNOWN;
        }
    return CJ_OK;
}

/* -- Initialisers -------------------------------------------------------------------------------------------------- */

/* A segment of elements that fits into a table that nothing uses needs not be applied. */
static bool must_apply(const cj_merger *m, const cj_merge_elem *elem)
{
    return elem->seg.apply == CJ_APPLY_TRAP ||
           (elem->seg.apply == CJ_APPLY_INIT && (!elem->seg.fits || m->tables.at[elem->table].used));
}

bool cj__merge_init_has_segments(const cj_merger *m, uint32_t instance)
{
    const cj_group_instance *inst = &m->instances[instance];
    const cj_core_outline *o = inst->module->outline;
    for (uint32_t k = 0; k < o->elem_count; k++)
        if (must_apply(m, &inst->elems[k]))
            return true;
    for (uint32_t k = 0; k < o->data_count; k++)
        if (inst->datas[k].seg.apply == CJ_APPLY_TRAP || inst->datas[k].seg.apply == CJ_APPLY_INIT)
            return true;
    return false;
}

/* Traps as the failing instruction would: an access that no table or memory is large enough for. A load would not do,
 * LLVM removes those whose result is not used; an empty table.init or memory.init would not either, WAMR 1.1.2 does not
 * check them. */
static void write_trap(cj_merger *m, cj_writer *w, const cj_merge_elem *elem)
{
    cj__write_byte(w, 0x41); /* i32.const -1 */
    cj__write_s32(w, -1);
    if (elem) {
        cj__write_byte(w, 0xd0); /* ref.null */
        cj__write_byte(w, elem->ref_type);
        cj__write_byte(w, 0x26); /* table.set */
        cj__write_u32(w, m->tables.at[elem->table].index);
    } else {
        static const uint8_t store[] = {0x41, 0x00, 0x3a, 0x00}; /* i32.const 0; i32.store8 offset=0xffffffff */
        cj__write_bytes(w, store, sizeof(store));
        cj__write_u32(w, UINT32_MAX);
    }
}

static void write_apply(cj_merger *m, cj_writer *w, const cj_segment *seg, const cj_merge_elem *elem)
{
    if (seg->apply == CJ_APPLY_TRAP) {
        write_trap(m, w, elem);
        return;
    }
    uint64_t end = (uint64_t)seg->offset + seg->count;
    if (!seg->fits) { /* when it can be larger by now */
        uint64_t need = elem ? end : (end + PAGE - 1) / PAGE;
        if (need > (elem ? UINT32_MAX : PAGE)) {
            write_trap(m, w, elem);
            return;
        }
        cj__write_byte(w, 0x41); /* i32.const */
        cj__write_s32(w, (int32_t)(uint32_t)need);
        if (elem) {
            static const uint8_t table_size[] = {0xfc, 0x10};
            cj__write_bytes(w, table_size, sizeof(table_size));
            cj__write_u32(w, m->tables.at[elem->table].index);
        } else {
            static const uint8_t memory_size[] = {0x3f, 0x00};
            cj__write_bytes(w, memory_size, sizeof(memory_size));
        }
        static const uint8_t gt_if[] = {0x4b, 0x04, 0x40}; /* i32.gt_u; if */
        cj__write_bytes(w, gt_if, sizeof(gt_if));
        write_trap(m, w, elem);
        cj__write_byte(w, 0x0b);
    }
    if (!seg->count)
        return;
    cj__write_byte(w, 0x41);
    cj__write_s32(w, (int32_t)seg->offset);
    cj__write_byte(w, 0x41);
    cj__write_s32(w, 0);
    cj__write_byte(w, 0x41);
    cj__write_s32(w, (int32_t)seg->count);
    cj__write_byte(w, 0xfc);
    cj__write_u32(w, elem ? 12 : 8); /* table.init, memory.init */
    cj__write_u32(w, seg->index);
    cj__write_u32(w, elem ? m->tables.at[elem->table].index : 0);
}

void cj__merge_write_init(cj_merger *m, cj_writer *w, uint32_t instance)
{
    const cj_group_instance *inst = &m->instances[instance];
    const cj_core_outline *o = inst->module->outline;
    cj__write_u32(w, 0); /* no locals */
    for (uint32_t k = 0; k < o->elem_count; k++)
        if (must_apply(m, &inst->elems[k]))
            write_apply(m, w, &inst->elems[k].seg, &inst->elems[k]);
    for (uint32_t k = 0; k < o->data_count; k++)
        if (inst->datas[k].seg.apply == CJ_APPLY_TRAP || inst->datas[k].seg.apply == CJ_APPLY_INIT)
            write_apply(m, w, &inst->datas[k].seg, NULL);
    if (o->has_start) {
        cj__write_byte(w, 0x10); /* call */
        cj__write_u32(w, cj__merge_ref_index(m, cj__merge_call_target(m, cj__merge_target(m, instance, o->start))));
    }
    cj__write_byte(w, 0x0b);
}
