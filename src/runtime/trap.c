/* trap.c: from a trap to a cj_error: which, where, in whose words, and what to do.
 *
 * Place in the pipeline: after a call that the host entered came back failed (func.c, instance.c); reads the trap
 * record that the back ends wrote, or asks the engine for its exception.
 * Non-goals: recording traps (exec/call.c), unwinding (engine/).
 */
#include "runtime/runtime.h"

#include <stdio.h>

/* The function where it happened; a builtin of another group has no name of its own. */
static const cj_binding *where_of(const cj_trap_record *record, const cj_binding *called)
{
    return record->bound && record->bound->info ? record->bound : called;
}

/* "iface#f: param 0 .items[3] .name", and behind it the place that a nested call reported. */
static void describe_place(cj_error *err, const cj_trap_record *record, const cj_binding *called)
{
    const cj_binding *bound = where_of(record, called);
    if (!bound->info)
        return;
    char path[sizeof(err->where)] = "";
    if (bound->plan && bound == record->bound)
        cj__plan_path_format(record->in_results ? &bound->plan->results : &bound->plan->args, record->site,
                             record->index, bound->info->type, path, sizeof(path));
    if (path[0])
        cj__error_where(err, "%s: %s", bound->info->path, path);
    else
        cj__error_where(err, "%s", bound->info->path);
}

static void add_called(cj_error *err, const cj_binding *called)
{
    size_t len = strlen(err->message);
    if (called->info)
        snprintf(err->message + len, sizeof(err->message) - len, "; in a call of %s", called->info->path);
}

/* A builtin, or a function of another component than the one that the host called: says which calls it was in, innermost first, as far as they fit. An
 * instance that runs was entered by what was called of it last; the one that the host entered comes at the end. */
static void describe_called(cj_error *err, const cj_trap_record *record, const cj_binding *called)
{
    enum { MOST = 16 };
    const cj_binding *bound = where_of(record, called);
    if (!called->info || bound == called || (bound->guest.instance == called->guest.instance && bound->info->type))
        return;
    const cj_instance_core *in = bound->caller.instance ? bound->caller.instance : bound->guest.instance;
    if (bound == bound->guest.instance->dtor)
        in = NULL; /* nobody knows who dropped it */
    for (int n = 0; in && in != called->guest.instance && n < MOST; n++) {
        const cj_binding *of = in->dtor ? in->dtor : in->called;
        if (!of)
            break;
        add_called(err, of);
        in = of->caller.instance;
    }
    add_called(err, called);
}

/* Whether a call is going on is the only thing that tells an instance that is being called from one that trapped inside a call of
 * another. */
static const char *refusal(const cj_store_core *store, const cj_instance *instance)
{
    if (instance->scoped)
        return "what its last call returned is being looked at; cj_call_end ends that";
    if (instance->state == CJ_INSTANCE_TRAPPED || !store->active)
        return "it trapped before; make a new instance";
    return "it is being called already, and a component cannot be re-entered";
}

static void describe_refusal(cj_error *err, const cj_store_core *store, const cj_instance *instance)
{
    cj__fail(err, CJ_TRAP, "%s: %s", cj_trap_text(CJ_TRAP_CANNOT_ENTER), refusal(store, instance));
}

/* A guest called a component that cannot be entered. */
static void describe_inner_refusal(cj_error *err, const cj_binding *bound)
{
    cj__fail(err, CJ_TRAP, "%s: %s", cj_trap_text(CJ_TRAP_CANNOT_ENTER),
             bound->kind == CJ_SLOT_CANNOT_ENTER ? "a component calls one that it is inside of, or one inside it"
                                                 : "it is being called already, or trapped before");
}

/* What a host function left (exec/call.c sees to it that there are words). Its status says nothing to the caller of
 * the guest; its words do. */
static void describe_host_error(cj_error *err, const cj_error *host)
{
    cj__fail(err, CJ_TRAP, "%s", host->message);
    cj__error_where(err, "%s", host->where);
}

/* The call was not begun: the thread's stack is small, or nearly used up by those who call. */
static bool had_no_stack(const cj_trap_record *record, const cj_binding *called)
{
    return record->kind == CJ_TRAP_STACK_OVERFLOW && record->bound == called && record->site == CJ_NO_SITE &&
           !record->running && !record->detail;
}

