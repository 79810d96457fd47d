/* test_names.c: the grammar of names, versions, strong uniqueness. Examples are the Explainer's and the official
 * suite's. */
#include "support/cmocka_all.h"
#include "support/track_alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "component/names.h"

static void test_labels(void **state)
{
    (void)state;
    static const char *const valid[] = {
        "a",
        "a1",
        "a-1",
        "a-1-b-2-c-3",
        "B",
        "B1",
        "B-1",
        "B-1-C-2-D-3",
        "a11-B11-123-ABC-abc",
        "a-b-c",
        "a1-2-3",
        "A",
        "A-B-C",
        "A1-2-3",
        "a11-w0rds",
        "A11-4CR0NYMS",
        "m1x3d-4CR0NYMS",
        "is-XML",
    };
    static const char *const invalid[] = {
        "",    "1",   "1-a", "a-",  "a--", "a--b", "-a",       "-",     "aBc",
        "Foo", "FoO", "a_b", "a.b", "a b", "a-bC", "\xc3\xa9", "a\x7f", "%a",
    };
    for (size_t i = 0; i < CJ_COUNT(valid); i++)
        assert_true(cj__label_valid(cj__str(valid[i])));
    for (size_t i = 0; i < CJ_COUNT(invalid); i++)
        assert_false(cj__label_valid(cj__str(invalid[i])));
    assert_false(cj__label_valid((cj_str){"a\0b", 3}));
    assert_true(cj__label_valid((cj_str){"ab", 1})); /* slices are not terminated */
}

static void test_versions(void **state)
{
    (void)state;
    static const char *const valid[] = {
        "0.0.0",
        "1.2.3",
        "123456.7890.488",
        "0.0.0+abcd",
        "0.0.0+abcd-efg",
        "0.0.0-abcd+efg",
        "0.0.0-abcd.1.2+efg.4.ee.5",
        "1.0.0-0",
        "1.0.0-0a",
        "1.0.0-a-b--",
        "1.0.0+001",
        "99999999999999999999.0.0",
        "1.0.0-alpha.1",
        "1.0.0--",
    };
    static const char *const invalid[] = {
        "",         ".",        "1",          "1.",        "1.2",     "1.2.",     "1.2.3.", "1.2.3.4",  "a.2",
        "2.b",      "2.0x0",    "2.0.0+",     "2.0.0-",    "01.0.0",  "1.02.0",   "1.0.00", "1.0.0-01", "1.0.0-a..b",
        "1.0.0-.a", "1.0.0-a.", "1.0.0+a..b", "1.0.0+a+b", "1.0.0-_", "1.0.0-a_", " 1.0.0", "1.0.0 ",   "-1.0.0",
    };
    for (size_t i = 0; i < CJ_COUNT(valid); i++)
        assert_true(cj__semver_valid(cj__str(valid[i])));
    for (size_t i = 0; i < CJ_COUNT(invalid); i++)
        assert_false(cj__semver_valid(cj__str(invalid[i])));

    static const char *const canonical[] = {"1", "12", "0.1", "0.20", "0.0.1", "0.0.0", "0.0.30"};
    static const char *const not_canonical[] = {"",      "0",       "0.0",     "01", "1.0", "1.2.3",
                                                "0.1.0", "0.0.1.0", "0.0.1-a", "a",  "0.",  "1."};
    for (size_t i = 0; i < CJ_COUNT(canonical); i++)
        assert_true(cj__canonversion_valid(cj__str(canonical[i])));
    for (size_t i = 0; i < CJ_COUNT(not_canonical); i++)
        assert_false(cj__canonversion_valid(cj__str(not_canonical[i])));
}

static cj_name parse(const char *text)
{
    cj_error err;
    cj_name name;
    if (cj__name_parse(cj__str(text), 0, &name, &err) != CJ_OK)
        fail_msg("%s: %s", text, err.message);
    return name;
}

static void expect_str(cj_str s, const char *expected)
{
    if (!cj__str_eq(s, cj__str(expected)))
        fail_msg("`%.*s` is not `%s`", CJ_STR_ARG(s), expected);
}

