/* test_odd.c: programs that are legal and that nobody would write: drop functions that rearrange the table that is being emptied, calls whose results are
 * still being looked at when their surroundings end, host functions that say nonsense, limits at their ends. */
#include "e2e.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* -- Drop functions ------------------------------------------------------------------------------------------------ */

enum { CARDS = 300 };

typedef enum habit { DROP_NEXT, DROP_ANY, TAKE_ANY, ADD, STORE, FORGET_TYPE } habit;

typedef struct deck {
    e2e *w;
    cj_store *store;
    cj_resource_type *type;
    uint32_t handles[CARDS];
    uint32_t drops[CARDS];
    uint32_t dropped;
    uint64_t random;
    habit habit;
} deck;

static uint32_t any(deck *d)
{
    d->random = d->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(d->random >> 33) % CARDS;
}

static void drop_card(void *user, void *rep)
{
    deck *d = user;
    uint32_t i = (uint32_t)(uintptr_t)rep;
    assert_int_equal(d->drops[i]++, 0);
    d->dropped++;
    void *taken;
    uint32_t handle = 0;
    switch (d->habit) {
    case DROP_NEXT:
        if (i + 1 < CARDS && !d->drops[i + 1])
            (void)cj_resource_drop(d->store, d->handles[i + 1], NULL);
        break;
    case DROP_ANY:
        (void)cj_resource_drop(d->store, d->handles[any(d)], NULL);
        break;
    case TAKE_ANY:
        if (cj_resource_take(d->store, d->type, d->handles[any(d)], &taken, NULL) == CJ_OK) {
            assert_int_equal(d->drops[(uintptr_t)taken]++, 0); /* not again */
            d->dropped++;
        }
        break;
    case ADD: /* while the store goes, none can be */
        if (cj_resource_new(d->store, d->type, rep, &handle, NULL) == CJ_OK) {
            d->drops[i]--;
            d->dropped--;
        }
        break;
    case STORE: {
        cj_store *other;
        cj_error err;
        e2e_ok(cj_store_new(d->w->engine, NULL, NULL, &other, &err), &err);
        e2e_ok(cj_resource_new(other, d->type, rep, &handle, &err), &err);
        assert_int_equal(cj_resource_take(other, d->type, handle, &taken, &err), CJ_OK);
        cj_store_delete(other);
        cj_store_delete(d->store); /* inside of it: refused */
        break;
    }
    case FORGET_TYPE:
        cj_resource_type_delete(d->type);
        d->type = NULL;
        break;
    }
}

static void test_drop_functions_that_rearrange(void **state)
{
    e2e *w = *state;
    for (habit h = DROP_NEXT; h <= FORGET_TYPE; h++)
        for (int first = 0; first < 2; first++) {
            deck *d = calloc(1, sizeof(*d));
            d->w = w;
            d->habit = h;
            e2e_ok(cj_store_new(w->engine, NULL, NULL, &d->store, &w->err), &w->err);
            e2e_ok(cj_resource_type_new(w->engine, "card", drop_card, d, &d->type, &w->err), &w->err);
            for (uint32_t i = 0; i < CARDS; i++)
                e2e_ok(cj_resource_new(d->store, d->type, (void *)(uintptr_t)i, &d->handles[i], &w->err), &w->err);
            if (first && h != FORGET_TYPE) {
                e2e_ok(cj_resource_drop(d->store, d->handles[CARDS / 2], &w->err), &w->err);
                assert_int_equal(d->dropped, h == DROP_NEXT ? CARDS / 2 : d->dropped);
            }
            if (h == FORGET_TYPE && first)
                e2e_ok(cj_resource_drop(d->store, d->handles[0], &w->err), &w->err);
            if (h == FORGET_TYPE)
                d->habit = first ? DROP_ANY : FORGET_TYPE;
            if (h == FORGET_TYPE && !first) /* once is enough */
                for (uint32_t i = 1; i < CARDS; i++) {
                    void *rep;
                    e2e_ok(cj_resource_take(d->store, d->type, d->handles[i], &rep, &w->err), &w->err);
                    d->drops[i]++;
                    d->dropped++;
                }
            cj_store_delete(d->store);
            assert_int_equal(d->dropped, CARDS);
            cj_resource_type_delete(d->type);
            free(d);
        }
}

/* -- Results that are still being looked at ------------------------------------------------------------------------ */

typedef struct viewer {
    e2e *w;
    cj_func *text; /* of another instance: begun in the host function, which leaves it open */
    cj_string seen;
    bool traps, ends;
    cj_status ended;
} viewer;

