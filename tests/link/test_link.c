/* test_link.c: from component to program: what is invalid, what is unsupported and by which name, and what good
 * components become: groups, slots, plans, steps, names; limits, mutations, no memory.
 */
#include "cases.h"
#include "support/track_alloc.h"

#include "engine/engine.h"

#include "../fuzz/fuzz_link.c"

static cj_program *good_with(const cj_config *config, const char *name)
{
    return good_case(config, "valid", name);
}

static cj_program *good(const char *name)
{
    return good_with(NULL, name);
}

/* Every case must fail with the list's status, the message that it names, and a place in the file. */
static void expect_failure(const char *list, const char *name, const char *message, void *user)
{
    cj_status expected = *(const cj_status *)user;
    file_bytes b = read_case(list, name);
    cj_program *program = NULL;
    cj_error err;
    memset(&err, 0, sizeof(err));
    cj_status status = link_bytes(NULL, b, &program, &err);
    if (status != expected || !message[0] || !strstr(err.message, message))
        fail_msg("%s/%s: expected %s: ...%s..., found %s: %s", list, name, cj_status_text(expected), message,
                 cj_status_text(status), err.message);
    if (err.offset >= b.size)
        fail_msg("%s/%s: the error has no place in the file", list, name);
    assert_int_equal(err.status, expected);
    assert_null(program);
    assert_int_equal(link_bytes(NULL, b, &program, NULL), expected); /* without a cj_error, too */
    free(b.at);
}

static void test_invalid(void **state)
{
    (void)state;
    cj_status expected = CJ_INVALID;
    assert_true(each_case("invalid", expect_failure, &expected) >= 138);
}

static void test_unsupported(void **state)
{
    (void)state;
    cj_status expected = CJ_UNSUPPORTED;
    assert_true(each_case("unsupported", expect_failure, &expected) >= 20);
}

struct value_case {
    const char *text;
    cj_status status;
    const char *message;
};

static void test_value_cases(const struct value_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        test_bytes b = test_bytes_of(cases[i].text);
        cj_program *program = NULL;
        cj_error err;
        cj__error_clear(&err);
        cj_status status = link_bytes(NULL, (file_bytes){b.at, b.len}, &program, &err);
        if (status != cases[i].status || !strstr(err.message, cases[i].message))
            fail_msg("%s: %s: %s", cases[i].text, cj_status_text(status), err.message);
        if (status == CJ_OK)
            cj__program_delete(program);
        free(b.at);
    }
}

