/* test_values.c: cj_val_store, cj_val_load, cj_val_equal: every kind, every complaint with its path. */
#include "support/cmocka_all.h"
#include "support/track_alloc.h"

#include <math.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/near.h"
#include "component/types.h"
#include "runtime/runtime.h"

typedef struct world {
    cj_types *types;
    cj_arena *arena;
    cj_error err;
} world;

static int set_up(void **state)
{
    world *w = calloc(1, sizeof(*w));
    w->types = cj__types_new(cj__alloc_or_default(NULL), 100);
    assert_int_equal(cj_arena_new(NULL, &w->arena), CJ_OK);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    world *w = *state;
    cj_arena_delete(w->arena);
    cj__types_delete(w->types);
    free(w);
    return 0;
}

/* -- Types and values ---------------------------------------------------------------------------------------------- */

static const cj_type *scalar(world *w, cj_kind kind)
{
    const cj_type *t = cj__type_scalar(w->types, kind, &w->err);
    assert_non_null(t);
    return t;
}

static const cj_type *make(world *w, cj_kind kind, const cj_param *members, uint32_t count)
{
    const cj_type *t = cj__type_make(w->types, kind, members, count, &w->err);
    assert_non_null(t);
    return t;
}

static const cj_type *make1(world *w, cj_kind kind, const cj_type *member)
{
    return make(w, kind, &(cj_param){CJ_STR(""), member}, 1);
}

/* result<ok, err>, either may be NULL. */
static const cj_type *result_of(world *w, const cj_type *ok, const cj_type *err)
{
    return make(w, CJ_KIND_RESULT, (cj_param[]){{CJ_STR(""), ok}, {CJ_STR(""), err}}, 2);
}

static cj_val val_u32(uint32_t n)
{
    return (cj_val){.kind = CJ_KIND_U32, .of.u32 = n};
}

static cj_val val_string(const char *text)
{
    return (cj_val){.kind = CJ_KIND_STRING, .of.string = {text, strlen(text)}};
}

static cj_val val_seq(cj_kind kind, cj_val *items, size_t len)
{
    return (cj_val){.kind = kind, .of.seq = {items, len}};
}

static cj_val val_choice(cj_kind kind, uint32_t index, cj_val *payload)
{
    return (cj_val){.kind = kind, .of.choice = {index, payload}};
}

/* Stores, loads back, and wants the same value. Gives where it was stored. */
static void *round_trip(world *w, const cj_type *type, const cj_val *val)
{
    void *at = cj_arena_alloc(w->arena, cj_type_size(type), cj_type_align(type));
    memset(at, 0xa5, cj_type_size(type));
    assert_int_equal(cj_val_store(type, val, at, w->arena, &w->err), CJ_OK);
    cj_val back;
    memset(&back, 0xa5, sizeof(back));
    assert_int_equal(cj_val_load(type, at, &back, w->arena, &w->err), CJ_OK);
    assert_true(cj_val_equal(val, &back));
    return at;
}

static void refuse(world *w, const cj_type *type, const cj_val *val, const char *where, const char *message)
{
    void *at = cj_arena_alloc(w->arena, cj_type_size(type), cj_type_align(type));
    assert_int_equal(cj_val_store(type, val, at, w->arena, &w->err), CJ_MISUSE);
    assert_int_equal(w->err.status, CJ_MISUSE);
    assert_string_equal(w->err.where, where);
    assert_non_null(strstr(w->err.message, message));
    assert_int_equal(cj_val_store(type, val, at, w->arena, NULL), CJ_MISUSE);
}

/* -- Every kind ---------------------------------------------------------------------------------------------------- */

