/* test_merge_order.c: segments and start functions: what happens when, and what traps, on the real engine. */
#include "unit/support/cmocka_all.h"

#include "merge/merge_case.h"

static void open_and_run(merge_case *c, const char *name)
{
    case_open(c, name);
    case_instances(c);
    case_run(c);
}

/* Opens, instantiates, and finds that the initialiser of one instance traps. */
static void open_and_trap(merge_case *c, const char *name, uint32_t instance, cj_trap trap)
{
    case_open(c, name);
    case_instances(c);
    cj_trap found = case_init(c);
    if (found != trap)
        fail_msg("%s: %s (%s) instead of %s", name, cj_trap_text(found), c->store.text, cj_trap_text(trap));
    assert_int_equal(c->trapped_at, instance);
}

static uint32_t active_segments(const merge_case *c)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < c->out.elem_count; i++)
        count += !(c->out.elems[i].flags & 1);
    for (uint32_t i = 0; i < c->out.data_count; i++)
        count += c->out.datas[i].flags != 1;
    return count;
}

static void segments_wait_for_start_functions(void **state)
{
    (void)state;
    merge_case c;
    open_and_run(&c, "rules/start-before-segment");
    assert_int_equal(active_segments(&c), 1); /* a's data */
    assert_int_equal(case_value(&c, "a.get", 0), 1);
    assert_int_equal(case_value(&c, "a.get", 1), 11);
    assert_int_equal(case_value(&c, "a.get", 2), 5); /* b's segment, over a's start function's 77 */
    assert_int_equal(case_value(&c, "a.call", 1), 42);
    assert_int_equal(case_traps(&c, "a.call", 0), CJ_TRAP_NULL_ELEMENT);
    assert_int_not_equal(c.merged.init_exports[0], UINT32_MAX);
    assert_int_not_equal(c.merged.init_exports[1], UINT32_MAX);
    case_close(&c);
}

static void start_functions_see_their_own_segments(void **state)
{
    (void)state;
    merge_case c;
    open_and_run(&c, "rules/start-sees-own");
    assert_int_equal(c.merged.init_exports[0], UINT32_MAX); /* nothing left to do for a */
    assert_int_equal(c.log_count, 4);
    assert_memory_equal(c.log, ((uint32_t[]){1, 0, 2, 3}), 4 * sizeof(uint32_t));
    case_close(&c);
}

static void late_instances_wait(void **state)
{
    (void)state;
    merge_case c;
    case_open(&c, "rules/folding");
    case_instances(&c);
    c.instances[1].late = true; /* as if the start function of another group ran between */
    assert_int_equal(case_merge(&c), CJ_OK);
    assert_int_equal(active_segments(&c), 0);
    assert_int_equal(c.merged.init_exports[0], UINT32_MAX);
    assert_int_not_equal(c.merged.init_exports[1], UINT32_MAX);
    case_run(&c);
    assert_int_equal(case_value(&c, "a.get", 16), 42);
    assert_int_equal(case_value(&c, "a.call", 1), 6);
    case_close(&c);
}

static void nothing_waits_without_start_functions(void **state)
{
    (void)state;
    merge_case c;
    open_and_run(&c, "rules/folding");
    assert_int_equal(active_segments(&c), 3);
    assert_int_equal(c.merged.init_exports[0], UINT32_MAX);
    assert_int_equal(c.merged.init_exports[1], UINT32_MAX);
    assert_int_equal(c.merged.export_count, c.input.export_count);
    case_close(&c);
}

static void data_out_of_bounds_traps_in_turn(void **state)
{
    (void)state;
    merge_case c;
    open_and_trap(&c, "rules/data-out-of-bounds", 1, CJ_TRAP_MEMORY_BOUNDS);
    assert_int_equal(c.log_count, 1); /* a's start function */
    assert_int_equal(c.log[0], 1);
    assert_int_equal(case_value(&c, "a.get", 0), 7);
    assert_int_equal(case_value(&c, "a.get", 65535), 0); /* not half of it either */
    assert_int_equal(case_value(&c, "a.get", 1), 0);
    case_close(&c);

    open_and_trap(&c, "rules/first-data-out-of-bounds", 0, CJ_TRAP_MEMORY_BOUNDS);
    assert_int_equal(case_value(&c, "a.get", 10), 7);
    assert_int_equal(case_value(&c, "a.get", 11), 0);
    assert_int_equal(case_value(&c, "a.call", 0), 5);
    case_close(&c);
}

