/* ast.c: names of the AST's constructs, and its end.
 *
 * Place in the pipeline: ast.h.
 * Non-goals: decoding.
 */
#include "component/ast.h"

const char *cj__sort_name(cj_sort sort)
{
    static const char *const names[] = {
#define CJ_X(name, core, byte, text) text,
        CJ_SORT_MAP(CJ_X)
#undef CJ_X
    };
    return (unsigned)sort < CJ_COUNT(names) ? names[sort] : "unknown sort";
}

const char *cj__canon_name(cj_canon_kind kind)
{
    static const char *const names[] = {
#define CJ_X(name, byte, text, gate) text,
        CJ_CANON_MAP(CJ_X)
#undef CJ_X
    };
    return (unsigned)kind < CJ_COUNT(names) ? names[kind] : "unknown canonical function";
}

const char *cj__canon_gate(cj_canon_kind kind)
{
    static const char *const gates[] = {
#define CJ_X(name, byte, text, gate) gate,
        CJ_CANON_MAP(CJ_X)
#undef CJ_X
    };
    return (unsigned)kind < CJ_COUNT(gates) ? gates[kind] : "unknown canonical function";
}

void cj__ast_delete(cj_ast *ast)
{
    if (ast)
        cj_arena_delete(ast->arena); /* the AST is in it */
}
