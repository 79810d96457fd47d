/* test_calls.c: the host calls guests: every shape of signature through both doors; where results live. */
#include "e2e.h"

#include <stdio.h>
#include <stdlib.h>

/* -- The native door ----------------------------------------------------------------------------------------------- */

static void test_nop_and_add(void **state)
{
    e2e *w = *state;
    cj_instance *instance = e2e_instance(w, "calls");
    assert_int_equal(cj_call_native(e2e_func(instance, "nop"), NULL, NULL, NULL), CJ_OK);
    struct {
        uint32_t a, b;
    } args = {40, 2};
    uint32_t sum = 0;
    cj_func *add = e2e_func(instance, "add");
    for (int i = 0; i < 1000; i++)
        assert_int_equal(cj_call_native(add, &args, &sum, NULL), CJ_OK);
    assert_int_equal(sum, 42);
    args.a = UINT32_MAX;
    assert_int_equal(cj_call_native(add, &args, &sum, NULL), CJ_OK);
    assert_int_equal(sum, 1);
}

/* Scalars through a core function that gives back what it got: narrow ones must come back narrow. */
static void test_scalars(void **state)
{
    e2e *w = *state;
    cj_instance *instance = e2e_instance(w, "calls");
    const struct {
        const char *name;
        cj_val v;
    } cases[] = {
        {"id-bool", {.kind = CJ_KIND_BOOL, .of.b = true}},
        {"id-bool", {.kind = CJ_KIND_BOOL, .of.b = false}},
        {"id-u8", {.kind = CJ_KIND_U8, .of.u8 = 255}},
        {"id-s8", {.kind = CJ_KIND_S8, .of.s8 = -128}},
        {"id-u16", {.kind = CJ_KIND_U16, .of.u16 = 65535}},
        {"id-s16", {.kind = CJ_KIND_S16, .of.s16 = -32768}},
        {"id-s32", {.kind = CJ_KIND_S32, .of.s32 = INT32_MIN}},
        {"id-u64", {.kind = CJ_KIND_U64, .of.u64 = UINT64_MAX}},
        {"id-s64", {.kind = CJ_KIND_S64, .of.s64 = INT64_MIN}},
        {"id-f32", {.kind = CJ_KIND_F32, .of.f32 = -1.25e-30f}},
        {"id-f64", {.kind = CJ_KIND_F64, .of.f64 = -0.0}},
        {"id-char", {.kind = CJ_KIND_CHAR, .of.ch = 0x10ffff}},
        {"id-colour", {.kind = CJ_KIND_ENUM, .of.choice = {2, NULL}}},
        {"id-perms", {.kind = CJ_KIND_FLAGS, .of.flags = 5}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cj_val result;
        e2e_call(w, e2e_func(instance, cases[i].name), &cases[i].v, 1, &result);
        assert_true(cj_val_equal(&cases[i].v, &result));
    }
    cj_val three[3] = {
        {.kind = CJ_KIND_S32, .of.s32 = 10}, {.kind = CJ_KIND_S64, .of.s64 = 3}, {.kind = CJ_KIND_F64, .of.f64 = 0.5}};
    cj_val result;
    e2e_call(w, e2e_func(instance, "sub3"), three, 3, &result);
    assert_true(result.of.f64 == 6.5);
}

static void test_many_params(void **state)
{
    e2e *w = *state;
    cj_instance *instance = e2e_instance(w, "calls");
    uint64_t flat[16] = {0}, sum;
    flat[0] = 1;
    flat[7] = 2;
    flat[14] = 3;
    flat[15] = 4;
    assert_int_equal(cj_call_native(e2e_func(instance, "sum16"), flat, &sum, NULL), CJ_OK);
    assert_int_equal(sum, 1234);
    uint32_t spilled[17], weighted, expected = 0;
    for (uint32_t i = 0; i < 17; i++) {
        spilled[i] = 100 + i;
        expected += (i + 1) * spilled[i];
    }
    assert_int_equal(cj_call_native(e2e_func(instance, "sum17"), spilled, &weighted, NULL), CJ_OK);
    assert_int_equal(weighted, expected);
    assert_int_equal(e2e_call_u32(w, e2e_func(instance, "reallocs"), NULL, 0), 1); /* the block of parameters */
}

static void test_strings(void **state)
{
    e2e *w = *state;
    cj_instance *instance = e2e_instance(w, "calls");
    static const char *const texts[] = {"", "a", "plain ASCII text", "Gru\xc3\x9f \xc3\xbc",
                                        "\xf0\x9f\x8e\x89 party \xe2\x82\xac"};
    static const char *const funcs[] = {"echo-utf8", "echo-utf16", "echo-compact"};
    for (size_t f = 0; f < 3; f++) {
        cj_func *echo = e2e_func(instance, funcs[f]);
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
            cj_string in = {texts[i], strlen(texts[i])}, out = {NULL, 77};
            assert_int_equal(cj_call_native(echo, &in, &out, NULL), CJ_OK);
            assert_int_equal(out.len, in.len);
            assert_memory_equal(out.ptr, in.ptr, in.len);
        }
    }
    cj_string name = CJ_STRING("World"), hello;
    assert_int_equal(cj_call_native(e2e_func(instance, "test:e2e/greeter@1.2.0#greet"), &name, &hello, NULL), CJ_OK);
    assert_int_equal(hello.len, 13);
    assert_memory_equal(hello.ptr, "Hello, World!", 13);
}

