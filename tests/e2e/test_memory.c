/* test_memory.c: the allocator hook: honest sizes, nothing lost, and what happens when any one allocation, from the
 * first to the last, fails: CJ_NO_MEMORY or, where a guest was inside, the trap that says so; never a crash, never a
 * leak.
 */
#include "e2e.h"
#include "support/track_alloc.h"

#include <stdio.h>

static cj_status reverse(void *user, cj_call_ctx *ctx, const cj_val *args, size_t nargs, cj_val *results,
                         size_t nresults, cj_error *err)
{
    (void)user, (void)ctx, (void)nargs, (void)err;
    if (nresults && results[0].kind == args[0].kind)
        results[0] = args[0];
    return CJ_OK;
}

static cj_status nothing(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)user, (void)args, (void)results;
    if (!cj_ctx_alloc(ctx, 100, 8)) {
        err->status = CJ_NO_MEMORY;
        return CJ_NO_MEMORY;
    }
    return CJ_OK;
}

typedef struct story {
    const uint8_t *bytes, *calls_bytes;
    size_t size, calls_size;
    size_t steps; /* how far it came */
} story;

/* Everything that a program does with the library. */
static cj_status tell(story *s, const cj_allocator *hook, cj_error *err)
{
    cj_engine *engine = NULL;
    cj_component *component = NULL, *calls = NULL;
    cj_linker *linker = NULL;
    cj_store *store = NULL;
    cj_instance *instance, *other;
    char *text = NULL;
    cj_config config;
    cj_config_init(&config);
    config.allocator = hook;
    config.tier = e2e_tier;
    s->steps = 0;
#define STEP(expr) \
    do { \
        status = (expr); \
        if (status != CJ_OK) \
            goto done; \
        s->steps++; \
    } while (0)
    cj_status status;
    STEP(cj_engine_new(&config, &engine, err));
    STEP(cj_component_new(engine, s->bytes, s->size, &component, err));
    STEP(cj_component_new(engine, s->calls_bytes, s->calls_size, &calls, err));
    STEP(cj_linker_new(engine, &linker, err));
    static const char *const names[] = {"add", "log", "numbers", "divmod", "many", "strings"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        STEP(cj_linker_func(linker, "test:e2e/host@1.0.0", names[i], nothing, NULL, err));
    STEP(cj_linker_func(linker, "test:e2e/host@1.0.0", "nop", nothing, NULL, err));
    STEP(cj_linker_dyn_func(linker, "test:e2e/host@1.0.0", "reverse", reverse, NULL, err));
    STEP(cj_linker_func(linker, NULL, "enter", nothing, NULL, err));
    STEP(cj_store_new(engine, NULL, NULL, &store, err));
    STEP(cj_instantiate(store, linker, component, &instance, err));
    STEP(cj_instantiate(store, NULL, calls, &other, err));
    static char long_text[20000];
    memset(long_text, 'x', sizeof(long_text));
    cj_val v = {.kind = CJ_KIND_STRING, .of.string = {long_text, sizeof(long_text)}}, out;
    STEP(cj_call(cj_instance_func(instance, "call-nop"), NULL, 0, NULL, 0, NULL, err));
    STEP(cj_call(cj_instance_func(other, "echo-utf16"), &v, 1, &out, 1, NULL, err));
    STEP(cj_call(cj_instance_func(instance, "call-reverse16"), &v, 1, &out, 1, NULL, err));
    assert_true(cj_val_equal(&v, &out));
    cj_val strings[600];
    for (size_t i = 0; i < 600; i++)
        strings[i] = e2e_string("some text");
    cj_val list = {.kind = CJ_KIND_LIST, .of.seq = {strings, 600}};
    STEP(cj_call(cj_instance_func(other, "echo-strings"), &list, 1, &out, 1, NULL, err));
    assert_true(cj_val_equal(&list, &out));
    STEP(cj_component_text(component, CJ_TEXT_WIT, NULL, &text, err));
    cj_text_delete(component, text);
    STEP(cj_component_text(component, CJ_TEXT_PLAN, "call-reverse", &text, err));
    cj_text_delete(component, text);
done:
    cj_store_delete(store);
    cj_linker_delete(linker);
    cj_component_delete(component);
    cj_component_delete(calls);
    cj_engine_delete(engine);
    return status;
}

static void test_every_allocation_fails_once(void **state)
{
    (void)state;
    story s = {0};
    uint8_t *host = e2e_read("host", &s.size), *calls = e2e_read("calls", &s.calls_size);
    s.bytes = host;
    s.calls_bytes = calls;
    track_alloc t;
    track_init(&t);
    cj_error err;
    e2e_ok(tell(&s, &t.hook, &err), &err);
    assert_int_equal(t.live_blocks, 0);
    uint64_t total = t.calls;
    size_t all = s.steps, last = 0;
    assert_in_range(total, 50, 100000);
    /* Compiling in each of thousands of runs would take hours: there, a run for every few allocations. */
    uint64_t stride = e2e_tier == CJ_TIER_JIT ? total / 40 + 1 : total / 700 + 1;
    for (uint64_t nth = 1; nth <= total; nth += stride) {
        track_init(&t);
        t.fail_at = nth;
        memset(&err, 0xa5, sizeof(err));
        cj_status status = tell(&s, &t.hook, &err);
        if (t.live_blocks)
            fail_msg("allocation %llu of %llu: %llu blocks lost", (unsigned long long)nth, (unsigned long long)total,
                     (unsigned long long)t.live_blocks);
        if (status != CJ_NO_MEMORY)
            fail_msg("allocation %llu of %llu: %s: %s", (unsigned long long)nth, (unsigned long long)total,
                     cj_status_text(status), status == CJ_OK ? "" : err.message);
        assert_int_equal(err.status, CJ_NO_MEMORY);
        assert_true(s.steps >= last); /* later allocations fail later */
        last = s.steps;
    }
    assert_true(last < all);
    free(host);
    free(calls);
}

/* -- What only some programs do -------------------------------------------------------------------------------------- */

/* The cache on disk, scoped calls, timing, WAVE, resources of the host's. */
static cj_status tell_more(story *s, const cj_allocator *hook, cj_error *err)
{
    cj_engine *engine = NULL;
    cj_component *calls = NULL;
    cj_linker *linker = NULL;
    cj_store *store = NULL;
    cj_arena *arena = NULL;
    cj_resource_type *type = NULL;
    cj_instance *instance;
    cj_config config;
    cj_config_init(&config);
    config.allocator = hook;
    config.tier = e2e_tier;
    config.cache_dir = e2e_cache;
    s->steps = 0;
    cj_status status;
    STEP(cj_engine_new(&config, &engine, err));
    STEP(cj_component_new(engine, s->calls_bytes, s->calls_size, &calls, err));
    STEP(cj_linker_new(engine, &linker, err));
    STEP(cj_resource_type_new(engine, "thing", NULL, NULL, &type, err));
    STEP(cj_linker_resource(linker, "test:e2e/things@1.0.0", "thing", type, err));
    STEP(cj_store_new(engine, NULL, NULL, &store, err));
    STEP(cj_instantiate(store, linker, calls, &instance, err));
    uint32_t handles[100];
    for (size_t i = 0; i < 100; i++)
        STEP(cj_resource_new(store, type, NULL, &handles[i], err));
    for (size_t i = 0; i < 100; i++)
        STEP(cj_resource_drop(store, handles[i], err));

    STEP(cj_arena_new(hook, &arena));
    static const char call[] = "echo-strings([\"one\", \"two\", \"three\"])";
    size_t index, nargs;
    cj_val *args, out;
    STEP(cj_wave_parse_call(calls, call, sizeof(call) - 1, &index, &args, &nargs, arena, err));
    cj_func *func = cj_instance_func_at(instance, index);
    const cj_functype *functype = cj_func_type(func);
    char text[100];
    STEP(cj_call(func, args, nargs, &out, 1, arena, err));
    cj_wave_format(cj_functype_result(functype), &out, text, sizeof(text));
    assert_string_equal(text, "[\"one\", \"two\", \"three\"]");

    cj_list in, seen;
    STEP(cj_val_store(cj_functype_param(functype, 0), &args[0], &in, arena, err));
    for (int i = 0; i < 2; i++) {
        cj_step_ticks ticks;
        status = cj_func_time(func, CJ_TIMING_STEPS, &ticks, err);
        if (status != CJ_UNSUPPORTED) /* on some processors */
            STEP(status);
        status = cj_call_begin(func, &in, &seen, arena);
        if (status != CJ_OK)
            *err = *cj_store_error(store);
        STEP(status);
        assert_int_equal(seen.len, 3);
        assert_memory_equal(((const cj_string *)seen.ptr)[2].ptr, "three", 5);
        STEP(cj_call_end(func));
        cj_func_time(func, CJ_TIMING_OFF, NULL, NULL);
    }
done:
    cj_arena_delete(arena);
    cj_store_delete(store);
    cj_linker_delete(linker);
    cj_resource_type_delete(type);
    cj_component_delete(calls);
    cj_engine_delete(engine);
    return status;
}

/* Only that one: what goes on without it does so in order, like a cache that stores nothing. */
static void test_every_allocation_fails_alone(void **state)
{
    (void)state;
    story s = {0};
    uint8_t *calls = e2e_read("calls", &s.calls_size);
    s.calls_bytes = calls;
    track_alloc t;
    cj_error err;
    uint32_t failed = 0;
    for (int warm = 0; warm < 2; warm++) {
        track_init(&t);
        e2e_ok(tell_more(&s, &t.hook, &err), &err);
        uint64_t total = t.calls;
        size_t all = s.steps;
        uint64_t stride = e2e_tier == CJ_TIER_JIT ? total / (warm ? 60 : 20) + 1 : total / 250 + 1;
        for (uint64_t nth = 1 + (uint64_t)warm; nth <= total; nth += stride) {
            if (!warm)
                (void)cj_cache_clear(e2e_cache, NULL);
            track_init(&t);
            t.fail_at = nth;
            t.fail_once = true;
            memset(&err, 0xa5, sizeof(err));
            cj_status status = tell_more(&s, &t.hook, &err);
            if (t.live_blocks)
                fail_msg("allocation %llu of %llu: %llu blocks lost", (unsigned long long)nth,
                         (unsigned long long)total, (unsigned long long)t.live_blocks);
            if (status == CJ_OK ? s.steps != all : status != CJ_NO_MEMORY)
                fail_msg("allocation %llu of %llu, step %zu: %s: %s", (unsigned long long)nth,
                         (unsigned long long)total, s.steps, cj_status_text(status), err.message);
            failed += status != CJ_OK;
        }
    }
    assert_true(failed > 30);
    free(calls);
}

/* Calling costs no memory in the long run. */
static void test_memory_does_not_grow(void **state)
{
    (void)state;
    track_alloc t;
    track_init(&t);
    cj_config config;
    cj_config_init(&config);
    config.allocator = &t.hook;
    config.tier = e2e_tier;
    cj_engine *engine;
    cj_component *component;
    cj_store *store;
    cj_instance *instance;
    cj_error err;
    size_t size;
    uint8_t *bytes = e2e_read("calls", &size);
    e2e_ok(cj_engine_new(&config, &engine, &err), &err);
    e2e_ok(cj_component_new(engine, bytes, size, &component, &err), &err);
    e2e_ok(cj_store_new(engine, NULL, NULL, &store, &err), &err);
    e2e_ok(cj_instantiate(store, NULL, component, &instance, &err), &err);
    free(bytes);
    cj_val strings[100], list = {.kind = CJ_KIND_LIST, .of.seq = {strings, 100}}, out;
    for (size_t i = 0; i < 100; i++)
        strings[i] = e2e_string("some text to move");
    cj_arena *arena;
    assert_int_equal(cj_arena_new(&t.hook, &arena), CJ_OK);
    uint64_t settled = 0;
    for (int i = 0; i < 300; i++) {
        e2e_ok(cj_call(cj_instance_func(instance, "echo-strings"), &list, 1, &out, 1, i % 3 == 0 ? arena : NULL, &err),
               &err);
        if (i % 3 == 0)
            cj_arena_reset(arena);
        e2e_ok(cj_call(cj_instance_func(instance, "forget"), NULL, 0, NULL, 0, NULL, &err), &err);
        if (i == 10)
            settled = t.live_bytes;
    }
    assert_int_equal(t.live_bytes, settled);
    cj_arena_delete(arena);
    cj_store_delete(store);
    cj_component_delete(component);
    cj_engine_delete(engine);
    assert_int_equal(t.live_blocks, 0);
}

typedef struct counted {
    track_alloc t;
    cj_engine *engine;
    cj_component *component;
    cj_linker *linker;
    cj_store *store;
    cj_arena *arena;
} counted;

static void open_counted(counted *c, const char *guest, cj_host_fn fn)
{
    cj_config config;
    cj_error err;
    size_t size;
    track_init(&c->t);
    cj_config_init(&config);
    config.allocator = &c->t.hook;
    config.tier = e2e_tier;
    uint8_t *bytes = e2e_read(guest, &size);
    e2e_ok(cj_engine_new(&config, &c->engine, &err), &err);
    e2e_ok(cj_component_new(c->engine, bytes, size, &c->component, &err), &err);
    e2e_ok(cj_linker_new(c->engine, &c->linker, &err), &err);
    for (size_t i = 0; i < cj_component_import_count(c->component); i++) {
        cj_extern_func f = cj_component_import(c->component, i);
        e2e_ok(cj_linker_func(c->linker, f.interface, f.name, fn, NULL, &err), &err);
    }
    e2e_ok(cj_store_new(c->engine, NULL, NULL, &c->store, &err), &err);
    assert_int_equal(cj_arena_new(&c->t.hook, &c->arena), CJ_OK);
    free(bytes);
}

static void close_counted(counted *c)
{
    cj_arena_delete(c->arena);
    cj_store_delete(c->store);
    cj_linker_delete(c->linker);
    cj_component_delete(c->component);
    cj_engine_delete(c->engine);
    assert_int_equal(c->t.live_blocks, 0);
}

/* Arguments of a call whose results go elsewhere are given back at once. */
static void test_arguments_do_not_stay(void **state)
{
    (void)state;
    counted c;
    cj_error err;
    cj_instance *instance;
    open_counted(&c, "calls", nothing);
    e2e_ok(cj_instantiate(c.store, NULL, c.component, &instance, &err), &err);
    static cj_val numbers[5000];
    for (size_t i = 0; i < 5000; i++)
        numbers[i] = e2e_u32((uint32_t)i);
    cj_val list = {.kind = CJ_KIND_LIST, .of.seq = {numbers, 5000}}, out;
    uint64_t settled = 0;
    for (int i = 0; i < 200; i++) {
        e2e_ok(cj_call(cj_instance_func(instance, "sum-list"), &list, 1, &out, 1, c.arena, &err), &err);
        e2e_ok(cj_call(cj_instance_func(instance, "forget"), NULL, 0, NULL, 0, c.arena, &err), &err);
        if (i == 5)
            settled = c.t.live_bytes;
    }
    assert_int_equal(c.t.live_bytes, settled);
    close_counted(&c);
}

static cj_status take_and_fail(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)user, (void)args, (void)results, (void)err;
    return cj_ctx_alloc(ctx, 200000, 8) ? CJ_HOST : CJ_NO_MEMORY;
}

/* A trap jumps over the place where an import gives back what it took. */
static void test_traps_leave_nothing(void **state)
{
    (void)state;
    counted c;
    cj_error err;
    cj_instance *instance;
    open_counted(&c, "host", take_and_fail);
    uint64_t settled = 0;
    for (int i = 0; i < 40; i++) {
        e2e_ok(cj_instantiate(c.store, c.linker, c.component, &instance, &err), &err);
        assert_int_equal(cj_call(cj_instance_func(instance, "call-nop"), NULL, 0, NULL, 0, c.arena, &err), CJ_TRAP);
        if (i == 5)
            settled = c.t.live_bytes;
    }
    assert_true(c.t.live_bytes - settled <
                34 * 100000); /* instances stay until their store goes, 200,000 bytes do not */
    close_counted(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_allocation_fails_once),
        cmocka_unit_test_setup_teardown(test_every_allocation_fails_alone, e2e_make_cache, e2e_remove_cache),
        cmocka_unit_test(test_memory_does_not_grow),
        cmocka_unit_test(test_arguments_do_not_stay),
        cmocka_unit_test(test_traps_leave_nothing),
    };
    return e2e_run(tests);
}
