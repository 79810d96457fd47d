/* test_merge.c: the merger's rules one by one (docs/merging.md), most of them by running what it made on the real
 * engine. */
#include "unit/support/cmocka_all.h"

#include "base/reader.h"
#include "merge/merge_case.h"
#include "unit/support/bytes.h"

#include <stdio.h>

static void open_and_run(merge_case *c, const char *name)
{
    case_open(c, name);
    case_instances(c);
    case_run(c);
}

/* -- Validation ---------------------------------------------------------------------------------------------------- */

/* invalid.wast: every body, with its status and message, and the place of the fault. */
static void refuses_invalid_bodies(void **state)
{
    (void)state;
    FILE *list = fopen(CJ_TEST_MERGE_DIR "/invalid.tsv", "r");
    assert_non_null(list);
    char line[512];
    int count = 0;
    while (fgets(line, sizeof line, list)) {
        char name[128], word[32], message[256];
        assert_int_equal(sscanf(line, "%127[^\t]\t%31s %255[^\n]", name, word, message), 3);
        cj_status wanted = strcmp(word, "malformed") == 0     ? CJ_MALFORMED
                           : strcmp(word, "unsupported") == 0 ? CJ_UNSUPPORTED
                           : strcmp(word, "limit") == 0       ? CJ_LIMIT
                                                              : CJ_INVALID;
        char path[160];
        snprintf(path, sizeof path, "invalid/%s", name);
        merge_case c;
        case_open(&c, path);
        case_instance(&c, "a", 0);
        cj_status status = case_merge(&c);
        bool no_simd = !CJ_ENGINE_JIT && strstr(c.err.message, "unsupported: core SIMD where WAMR interprets");
        if (!no_simd && (status != wanted || !strstr(c.err.message, message)))
            fail_msg("%s: %s: %s", name, cj_status_text(status), c.err.message);
        assert_true(c.err.offset >= 8 && c.err.offset <= c.size);
        assert_non_null(strstr(c.err.where, "core instance 0"));
        if (!c.modules[0].unsupported)
            assert_non_null(strstr(c.err.where, "core function "));
        case_close(&c);
        count++;
    }
    fclose(list);
    assert_true(count >= 135);
}

/* Vectors are refused by name where WAMR interprets: it has none there. */
static void simd_where_wamr_has_it(void **state)
{
    (void)state;
    static const char *const cases[] = {"simd/instruction", "simd/local", "simd/global", "simd/param", "simd/result"};
    for (size_t i = 0; i < CJ_COUNT(cases); i++) {
        merge_case c;
        case_open(&c, cases[i]);
        case_instances(&c);
        cj_status status = case_merge(&c);
        assert_int_equal(status, CJ_ENGINE_JIT ? CJ_OK : CJ_UNSUPPORTED);
        if (status == CJ_OK)
            case_run(&c);
        else
            assert_non_null(strstr(c.err.message, "unsupported: core SIMD where WAMR interprets"));
        case_close(&c);
    }
}

/* -- Constant expressions ------------------------------------------------------------------------------------------ */

static void folds_constant_expressions(void **state)
{
    (void)state;
    merge_case c;
    open_and_run(&c, "rules/folding");
    assert_int_equal(case_value(&c, "a.get", 16), 42);
    assert_int_equal(case_value(&c, "a.get", 17), 43);
    assert_int_equal(case_value(&c, "a.call", 1), 6);
    assert_int_equal(case_value(&c, "a.call", 2), 5);
    assert_int_equal(case_traps(&c, "a.call", 3), CJ_TRAP_NULL_ELEMENT);
    assert_int_equal(case_value(&c, "a.call", 4), 6);
    assert_int_equal(case_value(&c, "b.more"), 36);
    assert_int_equal(case_value(&c, "b.wider"), 1);
    assert_int_equal(case_value(&c, "b.floats"), 1);
    assert_int_equal(case_value(&c, "b.refs"), 1);
    assert_int_equal(case_value(&c, "b.through"), 5);
    /* a mutable global is one for all that import it */
    assert_int_equal(case_value(&c, "a.get_sp"), 1024);
    case_value(&c, "b.push", 24);
    assert_int_equal(case_value(&c, "a.get_sp"), 1000);
    /* WAMR takes neither global.get of a defined global nor arithmetic in constants */
    for (uint32_t i = 0; i < c.out.global_count; i++)
        assert_int_not_equal(c.out.globals[i].init.ptr[0], 0x23);
    case_close(&c);
}

/* -- Dropped segments ---------------------------------------------------------------------------------------------- */

static const uint8_t data_drop[] = {0xfc, 9}, elem_drop[] = {0xfc, 13};

static void assert_no_drops(const merge_case *c)
{
    assert_false(case_code_has(c, data_drop, 2)); /* no constant of the cases looks like it */
    assert_false(case_code_has(c, elem_drop, 2));
}

