/* decode.c: from bytes to the AST: preamble, sections, and the definitions that are not types or canonical functions.
 *
 * Place in the pipeline: the first to see a file. Shared conventions: decode.h.
 * Non-goals: validation that needs to know what an index refers to.
 * Spec: Binary.md.
 */
#include "component/decode.h"

#include <stdio.h>

enum {
    SECTION_CUSTOM,
    SECTION_CORE_MODULE,
    SECTION_CORE_INSTANCE,
    SECTION_CORE_TYPE,
    SECTION_COMPONENT,
    SECTION_INSTANCE,
    SECTION_ALIAS,
    SECTION_TYPE,
    SECTION_CANON,
    SECTION_START,
    SECTION_IMPORT,
    SECTION_EXPORT,
    SECTION_VALUE,
    SECTION_COUNT,
};

static const char *const section_names[SECTION_COUNT] = {
    "a custom section",    "a core module section", "a core instance section", "a core type section",
    "a component section", "an instance section",   "an alias section",        "a type section",
    "a canon section",     "a start section",       "an import section",       "an export section",
    "a value section",
};

/* -- What all the files of the decoder use ------------------------------------------------------------------------- */

cj_status cj__decode_unexpected(const cj_decoder *d, uint64_t offset, uint8_t found, const char *what)
{
    return cj__fail_at(d->err, CJ_MALFORMED, offset, "expected %s, found 0x%02x", what, found);
}

/* Counts `n` elements. */
static cj_status count_elements(cj_decoder *d, uint32_t n, uint64_t offset)
{
    if (n > d->config.max_definitions - d->elements)
        return cj__fail_at(d->err, CJ_LIMIT, offset,
                           "more definitions, declarations, members and arguments than max_definitions, %u",
                           d->config.max_definitions);
    d->elements += n;
    return CJ_OK;
}

cj_status cj__decode_count(cj_decoder *d, cj_reader *r, uint32_t max, const char *limit, uint32_t *out,
                           const char *what)
{
    uint64_t offset = cj__reader_offset(r);
    CJ_TRY(cj__read_count(r, max, limit, out, what));
    return count_elements(d, *out, offset);
}

cj_status cj__decode_enter(cj_decoder *d, uint64_t offset)
{
    if (d->depth >= d->max_depth)
        return cj__fail_at(d->err, CJ_LIMIT, offset,
                           "components and their types nested deeper than max_component_depth, %u", d->max_depth);
    d->depth++;
    return CJ_OK;
}

cj_status cj__decode_keep(cj_decoder *d, const void *stack, size_t *stack_len, size_t base, size_t size, size_t align,
                          void *out, uint32_t *out_len)
{
    size_t count = *stack_len - base;
    void *kept = NULL;
    if (count) {
        kept = cj__arena_dup(d->arena, (const uint8_t *)stack + base * size, count * size, align);
        if (!kept)
            return cj__fail_nomem(d->err);
    }
    *stack_len = base;
    *out_len = (uint32_t)count;
    memcpy(out, &kept, sizeof(kept)); /* `out` is a T** */
    return CJ_OK;
}

/* -- Sorts and aliases --------------------------------------------------------------------------------------------- */

static const int core_sort_bytes[] = {
#define CJ_X(name, core, byte, text) core,
    CJ_SORT_MAP(CJ_X)
#undef CJ_X
};

static const int sort_bytes[] = {
#define CJ_X(name, core, byte, text) byte,
    CJ_SORT_MAP(CJ_X)
#undef CJ_X
};

static cj_status decode_sort_byte(cj_decoder *d, cj_reader *r, const int *bytes, cj_sort *out, const char *what)
{
    uint64_t offset = cj__reader_offset(r);
    uint8_t byte;
    CJ_TRY(cj__read_byte(r, &byte, what));
    for (int i = 0; i < CJ_SORT_COUNT; i++) {
        if (bytes[i] == byte) {
            *out = (cj_sort)i;
            return CJ_OK;
        }
    }
    return cj__decode_unexpected(d, offset, byte, what);
}

static cj_status decode_core_sort(cj_decoder *d, cj_reader *r, cj_sort *out)
{
    return decode_sort_byte(d, r, core_sort_bytes, out, "a core sort");
}

