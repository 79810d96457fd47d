/* test_wave.c: WAVE text: the grammar form by form, errors with their offsets and words, floats, escapes, calls, and
 * random values of random types, which must come back from their own text.
 */
#include "support/cmocka_all.h"
#include "support/make_types.h"
#include "support/random_values.h"
#include "support/track_alloc.h"

#include "base/utf8.h"
#include "runtime/runtime.h"
#include "wave/wave.h"

#include <float.h>
#include <locale.h>
#include <math.h>

static cj_types *T;
static cj_arena *A;

static int set_up(void **state)
{
    (void)state;
    T = cj__types_new(NULL, 2000);
    return T && cj_arena_new(NULL, &A) == CJ_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    cj_arena_delete(A);
    cj__types_delete(T);
    return 0;
}

/* A copy without a terminator, so that AddressSanitizer sees a read past the end. */
static cj_status parse_n(const cj_type *type, const char *text, size_t len, cj_val *out, cj_error *err)
{
    char *exact = malloc(len ? len : 1);
    assert_non_null(exact);
    memcpy(exact, text, len);
    cj_status status = cj_wave_parse(type, exact, len, out, A, err);
    free(exact);
    return status;
}

static cj_val parse(const cj_type *type, const char *text)
{
    cj_val v;
    cj_error err;
    if (parse_n(type, text, strlen(text), &v, &err) != CJ_OK) {
        char message[512];
        cj_error_format(&err, message, sizeof(message));
        fail_msg("%s: %s", text, message);
    }
    return v;
}

static const char *format(const cj_type *type, const cj_val *v)
{
    static char text[4096];
    assert_true(cj_wave_format(type, v, text, sizeof(text)) < sizeof(text));
    return text;
}

/* `text` parses, and its value prints as `canonical`. */
static void expect(const cj_type *type, const char *text, const char *canonical)
{
    cj_val v = parse(type, text);
    assert_string_equal(format(type, &v), canonical);
}

/* `text` does not parse: the offset, and words of the message. */
static void expect_error(const cj_type *type, const char *text, uint64_t offset, const char *words)
{
    cj_val v;
    cj_error err;
    cj_status status = parse_n(type, text, strlen(text), &v, &err);
    if (status != CJ_INVALID || err.status != CJ_INVALID || err.offset != offset || !strstr(err.message, words))
        fail_msg("%s: status %d, offset %d, \"%s\"; expected offset %d, \"%s\"", text, (int)status, (int)err.offset,
                 err.message, (int)offset, words);
}

/* -- Scalars ----------------------------------------------------------------------------------------------------- */

static void test_bool(void **state)
{
    (void)state;
    expect(t_bool(T), "true", "true");
    expect(t_bool(T), " // why not\n\tfalse\r\n", "false");
    expect_error(t_bool(T), "True", 0, "expected true or false, found True");
    expect_error(t_bool(T), "truer", 0, "found truer");
    expect_error(t_bool(T), "true false", 5, "expected the end of the text, found false");
    expect_error(t_bool(T), "", 0, "found the end of the text");
    expect_error(t_bool(T), "  ", 2, "found the end of the text");
    expect_error(t_bool(T), "\"true\"", 0, "found a string");
    expect_error(t_bool(T), "1", 0, "found 1");
}

static void test_integer_ranges(void **state)
{
    (void)state;
    static const struct {
        cj_kind kind;
        const char *min, *max, *below, *above;
    } rows[] = {
        {CJ_KIND_S8, "-128", "127", "-129", "128"},
        {CJ_KIND_U8, "0", "255", "-1", "256"},
        {CJ_KIND_S16, "-32768", "32767", "-32769", "32768"},
        {CJ_KIND_U16, "0", "65535", "-1", "65536"},
        {CJ_KIND_S32, "-2147483648", "2147483647", "-2147483649", "2147483648"},
        {CJ_KIND_U32, "0", "4294967295", "-1", "4294967296"},
        {CJ_KIND_S64, "-9223372036854775808", "9223372036854775807", "-9223372036854775809", "9223372036854775808"},
        {CJ_KIND_U64, "0", "18446744073709551615", "-1", "18446744073709551616"},
    };
    for (size_t i = 0; i < CJ_COUNT(rows); i++) {
        const cj_type *type = t_scalar(T, rows[i].kind);
        expect(type, rows[i].min, rows[i].min);
        expect(type, rows[i].max, rows[i].max);
        expect(type, "7", "7");
        expect_error(type, rows[i].below, 0, "out of range");
        expect_error(type, rows[i].below, 0, rows[i].min);
        expect_error(type, rows[i].above, 0, rows[i].max);
        expect_error(type, "99999999999999999999999999999999999999999999999999", 0, "... is out of range");
        expect_error(type, "1.0", 0, "found 1.0");
        expect_error(type, "1e2", 0, cj_kind_name(rows[i].kind));
        expect_error(type, "01", 0, "found 01");
        expect_error(type, "+1", 0, "found '+'");
        expect_error(type, "-", 0, "found -");
        expect_error(type, "0x10", 0, "found 0x10");
        expect_error(type, "1_000", 0, "found 1_000");
        expect_error(type, "1-", 0, "found 1-");
        expect_error(type, "nan", 0, "found nan");
    }
    expect(t_u8(T), "-0", "0");
    expect_error(t_list(T, t_u8(T)), "[1, 300]", 4, "300 is out of range for u8 (0 to 255)");
}

static float f32_of(const char *text)
{
    return parse(t_f32(T), text).of.f32;
}

static double f64_of(const char *text)
{
    return parse(t_f64(T), text).of.f64;
}

