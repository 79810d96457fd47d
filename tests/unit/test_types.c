/* test_types.c: interning, canonical and host layout, flattening, copy classes, core signatures, WIT text.
 *
 * Expected numbers were derived by hand from the spec ("Alignment", "Element Size", "Flattening"); the host layout is
 * held against C structs; random types are held against a naive version of the spec's functions, which recurses.
 */
#include "support/cmocka_all.h"
#include "support/make_types.h"
#include "support/track_alloc.h"

static cj_types *T;

static int set_up(void **state)
{
    (void)state;
    T = cj__types_new(NULL, 100);
    return T ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    cj__types_delete(T);
    return 0;
}

static const char *flat_text(const cj_type *type)
{
    static char text[CJ_FLAT_OVER + 1];
    assert_true(type->flat_count <= CJ_FLAT_OVER);
    for (uint32_t i = 0; i < type->flat_count; i++)
        text[i] = cj__core_letter(type->flat[i]);
    text[type->flat_count] = 0;
    return text;
}

static void expect_layout(const cj_type *type, uint32_t size, uint32_t align, const char *flat)
{
    assert_int_equal(type->size, size);
    assert_int_equal(type->align, align);
    assert_string_equal(flat_text(type), flat);
}

static void expect_offsets(const cj_type *type, const uint32_t *offsets)
{
    for (uint32_t i = 0; i < type->count; i++)
        assert_int_equal(type->members[i].offset, offsets[i]);
}

/* -- Canonical layout ---------------------------------------------------------------------------------------------- */

static void test_scalars(void **state)
{
    (void)state;
    static const struct {
        cj_kind kind;
        uint32_t size, align;
        const char *flat;
        bool plain;
    } cases[] = {
        {CJ_KIND_BOOL, 1, 1, "i", false},    {CJ_KIND_S8, 1, 1, "i", true},  {CJ_KIND_U8, 1, 1, "i", true},
        {CJ_KIND_S16, 2, 2, "i", true},      {CJ_KIND_U16, 2, 2, "i", true}, {CJ_KIND_S32, 4, 4, "i", true},
        {CJ_KIND_U32, 4, 4, "i", true},      {CJ_KIND_S64, 8, 8, "I", true}, {CJ_KIND_U64, 8, 8, "I", true},
        {CJ_KIND_F32, 4, 4, "f", true},      {CJ_KIND_F64, 8, 8, "F", true}, {CJ_KIND_CHAR, 4, 4, "i", false},
        {CJ_KIND_STRING, 8, 4, "ii", false},
    };
    for (size_t i = 0; i < CJ_COUNT(cases); i++) {
        const cj_type *type = t_scalar(T, cases[i].kind);
        assert_int_equal(type->kind, cases[i].kind);
        expect_layout(type, cases[i].size, cases[i].align, cases[i].flat);
        assert_int_equal(type->plain, cases[i].plain);
        assert_int_equal(type->dense, cases[i].plain);
        assert_int_equal(type->depth, 1);
        assert_int_equal(type->count, 0);
        assert_int_equal(type->disc_size, 0);
        assert_int_equal(type->has_pointer, cases[i].kind == CJ_KIND_STRING);
        assert_false(type->has_handle || type->has_borrow);
    }
    cj_error err;
    assert_null(cj__type_scalar(T, CJ_KIND_LIST, &err));
    assert_int_equal(err.status, CJ_INTERNAL);
}

static void test_records(void **state)
{
    (void)state;
    expect_layout(t_list(T, t_u64(T)), 8, 4, "ii");

    const cj_type *r = t_record(T, 3, "a", t_u8(T), "b", t_u32(T), "c", t_u16(T));
    expect_layout(r, 12, 4, "iii");
    expect_offsets(r, (uint32_t[]){0, 4, 8});

    r = t_record(T, 4, "a", t_u8(T), "b", t_string(T), "c", t_f64(T), "d", t_bool(T));
    expect_layout(r, 32, 8, "iiiFi");
    expect_offsets(r, (uint32_t[]){0, 4, 16, 24});

    r = t_tuple(T, 2, r, t_char(T));
    expect_layout(r, 40, 8, "iiiFii");
    expect_offsets(r, (uint32_t[]){0, 32});

    const cj_type *empty = t_make(T, CJ_KIND_TUPLE, NULL, 0); /* the parameters of a function without any */
    expect_layout(empty, 0, 1, "");
    assert_int_equal(empty->host_size, 0);
    assert_true(empty->plain && empty->dense);
}

