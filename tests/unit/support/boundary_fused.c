/* boundary_fused.c: part of boundary.h: calls from one guest, F, to another, P: values that go there and back, the calls of either's
 * realloc, flags, traps, what a realloc that lies does. Strings are held to the Canonical ABI's reference (data/strings.txt).
 */
#include "boundary_rig.h"

#include "cmocka_all.h"
#include "fake_engine.h"
#include "make_types.h"
#include "random_values.h"

#include <stdlib.h>

static void start(void)
{
    fake_reset(F, MEMORY);
    fake_reset(P, MEMORY);
    core_body = NULL;
    core_result = 0;
}

/* After a call: both guests as they were, or the callee never to be entered again. */
static void expect_fused(cj_trap got, cj_trap expected, bool in_results, const char *path)
{
    expect_outcome(got, expected, in_results, path);
    if (expected == CJ_TRAP_NONE) {
        assert_int_equal(P->instance.may_enter, 1);
        assert_int_equal(P->instance.may_leave, 1);
        assert_int_equal(P->inst.exception[0], 0);
    }
}

/* -- One value, in every place between which it can move ----------------------------------------------------------- */

static void start_with(fake_engine *from, const void *bytes, uint32_t size)
{
    start();
    memcpy(fake_at(from, BLOCK, size), bytes, size);
}

/* 32-bit slots with rubbish above. */
static void dirty(const cj_type *type, const uint64_t *flat, uint64_t *out)
{
    for (uint32_t i = 0; i < type->flat_count; i++) {
        bool narrow = type->flat[i] == CJ_CORE_I32 || type->flat[i] == CJ_CORE_F32;
        out[i] = narrow ? (uint32_t)flat[i] | UINT64_C(0xdeadbeef00000000) : flat[i];
    }
}

static void move_flat(const cj_type *type, const uint64_t *in, const uint64_t *out, cj_trap trap, const char *sub)
{
    char path[256];
    uint64_t slots[CJ_MAX_FLAT_PARAMS], result = 0x5555555555555555;
    dirty(type, in, slots);
    start();
    cj_trap got =
        fake_call_import(F, make_fused(functype(PARAMS(type), NULL), CJ_UTF8, CJ_UTF8, false), slots, &result);
    snprintf(path, sizeof(path), "param 0%s", sub);
    expect_fused(got, trap, false, path);
    for (uint32_t i = 0; trap == CJ_TRAP_NONE && i < type->flat_count; i++)
        assert_int_equal(P->core_args[i], out[i]);
    if (type->flat_count > 1)
        return;
    start();
    core_result = slots[0];
    got = fake_call_import(F, make_fused(functype(NO_PARAMS, type), CJ_UTF8, CJ_UTF8, false), NULL, &result);
    snprintf(path, sizeof(path), "result%s", sub);
    expect_fused(got, trap, true, path);
    if (trap == CJ_TRAP_NONE)
        assert_int_equal(result, out[0]);
}

/* `out` has FAKE_POISON where nothing may be written. */
static void move_bytes(const cj_type *type, const void *in, const void *out, cj_trap trap, const char *sub)
{
    char path[256];
    uint64_t list[2] = {BLOCK, 1};
    start_with(F, in, type->size);
    cj_trap got =
        fake_call_import(F, make_fused(functype(PARAMS(t_list(T, type)), NULL), CJ_UTF8, CJ_UTF8, false), list, NULL);
    snprintf(path, sizeof(path), "param 0[0]%s", sub);
    expect_fused(got, trap, false, path);
    if (trap == CJ_TRAP_NONE)
        assert_memory_equal(fake_at(P, (uint32_t)P->core_args[0], type->size), out, type->size);

    const cj_type *params[18];
    params[0] = type;
    for (int i = 1; i < 18; i++)
        params[i] = t_u8(T);
    start_with(F, in, type->size);
    got = fake_call_import(F, make_fused(functype(params, 18, NULL), CJ_UTF8, CJ_UTF8, false), list, NULL);
    snprintf(path, sizeof(path), "param 0%s", sub);
    expect_fused(got, trap, false, path);
    if (trap == CJ_TRAP_NONE)
        assert_memory_equal(fake_at(P, (uint32_t)P->core_args[0], type->size), out, type->size);

    const cj_type *pair = t_tuple(T, 2, type, t_u8(T));
    uint64_t retptr[1] = {RETPTR};
    start_with(P, in, type->size);
    core_result = BLOCK | UINT64_C(0xdeadbeef00000000);
    got = fake_call_import(F, make_fused(functype(NO_PARAMS, pair), CJ_UTF8, CJ_UTF8, false), retptr, NULL);
    snprintf(path, sizeof(path), "result .0%s", sub);
    expect_fused(got, trap, true, path);
    if (trap == CJ_TRAP_NONE)
        assert_memory_equal(fake_at(F, RETPTR, type->size), out, type->size);

    const cj_type *listed = t_list(T, type);
    start_with(P, in, type->size);
    fake_put32(P, RETPTR, BLOCK);
    fake_put32(P, RETPTR + 4, 1);
    core_result = RETPTR;
    got = fake_call_import(F, make_fused(functype(NO_PARAMS, listed), CJ_UTF8, CJ_UTF8, false), retptr, NULL);
    snprintf(path, sizeof(path), "result[0]%s", sub);
    expect_fused(got, trap, true, path);
    if (trap == CJ_TRAP_NONE)
        assert_memory_equal(fake_at(F, fake_get32(F, RETPTR), type->size), out, type->size);
}

static void expect_move(const cj_type *type, const uint64_t *in, const uint64_t *out, const void *bytes,
                        const void *bytes_out, cj_trap trap, const char *sub)
{
    if (in)
        move_flat(type, in, out, trap, sub);
    if (bytes)
        move_bytes(type, bytes, bytes_out, trap, sub);
}

static void test_move_numbers(void **state)
{
    (void)state;
    cj_trap ok = CJ_TRAP_NONE;
    expect_move(t_s8(T), SLOTS(0x12345680), SLOTS(0xffffff80), "\x80", "\x80", ok, "");
    expect_move(t_u8(T), SLOTS(0x12345680), SLOTS(0x80), "\x80", "\x80", ok, "");
    expect_move(t_s16(T), SLOTS(0x1234ffff), SLOTS(0xffffffff), "\xff\xff", "\xff\xff", ok, "");
    expect_move(t_u16(T), SLOTS(0xabcd8001), SLOTS(0x8001), "\x01\x80", "\x01\x80", ok, "");
    expect_move(t_s32(T), SLOTS(0x80000000), SLOTS(0x80000000), "\0\0\0\x80", "\0\0\0\x80", ok, "");
    expect_move(t_u64(T), SLOTS(0x8000000000000001), SLOTS(0x8000000000000001), "\1\0\0\0\0\0\0\x80",
                "\1\0\0\0\0\0\0\x80", ok, "");
    expect_move(t_f32(T), SLOTS(0x7fa00001), SLOTS(0x7fa00001), "\1\0\xa0\x7f", "\1\0\xa0\x7f", ok, "");
    expect_move(t_f64(T), SLOTS(0x7ff4000000000001), SLOTS(0x7ff4000000000001), "\1\0\0\0\0\0\xf4\x7f",
                "\1\0\0\0\0\0\xf4\x7f", ok, "");
}

