/* test_decode.c: the decoder: every construct, every rule broken once, limits, truncations, mutations, no memory. */
#include "support/bytes.h"
#include "support/cmocka_all.h"
#include "support/track_alloc.h"

#include "component/ast.h"

#include "../fuzz/fuzz_decode.c"

static cj_config config_of(void)
{
    cj_config config = {.struct_size = sizeof(config),
#define CJ_X(type, name, default_value, what) .name = default_value,
                        CJ_LOAD_LIMIT_MAP(CJ_X)
#undef CJ_X
    };
    return config;
}

/* ASTs borrow their files: these live until the process ends. */
static void keep(uint8_t *bytes)
{
    static struct kept {
        struct kept *next;
        uint8_t *bytes;
    } *all;
    struct kept *one = malloc(sizeof(*one));
    assert_non_null(one);
    *one = (struct kept){all, bytes};
    all = one;
}

static cj_status decode(const cj_config *config, const char *text, cj_ast **out, cj_error *err)
{
    test_bytes b = test_bytes_of(text);
    uint8_t *exact = test_bytes_exact(b.at, b.len);
    cj__error_clear(err);
    cj_status status = cj__ast_decode(config, exact, b.len, out, err);
    keep(exact);
    free(b.at);
    return status;
}

/* The AST of `text`, which must be good; delete it with cj__ast_delete. */
static cj_ast *good(const char *text)
{
    cj_error err;
    cj_ast *ast = NULL;
    if (decode(NULL, text, &ast, &err) != CJ_OK) {
        char message[512];
        cj_error_format(&err, message, sizeof(message));
        fail_msg("%s: %s", text, message);
    }
    return ast;
}

static const cj_ast_def *def_at(const cj_ast *ast, uint32_t i, cj_def_kind kind)
{
    assert_true(i < ast->root.def_count);
    assert_int_equal(ast->root.defs[i].kind, kind);
    return &ast->root.defs[i];
}

static const cj_ast_typedef *type_at(const cj_ast *ast, uint32_t i, cj_deftype_kind kind)
{
    const cj_ast_typedef *type = def_at(ast, i, CJ_DEF_TYPE)->of.type;
    assert_int_equal(type->kind, kind);
    return type;
}

static void expect_str(cj_str s, const char *expected)
{
    if (!cj__str_eq(s, cj__str(expected)))
        fail_msg("`%.*s` is not `%s`", CJ_STR_ARG(s), expected);
}

static void expect_prim(const cj_ast_valtype *type, uint8_t prim)
{
    assert_true(type->present && !type->is_index);
    assert_int_equal(type->prim, prim);
}

static void expect_index(const cj_ast_valtype *type, uint32_t index)
{
    assert_true(type->present && type->is_index);
    assert_int_equal(type->index, index);
}

/* -- Preamble and sections ----------------------------------------------------------------------------------------- */

static void test_empty(void **state)
{
    (void)state;
    cj_ast *ast = good("!");
    assert_int_equal(ast->root.def_count, 0);
    assert_int_equal(ast->root.size, 8);
    assert_int_equal(ast->root.depth, 0);
    assert_int_equal(ast->file.len, 8);
    expect_str(ast->root.debug_name, "");
    cj__ast_delete(ast);
    cj__ast_delete(NULL);
}

static void test_sections_repeat_and_keep_order(void **state)
{
    (void)state;
    cj_ast *ast = good("! 07(00) 05(00) 08(00) 07(01 73) 06(01 03 02 00 00) 00('between') 07(01 70 01)"
                       " 07 81 80 80 80 00 00"); /* a size padded with zeros */
    assert_int_equal(ast->root.def_count, 3);
    expect_prim(&type_at(ast, 0, CJ_DEFTYPE_PRIM)->elem, 0x73);
    assert_int_equal(ast->root.defs[0].offset, 20);
    const cj_ast_alias *alias = &def_at(ast, 1, CJ_DEF_ALIAS)->of.alias;
    assert_int_equal(alias->kind, CJ_ALIAS_OUTER);
    assert_int_equal(alias->sort, CJ_SORT_TYPE);
    expect_index(&type_at(ast, 2, CJ_DEFTYPE_LIST)->elem, 1);
    cj__ast_delete(ast);
}

static void test_custom_sections(void **state)
{
    (void)state;
    cj_ast *ast = good(
        "! 00('hi') 00('component-name' ff fe 01) 00('component-name' 99) 00('component-name' 00('my-app') 01(00 00 00))"
        " 00('component-name' 00('other')) 00('x' 01 02 03)");
    assert_int_equal(ast->root.def_count, 0);
    expect_str(ast->root.debug_name, "my-app");
    cj__ast_delete(ast);
    ast = good("! 00('component-name' 00(02 ff fe))"); /* a bad name in it is no error */
    expect_str(ast->root.debug_name, "");
    cj__ast_delete(ast);
}

static void test_modules_and_components(void **state)
{
    (void)state;
    cj_ast *ast = good("! 01(?) 01(? 01(00) 00('c') 03(00) 0d(00) 06(00) 00('d' ff) 0c(00) 0a(00) 0b(00))"
                       " 04(!) 04(! 04(! 07(01 73)) 00('component-name' 00('inner')))");
    assert_int_equal(ast->root.def_count, 4);
    const cj_ast_def *def = def_at(ast, 0, CJ_DEF_CORE_MODULE);
    assert_int_equal(def->of.module.len, 8);
    assert_int_equal(def->of.module.offset, 10);
    assert_int_equal(def->of.module.ptr[4], 1);
    const cj_ast_component *inner = def_at(ast, 3, CJ_DEF_COMPONENT)->of.component;
    assert_int_equal(inner->depth, 1);
    expect_str(inner->debug_name, "inner");
    expect_str(ast->root.debug_name, "");
    assert_int_equal(inner->def_count, 1);
    const cj_ast_component *innermost = inner->defs[0].of.component;
    assert_int_equal(innermost->depth, 2);
    assert_int_equal(innermost->def_count, 1);
    assert_int_equal(innermost->defs[0].kind, CJ_DEF_TYPE);
    assert_int_equal(innermost->size, 12);
    cj__ast_delete(ast);
}

/* -- Instances, aliases -------------------------------------------------------------------------------------------- */

static void test_core_instances(void **state)
{
    (void)state;
    cj_ast *ast = good("! 02(02 00 07 02 'env' 12 03 '' 12 #300 01 03 'f' 00 01 'm' 02 00 't' 04 05)");
    const cj_ast_instance *a = &def_at(ast, 0, CJ_DEF_CORE_INSTANCE)->of.instance;
    assert_false(a->is_inline);
    assert_int_equal(a->target, 7);
    assert_int_equal(a->arg_count, 2);
    expect_str(a->args[0].name.name, "env");
    assert_int_equal(a->args[0].sort, CJ_SORT_CORE_INSTANCE);
    assert_int_equal(a->args[0].index, 3);
    expect_str(a->args[1].name.name, "");
    assert_int_equal(a->args[1].index, 300);
    const cj_ast_instance *b = &def_at(ast, 1, CJ_DEF_CORE_INSTANCE)->of.instance;
    assert_true(b->is_inline);
    assert_int_equal(b->arg_count, 3);
    assert_int_equal(b->args[0].sort, CJ_SORT_CORE_FUNC);
    assert_int_equal(b->args[1].sort, CJ_SORT_CORE_MEMORY);
    assert_int_equal(b->args[2].sort, CJ_SORT_CORE_TAG);
    assert_int_equal(b->args[2].index, 5);
    cj__ast_delete(ast);
}

static void test_instances(void **state)
{
    (void)state;
    cj_ast *ast = good("! 05(03 00 02 03 'a' 01 09 'b' 05 01 'c' 00 11 04"
                       " 01 03 00 'g' 01 00 01 'h' 05 02 02 'i' 01 02 'x y' 03 06"
                       " 01 00)");
    const cj_ast_instance *a = &def_at(ast, 0, CJ_DEF_INSTANCE)->of.instance;
    assert_int_equal(a->target, 2);
    assert_int_equal(a->args[0].sort, CJ_SORT_FUNC);
    assert_int_equal(a->args[1].sort, CJ_SORT_INSTANCE);
    assert_int_equal(a->args[2].sort, CJ_SORT_CORE_MODULE);
    assert_int_equal(a->args[2].index, 4);
    const cj_ast_instance *b = &def_at(ast, 1, CJ_DEF_INSTANCE)->of.instance;
    assert_true(b->is_inline);
    expect_str(b->args[1].name.name, "h");
    assert_true(b->args[2].name.has_external_id);
    expect_str(b->args[2].name.external_id, "x y");
    assert_int_equal(b->args[2].sort, CJ_SORT_TYPE);
    assert_int_equal(def_at(ast, 2, CJ_DEF_INSTANCE)->of.instance.arg_count, 0);
    cj__ast_delete(ast);
}

static void test_aliases(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        cj_sort sort;
        cj_alias_kind kind;
    } cases[] = {
        {"01 00 02 'e'", CJ_SORT_FUNC, CJ_ALIAS_EXPORT},
        {"02 00 02 'e'", CJ_SORT_VALUE, CJ_ALIAS_EXPORT},
        {"03 00 02 'e'", CJ_SORT_TYPE, CJ_ALIAS_EXPORT},
        {"04 00 02 'e'", CJ_SORT_COMPONENT, CJ_ALIAS_EXPORT},
        {"05 00 02 'e'", CJ_SORT_INSTANCE, CJ_ALIAS_EXPORT},
        {"00 11 00 02 'e'", CJ_SORT_CORE_MODULE, CJ_ALIAS_EXPORT},
        {"00 00 01 02 'e'", CJ_SORT_CORE_FUNC, CJ_ALIAS_CORE_EXPORT},
        {"00 01 01 02 'e'", CJ_SORT_CORE_TABLE, CJ_ALIAS_CORE_EXPORT},
        {"00 02 01 02 'e'", CJ_SORT_CORE_MEMORY, CJ_ALIAS_CORE_EXPORT},
        {"00 03 01 02 'e'", CJ_SORT_CORE_GLOBAL, CJ_ALIAS_CORE_EXPORT},
        {"00 04 01 02 'e'", CJ_SORT_CORE_TAG, CJ_ALIAS_CORE_EXPORT},
        {"00 11 02 05 06", CJ_SORT_CORE_MODULE, CJ_ALIAS_OUTER},
        {"00 10 02 05 06", CJ_SORT_CORE_TYPE, CJ_ALIAS_OUTER},
        {"03 02 05 06", CJ_SORT_TYPE, CJ_ALIAS_OUTER},
        {"04 02 05 06", CJ_SORT_COMPONENT, CJ_ALIAS_OUTER},
    };
    for (size_t i = 0; i < CJ_COUNT(cases); i++) {
        char text[100];
        snprintf(text, sizeof(text), "! 06(01 %s)", cases[i].bytes);
        cj_ast *ast = good(text);
        const cj_ast_alias *alias = &def_at(ast, 0, CJ_DEF_ALIAS)->of.alias;
        assert_int_equal(alias->sort, cases[i].sort);
        assert_int_equal(alias->kind, cases[i].kind);
        if (alias->kind == CJ_ALIAS_OUTER) {
            assert_int_equal(alias->outer_count, 5);
            assert_int_equal(alias->outer_index, 6);
        } else {
            assert_int_equal(alias->instance, 2);
            expect_str(alias->name, "e");
        }
        cj__ast_delete(ast);
    }
}