static void test_variants(void **state)
{
    (void)state;
    const cj_type *v = t_variant(T, 2, "a", NULL, "b", NULL);
    expect_layout(v, 1, 1, "i");
    assert_int_equal(v->disc_size, 1);

    /* f32 joined with u32: i32; then u64 second slot alone stays i64 */
    v = t_variant(T, 3, "a", t_f32(T), "b", t_u32(T), "c", t_tuple(T, 2, t_f32(T), t_u64(T)));
    expect_layout(v, 24, 8, "iiI");
    expect_offsets(v, (uint32_t[]){8, 8, 8});

    v = t_variant(T, 2, "a", t_f32(T), "b", t_f32(T));
    expect_layout(v, 8, 4, "if");
    v = t_variant(T, 2, "a", t_f64(T), "b", t_u64(T));
    expect_layout(v, 16, 8, "iI");
    v = t_variant(T, 2, "a", t_f64(T), "b", t_f32(T));
    expect_layout(v, 16, 8, "iI");
    v = t_variant(T, 2, "a", t_u8(T), "b", t_u16(T));
    expect_layout(v, 4, 2, "ii");
    expect_offsets(v, (uint32_t[]){2, 2});
    v = t_variant(T, 2, "a", t_tuple(T, 3, t_u8(T), t_u8(T), t_u8(T)), "b", NULL);
    expect_layout(v, 4, 1, "iiii");
    expect_offsets(v, (uint32_t[]){1, 1});

    const cj_type *o = t_option(T, t_u64(T));
    expect_layout(o, 16, 8, "iI");
    assert_int_equal(o->count, 1);
    assert_int_equal(o->disc_size, 1);
    assert_true(cj__str_eq(o->members[0].name, CJ_STR("some")));
    expect_offsets(o, (uint32_t[]){8});
    expect_layout(t_option(T, t_option(T, t_u8(T))), 3, 1, "iii");
    expect_layout(t_option(T, t_string(T)), 12, 4, "iii");

    const cj_type *r = t_result(T, NULL, NULL);
    expect_layout(r, 1, 1, "i");
    assert_int_equal(r->count, 2);
    assert_true(cj__str_eq(r->members[0].name, CJ_STR("ok")));
    assert_true(cj__str_eq(r->members[1].name, CJ_STR("err")));
    assert_null(r->members[0].type);
    expect_layout(t_result(T, t_f64(T), NULL), 16, 8, "iF");
    expect_layout(t_result(T, NULL, t_char(T)), 8, 4, "ii");
    expect_layout(t_result(T, t_string(T), t_f64(T)), 16, 8, "iIi"); /* i32 with f64: i64 */
}

static void test_discriminants(void **state)
{
    (void)state;
    static const struct {
        uint32_t cases, size;
    } enums[] = {{1, 1}, {2, 1}, {256, 1}, {257, 2}, {65536, 2}, {65537, 4}};
    for (size_t i = 0; i < CJ_COUNT(enums); i++) {
        const cj_type *type = t_labels(T, CJ_KIND_ENUM, enums[i].cases);
        expect_layout(type, enums[i].size, enums[i].size, "i");
        assert_int_equal(type->disc_size, enums[i].size);
        assert_int_equal(type->host_size, enums[i].size);
        assert_int_equal(type->host_align, enums[i].size);
    }
    static const struct {
        uint32_t labels, size;
    } flags[] = {{1, 1}, {8, 1}, {9, 2}, {16, 2}, {17, 4}, {32, 4}};
    for (size_t i = 0; i < CJ_COUNT(flags); i++) {
        const cj_type *type = t_labels(T, CJ_KIND_FLAGS, flags[i].labels);
        expect_layout(type, flags[i].size, flags[i].size, "i");
        assert_int_equal(type->disc_size, flags[i].size);
        assert_int_equal(type->host_size, flags[i].size);
        assert_int_equal(type->host_align, flags[i].size);
        assert_false(type->plain || type->dense);
        assert_int_equal(type->depth, 1);
    }
}

static void test_handles(void **state)
{
    (void)state;
    cj_error err;
    const cj_type *own = cj__type_handle(T, CJ_KIND_OWN, 3, &err);
    const cj_type *borrow = cj__type_handle(T, CJ_KIND_BORROW, 3, &err);
    expect_layout(own, 4, 4, "i");
    expect_layout(borrow, 4, 4, "i");
    assert_int_equal(own->host_size, 4);
    assert_int_equal(own->resource, 3);
    assert_true(own->has_handle && !own->has_borrow && !own->plain);
    assert_true(borrow->has_handle && borrow->has_borrow);
    assert_ptr_equal(own, cj__type_handle(T, CJ_KIND_OWN, 3, &err));
    assert_ptr_not_equal(own, cj__type_handle(T, CJ_KIND_OWN, 4, &err));
    assert_ptr_not_equal(own, borrow);
    assert_null(cj__type_handle(T, CJ_KIND_STRING, 0, &err));

    const cj_type *deep = t_option(T, t_list(T, t_record(T, 1, "r", borrow)));
    assert_true(deep->has_handle && deep->has_borrow && deep->has_pointer);
    deep = t_result(T, NULL, t_tuple(T, 1, own));
    assert_true(deep->has_handle && !deep->has_borrow && !deep->has_pointer);
}

static void test_join(void **state)
{
    (void)state;
    static const cj_core types[] = {CJ_CORE_I32, CJ_CORE_I64, CJ_CORE_F32, CJ_CORE_F64};
    static const char expected[4][5] = {"iIiI", "IIII", "iIfI", "IIIF"};
    for (int a = 0; a < 4; a++)
        for (int b = 0; b < 4; b++)
            assert_int_equal(cj__core_letter(cj__core_join(types[a], types[b])), expected[a][b]);
}

static void test_flattening_stops(void **state)
{
    (void)state;
    const cj_type *four = t_tuple(T, 4, t_u8(T), t_f32(T), t_u64(T), t_f64(T));
    const cj_type *sixteen = t_tuple(T, 4, four, four, four, four);
    expect_layout(sixteen, 96, 8, "ifIFifIFifIFifIF");
    expect_layout(t_tuple(T, 2, sixteen, t_u8(T)), 104, 8, "ifIFifIFifIFifIFi");
    const cj_type *more = t_tuple(T, 3, sixteen, sixteen, t_u8(T));
    assert_int_equal(more->flat_count, CJ_FLAT_OVER);
    assert_string_equal(flat_text(more), "ifIFifIFifIFifIFi");
    const cj_type *option = t_option(T, sixteen);
    assert_int_equal(option->flat_count, CJ_FLAT_OVER);
    assert_string_equal(flat_text(option), "iifIFifIFifIFifIF");
    assert_int_equal(t_option(T, more)->flat_count, CJ_FLAT_OVER);
}

/* -- Host layout --------------------------------------------------------------------------------------------------- */

#define EXPECT_HOST(type, S) \
    do { \
        assert_int_equal(cj_type_size(type), sizeof(S)); \
        assert_int_equal(cj_type_align(type), _Alignof(S)); \
    } while (0)