static void describe_trap(cj_error *err, cj_trap trap, const cj_trap_record *record, const cj_call_ctx *call,
                          const char *words)
{
    const cj_store_core *store = call->store;
    const char *detail = record->running ? "in realloc" : record->detail;
    if (trap == CJ_TRAP_HOST_LIMIT && detail && strcmp(detail, "max_host_bytes") == 0)
        cj__fail(err, CJ_TRAP, "%s: max_host_bytes of cj_limits is %llu", cj_trap_text(trap),
                 (unsigned long long)store->max_host_bytes);
    else if (trap == CJ_TRAP_STACK_OVERFLOW && strcmp(words, "wasm_stack_size") == 0)
        cj__fail(err, CJ_TRAP, "%s%s%s%s: the operand stack is full: wasm_stack_size of cj_limits is %u",
                 cj_trap_text(trap), detail ? " (" : "", detail ? detail : "", detail ? ")" : "",
                 ((const cj_store *)(const void *)store)->limits.wasm_stack_size);
    else if (had_no_stack(record, call->bound))
        cj__fail(err, CJ_TRAP, "%s: of the calling thread's stack there is no more left than the reserve, %u KiB",
                 cj_trap_text(trap), CJ_STACK_RESERVE >> 10);
    else if (trap == CJ_TRAP_HANDLE_TABLE_FULL)
        cj__fail(err, CJ_TRAP, "%s: max_handles of cj_limits is %u", cj_trap_text(trap),
                 ((const cj_store *)(const void *)store)->limits.max_handles);
    else
        cj__fail(err, CJ_TRAP, "%s%s%s%s", trap == CJ_TRAP_CORE && words[0] ? words : cj_trap_text(trap),
                 detail ? " (" : "", detail ? detail : "", detail ? ")" : "");
}

void cj__store_failed(cj_store_core *store)
{
    store->failed_in = store->active;
    if (store->active)
        cj__call_take(store); /* so that cj__call_give_back ends that */
    cj__core_renew_outermost(store);
}

cj_status cj__call_failed(cj_call_ctx *call, uint32_t kind)
{
    cj_store_core *store = call->store;
    cj_instance *instance = call->bound->guest.instance->owner;
    const cj_trap_record *record = &store->trap;
    cj_error *err = &store->error;
    char words[sizeof(err->message)] = "";

    cj__store_failed(store);
    cj__lends_unwind(call);
    /* Not entered: a record by the engine and not by a host function, which would have left words. */
    if (kind == CJ_TRAP_CANNOT_ENTER && record->bound == call->bound && !record->host_error) {
        describe_refusal(err, store, instance);
        err->trap = CJ_TRAP_CANNOT_ENTER;
        cj__error_where(err, "%s", call->bound->info->path);
        cj__call_trap_clear(store);
        return CJ_TRAP;
    }

    /* Take the engine's exception in any case, so that none is pending when the store goes on. */
    cj_trap trap = cj__core_take_exception(call->bound->guest.core_env_inst, words, sizeof(words));
    if (record->kind != CJ_TRAP_NONE)
        trap = (cj_trap)record->kind;
    else if (trap == CJ_TRAP_NONE)
        trap = (cj_trap)kind;
    if (cj__instance_was_interrupted(instance) && trap == CJ_TRAP_UNREACHABLE)
        trap = CJ_TRAP_INTERRUPTED;

    bool no_memory = record->host_error ? record->host_error->status == CJ_NO_MEMORY
                                        : record->detail && strcmp(record->detail, "out of memory") == 0;
    if (no_memory)
        cj__fail_nomem(err);
    else if (record->host_error)
        describe_host_error(err, record->host_error);
    else if (trap == CJ_TRAP_CANNOT_ENTER && record->bound)
        describe_inner_refusal(err, record->bound);
    else
        describe_trap(err, trap, record, call, words);
    err->trap = no_memory ? CJ_TRAP_NONE : trap;
    describe_place(err, record, call->bound);
    describe_called(err, record, call->bound);

    cj__call_trap_clear(store);
    if (instance->state == CJ_INSTANCE_READY && !instance->parts[0].may_enter)
        instance->state = CJ_INSTANCE_TRAPPED;
    return err->status;
}

cj_status cj__call_failed_forget(cj_call_ctx *call, uint32_t kind)
{
    cj_status status = cj__call_failed(call, kind);
    if (!call->store->active)
        cj_arena_reset(call->store->arena); /* imports that the trap left behind did not release what they took */
    return status;
}
