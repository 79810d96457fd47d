/* mend_stack.c: the native stack's end, found by compiled guests.
 *
 * Place in the pipeline: while a core module loads: mend_compile.c calls cj__stack_checks before LLVM's passes; LLVMAddFunction and
 * LLVMOrcCreateLLLazyJIT are wrapped by the linker's --wrap.
 *
 * WAMR makes every caller compare before every call: the address of its last local against the end of the stack and what the callee's locals will take.
 * That keeps the local out of registers, costs up to a third of a function that mostly calls, and misses what LLVM adds to a frame. Here instead
 *
 *   - a function that calls others compares once, when its frame is there;
 *   - one that calls none does not compare: its frame lies in the reserve, which is many times as large;
 *   - a frame of more than PROBE_FROM bytes calls cj__stack_probe, LLVM's stack probe, before it is there.
 *
 * So at most two frames of PROBE_FROM bytes lie below the boundary when anything else is called there: an import compares anew.
 */
#include "engine/wamr.h"

#include <llvm-c/Core.h>
#include <llvm-c/LLJIT.h>
#include <llvm-c/Orc.h>

#include "aot_llvm.h"

#include <stdlib.h>

LLVMValueRef __real_LLVMAddFunction(LLVMModuleRef, const char *, LLVMTypeRef);
LLVMValueRef __wrap_LLVMAddFunction(LLVMModuleRef, const char *, LLVMTypeRef);
LLVMErrorRef __real_LLVMOrcCreateLLLazyJIT(LLVMOrcLLLazyJITRef *, LLVMOrcLLLazyJITBuilderRef);
LLVMErrorRef __wrap_LLVMOrcCreateLLLazyJIT(LLVMOrcLLLazyJITRef *, LLVMOrcLLLazyJITBuilderRef);

#if defined(__x86_64__)

/* Frames up to this size are covered by the reserve. */
#define PROBE_FROM "16384"

__attribute__((visibility("hidden"), used, noreturn)) void cj__stack_overflow(WASMExecEnv *env);
void cj__stack_overflow(WASMExecEnv *env)
{
    cj__exception_set((WASMModuleInstance *)env->module_inst, "native stack overflow");
    cj__leave();
    abort(); /* guest code never runs without an entered frame */
}

/* -- Large frames ------------------------------------------------------------------------------------------------------------------ */

/* Called from a prologue with the size of the frame in rax; keeps every register but r10, r11 and the flags. rdi is the first parameter of
 * every core function, the environment. The frame must end above the boundary. */
__asm__(".pushsection .text\n"
        ".globl cj__stack_probe\n"
        ".hidden cj__stack_probe\n"
        ".type cj__stack_probe, @function\n"
        "cj__stack_probe:\n"
        "    .cfi_startproc\n"
        "    mov %rsp, %r11\n"
        "    sub %rax, %r11\n"
        "    jb 1f\n"
        "    mov cj__stack_probe_boundary(%rip), %r10\n"
        "    cmp (%rdi,%r10), %r11\n"
        "    jb 1f\n"
        "    ret\n"
        "1:  and $-16, %rsp\n"
        "    call cj__stack_overflow\n"
        "    ud2\n"
        "    .cfi_endproc\n"
        ".size cj__stack_probe, .-cj__stack_probe\n"
        ".popsection\n");
void cj__stack_probe(void);
__attribute__((visibility("hidden"), used)) const uint64_t cj__stack_probe_boundary =
    offsetof(WASMExecEnv, native_stack_boundary);

static void add_attribute(LLVMContextRef context, LLVMValueRef fn, const char *name, const char *value)
{
    LLVMAttributeRef attribute =
        LLVMCreateStringAttribute(context, name, (unsigned)strlen(name), value, (unsigned)strlen(value));
    LLVMAddAttributeAtIndex(fn, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, attribute);
}

static bool is_core_function(const char *name)
{
    return strncmp(name, AOT_FUNC_PREFIX, sizeof AOT_FUNC_PREFIX - 1) == 0;
}

