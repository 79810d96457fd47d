/* test_engine.c: loading, instances, calls and traps on the real engine. */
#include "support/cmocka_all.h"
#include "support/engine_guest.h"

#include <stdlib.h>

static void revive(guest *g)
{
    g->core.may_enter = 1;
}

#define assert_traps(g, kind, name, ...) \
    do { \
        assert_int_equal(CALL((g), (name), NULL, __VA_ARGS__), CJ_TRAP_##kind); \
        assert_false((g)->core.may_enter); \
        revive(g); \
    } while (0)

static guest_store store;
static guest *basic;

static int setup(void **state)
{
    (void)state;
    guest_store_init(&store);
    basic = guest_load(&store, "engine_basic");
    if (basic == NULL)
        fail_msg("%s", store.err.message);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    guest_delete(basic);
    guest_store_fini(&store);
    return 0;
}

static void values(void **state)
{
    (void)state;
    uint64_t r = 0;
    assert_int_equal(CALL(basic, "nop", NULL, 0), CJ_TRAP_NONE);
    assert_int_equal(CALL(basic, "add", &r, 40, 2), CJ_TRAP_NONE);
    assert_int_equal(r, 42);
    assert_int_equal(CALL(basic, "add", &r, 0xffffffff, 1), CJ_TRAP_NONE);
    assert_int_equal(r, 0); /* the upper half of an i32's slot is zero */
    assert_int_equal(CALL(basic, "f32", &r, bits_f32(1.5f)), CJ_TRAP_NONE);
    assert_int_equal(r, bits_f32(-1.5f));
    uint64_t many[16], expected = 0;
    static const uint64_t primes[16] = {1, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53};
    for (uint32_t i = 0; i < 16; i++) {
        many[i] = i % 4 == 2 ? bits_f32((float)(i + 1)) : i % 4 == 3 ? bits_f64(i + 1) : i + 1;
        expected += primes[i] * (i + 1);
    }
    assert_int_equal(guest_call(basic, "many", many, &r), CJ_TRAP_NONE);
    assert_int_equal(r, expected);
    assert_int_equal(CALL(basic, "sixteen", &r, 1, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 77), CJ_TRAP_NONE);
    assert_int_equal(r, 77 * 1000 - 7);
}

static void traps(void **state)
{
    (void)state;
    for (int round = 0; round < 3; round++) {
        assert_traps(basic, UNREACHABLE, "unreachable", 0);
        assert_traps(basic, DIVIDE_BY_ZERO, "div", 1, 0);
        assert_traps(basic, INTEGER_OVERFLOW, "div", 0x80000000, 0xffffffff);
        assert_traps(basic, INTEGER_OVERFLOW, "trunc", bits_f64(1e300));
        assert_traps(basic, BAD_CONVERSION, "trunc", bits_f64(__builtin_nan("")));
        assert_traps(basic, MEMORY_BOUNDS, "load", 65533);
        assert_traps(basic, MEMORY_BOUNDS, "load", 0xffffffff);
        assert_traps(basic, MEMORY_BOUNDS, "load_far", 0xffffffff);
        assert_traps(basic, MEMORY_BOUNDS, "store", 0x7fffffff, 1);
        assert_traps(basic, NULL_ELEMENT, "indirect", 1);
        assert_traps(basic, TABLE_BOUNDS, "indirect", 4);
        assert_traps(basic, TABLE_BOUNDS, "indirect", 0xffffffff);
        assert_traps(basic, INDIRECT_TYPE, "indirect_bad", 0);
        assert_traps(basic, STACK_OVERFLOW, "recurse", 0xffffffff);
        uint64_t r = 0;
        assert_int_equal(CALL(basic, "load", &r, 65532), CJ_TRAP_NONE);
        assert_int_equal(CALL(basic, "indirect", &r, 0), CJ_TRAP_NONE);
        assert_int_equal(r, 42);
        assert_int_equal(CALL(basic, "recurse", &r, 100), CJ_TRAP_NONE);
        assert_int_equal(r, 100);
    }
}

static void words_of_a_trap(void **state)
{
    (void)state;
    assert_int_equal(CALL(basic, "unreachable", NULL, 0), CJ_TRAP_UNREACHABLE);
    assert_string_equal(store.text, "unreachable");
    revive(basic);
    char text[8] = "x";
    assert_int_equal(cj__core_take_exception(cj__core_env_inst(basic->instance), text, sizeof text), CJ_TRAP_NONE);
    assert_string_equal(text, "");
    assert_int_equal(cj__core_take_exception(NULL, text, sizeof text), CJ_TRAP_NONE);
}

static void may_enter(void **state)
{
    (void)state;
    basic->core.may_enter = 0;
    assert_int_equal(CALL(basic, "nop", NULL, 0), CJ_TRAP_CANNOT_ENTER);
    assert_false(basic->core.may_enter);
    revive(basic);
    assert_int_equal(CALL(basic, "nop", NULL, 0), CJ_TRAP_NONE);
    assert_true(basic->core.may_enter);
}

/* -- Imports ------------------------------------------------------------------------------------------------------------------------ */

typedef struct seen {
    uint32_t calls, slot;
    uint64_t flat[8];
    uint8_t may_enter;
} seen;

static uint32_t record_import(guest *g, cj_call_ctx *call, uint32_t slot, const uint64_t *flat, uint64_t *result)
{
    seen *s = g->user;
    s->calls++;
    s->slot = slot;
    s->may_enter = g->core.may_enter;
    assert_ptr_equal(call->store, &g->store->core);
    assert_ptr_equal(call->env, g->store->core.env);
    assert_ptr_equal(call->arena, g->store->arena);
    memcpy(s->flat, flat, (slot == 0 ? 2 : slot == 2 ? 4 : 0) * sizeof *flat);
    if (slot == 0)
        *result = flat[0] * 100 + flat[1];
    if (slot == 2)
        *result = bits_f64(2.25);
    return CJ_TRAP_NONE;
}

static void imports(void **state)
{
    (void)state;
    seen s = {0};
    uint64_t r = 0;
    basic->gate = record_import;
    basic->user = &s;
    assert_int_equal(CALL(basic, "call_host", &r, 3, 4), CJ_TRAP_NONE);
    assert_int_equal(r, 304);
    assert_int_equal(s.slot, 0);
    assert_int_equal(s.may_enter, 0);
    assert_int_equal(CALL(basic, "call_nothing", NULL, 0), CJ_TRAP_NONE);
    assert_int_equal(s.slot, 1);
    assert_int_equal(CALL(basic, "call_mixed", &r, 0xfffffffe, 0x123456789abcdef0, bits_f32(-0.5f), bits_f64(1e100)),
                     CJ_TRAP_NONE);
    assert_int_equal(s.slot, 2);
    assert_int_equal(s.flat[0], 0xfffffffe);
    assert_int_equal(s.flat[1], 0x123456789abcdef0);
    assert_int_equal(s.flat[2], bits_f32(-0.5f));
    assert_int_equal(s.flat[3], bits_f64(1e100));
    assert_int_equal(r, bits_f64(2.25));
    assert_int_equal(CALL(basic, "count", &r, 100), CJ_TRAP_NONE);
    assert_int_equal(s.calls, 103);
    basic->gate = NULL;
}

static uint32_t trap_import(guest *g, cj_call_ctx *call, uint32_t slot, const uint64_t *flat, uint64_t *result)
{
    (void)g, (void)slot, (void)flat, (void)result;
    return cj__call_trap(call, CJ_TRAP_CHAR_RANGE, false, CJ_NO_SITE);
}

static void trap_in_an_import(void **state)
{
    (void)state;
    uint64_t r = 0;
    basic->gate = trap_import;
    for (int i = 0; i < 3; i++) {
        assert_traps(basic, CHAR_RANGE, "call_host", 1, 2);
        assert_traps(basic, CHAR_RANGE, "call_nothing", 0);
        assert_traps(basic, CHAR_RANGE, "call_mixed", 1, 2, 3, 4);
        assert_traps(basic, CHAR_RANGE, "count", 5);
        assert_traps(basic, CHAR_RANGE, "set_after_host", 0);
        assert_int_equal(CALL(basic, "load", &r, 64), CJ_TRAP_NONE);
        assert_int_equal(r, 0); /* the guest did not go on */
        assert_int_equal(store.text[0], 0);
    }
    basic->gate = NULL;
}

/* A slot that no import has is the merger's mistake, not a crash. */
static void unbound_slot(void **state)
{
    (void)state;
    basic->group.import_count = 0;
    assert_traps(basic, CORE, "call_host", 1, 2);
    assert_non_null(strstr(store.text, "not bound"));
    basic->group.import_count = GUEST_SLOTS;
}

/* -- Nested entries ------------------------------------------------------------------------------------------------------------------- */

typedef struct nested {
    guest *other;
    const char *name;
    uint64_t params[2];
    cj_trap trap;
    uint64_t result;
    bool pass_on;
} nested;

static uint32_t nested_import(guest *g, cj_call_ctx *call, uint32_t slot, const uint64_t *flat, uint64_t *result)
{
    (void)slot;
    nested *n = g->user;
    if (flat[0] > 1) { /* deeper: through the first guest again */
        g->core.may_enter = 1;
        *result = 0;
        cj_trap trap = CALL(g, "call_host", result, flat[0] - 1, 0);
        g->core.may_enter = 0;
        *result += 1000;
        if (trap != CJ_TRAP_NONE)
            return cj__call_trap(call, trap, false, CJ_NO_SITE);
        return CJ_TRAP_NONE;
    }
    n->trap = guest_call(n->other, n->name, n->params, &n->result);
    *result = n->result;
    if (n->trap != CJ_TRAP_NONE && n->pass_on)
        return cj__call_trap(call, n->trap, false, CJ_NO_SITE);
    return CJ_TRAP_NONE;
}

static void nested_entries(void **state)
{
    (void)state;
    guest *other = guest_again(&store, basic);
    assert_non_null(other);
    nested n = {.other = other, .name = "add", .params = {20, 22}};
    uint64_t r = 0;
    basic->gate = nested_import;
    basic->user = &n;

    assert_int_equal(CALL(basic, "call_host", &r, 1, 0), CJ_TRAP_NONE);
    assert_int_equal(r, 42);
    assert_int_equal(CALL(basic, "call_host", &r, 6, 0), CJ_TRAP_NONE); /* five levels of the same instance */
    assert_int_equal(r, 5042);

    /* The inner trap goes to the host function, which goes on. */
    static const struct {
        const char *name;
        cj_trap trap;
        uint64_t params[2];
    } inner[] = {{"unreachable", CJ_TRAP_UNREACHABLE, {0}},
                 {"load", CJ_TRAP_MEMORY_BOUNDS, {1 << 20}},
                 {"div", CJ_TRAP_DIVIDE_BY_ZERO, {1, 0}},
                 {"recurse", CJ_TRAP_STACK_OVERFLOW, {0xffffffff}}};
    for (size_t i = 0; i < CJ_COUNT(inner); i++) {
        n = (nested){
            .other = other, .name = inner[i].name, .params = {inner[i].params[0], inner[i].params[1]}, .result = 7};
        assert_int_equal(CALL(basic, "call_host", &r, 1, 0), CJ_TRAP_NONE);
        assert_int_equal(n.trap, inner[i].trap);
        assert_int_equal(r, 7);
        assert_false(other->core.may_enter);
        assert_true(basic->core.may_enter);
        revive(other);
        /* ... or passes it on. */
        n.pass_on = true;
        assert_int_equal(CALL(basic, "call_host", &r, 1, 0), inner[i].trap);
        assert_false(basic->core.may_enter);
        revive(basic);
        revive(other);
    }
    assert_int_equal(CALL(other, "add", &r, 1, 2), CJ_TRAP_NONE);
    assert_int_equal(r, 3);
    basic->gate = NULL;
    guest_delete(other);
}

static uint32_t entering_import(guest *g, cj_call_ctx *call, uint32_t slot, const uint64_t *flat, uint64_t *result)
{
    (void)call, (void)slot;
    nested *n = g->user;
    assert_ptr_equal(g, basic); /* not the one that was entered last */
    n->result++;
    return CALL(n->other, "add", result, flat[0], 100) == CJ_TRAP_NONE ? CJ_TRAP_NONE : CJ_TRAP_HOST;
}

static void calls_after_a_nested_entry(void **state)
{
    (void)state;
    guest *other = guest_again(&store, basic);
    nested n = {.other = other};
    uint64_t r = 0;
    basic->gate = other->gate = entering_import;
    basic->user = other->user = &n;
    assert_int_equal(CALL(basic, "count", &r, 3), CJ_TRAP_NONE);
    assert_int_equal(r, 103 + 102 + 101);
    assert_int_equal(n.result, 3);
    basic->gate = NULL;
    guest_delete(other);
}

/* -- Import patching ------------------------------------------------------------------------------------------------------------------ */

#if CJ_ENGINE_JIT
static uint32_t native_calls;
static uint32_t native_import(void *env, uint32_t a, uint32_t b, uint32_t slot)
{
    (void)env;
    native_calls++;
    return a + b + slot + 1000;
}

static void patched_import(void **state)
{
    (void)state;
    guest *other = guest_again(&store, basic);
    uint32_t (*fn)(void *, uint32_t, uint32_t, uint32_t) = native_import;
    void *code;
    memcpy(&code, &fn, sizeof code);
    seen s = {0};
    basic->gate = other->gate = record_import;
    basic->user = other->user = &s;
    cj__core_patch_import(basic->instance, 0, code);
    cj__core_patch_import(basic->instance, 99, code); /* no such import */
    uint64_t r = 0;
    assert_int_equal(CALL(basic, "call_host", &r, 3, 4), CJ_TRAP_NONE);
    assert_int_equal(r, 1007);
    assert_int_equal(native_calls, 1);
    assert_int_equal(CALL(other, "call_host", &r, 3, 4), CJ_TRAP_NONE); /* the other instance keeps the gate */
    assert_int_equal(r, 304);
    basic->gate = NULL;
    guest_delete(other);
}
#endif

#if CJ_ENGINE_JIT
/* Machine code between two instances switches the environment's instance and calls; a trap in the second leaves through the first's entry. */
static guest *second;
static uint32_t switching_import(char *env, uint32_t a, uint32_t b, uint32_t slot)
{
    (void)slot;
    void *here, *there = cj__core_env_inst(second->instance),
                *code = cj__core_export_func(second->instance, guest_export(second, "div"));
    uint32_t (*div)(void *, uint32_t, uint32_t);
    memcpy(&here, env + cj__core_layout.env_module_inst, sizeof here);
    memcpy(env + cj__core_layout.env_module_inst, &there, sizeof there);
    memcpy(&div, &code, sizeof div);
    uint32_t result = div(env, a, b);
    memcpy(env + cj__core_layout.env_module_inst, &here, sizeof here);
    return result;
}

static void trap_in_an_instance_that_was_switched_to(void **state)
{
    (void)state;
    second = guest_again(&store, basic);
    uint32_t (*fn)(char *, uint32_t, uint32_t, uint32_t) = switching_import;
    void *code;
    memcpy(&code, &fn, sizeof code);
    cj__core_patch_import(basic->instance, 0, code);
    uint64_t r = 0;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(CALL(basic, "call_host", &r, 42, 6), CJ_TRAP_NONE);
        assert_int_equal(r, 7);
        assert_traps(basic, DIVIDE_BY_ZERO, "call_host", 42, 0);
        assert_string_equal(store.text, "integer divide by zero");
        assert_int_equal(CALL(second, "div", &r, 9, 3), CJ_TRAP_NONE); /* nothing pending there */
    }
    guest_delete(second);
}
#endif