/* -- Types --------------------------------------------------------------------------------------------------------- */

static void test_primitives(void **state)
{
    (void)state;
    cj_ast *ast = good("! 07(0e 7f 7e 7d 7c 7b 7a 79 78 77 76 75 74 73 64)");
    for (uint32_t i = 0; i < 13; i++)
        expect_prim(&type_at(ast, i, CJ_DEFTYPE_PRIM)->elem, (uint8_t)(0x7f - i));
    expect_prim(&type_at(ast, 13, CJ_DEFTYPE_PRIM)->elem, 0x64);
    cj__ast_delete(ast);
}

static void test_value_types(void **state)
{
    (void)state;
    cj_ast *ast = good(
        "! 07(16 72 02 'a' 7f 'b' 05 71 02 'x' 01 7e 00 'y' 00 00 70 7b 6f 02 7c #200 6e 02 'f1' 'f2' 6d 02 'e1' 'e2'"
        " 6b 7a 6a 00 00 6a 01 77 00 6a 00 01 78 6a 01 76 01 75 69 00 68 #129 66 01 7d 66 00 65 01 73 65 00 70 02"
        " 67 7d #300 63 73 79 63 05 79 70 ff ff ff ff 0f)");
    const cj_ast_typedef *t = type_at(ast, 0, CJ_DEFTYPE_RECORD);
    assert_int_equal(t->labels.len, 2);
    expect_str(t->labels.at[0].label, "a");
    expect_prim(&t->labels.at[0].type, 0x7f);
    expect_index(&t->labels.at[1].type, 5);
    t = type_at(ast, 1, CJ_DEFTYPE_VARIANT);
    expect_prim(&t->labels.at[0].type, 0x7e);
    assert_false(t->labels.at[1].type.present);
    expect_prim(&type_at(ast, 2, CJ_DEFTYPE_LIST)->elem, 0x7b);
    t = type_at(ast, 3, CJ_DEFTYPE_TUPLE);
    assert_int_equal(t->labels.len, 2);
    expect_str(t->labels.at[0].label, "");
    expect_index(&t->labels.at[1].type, 200);
    t = type_at(ast, 4, CJ_DEFTYPE_FLAGS);
    expect_str(t->labels.at[1].label, "f2");
    assert_false(t->labels.at[1].type.present);
    assert_int_equal(type_at(ast, 5, CJ_DEFTYPE_ENUM)->labels.len, 2);
    expect_prim(&type_at(ast, 6, CJ_DEFTYPE_OPTION)->elem, 0x7a);
    t = type_at(ast, 7, CJ_DEFTYPE_RESULT);
    assert_false(t->elem.present || t->second.present);
    t = type_at(ast, 8, CJ_DEFTYPE_RESULT);
    expect_prim(&t->elem, 0x77);
    assert_false(t->second.present);
    t = type_at(ast, 9, CJ_DEFTYPE_RESULT);
    assert_false(t->elem.present);
    expect_prim(&t->second, 0x78);
    expect_prim(&type_at(ast, 10, CJ_DEFTYPE_RESULT)->second, 0x75);
    assert_int_equal(type_at(ast, 11, CJ_DEFTYPE_OWN)->index, 0);
    assert_int_equal(type_at(ast, 12, CJ_DEFTYPE_BORROW)->index, 129);
    expect_prim(&type_at(ast, 13, CJ_DEFTYPE_STREAM)->elem, 0x7d);
    assert_false(type_at(ast, 14, CJ_DEFTYPE_STREAM)->elem.present);
    expect_prim(&type_at(ast, 15, CJ_DEFTYPE_FUTURE)->elem, 0x73);
    assert_false(type_at(ast, 16, CJ_DEFTYPE_FUTURE)->elem.present);
    expect_index(&type_at(ast, 17, CJ_DEFTYPE_LIST)->elem, 2);
    t = type_at(ast, 18, CJ_DEFTYPE_FIXED_LIST);
    expect_prim(&t->elem, 0x7d);
    assert_int_equal(t->index, 300);
    t = type_at(ast, 19, CJ_DEFTYPE_MAP);
    expect_prim(&t->elem, 0x73);
    expect_prim(&t->second, 0x79);
    expect_index(&type_at(ast, 20, CJ_DEFTYPE_MAP)->elem, 5);
    expect_index(&type_at(ast, 21, CJ_DEFTYPE_LIST)->elem, UINT32_MAX); /* 33 bits signed hold every index */
    cj__ast_delete(ast);
}

static void test_function_and_resource_types(void **state)
{
    (void)state;
    cj_ast *ast = good("! 07(06 40 00 01 00 40 02 'p' 7f 'q-r' 00 00 79 43 00 01 00 3f 7f 00 3f 7f 01 09 3f 7e 00)");
    assert_false(type_at(ast, 0, CJ_DEFTYPE_FUNC)->elem.present);
    const cj_ast_typedef *t = type_at(ast, 1, CJ_DEFTYPE_FUNC);
    assert_int_equal(t->labels.len, 2);
    expect_str(t->labels.at[1].label, "q-r");
    expect_index(&t->labels.at[1].type, 0);
    expect_prim(&t->elem, 0x79);
    type_at(ast, 2, CJ_DEFTYPE_ASYNC_FUNC);
    t = type_at(ast, 3, CJ_DEFTYPE_RESOURCE);
    assert_int_equal(t->rep, 0x7f);
    assert_false(t->has_dtor);
    t = type_at(ast, 4, CJ_DEFTYPE_RESOURCE);
    assert_true(t->has_dtor);
    assert_int_equal(t->dtor, 9);
    assert_int_equal(type_at(ast, 5, CJ_DEFTYPE_RESOURCE)->rep, 0x7e);
    cj__ast_delete(ast);
}

static void test_component_and_instance_types(void **state)
{
    (void)state;
    cj_ast *ast =
        good("! 07(02"
             " 41 04 01 73 03 00 'a' 03 00 00 01 40 00 01 00 04 01 'b' 01 02"
             " 42 06 00 60 00 00 02 03 02 01 00 02 05 00 00 'i' 04 00 't' 03 00 00 04 00 'r' 03 01 01 42 00)");
    const cj_ast_typedef *t = type_at(ast, 0, CJ_DEFTYPE_COMPONENT);
    assert_int_equal(t->decls.len, 4);
    assert_int_equal(t->decls.at[0].kind, CJ_DECL_TYPE);
    assert_int_equal(t->decls.at[1].kind, CJ_DECL_IMPORT);
    expect_str(t->decls.at[1].of.import->name.name, "a");
    assert_int_equal(t->decls.at[1].of.import->type.sort, CJ_SORT_TYPE);
    assert_int_equal(t->decls.at[1].of.import->type.bound, CJ_BOUND_EQ);
    assert_int_equal(t->decls.at[3].kind, CJ_DECL_EXPORT);
    assert_int_equal(t->decls.at[3].of.import->type.index, 2);
    t = type_at(ast, 1, CJ_DEFTYPE_INSTANCE);
    assert_int_equal(t->decls.len, 6);
    assert_int_equal(t->decls.at[0].kind, CJ_DECL_CORE_TYPE);
    assert_int_equal(t->decls.at[1].kind, CJ_DECL_ALIAS);
    assert_int_equal(t->decls.at[1].of.alias.outer_count, 1);
    assert_int_equal(t->decls.at[2].of.alias.sort, CJ_SORT_INSTANCE);
    assert_int_equal(t->decls.at[4].of.import->type.bound, CJ_BOUND_SUB);
    assert_int_equal(t->decls.at[5].of.type->kind, CJ_DEFTYPE_INSTANCE);
    cj__ast_delete(ast);
}

static const cj_ast_coretypedef *core_type_at(const cj_ast *ast, uint32_t i, cj_ast_coretypedef_kind kind)
{
    const cj_ast_coretypedef *type = def_at(ast, i, CJ_DEF_CORE_TYPE)->of.core_type;
    assert_int_equal(type->kind, kind);
    return type;
}

static void test_core_types(void **state)
{
    (void)state;
    cj_ast *ast = good("! 03(0f"
                       " 60 00 00"
                       " 60 02 7f 7e 03 7d 7c 7b"
                       " 00 50 00 60 00 00"          /* a sub that is not final */
                       " 4f 00 60 01 70 00"          /* a final one is the function type itself */
                       " 4f 01 00 60 00 00"          /* unless it has a supertype */
                       " 60 02 63 70 64 05 01 6e"    /* references */
                       " 5f 03 78 00 77 01 7f 00"    /* struct */
                       " 5e 64 05 01"                /* array */
                       " 4e 02 60 00 00 50 00 5f 00" /* a recursive group of two */
                       " 4e 01 60 00 00"             /* and of one */
                       " 4e 00"
                       " 65 60 00 00" /* shared */
                       " 60 01 63 65 6e 00"
                       " 5f 00"
                       " 60 01 64 ff ff ff ff 0f 00)");
    core_type_at(ast, 0, CJ_CORETYPE_FUNC);
    const cj_ast_coretypedef *t = core_type_at(ast, 1, CJ_CORETYPE_FUNC);
    assert_int_equal(t->func.param_count, 2);
    assert_int_equal(t->func.params[1], 0x7e);
    assert_int_equal(t->func.result_count, 3);
    assert_int_equal(t->func.results[2], 0x7b);
    assert_false(t->func.opaque);
    assert_int_equal(t->type_count, 1);
    core_type_at(ast, 2, CJ_CORETYPE_OTHER);
    t = core_type_at(ast, 3, CJ_CORETYPE_FUNC);
    assert_int_equal(t->func.params[0], 0x70);
    core_type_at(ast, 4, CJ_CORETYPE_OTHER);
    t = core_type_at(ast, 5, CJ_CORETYPE_FUNC);
    assert_true(t->func.opaque);
    assert_int_equal(t->func.param_count, 2);
    assert_int_equal(t->func.params[0], 0x63);
    core_type_at(ast, 6, CJ_CORETYPE_OTHER);
    core_type_at(ast, 7, CJ_CORETYPE_OTHER);
    assert_int_equal(core_type_at(ast, 8, CJ_CORETYPE_OTHER)->type_count, 2);
    assert_int_equal(core_type_at(ast, 9, CJ_CORETYPE_FUNC)->type_count, 1);
    assert_int_equal(core_type_at(ast, 10, CJ_CORETYPE_OTHER)->type_count, 0);
    core_type_at(ast, 11, CJ_CORETYPE_OTHER);
    assert_true(core_type_at(ast, 12, CJ_CORETYPE_FUNC)->func.opaque);
    cj__ast_delete(ast);
}