static void test_float_forms(void **state)
{
    (void)state;
    assert_true(f64_of("0") == 0 && !signbit(f64_of("0")));
    assert_true(f64_of("-0") == 0 && signbit(f64_of("-0")));
    assert_true(f64_of("-0.0e-0") == 0 && signbit(f64_of("-0.0e-0")));
    assert_true(f64_of("3.14") == 3.14);
    assert_true(f64_of("6.022e+23") == 6.022e23);
    assert_true(f64_of("1E-2") == 0.01);
    assert_true(f64_of("0.000e100") == 0);
    assert_true(isnan(f64_of("nan")) && isnan(f32_of("nan")));
    assert_true(isinf(f64_of("inf")) && f64_of("inf") > 0 && f64_of("-inf") < 0 && isinf(f64_of("-inf")));
    assert_true(f32_of("-inf") < 0 && isinf(f32_of("inf")));
    assert_true(f32_of("3.4028234664e38") == FLT_MAX);
    assert_true(isinf(f32_of("3.4028234664e39")));
    assert_true(f32_of("1.4012984643e-45") == 0x1p-149f);
    assert_true(f32_of("1.4012984643e-46") == 0);
    assert_true(f64_of("2.2250738585072011e-308") == 0x1.ffffffffffffep-1023);
    /* Rounded once, not by way of a double: just above the middle of 1 and the next float. */
    assert_true(f32_of("1.00000005960464477540") == 0x1.000002p0f);
    char longest[500];
    memset(longest, '1', sizeof(longest));
    longest[1] = '.';
    longest[sizeof(longest) - 1] = 0;
    assert_true(f64_of(longest) == 1.1111111111111112);

    static const char *const wrong[] = {"-nan", "NaN", "infinity", "Inf", "+1",  ".5",  "5.",
                                        "1e",   "1e+", "0x1p3",    "1,5", "- 1", "-in", "--1"};
    for (size_t i = 0; i < CJ_COUNT(wrong); i++) {
        cj_val v;
        cj_error err;
        assert_int_equal(parse_n(t_f64(T), wrong[i], strlen(wrong[i]), &v, &err), CJ_INVALID);
        assert_int_equal(parse_n(t_f32(T), wrong[i], strlen(wrong[i]), &v, &err), CJ_INVALID);
    }
    expect_error(t_f64(T), "infinity", 0, "expected f64");
    expect_error(t_f32(T), "5.", 0, "expected f32");
}

static void expect_f64(double v, const char *text)
{
    cj_val val = {.kind = CJ_KIND_F64, .of.f64 = v};
    assert_string_equal(format(t_f64(T), &val), text);
    cj_val back = parse(t_f64(T), text);
    assert_true(cj_val_equal(&val, &back));
}

static void expect_f32(float v, const char *text)
{
    cj_val val = {.kind = CJ_KIND_F32, .of.f32 = v};
    assert_string_equal(format(t_f32(T), &val), text);
    cj_val back = parse(t_f32(T), text);
    assert_true(cj_val_equal(&val, &back));
}

static void test_float_texts(void **state)
{
    (void)state;
    expect_f64(0, "0");
    expect_f64(-0.0, "-0");
    expect_f64(1, "1");
    expect_f64(-1.5, "-1.5");
    expect_f64(100, "100");
    expect_f64(0.1, "0.1");
    expect_f64(0.1 + 0.2, "0.30000000000000004");
    expect_f64(1e20, "100000000000000000000");
    expect_f64(1e21, "1e21");
    expect_f64(1.5e300, "1.5e300");
    expect_f64(0.00001, "0.00001");
    expect_f64(0.000001, "1e-6");
    expect_f64(1.25e-7, "1.25e-7");
    expect_f64(123456.789, "123456.789");
    expect_f64(5e-324, "5e-324");
    expect_f64(2.2250738585072014e-308, "2.2250738585072014e-308");
    expect_f64(DBL_MAX, "1.7976931348623157e308");
    expect_f64(9007199254740992.0, "9007199254740992");
    /* Powers of two whose nearest 16-digit number reads back as another, while the one above does not. */
    expect_f64(0x1p-44, "5.684341886080802e-14");
    expect_f64(NAN, "nan");
    expect_f64(-NAN, "nan");
    expect_f64(INFINITY, "inf");
    expect_f64(-INFINITY, "-inf");
    expect_f32(0.1f, "0.1");
    expect_f32(16777216.0f, "16777216");
    expect_f32(FLT_MAX, "3.4028235e38");
    expect_f32(FLT_MIN, "1.1754944e-38");
    expect_f32(0x1p-149f, "1e-45");
    expect_f32(3.1415927f, "3.1415927");
    expect_f32(-INFINITY, "-inf");
    expect_f32(NAN, "nan");
}

/* No text with fewer digits reads back: against all precisions of printf. */
static void test_float_random(void **state)
{
    (void)state;
    random_source r = random_new(1);
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = random_u64(&r);
        if (i % 4 == 0)
            bits &= UINT64_C(0xfff0000000000000); /* powers of two */
        double v;
        memcpy(&v, &bits, sizeof(v));
        if (v != v)
            continue;
        cj_val val = {.kind = CJ_KIND_F64, .of.f64 = v};
        const char *text = format(t_f64(T), &val);
        cj_val back = parse(t_f64(T), text);
        assert_memory_equal(&back.of.f64, &v, sizeof(v));
        size_t digits = 0, zeros = 0;
        for (const char *c = text; *c && *c != 'e'; c++) {
            if (*c < '0' || *c > '9' || (*c == '0' && digits == 0))
                continue;
            digits++;
            zeros = *c == '0' ? zeros + 1 : 0;
        }
        for (int fewer = 1; fewer < (int)(digits - zeros); fewer++) {
            char other[40];
            snprintf(other, sizeof(other), "%.*e", fewer - 1, v);
            assert_false(strtod(other, NULL) == v);
        }

        uint32_t bits32 = (uint32_t)(bits >> 32);
        float f;
        memcpy(&f, &bits32, sizeof(f));
        if (f != f)
            continue;
        cj_val val32 = {.kind = CJ_KIND_F32, .of.f32 = f};
        cj_val back32 = parse(t_f32(T), format(t_f32(T), &val32));
        assert_memory_equal(&back32.of.f32, &f, sizeof(f));
    }
}

/* A program's own locale changes nothing. It is made here from whatever locale of the system has a decimal comma;
 * without one the C locale stands in, and only the restoring is tested. */
static void test_float_locale(void **state)
{
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE", "C.UTF-8"};
    locale_t own = (locale_t)0;
    for (size_t i = 0; i < CJ_COUNT(names) && !own; i++)
        own = newlocale(LC_ALL_MASK, names[i], (locale_t)0);
    if (!own)
        own = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    locale_t before = uselocale(own);
    expect_f64(1.5, "1.5");
    assert_true(f64_of("2.25") == 2.25);
    assert_true(uselocale((locale_t)0) == own);
    uselocale(before);
    freelocale(own);
}

