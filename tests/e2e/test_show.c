/* test_show.c: does the guest see what the host passed, and the host what the guest made? An echo would not notice a
 * mistake that is made both ways. The guests of types.wit write down in text each value that they get (show-T), and
 * make values by a rule (give-T); the text is held against one that this file writes from the host's value. Drawn at
 * random; in three string encodings.
 */
#include "e2e.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 40 };

/* -- A value's text, as the guests write it: WAVE, with floats as their bits in hexadecimal ------------------------ */

typedef struct text {
    char *at;
    size_t len, cap;
} text;

static void put(text *t, const char *bytes, size_t n)
{
    while (t->len + n + 1 > t->cap) {
        t->cap = 2 * t->cap + 256;
        t->at = realloc(t->at, t->cap);
        assert_non_null(t->at);
    }
    memcpy(t->at + t->len, bytes, n);
    t->len += n;
    t->at[t->len] = 0;
}

static void put_z(text *t, const char *z)
{
    put(t, z, strlen(z));
}

static void put_value(text *t, const cj_type *type, const cj_val *v)
{
    uint32_t count = cj_type_count(type);
    char number[40];
    switch (v->kind) {
    case CJ_KIND_F32: {
        uint32_t bits;
        memcpy(&bits, &v->of.f32, sizeof(bits));
        snprintf(number, sizeof(number), "0x%08" PRIx32, bits);
        put_z(t, number);
        break;
    }
    case CJ_KIND_F64: {
        uint64_t bits;
        memcpy(&bits, &v->of.f64, sizeof(bits));
        snprintf(number, sizeof(number), "0x%016" PRIx64, bits);
        put_z(t, number);
        break;
    }
    case CJ_KIND_LIST:
    case CJ_KIND_TUPLE:
        put_z(t, v->kind == CJ_KIND_LIST ? "[" : "(");
        for (size_t i = 0; i < v->of.seq.len; i++) {
            put_z(t, i ? ", " : "");
            put_value(t, cj_type_member(type, v->kind == CJ_KIND_LIST ? 0 : (uint32_t)i), &v->of.seq.ptr[i]);
        }
        put_z(t, v->kind == CJ_KIND_LIST ? "]" : ")");
        break;
    case CJ_KIND_RECORD: {
        bool first = true;
        put_z(t, "{");
        for (uint32_t i = 0; i < count; i++) {
            const cj_val *field = &v->of.seq.ptr[i];
            if (field->kind == CJ_KIND_OPTION && field->of.choice.index == 0)
                continue;
            put_z(t, first ? "" : ", ");
            first = false;
            put_z(t, cj_type_member_name(type, i, NULL));
            put_z(t, ": ");
            put_value(t, cj_type_member(type, i), field);
        }
        put_z(t, "}");
        break;
    }
    case CJ_KIND_VARIANT:
    case CJ_KIND_OPTION:
    case CJ_KIND_RESULT: {
        uint32_t i = v->of.choice.index;
        bool option = v->kind == CJ_KIND_OPTION;
        const cj_type *payload = option ? (i ? cj_type_member(type, 0) : NULL) : cj_type_member(type, i);
        put_z(t, option ? (i ? "some" : "none") : cj_type_member_name(type, i, NULL));
        if (payload) {
            put_z(t, "(");
            put_value(t, payload, v->of.choice.payload);
            put_z(t, ")");
        }
        break;
    }
    default: { /* no float inside */
        size_t n = cj_wave_format(type, v, NULL, 0);
        char *wave = malloc(n + 1);
        assert_non_null(wave);
        cj_wave_format(type, v, wave, n + 1);
        put(t, wave, n);
        free(wave);
        break;
    }
    }
}

/* NaNs come with any bits: the guest may see another than the host's. */
static bool has_nan(const cj_val *v)
{
    switch (v->kind) {
    case CJ_KIND_F32:
        return v->of.f32 != v->of.f32;
    case CJ_KIND_F64:
        return v->of.f64 != v->of.f64;
    case CJ_KIND_LIST:
    case CJ_KIND_TUPLE:
    case CJ_KIND_RECORD:
        for (size_t i = 0; i < v->of.seq.len; i++)
            if (has_nan(&v->of.seq.ptr[i]))
                return true;
        return false;
    case CJ_KIND_VARIANT:
    case CJ_KIND_OPTION:
    case CJ_KIND_RESULT:
        return v->of.choice.payload && has_nan(v->of.choice.payload);
    default:
        return false;
    }
}

/* -- Tests --------------------------------------------------------------------------------------------------------- */

typedef struct world {
    e2e *w;
    cj_component *component;
    cj_instance *instance;
    cj_arena *arena;
    const char *guest;
    size_t shown;
} world;