static cj_status look(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    viewer *v = user;
    (void)ctx, (void)err;
    *(uint32_t *)results = *(const uint32_t *)args;
    if (v->ends)
        v->ended = cj_call_end(v->text);
    else if (v->text)
        assert_int_equal(cj_call_begin(v->text, NULL, &v->seen, NULL), CJ_OK);
    return v->traps ? CJ_HOST : CJ_OK;
}

static void *end_on_a_thread(void *arg)
{
    return cj_call_end(arg) == CJ_OK ? NULL : arg;
}

static void test_views_that_outlive_their_call(void **state)
{
    e2e *w = *state;
    viewer v = {.w = w};
    e2e_ok(cj_linker_func(w->linker, NULL, "host-fn", look, &v, &w->err), &w->err);
    cj_component *scoped = e2e_component(w, "scoped"), *host = e2e_component(w, "host");
    for (size_t i = 0; i < cj_component_import_count(host); i++) {
        cj_extern_func f = cj_component_import(host, i);
        e2e_ok(cj_linker_func(w->linker, f.interface, f.name, look, &v, &w->err), &w->err);
    }
    const uint32_t one = 1;
    uint32_t n;
    for (int round = 0; round < 12; round++) {
        int way = round / 2;
        bool guest = round % 2; /* between the host and its function */
        cj_instance *outer = e2e_instantiate(w, guest ? host : scoped), *inner = e2e_instantiate(w, scoped);
        cj_func *call_host = e2e_func(outer, guest ? "call-enter" : "host-again");
        v.text = e2e_func(inner, "text");
        v.traps = way == 1;
        v.ends = false;
        cj_status status = cj_call_native(call_host, &one, &n, NULL);
        assert_int_equal(status, way == 1 ? CJ_TRAP : CJ_OK);
        if (way < 2) {
            assert_memory_equal(v.seen.ptr, "hello", 5);
            e2e_ok(cj_call_end(v.text), cj_store_error(w->store));
        } else if (way == 2) { /* a later host function ends it */
            v.ends = true;
            assert_int_equal(cj_call_native(call_host, &one, &n, NULL), CJ_OK);
            assert_int_equal(v.ended, CJ_OK);
        } else if (way == 3) { /* a thread that never called anything */
            pthread_t thread;
            void *problem;
            assert_int_equal(pthread_create(&thread, NULL, end_on_a_thread, v.text), 0);
            pthread_join(thread, &problem);
            assert_null(problem);
        } else if (way == 4) { /* the function is timed meanwhile */
            cj_step_ticks ticks = {0};
            cj_status timed = cj_func_time(v.text, CJ_TIMING_ENTRY, &ticks, &w->err);
            assert_true(timed == CJ_OK || timed == CJ_UNSUPPORTED);
            e2e_ok(cj_call_end(v.text), cj_store_error(w->store));
            e2e_ok(cj_func_time(v.text, CJ_TIMING_OFF, NULL, &w->err), &w->err);
        } /* else it is open when the store goes */
        if (way != 5) {
            assert_int_equal(cj_call_end(v.text), CJ_MISUSE);
            assert_int_equal(e2e_call_u32(w, e2e_func(inner, "posts"), NULL, 0), 1);
        }
    }
}

/* -- Nonsense from host functions ---------------------------------------------------------------------------------- */

typedef struct liar {
    cj_status status;
    cj_error err;
} liar;

static cj_status lie(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    const liar *l = user;
    (void)ctx, (void)args, (void)results;
    *err = l->err;
    return l->status;
}