static cj_status decode_sort(cj_decoder *d, cj_reader *r, cj_sort *out)
{
    if (r->at != r->end && *r->at == 0x00) {
        r->at++;
        return decode_core_sort(d, r, out);
    }
    return decode_sort_byte(d, r, sort_bytes, out, "a sort");
}

static bool is_core(cj_sort sort)
{
    return sort <= CJ_SORT_CORE_INSTANCE;
}

static bool may_alias_outer(cj_sort sort)
{
    return sort == CJ_SORT_CORE_MODULE || sort == CJ_SORT_CORE_TYPE || sort == CJ_SORT_TYPE ||
           sort == CJ_SORT_COMPONENT;
}

cj_status cj__decode_alias(cj_decoder *d, cj_reader *r, bool in_type, cj_ast_alias *out)
{
    uint64_t offset = cj__reader_offset(r);
    CJ_TRY(decode_sort(d, r, &out->sort));
    uint64_t target_offset = cj__reader_offset(r);
    uint8_t target;
    CJ_TRY(cj__read_byte(r, &target, "the target of an alias"));
    switch (target) {
    case 0x00:
        out->kind = CJ_ALIAS_EXPORT;
        CJ_TRY(cj__read_u32(r, &out->instance, "an instance index"));
        CJ_TRY(cj__decode_core_name(d, r, &out->name, "the name of an aliased export"));
        if (is_core(out->sort) && out->sort != CJ_SORT_CORE_MODULE)
            return cj__fail_at(d->err, CJ_INVALID, offset, "an instance cannot export a %s", cj__sort_name(out->sort));
        if (in_type && out->sort != CJ_SORT_TYPE && out->sort != CJ_SORT_INSTANCE)
            return cj__fail_at(d->err, CJ_INVALID, offset,
                               "an export alias in a type can be of a type or instance, not of a %s",
                               cj__sort_name(out->sort));
        return CJ_OK;
    case 0x01:
        out->kind = CJ_ALIAS_CORE_EXPORT;
        CJ_TRY(cj__read_u32(r, &out->instance, "a core instance index"));
        CJ_TRY(cj__decode_core_name(d, r, &out->name, "the name of an aliased core export"));
        if (out->sort > CJ_SORT_CORE_TAG)
            return cj__fail_at(d->err, CJ_INVALID, offset, "a core instance cannot export a %s",
                               cj__sort_name(out->sort));
        if (in_type)
            return cj__fail_at(d->err, CJ_INVALID, offset, "an alias in a type cannot be of a core export");
        return CJ_OK;
    case 0x02:
        out->kind = CJ_ALIAS_OUTER;
        if (!may_alias_outer(out->sort))
            return cj__fail_at(d->err, CJ_MALFORMED, offset,
                               "expected the sort of an outer alias (core module, core type, type, component), "
                               "found %s",
                               cj__sort_name(out->sort));
        CJ_TRY(cj__read_u32(r, &out->outer_count, "an outer count"));
        CJ_TRY(cj__read_u32(r, &out->outer_index, "the index of an outer alias"));
        if (in_type && out->sort != CJ_SORT_TYPE && out->sort != CJ_SORT_CORE_TYPE)
            return cj__fail_at(d->err, CJ_INVALID, offset,
                               "an outer alias in a type can be of a type or core type, not of a %s",
                               cj__sort_name(out->sort));
        return CJ_OK;
    default:
        return cj__decode_unexpected(d, target_offset, target, "the target of an alias (0x00 to 0x02)");
    }
}

/* -- Instances ----------------------------------------------------------------------------------------------------- */

static cj_status decode_core_arg(cj_decoder *d, cj_reader *r, bool is_inline, cj_ast_arg *arg)
{
    CJ_TRY(cj__decode_core_name(d, r, &arg->name.name,
                                is_inline ? "the name of a core export" : "the name of a core argument"));
    if (is_inline) {
        CJ_TRY(decode_core_sort(d, r, &arg->sort));
    } else {
        CJ_TRY(cj__read_exact(r, 0x12, "the sort of a core argument, instance"));
        arg->sort = CJ_SORT_CORE_INSTANCE;
    }
    return cj__read_u32(r, &arg->index, "an index");
}

