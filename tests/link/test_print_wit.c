/* test_print_wit.c: what a component imports and exports, as WIT and as JSON. */
#include "support/cmocka_all.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

#include "link/program.h"

static char *print_case(const char *name, bool json, size_t *len)
{
    char path[512];
    snprintf(path, sizeof(path), CJ_TEST_BINARY_DIR "/link/valid/%s.wasm", name);
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("cannot open %s", path);
    static uint8_t bytes[1 << 16];
    size_t size = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);

    cj_ast *ast = NULL;
    cj_program *program = NULL;
    cj_error err;
    assert_int_equal(cj__ast_decode(NULL, bytes, size, &ast, &err), CJ_OK);
    assert_int_equal(cj__link(NULL, ast, &program, &err), CJ_OK);
    cj__ast_delete(ast);
    char *text = cj__program_wit(NULL, program, json, len);
    cj__program_delete(program); /* texts stand alone */
    assert_non_null(text);
    assert_int_equal(strlen(text), *len);
    return text;
}

static void free_text(char *text, size_t len)
{
    cj__free(cj__alloc_or_default(NULL), text, len + 1);
}

static void expect_wit(const char *name, const char *expected)
{
    size_t len;
    char *text = print_case(name, false, &len);
    assert_string_equal(text, expected);
    free_text(text, len);
}

static void test_functions(void **state)
{
    (void)state;
    expect_wit("empty", "package root:component;\n"
                        "\n"
                        "world root {\n"
                        "}\n");
    expect_wit("add", "package root:component;\n"
                      "\n"
                      "world root {\n"
                      "  export add: func(a: u32, b: u32) -> u32;\n"
                      "}\n");
    expect_wit("map", "package root:component;\n"
                      "\n"
                      "world root {\n"
                      "  export f: func(m: map<string, u32>);\n"
                      "}\n");
}

static void test_interfaces_and_use(void **state)
{
    (void)state;
    expect_wit("interfaces", "package root:component;\n"
                             "\n"
                             "world root {\n"
                             "  import ns:pkg/types@1.0.0;\n"
                             "  import ns:pkg/host@1.0.0;\n"
                             "  import plain: func();\n"
                             "  export run: func();\n"
                             "  export ns:pkg/geometry@1.0.0;\n"
                             "}\n"
                             "\n"
                             "package ns:pkg@1.0.0 {\n"
                             "  interface types {\n"
                             "    record point {\n"
                             "      x: s32,\n"
                             "      y: s32,\n"
                             "    }\n"
                             "  }\n"
                             "  interface host {\n"
                             "    use types.{point};\n"
                             "    draw: func(at: point);\n"
                             "    clear: func();\n"
                             "  }\n"
                             "  interface geometry {\n"
                             "    use types.{point};\n"
                             "    area: func(p: point) -> u64;\n"
                             "  }\n"
                             "}\n");
}

static void test_resources(void **state)
{
    (void)state;
    expect_wit("methods", "package root:component;\n"
                          "\n"
                          "world root {\n"
                          "  import a:b/c;\n"
                          "}\n"
                          "\n"
                          "package a:b {\n"
                          "  interface c {\n"
                          "    resource r {\n"
                          "      constructor(n: u32);\n"
                          "      get: func() -> u32;\n"
                          "      merge: static func(a: r, b: r) -> r;\n"
                          "    }\n"
                          "    resource s {\n"
                          "      constructor() -> result<s, string>;\n"
                          "    }\n"
                          "    %use: func(%list: list<borrow<s>>);\n"
                          "    resource t;\n"
                          "  }\n"
                          "}\n");
}

static void test_all_kinds_of_types(void **state)
{
    (void)state;
    expect_wit("types", "package root:component;\n"
                        "\n"
                        "world root {\n"
                        "  import a:b/c@0.1.0;\n"
                        "  import inline: interface {\n"
                        "    use a:b/c@0.1.0.{v as %variant, fl};\n"
                        "    f: func(x: %variant) -> fl;\n"
                        "  }\n"
                        "  use a:b/c@0.1.0.{rec};\n"
                        "  import g: func(x: rec);\n"
                        "  import h: func(x: tuple<bool, char>);\n"
                        "}\n"
                        "\n"
                        "package a:b@0.1.0 {\n"
                        "  interface c {\n"
                        "    enum e {\n"
                        "      one,\n"
                        "      two,\n"
                        "    }\n"
                        "    flags fl {\n"
                        "      r,\n"
                        "      w,\n"
                        "    }\n"
                        "    variant v {\n"
                        "      none,\n"
                        "      some(e),\n"
                        "      %own(list<fl>),\n"
                        "    }\n"
                        "    record rec {\n"
                        "      a: option<u8>,\n"
                        "      %type: result<_, string>,\n"
                        "    }\n"
                        "    type bytes = list<u8>;\n"
                        "    type e2 = e;\n"
                        "    type s = stream<u8>;\n"
                        "    f: func(a: result, b: result<u8>, c: result<u8, e>, d: list<u8>) -> rec;\n"
                        "  }\n"
                        "}\n");
}

static void test_imported_and_exported(void **state)
{
    (void)state;
    /* The export shows more of the interface than the import, so the definition is taken from there. */
    expect_wit("both-ways", "package root:component;\n"
                            "\n"
                            "world root {\n"
                            "  import a:b/c;\n"
                            "  export a:b/c;\n"
                            "}\n"
                            "\n"
                            "package a:b {\n"
                            "  interface c {\n"
                            "    enum e {\n"
                            "      x,\n"
                            "      y,\n"
                            "    }\n"
                            "    f: func(a: e);\n"
                            "    g: func(a: e);\n"
                            "  }\n"
                            "}\n");
}

