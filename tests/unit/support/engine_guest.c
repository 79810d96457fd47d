#include "support/engine_guest.h"

#include "base/reader.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* -- Reading what the tests need of a module ----------------------------------------------------------------------------------- */

static uint32_t leb(const uint8_t **at)
{
    uint32_t value = 0, shift = 0;
    uint8_t byte;
    do {
        byte = *(*at)++;
        value |= (uint32_t)(byte & 0x7f) << shift;
        shift += 7;
    } while (byte & 0x80);
    return value;
}

typedef struct outline {
    cj_core_type types[128];
    uint32_t type_count;
    uint32_t func_types[4096];
    uint32_t func_count;
    cj_core_type imports[64];
    uint32_t import_count;
    cj_core_type exports[256];
    char *names[256];
    uint32_t export_count;
} outline;

static void read_types(outline *o, const uint8_t *at)
{
    o->type_count = leb(&at);
    assert(o->type_count <= CJ_COUNT(o->types));
    for (uint32_t i = 0; i < o->type_count; i++) {
        cj_core_type *t = &o->types[i];
        assert(*at == 0x60);
        at++;
        t->param_count = leb(&at);
        cj_core *params = calloc(t->param_count + 1, sizeof *params);
        for (uint32_t k = 0; k < t->param_count; k++)
            params[k] = *at++;
        t->params = params;
        t->result_count = leb(&at);
        for (uint32_t k = 0; k < t->result_count; k++)
            t->result = *at++;
    }
}

static void read_outline(outline *o, const uint8_t *bytes, size_t size)
{
    const uint8_t *at = bytes + 8, *end = bytes + size;
    while (at < end) {
        uint8_t id = *at++;
        uint32_t length = leb(&at);
        const uint8_t *p = at;
        at += length;
        if (id == 1)
            read_types(o, p);
        if (id == 2) {
            for (uint32_t n = leb(&p); n > 0; n--) {
                uint32_t len = leb(&p);
                p += len;
                len = leb(&p);
                p += len;
                assert(*p == 0); /* functions only */
                p++;
                uint32_t type = leb(&p);
                o->func_types[o->func_count++] = type;
                o->imports[o->import_count++] = o->types[type];
            }
        }
        if (id == 3) {
            uint32_t n = leb(&p);
            for (uint32_t i = 0; i < n && o->func_count < CJ_COUNT(o->func_types); i++)
                o->func_types[o->func_count++] = leb(&p);
        }
        if (id == 7) {
            for (uint32_t n = leb(&p); n > 0; n--) {
                uint32_t len = leb(&p);
                const char *name = (const char *)p;
                p += len;
                uint8_t kind = *p++;
                uint32_t index = leb(&p);
                if (kind == 0 && o->export_count < CJ_COUNT(o->exports)) {
                    o->names[o->export_count] = strndup(name, len);
                    o->exports[o->export_count++] = o->types[o->func_types[index]];
                }
            }
        }
    }
}

/* -- Stores and guests ----------------------------------------------------------------------------------------------------------- */

static uint32_t import_gate(cj_call_ctx *call, const uint64_t *flat, uint64_t *result)
{
    guest *g = call->bound->host_user;
    uint32_t slot = (uint32_t)(call->bound - g->imports);
    return g->gate != NULL ? g->gate(g, call, slot, flat, result)
                           : cj__call_trap(call, CJ_TRAP_HOST, false, CJ_NO_SITE);
}

void guest_store_init(guest_store *s)
{
    memset(s, 0, sizeof *s);
    cj_status status = cj__core_runtime_acquire(&s->err);
    assert(status == CJ_OK);
    status = cj_arena_new(NULL, &s->arena);
    assert(status == CJ_OK);
    (void)status;
    s->limits.wasm_stack_size = 1 << 20;
    s->limits.max_memory_pages = 65536;
    s->limits.max_table_elements = 10000000;
    s->core.alloc = cj__alloc_or_default(NULL);
    s->core.arena = s->arena;
    s->core.max_host_bytes = s->core.host_bytes = 1 << 30;
    s->core.trap.site = CJ_NO_SITE;
    cj__core_set_gate(import_gate);
}

void guest_store_fini(guest_store *s)
{
    cj__core_store_fini(&s->core);
    cj_arena_delete(s->arena);
    cj__core_runtime_release();
}

static guest *instantiate(guest_store *s, cj_core_module *module, const outline *o)
{
    guest *g = calloc(1, sizeof *g);
    g->store = s;
    g->module = module;
    g->core = (cj_instance_core){.may_enter = 1, .may_leave = 1, .store = &s->core};
    g->group = (cj_group_core){.instance = &g->core, .import_count = GUEST_SLOTS};
    for (uint32_t i = 0; i < GUEST_SLOTS; i++)
        g->imports[i] = (cj_binding){.guest = {.instance = &g->core}, .host_user = g};
    if (cj__core_instantiate(&s->core, module, &s->limits, &g->group, &g->instance, &s->err) != CJ_OK) {
        free(g);
        return NULL;
    }
    g->export_count = o->export_count;
    g->types = calloc(o->export_count + 1, sizeof *g->types);
    g->names = calloc(o->export_count + 1, sizeof *g->names);
    g->bindings = calloc(o->export_count + 1, sizeof *g->bindings);
    for (uint32_t i = 0; i < o->export_count; i++) {
        g->types[i] = o->exports[i];
        cj_core *params = calloc(o->exports[i].param_count + 1, sizeof *params);
        memcpy(params, o->exports[i].params, o->exports[i].param_count * sizeof *params);
        g->types[i].params = params;
        g->names[i] = strdup(o->names[i]);
        g->bindings[i] = (cj_binding){.guest = {.instance = &g->core,
                                                .core_instance = g->instance,
                                                .core_env_inst = cj__core_env_inst(g->instance),
                                                .memory = cj__core_memory(g->instance)},
                                      .core_func = cj__core_export_func(g->instance, i),
                                      .host_user = g};
    }
    for (uint32_t i = 0; i < GUEST_SLOTS; i++) {
        g->imports[i].guest.core_instance = g->instance;
        g->imports[i].guest.core_env_inst = cj__core_env_inst(g->instance);
        g->imports[i].guest.memory = cj__core_memory(g->instance);
    }
    return g;
}

