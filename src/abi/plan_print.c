/* plan_print.c: a plan as text, for people and for tests that compare it.
 *
 * Place in the pipeline: `canonjit inspect --plan`, tests. Stable: the same plan and type always give the same text.
 *
 *     import utf8, core (i32, i32, i32, i32, i32)
 *     args: flat 5 -> host 40/8
 *        0 string         f0 -> h0  view                          ; param 0
 *        1 variant u8     f2 -> h16  2 cases, 2 payload slots     ; param 1
 *          case 1
 *        2   list           f3 -> h24  view 4/4 -> 4/4            ; param 1 .some
 *     results: none
 *
 * `f`, `m` and `h` are slots, bytes in linear memory and bytes on the host; "32/8" is size/alignment. A fused plan begins
 * with "fused utf8 -> utf16", the encodings of who calls and of who is called; its core signature is the caller's.
 */
#include "abi/plan_internal.h"

#include <stdarg.h>
#include <stdio.h>

typedef struct printer {
    const cj_allocator *alloc;
    CJ_VEC(char) out;
    bool failed;
} printer;

CJ_PRINTF(2, 3) static int put(printer *p, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    size_t len = n < 0 ? 0 : (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1;
    if (!CJ_VEC_RESERVE(p->alloc, &p->out, p->out.len + len)) {
        p->failed = true;
        return 0;
    }
    memcpy(p->out.at + p->out.len, text, len);
    p->out.len += len;
    return (int)len;
}

static char space_letter(cj_space space)
{
    return space == CJ_SPACE_FLAT ? 'f' : space == CJ_SPACE_MEM ? 'm' : 'h';
}

/* One program; the ends change from FLAT to MEM inside of lists. */
typedef struct program {
    const cj_moves *moves;
    const cj_functype *type;
} program;

static int put_detail(printer *p, const cj_op *op, bool from_host)
{
    int n = 0;
    switch (op->code) {
    case CJ_OP_COPY:
        return put(p, "  %u/%u", op->size, op->align);
    case CJ_OP_ENUM:
        return put(p, "  %u cases", op->count);
    case CJ_OP_FLAGS:
        return put(p, "  %u labels", op->count);
    case CJ_OP_STRING:
        return put(p, "  %s", op->mode == CJ_MODE_VIEW ? "view" : "copy");
    case CJ_OP_LIST:
        n = put(p, "  %s ", op->mode == CJ_MODE_VIEW ? "view" : op->mode == CJ_MODE_BLOCK ? "block" : "loop");
        if (!op->host_size)
            n += put(p, "%u/%u", op->size, op->align);
        else if (from_host)
            n += put(p, "%u/%u -> %u/%u", op->host_size, op->host_align, op->size, op->align);
        else
            n += put(p, "%u/%u -> %u/%u", op->size, op->align, op->host_size, op->host_align);
        return n;
    case CJ_OP_VARIANT:
        n = put(p, "  %u cases", op->count);
        return op->slots ? n + put(p, ", %u payload slots", op->slots) : n;
    case CJ_OP_OWN:
    case CJ_OP_BORROW:
        return put(p, "  resource %u", op->count);
    default:
        return 0;
    }
}

static int put_name(printer *p, const cj_op *op)
{
    switch (op->code) {
    case CJ_OP_INT:
        return put(p, "%c%u", op->is_float ? 'f' : op->is_signed ? 's' : 'u', 8u * op->width);
    case CJ_OP_ENUM:
    case CJ_OP_FLAGS:
    case CJ_OP_VARIANT:
        return put(p, "%s u%u", cj__op_name((cj_opcode)op->code), 8u * op->width);
    default:
        return put(p, "%s", cj__op_name((cj_opcode)op->code));
    }
}

static void put_ops(printer *p, const program *prog, uint32_t first, uint32_t past, int indent, bool in_list)
{
    const cj_moves *moves = prog->moves;
    cj_space src = moves->src, dst = moves->dst;
    if (in_list) {
        src = src == CJ_SPACE_FLAT ? CJ_SPACE_MEM : src;
        dst = dst == CJ_SPACE_FLAT ? CJ_SPACE_MEM : dst;
    }
    for (uint32_t i = first; i < past; i = moves->ops[i].next) {
        const cj_op *op = &moves->ops[i];
        int n = put(p, "%4u %*s", i, indent, "");
        n += put_name(p, op);
        n += put(p, "%*s", n < 20 + indent ? 20 + indent - n : 1, "");
        n += put(p, "%c%u -> %c%u", space_letter(src), op->src, space_letter(dst), op->dst);
        n += put_detail(p, op, moves->src == CJ_SPACE_HOST);
        char path[256];
        cj__plan_path_format(moves, i, NULL, prog->type, path, sizeof(path));
        put(p, "%*s; %s\n", n < 60 ? 60 - n : 1, "", path);

        if (op->code == CJ_OP_LIST) {
            put_ops(p, prog, i + 1, op->next, indent + 2, true);
        } else if (op->code == CJ_OP_VARIANT) {
            for (uint32_t c = 0; c < op->count; c++) {
                const cj_range *range = &moves->cases[op->cases + c];
                if (range->first == range->past)
                    continue;
                put(p, "     %*scase %u\n", indent, "", c);
                put_ops(p, prog, range->first, range->past, indent + 2, in_list);
            }
        }
    }
}

static void put_end(printer *p, cj_space space, uint32_t slots, uint64_t size, uint64_t align)
{
    if (space == CJ_SPACE_FLAT)
        put(p, "flat %u", slots);
    else
        put(p, "%s %llu/%llu", space == CJ_SPACE_MEM ? "memory" : "host", (unsigned long long)size,
            (unsigned long long)align);
}

static void put_program(printer *p, const cj_plan *plan, const cj_functype *type, bool results)
{
    const cj_moves *moves = results ? &plan->results : &plan->args;
    uint32_t slots = results ? plan->sig.result_count : cj__plan_arg_slots(plan);
    put(p, "%s: ", results ? "results" : "args");
    if (moves->op_count == 0) {
        put(p, "none\n");
        return;
    }
    for (int end = 0; end < 2; end++) {
        cj_space space = end ? moves->dst : moves->src;
        if (end)
            put(p, " -> ");
        if (space == CJ_SPACE_HOST)
            put_end(p, space, 0, results ? plan->host_result_size : plan->host_args_size,
                    results ? plan->host_result_align : plan->host_args_align);
        else
            put_end(p, space, slots, results ? plan->result_size : plan->params_size,
                    results ? plan->result_align : plan->params_align);
    }
    put(p, "\n");
    program prog = {moves, type};
    put_ops(p, &prog, 0, moves->op_count, 0, false);
}

char *cj__plan_print(const cj_allocator *alloc, const cj_plan *plan, const cj_functype *type, size_t *len)
{
    static const char *const encodings[] = {
        [CJ_UTF8] = "utf8", [CJ_UTF16] = "utf16", [CJ_LATIN1_UTF16] = "latin1+utf16"};
    printer p = {.alloc = cj__alloc_or_default(alloc)};
    static const char *const kinds[] = {
        [CJ_PLAN_EXPORT] = "export", [CJ_PLAN_IMPORT] = "import", [CJ_PLAN_FUSED] = "fused"};
    put(&p, "%s ", kinds[plan->options.kind]);
    if (plan->options.kind == CJ_PLAN_FUSED)
        put(&p, "%s -> ", encodings[plan->options.caller_encoding]);
    put(&p, "%s%s, core (", encodings[plan->options.encoding], plan->options.has_post_return ? " post-return" : "");
    for (uint32_t i = 0; i < plan->sig.param_count; i++)
        put(&p, "%s%s", i ? ", " : "", cj__core_valtype_name(plan->sig.params[i]));
    put(&p, ")%s%s\n", plan->sig.result_count ? " -> " : "",
        plan->sig.result_count ? cj__core_valtype_name(plan->sig.result) : "");
    put_program(&p, plan, type, false);
    put_program(&p, plan, type, true);

    char *text = p.failed ? NULL : cj__malloc(p.alloc, p.out.len + 1);
    if (text) {
        memcpy(text, p.out.at, p.out.len);
        text[p.out.len] = 0;
        *len = p.out.len;
    }
    CJ_VEC_FREE(p.alloc, &p.out);
    return text;
}
