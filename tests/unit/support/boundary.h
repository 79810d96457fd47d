/* boundary.h: what every back end must do with a boundary call, as cmocka tests over the fake engine.
 *
 * Place: test_interp.c runs them on the interpreter, a compiler's test on its code: same traps, same paths, same
 * realloc sequence, same bytes. A test program that includes this must include fake_engine.h and random_values.h too
 * (the build links by includes).
 */
#ifndef CJ_TESTS_BOUNDARY_H
#define CJ_TESTS_BOUNDARY_H

#include "abi/plan.h"

/* Gives the code for a plan, NULL for the interpreter. */
typedef void *(*boundary_code_fn)(const cj_plan *);

/* Runs all tests under `name`; returns the number of those that failed. */
int boundary_tests(const char *name, boundary_code_fn);

#endif
