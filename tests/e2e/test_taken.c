/* test_taken.c: what a host function takes, for itself or by calls that it makes, is its own until it returns to the guest, and is given back then: memory,
 * and the count of max_host_bytes.
 */
#include "e2e.h"

#include <stdio.h>

enum { NOP, LOOK, COPY, WIDE, DROP, TRAP };
enum { LIMIT = 20000, MUCH = 9000, TIMES = 50 };

typedef struct world world;
struct world {
    e2e *w;
    cj_store *store;
    cj_instance *caller, *other;
    cj_resource_type *thing;
    cj_status (*take)(world *, cj_call_ctx *); /* of host functions called by the outermost call; NULL: nothing */
    cj_status (*take_inside)(world *, cj_call_ctx *); /* of those called by calls that these make */
    int depth;
    void *room; /* see take_the_same */
};

static cj_status host(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    world *x = user;
    (void)args, (void)results, (void)err;
    cj_status (*take)(world *, cj_call_ctx *) = x->depth ? x->take_inside : x->take;
    x->depth++;
    cj_status status = take ? take(x, ctx) : CJ_OK;
    x->depth--;
    return status;
}

static cj_status dynamic(void *user, cj_call_ctx *ctx, const cj_val *args, size_t nargs, cj_val *results,
                         size_t nresults, cj_error *err)
{
    assert_int_equal(nargs, 1);
    assert_int_equal(nresults, 0);
    return host(user, ctx, args, results, err);
}

static cj_status make(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    world *x = user;
    (void)args;
    return cj_resource_new(cj_ctx_store(ctx), x->thing, NULL, results, err);
}

static void dropped(void *user, void *rep)
{
    world *x = user;
    (void)rep;
    x->depth++;
    if (x->take)
        x->take(x, NULL);
    x->depth--;
}

/* `values`: `look` gets values instead of a struct. */
static void open_world_with(world *x, e2e *w, bool values)
{
    *x = (world){.w = w};
    e2e_ok(cj_resource_type_new(w->engine, "thing", dropped, x, &x->thing, &w->err), &w->err);
    e2e_ok(cj_linker_resource(w->linker, NULL, "thing", x->thing, &w->err), &w->err);
    static const char *const names[] = {"nop", "look", "copy", "wide"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        e2e_ok(values && strcmp(names[i], "look") == 0
                   ? cj_linker_dyn_func(w->linker, NULL, names[i], dynamic, x, &w->err)
                   : cj_linker_func(w->linker, NULL, names[i], host, x, &w->err),
               &w->err);
    e2e_ok(cj_linker_func(w->linker, NULL, "make", make, x, &w->err), &w->err);
    cj_limits limits;
    cj_limits_init(&limits);
    limits.max_host_bytes = LIMIT;
    e2e_ok(cj_store_new(w->engine, &limits, NULL, &x->store, &w->err), &w->err);
    cj_component *component = e2e_component(w, "taken");
    e2e_ok(cj_instantiate(x->store, w->linker, component, &x->caller, &w->err), &w->err);
    e2e_ok(cj_instantiate(x->store, w->linker, component, &x->other, &w->err), &w->err);
}

static void open_world(world *x, e2e *w)
{
    open_world_with(x, w, false);
}

static void close_world(world *x)
{
    cj_store_delete(x->store);
    cj_resource_type_delete(x->thing);
}

static cj_status run(cj_instance *instance, uint32_t which, uint32_t times)
{
    const uint32_t args[2] = {which, times};
    return cj_call_native(e2e_func(instance, "run"), args, NULL, NULL);
}

static bool is_all(const char *text, size_t len, char c)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] != c)
            return false;
    return true;
}

/* -- What host functions take -------------------------------------------------------------------------------------- */

static cj_status take_room(world *x, cj_call_ctx *ctx)
{
    (void)x;
    char *room = ctx ? cj_ctx_alloc(ctx, MUCH, 1) : NULL;
    if (!ctx)
        return CJ_OK;
    assert_non_null(room);
    memset(room, 'r', MUCH);
    return CJ_OK;
}