static void test_module_types(void **state)
{
    (void)state;
    cj_ast *ast = good("! 03(01 50 08 01 60 00 00 00 'a' 'b' 00 00 02 10 01 01 07 03 'e' 00 00"
                       " 03 't' 01 70 01 02 #300 03 'm' 02 07 #70000 #80000 03 'g' 03 7e 01 03 'x' 04 00 00)");
    const cj_ast_coretypedef *t = core_type_at(ast, 0, CJ_CORETYPE_MODULE);
    assert_int_equal(t->decl_count, 8);
    assert_int_equal(t->decls[0].kind, CJ_MODULEDECL_TYPE);
    assert_int_equal(t->decls[0].typedef_->kind, CJ_CORETYPE_FUNC);
    assert_int_equal(t->decls[1].kind, CJ_MODULEDECL_IMPORT);
    expect_str(t->decls[1].module, "a");
    expect_str(t->decls[1].name, "b");
    assert_int_equal(t->decls[1].type.sort, CJ_SORT_CORE_FUNC);
    assert_int_equal(t->decls[2].kind, CJ_MODULEDECL_ALIAS);
    assert_int_equal(t->decls[2].alias_count, 1);
    assert_int_equal(t->decls[2].alias_index, 7);
    assert_int_equal(t->decls[4].type.sort, CJ_SORT_CORE_TABLE);
    assert_int_equal(t->decls[4].type.value_type, 0x70);
    assert_int_equal(t->decls[4].type.limits.max, 300);
    assert_int_equal(t->decls[5].type.sort, CJ_SORT_CORE_MEMORY);
    assert_true(t->decls[5].type.limits.shared && t->decls[5].type.limits.is64 && t->decls[5].type.limits.has_max);
    assert_int_equal(t->decls[5].type.limits.min, 70000);
    assert_int_equal(t->decls[6].type.sort, CJ_SORT_CORE_GLOBAL);
    assert_true(t->decls[6].type.is_mutable);
    assert_int_equal(t->decls[7].type.sort, CJ_SORT_CORE_TAG);
    cj__ast_delete(ast);

    /* In a module type, 0x50 begins a subtype. */
    ast = good("! 03(01 50 02 01 60 00 00 01 50 01 00 60 00 00)");
    t = core_type_at(ast, 0, CJ_CORETYPE_MODULE);
    assert_int_equal(t->decls[1].typedef_->kind, CJ_CORETYPE_OTHER);
    cj__ast_delete(ast);
}

/* -- Canonical definitions ----------------------------------------------------------------------------------------- */

static void test_lift_and_lower(void **state)
{
    (void)state;
    cj_ast *ast =
        good("! 08(06 00 00 07 00 08 00 00 01 03 00 03 01 04 05 02 00 00 02 02 06 07 03 02 00 00 01 02 02 05 06 01"
             " 01 00 09 01 01 01 00 0a 00)");
    const cj_ast_canon *c = def_at(ast, 0, CJ_DEF_CANON)->of.canon;
    assert_int_equal(c->kind, CJ_CANON_LIFT);
    assert_int_equal(c->func, 7);
    assert_int_equal(c->type, 8);
    assert_false(c->opts.has_encoding || c->opts.has_memory || c->opts.has_realloc || c->opts.has_post_return ||
                 c->opts.is_async);
    assert_int_equal(c->opts.encoding, CJ_UTF8);
    c = def_at(ast, 1, CJ_DEF_CANON)->of.canon;
    assert_true(c->opts.has_encoding && c->opts.has_memory && c->opts.has_realloc);
    assert_int_equal(c->opts.memory, 1);
    assert_int_equal(c->opts.realloc, 5);
    c = def_at(ast, 2, CJ_DEF_CANON)->of.canon;
    assert_true(c->opts.is_async && c->opts.has_callback);
    assert_int_equal(c->opts.callback, 3);
    c = def_at(ast, 3, CJ_DEF_CANON)->of.canon;
    assert_int_equal(c->opts.encoding, CJ_LATIN1_UTF16);
    assert_int_equal(c->opts.post_return, 6);
    c = def_at(ast, 4, CJ_DEF_CANON)->of.canon;
    assert_int_equal(c->kind, CJ_CANON_LOWER);
    assert_int_equal(c->func, 9);
    assert_int_equal(c->opts.encoding, CJ_UTF16);
    assert_int_equal(def_at(ast, 5, CJ_DEF_CANON)->of.canon->func, 10);
    cj__ast_delete(ast);
}

static void test_every_canon(void **state)
{
    (void)state;
    /* Each opcode with its operands; t 1, i 2, flag 1. */
    static const struct {
        cj_canon_kind kind;
        const char *bytes;
        bool has_type, has_immediate, has_flag;
    } cases[] = {
        {CJ_CANON_LIFT, "00 00 00 00 01", true, false, false},
        {CJ_CANON_LOWER, "01 00 00 00", false, false, false},
        {CJ_CANON_RESOURCE_NEW, "02 01", true, false, false},
        {CJ_CANON_RESOURCE_DROP, "03 01", true, false, false},
        {CJ_CANON_RESOURCE_REP, "04 01", true, false, false},
        {CJ_CANON_TASK_CANCEL, "05", false, false, false},
        {CJ_CANON_SUBTASK_CANCEL, "06 01", false, false, true},
        {CJ_CANON_TASK_RETURN, "09 00 79 02 01 03 00", false, false, false},
        {CJ_CANON_CONTEXT_GET, "0a 7f 02", false, true, false},
        {CJ_CANON_CONTEXT_SET, "0b 7e 02", false, true, false},
        {CJ_CANON_THREAD_YIELD, "0c 01", false, false, true},
        {CJ_CANON_SUBTASK_DROP, "0d", false, false, false},
        {CJ_CANON_STREAM_NEW, "0e 01", true, false, false},
        {CJ_CANON_STREAM_READ, "0f 01 02 03 00 04 05", true, false, false},
        {CJ_CANON_STREAM_WRITE, "10 01 01 06", true, false, false},
        {CJ_CANON_STREAM_CANCEL_READ, "11 01 01", true, false, true},
        {CJ_CANON_STREAM_CANCEL_WRITE, "12 01 01", true, false, true},
        {CJ_CANON_STREAM_DROP_READABLE, "13 01", true, false, false},
        {CJ_CANON_STREAM_DROP_WRITABLE, "14 01", true, false, false},
        {CJ_CANON_FUTURE_NEW, "15 01", true, false, false},
        {CJ_CANON_FUTURE_READ, "16 01 00", true, false, false},
        {CJ_CANON_FUTURE_WRITE, "17 01 00", true, false, false},
        {CJ_CANON_FUTURE_CANCEL_READ, "18 01 01", true, false, true},
        {CJ_CANON_FUTURE_CANCEL_WRITE, "19 01 01", true, false, true},
        {CJ_CANON_FUTURE_DROP_READABLE, "1a 01", true, false, false},
        {CJ_CANON_FUTURE_DROP_WRITABLE, "1b 01", true, false, false},
        {CJ_CANON_ERROR_CONTEXT_NEW, "1c 01 03 00", false, false, false},
        {CJ_CANON_ERROR_CONTEXT_DEBUG_MESSAGE, "1d 02 03 00 04 00", false, false, false},
        {CJ_CANON_ERROR_CONTEXT_DROP, "1e", false, false, false},
        {CJ_CANON_WAITABLE_SET_NEW, "1f", false, false, false},
        {CJ_CANON_WAITABLE_SET_WAIT, "20 01 02", false, true, true},
        {CJ_CANON_WAITABLE_SET_POLL, "21 01 02", false, true, true},
        {CJ_CANON_WAITABLE_SET_DROP, "22", false, false, false},
        {CJ_CANON_WAITABLE_JOIN, "23", false, false, false},
        {CJ_CANON_BACKPRESSURE_INC, "24", false, false, false},
        {CJ_CANON_BACKPRESSURE_DEC, "25", false, false, false},
        {CJ_CANON_THREAD_INDEX, "26", false, false, false},
        {CJ_CANON_THREAD_NEW_INDIRECT, "27 01 02", true, true, false},
        {CJ_CANON_THREAD_RESUME_LATER, "28", false, false, false},
        {CJ_CANON_THREAD_SUSPEND, "29 01", false, false, true},
        {CJ_CANON_THREAD_SUSPEND_THEN_RESUME, "2a 01", false, false, true},
        {CJ_CANON_THREAD_YIELD_THEN_RESUME, "2b 01", false, false, true},
        {CJ_CANON_THREAD_SUSPEND_THEN_PROMOTE, "2c 01", false, false, true},
        {CJ_CANON_THREAD_YIELD_THEN_PROMOTE, "2d 01", false, false, true},
        {CJ_CANON_THREAD_SPAWN_REF, "40 01 01", true, false, true},
        {CJ_CANON_THREAD_SPAWN_INDIRECT, "41 01 01 02", true, true, true},
        {CJ_CANON_THREAD_AVAILABLE_PARALLELISM, "42 01", false, false, true},
    };
    assert_int_equal(CJ_COUNT(cases), CJ_CANON_COUNT);
    for (size_t i = 0; i < CJ_COUNT(cases); i++) {
        char text[100];
        snprintf(text, sizeof(text), "! 08(02 %s 1f)", cases[i].bytes); /* one after it: nothing is left or taken */
        cj_ast *ast = good(text);
        const cj_ast_canon *c = def_at(ast, 0, CJ_DEF_CANON)->of.canon;
        assert_int_equal(c->kind, cases[i].kind);
        assert_int_equal(c->type, cases[i].has_type);
        assert_int_equal(c->immediate, cases[i].has_immediate ? 2 : 0);
        assert_int_equal(c->flag, cases[i].has_flag);
        assert_int_equal(def_at(ast, 1, CJ_DEF_CANON)->of.canon->kind, CJ_CANON_WAITABLE_SET_NEW);
        if (c->kind == CJ_CANON_TASK_RETURN)
            expect_prim(&c->result, 0x79);
        if (c->kind == CJ_CANON_CONTEXT_SET)
            assert_int_equal(c->result.prim, 0x7e);
        cj__ast_delete(ast);
    }
    assert_string_equal(cj__canon_name(CJ_CANON_LIFT), "canon lift");
    assert_string_equal(cj__canon_gate(CJ_CANON_LIFT), "");
    assert_string_equal(cj__canon_gate(CJ_CANON_THREAD_SPAWN_REF), "shared threads");
    assert_string_equal(cj__sort_name(CJ_SORT_CORE_MODULE), "core module");
}