static void test_char(void **state)
{
    (void)state;
    const cj_type *type = t_char(T);
    expect(type, "'x'", "'x'");
    expect(type, "'\\''", "'\\''");
    expect(type, "'\"'", "'\"'");
    expect(type, "'\\\"'", "'\"'");
    expect(type, "'\\\\'", "'\\\\'");
    expect(type, "'\\t'", "'\\t'");
    expect(type, "'\\u{41}'", "'A'");
    expect(type, "'\\u{000041}'", "'A'");
    expect(type, "'\\u{0}'", "'\\u{0}'");
    expect(type, "'\u2603'", "'\u2603'");
    expect(type, "'\\u{1F600}'", "'\U0001f600'");
    expect(type, "'\\u{10ffff}'", "'\U0010ffff'");
    expect(type, "'\\u{d7ff}'", "'\ud7ff'");
    expect(type, "'\\u{e000}'", "'\ue000'");
    expect_error(type, "''", 1, "expected a character");
    expect_error(type, "'ab'", 2, "closing ' after one character, found b");
    expect_error(type, "'", 1, "found the end of the text");
    expect_error(type, "'a", 2, "found the end of the text");
    expect_error(type, "'\n'", 1, "a line break in a char must be written \\n");
    expect_error(type, "'\\z'", 1, "expected an escape");
    expect_error(type, "'\\", 1, "expected an escape");
    expect_error(type, "'\\x41'", 1, "expected an escape");
    expect_error(type, "'\\u41'", 1, "hexadecimal digits");
    expect_error(type, "'\\u{}'", 1, "hexadecimal digits");
    expect_error(type, "'\\u{", 1, "hexadecimal digits");
    expect_error(type, "'\\u{1234567}'", 1, "hexadecimal digits");
    expect_error(type, "'\\u{g}'", 1, "hexadecimal digits");
    expect_error(type, "'\\u{110000}'", 1, "U+10FFFF");
    expect_error(type, "'\\u{d800}'", 1, "surrogate");
    expect_error(type, "'\\u{dfff}'", 1, "surrogate");
    expect_error(type, "\"a\"", 0, "expected char, found a string");
    expect_error(type, "65", 0, "expected char, found 65");
}

static void test_string(void **state)
{
    (void)state;
    const cj_type *type = t_string(T);
    expect(type, "\"\"", "\"\"");
    expect(type, "\"h\u00e9llo \U0001f600\"", "\"h\u00e9llo \U0001f600\"");
    expect(type, "\"a\\tb\\nc\\rd\\\\e\\\"f\\'g'h\"", "\"a\\tb\\nc\\rd\\\\e\\\"f'g'h\"");
    expect(type, "\"\\u{48}\\u{1F600}\\u{0}\"", "\"H\U0001f600\\u{0}\"");
    expect(type, "\"tab\there // no comment\"", "\"tab\\there // no comment\"");
    /* What a terminal would obey or hide is printed escaped. */
    expect(type, "\"\\u{1b}[31m\\u{7f}\\u{9b}\\u{202e}\\u{200b}\\u{feff}\"",
           "\"\\u{1b}[31m\\u{7f}\\u{9b}\\u{202e}\\u{200b}\\u{feff}\"");
    expect(type, "\"a\u200db\"", "\"a\u200db\"");
    assert_int_equal(parse(type, "\"a\\u{0}b\"").of.string.len, 3);
    expect_error(type, "\"abc", 4, "closing '\"' of the string, found the end");
    expect_error(type, "\"abc\\", 4, "expected an escape");
    expect_error(type, "\"abc\\\"", 6, "closing");
    expect_error(type, "\"a\nb\"", 2, "a line break in a string must be written \\n");
    expect_error(type, "\"a\" \"b\"", 4, "expected the end of the text, found a string");
    expect_error(type, "abc", 0, "expected string, found abc");
    expect_error(type, "'a'", 0, "expected string, found '''");
    cj_val v;
    cj_error err;
    assert_int_equal(parse_n(type, "\"a\xff\"", 4, &v, &err), CJ_INVALID);
    assert_int_equal(err.offset, 2);
    assert_non_null(strstr(err.message, "not valid UTF-8"));
    assert_int_equal(parse_n(type, "\"\xe2\x82\"", 4, &v, &err), CJ_INVALID);
}

static void test_multiline_string(void **state)
{
    (void)state;
    const cj_type *type = t_string(T);
    expect(type, "\"\"\"\n\"\"\"", "\"\"");
    expect(type, "\"\"\"\r\n\"\"\"", "\"\"");
    expect(type, "\"\"\"\nA single line\n\"\"\"", "\"A single line\"");
    expect(type, "\"\"\"\n    Trailing indent\n  determines dedent\n      behavior.\n  \"\"\"",
           "\"  Trailing indent\\ndetermines dedent\\n    behavior.\"");
    expect(type, "\"\"\"\n\nempty lines stay\n\n\"\"\"", "\"\\nempty lines stay\\n\"");
    expect(type, "\"\"\"\r\na\r\nb\r\n\"\"\"", "\"a\\nb\"");
    expect(type, "\"\"\"\n\"quotes\" and \"\"\\\"\" and \\u{41}\n\"\"\"",
           "\"\\\"quotes\\\" and \\\"\\\"\\\"\\\" and A\"");
    expect(t_list(T, type), "[\"\"\"\na\n\"\"\", \"b\"]", "[\"a\", \"b\"]");
    expect_error(type, "\"\"\"\"\"\"", 3, "expected a line break after \"\"\"");
    expect_error(type, "\"\"\"a\n\"\"\"", 3, "line break");
    expect_error(type, "\"\"\"\nextra\"\"\"", 9, "on a line of its own");
    expect_error(type, "\"\"\"\n  a\n b\n  \"\"\"", 9, "expected 2 spaces");
    expect_error(type, "\"\"\"\nabc\n\"\"", 10, "closing \"\"\"");
    expect_error(type, "\"\"\"\n", 4, "closing \"\"\"");
    expect_error(type, "\"\"\"", 3, "line break");
    expect_error(type, "\"\"\"\nbad \\j\n\"\"\"", 8, "expected an escape");
    expect_error(type, "\"\"\"\nBetween \"\"\" words\n\"\"\"", 12, "on a line of its own");
    expect_error(type, "\"\"\"\nends \\\n\"\"\"", 9, "expected an escape");
}

