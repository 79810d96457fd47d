/* test_timing.c: cj_func_time: what each mode counts and leaves alone, what it refuses, and that results and traps are as usual under it. */
#include "e2e.h"

#include <stdlib.h>

typedef struct timed {
    cj_func *func;
    cj_step_ticks ticks;
} timed;

static timed func_of(e2e *w, const char *guest, const char *path)
{
    return (timed){.func = e2e_func(e2e_instance(w, guest), path)};
}

static void set(timed *t, cj_timing timing)
{
    cj_error err;
    t->ticks = (cj_step_ticks){0};
    e2e_ok(cj_func_time(t->func, timing, &t->ticks, &err), &err);
}

static void test_entry_runs_no_guest(void **state)
{
    e2e *w = *state;
    timed t = func_of(w, "@bench-exports", "test:bench/calls@1.0.0#add");
    uint32_t args[2] = {3, 4}, sum = 99;
    set(&t, CJ_TIMING_ENTRY);
    for (int i = 0; i < 3; i++)
        assert_int_equal(cj_call_native(t.func, args, &sum, NULL), CJ_OK);
    assert_int_equal(sum, 99);
    assert_int_equal(t.ticks.calls, 0);
    set(&t, CJ_TIMING_OFF);
    assert_int_equal(cj_call_native(t.func, args, &sum, NULL), CJ_OK);
    assert_int_equal(sum, 7);
}

static void test_steps_are_counted(void **state)
{
    e2e *w = *state;
    timed t = func_of(w, "@values", "greet"); /* realloc, a result in memory, post-return */
    cj_string name = CJ_STRING("you"), said;
    set(&t, CJ_TIMING_STEPS);
    for (int i = 1; i <= 10; i++) {
        assert_int_equal(cj_call_native(t.func, &name, &said, NULL), CJ_OK);
        assert_int_equal(said.len, 11);
        assert_memory_equal(said.ptr, "Hello, you!", 11);
        assert_int_equal(t.ticks.calls, i);
    }
    assert_true(t.ticks.lower && t.ticks.core && t.ticks.lift && t.ticks.post_return);
    assert_int_equal(t.ticks.realloc_calls, 0);
    cj_step_ticks before = t.ticks;
    e2e_ok(cj_func_time(t.func, CJ_TIMING_OFF, NULL, &w->err), &w->err);
    assert_int_equal(cj_call_native(t.func, &name, &said, NULL), CJ_OK);
    assert_int_equal(said.len, 11);
    assert_memory_equal(&before, &t.ticks, sizeof(before));
}

static void test_steps_without_post_return(void **state)
{
    e2e *w = *state;
    timed t = func_of(w, "@bench-exports", "test:bench/calls@1.0.0#add");
    uint32_t args[2] = {3, 4}, sum = 0;
    set(&t, CJ_TIMING_STEPS);
    assert_int_equal(cj_call_native(t.func, args, &sum, NULL), CJ_OK);
    assert_int_equal(sum, 7);
    assert_int_equal(t.ticks.calls, 1);
    assert_int_equal(t.ticks.post_return, 0);
    /* A mode twice, and one after another, begin anew. */
    set(&t, CJ_TIMING_STEPS);
    assert_int_equal(cj_call_native(t.func, args, &sum, NULL), CJ_OK);
    assert_int_equal(t.ticks.calls, 1);
    set(&t, CJ_TIMING_ENTRY);
    set(&t, CJ_TIMING_STEPS);
    set(&t, CJ_TIMING_OFF);
    assert_int_equal(cj_call_native(t.func, args, &sum, NULL), CJ_OK);
    assert_int_equal(sum, 7);
    assert_int_equal(t.ticks.calls, 0);
}

/* The step where the work is has most of the ticks; of each the fewest of many calls, for a busy machine may stop any of them. */
static void test_time_is_counted_where_it_passes(void **state)
{
    enum { BYTES = 65536, CALLS = 50 };
    e2e *w = *state;
    cj_instance *instance = e2e_instance(w, "@bench-exports");
    static char text[BYTES];
    memset(text, 'x', BYTES);
    timed in = {.func = e2e_func(instance, "test:bench/calls@1.0.0#string-in")},
          out = {.func = e2e_func(instance, "test:bench/calls@1.0.0#string-out")};
    cj_string string = {text, BYTES};
    uint64_t in_lower = UINT64_MAX, in_lift = UINT64_MAX, out_lower = UINT64_MAX, out_lift = UINT64_MAX;
    for (int i = 0; i < CALLS; i++) {
        cj_string said;
        uint32_t n;
        set(&in, CJ_TIMING_STEPS);
        set(&out, CJ_TIMING_STEPS);
        assert_int_equal(cj_call_native(in.func, &string, &n, NULL), CJ_OK);
        assert_int_equal(n, BYTES);
        assert_int_equal(cj_call_native(out.func, &n, &said, NULL), CJ_OK);
        assert_int_equal(said.len, BYTES);
        in_lower = in.ticks.lower < in_lower ? in.ticks.lower : in_lower;
        in_lift = in.ticks.lift < in_lift ? in.ticks.lift : in_lift;
        out_lower = out.ticks.lower < out_lower ? out.ticks.lower : out_lower;
        out_lift = out.ticks.lift < out_lift ? out.ticks.lift : out_lift;
    }
    assert_true(in_lower > in_lift);
    assert_true(out_lift > out_lower);
}