static void test_host_scalars(void **state)
{
    (void)state;
    EXPECT_HOST(t_bool(T), bool);
    EXPECT_HOST(t_s8(T), int8_t);
    EXPECT_HOST(t_u16(T), uint16_t);
    EXPECT_HOST(t_s32(T), int32_t);
    EXPECT_HOST(t_u64(T), uint64_t);
    EXPECT_HOST(t_f32(T), float);
    EXPECT_HOST(t_f64(T), double);
    EXPECT_HOST(t_char(T), uint32_t);
    EXPECT_HOST(t_string(T), cj_string);
    EXPECT_HOST(t_list(T, t_bool(T)), cj_list);
}

static void test_host_structs(void **state)
{
    (void)state;
    struct mixed {
        uint8_t a;
        cj_string b;
        double c;
        bool d;
        struct inner {
            uint16_t x;
            uint32_t y;
        } e;
        cj_list f;
        int8_t g;
    };
    const cj_type *inner = t_record(T, 2, "x", t_u16(T), "y", t_char(T));
    const cj_type *r = t_record(T, 7, "a", t_u8(T), "b", t_string(T), "c", t_f64(T), "d", t_bool(T), "e", inner, "f",
                                t_list(T, inner), "g", t_s8(T));
    EXPECT_HOST(r, struct mixed);
    EXPECT_HOST(inner, struct inner);
    assert_int_equal(cj_type_member_offset(r, 0), offsetof(struct mixed, a));
    assert_int_equal(cj_type_member_offset(r, 1), offsetof(struct mixed, b));
    assert_int_equal(cj_type_member_offset(r, 2), offsetof(struct mixed, c));
    assert_int_equal(cj_type_member_offset(r, 3), offsetof(struct mixed, d));
    assert_int_equal(cj_type_member_offset(r, 4), offsetof(struct mixed, e));
    assert_int_equal(cj_type_member_offset(r, 5), offsetof(struct mixed, f));
    assert_int_equal(cj_type_member_offset(r, 6), offsetof(struct mixed, g));
    assert_int_equal(cj_type_member_offset(inner, 1), offsetof(struct inner, y));
}

static void test_host_variants(void **state)
{
    (void)state;
    struct small {
        uint8_t tag;
        union {
            uint8_t a;
            uint16_t b;
        } of;
    };
    const cj_type *v = t_variant(T, 3, "a", t_u8(T), "b", t_u16(T), "c", NULL);
    EXPECT_HOST(v, struct small);
    assert_int_equal(cj_type_member_offset(v, 1), offsetof(struct small, of));
    assert_int_equal(cj_type_discriminant_size(v), 1);

    struct option_string {
        uint8_t tag;
        cj_string some;
    };
    const cj_type *o = t_option(T, t_string(T));
    EXPECT_HOST(o, struct option_string);
    assert_int_equal(cj_type_member_offset(o, 0), offsetof(struct option_string, some));

    struct result_u64_small {
        uint8_t tag;
        union {
            uint64_t ok;
            struct small err;
        } of;
    };
    const cj_type *r = t_result(T, t_u64(T), v);
    EXPECT_HOST(r, struct result_u64_small);
    assert_int_equal(cj_type_member_offset(r, 0), offsetof(struct result_u64_small, of));
    assert_int_equal(cj_type_member_offset(r, 1), offsetof(struct result_u64_small, of));
    EXPECT_HOST(t_result(T, NULL, NULL), uint8_t);

    struct wide {
        uint16_t tag;
        union {
            uint8_t a;
        } of;
    };
    cj_param members[300] = {{{"a", 1}, t_u8(T)}};
    char names[300][16];
    for (int i = 1; i < 300; i++) {
        snprintf(names[i], sizeof(names[i]), "c%d", i);
        members[i].name = cj__str(names[i]);
    }
    const cj_type *w = t_make(T, CJ_KIND_VARIANT, members, 300);
    EXPECT_HOST(w, struct wide);
    assert_int_equal(cj_type_discriminant_size(w), 2);
    assert_int_equal(cj_type_member_offset(w, 0), offsetof(struct wide, of));
}

/* Where u64 is 8-byte aligned and pointers have 64 bits, the host layout is the canonical one of a 64-bit memory. */
static void expect_host_is_64(const cj_type *type)
{
    struct align64 {
        char c;
        uint64_t v;
    };
    if (sizeof(void *) == 8 && offsetof(struct align64, v) == 8) {
        assert_int_equal(type->host_size, type->size64);
        assert_int_equal(type->host_align, type->align64);
    }
}

/* -- Copy classes -------------------------------------------------------------------------------------------------- */

static void expect_class(const cj_type *type, bool plain, bool dense)
{
    assert_int_equal(type->plain, plain);
    assert_int_equal(type->dense, dense);
}

static void test_copy_classes(void **state)
{
    (void)state;
    expect_class(t_tuple(T, 2, t_u32(T), t_f32(T)), true, true);
    expect_class(t_tuple(T, 3, t_u32(T), t_u64(T), t_f32(T)), true, false);               /* holes */
    expect_class(t_tuple(T, 2, t_u32(T), t_u8(T)), true, false);                          /* a tail */
    expect_class(t_tuple(T, 2, t_tuple(T, 2, t_u32(T), t_u8(T)), t_u64(T)), true, false); /* a hole inside a member */
    expect_class(t_tuple(T, 2, t_tuple(T, 2, t_u8(T), t_s8(T)), t_u16(T)), true, true);
    expect_class(t_tuple(T, 2, t_u32(T), t_bool(T)), false, false);
    expect_class(t_tuple(T, 2, t_u32(T), t_char(T)), false, false);
    expect_class(t_tuple(T, 1, t_string(T)), false, false);
    expect_class(t_list(T, t_u8(T)), false, false);
    expect_class(t_option(T, t_u8(T)), false, false);
    expect_class(t_labels(T, CJ_KIND_ENUM, 2), false, false);
    expect_class(t_tuple(T, 1, t_labels(T, CJ_KIND_FLAGS, 8)), false, false);
}