/* Two results of calls in the store's arena, one of them as a value: the first stays when the second comes. */
static cj_status take_results(world *x, cj_call_ctx *ctx)
{
    (void)ctx;
    const uint32_t len = MUCH;
    cj_string first;
    cj_val arg = e2e_u32(len), second;
    cj_error err;
    assert_int_equal(cj_call_native(e2e_func(x->other, "text"), &len, &first, NULL), CJ_OK);
    e2e_ok(cj_call(e2e_func(x->other, "text"), &arg, 1, &second, 1, NULL, &err), &err);
    assert_true(first.len == len && is_all(first.ptr, len, 't'));
    assert_true(second.of.string.len == len && is_all(second.of.string.ptr, len, 't'));
    assert_ptr_not_equal(first.ptr, second.of.string.ptr);
    return CJ_OK;
}

/* Room before and after a call whose guest calls host functions that take room themselves, `which` says how. */
static cj_status take_around(world *x, cj_call_ctx *ctx, uint32_t which)
{
    enum { SOME = 4000 };
    char *before = ctx ? cj_ctx_alloc(ctx, SOME, 1) : NULL;
    if (ctx)
        memset(before, 'b', SOME);
    assert_int_equal(run(x->other, which, 3), CJ_OK);
    char *after = ctx ? cj_ctx_alloc(ctx, SOME, 1) : NULL;
    if (ctx) {
        memset(after, 'a', SOME);
        assert_true(is_all(before, SOME, 'b'));
    }
    return CJ_OK;
}

static cj_status take_around_nop(world *x, cj_call_ctx *ctx)
{
    return take_around(x, ctx, NOP);
}

static cj_status take_around_look(world *x, cj_call_ctx *ctx)
{
    return take_around(x, ctx, LOOK);
}

static cj_status take_around_copy(world *x, cj_call_ctx *ctx)
{
    return take_around(x, ctx, COPY);
}

static cj_status take_around_wide(world *x, cj_call_ctx *ctx)
{
    return take_around(x, ctx, WIDE);
}

static cj_status take_nothing(world *x, cj_call_ctx *ctx)
{
    (void)x, (void)ctx;
    return CJ_OK;
}

/* In all that a guest can call, again and again within one limit. */
static void everything_is_given_back(void **state)
{
    static cj_status (*const takes[])(world *, cj_call_ctx *) = {
        take_room, take_results, take_around_nop, take_around_look, take_around_copy, take_around_wide,
    };
    static cj_status (*const inside[])(world *, cj_call_ctx *) = {take_nothing, take_room};
    world x;
    open_world(&x, *state);
    for (uint32_t which = NOP; which <= DROP; which++)
        for (size_t i = 0; i < sizeof(takes) / sizeof(takes[0]); i++)
            for (size_t k = 0; k < 2; k++) {
                x.take = takes[i];
                x.take_inside = inside[k];
                if (run(x.caller, which, TIMES) != CJ_OK)
                    fail_msg("%u, %zu, %zu: %s", which, i, k, cj_store_error(x.store)->message);
            }
    close_world(&x);
}

/* The limit itself still holds, and three times MUCH is past it. */
static cj_status take_too_much(world *x, cj_call_ctx *ctx)
{
    (void)x;
    assert_non_null(cj_ctx_alloc(ctx, MUCH, 1));
    assert_non_null(cj_ctx_alloc(ctx, MUCH, 1));
    assert_null(cj_ctx_alloc(ctx, MUCH, 1));
    return CJ_OK;
}

static void the_limit_holds(void **state)
{
    world x;
    open_world(&x, *state);
    x.take = take_too_much;
    for (uint32_t which = NOP; which <= WIDE; which++)
        assert_int_equal(run(x.caller, which, TIMES), CJ_OK);
    close_world(&x);
}

