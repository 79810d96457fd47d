/* test_text_edges.c: every table of string kernels against the scalar one, where vectors go wrong: at the ends of memory, at every
 * alignment and length, with a fault at every place of a block.
 *
 * Source and output lie between pages that may not be touched, against one or the other; the output is exactly as
 * large as text.h allows the kernel to write. What is right in itself is test_text.c's.
 */
#include "support/cmocka_all.h"
#include "support/random_values.h"

#include "base/utf8.h"
#include "exec/text/text.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static const cj_text_kernels *K; /* under test */

/* -- Kernels of one form ------------------------------------------------------------------------------------------- */

typedef struct outcome {
    size_t result, read;
} outcome;
typedef enum source { UTF8, UTF16, LATIN1 } source;

/* The kernel; and the room that text.h asks for, in bytes, with what the kernel gives. */
#define KERNEL(name, call, bytes) \
    static outcome run_##name(const cj_text_kernels *k, const uint8_t *s, size_t n, uint8_t *out) \
    { \
        outcome o = {0, 0}; \
        (void)out; \
        o.result = call; \
        return o; \
    } \
    static size_t room_##name(outcome o, size_t n) \
    { \
        (void)o, (void)n; \
        return bytes; \
    }
KERNEL(utf8_valid, k->utf8_valid(s, n), 0)
KERNEL(utf8_copy, k->utf8_copy(s, n, out), n)
KERNEL(utf16_valid, k->utf16_valid(s, n), 0)
KERNEL(utf16_utf8_len, k->utf16_utf8_len(s, n), 0)
KERNEL(latin1_utf8_len, k->latin1_utf8_len(s, n), 0)
KERNEL(utf8_to_utf16, k->utf8_to_utf16(s, n, out), o.result == CJ_TEXT_BAD ? 2 * n : 2 * o.result)
KERNEL(utf16_to_utf8, k->utf16_to_utf8(s, n, out), o.result == CJ_TEXT_BAD ? 3 * n : o.result)
KERNEL(latin1_to_utf8, k->latin1_to_utf8(s, n, out), o.result)
KERNEL(latin1_to_ascii, k->latin1_to_ascii(s, n, out), n)
KERNEL(utf16_to_ascii, k->utf16_to_ascii(s, n, out), n)
KERNEL(utf8_to_latin1, k->utf8_to_latin1(s, n, out, &o.read), n)
KERNEL(utf16_to_latin1, k->utf16_to_latin1(s, n, out, &o.read), n)
KERNEL(latin1_to_utf16, (k->latin1_to_utf16(s, n, out), 2 * n), 2 * n)

typedef struct kernel {
    const char *name;
    source from;
    size_t scale; /* output bytes for each of the result */
    outcome (*run)(const cj_text_kernels *, const uint8_t *, size_t, uint8_t *);
    size_t (*room)(outcome, size_t);
} kernel;
#define ROW(name, from, scale) \
    { \
        #name, from, scale, run_##name, room_##name \
    }
static const kernel kernels[] = {
    ROW(utf8_copy, UTF8, 0),         ROW(utf8_valid, UTF8, 0),        ROW(utf16_valid, UTF16, 0),
    ROW(utf16_utf8_len, UTF16, 0),   ROW(latin1_utf8_len, LATIN1, 0), ROW(utf8_to_utf16, UTF8, 2),
    ROW(utf16_to_utf8, UTF16, 1),    ROW(latin1_to_utf8, LATIN1, 1),  ROW(latin1_to_ascii, LATIN1, 1),
    ROW(utf16_to_ascii, UTF16, 1),   ROW(utf8_to_latin1, UTF8, 1),    ROW(utf16_to_latin1, UTF16, 1),
    ROW(latin1_to_utf16, LATIN1, 1),
};

/* -- Memory between two forbidden pages ---------------------------------------------------------------------------- */

typedef struct arena {
    uint8_t *start, *end;
} arena;
enum { ARENA = 16384, FILL = 0xa5 };

