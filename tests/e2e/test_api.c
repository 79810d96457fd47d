/* test_api.c: the API's own rules: misuse, lookups, lifetimes and orders of deletion, limits, instantiation that
 * fails, texts. */
#include "e2e.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/bytes.h"

/* -- Engine -------------------------------------------------------------------------------------------------------- */

static void test_versions(void **state)
{
    (void)state;
    assert_string_equal(cj_version(), CJ_VERSION_STRING);
    char numbers[32];
    snprintf(numbers, sizeof(numbers), "%d.%d.%d", CJ_VERSION_MAJOR, CJ_VERSION_MINOR, CJ_VERSION_PATCH);
    assert_string_equal(numbers, CJ_VERSION_STRING);
    assert_contains(cj_build_info(), "WAMR ");
    assert_contains(cj_build_info(), "LLVM");
    assert_null(strchr(cj_build_info(), '\n'));
}

static void test_config_misuse(void **state)
{
    (void)state;
    cj_config config;
    cj_error err;
    cj_engine *engine = NULL;
    assert_int_equal(cj_engine_new(NULL, NULL, &err), CJ_MISUSE);
    memset(&config, 0, sizeof(config));
    assert_int_equal(cj_engine_new(&config, &engine, &err), CJ_MISUSE);
    assert_contains(err.message, "cj_config_init");
    cj_config_init(&config);
    config.struct_size = sizeof(config) + 8;
    assert_int_equal(cj_engine_new(&config, &engine, &err), CJ_MISUSE);
    cj_config_init(&config);
    config.tier = (cj_tier)99;
    assert_int_equal(cj_engine_new(&config, &engine, &err), CJ_MISUSE);
    assert_contains(err.message, "tier");
    cj_config_init(&config);
    cj_allocator half = {.alloc = NULL, .resize = NULL, .release = NULL};
    half.release = (void (*)(void *, void *, size_t))1;
    config.allocator = &half;
    assert_int_equal(cj_engine_new(&config, &engine, &err), CJ_MISUSE);
    assert_contains(err.message, "allocator");
    assert_null(engine);
    cj_engine_delete(NULL);
    cj_component_delete(NULL);
    cj_linker_delete(NULL);
    cj_store_delete(NULL);
    cj_text_delete(NULL, NULL);
}

/* A program that was compiled against a shorter cj_config. */
static void test_older_config(void **state)
{
    (void)state;
    cj_config config;
    cj_config_init(&config);
    config.tier = CJ_TIER_INTERP;
    config.struct_size = offsetof(cj_config, interruptible);
    config.max_component_size = 1; /* past what counts */
    cj_engine *engine;
    cj_error err;
    e2e_ok(cj_engine_new(&config, &engine, &err), &err);
    size_t size;
    uint8_t *bytes = e2e_read("grow", &size);
    cj_component *component;
    e2e_ok(cj_component_new(engine, bytes, size, &component, &err), &err);
    free(bytes);
    cj_component_delete(component);
    cj_engine_delete(engine);
}

static void test_several_engines(void **state)
{
    e2e *w = *state;
    cj_engine *engines[3];
    cj_error err;
    for (int i = 0; i < 3; i++)
        e2e_ok(cj_engine_new(NULL, &engines[i], &err), &err);
    for (int i = 0; i < 3; i++)
        cj_engine_delete(engines[(i + 1) % 3]);
    assert_int_equal(e2e_call_u32(w, e2e_func(e2e_instance(w, "calls"), "add"), (uint32_t[]){1, 2}, 2), 3);
}

static void test_stats(void **state)
{
    e2e *w = *state;
    cj_engine_stats before, after, again;
    cj_engine_get_stats(w->engine, &before);
    cj_component *component = e2e_component(w, "grow");
    e2e_instantiate(w, component);
    cj_engine_get_stats(w->engine, &after);
    e2e_instantiate(w, component);
    cj_engine_get_stats(w->engine, &again);
    if (e2e_tier == CJ_TIER_JIT) {
        assert_true(after.thunks_compiled > 0);
        assert_true(after.compile_ns > 0);
        assert_int_equal(again.thunks_compiled, after.thunks_compiled); /* shared by shape */
        assert_true(again.thunk_cache_hits > after.thunk_cache_hits);
    } else {
        assert_int_equal(again.thunks_compiled, 0);
    }
}

/* -- Components ---------------------------------------------------------------------------------------------------- */

