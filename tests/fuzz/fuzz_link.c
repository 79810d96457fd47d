/* fuzz_link.c: any bytes into the decoder and, when they decode, into the linker; a program that comes out is held to
 * what program.h promises, and printed.
 *
 * A libFuzzer program (clang -fsanitize=fuzzer,address); tests/link/test_link.c includes it for its mutation sweep.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "link/program.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_expect(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "fuzz_link: %s\n", what);
        abort();
    }
}

static void fuzz_info(const cj_func_info *info)
{
    fuzz_expect(info->path && info->interface && info->name && info->type, "a function without names or type");
    fuzz_expect(strlen(info->path) >= strlen(info->name), "a path shorter than its name");
}

static void fuzz_func_number(const cj_group *group, uint32_t number, bool optional)
{
    fuzz_expect(number < group->merged.export_count || (optional && number == CJ_NONE),
                "a function export out of range");
}

static void fuzz_group(const cj_program *program, const cj_group *group)
{
    const cj_merged *merged = &group->merged;
    fuzz_expect(merged->size >= 8 && memcmp(merged->bytes, "\0asm\1\0\0\0", 8) == 0,
                "a merged module without preamble");
    for (uint32_t i = 0; i < merged->import_count; i++) {
        const struct cj_core_type *type = &group->import_types[i];
        fuzz_expect(type->param_count >= 1 && type->params[type->param_count - 1] == CJ_CORE_I32,
                    "an import without slot parameter");
    }
    for (uint32_t i = 0; i < group->slot_count; i++) {
        const cj_slot *slot = &group->slots[i];
        fuzz_expect(slot->kind == CJ_SLOT_HOST && slot->of < program->import_count, "a slot without import");
        fuzz_expect(program->imports[slot->of].used, "an import with a slot, not marked as used");
        fuzz_expect(slot->plan && slot->plan->options.kind == CJ_PLAN_IMPORT, "a slot without plan");
        fuzz_expect(slot->shape < group->slot_count, "more shapes than slots");
        fuzz_func_number(group, slot->realloc, !slot->plan->options.has_realloc);
    }
}

static void fuzz_steps(const cj_program *program, size_t size)
{
    uint32_t instantiated = 0;
    for (uint32_t i = 0; i < program->step_count; i++) {
        const cj_program_step *step = &program->steps[i];
        fuzz_expect(step->offset <= size, "a step outside of the file");
        if (step->kind == CJ_STEP_INSTANTIATE)
            fuzz_expect(step->group == instantiated++, "groups are not instantiated in order");
        else
            fuzz_expect(step->group < instantiated, "a group is initialised before it is instantiated");
        if (step->kind == CJ_STEP_INIT)
            fuzz_func_number(&program->groups[step->group], step->export_, false);
    }
    fuzz_expect(instantiated == program->group_count, "a group is never instantiated");
}

static void fuzz_program(const cj_program *program, size_t size)
{
    for (uint32_t i = 0; i < program->group_count; i++)
        fuzz_group(program, &program->groups[i]);
    fuzz_steps(program, size);
    for (uint32_t i = 0; i < program->import_count; i++)
        fuzz_info(&program->imports[i].info);
    for (uint32_t i = 0; i < program->export_count; i++) {
        const cj_program_export *export_ = &program->exports[i];
        fuzz_info(&export_->info);
        fuzz_expect(export_->lifted < program->lifted_count, "an export of no lifted function");
        const cj_lifted *lifted = &program->lifted[export_->lifted];
        fuzz_expect(lifted->group < program->group_count, "an export of no group");
        const cj_group *group = &program->groups[lifted->group];
        fuzz_expect(export_->plan && export_->plan->options.kind == CJ_PLAN_EXPORT, "an export without plan");
        fuzz_expect(!export_->plan->options.has_memory || group->merged.has_memory,
                    "a plan with memory in a group without one");
        fuzz_func_number(group, lifted->core_func, false);
        fuzz_func_number(group, lifted->realloc, !export_->plan->options.has_realloc);
        fuzz_func_number(group, lifted->post_return, !export_->plan->options.has_post_return);
    }
    for (uint32_t i = 0; i < program->named_type_count; i++)
        fuzz_expect(program->named_types[i].name && program->named_types[i].interface, "a named type without name");
}

static void fuzz_print(const cj_program *program)
{
    for (int json = 0; json < 2; json++) {
        size_t len = 0;
        char *text = cj__program_wit(NULL, program, json, &len);
        fuzz_expect(text && strlen(text) == len, "a text that is not as long as it says");
        cj__free(cj__alloc_or_default(NULL), text, len + 1);
    }
}

static cj_status fuzz_one(const cj_config *config, const uint8_t *data, size_t size)
{
    cj_ast *ast = NULL;
    cj_program *program = NULL;
    cj_error err;
    memset(&err, 0, sizeof(err));
    cj_status status = cj__ast_decode(config, data, size, &ast, &err);
    if (status != CJ_OK)
        return status;
    status = cj__link(config, ast, &program, &err);
    cj__ast_delete(ast);
    if (status == CJ_OK) {
        fuzz_program(program, size);
        fuzz_print(program);
        cj__program_delete(program);
        return CJ_OK;
    }
    fuzz_expect(program == NULL, "failed, but gave a program");
    fuzz_expect(err.status == status && err.message[0], "an error without a message");
    fuzz_expect(status == CJ_MALFORMED || status == CJ_INVALID || status == CJ_UNSUPPORTED || status == CJ_LIMIT,
                "unexpected status");
    fuzz_expect(status != CJ_UNSUPPORTED || strncmp(err.message, "unsupported: ", 13) == 0,
                "unsupported, but not by name");
    fuzz_expect(err.offset <= size || (status == CJ_LIMIT && err.offset == CJ_NO_OFFSET),
                "an error outside of the file");
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cj_config config = {.struct_size = sizeof(config),
#define CJ_X(type, name, default_value, what) .name = default_value,
                        CJ_LOAD_LIMIT_MAP(CJ_X)
#undef CJ_X
    };
    config.max_definitions = 20000;
    fuzz_one(&config, data, size);
    return 0;
}
