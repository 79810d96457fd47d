/* test_text.c: every table of string kernels against a slow reference.
 *
 * The reference knows UTF-8 by Unicode's table of well-formed byte sequences (table 3-7) and UTF-16 by its definition,
 * one code point at a time, and shares nothing with the kernels. Sources and outputs are blocks of exactly their size,
 * for AddressSanitizer.
 */
#include "support/cmocka_all.h"
#include "support/random_values.h"

#include "exec/text/short.h"

#include <stdlib.h>

static const cj_text_kernels *K; /* under test */

/* -- The reference ------------------------------------------------------------------------------------------------- */

enum { MAX_CHARS = 4096 };
typedef struct decoded {
    uint32_t at[MAX_CHARS];
    size_t offset[MAX_CHARS + 1]; /* where each begins in the source */
    size_t count;
    bool valid; /* else `count` characters were before the fault */
} decoded;

/* Table 3-7: first byte's range, second byte's range, length. */
static const struct {
    uint8_t first_lo, first_hi, second_lo, second_hi, len;
} well_formed[] = {
    {0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
    {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
    {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

static uint32_t bits_of(const uint8_t *s, size_t n)
{
    switch (n) {
    case 1:
        return s[0];
    case 2:
        return (s[0] & 31u) * 64 + (s[1] & 63u);
    case 3:
        return (s[0] & 15u) * 4096 + (s[1] & 63u) * 64 + (s[2] & 63u);
    default:
        return (s[0] & 7u) * 262144 + (s[1] & 63u) * 4096 + (s[2] & 63u) * 64 + (s[3] & 63u);
    }
}

static void decode_utf8(const uint8_t *s, size_t len, decoded *out)
{
    out->count = 0;
    out->valid = false;
    size_t i = 0;
    while (i < len) {
        size_t n = 0;
        for (size_t row = 0; row < CJ_COUNT(well_formed) && !n; row++) {
            if (s[i] < well_formed[row].first_lo || s[i] > well_formed[row].first_hi || len - i < well_formed[row].len)
                continue;
            n = well_formed[row].len;
            if (n > 1 && (s[i + 1] < well_formed[row].second_lo || s[i + 1] > well_formed[row].second_hi))
                n = 0;
            for (size_t j = 2; n && j < n; j++)
                n = s[i + j] >= 0x80 && s[i + j] <= 0xbf ? n : 0;
        }
        out->offset[out->count] = i;
        if (!n)
            return;
        assert_true(out->count < MAX_CHARS);
        out->at[out->count++] = bits_of(s + i, n);
        i += n;
    }
    out->offset[out->count] = i;
    out->valid = true;
}

static void decode_utf16(const uint16_t *s, size_t units, decoded *out)
{
    out->count = 0;
    out->valid = false;
    for (size_t i = 0; i < units; out->count++) {
        bool high = s[i] >> 10 == 0x36, low = s[i] >> 10 == 0x37;
        bool pair = high && i + 1 < units && s[i + 1] >> 10 == 0x37;
        out->offset[out->count] = i;
        if (low || (high && !pair))
            return;
        assert_true(out->count < MAX_CHARS);
        out->at[out->count] = pair ? 0x10000u + (s[i] & 0x3ffu) * 0x400 + (s[i + 1] & 0x3ffu) : s[i];
        i += pair ? 2 : 1;
    }
    out->offset[out->count] = units;
    out->valid = true;
}

static size_t encode_utf8(const uint32_t *chars, size_t count, uint8_t *out)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t c = chars[i];
        if (c >= 0x10000)
            out[n++] = (uint8_t)(0xf0 + c / 262144), out[n++] = (uint8_t)(0x80 + c / 4096 % 64);
        else if (c >= 0x800)
            out[n++] = (uint8_t)(0xe0 + c / 4096);
        if (c >= 0x800)
            out[n++] = (uint8_t)(0x80 + c / 64 % 64), out[n++] = (uint8_t)(0x80 + c % 64);
        else if (c >= 0x80)
            out[n++] = (uint8_t)(0xc0 + c / 64), out[n++] = (uint8_t)(0x80 + c % 64);
        else
            out[n++] = (uint8_t)c;
    }
    return n;
}

static size_t encode_utf16(const uint32_t *chars, size_t count, uint16_t *out)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (chars[i] < 0x10000) {
            out[n++] = (uint16_t)chars[i];
        } else {
            out[n++] = (uint16_t)(0xd800 + (chars[i] - 0x10000) / 1024);
            out[n++] = (uint16_t)(0xdc00 + (chars[i] - 0x10000) % 1024);
        }
    }
    return n;
}

