/* boundary_handles.c: part of boundary.h: own and borrow handles as parameters and results, between all ends: what tables
 * have afterwards, which trap is found where, what a trap gives back. Tables themselves: test_handles.c.
 */
#include "boundary_rig.h"

#include "cmocka_all.h"
#include "fake_engine.h"
#include "make_types.h"
#include "random_values.h"

#include <stdlib.h>

/* Resource types by their numbers in types: who implements them. */
enum { CALLERS = 1, CALLEES, HOSTS, RESOURCES };
static cj_resource R[RESOURCES];

static void start(void)
{
    fake_reset(F, MEMORY);
    fake_reset(P, MEMORY);
    core_body = NULL;
    host_body = NULL;
    core_result = 0;
    memset(R, 0, sizeof(R));
    R[CALLERS].impl = &F->instance;
    R[CALLEES].impl = &P->instance;
}

static const cj_type *t_handle(cj_kind kind, uint32_t resource)
{
    cj_error err;
    return t_expect(cj__type_handle(T, kind, resource, &err), &err);
}

static const cj_type *t_own(uint32_t resource)
{
    return t_handle(CJ_KIND_OWN, resource);
}

static const cj_type *t_borrow(uint32_t resource)
{
    return t_handle(CJ_KIND_BORROW, resource);
}

/* Binds the plan's slots. */
static cj_binding *bound(cj_binding *b)
{
    cj_resource **slots = pool_alloc(&pool, b->plan->resource_count * sizeof(*slots));
    for (uint32_t i = 0; i < b->plan->resource_count; i++)
        slots[i] = &R[b->plan->resources[i]];
    b->resources = slots;
    return b;
}

static cj_binding *fused(const cj_functype *type)
{
    return bound(make_fused(type, CJ_UTF8, CJ_UTF8, false));
}

static cj_binding *exported(const cj_functype *type)
{
    return bound(make_export(type, CJ_UTF8, false));
}

static cj_binding *imported(const cj_functype *type)
{
    return bound(make_import(type, CJ_UTF8));
}

static cj_handles *table(fake_engine *fake)
{
    return fake ? &fake->instance.handles : &F->store.handles;
}

static uint32_t add(fake_engine *fake, uint32_t resource, uint32_t rep)
{
    uint32_t index;
    assert_int_equal(cj__handle_add(F->store.alloc, table(fake), (cj_handle){.rt = &R[resource], .rep = rep}, &index),
                     CJ_TRAP_NONE);
    return index;
}

/* "1=2:7 3=1:8* 4=1:9+1": INDEX=TYPE:REP, "*" borrowed, "+N" lent. */
static void expect_table(fake_engine *fake, const char *expected)
{
    char text[512] = "";
    size_t n = 0;
    const cj_handles *t = table(fake);
    for (uint32_t i = 1; i < t->len; i++) {
        const cj_handle *h = &t->at[i];
        if (!h->rt)
            continue;
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%u=%d:%llu%s", n ? " " : "", i, (int)(h->rt - R),
                              (unsigned long long)h->rep, h->scope ? "*" : "");
        if (h->lends)
            n += (size_t)snprintf(text + n, sizeof(text) - n, "+%u", h->lends);
    }
    assert_string_equal(text, expected);
}

static void expect_no_lends(void)
{
    assert_int_equal(F->store.lends.len, 0);
    cj_handles *tables[] = {table(NULL), table(F), table(P)};
    for (size_t t = 0; t < CJ_COUNT(tables); t++) {
        for (uint32_t i = 1; i < tables[t]->len; i++)
            assert_int_equal(tables[t]->at[i].rt ? tables[t]->at[i].lends : 0, 0);
    }
}

/* The running guest drops a handle. */
static uint32_t drop(fake_engine *fake, uint32_t resource, uint32_t index)
{
    cj_binding b = {.guest = {.instance = &fake->instance, .core_env_inst = &fake->inst}};
    cj_call_ctx call = {.bound = &b, .store = &F->store, .env = &F->env, .arena = F->arena};
    return cj__resource_drop(&call, &R[resource], index);
}

/* -- Own ----------------------------------------------------------------------------------------------------------- */

