/* target.h: the machine that thunks are compiled for: the one that runs.
 *
 * Place: under compiler.c; knows LLVM's targets, not plans.
 * Non-goals: cross compilation.
 */
#ifndef CJ_EXEC_LLVM_TARGET_H
#define CJ_EXEC_LLVM_TARGET_H

#include "base/base.h"

#include <llvm-c/TargetMachine.h>

/* A target machine for this CPU; dispose with LLVMDisposeTargetMachine. One thread at a time may use it. */
cj_status cj__ll_target_machine(LLVMCodeGenOptLevel level, LLVMTargetMachineRef *out, cj_error *err);

/* The same in words, behind `head`: triple, tuning, features. NULL when out of memory; cj__free(strlen + 1). */
char *cj__ll_target_text(const cj_allocator *, const char *head);

#endif
