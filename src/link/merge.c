/* merge.c: the merger's passes in order, resolution of imports, and the sections of the merged module.
 *
 * Place in the pipeline: see merge.h and merge_internal.h. Every rule and its reason: docs/merging.md.
 *
 *     scan       validate each module's bodies and find their sites
 *     resolve    what every function, table, memory and global of every instance is in the group; imports must match
 *     plan       constant expressions folded; which segments stay active; what tables hold
 *     live       what the runtime can reach; merged indices
 *     write      code, then the sections around it
 */
#include "link/merge_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <xxhash.h>

/* -- Function types ------------------------------------------------------------------------------------------------ */

/* Seeded with an address, so that a file cannot be made to collide. */
static uint64_t hash_type(const cj_merger *m, const cj_core_functype *type)
{
    uint64_t seed = (uint64_t)(uintptr_t)m->arena ^ type->param_count;
    seed = XXH3_64bits_withSeed(type->params, type->param_count, seed);
    return XXH3_64bits_withSeed(type->results, type->result_count, seed);
}

static bool grow_type_slots(cj_merger *m)
{
    uint32_t count = m->type_slot_count ? m->type_slot_count * 2 : 256;
    uint32_t *slots = cj__calloc(m->alloc, count, sizeof(*slots));
    if (!slots)
        return false;
    for (uint32_t n = 0; n < m->types.len; n++) {
        uint32_t at = (uint32_t)hash_type(m, &m->types.at[n].type) & (count - 1);
        while (slots[at])
            at = (at + 1) & (count - 1);
        slots[at] = n + 1;
    }
    cj__free(m->alloc, m->type_slots, m->type_slot_count * sizeof(*slots));
    m->type_slots = slots;
    m->type_slot_count = count;
    return true;
}

/* The number of a function type. CJ_NO_INDEX: out of memory. The type's bytes must live as long as the merger. */
static uint32_t type_number(cj_merger *m, const cj_core_functype *type)
{
    if (m->types.len * 2 >= m->type_slot_count && !grow_type_slots(m))
        return CJ_NO_INDEX;
    uint32_t at = (uint32_t)hash_type(m, type) & (m->type_slot_count - 1);
    for (; m->type_slots[at]; at = (at + 1) & (m->type_slot_count - 1))
        if (cj__core_functype_equal(&m->types.at[m->type_slots[at] - 1].type, type))
            return m->type_slots[at] - 1;
    if (!CJ_VEC_PUSH(m->alloc, &m->types, (cj_merge_type){*type, CJ_NO_INDEX}))
        return CJ_NO_INDEX;
    m->type_slots[at] = (uint32_t)m->types.len;
    return (uint32_t)m->types.len - 1;
}

uint32_t cj__merge_type_index(cj_merger *m, uint32_t number)
{
    cj_merge_type *type = &m->types.at[number];
    if (type->index == CJ_NO_INDEX) {
        if (CJ_VEC_PUSH(m->alloc, &m->type_order, number))
            type->index = (uint32_t)m->type_order.len - 1;
        else
            m->types_failed = true;
    }
    return type->index;
}

/* "(i32, i64) -> f32" */
static const char *type_text(const cj_core_functype *type, char *buffer, size_t size)
{
    size_t len = 0;
    for (int part = 0; part < 2; part++) {
        const uint8_t *at = part ? type->results : type->params;
        uint32_t count = part ? type->result_count : type->param_count;
        len += (size_t)snprintf(buffer + len, size - len, part ? ") -> (" : "(");
        for (uint32_t i = 0; i < count && len + 24 < size; i++)
            len += (size_t)snprintf(buffer + len, size - len, "%s%s", i ? ", " : "", cj__core_valtype_name(at[i]));
    }
    snprintf(buffer + len, size - len, ")");
    return buffer;
}

/* -- Targets ------------------------------------------------------------------------------------------------------- */

cj_target cj__merge_target(const cj_merger *m, uint32_t instance, uint32_t func)
{
    const cj_group_instance *inst = &m->instances[instance];
    uint32_t imported = inst->module->outline->imported_funcs;
    return func < imported ? inst->imports[func] : inst->func_base + (func - imported);
}

uint32_t cj__merge_target_type(const cj_merger *m, cj_target target)
{
    if (cj__target_is_slot(target))
        return m->slot_types[target & ~CJ_TARGET_SLOT];
    const cj_group_instance *inst = &m->instances[m->func_instance[target]];
    const cj_core_outline *o = inst->module->outline;
    return inst->module->types[o->func_types[o->imported_funcs + (target - inst->func_base)]];
}

const cj_body *cj__merge_body(const cj_merger *m, cj_target target, const cj_group_instance **instance, cj_bytes *bytes)
{
    const cj_group_instance *inst = &m->instances[m->func_instance[target]];
    uint32_t index = target - inst->func_base;
    *instance = inst;
    *bytes = inst->module->outline->bodies[index];
    return &inst->module->bodies[index];
}

/* -- Scanning ------------------------------------------------------------------------------------------------------ */

static cj_status intern_types(cj_merger *m, cj_scanned *module)
{
    const cj_core_outline *o = module->outline;
    module->types = CJ_ARENA_ARRAY(m->arena, uint32_t, o->type_count);
    if (!module->types)
        return cj__fail_nomem(m->err);
    for (uint32_t i = 0; i < o->type_count; i++) {
        module->types[i] = type_number(m, &o->types[i]);
        if (module->types[i] == CJ_NO_INDEX)
            return cj__fail_nomem(m->err);
    }
    return CJ_OK;
}

