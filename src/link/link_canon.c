/* link_canon.c: canonical definitions: their options, and the core types of what is lifted, lowered or built in.
 *
 * Place in the pipeline and the model: link_eval.h. That options occur once, where they may, and with those that they
 * depend on, is the decoder's matter.
 * Spec: CanonicalABI.md, "canonopt Validation" and the section of each canonical definition.
 */
#include "link/link_eval.h"

#include <stdio.h>

enum {
    TEXT_ROOM = 96,
    MAX_FLAT_ASYNC_PARAMS = 4,
    CONTEXT_SLOTS = 2,
};

/* -- Options ----------------------------------------------------------------------------------------------------- */

static cj_status bad_signature(cj_eval *ev, const char *what, const cj_core_functype *expected,
                               const cj_core_functype *actual, uint64_t offset)
{
    char want[TEXT_ROOM], have[TEXT_ROOM];
    return cj__fail_at(ev->err, CJ_INVALID, offset, "%s must be (func%s), this one is (func%s)", what,
                       cj__core_functype_text(expected, want, sizeof(want)),
                       cj__core_functype_text(actual, have, sizeof(have)));
}

static cj_status option_func(cj_eval *ev, const cj_scope *scope, bool has, uint32_t index, const char *what,
                             const cj_core_functype *expected, uint64_t offset, const cj_core_item **out)
{
    *out = NULL;
    if (!has)
        return CJ_OK;
    cj_entity entity;
    CJ_TRY(cj__scope_get(ev, scope, CJ_SORT_CORE_FUNC, index, offset, &entity));
    const cj_core_desc *desc = &entity.of.item->type;
    if (expected && !desc->unknown && !cj__core_functype_equal(expected, &desc->func))
        return bad_signature(ev, what, expected, &desc->func, offset);
    *out = entity.of.item;
    return CJ_OK;
}

static cj_status option_memory(cj_eval *ev, const cj_scope *scope, uint32_t index, uint64_t offset,
                               const cj_core_item **out)
{
    cj_entity entity;
    CJ_TRY(cj__scope_get(ev, scope, CJ_SORT_CORE_MEMORY, index, offset, &entity));
    if (entity.of.item->type.limits.shared)
        return cj__fail_at(ev->err, CJ_INVALID, offset, "canonical option `memory`: core memory %u is shared", index);
    *out = entity.of.item;
    return CJ_OK;
}

static cj_status resolve_opts(cj_eval *ev, const cj_scope *scope, const cj_ast_canonopts *ast, cj_canon_opts *out,
                              const char **gate)
{
    static const uint8_t i32[] = {CJ_CORE_I32, CJ_CORE_I32, CJ_CORE_I32, CJ_CORE_I32};
    static const uint8_t i64[] = {CJ_CORE_I64, CJ_CORE_I64, CJ_CORE_I64, CJ_CORE_I64};
    static const cj_core_functype realloc32 = {i32, i32, 4, 1}, realloc64 = {i64, i64, 4, 1},
                                  callback = {i32, i32, 3, 1};

    *out = (cj_canon_opts){.encoding = ast->encoding, .is_async = ast->is_async};
    if (ast->has_memory)
        CJ_TRY(option_memory(ev, scope, ast->memory, ast->offset, &out->memory));
    bool is64 = out->memory && out->memory->type.limits.is64;
    if (is64)
        *gate = "memory64";
    CJ_TRY(option_func(ev, scope, ast->has_realloc, ast->realloc, "canonical option `realloc`",
                       is64 ? &realloc64 : &realloc32, ast->offset, &out->realloc));
    CJ_TRY(option_func(ev, scope, ast->has_post_return, ast->post_return, "canonical option `post-return`", NULL,
                       ast->offset, &out->post_return));
    return option_func(ev, scope, ast->has_callback, ast->callback, "canonical option `callback`", &callback,
                       ast->offset, &out->callback);
}

