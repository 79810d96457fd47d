/* test_engine_bounds.c: every load and store that core WebAssembly has, at both sides of the memory's end.
 *
 * A module is written with a function for each instruction, static offset and kind of address; one export calls them by number. What each must do is
 * computed in 64 bits here. So it is whatever finds the access out of bounds: guard pages, comparisons (CANONJIT_BOUNDS software) or an interpreter.
 */
#include "support/cmocka_all.h"
#include "support/engine_guest.h"
#include "support/wasm_writer.h"

enum { I32 = 0x7f, I64 = 0x7e, F32 = 0x7d, F64 = 0x7c, V128 = 0x7b, VECTOR = 0xfd, PAGE = 65536 };

typedef enum fill {
    WHOLE, /* as many elements as there are in memory */
    SPLAT, /* one, in all lanes */
    LANE,  /* one, in lane 0; the rest is that of an operand: 0 */
} fill;

typedef struct access {
    uint8_t prefix, opcode, type, bytes;
    bool store;
    /* load: an element in memory, and what becomes of it */
    uint8_t from, to;
    bool is_signed;
    fill fill;
    bool lane_operand; /* a vector before it, a lane's number behind it */
} access;

static const access accesses[] = {
    {0, 0x28, I32, 4, .from = 4, .to = 4},
    {0, 0x29, I64, 8, .from = 8, .to = 8},
    {0, 0x2a, F32, 4, .from = 4, .to = 4},
    {0, 0x2b, F64, 8, .from = 8, .to = 8},
    {0, 0x2c, I32, 1, .from = 1, .to = 4, .is_signed = true},
    {0, 0x2d, I32, 1, .from = 1, .to = 4},
    {0, 0x2e, I32, 2, .from = 2, .to = 4, .is_signed = true},
    {0, 0x2f, I32, 2, .from = 2, .to = 4},
    {0, 0x30, I64, 1, .from = 1, .to = 8, .is_signed = true},
    {0, 0x31, I64, 1, .from = 1, .to = 8},
    {0, 0x32, I64, 2, .from = 2, .to = 8, .is_signed = true},
    {0, 0x33, I64, 2, .from = 2, .to = 8},
    {0, 0x34, I64, 4, .from = 4, .to = 8, .is_signed = true},
    {0, 0x35, I64, 4, .from = 4, .to = 8},
    {0, 0x36, I32, 4, .store = true},
    {0, 0x37, I64, 8, .store = true},
    {0, 0x38, F32, 4, .store = true},
    {0, 0x39, F64, 8, .store = true},
    {0, 0x3a, I32, 1, .store = true},
    {0, 0x3b, I32, 2, .store = true},
    {0, 0x3c, I64, 1, .store = true},
    {0, 0x3d, I64, 2, .store = true},
    {0, 0x3e, I64, 4, .store = true},
#if CJ_ENGINE_JIT /* WAMR's interpreters have no vectors */
    {VECTOR, 0x00, V128, 16, .from = 8, .to = 8},
    {VECTOR, 0x01, V128, 8, .from = 1, .to = 2, .is_signed = true},
    {VECTOR, 0x02, V128, 8, .from = 1, .to = 2},
    {VECTOR, 0x03, V128, 8, .from = 2, .to = 4, .is_signed = true},
    {VECTOR, 0x04, V128, 8, .from = 2, .to = 4},
    {VECTOR, 0x05, V128, 8, .from = 4, .to = 8, .is_signed = true},
    {VECTOR, 0x06, V128, 8, .from = 4, .to = 8},
    {VECTOR, 0x07, V128, 1, .from = 1, .to = 1, .fill = SPLAT},
    {VECTOR, 0x08, V128, 2, .from = 2, .to = 2, .fill = SPLAT},
    {VECTOR, 0x09, V128, 4, .from = 4, .to = 4, .fill = SPLAT},
    {VECTOR, 0x0a, V128, 8, .from = 8, .to = 8, .fill = SPLAT},
    {VECTOR, 0x5c, V128, 4, .from = 4, .to = 4, .fill = LANE},
    {VECTOR, 0x5d, V128, 8, .from = 8, .to = 8, .fill = LANE},
    {VECTOR, 0x54, V128, 1, .from = 1, .to = 1, .fill = LANE, .lane_operand = true},
    {VECTOR, 0x55, V128, 2, .from = 2, .to = 2, .fill = LANE, .lane_operand = true},
    {VECTOR, 0x56, V128, 4, .from = 4, .to = 4, .fill = LANE, .lane_operand = true},
    {VECTOR, 0x57, V128, 8, .from = 8, .to = 8, .fill = LANE, .lane_operand = true},
    {VECTOR, 0x0b, V128, 16, .store = true},
    {VECTOR, 0x58, V128, 1, .store = true, .lane_operand = true},
    {VECTOR, 0x59, V128, 2, .store = true, .lane_operand = true},
    {VECTOR, 0x5a, V128, 4, .store = true, .lane_operand = true},
    {VECTOR, 0x5b, V128, 8, .store = true, .lane_operand = true},
#endif
};

