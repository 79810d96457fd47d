/* handles.c: handle tables, lends, and what moves handles across a boundary.
 *
 * Place in the pipeline: handles.h. Both back ends come here for OWN and BORROW operations, the canonical builtins
 * (builtins.c) and the public API for resource.new, .rep and .drop.
 * Non-goals: entering guests for the host (runtime/), the flags of a fused call (the back ends).
 * Spec: "Table State", "Resource State", lift_own, lift_borrow, lower_own, lower_borrow, "canon resource.*".
 *
 * All traps are found before anything changes: where the host is at one end, its handle stays with it.
 */
#include "exec/handles.h"

#include "engine/engine.h"
#include "exec/call.h"

enum { MAX_INDEX = (1 << 28) - 1 }; /* the spec's Table.MAX_LENGTH */

/* -- Tables -------------------------------------------------------------------------------------------------------- */

void cj__handles_init(cj_handles *table, uint32_t max)
{
    *table = (cj_handles){.max = max < MAX_INDEX ? max : MAX_INDEX};
}

void cj__handles_fini(const cj_allocator *alloc, cj_handles *table)
{
    cj__free(alloc, table->at, table->cap * sizeof(*table->at));
    *table = (cj_handles){0};
}

/* Room for one more: doubles, but never goes past `max` elements. */
static bool grow(const cj_allocator *alloc, void **at, uint32_t *cap, size_t elem_size, uint64_t max)
{
    uint64_t wanted = *cap ? 2 * (uint64_t)*cap : 8;
    if (wanted > max)
        wanted = max;
    void *grown = cj__realloc(alloc, *at, *cap * elem_size, (size_t)wanted * elem_size);
    if (!grown)
        return false;
    *at = grown;
    *cap = (uint32_t)wanted;
    return true;
}

/* Makes sure that the next cj__handle_add succeeds. */
static uint32_t reserve(const cj_allocator *alloc, cj_handles *table)
{
    if (CJ_LIKELY(table->free || table->len < table->cap))
        return CJ_TRAP_NONE;
    if (table->len > table->max || table->max == 0)
        return CJ_TRAP_HANDLE_TABLE_FULL;
    void *at = table->at;
    if (!grow(alloc, &at, &table->cap, sizeof(*table->at), (uint64_t)table->max + 1))
        return CJ_TRAP_HOST_LIMIT;
    table->at = at;
    if (table->len == 0) {
        table->at[0] = (cj_handle){0};
        table->len = 1;
    }
    return CJ_TRAP_NONE;
}

uint32_t cj__handle_add(const cj_allocator *alloc, cj_handles *table, cj_handle handle, uint32_t *index)
{
    uint32_t trap = reserve(alloc, table);
    if (CJ_LIKELY(!trap))
        *index = cj__handle_put(table, handle);
    return trap;
}

uint32_t cj__handle_get(cj_handles *table, uint32_t index, cj_handle **out)
{
    if (CJ_UNLIKELY(index >= table->len || !table->at[index].rt))
        return CJ_TRAP_HANDLE_INDEX;
    *out = &table->at[index];
    return CJ_TRAP_NONE;
}

void cj__handle_remove(cj_handles *table, uint32_t index)
{
    table->at[index] = (cj_handle){.rep = table->free};
    table->free = index;
}

void cj__handles_drop(cj_handles *table)
{
    for (uint32_t i = 1; i < table->len; i++) { /* the host's function may drop others */
        cj_handle handle = table->at[i];
        if (!handle.rt)
            continue;
        cj__handle_remove(table, i);
        if (!handle.scope && !handle.rt->impl && handle.rt->drop)
            handle.rt->drop(handle.rt->user, handle.rep);
    }
}

/* -- The table of one end ------------------------------------------------------------------------------------------ */

static const cj_instance_core *instance_of(const cj_side *side)
{
    return side ? side->instance : NULL;
}

static cj_handles *table_of(cj_call_ctx *call, const cj_instance_core *instance)
{
    return instance ? (cj_handles *)&instance->handles : &call->store->handles;
}

/* A trap of reserve's or reserve_lends', explained. */
static uint32_t explain(cj_call_ctx *call, uint32_t trap)
{
    if (trap)
        call->store->trap.detail = trap == CJ_TRAP_HANDLE_TABLE_FULL ? "max_handles" : "out of memory";
    return trap;
}

