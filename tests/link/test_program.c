/* test_program.c: what live components become: parts, groups, slots of every kind, lifted functions, resources, steps;
 * built-ins that cannot run; bombs.
 */
#include "cases.h"

#include <stdarg.h>

/* -- A program as text ------------------------------------------------------------------------------------------- */

typedef struct listing {
    char at[4096];
    size_t len;
} listing;

static void put(listing *t, const char *format, ...) CJ_PRINTF(2, 3);
static void put(listing *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    t->len += (size_t)vsnprintf(t->at + t->len, sizeof(t->at) - t->len, format, args);
    va_end(args);
    assert_true(t->len < sizeof(t->at));
}

static void put_slot(listing *t, const cj_program *program, const cj_slot *slot)
{
    switch (slot->kind) {
    case CJ_SLOT_HOST:
        put(t, "host %s", program->imports[slot->of].info.path);
        break;
    case CJ_SLOT_FUSED:
        put(t, "fused %u", slot->of);
        break;
    case CJ_SLOT_CORE:
        put(t, "core %u.f%u", slot->of, slot->core_func);
        break;
    case CJ_SLOT_RESOURCE_NEW:
    case CJ_SLOT_RESOURCE_REP:
    case CJ_SLOT_RESOURCE_DROP:
        put(t, "%s %u", slot->name, slot->of);
        break;
    case CJ_SLOT_CANNOT_ENTER:
        put(t, "cannot enter %s", slot->name);
        break;
    case CJ_SLOT_UNSUPPORTED:
        put(t, "unsupported %s", slot->name);
        break;
    case CJ_SLOT_UNSUPPORTED_ANYWHERE:
        put(t, "unsupported anywhere %s", slot->name);
        break;
    }
    if (slot->realloc != CJ_NONE)
        put(t, " realloc f%u", slot->realloc);
    put(t, slot->memory_group == CJ_NONE ? " /%u\n" : " memory /%u\n", slot->shape);
}

/* Parts by their parents; groups ("group 1 of 0, memory"), their slots with shapes ("#0"); lifted functions ("part group.export");
 * resources; steps as in test_link.c; imports that are used, and exports. */
static void describe(listing *t, const cj_program *program)
{
    t->len = 0;
    put(t, "parts");
    for (uint32_t i = 0; i < program->part_count; i++)
        put(t, program->parts[i].parent == CJ_NONE ? " -" : " %u", program->parts[i].parent);
    put(t, "\n");
    for (uint32_t i = 0; i < program->group_count; i++) {
        const cj_group *group = &program->groups[i];
        put(t, "group of %u%s\n", group->part, group->merged.has_memory ? ", memory" : "");
        for (uint32_t k = 0; k < group->slot_count; k++)
            put_slot(t, program, &group->slots[k]);
    }
    for (uint32_t i = 0; i < program->lifted_count; i++) {
        const cj_lifted *lifted = &program->lifted[i];
        put(t, "lifted %s of %u: %u.f%u", lifted->info.path, lifted->part, lifted->group, lifted->core_func);
        if (lifted->realloc != CJ_NONE)
            put(t, " realloc f%u", lifted->realloc);
        if (lifted->post_return != CJ_NONE)
            put(t, " post f%u", lifted->post_return);
        put(t, "\n");
    }
    for (uint32_t i = 0; i < program->resource_count; i++) {
        const cj_program_resource *resource = &program->resources[i];
        put(t, resource->part == CJ_NONE ? "resource of host" : "resource of %u", resource->part);
        put(t, " %s#%s", resource->interface, resource->name);
        if (resource->dtor != CJ_NONE)
            put(t, " dtor %u.f%u", resource->group, resource->dtor);
        put(t, "%s\n", resource->used ? " used" : "");
    }
    put(t, "steps");
    for (uint32_t i = 0; i < program->step_count; i++)
        put(t, " %c%u", program->steps[i].kind == CJ_STEP_INIT ? 'i' : 'g', program->steps[i].group);
    put(t, "\n");
    for (uint32_t i = 0; i < program->import_count; i++)
        if (program->imports[i].used)
            put(t, "import %s\n", program->imports[i].info.path);
    for (uint32_t i = 0; i < program->export_count; i++) {
        const cj_program_export *export_ = &program->exports[i];
        put(t, "export %s = ", export_->info.path);
        if (export_->lifted == CJ_NONE)
            put(t, "import %s\n", program->imports[export_->import].info.path);
        else
            put(t, "%u\n", export_->lifted);
    }
}

typedef struct expectation {
    const char *name, *text;
} expectation;