/* -- Kernels against it -------------------------------------------------------------------------------------------- */

/* A block of exactly `size` bytes. */
static uint8_t *exact(const void *from, size_t size)
{
    uint8_t *block = malloc(size ? size : 1);
    assert_non_null(block);
    if (size && from)
        memcpy(block, from, size);
    return size ? block : block + 1; /* of no bytes: none may be touched */
}

static void give_back(uint8_t *block, size_t size)
{
    free(size ? block : block - 1);
}

static void check_utf8(const uint8_t *bytes, size_t len)
{
    static decoded d;
    static uint16_t units[MAX_CHARS * 2];
    decode_utf8(bytes, len, &d);
    size_t unit_count = encode_utf16(d.at, d.count, units);
    uint8_t *s = exact(bytes, len);

    assert_int_equal(K->utf8_valid(s, len), d.valid);

    size_t room = d.valid ? 2 * unit_count : 2 * len;
    uint8_t *out = exact(NULL, room);
    assert_int_equal(K->utf8_to_utf16(s, len, out), d.valid ? unit_count : CJ_TEXT_BAD);
    if (d.valid && room)
        assert_memory_equal(out, units, room);
    give_back(out, room);

    size_t narrow = 0, read = 12345;
    while (narrow < d.count && d.at[narrow] <= 0xff)
        narrow++;
    out = exact(NULL, len);
    assert_int_equal(K->utf8_to_latin1(s, len, out, &read), narrow);
    assert_int_equal(read, d.offset[narrow]);
    for (size_t i = 0; i < narrow; i++)
        assert_int_equal(out[i], d.at[i]);
    give_back(out, len);
    give_back(s, len);
}

static void check_utf16(const uint16_t *units, size_t count)
{
    static decoded d;
    static uint8_t text[MAX_CHARS * 4];
    decode_utf16(units, count, &d);
    size_t len = encode_utf8(d.at, d.count, text);
    uint8_t *s = exact(units, 2 * count);

    assert_int_equal(K->utf16_valid(s, count), d.valid);
    assert_int_equal(K->utf16_utf8_len(s, count), d.valid ? len : CJ_TEXT_BAD);

    size_t room = d.valid ? len : 3 * count;
    uint8_t *out = exact(NULL, room);
    assert_int_equal(K->utf16_to_utf8(s, count, out), d.valid ? len : CJ_TEXT_BAD);
    if (d.valid && room)
        assert_memory_equal(out, text, room);
    give_back(out, room);

    size_t narrow = 0, read = 12345;
    while (narrow < count && units[narrow] <= 0xff)
        narrow++;
    out = exact(NULL, narrow);
    assert_int_equal(K->utf16_to_latin1(s, count, out, &read), narrow);
    assert_int_equal(read, narrow);
    for (size_t i = 0; i < narrow; i++)
        assert_int_equal(out[i], units[i]);
    give_back(out, narrow);

    size_t ascii = 0;
    while (ascii < count && units[ascii] < 0x80)
        ascii++;
    out = exact(NULL, count);
    assert_int_equal(K->utf16_to_ascii(s, count, out), ascii);
    for (size_t i = 0; i < ascii; i++)
        assert_int_equal(out[i], units[i]);
    give_back(out, count);

    assert_int_equal(K->utf16_to_latin1(s, count, s, &read), narrow); /* in place */
    for (size_t i = 0; i < narrow; i++)
        assert_int_equal(s[i], units[i]);
    give_back(s, 2 * count);
}

static void check_latin1(const uint8_t *bytes, size_t len)
{
    static uint32_t chars[MAX_CHARS];
    static uint8_t text[MAX_CHARS * 2];
    for (size_t i = 0; i < len; i++)
        chars[i] = bytes[i];
    size_t text_len = encode_utf8(chars, len, text);
    uint8_t *s = exact(bytes, len);
    assert_int_equal(K->latin1_utf8_len(s, len), text_len);
    uint8_t *out = exact(NULL, text_len);
    assert_int_equal(K->latin1_to_utf8(s, len, out), text_len);
    if (len)
        assert_memory_equal(out, text, text_len);
    give_back(out, text_len);

    size_t ascii = 0;
    while (ascii < len && bytes[ascii] < 0x80)
        ascii++;
    out = exact(NULL, len);
    assert_int_equal(K->latin1_to_ascii(s, len, out), ascii);
    if (ascii)
        assert_memory_equal(out, bytes, ascii);
    give_back(out, len);

    out = exact(NULL, 2 * len);
    K->latin1_to_utf16(s, len, out);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(out[2 * i] | out[2 * i + 1] << 8, bytes[i]);
    if (len)
        memcpy(out, bytes, len);
    K->latin1_to_utf16(out, len, out); /* in place */
    for (size_t i = 0; i < len; i++)
        assert_int_equal(out[2 * i] | out[2 * i + 1] << 8, bytes[i]);
    give_back(out, 2 * len);
    give_back(s, len);
}