static void test_own_between_guests(void **state)
{
    (void)state;
    start();
    add(F, CALLEES, 7);
    add(F, HOSTS, 8);
    add(F, CALLERS, 9);
    add(P, CALLEES, 1);
    add(P, CALLERS, 2);
    core_result = 2;
    cj_binding *b = fused(functype(PARAMS(t_own(HOSTS), t_own(CALLEES), t_own(CALLERS)), t_own(CALLERS)));
    uint64_t result = 0;
    uint64_t rubbish = UINT64_C(0xdeadbeef00000000);
    cj_trap got = fake_call_import(F, b, SLOTS(rubbish + 2, 1, 3), &result);
    expect_outcome(got, CJ_TRAP_NONE, false, "");
    /* In the order of parameters; an own handle stays a handle where the resource is at home. */
    expect_events("callee.core(3,4,5) ");
    expect_table(P, "1=2:1 3=3:8 4=2:7 5=1:9");
    assert_int_equal(result, 3); /* freed last */
    expect_table(F, "3=1:2");

    /* In memory. */
    start();
    for (uint32_t i = 0; i < 3; i++) {
        fake_put32(F, BLOCK + 8 * i, 100 + i);
        fake_put32(F, BLOCK + 8 * i + 4, add(F, HOSTS, 50 + i));
    }
    b = fused(functype(PARAMS(t_list(T, t_record(T, 2, "n", t_u32(T), "h", t_own(HOSTS)))), NULL));
    expect_outcome(fake_call_import(F, b, SLOTS(BLOCK, 3), NULL), CJ_TRAP_NONE, false, "");
    expect_events("callee.realloc(0,0,4,24)=1024 callee.core(400,3) ");
    expect_table(F, "");
    expect_table(P, "1=3:50 2=3:51 3=3:52");
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(fake_get32(P, 1024 + 8 * i), 100 + i);
        assert_int_equal(fake_get32(P, 1024 + 8 * i + 4), 1 + i);
    }
}

static uint32_t seen[4];
static cj_status look_at_handles(cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)ctx, (void)err;
    if (args)
        memcpy(seen, args, ctx->bound->plan->host_args_size);
    if (ctx->bound->plan->host_result_size == 4)
        memcpy(results, &seen[3], 4);
    return CJ_OK;
}

static void test_own_and_host(void **state)
{
    (void)state;
    /* An export: from the host's table to the guest's, and back. */
    start();
    uint32_t args[2] = {add(NULL, HOSTS, 5), add(NULL, CALLERS, 6)}, result = 0;
    add(F, HOSTS, 20);
    core_result = 1;
    cj_binding *b = exported(functype(PARAMS(t_own(HOSTS), t_own(CALLERS)), t_own(HOSTS)));
    expect_outcome(fake_call_export(F, b, args, &result), CJ_TRAP_NONE, false, "");
    expect_events("core(2,3) ");
    expect_table(F, "2=3:5 3=1:6");
    expect_table(NULL, "2=3:20");
    assert_int_equal(result, 2);
    expect_no_lends();

    /* An import: the other way round. */
    start();
    add(F, HOSTS, 5);
    add(F, CALLERS, 6);
    seen[3] = add(NULL, HOSTS, 20);
    host_body = look_at_handles;
    b = imported(functype(PARAMS(t_own(HOSTS), t_own(CALLERS)), t_own(HOSTS)));
    uint64_t flat = 0;
    expect_outcome(fake_call_import(F, b, SLOTS(1, 2), &flat), CJ_TRAP_NONE, false, "");
    assert_int_equal(seen[0], 2);
    assert_int_equal(seen[1], 3);
    expect_table(NULL, "2=3:5 3=1:6");
    expect_table(F, "2=3:20");
    assert_int_equal(flat, 2); /* 1 was freed before 2 */
    expect_no_lends();
}

static void expect_own_trap(uint32_t index, cj_trap trap)
{
    const cj_type *type = t_list(T, t_option(T, t_own(HOSTS)));
    cj_binding *b = fused(functype(PARAMS(t_u8(T), type), NULL));
    fake_put32(F, BLOCK, 0);
    fake_put32(F, BLOCK + 8, 1);
    fake_put32(F, BLOCK + 12, index);
    cj_trap got = fake_call_import(F, b, SLOTS(0, BLOCK, 2), NULL);
    expect_outcome(got, trap, false, "param 1[1] .some");
    assert_null(strstr(fake_events(F), "core"));
}

