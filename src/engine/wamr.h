/* wamr.h: WAMR's headers and what the files of engine/ share.
 *
 * Place in the pipeline: included by engine/'s own files and by nothing else. What differs between WAMR versions is named here once.
 */
#ifndef CJ_ENGINE_WAMR_H
#define CJ_ENGINE_WAMR_H

#include "engine/engine.h"

#include "bh_platform.h"
#include "version.h"
#include "wasm_exec_env.h"
#include "wasm_export.h"
#include "wasm_runtime.h"
#include "wasm_runtime_common.h"

#define CJ_WAMR_AT_LEAST(major, minor) \
    (WAMR_VERSION_MAJOR > (major) || (WAMR_VERSION_MAJOR == (major) && WAMR_VERSION_MINOR >= (minor)))

_Static_assert(WASM_STACK_GUARD_SIZE == CJ_STACK_RESERVE, "WAMR compares with the same limit");

#if CJ_HARDWARE_BOUNDS && !defined(OS_ENABLE_HW_BOUND_CHECK)
#error "CANONJIT_BOUNDS hardware wants WAMR's hardware bounds checks"
#endif
#if !CJ_HARDWARE_BOUNDS && defined(OS_ENABLE_HW_BOUND_CHECK)
#error "interpreters and CANONJIT_BOUNDS software want WAMR without hardware bounds checks"
#endif

/* Fields that moved. Only 1.1.2 is tested (docs/security.md). */
#if CJ_WAMR_AT_LEAST(2, 4)
#define CJ_TABLE_TYPE(table) ((table).table_type)
#define CJ_SEG_COUNT(seg) ((seg).value_count)
#define CJ_INIT_I32(expr) ((expr).u.unary.v.i32)
#define CJ_INTERP_STACK_RESET(env) ((env)->wasm_stack.top = (env)->wasm_stack_u.bottom)
#define CJ_INTERP_STACK_TOP(env) ((env)->wasm_stack.top)
#else
#define CJ_TABLE_TYPE(table) (table)
#define CJ_SEG_COUNT(seg) ((seg).function_count)
#define CJ_INIT_I32(expr) ((expr).u.i32)
#define CJ_INTERP_STACK_RESET(env) ((env)->wasm_stack.s.top = (env)->wasm_stack.s.bottom)
#define CJ_INTERP_STACK_TOP(env) ((env)->wasm_stack.s.top)
#endif

/* WAMR counts bytes of a memory in 32 bits: one page less than 4 GiB. With 65536 pages 1.1.2 says that the memory is empty, or one
 * page of 4 GiB - 1. */
enum { CJ_WAMR_MAX_PAGES = 65535, CJ_WASM_PAGE = 65536 };

/* The name under which all imports of merged modules are registered. */
#define CJ_IMPORT_MODULE "cj"

/* -- Signatures of imports (imports.c): a native function each, counted by the modules that use it --------------------------- */

typedef struct cj_shape cj_shape;
/* Under the load lock. */
cj_status cj__shape_acquire(const cj_core_type *type, cj_shape **out, cj_error *err);
void cj__shape_release(cj_shape *);
/* The native function that WAMR calls for a shape: import_jit.c, import_interp.c. */
typedef struct cj_native {
    void *code;   /* what is registered */
    void *memory; /* what belongs to it */
} cj_native;
cj_status cj__native_make(const cj_core_type *type, cj_native *out, cj_error *err);
void cj__native_free(cj_native *);
/* The way from a native function to the gate. On a trap that cannot be left by a jump it returns false, with WAMR's exception set. */
bool cj__import_call(WASMExecEnv *env, uint32_t slot, const uint64_t *flat, uint64_t *result);

/* -- Modules and instances ---------------------------------------------------------------------------------------------------- */

