/* test_llvm.c: the compiler of move plans: types picked by hand against the interpreter, every trap by name, the
 * cache, the texts, threads, running out of memory, and types at the limits of size and nesting.
 */
#include "support/cmocka_all.h"
#include "support/fake_engine.h"
#include "support/far_pages.h"
#include "support/make_types.h"
#include "support/parity.h"
#include "support/track_alloc.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#if CJ_HAVE_LLVM

#include "exec/llvm/tuning.h"

/* -- One function, compiled -------------------------------------------------------------------------------------- */

static cj_types *T;
static cj_compiler *C;

static const cj_functype *func(const cj_type *param, const cj_type *result)
{
    cj_error err;
    cj_param p = {CJ_STR("a"), param};
    const cj_functype *type = cj__functype_make(T, &p, param != NULL, result, false, &err);
    assert_non_null(type);
    return type;
}

static cj_plan *plan_of(const cj_functype *type, cj_plan_kind kind, cj_encoding encoding)
{
    cj_plan *plan;
    cj_error err;
    bool fused = kind == CJ_PLAN_FUSED;
    cj_plan_options options = {kind,
                               encoding,
                               .has_memory = true,
                               .has_realloc = true,
                               .caller_encoding = fused ? encoding : CJ_UTF8,
                               .caller_has_memory = fused,
                               .caller_has_realloc = fused};
    if (cj__plan_build(&parity_config, type, &options, &plan, &err) != CJ_OK)
        fail_msg("%s", err.message);
    return plan;
}

static void *code_of(const cj_plan *plan)
{
    void *code;
    cj_error err;
    if (cj__compiler_code(C, plan, "cj:test:f", &code, &err) != CJ_OK)
        fail_msg("%s", err.message);
    return code;
}

/* A fake engine with one compiled function. */
typedef struct bench {
    fake_engine *fake;
    cj_plan *plan;
    cj_binding *binding;
    const cj_functype *type;
    /* For the other side. */
    uint64_t flat_result;
    void (*host)(struct bench *, const void *args, void *results);
    const void *seen;
} bench;

static void bench_core(fake_engine *fake, void *user, uint64_t *flat)
{
    (void)fake;
    flat[0] = ((bench *)user)->flat_result;
}

static cj_status bench_host(void *user, cj_call_ctx *call, const void *args, void *results, cj_error *err)
{
    (void)call, (void)err;
    bench *b = user;
    b->seen = args;
    if (b->host)
        b->host(b, args, results);
    return CJ_OK;
}

static bench *open_bench(const cj_type *param, const cj_type *result, cj_plan_kind kind, cj_encoding encoding)
{
    bench *b = calloc(1, sizeof(*b));
    assert_non_null(b);
    b->type = func(param, result);
    b->plan = plan_of(b->type, kind, encoding);
    b->fake = fake_new(4096);
    b->binding = kind == CJ_PLAN_EXPORT ? fake_export(b->fake, b->plan, b->type, bench_core, NULL, b)
                                        : fake_import(b->fake, b->plan, b->type, bench_host, b);
    b->binding->code = code_of(b->plan);
    return b;
}

static void close_bench(bench *b)
{
    fake_delete(b->fake);
    cj__plan_delete(b->plan);
    free(b);
}

static void expect_trap(bench *b, cj_trap got, cj_trap kind, const char *path)
{
    char at[200];
    assert_string_equal(cj_trap_text(got), cj_trap_text(kind));
    assert_string_equal(fake_trap_path(b->fake, at, sizeof(at)), path);
}

static int setup(void **state)
{
    (void)state;
    cj_error err;
    T = cj__types_new(NULL, 200);
    return T && cj__compiler_new(NULL, &C, &err) == CJ_OK ? 0 : 1;
}

static int teardown(void **state)
{
    (void)state;
    cj__compiler_delete(C);
    cj__types_delete(T);
    return 0;
}

/* -- Parity, types picked by hand -------------------------------------------------------------------------------- */

static const cj_type *many(cj_kind kind, uint32_t count, const cj_type *member)
{
    cj_param *members = calloc(count, sizeof(*members));
    char(*names)[12] = calloc(count, sizeof(*names));
    assert_true(members && names);
    for (uint32_t i = 0; i < count; i++) {
        snprintf(names[i], sizeof(names[i]), "m%u", i);
        members[i] = (cj_param){cj__str(kind == CJ_KIND_TUPLE ? "" : names[i]), member};
    }
    const cj_type *type = t_make(T, kind, members, count);
    free(members);
    free(names);
    return type;
}

static const cj_type *nested(cj_kind kind, uint32_t depth, const cj_type *inner)
{
    for (uint32_t i = 0; i < depth; i++)
        inner = kind == CJ_KIND_RESULT  ? t_result(T, inner, t_u8(T))
                : kind == CJ_KIND_TUPLE ? t_tuple(T, 2, t_bool(T), inner)
                                        : t_one(T, kind, inner);
    return inner;
}

