/* call.c: the dynamic door: cj_call with values instead of structs.
 *
 * Place in the pipeline: checks the values and writes them to the host layout (values.c), then takes the native door.
 * Non-goals: speed. A tool or a script pays a few hundred nanoseconds; programs that count them use structs.
 */
#include "runtime/runtime.h"

static cj_status check_counts(const cj_func *func, const cj_val *args, size_t nargs, cj_val *results, size_t nresults,
                              cj_error *err)
{
    const cj_functype *type = func->core.bound.info->type;
    size_t wanted = type->result ? 1 : 0;
    if (nargs != type->param_count)
        return cj__fail(err, CJ_MISUSE, "the function takes %u arguments, %zu were given", type->param_count, nargs);
    if (nargs && !args)
        return cj__fail(err, CJ_MISUSE, "cj_call: args must not be NULL");
    if (nresults != wanted)
        return cj__fail(err, CJ_MISUSE, "the function has %zu results, room for %zu was given", wanted, nresults);
    if (wanted && !results)
        return cj__fail(err, CJ_MISUSE, "cj_call: results must not be NULL");
    return CJ_OK;
}

/* The two structs of the native door. */
typedef struct native_args {
    void *args, *result;
} native_args;

static cj_status prepare(const cj_func *func, const cj_val *args, cj_arena *scratch, native_args *out, cj_error *err)
{
    const cj_functype *type = func->core.bound.info->type;
    const cj_type *tuple = type->params_tuple;
    *out = (native_args){NULL, NULL};
    if (type->result) {
        out->result = cj__arena_calloc(scratch, 1, type->result->host_size, type->result->host_align);
        if (!out->result)
            return cj__fail_nomem(err);
    }
    if (type->param_count) {
        out->args = cj__arena_calloc(scratch, 1, tuple->host_size, tuple->host_align);
        if (!out->args)
            return cj__fail_nomem(err);
    }
    if (tuple->has_handle)
        cj__handles_begin_naming(func->instance->store);
    for (uint32_t i = 0; i < type->param_count; i++) {
        cj_val_io io = {.arena = scratch, .root = CJ_ROOT_PARAM, .param = i, .instance = func->instance, .err = err};
        CJ_TRY(cj__val_store(&io, type->params[i].type, &args[i], (char *)out->args + tuple->members[i].host_offset));
    }
    return CJ_OK;
}

/* A failure that is not the guest's: the store remembers it too. */
static cj_status failed(cj_func *func, cj_status status, cj_error *err)
{
    cj__error_where(err, "%s", func->core.bound.info->path);
    func->core.store->error = *err;
    return status;
}

cj_status cj_call(cj_func *func, const cj_val *args, size_t nargs, cj_val *results, size_t nresults, cj_arena *arena,
                  cj_error *err)
{
    cj_error local;
    if (!err)
        err = &local;
    cj__error_clear(err);
    if (!func)
        return cj__fail(err, CJ_MISUSE, "cj_call: func is NULL: there is no such function");
    cj_store_core *store = func->core.store;
    cj_status status = check_counts(func, args, nargs, results, nresults, err);
    if (status != CJ_OK)
        return failed(func, status, err);

    /* The structs lie in the store's arena: below the results when these are lent, else only until the call returns. */
    if (!arena && !store->active && store->arena->at != store->arena_start)
        cj__store_turn_arena(store);
    cj_arena *scratch = store->arena;
    if (store->active)
        cj__call_take(store);
    cj_arena_mark mark = cj__arena_mark(scratch);
    native_args native;
    status = prepare(func, args, scratch, &native, err);
    if (status != CJ_OK) {
        cj__arena_release(scratch, mark);
        return failed(func, status, err);
    }
    status = func->core.head.entry(func, native.args, native.result, arena ? arena : scratch);
    if (status != CJ_OK) {
        *err = store->error;
        return status;
    }
    const cj_type *type = func->core.bound.info->type->result;
    if (type) {
        cj_val_io io = {
            .arena = arena ? arena : scratch, .budget = &store->host_bytes, .root = CJ_ROOT_RESULT, .err = err};
        status = cj__val_load(&io, type, native.result, results);
    }
    if (arena)
        cj__arena_release(scratch, mark);
    return status == CJ_OK ? CJ_OK : failed(func, status, err);
}