static void test_scalars(void **state)
{
    world *w = *state;
    struct {
        cj_val val;
        size_t size;
        uint64_t bits;
    } cases[] = {
        {{.kind = CJ_KIND_BOOL, .of.b = true}, 1, 1},
        {{.kind = CJ_KIND_BOOL, .of.b = false}, 1, 0},
        {{.kind = CJ_KIND_S8, .of.s8 = -128}, 1, 0x80},
        {{.kind = CJ_KIND_U8, .of.u8 = 255}, 1, 0xff},
        {{.kind = CJ_KIND_S16, .of.s16 = -2}, 2, 0xfffe},
        {{.kind = CJ_KIND_U16, .of.u16 = 65535}, 2, 0xffff},
        {{.kind = CJ_KIND_S32, .of.s32 = INT32_MIN}, 4, 0x80000000},
        {{.kind = CJ_KIND_U32, .of.u32 = 0xdeadbeef}, 4, 0xdeadbeef},
        {{.kind = CJ_KIND_S64, .of.s64 = -3}, 8, UINT64_MAX - 2},
        {{.kind = CJ_KIND_U64, .of.u64 = UINT64_MAX}, 8, UINT64_MAX},
        {{.kind = CJ_KIND_F32, .of.f32 = 1.5f}, 4, 0x3fc00000},
        {{.kind = CJ_KIND_F64, .of.f64 = -0.0}, 8, 0x8000000000000000},
        {{.kind = CJ_KIND_CHAR, .of.ch = 0x10ffff}, 4, 0x10ffff},
        {{.kind = CJ_KIND_CHAR, .of.ch = 0xd7ff}, 4, 0xd7ff},
        {{.kind = CJ_KIND_CHAR, .of.ch = 0xe000}, 4, 0xe000},
    };
    for (size_t i = 0; i < CJ_COUNT(cases); i++) {
        const cj_type *type = scalar(w, cases[i].val.kind);
        assert_int_equal(cj_type_size(type), cases[i].size);
        uint64_t bits = 0;
        memcpy(&bits, round_trip(w, type, &cases[i].val), cases[i].size);
        assert_int_equal(bits, cases[i].bits);
    }
}

static void test_bool_byte_is_normalised(void **state)
{
    world *w = *state;
    uint8_t seven = 7;
    cj_val out;
    assert_int_equal(cj_val_load(scalar(w, CJ_KIND_BOOL), &seven, &out, w->arena, &w->err), CJ_OK);
    assert_true(out.of.b);
    cj_val back = {.kind = CJ_KIND_BOOL, .of.b = true};
    assert_true(cj_val_equal(&out, &back));
}

static void test_char_checks(void **state)
{
    world *w = *state;
    const cj_type *type = scalar(w, CJ_KIND_CHAR);
    static const uint32_t bad[] = {0x110000, 0xd800, 0xdfff, UINT32_MAX};
    for (size_t i = 0; i < CJ_COUNT(bad); i++)
        refuse(w, type, &(cj_val){.kind = CJ_KIND_CHAR, .of.ch = bad[i]}, "", "not a Unicode scalar value");
}

static void test_strings(void **state)
{
    world *w = *state;
    const cj_type *type = scalar(w, CJ_KIND_STRING);
    cj_val v = val_string("Grüße \xf0\x9f\x8e\x89");
    cj_string s;
    memcpy(&s, round_trip(w, type, &v), sizeof(s));
    assert_ptr_equal(s.ptr, v.of.string.ptr); /* stays where it is */
    round_trip(w, type, &(cj_val){.kind = CJ_KIND_STRING});
    round_trip(w, type, &(cj_val){.kind = CJ_KIND_STRING, .of.string = {"a\0b", 3}});

    refuse(w, type, &(cj_val){.kind = CJ_KIND_STRING, .of.string = {NULL, 1}}, "", "has no pointer");
    refuse(w, type, &(cj_val){.kind = CJ_KIND_STRING, .of.string = {"x", (size_t)1 << 28}}, "", "longer than 2^28-1");
    v = val_string("ab\xc3");
    refuse(w, type, &v, "", "not valid UTF-8 at byte 2");
    v = val_string("\xed\xa0\x80");
    refuse(w, type, &v, "", "not valid UTF-8 at byte 0");
}

