/* exception.c: WAMR's exception texts as traps.
 *
 * Place in the pipeline: a leaf of engine/. An instance has one pending exception, a text in its record that begins with "Exception: ";
 * compiled code tests the first byte.
 */
#include "engine/wamr.h"

#include <stdio.h>

static const struct {
    const char *text;
    cj_trap trap;
    const char *limit; /* of cj_limits */
} traps[] = {
    {"unreachable", CJ_TRAP_UNREACHABLE, NULL},
    {"out of bounds memory access", CJ_TRAP_MEMORY_BOUNDS, NULL},
    {"integer overflow", CJ_TRAP_INTEGER_OVERFLOW, NULL},
    {"integer divide by zero", CJ_TRAP_DIVIDE_BY_ZERO, NULL},
    {"invalid conversion to integer", CJ_TRAP_BAD_CONVERSION, NULL},
    {"indirect call type mismatch", CJ_TRAP_INDIRECT_TYPE, NULL},
    {"undefined element", CJ_TRAP_TABLE_BOUNDS, NULL}, /* call_indirect past the table's end */
    {"uninitialized element", CJ_TRAP_NULL_ELEMENT, NULL},
    {"out of bounds table access", CJ_TRAP_TABLE_BOUNDS, NULL},
    {"native stack overflow", CJ_TRAP_STACK_OVERFLOW, NULL},
    {"wasm operand stack overflow", CJ_TRAP_STACK_OVERFLOW, "wasm_stack_size"}, /* the interpreters' own stack */
    {"stack overflow", CJ_TRAP_STACK_OVERFLOW, NULL},
    {"wasm auxiliary stack overflow", CJ_TRAP_STACK_OVERFLOW,
     NULL}, /* the stack that C programs keep in linear memory */
    {"wasm auxiliary stack underflow", CJ_TRAP_STACK_OVERFLOW, NULL},
};

#define PREFIX "Exception: "

cj_trap cj__core_take_exception(void *core_env_inst, char *text, size_t size)
{
    WASMModuleInstance *inst = core_env_inst;
    if (inst == NULL || inst->cur_exception[0] == '\0') {
        if (size > 0)
            text[0] = '\0';
        return CJ_TRAP_NONE;
    }
    const char *words = inst->cur_exception;
    if (strncmp(words, PREFIX, sizeof PREFIX - 1) == 0)
        words += sizeof PREFIX - 1;
    cj_trap trap = CJ_TRAP_CORE;
    const char *limit = NULL;
    for (size_t i = 0; i < CJ_COUNT(traps); i++)
        if (strcmp(words, traps[i].text) == 0) {
            trap = traps[i].trap;
            limit = traps[i].limit;
        }
    if (size > 0)
        snprintf(text, size, "%s", limit ? limit : words);
    inst->cur_exception[0] = '\0';
    return trap;
}

void cj__trap_place(cj_call_ctx *call, WASMModuleInstance *inst)
{
    cj_trap_record *record = &call->store->trap;
    const cj_group_core *group = inst == NULL ? NULL : wasm_runtime_get_custom_data((WASMModuleInstanceCommon *)inst);
    if (record->kind != CJ_TRAP_NONE || record->bound != NULL)
        return;
    if (record->running != NULL) {
        record->bound = record->running;
        return;
    }
    record->site = CJ_NO_SITE;
    if (group != NULL && group->instance->dtor != NULL)
        record->bound = group->instance->dtor;
    else if (group != NULL && group->instance != call->bound->guest.instance)
        record->bound = group->instance->called;
}

void cj__exception_set(WASMModuleInstance *inst, const char *text)
{
    snprintf(inst->cur_exception, sizeof inst->cur_exception, PREFIX "%s", text);
}

void cj__exception_move(WASMModuleInstance *from, WASMModuleInstance *to)
{
    if (from == NULL || from == to || from->cur_exception[0] == '\0')
        return;
    if (to != NULL)
        memcpy(to->cur_exception, from->cur_exception, sizeof to->cur_exception);
    from->cur_exception[0] = '\0';
}
