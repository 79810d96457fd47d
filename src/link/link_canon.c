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

static bool is64(const cj_core_item *memory)
{
    return memory && memory->type.limits.is64;
}

/* A memory that a module of unknown types exports. */
static bool is_unknown(const cj_core_item *memory)
{
    return memory && memory->type.unknown;
}

static cj_status resolve_opts(cj_eval *ev, const cj_scope *scope, const cj_ast_canonopts *ast, cj_canon_opts *out,
                              const char **gate)
{
    static const uint8_t i32[] = {CJ_CORE_I32, CJ_CORE_I32, CJ_CORE_I32};
    static const uint8_t i64[] = {CJ_CORE_I64, CJ_CORE_I64, CJ_CORE_I64, CJ_CORE_I64};
    static const cj_core_functype realloc64 = {i64, i64, 4, 1}, callback = {i32, i32, 3, 1};

    *out = (cj_canon_opts){.encoding = ast->encoding, .is_async = ast->is_async};
    if (ast->has_memory)
        CJ_TRY(option_memory(ev, scope, ast->memory, ast->offset, &out->memory));
    const cj_core_functype *realloc = is64(out->memory) ? &realloc64 : &cj__core_realloc_type;
    if (is64(out->memory))
        *gate = "memory64";
    CJ_TRY(option_func(ev, scope, ast->has_realloc, ast->realloc, "canonical option `realloc`",
                       is_unknown(out->memory) ? NULL : realloc, ast->offset, &out->realloc));
    CJ_TRY(option_func(ev, scope, ast->has_post_return, ast->post_return, "canonical option `post-return`", NULL,
                       ast->offset, &out->post_return));
    return option_func(ev, scope, ast->has_callback, ast->callback, "canonical option `callback`", &callback,
                       ast->offset, &out->callback);
}