static void drops_data_per_instance(void **state)
{
    (void)state;
    merge_case c;
    open_and_run(&c, "rules/data-drop");
    assert_no_drops(&c);
    assert_int_equal(case_traps(&c, "a.init", 0, 1, 3), CJ_TRAP_NONE);
    assert_int_equal(case_value(&c, "a.get", 0), 'b');
    assert_int_equal(case_traps(&c, "a.init", 0, 2, 3), CJ_TRAP_MEMORY_BOUNDS);
    assert_int_equal(case_traps(&c, "a.init", 65533, 0, 4), CJ_TRAP_MEMORY_BOUNDS);
    /* an active segment is empty once applied */
    assert_int_equal(case_value(&c, "a.get", 100), 'x');
    assert_int_equal(case_traps(&c, "a.init_active", 0, 0, 0), CJ_TRAP_NONE);
    assert_int_equal(case_traps(&c, "a.init_active", 65536, 0, 0), CJ_TRAP_NONE);
    assert_int_equal(case_traps(&c, "a.init_active", 0, 0, 1), CJ_TRAP_MEMORY_BOUNDS);
    assert_int_equal(case_traps(&c, "a.init_active", 0, 1, 0), CJ_TRAP_MEMORY_BOUNDS);
    assert_int_equal(case_traps(&c, "a.drop_active"), CJ_TRAP_NONE);
    /* so is one that was dropped: nothing can be read, and nothing from its start is no error */
    assert_int_equal(case_traps(&c, "a.drop"), CJ_TRAP_NONE);
    assert_int_equal(case_traps(&c, "a.drop"), CJ_TRAP_NONE);
    assert_int_equal(case_traps(&c, "a.init", 10, 0, 0), CJ_TRAP_NONE);
    assert_int_equal(case_traps(&c, "a.init", 65536, 0, 0), CJ_TRAP_NONE);
    assert_int_equal(case_traps(&c, "a.init", 65537, 0, 0), CJ_TRAP_MEMORY_BOUNDS);
    assert_int_equal(case_traps(&c, "a.init", 10, 0, 1), CJ_TRAP_MEMORY_BOUNDS);
    assert_int_equal(case_traps(&c, "a.init", 10, 1, 0), CJ_TRAP_MEMORY_BOUNDS);
    assert_int_equal(case_value(&c, "a.get", 10), 0);
    /* the other segment is there still */
    assert_int_equal(case_traps(&c, "a.init_q", 10, 0, 4), CJ_TRAP_NONE);
    assert_int_equal(case_value(&c, "a.get", 13), 'h');

    /* and so is this one in another instance of the same loaded module */
    guest *first = c.guest;
    c.guest = guest_again(&c.store, first);
    assert_non_null(c.guest);
    assert_int_equal(case_traps(&c, "a.init", 0, 0, 4), CJ_TRAP_NONE);
    assert_int_equal(case_value(&c, "a.get", 3), 'd');
    guest_delete(c.guest);
    c.guest = first;
    case_close(&c);
}

static void drops_elements_per_instance(void **state)
{
    (void)state;
    merge_case c;
    open_and_run(&c, "rules/elem-drop");
    assert_no_drops(&c);
    assert_int_equal(case_traps(&c, "a.init", 1, 0, 2), CJ_TRAP_NONE);
    assert_int_equal(case_value(&c, "a.call", 2), 2);
    assert_int_equal(case_value(&c, "a.call", 5), 2);
    assert_int_equal(case_traps(&c, "a.init", 7, 0, 2), CJ_TRAP_TABLE_BOUNDS);
    assert_int_equal(case_traps(&c, "a.init_active", 0, 0, 0), CJ_TRAP_NONE);
    assert_int_equal(case_traps(&c, "a.init_active", 0, 0, 1), CJ_TRAP_TABLE_BOUNDS);
    assert_int_equal(case_traps(&c, "a.init_declared", 0, 0, 0), CJ_TRAP_NONE);
    assert_int_equal(case_traps(&c, "a.init_declared", 0, 0, 1), CJ_TRAP_TABLE_BOUNDS);
    assert_int_equal(case_traps(&c, "a.init_x", 0, 0, 1), CJ_TRAP_NONE);
    assert_int_equal(case_traps(&c, "a.drop_active"), CJ_TRAP_NONE);
    assert_int_equal(case_traps(&c, "a.drop_declared"), CJ_TRAP_NONE);
    assert_int_equal(case_traps(&c, "a.drop"), CJ_TRAP_NONE);
    assert_int_equal(case_traps(&c, "a.init", 1, 0, 0), CJ_TRAP_NONE);
    assert_int_equal(case_traps(&c, "a.init", 8, 0, 0), CJ_TRAP_NONE);
    assert_int_equal(case_traps(&c, "a.init", 1, 0, 1), CJ_TRAP_TABLE_BOUNDS);
    if (CJ_ENGINE_JIT) { /* WAMR's interpreters do nothing at all for no elements */
        assert_int_equal(case_traps(&c, "a.init", 9, 0, 0), CJ_TRAP_TABLE_BOUNDS);
        assert_int_equal(case_traps(&c, "a.init", 1, 1, 0), CJ_TRAP_TABLE_BOUNDS);
    }
    assert_int_equal(case_traps(&c, "a.init_x", 0, 0, 1), CJ_TRAP_NONE);
    assert_int_equal(case_traps(&c, "a.drop_x"), CJ_TRAP_NONE);
    assert_int_equal(case_traps(&c, "a.init_x", 0, 0, 1), CJ_TRAP_TABLE_BOUNDS);

    guest *first = c.guest;
    c.guest = guest_again(&c.store, first);
    assert_int_equal(case_traps(&c, "a.init", 1, 0, 1), CJ_TRAP_NONE);
    assert_int_equal(case_value(&c, "a.call", 1), 1);
    guest_delete(c.guest);
    c.guest = first;
    case_close(&c);

    open_and_run(&c, "rules/drop-only");
    assert_int_equal(case_traps(&c, "a.drop"), CJ_TRAP_NONE);
    assert_int_equal(c.out.global_count + c.out.data_count, 0);
    case_close(&c);
}