/* What stores store, the low bytes first. */
static const uint8_t stored[16] = {0x81, 0xc2, 0x93, 0xe4, 0xa5, 0xd6, 0xb7, 0xf8,
                                   0x89, 0xca, 0x9b, 0xec, 0xad, 0xde, 0xbf, 0xf0};

static uint8_t pattern(uint64_t at)
{
    return (uint8_t)(at * 37 + (at >> 8) + 0x79);
}

/* -- The module ------------------------------------------------------------------------------------------------------------------ */

typedef enum kind {
    LOCAL,    /* a parameter */
    STALE,    /* a local that was set between being pushed and used: WAMR takes its new value as compared */
    COMPUTED, /* the sum of two, modulo 2^32 */
    CONSTANT,
} kind;

typedef struct variant {
    kind kind;
    uint32_t offset;
    uint32_t constant;
    bool from_end; /* the constant is that many bytes before the end of the memory, the access's own not counted */
} variant;

static const variant all_variants[] = {
    {LOCAL, 0, 0, false},
    {LOCAL, 65535, 0, false},
    {LOCAL, 0x7fffffff, 0, false},
    {LOCAL, 0xffffffff, 0, false},
    {STALE, 3, 0, false},
    {COMPUTED, 1, 0, false},
    {CONSTANT, 0, 0, true},
    {CONSTANT, 1, 0, true},
    {CONSTANT, 0xffffffff, 1, false},
    {CONSTANT, 0, 0x80000000, false},
    {CONSTANT, 0x80000000, 0x7ffffff0, false},
};
static const variant some_variants[] = {
    {LOCAL, 0, 0, false},   {LOCAL, 0xffffffff, 0, false}, {CONSTANT, 0, 0, true},
    {CONSTANT, 0, 1, true}, {CONSTANT, 1, 0, true},
};
static const variant far_variants[] = {
    {LOCAL, 0, 0, false},
    {LOCAL, 0x7fffffff, 0, false},
    {CONSTANT, 0, 0, true},
    {CONSTANT, 1, 0, true},
    {CONSTANT, 0x80000000, 0x7ffffff0, false},
};
static const variant few_variants[] = {{LOCAL, 0, 0, false}, {CONSTANT, 0, 0, true}};

typedef struct shape {
    uint32_t pages;
    bool grows;
    const variant *variants;
    uint32_t variant_count;
} shape;

static uint32_t constant_of(const shape *s, const access *a, const variant *v)
{
    return v->from_end ? s->pages * (uint32_t)PAGE - a->bytes - v->constant : v->constant;
}

static void constant(wasm_writer *w, uint8_t type)
{
    int64_t value;
    memcpy(&value, stored, sizeof value);
    switch (type) {
    case I32:
        W(w, 0x41);
        w_s64(w, (int32_t)value);
        break;
    case I64:
        W(w, 0x42);
        w_s64(w, value);
        break;
    case F32:
        W(w, 0x43);
        w_bytes(w, stored, 4);
        break;
    case F64:
        W(w, 0x44);
        w_bytes(w, stored, 8);
        break;
    default:
        W(w, VECTOR, 0x0c);
        w_bytes(w, stored, 16);
        break;
    }
}

