/* random_values.h: random types, and random values of them in the host layout.
 *
 * Place: property and parity tests of the back ends. Everything comes from a seed, so that a failure can be repeated.
 * Non-goals: handles.
 */
#ifndef CJ_TESTS_RANDOM_VALUES_H
#define CJ_TESTS_RANDOM_VALUES_H

#include "base/base.h"
#include "component/types.h"

typedef struct random_source {
    uint64_t state;
} random_source;

random_source random_new(uint64_t seed);
uint64_t random_u64(random_source *);
/* Less than `bound`, which is not 0. */
uint32_t random_below(random_source *, uint32_t bound);

/* A type nested `depth` levels at most, with members of all kinds but handles; small ones are more likely. */
const cj_type *random_type(random_source *, cj_types *, uint32_t depth);
/* A function of up to `max_params` such parameters (some exceed 16 flat slots), with or without a result. */
const cj_functype *random_functype(random_source *, cj_types *, uint32_t max_params, uint32_t depth);

/* Memory for values: given back all at once. */
typedef struct value_pool {
    void **blocks;
    size_t len, cap;
    uint8_t fill; /* what fresh memory holds: two values that differ in it only must not differ for a guest */
} value_pool;
void *pool_alloc(value_pool *, size_t size); /* exactly so large, for AddressSanitizer; never NULL */
void pool_reset(value_pool *);               /* `fill` stays */

/* Writes a valid value of `type` at `at`; bytes that it does not own (padding, inactive payloads) keep what they are.
 * Lists have up to `max_len` elements, strings as many characters, from ASCII to past U+FFFF. */
void random_value(random_source *, const cj_type *, uint32_t max_len, void *at, value_pool *);
/* A struct of all parameters, and a result. */
void *random_args(random_source *, const cj_functype *, uint32_t max_len, value_pool *);
void *random_result(random_source *, const cj_functype *, uint32_t max_len, value_pool *);

/* Structural equality. Floats are compared by their bits. */
bool value_equal(const cj_type *, const void *a, const void *b);
bool args_equal(const cj_functype *, const void *a, const void *b);

#endif