/* The same bytes with ASCII around them, so that each kernel's words begin at every place. */
static void check_utf8_around(const uint8_t *bytes, size_t len)
{
    uint8_t text[64];
    for (size_t before = 0; before < 18; before++) {
        for (size_t after = 0; after < 18; after += 1 + after / 2) {
            memset(text, 'x', sizeof(text));
            memcpy(text + before, bytes, len);
            check_utf8(text, before + len + after);
        }
    }
}

static void check_utf16_around(const uint16_t *units, size_t count)
{
    uint16_t text[64];
    for (size_t before = 0; before < 18; before++) {
        for (size_t after = 0; after < 18; after += 1 + after / 2) {
            for (size_t i = 0; i < CJ_COUNT(text); i++)
                text[i] = 'x';
            memcpy(text + before, units, 2 * count);
            check_utf16(text, before + count + after);
        }
    }
}

/* -- Tests --------------------------------------------------------------------------------------------------------- */

/* Bytes at which the rules change. */
static const uint8_t edges[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xf0, 0xff};

static void test_utf8_all_short(void **state)
{
    (void)state;
    check_utf8(NULL, 0);
    uint8_t s[4];
    for (unsigned a = 0; a < 256; a++) {
        s[0] = (uint8_t)a;
        check_utf8(s, 1);
        for (unsigned b = 0; b < 256; b++) {
            s[1] = (uint8_t)b;
            check_utf8(s, 2);
            for (size_t c = 0; a >= 0xc0 && c < sizeof(edges); c++) {
                s[2] = edges[c];
                check_utf8(s, 3);
                for (size_t d = 0; a >= 0xe0 && b >= 0x70 && b < 0xd0 && d < sizeof(edges); d++) {
                    s[3] = edges[d];
                    check_utf8(s, 4);
                }
            }
        }
    }
}

/* What must not pass, each with what its fault is. */
static void test_utf8_malformed(void **state)
{
    (void)state;
    static const struct {
        const char *what, *bytes;
    } cases[] = {
        {"continuation alone", "\x80"},
        {"overlong slash in 2", "\xc0\xaf"},
        {"overlong U+7F in 2", "\xc1\xbf"},
        {"overlong in 3", "\xe0\x80\xaf"},
        {"overlong U+7FF in 3", "\xe0\x9f\xbf"},
        {"overlong in 4", "\xf0\x80\x80\xaf"},
        {"overlong U+FFFF in 4", "\xf0\x8f\xbf\xbf"},
        {"first surrogate", "\xed\xa0\x80"},
        {"last surrogate", "\xed\xbf\xbf"},
        {"surrogate pair (CESU-8)", "\xed\xa0\x80\xed\xb0\x80"},
        {"U+110000", "\xf4\x90\x80\x80"},
        {"first byte f5", "\xf5\x80\x80\x80"},
        {"five bytes", "\xf8\x88\x80\x80\x80"},
        {"ff", "\xff"},
        {"cut 2", "\xc3"},
        {"cut 3", "\xe2\x82"},
        {"cut 4", "\xf0\x9f\x98"},
        {"second byte is ASCII", "\xc3("},
        {"third byte is ASCII", "\xe2\x82("},
        {"fourth byte is ASCII", "\xf0\x9f\x98("},
        {"one continuation too many", "\xc3\xa9\x80"},
    };
    for (size_t i = 0; i < CJ_COUNT(cases); i++) {
        const uint8_t *s = (const uint8_t *)cases[i].bytes;
        size_t len = strlen(cases[i].bytes);
        if (K->utf8_valid(s, len))
            fail_msg("%s passes", cases[i].what);
        check_utf8_around(s, len);
    }
}