typedef struct cj_block_table cj_block_table;
struct cj_core_module {
    const cj_allocator *alloc;
    _Atomic uint32_t users;
    uint8_t *bytes; /* WAMR writes to them and keeps pointers into them */
    size_t size;
    WASMModule *wasm;
    cj_shape **shapes; /* one per import */
    uint32_t import_count;
    /* function exports in the order of the file: function indices. WAMR 2.x sorts its own list */
    uint32_t *export_funcs;
    uint32_t export_func_count;
    cj_core_module *next_loaded;             /* JIT: mend_exit.c */
    _Atomic(struct cj_block_table *) blocks; /* interpreters: mend_blocks.c */
};

/* Where the blocks of a module end, as far as its guests have asked (mend_blocks.c). */
void cj__blocks_free(cj_core_module *);

struct cj_core_instance {
    cj_core_module *module;
    WASMModuleInstance *wasm;
    cj_store_core *store;
};

/* The user data of environments that are ours: a program may use WAMR beside us. */
extern const char cj__env_is_ours;
/* The module whose code runs in such an environment, or NULL. */
static inline cj_core_module *cj__running_module(const WASMExecEnv *env)
{
    const cj_group_core *group = env->module_inst == NULL ? NULL : wasm_runtime_get_custom_data(env->module_inst);
    return group == NULL ? NULL : group->core_module;
}

/* -- The calling thread --------------------------------------------------------------------------------------------------------- */

/* An entered frame of guest code (enter_jit.c). */
typedef struct cj_entry cj_entry;

/* Per thread: who it is, and its innermost entered frame. The signal handler reads it, so it must never be allocated lazily:
 * initial-exec. */
typedef struct cj_anchor {
    const void *id;  /* unique for ever; NULL until the thread enters a store */
    cj_entry *entry; /* JIT; NULL outside of entered frames */
} cj_anchor;
extern __thread cj_anchor cj__anchor __attribute__((tls_model("initial-exec")));
/* Makes the store's environment the calling thread's. */
void cj__thread_attach(cj_store_core *store);

#if CJ_ENGINE_JIT
/* store->outermost, with store->env. False: out of memory. */
bool cj__outermost_new(cj_store_core *store);
void cj__outermost_free(cj_store_core *store);
/* The environment of the innermost entered frame, or NULL. */
WASMExecEnv *cj__entered_env(void);
/* After an exception has been set in `inst`: leaves by a jump when that is what runs in the innermost entered frame. Returns when it is an instance of
 * the program's own use of WAMR, without a jump buffer of WAMR's: its code returns from all its frames. */
void cj__leave_from(const void *inst);
#if CJ_HARDWARE_BOUNDS
/* Where a trap leaves to: true when it is an entered frame of ours. Else `wamr_jump` is WAMR's innermost jump buffer, of `env`, or NULL. */
bool cj__leave_is_ours(WASMExecEnv **env, WASMJmpBuf **wamr_jump);
#endif
/* Jumps there; returns when there is nowhere to go. The exception is set, or a trap recorded. */
void cj__leave(void);
#endif
/* JIT: modules whose functions may be compiling while the process exits (mend_exit.c). */
void cj__exit_watch(cj_core_module *);
void cj__exit_forget(cj_core_module *);
/* JIT: whether WAMR builds LLVM IR on this thread for cj__core_load (module.c). */
bool cj__wamr_compiles(void);
/* Hardware bounds: takes the signal handler away, with the runtime's end (mend_signals.c). */
void cj__signals_remove(void);

/* After a trap that nobody recorded, in `inst`: names the function that was called in it, when that is not the one that the host called. */
void cj__trap_place(cj_call_ctx *call, WASMModuleInstance *inst);
/* Exceptions: moves the text of one instance to another. */
void cj__exception_move(WASMModuleInstance *from, WASMModuleInstance *to);
void cj__exception_set(WASMModuleInstance *, const char *text);

/* Mutual exclusion of what in WAMR is not thread-safe: loading, and the list of native functions. */
void cj__load_lock(void);
void cj__load_unlock(void);

#endif
