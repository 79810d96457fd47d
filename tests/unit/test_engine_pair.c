/* test_engine_pair.c: instances that call each other without the host in between, as components do: the instance switched, traps of every kind
 * in the inner one, what is entered and what stays entered, alternation until the stack ends.
 */
#include "support/cmocka_all.h"
#include "support/engine_guest.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct pair {
    guest *other;     /* which is called */
    const char *name; /* what is called in the end */
    uint64_t params[2];
    uint32_t calls;
    cj_binding called; /* what the other's instance says was called */
} pair;

static guest_store store;
static guest *a, *b;
static pair from_a, from_b;

/* Calls the other instance: the export `name`, or call_host again, which comes back here. */
static uint32_t cross(guest *g, cj_call_ctx *call, uint32_t slot, const uint64_t *flat, uint64_t *result)
{
    (void)slot;
    pair *p = g->user;
    const char *name = flat[0] == 0 ? p->name : "call_host";
    uint64_t params[16] = {flat[0] == 0 ? p->params[0] : flat[0] - 1, flat[0] == 0 ? p->params[1] : flat[1]};
    uint32_t export = guest_export(p->other, name);
    const cj_binding *callee = &p->other->bindings[export];
    p->calls++;
    p->other->core.called = &p->called;
    uint32_t trap = cj__core_call(call, &callee->guest, callee->core_func, &p->other->types[export], params);
    if (trap != CJ_TRAP_NONE)
        return trap;
    *result = params[0] + (flat[0] == 0 ? 0 : 1000);
    return CJ_TRAP_NONE;
}

static int setup(void **state)
{
    (void)state;
    guest_store_init(&store);
    store.limits.wasm_stack_size = 16 << 20; /* the interpreter's own stack is not what is tested */
    a = guest_load(&store, "engine_basic");
    if (a == NULL)
        fail_msg("%s", store.err.message);
    b = guest_again(&store, a);
    assert_non_null(b);
    from_a = (pair){.other = b, .name = "add", .params = {40, 2}};
    from_b = (pair){.other = a, .name = "add", .params = {20, 1}};
    a->gate = b->gate = cross;
    a->user = &from_a;
    b->user = &from_b;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    guest_delete(b);
    guest_delete(a);
    guest_store_fini(&store);
    return 0;
}

static void *running_instance(void)
{
    void *inst;
    memcpy(&inst, (const char *)store.core.env + cj__core_layout.env_module_inst, sizeof inst);
    return inst;
}

static void calls_switch_the_instance(void **state)
{
    (void)state;
    uint64_t r = 0;
    void *before = running_instance();
    assert_int_equal(CALL(a, "call_host", &r, 0, 0), CJ_TRAP_NONE);
    assert_int_equal(r, 42);
    assert_int_equal(CALL(a, "call_host", &r, 1, 0), CJ_TRAP_NONE); /* there and back */
    assert_int_equal(r, 1021);
    assert_int_equal(CALL(a, "call_host", &r, 5, 0), CJ_TRAP_NONE);
    assert_int_equal(r, 5021);
    assert_ptr_equal(running_instance(), before);

    /* Each has its own memory and globals. */
    uint64_t ignored;
    assert_int_equal(CALL(a, "store", &ignored, 1000, 11), CJ_TRAP_NONE);
    assert_int_equal(CALL(b, "store", &ignored, 1000, 22), CJ_TRAP_NONE);
    from_a = (pair){.other = b, .name = "load", .params = {1000}};
    assert_int_equal(CALL(a, "call_host", &r, 0, 0), CJ_TRAP_NONE);
    assert_int_equal(r, 22);
    from_b = (pair){.other = a, .name = "load", .params = {1000}};
    assert_int_equal(CALL(a, "call_host", &r, 1, 0), CJ_TRAP_NONE);
    assert_int_equal(r, 1011);

    /* One grows while the other waits. */
    from_a = (pair){.other = b, .name = "grow", .params = {2}};
    assert_int_equal(CALL(a, "call_host", &r, 0, 0), CJ_TRAP_NONE);
    assert_int_equal(r, 1);
    assert_int_equal(CALL(b, "size", &r, 0), CJ_TRAP_NONE);
    assert_int_equal(r, 3);
    assert_int_equal(CALL(a, "size", &r, 0), CJ_TRAP_NONE);
    assert_int_equal(r, 1);
}