/* -- Interning ----------------------------------------------------------------------------------------------------- */

static void test_interning(void **state)
{
    (void)state;
    const cj_type *a = t_record(T, 2, "x", t_u32(T), "y", t_list(T, t_string(T)));
    uint32_t count = cj__types_count(T);
    assert_ptr_equal(a, t_record(T, 2, "x", t_u32(T), "y", t_list(T, t_string(T))));
    assert_int_equal(cj__types_count(T), count);
    assert_ptr_not_equal(a, t_record(T, 2, "x", t_u32(T), "z", t_list(T, t_string(T))));
    assert_ptr_not_equal(a, t_record(T, 2, "y", t_list(T, t_string(T)), "x", t_u32(T)));
    assert_ptr_not_equal(a, t_variant(T, 2, "x", t_u32(T), "y", t_list(T, t_string(T))));
    assert_ptr_not_equal(t_record(T, 2, "ab", t_u8(T), "c", t_u8(T)), t_record(T, 2, "a", t_u8(T), "bc", t_u8(T)));
    assert_ptr_not_equal(t_result(T, t_u8(T), NULL), t_result(T, NULL, t_u8(T)));
    assert_ptr_not_equal(t_labels(T, CJ_KIND_ENUM, 3), t_labels(T, CJ_KIND_FLAGS, 3));
    assert_ptr_not_equal(t_option(T, t_u8(T)), t_list(T, t_u8(T)));
    assert_ptr_equal(t_u32(T), t_u32(T));

    /* Names of kinds that have names of their own are ignored, others are copied. */
    char name[] = "x";
    cj_param member = {{name, 1}, t_u8(T)};
    assert_ptr_equal(t_make(T, CJ_KIND_OPTION, &member, 1), t_option(T, t_u8(T)));
    assert_ptr_equal(t_make(T, CJ_KIND_TUPLE, &member, 1), t_tuple(T, 1, t_u8(T)));
    const cj_type *r = t_make(T, CJ_KIND_RECORD, &member, 1);
    name[0] = '!';
    size_t len;
    assert_string_equal(cj_type_member_name(r, 0, &len), "x");
    assert_int_equal(len, 1);

    /* Ids are dense. */
    for (uint32_t i = 0; i < 2000; i++) {
        char label[16];
        snprintf(label, sizeof(label), "f%u", i);
        const cj_type *type = t_record(T, 1, label, t_u8(T));
        assert_int_equal(type->id, cj__types_count(T) - 1);
    }
}

static void test_functypes(void **state)
{
    (void)state;
    cj_error err;
    cj_param params[2] = {{{"a", 1}, t_u32(T)}, {{"b", 1}, t_string(T)}};
    const cj_functype *f = cj__functype_make(T, params, 2, t_bool(T), false, &err);
    assert_ptr_equal(f, cj__functype_make(T, params, 2, t_bool(T), false, &err));
    assert_ptr_not_equal(f, cj__functype_make(T, params, 2, t_bool(T), true, &err));
    assert_ptr_not_equal(f, cj__functype_make(T, params, 2, NULL, false, &err));
    assert_ptr_not_equal(f, cj__functype_make(T, params, 1, t_bool(T), false, &err));
    params[0].name = CJ_STR("c");
    const cj_functype *g = cj__functype_make(T, params, 2, t_bool(T), false, &err);
    assert_ptr_not_equal(f, g);
    assert_ptr_equal(f->params_tuple, g->params_tuple);

    struct args {
        uint32_t a;
        cj_string b;
    };
    assert_int_equal(cj_functype_args_size(f), sizeof(struct args));
    assert_int_equal(cj_functype_args_align(f), _Alignof(struct args));
    assert_int_equal(cj_functype_param_offset(f, 1), offsetof(struct args, b));
    assert_int_equal(cj_functype_param_count(f), 2);
    assert_ptr_equal(cj_functype_param(f, 1), t_string(T));
    assert_null(cj_functype_param(f, 2));
    size_t len;
    assert_string_equal(cj_functype_param_name(f, 0, &len), "a");
    assert_string_equal(cj_functype_param_name(g, 0, NULL), "c");
    assert_string_equal(cj_functype_param_name(f, 7, &len), "");
    assert_int_equal(len, 0);
    assert_ptr_equal(cj_functype_result(f), t_bool(T));

    const cj_functype *none = cj__functype_make(T, NULL, 0, NULL, false, &err);
    assert_non_null(none);
    assert_int_equal(cj_functype_args_size(none), 0);
    assert_non_null(none->params_tuple);
    params[0].type = NULL;
    assert_null(cj__functype_make(T, params, 2, NULL, false, &err));
    assert_int_equal(err.status, CJ_INTERNAL);
}

static void test_reflection(void **state)
{
    (void)state;
    const cj_type *v = t_variant(T, 2, "none", NULL, "some-u8", t_u8(T));
    assert_int_equal(cj_type_kind(v), CJ_KIND_VARIANT);
    assert_int_equal(cj_type_count(v), 2);
    assert_null(cj_type_member(v, 0));
    assert_ptr_equal(cj_type_member(v, 1), t_u8(T));
    assert_null(cj_type_member(v, 2));
    size_t len;
    assert_string_equal(cj_type_member_name(v, 1, &len), "some-u8");
    assert_int_equal(len, 7);
    assert_string_equal(cj_type_member_name(v, 2, NULL), "");
    assert_int_equal(cj_type_member_offset(v, 9), 0);
    const cj_type *l = t_list(T, v);
    assert_int_equal(cj_type_count(l), 1);
    assert_ptr_equal(cj_type_member(l, 0), v);
    assert_string_equal(cj_type_member_name(l, 0, &len), "");
    assert_string_equal(cj_kind_name(CJ_KIND_BORROW), "borrow");
    assert_string_equal(cj_kind_name((cj_kind)500), "unknown kind");
}

