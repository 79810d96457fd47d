/* decode_canon.c: canonical definitions and their options.
 *
 * Place in the pipeline and shared conventions: decode.h.
 * Non-goals: whether the options suffice for the types (link/).
 * Spec: Binary.md, "Canonical Definitions"; CanonicalABI.md, "canonopt Validation".
 */
#include "component/decode.h"

/* The operands of each canonical function, in order:
 *   0 the byte 0x00 (sort func)   f function index   t type index   o options   r result list   c core value type
 *   i immediate index             a `async?` byte    n `cancel?` byte           s `shared?` byte */
static const char *const operands[CJ_CANON_COUNT] = {
    [CJ_CANON_LIFT] = "0fot",
    [CJ_CANON_LOWER] = "0fo",
    [CJ_CANON_RESOURCE_NEW] = "t",
    [CJ_CANON_RESOURCE_DROP] = "t",
    [CJ_CANON_RESOURCE_REP] = "t",
    [CJ_CANON_SUBTASK_CANCEL] = "a",
    [CJ_CANON_TASK_RETURN] = "ro",
    [CJ_CANON_CONTEXT_GET] = "ci",
    [CJ_CANON_CONTEXT_SET] = "ci",
    [CJ_CANON_THREAD_YIELD] = "n",
    [CJ_CANON_STREAM_NEW] = "t",
    [CJ_CANON_STREAM_READ] = "to",
    [CJ_CANON_STREAM_WRITE] = "to",
    [CJ_CANON_STREAM_CANCEL_READ] = "ta",
    [CJ_CANON_STREAM_CANCEL_WRITE] = "ta",
    [CJ_CANON_STREAM_DROP_READABLE] = "t",
    [CJ_CANON_STREAM_DROP_WRITABLE] = "t",
    [CJ_CANON_FUTURE_NEW] = "t",
    [CJ_CANON_FUTURE_READ] = "to",
    [CJ_CANON_FUTURE_WRITE] = "to",
    [CJ_CANON_FUTURE_CANCEL_READ] = "ta",
    [CJ_CANON_FUTURE_CANCEL_WRITE] = "ta",
    [CJ_CANON_FUTURE_DROP_READABLE] = "t",
    [CJ_CANON_FUTURE_DROP_WRITABLE] = "t",
    [CJ_CANON_ERROR_CONTEXT_NEW] = "o",
    [CJ_CANON_ERROR_CONTEXT_DEBUG_MESSAGE] = "o",
    [CJ_CANON_WAITABLE_SET_WAIT] = "ni",
    [CJ_CANON_WAITABLE_SET_POLL] = "ni",
    [CJ_CANON_THREAD_NEW_INDIRECT] = "ti",
    [CJ_CANON_THREAD_SUSPEND] = "n",
    [CJ_CANON_THREAD_SUSPEND_THEN_RESUME] = "n",
    [CJ_CANON_THREAD_YIELD_THEN_RESUME] = "n",
    [CJ_CANON_THREAD_SUSPEND_THEN_PROMOTE] = "n",
    [CJ_CANON_THREAD_YIELD_THEN_PROMOTE] = "n",
    [CJ_CANON_THREAD_SPAWN_REF] = "st",
    [CJ_CANON_THREAD_SPAWN_INDIRECT] = "sti",
    [CJ_CANON_THREAD_AVAILABLE_PARALLELISM] = "s",
};

/* -- Options ------------------------------------------------------------------------------------------------------- */

enum {
    OPT_UTF8,
    OPT_UTF16,
    OPT_LATIN1_UTF16,
    OPT_MEMORY,
    OPT_REALLOC,
    OPT_POST_RETURN,
    OPT_ASYNC,
    OPT_CALLBACK,
    OPT_COUNT,
};

static const char *const option_names[OPT_COUNT] = {
    "string-encoding=utf8",
    "string-encoding=utf16",
    "string-encoding=latin1+utf16",
    "memory",
    "realloc",
    "post-return",
    "async",
    "callback",
};

static bool option_allowed(cj_canon_kind kind, uint8_t option)
{
    bool is_copy = kind == CJ_CANON_STREAM_READ || kind == CJ_CANON_STREAM_WRITE || kind == CJ_CANON_FUTURE_READ ||
                   kind == CJ_CANON_FUTURE_WRITE;
    switch (option) {
    case OPT_POST_RETURN:
    case OPT_CALLBACK:
        return kind == CJ_CANON_LIFT;
    case OPT_ASYNC:
        return kind == CJ_CANON_LIFT || kind == CJ_CANON_LOWER || is_copy;
    case OPT_REALLOC:
        return kind != CJ_CANON_TASK_RETURN;
    default:
        return true;
    }
}