static void test_lists(void **state)
{
    world *w = *state;
    const cj_type *u16 = scalar(w, CJ_KIND_U16), *list = make1(w, CJ_KIND_LIST, u16),
                  *lists = make1(w, CJ_KIND_LIST, list);
    cj_val items[3] = {
        {.kind = CJ_KIND_U16, .of.u16 = 1}, {.kind = CJ_KIND_U16, .of.u16 = 2}, {.kind = CJ_KIND_U16, .of.u16 = 3}};
    cj_val inner[2] = {val_seq(CJ_KIND_LIST, items, 3), val_seq(CJ_KIND_LIST, NULL, 0)};
    cj_val v = val_seq(CJ_KIND_LIST, inner, 2);
    cj_list stored;
    memcpy(&stored, round_trip(w, lists, &v), sizeof(stored));
    assert_int_equal(stored.len, 2);
    const cj_list *first = stored.ptr;
    assert_int_equal(first[0].len, 3);
    assert_memory_equal(first[0].ptr, ((uint16_t[]){1, 2, 3}), 6);
    assert_int_equal(first[1].len, 0);

    cj_val bad = val_seq(CJ_KIND_LIST, NULL, 2);
    refuse(w, list, &bad, "", "has no pointer");
    bad = val_seq(CJ_KIND_LIST, items, (size_t)1 << 27); /* as many bytes as 2^28 */
    refuse(w, list, &bad, "", "longer than 2^28-1 bytes");
    items[2] = val_u32(3);
    refuse(w, lists, &v, "[0][2]", "expected u16, got u32");
}

/* Lists of numbers have loops of their own: every kind, at its ends. */
static void test_lists_of_numbers(void **state)
{
    world *w = *state;
    for (cj_kind kind = CJ_KIND_S8; kind <= CJ_KIND_F64; kind++) {
        const cj_type *elem = scalar(w, kind), *list = make1(w, CJ_KIND_LIST, elem);
        cj_val items[5];
        uint8_t expected[5 * 8];
        for (uint32_t i = 0; i < 5; i++) {
            items[i] = (cj_val){.kind = kind, .of.u64 = UINT64_C(0x0123456789abcdef) * (i + 1)};
            memcpy(expected + i * cj_type_size(elem), &items[i].of, cj_type_size(elem));
        }
        cj_val v = val_seq(CJ_KIND_LIST, items, 5);
        cj_list stored;
        memcpy(&stored, round_trip(w, list, &v), sizeof(stored));
        assert_int_equal(stored.len, 5);
        assert_memory_equal(stored.ptr, expected, 5 * cj_type_size(elem));
        items[4].kind = CJ_KIND_BOOL;
        refuse(w, list, &v, "[4]", "got bool");
        items[0].kind = CJ_KIND_BOOL;
        refuse(w, list, &v, "[0]", "got bool");
    }
}

static void test_records(void **state)
{
    world *w = *state;
    const cj_type *record = make(w, CJ_KIND_RECORD,
                                 (cj_param[]){{CJ_STR("a"), scalar(w, CJ_KIND_U8)},
                                              {CJ_STR("long-name"), scalar(w, CJ_KIND_STRING)},
                                              {CJ_STR("c"), scalar(w, CJ_KIND_U16)}},
                                 3);
    cj_val fields[3] = {{.kind = CJ_KIND_U8, .of.u8 = 9}, val_string("x"), {.kind = CJ_KIND_U16, .of.u16 = 7}};
    cj_val v = val_seq(CJ_KIND_RECORD, fields, 3);
    struct {
        uint8_t a;
        cj_string b;
        uint16_t c;
    } stored;
    assert_int_equal(cj_type_size(record), sizeof(stored));
    memcpy(&stored, round_trip(w, record, &v), sizeof(stored));
    assert_int_equal(stored.a, 9);
    assert_int_equal(stored.b.len, 1);
    assert_int_equal(stored.c, 7);

    cj_val bad = val_seq(CJ_KIND_RECORD, fields, 2);
    refuse(w, record, &bad, "", "record has 3 members, 2 were given");
    bad = val_seq(CJ_KIND_RECORD, NULL, 3);
    refuse(w, record, &bad, "", "has no pointer");
    bad = val_seq(CJ_KIND_TUPLE, fields, 3);
    refuse(w, record, &bad, "", "got tuple");
    fields[1] = val_u32(1);
    refuse(w, record, &v, ".long-name", "expected string, got u32");

    const cj_type *tuple =
        make(w, CJ_KIND_TUPLE, (cj_param[]){{CJ_STR(""), record}, {CJ_STR(""), scalar(w, CJ_KIND_BOOL)}}, 2);
    cj_val pair[2] = {v, {.kind = CJ_KIND_BOOL}};
    bad = val_seq(CJ_KIND_TUPLE, pair, 2);
    refuse(w, tuple, &bad, ".0 .long-name", "expected string");
    fields[1] = val_string("");
    round_trip(w, tuple, &bad);
}

