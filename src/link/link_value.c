/* link_value.c: values as definitions: their bytes, start functions, and that each is used exactly once.
 *
 * Place in the pipeline and the model: link_eval.h. Values are a gated feature (the specification's coin): checked
 * here, refused by name when something live has any. That a bound `(value (eq i))` means the same value, and not just
 * its type, is not checked.
 * Spec: Binary.md, "Value Definitions", "Start Definitions"; Explainer, the same.
 */
#include "base/reader.h"
#include "base/utf8.h"
#include "link/link_eval.h"

/* -- Literals ---------------------------------------------------------------------------------------------------- */

static cj_status read_value(cj_eval *ev, cj_reader *r, const cj_type *type);

static cj_status bad_value(cj_eval *ev, const cj_reader *r, const cj_type *type, const char *what)
{
    return cj__fail_at(ev->err, CJ_INVALID, cj__reader_offset(r), "value of type `%s`: %s", cj_kind_name(type->kind),
                       what);
}

static cj_status read_int(cj_eval *ev, cj_reader *r, const cj_type *type)
{
    static const struct {
        int64_t min, max;
    } ranges[] = {
        [CJ_KIND_S16] = {INT16_MIN, INT16_MAX},
        [CJ_KIND_U16] = {0, UINT16_MAX},
        [CJ_KIND_S32] = {INT32_MIN, INT32_MAX},
        [CJ_KIND_U32] = {0, UINT32_MAX},
    };
    const cj_reader start = *r;
    int64_t n;
    uint64_t u;
    if (type->kind == CJ_KIND_U64)
        return cj__read_u64(r, &u, "a u64");
    if (type->kind == CJ_KIND_U16 || type->kind == CJ_KIND_U32) {
        uint32_t small;
        CJ_TRY(cj__read_u32(r, &small, "an integer"));
        n = small;
    } else {
        CJ_TRY(cj__read_s64(r, &n, "an integer"));
    }
    if (type->kind != CJ_KIND_S64 && (n < ranges[type->kind].min || n > ranges[type->kind].max))
        return bad_value(ev, &start, type, "the integer is out of range");
    return CJ_OK;
}

/* There is one NaN. */
static cj_status read_float(cj_eval *ev, cj_reader *r, const cj_type *type)
{
    const cj_reader start = *r;
    const uint8_t *bytes;
    uint64_t bits = 0;
    CJ_TRY(cj__read_bytes(r, type->size, &bytes, "a float"));
    for (uint32_t i = 0; i < type->size; i++)
        bits |= (uint64_t)bytes[i] << 8 * i;
    bool is32 = type->kind == CJ_KIND_F32;
    uint64_t infinity = is32 ? 0x7f800000 : 0x7ff0000000000000, canonical = is32 ? 0x7fc00000 : 0x7ff8000000000000;
    uint64_t magnitude = bits & (is32 ? 0x7fffffff : 0x7fffffffffffffff);
    if (magnitude > infinity && bits != canonical)
        return bad_value(ev, &start, type, "the NaN is not the canonical one");
    return CJ_OK;
}

static cj_status read_char(cj_eval *ev, cj_reader *r, const cj_type *type)
{
    uint32_t scalar;
    size_t n = cj__reader_left(r) ? cj__utf8_decode(r->at, cj__reader_left(r), &scalar) : 0;
    if (n == 0)
        return bad_value(ev, r, type, "not a character in UTF-8");
    r->at += n;
    return CJ_OK;
}

static cj_status read_case(cj_eval *ev, cj_reader *r, const cj_type *type)
{
    const cj_reader start = *r;
    uint32_t at;
    if (type->kind == CJ_KIND_OPTION || type->kind == CJ_KIND_RESULT) {
        bool flag;
        CJ_TRY(cj__read_flag(r, &flag, "the case of a value"));
        if (type->kind == CJ_KIND_OPTION)
            return flag ? read_value(ev, r, type->members[0].type) : CJ_OK;
        at = flag;
    } else {
        CJ_TRY(cj__read_u32(r, &at, "the case of a value"));
        if (at >= type->count)
            return bad_value(ev, &start, type, "there is no such case");
    }
    const cj_type *payload = type->members[at].type;
    return payload ? read_value(ev, r, payload) : CJ_OK;
}

static cj_status read_elements(cj_eval *ev, cj_reader *r, const cj_type *type, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        CJ_TRY(read_value(ev, r, type->members[type->count == 1 ? 0 : i].type));
    return CJ_OK;
}

