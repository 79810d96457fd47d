/* boundary.c: see boundary.h. What traps when: docs/traps.md.
 */
#include "boundary.h"

#include "cmocka_all.h"
#include "fake_engine.h"
#include "make_types.h"
#include "random_values.h"

#include <stdlib.h>

enum {
    MEMORY = 4096,
    BLOCK = 64,  /* guest address of the value under test */
    DATA = 256,  /* and of what it points to; below the fake's heap */
    RETPTR = 96, /* where the results of imports go */
};

static boundary_code_fn code_for;
static cj_types *T;
static fake_engine *F;
static cj_plan *plans[8192];
static size_t plan_count;
static value_pool pool;

/* What the core function and the host function of the current test do. */
static void (*core_body)(uint64_t *flat);
static uint64_t core_result;
static cj_status (*host_body)(cj_call_ctx *ctx, const void *args, void *results, cj_error *err);
static uint32_t host_calls;

static int set_up(void **state)
{
    (void)state;
    T = cj__types_new(NULL, 100);
    F = fake_new(MEMORY);
    core_body = NULL;
    core_result = 0;
    host_body = NULL;
    host_calls = 0;
    pool.fill = 0x5c;
    return T ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    fake_delete(F);
    while (plan_count)
        cj__plan_delete(plans[--plan_count]);
    cj__types_delete(T);
    pool_reset(&pool);
    return 0;
}

/* -- Boundary functions -------------------------------------------------------------------------------------------- */

static void core_fn(fake_engine *fake, void *user, uint64_t *flat)
{
    (void)fake, (void)user;
    if (core_body)
        core_body(flat);
    flat[0] = core_result;
}

static void post_return_fn(fake_engine *fake, void *user, uint64_t *flat)
{
    (void)fake, (void)user, (void)flat;
}

static cj_status host_fn(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    assert_ptr_equal(user, &host_calls);
    host_calls++;
    return host_body ? host_body(ctx, args, results, err) : CJ_OK;
}

static const cj_functype *functype(const cj_type *const *params, uint32_t count, const cj_type *result)
{
    cj_param named[T_MAX_MEMBERS];
    static const char names[] = "pppppppppppppppppppppppppppppppppppppppppp";
    cj_error err;
    assert_true(count <= T_MAX_MEMBERS);
    for (uint32_t i = 0; i < count; i++)
        named[i] = (cj_param){{names, i + 1}, params[i]};
    const cj_functype *type = cj__functype_make(T, named, count, result, false, &err);
    assert_non_null(type);
    return type;
}

#define PARAMS(...) (const cj_type *const[]){__VA_ARGS__}, CJ_COUNT(((const cj_type *const[]){__VA_ARGS__}))
#define NO_PARAMS NULL, 0

static cj_plan *make_plan(const cj_functype *type, cj_plan_kind kind, cj_encoding encoding, bool post_return)
{
    cj_config config;
    memset(&config, 0, sizeof(config));
    config.max_plan_ops = 65536;
    cj_plan_options options = {.kind = kind,
                               .encoding = encoding,
                               .has_memory = true,
                               .has_realloc = true,
                               .has_post_return = post_return};
    cj_error err;
    cj_plan *plan;
    cj_status status = cj__plan_build(&config, type, &options, &plan, &err);
    if (status == CJ_OK) {
        assert_true(plan_count < CJ_COUNT(plans));
        plans[plan_count++] = plan;
        status = cj__plan_check(plan, &err);
    }
    if (status != CJ_OK)
        fail_msg("%s", err.message);
    return plan;
}

static cj_binding *make_export(const cj_functype *type, cj_encoding encoding, bool post_return)
{
    cj_plan *plan = make_plan(type, CJ_PLAN_EXPORT, encoding, post_return);
    cj_binding *b = fake_export(F, plan, type, core_fn, post_return ? post_return_fn : NULL, NULL);
    b->code = code_for ? code_for(plan) : NULL;
    return b;
}

static cj_binding *make_import(const cj_functype *type, cj_encoding encoding)
{
    cj_plan *plan = make_plan(type, CJ_PLAN_IMPORT, encoding, false);
    if (F->group.import_count == FAKE_MAX_IMPORTS)
        F->group.import_count = 0; /* earlier ones are done with */
    cj_binding *b = fake_import(F, plan, type, host_fn, &host_calls);
    b->code = code_for ? code_for(plan) : NULL;
    return b;
}

static void expect_outcome(cj_trap got, cj_trap expected, bool in_results, const char *path)
{
    char text[256];
    fake_trap_path(F, text, sizeof(text));
    if (got != expected)
        fail_msg("outcome \"%s\" at \"%s\", not \"%s\"", cj_trap_text(got), text, cj_trap_text(expected));
    if (expected == CJ_TRAP_NONE) {
        assert_int_equal(F->store.trap.kind, CJ_TRAP_NONE);
        assert_null(F->store.trap.bound);
        assert_null(F->store.trap.detail);
        assert_int_equal(F->instance.may_leave, 1);
        return;
    }
    assert_int_equal(F->store.trap.kind, expected == CJ_TRAP_CORE ? CJ_TRAP_NONE : expected);
    assert_non_null(F->store.trap.bound);
    assert_string_equal(text, path);
    assert_int_equal(F->store.trap.in_results, in_results);
}

static void expect_events(const char *expected)
{
    assert_string_equal(fake_events(F), expected);
}

/* -- Lifting one value, in every place where it can come from ------------------------------------------------------ */

static const cj_type *lifted_type;
static const void *lifted_expected;
static size_t lifted_offset;

static cj_status compare_param(cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)ctx, (void)results, (void)err;
    const char *value = args;
    if (lifted_offset) { /* in a list */
        cj_list list;
        memcpy(&list, args, sizeof(list));
        assert_int_equal(list.len, 1);
        value = list.ptr;
    }
    assert_true(value_equal(lifted_type, value, lifted_expected));
    return CJ_OK;
}

/* The value's bytes are put at BLOCK, what it points to must be in memory already. `flat` are its slots. Either may be
 * NULL. `sub` is the path inside the value. */
static void expect_lift(const cj_type *type, cj_encoding encoding, const uint64_t *flat, const void *bytes,
                        cj_trap trap, const char *sub, const void *expected)
{
    char path[256];
    lifted_type = type;
    lifted_expected = expected;
    host_body = compare_param;
    if (flat) {
        uint64_t slots[CJ_MAX_FLAT_PARAMS];
        for (uint32_t i = 0; i < type->flat_count; i++) { /* upper halves of 32-bit slots are nobody's */
            bool narrow = type->flat[i] == CJ_CORE_I32 || type->flat[i] == CJ_CORE_F32;
            slots[i] = narrow ? (uint32_t)flat[i] | UINT64_C(0xdeadbeef00000000) : flat[i];
        }
        lifted_offset = 0;
        uint32_t calls = host_calls;
        cj_trap got = fake_call_import(F, make_import(functype(PARAMS(type), NULL), encoding), slots, NULL);
        snprintf(path, sizeof(path), "param 0%s", sub);
        expect_outcome(got, trap, false, path);
        assert_int_equal(host_calls, calls + (trap == CJ_TRAP_NONE));
        if (type->flat_count == 1) {
            core_result = slots[0];
            char *room = pool_alloc(&pool, type->host_size);
            got = fake_call_export(F, make_export(functype(NO_PARAMS, type), encoding, false), NULL, room);
            snprintf(path, sizeof(path), "result%s", sub);
            expect_outcome(got, trap, true, path);
            if (!trap)
                assert_true(value_equal(type, room, expected));
        }
    }
    if (bytes) {
        memcpy(fake_at(F, BLOCK, type->size), bytes, type->size);
        uint64_t list[2] = {BLOCK, 1};
        lifted_offset = 1;
        uint32_t calls = host_calls;
        cj_trap got = fake_call_import(F, make_import(functype(PARAMS(t_list(T, type)), NULL), encoding), list, NULL);
        snprintf(path, sizeof(path), "param 0[0]%s", sub);
        expect_outcome(got, trap, false, path);
        assert_int_equal(host_calls, calls + (trap == CJ_TRAP_NONE));

        /* 17 more parameters: spilled. */
        const cj_type *params[18];
        params[0] = type;
        for (int i = 1; i < 18; i++)
            params[i] = t_u8(T);
        lifted_offset = 0;
        calls = host_calls;
        list[0] = BLOCK;
        got = fake_call_import(F, make_import(functype(params, 18, NULL), encoding), list, NULL);
        snprintf(path, sizeof(path), "param 0%s", sub);
        expect_outcome(got, trap, false, path);
        assert_int_equal(host_calls, calls + (trap == CJ_TRAP_NONE));

        const cj_type *pair = t_tuple(T, 2, type, t_u8(T));
        core_result = BLOCK | UINT64_C(0xdeadbeef00000000);
        char *room = pool_alloc(&pool, pair->host_size);
        got = fake_call_export(F, make_export(functype(NO_PARAMS, pair), encoding, false), NULL, room);
        snprintf(path, sizeof(path), "result .0%s", sub);
        expect_outcome(got, trap, true, path);
        if (!trap)
            assert_true(value_equal(type, room, expected));
    }
    assert_int_equal(F->realloc_calls, 0);
}

#define SLOTS(...) \
    (const uint64_t[]) \
    { \
        __VA_ARGS__ \
    }

static void test_lift_numbers(void **state)
{
    (void)state;
    expect_lift(t_s8(T), CJ_UTF8, SLOTS(0xffffff80), "\x80", CJ_TRAP_NONE, "", &(int8_t){-128});
    expect_lift(t_s8(T), CJ_UTF8, SLOTS(0x12345680), "\x80", CJ_TRAP_NONE, "", &(int8_t){-128});
    expect_lift(t_u8(T), CJ_UTF8, SLOTS(0x12345680), "\x80", CJ_TRAP_NONE, "", &(uint8_t){128});
    expect_lift(t_s16(T), CJ_UTF8, SLOTS(0x8001), "\x01\x80", CJ_TRAP_NONE, "", &(int16_t){-32767});
    expect_lift(t_u16(T), CJ_UTF8, SLOTS(0xabcd8001), "\x01\x80", CJ_TRAP_NONE, "", &(uint16_t){0x8001});
    expect_lift(t_s32(T), CJ_UTF8, SLOTS(0x80000000), "\0\0\0\x80", CJ_TRAP_NONE, "", &(int32_t){INT32_MIN});
    expect_lift(t_u64(T), CJ_UTF8, SLOTS(0x8000000000000001), "\1\0\0\0\0\0\0\x80", CJ_TRAP_NONE, "",
                &(uint64_t){0x8000000000000001});
    /* A signalling NaN's bits stay (spec: the payload may be anything). */
    expect_lift(t_f32(T), CJ_UTF8, SLOTS(0x7fa00001), "\1\0\xa0\x7f", CJ_TRAP_NONE, "", &(uint32_t){0x7fa00001});
    expect_lift(t_f64(T), CJ_UTF8, SLOTS(0x7ff4000000000001), "\1\0\0\0\0\0\xf4\x7f", CJ_TRAP_NONE, "",
                &(uint64_t){0x7ff4000000000001});
}

static void test_lift_bool_and_flags(void **state)
{
    (void)state;
    expect_lift(t_bool(T), CJ_UTF8, SLOTS(0), "\0", CJ_TRAP_NONE, "", &(uint8_t){0});
    expect_lift(t_bool(T), CJ_UTF8, SLOTS(1), "\1", CJ_TRAP_NONE, "", &(uint8_t){1});
    expect_lift(t_bool(T), CJ_UTF8, SLOTS(0x80000000), "\x80", CJ_TRAP_NONE, "", &(uint8_t){1});
    expect_lift(t_bool(T), CJ_UTF8, SLOTS(0x100), "\xff", CJ_TRAP_NONE, "", &(uint8_t){1});
    for (uint32_t labels = 1; labels <= 32; labels++) {
        const cj_type *flags = t_labels(T, CJ_KIND_FLAGS, labels);
        uint32_t expected = UINT32_MAX >> (32 - labels);
        expect_lift(flags, CJ_UTF8, SLOTS(0xffffffff), "\xff\xff\xff\xff", CJ_TRAP_NONE, "", &expected);
        expected = 0;
        expect_lift(flags, CJ_UTF8, SLOTS(0), "\0\0\0\0", CJ_TRAP_NONE, "", &expected);
    }
}

static void test_lift_char(void **state)
{
    (void)state;
    static const struct {
        uint32_t c;
        cj_trap trap;
    } cases[] = {
        {0, CJ_TRAP_NONE},
        {'x', CJ_TRAP_NONE},
        {0xd7ff, CJ_TRAP_NONE},
        {0xd800, CJ_TRAP_CHAR_SURROGATE},
        {0xdbff, CJ_TRAP_CHAR_SURROGATE},
        {0xdfff, CJ_TRAP_CHAR_SURROGATE},
        {0xe000, CJ_TRAP_NONE},
        {0x10ffff, CJ_TRAP_NONE},
        {0x110000, CJ_TRAP_CHAR_RANGE},
        {0x80000041, CJ_TRAP_CHAR_RANGE},
        {0xffffffff, CJ_TRAP_CHAR_RANGE},
    };
    for (size_t i = 0; i < CJ_COUNT(cases); i++)
        expect_lift(t_char(T), CJ_UTF8, SLOTS(cases[i].c), &cases[i].c, cases[i].trap, "", &cases[i].c);
    const cj_type *option = t_option(T, t_char(T));
    expect_lift(option, CJ_UTF8, SLOTS(1, 0xd800), "\1\0\0\0\0\xd8\0\0", CJ_TRAP_CHAR_SURROGATE, " .some", NULL);
    /* In a case that is not taken nothing is looked at. */
    expect_lift(option, CJ_UTF8, SLOTS(0, 0xd800), "\0\0\0\0\0\xd8\0\0", CJ_TRAP_NONE, "", "\0\0\0\0\0\0\0\0");
}

