/* test_engine_code.c: what WAMR makes of instructions that it or LLVM gets wrong by itself (src/engine/mend_codegen.c).
 */
#include "support/cmocka_all.h"
#include "support/engine_guest.h"
#include "support/far_pages.h"

static guest_store store;

static guest *load(const char *name)
{
    guest_store_init(&store);
    guest *g = guest_load(&store, name);
    if (g == NULL)
        fail_msg("%s", store.err.message);
    return g;
}

static void unload(guest *g)
{
    guest_delete(g);
    guest_store_fini(&store);
}

static uint64_t value(guest *g, const char *name, uint64_t a, uint64_t b)
{
    uint64_t r = 0;
    assert_int_equal(CALL(g, name, &r, a, b), CJ_TRAP_NONE);
    return r;
}

static void vectors_among_results(void **state)
{
    (void)state;
    if (!CJ_ENGINE_JIT) /* WAMR's interpreters have no vectors */
        return;
    guest *g = load("engine_vectors");
    assert_int_equal(value(g, "sum", 100, 0), 1 + 100 + 100 + 5 + 100 + 7);
    unload(g);
}

/* Each address is compared, also that of a local that was set between two uses. */
static void addresses_of_locals(void **state)
{
    (void)state;
    guest *g = load("engine_addresses");
    assert_int_equal(value(g, "stale", 0, 65532), 1);
    static const uint32_t far[] = {65533, 65536, 1 << 20, 0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffff};
    for (size_t i = 0; i < sizeof far / sizeof far[0]; i++) {
        uint64_t r;
        assert_int_equal(CALL(g, "stale", &r, 0, far[i]), CJ_TRAP_MEMORY_BOUNDS);
        g->core.may_enter = 1;
        assert_int_equal(CALL(g, "stale_store", NULL, 0, far[i]), CJ_TRAP_MEMORY_BOUNDS);
        g->core.may_enter = 1;
    }
    unload(g);
}

static void a_trap_in_a_recursive_call(void **state)
{
    (void)state;
    guest *g = load("engine_addresses");
    assert_int_equal(CALL(g, "again", NULL, 3, 65533), CJ_TRAP_MEMORY_BOUNDS);
    g->core.may_enter = 1;
    assert_int_equal(value(g, "again", 0, 0), 1); /* nothing ran after the trap */
    assert_int_equal(value(g, "again", 3, 0), 9);
    unload(g);
}

/* Counts are taken modulo the width. */
static void shifts(void **state)
{
    (void)state;
    guest *g = load("engine_shifts");
    static const uint32_t x = 0x81234567;
    static const uint64_t y = UINT64_C(0x8123456789abcdef);
    for (uint32_t count = 0; count < 200; count++) {
        uint32_t n = count & 31, m = count & 63;
        uint64_t sign = ~UINT64_C(0);
        assert_int_equal(value(g, "shl", x, count), x << n);
        assert_int_equal(value(g, "shr_u", x, count), x >> n);
        assert_int_equal(value(g, "shr_s", x, count), n ? x >> n | (uint32_t)sign << (32 - n) : x);
        assert_int_equal(value(g, "rotl", x, count), n ? x << n | x >> (32 - n) : x);
        assert_int_equal(value(g, "rotr", x, count), n ? x >> n | x << (32 - n) : x);
        assert_int_equal(value(g, "shl64", y, count), y << m);
        assert_int_equal(value(g, "shr_u64", y, count), y >> m);
        assert_int_equal(value(g, "shr_s64", y, count), m ? y >> m | sign << (64 - m) : y);
        assert_int_equal(value(g, "rotl64", y, count), m ? y << m | y >> (64 - m) : y);
        assert_int_equal(value(g, "rotr64", y, count), m ? y >> m | y << (64 - m) : y);
    }
    assert_int_equal(value(g, "branch_on_constants", 0, 0), 7);
    assert_int_equal(value(g, "divide_constants", 0, 0), ((uint32_t)-24556 << 18) % 13);
    unload(g);
}

static void vector_shifts(void **state)
{
    (void)state;
    if (!CJ_ENGINE_JIT)
        return;
    guest *g = load("engine_vectors");
    for (uint32_t i = 0; i < 140; i++) {
        uint32_t count = i < 70 ? i : 0u - (i - 69);
        assert_int_equal(value(g, "shl8", 0x93, count), (0x93u << (count & 7)) & 0xff);
        assert_int_equal(value(g, "shr_u16", 0x9321, count), 0x9321u >> (count & 15));
        assert_int_equal(value(g, "shr_s32", 0x73214321, count), 0x73214321u >> (count & 31));
        assert_int_equal(value(g, "shl64", 0x73214321, count), UINT64_C(0x73214321) << (count & 63));
    }
    unload(g);
}

/* WAMR's code reaches its constants by 64-bit distances. */
static void constants_far_from_their_code(void **state)
{
    (void)state;
    far_pages *far = CJ_ENGINE_JIT ? far_pages_open(50) : NULL;
    assert_true(far || !CJ_ENGINE_JIT);
    guest *g = load("engine_constants");
    assert_int_equal(value(g, "sum", 0, 0), bits_f64(8 * 1.5 + 28));
    unload(g);
    if (far)
        far_pages_close(far);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_among_results),
        cmocka_unit_test(addresses_of_locals),
        cmocka_unit_test(a_trap_in_a_recursive_call),
        cmocka_unit_test(shifts),
        cmocka_unit_test(vector_shifts),
        cmocka_unit_test(constants_far_from_their_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
