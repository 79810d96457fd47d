/* test_engine_life.c: loading and unloading in every order, limits, threads, the process around it. */
#include "support/cmocka_all.h"
#include "support/engine_guest.h"
#include "support/wasm_writer.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static guest_store store;

static guest *must(guest *g)
{
    if (g == NULL)
        fail_msg("%s", store.err.message);
    return g;
}

static uint64_t value(guest *g, const char *name, uint64_t param)
{
    uint64_t r = 0;
    assert_int_equal(CALL(g, name, &r, param), CJ_TRAP_NONE);
    return r;
}

/* -- Orders of life and death ------------------------------------------------------------------------------------------------------ */

static void runtime_is_counted(void **state)
{
    (void)state;
    cj_error err;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 3; i++)
            assert_int_equal(cj__core_runtime_acquire(&err), CJ_OK);
        for (int i = 0; i < 2; i++)
            cj__core_runtime_release();
        guest_store_init(&store);
        guest *g = must(guest_load(&store, "engine_basic"));
        assert_int_equal(value(g, "size", 0), 1);
        guest_delete(g);
        guest_store_fini(&store);
        cj__core_runtime_release();
    }
    cj__core_runtime_release(); /* one too many */
}

static void modules_outlive_their_unloading(void **state)
{
    (void)state;
    guest_store_init(&store);
    guest *a = must(guest_load(&store, "engine_basic"));
    guest *b = must(guest_again(&store, a)), *c = must(guest_again(&store, a));
    guest_delete(a); /* unloads */
    uint64_t r = 0;
    assert_int_equal(CALL(b, "add", &r, 1, 2), CJ_TRAP_NONE);
    guest_delete(c);
    assert_int_equal(CALL(b, "add", &r, 3, 4), CJ_TRAP_NONE);
    assert_int_equal(r, 7);
    guest_delete(b);
    cj__core_unload(NULL);
    cj__core_deinstantiate(NULL);
    guest_store_fini(&store);
}

/* Unloading while functions are still being compiled, many times. */
static void load_and_unload_at_once(void **state)
{
    (void)state;
    guest_store_init(&store);
    for (int i = 0; i < 20; i++)
        guest_delete(must(guest_load(&store, "engine_basic")));
    guest_store_fini(&store);
}

/* The program starts WAMR itself: before us, after us, stops it before us. */
bool wasm_runtime_init(void);
void wasm_runtime_destroy(void);

static void program_with_its_own_wamr(void **state)
{
    (void)state;
    assert_true(wasm_runtime_init());
    guest_store_init(&store);
    guest *g = must(guest_load(&store, "engine_basic"));
    assert_true(wasm_runtime_init());
    wasm_runtime_destroy();
    wasm_runtime_destroy();
    assert_int_equal(value(g, "size", 0), 1);
    assert_int_equal(CALL(g, "load", NULL, 65536), CJ_TRAP_MEMORY_BOUNDS);
    guest_delete(g);
    guest_store_fini(&store);

    assert_true(wasm_runtime_init());
    guest_store_init(&store);
    guest_store_fini(&store);
    wasm_runtime_destroy();
}

/* -- Limits ------------------------------------------------------------------------------------------------------------------------- */

static void memory_limits(void **state)
{
    (void)state;
    guest_store_init(&store);
    store.limits.max_memory_pages = 9;
    assert_null(guest_load(&store, "engine_limits"));
    assert_int_equal(store.err.status, CJ_LIMIT);
    assert_non_null(strstr(store.err.message, "max_memory_pages"));
    store.limits.max_memory_pages = 12;
    guest *g = must(guest_load(&store, "engine_limits"));
    assert_int_equal(value(g, "grow", 3), 0xffffffff);
    assert_int_equal(value(g, "grow", 2), 10);
    assert_int_equal(value(g, "grow", 1), 0xffffffff);
    assert_int_equal(value(g, "size", 0), 12);
    assert_int_equal(cj__memory_size(cj__core_memory(g->instance)), 12 * 65536);
    store.limits.max_memory_pages = 20; /* limits are an instance's */
    guest *h = must(guest_again(&store, g));
    assert_int_equal(value(h, "grow", 10), 10);
    assert_int_equal(value(h, "grow", 1), 0xffffffff);
    guest_delete(g);
    guest_delete(h);

    store.limits.max_memory_pages = 2;
    assert_null(guest_load(&store, "engine_fixed_memory"));
    assert_int_equal(store.err.status, CJ_LIMIT);
    store.limits.max_memory_pages = 3;
    g = must(guest_load(&store, "engine_fixed_memory"));
    assert_int_equal(cj__memory_size(cj__core_memory(g->instance)), 3 * 65536);
    assert_int_equal(value(g, "load", 3 * 65536 - 4), 0);
    assert_int_equal(CALL(g, "load", NULL, 3 * 65536 - 3), CJ_TRAP_MEMORY_BOUNDS);
    guest_delete(g);
    guest_store_fini(&store);
}