static cj_status decode_arg(cj_decoder *d, cj_reader *r, cj_name_set *exports, cj_ast_arg *arg)
{
    if (exports)
        CJ_TRY(cj__decode_extern_name(d, r, &arg->name));
    else
        CJ_TRY(cj__decode_core_name(d, r, &arg->name.name, "the name of an argument"));
    CJ_TRY(decode_sort(d, r, &arg->sort));
    CJ_TRY(cj__read_u32(r, &arg->index, "an index"));
    return exports ? cj__decode_check_extern(d, exports, &arg->name, arg->sort, "export") : CJ_OK;
}

static cj_status decode_args(cj_decoder *d, cj_reader *r, bool core, cj_name_set *exports, cj_ast_instance *out)
{
    size_t base = d->args.len;
    uint32_t count;
    CJ_TRY(
        cj__decode_count(d, r, 0, NULL, &count, exports ? "exports of an instance" : "arguments of an instantiation"));
    for (uint32_t i = 0; i < count; i++) {
        cj_ast_arg arg;
        memset(&arg, 0, sizeof(arg));
        arg.offset = cj__reader_offset(r);
        if (core)
            CJ_TRY(decode_core_arg(d, r, exports, &arg));
        else
            CJ_TRY(decode_arg(d, r, exports, &arg));
        CJ_PUSH(d, args, arg);
    }
    return CJ_KEEP(d, args, base, &out->args, &out->arg_count);
}

static cj_status decode_instance(cj_decoder *d, cj_reader *r, bool core, cj_ast_instance *out)
{
    uint64_t offset = cj__reader_offset(r);
    uint8_t kind;
    CJ_TRY(cj__read_byte(r, &kind, "an instance"));
    if (kind > 0x01)
        return cj__decode_unexpected(d, offset, kind, "an instance (0x00 instantiate or 0x01 exports)");
    out->is_inline = kind == 0x01;
    if (!out->is_inline) {
        CJ_TRY(cj__read_u32(r, &out->target, core ? "a core module index" : "a component index"));
        return decode_args(d, r, core, NULL, out);
    }
    cj_decode_scope scope = cj__decode_scope(d);
    cj_status status = decode_args(d, r, core, &scope.exports, out);
    cj__decode_scope_free(&scope);
    return status;
}

/* -- Imports, exports, start, values ------------------------------------------------------------------------------- */

cj_status cj__decode_import(cj_decoder *d, cj_reader *r, cj_decode_scope *scope, bool is_export, cj_ast_import **out)
{
    cj_ast_import *import = CJ_ARENA_NEW(d->arena, cj_ast_import);
    if (!import)
        return cj__fail_nomem(d->err);
    *out = import;
    CJ_TRY(cj__decode_extern_name(d, r, &import->name));
    CJ_TRY(cj__decode_externtype(d, r, &import->type));
    return cj__decode_check_extern(d, is_export ? &scope->exports : &scope->imports, &import->name, import->type.sort,
                                   is_export ? "export" : "import");
}

static cj_status decode_export(cj_decoder *d, cj_reader *r, cj_decode_scope *scope, cj_ast_export **out)
{
    cj_ast_export *export_ = CJ_ARENA_NEW(d->arena, cj_ast_export);
    if (!export_)
        return cj__fail_nomem(d->err);
    *out = export_;
    CJ_TRY(cj__decode_extern_name(d, r, &export_->name));
    CJ_TRY(decode_sort(d, r, &export_->sort));
    CJ_TRY(cj__read_u32(r, &export_->index, "the index of an export"));
    CJ_TRY(cj__read_flag(r, &export_->has_type, "the flag of an export's type"));
    if (export_->has_type)
        CJ_TRY(cj__decode_externtype(d, r, &export_->type));
    return cj__decode_check_extern(d, &scope->exports, &export_->name, export_->sort, "export");
}

static cj_status decode_start(cj_decoder *d, cj_reader *r, cj_ast_start *out)
{
    size_t base = d->indices.len;
    uint32_t count;
    CJ_TRY(cj__read_u32(r, &out->func, "the function index of a start definition"));
    CJ_TRY(cj__decode_count(d, r, d->config.max_params, "max_params", &count, "arguments of a start definition"));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index;
        CJ_TRY(cj__read_u32(r, &index, "a value index"));
        CJ_PUSH(d, indices, index);
    }
    CJ_TRY(CJ_KEEP(d, indices, base, &out->args, &out->arg_count));
    uint64_t offset = cj__reader_offset(r);
    CJ_TRY(cj__read_u32(r, &out->result_count, "the number of results of a start definition"));
    if (out->result_count > 1) /* each one makes a value: a claim that must not be believed */
        return cj__fail_at(d->err, CJ_INVALID, offset, "a start definition with %u results: functions have one at most",
                           out->result_count);
    return CJ_OK;
}