/* A component that imports a core module with a function, and exports that; and the module. */
static void test_component_with(void **state)
{
    e2e *w = *state;
    cj_component *component = NULL;
    test_bytes file = test_bytes_of("! 03(01 50 02 01 60 00 01 7f 03 'f' 00 00) 0a(01 00 'm' 00 11 00) 02(01 00 00 00)"
                                    "07(01 40 00 00 79) 06(01 00 00 01 00 'f') 08(01 00 00 00 00 00)"
                                    "0b(01 00 'f' 01 00 00)");
    test_bytes module = test_bytes_of("? 01(01 60 00 01 7f) 03(01 00) 07(01 'f' 00 00) 0a(01(00 41 2a 0b))");
    cj_component_part given = {"m", module.at, module.len};
    assert_int_equal(cj_component_new(w->engine, file.at, file.len, &component, &w->err), CJ_UNSUPPORTED);
    assert_contains(w->err.message, "cj_component_new_with");
    assert_int_equal(cj_component_new_with(w->engine, file.at, file.len, NULL, 1, &component, &w->err), CJ_MISUSE);
    e2e_ok(cj_component_new_with(w->engine, file.at, file.len, &given, 1, &component, &w->err), &w->err);

    cj_instance *instance;
    cj_val result;
    e2e_ok(cj_instantiate(w->store, NULL, component, &instance, &w->err), &w->err);
    e2e_ok(cj_call(cj_instance_func(instance, "f"), NULL, 0, &result, 1, NULL, &w->err), &w->err);
    assert_int_equal(result.of.u32, 42);
    w->components[w->component_count++] = component;

    /* What is only declared is missing when it is instantiated. */
    test_bytes unused = test_bytes_of("! 03(01 50 00) 0a(01 00 'm' 00 11 00)");
    e2e_ok(cj_component_new(w->engine, unused.at, unused.len, &component, &w->err), &w->err);
    assert_int_equal(cj_instantiate(w->store, NULL, component, &instance, &w->err), CJ_LINK);
    assert_contains(w->err.message, "imports `m`");
    cj_component_delete(component);
    e2e_ok(cj_component_new_with(w->engine, unused.at, unused.len, &given, 1, &component, &w->err), &w->err);
    e2e_ok(cj_instantiate(w->store, NULL, component, &instance, &w->err), &w->err);
    w->components[w->component_count++] = component;
    free(unused.at);

    given.name = "n";
    assert_int_equal(cj_component_new_with(w->engine, file.at, file.len, &given, 1, &component, &w->err), CJ_NOT_FOUND);
    given.name = NULL;
    assert_int_equal(cj_component_new_with(w->engine, file.at, file.len, &given, 1, &component, &w->err), CJ_MISUSE);
    given = (cj_component_part){"m", module.at, module.len - 1};
    assert_int_equal(cj_component_new_with(w->engine, file.at, file.len, &given, 1, &component, &w->err), CJ_MALFORMED);
    assert_contains(w->err.where, "given as `m`");
    given = (cj_component_part){"m", file.at, file.len - 1}; /* a component, cut short */
    assert_int_equal(cj_component_new_with(w->engine, file.at, file.len, &given, 1, &component, &w->err), CJ_MALFORMED);
    assert_contains(w->err.where, "given as `m`");
    given = (cj_component_part){"m", NULL, 0};
    assert_int_equal(cj_component_new_with(w->engine, file.at, file.len, &given, 1, &component, &w->err), CJ_MALFORMED);
    free(file.at);
    free(module.at);
}

static void test_component_errors(void **state)
{
    e2e *w = *state;
    cj_component *component = NULL;
    static const uint8_t bad[] = {0, 'a', 's', 'm', 13, 0, 1, 0, 99};
    assert_int_equal(cj_component_new(NULL, bad, sizeof(bad), &component, &w->err), CJ_MISUSE);
    assert_int_equal(cj_component_new(w->engine, NULL, 8, &component, &w->err), CJ_MISUSE);
    assert_int_equal(cj_component_new(w->engine, bad, sizeof(bad), NULL, &w->err), CJ_MISUSE);
    assert_int_equal(cj_component_new(w->engine, bad, sizeof(bad), &component, &w->err), CJ_MALFORMED);
    assert_int_equal(w->err.status, CJ_MALFORMED);
    assert_int_equal(w->err.offset, 8);
    assert_int_equal(cj_component_new(w->engine, bad, sizeof(bad), &component, NULL), CJ_MALFORMED);
    assert_int_equal(cj_component_new(w->engine, bad, 8, &component, &w->err), CJ_OK); /* an empty component */
    assert_int_equal(cj_component_import_count(component), 0);
    assert_int_equal(cj_component_export_count(component), 0);
    cj_instance *instance;
    e2e_ok(cj_instantiate(w->store, NULL, component, &instance, &w->err), &w->err);
    assert_null(cj_instance_func(instance, "f"));
    assert_null(cj_instance_func_at(instance, 0));
    w->components[w->component_count++] = component;
}