LLVMValueRef __wrap_LLVMAddFunction(LLVMModuleRef module, const char *name, LLVMTypeRef type)
{
    LLVMValueRef fn = __real_LLVMAddFunction(module, name, type);
    if (fn != NULL && cj__wamr_compiles() && is_core_function(name)) {
        LLVMContextRef context = LLVMGetModuleContext(module);
        add_attribute(context, fn, "probe-stack", "cj__stack_probe");
        add_attribute(context, fn, "stack-probe-size", PROBE_FROM);
    }
    return fn;
}

LLVMErrorRef __wrap_LLVMOrcCreateLLLazyJIT(LLVMOrcLLLazyJITRef *result, LLVMOrcLLLazyJITBuilderRef builder)
{
    *result = NULL;
    LLVMErrorRef err = __real_LLVMOrcCreateLLLazyJIT(result, builder);
    if (err != NULL || *result == NULL)
        return err;
    LLVMOrcCSymbolMapPair pair = {
        .Name = LLVMOrcLLLazyJITMangleAndIntern(*result, "cj__stack_probe"),
        .Sym = {.Address = (uintptr_t)cj__stack_probe,
                .Flags = {.GenericFlags = LLVMJITSymbolGenericFlagsExported | LLVMJITSymbolGenericFlagsCallable}},
    };
    return LLVMOrcJITDylibDefine(LLVMOrcLLLazyJITGetMainJITDylib(*result), LLVMOrcAbsoluteSymbols(&pair, 1));
}

/* -- Functions that call ------------------------------------------------------------------------------------------------------------ */

/* WAMR's comparison: last local < end of the stack + size of the callee's locals. */
static bool is_check(LLVMValueRef i)
{
    if (LLVMGetInstructionOpcode(i) != LLVMICmp || LLVMGetICmpPredicate(i) != LLVMIntULT)
        return false;
    LLVMValueRef bound = LLVMGetOperand(i, 1);
    if (LLVMIsAGetElementPtrInst(bound) == NULL)
        return false;
    static const char name[] = "native_stack_bound";
    size_t len;
    LLVMValueRef base = LLVMGetOperand(bound, 0);
    const char *of = LLVMGetValueName2(base, &len);
    return LLVMIsALoadInst(base) != NULL && len >= sizeof name - 1 && memcmp(of, name, sizeof name - 1) == 0;
}

/* None of them finds anything any more. */
static bool take_out_checks(LLVMContextRef context, LLVMValueRef fn)
{
    bool found = false;
    for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(fn); block != NULL; block = LLVMGetNextBasicBlock(block)) {
        for (LLVMValueRef i = LLVMGetFirstInstruction(block), next; i != NULL; i = next) {
            next = LLVMGetNextInstruction(i);
            if (!is_check(i))
                continue;
            found = true;
            LLVMReplaceAllUsesWith(i, LLVMConstInt(LLVMInt1TypeInContext(context), 0, false));
            LLVMInstructionEraseFromParent(i);
        }
    }
    return found;
}

static LLVMMetadataRef number(LLVMContextRef context, uint32_t value)
{
    return LLVMValueAsMetadata(LLVMConstInt(LLVMInt32TypeInContext(context), value, false));
}

static void weigh(LLVMContextRef context, LLVMValueRef branch)
{
    LLVMMetadataRef weights[3] = {LLVMMDStringInContext2(context, "branch_weights", 14), number(context, 1),
                                  number(context, 1 << 20)};
    LLVMSetMetadata(branch, LLVMGetMDKindIDInContext(context, "prof", 4),
                    LLVMMetadataAsValue(context, LLVMMDNodeInContext2(context, weights, 3)));
}

