/* cmocka.h: as much of cmocka as the tests of the string kernels use, for a machine that has none.
 *
 * Place: tests/neon, whose programs are compiled for another machine than this one. A failed assertion ends the program.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
    const char *name;
    void (*run)(void **state);
};
#define cmocka_unit_test(f) \
    { \
        #f, f \
    }

#define fail_msg(...) \
    (fprintf(stderr, "%s:%d: ", __FILE__, __LINE__), fprintf(stderr, __VA_ARGS__), fputc('\n', stderr), exit(1))
#define assert_true(x) ((x) ? (void)0 : (void)fail_msg("%s", #x))
#define assert_false(x) assert_true(!(x))
#define assert_null(x) assert_true((x) == NULL)
#define assert_non_null(x) assert_true((x) != NULL)
#define assert_ptr_equal(a, b) assert_true((const void *)(a) == (const void *)(b))
#define assert_int_equal(a, b) assert_true((unsigned long long)(a) == (unsigned long long)(b))
#define assert_string_equal(a, b) assert_true(strcmp(a, b) == 0)
#define assert_memory_equal(a, b, n) assert_true(memcmp(a, b, n) == 0)
#define print_message printf

static inline int stand_in_run(const char *name, const struct CMUnitTest *tests, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        tests[i].run(NULL);
        printf("%s: %s\n", name, tests[i].name);
    }
    return 0;
}
#define cmocka_run_group_tests_name(name, tests, before, after) \
    stand_in_run(name, tests, sizeof(tests) / sizeof(tests[0]))
