/* test_tiers.c: CJ_TIER_AUTO: what is interpreted first and compiled meanwhile; the compiler's thread; forks and exits.
 *
 * Looks behind the API at one thing: which code a function runs.
 */
#include "e2e.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/runtime.h"

#if CJ_HAVE_JIT

/* -- A world with an engine of its own ----------------------------------------------------------------------------- */

typedef struct world {
    cj_engine *engine;
    cj_component *component;
    cj_linker *linker;
    cj_store *store;
    cj_instance *instance;
    uint32_t ticks, wait_at;
    cj_error err;
} world;

static cj_status tick(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    world *x = user;
    (void)err;
    (void)ctx;
    uint32_t n = *(const uint32_t *)args;
    if (++x->ticks == x->wait_at)
        cj_engine_wait_compiled(x->engine);
    *(uint32_t *)results = n;
    return CJ_OK;
}

static void open_engine_with(world *x, cj_tier tier, uint32_t calls, const cj_allocator *alloc)
{
    cj_config config;
    cj_config_init(&config);
    config.tier = tier;
    config.calls_before_compile = calls;
    config.allocator = alloc;
    *x = (world){0};
    e2e_ok(cj_engine_new(&config, &x->engine, &x->err), &x->err);
    e2e_ok(cj_linker_new(x->engine, &x->linker, &x->err), &x->err);
    e2e_ok(cj_linker_func(x->linker, NULL, "tick", tick, x, &x->err), &x->err);
}

static void open_engine(world *x, cj_tier tier, uint32_t calls)
{
    open_engine_with(x, tier, calls, NULL);
}

static void open_component(world *x)
{
    size_t size;
    uint8_t *bytes = e2e_read("tiers", &size);
    e2e_ok(cj_component_new(x->engine, bytes, size, &x->component, &x->err), &x->err);
    free(bytes);
    e2e_ok(cj_store_new(x->engine, NULL, NULL, &x->store, &x->err), &x->err);
    e2e_ok(cj_instantiate(x->store, x->linker, x->component, &x->instance, &x->err), &x->err);
}

static void close_component(world *x)
{
    cj_store_delete(x->store);
    cj_component_delete(x->component);
    x->store = NULL;
    x->component = NULL;
}

static void close_world(world *x)
{
    close_component(x);
    cj_linker_delete(x->linker);
    cj_engine_delete(x->engine);
}

static cj_engine_stats stats(const world *x)
{
    cj_engine_stats s;
    cj_engine_get_stats(x->engine, &s);
    return s;
}

static uint32_t call_add(world *x)
{
    uint32_t args[2] = {40, 2}, sum = 0;
    assert_int_equal(cj_call_native(e2e_func(x->instance, "add"), args, &sum, NULL), CJ_OK);
    return sum;
}

static uint32_t call_loop(world *x, uint32_t n)
{
    uint32_t sum = 0;
    cj_status status = cj_call_native(e2e_func(x->instance, "loop"), &n, &sum, NULL);
    if (status != CJ_OK)
        fail_msg("%s", cj_store_error(x->store)->message);
    return sum;
}

/* With a cache on disk, and the events of what is done. */
typedef struct events {
    void (*inside)(struct events *, const cj_thunk_event *); /* or NULL */
    world *x;
    int inside_ok;
    uint32_t compiled, from_disk, failed;
    bool elsewhere; /* on another thread than the test's, which runs the guests */
    pthread_t test;
    char names[400];
} events;

static void on_thunk(void *user, const cj_thunk_event *event)
{
    events *e = user;
    *(event->outcome == CJ_THUNK_COMPILED    ? &e->compiled
      : event->outcome == CJ_THUNK_FROM_DISK ? &e->from_disk
                                             : &e->failed) += 1;
    e->elsewhere = e->elsewhere && !pthread_equal(pthread_self(), e->test) && event->ns > 0 && event->object_size > 0;
    size_t used = strlen(e->names);
    snprintf(e->names + used, sizeof(e->names) - used, "%s ", event->name);
    if (e->inside)
        e->inside(e, event);
}