static uint32_t get(cj_handles *table, const cj_resource *rt, uint32_t index, cj_handle **out)
{
    uint32_t trap = cj__handle_get(table, index, out);
    if (CJ_UNLIKELY(trap))
        return trap;
    return CJ_LIKELY((*out)->rt == rt) ? CJ_TRAP_NONE : CJ_TRAP_HANDLE_TYPE;
}

/* -- Lends --------------------------------------------------------------------------------------------------------- */

void cj__lends_fini(const cj_allocator *alloc, cj_lends *lends)
{
    cj__free(alloc, lends->at, lends->cap * sizeof(*lends->at));
    *lends = (cj_lends){0};
}

/* Room for `count` more. They are bounded as handles are, for a list may name one handle again and again; a borrow that
 * is the host's takes two. */
static uint32_t reserve_lends(cj_store_core *store, uint32_t count)
{
    cj_lends *lends = &store->lends;
    if (CJ_LIKELY(lends->cap - lends->len >= count))
        return CJ_TRAP_NONE;
    uint64_t max = 2 * (uint64_t)store->handles.max;
    if (lends->len + count > max)
        return CJ_TRAP_HANDLE_TABLE_FULL;
    void *at = lends->at;
    if (!grow(store->alloc, &at, &lends->cap, sizeof(*lends->at), max))
        return CJ_TRAP_HOST_LIMIT;
    lends->at = at;
    return CJ_TRAP_NONE;
}

static void push_reserved(cj_store_core *store, cj_handles *table, uint32_t index, cj_lend_kind kind)
{
    store->lends.at[store->lends.len++] = (cj_lend){table, index, (uint32_t)kind};
}

/* Whether what the call lends is in call->lent, not in the list. */
static bool is_unlisted(const cj_call_ctx *call)
{
    const cj_plan *plan = call->bound->plan;
    return plan->lends_one && plan->options.kind == CJ_PLAN_FUSED;
}

/* A handle that is lent cannot be removed, so it is still where it was. */
static void give_back(const cj_lend *lend)
{
    lend->table->at[lend->index].lends--;
}

/* The host may have dropped the handle, and then the index may be another's. */
static void drop_host_borrow(cj_store_core *store, uint32_t index, const cj_call_ctx *scope)
{
    const cj_handle *handle = &store->handles.at[index];
    if (handle->rt && handle->scope && (!scope || handle->scope == scope))
        cj__handle_remove(&store->handles, index);
}

void cj__host_borrows_end(cj_call_ctx *call)
{
    cj_store_core *store = call->store;
    for (uint32_t i = store->lends.len; i-- > call->lends_mark;) {
        cj_lend *lend = &store->lends.at[i];
        if (lend->kind == CJ_LEND_HOST)
            drop_host_borrow(store, lend->index, call);
        if (lend->kind != CJ_LEND_BORROW)
            lend->kind = CJ_LEND_DONE;
    }
    call->borrows = 0;
}

void cj__lends_end(cj_call_ctx *call)
{
    if (is_unlisted(call)) {
        table_of(call, instance_of(cj__lift_side(call, false)))->at[call->lent].lends--;
        return;
    }
    cj_lends *lends = &call->store->lends;
    while (lends->len > call->lends_mark) {
        const cj_lend *lend = &lends->at[--lends->len];
        if (lend->kind == CJ_LEND_BORROW)
            give_back(lend);
    }
}

/* Newest first, so that each table's free list is again as it was. */
void cj__lends_unwind(cj_call_ctx *call)
{
    cj_store_core *store = call->store;
    while (store->lends.len > call->lends_mark) {
        const cj_lend *lend = &store->lends.at[--store->lends.len];
        switch ((cj_lend_kind)lend->kind) {
        case CJ_LEND_BORROW:
            give_back(lend);
            break;
        case CJ_LEND_HOST:
            drop_host_borrow(store, lend->index, NULL);
            break;
        case CJ_LEND_MOVED: {
            cj_handle handle = store->handles.at[lend->index];
            uint32_t index; /* the one that it had: no guest has run since */
            cj__handle_remove(&store->handles, lend->index);
            (void)cj__handle_add(store->alloc, lend->table, handle, &index);
            break;
        }
        case CJ_LEND_DONE:
            break;
        }
    }
}

