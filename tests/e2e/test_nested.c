/* test_nested.c: components inside components: calls between them, traps two deep, what cannot be entered, interrupts, what errors say.
 */
#include "e2e.h"

#include <stdio.h>
#include <stdlib.h>

#define INNER "test:nested/inner"
#define MIDDLE "test:nested/middle"
#define OUTER "test:nested/outer"
#define OTHER "test:nested/other"
#define WORKER "test:nested/worker" /* as the components call each other */

typedef struct world {
    e2e *w;
    cj_instance *nested;
    const char *target; /* what `call` calls */
    uint32_t arg;
    cj_instance *target_instance;
    cj_status status;
    cj_error err;
    uint32_t result;
    uint32_t calls;
    bool fail;
} world;

static cj_status call(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    world *x = user;
    (void)args;
    x->calls++;
    *(uint32_t *)results = 5;
    if (x->nested)
        assert_ptr_equal(cj_ctx_instance(ctx), x->nested);
    assert_ptr_equal(cj_ctx_store(ctx), x->w->store);
    if (x->target) {
        cj_val arg = e2e_u32(x->arg), result = e2e_u32(0);
        x->status = cj_call(e2e_func(x->target_instance, x->target), &arg, 1, &result, 1, NULL, &x->err);
        x->result = result.of.u32;
    }
    if (x->fail)
        snprintf(err->message, sizeof(err->message), "the host says no");
    return x->fail ? CJ_HOST : CJ_OK;
}

static cj_status again(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    return call(user, ctx, args, results, err);
}

#define BODY(name) \
    static void name##_body(world *x); \
    static void name(void **state) \
    { \
        world x = {.w = *state}; \
        make(&x); \
        name##_body(&x); \
    } \
    static void name##_body(world *x)

static void make(world *x)
{
    if (!x->w->component_count) {
        e2e_ok(cj_linker_func(x->w->linker, NULL, "call", call, x, &x->w->err), &x->w->err);
        e2e_ok(cj_linker_func(x->w->linker, NULL, "again", again, x, &x->w->err), &x->w->err);
        e2e_component(x->w, "nested");
    }
    x->nested = NULL;
    x->nested = e2e_instantiate(x->w, x->w->components[0]);
}

static uint32_t work(world *x, const char *interface, uint32_t n)
{
    char path[64];
    snprintf(path, sizeof(path), "%s#work", interface);
    return E2E_CALL(x->w, x->nested, path, e2e_u32(n)).of.u32;
}

/* -- Calls --------------------------------------------------------------------------------------------------------- */

BODY(calls_through_components)
{
    assert_int_equal(work(x, INNER, 10), 11);
    assert_int_equal(work(x, MIDDLE, 10), 111);
    assert_int_equal(work(x, OUTER, 10), 211);
    assert_int_equal(work(x, OTHER, 10), 11);
    assert_int_equal(work(x, OUTER, 7), 205); /* the innermost calls the host */
    assert_int_equal(x->calls, 1);

    cj_val text = E2E_CALL(x->w, x->nested, OUTER "#text", (cj_val){.kind = CJ_KIND_BOOL});
    assert_int_equal(text.of.string.len, 5);
    assert_memory_equal(text.of.string.ptr, "hello", 5);
    char long_text[3000];
    memset(long_text, 'x', sizeof(long_text));
    cj_val arg = e2e_string("");
    arg.of.string = (cj_string){long_text, sizeof(long_text)};
    assert_int_equal(E2E_CALL(x->w, x->nested, OUTER "#length", arg).of.u32, sizeof(long_text));
}

/* Each has its own memory: that of the inner one grows, the outer's last page is still there. */
BODY(memories_are_apart)
{
    assert_int_equal(E2E_CALL0(x->w, x->nested, INNER "#grow").of.u32, 2);
    assert_int_equal(E2E_CALL0(x->w, x->nested, OUTER "#grow").of.u32, 2003);
    assert_int_equal(E2E_CALL0(x->w, x->nested, OTHER "#grow").of.u32, 2);
}

/* -- Traps --------------------------------------------------------------------------------------------------------- */

static const struct {
    uint32_t n;
    cj_trap trap;
} traps[] = {
    {0, CJ_TRAP_UNREACHABLE},  {1, CJ_TRAP_MEMORY_BOUNDS}, {2, CJ_TRAP_DIVIDE_BY_ZERO}, {3, CJ_TRAP_MEMORY_BOUNDS},
    {4, CJ_TRAP_NULL_ELEMENT}, {5, CJ_TRAP_TABLE_BOUNDS},  {6, CJ_TRAP_STACK_OVERFLOW},
};

/* After a trap everything that was entered since the host is not enterable, and so nothing of the whole: the root was entered. */
static void everything_is_dead(world *x)
{
    static const char *const paths[] = {INNER "#grow", MIDDLE "#grow", OUTER "#grow", OTHER "#grow"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        e2e_traps_native(x->w, x->nested, paths[i], NULL, CJ_TRAP_CANNOT_ENTER, paths[i]);
        assert_contains(cj_store_error(x->w->store)->message, "trapped before");
    }
}