/* Values, which the assembler encodes in an older way. */
static void test_values(void **state)
{
    (void)state;
    static const struct value_case cases[] = {
        {"! 0a(01 00 'v' 02 01 7d) 0b(01 00 'w' 02 00 00)", CJ_UNSUPPORTED, "unsupported: values (import `v`)"},
        {"! 0c(01 7d 01 2a) 0b(01 00 'w' 02 00 00)", CJ_UNSUPPORTED, "unsupported: values"},
        {"! 04(! 0a(01 00 'v' 02 01 7d) 0b(01 00 'w' 02 00 00))", CJ_OK, ""},
        {"! 0a(02 00 'v' 02 01 7d 00 'w' 02 00 00) 0b(02 00 'a' 02 00 00 00 'b' 02 01 00)", CJ_UNSUPPORTED,
         "unsupported: values (import `v`)"},
        {"! 0a(01 00 'v' 02 00 01)", CJ_INVALID, "value index 1 is out of bounds"},
        /* used exactly once */
        {"! 0a(01 00 'v' 02 01 7d)", CJ_INVALID, "value 0 of the component is never used"},
        {"! 04(! 0c(01 7d 01 2a))", CJ_INVALID, "value 0 of the component is never used"},
        {"! 0c(01 7d 01 2a) 0b(02 00 'a' 02 00 00 00 'b' 02 00 00)", CJ_INVALID, "value 0 is used a second time"},
        {"! 0c(01 7d 01 2a) 0b(01 00 'a' 02 00 00) 05(01 01 01 00 'x' 02 01)", CJ_INVALID,
         "value 1 is used a second time"},
        {"! 07(01 40 01 'x' 7d 01 00) 0a(01 00 'f' 01 00) 0c(01 7d 01 2a) 09(00 01 00 00) 0b(01 00 'a' 02 00 00)",
         CJ_INVALID, "value 0 is used a second time"},
        /* start functions */
        {"! 07(01 40 01 'x' 7d 00 7d) 0a(02 00 'f' 01 00 00 'v' 02 01 7d) 09(00 01 00 01) 0b(01 00 'w' 02 01 00)",
         CJ_UNSUPPORTED, "unsupported: values (import `v`)"},
        {"! 07(01 40 01 'x' 7d 00 7d) 0a(02 00 'f' 01 00 00 'v' 02 01 7d) 09(00 01 00 01)", CJ_INVALID,
         "value 1 of the component is never used"},
        {"! 07(01 40 01 'x' 7d 01 00) 0a(01 00 'f' 01 00) 09(00 01 00 00)", CJ_INVALID,
         "value index 0 is out of bounds"},
        {"! 07(01 40 01 'x' 7d 01 00) 0a(02 00 'f' 01 00 00 'v' 02 01 7b) 09(00 01 00 00)", CJ_INVALID,
         "parameter 0 of the start function is `u8`, but value 0 is `u16`"},
        /* an export that is ascribed another type */
        {"! 0a(01 00 'v' 02 01 7d) 0b(01 00 'w' 02 00 01 02 01 7b)", CJ_INVALID, "expected type `u16`, found `u8`"},
        {"! 07(03 3f 7f 00 68 00 70 01) 0a(01 00 'v' 02 01 02)", CJ_INVALID, "refers to `resource type`"},
        {"! 07(01 72 01 'x' 7d) 0c(01 00 01 2a) 0b(01 00 'v' 02 00 00)", CJ_INVALID, "refers to `record { x: u8 }`"},
        {"! 0a(01 00 'r' 03 01) 07(01 68 00) 0a(01 00 'v' 02 01 01) 0b(01 00 'w' 02 00 00)", CJ_INVALID,
         "may not contain a borrow"},
    };
    test_value_cases(cases, CJ_COUNT(cases));
}

/* Literals: each of a type, then its bytes. */
static void test_value_literals(void **state)
{
    (void)state;
    static const char types[] = "! 07(0a 72 02 'a' 7d 'b' 73  71 02 'a' 01 7d 00 'b' 00 00  70 7d  6f 02 7d 74  "
                                "6e 09 'a' 'b' 'c' 'd' 'e' 'f' 'g' 'h' 'i'  6d 02 'a' 'b'  6b 7d  6a 01 7d 01 73  "
                                "6a 00 00  66 00)";
    static const struct {
        const char *value, *message; /* NULL: good */
    } cases[] = {
        {"7f 01 01", NULL},
        {"7f 01 02", "expected a bool"},
        {"7e 01 ff", NULL},
        {"7c 03 80 80 7e", NULL},
        {"7c 03 ff ff 7d", "out of range"},
        {"7b 03 ff ff 03", NULL},
        {"7b 03 80 80 04", "out of range"},
        {"7a 05 80 80 80 80 78", NULL},
        {"7a 05 80 80 80 80 08", "out of range"},
        {"79 05 ff ff ff ff 0f", NULL},
        {"78 01 7f", NULL},
        {"77 01 7f", NULL},
        {"76 04 00 00 c0 7f", NULL},
        {"76 04 01 00 c0 7f", "not the canonical one"},
        {"76 04 00 00 80 ff", NULL},
        {"75 08 00 00 00 00 00 00 f8 7f", NULL},
        {"75 08 00 00 00 00 00 00 f8 ff", "not the canonical one"},
        {"74 03 ef bf bf", NULL},
        {"74 03 ed a0 80", "not a character"},
        {"74 00", "not a character"},
        {"73 03 02 c3 a4", NULL},
        {"73 02 01 c3", "expected a string"},
        {"7d 02 2a 2a", "expected the end of a value"},
        {"7d 00", "expected an integer"},
        {"00 03 2a 01 61", NULL},
        {"00 01 2a", "expected a string"},
        {"01 02 00 2a", NULL},
        {"01 01 01", NULL},
        {"01 01 02", "there is no such case"},
        {"02 03 02 01 02", NULL},
        {"02 02 03 01", "expected elements"},
        {"03 02 2a 41", NULL},
        {"04 02 ff 01", NULL},
        {"05 01 01", NULL},
        {"05 01 02", "there is no such case"},
        {"06 01 00", NULL},
        {"06 02 01 2a", NULL},
        {"06 01 02", "expected the case of a value"},
        {"07 02 00 2a", NULL},
        {"07 02 01 00", NULL},
        {"08 01 01", NULL},
        {"09 01 01", "handles cannot be written"},
        {"64 01 01", "handles cannot be written"},
    };
    for (size_t i = 0; i < CJ_COUNT(cases); i++) {
        /* in a component of its own, so that nothing live has it; an unused value would be an error of its own */
        char text[512];
        snprintf(text, sizeof(text), "! 04(%s 0c(01 %s) 05(01 01 01 00 'x' 02 00))", types, cases[i].value);
        const struct value_case one = {text,
                                       !cases[i].message                      ? CJ_OK
                                       : strstr(cases[i].message, "expected") ? CJ_MALFORMED
                                                                              : CJ_INVALID,
                                       cases[i].message ? cases[i].message : ""};
        test_value_cases(&one, 1);
    }
}