/* The module of a component that is no core module, or that WAMR refuses, is not a crash either. */
static void test_truncations(void **state)
{
    e2e *w = *state;
    size_t size;
    uint8_t *bytes = e2e_read("host", &size);
    for (size_t n = 0; n < size; n += n < 100 ? 1 : 13) {
        uint8_t *cut = malloc(n ? n : 1); /* its own block: a byte too far is found */
        memcpy(cut, bytes, n);
        cj_component *component = NULL;
        cj_status status = cj_component_new(w->engine, cut, n, &component, &w->err);
        if (status == CJ_OK)
            cj_component_delete(component);
        else
            assert_null(component);
        free(cut);
    }
    free(bytes);
}

static void test_imports_and_exports(void **state)
{
    e2e *w = *state;
    cj_component *calls = e2e_component(w, "calls"), *host = e2e_component(w, "host");
    assert_int_equal(cj_component_import_count(calls), 0);
    assert_int_equal(cj_component_import_count(host), 9);
    cj_extern_func import = cj_component_import(host, 3);
    assert_string_equal(import.interface, "test:e2e/host@1.0.0");
    assert_string_equal(import.name, "reverse");
    char text[128];
    cj_functype_format(import.type, text, sizeof(text));
    assert_string_equal(text, "func(text: string) -> string");
    import = cj_component_import(host, 8);
    assert_string_equal(import.interface, "");
    assert_string_equal(import.name, "enter");
    assert_null(cj_component_import(host, 9).type);
    assert_string_equal(cj_component_import(host, 9).name, "");

    cj_instance *instance = e2e_instantiate(w, calls);
    size_t count = cj_component_export_count(calls);
    assert_int_equal(count, 34);
    for (size_t i = 0; i < count; i++) {
        cj_extern_func export_ = cj_component_export(calls, i);
        snprintf(text, sizeof(text), "%s%s%s", export_.interface, export_.interface[0] ? "#" : "", export_.name);
        cj_func *func = cj_instance_func_at(instance, i);
        assert_non_null(func);
        assert_ptr_equal(func, cj_instance_func(instance, text));
        assert_string_equal(cj_func_name(func), text);
        assert_ptr_equal(cj_func_type(func), export_.type);
        assert_ptr_equal(cj_func_instance(func), instance);
    }
    assert_null(cj_component_export(calls, count).type);
    assert_null(cj_instance_func_at(instance, count));
    assert_null(cj_instance_func(instance, "greet"));
    assert_null(cj_instance_func(instance, ""));
    assert_null(cj_instance_func(instance, NULL));
    assert_null(cj_instance_func(NULL, "add"));
    assert_null(cj_instance_func_at(NULL, 0));
}

/* -- Linker -------------------------------------------------------------------------------------------------------- */

static cj_status nothing(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)user, (void)ctx, (void)args, (void)results, (void)err;
    return CJ_OK;
}

static cj_status nothing_dyn(void *user, cj_call_ctx *ctx, const cj_val *args, size_t nargs, cj_val *results,
                             size_t nresults, cj_error *err)
{
    (void)user, (void)ctx, (void)args, (void)nargs, (void)results, (void)nresults, (void)err;
    return CJ_OK;
}

