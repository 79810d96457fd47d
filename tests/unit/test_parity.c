/* test_parity.c: random function types and values through both back ends (support/parity.h).
 *
 * CJ_PARITY_SEED chooses the cases, CJ_PARITY_SECONDS how long each of the tests goes on at least; a failure prints
 * what it needs to be run again.
 */
#include "support/cmocka_all.h"
#include "support/fake_engine.h"
#include "support/make_types.h"
#include "support/parity.h"

#include <stdlib.h>
#include <time.h>

#if CJ_HAVE_LLVM

#include "exec/llvm/tuning.h"

enum {
    CASES_PER_PLAN = 40,
    MIN_PLANS = 400 /* however slow the machine */
};

static const cj_type *random_type(cj_types *types, uint64_t *seed, uint32_t depth, bool is_param)
{
    if (parity_below(seed, 10) == 0) {
        cj_kind kind = is_param && parity_below(seed, 2) ? CJ_KIND_BORROW : CJ_KIND_OWN;
        cj_error err;
        const cj_type *handle = cj__type_handle(types, kind, parity_below(seed, PARITY_RESOURCES), &err);
        assert_non_null(handle);
        return handle;
    }
    uint32_t kind = parity_below(seed, depth ? CJ_KIND_OWN : CJ_KIND_STRING + 1);
    cj_param members[8];
    char names[8][4];
    uint32_t count = 1 + parity_below(seed, 5);
    switch ((cj_kind)kind) {
    case CJ_KIND_LIST:
    case CJ_KIND_OPTION:
        return t_one(types, (cj_kind)kind, random_type(types, seed, depth - 1, is_param));
    case CJ_KIND_RESULT:
        count = 2;
        break;
    case CJ_KIND_ENUM:
    case CJ_KIND_FLAGS:
        count = 1 + parity_below(seed, 32);
        return t_labels(types, (cj_kind)kind, kind == CJ_KIND_ENUM && parity_below(seed, 4) == 0 ? count + 240 : count);
    case CJ_KIND_RECORD:
    case CJ_KIND_TUPLE:
    case CJ_KIND_VARIANT:
        break;
    default:
        return t_scalar(types, (cj_kind)kind);
    }
    bool may_lack = kind == CJ_KIND_VARIANT || kind == CJ_KIND_RESULT;
    for (uint32_t i = 0; i < count; i++) {
        snprintf(names[i], sizeof(names[i]), "%c", 'a' + (int)i);
        members[i].name = cj__str(kind == CJ_KIND_RECORD || kind == CJ_KIND_VARIANT ? names[i] : "");
        members[i].type = may_lack && parity_below(seed, 3) == 0 ? NULL : random_type(types, seed, depth - 1, is_param);
    }
    return t_make(types, (cj_kind)kind, members, count);
}

static const cj_functype *random_function(cj_types *types, uint64_t *seed)
{
    cj_param params[20];
    char names[20][8];
    cj_error err;
    uint32_t count = parity_below(seed, 6) == 0 ? 20 : parity_below(seed, 4);
    for (uint32_t i = 0; i < count; i++) {
        snprintf(names[i], sizeof(names[i]), "p%u", i);
        params[i] =
            (cj_param){cj__str(names[i]), random_type(types, seed, count > 4 ? 1 : parity_below(seed, 4), true)};
    }
    const cj_type *result = parity_below(seed, 4) ? random_type(types, seed, parity_below(seed, 4), false) : NULL;
    const cj_functype *type = cj__functype_make(types, params, count, result, false, &err);
    assert_non_null(type);
    return type;
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 0) : otherwise;
}

static void check_random_functions(const cj__compiler_tuning *tuning, uint32_t min_plans, uint32_t seconds)
{
    uint64_t seed = setting("CJ_PARITY_SEED", 20261122);
    time_t end = time(NULL) + (time_t)setting("CJ_PARITY_SECONDS", seconds);
    parity *p = parity_new(seed);
    cj__compiler_tune(parity_compiler(p), tuning);
    parity_expect_parts(p);
    uint32_t plans = 0;
    while (plans < min_plans || time(NULL) < end) {
        cj_types *types = cj__types_new(NULL, 100);
        const cj_functype *type = random_function(types, &seed);
        cj_plan_kind kind = (cj_plan_kind)parity_below(&seed, 3);
        cj_encoding encoding = (cj_encoding)parity_below(&seed, 3), caller = (cj_encoding)parity_below(&seed, 3);
        parity_check(p, type, kind, encoding, caller, CASES_PER_PLAN);
        cj__types_delete(types);
        plans++;
    }
    const parity_counts *n = parity_total(p);
    print_message("%u functions, %llu cases, %llu returned\n", plans, (unsigned long long)n->cases,
                  (unsigned long long)n->returned);
    for (int i = 1; i < CJ_TRAP_COUNT; i++) {
        if (n->traps[i])
            print_message("%8llu %s\n", (unsigned long long)n->traps[i], cj_trap_text((cj_trap)i));
    }
    /* The draw must reach both ends of most calls and a good part of the traps, or it proves nothing. */
    assert_true(n->returned > n->cases / 4 && n->returned < n->cases * 9 / 10);
    static const cj_trap reached[] = {
        CJ_TRAP_CORE,           CJ_TRAP_CHAR_RANGE,      CJ_TRAP_CHAR_SURROGATE,    CJ_TRAP_DISCRIMINANT,
        CJ_TRAP_STRING_BOUNDS,  CJ_TRAP_LIST_BOUNDS,     CJ_TRAP_LIST_ALIGNMENT,    CJ_TRAP_LIST_LENGTH,
        CJ_TRAP_STACK_OVERFLOW, CJ_TRAP_CANNOT_LEAVE,    CJ_TRAP_REALLOC_BOUNDS,    CJ_TRAP_REALLOC_ALIGNMENT,
        CJ_TRAP_HOST,           CJ_TRAP_STRING_LENGTH,   CJ_TRAP_RESULTS_ALIGNMENT, CJ_TRAP_RESULTS_BOUNDS,
        CJ_TRAP_PARAMS_BOUNDS,  CJ_TRAP_CANNOT_ENTER,    CJ_TRAP_HANDLE_INDEX,      CJ_TRAP_HANDLE_TYPE,
        CJ_TRAP_HANDLE_LENT,    CJ_TRAP_HANDLE_BORROWED, CJ_TRAP_HANDLE_TABLE_FULL, CJ_TRAP_BORROW_NOT_DROPPED,
        CJ_TRAP_HOST_LIMIT};
    for (size_t i = 0; i < CJ_COUNT(reached); i++)
        assert_true(n->traps[reached[i]] > 0);
    parity_delete(p);
}

static void test_as_it_is(void **state)
{
    (void)state;
    check_random_functions(&CJ__COMPILER_TUNING, MIN_PLANS, 5);
}

/* Everything divided that can be, so that small types reach what big ones need. */
static void test_small_parts(void **state)
{
    (void)state;
    check_random_functions(&(cj__compiler_tuning){.part_ops = 2, .max_loops = 1, .big_cost = 0}, MIN_PLANS, 2);
}

static void test_parts_optimised(void **state)
{
    (void)state;
    check_random_functions(
        &(cj__compiler_tuning){.part_ops = 3, .max_loops = 1, .big_cost = UINT32_MAX, .plain_below = 9}, MIN_PLANS, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_it_is),
        cmocka_unit_test(test_small_parts),
        cmocka_unit_test(test_parts_optimised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    puts("skipped: built without LLVM");
    return 0;
}

#endif