static cj_status scan_modules(cj_merger *m)
{
    const cj_merge_input *in = m->input;
    uint64_t total = 0;
    for (uint32_t i = 0; i < in->instance_count; i++)
        total += in->instances[i].module->file.len;
    if (total > m->config->max_merged_size)
        return cj__fail(m->err, CJ_LIMIT,
                        "core instances of one group have %llu bytes of modules, max_merged_size is %llu",
                        (unsigned long long)total, (unsigned long long)m->config->max_merged_size);

    m->modules = CJ_ARENA_ARRAY(m->arena, cj_scanned, in->instance_count);
    m->instances = CJ_ARENA_ARRAY(m->arena, cj_group_instance, in->instance_count);
    cj_scanner *scanner = cj__scanner_new(m->config, in->interruptible, m->err);
    cj_status status = m->modules && m->instances && scanner ? CJ_OK : cj__fail_nomem(m->err);
    for (uint32_t i = 0; i < in->instance_count && status == CJ_OK; i++) {
        cj_group_instance *inst = &m->instances[i];
        inst->sources = in->instances[i].sources;
        inst->late = in->instances[i].late;
        inst->init = CJ_NO_INDEX;
        for (uint32_t k = 0; k < m->module_count && !inst->module; k++)
            if (m->modules[k].outline == in->instances[i].module)
                inst->module = &m->modules[k];
        if (inst->module)
            continue;
        inst->module = &m->modules[m->module_count++];
        inst->module->outline = in->instances[i].module;
        status = cj__scan_module(scanner, m->arena, inst->module);
        if (status == CJ_OK)
            status = intern_types(m, inst->module);
        if (status != CJ_OK)
            cj__error_where(m->err, "core instance %u", i);
    }
    cj__scanner_delete(scanner);
    return status;
}

/* -- The boundary -------------------------------------------------------------------------------------------------- */

/* What the engine can pass in and out of the group. */
static cj_status check_boundary_type(cj_merger *m, const cj_core_functype *type, const char *what, uint32_t number)
{
    if (type->result_count > 1)
        return cj__fail(m->err, CJ_UNSUPPORTED,
                        "unsupported: several results of a core function that crosses groups (%s %u)", what, number);
    if (type->param_count > CJ_MAX_BOUNDARY_PARAMS)
        return cj__fail(m->err, CJ_UNSUPPORTED,
                        "unsupported: more than %d parameters of a core function that crosses groups (%s %u)",
                        CJ_MAX_BOUNDARY_PARAMS, what, number);
    for (uint32_t i = 0; i < type->param_count + type->result_count; i++) {
        uint8_t t = i < type->param_count ? type->params[i] : type->results[i - type->param_count];
        if (t < CJ_CORE_F64) /* the codes of vectors and references are below those of numbers */
            return cj__fail(m->err, CJ_UNSUPPORTED, "unsupported: %s in a core function that crosses groups (%s %u)",
                            cj__core_valtype_name(t), what, number);
    }
    return CJ_OK;
}

static cj_status number_slots(cj_merger *m)
{
    const cj_merge_input *in = m->input;
    if (in->slot_count >= CJ_TARGET_SLOT / 2)
        return cj__fail(m->err, CJ_INTERNAL, "%u slots", in->slot_count);
    for (uint32_t i = 0; i < in->slot_count; i++)
        if (in->slots[i].shape >= m->shape_count)
            m->shape_count = in->slots[i].shape + 1;
    if (m->shape_count > in->slot_count)
        return cj__fail(m->err, CJ_INTERNAL, "%u slots have %u shapes", in->slot_count, m->shape_count);
    m->slot_types = CJ_ARENA_ARRAY(m->arena, uint32_t, in->slot_count);
    m->slot_wrappers = CJ_ARENA_ARRAY(m->arena, uint32_t, in->slot_count);
    m->slot_declared = CJ_ARENA_ARRAY(m->arena, uint8_t, in->slot_count);
    m->shape_imports = CJ_ARENA_ARRAY(m->arena, uint32_t, m->shape_count);
    m->shape_types = CJ_ARENA_ARRAY(m->arena, uint32_t, m->shape_count);
    if (!m->slot_types || !m->slot_wrappers || !m->slot_declared || !m->shape_imports || !m->shape_types)
        return cj__fail_nomem(m->err);
    memset(m->slot_wrappers, 0xff, in->slot_count * sizeof(*m->slot_wrappers));
    memset(m->shape_imports, 0xff, m->shape_count * sizeof(*m->shape_imports));
    memset(m->shape_types, 0xff, m->shape_count * sizeof(*m->shape_types));

    for (uint32_t i = 0; i < in->slot_count; i++) {
        const cj_core_functype *type = &in->slots[i].type;
        uint32_t shape = in->slots[i].shape;
        CJ_TRY(check_boundary_type(m, type, "slot", i));
        uint8_t *params = cj__arena_alloc(m->arena, (size_t)type->param_count + 1, 1);
        if (!params)
            return cj__fail_nomem(m->err);
        if (type->param_count)
            memcpy(params, type->params, type->param_count);
        params[type->param_count] = CJ_CORE_I32;
        uint32_t with_slot =
            type_number(m, &(cj_core_functype){params, type->results, type->param_count + 1, type->result_count});
        m->slot_types[i] = type_number(m, type);
        if (with_slot == CJ_NO_INDEX || m->slot_types[i] == CJ_NO_INDEX)
            return cj__fail_nomem(m->err);
        if (m->shape_types[shape] != CJ_NO_INDEX && m->shape_types[shape] != with_slot)
            return cj__fail(m->err, CJ_INTERNAL, "slot %u differs in type from others of shape %u", i, shape);
        m->shape_types[shape] = with_slot;
    }
    return CJ_OK;
}