/* What a value's call takes for itself is given back as well: room that comes after it is where it was the last time. */
static cj_status take_the_same(world *x, cj_call_ctx *ctx)
{
    cj_val arg = e2e_u32(1), text;
    cj_error err;
    e2e_ok(cj_call(e2e_func(x->other, "text"), &arg, 1, &text, 1, NULL, &err), &err);
    void *room = cj_ctx_alloc(ctx, 1, 1);
    if (x->room)
        assert_ptr_equal(room, x->room);
    x->room = room;
    return CJ_OK;
}

static void room_is_used_again(void **state)
{
    for (int values = 0; values < 2; values++) {
        world x;
        open_world_with(&x, *state, values);
        x.take = take_the_same;
        for (uint32_t which = NOP; which <= WIDE; which++) {
            x.room = NULL;
            assert_int_equal(run(x.caller, which, TIMES), CJ_OK);
        }
        close_world(&x);
        assert_int_equal(e2e_tear_down(state), 0);
        assert_int_equal(e2e_set_up(state), 0);
    }
}

/* -- Traps --------------------------------------------------------------------------------------------------------- */

static cj_status take_and_fail(world *x, cj_call_ctx *ctx)
{
    take_room(x, ctx);
    return CJ_HOST;
}

static void expect_text(cj_instance *instance)
{
    cj_val arg = e2e_u32(100), result;
    cj_error err;
    e2e_ok(cj_call(e2e_func(instance, "nop-text"), &arg, 1, &result, 1, NULL, &err), &err);
    assert_int_equal(result.of.string.len, 100);
    assert_true(is_all(result.of.string.ptr, 100, 't'));
}

/* What the host function had taken when its call ended with a trap is not what a later one has. */
static void a_trap_leaves_nothing_taken(void **state)
{
    world x;
    open_world(&x, *state);
    assert_int_equal(run(x.caller, NOP, 1), CJ_OK); /* a thread's first call in a store takes the slower way in */
    x.take = take_and_fail;
    assert_int_equal(run(x.caller, NOP, 1), CJ_TRAP);
    x.take = NULL;
    expect_text(x.other);

    /* By the slower way in, too. */
    cj_instance *third;
    e2e_ok(cj_instantiate(x.store, x.w->linker, x.w->components[0], &third, &x.w->err), &x.w->err);
    x.take = take_and_fail;
    assert_int_equal(cj_call_begin(e2e_func(third, "nop-text"), (uint32_t[]){9}, &(cj_string){0}, NULL), CJ_TRAP);
    x.take = NULL;
    expect_text(x.other);
    close_world(&x);
}

/* A host function that lives on after the trap of a call that it made keeps what it has taken itself. */
static cj_status take_around_trap(world *x, cj_call_ctx *ctx)
{
    char *before = cj_ctx_alloc(ctx, 1000, 1);
    memset(before, 'b', 1000);
    assert_int_equal(run(x->other, TRAP, 1), CJ_TRAP);
    char *after = cj_ctx_alloc(ctx, 1000, 1);
    memset(after, 'a', 1000);
    assert_true(is_all(before, 1000, 'b'));
    e2e_ok(cj_instantiate(x->store, x->w->linker, x->w->components[0], &x->other, &x->w->err), &x->w->err);
    return CJ_OK;
}

static void an_inner_trap_takes_nothing_away(void **state)
{
    world x;
    open_world(&x, *state);
    x.take = take_around_trap;
    x.take_inside = take_room;
    assert_int_equal(run(x.caller, NOP, 5), CJ_OK);
    x.take = NULL;
    expect_text(x.caller);
    close_world(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E(everything_is_given_back),
        E2E(the_limit_holds),
        E2E(room_is_used_again),
        E2E(a_trap_leaves_nothing_taken),
        E2E(an_inner_trap_takes_nothing_away),
    };
    return e2e_run(tests);
}