/* -- Programs ---------------------------------------------------------------------------------------------------- */

static void expect_type(const cj_functype *type, const char *expected)
{
    char text[256];
    cj__functype_format(type, text, sizeof(text));
    assert_string_equal(text, expected);
}

static void expect_info(const cj_func_info *info, const char *interface, const char *name, const char *path,
                        const char *type)
{
    assert_string_equal(info->interface, interface);
    assert_string_equal(info->name, name);
    assert_string_equal(info->path, path);
    expect_type(info->type, type);
}

static void expect_options(const cj_plan *plan, cj_plan_kind kind, cj_encoding encoding, bool memory, bool realloc,
                           bool post_return)
{
    assert_int_equal(plan->options.kind, kind);
    assert_int_equal(plan->options.encoding, encoding);
    assert_int_equal(plan->options.has_memory, memory);
    assert_int_equal(plan->options.has_realloc, realloc);
    assert_int_equal(plan->options.has_post_return, post_return);
}

/* Steps as text: "g0" instantiates group 0, "i0" initialises something in it. */
static void expect_steps(const cj_program *program, const char *expected)
{
    char text[256] = "";
    uint64_t last = 0;
    for (uint32_t i = 0; i < program->step_count; i++) {
        const cj_program_step *step = &program->steps[i];
        size_t len = strlen(text);
        snprintf(text + len, sizeof(text) - len, "%s%c%u", i ? " " : "", step->kind == CJ_STEP_INIT ? 'i' : 'g',
                 step->group);
        assert_true(step->offset >= last); /* in the order of the file */
        last = step->offset;
    }
    assert_string_equal(text, expected);
}

static void test_empty(void **state)
{
    (void)state;
    cj_program *program = good("empty");
    assert_int_equal(program->group_count, 0);
    assert_int_equal(program->step_count, 0);
    assert_int_equal(program->import_count, 0);
    assert_int_equal(program->export_count, 0);
    cj__program_delete(program);
    cj__program_delete(NULL);
}

static const cj_lifted *lifted_of(const cj_program *program, const cj_program_export *export_)
{
    assert_true(export_->lifted < program->lifted_count);
    return &program->lifted[export_->lifted];
}

static void test_lift(void **state)
{
    (void)state;
    cj_program *program = good("add");
    expect_steps(program, "g0");
    assert_int_equal(program->export_count, 1);
    const cj_program_export *add = &program->exports[0];
    expect_info(&add->info, "", "add", "add", "func(a: u32, b: u32) -> u32");
    expect_options(add->plan, CJ_PLAN_EXPORT, CJ_UTF8, false, false, false);
    assert_int_equal(lifted_of(program, add)->group, 0);
    assert_int_equal(lifted_of(program, add)->core_func, 0);
    assert_int_equal(lifted_of(program, add)->realloc, CJ_NONE);
    assert_int_equal(lifted_of(program, add)->post_return, CJ_NONE);
    assert_false(program->groups[0].merged.has_memory);
    assert_int_equal(program->groups[0].merged.import_count, 0);
    cj__program_delete(program);
}

