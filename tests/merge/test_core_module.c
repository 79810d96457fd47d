/* test_core_module.c: the outlines of core modules: what is read, and everything that is refused. */
#include "unit/support/cmocka_all.h"

#include "merge/merge_case.h"
#include "unit/support/bytes.h"
#include "unit/support/track_alloc.h"

#include <stdio.h>

/* -- What is read -------------------------------------------------------------------------------------------------- */

static void reads_everything(void **state)
{
    (void)state;
    merge_case c;
    case_open(&c, "outline/full");
    const cj_core_outline *o = &c.modules[0];

    assert_int_equal(o->type_count, 3);
    assert_int_equal(o->types[0].param_count + o->types[0].result_count, 0);
    assert_int_equal(o->types[1].param_count, 4);
    assert_memory_equal(o->types[1].params, ((uint8_t[]){CJ_CORE_I32, CJ_CORE_I64, CJ_CORE_F32, CJ_CORE_F64}), 4);
    assert_int_equal(o->types[1].results[0], CJ_CORE_I64);
    assert_int_equal(o->types[2].params[0], CJ_CORE_FUNCREF);
    assert_int_equal(o->types[2].params[1], CJ_CORE_EXTERNREF);
    assert_int_equal(o->types[2].results[0], CJ_CORE_V128);

    assert_int_equal(o->import_count, 6);
    static const struct {
        const char *module, *name;
        cj_sort sort;
        uint32_t index;
    } imports[] = {
        {"env", "f", CJ_SORT_CORE_FUNC, 0},   {"env", "t", CJ_SORT_CORE_TABLE, 0}, {"env", "g", CJ_SORT_CORE_GLOBAL, 0},
        {"env", "m", CJ_SORT_CORE_MEMORY, 0}, {"env", "h", CJ_SORT_CORE_FUNC, 1},  {"", "", CJ_SORT_CORE_GLOBAL, 1},
    };
    for (uint32_t i = 0; i < o->import_count; i++) {
        assert_true(cj__str_eq(o->imports[i].module, cj__str(imports[i].module)));
        assert_true(cj__str_eq(o->imports[i].name, cj__str(imports[i].name)));
        assert_int_equal(o->imports[i].type.sort, imports[i].sort);
        assert_int_equal(o->imports[i].index, imports[i].index);
        assert_true(o->imports[i].offset > 8);
    }
    assert_int_equal(o->imports[0].type.func_type, 1);
    assert_int_equal(o->imports[3].type.limits.min, 1);
    assert_true(o->imports[3].type.limits.has_max);
    assert_int_equal(o->imports[3].type.limits.max, 2);
    assert_true(o->imports[5].type.is_mutable);
    assert_int_equal(o->imports[5].type.value_type, CJ_CORE_I64);

    assert_int_equal(o->func_count, 4);
    assert_int_equal(o->imported_funcs, 2);
    assert_memory_equal(o->func_types, ((uint32_t[]){1, 0, 0, 1}), 4 * sizeof(uint32_t));
    assert_int_equal(o->table_count, 3);
    assert_int_equal(o->imported_tables, 1);
    assert_false(o->tables[0].limits.has_max);
    assert_int_equal(o->tables[1].value_type, CJ_CORE_EXTERNREF);
    assert_int_equal(o->tables[1].limits.max, 5);
    assert_int_equal(o->memory_count, 1);
    assert_int_equal(o->imported_memories, 1);
    assert_int_equal(o->global_count, 6);
    assert_int_equal(o->imported_globals, 2);
    assert_true(o->globals[0].imported);
    assert_false(o->globals[2].imported);
    assert_int_equal(o->globals[3].type, CJ_CORE_F64);
    assert_true(o->globals[3].is_mutable);
    assert_memory_equal(o->globals[2].init.ptr, "\x41\x07\x0b", 3);
    assert_int_equal(o->globals[2].init.len, 3);

    assert_int_equal(o->export_count, 6);
    assert_true(o->has_start);
    assert_int_equal(o->start, 1);

    assert_int_equal(o->elem_count, 8);
    static const uint32_t counts[] = {1, 2, 1, 1, 2, 1, 1, 1}, tables[] = {0, 0, 2, 0, 0, 0, 1, 0};
    for (uint32_t i = 0; i < 8; i++) {
        assert_int_equal(o->elems[i].flags, i); /* the texts are in the order of the format's kinds */
        assert_int_equal(o->elems[i].count, counts[i]);
        assert_int_equal(o->elems[i].table, tables[i]);
        assert_int_equal(o->elems[i].ref_type, i == 6 ? CJ_CORE_EXTERNREF : CJ_CORE_FUNCREF);
    }
    assert_memory_equal(o->elems[1].items.ptr, "\x01\x02", 2);
    assert_int_equal(o->elems[4].items.len, 6);
    assert_memory_equal(o->elems[6].offset_expr.ptr, "\x23\x00\x0b", 3);

    assert_int_equal(o->data_count, 3);
    assert_true(o->has_data_count);
    assert_int_equal(o->datas[0].flags, 0);
    assert_int_equal(o->datas[1].flags, 1);
    assert_memory_equal(o->datas[0].bytes.ptr, "hello", 5);
    assert_int_equal(o->datas[1].bytes.len, 7);
    assert_int_equal(o->datas[2].bytes.len, 0);
    assert_memory_equal(o->file.ptr + o->datas[0].bytes.offset, "hello", 5);

    assert_int_equal(o->body_count, 2);
    assert_int_equal(o->bodies[0].ptr[o->bodies[0].len - 1], 0x0b);
    assert_ptr_equal(o->file.ptr + o->bodies[1].offset, o->bodies[1].ptr);
    assert_true(o->names.len > 0);
    assert_null(o->unsupported);
    case_close(&c);
}