BODY(traps_at_every_depth)
{
    static const char *const paths[] = {INNER, MIDDLE, OUTER};
    for (size_t depth = 0; depth < 3; depth++) {
        for (size_t i = 0; i < sizeof(traps) / sizeof(traps[0]); i++) {
            char path[64], where[96];
            snprintf(path, sizeof(path), "%s#work", paths[depth]);
            make(x);
            cj_val arg = e2e_u32(traps[i].n), result;
            cj_error err;
            assert_int_equal(cj_call(e2e_func(x->nested, path), &arg, 1, &result, 1, NULL, &err), CJ_TRAP);
            if (err.trap != traps[i].trap)
                fail_msg("%s(%u): %s", path, traps[i].n, err.message);
            /* Where it happened, and what the host called. */
            snprintf(where, sizeof(where), "in a call of %s", path);
            if (depth == 0) {
                assert_string_equal(err.where, path);
            } else {
                assert_string_equal(err.where, WORKER "#work");
                assert_contains(err.message, where);
                /* And between the two, if there is anything. */
                const char *between =
                    strstr(err.message, "; in a call of " WORKER "#work; in a call of " OUTER "#work");
                assert_int_equal(between != NULL, depth == 2);
            }
            everything_is_dead(x);
        }
    }
}

BODY(traps_of_the_boundary)
{
    /* The inner one gives a string that is not there. */
    uint32_t bad = 1;
    e2e_traps_native(x->w, x->nested, MIDDLE "#text", &bad, CJ_TRAP_STRING_BOUNDS, WORKER "#text: result");
    assert_contains(cj_store_error(x->w->store)->message, "in a call of " MIDDLE "#text");
    make(x);
    e2e_traps_native(x->w, x->nested, OUTER "#text", &bad, CJ_TRAP_STRING_BOUNDS, WORKER "#text: result");
    everything_is_dead(x);

    /* It traps when its realloc is done: that is no matter of the parameter any more. */
    static const char *const lengths[] = {INNER "#length", MIDDLE "#length"};
    for (size_t i = 0; i < 2; i++) {
        make(x);
        E2E_CALL(x->w, x->nested, INNER "#set-realloc", e2e_u32(3));
        cj_string text = CJ_STRING("some text");
        e2e_traps_native(x->w, x->nested, lengths[i], &text, CJ_TRAP_UNREACHABLE, i ? WORKER "#length" : lengths[i]);
        assert_string_equal(cj_store_error(x->w->store)->where, i ? WORKER "#length" : lengths[i]);
        assert_null(strstr(cj_store_error(x->w->store)->message, "in realloc"));
    }

    /* Its realloc traps, or calls the host, which it must not. */
    static const cj_trap expected[] = {CJ_TRAP_UNREACHABLE, CJ_TRAP_CANNOT_LEAVE};
    for (uint32_t mode = 1; mode <= 2; mode++) {
        make(x);
        E2E_CALL(x->w, x->nested, OUTER "#set-realloc", e2e_u32(mode));
        cj_string text = CJ_STRING("some text");
        x->calls = 0;
        e2e_traps_native(x->w, x->nested, OUTER "#length", &text, expected[mode - 1],
                         mode == 1 ? WORKER "#length: param 0" : "call");
        if (mode == 1)
            assert_contains(cj_store_error(x->w->store)->message, "in realloc");
        assert_int_equal(x->calls, 0);
        everything_is_dead(x);
    }
}

BODY(host_functions_that_fail_inside)
{
    x->fail = true;
    uint32_t n = 7;
    e2e_traps_native(x->w, x->nested, OUTER "#work", &n, CJ_TRAP_HOST, "call");
    assert_contains(cj_store_error(x->w->store)->message, "the host says no");
    assert_contains(cj_store_error(x->w->store)->message,
                    "the host says no; in a call of " WORKER "#work; in a call of " WORKER "#work; in a call of " OUTER
                    "#work");
    everything_is_dead(x);
}

/* A host function calls another instance, where a trap happens two components deep, and goes on; the first never notices. */
BODY(a_host_function_survives_a_deep_trap)
{
    cj_instance *first = x->nested;
    for (size_t i = 0; i < sizeof(traps) / sizeof(traps[0]); i++) {
        make(x);
        x->target_instance = x->nested;
        x->target = OUTER "#work";
        x->arg = traps[i].n;
        x->nested = first;
        assert_int_equal(work(x, OUTER, 7), 205);
        assert_int_equal(x->status, CJ_TRAP);
        assert_int_equal(x->err.trap, traps[i].trap);
        assert_string_equal(x->err.where, WORKER "#work");
        x->target = NULL;
        assert_int_equal(work(x, OUTER, 10), 211);
        x->nested = x->target_instance;
        everything_is_dead(x);
        x->nested = first;
    }
    /* Other instances than the dead one are well. */
    make(x);
    assert_int_equal(work(x, MIDDLE, 10), 111);
}

