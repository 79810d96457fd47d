/* test_things.c: resources of guests, used by the host: identity, destructors that run, trap, call the host, come back; what each leaves.
 */
#include "e2e.h"

#include <stdio.h>
#include <stdlib.h>

enum { DTOR_OK, DTOR_UNREACHABLE, DTOR_BOUNDS, DTOR_SPIN };

typedef struct world {
    e2e *w;
    cj_instance *things;
    uint32_t dropped[64], count; /* representations, in order */
    uint32_t how;                /* what destructors do */
    uint32_t nested;             /* a handle that the next destructor drops too */
    cj_status nested_status;
    cj_error nested_err;
    cj_status fail;
    cj_status after; /* what `inside` returns when it is called for the second time */
    void (*inside)(struct world *, uint32_t n);
} world;

static cj_status on_drop(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    world *x = user;
    (void)err;
    assert_true(x->count < 64);
    x->dropped[x->count++] = *(const uint32_t *)args;
    assert_ptr_equal(cj_ctx_instance(ctx), x->things);
    if (x->nested) {
        uint32_t handle = x->nested;
        x->nested = 0;
        x->nested_status = cj_resource_drop(cj_ctx_store(ctx), handle, &x->nested_err);
    }
    *(uint32_t *)results = x->how;
    return x->fail;
}

static cj_status inside(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    world *x = user;
    (void)ctx, (void)results, (void)err;
    uint32_t n = *(const uint32_t *)args;
    if (!n && x->after != CJ_OK)
        return x->after;
    x->inside(x, n);
    return CJ_OK;
}

static world start(e2e *w)
{
    return (world){.w = w};
}

static void make(world *x)
{
    e2e_ok(cj_linker_func(x->w->linker, NULL, "on-drop", on_drop, x, &x->w->err), &x->w->err);
    e2e_ok(cj_linker_func(x->w->linker, NULL, "inside", inside, x, &x->w->err), &x->w->err);
    x->things = e2e_instance(x->w, "things");
}

static uint32_t thing(world *x, uint32_t n)
{
    return E2E_CALL(x->w, x->things, "[constructor]thing", e2e_u32(n)).of.handle;
}

static void drop_ok(world *x, uint32_t handle)
{
    e2e_ok(cj_resource_drop(x->w->store, handle, &x->w->err), &x->w->err);
    assert_null(cj_handle_type(x->w->store, handle));
}

/* The handle is gone whatever comes of its destructor. */
static void drop_traps(world *x, uint32_t handle, cj_trap trap, const char *where)
{
    cj_error err;
    assert_int_equal(cj_resource_drop(x->w->store, handle, &err), CJ_TRAP);
    if (err.trap != trap)
        fail_msg("expected \"%s\", got \"%s\": %s", cj_trap_text(trap), cj_trap_text(err.trap), err.message);
    assert_contains(err.where, where);
    assert_string_equal(err.message, cj_store_error(x->w->store)->message);
    assert_null(cj_handle_type(x->w->store, handle));
}

#define BODY(name) \
    static void name##_body(world *x); \
    static void name(void **state) \
    { \
        world x = start(*state); \
        make(&x); \
        name##_body(&x); \
    } \
    static void name##_body(world *x)

/* -- Use ----------------------------------------------------------------------------------------------------------- */