/* -- Resolution of imports ----------------------------------------------------------------------------------------- */

static cj_status fail_import(cj_merger *m, uint32_t instance, const cj_core_import *import, const char *format, ...)
    CJ_PRINTF(4, 5);
static cj_status fail_import(cj_merger *m, uint32_t instance, const cj_core_import *import, const char *format, ...)
{
    char text[240];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    cj__fail_at(m->err, CJ_INVALID, import->offset, "%s", text);
    cj__error_where(m->err, "core instance %u: import \"%.*s\" \"%.*s\"", instance, CJ_STR_ARG(import->module),
                    CJ_STR_ARG(import->name));
    return CJ_INVALID;
}

/* Core specification, "Import Matching", limits. */
static bool limits_match(const cj_ast_limits *given, const cj_ast_limits *wanted)
{
    return given->min >= wanted->min && (!wanted->has_max || (given->has_max && given->max <= wanted->max));
}

static cj_status fail_limits(cj_merger *m, uint32_t instance, const cj_core_import *import, const cj_ast_limits *given)
{
    char bounds[2][40];
    const cj_ast_limits *limits[2] = {&import->type.limits, given};
    for (int i = 0; i < 2; i++) {
        if (limits[i]->has_max)
            snprintf(bounds[i], sizeof(bounds[i]), "%u to %u", (unsigned)limits[i]->min, (unsigned)limits[i]->max);
        else
            snprintf(bounds[i], sizeof(bounds[i]), "%u or more", (unsigned)limits[i]->min);
    }
    return fail_import(m, instance, import, "limits do not match: wanted %s, given %s", bounds[0], bounds[1]);
}

static cj_status check_global(cj_merger *m, uint32_t instance, const cj_core_import *import,
                              const cj_merge_global *given)
{
    if (given->type == import->type.value_type && given->is_mutable == import->type.is_mutable)
        return CJ_OK;
    return fail_import(m, instance, import, "global types do not match: wanted %s%s, given %s%s",
                       import->type.is_mutable ? "mutable " : "", cj__core_valtype_name(import->type.value_type),
                       given->is_mutable ? "mutable " : "", cj__core_valtype_name(given->type));
}

/* A constant of another group: a global of its own here. */
static cj_status resolve_const(cj_merger *m, uint32_t instance, const cj_core_import *import, const cj_const *value)
{
    const cj_merge_global global = {.type = value->type, .value = *value};
    if (import->type.sort != CJ_SORT_CORE_GLOBAL || cj__core_is_ref(value->type))
        return cj__fail(m->err, CJ_INTERNAL, "core instance %u: an import is no constant", instance);
    CJ_TRY(check_global(m, instance, import, &global));
    m->instances[instance].globals[import->index] = (uint32_t)m->globals.len;
    return CJ_VEC_PUSH(m->alloc, &m->globals, global) ? CJ_OK : cj__fail_nomem(m->err);
}

static cj_status resolve_import(cj_merger *m, uint32_t instance, const cj_core_import *import,
                                const cj_merge_source *source)
{
    cj_group_instance *inst = &m->instances[instance];
    if (source->kind == CJ_SOURCE_CONST)
        return resolve_const(m, instance, import, source->value);
    const cj_core_outline *from = NULL;
    uint32_t limit = 0;
    if (source->kind == CJ_SOURCE_INSTANCE) {
        if (source->instance >= instance)
            return cj__fail(m->err, CJ_INTERNAL, "core instance %u imports from %u", instance, source->instance);
        from = m->instances[source->instance].module->outline;
        limit = import->type.sort == CJ_SORT_CORE_FUNC     ? from->func_count
                : import->type.sort == CJ_SORT_CORE_TABLE  ? from->table_count
                : import->type.sort == CJ_SORT_CORE_MEMORY ? from->memory_count
                                                           : from->global_count;
    } else if (import->type.sort == CJ_SORT_CORE_FUNC) {
        limit = m->input->slot_count;
    }
    if ((from ? source->index : source->slot) >= limit)
        return cj__fail(m->err, CJ_INTERNAL, "core instance %u: an import has no source", instance);

    switch (import->type.sort) {
    case CJ_SORT_CORE_FUNC: {
        cj_target target = from ? cj__merge_target(m, source->instance, source->index) : source->slot | CJ_TARGET_SLOT;
        uint32_t wanted = inst->module->types[import->type.func_type], given = cj__merge_target_type(m, target);
        if (wanted != given) {
            char a[100], b[100];
            return fail_import(m, instance, import, "function types do not match: wanted %s, given %s",
                               type_text(&m->types.at[wanted].type, a, sizeof(a)),
                               type_text(&m->types.at[given].type, b, sizeof(b)));
        }
        inst->imports[import->index] = target;
        return CJ_OK;
    }
    case CJ_SORT_CORE_TABLE: {
        uint32_t number = m->instances[source->instance].tables[source->index];
        const cj_ast_coretype *given = &m->tables.at[number].type;
        if (given->value_type != import->type.value_type)
            return fail_import(m, instance, import, "table types do not match: wanted %s, given %s",
                               cj__core_valtype_name(import->type.value_type),
                               cj__core_valtype_name(given->value_type));
        if (!limits_match(&given->limits, &import->type.limits))
            return fail_limits(m, instance, import, &given->limits);
        inst->tables[import->index] = number;
        return CJ_OK;
    }
    case CJ_SORT_CORE_MEMORY:
        return limits_match(&m->memory, &import->type.limits) ? CJ_OK : fail_limits(m, instance, import, &m->memory);
    default: { /* a global: tags are refused by the scan */
        uint32_t number = m->instances[source->instance].globals[source->index];
        CJ_TRY(check_global(m, instance, import, &m->globals.at[number]));
        inst->globals[import->index] = number;
        return CJ_OK;
    }
    }
}