static void table_limits(void **state)
{
    (void)state;
    guest_store_init(&store);
    store.limits.max_table_elements = 99;
    assert_null(guest_load(&store, "engine_limits"));
    assert_int_equal(store.err.status, CJ_LIMIT);
    assert_non_null(strstr(store.err.message, "max_table_elements"));
    store.limits.max_table_elements = 2000;
    guest *g = must(guest_load(&store, "engine_limits"));
    assert_int_equal(value(g, "table.grow", 900), 100);
    assert_int_equal(value(g, "table.grow", 1), 0xffffffff);
    guest_delete(g);
    guest_store_fini(&store);
}

/* A module with `memory` initial pages, `tables` tables of `elements`, and `data` as segment offset. */
static guest *load_made(int64_t memory, uint32_t tables, uint32_t elements, int64_t data)
{
    wasm_writer w = {0}, s = {0};
    W(&w, W_PREAMBLE);
    if (tables > 0) {
        w_u32(&s, tables);
        for (uint32_t i = 0; i < tables; i++) {
            W(&s, 0x70, 1);
            w_u32(&s, elements);
            w_u32(&s, elements);
        }
        w_section(&w, 4, &s);
    }
    if (memory >= 0) {
        W(&s, 1, 1);
        w_u32(&s, (uint32_t)memory);
        w_u32(&s, (uint32_t)memory);
        w_section(&w, 5, &s);
    }
    if (data >= 0) {
        W(&s, 1, 0, 0x41);
        w_s64(&s, (int32_t)data);
        W(&s, 0x0b, 4, 1, 2, 3, 4);
        w_section(&w, 11, &s);
    }
    guest *g = guest_load_bytes(&store, w.at, w.len);
    free(w.at);
    return g;
}

static void sizes_that_wamr_cannot_take(void **state)
{
    (void)state;
    guest_store_init(&store);
    assert_null(load_made(65536, 0, 0, -1));
    assert_int_equal(store.err.status, CJ_LIMIT);
    assert_null(load_made(-1, 200, 10000000, -1)); /* 8 GB of tables, each within its limit */
    assert_int_equal(store.err.status, CJ_LIMIT);
    assert_null(load_made(-1, 1, 0xffffffff, -1));
    assert_int_equal(store.err.status, CJ_LIMIT);
    guest *g = must(load_made(0, 0, 0, -1));
    assert_int_equal(cj__memory_size(cj__core_memory(g->instance)), 0);
    guest_delete(g);
    g = must(load_made(-1, 0, 0, -1));
    assert_null(cj__core_memory(g->instance));
    guest_delete(g);
    guest_store_fini(&store);
}

static void segments_out_of_bounds(void **state)
{
    (void)state;
    guest_store_init(&store);
    static const int64_t bad[] = {65533, 65536, 0x7fffffff, 0xfffffffe, 0xffffffff};
    for (size_t i = 0; i < CJ_COUNT(bad); i++) {
        assert_null(load_made(1, 0, 0, bad[i]));
        assert_int_equal(store.err.status, CJ_TRAP);
        assert_int_equal(store.err.trap, CJ_TRAP_MEMORY_BOUNDS);
    }
    assert_null(load_made(65535, 0, 0, 0xfffeffff));
    assert_int_equal(store.err.status, CJ_TRAP);
    guest *g = must(load_made(1, 0, 0, 65532));
    assert_memory_equal(cj__memory_view(cj__core_memory(g->instance), 65532, 4), "\1\2\3\4", 4);
    guest_delete(g);
    guest_store_fini(&store);
}

#if CJ_HARDWARE_BOUNDS
/* Of a child with little address space. */
static void expect_success(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
#if !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__) /* whose shadow memory is larger than any such limit */
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
#endif
}

static void no_address_space(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        guest_store_init(&store);
        guest *g = guest_load(&store, "engine_limits");
        struct rlimit limit = {20ull << 30, 20ull << 30};
        if (g == NULL || setrlimit(RLIMIT_AS, &limit) != 0)
            _exit(2);
        guest *all[100];
        int n = 0;
        while (n < 100 && (all[n] = guest_again(&store, g)) != NULL)
            n++;
        if (n == 100 || store.err.status != CJ_NO_MEMORY || strstr(store.err.message, "8 GiB") == NULL)
            _exit(3);
        uint64_t r = 0;
        if (CALL(g, "size", &r, 0) != CJ_TRAP_NONE || r != 10)
            _exit(4);
        _exit(0);
    }
    expect_success(child);
}
#endif

/* -- What is not a merged module -------------------------------------------------------------------------------------------------- */

static cj_status load_status(const uint8_t *bytes, size_t size, const cj_core_type *imports, uint32_t count)
{
    cj_core_module *module = NULL;
    cj_status status = cj__core_load(store.core.alloc, bytes, size, imports, count, &module, &store.err);
    cj__core_unload(module);
    return status;
}

#if CJ_HARDWARE_BOUNDS
/* LLVM would end the process. */
static void too_little_address_space_to_compile(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        static const uint8_t empty[] = {W_PREAMBLE};
        guest_store_init(&store);
        struct rlimit limit;
        if (getrlimit(RLIMIT_AS, &limit) != 0)
            _exit(2);
        limit.rlim_cur = 1000u << 20;
        if (setrlimit(RLIMIT_AS, &limit) != 0)
            _exit(2);
        bool refused = load_status(empty, sizeof empty, NULL, 0) == CJ_NO_MEMORY &&
                       strstr(store.err.message, "RLIMIT_AS (ulimit -v) is 1000 MiB") != NULL;
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_AS, &limit) != 0)
            _exit(2);
        _exit(refused && load_status(empty, sizeof empty, NULL, 0) == CJ_OK ? 0 : 3);
    }
    expect_success(child);
}
#endif