static void expect_texts(const expectation *cases, size_t count)
{
    static listing t;
    for (size_t i = 0; i < count; i++) {
        cj_program *program = good_case(NULL, "live", cases[i].name);
        describe(&t, program);
        if (strcmp(t.at, cases[i].text) != 0)
            fail_msg("%s: expected\n%sfound\n%s", cases[i].name, cases[i].text, t.at);
        cj__program_delete(program);
    }
}
static void test_parts(void **state)
{
    (void)state;
    static const expectation cases[] = {
        {"nested-core", "parts - 0\n"
                        "group of 1\n"
                        "steps g0\n"},
        {"parts", "parts - 0 1 0\n"
                  "group of 2\n"
                  "group of 3\n"
                  "lifted f of 2: 0.f0\n"
                  "lifted f of 3: 1.f0\n"
                  "steps g0 g1\n"
                  "export a = 0\n"
                  "export b = 1\n"},
        {"siblings", "parts - 0 0\n"
                     "group of 1, memory\n"
                     "group of 2, memory\n"
                     "fused 1 realloc f0 memory /0\n"
                     "lifted run of 2: 1.f1\n"
                     "lifted a:b/c@1.0.0#f of 1: 0.f2 realloc f0 post f1\n"
                     "steps g0 g1\n"
                     "export run = 0\n"},
        {"cousins", "parts - 0 1 0 3\n"
                    "group of 2\n"
                    "group of 4\n"
                    "fused 1 /0\n"
                    "fused 2 /0\n"
                    "lifted run of 4: 1.f0\n"
                    "lifted f of 2: 0.f1\n"
                    "lifted g of 2: 0.f0\n"
                    "steps g0 g1\n"
                    "export run = 0\n"},
        {"relatives", "parts - 0 0 2 0\n"
                      "group of 0\n"
                      "group of 1\n"
                      "group of 1\n"
                      "cannot enter canon lift at 0x4f /0\n"
                      "group of 3\n"
                      "group of 3\n"
                      "cannot enter canon lift at 0x4f /0\n"
                      "group of 4\n"
                      "group of 4\n"
                      "fused 5 /0\n"
                      "group of 0\n"
                      "cannot enter canon lift at 0x4f /0\n"
                      "group of 0\n"
                      "cannot enter f /0\n"
                      "group of 0\n"
                      "cannot enter f /0\n"
                      "lifted up of 1: 2.f0\n"
                      "lifted up of 4: 6.f0\n"
                      "lifted self of 0: 7.f0\n"
                      "lifted down of 0: 8.f0\n"
                      "lifted far-down of 0: 9.f0\n"
                      "lifted f of 1: 1.f0\n"
                      "steps g0 g1 g2 g3 g4 g5 g6 g7 g8 g9\n"
                      "export up = 0\n"
                      "export across = 1\n"
                      "export self = 2\n"
                      "export down = 3\n"
                      "export far-down = 4\n"},
        {"same-module-twice", "parts -\n"
                              "group of 0\n"
                              "group of 0\n"
                              "lifted a of 0: 0.f0\n"
                              "lifted b of 0: 1.f0\n"
                              "steps g0 g1\n"
                              "export a = 0\n"
                              "export b = 1\n"},
    };
    expect_texts(cases, CJ_COUNT(cases));
}

static void test_groups(void **state)
{
    (void)state;
    static const expectation cases[] = {
        {"call-between-memories", "parts -\n"
                                  "group of 0, memory\n"
                                  "group of 0, memory\n"
                                  "core 0.f0 /0\n"
                                  "lifted run of 0: 1.f0\n"
                                  "steps g0 g1\n"
                                  "export run = 0\n"},
        {"calls-both-ways", "parts -\n"
                            "group of 0, memory\n"
                            "core 1.f0 /0\n"
                            "group of 0, memory\n"
                            "core 0.f0 /0\n"
                            "lifted run of 0: 1.f0\n"
                            "steps g0 g1\n"
                            "export run = 0\n"},
        {"lift-with-another-memory", "parts -\n"
                                     "group of 0, memory\n"
                                     "core 1.f0 /0\n"
                                     "core 1.f1 /1\n"
                                     "group of 0, memory\n"
                                     "lifted f of 0: 0.f1 post f0\n"
                                     "steps g0 g1\n"
                                     "export f = 0\n"},
        {"lower-with-another-memory", "parts -\n"
                                      "group of 0, memory\n"
                                      "host f memory /0\n"
                                      "group of 0, memory\n"
                                      "group of 0, memory\n"
                                      "core 0.f0 /0\n"
                                      "lifted run of 0: 2.f0\n"
                                      "steps g0 g1 g2\n"
                                      "import f\n"
                                      "export run = 0\n"},
        {"constant-between-memories", "parts -\n"
                                      "group of 0, memory\n"
                                      "group of 0, memory\n"
                                      "group of 0, memory\n"
                                      "lifted f of 0: 1.f0\n"
                                      "lifted g of 0: 2.f0\n"
                                      "steps g0 g1 g2\n"
                                      "export f = 0\n"
                                      "export g = 1\n"},
        {"late", "parts -\n"
                 "group of 0, memory\n"
                 "group of 0, memory\n"
                 "core 0.f0 /0\n"
                 "lifted f of 0: 0.f0\n"
                 "steps g0 g1 i1 i0\n"
                 "export f = 0\n"},
        {"not-late", "parts -\n"
                     "group of 0, memory\n"
                     "group of 0, memory\n"
                     "lifted f of 0: 1.f0\n"
                     "steps g0 i0 g1\n"
                     "export f = 0\n"},
    };
    expect_texts(cases, CJ_COUNT(cases));
}