/* Lifted and lowered: what arrives is one of the forms that lowering writes. */
static void test_move_normalises(void **state)
{
    (void)state;
    cj_trap ok = CJ_TRAP_NONE;
    expect_move(t_bool(T), SLOTS(0), SLOTS(0), "\0", "\0", ok, "");
    expect_move(t_bool(T), SLOTS(0x100), SLOTS(1), "\xff", "\1", ok, "");
    expect_move(t_bool(T), SLOTS(0x80000000), SLOTS(1), "\x80", "\1", ok, "");
    for (uint32_t labels = 1; labels <= 32; labels++) {
        const cj_type *flags = t_labels(T, CJ_KIND_FLAGS, labels);
        uint32_t all = UINT32_MAX >> (32 - labels);
        expect_move(flags, SLOTS(0xffffffff), SLOTS(all), "\xff\xff\xff\xff", &all, ok, "");
    }
}

static void test_move_checks(void **state)
{
    (void)state;
    static const struct {
        uint32_t c;
        cj_trap trap;
    } chars[] = {
        {0, CJ_TRAP_NONE},
        {0xd7ff, CJ_TRAP_NONE},
        {0xd800, CJ_TRAP_CHAR_SURROGATE},
        {0xdfff, CJ_TRAP_CHAR_SURROGATE},
        {0xe000, CJ_TRAP_NONE},
        {0x10ffff, CJ_TRAP_NONE},
        {0x110000, CJ_TRAP_CHAR_RANGE},
        {0xffffffff, CJ_TRAP_CHAR_RANGE},
    };
    for (size_t i = 0; i < CJ_COUNT(chars); i++)
        expect_move(t_char(T), SLOTS(chars[i].c), SLOTS(chars[i].c), &chars[i].c, &chars[i].c, chars[i].trap, "");

    const cj_type *three = t_labels(T, CJ_KIND_ENUM, 3), *wide = t_labels(T, CJ_KIND_ENUM, 257);
    cj_trap bad = CJ_TRAP_DISCRIMINANT;
    expect_move(three, SLOTS(2), SLOTS(2), "\2", "\2", CJ_TRAP_NONE, "");
    expect_move(three, SLOTS(3), NULL, "\3", NULL, bad, "");
    expect_move(three, SLOTS(0x100), NULL, "\xff", NULL, bad, "");
    expect_move(wide, SLOTS(256), SLOTS(256), "\0\1", "\0\1", CJ_TRAP_NONE, "");
    expect_move(wide, SLOTS(0x10000), NULL, "\1\1", NULL, bad, "");
    expect_move(t_option(T, t_u8(T)), SLOTS(2, 0), NULL, "\2\0", NULL, bad, "");
    expect_move(t_result(T, NULL, NULL), SLOTS(2), NULL, "\2", NULL, bad, "");
    const cj_type *v = t_variant(T, 2, "a", t_u8(T), "b", three);
    expect_move(v, SLOTS(1, 3), NULL, "\1\3", NULL, bad, " .b");
    expect_move(v, SLOTS(0, 3), SLOTS(0, 3), "\0\3", "\0\3", CJ_TRAP_NONE, "");
    expect_move(t_tuple(T, 2, t_u8(T), t_option(T, t_char(T))), SLOTS(7, 1, 0xd900), NULL, "\7\0\0\0\1\0\0\0\0\xd9\0\0",
                NULL, CJ_TRAP_CHAR_SURROGATE, " .1 .some");
}

/* Slots that cases share have their joined type at both ends; the payload is converted out of and into it. What a case
 * leaves is 0. */
static void test_move_joined_slots(void **state)
{
    (void)state;
    const cj_type *v = t_variant(T, 6, "a", t_f64(T), "b", t_s8(T), "c", t_f32(T), "d", t_bool(T), "e", t_char(T), "f",
                                 t_tuple(T, 2, t_u32(T), t_u64(T)));
    assert_int_equal(v->flat[1], CJ_CORE_I64);
    assert_int_equal(v->flat[2], CJ_CORE_I64);
    uint64_t rubbish = 0x1122334455667788;
    cj_trap ok = CJ_TRAP_NONE;
    expect_move(v, SLOTS(0, 0xc004000000000000, rubbish), SLOTS(0, 0xc004000000000000, 0), NULL, NULL, ok, "");
    expect_move(v, SLOTS(1, 0xffffffff123456fe, rubbish), SLOTS(1, 0xfffffffe, 0), NULL, NULL, ok, "");
    expect_move(v, SLOTS(2, 0xabcdef013fc00000, rubbish), SLOTS(2, 0x3fc00000, 0), NULL, NULL, ok, "");
    expect_move(v, SLOTS(3, 0xffffffff00000000, rubbish), SLOTS(3, 0, 0), NULL, NULL, ok, "");
    expect_move(v, SLOTS(4, 0xffffffff00000041, rubbish), SLOTS(4, 0x41, 0), NULL, NULL, ok, "");
    expect_move(v, SLOTS(4, 0x10ffff, rubbish), SLOTS(4, 0x10ffff, 0), NULL, NULL, ok, "");
    expect_move(v, SLOTS(5, 0xffffffff00000007, rubbish), SLOTS(5, 7, rubbish), NULL, NULL, ok, "");
    /* i32 | f32 in an i32 slot, a case without payload. */
    v = t_variant(T, 3, "a", t_u32(T), "b", t_f32(T), "c", NULL);
    expect_move(v, SLOTS(1, 0x3fc00000), SLOTS(1, 0x3fc00000), NULL, NULL, ok, "");
    expect_move(v, SLOTS(2, rubbish), SLOTS(2, 0), NULL, NULL, ok, "");
}

/* Padding, and payloads of other cases, stay in the source's memory. */
static void test_move_leaks_nothing(void **state)
{
    (void)state;
    const cj_type *padded = t_record(T, 3, "a", t_u8(T), "b", t_u32(T), "c", t_u8(T));
    expect_move(padded, NULL, NULL, "\1xyz\2\3\4\5\6uvw", "\1\xa5\xa5\xa5\2\3\4\5\6\xa5\xa5\xa5", CJ_TRAP_NONE, "");
    const cj_type *v = t_variant(T, 3, "a", t_u8(T), "b", t_u64(T), "c", NULL);
    expect_move(v, NULL, NULL, "\0secret!\7secret", "\0\xa5\xa5\xa5\xa5\xa5\xa5\xa5\7\xa5\xa5\xa5\xa5\xa5\xa5\xa5",
                CJ_TRAP_NONE, "");
    expect_move(v, NULL, NULL, "\2secret!12345678", "\2\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5",
                CJ_TRAP_NONE, "");
    expect_move(t_tuple(T, 2, t_bool(T), padded), NULL, NULL, "\7pad\1xyz\2\3\4\5\6uvw",
                "\1\xa5\xa5\xa5\1\xa5\xa5\xa5\2\3\4\5\6\xa5\xa5\xa5", CJ_TRAP_NONE, "");
}

/* -- Strings: the reference's ---------------------------------------------------------------------------------------- */

