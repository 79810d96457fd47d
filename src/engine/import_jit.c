/* import_jit.c: natives for WAMR's JIT code: a libffi closure per signature.
 *
 * Place in the pipeline: behind imports.c in JIT builds. WAMR's code calls an import with the C ABI, environment first. The closure is
 * what an import runs until it is compiled, and always with the plan interpreter: 20-40 ns.
 */
#include "engine/wamr.h"

#include <ffi.h>
#include <setjmp.h>

typedef struct closure {
    ffi_cif cif;
    ffi_closure *ffi;
    uint32_t param_count; /* of the core function, the slot included */
    cj_core result;
    uint32_t result_count;
    cj_core params[CJ_MAX_CORE_PARAMS];
    ffi_type *types[CJ_MAX_CORE_PARAMS + 1];
} closure;

static ffi_type *ffi_of(cj_core type)
{
    switch (type) {
    case CJ_CORE_I64:
        return &ffi_type_uint64;
    case CJ_CORE_F32:
        return &ffi_type_float;
    case CJ_CORE_F64:
        return &ffi_type_double;
    default:
        return &ffi_type_uint32;
    }
}

static void enter(ffi_cif *cif, void *ret, void **args, void *user)
{
    (void)cif;
    const closure *c = user;
    WASMExecEnv *env = *(WASMExecEnv **)args[0];
    uint64_t flat[CJ_MAX_CORE_PARAMS];
    uint64_t result = 0;
    uint32_t n = c->param_count - 1; /* the last is the slot */
    for (uint32_t i = 0; i < n; i++) {
        if (c->params[i] == CJ_CORE_I64 || c->params[i] == CJ_CORE_F64) {
            memcpy(&flat[i], args[i + 1], 8);
        } else {
            uint32_t low;
            memcpy(&low, args[i + 1], 4);
            flat[i] = low;
        }
    }
    /* When it returns false the exception is pending; WAMR's code tests it after the call. */
    (void)cj__import_call(env, *(uint32_t *)args[n + 1], flat, &result);
    if (c->result_count == 0)
        return;
    switch (c->result) {
    case CJ_CORE_F32:
        memcpy(ret, &result, 4);
        break;
    case CJ_CORE_I64:
    case CJ_CORE_F64:
        memcpy(ret, &result, 8);
        break;
    default:
        *(ffi_arg *)ret = (uint32_t)result;
        break; /* libffi widens small integers */
    }
}

cj_status cj__native_make(const cj_core_type *type, cj_native *out, cj_error *err)
{
    if (type->param_count == 0 || type->params[type->param_count - 1] != CJ_CORE_I32)
        return cj__fail(err, CJ_INTERNAL, "an import without its slot parameter");
    const cj_allocator *alloc = cj__alloc_or_default(NULL);
    closure *c = cj__calloc(alloc, 1, sizeof *c);
    if (c == NULL)
        return cj__fail_nomem(err);
    c->param_count = type->param_count;
    c->result_count = type->result_count;
    c->result = type->result;
    memcpy(c->params, type->params, type->param_count * sizeof *c->params);
    c->types[0] = &ffi_type_pointer;
    for (uint32_t i = 0; i < type->param_count; i++)
        c->types[i + 1] = ffi_of(type->params[i]);
    void *code = NULL;
    c->ffi = ffi_closure_alloc(sizeof *c->ffi, &code);
    if (c->ffi == NULL ||
        ffi_prep_cif(&c->cif, FFI_DEFAULT_ABI, type->param_count + 1,
                     type->result_count > 0 ? ffi_of(type->result) : &ffi_type_void, c->types) != FFI_OK ||
        ffi_prep_closure_loc(c->ffi, &c->cif, enter, c, code) != FFI_OK) {
        if (c->ffi != NULL)
            ffi_closure_free(c->ffi);
        cj__free(alloc, c, sizeof *c);
        return cj__fail(err, CJ_NO_MEMORY, "out of memory: no executable memory for an import's native function");
    }
    *out = (cj_native){.code = code, .memory = c};
    return CJ_OK;
}

void cj__native_free(cj_native *native)
{
    closure *c = native->memory;
    ffi_closure_free(c->ffi);
    cj__free(cj__alloc_or_default(NULL), c, sizeof *c);
}
