/* e2e.c: see e2e.h. */
#include "e2e.h"

#include <stdio.h>
#include <stdlib.h>

cj_tier e2e_tier;
static cj_engine *engine;

/* -- A cache on disk ----------------------------------------------------------------------------------------------- */

char e2e_cache[64];

int e2e_make_cache(void **state)
{
    (void)state;
    snprintf(e2e_cache, sizeof(e2e_cache), "/tmp/canonjit-e2e-XXXXXX");
    return mkdtemp(e2e_cache) ? 0 : 1;
}

int e2e_remove_cache(void **state)
{
    (void)state;
    char command[100];
    snprintf(command, sizeof(command), "rm -rf %s", e2e_cache);
    return system(command);
}

/* -- Worlds -------------------------------------------------------------------------------------------------------- */

int e2e_set_up(void **state)
{
    e2e *w = calloc(1, sizeof(*w));
    w->engine = engine;
    e2e_ok(cj_linker_new(engine, &w->linker, &w->err), &w->err);
    e2e_ok(cj_store_new(engine, NULL, w, &w->store, &w->err), &w->err);
    *state = w;
    return 0;
}

int e2e_tear_down(void **state)
{
    e2e *w = *state;
    cj_store_delete(w->store);
    for (size_t i = 0; i < w->component_count; i++)
        cj_component_delete(w->components[i]);
    cj_linker_delete(w->linker);
    free(w);
    return 0;
}

/* In AUTO every function is interpreted in its first call; when it changes to its code then is for chance to say. */
int e2e_run_tests(const struct CMUnitTest *tests, size_t count, bool with_auto)
{
    static const struct {
        cj_tier tier;
        const char *name;
    } tiers[] = {{CJ_TIER_INTERP, "tier interp"}, {CJ_TIER_JIT, "tier jit"}, {CJ_TIER_AUTO, "tier auto"}};
    int failures = 0, ran = 0;
    for (size_t i = 0; i < sizeof(tiers) / sizeof(tiers[0]) - !with_auto; i++) {
        cj_config config;
        cj_config_init(&config);
        config.tier = e2e_tier = tiers[i].tier;
        config.calls_before_compile = 1;
        cj_error err;
        cj_status status = cj_engine_new(&config, &engine, &err);
        if (status == CJ_UNSUPPORTED && tiers[i].tier == CJ_TIER_JIT)
            continue;
        if (status != CJ_OK) {
            fprintf(stderr, "no engine: %s\n", err.message);
            return 1;
        }
        failures += _cmocka_run_group_tests(tiers[i].name, tests, count, NULL, NULL);
        cj_engine_delete(engine);
        engine = NULL;
        ran++;
    }
    return ran ? failures : 1;
}

bool e2e_guests_are_compiled(void)
{
    return strstr(cj_build_info(), "jit") != NULL;
}

/* -- Guests -------------------------------------------------------------------------------------------------------- */

static FILE *open_guest(const char *guest)
{
    char path[1024];
    if (guest[0] == '@')
        snprintf(path, sizeof(path), "%s/%s.wasm", CJ_TOOLCHAIN_GUESTS, guest + 1);
    else
        snprintf(path, sizeof(path), "%s/%s.wasm", CJ_E2E_GUESTS, guest);
    return fopen(path, "rb");
}

bool e2e_exists(const char *guest)
{
    FILE *file = open_guest(guest);
    if (file)
        fclose(file);
    return file != NULL;
}

uint8_t *e2e_read(const char *guest, size_t *size)
{
    FILE *file = open_guest(guest);
    if (!file)
        fail_msg("no guest %s", guest);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*size ? *size : 1);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

cj_component *e2e_component(e2e *w, const char *guest)
{
    size_t size;
    uint8_t *bytes = e2e_read(guest, &size);
    cj_component *component = NULL;
    cj_status status = cj_component_new(w->engine, bytes, size, &component, &w->err);
    free(bytes);
    e2e_ok(status, &w->err);
    assert_true(w->component_count < sizeof(w->components) / sizeof(w->components[0]));
    w->components[w->component_count++] = component;
    return component;
}

cj_instance *e2e_instantiate(e2e *w, const cj_component *component)
{
    cj_instance *instance = NULL;
    e2e_ok(cj_instantiate(w->store, w->linker, component, &instance, &w->err), &w->err);
    return instance;
}