/* A line of data/strings.txt. */
typedef struct vector {
    cj_encoding from, to;
    uint32_t units, result_units;
    uint8_t source[512], result[512];
    size_t source_size, result_size;
    char events[400]; /* joined by "," */
    cj_trap trap;
} vector;

static cj_encoding encoding_named(const char *name)
{
    return strcmp(name, "utf8") == 0 ? CJ_UTF8 : strcmp(name, "utf16") == 0 ? CJ_UTF16 : CJ_LATIN1_UTF16;
}

static size_t read_hex(const char *text, uint8_t *out)
{
    size_t n = 0;
    unsigned byte;
    for (; text[0] != '-' && sscanf(text + 2 * n, "%2x", &byte) == 1; n++)
        out[n] = (uint8_t)byte;
    return n;
}

static cj_trap trap_named(const char *name)
{
    static const char *const names[] = {
#define CJ_X(name_, text) [CJ_TRAP_##name_] = #name_,
        CJ_TRAP_MAP(CJ_X)
#undef CJ_X
    };
    for (int i = 0; i < CJ_TRAP_COUNT; i++) {
        if (strcmp(name, names[i]) == 0)
            return (cj_trap)i;
    }
    fail_msg("no trap %s", name);
    return CJ_TRAP_NONE;
}

static void each_vector(void (*check)(const vector *))
{
    FILE *file = fopen(CJ_TEST_SOURCE_DIR "/unit/data/strings.txt", "r");
    assert_non_null(file);
    char line[4096], from[16], to[16], source[1200], a[400], b[32], c[1200];
    uint32_t n = 0;
    for (; fgets(line, sizeof(line), file); n++) {
        vector v = {0};
        int got = sscanf(line, "%15s %15s %x %1199s %399s %31s %1199s", from, to, &v.units, source, a, b, c);
        assert_true(got >= 6);
        v.from = encoding_named(from);
        v.to = encoding_named(to);
        v.source_size = read_hex(source, v.source);
        if (strcmp(a, "TRAP") == 0) {
            v.trap = trap_named(b);
        } else {
            assert_int_equal(got, 7);
            snprintf(v.events, sizeof(v.events), "%s", a);
            v.result_units = (uint32_t)strtoul(b, NULL, 16);
            v.result_size = read_hex(c, v.result);
        }
        check(&v);
    }
    fclose(file);
    assert_true(n > 1000);
}

/* Of one string between two guests, the functions that take and give it: by the encodings. Compiled once. */
static cj_binding *takes[3][3], *gives[3][3];

static void make_string_functions(void)
{
    for (cj_encoding from = CJ_UTF8; from <= CJ_LATIN1_UTF16; from++) {
        for (cj_encoding to = CJ_UTF8; to <= CJ_LATIN1_UTF16; to++) {
            takes[from][to] = make_fused(functype(PARAMS(t_string(T)), NULL), from, to, false);
            gives[from][to] = make_fused(functype(NO_PARAMS, t_string(T)), to, from, false);
        }
    }
}

/* The string lies at the very end of its guest's memory. */
static uint32_t place(fake_engine *guest, const vector *v)
{
    fake_reset(guest, DATA + (uint32_t)v->source_size);
    if (v->source_size)
        memcpy(fake_at(guest, DATA, (uint32_t)v->source_size), v->source, v->source_size);
    return DATA;
}

/* "callee.realloc(0,0,1,3)=1024 callee.core(400,3) ", or the caller's after the core function's. */
static void expect_string_events(const vector *v, bool gives_it, const char *core)
{
    char expected[2048] = "", events[400];
    size_t n = 0;
    snprintf(events, sizeof(events), "%s", v->events);
    if (gives_it)
        n = (size_t)snprintf(expected, sizeof(expected), "%s", core);
    for (char *event = events; *event;) { /* they have commas of their own: one ends after "=number" */
        char *end = strchr(event, '=') + 1;
        end += strcspn(end, ",");
        bool more = *end;
        *end = 0;
        n += (size_t)snprintf(expected + n, sizeof(expected) - n, "%s%s ", gives_it ? "" : "callee.", event);
        event = more ? end + 1 : end;
    }
    if (!gives_it)
        snprintf(expected + n, sizeof(expected) - n, "%s", core);
    expect_events(expected);
}

static void expect_arrival(const vector *v, fake_engine *to, uint32_t ptr, uint32_t units)
{
    assert_int_equal(units, v->result_units);
    if (v->result_size)
        assert_memory_equal(fake_at(to, ptr, (uint32_t)v->result_size), v->result, v->result_size);
}

static void take_string(const vector *v)
{
    start();
    uint64_t flat[2] = {place(F, v), v->units};
    expect_fused(fake_call_import(F, takes[v->from][v->to], flat, NULL), v->trap, false, "param 0");
    if (v->trap)
        return;
    char core[64];
    uint32_t ptr = (uint32_t)P->core_args[0], units = (uint32_t)P->core_args[1];
    snprintf(core, sizeof(core), "callee.core(%x,%x) ", ptr, units);
    expect_string_events(v, false, core);
    expect_arrival(v, P, ptr, units);
    assert_int_equal(P->may_leave_in_realloc, 0);
    assert_int_equal(F->realloc_calls, 0);
}

static void give_string(const vector *v)
{
    start();
    fake_reset(P, MEMORY);
    uint32_t at = place(P, v);
    fake_put32(P, BLOCK, at);
    fake_put32(P, BLOCK + 4, v->units);
    core_result = BLOCK;
    uint64_t retptr[1] = {RETPTR};
    expect_fused(fake_call_import(F, gives[v->from][v->to], retptr, NULL), v->trap, true, "result");
    if (v->trap)
        return;
    expect_string_events(v, true, "callee.core() ");
    expect_arrival(v, F, fake_get32(F, RETPTR), fake_get32(F, RETPTR + 4));
    assert_int_equal(F->may_leave_in_realloc, 0);
    assert_int_equal(P->realloc_calls, 0);
}

static void test_strings_of_reference(void **state)
{
    (void)state;
    make_string_functions();
    each_vector(take_string);
    each_vector(give_string);
}

static void test_string_alignment(void **state)
{
    (void)state;
    make_string_functions();
    for (cj_encoding from = CJ_UTF8; from <= CJ_LATIN1_UTF16; from++) {
        for (cj_encoding to = CJ_UTF8; to <= CJ_LATIN1_UTF16; to++) {
            cj_trap trap = from == CJ_UTF8 ? CJ_TRAP_NONE : CJ_TRAP_STRING_ALIGNMENT;
            start();
            expect_fused(fake_call_import(F, takes[from][to], SLOTS(DATA + 1, 0), NULL), trap, false, "param 0");
            start();
            fake_put32(P, BLOCK, DATA + 1);
            fake_put32(P, BLOCK + 4, 0);
            core_result = BLOCK;
            expect_fused(fake_call_import(F, gives[from][to], SLOTS(RETPTR), NULL), trap, true, "result");
            /* An empty string may be at the end of memory, not past it. */
            start();
            expect_fused(fake_call_import(F, takes[from][to], SLOTS(MEMORY, 0), NULL), CJ_TRAP_NONE, false, "");
            start();
            expect_fused(fake_call_import(F, takes[from][to], SLOTS(MEMORY + 2, 0), NULL), CJ_TRAP_STRING_BOUNDS, false,
                         "param 0");
        }
    }
}

