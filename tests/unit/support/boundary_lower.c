/* boundary_lower.c: part of boundary.h: values that enter a guest: their bytes, the calls of realloc that the specification prescribes, what a
 * realloc that lies does.
 */
#include "boundary_rig.h"

#include "cmocka_all.h"
#include "fake_engine.h"
#include "make_types.h"
#include "random_values.h"

#include <stdlib.h>

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
                1030, 1 | WIDE_TAG, 0x100);
    EXPECT_WIDE(CJ_LATIN1_UTF16, "a\xc3\xa9\xe2\x82\xac!",
                "realloc(0,0,2,7)=1024 realloc(1024,7,2,14)=1032 realloc(1032,14,2,8)=1046 ", 1046, 4 | WIDE_TAG, 'a',
                0xe9, 0x20ac, '!');
    EXPECT_WIDE(CJ_LATIN1_UTF16, "0123456789\xf0\x9f\x98\x80",
                "realloc(0,0,2,14)=1024 realloc(1024,14,2,28)=1038 realloc(1038,28,2,24)=1066 ", 1066, 12 | WIDE_TAG,
                '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 0xd83d, 0xde00);
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
            assert_non_null(F->store.trap.running);
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

size_t boundary_lower_tests(struct CMUnitTest *out)
{
    const struct CMUnitTest tests[] = {
        BOUNDARY_TEST(test_lower_numbers),
        BOUNDARY_TEST(test_lower_normalises),
        BOUNDARY_TEST(test_lower_variant_slots),
        BOUNDARY_TEST(test_lower_leaks_no_padding),
        BOUNDARY_TEST(test_lower_string_sequences),
        BOUNDARY_TEST(test_lower_string_bad_realloc),
        BOUNDARY_TEST(test_lower_string_growing_memory),
        BOUNDARY_TEST(test_lower_string_from_host),
        BOUNDARY_TEST(test_lower_list),
        BOUNDARY_TEST(test_lower_list_traps),
        BOUNDARY_TEST(test_lower_list_growing_memory),
        BOUNDARY_TEST(test_lower_spilled_block),
    };
    memcpy(out, tests, sizeof(tests));
    return CJ_COUNT(tests);
}