static void test_no_module(void **state)
{
    (void)state;
    static const expectation cases[] = {
        {"lift-of-lower", "parts -\n"
                          "group of 0\n"
                          "host f /0\n"
                          "lifted g of 0: 0.f0\n"
                          "steps g0\n"
                          "import f\n"
                          "export g = 0\n"},
        {"lift-of-lower-through-a-module", "parts -\n"
                                           "group of 0\n"
                                           "host f /0\n"
                                           "group of 0\n"
                                           "host f /0\n"
                                           "lifted g of 0: 1.f0\n"
                                           "steps g1 g0\n"
                                           "import f\n"
                                           "export g = 0\n"},
        {"lift-of-lower-with-memory", "parts -\n"
                                      "group of 0, memory\n"
                                      "host f memory /0\n"
                                      "lifted g of 0: 0.f1 realloc f0\n"
                                      "steps g0\n"
                                      "import f\n"
                                      "export g = 0\n"},
        {"lower-lift-chain", "parts - 0 0 0\n"
                             "group of 1\n"
                             "group of 3\n"
                             "fused 1 /0\n"
                             "group of 2\n"
                             "fused 2 /0\n"
                             "lifted f of 3: 1.f0\n"
                             "lifted f of 2: 2.f0\n"
                             "lifted f of 1: 0.f0\n"
                             "steps g0 g2 g1\n"
                             "export f = 0\n"},
        {"lowered-realloc", "parts -\n"
                            "group of 0, memory\n"
                            "host r /0\n"
                            "lifted f of 0: 0.f1 realloc f0\n"
                            "steps g0\n"
                            "import r\n"
                            "export f = 0\n"},
        {"lowered-realloc-of-lower", "parts -\n"
                                     "group of 0, memory\n"
                                     "host f realloc f0 memory /0\n"
                                     "host r /1\n"
                                     "lifted run of 0: 0.f1\n"
                                     "steps g0\n"
                                     "import r\n"
                                     "import f\n"
                                     "export run = 0\n"},
        {"reexport-of-import", "parts -\n"
                               "steps\n"
                               "import f\n"
                               "export g = import f\n"},
        {"reexport-of-imported-instance", "parts -\n"
                                          "steps\n"
                                          "import a:b/c#f\n"
                                          "export x:y/z#f = import a:b/c#f\n"},
        {"reexport-through-component", "parts - 0\n"
                                       "steps\n"
                                       "import f\n"
                                       "export h = import f\n"},
    };
    expect_texts(cases, CJ_COUNT(cases));
}

static void test_resources(void **state)
{
    (void)state;
    static const expectation cases[] = {
        {"resource-builtins", "parts -\n"
                              "group of 0\n"
                              "resource.new 0 /0\n"
                              "resource.rep 0 /1\n"
                              "resource.drop 0 /2\n"
                              "resource.new 1 /0\n"
                              "lifted run of 0: 0.f0\n"
                              "resource of 0 # used\n"
                              "resource of 0 # used\n"
                              "steps g0\n"
                              "export run = 0\n"},
        {"resource-exported", "parts -\n"
                              "group of 0\n"
                              "group of 0\n"
                              "lifted make of 0: 1.f1\n"
                              "lifted look of 0: 1.f0\n"
                              "resource of 0 #r dtor 0.f0 used\n"
                              "steps g0 g1\n"
                              "export make = 0\n"
                              "export look = 1\n"},
        {"resource-imported", "parts -\n"
                              "group of 0\n"
                              "host a:b/c#f /0\n"
                              "resource.drop 0 /1\n"
                              "lifted run of 0: 0.f0\n"
                              "resource of host a:b/c#r used\n"
                              "resource of host a:b/c#s\n"
                              "steps g0\n"
                              "import a:b/c#f\n"
                              "export run = 0\n"},
        {"resource-between-siblings", "parts - 0 0 0 0\n"
                                      "group of 1\n"
                                      "group of 1\n"
                                      "group of 2\n"
                                      "group of 2\n"
                                      "group of 3\n"
                                      "fused 2 /0\n"
                                      "resource.drop 0 /1\n"
                                      "group of 4\n"
                                      "fused 3 /0\n"
                                      "resource.drop 1 /1\n"
                                      "lifted run of 3: 4.f0\n"
                                      "lifted run of 4: 5.f0\n"
                                      "lifted make of 1: 1.f0\n"
                                      "lifted make of 2: 3.f0\n"
                                      "resource of 1 #r dtor 0.f0 used\n"
                                      "resource of 2 #r dtor 2.f0 used\n"
                                      "steps g0 g1 g2 g3 g4 g5\n"
                                      "export one = 0\n"
                                      "export two = 1\n"},
        {"resource-passed-down", "parts - 0\n"
                                 "group of 1\n"
                                 "resource.drop 0 /0\n"
                                 "lifted f of 1: 0.f0\n"
                                 "resource of host #r used\n"
                                 "steps g0\n"
                                 "export f = 0\n"},
        {"destructors", "parts -\n"
                        "group of 0, memory\n"
                        "group of 0, memory\n"
                        "resource.drop 1 /0\n"
                        "resource.drop 2 /0\n"
                        "resource.drop 3 /0\n"
                        "group of 0\n"
                        "resource.drop 0 /0\n"
                        "host log /1\n"
                        "lifted run of 0: 1.f0\n"
                        "resource of 0 # dtor 2.f1 used\n"
                        "resource of 0 # dtor 2.f0 used\n"
                        "resource of 0 # dtor 0.f0 used\n"
                        "resource of 0 # used\n"
                        "steps g2 g0 g1\n"
                        "import log\n"
                        "export run = 0\n"},
    };
    expect_texts(cases, CJ_COUNT(cases));
}