/* -- Strings and a realloc that lies ----------------------------------------------------------------------------------- */

static bool results; /* the string is the result: the caller's realloc lies */

static cj_trap call_with(const vector *v, uint32_t nth, fake_action action, uint64_t value)
{
    start();
    fake_engine *to = results ? F : P;
    if (nth)
        fake_script(to, nth, action, value);
    if (!results) {
        uint64_t flat[2] = {place(F, v), v->units};
        return fake_call_import(F, takes[v->from][v->to], flat, NULL);
    }
    uint32_t at = place(P, v);
    fake_put32(P, BLOCK, at);
    fake_put32(P, BLOCK + 4, v->units);
    core_result = BLOCK;
    return fake_call_import(F, gives[v->from][v->to], SLOTS(RETPTR), NULL);
}

static void expect_lie(const vector *v, uint32_t nth, fake_action action, uint64_t value, cj_trap trap)
{
    fake_engine *to = results ? F : P;
    cj_trap got = call_with(v, nth, action, value);
    expect_outcome(got, trap, results, results ? "result" : "param 0");
    assert_int_equal(to->instance.may_leave, trap != CJ_TRAP_CORE);
    assert_int_equal(P->instance.may_enter, trap == CJ_TRAP_NONE);
    if (trap == CJ_TRAP_CORE)
        assert_non_null(F->store.trap.running);
}

static void lie_about(const vector *v)
{
    if (v->trap)
        return;
    uint32_t calls = 0;
    for (const char *event = v->events; (event = strstr(event, "realloc(")) != NULL; event++) {
        uint32_t align, size;
        assert_int_equal(sscanf(event, "realloc(%*u,%*u,%u,%u)", &align, &size), 2);
        calls++;
        bool even = align == 2;
        /* Just past the end, aligned; at the end exactly, which is fine; far out. */
        expect_lie(v, calls, FAKE_AT_END, even && size % 2 == 0 ? 2 : 1, CJ_TRAP_REALLOC_BOUNDS);
        if (!even || size % 2 == 0)
            expect_lie(v, calls, FAKE_AT_END, 0, CJ_TRAP_NONE);
        expect_lie(v, calls, FAKE_RETURN, UINT32_MAX - 1, CJ_TRAP_REALLOC_BOUNDS);
        expect_lie(v, calls, FAKE_RETURN, UINT32_MAX, even ? CJ_TRAP_REALLOC_ALIGNMENT : CJ_TRAP_REALLOC_BOUNDS);
        expect_lie(v, calls, FAKE_RETURN, 1025, even ? CJ_TRAP_REALLOC_ALIGNMENT : CJ_TRAP_NONE);
        /* Memory that is in use already: the guest's own affair. */
        expect_lie(v, calls, FAKE_RETURN, 0, CJ_TRAP_NONE);
        expect_lie(v, calls, FAKE_TRAP, 0, CJ_TRAP_CORE);
        /* Memory that grows, and moves. */
        expect_lie(v, calls, FAKE_GROW, 1000, CJ_TRAP_NONE);
        if (results)
            expect_arrival(v, F, fake_get32(F, RETPTR), fake_get32(F, RETPTR + 4));
        else
            expect_arrival(v, P, (uint32_t)P->core_args[0], (uint32_t)P->core_args[1]);
    }
    assert_int_equal(call_with(v, 0, FAKE_BUMP, 0), CJ_TRAP_NONE);
    assert_int_equal((results ? F : P)->realloc_calls, calls);
}

/* For each pair, and each sequence of calls that it can make. */
static void test_strings_and_lying_realloc(void **state)
{
    (void)state;
    make_string_functions();
    for (int r = 0; r < 2; r++) {
        results = r;
        each_vector(lie_about);
    }
}

/* -- Lists ------------------------------------------------------------------------------------------------------------- */

static void test_move_lists(void **state)
{
    (void)state;
    /* One block; for the reader's convenience in hex: 0x400 is FAKE_HEAP_BASE. */
    cj_binding *b = make_fused(functype(PARAMS(t_list(T, t_u16(T))), NULL), CJ_UTF8, CJ_UTF8, false);
    start();
    memcpy(fake_at(F, DATA, 6), "abcdef", 6);
    expect_fused(fake_call_import(F, b, SLOTS(DATA, 3), NULL), CJ_TRAP_NONE, false, "");
    expect_events("callee.realloc(0,0,2,6)=1024 callee.core(400,3) ");
    assert_memory_equal(fake_at(P, 1024, 6), "abcdef", 6);
    /* An empty one is allocated too. */
    start();
    expect_fused(fake_call_import(F, b, SLOTS(MEMORY, 0), NULL), CJ_TRAP_NONE, false, "");
    expect_events("callee.realloc(0,0,2,0)=1024 callee.core(400,0) ");

    /* A list's block first, then what its elements point to, in order; all of it before the next parameter. */
    const cj_type *deep = t_list(T, t_tuple(T, 2, t_string(T), t_list(T, t_string(T))));
    b = make_fused(functype(PARAMS(deep, t_string(T)), NULL), CJ_UTF8, CJ_UTF16, false);
    start();
    memcpy(fake_at(F, DATA, 6), "uvwxyz", 6);
    for (uint32_t i = 0; i < 2; i++) { /* ("u" or "uv", ["vwx"]) */
        fake_put32(F, BLOCK + 16 * i, DATA);
        fake_put32(F, BLOCK + 16 * i + 4, 1 + i);
        fake_put32(F, BLOCK + 16 * i + 8, DATA + 16);
        fake_put32(F, BLOCK + 16 * i + 12, 1);
    }
    fake_put32(F, DATA + 16, DATA + 1);
    fake_put32(F, DATA + 20, 3);
    for (uint32_t i = 1; i <= 6; i++)
        fake_script(P, i, FAKE_GROW, 64); /* the target's memory moves each time */
    expect_fused(fake_call_import(F, b, SLOTS(BLOCK, 2, DATA + 4, 2), NULL), CJ_TRAP_NONE, false, "");
    expect_events("callee.realloc(0,0,4,32)=1024 callee.realloc(0,0,2,2)=1056 callee.realloc(0,0,4,8)=1060 "
                  "callee.realloc(0,0,2,6)=1068 callee.realloc(0,0,2,4)=1074 callee.realloc(0,0,4,8)=1080 "
                  "callee.realloc(0,0,2,6)=1088 callee.realloc(0,0,2,4)=1094 callee.core(400,2,446,2) ");
    assert_int_equal(fake_get32(P, 1024 + 16), 1074);
    assert_int_equal(fake_get32(P, 1024 + 20), 2);
    assert_int_equal(fake_get32(P, 1024 + 24), 1080);
    assert_int_equal(fake_get32(P, 1080), 1088);
    assert_memory_equal(fake_at(P, 1088, 6), "v\0w\0x\0", 6);
    assert_memory_equal(fake_at(P, 1094, 4), "y\0z\0", 4);
}