static void reads_nothing(void **state)
{
    (void)state;
    merge_case c;
    case_open(&c, "outline/empty");
    assert_int_equal(c.modules[0].func_count + c.modules[0].import_count + c.modules[0].export_count, 0);
    assert_null(cj__core_find_export(&c.modules[0], CJ_STR("x")));
    case_close(&c);
}

static void finds_exports(void **state)
{
    (void)state;
    merge_case c;
    case_open(&c, "outline/full");
    const cj_core_outline *o = &c.modules[0];
    for (uint32_t i = 0; i < o->export_count; i++)
        assert_ptr_equal(cj__core_find_export(o, o->exports[i].name), &o->exports[i]);
    assert_int_equal(cj__core_find_export(o, CJ_STR("tab"))->index, 1);
    assert_int_equal(cj__core_find_export(o, CJ_STR("glob"))->sort, CJ_SORT_CORE_GLOBAL);
    assert_int_equal(cj__core_find_export(o, CJ_STR(""))->index, 2);
    assert_null(cj__core_find_export(o, CJ_STR("ow")));
    assert_null(cj__core_find_export(o, CJ_STR("owm")));
    assert_null(cj__core_find_export(o, CJ_STR("owns")));
    case_close(&c);
}

/* A module with `count` exports of its one function, called 0, 1, 2, ... from `first` on. */
static test_bytes many_exports(uint32_t count, uint32_t first)
{
    test_bytes module = test_bytes_of("? 01( 01 60 00 00 ) 03( 01 00 ) 07"), section = {0};
    test_bytes_leb(&section, count);
    for (uint32_t i = 0; i < count; i++) {
        char name[16];
        int len = snprintf(name, sizeof name, "%u", (first + i * 7919u) % 1000003u);
        test_bytes_byte(&section, (unsigned)len);
        test_bytes_add(&section, name, (size_t)len);
        test_bytes_byte(&section, 0);
        test_bytes_byte(&section, 0);
    }
    test_bytes_sized(&module, &section);
    test_bytes code = test_bytes_of("0a( 01 ( 00 0b ) )");
    test_bytes_add(&module, code.at, code.len);
    free(code.at);
    return module;
}

static void finds_one_of_many_exports(void **state)
{
    (void)state;
    test_bytes module = many_exports(100000, 5);
    merge_case c;
    case_open_bytes(&c, module.at, module.len);
    const cj_core_outline *o = &c.modules[0];
    assert_int_equal(o->export_count, 100000);
    for (uint32_t i = 0; i < o->export_count; i++)
        assert_ptr_equal(cj__core_find_export(o, o->exports[i].name), &o->exports[i]);
    assert_null(cj__core_find_export(o, CJ_STR("1000004")));
    case_close(&c);
    free(module.at);
}