/* -- Fused calls ------------------------------------------------------------------------------------------------- */

/* The options of both sides reach the plan; the callee's are those of its lift. */
static void test_fused_options(void **state)
{
    (void)state;
    cj_program *program = good_case(NULL, "live", "siblings");
    const cj_slot *slot = &program->groups[1].slots[0];
    assert_int_equal(slot->kind, CJ_SLOT_FUSED);
    const cj_plan_options *options = &slot->plan->options;
    assert_int_equal(options->kind, CJ_PLAN_FUSED);
    assert_int_equal(options->encoding, CJ_UTF16);
    assert_int_equal(options->caller_encoding, CJ_UTF8);
    assert_true(options->has_memory && options->has_realloc && options->has_post_return);
    assert_true(options->caller_has_memory && options->caller_has_realloc);
    const cj_lifted *lifted = &program->lifted[slot->of];
    assert_string_equal(lifted->info.interface, "a:b/c@1.0.0");
    assert_string_equal(lifted->info.name, "f");
    assert_ptr_equal(lifted->info.type, program->lifted[slot->of].info.type);
    assert_int_equal(program->parts[lifted->part].parent, 0);
    cj__program_delete(program);
}

/* Slots of one shape are one import; the core function's type stands with slots that have no plan. */
static void test_shapes(void **state)
{
    (void)state;
    cj_program *program = good_case(NULL, "live", "cousins");
    assert_int_equal(program->groups[1].slot_count, 2);
    assert_int_equal(program->groups[1].merged.import_count, 1);
    assert_ptr_equal(program->groups[1].slots[0].plan, program->groups[1].slots[1].plan);
    cj__program_delete(program);

    program = good_case(NULL, "live", "resource-builtins");
    const cj_group *group = &program->groups[0];
    assert_int_equal(group->merged.import_count, 3);
    assert_int_equal(group->slots[0].core_type->param_count, 1);
    assert_int_equal(group->slots[0].core_type->result_count, 1);
    assert_int_equal(group->slots[2].core_type->result_count, 0);
    cj__program_delete(program);

    program = good_case(NULL, "live", "call-between-memories");
    const cj_core_type *type = program->groups[1].slots[0].core_type;
    assert_int_equal(type->param_count, 2);
    assert_int_equal(type->params[0], CJ_CORE_I32);
    assert_int_equal(type->params[1], CJ_CORE_I64);
    assert_int_equal(type->result, CJ_CORE_F32);
    cj__program_delete(program);
}

/* One function type tells the resource types of both sides: each consumer's call has the type of its own provider, under
 * whatever number; and what an ascription made opaque is the type that it was made from. */
static void test_resource_numbers(void **state)
{
    (void)state;
    cj_program *program = good_case(NULL, "live", "resource-between-siblings");
    for (uint32_t i = 0; i < 2; i++) {
        const cj_group *group = &program->groups[4 + i];
        const cj_plan *plan = group->slots[0].plan;
        assert_int_equal(plan->resource_count, 1);
        assert_int_equal(program->resource_of[plan->resources[0]], i);
        assert_int_equal(group->slots[1].of, i);
        assert_int_equal(program->resources[i].part, program->lifted[group->slots[0].of].part);
        uint32_t numbers = 0;
        for (uint32_t n = 1; n < program->resource_of_count; n++)
            numbers += program->resource_of[n] == i;
        assert_int_equal(numbers, 2); /* inside and outside */
    }
    /* Equal but for the resource: two plans of one shape. */
    const cj_plan *a = program->groups[4].slots[0].plan, *b = program->groups[5].slots[0].plan;
    assert_ptr_not_equal(a, b);
    assert_int_equal(a->key_len, b->key_len);
    assert_memory_equal(a->key, b->key, a->key_len);
    cj__program_delete(program);
}