/* -- Core signatures ----------------------------------------------------------------------------------------------- */

static void expect_sig(const cj_type *const *params, uint32_t count, const cj_type *result, const char *lift,
                       const char *lower)
{
    cj_error err;
    cj_param named[20];
    char names[20][16];
    for (uint32_t i = 0; i < count; i++) {
        snprintf(names[i], sizeof(names[i]), "p%u", i);
        named[i] = (cj_param){cj__str(names[i]), params[i]};
    }
    const cj_functype *type = cj__functype_make(T, named, count, result, false, &err);
    assert_non_null(type);
    for (int lowered = 0; lowered < 2; lowered++) {
        cj_core_sig sig;
        char text[32];
        size_t n = 0;
        cj__core_sig(type, lowered, &sig);
        for (uint32_t i = 0; i < sig.param_count; i++)
            text[n++] = cj__core_letter(sig.params[i]);
        text[n++] = '>';
        if (sig.result_count)
            text[n++] = cj__core_letter(sig.result);
        text[n] = 0;
        assert_string_equal(text, lowered ? lower : lift);
        uint32_t flat = 0;
        for (uint32_t i = 0; i < count; i++)
            flat += params[i]->flat_count;
        assert_int_equal(sig.spill_params, flat > 16);
        assert_int_equal(sig.spill_results, result && result->flat_count > 1);
    }
}

static void test_core_signatures(void **state)
{
    (void)state;
    const cj_type *u8 = t_u8(T), *f32 = t_f32(T), *f64 = t_f64(T), *string = t_string(T);
    const cj_type *list = t_list(T, u8);
    const cj_type *four = t_tuple(T, 4, u8, f32, t_u64(T), f64);
    expect_sig(NULL, 0, NULL, ">", ">");
    expect_sig((const cj_type *[]){u8, f32, f64}, 3, NULL, "ifF>", "ifF>");
    expect_sig((const cj_type *[]){u8, f32, f64}, 3, f32, "ifF>f", "ifF>f");
    expect_sig((const cj_type *[]){u8}, 1, t_tuple(T, 1, f32), "i>f", "i>f");
    expect_sig((const cj_type *[]){u8, f32}, 2, t_tuple(T, 2, u8, f32), "if>i", "ifi>");
    expect_sig((const cj_type *[]){list, f64}, 2, string, "iiF>i", "iiFi>");
    expect_sig((const cj_type *[]){four, four, four, four}, 4, NULL, "ifIFifIFifIFifIF>", "ifIFifIFifIFifIF>");
    expect_sig((const cj_type *[]){four, four, four, four}, 4, string, "ifIFifIFifIFifIF>i", "ifIFifIFifIFifIFi>");
    expect_sig((const cj_type *[]){four, four, four, four, u8}, 5, NULL, "i>", "i>");
    expect_sig((const cj_type *[]){four, four, four, four, u8}, 5, list, "i>i", "ii>");
    expect_sig((const cj_type *[]){four, four, four, four, u8}, 5, f64, "i>F", "i>F");
    expect_sig((const cj_type *[]){t_option(T, four)}, 1, t_result(T, NULL, NULL), "iifIF>i", "iifIF>i");
}

/* -- Limits and hostile types -------------------------------------------------------------------------------------- */

static void expect_refused(cj_kind kind, const cj_param *members, uint32_t count, cj_status status, const char *words)
{
    cj_error err;
    assert_null(cj__type_make(T, kind, members, count, &err));
    assert_int_equal(err.status, status);
    assert_non_null(strstr(err.message, words));
}

static void test_refused(void **state)
{
    (void)state;
    cj_param m[40];
    for (int i = 0; i < 40; i++)
        m[i] = (cj_param){CJ_STR("x"), NULL};
    expect_refused(CJ_KIND_RECORD, m, 0, CJ_INVALID, "record without members");
    expect_refused(CJ_KIND_VARIANT, m, 0, CJ_INVALID, "variant without members");
    expect_refused(CJ_KIND_ENUM, m, 0, CJ_INVALID, "enum without members");
    expect_refused(CJ_KIND_FLAGS, m, 0, CJ_INVALID, "flags without members");
    expect_refused(CJ_KIND_FLAGS, m, 33, CJ_INVALID, "33 labels, more than 32");
    expect_refused(CJ_KIND_RECORD, m, 1, CJ_INTERNAL, "member 0 of record");
    expect_refused(CJ_KIND_LIST, m, 1, CJ_INTERNAL, "member 0 of list");
    expect_refused(CJ_KIND_LIST, m, 2, CJ_INTERNAL, "list with 2 members");
    expect_refused(CJ_KIND_RESULT, m, 1, CJ_INTERNAL, "result with 1 members");
    expect_refused(CJ_KIND_STRING, m, 1, CJ_INTERNAL, "string is not made of members");
    m[0].type = t_u8(T);
    expect_refused(CJ_KIND_ENUM, m, 1, CJ_INTERNAL, "member 0 of enum");
}