static void test_utf8_all_characters(void **state)
{
    (void)state;
    uint8_t text[MAX_CHARS];
    uint32_t chars[MAX_CHARS / 4];
    size_t n = 0;
    for (uint32_t c = 0; c < 0x110000; c++) {
        if (c < 0xd800 || c > 0xdfff)
            chars[n++] = c;
        if (n == CJ_COUNT(chars) || c == 0x10ffff) {
            size_t len = encode_utf8(chars, n, text);
            assert_true(K->utf8_valid(text, len));
            check_utf8(text, len);
            uint16_t units[MAX_CHARS];
            check_utf16(units, encode_utf16(chars, n, units));
            n = 0;
        }
    }
}

static void test_utf8_edges_around(void **state)
{
    (void)state;
    static const uint32_t chars[] = {0,      0x7f,   0x80,   0xff,   0x100,   0x7ff,   0x800,   0xfff,   0x1000,
                                     0xcfff, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x3ffff, 0x40000, 0xfffff, 0x10ffff};
    for (size_t i = 0; i < CJ_COUNT(chars); i++) {
        uint8_t text[4];
        size_t len = encode_utf8(&chars[i], 1, text);
        check_utf8_around(text, len);
        for (size_t cut = 1; cut < len; cut++)
            check_utf8_around(text, cut);
        uint16_t units[2];
        check_utf16_around(units, encode_utf16(&chars[i], 1, units));
    }
}

static void test_utf16_all_short(void **state)
{
    (void)state;
    static const uint16_t second[] = {0x41, 0xd7ff, 0xd800, 0xdbff, 0xdc00, 0xdfff, 0xe000, 0xffff};
    check_utf16(NULL, 0);
    for (uint32_t a = 0; a < 0x10000; a++) {
        uint16_t s[3] = {(uint16_t)a, 0x41, 0x41};
        check_utf16(s, 1);
        for (size_t b = 0; (a & 0xf000) == 0xd000 && b < CJ_COUNT(second); b++) {
            s[1] = second[b];
            check_utf16(s, 2);
            check_utf16(s, 3);
        }
    }
}

static void test_utf16_malformed(void **state)
{
    (void)state;
    static const uint16_t cases[][3] = {{0xd800},         {0xdbff},        {0xdc00}, {0xdfff}, {0xd800, 0xd800, 0xdc00},
                                        {0xdc00, 0xd800}, {0xd800, 0xe000}};
    static const size_t counts[] = {1, 1, 1, 1, 3, 2, 2};
    for (size_t i = 0; i < CJ_COUNT(cases); i++) {
        assert_false(K->utf16_valid((const uint8_t *)cases[i], counts[i]));
        check_utf16_around(cases[i], counts[i]);
    }
}

static void test_latin1(void **state)
{
    (void)state;
    uint8_t all[256];
    for (unsigned i = 0; i < 256; i++)
        all[i] = (uint8_t)i;
    for (size_t len = 0; len <= 256; len++) {
        check_latin1(all, len);
        check_latin1(all + 256 - len, len);
    }
    for (size_t at = 0; at < 24; at++) {
        uint8_t text[24];
        memset(text, 'a', sizeof(text));
        text[at] = 0xe9;
        for (size_t len = at; len <= sizeof(text); len++)
            check_latin1(text, len);
    }
}

/* Long texts of mixed characters, whole and with one byte or unit changed. */
static void test_random(void **state)
{
    (void)state;
    random_source r = random_new(2);
    static const uint32_t limits[] = {0x80, 0x100, 0x800, 0x10000, 0x110000};
    static uint32_t chars[1000];
    static uint8_t text[4000];
    static uint16_t units[2000];
    for (int round = 0; round < 4000; round++) {
        size_t n = random_below(&r, random_below(&r, 8) ? 60 : 1000);
        uint32_t limit = limits[random_below(&r, CJ_COUNT(limits))], rare = 1 + random_below(&r, 40);
        for (size_t i = 0; i < n; i++) {
            chars[i] = random_below(&r, random_below(&r, rare) ? 0x80 : limit);
            if (chars[i] >= 0xd800 && chars[i] <= 0xdfff)
                chars[i] = 0x20ac;
        }
        size_t len = encode_utf8(chars, n, text), count = encode_utf16(chars, n, units);
        check_utf8(text, len);
        check_utf16(units, count);
        check_latin1(text, len);
        if (n) {
            text[random_below(&r, (uint32_t)len)] = (uint8_t)random_u64(&r);
            check_utf8(text, len);
            check_utf8(text, random_below(&r, (uint32_t)len + 1));
            units[random_below(&r, (uint32_t)count)] = (uint16_t)(0xd800 + random_below(&r, 0x900));
            check_utf16(units, count);
            check_utf16(units, random_below(&r, (uint32_t)count + 1));
        }
    }
}

