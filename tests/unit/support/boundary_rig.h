/* boundary_rig.h: what the parts of boundary.c share: the fake guest and host of a test, boundary functions between them, what they should have done.
 *
 * Everything here is set up anew for each test; `code_for` says which back end runs.
 */
#ifndef CJ_TESTS_BOUNDARY_RIG_H
#define CJ_TESTS_BOUNDARY_RIG_H

#include "boundary.h"

#include "fake_engine.h"
#include "random_values.h"

#define WIDE_TAG UINT32_C(0x80000000) /* of a Latin-1+UTF-16 string in UTF-16 */

struct CMUnitTest;

enum {
    MEMORY = 4096,
    BLOCK = 64,  /* guest address of the value under test */
    DATA = 256,  /* and of what it points to; below the fake's heap */
    RETPTR = 96, /* where the results of imports go */
};

static const uint32_t tag = 0x80000000; /* of a latin1+utf16 string's length: it is UTF-16 */

extern boundary_code_fn code_for;
extern cj_types *T;
extern fake_engine *F;
extern fake_engine *P; /* a second guest, "callee" */
extern value_pool pool;

/* What the core function and the host function of the current test do. */
extern void (*core_body)(uint64_t *flat);
extern uint64_t core_result;
extern cj_status (*host_body)(cj_call_ctx *ctx, const void *args, void *results, cj_error *err);
extern uint32_t host_calls;

int boundary_set_up(void **state);
int boundary_tear_down(void **state);
#define BOUNDARY_TEST(name) cmocka_unit_test_setup_teardown(name, boundary_set_up, boundary_tear_down)

/* Each appends its tests to an array with room for all and returns how many they are. */
enum { BOUNDARY_MOST_TESTS = 256 };
size_t boundary_lift_tests(struct CMUnitTest *out);
size_t boundary_lower_tests(struct CMUnitTest *out);
size_t boundary_fused_tests(struct CMUnitTest *out);
size_t boundary_handle_tests(struct CMUnitTest *out);

void core_fn(fake_engine *fake, void *user, uint64_t *flat); /* calls core_body, gives core_result */

const cj_functype *functype(const cj_type *const *params, uint32_t count, const cj_type *result);
#define PARAMS(...) (const cj_type *const[]){__VA_ARGS__}, CJ_COUNT(((const cj_type *const[]){__VA_ARGS__}))
#define NO_PARAMS NULL, 0
#define SLOTS(...) \
    (const uint64_t[]) \
    { \
        __VA_ARGS__ \
    }

cj_plan *make_plan_of(const cj_functype *type, const cj_plan_options *options);
cj_plan *make_plan(const cj_functype *type, cj_plan_kind kind, cj_encoding encoding, bool post_return);
cj_binding *make_export(const cj_functype *type, cj_encoding encoding, bool post_return);
cj_binding *make_import(const cj_functype *type, cj_encoding encoding);
/* A function of `P` that `F` calls. */
cj_binding *make_fused(const cj_functype *type, cj_encoding caller, cj_encoding callee, bool post_return);

void expect_outcome(cj_trap got, cj_trap expected, bool in_results, const char *path);
void expect_events(const char *expected);

#endif