/* -- What cannot run --------------------------------------------------------------------------------------------- */

static void test_trap_unsupported(void **state)
{
    (void)state;
    static const expectation cases[] = {
        {"async-builtin", "parts -\ngroup of 0\nunsupported waitable-set.new /0\nsteps g0\n"},
        {"threads", "parts -\ngroup of 0\nunsupported thread.index /0\nsteps g0\n"},
        {"async-lower", "parts -\ngroup of 0\nunsupported async lower /0\nsteps g0\n"},
        {"async-type-lowered", "parts -\ngroup of 0\nunsupported async function types /0\nsteps g0\n"},
        {"future", "parts -\ngroup of 0\nunsupported futures /0\nsteps g0\n"},
        {"async-lift", "parts -\ngroup of 0\nsteps g0\n"},
        {"stream", "parts -\ngroup of 0\nsteps g0\n"},
        {"lift-of-builtin",
         "parts -\ngroup of 0\nunsupported anywhere backpressure.inc /0\nlifted g of 0: 0.f0\nsteps g0\n"
         "export g = 0\n"},
    };
    static listing t;
    cj_config config = config_of();
    config.trap_unsupported = true;
    for (size_t i = 0; i < CJ_COUNT(cases); i++) {
        cj_program *program = good_case(&config, "unsupported", cases[i].name);
        describe(&t, program);
        if (strcmp(t.at, cases[i].text) != 0)
            fail_msg("%s: expected\n%sfound\n%s", cases[i].name, cases[i].text, t.at);
        cj__program_delete(program);
    }
    /* Of these, everything else stays refused. */
    static const char *const refused[] = {"exceptions", "multi-memory", "memory64", "start"};
    for (size_t i = 0; i < CJ_COUNT(refused); i++) {
        cj_program *program = NULL;
        assert_int_equal(link_case(&config, "unsupported", refused[i], &program, NULL), CJ_UNSUPPORTED);
    }
}

/* -- Core modules and components for the root's imports ---------------------------------------------------------- */

/* The core module in a component that has nothing else in it. */
static cj_bytes module_in(file_bytes b)
{
    enum { SECTION = 8 };
    assert_int_equal(b.at[SECTION], 1);
    assert_true(b.at[SECTION + 1] < 0x80);
    return (cj_bytes){b.at + SECTION + 2, b.at[SECTION + 1], 0};
}

static cj_status link_given(const cj_given *given, size_t count, cj_program **out, cj_error *err)
{
    file_bytes b = read_case("unsupported", "imports-given");
    cj_ast *ast = NULL;
    assert_int_equal(cj__ast_decode(NULL, b.at, b.size, &ast, err), CJ_OK);
    cj_status status = cj__link_with(NULL, ast, given, count, out, err);
    cj__ast_delete(ast);
    free(b.at);
    return status;
}

static void test_given(void **state)
{
    (void)state;
    static listing t;
    cj_error err;
    cj_ast *ast = NULL;
    file_bytes module = read_case("live", "given-module"), component = read_case("live", "given-component");
    assert_int_equal(cj__ast_decode(NULL, component.at, component.size, &ast, &err), CJ_OK);
    const cj_given given[] = {{.name = CJ_STR("i#c"), .component = ast},
                              {.name = CJ_STR("m"), .module = module_in(module)}};
    cj_program *program = NULL;
    if (link_given(given, 2, &program, &err) != CJ_OK)
        fail_msg("%s: %s", err.where, err.message);
    describe(&t, program);
    assert_null(program->not_given);
    assert_string_equal(t.at, "parts - 0 0\n"
                              "group of 0\n"
                              "group of 1\n"
                              "group of 2\n"
                              "fused 2 /0\n"
                              "lifted f of 0: 0.f0\n"
                              "lifted h of 2: 2.f0\n"
                              "lifted g of 1: 1.f0\n"
                              "steps g0 g1 g2\n"
                              "export f = 0\n"
                              "export h = 1\n");
    cj__program_delete(program);
    program = NULL;

    /* One of the two; one too much. */
    assert_int_equal(link_given(given, 1, &program, &err), CJ_UNSUPPORTED);
    assert_non_null(strstr(err.message, "imported core module `m`"));
    assert_int_equal(link_given(given + 1, 1, &program, &err), CJ_UNSUPPORTED);
    assert_non_null(strstr(err.message, "imported component `i#c`"));
    const cj_given other[] = {given[0], given[1], {.name = CJ_STR("n"), .component = ast}};
    assert_int_equal(link_given(other, 3, &program, &err), CJ_NOT_FOUND);
    assert_non_null(strstr(err.message, "named `n`"));

    /* Of the wrong sort; of the wrong type; not even valid. */
    const cj_given crossed[] = {{.name = CJ_STR("m"), .component = ast}};
    assert_int_equal(link_given(crossed, 1, &program, &err), CJ_INVALID);
    assert_non_null(strstr(err.message, "expected a core module for `m`, given a component"));
    const cj_given crossed_too[] = {{.name = CJ_STR("i#c"), .module = module_in(module)}};
    assert_int_equal(link_given(crossed_too, 1, &program, &err), CJ_INVALID);
    assert_non_null(strstr(err.message, "expected a component for `i#c`, given a core module"));
    test_bytes empty = test_bytes_of("?"), bad = test_bytes_of("? 03(01 00)");
    const cj_given wrong[] = {{.name = CJ_STR("m"), .module = {empty.at, empty.len, 0}}};
    assert_int_equal(link_given(wrong, 1, &program, &err), CJ_INVALID);
    assert_non_null(strstr(err.message, "the core module has no export `f`"));
    const cj_given broken[] = {{.name = CJ_STR("m"), .module = {bad.at, bad.len, 0}}};
    assert_int_equal(link_given(broken, 1, &program, &err), CJ_INVALID);
    assert_string_equal(err.where, "given as `m`");
    assert_null(program);

    cj__ast_delete(ast);
    free(empty.at);
    free(bad.at);
    free(module.at);
    free(component.at);
}