/* `e` may have `inside`; the rest is filled in. */
static void open_observed(world *x, events *e, cj_tier tier, const char *dir)
{
    cj_config config;
    cj_config_init(&config);
    config.tier = tier;
    config.calls_before_compile = 0;
    config.cache_dir = dir;
    config.on_thunk = on_thunk;
    config.on_thunk_user = e;
    *x = (world){0};
    *e = (events){.inside = e->inside, .x = x, .elsewhere = true, .test = pthread_self()};
    e2e_ok(cj_engine_new(&config, &x->engine, &x->err), &x->err);
    e2e_ok(cj_linker_new(x->engine, &x->linker, &x->err), &x->err);
    e2e_ok(cj_linker_func(x->linker, NULL, "tick", tick, x, &x->err), &x->err);
    open_component(x);
    cj_engine_wait_compiled(x->engine);
}

static void open_cached(world *x, events *e, cj_tier tier, const char *dir)
{
    e->inside = NULL;
    open_observed(x, e, tier, dir);
}

/* -- What runs ------------------------------------------------------------------------------------------------------ */

static bool is_interpreted(world *x, const char *func)
{
    cj_export_thunk counts = cj__thunk_export, interp = cj__interp_export;
    const void *code = e2e_func(x->instance, func)->core.bound.code;
    return memcmp(&code, &counts, sizeof(code)) == 0 || memcmp(&code, &interp, sizeof(code)) == 0;
}

static uint32_t gate_calls;

static uint32_t counting_gate(cj_call_ctx *call, const uint64_t *flat, uint64_t *result)
{
    gate_calls++;
    return cj__gate(call, flat, result);
}

/* Calls of imports that went through the gate, and so to the interpreter, in a loop of n, which has 2 n. */
static uint32_t interpreted_imports(world *x, uint32_t n)
{
    gate_calls = 0;
    cj__core_set_gate(counting_gate);
    assert_int_equal(call_loop(x, n), n * (n - 1) / 2);
    cj__core_set_gate(cj__gate);
    return gate_calls;
}

/* -- Tests ---------------------------------------------------------------------------------------------------------- */

static void test_auto_is_the_default(void **state)
{
    (void)state;
    cj_config config;
    cj_config_init(&config);
    assert_int_equal(config.tier, CJ_TIER_AUTO);
    assert_true(config.calls_before_compile > 0);
}

static void test_the_first_call_waits_for_nothing(void **state)
{
    (void)state;
    world x;
    open_engine(&x, CJ_TIER_AUTO, 10);
    open_component(&x);
    assert_int_equal(call_add(&x), 42);
    assert_int_equal(call_loop(&x, 3), 3);
    cj_engine_stats s = stats(&x);
    assert_int_equal(s.thunks_compiled + s.thunks_pending, 0);
    assert_int_equal(s.compile_ns, 0);
    assert_true(is_interpreted(&x, "add"));
    assert_int_equal(interpreted_imports(&x, 2), 4);
    close_world(&x);
}

static void test_what_is_called_often_is_compiled(void **state)
{
    (void)state;
    world x;
    open_engine(&x, CJ_TIER_AUTO, 10);
    open_component(&x);
    for (int i = 0; i < 9; i++)
        call_add(&x);
    cj_engine_wait_compiled(x.engine);
    assert_int_equal(stats(&x).thunks_compiled, 0);
    call_add(&x); /* the tenth */
    cj_engine_wait_compiled(x.engine);
    assert_int_equal(stats(&x).thunks_compiled, 1);
    assert_true(stats(&x).compile_ns > 0);
    assert_true(is_interpreted(&x, "add"));
    assert_int_equal(call_add(&x), 42);
    assert_false(is_interpreted(&x, "add"));
    assert_int_equal(call_add(&x), 42);
    assert_true(is_interpreted(&x, "loop"));

    call_loop(&x, 10); /* tick and the fused add */
    cj_engine_wait_compiled(x.engine);
    assert_int_equal(stats(&x).thunks_compiled, 3);
    assert_int_equal(interpreted_imports(&x, 5), 2); /* each takes its code over in its next call */
    assert_int_equal(interpreted_imports(&x, 5), 0);
    close_world(&x);
}

