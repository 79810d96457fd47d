/* const_expr.h: constant expressions of core modules: initial values of globals, offsets and elements of segments.
 *
 * Place in the pipeline: core_module.c checks them with cj__const_read while it reads a module; merge.c folds them to
 * values with cj__const_eval once it knows what the imported globals are, because WAMR accepts neither global.get of a
 * defined global nor arithmetic.
 * Non-goals: GC's constant instructions.
 * Spec: core specification, "Constant Expressions"; extended-const (i32 and i64 add, sub, mul); global.get of any
 * earlier immutable global.
 */
#ifndef CJ_LINK_CONST_EXPR_H
#define CJ_LINK_CONST_EXPR_H

#include "base/reader.h"
#include "link/core_module.h"

/* The value of a constant expression. `func` indexes the functions of whoever evaluates. */
typedef struct cj_const {
    uint8_t type; /* cj_core */
    bool is_null; /* references */
    union {
        uint32_t i32; /* f32 too: its bits */
        uint64_t i64; /* f64 too */
        uint32_t func;
        uint8_t v128[16];
    } of;
} cj_const;

/* Reads one expression of type `type`, `end` included, and checks it against the functions and the globals that
 * `module` has so far. `out` gets its bytes. CJ_MALFORMED, CJ_INVALID, CJ_UNSUPPORTED. */
cj_status cj__const_read(cj_reader *, const cj_core_outline *module, uint8_t type, cj_bytes *out);

/* Value of an expression that cj__const_read accepted. `globals` are the values of the module's globals as far as they
 * are used. */
cj_const cj__const_eval(cj_bytes expr, const cj_const *globals);

#endif
