/* imports.c: the native functions behind a merged module's imports: one per core signature, counted.
 *
 * Place in the pipeline: made when a module is loaded. WAMR resolves an import ("cj", "(iii)i") while it loads, by the list of native
 * functions registered for the process; what it finds is called from every instance of every module, with the slot number of the
 * boundary function as last argument (design D1). From there: environment -> instance -> its custom data (cj_group_core) -> the slot's
 * binding -> the gate, which runs the plan. A compiled import later takes the place in an instance's own table (cj__core_patch_import).
 * Non-goals: what a plan does.
 */
#include "engine/wamr.h"

#include "base/hash.h"

#include <stdatomic.h>
#include <stdio.h>

struct cj_shape {
    UT_hash_handle hh;
    uint32_t users;
    cj_native native;
    NativeSymbol symbol; /* WAMR keeps the pointer */
    char signature[CJ_MAX_CORE_PARAMS + 5];
};

static cj_shape *shapes; /* under the load lock */
static _Atomic(cj_import_gate) gate;

void cj__core_set_gate(cj_import_gate fn)
{
    atomic_store_explicit(&gate, fn, memory_order_release);
}

void cj__core_signature(const cj_core_type *type, char *out)
{
    *out++ = '(';
    for (uint32_t i = 0; i < type->param_count; i++)
        *out++ = cj__core_letter(type->params[i]);
    *out++ = ')';
    if (type->result_count > 0)
        *out++ = cj__core_letter(type->result);
    *out = '\0';
}

cj_status cj__shape_acquire(const cj_core_type *type, cj_shape **out, cj_error *err)
{
    if (type->param_count > CJ_MAX_CORE_PARAMS || type->result_count > 1)
        return cj__fail(err, CJ_UNSUPPORTED,
                        "unsupported: core import with %u parameters and %u results (%d and 1 at most)",
                        type->param_count, type->result_count, CJ_MAX_CORE_PARAMS);
    char signature[CJ_MAX_CORE_PARAMS + 5];
    cj__core_signature(type, signature);
    if (strchr(signature, '?') != NULL)
        return cj__fail(err, CJ_UNSUPPORTED, "unsupported: core import with a vector or reference");

    const cj_allocator *hash_alloc = cj__alloc_or_default(NULL); /* of the process, not of an engine */
    bool hash_oom = false;
    cj_shape *shape;
    HASH_FIND_STR(shapes, signature, shape);
    if (shape != NULL) {
        shape->users++;
        *out = shape;
        return CJ_OK;
    }
    shape = cj__calloc(hash_alloc, 1, sizeof *shape);
    if (shape == NULL)
        return cj__fail_nomem(err);
    shape->users = 1;
    snprintf(shape->signature, sizeof shape->signature, "%s", signature);
    cj_status status = cj__native_make(type, &shape->native, err);
    if (status != CJ_OK) {
        cj__free(hash_alloc, shape, sizeof *shape);
        return status;
    }
    shape->symbol = (NativeSymbol){.symbol = shape->signature,
                                   .func_ptr = shape->native.code,
                                   .signature = shape->signature,
                                   .attachment = shape->native.memory};
#if CJ_ENGINE_JIT
    bool ok = wasm_runtime_register_natives(CJ_IMPORT_MODULE, &shape->symbol, 1);
#else
    bool ok = wasm_runtime_register_natives_raw(CJ_IMPORT_MODULE, &shape->symbol, 1);
#endif
    if (ok) {
        HASH_ADD_STR(shapes, signature, shape);
        if (hash_oom)
            wasm_runtime_unregister_natives(CJ_IMPORT_MODULE, &shape->symbol);
    }
    if (!ok || hash_oom) {
        cj__native_free(&shape->native);
        cj__free(hash_alloc, shape, sizeof *shape);
        return cj__fail_nomem(err);
    }
    *out = shape;
    return CJ_OK;
}

void cj__shape_release(cj_shape *shape)
{
    if (--shape->users > 0)
        return;
    const cj_allocator *hash_alloc = cj__alloc_or_default(NULL);
    HASH_DEL(shapes, shape);
    wasm_runtime_unregister_natives(CJ_IMPORT_MODULE, &shape->symbol);
    cj__native_free(&shape->native);
    cj__free(hash_alloc, shape, sizeof *shape);
}

bool cj__import_call(WASMExecEnv *env, uint32_t slot, const uint64_t *flat, uint64_t *result)
{
    WASMModuleInstance *inst = (WASMModuleInstance *)env->module_inst;
    const cj_group_core *group = wasm_runtime_get_custom_data((WASMModuleInstanceCommon *)inst);
    cj_import_gate enter = atomic_load_explicit(&gate, memory_order_acquire);
    if (CJ_UNLIKELY(group == NULL || slot >= group->import_count || enter == NULL)) {
        cj__exception_set(inst, "call of an import that is not bound");
        return false;
    }
    const cj_binding *bound = &cj__group_imports(group)[slot];
    cj_call_ctx call = {.bound = bound,
                        .store = bound->guest.instance->store,
                        .env = env,
                        .arena = bound->guest.instance->store->arena};
    uint32_t trap = cj__core_stack_low(&call) ? cj__call_trap(&call, CJ_TRAP_STACK_OVERFLOW, false, CJ_NO_SITE)
                                              : enter(&call, flat, result);
    if (CJ_LIKELY(trap == CJ_TRAP_NONE))
        return true;
    cj__core_throw(&call);
    return false;
}