/* An allocator that has nothing for the compiler's thread. */
typedef struct starving {
    pthread_t fed;
    _Atomic(bool) starves;
} starving;

static bool starves(const starving *s)
{
    return s->starves && !pthread_equal(pthread_self(), s->fed);
}

static void *get(void *user, size_t size)
{
    return starves(user) ? NULL : malloc(size);
}

static void *resize(void *user, void *ptr, size_t old_size, size_t new_size)
{
    (void)old_size;
    return starves(user) ? NULL : realloc(ptr, new_size);
}

static void give(void *user, void *ptr, size_t size)
{
    (void)user;
    (void)size;
    free(ptr);
}

/* Being out of memory passes: the next calls are counted anew. */
static void test_compiled_when_there_is_memory_again(void **state)
{
    (void)state;
    world x;
    starving memory = {.fed = pthread_self(), .starves = true};
    const cj_allocator alloc = {get, resize, give, &memory};
    open_engine_with(&x, CJ_TIER_AUTO, 10, &alloc);
    open_component(&x);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 10; i++)
            assert_int_equal(call_add(&x), 42);
        cj_engine_wait_compiled(x.engine);
        assert_int_equal(stats(&x).thunks_compiled, round);
        assert_int_equal(stats(&x).thunks_failed, 0);
        memory.starves = false;
    }
    call_add(&x);
    assert_false(is_interpreted(&x, "add"));
    close_world(&x);
}

/* While the guest is in a loop of calls, with an interpreted call of the same function on the stack. */
static void test_code_changes_under_a_running_guest(void **state)
{
    (void)state;
    world x;
    open_engine(&x, CJ_TIER_AUTO, 10);
    open_component(&x);
    x.wait_at = 20;
    assert_true(interpreted_imports(&x, 100) < 2 * 25);
    assert_int_equal(stats(&x).thunks_compiled, 2);
    close_world(&x);
}

static void test_an_instance_finds_code_that_is_there(void **state)
{
    (void)state;
    world x;
    open_engine(&x, CJ_TIER_AUTO, 0);
    open_component(&x);
    cj_engine_wait_compiled(x.engine);
    assert_int_equal(stats(&x).thunks_compiled, 4); /* add, loop, tick, and the fused add */
    cj_instance *first = x.instance;
    e2e_ok(cj_instantiate(x.store, x.linker, x.component, &x.instance, &x.err), &x.err);
    assert_false(is_interpreted(&x, "add"));
    assert_int_equal(interpreted_imports(&x, 4), 0);
    x.instance = first;
    assert_int_equal(call_add(&x), 42);
    assert_false(is_interpreted(&x, "add"));
    assert_int_equal(interpreted_imports(&x, 4), 2);
    assert_int_equal(stats(&x).thunks_compiled, 4);
    close_world(&x);
}

static void test_jit_waits(void **state)
{
    (void)state;
    world x;
    open_engine(&x, CJ_TIER_JIT, 0);
    open_component(&x);
    assert_int_equal(stats(&x).thunks_compiled, 4);
    assert_int_equal(stats(&x).thunks_pending, 0);
    assert_false(is_interpreted(&x, "add"));
    assert_int_equal(interpreted_imports(&x, 4), 0);
    close_world(&x);
}

static void test_interp_never_compiles(void **state)
{
    (void)state;
    world x;
    open_engine(&x, CJ_TIER_INTERP, 0);
    open_component(&x);
    for (int i = 0; i < 200; i++)
        call_add(&x);
    assert_int_equal(interpreted_imports(&x, 200), 400);
    cj_engine_wait_compiled(x.engine);
    assert_int_equal(stats(&x).thunks_compiled, 0);
    assert_true(is_interpreted(&x, "add"));
    close_world(&x);
}

/* What waits outlives its component; an engine goes without what still waits. */
static void test_components_that_go_before_their_code_comes(void **state)
{
    (void)state;
    for (int wait = 0; wait < 2; wait++) {
        world x;
        open_engine(&x, CJ_TIER_AUTO, 0);
        for (int i = 0; i < 3; i++) {
            open_component(&x);
            close_component(&x);
        }
        if (wait) {
            cj_engine_wait_compiled(x.engine);
            assert_int_equal(stats(&x).thunks_compiled, 4);
        }
        close_world(&x);
    }
}