/* What the function's type asks of the options. */
static cj_status check_needs(cj_eval *ev, const cj_functype *func, bool lower, const cj_canon_opts *opts,
                             uint64_t offset)
{
    bool memory, realloc;
    const cj_type *params = func->params_tuple, *result = func->result;
    if (!opts->is_async) {
        cj__plan_needs(func, lower ? CJ_PLAN_IMPORT : CJ_PLAN_EXPORT, &memory, &realloc);
    } else if (
        lower) { /* the spec wants a memory always; its own tests and the tools, where there is something in it */
        realloc = result && result->has_pointer;
        memory = result || params->has_pointer || params->flat_count > MAX_FLAT_ASYNC_PARAMS;
    } else {
        realloc = params->has_pointer || params->flat_count > CJ_MAX_FLAT_PARAMS;
        memory = realloc || (result && (result->has_pointer || result->flat_count > CJ_MAX_FLAT_PARAMS));
    }
    const char *missing = memory && !opts->memory ? "memory" : realloc && !opts->realloc ? "realloc" : NULL;
    if (!missing)
        return CJ_OK;
    char text[TEXT_ROOM];
    cj__functype_format(func, text, sizeof(text));
    return cj__fail_at(ev->err, CJ_INVALID, offset, "%s of `%s` needs canonical option `%s`",
                       lower ? "canon lower" : "canon lift", text, missing);
}

/* -- Core signatures --------------------------------------------------------------------------------------------- */

/* Writes a signature as core function type; its bytes live in the arena. */
static cj_status to_functype(cj_eval *ev, const cj_core *params, uint32_t param_count, const cj_core *result,
                             cj_core_functype *out)
{
    uint8_t *bytes = CJ_EVAL_ARRAY(ev, uint8_t, param_count + 1);
    if (!bytes)
        return CJ_NO_MEMORY;
    for (uint32_t i = 0; i < param_count; i++)
        bytes[i] = (uint8_t)params[i];
    if (result)
        bytes[param_count] = (uint8_t)*result;
    *out = (cj_core_functype){bytes, bytes + param_count, param_count, result ? 1 : 0};
    return CJ_OK;
}

/* flatten_functype of the spec. */
static cj_status flatten(cj_eval *ev, const cj_functype *func, bool lower, const cj_canon_opts *opts,
                         cj_core_functype *out)
{
    static const cj_core i32 = CJ_CORE_I32;
    if (!opts->is_async) {
        cj_core_sig sig;
        cj__core_sig(func, lower, &sig);
        return to_functype(ev, sig.params, sig.param_count, sig.result_count ? &sig.result : NULL, out);
    }
    cj_core params[CJ_MAX_FLAT_PARAMS + 1];
    uint32_t count = func->params_tuple->flat_count;
    if (count > (lower ? MAX_FLAT_ASYNC_PARAMS : CJ_MAX_FLAT_PARAMS)) {
        params[0] = CJ_CORE_I32;
        count = 1;
    } else {
        memcpy(params, func->params_tuple->flat, count * sizeof(params[0]));
    }
    if (lower && func->result)
        params[count++] = CJ_CORE_I32;
    return to_functype(ev, params, count, lower || opts->callback ? &i32 : NULL, out);
}

static cj_status push_func(cj_eval *ev, cj_scope *scope, cj_core_item *item)
{
    item->type.sort = CJ_SORT_CORE_FUNC;
    return cj__scope_push(ev, scope, (cj_entity){CJ_SORT_CORE_FUNC, {.item = item}});
}

/* -- Lift and lower ---------------------------------------------------------------------------------------------- */

static cj_status check_async(cj_eval *ev, const cj_type_val *type, const cj_canon_opts *opts, uint64_t offset)
{
    if (opts->is_async && !type->is_async)
        return cj__fail_at(ev->err, CJ_INVALID, offset, "canonical option `async` needs an async function type");
    return CJ_OK;
}