static void test_lists_and_spilled_results(void **state)
{
    e2e *w = *state;
    cj_instance *instance = e2e_instance(w, "calls");
    uint32_t numbers[1000];
    uint64_t expected = 0, sum;
    for (uint32_t i = 0; i < 1000; i++)
        expected += numbers[i] = i * 4000000;
    cj_list list = {numbers, 1000};
    assert_int_equal(cj_call_native(e2e_func(instance, "sum-list"), &list, &sum, NULL), CJ_OK);
    assert_int_equal(sum, expected);
    list = (cj_list){NULL, 0};
    assert_int_equal(cj_call_native(e2e_func(instance, "sum-list"), &list, &sum, NULL), CJ_OK);
    assert_int_equal(sum, 0);

    cj_string strings[3] = {CJ_STRING("abc"), CJ_STRING(""), CJ_STRING("\xc3\xbc")};
    cj_list names = {strings, 3};
    uint32_t total;
    assert_int_equal(cj_call_native(e2e_func(instance, "total-len"), &names, &total, NULL), CJ_OK);
    assert_int_equal(total, 5);

    struct {
        uint32_t a, b;
    } args = {17, 5}, quotient;
    assert_int_equal(cj_call_native(e2e_func(instance, "divmod"), &args, &quotient, NULL), CJ_OK);
    assert_int_equal(quotient.a, 3);
    assert_int_equal(quotient.b, 2);
}

static void test_records_and_variants(void **state)
{
    e2e *w = *state;
    cj_instance *instance = e2e_instance(w, "calls");
    struct rec {
        uint8_t a;
        cj_string name;
        uint16_t c;
    } in = {1, CJ_STRING("x\xc3\xbcz"), 65535}, out;
    assert_int_equal(cj_call_native(e2e_func(instance, "bump"), &in, &out, NULL), CJ_OK);
    assert_int_equal(out.a, 2);
    assert_int_equal(out.c, 0);
    assert_int_equal(out.name.len, 4);
    assert_memory_equal(out.name.ptr, "x\xc3\xbcz", 4);

    struct choice {
        uint8_t tag;
        union {
            int64_t integer;
            cj_string text;
            double real;
        } of;
    } choices[4] = {{0, {0}}, {1, {.integer = -9}}, {2, {.text = CJ_STRING("four")}}, {3, {.real = 12.75}}};
    static const int64_t expected[4] = {-1, -9, 4, 12};
    for (int i = 0; i < 4; i++) {
        int64_t n;
        assert_int_equal(cj_call_native(e2e_func(instance, "classify"), &choices[i], &n, NULL), CJ_OK);
        assert_int_equal(n, expected[i]);
    }

    struct {
        uint8_t some;
        uint32_t value;
    } option = {1, 5};
    struct {
        uint8_t err;
        union {
            uint32_t ok;
            cj_string err;
        } of;
    } result;
    assert_int_equal(cj_call_native(e2e_func(instance, "want"), &option, &result, NULL), CJ_OK);
    assert_int_equal(result.err, 0);
    assert_int_equal(result.of.ok, 5);
    option.some = 0;
    assert_int_equal(cj_call_native(e2e_func(instance, "want"), &option, &result, NULL), CJ_OK);
    assert_int_equal(result.err, 1);
    assert_int_equal(result.of.err.len, 13);
    assert_memory_equal(result.of.err.ptr, "nothing there", 13);
}