BODY(methods_and_statics)
{
    uint32_t a = thing(x, 4), b = thing(x, 5);
    assert_int_equal(E2E_CALL(x->w, x->things, "[method]thing.value", e2e_borrow(a)).of.u32, 40);
    assert_int_equal(E2E_CALL(x->w, x->things, "[method]thing.sum", e2e_borrow(a), e2e_borrow(b)).of.u32, 90);
    assert_int_equal(E2E_CALL(x->w, x->things, "[method]thing.sum", e2e_borrow(a), e2e_borrow(a)).of.u32, 80);
    uint32_t both = E2E_CALL(x->w, x->things, "[static]thing.merge", e2e_own(a), e2e_own(b)).of.handle;
    assert_int_equal(E2E_CALL(x->w, x->things, "[method]thing.value", e2e_borrow(both)).of.u32, 90);
    assert_int_equal(x->count, 2); /* the guest dropped its own, in its own instance */
    assert_int_equal(x->dropped[0], 40);
    assert_int_equal(x->dropped[1], 50);
    assert_int_equal(E2E_CALL0(x->w, x->things, "dropped").of.u32, 2);
    drop_ok(x, both);
    assert_int_equal(x->dropped[2], 90);
    assert_int_equal(E2E_CALL0(x->w, x->things, "dropped").of.u32, 3);
}

BODY(handles_go_in_and_out)
{
    uint32_t a = thing(x, 1);
    uint32_t index = E2E_CALL(x->w, x->things, "hold", e2e_own(a)).of.u32;
    assert_int_equal(index, 1);
    assert_null(cj_handle_type(x->w->store, a));
    assert_int_equal(E2E_CALL(x->w, x->things, "rep-index", e2e_u32(index)).of.u32, 10);
    a = E2E_CALL(x->w, x->things, "release", e2e_u32(index)).of.handle;
    E2E_CALL(x->w, x->things, "discard", e2e_own(a));
    assert_int_equal(x->count, 1);

    cj_val list = E2E_CALL(x->w, x->things, "several", e2e_u32(10));
    assert_int_equal(list.of.seq.len, 10);
    for (uint32_t i = 10; i-- > 0;) { /* each drop is a call; the result stays where it is */
        drop_ok(x, list.of.seq.ptr[i].of.handle);
        assert_int_equal(x->dropped[x->count - 1], i);
    }
}

BODY(identity)
{
    cj_instance *other = e2e_instance(x->w, "things");
    const cj_resource_type *type = cj_instance_resource(x->things, "thing");
    assert_non_null(type);
    assert_string_equal(cj_resource_type_name(type), "thing");
    assert_ptr_not_equal(type, cj_instance_resource(other, "thing")); /* made with its instance */
    assert_ptr_not_equal(type, cj_instance_resource(x->things, "plain"));
    uint32_t a = thing(x, 1);
    assert_ptr_equal(cj_handle_type(x->w->store, a), type);
    const cj_functype *merge = cj_func_type(e2e_func(x->things, "[static]thing.merge"));
    assert_ptr_equal(cj_instance_handle_type(x->things, cj_functype_param(merge, 0)), type);
    assert_ptr_equal(cj_instance_handle_type(x->things, cj_functype_result(merge)), type);

    /* What it stands for is the guest's alone. */
    cj_error err;
    void *rep;
    uint32_t handle;
    assert_int_equal(cj_resource_rep(x->w->store, type, a, &rep, &err), CJ_MISUSE);
    assert_contains(err.message, "guest's");
    assert_int_equal(cj_resource_take(x->w->store, type, a, &rep, &err), CJ_MISUSE);
    assert_int_equal(cj_resource_new(x->w->store, type, NULL, &handle, &err), CJ_MISUSE);
    assert_contains(err.message, "only the guest");
    assert_int_equal(cj_linker_resource(x->w->linker, NULL, "x", type, &err), CJ_MISUSE);
    cj_resource_type_delete((cj_resource_type *)(uintptr_t)type); /* not the host's to delete: nothing */
    assert_ptr_equal(cj_instance_resource(x->things, "thing"), type);

    /* One instance's thing is not the other's. */
    e2e_traps_native(x->w, other, "[method]thing.value", &a, CJ_TRAP_HANDLE_TYPE, "[method]thing.value: param 0");
    other = e2e_instance(x->w, "things");
    e2e_traps_native(x->w, other, "discard", &a, CJ_TRAP_HANDLE_TYPE, "discard: param 0");
    uint32_t plain = E2E_CALL(x->w, x->things, "[constructor]plain", e2e_u32(3)).of.handle;
    e2e_traps_native(x->w, x->things, "discard", &plain, CJ_TRAP_HANDLE_TYPE, "discard: param 0");

    const cj_component *component = x->w->components[0];
    assert_int_equal(cj_component_resource_count(component), 2);
    assert_string_equal(cj_component_resource(component, 0).name, "thing");
    assert_false(cj_component_resource(component, 0).imported);
}