/* -- Imports, exports, start, values ------------------------------------------------------------------------------- */

static void test_imports(void **state)
{
    (void)state;
    cj_ast *ast = good(
        "! 0a(0a 00 'a' 01 00 01 'b' 01 01 02 'c' 00 01 02 00 'm' 00 11 03 00 't1' 03 00 04 00 't2' 03 01"
        " 02 'i1' 02 02 'any text' 00 'my:dep/iface' 05 05 02 'x:y/z@1' 01 01 '.2.3' 05 06 00 'v' 02 00 07 00 'w' 02 01 79)");
    const cj_ast_import *im = def_at(ast, 2, CJ_DEF_IMPORT)->of.import;
    expect_str(im->name.name, "c");
    assert_int_equal(im->type.sort, CJ_SORT_FUNC);
    assert_int_equal(im->type.index, 2);
    im = def_at(ast, 3, CJ_DEF_IMPORT)->of.import;
    assert_int_equal(im->type.sort, CJ_SORT_CORE_MODULE);
    assert_int_equal(im->type.index, 3);
    im = def_at(ast, 5, CJ_DEF_IMPORT)->of.import;
    assert_int_equal(im->type.bound, CJ_BOUND_SUB);
    im = def_at(ast, 6, CJ_DEF_IMPORT)->of.import;
    assert_true(im->name.has_implements && im->name.has_external_id && !im->name.has_version_suffix);
    expect_str(im->name.implements, "my:dep/iface");
    expect_str(im->name.external_id, "any text");
    im = def_at(ast, 7, CJ_DEF_IMPORT)->of.import;
    expect_str(im->name.version_suffix, ".2.3");
    im = def_at(ast, 8, CJ_DEF_IMPORT)->of.import;
    assert_int_equal(im->type.sort, CJ_SORT_VALUE);
    assert_int_equal(im->type.bound, CJ_BOUND_EQ);
    assert_int_equal(im->type.index, 7);
    im = def_at(ast, 9, CJ_DEF_IMPORT)->of.import;
    assert_int_equal(im->type.bound, CJ_BOUND_TYPE);
    expect_prim(&im->type.value, 0x79);
    cj__ast_delete(ast);
}

static void test_exports(void **state)
{
    (void)state;
    cj_ast *ast = good(
        "! 0b(05 00 'e1' 01 00 00 00 'e2' 01 01 01 01 02 00 'm' 00 11 00 00 00 't' 03 05 01 03 00 06 01 'a:b/c' 05 07 00)"
        " 0a(01 00 'e1' 01 00)"); /* imports and exports are separate scopes */
    const cj_ast_export *e = def_at(ast, 0, CJ_DEF_EXPORT)->of.export_;
    assert_false(e->has_type);
    e = def_at(ast, 1, CJ_DEF_EXPORT)->of.export_;
    assert_true(e->has_type);
    assert_int_equal(e->index, 1);
    assert_int_equal(e->type.sort, CJ_SORT_FUNC);
    assert_int_equal(e->type.index, 2);
    assert_int_equal(def_at(ast, 2, CJ_DEF_EXPORT)->of.export_->sort, CJ_SORT_CORE_MODULE);
    assert_int_equal(def_at(ast, 3, CJ_DEF_EXPORT)->of.export_->type.index, 6);
    assert_int_equal(def_at(ast, 4, CJ_DEF_EXPORT)->of.export_->sort, CJ_SORT_INSTANCE);
    cj__ast_delete(ast);
}

static void test_start_and_values(void **state)
{
    (void)state;
    cj_ast *ast = good("! 0c(02 79 01 2a 73 03 'hi') 09(05 02 00 01 01) 09(06 00 00)");
    const cj_ast_def *def = def_at(ast, 1, CJ_DEF_VALUE);
    expect_prim(&def->of.value.type, 0x73);
    assert_int_equal(def->of.value.bytes.len, 3);
    assert_memory_equal(def->of.value.bytes.ptr, "\2hi", 3);
    assert_int_equal(def->of.value.bytes.offset, 16);
    def = def_at(ast, 2, CJ_DEF_START);
    assert_int_equal(def->of.start.func, 5);
    assert_int_equal(def->of.start.arg_count, 2);
    assert_int_equal(def->of.start.args[1], 1);
    assert_int_equal(def->of.start.result_count, 1);
    assert_int_equal(def_at(ast, 3, CJ_DEF_START)->of.start.arg_count, 0);
    cj__ast_delete(ast);
}

/* -- Every rule, broken -------------------------------------------------------------------------------------------- */

typedef struct bad_case {
    const char *bytes;
    cj_status status;
    uint64_t offset;
    const char *words;
} bad_case;

static void expect_bad(const bad_case *c, const cj_config *config)
{
    cj_error err;
    cj_ast *ast = NULL;
    cj_status status = decode(config, c->bytes, &ast, &err);
    char text[600];
    cj_error_format(&err, text, sizeof(text));
    if (status != c->status || err.offset != c->offset || !strstr(err.message, c->words))
        fail_msg("%s\n    is: %s\n    should be: %s: offset 0x%llx: %s", c->bytes, text, cj_status_text(c->status),
                 (unsigned long long)c->offset, c->words);
    assert_null(ast);
}

static void test_bad_preambles(void **state)
{
    (void)state;
    static const bad_case cases[] = {
        {"", CJ_MALFORMED, 0, "expected the preamble of a component (00 61 73 6d 0d 00 01 00), found nothing"},
        {"00", CJ_MALFORMED, 0, "expected the preamble of a component (00 61 73 6d 0d 00 01 00), found 00"},
        {"1f 8b 08 00 00", CJ_MALFORMED, 0, "found 1f 8b 08 00"},
        {"00 61 73 6d", CJ_MALFORMED, 0, "expected the preamble of a component"},
        {"00 61 73 6d 0d 00 01", CJ_MALFORMED, 0, "expected the preamble"},
        {"61 73 6d 00 0d 00 01 00", CJ_MALFORMED, 0, "expected the preamble"},
        {"00 41 53 4d 0d 00 01 00", CJ_MALFORMED, 0, "expected the preamble"},
        {"28 63 6f 6d", CJ_MALFORMED, 0, "found text: assemble it first"},
        {"ef bb bf 0d 0a 20 28", CJ_MALFORMED, 0, "found text: assemble it first"},
        {"0a 3b 3b", CJ_MALFORMED, 0, "found text: assemble it first"},
        {"3b", CJ_MALFORMED, 0, "found 3b"},
        {"20 0a", CJ_MALFORMED, 0, "found 20 0a"},
        {"?", CJ_MALFORMED, 0, "found a core module"},
        {"00 61 73 6d 0c 00 01 00", CJ_MALFORMED, 4,
         "expected version 0x0d of the component format, found 0x0c: build"},
        {"00 61 73 6d 0e 00 01 00", CJ_MALFORMED, 4, "found 0x0e: it is newer than this canonjit"},
        {"00 61 73 6d 00 0d 01 00", CJ_MALFORMED, 4, "found 0xd00"},
        {"00 61 73 6d 0d 00 02 00", CJ_MALFORMED, 6, "found layer 2"},
        {"00 61 73 6d 0d 00 01 01", CJ_MALFORMED, 6, "found layer 257"},
        {"00 61 73 6d 0d 00 00 00", CJ_MALFORMED, 6, "found layer 0"},
        {"! 04(00 61 73 6d 0c 00 01 00)", CJ_MALFORMED, 14, "found 0x0c"},
        {"! 04(?)", CJ_MALFORMED, 10, "found a core module"},
        {"! 04()", CJ_MALFORMED, 10, "expected the preamble of a component"},
        {"! 01(!)", CJ_MALFORMED, 10, "expected the preamble of a core module"},
        {"! 01(00 61 73)", CJ_MALFORMED, 10, "expected the preamble of a core module"},
    };
    for (size_t i = 0; i < CJ_COUNT(cases); i++)
        expect_bad(&cases[i], NULL);
}