static void test_post_return_runs_once_per_call(void **state)
{
    e2e *w = *state;
    cj_instance *instance = e2e_instance(w, "calls");
    cj_func *posts = e2e_func(instance, "posts"), *echo = e2e_func(instance, "echo-list");
    uint64_t numbers[3] = {1, 2, 3};
    cj_list in = {numbers, 3}, out;
    for (uint32_t i = 1; i <= 5; i++) {
        assert_int_equal(cj_call_native(echo, &in, &out, NULL), CJ_OK);
        assert_int_equal(out.len, 3);
        assert_memory_equal(out.ptr, numbers, sizeof(numbers));
        assert_int_equal(e2e_call_u32(w, posts, NULL, 0), i);
    }
    cj_string s = CJ_STRING("x");
    assert_int_equal(cj_call_native(e2e_func(instance, "echo-utf8"), &s, &s, NULL), CJ_OK);
    assert_int_equal(e2e_call_u32(w, posts, NULL, 0), 6);
    struct {
        uint32_t a, b;
    } pair = {1, 1};
    assert_int_equal(cj_call_native(e2e_func(instance, "divmod"), &pair, &pair, NULL), CJ_OK); /* has none */
    assert_int_equal(e2e_call_u32(w, posts, NULL, 0), 6);
}

/* -- Where results live -------------------------------------------------------------------------------------------- */

/* What a call lends stays until the next call has returned: it may be an argument of that. */
static void test_lent_results(void **state)
{
    e2e *w = *state;
    cj_instance *instance = e2e_instance(w, "calls");
    cj_func *greet = e2e_func(instance, "test:e2e/greeter@1.2.0#greet"), *echo = e2e_func(instance, "echo-utf16");
    cj_string text = CJ_STRING("you"), next;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(cj_call_native(i % 2 ? echo : greet, &text, &next, NULL), CJ_OK);
        text = next;
    }
    assert_int_equal(text.len, 3 + 10 * 8);
    assert_memory_equal(text.ptr, "Hello, Hello, ", 14);

    cj_val v = e2e_string("me"), out;
    for (int i = 0; i < 4; i++) {
        e2e_call(w, greet, &v, 1, &out);
        v = out;
    }
    assert_int_equal(v.of.string.len, 2 + 4 * 8);
    assert_memory_equal(v.of.string.ptr + 28, "me!!!!", 6);
}

