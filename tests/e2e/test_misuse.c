/* test_misuse.c: every public function, given NULL where an object is wanted, and 0 and numbers past the end where it takes one: what the header's
 * rules say comes of it, and no crash. The header is read, so that none is forgotten. */
#include "e2e.h"

#include <stdio.h>
#include <stdlib.h>

/* -- Which functions were tried ------------------------------------------------------------------------------------ */

static char tried[128][48];
static size_t tried_count;

static bool was_tried(const char *name, size_t len)
{
    for (size_t i = 0; i < tried_count; i++)
        if (strlen(tried[i]) == len && strncmp(tried[i], name, len) == 0)
            return true;
    return false;
}

/* The name before the parenthesis of a call. */
static void note(const char *call)
{
    const char *name = strstr(call, "cj_");
    assert_non_null(name);
    size_t len = strcspn(name, "(");
    if (was_tried(name, len))
        return;
    assert_true(tried_count < sizeof(tried) / sizeof(tried[0]) && len < sizeof(tried[0]));
    snprintf(tried[tried_count++], sizeof(tried[0]), "%.*s", (int)len, name);
}

/* A call that ends with a cj_error: CJ_MISUSE with words, and without a place for them. */
#define MISUSED(function, ...) \
    do { \
        note(#function "("); \
        cj_error told = {.status = CJ_OK}; \
        if (function(__VA_ARGS__, NULL) != CJ_MISUSE || function(__VA_ARGS__, &told) != CJ_MISUSE) \
            fail_msg("%s(%s): not CJ_MISUSE", #function, #__VA_ARGS__); \
        if (told.status != CJ_MISUSE || !told.message[0]) \
            fail_msg("%s(%s): no words", #function, #__VA_ARGS__); \
    } while (0)
/* One without. */
#define REFUSED(call) \
    do { \
        note(#call); \
        if ((call) != CJ_MISUSE) \
            fail_msg("%s: not CJ_MISUSE", #call); \
    } while (0)
/* One that finds nothing: NULL, 0, false. */
#define NOTHING(call) \
    do { \
        note(#call); \
        if (call) \
            fail_msg("%s: something", #call); \
    } while (0)
#define EMPTY(call) \
    do { \
        note(#call); \
        const char *text_ = (call); \
        if (!text_ || text_[0]) \
            fail_msg("%s: not an empty text", #call); \
    } while (0)
/* One that does nothing. */
#define IGNORED(call) \
    do { \
        note(#call); \
        call; \
    } while (0)

/* -- By section of the header -------------------------------------------------------------------------------------- */

static void *refuse_alloc(void *user, size_t size)
{
    (void)user, (void)size;
    return NULL;
}

static void try_errors_and_arenas(void)
{
    char buffer[8] = "before";
    cj_error err = {.status = CJ_TRAP, .trap = CJ_TRAP_HOST, .offset = CJ_NO_OFFSET};
    assert_true(strlen(cj_version()) && strlen(cj_build_info()));
    note("cj_version()"), note("cj_build_info()"), note("cj_status_text()"), note("cj_trap_text()"),
        note("cj_kind_name()");
    assert_string_equal(cj_status_text((cj_status)-1), cj_status_text(CJ_STATUS_COUNT));
    assert_string_equal(cj_trap_text((cj_trap)-1), cj_trap_text(CJ_TRAP_COUNT));
    assert_string_equal(cj_kind_name((cj_kind)-1), cj_kind_name(CJ_KIND_COUNT));
    NOTHING(cj_error_format(NULL, NULL, 0));
    NOTHING(cj_error_format(NULL, buffer, sizeof(buffer)));
    assert_string_equal(buffer, "");
    assert_int_equal(cj_error_format(&err, NULL, 100), cj_error_format(&err, buffer, sizeof(buffer)));

    const cj_allocator part = {.alloc = refuse_alloc};
    const cj_allocator none = {.user = buffer};
    cj_arena *arena = NULL;
    REFUSED(cj_arena_new(NULL, NULL));
    REFUSED(cj_arena_new(&part, &arena));
    assert_null(arena);
    assert_int_equal(cj_arena_new(&none, &arena), CJ_OK);
    IGNORED(cj_arena_delete(NULL));
    IGNORED(cj_arena_reset(NULL));
    NOTHING(cj_arena_alloc(NULL, 1, 1));
    static const size_t aligns[] = {0, 3, 32, SIZE_MAX, (size_t)1 << 32, SIZE_MAX / 2 + 1};
    for (size_t i = 0; i < sizeof(aligns) / sizeof(aligns[0]); i++)
        assert_null(cj_arena_alloc(arena, 1, aligns[i]));
    assert_null(cj_arena_alloc(arena, SIZE_MAX, 16));
    assert_null(cj_arena_alloc(arena, PTRDIFF_MAX, 1));
    assert_non_null(cj_arena_alloc(arena, 0, 1));
    assert_non_null(cj_arena_alloc(arena, 1, 16));
    cj_arena_delete(arena);
}

static void try_types(const cj_component *component)
{
    char buffer[8] = "before";
    size_t len = 7;
    size_t at = SIZE_MAX;
    assert_int_equal(cj_component_find_export(component, "call-divmod", 11, &at, NULL), CJ_OK);
    const cj_functype *func = cj_component_export(component, at).type;
    const cj_type *type = cj_functype_result(func);
    note("cj_type_kind()");
    assert_int_equal(cj_type_kind(NULL), CJ_KIND_COUNT);
    NOTHING(cj_type_size(NULL));
    NOTHING(cj_type_align(NULL));
    NOTHING(cj_type_count(NULL));
    NOTHING(cj_type_discriminant_size(NULL));
    NOTHING(cj_type_member(NULL, 0));
    NOTHING(cj_type_member_offset(NULL, 0));
    EMPTY(cj_type_member_name(NULL, 0, &len));
    EMPTY(cj_type_member_name(NULL, 0, NULL));
    assert_int_equal(len, 0);
    NOTHING(cj_type_member(type, cj_type_count(type)));
    NOTHING(cj_type_member(type, UINT32_MAX));
    NOTHING(cj_type_member_offset(type, UINT32_MAX));
    EMPTY(cj_type_member_name(type, UINT32_MAX, NULL));
    NOTHING(cj_type_format(NULL, NULL, 0));
    NOTHING(cj_type_format(NULL, buffer, sizeof(buffer)));
    assert_string_equal(buffer, "");
    assert_int_equal(cj_type_format(type, NULL, 100), cj_type_format(type, buffer, sizeof(buffer)));

    NOTHING(cj_functype_param_count(NULL));
    NOTHING(cj_functype_param(NULL, 0));
    EMPTY(cj_functype_param_name(NULL, 0, NULL));
    NOTHING(cj_functype_result(NULL));
    NOTHING(cj_functype_args_size(NULL));
    NOTHING(cj_functype_args_align(NULL));
    NOTHING(cj_functype_param_offset(NULL, 0));
    NOTHING(cj_functype_param(func, UINT32_MAX));
    EMPTY(cj_functype_param_name(func, UINT32_MAX, NULL));
    NOTHING(cj_functype_param_offset(func, UINT32_MAX));
    NOTHING(cj_functype_format(NULL, NULL, 0));
    NOTHING(cj_functype_format(NULL, buffer, sizeof(buffer)));
    assert_int_equal(cj_functype_format(func, NULL, 100), cj_functype_format(func, buffer, sizeof(buffer)));
}

static void try_engine(cj_engine *engine)
{
    cj_engine *made = NULL;
    cj_config config;
    IGNORED(cj_config_init(NULL));
    MISUSED(cj_engine_new, NULL, NULL);
    memset(&config, 0, sizeof(config));
    MISUSED(cj_engine_new, &config, &made);
    cj_config_init(&config);
    config.tier = (cj_tier)17;
    MISUSED(cj_engine_new, &config, &made);
    cj_config_init(&config);
    const cj_allocator part = {.alloc = refuse_alloc};
    config.allocator = &part;
    MISUSED(cj_engine_new, &config, &made);
    assert_null(made);
    IGNORED(cj_engine_delete(NULL));
    IGNORED(cj_engine_wait_compiled(NULL));
    IGNORED(cj_engine_get_stats(NULL, NULL));
    IGNORED(cj_engine_get_stats(engine, NULL));
    cj_engine_stats stats = {.disk_ns = 1};
    cj_engine_get_stats(NULL, &stats);
    assert_int_equal(stats.disk_ns, 0);

    note("cj_cache_get_info()"), note("cj_cache_clear()");
    cj_cache_info info;
    const cj_status refused = strstr(cj_build_info(), "no LLVM") ? CJ_UNSUPPORTED : CJ_MISUSE;
    assert_int_equal(cj_cache_get_info(NULL, &info, NULL), refused);
    assert_int_equal(cj_cache_get_info("/", NULL, NULL), refused);
    assert_int_equal(cj_cache_clear(NULL, NULL), refused);
}

static void try_component(cj_engine *engine, const cj_component *good)
{
    cj_component *made = NULL;
    const uint8_t byte = 0;
    const cj_component_part nameless = {NULL, &byte, 1}, empty = {"m", NULL, 1};
    MISUSED(cj_component_new, NULL, &byte, 1, &made);
    MISUSED(cj_component_new, engine, NULL, 1, &made);
    MISUSED(cj_component_new, engine, &byte, 1, NULL);
    assert_int_equal(cj_component_new(engine, NULL, 0, &made, NULL), CJ_MALFORMED);
    MISUSED(cj_component_new_with, NULL, &byte, 1, NULL, 0, &made);
    MISUSED(cj_component_new_with, engine, &byte, 1, NULL, 1, &made);
    MISUSED(cj_component_new_with, engine, &byte, 1, &nameless, 1, &made);
    MISUSED(cj_component_new_with, engine, &byte, 1, &empty, 1, &made);
    assert_null(made);
    IGNORED(cj_component_delete(NULL));
    NOTHING(cj_component_import_count(NULL));
    NOTHING(cj_component_export_count(NULL));
    NOTHING(cj_component_resource_count(NULL));
    const cj_component *components[] = {NULL, good};
    for (int i = 0; i < 2; i++) {
        NOTHING(cj_component_import(components[i], SIZE_MAX).type);
        EMPTY(cj_component_import(components[i], SIZE_MAX).name);
        NOTHING(cj_component_export(components[i], SIZE_MAX).type);
        EMPTY(cj_component_export(components[i], SIZE_MAX).interface);
        EMPTY(cj_component_resource(components[i], SIZE_MAX).name);
    }
    size_t index = 0;
    MISUSED(cj_component_find_export, NULL, "f", 1, &index);
    MISUSED(cj_component_find_export, good, NULL, 1, &index);
    MISUSED(cj_component_find_export, good, "f", 1, NULL);
    assert_int_equal(cj_component_find_export(good, NULL, 0, &index, NULL), CJ_NOT_FOUND);
    MISUSED(cj_component_find_import, NULL, "f", 1, &index);
    MISUSED(cj_component_find_import, good, NULL, 1, &index);
    MISUSED(cj_component_find_import, good, "f", 1, NULL);
    assert_int_equal(cj_component_find_import(good, NULL, 0, &index, NULL), CJ_NOT_FOUND);

    char *text = NULL;
    MISUSED(cj_component_text, NULL, CJ_TEXT_WIT, NULL, &text);
    MISUSED(cj_component_text, good, CJ_TEXT_WIT, NULL, NULL);
    MISUSED(cj_component_text, good, CJ_TEXT_PLAN, NULL, &text);
    MISUSED(cj_component_text, good, (cj_text_kind)17, NULL, &text);
    assert_null(text);
    IGNORED(cj_text_delete(NULL, NULL));
    IGNORED(cj_text_delete(good, NULL));
}

static cj_status host_nop(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)user, (void)ctx, (void)args, (void)results, (void)err;
    return CJ_OK;
}

static cj_status host_dyn_nop(void *user, cj_call_ctx *ctx, const cj_val *args, size_t nargs, cj_val *results,
                              size_t nresults, cj_error *err)
{
    (void)user, (void)ctx, (void)args, (void)nargs, (void)results, (void)nresults, (void)err;
    return CJ_OK;
}

static void try_linker(cj_engine *engine, cj_linker *linker)
{
    cj_linker *made = NULL;
    cj_resource_type *type = NULL, *own = NULL;
    MISUSED(cj_linker_new, NULL, &made);
    MISUSED(cj_linker_new, engine, NULL);
    assert_null(made);
    IGNORED(cj_linker_delete(NULL));
    MISUSED(cj_linker_func, NULL, NULL, "f", host_nop, NULL);
    MISUSED(cj_linker_func, linker, NULL, NULL, host_nop, NULL);
    MISUSED(cj_linker_func, linker, NULL, "", host_nop, NULL);
    MISUSED(cj_linker_func, linker, NULL, "f", NULL, NULL);
    MISUSED(cj_linker_dyn_func, NULL, NULL, "f", host_dyn_nop, NULL);
    MISUSED(cj_linker_dyn_func, linker, NULL, NULL, host_dyn_nop, NULL);
    MISUSED(cj_linker_dyn_func, linker, NULL, "f", NULL, NULL);

    MISUSED(cj_resource_type_new, NULL, "r", NULL, NULL, &type);
    MISUSED(cj_resource_type_new, engine, NULL, NULL, NULL, &type);
    MISUSED(cj_resource_type_new, engine, "r", NULL, NULL, NULL);
    assert_null(type);
    IGNORED(cj_resource_type_delete(NULL));
    EMPTY(cj_resource_type_name(NULL));
    assert_int_equal(cj_resource_type_new(engine, "", NULL, NULL, &own, NULL), CJ_OK);
    MISUSED(cj_linker_resource, NULL, NULL, "r", own);
    MISUSED(cj_linker_resource, linker, NULL, NULL, own);
    MISUSED(cj_linker_resource, linker, NULL, "r", NULL);
    cj_resource_type_delete(own);
}

static void try_store(cj_engine *engine, cj_store *store, const cj_component *component)
{
    cj_store *made = NULL;
    cj_instance *instance = NULL;
    cj_limits limits;
    IGNORED(cj_limits_init(NULL));
    memset(&limits, 0, sizeof(limits));
    MISUSED(cj_store_new, NULL, NULL, NULL, &made);
    MISUSED(cj_store_new, engine, NULL, NULL, NULL);
    MISUSED(cj_store_new, engine, &limits, NULL, &made);
    assert_null(made);
    IGNORED(cj_store_delete(NULL));
    NOTHING(cj_store_user(NULL));
    REFUSED(cj_store_interrupt(NULL));
    IGNORED(cj_store_resume(NULL));
    note("cj_store_error()");
    assert_int_equal(cj_store_error(NULL)->status, CJ_MISUSE);
    MISUSED(cj_instantiate, NULL, NULL, component, &instance);
    MISUSED(cj_instantiate, store, NULL, NULL, &instance);
    MISUSED(cj_instantiate, store, NULL, component, NULL);
    assert_null(instance);
}

static void try_instance(cj_instance *instance)
{
    NOTHING(cj_instance_func(NULL, "f"));
    NOTHING(cj_instance_func(instance, NULL));
    NOTHING(cj_instance_func(instance, ""));
    NOTHING(cj_instance_func_at(NULL, 0));
    NOTHING(cj_instance_func_at(instance, SIZE_MAX));
    NOTHING(cj_instance_resource(NULL, "r"));
    NOTHING(cj_instance_resource(instance, NULL));
    NOTHING(cj_instance_resource(instance, ""));
    NOTHING(cj_instance_handle_type(NULL, NULL));
    NOTHING(cj_instance_handle_type(instance, NULL));
    NOTHING(cj_func_type(NULL));
    NOTHING(cj_func_name(NULL));
    NOTHING(cj_func_instance(NULL));
}

static void try_resources(cj_engine *engine, cj_store *store)
{
    cj_resource_type *type;
    uint32_t handle = 0;
    void *rep;
    assert_int_equal(cj_resource_type_new(engine, "r", NULL, NULL, &type, NULL), CJ_OK);
    MISUSED(cj_resource_new, NULL, type, NULL, &handle);
    MISUSED(cj_resource_new, store, NULL, NULL, &handle);
    MISUSED(cj_resource_new, store, type, NULL, NULL);
    assert_int_equal(handle, 0);
    assert_int_equal(cj_resource_new(store, type, NULL, &handle, NULL), CJ_OK);
    MISUSED(cj_resource_rep, NULL, type, handle, &rep);
    MISUSED(cj_resource_rep, store, NULL, handle, &rep);
    MISUSED(cj_resource_rep, store, type, handle, NULL);
    MISUSED(cj_resource_take, NULL, type, handle, &rep);
    MISUSED(cj_resource_take, store, NULL, handle, &rep);
    MISUSED(cj_resource_take, store, type, handle, NULL);
    MISUSED(cj_resource_drop, NULL, handle);
    static const uint32_t none[] = {0, UINT32_MAX, 1u << 31, 1u << 28, 77};
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        assert_int_equal(cj_resource_rep(store, type, none[i], &rep, NULL), CJ_NOT_FOUND);
        assert_int_equal(cj_resource_take(store, type, none[i], &rep, NULL), CJ_NOT_FOUND);
        assert_int_equal(cj_resource_drop(store, none[i], NULL), CJ_NOT_FOUND);
        NOTHING(cj_handle_type(store, none[i]));
        NOTHING(cj_handle_is_own(store, none[i]));
    }
    NOTHING(cj_handle_type(NULL, handle));
    NOTHING(cj_handle_is_own(NULL, handle));
    assert_int_equal(cj_resource_take(store, type, handle, &rep, NULL), CJ_OK);
    assert_int_equal(cj_resource_drop(store, handle, NULL), CJ_NOT_FOUND);
    cj_resource_type_delete(type);
}

static void try_calls(cj_func *add)
{
    cj_val args[2] = {e2e_u32(1), e2e_u32(2)}, result;
    MISUSED(cj_call, NULL, args, 2, &result, 1, NULL);
    MISUSED(cj_call, add, NULL, 2, &result, 1, NULL);
    MISUSED(cj_call, add, args, 1, &result, 1, NULL);
    MISUSED(cj_call, add, args, SIZE_MAX, &result, 1, NULL);
    MISUSED(cj_call, add, args, 2, NULL, 1, NULL);
    MISUSED(cj_call, add, args, 2, &result, 0, NULL);
    args[1].kind = CJ_KIND_COUNT;
    MISUSED(cj_call, add, args, 2, &result, 1, NULL);
    REFUSED(cj_call_begin(NULL, NULL, NULL, NULL));
    REFUSED(cj_call_end(NULL));
    REFUSED(cj_call_end(add));
    cj_step_ticks ticks;
    MISUSED(cj_func_time, NULL, CJ_TIMING_OFF, &ticks);
    MISUSED(cj_func_time, add, CJ_TIMING_STEPS, NULL);
    MISUSED(cj_func_time, add, (cj_timing)17, &ticks);
    IGNORED(cj_timing_clock(NULL, NULL));
}

static void try_values(const cj_component *component)
{
    const cj_type *type = cj_functype_result(cj_component_export(component, 0).type);
    for (size_t i = 0; cj_type_kind(type) != CJ_KIND_U32; i++)
        type = cj_functype_result(cj_component_export(component, i).type);
    cj_arena *arena;
    assert_int_equal(cj_arena_new(NULL, &arena), CJ_OK);
    cj_val val = e2e_u32(1), *args;
    uint32_t at = 0;
    size_t index, nargs;
    MISUSED(cj_val_store, NULL, &val, &at, arena);
    MISUSED(cj_val_store, type, NULL, &at, arena);
    MISUSED(cj_val_store, type, &val, NULL, arena);
    MISUSED(cj_val_store, type, &val, &at, NULL);
    MISUSED(cj_val_load, NULL, &at, &val, arena);
    MISUSED(cj_val_load, type, NULL, &val, arena);
    MISUSED(cj_val_load, type, &at, NULL, arena);
    MISUSED(cj_val_load, type, &at, &val, NULL);
    NOTHING(cj_val_equal(NULL, &val));
    NOTHING(cj_val_equal(&val, NULL));
    assert_true(cj_val_equal(NULL, NULL));
    MISUSED(cj_wave_parse, NULL, "1", 1, &val, arena);
    MISUSED(cj_wave_parse, type, NULL, 1, &val, arena);
    MISUSED(cj_wave_parse, type, "1", 1, NULL, arena);
    MISUSED(cj_wave_parse, type, "1", 1, &val, NULL);
    assert_int_equal(cj_wave_parse(type, NULL, 0, &val, arena, NULL), CJ_INVALID);
    note("cj_wave_format()");
    char buffer[16];
    assert_int_equal(cj_wave_format(NULL, &val, buffer, sizeof(buffer)), 9);
    assert_string_equal(buffer, "<invalid>");
    assert_int_equal(cj_wave_format(type, NULL, buffer, sizeof(buffer)), 9);
    assert_int_equal(cj_wave_format(type, &val, NULL, 100), cj_wave_format(type, &val, buffer, sizeof(buffer)));
    MISUSED(cj_wave_parse_call, NULL, "f()", 3, &index, &args, &nargs, arena);
    MISUSED(cj_wave_parse_call, component, NULL, 3, &index, &args, &nargs, arena);
    MISUSED(cj_wave_parse_call, component, "f()", 3, NULL, &args, &nargs, arena);
    MISUSED(cj_wave_parse_call, component, "f()", 3, &index, NULL, &nargs, arena);
    MISUSED(cj_wave_parse_call, component, "f()", 3, &index, &args, NULL, arena);
    MISUSED(cj_wave_parse_call, component, "f()", 3, &index, &args, &nargs, NULL);
    assert_int_equal(cj_wave_parse_call(component, NULL, 0, &index, &args, &nargs, arena, NULL), CJ_INVALID);
    cj_arena_delete(arena);
}

/* Alignments that cj_ctx_alloc does not have. The other functions of a cj_call_ctx want the one that the host function was given. */
static cj_status misalign(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)args, (void)results, (void)err;
    note("cj_ctx_alloc()"), note("cj_ctx_store()"), note("cj_ctx_instance()"), note("cj_ctx_type()");
    static const size_t aligns[] = {0, 3, 32, SIZE_MAX, (size_t)1 << 32, ((size_t)1 << 32) + 1};
    for (size_t i = 0; i < sizeof(aligns) / sizeof(aligns[0]); i++)
        assert_null(cj_ctx_alloc(ctx, 1, aligns[i]));
    assert_null(cj_ctx_alloc(ctx, SIZE_MAX, 1));
    assert_non_null(cj_ctx_alloc(ctx, 0, 1));
    assert_int_equal((uintptr_t)cj_ctx_alloc(ctx, 1, 16) % 16, 0);
    assert_ptr_equal(cj_ctx_store(ctx), user);
    return CJ_OK;
}

/* -- All together -------------------------------------------------------------------------------------------------- */

/* What the header declares and nothing above has called. */
static void check_that_all_were_tried(void)
{
    note("cj_call_native("); /* static inline, for speed: its function must not be NULL */
    FILE *header = fopen(CJ_PUBLIC_HEADER, "r");
    assert_non_null(header);
    char line[512];
    size_t declared = 0;
    while (fgets(line, sizeof(line), header)) {
        if (strncmp(line, "CJ_API ", 7) != 0)
            continue;
        for (char *at = strstr(line, "cj_"); at; at = strstr(at + 1, "cj_")) {
            size_t len = strspn(at, "abcdefghijklmnopqrstuvwxyz_0123456789");
            if (at[len] != '(')
                continue;
            declared++;
            if (!was_tried(at, len))
                fail_msg("%.*s: not tried", (int)len, at);
            break;
        }
    }
    fclose(header);
    assert_int_equal(declared + 1, tried_count);
}

static void test_nothing_crashes(void **state)
{
    e2e *w = *state;
    cj_component *component = e2e_component(w, "host");
    tried_count = 0;
    try_linker(w->engine, w->linker);
    for (size_t i = 0; i < cj_component_import_count(component); i++) {
        cj_extern_func f = cj_component_import(component, i);
        e2e_ok(cj_linker_func(w->linker, f.interface, f.name, misalign, w->store, &w->err), &w->err);
    }
    cj_instance *instance = e2e_instantiate(w, component);
    try_errors_and_arenas();
    try_types(component);
    try_engine(w->engine);
    try_component(w->engine, component);
    try_store(w->engine, w->store, component);
    try_instance(instance);
    try_resources(w->engine, w->store);
    try_calls(e2e_func(instance, "call-add"));
    try_values(component);
    e2e_call(w, e2e_func(instance, "call-nop"), NULL, 0, NULL);
    /* Whatever was misused is as good as before. */
    assert_int_equal(e2e_call_u32(w, e2e_func(instance, "leaf"), (uint32_t[]){5}, 1), 6);
    check_that_all_were_tried();
}

int main(void)
{
    const struct CMUnitTest tests[] = {E2E(test_nothing_crashes)};
    return e2e_run(tests);
}