static void test_lift_discriminant(void **state)
{
    (void)state;
    uint32_t host = 2;
    const cj_type *three = t_labels(T, CJ_KIND_ENUM, 3);
    expect_lift(three, CJ_UTF8, SLOTS(2), "\2", CJ_TRAP_NONE, "", &host);
    expect_lift(three, CJ_UTF8, SLOTS(3), "\3", CJ_TRAP_DISCRIMINANT, "", NULL);
    expect_lift(three, CJ_UTF8, SLOTS(0x100), "\xff", CJ_TRAP_DISCRIMINANT, "", NULL);
    expect_lift(three, CJ_UTF8, SLOTS(0x80000000), NULL, CJ_TRAP_DISCRIMINANT, "", NULL);

    const cj_type *all = t_labels(T, CJ_KIND_ENUM, 256);
    host = 255;
    expect_lift(all, CJ_UTF8, SLOTS(255), "\xff", CJ_TRAP_NONE, "", &host);
    expect_lift(all, CJ_UTF8, SLOTS(256), NULL, CJ_TRAP_DISCRIMINANT, "", NULL);
    const cj_type *wide = t_labels(T, CJ_KIND_ENUM, 257);
    host = 256;
    expect_lift(wide, CJ_UTF8, SLOTS(256), "\0\1", CJ_TRAP_NONE, "", &host);
    expect_lift(wide, CJ_UTF8, SLOTS(257), "\1\1", CJ_TRAP_DISCRIMINANT, "", NULL);
    expect_lift(wide, CJ_UTF8, SLOTS(0x10000), "\xff\xff", CJ_TRAP_DISCRIMINANT, "", NULL);

    expect_lift(t_option(T, t_u8(T)), CJ_UTF8, SLOTS(2, 0), "\2\0", CJ_TRAP_DISCRIMINANT, "", NULL);
    expect_lift(t_result(T, NULL, t_u8(T)), CJ_UTF8, SLOTS(2, 0), "\2\0", CJ_TRAP_DISCRIMINANT, "", NULL);
    expect_lift(t_result(T, NULL, NULL), CJ_UTF8, SLOTS(2), "\2", CJ_TRAP_DISCRIMINANT, "", NULL);
    const cj_type *v = t_variant(T, 2, "a", t_u8(T), "b", three);
    expect_lift(v, CJ_UTF8, SLOTS(2, 0), "\2\0", CJ_TRAP_DISCRIMINANT, "", NULL);
    expect_lift(v, CJ_UTF8, SLOTS(1, 3), "\1\3", CJ_TRAP_DISCRIMINANT, " .b", NULL);
    expect_lift(t_tuple(T, 2, t_u8(T), v), CJ_UTF8, SLOTS(0, 1, 3), "\0\1\3", CJ_TRAP_DISCRIMINANT, " .1 .b", NULL);
}

static void test_lift_joined_slots(void **state)
{
    (void)state;
    /* f64 | s8 | f32 | bool | char: one i64 slot. */
    const cj_type *v = t_variant(T, 5, "a", t_f64(T), "b", t_s8(T), "c", t_f32(T), "d", t_bool(T), "e", t_char(T));
    assert_int_equal(v->flat[1], CJ_CORE_I64);
    uint8_t host[16] = {0};
    double f64 = -2.5;
    memcpy(host + 8, &f64, 8);
    uint64_t bits;
    memcpy(&bits, &f64, 8);
    expect_lift(v, CJ_UTF8, SLOTS(0, bits), NULL, CJ_TRAP_NONE, "", host);

    memset(host, 0, sizeof(host));
    host[0] = 1, host[8] = 0xfe;
    expect_lift(v, CJ_UTF8, SLOTS(1, 0xffffffff123456fe), NULL, CJ_TRAP_NONE, "", host);

    float f32 = 1.5f;
    memset(host, 0, sizeof(host));
    host[0] = 2;
    memcpy(host + 8, &f32, 4);
    expect_lift(v, CJ_UTF8, SLOTS(2, 0xabcdef013fc00000), NULL, CJ_TRAP_NONE, "", host);

    /* i64 -> i32 wraps before anything else looks: bits above are no truth and no range error. */
    memset(host, 0, sizeof(host));
    host[0] = 3;
    expect_lift(v, CJ_UTF8, SLOTS(3, 0xffffffff00000000), NULL, CJ_TRAP_NONE, "", host);
    host[0] = 4, host[8] = 'A';
    expect_lift(v, CJ_UTF8, SLOTS(4, 0xffffffff00000041), NULL, CJ_TRAP_NONE, "", host);

    /* i32 | f32: an i32 slot. */
    v = t_variant(T, 2, "a", t_u32(T), "b", t_f32(T));
    assert_int_equal(v->flat[1], CJ_CORE_I32);
    memset(host, 0, sizeof(host));
    host[0] = 1;
    memcpy(host + 4, &f32, 4);
    expect_lift(v, CJ_UTF8, SLOTS(1, 0x3fc00000), NULL, CJ_TRAP_NONE, "", host);

    /* string | u64: (i64, i32), the pointer comes from the i64. */
    v = t_result(T, t_string(T), t_u64(T));
    assert_int_equal(v->flat[1], CJ_CORE_I64);
    memcpy(fake_at(F, DATA, 2), "hi", 2);
    struct {
        uint8_t disc;
        cj_string s;
    } ok = {0, {"hi", 2}};
    expect_lift(v, CJ_UTF8, SLOTS(0, UINT64_C(0x1111111100000000) + DATA, 2), NULL, CJ_TRAP_NONE, "", &ok);
}

/* -- Lifting strings ----------------------------------------------------------------------------------------------- */

static void expect_string_lift(cj_encoding encoding, uint32_t ptr, uint32_t units, cj_trap trap, const char *text)
{
    uint32_t words[2] = {ptr, units};
    cj_string expected = {text, text ? strlen(text) : 0};
    expect_lift(t_string(T), encoding, SLOTS(ptr, units), words, trap, "", &expected);
}

static const uint32_t tag = 0x80000000;

static void test_lift_string(void **state)
{
    (void)state;
    memcpy(fake_at(F, DATA, 16), "h\xc3\xa9llo \xe2\x82\xac\xf0\x9f\x98\x80!", 15);
    expect_string_lift(CJ_UTF8, DATA, 6, CJ_TRAP_NONE, "h\xc3\xa9llo");
    expect_string_lift(CJ_UTF8, DATA, 15, CJ_TRAP_NONE, "h\xc3\xa9llo \xe2\x82\xac\xf0\x9f\x98\x80!");
    expect_string_lift(CJ_UTF8, DATA + 1, 2, CJ_TRAP_NONE, "\xc3\xa9"); /* no alignment */
    static const uint16_t wide[] = {'h', 0xe9, 0x20ac, 0xd83d, 0xde00, '!'};
    memcpy(fake_at(F, DATA, sizeof(wide)), wide, sizeof(wide));
    expect_string_lift(CJ_UTF16, DATA, 6, CJ_TRAP_NONE, "h\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80!");
    expect_string_lift(CJ_LATIN1_UTF16, DATA, 6 | tag, CJ_TRAP_NONE, "h\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80!");
    memcpy(fake_at(F, DATA, 4), "h\xe9\xff\x80", 4);
    expect_string_lift(CJ_LATIN1_UTF16, DATA, 4, CJ_TRAP_NONE, "h\xc3\xa9\xc3\xbf\xc2\x80");
    for (cj_encoding e = CJ_UTF8; e <= CJ_LATIN1_UTF16; e++)
        expect_string_lift(e, DATA, 0, CJ_TRAP_NONE, "");
    expect_string_lift(CJ_LATIN1_UTF16, DATA, tag, CJ_TRAP_NONE, "");
}

/* 2^28-1 bytes; more is too long even where it could not be in bounds. */
static void test_lift_string_length(void **state)
{
    (void)state;
    expect_string_lift(CJ_UTF8, DATA, 0x10000000, CJ_TRAP_STRING_LENGTH, NULL);
    expect_string_lift(CJ_UTF8, DATA, 0x0fffffff, CJ_TRAP_STRING_BOUNDS, NULL);
    expect_string_lift(CJ_UTF8, DATA, UINT32_MAX, CJ_TRAP_STRING_LENGTH, NULL);
    expect_string_lift(CJ_UTF16, DATA, 0x08000000, CJ_TRAP_STRING_LENGTH, NULL);
    expect_string_lift(CJ_UTF16, DATA, 0x07ffffff, CJ_TRAP_STRING_BOUNDS, NULL);
    expect_string_lift(CJ_UTF16, DATA, 0x80000000, CJ_TRAP_STRING_LENGTH, NULL); /* times 2 is 0 in 32 bits */
    expect_string_lift(CJ_UTF16, DATA, 0x80000001, CJ_TRAP_STRING_LENGTH, NULL);
    expect_string_lift(CJ_LATIN1_UTF16, DATA, 0x10000000, CJ_TRAP_STRING_LENGTH, NULL);
    expect_string_lift(CJ_LATIN1_UTF16, DATA, 0x0fffffff, CJ_TRAP_STRING_BOUNDS, NULL);
    expect_string_lift(CJ_LATIN1_UTF16, DATA, 0x08000000 | tag, CJ_TRAP_STRING_LENGTH, NULL);
    expect_string_lift(CJ_LATIN1_UTF16, DATA, 0x07ffffff | tag, CJ_TRAP_STRING_BOUNDS, NULL);
    /* before alignment */
    expect_string_lift(CJ_UTF16, DATA + 1, 0x08000000, CJ_TRAP_STRING_LENGTH, NULL);
}

/* Also when empty, and for latin1+utf16 also when untagged. */
static void test_lift_string_alignment(void **state)
{
    (void)state;
    expect_string_lift(CJ_UTF16, DATA + 1, 1, CJ_TRAP_STRING_ALIGNMENT, NULL);
    expect_string_lift(CJ_UTF16, DATA + 1, 0, CJ_TRAP_STRING_ALIGNMENT, NULL);
    expect_string_lift(CJ_LATIN1_UTF16, DATA + 1, 1, CJ_TRAP_STRING_ALIGNMENT, NULL);
    expect_string_lift(CJ_LATIN1_UTF16, DATA + 1, 0, CJ_TRAP_STRING_ALIGNMENT, NULL);
    expect_string_lift(CJ_LATIN1_UTF16, DATA + 1, 1 | tag, CJ_TRAP_STRING_ALIGNMENT, NULL);
    /* before bounds */
    expect_string_lift(CJ_UTF16, UINT32_MAX, 1, CJ_TRAP_STRING_ALIGNMENT, NULL);
}

/* The end is in bounds for nothing, one past it is not. */
static void test_lift_string_bounds(void **state)
{
    (void)state;
    memset(fake_at(F, MEMORY - 4, 4), 0, 4);
    memcpy(fake_at(F, MEMORY - 4, 4), "ab\xc3\xa9", 4);
    expect_string_lift(CJ_UTF8, MEMORY - 4, 4, CJ_TRAP_NONE, "ab\xc3\xa9");
    expect_string_lift(CJ_UTF8, MEMORY - 4, 5, CJ_TRAP_STRING_BOUNDS, NULL);
    expect_string_lift(CJ_UTF8, MEMORY, 0, CJ_TRAP_NONE, "");
    expect_string_lift(CJ_UTF8, MEMORY, 1, CJ_TRAP_STRING_BOUNDS, NULL);
    expect_string_lift(CJ_UTF8, MEMORY + 1, 0, CJ_TRAP_STRING_BOUNDS, NULL);
    expect_string_lift(CJ_UTF8, UINT32_MAX, 0, CJ_TRAP_STRING_BOUNDS, NULL);
    expect_string_lift(CJ_UTF8, UINT32_MAX, 2, CJ_TRAP_STRING_BOUNDS, NULL); /* wraps in 32 bits */
    memcpy(fake_at(F, MEMORY - 4, 4), "a\0b\0", 4);
    expect_string_lift(CJ_UTF16, MEMORY - 4, 2, CJ_TRAP_NONE, "ab");
    expect_string_lift(CJ_UTF16, MEMORY - 4, 3, CJ_TRAP_STRING_BOUNDS, NULL);
    expect_string_lift(CJ_UTF16, MEMORY - 2, 2, CJ_TRAP_STRING_BOUNDS, NULL);
    expect_string_lift(CJ_UTF16, MEMORY, 0, CJ_TRAP_NONE, "");
    expect_string_lift(CJ_UTF16, MEMORY + 2, 0, CJ_TRAP_STRING_BOUNDS, NULL);
    expect_string_lift(CJ_LATIN1_UTF16, MEMORY - 4, 2 | tag, CJ_TRAP_NONE, "ab");
    expect_string_lift(CJ_LATIN1_UTF16, MEMORY - 4, 3 | tag, CJ_TRAP_STRING_BOUNDS, NULL);
    expect_string_lift(CJ_LATIN1_UTF16, MEMORY - 4, 5, CJ_TRAP_STRING_BOUNDS, NULL);
    expect_string_lift(CJ_LATIN1_UTF16, MEMORY + 2, 0, CJ_TRAP_STRING_BOUNDS, NULL);
    /* before the encoding */
    memset(fake_at(F, MEMORY - 4, 4), 0xff, 4);
    expect_string_lift(CJ_UTF8, MEMORY - 4, 5, CJ_TRAP_STRING_BOUNDS, NULL);
}

