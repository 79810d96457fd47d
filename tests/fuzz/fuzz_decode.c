/* fuzz_decode.c: any bytes into the decoder; what comes out is walked and held to what ast.h promises.
 *
 * A libFuzzer program (clang -fsanitize=fuzzer,address); tests/unit/test_decode.c includes it for its mutation sweep.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "component/ast.h"
#include "component/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_expect(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "fuzz_decode: %s\n", what);
        abort();
    }
}

typedef struct fuzz_walk {
    const cj_ast *ast;
    uint64_t elements; /* as max_definitions counts them */
    uint64_t checksum; /* of all slices, so that each byte of them is read */
} fuzz_walk;

static void fuzz_bytes(fuzz_walk *w, const void *ptr, size_t len)
{
    const uint8_t *p = ptr, *file = w->ast->file.ptr;
    if (len == 0)
        return;
    fuzz_expect(p >= file && len <= w->ast->file.len && (size_t)(p - file) <= w->ast->file.len - len,
                "slice outside of the file");
    for (size_t i = 0; i < len; i++)
        w->checksum = w->checksum * 31 + p[i];
}

static void fuzz_str(fuzz_walk *w, cj_str s)
{
    fuzz_bytes(w, s.ptr, s.len);
}

static void fuzz_offset(fuzz_walk *w, uint64_t offset)
{
    fuzz_expect(offset <= w->ast->file.len, "offset outside of the file");
}

static void fuzz_sort(cj_sort sort)
{
    fuzz_expect(sort >= 0 && sort < CJ_SORT_COUNT, "unknown sort");
}

static void fuzz_valtype(fuzz_walk *w, const cj_ast_valtype *type)
{
    fuzz_offset(w, type->offset);
    if (type->present && !type->is_index)
        fuzz_expect((type->prim >= 0x73 && type->prim <= 0x7f) || type->prim == 0x64, "unknown primitive");
}

static void fuzz_extern_name(fuzz_walk *w, const cj_extern_name *name)
{
    cj_name parsed;
    fuzz_str(w, name->name);
    fuzz_str(w, name->implements);
    fuzz_str(w, name->version_suffix);
    fuzz_str(w, name->external_id);
    fuzz_expect(cj__name_parse(name->name, 0, &parsed, NULL) == CJ_OK, "bad name");
}

static void fuzz_core_type(fuzz_walk *w, const cj_ast_coretypedef *type);
static void fuzz_type(fuzz_walk *w, const cj_ast_typedef *type, bool in_type);

static void fuzz_core_extern(const cj_ast_coretype *type)
{
    fuzz_expect(type->sort <= CJ_SORT_CORE_TAG, "bad core extern type");
    fuzz_expect(!type->limits.has_max || type->limits.min <= type->limits.max, "bad limits");
}

static void fuzz_core_type(fuzz_walk *w, const cj_ast_coretypedef *type)
{
    fuzz_offset(w, type->offset);
    w->elements += type->kind == CJ_CORETYPE_FUNC ? type->func.param_count + type->func.result_count : type->decl_count;
    if (type->kind == CJ_CORETYPE_FUNC) {
        for (uint32_t i = 0; i < type->func.param_count; i++)
            w->checksum += type->func.params[i];
        for (uint32_t i = 0; i < type->func.result_count; i++)
            w->checksum += type->func.results[i];
    }
    for (uint32_t i = 0; type->kind == CJ_CORETYPE_MODULE && i < type->decl_count; i++) {
        const cj_ast_moduledecl *decl = &type->decls[i];
        fuzz_offset(w, decl->offset);
        fuzz_str(w, decl->module);
        fuzz_str(w, decl->name);
        if (decl->kind == CJ_MODULEDECL_TYPE) {
            fuzz_expect(decl->typedef_->kind != CJ_CORETYPE_MODULE, "module type in a module type");
            fuzz_core_type(w, decl->typedef_);
        } else if (decl->kind != CJ_MODULEDECL_ALIAS) {
            fuzz_core_extern(&decl->type);
        }
    }
}

static void fuzz_externtype(fuzz_walk *w, const cj_ast_externtype *type)
{
    fuzz_offset(w, type->offset);
    fuzz_sort(type->sort);
    fuzz_expect(type->sort == CJ_SORT_CORE_MODULE || type->sort >= CJ_SORT_FUNC, "bad extern type");
    fuzz_valtype(w, &type->value);
}

static void fuzz_import(fuzz_walk *w, const cj_ast_import *import)
{
    fuzz_extern_name(w, &import->name);
    fuzz_externtype(w, &import->type);
}

static void fuzz_alias(fuzz_walk *w, const cj_ast_alias *alias)
{
    fuzz_sort(alias->sort);
    fuzz_str(w, alias->name);
}

static void fuzz_decls(fuzz_walk *w, const cj_ast_decls *decls)
{
    w->elements += decls->len;
    for (uint32_t i = 0; i < decls->len; i++) {
        const cj_ast_decl *decl = &decls->at[i];
        fuzz_offset(w, decl->offset);
        switch (decl->kind) {
        case CJ_DECL_CORE_TYPE:
            fuzz_core_type(w, decl->of.core_type);
            break;
        case CJ_DECL_TYPE:
            fuzz_type(w, decl->of.type, true);
            break;
        case CJ_DECL_ALIAS:
            fuzz_alias(w, &decl->of.alias);
            break;
        case CJ_DECL_IMPORT:
        case CJ_DECL_EXPORT:
            fuzz_import(w, decl->of.import);
            break;
        default:
            fuzz_expect(false, "unknown declaration");
        }
    }
}

