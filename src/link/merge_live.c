/* merge_live.c: which functions, tables and segments the group needs, and what indirect calls come down to.
 *
 * Place in the pipeline: after everything is resolved and before anything is written. It starts from the functions that
 * the runtime calls and follows the sites of bodies. What is not reached is left out: the shim functions that every
 * component with lowered imports has, and whatever else an instance exports for nobody.
 *
 * A component's imports go through a table: shim function -> call_indirect with a constant -> whatever the fixups
 * module puts there. Where nothing else can change that table (merge_init.c knows) such a call is direct, the shim
 * function does nothing but pass its parameters on, and calls of it go straight to where it goes.
 * Non-goals: any other optimisation; LLVM follows.
 */
#include "link/merge_internal.h"

enum { MAX_HOPS = 64 }; /* functions in a row that only pass on; in a circle of them a call stays what it is */

/* -- Direct calls -------------------------------------------------------------------------------------------------- */

bool cj__merge_direct_target(const cj_merger *m, const cj_group_instance *inst, const uint8_t *body,
                             const cj_site *site, cj_target *out)
{
    const cj_merge_table *table = &m->tables.at[inst->tables[site->value]];
    if (!table->known)
        return false;
    cj_reader r = cj__reader(body + site->at + 1, site->len, 0, NULL);
    int32_t index = 0;
    (void)cj__read_s32(&r, &index, "");
    if ((uint32_t)index >= table->known_count)
        return false;
    cj_target target = table->known[(uint32_t)index];
    if (target == CJ_TARGET_NULL || target == CJ_TARGET_UNKNOWN ||
        cj__merge_target_type(m, target) != inst->module->types[site->aux])
        return false; /* traps, or nobody knows */
    *out = target;
    return true;
}

/* Where a function passes its parameters on to. */
static bool next_hop(const cj_merger *m, cj_target from, cj_target *out)
{
    if (cj__target_is_slot(from))
        return false;
    const cj_group_instance *inst;
    cj_bytes bytes;
    const cj_body *body = cj__merge_body(m, from, &inst, &bytes);
    if (!body->forwards)
        return false;
    const cj_site *site = &inst->module->sites.at[body->first_site];
    if (site->kind == CJ_SITE_CALL || site->kind == CJ_SITE_RETURN_CALL)
        *out = cj__merge_target(m, m->func_instance[from], site->value);
    else if (!cj__merge_direct_target(m, inst, bytes.ptr, site, out))
        return false;
    return cj__merge_target_type(m, *out) == cj__merge_target_type(m, from);
}

cj_target cj__merge_call_target(const cj_merger *m, cj_target target)
{
    cj_target at = target, next;
    for (int hops = 0; next_hop(m, at, &next); hops++) {
        if (hops == MAX_HOPS)
            return target;
        at = next;
    }
    return at;
}

cj_target cj__merge_export_target(const cj_merger *m, const cj_merge_export *export_)
{
    if (export_->is_slot)
        return export_->index | CJ_TARGET_SLOT;
    return cj__merge_call_target(m, cj__merge_target(m, export_->instance, export_->index));
}

/* -- Marking ------------------------------------------------------------------------------------------------------- */

enum { LIVE = 0 }; /* in func_index, until indices are given */

static cj_status add_extra(cj_merger *m, cj_extra_kind kind, uint32_t of, uint32_t type, uint32_t *number)
{
    *number = (uint32_t)m->extras.len;
    return CJ_VEC_PUSH(m->alloc, &m->extras, (cj_extra){kind, of, type}) ? CJ_OK : cj__fail_nomem(m->err);
}

static void use_slot(cj_merger *m, uint32_t slot)
{
    m->shape_imports[m->input->slots[slot].shape] = LIVE;
}

/* A function that is called. */
static cj_status use_call(cj_merger *m, cj_target target)
{
    if (cj__target_is_slot(target)) {
        use_slot(m, target & ~CJ_TARGET_SLOT);
        return CJ_OK;
    }
    if (m->func_index[target] != CJ_NO_INDEX)
        return CJ_OK;
    m->func_index[target] = LIVE;
    return CJ_VEC_PUSH(m->alloc, &m->work, target) ? CJ_OK : cj__fail_nomem(m->err);
}

/* A function that is referred to: WAMR calls imports slowly through references, so slots get a function of their
 * own. */
static cj_status use_ref(cj_merger *m, cj_target target)
{
    if (target == CJ_TARGET_NULL)
        return CJ_OK;
    if (!cj__target_is_slot(target))
        return use_call(m, target);
    uint32_t slot = target & ~CJ_TARGET_SLOT;
    use_slot(m, slot);
    if (m->slot_wrappers[slot] != CJ_NO_INDEX)
        return CJ_OK;
    return add_extra(m, CJ_EXTRA_WRAPPER, slot, m->slot_types[slot], &m->slot_wrappers[slot]);
}

