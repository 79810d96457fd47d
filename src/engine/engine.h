/* engine.h: WAMR as canonjit sees it: core modules, core instances, entering and leaving guest code, memories.
 *
 * Place in the pipeline: below runtime/ and exec/; above WAMR. engine/ is the only folder that includes WAMR's headers; what
 * differs between WAMR versions, or between its JIT and its interpreters, ends here. CJ_ENGINE_JIT says at compile time whether core
 * functions are native code (WAMR's LLVM JIT) or function records (its interpreters).
 * Non-goals: nothing about components or types.
 */
#ifndef CJ_ENGINE_ENGINE_H
#define CJ_ENGINE_ENGINE_H

#include "base/base.h"
#include "component/types.h"
#include "engine_layout.h"
#include "exec/call.h"

#ifndef CJ_ENGINE_JIT
#define CJ_ENGINE_JIT 0
#endif

enum { CJ_MAX_CORE_PARAMS = 64 }; /* of an import or of a function that cj__core_call calls; the slot included */

/* -- The process-wide runtime, counted ------------------------------------------------------------------------------ */

cj_status cj__core_runtime_acquire(cj_error *err); /* thread-safe */
void cj__core_runtime_release(void);
const char *cj__core_build_info(void); /* "WAMR 1.1.2 llvm-jit" */

/* -- Modules -------------------------------------------------------------------------------------------------------------- */

typedef struct cj_core_module cj_core_module; /* immutable, shared by instances, counted by its users */
typedef struct cj_core_instance cj_core_instance;

/* Loads a merged module. Its function imports are all named ("cj", signature text of cj__core_signature), several may share a name; import k of
 * the module has type imports[k], the slot parameter included. Serialised inside: WAMR's loader is not thread-safe. WAMR's refusals are
 * CJ_INVALID with its text. `bytes` is copied. */
cj_status cj__core_load(const cj_allocator *, const uint8_t *bytes, size_t size, const cj_core_type *imports,
                        uint32_t import_count, cj_core_module **out, cj_error *err);
void cj__core_unload(cj_core_module *);
/* "(iIfF)i" as WAMR writes signatures; the field name of an import of that type. Needs param_count + 5 bytes. */
void cj__core_signature(const cj_core_type *, char *out);

/* -- Instances ------------------------------------------------------------------------------------------------------------ */

/* Instantiates: memories, globals, active segments in bounds; runs no guest code (merged modules have no start section).
 * `group` becomes the instance's custom data. Limits: max_memory_pages and max_table_elements of `limits`. The store's `env` is made with
 * its first instance. */
cj_status cj__core_instantiate(cj_store_core *store, cj_core_module *, const cj_limits *limits, cj_group_core *group,
                               cj_core_instance **out, cj_error *err);
void cj__core_deinstantiate(cj_core_instance *);
/* Frees the store's `env`; after its last core instance is gone. */
void cj__core_store_fini(cj_store_core *store);

/* Function export number i in the module's export section, counting functions only: what cj_binding's callables hold. */
void *cj__core_export_func(cj_core_instance *, uint32_t i);
/* The memory's record, or NULL; stays put for the instance's life. */
void *cj__core_memory(cj_core_instance *);
void *cj__core_env_inst(cj_core_instance *); /* cj_binding.core_env_inst */
/* JIT: makes import k of this instance call `native` directly, a C function (env, params..., slot). Until then, and where
 * WAMR interprets, it calls the generic gate of its signature, which runs the plan: cj__core_set_gate. */
void cj__core_patch_import(cj_core_instance *, uint32_t k, void *native);

/* The instance's global data, where the merger's interrupt globals are the first two u32 (link/merge.h). Stays put for the instance's life. */
uint32_t *cj__core_global_data(cj_core_instance *);
/* Where global `index` of the module lies, or NULL when there is none; stays put. */
void *cj__core_global(cj_core_instance *, uint32_t index);

/* The generic gate: how an import reaches the plan interpreter. Called inside a guest with the flat parameters (each in the low bits of its
 * 64-bit slot), the slot number already taken off and resolved. Returns a cj_trap after recording it. Set once, by exec/. */
typedef uint32_t (*cj_import_gate)(cj_call_ctx *call, const uint64_t *flat, uint64_t *result);
void cj__core_set_gate(cj_import_gate);

/* -- Entering and leaving ------------------------------------------------------------------------------------------------- */

/* Runs `body` where guest code may be called and may trap: the thread is prepared, env->module_inst is the instance's, the
 * jump buffer pushed, the stack reserve checked. Nested entries are fine. Returns what `body` returned, or CJ_TRAP_CORE when it was
 * left by a trap (store->trap.kind says more when it is not CJ_TRAP_NONE; else cj__core_take_exception does). */
uint32_t cj__core_enter(cj_call_ctx *call, uint32_t (*body)(cj_call_ctx *, void *), void *arg);

/* The same for an export's thunk, as fast as it can be: cj_func.entry for compiled and interpreted functions alike is built on it. Checks
 * and clears may_enter of all of bound->entering (CJ_TRAP_CANNOT_ENTER), sets it again on a normal return only: whatever a trap leaves
 * stays not enterable. */
