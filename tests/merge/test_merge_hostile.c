/* test_merge_hostile.c: modules made to hurt: mutated ones, large ones, and too little memory. What the merger accepts
 * must come out valid; time and memory must stay in proportion to the file.
 */
#include "unit/support/cmocka_all.h"

#include "merge/merge_case.h"
#include "unit/support/bytes.h"
#include "unit/support/track_alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* -- Mutations ----------------------------------------------------------------------------------------------------- */

static const char *const seeds[] = {
    "rules/sites",
    "rules/folding",
    "rules/data-drop",
    "rules/elem-drop",
    "rules/wrapped",
    "rules/shim",
    "rules/types",
    "rules/twice",
    "rules/names",
    "rules/tail-calls",
    "rules/grown-before-segment",
    "outline/full",
    "rules/forwarders",
    "rules/table-traps",
};

static uint64_t random_state = 88172645463325252u;

static uint32_t random_below(uint32_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state % n);
}

/* Outlines and merges all modules of a case again, one of them changed, each in a block of exactly its size. Imports
 * are matched by position with those of the case as it was; where that is not possible the case is given up. Returns
 * whether the merger accepted it. */
static bool merge_changed(merge_case *c, uint32_t changed, const uint8_t *bytes, size_t size, bool interruptible)
{
    cj_arena *arena;
    assert_int_equal(cj_arena_new(NULL, &arena), CJ_OK);
    cj_core_outline outlines[CASE_MODULES];
    uint8_t *copies[CASE_MODULES] = {0};
    bool ok = true;
    for (uint32_t i = 0; i < c->module_count && ok; i++) {
        cj_bytes from = c->modules[i].file;
        if (i == changed)
            from = (cj_bytes){bytes, size, 0};
        copies[i] = test_bytes_exact(from.ptr, from.len);
        cj_error err = {0};
        cj_status status =
            cj__core_outline(&c->config, (cj_bytes){copies[i], from.len, from.offset}, arena, &outlines[i], &err);
        ok = status == CJ_OK;
        assert_true(ok || err.message[0]);
        if (ok && i == changed) { /* the sources of the case must still make sense */
            ok = outlines[i].import_count == c->modules[i].import_count;
            for (uint32_t k = 0; k < outlines[i].import_count && ok; k++)
                ok = outlines[i].imports[k].type.sort == c->modules[i].imports[k].type.sort;
            ok = ok && outlines[i].func_count >= c->modules[i].func_count &&
                 outlines[i].table_count >= c->modules[i].table_count &&
                 outlines[i].global_count >= c->modules[i].global_count &&
                 outlines[i].memory_count >= c->modules[i].memory_count;
        }
    }
    bool accepted = false;
    if (ok) {
        cj_merge_instance instances[CASE_INSTANCES];
        for (uint32_t i = 0; i < c->input.instance_count; i++) {
            instances[i] = c->instances[i];
            instances[i].module = &outlines[c->instances[i].module - c->modules];
        }
        cj_merge_input input = c->input;
        input.instances = instances;
        input.slots = c->slots;
        input.exports = c->exports;
        input.interruptible = interruptible;
        input.interrupt_check = random_below(2) ? CJ_INTERRUPT_COUNTDOWN : CJ_INTERRUPT_FLAG;
        cj_merged merged;
        cj_error err = {0};
        cj_status status = cj__merge(&c->config, &input, &merged, &err);
        if (status == CJ_OK) {
            case_validate(c, &merged);
            cj__merged_fini(&c->config, &merged);
            accepted = true;
        } else {
            assert_true(err.message[0]);
            assert_int_not_equal(status, CJ_INTERNAL);
        }
    }
    for (uint32_t i = 0; i < c->module_count; i++)
        free(copies[i]);
    cj_arena_delete(arena);
    return accepted;
}

static void open_seed(merge_case *c, const char *name)
{
    case_open(c, name);
    if (strcmp(name, "outline/full") == 0)
        return; /* imports a table that nobody exports: only read */
    case_instances(c);
    assert_int_equal(case_merge(c), CJ_OK);
}