static void test_nonsense_from_host_functions(void **state)
{
    e2e *w = *state;
    liar l;
    cj_component *component = e2e_component(w, "host");
    for (size_t i = 0; i < cj_component_import_count(component); i++) {
        cj_extern_func f = cj_component_import(component, i);
        e2e_ok(cj_linker_func(w->linker, f.interface, f.name, lie, &l, &w->err), &w->err);
    }
    cj_instance *instance = NULL;
    static const cj_status statuses[] = {(cj_status)-1, (cj_status)999, CJ_STATUS_COUNT, CJ_TRAP,
                                         CJ_NO_MEMORY,  CJ_LIMIT,       CJ_MISUSE,       CJ_OK};
    static const cj_trap traps[] = {CJ_TRAP_NONE, (cj_trap)-1,         CJ_TRAP_COUNT,
                                    CJ_TRAP_CORE, CJ_TRAP_UNSUPPORTED, CJ_TRAP_CANNOT_ENTER};
    for (size_t s = 0; s < sizeof(statuses) / sizeof(statuses[0]); s++)
        for (size_t e = s % 2; e < sizeof(statuses) / sizeof(statuses[0]); e += 3)
            for (size_t t = 0; t < sizeof(traps) / sizeof(traps[0]); t++)
                for (int full = 0; full < 2; full++) {
                    memset(&l.err, full ? 0xc3 : 0, sizeof(l.err)); /* no end, and no UTF-8 */
                    l.err.status = statuses[e];
                    l.err.trap = traps[t];
                    l.status = statuses[s];
                    if (!instance)
                        instance = e2e_instantiate(w, component);
                    cj_status got = cj_call(e2e_func(instance, "call-nop"), NULL, 0, NULL, 0, NULL, &w->err);
                    if (l.status == CJ_OK) {
                        assert_int_equal(got, CJ_OK);
                        continue;
                    }
                    assert_int_equal(got, w->err.status);
                    assert_true(got == CJ_TRAP || got == CJ_NO_MEMORY);
                    assert_true(got == CJ_NO_MEMORY || (w->err.trap > CJ_TRAP_NONE && w->err.trap < CJ_TRAP_COUNT));
                    assert_true(memchr(w->err.message, 0, sizeof(w->err.message)) &&
                                memchr(w->err.where, 0, sizeof(w->err.where)));
                    assert_true(w->err.message[0]);
                    assert_int_equal(cj_call(e2e_func(instance, "call-nop"), NULL, 0, NULL, 0, NULL, &w->err), CJ_TRAP);
                    assert_int_equal(w->err.trap, CJ_TRAP_CANNOT_ENTER);
                    instance = NULL;
                }
}

/* -- Everything goes while a call is going on ---------------------------------------------------------------------- */

typedef struct leaver {
    e2e *w;
    cj_component *component;
    cj_engine *engine;
    cj_linker *linker;
    cj_instance *made;
} leaver;

static cj_status leave(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    leaver *l = user;
    (void)args, (void)results;
    if (!l->component)
        return CJ_OK;
    cj_component *component = l->component;
    l->component = NULL;
    cj_status status = cj_instantiate(cj_ctx_store(ctx), l->linker, component, &l->made, err);
    if (status != CJ_OK)
        return status;
    assert_int_equal(cj_instantiate(cj_ctx_store(ctx), NULL, component, &(cj_instance *){NULL}, NULL), CJ_LINK);
    cj_component_delete(component);
    cj_linker_delete(l->linker);
    cj_engine_delete(l->engine);
    return cj_call_native(cj_instance_func(l->made, "call-nop"), NULL, NULL, NULL);
}

static void test_leaving_everything(void **state)
{
    e2e *w = *state;
    leaver l = {.w = w};
    cj_config config;
    cj_config_init(&config);
    config.tier = e2e_tier;
    e2e_ok(cj_engine_new(&config, &l.engine, &w->err), &w->err);
    size_t size;
    uint8_t *bytes = e2e_read("host", &size);
    e2e_ok(cj_component_new(l.engine, bytes, size, &l.component, &w->err), &w->err);
    free(bytes);
    e2e_ok(cj_linker_new(l.engine, &l.linker, &w->err), &w->err);
    for (size_t i = 0; i < cj_component_import_count(l.component); i++) {
        cj_extern_func f = cj_component_import(l.component, i);
        e2e_ok(cj_linker_func(l.linker, f.interface, f.name, leave, &l, &w->err), &w->err);
    }
    cj_store *store;
    cj_instance *instance;
    e2e_ok(cj_store_new(l.engine, NULL, NULL, &store, &w->err), &w->err);
    e2e_ok(cj_instantiate(store, l.linker, l.component, &instance, &w->err), &w->err);
    e2e_ok(cj_call(e2e_func(instance, "call-nop"), NULL, 0, NULL, 0, NULL, &w->err), &w->err);
    e2e_ok(cj_call(e2e_func(l.made, "call-nop"), NULL, 0, NULL, 0, NULL, &w->err), &w->err);
    cj_store_delete(store);
}

/* -- Limits at their ends ------------------------------------------------------------------------------------------ */