static void refused_modules(void **state)
{
    (void)state;
    guest_store_init(&store);
    static const uint8_t empty[] = {W_PREAMBLE};
    assert_int_equal(load_status(empty, sizeof empty, NULL, 0), CJ_OK);
    assert_int_equal(load_status(empty, 7, NULL, 0), CJ_INVALID);
    assert_int_equal(load_status(empty, 0, NULL, 0), CJ_INVALID);
    static const uint8_t start[] = {W_PREAMBLE, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 8, 1, 0, 10, 4, 1, 2, 0, 0x0b};
    assert_int_equal(load_status(start, sizeof start, NULL, 0), CJ_INTERNAL);
    assert_non_null(strstr(store.err.message, "start"));
    static const uint8_t memory[] = {W_PREAMBLE, 2, 8, 1, 1, 'm', 1, 'x', 2, 0, 1};
    assert_int_equal(load_status(memory, sizeof memory, NULL, 0), CJ_INTERNAL);
    /* import "cj" "(i)" with type (i64) */
    static const uint8_t other[] = {W_PREAMBLE, 1, 5,   1,   0x60, 1,   0x7e, 0,   2, 10,
                                    1,          2, 'c', 'j', 3,    '(', 'i',  ')', 0, 0};
    const cj_core params[] = {CJ_CORE_I32};
    const cj_core_type type = {.params = params, .param_count = 1};
    assert_int_equal(load_status(other, sizeof other, &type, 1), CJ_INTERNAL);
    assert_non_null(strstr(store.err.message, "signature"));
    assert_int_equal(load_status(empty, sizeof empty, &type, 1), CJ_INTERNAL); /* announced, not there */
    static const uint8_t ctors[] = {W_PREAMBLE, 1,   4,   1,   0x60, 0,   0,   3,   2,   1,   0,   7,   21,  1,
                                    17,         '_', '_', 'w', 'a',  's', 'm', '_', 'c', 'a', 'l', 'l', '_', 'c',
                                    't',        'o', 'r', 's', 0,    0,   10,  4,   1,   2,   0,   0x0b};
    assert_int_equal(load_status(ctors, sizeof ctors, NULL, 0), CJ_INTERNAL);
    const cj_core vector[] = {CJ_CORE_V128, CJ_CORE_I32};
    const cj_core_type with_vector = {.params = vector, .param_count = 2};
    assert_int_equal(load_status(empty, sizeof empty, &with_vector, 1), CJ_UNSUPPORTED);
    const cj_core_type no_slot = {0};
    assert_int_equal(load_status(empty, sizeof empty, &no_slot, 1), CJ_INTERNAL);
    guest_store_fini(&store);
}

/* WAMR's loader gets only what link/ has validated; it must still not fall over truncated files. */
static void truncated_modules(void **state)
{
    (void)state;
    guest_store_init(&store);
    char path[1024];
    snprintf(path, sizeof path, "%s/unit/guests/engine_bulk.wasm", CJ_TEST_BINARY_DIR);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    uint8_t bytes[8192];
    size_t size = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    assert_in_range(size, 100, sizeof bytes - 1);
    assert_int_equal(load_status(bytes, size, NULL, 0), CJ_OK);
    for (size_t i = 0; i < size - 1; i++) {
        uint8_t *exact = malloc(i + 1);
        memcpy(exact, bytes, i);
        cj_status status = load_status(exact, i, NULL, 0);
        assert_true(status == CJ_INVALID || status == CJ_OK); /* sections are optional: some prefixes are modules */
        free(exact);
    }
    guest_store_fini(&store);
}

static void too_many_types(void **state)
{
    (void)state;
    guest_store_init(&store);
    for (int round = 0; round < 2; round++) {
        uint32_t types = round == 0 ? 20001 : 2, functions = round == 0 ? 1 : 3;
        wasm_writer w = {0}, s = {0};
        W(&w, W_PREAMBLE);
        w_u32(&s, types);
        for (uint32_t i = 0; i < types; i++) { /* all different: 15 parameters that spell i */
            W(&s, 0x60, 15);
            for (int bit = 0; bit < 15; bit++)
                w_byte(&s, i >> bit & 1 ? 0x7e : 0x7f);
            w_byte(&s, 0);
        }
        w_section(&w, 1, &s);
        w_u32(&s, functions);
        for (uint32_t i = 0; i < functions; i++)
            w_u32(&s, types - 1);
        w_section(&w, 3, &s);
        w_u32(&s, functions);
        for (uint32_t i = 0; i < functions; i++)
            W(&s, 2, 0, 0x0b);
        w_section(&w, 10, &s);
        assert_int_equal(load_status(w.at, w.len, NULL, 0), round == 0 ? CJ_UNSUPPORTED : CJ_OK);
        free(w.at);
    }
    guest_store_fini(&store);
}

/* -- What compilers never emit: bounded time ------------------------------------------------------------------------------------------ */

