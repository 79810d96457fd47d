/* test_threads.c: threads with a store each, sharing engine, component and linker; a store that moves between
 * threads; interrupts from another thread.
 */
#include "e2e.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 3, STORES = 6, CALLS = 400 };

/* -- A store each -------------------------------------------------------------------------------------------------- */

typedef struct worker {
    e2e *w;
    cj_component *component;
    pthread_t thread;
    uint32_t id;
    char problem[400]; /* cmocka's assertions are for the main thread */
} worker;

static void *work(void *arg)
{
    worker *k = arg;
    cj_error err;
    for (uint32_t s = 0; s < STORES && !k->problem[0]; s++) {
        cj_store *store;
        cj_instance *instance;
        if (cj_store_new(k->w->engine, NULL, NULL, &store, &err) != CJ_OK) {
            snprintf(k->problem, sizeof(k->problem), "store: %s", err.message);
            break;
        }
        if (cj_instantiate(store, k->w->linker, k->component, &instance, &err) != CJ_OK) {
            snprintf(k->problem, sizeof(k->problem), "instance: %s", err.message);
            cj_store_delete(store);
            break;
        }
        cj_func *add = cj_instance_func(instance, "add"),
                *greet = cj_instance_func(instance, "test:e2e/greeter@1.2.0#greet");
        for (uint32_t i = 0; i < CALLS && !k->problem[0]; i++) {
            uint32_t args[2] = {i, k->id}, sum = 0;
            if (cj_call_native(add, args, &sum, NULL) != CJ_OK || sum != i + k->id)
                snprintf(k->problem, sizeof(k->problem), "add: %u", sum);
            char name[32], expected[64];
            int len = snprintf(name, sizeof(name), "thread %u call %u", k->id, i);
            snprintf(expected, sizeof(expected), "Hello, %s!", name);
            cj_string in = {name, (size_t)len}, out;
            if (cj_call_native(greet, &in, &out, NULL) != CJ_OK || out.len != strlen(expected) ||
                memcmp(out.ptr, expected, out.len) != 0)
                snprintf(k->problem, sizeof(k->problem), "greet went wrong");
        }
        uint32_t div[2] = {1, 0}, quotient[2];
        if (cj_call_native(cj_instance_func(instance, "divmod"), div, quotient, NULL) != CJ_TRAP ||
            cj_store_error(store)->trap != CJ_TRAP_DIVIDE_BY_ZERO)
            snprintf(k->problem, sizeof(k->problem), "no trap: %s", cj_store_error(store)->message);
        cj_store_delete(store);
    }
    return NULL;
}