/* As large as can be said, or nothing at all: loading and calling go well, or say which limit it is. */
static void test_limits_at_their_ends(void **state)
{
    e2e *w = *state;
    static const char *const names[] = {
#define CJ_X(type, name, default_value, what) #name,
        CJ_LOAD_LIMIT_MAP(CJ_X) CJ_LIMIT_MAP(CJ_X)
#undef CJ_X
    };
    enum { COUNT = sizeof(names) / sizeof(names[0]) };
    size_t size;
    uint8_t *bytes = e2e_read("@bench-exports", &size);
    for (int most = 0; most < 2; most++)
        for (size_t which = 0; which <= COUNT; which++) { /* COUNT: all of them */
            cj_config config;
            cj_limits limits;
            size_t i = 0;
            if (e2e_tier == CJ_TIER_JIT && which < COUNT && strncmp(names[which], "max_compile_work", 16) != 0)
                continue; /* nothing more is to be seen */
            cj_config_init(&config);
            cj_limits_init(&limits);
            config.tier = e2e_tier;
#define CJ_X(type, name, default_value, what) \
    if (i++ == which || which == COUNT) \
        config.name = most ? (type)-1 : 0;
            CJ_LOAD_LIMIT_MAP(CJ_X)
#undef CJ_X
#define CJ_X(type, name, default_value, what) \
    if (i++ == which || which == COUNT) \
        limits.name = most ? (type)-1 : 0;
            CJ_LIMIT_MAP(CJ_X)
#undef CJ_X
            if (most && which == COUNT)
                limits.wasm_stack_size = 1 << 20; /* which takes so much memory at once */
            cj_engine *engine;
            cj_component *component = NULL;
            cj_store *store;
            cj_instance *instance;
            e2e_ok(cj_engine_new(&config, &engine, &w->err), &w->err);
            e2e_ok(cj_store_new(engine, &limits, NULL, &store, &w->err), &w->err);
            cj_status status = cj_component_new(engine, bytes, size, &component, &w->err);
            if (status == CJ_OK)
                status = cj_instantiate(store, NULL, component, &instance, &w->err);
            if (status != CJ_OK) {
                if (which < COUNT && !strstr(w->err.message, names[which]))
                    fail_msg("%s: %s", names[which], w->err.message);
                assert_true(status == CJ_LIMIT || (most && status == CJ_NO_MEMORY));
                assert_true(!most || strcmp(names[which], "wasm_stack_size") == 0);
            }
            cj_store_delete(store);
            cj_component_delete(component);
            cj_engine_delete(engine);
        }
    free(bytes);
}

/* -- Engines come and go ------------------------------------------------------------------------------------------- */

typedef struct visitor {
    const uint8_t *bytes;
    size_t size;
    uint32_t bad;
} visitor;

/* WAMR starts with the first engine and stops with the last one, which here may be any thread's at any time. */
static void *visit(void *arg)
{
    visitor *v = arg;
    for (uint32_t round = 0; round < 12; round++) {
        cj_config config;
        cj_engine *engine = NULL;
        cj_component *component = NULL;
        cj_store *store = NULL;
        cj_instance *instance;
        cj_error err = {.status = CJ_OK};
        cj_val args[2] = {e2e_u32(40), e2e_u32(round)}, sum = e2e_u32(0);
        cj_config_init(&config);
        config.tier = CJ_TIER_INTERP;
        bool ok = cj_engine_new(&config, &engine, &err) == CJ_OK &&
                  cj_component_new(engine, v->bytes, v->size, &component, &err) == CJ_OK &&
                  cj_store_new(engine, NULL, NULL, &store, &err) == CJ_OK &&
                  cj_instantiate(store, NULL, component, &instance, &err) == CJ_OK &&
                  cj_call(cj_instance_func(instance, "add"), args, 2, &sum, 1, NULL, &err) == CJ_OK &&
                  sum.of.u32 == 40 + round;
        if (!ok)
            fprintf(stderr, "%s\n", err.message);
        v->bad += !ok;
        if (round % 2)
            cj_engine_delete(engine);
        cj_store_delete(store);
        cj_component_delete(component);
        if (round % 2 == 0)
            cj_engine_delete(engine);
    }
    return NULL;
}

static void test_engines_come_and_go(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    visitor visitors[THREADS];
    size_t size;
    uint8_t *bytes = e2e_read("calls", &size);
    for (int i = 0; i < THREADS; i++) {
        visitors[i] = (visitor){bytes, size, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, visit, &visitors[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(visitors[i].bad, 0);
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E(test_drop_functions_that_rearrange), E2E(test_views_that_outlive_their_call),
        E2E(test_nonsense_from_host_functions),  E2E(test_leaving_everything),
        E2E(test_limits_at_their_ends),
    };
    const struct CMUnitTest alone[] = {cmocka_unit_test(test_engines_come_and_go)}; /* with no engine around */
    return cmocka_run_group_tests(alone, NULL, NULL) + e2e_run(tests);
}
