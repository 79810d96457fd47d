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

static void fuzz_core_type(const cj_core_type *type)
{
    fuzz_expect(type->result_count <= 1, "a boundary function with several results");
    for (uint32_t i = 0; i < type->param_count; i++)
        fuzz_expect(type->params[i] >= CJ_CORE_F64 && type->params[i] <= CJ_CORE_I32, "a parameter that is no number");
}

static bool fuzz_within(const cj_program *program, uint32_t part, uint32_t outer)
{
    while (part != CJ_NONE && part != outer)
        part = program->parts[part].parent;
    return part == outer;
}

static void fuzz_plan(const cj_program *program, const cj_plan *plan, cj_plan_kind kind)
{
    fuzz_expect(plan && plan->options.kind == kind, "no plan, or one of another kind");
    for (uint32_t i = 0; i < plan->resource_count; i++) {
        uint32_t number = plan->resources[i];
        fuzz_expect(number < program->resource_of_count, "a resource number out of range");
        uint32_t at = program->resource_of[number];
        fuzz_expect(at < program->resource_count && program->resources[at].used, "a resource that is not used");
    }
}

static void fuzz_slot(const cj_program *program, uint32_t number, const cj_slot *slot)
{
    const cj_group *group = &program->groups[number];
    bool planned = slot->kind == CJ_SLOT_HOST || slot->kind == CJ_SLOT_FUSED;
    fuzz_expect(slot->shape < group->slot_count, "more shapes than slots");
    fuzz_expect(planned == (slot->plan != NULL) && planned == (slot->core_type == NULL), "a plan or a core type");
    fuzz_expect(slot->memory_group == CJ_NONE || slot->memory_group == number, "a memory of another group");
    fuzz_expect(slot->memory_group == CJ_NONE || group->merged.has_memory, "a slot with memory in a group without one");
    if (slot->core_type)
        fuzz_core_type(slot->core_type);
    switch (slot->kind) {
    case CJ_SLOT_HOST:
        fuzz_expect(slot->of < program->import_count, "a slot without import");
        fuzz_expect(program->imports[slot->of].used, "an import with a slot, not marked as used");
        fuzz_plan(program, slot->plan, CJ_PLAN_IMPORT);
        fuzz_func_number(group, slot->realloc, !slot->plan->options.has_realloc);
        fuzz_expect(!slot->plan->options.has_memory || slot->memory_group == number, "a plan with memory, no memory");
        break;
    case CJ_SLOT_FUSED: {
        fuzz_expect(slot->of < program->lifted_count, "a slot without lifted function");
        const cj_lifted *lifted = &program->lifted[slot->of];
        fuzz_plan(program, slot->plan, CJ_PLAN_FUSED);
        fuzz_func_number(group, slot->realloc, !slot->plan->options.caller_has_realloc);
        fuzz_func_number(&program->groups[lifted->group], lifted->realloc, !slot->plan->options.has_realloc);
        fuzz_func_number(&program->groups[lifted->group], lifted->post_return, !slot->plan->options.has_post_return);
        fuzz_expect(!slot->plan->options.caller_has_memory || slot->memory_group == number, "no memory of the caller");
        fuzz_expect(!fuzz_within(program, lifted->part, group->part) &&
                        !fuzz_within(program, group->part, lifted->part),
                    "a call between relatives");
        break;
    }
    case CJ_SLOT_CORE:
        fuzz_expect(slot->of < program->group_count && slot->of != number, "a slot without group");
        fuzz_expect(program->groups[slot->of].part == group->part, "core functions do not cross components");
        fuzz_func_number(&program->groups[slot->of], slot->core_func, false);
        break;
    case CJ_SLOT_RESOURCE_NEW:
    case CJ_SLOT_RESOURCE_REP:
        fuzz_expect(slot->of < program->resource_count && program->resources[slot->of].part == group->part,
                    "resource.new or .rep of another component's type");
        break;
    case CJ_SLOT_RESOURCE_DROP:
        fuzz_expect(slot->of < program->resource_count && program->resources[slot->of].used,
                    "drop of no resource type");
        break;
    case CJ_SLOT_CANNOT_ENTER:
        fuzz_expect(slot->name != NULL, "a slot without name");
        break;
    case CJ_SLOT_UNSUPPORTED:
    case CJ_SLOT_UNSUPPORTED_ANYWHERE:
        fuzz_expect(slot->name != NULL, "a slot without name");
        fuzz_expect(program->config.trap_unsupported, "a slot that cannot run");
        break;
    default:
        fuzz_expect(false, "a slot of unknown kind");
    }
}

static void fuzz_group(const cj_program *program, uint32_t number)
{
    const cj_group *group = &program->groups[number];
    const cj_merged *merged = &group->merged;
    fuzz_expect(group->part < program->part_count, "a group of no part");
    fuzz_expect(merged->size >= 8 && memcmp(merged->bytes, "\0asm\1\0\0\0", 8) == 0,
                "a merged module without preamble");
    for (uint32_t i = 0; i < merged->import_count; i++) {
        const struct cj_core_type *type = &group->import_types[i];
        fuzz_expect(type->param_count >= 1 && type->params[type->param_count - 1] == CJ_CORE_I32,
                    "an import without slot parameter");
        fuzz_core_type(type);
    }
    for (uint32_t i = 0; i < group->slot_count; i++) {
        const cj_slot *slot = &group->slots[i];
        fuzz_slot(program, number, slot);
        for (uint32_t k = 0; k < i; k++)
            fuzz_expect(group->slots[k].shape != slot->shape ||
                            (group->slots[k].kind == slot->kind && !group->slots[k].plan == !slot->plan),
                        "slots of one shape that differ in kind");
    }
}