/* -- Aggregates -------------------------------------------------------------------------------------------------- */

static void test_list(void **state)
{
    (void)state;
    const cj_type *type = t_list(T, t_u32(T));
    expect(type, "[]", "[]");
    expect(type, "[ ]", "[]");
    expect(type, "[1]", "[1]");
    expect(type, "[1,2 , 3, // three\n]", "[1, 2, 3]");
    expect(t_list(T, type), "[[1], [], [2, 3]]", "[[1], [], [2, 3]]");
    expect_error(type, "[,]", 1, "expected u32");
    expect_error(type, "[1 2]", 3, "expected ',' or ']', found 2");
    expect_error(type, "[1", 2, "found the end of the text");
    expect_error(type, "[1,", 3, "expected u32");
    expect_error(type, "[1,,2]", 3, "expected u32");
    expect_error(type, "1", 0, "expected list<u32>, found 1");
    expect_error(type, "[1)", 2, "expected ',' or ']', found ')'");
    char text[4000] = "[0";
    for (int i = 1; i < 500; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), ", %d", i);
    strcat(text, "]");
    cj_val v = parse(type, text);
    assert_int_equal(v.of.seq.len, 500);
    assert_int_equal(v.of.seq.ptr[499].of.u32, 499);
    assert_string_equal(format(type, &v), text);
}

static void test_tuple(void **state)
{
    (void)state;
    const cj_type *pair = t_tuple(T, 2, t_u8(T), t_string(T));
    const cj_type *one = t_tuple(T, 1, t_u8(T));
    expect(pair, "(1, \"a\")", "(1, \"a\")");
    expect(pair, "( 1 , \"a\" , )", "(1, \"a\")");
    expect(one, "(1)", "(1)");
    expect(one, "(1,)", "(1)");
    expect_error(pair, "(1)", 2, "expected element 2 of a tuple of 2");
    expect_error(pair, "(1,)", 3, "expected element 2 of a tuple of 2");
    expect_error(pair, "()", 1, "expected u8");
    expect_error(pair, "(1, \"a\", 2)", 9, "expected ')' after 2 elements");
    expect_error(pair, "[1]", 0, "expected tuple<u8, string>");
    expect_error(one, "1", 0, "expected tuple<u8>");
}

static void test_record(void **state)
{
    (void)state;
    const cj_type *point = t_record(T, 2, "x", t_s32(T), "y", t_s32(T));
    const cj_type *with =
        t_record(T, 3, "must-have", t_u8(T), "may", t_option(T, t_u8(T)), "some", t_option(T, t_string(T)));
    const cj_type *all = t_record(T, 1, "may", t_option(T, t_u8(T)));
    expect(point, "{x: 1, y: -2}", "{x: 1, y: -2}");
    expect(point, "{y:-2,x:1,}", "{x: 1, y: -2}");
    expect(point, "{%y: 3, %x: 4}", "{x: 4, y: 3}");
    expect(with, "{must-have: 1}", "{must-have: 1}");
    expect(with, "{must-have: 1, may: none}", "{must-have: 1}");
    expect(with, "{some: \"s\", may: 2, must-have: 1}", "{must-have: 1, may: some(2), some: some(\"s\")}");
    expect(all, "{:}", "{:}");
    expect(all, "{ : }", "{:}");
    expect(all, "{may: none,}", "{:}");
    expect(all, "{may: 5}", "{may: some(5)}");
    expect_error(point, "{x: 1}", 0, "field \"y\" is missing");
    expect_error(t_list(T, point), "[{x: 1, y: 2}, {y: 1}]", 15, "field \"x\" is missing");
    expect_error(point, "{:}", 0, "field \"x\" is missing");
    expect_error(point, "{x: 1, y: 2, x: 3}", 13, "field \"x\" is given twice");
    expect_error(point, "{x: 1, z: 2}", 7, "expected one of x, y, found z");
    expect_error(point, "{}", 1, "expected one of x, y, found '}'");
    expect_error(point, "{x 1}", 3, "expected ':'");
    expect_error(point, "{x: 1 y: 2}", 6, "expected ',' or '}', found y");
    expect_error(point, "{x: 1, y: 2", 11, "found the end");
    expect_error(point, "(1, 2)", 0, "expected record { x: s32, y: s32 }, found '('");
    expect_error(all, "{:", 2, "expected '}'");
    expect_error(all, "{: may: 1}", 3, "expected '}'");
    expect_error(point, "{X: 1}", 1, "found X");
}

static void test_flags(void **state)
{
    (void)state;
    const cj_type *type = t_members(T, CJ_KIND_FLAGS, 3, "read", "write", "true");
    expect(type, "{}", "{}");
    expect(type, "{ write, read, }", "{read, write}");
    expect(type, "{%read, true}", "{read, true}");
    const cj_type *full = t_labels(T, CJ_KIND_FLAGS, 32);
    assert_int_equal(parse(full, "{l31, l0}").of.flags, 0x80000001);
    expect(full, "{l31, l0}", "{l0, l31}");
    expect_error(type, "{read, read}", 7, "flag \"read\" is given twice");
    expect_error(type, "{exec}", 1, "expected one of read, write, true, found exec");
    expect_error(type, "{read write}", 6, "expected ',' or '}'");
    expect_error(type, "{,}", 1, "expected one of");
    expect_error(type, "{:}", 1, "found ':'");
    expect_error(type, "{read", 5, "found the end");
    expect_error(type, "read", 0, "expected flags");
}

