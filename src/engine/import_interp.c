/* import_interp.c: natives for WAMR's interpreters: one raw native function for every signature.
 *
 * Place in the pipeline: behind imports.c where WAMR interprets. A raw native gets its parameters in 64-bit slots and writes its result to
 * the first. How many there are says the import's signature, which WAMR hands over as the "attachment".
 */
#include "engine/wamr.h"

static void enter(wasm_exec_env_t env, uint64_t *args)
{
    const cj_core_type *type = wasm_runtime_get_function_attachment(env);
    uint32_t n = type->param_count - 1; /* the last is the slot */
    uint64_t result = 0;
    uint32_t slot = (uint32_t)args[n];
    for (uint32_t i = 0; i < n; i++)
        if (type->params[i] == CJ_CORE_I32 || type->params[i] == CJ_CORE_F32)
            args[i] = (uint32_t)args[i];
    if (cj__import_call(env, slot, args, &result) && type->result_count > 0)
        args[0] = result;
}

cj_status cj__native_make(const cj_core_type *type, cj_native *out, cj_error *err)
{
    if (type->param_count == 0 || type->params[type->param_count - 1] != CJ_CORE_I32)
        return cj__fail(err, CJ_INTERNAL, "an import without its slot parameter");
    size_t size = sizeof(cj_core_type) + type->param_count * sizeof(cj_core);
    cj_core_type *copy = cj__malloc(cj__alloc_or_default(NULL), size);
    if (copy == NULL)
        return cj__fail_nomem(err);
    *copy = *type;
    memcpy(copy + 1, type->params, type->param_count * sizeof(cj_core));
    copy->params = (const cj_core *)(copy + 1);
    *out = (cj_native){.code = (void *)enter, .memory = copy};
    return CJ_OK;
}

void cj__native_free(cj_native *native)
{
    cj_core_type *copy = native->memory;
    cj__free(cj__alloc_or_default(NULL), copy, sizeof *copy + copy->param_count * sizeof(cj_core));
}