static cj_status decode_value(cj_decoder *d, cj_reader *r, cj_ast_def *def)
{
    uint32_t len;
    CJ_TRY(cj__decode_valtype(d, r, &def->of.value.type));
    CJ_TRY(cj__read_u32(r, &len, "the size of a value"));
    def->of.value.bytes.offset = cj__reader_offset(r);
    def->of.value.bytes.len = len;
    return cj__read_bytes(r, len, &def->of.value.bytes.ptr, "a value");
}

/* -- Sections ------------------------------------------------------------------------------------------------------ */

static cj_status decode_component(cj_decoder *d, cj_reader *r, cj_ast_component *out);

static cj_status push_def(cj_decoder *d, const cj_ast_def *def)
{
    CJ_PUSH(d, defs, *def);
    return CJ_OK;
}

static cj_ast_def begin_def(cj_def_kind kind, uint64_t offset)
{
    cj_ast_def def;
    memset(&def, 0, sizeof(def));
    def.kind = kind;
    def.offset = offset;
    return def;
}

static cj_status decode_def(cj_decoder *d, cj_reader *r, uint8_t section, cj_decode_scope *scope)
{
    cj_ast_def def = begin_def(CJ_DEF_TYPE, cj__reader_offset(r));
    switch (section) {
    case SECTION_CORE_INSTANCE:
        def.kind = CJ_DEF_CORE_INSTANCE;
        CJ_TRY(decode_instance(d, r, true, &def.of.instance));
        break;
    case SECTION_CORE_TYPE:
        def.kind = CJ_DEF_CORE_TYPE;
        CJ_TRY(cj__decode_core_type(d, r, false, &def.of.core_type));
        break;
    case SECTION_INSTANCE:
        def.kind = CJ_DEF_INSTANCE;
        CJ_TRY(decode_instance(d, r, false, &def.of.instance));
        break;
    case SECTION_ALIAS:
        def.kind = CJ_DEF_ALIAS;
        CJ_TRY(cj__decode_alias(d, r, false, &def.of.alias));
        break;
    case SECTION_TYPE:
        def.kind = CJ_DEF_TYPE;
        CJ_TRY(cj__decode_type(d, r, false, &def.of.type));
        break;
    case SECTION_CANON:
        def.kind = CJ_DEF_CANON;
        CJ_TRY(cj__decode_canon(d, r, &def.of.canon));
        break;
    case SECTION_IMPORT:
        def.kind = CJ_DEF_IMPORT;
        CJ_TRY(cj__decode_import(d, r, scope, false, &def.of.import));
        break;
    case SECTION_EXPORT:
        def.kind = CJ_DEF_EXPORT;
        CJ_TRY(decode_export(d, r, scope, &def.of.export_));
        break;
    case SECTION_VALUE:
        def.kind = CJ_DEF_VALUE;
        CJ_TRY(decode_value(d, r, &def));
        break;
    default:
        return cj__fail(d->err, CJ_INTERNAL, "section %u is not a vector", section);
    }
    return push_def(d, &def);
}

static cj_status decode_vector(cj_decoder *d, cj_reader *r, uint8_t section, cj_decode_scope *scope)
{
    uint32_t count;
    CJ_TRY(cj__decode_count(d, r, 0, NULL, &count, "the definitions of a section"));
    for (uint32_t i = 0; i < count; i++)
        CJ_TRY(decode_def(d, r, section, scope));
    return CJ_OK;
}

static cj_status decode_module_section(cj_decoder *d, cj_reader *r)
{
    cj_ast_def def = begin_def(CJ_DEF_CORE_MODULE, cj__reader_offset(r));
    CJ_TRY(count_elements(d, 1, def.offset));
    CJ_TRY(cj__decode_check_module(d, *r));
    def.of.module = (cj_bytes){r->at, cj__reader_left(r), def.offset};
    r->at = r->end;
    return push_def(d, &def);
}