static void test_arena_of_the_host(void **state)
{
    e2e *w = *state;
    cj_instance *instance = e2e_instance(w, "calls");
    cj_func *echo = e2e_func(instance, "echo-utf8");
    cj_arena *arena;
    assert_int_equal(cj_arena_new(NULL, &arena), CJ_OK);
    cj_string outs[50];
    char texts[50][20];
    for (int i = 0; i < 50; i++) {
        snprintf(texts[i], sizeof(texts[i]), "text %d", i);
        cj_string in = {texts[i], strlen(texts[i])};
        assert_int_equal(cj_call_native(echo, &in, &outs[i], arena), CJ_OK);
    }
    for (int i = 0; i < 50; i++) {
        assert_int_equal(outs[i].len, strlen(texts[i]));
        assert_memory_equal(outs[i].ptr, texts[i], outs[i].len);
    }
    cj_val v = e2e_string("kept"), kept, other;
    e2e_ok(cj_call(echo, &v, 1, &kept, 1, arena, &w->err), &w->err);
    for (int i = 0; i < 5; i++)
        e2e_ok(cj_call(echo, &v, 1, &other, 1, NULL, &w->err), &w->err);
    assert_true(cj_val_equal(&v, &kept));
    cj_arena_delete(arena);
}

/* -- The dynamic door ---------------------------------------------------------------------------------------------- */

static void test_dynamic_values(void **state)
{
    e2e *w = *state;
    cj_instance *instance = e2e_instance(w, "calls");
    cj_val strings[3] = {e2e_string("one"), e2e_string(""), e2e_string("dr\xc3\xa9i")};
    cj_val list = {.kind = CJ_KIND_LIST, .of.seq = {strings, 3}}, out;
    e2e_call(w, e2e_func(instance, "echo-strings"), &list, 1, &out);
    assert_true(cj_val_equal(&list, &out));

    cj_val fields[3] = {{.kind = CJ_KIND_U8, .of.u8 = 255}, e2e_string("n"), {.kind = CJ_KIND_U16, .of.u16 = 9}};
    cj_val record = {.kind = CJ_KIND_RECORD, .of.seq = {fields, 3}};
    e2e_call(w, e2e_func(instance, "bump"), &record, 1, &out);
    fields[0].of.u8 = 0;
    fields[2].of.u16 = 10;
    assert_true(cj_val_equal(&record, &out));

    cj_val none = {.kind = CJ_KIND_OPTION};
    e2e_call(w, e2e_func(instance, "want"), &none, 1, &out);
    assert_int_equal(out.of.choice.index, 1);
    cj_val expected = e2e_string("nothing there");
    assert_true(cj_val_equal(out.of.choice.payload, &expected));

    cj_val pair[2] = {e2e_u32(100), e2e_u32(7)};
    e2e_call(w, e2e_func(instance, "divmod"), pair, 2, &out);
    assert_int_equal(out.kind, CJ_KIND_TUPLE);
    assert_int_equal(out.of.seq.ptr[0].of.u32, 14);
    assert_int_equal(out.of.seq.ptr[1].of.u32, 2);
    e2e_call(w, e2e_func(instance, "nop"), NULL, 0, NULL);
    e2e_call(w, e2e_func(instance, "forget"), NULL, 0, NULL);
}