/* A component that is given is checked like one that the file defines, whether or not anything instantiates it. */
static void test_given_is_checked(void **state)
{
    (void)state;
    cj_error err;
    cj_ast *ast = NULL, *bad = NULL;
    cj_program *program = NULL;
    file_bytes b = read_case("live", "imports-unused");
    test_bytes invalid = test_bytes_of("! 0b(01 00 'f' 01 00 00)"); /* exports a function that it does not have */
    assert_int_equal(cj__ast_decode(NULL, b.at, b.size, &ast, &err), CJ_OK);
    assert_int_equal(cj__ast_decode(NULL, invalid.at, invalid.len, &bad, &err), CJ_OK);
    assert_int_equal(cj__link_with(NULL, ast, &(cj_given){.name = CJ_STR("c"), .component = bad}, 1, &program, &err),
                     CJ_INVALID);
    assert_string_equal(err.where, "given as `c`");
    assert_non_null(strstr(err.message, "function index 0 is out of bounds"));
    assert_int_equal(cj__link(NULL, ast, &program, &err), CJ_OK);
    assert_string_equal(program->not_given, "m"); /* the first */
    cj__program_delete(program);
    cj__ast_delete(ast);
    cj__ast_delete(bad);
    free(b.at);
    free(invalid.at);
}

/* -- Bombs ------------------------------------------------------------------------------------------------------- */

static void expect_limit(const cj_config *config, file_bytes b, const char *limit)
{
    cj_program *program = NULL;
    cj_error err;
    memset(&err, 0, sizeof(err));
    assert_int_equal(link_bytes(config, b, &program, &err), CJ_LIMIT);
    if (!strstr(err.message, limit))
        fail_msg("expected %s, found %s", limit, err.message);
}

/* A component with `innermost` in it, one that instantiates it twice, one that instantiates that twice ... */
static file_bytes doubling(uint32_t levels, const char *innermost)
{
    test_bytes file = {0}, first = {0};
    test_bytes_parse(&file, "! 04", 0);
    test_bytes_parse(&first, innermost, 0);
    test_bytes_sized(&file, &first);
    for (uint32_t i = 0; i < levels; i++) {
        test_bytes component = {0}, alias = {0};
        test_bytes_parse(&component, "! 06", 0);
        test_bytes_parse(&alias, "01 04 02 01", 0); /* a component, outer, 1 scope outward */
        test_bytes_leb(&alias, i);
        test_bytes_sized(&component, &alias);
        test_bytes_parse(&component, "05(02 00 00 00 00 00 00)", 0);
        test_bytes_byte(&file, 0x04);
        test_bytes_sized(&file, &component);
    }
    char text[40];
    snprintf(text, sizeof(text), "05(01 00 #%u 00)", levels);
    test_bytes_parse(&file, text, 0);
    return (file_bytes){file.at, file.len};
}

static file_bytes bytes_of(const char *text)
{
    test_bytes b = test_bytes_of(text);
    return (file_bytes){b.at, b.len};
}