static void mutations_come_out_valid_or_not_at_all(void **state)
{
    (void)state;
    uint32_t accepted = 0, tried = 0;
    for (size_t s = 0; s < CJ_COUNT(seeds); s++) {
        merge_case c;
        open_seed(&c, seeds[s]);
        for (uint32_t module = 0; module < c.module_count; module++) {
            size_t size = c.modules[module].file.len;
            uint8_t *bytes = malloc(size);
            for (uint32_t n = 0; n < 12 * (uint32_t)size; n++) {
                memcpy(bytes, c.modules[module].file.ptr, size);
                size_t at = 8 + random_below((uint32_t)size - 8);
                switch (random_below(4)) {
                case 0:
                    bytes[at] = (uint8_t)random_below(256);
                    break;
                case 1:
                    bytes[at] ^= (uint8_t)(1u << random_below(8));
                    break;
                case 2:
                    bytes[at] = bytes[8 + random_below((uint32_t)size - 8)];
                    break;
                default:
                    bytes[at] = (uint8_t)(bytes[at] + (random_below(2) ? 1 : 255));
                    break;
                }
                accepted += merge_changed(&c, module, bytes, size, n % 3 == 0);
                tried++;
            }
            free(bytes);
        }
        case_close(&c);
    }
    print_message("%u of %u mutated cases were accepted\n", accepted, tried);
    assert_true(accepted > tried / 20 && accepted < tried);
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    for (size_t s = 0; s < CJ_COUNT(seeds); s++) {
        merge_case c;
        open_seed(&c, seeds[s]);
        for (uint32_t module = 0; module < c.module_count; module++)
            for (size_t size = 0; size < c.modules[module].file.len; size++)
                (void)merge_changed(&c, module, c.modules[module].file.ptr, size, size % 2);
        case_close(&c);
    }
}

static void running_out_of_memory(void **state)
{
    (void)state;
    for (size_t s = 0; s < CJ_COUNT(seeds); s++) {
        merge_case c;
        open_seed(&c, seeds[s]);
        if (c.is_merged)
            cj__merged_fini(&c.config, &c.merged);
        c.is_merged = false;
        c.input.interruptible = s % 3 == 0;
        for (uint64_t n = 2;; n++) {
            const uint64_t fail_at = n / 2;
            track_alloc track;
            track_init(&track);
            track.fail_at = fail_at;
            track.fail_once = n % 2;
            cj_config config = c.config;
            config.allocator = &track.hook;
            cj_error err = {0};
            cj_merged merged;
            cj_status status = cj__merge(&config, &c.input, &merged, &err);
            bool failed = track.calls >= fail_at;
            if (status == CJ_OK) { /* only names may be missing */
                track.fail_at = 0;
                case_validate(&c, &merged);
                cj__merged_fini(&config, &merged);
            }
            assert_int_equal(track.live_blocks, 0);
            if (!failed) {
                assert_int_equal(status, CJ_OK);
                break;
            }
            assert_true(status == CJ_OK || (status == CJ_NO_MEMORY && err.status == CJ_NO_MEMORY));
            assert_true(fail_at < 1000);
        }
        case_close(&c);
    }
}

/* -- Large modules ------------------------------------------------------------------------------------------------- */

static test_bytes section(unsigned id, test_bytes *content)
{
    test_bytes b = {0};
    test_bytes_byte(&b, id);
    test_bytes_sized(&b, content);
    return b;
}

static void append(test_bytes *b, test_bytes part)
{
    test_bytes_add(b, part.at, part.len);
    free(part.at);
}

/* One function of type () -> () with this body, exported. */
static test_bytes one_function(test_bytes body)
{
    test_bytes b = test_bytes_of("? 01( 01 60 00 00 ) 03( 01 00 ) 07( 01 'f' 00 00 )"), code = {0};
    test_bytes_byte(&code, 1);
    test_bytes_sized(&code, &body);
    append(&b, section(10, &code));
    return b;
}