static void test_parts(void **state)
{
    (void)state;
    cj_name n = parse("custom-hook");
    assert_int_equal(n.kind, CJ_NAME_PLAIN);
    expect_str(n.label, "custom-hook");
    expect_str(n.resource, "");

    n = parse("[constructor]my-res");
    assert_int_equal(n.kind, CJ_NAME_CONSTRUCTOR);
    expect_str(n.resource, "my-res");
    expect_str(n.label, "my-res");

    n = parse("[method]my-res.do-it");
    assert_int_equal(n.kind, CJ_NAME_METHOD);
    expect_str(n.resource, "my-res");
    expect_str(n.label, "do-it");
    assert_int_equal(parse("[static]r.f").kind, CJ_NAME_STATIC);

    n = parse("wasi:http/types@0.2.1");
    assert_int_equal(n.kind, CJ_NAME_INTERFACE);
    expect_str(n.package, "wasi:http");
    expect_str(n.interface, "types");
    expect_str(n.version, "0.2.1");
    n = parse("ns-1-a:b-1-c/D-2");
    expect_str(n.package, "ns-1-a:b-1-c");
    expect_str(n.interface, "D-2");
    expect_str(n.version, "");
    expect_str(parse("a:b/c@0.0.0-abcd.1.2+efg.4.ee.5").version, "0.0.0-abcd.1.2+efg.4.ee.5");
    expect_str(parse("wasi:http/types@0.2").version, "0.2");
    expect_str(parse("wasi:http/types@1").version, "1");
}

static void test_invalid_names(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"", "name `` is not in kebab case"},
        {"unlocked-dep=<a>", "name `unlocked-dep=<a>` is not in kebab case"}, /* once part of the grammar */
        {"url=<x>", "name `url=<x>` is not in kebab case"},
        {"1", "`1` is not in kebab case"},
        {"aBc", "`aBc` is not in kebab case"},
        {"wasi/http", "`wasi/http` is not in kebab case"},
        {"1:a/b", "namespace `1`"},
        {"A:b/c", "namespace `A`"},
        {"ns-A:b/c", "namespace `ns-A`"},
        {":/", "namespace ``"},
        {"WaSi:http/types", "namespace `WaSi`"},
        {"wasi:HtTp/types", "package `HtTp`"},
        {"ns:A/b", "package `A`"},
        {"ns:1/a", "package `1`"},
        {"ns:pkg-A/b", "package `pkg-A`"},
        {"wasi:/", "package ``"},
        {"wasi:http/TyPeS", "interface `TyPeS`"},
        {"wasi:http/", "interface ``"},
        {"wasi:", "has no `/` after its package"},
        {"foo:bar", "has no `/` after its package"},
        {"foo:bar:baz/qux", "package `bar:baz`"},
        {"foo:bar/baz/qux", "interface `baz/qux`"},
        {"a:b/c@", "`` of name `a:b/c@` is not a semantic version"},
        {"a:b/c@.", "is not a semantic version"},
        {"a:b/c@1.", "is not a semantic version"},
        {"a:b/c@a.2", "is not a semantic version"},
        {"a:b/c@2.0.0+", "is not a semantic version"},
        {"a:b@1.0.0/c", "package `b@1.0.0`"},
        {"[constructor]", "name `` is not in kebab case"},
        {"[constructor]A-b-cD", "is not in kebab case"},
        {"[method]", "has no `.` after its resource"},
        {"[method]a", "has no `.` after its resource"},
        {"[method]a.", "name `` is not in kebab case"},
        {"[method].a", "name `` is not in kebab case"},
        {"[method]a.b.c", "name `b.c` is not in kebab case"},
        {"[static]", "has no `.` after its resource"},
        {"[static]a.b.c", "name `b.c` is not in kebab case"},
        {"[async]f", "unknown annotation; known are [constructor], [method], [static]"},
        {"[", "unknown annotation"},
    };
    for (size_t i = 0; i < CJ_COUNT(cases); i++) {
        cj_error err;
        cj_name name;
        assert_int_equal(cj__name_parse(cj__str(cases[i].text), 77, &name, &err), CJ_INVALID);
        assert_int_equal(err.offset, 77);
        if (!strstr(err.message, cases[i].words))
            fail_msg("%s: %s", cases[i].text, err.message);
    }
}