/* Recursion is as deep as the type, which max_type_depth bounds. Every value takes a byte at least. */
static cj_status read_value(cj_eval *ev, cj_reader *r, const cj_type *type)
{
    uint8_t byte;
    uint32_t count;
    bool flag;
    cj_str text;
    const uint8_t *bytes;
    CJ_TRY(cj__eval_charge(ev, 1, cj__reader_offset(r)));
    switch (type->kind) {
    case CJ_KIND_BOOL:
        return cj__read_flag(r, &flag, "a bool");
    case CJ_KIND_S8:
    case CJ_KIND_U8:
        return cj__read_byte(r, &byte, "an integer");
    case CJ_KIND_S16:
    case CJ_KIND_U16:
    case CJ_KIND_S32:
    case CJ_KIND_U32:
    case CJ_KIND_S64:
    case CJ_KIND_U64:
        return read_int(ev, r, type);
    case CJ_KIND_F32:
    case CJ_KIND_F64:
        return read_float(ev, r, type);
    case CJ_KIND_CHAR:
        return read_char(ev, r, type);
    case CJ_KIND_STRING:
        return cj__read_name(r, CJ_MAX_BYTES, &text, "a string");
    case CJ_KIND_LIST:
        CJ_TRY(cj__read_count(r, 0, NULL, &count, "elements"));
        return read_elements(ev, r, type, count);
    case CJ_KIND_FIXED_LIST:
        return read_elements(ev, r, type, type->length);
    case CJ_KIND_RECORD:
    case CJ_KIND_TUPLE:
        return read_elements(ev, r, type, type->count);
    case CJ_KIND_VARIANT:
    case CJ_KIND_ENUM:
    case CJ_KIND_OPTION:
    case CJ_KIND_RESULT:
        return read_case(ev, r, type);
    case CJ_KIND_FLAGS:
        return cj__read_bytes(r, (type->count + 7) / 8, &bytes, "flags");
    default:
        return bad_value(ev, r, type, "handles cannot be written as values");
    }
}

/* -- The index space --------------------------------------------------------------------------------------------- */

static cj_status push_value(cj_eval *ev, cj_scope *scope, const cj_type_val *type)
{
    return cj__scope_push(ev, scope, (cj_entity){CJ_SORT_VALUE, {.type = type}});
}

cj_status cj__eval_value(cj_eval *ev, cj_scope *scope, const cj_ast_valtype *ast, cj_bytes bytes, uint64_t offset)
{
    cj_type_val *type = cj__eval_type_new(ev, CJ_TYPE_VALUE, NULL);
    if (!type)
        return CJ_NO_MEMORY;
    CJ_TRY(cj__eval_value_type(ev, scope, ast, type));
    cj_reader r = cj__reader(bytes.ptr, bytes.len, bytes.offset, ev->err);
    CJ_TRY(read_value(ev, &r, type->value));
    CJ_TRY(cj__read_done(&r, "a value"));
    if (scope->live)
        cj__eval_unsupported(ev, offset, "values");
    return push_value(ev, scope, type);
}

cj_status cj__eval_use_value(cj_eval *ev, cj_scope *scope, uint32_t index, uint64_t offset, cj_entity *out)
{
    CJ_TRY(cj__scope_get(ev, scope, CJ_SORT_VALUE, index, offset, out));
    if (cj__id_set_has(&scope->values_used, index))
        return cj__fail_at(ev->err, CJ_INVALID, offset, "value %u is used a second time; values are used exactly once",
                           index);
    return cj__id_set_add(ev, &scope->values_used, index);
}

cj_status cj__eval_values_done(cj_eval *ev, const cj_scope *scope, uint64_t offset)
{
    uint32_t count = scope->spaces[CJ_SORT_VALUE].len;
    for (uint32_t i = 0; i < count; i++)
        if (!cj__id_set_has(&scope->values_used, i))
            return cj__fail_at(ev->err, CJ_INVALID, offset,
                               "value %u of the component is never used; values are used exactly once", i);
    return CJ_OK;
}

cj_status cj__eval_start(cj_eval *ev, cj_scope *scope, const cj_ast_start *start, uint64_t offset)
{
    cj_entity func, value;
    CJ_TRY(cj__scope_get(ev, scope, CJ_SORT_FUNC, start->func, offset, &func));
    const cj_type_val *type = func.of.func->type;
    uint32_t params = type->func->param_count, results = type->func->result ? 1 : 0;
    if (start->arg_count != params || start->result_count != results)
        return cj__fail_at(ev->err, CJ_INVALID, offset,
                           "start function has %u parameters and %u results, but is given %u and %u", params, results,
                           start->arg_count, start->result_count);
    for (uint32_t i = 0; i < params; i++) {
        CJ_TRY(cj__eval_use_value(ev, scope, start->args[i], offset, &value));
        if (value.of.type->value != type->func->params[i].type) {
            char want[CJ_TYPE_ROOM], have[CJ_TYPE_ROOM];
            cj__type_format(type->func->params[i].type, want, sizeof(want));
            cj__type_format(value.of.type->value, have, sizeof(have));
            return cj__fail_at(ev->err, CJ_INVALID, offset,
                               "parameter %u of the start function is `%s`, but value %u is `%s`", i, want,
                               start->args[i], have);
        }
    }
    if (scope->live)
        cj__eval_unsupported(ev, offset, "start functions of components");
    if (results == 0)
        return CJ_OK;
    cj_type_val *result = cj__eval_type_new(ev, CJ_TYPE_VALUE, NULL);
    if (!result)
        return CJ_NO_MEMORY;
    result->value = type->func->result;
    result->min_resource = result->value->min_resource;
    result->uses = &type->uses[params];
    result->use_count = 1;
    return push_value(ev, scope, result);
}