static void test_options(void **state)
{
    (void)state;
    cj_program *program = good("options");
    assert_int_equal(program->export_count, 3);
    const cj_program_export *f = &program->exports[0], *g = &program->exports[1], *f2 = &program->exports[2];
    expect_options(f->plan, CJ_PLAN_EXPORT, CJ_UTF16, true, true, true);
    expect_options(g->plan, CJ_PLAN_EXPORT, CJ_LATIN1_UTF16, true, true, false);
    assert_int_equal(lifted_of(program, g)->post_return, CJ_NONE);
    /* One core function under two names, and one plan for equal types and options. */
    assert_ptr_equal(f->plan, f2->plan);
    assert_ptr_not_equal(f->plan, g->plan);
    assert_int_equal(program->plans.len, 2);
    assert_int_equal(lifted_of(program, f)->core_func, lifted_of(program, g)->core_func);
    assert_int_equal(lifted_of(program, f)->realloc, lifted_of(program, g)->realloc);
    assert_true(lifted_of(program, f)->core_func != lifted_of(program, f)->realloc &&
                lifted_of(program, f)->realloc != lifted_of(program, f)->post_return &&
                lifted_of(program, f)->core_func != lifted_of(program, f)->post_return);
    assert_true(program->groups[0].merged.has_memory);
    cj__program_delete(program);
}

static void test_lower(void **state)
{
    (void)state;
    cj_program *program = good("lower");
    static const char *const names[] = {"a", "b", "log", "name", "unused"};
    assert_int_equal(program->import_count, 5);
    for (uint32_t i = 0; i < 5; i++) {
        assert_string_equal(program->imports[i].info.path, names[i]);
        assert_int_equal(program->imports[i].used, i != 4);
    }
    /* libc and main are one group. Slots: a and a2 are one, so are log8 and log8again. */
    assert_int_equal(program->group_count, 1);
    const cj_group *group = &program->groups[0];
    assert_int_equal(group->slot_count, 6);
    static const uint32_t imports[] = {0, 1, 2, 2, 3, 3};
    for (uint32_t i = 0; i < 6; i++)
        assert_int_equal(group->slots[i].of, imports[i]);
    expect_options(group->slots[0].plan, CJ_PLAN_IMPORT, CJ_UTF8, false, false, false);
    expect_options(group->slots[2].plan, CJ_PLAN_IMPORT, CJ_UTF8, true, false, false);
    expect_options(group->slots[3].plan, CJ_PLAN_IMPORT, CJ_UTF16, true, false, false);
    expect_options(group->slots[4].plan, CJ_PLAN_IMPORT, CJ_UTF8, true, true, false);
    assert_int_equal(group->slots[0].realloc, CJ_NONE);
    assert_true(group->slots[4].realloc != CJ_NONE && group->slots[5].realloc != CJ_NONE);
    assert_true(group->slots[4].realloc != group->slots[5].realloc);
    /* Two reallocs, one plan: what it is bound to is not the plan's. u32 and char differ in shape, for chars are
     * checked. */
    assert_ptr_equal(group->slots[4].plan, group->slots[5].plan);
    assert_int_equal(group->slots[4].shape, group->slots[5].shape);
    assert_true(group->slots[0].shape != group->slots[1].shape);
    assert_true(group->slots[2].shape != group->slots[3].shape);
    /* One import per shape, each with the slot number as last parameter. */
    assert_int_equal(group->merged.import_count, 5);
    for (uint32_t i = 0; i < 5; i++) {
        const cj_core_type *type = &group->import_types[i];
        assert_int_equal(type->params[type->param_count - 1], CJ_CORE_I32);
        uint32_t shape = group->merged.import_shapes[i], flat = 0;
        for (uint32_t s = 0; s < 6; s++)
            if (group->slots[s].shape == shape)
                flat = group->slots[s].plan->sig.param_count;
        assert_int_equal(type->param_count, flat + 1);
    }
    cj__program_delete(program);
}