static void expect_list_trap(const cj_type *elem, uint32_t ptr, uint32_t len, cj_trap trap)
{
    start();
    cj_binding *b = make_fused(functype(PARAMS(t_list(T, elem)), NULL), CJ_UTF8, CJ_UTF8, false);
    expect_fused(fake_call_import(F, b, SLOTS(ptr, len), NULL), trap, false, "param 0");
    if (trap)
        assert_int_equal(P->realloc_calls, 0);
    start();
    fake_put32(P, BLOCK, ptr);
    fake_put32(P, BLOCK + 4, len);
    core_result = BLOCK;
    b = make_fused(functype(NO_PARAMS, t_list(T, elem)), CJ_UTF8, CJ_UTF8, false);
    expect_fused(fake_call_import(F, b, SLOTS(RETPTR), NULL), trap, true, "result");
    if (trap)
        assert_int_equal(F->realloc_calls, 0);
}

static void test_move_list_traps(void **state)
{
    (void)state;
    const cj_type *block = t_u64(T), *loop = t_tuple(T, 2, t_bool(T), t_u64(T));
    expect_list_trap(block, DATA, 0x2000000, CJ_TRAP_LIST_LENGTH);
    expect_list_trap(block, DATA, 0x1ffffff, CJ_TRAP_LIST_BOUNDS);
    expect_list_trap(block, DATA + 1, 0xffffffff, CJ_TRAP_LIST_LENGTH);
    expect_list_trap(block, DATA + 4, 0, CJ_TRAP_LIST_ALIGNMENT);
    expect_list_trap(block, MEMORY + 4, 1, CJ_TRAP_LIST_ALIGNMENT);
    expect_list_trap(block, MEMORY, 0, CJ_TRAP_NONE);
    expect_list_trap(block, MEMORY - 8, 1, CJ_TRAP_NONE);
    expect_list_trap(block, MEMORY - 8, 2, CJ_TRAP_LIST_BOUNDS);
    expect_list_trap(block, MEMORY + 8, 0, CJ_TRAP_LIST_BOUNDS);
    expect_list_trap(block, 0xfffffff8, 1, CJ_TRAP_LIST_BOUNDS);
    expect_list_trap(loop, DATA, 0x1000000, CJ_TRAP_LIST_LENGTH);
    expect_list_trap(loop, DATA, 0x10000001, CJ_TRAP_LIST_LENGTH); /* 2^32 + 16 bytes */
    expect_list_trap(loop, DATA + 4, 1, CJ_TRAP_LIST_ALIGNMENT);
    expect_list_trap(loop, MEMORY - 16, 1, CJ_TRAP_NONE);
    expect_list_trap(loop, MEMORY - 8, 1, CJ_TRAP_LIST_BOUNDS);

    /* Where it is. */
    cj_binding *b = make_fused(functype(PARAMS(t_u8(T), t_list(T, t_record(T, 1, "s", t_list(T, t_char(T))))), NULL),
                               CJ_UTF8, CJ_UTF8, false);
    start();
    for (uint32_t i = 0; i < 3; i++) {
        fake_put32(F, BLOCK + 8 * i, DATA);
        fake_put32(F, BLOCK + 8 * i + 4, 2 + i);
        fake_put32(F, DATA + 4 * i, 'a');
    }
    fake_put32(F, DATA + 12, 0xdabc);
    expect_fused(fake_call_import(F, b, SLOTS(0, BLOCK, 3), NULL), CJ_TRAP_CHAR_SURROGATE, false, "param 1[2] .s[3]");
}

/* -- realloc that lies about everything else ------------------------------------------------------------------------------- */

/* f(list<list<u32>>, 17 more) -> tuple<list<u16>, u8>: the callee allocates a block, a list, two lists; the caller a list. */
static void test_lying_realloc(void **state)
{
    (void)state;
    const cj_type *params[18];
    params[0] = t_list(T, t_list(T, t_u32(T)));
    for (int i = 1; i < 18; i++)
        params[i] = t_u8(T);
    const cj_type *result = t_tuple(T, 2, t_list(T, t_u16(T)), t_u8(T));
    cj_binding *b = make_fused(functype(params, 18, result), CJ_UTF8, CJ_UTF8, false);
    static const struct {
        bool caller;
        uint32_t nth, align, size;
        const char *path;
    } calls[] = {
        {false, 1, 4, 28, ""},          {false, 2, 4, 16, "param 0"}, {false, 3, 4, 4, "param 0[0]"},
        {false, 4, 4, 8, "param 0[1]"}, {true, 1, 2, 6, "result .0"},
    };
    for (size_t c = 0; c < CJ_COUNT(calls); c++) {
        const struct {
            fake_action action;
            uint64_t value;
            cj_trap trap;
        } lies[] = {
            {FAKE_ADD, 1, CJ_TRAP_REALLOC_ALIGNMENT},
            {FAKE_RETURN, UINT32_MAX, CJ_TRAP_REALLOC_ALIGNMENT},
            {FAKE_AT_END, calls[c].align, CJ_TRAP_REALLOC_BOUNDS},
            {FAKE_RETURN, UINT32_MAX & ~(calls[c].align - 1), CJ_TRAP_REALLOC_BOUNDS},
            {FAKE_TRAP, 0, CJ_TRAP_CORE},
            {FAKE_AT_END, 0, CJ_TRAP_NONE},
            {FAKE_RETURN, 0, CJ_TRAP_NONE},
            {FAKE_GROW, 4096, CJ_TRAP_NONE},
            {FAKE_FILL, 0x3c, CJ_TRAP_NONE},
        };
        for (size_t l = 0; l < CJ_COUNT(lies); l++) {
            for (int jumps = 0; jumps < 2; jumps++) {
                start();
                F->longjmp_on_trap = jumps;
                memset(fake_at(F, BLOCK, 32), 0, 32);
                fake_put32(F, BLOCK, DATA);
                fake_put32(F, BLOCK + 4, 2);
                for (uint32_t i = 0; i < 2; i++) {
                    fake_put32(F, DATA + 8 * i, DATA + 32);
                    fake_put32(F, DATA + 8 * i + 4, 1 + i);
                }
                fake_put32(P, BLOCK, DATA);
                fake_put32(P, BLOCK + 4, 3);
                core_result = BLOCK;
                fake_engine *liar = calls[c].caller ? F : P;
                fake_script(liar, calls[c].nth, lies[l].action, lies[l].value);
                cj_trap got = fake_call_import(F, b, SLOTS(BLOCK, RETPTR), NULL);
                /* FAKE_FILL overwrites what the callee would return: any outcome that stays inside is right */
                if (lies[l].action == FAKE_FILL && !calls[c].caller && got == CJ_TRAP_LIST_BOUNDS)
                    continue;
                if (lies[l].action == FAKE_FILL && !calls[c].caller && got == CJ_TRAP_LIST_LENGTH)
                    continue;
                if (lies[l].action == FAKE_RETURN && lies[l].value == 0 && got == CJ_TRAP_LIST_BOUNDS && c < 4)
                    continue; /* so does a block at address 0 */
                expect_outcome(got, lies[l].trap, calls[c].caller, calls[c].path);
                assert_int_equal(P->instance.may_enter, lies[l].trap == CJ_TRAP_NONE);
                if (lies[l].trap == CJ_TRAP_CORE)
                    assert_int_equal(liar->instance.may_leave, 0);
            }
        }
    }
}

/* -- Blocks for what is spilled --------------------------------------------------------------------------------------------- */

