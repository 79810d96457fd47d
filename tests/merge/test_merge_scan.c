/* test_merge_scan.c: the two ways through function bodies: the loop that does what is usual, and the code that knows
 * everything. Of any body they must say the same, with the same words at the same offset, and find the same sites.
 *
 * Bodies are made of good pieces, put together at random, and most are then spoilt. The body is the end of its block of
 * memory, so that AddressSanitizer sees reads past it.
 */
#include "unit/support/cmocka_all.h"

#include "link/core_module.h"
#include "link/merge_internal.h"
#include "unit/support/bytes.h"

static uint64_t random_state = 88172645463325252u;

static uint32_t random_below(uint32_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state % n);
}

/* Types 0 to 12, of which 11 is () -> () (the byte of `end` as an index); functions 0 to 12 of these types, the last
 * being the one that is made here, (i32, i64, f32, f64) -> i32 with locals of its own; a table, a memory; globals: i32
 * and i64 mutable, f32 not. */
static const char head[] =
    "? 01( 0d 60 00 00  60 01 7f 00  60 00 01 7f  60 02 7f 7e 01 7f  60 08 7f 7f 7f 7f 7f 7f 7f 7f 01 7e"
    "      60 09 7f 7f 7f 7f 7f 7f 7f 7f 7f 01 7d  60 00 02 7f 7f  60 02 7f 7f 02 7f 7f  60 01 7c 01 7c"
    "      60 01 7d 01 7d  60 01 7e 01 7e  60 00 00  60 04 7f 7e 7d 7c 01 7f )"
    "03( 0e 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0c ) 04( 01 70 00 05 ) 05( 01 00 01 )"
    "06( 03 7f 01 41 00 0b 7e 01 42 00 0b 7d 00 43 00 00 00 00 0b ) 07( 01 'e' 00 02 )";

/* Pieces that take and leave nothing; the parameters are locals 0 to 3, behind them i32, i64, and 200 of f64. */
static const char *const pieces[] = {
    "01", /* nop */
    "20 00 1a",
    "20 01 1a",
    "20 c9 01 1a",
    "20 80 00 1a", /* local.get, with padding too */
    "20 00 21 04",
    "42 05 22 05 1a",
    "20 03 21 ca 01", /* local.set, tee */
    "41 c0 00 1a",
    "41 ff ff ff ff 07 1a",
    "41 80 80 80 80 78 1a",
    "41 80 80 80 80 00 1a",
    "41 80 80 80 01 1a",
    "42 00 1a",
    "42 80 80 80 80 80 80 80 80 01 1a",
    "42 80 80 80 80 80 80 80 80 80 7f 1a",
    "42 ff ff 03 1a",
    "43 00 00 80 3f 1a",
    "44 00 00 00 00 00 00 f0 3f 1a",
    "20 00 41 01 6a 21 00",
    "20 01 20 01 7c 50 1a",
    "20 02 8b 20 02 92 21 02",
    "20 03 20 03 63 45 1a",
    "20 00 28 02 10 1a",
    "20 00 29 03 80 02 1a",
    "20 00 2d 00 80 80 80 80 00 1a",
    "41 00 2b 00 ff ff 03 1a",
    "20 00 20 01 37 03 08",
    "20 00 20 02 38 02 00",
    "20 00 41 07 3a 00 90 4e",
    "02 40 0b",
    "02 7f 20 00 0b 1a",
    "03 40 0b",
    "03 7e 20 01 0b 1a",
    "20 00 04 40 0b",
    "20 00 04 40 01 05 01 0b",
    "20 00 04 7f 41 01 05 41 02 0b 1a",
    "02 40 0c 00 0b",
    "02 40 20 00 0d 00 0b",
    "02 7f 41 01 20 00 0d 00 0b 1a",
    "02 7d 20 02 0c 00 0b 1a",
    "03 40 20 00 0d 00 0b",
    "02 40 02 40 20 00 0e 01 00 01 0b 0b",
    "02 40 00 0b",
    "02 7f 00 6a 0b 1a",
    "02 40 41 01 0f 0b",
    "02 40 41 01 0c 01 0b",
    "02 06 41 01 41 02 0b 1a 1a",
    "20 00 20 00 02 07 0b 1a 1a",
    "02 7f 00 0b 1a",
    "02 40 00 1a 1a 0b",
    "02 7c 00 2b 03 00 9b 0b 1a",
    "10 00",
    "20 00 10 01",
    "10 02 1a",
    "20 00 20 01 10 03 1a",
    "41 01 [20 00]x7 10 04 1a",
    "[20 00]x9 10 05 1a",
    "10 06 1a 1a",
    "41 01 41 02 10 07 1a 1a",
    "20 03 10 08 1a",
    "10 0b",
    "10 8b 80 00",
    "20 00 11 00 00",
    "41 01 11 00 00",
    "20 00 20 00 11 01 00",
    "20 00 11 02 00 1a",
    "20 00 11 0b 00",
    "20 00 20 01 20 00 11 03 00 1a",
    "[20 00]x9 11 04 00 1a",
    "[20 00]x10 11 05 00 1a",
    "20 00 11 00 80 00",
    "23 00 24 00",
    "23 01 24 01",
    "23 02 1a",
    "23 80 00 1a",
    "20 00 20 00 20 00 1b 1a",
    "20 03 20 03 20 00 1b 1a",
    "d0 70 1a",
    "20 00 20 00 20 00 1c 01 7f 1a",
    "20 00 20 00 20 00 fc 0a 00 00",
    "3f 00 40 00 1a",
    "20 02 fc 00 1a",
    "d2 02 1a",
    "20 00 25 00 1a",
};