/* -- What is refused ----------------------------------------------------------------------------------------------- */

#define ONE_FUNC "01( 01 60 00 00 ) 03( 01 00 ) "
#define CODE " 0a( 01 ( 00 0b ) )"

static const struct {
    const char *bytes;
    cj_status status;
    const char *message;
    uint64_t offset;
} refused[] = {
    /* preamble */
    {"", CJ_MALFORMED, "preamble", 0},
    {"00 61 73", CJ_MALFORMED, "preamble", 0},
    {"00 61 73 6d 02 00 00 00", CJ_MALFORMED, "version 1", 0},
    {"!", CJ_MALFORMED, "version 1", 0}, /* a component */
    /* sections */
    {"? 0e( 00 )", CJ_MALFORMED, "expected a section (0 to 13), found 14", 8},
    {"? 01", CJ_MALFORMED, "the size of a section", 9},
    {"? 01 05 00", CJ_MALFORMED, "a section of 5 bytes", 10},
    {"? 01( 00 00 )", CJ_MALFORMED, "1 more bytes", 11},
    {"? 01 80 80 80 80 10 00", CJ_MALFORMED, "more than 32 bits", 9},
    {"? 01( 00 ) 01( 00 )", CJ_MALFORMED, "type section after the type section", 11},
    {"? 03( 00 ) 02( 00 )", CJ_MALFORMED, "import section after the function section", 11},
    {"? 06( 00 ) 0d( 00 )", CJ_MALFORMED, "tag section after the global section", 11},
    {"? 0a( 00 ) 0c( 00 )", CJ_MALFORMED, "data count section after the code section", 11},
    {"? 0b( 00 ) 0a( 00 )", CJ_MALFORMED, "code section after the data section", 11},
    {"? 00( )", CJ_MALFORMED, "a custom section's name", 10},
    {"? 00( 05 61 )", CJ_MALFORMED, "a custom section's name", 11},
    {"? 00( 01 ff )", CJ_MALFORMED, "UTF-8", 11},
    /* types */
    {"? 01( ff ff ff ff 0f )", CJ_MALFORMED, "found the end", 10},
    {"? 01( 01 61 00 00 )", CJ_MALFORMED, "expected a function type (0x60), found 0x61", 11},
    {"? 01( 01 5f 00 )", CJ_UNSUPPORTED, "unsupported: core GC types", 11},
    {"? 01( 01 5e 7f 00 )", CJ_UNSUPPORTED, "unsupported: core GC types", 11},
    {"? 01( 01 4e 00 )", CJ_UNSUPPORTED, "unsupported: core GC types", 11},
    {"? 01( 01 50 00 60 00 00 )", CJ_UNSUPPORTED, "unsupported: core GC types", 11},
    {"? 01( 01 5d 00 )", CJ_UNSUPPORTED, "unsupported: core stack switching", 11},
    {"? 01( 01 60 01 6e 00 )", CJ_UNSUPPORTED, "unsupported: core GC types", 13},
    {"? 01( 01 60 01 63 70 00 )", CJ_UNSUPPORTED, "unsupported: core typed function references", 13},
    {"? 01( 01 60 01 69 00 )", CJ_UNSUPPORTED, "unsupported: core exceptions", 13},
    {"? 01( 01 60 01 68 00 )", CJ_UNSUPPORTED, "unsupported: core stack switching", 13},
    {"? 01( 01 60 01 40 00 )", CJ_MALFORMED, "expected a value type, found 0x40", 13},
    {"? 01( 01 60 02 7f )", CJ_MALFORMED, "parameters", 12},
    {"? 01( 01 60 00 )", CJ_MALFORMED, "results", 13},
    {"? 01( 01 60 #1001 [7f]x1001 00 )", CJ_LIMIT, "max_params", 13},
    {"? 01( 01 60 00 #1001 [7f]x1001 )", CJ_LIMIT, "max_params", 14},
    /* imports */
    {"? 02( 01 'm' 'n' 05 00 )", CJ_MALFORMED, "expected a kind of import (0 to 4), found 0x05", 15},
    {"? 02( 01 'm' 'n' 00 00 )", CJ_INVALID, "a type index is 0, there are 0", 16},
    {"? 02( 01 'm' 01 80 03 7f 00 )", CJ_MALFORMED, "an import's name in UTF-8", 14},
    {"? 02( 01 'm' 'n' 03 7f 02 )", CJ_MALFORMED, "a mutability", 17},
    {"? 02( 01 'm' 'n' 01 7f 00 00 )", CJ_MALFORMED, "expected a reference type, found i32", 16},
    /* limits */
    {"? 05( 01 10 00 )", CJ_MALFORMED, "limits flag", 11},
    {"? 05( 01 01 02 01 )", CJ_INVALID, "a memory has a minimum of 2 and a maximum of 1", 11},
    {"? 05( 01 00 #65537 )", CJ_INVALID, "more than 65536 pages", 11},
    {"? 05( 01 01 00 #65537 )", CJ_INVALID, "more than 65536 pages", 11},
    {"? 05( 01 02 01 )", CJ_INVALID, "shared a memory must have a maximum", 11},
    {"? 04( 01 70 01 02 01 )", CJ_INVALID, "a table has a minimum of 2 and a maximum of 1", 12},
    {"? 04( 01 40 00 70 00 00 d0 70 0b )", CJ_UNSUPPORTED, "unsupported: core typed function references", 11},
    {"? 04( 01 6e 00 00 )", CJ_UNSUPPORTED, "unsupported: core GC types", 11},
    /* functions */
    {"? 03( 01 00 )", CJ_INVALID, "a type index is 0, there are 0", 11},
    {"? " ONE_FUNC, CJ_MALFORMED, "1 functions without a code section", 18},
    {"? " ONE_FUNC "0a( 00 )", CJ_MALFORMED, "different lengths: 1 and 0", 20},
    {"? 0a( 01 ( 00 0b ) )", CJ_MALFORMED, "different lengths: 0 and 1", 10},
    {"? " ONE_FUNC "0a( 01 05 00 0b )", CJ_MALFORMED, "a function body of 5 bytes", 22},
    /* globals and constant expressions */
    {"? 06( 01 7f 00 )", CJ_MALFORMED, "a constant instruction", 13},
    {"? 06( 01 7f 00 0b )", CJ_INVALID, "must give one i32, gives nothing", 13},
    {"? 06( 01 7f 00 42 00 0b )", CJ_INVALID, "must give one i32, gives i64", 13},
    {"? 06( 01 7f 00 41 00 41 00 0b )", CJ_INVALID, "gives i32 and more", 13},
    {"? 06( 01 7f 00 41 00 6a 0b )", CJ_INVALID, "two operands of i32", 15},
    {"? 06( 01 7f 00 41 00 42 00 6a 0b )", CJ_INVALID, "two operands of i32", 17},
    {"? 06( 01 7e 00 42 00 41 00 7d 0b )", CJ_INVALID, "two operands of i64", 17},
    {"? 06( 01 7f 00 23 00 0b )", CJ_INVALID, "unknown global 0", 13},
    {"? 06( 02 7f 01 41 00 0b 7f 00 23 00 0b )", CJ_INVALID, "global 0 is mutable", 18},
    {"? 06( 01 7f 00 20 00 0b )", CJ_INVALID, "instruction 0x20 is not constant", 13},
    {"? 06( 01 7f 00 41 00 41 01 6d 0b )", CJ_INVALID, "instruction 0x6d is not constant", 17},
    {"? 06( 01 7b 00 fd 0f 0b )", CJ_INVALID, "vector instruction 15 is not constant", 13},
    {"? 06( 01 7f 00 fb 1c 0b )", CJ_UNSUPPORTED, "unsupported: core GC instructions", 13},
    {"? 06( 01 70 00 d2 00 0b )", CJ_INVALID, "unknown function 0", 13},
    {"? 06( 01 70 00 d0 6f 0b )", CJ_INVALID, "must give one funcref, gives externref", 13},
    {"? 06( 01 70 00 d0 7f 0b )", CJ_MALFORMED, "expected a heap type", 14},
    {"? 06( 01 7f 00 [41 00]x65 [6a]x64 0b )", CJ_UNSUPPORTED, "more than 64 operands", 14},
    {"? 06( 01 7f 00 41 80 80 80 80 08 0b )", CJ_MALFORMED, "more than 32 bits", 14},
    {"? 06( 01 7f 02 41 00 0b )", CJ_MALFORMED, "a mutability", 12},
    /* exports */
    {"? 07( 01 'x' 00 00 )", CJ_INVALID, "a function index is 0, there are 0", 14},
    {"? 07( 01 'x' 01 00 )", CJ_INVALID, "a table index is 0", 14},
    {"? 07( 01 'x' 02 00 )", CJ_INVALID, "a memory index is 0", 14},
    {"? 07( 01 'x' 03 00 )", CJ_INVALID, "a global index is 0", 14},
    {"? 07( 01 'x' 04 00 )", CJ_INVALID, "a tag index is 0", 14},
    {"? 07( 01 'x' 05 00 )", CJ_MALFORMED, "expected a kind of export", 13},
    {"? " ONE_FUNC "07( 02 'x' 00 00 'x' 00 00 )" CODE, CJ_INVALID, "duplicate export name \"x\"", 20},
    {"? " ONE_FUNC "05( 01 00 00 ) 07( 03 'x' 00 00 'y' 00 00 'x' 02 00 )" CODE, CJ_INVALID,
     "duplicate export name \"x\"", 25},
    {"? " ONE_FUNC "07( 01 01 ff 00 00 )" CODE, CJ_MALFORMED, "UTF-8", 22},
    /* start */
    {"? 08( 00 )", CJ_INVALID, "a function index is 0, there are 0", 10},
    {"? 01( 01 60 01 7f 00 ) 03( 01 00 ) 08( 00 )" CODE, CJ_INVALID, "the start function must have no parameters", 21},
    {"? 01( 01 60 00 01 7f ) 03( 01 00 ) 08( 00 )" CODE, CJ_INVALID, "the start function must have no parameters", 21},
    /* elements */
    {"? 09( 01 08 )", CJ_MALFORMED, "expected an element segment's kind (0 to 7), found 8", 11},
    {"? 09( 01 00 41 00 0b 00 )", CJ_INVALID, "unknown table 0", 12},
    {"? 04( 01 70 00 01 ) 09( 01 02 01 41 00 0b 00 00 )", CJ_INVALID, "unknown table 1 (there are 1)", 18},
    {"? 04( 01 70 00 01 ) 09( 01 00 42 00 0b 00 )", CJ_INVALID, "must give one i32, gives i64", 18},
    {"? 04( 01 70 00 01 ) 09( 01 00 41 00 0b 01 00 )", CJ_INVALID, "a function index is 0", 22},
    {"? 04( 01 6f 00 01 ) 09( 01 00 41 00 0b 00 )", CJ_INVALID, "element segment of funcref for a table of externref",
     17},
    {"? 04( 01 70 00 01 ) 09( 01 06 00 41 00 0b 6f 00 )", CJ_INVALID,
     "element segment of externref for a table of funcref", 17},
    {"? 09( 01 01 01 00 )", CJ_MALFORMED, "an element kind (0x00), found 0x01", 12},
    {"? 09( 01 05 7f 00 )", CJ_MALFORMED, "expected a reference type, found i32", 12},
    {"? 09( 01 05 70 01 d0 6f 0b )", CJ_INVALID, "must give one funcref, gives externref", 14},
    {"? 09( 01 05 70 01 41 00 0b )", CJ_INVALID, "must give one funcref, gives i32", 14},
    {"? 09( 01 05 70 ff ff ff ff 0f d0 70 0b )", CJ_MALFORMED, "elements", 13},
    /* data */
    {"? 0b( 01 03 00 )", CJ_MALFORMED, "expected a data segment's kind (0 to 2), found 3", 11},
    {"? 0b( 01 00 41 00 0b 00 )", CJ_INVALID, "unknown memory 0 (there are 0)", 11},
    {"? 05( 01 00 01 ) 0b( 01 02 01 41 00 0b 00 )", CJ_INVALID, "unknown memory 1 (there are 1)", 16},
    {"? 05( 01 00 01 ) 0b( 01 00 42 00 0b 00 )", CJ_INVALID, "must give one i32, gives i64", 17},
    {"? 05( 01 00 01 ) 0b( 01 00 41 00 0b 05 61 )", CJ_MALFORMED, "a data segment of 5 bytes", 21},
    {"? 0c( 01 ) 0b( 00 )", CJ_MALFORMED, "different lengths: 1 and 0", 13},
    {"? 0c( 01 )", CJ_MALFORMED, "different lengths: 1 and 0", 11},
    {"? 0c( 00 ) 0b( 01 01 00 )", CJ_MALFORMED, "different lengths: 0 and 1", 13},
    /* tags */
    {"? 0d( 01 01 00 )", CJ_MALFORMED, "a tag attribute (0x00), found 0x01", 11},
    {"? 0d( 01 00 00 )", CJ_INVALID, "a type index is 0", 12},
    {"? 01( 01 60 00 01 7f ) 0d( 01 00 00 )", CJ_INVALID, "the type of a tag must have no results", 19},
};