typedef enum bomb {
    STRAIGHT,
    STRAIGHT_FOREVER,
    PHIS,
    NESTED,
    SWITCH,
    CALLS,
    DEEP_EXPRESSION,
    LOADS,
    MANY_FUNCTIONS,
    BOMBS
} bomb;

static void bomb_body(wasm_writer *b, bomb kind)
{
    switch (kind) {
    case STRAIGHT:
    case STRAIGHT_FOREVER:
        W(b, 0);
        for (int i = 0; i < (kind == STRAIGHT ? 16000 : 400000); i++) {
            W(b, 0x20, 0, 0x41);
            w_s64(b, (int64_t)i * 7777 % 2000000);
            W(b, (uint8_t)(i % 2 ? 0x6c : 0x73), 0x21, 0);
        }
        W(b, 0x20, 0, 0x0b);
        break;
    case PHIS: /* every local set in every loop of a nest */
        W(b, 1);
        w_u32(b, 4000);
        W(b, 0x7f);
        for (int depth = 0; depth < 300; depth++) {
            W(b, 0x03, 0x40);
            for (uint32_t i = 1; i < 100; i++) {
                W(b, 0x20);
                w_u32(b, i * 40);
                W(b, 0x41, 1, 0x6a, 0x21);
                w_u32(b, (i * 40 + (uint32_t)depth) % 4000 + 1);
            }
        }
        for (int depth = 0; depth < 300; depth++)
            W(b, 0x20, 1, 0x20, 0, 0x49, 0x0d, 0, 0x0b);
        W(b, 0x20, 1, 0x0b);
        break;
    case NESTED:
        W(b, 0);
        for (int depth = 0; depth < 5000; depth++)
            W(b, 0x02, 0x40);
        for (int depth = 0; depth < 5000; depth++)
            W(b, 0x20, 0, 0x0d, 0, 0x0b);
        W(b, 0x20, 0, 0x0b);
        break;
    case SWITCH:
        W(b, 0, 0x02, 0x40, 0x02, 0x40, 0x20, 0, 0x0e);
        w_u32(b, 200000);
        for (int i = 0; i <= 200000; i++)
            w_byte(b, i % 3 == 0);
        W(b, 0x0b, 0x0b, 0x20, 0, 0x0b);
        break;
    case CALLS:
        W(b, 0);
        for (int i = 0; i < 10000; i++)
            W(b, 0x20, 0, 0x10, 1, 0x21, 0);
        W(b, 0x20, 0, 0x0b);
        break;
    case DEEP_EXPRESSION: /* ((((p * p) ^ p) * p) ... with all operands pushed first */
        W(b, 0, 0x20, 0);
        for (int i = 0; i < 8000; i++)
            W(b, 0x20, 0, 0x41, (uint8_t)(i & 63), 0x6a);
        for (int i = 0; i < 8000; i++)
            W(b, (uint8_t)(i % 2 ? 0x6c : 0x73));
        W(b, 0x0b);
        break;
    case LOADS: /* each with a comparison and a branch to the same trap, where addresses are compared */
        W(b, 0);
        for (int i = 0; i < 12000; i++)
            W(b, 0x20, 0, 0x2d, 0, 0, 0x21, 0);
        W(b, 0x20, 0, 0x0b);
        break;
    default:
        W(b, 0, 0x20, 0, 0x0b);
        break;
    }
}

static void compile_bombs(void **state)
{
    (void)state;
    for (bomb kind = 0; kind < BOMBS; kind++) {
        wasm_writer w = {0}, s = {0}, body = {0};
        uint32_t functions = kind == MANY_FUNCTIONS ? 5000 : 2;
        W(&w, W_PREAMBLE);
        W(&s, 1, 0x60, 1, 0x7f, 1, 0x7f);
        w_section(&w, 1, &s);
        w_u32(&s, functions);
        for (uint32_t i = 0; i < functions; i++)
            w_byte(&s, 0);
        w_section(&w, 3, &s);
        W(&s, 1, 0, 1);
        w_section(&w, 5, &s);
        W(&s, 1, 1, 'f', 0, 0);
        w_section(&w, 7, &s);
        w_u32(&s, functions);
        for (uint32_t i = 0; i < functions; i++) {
            bomb_body(&body, i == 0 ? kind : BOMBS);
            w_sized(&s, &body);
        }
        w_section(&w, 10, &s);

        struct timespec from, to;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from); /* of all threads: other programs do not count */
        guest_store_init(&store);
        guest *g = guest_load_bytes(&store, w.at, w.len);
#if CJ_ENGINE_JIT
        if (kind == STRAIGHT_FOREVER) {
            assert_null(g);
            assert_int_equal(store.err.status, CJ_UNSUPPORTED);
            assert_non_null(strstr(store.err.message, "in a row"));
        } else
#endif
            must(g);
        uint64_t r = 0;
        if (g != NULL && kind != PHIS)
            assert_int_equal(CALL(g, "f", &r, 1), CJ_TRAP_NONE);
        guest_delete(g);
        guest_store_fini(&store);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
        free(w.at);
        print_message("bomb %d: %zu bytes, %.1f s\n", kind, w.len,
                      (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9);
        assert_true(to.tv_sec - from.tv_sec < 120); /* seconds, on any machine; without the bounds: hours */
    }
}