static void test_lift_string_encoding(void **state)
{
    (void)state;
    static const char *const bad[] = {"\x80", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                      "\xc3", "\xe2\x82", "\xff"};
    for (size_t i = 0; i < CJ_COUNT(bad); i++) {
        memcpy(fake_at(F, DATA, 8), "good good", 8);
        memcpy(fake_at(F, DATA + 8, (uint32_t)strlen(bad[i])), bad[i], strlen(bad[i]));
        expect_string_lift(CJ_UTF8, DATA, 8 + (uint32_t)strlen(bad[i]), CJ_TRAP_STRING_UTF8, NULL);
    }
    /* A sequence that the length cuts, though the memory has all of it. */
    memcpy(fake_at(F, DATA, 3), "\xe2\x82\xac", 3);
    expect_string_lift(CJ_UTF8, DATA, 3, CJ_TRAP_NONE, "\xe2\x82\xac");
    expect_string_lift(CJ_UTF8, DATA, 2, CJ_TRAP_STRING_UTF8, NULL);
    static const uint16_t lone[] = {'a', 0xd800, 'b', 0xdc00, 0xdc00, 0xd800};
    memcpy(fake_at(F, DATA, sizeof(lone)), lone, sizeof(lone));
    for (uint32_t at = 0; at < 2 * 5; at += 2) {
        expect_string_lift(CJ_UTF16, DATA + at, 2, CJ_TRAP_STRING_UTF16, NULL);
        expect_string_lift(CJ_LATIN1_UTF16, DATA + at, 2 | tag, CJ_TRAP_STRING_UTF16, NULL);
    }
}

/* -- Lifting lists ------------------------------------------------------------------------------------------------- */

static void expect_list(const cj_type *elem, uint32_t ptr, uint32_t len, cj_trap trap, const char *sub,
                        const void *elements)
{
    uint32_t words[2] = {ptr, len};
    cj_list expected = {(void *)(uintptr_t)elements, len};
    expect_lift(t_list(T, elem), CJ_UTF8, SLOTS(ptr, len), words, trap, sub, &expected);
}

static void test_lift_list(void **state)
{
    (void)state;
    static const uint32_t numbers[] = {1, 0x80000000, 3};
    memcpy(fake_at(F, DATA, sizeof(numbers)), numbers, sizeof(numbers));
    expect_list(t_u32(T), DATA, 3, CJ_TRAP_NONE, "", numbers);
    expect_list(t_char(T), DATA, 1, CJ_TRAP_NONE, "", numbers);
    expect_list(t_char(T), DATA, 3, CJ_TRAP_CHAR_RANGE, "[1]", NULL);
    expect_list(t_u32(T), DATA, 0, CJ_TRAP_NONE, "", NULL);
    expect_list(t_bool(T), DATA, 4, CJ_TRAP_NONE, "", "\1\0\0\0");
}

/* The length is a product in 64 bits; alignment also counts when empty. */
static void test_lift_list_traps(void **state)
{
    (void)state;
    const cj_type *elems[] = {t_u32(T), t_char(T)}; /* in place or as a block, and one by one */
    for (size_t i = 0; i < CJ_COUNT(elems); i++) {
        const cj_type *e = elems[i];
        expect_list(e, DATA, 0x04000000, CJ_TRAP_LIST_LENGTH, "", NULL);
        expect_list(e, DATA, 0x03ffffff, CJ_TRAP_LIST_BOUNDS, "", NULL);
        expect_list(e, DATA, 0x40000000, CJ_TRAP_LIST_LENGTH, "", NULL); /* times 4 is 0 in 32 bits */
        expect_list(e, DATA, 0x40000001, CJ_TRAP_LIST_LENGTH, "", NULL);
        expect_list(e, DATA, UINT32_MAX, CJ_TRAP_LIST_LENGTH, "", NULL);
        expect_list(e, DATA + 1, UINT32_MAX, CJ_TRAP_LIST_LENGTH, "", NULL);
        for (uint32_t off = 1; off < 4; off++) {
            expect_list(e, DATA + off, 1, CJ_TRAP_LIST_ALIGNMENT, "", NULL);
            expect_list(e, DATA + off, 0, CJ_TRAP_LIST_ALIGNMENT, "", NULL);
        }
        expect_list(e, UINT32_MAX, 1, CJ_TRAP_LIST_ALIGNMENT, "", NULL);
        memset(fake_at(F, MEMORY - 8, 8), 0, 8);
        expect_list(e, MEMORY - 8, 2, CJ_TRAP_NONE, "", "\0\0\0\0\0\0\0\0");
        expect_list(e, MEMORY - 8, 3, CJ_TRAP_LIST_BOUNDS, "", NULL);
        expect_list(e, MEMORY - 4, 2, CJ_TRAP_LIST_BOUNDS, "", NULL);
        expect_list(e, MEMORY, 0, CJ_TRAP_NONE, "", NULL);
        expect_list(e, MEMORY, 1, CJ_TRAP_LIST_BOUNDS, "", NULL);
        expect_list(e, MEMORY + 4, 0, CJ_TRAP_LIST_BOUNDS, "", NULL);
        expect_list(e, UINT32_MAX - 3, 1, CJ_TRAP_LIST_BOUNDS, "", NULL);
    }
    /* The alignment is the element's. */
    expect_list(t_u8(T), DATA + 1, 0, CJ_TRAP_NONE, "", NULL);
    expect_list(t_u16(T), DATA + 1, 0, CJ_TRAP_LIST_ALIGNMENT, "", NULL);
    expect_list(t_u64(T), DATA + 4, 0, CJ_TRAP_LIST_ALIGNMENT, "", NULL);
    expect_list(t_list(T, t_u64(T)), DATA + 4, 0, CJ_TRAP_NONE, "", NULL);
    expect_list(t_u64(T), DATA, 0x02000000, CJ_TRAP_LIST_LENGTH, "", NULL);
    expect_list(t_u64(T), DATA, 0x01ffffff, CJ_TRAP_LIST_BOUNDS, "", NULL);
    expect_list(t_u8(T), DATA, 0x10000000, CJ_TRAP_LIST_LENGTH, "", NULL);
    expect_list(t_u8(T), DATA, 0x0fffffff, CJ_TRAP_LIST_BOUNDS, "", NULL);
}

static void test_lift_paths(void **state)
{
    (void)state;
    /* list<record{n, items: list<option<string>>}>: the third item's second string is bad. */
    const cj_type *rec = t_record(T, 2, "n", t_u32(T), "items", t_list(T, t_option(T, t_string(T))));
    for (uint32_t i = 0; i < 4; i++) {
        fake_put32(F, DATA + 12 * i, i);
        fake_put32(F, DATA + 12 * i + 4, DATA + 64);
        fake_put32(F, DATA + 12 * i + 8, i == 2 ? 2 : 1);
    }
    memcpy(fake_at(F, DATA + 64, 1), "\0", 1);
    memcpy(fake_at(F, DATA + 76, 1), "\1", 1);
    fake_put32(F, DATA + 80, MEMORY);
    fake_put32(F, DATA + 84, 1);
    expect_list(rec, DATA, 4, CJ_TRAP_STRING_BOUNDS, "[2] .items[1] .some", NULL);

    /* Deeper than the record shows: a pointer to itself, 12 lists deep, then a char. */
    const cj_type *deep = t_char(T);
    for (int i = 0; i < 11; i++)
        deep = t_list(T, deep);
    fake_put32(F, DATA, DATA);
    fake_put32(F, DATA + 4, 1);
    fake_put32(F, BLOCK, DATA);
    fake_put32(F, BLOCK + 4, 1);
    core_result = BLOCK;
    cj_list room;
    cj_trap got = fake_call_export(F, make_export(functype(NO_PARAMS, t_list(T, deep)), CJ_UTF8, false), NULL, &room);
    assert_int_equal(got, CJ_TRAP_NONE);
    fake_put32(F, DATA, 0xd800);
    uint32_t at = DATA + 16; /* rebuild the chain so that the innermost list has the surrogate */
    fake_put32(F, BLOCK, at);
    for (int i = 0; i < 11; i++, at += 8) {
        fake_put32(F, at, i == 10 ? DATA : at + 8);
        fake_put32(F, at + 4, 1);
    }
    got = fake_call_export(F, make_export(functype(NO_PARAMS, t_list(T, deep)), CJ_UTF8, false), NULL, &room);
    expect_outcome(got, CJ_TRAP_CHAR_SURROGATE, true, "result[0][0][0][0][0][0][0][0][...][...][...][...]");
}

/* Pointers to spilled values that the guest gives: imports' parameters, exports' results, where imports' results go. */
static void test_spilled_pointers(void **state)
{
    (void)state;
    const cj_type *seventeen[17];
    for (int i = 0; i < 17; i++)
        seventeen[i] = t_u64(T);
    cj_binding *import = make_import(functype(seventeen, 17, NULL), CJ_UTF8);
    struct {
        uint32_t ptr;
        cj_trap params, results;
    } cases[] = {
        {0, CJ_TRAP_NONE, CJ_TRAP_NONE},
        {4, CJ_TRAP_PARAMS_ALIGNMENT, CJ_TRAP_RESULTS_ALIGNMENT},
        {1, CJ_TRAP_PARAMS_ALIGNMENT, CJ_TRAP_RESULTS_ALIGNMENT},
        {MEMORY - 136, CJ_TRAP_NONE, CJ_TRAP_NONE},
        {MEMORY - 128, CJ_TRAP_PARAMS_BOUNDS, CJ_TRAP_RESULTS_BOUNDS},
        {MEMORY, CJ_TRAP_PARAMS_BOUNDS, CJ_TRAP_RESULTS_BOUNDS},
        {UINT32_MAX - 7, CJ_TRAP_PARAMS_BOUNDS, CJ_TRAP_RESULTS_BOUNDS},
        {UINT32_MAX, CJ_TRAP_PARAMS_ALIGNMENT, CJ_TRAP_RESULTS_ALIGNMENT},
    };
    for (size_t i = 0; i < CJ_COUNT(cases); i++) {
        uint64_t flat[1] = {cases[i].ptr | UINT64_C(0xdeadbeef00000000)};
        host_calls = 0;
        cj_trap got = fake_call_import(F, import, flat, NULL);
        expect_outcome(got, cases[i].params, false, "");
        assert_int_equal(host_calls, cases[i].params == CJ_TRAP_NONE);
    }
    const cj_type *wide = t_make(T, CJ_KIND_TUPLE,
                                 (cj_param[17]){{{0}, t_u64(T)},
                                                {{0}, t_u64(T)},
                                                {{0}, t_u64(T)},
                                                {{0}, t_u64(T)},
                                                {{0}, t_u64(T)},
                                                {{0}, t_u64(T)},
                                                {{0}, t_u64(T)},
                                                {{0}, t_u64(T)},
                                                {{0}, t_u64(T)},
                                                {{0}, t_u64(T)},
                                                {{0}, t_u64(T)},
                                                {{0}, t_u64(T)},
                                                {{0}, t_u64(T)},
                                                {{0}, t_u64(T)},
                                                {{0}, t_u64(T)},
                                                {{0}, t_u64(T)},
                                                {{0}, t_u64(T)}},
                                 17);
    uint64_t room[17];
    cj_binding *export = make_export(functype(NO_PARAMS, wide), CJ_UTF8, false);
    import = make_import(functype(NO_PARAMS, wide), CJ_UTF8);
    for (size_t i = 0; i < CJ_COUNT(cases); i++) {
        core_result = cases[i].ptr;
        expect_outcome(fake_call_export(F, export, NULL, room), cases[i].results, true, "");
        uint64_t flat[1] = {cases[i].ptr | UINT64_C(0xdeadbeef00000000)};
        host_calls = 0;
        expect_outcome(fake_call_import(F, import, flat, NULL), cases[i].results, true, "");
        assert_int_equal(host_calls, 1); /* checked when the result is lowered */
    }
}

/* -- Lowering one value, in every place where it can go ------------------------------------------------------------ */

typedef struct scripted {
    uint32_t nth;
    fake_action action;
    uint64_t value;
} scripted;
static scripted script[4];
static size_t script_len;

static const void *host_result;
static size_t host_result_size;