static void fuzz_type(fuzz_walk *w, const cj_ast_typedef *type, bool in_type)
{
    fuzz_offset(w, type->offset);
    fuzz_expect(type->kind >= 0 && type->kind < CJ_DEFTYPE_COUNT, "unknown type");
    fuzz_expect(!in_type || type->kind != CJ_DEFTYPE_RESOURCE, "resource in a type");
    fuzz_expect(type->kind != CJ_DEFTYPE_FLAGS || (type->labels.len >= 1 && type->labels.len <= 32), "bad flags");
    fuzz_valtype(w, &type->elem);
    fuzz_valtype(w, &type->second);
    w->elements += type->labels.len;
    for (uint32_t i = 0; i < type->labels.len; i++) {
        const cj_ast_labelled *member = &type->labels.at[i];
        fuzz_str(w, member->label);
        fuzz_offset(w, member->offset);
        fuzz_valtype(w, &member->type);
        fuzz_expect(type->kind == CJ_DEFTYPE_TUPLE || cj__label_valid(member->label), "bad label");
    }
    fuzz_decls(w, &type->decls);
}

static void fuzz_instance(fuzz_walk *w, const cj_ast_instance *instance, bool core)
{
    w->elements += instance->arg_count;
    for (uint32_t i = 0; i < instance->arg_count; i++) {
        const cj_ast_arg *arg = &instance->args[i];
        fuzz_offset(w, arg->offset);
        fuzz_sort(arg->sort);
        if (instance->is_inline && !core)
            fuzz_extern_name(w, &arg->name);
        else
            fuzz_str(w, arg->name.name);
    }
}

static void fuzz_component(fuzz_walk *w, const cj_ast_component *component, uint32_t depth);

static void fuzz_def(fuzz_walk *w, const cj_ast_def *def, uint32_t depth)
{
    fuzz_offset(w, def->offset);
    switch (def->kind) {
    case CJ_DEF_CORE_MODULE:
        fuzz_bytes(w, def->of.module.ptr, def->of.module.len);
        fuzz_expect(def->of.module.len >= 8 && def->of.module.offset == def->offset, "bad module");
        break;
    case CJ_DEF_COMPONENT:
        fuzz_component(w, def->of.component, depth + 1);
        break;
    case CJ_DEF_CORE_INSTANCE:
    case CJ_DEF_INSTANCE:
        fuzz_instance(w, &def->of.instance, def->kind == CJ_DEF_CORE_INSTANCE);
        break;
    case CJ_DEF_CORE_TYPE:
        fuzz_core_type(w, def->of.core_type);
        break;
    case CJ_DEF_ALIAS:
        fuzz_alias(w, &def->of.alias);
        break;
    case CJ_DEF_TYPE:
        fuzz_type(w, def->of.type, false);
        break;
    case CJ_DEF_CANON:
        fuzz_expect(def->of.canon->kind >= 0 && def->of.canon->kind < CJ_CANON_COUNT, "unknown canon");
        fuzz_expect(!def->of.canon->opts.has_realloc || def->of.canon->opts.has_memory, "realloc without memory");
        break;
    case CJ_DEF_START:
        w->elements += def->of.start.arg_count;
        for (uint32_t i = 0; i < def->of.start.arg_count; i++)
            w->checksum += def->of.start.args[i];
        fuzz_expect(def->of.start.result_count <= 1, "bad start");
        break;
    case CJ_DEF_IMPORT:
        fuzz_import(w, def->of.import);
        break;
    case CJ_DEF_EXPORT:
        fuzz_extern_name(w, &def->of.export_->name);
        fuzz_sort(def->of.export_->sort);
        if (def->of.export_->has_type)
            fuzz_externtype(w, &def->of.export_->type);
        break;
    case CJ_DEF_VALUE:
        fuzz_valtype(w, &def->of.value.type);
        fuzz_bytes(w, def->of.value.bytes.ptr, def->of.value.bytes.len);
        break;
    default:
        fuzz_expect(false, "unknown definition");
    }
}

static void fuzz_component(fuzz_walk *w, const cj_ast_component *component, uint32_t depth)
{
    fuzz_expect(component->depth == depth, "wrong depth");
    fuzz_offset(w, component->offset + component->size);
    fuzz_str(w, component->debug_name);
    w->elements += component->def_count;
    for (uint32_t i = 0; i < component->def_count; i++)
        fuzz_def(w, &component->defs[i], depth);
}

static void fuzz_one(const cj_config *config, const uint8_t *data, size_t size)
{
    cj_ast *ast = NULL;
    cj_error err;
    memset(&err, 0, sizeof(err));
    cj_status status = cj__ast_decode(config, data, size, &ast, &err);
    if (status == CJ_OK) {
        fuzz_walk w = {ast, 0, 0};
        fuzz_expect(ast->file.len == size, "wrong size");
        fuzz_component(&w, &ast->root, 0);
        fuzz_expect(w.elements <= config->max_definitions, "more elements than max_definitions");
        cj__ast_delete(ast);
        return;
    }
    fuzz_expect(ast == NULL, "failed, but gave an AST");
    fuzz_expect(status == CJ_MALFORMED || status == CJ_INVALID || status == CJ_LIMIT, "unexpected status");
    fuzz_expect(err.status == status && err.message[0], "an error without a message");
    fuzz_expect(err.offset <= size || (status == CJ_LIMIT && err.offset == CJ_NO_OFFSET),
                "an error outside of the file");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cj_config config = {.struct_size = sizeof(config),
#define CJ_X(type, name, default_value, what) .name = default_value,
                        CJ_LOAD_LIMIT_MAP(CJ_X)
#undef CJ_X
    };
    fuzz_one(&config, data, size);
    config.max_definitions = 20;
    config.max_component_depth = 2;
    config.max_members = 3;
    config.max_params = 2;
    config.max_name_length = 12;
    fuzz_one(&config, data, size);
    return 0;
}