static void fuzz_parts(const cj_program *program, size_t size)
{
    fuzz_expect(program->part_count >= 1, "no root");
    for (uint32_t i = 0; i < program->part_count; i++) {
        fuzz_expect(i == 0 ? program->parts[i].parent == CJ_NONE : program->parts[i].parent < i,
                    "a part that is older than its parent");
        fuzz_expect(program->parts[i].offset <= size, "a part outside of the file");
    }
    for (uint32_t i = 0; i < program->resource_count; i++) {
        const cj_program_resource *resource = &program->resources[i];
        fuzz_expect(resource->interface && resource->name, "a resource type without names");
        fuzz_expect(resource->part == CJ_NONE || resource->part < program->part_count, "a resource of no part");
        if (resource->dtor == CJ_NONE)
            continue;
        fuzz_expect(resource->part != CJ_NONE && resource->group < program->group_count &&
                        program->groups[resource->group].part == resource->part,
                    "a destructor of another component");
        fuzz_func_number(&program->groups[resource->group], resource->dtor, false);
    }
    for (uint32_t i = 0; i < program->resource_of_count; i++)
        fuzz_expect(program->resource_of[i] == CJ_NONE || program->resource_of[i] < program->resource_count,
                    "a resource number that leads nowhere");
}

static void fuzz_steps(const cj_program *program, size_t size)
{
    bool *there = calloc(program->group_count + 1u, sizeof(*there));
    uint32_t instantiated = 0;
    for (uint32_t i = 0; i < program->step_count; i++) {
        const cj_program_step *step = &program->steps[i];
        fuzz_expect(step->offset <= size, "a step outside of the file");
        fuzz_expect(step->group < program->group_count, "a step for no group");
        if (step->kind == CJ_STEP_INSTANTIATE) {
            fuzz_expect(!there[step->group], "a group is instantiated twice");
            there[step->group] = true;
            instantiated++;
        } else {
            fuzz_expect(there[step->group], "a group is initialised before it is instantiated");
            fuzz_func_number(&program->groups[step->group], step->export_, false);
        }
    }
    fuzz_expect(instantiated == program->group_count, "a group is never instantiated");
    free(there);
}

static void fuzz_lifted(const cj_program *program, const cj_lifted *lifted)
{
    fuzz_info(&lifted->info);
    fuzz_expect(lifted->group < program->group_count && lifted->part < program->part_count, "a function of no group");
    const cj_group *group = &program->groups[lifted->group];
    fuzz_expect(group->part == lifted->part, "a function in a group of another component");
    fuzz_func_number(group, lifted->core_func, false);
    fuzz_func_number(group, lifted->realloc, true);
    fuzz_func_number(group, lifted->post_return, true);
}

static void fuzz_program(const cj_program *program, size_t size)
{
    fuzz_parts(program, size);
    for (uint32_t i = 0; i < program->group_count; i++)
        fuzz_group(program, i);
    fuzz_steps(program, size);
    for (uint32_t i = 0; i < program->lifted_count; i++)
        fuzz_lifted(program, &program->lifted[i]);
    for (uint32_t i = 0; i < program->import_count; i++)
        fuzz_info(&program->imports[i].info);
    for (uint32_t i = 0; i < program->export_count; i++) {
        const cj_program_export *export_ = &program->exports[i];
        fuzz_info(&export_->info);
        if (export_->lifted == CJ_NONE) {
            fuzz_expect(export_->import < program->import_count && program->imports[export_->import].used,
                        "an export of nothing");
            fuzz_expect(!export_->plan && program->imports[export_->import].info.type == export_->info.type,
                        "an import that is exported as another type");
            continue;
        }
        fuzz_expect(export_->lifted < program->lifted_count && export_->import == CJ_NONE, "an export of no function");
        const cj_lifted *lifted = &program->lifted[export_->lifted];
        fuzz_plan(program, export_->plan, CJ_PLAN_EXPORT);
        fuzz_expect(!export_->plan->options.has_memory || program->groups[lifted->group].merged.has_memory,
                    "a plan with memory in a group without one");
        fuzz_expect(export_->plan->options.has_realloc == (lifted->realloc != CJ_NONE) &&
                        export_->plan->options.has_post_return == (lifted->post_return != CJ_NONE),
                    "a plan that does not fit the function");
    }
    for (uint32_t i = 0; i < program->named_type_count; i++) {
        const cj_program_type *type = &program->named_types[i];
        fuzz_expect(type->name && type->interface, "a named type without name");
        fuzz_expect(type->before <= (type->is_export ? program->export_count : program->import_count),
                    "a type past the functions");
    }
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
    config.trap_unsupported = size % 2; /* any choice that the file makes */
    fuzz_one(&config, data, size);
    return 0;
}