static void test_lower_with_result(void **state)
{
    (void)state;
    cj_program *program = good("lower-result");
    const cj_group *group = &program->groups[0];
    assert_int_equal(group->merged.import_count, 1);
    assert_int_equal(group->import_types[0].param_count, 1);
    assert_int_equal(group->import_types[0].result_count, 1);
    assert_int_equal(group->import_types[0].result, CJ_CORE_I64);
    cj__program_delete(program);
}

static void test_interfaces(void **state)
{
    (void)state;
    cj_program *program = good("interfaces");
    assert_int_equal(program->import_count, 3);
    expect_info(&program->imports[0].info, "ns:pkg/host@1.0.0", "draw", "ns:pkg/host@1.0.0#draw",
                "func(at: record { x: s32, y: s32 })");
    expect_info(&program->imports[1].info, "ns:pkg/host@1.0.0", "clear", "ns:pkg/host@1.0.0#clear", "func()");
    expect_info(&program->imports[2].info, "", "plain", "plain", "func()");
    assert_true(program->imports[0].used && program->imports[2].used && !program->imports[1].used);
    assert_int_equal(program->export_count, 2);
    expect_info(&program->exports[0].info, "", "run", "run", "func()");
    expect_info(&program->exports[1].info, "ns:pkg/geometry@1.0.0", "area", "ns:pkg/geometry@1.0.0#area",
                "func(p: record { x: s32, y: s32 }) -> u64");
    /* Through a nested component, an import and an export, it is still the type that was imported. */
    assert_int_equal(program->named_type_count, 3);
    assert_string_equal(program->named_types[0].interface, "ns:pkg/types@1.0.0");
    assert_string_equal(program->named_types[2].interface, "ns:pkg/geometry@1.0.0");
    assert_ptr_equal(program->named_types[0].identity, program->named_types[2].identity);
    assert_true(!program->named_types[1].is_export && program->named_types[2].is_export);
    cj__program_delete(program);
}

static void test_shim(void **state)
{
    (void)state;
    cj_program *program = good("shim");
    assert_int_equal(program->group_count, 1);
    assert_int_equal(program->groups[0].slot_count, 1);
    assert_true(program->groups[0].merged.has_memory);
    assert_int_equal(program->steps[0].kind, CJ_STEP_INSTANTIATE);
    cj__program_delete(program);
}

static void test_steps(void **state)
{
    (void)state;
    cj_program *program = good("steps");
    assert_int_equal(program->group_count, 2);
    /* instance 4 has neither segments nor a start function */
    expect_steps(program, "g0 i0 g1 i1 i0 i1");
    assert_int_equal(program->lifted[program->exports[0].lifted].group, 0);
    for (uint32_t i = 0; i < program->step_count; i++)
        if (program->steps[i].kind == CJ_STEP_INIT)
            assert_true(program->steps[i].export_ < program->groups[program->steps[i].group].merged.export_count);
    cj__program_delete(program);
}

static void test_groups_by_calls(void **state)
{
    (void)state;
    cj_program *program = good("functions-join");
    assert_int_equal(program->group_count, 2); /* a, b and c; the lone one */
    expect_steps(program, "g0 g1");
    assert_int_equal(program->lifted[program->exports[0].lifted].group, 0);
    assert_int_equal(program->lifted[program->exports[1].lifted].group, 0);
    assert_true(program->lifted[program->exports[0].lifted].core_func !=
                program->lifted[program->exports[1].lifted].core_func);
    assert_true(program->groups[0].merged.has_memory);
    assert_false(program->groups[1].merged.has_memory);
    cj__program_delete(program);
}

static void test_declared_only(void **state)
{
    (void)state;
    cj_program *program = good("declared-only");
    assert_int_equal(program->group_count, 0);
    assert_int_equal(program->import_count, 1); /* the one whose type is known */
    expect_info(&program->imports[0].info, "", "t", "t", "func() -> u8");
    assert_false(program->imports[0].used);
    cj__program_delete(program);
}

static void test_map(void **state)
{
    (void)state;
    cj_program *program = good("map");
    expect_type(program->exports[0].info.type, "func(m: map<string, u32>)");
    cj__program_delete(program);
}