static cj_status use_items(cj_merger *m, const cj_merge_elem *elem)
{
    for (uint32_t i = 0; i < elem->seg.count; i++)
        CJ_TRY(use_ref(m, elem->items[i]));
    return CJ_OK;
}

static cj_status use_table(cj_merger *m, uint32_t number)
{
    cj_merge_table *table = &m->tables.at[number];
    if (table->used)
        return CJ_OK;
    table->used = true;
    for (const cj_merge_elem *elem = table->elems; elem; elem = elem->next)
        CJ_TRY(use_items(m, elem));
    return CJ_OK;
}

/* A guest's memory.init or table.init: what it finds in the segment. */
static cj_status use_segment(cj_merger *m, cj_segment *seg, bool can_drop, uint32_t *empty)
{
    if (!seg->passive) {
        *empty = LIVE;
        return CJ_OK;
    }
    seg->used = true;
    if (can_drop && seg->flag == CJ_NO_INDEX) {
        seg->flag = m->flag_count++;
        *empty = LIVE;
        (void)cj__merge_type_index(m, m->type_bulk);
    }
    return CJ_OK;
}

static cj_status mark_site(cj_merger *m, uint32_t instance, const uint8_t *body, const cj_site *site)
{
    cj_group_instance *inst = &m->instances[instance];
    cj_target target;
    switch (site->kind) {
    case CJ_SITE_CALL:
        return use_call(m, cj__merge_call_target(m, cj__merge_target(m, instance, site->value)));
    case CJ_SITE_RETURN_CALL:
        return use_ref(m, cj__merge_call_target(m, cj__merge_target(m, instance, site->value)));
    case CJ_SITE_CALL_CONST:
    case CJ_SITE_RETURN_CALL_CONST:
        if (cj__merge_direct_target(m, inst, body, site, &target)) {
            target = cj__merge_call_target(m, target);
            return site->kind == CJ_SITE_CALL_CONST ? use_call(m, target) : use_ref(m, target);
        }
        (void)cj__merge_type_index(m, inst->module->types[site->aux]);
        return use_table(m, inst->tables[site->value]);
    case CJ_SITE_CALL_INDIRECT:
    case CJ_SITE_RETURN_CALL_INDIRECT:
        (void)cj__merge_type_index(m, inst->module->types[site->aux]);
        return use_table(m, inst->tables[site->value]);
    case CJ_SITE_BLOCK_TYPE:
        (void)cj__merge_type_index(m, inst->module->types[site->value]);
        return CJ_OK;
    case CJ_SITE_TABLE:
        return use_table(m, inst->tables[site->value]);
    case CJ_SITE_REF_FUNC:
        target = cj__merge_target(m, instance, site->value);
        if (cj__target_is_slot(target))
            m->slot_declared[target & ~CJ_TARGET_SLOT] = 1;
        else
            m->declared[target] = 1;
        return use_ref(m, target);
    case CJ_SITE_TABLE_INIT: {
        cj_merge_elem *elem = &inst->elems[site->value];
        bool was_used = elem->seg.used;
        CJ_TRY(use_table(m, inst->tables[site->aux]));
        CJ_TRY(use_segment(m, &elem->seg, inst->module->elem_dropped[site->value],
                           &m->empty_elem[elem->ref_type == CJ_CORE_EXTERNREF]));
        return elem->seg.used && !was_used ? use_items(m, elem) : CJ_OK;
    }
    case CJ_SITE_MEMORY_INIT:
        m->needs_data_count = true;
        return use_segment(m, &inst->datas[site->value].seg, inst->module->data_dropped[site->value], &m->empty_data);
    case CJ_SITE_MEMORY_COPY:
        return m->copy == CJ_NO_INDEX ? add_extra(m, CJ_EXTRA_COPY, 0, m->type_bulk, &m->copy) : CJ_OK;
    case CJ_SITE_MEMORY_FILL:
        return m->fill == CJ_NO_INDEX ? add_extra(m, CJ_EXTRA_FILL, 0, m->type_bulk, &m->fill) : CJ_OK;
    default:
        return CJ_OK;
    }
}

static cj_status mark_bodies(cj_merger *m)
{
    while (m->work.len) {
        const cj_group_instance *inst;
        cj_bytes bytes;
        cj_target at = m->work.at[--m->work.len];
        const cj_body *body = cj__merge_body(m, at, &inst, &bytes);
        for (uint32_t i = 0; i < body->site_count; i++)
            CJ_TRY(mark_site(m, m->func_instance[at], bytes.ptr, &inst->module->sites.at[body->first_site + i]));
    }
    return CJ_OK;
}