static cj_status resolve_instance(cj_merger *m, uint32_t instance)
{
    cj_group_instance *inst = &m->instances[instance];
    const cj_core_outline *o = inst->module->outline;
    inst->imports = CJ_ARENA_ARRAY(m->arena, cj_target, o->imported_funcs);
    inst->tables = CJ_ARENA_ARRAY(m->arena, uint32_t, o->table_count);
    inst->globals = CJ_ARENA_ARRAY(m->arena, uint32_t, o->global_count);
    if (!inst->imports || !inst->tables || !inst->globals)
        return cj__fail_nomem(m->err);
    for (uint32_t i = 0; i < o->import_count; i++)
        CJ_TRY(resolve_import(m, instance, &o->imports[i], &inst->sources[i]));

    for (uint32_t i = o->imported_tables; i < o->table_count; i++) {
        inst->tables[i] = (uint32_t)m->tables.len;
        if (!CJ_VEC_PUSH(m->alloc, &m->tables, (cj_merge_table){.type = o->tables[i], .index = CJ_NO_INDEX}))
            return cj__fail_nomem(m->err);
    }
    for (uint32_t i = 0; i < o->table_count; i++)
        m->tables.at[inst->tables[i]].facts |= inst->module->table_facts[i];
    for (uint32_t i = o->imported_globals; i < o->global_count; i++) {
        inst->globals[i] = (uint32_t)m->globals.len;
        cj_merge_global global = {.type = o->globals[i].type, .is_mutable = o->globals[i].is_mutable};
        if (!CJ_VEC_PUSH(m->alloc, &m->globals, global))
            return cj__fail_nomem(m->err);
    }
    if (o->memory_count > o->imported_memories) {
        if (m->has_memory)
            return cj__fail_at(m->err, CJ_UNSUPPORTED, o->file.offset,
                               "unsupported: two memories in core instances that share a table or global");
        m->has_memory = true;
        m->memory = o->memories[o->imported_memories].limits;
    }
    return CJ_OK;
}

static cj_status resolve(cj_merger *m)
{
    uint64_t functions = 0;
    for (uint32_t i = 0; i < m->input->instance_count; i++) {
        m->instances[i].func_base = (uint32_t)functions;
        functions += m->instances[i].module->outline->body_count; /* of at most max_merged_size bytes: no overflow */
    }
    if (functions >= CJ_TARGET_SLOT / 2)
        return cj__fail(m->err, CJ_UNSUPPORTED, "unsupported: %llu core functions in one group",
                        (unsigned long long)functions);
    m->defined_count = (uint32_t)functions;
    m->func_index = CJ_ARENA_ARRAY(m->arena, uint32_t, m->defined_count);
    m->func_instance = CJ_ARENA_ARRAY(m->arena, uint32_t, m->defined_count);
    m->declared = CJ_ARENA_ARRAY(m->arena, uint8_t, m->defined_count);
    if (!m->func_index || !m->func_instance || !m->declared)
        return cj__fail_nomem(m->err);
    memset(m->func_index, 0xff, m->defined_count * sizeof(*m->func_index));
    for (uint32_t i = 0; i < m->input->instance_count; i++)
        for (uint32_t k = 0; k < m->instances[i].module->outline->body_count; k++)
            m->func_instance[m->instances[i].func_base + k] = i;

    for (uint32_t i = 0; i < m->input->instance_count; i++) {
        CJ_TRY(resolve_instance(m, i));
        CJ_TRY(cj__merge_segments(m, i));
    }
    for (uint32_t i = 0; i < m->input->export_count; i++) {
        const cj_merge_export *export_ = &m->input->exports[i];
        if (export_->is_slot ? export_->index >= m->input->slot_count
                             : export_->instance >= m->input->instance_count ||
                                   export_->index >= m->instances[export_->instance].module->outline->func_count)
            return cj__fail(m->err, CJ_INTERNAL, "export %u of a group does not exist", i);
        if (export_->is_slot)
            continue; /* its type is the slot's */
        uint32_t type = cj__merge_target_type(m, cj__merge_target(m, export_->instance, export_->index));
        CJ_TRY(check_boundary_type(m, &m->types.at[type].type, "export", i));
    }
    return CJ_OK;
}

/* -- Sections ------------------------------------------------------------------------------------------------------ */

enum {
    SECTION_TYPE = 1,
    SECTION_IMPORT,
    SECTION_FUNCTION,
    SECTION_TABLE,
    SECTION_MEMORY,
    SECTION_GLOBAL,
    SECTION_EXPORT,
    SECTION_ELEM = 9,
    SECTION_CODE,
    SECTION_DATA,
    SECTION_DATA_COUNT,
};