/* Branches out of large blocks, more of them than the classic interpreter remembers: it reads a block through once to find its end, not
 * each time (25 s of reading). */
static void large_blocks(void **state)
{
    (void)state;
    enum { BLOCKS = 5, BLOCK = 1 << 18, ROUNDS = 20000 }; /* a multiple of 64: all fall into one place of its cache */
    wasm_writer w = {0}, s = {0}, body = {0};
    W(&w, W_PREAMBLE);
    W(&s, 1, 0x60, 1, 0x7f, 1, 0x7f);
    w_section(&w, 1, &s);
    W(&s, 1, 0);
    w_section(&w, 3, &s);
    W(&s, 1, 1, 'f', 0, 0);
    w_section(&w, 7, &s);
    W(&body, 0, 0x03, 0x40);
    for (int i = 0; i < BLOCKS; i++) {
        W(&body, 0x02, 0x40, 0x0c, 0);
        for (int k = 0; k < BLOCK - 5; k++)
            w_byte(&body, 0x01);
        W(&body, 0x0b);
    }
    W(&body, 0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b, 0x20, 0, 0x0b);
    W(&s, 1);
    w_sized(&s, &body);
    w_section(&w, 10, &s);

    guest_store_init(&store);
    guest *g = must(guest_load_bytes(&store, w.at, w.len));
    clock_t from = clock();
    assert_int_equal(value(g, "f", ROUNDS), 0);
    assert_true(clock() - from < 5 * CLOCKS_PER_SEC);
    guest *again = guest_again(&store, g);
    assert_int_equal(value(again, "f", 10), 0);
    guest_delete(again);
    guest_delete(g);
    guest_store_fini(&store);
    free(w.at);
}

/* -- References and tail calls ---------------------------------------------------------------------------------------------------------- */

static uint32_t never_called(guest *g, cj_call_ctx *call, uint32_t slot, const uint64_t *flat, uint64_t *result)
{
    (void)g, (void)slot, (void)flat, (void)result;
    return cj__call_trap(call, CJ_TRAP_HOST, false, CJ_NO_SITE);
}

static void null_locals(void **state)
{
    (void)state;
    guest_store_init(&store);
    guest *g = must(guest_load(&store, "engine_null_locals"));
    g->gate = never_called;
    assert_int_equal(value(g, "is_null", 0), 2);
    assert_int_equal(CALL(g, "call_null", NULL, 0), CJ_TRAP_NULL_ELEMENT);
    guest_delete(g);
    guest_store_fini(&store);
}

static void tail_calls(void **state)
{
    (void)state;
    guest_store_init(&store);
    store.limits.wasm_stack_size = 64 << 10;
    guest *g = must(guest_load(&store, "engine_tail_call"));
    assert_int_equal(value(g, "deep", 3), 32);
    assert_int_equal(value(g, "loop", 10), 99);
    for (uint64_t depth = 0; depth < 3000; depth++) { /* the interpreter's stack ends at every possible place */
        uint64_t r = 0;
        cj_trap trap = CALL(g, "deep", &r, depth);
        assert_true(trap == CJ_TRAP_STACK_OVERFLOW || (trap == CJ_TRAP_NONE && r == (depth + 1) * 8));
        g->core.may_enter = 1;
    }
    guest_delete(g);
    guest_store_fini(&store);
}

/* -- Threads ------------------------------------------------------------------------------------------------------------------------- */

static _Atomic bool stop_threads;
static _Atomic uint32_t thread_failures, thread_rounds;

static void *call_on_a_thread(void *arg)
{
    guest *shared = arg; /* its module, in a store of this thread */
    guest_store mine;
    guest_store_init(&mine);
    guest *g = guest_again(&mine, shared);
    uint32_t n = (uint32_t)(uintptr_t)&mine;
    while (g != NULL && !atomic_load(&stop_threads)) {
        uint64_t r = 0;
        n = n * 1103515245 + 12345;
        bool ok = CALL(g, "add", &r, n, 17) == CJ_TRAP_NONE && r == (uint32_t)(n + 17);
        if (n % 7 == 0) {
            ok = ok && CALL(g, "load", &r, 0x80000000 | n) == CJ_TRAP_MEMORY_BOUNDS;
            g->core.may_enter = 1;
        }
        if (n % 11 == 0) {
            ok = ok && CALL(g, "div", &r, n, 0) == CJ_TRAP_DIVIDE_BY_ZERO;
            g->core.may_enter = 1;
        }
        if (n % 1009 == 0) {
            ok = ok && CALL(g, "recurse", &r, 0xffffffff) == CJ_TRAP_STACK_OVERFLOW;
            g->core.may_enter = 1;
        }
        if (!ok)
            atomic_fetch_add(&thread_failures, 1);
        atomic_fetch_add(&thread_rounds, 1);
    }
    if (g == NULL)
        atomic_fetch_add(&thread_failures, 1);
    guest_delete(g);
    guest_store_fini(&mine);
    return NULL;
}