static void test_fused_blocks(void **state)
{
    (void)state;
    enum { TARGET = 512 };
    const cj_type *params[17];
    for (int i = 0; i < 17; i++)
        params[i] = t_u32(T);
    const cj_type *result = t_tuple(T, 2, t_u64(T), t_u8(T)); /* 16 bytes, aligned to 8 */
    cj_binding *b = make_fused(functype(params, 17, result), CJ_UTF8, CJ_UTF8, true);
    static const struct {
        uint32_t args, given, retptr; /* the caller's pointer, the callee's, the caller's for the result */
        cj_trap trap;
    } cases[] = {
        {BLOCK, BLOCK, TARGET, CJ_TRAP_NONE},
        {BLOCK + 1, BLOCK, TARGET, CJ_TRAP_PARAMS_ALIGNMENT},
        {UINT32_MAX, BLOCK, TARGET, CJ_TRAP_PARAMS_ALIGNMENT},
        {MEMORY - 64, BLOCK, TARGET, CJ_TRAP_PARAMS_BOUNDS},
        {UINT32_MAX - 3, BLOCK, TARGET, CJ_TRAP_PARAMS_BOUNDS},
        {MEMORY - 68, BLOCK, TARGET, CJ_TRAP_NONE},
        {BLOCK, BLOCK + 4, TARGET, CJ_TRAP_RESULTS_ALIGNMENT},
        {BLOCK, MEMORY - 8, TARGET, CJ_TRAP_RESULTS_BOUNDS},
        {BLOCK, MEMORY - 16, TARGET, CJ_TRAP_NONE},
        {BLOCK, BLOCK, TARGET + 4, CJ_TRAP_RESULTS_ALIGNMENT},
        {BLOCK, BLOCK, MEMORY - 8, CJ_TRAP_RESULTS_BOUNDS},
        {BLOCK, BLOCK, UINT32_MAX - 7, CJ_TRAP_RESULTS_BOUNDS},
        {BLOCK, BLOCK, MEMORY - 16, CJ_TRAP_NONE},
        /* The callee's is looked at first, and nothing of it before the caller's parameters. */
        {BLOCK, MEMORY, TARGET + 4, CJ_TRAP_RESULTS_BOUNDS},
        {BLOCK + 1, BLOCK + 1, TARGET + 1, CJ_TRAP_PARAMS_ALIGNMENT},
    };
    for (size_t i = 0; i < CJ_COUNT(cases); i++) {
        start();
        core_result = cases[i].given;
        if (cases[i].trap == CJ_TRAP_NONE) {
            for (uint32_t p = 0; p < 17; p++)
                fake_put32(F, cases[i].args + 4 * p, p * 0x01010101);
            memcpy(fake_at(P, cases[i].given, 16), "12345678\x99secret", 16);
        }
        cj_trap got = fake_call_import(F, b, SLOTS(cases[i].args, cases[i].retptr), NULL);
        bool late = cases[i].trap == CJ_TRAP_RESULTS_ALIGNMENT || cases[i].trap == CJ_TRAP_RESULTS_BOUNDS;
        expect_fused(got, cases[i].trap, late, "");
        if (cases[i].trap == CJ_TRAP_NONE) {
            for (uint32_t p = 0; p < 17; p++)
                assert_int_equal(fake_get32(P, FAKE_HEAP_BASE + 4 * p), p * 0x01010101);
            assert_memory_equal(fake_at(F, cases[i].retptr, 16), "12345678\x99\xa5\xa5\xa5\xa5\xa5\xa5\xa5", 16);
            char events[128];
            snprintf(events, sizeof(events), "callee.realloc(0,0,4,68)=1024 callee.core(400) callee.post-return(%x) ",
                     cases[i].given);
            expect_events(events);
        } else if (late) {
            expect_events("callee.realloc(0,0,4,68)=1024 callee.core(400) "); /* no post-return */
        } else {
            expect_events("");
        }
    }
}

/* -- Steps and flags ----------------------------------------------------------------------------------------------------------- */

static void return_string(uint64_t *flat)
{
    (void)flat;
    fake_put32(P, BLOCK, DATA);
    fake_put32(P, BLOCK + 4, 3);
    memcpy(fake_at(P, DATA, 3), "abc", 3);
}

/* Everything of the callee's is done with before post-return runs, and may_enter comes back after that. */
static uint8_t may_enter_in_post_return;
static void look_in_post_return(fake_engine *fake, void *user, uint64_t *flat)
{
    (void)user, (void)flat;
    may_enter_in_post_return = fake->instance.may_enter;
    memset(fake_at(fake, 0, MEMORY), 0xee, MEMORY);
}

static void test_fused_steps(void **state)
{
    (void)state;
    cj_plan_options options = {.kind = CJ_PLAN_FUSED,
                               .has_memory = true,
                               .has_realloc = true,
                               .has_post_return = true,
                               .caller_has_memory = true,
                               .caller_has_realloc = true};
    const cj_functype *type = functype(PARAMS(t_string(T)), t_string(T));
    cj_plan *plan = make_plan_of(type, &options);
    start();
    cj_binding *b = fake_fused(F, P, plan, type, core_fn, look_in_post_return, NULL);
    b->code = code_for ? code_for(plan) : NULL;
    memcpy(fake_at(F, DATA, 4), "wxyz", 4);
    core_body = return_string;
    core_result = BLOCK;
    may_enter_in_post_return = 1;
    expect_fused(fake_call_import(F, b, SLOTS(DATA, 4, RETPTR), NULL), CJ_TRAP_NONE, false, "");
    expect_events("callee.realloc(0,0,1,4)=1024 callee.core(400,4) realloc(0,0,1,3)=1024 callee.post-return(40) ");
    assert_int_equal(P->may_leave_in_realloc, 0);
    assert_int_equal(P->may_leave_in_core, 1);
    assert_int_equal(P->may_enter_in_core, 0);
    assert_int_equal(F->may_leave_in_realloc, 0);
    assert_int_equal(P->may_leave_in_post_return, 0);
    assert_int_equal(may_enter_in_post_return, 0);
    assert_int_equal(F->instance.may_leave, 1);
    assert_int_equal(fake_get32(F, RETPTR), 1024);
    assert_int_equal(fake_get32(F, RETPTR + 4), 3);
    assert_memory_equal(fake_at(F, 1024, 3), "abc", 3);
    assert_ptr_equal(P->instance.called, b);
}