static void address(wasm_writer *w, const shape *s, const access *a, const variant *v)
{
    if (v->kind == CONSTANT) {
        W(w, 0x41);
        w_s64(w, (int32_t)constant_of(s, a, v));
        return;
    }
    W(w, 0x20, v->kind == STALE ? 3 : 0);
    if (v->kind == COMPUTED)
        W(w, 0x20, 1, 0x6a);
}

/* (address, added to it) -> the value that was loaded, as 64 bits, or 0 */
static void body(wasm_writer *w, const shape *s, const access *a, const variant *v)
{
    W(w, 2, 1, CJ_ENGINE_JIT ? V128 : I64, 1, I32);
    if (v->kind == STALE) {
        /* local 3 is 0 and is pushed; then it is the address, and what was pushed is used */
        W(w, 0x20, 1, 0x21, 3, 0x20, 3, 0x20, 0, 0x21, 3);
        if (a->bytes == 16)
            W(w, VECTOR);
        W(w, a->bytes == 16 ? 0 : 0x29, 0);
        w_u32(w, v->offset);
        W(w, 0x1a);
    }
    address(w, s, a, v);
    if (a->store)
        constant(w, a->type);
    else if (a->lane_operand)
        W(w, VECTOR, 0x0c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    if (a->prefix != 0)
        w_byte(w, a->prefix);
    w_byte(w, a->opcode);
    w_byte(w, 0);
    w_u32(w, v->offset);
    if (a->lane_operand)
        w_byte(w, 0);
    if (a->store)
        W(w, 0x42, 0);
    else if (a->type == V128) /* the sum of its halves: all of it is used, so LLVM loads all of it */
        W(w, 0x21, 2, 0x20, 2, VECTOR, 0x1d, 0, 0x20, 2, VECTOR, 0x1d, 1, 0x7c);
    else if (a->type == F64)
        W(w, 0xbd);
    else if (a->type == F32)
        W(w, 0xbc, 0xad);
    else if (a->type == I32)
        W(w, 0xad);
    w_byte(w, 0x0b);
}

static wasm_writer module_of(const shape *s)
{
    uint32_t count = (uint32_t)CJ_COUNT(accesses) * s->variant_count;
    wasm_writer w = {0}, part = {0}, code = {0};
    W(&w, W_PREAMBLE);
    W(&part, 3, 0x60, 2, I32, I32, 1, I64, 0x60, 3, I32, I32, I32, 1, I64, 0x60, 1, I32, 1, I32);
    w_section(&w, 1, &part);
    w_u32(&part, count + 1 + s->grows);
    for (uint32_t i = 0; i < count; i++)
        w_byte(&part, 0);
    w_byte(&part, 1);
    if (s->grows)
        w_byte(&part, 2);
    w_section(&w, 3, &part);
    W(&part, 1, 0x70, 0);
    w_u32(&part, count);
    w_section(&w, 4, &part);
    W(&part, 1, 0);
    w_u32(&part, s->pages);
    w_section(&w, 5, &part);
    W(&part, s->grows ? 2 : 1, 4, 'c', 'a', 'l', 'l', 0);
    w_u32(&part, count);
    if (s->grows) {
        W(&part, 4, 'g', 'r', 'o', 'w', 0);
        w_u32(&part, count + 1);
    }
    w_section(&w, 7, &part);
    W(&part, 1, 0, 0x41, 0, 0x0b);
    w_u32(&part, count);
    for (uint32_t i = 0; i < count; i++)
        w_u32(&part, i);
    w_section(&w, 9, &part);
    w_u32(&part, count + 1 + s->grows);
    for (uint32_t i = 0; i < count; i++) {
        body(&code, s, &accesses[i / s->variant_count], &s->variants[i % s->variant_count]);
        w_sized(&part, &code);
    }
    W(&code, 0, 0x20, 1, 0x20, 2, 0x20, 0, 0x11, 0, 0, 0x0b);
    w_sized(&part, &code);
    if (s->grows) {
        W(&code, 0, 0x20, 0, 0x40, 0, 0x0b);
        w_sized(&part, &code);
    }
    w_section(&w, 10, &part);
    return w;
}

/* -- What must happen ------------------------------------------------------------------------------------------------------------- */

static uint64_t loaded(const access *a, uint64_t at)
{
    uint8_t lanes[16] = {0};
    uint32_t elements = (uint32_t)(a->fill == SPLAT ? 16 / a->to : a->bytes / a->from);
    for (uint32_t i = 0; i < elements; i++) {
        uint64_t from = at + (a->fill == SPLAT ? 0 : (uint64_t)i * a->from);
        for (uint32_t k = 0; k < a->to; k++) {
            bool negative = a->is_signed && (pattern(from + a->from - 1) & 0x80);
            lanes[i * a->to + k] = k < a->from ? pattern(from + k) : negative ? 0xff : 0;
        }
    }
    uint64_t low, high;
    memcpy(&low, lanes, 8);
    memcpy(&high, lanes + 8, 8);
    return low + high;
}

static guest_store store;
static guest *g;

/* The part of the memory that is looked at: its end, where nearly all accesses are. A large one is zero before that. */
typedef struct window {
    uint64_t start, size;
} window;

static uint8_t *bytes_of(window seen)
{
    uint8_t *at = cj__memory_view(cj__core_memory(g->instance), (uint32_t)seen.start, seen.size);
    assert_true(at != NULL || seen.size == 0);
    return at;
}

static void write_pattern(window seen)
{
    uint8_t *at = bytes_of(seen);
    for (uint64_t i = 0; i < seen.size; i++)
        at[i] = pattern(seen.start + i);
}

static void expect_pattern(window seen, uint64_t written, uint32_t len)
{
    const uint8_t *at = bytes_of(seen);
    for (uint64_t i = 0; i < seen.size; i++) {
        uint64_t where = seen.start + i;
        uint8_t expected = where - written < len ? stored[where - written] : pattern(where);
        if (at[i] != expected)
            fail_msg("byte %#llx is %#x, not %#x", (unsigned long long)where, at[i], expected);
    }
}

static uint32_t trapped, passed;

static void one_call(const shape *s, uint32_t number, window seen, uint64_t size, uint32_t p, uint32_t q)
{
    const access *a = &accesses[number / s->variant_count];
    const variant *v = &s->variants[number % s->variant_count];
    uint64_t at = v->kind == CONSTANT ? constant_of(s, a, v) : v->kind == COMPUTED ? (uint32_t)(p + q) : p;
    at += v->offset;
    bool inside = at + a->bytes <= size;
    uint64_t r = 0;
    cj_trap trap = CALL(g, "call", &r, number, p, q);
    g->core.may_enter = 1;
    if (trap != (inside ? CJ_TRAP_NONE : CJ_TRAP_MEMORY_BOUNDS))
        fail_msg("opcode %#x %#x, offset %#x, kind %d, at %#llx of %#llx: trap %d", a->prefix, a->opcode, v->offset,
                 (int)v->kind, (unsigned long long)at, (unsigned long long)size, (int)trap);
    passed += inside;
    trapped += !inside;
    if (a->store) {
        expect_pattern(seen, at, inside ? a->bytes : 0);
        if (inside)
            write_pattern((window){at, a->bytes});
    } else if (inside && at >= seen.start && r != loaded(a, at)) {
        fail_msg("opcode %#x %#x at %#llx: %#llx, not %#llx", a->prefix, a->opcode, (unsigned long long)at,
                 (unsigned long long)r, (unsigned long long)loaded(a, at));
    }
}

static void all_calls(const shape *s, uint64_t size)
{
    window seen = {size - (size < 96 ? size : 96), size < 96 ? size : 96};
    write_pattern(seen);
    for (uint32_t n = 0; n < CJ_COUNT(accesses) * s->variant_count; n++) {
        const access *a = &accesses[n / s->variant_count];
        const variant *v = &s->variants[n % s->variant_count];
        if (v->kind == CONSTANT) {
            one_call(s, n, seen, size, 0, 0);
            continue;
        }
        uint32_t last = (uint32_t)(size - a->bytes - v->offset); /* modulo 2^32, as a wrong sum would be */
        uint32_t addresses[] = {last,
                                last + 1,
                                last - 1,
                                last + a->bytes,
                                0 - v->offset,
                                0x7fffffff,
                                0x80000000,
                                0xffffffff,
                                0x80000000 - a->bytes - v->offset};
        for (uint32_t i = 0; i < CJ_COUNT(addresses); i++) {
            if (v->kind == COMPUTED)
                one_call(s, n, seen, size, addresses[i] - 0x90000000, 0x90000000);
            else
                one_call(s, n, seen, size, addresses[i], 0);
        }
    }
}

static void start(const shape *s)
{
    wasm_writer w = module_of(s);
    guest_store_init(&store);
    g = guest_load_bytes(&store, w.at, w.len);
    free(w.at);
    if (g == NULL)
        fail_msg("%s", store.err.message);
    trapped = passed = 0;
}

static void finish(void)
{
    print_message("%u accesses passed, %u trapped\n", passed, trapped);
    assert_true(trapped > 0);
    guest_delete(g);
    guest_store_fini(&store);
}

static void grow(uint64_t from)
{
    uint64_t r = 0;
    assert_int_equal(CALL(g, "grow", &r, 1), CJ_TRAP_NONE);
    assert_int_equal(r, from);
}

/* -- Memories ---------------------------------------------------------------------------------------------------------------------- */

/* WAMR's code knows the size when it is compiled, and loads it once per function. */
static void memory_that_never_grows(void **state)
{
    (void)state;
    const shape s = {2, false, some_variants, CJ_COUNT(some_variants)};
    start(&s);
    all_calls(&s, 2 * PAGE);
    finish();
}

static void memory_that_grows(void **state)
{
    (void)state;
    const shape s = {2, true, all_variants, CJ_COUNT(all_variants)};
    start(&s);
    all_calls(&s, 2 * PAGE);
    grow(2);
    all_calls(&s, 3 * PAGE);
    finish();
}

static void memory_of_nothing(void **state)
{
    (void)state;
    shape s = {0, false, few_variants, CJ_COUNT(few_variants)};
    start(&s);
    all_calls(&s, 0);
    assert_int_equal(passed, 0);
    finish();
    s.grows = true;
    start(&s);
    all_calls(&s, 0);
    assert_int_equal(passed, 0);
    grow(0);
    all_calls(&s, PAGE);
    assert_true(passed > 0);
    finish();
}

/* Where 32 bits are negative. */
static void memory_past_two_gigabytes(void **state)
{
    (void)state;
    enum { PAGES = 32769 };
    if (!CJ_ENGINE_JIT || !guest_has_room((uint64_t)PAGES * PAGE)) /* interpreters compute in 64 bits */
        skip();
    const shape s = {PAGES, true, far_variants, CJ_COUNT(far_variants)};
    start(&s);
    all_calls(&s, (uint64_t)PAGES * PAGE);
    finish();
}

static void tables(void **state)
{
    (void)state;
    const shape s = {1, false, few_variants, CJ_COUNT(few_variants)};
    start(&s);
    uint32_t size = (uint32_t)CJ_COUNT(accesses) * s.variant_count;
    const uint32_t outside[] = {size, size + 1, 0x3fffffff, 0x40000000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
    for (uint32_t i = 0; i < CJ_COUNT(outside); i++) {
        assert_int_equal(CALL(g, "call", NULL, outside[i], 0, 0), CJ_TRAP_TABLE_BOUNDS);
        g->core.may_enter = 1;
        trapped++;
    }
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_that_never_grows),
        cmocka_unit_test(memory_that_grows),
        cmocka_unit_test(memory_of_nothing),
        cmocka_unit_test(memory_past_two_gigabytes),
        cmocka_unit_test(tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