/* -- Moves --------------------------------------------------------------------------------------------------------- */

uint32_t cj__move_own(cj_call_ctx *call, bool in_results, uint32_t slot, uint32_t index, uint32_t *out)
{
    cj_store_core *store = call->store;
    cj_handles *from = table_of(call, instance_of(cj__lift_side(call, in_results)));
    cj_handles *to = table_of(call, instance_of(cj__lower_side(call, in_results)));
    cj_handle *handle;
    uint32_t trap = get(from, call->bound->resources[slot], index, &handle);
    if (CJ_UNLIKELY(trap))
        return trap;
    if (CJ_UNLIKELY(handle->lends))
        return CJ_TRAP_HANDLE_LENT;
    if (CJ_UNLIKELY(handle->scope != NULL))
        return CJ_TRAP_HANDLE_BORROWED;
    bool to_host = to == &store->handles && call->bound->plan->has_borrow;
    trap = to_host ? reserve_lends(store, 1) : CJ_TRAP_NONE;
    if (!trap)
        trap = reserve(store->alloc, to);
    if (CJ_UNLIKELY(trap))
        return explain(call, trap);
    cj_handle moved = {.rt = handle->rt, .rep = handle->rep};
    cj__handle_remove(from, index);
    *out = cj__handle_put(to, moved);
    if (to_host)
        push_reserved(store, from, *out, CJ_LEND_MOVED);
    return CJ_TRAP_NONE;
}

uint32_t cj__move_borrow(cj_call_ctx *call, bool in_results, uint32_t slot, uint32_t index, uint32_t *out)
{
    cj_store_core *store = call->store;
    const cj_resource *rt = call->bound->resources[slot];
    const cj_instance_core *callee = instance_of(cj__lower_side(call, in_results));
    cj_handles *from = table_of(call, instance_of(cj__lift_side(call, in_results))), *to = table_of(call, callee);
    cj_handle *handle;
    uint32_t trap = get(from, rt, index, &handle);
    if (CJ_UNLIKELY(trap))
        return trap;
    bool needs_handle = !callee || callee != rt->impl, to_host = to == &store->handles, unlisted = is_unlisted(call);
    trap = unlisted ? CJ_TRAP_NONE : reserve_lends(store, to_host ? 2 : 1);
    if (!trap && needs_handle)
        trap = reserve(store->alloc, to);
    if (CJ_UNLIKELY(trap))
        return explain(call, trap);
    handle->lends++;
    if (unlisted)
        call->lent = index;
    else
        push_reserved(store, from, index, CJ_LEND_BORROW);
    if (!needs_handle) {
        *out = (uint32_t)handle->rep;
        return CJ_TRAP_NONE;
    }
    *out = cj__handle_put(to, (cj_handle){.rt = rt, .rep = handle->rep, .scope = call});
    call->borrows++;
    if (to_host)
        push_reserved(store, to, *out, CJ_LEND_HOST);
    return CJ_TRAP_NONE;
}

/* -- canon resource.new, resource.rep, resource.drop --------------------------------------------------------------- */

uint32_t cj__resource_new(cj_call_ctx *call, const cj_resource *rt, uint32_t rep, uint32_t *out)
{
    cj_instance_core *self = call->bound->guest.instance;
    if (CJ_UNLIKELY(!self->may_leave))
        return CJ_TRAP_CANNOT_LEAVE;
    uint32_t trap = reserve(call->store->alloc, &self->handles);
    if (CJ_UNLIKELY(trap))
        return explain(call, trap);
    *out = cj__handle_put(&self->handles, (cj_handle){.rt = rt, .rep = rep});
    return CJ_TRAP_NONE;
}

uint32_t cj__resource_rep(cj_call_ctx *call, const cj_resource *rt, uint32_t index, uint32_t *rep)
{
    cj_handle *handle;
    uint32_t trap = get(&call->bound->guest.instance->handles, rt, index, &handle);
    if (CJ_LIKELY(!trap))
        *rep = (uint32_t)handle->rep;
    return trap;
}