/* -- Memory --------------------------------------------------------------------------------------------------------------------------- */

static void memory(void **state)
{
    (void)state;
    void *m = cj__core_memory(basic->instance);
    uint64_t r = 0;
    assert_non_null(m);
    assert_int_equal(cj__memory_size(m), 65536);
    assert_memory_equal(cj__memory_view(m, 16, 5), "hello", 5);
    assert_null(cj__memory_view(m, 65535, 2));
    assert_non_null(cj__memory_view(m, 65536, 0));
    assert_int_equal(CALL(basic, "grow", &r, 2), CJ_TRAP_NONE);
    assert_int_equal(r, 1);
    assert_int_equal(cj__memory_size(m), 3 * 65536);
    assert_memory_equal(cj__memory_view(m, 16, 5), "hello", 5);
    memset(cj__memory_view(m, 2 * 65536, 65536), 0x5a, 65536);
    assert_int_equal(CALL(basic, "load", &r, 3 * 65536 - 4), CJ_TRAP_NONE);
    assert_int_equal(r, 0x5a5a5a5a);
    assert_traps(basic, MEMORY_BOUNDS, "load", 3 * 65536 - 3);
    assert_int_equal(CALL(basic, "grow", &r, 2), CJ_TRAP_NONE); /* its own maximum is 4 */
    assert_int_equal(r, 0xffffffff);
    assert_int_equal(CALL(basic, "size", &r, 0), CJ_TRAP_NONE);
    assert_int_equal(r, 3);
    assert_int_equal(*cj__core_global_data(basic->instance), 7);
    assert_ptr_equal(cj__core_global(basic->instance, 0), cj__core_global_data(basic->instance));
    assert_null(cj__core_global(basic->instance, 1));
    *cj__core_global_data(basic->instance) = 8;
    assert_int_equal(CALL(basic, "get_global", &r, 0), CJ_TRAP_NONE);
    assert_int_equal(r, 8);
}