static void test_enum_and_variant(void **state)
{
    (void)state;
    const cj_type *color = t_members(T, CJ_KIND_ENUM, 3, "red", "hot-pink", "HTTP3-ok");
    const cj_type *keywords = t_members(T, CJ_KIND_ENUM, 8, "true", "false", "some", "none", "ok", "err", "inf", "nan");
    expect(color, "red", "red");
    expect(color, "%hot-pink", "hot-pink");
    expect(color, "HTTP3-ok", "HTTP3-ok");
    expect_error(color, "re", 0, "expected one of red, hot-pink, HTTP3-ok, found re");
    expect_error(color, "RED", 0, "found RED");
    expect_error(color, "red(1)", 3, "expected the end of the text");
    expect_error(color, "%", 0, "expected one of");
    expect_error(color, "hot_pink", 0, "found hot_pink");
    for (uint32_t i = 0; i < 8; i++) {
        char text[20], plain[16];
        snprintf(plain, sizeof(plain), "%s", cj_type_member_name(keywords, i, NULL));
        snprintf(text, sizeof(text), "%%%s", plain);
        expect(keywords, text, text);
        expect_error(keywords, plain, 0, text);
    }
    const cj_type *shape =
        t_variant(T, 4, "none", NULL, "circle", t_f64(T), "err", t_string(T), "pair", t_tuple(T, 2, t_u8(T), t_u8(T)));
    expect(shape, "%none", "%none");
    expect(shape, "circle(1.5)", "circle(1.5)");
    expect(shape, "circle ( 1.5 )", "circle(1.5)");
    expect(shape, "%err(\"x\")", "%err(\"x\")");
    expect(shape, "pair((1, 2))", "pair((1, 2))");
    expect_error(shape, "none", 0, "write %none");
    expect_error(shape, "%none()", 5, "case \"none\" has no payload");
    expect_error(shape, "circle", 6, "expected '(' and the payload of case \"circle\"");
    expect_error(shape, "circle()", 7, "expected f64");
    expect_error(shape, "circle(1, 2)", 8, "expected ')'");
    expect_error(shape, "square(1)", 0, "expected one of none, circle, err, pair, found square");
    const cj_type *wide = t_labels(T, CJ_KIND_ENUM, 300);
    expect(wide, "l299", "l299");
    expect_error(wide, "l300", 0, "...");
}

static void test_option(void **state)
{
    (void)state;
    const cj_type *type = t_option(T, t_u8(T));
    const cj_type *nested = t_option(T, type);
    const cj_type *of_variant = t_option(T, t_members(T, CJ_KIND_ENUM, 2, "some", "other"));
    expect(type, "none", "none");
    expect(type, "some(5)", "some(5)");
    expect(type, "5", "some(5)");
    expect(t_option(T, t_list(T, t_u8(T))), "[1]", "some([1])");
    expect(nested, "none", "none");
    expect(nested, "some(none)", "some(none)");
    expect(nested, "some(5)", "some(some(5))");
    expect(nested, "some(some(5))", "some(some(5))");
    expect(of_variant, "other", "some(other)");
    expect(of_variant, "%some", "some(%some)");
    expect(of_variant, "some(%some)", "some(%some)");
    expect_error(nested, "5", 0, "expected none or some(...), found 5");
    expect_error(type, "some", 4, "expected '(' and the payload of some");
    expect_error(type, "some()", 5, "expected u8");
    expect_error(type, "some(some(0))", 5, "expected u8");
    expect_error(type, "none()", 4, "none has no payload");
    expect_error(type, "some(1", 6, "expected ')'");
    expect_error(type, "nothing", 0, "expected u8 (0 to 255), found nothing");
}

static void test_result(void **state)
{
    (void)state;
    const cj_type *both = t_result(T, t_u8(T), t_string(T)), *ok = t_result(T, t_u8(T), NULL),
                  *err = t_result(T, NULL, t_u8(T));
    const cj_type *neither = t_result(T, NULL, NULL), *nested = t_result(T, t_option(T, t_u8(T)), NULL);
    expect(both, "ok(1)", "ok(1)");
    expect(both, "1", "ok(1)");
    expect(both, "err(\"oops\")", "err(\"oops\")");
    expect(ok, "err", "err");
    expect(err, "ok", "ok");
    expect(err, "err(3)", "err(3)");
    expect(neither, "ok", "ok");
    expect(neither, "err", "err");
    expect(nested, "ok(none)", "ok(none)");
    expect(nested, "ok(4)", "ok(some(4))");
    expect_error(both, "ok", 2, "expected '(' and the payload of case \"ok\"");
    expect_error(both, "err", 3, "payload of case \"err\"");
    expect_error(both, "ok()", 3, "expected u8");
    expect_error(ok, "err(1)", 3, "case \"err\" has no payload");
    expect_error(err, "ok()", 2, "case \"ok\" has no payload");
    expect_error(err, "1", 0, "expected ok or err");
    expect_error(nested, "none", 0, "expected ok(...) or err");
    expect_error(neither, "yes", 0, "expected ok or err, found yes");
}

static void test_handles(void **state)
{
    (void)state;
    cj_error err;
    const cj_type *own = cj__type_handle(T, CJ_KIND_OWN, 1, &err);
    assert_non_null(own);
    cj_val v;
    assert_int_equal(cj_wave_parse(own, "1", 1, &v, A, &err), CJ_UNSUPPORTED);
    assert_non_null(strstr(err.message, "unsupported: own"));
    v = (cj_val){.kind = CJ_KIND_OWN, .of.handle = 3};
    assert_string_equal(format(own, &v), "<own 3>");
}

/* -- Limits and misuse ------------------------------------------------------------------------------------------- */

static void test_nesting(void **state)
{
    (void)state;
    const cj_type *type = t_u8(T);
    enum { DEEP = CJ_DEPTH_CEILING };
    char *text = malloc(2 * DEEP);
    assert_non_null(text);
    for (int i = 0; i < DEEP - 1; i++)
        type = t_list(T, type);
    memset(text, '[', DEEP - 1);
    text[DEEP - 1] = '7';
    memset(text + DEEP, ']', DEEP - 1);
    text[2 * DEEP - 1] = 0;
    expect(type, text, text);
    memset(text, '[', 2 * DEEP - 1);
    expect_error(type, text, DEEP - 1, "expected u8");
    free(text);
}