static void free_outline(outline *o)
{
    for (uint32_t i = 0; i < o->type_count; i++)
        free((void *)(uintptr_t)o->types[i].params);
    for (uint32_t i = 0; i < o->export_count; i++)
        free(o->names[i]);
    free(o);
}

guest *guest_load_bytes(guest_store *s, const uint8_t *bytes, size_t size)
{
    outline *o = calloc(1, sizeof *o);
    read_outline(o, bytes, size);
    cj_core_module *module = NULL;
    guest *g = NULL;
    if (cj__core_load(s->core.alloc, bytes, size, o->imports, o->import_count, &module, &s->err) == CJ_OK) {
        g = instantiate(s, module, o);
        if (g == NULL)
            cj__core_unload(module);
    }
    free_outline(o);
    return g;
}

guest *guest_load(guest_store *s, const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/unit/guests/%s.wasm", CJ_TEST_BINARY_DIR, name);
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        perror(path);
        abort();
    }
    fseek(f, 0, SEEK_END);
    size_t size = (size_t)ftell(f);
    rewind(f);
    uint8_t *bytes = malloc(size);
    if (fread(bytes, 1, size, f) != size)
        abort();
    fclose(f);
    guest *g = guest_load_bytes(s, bytes, size);
    free(bytes);
    return g;
}

guest *guest_again(guest_store *s, const guest *first)
{
    outline *o = calloc(1, sizeof *o);
    o->export_count = first->export_count;
    for (uint32_t i = 0; i < first->export_count; i++) {
        o->exports[i] = first->types[i];
        o->names[i] = strdup(first->names[i]);
    }
    guest *g = instantiate(s, first->module, o);
    free_outline(o);
    if (g != NULL)
        g->module = NULL; /* the first's to unload */
    return g;
}

void guest_delete(guest *g)
{
    if (g == NULL)
        return;
    cj__core_unload(g->module); /* before its instance, which holds it */
    cj__core_deinstantiate(g->instance);
    for (uint32_t i = 0; i < g->export_count; i++) {
        free((void *)(uintptr_t)g->types[i].params);
        free(g->names[i]);
    }
    free(g->types);
    free(g->names);
    free(g->bindings);
    free(g);
}

bool guest_has_room(uint64_t bytes)
{
    if (CJ_HARDWARE_BOUNDS)
        return true;
    FILE *f = fopen("/proc/meminfo", "r");
    char line[256];
    unsigned long long kib = 0;
    while (f != NULL && fgets(line, sizeof line, f) != NULL && sscanf(line, "MemAvailable: %llu", &kib) != 1)
        ;
    if (f != NULL)
        fclose(f);
    return kib * 1024 / 2 >= bytes;
}

/* -- Calls --------------------------------------------------------------------------------------------------------------------------- */

uint32_t guest_export(const guest *g, const char *name)
{
    for (uint32_t i = 0; i < g->export_count; i++)
        if (strcmp(g->names[i], name) == 0)
            return i;
    fprintf(stderr, "no export %s\n", name);
    abort();
}

static uint32_t call_thunk(cj_call_ctx *call, const void *args, void *results)
{
    guest *g = call->bound->host_user;
    const cj_core_type *type = &g->types[call->bound - g->bindings];
    uint64_t flat[16] = {0};
    memcpy(flat, args, type->param_count * sizeof *flat);
    uint32_t trap = cj__core_call(call, &call->bound->guest, call->bound->core_func, type, flat);
    if (trap == CJ_TRAP_NONE && results != NULL && type->result_count > 0)
        memcpy(results, flat, 8);
    return trap;
}

cj_trap guest_call_at(guest *g, uint32_t export, const uint64_t *params, uint64_t *result)
{
    cj_binding *bound = &g->bindings[export];
    cj_export_thunk thunk = call_thunk;
    memcpy(&bound->code, &thunk, sizeof thunk);
    cj_call_ctx call = {.bound = bound, .store = &g->store->core, .env = g->store->core.env, .arena = g->store->arena};
    uint32_t trap = cj__core_enter_export(&call, params, result);
    if (trap == CJ_TRAP_NONE)
        return CJ_TRAP_NONE;
    cj_trap_record record = g->store->core.trap;
    g->store->core.trap = (cj_trap_record){.site = CJ_NO_SITE};
    cj_trap pending = cj__core_take_exception(bound->guest.core_env_inst, g->store->text, sizeof g->store->text);
    if (record.kind != CJ_TRAP_NONE)
        return (cj_trap)record.kind;
    return trap == CJ_TRAP_CORE ? pending : (cj_trap)trap;
}

cj_trap guest_call(guest *g, const char *name, const uint64_t *params, uint64_t *result)
{
    return guest_call_at(g, guest_export(g, name), params, result);
}

uint64_t bits_f32(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, 4);
    return bits;
}

uint64_t bits_f64(double d)
{
    uint64_t bits;
    memcpy(&bits, &d, 8);
    return bits;
}
