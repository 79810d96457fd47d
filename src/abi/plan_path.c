/* plan_path.c: where in a value something happened, in words: "param 0 .items[3] .name".
 *
 * Place in the pipeline: made when a trap is turned into an error; a plan keeps only steps, the names are the type's.
 */
#include "abi/plan_internal.h"

#include <stdarg.h>
#include <stdio.h>

const char *cj__op_name(cj_opcode code)
{
    static const char *const names[] = {
#define CJ_X(name, text, traps) text,
        CJ_OP_MAP(CJ_X)
#undef CJ_X
    };
    return (unsigned)code < CJ_COUNT(names) ? names[code] : "unknown";
}

/* snprintf, piece by piece. */
typedef struct text {
    char *at;
    size_t size, len; /* `len` is the untruncated length */
} text;

CJ_PRINTF(2, 3) static void append(text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    size_t room = t->len < t->size ? t->size - t->len : 0;
    int n = vsnprintf(room ? t->at + t->len : NULL, room, format, args);
    va_end(args);
    if (n > 0)
        t->len += (size_t)n;
}

/* Writes the steps from the root to `path`; gives the type there, and in `depth` the number of list elements on the
 * way. */
static const cj_type *walk(text *t, const cj_moves *moves, uint32_t path, const uint32_t *index,
                           const cj_functype *type, uint32_t *depth)
{
    const cj_path *step = &moves->paths[path];
    if (step->step == CJ_STEP_PARAM) {
        append(t, "param %u", step->index);
        return cj_functype_param(type, step->index);
    }
    if (step->step == CJ_STEP_RESULT) {
        append(t, "result");
        return type->result;
    }
    const cj_type *outer = walk(t, moves, step->parent, index, type, depth);
    if (step->step == CJ_STEP_ELEMENT) {
        if (!index)
            append(t, "[]");
        else if (*depth < CJ_TRAP_DEPTH)
            append(t, "[%u]", index[*depth]);
        else
            append(t, "[...]");
        ++*depth;
        return outer ? cj_type_member(outer, 0) : NULL;
    }
    cj_str name = outer && step->index < outer->count ? outer->members[step->index].name : CJ_STR("");
    if (name.len)
        append(t, " .%.*s", CJ_STR_ARG(name));
    else
        append(t, " .%u", step->index);
    return outer ? cj_type_member(outer, step->index) : NULL;
}

size_t cj__plan_path_format(const cj_moves *moves, uint32_t op, const uint32_t *index, const cj_functype *type,
                            char *buffer, size_t size)
{
    text t = {buffer, size, 0};
    if (size)
        buffer[0] = 0;
    uint32_t depth = 0;
    if (op < moves->op_count)
        walk(&t, moves, moves->ops[op].path, index, type, &depth);
    return t.len;
}
