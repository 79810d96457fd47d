/* test_merge_interrupt.c: guests of interruptible modules stop soon after the flag is set, whatever they do; those that
 * are left alone compute what they did before. Both kinds of check, on the engine that there is.
 */
#include "unit/support/cmocka_all.h"

#include "merge/merge_case.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static const cj_interrupt_check checks[] = {CJ_INTERRUPT_COUNTDOWN, CJ_INTERRUPT_FLAG};

static void open_and_run(merge_case *c, const char *name, cj_interrupt_check check)
{
    case_open(c, name);
    case_instances(c);
    c->input.interruptible = true;
    c->input.interrupt_check = check;
    case_run(c);
    assert_int_equal(c->merged.interrupt_global, 0);
    assert_int_equal(c->merged.interrupted_global, 1);
}

static uint32_t *flag(merge_case *c, uint32_t global)
{
    return cj__core_global(c->guest->instance, global);
}

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

typedef struct setter {
    uint32_t *flag;
    double set_at;
} setter;

static void *set_soon(void *arg)
{
    setter *s = arg;
    usleep(15000);
    s->set_at = now_ms();
    __atomic_store_n(s->flag, 1, __ATOMIC_RELAXED);
    return NULL;
}

/* How long the guest ran on. The bound is generous, for machines with other work; docs/merging.md has the usual
 * figures. */
static double stop(merge_case *c, const char *name, uint64_t param)
{
    setter s = {flag(c, 0), 0};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, set_soon, &s), 0);
    cj_trap trap = case_trap(c, name, &param, NULL);
    double end = now_ms();
    assert_int_equal(pthread_join(thread, NULL), 0);
    if (trap != CJ_TRAP_UNREACHABLE || *flag(c, 1) != 1)
        fail_msg("%s: %s, interrupted %u", name, cj_trap_text(trap), *flag(c, 1));
    assert_true(end >= s.set_at);
    if (end - s.set_at > 2000)
        fail_msg("%s ran on for %.0f ms", name, end - s.set_at);
    *flag(c, 0) = *flag(c, 1) = 0;
    return end - s.set_at;
}

static void everything_stops(void **state)
{
    (void)state;
    for (size_t i = 0; i < CJ_COUNT(checks); i++) {
        merge_case c;
        open_and_run(&c, "interrupt/endless", checks[i]);
        double worst = 0;
        const char *worst_name = "";
        for (uint32_t k = 0; k < c.input.export_count; k++) {
            if (CJ_ENGINE_JIT && strcmp(c.export_names[k], "a.tail_indirect") == 0)
                continue; /* WAMR's JIT code takes stack for each: it ends by itself */
            double ms = stop(&c, c.export_names[k], 60);
            if (getenv("CJ_TEST_VERBOSE"))
                print_message("%s %.2f ms\n", c.export_names[k], ms);
            if (ms > worst) {
                worst = ms;
                worst_name = c.export_names[k];
            }
        }
        print_message("check %u: the latest to stop, %s, did after %.1f ms\n", (unsigned)checks[i], worst_name, worst);
        assert_true(c.input.export_count >= 28);
        case_close(&c);
    }
}

static void stops_again_until_the_flag_is_cleared(void **state)
{
    (void)state;
    for (size_t i = 0; i < CJ_COUNT(checks); i++) {
        merge_case c;
        open_and_run(&c, "interrupt/endless", checks[i]);
        *flag(&c, 0) = 1;
        for (int n = 0; n < 3; n++) {
            assert_int_equal(case_traps(&c, "a.br"), CJ_TRAP_UNREACHABLE);
            assert_int_equal(*flag(&c, 1), 1);
            *flag(&c, 1) = 0;
            assert_int_equal(case_traps(&c, "a.recursion", 60), CJ_TRAP_UNREACHABLE);
            assert_int_equal(*flag(&c, 1), 1);
            *flag(&c, 1) = 0;
        }
        *flag(&c, 0) = 0;
        assert_int_equal(case_value(&c, "a.recursion", 10), 1024);
        case_close(&c);
    }
}