static const struct {
    cj_trap trap;
    const char *name;
    uint64_t params[2];
} traps[] = {
    {CJ_TRAP_UNREACHABLE, "unreachable", {0}},
    {CJ_TRAP_DIVIDE_BY_ZERO, "div", {1, 0}},
    {CJ_TRAP_INTEGER_OVERFLOW, "div", {0x80000000, 0xffffffff}},
    {CJ_TRAP_BAD_CONVERSION, "trunc", {0x7ff8000000000000}},
    {CJ_TRAP_MEMORY_BOUNDS, "load", {65533}},
    {CJ_TRAP_MEMORY_BOUNDS, "load_far", {0xffffffff}},
    {CJ_TRAP_MEMORY_BOUNDS, "store", {0x7fffffff, 1}},
    {CJ_TRAP_NULL_ELEMENT, "indirect", {1}},
    {CJ_TRAP_TABLE_BOUNDS, "indirect", {4}},
    {CJ_TRAP_INDIRECT_TYPE, "indirect_bad", {0}},
    {CJ_TRAP_STACK_OVERFLOW, "recurse", {0xffffffff}},
};

/* The trap leaves both; the environment is as it was; both instances can be used again, and nothing is pending in either. */
static void traps_in_the_inner_instance(void **state)
{
    (void)state;
    for (int round = 0; round < 3; round++) {
        for (uint64_t depth = 0; depth < 6; depth++) {
            for (size_t i = 0; i < CJ_COUNT(traps); i++) {
                pair p = {.name = traps[i].name, .params = {traps[i].params[0], traps[i].params[1]}};
                from_a = from_b = p;
                from_a.other = b;
                from_b.other = a;
                uint64_t r = 0;
                void *before = running_instance();
                assert_int_equal(CALL(a, "call_host", &r, depth, 0), traps[i].trap);
                assert_int_equal(from_a.calls + from_b.calls, depth + 1);
                assert_ptr_equal(running_instance(), before);
                assert_false(a->core.may_enter);
                a->core.may_enter = 1;
                char text[64];
                assert_int_equal(cj__core_take_exception(cj__core_env_inst(a->instance), text, sizeof text),
                                 CJ_TRAP_NONE);
                assert_int_equal(cj__core_take_exception(cj__core_env_inst(b->instance), text, sizeof text),
                                 CJ_TRAP_NONE);
                assert_int_equal(CALL(a, "add", &r, 1, 2), CJ_TRAP_NONE);
                assert_int_equal(CALL(b, "add", &r, 3, 4), CJ_TRAP_NONE);
                assert_int_equal(r, 7);
            }
        }
    }
}

/* An access that would be in bounds of the outer instance's memory. */
static void bounds_are_those_of_the_instance_that_runs(void **state)
{
    (void)state;
    uint64_t r;
    assert_int_equal(CALL(a, "grow", &r, 3), CJ_TRAP_NONE);
    from_a = (pair){.other = b, .name = "load", .params = {65536}};
    assert_int_equal(CALL(a, "call_host", &r, 0, 0), CJ_TRAP_MEMORY_BOUNDS);
    a->core.may_enter = 1;
    from_b = (pair){.other = a, .name = "load", .params = {65536}};
    assert_int_equal(CALL(b, "call_host", &r, 0, 0), CJ_TRAP_NONE);
    assert_int_equal(r, 0);
    /* Back in the outer one after the inner was there. */
    from_a = (pair){.other = b, .name = "load", .params = {0}};
    assert_int_equal(CALL(a, "call_host", &r, 0, 0), CJ_TRAP_NONE);
    assert_int_equal(CALL(a, "load", &r, 65536), CJ_TRAP_NONE);
}

/* What the engine leaves about the place of a trap that nobody recorded. */
static cj_trap_record trap_of(guest *g, uint64_t depth)
{
    cj_binding *bound = &g->bindings[guest_export(g, "call_host")];
    assert_int_equal(CALL(g, "add", NULL, 1, 1), CJ_TRAP_NONE);
    bound->code = g->bindings[guest_export(g, "add")].code;
    cj_call_ctx call = {.bound = bound, .store = &store.core, .env = store.core.env, .arena = store.arena};
    uint64_t params[16] = {depth}, result = 0;
    assert_int_not_equal(cj__core_enter_export(&call, params, &result), CJ_TRAP_NONE);
    g->core.may_enter = 1;
    cj_trap_record record = store.core.trap;
    store.core.trap = (cj_trap_record){.site = CJ_NO_SITE};
    char text[64];
    assert_int_equal(cj__core_take_exception(bound->guest.core_env_inst, text, sizeof text), CJ_TRAP_UNREACHABLE);
    return record;
}