/* Checking that many is little work; instantiating them is what the limits are for. */
static void test_instantiation_bombs(void **state)
{
    (void)state;
    static const char with_core[] = "! 01(?) 02(01 00 00 00)", empty[] = "!";
    cj_config config = config_of();
    file_bytes b = doubling(11, with_core);
    expect_limit(&config, b, "more than 1000 core instances; the limit is max_core_instances");
    config.max_core_instances = UINT32_MAX;
    cj_program *program = NULL;
    assert_int_equal(link_bytes(&config, b, &program, NULL), CJ_OK);
    assert_int_equal(program->part_count, (2u << 11));
    assert_int_equal(program->group_count, 1u << 11);
    cj__program_delete(program);
    config.max_merged_size = 10000; /* of all groups together: a module of 8 bytes, 2048 times */
    expect_limit(&config, b, "the limit is max_merged_size");
    free(b.at);

    config = config_of();
    b = doubling(14, empty);
    expect_limit(&config, b, "more than 10000 component instances; the limit is max_component_instances");
    config.max_component_instances = UINT32_MAX;
    assert_int_equal(link_bytes(&config, b, &program, NULL), CJ_OK);
    cj__program_delete(program);
    free(b.at);
    b = doubling(28, empty);
    expect_limit(&config, b, "the limit is max_definitions");
    free(b.at);

    config = config_of();
    config.max_component_instances = 1;
    cj__program_delete(good_case(&config, "live", "same-module-twice"));
    b = read_case("live", "nested-core");
    expect_limit(&config, b, "the limit is max_component_instances");
    free(b.at);
}

/* Locals cost nothing in the file. */
static void test_locals_of_all_groups(void **state)
{
    (void)state;
    /* a module with a function of 4000 locals, exported; instantiated twice, lifted twice */
    file_bytes b = bytes_of("! 01(? 01(01 60 00 00) 03(01 00) 07(01 'f' 00 00) 0a(01(01 #4000 7f 0b)))"
                            "02(02 00 00 00 00 00 00) 07(01 40 00 01 00) 06(02 00 00 01 00 'f' 00 00 01 01 'f')"
                            "08(02 00 00 00 00 00 00 00 01 00 00) 0b(02 00 'f' 01 00 00 00 'g' 01 01 00)");
    cj_config config = config_of();
    cj_program *program = NULL;
    config.max_core_locals = 8000;
    cj_error err;
    if (link_bytes(&config, b, &program, &err) != CJ_OK)
        fail_msg("%s", err.message);
    assert_int_equal(program->group_count, 2);
    cj__program_delete(program);
    config.max_core_locals = 7999;
    expect_limit(&config, b, "the limit is max_core_locals");
    free(b.at);
}

/* Groups of two types each: as many pairs as the limit allows for one. */
static void test_types_of_all_groups(void **state)
{
    (void)state;
    file_bytes b = bytes_of(
        "! 01(? 01(02 60 00 00 60 01 7f 00) 03(02 00 01) 07(02 'f' 00 00 'g' 00 01) 0a(02(00 0b)(00 0b)))"
        "02(03 00 00 00 00 00 00 00 00 00) 07(02 40 00 01 00 40 01 'a' 79 01 00)"
        "06(06 00 00 01 00 'f' 00 00 01 00 'g' 00 00 01 01 'f' 00 00 01 01 'g' 00 00 01 02 'f' 00 00 01 02 'g')"
        "08(06 00 00 00 00 00 00 00 01 00 01 00 00 02 00 00 00 00 03 00 01 00 00 04 00 00 00 00 05 00 01)"
        "0b(06 00 'a' 01 00 00 00 'b' 01 01 00 00 'c' 01 02 00 00 'd' 01 03 00 00 'e' 01 04 00 00 'f' 01 05 00)");
    cj_config config = config_of();
    cj_program *program = NULL;
    cj_error err;
    config.max_core_types = 4; /* 16 pairs for 12 */
    if (link_bytes(&config, b, &program, &err) != CJ_OK)
        fail_msg("0x%x: %s", (unsigned)err.offset, err.message);
    assert_int_equal(program->group_count, 3);
    cj__program_delete(program);
    config.max_core_types = 3;
    expect_limit(&config, b, "the limit is max_core_types");
    free(b.at);
}

/* A function with a long name, in a component of which there are many. */
static void test_repeated_names(void **state)
{
    (void)state;
    enum { NAME = 90000, COUNT = 700 };
    char *name = malloc(NAME);
    memset(name, 'a', NAME);
    test_bytes file = {0}, inner = {0}, exports = {0}, instances = {0}, outer = {0}, aliases = {0};
    test_bytes_parse(
        &inner,
        "! 01(? 01(01 60 00 00) 03(01 00) 07(01 'f' 00 00) 0a(01(00 0b))) 02(01 00 00 00) 07(01 40 00 01 00)"
        "06(01 00 00 01 00 'f') 08(01 00 00 00 00 00) 0b",
        0);
    test_bytes_parse(&exports, "01 00", 0);
    test_bytes_leb(&exports, NAME);
    test_bytes_add(&exports, name, NAME);
    test_bytes_parse(&exports, "01 00 00", 0);
    test_bytes_sized(&inner, &exports);
    test_bytes_parse(&file, "! 04", 0);
    test_bytes_sized(&file, &inner);
    test_bytes_leb(&instances, COUNT);
    test_bytes_leb(&aliases, COUNT);
    test_bytes_leb(&outer, COUNT);
    for (int i = 0; i < COUNT; i++) {
        char text[80];
        test_bytes_parse(&instances, "00 00 00", 0);
        snprintf(text, sizeof(text), "01 00 #%d", i);
        test_bytes_parse(&aliases, text, 0);
        test_bytes_leb(&aliases, NAME);
        test_bytes_add(&aliases, name, NAME);
        snprintf(text, sizeof(text), "00 'f%d' 01 #%d 00", i, i);
        test_bytes_parse(&outer, text, 0);
    }
    test_bytes_parse(&file, "05", 0);
    test_bytes_sized(&file, &instances);
    test_bytes_parse(&file, "06", 0);
    test_bytes_sized(&file, &aliases);
    test_bytes_parse(&file, "0b", 0);
    test_bytes_sized(&file, &outer);
    expect_limit(NULL, (file_bytes){file.at, file.len}, "the limit is max_definitions");
    free(file.at);
    free(name);
}