BODY(without_a_destructor)
{
    uint32_t p = E2E_CALL(x->w, x->things, "[constructor]plain", e2e_u32(3)).of.handle;
    drop_ok(x, p);
    assert_int_equal(x->count, 0);
    /* Its instance must be one that can be entered all the same (spec, "canon resource.drop"). */
    p = E2E_CALL(x->w, x->things, "[constructor]plain", e2e_u32(3)).of.handle;
    e2e_traps_native(x->w, x->things, "rep-index", (uint32_t[]){9}, CJ_TRAP_HANDLE_INDEX, "resource.rep thing");
    drop_traps(x, p, CJ_TRAP_CANNOT_ENTER, "plain");
}

static void drop_plain_inside(world *x, uint32_t plain)
{
    drop_traps(x, plain, CJ_TRAP_CANNOT_ENTER, "plain");
}

/* Such a trap, swallowed, gives no words to one that another host function returns in the same call. */
BODY(without_a_destructor_inside)
{
    uint32_t p = E2E_CALL(x->w, x->things, "[constructor]plain", e2e_u32(3)).of.handle;
    x->inside = drop_plain_inside;
    x->after = CJ_TRAP;
    e2e_traps_native(x->w, x->things, "call-inside-twice", &p, CJ_TRAP_HOST, "inside");
    assert_string_equal(cj_store_error(x->w->store)->message, "trap");
}

/* -- Destructors that do something else ---------------------------------------------------------------------------- */

static const struct {
    uint32_t how;
    cj_trap trap;
} failures[] = {{DTOR_UNREACHABLE, CJ_TRAP_UNREACHABLE}, {DTOR_BOUNDS, CJ_TRAP_MEMORY_BOUNDS}};

static void destructors_that_trap(void **state)
{
    for (int by_guest = 0; by_guest < 2; by_guest++) {
        for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
            world x = start(*state);
            cj_linker_delete(x.w->linker);
            e2e_ok(cj_linker_new(x.w->engine, &x.w->linker, &x.w->err), &x.w->err);
            make(&x);
            uint32_t a = thing(&x, 1), b = thing(&x, 2),
                     p = E2E_CALL(x.w, x.things, "[constructor]plain", e2e_u32(3)).of.handle;
            x.how = failures[i].how;
            if (by_guest)
                e2e_traps_native(x.w, x.things, "discard", &a, failures[i].trap, "[dtor]thing");
            else
                drop_traps(&x, a, failures[i].trap, "[dtor]thing");
            assert_int_equal(x.count, 1);
            /* The instance is dead; its other resources can only be forgotten. */
            x.how = DTOR_OK;
            drop_traps(&x, b, CJ_TRAP_CANNOT_ENTER, "[dtor]thing");
            assert_contains(cj_store_error(x.w->store)->message, "trapped before");
            drop_traps(&x, p, CJ_TRAP_CANNOT_ENTER, "plain");
            assert_int_equal(x.count, 1);
            e2e_traps_native(x.w, x.things, "dropped", NULL, CJ_TRAP_CANNOT_ENTER, "dropped");
        }
    }
}

/* Afterwards a trap is again the function's. */
BODY(a_trap_after_a_destructor)
{
    uint32_t a = thing(x, 1);
    e2e_traps_native(x->w, x->things, "discard-and-trap", &a, CJ_TRAP_UNREACHABLE, "discard-and-trap");
    assert_string_equal(cj_store_error(x->w->store)->where, "discard-and-trap");
    assert_int_equal(x->count, 1);
}