static void the_place_of_an_inner_trap(void **state)
{
    (void)state;
    from_a = (pair){.other = b, .name = "unreachable"};
    from_b = (pair){.other = a, .name = "unreachable"};
    cj_trap_record record = trap_of(a, 0);
    assert_int_equal(record.kind, CJ_TRAP_NONE);
#if CJ_ENGINE_JIT
    assert_ptr_equal(record.bound, &from_a.called);
    record = trap_of(b, 2);
    assert_ptr_equal(record.bound, &from_b.called);
    record = trap_of(a, 1); /* in the instance that the host called */
    assert_null(record.bound);
#else
    assert_null(record.bound); /* whoever called the inner function records it, as it returns */
#endif
}

/* -- What is entered --------------------------------------------------------------------------------------------------------- */

static cj_instance_core parent = {.may_enter = 1}, root = {.may_enter = 1};
static uint8_t seen[3];

static uint32_t look(guest *g, cj_call_ctx *call, uint32_t slot, const uint64_t *flat, uint64_t *result)
{
    (void)call, (void)slot, (void)result;
    seen[0] = g->core.may_enter;
    seen[1] = parent.may_enter;
    seen[2] = root.may_enter;
    return flat[0] == 0 ? CJ_TRAP_NONE : cj__call_trap(call, CJ_TRAP_HOST, false, CJ_NO_SITE);
}

static void an_export_enters_the_instances_around_it(void **state)
{
    (void)state;
    cj_instance_core *const entering[] = {&a->core, &parent, &root};
    cj_binding *bound = &a->bindings[guest_export(a, "call_host")];
    bound->entering = entering;
    bound->entering_count = 3;
    a->gate = look;
    memset(seen, 0xff, sizeof seen);
    assert_int_equal(CALL(a, "call_host", NULL, 0, 0), CJ_TRAP_NONE);
    assert_memory_equal(seen, "\0\0\0", 3);
    assert_true(a->core.may_enter && parent.may_enter && root.may_enter);

    /* One that cannot be entered, and nothing is. */
    cj_instance_core *const *each = entering;
    for (int i = 0; i < 3; i++) {
        each[i]->may_enter = 0;
        memset(seen, 0xff, sizeof seen);
        assert_int_equal(CALL(a, "call_host", NULL, 0, 0), CJ_TRAP_CANNOT_ENTER);
        assert_int_equal(seen[0], 0xff);
        for (int k = 0; k < 3; k++)
            assert_int_equal(each[k]->may_enter, k != i);
        each[i]->may_enter = 1;
    }

    /* After a trap none can be entered. */
    assert_int_equal(CALL(a, "call_host", NULL, 1, 0), CJ_TRAP_HOST);
    assert_false(a->core.may_enter || parent.may_enter || root.may_enter);
    parent.may_enter = root.may_enter = 1;
}

#if CJ_ENGINE_JIT
static uint32_t hook_entries, hook_failures;
static uint32_t hook_lends;
static cj_status count_entry(cj_func *f, const void *args, void *results, cj_arena *arena)
{
    (void)f, (void)args, (void)results, (void)arena;
    hook_entries++;
    return CJ_MISUSE;
}
static cj_status count_failure(cj_call_ctx *call, uint32_t trap)
{
    (void)trap;
    hook_failures++;
    hook_lends = call->lends_mark;
    call->store->trap = (cj_trap_record){.site = CJ_NO_SITE};
    return CJ_TRAP;
}

static uint32_t call_host_thunk(cj_call_ctx *call, const void *args, void *results)
{
    uint64_t flat[16] = {0};
    memcpy(flat, args, 16);
    uint32_t trap =
        cj__core_call(call, &call->bound->guest, call->bound->core_func, &a->types[guest_export(a, "call_host")], flat);
    memcpy(results, flat, 8);
    return trap;
}