static void test_linker_misuse(void **state)
{
    e2e *w = *state;
    cj_linker *linker = w->linker, *none = NULL;
    assert_int_equal(cj_linker_new(NULL, &none, &w->err), CJ_MISUSE);
    assert_int_equal(cj_linker_new(w->engine, NULL, &w->err), CJ_MISUSE);
    assert_int_equal(cj_linker_func(NULL, "i", "f", nothing, NULL, &w->err), CJ_MISUSE);
    assert_int_equal(cj_linker_func(linker, "i", NULL, nothing, NULL, &w->err), CJ_MISUSE);
    assert_int_equal(cj_linker_func(linker, "i", "", nothing, NULL, &w->err), CJ_MISUSE);
    assert_int_equal(cj_linker_func(linker, "i", "f", NULL, NULL, &w->err), CJ_MISUSE);
    assert_int_equal(cj_linker_dyn_func(linker, "i", "f", NULL, NULL, &w->err), CJ_MISUSE);
    e2e_ok(cj_linker_func(linker, "i", "f", nothing, NULL, &w->err), &w->err);
    assert_int_equal(cj_linker_func(linker, "i", "f", nothing, NULL, &w->err), CJ_MISUSE);
    assert_contains(w->err.message, "\"i#f\" is defined");
    assert_int_equal(cj_linker_dyn_func(linker, "i", "f", nothing_dyn, NULL, NULL), CJ_MISUSE);
    e2e_ok(cj_linker_dyn_func(linker, "j", "f", nothing_dyn, NULL, &w->err), &w->err);
    e2e_ok(cj_linker_func(linker, NULL, "f", nothing, NULL, &w->err), &w->err);
    assert_int_equal(cj_linker_func(linker, "", "f", nothing, NULL, &w->err), CJ_MISUSE); /* the same root */
    for (int i = 0; i < 500; i++) {
        char name[16];
        snprintf(name, sizeof(name), "f%d", i);
        e2e_ok(cj_linker_func(linker, "many", name, nothing, NULL, &w->err), &w->err);
    }
}

static void test_missing_imports(void **state)
{
    e2e *w = *state;
    cj_component *host = e2e_component(w, "host");
    cj_instance *instance = NULL;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(cj_instantiate(w->store, i ? w->linker : NULL, host, &instance, &w->err), CJ_LINK);
        assert_string_equal(w->err.where, "test:e2e/host@1.0.0#nop");
        assert_contains(w->err.message, "no function \"nop\" of interface \"test:e2e/host@1.0.0\", func()");
    }
    static const char *const names[] = {"nop", "add", "log", "revers", "numbers", "divmod", "many", "strings"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        e2e_ok(cj_linker_func(w->linker, "test:e2e/host@1.0.0", names[i], nothing, NULL, &w->err), &w->err);
    assert_int_equal(cj_instantiate(w->store, w->linker, host, &instance, &w->err), CJ_LINK);
    assert_string_equal(w->err.where, "test:e2e/host@1.0.0#reverse");
    assert_contains(w->err.message, "func(text: string) -> string; did you mean \"test:e2e/host@1.0.0#revers\"?");
    e2e_ok(cj_linker_func(w->linker, "test:e2e/host@1.0.0", "reverse", nothing, NULL, &w->err), &w->err);
    assert_int_equal(cj_instantiate(w->store, w->linker, host, &instance, &w->err), CJ_LINK);
    assert_string_equal(w->err.where, "enter");
    assert_contains(w->err.message, "no function \"enter\", func(n: u32) -> u32");
    e2e_ok(cj_linker_func(w->linker, NULL, "enter", nothing, NULL, &w->err), &w->err);
    assert_null(instance);
    e2e_ok(cj_instantiate(w->store, w->linker, host, &instance, &w->err), &w->err); /* the store is as good as new */
    e2e_call(w, e2e_func(instance, "call-nop"), NULL, 0, NULL);
}

static cj_status twice(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)user, (void)ctx, (void)err;
    *(uint32_t *)results = 2 * *(const uint32_t *)args;
    return CJ_OK;
}

/* What nothing can call need not be there. */
static void test_import_that_is_never_lowered(void **state)
{
    e2e *w = *state;
    e2e_ok(cj_linker_func(w->linker, NULL, "always", twice, NULL, &w->err), &w->err);
    cj_component *component = e2e_component(w, "unused");
    assert_int_equal(cj_component_import_count(component), 2);
    assert_int_equal(e2e_call_u32(w, e2e_func(e2e_instantiate(w, component), "f"), (uint32_t[]){21}, 1), 42);
    char *text = NULL;
    assert_int_equal(cj_component_text(component, CJ_TEXT_PLAN, "never", &text, &w->err), CJ_NOT_FOUND);
    assert_contains(w->err.message, "never lowered");
}

