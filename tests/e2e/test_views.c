/* test_views.c: a host function gives back what it was lent in place, while the guest's realloc makes memory and overwrites what was lent.
 */
#include "e2e.h"

static cj_status echo_string(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)user, (void)ctx, (void)err;
    memcpy(results, args, sizeof(cj_string));
    return CJ_OK;
}

static cj_status echo_list(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)user, (void)ctx, (void)err;
    memcpy(results, args, sizeof(cj_list));
    return CJ_OK;
}

static void views_come_back(void **state)
{
    e2e *w = *state;
    e2e_ok(cj_linker_func(w->linker, NULL, "echo", echo_string, NULL, &w->err), &w->err);
    e2e_ok(cj_linker_func(w->linker, NULL, "echo-bytes", echo_list, NULL, &w->err), &w->err);
    e2e_ok(cj_linker_func(w->linker, NULL, "echo-strings", echo_list, NULL, &w->err), &w->err);
    cj_component *component = e2e_component(w, "views");
    cj_string s;
    cj_list list;

    assert_int_equal(cj_call_native(e2e_func(e2e_instantiate(w, component), "string"), NULL, &s, NULL), CJ_OK);
    assert_int_equal(s.len, 11);
    assert_memory_equal(s.ptr, "hello, view", 11);
    assert_int_equal(cj_call_native(e2e_func(e2e_instantiate(w, component), "string16"), NULL, &s, NULL), CJ_OK);
    assert_int_equal(s.len, 5);
    assert_memory_equal(s.ptr, "hi\xe2\x82\xac", 5);
    assert_int_equal(cj_call_native(e2e_func(e2e_instantiate(w, component), "bytes"), NULL, &list, NULL), CJ_OK);
    assert_int_equal(list.len, 11);
    assert_memory_equal(list.ptr, "hello, view", 11);

    /* The list's own block comes first: what it overwrites is what the strings are by then, and that is the guest's affair. */
    assert_int_equal(cj_call_native(e2e_func(e2e_instantiate(w, component), "strings"), NULL, &list, NULL), CJ_OK);
    assert_int_equal(list.len, 3);
    const cj_string *strings = list.ptr;
    assert_int_equal(strings[0].len, 5);
    assert_memory_equal(strings[0].ptr, "#####", 5);
    assert_int_equal(strings[1].len, 4);
    assert_memory_equal(strings[1].ptr, "####", 4);
    assert_int_equal(strings[2].len, 0);

    /* Again and again, in one instance: all that is lent lies in what has been overwritten. */
    cj_instance *instance = e2e_instantiate(w, component);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(cj_call_native(e2e_func(instance, "string"), NULL, &s, NULL), CJ_OK);
        assert_memory_equal(s.ptr, i ? "###########" : "hello, view", 11);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E(views_come_back),
    };
    return e2e_run(tests);
}