/* What the function's type asks of the options ("canonopt Validation", "canon lift", "canon lower"). */
static cj_status check_needs(cj_eval *ev, const cj_functype *func, bool lower, const cj_canon_opts *opts,
                             uint64_t offset)
{
    const cj_type *params = func->params_tuple, *result = func->result;
    uint32_t max_params = lower && opts->is_async ? CJ_MAX_FLAT_ASYNC_PARAMS : CJ_MAX_FLAT_PARAMS;
    uint32_t max_results = !opts->is_async ? CJ_MAX_FLAT_RESULTS : lower ? 0 : CJ_MAX_FLAT_PARAMS;
    bool params_in_memory = params->has_pointer || params->flat_count > max_params;
    bool result_in_memory = result && (result->has_pointer || result->flat_count > max_results);
    /* Values are allocated where they arrive. The result itself has its place from the caller. */
    bool realloc = lower ? result && result->has_pointer : params_in_memory;
    /* The specification wants a memory for every async lower; its own tests and the tools only for what is in one. */
    bool memory = realloc || params_in_memory || result_in_memory;
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

static cj_status flatten(cj_eval *ev, const cj_functype *func, bool lower, const cj_canon_opts *opts,
                         cj_core_functype *out)
{
    cj_core_sig sig;
    const cj_flatten how = {
        .lower = lower, .is_async = opts->is_async, .callback = opts->callback != NULL, .addr64 = is64(opts->memory)};
    cj__core_sig_as(func, how, &sig);
    return to_functype(ev, sig.params, sig.param_count, sig.result_count ? &sig.result : NULL, out);
}

static cj_status push_func(cj_eval *ev, cj_scope *scope, cj_core_item *item)
{
    item->type.sort = CJ_SORT_CORE_FUNC;
    return cj__scope_push(ev, scope, (cj_entity){CJ_SORT_CORE_FUNC, {.item = item}});
}

/* -- Lift and lower ---------------------------------------------------------------------------------------------- */

static cj_status check_async(cj_eval *ev, const cj_type_val *type, const cj_canon_opts *opts, uint64_t offset)
{
    if (opts->is_async && !type->func->is_async)
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
    CJ_TRY(check_needs(ev, type, false, &func->opts, offset));
    cj_core_functype flat;
    CJ_TRY(flatten(ev, type, false, &func->opts, &flat));
    const cj_core_desc *desc = &func->core->type;
    bool unknown = desc->unknown || is_unknown(func->opts.memory);
    if (!unknown && !cj__core_functype_equal(&flat, &desc->func)) {
        char text[TEXT_ROOM / 2], want[TEXT_ROOM / 2], have[TEXT_ROOM / 2];
        cj__functype_format(type, text, sizeof(text));
        return cj__fail_at(ev->err, CJ_INVALID, offset,
                           "canon lift: `%s` flattens to (func%s), but core function %u is (func%s)", text,
                           cj__core_functype_text(&flat, want, sizeof(want)), canon->func,
                           cj__core_functype_text(&desc->func, have, sizeof(have)));
    }
    const cj_core_functype post = {flat.results, NULL, flat.result_count, 0};
    if (func->opts.post_return && !unknown && !func->opts.post_return->type.unknown &&
        !cj__core_functype_equal(&post, &func->opts.post_return->type.func))
        return bad_signature(ev, "canonical option `post-return`", &post, &func->opts.post_return->type.func, offset);
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
    CJ_TRY(check_needs(ev, type, true, &item->opts, offset));
    CJ_TRY(flatten(ev, type, true, &item->opts, &item->type.func));
    item->type.unknown = is_unknown(item->opts.memory);
    return push_func(ev, scope, item);
}

/* -- Built-in functions ------------------------------------------------------------------------------------------ */

/* Parameters, '>', results. i: i32; l: i64; a: an address, i64 where the function's memory is a 64-bit one; r: the
 * representation of the resource; t: the thread's parameter, or the context's value; e: an index into the table;
 * ?: a type that cj_core has no name for. NULL: depends on more than letters can say. */
static const char *const builtin_types[CJ_CANON_COUNT] = {
    [CJ_CANON_RESOURCE_NEW] = "r>i",
    [CJ_CANON_RESOURCE_DROP] = "i>",
    [CJ_CANON_RESOURCE_REP] = "i>r",
    [CJ_CANON_TASK_CANCEL] = ">",
    [CJ_CANON_SUBTASK_CANCEL] = "i>i",
    [CJ_CANON_CONTEXT_GET] = ">t",
    [CJ_CANON_CONTEXT_SET] = "t>",
    [CJ_CANON_THREAD_YIELD] = ">i",
    [CJ_CANON_SUBTASK_DROP] = "i>",
    [CJ_CANON_STREAM_NEW] = ">l",
    [CJ_CANON_STREAM_READ] = "iaa>a",
    [CJ_CANON_STREAM_WRITE] = "iaa>a",
    [CJ_CANON_STREAM_CANCEL_READ] = "i>i",
    [CJ_CANON_STREAM_CANCEL_WRITE] = "i>i",
    [CJ_CANON_STREAM_DROP_READABLE] = "i>",
    [CJ_CANON_STREAM_DROP_WRITABLE] = "i>",
    [CJ_CANON_FUTURE_NEW] = ">l",
    [CJ_CANON_FUTURE_READ] = "ia>i",
    [CJ_CANON_FUTURE_WRITE] = "ia>i",
    [CJ_CANON_FUTURE_CANCEL_READ] = "i>i",
    [CJ_CANON_FUTURE_CANCEL_WRITE] = "i>i",
    [CJ_CANON_FUTURE_DROP_READABLE] = "i>",
    [CJ_CANON_FUTURE_DROP_WRITABLE] = "i>",
    [CJ_CANON_ERROR_CONTEXT_NEW] = "aa>i",
    [CJ_CANON_ERROR_CONTEXT_DEBUG_MESSAGE] = "ia>",
    [CJ_CANON_ERROR_CONTEXT_DROP] = "i>",
    [CJ_CANON_WAITABLE_SET_NEW] = ">i",
    [CJ_CANON_WAITABLE_SET_WAIT] = "ia>i",
    [CJ_CANON_WAITABLE_SET_POLL] = "ia>i",
    [CJ_CANON_WAITABLE_SET_DROP] = "i>",
    [CJ_CANON_WAITABLE_JOIN] = "ii>",
    [CJ_CANON_BACKPRESSURE_INC] = ">",
    [CJ_CANON_BACKPRESSURE_DEC] = ">",
    [CJ_CANON_THREAD_INDEX] = ">i",
    [CJ_CANON_THREAD_NEW_INDIRECT] = "et>i",
    [CJ_CANON_THREAD_RESUME_LATER] = "i>",
    [CJ_CANON_THREAD_SUSPEND] = ">i",
    [CJ_CANON_THREAD_SUSPEND_THEN_RESUME] = "i>i",
    [CJ_CANON_THREAD_YIELD_THEN_RESUME] = "i>i",
    [CJ_CANON_THREAD_SUSPEND_THEN_PROMOTE] = "i>i",
    [CJ_CANON_THREAD_YIELD_THEN_PROMOTE] = "i>i",
    [CJ_CANON_THREAD_SPAWN_REF] = "?t>i",
    [CJ_CANON_THREAD_SPAWN_INDIRECT] = "et>i",
    [CJ_CANON_THREAD_AVAILABLE_PARALLELISM] = ">i",
};

/* What the letters stand for. */
typedef struct builtin_operands {
    const cj_core_item *memory;
    bool rep64, table64;
    cj_core value; /* of threads and contexts */
} builtin_operands;

static cj_core core_of(char letter, const builtin_operands *operands)
{
    bool wide = letter == 'l' || (letter == 'a' && is64(operands->memory)) || (letter == 'r' && operands->rep64) ||
                (letter == 'e' && operands->table64);
    return letter == 't' ? operands->value : wide ? CJ_CORE_I64 : CJ_CORE_I32;
}

static cj_status builtin_type(cj_eval *ev, cj_canon_kind kind, const builtin_operands *operands, cj_core_desc *out)
{
    const char *text = builtin_types[kind];
    if (!text) /* task.return: by its result */
        return CJ_OK;
    cj_core params[4], result;
    uint32_t count = 0;
    out->unknown = *text == '?' || is_unknown(operands->memory);
    for (; *text != '>'; text++)
        params[count++] = core_of(*text, operands);
    result = core_of(text[1], operands);
    return to_functype(ev, params, count, text[1] ? &result : NULL, &out->func);
}

static cj_status check_resource(cj_eval *ev, const cj_scope *scope, const cj_ast_canon *canon, uint64_t offset,
                                cj_core_item *item, builtin_operands *operands)
{
    const cj_type_val *type;
    CJ_TRY(cj__eval_get_type(ev, scope, canon->type, offset, CJ_TYPE_RESOURCE, "a resource type", &type));
    if (canon->kind != CJ_CANON_RESOURCE_DROP && type->defined_in != scope)
        return cj__fail_at(ev->err, CJ_INVALID, offset,
                           "%s needs a resource type that this component defines; type %u is imported or abstract",
                           cj__canon_name(canon->kind), canon->type);
    item->resource = type->resource;
    operands->rep64 = type->rep64;
    return CJ_OK;
}

static cj_status needs_option(cj_eval *ev, cj_canon_kind kind, bool has, const char *option, uint64_t offset)
{
    return has ? CJ_OK
               : cj__fail_at(ev->err, CJ_INVALID, offset, "%s needs canonical option `%s`", cj__canon_name(kind),
                             option);
}

/* stream.* and future.*: the type, and for copies of values the memory. */
static cj_status check_channel(cj_eval *ev, const cj_scope *scope, const cj_ast_canon *canon, const cj_canon_opts *opts,
                               uint64_t offset)
{
    bool is_stream = canon->kind <= CJ_CANON_STREAM_DROP_WRITABLE;
    bool reads = canon->kind == CJ_CANON_STREAM_READ || canon->kind == CJ_CANON_FUTURE_READ;
    bool writes = canon->kind == CJ_CANON_STREAM_WRITE || canon->kind == CJ_CANON_FUTURE_WRITE;
    const char *wanted = is_stream ? "a stream type" : "a future type";
    const cj_type_val *type;
    CJ_TRY(cj__eval_get_type(ev, scope, canon->type, offset, CJ_TYPE_VALUE, wanted, &type));
    if (type->value->kind != (is_stream ? CJ_KIND_STREAM : CJ_KIND_FUTURE))
        return cj__fail_at(ev->err, CJ_INVALID, offset, "%s: type %u is not %s, but `%s`", cj__canon_name(canon->kind),
                           canon->type, wanted, cj_kind_name(type->value->kind));
    const cj_type *element = type->value->members[0].type;
    if (!element || (!reads && !writes))
        return CJ_OK;
    CJ_TRY(needs_option(ev, canon->kind, opts->memory, "memory", offset));
    return needs_option(ev, canon->kind, !reads || !element->has_pointer || opts->realloc, "realloc", offset);
}

static cj_status check_context(cj_eval *ev, cj_scope *scope, const cj_ast_canon *canon, uint64_t offset,
                               builtin_operands *operands)
{
    if (canon->immediate >= CONTEXT_SLOTS)
        return cj__fail_at(ev->err, CJ_INVALID, offset, "%s: slot %u is out of bounds, there are %d",
                           cj__canon_name(canon->kind), canon->immediate, CONTEXT_SLOTS);
    if (scope->context_type && scope->context_type != canon->result.prim)
        return cj__fail_at(ev->err, CJ_INVALID, offset,
                           "context values of one component must all be i32, or all be i64");
    scope->context_type = canon->result.prim;
    operands->value = (cj_core)canon->result.prim;
    return CJ_OK;
}

/* The lowering of a function that takes what the task returns. */
static cj_status check_task_return(cj_eval *ev, const cj_scope *scope, const cj_ast_canon *canon,
                                   const cj_canon_opts *opts, uint64_t offset, cj_core_desc *desc)
{
    const cj_type *result;
    const cj_type_val *use;
    CJ_TRY(cj__eval_valtype(ev, scope, &canon->result, &result, &use));
    if (!result)
        return to_functype(ev, NULL, 0, NULL, &desc->func);
    const cj_param param = {CJ_STR("v"), result};
    const cj_functype *func = cj__functype_make(ev->types, &param, 1, NULL, false, ev->err);
    if (!func) {
        ev->err->offset = offset;
        return ev->err->status;
    }
    bool in_memory = result->has_pointer || result->flat_count > CJ_MAX_FLAT_PARAMS;
    CJ_TRY(needs_option(ev, canon->kind, opts->memory || !in_memory, "memory", offset));
    return flatten(ev, func, true, opts, &desc->func);
}

/* The type of the function that a thread begins with: one parameter, i32 or i64, and no result. */
static cj_status check_thread_type(cj_eval *ev, const cj_core_typeval *type, const cj_ast_canon *canon, uint64_t offset,
                                   cj_core *value)
{
    bool ok = type->kind == CJ_CORETYPE_FUNC && !type->opaque && type->func.param_count == 1 &&
              type->func.result_count == 0 &&
              (type->func.params[0] == CJ_CORE_I32 || type->func.params[0] == CJ_CORE_I64);
    *value = ok ? (cj_core)type->func.params[0] : CJ_CORE_I32;
    if (ok || (type->kind == CJ_CORETYPE_OTHER && canon->kind != CJ_CANON_THREAD_NEW_INDIRECT))
        return CJ_OK; /* shared functions are decoded over */
    char text[TEXT_ROOM];
    return cj__fail_at(ev->err, CJ_INVALID, offset, "%s: core type %u must be (func (param i32)), it is %s%s%s",
                       cj__canon_name(canon->kind), canon->type, type->kind == CJ_CORETYPE_FUNC ? "(func" : "",
                       type->kind == CJ_CORETYPE_FUNC     ? cj__core_functype_text(&type->func, text, sizeof(text))
                       : type->kind == CJ_CORETYPE_MODULE ? "a module type"
                                                          : "no function type",
                       type->kind == CJ_CORETYPE_FUNC ? ")" : "");
}

static cj_status check_thread(cj_eval *ev, const cj_scope *scope, const cj_ast_canon *canon, uint64_t offset,
                              builtin_operands *operands)
{
    cj_entity type, table;
    CJ_TRY(cj__scope_get(ev, scope, CJ_SORT_CORE_TYPE, canon->type, offset, &type));
    CJ_TRY(check_thread_type(ev, type.of.core_type, canon, offset, &operands->value));
    if (canon->kind == CJ_CANON_THREAD_SPAWN_REF)
        return CJ_OK;
    CJ_TRY(cj__scope_get(ev, scope, CJ_SORT_CORE_TABLE, canon->immediate, offset, &table));
    const cj_core_desc *desc = &table.of.item->type;
    operands->table64 = desc->limits.is64;
    if (!desc->unknown && desc->value_type != CJ_CORE_FUNCREF)
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
    CJ_TRY(resolve_opts(ev, scope, &canon->opts, &item->opts, &item->gate));
    const char *gate = cj__canon_gate(canon->kind);
    item->gate = gate[0] ? gate : NULL;

    builtin_operands operands = {.memory = item->opts.memory};
    switch (canon->kind) {
    case CJ_CANON_RESOURCE_NEW:
    case CJ_CANON_RESOURCE_DROP:
    case CJ_CANON_RESOURCE_REP:
        CJ_TRY(check_resource(ev, scope, canon, offset, item, &operands));
        break;
    case CJ_CANON_CONTEXT_GET:
    case CJ_CANON_CONTEXT_SET:
        CJ_TRY(check_context(ev, scope, canon, offset, &operands));
        break;
    case CJ_CANON_TASK_RETURN:
        CJ_TRY(check_task_return(ev, scope, canon, &item->opts, offset, &item->type));
        break;
    case CJ_CANON_ERROR_CONTEXT_DEBUG_MESSAGE:
        CJ_TRY(needs_option(ev, canon->kind, item->opts.memory, "memory", offset));
        CJ_TRY(needs_option(ev, canon->kind, item->opts.realloc, "realloc", offset));
        break;
    case CJ_CANON_ERROR_CONTEXT_NEW:
        CJ_TRY(needs_option(ev, canon->kind, item->opts.memory, "memory", offset));
        break;
    case CJ_CANON_WAITABLE_SET_WAIT:
    case CJ_CANON_WAITABLE_SET_POLL:
        CJ_TRY(option_memory(ev, scope, canon->immediate, offset, &operands.memory));
        break;
    case CJ_CANON_THREAD_NEW_INDIRECT:
    case CJ_CANON_THREAD_SPAWN_REF:
    case CJ_CANON_THREAD_SPAWN_INDIRECT:
        CJ_TRY(check_thread(ev, scope, canon, offset, &operands));
        break;
    default:
        if (canon->kind >= CJ_CANON_STREAM_NEW && canon->kind <= CJ_CANON_FUTURE_DROP_WRITABLE)
            CJ_TRY(check_channel(ev, scope, canon, &item->opts, offset));
        break;
    }
    CJ_TRY(builtin_type(ev, canon->kind, &operands, &item->type));
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