cj_instance *e2e_instance(e2e *w, const char *guest)
{
    return e2e_instantiate(w, e2e_component(w, guest));
}

cj_func *e2e_func(cj_instance *instance, const char *path)
{
    cj_func *func = cj_instance_func(instance, path);
    if (!func)
        fail_msg("no function %s", path);
    return func;
}

/* -- Calls --------------------------------------------------------------------------------------------------------- */

void e2e_ok(cj_status status, const cj_error *err)
{
    if (status == CJ_OK)
        return;
    char text[600];
    cj_error_format(err, text, sizeof(text));
    fail_msg("%s: %s", cj_status_text(status), text);
}

void e2e_call(e2e *w, cj_func *func, const cj_val *args, size_t nargs, cj_val *result)
{
    e2e_ok(cj_call(func, args, nargs, result, result ? 1 : 0, NULL, &w->err), &w->err);
}

void e2e_traps(e2e *w, cj_func *func, const cj_val *args, size_t nargs, cj_trap trap, const char *text)
{
    cj_val result;
    size_t nresults = cj_functype_result(cj_func_type(func)) ? 1 : 0;
    cj_status status = cj_call(func, args, nargs, &result, nresults, NULL, &w->err);
    if (status != CJ_TRAP)
        fail_msg("%s: expected trap \"%s\", got %s: %s", cj_func_name(func), cj_trap_text(trap), cj_status_text(status),
                 status == CJ_OK ? "" : w->err.message);
    if (w->err.trap != trap)
        fail_msg("%s: expected trap \"%s\", got \"%s\": %s", cj_func_name(func), cj_trap_text(trap),
                 cj_trap_text(w->err.trap), w->err.message);
    assert_int_equal(w->err.status, CJ_TRAP);
    if (text)
        assert_contains(w->err.message, text);
    assert_memory_equal(&w->err, cj_store_error(w->store), sizeof(w->err.status));
    assert_string_equal(w->err.message, cj_store_error(w->store)->message);
}

cj_val e2e_call_name(e2e *w, cj_instance *instance, const char *name, const cj_val *args, size_t nargs)
{
    cj_func *func = e2e_func(instance, name);
    cj_val result;
    memset(&result, 0, sizeof(result));
    e2e_call(w, func, args, nargs, cj_functype_result(cj_func_type(func)) ? &result : NULL);
    return result;
}

void e2e_traps_native(e2e *w, cj_instance *instance, const char *name, const void *args, cj_trap trap,
                      const char *where)
{
    uint64_t result[8] = {0};
    cj_status status = cj_call_native(e2e_func(instance, name), args, result, NULL);
    const cj_error *err = cj_store_error(w->store);
    if (status != CJ_TRAP)
        fail_msg("%s: expected trap \"%s\", got %s: %s", name, cj_trap_text(trap), cj_status_text(status),
                 status == CJ_OK ? "" : err->message);
    if (err->trap != trap)
        fail_msg("%s: expected \"%s\", got \"%s\": %s", name, cj_trap_text(trap), cj_trap_text(err->trap),
                 err->message);
    assert_contains(err->where, where);
}

uint32_t e2e_call_u32(e2e *w, cj_func *func, const uint32_t *args, size_t nargs)
{
    cj_val vals[16], result;
    for (size_t i = 0; i < nargs; i++)
        vals[i] = e2e_u32(args[i]);
    e2e_call(w, func, vals, nargs, &result);
    assert_int_equal(result.kind, CJ_KIND_U32);
    return result.of.u32;
}

void e2e_contains(const char *text, const char *part, const char *file, int line)
{
    if (!strstr(text, part)) {
        print_error("\"%s\" does not contain \"%s\"\n", text, part);
        _fail(file, line);
    }
}

/* -- Values at random ---------------------------------------------------------------------------------------------- */

uint64_t e2e_next(e2e_random *r) /* splitmix64 */
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static uint32_t below(e2e_random *r, uint32_t n)
{
    return (uint32_t)(e2e_next(r) % n);
}

/* Extremes are more likely than chance would have them. */
static uint64_t draw_bits(e2e_random *r)
{
    switch (below(r, 5)) {
    case 0:
        return 0;
    case 1:
        return UINT64_MAX;
    case 2:
        return UINT64_C(1) << below(r, 64);
    default:
        return e2e_next(r);
    }
}