static void test_own_traps(void **state)
{
    (void)state;
    static const uint32_t bad[] = {0, 2, 3, 4, 0x10000000, UINT32_MAX};
    for (size_t i = 0; i < CJ_COUNT(bad); i++) {
        start();
        add(F, HOSTS, 1);
        add(F, HOSTS, 2);
        cj__handle_remove(table(F), 2);
        expect_own_trap(bad[i], CJ_TRAP_HANDLE_INDEX);
        expect_table(F, "1=3:1");
    }
    start();
    add(F, CALLERS, 1);
    expect_own_trap(1, CJ_TRAP_HANDLE_TYPE);
    start();
    add(F, HOSTS, 1);
    table(F)->at[1].lends = 1;
    expect_own_trap(1, CJ_TRAP_HANDLE_LENT);
    /* Both lent and borrowed: the former is looked at first. */
    cj_call_ctx somebody = {0};
    start();
    add(F, HOSTS, 1);
    table(F)->at[1].scope = &somebody;
    expect_own_trap(1, CJ_TRAP_HANDLE_BORROWED);
    start();
    add(F, HOSTS, 1);
    table(F)->at[1].scope = &somebody;
    table(F)->at[1].lends = 1;
    expect_own_trap(1, CJ_TRAP_HANDLE_LENT);

    /* A full table; the handle stays where it was. */
    start();
    add(F, HOSTS, 1);
    table(P)->max = 2;
    add(P, HOSTS, 8);
    add(P, HOSTS, 9);
    expect_own_trap(1, CJ_TRAP_HANDLE_TABLE_FULL);
    assert_string_equal(F->store.trap.detail, "max_handles");
    expect_table(F, "1=3:1");

    /* In results: what the callee gives must be its own. */
    start();
    add(F, HOSTS, 1);
    core_result = 1;
    cj_binding *b = fused(functype(NO_PARAMS, t_own(HOSTS)));
    uint64_t result;
    expect_outcome(fake_call_import(F, b, NULL, &result), CJ_TRAP_HANDLE_INDEX, true, "result");
    /* What a host function gives, the same. */
    start();
    seen[3] = 9;
    host_body = look_at_handles;
    b = imported(functype(NO_PARAMS, t_own(HOSTS)));
    expect_outcome(fake_call_import(F, b, NULL, &result), CJ_TRAP_HANDLE_INDEX, true, "result");
    start();
    seen[3] = add(NULL, CALLERS, 4);
    host_body = look_at_handles;
    expect_outcome(fake_call_import(F, b, NULL, &result), CJ_TRAP_HANDLE_TYPE, true, "result");
    expect_table(NULL, "1=1:4");
    /* And what the host passes. */
    start();
    uint32_t args = add(NULL, HOSTS, 4);
    table(NULL)->at[args].lends = 1;
    b = exported(functype(PARAMS(t_own(HOSTS)), NULL));
    expect_outcome(fake_call_export(F, b, &args, NULL), CJ_TRAP_HANDLE_LENT, false, "param 0");
    expect_table(NULL, "1=3:4+1");
}

/* -- Borrow -------------------------------------------------------------------------------------------------------- */

static const char *expected_in_caller, *expected_in_callee;
static uint32_t drop_first, drop_resource;

static void look_and_drop(uint64_t *flat)
{
    (void)flat;
    expect_table(F, expected_in_caller);
    expect_table(P, expected_in_callee);
    if (drop_first)
        assert_int_equal(drop(P, drop_resource, drop_first), CJ_TRAP_NONE);
}

static void test_borrow_between_guests(void **state)
{
    (void)state;
    /* A handle in the callee, which drops it; meanwhile the caller's is lent. */
    start();
    add(F, HOSTS, 7);
    expected_in_caller = "1=3:7+1";
    expected_in_callee = "1=3:7*";
    drop_first = 1;
    drop_resource = HOSTS;
    core_body = look_and_drop;
    cj_binding *b = fused(functype(PARAMS(t_borrow(HOSTS)), NULL));
    expect_outcome(fake_call_import(F, b, SLOTS(1), NULL), CJ_TRAP_NONE, false, "");
    expect_events("callee.core(1) ");
    expect_table(F, "1=3:7");
    expect_table(P, "");
    expect_no_lends();

    /* Where the callee implements it, it gets the representation, and has nothing to drop. */
    start();
    add(F, CALLEES, 0xfeedbeef);
    expected_in_caller = "1=2:4276993775+1";
    expected_in_callee = "";
    drop_first = 0;
    core_body = look_and_drop;
    b = fused(functype(PARAMS(t_borrow(CALLEES)), NULL));
    expect_outcome(fake_call_import(F, b, SLOTS(1), NULL), CJ_TRAP_NONE, false, "");
    expect_events("callee.core(feedbeef) ");
    expect_table(F, "1=2:4276993775");
    expect_no_lends();

    /* Of a handle that is itself borrowed; twice the same. */
    cj_call_ctx somebody = {0};
    start();
    add(F, HOSTS, 7);
    table(F)->at[1].scope = &somebody;
    expected_in_caller = "1=3:7*+2";
    expected_in_callee = "1=3:7* 2=3:7*";
    drop_first = 2;
    core_body = look_and_drop;
    b = fused(functype(PARAMS(t_borrow(HOSTS), t_borrow(HOSTS)), NULL));
    cj_trap got = fake_call_import(F, b, SLOTS(1, 1), NULL);
    expect_outcome(got, CJ_TRAP_BORROW_NOT_DROPPED, true, ""); /* one is left */
    expect_table(F, "1=3:7*");
    expect_no_lends();
    assert_int_equal(somebody.borrows, 0);
    assert_int_equal(P->instance.may_enter, 0);

    /* Before the result is looked at. */
    start();
    add(F, HOSTS, 7);
    core_result = UINT32_MAX;
    b = fused(functype(PARAMS(t_borrow(HOSTS)), t_string(T)));
    got = fake_call_import(F, b, SLOTS(1, UINT32_MAX), NULL);
    expect_outcome(got, CJ_TRAP_BORROW_NOT_DROPPED, true, "");
}