static cj_status run_lift(cj_eval *ev, cj_scope *scope, const cj_ast_canon *canon, uint64_t offset)
{
    cj_entity core;
    cj_func_val *func = CJ_EVAL_NEW(ev, cj_func_val);
    if (!func)
        return CJ_NO_MEMORY;
    func->origin = CJ_FUNC_LIFTED;
    func->part = scope->part;
    func->offset = offset;
    CJ_TRY(cj__scope_get(ev, scope, CJ_SORT_CORE_FUNC, canon->func, offset, &core));
    CJ_TRY(cj__eval_get_type(ev, scope, canon->type, offset, CJ_TYPE_FUNC, "a function type", &func->type));
    CJ_TRY(resolve_opts(ev, scope, &canon->opts, &func->opts, &func->gate));
    CJ_TRY(check_async(ev, func->type, &func->opts, offset));
    func->core = core.of.item;
    if (func->opts.is_async)
        func->gate = "async lift";

    const cj_functype *type = func->type->func;
    if (type && !(func->opts.memory && func->opts.memory->type.limits.is64)) {
        CJ_TRY(check_needs(ev, type, false, &func->opts, offset));
        cj_core_functype flat;
        CJ_TRY(flatten(ev, type, false, &func->opts, &flat));
        const cj_core_desc *desc = &func->core->type;
        if (!desc->unknown && !cj__core_functype_equal(&flat, &desc->func)) {
            char text[TEXT_ROOM / 2], want[TEXT_ROOM / 2], have[TEXT_ROOM / 2];
            cj__functype_format(type, text, sizeof(text));
            return cj__fail_at(ev->err, CJ_INVALID, offset,
                               "canon lift: `%s` flattens to (func%s), but core function %u is (func%s)", text,
                               cj__core_functype_text(&flat, want, sizeof(want)), canon->func,
                               cj__core_functype_text(&desc->func, have, sizeof(have)));
        }
        const cj_core_functype post = {flat.results, NULL, flat.result_count, 0};
        if (func->opts.post_return && !func->opts.post_return->type.unknown &&
            !cj__core_functype_equal(&post, &func->opts.post_return->type.func))
            return bad_signature(ev, "canonical option `post-return`", &post, &func->opts.post_return->type.func,
                                 offset);
    }
    if (scope->live && !CJ_VEC_PUSH(ev->alloc, &ev->lifts, func))
        return cj__eval_nomem(ev);
    return cj__scope_push(ev, scope, (cj_entity){CJ_SORT_FUNC, {.func = func}});
}

static cj_status run_lower(cj_eval *ev, cj_scope *scope, const cj_ast_canon *canon, uint64_t offset)
{
    cj_entity func;
    cj_core_item *item = CJ_EVAL_NEW(ev, cj_core_item);
    if (!item)
        return CJ_NO_MEMORY;
    item->origin = CJ_CORE_LOWERED;
    item->offset = offset;
    CJ_TRY(cj__scope_get(ev, scope, CJ_SORT_FUNC, canon->func, offset, &func));
    item->func = func.of.func;
    CJ_TRY(resolve_opts(ev, scope, &canon->opts, &item->opts, &item->gate));
    CJ_TRY(check_async(ev, item->func->type, &item->opts, offset));
    if (item->opts.is_async)
        item->gate = "async lower";

    const cj_functype *type = item->func->type->func;
    item->type.unknown = !type || (item->opts.memory && item->opts.memory->type.limits.is64);
    if (!item->type.unknown) {
        CJ_TRY(check_needs(ev, type, true, &item->opts, offset));
        CJ_TRY(flatten(ev, type, true, &item->opts, &item->type.func));
    }
    return push_func(ev, scope, item);
}

/* -- Built-in functions ------------------------------------------------------------------------------------------ */