/* -- Events and the cache on disk ------------------------------------------------------------------------------------ */

static void test_every_thunk_is_an_event(void **state)
{
    (void)state;
    const cj_tier tiers[] = {CJ_TIER_AUTO, CJ_TIER_JIT};
    for (int i = 0; i < 2; i++) {
        world x;
        events e;
        open_cached(&x, &e, tiers[i], NULL);
        assert_int_equal(e.compiled, 4);
        assert_int_equal(e.from_disk + e.failed, 0);
        assert_true(e.elsewhere); /* LLVM never runs on a thread of the caller's */
        assert_non_null(strstr(e.names, "cj:export:add "));
        assert_non_null(strstr(e.names, "cj:import:tick "));
        assert_non_null(strstr(e.names, "cj:fused:"));
        cj_engine_stats s = stats(&x);
        assert_int_equal(s.disk_hits + s.disk_misses + s.disk_refused + s.disk_stored, 0);
        close_world(&x);
    }
}

/* -- Inside of an event ---------------------------------------------------------------------------------------------- */

static void read_counters(events *e, const cj_thunk_event *event)
{
    cj_engine_stats s = stats(e->x);
    uint32_t before = e->compiled + e->from_disk + e->failed - 1;
    e->inside_ok += s.thunks_compiled == before && s.thunks_pending > 0 && event->outcome == CJ_THUNK_COMPILED;
}

static void read_a_component(events *e, const cj_thunk_event *event)
{
    (void)event;
    size_t i;
    cj_error err;
    e->inside_ok += cj_component_find_export(e->x->component, "add", 3, &i, &err) == CJ_OK &&
                    cj_functype_param_count(cj_component_export(e->x->component, i).type) == 2;
}

static void wait_for_itself(events *e, const cj_thunk_event *event)
{
    (void)event;
    cj_engine_wait_compiled(e->x->engine);
    e->inside_ok += 1;
}

static void want_text(events *e, const cj_thunk_event *event)
{
    (void)event;
    char *text;
    cj_error err;
    e->inside_ok += cj_component_text(e->x->component, CJ_TEXT_LLVM, "add", &text, &err) == CJ_MISUSE &&
                    strstr(err.message, "on_thunk") != NULL;
}

/* A store of this thread's. At the last event all shapes have code. */
static void instantiate(events *e, const cj_thunk_event *event)
{
    (void)event;
    world own = {.engine = e->x->engine, .component = e->x->component, .linker = e->x->linker};
    cj_error err;
    cj_status expected = own.engine->config.tier == CJ_TIER_JIT && e->compiled < 4 ? CJ_MISUSE : CJ_OK;
    e2e_ok(cj_store_new(own.engine, NULL, NULL, &own.store, &err), &err);
    cj_status status = cj_instantiate(own.store, own.linker, own.component, &own.instance, &err);
    e->inside_ok += status == expected && (status == CJ_OK || strstr(err.message, "on_thunk") != NULL);
    cj_store_delete(own.store);
}

static void expect_inside(void (*inside)(events *, const cj_thunk_event *))
{
    const cj_tier tiers[] = {CJ_TIER_AUTO, CJ_TIER_JIT};
    for (int i = 0; i < 2; i++) {
        world x;
        events e = {.inside = inside};
        open_observed(&x, &e, tiers[i], NULL);
        assert_int_equal(e.compiled, 4);
        assert_int_equal(e.inside_ok, 4);
        assert_int_equal(call_add(&x), 42);
        assert_int_equal(interpreted_imports(&x, 10), tiers[i] == CJ_TIER_AUTO ? 2 : 0);
        assert_int_equal(stats(&x).thunks_compiled, 4);
        close_world(&x);
    }
}

static void test_events_may_read(void **state)
{
    (void)state;
    expect_inside(read_counters);
    expect_inside(read_a_component);
}

static void test_events_wait_for_nothing(void **state)
{
    (void)state;
    expect_inside(wait_for_itself);
    expect_inside(want_text);
    expect_inside(instantiate);
}