static cj_status return_result(cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)ctx, (void)args, (void)err;
    for (size_t i = 0; i < host_result_size; i++)
        assert_int_equal(((const uint8_t *)results)[i], 0); /* zeroed before */
    memcpy(results, host_result, host_result_size);
    return CJ_OK;
}

static void start(void)
{
    fake_reset(F, MEMORY);
    F->grow_by = 0;
    for (size_t i = 0; i < script_len; i++)
        fake_script(F, script[i].nth, script[i].action, script[i].value);
}

/* `events` are the calls of realloc for the value alone. On success `check` looks at the value's bytes, when there are
 * two slots or more of it in memory; its flat form is `flat`, or NULL. */
static void expect_lower(const cj_type *type, cj_encoding encoding, const void *value, cj_trap trap, const char *sub,
                         const char *events, const uint64_t *flat, void (*check)(const uint8_t *bytes))
{
    char path[256], expected_events[1024];
    /* a parameter */
    start();
    cj_trap got = fake_call_export(F, make_export(functype(PARAMS(type), NULL), encoding, false), value, NULL);
    snprintf(path, sizeof(path), "param 0%s", sub);
    expect_outcome(got, trap, false, path);
    const char *core = strstr(fake_events(F), "core(");
    assert_int_equal(core != NULL, trap == CJ_TRAP_NONE);
    if (events) {
        snprintf(expected_events, sizeof(expected_events), "%s%s", events, core ? core : "");
        expect_events(expected_events);
    }
    if (trap == CJ_TRAP_NONE && flat) {
        for (uint32_t i = 0; i < type->flat_count; i++)
            assert_int_equal(F->core_args[i], flat[i]);
    }
    if (F->realloc_calls && trap != CJ_TRAP_CORE)
        assert_int_equal(F->may_leave_in_realloc, 0);
    if (core)
        assert_int_equal(F->may_leave_in_core, 1);

    /* a result */
    start();
    host_body = return_result;
    host_result = value;
    host_result_size = type->host_size;
    uint64_t retptr[1] = {RETPTR}, result = 0x1234;
    got = fake_call_import(F, make_import(functype(NO_PARAMS, type), encoding), retptr, &result);
    snprintf(path, sizeof(path), "result%s", sub);
    expect_outcome(got, trap, true, path);
    if (events)
        expect_events(events);
    if (trap == CJ_TRAP_NONE && type->flat_count == 1 && flat)
        assert_int_equal(result, flat[0]);
    if (trap == CJ_TRAP_NONE && type->flat_count > 1 && check)
        check(fake_at(F, RETPTR, type->size));

    /* the first of 18 parameters: a block of realloc's, which gets what the script says for the first call */
    if (script_len == 0) {
        start();
        const cj_type *params[18];
        params[0] = type;
        for (int i = 1; i < 18; i++)
            params[i] = t_u8(T);
        const cj_functype *spilled = functype(params, 18, NULL);
        char *args = pool_alloc(&pool, spilled->params_tuple->host_size);
        memcpy(args, value, type->host_size);
        got = fake_call_export(F, make_export(spilled, encoding, false), args, NULL);
        snprintf(path, sizeof(path), "param 0%s", sub);
        expect_outcome(got, trap, false, path);
        snprintf(expected_events, sizeof(expected_events), "realloc(0,0,%u,%u)=%d ", spilled->params_tuple->align,
                 spilled->params_tuple->size, FAKE_HEAP_BASE);
        assert_memory_equal(fake_events(F), expected_events, strlen(expected_events));
        if (trap == CJ_TRAP_NONE) {
            assert_int_equal(F->core_args[0], FAKE_HEAP_BASE);
            if (check)
                check(fake_at(F, FAKE_HEAP_BASE, type->size));
        }
    }
    host_body = NULL;
}

static void test_lower_numbers(void **state)
{
    (void)state;
    script_len = 0;
    expect_lower(t_s8(T), CJ_UTF8, &(int8_t){-1}, CJ_TRAP_NONE, "", "", SLOTS(0xffffffff), NULL);
    expect_lower(t_s16(T), CJ_UTF8, &(int16_t){-32768}, CJ_TRAP_NONE, "", "", SLOTS(0xffff8000), NULL);
    expect_lower(t_s16(T), CJ_UTF8, &(int16_t){32767}, CJ_TRAP_NONE, "", "", SLOTS(0x7fff), NULL);
    expect_lower(t_u8(T), CJ_UTF8, &(uint8_t){255}, CJ_TRAP_NONE, "", "", SLOTS(0xff), NULL);
    expect_lower(t_u16(T), CJ_UTF8, &(uint16_t){0x8000}, CJ_TRAP_NONE, "", "", SLOTS(0x8000), NULL);
    expect_lower(t_s32(T), CJ_UTF8, &(int32_t){-2}, CJ_TRAP_NONE, "", "", SLOTS(0xfffffffe), NULL);
    expect_lower(t_s64(T), CJ_UTF8, &(int64_t){-2}, CJ_TRAP_NONE, "", "", SLOTS(0xfffffffffffffffe), NULL);
    expect_lower(t_f32(T), CJ_UTF8, &(uint32_t){0x7fa00001}, CJ_TRAP_NONE, "", "", SLOTS(0x7fa00001), NULL);
    expect_lower(t_f64(T), CJ_UTF8, &(uint64_t){0xfff4000000000001}, CJ_TRAP_NONE, "", "", SLOTS(0xfff4000000000001),
                 NULL);
}

/* What a careless host leaves in its structs does not reach the guest. */
static void test_lower_normalises(void **state)
{
    (void)state;
    script_len = 0;
    expect_lower(t_bool(T), CJ_UTF8, &(uint8_t){0x80}, CJ_TRAP_NONE, "", "", SLOTS(1), NULL);
    for (uint32_t labels = 1; labels <= 32; labels++) {
        uint64_t expected = UINT32_MAX >> (32 - labels);
        expect_lower(t_labels(T, CJ_KIND_FLAGS, labels), CJ_UTF8, &(uint32_t){UINT32_MAX}, CJ_TRAP_NONE, "", "",
                     &expected, NULL);
    }
    expect_lower(t_char(T), CJ_UTF8, &(uint32_t){0x10ffff}, CJ_TRAP_NONE, "", "", SLOTS(0x10ffff), NULL);
    expect_lower(t_char(T), CJ_UTF8, &(uint32_t){0x110000}, CJ_TRAP_CHAR_RANGE, "", "", NULL, NULL);
    expect_lower(t_char(T), CJ_UTF8, &(uint32_t){0xdfff}, CJ_TRAP_CHAR_SURROGATE, "", "", NULL, NULL);
    expect_lower(t_labels(T, CJ_KIND_ENUM, 3), CJ_UTF8, &(uint8_t){3}, CJ_TRAP_DISCRIMINANT, "", "", NULL, NULL);
    expect_lower(t_labels(T, CJ_KIND_ENUM, 257), CJ_UTF8, &(uint16_t){257}, CJ_TRAP_DISCRIMINANT, "", "", NULL, NULL);
    expect_lower(t_option(T, t_u8(T)), CJ_UTF8, "\2\0", CJ_TRAP_DISCRIMINANT, "", "", NULL, NULL);
    expect_lower(t_tuple(T, 2, t_u8(T), t_option(T, t_bool(T))), CJ_UTF8, "\0\2\0", CJ_TRAP_DISCRIMINANT, " .1", "",
                 NULL, NULL);
}

static void test_lower_variant_slots(void **state)
{
    (void)state;
    script_len = 0;
    /* f64 | s8 | f32 | (nothing) | (u32, u32, u32): slots i64, i32, i32. */
    const cj_type *v = t_variant(T, 5, "a", t_f64(T), "b", t_s8(T), "c", t_f32(T), "d", (const cj_type *)NULL, "e",
                                 t_tuple(T, 3, t_u32(T), t_u32(T), t_u32(T)));
    assert_int_equal(v->flat_count, 4);
    uint8_t host[24];
    memset(host, 0x77, sizeof(host));
    host[0] = 0;
    double f64 = -2.5;
    memcpy(host + 8, &f64, 8);
    uint64_t bits;
    memcpy(&bits, &f64, 8);
    expect_lower(v, CJ_UTF8, host, CJ_TRAP_NONE, "", "", SLOTS(0, bits, 0, 0), NULL);
    host[0] = 1, host[8] = 0xff;
    expect_lower(v, CJ_UTF8, host, CJ_TRAP_NONE, "", "", SLOTS(1, 0xffffffff, 0, 0),
                 NULL); /* zero-extended from 32 bits */
    host[0] = 2;
    float f32 = -1.5f;
    memcpy(host + 8, &f32, 4);
    expect_lower(v, CJ_UTF8, host, CJ_TRAP_NONE, "", "", SLOTS(2, 0xbfc00000, 0, 0), NULL);
    host[0] = 3;
    expect_lower(v, CJ_UTF8, host, CJ_TRAP_NONE, "", "", SLOTS(3, 0, 0, 0), NULL);
    host[0] = 4;
    memcpy(host + 8, (uint32_t[]){1, 2, 3}, 12);
    expect_lower(v, CJ_UTF8, host, CJ_TRAP_NONE, "", "", SLOTS(4, 1, 2, 3), NULL);
    /* Nested: the outer's slots that the inner has none for. */
    const cj_type *outer = t_result(T, t_option(T, t_u8(T)), v);
    uint8_t nested[40];
    memset(nested, 0x77, sizeof(nested));
    nested[0] = 0, nested[8] = 1, nested[9] = 9;
    expect_lower(outer, CJ_UTF8, nested, CJ_TRAP_NONE, "", "", SLOTS(0, 1, 9, 0, 0), NULL);
    nested[8] = 0;
    expect_lower(outer, CJ_UTF8, nested, CJ_TRAP_NONE, "", "", SLOTS(0, 0, 0, 0, 0), NULL);
}

/* The bytes of padding and of inactive payloads in guest memory stay as they were. */
static void check_padding(const uint8_t *bytes)
{
    static const uint8_t expected[24] = {7,    0xa5, 0xa5, 0xa5, 1,    2,    3,    4,    0, 0xa5, 0xa5, 0xa5,
                                         0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 9, 8,    0xa5, 0xa5};
    assert_memory_equal(bytes, expected, sizeof(expected));
}

static void test_lower_leaks_no_padding(void **state)
{
    (void)state;
    script_len = 0;
    const cj_type *v = t_variant(T, 2, "none", (const cj_type *)NULL, "some", t_tuple(T, 2, t_u32(T), t_u32(T)));
    const cj_type *type = t_tuple(T, 4, t_u8(T), t_u32(T), v, t_u16(T));
    struct {
        uint8_t a;
        uint32_t b;
        struct {
            uint8_t disc;
            uint32_t payload[2];
        } v;
        uint16_t c;
    } host;
    memset(&host, 0x77, sizeof(host));
    host.a = 7;
    host.b = 0x04030201;
    host.v.disc = 0;
    host.c = 0x0809;
    assert_int_equal(type->size, 24);
    expect_lower(type, CJ_UTF8, &host, CJ_TRAP_NONE, "", "", NULL, check_padding);

    /* The same in the elements of a list. */
    start();
    cj_list list = {&host, 1};
    assert_int_equal(
        fake_call_export(F, make_export(functype(PARAMS(t_list(T, type)), NULL), CJ_UTF8, false), &list, NULL),
        CJ_TRAP_NONE);
    check_padding(fake_at(F, (uint32_t)F->core_args[0], 24));
}

/* -- Lowering strings: the spec's realloc sequences ---------------------------------------------------------------- */

static const char *lowered_text;
static size_t lowered_size;

static void check_lowered_text(const uint8_t *bytes)
{
    uint32_t ptr;
    memcpy(&ptr, bytes, 4);
    assert_memory_equal(fake_at(F, ptr, (uint32_t)lowered_size), lowered_text, lowered_size);
}

/* Lowers `text`; expects these calls, this length word, and these bytes (NULL: do not look). */
static void expect_string_lower(cj_encoding encoding, const char *text, const char *events, uint32_t ptr,
                                uint32_t units, const void *bytes, size_t size)
{
    char *exact = pool_alloc(&pool, strlen(text));
    memcpy(exact, text, strlen(text));
    cj_string s = {exact, strlen(text)};
    lowered_text = bytes;
    lowered_size = size;
    expect_lower(t_string(T), encoding, &s, CJ_TRAP_NONE, "", events, SLOTS(ptr, units),
                 bytes ? check_lowered_text : NULL);
}

#define EXPECT_WIDE(encoding, text, events, ptr, units, ...) \
    expect_string_lower(encoding, text, events, ptr, units, (const uint16_t[]){__VA_ARGS__}, \
                        sizeof((const uint16_t[]){__VA_ARGS__}))