static void test_bad_sections(void **state)
{
    (void)state;
    static const bad_case cases[] = {
        {"! 0d 00", CJ_MALFORMED, 8, "expected a section id (0 to 12), found 0x0d"},
        {"! ff", CJ_MALFORMED, 8, "expected a section id"},
        {"! 00", CJ_MALFORMED, 9, "expected the size of a section, found the end"},
        {"! 00 80 80", CJ_MALFORMED, 9, "expected the size of a section, found the end"},
        {"! 07 03 00", CJ_MALFORMED, 10, "expected a type section of 3 bytes, found the end after 1"},
        {"! 07 01 01 73", CJ_MALFORMED, 10, "found the end"},
        {"! 07(01 73 00)", CJ_MALFORMED, 12, "expected the end of a type section, found 1 more bytes"},
        {"! 07(02 73)", CJ_MALFORMED, 10,
         "expected the definitions of a section: 2 of them, found the end after 1 bytes"},
        {"! 07 81 80 80 80 70 00", CJ_MALFORMED, 9, "an integer of more than 32 bits"},
        {"! 07(bf 84 3d 73)", CJ_MALFORMED, 10, "999999 of them, found the end"},
        {"! 00(05 61 62)", CJ_MALFORMED, 11, "expected the name of a custom section of 5 bytes, found the end after 2"},
        {"! 00(02 ff fe)", CJ_MALFORMED, 11, "expected the name of a custom section in UTF-8, found byte 0xff"},
        {"! 00()", CJ_MALFORMED, 10, "expected the name of a custom section, found the end"},
        {"! 09(05 00 00 00)", CJ_MALFORMED, 13, "expected the end of a start section"},
        {"! 09(05 00 02)", CJ_INVALID, 12, "a start definition with 2 results"},
        {"! 09(05 00 ff ff ff ff 0f)", CJ_INVALID, 12, "a start definition with 4294967295 results"},
        {"! 09(05 01)", CJ_MALFORMED, 11, "1 of them, found the end"},
        {"! 0c(01 79 05 00)", CJ_MALFORMED, 13, "expected a value of 5 bytes, found the end after 1"},
        {"! 0c(01 62 00)", CJ_MALFORMED, 11, "expected a value type, found 0x62"},
        /* core modules: only their outline */
        {"! 01(? 0e(00))", CJ_MALFORMED, 18, "expected a section id of a core module (0 to 13), found 0x0e"},
        {"! 01(? 01(00) 0b(00) 01(00))", CJ_MALFORMED, 24, "in order and once each, found id 1 late"},
        {"! 01(? 01(00) 01(00))", CJ_MALFORMED, 21, "found id 1 late"},
        {"! 01(? 0a(00) 0c(00))", CJ_MALFORMED, 21, "found id 12 late"},
        {"! 01(? 06(00) 0d(00))", CJ_MALFORMED, 21, "found id 13 late"},
        {"! 01(? 01 05 00)", CJ_MALFORMED, 20, "expected a core module's section of 5 bytes, found the end after 1"},
        {"! 01(? 00(05))", CJ_MALFORMED, 21, "expected the name of a custom section of 5 bytes"},
        {"! 01(? 00)", CJ_MALFORMED, 19, "expected the size of a core module's section"},
    };
    for (size_t i = 0; i < CJ_COUNT(cases); i++)
        expect_bad(&cases[i], NULL);
}

static void test_bad_instances_and_aliases(void **state)
{
    (void)state;
    static const bad_case cases[] = {
        {"! 02(01 02 00 00)", CJ_MALFORMED, 11, "expected an instance (0x00 instantiate or 0x01 exports), found 0x02"},
        {"! 02(01 00 01 01 'i' 00 00)", CJ_MALFORMED, 16,
         "expected the sort of a core argument, instance (0x12), found 0x00"},
        {"! 02(01 01 01 'i' 05 00)", CJ_MALFORMED, 15, "expected a core sort, found 0x05"},
        {"! 02(01 00 01 02 'i' 12 00)", CJ_MALFORMED, 18, "the name of a core argument, found the end"},
        {"! 05(01 02 00 00)", CJ_MALFORMED, 11, "expected an instance"},
        {"! 05(01 00 00 01 'i' 06 00)", CJ_MALFORMED, 16, "expected a sort, found 0x06"},
        {"! 05(01 00 00 01 'i' 00 13 00)", CJ_MALFORMED, 17, "expected a core sort, found 0x13"},
        {"! 05(01 01 01 03 'i' 01 00)", CJ_MALFORMED, 13, "expected the prefix of a name (0x00 to 0x02), found 0x03"},
        {"! 05(01 01 01 00 '1' 01 00)", CJ_INVALID, 15, "name `1` is not in kebab case"},
        {"! 05(01 01 01 00 'a' 00 00 00)", CJ_INVALID, 15,
         "export name `a` must not name a core function: of the core sorts only modules"},
        {"! 05(01 01 02 00 'a' 01 00 00 'A' 01 00)", CJ_INVALID, 20, "export `A` conflicts with the earlier `a`"},
        {"! 06(01 03 03 00 00)", CJ_MALFORMED, 12, "expected the target of an alias (0x00 to 0x02), found 0x03"},
        {"! 06(01 06 02 00 00)", CJ_MALFORMED, 11, "expected a sort, found 0x06"},
        {"! 06(01 00 05 02 00 00)", CJ_MALFORMED, 12, "expected a core sort, found 0x05"},
        {"! 06(01 00 13 02 00 00)", CJ_MALFORMED, 12, "expected a core sort, found 0x13"},
        {"! 06(01 05 02 00 00)", CJ_MALFORMED, 11,
         "expected the sort of an outer alias (core module, core type, type, component), found instance"},
        {"! 06(01 01 02 00 00)", CJ_MALFORMED, 11, "found function"},
        {"! 06(01 00 02 02 00 00)", CJ_MALFORMED, 11, "found core memory"},
        {"! 06(01 00 00 00 00 'f')", CJ_INVALID, 11, "an instance cannot export a core function"},
        {"! 06(01 01 01 00 'f')", CJ_INVALID, 11, "a core instance cannot export a function"},
        {"! 06(01 00 11 01 00 'f')", CJ_INVALID, 11, "a core instance cannot export a core module"},
        {"! 06(01 03 00 00 02 ff fe)", CJ_MALFORMED, 15, "in UTF-8"},
    };
    for (size_t i = 0; i < CJ_COUNT(cases); i++)
        expect_bad(&cases[i], NULL);
}

static void test_bad_types(void **state)
{
    (void)state;
    static const bad_case cases[] = {
        {"! 07(01 62)", CJ_MALFORMED, 11, "expected a type, found 0x62"},
        {"! 07(01 44)", CJ_MALFORMED, 11, "expected a type, found 0x44"},
        {"! 07(01 3e)", CJ_MALFORMED, 11, "expected a type, found 0x3e"},
        {"! 07(01 00)", CJ_MALFORMED, 11, "expected a type, found 0x00"},
        {"! 07(01 ff 7f)", CJ_MALFORMED, 11, "expected a type, found 0xff"},
        {"! 07(01 70 72)", CJ_MALFORMED, 12, "expected a value type, found 0x72"},
        {"! 07(01 70 ff 7f)", CJ_MALFORMED, 12, "expected a value type, found the negative index -1"},
        {"! 07(01 70 80 80 80 80 10)", CJ_MALFORMED, 12, "an integer of more than 33 bits"},
        {"! 07(01 70)", CJ_MALFORMED, 12, "expected a value type, found the end"},
        {"! 07(01 71 01 'c' 00 01)", CJ_MALFORMED, 16, "expected the byte that ends a variant case (0x00), found 0x01"},
        {"! 07(01 71 01 'c' 02 00)", CJ_MALFORMED, 15,
         "expected the flag of a case's payload (0x00 or 0x01), found 0x02"},
        {"! 07(01 6a 02 00)", CJ_MALFORMED, 12, "the flag of a result's type"},
        {"! 07(01 6a 00 02)", CJ_MALFORMED, 13, "the flag of a result's error type"},
        {"! 07(01 66 02)", CJ_MALFORMED, 12, "the flag of an element type"},
        {"! 07(01 40 00 01 01)", CJ_MALFORMED, 14, "expected the end of an empty list of results (0x00), found 0x01"},
        {"! 07(01 40 00 02 00)", CJ_MALFORMED, 13, "expected a function's result (0x00 or 0x01), found 0x02"},
        {"! 07(01 3f 7f 02)", CJ_MALFORMED, 13, "the flag of a destructor"},
        {"! 07(01 41 01 05 73)", CJ_MALFORMED, 13, "expected a declaration (0x00 to 0x04), found 0x05"},
        {"! 07(01 42 01 03 00 'a' 03 01)", CJ_MALFORMED, 13,
         "a declaration of an instance type, which has no imports, found 0x03"},
        {"! 07(01 72 00)", CJ_INVALID, 11, "a type must have at least one record field"},
        {"! 07(01 71 00)", CJ_INVALID, 11, "a type must have at least one variant case"},
        {"! 07(01 6f 00)", CJ_INVALID, 11, "a type must have at least one tuple element"},
        {"! 07(01 6e 00)", CJ_INVALID, 11, "a type must have at least one flags label"},
        {"! 07(01 6d 00)", CJ_INVALID, 11, "a type must have at least one enum case"},
        {"! 07(01 67 7d 00)", CJ_INVALID, 11, "a fixed-length list must have at least one element"},
        {"! 07(01 63 76 79)", CJ_INVALID, 12, "a map's key must be"},
        {"! 07(01 63 75 79)", CJ_INVALID, 12, "a map's key must be"},
        {"! 07(01 63 64 79)", CJ_INVALID, 12, "a map's key must be"},
        {"! 07(01 3f 7d 00)", CJ_INVALID, 12, "a resource is represented by i32 or i64, not by core type 0x7d"},
        {"! 07(01 3f 6e 00)", CJ_INVALID, 12, "not by core type 0x6e"},
        {"! 07(01 41 01 01 3f 7f 00)", CJ_INVALID, 14, "a resource type can only be defined in a component"},
        {"! 07(01 42 01 01 3f 7f 00)", CJ_INVALID, 14, "a resource type can only be defined in a component"},
        {"! 07(01 72 01 '' 7f)", CJ_INVALID, 14, "record field `` is not in kebab case"},
        {"! 07(01 72 01 'aB' 7f)", CJ_INVALID, 14, "record field `aB` is not in kebab case"},
        {"! 07(01 40 01 '1' 7f 01 00)", CJ_INVALID, 14, "parameter `1` is not in kebab case"},
        {"! 07(01 72 02 'a-B' 7f 'A-b' 7f)", CJ_INVALID, 19, "record field `A-b` conflicts with the earlier `a-B`"},
        {"! 07(01 71 02 'x' 00 00 'X' 00 00)", CJ_INVALID, 18, "variant case `X` conflicts with the earlier `x`"},
        {"! 07(01 6e 03 'x' 'y' 'X')", CJ_INVALID, 18, "flags label `X` conflicts with the earlier `x`"},
        {"! 07(01 6d 02 'x' 'x')", CJ_INVALID, 16, "enum case `x` conflicts with the earlier `x`"},
        {"! 07(01 40 02 'p' 7f 'P' 7f 01 00)", CJ_INVALID, 17, "parameter `P` conflicts with the earlier `p`"},
        {"! 07(01 6d 12 'a' 'b' 'c' 'd' 'e' 'f' 'g' 'h' 'i' 'j' 'k' 'l' 'm' 'n' 'o' 'p' 'q' 'C')", CJ_INVALID, 48,
         "enum case `C` conflicts with the earlier `c`"}, /* more than are compared in pairs */
        {"! 07(01 42 01 02 01 00 00 'f')", CJ_INVALID, 14,
         "an export alias in a type can be of a type or instance, not of a function"},
        {"! 07(01 42 01 02 00 00 01 00 'f')", CJ_INVALID, 14, "an alias in a type cannot be of a core export"},
        {"! 07(01 42 01 02 04 02 01 00)", CJ_INVALID, 14,
         "an outer alias in a type can be of a type or core type, not of a component"},
        {"! 07(01 42 01 02 00 11 02 01 00)", CJ_INVALID, 14, "not of a core module"},
        {"! 07(01 42 02 04 00 'a' 01 00 04 00 'A' 01 00)", CJ_INVALID, 22, "export `A` conflicts with the earlier `a`"},
        {"! 07(01 41 02 03 00 'a' 01 00 03 00 'A' 01 00)", CJ_INVALID, 22, "import `A` conflicts with the earlier `a`"},
        {"! 07(01 41 01 03 00 'GonnA' 01 00)", CJ_INVALID, 16, "name `GonnA` is not in kebab case"},
        {"! 07(01 41 01 04 00 'NevEr' 01 00)", CJ_INVALID, 16, "name `NevEr` is not in kebab case"},
    };
    for (size_t i = 0; i < CJ_COUNT(cases); i++)
        expect_bad(&cases[i], NULL);
    test_bytes flags = test_bytes_of("! 07 87 01 01 6e 21");
    for (int i = 0; i < 33; i++) {
        const char label[4] = {3, 'f', (char)('0' + i / 10), (char)('0' + i % 10)};
        test_bytes_add(&flags, label, sizeof(label));
    }
    cj_error err;
    cj_ast *ast;
    assert_int_equal(cj__ast_decode(NULL, flags.at, flags.len, &ast, &err), CJ_INVALID);
    assert_string_equal(err.message, "flags with 33 labels, more than 32");
    free(flags.at);
    cj__ast_delete(good("! 07(01 41 02 03 00 'a' 01 00 04 00 'a' 01 00)")); /* separate scopes */
}