static void test_a_store_each(void **state)
{
    e2e *w = *state;
    cj_component *component = e2e_component(w, "calls");
    worker workers[THREADS];
    for (uint32_t i = 0; i < THREADS; i++) {
        workers[i] = (worker){.w = w, .component = component, .id = i};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (uint32_t i = 0; i < THREADS; i++)
        pthread_join(workers[i].thread, NULL);
    for (uint32_t i = 0; i < THREADS; i++)
        if (workers[i].problem[0])
            fail_msg("thread %u: %s", i, workers[i].problem);
}

/* Components made and deleted by several threads at once. */
typedef struct maker {
    e2e *w;
    const uint8_t *bytes;
    size_t size;
    pthread_t thread;
    char problem[400];
} maker;

static void *make(void *arg)
{
    maker *m = arg;
    cj_error err;
    for (int i = 0; i < 4 && !m->problem[0]; i++) {
        cj_component *component;
        cj_store *store;
        cj_instance *instance;
        if (cj_component_new(m->w->engine, m->bytes, m->size, &component, &err) != CJ_OK) {
            snprintf(m->problem, sizeof(m->problem), "%s", err.message);
            break;
        }
        if (cj_store_new(m->w->engine, NULL, NULL, &store, &err) == CJ_OK) {
            uint32_t args[2] = {1, 2}, sum = 0;
            if (cj_instantiate(store, NULL, component, &instance, &err) != CJ_OK ||
                cj_call_native(cj_instance_func(instance, "add"), args, &sum, NULL) != CJ_OK || sum != 3)
                snprintf(m->problem, sizeof(m->problem), "call: %s", err.message);
            cj_store_delete(store);
        }
        cj_component_delete(component);
    }
    return NULL;
}

static void test_components_by_several_threads(void **state)
{
    e2e *w = *state;
    size_t size;
    uint8_t *bytes = e2e_read("calls", &size);
    maker makers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        makers[i] = (maker){.w = w, .bytes = bytes, .size = size};
        assert_int_equal(pthread_create(&makers[i].thread, NULL, make, &makers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(makers[i].thread, NULL);
    for (int i = 0; i < THREADS; i++)
        if (makers[i].problem[0])
            fail_msg("%s", makers[i].problem);
    free(bytes);
}

/* -- A store that moves -------------------------------------------------------------------------------------------- */

typedef struct moved {
    cj_store *store;
    cj_func *add, *divmod;
    cj_status status;
    uint32_t sum;
    cj_trap trap;
} moved;

static void *call_elsewhere(void *arg)
{
    moved *m = arg;
    uint32_t args[2] = {40, 2};
    m->status = cj_call_native(m->add, args, &m->sum, NULL);
    if (m->divmod) {
        uint32_t div[2] = {1, 0}, quotient[2];
        cj_call_native(m->divmod, div, quotient, NULL);
        m->trap = cj_store_error(m->store)->trap;
    }
    return NULL;
}

static void test_a_store_moves(void **state)
{
    e2e *w = *state;
    cj_component *component = e2e_component(w, "calls");
    for (int i = 0; i < 20; i++) {
        cj_instance *instance = e2e_instantiate(w, component);
        moved m = {
            .store = w->store, .add = e2e_func(instance, "add"), .divmod = i % 2 ? e2e_func(instance, "divmod") : NULL};
        assert_int_equal(e2e_call_u32(w, m.add, (uint32_t[]){1, 2}, 2), 3);
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, call_elsewhere, &m), 0);
        pthread_join(thread, NULL);
        assert_int_equal(m.status, CJ_OK);
        assert_int_equal(m.sum, 42);
        if (m.divmod) {
            assert_int_equal(m.trap, CJ_TRAP_DIVIDE_BY_ZERO);
            uint32_t args[2] = {1, 1}, sum;
            assert_int_equal(cj_call_native(m.add, args, &sum, NULL), CJ_TRAP);
        } else {
            assert_int_equal(e2e_call_u32(w, m.add, (uint32_t[]){1, 2}, 2), 3);
        }
    }
}

/* -- Interrupts ---------------------------------------------------------------------------------------------------- */

static cj_status ask(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)ctx, (void)args, (void)err;
    *(bool *)results = *(bool *)user;
    return CJ_OK;
}

typedef struct stopper {
    cj_store *store;
    unsigned after_ms;
    cj_status status;
} stopper;

static void *stop(void *arg)
{
    stopper *s = arg;
    usleep(s->after_ms * 1000);
    s->status = cj_store_interrupt(s->store);
    return NULL;
}

static void test_interrupts(void **state)
{
    (void)state;
    cj_config config;
    cj_config_init(&config);
    config.tier = e2e_tier;
    config.interruptible = true;
    cj_engine *engine;
    cj_component *component;
    cj_linker *linker;
    cj_store *store;
    cj_instance *instance;
    cj_error err;
    size_t size;
    bool spin_at_start = false;
    uint8_t *bytes = e2e_read("spin", &size);
    e2e_ok(cj_engine_new(&config, &engine, &err), &err);
    e2e_ok(cj_component_new(engine, bytes, size, &component, &err), &err);
    e2e_ok(cj_linker_new(engine, &linker, &err), &err);
    e2e_ok(cj_linker_func(linker, NULL, "spin-at-start", ask, &spin_at_start, &err), &err);
    e2e_ok(cj_store_new(engine, NULL, NULL, &store, &err), &err);
    free(bytes);
    stopper s = {.store = store, .after_ms = 50};
    pthread_t thread;

    for (int i = 0; i < 3; i++) { /* in a loop, in recursion, in a call between components that moves lists */
        e2e_ok(cj_instantiate(store, linker, component, &instance, &err), &err);
        assert_int_equal(pthread_create(&thread, NULL, stop, &s), 0);
        cj_val n = e2e_u32(90), out;
        cj_status status = i == 1 ? cj_call(e2e_func(instance, "fib"), &n, 1, &out, 1, NULL, &err)
                                  : cj_call(e2e_func(instance, i ? "give" : "spin"), NULL, 0, NULL, 0, NULL, &err);
        pthread_join(thread, NULL);
        assert_int_equal(s.status, CJ_OK);
        assert_int_equal(status, CJ_TRAP);
        assert_int_equal(err.trap, CJ_TRAP_INTERRUPTED);
        cj_store_resume(store);
        assert_int_equal(cj_call(e2e_func(instance, "one"), NULL, 0, &out, 1, NULL, &err), CJ_TRAP);
        assert_int_equal(err.trap, CJ_TRAP_CANNOT_ENTER);
    }

    /* While a start function runs. */
    spin_at_start = true;
    assert_int_equal(pthread_create(&thread, NULL, stop, &s), 0);
    assert_int_equal(cj_instantiate(store, linker, component, &instance, &err), CJ_TRAP);
    assert_int_equal(err.trap, CJ_TRAP_INTERRUPTED);
    pthread_join(thread, NULL);

    /* Told before: new instances too stop at once, until resumed. */
    e2e_ok(cj_store_interrupt(store), &err);
    assert_int_equal(cj_instantiate(store, linker, component, &instance, &err), CJ_TRAP);
    assert_int_equal(err.trap, CJ_TRAP_INTERRUPTED);
    cj_store_resume(store);
    spin_at_start = false;
    e2e_ok(cj_instantiate(store, linker, component, &instance, &err), &err);
    cj_val n = e2e_u32(20), out;
    e2e_ok(cj_call(e2e_func(instance, "fib"), &n, 1, &out, 1, NULL, &err), &err);
    assert_int_equal(out.of.u32, 6765);

    cj_store_delete(store);
    cj_linker_delete(linker);
    cj_component_delete(component);
    cj_engine_delete(engine);
}