/* -- The boundary -------------------------------------------------------------------------------------------------- */

static void imports_are_by_shape(void **state)
{
    (void)state;
    merge_case c;
    open_and_run(&c, "rules/shapes");
    assert_int_equal(c.input.slot_count, 4);
    assert_int_equal(c.merged.import_count, 2); /* `unused` is not called */
    assert_int_equal(c.merged.import_shapes[0], c.slots[0].shape);
    assert_int_equal(c.merged.import_shapes[1], c.slots[2].shape);
    assert_true(cj__str_eq(c.out.imports[0].module, CJ_STR("cj")));
    assert_true(cj__str_eq(c.out.imports[0].name, CJ_STR("(ii)i")));
    assert_true(cj__str_eq(c.out.imports[1].name, CJ_STR("(IfFi)I")));
    assert_int_equal(case_value(&c, "a.one", 5), 10);
    assert_int_equal(case_value(&c, "a.both", 5), 11 + 100 * 10);
    assert_int_equal(case_value(&c, "a.three", 7), 16);
    assert_memory_equal(c.log, ((uint32_t[]){5, 1005, 5, 2007}), 4 * sizeof(uint32_t));
    case_close(&c);
}

static void no_import_is_referred_to(void **state)
{
    (void)state;
    merge_case c;
    open_and_run(&c, "rules/wrapped");
    assert_int_equal(c.merged.import_count, 1);
    for (uint32_t i = 0; i < c.merged.export_count; i++)
        assert_true(c.merged.export_funcs[i] >= c.merged.import_count);
    for (uint32_t i = 0; i < c.out.elem_count; i++) {
        assert_false(c.out.elems[i].flags & 4);
        for (uint32_t k = 0; k < c.out.elems[i].count; k++)
            assert_true(c.out.elems[i].items.ptr[k] >= c.merged.import_count); /* one byte each here */
    }
    assert_int_equal(case_value(&c, "a.f", 4), 8);
    assert_int_equal(case_value(&c, "a.call", 4, 0), 9);
    assert_int_equal(case_value(&c, "a.call", 4, 1), 8);
    case_value(&c, "a.set", 3);
    assert_int_equal(case_value(&c, "a.call", 4, 3), 8);
    assert_int_equal(case_value(&c, "a.by_global", 10), 21);
    assert_int_equal(case_value(&c, "a.tail", 5), 13);
    /* one wrapper per import, f and g, and the four functions of the module */
    assert_int_equal(c.out.body_count, 4 + 2);
    case_close(&c);
}

static void refuses_what_cannot_cross(void **state)
{
    (void)state;
    static const struct {
        const char *name, *message;
    } cases[] = {
        {"rules/boundary-v128", CJ_ENGINE_JIT ? "v128 in a core function that crosses groups" : "SIMD"},
        {"rules/boundary-funcref", "funcref in a core function that crosses groups"},
        {"rules/boundary-externref", "externref in a core function that crosses groups"},
        {"rules/boundary-results", "several results of a core function that crosses groups"},
    };
    for (size_t i = 0; i < CJ_COUNT(cases); i++) {
        merge_case c;
        case_open(&c, cases[i].name);
        case_instances(&c);
        assert_int_equal(case_merge(&c), CJ_UNSUPPORTED);
        if (!strstr(c.err.message, cases[i].message))
            fail_msg("%s: %s", cases[i].name, c.err.message);
        case_close(&c);
    }
    merge_case c;
    case_open(&c, "rules/export-results");
    case_instance(&c, "a", 0);
    (void)case_export(&c, "a", "x");
    assert_int_equal(case_merge(&c), CJ_UNSUPPORTED);
    assert_non_null(strstr(c.err.message, "several results"));
    case_close(&c);
}

