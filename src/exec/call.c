/* call.c: what both back ends need around the moving of values: traps, memory for lifted values, realloc, host
 * functions.
 *
 * Place in the pipeline: call.h and exec.h; called by the plan interpreter and by compiled code alike, so that both
 * count, check and record the same.
 * Non-goals: entering and leaving guests (engine/), turning a recorded trap into an error (runtime/).
 */
#include "exec/call.h"

#include "base/arena.h"
#include "engine/engine.h"
#include "exec/exec.h"

#include <stdio.h>

/* -- Traps --------------------------------------------------------------------------------------------------------- */

/* The first to record wins: what unwinds through outer frames is the same trap. */
static bool begin_record(cj_call_ctx *call, bool in_results, uint32_t site)
{
    cj_trap_record *trap = &call->store->trap;
    if (trap->kind != CJ_TRAP_NONE || trap->bound)
        return false;
    trap->bound = call->bound;
    trap->in_results = in_results;
    trap->site = site;
    if (site != CJ_NO_SITE)
        memcpy(trap->index, call->index, sizeof(trap->index));
    return true;
}

uint32_t cj__call_trap(cj_call_ctx *call, cj_trap kind, bool in_results, uint32_t site)
{
    if (begin_record(call, in_results, site))
        call->store->trap.kind = kind == CJ_TRAP_CORE ? CJ_TRAP_NONE : kind;
    return kind;
}

void cj__call_note(cj_call_ctx *call, bool in_results, uint32_t site)
{
    cj_trap_record *trap = &call->store->trap;
    trap->in_results = in_results;
    trap->site = site;
    if (site != CJ_NO_SITE)
        memcpy(trap->index, call->index, sizeof(trap->index));
}

void cj__call_trap_clear(cj_store_core *store)
{
    memset(&store->trap, 0, sizeof(store->trap));
    store->trap.site = CJ_NO_SITE;
}

/* -- Memory for lifted values -------------------------------------------------------------------------------------- */

bool cj__call_fits(cj_call_ctx *call, uint64_t size)
{
    if (CJ_LIKELY(size <= call->store->host_bytes))
        return true;
    call->store->trap.detail = "max_host_bytes";
    return false;
}

bool cj__call_charge(cj_call_ctx *call, uint64_t size)
{
    if (!cj__call_fits(call, size))
        return false;
    call->store->host_bytes -= size;
    return true;
}

void *cj__call_alloc(cj_call_ctx *call, uint64_t size, uint32_t align)
{
    if (!cj__call_charge(call, size))
        return NULL;
    void *ptr = size <= SIZE_MAX ? cj__arena_alloc(call->arena, (size_t)size, align) : NULL;
    if (!ptr)
        call->store->trap.detail = "out of memory";
    return ptr;
}

void *cj__call_host_alloc(cj_call_ctx *call, uint64_t size, uint32_t align)
{
    cj__call_complete(call);
    cj__call_take(call->store);
    void *ptr = cj__call_alloc(call, size, align);
    if (!ptr)
        call->store->trap.detail = NULL;
    return ptr;
}

/* -- Sources that may alias the guest's memory --------------------------------------------------------------------- */

const void *cj__call_source(cj_call_ctx *call, const void *ptr, uint64_t size, uint32_t align)
{
    static const uint64_t nothing[2];
    if (size == 0)
        return nothing;
    if (CJ_LIKELY(!cj__call_aliases(call, ptr)))
        return ptr;
    uintptr_t offset = (uintptr_t)ptr - (uintptr_t)call->alias_base;
    /* The same bytes where they are now: the memory may have moved since. It never shrinks, so only a host function
     * that returned a range past the end of its view finds nothing here. */
    const uint8_t *now = cj__memory_view(call->bound->guest.memory, (uint32_t)offset, size);
    if (!now) {
        call->store->trap.detail = "the result lies past the end of the guest's memory";
        return NULL;
    }
    cj__call_take(call->store);
    void *copy = cj__call_alloc(call, size, align);
    return copy ? memcpy(copy, now, (size_t)size) : NULL;
}

/* -- realloc ------------------------------------------------------------------------------------------------------- */

uint32_t cj__lower_realloc(cj_call_ctx *call, const cj_side *to, uint32_t old_ptr, uint32_t old_size, uint32_t align,
                           uint32_t new_size, uint32_t *ptr)
{
    if (cj__core_stack_low(call))
        return CJ_TRAP_STACK_OVERFLOW;
    to->instance->may_leave = 0;
    call->store->trap.running = call->bound;
    uint32_t trap = cj__core_call_realloc(call, to, old_ptr, old_size, align, new_size, ptr);
    if (trap)
        return trap;
    call->store->trap.running = NULL;
    to->instance->may_leave = 1;
    if (*ptr & (align - 1))
        return CJ_TRAP_REALLOC_ALIGNMENT;
    return cj__memory_covers(to->memory, *ptr, new_size) ? CJ_TRAP_NONE : CJ_TRAP_REALLOC_BOUNDS;
}

uint32_t cj__lower_alloc(cj_call_ctx *call, const cj_side *to, uint32_t align, uint32_t size, uint32_t *ptr)
{
    return cj__lower_realloc(call, to, 0, 0, align, size, ptr);
}

/* -- Host functions ------------------------------------------------------------------------------------------------ */

/* Records what a host function that failed left behind. A trap of a nested call that it returns stays what it was; when
 * the function gave no words of its own, they are the nested call's, which the store still has: not those of an earlier call, when the nested one was
 * of another store. */
uint32_t cj__call_host_failed(cj_call_ctx *call, cj_status status, const cj_error *err)
{
    cj_store_core *store = call->store;
    cj_error *kept = &store->host_error;
    if (call->bound->plan && call->bound->plan->has_borrow)
        cj__host_borrows_end(call);
    if (err->status == CJ_OK && status == CJ_TRAP && store->error.status == CJ_TRAP &&
        store->failed_in == store->active)
        *kept = store->error;
    else
        *kept = *err;
    kept->where[sizeof(kept->where) - 1] = kept->message[sizeof(kept->message) - 1] = 0;
    if (kept->status == CJ_OK)
        kept->status = status;
    if (!kept->message[0])
        snprintf(kept->message, sizeof(kept->message), "%s", cj_status_text(status));
    bool nested = status == CJ_TRAP && kept->trap > CJ_TRAP_NONE && kept->trap < CJ_TRAP_COUNT;
    cj_trap kind = nested ? kept->trap : CJ_TRAP_HOST;
    if (begin_record(call, false, CJ_NO_SITE)) {
        store->trap.kind = kind;
        store->trap.host_error = kept;
        store->trap.detail = NULL;
    }
    return kind;
}

uint32_t cj__call_host(cj_call_ctx *call, const void *args, void *results)
{
    if (cj__core_stack_low(call))
        return cj__call_trap(call, CJ_TRAP_STACK_OVERFLOW, false, CJ_NO_SITE);
    cj_error err; /* of this frame: nested calls use the store's */
    cj__error_clear(&err);
    cj_status status = call->bound->host(call->bound->host_user, call, args, results, &err);
    return CJ_LIKELY(status == CJ_OK) ? CJ_TRAP_NONE : cj__call_host_failed(call, status, &err);
}