static void test_realloc_is_counted(void **state)
{
    e2e *w = *state;
    timed t = func_of(w, "@bench-exports", "test:bench/calls@1.0.0#strings-in");
    cj_string strings[5];
    for (int i = 0; i < 5; i++)
        strings[i] = CJ_STRING("sixteen bytes 12");
    cj_list list = {strings, 5};
    uint32_t n = 0;
    if (!e2e_guests_are_compiled()) {
        assert_int_equal(cj_func_time(t.func, CJ_TIMING_REALLOC, &t.ticks, &w->err), CJ_UNSUPPORTED);
        assert_non_null(strstr(w->err.message, "unsupported: CJ_TIMING_REALLOC"));
        assert_int_equal(cj_call_native(t.func, &list, &n, NULL), CJ_OK);
        assert_int_equal(n, 5);
        return;
    }
    set(&t, CJ_TIMING_REALLOC);
    assert_int_equal(cj_call_native(t.func, &list, &n, NULL), CJ_OK);
    assert_int_equal(n, 5);
    assert_int_equal(t.ticks.realloc_calls, 6); /* the list and five strings */
    assert_true(t.ticks.realloc > 0);
    assert_int_equal(t.ticks.calls, 0);
    set(&t, CJ_TIMING_OFF);
    assert_int_equal(cj_call_native(t.func, &list, &n, NULL), CJ_OK);
    assert_int_equal(t.ticks.realloc_calls, 0);
}

static void test_traps_are_as_usual(void **state)
{
    e2e *w = *state;
    cj_instance *instance = e2e_instance(w, "@traps");
    timed t = {.func = e2e_func(instance, "test:traps/core@1.0.0#unreachable")};
    set(&t, CJ_TIMING_STEPS);
    assert_int_equal(cj_call_native(t.func, NULL, NULL, NULL), CJ_TRAP);
    assert_int_equal(cj_store_error(w->store)->trap, CJ_TRAP_UNREACHABLE);
    assert_int_equal(t.ticks.calls, 0);
    assert_int_equal(cj_call_native(t.func, NULL, NULL, NULL), CJ_TRAP);
    assert_int_equal(cj_store_error(w->store)->trap, CJ_TRAP_CANNOT_ENTER);
    set(&t, CJ_TIMING_ENTRY); /* nor can it be entered for nothing */
    assert_int_equal(cj_call_native(t.func, NULL, NULL, NULL), CJ_TRAP);
    assert_int_equal(cj_store_error(w->store)->trap, CJ_TRAP_CANNOT_ENTER);
    set(&t, CJ_TIMING_OFF);
}

static void test_misuse(void **state)
{
    e2e *w = *state;
    timed t = func_of(w, "@bench-exports", "test:bench/calls@1.0.0#nop");
    assert_int_equal(cj_func_time(NULL, CJ_TIMING_OFF, NULL, &w->err), CJ_MISUSE);
    assert_int_equal(cj_func_time(t.func, (cj_timing)9, &t.ticks, &w->err), CJ_MISUSE);
    assert_int_equal(cj_func_time(t.func, CJ_TIMING_STEPS, NULL, &w->err), CJ_MISUSE);
    assert_int_equal(cj_func_time(t.func, CJ_TIMING_REALLOC, NULL, &w->err), CJ_MISUSE);
    assert_int_equal(cj_func_time(t.func, CJ_TIMING_ENTRY, NULL, &w->err), CJ_OK);
    assert_int_equal(cj_func_time(t.func, CJ_TIMING_OFF, NULL, NULL), CJ_OK);
}

static cj_func *timed_inside;

static cj_status time_inside(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    cj_step_ticks ticks;
    (void)ctx, (void)args, (void)results;
    *(cj_status *)user = cj_func_time(timed_inside, CJ_TIMING_STEPS, &ticks, err);
    return CJ_OK;
}

static void test_not_inside_a_call(void **state)
{
    e2e *w = *state;
    cj_component *component = e2e_component(w, "@bench");
    cj_status inside = CJ_OK;
    for (size_t i = 0; i < cj_component_import_count(component); i++) {
        cj_extern_func f = cj_component_import(component, i);
        e2e_ok(cj_linker_func(w->linker, f.interface, f.name, time_inside, &inside, &w->err), &w->err);
    }
    cj_instance *instance = e2e_instantiate(w, component);
    cj_func *drive = e2e_func(instance, "test:bench/drive@1.0.0#nop");
    timed_inside = drive;
    uint32_t args[2] = {1, 0};
    assert_int_equal(cj_call_native(drive, args, NULL, NULL), CJ_OK);
    assert_int_equal(inside, CJ_MISUSE);
}

static void test_clock(void **state)
{
    (void)state;
    double tick_ns = 0, stamp_ticks = 0, again_ns, again_ticks;
    cj_timing_clock(&tick_ns, &stamp_ticks);
    assert_true(tick_ns > 0.05 && tick_ns < 1000);
    assert_true(stamp_ticks > 0 && stamp_ticks < 1e6);
    cj_timing_clock(&again_ns, &again_ticks);
    assert_true(again_ns == tick_ns && again_ticks == stamp_ticks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {E2E(test_entry_runs_no_guest),
                                       E2E(test_steps_are_counted),
                                       E2E(test_steps_without_post_return),
                                       E2E(test_time_is_counted_where_it_passes),
                                       E2E(test_realloc_is_counted),
                                       E2E(test_traps_are_as_usual),
                                       E2E(test_misuse),
                                       E2E(test_not_inside_a_call),
                                       cmocka_unit_test(test_clock)};
    return e2e_run(tests);
}