/* Files decide how many functions there are; how much of them is compiled does not depend on them alone. */
static void test_compile_work_is_limited(void **state)
{
    (void)state;
    cj_config config;
    cj_error err;
    cj_config_init(&config);
    config.tier = e2e_tier;
    config.max_compile_work = 600; /* two functions */
    cj_engine *engine;
    cj_component *component;
    cj_linker *linker;
    cj_store *store;
    cj_instance *instance;
    size_t size;
    uint8_t *bytes = e2e_read("host", &size);
    e2e_ok(cj_engine_new(&config, &engine, &err), &err);
    e2e_ok(cj_component_new(engine, bytes, size, &component, &err), &err);
    free(bytes);
    e2e_ok(cj_linker_new(engine, &linker, &err), &err);
    for (size_t i = 0; i < cj_component_import_count(component); i++) {
        cj_extern_func f = cj_component_import(component, i);
        e2e_ok(cj_linker_func(linker, f.interface, f.name, strcmp(f.name, "add") == 0 ? twice : nothing, NULL, &err),
               &err);
    }
    e2e_ok(cj_store_new(engine, NULL, NULL, &store, &err), &err);
    for (int i = 0; i < 2; i++) {
        e2e_ok(cj_instantiate(store, linker, component, &instance, &err), &err);
        cj_engine_stats stats;
        cj_engine_get_stats(engine, &stats);
        assert_int_equal(stats.thunks_compiled, e2e_tier == CJ_TIER_JIT ? 2 : 0);
        cj_val args[2] = {e2e_u32(21), e2e_u32(1)}, out;
        e2e_ok(cj_call(e2e_func(instance, "call-add"), args, 2, &out, 1, NULL, &err), &err);
        assert_int_equal(out.of.u32, 42);
        e2e_ok(cj_call(e2e_func(instance, "call-nop"), NULL, 0, NULL, 0, NULL, &err), &err);
    }
    cj_store_delete(store);
    cj_linker_delete(linker);
    cj_component_delete(component);
    cj_engine_delete(engine);
}

/* -- Stores and instances ------------------------------------------------------------------------------------------ */

static void test_store_misuse(void **state)
{
    e2e *w = *state;
    cj_store *store = NULL;
    cj_limits limits;
    assert_int_equal(cj_store_new(NULL, NULL, NULL, &store, &w->err), CJ_MISUSE);
    assert_int_equal(cj_store_new(w->engine, NULL, NULL, NULL, &w->err), CJ_MISUSE);
    memset(&limits, 0, sizeof(limits));
    assert_int_equal(cj_store_new(w->engine, &limits, NULL, &store, &w->err), CJ_MISUSE);
    assert_contains(w->err.message, "cj_limits_init");
    assert_null(store);
    assert_int_equal(cj_store_error(w->store)->status, CJ_OK);
    assert_int_equal(cj_store_interrupt(NULL), CJ_MISUSE);
    assert_int_equal(cj_store_interrupt(w->store), CJ_UNSUPPORTED); /* the engine is not interruptible */
    cj_store_resume(w->store);
    cj_store_resume(NULL);

    cj_component *component = e2e_component(w, "grow");
    cj_instance *instance;
    assert_int_equal(cj_instantiate(NULL, NULL, component, &instance, &w->err), CJ_MISUSE);
    assert_int_equal(cj_instantiate(w->store, NULL, NULL, &instance, &w->err), CJ_MISUSE);
    assert_int_equal(cj_instantiate(w->store, NULL, component, NULL, &w->err), CJ_MISUSE);
}

static void test_other_engine(void **state)
{
    e2e *w = *state;
    cj_config config;
    cj_config_init(&config);
    config.tier = CJ_TIER_INTERP;
    cj_engine *other;
    cj_linker *linker;
    cj_component *component = e2e_component(w, "grow"), *foreign;
    cj_instance *instance = NULL;
    e2e_ok(cj_engine_new(&config, &other, &w->err), &w->err);
    e2e_ok(cj_linker_new(other, &linker, &w->err), &w->err);
    assert_int_equal(cj_instantiate(w->store, linker, component, &instance, &w->err), CJ_MISUSE);
    assert_contains(w->err.message, "linker is of another engine");
    size_t size;
    uint8_t *bytes = e2e_read("grow", &size);
    e2e_ok(cj_component_new(other, bytes, size, &foreign, &w->err), &w->err);
    free(bytes);
    assert_int_equal(cj_instantiate(w->store, NULL, foreign, &instance, &w->err), CJ_MISUSE);
    assert_contains(w->err.message, "component is of another engine");
    cj_component_delete(foreign);
    cj_linker_delete(linker);
    cj_engine_delete(other);
}