static void *create_and_destroy(void *arg)
{
    guest *shared = arg;
    while (!atomic_load(&stop_threads)) {
        guest_store mine;
        guest_store_init(&mine);
        for (int i = 0; i < 10; i++) {
            guest *g = guest_again(&mine, shared), *h = guest_again(&mine, shared);
            uint64_t r = 0;
            if (g == NULL || h == NULL || CALL(h, "add", &r, 1, 2) != CJ_TRAP_NONE || r != 3)
                atomic_fetch_add(&thread_failures, 1);
            guest_delete(g);
            guest_delete(h);
        }
        guest *own = guest_load(&mine, "engine_limits");
        if (own == NULL)
            atomic_fetch_add(&thread_failures, 1);
        guest_delete(own);
        guest_store_fini(&mine);
    }
    return NULL;
}

static void threads(void **state)
{
    (void)state;
    guest_store_init(&store);
    guest *g = must(guest_load(&store, "engine_basic"));
    pthread_t thread[3];
    atomic_store(&stop_threads, false);
    pthread_create(&thread[0], NULL, call_on_a_thread, g);
    pthread_create(&thread[1], NULL, call_on_a_thread, g);
    pthread_create(&thread[2], NULL, create_and_destroy, g);
    sleep(3);
    atomic_store(&stop_threads, true);
    for (int i = 0; i < 3; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(atomic_load(&thread_failures), 0);
    assert_true(atomic_load(&thread_rounds) > 1000);
    guest_delete(g);
    guest_store_fini(&store);
}

/* A store that moves from thread to thread, each with a stack of its own. */
static void *move_store(void *arg)
{
    guest *g = arg;
    uint64_t r = 0;
    if (CALL(g, "recurse", &r, 0xffffffff) != CJ_TRAP_STACK_OVERFLOW)
        atomic_fetch_add(&thread_failures, 1);
    g->core.may_enter = 1;
    if (CALL(g, "load", &r, 1 << 20) != CJ_TRAP_MEMORY_BOUNDS)
        atomic_fetch_add(&thread_failures, 1);
    g->core.may_enter = 1;
    return NULL;
}

static void a_store_moves(void **state)
{
    (void)state;
    guest_store_init(&store);
    guest *g = must(guest_load(&store, "engine_basic"));
#ifdef __SANITIZE_THREAD__ /* keeps much of its own there */
    const size_t least = 2048;
#else
    const size_t least = 512;
#endif
    atomic_store(&thread_failures, 0);
    for (size_t i = 0; i < 40; i++) {
        pthread_t thread;
        pthread_attr_t attr;
        pthread_attr_init(&attr);
        pthread_attr_setstacksize(&attr, (least + 64 * (i % 7)) << 10);
        assert_int_equal(pthread_create(&thread, &attr, move_store, g), 0);
        pthread_attr_destroy(&attr);
        pthread_join(thread, NULL);
        move_store(g);
    }
    assert_int_equal(atomic_load(&thread_failures), 0);
    guest_delete(g);
    guest_store_fini(&store);
}

/* -- The program's signals -------------------------------------------------------------------------------------------------------------- */

#if CJ_ENGINE_JIT
static volatile int handled;
static void *volatile fault_page;

static void own_handler(int sig, siginfo_t *info, void *context)
{
    (void)context;
    if (sig != SIGSEGV || info->si_addr != fault_page)
        _exit(10);
    handled++;
    mprotect(fault_page, 4096, PROT_READ | PROT_WRITE);
}

#if CJ_HARDWARE_BOUNDS
static sigjmp_buf jump;
static void plain_handler(int sig)
{
    (void)sig;
    handled++;
    siglongjmp(jump, 1);
}
#endif

static void touch(void)
{
    *(volatile char *)fault_page = 1;
}

static uint32_t faulting_host(guest *g, cj_call_ctx *call, uint32_t slot, const uint64_t *flat, uint64_t *result)
{
    (void)call, (void)slot, (void)flat;
    if (g->user != NULL) /* in the guest's reserved address space, but by a function of the program */
        fault_page = cj__memory_base(cj__core_memory(g->instance)) + (2 << 20);
    mprotect(fault_page, 4096, PROT_NONE);
    touch();
    *result = 5;
    return CJ_TRAP_NONE;
}

#if CJ_HARDWARE_BOUNDS
static void *touch_on_a_thread(void *arg)
{
    guest *g = arg;
    uint64_t r;
    if (CALL(g, "load", &r, 1 << 20) != CJ_TRAP_MEMORY_BOUNDS)
        _exit(12);
    g->core.may_enter = 1;
    mprotect(fault_page, 4096, PROT_NONE);
    touch();
    return NULL;
}
#endif

/* In a child process: a fault that is not handled must end it. */
static void in_child(void (*body)(void), int expected_exit, int expected_signal)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        body();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (expected_signal != 0) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) /* reports it and exits */
        assert_true((WIFSIGNALED(status) && WTERMSIG(status) == expected_signal) ||
                    (WIFEXITED(status) && WEXITSTATUS(status) != 0));
#else
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), expected_signal);
#endif
    } else {
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), expected_exit);
    }
}

static guest *child_guest(void)
{
    fault_page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    guest_store_init(&store);
    guest *g = guest_load(&store, "engine_basic");
    if (g == NULL)
        _exit(20);
    return g;
}