static void exports_have_mangled_names(void **state)
{
    (void)state;
    merge_case c;
    open_and_run(&c, "rules/wrapped");
    for (uint32_t i = 0; i < c.out.export_count; i++) {
        char name[16];
        snprintf(name, sizeof name, "f%u", i);
        assert_true(cj__str_eq(c.out.exports[i].name, cj__str(name)));
    }
    case_close(&c);
}

static void equal_exports_are_repeated(void **state)
{
    (void)state;
    merge_case c;
    case_open(&c, "rules/forwarders");
    case_instance(&c, "a", 0);
    uint32_t first = case_export(&c, "a", "run"), second = case_export(&c, "a", "run");
    assert_int_equal(case_merge(&c), CJ_OK);
    assert_int_equal(c.merged.export_count, 2);
    assert_int_equal(c.merged.export_funcs[first], c.merged.export_funcs[second]);
    case_close(&c);
}

/* -- Types and limits ---------------------------------------------------------------------------------------------- */

static void types_are_structural(void **state)
{
    (void)state;
    merge_case c;
    open_and_run(&c, "rules/types");
    for (uint32_t i = 0; i < c.out.type_count; i++)
        for (uint32_t k = 0; k < i; k++) {
            const cj_core_functype *a = &c.out.types[i], *b = &c.out.types[k];
            assert_false(a->param_count == b->param_count && a->result_count == b->result_count &&
                         memcmp(a->params, b->params, a->param_count) == 0 &&
                         memcmp(a->results, b->results, a->result_count) == 0);
        }
    assert_int_equal(case_value(&c, "b.direct", 5), 35);
    assert_int_equal(case_value(&c, "b.indirect", 5, 0), 45);
    assert_int_equal(case_value(&c, "b.block"), 7);
    case_close(&c);
}

static void imports_must_match(void **state)
{
    (void)state;
    static const struct {
        const char *name, *message;
    } cases[] = {
        {"rules/import-func-mismatch", "function types do not match: wanted (i32, i32) -> (), given (i32) -> ()"},
        {"rules/import-func-results", "function types do not match: wanted () -> (), given () -> (i32)"},
        {"rules/import-memory-min", "limits do not match: wanted 2 or more, given 1 to 5"},
        {"rules/import-memory-max", "limits do not match: wanted 1 to 4, given 1 to 5"},
        {"rules/import-memory-no-max", "limits do not match: wanted 1 to 65536, given 1 or more"},
        {"rules/import-memory-fits", NULL},
        {"rules/import-table-min", "limits do not match: wanted 2 or more, given 1 to 5"},
        {"rules/import-table-max", "limits do not match: wanted 1 to 4, given 1 to 5"},
        {"rules/import-table-no-max", "limits do not match: wanted 1 to 5, given 1 or more"},
        {"rules/import-table-type", "table types do not match: wanted funcref, given externref"},
        {"rules/import-table-fits", NULL},
        {"rules/import-global-type", "global types do not match: wanted i64, given i32"},
        {"rules/import-global-mutable", "global types do not match: wanted i32, given mutable i32"},
        {"rules/import-global-immutable", "global types do not match: wanted mutable i32, given i32"},
    };
    for (size_t i = 0; i < CJ_COUNT(cases); i++) {
        merge_case c;
        case_open(&c, cases[i].name);
        case_instances(&c);
        cj_status status = case_merge(&c);
        if (!cases[i].message) {
            assert_int_equal(status, CJ_OK);
        } else {
            assert_int_equal(status, CJ_INVALID);
            if (!strstr(c.err.message, cases[i].message))
                fail_msg("%s: %s", cases[i].name, c.err.message);
            assert_non_null(strstr(c.err.where, "core instance 1: import \"a\" \""));
            assert_int_equal(c.err.offset, c.modules[1].imports[0].offset);
        }
        case_close(&c);
    }
}

static void boundary_imports_must_match(void **state)
{
    (void)state;
    merge_case c;
    case_open(&c, "rules/shapes");
    case_instances(&c);
    c.slots[0].type.param_count = 0;
    c.slots[0].shape = 3;
    assert_int_equal(case_merge(&c), CJ_INVALID);
    assert_non_null(strstr(c.err.message, "wanted (i32) -> (i32), given () -> (i32)"));
    case_close(&c);
}

static void two_memories_are_refused(void **state)
{
    (void)state;
    merge_case c;
    case_open(&c, "rules/two-memories");
    case_instances(&c);
    assert_int_equal(case_merge(&c), CJ_UNSUPPORTED);
    assert_non_null(strstr(c.err.message, "two memories"));
    case_close(&c);
}

/* -- Shims --------------------------------------------------------------------------------------------------------- */