uint32_t cj__core_enter_export(cj_call_ctx *call, const void *args, void *results);

/* The call that is active may be remembered by its cj_call_ctx's address: should it be the one that the store keeps for calls from outside, the next of
 * these gets another. */
void cj__core_renew_outermost(cj_store_core *);

#if CJ_ENGINE_JIT
/* cj_func.entry in one frame with the above, for what calls are nearly always; `func` is a cj_func_core. Everything else (another thread, the first
 * call, re-entrance, lent results to be turned over) goes to the store's hooks. */
cj_status cj__core_func_entry(cj_func *func, const void *args, void *results, cj_arena *arena);
/* For functions that enter more than one instance. */
cj_status cj__core_func_entry_nested(cj_func *func, const void *args, void *results, cj_arena *arena);
#endif

/* Leaves through the innermost entered frame, from inside an import. JIT: does not return. Interpreter: sets WAMR's exception and
 * returns; the caller must return to WAMR at once. */
void cj__core_throw(cj_call_ctx *call);

/* The engine's pending exception of the instance as a trap, cleared; `text` gets WAMR's words, or for CJ_TRAP_STACK_OVERFLOW the name of the
 * limit that was reached, "wasm_stack_size". CJ_TRAP_NONE: there is none. */
cj_trap cj__core_take_exception(void *core_env_inst, char *text, size_t size);

/* Calls from inside an entered region. Both give a cj_trap: CJ_TRAP_NONE, or CJ_TRAP_CORE when an exception is pending. May leave by
 * longjmp (JIT): callers own nothing that must be freed. `flat`: parameters in, result out in flat[0]. When `callee` is another instance than the
 * one that runs, env->module_inst is switched to it and back, and its exception becomes that of the one that called. */
uint32_t cj__core_call(cj_call_ctx *call, const cj_side *callee, void *func, const cj_core_type *type, uint64_t *flat);
uint32_t cj__core_call_realloc(cj_call_ctx *call, const cj_side *callee, uint32_t old_ptr, uint32_t old_size,
                               uint32_t align, uint32_t new_size, uint32_t *out);

/* Bytes of native stack that guests leave to host functions, the compiler and us. */
#define CJ_STACK_RESERVE (256u << 10)
/* True when so little native stack is left that a host function, realloc or another instance must not be called: less than the reserve. */
bool cj__core_stack_low(const cj_call_ctx *call);

/* -- Memory --------------------------------------------------------------------------------------------------------------- */

/* Where WAMR keeps what our code reads, compiled code too, in bytes from the start of the record named: constants (engine/layout.c). */
typedef struct cj_core_layout {
    uint32_t env_module_inst;    /* exec_env -> instance record (cj_binding.core_env_inst) */
    uint32_t env_stack_boundary; /* exec_env -> lowest usable address of the native stack, the reserve included */
    uint32_t inst_exception;     /* instance record -> first byte of the exception text; 0: none */
    uint32_t inst_custom_data;   /* instance record -> cj_group_core */
    uint32_t memory_data;        /* memory record -> base address */
    uint32_t memory_page_count;  /* memory record -> u32 */
    uint32_t memory_page_size;   /* memory record -> u32, bytes; the size is the 64-bit product */
} cj_core_layout;
static const cj_core_layout cj__core_layout = {
    .env_module_inst = CJ__LAYOUT_ENV_MODULE_INST,
    .env_stack_boundary = CJ__LAYOUT_ENV_STACK_BOUNDARY,
    .inst_exception = CJ__LAYOUT_INST_EXCEPTION,
    .inst_custom_data = CJ__LAYOUT_INST_CUSTOM_DATA,
    .memory_data = CJ__LAYOUT_MEMORY_DATA,
    .memory_page_count = CJ__LAYOUT_MEMORY_PAGE_COUNT,
    .memory_page_size = CJ__LAYOUT_MEMORY_PAGE_SIZE,
};

static inline uint8_t *cj__memory_base(const void *memory)
{
    uint8_t *base;
    memcpy(&base, (const char *)memory + cj__core_layout.memory_data, sizeof base);
    return base;
}

static inline uint64_t cj__memory_size(const void *memory)
{
    uint32_t pages, page_size;
    memcpy(&pages, (const char *)memory + cj__core_layout.memory_page_count, sizeof pages);
    memcpy(&page_size, (const char *)memory + cj__core_layout.memory_page_size, sizeof page_size);
    return (uint64_t)pages * page_size;
}

/* True when `len` bytes at guest address `at` lie in the memory. */
static inline bool cj__memory_covers(const void *memory, uint32_t at, uint64_t len)
{
    uint64_t size = cj__memory_size(memory);
    return at <= size && len <= size - at;
}

/* The one checked view of guest memory: `len` bytes at guest address `at`, or NULL when any lies outside. Must be taken
 * again after every call-out, which can grow or move the memory. Raw base + offset stands nowhere else. A memory of no bytes may have no base:
 * where `len` can be 0, ask cj__memory_covers. */
static inline uint8_t *cj__memory_view(const void *memory, uint32_t at, uint64_t len)
{
    return cj__memory_covers(memory, at, len) ? cj__memory_base(memory) + at : NULL;
}

#endif