static void drop_in_export(uint64_t *flat)
{
    (void)flat;
    expect_table(NULL, expected_in_caller);
    expect_table(F, expected_in_callee);
    if (drop_first)
        assert_int_equal(drop(F, drop_resource, drop_first), CJ_TRAP_NONE);
}

static void test_borrow_of_host(void **state)
{
    (void)state;
    start();
    uint32_t arg = add(NULL, HOSTS, 7);
    expected_in_caller = "1=3:7+1";
    expected_in_callee = "1=3:7*";
    drop_first = 1;
    drop_resource = HOSTS;
    core_body = drop_in_export;
    cj_binding *b = exported(functype(PARAMS(t_borrow(HOSTS)), NULL));
    expect_outcome(fake_call_export(F, b, &arg, NULL), CJ_TRAP_NONE, false, "");
    expect_table(NULL, "1=3:7");
    expect_no_lends();

    drop_first = 0;
    expect_outcome(fake_call_export(F, b, &arg, NULL), CJ_TRAP_BORROW_NOT_DROPPED, true, "");
    expect_table(NULL, "1=3:7");
    expect_no_lends();

    start();
    arg = add(NULL, CALLERS, 8);
    expected_in_caller = "1=1:8+1";
    expected_in_callee = "";
    core_body = drop_in_export;
    b = exported(functype(PARAMS(t_borrow(CALLERS)), NULL));
    expect_outcome(fake_call_export(F, b, &arg, NULL), CJ_TRAP_NONE, false, "");
    expect_events("core(8) ");
    expect_table(NULL, "1=1:8");
    expect_no_lends();
}

static uint32_t host_drops;
static cj_status look_and_drop_host(cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)results, (void)err;
    memcpy(seen, args, ctx->bound->plan->host_args_size);
    expect_table(F, expected_in_caller);
    expect_table(NULL, expected_in_callee);
    if (host_drops) {
        table(NULL)->at[host_drops].scope->borrows--;
        cj__handle_remove(table(NULL), host_drops);
    }
    return CJ_OK;
}

/* The host is lent a handle of its table, whoever implements the resource; what it does not drop is dropped for it. */
static void test_borrow_to_host(void **state)
{
    (void)state;
    for (host_drops = 0; host_drops < 3; host_drops++) {
        start();
        add(F, HOSTS, 7);
        add(F, CALLERS, 8);
        expected_in_caller = "1=3:7+2 2=1:8+1";
        expected_in_callee = "1=3:7* 2=3:7* 3=1:8*";
        host_body = look_and_drop_host;
        cj_binding *b = imported(functype(PARAMS(t_borrow(HOSTS), t_borrow(HOSTS), t_borrow(CALLERS)), t_string(T)));
        cj_trap got = fake_call_import(F, b, SLOTS(1, 1, 2, RETPTR), NULL);
        expect_outcome(got, CJ_TRAP_NONE, false, "");
        assert_int_equal(seen[0], 1);
        assert_int_equal(seen[1], 2);
        assert_int_equal(seen[2], 3);
        expect_table(F, "1=3:7 2=1:8");
        expect_table(NULL, "");
        expect_no_lends();
    }
    host_drops = 0;
}