/* -- What cannot be entered ---------------------------------------------------------------------------------------- */

/* The innermost component calls the host, which calls back into one that runs, one that only waits, and one that is in the same
 * root but takes no part. */
BODY(no_way_back_in)
{
    static const char *const targets[] = {INNER "#work", MIDDLE "#work", OUTER "#work", OTHER "#work"};
    x->target_instance = x->nested;
    x->arg = 10;
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        x->target = targets[i];
        assert_int_equal(work(x, MIDDLE, 7), 105);
        assert_int_equal(x->status, CJ_TRAP);
        assert_int_equal(x->err.trap, CJ_TRAP_CANNOT_ENTER);
        assert_contains(x->err.message, "being called already");
        assert_string_equal(x->err.where, targets[i]);
    }
    x->target = NULL;
    assert_int_equal(work(x, OUTER, 10), 211); /* nobody was harmed */

    /* Another instance of the component is another matter. */
    cj_instance *first = x->nested;
    make(x);
    x->target_instance = x->nested;
    x->nested = first;
    x->target = OUTER "#work";
    assert_int_equal(work(x, MIDDLE, 7), 105);
    assert_int_equal(x->status, CJ_OK);
    assert_int_equal(x->result, 211);
}

/* -- Imports that are exported again ------------------------------------------------------------------------------- */

BODY(reexported_imports)
{
    assert_int_equal(E2E_CALL(x->w, x->nested, "call-again", e2e_u32(1)).of.u32, 5);
    assert_int_equal(x->calls, 1);
    /* It calls the instance, which is not entered. */
    x->target_instance = x->nested;
    x->target = OUTER "#work";
    x->arg = 10;
    assert_int_equal(E2E_CALL(x->w, x->nested, "call-again", e2e_u32(1)).of.u32, 5);
    assert_int_equal(x->result, 211);
    x->target = NULL;
    x->fail = true;
    e2e_traps_native(x->w, x->nested, "call-again", (uint32_t[]){1}, CJ_TRAP_HOST, "call-again");
    assert_contains(cj_store_error(x->w->store)->message, "the host says no");
    x->fail = false;
    assert_int_equal(work(x, OUTER, 10), 211); /* no guest trapped */
}

/* -- Interrupts ---------------------------------------------------------------------------------------------------- */

static cj_status interrupt(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)user, (void)args, (void)err;
    *(uint32_t *)results = 0;
    return cj_store_interrupt(cj_ctx_store(ctx));
}

/* The flag is each guest's own: all groups have it. */
static void interrupts_reach_every_component(void **state)
{
    e2e *w = *state;
    cj_config config;
    cj_config_init(&config);
    config.tier = e2e_tier;
    config.interruptible = true;
    cj_engine *engine;
    e2e_ok(cj_engine_new(&config, &engine, &w->err), &w->err);
    static const char *const paths[] = {INNER, MIDDLE, OUTER, OTHER};
    for (size_t i = 0; i < 4; i++) {
        e2e own_world = {.engine = engine};
        world x = {.w = &own_world};
        e2e_ok(cj_linker_new(engine, &own_world.linker, &w->err), &w->err);
        e2e_ok(cj_store_new(engine, NULL, NULL, &own_world.store, &w->err), &w->err);
        e2e_ok(cj_linker_func(own_world.linker, NULL, "call", interrupt, NULL, &w->err), &w->err);
        e2e_ok(cj_linker_func(own_world.linker, NULL, "again", interrupt, NULL, &w->err), &w->err);
        e2e_component(&own_world, "nested");
        make(&x);
        /* Interrupted while it is outside, it stops when it is back in the innermost. */
        char path[64];
        snprintf(path, sizeof(path), "%s#work", paths[i]);
        (void)cj_store_interrupt(own_world.store);
        uint32_t spin = 8, ask = 7;
        e2e_traps_native(&own_world, x.nested, path, &spin, CJ_TRAP_INTERRUPTED, "#work");
        cj_store_resume(own_world.store);
        make(&x);
        assert_int_equal(work(&x, paths[i], 10), i == 1 ? 111 : i == 2 ? 211 : 11);
        (void)work(&x, paths[i], ask); /* the host interrupts, and what comes back to it has no loop: it returns */
        e2e_traps_native(&own_world, x.nested, path, &spin, CJ_TRAP_INTERRUPTED, "#work");
        cj_store_delete(own_world.store);
        cj_component_delete(own_world.components[0]);
        cj_linker_delete(own_world.linker);
    }
    cj_engine_delete(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E(calls_through_components),
        E2E(memories_are_apart),
        E2E(traps_at_every_depth),
        E2E(traps_of_the_boundary),
        E2E(host_functions_that_fail_inside),
        E2E(a_host_function_survives_a_deep_trap),
        E2E(no_way_back_in),
        E2E(reexported_imports),
        E2E(interrupts_reach_every_component),
    };
    return e2e_run_auto_too(tests);
}