static void test_picked_types(void **state)
{
    (void)state;
    const cj_type *padded = t_record(T, 3, "a", t_u32(T), "b", t_u64(T), "c", t_f32(T));
    const cj_type *joined = t_variant(T, 5, "a", t_s8(T), "b", t_u64(T), "c", t_f32(T), "d", t_f64(T), "e", NULL);
    const cj_type *mixed =
        t_record(T, 4, "a", t_bool(T), "b", t_string(T), "c", t_list(T, t_u16(T)), "d", t_option(T, t_char(T)));
    const cj_type *types[] = {
        NULL,
        t_bool(T),
        t_s8(T),
        t_u8(T),
        t_s16(T),
        t_u16(T),
        t_s32(T),
        t_u32(T),
        t_s64(T),
        t_u64(T),
        t_f32(T),
        t_f64(T),
        t_char(T),
        t_string(T),
        t_labels(T, CJ_KIND_ENUM, 3),
        t_labels(T, CJ_KIND_ENUM, 256),
        t_labels(T, CJ_KIND_ENUM, 257),
        t_labels(T, CJ_KIND_ENUM, 70000),
        t_labels(T, CJ_KIND_FLAGS, 1),
        t_labels(T, CJ_KIND_FLAGS, 8),
        t_labels(T, CJ_KIND_FLAGS, 9),
        t_labels(T, CJ_KIND_FLAGS, 32),
        t_list(T, t_bool(T)),
        t_list(T, t_u8(T)),
        t_list(T, t_u32(T)),
        t_list(T, t_f64(T)),
        t_list(T, t_char(T)),
        t_list(T, t_string(T)),
        t_list(T, t_labels(T, CJ_KIND_ENUM, 3)),
        t_list(T, t_labels(T, CJ_KIND_ENUM, 300)),
        t_list(T, t_labels(T, CJ_KIND_FLAGS, 7)),
        t_list(T, t_labels(T, CJ_KIND_FLAGS, 20)),
        t_list(T, t_list(T, t_list(T, t_s16(T)))),
        t_list(T, nested(CJ_KIND_LIST, 4, t_string(T))),
        padded,
        t_list(T, padded),
        mixed,
        t_list(T, mixed),
        joined,
        t_list(T, joined),
        t_option(T, joined),
        t_option(T, t_option(T, t_u8(T))),
        t_result(T, NULL, NULL),
        t_result(T, t_string(T), NULL),
        t_list(T, t_result(T, NULL, t_list(T, t_u64(T)))),
        t_list(T, t_tuple(T, 2, t_result(T, t_string(T), t_u32(T)), t_result(T, t_u16(T), t_u32(T)))),
        t_variant(T, 3, "a", t_list(T, t_string(T)), "b", padded, "c", t_tuple(T, 3, t_f32(T), t_f32(T), t_f64(T))),
        t_list(T, t_tuple(T, 2, t_string(T), t_list(T, t_tuple(T, 2, t_char(T), t_string(T))))),
        many(CJ_KIND_TUPLE, 16, t_f32(T)),
        many(CJ_KIND_TUPLE, 17, t_f32(T)),
        many(CJ_KIND_RECORD, 40, t_bool(T)),
        many(CJ_KIND_VARIANT, 300, t_string(T)),
        many(CJ_KIND_TUPLE, 12, t_option(T, t_string(T))),
        many(CJ_KIND_TUPLE, 9, t_list(T, t_bool(T))),
    };
    /* As it is, and divided as big types are: runs of cases that are parts may move the memory, too. */
    for (int divided = 0; divided < 2; divided++) {
        parity *p = parity_new(1);
        parity_expect_parts(p); /* of the variant with 300 strings */
        if (divided)
            cj__compiler_tune(parity_compiler(p), &(cj__compiler_tuning){.part_ops = 2, .max_loops = 1});
        for (size_t i = 0; i < CJ_COUNT(types); i++) {
            for (int kind = CJ_PLAN_EXPORT; kind <= CJ_PLAN_FUSED; kind++) {
                cj_encoding encoding = (cj_encoding)((i + (size_t)kind) % 3), caller = (cj_encoding)(i / 3 % 3);
                uint32_t cases = divided ? 20 : 60;
                parity_check(p, func(types[i], NULL), (cj_plan_kind)kind, encoding, caller, cases);
                parity_check(p, func(NULL, types[i]), (cj_plan_kind)kind, encoding, caller, cases);
                parity_check(p, func(types[i], types[i]), (cj_plan_kind)kind, (encoding + 1) % 3, caller, cases / 2);
            }
        }
        parity_delete(p);
    }
}

/* -- Sizes and nesting at the limits ----------------------------------------------------------------------------- */

static void test_big_types(void **state)
{
    (void)state;
    const cj_type *row = t_record(T, 3, "a", t_char(T), "b", t_bool(T), "c", t_string(T));
    const cj_type *types[] = {
        many(CJ_KIND_RECORD, 1500, t_bool(T)),
        many(CJ_KIND_RECORD, 700, row),
        many(CJ_KIND_VARIANT, 3000, t_char(T)),
        many(CJ_KIND_VARIANT, 900, row),
        many(CJ_KIND_VARIANT, 60, many(CJ_KIND_RECORD, 60, t_char(T))),
        t_list(T, many(CJ_KIND_TUPLE, 300, t_option(T, t_u8(T)))),
        nested(CJ_KIND_LIST, 90, t_u8(T)),
        nested(CJ_KIND_LIST, 20, row),
        nested(CJ_KIND_OPTION, 90, t_string(T)),
        nested(CJ_KIND_RESULT, 90, row),
        nested(CJ_KIND_LIST, 12, nested(CJ_KIND_TUPLE, 3, t_char(T))),
    };
    parity *p = parity_new(2);
    parity_expect_parts(p);
    for (size_t i = 0; i < CJ_COUNT(types); i++) {
        for (int kind = CJ_PLAN_EXPORT; kind <= CJ_PLAN_FUSED; kind++)
            parity_check(p, func(types[i], types[i]), (cj_plan_kind)kind, (cj_encoding)(i % 3),
                         (cj_encoding)(i / 3 % 3), 25);
    }
    assert_true(parity_total(p)->returned > 100);
    parity_delete(p);
}

/* Lists in lists are functions that call functions, on the native stack of the guest's thread. */
static void test_parts_look_at_the_stack(void **state)
{
    (void)state;
    bench *b = open_bench(NULL, nested(CJ_KIND_LIST, 8, t_char(T)), CJ_PLAN_EXPORT, CJ_UTF8);
    cj_list result;
    b->flat_result = 64;
    for (uint32_t i = 0; i < 8; i++) {
        fake_put32(b->fake, 64 + 16 * i, 64 + 16 * (i + 1));
        fake_put32(b->fake, 64 + 16 * i + 4, 1);
    }
    fake_put32(b->fake, 64 + 16 * 8, 'x');
    assert_int_equal(fake_call_export(b->fake, b->binding, NULL, &result), CJ_TRAP_NONE);
    fake_set_stack_low(b->fake, true);
    expect_trap(b, fake_call_export(b->fake, b->binding, NULL, &result), CJ_TRAP_STACK_OVERFLOW, "result[0][0][0]");
    close_bench(b);
}