static uint32_t count_calls(const merge_case *c, uint8_t op)
{
    /* Through a scan of the merged module: opcodes cannot be told from immediates otherwise. */
    uint32_t count = 0;
    for (uint32_t i = 0; i < c->out.body_count; i++)
        for (size_t k = 0; k + 1 < c->out.bodies[i].len; k++)
            count += c->out.bodies[i].ptr[k] == op;
    return count;
}

static void shims_cost_nothing(void **state)
{
    (void)state;
    merge_case c;
    case_open(&c, "rules/shim");
    case_instance(&c, "a", 0);
    case_instance(&c, "b", 1);
    case_instance(&c, "c", 2);
    (void)case_export(&c, "b", "run");
    case_run(&c);
    /* nothing is left but `run` and the import: no table, no shim, no wrapper, no initialiser */
    assert_int_equal(c.out.body_count, 1);
    assert_int_equal(c.out.table_count + c.out.elem_count, 0);
    assert_int_equal(c.merged.export_count, 1);
    assert_int_equal(case_value(&c, "b.run", 7), 14 + 100 * 15);
    case_close(&c);
}

static void a_start_function_that_cannot_look_is_no_obstacle(void **state)
{
    (void)state;
    merge_case c;
    case_open(&c, "rules/shim-blind-start");
    case_instance(&c, "a", 0);
    case_instance(&c, "b", 1);
    case_instance(&c, "c", 2);
    (void)case_export(&c, "b", "run");
    case_run(&c);
    assert_int_equal(c.out.table_count, 0);
    assert_int_equal(c.merged.init_exports[2], UINT32_MAX);
    assert_int_equal(case_value(&c, "b.run", 7), 14);
    case_close(&c);
}

static void calls_before_the_fixups_trap(void **state)
{
    (void)state;
    merge_case c;
    case_open(&c, "rules/shim-too-early");
    case_instances(&c);
    assert_int_equal(case_init(&c), CJ_TRAP_NULL_ELEMENT);
    assert_int_equal(c.trapped_at, 1);
    assert_int_equal(c.log_count, 0);
    case_close(&c);

    open_and_run(&c, "rules/shim-start-leaves");
    assert_int_equal(c.out.table_count, 1);
    assert_int_equal(case_value(&c, "b.run", 7), 15);
    case_close(&c);
}

static void tables_that_change_stay(void **state)
{
    (void)state;
    static const struct {
        const char *name, *write;
        uint32_t before, after;
    } cases[] = {
        {"rules/table-set", "a.write", 1, 2},  {"rules/table-set-elsewhere", "b.write", 1, 2},
        {"rules/table-fill", "a.write", 1, 2}, {"rules/table-copy", "a.write", 1, 2},
        {"rules/table-init", "a.write", 1, 2},
    };
    for (size_t i = 0; i < CJ_COUNT(cases); i++) {
        merge_case c;
        open_and_run(&c, cases[i].name);
        assert_int_equal(case_value(&c, "a.run"), cases[i].before);
        assert_int_equal(case_traps(&c, cases[i].write), CJ_TRAP_NONE);
        assert_int_equal(case_value(&c, "a.run"), cases[i].after);
        case_close(&c);
    }
    merge_case c;
    open_and_run(&c, "rules/table-grow");
    assert_int_equal(case_traps(&c, "a.run"), CJ_TRAP_TABLE_BOUNDS);
    assert_int_equal(case_traps(&c, "a.write"), CJ_TRAP_NONE);
    assert_int_equal(case_value(&c, "a.run"), 2);
    case_close(&c);

    open_and_run(&c, "rules/table-copy"); /* of the two tables one is only read */
    assert_int_equal(case_value(&c, "a.run_b"), 2);
    assert_int_equal(count_calls(&c, 0x11), 1);
    case_close(&c);
}

static void the_last_element_counts(void **state)
{
    (void)state;
    merge_case c;
    open_and_run(&c, "rules/table-overwritten");
    assert_int_equal(c.out.table_count, 0);
    assert_int_equal(case_value(&c, "a.run"), 3);
    assert_int_equal(case_value(&c, "a.run_1"), 2);
    case_close(&c);

    open_and_run(&c, "rules/table-sparse");
    assert_int_equal(c.out.table_count, 1);
    assert_int_equal(case_value(&c, "a.run"), 1);
    case_close(&c);
}

static void calls_that_trap_stay(void **state)
{
    (void)state;
    merge_case c;
    open_and_run(&c, "rules/table-traps");
    assert_int_equal(case_value(&c, "a.run"), 1);
    assert_int_equal(case_value(&c, "a.tail"), 1);
    assert_int_equal(case_traps(&c, "a.null"), CJ_TRAP_NULL_ELEMENT);
    assert_int_equal(case_traps(&c, "a.unset"), CJ_TRAP_NULL_ELEMENT);
    assert_int_equal(case_traps(&c, "a.outside"), CJ_TRAP_TABLE_BOUNDS);
    assert_int_equal(case_traps(&c, "a.negative"), CJ_TRAP_TABLE_BOUNDS);
    assert_int_equal(case_traps(&c, "a.type"), CJ_TRAP_INDIRECT_TYPE);
    assert_int_equal(case_traps(&c, "a.tail_null"), CJ_TRAP_NULL_ELEMENT);
    case_close(&c);
}