static void test_fused_refusals(void **state)
{
    (void)state;
    const cj_type *params[17];
    for (int i = 0; i < 17; i++)
        params[i] = t_string(T);
    cj_binding *b = make_fused(functype(params, 17, t_string(T)), CJ_UTF8, CJ_UTF8, true);
    uint64_t bad[2] = {UINT32_MAX, UINT32_MAX}; /* would trap too, later */

    /* The caller's may_leave, before all else; then the stack; then who is entered. */
    start();
    F->instance.may_leave = P->instance.may_enter = 0;
    fake_set_stack_low(F, true);
    expect_outcome(fake_call_import(F, b, bad, NULL), CJ_TRAP_CANNOT_LEAVE, false, "");
    F->instance.may_leave = 1;
    expect_outcome(fake_call_import(F, b, bad, NULL), CJ_TRAP_STACK_OVERFLOW, false, "");
    fake_set_stack_low(F, false);
    expect_outcome(fake_call_import(F, b, bad, NULL), CJ_TRAP_CANNOT_ENTER, false, "");
    assert_int_equal(P->instance.may_enter, 0);
    P->instance.may_enter = 1;
    P->instance.may_leave = 1;
    expect_outcome(fake_call_import(F, b, bad, NULL), CJ_TRAP_PARAMS_ALIGNMENT, false, "");
    assert_int_equal(P->instance.may_enter, 0); /* it was entered */
    expect_events("");

    /* All instances that are entered, and none changes when one cannot be. */
    b = make_fused(functype(PARAMS(t_u8(T)), t_u8(T)), CJ_UTF8, CJ_UTF8, false);
    cj_instance_core around[2] = {{.may_enter = 1, .may_leave = 1}, {.may_enter = 1, .may_leave = 1}};
    cj_instance_core *entering[3] = {&P->instance, &around[0], &around[1]};
    b->entering = entering;
    b->entering_count = 3;
    for (int blocked = 0; blocked < 4; blocked++) {
        start();
        for (int i = 0; i < 3; i++)
            entering[i]->may_enter = i != blocked;
        expect_outcome(fake_call_import(F, b, SLOTS(1), NULL), blocked < 3 ? CJ_TRAP_CANNOT_ENTER : CJ_TRAP_NONE, false,
                       "");
        for (int i = 0; i < 3; i++)
            assert_int_equal(entering[i]->may_enter, i != blocked);
    }
    b->entering_count = 1;
    b->entering = &entering[0];
}

static void look_around(uint64_t *flat);
static cj_instance_core outer_instance;

static void test_fused_enters_all(void **state)
{
    (void)state;
    cj_binding *b = make_fused(functype(NO_PARAMS, NULL), CJ_UTF8, CJ_UTF8, false);
    cj_instance_core *entering[2] = {&P->instance, &outer_instance};
    b->entering = entering;
    b->entering_count = 2;
    outer_instance = (cj_instance_core){.may_enter = 1, .may_leave = 1};
    start();
    core_body = look_around;
    expect_fused(fake_call_import(F, b, NULL, NULL), CJ_TRAP_NONE, false, "");
    assert_int_equal(outer_instance.may_enter, 1);
    for (int jumps = 0; jumps < 2; jumps++) {
        start();
        outer_instance.may_enter = 1;
        F->longjmp_on_trap = jumps;
        core_body = look_around;
        core_result = 1;
        assert_int_equal(fake_call_import(F, b, NULL, NULL), CJ_TRAP_CORE);
        assert_int_equal(P->instance.may_enter, 0);
        assert_int_equal(outer_instance.may_enter, 0);
    }
}

static void look_around(uint64_t *flat)
{
    (void)flat;
    assert_int_equal(P->instance.may_enter, 0);
    assert_int_equal(outer_instance.may_enter, 0);
    if (core_result == 1)
        fake_trap(P, "unreachable");
}

static void trap_in_callee(uint64_t *flat)
{
    (void)flat;
    fake_trap(P, "unreachable");
}

static void trap_in_post_return(fake_engine *fake, void *user, uint64_t *flat)
{
    (void)user, (void)flat;
    fake_trap(fake, "integer divide by zero");
}

/* Traps of guest code: whose it is, and that nothing goes on. */
static void test_fused_core_traps(void **state)
{
    (void)state;
    const cj_functype *type = functype(PARAMS(t_string(T)), t_string(T));
    cj_binding *b = make_fused(type, CJ_UTF8, CJ_UTF8, true);
    cj_binding *bad_post_return = fake_fused(F, P, b->plan, type, core_fn, trap_in_post_return, NULL);
    bad_post_return->code = b->code;
    for (int jumps = 0; jumps < 2; jumps++) {
        start();
        F->longjmp_on_trap = jumps;
        core_body = trap_in_callee;
        core_result = BLOCK;
        assert_int_equal(fake_call_import(F, b, SLOTS(DATA, 1, RETPTR), NULL), CJ_TRAP_STRING_UTF8); /* poison is not */
        start();
        F->longjmp_on_trap = jumps;
        core_body = trap_in_callee;
        assert_int_equal(fake_call_import(F, b, SLOTS(DATA, 0, RETPTR), NULL), CJ_TRAP_CORE);
        expect_events("callee.realloc(0,0,1,0)=1024 callee.core(400,0) ");
        assert_string_equal(F->inst.exception, "unreachable"); /* the frame that the host entered finds it there */
        assert_int_equal(F->store.trap.kind, CJ_TRAP_NONE);
        assert_null(F->store.trap.detail);
        if (!jumps) {
            assert_ptr_equal(F->store.trap.bound, b);
            assert_int_equal(F->store.trap.in_results, false);
        }
        assert_int_equal(P->instance.may_enter, 0);
        assert_int_equal(P->instance.may_leave, 1);

        start();
        F->longjmp_on_trap = jumps;
        core_body = return_string;
        core_result = BLOCK;
        assert_int_equal(fake_call_import(F, bad_post_return, SLOTS(DATA, 0, RETPTR), NULL), CJ_TRAP_CORE);
        expect_events("callee.realloc(0,0,1,0)=1024 callee.core(400,0) realloc(0,0,1,3)=1024 callee.post-return(40) ");
        assert_string_equal(F->store.trap.detail, "in post-return");
        assert_string_equal(F->inst.exception, "integer divide by zero");
        assert_int_equal(P->instance.may_leave, 0);
        assert_int_equal(P->instance.may_enter, 0);
        if (!jumps) {
            assert_ptr_equal(F->store.trap.bound, bad_post_return);
            assert_int_equal(F->store.trap.in_results, true);
        }
    }
}

/* The stack is looked at again before each realloc, on either side. */
static void lower_the_stack(uint64_t *flat)
{
    return_string(flat);
    fake_set_stack_low(F, true);
}

static void test_fused_stack(void **state)
{
    (void)state;
    cj_binding *b = make_fused(functype(NO_PARAMS, t_string(T)), CJ_UTF8, CJ_UTF8, false);
    start();
    core_body = lower_the_stack;
    core_result = BLOCK;
    expect_fused(fake_call_import(F, b, SLOTS(RETPTR), NULL), CJ_TRAP_STACK_OVERFLOW, true, "result");
    expect_events("callee.core() ");
}

/* -- Properties ------------------------------------------------------------------------------------------------------------------ */

/* The host calls an export of F, whose core function passes its flat arguments on to P, whose core function passes them on to
 * a host function; results come back likewise. What arrives must be what was sent. */
static cj_binding *relay_fused, *relay_import;
static const cj_functype *relay_type;
static const void *relay_args, *relay_result;

static cj_status relay_host(cj_call_ctx *ctx, const void *args, void *out, cj_error *err)
{
    (void)ctx, (void)err;
    assert_true(args_equal(relay_type, relay_args, args));
    if (relay_type->result)
        memcpy(out, relay_result, relay_type->result->host_size);
    return CJ_OK;
}