/* As many operations as a plan may have, nested as unkindly as it goes: seconds at most, where a superlinear pass
 * would take hours. */
static void test_compile_bombs(void **state)
{
    (void)state;
    const cj_type *row =
        t_tuple(T, 4, t_char(T), t_bool(T), t_labels(T, CJ_KIND_ENUM, 3), t_labels(T, CJ_KIND_FLAGS, 3));
    const cj_type *leaf = many(CJ_KIND_TUPLE, 3000, row);
    const cj_type *bombs[] = {
        t_tuple(T, 4, leaf, leaf, leaf, leaf),
        t_list(T, t_variant(T, 4, "a", leaf, "b", leaf, "c", leaf, "d", leaf)),
        many(CJ_KIND_VARIANT, 9000, t_tuple(T, 2, t_char(T), t_bool(T))),
        nested(CJ_KIND_LIST, 95, many(CJ_KIND_TUPLE, 1000, t_option(T, t_list(T, t_string(T))))),
    };
    for (size_t i = 0; i < CJ_COUNT(bombs); i++) {
        for (int kind = CJ_PLAN_EXPORT; kind <= CJ_PLAN_FUSED; kind++) {
            cj_plan *plan = plan_of(func(bombs[i], NULL), (cj_plan_kind)kind, CJ_UTF8);
            clock_t start = clock(); /* processor time: other programs do not count */
            code_of(plan);
            assert_true((clock() - start) / CLOCKS_PER_SEC < 60);
            cj__plan_delete(plan);
        }
    }
}

/* -- Traps, one by one ------------------------------------------------------------------------------------------- */

static cj_trap lift_flat(bench *b, uint64_t first, uint64_t second)
{
    uint64_t flat[2] = {first, second}, result;
    return fake_call_import(b->fake, b->binding, flat, &result);
}

static void check_lift(const cj_type *type, cj_encoding encoding, uint64_t first, uint64_t second, cj_trap kind)
{
    bench *b = open_bench(type, NULL, CJ_PLAN_IMPORT, encoding);
    expect_trap(b, lift_flat(b, first, second), kind, kind == CJ_TRAP_NONE ? "" : "param 0");
    close_bench(b);
}

static void test_traps_of_values(void **state)
{
    (void)state;
    const cj_type *e = t_labels(T, CJ_KIND_ENUM, 3), *u64s = t_list(T, t_u64(T));
    check_lift(t_char(T), CJ_UTF8, 0x10ffff, 0, CJ_TRAP_NONE);
    check_lift(t_char(T), CJ_UTF8, 0x110000, 0, CJ_TRAP_CHAR_RANGE);
    check_lift(t_char(T), CJ_UTF8, 0xffffffff, 0, CJ_TRAP_CHAR_RANGE);
    check_lift(t_char(T), CJ_UTF8, 0xd7ff, 0, CJ_TRAP_NONE);
    check_lift(t_char(T), CJ_UTF8, 0xd800, 0, CJ_TRAP_CHAR_SURROGATE);
    check_lift(t_char(T), CJ_UTF8, 0xdfff, 0, CJ_TRAP_CHAR_SURROGATE);
    check_lift(t_char(T), CJ_UTF8, 0xe000, 0, CJ_TRAP_NONE);
    check_lift(e, CJ_UTF8, 2, 0, CJ_TRAP_NONE);
    check_lift(e, CJ_UTF8, 3, 0, CJ_TRAP_DISCRIMINANT);
    check_lift(e, CJ_UTF8, 0x100, 0, CJ_TRAP_DISCRIMINANT); /* all 32 bits count */
    check_lift(t_option(T, t_u8(T)), CJ_UTF8, 2, 0, CJ_TRAP_DISCRIMINANT);
    check_lift(t_option(T, t_u8(T)), CJ_UTF8, 0x100, 0, CJ_TRAP_DISCRIMINANT);

    check_lift(t_string(T), CJ_UTF8, 0, 1u << 28, CJ_TRAP_STRING_LENGTH);
    check_lift(t_string(T), CJ_UTF16, 1, 1u << 27, CJ_TRAP_STRING_LENGTH); /* before alignment */
    check_lift(t_string(T), CJ_UTF16, 1, 0, CJ_TRAP_STRING_ALIGNMENT);
    check_lift(t_string(T), CJ_LATIN1_UTF16, 4097, 0, CJ_TRAP_STRING_ALIGNMENT);
    check_lift(t_string(T), CJ_UTF8, 4096, 0, CJ_TRAP_NONE);
    check_lift(t_string(T), CJ_UTF8, 4097, 0, CJ_TRAP_STRING_BOUNDS);
    check_lift(t_string(T), CJ_UTF8, 0xffffffff, 2, CJ_TRAP_STRING_BOUNDS); /* the sum would wrap */
    check_lift(t_string(T), CJ_UTF8, 0, 1, CJ_TRAP_STRING_UTF8);            /* memory is full of 0xa5 */

    check_lift(u64s, CJ_UTF8, 1, (1u << 25) - 1, CJ_TRAP_LIST_ALIGNMENT);
    check_lift(u64s, CJ_UTF8, 1, 1u << 25, CJ_TRAP_LIST_LENGTH);   /* 2^28 bytes, before alignment */
    check_lift(u64s, CJ_UTF8, 0, UINT32_MAX, CJ_TRAP_LIST_LENGTH); /* the product would wrap in 32 bits */
    check_lift(u64s, CJ_UTF8, 4, 0, CJ_TRAP_LIST_ALIGNMENT);       /* also when empty */
    check_lift(u64s, CJ_UTF8, 4096, 0, CJ_TRAP_NONE);
    check_lift(u64s, CJ_UTF8, 4104, 0, CJ_TRAP_LIST_BOUNDS);
    check_lift(u64s, CJ_UTF8, 4088, 1, CJ_TRAP_NONE);
    check_lift(u64s, CJ_UTF8, 4088, 2, CJ_TRAP_LIST_BOUNDS);
    check_lift(u64s, CJ_UTF8, 0xfffffff8, 1, CJ_TRAP_LIST_BOUNDS);
}

