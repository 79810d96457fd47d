/* inspect.c: cj_component_text: what a component imports and exports, and what became of a function.
 *
 * Place in the pipeline: a dispatcher; the texts are written where the things are known: link/ (WIT, JSON), abi/
 * (plans), exec/llvm.
 * Non-goals: formats.
 */
#include "runtime/runtime.h"

#include "base/near.h"

typedef struct found {
    const cj_func_info *info;
    const cj_plan *plan;
} found;

/* The plan of the slots of one kind for `of`, or NULL. */
static const cj_plan *slot_plan(const cj_program *program, cj_slot_kind kind, uint32_t of)
{
    for (uint32_t g = 0; g < program->group_count; g++)
        for (uint32_t s = 0; s < program->groups[g].slot_count; s++)
            if (program->groups[g].slots[s].kind == kind && program->groups[g].slots[s].of == of)
                return program->groups[g].slots[s].plan;
    return NULL;
}

/* Exports first: a function that is imported and exported again has one name for both. Last those that components inside call
 * of each other; the first of several with one name. */
static cj_status find_func(const cj_component *component, const char *path, found *out, cj_error *err)
{
    const cj_program *program = component->program;
    uint32_t i = cj__component_find_export(component, path);
    if (i != CJ_NONE) {
        const cj_program_export *export_ = &program->exports[i];
        const cj_plan *plan =
            export_->lifted != CJ_NONE ? export_->plan : slot_plan(program, CJ_SLOT_HOST, export_->import);
        *out = (found){&export_->info, plan};
        return CJ_OK;
    }
    const cj_func_info *unused = NULL;
    for (i = 0; i < program->import_count; i++) {
        if (strcmp(program->imports[i].info.path, path) != 0)
            continue;
        unused = &program->imports[i].info;
        const cj_plan *plan = slot_plan(program, CJ_SLOT_HOST, i);
        if (plan) {
            *out = (found){unused, plan};
            return CJ_OK;
        }
    }
    for (i = 0; i < program->lifted_count; i++) {
        const cj_plan *plan =
            strcmp(program->lifted[i].info.path, path) == 0 ? slot_plan(program, CJ_SLOT_FUSED, i) : NULL;
        if (plan) {
            *out = (found){&program->lifted[i].info, plan};
            return CJ_OK;
        }
    }
    if (unused)
        return cj__fail(err, CJ_NOT_FOUND, "the import \"%s\" is never lowered: it has no plan", path);

    cj_near near;
    char hint[192];
    cj__near_start(&near, path);
    for (i = 0; i < program->export_count; i++)
        cj__near_offer(&near, program->exports[i].info.path);
    for (i = 0; i < program->import_count; i++)
        cj__near_offer(&near, program->imports[i].info.path);
    cj__near_finish(&near, hint, sizeof(hint));
    return cj__fail(err, CJ_NOT_FOUND, "no function \"%s\" among %u exports and %u imports%s", path,
                    program->export_count, program->import_count, hint);
}

cj_status cj_component_text(const cj_component *component, cj_text_kind kind, const char *func, char **out,
                            cj_error *err)
{
    cj__error_clear(err);
    if (!component || !out)
        return cj__fail(err, CJ_MISUSE, "cj_component_text: component and out must not be NULL");
    const cj_allocator *alloc = component->engine->alloc;
    size_t len;
    if (kind == CJ_TEXT_WIT || kind == CJ_TEXT_JSON) {
        char *text = cj__program_wit(alloc, component->program, kind == CJ_TEXT_JSON, &len);
        if (!text)
            return cj__fail_nomem(err);
        *out = text;
        return CJ_OK;
    }
    if (kind != CJ_TEXT_PLAN && kind != CJ_TEXT_LLVM && kind != CJ_TEXT_ASM)
        return cj__fail(err, CJ_MISUSE, "cj_component_text: %d is no cj_text_kind", (int)kind);
    if (!func)
        return cj__fail(err, CJ_MISUSE, "cj_component_text: this kind of text wants the name of a function");

    found f = {NULL, NULL};
    CJ_TRY(find_func(component, func, &f, err));
    if (!f.plan)
        return cj__fail(err, CJ_NOT_FOUND,
                        "\"%s\" is an import that is exported again: no guest is called, it has no plan", func);
    if (kind == CJ_TEXT_PLAN) {
        char *text = cj__plan_print(alloc, f.plan, f.info->type, &len);
        if (!text)
            return cj__fail_nomem(err);
        *out = text;
        return CJ_OK;
    }
#if CJ_HAVE_LLVM
    cj_compiler *compiler;
    CJ_TRY(cj__engine_compiler(component->engine, &compiler, err));
    return cj__compiler_text(compiler, f.plan, f.info->path, kind, out, err);
#else
    return cj__fail(err, CJ_UNSUPPORTED, "unsupported: %s in this build (%s)",
                    kind == CJ_TEXT_LLVM ? "LLVM text" : "machine code", cj_build_info());
#endif
}

void cj_text_delete(const cj_component *component, char *text)
{
    if (component && text)
        cj__free(component->engine->alloc, text, strlen(text) + 1);
}