/* Short texts that stand for very many values are refused before they fill the memory. */
static void test_parts_limit(void **state)
{
    (void)state;
    cj_param members[5000];
    char names[5000][8];
    const cj_type *option = t_option(T, t_u8(T));
    for (uint32_t i = 0; i < CJ_COUNT(members); i++) {
        snprintf(names[i], sizeof(names[i]), "m%u", i);
        members[i] = (cj_param){cj__str(names[i]), option};
    }
    const cj_type *type = t_list(T, t_make(T, CJ_KIND_RECORD, members, CJ_COUNT(members)));
    enum { TIMES = 4000 };
    char *text = malloc(TIMES * 4 + 2);
    assert_non_null(text);
    text[0] = '[';
    for (size_t i = 0; i < TIMES; i++)
        memcpy(text + 1 + i * 4, "{:},", 4);
    text[TIMES * 4 + 1] = ']';
    cj_val v;
    cj_error err;
    assert_int_equal(cj_wave_parse(type, text, TIMES * 4 + 2, &v, A, &err), CJ_LIMIT);
    assert_non_null(strstr(err.message, "16777216 values"));
    free(text);
    cj_arena_reset(A);
}

/* The arena runs out of memory after every possible amount: the error says so, whatever was being read. */
static void test_no_memory(void **state)
{
    (void)state;
    const cj_type *type =
        t_record(T, 5, "list", t_list(T, t_u8(T)), "text", t_tuple(T, 2, t_string(T), t_string(T)), "float", t_f64(T),
                 "option", t_option(T, t_result(T, t_u8(T), NULL)), "variant", t_variant(T, 1, "v", t_char(T)));
    static const char text[] =
        "{list: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], text: (\"abc\", \"\"\"\n  lines\n  \"\"\"), variant: v('x'),"
        " option: some(ok(1)), float: 0.00000000000000000000000000000000000000000000000000000000000000000001}";
    size_t succeeded = 0, failed = 0;
    for (size_t spare = 0; succeeded < 3; spare += 16) {
        track_alloc track;
        cj_arena *arena;
        track_init(&track);
        assert_int_equal(cj_arena_new(&track.hook, &arena), CJ_OK);
        size_t blocks = 0;
        assert_non_null(cj_arena_alloc(arena, 16, 16)); /* the first chunk is the only one */
        track.fail_at = track.calls + 1;
        while (cj_arena_alloc(arena, 16, 16))
            blocks++;
        cj_arena_reset(arena);
        assert_true(blocks > 200);
        for (size_t i = 0; i + spare / 16 < blocks + 1; i++)
            assert_non_null(cj_arena_alloc(arena, 16, 16));
        cj_val v;
        cj_error err;
        cj_status status = cj_wave_parse(type, text, strlen(text), &v, arena, &err);
        assert_true(status == CJ_OK || status == CJ_NO_MEMORY);
        assert_int_equal(err.status, status);
        *(status == CJ_OK ? &succeeded : &failed) += 1;
        cj_arena_delete(arena);
        assert_int_equal(track.live_blocks, 0);
    }
    assert_true(failed > 20);
}

static void test_misuse(void **state)
{
    (void)state;
    cj_val v;
    cj_error err;
    assert_int_equal(cj_wave_parse(NULL, "1", 1, &v, A, &err), CJ_MISUSE);
    assert_int_equal(cj_wave_parse(t_u8(T), NULL, 1, &v, A, &err), CJ_MISUSE);
    assert_int_equal(cj_wave_parse(t_u8(T), "1", 1, NULL, A, &err), CJ_MISUSE);
    assert_int_equal(cj_wave_parse(t_u8(T), "1", 1, &v, NULL, &err), CJ_MISUSE);
    assert_int_equal(cj_wave_parse(t_u8(T), "1", 1, &v, A, NULL), CJ_OK);
    assert_int_equal(cj_wave_parse(t_u8(T), "x", 1, &v, A, NULL), CJ_INVALID);
    assert_int_equal(cj_wave_parse(t_u8(T), NULL, 0, &v, A, &err), CJ_INVALID);
}

static void test_format_cuts(void **state)
{
    (void)state;
    cj_val v = parse(t_string(T), "\"a\u00e9\u20ac\U0001f600\"");
    const cj_type *type = t_string(T);
    char full[32];
    size_t len = cj_wave_format(type, &v, full, sizeof(full));
    assert_int_equal(len, 12);
    assert_int_equal(cj_wave_format(type, &v, NULL, 0), len);
    for (size_t size = 1; size <= len + 1; size++) {
        char *cut = malloc(size);
        assert_non_null(cut);
        assert_int_equal(cj_wave_format(type, &v, cut, size), len);
        size_t n = strlen(cut);
        assert_true(n < size && n + 4 >= size);
        assert_memory_equal(cut, full, n);
        assert_int_equal(n, cj__utf8_cut(full, len, size - 1));
        free(cut);
    }
}

/* Values that are not of their type print as such and break nothing. */
static void test_format_invalid(void **state)
{
    (void)state;
    cj_val u8 = {.kind = CJ_KIND_U8, .of.u8 = 1};
    assert_string_equal(format(t_u16(T), &u8), "<invalid>");
    const cj_type *color = t_members(T, CJ_KIND_ENUM, 2, "a", "b");
    cj_val v = {.kind = CJ_KIND_ENUM, .of.choice.index = 2};
    assert_string_equal(format(color, &v), "<invalid>");
    v = (cj_val){.kind = CJ_KIND_OPTION, .of.choice.index = 2};
    assert_string_equal(format(t_option(T, t_u8(T)), &v), "<invalid>");
    v.of.choice.index = 1;
    assert_string_equal(format(t_option(T, t_u8(T)), &v), "some(<invalid>)");
    v = (cj_val){.kind = CJ_KIND_TUPLE, .of.seq = {&u8, 1}};
    assert_string_equal(format(t_tuple(T, 2, t_u8(T), t_u8(T)), &v), "<invalid>");
    v = (cj_val){.kind = CJ_KIND_CHAR, .of.ch = 0xd800};
    assert_string_equal(format(t_char(T), &v), "<invalid>");
    v.of.ch = 0x110000;
    assert_string_equal(format(t_char(T), &v), "<invalid>");
    v = (cj_val){.kind = CJ_KIND_STRING, .of.string = {"a\xff\xe2\x82", 4}};
    assert_string_equal(format(t_string(T), &v), "\"a\\u{fffd}\\u{fffd}\\u{fffd}\"");
}