/* -- Resource types ------------------------------------------------------------------------------------------------ */

#define FILES "test:e2e/files@1.0.0"

typedef struct resource_world {
    e2e *w;
    cj_component *component;
    cj_resource_type *file, *stamp;
    atomic_uint made, dropped;
} resource_world;

static void drop_counted(void *user, void *rep)
{
    resource_world *r = user;
    (void)rep;
    atomic_fetch_add(&r->dropped, 1);
}

static cj_status make_counted(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    resource_world *r = user;
    (void)args;
    atomic_fetch_add(&r->made, 1);
    return cj_resource_new(cj_ctx_store(ctx), r->file, NULL, results, err);
}

static cj_status not_called(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)user, (void)ctx, (void)args, (void)results, (void)err;
    return CJ_HOST;
}

typedef struct resource_worker {
    resource_world *r;
    pthread_t thread;
    char problem[400];
} resource_worker;

static void *use_resources(void *arg)
{
    resource_worker *k = arg;
    cj_error err;
    for (uint32_t s = 0; s < STORES && !k->problem[0]; s++) {
        cj_store *store;
        cj_instance *instance;
        if (cj_store_new(k->r->w->engine, NULL, NULL, &store, &err) != CJ_OK ||
            cj_instantiate(store, k->r->w->linker, k->r->component, &instance, &err) != CJ_OK) {
            snprintf(k->problem, sizeof(k->problem), "%s", err.message);
            break;
        }
        uint32_t n = 100, handle;
        if (cj_call_native(cj_instance_func(instance, "churn"), &n, NULL, NULL) != CJ_OK ||
            cj_call_native(cj_instance_func(instance, "hoard"), &n, NULL, NULL) != CJ_OK ||
            cj_call_native(cj_instance_func(instance, "make"), &n, &handle, NULL) != CJ_OK)
            snprintf(k->problem, sizeof(k->problem), "%s", cj_store_error(store)->message);
        cj_store_delete(store);
    }
    return NULL;
}

/* The types and the linker go while threads still use them. */
static void test_resource_types_are_shared(void **state)
{
    e2e *w = *state;
    static const char *const functions[] = {
        "[method]file.size", "[static]file.join", "consume", "compare", "give-and-trap", "sum",
        "take-all",          "several",           "find",    "mix",     "call-back"};
    resource_world r = {.w = w, .component = e2e_component(w, "files")};
    e2e_ok(cj_resource_type_new(w->engine, "file", drop_counted, &r, &r.file, &w->err), &w->err);
    e2e_ok(cj_resource_type_new(w->engine, "stamp", NULL, NULL, &r.stamp, &w->err), &w->err);
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
        e2e_ok(cj_linker_func(w->linker, FILES, functions[i], not_called, NULL, &w->err), &w->err);
    e2e_ok(cj_linker_func(w->linker, FILES, "[constructor]file", make_counted, &r, &w->err), &w->err);
    e2e_ok(cj_linker_func(w->linker, NULL, "stamp-of", not_called, NULL, &w->err), &w->err);
    e2e_ok(cj_linker_resource(w->linker, FILES, "file", r.file, &w->err), &w->err);
    e2e_ok(cj_linker_resource(w->linker, NULL, "paper", r.file, &w->err), &w->err);
    e2e_ok(cj_linker_resource(w->linker, NULL, "stamp", r.stamp, &w->err), &w->err);
    cj_resource_type_delete(r.file);
    cj_resource_type_delete(r.stamp);
    resource_worker workers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (resource_worker){.r = &r};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, use_resources, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(workers[i].thread, NULL);
    for (int i = 0; i < THREADS; i++)
        if (workers[i].problem[0])
            fail_msg("thread %d: %s", i, workers[i].problem);
    assert_int_equal(r.made, THREADS * STORES * 201);
    assert_int_equal(r.dropped, r.made);
}

