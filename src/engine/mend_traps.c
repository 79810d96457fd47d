/* mend_traps.c: traps of compiled guests in builds without a signal handler (CANONJIT_BOUNDS software).
 *
 * Place in the pipeline: under enter_jit.c, in place of mend_signals.c. Replaces jit_set_exception_with_id, llvm_jit_call_indirect, llvm_jit_invoke_native,
 * aot_checked_addr_list_find and aot_checked_addr_list_add of WAMR, by the linker's --wrap; mend_compile.c calls cj__traps_apart before LLVM's passes.
 *
 * WAMR's code compares each address with the memory's size and calls a function that notes the exception; then it would return zero from frame to
 * frame, to callers that look for the exception. Here that function leaves by the jump by which all our traps leave: what is in between never runs on
 * with a zero that means nothing, and traps are the same in both builds. Instances of the program's own use of WAMR return as WAMR has it.
 *
 * The fault (1.1.2): a local's address that has been compared is not compared again until the local is set. But what was pushed before the local was set, and
 * is used as an address after it, counts as the local's new value: a guest can read and write anywhere within 8 GiB with it. Nothing is remembered here
 * (the list, which each setting of a local walks through, would also take time that grows with the square of a function).
 */
#include "engine/wamr.h"

#include <llvm-c/Core.h>

#include "aot_llvm.h"

void cj__traps_apart(LLVMModuleRef module);

void __real_jit_set_exception_with_id(WASMModuleInstance *, uint32 id);
void __wrap_jit_set_exception_with_id(WASMModuleInstance *, uint32 id);
bool __real_llvm_jit_call_indirect(WASMExecEnv *, uint32 tbl_idx, uint32 elem_idx, uint32 argc, uint32 *argv);
bool __wrap_llvm_jit_call_indirect(WASMExecEnv *, uint32 tbl_idx, uint32 elem_idx, uint32 argc, uint32 *argv);
bool __real_llvm_jit_invoke_native(WASMExecEnv *, uint32 func_idx, uint32 argc, uint32 *argv);
bool __wrap_llvm_jit_invoke_native(WASMExecEnv *, uint32 func_idx, uint32 argc, uint32 *argv);
bool __wrap_aot_checked_addr_list_find(AOTFuncContext *, uint32 local_idx, uint32 offset, uint32 bytes);
bool __wrap_aot_checked_addr_list_add(AOTFuncContext *, uint32 local_idx, uint32 offset, uint32 bytes);

void __wrap_jit_set_exception_with_id(WASMModuleInstance *inst, uint32 id)
{
    __real_jit_set_exception_with_id(inst, id);
    cj__leave_from(inst);
}

bool __wrap_llvm_jit_call_indirect(WASMExecEnv *env, uint32 tbl_idx, uint32 elem_idx, uint32 argc, uint32 *argv)
{
    bool ok = __real_llvm_jit_call_indirect(env, tbl_idx, elem_idx, argc, argv);
    if (CJ_UNLIKELY(!ok))
        cj__leave_from(env->module_inst);
    return ok;
}

bool __wrap_llvm_jit_invoke_native(WASMExecEnv *env, uint32 func_idx, uint32 argc, uint32 *argv)
{
    bool ok = __real_llvm_jit_invoke_native(env, func_idx, argc, argv);
    if (CJ_UNLIKELY(!ok))
        cj__leave_from(env->module_inst);
    return ok;
}

bool __wrap_aot_checked_addr_list_find(AOTFuncContext *function, uint32 local_idx, uint32 offset, uint32 bytes)
{
    (void)function, (void)local_idx, (void)offset, (void)bytes;
    return false;
}

bool __wrap_aot_checked_addr_list_add(AOTFuncContext *function, uint32 local_idx, uint32 offset, uint32 bytes)
{
    (void)function, (void)local_idx, (void)offset, (void)bytes;
    return true;
}

/* -- One block for each trap ------------------------------------------------------------------------------------------------------------ */

static void take_apart(LLVMContextRef context, LLVMValueRef fn, LLVMBasicBlockRef block)
{
    LLVMValueRef phi = LLVMGetFirstInstruction(block);
    LLVMBasicBlockRef of[EXCE_NUM] = {NULL};
    if (phi == NULL || LLVMIsAPHINode(phi) == NULL)
        return;
    unsigned count = LLVMCountIncoming(phi);
    for (unsigned i = 0; i < count; i++)
        if (LLVMIsAConstantInt(LLVMGetIncomingValue(phi, i)) == NULL ||
            LLVMConstIntGetZExtValue(LLVMGetIncomingValue(phi, i)) >= EXCE_NUM)
            return;
    LLVMBuilderRef builder = LLVMCreateBuilderInContext(context);
    for (unsigned i = 0; i < count; i++) {
        LLVMValueRef which = LLVMGetIncomingValue(phi, i);
        LLVMBasicBlockRef *to = &of[LLVMConstIntGetZExtValue(which)];
        if (*to == NULL) {
            *to = LLVMAppendBasicBlockInContext(context, fn, "trap");
            LLVMPositionBuilderAtEnd(builder, *to);
            for (LLVMValueRef old = LLVMGetNextInstruction(phi); old != NULL; old = LLVMGetNextInstruction(old)) {
                LLVMValueRef copy = LLVMInstructionClone(old);
                for (unsigned k = 0; k < (unsigned)LLVMGetNumOperands(copy); k++)
                    if (LLVMGetOperand(copy, k) == phi)
                        LLVMSetOperand(copy, k, which);
                LLVMInsertIntoBuilder(builder, copy);
            }
        }
        LLVMValueRef from = LLVMGetBasicBlockTerminator(LLVMGetIncomingBlock(phi, i));
        for (unsigned k = 0; k < LLVMGetNumSuccessors(from); k++)
            if (LLVMGetSuccessor(from, k) == block)
                LLVMSetSuccessor(from, k, *to);
    }
    LLVMDisposeBuilder(builder);
    LLVMReplaceAllUsesWith(phi, LLVMGetUndef(LLVMTypeOf(phi)));
    LLVMDeleteBasicBlock(block);
}

/* WAMR's functions have one block for all traps, with a phi of which it is. That makes a register that is written wherever an address is compared, and
 * LLVM takes time that grows with the square of that. */
void cj__traps_apart(LLVMModuleRef module)
{
    static const char name[] = "got_exception";
    LLVMContextRef context = LLVMGetModuleContext(module);
    for (LLVMValueRef fn = LLVMGetFirstFunction(module); fn != NULL; fn = LLVMGetNextFunction(fn)) {
        for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(fn), next; block != NULL; block = next) {
            next = LLVMGetNextBasicBlock(block);
            if (strcmp(LLVMGetBasicBlockName(block), name) == 0)
                take_apart(context, fn, block);
        }
    }
}