/* Every code point near a border of what is allowed. */
static void test_all_borders_of_char(void **state)
{
    (void)state;
    bench *b = open_bench(t_char(T), NULL, CJ_PLAN_IMPORT, CJ_UTF8),
          *vectors = open_bench(t_list(T, t_char(T)), NULL, CJ_PLAN_IMPORT, CJ_UTF8);
    memset(fake_at(vectors->fake, 0, 32), 0, 32);
    for (uint32_t c = 0xd000; c < 0x122000; c = c == 0xe800 ? 0x10f000 : c + 1) {
        cj_trap want = c >= 0x110000               ? CJ_TRAP_CHAR_RANGE
                       : c >= 0xd800 && c < 0xe000 ? CJ_TRAP_CHAR_SURROGATE
                                                   : CJ_TRAP_NONE;
        assert_int_equal(lift_flat(b, c, 0), want);
        fake_put32(vectors->fake, 4 * (c % 8), c);
        assert_int_equal(lift_flat(vectors, 0, 8), want);
        fake_put32(vectors->fake, 4 * (c % 8), 0);
    }
    close_bench(b);
    close_bench(vectors);
}

static void test_place_of_a_trap(void **state)
{
    (void)state;
    const cj_type *inner = t_record(T, 2, "x", t_u8(T), "y", t_char(T));
    const cj_type *type = t_list(T, t_record(T, 2, "n", t_u32(T), "rows", t_list(T, inner)));
    bench *b = open_bench(type, NULL, CJ_PLAN_IMPORT, CJ_UTF8);
    memset(fake_at(b->fake, 0, 4096), 0, 4096);
    for (uint32_t i = 0; i < 3; i++) { /* elements of {n, ptr, len} at 64, each with 2 rows of {x, y} at 256 */
        fake_put32(b->fake, 64 + 12 * i + 4, 256);
        fake_put32(b->fake, 64 + 12 * i + 8, i == 2 ? 2 : 1);
    }
    fake_put32(b->fake, 256 + 8 + 4, 0xd800);
    expect_trap(b, lift_flat(b, 64, 3), CJ_TRAP_CHAR_SURROGATE, "param 0[2] .rows[1] .y");
    fake_put32(b->fake, 256 + 4, 0x110000);
    expect_trap(b, lift_flat(b, 64, 3), CJ_TRAP_CHAR_RANGE, "param 0[0] .rows[0] .y");
    fake_put32(b->fake, 256 + 4, 'x');
    fake_put32(b->fake, 64 + 12 + 4, 255);
    expect_trap(b, lift_flat(b, 64, 3), CJ_TRAP_LIST_ALIGNMENT, "param 0[1] .rows");
    close_bench(b);

    /* The vector loop leaves the place to the element loop. */
    b = open_bench(t_list(T, t_char(T)), NULL, CJ_PLAN_IMPORT, CJ_UTF8);
    for (uint32_t bad = 0; bad < 50; bad++) {
        char path[32];
        memset(fake_at(b->fake, 64, 200), 0, 200);
        fake_put32(b->fake, 64 + 4 * bad, 0xdfff);
        snprintf(path, sizeof(path), "param 0[%u]", bad);
        expect_trap(b, lift_flat(b, 64, 50), CJ_TRAP_CHAR_SURROGATE, path);
        assert_int_equal(lift_flat(b, 64, bad), CJ_TRAP_NONE);
    }
    close_bench(b);

    /* Deeper than positions are kept. */
    b = open_bench(nested(CJ_KIND_LIST, 12, t_char(T)), NULL, CJ_PLAN_IMPORT, CJ_UTF8);
    for (uint32_t i = 0; i < 11; i++) {
        fake_put32(b->fake, 64 + 16 * i, 64 + 16 * (i + 1));
        fake_put32(b->fake, 64 + 16 * i + 4, 1);
    }
    fake_put32(b->fake, 64 + 16 * 11, 0xd800);
    expect_trap(b, lift_flat(b, 64, 1), CJ_TRAP_CHAR_SURROGATE, "param 0[0][0][0][0][0][0][0][0][...][...][...][...]");
    close_bench(b);
}

/* realloc traps by a jump, at each of its calls: the value that it was called for is known, whatever functions the plan is divided into. */
static void test_place_of_jumps(void **state)
{
    (void)state;
    static const cj__compiler_tuning tunings[] = {
        {.part_ops = 256, .max_loops = 3, .big_cost = 400},
        {.part_ops = 1, .max_loops = 1, .big_cost = 0},
        {.part_ops = 1, .max_loops = 1, .big_cost = UINT32_MAX},
    };
    char paths[15][32];
    uint32_t count = 0;
    snprintf(paths[count++], sizeof(paths[0]), "param 0");
    for (int i = 0; i < 2; i++) {
        snprintf(paths[count++], sizeof(paths[0]), "param 0[%d]", i);
        for (int j = 0; j < 2; j++) {
            snprintf(paths[count++], sizeof(paths[0]), "param 0[%d][%d]", i, j);
            for (int k = 0; k < 2; k++)
                snprintf(paths[count++], sizeof(paths[0]), "param 0[%d][%d][%d]", i, j, k);
        }
    }
    cj_string strings[2] = {{"a", 1}, {"b", 1}};
    cj_list inner[2] = {{strings, 2}, {strings, 2}}, middle[2] = {{inner, 2}, {inner, 2}}, outer = {middle, 2};
    bench *b = open_bench(nested(CJ_KIND_LIST, 3, t_string(T)), NULL, CJ_PLAN_EXPORT, CJ_UTF8);
    for (size_t t = 0; t < CJ_COUNT(tunings); t++) {
        cj_compiler *compiler;
        cj_error err;
        assert_int_equal(cj__compiler_new(NULL, &compiler, &err), CJ_OK);
        cj__compiler_tune(compiler, &tunings[t]);
        assert_int_equal(cj__compiler_code(compiler, b->plan, "lists", &b->binding->code, &err), CJ_OK);
        for (uint32_t n = 0; n < count; n++) {
            fake_reset(b->fake, 4096);
            b->fake->longjmp_on_trap = true;
            fake_script(b->fake, n + 1, FAKE_TRAP, 0);
            expect_trap(b, fake_call_export(b->fake, b->binding, &outer, NULL), CJ_TRAP_CORE, paths[n]);
        }
        fake_reset(b->fake, 4096);
        assert_int_equal(fake_call_export(b->fake, b->binding, &outer, NULL), CJ_TRAP_NONE);
        assert_int_equal(b->fake->realloc_calls, count);
        cj__compiler_delete(compiler);
    }
    close_bench(b);
}