static LLVMValueRef stack_pointer(LLVMModuleRef module, LLVMContextRef context, LLVMBuilderRef builder)
{
    LLVMTypeRef i64 = LLVMInt64TypeInContext(context);
    unsigned id = LLVMLookupIntrinsicID("llvm.read_register", 18);
    LLVMMetadataRef name = LLVMMDStringInContext2(context, "rsp", 3);
    LLVMValueRef which = LLVMMetadataAsValue(context, LLVMMDNodeInContext2(context, &name, 1));
    return LLVMBuildCall2(builder, LLVMIntrinsicGetType(context, id, &i64, 1),
                          LLVMGetIntrinsicDeclaration(module, id, &i64, 1), &which, 1, "sp");
}

/* A block before the first, with the comparison; what the first one allocates must stay in the entry. */
static void check_once(LLVMModuleRef module, LLVMContextRef context, LLVMBuilderRef builder, LLVMValueRef fn)
{
    LLVMTypeRef i64 = LLVMInt64TypeInContext(context), i8 = LLVMInt8TypeInContext(context),
                word = LLVMPointerType(i64, 0);
    LLVMValueRef env = LLVMGetParam(fn, 0);
    LLVMTypeRef env_type = LLVMTypeOf(env),
                handler_type = LLVMFunctionType(LLVMVoidTypeInContext(context), &env_type, 1, false);
    LLVMBasicBlockRef first = LLVMGetEntryBasicBlock(fn),
                      entry = LLVMInsertBasicBlockInContext(context, first, "stack"),
                      low = LLVMAppendBasicBlockInContext(context, fn, "stack_overflow");
    LLVMPositionBuilderAtEnd(builder, entry);
    for (LLVMValueRef i = LLVMGetFirstInstruction(first), next; i != NULL; i = next) {
        next = LLVMGetNextInstruction(i);
        if (LLVMGetInstructionOpcode(i) != LLVMAlloca)
            continue;
        LLVMInstructionRemoveFromParent(i);
        LLVMInsertIntoBuilder(builder, i);
    }
    LLVMValueRef offset = LLVMConstInt(i64, offsetof(WASMExecEnv, native_stack_boundary), false);
    LLVMValueRef at =
        LLVMBuildGEP2(builder, i8, LLVMBuildBitCast(builder, env, LLVMPointerType(i8, 0), ""), &offset, 1, "");
    LLVMValueRef boundary = LLVMBuildLoad2(builder, i64, LLVMBuildBitCast(builder, at, word, ""), "boundary");
    LLVMValueRef is_low = LLVMBuildICmp(builder, LLVMIntULT, stack_pointer(module, context, builder), boundary, "");
    weigh(context, LLVMBuildCondBr(builder, is_low, low, first));

    LLVMPositionBuilderAtEnd(builder, low);
    LLVMValueRef handler = LLVMConstInt(i64, (uintptr_t)cj__stack_overflow, false);
    LLVMBuildCall2(builder, handler_type, LLVMConstIntToPtr(handler, LLVMPointerType(handler_type, 0)), &env, 1, "");
    LLVMBuildUnreachable(builder);
}

void cj__stack_checks(LLVMModuleRef module)
{
    LLVMContextRef context = LLVMGetModuleContext(module);
    LLVMBuilderRef builder = LLVMCreateBuilderInContext(context);
    for (LLVMValueRef fn = LLVMGetFirstFunction(module); fn != NULL; fn = LLVMGetNextFunction(fn)) {
        size_t len;
        if (!LLVMIsDeclaration(fn) && is_core_function(LLVMGetValueName2(fn, &len)) && take_out_checks(context, fn))
            check_once(module, context, builder, fn);
    }
    LLVMDisposeBuilder(builder);
}

#else /* LLVM 15 has no stack probes for other machines: WAMR's own checks */

LLVMValueRef __wrap_LLVMAddFunction(LLVMModuleRef module, const char *name, LLVMTypeRef type)
{
    return __real_LLVMAddFunction(module, name, type);
}

LLVMErrorRef __wrap_LLVMOrcCreateLLLazyJIT(LLVMOrcLLLazyJITRef *result, LLVMOrcLLLazyJITBuilderRef builder)
{
    return __real_LLVMOrcCreateLLLazyJIT(result, builder);
}

void cj__stack_checks(LLVMModuleRef module)
{
    (void)module;
}

#endif