static void test_max_instances(void **state)
{
    e2e *w = *state;
    cj_limits limits;
    cj_limits_init(&limits);
    limits.max_instances = 3;
    cj_store *store;
    e2e_ok(cj_store_new(w->engine, &limits, NULL, &store, &w->err), &w->err);
    cj_component *grow = e2e_component(w, "grow"), *host = e2e_component(w, "host");
    cj_instance *instance;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(cj_instantiate(store, NULL, host, &instance, &w->err), CJ_LINK); /* failures do not count */
        e2e_ok(cj_instantiate(store, NULL, grow, &instance, &w->err), &w->err);
    }
    assert_int_equal(cj_instantiate(store, NULL, grow, &instance, &w->err), CJ_LIMIT);
    assert_contains(w->err.message, "max_instances");
    cj_store_delete(store);
}

/* wasm_stack_size is only looked at where WAMR interprets, and there every error that comes of it names it. */
static void test_operand_stack_size(void **state)
{
    e2e *w = *state;
    const bool compiled = e2e_guests_are_compiled();
    const struct {
        uint32_t size;
        cj_status status; /* of instantiating, where WAMR interprets */
    } cases[] = {{0, CJ_LIMIT}, {1, CJ_LIMIT}, {1023, CJ_LIMIT},
                 {1024, CJ_OK}, {4000, CJ_OK}, {UINT32_MAX, CJ_NO_MEMORY}};
    cj_component *component = e2e_component(w, "@traps");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cj_limits limits;
        cj_limits_init(&limits);
        limits.wasm_stack_size = cases[i].size;
        char text[64];
        snprintf(text, sizeof(text), "%u", cases[i].size);
        cj_store *store;
        cj_instance *instance;
        e2e_ok(cj_store_new(w->engine, &limits, NULL, &store, &w->err), &w->err);
        cj_status status = cj_instantiate(store, NULL, component, &instance, &w->err);
        if (status != CJ_OK) {
            assert_contains(w->err.message, "wasm_stack_size of cj_limits");
            assert_contains(w->err.message, text);
        }
        assert_int_equal(status, compiled ? CJ_OK : cases[i].status);
        if (status == CJ_OK) {
            cj_val args[2] = {e2e_u32(6), e2e_u32(2)}, out;
            args[0].kind = args[1].kind = CJ_KIND_S32;
            e2e_ok(cj_call(e2e_func(instance, "test:traps/core@1.0.0#divide"), args, 2, &out, 1, NULL, &w->err),
                   &w->err);
            args[0] = e2e_u32(UINT32_MAX);
            assert_int_equal(
                cj_call(e2e_func(instance, "test:traps/core@1.0.0#recurse"), args, 1, &out, 1, NULL, &w->err), CJ_TRAP);
            assert_int_equal(w->err.trap, CJ_TRAP_STACK_OVERFLOW);
            if (!compiled) {
                assert_contains(w->err.message, "stack overflow: the operand stack is full: wasm_stack_size");
                assert_contains(w->err.message, text);
            }
        }
        cj_store_delete(store);
    }
}

/* Every order of deleting engine, component, linker and store; what others use goes last. */
static void test_orders_of_deletion(void **state)
{
    (void)state;
    size_t size;
    uint8_t *bytes = e2e_read("calls", &size);
    for (int order = 0; order < 24; order++) {
        cj_config config;
        cj_error err;
        cj_config_init(&config);
        config.tier = e2e_tier;
        cj_engine *engine;
        cj_component *component;
        cj_linker *linker;
        cj_store *store;
        cj_instance *instance;
        e2e_ok(cj_engine_new(&config, &engine, &err), &err);
        e2e_ok(cj_component_new(engine, bytes, size, &component, &err), &err);
        e2e_ok(cj_linker_new(engine, &linker, &err), &err);
        e2e_ok(cj_store_new(engine, NULL, NULL, &store, &err), &err);
        e2e_ok(cj_instantiate(store, linker, component, &instance, &err), &err);
        cj_func *add = e2e_func(instance, "add");
        int left[4] = {0, 1, 2, 3}, n = order;
        bool alive = true;
        for (int k = 4; k > 0; k--) {
            int pick = n % k, what = left[pick];
            n /= k;
            left[pick] = left[k - 1];
            if (what == 0)
                cj_engine_delete(engine);
            else if (what == 1)
                cj_component_delete(component);
            else if (what == 2)
                cj_linker_delete(linker);
            else
                cj_store_delete(store), alive = false;
            if (alive) {
                uint32_t args[2] = {20, 22}, sum = 0;
                assert_int_equal(cj_call_native(add, args, &sum, NULL), CJ_OK);
                assert_int_equal(sum, 42);
            }
        }
    }
    free(bytes);
}