static void elements_out_of_bounds_trap(void **state)
{
    (void)state;
    merge_case c;
    open_and_trap(&c, "rules/elem-out-of-bounds", 0, CJ_TRAP_TABLE_BOUNDS);
    assert_int_equal(case_value(&c, "a.call", 0), 5);
    assert_int_equal(case_traps(&c, "a.call", 1), CJ_TRAP_NULL_ELEMENT);
    case_close(&c);
}

static void empty_segments_have_bounds_too(void **state)
{
    (void)state;
    merge_case c;
    open_and_trap(&c, "rules/empty-data-outside", 0, CJ_TRAP_MEMORY_BOUNDS);
    case_close(&c);
    open_and_trap(&c, "rules/empty-elem-outside", 0, CJ_TRAP_TABLE_BOUNDS);
    case_close(&c);
    open_and_trap(&c, "rules/empty-externref-outside", 0, CJ_TRAP_TABLE_BOUNDS);
    case_close(&c);
    open_and_run(&c, "rules/empty-at-the-end");
    assert_int_equal(c.out.data_count + c.out.elem_count + c.out.table_count, 0); /* nothing of it is needed */
    case_close(&c);
    open_and_run(&c, "rules/no-memory-at-all");
    assert_int_equal(case_value(&c, "a.size"), 0);
    case_close(&c);
}

static void offsets_are_unsigned(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t instance;
        cj_trap trap;
    } cases[] = {
        {"rules/huge-offset", 0, CJ_TRAP_MEMORY_BOUNDS},
        {"rules/huge-elem-offset", 0, CJ_TRAP_TABLE_BOUNDS},
        {"rules/huge-offset-later", 1, CJ_TRAP_MEMORY_BOUNDS},
        {"rules/huge-elem-offset-later", 1, CJ_TRAP_TABLE_BOUNDS},
    };
    for (size_t i = 0; i < CJ_COUNT(cases); i++) {
        merge_case c;
        open_and_trap(&c, cases[i].name, cases[i].instance, cases[i].trap);
        case_close(&c);
    }
}

static void what_grew_counts(void **state)
{
    (void)state;
    merge_case c;
    open_and_run(&c, "rules/grown-before-segment");
    assert_int_equal(case_value(&c, "a.get", 0x1fffe), 42);
    assert_int_equal(case_value(&c, "a.get", 0x1ffff), 43);
    assert_int_equal(case_value(&c, "a.call", 2), 42);
    case_close(&c);

    open_and_trap(&c, "rules/grown-too-little", 1, CJ_TRAP_MEMORY_BOUNDS);
    assert_int_equal(case_value(&c, "a.get", 0x1ffff), 0);
    case_close(&c);
    open_and_trap(&c, "rules/grown-too-little-empty", 1, CJ_TRAP_MEMORY_BOUNDS);
    case_close(&c);
    open_and_trap(&c, "rules/grown-too-little-elem", 1, CJ_TRAP_TABLE_BOUNDS);
    case_close(&c);
    open_and_trap(&c, "rules/grown-too-little-empty-elem", 1, CJ_TRAP_TABLE_BOUNDS);
    case_close(&c);
}

static void start_functions_may_be_imports(void **state)
{
    (void)state;
    merge_case c;
    open_and_run(&c, "rules/imported-start");
    assert_int_equal(case_value(&c, "a.n"), 5);
    assert_int_equal(c.merged.init_exports[1], UINT32_MAX);
    /* the initialiser is the function itself */
    assert_int_equal(c.merged.export_funcs[c.merged.init_exports[2]], c.merged.export_funcs[0]);
    case_close(&c);

    open_and_run(&c, "rules/boundary-start");
    assert_int_equal(c.log_count, 1);
    case_close(&c);
}

static void a_trapping_start_function_is_the_end(void **state)
{
    (void)state;
    merge_case c;
    open_and_trap(&c, "rules/trapping-start", 0, CJ_TRAP_UNREACHABLE);
    assert_int_equal(c.log_count, 0);
    case_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_wait_for_start_functions),
        cmocka_unit_test(start_functions_see_their_own_segments),
        cmocka_unit_test(late_instances_wait),
        cmocka_unit_test(nothing_waits_without_start_functions),
        cmocka_unit_test(data_out_of_bounds_traps_in_turn),
        cmocka_unit_test(elements_out_of_bounds_trap),
        cmocka_unit_test(empty_segments_have_bounds_too),
        cmocka_unit_test(offsets_are_unsigned),
        cmocka_unit_test(what_grew_counts),
        cmocka_unit_test(start_functions_may_be_imports),
        cmocka_unit_test(a_trapping_start_function_is_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
