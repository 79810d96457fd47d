/* test_scoped.c: results that are looked at in the guest's memory: cj_call_begin, cj_call_end. */
#include "e2e.h"

static cj_status next(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)user, (void)ctx, (void)err;
    *(uint32_t *)results = *(const uint32_t *)args + 1;
    return CJ_OK;
}

static cj_instance *open(e2e *w)
{
    e2e_ok(cj_linker_func(w->linker, NULL, "host-fn", next, NULL, &w->err), &w->err);
    return e2e_instance(w, "scoped");
}

static uint32_t number(e2e *w, cj_instance *instance, const char *name)
{
    return e2e_call_u32(w, e2e_func(instance, name), NULL, 0);
}

static void begin(e2e *w, cj_func *func, const void *args, void *results)
{
    e2e_ok(cj_call_begin(func, args, results, NULL), cj_store_error(w->store));
}

static void end(e2e *w, cj_func *func)
{
    e2e_ok(cj_call_end(func), cj_store_error(w->store));
}

static void results_are_views(void **state)
{
    e2e *w = *state;
    cj_instance *instance = open(w);
    cj_func *text = e2e_func(instance, "text"), *numbers = e2e_func(instance, "numbers");
    cj_string first, again, copy;
    cj_list list;
    for (int round = 0; round < 2; round++) {
        begin(w, text, NULL, round ? &again : &first);
        assert_memory_equal(first.ptr, "hello", 5);
        assert_int_equal(first.len, 5);
        end(w, text);
    }
    assert_ptr_equal(first.ptr, again.ptr);
    assert_int_equal(number(w, instance, "posts"), 2);
    assert_int_equal(number(w, instance, "given"), 128);

    begin(w, numbers, NULL, &list);
    assert_int_equal(list.len, 3);
    assert_ptr_equal(list.ptr, first.ptr + 48); /* where the guest has it */
    assert_int_equal(((const uint32_t *)list.ptr)[2], 3);
    end(w, numbers);
    assert_int_equal(number(w, instance, "given"), 136);

    /* The usual way copies, and runs post-return at once. */
    e2e_ok(cj_call_native(text, NULL, &copy, NULL), cj_store_error(w->store));
    assert_memory_equal(copy.ptr, "hello", 5);
    assert_ptr_not_equal(copy.ptr, first.ptr);
    assert_int_equal(number(w, instance, "posts"), 4);
}

/* What is not laid out as the host has it is copied, what lies inside it is a view where it can be. */
static void other_results(void **state)
{
    e2e *w = *state;
    cj_instance *instance = open(w);
    cj_func *text = e2e_func(instance, "text"), *names = e2e_func(instance, "names"),
            *wide = e2e_func(instance, "wide"), *twice = e2e_func(instance, "twice");
    cj_string first, string;
    cj_list list;
    begin(w, text, NULL, &first);
    end(w, text);
    begin(w, names, NULL, &list);
    assert_int_equal(list.len, 2);
    const cj_string *strings = list.ptr;
    assert_ptr_equal(strings[0].ptr, first.ptr);
    assert_ptr_equal(strings[1].ptr, first.ptr + 1);
    assert_int_equal(strings[1].len, 2);
    end(w, names);

    begin(w, wide, NULL, &string); /* has no post-return either */
    assert_int_equal(string.len, 2);
    assert_memory_equal(string.ptr, "he", 2);
    end(w, wide);

    double n = 21, result = 0;
    begin(w, twice, &n, &result);
    assert_true(result == 42);
    end(w, twice);
    assert_int_equal(number(w, instance, "given"), 42);
}

static void nobody_enters_meanwhile(void **state)
{
    e2e *w = *state;
    cj_instance *instance = open(w), *other = e2e_instantiate(w, w->components[0]);
    cj_func *text = e2e_func(instance, "text"), *posts = e2e_func(instance, "posts");
    cj_string string;
    uint32_t n;
    begin(w, text, NULL, &string);
    assert_int_equal(cj_call_native(posts, NULL, &n, NULL), CJ_TRAP);
    assert_int_equal(cj_store_error(w->store)->trap, CJ_TRAP_CANNOT_ENTER);
    assert_contains(cj_store_error(w->store)->message, "cj_call_end");
    assert_int_equal(cj_call_begin(text, NULL, &string, NULL), CJ_TRAP);
    assert_int_equal(cj_store_error(w->store)->trap, CJ_TRAP_CANNOT_ENTER);
    assert_memory_equal(string.ptr, "hello", 5);
    assert_int_equal(number(w, other, "posts"), 0); /* another instance is as it was */
    end(w, text);
    assert_int_equal(number(w, instance, "posts"), 1);
}