static void add_text(test_bytes *b, const char *text)
{
    test_bytes piece = test_bytes_of(text);
    test_bytes_add(b, piece.at, piece.len);
    free(piece.at);
}

static void spoil(test_bytes *body)
{
    static const uint8_t likely[] = {0x0b, 0x0c, 0x10, 0x11, 0x20, 0x28, 0x36,
                                     0x41, 0x42, 0x7f, 0x80, 0xff, 0x05, 0x1a};
    for (uint32_t n = random_below(3); n > 0; n--)
        body->at[random_below((uint32_t)body->len)] =
            random_below(2) ? likely[random_below(CJ_COUNT(likely))] : (uint8_t)random_below(256);
    if (random_below(3) == 0) { /* cut off, often just where an `end` could be */
        body->len = 1 + random_below((uint32_t)body->len);
        if (random_below(2))
            body->at[body->len - 1] = 0x0b;
    }
}

static test_bytes make_body(void)
{
    test_bytes body = test_bytes_of("03 01 7f 01 7e #200 7c");
    for (uint32_t n = random_below(12); n > 0; n--)
        add_text(&body, pieces[random_below(CJ_COUNT(pieces))]);
    add_text(&body, "41 2a 0b");
    return body;
}

/* A module that ends with this body, as the last of its functions, the others being as small as can be. */
static test_bytes make_module(const test_bytes *body)
{
    test_bytes b = test_bytes_of(head), code = test_bytes_of("0e [( 00 00 0b )]x13"), sized = {0};
    test_bytes_add(&sized, body->at, body->len);
    test_bytes_sized(&code, &sized);
    test_bytes_byte(&b, 10);
    test_bytes_sized(&b, &code);
    return b;
}

typedef struct outcome {
    cj_status status;
    cj_error err;
    cj_scanned scanned;
} outcome;

static void scan(const cj_config *config, cj_arena *arena, const cj_core_outline *outline, bool interruptible,
                 bool plainly, outcome *out)
{
    memset(out, 0, sizeof(*out));
    cj_scanner *scanner = cj__scanner_new(config, interruptible, &out->err);
    assert_non_null(scanner);
    if (plainly)
        cj__scanner_plainly(scanner);
    out->scanned.outline = outline;
    out->status = cj__scan_module(scanner, arena, &out->scanned);
    cj__scanner_delete(scanner);
}