static size_t begin_section(cj_writer *w, uint8_t id)
{
    cj__write_byte(w, id);
    return cj__write_begin_sized(w);
}

static cj_status write_types(cj_merger *m, cj_writer *w)
{
    if (m->type_order.len > m->config->max_core_types)
        return cj__fail(m->err, CJ_LIMIT, "merged core modules use %zu function types, max_core_types is %u",
                        m->type_order.len, m->config->max_core_types);
    m->out->type_count = (uint32_t)m->type_order.len;
    size_t mark = begin_section(w, SECTION_TYPE);
    cj__write_u32(w, (uint32_t)m->type_order.len);
    for (size_t i = 0; i < m->type_order.len; i++) {
        const cj_core_functype *type = &m->types.at[m->type_order.at[i]].type;
        cj__write_byte(w, 0x60);
        cj__write_u32(w, type->param_count);
        cj__write_bytes(w, type->params, type->param_count);
        cj__write_u32(w, type->result_count);
        cj__write_bytes(w, type->results, type->result_count);
    }
    cj__write_end_sized(w, mark);
    return CJ_OK;
}

/* The field name of an import is its signature as WAMR writes them: natives are registered once per signature. */
static void write_signature(cj_writer *w, const cj_core_functype *type)
{
    cj__write_u32(w, type->param_count + type->result_count + 2);
    cj__write_byte(w, '(');
    for (uint32_t i = 0; i < type->param_count + type->result_count; i++) {
        if (i == type->param_count)
            cj__write_byte(w, ')');
        uint8_t t = i < type->param_count ? type->params[i] : type->results[i - type->param_count];
        cj__write_byte(w, (uint8_t)cj__core_letter((cj_core)t));
    }
    if (!type->result_count)
        cj__write_byte(w, ')');
}

static void write_imports(cj_merger *m, cj_writer *w)
{
    size_t mark = begin_section(w, SECTION_IMPORT);
    cj__write_u32(w, m->out->import_count);
    for (uint32_t i = 0; i < m->out->import_count; i++) {
        uint32_t type = m->shape_types[m->out->import_shapes[i]];
        cj__write_name(w, CJ_STR("cj"));
        write_signature(w, &m->types.at[type].type);
        cj__write_byte(w, 0);
        cj__write_u32(w, cj__merge_type_index(m, type));
    }
    cj__write_end_sized(w, mark);
}

static void write_functions(cj_merger *m, cj_writer *w)
{
    size_t mark = begin_section(w, SECTION_FUNCTION);
    cj__write_u32(w, (uint32_t)(m->live.len + m->extras.len));
    for (size_t i = 0; i < m->live.len; i++)
        cj__write_u32(w, cj__merge_type_index(m, cj__merge_target_type(m, m->live.at[i])));
    for (size_t i = 0; i < m->extras.len; i++)
        cj__write_u32(w, cj__merge_type_index(m, m->extras.at[i].type));
    cj__write_end_sized(w, mark);
}

static void write_limits(cj_writer *w, const cj_ast_limits *limits)
{
    cj__write_byte(w, limits->has_max);
    cj__write_u32(w, (uint32_t)limits->min);
    if (limits->has_max)
        cj__write_u32(w, (uint32_t)limits->max);
}

static void write_tables(cj_merger *m, cj_writer *w)
{
    bool poll = m->poll != CJ_NO_INDEX;
    size_t mark = begin_section(w, SECTION_TABLE);
    cj__write_u32(w, m->poll_table + poll);
    for (size_t i = 0; i < m->tables.len; i++)
        if (m->tables.at[i].used) {
            cj__write_byte(w, m->tables.at[i].type.value_type);
            write_limits(w, &m->tables.at[i].type.limits);
        }
    if (poll) {
        cj__write_byte(w, CJ_CORE_FUNCREF);
        write_limits(w, &(cj_ast_limits){.has_max = true, .min = 1, .max = 1});
    }
    cj__write_end_sized(w, mark);
}

static void write_i32_global(cj_writer *w, uint32_t value)
{
    cj__write_byte(w, CJ_CORE_I32);
    cj__write_byte(w, 1); /* mutable */
    cj__write_byte(w, 0x41);
    cj__write_s32(w, (int32_t)value);
    cj__write_byte(w, 0x0b);
}

static void write_globals(cj_merger *m, cj_writer *w)
{
    size_t mark = begin_section(w, SECTION_GLOBAL);
    cj__write_u32(w, m->flag_base + m->flag_count);
    for (uint32_t i = 0; i < m->global_base; i++)
        write_i32_global(w, i == CJ_GLOBAL_BUDGET ? CJ_BUDGET_ENTRIES : 0);
    for (size_t i = 0; i < m->globals.len; i++) {
        const cj_merge_global *global = &m->globals.at[i];
        cj__write_byte(w, global->type);
        cj__write_byte(w, global->is_mutable);
        cj__merge_write_const(m, w, &global->value);
        cj__write_byte(w, 0x0b);
    }
    for (uint32_t i = 0; i < m->flag_count; i++)
        write_i32_global(w, 0);
    cj__write_end_sized(w, mark);
}

/* Only functions, under names that mean nothing to WAMR, which calls or reads exports named _initialize, malloc,
 * __heap_base and others. */