static void test_bad_core_types(void **state)
{
    (void)state;
    static const bad_case cases[] = {
        {"! 03(01 61)", CJ_MALFORMED, 11, "expected a core type, found 0x61"},
        {"! 03(01 60 01 79 00)", CJ_MALFORMED, 13, "expected a core value type, found 0x79"},
        {"! 03(01 60 01 63 80 80 80 80 70 00)", CJ_MALFORMED, 14, "expected a heap type, found -4294967296"},
        {"! 03(01 60 01 63 7f 00)", CJ_MALFORMED, 14, "expected a heap type, found -1"},
        {"! 03(01 60 01 63 65 05 00)", CJ_MALFORMED, 15, "expected a heap type, found 0x05"},
        {"! 03(01 5e 7f 02)", CJ_MALFORMED, 13, "the mutability of a field"},
        {"! 03(01 65 61)", CJ_MALFORMED, 12, "expected a core type, found 0x61"},
        {"! 03(01 00 60 00 00)", CJ_MALFORMED, 12, "expected a subtype after the byte 0x00 (0x50), found 0x60"},
        {"! 03(01 4e 02 60 00 00)", CJ_MALFORMED, 16, "expected a core type, found the end"},
        {"! 03(01 50 01 04 60 00 00)", CJ_MALFORMED, 13,
         "expected a declaration of a module type (0x00 to 0x03), found 0x04"},
        {"! 03(01 50 01 02 00 01 01 00)", CJ_MALFORMED, 14,
         "expected the sort of an alias in a module type, type (0x10), found 0x00"},
        {"! 03(01 50 01 02 10 00 01 00)", CJ_MALFORMED, 15,
         "expected the target of an alias in a module type, outer (0x01), found 0x00"},
        {"! 03(01 50 02 01 50 00 01 60 00 00)", CJ_INVALID, 14, "a module type cannot be defined inside a module type"},
        {"! 03(01 50 01 01 50)", CJ_INVALID, 14, "a module type cannot be defined inside a module type"},
        {"! 03(01 50 01 01 50 01 00 5f)", CJ_MALFORMED, 18, "expected fields of a struct, found the end"},
        {"! 03(01 50 01 03 'e' 05 00)", CJ_MALFORMED, 16, "expected a core extern type (0x00 to 0x04), found 0x05"},
        {"! 03(01 50 01 03 'e' 01 7f 00 00)", CJ_MALFORMED, 17, "expected a reference type, found 0x7f"},
        {"! 03(01 50 01 03 'e' 02 08 00)", CJ_MALFORMED, 17, "expected the flags of limits (0x00 to 0x07), found 0x08"},
        {"! 03(01 50 01 03 'e' 02 01 05 04)", CJ_INVALID, 17, "minimum 5 is over maximum 4"},
        {"! 03(01 50 01 03 'e' 02 00 #4294967296)", CJ_INVALID, 17, "limits of more than 32 bits"},
        {"! 03(01 50 01 03 'e' 03 7f 02)", CJ_MALFORMED, 18, "the mutability of a global"},
        {"! 03(01 50 01 03 'e' 04 01 00)", CJ_MALFORMED, 17, "the attribute of a tag"},
    };
    for (size_t i = 0; i < CJ_COUNT(cases); i++)
        expect_bad(&cases[i], NULL);
}

static void test_bad_canons(void **state)
{
    (void)state;
    static const bad_case cases[] = {
        {"! 08(01 07)", CJ_MALFORMED, 11, "expected a canonical function, found 0x07"},
        {"! 08(01 08)", CJ_MALFORMED, 11, "expected a canonical function, found 0x08"},
        {"! 08(01 2e)", CJ_MALFORMED, 11, "expected a canonical function, found 0x2e"},
        {"! 08(01 43)", CJ_MALFORMED, 11, "expected a canonical function, found 0x43"},
        {"! 08(01 00 01 00 00 00)", CJ_MALFORMED, 12,
         "expected the sort of a canonical function, func (0x00), found 0x01"},
        {"! 08(01 01 01 00 00)", CJ_MALFORMED, 12, "expected the sort of a canonical function"},
        {"! 08(01 0c 02)", CJ_MALFORMED, 12, "expected a cancellable flag (0x00 or 0x01), found 0x02"},
        {"! 08(01 20 02 00)", CJ_MALFORMED, 12, "expected a cancellable flag"},
        {"! 08(01 06 02)", CJ_MALFORMED, 12, "expected an async flag"},
        {"! 08(01 42 02)", CJ_MALFORMED, 12, "expected a shared flag"},
        {"! 08(01 0a 7d 00)", CJ_INVALID, 12, "context values are i32 or i64, not core type 0x7d"},
        {"! 08(01 09 02 00)", CJ_MALFORMED, 12, "expected a function's result"},
        {"! 08(01 01 00 00 01 08)", CJ_MALFORMED, 15, "expected a canonical option (0x00 to 0x07), found 0x08"},
        {"! 08(01 01 00 00 01 0a)", CJ_MALFORMED, 15, "found 0x0a"},
        {"! 08(01 01 00 00 01)", CJ_MALFORMED, 14, "canonical options: 1 of them, found the end"},
        {"! 08(01 01 00 00 01 03)", CJ_MALFORMED, 16, "expected a core memory index, found the end"},
        {"! 08(01 01 00 00 02 00 00)", CJ_INVALID, 16, "`string-encoding=utf8` is given twice"},
        {"! 08(01 01 00 00 02 00 01)", CJ_INVALID, 16, "`string-encoding=utf16` is given twice, or in conflict"},
        {"! 08(01 01 00 00 02 03 00 03 00)", CJ_INVALID, 17, "`memory` is given twice"},
        {"! 08(01 01 00 00 03 03 00 04 00 04 00)", CJ_INVALID, 19, "`realloc` is given twice"},
        {"! 08(01 00 00 00 02 05 00 05 00 00)", CJ_INVALID, 17, "`post-return` is given twice"},
        {"! 08(01 00 00 00 02 06 06 00)", CJ_INVALID, 16, "`async` is given twice"},
        {"! 08(01 00 00 00 03 06 07 00 07 00 00)", CJ_INVALID, 18, "`callback` is given twice"},
        {"! 08(01 01 00 00 01 05 00)", CJ_INVALID, 15, "`post-return` is not allowed on canon lower"},
        {"! 08(01 01 00 00 02 06 07 00)", CJ_INVALID, 16, "`callback` is not allowed on canon lower"},
        {"! 08(01 09 01 00 01 06)", CJ_INVALID, 15, "`async` is not allowed on task.return"},
        {"! 08(01 09 01 00 02 03 00 04 00)", CJ_INVALID, 17, "`realloc` is not allowed on task.return"},
        {"! 08(01 1c 01 06)", CJ_INVALID, 13, "`async` is not allowed on error-context.new"},
        {"! 08(01 01 00 00 01 04 00)", CJ_INVALID, 14, "`realloc` needs `memory`"},
        {"! 08(01 00 00 00 02 05 00 06 00)", CJ_INVALID, 14, "`post-return` and `async` exclude each other"},
        {"! 08(01 00 00 00 01 07 00 00)", CJ_INVALID, 14, "`callback` needs `async`"},
    };
    for (size_t i = 0; i < CJ_COUNT(cases); i++)
        expect_bad(&cases[i], NULL);
}