/* Whether it was found good. */
static bool compare(const cj_config *config, const test_bytes *module)
{
    cj_arena *arena;
    cj_core_outline outline;
    cj_error err;
    outcome a, b;
    uint8_t *exact = test_bytes_exact(module->at, module->len);
    assert_int_equal(cj_arena_new(NULL, &arena), CJ_OK);
    cj_status status = cj__core_outline(config, (cj_bytes){exact, module->len, 0}, arena, &outline, &err);
    if (status != CJ_OK)
        fail_msg("%s", err.message);
    bool interruptible = random_below(2);
    scan(config, arena, &outline, interruptible, false, &a);
    scan(config, arena, &outline, interruptible, true, &b);
    assert_int_equal(a.status, b.status);
    if (a.status != CJ_OK) {
        assert_string_equal(a.err.message, b.err.message);
        assert_string_equal(a.err.where, b.err.where);
        assert_int_equal(a.err.offset, b.err.offset);
    } else {
        assert_int_equal(a.scanned.sites.len, b.scanned.sites.len);
        for (size_t i = 0; i < a.scanned.sites.len; i++) {
            const cj_site *x = &a.scanned.sites.at[i], *y = &b.scanned.sites.at[i];
            assert_true(x->at == y->at && x->value == y->value && x->aux == y->aux && x->kind == y->kind &&
                        x->len == y->len);
        }
        const cj_body *x = &a.scanned.bodies[outline.body_count - 1], *y = &b.scanned.bodies[outline.body_count - 1];
        assert_true(x->site_count == y->site_count && x->local_count == y->local_count && x->weight == y->weight &&
                    x->has_loop == y->has_loop && x->has_bulk == y->has_bulk && x->forwards == y->forwards);
    }
    CJ_VEC_FREE(cj__alloc_or_default(NULL), &a.scanned.sites);
    CJ_VEC_FREE(cj__alloc_or_default(NULL), &b.scanned.sites);
    cj_arena_delete(arena);
    free(exact);
    return a.status == CJ_OK;
}

static void both_ways_say_the_same(void **state)
{
    (void)state;
    enum { ROUNDS = 30000 };
    uint32_t good = 0;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        cj_config config;
        cj_config_init(&config);
        if (random_below(4) == 0) {
            config.max_function_slots = 206 + random_below(12);
            config.max_function_nesting = random_below(3);
        }
        test_bytes body = make_body();
        if (random_below(8))
            spoil(&body);
        test_bytes module = make_module(&body);
        good += compare(&config, &module);
        free(body.at);
        free(module.at);
    }
    print_message("%u of %u are good\n", good, (uint32_t)ROUNDS);
    assert_in_range(good, ROUNDS / 10, ROUNDS / 2);
}

/* Each piece alone is good, and so are all together. */
static void the_pieces_are_good(void **state)
{
    (void)state;
    cj_config config;
    cj_config_init(&config);
    test_bytes all = test_bytes_of("03 01 7f 01 7e #200 7c");
    for (size_t i = 0; i <= CJ_COUNT(pieces); i++) {
        test_bytes body = i < CJ_COUNT(pieces) ? test_bytes_of("03 01 7f 01 7e #200 7c") : all;
        if (i < CJ_COUNT(pieces)) {
            add_text(&body, pieces[i]);
            add_text(&all, pieces[i]);
        }
        add_text(&body, "41 2a 0b");
        test_bytes module = make_module(&body);
        if (!compare(&config, &module))
            fail_msg("%s", i < CJ_COUNT(pieces) ? pieces[i] : "all together");
        free(body.at);
        free(module.at);
    }
}

/* Each is cut off where the loop does not look, or holds more than the loop takes. */
static void what_the_loop_must_not_take(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "00 41 00 11 0b",                   /* type 11, and no table */
        "00 41 00 28 0b",                   /* an alignment of 11 */
        "00 41 00 28 02 0b",                /* offset 11, and no more */
        "00 20 0b",                         /* local 11 */
        "00 23 0b",                         /* global 11 */
        "00 43 0b",                         /* four bytes, of which there is one */
        "00 44 00 00 00 00 00 00 0b",       /* eight, of which there are seven */
        "00 42 80 80 80 80 80 80 80 80 0b", /* nine */
        "00 41 80 80 80 80 0b",             /* five, the last of which has bits too many */
        "00 0c 0b",                         /* label 11 */
        "00 02 0b",                         /* no type of a block */
        "00 24 02 0b",                      /* an immutable global */
        "00 0b 0b",                         /* more after the end */
        "00",                               /* nothing */
        "00 41 00 10",                      /* ends with an opcode */
        "00 41 2a 1a 41 80",                /* ends within an integer */
    };
    cj_config config;
    cj_config_init(&config);
    for (size_t i = 0; i < CJ_COUNT(bodies); i++) {
        test_bytes body = test_bytes_of(bodies[i]), module = make_module(&body);
        if (compare(&config, &module))
            fail_msg("%s was found good", bodies[i]);
        free(body.at);
        free(module.at);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_pieces_are_good),
        cmocka_unit_test(what_the_loop_must_not_take),
        cmocka_unit_test(both_ways_say_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
