/* test_engine_bulk.c: memory and table instructions with hostile operands: bounds as the spec has them, in 64 bits, and a trap that
 * stops the guest. One test per fault of WAMR that the engine mends. */
#include "support/cmocka_all.h"
#include "support/engine_guest.h"

static guest_store store;
static guest *g;

static void start(const char *name)
{
    guest_store_init(&store);
    g = guest_load(&store, name);
    if (g == NULL)
        fail_msg("%s", store.err.message);
}

static void finish(void)
{
    guest_delete(g);
    guest_store_fini(&store);
}

static bool marked(void)
{
    uint64_t r = 99;
    assert_int_equal(CALL(g, "marked", &r, 0), CJ_TRAP_NONE);
    return r != 0;
}

#define assert_traps(kind, name, ...) \
    do { \
        assert_int_equal(CALL(g, (name), NULL, __VA_ARGS__), CJ_TRAP_##kind); \
        g->core.may_enter = 1; \
        assert_false(marked()); /* the guest did not go on */ \
    } while (0)

#define assert_works(name, ...) \
    do { \
        assert_int_equal(CALL(g, (name), NULL, __VA_ARGS__), CJ_TRAP_NONE); \
        assert_true(marked()); \
    } while (0)

static uint64_t value(const char *name, uint64_t param)
{
    uint64_t r = 0;
    assert_int_equal(CALL(g, name, &r, param), CJ_TRAP_NONE);
    return r;
}

static void memory_init(void **state)
{
    (void)state;
    start("engine_bulk");
    assert_works("memory.init", 100, 2, 3);
    assert_int_equal(value("load8", 100), 'c');
    assert_int_equal(value("load8", 103), 0);
    assert_works("memory.init", 65528, 0, 8);
    assert_traps(MEMORY_BOUNDS, "memory.init", 65529, 0, 8);
    assert_traps(MEMORY_BOUNDS, "memory.init", 0, 1, 8);
    assert_traps(MEMORY_BOUNDS, "memory.init", 0xffffffff, 0, 8);
    assert_traps(MEMORY_BOUNDS, "memory.init", 0, 0xffffffff, 8);
    assert_traps(MEMORY_BOUNDS, "memory.init", 8, 0, 0xfffffff8);
    assert_traps(MEMORY_BOUNDS, "memory.init", 0, 8, 0xfffffff8);
    assert_works("memory.init", 65536, 8, 0);
    assert_traps(MEMORY_BOUNDS, "memory.init", 65537, 0, 0);
    assert_traps(MEMORY_BOUNDS, "memory.init", 0, 9, 0);
    assert_int_equal(value("load8", 256), 'a');
    finish();
}

/* An active segment has been dropped once it has been applied. */
static void memory_init_active(void **state)
{
    (void)state;
    start("engine_bulk");
    assert_works("memory.init_active", 0, 0, 0);
    assert_traps(MEMORY_BOUNDS, "memory.init_active", 0, 0, 1);
    finish();
}

static void memory_copy_and_fill(void **state)
{
    (void)state;
    start("engine_bulk");
    assert_works("memory.copy", 1000, 256, 6);
    assert_int_equal(value("load8", 1005), 'e');
    assert_traps(MEMORY_BOUNDS, "memory.copy", 65531, 256, 6);
    assert_traps(MEMORY_BOUNDS, "memory.copy", 0, 65531, 6);
    assert_traps(MEMORY_BOUNDS, "memory.copy", 0xffffffff, 0, 2);
    assert_traps(MEMORY_BOUNDS, "memory.copy", 16, 32, 0xfffffff0);
    assert_traps(MEMORY_BOUNDS, "memory.copy", 65537, 0, 0);
    assert_works("memory.copy", 65536, 65536, 0);
    assert_works("memory.fill", 65535, 0x1ff, 1);
    assert_int_equal(value("load8", 65535), 0xff);
    assert_traps(MEMORY_BOUNDS, "memory.fill", 65535, 0, 2);
    assert_traps(MEMORY_BOUNDS, "memory.fill", 0x80000000, 0, 1);
    assert_traps(MEMORY_BOUNDS, "memory.fill", 16, 0, 0xfffffff0);
    assert_traps(MEMORY_BOUNDS, "memory.fill", 65537, 0, 0);
    assert_works("memory.fill", 65536, 0, 0);
    finish();
}

/* The length is 32 bits wherever it goes: what an i32.wrap_i64 cut off must not reach memmove or memset. */
static void lengths_with_dirt_in_the_upper_half(void **state)
{
    (void)state;
    start("engine_bulk");
    const uint64_t dirt = 0x1234567800000000;
    assert_works("memory.fill_wrapped", dirt | 300, 0x11, dirt | 4);
    assert_int_equal(value("load8", 303), 0x11);
    assert_int_equal(value("load8", 304), 0);
    assert_works("memory.copy_wrapped", dirt | 400, dirt | 256, dirt | 6);
    assert_int_equal(value("load8", 405), 'e');
    assert_int_equal(value("load8", 406), 0);
    assert_works("memory.copy_wrapped", dirt | 257, dirt | 256, dirt | 5); /* overlapping: from the end */
    assert_int_equal(value("load8", 257), 'a');
    assert_int_equal(value("load8", 261), 'v');
    assert_int_equal(value("load8", 262), 0);
    assert_works("memory.fill_dirty", 500, dirt | 4);
    assert_int_equal(value("load8", 503), 0x22);
    assert_int_equal(value("load8", 504), 0);
    assert_works("memory.copy_dirty", 600, dirt | 4, 500);
    assert_int_equal(value("load8", 603), 0x22);
    assert_int_equal(value("load8", 604), 0);
    assert_works("memory.copy_dirty", 501, dirt | 4, 500);
    finish();
}

static void table_init(void **state)
{
    (void)state;
    start("engine_bulk");
    assert_works("table.init", 2, 0, 3);
    assert_int_equal(value("call", 4), 7);
    assert_works("table.init", 7, 0, 3);
    assert_traps(TABLE_BOUNDS, "table.init", 8, 0, 3);
    assert_traps(TABLE_BOUNDS, "table.init", 0, 1, 3);
    assert_traps(TABLE_BOUNDS, "table.init", 0xffffffff, 0, 2);
    assert_traps(TABLE_BOUNDS, "table.init", 0, 0xffffffff, 2);
    assert_traps(TABLE_BOUNDS, "table.init", 1, 1, 0xffffffff);
    assert_traps(TABLE_BOUNDS, "table.init", 2, 0xfffffffe, 3);
    assert_works("table.init", 10, 3, 0);
    finish();
}

static void table_init_active(void **state)
{
    (void)state;
    start("engine_bulk");
    assert_works("table.init_active", 0, 0, 0);
    assert_traps(TABLE_BOUNDS, "table.init_active", 0, 0, 1);
    finish();
}

static void table_copy(void **state)
{
    (void)state;
    start("engine_bulk");
    assert_works("table.copy", 0, 1, 2);
    assert_int_equal(value("call_u", 0), 7);
    assert_traps(TABLE_BOUNDS, "table.copy", 4, 0, 2);
    assert_traps(TABLE_BOUNDS, "table.copy", 0, 9, 2);
    assert_traps(TABLE_BOUNDS, "table.copy", 1, 1, 0xffffffff);
    assert_traps(TABLE_BOUNDS, "table.copy", 0xffffffff, 0, 1);
    assert_works("table.copy", 5, 10, 0);
    assert_works("table.copy_self", 2, 1, 8);
    assert_int_equal(value("call", 2), 7);
    finish();
}

static void table_fill(void **state)
{
    (void)state;
    start("engine_bulk");
    assert_works("table.fill", 5, 5);
    assert_int_equal(value("call", 9), 7);
    assert_works("table.clear", 5, 4);
    assert_int_equal(value("table.get", 5), 1);
    assert_int_equal(value("table.get", 9), 0);
    assert_traps(TABLE_BOUNDS, "table.fill", 1, 0xffffffff);
    assert_traps(TABLE_BOUNDS, "table.fill", 5, 6);
    assert_traps(TABLE_BOUNDS, "table.fill", 0xfffffff0, 0x11);
    assert_traps(TABLE_BOUNDS, "table.fill", 10, 1);
    assert_works("table.fill", 10, 0);
    finish();
}

static void table_get_set_grow(void **state)
{
    (void)state;
    start("engine_bulk");
    assert_works("table.set", 9);
    assert_traps(TABLE_BOUNDS, "table.set", 10);
    assert_traps(TABLE_BOUNDS, "table.set", 0x80000000);
    assert_traps(TABLE_BOUNDS, "table.get", 0xffffffff);
    assert_int_equal(value("table.grow", 5), 10);
    assert_int_equal(value("table.size", 0), 15);
    assert_int_equal(value("call", 14), 7);
    assert_int_equal(value("table.grow", 6), 0xffffffff);
    assert_int_equal(value("table.grow", 0xfffffff8), 0xffffffff);
    assert_int_equal(value("table.size", 0), 15);
    finish();
}

#if CJ_ENGINE_JIT
/* Constant addresses from 2 GiB on, which LLVM would take as negative. */
static void large_memory(void **state)
{
    (void)state;
    if (!guest_has_room(40000ull << 16))
        skip();
    start("engine_large_memory");
    assert_int_equal(CALL(g, "store", NULL, 0), CJ_TRAP_NONE);
    assert_int_equal(value("load", 0), 0x12345678);
    assert_int_equal(value("load_offset", 0), 0x12345678);
    assert_int_equal(value("load_at", 0x90000000), 0x12345678);
    uint8_t *at = cj__memory_view(cj__core_memory(g->instance), 0x90000000, 64);
    assert_non_null(at);
    assert_memory_equal(at, "\x78\x56\x34\x12", 4);
    assert_int_equal(CALL(g, "fill", NULL, 0), CJ_TRAP_NONE);
    assert_int_equal(CALL(g, "copy", NULL, 0), CJ_TRAP_NONE);
    for (int i = 0; i < 64; i++)
        if (i >= 4)
            assert_int_equal(at[i], i >= 16 && i < 40 ? 0x5a : 0);
    assert_int_equal(CALL(g, "fill_at", NULL, 0x90000030, 4), CJ_TRAP_NONE);
    assert_int_equal(at[0x33], 0x77);
    assert_int_equal(CALL(g, "fill_at", NULL, 40000ull * 65536 - 1, 2), CJ_TRAP_MEMORY_BOUNDS);
    g->core.may_enter = 1;
    finish();
}

#endif

#if CJ_HARDWARE_BOUNDS /* where that is only reserved */
/* A memory of 4 GiB is more than WAMR can count: growth stops one page before. */
static void four_gigabytes(void **state)
{
    (void)state;
    start("engine_large_memory");
    assert_int_equal(value("grow", 25536), 0xffffffff);
    assert_int_equal(value("grow", 25535), 40000);
    assert_int_equal(cj__memory_size(cj__core_memory(g->instance)), 65535ull * 65536);
    assert_int_equal(value("grow", 1), 0xffffffff);
    assert_int_equal(value("load_at", 0xfffefffc), 0);
    assert_int_equal(CALL(g, "load_at", NULL, 0xffff0000), CJ_TRAP_MEMORY_BOUNDS);
    g->core.may_enter = 1;
    finish();
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_init),
        cmocka_unit_test(memory_init_active),
        cmocka_unit_test(memory_copy_and_fill),
        cmocka_unit_test(lengths_with_dirt_in_the_upper_half),
        cmocka_unit_test(table_init),
        cmocka_unit_test(table_init_active),
        cmocka_unit_test(table_copy),
        cmocka_unit_test(table_fill),
        cmocka_unit_test(table_get_set_grow),
#if CJ_ENGINE_JIT
        cmocka_unit_test(large_memory),
#endif
#if CJ_HARDWARE_BOUNDS
        cmocka_unit_test(four_gigabytes),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