static uint32_t body_realloc(cj_call_ctx *call, void *arg)
{
    uint32_t *out = arg;
    assert_ptr_equal(call->env, call->store->env);
    return cj__core_call_realloc(call, &call->bound->guest, 1, 2, 4, out[1], out);
}

static void enter_and_realloc(void **state)
{
    (void)state;
    cj_binding bound = basic->bindings[0];
    bound.guest.realloc = cj__core_export_func(basic->instance, guest_export(basic, "realloc"));
    cj_call_ctx call = {.bound = &bound, .store = &store.core, .env = NULL, .arena = store.arena};
    uint32_t out[2] = {0, 8};
    assert_int_equal(cj__core_enter(&call, body_realloc, out), CJ_TRAP_NONE);
    assert_int_equal(out[0], 1248);
    for (int i = 0; i < 3; i++) { /* a trap inside realloc */
        out[1] = 666;
        assert_int_equal(cj__core_enter(&call, body_realloc, out), CJ_TRAP_CORE);
        char text[64];
        assert_int_equal(cj__core_take_exception(bound.guest.core_env_inst, text, sizeof text), CJ_TRAP_UNREACHABLE);
    }
    out[1] = 0;
    assert_int_equal(cj__core_enter(&call, body_realloc, out), CJ_TRAP_NONE);
    assert_int_equal(out[0], 1240);
}