/* Merges a module alone, exporting all functions that it exports; frees it. Memory: `factor` times the file and 64 KiB
 * at most. */
static cj_status merge_large(test_bytes module, uint32_t factor, const cj_config *limits, cj_error *err)
{
    track_alloc track;
    track_init(&track);
    cj_config config = *limits;
    config.allocator = &track.hook;
    cj_arena *arena;
    assert_int_equal(cj_arena_new(&track.hook, &arena), CJ_OK);
    struct timespec from, to;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
    cj_core_outline o;
    cj_status status = cj__core_outline(&config, (cj_bytes){module.at, module.len, 0}, arena, &o, err);
    if (status == CJ_OK) {
        cj_merge_export *exports = calloc(o.export_count + 1, sizeof *exports);
        uint32_t count = 0;
        for (uint32_t i = 0; i < o.export_count; i++)
            if (o.exports[i].sort == CJ_SORT_CORE_FUNC)
                exports[count++].index = o.exports[i].index;
        cj_merge_instance instance = {.module = &o};
        cj_merge_input input = {.instances = &instance, .instance_count = 1, .exports = exports, .export_count = count};
        cj_merged merged;
        status = cj__merge(&config, &input, &merged, err);
        if (status == CJ_OK)
            cj__merged_fini(&config, &merged);
        free(exports);
    }
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
    cj_arena_delete(arena);
    double ms = (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
    print_message("%8zu bytes: %6.1f ms, %5.1f times as many bytes of memory%s\n", module.len, ms,
                  (double)track.peak_bytes / (double)module.len, status == CJ_OK ? "" : " (refused)");
    assert_int_equal(track.live_blocks, 0);
    assert_true(track.peak_bytes < (uint64_t)factor * module.len + (64 << 10));
    /* a megabyte per second, and much patience: a square would take hours */
    assert_true(ms < 2000 + (double)module.len / 1000);
    free(module.at);
    return status;
}

static cj_status merge_sized(test_bytes module, uint32_t factor)
{
    cj_config config;
    cj_config_init(&config);
    cj_error err = {0};
    cj_status status = merge_large(module, factor, &config, &err);
    if (status != CJ_OK && status != CJ_LIMIT)
        fail_msg("%s: offset 0x%llx: %s", err.where, (unsigned long long)err.offset, err.message);
    return status;
}

static void many_functions(void **state)
{
    (void)state;
    enum { COUNT = 100000 };
    /* each calls the next; all are in a table as well */
    test_bytes b = test_bytes_of("? 01( 01 60 00 00 )"), functions = {0}, code = {0}, elems = {0};
    test_bytes_leb(&functions, COUNT);
    test_bytes_leb(&code, COUNT);
    append(&elems, test_bytes_of("01 00 41 00 0b"));
    test_bytes_leb(&elems, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        test_bytes_byte(&functions, 0);
        test_bytes_leb(&elems, i);
        test_bytes body = test_bytes_of("00 41 00 04 40 10");
        test_bytes_leb(&body, (i + 1) % COUNT);
        append(&body, test_bytes_of("0b 0b"));
        test_bytes_sized(&code, &body);
    }
    append(&b, section(3, &functions));
    append(&b, test_bytes_of("04( 01 70 00 #100000 ) 07( 01 'f' 00 00 )"));
    append(&b, section(9, &elems));
    append(&b, section(10, &code));
    assert_int_equal(merge_sized(b, 20), CJ_OK);
}

static void many_forwarders(void **state)
{
    (void)state;
    enum { COUNT = 100000 };
    test_bytes b = test_bytes_of("? 01( 01 60 00 00 )"), functions = {0}, code = {0};
    test_bytes_leb(&functions, COUNT);
    test_bytes_leb(&code, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        test_bytes_byte(&functions, 0);
        test_bytes body = test_bytes_of("00 10");
        test_bytes_leb(&body, (i + 1) % COUNT);
        test_bytes_byte(&body, 0x0b);
        test_bytes_sized(&code, &body);
    }
    append(&b, section(3, &functions));
    append(&b, test_bytes_of("07( 01 'f' 00 00 )"));
    append(&b, section(10, &code));
    assert_int_equal(merge_sized(b, 30), CJ_OK);
}

/* A table for each function, found only through the one before: what is live must not be looked for again and again. */
static void many_tables(void **state)
{
    (void)state;
    enum { COUNT = 60000 };
    test_bytes b = test_bytes_of("? 01( 01 60 00 00 )"), functions = {0}, tables = {0}, code = {0}, elems = {0};
    test_bytes_leb(&functions, COUNT);
    test_bytes_leb(&tables, COUNT);
    test_bytes_leb(&elems, COUNT - 1);
    test_bytes_leb(&code, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        test_bytes_byte(&functions, 0);
        append(&tables, test_bytes_of("70 00 01"));
        if (i + 1 < COUNT) {
            test_bytes_byte(&elems, 2);
            test_bytes_leb(&elems, i);
            append(&elems, test_bytes_of("41 00 0b 00 01"));
            test_bytes_leb(&elems, i + 1);
        }
        test_bytes body = test_bytes_of("00 41 00 41 00 6a 11 00");
        test_bytes_leb(&body, i);
        test_bytes_byte(&body, 0x0b);
        test_bytes_sized(&code, &body);
    }
    append(&b, section(3, &functions));
    append(&b, section(4, &tables));
    append(&b, test_bytes_of("07( 01 'f' 00 00 )"));
    append(&b, section(9, &elems));
    append(&b, section(10, &code));
    assert_int_equal(merge_sized(b, 40), CJ_OK);
}

static void many_types(void **state)
{
    (void)state;
    enum { COUNT = 200000 };
    /* parameters that spell the type's number; used by one function each up to the limit */
    test_bytes b = test_bytes_of("?"), types = {0};
    test_bytes_leb(&types, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        test_bytes_byte(&types, 0x60);
        test_bytes_byte(&types, 9);
        for (int k = 0; k < 9; k++)
            test_bytes_byte(&types, 0x7cu + (i >> 2 * k & 3));
        test_bytes_byte(&types, 0);
    }
    append(&b, section(1, &types));
    assert_int_equal(merge_sized(b, 20), CJ_OK);
}

static void many_segments(void **state)
{
    (void)state;
    assert_int_equal(merge_sized(test_bytes_of("? 05( 01 00 01 ) 0b( #200000 [00 41 00 0b 00]x200000 )"), 60), CJ_OK);
    assert_int_equal(merge_sized(test_bytes_of("? 05( 01 00 01 ) 0b( #200000 [00 41 00 0b 01 61]x200000 )"), 60),
                     CJ_OK);
    assert_int_equal(merge_sized(test_bytes_of("? 04( 01 70 00 01 ) 09( #200000 [00 41 00 0b 00]x200000 )"), 60),
                     CJ_OK);
    assert_int_equal(
        merge_sized(test_bytes_of("? 04( 01 6f 00 01 ) 09( #100000 [06 00 41 00 0b 6f 01 d0 6f 0b]x100000 )"), 60),
        CJ_OK);
}

static void many_exports(void **state)
{
    (void)state;
    enum { COUNT = 100000 };
    test_bytes b = test_bytes_of("? 01( 01 60 00 00 ) 03( 01 00 )"), exports = {0};
    test_bytes_leb(&exports, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        char name[16];
        int len = snprintf(name, sizeof name, "%06u", i);
        test_bytes_byte(&exports, (unsigned)len);
        test_bytes_add(&exports, name, (size_t)len);
        append(&exports, test_bytes_of("00 00"));
    }
    append(&b, section(7, &exports));
    append(&b, test_bytes_of("0a( 01 ( 00 0b ) )"));
    assert_int_equal(merge_sized(b, 20), CJ_OK);
}

static void deep_nesting(void **state)
{
    (void)state;
    cj_config config;
    cj_config_init(&config);
    cj_error err = {0};
    assert_int_equal(merge_large(one_function(test_bytes_of("00 [02 40]x1000")), 40, &config, &err), CJ_MALFORMED);
    assert_int_equal(merge_large(one_function(test_bytes_of("00 [02 40]x1000 [0b]x1000 0b")), 40, &config, &err),
                     CJ_OK);
    assert_int_equal(merge_large(one_function(test_bytes_of("00 [03 40]x1001 [0b]x1001 0b")), 40, &config, &err),
                     CJ_LIMIT);
    assert_non_null(strstr(err.message, "max_function_nesting"));
    config.max_function_nesting = UINT32_MAX;
    assert_int_equal(merge_large(one_function(test_bytes_of("00 [02 40]x1000000 [0b]x1000000 0b")), 60, &config, &err),
                     CJ_OK);
    assert_int_equal(merge_large(one_function(test_bytes_of("00 [02 40 02 40 41 00 04 40]x300000 [0b]x900000 0b")), 60,
                                 &config, &err),
                     CJ_OK);
}

static void huge_br_tables(void **state)
{
    (void)state;
    assert_int_equal(
        merge_sized(one_function(test_bytes_of("00 [02 40]x100 41 00 0e #2000000 [63 05]x1000000 07 [0b]x100 0b")), 20),
        CJ_OK);
    /* labels that take many operands, many times */
    test_bytes b = test_bytes_of("? 01( 02 60 00 00 60 00 #1000 [7f]x1000 ) 03( 01 00 ) 07( 01 'f' 00 00 )"),
               code = {0};
    test_bytes body = test_bytes_of("00 02 01 [41 00]x1001 [0d 00 41 00]x100000 1a 0b [1a]x1000 0b");
    test_bytes_byte(&code, 1);
    test_bytes_sized(&code, &body);
    append(&b, section(10, &code));
    assert_int_equal(merge_sized(b, 40), CJ_OK);
}

static void many_locals(void **state)
{
    (void)state;
    assert_int_equal(merge_sized(one_function(test_bytes_of("#50000 [00 7f]x50000 0b")), 20), CJ_OK);
    assert_int_equal(merge_sized(one_function(test_bytes_of("#8192 [01 7e]x8192 0b")), 20), CJ_OK);
    assert_int_equal(merge_sized(one_function(test_bytes_of("#50000 [01 7f]x50000 0b")), 20), CJ_LIMIT);
    assert_int_equal(merge_sized(one_function(test_bytes_of("#50000 [ff ff ff ff 0f 7f]x50000 0b")), 20), CJ_LIMIT);
    /* few bytes, many locals: functions together */
    test_bytes b = test_bytes_of("? 01( 01 60 00 00 )"), functions = {0}, code = {0}, exports = {0};
    enum { COUNT = 3000 };
    test_bytes_leb(&functions, COUNT);
    test_bytes_leb(&code, COUNT);
    test_bytes_leb(&exports, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        char name[16];
        int len = snprintf(name, sizeof name, "%u", i);
        test_bytes_byte(&functions, 0);
        append(&code, test_bytes_of("( 01 80 40 7f 0b )"));
        test_bytes_byte(&exports, (unsigned)len);
        test_bytes_add(&exports, name, (size_t)len);
        test_bytes_byte(&exports, 0);
        test_bytes_leb(&exports, i);
    }
    append(&b, section(3, &functions));
    append(&b, section(7, &exports));
    append(&b, section(10, &code));
    cj_config config;
    cj_config_init(&config);
    cj_error err = {0};
    assert_int_equal(merge_large(b, 40, &config, &err), CJ_LIMIT);
    assert_non_null(strstr(err.message, "max_core_locals"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mutations_come_out_valid_or_not_at_all),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(running_out_of_memory),
        cmocka_unit_test(many_functions),
        cmocka_unit_test(many_forwarders),
        cmocka_unit_test(many_tables),
        cmocka_unit_test(many_types),
        cmocka_unit_test(many_segments),
        cmocka_unit_test(many_exports),
        cmocka_unit_test(deep_nesting),
        cmocka_unit_test(huge_br_tables),
        cmocka_unit_test(many_locals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