static void test_bad_names(void **state)
{
    (void)state;
    static const bad_case cases[] = {
        {"! 0a(01 03 'a' 01 00)", CJ_MALFORMED, 11, "expected the prefix of a name (0x00 to 0x02), found 0x03"},
        {"! 0a(01 02 'a' 01 03 'x' 01 00)", CJ_MALFORMED, 15,
         "expected an attribute of a name (0x00 to 0x02), found 0x03"},
        {"! 0a(01 00 't' 03 02)", CJ_MALFORMED, 15, "expected a type bound (0x00 or 0x01), found 0x02"},
        {"! 0a(01 00 'v' 02 02)", CJ_MALFORMED, 15, "expected a value bound (0x00 or 0x01), found 0x02"},
        {"! 0a(01 00 'x' 06 00)", CJ_MALFORMED, 14, "expected an extern type (0x00 to 0x05), found 0x06"},
        {"! 0a(01 00 'm' 00 00)", CJ_MALFORMED, 15,
         "expected the core sort of an extern type, module (0x11), found 0x00"},
        {"! 0a(01 00 7f 61 62)", CJ_MALFORMED, 13, "expected a name of 127 bytes, found the end after 2"},
        {"! 0a(01 00 02 ff fe 01 00)", CJ_MALFORMED, 13, "expected a name in UTF-8, found byte 0xff"},
        {"! 0a(01 00 'Foo' 01 00)", CJ_INVALID, 13, "name `Foo` is not in kebab case"},
        {"! 0a(01 00 '' 01 00)", CJ_INVALID, 13, "name `` is not in kebab case"},
        {"! 0a(01 02 'i' 02 00 'a:b/x' 00 'a:b/y' 05 00)", CJ_INVALID, 22, "second `implements` attribute of name `i`"},
        {"! 0a(01 02 'i' 02 02 'x' 02 'y' 05 00)", CJ_INVALID, 18, "second `external id` attribute"},
        {"! 0a(01 02 'i' 01 00 'not-valid' 05 00)", CJ_INVALID, 17,
         "`implements` value `not-valid` must be an interface name"},
        {"! 0a(01 02 'i' 01 00 '' 05 00)", CJ_INVALID, 17, "is not in kebab case"},
        {"! 0a(01 02 'i' 01 00 'a:b/c' 01 00)", CJ_INVALID, 13,
         "import name `i` has `implements`, which only instances can; found: function"},
        {"! 0a(01 02 'a:b/c' 01 00 'a:b/c' 05 00)", CJ_INVALID, 21,
         "name `a:b/c` cannot have `implements`: it is not a plain name"},
        {"! 0a(01 02 'a:b/c' 01 01 '.2' 05 00)", CJ_INVALID, 21, "version suffix `.2` does not complete"},
        {"! 0a(01 02 'a:b/c@1' 01 01 '.2' 05 00)", CJ_INVALID, 23, "version suffix `.2` does not complete"},
        {"! 0a(01 02 'a:b/c@1.2.3' 01 01 '-x' 05 00)", CJ_INVALID, 27, "does not complete"},
        {"! 0a(01 02 'a' 01 01 '.2.3' 01 00)", CJ_INVALID, 17, "does not complete"},
        {"! 0a(01 00 '[method]a.b' 05 00)", CJ_INVALID, 13,
         "import name `[method]a.b` must name a function, found: instance"},
        {"! 0a(02 00 'a' 01 00 00 'A' 01 00)", CJ_INVALID, 18, "import `A` conflicts with the earlier `a`"},
        {"! 0a(02 00 'a' 03 01 00 '[method]a.a' 01 00)", CJ_INVALID, 18,
         "import `[method]a.a` conflicts with the earlier `a`"},
        {"! 0a(01 00 'a' 01 00) 0a(01 01 'a' 01 00)", CJ_INVALID, 21, "import `a` conflicts"}, /* across sections */
        {"! 0b(02 00 'a' 01 00 00 00 'a' 01 00 00)", CJ_INVALID, 19, "export `a` conflicts with the earlier `a`"},
        {"! 0b(01 00 'e' 01 00 02)", CJ_MALFORMED, 16,
         "expected the flag of an export's type (0x00 or 0x01), found 0x02"},
        {"! 0b(01 00 'e' 06 00 00)", CJ_MALFORMED, 14, "expected a sort, found 0x06"},
        {"! 0b(01 00 'e' 00 00 00 00)", CJ_INVALID, 13, "export name `e` must not name a core function"},
        {"! 0b(01 00 '[static]a.b' 05 00 00)", CJ_INVALID, 13, "must name a function"},
        {"! 0b(01 02 'e' 01 00 'a:b/c' 01 00 00)", CJ_INVALID, 13, "which only instances can"},
    };
    for (size_t i = 0; i < CJ_COUNT(cases); i++)
        expect_bad(&cases[i], NULL);
    cj__ast_delete(good("! 0a(01 00 'x' 01 00) 04(! 0a(01 00 'x' 01 00))")); /* components are scopes of their own */
}

/* -- Limits -------------------------------------------------------------------------------------------------------- */

static void test_limits(void **state)
{
    (void)state;
    cj_config c = config_of();
    c.max_component_size = 20;
    expect_bad(
        &(bad_case){"! 00('0123456789')", CJ_LIMIT, CJ_NO_OFFSET, "component of 21 bytes, max_component_size is 20"},
        &c);

    c = config_of();
    c.max_name_length = 4;
    expect_bad(
        &(bad_case){"! 00('01234')", CJ_LIMIT, 11, "the name of a custom section has 5 bytes, max_name_length is 4"},
        &c);
    expect_bad(&(bad_case){"! 07(01 72 01 'abcde' 7f)", CJ_LIMIT, 14, "max_name_length is 4"}, &c);
    expect_bad(&(bad_case){"! 01(? 00('01234'))", CJ_LIMIT, 21, "max_name_length is 4"}, &c);

    c = config_of();
    c.max_members = 2;
    expect_bad(
        &(bad_case){"! 07(01 72 03 'a' 7f 'b' 7f 'c' 7f)", CJ_LIMIT, 12, "record field: 3 of them, max_members is 2"},
        &c);
    expect_bad(&(bad_case){"! 07(01 71 03 'a' 00 00 'b' 00 00 'c' 00 00)", CJ_LIMIT, 12, "max_members is 2"}, &c);
    expect_bad(&(bad_case){"! 07(01 6f 03 7f 7f 7f)", CJ_LIMIT, 12, "max_members is 2"}, &c);
    expect_bad(&(bad_case){"! 07(01 6d 03 'a' 'b' 'c')", CJ_LIMIT, 12, "max_members is 2"}, &c);
    expect_bad(&(bad_case){"! 07(01 6e 03 'a' 'b' 'c')", CJ_LIMIT, 12, "max_members is 2"}, &c);
    expect_bad(&(bad_case){"! 03(01 5f 03 7f 00 7f 00 7f 00)", CJ_LIMIT, 12, "max_members is 2"}, &c);

    c = config_of();
    c.max_params = 2;
    expect_bad(
        &(bad_case){"! 07(01 40 03 'a' 7f 'b' 7f 'c' 7f 01 00)", CJ_LIMIT, 12, "parameter: 3 of them, max_params is 2"},
        &c);
    expect_bad(&(bad_case){"! 03(01 60 03 7f 7f 7f 00)", CJ_LIMIT, 12, "max_params is 2"}, &c);
    expect_bad(&(bad_case){"! 03(01 60 00 03 7f 7f 7f)", CJ_LIMIT, 13, "max_params is 2"}, &c);
    expect_bad(&(bad_case){"! 09(00 03 00 00 00 00)", CJ_LIMIT, 11, "max_params is 2"}, &c);

    c = config_of();
    c.max_component_depth = 2;
    expect_bad(&(bad_case){"! 04(! 04(! 04(!)))", CJ_LIMIT, 30, "nested deeper than max_component_depth, 2"}, &c);
    expect_bad(&(bad_case){"! 07(01 42 01 01 41 01 01 42 00)", CJ_LIMIT, 18, "max_component_depth, 2"}, &c);
    expect_bad(&(bad_case){"! 04(! 07(01 42 01 01 41 00))", CJ_LIMIT, 25, "max_component_depth, 2"}, &c);
    c.max_component_depth = 3;
    cj_ast *ast;
    cj_error err;
    assert_int_equal(decode(&c, "! 04(! 04(! 04(!)) 04(! 04(!))) 07(01 42 01 01 41 01 01 42 00)", &ast, &err), CJ_OK);
    cj__ast_delete(ast);
}

/* Each thing that takes a place in the AST counts. */
static void test_max_definitions(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        uint32_t count;
    } cases[] = {
        {"! 07(03 73 73 73)", 3},
        {"! 01(?) 04(!) 04(! 07(01 73))", 4},
        {"! 07(01 72 02 'a' 7f 'b' 7f)", 3},
        {"! 07(01 40 02 'a' 7f 'b' 7f 01 00)", 3},
        {"! 07(01 42 02 01 73 01 41 01 01 73)", 4},
        {"! 05(01 01 02 00 'a' 01 00 00 'b' 01 00)", 3},
        {"! 02(01 00 00 02 'a' 12 00 'b' 12 00)", 3},
        {"! 03(01 60 02 7f 7f 01 7f)", 4},
        {"! 03(01 50 02 01 60 00 00 03 'e' 00 00)", 3},
        {"! 03(01 4e 02 60 00 00 5f 01 7f 00)", 4},
        {"! 03(01 4f 01 00 60 00 00)", 2},
        {"! 0a(01 02 'a' 01 02 'x' 01 00)", 2},
        {"! 08(01 01 00 00 01 00)", 2},
        {"! 09(00 02 00 00 00)", 3},
    };
    for (size_t i = 0; i < CJ_COUNT(cases); i++) {
        cj_config c = config_of();
        cj_ast *ast = NULL;
        cj_error err;
        c.max_definitions = cases[i].count;
        assert_int_equal(decode(&c, cases[i].bytes, &ast, &err), CJ_OK);
        cj__ast_delete(ast);
        c.max_definitions--;
        assert_int_equal(decode(&c, cases[i].bytes, &ast, &err), CJ_LIMIT);
        assert_non_null(strstr(err.message, "max_definitions"));
    }
}

/* Nesting as deep as the limit allows, and one more, whatever the host raises the limit to. */
static void test_deep_nesting(void **state)
{
    (void)state;
    cj_config c = config_of();
    c.max_component_depth = UINT32_MAX;
    for (int form = 0; form < 2; form++) {
        for (int levels = CJ_DEPTH_CEILING; levels <= CJ_DEPTH_CEILING + 1; levels++) {
            test_bytes b = {0};
            if (form == 0) {
                b = test_bytes_of("!");
                for (int i = 0; i < levels; i++) {
                    test_bytes outer = test_bytes_of("! 04");
                    test_bytes_sized(&outer, &b);
                    b = outer;
                }
            } else {
                b = test_bytes_of("! 07");
                test_bytes types = test_bytes_of("01");
                for (int i = 1; i < levels; i++)
                    test_bytes_parse(&types, i % 2 ? "42 01 01" : "41 01 01", '\0');
                test_bytes_parse(&types, "41 00", '\0');
                test_bytes_sized(&b, &types);
            }
            cj_ast *ast = NULL;
            cj_error err;
            cj_status status = cj__ast_decode(&c, b.at, b.len, &ast, &err);
            assert_int_equal(status, levels == CJ_DEPTH_CEILING ? CJ_OK : CJ_LIMIT);
            if (status == CJ_OK)
                cj__ast_delete(ast);
            free(b.at);
        }
    }
}

