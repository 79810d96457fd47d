/* test_compiled.c: compiled code against everything that a back end must do (support/boundary.c), as test_interp.c does
 * it for the interpreter.
 */
#include "support/boundary.h"
#include "support/cmocka_all.h"
#include "support/fake_engine.h"
#include "support/random_values.h"

#if CJ_HAVE_LLVM

static cj_compiler *compiler;

static void *compile(const cj_plan *plan)
{
    void *code;
    cj_error err;
    if (cj__compiler_code(compiler, plan, "f", &code, &err) != CJ_OK)
        fail_msg("%s", err.message);
    return code;
}

int main(void)
{
    cj_error err;
    if (cj__compiler_new(NULL, &compiler, &err) != CJ_OK) {
        print_error("%s\n", err.message);
        return 1;
    }
    int failed = boundary_tests("compiled", compile);
    cj__compiler_delete(compiler);
    return failed;
}

#else

static void test_without_llvm(void **state)
{
    (void)state;
    assert_false(CJ_HAVE_LLVM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_without_llvm)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
