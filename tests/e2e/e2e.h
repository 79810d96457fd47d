/* e2e.h: what the tests of whole calls share: a world per test, in the tier that runs now; guests by name; values
 * drawn at random.
 *
 *     int main(void) { const struct CMUnitTest tests[] = {E2E(test_one), E2E(test_two)}; return e2e_run(tests, 2); }
 */
#ifndef CJ_TESTS_E2E_H
#define CJ_TESTS_E2E_H

#include "support/cmocka_all.h"

#include <stdbool.h>
#include <string.h>

#include "canonjit.h"

/* One engine per program and tier; linker and store are new for each test. */
typedef struct e2e {
    cj_engine *engine;
    cj_linker *linker;
    cj_store *store;
    cj_component *components[16]; /* deleted with the test, after the store */
    size_t component_count;
    cj_error err;
} e2e;

extern cj_tier e2e_tier;

int e2e_set_up(void **state);
int e2e_tear_down(void **state);
#define E2E(test) cmocka_unit_test_setup_teardown(test, e2e_set_up, e2e_tear_down)

/* Runs the tests in each tier that the library has; in CJ_TIER_AUTO only when asked. Returns the number of failures. */
int e2e_run_tests(const struct CMUnitTest *tests, size_t count, bool with_auto);
#define e2e_run(tests) e2e_run_tests((tests), sizeof(tests) / sizeof((tests)[0]), false)
#define e2e_run_auto_too(tests) e2e_run_tests((tests), sizeof(tests) / sizeof((tests)[0]), true)

/* WAMR's JIT: guests leave by a jump; else they return. */
bool e2e_guests_are_compiled(void);

/* For tests with a cache on disk: an empty folder of their own, and its end. */
extern char e2e_cache[64];
int e2e_make_cache(void **state);
int e2e_remove_cache(void **state);

/* A guest's bytes: "calls" of tests/e2e/guests, "@types" of tests/guests. Free with free. */
uint8_t *e2e_read(const char *guest, size_t *size);
bool e2e_exists(const char *guest);
cj_component *e2e_component(e2e *, const char *guest);
/* Loads and instantiates with w->linker; fails the test on an error. */
cj_instance *e2e_instance(e2e *, const char *guest);
cj_instance *e2e_instantiate(e2e *, const cj_component *);
cj_func *e2e_func(cj_instance *, const char *path);

/* Calls and wants success; or wants the trap, whose message has `text`. */
void e2e_ok(cj_status, const cj_error *);
void e2e_call(e2e *, cj_func *, const cj_val *args, size_t nargs, cj_val *result);
void e2e_traps(e2e *, cj_func *, const cj_val *args, size_t nargs, cj_trap, const char *text);
uint32_t e2e_call_u32(e2e *, cj_func *, const uint32_t *args, size_t nargs);
/* By name, in one expression: E2E_CALL(w, instance, "f", e2e_u32(1), e2e_u32(2)). */
cj_val e2e_call_name(e2e *, cj_instance *, const char *name, const cj_val *args, size_t nargs);
#define E2E_CALL(w, instance, name, ...) \
    e2e_call_name((w), (instance), (name), (cj_val[]){__VA_ARGS__}, sizeof((cj_val[]){__VA_ARGS__}) / sizeof(cj_val))
#define E2E_CALL0(w, instance, name) e2e_call_name((w), (instance), (name), NULL, 0)
/* Through the native door, which checks nothing before the guest is entered: wants the trap, at a place that has `where`. */
void e2e_traps_native(e2e *, cj_instance *, const char *name, const void *args, cj_trap, const char *where);

static inline cj_val e2e_u32(uint32_t n)
{
    cj_val v;
    memset(&v, 0, sizeof(v));
    v.kind = CJ_KIND_U32;
    v.of.u32 = n;
    return v;
}

static inline cj_val e2e_own(uint32_t handle)
{
    cj_val v = e2e_u32(handle);
    v.kind = CJ_KIND_OWN;
    v.of.handle = handle;
    return v;
}

static inline cj_val e2e_borrow(uint32_t handle)
{
    cj_val v = e2e_own(handle);
    v.kind = CJ_KIND_BORROW;
    return v;
}

static inline cj_val e2e_string(const char *text)
{
    cj_val v;
    memset(&v, 0, sizeof(v));
    v.kind = CJ_KIND_STRING;
    v.of.string.ptr = text;
    v.of.string.len = strlen(text);
    return v;
}

#define assert_contains(text, part) e2e_contains((text), (part), __FILE__, __LINE__)
void e2e_contains(const char *text, const char *part, const char *file, int line);

/* Pseudorandom numbers, and values of any type; memory from the arena. Sizes shrink with depth. */
typedef struct e2e_random {
    uint64_t state;
} e2e_random;
uint64_t e2e_next(e2e_random *);
cj_val e2e_draw(e2e_random *, const cj_type *, cj_arena *);

#endif