/* A count is a claim: memory follows the bytes that back it. */
static void test_claims_allocate_nothing(void **state)
{
    (void)state;
    static const char *const heads[] = {
        "07(#50000",       "07(01 72 #9000",        "07(01 42 #50000", "02(01 00 00 #50000",
        "05(01 01 #50000", "08(01 01 00 00 #50000", "03(01 50 #50000", "03(01 60 #900",
        "09(00 #900",      "0a(01 02 'a' #50000",
    };
    for (size_t i = 0; i < CJ_COUNT(heads); i++) {
        track_alloc t;
        track_init(&t);
        char text[100];
        snprintf(text, sizeof(text), "! %s [fe]x60000)", heads[i]);
        cj_config c = config_of();
        c.allocator = &t.hook;
        cj_error err;
        cj_ast *ast;
        cj_status status = decode(&c, text, &ast, &err);
        assert_true(status == CJ_MALFORMED || status == CJ_INVALID);
        assert_int_equal(t.live_blocks, 0);
        assert_in_range(t.peak_bytes, 1, 30000); /* half a file that is borrowed */
    }
}

/* -- Hostile input ------------------------------------------------------------------------------------------------- */

static const char *const corpus[] = {
    /* a small but whole component: module, instance, aliases, types, canons, import, export */
    "! 01(? 01(01 60 00 00) 03(01 00) 07(01 'f' 00 00) 0a(01 02 00 0b)) 02(01 00 00 00) 06(01 00 00 01 00 'f') 07(01 40 00 01 00)"
    " 08(02 00 00 00 00 00 01 00 00 03 03 00 04 01 01) 0a(02 00 'a' 01 00 02 'i' 02 00 'my:dep/iface' 02 'x' 05 00)"
    " 0a(01 02 'x:y/z@0.1' 01 01 '.2' 05 00)"
    " 0b(02 00 'e1' 01 00 00 01 'e2' 01 00 01 01 00) 00('component-name' 00('app') 01(01 01 00 'f'))",
    "! 07(12 72 02 'a' 7f 'b' 05 71 02 'x' 01 7e 00 'y' 00 00 70 7b 6f 02 7c #200 6e 02 'f1' 'f2' 6d 02 'e1' 'e2' 6b 7a 6a 00 00 6a 01 77"
    " 00 6a 00 01 78 69 00 68 #129 66 01 7d 65 00 67 7d #300 63 73 79 43 01 'p' 7f 00 79 3f 7f 01 00)",
    "! 07(02 41 05 01 73 03 00 'a' 03 00 00 01 40 00 01 00 04 00 'b' 01 02 00 60 01 7f 00 42 04 02 03 02 01 00 02 05 00 00 'i' 04 00 't' 03 01"
    " 01 42 01 01 41 00)",
    "! 03(04 60 02 7f 7e 01 7d 00 50 00 60 00 00 4e 02 60 00 00 5f 01 7f 00 50 06 01 60 00 00 00 'a' 'b' 00 00 02 10 01 01 07 03 'm' 02 01 01 02"
    " 03 't' 01 70 00 01 03 'g' 03 7f 01)",
    "! 04(! 04(! 07(01 73)) 0a(01 00 'x' 01 00)) 05(02 00 00 01 'x' 01 00 01 01 00 'g' 01 00) 06(02 03 02 00 00 01 00 01 'g')"
    " 09(05 02 00 01 01) 0c(01 73 03 'hi')",
    "! 08(11 06 01 09 00 79 01 01 0a 7f 00 0c 00 0f 01 01 03 00 11 01 01 20 00 00 27 00 00 29 01 40 00 00 41 00 00 00 42 00 1c 01 03 00 1e 05 24 26)",
};

/* Where a prefix of the file is a component again: between the root's sections. */
static bool ends_a_section(const test_bytes *b, size_t len)
{
    size_t at = 8;
    while (at < len) {
        uint32_t size = 0;
        unsigned shift = 0;
        at++;
        do
            size |= (uint32_t)(b->at[at] & 0x7f) << shift, shift += 7;
        while (b->at[at++] & 0x80);
        at += size;
    }
    return at == len;
}

static void test_truncations(void **state)
{
    (void)state;
    int boundaries = 0, errors = 0;
    for (size_t i = 0; i < CJ_COUNT(corpus); i++) {
        cj__ast_delete(good(corpus[i]));
        test_bytes b = test_bytes_of(corpus[i]);
        for (size_t len = 0; len < b.len; len++) {
            uint8_t *cut = test_bytes_exact(b.at, len);
            cj_ast *ast = NULL;
            cj_error err;
            cj_status status = cj__ast_decode(NULL, cut, len, &ast, &err);
            free(cut);
            if (len >= 8 && ends_a_section(&b, len)) {
                assert_int_equal(status, CJ_OK);
                cj__ast_delete(ast);
                boundaries++;
            } else {
                assert_int_equal(status, CJ_MALFORMED);
                assert_true(err.offset <= len);
                errors++;
            }
        }
        free(b.at);
    }
    assert_true(boundaries > 15 && errors > 500);
}

static uint64_t seed = 0x2545f4914f6cdd1d;

static uint32_t random_below(uint32_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 32) % n;
}

static void mutate(test_bytes *b)
{
    static const uint8_t likely[] = {0x00, 0x01, 0x02, 0x03, 0x7f, 0x80, 0xff, 0x0f,
                                     0x10, 0x40, 0x41, 0x42, 0x50, 0x60, 0x70, 0x73};
    size_t at = random_below((uint32_t)b->len);
    switch (random_below(6)) {
    case 0:
        b->at[at] ^= (uint8_t)(1u << random_below(8));
        break;
    case 1:
        b->at[at] = (uint8_t)random_below(256);
        break;
    case 2:
        b->at[at] = likely[random_below(sizeof(likely))];
        break;
    case 3: /* remove */
        memmove(b->at + at, b->at + at + 1, b->len - at - 1);
        b->len -= b->len > 1;
        break;
    case 4: { /* insert */
        uint8_t byte = likely[random_below(sizeof(likely))];
        test_bytes_add(b, &byte, 1);
        memmove(b->at + at + 1, b->at + at, b->len - at - 1);
        b->at[at] = byte;
        break;
    }
    default: { /* copy a piece over another */
        size_t from = random_below((uint32_t)b->len), n = random_below(12);
        for (size_t i = 0; i < n && at + i < b->len && from + i < b->len; i++)
            b->at[at + i] = b->at[from + i];
    }
    }
}

static void test_mutations(void **state)
{
    (void)state;
    enum { ROUNDS = 20000 };
    for (int round = 0; round < ROUNDS; round++) {
        test_bytes b = test_bytes_of(corpus[random_below(CJ_COUNT(corpus))]);
        for (uint32_t n = 1 + random_below(4); n > 0; n--)
            mutate(&b);
        uint8_t *exact = test_bytes_exact(b.at, b.len);
        LLVMFuzzerTestOneInput(exact, b.len);
        free(exact);
        free(b.at);
    }
}

/* Whatever allocation fails: an error, and nothing is lost. The padding moves the point where the arena is full. */
static void test_out_of_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < CJ_COUNT(corpus); i++) {
        for (size_t padding = 0; padding < 4000; padding += 24) {
            test_bytes b = test_bytes_of(corpus[i]), section = test_bytes_of("'padding'");
            for (size_t n = 0; n < padding; n++)
                test_bytes_byte(&section, 0);
            test_bytes_byte(&b, 0);
            test_bytes_sized(&b, &section);
            for (uint64_t at = 1;; at++) {
                track_alloc t;
                track_init(&t);
                t.fail_at = at;
                cj_config c = config_of();
                c.allocator = &t.hook;
                cj_ast *ast = NULL;
                cj_error err;
                cj_status status = cj__ast_decode(&c, b.at, b.len, &ast, &err);
                if (status == CJ_OK)
                    cj__ast_delete(ast);
                else
                    assert_int_equal(status, CJ_NO_MEMORY);
                assert_int_equal(t.live_blocks, 0);
                if (status == CJ_OK)
                    break;
                assert_true(at < 1000);
            }
            free(b.at);
        }
    }
}

/* Many names in one scope, and in one type: time in proportion, whatever they are. */
static void test_many_names(void **state)
{
    (void)state;
    enum { MANY = 100000, LABELS = 10000 };
    test_bytes imports = {0}, labels = {0}, b = test_bytes_of("! 07");
    test_bytes_parse(&labels, "01 6d #10000", '\0');
    for (int i = 0; i < LABELS; i++) {
        char label[16];
        int n = snprintf(label, sizeof(label), "c%d", i);
        test_bytes_leb(&labels, (uint64_t)n);
        test_bytes_add(&labels, label, (size_t)n);
    }
    test_bytes_sized(&b, &labels);
    test_bytes_leb(&imports, MANY);
    for (int i = 0; i < MANY; i++) {
        char name[16];
        int n = snprintf(name, sizeof(name), "i%d", i);
        test_bytes_byte(&imports, 0);
        test_bytes_leb(&imports, (uint64_t)n);
        test_bytes_add(&imports, name, (size_t)n);
        test_bytes_parse(&imports, "01 00", '\0');
    }
    test_bytes_byte(&b, 0x0a);
    test_bytes_sized(&b, &imports);
    cj_ast *ast = NULL;
    cj_error err;
    assert_int_equal(cj__ast_decode(NULL, b.at, b.len, &ast, &err), CJ_OK);
    assert_int_equal(ast->root.def_count, MANY + 1);
    assert_int_equal(ast->root.defs[0].of.type->labels.len, LABELS);
    cj__ast_delete(ast);
    free(b.at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_sections_repeat_and_keep_order),
        cmocka_unit_test(test_custom_sections),
        cmocka_unit_test(test_modules_and_components),
        cmocka_unit_test(test_core_instances),
        cmocka_unit_test(test_instances),
        cmocka_unit_test(test_aliases),
        cmocka_unit_test(test_primitives),
        cmocka_unit_test(test_value_types),
        cmocka_unit_test(test_function_and_resource_types),
        cmocka_unit_test(test_component_and_instance_types),
        cmocka_unit_test(test_core_types),
        cmocka_unit_test(test_module_types),
        cmocka_unit_test(test_lift_and_lower),
        cmocka_unit_test(test_every_canon),
        cmocka_unit_test(test_imports),
        cmocka_unit_test(test_exports),
        cmocka_unit_test(test_start_and_values),
        cmocka_unit_test(test_bad_preambles),
        cmocka_unit_test(test_bad_sections),
        cmocka_unit_test(test_bad_instances_and_aliases),
        cmocka_unit_test(test_bad_types),
        cmocka_unit_test(test_bad_core_types),
        cmocka_unit_test(test_bad_canons),
        cmocka_unit_test(test_bad_names),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_max_definitions),
        cmocka_unit_test(test_deep_nesting),
        cmocka_unit_test(test_claims_allocate_nothing),
        cmocka_unit_test(test_truncations),
        cmocka_unit_test(test_mutations),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_many_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