static void the_guests_own_unreachable_is_another(void **state)
{
    (void)state;
    for (size_t i = 0; i < CJ_COUNT(checks); i++) {
        merge_case c;
        open_and_run(&c, "interrupt/ending", checks[i]);
        assert_int_equal(case_traps(&c, "a.unreachable"), CJ_TRAP_UNREACHABLE);
        assert_int_equal(*flag(&c, 1), 0);
        case_close(&c);
    }
}

static void instances_have_flags_of_their_own(void **state)
{
    (void)state;
    merge_case c;
    open_and_run(&c, "interrupt/ending", CJ_INTERRUPT_DEFAULT);
    guest *first = c.guest;
    *flag(&c, 0) = 1;
    c.guest = guest_again(&c.store, first);
    assert_non_null(c.guest);
    assert_int_equal(*flag(&c, 0), 0);
    assert_int_equal(case_value(&c, "a.fib", 20), 6765);
    guest_delete(c.guest);
    c.guest = first;
    case_close(&c);
}

static void the_rest_goes_on_as_before(void **state)
{
    (void)state;
    for (size_t i = 0; i < CJ_COUNT(checks); i++) {
        merge_case c;
        open_and_run(&c, "interrupt/ending", checks[i]);
        assert_int_equal(case_value(&c, "a.fib", 22), 17711);
        assert_int_equal(case_value(&c, "a.sum", 1000000), (uint32_t)500000500000u);
        case_close(&c);
    }
}

/* memory.copy and memory.fill go piece by piece when they are large, and must not show it. */
static void bulk_operations_are_whole(void **state)
{
    (void)state;
    enum { MiB = 1 << 20, MEMORY = 16 * MiB };
    static const struct {
        uint32_t to, from, size;
    } copies[] = {
        {8 * MiB, 0, 4 * MiB},
        {0, 8 * MiB, 4 * MiB},
        {1, 0, 4 * MiB},
        {0, 1, 4 * MiB},
        {2 * MiB, MiB, 5 * MiB},
        {MiB, 2 * MiB, 5 * MiB},
        {MiB + 7, MiB, 3 * MiB},
        {MiB, MiB + 7, 3 * MiB + 1},
        {0, 5, MiB},
        {5, 0, MiB},
        {0, 5, MiB + 1},
        {5, 0, MiB + 1},
        {0, 5, 65536},
        {5, 0, 65537},
        {MEMORY - 2 * MiB, 0, 2 * MiB},
        {0, MEMORY - 2 * MiB, 2 * MiB},
        {3 * MiB, 3 * MiB, 3 * MiB},
        {0, 0, 0},
    };
    for (size_t i = 0; i < CJ_COUNT(checks); i++) {
        merge_case c;
        open_and_run(&c, "interrupt/ending", checks[i]);
        for (size_t k = 0; k < CJ_COUNT(copies); k++) {
            if (copies[k].size)
                case_value(&c, "a.stamp", copies[k].from, copies[k].size);
            assert_int_equal(case_traps(&c, "a.copy", copies[k].to, copies[k].from, copies[k].size), CJ_TRAP_NONE);
            if (copies[k].size && !case_value(&c, "a.stamped", copies[k].to, copies[k].size))
                fail_msg("copy of %u from %u to %u", copies[k].size, copies[k].from, copies[k].to);
        }
        assert_int_equal(case_traps(&c, "a.fill", 3, 7, 3 * MiB), CJ_TRAP_NONE);
        for (uint32_t at = 3; at < 3 + 3 * MiB; at += 65535)
            assert_int_equal(case_value(&c, "a.load", at), 7);
        assert_int_equal(case_value(&c, "a.load", 2 + 3 * MiB), 7);
        assert_int_not_equal(case_value(&c, "a.load", 2), 7);
        assert_int_not_equal(case_value(&c, "a.load", 3 + 3 * MiB), 7);

        /* out of bounds: nothing is written */
        case_value(&c, "a.fill", 0, 0, MEMORY);
        assert_int_equal(case_traps(&c, "a.fill", 8 * MiB, 9, 8 * MiB + 1), CJ_TRAP_MEMORY_BOUNDS);
        assert_int_equal(case_value(&c, "a.load", 8 * MiB), 0);
        assert_int_equal(case_traps(&c, "a.fill", 8, 9, 0xffffffff), CJ_TRAP_MEMORY_BOUNDS);
        assert_int_equal(case_traps(&c, "a.fill", 0xffffffff, 9, 0xffffffff), CJ_TRAP_MEMORY_BOUNDS);
        assert_int_equal(case_traps(&c, "a.fill", MEMORY, 9, 0), CJ_TRAP_NONE);
        assert_int_equal(case_traps(&c, "a.fill", MEMORY + 1, 9, 0), CJ_TRAP_MEMORY_BOUNDS);
        case_value(&c, "a.fill", 0, 1, MEMORY / 2);
        assert_int_equal(case_traps(&c, "a.copy", 8 * MiB, 0, 8 * MiB + 1), CJ_TRAP_MEMORY_BOUNDS);
        assert_int_equal(case_traps(&c, "a.copy", 0, 8 * MiB, 8 * MiB + 1), CJ_TRAP_MEMORY_BOUNDS);
        assert_int_equal(case_traps(&c, "a.copy", 0xfffffff0, 0, 0xffffffff), CJ_TRAP_MEMORY_BOUNDS);
        assert_int_equal(case_traps(&c, "a.copy", 0, 0xfffffff0, 0xffffffff), CJ_TRAP_MEMORY_BOUNDS);
        assert_int_equal(case_value(&c, "a.load", 8 * MiB), 0);
        assert_int_equal(case_value(&c, "a.load", 0), 1);
        case_close(&c);
    }
}

