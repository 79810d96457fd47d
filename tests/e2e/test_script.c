/* test_script.c: a component made of JavaScript: an engine in several modules that share memory, tables and globals, dynamically
 * linked, in nested components. Its functions' results are in tests/cli/calls/script.txt.
 */
#include "e2e.h"

#include <stdio.h>

#define SHAPES "test:script/shapes@1.0.0"
#define HOST "test:script/host@1.0.0"

typedef struct host {
    char log[128];
    uint32_t asked;
} host;

static cj_status keep_log(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)ctx, (void)results, (void)err;
    const cj_string *s = args;
    snprintf(((host *)user)->log, sizeof(((host *)user)->log), "%.*s", (int)s->len, s->ptr);
    return CJ_OK;
}

static cj_status twice(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)ctx, (void)err;
    ((host *)user)->asked++;
    *(uint32_t *)results = 2 * *(const uint32_t *)args;
    return CJ_OK;
}

static cj_instance *instance_of(e2e *w, host *h, const cj_component *component)
{
    cj_instance *instance;
    cj_linker *linker;
    memset(h, 0, sizeof(*h));
    e2e_ok(cj_linker_new(w->engine, &linker, &w->err), &w->err);
    e2e_ok(cj_linker_func(linker, HOST, "log", keep_log, h, &w->err), &w->err);
    e2e_ok(cj_linker_func(linker, HOST, "twice", twice, h, &w->err), &w->err);
    e2e_ok(cj_instantiate(w->store, linker, component, &instance, &w->err), &w->err);
    cj_linker_delete(linker);
    return instance;
}

static void greets(e2e *w, cj_instance *instance, const char *name)
{
    char expected[128];
    snprintf(expected, sizeof(expected), "Hello, %s, from JavaScript!", name);
    cj_val in = e2e_string(name), out;
    e2e_call(w, e2e_func(instance, "greet"), &in, 1, &out);
    assert_int_equal(out.of.string.len, strlen(expected));
    assert_memory_equal(out.of.string.ptr, expected, strlen(expected));
}

static void test_script(void **state)
{
    e2e *w = *state;
    /* Where guests are compiled, this one takes a core's 20 s; its calls in tier INTERP are those of tests/cli. */
    if (!e2e_exists("@script") || (e2e_tier == CJ_TIER_INTERP && e2e_guests_are_compiled()))
        skip();
    cj_component *component = e2e_component(w, "@script");
    host h, other_h;
    cj_instance *instance = instance_of(w, &h, component);
    for (int i = 0; i < 20; i++)
        greets(w, instance, "\xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x98\x80");

    /* The host's functions. */
    uint32_t n = 21;
    assert_int_equal(e2e_call_u32(w, e2e_func(instance, "ask"), &n, 1), 43);
    assert_string_equal(h.log, "asking for twice 21");
    assert_int_equal(h.asked, 1);

    /* Records in lists, in C structs. */
    struct point {
        double x, y;
    } points[1000];
    for (int i = 0; i < 1000; i++)
        points[i] = (struct point){i, -i};
    struct {
        uint8_t some;
        struct point of;
    } centre;
    cj_list list = {points, 1000};
    e2e_ok(cj_call_native(e2e_func(instance, SHAPES "#centre"), &list, &centre, NULL), cj_store_error(w->store));
    assert_true(centre.some && centre.of.x == 499.5 && centre.of.y == -499.5);

    /* Each instance has an engine of its own, whose state lives on. */
    cj_instance *other = instance_of(w, &other_h, component);
    assert_int_equal(e2e_call_u32(w, e2e_func(instance, "calls"), NULL, 0), 21);
    assert_int_equal(e2e_call_u32(w, e2e_func(other, "calls"), NULL, 0), 0);

    /* What a function throws that has no result for it traps. */
    cj_val message = e2e_string("no");
    e2e_traps(w, e2e_func(instance, "fail"), &message, 1, CJ_TRAP_UNREACHABLE, NULL);
    e2e_traps(w, e2e_func(instance, "calls"), NULL, 0, CJ_TRAP_CANNOT_ENTER, NULL);
    greets(w, other, "Ada");
}

int main(void)
{
    const struct CMUnitTest tests[] = {E2E(test_script)};
    return e2e_run(tests);
}