static void test_traps_of_blocks(void **state)
{
    (void)state;
    const cj_type *wide = many(CJ_KIND_TUPLE, 17, t_u64(T));

    /* Spilled parameters of an import; the pointer to its result is looked at after the host function. */
    bench *b = open_bench(wide, t_tuple(T, 2, t_u32(T), t_u64(T)), CJ_PLAN_IMPORT, CJ_UTF8);
    expect_trap(b, lift_flat(b, 4, 0), CJ_TRAP_PARAMS_ALIGNMENT, "");
    expect_trap(b, lift_flat(b, 4096 - 128, 0), CJ_TRAP_PARAMS_BOUNDS, "");
    assert_string_equal(fake_events(b->fake), "");
    assert_int_equal(lift_flat(b, 4096 - 136, 4080), CJ_TRAP_NONE);
    b->seen = NULL;
    expect_trap(b, lift_flat(b, 0, 4), CJ_TRAP_RESULTS_ALIGNMENT, "");
    assert_non_null(b->seen);
    expect_trap(b, lift_flat(b, 0, 4088), CJ_TRAP_RESULTS_BOUNDS, "");
    expect_trap(b, lift_flat(b, 0, 0xfffffff8), CJ_TRAP_RESULTS_BOUNDS, "");
    close_bench(b);

    /* Of an export: the block is realloc's. */
    uint64_t args[17] = {1, 2, 3}, result[2];
    b = open_bench(wide, t_tuple(T, 2, t_u32(T), t_u64(T)), CJ_PLAN_EXPORT, CJ_UTF8);
    fake_script(b->fake, 1, FAKE_ADD, 4);
    expect_trap(b, fake_call_export(b->fake, b->binding, args, result), CJ_TRAP_REALLOC_ALIGNMENT, "");
    fake_script(b->fake, 1, FAKE_AT_END, 8);
    expect_trap(b, fake_call_export(b->fake, b->binding, args, result), CJ_TRAP_REALLOC_BOUNDS, "");
    fake_script(b->fake, 1, FAKE_TRAP, 0);
    expect_trap(b, fake_call_export(b->fake, b->binding, args, result), CJ_TRAP_CORE, "");
    assert_non_null(b->fake->store.trap.running);
    fake_reset(b->fake, 4096);
    b->flat_result = 4;
    expect_trap(b, fake_call_export(b->fake, b->binding, args, result), CJ_TRAP_RESULTS_ALIGNMENT, "");
    b->flat_result = 4088;
    expect_trap(b, fake_call_export(b->fake, b->binding, args, result), CJ_TRAP_RESULTS_BOUNDS, "");
    b->flat_result = 4080;
    assert_int_equal(fake_call_export(b->fake, b->binding, args, result), CJ_TRAP_NONE);
    close_bench(b);

    /* A list's block, and of an empty list too. */
    uint32_t elements[4] = {1, 2, 3, 4};
    cj_list list = {elements, 4};
    b = open_bench(t_list(T, t_u32(T)), NULL, CJ_PLAN_EXPORT, CJ_UTF8);
    assert_int_equal(fake_call_export(b->fake, b->binding, &list, NULL), CJ_TRAP_NONE);
    assert_string_equal(fake_events(b->fake), "realloc(0,0,4,16)=1024 core(400,4) ");
    assert_int_equal(b->fake->may_leave_in_realloc, 0);
    assert_int_equal(b->fake->may_leave_in_core, 1);
    fake_script(b->fake, 1, FAKE_ADD, 2);
    expect_trap(b, fake_call_export(b->fake, b->binding, &list, NULL), CJ_TRAP_REALLOC_ALIGNMENT, "param 0");
    fake_reset(b->fake, 4096);
    fake_script(b->fake, 1, FAKE_AT_END, 4);
    expect_trap(b, fake_call_export(b->fake, b->binding, &list, NULL), CJ_TRAP_REALLOC_BOUNDS, "param 0");
    fake_reset(b->fake, 4096);
    list.len = 0;
    fake_script(b->fake, 1, FAKE_AT_END, 4);
    expect_trap(b, fake_call_export(b->fake, b->binding, &list, NULL), CJ_TRAP_REALLOC_BOUNDS, "param 0");
    list.len = (1u << 26);
    expect_trap(b, fake_call_export(b->fake, b->binding, &list, NULL), CJ_TRAP_LIST_LENGTH, "param 0");
    list.len = SIZE_MAX / 2 + 3; /* times 4 is 12 in 64 bits */
    expect_trap(b, fake_call_export(b->fake, b->binding, &list, NULL), CJ_TRAP_LIST_LENGTH, "param 0");
    fake_set_stack_low(b->fake, true);
    list.len = 4;
    expect_trap(b, fake_call_export(b->fake, b->binding, &list, NULL), CJ_TRAP_STACK_OVERFLOW, "param 0");
    close_bench(b);
}

static void fail_words(bench *b, const void *args, void *results)
{
    (void)b, (void)args;
    memset(results, 0xff, 4); /* a discriminant that no host should write */
}