BODY(a_host_function_of_a_destructor_fails)
{
    uint32_t a = thing(x, 1);
    x->fail = CJ_HOST;
    drop_traps(x, a, CJ_TRAP_HOST, "on-drop");
}

/* A destructor calls the host, which drops another resource of the same instance: it cannot be entered again. */
BODY(destructors_that_come_back)
{
    uint32_t a = thing(x, 1);
    x->nested = thing(x, 2);
    drop_ok(x, a);
    assert_int_equal(x->nested_status, CJ_TRAP);
    assert_int_equal(x->nested_err.trap, CJ_TRAP_CANNOT_ENTER);
    assert_contains(x->nested_err.message, "being called already");
    assert_contains(x->nested_err.where, "[dtor]thing");
    assert_int_equal(x->count, 1);

    /* And of another instance: it can. */
    world *first = x;
    cj_linker_delete(x->w->linker);
    e2e_ok(cj_linker_new(x->w->engine, &x->w->linker, &x->w->err), &x->w->err);
    world other = start(x->w);
    make(&other);
    a = thing(first, 1);
    first->nested = thing(&other, 7);
    drop_ok(first, a);
    assert_int_equal(first->nested_status, CJ_OK);
    assert_int_equal(other.count, 1);
    assert_int_equal(other.dropped[0], 70);

    /* One that traps there: this one goes on. */
    other.how = DTOR_UNREACHABLE;
    first->nested = thing(&other, 8);
    drop_ok(first, thing(first, 2));
    assert_int_equal(first->nested_status, CJ_TRAP);
    assert_int_equal(first->nested_err.trap, CJ_TRAP_UNREACHABLE);
    assert_int_equal(E2E_CALL0(x->w, first->things, "dropped").of.u32, 3);
}

/* While a function of the instance runs, the host can neither drop nor use its resources; its own handles it can. */
static void look_inside(world *x, uint32_t n)
{
    cj_error err;
    cj_val arg = e2e_borrow(n), result;
    assert_int_equal(cj_call(e2e_func(x->things, "[method]thing.value"), &arg, 1, &result, 1, NULL, &err), CJ_TRAP);
    assert_int_equal(err.trap, CJ_TRAP_CANNOT_ENTER);
    assert_non_null(cj_handle_type(x->w->store, n));
    assert_int_equal(cj_resource_drop(x->w->store, n, &err), CJ_TRAP);
    assert_int_equal(err.trap, CJ_TRAP_CANNOT_ENTER);
    assert_int_equal(x->count, 0);
    cj_store_delete(x->w->store); /* refused */
    assert_contains(cj_store_error(x->w->store)->message, "inside a call");
}

BODY(inside_a_call)
{
    uint32_t a = thing(x, 1);
    x->inside = look_inside;
    E2E_CALL(x->w, x->things, "call-inside", e2e_u32(a));
    assert_int_equal(E2E_CALL0(x->w, x->things, "dropped").of.u32, 0);
}

/* -- The end ------------------------------------------------------------------------------------------------------- */

/* No guest runs when its store goes. */
BODY(guests_resources_end_with_their_store)
{
    for (uint32_t i = 0; i < 5; i++)
        (void)thing(x, i);
    (void)E2E_CALL(x->w, x->things, "hold", e2e_own(thing(x, 9)));
    cj_store_delete(x->w->store);
    assert_int_equal(x->count, 0);
    x->w->store = NULL;
}