static void test_aliases(void **state)
{
    (void)state;
    cj_program *program = good("aliases");
    assert_int_equal(program->export_count, 3);
    expect_info(&program->exports[0].info, "", "e", "e", "func() -> u32");
    expect_info(&program->exports[1].info, "", "e2", "e2", "func() -> u32");
    expect_info(&program->exports[2].info, "deep#i", "g", "deep#i#g", "func() -> u32"); /* an instance in an instance */
    assert_int_equal(program->lifted[program->exports[0].lifted].core_func,
                     program->lifted[program->exports[2].lifted].core_func);
    cj__program_delete(program);
}

static void test_more_good_ones(void **state)
{
    (void)state;
    static const char *const names[] = {
        "component-arguments", "resource-identity", "methods", "core-kinds", "wide", "builtins", "type-arguments"};
    for (size_t i = 0; i < CJ_COUNT(names); i++)
        cj__program_delete(good(names[i]));
    cj_program *program = good("core-kinds");
    assert_int_equal(program->group_count, 1);
    expect_options(program->exports[0].plan, CJ_PLAN_EXPORT, CJ_UTF8, true, false, false);
    cj__program_delete(program);
}

/* -- Limits ------------------------------------------------------------------------------------------------------ */

static void expect_limit(const cj_config *config, const char *name, const char *message)
{
    cj_program *program = NULL;
    cj_error err;
    memset(&err, 0, sizeof(err));
    assert_int_equal(link_case(config, "valid", name, &program, &err), CJ_LIMIT);
    if (!strstr(err.message, message))
        fail_msg("%s: expected ...%s..., found %s", name, message, err.message);
}

static void test_limits(void **state)
{
    (void)state;
    cj_config config = config_of();
    config.max_core_instances = 4;
    expect_limit(&config, "steps", "the limit is max_core_instances");
    config.max_core_instances = 5;
    cj__program_delete(good_with(&config, "steps"));

    config = config_of();
    expect_limit(&config, "exponential", "the limit is max_definitions");
    expect_limit(&config, "exponential-exports", "the limit is max_definitions");
    config.max_definitions = UINT32_MAX;
    config.max_component_depth = 10;
    expect_limit(&config, "exponential", "the limit is max_component_depth");
    expect_limit(&config, "exponential-exports", "the limit is max_component_depth");
}

static void test_total_plan_limit(void **state)
{
    (void)state;
    cj_config config = config_of();
    config.max_total_plan_ops = 36; /* one tuple of 18: each value, and itself, and the parameter */
    expect_limit(&config, "wide", "the limit is max_total_plan_ops");
    config.max_total_plan_ops = 60;
    cj__program_delete(good_with(&config, "wide"));
    config.max_total_plan_ops = 12; /* two plans; the third function shares the first one's */
    cj__program_delete(good_with(&config, "options"));
    config.max_total_plan_ops = 6;
    expect_limit(&config, "options", "the limit is max_total_plan_ops");
}

/* An instance with a long name and many functions: their paths repeat the name, which must not be free of charge. */
static void test_long_paths(void **state)
{
    (void)state;
    enum { NAME = 64000, FUNCS = 100 };
    char *name = malloc(NAME);
    memset(name, 'a', NAME);
    test_bytes file = {0}, types = {0}, imports = {0};
    test_bytes_parse(&file, "!", 0);
    test_bytes_parse(&types, "01 42", 0);
    test_bytes_leb(&types, 1 + FUNCS);
    test_bytes_parse(&types, "01 40 00 01 00", 0);
    for (int i = 0; i < FUNCS; i++) {
        const uint8_t label[] = {(uint8_t)('a' + i % 26), (uint8_t)('a' + i / 26)};
        test_bytes_parse(&types, "04 00 02", 0);
        test_bytes_add(&types, label, sizeof(label));
        test_bytes_parse(&types, "01 00", 0);
    }
    test_bytes_byte(&file, 0x07);
    test_bytes_sized(&file, &types);
    test_bytes_parse(&imports, "01 00", 0);
    test_bytes_leb(&imports, NAME);
    test_bytes_add(&imports, name, NAME);
    test_bytes_parse(&imports, "05 00", 0);
    test_bytes_byte(&file, 0x0a);
    test_bytes_sized(&file, &imports);

    cj_config config = config_of();
    cj_program *program = NULL;
    cj_error err;
    assert_int_equal(link_bytes(&config, (file_bytes){file.at, file.len}, &program, &err), CJ_OK);
    assert_int_equal(program->import_count, FUNCS);
    cj__program_delete(program);
    config.max_definitions = 50000;
    assert_int_equal(link_bytes(&config, (file_bytes){file.at, file.len}, &program, &err), CJ_LIMIT);
    assert_non_null(strstr(err.message, "max_definitions"));
    free(file.at);
    free(name);
}