static void test_lower_string_sequences(void **state)
{
    (void)state;
    script_len = 0;
    expect_string_lower(CJ_UTF8, "", "realloc(0,0,1,0)=1024 ", 1024, 0, NULL, 0);
    expect_string_lower(CJ_UTF8, "hello", "realloc(0,0,1,5)=1024 ", 1024, 5, "hello", 5);
    expect_string_lower(CJ_UTF8, "h\xc3\xa9\xf0\x9f\x98\x80", "realloc(0,0,1,7)=1024 ", 1024, 7,
                        "h\xc3\xa9\xf0\x9f\x98\x80", 7);

    /* utf16: 2n, then what it took. The fake's realloc always moves. */
    expect_string_lower(CJ_UTF16, "", "realloc(0,0,2,0)=1024 ", 1024, 0, NULL, 0);
    EXPECT_WIDE(CJ_UTF16, "abc", "realloc(0,0,2,6)=1024 ", 1024, 3, 'a', 'b', 'c');
    EXPECT_WIDE(CJ_UTF16, "\xc3\xa9", "realloc(0,0,2,4)=1024 realloc(1024,4,2,2)=1028 ", 1028, 1, 0xe9);
    EXPECT_WIDE(CJ_UTF16, "a\xe2\x82\xac", "realloc(0,0,2,8)=1024 realloc(1024,8,2,4)=1032 ", 1032, 2, 'a', 0x20ac);
    EXPECT_WIDE(CJ_UTF16, "\xf0\x9f\x98\x80", "realloc(0,0,2,8)=1024 realloc(1024,8,2,4)=1032 ", 1032, 2, 0xd83d,
                0xde00);

    /* latin1+utf16: n, as long as it is Latin-1; shrunk when shorter. */
    expect_string_lower(CJ_LATIN1_UTF16, "", "realloc(0,0,2,0)=1024 ", 1024, 0, NULL, 0);
    expect_string_lower(CJ_LATIN1_UTF16, "abc", "realloc(0,0,2,3)=1024 ", 1024, 3, "abc", 3);
    expect_string_lower(CJ_LATIN1_UTF16, "a\xc3\xa9z", "realloc(0,0,2,4)=1024 realloc(1024,4,2,3)=1028 ", 1028, 3,
                        "a\xe9z", 3);
    expect_string_lower(CJ_LATIN1_UTF16, "\xc3\xbf", "realloc(0,0,2,2)=1024 realloc(1024,2,2,1)=1026 ", 1026, 1, "\xff",
                        1);
    /* The first past U+00FF: 2n, inflated, and shrunk. U+0100 takes 2 bytes: n units of room were right to the byte
     * once. */
    EXPECT_WIDE(CJ_LATIN1_UTF16, "\xc4\x80", "realloc(0,0,2,2)=1024 realloc(1024,2,2,4)=1026 realloc(1026,4,2,2)=1030 ",
                1030, 1 | tag, 0x100);
    EXPECT_WIDE(CJ_LATIN1_UTF16, "a\xc3\xa9\xe2\x82\xac!",
                "realloc(0,0,2,7)=1024 realloc(1024,7,2,14)=1032 realloc(1032,14,2,8)=1046 ", 1046, 4 | tag, 'a', 0xe9,
                0x20ac, '!');
    EXPECT_WIDE(CJ_LATIN1_UTF16, "0123456789\xf0\x9f\x98\x80",
                "realloc(0,0,2,14)=1024 realloc(1024,14,2,28)=1038 realloc(1038,28,2,24)=1066 ", 1066, 12 | tag, '0',
                '1', '2', '3', '4', '5', '6', '7', '8', '9', 0xd83d, 0xde00);
}

/* Every call of realloc can misbehave. */
static void expect_bad_realloc(const cj_type *type, cj_encoding encoding, const void *value, uint32_t nth,
                               fake_action action, uint64_t v, cj_trap trap, const char *sub)
{
    script[0] = (scripted){nth, action, v};
    script_len = 1;
    expect_lower(type, encoding, value, trap, sub, NULL, NULL, NULL);
    assert_int_equal(F->realloc_calls, nth);
    script_len = 0;
}

static void test_lower_string_bad_realloc(void **state)
{
    (void)state;
    static const char text[] = "a\xc3\xa9\xe2\x82\xac!"; /* 1 call, 2 calls, 3 calls */
    for (cj_encoding e = CJ_UTF8; e <= CJ_LATIN1_UTF16; e++) {
        cj_string s = {text, 7};
        const cj_type *type = t_string(T);
        for (uint32_t nth = 1; nth <= 1 + (uint32_t)e; nth++) {
            uint32_t even = e == CJ_UTF8 ? 0 : 1; /* utf8 blocks of 7 bytes end anywhere, the others are even */
            bool odd_size = e == CJ_UTF8 || (e == CJ_LATIN1_UTF16 && nth == 1);
            expect_bad_realloc(type, e, &s, nth, FAKE_AT_END, odd_size ? 1 + even * 2 : 2, CJ_TRAP_REALLOC_BOUNDS, "");
            expect_bad_realloc(type, e, &s, nth, FAKE_RETURN, UINT32_MAX - 1, CJ_TRAP_REALLOC_BOUNDS, "");
            expect_bad_realloc(type, e, &s, nth, FAKE_RETURN, MEMORY, CJ_TRAP_REALLOC_BOUNDS, "");
            if (e != CJ_UTF8) {
                expect_bad_realloc(type, e, &s, nth, FAKE_ADD, 1, CJ_TRAP_REALLOC_ALIGNMENT, "");
                expect_bad_realloc(type, e, &s, nth, FAKE_RETURN, UINT32_MAX, CJ_TRAP_REALLOC_ALIGNMENT,
                                   ""); /* alignment first */
            }
            expect_bad_realloc(type, e, &s, nth, FAKE_TRAP, 0, CJ_TRAP_CORE, "");
            assert_string_equal(F->store.trap.detail, "in realloc");
            assert_int_equal(F->instance.may_leave, 0);
        }
    }
    /* An empty string's block is checked too. */
    cj_string empty = {NULL, 0};
    expect_bad_realloc(t_string(T), CJ_UTF8, &empty, 1, FAKE_RETURN, MEMORY + 1, CJ_TRAP_REALLOC_BOUNDS, "");
    expect_bad_realloc(t_string(T), CJ_UTF16, &empty, 1, FAKE_RETURN, 1025, CJ_TRAP_REALLOC_ALIGNMENT, "");
    /* Odd is fine for utf8, and exactly at the end for all. */
    static const char *const fits[] = {"abcdefg", "abcdefgh", "abcdefgh"};
    for (cj_encoding e = CJ_UTF8; e <= CJ_LATIN1_UTF16; e++) {
        cj_string s = {fits[e], strlen(fits[e])};
        script[0] = (scripted){1, FAKE_AT_END, 0};
        script_len = 1;
        expect_lower(t_string(T), e, &s, CJ_TRAP_NONE, "", NULL, NULL, NULL);
    }
    script_len = 0;
}

/* realloc grows the memory, which moves, at every call. */
static void test_lower_string_growing_memory(void **state)
{
    (void)state;
    static const char text[] = "a\xc3\xa9\xe2\x82\xac!";
    static const uint16_t wide[] = {'a', 0xe9, 0x20ac, '!'};
    cj_string s = {text, 7};
    for (cj_encoding e = CJ_UTF8; e <= CJ_LATIN1_UTF16; e++) {
        script_len = 3;
        for (uint32_t i = 0; i < 3; i++)
            script[i] = (scripted){i + 1, FAKE_GROW, 100};
        lowered_text = e == CJ_UTF8 ? text : (const char *)wide;
        lowered_size = e == CJ_UTF8 ? 7 : sizeof(wide);
        expect_lower(t_string(T), e, &s, CJ_TRAP_NONE, "", NULL, NULL, check_lowered_text);
    }
    script_len = 0;
}

static void test_lower_string_from_host(void **state)
{
    (void)state;
    script_len = 0;
    for (cj_encoding e = CJ_UTF8; e <= CJ_LATIN1_UTF16; e++) {
        static const char *const bad[] = {"abc\xff", "\xed\xa0\x80", "\xc3", "\xe2\x82\xac\x80", "\xc4\x80\xc0\x80"};
        for (size_t i = 0; i < CJ_COUNT(bad); i++) {
            cj_string s = {bad[i], strlen(bad[i])};
            expect_lower(t_string(T), e, &s, CJ_TRAP_STRING_UTF8, "", NULL, NULL, NULL);
        }
        /* Longer than any string: the pointer is not even looked at. */
        cj_string s = {"x", (size_t)CJ_MAX_BYTES + 1};
        expect_lower(t_string(T), e, &s, CJ_TRAP_STRING_LENGTH, "", "", NULL, NULL);
        s.len = SIZE_MAX;
        expect_lower(t_string(T), e, &s, CJ_TRAP_STRING_LENGTH, "", "", NULL, NULL);
    }
}

/* -- Lowering lists ------------------------------------------------------------------------------------------------ */

static const cj_type *lowered_list_of;
static void check_list_u16(const uint8_t *bytes)
{
    uint32_t words[2];
    memcpy(words, bytes, 8);
    assert_int_equal(words[1], 3);
    assert_memory_equal(fake_at(F, words[0], 6), "\1\0\2\0\3\0", 6);
}

static void test_lower_list(void **state)
{
    (void)state;
    script_len = 0;
    lowered_list_of = t_u16(T);
    cj_list list = {(uint16_t[]){1, 2, 3}, 3};
    expect_lower(t_list(T, t_u16(T)), CJ_UTF8, &list, CJ_TRAP_NONE, "", "realloc(0,0,2,6)=1024 ", SLOTS(1024, 3),
                 check_list_u16);
    cj_list empty = {NULL, 0};
    expect_lower(t_list(T, t_u16(T)), CJ_UTF8, &empty, CJ_TRAP_NONE, "", "realloc(0,0,2,0)=1024 ", SLOTS(1024, 0),
                 NULL);
    expect_lower(t_list(T, t_string(T)), CJ_UTF8, &empty, CJ_TRAP_NONE, "", "realloc(0,0,4,0)=1024 ", SLOTS(1024, 0),
                 NULL);

    /* Depth first: the block before its elements, an element's own before the next element's. */
    cj_string strings[] = {{"a", 1}, {"bcd", 3}, {"", 0}};
    cj_list lists[] = {{strings, 3}, {NULL, 0}, {strings, 1}};
    cj_list outer = {lists, 3};
    expect_lower(
        t_list(T, t_list(T, t_string(T))), CJ_UTF8, &outer, CJ_TRAP_NONE, "",
        "realloc(0,0,4,24)=1024 realloc(0,0,4,24)=1048 realloc(0,0,1,1)=1072 realloc(0,0,1,3)=1073 realloc(0,0,1,0)=1076 "
        "realloc(0,0,4,0)=1076 realloc(0,0,4,8)=1076 realloc(0,0,1,1)=1084 ",
        SLOTS(1024, 3), NULL);
}

static void test_lower_list_traps(void **state)
{
    (void)state;
    script_len = 0;
    const cj_type *elems[] = {t_u32(T), t_char(T)};
    for (size_t i = 0; i < CJ_COUNT(elems); i++) {
        const cj_type *type = t_list(T, elems[i]);
        cj_list list = {(uint32_t[]){1, 2, 3}, 3};
        expect_bad_realloc(type, CJ_UTF8, &list, 1, FAKE_ADD, 1, CJ_TRAP_REALLOC_ALIGNMENT, "");
        expect_bad_realloc(type, CJ_UTF8, &list, 1, FAKE_ADD, 2, CJ_TRAP_REALLOC_ALIGNMENT, "");
        expect_bad_realloc(type, CJ_UTF8, &list, 1, FAKE_RETURN, UINT32_MAX, CJ_TRAP_REALLOC_ALIGNMENT, "");
        expect_bad_realloc(type, CJ_UTF8, &list, 1, FAKE_AT_END, 4, CJ_TRAP_REALLOC_BOUNDS, "");
        expect_bad_realloc(type, CJ_UTF8, &list, 1, FAKE_RETURN, UINT32_MAX - 3, CJ_TRAP_REALLOC_BOUNDS, "");
        expect_bad_realloc(type, CJ_UTF8, &list, 1, FAKE_TRAP, 0, CJ_TRAP_CORE, "");
        /* Too long: nothing is allocated or read. */
        list.len = 0x04000000;
        expect_lower(type, CJ_UTF8, &list, CJ_TRAP_LIST_LENGTH, "", "", NULL, NULL);
        list.len = SIZE_MAX / 4 + 2;
        expect_lower(type, CJ_UTF8, &list, CJ_TRAP_LIST_LENGTH, "", "", NULL, NULL);
        list.len = 0;
        expect_bad_realloc(type, CJ_UTF8, &list, 1, FAKE_RETURN, 1026, CJ_TRAP_REALLOC_ALIGNMENT, "");
        expect_bad_realloc(type, CJ_UTF8, &list, 1, FAKE_RETURN, MEMORY + 4, CJ_TRAP_REALLOC_BOUNDS, "");
    }
    /* In the elements: which one it was. */
    cj_string strings[] = {{"a", 1}, {"b", 1}, {"c\xff", 2}};
    cj_list list = {strings, 3};
    expect_lower(t_list(T, t_string(T)), CJ_UTF8, &list, CJ_TRAP_STRING_UTF8, "[2]", NULL, NULL, NULL);
    expect_bad_realloc(t_list(T, t_string(T)), CJ_UTF8, &list, 3, FAKE_RETURN, MEMORY, CJ_TRAP_REALLOC_BOUNDS, "[1]");
    uint32_t chars[] = {1, 2, 0xd800};
    list = (cj_list){chars, 3};
    expect_lower(t_list(T, t_char(T)), CJ_UTF8, &list, CJ_TRAP_CHAR_SURROGATE, "[2]", NULL, NULL, NULL);
}