static void test_conflicts(void **state)
{
    (void)state;
    /* The Explainer's example: all of `together` go together; each of `more` conflicts with one of them. */
    static const char *const together[] = {
        "foo", "foo-bar", "[constructor]foo", "[method]foo.bar", "[static]foo.baz", "foo:bar/baz"};
    static const char *const more[] = {"foo",
                                       "FOO",
                                       "foo-BAR",
                                       "[constructor]FOO",
                                       "[method]foo.BAR",
                                       "[static]foo.bar",
                                       "[method]foo.baz",
                                       "[method]foo.foo",
                                       "[static]foo-BAR.FOO-bar",
                                       "foo:bar/BAZ"};
    track_alloc t;
    track_init(&t);
    cj_name_set set = {.alloc = &t.hook};
    cj_str previous = {"", 0};
    for (size_t i = 0; i < CJ_COUNT(together); i++) {
        cj_name name = parse(together[i]);
        assert_int_equal(cj__name_set_add(&set, &name, cj__str(together[i]), &previous), CJ_OK);
        for (size_t j = 0; j < i; j++) {
            cj_name other = parse(together[j]);
            assert_false(cj__name_conflicts(&name, &other));
        }
    }
    for (size_t i = 0; i < CJ_COUNT(more); i++) {
        cj_name name = parse(more[i]);
        assert_int_equal(cj__name_set_add(&set, &name, cj__str(more[i]), &previous), CJ_INVALID);
        int conflicts = 0;
        for (size_t j = 0; j < CJ_COUNT(together); j++) {
            cj_name other = parse(together[j]);
            assert_int_equal(cj__name_conflicts(&name, &other), cj__name_conflicts(&other, &name));
            if (cj__name_conflicts(&name, &other)) {
                conflicts++;
                expect_str(previous, together[j]);
            }
        }
        assert_int_equal(conflicts, 1);
    }
    cj__name_set_free(&set);
    cj__name_set_free(&set);
    assert_int_equal(t.live_blocks, 0);

    cj_name a = parse("a:b/c@1.0.0"), b = parse("a:b/c@2.0.0"), c = parse("a:b/c"), d = parse("A-B");
    assert_false(cj__name_conflicts(&a, &b) || cj__name_conflicts(&a, &c) || cj__name_conflicts(&c, &d));
    assert_true(cj__name_conflicts(&a, &a));
    cj_name e = parse("[method]a.b-c"), f = parse("[static]a-b.c");
    assert_false(cj__name_conflicts(&e, &f));

    /* Only where both labels are the same does the first one go. */
    cj_name g = parse("[method]ab.ac"), h = parse("ac"), i = parse("[method]a.ab"), j = parse("ab"),
            k = parse("[static]ab.a"), l = parse("a");
    assert_false(cj__name_conflicts(&g, &h));
    assert_false(cj__name_conflicts(&i, &j));
    assert_false(cj__name_conflicts(&k, &l));
}

static void test_large_set(void **state)
{
    (void)state;
    enum { MANY = 50000 };
    track_alloc t;
    track_init(&t);
    cj_name_set set = {.alloc = &t.hook};
    char(*texts)[16] = calloc(MANY, sizeof(*texts));
    cj_str previous;
    for (int i = 0; i < MANY; i++) {
        snprintf(texts[i], sizeof(texts[i]), "n%d", i);
        cj_name name = parse(texts[i]);
        assert_int_equal(cj__name_set_add(&set, &name, cj__str(texts[i]), &previous), CJ_OK);
    }
    cj_name name = parse("N31415");
    assert_int_equal(cj__name_set_add(&set, &name, CJ_STR("N31415"), &previous), CJ_INVALID);
    expect_str(previous, "n31415");
    cj__name_set_free(&set);
    free(texts);
    assert_int_equal(t.live_blocks, 0);
}

static void test_set_out_of_memory(void **state)
{
    (void)state;
    track_alloc t;
    for (uint64_t fail = 1;; fail++) {
        track_init(&t);
        t.fail_at = fail;
        cj_name_set set = {.alloc = &t.hook};
        cj_status status = CJ_OK;
        char texts[400][16];
        for (int i = 0; i < 400 && status == CJ_OK; i++) {
            snprintf(texts[i], sizeof(texts[i]), "x%d", i);
            cj_name name = parse(texts[i]);
            cj_str previous;
            status = cj__name_set_add(&set, &name, cj__str(texts[i]), &previous);
        }
        cj__name_set_free(&set);
        assert_int_equal(t.live_blocks, 0);
        if (status == CJ_OK)
            break;
        assert_int_equal(status, CJ_NO_MEMORY);
        assert_true(fail < 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_invalid_names),
        cmocka_unit_test(test_conflicts),
        cmocka_unit_test(test_large_set),
        cmocka_unit_test(test_set_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