static void test_type_depth(void **state)
{
    (void)state;
    cj_config config = config_of();
    config.max_type_depth = 20;
    cj_program *program = NULL;
    cj_error err;
    assert_int_equal(link_case(&config, "valid", "nested-types", &program, &err), CJ_LIMIT);
    assert_non_null(strstr(err.message, "max_type_depth"));
    assert_true(err.offset != CJ_NO_OFFSET);
}

/* Components side by side, each of which instantiates the one before it: as deep as there are of them, though nothing
 * nests in the file. */
static file_bytes chain_of(uint32_t count)
{
    test_bytes file = {0};
    test_bytes_parse(&file, "! 04(!)", 0);
    for (uint32_t i = 0; i < count; i++) {
        test_bytes component = {0}, alias = {0};
        test_bytes_parse(&component, "! 06", 0);
        test_bytes_parse(&alias, "01 04 02 01", 0); /* one alias: a component, outer, 1 scope outward */
        test_bytes_leb(&alias, i);
        test_bytes_sized(&component, &alias);
        test_bytes_parse(&component, "05(01 00 00 00)", 0);
        test_bytes_byte(&file, 0x04);
        test_bytes_sized(&file, &component);
    }
    return (file_bytes){file.at, file.len};
}

static void test_depth_of_instantiation(void **state)
{
    (void)state;
    cj_config config = config_of();
    cj_program *program = NULL;
    cj_error err;
    file_bytes b = chain_of(98);
    assert_int_equal(link_bytes(&config, b, &program, &err), CJ_OK);
    cj__program_delete(program);
    free(b.at);

    b = chain_of(600);
    assert_int_equal(link_bytes(&config, b, &program, &err), CJ_LIMIT);
    assert_non_null(strstr(err.message, "max_component_depth"));
    config.max_component_depth = config.max_definitions = UINT32_MAX; /* the C stack has a limit of its own */
    assert_int_equal(link_bytes(&config, b, &program, &err), CJ_LIMIT);
    assert_non_null(strstr(err.message, "max_component_depth"));
    free(b.at);
}

static void test_plan_limit_has_a_place(void **state)
{
    (void)state;
    cj_config config = config_of();
    config.max_plan_ops = 4;
    cj_program *program = NULL;
    cj_error err;
    assert_int_equal(link_case(&config, "valid", "wide", &program, &err), CJ_LIMIT);
    assert_non_null(strstr(err.message, "max_plan_ops"));
    assert_string_equal(err.where, "a:b/c#wide-one");
    assert_true(err.offset != CJ_NO_OFFSET);
}

static void test_interruptible(void **state)
{
    (void)state;
    cj_config config = config_of();
    cj_program *program = good_with(&config, "add");
    assert_int_equal(program->groups[0].merged.interrupt_global, CJ_NONE);
    cj__program_delete(program);
    config.interruptible = true;
    program = good_with(&config, "add");
    assert_int_not_equal(program->groups[0].merged.interrupt_global, CJ_NONE);
    cj__program_delete(program);
}

/* -- Hostile input ----------------------------------------------------------------------------------------------- */

/* Cases made to take long, each of which is enough once. */
static bool is_slow(const char *name)
{
    return strncmp(name, "exponential", 11) == 0 || strcmp(name, "nested-types") == 0;
}