static const cJSON *at(const cJSON *list, int i)
{
    const cJSON *item = cJSON_GetArrayItem(list, i);
    assert_non_null(item);
    return item;
}

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    assert_non_null(text);
    return text;
}

static int number_of(const cJSON *object, const char *key)
{
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(object, key);
    assert_true(cJSON_IsNumber(number));
    return number->valueint;
}

static void test_json(void **state)
{
    (void)state;
    size_t len;
    char *text = print_case("interfaces", true, &len);
    cJSON *json = cJSON_Parse(text);
    assert_non_null(json);
    const cJSON *types = cJSON_GetObjectItemCaseSensitive(json, "types");
    const cJSON *imports = cJSON_GetObjectItemCaseSensitive(json, "imports");
    const cJSON *exports = cJSON_GetObjectItemCaseSensitive(json, "exports");
    const cJSON *named = cJSON_GetObjectItemCaseSensitive(json, "namedTypes");
    assert_int_equal(cJSON_GetArraySize(imports), 3);
    assert_int_equal(cJSON_GetArraySize(exports), 2);
    assert_int_equal(cJSON_GetArraySize(named), 3);
    assert_string_equal(text_of(at(imports, 0), "interface"), "ns:pkg/host@1.0.0");
    assert_string_equal(text_of(at(imports, 0), "name"), "draw");

    const cJSON *area = at(exports, 1), *param = at(cJSON_GetObjectItemCaseSensitive(area, "params"), 0);
    assert_string_equal(text_of(area, "name"), "area");
    assert_string_equal(text_of(param, "name"), "p");
    const cJSON *point = at(types, number_of(param, "type"));
    assert_string_equal(text_of(point, "kind"), "record");
    assert_int_equal(number_of(point, "size"), 8);
    assert_int_equal(number_of(point, "align"), 4);
    const cJSON *y = at(cJSON_GetObjectItemCaseSensitive(point, "members"), 1);
    assert_string_equal(text_of(y, "name"), "y");
    assert_string_equal(text_of(at(types, number_of(y, "type")), "kind"), "s32");
    assert_string_equal(text_of(at(types, number_of(area, "result")), "kind"), "u64");
    assert_string_equal(text_of(at(named, 2), "direction"), "export");
    assert_int_equal(number_of(at(named, 2), "type"), number_of(param, "type"));
    cJSON_Delete(json);
    free_text(text, len);

    text = print_case("types", true, &len);
    json = cJSON_Parse(text);
    assert_non_null(json);
    cJSON_Delete(json);
    free_text(text, len);
    text = print_case("empty", true, &len);
    json = cJSON_Parse(text);
    assert_non_null(json);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(json, "exports")), 0);
    cJSON_Delete(json);
    free_text(text, len);
}

/* Types without a name to be found, and names that JSON must escape: neither comes from a valid file, but printing is
 * not the place to rely on that. */
static void test_unnamed(void **state)
{
    (void)state;
    cj_error err;
    cj_types *types = cj__types_new(NULL, 100);
    const cj_type *u8 = cj__type_scalar(types, CJ_KIND_U8, &err);
    const cj_param members[] = {{CJ_STR("a"), u8}, {CJ_STR("list"), u8}};
    const cj_type *record = cj__type_make(types, CJ_KIND_RECORD, members, 2, &err);
    const cj_type *borrow = cj__type_handle(types, CJ_KIND_BORROW, 7, &err);
    const cj_param params[] = {{CJ_STR("x"), record}, {CJ_STR("y"), borrow}};
    const cj_functype *func = cj__functype_make(types, params, 2, NULL, false, &err);
    assert_non_null(func);
    cj_program_export export_ = {.info = {"n", "", "a\"b\\c\n", func}};
    const cj_program program = {.types = types, .exports = &export_, .export_count = 1};

    size_t len;
    char *text = cj__program_wit(NULL, &program, false, &len);
    assert_non_null(strstr(text, ": func(x: record { a: u8, %list: u8 }, y: borrow<resource-7>);"));
    free_text(text, len);
    text = cj__program_wit(NULL, &program, true, &len);
    assert_non_null(strstr(text, "\"name\": \"a\\\"b\\\\c\\u000a\""));
    cJSON *json = cJSON_Parse(text);
    assert_non_null(json);
    assert_string_equal(text_of(at(cJSON_GetObjectItemCaseSensitive(json, "exports"), 0), "name"), "a\"b\\c\n");
    cJSON_Delete(json);
    free_text(text, len);
    cj__types_delete(types);
}

/* tuple<list<T>, list<T>> nested 45 levels prints 2^45 leaves as WIT, and 92 types as JSON. */
static void test_types_that_print_exponentially(void **state)
{
    (void)state;
    size_t len;
    char *text = print_case("nested-types", false, &len);
    assert_true(len < 5u << 20);
    assert_non_null(strstr(text, "cut: the text is too long"));
    free_text(text, len);
    text = print_case("nested-types", true, &len);
    assert_true(len < 1u << 20);
    cJSON *json = cJSON_Parse(text);
    assert_non_null(json);
    cJSON_Delete(json);
    free_text(text, len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_functions),
        cmocka_unit_test(test_interfaces_and_use),
        cmocka_unit_test(test_resources),
        cmocka_unit_test(test_all_kinds_of_types),
        cmocka_unit_test(test_imported_and_exported),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_unnamed),
        cmocka_unit_test(test_types_that_print_exponentially),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