static void check_list_strings(const uint8_t *bytes)
{
    uint32_t words[2];
    memcpy(words, bytes, 8);
    assert_int_equal(words[1], 3);
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t ptr = fake_get32(F, words[0] + 8 * i), len = fake_get32(F, words[0] + 8 * i + 4);
        assert_int_equal(len, 1 + i);
        assert_memory_equal(fake_at(F, ptr, len), "xyz", len);
    }
}

/* The memory moves at every realloc: elements, the spilled block and the result block are found again. */
static void test_lower_list_growing_memory(void **state)
{
    (void)state;
    cj_string strings[] = {{"x", 1}, {"xy", 2}, {"xyz", 3}};
    cj_list list = {strings, 3};
    script_len = 4;
    for (uint32_t i = 0; i < 4; i++)
        script[i] = (scripted){i + 1, FAKE_GROW, 1000};
    expect_lower(t_list(T, t_string(T)), CJ_UTF8, &list, CJ_TRAP_NONE, "", NULL, NULL, check_list_strings);
    script_len = 0;

    start();
    for (uint32_t i = 1; i <= 5; i++)
        fake_script(F, i, FAKE_GROW, 1000);
    const cj_type *params[18];
    params[0] = t_list(T, t_string(T));
    for (int i = 1; i < 18; i++)
        params[i] = t_u8(T);
    const cj_functype *spilled = functype(params, 18, NULL);
    char *args = pool_alloc(&pool, spilled->params_tuple->host_size);
    memcpy(args, &list, sizeof(list));
    assert_int_equal(fake_call_export(F, make_export(spilled, CJ_UTF8, false), args, NULL), CJ_TRAP_NONE);
    check_list_strings(fake_at(F, (uint32_t)F->core_args[0], 8));
}

/* The block that realloc gives for spilled parameters. */
static void test_lower_spilled_block(void **state)
{
    (void)state;
    const cj_type *params[17];
    for (int i = 0; i < 17; i++)
        params[i] = t_u64(T);
    cj_binding *b = make_export(functype(params, 17, NULL), CJ_UTF8, false);
    uint64_t args[17] = {1, 2, 3};
    struct {
        fake_action action;
        uint64_t value;
        cj_trap trap;
    } cases[] = {
        {FAKE_BUMP, 0, CJ_TRAP_NONE},
        {FAKE_ADD, 4, CJ_TRAP_REALLOC_ALIGNMENT},
        {FAKE_RETURN, UINT32_MAX, CJ_TRAP_REALLOC_ALIGNMENT},
        {FAKE_AT_END, 8, CJ_TRAP_REALLOC_BOUNDS},
        {FAKE_AT_END, 0, CJ_TRAP_NONE},
        {FAKE_RETURN, UINT32_MAX - 7, CJ_TRAP_REALLOC_BOUNDS},
        {FAKE_RETURN, 0, CJ_TRAP_NONE}, /* address 0 is memory like any other */
        {FAKE_TRAP, 0, CJ_TRAP_CORE},
    };
    for (size_t i = 0; i < CJ_COUNT(cases); i++) {
        fake_reset(F, MEMORY);
        fake_script(F, 1, cases[i].action, cases[i].value);
        expect_outcome(fake_call_export(F, b, args, NULL), cases[i].trap, false, "");
        assert_int_equal(strstr(fake_events(F), "core(") != NULL, cases[i].trap == CJ_TRAP_NONE);
        assert_int_equal(F->realloc_calls, 1);
        if (cases[i].trap == CJ_TRAP_NONE)
            assert_memory_equal(fake_at(F, (uint32_t)F->core_args[0], sizeof(args)), args, sizeof(args));
    }
}

/* -- Whole calls --------------------------------------------------------------------------------------------------- */

/* post-return runs last, with the flat result, and must not leave. */
static void put_string_result(uint64_t *flat)
{
    (void)flat;
    fake_put32(F, BLOCK, DATA);
    fake_put32(F, BLOCK + 4, 5);
    memcpy(fake_at(F, DATA, 5), "hello", 5);
}

static void scribble(fake_engine *fake, void *user, uint64_t *flat)
{
    (void)user, (void)flat;
    memset(fake_at(fake, 0, MEMORY), 0xee, MEMORY);
}

static void test_post_return(void **state)
{
    (void)state;
    const cj_functype *type = functype(PARAMS(t_string(T)), t_string(T));
    cj_binding *b = make_export(type, CJ_UTF8, true);
    core_body = put_string_result;
    core_result = BLOCK;
    cj_string in = {"abc", 3}, out;
    expect_outcome(fake_call_export(F, b, &in, &out), CJ_TRAP_NONE, false, "");
    expect_events("realloc(0,0,1,3)=1024 core(400,3) post-return(40) ");
    assert_int_equal(F->may_leave_in_realloc, 0);
    assert_int_equal(F->may_leave_in_core, 1);
    assert_int_equal(F->may_leave_in_post_return, 0);
    assert_int_equal(F->instance.may_leave, 1);
    assert_int_equal(out.len, 5);
    assert_memory_equal(out.ptr, "hello", 5);

    /* Results are copies: post-return may free or overwrite what they came from. */
    cj_plan *plan = make_plan(type, CJ_PLAN_EXPORT, CJ_UTF8, true);
    b = fake_export(F, plan, type, core_fn, scribble, NULL);
    b->code = code_for ? code_for(plan) : NULL;
    expect_outcome(fake_call_export(F, b, &in, &out), CJ_TRAP_NONE, false, "");
    assert_memory_equal(out.ptr, "hello", 5);

    /* Without a result it has no parameters; with one that is not spilled, that one. */
    fake_reset(F, MEMORY);
    expect_outcome(fake_call_export(F, make_export(functype(NO_PARAMS, NULL), CJ_UTF8, true), NULL, NULL), CJ_TRAP_NONE,
                   false, "");
    expect_events("core() post-return() ");
    fake_reset(F, MEMORY);
    core_body = NULL;
    core_result = 0x4000000000000001;
    uint64_t number;
    expect_outcome(fake_call_export(F, make_export(functype(NO_PARAMS, t_u64(T)), CJ_UTF8, true), NULL, &number),
                   CJ_TRAP_NONE, false, "");
    expect_events("core() post-return(4000000000000001) ");
    assert_int_equal(number, core_result);
    fake_reset(F, MEMORY);
    core_result = 0x40490fdb;
    expect_outcome(fake_call_export(F, make_export(functype(NO_PARAMS, t_f32(T)), CJ_UTF8, true), NULL, &number),
                   CJ_TRAP_NONE, false, "");
    expect_events("core() post-return(40490fdb) ");
}

static void trap_in_post_return(fake_engine *fake, void *user, uint64_t *flat)
{
    (void)user, (void)flat;
    fake_trap(fake, "integer divide by zero");
}

static void trap_in_core(uint64_t *flat)
{
    (void)flat;
    fake_trap(F, "unreachable");
}

static void test_core_traps(void **state)
{
    (void)state;
    const cj_functype *type = functype(PARAMS(t_list(T, t_string(T))), t_string(T));
    for (int jumps = 0; jumps < 2; jumps++) {
        cj_string out, strings[] = {{"a", 1}, {"b", 1}};
        cj_list in = {strings, 2};
        cj_binding *b = make_export(type, CJ_UTF8, true);

        fake_reset(F, MEMORY);
        F->longjmp_on_trap = jumps;
        core_body = trap_in_core;
        core_result = BLOCK;
        assert_int_equal(fake_call_export(F, b, &in, &out), CJ_TRAP_CORE);
        expect_events(
            "realloc(0,0,4,16)=1024 realloc(0,0,1,1)=1040 realloc(0,0,1,1)=1041 core(400,2) "); /* no lifting, no post-return */
        assert_int_equal(F->store.trap.kind, CJ_TRAP_NONE);
        assert_string_equal(F->inst.exception, "unreachable");

        fake_reset(F, MEMORY);
        F->longjmp_on_trap = jumps;
        fake_script(F, 3, FAKE_TRAP, 0);
        assert_int_equal(fake_call_export(F, b, &in, &out), CJ_TRAP_CORE);
        expect_events("realloc(0,0,4,16)=1024 realloc(0,0,1,1)=1040 realloc(0,0,1,1)=trap ");
        assert_int_equal(F->store.trap.kind, CJ_TRAP_NONE);
        assert_string_equal(F->store.trap.detail, "in realloc");
        assert_int_equal(F->instance.may_leave, 0);

        fake_reset(F, MEMORY);
        F->longjmp_on_trap = jumps;
        core_body = put_string_result;
        cj_plan *plan = make_plan(type, CJ_PLAN_EXPORT, CJ_UTF8, true);
        b = fake_export(F, plan, type, core_fn, trap_in_post_return, NULL);
        b->code = code_for ? code_for(plan) : NULL;
        assert_int_equal(fake_call_export(F, b, &in, &out), CJ_TRAP_CORE);
        assert_int_equal(F->store.trap.kind, CJ_TRAP_NONE);
        assert_string_equal(F->store.trap.detail, "in post-return");
        assert_string_equal(F->inst.exception, "integer divide by zero");
        assert_int_equal(F->instance.may_leave, 0);
    }
}

/* A trap inside an import that the core function called: the record stays the import's, for whoever reports it. */
static void call_inner(uint64_t *flat);
static cj_binding *called_by_core;

static void test_trap_in_nested_import(void **state)
{
    (void)state;
    called_by_core = make_import(functype(PARAMS(t_u8(T), t_list(T, t_char(T))), NULL), CJ_UTF8);
    cj_binding *b = make_export(functype(NO_PARAMS, t_string(T)), CJ_UTF8, true);
    for (int jumps = 0; jumps < 2; jumps++) {
        fake_reset(F, MEMORY);
        F->longjmp_on_trap = jumps;
        fake_put32(F, DATA, 'a');
        fake_put32(F, DATA + 4, 0xd800);
        core_body = call_inner;
        cj_string out;
        expect_outcome(fake_call_export(F, b, NULL, &out), CJ_TRAP_CHAR_SURROGATE, false, "param 1[1]");
        assert_ptr_equal(F->store.trap.bound, called_by_core);
        expect_events("core() ");
    }
}

static void call_inner(uint64_t *flat)
{
    (void)flat;
    assert_false(fake_guest_import(F, called_by_core, SLOTS(0, DATA, 2), NULL));
    assert_false(F->longjmp_on_trap);
}

/* A bad result traps before post-return. */
static void test_result_traps_before_post_return(void **state)
{
    (void)state;
    core_result = BLOCK;
    fake_put32(F, BLOCK, MEMORY);
    fake_put32(F, BLOCK + 4, 1);
    cj_string out;
    cj_binding *b = make_export(functype(NO_PARAMS, t_string(T)), CJ_UTF8, true);
    expect_outcome(fake_call_export(F, b, NULL, &out), CJ_TRAP_STRING_BOUNDS, true, "result");
    expect_events("core() ");
}

static void test_may_leave(void **state)
{
    (void)state;
    const cj_type *params[17];
    for (int i = 0; i < 17; i++)
        params[i] = t_string(T);
    cj_binding *b = make_import(functype(params, 17, t_string(T)), CJ_UTF8);
    F->instance.may_leave = 0;
    uint64_t flat[2] = {UINT32_MAX, UINT32_MAX}; /* would trap too, later */
    expect_outcome(fake_call_import(F, b, flat, NULL), CJ_TRAP_CANNOT_LEAVE, false, "");
    assert_int_equal(host_calls, 0);
}

static cj_status make_stack_low(cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)ctx, (void)args, (void)err;
    *(cj_string *)results = (cj_string){"x", 1};
    fake_set_stack_low(F, true);
    return CJ_OK;
}

static void test_stack_low(void **state)
{
    (void)state;
    cj_binding *b = make_import(functype(NO_PARAMS, t_string(T)), CJ_UTF8);
    uint64_t flat[1] = {RETPTR};
    fake_set_stack_low(F, true);
    expect_outcome(fake_call_import(F, b, flat, NULL), CJ_TRAP_STACK_OVERFLOW, false, "");
    assert_int_equal(host_calls, 0);
    /* before anything is looked at */
    cj_binding *with_args = make_import(functype(PARAMS(t_string(T)), NULL), CJ_UTF8);
    expect_outcome(fake_call_import(F, with_args, SLOTS(UINT32_MAX, UINT32_MAX), NULL), CJ_TRAP_STACK_OVERFLOW, false,
                   "");

    fake_reset(F, MEMORY);
    host_body = make_stack_low;
    expect_outcome(fake_call_import(F, b, flat, NULL), CJ_TRAP_STACK_OVERFLOW, true, "result");
    assert_int_equal(host_calls, 1);
    assert_int_equal(F->realloc_calls, 0);

    fake_reset(F, MEMORY);
    fake_set_stack_low(F, true);
    cj_string in = {"x", 1};
    b = make_export(functype(PARAMS(t_string(T)), NULL), CJ_UTF8, false);
    expect_outcome(fake_call_export(F, b, &in, NULL), CJ_TRAP_STACK_OVERFLOW, false, "param 0");
    expect_events("");
}