static void misuse(void **state)
{
    e2e *w = *state;
    cj_instance *instance = open(w);
    cj_func *text = e2e_func(instance, "text"), *numbers = e2e_func(instance, "numbers"),
            *host = e2e_func(instance, "host-again");
    cj_string string;
    uint32_t n = 1;
    assert_int_equal(cj_call_begin(NULL, NULL, NULL, NULL), CJ_MISUSE);
    assert_int_equal(cj_call_end(NULL), CJ_MISUSE);
    assert_int_equal(cj_call_end(text), CJ_MISUSE);
    assert_contains(cj_store_error(w->store)->message, "no call of the function has begun");
    begin(w, text, NULL, &string);
    assert_int_equal(cj_call_end(numbers), CJ_MISUSE);
    end(w, text);
    assert_int_equal(cj_call_end(text), CJ_MISUSE);
    assert_int_equal(number(w, instance, "posts"), 1);
    assert_int_equal(cj_call_begin(host, &n, &n, NULL), CJ_MISUSE);
    assert_contains(cj_store_error(w->store)->message, "cj_call_native");
}

static void traps(void **state)
{
    e2e *w = *state;
    cj_instance *instance = open(w);
    cj_func *bad = e2e_func(instance, "bad");
    cj_string string;
    assert_int_equal(cj_call_begin(bad, NULL, &string, NULL), CJ_TRAP);
    assert_int_equal(cj_store_error(w->store)->trap, CJ_TRAP_STRING_BOUNDS);
    assert_contains(cj_store_error(w->store)->where, "bad: result");
    assert_int_equal(cj_call_end(bad), CJ_MISUSE); /* there is nothing to end */
    assert_int_equal(cj_call_begin(bad, NULL, &string, NULL), CJ_TRAP);
    assert_int_equal(cj_store_error(w->store)->trap, CJ_TRAP_CANNOT_ENTER);

    instance = e2e_instantiate(w, w->components[0]);
    cj_func *then_trap = e2e_func(instance, "text-then-trap");
    begin(w, then_trap, NULL, &string);
    assert_memory_equal(string.ptr, "hello", 5);
    assert_int_equal(cj_call_end(then_trap), CJ_TRAP);
    assert_int_equal(cj_store_error(w->store)->trap, CJ_TRAP_UNREACHABLE);
    assert_contains(cj_store_error(w->store)->message, "in post-return");
    uint32_t n;
    assert_int_equal(cj_call_native(e2e_func(instance, "posts"), NULL, &n, NULL), CJ_TRAP);
    assert_contains(cj_store_error(w->store)->message, "it trapped before");
}

/* Arguments need realloc, which stays the guest's own: timing is for calls of the usual kind. */
static void under_timing(void **state)
{
    e2e *w = *state;
    if (!e2e_guests_are_compiled())
        return;
    cj_func *greet = e2e_func(e2e_instance(w, "@values"), "greet");
    cj_string name = CJ_STRING("you"), said;
    cj_step_ticks ticks = {0};
    const cj_timing modes[] = {CJ_TIMING_REALLOC, CJ_TIMING_STEPS, CJ_TIMING_ENTRY, CJ_TIMING_OFF};
    for (int i = 0; i < 4; i++) {
        e2e_ok(cj_func_time(greet, modes[i], &ticks, &w->err), &w->err);
        begin(w, greet, &name, &said);
        assert_int_equal(said.len, 11);
        assert_memory_equal(said.ptr, "Hello, you!", 11);
        end(w, greet);
    }
    assert_int_equal(ticks.calls + ticks.realloc_calls, 0);
}

static cj_func *open_func;
static cj_status ended;
static char ended_message[256];

static void end_late(void *user, void *rep)
{
    (void)rep;
    const e2e *w = user;
    ended = cj_call_end(open_func);
    memcpy(ended_message, cj_store_error(w->store)->message, sizeof(ended_message));
}

/* While its store is deleted no guest is entered, not for a post-return either. */
static void ended_too_late(void **state)
{
    e2e *w = *state;
    cj_string string;
    cj_resource_type *type;
    uint32_t handle;
    open_func = e2e_func(open(w), "text");
    e2e_ok(cj_resource_type_new(w->engine, "r", end_late, w, &type, &w->err), &w->err);
    e2e_ok(cj_resource_new(w->store, type, NULL, &handle, &w->err), &w->err);
    cj_resource_type_delete(type);
    begin(w, open_func, NULL, &string);
    ended = CJ_OK;
    cj_store_delete(w->store);
    w->store = NULL;
    assert_int_equal(ended, CJ_MISUSE);
    assert_contains(ended_message, "its store is being deleted");
}

/* A store goes with a call that was never ended. */
static void left_open(void **state)
{
    e2e *w = *state;
    cj_string string;
    begin(w, e2e_func(open(w), "text"), NULL, &string);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E(results_are_views),
        E2E(other_results),
        E2E(nobody_enters_meanwhile),
        E2E(misuse),
        E2E(traps),
        E2E(under_timing),
        E2E(ended_too_late),
        E2E(left_open),
    };
    return e2e_run_auto_too(tests);
}
