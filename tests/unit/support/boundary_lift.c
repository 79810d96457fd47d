/* boundary_lift.c: part of boundary.h: values that leave a guest, flat and in memory: every type, every trap of its checks, and the path that the
 * trap names.
 */
#include "boundary_rig.h"

#include "cmocka_all.h"
#include "fake_engine.h"
#include "make_types.h"
#include "random_values.h"

#include <stdlib.h>

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
    expect_string_lift(CJ_LATIN1_UTF16, DATA, 6 | WIDE_TAG, CJ_TRAP_NONE, "h\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80!");
    memcpy(fake_at(F, DATA, 4), "h\xe9\xff\x80", 4);
    expect_string_lift(CJ_LATIN1_UTF16, DATA, 4, CJ_TRAP_NONE, "h\xc3\xa9\xc3\xbf\xc2\x80");
    for (cj_encoding e = CJ_UTF8; e <= CJ_LATIN1_UTF16; e++)
        expect_string_lift(e, DATA, 0, CJ_TRAP_NONE, "");
    expect_string_lift(CJ_LATIN1_UTF16, DATA, WIDE_TAG, CJ_TRAP_NONE, "");
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
    expect_string_lift(CJ_LATIN1_UTF16, DATA, 0x08000000 | WIDE_TAG, CJ_TRAP_STRING_LENGTH, NULL);
    expect_string_lift(CJ_LATIN1_UTF16, DATA, 0x07ffffff | WIDE_TAG, CJ_TRAP_STRING_BOUNDS, NULL);
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
    expect_string_lift(CJ_LATIN1_UTF16, DATA + 1, 1 | WIDE_TAG, CJ_TRAP_STRING_ALIGNMENT, NULL);
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
    expect_string_lift(CJ_LATIN1_UTF16, MEMORY - 4, 2 | WIDE_TAG, CJ_TRAP_NONE, "ab");
    expect_string_lift(CJ_LATIN1_UTF16, MEMORY - 4, 3 | WIDE_TAG, CJ_TRAP_STRING_BOUNDS, NULL);
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
        expect_string_lift(CJ_LATIN1_UTF16, DATA + at, 2 | WIDE_TAG, CJ_TRAP_STRING_UTF16, NULL);
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

size_t boundary_lift_tests(struct CMUnitTest *out)
{
    const struct CMUnitTest tests[] = {
        BOUNDARY_TEST(test_lift_numbers),       BOUNDARY_TEST(test_lift_bool_and_flags),
        BOUNDARY_TEST(test_lift_char),          BOUNDARY_TEST(test_lift_discriminant),
        BOUNDARY_TEST(test_lift_joined_slots),  BOUNDARY_TEST(test_lift_string),
        BOUNDARY_TEST(test_lift_string_length), BOUNDARY_TEST(test_lift_string_alignment),
        BOUNDARY_TEST(test_lift_string_bounds), BOUNDARY_TEST(test_lift_string_encoding),
        BOUNDARY_TEST(test_lift_list),          BOUNDARY_TEST(test_lift_list_traps),
        BOUNDARY_TEST(test_lift_paths),         BOUNDARY_TEST(test_spilled_pointers),
    };
    memcpy(out, tests, sizeof(tests));
    return CJ_COUNT(tests);
}