/* -- Host functions ------------------------------------------------------------------------------------------------ */

static cj_status host_status;
static cj_error host_error;
static bool host_fills;

static cj_status fail_as_told(cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)ctx, (void)args, (void)results;
    if (host_fills)
        *err = host_error;
    return host_status;
}

static void test_host_errors(void **state)
{
    (void)state;
    cj_binding *b = make_import(functype(NO_PARAMS, NULL), CJ_UTF8);
    host_body = fail_as_told;
    cj_trap_record *trap = &F->store.trap;

    host_status = CJ_HOST;
    host_fills = true;
    memset(&host_error, 0, sizeof(host_error));
    cj__fail(&host_error, CJ_HOST, "no such file");
    expect_outcome(fake_call_import(F, b, NULL, NULL), CJ_TRAP_HOST, false, "");
    assert_non_null(trap->host_error);
    assert_string_equal(trap->host_error->message, "no such file");
    assert_ptr_equal(trap->bound, b);

    /* Any status that is not OK; and no words at all. */
    host_status = CJ_NO_MEMORY;
    host_fills = false;
    expect_outcome(fake_call_import(F, b, NULL, NULL), CJ_TRAP_HOST, false, "");
    assert_string_equal(trap->host_error->message, cj_status_text(CJ_NO_MEMORY));
    assert_int_equal(trap->host_error->status, CJ_NO_MEMORY);
    host_status = (cj_status)12345;
    expect_outcome(fake_call_import(F, b, NULL, NULL), CJ_TRAP_HOST, false, "");

    /* A message without a status. */
    host_status = CJ_HOST;
    host_fills = true;
    host_error.status = CJ_OK;
    expect_outcome(fake_call_import(F, b, NULL, NULL), CJ_TRAP_HOST, false, "");
    assert_string_equal(trap->host_error->message, "no such file");
    assert_int_equal(trap->host_error->status, CJ_HOST);

    /* A nested call's trap that it passes on. */
    host_status = CJ_TRAP;
    cj__fail(&host_error, CJ_TRAP, "integer divide by zero");
    host_error.trap = CJ_TRAP_DIVIDE_BY_ZERO;
    snprintf(host_error.where, sizeof(host_error.where), "other");
    expect_outcome(fake_call_import(F, b, NULL, NULL), CJ_TRAP_DIVIDE_BY_ZERO, false, "");
    assert_string_equal(trap->host_error->message, "integer divide by zero");
    assert_string_equal(trap->host_error->where, "other");
    /* The same by status alone: the store knows the rest. */
    host_fills = false;
    F->store.error = host_error;
    expect_outcome(fake_call_import(F, b, NULL, NULL), CJ_TRAP_DIVIDE_BY_ZERO, false, "");
    assert_string_equal(trap->host_error->where, "other");
    /* But not what an older call left, when the words are its own. */
    host_fills = true;
    host_error.trap = CJ_TRAP_NONE;
    expect_outcome(fake_call_import(F, b, NULL, NULL), CJ_TRAP_HOST, false, "");

    /* Nothing is lowered after a failure. */
    host_status = CJ_HOST;
    b = make_import(functype(NO_PARAMS, t_string(T)), CJ_UTF8);
    expect_outcome(fake_call_import(F, b, SLOTS(RETPTR), NULL), CJ_TRAP_HOST, false, "");
    assert_int_equal(F->realloc_calls, 0);
}

static const uint8_t *seen_base;
static cj_status look_at_views(cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)results, (void)err;
    assert_ptr_equal(ctx->bound->guest.instance, &F->instance);
    assert_ptr_equal(ctx->store, &F->store);
    const cj_string *s = args;
    const cj_list *l = (const cj_list *)(s + 1);
    assert_ptr_equal(s->ptr, fake_at(F, DATA, 4));
    assert_ptr_equal(l->ptr, fake_at(F, DATA + 8, 8));
    seen_base = (const uint8_t *)s->ptr;
    return CJ_OK;
}

/* utf8 strings and plain lists are handed out in place. */
static void test_views(void **state)
{
    (void)state;
    memset(fake_at(F, DATA, 32), 0, 32);
    memcpy(fake_at(F, DATA, 4), "abcd", 4);
    host_body = look_at_views;
    cj_binding *b =
        make_import(functype(PARAMS(t_string(T), t_list(T, t_tuple(T, 2, t_u32(T), t_u8(T)))), NULL), CJ_UTF8);
    uint64_t flat[4] = {DATA, 4, DATA + 8, 2};
    expect_outcome(fake_call_import(F, b, flat, NULL), CJ_TRAP_NONE, false, "");
    assert_int_equal(host_calls, 1);
}

/* -- Results that alias the guest's memory ------------------------------------------------------------------------- */

static cj_status echo(cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)err;
    memcpy(results, args, ctx->bound->plan->host_result_size);
    return CJ_OK;
}

/* The host returns the views that it got, while realloc moves the memory, or overwrites what they view. */
static void test_echoed_views(void **state)
{
    (void)state;
    host_body = echo;
    const cj_type *padded = t_tuple(T, 2, t_u32(T), t_u8(T)), *lists = t_list(T, t_list(T, t_u8(T)));
    const cj_type *type = t_tuple(T, 4, t_string(T), t_list(T, t_u16(T)), t_list(T, padded), lists);
    cj_binding *b =
        make_import(functype(PARAMS(t_string(T), t_list(T, t_u16(T)), t_list(T, padded), lists), type), CJ_UTF8);
    for (int hostile = 0; hostile < 2; hostile++) {
        fake_reset(F, MEMORY);
        memcpy(fake_at(F, DATA, 8), "abcdefgh", 8);
        memcpy(fake_at(F, DATA + 8, 16), "\1\0\0\0\2\7\7\7\3\0\0\0\4\7\7\7", 16);
        for (uint32_t i = 0; i < 3; i++) {
            fake_put32(F, DATA + 24 + 8 * i, DATA + i);
            fake_put32(F, DATA + 24 + 8 * i + 4, 3);
        }
        for (uint32_t i = 1; i <= 7; i++)
            fake_script(F, i, hostile && i == 7 ? FAKE_FILL : FAKE_GROW, 50);
        uint64_t flat[9] = {DATA, 8, DATA, 4, DATA + 8, 2, DATA + 24, 3, RETPTR};
        expect_outcome(fake_call_import(F, b, flat, NULL), CJ_TRAP_NONE, false, "");
        assert_int_equal(F->realloc_calls, 7);
        uint32_t out = hostile ? 0 : RETPTR;
        if (hostile) {
            /* The last call overwrote the views' memory, and the last list's bytes were already copied: the guest only
             * hurts itself, but nothing is read or written outside. */
            assert_int_equal(*fake_at(F, DATA, 1), 50);
            continue;
        }
        assert_memory_equal(fake_at(F, fake_get32(F, out), 8), "abcdefgh", 8);
        assert_int_equal(fake_get32(F, out + 4), 8);
        assert_memory_equal(fake_at(F, fake_get32(F, out + 8), 8), "abcdefgh", 8);
        uint8_t *copy = fake_at(F, fake_get32(F, out + 16), 16);
        assert_memory_equal(copy, "\1\0\0\0\2", 5);
        assert_memory_equal(copy + 5, "\xa5\xa5\xa5", 3); /* padding that the view had */
        assert_memory_equal(copy + 8, "\3\0\0\0\4", 5);
        uint32_t inner = fake_get32(F, out + 24);
        for (uint32_t i = 0; i < 3; i++)
            assert_memory_equal(fake_at(F, fake_get32(F, inner + 8 * i), 3), &"abcdefgh"[i], 3);
    }
}

/* realloc returns the very block that the result is a view of: source and destination overlap. */
static void test_echo_onto_itself(void **state)
{
    (void)state;
    host_body = echo;
    static const char text[] = "a\xc3\xa9\xe2\x82\xac!";
    for (cj_encoding e = CJ_UTF8; e <= CJ_UTF8; e++) {
        for (uint32_t shift = 0; shift < 4; shift++) {
            fake_reset(F, MEMORY);
            memcpy(fake_at(F, DATA, 7), text, 7);
            cj_binding *b = make_import(functype(PARAMS(t_string(T)), t_string(T)), e);
            fake_script(F, 1, FAKE_RETURN, DATA + shift);
            uint64_t flat[3] = {DATA, 7, RETPTR};
            expect_outcome(fake_call_import(F, b, flat, NULL), CJ_TRAP_NONE, false, "");
            assert_memory_equal(fake_at(F, DATA + shift, 7), text, 7);
        }
    }
    fake_reset(F, MEMORY);
    memcpy(fake_at(F, DATA, 8), "abcdefgh", 8);
    cj_binding *b = make_import(functype(PARAMS(t_list(T, t_u8(T))), t_list(T, t_u8(T))), CJ_UTF8);
    fake_script(F, 1, FAKE_RETURN, DATA + 1);
    uint64_t flat[3] = {DATA, 8, RETPTR};
    expect_outcome(fake_call_import(F, b, flat, NULL), CJ_TRAP_NONE, false, "");
    assert_memory_equal(fake_at(F, DATA + 1, 8), "abcdefgh", 8);
}

/* -- Memory of the host -------------------------------------------------------------------------------------------- */

static cj_status take_memory(cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)args, (void)err;
    char *text = cj__call_alloc(ctx, 100, 1);
    assert_non_null(text);
    memset(text, 'y', 100);
    *(cj_string *)results = (cj_string){text, 100};
    return CJ_OK;
}

/* An import gives back what it took, from the arena and from the limit. */
static void test_import_gives_back(void **state)
{
    (void)state;
    host_body = take_memory;
    cj_binding *b = make_import(functype(PARAMS(t_string(T)), t_string(T)), CJ_UTF16);
    memset(fake_at(F, DATA, 64), 0, 64);
    uint64_t before = F->store.host_bytes;
    cj_arena_mark mark = cj__arena_mark(F->arena);
    for (int i = 0; i < 3; i++) {
        expect_outcome(fake_call_import(F, b, SLOTS(DATA, 32, RETPTR), NULL), CJ_TRAP_NONE, false, "");
        assert_int_equal(F->store.host_bytes, before);
        assert_ptr_equal(cj__arena_mark(F->arena).at, mark.at);
        assert_ptr_equal(cj__arena_mark(F->arena).chunk, mark.chunk);
    }
}

static void expect_host_limit(cj_trap got, bool in_results, const char *path)
{
    expect_outcome(got, CJ_TRAP_HOST_LIMIT, in_results, path);
    assert_string_equal(F->store.trap.detail, "max_host_bytes");
}

static void test_host_limit(void **state)
{
    (void)state;
    /* Exactly as much as allowed, and one byte less, in all ways to lift. */
    memset(fake_at(F, DATA, 64), 0, 64);
    fake_put32(F, BLOCK, DATA);
    fake_put32(F, BLOCK + 4, 8);
    core_result = BLOCK;
    struct {
        const cj_type *type;
        cj_encoding encoding;
        uint64_t bytes;
    } cases[] = {
        {t_string(T), CJ_UTF8, 8},           {t_string(T), CJ_UTF16, 8},
        {t_string(T), CJ_LATIN1_UTF16, 8},   {t_list(T, t_u32(T)), CJ_UTF8, 32},
        {t_list(T, t_char(T)), CJ_UTF8, 32}, {t_list(T, t_string(T)), CJ_UTF8, 8 * sizeof(cj_string)},
    };
    for (size_t i = 0; i < CJ_COUNT(cases); i++) {
        cj_list out;
        cj_binding *b = make_export(functype(NO_PARAMS, cases[i].type), cases[i].encoding, false);
        F->store.host_bytes = cases[i].bytes;
        expect_outcome(fake_call_export(F, b, NULL, &out), CJ_TRAP_NONE, false, "");
        assert_int_equal(F->store.host_bytes, 0);
        F->store.host_bytes = cases[i].bytes - 1;
        expect_host_limit(fake_call_export(F, b, NULL, &out), true, "result");
    }
    /* A string that is handed out in place counts, so that a million views of one long string are not a day's
     * validation. */
    cj_binding *b = make_import(functype(PARAMS(t_string(T)), NULL), CJ_UTF8);
    F->store.host_bytes = 8;
    expect_outcome(fake_call_import(F, b, SLOTS(DATA, 8), NULL), CJ_TRAP_NONE, false, "");
    F->store.host_bytes = 7;
    expect_host_limit(fake_call_import(F, b, SLOTS(DATA, 8), NULL), false, "param 0");
    /* A list in place costs nothing. */
    b = make_import(functype(PARAMS(t_list(T, t_u8(T))), NULL), CJ_UTF8);
    F->store.host_bytes = 0;
    expect_outcome(fake_call_import(F, b, SLOTS(DATA, 8), NULL), CJ_TRAP_NONE, false, "");
}