static void forwarders_are_skipped(void **state)
{
    (void)state;
    merge_case c;
    open_and_run(&c, "rules/forwarders");
    assert_int_equal(case_value(&c, "a.run", 7), 14);
    assert_int_equal(case_value(&c, "a.c", 8, 1), 16);
    assert_int_equal(case_value(&c, "a.swapped", 3, 10), 7);
    assert_int_equal(case_value(&c, "a.with_local", 10, 3), 7);
    assert_int_equal(case_value(&c, "a.keeps", 10), 1);
    assert_int_equal(case_traps(&c, "a.nothing"), CJ_TRAP_NONE);
    assert_int_equal(case_traps(&c, "a.circle", 1), CJ_TRAP_STACK_OVERFLOW);
    case_close(&c);

    /* `run` calls the import itself: a, b and c are gone */
    case_open(&c, "rules/forwarders");
    case_instance(&c, "a", 0);
    (void)case_export(&c, "a", "run");
    assert_int_equal(case_merge(&c), CJ_OK);
    assert_int_equal(c.out.body_count, 1);
    case_close(&c);
}

/* -- The rest ------------------------------------------------------------------------------------------------------ */

static void one_module_twice(void **state)
{
    (void)state;
    merge_case c;
    case_open(&c, "rules/twice");
    case_instance(&c, "a", 0);
    case_instance(&c, "b", 1);
    case_instance(&c, "c", 1);
    case_export_all(&c);
    case_run(&c);
    assert_int_equal(case_value(&c, "b.count"), 1);
    assert_int_equal(case_value(&c, "b.count"), 2);
    assert_int_equal(case_value(&c, "c.count"), 1);
    case_value(&c, "b.put", 0);
    assert_int_equal(case_value(&c, "b.has"), 1);
    assert_int_equal(case_value(&c, "c.has"), 0);
    case_value(&c, "c.put", 1);
    assert_int_equal(case_value(&c, "a.call", 0), 2); /* b's function, with b's global */
    assert_int_equal(case_value(&c, "a.call", 1), 1);
    case_value(&c, "b.drop");
    assert_int_equal(case_traps(&c, "b.init", 0), CJ_TRAP_MEMORY_BOUNDS);
    assert_int_equal(case_traps(&c, "c.init", 0), CJ_TRAP_NONE);
    assert_int_equal(case_value(&c, "a.get", 2), 'c');
    case_close(&c);
}

static void every_kind_of_site(void **state)
{
    (void)state;
    for (int interruptible = 0; interruptible < 3; interruptible++) {
        merge_case c;
        case_open(&c, "rules/sites");
        case_instances(&c);
        c.input.interruptible = interruptible > 0;
        c.input.interrupt_check = interruptible == 1 ? CJ_INTERRUPT_COUNTDOWN : CJ_INTERRUPT_FLAG;
        case_run(&c);
        uint32_t i = 10 + 1 + 1 + 1 - 1, g = 3 + i, sum = i + 5;
        uint32_t loop = sum - 1;
        assert_int_equal(case_value(&c, "b.run", 10), 2 * (loop + sum + g - 2 + 4));
        assert_int_equal(case_value(&c, "b.g"), g);
        case_close(&c);
    }
}

static void tail_calls(void **state)
{
    (void)state;
    merge_case c;
    open_and_run(&c, "rules/tail-calls");
    assert_int_equal(case_value(&c, "a.run", 100), 200);
    case_close(&c);
}

static cj_str name_of(const merge_case *c, uint32_t index)
{
    /* the function subsection is the only one: id, size, count, entries */
    cj_reader r = cj__reader(c->out.names.ptr, c->out.names.len, 0, NULL);
    uint8_t id;
    uint32_t size, count;
    assert_int_equal(cj__read_byte(&r, &id, ""), CJ_OK);
    assert_int_equal(id, 1);
    assert_int_equal(cj__read_u32(&r, &size, ""), CJ_OK);
    assert_int_equal(size, cj__reader_left(&r));
    assert_int_equal(cj__read_u32(&r, &count, ""), CJ_OK);
    uint32_t last = 0;
    cj_str found = {0};
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at;
        cj_str name;
        assert_int_equal(cj__read_u32(&r, &at, ""), CJ_OK);
        assert_int_equal(cj__read_name(&r, 1000, &name, ""), CJ_OK);
        assert_true(i == 0 || at > last);
        last = at;
        if (at == index)
            found = name;
    }
    assert_int_equal(cj__reader_left(&r), 0);
    return found;
}