static arena arena_new(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *all = mmap(NULL, ARENA + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(all != MAP_FAILED);
    assert_int_equal(mprotect(all + page, ARENA, PROT_READ | PROT_WRITE), 0);
    return (arena){all + page, all + page + ARENA};
}

static arena in, out;

static void all_fill(const uint8_t *from, const uint8_t *to, const char *what, const kernel *f, size_t n)
{
    for (; from < to; from++)
        if (*from != FILL)
            fail_msg("%s %s: %zu of source: writes %s its room", K->name, f->name, n, what);
}

/* One kernel, with source and output at these places. `expected` and `right` are the scalar kernel's. */
static void check_at(const kernel *f, const uint8_t *s, size_t n, uint8_t *to, size_t room, outcome expected,
                     const uint8_t *right)
{
    enum { AROUND = 192 };
    uint8_t *before = to - out.start > AROUND ? to - AROUND : out.start,
            *after = out.end - (to + room) > AROUND ? to + room + AROUND : out.end;
    memset(before, FILL, (size_t)(after - before));
    outcome o = f->run(K, s, n, to);
    if (o.result != expected.result || o.read != expected.read)
        fail_msg("%s %s: %zu of source: %zd, read %zu, not %zd, read %zu", K->name, f->name, n, o.result, o.read,
                 expected.result, expected.read);
    if (expected.result != CJ_TEXT_BAD && memcmp(to, right, f->scale * expected.result) != 0)
        fail_msg("%s %s: %zu of source: wrong output", K->name, f->name, n);
    if (f->run == run_utf8_copy)
        assert_memory_equal(to, s, n);
    all_fill(before, to, "before", f, n);
    all_fill(to + room, after, "past", f, n);
}

/* All kernels for this source, against the pages. */
static void check_text(source from, const void *text, size_t n)
{
    static uint8_t right[ARENA];
    size_t size = n << (from == UTF16);
    uint8_t *first = memcpy(in.start, text, size), *last = memcpy(in.end - size, text, size);
    for (size_t i = 0; i < CJ_COUNT(kernels); i++) {
        const kernel *f = &kernels[i];
        if (f->from != from)
            continue;
        outcome expected = f->run(&cj__text_scalar, last, n, right);
        size_t room = f->room(expected, n);
        check_at(f, last, n, out.end - room, room, expected, right);
        check_at(f, first, n, out.start, room, expected, right);
    }
}

/* The same at every alignment of the source, and of the output against it. */
static void check_alignments(source from, const void *text, size_t n)
{
    static uint8_t right[ARENA];
    for (size_t i = 0; i < CJ_COUNT(kernels); i++) {
        const kernel *f = &kernels[i];
        if (f->from != from)
            continue;
        for (size_t a = 0; a < 64; a++) {
            uint8_t *s = memcpy(in.start + 64 + a, text, n << (from == UTF16));
            outcome expected = f->run(&cj__text_scalar, s, n, right);
            size_t room = f->room(expected, n);
            for (size_t b = 0; b < 64; b += 1 + a % 3)
                check_at(f, s, n, out.start + 512 + b, room, expected, right);
        }
    }
}

/* -- Texts ------------------------------------------------------------------------------------------------------------ */

enum { MAX_CHARS = 1200 };
typedef enum kind { ASCII, LATIN, CYRILLIC, CHINESE, EMOJI, MIXED, KINDS } kind;

static uint32_t random_char(random_source *r, kind k)
{
    static const uint32_t edges[] = {0,      0x7f,   0x80,   0xff,   0x100,   0x7ff,   0x800,   0xfff,   0x1000,
                                     0xcfff, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x3ffff, 0x40000, 0xfffff, 0x10ffff};
    switch (k) {
    case ASCII:
        return random_below(r, 0x80);
    case LATIN:
        return random_below(r, 8) ? random_below(r, 0x80) : 0x80 + random_below(r, 0x80);
    case CYRILLIC:
        return random_below(r, 6) ? 0x400 + random_below(r, 0x100) : ' ';
    case CHINESE:
        return 0x4e00 + random_below(r, 0x5000);
    case EMOJI:
        return random_below(r, 3) ? 0x1f300 + random_below(r, 0x300) : ' ';
    default:
        return edges[random_below(r, CJ_COUNT(edges))];
    }
}

typedef struct text {
    uint8_t utf8[4 * MAX_CHARS];
    uint16_t utf16[2 * MAX_CHARS];
    size_t len, units;
} text;

static void add_char(text *t, uint32_t c)
{
    t->len += cj__utf8_encode(c, (char *)t->utf8 + t->len);
    if (c >= 0x10000) {
        t->utf16[t->units++] = (uint16_t)(0xd7c0 + (c >> 10));
        t->utf16[t->units++] = (uint16_t)(0xdc00 + (c & 0x3ff));
    } else {
        t->utf16[t->units++] = (uint16_t)c;
    }
}

static const text *make_text(random_source *r, kind k, size_t chars)
{
    static text t;
    t.len = t.units = 0;
    while (chars--)
        add_char(&t, random_char(r, k));
    return &t;
}

/* -- Tests ------------------------------------------------------------------------------------------------------------ */

/* Cut wherever the length says: most are malformed at their end. */
static void test_every_length(void **state)
{
    (void)state;
    random_source r = random_new(11);
    for (kind k = 0; k < KINDS; k++) {
        const text *t = make_text(&r, k, 320);
        for (size_t n = 0; n <= 300; n++) {
            check_text(UTF8, t->utf8, n);
            check_text(UTF16, t->utf16, n);
            check_text(LATIN1, t->utf8, n);
        }
    }
}

static void test_whole_texts(void **state)
{
    (void)state;
    random_source r = random_new(12);
    for (kind k = 0; k < KINDS; k++)
        for (size_t chars = 0; chars <= 300; chars++) {
            const text *t = make_text(&r, k, chars);
            check_text(UTF8, t->utf8, t->len);
            check_text(UTF16, t->utf16, t->units);
        }
}

static void test_every_alignment(void **state)
{
    (void)state;
    random_source r = random_new(13);
    for (kind k = 0; k < KINDS; k++) {
        const text *t = make_text(&r, k, 170);
        check_alignments(UTF8, t->utf8, t->len);
        check_alignments(UTF16, t->utf16, t->units);
        check_alignments(LATIN1, t->utf8, 170);
    }
}

/* Runs of one kind, so that every path is taken before and after the other. */
static void test_runs(void **state)
{
    (void)state;
    random_source r = random_new(14);
    static text t;
    for (int round = 0; round < 600; round++) {
        t.len = t.units = 0;
        while (t.units < 900) {
            kind k = (kind)random_below(&r, KINDS);
            for (uint32_t n = random_below(&r, random_below(&r, 4) ? 12 : 280); n && t.units < 1100; n--)
                add_char(&t, random_char(&r, k));
        }
        check_text(UTF8, t.utf8, t.len);
        check_text(UTF16, t.utf16, t.units);
        check_text(LATIN1, t.utf8, t.len);
    }
}

/* Each fault between characters of one length each, at every place of several blocks, whole and with the text cut after it. */
static void test_every_fault_everywhere(void **state)
{
    (void)state;
    static const char *const faults[] = {"\x80",
                                         "\xbf",
                                         "\xc0\xaf",
                                         "\xc1\xbf",
                                         "\xe0\x80\xaf",
                                         "\xe0\x9f\xbf",
                                         "\xf0\x80\x80\xaf",
                                         "\xed\xa0\x80",
                                         "\xed\xbf\xbf",
                                         "\xf0\x8f\xbf\xbf",
                                         "\xf4\x90\x80\x80",
                                         "\xf5\x80\x80\x80",
                                         "\xf8\x88\x80\x80\x80",
                                         "\xff",
                                         "\xfe",
                                         "\xc3",
                                         "\xe2\x82",
                                         "\xf0\x9f\x98",
                                         "\xe2",
                                         "\xf0\x9f",
                                         "\xf0",
                                         "\xc3\xa9\x80",
                                         "\xe2\x82\xac\x80",
                                         "\xf0\x9f\x98\x80\x80",
                                         "\xc3\xc3\xa9",
                                         "\xf7\xbf\xbf\xbf"};
    static const char *const fillers[] = {"a", "\xc3\xa9", "\xd0\x96", "\xe4\xb8\xad", "\xf0\x9f\x98\x80"};
    uint8_t s[400];
    for (size_t f = 0; f < CJ_COUNT(faults); f++) {
        size_t bad = strlen(faults[f]);
        assert_false(cj__text_scalar.utf8_valid((const uint8_t *)faults[f], bad));
        for (size_t c = 0; c < CJ_COUNT(fillers); c++) {
            size_t size = strlen(fillers[c]);
            for (size_t lead_in = 0; lead_in < size; lead_in++) /* ASCII, so that every place is met */
                for (size_t before = lead_in; before < 200; before += size) {
                    size_t n = lead_in;
                    memset(s, 'x', lead_in);
                    for (; n < before; n += size)
                        memcpy(s + n, fillers[c], size);
                    memcpy(s + n, faults[f], bad);
                    n += bad;
                    check_text(UTF8, s, n);
                    for (size_t i = 0; i < 170 / size; i++, n += size)
                        memcpy(s + n, fillers[c], size);
                    check_text(UTF8, s, n);
                }
        }
    }
}

/* Every value of every byte of a text of all lengths of characters. */
static void test_every_byte_changed(void **state)
{
    (void)state;
    random_source r = random_new(15);
    const text *t = make_text(&r, MIXED, 60);
    static uint8_t s[4 * MAX_CHARS];
    memcpy(s, t->utf8, t->len);
    for (size_t i = 0; i < t->len; i++) {
        uint8_t was = s[i];
        for (unsigned v = 0; v < 256; v++) {
            s[i] = (uint8_t)v;
            check_text(UTF8, s, t->len);
        }
        s[i] = was;
    }
}

static void test_every_surrogate_everywhere(void **state)
{
    (void)state;
    static const uint16_t faults[][3] = {{1, 0xd800},         {1, 0xdbff},         {1, 0xdc00},
                                         {1, 0xdfff},         {2, 0xdc00, 0xd800}, {2, 0xd800, 0xd800},
                                         {2, 0xdfff, 0xdc00}, {2, 0xd800, 0xdc00}};
    static const uint16_t fillers[][3] = {{1, 'a'}, {1, 0xe9}, {1, 0x416}, {1, 0x4e2d}, {2, 0xd83d, 0xde00}};
    static uint16_t s[400];
    for (size_t f = 0; f < CJ_COUNT(faults); f++)
        for (size_t c = 0; c < CJ_COUNT(fillers); c++)
            for (size_t lead_in = 0; lead_in < fillers[c][0]; lead_in++)
                for (size_t before = lead_in; before < 150; before += fillers[c][0]) {
                    size_t n = lead_in;
                    s[0] = 'x';
                    for (; n < before; n += fillers[c][0])
                        memcpy(s + n, fillers[c] + 1, 4);
                    memcpy(s + n, faults[f] + 1, 4);
                    n += faults[f][0];
                    check_text(UTF16, s, n);
                    for (size_t i = 0; i < 140; i += fillers[c][0], n += fillers[c][0])
                        memcpy(s + n, fillers[c] + 1, 4);
                    check_text(UTF16, s, n);
                }
}

/* The first character that does not fit, at every place: prefixes end right before it. */
static void test_every_prefix(void **state)
{
    (void)state;
    static uint16_t s[300];
    static uint8_t b[300], u[300];
    static const uint16_t high[] = {0x80, 0xff, 0x100, 0x17f, 0x8000, 0xd800};
    for (size_t at = 0; at < 280; at++)
        for (size_t h = 0; h < CJ_COUNT(high); h++) {
            for (size_t i = 0; i < 300; i++)
                s[i] = (uint16_t)('a' + i % 26), b[i] = u[i] = (uint8_t)s[i];
            s[at] = high[h], b[at] = (uint8_t)(0x80 | high[h]);
            memcpy(u + at, "\xc4\x80", 2);
            check_text(UTF16, s, 300);
            check_text(LATIN1, b, 300);
            check_text(UTF8, u, 300);
        }
}

static void test_in_place(void **state)
{
    (void)state;
    random_source r = random_new(16);
    static uint8_t right[2 * 1200];
    for (size_t n = 0; n <= 1200; n += n < 300 ? 1 : 37) {
        const text *t = make_text(&r, LATIN, n);
        cj__text_scalar.latin1_to_utf16(t->utf8, n, right);
        for (int at_end = 0; at_end < 2; at_end++) {
            uint8_t *s = memcpy(at_end ? in.end - 2 * n : in.start, t->utf8, n);
            K->latin1_to_utf16(s, n, s);
            assert_memory_equal(s, right, 2 * n);
        }
        for (size_t stop = 0; stop <= n; stop += 1 + n / 3) {
            uint8_t *s = memcpy(in.end - 2 * n, t->utf16, 2 * n);
            if (stop < n)
                memcpy(s + 2 * stop, "\x00\x01", 2);
            size_t read, narrow = K->utf16_to_latin1(s, n, s, &read);
            assert_int_equal(narrow, stop);
            assert_int_equal(read, stop);
            for (size_t i = 0; i < stop; i++)
                assert_int_equal(s[i], t->utf16[i]);
            assert_memory_equal(s + 2 * stop + (stop < n ? 2 : 0), t->utf16 + stop + (stop < n ? 1 : 0),
                                2 * (n - stop - (stop < n ? 1 : 0)));
        }
    }
}

/* The short way in front of the tables says what they say. */
static void test_short_way(void **state)
{
    (void)state;
    random_source r = random_new(17);
    for (int round = 0; round < 20000; round++) {
        const text *t =
            make_text(&r, random_below(&r, 2) ? ASCII : (kind)random_below(&r, KINDS), 1 + random_below(&r, 12));
        for (size_t n = 0; n <= t->len && n <= 40; n++) {
            uint8_t *s = memcpy(in.end - n, t->utf8, n);
            assert_int_equal(cj__text_utf8_valid(s, n), cj__text_scalar.utf8_valid(s, n));
        }
        for (size_t n = 0; n <= t->units && n <= 20; n++) {
            uint8_t *s = memcpy(in.end - 2 * n, t->utf16, 2 * n);
            assert_int_equal(cj__text_utf16_valid(s, n), cj__text_scalar.utf16_valid(s, n));
        }
    }
}

static void test_short_copy(void **state)
{
    (void)state;
    for (size_t i = 0; i < 64; i++)
        in.end[(ptrdiff_t)i - 64] = (uint8_t)(i * 7 + 1);
    for (size_t n = 0; n <= 64; n++) {
        memset(out.end - 64, FILL, 64);
        cj__text_copy(out.end - n, in.end - n, n);
        assert_memory_equal(out.end - n, in.end - n, n);
        for (size_t i = n + 1; i <= 64; i++)
            assert_int_equal(out.end[-(ptrdiff_t)i], FILL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_length),
        cmocka_unit_test(test_whole_texts),
        cmocka_unit_test(test_every_alignment),
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_every_fault_everywhere),
        cmocka_unit_test(test_every_byte_changed),
        cmocka_unit_test(test_every_surrogate_everywhere),
        cmocka_unit_test(test_every_prefix),
        cmocka_unit_test(test_in_place),
    };
    const struct CMUnitTest once[] = {cmocka_unit_test(test_short_way), cmocka_unit_test(test_short_copy)};
    in = arena_new();
    out = arena_new();
    int failed = cmocka_run_group_tests_name("all tables", once, NULL, NULL);
    static const char *const names[] = {"scalar", "sse4", "avx2", "avx512", "neon"};
    for (size_t i = 0; i < CJ_COUNT(names); i++) {
        K = cj__text_named(names[i]);
        if (K)
            failed += cmocka_run_group_tests_name(names[i], tests, NULL, NULL);
    }
    return failed;
}