/* Another process, at other addresses: everything is there, nothing is compiled, and it runs. `cold_ns`: what it took without. */
static int use_cache(const char *dir, uint64_t cold_ns)
{
    world x;
    events e;
    open_cached(&x, &e, CJ_TIER_JIT, dir);
    cj_engine_stats s = stats(&x);
    bool ok = call_add(&x) == 42 && interpreted_imports(&x, 10) == 0 && s.thunks_compiled == 0 && s.compile_ns == 0 &&
              s.disk_hits == 4 && s.disk_misses + s.disk_refused + s.disk_stored == 0 && e.from_disk == 4 &&
              s.disk_ns > 0 && s.disk_ns <= cold_ns / 5;
    close_world(&x);
    return ok ? 0 : 1;
}

static void test_a_second_process_compiles_nothing(void **state)
{
    (void)state;
    world x;
    events e;
    open_cached(&x, &e, CJ_TIER_JIT, e2e_cache);
    cj_engine_stats s = stats(&x);
    assert_int_equal(s.thunks_compiled, 4);
    assert_int_equal(s.disk_misses, 4);
    assert_int_equal(s.disk_stored, 4);
    assert_int_equal(call_add(&x), 42);
    assert_int_equal(interpreted_imports(&x, 10), 0);
    close_world(&x);
    char cold_ns[32];
    snprintf(cold_ns, sizeof(cold_ns), "%llu", (unsigned long long)(s.compile_ns + s.disk_ns));
    for (int i = 0; i < 3; i++) {
        pid_t child = fork();
        if (child == 0) {
            execl("/proc/self/exe", "use-cache", e2e_cache, cold_ns, (char *)NULL);
            _exit(3);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    open_cached(&x, &e, CJ_TIER_AUTO, e2e_cache); /* the same in the background */
    assert_int_equal(stats(&x).thunks_compiled, 0);
    assert_int_equal(stats(&x).disk_hits, 4);
    call_add(&x);
    assert_false(is_interpreted(&x, "add"));
    close_world(&x);
}

static void for_each_file(void (*what)(const char *path))
{
    DIR *stream = opendir(e2e_cache);
    for (struct dirent *e; (e = readdir(stream));) {
        char path[400];
        snprintf(path, sizeof(path), "%s/%s", e2e_cache, e->d_name);
        if (e->d_name[0] != '.')
            what(path);
    }
    closedir(stream);
}

static void cut(const char *path)
{
    assert_int_equal(truncate(path, 1000), 0);
}

static void overwrite(const char *path)
{
    FILE *file = fopen(path, "r+");
    fseek(file, -100, SEEK_END);
    fputs("not what LLVM wrote", file);
    fclose(file);
}

static void test_bad_files_are_compiled_again(void **state)
{
    (void)state;
    void (*const ways[])(const char *) = {cut, overwrite};
    world x;
    events e;
    open_cached(&x, &e, CJ_TIER_JIT, e2e_cache);
    close_world(&x);
    for (int i = 0; i < 2; i++) {
        for_each_file(ways[i]);
        open_cached(&x, &e, CJ_TIER_JIT, e2e_cache);
        cj_engine_stats s = stats(&x);
        assert_int_equal(s.thunks_compiled, 4);
        assert_int_equal(s.disk_refused, 4);
        assert_int_equal(s.disk_stored, 4);
        assert_int_equal(s.disk_hits + s.disk_misses, 0);
        assert_int_equal(call_add(&x), 42);
        assert_int_equal(interpreted_imports(&x, 10), 0);
        close_world(&x);
        assert_int_equal(use_cache(e2e_cache, UINT64_MAX), 0);
    }
}

static void test_directories_that_cannot_be(void **state)
{
    (void)state;
    cj_config config;
    cj_engine *engine;
    cj_cache_info info;
    cj_error err;
    cj_config_init(&config);
    assert_null(config.cache_dir); /* off, unless asked for */
    config.cache_dir = e2e_cache;
    assert_int_equal(chmod(e2e_cache, 0777), 0);
    assert_int_equal(cj_engine_new(&config, &engine, &err), CJ_HOST);
    assert_non_null(strstr(err.message, "others may write to it"));
    assert_int_equal(cj_cache_get_info(e2e_cache, &info, &err), CJ_HOST);
    config.tier = CJ_TIER_INTERP; /* needs none */
    e2e_ok(cj_engine_new(&config, &engine, &err), &err);
    cj_engine_delete(engine);

    /* The default one is never an error. */
    char before[400] = "";
    const char *xdg = getenv("XDG_CACHE_HOME");
    snprintf(before, sizeof(before), "%s", xdg ? xdg : "");
    char inside[100];
    snprintf(inside, sizeof(inside), "%s/canonjit", e2e_cache);
    assert_int_equal(mkdir(inside, 0700), 0);
    assert_int_equal(chmod(inside, 0777), 0);
    setenv("XDG_CACHE_HOME", e2e_cache, 1);
    world x;
    events e;
    open_cached(&x, &e, CJ_TIER_JIT, CJ_CACHE_DEFAULT);
    assert_int_equal(stats(&x).disk_stored, 0);
    assert_int_equal(call_add(&x), 42);
    close_world(&x);
    assert_int_equal(chmod(inside, 0700), 0);
    open_cached(&x, &e, CJ_TIER_JIT, CJ_CACHE_DEFAULT);
    assert_int_equal(stats(&x).disk_stored, 4);
    close_world(&x);
    assert_int_equal(cj_cache_get_info(CJ_CACHE_DEFAULT, &info, &err), CJ_OK);
    assert_string_equal(info.path, inside);
    assert_int_equal(info.entries, 4);
    assert_true(info.bytes >= 4 * 4096);
    assert_int_equal(cj_cache_clear(CJ_CACHE_DEFAULT, &err), CJ_OK);
    assert_int_equal(cj_cache_get_info(CJ_CACHE_DEFAULT, &info, &err), CJ_OK);
    assert_int_equal(info.entries, 0);
    if (before[0])
        setenv("XDG_CACHE_HOME", before, 1);
    else
        unsetenv("XDG_CACHE_HOME");
}

/* -- Threads -------------------------------------------------------------------------------------------------------- */

static void *run_store(void *arg)
{
    world x = *(world *)arg; /* its engine, component and linker */
    for (int i = 0; i < 3; i++) {
        if (cj_store_new(x.engine, NULL, NULL, &x.store, &x.err) != CJ_OK ||
            cj_instantiate(x.store, x.linker, x.component, &x.instance, &x.err) != CJ_OK)
            return "no instance";
        for (uint32_t n = 0; n < 60; n++) {
            uint32_t args[2] = {n, 1}, sum = 0;
            if (cj_call_native(cj_instance_func(x.instance, "add"), args, &sum, NULL) != CJ_OK || sum != n + 1)
                return "add";
            if (cj_call_native(cj_instance_func(x.instance, "loop"), &n, &sum, NULL) != CJ_OK ||
                sum != (n ? n * (n - 1) / 2 : 0))
                return "loop";
        }
        cj_store_delete(x.store);
    }
    return NULL;
}

static cj_status quiet_tick(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)user;
    (void)ctx;
    (void)err;
    memcpy(results, args, sizeof(uint32_t));
    return CJ_OK;
}

static void test_stores_of_many_threads_switch(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    world x;
    open_engine(&x, CJ_TIER_AUTO, 20);
    cj_linker_delete(x.linker);
    e2e_ok(cj_linker_new(x.engine, &x.linker, &x.err), &x.err);
    e2e_ok(cj_linker_func(x.linker, NULL, "tick", quiet_tick, NULL, &x.err), &x.err);
    open_component(&x);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_store, &x), 0);
    for (int i = 0; i < THREADS; i++) {
        void *problem;
        pthread_join(threads[i], &problem);
        if (problem)
            fail_msg("%s", (const char *)problem);
    }
    cj_engine_wait_compiled(x.engine);
    assert_int_equal(stats(&x).thunks_compiled, 4); /* each once */
    close_world(&x);
}