/* Mistakes of the host cost a message, not an instance. */
static void test_dynamic_misuse(void **state)
{
    e2e *w = *state;
    cj_instance *instance = e2e_instance(w, "calls");
    cj_func *add = e2e_func(instance, "add"), *bump = e2e_func(instance, "bump"), *nop = e2e_func(instance, "nop");
    cj_val two[2] = {e2e_u32(1), e2e_u32(2)}, out;

    assert_int_equal(cj_call(NULL, two, 2, &out, 1, NULL, &w->err), CJ_MISUSE);
    assert_contains(w->err.message, "NULL");
    assert_int_equal(cj_call(add, two, 1, &out, 1, NULL, &w->err), CJ_MISUSE);
    assert_contains(w->err.message, "takes 2 arguments, 1 were given");
    assert_string_equal(w->err.where, "add");
    assert_int_equal(cj_call(add, NULL, 2, &out, 1, NULL, &w->err), CJ_MISUSE);
    assert_int_equal(cj_call(add, two, 2, NULL, 0, NULL, &w->err), CJ_MISUSE);
    assert_contains(w->err.message, "has 1 results");
    assert_int_equal(cj_call(add, two, 2, NULL, 1, NULL, &w->err), CJ_MISUSE);
    assert_int_equal(cj_call(nop, NULL, 0, &out, 1, NULL, &w->err), CJ_MISUSE);

    two[1].kind = CJ_KIND_S32;
    assert_int_equal(cj_call(add, two, 2, &out, 1, NULL, &w->err), CJ_MISUSE);
    assert_string_equal(w->err.where, "add: param 1");
    assert_contains(w->err.message, "expected u32, got s32");
    assert_string_equal(cj_store_error(w->store)->message, w->err.message);
    assert_int_equal(cj_store_error(w->store)->status, CJ_MISUSE);

    cj_val fields[3] = {{.kind = CJ_KIND_U8}, e2e_string("\xff"), {.kind = CJ_KIND_U16}};
    cj_val record = {.kind = CJ_KIND_RECORD, .of.seq = {fields, 3}};
    assert_int_equal(cj_call(bump, &record, 1, &out, 1, NULL, &w->err), CJ_MISUSE);
    assert_string_equal(w->err.where, "bump: param 0 .name");
    assert_int_equal(cj_call(bump, &record, 1, &out, 1, NULL, NULL), CJ_MISUSE);

    cj_val bad = {.kind = CJ_KIND_CHAR, .of.ch = 0xd800};
    assert_int_equal(cj_call(e2e_func(instance, "id-char"), &bad, 1, &out, 1, NULL, &w->err), CJ_MISUSE);
    bad = (cj_val){.kind = CJ_KIND_ENUM, .of.choice = {3, NULL}};
    assert_int_equal(cj_call(e2e_func(instance, "id-colour"), &bad, 1, &out, 1, NULL, &w->err), CJ_MISUSE);
    bad = (cj_val){.kind = CJ_KIND_FLAGS, .of.flags = 8};
    assert_int_equal(cj_call(e2e_func(instance, "id-perms"), &bad, 1, &out, 1, NULL, &w->err), CJ_MISUSE);

    assert_int_equal(e2e_call_u32(w, add, (uint32_t[]){20, 22}, 2), 42);
}

/* Strings of the native door are checked where they are moved: the guest relies on UTF-8. */
static void test_native_string_must_be_utf8(void **state)
{
    e2e *w = *state;
    static const char *const funcs[] = {"echo-utf8", "echo-utf16", "echo-compact"};
    cj_component *component = e2e_component(w, "calls");
    for (size_t i = 0; i < 3; i++) {
        cj_func *echo = e2e_func(e2e_instantiate(w, component), funcs[i]);
        cj_string bad = {"ab\xc0\x80", 4}, out;
        assert_int_equal(cj_call_native(echo, &bad, &out, NULL), CJ_TRAP);
        assert_int_equal(cj_store_error(w->store)->trap, CJ_TRAP_STRING_UTF8);
        char where[64];
        snprintf(where, sizeof(where), "%s: param 0", funcs[i]);
        assert_string_equal(cj_store_error(w->store)->where, where);
    }
}

/* -- Limits -------------------------------------------------------------------------------------------------------- */