static cj_status outline(const cj_config *config, const uint8_t *bytes, size_t size, uint64_t offset, cj_error *err)
{
    cj_arena *arena;
    cj_core_outline out;
    if (cj_arena_new(config->allocator, &arena) != CJ_OK)
        return CJ_NO_MEMORY;
    uint8_t *exact = test_bytes_exact(bytes, size);
    cj_status status = cj__core_outline(config, (cj_bytes){exact, size, offset}, arena, &out, err);
    free(exact);
    cj_arena_delete(arena);
    return status;
}

static void refuses(void **state)
{
    (void)state;
    cj_config config;
    cj_config_init(&config);
    for (size_t i = 0; i < CJ_COUNT(refused); i++) {
        cj_error err = {0};
        test_bytes bytes = test_bytes_of(refused[i].bytes);
        cj_status status = outline(&config, bytes.at, bytes.len, 1000, &err);
        if (status != refused[i].status || !strstr(err.message, refused[i].message) ||
            err.offset != 1000 + refused[i].offset)
            fail_msg("%s: %s at %lld: %s", refused[i].bytes, cj_status_text(status), (long long)(err.offset - 1000),
                     err.message);
        free(bytes.at);
    }
}

/* Proposals that an outline can represent are noted: components with such modules can still be type-checked. */
static void notes_unsupported(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *name;
        uint64_t offset;
    } noted[] = {
        {"? 01( 01 60 00 00 ) 0d( 01 00 00 )", "core exceptions", 17},
        {"? 01( 01 60 01 7f 00 ) 02( 01 'm' 'n' 04 00 00 ) 07( 01 'x' 04 00 )", "core exceptions", 23},
        {"? 05( 01 04 01 )", "core memory64", 11},
        {"? 05( 01 05 01 80 80 80 80 80 20 )", "core memory64", 11},
        {"? 04( 01 70 04 01 ) 09( 01 00 42 00 0b 00 )", "core memory64", 12},
        {"? 05( 01 04 01 ) 0b( 01 00 42 00 0b 00 )", "core memory64", 11},
        {"? 05( 01 03 01 02 )", "core threads", 11},
        {"? 05( 02 00 01 00 01 )", "core multi-memory", 13},
        {"? 02( 01 'm' 'n' 02 00 01 ) 05( 01 00 01 )", "core multi-memory", 21},
        {"? 05( 01 08 01 00 )", "core custom page sizes", 11},
    };
    for (size_t i = 0; i < CJ_COUNT(noted); i++) {
        test_bytes bytes = test_bytes_of(noted[i].bytes);
        merge_case c;
        case_open_bytes(&c, bytes.at, bytes.len);
        assert_non_null(c.modules[0].unsupported);
        assert_string_equal(c.modules[0].unsupported, noted[i].name);
        assert_int_equal(c.modules[0].unsupported_offset, noted[i].offset);
        /* and the merger refuses them */
        c.instances[0] = (cj_merge_instance){.module = &c.modules[0]};
        c.input.instance_count = 1;
        assert_int_equal(case_merge(&c), CJ_UNSUPPORTED);
        assert_non_null(strstr(c.err.message, noted[i].name));
        case_close(&c);
        free(bytes.at);
    }
}