/* A lowered function whose realloc is a lowered function whose realloc is ... */
static void test_realloc_chain(void **state)
{
    (void)state;
    enum { LENGTH = 20000 };
    test_bytes file = {0}, canons = {0};
    char text[200];
    test_bytes_parse(&file,
                     "! 07(01 40 04 'a' 79 'b' 79 'c' 79 'd' 79 00 79) 0a(01 00 'r' 01 00)"
                     "01(? 05(01 00 01) 07(01 'm' 02 00)) 02(01 00 00 00) 06(01 00 02 01 00 'm') 08",
                     0);
    test_bytes_leb(&canons, LENGTH + 1);
    test_bytes_parse(&canons, "01 00 00 00", 0);
    for (int i = 0; i < LENGTH; i++) {
        snprintf(text, sizeof(text), "01 00 00 02 03 00 04 #%d", i);
        test_bytes_parse(&canons, text, 0);
    }
    test_bytes_sized(&file, &canons);
    snprintf(text, sizeof(text),
             "01(? 01(01 60 04 7f 7f 7f 7f 01 7f) 02(01 'e' 'f' 00 00))"
             "02(02 01 01 'f' 00 #%d 00 01 01 'e' 12 01)",
             LENGTH);
    test_bytes_parse(&file, text, 0);
    cj_program *program = NULL;
    cj_error err;
    if (link_bytes(NULL, (file_bytes){file.at, file.len}, &program, &err) != CJ_OK)
        fail_msg("%s", err.message);
    assert_int_equal(program->group_count, 1);
    assert_int_equal(program->groups[0].slot_count, LENGTH + 1);
    assert_int_equal(program->groups[0].merged.export_count, LENGTH);
    assert_int_equal(program->plans.len, 2);
    cj__program_delete(program);
    free(file.at);
}

/* Components one after the other, each of which lowers what the one before it lifts, and lifts it again. */
static void test_lift_chain(void **state)
{
    (void)state;
    enum { LENGTH = 2000 };
    test_bytes file = {0};
    char text[200];
    test_bytes_parse(&file,
                     "! 04(! 07(01 40 01 'x' 79 00 79) 0a(01 00 'f' 01 00) 08(02 01 00 00 00 00 00 00 00 00)"
                     "  0b(01 00 'f' 01 01 00))"
                     "07(01 40 01 'x' 79 00 79) 0a(01 00 'f' 01 00)",
                     0);
    for (int i = 0; i < LENGTH; i++) {
        snprintf(text, sizeof(text), "05(01 00 00 01 'f' 01 #%d) 06(01 01 00 #%d 'f')", i, i);
        test_bytes_parse(&file, text, 0);
    }
    snprintf(text, sizeof(text), "0b(01 00 'f' 01 #%d 00)", LENGTH);
    test_bytes_parse(&file, text, 0);
    cj_program *program = NULL;
    cj_error err;
    if (link_bytes(NULL, (file_bytes){file.at, file.len}, &program, &err) != CJ_OK)
        fail_msg("%s", err.message);
    assert_int_equal(program->part_count, LENGTH + 1);
    assert_int_equal(program->group_count, LENGTH);
    assert_int_equal(program->lifted_count, LENGTH);
    assert_int_equal(program->plans.len, 3); /* export, fused, import */
    cj__program_delete(program);
    free(file.at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_no_module),
        cmocka_unit_test(test_resources),
        cmocka_unit_test(test_fused_options),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_resource_numbers),
        cmocka_unit_test(test_trap_unsupported),
        cmocka_unit_test(test_given),
        cmocka_unit_test(test_given_is_checked),
        cmocka_unit_test(test_instantiation_bombs),
        cmocka_unit_test(test_locals_of_all_groups),
        cmocka_unit_test(test_types_of_all_groups),
        cmocka_unit_test(test_repeated_names),
        cmocka_unit_test(test_realloc_chain),
        cmocka_unit_test(test_lift_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