static void test_depth_limit(void **state)
{
    (void)state;
    const cj_type *type = t_u8(T);
    for (int depth = 2; depth <= 100; depth++)
        type = t_list(T, type);
    assert_int_equal(type->depth, 100);
    cj_error err;
    cj_param member = {{"", 0}, type};
    expect_refused(CJ_KIND_LIST, &member, 1, CJ_LIMIT, "101 levels deep, max_type_depth is 100");

    /* A function may take what is as deep as allowed; its parameters' tuple is not a way around the limit. */
    assert_non_null(cj__functype_make(T, &member, 1, type, false, &err));
    expect_refused(CJ_KIND_TUPLE, &member, 1, CJ_LIMIT, "max_type_depth");

    cj_types *raised = cj__types_new(NULL, UINT32_MAX);
    type = t_u8(raised);
    for (int depth = 2; depth <= CJ_DEPTH_CEILING; depth++)
        type = t_option(raised, type);
    member.type = type;
    assert_null(cj__type_make(raised, CJ_KIND_OPTION, &member, 1, &err));
    assert_int_equal(err.status, CJ_LIMIT);
    char text[64];
    assert_in_range(cj_type_format(type, text, sizeof(text)), 7000, 9000);
    cj__types_delete(raised);
}

static void test_size_limit(void **state)
{
    (void)state;
    /* power[i] has 2^i bytes. */
    const cj_type *power[28];
    power[0] = t_u8(T);
    for (int i = 1; i < 28; i++)
        power[i] = t_tuple(T, 2, power[i - 1], power[i - 1]);
    assert_int_equal(power[27]->size, 1 << 27);
    assert_true(power[27]->dense);
    cj_param m[29] = {{{"", 0}, power[27]}, {{"", 0}, power[27]}};
    expect_refused(CJ_KIND_TUPLE, m, 2, CJ_INVALID,
                   "a tuple of 268435456 bytes is larger than a value can be, 268435455");

    for (int i = 0; i < 28; i++)
        m[i].type = power[i];
    assert_int_equal(t_make(T, CJ_KIND_TUPLE, m, 28)->size, CJ_MAX_BYTES);
    m[28] = m[0];
    expect_refused(CJ_KIND_TUPLE, m, 29, CJ_INVALID, "larger than a value can be");
    m[0].type = power[27];
    expect_refused(CJ_KIND_LIST, &(cj_param){{"", 0}, NULL}, 1, CJ_INTERNAL, "list");
    assert_non_null(t_list(T, power[27])); /* what a list points to is not part of it */

    /* Strings count with 64-bit pointers: 2^24 of them are too many, though 2^24 * 8 bytes would be allowed. */
    const cj_type *strings = t_string(T);
    for (int i = 0; i < 23; i++)
        strings = t_tuple(T, 2, strings, strings);
    assert_int_equal(strings->size64, 1 << 27);
    assert_int_equal(strings->size, 1 << 26);
    m[0].type = m[1].type = strings;
    expect_refused(CJ_KIND_TUPLE, m, 2, CJ_INVALID, "larger than a value can be");

    /* Parameters together may be larger, but not than a memory. */
    cj_error err;
    cj_param params[32];
    for (int i = 0; i < 32; i++)
        params[i] = (cj_param){CJ_STR("p"), power[27]};
    const cj_functype *f = cj__functype_make(T, params, 31, NULL, false, &err);
    assert_non_null(f);
    assert_int_equal(f->params_tuple->members[30].offset, 30u << 27);
    assert_null(cj__functype_make(T, params, 32, NULL, false, &err));
    assert_int_equal(err.status, CJ_UNSUPPORTED);
    expect_refused(CJ_KIND_TUPLE, params, 31, CJ_INVALID, "larger than a value can be");
}

/* record{a: T, b: T} nested: time, memory and text do not grow with the 2^90 leaves. */
static void test_hostile_chain(void **state)
{
    (void)state;
    track_alloc t;
    track_init(&t);
    cj_types *types = cj__types_new(&t.hook, 100);
    const cj_type *type = t_list(types, t_u8(types));
    for (int i = 0; i < 10; i++) /* as values they would be too large: go through lists */
        type = t_record(types, 2, "a", t_list(types, type), "b", t_list(types, type));
    for (int i = 0; i < 75; i++)
        type = t_result(types, type, type);
    assert_true(t.peak_bytes < 200000);
    assert_true(type->has_pointer);

    char *text = malloc(CJ_FORMAT_MAX + 100);
    size_t n = cj_type_format(type, text, CJ_FORMAT_MAX + 100);
    assert_int_equal(n, CJ_FORMAT_MAX);
    assert_int_equal(strlen(text), n);
    assert_string_equal(text + n - 3, "...");
    assert_int_equal(cj_type_format(type, text, 10), n);
    assert_int_equal(strlen(text), 9);
    cj_error err;
    cj_param params[1000];
    for (int i = 0; i < 1000; i++)
        params[i] = (cj_param){CJ_STR("p"), type};
    const cj_functype *f = cj__functype_make(types, params, 1000, type, false, &err);
    assert_non_null(f);
    assert_int_equal(cj_functype_format(f, text, CJ_FORMAT_MAX + 100), CJ_FORMAT_MAX);
    free(text);
    cj__types_delete(types);
    assert_int_equal(t.live_blocks, 0);
}

/* A dozen types and function types, the first with a name of `pad` bytes. Gives the last; NULL with `err` set. */
static const cj_functype *make_some(cj_types *types, size_t pad, cj_error *err)
{
    static char padding[4000];
    memset(padding, 'x', sizeof(padding));
    const cj_functype *f = NULL;
    const cj_type *u8 = cj__type_scalar(types, CJ_KIND_U8, err);
    cj_param first = {{padding, pad}, u8};
    const cj_functype *long_name = u8 ? cj__functype_make(types, &first, 1, NULL, false, err) : NULL;
    if (!long_name)
        return NULL;
    const cj_functype *same = cj__functype_make(types, &first, 1, NULL, false, err);
    if (same)
        assert_ptr_equal(same, long_name);
    const cj_type *type = same ? cj__type_make(types, CJ_KIND_RECORD, &first, 1, err) : NULL;
    for (int i = 0; type && i < 12; i++) {
        char label[32];
        snprintf(label, sizeof(label), "label-%d", i);
        cj_param m[2] = {{cj__str(label), u8}, {CJ_STR("b"), type}};
        type = cj__type_make(types, i % 2 ? CJ_KIND_RECORD : CJ_KIND_VARIANT, m, 2, err);
        if (!type || !cj__type_handle(types, CJ_KIND_OWN, (uint32_t)i, err))
            return NULL;
        f = cj__functype_make(types, m, 2, type, false, err);
        if (!f)
            return NULL;
        assert_string_equal(cj_type_member_name(type, 0, NULL), label);
        assert_string_equal(cj_functype_param_name(f, 0, NULL), label);
        assert_string_equal(cj_functype_param_name(f, 1, NULL), "b");
    }
    return type ? f : NULL;
}

