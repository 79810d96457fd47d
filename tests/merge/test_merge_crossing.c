/* test_merge_crossing.c: what crosses the border of a group: boundary functions as exports, groups of nothing but those,
 * constants of other groups.
 */
#include "unit/support/cmocka_all.h"

#include "merge/merge_case.h"

#include <stdio.h>

static void export_slot(merge_case *c, uint32_t slot, const char *name)
{
    uint32_t number = c->input.export_count++;
    c->exports[number] = (cj_merge_export){.is_slot = true, .index = slot};
    snprintf(c->export_names[number], sizeof c->export_names[number], "%s", name);
}

/* No export is an import: WAMR has no native code for those. */
static void expect_wrapped(const merge_case *c)
{
    for (uint32_t i = 0; i < c->merged.export_count; i++)
        assert_true(c->merged.export_funcs[i] >= c->merged.import_count);
}

static void boundary_functions_are_exported_wrapped(void **state)
{
    (void)state;
    merge_case c;
    case_open(&c, "rules/slots-exported");
    case_instance(&c, "a", 0);
    case_export(&c, "a", "run");
    export_slot(&c, 2, "three");
    export_slot(&c, 1, "two");
    export_slot(&c, 0, "one");
    export_slot(&c, 1, "two again");
    case_run(&c);
    expect_wrapped(&c);
    assert_int_equal(c.merged.import_count, 2);
    assert_int_equal(c.merged.export_funcs[2], c.merged.export_funcs[4]); /* one wrapper for both */
    assert_int_equal(case_value(&c, "one", 5), 10);
    assert_int_equal(case_value(&c, "two", 6), 13);
    assert_int_equal(case_value(&c, "two again", 7), 15);
    assert_int_equal(case_traps(&c, "three", 4, 1), CJ_TRAP_NONE);
    assert_int_equal(case_value(&c, "a.run"), 7);
    assert_int_equal(c.log_count, 7);
    assert_memory_equal(c.log, ((uint32_t[]){5, 1006, 1007, 2004, 2009, 1, 1002}), 7 * sizeof(uint32_t));
    case_close(&c);
}

/* A function that nothing calls inside is there for the export alone; slots that nobody asks for are not. */
static void a_group_may_have_wrappers_only(void **state)
{
    (void)state;
    merge_case c;
    case_open(&c, "rules/slots-exported");
    case_instance(&c, "a", 0); /* makes the slots */
    c.input.instance_count = 0;
    export_slot(&c, 1, "two");
    case_run(&c);
    expect_wrapped(&c);
    assert_int_equal(c.merged.import_count, 1);
    assert_int_equal(c.merged.export_count, 1);
    assert_false(c.merged.has_memory);
    assert_int_equal(c.out.body_count, 1);
    assert_int_equal(case_value(&c, "two", 3), 7);
    assert_int_equal(c.log_count, 1);
    assert_int_equal(c.log[0], 1003);
    case_close(&c);

    case_open(&c, "rules/slots-exported"); /* not even those */
    case_run(&c);
    assert_int_equal(c.merged.import_count, 0);
    assert_int_equal(c.merged.export_count, 0);
    case_close(&c);
}

static void wrappers_are_interruptible_too(void **state)
{
    (void)state;
    merge_case c;
    case_open(&c, "rules/slots-exported");
    case_instance(&c, "a", 0);
    c.input.instance_count = 0;
    c.input.interruptible = true;
    export_slot(&c, 0, "one");
    case_run(&c);
    assert_int_equal(c.merged.interrupt_global, 0);
    assert_int_equal(case_value(&c, "one", 4), 8);
    case_close(&c);
}

/* "a" of rules/constants, its globals given as constants. */
static void open_constants(merge_case *c, cj_const values[4])
{
    case_open(c, "rules/constants");
    const cj_core_outline *o = &c->modules[0];
    cj_merge_source *sources = CJ_ARENA_ARRAY(c->arena, cj_merge_source, o->import_count);
    values[0] = (cj_const){.type = CJ_CORE_I32, .of.i32 = 40};
    values[1] = (cj_const){.type = CJ_CORE_I64, .of.i64 = 0x123456789abcdefu};
    values[2] = (cj_const){.type = CJ_CORE_F64, .of.i64 = 0x3fe0000000000000u};
    values[3] = (cj_const){.type = CJ_CORE_F32, .of.i32 = 0x7fc00001u};
    for (uint32_t i = 0; i < o->import_count; i++)
        sources[i] = (cj_merge_source){.kind = CJ_SOURCE_CONST, .value = &values[i]};
    c->instances[0] = (cj_merge_instance){.module = o, .sources = sources};
    c->names[0] = "a";
    c->input.instance_count = 1;
    case_export_all(c);
}

static void constants_of_other_groups_are_folded(void **state)
{
    (void)state;
    merge_case c;
    cj_const values[4];
    uint64_t result;
    open_constants(&c, values);
    case_run(&c);
    assert_int_equal(c.merged.import_count, 0);
    assert_int_equal(c.merged.init_exports[0], UINT32_MAX); /* the offset is known, so the segment stays active */
    assert_int_equal(case_value(&c, "a.at"), 40);
    assert_int_equal(case_value(&c, "a.sum"), 42);
    assert_int_equal(case_value(&c, "a.get", 40), 42);
    assert_int_equal(case_trap(&c, "a.wide", (uint64_t[1]){0}, &result), CJ_TRAP_NONE);
    assert_int_equal(result, 2 * 0x123456789abcdefu);
    assert_int_equal(case_trap(&c, "a.half", (uint64_t[1]){0}, &result), CJ_TRAP_NONE);
    assert_int_equal(result, 0x3fe0000000000000u);
    assert_int_equal(case_trap(&c, "a.tiny", (uint64_t[1]){0}, &result), CJ_TRAP_NONE);
    assert_int_equal((uint32_t)result, 0x7fc00001u);
    case_close(&c);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    merge_case c;
    cj_const values[4];
    open_constants(&c, values);
    values[0] = (cj_const){.type = CJ_CORE_I64, .of.i64 = 1};
    assert_int_equal(case_merge(&c), CJ_INVALID);
    assert_non_null(strstr(c.err.message, "global types do not match: wanted i32, given i64"));
    case_close(&c);

    open_constants(&c, values); /* the linker's own mistakes */
    values[1] = (cj_const){.type = CJ_CORE_FUNCREF, .is_null = true};
    assert_int_equal(case_merge(&c), CJ_INTERNAL);
    case_close(&c);
    case_open(&c, "rules/slots-exported");
    case_instance(&c, "a", 0);
    export_slot(&c, 3, "four");
    assert_int_equal(case_merge(&c), CJ_INTERNAL);
    case_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boundary_functions_are_exported_wrapped),
        cmocka_unit_test(a_group_may_have_wrappers_only),
        cmocka_unit_test(wrappers_are_interruptible_too),
        cmocka_unit_test(constants_of_other_groups_are_folded),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