static void accepts(void **state)
{
    (void)state;
    static const char *const good[] = {
        "?",
        "? 01( 00 ) 02( 00 ) 03( 00 ) 04( 00 ) 05( 00 ) 0d( 00 ) 06( 00 ) 07( 00 ) 09( 00 ) 0c( 00 ) 0a( 00 ) 0b( 00 )",
        "? 00( 'a' ) 01( 00 ) 00( 'a' ff ff ) 00( 00 )",
        "? 01 80 80 80 80 00", /* no: the section is empty */
        "? 05( 01 01 #65536 #65536 )",
        "? 04( 01 70 01 ff ff ff ff 0f ff ff ff ff 0f )",
        "? 01( 81 80 80 80 00 60 80 00 00 )",       /* LEB128 with zeros to the left */
        "? 06( 01 7f 00 41 ff ff ff ff 7f 0b )",    /* -1 at its longest */
        "? 06( 02 7f 00 41 00 0b 7f 00 23 00 0b )", /* a global that is defined, not imported */
        "? 06( 01 7f 00 [41 00]x64 [6a]x63 0b )",
        "? 04( 01 70 00 01 ) 09( 01 00 41 80 80 80 80 78 0b 00 )",
    };
    cj_config config;
    cj_config_init(&config);
    for (size_t i = 0; i < CJ_COUNT(good); i++) {
        cj_error err = {0};
        test_bytes bytes = test_bytes_of(good[i]);
        cj_status status = outline(&config, bytes.at, bytes.len, 0, &err);
        if (i == 3)
            assert_int_equal(status, CJ_MALFORMED);
        else if (status != CJ_OK)
            fail_msg("%s: offset 0x%llx: %s", good[i], (unsigned long long)err.offset, err.message);
        free(bytes.at);
    }
}