static void test_borrow_traps(void **state)
{
    (void)state;
    start();
    add(F, CALLERS, 1);
    cj_binding *b = fused(functype(PARAMS(t_list(T, t_borrow(HOSTS))), NULL));
    fake_put32(F, BLOCK, 7);
    expect_outcome(fake_call_import(F, b, SLOTS(BLOCK, 1), NULL), CJ_TRAP_HANDLE_INDEX, false, "param 0[0]");
    start();
    add(F, CALLERS, 1);
    fake_put32(F, BLOCK, 1);
    expect_outcome(fake_call_import(F, b, SLOTS(BLOCK, 1), NULL), CJ_TRAP_HANDLE_TYPE, false, "param 0[0]");

    /* The callee's table is full at the third; what was lent comes back. */
    start();
    add(F, HOSTS, 1);
    table(P)->max = 2;
    for (uint32_t i = 0; i < 3; i++)
        fake_put32(F, BLOCK + 4 * i, 1);
    expect_outcome(fake_call_import(F, b, SLOTS(BLOCK, 3), NULL), CJ_TRAP_HANDLE_TABLE_FULL, false, "param 0[2]");
    assert_string_equal(F->store.trap.detail, "max_handles");
    expect_table(F, "1=3:1");
    expect_no_lends();
}

/* One handle twice in a call. */
static void test_same_handle(void **state)
{
    (void)state;
    const cj_type *own = t_own(HOSTS), *lent = t_borrow(HOSTS);
    const struct {
        const cj_type *first, *second;
        cj_trap trap;
    } cases[] = {
        {lent, own, CJ_TRAP_HANDLE_LENT},
        {own, lent, CJ_TRAP_HANDLE_INDEX},
        {own, own, CJ_TRAP_HANDLE_INDEX},
    };
    for (size_t i = 0; i < CJ_COUNT(cases); i++) {
        const cj_functype *type = functype(PARAMS(cases[i].first, cases[i].second), NULL);
        start();
        add(F, HOSTS, 1);
        expect_outcome(fake_call_import(F, fused(type), SLOTS(1, 1), NULL), cases[i].trap, false, "param 1");
        expect_table(F, cases[i].trap == CJ_TRAP_HANDLE_LENT ? "1=3:1+1" : "");
        assert_int_equal(F->store.lends.len, 0);
        start();
        add(F, HOSTS, 1);
        expect_outcome(fake_call_import(F, imported(type), SLOTS(1, 1), NULL), cases[i].trap, false, "param 1");
        assert_int_equal(host_calls, 0);
        expect_table(F, "1=3:1"); /* the host was never told */
        expect_table(NULL, "");
        expect_no_lends();
        start();
        uint32_t args[2];
        args[0] = args[1] = add(NULL, HOSTS, 1);
        expect_outcome(fake_call_export(F, exported(type), args, NULL), cases[i].trap, false, "param 1");
        expect_no_lends();
    }
}

/* -- Traps give back ------------------------------------------------------------------------------------------------- */

static void trap_inside(uint64_t *flat)
{
    (void)flat;
    fake_trap(P, "unreachable");
}

static cj_status fail_host(cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)ctx, (void)args, (void)results;
    return cj__fail(err, CJ_HOST, "no");
}

static void test_traps_give_back(void **state)
{
    (void)state;
    const cj_functype *type =
        functype(PARAMS(t_own(HOSTS), t_borrow(CALLERS), t_char(T)), t_tuple(T, 2, t_own(HOSTS), t_char(T)));
    for (int jumps = 0; jumps < 2; jumps++) {
        /* The callee traps: it keeps what it owns, the caller's handle stays lent, as neither is ever entered again. */
        start();
        F->longjmp_on_trap = jumps;
        add(F, HOSTS, 1);
        add(F, CALLERS, 2);
        core_body = trap_inside;
        assert_int_equal(fake_call_import(F, fused(type), SLOTS(1, 2, 'x', RETPTR), NULL), CJ_TRAP_CORE);
        expect_table(F, "2=1:2+1");
        expect_table(P, "1=3:1 2=1:2*");
        assert_int_equal(F->store.lends.len, 0);

        /* A parameter after the handles is bad: the host has none of them. */
        start();
        F->longjmp_on_trap = jumps;
        add(F, HOSTS, 1);
        add(F, CALLERS, 2);
        cj_binding *b = imported(type);
        expect_outcome(fake_call_import(F, b, SLOTS(1, 2, 0xd800, RETPTR), NULL), CJ_TRAP_CHAR_SURROGATE, false,
                       "param 2");
        expect_table(F, "1=3:1 2=1:2");
        expect_table(NULL, "");
        expect_no_lends();

        /* The host function fails: what it owns is its own, what it was lent is not. */
        start();
        F->longjmp_on_trap = jumps;
        add(F, HOSTS, 1);
        add(F, CALLERS, 2);
        host_body = fail_host;
        expect_outcome(fake_call_import(F, b, SLOTS(1, 2, 'x', RETPTR), NULL), CJ_TRAP_HOST, false, "");
        expect_table(F, "2=1:2");
        expect_table(NULL, "1=3:1");
        expect_no_lends();

        /* A result after the handle is bad: the host never heard of it. */
        start();
        F->longjmp_on_trap = jumps;
        add(F, HOSTS, 1);
        fake_put32(F, BLOCK, 1);
        fake_put32(F, BLOCK + 4, 0xd800);
        core_result = BLOCK;
        uint32_t out[2];
        expect_outcome(fake_call_export(F, exported(functype(NO_PARAMS, type->result)), NULL, out),
                       CJ_TRAP_CHAR_SURROGATE, true, "result .1");
        expect_table(F, "1=3:1");
        expect_table(NULL, "");
        expect_no_lends();
    }
}