/* -- Random values ----------------------------------------------------------------------------------------------- */

static void test_round_trip(void **state)
{
    (void)state;
    value_pool pool = {0};
    static char text[1 << 20];
    for (uint64_t seed = 0; seed < 5000; seed++) {
        random_source r = random_new(seed);
        if (seed % 100 == 0) {
            tear_down(NULL);
            assert_int_equal(set_up(NULL), 0);
        }
        const cj_type *type = random_type(&r, T, 1 + (uint32_t)seed % 5);
        void *host = pool_alloc(&pool, type->host_size);
        random_value(&r, type, 8, host, &pool);
        cj_val v, back;
        cj_error err;
        assert_int_equal(cj_val_load(type, host, &v, A, &err), CJ_OK);
        size_t len = cj_wave_format(type, &v, text, sizeof(text));
        assert_true(len < sizeof(text));
        if (parse_n(type, text, len, &back, &err) != CJ_OK)
            fail_msg("seed %d: %s at %d in %.2000s", (int)seed, err.message, (int)err.offset, text);
        if (!cj_val_equal(&v, &back))
            fail_msg("seed %d: not the same: %.2000s", (int)seed, text);

        /* Every prefix is an error or, for a number, another value; never a crash. */
        for (size_t cut = 0; cut < len && cut < 200; cut++)
            parse_n(type, text, cut, &back, &err);
        /* So is every change of a byte. */
        for (int i = 0; i < 20 && len > 0; i++) {
            char kept = text[random_below(&r, (uint32_t)len)];
            size_t at = random_below(&r, (uint32_t)len);
            char before = text[at];
            text[at] = i % 2 ? kept : (char)random_u64(&r);
            parse_n(type, text, len, &back, &err);
            text[at] = before;
        }
        pool_reset(&pool);
        cj_arena_reset(A);
    }
}

/* -- Calls ------------------------------------------------------------------------------------------------------- */

/* A component with these exports and nothing else: what looking up names needs. */
typedef struct fake_component {
    cj_component component;
    cj_program program;
    cj_program_export exports[11];
} fake_component;

static void fake_export(fake_component *c, const char *interface, const char *name, const cj_functype *type)
{
    cj_program_export *e = &c->exports[c->program.export_count++];
    e->info.interface = interface;
    e->info.name = name;
    e->info.type = type;
    c->program.exports = c->exports;
    c->component.program = &c->program;
}

static const cj_functype *functype(uint32_t count, const cj_param *params)
{
    cj_error err;
    const cj_functype *type = cj__functype_make(T, params, count, NULL, false, &err);
    assert_non_null(type);
    return type;
}

static fake_component *fake(void)
{
    static fake_component c;
    memset(&c, 0, sizeof(c));
    const cj_functype *none = functype(0, NULL);
    const cj_functype *add = functype(2, (cj_param[]){{CJ_STR("a"), t_u32(T)}, {CJ_STR("b"), t_u32(T)}});
    const cj_functype *opts = functype(3, (cj_param[]){{CJ_STR("a"), t_u32(T)},
                                                       {CJ_STR("b"), t_option(T, t_u8(T))},
                                                       {CJ_STR("c"), t_option(T, t_string(T))}});
    fake_export(&c, "", "nop", none);
    fake_export(&c, "", "add", add);
    fake_export(&c, "ns:pkg/math@1.2.3", "add", add);
    fake_export(&c, "ns:pkg/math@1.2.3", "opts", opts);
    fake_export(&c, "ns:pkg/other@1.0.0", "name", none);
    fake_export(&c, "ns:pkg/more", "name", none);
    fake_export(&c, "plain", "only", none);
    fake_export(&c, "ns:pkg/math@1.2.3", "[method]r.go", none);
    fake_export(&c, "i", "solo", none);
    fake_export(&c, "ns:pkg/more", "twin", none);
    fake_export(&c, "more", "twin", none);
    return &c;
}

static void expect_call(const char *text, size_t index, const char *arguments)
{
    fake_component *c = fake();
    size_t found, nargs;
    cj_val *args;
    cj_error err;
    char *exact = malloc(strlen(text));
    assert_non_null(exact);
    memcpy(exact, text, strlen(text));
    cj_status status = cj_wave_parse_call(&c->component, exact, strlen(text), &found, &args, &nargs, A, &err);
    free(exact);
    if (status != CJ_OK)
        fail_msg("%s: %s at %d", text, err.message, (int)err.offset);
    assert_int_equal(found, index);
    const cj_functype *type = cj_component_export(&c->component, found).type;
    assert_int_equal(nargs, cj_functype_param_count(type));
    char all[8192] = "";
    for (uint32_t i = 0; i < nargs; i++)
        snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", i ? " " : "",
                 format(cj_functype_param(type, i), &args[i]));
    assert_string_equal(all, arguments);
}

static void expect_call_error(const char *text, cj_status status, uint64_t offset, const char *words)
{
    fake_component *c = fake();
    size_t found, nargs;
    cj_val *args;
    cj_error err;
    cj_status got = cj_wave_parse_call(&c->component, text, strlen(text), &found, &args, &nargs, A, &err);
    if (got != status || err.offset != offset || !(strstr(err.message, words) || strstr(err.where, words)))
        fail_msg("%s: status %d, offset %d, \"%s\" \"%s\"", text, (int)got, (int)err.offset, err.where, err.message);
}