/* The mask of the compiler's thread, which bears this name. */
static void test_the_thread_takes_no_signals(void **state)
{
    (void)state;
    world x;
    open_engine(&x, CJ_TIER_AUTO, 0);
    open_component(&x);
    cj_engine_wait_compiled(x.engine);
    DIR *tasks = opendir("/proc/self/task");
    bool found = false;
    for (struct dirent *entry; tasks && (entry = readdir(tasks));) {
        char path[300], line[128];
        snprintf(path, sizeof(path), "/proc/self/task/%s/status", entry->d_name);
        FILE *file = fopen(path, "r");
        bool is_ours = false;
        while (file && fgets(line, sizeof(line), file)) {
            unsigned long long mask;
            if (strncmp(line, "Name:", 5) == 0)
                is_ours = strstr(line, "canonjit-llvm") != NULL;
            if (!is_ours || sscanf(line, "SigBlk: %llx", &mask) != 1)
                continue;
            found = true;
            for (int s = 1; s < 32; s++)
                if (s != SIGKILL && s != SIGSTOP)
                    assert_true(mask >> (s - 1) & 1);
        }
        if (file)
            fclose(file);
    }
    closedir(tasks);
    assert_true(found);
    close_world(&x);
}

/* -- Processes ------------------------------------------------------------------------------------------------------ */