#if CJ_HARDWARE_BOUNDS
static void keeps_the_programs_handler(void)
{
    struct sigaction action = {.sa_sigaction = own_handler, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    guest *g = child_guest();
    for (int i = 1; i <= 3; i++) { /* outside of guests, between their faults */
        mprotect(fault_page, 4096, PROT_NONE);
        touch();
        if (handled != i || CALL(g, "load", NULL, 1 << 20) != CJ_TRAP_MEMORY_BOUNDS)
            _exit(11);
        g->core.may_enter = 1;
    }
    uint64_t r = 0; /* in a host function called by a guest */
    g->gate = faulting_host;
    if (CALL(g, "call_host", &r, 1, 2) != CJ_TRAP_NONE || r != 5 || handled != 4)
        _exit(13);
    g->user = g; /* and in the guest's memory: not the guest's fault */
    if (CALL(g, "call_host", &r, 1, 2) != CJ_TRAP_NONE || r != 5 || handled != 5)
        _exit(14);
    fault_page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, touch_on_a_thread, g);
        pthread_join(thread, NULL);
    }
    if (handled != 8)
        _exit(15);
    g->gate = NULL;
    guest_delete(g);
    guest_store_fini(&store);
    struct sigaction now;
    sigaction(SIGSEGV, NULL, &now); /* given back */
    if (now.sa_sigaction != own_handler)
        _exit(16);
}

static void plain_handlers_and_jumps(void)
{
    signal(SIGBUS, SIG_IGN);
    struct sigaction action = {.sa_handler = plain_handler, .sa_flags = 0};
    sigaction(SIGSEGV, &action, NULL);
    guest *g = child_guest();
    for (int i = 1; i <= 3; i++) {
        if (sigsetjmp(jump, 1) == 0)
            touch();
        if (handled != i || CALL(g, "load", NULL, 1 << 20) != CJ_TRAP_MEMORY_BOUNDS)
            _exit(11);
        g->core.may_enter = 1;
    }
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    if (sigismember(&mask, SIGSEGV))
        _exit(12);
}

static void real_fault(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigaction(SIGSEGV, &action, NULL);
    guest *g = child_guest();
    if (CALL(g, "load", NULL, 1 << 20) != CJ_TRAP_MEMORY_BOUNDS)
        _exit(11);
    touch();
    _exit(12);
}

static void sent_signal(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigaction(SIGSEGV, &action, NULL);
    child_guest();
    kill(getpid(), SIGSEGV);
    sleep(1);
    _exit(12);
}

static void real_fault_on_a_thread_of_a_guest(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigaction(SIGSEGV, &action, NULL);
    guest *g = child_guest();
    pthread_t thread;
    pthread_create(&thread, NULL, touch_on_a_thread, g);
    pthread_join(thread, NULL);
    _exit(12);
}

/* Machine code, but not a guest's memory that it misses: nobody's trap. */
#if defined(__x86_64__)
static uint64_t other_address;
static void fault_of_other_machine_code(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigaction(SIGSEGV, &action, NULL);
    guest *g = child_guest();
    uint8_t load[] = {0x48, 0xb8, 0, 0,    0,    0,    0,
                      0,    0,    0, 0x48, 0x8b, 0x00, 0xc3}; /* mov rax, address; mov rax, [rax]; ret */
    memcpy(load + 2, &other_address, 8);
    void *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(code, load, sizeof load);
    cj__core_patch_import(g->instance, 0, code);
    CALL(g, "call_host", NULL, 1, 2);
    _exit(12);
}
#endif

static void signals(void **state)
{
    (void)state;
    in_child(keeps_the_programs_handler, 0, 0);
    in_child(plain_handlers_and_jumps, 0, 0);
    in_child(real_fault, 0, SIGSEGV);
    in_child(sent_signal, 0, SIGSEGV);
    in_child(real_fault_on_a_thread_of_a_guest, 0, SIGSEGV);
#if defined(__x86_64__)
    in_child(fault_of_other_machine_code, 0, SIGSEGV);
    other_address = 0x7ffffffff000; /* past the end of user space: never mapped */
    in_child(fault_of_other_machine_code, 0, SIGSEGV);
#endif
}
#else
/* With software bounds checks the program's actions are its own, whatever it does to them while guests run. */
static void no_handlers(void)
{
    for (int sig = 1; sig < 32; sig++) {
        struct sigaction action = {.sa_handler = SIG_DFL}; /* but for SIGALRM's, in_child's */
        if (sig != SIGKILL && sig != SIGSTOP && sigaction(sig, &action, NULL) != 0)
            _exit(10);
    }
    guest *g = child_guest();
    for (int sig = 1; sig < 32; sig++) {
        struct sigaction now;
        if (sigaction(sig, NULL, &now) != 0 || (now.sa_flags & SA_SIGINFO) != 0 || now.sa_handler != SIG_DFL)
            _exit(20 + sig);
    }
    /* Every trap with SIGSEGV and SIGBUS blocked: a fault would end the process. */
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGSEGV);
    sigaddset(&mask, SIGBUS);
    pthread_sigmask(SIG_BLOCK, &mask, NULL);
    if (CALL(g, "load", NULL, 65533) != CJ_TRAP_MEMORY_BOUNDS)
        _exit(11);
    g->core.may_enter = 1;
    if (CALL(g, "load_far", NULL, 0xffffffff) != CJ_TRAP_MEMORY_BOUNDS)
        _exit(12);
    g->core.may_enter = 1;
    if (CALL(g, "div", NULL, 1, 0) != CJ_TRAP_DIVIDE_BY_ZERO)
        _exit(13);
    guest_delete(g);
    guest_store_fini(&store);
}