static void names_are_kept(void **state)
{
    (void)state;
    merge_case c;
    case_open(&c, "rules/names");
    case_instances(&c);
    assert_int_equal(case_merge(&c), CJ_OK);
    assert_true(cj__str_eq(name_of(&c, c.merged.export_funcs[0]), CJ_STR("first.alpha")));
    assert_true(cj__str_eq(name_of(&c, c.merged.export_funcs[0] + 1), CJ_STR("first.beta")));
    cj_str last = name_of(&c, c.merged.export_funcs[1]);
    assert_true(last.len > 0 && memmem(last.ptr, last.len, "exported", 8));
    case_close(&c);
}

static void malformed_names_are_skipped(void **state)
{
    (void)state;
    static const struct {
        const char *names, *alpha, *beta;
    } cases[] = {
        {"", "core0.x", NULL}, /* an empty section: the export's name */
        {"01( 02 00 'alpha' 01 'beta' )", "core0.alpha", "core0.beta"},
        {"00( 'm' ) 01( 02 00 'alpha' 01 'beta' )", "m.alpha", "m.beta"},
        {"01( 02 00 'alpha' 01 05 62 )", "core0.alpha", NULL},    /* cut */
        {"01( 02 00 'alpha' 09 'beta' )", "core0.alpha", NULL},   /* no such function */
        {"01( 02 00 'alpha' 01 02 ff ff )", "core0.alpha", NULL}, /* not UTF-8 */
        {"01 7f", "core0.x", NULL},
        {"02( 01 ) 01( 01 01 'beta' )", "core0.x", "core0.beta"}, /* names of locals are skipped */
        {"01( ff ff ff ff 0f 00 'a' )", "core0.x", NULL},
    };
    for (size_t i = 0; i < CJ_COUNT(cases); i++) {
        char text[512];
        /* two functions that call each other, the first exported as x */
        snprintf(text, sizeof text,
                 "? 01( 01 60 00 00 ) 03( 02 00 00 ) 07( 01 'x' 00 00 ) 0a( 02 ( 00 01 10 01 0b ) ( 00 01 10 00 0b ) )"
                 "00( 'name' %s )",
                 cases[i].names);
        test_bytes bytes = test_bytes_of(text);
        merge_case c;
        case_open_bytes(&c, bytes.at, bytes.len);
        case_instances(&c);
        assert_int_equal(case_merge(&c), CJ_OK);
        cj_str alpha = name_of(&c, 0), beta = name_of(&c, 1);
        if (!cj__str_eq(alpha, cj__str(cases[i].alpha)) || !cj__str_eq(beta, cj__str(cases[i].beta)))
            fail_msg("%s: %.*s %.*s", cases[i].names, CJ_STR_ARG(alpha), CJ_STR_ARG(beta));
        case_close(&c);
        free(bytes.at);
    }
}

/* LEB128s at their longest: what is rewritten comes out short, the rest is copied; WAMR must take both. */
static void padded_integers(void **state)
{
    (void)state;
    test_bytes bytes =
        test_bytes_of("? 01( 03 60 00 00 60 01 7f 01 7f 60 00 01 7f )"
                      "03( 02 01 01 ) 04( 01 70 00 01 ) 05( 01 00 01 ) 06( 01 7f 01 41 05 0b ) 07( 01 'f' 00 01 )"
                      "09( 01 00 41 80 00 0b 01 80 00 )"
                      "0a( 02 ( 00 20 00 41 01 6a 0b )"
                      "( 00"
                      "  20 80 80 80 80 00  10 80 80 80 80 00" /* call 0 of local 0 */
                      /* call_indirect type 1, with a constant */
                      "  41 80 80 80 80 00 11 81 80 80 80 00 80 80 80 80 00"
                      "  23 80 80 00 6a 24 80 80 00"             /* the global += it */
                      "  02 82 80 80 80 00 3f 80 80 80 80 00 0b" /* block of type 2: memory.size */
                      "  40 80 00"                               /* memory.grow */
                      "  23 00 6a"
                      "  41 00 41 00 41 00 fc 8a 80 80 80 00 80 00 80 80 00" /* memory.copy */
                      "  41 00 41 00 41 00 fc 8b 00 80 00"                   /* memory.fill */
                      "  fc 90 00 80 00 6a 0b ) )");                         /* table.size */
    merge_case c;
    case_open_bytes(&c, bytes.at, bytes.len);
    case_instances(&c);
    case_run(&c);
    assert_int_equal(case_value(&c, "a.f", 10), 1 + (5 + 12) + 1); /* 1 page, the global, the table's size */
    case_close(&c);
    free(bytes.at);
}