static void keeps_the_first_name_section(void **state)
{
    (void)state;
    test_bytes bytes = test_bytes_of("? 00( 'names' 01 ) 00( 'name' 02 03 ) 00( 'name' 04 )");
    merge_case c;
    case_open_bytes(&c, bytes.at, bytes.len);
    assert_int_equal(c.modules[0].names.len, 2);
    assert_int_equal(c.modules[0].names.ptr[0], 2);
    case_close(&c);
    free(bytes.at);
}

static void limits_have_names(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *limit;
        size_t knob;
    } limits[] = {
        {"? 01( 04 [60 00 00]x4 )", "max_definitions", offsetof(cj_config, max_definitions)},
        {"? 01( 01 60 00 00 ) 03( 04 [00]x4 ) 0a( 04 [( 00 0b )]x4 )", "max_definitions",
         offsetof(cj_config, max_definitions)},
        {"? 02( 04 ['m' 'n' 03 7f 00]x4 )", "max_definitions", offsetof(cj_config, max_definitions)},
        {"? 06( 04 [7f 00 41 00 0b]x4 )", "max_definitions", offsetof(cj_config, max_definitions)},
        {"? 09( 04 [01 00 00]x4 )", "max_definitions", offsetof(cj_config, max_definitions)},
        {"? 0b( 04 [01 00]x4 )", "max_definitions", offsetof(cj_config, max_definitions)},
        {"? 02( 01 'abcd' 'n' 03 7f 00 )", "max_name_length", offsetof(cj_config, max_name_length)},
        {"? 01( 01 60 04 7f 7f 7f 7f 00 )", "max_params", offsetof(cj_config, max_params)},
    };
    for (size_t i = 0; i < CJ_COUNT(limits); i++) {
        cj_config config;
        cj_config_init(&config);
        cj_error err = {0};
        uint32_t three = 3;
        test_bytes bytes = test_bytes_of(limits[i].bytes);
        assert_int_equal(outline(&config, bytes.at, bytes.len, 0, &err), CJ_OK);
        memcpy((char *)&config + limits[i].knob, &three, sizeof three);
        assert_int_equal(outline(&config, bytes.at, bytes.len, 0, &err), CJ_LIMIT);
        assert_non_null(strstr(err.message, limits[i].limit));
        free(bytes.at);
    }
}