/* Whatever allocation fails: an error, nothing is lost, and the interner still works. The name moves the point where
 * the arena is full. */
static void test_out_of_memory(void **state)
{
    (void)state;
    track_alloc t;
    cj__types_delete(NULL);
    for (size_t pad = 1; pad < 4000; pad += 4) {
        for (uint64_t fail = 1;; fail++) {
            cj_error err;
            cj__error_clear(&err);
            track_init(&t);
            t.fail_at = fail;
            t.fail_once = pad % 8 == 1;
            cj_types *types = cj__types_new(&t.hook, 100);
            const cj_functype *f = types ? make_some(types, pad, &err) : NULL;
            if (types) {
                assert_int_equal(err.status, f ? CJ_OK : CJ_NO_MEMORY);
                t.fail_at = 0;
                const cj_functype *again = make_some(types, pad, &err);
                assert_non_null(again);
                assert_ptr_equal(again, f ? f : again);
                assert_ptr_equal(again, make_some(types, pad, &err));
                assert_ptr_equal(again->result, make_some(types, pad, &err)->result);
            }
            cj__types_delete(types);
            assert_int_equal(t.live_blocks, 0);
            if (f)
                break;
            assert_true(fail < 1000);
        }
    }
}

/* -- WIT text ------------------------------------------------------------------------------------------------------ */

static void expect_text(const cj_type *type, const char *expected)
{
    char text[256];
    assert_int_equal(cj_type_format(type, text, sizeof(text)), strlen(expected));
    assert_string_equal(text, expected);
}

static void test_format(void **state)
{
    (void)state;
    cj_error err;
    expect_text(t_s64(T), "s64");
    expect_text(t_list(T, t_tuple(T, 2, t_u32(T), t_string(T))), "list<tuple<u32, string>>");
    expect_text(t_option(T, t_char(T)), "option<char>");
    expect_text(t_result(T, NULL, NULL), "result");
    expect_text(t_result(T, t_u8(T), NULL), "result<u8>");
    expect_text(t_result(T, NULL, t_f64(T)), "result<_, f64>");
    expect_text(t_result(T, t_u8(T), t_f64(T)), "result<u8, f64>");
    expect_text(t_record(T, 2, "a", t_u8(T), "type", t_bool(T)), "record { a: u8, %type: bool }");
    expect_text(t_variant(T, 3, "a", NULL, "b-c", t_f32(T), "list", NULL), "variant { a, b-c(f32), %list }");
    expect_text(t_labels(T, CJ_KIND_ENUM, 2), "enum { l0, l1 }");
    expect_text(t_labels(T, CJ_KIND_FLAGS, 1), "flags { l0 }");
    expect_text(cj__type_handle(T, CJ_KIND_OWN, 4, &err), "own<resource-4>");
    expect_text(cj__type_handle(T, CJ_KIND_BORROW, 0, &err), "borrow<resource-0>");
    expect_text(t_make(T, CJ_KIND_TUPLE, NULL, 0), "tuple<>");

    cj_param params[2] = {{CJ_STR("a"), t_u32(T)}, {CJ_STR("func"), t_list(T, t_u8(T))}};
    char text[100];
    cj_functype_format(cj__functype_make(T, params, 2, t_string(T), false, &err), text, sizeof(text));
    assert_string_equal(text, "func(a: u32, %func: list<u8>) -> string");
    cj_functype_format(cj__functype_make(T, NULL, 0, NULL, true, &err), text, sizeof(text));
    assert_string_equal(text, "async func()");

    const cj_type *type = t_list(T, t_u8(T));
    memset(text, '!', sizeof(text));
    assert_int_equal(cj_type_format(type, text, 5), 8);
    assert_memory_equal(text, "list\0!", 6);
    assert_int_equal(cj_type_format(type, text, 8), 8);
    assert_memory_equal(text, "list<u8\0!", 9);
    assert_int_equal(cj_type_format(type, text, 9), 8);
    assert_string_equal(text, "list<u8>");
    assert_int_equal(cj_type_format(type, NULL, 0), 8);
    assert_true(cj__wit_is_keyword(CJ_STR("world")));
    assert_false(cj__wit_is_keyword(CJ_STR("worlds")));
}

/* -- Random types against the spec's functions, written down as they are there ------------------------------------- */

static uint64_t seed = 0x9e3779b97f4a7c15;

static uint32_t random_below(uint32_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 32) % n;
}