/* AddressSanitizer looks for leaks at exit, and what a child leaves alone, or threads that are still there have, is one. */
#ifdef __SANITIZE_ADDRESS__
enum { LEAVES_QUIETLY = 0 };
#else
enum { LEAVES_QUIETLY = 1 };
#endif

static _Noreturn void end_child(bool ok)
{
    if (!LEAVES_QUIETLY)
        _exit(ok ? 0 : 1);
    exit(ok ? 0 : 1);
}

static void expect_good_end(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* A child of an engine compiles nothing, and neither hangs nor crashes: not when it uses the compiler, deletes the engine, or exits. */
static void test_a_forked_child(void **state)
{
    (void)state;
    world x;
    open_engine(&x, CJ_TIER_AUTO, 0);
    open_component(&x);
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        char *text;
        bool ok = cj_component_text(x.component, CJ_TEXT_LLVM, "add", &text, &x.err) == CJ_UNSUPPORTED;
        cj_engine_wait_compiled(x.engine);
        cj_compiler *compiler = x.engine->compiler;
        cj__compiler_delete(compiler);
        end_child(ok);
    }
    expect_good_end(child);
    close_world(&x);
}

/* An engine that the child makes has a thread of its own; the child exits with both engines there, and waits for no thread of its parent's. */
static void test_an_engine_of_a_forked_child(void **state)
{
    (void)state;
#ifdef __SANITIZE_THREAD__ /* it allows no threads in a child */
    skip();
#endif
    world x, own;
    open_engine(&x, CJ_TIER_AUTO, 0);
    open_component(&x);
    cj_engine_wait_compiled(x.engine);
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        open_engine(&own, CJ_TIER_JIT, 0);
        open_component(&own);
        bool ok = stats(&own).thunks_compiled == 4 && call_add(&own) == 42;
        end_child(ok);
    }
    expect_good_end(child);
    close_world(&x);
}

/* Exits while the thread compiles. (While WAMR still compiles guests, exiting is not safe: so these are gone.) */
static int exit_early(void)
{
    world x;
    open_engine(&x, CJ_TIER_AUTO, 0);
    open_component(&x);
    close_component(&x);
    exit(0);
}

/* This program by another name, and what it exits with. */
static int run_self(const char *name)
{
    pid_t child = fork();
    if (child == 0) {
        execl("/proc/self/exe", name, (char *)NULL);
        _exit(3);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void test_exits_while_compiling(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        assert_int_equal(run_self("exit-early"), 0);
}

/* A child has but the thread that forked it. */
static void fork_and_return(events *e, const cj_thunk_event *event)
{
    (void)event;
    int status;
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        cj_engine_wait_compiled(e->x->engine);
        return;
    }
    e->inside_ok += waitpid(child, &status, 0) == child && status == 0;
}

static void fork_and_exit(events *e, const cj_thunk_event *event)
{
    (void)event;
    int status;
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        end_child(true);
    }
    e->inside_ok += waitpid(child, &status, 0) == child && status == 0;
}