/* A store moves to another thread, with a guest's resource whose destructor runs there. */
typedef struct mover {
    cj_store *store;
    cj_func *value;
    uint32_t handle, n;
    cj_status status;
} mover;

static cj_status destructor_is_fine(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)ctx, (void)args, (void)results, (void)err;
    (*(uint32_t *)user)++;
    return CJ_OK;
}

static void *drop_here(void *arg)
{
    mover *m = arg;
    m->status = cj_call_native(m->value, &m->handle, &m->n, NULL);
    if (m->status == CJ_OK)
        m->status = cj_resource_drop(m->store, m->handle, NULL);
    return NULL;
}

static void test_destructors_run_where_their_store_is(void **state)
{
    e2e *w = *state;
    uint32_t dropped = 0;
    e2e_ok(cj_linker_func(w->linker, NULL, "on-drop", destructor_is_fine, &dropped, &w->err), &w->err);
    e2e_ok(cj_linker_func(w->linker, NULL, "inside", not_called, NULL, &w->err), &w->err);
    cj_instance *things = e2e_instance(w, "things");
    for (uint32_t i = 0; i < 4; i++) {
        pthread_t thread;
        mover m = {.store = w->store, .value = e2e_func(things, "[method]thing.value")};
        m.handle = E2E_CALL(w, things, "[constructor]thing", e2e_u32(i)).of.handle;
        assert_int_equal(pthread_create(&thread, NULL, drop_here, &m), 0);
        pthread_join(thread, NULL);
        assert_int_equal(m.status, CJ_OK);
        assert_int_equal(m.n, 10 * i);
        assert_int_equal(dropped, i + 1);
    }
}

/* -- Small stacks -------------------------------------------------------------------------------------------------- */

/* Of the thread's stack a reserve is left to host functions: a thread that has no more cannot call, is told why, and does no harm. */
typedef struct small {
    e2e *w;
    cj_func *add;
    cj_status status, begun;
    char message[sizeof(((cj_error *)0)->message)];
} small;

static void *call_from_here(void *arg)
{
    small *s = arg;
    uint32_t args[2] = {1, 2}, sum;
    s->status = cj_call_native(s->add, args, &sum, NULL);
    snprintf(s->message, sizeof(s->message), "%s", cj_store_error(s->w->store)->message);
    s->begun = cj_call_begin(s->add, args, &sum, NULL);
    if (s->begun == CJ_OK)
        (void)cj_call_end(s->add);
    return NULL;
}

static void test_threads_with_small_stacks(void **state)
{
    e2e *w = *state;
    small s = {.w = w, .add = e2e_func(e2e_instance(w, "calls"), "add")};
    for (uint32_t kib = 1024; kib >= 128; kib /= 8) {
        pthread_attr_t attr;
        pthread_t thread;
        pthread_attr_init(&attr);
        assert_int_equal(pthread_attr_setstacksize(&attr, kib << 10), 0);
        assert_int_equal(pthread_create(&thread, &attr, call_from_here, &s), 0);
        pthread_attr_destroy(&attr);
        pthread_join(thread, NULL);
        assert_int_equal(s.status, kib == 1024 ? CJ_OK : CJ_TRAP);
        assert_int_equal(s.begun, s.status);
        if (kib == 128)
            assert_string_equal(
                s.message,
                "stack overflow: of the calling thread's stack there is no more left than the reserve, 256 KiB");
        assert_int_equal(e2e_call_u32(w, s.add, (uint32_t[]){1, 2}, 2), 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E(test_a_store_each),
        E2E(test_components_by_several_threads),
        E2E(test_a_store_moves),
        E2E(test_interrupts),
        E2E(test_resource_types_are_shared),
        E2E(test_destructors_run_where_their_store_is),
        E2E(test_threads_with_small_stacks),
    };
    return e2e_run_auto_too(tests);
}