static const cj_type *random_type(int depth)
{
    static const cj_kind leaves[] = {CJ_KIND_BOOL, CJ_KIND_S8,  CJ_KIND_U16,  CJ_KIND_S32,   CJ_KIND_U64,
                                     CJ_KIND_F32,  CJ_KIND_F64, CJ_KIND_CHAR, CJ_KIND_STRING};
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g"};
    if (depth == 0 || random_below(4) == 0)
        return t_scalar(T, leaves[random_below(CJ_COUNT(leaves))]);
    cj_kind kind = (cj_kind)(CJ_KIND_LIST + random_below(CJ_KIND_OWN - CJ_KIND_LIST));
    if (kind == CJ_KIND_ENUM || kind == CJ_KIND_FLAGS)
        return t_labels(T, kind, 1 + random_below(32));
    cj_param m[7];
    uint32_t count = kind == CJ_KIND_LIST || kind == CJ_KIND_OPTION ? 1
                     : kind == CJ_KIND_RESULT                       ? 2
                                                                    : 1 + random_below(7);
    bool may_lack = kind == CJ_KIND_VARIANT || kind == CJ_KIND_RESULT;
    for (uint32_t i = 0; i < count; i++)
        m[i] = (cj_param){cj__str(names[i]), may_lack && random_below(3) == 0 ? NULL : random_type(depth - 1)};
    return t_make(T, kind, m, count);
}

static uint32_t spec_cases(const cj_type *t)
{
    return t->kind == CJ_KIND_OPTION ? 2 : t->count;
}

static bool is_variant(const cj_type *t)
{
    return t->kind == CJ_KIND_VARIANT || t->kind == CJ_KIND_ENUM || t->kind == CJ_KIND_OPTION ||
           t->kind == CJ_KIND_RESULT;
}

static uint32_t spec_align(const cj_type *t, uint32_t ptr)
{
    static const uint8_t of_scalar[] = {1, 1, 1, 2, 2, 4, 4, 8, 8, 4, 8, 4};
    if (t->kind < CJ_KIND_STRING)
        return of_scalar[t->kind];
    if (t->kind == CJ_KIND_STRING || t->kind == CJ_KIND_LIST)
        return ptr;
    if (t->kind == CJ_KIND_FLAGS)
        return t->count <= 8 ? 1 : t->count <= 16 ? 2 : 4;
    uint32_t align = 1;
    for (uint32_t i = 0; i < t->count; i++)
        if (t->members[i].type && spec_align(t->members[i].type, ptr) > align)
            align = spec_align(t->members[i].type, ptr);
    return align; /* discriminants here have one byte */
}

static uint32_t spec_size(const cj_type *t, uint32_t ptr)
{
    if (t->kind < CJ_KIND_STRING || t->kind == CJ_KIND_FLAGS)
        return spec_align(t, ptr);
    if (t->kind == CJ_KIND_STRING || t->kind == CJ_KIND_LIST)
        return 2 * ptr;
    uint32_t size = 0, align = spec_align(t, ptr);
    if (is_variant(t)) {
        uint32_t largest = 0;
        for (uint32_t i = 0; i < t->count; i++)
            if (t->members[i].type && spec_size(t->members[i].type, ptr) > largest)
                largest = spec_size(t->members[i].type, ptr);
        size = (uint32_t)cj__align_up(1, align) + largest;
    } else {
        for (uint32_t i = 0; i < t->count; i++)
            size =
                (uint32_t)cj__align_up(size, spec_align(t->members[i].type, ptr)) + spec_size(t->members[i].type, ptr);
    }
    return (uint32_t)cj__align_up(size, align);
}

static size_t spec_flatten(const cj_type *t, char *out)
{
    static const char of_scalar[] = "iiiiiiiIIfFi";
    if (t->kind < CJ_KIND_STRING) {
        out[0] = of_scalar[t->kind];
        return 1;
    }
    if (t->kind == CJ_KIND_STRING || t->kind == CJ_KIND_LIST) {
        out[0] = out[1] = 'i';
        return 2;
    }
    if (t->kind == CJ_KIND_FLAGS) {
        out[0] = 'i';
        return 1;
    }
    size_t n = 0;
    if (!is_variant(t)) {
        for (uint32_t i = 0; i < t->count; i++)
            n += spec_flatten(t->members[i].type, out + n);
        return n;
    }
    out[n++] = 'i';
    for (uint32_t i = 0; i < t->count; i++) {
        char of_case[20000];
        size_t m = t->members[i].type ? spec_flatten(t->members[i].type, of_case) : 0;
        for (size_t j = 0; j < m; j++) {
            char a = of_case[j], b = j + 1 < n ? out[j + 1] : a;
            out[j + 1] = a == b ? a : (a == 'i' && b == 'f') || (a == 'f' && b == 'i') ? 'i' : 'I';
        }
        n = m + 1 > n ? m + 1 : n;
    }
    return n;
}

static void test_random_types(void **state)
{
    (void)state;
    static char flat[20000];
    for (int i = 0; i < 3000; i++) {
        const cj_type *type = random_type(4);
        size_t n = spec_flatten(type, flat);
        flat[n < CJ_FLAT_OVER ? n : CJ_FLAT_OVER] = 0;
        assert_string_equal(flat_text(type), flat);
        assert_int_equal(type->align, spec_align(type, 4));
        assert_int_equal(type->size, spec_size(type, 4));
        assert_int_equal(type->align64, spec_align(type, 8));
        assert_int_equal(type->size64, spec_size(type, 8));
        expect_host_is_64(type);
        if (is_variant(type))
            assert_in_range(spec_cases(type), 1, 256);
    }
    assert_in_range(cj__types_count(T), 1000, 100000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_scalars),      TEST(test_records),       TEST(test_variants),         TEST(test_discriminants),
        TEST(test_handles),      TEST(test_join),          TEST(test_flattening_stops), TEST(test_host_scalars),
        TEST(test_host_structs), TEST(test_host_variants), TEST(test_copy_classes),     TEST(test_interning),
        TEST(test_functypes),    TEST(test_reflection),    TEST(test_core_signatures),  TEST(test_refused),
        TEST(test_depth_limit),  TEST(test_size_limit),    TEST(test_hostile_chain),    TEST(test_out_of_memory),
        TEST(test_format),       TEST(test_random_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