/* Parameters, '>', results: 'i' is i32, 'l' is i64. NULL: depends on an operand. */
static const char *const builtin_types[CJ_CANON_COUNT] = {
    [CJ_CANON_RESOURCE_NEW] = "i>i",
    [CJ_CANON_RESOURCE_DROP] = "i>",
    [CJ_CANON_RESOURCE_REP] = "i>i",
    [CJ_CANON_TASK_CANCEL] = ">",
    [CJ_CANON_SUBTASK_CANCEL] = "i>i",
    [CJ_CANON_THREAD_YIELD] = ">i",
    [CJ_CANON_SUBTASK_DROP] = "i>",
    [CJ_CANON_STREAM_NEW] = ">l",
    [CJ_CANON_STREAM_READ] = "iii>i",
    [CJ_CANON_STREAM_WRITE] = "iii>i",
    [CJ_CANON_STREAM_CANCEL_READ] = "i>i",
    [CJ_CANON_STREAM_CANCEL_WRITE] = "i>i",
    [CJ_CANON_STREAM_DROP_READABLE] = "i>",
    [CJ_CANON_STREAM_DROP_WRITABLE] = "i>",
    [CJ_CANON_FUTURE_NEW] = ">l",
    [CJ_CANON_FUTURE_READ] = "ii>i",
    [CJ_CANON_FUTURE_WRITE] = "ii>i",
    [CJ_CANON_FUTURE_CANCEL_READ] = "i>i",
    [CJ_CANON_FUTURE_CANCEL_WRITE] = "i>i",
    [CJ_CANON_FUTURE_DROP_READABLE] = "i>",
    [CJ_CANON_FUTURE_DROP_WRITABLE] = "i>",
    [CJ_CANON_ERROR_CONTEXT_NEW] = "ii>i",
    [CJ_CANON_ERROR_CONTEXT_DEBUG_MESSAGE] = "ii>",
    [CJ_CANON_ERROR_CONTEXT_DROP] = "i>",
    [CJ_CANON_WAITABLE_SET_NEW] = ">i",
    [CJ_CANON_WAITABLE_SET_WAIT] = "ii>i",
    [CJ_CANON_WAITABLE_SET_POLL] = "ii>i",
    [CJ_CANON_WAITABLE_SET_DROP] = "i>",
    [CJ_CANON_WAITABLE_JOIN] = "ii>",
    [CJ_CANON_BACKPRESSURE_INC] = ">",
    [CJ_CANON_BACKPRESSURE_DEC] = ">",
    [CJ_CANON_THREAD_INDEX] = ">i",
    [CJ_CANON_THREAD_NEW_INDIRECT] = "ii>i",
    [CJ_CANON_THREAD_RESUME_LATER] = "i>",
    [CJ_CANON_THREAD_SUSPEND] = ">i",
    [CJ_CANON_THREAD_SUSPEND_THEN_RESUME] = "i>i",
    [CJ_CANON_THREAD_YIELD_THEN_RESUME] = "i>i",
    [CJ_CANON_THREAD_SUSPEND_THEN_PROMOTE] = "i>i",
    [CJ_CANON_THREAD_YIELD_THEN_PROMOTE] = "i>i",
    [CJ_CANON_THREAD_AVAILABLE_PARALLELISM] = ">i",
};

static cj_status builtin_type(cj_eval *ev, cj_canon_kind kind, cj_core_desc *out)
{
    const char *text = builtin_types[kind];
    out->unknown = !text;
    if (!text)
        return CJ_OK;
    cj_core params[4], result = CJ_CORE_I32;
    uint32_t count = 0;
    for (; *text != '>'; text++)
        params[count++] = *text == 'l' ? CJ_CORE_I64 : CJ_CORE_I32;
    if (text[1] == 'l')
        result = CJ_CORE_I64;
    return to_functype(ev, params, count, text[1] ? &result : NULL, &out->func);
}

static cj_status check_resource(cj_eval *ev, const cj_scope *scope, const cj_ast_canon *canon, uint64_t offset,
                                cj_core_item *item)
{
    const cj_type_val *type;
    CJ_TRY(cj__eval_get_type(ev, scope, canon->type, offset, CJ_TYPE_RESOURCE, "a resource type", &type));
    if (canon->kind != CJ_CANON_RESOURCE_DROP && type->defined_in != scope)
        return cj__fail_at(ev->err, CJ_INVALID, offset,
                           "%s needs a resource type that this component defines; type %u is imported or abstract",
                           cj__canon_name(canon->kind), canon->type);
    item->resource = type->resource;
    item->gate = type->value.gate;
    item->type.unknown |= type->value.gate != NULL; /* a 64-bit representation */
    return CJ_OK;
}