static void write_exports(cj_merger *m, cj_writer *w)
{
    size_t mark = begin_section(w, SECTION_EXPORT);
    cj__write_u32(w, m->out->export_count);
    for (uint32_t i = 0; i < m->out->export_count; i++) {
        char name[16];
        int len = snprintf(name, sizeof(name), "f%u", i);
        cj__write_name(w, (cj_str){name, (size_t)len});
        cj__write_byte(w, 0);
        cj__write_u32(w, m->out->export_funcs[i]);
    }
    cj__write_end_sized(w, mark);
}

static void write_elem(cj_merger *m, cj_writer *w, const cj_merge_elem *elem)
{
    bool active = elem->seg.apply == CJ_APPLY_LOAD;
    bool exprs = elem->has_null || elem->ref_type != CJ_CORE_FUNCREF;
    uint32_t table = active ? m->tables.at[elem->table].index : 0;
    bool explicit_table = active && (table != 0 || elem->ref_type != CJ_CORE_FUNCREF);
    cj__write_u32(w, (active ? 0u : 1u) | (explicit_table ? 2u : 0u) | (exprs ? 4u : 0u));
    if (explicit_table)
        cj__write_u32(w, table);
    if (active) {
        cj__write_byte(w, 0x41);
        cj__write_s32(w, (int32_t)elem->seg.offset);
        cj__write_byte(w, 0x0b);
    }
    if (!active || explicit_table)
        cj__write_byte(w, exprs ? elem->ref_type : 0x00);
    cj__write_u32(w, elem->seg.count);
    for (uint32_t i = 0; i < elem->seg.count; i++) {
        if (!exprs) {
            cj__write_u32(w, cj__merge_ref_index(m, elem->items[i]));
            continue;
        }
        bool null = elem->items[i] == CJ_TARGET_NULL;
        cj_const value = {.type = elem->ref_type, .is_null = null};
        if (!null)
            value.of.func = elem->items[i];
        cj__merge_write_const(m, w, &value);
        cj__write_byte(w, 0x0b);
    }
}

/* A declarative segment for what ref.func names: validation wants it said outside of bodies. */
static void write_declared(cj_merger *m, cj_writer *w)
{
    cj__write_u32(w, 3);
    cj__write_byte(w, 0x00);
    size_t mark = cj__write_begin_sized(w);
    uint32_t count = 0;
    for (size_t i = 0; i < m->live.len; i++)
        if (m->declared[m->live.at[i]]) {
            cj__write_u32(w, m->func_index[m->live.at[i]]);
            count++;
        }
    for (uint32_t i = 0; i < m->input->slot_count; i++)
        if (m->slot_declared[i]) {
            cj__write_u32(w, m->first_extra + m->slot_wrappers[i]);
            count++;
        }
    cj__write_end_counted(w, mark, count);
}

static bool any_declared(const cj_merger *m)
{
    return (m->defined_count && memchr(m->declared, 1, m->defined_count)) ||
           (m->input->slot_count && memchr(m->slot_declared, 1, m->input->slot_count));
}

static void write_elems(cj_merger *m, cj_writer *w)
{
    bool poll = m->poll != CJ_NO_INDEX, declared = any_declared(m);
    size_t mark = begin_section(w, SECTION_ELEM);
    cj__write_u32(w, m->elem_count + poll + declared);
    for (uint32_t i = 0; i < m->input->instance_count; i++)
        for (uint32_t k = 0; k < m->instances[i].module->outline->elem_count; k++)
            if (m->instances[i].elems[k].seg.index != CJ_NO_INDEX)
                write_elem(m, w, &m->instances[i].elems[k]);
    for (uint32_t i = 0; i < CJ_COUNT(m->empty_elem); i++)
        if (m->empty_elem[i] != CJ_NO_INDEX)
            write_elem(m, w, &(cj_merge_elem){.ref_type = i ? CJ_CORE_EXTERNREF : CJ_CORE_FUNCREF});
    if (poll) {
        cj__write_u32(w, 2);
        cj__write_u32(w, m->poll_table);
        static const uint8_t at_zero[] = {0x41, 0x00, 0x0b, 0x00, 0x01};
        cj__write_bytes(w, at_zero, sizeof(at_zero));
        cj__write_u32(w, m->first_extra + m->look);
    }
    if (declared)
        write_declared(m, w);
    cj__write_end_sized(w, mark);
}

static void write_datas(cj_merger *m, cj_writer *w)
{
    size_t mark = begin_section(w, SECTION_DATA);
    cj__write_u32(w, m->data_count);
    for (uint32_t i = 0; i < m->input->instance_count; i++)
        for (uint32_t k = 0; k < m->instances[i].module->outline->data_count; k++) {
            const cj_merge_data *data = &m->instances[i].datas[k];
            if (data->seg.index == CJ_NO_INDEX)
                continue;
            bool active = data->seg.apply == CJ_APPLY_LOAD;
            cj__write_byte(w, active ? 0 : 1);
            if (active) {
                cj__write_byte(w, 0x41);
                cj__write_s32(w, (int32_t)data->seg.offset);
                cj__write_byte(w, 0x0b);
            }
            cj__write_u32(w, data->seg.count);
            cj__write_bytes(w, data->bytes, data->seg.count);
        }
    if (m->empty_data != CJ_NO_INDEX) {
        cj__write_byte(w, 1);
        cj__write_u32(w, 0);
    }
    cj__write_end_padded(w, mark);
}