static cj_status decode_component_section(cj_decoder *d, cj_reader *r)
{
    cj_ast_def def = begin_def(CJ_DEF_COMPONENT, cj__reader_offset(r));
    CJ_TRY(count_elements(d, 1, def.offset));
    def.of.component = CJ_ARENA_NEW(d->arena, cj_ast_component);
    if (!def.of.component)
        return cj__fail_nomem(d->err);
    CJ_TRY(cj__decode_enter(d, def.offset));
    CJ_TRY(decode_component(d, r, def.of.component));
    d->depth--;
    return push_def(d, &def);
}

static cj_status decode_start_section(cj_decoder *d, cj_reader *r)
{
    cj_ast_def def = begin_def(CJ_DEF_START, cj__reader_offset(r));
    CJ_TRY(count_elements(d, 1, def.offset));
    CJ_TRY(decode_start(d, r, &def.of.start));
    return push_def(d, &def);
}

/* Any custom section has a name. Of `component-name` the component's own name is taken; whatever else is in it, or
 * wrong with it, is no error ("engines should not reject components which have an invalid name section"). */
static cj_status decode_custom_section(cj_decoder *d, cj_reader *r, cj_ast_component *out)
{
    cj_str name;
    CJ_TRY(cj__decode_core_name(d, r, &name, "the name of a custom section"));
    if (cj__str_eq(name, CJ_STR("component-name")) && out->debug_name.len == 0) {
        cj_reader quiet = *r, subsection;
        uint8_t id;
        uint32_t size;
        cj_str debug_name;
        quiet.err = NULL;
        if (cj__read_byte(&quiet, &id, "") == CJ_OK && id == 0 && cj__read_u32(&quiet, &size, "") == CJ_OK &&
            cj__read_slice(&quiet, size, &subsection, "") == CJ_OK &&
            cj__decode_core_name(d, &subsection, &debug_name, "") == CJ_OK && cj__read_done(&subsection, "") == CJ_OK)
            out->debug_name = debug_name;
    }
    r->at = r->end;
    return CJ_OK;
}

static cj_status decode_section(cj_decoder *d, cj_reader *r, uint8_t id, cj_decode_scope *scope, cj_ast_component *out)
{
    switch (id) {
    case SECTION_CUSTOM:
        return decode_custom_section(d, r, out);
    case SECTION_CORE_MODULE:
        return decode_module_section(d, r);
    case SECTION_COMPONENT:
        return decode_component_section(d, r);
    case SECTION_START:
        return decode_start_section(d, r);
    default:
        return decode_vector(d, r, id, scope);
    }
}

static cj_status decode_sections(cj_decoder *d, cj_reader *r, cj_decode_scope *scope, cj_ast_component *out)
{
    while (r->at != r->end) {
        uint64_t offset = cj__reader_offset(r);
        uint8_t id;
        uint32_t size;
        cj_reader section;
        CJ_TRY(cj__read_byte(r, &id, "a section id"));
        if (id >= SECTION_COUNT)
            return cj__decode_unexpected(d, offset, id, "a section id (0 to 12)");
        CJ_TRY(cj__read_u32(r, &size, "the size of a section"));
        CJ_TRY(cj__read_slice(r, size, &section, section_names[id]));
        CJ_TRY(decode_section(d, &section, id, scope, out));
        CJ_TRY(cj__read_done(&section, section_names[id]));
    }
    return CJ_OK;
}

/* -- Components ---------------------------------------------------------------------------------------------------- */

/* WAT begins with a parenthesis or a comment, perhaps behind white space and a byte order mark. */
static bool is_text(const uint8_t *p, size_t left)
{
    size_t i = left >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    while (i < left && (p[i] == ' ' || (p[i] >= '\t' && p[i] <= '\r')))
        i++;
    return i < left && (p[i] == '(' || (p[i] == ';' && i + 1 < left && p[i + 1] == ';'));
}