/* Store, linker, component and engine in every order, with handles of the guest's on both sides. */
static void every_order_of_deletion(void **state)
{
    e2e *w = *state;
    size_t size;
    uint8_t *bytes = e2e_read("things", &size);
    for (uint32_t order = 0; order < 24; order++) {
        cj_error err;
        cj_config config;
        cj_config_init(&config);
        config.tier = e2e_tier;
        e2e own_world = {0};
        world x = start(&own_world);
        cj_component *component;
        e2e_ok(cj_engine_new(&config, &own_world.engine, &err), &err);
        e2e_ok(cj_linker_new(own_world.engine, &own_world.linker, &err), &err);
        e2e_ok(cj_store_new(own_world.engine, NULL, NULL, &own_world.store, &err), &err);
        e2e_ok(cj_component_new(own_world.engine, bytes, size, &component, &err), &err);
        e2e_ok(cj_linker_func(own_world.linker, NULL, "on-drop", on_drop, &x, &err), &err);
        e2e_ok(cj_linker_func(own_world.linker, NULL, "inside", inside, &x, &err), &err);
        e2e_ok(cj_instantiate(own_world.store, own_world.linker, component, &x.things, &err), &err);
        (void)E2E_CALL(&own_world, x.things, "hold", e2e_own(thing(&x, 1)));
        uint32_t left[4] = {0, 1, 2, 3}, n = order, handle = thing(&x, 2);
        for (uint32_t k = 4; k > 0; n /= k, k--) {
            uint32_t what = left[n % k];
            left[n % k] = left[k - 1];
            if (what == 0) {
                cj_store_delete(own_world.store);
                handle = 0;
            } else if (what == 1) {
                cj_linker_delete(own_world.linker);
            } else if (what == 2) {
                cj_component_delete(component);
            } else {
                cj_engine_delete(own_world.engine);
            }
            if (handle) { /* its destructor, and what it calls, are still there */
                uint32_t before = x.count;
                drop_ok(&x, handle);
                assert_int_equal(x.count, before + 1);
                handle = thing(&x, 3);
            }
        }
    }
    free(bytes);
    (void)w;
}

/* -- Interrupts ---------------------------------------------------------------------------------------------------- */

static cj_status interrupt_on_drop(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)user, (void)args, (void)err;
    *(uint32_t *)results = DTOR_SPIN;
    return cj_store_interrupt(cj_ctx_store(ctx));
}

static void destructors_can_be_interrupted(void **state)
{
    e2e *w = *state;
    cj_config config;
    cj_config_init(&config);
    config.tier = e2e_tier;
    config.interruptible = true;
    e2e own_world = {0};
    world x = start(&own_world);
    e2e_ok(cj_engine_new(&config, &own_world.engine, &w->err), &w->err);
    e2e_ok(cj_linker_new(own_world.engine, &own_world.linker, &w->err), &w->err);
    e2e_ok(cj_store_new(own_world.engine, NULL, NULL, &own_world.store, &w->err), &w->err);
    e2e_ok(cj_linker_func(own_world.linker, NULL, "on-drop", interrupt_on_drop, &x, &w->err), &w->err);
    e2e_ok(cj_linker_func(own_world.linker, NULL, "inside", inside, &x, &w->err), &w->err);
    x.things = e2e_instance(&own_world, "things");
    uint32_t a = thing(&x, 1);
    drop_traps(&x, a, CJ_TRAP_INTERRUPTED, "[dtor]thing");
    cj_store_delete(own_world.store);
    cj_component_delete(own_world.components[0]);
    cj_linker_delete(own_world.linker);
    cj_engine_delete(own_world.engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E(methods_and_statics),
        E2E(handles_go_in_and_out),
        E2E(identity),
        E2E(without_a_destructor),
        E2E(without_a_destructor_inside),
        E2E(destructors_that_trap),
        E2E(a_trap_after_a_destructor),
        E2E(a_host_function_of_a_destructor_fails),
        E2E(destructors_that_come_back),
        E2E(inside_a_call),
        E2E(guests_resources_end_with_their_store),
        E2E(every_order_of_deletion),
        E2E(destructors_can_be_interrupted),
    };
    return e2e_run_auto_too(tests);
}