/* Bytes that a value does not use are zero, so that nothing of the host's memory is there to leak. */
static void test_padding_is_zeroed(void **state)
{
    world *w = *state;
    const cj_type *pair = make(
        w, CJ_KIND_TUPLE, (cj_param[]){{CJ_STR(""), scalar(w, CJ_KIND_U8)}, {CJ_STR(""), scalar(w, CJ_KIND_U64)}}, 2);
    const cj_type *list = make1(w, CJ_KIND_LIST, pair);
    cj_val items[2] = {{.kind = CJ_KIND_U8, .of.u8 = 0xff}, {.kind = CJ_KIND_U64, .of.u64 = UINT64_MAX}};
    cj_val tuple = val_seq(CJ_KIND_TUPLE, items, 2), v = val_seq(CJ_KIND_LIST, &tuple, 1);
    static const uint8_t expected[16] = {0xff, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    cj_list stored;
    memcpy(&stored, round_trip(w, list, &v), sizeof(stored));
    assert_memory_equal(stored.ptr, expected, sizeof(expected));

    const cj_type *option = make1(w, CJ_KIND_OPTION, scalar(w, CJ_KIND_U64));
    cj_val none = val_choice(CJ_KIND_OPTION, 0, NULL);
    static const uint8_t zero[16];
    assert_memory_equal(round_trip(w, option, &none), zero, 16);
}

static void test_variants(void **state)
{
    world *w = *state;
    const cj_type *variant = make(w, CJ_KIND_VARIANT,
                                  (cj_param[]){{CJ_STR("empty"), NULL},
                                               {CJ_STR("number"), scalar(w, CJ_KIND_F64)},
                                               {CJ_STR("names"), make1(w, CJ_KIND_LIST, scalar(w, CJ_KIND_STRING))}},
                                  3);
    cj_val number = {.kind = CJ_KIND_F64, .of.f64 = 2.5}, names[2] = {val_string("a"), val_string("b")};
    cj_val list = val_seq(CJ_KIND_LIST, names, 2), v = val_choice(CJ_KIND_VARIANT, 0, NULL);
    round_trip(w, variant, &v);
    v = val_choice(CJ_KIND_VARIANT, 1, &number);
    struct {
        uint8_t tag;
        union {
            double number;
            cj_list names;
        } of;
    } stored;
    assert_int_equal(cj_type_size(variant), sizeof(stored));
    memcpy(&stored, round_trip(w, variant, &v), sizeof(stored));
    assert_int_equal(stored.tag, 1);
    assert_true(stored.of.number == 2.5);
    v = val_choice(CJ_KIND_VARIANT, 2, &list);
    round_trip(w, variant, &v);

    names[1] = val_string("\xff");
    refuse(w, variant, &v, ".names[1]", "UTF-8");
    v = val_choice(CJ_KIND_VARIANT, 3, &number);
    refuse(w, variant, &v, "", "case 3 of variant: it has 3 cases");
    v = val_choice(CJ_KIND_VARIANT, 0, &number);
    refuse(w, variant, &v, "", "has no payload, one was given");
    v = val_choice(CJ_KIND_VARIANT, 1, NULL);
    refuse(w, variant, &v, "", "has a payload, none was given");
    v = val_choice(CJ_KIND_VARIANT, 1, &list);
    refuse(w, variant, &v, ".number", "expected f64, got list");
}

static void test_enum_option_result(void **state)
{
    world *w = *state;
    const cj_type *colours = make(w, CJ_KIND_ENUM, (cj_param[]){{CJ_STR("red"), NULL}, {CJ_STR("green"), NULL}}, 2);
    cj_val v = val_choice(CJ_KIND_ENUM, 1, NULL), payload = val_u32(5), deeper;
    assert_int_equal(*(uint8_t *)round_trip(w, colours, &v), 1);
    v = val_choice(CJ_KIND_ENUM, 2, NULL);
    refuse(w, colours, &v, "", "case 2 of enum: it has 2 cases");
    v = val_choice(CJ_KIND_ENUM, 1, &payload);
    refuse(w, colours, &v, "", "one was given");

    const cj_type *option = make1(w, CJ_KIND_OPTION, scalar(w, CJ_KIND_U32)),
                  *nested = make1(w, CJ_KIND_OPTION, option);
    v = val_choice(CJ_KIND_OPTION, 1, &payload);
    round_trip(w, option, &v);
    deeper = val_choice(CJ_KIND_OPTION, 1, &v);
    round_trip(w, nested, &deeper);
    v = val_choice(CJ_KIND_OPTION, 0, NULL);
    round_trip(w, nested, &deeper);
    payload = val_string("no number");
    v = val_choice(CJ_KIND_OPTION, 1, &payload);
    refuse(w, nested, &deeper, ".some .some", "expected u32, got string");
    v = val_choice(CJ_KIND_OPTION, 2, &payload);
    refuse(w, option, &v, "", "it has 2 cases");

    const cj_type *both = result_of(w, scalar(w, CJ_KIND_STRING), scalar(w, CJ_KIND_U32)),
                  *none = result_of(w, NULL, NULL);
    const cj_type *only_err = result_of(w, NULL, scalar(w, CJ_KIND_U32));
    v = val_choice(CJ_KIND_RESULT, 0, &payload);
    round_trip(w, both, &v);
    payload = val_u32(4);
    v = val_choice(CJ_KIND_RESULT, 1, &payload);
    round_trip(w, both, &v);
    round_trip(w, only_err, &v);
    refuse(w, none, &v, "", "has no payload");
    v = val_choice(CJ_KIND_RESULT, 0, NULL);
    round_trip(w, only_err, &v);
    assert_int_equal(*(uint8_t *)round_trip(w, none, &v), 0);
    v = val_choice(CJ_KIND_RESULT, 2, NULL);
    refuse(w, none, &v, "", "it has 2 cases");
    payload = val_string("x");
    v = val_choice(CJ_KIND_RESULT, 1, &payload);
    refuse(w, both, &v, ".err", "expected u32");
}

static void test_wide_discriminants(void **state)
{
    world *w = *state;
    enum { MANY = 70000 };
    cj_param *cases = calloc(MANY, sizeof(*cases));
    char(*names)[8] = calloc(MANY, sizeof(*names));
    for (uint32_t i = 0; i < MANY; i++) {
        int n = snprintf(names[i], sizeof(names[i]), "c%u", i);
        cases[i] = (cj_param){{names[i], (size_t)n}, NULL};
    }
    const struct {
        uint32_t count;
        size_t size;
    } table[] = {{256, 1}, {257, 2}, {65536, 2}, {65537, 4}};
    for (size_t i = 0; i < CJ_COUNT(table); i++) {
        const cj_type *type = make(w, CJ_KIND_ENUM, cases, table[i].count);
        cj_val v = val_choice(CJ_KIND_ENUM, table[i].count - 1, NULL);
        uint32_t stored = 0;
        assert_int_equal(cj_type_size(type), table[i].size);
        memcpy(&stored, round_trip(w, type, &v), table[i].size);
        assert_int_equal(stored, table[i].count - 1);
    }
    free(cases);
    free(names);
}

static void test_flags(void **state)
{
    world *w = *state;
    cj_param labels[32];
    char names[32][4];
    for (uint32_t i = 0; i < 32; i++) {
        int n = snprintf(names[i], sizeof(names[i]), "f%u", i);
        labels[i] = (cj_param){{names[i], (size_t)n}, NULL};
    }
    const struct {
        uint32_t count;
        size_t size;
    } table[] = {{1, 1}, {8, 1}, {9, 2}, {16, 2}, {17, 4}, {31, 4}, {32, 4}};
    for (size_t i = 0; i < CJ_COUNT(table); i++) {
        const cj_type *type = make(w, CJ_KIND_FLAGS, labels, table[i].count);
        uint32_t all = table[i].count == 32 ? UINT32_MAX : (1u << table[i].count) - 1, stored = 0;
        cj_val v = {.kind = CJ_KIND_FLAGS, .of.flags = all};
        assert_int_equal(cj_type_size(type), table[i].size);
        memcpy(&stored, round_trip(w, type, &v), table[i].size);
        assert_int_equal(stored, all);
        if (table[i].count < 32) {
            v.of.flags = 1u << table[i].count;
            refuse(w, type, &v, "", "labels are set");
        }
    }
}

static void test_handles(void **state)
{
    world *w = *state;
    const cj_type *own = cj__type_handle(w->types, CJ_KIND_OWN, 1, &w->err),
                  *borrow = cj__type_handle(w->types, CJ_KIND_BORROW, 1, &w->err);
    cj_val v = {.kind = CJ_KIND_OWN, .of.handle = 0xfffffffe};
    uint32_t stored;
    memcpy(&stored, round_trip(w, own, &v), 4);
    assert_int_equal(stored, 0xfffffffe);
    refuse(w, borrow, &v, "", "got own");
}

/* -- Loading what nobody stored ------------------------------------------------------------------------------------ */

static void test_bad_discriminants_in_memory(void **state)
{
    world *w = *state;
    uint8_t bytes[16] = {9};
    cj_val out;
    const cj_type *types[] = {
        make(w, CJ_KIND_ENUM, (cj_param[]){{CJ_STR("one"), NULL}}, 1),
        make1(w, CJ_KIND_OPTION, scalar(w, CJ_KIND_U64)),
        result_of(w, NULL, NULL),
        make(w, CJ_KIND_VARIANT, (cj_param[]){{CJ_STR("a"), scalar(w, CJ_KIND_U64)}, {CJ_STR("b"), NULL}}, 2),
    };
    for (size_t i = 0; i < CJ_COUNT(types); i++) {
        assert_int_equal(cj_val_load(types[i], bytes, &out, w->arena, &w->err), CJ_MISUSE);
        assert_non_null(strstr(w->err.message, "discriminant 9"));
    }
    cj_list list = {bytes, 3};
    assert_int_equal(cj_val_load(make1(w, CJ_KIND_LIST, types[0]), &list, &out, w->arena, &w->err), CJ_MISUSE);
    assert_string_equal(w->err.where, "[0]");
}

static void test_nulls(void **state)
{
    world *w = *state;
    const cj_type *type = scalar(w, CJ_KIND_U32);
    cj_val v = val_u32(1);
    uint32_t at;
    assert_int_equal(cj_val_store(NULL, &v, &at, w->arena, &w->err), CJ_MISUSE);
    assert_int_equal(cj_val_store(type, NULL, &at, w->arena, &w->err), CJ_MISUSE);
    assert_int_equal(cj_val_store(type, &v, NULL, w->arena, &w->err), CJ_MISUSE);
    assert_int_equal(cj_val_store(type, &v, &at, NULL, NULL), CJ_MISUSE);
    assert_int_equal(cj_val_load(NULL, &at, &v, w->arena, &w->err), CJ_MISUSE);
    assert_int_equal(cj_val_load(type, NULL, &v, w->arena, &w->err), CJ_MISUSE);
    assert_int_equal(cj_val_load(type, &at, NULL, w->arena, &w->err), CJ_MISUSE);
    assert_int_equal(cj_val_load(type, &at, &v, NULL, NULL), CJ_MISUSE);
    refuse(w, type, &(cj_val){.kind = CJ_KIND_COUNT}, "", "a value of no kind");
}

/* -- Limits -------------------------------------------------------------------------------------------------------- */

static void test_load_budget(void **state)
{
    world *w = *state;
    const cj_type *list = make1(w, CJ_KIND_LIST, scalar(w, CJ_KIND_U8));
    uint8_t bytes[100] = {0};
    cj_list stored = {bytes, sizeof(bytes)};
    uint64_t budget = 100 * sizeof(cj_val);
    cj_val_io io = {.arena = w->arena, .budget = &budget, .root = CJ_ROOT_RESULT, .err = &w->err};
    cj_val out;
    assert_int_equal(cj__val_load(&io, list, &stored, &out), CJ_OK);
    assert_int_equal(budget, 0);
    budget = 100 * sizeof(cj_val) - 1;
    assert_int_equal(cj__val_load(&io, list, &stored, &out), CJ_LIMIT);
    assert_non_null(strstr(w->err.message, "max_host_bytes"));
    assert_string_equal(w->err.where, "result");
    assert_int_equal(budget, 100 * sizeof(cj_val) - 1);
}

static void test_deep_types(void **state)
{
    world *w = *state;
    enum { DEPTH = 99 };
    const cj_type *type = scalar(w, CJ_KIND_U32);
    cj_val vals[DEPTH + 1];
    vals[0] = val_u32(42);
    for (int i = 1; i <= DEPTH; i++) {
        type = make1(w, CJ_KIND_OPTION, type);
        vals[i] = val_choice(CJ_KIND_OPTION, 1, &vals[i - 1]);
    }
    round_trip(w, type, &vals[DEPTH]);
    vals[0].kind = CJ_KIND_S32;
    void *at = cj_arena_alloc(w->arena, cj_type_size(type), cj_type_align(type));
    assert_int_equal(cj_val_store(type, &vals[DEPTH], at, w->arena, &w->err), CJ_MISUSE);
    assert_int_equal(strncmp(w->err.where, ".some .some .some", 17), 0); /* cut to fit, terminated */
    assert_true(strlen(w->err.where) < sizeof(w->err.where));
}

static void test_out_of_memory(void **state)
{
    world *w = *state;
    const cj_type *list = make1(w, CJ_KIND_LIST, make1(w, CJ_KIND_LIST, scalar(w, CJ_KIND_U64)));
    cj_val items[64];
    for (size_t i = 0; i < 64; i++)
        items[i] = (cj_val){.kind = CJ_KIND_U64, .of.u64 = i};
    cj_val inner[100];
    for (size_t i = 0; i < 100; i++)
        inner[i] = val_seq(CJ_KIND_LIST, items, 64);
    cj_val v = val_seq(CJ_KIND_LIST, inner, 100), back;
    bool failed_store = false, failed_load = false, passed = false;
    for (uint64_t nth = 3; !passed; nth++) { /* 1 and 2 make the arena itself */
        track_alloc t;
        track_init(&t);
        t.fail_at = nth;
        cj_arena *arena;
        assert_int_equal(cj_arena_new(&t.hook, &arena), CJ_OK);
        cj_list at;
        cj_status status = cj_val_store(list, &v, &at, arena, &w->err);
        if (status == CJ_OK) {
            status = cj_val_load(list, &at, &back, arena, &w->err);
            passed = status == CJ_OK;
            failed_load |= !passed;
        } else {
            failed_store = true;
        }
        if (!passed) {
            assert_int_equal(status, CJ_NO_MEMORY);
            assert_int_equal(w->err.status, CJ_NO_MEMORY);
        } else {
            assert_true(cj_val_equal(&v, &back));
        }
        cj_arena_delete(arena);
        assert_int_equal(t.live_blocks, 0);
    }
    assert_true(failed_store && failed_load);
}

/* -- Equality ------------------------------------------------------------------------------------------------------ */

static void test_equal(void **state)
{
    (void)state;
    cj_val a = {.kind = CJ_KIND_F32, .of.f32 = NAN}, b = {.kind = CJ_KIND_F32, .of.f32 = -NAN};
    assert_true(cj_val_equal(&a, &b));
    b.of.f32 = 1;
    assert_false(cj_val_equal(&a, &b));
    a = (cj_val){.kind = CJ_KIND_F64, .of.f64 = 0.0};
    b = (cj_val){.kind = CJ_KIND_F64, .of.f64 = -0.0};
    assert_false(cj_val_equal(&a, &b));
    a.of.f64 = NAN;
    b.of.f64 = NAN;
    assert_true(cj_val_equal(&a, &b));
    a = (cj_val){.kind = CJ_KIND_U32, .of.u32 = 1};
    b = (cj_val){.kind = CJ_KIND_S32, .of.s32 = 1};
    assert_false(cj_val_equal(&a, &b));
    a = (cj_val){.kind = CJ_KIND_U8, .of.u64 = 0x101};
    b = (cj_val){.kind = CJ_KIND_U8, .of.u64 = 0x201}; /* bytes behind the member do not count */
    assert_true(cj_val_equal(&a, &b));
    b.of.u8 = 2;
    assert_false(cj_val_equal(&a, &b));

    cj_val s1 = val_string("abc"), s2 = val_string("abd"), s3 = val_string("ab");
    assert_true(cj_val_equal(&s1, &s1));
    assert_false(cj_val_equal(&s1, &s2));
    assert_false(cj_val_equal(&s1, &s3));
    cj_val e1 = {.kind = CJ_KIND_STRING}, e2 = {.kind = CJ_KIND_STRING, .of.string = {"x", 0}};
    assert_true(cj_val_equal(&e1, &e2));

    cj_val x[2] = {val_u32(1), val_u32(2)}, y[2] = {val_u32(1), val_u32(3)};
    a = val_seq(CJ_KIND_LIST, x, 2);
    b = val_seq(CJ_KIND_LIST, y, 2);
    assert_false(cj_val_equal(&a, &b));
    b = val_seq(CJ_KIND_LIST, y, 1);
    assert_false(cj_val_equal(&a, &b));
    a = val_seq(CJ_KIND_LIST, x, 1);
    assert_true(cj_val_equal(&a, &b));

    a = val_choice(CJ_KIND_VARIANT, 1, &x[0]);
    b = val_choice(CJ_KIND_VARIANT, 1, &x[1]);
    assert_false(cj_val_equal(&a, &b));
    b = val_choice(CJ_KIND_VARIANT, 1, NULL);
    assert_false(cj_val_equal(&a, &b));
    b = val_choice(CJ_KIND_VARIANT, 1, &y[0]);
    assert_true(cj_val_equal(&a, &b));
    b = val_choice(CJ_KIND_VARIANT, 0, &y[0]);
    assert_false(cj_val_equal(&a, &b));
    assert_false(cj_val_equal(&a, NULL));
    assert_true(cj_val_equal(NULL, NULL));
}

/* -- Names that are nearly right ----------------------------------------------------------------------------------- */

static void near(const char *wanted, const char *const *names, size_t count, const char *expected)
{
    cj_near n;
    char hint[160];
    cj__near_start(&n, wanted);
    for (size_t i = 0; i < count; i++)
        cj__near_offer(&n, names[i]);
    cj__near_finish(&n, hint, sizeof(hint));
    assert_string_equal(hint, expected);
}

static void test_near_names(void **state)
{
    (void)state;
    static const char *const names[] = {"demo:shop/till@1.2.0#total", "greet", "great-circle", "add", "sub"};
    near("gret", names, 5, "; did you mean \"greet\"?");
    near("total", names, 5, "; did you mean \"demo:shop/till@1.2.0#total\"?");
    near("demo:shop/till@1.0.0#total", names, 5, "; did you mean \"demo:shop/till@1.2.0#total\"?");
    near("dad", names, 5, "; did you mean \"add\"?");
    near("sud", names, 5, "; did you mean \"sub\" or \"add\"?");
    near("entirely-different", names, 5, "");
    near("x", names, 0, "");

    char longest[400], hint[64];
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = 0;
    cj_near n;
    cj__near_start(&n, longest);
    cj__near_offer(&n, longest);
    cj__near_offer(&n, "");
    cj__near_finish(&n, hint, sizeof(hint)); /* does not fit: left out whole */
    assert_string_equal(hint, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(test_scalars),
        T(test_bool_byte_is_normalised),
        T(test_char_checks),
        T(test_strings),
        T(test_lists),
        T(test_lists_of_numbers),
        T(test_records),
        T(test_padding_is_zeroed),
        T(test_variants),
        T(test_enum_option_result),
        T(test_wide_discriminants),
        T(test_flags),
        T(test_handles),
        T(test_bad_discriminants_in_memory),
        T(test_nulls),
        T(test_load_budget),
        T(test_deep_types),
        T(test_out_of_memory),
        T(test_equal),
        T(test_near_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