static void no_memory_at_any_allocation(const char *list, const char *name, const char *message, void *user)
{
    (void)user;
    (void)message;
    if (is_slow(name))
        return;
    file_bytes b = read_case(list, name);
    for (uint64_t n = 1;; n++) {
        track_alloc track;
        track_init(&track);
        cj_config config = config_of();
        config.allocator = &track.hook;
        cj_ast *ast = NULL;
        cj_program *program = NULL;
        cj_error err;
        assert_int_equal(cj__ast_decode(&config, b.at, b.size, &ast, NULL), CJ_OK);
        track.fail_at = track.calls + n;
        cj_status status = cj__link(&config, ast, &program, &err);
        if (status == CJ_OK) {
            size_t len;
            char *text = cj__program_wit(&track.hook, program, n & 1, &len);
            if (text)
                cj__free(&track.hook, text, len + 1);
        } else if (status != CJ_NO_MEMORY || err.status != CJ_NO_MEMORY) {
            fail_msg("%s: %s at allocation %d", name, cj_status_text(status), (int)n);
        }
        cj__program_delete(program);
        cj__ast_delete(ast);
        assert_int_equal(track.live_blocks, 0);
        if (status == CJ_OK && track.calls < track.fail_at)
            break;
    }
    free(b.at);
}

static void test_no_memory(void **state)
{
    (void)state;
    each_case("valid", no_memory_at_any_allocation, NULL);
    each_case("live", no_memory_at_any_allocation, NULL);
}

static uint32_t random_next(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void mutate(const char *list, const char *name, const char *message, void *user)
{
    (void)message;
    if (is_slow(name))
        return;
    uint32_t seed = 1, *outcomes = user;
    cj_config config = config_of();
    config.max_definitions = 20000;
    config.trap_unsupported = strcmp(list, "unsupported") == 0;
    file_bytes b = read_case(list, name);
    /* Every byte changed a few ways, then several at once: indices are small numbers, so small changes hit them. */
    for (size_t i = 8; i < b.size; i++) {
        static const uint8_t changes[] = {0x01, 0x02, 0x03, 0x80};
        for (size_t j = 0; j < sizeof(changes); j++) {
            b.at[i] ^= changes[j];
            outcomes[fuzz_one(&config, b.at, b.size)]++;
            b.at[i] ^= changes[j];
        }
    }
    uint8_t *copy = malloc(b.size);
    for (int round = 0; round < 100 && b.size > 8; round++) {
        memcpy(copy, b.at, b.size);
        for (uint32_t n = 2 + random_next(&seed) % 4; n > 0; n--)
            copy[8 + random_next(&seed) % (b.size - 8)] = (uint8_t)(random_next(&seed) % 12);
        outcomes[fuzz_one(&config, copy, b.size)]++;
    }
    free(copy);
    free(b.at);
}

static void test_mutations(void **state)
{
    (void)state;
    uint32_t outcomes[CJ_STATUS_COUNT] = {0};
    each_case("valid", mutate, outcomes);
    each_case("live", mutate, outcomes);
    each_case("unsupported", mutate, outcomes);
    assert_true(outcomes[CJ_OK] > 100 && outcomes[CJ_MALFORMED] > 1000 && outcomes[CJ_INVALID] > 1000 &&
                outcomes[CJ_UNSUPPORTED] > 20);
    file_bytes b = read_case("valid", "lower");
    assert_int_equal(LLVMFuzzerTestOneInput(b.at, b.size), 0);
    free(b.at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_invalid),
        cmocka_unit_test(test_unsupported),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_value_literals),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_lift),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_lower),
        cmocka_unit_test(test_lower_with_result),
        cmocka_unit_test(test_interfaces),
        cmocka_unit_test(test_shim),
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_groups_by_calls),
        cmocka_unit_test(test_declared_only),
        cmocka_unit_test(test_map),
        cmocka_unit_test(test_aliases),
        cmocka_unit_test(test_more_good_ones),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_total_plan_limit),
        cmocka_unit_test(test_long_paths),
        cmocka_unit_test(test_type_depth),
        cmocka_unit_test(test_depth_of_instantiation),
        cmocka_unit_test(test_plan_limit_has_a_place),
        cmocka_unit_test(test_interruptible),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_mutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