static cj_store *store_to_delete;
static cj_status delete_store(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)user, (void)args, (void)results, (void)err;
    assert_ptr_equal(cj_ctx_store(ctx), store_to_delete);
    cj_store_delete(cj_ctx_store(ctx));
    assert_int_equal(cj_store_error(cj_ctx_store(ctx))->status, CJ_MISUSE);
    assert_contains(cj_store_error(cj_ctx_store(ctx))->message, "inside a call");
    return CJ_OK;
}

static void offer_host(e2e *w, cj_host_fn fn, void *user)
{
    static const char *const names[] = {"nop", "add", "log", "reverse", "numbers", "divmod", "many", "strings"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        e2e_ok(cj_linker_func(w->linker, "test:e2e/host@1.0.0", names[i], fn, user, &w->err), &w->err);
    e2e_ok(cj_linker_func(w->linker, NULL, "enter", fn, user, &w->err), &w->err);
}

static void test_store_is_not_deleted_inside_a_call(void **state)
{
    e2e *w = *state;
    offer_host(w, delete_store, NULL);
    cj_instance *instance = e2e_instance(w, "host");
    store_to_delete = w->store;
    e2e_call(w, e2e_func(instance, "call-nop"), NULL, 0, NULL);
    e2e_call(w, e2e_func(instance, "call-nop"), NULL, 0, NULL);
    assert_int_equal(e2e_call_u32(w, e2e_func(instance, "count"), NULL, 0), 2);
}

/* -- Instantiation ------------------------------------------------------------------------------------------------- */

typedef struct starter {
    e2e *w;
    uint32_t saw, answer;
    cj_status status;
    cj_instance *instance;
    cj_component *also; /* instantiated inside */
} starter;

static cj_status at_start(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    starter *s = user;
    s->saw = *(const uint32_t *)args;
    *(uint32_t *)results = s->answer;
    s->instance = cj_ctx_instance(ctx);
    /* Not entered before it is ready. */
    cj_func *said = cj_instance_func(s->instance, "said");
    uint32_t n;
    assert_non_null(said);
    assert_int_equal(cj_call_native(said, NULL, &n, NULL), CJ_MISUSE);
    if (s->also) {
        cj_instance *inner;
        e2e_ok(cj_instantiate(cj_ctx_store(ctx), NULL, s->also, &inner, err), err);
        assert_int_equal(e2e_call_u32(s->w, e2e_func(inner, "add"), (uint32_t[]){2, 3}, 2), 5);
    }
    if (s->status != CJ_OK)
        snprintf(err->message, sizeof(err->message), "not today");
    return s->status;
}

static void test_start_functions(void **state)
{
    e2e *w = *state;
    starter s = {.w = w, .answer = 5};
    e2e_ok(cj_linker_func(w->linker, NULL, "at-start", at_start, &s, &w->err), &w->err);
    cj_component *component = e2e_component(w, "start");
    s.also = e2e_component(w, "calls");
    cj_instance *instance = e2e_instantiate(w, component);
    assert_int_equal(s.saw, 7); /* the first instance's start function has run */
    assert_ptr_equal(s.instance, instance);
    assert_int_equal(e2e_call_u32(w, e2e_func(instance, "said"), NULL, 0), 5);

    /* The start function traps: the store goes on, what was handed out is safe to touch. */
    cj_instance *failed = NULL;
    s.answer = 99;
    assert_int_equal(cj_instantiate(w->store, w->linker, component, &failed, &w->err), CJ_TRAP);
    assert_int_equal(w->err.trap, CJ_TRAP_UNREACHABLE);
    assert_true(w->err.offset != CJ_NO_OFFSET);
    assert_null(failed);
    cj_func *said = cj_instance_func(s.instance, "said");
    uint32_t n;
    assert_int_equal(cj_call_native(said, NULL, &n, NULL), CJ_MISUSE);
    assert_contains(cj_store_error(w->store)->message, "never ready");
    cj_val out;
    assert_int_equal(cj_call(said, NULL, 0, &out, 1, NULL, &w->err), CJ_MISUSE);
    assert_contains(w->err.message, "never ready");

    /* The host function fails. */
    s.status = CJ_HOST;
    assert_int_equal(cj_instantiate(w->store, w->linker, component, &failed, &w->err), CJ_TRAP);
    assert_int_equal(w->err.trap, CJ_TRAP_HOST);
    assert_string_equal(w->err.message, "not today");
    assert_string_equal(w->err.where, "at-start");

    s = (starter){.w = w, .answer = 6};
    assert_int_equal(e2e_call_u32(w, e2e_func(e2e_instantiate(w, component), "said"), NULL, 0), 6);
    assert_int_equal(e2e_call_u32(w, e2e_func(instance, "said"), NULL, 0), 5);
}

static void test_segment_out_of_bounds(void **state)
{
    e2e *w = *state;
    cj_component *component = e2e_component(w, "segment");
    cj_instance *instance = NULL;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(cj_instantiate(w->store, NULL, component, &instance, &w->err), CJ_TRAP);
        assert_int_equal(w->err.trap, CJ_TRAP_MEMORY_BOUNDS);
        assert_null(instance);
    }
    assert_int_equal(e2e_call_u32(w, e2e_func(e2e_instance(w, "calls"), "add"), (uint32_t[]){1, 2}, 2), 3);
}

