#include "unit/support/cmocka_all.h"

#include "merge/merge_case.h"
#include "unit/support/bytes.h"

#include <stdio.h>
#include <stdlib.h>

/* -- Files --------------------------------------------------------------------------------------------------------- */

static void init(merge_case *c)
{
    memset(c, 0, sizeof *c);
    cj_config_init(&c->config);
    assert_int_equal(cj_arena_new(NULL, &c->arena), CJ_OK);
}

static uint32_t read_leb(const uint8_t **at)
{
    uint32_t value = 0;
    for (int shift = 0;; shift += 7) {
        uint8_t byte = *(*at)++;
        value |= (uint32_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
}

static void add_module(merge_case *c, const uint8_t *bytes, size_t size, uint64_t offset)
{
    assert_true(c->module_count < CASE_MODULES);
    if (cj__core_outline(&c->config, (cj_bytes){bytes, size, offset}, c->arena, &c->modules[c->module_count],
                         &c->err) != CJ_OK)
        fail_msg("module %u: offset 0x%llx: %s", c->module_count, (unsigned long long)c->err.offset, c->err.message);
    c->module_count++;
}

void case_open(merge_case *c, const char *name)
{
    init(c);
    char path[1024];
    snprintf(path, sizeof path, "%s/%s.wasm", CJ_TEST_MERGE_DIR, name);
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("cannot open %s", path);
    fseek(f, 0, SEEK_END);
    c->size = (size_t)ftell(f);
    rewind(f);
    c->file = malloc(c->size);
    assert_int_equal(fread(c->file, 1, c->size, f), c->size);
    fclose(f);
    assert_true(c->size >= 8);
    if (c->file[4] == 1) {
        add_module(c, c->file, c->size, 0);
        return;
    }
    const uint8_t *at = c->file + 8;
    while (at < c->file + c->size) {
        uint8_t id = *at++;
        uint32_t size = read_leb(&at);
        if (id == 1)
            add_module(c, at, size, (uint64_t)(at - c->file));
        at += size;
    }
}

void case_open_bytes(merge_case *c, const uint8_t *module, size_t size)
{
    init(c);
    c->file = malloc(size ? size : 1);
    memcpy(c->file, module, size);
    c->size = size;
    add_module(c, c->file, size, 0);
}

void case_close(merge_case *c)
{
    if (c->guest) {
        guest_delete(c->guest);
        guest_store_fini(&c->store);
    }
    if (c->is_merged)
        cj__merged_fini(&c->config, &c->merged);
    cj_arena_delete(c->arena);
    free(c->file);
}

/* -- Instances ----------------------------------------------------------------------------------------------------- */

static bool is_boundary_type(const cj_core_functype *type)
{
    for (uint32_t i = 0; i < type->param_count; i++)
        if (type->params[i] < CJ_CORE_F64)
            return false;
    return type->result_count == 0 || (type->result_count == 1 && type->results[0] >= CJ_CORE_F64);
}

static bool same_type(const cj_core_functype *a, const cj_core_functype *b)
{
    return a->param_count == b->param_count && a->result_count == b->result_count &&
           (!a->param_count || memcmp(a->params, b->params, a->param_count) == 0) &&
           (!a->result_count || memcmp(a->results, b->results, a->result_count) == 0);
}

/* Equal names are one slot. */
static uint32_t slot_of(merge_case *c, const cj_core_import *import, const cj_core_functype *type)
{
    char name[64];
    snprintf(name, sizeof name, "%.*s.%.*s", CJ_STR_ARG(import->module), CJ_STR_ARG(import->name));
    uint32_t shapes = 0, shape = UINT32_MAX;
    for (uint32_t i = 0; i < c->input.slot_count; i++) {
        bool same = same_type(&c->slots[i].type, type);
        if (same && strcmp(c->slot_names[i], name) == 0)
            return i;
        if (same)
            shape = c->slots[i].shape;
        if (c->slots[i].shape >= shapes)
            shapes = c->slots[i].shape + 1;
    }
    assert_true(c->input.slot_count < GUEST_SLOTS);
    uint32_t slot = c->input.slot_count++;
    c->slots[slot] = (cj_merge_slot){*type, shape == UINT32_MAX ? shapes : shape};
    strcpy(c->slot_names[slot], name);
    return slot;
}

void case_instance(merge_case *c, const char *name, uint32_t module)
{
    const cj_core_outline *o = &c->modules[module];
    uint32_t number = c->input.instance_count++;
    assert_true(number < CASE_INSTANCES && module < c->module_count);
    cj_merge_source *sources = CJ_ARENA_ARRAY(c->arena, cj_merge_source, o->import_count);
    for (uint32_t i = 0; i < o->import_count; i++) {
        const cj_core_import *import = &o->imports[i];
        bool found = false;
        for (uint32_t k = number; k-- > 0 && !found;) {
            if (!cj__str_eq(cj__str(c->names[k]), import->module))
                continue;
            const cj_core_export *export_ = cj__core_find_export(c->instances[k].module, import->name);
            if (!export_ || export_->sort != import->type.sort)
                fail_msg("%s: no %.*s for %s", c->names[k], CJ_STR_ARG(import->name), name);
            sources[i] = (cj_merge_source){.kind = CJ_SOURCE_INSTANCE, .instance = k, .index = export_->index};
            found = true;
        }
        if (!found) {
            assert_int_equal(import->type.sort, CJ_SORT_CORE_FUNC);
            sources[i] = (cj_merge_source){.kind = CJ_SOURCE_BOUNDARY,
                                           .slot = slot_of(c, import, &o->types[import->type.func_type])};
        }
    }
    c->instances[number] = (cj_merge_instance){.module = o, .sources = sources};
    c->names[number] = name;
}

uint32_t case_export(merge_case *c, const char *instance, const char *name)
{
    for (uint32_t i = 0; i < c->input.instance_count; i++) {
        if (strcmp(c->names[i], instance) != 0)
            continue;
        const cj_core_export *export_ = cj__core_find_export(c->instances[i].module, cj__str(name));
        if (!export_)
            fail_msg("%s has no %s", instance, name);
        uint32_t number = c->input.export_count++;
        assert_true(number < CASE_EXPORTS);
        c->exports[number] = (cj_merge_export){.instance = i, .index = export_->index};
        snprintf(c->export_names[number], sizeof c->export_names[number], "%s.%s", instance, name);
        return number;
    }
    fail_msg("no instance %s", instance);
    return 0;
}

void case_export_all(merge_case *c)
{
    for (uint32_t i = 0; i < c->input.instance_count; i++) {
        const cj_core_outline *o = c->instances[i].module;
        for (uint32_t k = 0; k < o->export_count; k++) {
            if (o->exports[k].sort != CJ_SORT_CORE_FUNC ||
                !is_boundary_type(&o->types[o->func_types[o->exports[k].index]]))
                continue;
            char name[64];
            snprintf(name, sizeof name, "%.*s", CJ_STR_ARG(o->exports[k].name));
            (void)case_export(c, c->names[i], name);
        }
    }
}

void case_instances(merge_case *c)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p"};
    for (uint32_t i = 0; i < c->module_count; i++)
        case_instance(c, names[i], i);
    case_export_all(c);
}

/* -- Merging ------------------------------------------------------------------------------------------------------- */

void case_validate(merge_case *c, const cj_merged *merged)
{
    cj_arena_mark mark = cj__arena_mark(c->arena);
    cj_bytes bytes = {merged->bytes, merged->size, 0};
    cj_core_outline *o = CJ_ARENA_NEW(c->arena, cj_core_outline);
    if (cj__core_outline(&c->config, bytes, c->arena, o, &c->err) != CJ_OK)
        fail_msg("merged module: offset 0x%llx: %s", (unsigned long long)c->err.offset, c->err.message);
    assert_int_equal(o->import_count, merged->import_count);
    assert_int_equal(o->export_count, merged->export_count);
    assert_false(o->has_start);
    cj_merge_slot *slots = CJ_ARENA_ARRAY(c->arena, cj_merge_slot, o->import_count);
    cj_merge_source *sources = CJ_ARENA_ARRAY(c->arena, cj_merge_source, o->import_count);
    for (uint32_t i = 0; i < o->import_count; i++) {
        assert_int_equal(o->imports[i].type.sort, CJ_SORT_CORE_FUNC);
        slots[i] = (cj_merge_slot){o->types[o->imports[i].type.func_type], i};
        sources[i] = (cj_merge_source){.kind = CJ_SOURCE_BOUNDARY, .slot = i};
    }
    cj_merge_instance alone = {.module = o, .sources = sources};
    cj_merge_export *exports = CJ_ARENA_ARRAY(c->arena, cj_merge_export, o->export_count);
    for (uint32_t i = 0; i < o->export_count; i++) {
        assert_int_equal(o->exports[i].sort, CJ_SORT_CORE_FUNC);
        assert_int_equal(o->exports[i].index, merged->export_funcs[i]);
        exports[i] = (cj_merge_export){.index = o->exports[i].index};
    }
    cj_merge_input input = {.instances = &alone,
                            .instance_count = 1,
                            .slots = slots,
                            .slot_count = o->import_count,
                            .exports = exports,
                            .export_count = o->export_count};
    cj_merged again;
    cj_config config;
    cj_config_init(&config);
    if (cj__merge(&config, &input, &again, &c->err) != CJ_OK)
        fail_msg("merged module: %s: offset 0x%llx: %s", c->err.where, (unsigned long long)c->err.offset,
                 c->err.message);
    cj__merged_fini(&config, &again);
    cj__arena_release(c->arena, mark);
}

cj_status case_merge(merge_case *c)
{
    c->input.instances = c->instances;
    c->input.slots = c->slots;
    c->input.exports = c->exports;
    memset(&c->err, 0, sizeof c->err);
    cj_status status = cj__merge(&c->config, &c->input, &c->merged, &c->err);
    if (status == CJ_OK) {
        c->is_merged = true;
        case_validate(c, &c->merged);
        assert_int_equal(
            cj__core_outline(&c->config, (cj_bytes){c->merged.bytes, c->merged.size, 0}, c->arena, &c->out, &c->err),
            CJ_OK);
    } else {
        assert_int_equal(c->err.status, status);
        assert_true(c->err.message[0]);
    }
    return status;
}

bool case_code_has(const merge_case *c, const uint8_t *bytes, size_t size)
{
    for (uint32_t i = 0; i < c->out.body_count; i++)
        if (memmem(c->out.bodies[i].ptr, c->out.bodies[i].len, bytes, size))
            return true;
    return false;
}

/* -- Running ------------------------------------------------------------------------------------------------------- */

static uint32_t log_call(guest *g, cj_call_ctx *call, uint32_t slot, const uint64_t *flat, uint64_t *result)
{
    merge_case *c = g->user;
    (void)call;
    if (slot >= c->input.slot_count)
        return cj__call_trap(call, CJ_TRAP_HOST, false, CJ_NO_SITE);
    uint32_t first = c->slots[slot].type.param_count ? (uint32_t)flat[0] : 0;
    if (c->log_count < CASE_LOG)
        c->log[c->log_count++] = slot * 1000 + first;
    if (result)
        *result = 2 * first + slot;
    return CJ_TRAP_NONE;
}

void case_load(merge_case *c)
{
    if (!c->is_merged && case_merge(c) != CJ_OK)
        fail_msg("%s: offset 0x%llx: %s", c->err.where, (unsigned long long)c->err.offset, c->err.message);
    guest_store_init(&c->store);
    c->guest = guest_load_bytes(&c->store, c->merged.bytes, c->merged.size);
    if (!c->guest)
        fail_msg("%s", c->store.err.message);
    c->guest->gate = log_call;
    c->guest->user = c;
}

cj_trap case_init(merge_case *c)
{
    case_load(c);
    for (uint32_t i = 0; i < c->merged.instance_count; i++) {
        if (c->merged.init_exports[i] == UINT32_MAX)
            continue;
        cj_trap trap = guest_call_at(c->guest, c->merged.init_exports[i], (const uint64_t[1]){0}, NULL);
        c->guest->core.may_enter = 1;
        if (trap != CJ_TRAP_NONE) {
            c->trapped_at = i;
            return trap;
        }
    }
    return CJ_TRAP_NONE;
}

void case_run(merge_case *c)
{
    cj_trap trap = case_init(c);
    if (trap != CJ_TRAP_NONE)
        fail_msg("initialiser of %s: %s %s", c->names[c->trapped_at], cj_trap_text(trap), c->store.text);
}

cj_trap case_trap(merge_case *c, const char *name, const uint64_t *params, uint64_t *result)
{
    for (uint32_t i = 0; i < c->input.export_count; i++)
        if (strcmp(c->export_names[i], name) == 0) {
            cj_trap trap = guest_call_at(c->guest, i, params, result);
            c->guest->core.may_enter = 1;
            return trap;
        }
    fail_msg("no export %s", name);
    return CJ_TRAP_NONE;
}

uint32_t case_value_of(merge_case *c, const char *name, const uint64_t *params)
{
    uint64_t result = 0xdeadbeef;
    cj_trap trap = case_trap(c, name, params, &result);
    if (trap != CJ_TRAP_NONE)
        fail_msg("%s: %s %s", name, cj_trap_text(trap), c->store.text);
    return (uint32_t)result;
}
