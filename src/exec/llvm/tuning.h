/* tuning.h: where the compiler divides code and when it stops optimising; tests set it low, to see every part of the
 * compiler with small types.
 *
 * Place: beside exec.h's cj__compiler_*; needs no LLVM header.
 * Non-goals: a user's knob.
 *
 * Measured with LLVM 15 on an AMD EPYC (Zen 4): CPU milliseconds to compile one more thunk, and the lines of assembler
 * that it has, for an export whose parameter has that many fields, a quarter each of u32, bool, string, option<u32>:
 *
 *                              add(u32, u32)    4 fields      32 fields      256 fields
 *     no optimisation           0.4 /  32      0.6 /  73     1.5 /  419      6.5 / 2657
 *     O2, no IR passes          1.2 /  24      2.6 /  57     6.8 /  262       33 / 1621    chosen for loops
 *     sroa,early-cse, ... O2    1.5 /  24      2.8 /  59     7.3 /  266
 *     default<O2>, O2           2.5 /  26      4.1 /  59    12.2 /  266       60 / 1626
 *
 * IR passes find nothing to do, because the IR is written the way that they would leave it. Code generation at O1 takes as
 * long as at O2. What runs through once is not optimised either (attribute optnone, emit.c): half of O2's time, and as fast;
 * `plain_below` leaves out what has so many parameters that the registers do not hold them. Beyond `big_cost` (some 40 ms)
 * nothing is optimised, nor are registers allocated: 63,000 operations take 1 s and 230 MB then, and would take minutes.
 */
#ifndef CJ_EXEC_LLVM_TUNING_H
#define CJ_EXEC_LLVM_TUNING_H

#include "exec/exec.h"

typedef struct cj__compiler_tuning {
    uint32_t part_ops;  /* operations in one function at most */
    uint32_t max_loops; /* loops nested in one function at most */
    uint32_t big_cost;  /* plans that cost more (in units of some 90 us) are compiled without optimisation */
    uint32_t
        plain_below; /* with fewer flat parameters, what has no loop is compiled as it is written; 0: all is optimised */
    int32_t level;   /* of code generation, for what is not big: 2 and this, -2 to 1 */
    const char *passes; /* IR passes before it, as opt has them; NULL: none. Not copied */
    size_t queue_bytes; /* of copied plans that wait and that nobody waits for; more are not taken */
} cj__compiler_tuning;

#define CJ__COMPILER_TUNING \
    ((cj__compiler_tuning){ \
        .part_ops = 256, .max_loops = 3, .big_cost = 400, .plain_below = 13, .queue_bytes = 32 << 20})

/* Before the first plan is compiled. */
void cj__compiler_tune(cj_compiler *, const cj__compiler_tuning *);

#endif
