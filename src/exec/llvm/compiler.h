/* compiler.h: LLVM as thunks.c uses it: one plan in, its code out.
 *
 * Place: between the cache of thunks (thunks.c) and what writes IR (emit.h).
 * Non-goals: threads: only the compiler's own thread comes here.
 */
#ifndef CJ_EXEC_LLVM_COMPILER_H
#define CJ_EXEC_LLVM_COMPILER_H

#include "exec/exec.h"
#include "exec/llvm/tuning.h"

#include <llvm-c/LLJIT.h>
#include <llvm-c/TargetMachine.h>

typedef struct cj__ll_compiler {
    const cj_allocator *alloc;
    cj__compiler_tuning tuning;
    LLVMTargetMachineRef fast, optimising; /* made when first needed */
    LLVMOrcLLJITRef jit;                   /* likewise */
    uint64_t symbols;
    char *environment;
    uint32_t profile; /* cj_profile; set before the start */
    char report[256]; /* what LLVM said last */
} cj__ll_compiler;

/* Before anything that is to be timed: starts LLVM, once. */
cj_status cj__ll_compiler_start(cj__ll_compiler *, cj_error *err);
/* All that objects depend on but the plan: in words, terminated, the compiler's; NULL when out of memory. */
const char *cj__ll_environment(cj__ll_compiler *);

enum { CJ__LL_SYMBOL_SIZE = 256 };
/* The symbol of a plan's function: from a name, which comes from a component, and the shape. `unique`: in this process. */
void cj__ll_symbol(cj__ll_compiler *, const cj_plan *, const char *name, bool unique, char out[CJ__LL_SYMBOL_SIZE]);
/* An object without any absolute address: what it needs it needs by name. Dispose of it with LLVMDisposeMemoryBuffer. `timed`: code that
 * counts its steps (cj__compiler_timed). */
cj_status cj__ll_compile(cj__ll_compiler *, const cj_plan *, const char *symbol, bool timed,
                         LLVMMemoryBufferRef *object, cj_error *err);
/* Places an object and finds its function, which profilers shall know as `name`. Takes the object. */
cj_status cj__ll_link(cj__ll_compiler *, LLVMMemoryBufferRef object, const char *symbol, const char *name, void **out,
                      cj_error *err);
cj_status cj__ll_text(cj__ll_compiler *, const cj_plan *, const char *name, cj_text_kind, char **out, cj_error *err);
void cj__ll_compiler_fini(cj__ll_compiler *);

#endif