static void touches_after_guests(void)
{
    guest *g = child_guest();
    if (CALL(g, "load", NULL, 1 << 20) != CJ_TRAP_MEMORY_BOUNDS)
        _exit(11);
    g->core.may_enter = 1;
    g->gate = faulting_host; /* a real fault, inside a guest */
    CALL(g, "call_host", NULL, 1, 2);
    _exit(12);
}

static void installs_its_handler_late(void)
{
    guest *g = child_guest();
    struct sigaction action = {.sa_sigaction = own_handler, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL); /* after the engine, and never chains */
    for (int i = 1; i <= 3; i++) {
        mprotect(fault_page, 4096, PROT_NONE);
        touch();
        if (handled != i || CALL(g, "load", NULL, 1 << 20) != CJ_TRAP_MEMORY_BOUNDS)
            _exit(11);
        g->core.may_enter = 1;
    }
    uint64_t r = 0;
    g->gate = faulting_host;
    if (CALL(g, "call_host", &r, 1, 2) != CJ_TRAP_NONE || r != 5 || handled != 4)
        _exit(13);
}

static void no_signals(void **state)
{
    (void)state;
    in_child(no_handlers, 0, 0);
    in_child(installs_its_handler_late, 0, 0);
    in_child(touches_after_guests, 0, SIGSEGV);
}
#endif

/* WAMR's threads are still at work when exit() destroys LLVM's static objects. */
static guest *volatile left; /* not leaked: reachable to the end */

static void exit_at_once(void)
{
    left = child_guest();
    exit(7);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
static void exit_in_a_child_of_its_own(void)
{
    left = child_guest();
    pid_t child = fork();
    if (child == 0) {
        alarm(20);
        exit(7); /* there are no such threads here to wait for */
    }
    int status;
    exit(waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : 8);
}
#endif

static void exits_while_compiling(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        in_child(exit_at_once, 7, 0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    /* The sanitizers' own locks may be held by threads that a child after fork has not. */
    in_child(exit_in_a_child_of_its_own, 7, 0);
#endif
}

/* LLVM 15 does not know newer CPUs by name; WAMR would refuse every module. */
char *LLVMGetHostCPUName(void);
void LLVMDisposeMessage(char *);

const char *cj__cpu_level(const char *features);

static void host_cpu_has_a_name(void **state)
{
    (void)state;
#if defined(__x86_64__)
#define V2 "+64bit,+sse2,+cx16,+popcnt,+sse3,+ssse3,+sse4.1,+sse4.2"
#define V3 V2 ",+avx,+avx2,+bmi,+bmi2,+f16c,+fma,+lzcnt,+movbe"
    assert_string_equal(cj__cpu_level(""), "x86-64");
    assert_string_equal(cj__cpu_level(V2), "x86-64-v2");
    assert_string_equal(cj__cpu_level(V3), "x86-64-v3");
    assert_string_equal(cj__cpu_level(V2 ",-avx2,+avx"), "x86-64-v2");
    assert_string_equal(cj__cpu_level(V3 ",+avx512f"), "x86-64-v3");
    assert_string_equal(cj__cpu_level(V3 ",+avx512f,+avx512bw,+avx512cd,+avx512dq,+avx512vl"), "x86-64-v4");
#endif
    char *name = LLVMGetHostCPUName();
    assert_non_null(name);
    assert_string_not_equal(name, "generic");
    assert_string_not_equal(name, "");
    LLVMDisposeMessage(name);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
#if CJ_ENGINE_JIT
    /* first: children have none of the compiler's threads */
#if CJ_HARDWARE_BOUNDS
        cmocka_unit_test(signals),
        cmocka_unit_test(no_address_space),
        cmocka_unit_test(too_little_address_space_to_compile),
#else
        cmocka_unit_test(no_signals),
#endif
        cmocka_unit_test(exits_while_compiling),
        cmocka_unit_test(host_cpu_has_a_name),
#endif
        cmocka_unit_test(runtime_is_counted),
        cmocka_unit_test(modules_outlive_their_unloading),
        cmocka_unit_test(load_and_unload_at_once),
        cmocka_unit_test(program_with_its_own_wamr),
        cmocka_unit_test(memory_limits),
        cmocka_unit_test(table_limits),
        cmocka_unit_test(sizes_that_wamr_cannot_take),
        cmocka_unit_test(segments_out_of_bounds),
        cmocka_unit_test(refused_modules),
        cmocka_unit_test(truncated_modules),
        cmocka_unit_test(too_many_types),
        cmocka_unit_test(compile_bombs),
        cmocka_unit_test(large_blocks),
        cmocka_unit_test(null_locals),
        cmocka_unit_test(tail_calls),
        cmocka_unit_test(threads),
        cmocka_unit_test(a_store_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