static void test_max_host_bytes(void **state)
{
    e2e *w = *state;
    cj_limits limits;
    cj_limits_init(&limits);
    limits.max_host_bytes = 100000;
    cj_store *store;
    e2e_ok(cj_store_new(w->engine, &limits, NULL, &store, &w->err), &w->err);
    cj_component *component = e2e_component(w, "calls");
    cj_instance *instance;
    e2e_ok(cj_instantiate(store, NULL, component, &instance, &w->err), &w->err);
    cj_func *make = e2e_func(instance, "make-bytes");

    uint32_t len = 60000;
    cj_list bytes;
    for (int i = 0; i < 5; i++) /* the limit is per call */
        assert_int_equal(cj_call_native(make, &len, &bytes, NULL), CJ_OK);
    assert_int_equal(bytes.len, 60000);
    assert_int_equal(((uint8_t *)bytes.ptr)[59999], 7);

    /* Values are larger than what they stand for. The guest has done nothing wrong, so it lives. */
    cj_val arg = e2e_u32(60000), out;
    assert_int_equal(cj_call(make, &arg, 1, &out, 1, NULL, &w->err), CJ_LIMIT);
    assert_contains(w->err.message, "max_host_bytes");
    assert_string_equal(w->err.where, "make-bytes: result");
    arg = e2e_u32(1000);
    e2e_ok(cj_call(make, &arg, 1, &out, 1, NULL, &w->err), &w->err);
    assert_int_equal(out.of.seq.len, 1000);

    len = 100001;
    assert_int_equal(cj_call_native(make, &len, &bytes, NULL), CJ_TRAP);
    assert_int_equal(cj_store_error(store)->trap, CJ_TRAP_HOST_LIMIT);
    assert_contains(cj_store_error(store)->message, "max_host_bytes of cj_limits is 100000");
    assert_string_equal(cj_store_error(store)->where, "make-bytes: result");
    len = 1;
    assert_int_equal(cj_call_native(make, &len, &bytes, NULL), CJ_TRAP);
    assert_int_equal(cj_store_error(store)->trap, CJ_TRAP_CANNOT_ENTER);
    cj_store_delete(store);
}

static void test_limits_of_memories_and_tables(void **state)
{
    e2e *w = *state;
    cj_component *component = e2e_component(w, "grow");
    cj_limits limits;
    cj_limits_init(&limits);
    limits.max_memory_pages = 10;
    limits.max_table_elements = 200;
    cj_store *store;
    cj_instance *instance = NULL;
    e2e_ok(cj_store_new(w->engine, &limits, NULL, &store, &w->err), &w->err);
    e2e_ok(cj_instantiate(store, NULL, component, &instance, &w->err), &w->err);
    cj_func *grow = e2e_func(instance, "grow"), *grow_table = e2e_func(instance, "grow-table");
    cj_val arg = e2e_u32(7), out;
    e2e_call(w, grow, &arg, 1, &out);
    assert_int_equal(out.of.s32, -1);
    arg = e2e_u32(6);
    e2e_call(w, grow, &arg, 1, &out);
    assert_int_equal(out.of.s32, 4);
    arg = e2e_u32(1);
    e2e_call(w, grow, &arg, 1, &out);
    assert_int_equal(out.of.s32, -1);
    arg = e2e_u32(101);
    e2e_call(w, grow_table, &arg, 1, &out);
    assert_int_equal(out.of.s32, -1);
    arg = e2e_u32(100);
    e2e_call(w, grow_table, &arg, 1, &out);
    assert_int_equal(out.of.s32, 100);
    cj_store_delete(store);

    limits.max_memory_pages = 3;
    e2e_ok(cj_store_new(w->engine, &limits, NULL, &store, &w->err), &w->err);
    assert_int_equal(cj_instantiate(store, NULL, component, &instance, &w->err), CJ_LIMIT);
    assert_contains(w->err.message, "max_memory_pages");
    cj_store_delete(store);

    cj_limits_init(&limits);
    limits.max_table_elements = 199;
    e2e_ok(cj_store_new(w->engine, &limits, NULL, &store, &w->err), &w->err);
    assert_int_equal(cj_instantiate(store, NULL, component, &instance, &w->err), CJ_LIMIT);
    assert_contains(w->err.message, "max_table_elements");
    cj_store_delete(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E(test_nop_and_add),
        E2E(test_scalars),
        E2E(test_many_params),
        E2E(test_strings),
        E2E(test_lists_and_spilled_results),
        E2E(test_records_and_variants),
        E2E(test_post_return_runs_once_per_call),
        E2E(test_lent_results),
        E2E(test_arena_of_the_host),
        E2E(test_dynamic_values),
        E2E(test_dynamic_misuse),
        E2E(test_native_string_must_be_utf8),
        E2E(test_max_host_bytes),
        E2E(test_limits_of_memories_and_tables),
    };
    return e2e_run_auto_too(tests);
}