/* -- Output -------------------------------------------------------------------------------------------------------- */

static cj_status describe(cj_merger *m)
{
    cj_merged *out = m->out;
    const cj_merge_input *in = m->input;
    for (uint32_t i = 0; i < m->shape_count; i++)
        out->import_count += m->shape_imports[i] != CJ_NO_INDEX;
    out->export_count = in->export_count;
    for (uint32_t i = 0; i < in->instance_count; i++)
        out->export_count += m->instances[i].init != CJ_NO_INDEX;
    out->instance_count = in->instance_count;
    out->import_shapes = cj__malloc(m->alloc, out->import_count * sizeof(uint32_t));
    out->init_exports = cj__malloc(m->alloc, in->instance_count * sizeof(uint32_t));
    out->export_funcs = cj__malloc(m->alloc, out->export_count * sizeof(uint32_t));
    if (!out->import_shapes || !out->init_exports || !out->export_funcs)
        return cj__fail_nomem(m->err);
    for (uint32_t i = 0; i < m->shape_count; i++)
        if (m->shape_imports[i] != CJ_NO_INDEX)
            out->import_shapes[m->shape_imports[i]] = i;
    uint32_t next = 0;
    for (; next < in->export_count; next++)
        out->export_funcs[next] = cj__merge_ref_index(m, cj__merge_export_target(m, &in->exports[next]));
    for (uint32_t i = 0; i < in->instance_count; i++) {
        out->init_exports[i] = CJ_NO_INDEX;
        if (m->instances[i].init != CJ_NO_INDEX) {
            out->export_funcs[next] = m->instances[i].init;
            out->init_exports[i] = next++;
        }
    }
    out->interrupt_global = in->interruptible ? (uint32_t)CJ_GLOBAL_INTERRUPT : CJ_NO_INDEX;
    out->interrupted_global = in->interruptible ? (uint32_t)CJ_GLOBAL_INTERRUPTED : CJ_NO_INDEX;
    out->has_memory = m->has_memory;

    m->global_base = !in->interruptible                   ? 0
                     : m->check == CJ_INTERRUPT_COUNTDOWN ? CJ_GLOBAL_BUDGET + 1
                                                          : CJ_GLOBAL_INTERRUPTED + 1;
    m->flag_base = m->global_base + (uint32_t)m->globals.len;

    uint64_t locals = 0;
    for (size_t i = 0; i < m->live.len; i++) {
        const cj_group_instance *inst;
        cj_bytes bytes;
        locals += cj__merge_body(m, m->live.at[i], &inst, &bytes)->local_count;
    }
    if (locals > m->config->max_core_locals)
        return cj__fail(m->err, CJ_LIMIT, "core functions have %llu locals together, max_core_locals is %u",
                        (unsigned long long)locals, m->config->max_core_locals);
    out->local_count = locals;
    return CJ_OK;
}

/* Of functions and imports; those that code names have theirs already. */
static void number_types(cj_merger *m)
{
    for (size_t i = 0; i < m->live.len; i++)
        (void)cj__merge_type_index(m, cj__merge_target_type(m, m->live.at[i]));
    for (size_t i = 0; i < m->extras.len; i++)
        (void)cj__merge_type_index(m, m->extras.at[i].type);
    for (uint32_t i = 0; i < m->out->import_count; i++)
        (void)cj__merge_type_index(m, m->shape_types[m->out->import_shapes[i]]);
}

/* About what will be written, rather too much: room that is not written costs nothing. */
static uint64_t guess_size(const cj_merger *m)
{
    enum { PER_FUNCTION = 24, PER_SITE = 2, OTHERS = 4096 };
    uint64_t size = OTHERS + (uint64_t)m->live.len * PER_FUNCTION;
    for (size_t i = 0; i < m->live.len; i++) {
        const cj_group_instance *inst;
        cj_bytes bytes;
        const cj_body *body = cj__merge_body(m, m->live.at[i], &inst, &bytes);
        size += bytes.len + (uint64_t)body->site_count * PER_SITE;
    }
    for (uint32_t i = 0; i < m->input->instance_count; i++) {
        const cj_core_outline *o = m->instances[i].module->outline;
        size += o->names.len;
        for (uint32_t k = 0; k < o->data_count; k++)
            size += m->instances[i].datas[k].seg.count;
        for (uint32_t k = 0; k < o->elem_count; k++)
            size += m->instances[i].elems[k].seg.count * 3ull;
    }
    return size;
}