/* stream.* and future.*: the type, and for copies of values the memory. */
static cj_status check_channel(cj_eval *ev, const cj_scope *scope, const cj_ast_canon *canon, const cj_canon_opts *opts,
                               uint64_t offset)
{
    bool is_stream = canon->kind <= CJ_CANON_STREAM_DROP_WRITABLE;
    bool reads = canon->kind == CJ_CANON_STREAM_READ || canon->kind == CJ_CANON_FUTURE_READ;
    bool writes = canon->kind == CJ_CANON_STREAM_WRITE || canon->kind == CJ_CANON_FUTURE_WRITE;
    const cj_type_val *type;
    CJ_TRY(cj__eval_get_type(ev, scope, canon->type, offset, CJ_TYPE_VALUE,
                             is_stream ? "a stream type" : "a future type", &type));
    if (type->def != (is_stream ? CJ_DEFTYPE_STREAM : CJ_DEFTYPE_FUTURE))
        return cj__fail_at(ev->err, CJ_INVALID, offset, "%s: type %u is not a %s type", cj__canon_name(canon->kind),
                           canon->type, is_stream ? "stream" : "future");
    if (!type->elem || (!reads && !writes))
        return CJ_OK;
    if (!opts->memory)
        return cj__fail_at(ev->err, CJ_INVALID, offset, "%s needs canonical option `memory`",
                           cj__canon_name(canon->kind));
    if (reads && type->elem->type && type->elem->type->has_pointer && !opts->realloc)
        return cj__fail_at(ev->err, CJ_INVALID, offset, "%s needs canonical option `realloc`",
                           cj__canon_name(canon->kind));
    return CJ_OK;
}

static cj_status check_context(cj_eval *ev, cj_scope *scope, const cj_ast_canon *canon, uint64_t offset,
                               cj_core_desc *desc)
{
    cj_core type = (cj_core)canon->result.prim;
    if (canon->immediate >= CONTEXT_SLOTS)
        return cj__fail_at(ev->err, CJ_INVALID, offset, "%s: slot %u is out of bounds, there are %d",
                           cj__canon_name(canon->kind), canon->immediate, CONTEXT_SLOTS);
    if (scope->context_type && scope->context_type != canon->result.prim)
        return cj__fail_at(ev->err, CJ_INVALID, offset,
                           "context values of one component must all be i32, or all be i64");
    scope->context_type = canon->result.prim;
    desc->unknown = false;
    return canon->kind == CJ_CANON_CONTEXT_GET ? to_functype(ev, NULL, 0, &type, &desc->func)
                                               : to_functype(ev, &type, 1, NULL, &desc->func);
}

static cj_status check_task_return(cj_eval *ev, const cj_scope *scope, const cj_ast_canon *canon,
                                   const cj_canon_opts *opts, uint64_t offset, cj_core_desc *desc)
{
    static const cj_core i32 = CJ_CORE_I32;
    cj_valtype result = {.min_resource = CJ_NO_RESOURCE};
    desc->unknown = false;
    if (!canon->result.present)
        return to_functype(ev, NULL, 0, NULL, &desc->func);
    CJ_TRY(cj__eval_valtype(ev, scope, &canon->result, &result));
    const cj_type *type = result.type;
    desc->unknown = !type;
    if (!type)
        return CJ_OK;
    bool spill = type->flat_count > CJ_MAX_FLAT_PARAMS;
    if ((spill || type->has_pointer) && !opts->memory)
        return cj__fail_at(ev->err, CJ_INVALID, offset, "task.return needs canonical option `memory`");
    return to_functype(ev, spill ? &i32 : type->flat, spill ? 1 : type->flat_count, NULL, &desc->func);
}