static const char *const names[] = {"scalar", "sse4", "avx2", "avx512", "neon"};

static void test_named_tables(void **state)
{
    (void)state;
    for (size_t i = 0; i < CJ_COUNT(names); i++) {
        const cj_text_kernels *table = cj__text_named(names[i]);
        if (table)
            assert_string_equal(table->name, names[i]);
    }
    assert_ptr_equal(cj__text_named("scalar"), &cj__text_scalar);
    assert_null(cj__text_named("mmx"));
    assert_null(cj__text_named(""));
}

/* The fastest that can be run, or the one that is asked for, if it can be run. */
static void test_chosen_table(void **state)
{
    (void)state;
    const cj_text_kernels *fastest = &cj__text_scalar;
    for (size_t i = 0; i < CJ_COUNT(names); i++)
        if (cj__text_named(names[i]))
            fastest = cj__text_named(names[i]);
    unsetenv("CANONJIT_TEXT");
    assert_ptr_equal(cj__text_choose(), fastest);
    assert_ptr_equal(cj__text(), fastest);
    setenv("CANONJIT_TEXT", "no such table", 1);
    assert_ptr_equal(cj__text_choose(), fastest);
    setenv("CANONJIT_TEXT", "scalar", 1);
    assert_ptr_equal(cj__text(), fastest); /* once is for all */
    assert_ptr_equal(cj__text_choose(), &cj__text_scalar);
    assert_ptr_equal(cj__text(), &cj__text_scalar);
    unsetenv("CANONJIT_TEXT");
    cj__text_choose();
}

/* -- Ways around the kernels, for short texts ------------------------------------------------------------------------ */

/* They do not work in place. */
static void short_latin1_to_utf16(const uint8_t *s, size_t len, uint8_t *out)
{
    if (out == s)
        cj__text()->latin1_to_utf16(s, len, out);
    else
        cj__text_latin1_to_utf16(s, len, out);
}

static size_t short_utf16_to_latin1(const uint8_t *s, size_t units, uint8_t *out, size_t *read)
{
    return out == s ? cj__text()->utf16_to_latin1(s, units, out, read) : cj__text_utf16_to_latin1(s, units, out, read);
}

static bool short_utf8_copy(const uint8_t *s, size_t len, uint8_t *out)
{
    cj__text_copy(out, s, len);
    return cj__text_utf8_valid(s, len);
}

static cj_text_kernels short_ways(void)
{
    cj_text_kernels table = *cj__text();
    table.name = "short";
    table.utf8_valid = cj__text_utf8_valid;
    table.utf16_valid = cj__text_utf16_valid;
    table.utf8_copy = short_utf8_copy;
    table.utf8_to_utf16 = cj__text_utf8_to_utf16;
    table.latin1_to_ascii = cj__text_latin1_to_ascii;
    table.utf16_to_ascii = cj__text_utf16_to_ascii;
    table.utf8_to_latin1 = cj__text_utf8_to_latin1;
    table.utf16_to_latin1 = short_utf16_to_latin1;
    table.latin1_to_utf16 = short_latin1_to_utf16;
    return table;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8_all_short),
        cmocka_unit_test(test_utf8_malformed),
        cmocka_unit_test(test_utf8_all_characters),
        cmocka_unit_test(test_utf8_edges_around),
        cmocka_unit_test(test_utf16_all_short),
        cmocka_unit_test(test_utf16_malformed),
        cmocka_unit_test(test_latin1),
        cmocka_unit_test(test_random),
    };
    const struct CMUnitTest choice[] = {
        cmocka_unit_test(test_named_tables),
        cmocka_unit_test(test_chosen_table),
    };
    int failed = cmocka_run_group_tests_name("choice", choice, NULL, NULL);
    cj_text_kernels ways = short_ways();
    for (size_t i = 0; i <= CJ_COUNT(names); i++) {
        K = i < CJ_COUNT(names) ? cj__text_named(names[i]) : &ways;
        if (!K)
            continue;
        print_message("kernels: %s\n", K->name);
        failed += cmocka_run_group_tests_name(K->name, tests, NULL, NULL);
    }
    return failed;
}