/* -- Texts --------------------------------------------------------------------------------------------------------- */

static void test_texts(void **state)
{
    e2e *w = *state;
    cj_component *component = e2e_component(w, "host");
    char *text = NULL;
    e2e_ok(cj_component_text(component, CJ_TEXT_WIT, NULL, &text, &w->err), &w->err);
    assert_contains(text, "reverse");
    assert_contains(text, "call-reverse: func(text: string) -> string");
    cj_text_delete(component, text);
    e2e_ok(cj_component_text(component, CJ_TEXT_JSON, NULL, &text, &w->err), &w->err);
    assert_contains(text, "\"call-reverse\"");
    cj_text_delete(component, text);
    static const char *const funcs[] = {"call-reverse", "test:e2e/host@1.0.0#reverse"};
    for (int i = 0; i < 2; i++) {
        e2e_ok(cj_component_text(component, CJ_TEXT_PLAN, funcs[i], &text, &w->err), &w->err);
        assert_contains(text, "string");
        cj_text_delete(component, text);
        for (cj_text_kind kind = CJ_TEXT_LLVM; kind <= CJ_TEXT_ASM; kind++) {
            cj_status status = cj_component_text(component, kind, funcs[i], &text, &w->err);
            if (strstr(cj_build_info(), "no LLVM")) {
                assert_int_equal(status, CJ_UNSUPPORTED);
                continue;
            }
            e2e_ok(status, &w->err);
            assert_contains(text, kind == CJ_TEXT_LLVM ? "define" : ".text");
            cj_text_delete(component, text);
        }
    }
    text = NULL;
    assert_int_equal(cj_component_text(component, CJ_TEXT_PLAN, "call-revers", &text, &w->err), CJ_NOT_FOUND);
    assert_contains(w->err.message, "did you mean \"call-reverse\"");
    assert_int_equal(cj_component_text(component, CJ_TEXT_PLAN, NULL, &text, &w->err), CJ_MISUSE);
    assert_int_equal(cj_component_text(component, (cj_text_kind)77, "call-nop", &text, &w->err), CJ_MISUSE);
    assert_int_equal(cj_component_text(NULL, CJ_TEXT_WIT, NULL, &text, &w->err), CJ_MISUSE);
    assert_int_equal(cj_component_text(component, CJ_TEXT_WIT, NULL, NULL, &w->err), CJ_MISUSE);
    assert_null(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E(test_versions),
        E2E(test_config_misuse),
        E2E(test_older_config),
        E2E(test_several_engines),
        E2E(test_stats),
        E2E(test_component_errors),
        E2E(test_component_with),
        E2E(test_truncations),
        E2E(test_imports_and_exports),
        E2E(test_linker_misuse),
        E2E(test_missing_imports),
        E2E(test_import_that_is_never_lowered),
        E2E(test_compile_work_is_limited),
        E2E(test_store_misuse),
        E2E(test_other_engine),
        E2E(test_max_instances),
        E2E(test_operand_stack_size),
        E2E(test_orders_of_deletion),
        E2E(test_store_is_not_deleted_inside_a_call),
        E2E(test_start_functions),
        E2E(test_segment_out_of_bounds),
        E2E(test_texts),
    };
    return e2e_run(tests);
}