static void limits_have_names(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *limit;
        size_t knob;
        uint32_t enough;
    } limits[] = {
#define BODY(body) "? 01( 01 60 01 7f 00 ) 03( 01 00 ) 07( 01 'f' 00 00 ) 0a( 01 ( " body " ) )"
        {BODY("00 [01]x20 0b"), "max_function_body", offsetof(cj_config, max_function_body), 22},
        {BODY("01 09 7e 0b"), "max_function_slots", offsetof(cj_config, max_function_slots), 10},
        {BODY("00 [41 00]x9 [1a]x9 0b"), "max_function_slots", offsetof(cj_config, max_function_slots), 10},
        {BODY("01 04 7d [41 00]x5 [1a]x5 0b"), "max_function_slots", offsetof(cj_config, max_function_slots), 10},
        {BODY("00 [02 40]x9 [0b]x9 0b"), "max_function_nesting", offsetof(cj_config, max_function_nesting), 9},
        {BODY("00 [02 40 03 40 41 00 04 40]x3 [0b]x9 0b"), "max_function_nesting",
         offsetof(cj_config, max_function_nesting), 9},
        {BODY("03 00 7f 02 7f 01 7f 0b"), "max_core_locals", offsetof(cj_config, max_core_locals), 4},
        {"? 01( 03 60 00 00 60 00 01 7f 60 00 01 7e ) 03( 03 00 01 02 ) 07( 03 'f' 00 00 'g' 00 01 'h' 00 02 )"
         "0a( 03 ( 00 0b ) ( 00 41 00 0b ) ( 00 42 00 0b ) )",
         "max_core_types", offsetof(cj_config, max_core_types), 3},
    };
    for (size_t i = 0; i < CJ_COUNT(limits); i++)
        for (uint32_t less = 0; less < 2; less++) {
            test_bytes bytes = test_bytes_of(limits[i].bytes);
            merge_case c;
            case_open_bytes(&c, bytes.at, bytes.len);
            case_instances(&c);
            uint32_t value = limits[i].enough - less;
            memcpy((char *)&c.config + limits[i].knob, &value, sizeof value);
            cj_status status = case_merge(&c);
            if (status != (less ? CJ_LIMIT : CJ_OK) || (less && !strstr(c.err.message, limits[i].limit)))
                fail_msg("%s = %u: %s: %s", limits[i].limit, value, cj_status_text(status), c.err.message);
            if (less && strstr(limits[i].limit, "max_function"))
                assert_string_equal(c.err.where, "core instance 0: core function 0");
            case_close(&c);
            free(bytes.at);
        }
}

static void the_size_has_a_limit(void **state)
{
    (void)state;
    merge_case c;
    open_and_run(&c, "rules/sites");
    size_t size = c.merged.size;
    case_close(&c);
    /* what is made of the modules, and the sum of what goes in, may not be larger */
    uint64_t fits = 0;
    for (uint64_t max = size + 200; max > 0; max -= max > 20 ? 7 : 1) {
        case_open(&c, "rules/sites");
        case_instances(&c);
        c.config.max_merged_size = max;
        if (case_merge(&c) == CJ_OK) {
            fits = max;
            assert_true(c.merged.size <= max);
        } else {
            assert_int_equal(c.err.status, CJ_LIMIT);
            assert_non_null(strstr(c.err.message, "max_merged_size"));
        }
        case_close(&c);
    }
    assert_true(fits >= size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_invalid_bodies),
        cmocka_unit_test(simd_where_wamr_has_it),
        cmocka_unit_test(folds_constant_expressions),
        cmocka_unit_test(drops_data_per_instance),
        cmocka_unit_test(drops_elements_per_instance),
        cmocka_unit_test(imports_are_by_shape),
        cmocka_unit_test(no_import_is_referred_to),
        cmocka_unit_test(refuses_what_cannot_cross),
        cmocka_unit_test(exports_have_mangled_names),
        cmocka_unit_test(equal_exports_are_repeated),
        cmocka_unit_test(types_are_structural),
        cmocka_unit_test(imports_must_match),
        cmocka_unit_test(boundary_imports_must_match),
        cmocka_unit_test(two_memories_are_refused),
        cmocka_unit_test(shims_cost_nothing),
        cmocka_unit_test(a_start_function_that_cannot_look_is_no_obstacle),
        cmocka_unit_test(calls_before_the_fixups_trap),
        cmocka_unit_test(tables_that_change_stay),
        cmocka_unit_test(the_last_element_counts),
        cmocka_unit_test(calls_that_trap_stay),
        cmocka_unit_test(forwarders_are_skipped),
        cmocka_unit_test(one_module_twice),
        cmocka_unit_test(every_kind_of_site),
        cmocka_unit_test(tail_calls),
        cmocka_unit_test(names_are_kept),
        cmocka_unit_test(malformed_names_are_skipped),
        cmocka_unit_test(padded_integers),
        cmocka_unit_test(limits_have_names),
        cmocka_unit_test(the_size_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