/* 64 pointers to one list of 64 pointers to one string of 1000 bytes: 16 of the lists and 6 strings fit in 1 MiB. */
static void test_amplification(void **state)
{
    (void)state;
    memset(fake_at(F, 3000, 1000), 'x', 1000);
    for (uint32_t i = 0; i < 64; i++) {
        fake_put32(F, 1024 + 8 * i, 2048);
        fake_put32(F, 1024 + 8 * i + 4, 64);
        fake_put32(F, 2048 + 8 * i, 3000);
        fake_put32(F, 2048 + 8 * i + 4, 1000);
    }
    fake_put32(F, BLOCK, 1024);
    fake_put32(F, BLOCK + 4, 64);
    core_result = BLOCK;
    const cj_type *type = t_list(T, t_list(T, t_string(T)));
    cj_list out;
    F->store.host_bytes = 1 << 20;
    expect_host_limit(fake_call_export(F, make_export(functype(NO_PARAMS, type), CJ_UTF8, false), NULL, &out), true,
                      "result[16][6]");
    F->store.host_bytes = 1 << 20;
    expect_host_limit(fake_call_import(F, make_import(functype(PARAMS(type), NULL), CJ_UTF8), SLOTS(1024, 64), NULL),
                      false, "param 0[16][6]");
}

static cj_status ask_for_too_much(cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)args, (void)results, (void)err;
    assert_null(cj__call_host_alloc(ctx, ctx->store->host_bytes + 1, 1));
    assert_non_null(cj__call_host_alloc(ctx, ctx->store->host_bytes, 1));
    return CJ_OK;
}

/* A host function that is refused memory and goes on leaves no trace for the next trap. */
static void test_host_function_refused_memory(void **state)
{
    (void)state;
    host_body = ask_for_too_much;
    F->store.host_bytes = 100;
    expect_outcome(fake_call_import(F, make_import(functype(NO_PARAMS, NULL), CJ_UTF8), NULL, NULL), CJ_TRAP_NONE,
                   false, "");
    assert_int_equal(F->store.host_bytes, 100);
}

/* Structs of the host that are too large for the stack, and for the limit. */
static void test_large_structs(void **state)
{
    (void)state;
    host_body = echo;
    const cj_type *big = t_u64(T);
    for (int i = 0; i < 9; i++)
        big = t_tuple(T, 2, big, big); /* 4 KiB */
    const cj_functype *type = functype(PARAMS(big), big);
    cj_binding *b = make_import(type, CJ_UTF8);
    fake_reset(F, 3 * 4096);
    for (uint32_t i = 0; i < 4096; i++)
        *fake_at(F, 4096 + i, 1) = (uint8_t)(i * 7);
    uint64_t flat[2] = {4096, 8192};
    expect_outcome(fake_call_import(F, b, flat, NULL), CJ_TRAP_NONE, false, "");
    assert_memory_equal(fake_at(F, 8192, 4096), fake_at(F, 4096, 4096), 4096);
    F->store.host_bytes = 4095;
    expect_host_limit(fake_call_import(F, b, flat, NULL), false, "");
    F->store.host_bytes = 8191;
    host_calls = 0;
    expect_host_limit(fake_call_import(F, b, flat, NULL), false, "");
    assert_int_equal(host_calls, 0);
    F->store.host_bytes = 8192;
    expect_outcome(fake_call_import(F, b, flat, NULL), CJ_TRAP_NONE, false, "");
}

/* A memory of no bytes has no address. */
static void test_empty_memory(void **state)
{
    (void)state;
    fake_reset(F, 0);
    uint64_t flat[2] = {0, 0};
    host_body = NULL;
    expect_outcome(fake_call_import(F, make_import(functype(PARAMS(t_string(T)), NULL), CJ_UTF8), flat, NULL),
                   CJ_TRAP_NONE, false, "");
    expect_outcome(fake_call_import(F, make_import(functype(PARAMS(t_list(T, t_u8(T))), NULL), CJ_UTF8), flat, NULL),
                   CJ_TRAP_NONE, false, "");
    expect_outcome(fake_call_import(F, make_import(functype(PARAMS(t_list(T, t_char(T))), NULL), CJ_UTF8), flat, NULL),
                   CJ_TRAP_NONE, false, "");
    flat[1] = 1;
    expect_outcome(fake_call_import(F, make_import(functype(PARAMS(t_string(T)), NULL), CJ_UTF8), flat, NULL),
                   CJ_TRAP_STRING_BOUNDS, false, "param 0");
    cj_list empty = {NULL, 0};
    fake_script(F, 1, FAKE_RETURN, 0);
    F->bump = 0;
    expect_outcome(
        fake_call_export(F, make_export(functype(PARAMS(t_list(T, t_u8(T))), NULL), CJ_UTF8, false), &empty, NULL),
        CJ_TRAP_NONE, false, "");
}

/* -- Properties ---------------------------------------------------------------------------------------------------- */

/* f: func(params) -> result, exported by a guest that calls an import of the same type with the very same flat
 * arguments, and returns what that returns. The host function sees the export's arguments and returns `echo_result`. */
static cj_binding *inner;
static const cj_functype *echo_type;
static const void *echo_args, *echo_result;

static cj_status compare_and_return(cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)ctx, (void)err;
    assert_true(args_equal(echo_type, echo_args, args));
    if (echo_type->result)
        memcpy(results, echo_result, echo_type->result->host_size);
    return CJ_OK;
}

static void pass_on(fake_engine *fake, void *user, uint64_t *flat)
{
    (void)user;
    uint64_t args[CJ_MAX_FLAT_PARAMS + 2], result = 0;
    const cj_core_sig *sig = &inner->plan->sig;
    memcpy(args, flat, sizeof(uint64_t) * (CJ_MAX_FLAT_PARAMS + 1));
    uint32_t retptr = 0;
    if (sig->spill_results) {
        retptr = fake_guest_alloc(fake, inner->plan->result_align, inner->plan->result_size);
        memset(fake_at(fake, retptr, inner->plan->result_size), FAKE_POISON, inner->plan->result_size);
        args[sig->param_count - 1] = retptr;
    }
    assert_true(fake_guest_import(fake, inner, args, &result));
    flat[0] = sig->spill_results ? retptr : result;
}

/* Everything that the guest has seen, for comparison. */
typedef struct guest_view {
    uint8_t *memory;
    uint32_t size;
    char *events;
} guest_view;

static guest_view look(void)
{
    guest_view view = {malloc(F->memory.page_count), F->memory.page_count, strdup(fake_events(F))};
    assert_non_null(view.memory);
    memcpy(view.memory, F->memory.data, view.size);
    return view;
}

static void round_trip(random_source *r, cj_binding *outer, uint32_t max_len, guest_view *view)
{
    fake_reset(F, MEMORY);
    F->grow_by = 256;
    void *args = random_args(r, echo_type, max_len, &pool);
    void *result = random_result(r, echo_type, max_len, &pool);
    void *out = pool_alloc(&pool, echo_type->result ? echo_type->result->host_size : 0);
    echo_args = args;
    echo_result = result;
    host_body = compare_and_return;
    cj_trap got = fake_call_export(F, outer, args, out);
    expect_outcome(got, CJ_TRAP_NONE, false, "");
    if (echo_type->result)
        assert_true(value_equal(echo_type->result, result, out));
    *view = look();
}

static void test_round_trips(void **state)
{
    (void)state;
    random_source r = random_new(3);
    for (int i = 0; i < (code_for ? 100 : 1500); i++) { /* compiling takes milliseconds */
        echo_type = random_functype(&r, T, 1 + random_below(&r, 6), 1 + random_below(&r, 4));
        cj_encoding encoding = (cj_encoding)random_below(&r, 3);
        inner = make_import(echo_type, encoding);
        cj_plan *plan = make_plan(echo_type, CJ_PLAN_EXPORT, encoding, false);
        cj_binding *outer = fake_export(F, plan, echo_type, pass_on, NULL, NULL);
        outer->code = code_for ? code_for(plan) : NULL;
        /* Twice, with other bytes in the host's padding: a guest must not see the difference. */
        uint64_t seed = random_u64(&r);
        uint32_t max_len = random_below(&r, 8);
        guest_view views[2];
        for (int pass = 0; pass < 2; pass++) {
            random_source again = random_new(seed);
            pool.fill = pass ? 0x33 : 0xcc;
            round_trip(&again, outer, max_len, &views[pass]);
        }
        assert_int_equal(views[0].size, views[1].size);
        assert_string_equal(views[0].events, views[1].events);
        if (views[0].size)
            assert_memory_equal(views[0].memory, views[1].memory, views[0].size);
        for (int pass = 0; pass < 2; pass++) {
            free(views[pass].memory);
            free(views[pass].events);
        }
        pool_reset(&pool);
    }
}

static cj_status touch_everything(cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)ctx, (void)results, (void)err;
    assert_true(args_equal(echo_type, args, args)); /* reads all of it */
    return CJ_OK;
}

/* Random flat arguments over random memory: traps or succeeds, and touches nothing outside (AddressSanitizer). */
static void test_garbage(void **state)
{
    (void)state;
    random_source r = random_new(4);
    uint32_t outcomes[CJ_TRAP_COUNT] = {0}, types = code_for ? 60 : 600, per_type = 20;
    cj_binding *import = NULL, *export = NULL;
    for (uint32_t i = 0; i < types * per_type; i++) {
        if (i % per_type == 0) {
            const cj_functype *type = random_functype(&r, T, 1 + random_below(&r, 4), 1 + random_below(&r, 4));
            cj_encoding encoding = (cj_encoding)random_below(&r, 3);
            cj_error err;
            echo_type = cj__functype_make(T, type->params, type->param_count, NULL, false, &err);
            import = make_import(echo_type, encoding);
            export = type->result ? make_export(functype(NO_PARAMS, type->result), encoding, false) : NULL;
        }
        uint32_t size = 64 + random_below(&r, 512);
        fake_reset(F, size);
        F->store.host_bytes = 1 << 20;
        for (uint32_t at = 0; at + 4 <= size; at += 4) /* mostly small, so that pointers and lengths are often good */
            fake_put32(F, at,
                       random_below(&r, 8) ? random_below(&r, 40) * (1 + random_below(&r, 2) * 3)
                                           : (uint32_t)random_u64(&r));
        uint64_t flat[CJ_MAX_FLAT_PARAMS + 1], result;
        for (size_t k = 0; k < CJ_COUNT(flat); k++)
            flat[k] = random_below(&r, 16) ? random_below(&r, 24) * (1 + random_below(&r, 2) * 7) : random_u64(&r);
        cj_trap got;
        if (export && i % 2) {
            const cj_type *type = export->info->type->result;
            core_body = NULL;
            core_result = flat[0];
            void *out = pool_alloc(&pool, type->host_size);
            got = fake_call_export(F, export, NULL, out);
            if (got == CJ_TRAP_NONE)
                assert_true(value_equal(type, out, out));
        } else {
            host_body = touch_everything;
            got = fake_call_import(F, import, flat, &result);
        }
        outcomes[got]++;
        pool_reset(&pool);
    }
    /* Not all of one kind. */
    assert_true(outcomes[CJ_TRAP_NONE] > types * per_type / 10);
    assert_true(outcomes[CJ_TRAP_DISCRIMINANT] > types * per_type / 200);
    assert_true(outcomes[CJ_TRAP_STRING_BOUNDS] > types * per_type / 200);
    assert_true(outcomes[CJ_TRAP_LIST_BOUNDS] > types * per_type / 200);
    assert_true(outcomes[CJ_TRAP_LIST_ALIGNMENT] > types * per_type / 1000);
}

/* -- All of them --------------------------------------------------------------------------------------------------- */

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int boundary_tests(const char *name, boundary_code_fn code)
{
    const struct CMUnitTest tests[] = {
        TEST(test_lift_numbers),
        TEST(test_lift_bool_and_flags),
        TEST(test_lift_char),
        TEST(test_lift_discriminant),
        TEST(test_lift_joined_slots),
        TEST(test_lift_string),
        TEST(test_lift_string_length),
        TEST(test_lift_string_alignment),
        TEST(test_lift_string_bounds),
        TEST(test_lift_string_encoding),
        TEST(test_lift_list),
        TEST(test_lift_list_traps),
        TEST(test_lift_paths),
        TEST(test_spilled_pointers),
        TEST(test_lower_numbers),
        TEST(test_lower_normalises),
        TEST(test_lower_variant_slots),
        TEST(test_lower_leaks_no_padding),
        TEST(test_lower_string_sequences),
        TEST(test_lower_string_bad_realloc),
        TEST(test_lower_string_growing_memory),
        TEST(test_lower_string_from_host),
        TEST(test_lower_list),
        TEST(test_lower_list_traps),
        TEST(test_lower_list_growing_memory),
        TEST(test_lower_spilled_block),
        TEST(test_post_return),
        TEST(test_core_traps),
        TEST(test_trap_in_nested_import),
        TEST(test_result_traps_before_post_return),
        TEST(test_may_leave),
        TEST(test_stack_low),
        TEST(test_host_errors),
        TEST(test_views),
        TEST(test_echoed_views),
        TEST(test_echo_onto_itself),
        TEST(test_import_gives_back),
        TEST(test_host_limit),
        TEST(test_amplification),
        TEST(test_host_function_refused_memory),
        TEST(test_large_structs),
        TEST(test_empty_memory),
        TEST(test_round_trips),
        TEST(test_garbage),
    };
    code_for = code;
    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