static void test_traps_around_host_functions(void **state)
{
    (void)state;
    bench *b = open_bench(t_list(T, t_bool(T)), t_labels(T, CJ_KIND_ENUM, 5), CJ_PLAN_IMPORT, CJ_UTF8);
    b->fake->instance.may_leave = 0;
    expect_trap(b, lift_flat(b, 0, 0), CJ_TRAP_CANNOT_LEAVE, "");
    b->fake->instance.may_leave = 1;
    fake_set_stack_low(b->fake, true);
    expect_trap(b, lift_flat(b, 0, 0), CJ_TRAP_STACK_OVERFLOW, "");
    fake_set_stack_low(b->fake, false);
    b->fake->store.host_bytes = 99;
    assert_int_equal(lift_flat(b, 0, 99), CJ_TRAP_NONE);
    assert_int_equal(b->fake->store.host_bytes, 99);
    expect_trap(b, lift_flat(b, 0, 100), CJ_TRAP_HOST_LIMIT, "param 0");
    assert_string_equal(b->fake->store.trap.detail, "max_host_bytes");
    b->host = fail_words;
    expect_trap(b, lift_flat(b, 0, 1), CJ_TRAP_DISCRIMINANT, "result");
    close_bench(b);
}

/* -- Values that are easily got wrong ---------------------------------------------------------------------------- */

static void expect_core(const cj_type *type, const void *args, const char *events)
{
    bench *b = open_bench(type, NULL, CJ_PLAN_EXPORT, CJ_UTF8);
    assert_int_equal(fake_call_export(b->fake, b->binding, args, NULL), CJ_TRAP_NONE);
    assert_string_equal(fake_events(b->fake), events);
    close_bench(b);
}

static void test_joined_slots(void **state)
{
    (void)state;
    const cj_type *wide = t_variant(T, 4, "a", t_s8(T), "b", t_u64(T), "c", t_f32(T), "d", NULL);
    struct {
        uint8_t disc;
        union {
            int8_t a;
            uint64_t b;
            float c;
        } of;
    } v = {.disc = 0};
    v.of.a = -1;
    expect_core(wide, &v, "core(0,ffffffff) "); /* sign-extended to i32, zero-extended to i64 */
    v.disc = 1;
    v.of.b = 0x8000000000000001u;
    expect_core(wide, &v, "core(1,8000000000000001) ");
    v.disc = 2;
    v.of.b = 0xffffffffffffffffu;
    v.of.c = -1.5f;
    expect_core(wide, &v, "core(2,bfc00000) ");
    v.disc = 3;
    expect_core(wide, &v, "core(3,0) "); /* the slot that the case leaves */

    struct {
        uint8_t disc;
        uint32_t bits;
    } narrow = {1, 0x7f800001}; /* a signalling NaN keeps its bits */
    expect_core(t_variant(T, 2, "a", t_u32(T), "b", t_f32(T)), &narrow, "core(1,7f800001) ");
    uint32_t snan = 0x7f800001;
    expect_core(t_f32(T), &snan, "core(7f800001) ");
    uint8_t flags = 0xff;
    expect_core(t_labels(T, CJ_KIND_FLAGS, 3), &flags, "core(7) ");
    uint8_t truth = 0x80;
    expect_core(t_bool(T), &truth, "core(1) ");
}

/* UTF-8 strings have ways of their own in compiled code, short ASCII ones another (exec/llvm/support.c). */
static void test_utf8_strings(void **state)
{
    (void)state;
    char text[64];
    bench *in = open_bench(t_string(T), NULL, CJ_PLAN_IMPORT, CJ_UTF8);
    bench *out = open_bench(t_string(T), NULL, CJ_PLAN_EXPORT, CJ_UTF8);
    out->fake->grow_by = 1 << 20;
    for (uint32_t len = 0; len < sizeof(text); len++) {
        cj_string string = {text, len};
        memset(text, 'x', sizeof(text));
        memcpy(fake_at(in->fake, 64, len), text, len);
        assert_int_equal(lift_flat(in, 64, len), CJ_TRAP_NONE);
        assert_int_equal(fake_call_export(out->fake, out->binding, &string, NULL), CJ_TRAP_NONE);
        for (uint32_t bad = 0; bad < len; bad++) {
            text[bad] = (char)0x80;
            memcpy(fake_at(in->fake, 64, len), text, len);
            expect_trap(in, lift_flat(in, 64, len), CJ_TRAP_STRING_UTF8, "param 0");
            expect_trap(out, fake_call_export(out->fake, out->binding, &string, NULL), CJ_TRAP_STRING_UTF8, "param 0");
            text[bad] = 'x';
        }
    }
    cj_string longest = {text, (size_t)CJ_MAX_BYTES + 1};
    expect_trap(out, fake_call_export(out->fake, out->binding, &longest, NULL), CJ_TRAP_STRING_LENGTH, "param 0");
    fake_set_stack_low(out->fake, true);
    longest.len = 1;
    expect_trap(out, fake_call_export(out->fake, out->binding, &longest, NULL), CJ_TRAP_STACK_OVERFLOW, "param 0");
    close_bench(in);
    close_bench(out);

    /* Copies count: of results of exports, and of what a host function returns out of the guest's memory. */
    cj_string result;
    out = open_bench(NULL, t_string(T), CJ_PLAN_EXPORT, CJ_UTF8);
    out->flat_result = 128;
    memset(fake_at(out->fake, 64, 32), 'x', 32);
    fake_put32(out->fake, 128, 64);
    fake_put32(out->fake, 132, 10);
    out->fake->store.host_bytes = 10;
    assert_int_equal(fake_call_export(out->fake, out->binding, NULL, &result), CJ_TRAP_NONE);
    assert_int_equal(out->fake->store.host_bytes, 0);
    assert_true(result.len == 10 && memcmp(result.ptr, "xxxxxxxxxx", 10) == 0);
    expect_trap(out, fake_call_export(out->fake, out->binding, NULL, &result), CJ_TRAP_HOST_LIMIT, "result");
    close_bench(out);
}

static void test_sections_lie_together(void **state)
{
    (void)state;
    cj_compiler *kept = C; /* has the shape, maybe */
    cj_error err;
    assert_int_equal(cj__compiler_new(NULL, &C, &err), CJ_OK);
    close_bench(open_bench(t_bool(T), NULL, CJ_PLAN_EXPORT, CJ_UTF8)); /* starts it */
    far_pages *far = far_pages_open(1);
    assert_non_null(far);
    bench *b = open_bench(t_string(T), NULL, CJ_PLAN_EXPORT, CJ_UTF8);
    cj_string string = {"text", 4};
    assert_int_equal(fake_call_export(b->fake, b->binding, &string, NULL), CJ_TRAP_NONE);
    close_bench(b);
    far_pages_close(far);
    cj__compiler_delete(C);
    C = kept;
}