/* -- Hostile files ------------------------------------------------------------------------------------------------- */

static void every_truncation_fails(void **state)
{
    (void)state;
    merge_case c;
    case_open(&c, "outline/full");
    size_t whole = 0;
    for (size_t size = 0; size < c.size; size++) {
        cj_error err = {0};
        cj_status status = outline(&c.config, c.file, size, 0, &err);
        if (status == CJ_OK) /* cut between sections where nothing is missing */
            whole++;
        else
            assert_int_equal(status, CJ_MALFORMED);
        assert_true(status == CJ_OK || err.offset <= size);
    }
    assert_in_range(whole, 1, 4);
    case_close(&c);
}

static void mutations_are_survived(void **state)
{
    (void)state;
    merge_case c;
    case_open(&c, "outline/full");
    uint8_t *bytes = malloc(c.size);
    for (size_t at = 0; at < c.size; at++)
        for (unsigned value = 0; value < 256; value += at % 3 == 0 ? 1 : 17) {
            memcpy(bytes, c.file, c.size);
            bytes[at] = (uint8_t)value;
            cj_error err = {0};
            cj_status status = outline(&c.config, bytes, c.size, 0, &err);
            assert_true(status == CJ_OK || err.message[0]);
        }
    free(bytes);
    case_close(&c);
}