static void expect_shown(world *x, size_t show, const cj_type *type, const cj_val *v)
{
    cj_val shown;
    cj_status status = cj_call(cj_instance_func_at(x->instance, show), v, 1, &shown, 1, x->arena, &x->w->err);
    text t = {0};
    put_value(&t, type, v);
    if (status != CJ_OK)
        fail_msg("%s: %s at %s: %s", x->guest, x->w->err.message, x->w->err.where, t.at);
    if (shown.of.string.len != t.len || memcmp(shown.of.string.ptr, t.at, t.len) != 0)
        fail_msg("%s: the host passed %s, the guest saw %.*s", x->guest, t.at, (int)shown.of.string.len,
                 shown.of.string.ptr);
    free(t.at);
    x->shown++;
}

static size_t find(const world *x, const char *interface, const char *prefix, const char *type)
{
    char path[120];
    size_t i;
    snprintf(path, sizeof(path), "%s#%s%s", interface, prefix, type);
    assert_int_equal(cj_component_find_export(x->component, path, strlen(path), &i, NULL), CJ_OK);
    return i;
}

static void run(e2e *w, const char *guest, uint64_t seed)
{
    world x = {.w = w, .guest = guest};
    x.component = e2e_component(w, guest);
    x.instance = e2e_instantiate(w, x.component);
    assert_int_equal(cj_arena_new(NULL, &x.arena), CJ_OK);
    e2e_random random = {seed};
    size_t types = 0;
    for (size_t i = 0; i < cj_component_export_count(x.component); i++) {
        cj_extern_func f = cj_component_export(x.component, i);
        if (strncmp(f.name, "show-", 5) != 0)
            continue;
        types++;
        const cj_type *type = cj_functype_param(f.type, 0);
        for (int round = 0; round < ROUNDS; round++) {
            cj_arena_reset(x.arena);
            cj_val v = e2e_draw(&random, type, x.arena);
            if (!has_nan(&v))
                expect_shown(&x, i, type, &v);
        }

        /* Made by the guest: it must recognise its own value when it comes back. */
        size_t give = find(&x, "give", "give-", f.name + 5), echo = find(&x, "echo", "echo-", f.name + 5);
        assert_ptr_equal(cj_functype_result(cj_component_export(x.component, give).type), type);
        for (uint32_t n = 0; n < 16; n++) {
            cj_arena_reset(x.arena);
            cj_val arg = e2e_u32(n), given, back;
            e2e_ok(cj_call(cj_instance_func_at(x.instance, give), &arg, 1, &given, 1, x.arena, &w->err), &w->err);
            expect_shown(&x, i, type, &given);
            e2e_ok(cj_call(cj_instance_func_at(x.instance, echo), &given, 1, &back, 1, x.arena, &w->err), &w->err);
            assert_true(cj_val_equal(&given, &back));
        }
    }
    assert_int_equal(types, 56);
    assert_true(x.shown > types * ROUNDS / 2);

    /* The rule by which values are made, spot by spot. */
    cj_val arg = e2e_u32(3), given;
    static const struct {
        const char *type, *value;
    } spots[] = {
        {"u8", "24"},
        {"s16", "-5400"},
        {"s64", "-3000000000000"},
        {"u64", "18446744073709551613"},
        {"f32", "3.25"},
        {"f64", "0.3"},
        {"char", "'\u20ac'"},
        {"string", "\"a\u00e9\u03b1\""},
        {"wide", "w3"},
        {"half", "{h0, h1, h4, h5, h8, h9}"},
        {"shape", "rect((3, 4))"},
        {"number", "f(3.25)"},
        {"result-err", "err(\"a\u00e9\u03b1\")"},
        {"option-option", "some(some(0))"},
        {"list-u8", "[24, 32, 40]"},
    };
    for (size_t i = 0; i < sizeof(spots) / sizeof(spots[0]); i++) {
        size_t give = find(&x, "give", "give-", spots[i].type);
        char wave[200];
        e2e_ok(cj_call(cj_instance_func_at(x.instance, give), &arg, 1, &given, 1, x.arena, &w->err), &w->err);
        cj_wave_format(cj_functype_result(cj_component_export(x.component, give).type), &given, wave, sizeof(wave));
        assert_string_equal(wave, spots[i].value);
    }

    /* Every post-return ran: nothing is left on the guest's heap. */
    cj_val used;
    e2e_ok(cj_call(e2e_func(x.instance, "heap-used"), NULL, 0, &used, 1, x.arena, &w->err), &w->err);
    assert_int_equal(used.of.u32, 0);
    cj_arena_delete(x.arena);
}

static void test_utf8(void **state)
{
    run(*state, "@values", 1);
}

static void test_utf16(void **state)
{
    run(*state, "@values-utf16", 2);
}

static void test_compact(void **state)
{
    run(*state, "@values-compact", 3);
}

int main(void)
{
    if (!e2e_exists("@values")) {
        puts("guests of tests/guests are not built");
        return 1;
    }
    const struct CMUnitTest tests[] = {E2E(test_utf8), E2E(test_utf16), E2E(test_compact)};
    return e2e_run(tests);
}