static cj_status write_module(cj_merger *m, cj_writer *w)
{
    static const uint8_t preamble[] = {0x00, 'a', 's', 'm', 0x01, 0x00, 0x00, 0x00};
    uint64_t guess = guess_size(m);
    number_types(m);
    if (guess <= w->max && cj__write_room(w, (size_t)guess))
        cj__will_fill(w->alloc, w->at, (size_t)guess);
    cj__write_bytes(w, preamble, sizeof(preamble));
    CJ_TRY(write_types(m, w));
    if (m->out->import_count)
        write_imports(m, w);
    write_functions(m, w);
    if (m->poll_table || m->poll != CJ_NO_INDEX)
        write_tables(m, w);
    if (m->has_memory) {
        size_t mark = begin_section(w, SECTION_MEMORY);
        cj__write_u32(w, 1);
        write_limits(w, &m->memory);
        cj__write_end_sized(w, mark);
    }
    if (m->flag_base + m->flag_count)
        write_globals(m, w);
    write_exports(m, w);
    if (m->elem_count || m->poll != CJ_NO_INDEX || any_declared(m))
        write_elems(m, w);
    if (m->needs_data_count && m->data_count) {
        size_t mark = begin_section(w, SECTION_DATA_COUNT);
        cj__write_u32(w, m->data_count);
        cj__write_end_sized(w, mark);
    }
    size_t mark = begin_section(w, SECTION_CODE);
    cj__merge_write_code(m, w);
    cj__write_end_padded(w, mark);
    if (m->data_count)
        write_datas(m, w);
    cj__merge_write_names(m, w);

    cj_status status = m->types_failed ? CJ_NO_MEMORY : w->status;
    if (status == CJ_LIMIT)
        return cj__fail(m->err, CJ_LIMIT, "merged core modules have more bytes than max_merged_size, which is %llu",
                        (unsigned long long)m->config->max_merged_size);
    if (status == CJ_OK && m->type_order.len != m->out->type_count)
        return cj__fail(m->err, CJ_INTERNAL, "a type was found after the types had been written");
    return status == CJ_OK ? CJ_OK : cj__fail_nomem(m->err);
}

static cj_status run(cj_merger *m)
{
    static const uint8_t three_i32[] = {CJ_CORE_I32, CJ_CORE_I32, CJ_CORE_I32};
    m->type_init = type_number(m, &(cj_core_functype){0});
    m->type_bulk = type_number(m, &(cj_core_functype){.params = three_i32, .param_count = 3});
    if (m->type_init == CJ_NO_INDEX || m->type_bulk == CJ_NO_INDEX)
        return cj__fail_nomem(m->err);
    CJ_TRY(scan_modules(m));
    CJ_TRY(number_slots(m));
    CJ_TRY(resolve(m));
    CJ_TRY(cj__merge_plan_init(m));
    CJ_TRY(cj__merge_known_tables(m));
    CJ_TRY(cj__merge_live(m));
    CJ_TRY(describe(m));

    /* WAMR takes 32 bits */
    uint64_t max = m->config->max_merged_size < UINT32_MAX ? m->config->max_merged_size : UINT32_MAX;
    cj_writer w = {.alloc = m->alloc, .max = max};
    cj_status status = write_module(m, &w);
    if (status != CJ_OK) {
        cj__write_free(&w);
        return status;
    }
    cj__write_trim(&w);
    m->out->bytes = w.at;
    m->out->size = w.len;
    m->out->capacity = w.cap;
    return CJ_OK;
}

cj_status cj__merge(const cj_config *config, const cj_merge_input *input, cj_merged *out, cj_error *err)
{
    cj_error ignored;
    cj_merger m = {
        .config = config,
        .alloc = cj__alloc_or_default(config->allocator),
        .input = input,
        .out = out,
        .err = err ? err : &ignored,
        .check = input->interrupt_check,
        .stop = CJ_NO_INDEX,
        .look = CJ_NO_INDEX,
        .poll = CJ_NO_INDEX,
        .copy = CJ_NO_INDEX,
        .fill = CJ_NO_INDEX,
        .empty_elem = {CJ_NO_INDEX, CJ_NO_INDEX},
        .empty_data = CJ_NO_INDEX,
    };
#if defined(CJ_ENGINE_JIT) && !CJ_ENGINE_JIT
    if (m.check == CJ_INTERRUPT_DEFAULT)
        m.check = CJ_INTERRUPT_FLAG;
#else
    if (m.check == CJ_INTERRUPT_DEFAULT)
        m.check = CJ_INTERRUPT_COUNTDOWN;
#endif
    memset(out, 0, sizeof(*out));
    if (cj_arena_new(config->allocator, &m.arena) != CJ_OK)
        return cj__fail_nomem(m.err);
    cj_status status = run(&m);
    if (status != CJ_OK)
        cj__merged_fini(config, out);

    for (uint32_t i = 0; i < m.module_count; i++)
        CJ_VEC_FREE(m.alloc, &m.modules[i].sites);
    cj__free(m.alloc, m.type_slots, m.type_slot_count * sizeof(*m.type_slots));
    CJ_VEC_FREE(m.alloc, &m.types);
    CJ_VEC_FREE(m.alloc, &m.type_order);
    CJ_VEC_FREE(m.alloc, &m.tables);
    CJ_VEC_FREE(m.alloc, &m.globals);
    CJ_VEC_FREE(m.alloc, &m.work);
    CJ_VEC_FREE(m.alloc, &m.live);
    CJ_VEC_FREE(m.alloc, &m.extras);
    cj_arena_delete(m.arena);
    return status;
}

void cj__merged_forget_bytes(const cj_config *config, cj_merged *merged)
{
    cj__free(cj__alloc_or_default(config->allocator), merged->bytes, merged->capacity);
    merged->bytes = NULL;
    merged->capacity = 0;
}

void cj__merged_fini(const cj_config *config, cj_merged *merged)
{
    const cj_allocator *alloc = cj__alloc_or_default(config->allocator);
    cj__merged_forget_bytes(config, merged);
    cj__free(alloc, merged->import_shapes, merged->import_count * sizeof(uint32_t));
    cj__free(alloc, merged->init_exports, merged->instance_count * sizeof(uint32_t));
    cj__free(alloc, merged->export_funcs, merged->export_count * sizeof(uint32_t));
    memset(merged, 0, sizeof(*merged));
}
