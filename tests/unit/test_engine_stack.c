/* test_engine_stack.c: guests that use up the native stack, in every way that was seen to crash or hang a host.
 *
 * The stack's end is found by comparison and a reserve is left for whoever is called there: a host function with malloc and its
 * locks, LLVM's compiler, a frame of any size.
 */
#include "support/cmocka_all.h"
#include "support/engine_guest.h"
#include "support/wasm_writer.h"

#include <alloca.h>
#include <pthread.h>
#include <stdio.h>

/* cmocka's assertions work on the main thread only. */
static char failure[256]; /* of the test that runs */
#define CHECK(condition) \
    do { \
        if (!(condition) && failure[0] == 0) \
            snprintf(failure, sizeof failure, "line %d: %s", __LINE__, #condition); \
    } while (0)

static uint32_t host_calls;

/* Takes locks of libc and a good piece of stack. */
static uint32_t busy_host(guest *g, cj_call_ctx *call, uint32_t slot, const uint64_t *flat, uint64_t *result)
{
    (void)g, (void)slot;
    uintptr_t boundary; /* the whole reserve is there, but for our own frame */
    memcpy(&boundary, (const char *)call->env + cj__core_layout.env_stack_boundary, sizeof boundary);
    CHECK((uintptr_t)__builtin_frame_address(0) + 20000 > boundary);
    char text[4096];
    void *a = malloc(1000 + flat[0] % 100000), *b = calloc(3, 100);
    snprintf(text, sizeof text, "%p %p %.17g", a, b, 1.0 / 3);
    free(a);
    free(b);
    host_calls++;
    *result = (uint64_t)strlen(text) & 1;
    return CJ_TRAP_NONE;
}

/* Runs `body` on a thread whose stack has `size` bytes, `used` of which are taken. */
typedef struct stack_job {
    void (*body)(void *);
    void *arg;
    size_t used;
} stack_job;

static void *run_job(void *arg)
{
    stack_job *job = arg;
    volatile char *taken = alloca(job->used + 1);
    for (size_t i = 0; i <= job->used; i += 1024)
        taken[i] = 1;
    job->body(job->arg);
    return NULL;
}

static void on_stack(size_t size, size_t used, void (*body)(void *), void *arg)
{
    pthread_attr_t attr;
    pthread_t thread;
    stack_job job = {body, arg, used};
    pthread_attr_init(&attr);
    assert_int_equal(pthread_attr_setstacksize(&attr, size), 0);
    assert_int_equal(pthread_create(&thread, &attr, run_job, &job), 0);
    pthread_attr_destroy(&attr);
    pthread_join(thread, NULL);
    if (failure[0] != 0) {
        char text[sizeof failure];
        memcpy(text, failure, sizeof text);
        failure[0] = 0;
        fail_msg("%s", text);
    }
}

static guest_store store;

static guest *load(const char *name)
{
    guest_store_init(&store);
    store.limits.wasm_stack_size = 16 << 20; /* the interpreter's own stack is not what is tested */
    guest *g = guest_load(&store, name);
    if (g == NULL)
        fail_msg("%s", store.err.message);
    g->gate = busy_host;
    return g;
}

static void finish(guest *g)
{
    guest_delete(g);
    guest_store_fini(&store);
}

static void overflow_everywhere(void *arg)
{
    guest *g = arg;
    static const char *const ways[] = {"recurse", "recurse_host", "recurse_all"};
    for (size_t i = 0; i < CJ_COUNT(ways); i++) {
        cj_trap trap = CALL(g, ways[i], NULL, 0xffffffff);
        CHECK(trap == CJ_TRAP_STACK_OVERFLOW);
        g->core.may_enter = 1;
        uint64_t r = 0;
        CHECK(CALL(g, "add", &r, 1, 2) == CJ_TRAP_NONE);
        CHECK(r == 3);
    }
}

static void recursion_at_many_offsets(void **state)
{
    (void)state;
    guest *g = load("engine_basic");
    host_calls = 0;
    for (size_t used = 0; used < 64; used++)
        on_stack(1 << 20, used * 1040, overflow_everywhere, g);
    assert_true(host_calls > 64);
    finish(g);
}

/* The recursion ends just where the stack does, in the host function. */
static void sweep_depth(void *arg)
{
    guest *g = arg;
    uint32_t good = 1, bad = 10000000;
    while (bad - good > 1) {
        uint32_t middle = good + (bad - good) / 2;
        if (CALL(g, "recurse_host", NULL, middle) == CJ_TRAP_NONE)
            good = middle;
        else
            bad = middle;
        g->core.may_enter = 1;
    }
    for (uint32_t depth = good - 100; depth < good + 100; depth++) {
        cj_trap trap = CALL(g, "recurse_host", NULL, depth);
        CHECK(trap == CJ_TRAP_NONE || trap == CJ_TRAP_STACK_OVERFLOW);
        g->core.may_enter = 1;
    }
}

static void host_function_at_the_end_of_the_stack(void **state)
{
    (void)state;
    guest *g = load("engine_basic");
    for (size_t used = 0; used < 5; used++)
        on_stack(1 << 20, used * 3000, sweep_depth, g);
    finish(g);
}

/* No room for a call at all. */
static void call_add(void *arg)
{
    guest *g = arg;
    CHECK(CALL(g, "add", NULL, 1, 2) == CJ_TRAP_STACK_OVERFLOW);
    CHECK(g->core.may_enter); /* it was not entered */
}

static void a_stack_smaller_than_the_reserve(void **state)
{
    (void)state;
    guest *g = load("engine_basic");
    on_stack(200 << 10, 0, call_add, g);
    uint64_t r;
    assert_int_equal(CALL(g, "add", &r, 1, 2), CJ_TRAP_NONE);
    finish(g);
}

/* -- Functions that are compiled when they are called first ------------------------------------------------------------------- */

enum { LAZY_FUNCTIONS = 200 };

/* deep(n, i): recurses n times, then calls function i through the table. */
static void write_lazy(wasm_writer *out)
{
    W(out, W_PREAMBLE);
    wasm_writer s = {0}, body = {0};
    W(&s, 2, 0x60, 2, 0x7f, 0x7f, 1, 0x7f, 0x60, 1, 0x7f, 1, 0x7f);
    w_section(out, 1, &s);
    w_u32(&s, LAZY_FUNCTIONS + 1);
    w_byte(&s, 0);
    for (int i = 0; i < LAZY_FUNCTIONS; i++)
        w_byte(&s, 1);
    w_section(out, 3, &s);
    W(&s, 1, 0x70, 0);
    w_u32(&s, LAZY_FUNCTIONS);
    w_section(out, 4, &s);
    W(&s, 1, 4, 'd', 'e', 'e', 'p', 0, 0);
    w_section(out, 7, &s);
    W(&s, 1, 0, 0x41, 0, 0x0b);
    w_u32(&s, LAZY_FUNCTIONS);
    for (uint32_t i = 0; i < LAZY_FUNCTIONS; i++)
        w_u32(&s, i + 1);
    w_section(out, 9, &s);
    w_u32(&s, LAZY_FUNCTIONS + 1);
    W(&body, 0, 0x20, 0, 0x45, 0x04, 0x7f, /* if n == 0 */
      0x20, 1, 0x20, 1, 0x11, 1, 0,        /* table[i](i) */
      0x05, 0x20, 0, 0x41, 1, 0x6b, 0x20, 1, 0x10, 0, 0x41, 1, 0x6a, 0x0b, 0x0b);
    w_sized(&s, &body);
    for (int i = 0; i < LAZY_FUNCTIONS; i++) {
        W(&body, 0, 0x20, 0);
        for (int k = 0; k < 50; k++) {
            W(&body, 0x41);
            w_s64(&body, i * 1000 + k);
            W(&body, (uint8_t)(k % 3 == 0 ? 0x6a : k % 3 == 1 ? 0x6c : 0x73));
        }
        W(&body, 0x0b);
        w_sized(&s, &body);
    }
    w_section(out, 10, &s);
}

static void call_all_deep(void *arg)
{
    guest *g = arg;
    uint32_t good = 1, bad = 1000000;
    while (bad - good > 1) { /* with function 0, which is compiled by this */
        uint32_t middle = good + (bad - good) / 2;
        if (CALL(g, "deep", NULL, middle, 0) == CJ_TRAP_NONE)
            good = middle;
        else
            bad = middle;
        g->core.may_enter = 1;
    }
    for (uint32_t i = 1; i < LAZY_FUNCTIONS; i++) {
        cj_trap trap = CALL(g, "deep", NULL, good - 5 + i % 10, i);
        CHECK(trap == CJ_TRAP_NONE || trap == CJ_TRAP_STACK_OVERFLOW);
        g->core.may_enter = 1;
    }
}

static void functions_compiled_at_the_end_of_the_stack(void **state)
{
    (void)state;
    wasm_writer w = {0};
    write_lazy(&w);
    for (int round = 0; round < 3; round++) {
        guest_store_init(&store);
        store.limits.wasm_stack_size = 16 << 20;
        guest *g = guest_load_bytes(&store, w.at, w.len);
        if (g == NULL)
            fail_msg("%s", store.err.message);
        on_stack(768 << 10, 0, call_all_deep, g);
        finish(g);
    }
    free(w.at);
}

/* -- Frames larger than the reserve ---------------------------------------------------------------------------------------------- */

/* f(n): has `count` locals, each written, and `held` values on the operand stack while it calls itself through the table, whose callers do not
 * know how large its frame is. */
static void write_huge_frame(wasm_writer *out, uint32_t count, uint32_t held)
{
    W(out, W_PREAMBLE);
    wasm_writer s = {0}, body = {0};
    W(&s, 1, 0x60, 1, 0x7f, 1, 0x7f);
    w_section(out, 1, &s);
    W(&s, 1, 0);
    w_section(out, 3, &s);
    W(&s, 1, 0x70, 0, 1);
    w_section(out, 4, &s);
    W(&s, 1, 1, 'f', 0, 0);
    w_section(out, 7, &s);
    W(&s, 1, 0, 0x41, 0, 0x0b, 1, 0);
    w_section(out, 9, &s);
    W(&s, 1);
    W(&body, 1);
    w_u32(&body, count);
    W(&body, 0x7e, 0x20, 0, 0x45, 0x04, 0x7f, 0x41, 7, 0x05); /* n == 0: 7, else */
    for (uint32_t i = 0; i < held; i++) {
        W(&body, 0x20);
        w_u32(&body, i + 1);
    }
    W(&body, 0x20, 0, 0x41, 1, 0x6b, 0x41, 0, 0x11, 0, 0, 0x41, 1, 0x6a, 0xac);
    for (uint32_t i = 0; i < held; i++)
        W(&body, 0x85); /* all zero */
    W(&body, 0xa7, 0x0b, 0x0b);
    w_sized(&s, &body);
    w_section(out, 10, &s);
}

static void recurse_huge(void *arg)
{
    guest *g = arg;
    bool overflowed = false;
    for (uint64_t n = 0; n < 100; n++) {
        uint64_t r = 0;
        cj_trap trap = CALL(g, "f", &r, n);
        CHECK(trap == CJ_TRAP_NONE || trap == CJ_TRAP_STACK_OVERFLOW);
        overflowed |= trap == CJ_TRAP_STACK_OVERFLOW;
        CHECK(overflowed ? trap == CJ_TRAP_STACK_OVERFLOW : r == 7 + n);
        g->core.may_enter = 1;
    }
    CHECK(overflowed);
}

static void huge_frame(uint32_t locals, uint32_t held)
{
    wasm_writer w = {0};
    write_huge_frame(&w, locals, held);
    guest_store_init(&store);
    guest *g = guest_load_bytes(&store, w.at, w.len);
    if (g == NULL)
        fail_msg("%s", store.err.message);
    for (size_t used = 0; used < 300000; used += 70000)
        on_stack(2 << 20, used, recurse_huge, g);
    finish(g);
    free(w.at);
}

static void huge_frames(void **state)
{
    (void)state;
    huge_frame(5000, 0);
    huge_frame(15000, 2000);
    huge_frame(32700, 10000); /* WAMR takes up to 65535 cells of 4 bytes, and as many of operands */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recursion_at_many_offsets),
        cmocka_unit_test(host_function_at_the_end_of_the_stack),
        cmocka_unit_test(a_stack_smaller_than_the_reserve),
        cmocka_unit_test(functions_compiled_at_the_end_of_the_stack),
        cmocka_unit_test(huge_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