/* A count takes memory as its entries are read: a file of 30 bytes cannot ask for gigabytes. */
static void claimed_counts_take_no_memory(void **state)
{
    (void)state;
    static const char *const claims[] = {
        "? 01( #900000 60 00 00 [00]x900000 )", "? 02( #900000 'm' 'n' 09 [00]x900000 )",
        "? 06( #900000 7f 00 0b [00]x900000 )", "? 07( #900000 'm' 09 [00]x900000 )",
        "? 09( #900000 09 [00]x900000 )",       "? 0b( #900000 09 [00]x900000 )",
        "? 04( #900000 70 40 00 [00]x900000 )",
    };
    for (size_t i = 0; i < CJ_COUNT(claims); i++) {
        track_alloc track;
        track_init(&track);
        cj_config config;
        cj_config_init(&config);
        config.allocator = &track.hook;
        test_bytes bytes = test_bytes_of(claims[i]);
        cj_error err = {0};
        assert_int_not_equal(outline(&config, bytes.at, bytes.len, 0, &err), CJ_OK);
        assert_true(track.peak_bytes < 64 << 10);
        free(bytes.at);
    }
}

static void running_out_of_memory(void **state)
{
    (void)state;
    merge_case c;
    case_open(&c, "outline/full");
    test_bytes big = many_exports(3000, 1);
    for (uint64_t fail_at = 1;; fail_at++) {
        track_alloc track;
        track_init(&track);
        track.fail_at = fail_at;
        cj_config config = c.config;
        config.allocator = &track.hook;
        cj_error err = {0};
        cj_status status = outline(&config, big.at, big.len, 0, &err);
        assert_int_equal(track.live_blocks, 0);
        if (status == CJ_OK)
            break;
        assert_int_equal(status, CJ_NO_MEMORY);
        assert_true(fail_at < 1000);
    }
    free(big.at);
    case_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_everything),
        cmocka_unit_test(reads_nothing),
        cmocka_unit_test(finds_exports),
        cmocka_unit_test(finds_one_of_many_exports),
        cmocka_unit_test(refuses),
        cmocka_unit_test(notes_unsupported),
        cmocka_unit_test(accepts),
        cmocka_unit_test(keeps_the_first_name_section),
        cmocka_unit_test(limits_have_names),
        cmocka_unit_test(every_truncation_fails),
        cmocka_unit_test(mutations_are_survived),
        cmocka_unit_test(claimed_counts_take_no_memory),
        cmocka_unit_test(running_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