static cj_status decode_options(cj_decoder *d, cj_reader *r, cj_canon_kind kind, cj_ast_canonopts *opts)
{
    opts->offset = cj__reader_offset(r);
    uint32_t count;
    CJ_TRY(cj__decode_count(d, r, 0, NULL, &count, "canonical options"));
    for (uint32_t i = 0; i < count; i++) {
        uint64_t offset = cj__reader_offset(r);
        uint8_t option;
        bool seen = false;
        CJ_TRY(cj__read_byte(r, &option, "a canonical option"));
        switch (option) {
        case OPT_UTF8:
        case OPT_UTF16:
        case OPT_LATIN1_UTF16:
            seen = opts->has_encoding;
            opts->has_encoding = true;
            opts->encoding = (cj_encoding)option;
            break;
        case OPT_MEMORY:
            seen = opts->has_memory;
            opts->has_memory = true;
            CJ_TRY(cj__read_u32(r, &opts->memory, "a core memory index"));
            break;
        case OPT_REALLOC:
            seen = opts->has_realloc;
            opts->has_realloc = true;
            CJ_TRY(cj__read_u32(r, &opts->realloc, "a core function index"));
            break;
        case OPT_POST_RETURN:
            seen = opts->has_post_return;
            opts->has_post_return = true;
            CJ_TRY(cj__read_u32(r, &opts->post_return, "a core function index"));
            break;
        case OPT_ASYNC:
            seen = opts->is_async;
            opts->is_async = true;
            break;
        case OPT_CALLBACK:
            seen = opts->has_callback;
            opts->has_callback = true;
            CJ_TRY(cj__read_u32(r, &opts->callback, "a core function index"));
            break;
        default:
            return cj__decode_unexpected(d, offset, option, "a canonical option (0x00 to 0x07)");
        }
        if (seen)
            return cj__fail_at(d->err, CJ_INVALID, offset,
                               "canonical option `%s` is given twice, or in conflict with an earlier one",
                               option_names[option]);
        if (!option_allowed(kind, option))
            return cj__fail_at(d->err, CJ_INVALID, offset, "canonical option `%s` is not allowed on %s",
                               option_names[option], cj__canon_name(kind));
    }
    if (opts->has_realloc && !opts->has_memory)
        return cj__fail_at(d->err, CJ_INVALID, opts->offset, "canonical option `realloc` needs `memory`");
    if (opts->has_post_return && opts->is_async)
        return cj__fail_at(d->err, CJ_INVALID, opts->offset,
                           "canonical options `post-return` and `async` exclude each other");
    if (opts->has_callback && !opts->is_async)
        return cj__fail_at(d->err, CJ_INVALID, opts->offset, "canonical option `callback` needs `async`");
    return CJ_OK;
}

_Static_assert((int)CJ_UTF8 == OPT_UTF8 && (int)CJ_UTF16 == OPT_UTF16 && (int)CJ_LATIN1_UTF16 == OPT_LATIN1_UTF16,
               "an encoding's option byte is its number");

/* -- Definitions --------------------------------------------------------------------------------------------------- */

/* context.get and context.set, and resources, know i32 and (with 64-bit memories) i64. */
static cj_status decode_context_type(cj_decoder *d, cj_reader *r, cj_ast_valtype *out)
{
    uint64_t offset = cj__reader_offset(r);
    bool opaque;
    CJ_TRY(cj__decode_core_valtype(d, r, &out->prim, &opaque));
    if (out->prim != 0x7f && out->prim != 0x7e)
        return cj__fail_at(d->err, CJ_INVALID, offset, "context values are i32 or i64, not core type 0x%02x",
                           out->prim);
    out->present = true;
    out->offset = offset;
    return CJ_OK;
}

static cj_status decode_operand(cj_decoder *d, cj_reader *r, char operand, cj_ast_canon *canon)
{
    switch (operand) {
    case '0':
        return cj__read_exact(r, 0x00, "the sort of a canonical function, func");
    case 'f':
        return cj__read_u32(r, &canon->func, "a function index");
    case 't':
        return cj__read_u32(r, &canon->type, "a type index");
    case 'i':
        return cj__read_u32(r, &canon->immediate, "an index");
    case 'o':
        return decode_options(d, r, canon->kind, &canon->opts);
    case 'r':
        return cj__decode_result(d, r, &canon->result);
    case 'c':
        return decode_context_type(d, r, &canon->result);
    case 'a':
        return cj__read_flag(r, &canon->flag, "an async flag");
    case 'n':
        return cj__read_flag(r, &canon->flag, "a cancellable flag");
    case 's':
        return cj__read_flag(r, &canon->flag, "a shared flag");
    }
    return cj__fail(d->err, CJ_INTERNAL, "operand '%c' of a canonical function", operand);
}

static bool find_kind(uint8_t opcode, cj_canon_kind *out)
{
    static const uint8_t opcodes[] = {
#define CJ_X(name, byte, text, gate) byte,
        CJ_CANON_MAP(CJ_X)
#undef CJ_X
    };
    for (size_t i = 0; i < CJ_COUNT(opcodes); i++) {
        if (opcodes[i] == opcode) {
            *out = (cj_canon_kind)i;
            return true;
        }
    }
    return false;
}

cj_status cj__decode_canon(cj_decoder *d, cj_reader *r, cj_ast_canon **out)
{
    uint64_t offset = cj__reader_offset(r);
    cj_ast_canon *canon = CJ_ARENA_NEW(d->arena, cj_ast_canon);
    if (!canon)
        return cj__fail_nomem(d->err);
    uint8_t opcode;
    CJ_TRY(cj__read_byte(r, &opcode, "a canonical function"));
    if (!find_kind(opcode, &canon->kind))
        return cj__decode_unexpected(d, offset, opcode, "a canonical function");
    for (const char *o = operands[canon->kind]; o && *o; o++)
        CJ_TRY(decode_operand(d, r, *o, canon));
    *out = canon;
    return CJ_OK;
}