static uint32_t draw_char(e2e_random *r)
{
    static const uint32_t up_to[] = {0x80, 0x100, 0x800, 0xd800, 0x10000, 0x110000};
    uint32_t c = below(r, up_to[below(r, 6)]);
    return c >= 0xd800 && c < 0xe000 ? c - 0x800 : c;
}

static cj_string draw_string(e2e_random *r, cj_arena *arena)
{
    uint32_t chars = below(r, 8) ? below(r, 12) : below(r, 400), len = 0;
    bool ascii = below(r, 3) == 0;
    uint8_t *at = cj_arena_alloc(arena, 4 * (size_t)chars + 1, 1);
    for (uint32_t i = 0; i < chars; i++) {
        uint32_t c = ascii ? 0x20 + below(r, 0x5f) : draw_char(r);
        if (c < 0x80) {
            at[len++] = (uint8_t)c;
        } else if (c < 0x800) {
            at[len++] = (uint8_t)(0xc0 | c >> 6);
            at[len++] = (uint8_t)(0x80 | (c & 0x3f));
        } else if (c < 0x10000) {
            at[len++] = (uint8_t)(0xe0 | c >> 12);
            at[len++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
            at[len++] = (uint8_t)(0x80 | (c & 0x3f));
        } else {
            at[len++] = (uint8_t)(0xf0 | c >> 18);
            at[len++] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
            at[len++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
            at[len++] = (uint8_t)(0x80 | (c & 0x3f));
        }
    }
    return (cj_string){(const char *)at, len};
}

static cj_val draw(e2e_random *r, const cj_type *type, cj_arena *arena, uint32_t depth)
{
    cj_val v;
    memset(&v, 0, sizeof(v));
    v.kind = cj_type_kind(type);
    uint32_t count = cj_type_count(type);
    switch (v.kind) {
    case CJ_KIND_BOOL:
        v.of.b = below(r, 2);
        break;
    case CJ_KIND_CHAR:
        v.of.ch = draw_char(r);
        break;
    case CJ_KIND_STRING:
        v.of.string = draw_string(r, arena);
        break;
    case CJ_KIND_LIST:
        v.of.seq.len = depth ? below(r, 5) : below(r, 40);
        count = (uint32_t)v.of.seq.len;
        v.of.seq.ptr = cj_arena_alloc(arena, sizeof(cj_val) * v.of.seq.len, _Alignof(cj_val));
        for (uint32_t i = 0; i < count; i++)
            v.of.seq.ptr[i] = draw(r, cj_type_member(type, 0), arena, depth + 1);
        break;
    case CJ_KIND_RECORD:
    case CJ_KIND_TUPLE:
        v.of.seq.len = count;
        v.of.seq.ptr = cj_arena_alloc(arena, sizeof(cj_val) * count, _Alignof(cj_val));
        for (uint32_t i = 0; i < count; i++)
            v.of.seq.ptr[i] = draw(r, cj_type_member(type, i), arena, depth + 1);
        break;
    case CJ_KIND_ENUM:
        v.of.choice.index = below(r, count);
        break;
    case CJ_KIND_VARIANT:
    case CJ_KIND_OPTION:
    case CJ_KIND_RESULT: {
        const cj_type *payload;
        if (v.kind == CJ_KIND_OPTION) {
            v.of.choice.index = below(r, 2);
            payload = v.of.choice.index ? cj_type_member(type, 0) : NULL;
        } else {
            v.of.choice.index = below(r, count);
            payload = cj_type_member(type, v.of.choice.index);
        }
        if (payload) {
            v.of.choice.payload = cj_arena_alloc(arena, sizeof(cj_val), _Alignof(cj_val));
            *v.of.choice.payload = draw(r, payload, arena, depth + 1);
        }
        break;
    }
    case CJ_KIND_FLAGS:
        v.of.flags = (uint32_t)(e2e_next(r) & ((UINT64_C(1) << count) - 1));
        break;
    default:
        v.of.u64 = draw_bits(r);
        break;
    }
    return v;
}

cj_val e2e_draw(e2e_random *r, const cj_type *type, cj_arena *arena)
{
    return draw(r, type, arena, 0);
}