static cj_status mark_roots(cj_merger *m)
{
    for (uint32_t i = 0; i < m->input->export_count; i++)
        CJ_TRY(use_ref(m, cj__merge_export_target(m, &m->input->exports[i])));
    for (uint32_t i = 0; i < m->globals.len; i++)
        if (m->globals.at[i].type == CJ_CORE_FUNCREF && !m->globals.at[i].value.is_null)
            CJ_TRY(use_ref(m, m->globals.at[i].value.of.func));
    for (uint32_t i = 0; i < m->input->instance_count; i++) {
        const cj_group_instance *inst = &m->instances[i];
        const cj_core_outline *o = inst->module->outline;
        if (o->has_start)
            CJ_TRY(use_ref(m, cj__merge_call_target(m, cj__merge_target(m, i, o->start))));
        for (uint32_t k = 0; k < o->elem_count; k++) {
            const cj_segment *seg = &inst->elems[k].seg;
            if (seg->apply == CJ_APPLY_TRAP || (seg->apply == CJ_APPLY_INIT && !seg->fits))
                CJ_TRY(use_table(m, inst->elems[k].table));
        }
    }
    return CJ_OK;
}

/* -- Indices ------------------------------------------------------------------------------------------------------- */

static void number_segment(cj_segment *seg, bool needed, uint32_t *count)
{
    if (needed)
        seg->index = (*count)++;
}

static cj_status number_all(cj_merger *m)
{
    uint32_t next = 0;
    for (uint32_t i = 0; i < m->shape_count; i++)
        if (m->shape_imports[i] == LIVE)
            m->shape_imports[i] = next++;
    for (uint32_t i = 0; i < m->defined_count; i++)
        if (m->func_index[i] == LIVE) {
            m->func_index[i] = next++;
            if (!CJ_VEC_PUSH(m->alloc, &m->live, i))
                return cj__fail_nomem(m->err);
        }
    m->first_extra = next;

    next = 0;
    for (uint32_t i = 0; i < m->tables.len; i++)
        if (m->tables.at[i].used)
            m->tables.at[i].index = next++;
    m->poll_table = next;

    m->elem_count = m->data_count = 0;
    for (uint32_t i = 0; i < m->input->instance_count; i++) {
        cj_group_instance *inst = &m->instances[i];
        for (uint32_t k = 0; k < inst->module->outline->elem_count; k++) {
            cj_merge_elem *elem = &inst->elems[k];
            bool applied = (elem->seg.apply == CJ_APPLY_LOAD || elem->seg.apply == CJ_APPLY_INIT) && elem->seg.count &&
                           m->tables.at[elem->table].used;
            number_segment(&elem->seg, applied || elem->seg.used, &m->elem_count);
        }
        for (uint32_t k = 0; k < inst->module->outline->data_count; k++) {
            cj_segment *seg = &inst->datas[k].seg;
            bool applied = (seg->apply == CJ_APPLY_LOAD || seg->apply == CJ_APPLY_INIT) && seg->count;
            number_segment(seg, applied || seg->used, &m->data_count);
            m->needs_data_count |= seg->apply == CJ_APPLY_INIT;
        }
    }
    for (uint32_t i = 0; i < CJ_COUNT(m->empty_elem); i++)
        if (m->empty_elem[i] == LIVE)
            m->empty_elem[i] = m->elem_count++;
    if (m->empty_data == LIVE)
        m->empty_data = m->data_count++;
    return CJ_OK;
}

static cj_status add_initialisers(cj_merger *m)
{
    for (uint32_t i = 0; i < m->input->instance_count; i++) {
        uint32_t number;
        if (!cj__merge_init_has_segments(m, i))
            continue;
        CJ_TRY(add_extra(m, CJ_EXTRA_INIT, i, m->type_init, &number));
        m->instances[i].init = number; /* the index comes later */
    }
    return CJ_OK;
}

static cj_status add_interrupt_functions(cj_merger *m)
{
    if (!m->input->interruptible)
        return CJ_OK;
    CJ_TRY(add_extra(m, CJ_EXTRA_STOP, 0, m->type_init, &m->stop));
    if (m->check != CJ_INTERRUPT_COUNTDOWN)
        return CJ_OK;
    CJ_TRY(add_extra(m, CJ_EXTRA_LOOK, 0, m->type_init, &m->look));
    return add_extra(m, CJ_EXTRA_POLL, 0, m->type_init, &m->poll);
}

uint32_t cj__merge_ref_index(const cj_merger *m, cj_target target)
{
    return cj__target_is_slot(target) ? m->first_extra + m->slot_wrappers[target & ~CJ_TARGET_SLOT]
                                      : m->func_index[target];
}

cj_status cj__merge_live(cj_merger *m)
{
    m->work.len = 0;
    CJ_TRY(mark_roots(m));
    CJ_TRY(mark_bodies(m));
    CJ_TRY(add_initialisers(m));
    CJ_TRY(add_interrupt_functions(m));
    CJ_TRY(number_all(m));

    for (uint32_t i = 0; i < m->input->instance_count; i++) {
        cj_group_instance *inst = &m->instances[i];
        const cj_core_outline *o = inst->module->outline;
        if (inst->init != CJ_NO_INDEX)
            inst->init += m->first_extra;
        else if (o->has_start) /* nothing but the start function */
            inst->init = cj__merge_ref_index(m, cj__merge_call_target(m, cj__merge_target(m, i, o->start)));
    }
    return CJ_OK;
}