static void read_list(bench *b, const void *args, void *results)
{
    cj_list list;
    memcpy(&list, args, sizeof(list));
    b->seen = list.ptr;
    memcpy(results, &list, sizeof(list)); /* returned as it came: a view of guest memory */
}

static void test_views(void **state)
{
    (void)state;
    const cj_type *list = t_list(T, t_u32(T));
    bench *b = open_bench(list, list, CJ_PLAN_IMPORT, CJ_UTF8);
    b->host = read_list;
    for (uint32_t i = 0; i < 4; i++)
        fake_put32(b->fake, 64 + 4 * i, 100 + i);
    uint64_t flat[3] = {64, 4, 128}, none;
    const uint8_t *base = b->fake->memory.data;
    fake_script(b->fake, 1, FAKE_FILL, 0xee); /* realloc overwrites what the host function returns */
    assert_int_equal(fake_call_import(b->fake, b->binding, flat, &none), CJ_TRAP_NONE);
    assert_ptr_equal(b->seen, base + 64);
    assert_int_equal(fake_get32(b->fake, 132), 4);
    assert_int_equal(fake_get32(b->fake, fake_get32(b->fake, 128) + 4), 101);
    b->fake->store.host_bytes = 15; /* the copy that keeps what is returned from being overwritten counts */
    expect_trap(b, fake_call_import(b->fake, b->binding, flat, &none), CJ_TRAP_HOST_LIMIT, "result");
    bench *strings = open_bench(t_string(T), t_string(T), CJ_PLAN_IMPORT, CJ_UTF8);
    strings->host = read_list; /* a cj_string looks the same */
    memset(fake_at(strings->fake, 64, 16), 'x', 16);
    flat[1] = 16;
    strings->fake->store.host_bytes = 16; /* for the copy; the view is only not longer */
    assert_int_equal(fake_call_import(strings->fake, strings->binding, flat, &none), CJ_TRAP_NONE);
    strings->fake->store.host_bytes = 15;
    expect_trap(strings, fake_call_import(strings->fake, strings->binding, flat, &none), CJ_TRAP_HOST_LIMIT, "param 0");
    close_bench(strings);
    flat[1] = 4;
    fake_reset(b->fake, 0); /* a memory without bytes */
    flat[0] = flat[1] = 0;
    assert_int_equal(fake_call_import(b->fake, b->binding, flat, &none), CJ_TRAP_RESULTS_BOUNDS);
    flat[0] = 4;
    assert_int_equal(fake_call_import(b->fake, b->binding, flat, &none), CJ_TRAP_LIST_BOUNDS);
    close_bench(b);
}

/* -- Cache, texts, errors ---------------------------------------------------------------------------------------- */

static void test_cache(void **state)
{
    (void)state;
    cj_engine_stats before = {0}, after = {0};
    cj__compiler_stats(C, &before);
    cj_plan *a = plan_of(func(t_record(T, 2, "left", t_u16(T), "right", t_f64(T)), t_u32(T)), CJ_PLAN_EXPORT, CJ_UTF8);
    cj_plan *b = plan_of(func(t_tuple(T, 2, t_u16(T), t_f64(T)), t_u32(T)), CJ_PLAN_EXPORT, CJ_UTF16);
    cj_plan *c = plan_of(func(t_tuple(T, 2, t_u16(T), t_f64(T)), t_u32(T)), CJ_PLAN_IMPORT, CJ_UTF8);
    cj_plan *d = plan_of(func(t_tuple(T, 2, t_u16(T), t_f32(T)), t_u32(T)), CJ_PLAN_EXPORT, CJ_UTF8);
    void *code = code_of(a);
    assert_ptr_equal(code_of(b), code); /* names and, without strings, the encoding are no part of the shape */
    assert_ptr_not_equal(code_of(c), code);
    assert_ptr_not_equal(code_of(d), code);
    assert_ptr_equal(code_of(a), code);
    cj__compiler_stats(C, &after);
    assert_int_equal(after.thunks_compiled - before.thunks_compiled, 3);
    assert_int_equal(after.thunk_cache_hits - before.thunk_cache_hits, 2);
    assert_true(after.compile_ns > before.compile_ns);

    /* Equal hashes are not equal keys: what is compared is the key. */
    cj_plan forged = *d;
    forged.hash = a->hash;
    assert_ptr_equal(code_of(&forged), code_of(d));
    cj__plan_delete(a);
    cj__plan_delete(b);
    cj__plan_delete(c);
    cj__plan_delete(d);
}

static void test_texts(void **state)
{
    (void)state;
    cj_error err;
    char *text;
    cj_plan *plan = plan_of(func(t_list(T, t_string(T)), t_u32(T)), CJ_PLAN_EXPORT, CJ_UTF8);
    assert_int_equal(cj__compiler_text(C, plan, "cj:export:a:b/c@1.0.0#f", CJ_TEXT_LLVM, &text, &err), CJ_OK);
    assert_non_null(strstr(text, "define i32 @\"cj:export:a:b/c@1.0.0#f."));
    assert_non_null(strstr(text, "@cj__ll_string_lower_utf8("));
    cj__free(cj__alloc_or_default(NULL), text, strlen(text) + 1);
    assert_int_equal(cj__compiler_text(C, plan, "cj:export:f", CJ_TEXT_ASM, &text, &err), CJ_OK);
    assert_non_null(strstr(text, "cj:export:f."));
    assert_non_null(strstr(text, "cj__ll_trap"));
    cj__free(cj__alloc_or_default(NULL), text, strlen(text) + 1);
    assert_int_equal(cj__compiler_text(C, plan, "f", CJ_TEXT_WIT, &text, &err), CJ_MISUSE);
    cj__plan_delete(plan);
}