/* A call between components runs a realloc once for each list in a list, however small its code is, and moves as many bytes as it asked for: after so many calls
 * the flag has been looked at. */
static void a_small_realloc_stops(void **state)
{
    (void)state;
    enum { BUDGET = 262144 }; /* docs/merging.md */
    static const struct {
        uint32_t size, most;
    } cases[] = {{0, BUDGET}, {16 * 64, BUDGET / 64 + 1}, {16 * BUDGET, 1}, {UINT32_MAX, 1}};
    for (size_t i = 0; i < CJ_COUNT(checks); i++) {
        merge_case c;
        open_and_run(&c, "interrupt/ending", checks[i]);
        for (size_t k = 0; k < CJ_COUNT(cases); k++) {
            assert_int_equal(case_value(&c, "a.realloc", 0, 0, 1, UINT32_MAX), 16); /* the budget is whole */
            *flag(&c, 0) = 1;
            uint32_t calls = 1;
            while (calls <= cases[k].most && case_traps(&c, "a.realloc", 0, 0, 1, cases[k].size) == CJ_TRAP_NONE)
                calls++;
            if (calls > cases[k].most)
                fail_msg("%u calls with size %u, and the flag was not looked at", calls - 1, cases[k].size);
            assert_int_equal(*flag(&c, 1), 1);
            *flag(&c, 0) = *flag(&c, 1) = 0;
        }
        case_close(&c);
    }
}

static void only_where_asked_for(void **state)
{
    (void)state;
    merge_case c;
    case_open(&c, "interrupt/ending");
    case_instances(&c);
    assert_int_equal(case_merge(&c), CJ_OK);
    assert_int_equal(c.merged.interrupt_global, UINT32_MAX);
    assert_int_equal(c.merged.interrupted_global, UINT32_MAX);
    assert_int_equal(c.out.global_count, 0);
    assert_int_equal(c.out.table_count, 0);
    case_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_stops),
        cmocka_unit_test(stops_again_until_the_flag_is_cleared),
        cmocka_unit_test(the_guests_own_unreachable_is_another),
        cmocka_unit_test(instances_have_flags_of_their_own),
        cmocka_unit_test(the_rest_goes_on_as_before),
        cmocka_unit_test(bulk_operations_are_whole),
        cmocka_unit_test(a_small_realloc_stops),
        cmocka_unit_test(only_where_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