static void fork_and_exec(events *e, const cj_thunk_event *event)
{
    (void)event;
    e->inside_ok += run_self("exit-early") == 0;
}

static void test_forks_inside_of_events(void **state)
{
    (void)state;
#ifdef __SANITIZE_THREAD__ /* it does not follow a child that has no main thread */
    skip();
#endif
    if (LEAVES_QUIETLY)
        expect_inside(fork_and_return);
    expect_inside(fork_and_exit);
    expect_inside(fork_and_exec);
}

static void exit_at_once(events *e, const cj_thunk_event *event)
{
    (void)e;
    (void)event;
    exit(0);
}

static _Noreturn void exit_inside(void)
{
    world x;
    events e = {.inside = exit_at_once};
    open_observed(&x, &e, CJ_TIER_AUTO, NULL);
    for (;;)
        pause();
}

static void test_exits_inside_of_an_event(void **state)
{
    (void)state;
    for (int i = 0; LEAVES_QUIETLY && i < 3; i++)
        assert_int_equal(run_self("exit-inside"), 0);
}

int main(int argc, char **argv)
{
    if (strcmp(argv[0], "exit-early") == 0)
        return exit_early();
    if (strcmp(argv[0], "exit-inside") == 0)
        exit_inside();
    if (strcmp(argv[0], "use-cache") == 0 && argc == 3)
        return use_cache(argv[1], strtoull(argv[2], NULL, 10));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_auto_is_the_default),
        cmocka_unit_test(test_the_first_call_waits_for_nothing),
        cmocka_unit_test(test_what_is_called_often_is_compiled),
        cmocka_unit_test(test_compiled_when_there_is_memory_again),
        cmocka_unit_test(test_code_changes_under_a_running_guest),
        cmocka_unit_test(test_an_instance_finds_code_that_is_there),
        cmocka_unit_test(test_jit_waits),
        cmocka_unit_test(test_interp_never_compiles),
        cmocka_unit_test(test_components_that_go_before_their_code_comes),
        cmocka_unit_test(test_every_thunk_is_an_event),
        cmocka_unit_test(test_events_may_read),
        cmocka_unit_test(test_events_wait_for_nothing),
        cmocka_unit_test_setup_teardown(test_a_second_process_compiles_nothing, e2e_make_cache, e2e_remove_cache),
        cmocka_unit_test_setup_teardown(test_bad_files_are_compiled_again, e2e_make_cache, e2e_remove_cache),
        cmocka_unit_test_setup_teardown(test_directories_that_cannot_be, e2e_make_cache, e2e_remove_cache),
        cmocka_unit_test(test_stores_of_many_threads_switch),
        cmocka_unit_test(test_the_thread_takes_no_signals),
        cmocka_unit_test(test_a_forked_child),
        cmocka_unit_test(test_an_engine_of_a_forked_child),
        cmocka_unit_test(test_exits_while_compiling),
        cmocka_unit_test(test_forks_inside_of_events),
        cmocka_unit_test(test_exits_inside_of_an_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

/* Without LLVM, AUTO is what is always there. */
static void test_auto_interprets(void **state)
{
    (void)state;
    cj_config config;
    cj_engine *engine;
    cj_error err;
    cj_config_init(&config);
    assert_int_equal(config.tier, CJ_TIER_AUTO);
    config.calls_before_compile = 0;
    e2e_ok(cj_engine_new(&config, &engine, &err), &err);
    cj_engine_wait_compiled(engine);
    cj_engine_stats stats;
    cj_engine_get_stats(engine, &stats);
    assert_int_equal(stats.thunks_compiled + stats.thunks_pending, 0);
    cj_engine_delete(engine);
    config.tier = CJ_TIER_JIT;
    assert_int_equal(cj_engine_new(&config, &engine, &err), CJ_UNSUPPORTED);
    cj_cache_info info;
    assert_int_equal(cj_cache_get_info(CJ_CACHE_DEFAULT, &info, &err), CJ_UNSUPPORTED);
    assert_int_equal(cj_cache_clear(CJ_CACHE_DEFAULT, &err), CJ_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_auto_interprets)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