static cj_status decode_preamble(cj_decoder *d, cj_reader *r)
{
    static const uint8_t magic[4] = {0x00, 'a', 's', 'm'};
    uint64_t offset = cj__reader_offset(r);
    const uint8_t *p = r->at;
    size_t left = cj__reader_left(r);

    if (left < 4 || memcmp(p, magic, 4) != 0) {
        if (is_text(p, left))
            return cj__fail_at(d->err, CJ_MALFORMED, offset,
                               "expected the preamble of a component, found text: assemble it first "
                               "(wasm-tools parse, jco parse)");
        char found[16] = " nothing";
        for (size_t i = 0; i < left && i < 4; i++)
            snprintf(found + 3 * i, 4, " %02x", p[i]);
        return cj__fail_at(d->err, CJ_MALFORMED, offset,
                           "expected the preamble of a component (00 61 73 6d 0d 00 01 00), found%s", found);
    }
    CJ_TRY(cj__read_bytes(r, 8, &p, "the preamble of a component"));
    uint32_t version = (uint32_t)(p[4] | p[5] << 8), layer = (uint32_t)(p[6] | p[7] << 8);
    if (version == 1 && layer == 0)
        return cj__fail_at(d->err, CJ_MALFORMED, offset,
                           "expected a component, found a core module: make a component of it first "
                           "(wasm-tools component new, jco new)");
    if (layer != 1)
        return cj__fail_at(d->err, CJ_MALFORMED, offset + 6, "expected layer 1, component, found layer %u", layer);
    if (version != 0x0d)
        return cj__fail_at(d->err, CJ_MALFORMED, offset + 4,
                           "expected version 0x0d of the component format, found 0x%02x: %s", version,
                           version < 0x0d ? "build the component with newer tools" : "it is newer than this canonjit");
    return CJ_OK;
}

/* Reads `r` to its end. */
static cj_status decode_component(cj_decoder *d, cj_reader *r, cj_ast_component *out)
{
    size_t base = d->defs.len;
    out->offset = cj__reader_offset(r);
    out->size = cj__reader_left(r);
    out->depth = d->depth;
    out->debug_name = CJ_STR("");
    CJ_TRY(decode_preamble(d, r));

    cj_decode_scope scope = cj__decode_scope(d);
    cj_status status = decode_sections(d, r, &scope, out);
    cj__decode_scope_free(&scope);
    CJ_TRY(status);
    return CJ_KEEP(d, defs, base, &out->defs, &out->def_count);
}

static cj_config default_config(void)
{
    cj_config config = {.struct_size = sizeof(config),
#define CJ_X(type, name, default_value, what) .name = default_value,
                        CJ_LOAD_LIMIT_MAP(CJ_X)
#undef CJ_X
    };
    return config;
}

static cj_status decode_file(cj_decoder *d, const uint8_t *bytes, size_t size, cj_ast **out)
{
    cj_ast *ast = CJ_ARENA_NEW(d->arena, cj_ast);
    if (!ast)
        return cj__fail_nomem(d->err);
    d->file = bytes;
    ast->arena = d->arena;
    ast->file = (cj_bytes){bytes, size, 0};
    cj_reader r = cj__reader(bytes, size, 0, d->err);
    CJ_TRY(decode_component(d, &r, &ast->root));
    *out = ast;
    return CJ_OK;
}

cj_status cj__ast_decode(const cj_config *config, const uint8_t *bytes, size_t size, cj_ast **out, cj_error *err)
{
    cj_decoder d;
    memset(&d, 0, sizeof(d));
    d.config = config ? *config : default_config();
    d.alloc = cj__alloc_or_default(d.config.allocator);
    d.err = err;
    d.max_depth = d.config.max_component_depth < CJ_DEPTH_CEILING ? d.config.max_component_depth : CJ_DEPTH_CEILING;
    if (size > d.config.max_component_size)
        return cj__fail(err, CJ_LIMIT, "component of %zu bytes, max_component_size is %llu", size,
                        (unsigned long long)d.config.max_component_size);
    if (cj_arena_new(d.alloc, &d.arena) != CJ_OK)
        return cj__fail_nomem(err);

    cj_status status = decode_file(&d, bytes, size, out);
    CJ_VEC_FREE(d.alloc, &d.defs);
    CJ_VEC_FREE(d.alloc, &d.decls);
    CJ_VEC_FREE(d.alloc, &d.labels);
    CJ_VEC_FREE(d.alloc, &d.args);
    CJ_VEC_FREE(d.alloc, &d.moduledecls);
    CJ_VEC_FREE(d.alloc, &d.indices);
    CJ_VEC_FREE(d.alloc, &d.bytes);
    if (status != CJ_OK)
        cj_arena_delete(d.arena);
    return status;
}