static uint32_t depth_of(const cj_instance_core *instance)
{
    uint32_t depth = 0;
    for (; instance; instance = instance->parent)
        depth++;
    return depth;
}

/* Where the instances end that a call from `caller` to `callee` enters (spec, entering_set): the nearest that is one of
 * `caller` and its ancestors too; NULL when none is. */
static cj_instance_core *shared_with(const cj_instance_core *caller, cj_instance_core *callee)
{
    if (caller == callee)
        return callee;
    uint32_t from = depth_of(caller), to = depth_of(callee);
    for (; from > to; from--)
        caller = caller->parent;
    for (; to > from; to--)
        callee = callee->parent;
    while (callee != caller) {
        callee = callee->parent;
        caller = caller->parent;
    }
    return callee;
}

static void set_may_enter(cj_instance_core *callee, const cj_instance_core *end, uint8_t may_enter)
{
    for (; callee != end; callee = callee->parent)
        callee->may_enter = may_enter;
}

/* An activation of its own, of the implementing instance. When it traps, all stays as it is for those that were entered. */
static uint32_t call_destructor(cj_call_ctx *call, const cj_binding *dtor, uint64_t rep)
{
    static const cj_core param = CJ_CORE_I32;
    static const cj_core_type type = {.params = &param, .param_count = 1};
    cj_call_ctx inner = {.bound = dtor,
                         .store = call->store,
                         .env = call->env,
                         .arena = call->arena,
                         .lends_mark = call->store->lends.len};
    uint64_t flat[1] = {(uint32_t)rep};
    cj_instance_core *impl = dtor->guest.instance;
    const cj_binding *outer = impl->dtor;
    impl->dtor = dtor;
    uint32_t trap = cj__core_call(&inner, &dtor->guest, dtor->core_func, &type, flat);
    if (CJ_UNLIKELY(trap))
        return cj__call_trap(&inner, (cj_trap)trap, false, CJ_NO_SITE);
    impl->dtor = outer;
    return CJ_TRAP_NONE;
}

/* Of an own handle that may be dropped; removes it when nothing stands in the way of its destructor. */
static uint32_t destroy(cj_call_ctx *call, uint32_t index)
{
    cj_handles *table = &call->bound->guest.instance->handles;
    const cj_resource *rt = table->at[index].rt;
    uint64_t rep = table->at[index].rep;
    bool calls = rt->impl ? rt->dtor != NULL : rt->drop != NULL;
    cj_instance_core *end = rt->impl ? shared_with(call->bound->guest.instance, rt->impl) : NULL;
    for (const cj_instance_core *i = rt->impl; i != end; i = i->parent) {
        if (CJ_UNLIKELY(!i->may_enter))
            return CJ_TRAP_CANNOT_ENTER;
    }
    if (CJ_UNLIKELY(calls && cj__core_stack_low(call)))
        return CJ_TRAP_STACK_OVERFLOW;
    cj__handle_remove(table, index);
    if (!calls)
        return CJ_TRAP_NONE;
    if (!rt->impl) {
        rt->drop(rt->user, rep);
        cj__call_give_back(call->store); /* results of calls that it made */
        return CJ_TRAP_NONE;
    }
    set_may_enter(rt->impl, end, 0);
    uint32_t trap = call_destructor(call, rt->dtor, rep);
    if (CJ_LIKELY(!trap))
        set_may_enter(rt->impl, end, 1);
    return trap;
}

uint32_t cj__resource_drop(cj_call_ctx *call, const cj_resource *rt, uint32_t index)
{
    cj_instance_core *self = call->bound->guest.instance;
    if (CJ_UNLIKELY(!self->may_leave))
        return CJ_TRAP_CANNOT_LEAVE;
    cj_handle *handle;
    uint32_t trap = get(&self->handles, rt, index, &handle);
    if (CJ_UNLIKELY(trap))
        return trap;
    if (CJ_UNLIKELY(handle->lends))
        return CJ_TRAP_HANDLE_LENT;
    if (!handle->scope)
        return destroy(call, index);
    handle->scope->borrows--;
    cj__handle_remove(&self->handles, index);
    return CJ_TRAP_NONE;
}