static cj_status check_thread(cj_eval *ev, const cj_scope *scope, const cj_ast_canon *canon, uint64_t offset)
{
    cj_entity type, table;
    CJ_TRY(cj__scope_get(ev, scope, CJ_SORT_CORE_TYPE, canon->type, offset, &type));
    const cj_core_typeval *val = type.of.core_type;
    if (val->kind == CJ_CORETYPE_MODULE ||
        (val->kind == CJ_CORETYPE_FUNC && !val->opaque && (val->func.param_count != 1 || val->func.result_count != 0)))
        return cj__fail_at(ev->err, CJ_INVALID, offset,
                           "%s: core type %u is not a function type with one parameter and no result",
                           cj__canon_name(canon->kind), canon->type);
    if (canon->kind == CJ_CANON_THREAD_SPAWN_REF)
        return CJ_OK;
    CJ_TRY(cj__scope_get(ev, scope, CJ_SORT_CORE_TABLE, canon->immediate, offset, &table));
    if (table.of.item->type.value_type != CJ_CORE_FUNCREF)
        return cj__fail_at(ev->err, CJ_INVALID, offset, "%s: core table %u is not one of functions",
                           cj__canon_name(canon->kind), canon->immediate);
    return CJ_OK;
}

static cj_status run_builtin(cj_eval *ev, cj_scope *scope, const cj_ast_canon *canon, uint64_t offset)
{
    cj_core_item *item = CJ_EVAL_NEW(ev, cj_core_item);
    if (!item)
        return CJ_NO_MEMORY;
    item->origin = CJ_CORE_BUILTIN;
    item->canon = canon->kind;
    item->offset = offset;
    CJ_TRY(builtin_type(ev, canon->kind, &item->type));
    CJ_TRY(resolve_opts(ev, scope, &canon->opts, &item->opts, &item->gate));
    item->gate = cj__canon_gate(canon->kind);

    switch (canon->kind) {
    case CJ_CANON_RESOURCE_NEW:
    case CJ_CANON_RESOURCE_DROP:
    case CJ_CANON_RESOURCE_REP:
        CJ_TRY(check_resource(ev, scope, canon, offset, item));
        break;
    case CJ_CANON_CONTEXT_GET:
    case CJ_CANON_CONTEXT_SET:
        CJ_TRY(check_context(ev, scope, canon, offset, &item->type));
        break;
    case CJ_CANON_TASK_RETURN:
        CJ_TRY(check_task_return(ev, scope, canon, &item->opts, offset, &item->type));
        break;
    case CJ_CANON_ERROR_CONTEXT_NEW:
    case CJ_CANON_ERROR_CONTEXT_DEBUG_MESSAGE:
        if (!item->opts.memory || (canon->kind == CJ_CANON_ERROR_CONTEXT_DEBUG_MESSAGE && !item->opts.realloc))
            return cj__fail_at(ev->err, CJ_INVALID, offset, "%s needs canonical option `%s`",
                               cj__canon_name(canon->kind), item->opts.memory ? "realloc" : "memory");
        break;
    case CJ_CANON_WAITABLE_SET_WAIT:
    case CJ_CANON_WAITABLE_SET_POLL: {
        const cj_core_item *memory;
        CJ_TRY(option_memory(ev, scope, canon->immediate, offset, &memory));
        break;
    }
    case CJ_CANON_THREAD_NEW_INDIRECT:
    case CJ_CANON_THREAD_SPAWN_REF:
    case CJ_CANON_THREAD_SPAWN_INDIRECT:
        CJ_TRY(check_thread(ev, scope, canon, offset));
        break;
    default:
        if (canon->kind >= CJ_CANON_STREAM_NEW && canon->kind <= CJ_CANON_FUTURE_DROP_WRITABLE)
            CJ_TRY(check_channel(ev, scope, canon, &item->opts, offset));
        break;
    }
    return push_func(ev, scope, item);
}

cj_status cj__eval_canon(cj_eval *ev, cj_scope *scope, const cj_ast_canon *canon, uint64_t offset)
{
    switch (canon->kind) {
    case CJ_CANON_LIFT:
        return run_lift(ev, scope, canon, offset);
    case CJ_CANON_LOWER:
        return run_lower(ev, scope, canon, offset);
    default:
        return run_builtin(ev, scope, canon, offset);
    }
}