static void pass_on(fake_engine *fake, cj_binding *to, uint64_t *flat)
{
    uint64_t args[CJ_MAX_FLAT_PARAMS + 2], result = 0;
    const cj_core_sig *sig = &to->plan->sig;
    memcpy(args, flat, sizeof(uint64_t) * (CJ_MAX_FLAT_PARAMS + 1));
    uint32_t retptr = 0;
    if (sig->spill_results) {
        retptr = fake_guest_alloc(fake, to->plan->result_align, to->plan->result_size);
        memset(fake_at(fake, retptr, to->plan->result_size), FAKE_POISON, to->plan->result_size);
        args[sig->param_count - 1] = retptr;
    }
    assert_true(fake_guest_import(fake, to, args, &result));
    flat[0] = sig->spill_results ? retptr : result;
}

static void caller_core(fake_engine *fake, void *user, uint64_t *flat)
{
    (void)user;
    pass_on(fake, relay_fused, flat);
}

static void callee_core(fake_engine *fake, void *user, uint64_t *flat)
{
    (void)user;
    pass_on(fake, relay_import, flat);
}

static cj_status call_relay_host(void *user, cj_call_ctx *ctx, const void *args, void *out, cj_error *err)
{
    (void)user;
    return relay_host(ctx, args, out, err);
}

static void test_relayed_values(void **state)
{
    (void)state;
    random_source r = random_new(5);
    for (int i = 0; i < (code_for ? 60 : 1000); i++) {
        relay_type = random_functype(&r, T, 1 + random_below(&r, 6), 1 + random_below(&r, 4));
        cj_encoding caller = (cj_encoding)random_below(&r, 3), callee = (cj_encoding)random_below(&r, 3);
        F->group.import_count = P->group.import_count = 0;
        cj_plan *plan = make_plan(relay_type, CJ_PLAN_IMPORT, callee, false);
        relay_import = fake_import(P, plan, relay_type, call_relay_host, NULL);
        relay_import->code = code_for ? code_for(plan) : NULL;
        cj_plan_options options = {.kind = CJ_PLAN_FUSED,
                                   .encoding = callee,
                                   .has_memory = true,
                                   .has_realloc = true,
                                   .caller_encoding = caller,
                                   .caller_has_memory = true,
                                   .caller_has_realloc = true};
        plan = make_plan_of(relay_type, &options);
        relay_fused = fake_fused(F, P, plan, relay_type, callee_core, NULL, NULL);
        relay_fused->code = code_for ? code_for(plan) : NULL;
        plan = make_plan(relay_type, CJ_PLAN_EXPORT, caller, false);
        cj_binding *outer = fake_export(F, plan, relay_type, caller_core, NULL, NULL);
        outer->code = code_for ? code_for(plan) : NULL;

        start();
        F->grow_by = P->grow_by = 64;
        uint32_t max_len = random_below(&r, 8);
        void *args = random_args(&r, relay_type, max_len, &pool);
        void *result = random_result(&r, relay_type, max_len, &pool);
        void *out = pool_alloc(&pool, relay_type->result ? relay_type->result->host_size : 0);
        relay_args = args;
        relay_result = result;
        expect_fused(fake_call_export(F, outer, args, out), CJ_TRAP_NONE, false, "");
        if (relay_type->result)
            assert_true(value_equal(relay_type->result, result, out));
        pool_reset(&pool);
    }
}

/* Random flat arguments over random memory, and reallocs that lie: traps or succeeds, and touches nothing outside
 * (AddressSanitizer). */
static void test_fused_garbage(void **state)
{
    (void)state;
    random_source r = random_new(6);
    uint32_t outcomes[CJ_TRAP_COUNT] = {0}, types = code_for ? 60 : 600, per_type = 20;
    cj_binding *b = NULL;
    for (uint32_t i = 0; i < types * per_type; i++) {
        if (i % per_type == 0)
            b = make_fused(random_functype(&r, T, 1 + random_below(&r, 4), 1 + random_below(&r, 4)),
                           (cj_encoding)random_below(&r, 3), (cj_encoding)random_below(&r, 3), random_below(&r, 2));
        start();
        fake_engine *both[2] = {F, P};
        for (int g = 0; g < 2; g++) {
            uint32_t size = 64 + random_below(&r, 512);
            fake_reset(both[g], size);
            both[g]->bump = size;
            for (uint32_t at = 0; at + 4 <= size; at += 4) /* mostly small: pointers and lengths are often good */
                fake_put32(both[g], at,
                           random_below(&r, 8) ? random_below(&r, 40) * (1 + random_below(&r, 2) * 3)
                                               : (uint32_t)random_u64(&r));
            for (uint32_t s = random_below(&r, 3); s > 0; s--) {
                static const fake_action actions[] = {FAKE_RETURN, FAKE_ADD,  FAKE_AT_END,
                                                      FAKE_GROW,   FAKE_TRAP, FAKE_FILL};
                fake_script(both[g], 1 + random_below(&r, 12), actions[random_below(&r, CJ_COUNT(actions))],
                            random_below(&r, 4) ? random_below(&r, 64) : random_u64(&r) & 0xffff);
            }
        }
        F->longjmp_on_trap = random_below(&r, 2);
        uint64_t flat[CJ_MAX_FLAT_PARAMS + 1], result;
        for (size_t k = 0; k < CJ_COUNT(flat); k++)
            flat[k] = random_below(&r, 16) ? random_below(&r, 24) * (1 + random_below(&r, 2) * 7) : random_u64(&r);
        core_result = random_below(&r, 64);
        cj_trap got = fake_call_import(F, b, flat, &result);
        outcomes[got]++;
        assert_int_equal(P->instance.may_enter, got == CJ_TRAP_NONE);
    }
    assert_true(outcomes[CJ_TRAP_NONE] > types * per_type / 10);
    assert_true(outcomes[CJ_TRAP_DISCRIMINANT] > types * per_type / 200);
    assert_true(outcomes[CJ_TRAP_LIST_BOUNDS] > types * per_type / 200);
    assert_true(outcomes[CJ_TRAP_REALLOC_BOUNDS] > types * per_type / 500);
    assert_true(outcomes[CJ_TRAP_CORE] > types * per_type / 500);
}

size_t boundary_fused_tests(struct CMUnitTest *out)
{
    const struct CMUnitTest tests[] = {
        BOUNDARY_TEST(test_move_numbers),       BOUNDARY_TEST(test_move_normalises),
        BOUNDARY_TEST(test_move_checks),        BOUNDARY_TEST(test_move_joined_slots),
        BOUNDARY_TEST(test_move_leaks_nothing), BOUNDARY_TEST(test_strings_of_reference),
        BOUNDARY_TEST(test_string_alignment),   BOUNDARY_TEST(test_strings_and_lying_realloc),
        BOUNDARY_TEST(test_move_lists),         BOUNDARY_TEST(test_move_list_traps),
        BOUNDARY_TEST(test_lying_realloc),      BOUNDARY_TEST(test_fused_blocks),
        BOUNDARY_TEST(test_fused_steps),        BOUNDARY_TEST(test_fused_refusals),
        BOUNDARY_TEST(test_fused_enters_all),   BOUNDARY_TEST(test_fused_core_traps),
        BOUNDARY_TEST(test_fused_stack),        BOUNDARY_TEST(test_relayed_values),
        BOUNDARY_TEST(test_fused_garbage),
    };
    memcpy(out, tests, sizeof(tests));
    return CJ_COUNT(tests);
}
