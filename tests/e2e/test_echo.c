/* test_echo.c: every value type there and back, drawn at random, in three string encodings: host -> guest -> host
 * function -> guest -> host. Seeded; the seed and the value's type are in the message of a failure.
 */
#include "e2e.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 60 };

typedef struct echo {
    const cj_val *sent; /* what the host function must see */
    size_t calls;
    bool wrong;
} echo;

static cj_status echo_dyn(void *user, cj_call_ctx *ctx, const cj_val *args, size_t nargs, cj_val *results,
                          size_t nresults, cj_error *err)
{
    (void)ctx, (void)err;
    echo *e = user;
    e->calls++;
    if (nargs != nresults || (nargs && !cj_val_equal(&args[0], e->sent)))
        e->wrong = true;
    if (nresults)
        results[0] = args[0];
    return CJ_OK;
}

/* In structs: nothing is copied, the guest's own memory is handed back. */
static cj_status echo_native(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)err;
    echo *e = user;
    e->calls++;
    const cj_type *type = cj_functype_result(cj_ctx_type(ctx));
    if (type)
        memcpy(results, args, cj_type_size(type));
    return CJ_OK;
}

static void run(e2e *w, const char *guest, bool native, uint64_t seed)
{
    cj_component *component = e2e_component(w, guest);
    cj_linker *linker;
    echo e = {0};
    e2e_ok(cj_linker_new(w->engine, &linker, &w->err), &w->err);
    for (size_t i = 0; i < cj_component_import_count(component); i++) {
        cj_extern_func f = cj_component_import(component, i);
        cj_status status = native ? cj_linker_func(linker, f.interface, f.name, echo_native, &e, &w->err)
                                  : cj_linker_dyn_func(linker, f.interface, f.name, echo_dyn, &e, &w->err);
        e2e_ok(status, &w->err);
    }
    cj_instance *instance;
    e2e_ok(cj_instantiate(w->store, linker, component, &instance, &w->err), &w->err);
    cj_linker_delete(linker);
    bool has_host = cj_component_import_count(component) > 0;

    cj_arena *arena;
    assert_int_equal(cj_arena_new(NULL, &arena), CJ_OK);
    e2e_random random = {seed};
    size_t echoes = 0;
    for (size_t i = 0; i < cj_component_export_count(component); i++) {
        cj_extern_func f = cj_component_export(component, i);
        const cj_type *result = cj_functype_result(f.type);
        if (strncmp(f.name, "echo-", 5) != 0 || cj_functype_param_count(f.type) != 1 ||
            cj_functype_param(f.type, 0) != result)
            continue;
        echoes++;
        for (int round = 0; round < ROUNDS; round++) {
            cj_arena_reset(arena);
            cj_val in = e2e_draw(&random, result, arena), out;
            e.sent = &in;
            size_t before = e.calls;
            cj_status status =
                cj_call(cj_instance_func_at(instance, i), &in, 1, &out, 1, round % 2 ? arena : NULL, &w->err);
            char type[200];
            cj_type_format(result, type, sizeof(type));
            if (status != CJ_OK)
                fail_msg("%s %s, seed %llu, round %d: %s at %s", guest, f.name, (unsigned long long)seed, round,
                         w->err.message, w->err.where);
            if (!cj_val_equal(&in, &out) || e.wrong)
                fail_msg("%s %s: another %s came %s; seed %llu, round %d", guest, f.name, type,
                         e.wrong ? "to the host" : "back", (unsigned long long)seed, round);
            assert_int_equal(e.calls - before, has_host ? 1 : 0);
        }
    }
    assert_true(echoes > 30);
    cj_arena_delete(arena);
}

static void test_utf8_dynamic(void **state)
{
    run(*state, "@types", false, 1);
}

static void test_utf8_native(void **state)
{
    run(*state, "@types", true, 2);
}

static void test_utf16_dynamic(void **state)
{
    run(*state, "@types-utf16", false, 3);
}

static void test_utf16_native(void **state)
{
    run(*state, "@types-utf16", true, 4);
}

static void test_compact_dynamic(void **state)
{
    run(*state, "@types-compact", false, 5);
}

static void test_compact_native(void **state)
{
    run(*state, "@types-compact", true, 6);
}

static void test_without_host(void **state)
{
    run(*state, "@values", false, 7);
    run(*state, "@values-utf16", false, 8);
    run(*state, "@values-compact", false, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E(test_utf8_dynamic),    E2E(test_utf8_native),    E2E(test_utf16_dynamic), E2E(test_utf16_native),
        E2E(test_compact_dynamic), E2E(test_compact_native), E2E(test_without_host),
    };
    return e2e_run(tests);
}