/* The same by the entry that is one frame with the runtime's. */
static void the_fast_entry_enters_them_too(void **state)
{
    (void)state;
    static const cj_call_hooks hooks = {.entry = count_entry, .failed = count_failure};
    cj_instance_core *const entering[] = {&a->core, &parent, &root};
    assert_int_equal(CALL(a, "call_host", NULL, 0, 0), CJ_TRAP_NONE); /* this thread's, from now on */
    cj_func_core func = {
        .head = {cj__core_func_entry_nested}, .store = &store.core, .bound = a->bindings[guest_export(a, "call_host")]};
    cj_export_thunk thunk = call_host_thunk;
    memcpy(&func.bound.code, &thunk, sizeof thunk);
    func.bound.entering = entering;
    func.bound.entering_count = 3;
    store.core.hooks = &hooks;
    a->gate = look;
    uint64_t params[2] = {0}, result;
    hook_entries = hook_failures = 0;
    memset(seen, 0xff, sizeof seen);
    assert_int_equal(cj_call_native((cj_func *)(void *)&func, params, &result, store.arena), CJ_OK);
    assert_memory_equal(seen, "\0\0\0", 3);
    assert_true(a->core.may_enter && parent.may_enter && root.may_enter);
    assert_int_equal(hook_entries, 0);
    for (int i = 0; i < 3; i++) {
        entering[i]->may_enter = 0;
        assert_int_equal(cj_call_native((cj_func *)(void *)&func, params, &result, store.arena), CJ_MISUSE);
        assert_int_equal(hook_entries, i + 1);
        entering[i]->may_enter = 1;
    }
    params[0] = 1;
    assert_int_equal(cj_call_native((cj_func *)(void *)&func, params, &result, store.arena), CJ_TRAP);
    assert_int_equal(hook_failures, 1);
    assert_int_equal(hook_lends, 0);
    assert_false(a->core.may_enter || parent.may_enter || root.may_enter);
    parent.may_enter = root.may_enter = 1;
}
#endif

/* -- The stack --------------------------------------------------------------------------------------------------------------- */

static char failure[256]; /* cmocka's assertions work on the main thread only */
#define CHECK(condition) \
    do { \
        if (!(condition) && failure[0] == 0) \
            snprintf(failure, sizeof failure, "line %d: %s", __LINE__, #condition); \
    } while (0)

typedef struct stack_job {
    size_t used;
    uint64_t depth; /* to which alternation came */
} stack_job;

static void *alternate(void *arg)
{
    stack_job *job = arg;
    volatile char *taken = __builtin_alloca(job->used + 1);
    for (size_t i = 0; i <= job->used; i += 1024)
        taken[i] = 1;
    uint64_t good = 1, bad = 1000000, r = 0;
    while (bad - good > 1) {
        uint64_t middle = good + (bad - good) / 2;
        cj_trap trap = CALL(a, "call_host", &r, middle, 0);
        CHECK(trap == CJ_TRAP_NONE || trap == CJ_TRAP_STACK_OVERFLOW);
        if (trap == CJ_TRAP_NONE) {
            CHECK(r == (uint32_t)(middle * 1000 + (middle % 2 == 0 ? 42 : 21)));
            good = middle;
        } else {
            bad = middle;
        }
        a->core.may_enter = 1;
    }
    for (uint64_t depth = good - 20; depth < good + 20; depth++) {
        cj_trap trap = CALL(a, "call_host", &r, depth, 0);
        CHECK(trap == (depth <= good ? CJ_TRAP_NONE : CJ_TRAP_STACK_OVERFLOW));
        a->core.may_enter = 1;
    }
    CHECK(CALL(b, "add", &r, 1, 2) == CJ_TRAP_NONE && r == 3);
    job->depth = good;
    return NULL;
}

static void alternation_until_the_stack_ends(void **state)
{
    (void)state;
    for (size_t used = 0; used < 16; used++) {
        pthread_attr_t attr;
        pthread_t thread;
        stack_job job = {.used = used * 1040};
        pthread_attr_init(&attr);
        assert_int_equal(pthread_attr_setstacksize(&attr, 8 << 20), 0);
        assert_int_equal(pthread_create(&thread, &attr, alternate, &job), 0);
        pthread_attr_destroy(&attr);
        pthread_join(thread, NULL);
        if (failure[0] != 0)
            fail_msg("%s", failure);
        if (job.depth <= 1000)
            fail_msg("only %llu deep", (unsigned long long)job.depth);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(calls_switch_the_instance, setup, teardown),
        cmocka_unit_test_setup_teardown(traps_in_the_inner_instance, setup, teardown),
        cmocka_unit_test_setup_teardown(bounds_are_those_of_the_instance_that_runs, setup, teardown),
        cmocka_unit_test_setup_teardown(the_place_of_an_inner_trap, setup, teardown),
        cmocka_unit_test_setup_teardown(an_export_enters_the_instances_around_it, setup, teardown),
#if CJ_ENGINE_JIT
        cmocka_unit_test_setup_teardown(the_fast_entry_enters_them_too, setup, teardown),
#endif
        cmocka_unit_test_setup_teardown(alternation_until_the_stack_ends, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