static void test_call_names(void **state)
{
    (void)state;
    expect_call("nop()", 0, "");
    expect_call("  nop ( ) // done", 0, "");
    expect_call("add(1, 2)", 1, "1 2"); /* exact: the root's */
    expect_call("math#add(1, 2)", 2, "1 2");
    expect_call("math.add(1, 2)", 2, "1 2");
    expect_call("math@1.2.3#add(1, 2)", 2, "1 2");
    expect_call("ns:pkg/math#add(1, 2)", 2, "1 2");
    expect_call("ns:pkg/math.add(1, 2)", 2, "1 2");
    expect_call("ns:pkg/math@1.2.3#add(1, 2)", 2, "1 2");
    expect_call("ns:pkg/math@1.2.3.add(1, 2)", 2, "1 2");
    expect_call("ns:pkg/math.add@1.2.3(1, 2)", 2, "1 2");
    expect_call("math.add@1.2.3(1, 2)", 2, "1 2");
    expect_call("more.name()", 5, "");
    expect_call("only()", 6, "");
    expect_call("plain#only()", 6, "");
    expect_call("[method]r.go()", 7, "");
    expect_call("i#solo()", 8, "");
    expect_call("i.solo()", 8, "");
    expect_call("more#twin()", 10, ""); /* exact */
    expect_call("ns:pkg/more#twin()", 9, "");
    expect_call_error("more.twin()", CJ_INVALID, 0, "fits 2 functions: ns:pkg/more#twin, more#twin");
    expect_call("math.[method]r.go()", 7, "");
    expect_call_error("name()", CJ_INVALID, 0, "fits 2 functions: ns:pkg/other@1.0.0#name, ns:pkg/more#name");
    expect_call_error(" nap()", CJ_NOT_FOUND, 1, "no exported function \"nap\" among 11; did you mean \"nop\"");
    expect_call_error("math#ad(1)", CJ_NOT_FOUND, 0, "did you mean \"add\"?");
    expect_call_error("maths#add(1, 2)", CJ_NOT_FOUND, 0, "maths#add");
    expect_call_error("ns:pkg/math@1.2.4#add(1, 2)", CJ_NOT_FOUND, 0, "did you mean \"add\"?");
    expect_call_error("ns:pkg/math.add@1.2.4(1, 2)", CJ_NOT_FOUND, 0, "no exported function");
    expect_call_error("s:pkg/math#add(1, 2)", CJ_NOT_FOUND, 0, "no exported function");
    expect_call_error("math#sub(1, 2)", CJ_NOT_FOUND, 0, "no exported function");
    expect_call_error("math/add(1, 2)", CJ_NOT_FOUND, 0, "no exported function");
    expect_call_error("add@1.2.3(1, 2)", CJ_NOT_FOUND, 0, "no exported function");
    expect_call_error(".add@1.2.3(1, 2)", CJ_NOT_FOUND, 0, "no exported function");
    expect_call_error("#add(1, 2)", CJ_NOT_FOUND, 0, "no exported function");
    expect_call_error("(1)", CJ_INVALID, 0, "expected the name of a function");
    expect_call_error("", CJ_INVALID, 0, "expected the name of a function");
}

static void test_call_arguments(void **state)
{
    (void)state;
    expect_call("add(1, 2,)", 1, "1 2");
    expect_call("opts(1)", 3, "1 none none");
    expect_call("opts(1,)", 3, "1 none none");
    expect_call("opts(1, 2)", 3, "1 some(2) none");
    expect_call("opts(1, none, \"x\")", 3, "1 none some(\"x\")");
    expect_call_error("add", CJ_INVALID, 3, "expected '(' and the arguments, found the end");
    expect_call_error("add 1", CJ_INVALID, 4, "expected '('");
    expect_call_error("add()", CJ_INVALID, 4, "expected argument 1 of 2 (a: u32), found ')'");
    expect_call_error("add(1)", CJ_INVALID, 5, "expected argument 2 of 2 (b: u32), found ')'");
    expect_call_error("add(1, -2)", CJ_INVALID, 7, "out of range");
    expect_call_error("add(1, -2)", CJ_INVALID, 7, "argument 2 of 2 (b: u32)");
    expect_call_error("add(1, 2, 3)", CJ_INVALID, 10, "expected ')': the function has 2 parameters, found 3");
    expect_call_error("add(1 2)", CJ_INVALID, 6, "expected ',' or ')' after an argument");
    expect_call_error("add(1, 2 3)", CJ_INVALID, 9, "expected ')' after the last argument");
    expect_call_error("nop(1)", CJ_INVALID, 4, "the function has 0 parameters");
    expect_call_error("nop(", CJ_INVALID, 4, "found the end");
    expect_call_error("nop() nop()", CJ_INVALID, 6, "expected the end of the text");
    expect_call_error("opts()", CJ_INVALID, 5, "argument 1 of 3");
    expect_call_error("add(1, \xff)", CJ_INVALID, 7, "not valid UTF-8");
}

static void test_find(void **state)
{
    (void)state;
    fake_component *c = fake();
    size_t i;
    cj_error err;
    track_alloc track;
    cj_arena *full;
    track_init(&track);
    assert_int_equal(cj_arena_new(&track.hook, &full), CJ_OK);
    assert_non_null(cj_arena_alloc(full, 16, 16));
    track.fail_at = track.calls + 1;
    while (cj_arena_alloc(full, 16, 16))
        continue;
    cj_val *none;
    assert_int_equal(cj_wave_parse_call(&c->component, "math#add(1, 2)", 14, &i, &none, &i, full, &err), CJ_NO_MEMORY);
    cj_arena_delete(full);
    assert_int_equal(cj_component_find_export(&c->component, "math.opts", 9, &i, &err), CJ_OK);
    assert_int_equal(i, 3);
    assert_int_equal(cj_component_find_import(&c->component, "math.opts", 9, &i, &err), CJ_NOT_FOUND);
    assert_int_equal(cj_component_find_export(NULL, "f", 1, &i, &err), CJ_MISUSE);
    assert_int_equal(cj_component_find_import(&c->component, "f", 1, NULL, &err), CJ_MISUSE);
    cj_val *args;
    size_t nargs;
    assert_int_equal(cj_wave_parse_call(&c->component, "nop()", 5, &i, &args, &nargs, NULL, &err), CJ_MISUSE);
    assert_int_equal(cj_wave_parse_call(&c->component, "nop()", 5, &i, &args, &nargs, A, NULL), CJ_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bool, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_integer_ranges, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_float_forms, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_float_texts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_float_random, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_float_locale, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_char, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_string, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_multiline_string, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_list, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tuple, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_record, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_flags, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_enum_and_variant, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_option, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_result, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_handles, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nesting, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_parts_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_misuse, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_format_cuts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_format_invalid, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_round_trip, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_call_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_call_arguments, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_find, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
