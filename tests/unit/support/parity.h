/* parity.h: one function type, random values, both back ends: they must do the same, to the byte.
 *
 * Place: under test_llvm.c (types picked by hand) and test_parity.c (random types). A case is drawn from a seed and
 * run twice on the fake engine, through the plan interpreter and through compiled code: arguments or guest memory,
 * results, what realloc returns, traps of the guest, limits. Compared are the trap with its place and detail, the log
 * of realloc and core calls with their arguments, all of guest memory, the lifted values, what is left of
 * max_host_bytes, the instance's flags and all handle tables; of fused calls, all this of both guests. Handles are of the
 * resources 0 to 3: the first guest's, the other's (the callee's, in fused calls), the host's, and one of a third instance. Values are written into guest memory, and read from the host's, by code
 * of its own, not by a back end.
 */
#ifndef CJ_TESTS_PARITY_H
#define CJ_TESTS_PARITY_H

#include "fake_engine.h"

typedef struct parity parity;

/* `seed` is what every case is drawn from. Never NULL. */
parity *parity_new(uint64_t seed);
void parity_delete(parity *);
cj_compiler *parity_compiler(parity *);

/* Code divided into parts looks at the stack more often than the interpreter: where little is left it may trap
 * first. */
void parity_expect_parts(parity *);

enum { PARITY_RESOURCES = 4 };

/* Defaults for cj__plan_build. */
extern const cj_config parity_config;

typedef struct parity_counts {
    uint64_t cases, returned, traps[CJ_TRAP_COUNT];
} parity_counts;
const parity_counts *parity_total(const parity *);

/* Draws and runs `cases` cases of a function as an export, as an import or between two guests: of the encodings, the
 * first two use one. A difference is reported with its seed and fails the test (cmocka). */
void parity_check(parity *, const cj_functype *, cj_plan_kind, cj_encoding, cj_encoding caller, uint32_t cases);

/* -- Chance ------------------------------------------------------------------------------------------------------ */

/* splitmix64 */
static inline uint64_t parity_next(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static inline uint32_t parity_below(uint64_t *state, uint32_t n)
{
    return (uint32_t)((parity_next(state) >> 32) * n >> 32);
}

#endif
