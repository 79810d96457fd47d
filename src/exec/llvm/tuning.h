/* tuning.h: where the compiler divides code, for tests that want to see every part of it with small types.
 *
 * Place: beside exec.h's cj__compiler_*; needs no LLVM header.
 * Non-goals: a user's knob; the defaults were measured (docs/performance.md).
 */
#ifndef CJ_EXEC_LLVM_TUNING_H
#define CJ_EXEC_LLVM_TUNING_H

#include "exec/exec.h"

typedef struct cj__compiler_tuning {
    uint32_t part_ops;  /* operations in one function at most */
    uint32_t max_loops; /* loops nested in one function at most */
    uint32_t big_cost;  /* plans that cost more are compiled without optimisation */
} cj__compiler_tuning;

#define CJ__COMPILER_TUNING ((cj__compiler_tuning){.part_ops = 256, .max_loops = 3, .big_cost = 400})

/* Before the first plan is compiled. */
void cj__compiler_tune(cj_compiler *, const cj__compiler_tuning *);

#endif