static uint32_t body_returns(cj_call_ctx *call, void *arg)
{
    return arg != NULL ? cj__call_trap(call, CJ_TRAP_LIST_BOUNDS, true, 3) : CJ_TRAP_NONE;
}

static void enter_returns_what_the_body_returned(void **state)
{
    (void)state;
    cj_call_ctx call = {.bound = &basic->bindings[0], .store = &store.core, .arena = store.arena};
    assert_int_equal(cj__core_enter(&call, body_returns, NULL), CJ_TRAP_NONE);
    assert_int_equal(cj__core_enter(&call, body_returns, &call), CJ_TRAP_LIST_BOUNDS);
    assert_int_equal(store.core.trap.kind, CJ_TRAP_LIST_BOUNDS);
    assert_int_equal(store.core.trap.site, 3);
    store.core.trap = (cj_trap_record){.site = CJ_NO_SITE};

    /* A store without any core instance. */
    cj_store_core empty = {.alloc = store.core.alloc};
    call.store = &empty;
    assert_int_equal(cj__core_enter(&call, body_returns, NULL), CJ_TRAP_NONE);
    cj__core_store_fini(&empty);
}

static void signatures(void **state)
{
    (void)state;
    char text[16];
    const cj_core params[] = {CJ_CORE_I32, CJ_CORE_I64, CJ_CORE_F32, CJ_CORE_F64};
    cj_core_type type = {.params = params, .param_count = 4, .result = CJ_CORE_F64, .result_count = 1};
    cj__core_signature(&type, text);
    assert_string_equal(text, "(iIfF)F");
    type.param_count = type.result_count = 0;
    cj__core_signature(&type, text);
    assert_string_equal(text, "()");
    assert_non_null(strstr(cj__core_build_info(), "WAMR "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(values, setup, teardown),
        cmocka_unit_test_setup_teardown(traps, setup, teardown),
        cmocka_unit_test_setup_teardown(words_of_a_trap, setup, teardown),
        cmocka_unit_test_setup_teardown(may_enter, setup, teardown),
        cmocka_unit_test_setup_teardown(imports, setup, teardown),
        cmocka_unit_test_setup_teardown(trap_in_an_import, setup, teardown),
        cmocka_unit_test_setup_teardown(unbound_slot, setup, teardown),
        cmocka_unit_test_setup_teardown(nested_entries, setup, teardown),
        cmocka_unit_test_setup_teardown(calls_after_a_nested_entry, setup, teardown),
#if CJ_ENGINE_JIT
        cmocka_unit_test_setup_teardown(patched_import, setup, teardown),
        cmocka_unit_test_setup_teardown(trap_in_an_instance_that_was_switched_to, setup, teardown),
#endif
        cmocka_unit_test_setup_teardown(memory, setup, teardown),
        cmocka_unit_test_setup_teardown(enter_and_realloc, setup, teardown),
        cmocka_unit_test_setup_teardown(enter_returns_what_the_body_returned, setup, teardown),
        cmocka_unit_test(signatures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