static void test_hostile_names(void **state)
{
    (void)state;
    char names[4][600] = {"", "\"\n\\\x01\xff quote", "memcpy"};
    memset(names[3], 'x', sizeof(names[3]) - 1);
    for (uint32_t i = 0; i < 4; i++) {
        cj_plan *plan = plan_of(func(many(CJ_KIND_TUPLE, 20 + i, t_u8(T)), NULL), CJ_PLAN_EXPORT, CJ_UTF8);
        void *code;
        cj_error err;
        if (cj__compiler_code(C, plan, names[i], &code, &err) != CJ_OK)
            fail_msg("%s", err.message);
        cj__plan_delete(plan);
    }
}

static void test_out_of_memory(void **state)
{
    (void)state;
    cj_plan *plan = plan_of(func(t_list(T, t_string(T)), t_list(T, t_char(T))), CJ_PLAN_EXPORT, CJ_UTF8);
    for (uint64_t fail_at = 1;; fail_at++) {
        assert_true(fail_at < 200);
        track_alloc track;
        track_init(&track);
        track.fail_at = fail_at;
        cj_compiler *compiler = NULL;
        cj_error err;
        void *code = NULL;
        char *text = NULL;
        cj_status status = cj__compiler_new(&track.hook, &compiler, &err);
        if (status == CJ_OK) {
            cj__compiler_tune(compiler, &(cj__compiler_tuning){.part_ops = 1, .max_loops = 1});
            status = cj__compiler_code(compiler, plan, "f", &code, &err);
            assert_true((status == CJ_OK) == (code != NULL));
        }
        if (status == CJ_OK)
            status = cj__compiler_text(compiler, plan, "f", CJ_TEXT_LLVM, &text, &err);
        if (text)
            cj__free(&track.hook, text, strlen(text) + 1);
        assert_true(status == CJ_OK || status == CJ_NO_MEMORY);
        cj__compiler_delete(compiler);
        assert_int_equal(track.live_blocks, 0);
        if (status == CJ_OK)
            break;
        assert_int_equal(err.status, CJ_NO_MEMORY);
    }
    cj__plan_delete(plan);
    cj__compiler_delete(NULL);
}

/* -- Threads ----------------------------------------------------------------------------------------------------- */

enum { THREADS = 4, PLANS = 24 };

static cj_plan *thread_plans[PLANS];
static void *thread_codes[THREADS][PLANS];

static void *compile_all(void *arg)
{
    size_t self = (size_t)(uintptr_t)arg;
    for (size_t i = 0; i < PLANS; i++) {
        size_t at = self % 2 ? PLANS - 1 - i : i;
        cj_error err;
        if (cj__compiler_code(C, thread_plans[at], "shared", &thread_codes[self][at], &err) != CJ_OK)
            return "failed";
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    cj_engine_stats before = {0}, after = {0};
    for (uint32_t i = 0; i < PLANS; i++)
        thread_plans[i] = plan_of(func(many(CJ_KIND_TUPLE, 2 + i, t_bool(T)), t_u8(T)), CJ_PLAN_EXPORT, CJ_UTF8);
    cj__compiler_stats(C, &before);
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, compile_all, (void *)i), 0);
    for (uint32_t i = 0; i < THREADS; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
        assert_memory_equal(thread_codes[i], thread_codes[0], sizeof(thread_codes[0]));
    }
    cj__compiler_stats(C, &after);
    assert_int_equal(after.thunks_compiled - before.thunks_compiled, PLANS); /* each once */
    for (uint32_t i = 0; i < PLANS; i++)
        cj__plan_delete(thread_plans[i]);
}

static void wait_for_lock(void *user, const cj_thunk_event *event)
{
    (void)event;
    pthread_mutex_lock(user);
    pthread_mutex_unlock(user);
}

/* What somebody waits for is queued beyond the bound; nothing else is, then. */
static void test_queue_is_bounded(void **state)
{
    (void)state;
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* held: the thread is busy with its first thunk */
    cj_compiler *compiler;
    cj_error err;
    cj_thunk *thunks[4];
    cj_plan *plans[4];
    assert_int_equal(cj__compiler_new(NULL, &compiler, &err), CJ_OK);
    cj__compiler_tune(compiler, &(cj__compiler_tuning){.queue_bytes = 1});
    cj__compiler_set_options(compiler, &(cj_compiler_options){.on_thunk = wait_for_lock, .on_thunk_user = &lock});
    pthread_mutex_lock(&lock);
    for (uint32_t i = 0; i < 4; i++) {
        plans[i] = plan_of(func(many(CJ_KIND_TUPLE, 2 + i, t_bool(T)), NULL), CJ_PLAN_EXPORT, CJ_UTF8);
        assert_int_equal(cj__compiler_thunk(compiler, plans[i], &thunks[i], &err), CJ_OK);
    }
    assert_int_equal(cj__thunk_want(thunks[0], plans[0], "", "f", false), CJ_LIMIT);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(cj__thunk_want(thunks[i], plans[i], "", "f", true), CJ_OK);
    assert_int_equal(cj__thunk_want(thunks[3], plans[3], "", "f", false), CJ_LIMIT);
    pthread_mutex_unlock(&lock);
    cj__compiler_wait(compiler);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(cj__thunk_code(thunks[i]) != NULL, i < 3);
    cj__compiler_delete(compiler);
    for (uint32_t i = 0; i < 4; i++)
        cj__plan_delete(plans[i]);
    pthread_mutex_destroy(&lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_picked_types),
        cmocka_unit_test(test_big_types),
        cmocka_unit_test(test_parts_look_at_the_stack),
        cmocka_unit_test(test_compile_bombs),
        cmocka_unit_test(test_traps_of_values),
        cmocka_unit_test(test_all_borders_of_char),
        cmocka_unit_test(test_place_of_a_trap),
        cmocka_unit_test(test_place_of_jumps),
        cmocka_unit_test(test_traps_of_blocks),
        cmocka_unit_test(test_traps_around_host_functions),
        cmocka_unit_test(test_joined_slots),
        cmocka_unit_test(test_sections_lie_together),
        cmocka_unit_test(test_utf8_strings),
        cmocka_unit_test(test_views),
        cmocka_unit_test(test_cache),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_hostile_names),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_queue_is_bounded),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

#else

int main(void)
{
    puts("skipped: built without LLVM");
    return 0;
}

#endif