/* -- Calls inside calls ------------------------------------------------------------------------------------------------ */

static cj_binding *inner_fused;

static void lend_on(uint64_t *flat)
{
    if (F->env.module_inst == &P->inst) { /* the callee */
        expect_table(NULL, "1=3:7+1");
        expect_table(F, "1=3:7*+1");
        expect_table(P, "1=3:7*");
        assert_int_equal(drop(P, HOSTS, 1), CJ_TRAP_NONE);
        return;
    }
    assert_int_equal(flat[0], 1);
    assert_true(fake_guest_import(F, inner_fused, SLOTS(1), NULL));
    /* Only the inner call's lend has ended. */
    expect_table(NULL, "1=3:7+1");
    expect_table(F, "1=3:7*");
    assert_int_equal(drop(F, HOSTS, 1), CJ_TRAP_NONE);
}

static void test_lends_nest(void **state)
{
    (void)state;
    start();
    const cj_functype *type = functype(PARAMS(t_borrow(HOSTS)), NULL);
    inner_fused = fused(type);
    uint32_t arg = add(NULL, HOSTS, 7);
    core_body = lend_on;
    expect_outcome(fake_call_export(F, exported(type), &arg, NULL), CJ_TRAP_NONE, false, "");
    expect_events("core(1) callee.core(1) ");
    expect_table(NULL, "1=3:7");
    expect_table(F, "");
    expect_no_lends();
}

/* Lent until post-return is done. */
static uint32_t lends_in_post_return;
static void count_lends(fake_engine *fake, void *user, uint64_t *flat)
{
    (void)fake, (void)user, (void)flat;
    lends_in_post_return = table(F)->at[1].lends;
}

static void test_lent_in_post_return(void **state)
{
    (void)state;
    start();
    const cj_functype *type = functype(PARAMS(t_borrow(CALLEES)), NULL);
    cj_plan_options options = {.kind = CJ_PLAN_FUSED, .has_post_return = true};
    cj_plan *plan = make_plan_of(type, &options);
    cj_binding *b = bound(fake_fused(F, P, plan, type, core_fn, count_lends, NULL));
    b->code = code_for ? code_for(plan) : NULL;
    add(F, CALLEES, 3);
    lends_in_post_return = 0;
    expect_outcome(fake_call_import(F, b, SLOTS(1), NULL), CJ_TRAP_NONE, false, "");
    assert_int_equal(lends_in_post_return, 1);
    expect_table(F, "1=2:3");
}

size_t boundary_handle_tests(struct CMUnitTest *out)
{
    const struct CMUnitTest tests[] = {
        BOUNDARY_TEST(test_own_between_guests),  BOUNDARY_TEST(test_own_and_host),
        BOUNDARY_TEST(test_own_traps),           BOUNDARY_TEST(test_borrow_between_guests),
        BOUNDARY_TEST(test_borrow_of_host),      BOUNDARY_TEST(test_borrow_to_host),
        BOUNDARY_TEST(test_borrow_traps),        BOUNDARY_TEST(test_same_handle),
        BOUNDARY_TEST(test_traps_give_back),     BOUNDARY_TEST(test_lends_nest),
        BOUNDARY_TEST(test_lent_in_post_return),
    };
    memcpy(out, tests, sizeof(tests));
    return CJ_COUNT(tests);
}
