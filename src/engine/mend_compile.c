/* mend_compile.c: what WAMR's JIT spends on a function is bounded by the function's size.
 *
 * Place in the pipeline: while a core module loads: replaces WAMR's aot_apply_llvm_new_pass_manager, between its IR and LLVM's code generator,
 * LLVMOrcLLLazyJITAddLLVMIRModule, LLVMOrcJITTargetMachineBuilderDetectHost and os_thread_create, by the linker's --wrap.
 *
 * LLVM's passes are made for code that people write. Some take time that grows with the square of a basic block (the machine scheduler: 4 s for 128 KB of
 * straight code; AVX-512's domain reassignment: 96 s) or of the number of blocks (code generator preparation: 25 s for
 * 10000 calls), and promoting locals to registers makes a phi for a local at every join that it reaches
 * (8000 locals under 5000 nested loops: more memory than the machine has). So functions of such a shape are marked optnone: they keep their
 * locals in memory and are translated instruction by instruction. They run at a third of the speed or less; what compilers emit is far from these
 * bounds. What takes quadratic time even so, the longest straight code of all, is refused. And AVX-512 is not used: guests have 128-bit vectors.
 *
 * The passes for the others are WAMR's own, run by LLVM's C API, which respects optnone as WAMR's use of the C++ API does not.
 */
#include "engine/wamr.h"

#include "base/hash.h"

#include <llvm-c/Core.h>
#include <llvm-c/Error.h>
#include <llvm-c/LLJIT.h>
#include <llvm-c/Orc.h>
#include <llvm-c/TargetMachine.h>
#include <llvm-c/Transforms/PassBuilder.h>

#include "aot_llvm.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

void __wrap_aot_apply_llvm_new_pass_manager(AOTCompContext *comp_ctx, LLVMModuleRef module);
/* mend_stack.c */
void cj__stack_checks(LLVMModuleRef module);
/* mend_traps.c */
void cj__traps_apart(LLVMModuleRef module);

int __wrap_os_thread_create(korp_tid *thread, thread_start_routine_t start, void *arg, unsigned int stack_size);

LLVMErrorRef __real_LLVMOrcJITTargetMachineBuilderDetectHost(LLVMOrcJITTargetMachineBuilderRef *result);
LLVMErrorRef __wrap_LLVMOrcJITTargetMachineBuilderDetectHost(LLVMOrcJITTargetMachineBuilderRef *result);

LLVMErrorRef __real_LLVMOrcLLLazyJITAddLLVMIRModule(LLVMOrcLLLazyJITRef, LLVMOrcJITDylibRef,
                                                    LLVMOrcThreadSafeModuleRef);
LLVMErrorRef __wrap_LLVMOrcLLLazyJITAddLLVMIRModule(LLVMOrcLLLazyJITRef, LLVMOrcJITDylibRef,
                                                    LLVMOrcThreadSafeModuleRef);

enum {
    MAX_BLOCK = 5000,          /* instructions of a basic block that is optimised */
    MAX_BLOCK_AT_ALL = 100000, /* and of any: 4 s */
    MAX_BLOCKS = 6000,         /* basic blocks of a function that is optimised: code generator preparation, 9 s */
    MAX_PHIS = 4 << 20,
    MAX_FUNCTION = 400000, /* instructions of a function that is optimised */
    MAX_SWITCH = 20000,    /* successors of one block (br_table) */
};

/* -- Functions that are translated without optimisation, or not at all ------------------------------------------------------------- */

typedef struct local {
    UT_hash_handle hh;
    LLVMValueRef alloca;
    LLVMBasicBlockRef last; /* in which it was set */
} local;

typedef enum verdict { OPTIMISE, TRANSLATE, REFUSE } verdict;

/* How many phis promotion to registers would make: at most one for each block that sets a local and each join that this reaches. WebAssembly is
 * structured: the joins after it, one for each construct that ends there or each loop around it; loops are what can hold many. */
static verdict judge(LLVMValueRef fn, uint64_t *longest)
{
    const cj_allocator *hash_alloc = cj__alloc_or_default(NULL);
    bool hash_oom = false;
    local *locals = NULL, *l, *next;
    uint64_t blocks = 0, local_count = 0, instructions = 0, sets = 0, loops = 0, switch_size = 0;
    *longest = 0;
    for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(fn); block != NULL; block = LLVMGetNextBasicBlock(block)) {
        uint64_t in_block = 0;
        for (LLVMValueRef i = LLVMGetFirstInstruction(block); i != NULL; i = LLVMGetNextInstruction(i)) {
            in_block++;
            LLVMOpcode op = LLVMGetInstructionOpcode(i);
            if (op == LLVMAlloca) {
                local_count++;
            } else if (op == LLVMStore) {
                LLVMValueRef to = LLVMGetOperand(i, 1);
                if (LLVMIsAAllocaInst(to) == NULL)
                    continue;
                HASH_FIND_PTR(locals, &to, l);
                if (l == NULL) {
                    l = cj__calloc(hash_alloc, 1, sizeof *l);
                    if (l == NULL)
                        return REFUSE;
                    l->alloca = to;
                    HASH_ADD_PTR(locals, alloca, l);
                }
                sets += l->last != block;
                l->last = block;
            }
        }
        const char *name = LLVMGetBasicBlockName(block);
        loops += strncmp(name, "loop", 4) == 0;
        LLVMValueRef last = LLVMGetBasicBlockTerminator(block);
        if (last != NULL && LLVMGetNumSuccessors(last) > switch_size)
            switch_size = LLVMGetNumSuccessors(last);
        *longest = in_block > *longest ? in_block : *longest;
        instructions += in_block;
        blocks++;
    }
    HASH_ITER (hh, locals, l, next) {
        HASH_DEL(locals, l);
        cj__free(hash_alloc, l, sizeof *l);
    }
    uint64_t phis = local_count * blocks;
    if (sets * (8 + loops) < phis)
        phis = sets * (8 + loops);
    if (hash_oom || *longest > MAX_BLOCK_AT_ALL)
        return REFUSE;
    return *longest > MAX_BLOCK || blocks > MAX_BLOCKS || instructions > MAX_FUNCTION || phis > MAX_PHIS ||
                   switch_size > MAX_SWITCH
               ? TRANSLATE
               : OPTIMISE;
}

static void add_attribute(LLVMContextRef context, LLVMValueRef fn, const char *name)
{
    unsigned kind = LLVMGetEnumAttributeKindForName(name, strlen(name));
    LLVMAddAttributeAtIndex(fn, (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
                            LLVMCreateEnumAttribute(context, kind, 0));
}

/* What is wrong with the module that loads on this thread; passed on where WAMR can take an error. */
static __thread char refusal[160];

void __wrap_aot_apply_llvm_new_pass_manager(AOTCompContext *comp_ctx, LLVMModuleRef module)
{
    LLVMContextRef context = LLVMGetModuleContext(module);
    refusal[0] = '\0';
    cj__stack_checks(module);
#if !CJ_HARDWARE_BOUNDS
    cj__traps_apart(module);
#endif
    for (LLVMValueRef fn = LLVMGetFirstFunction(module); fn != NULL; fn = LLVMGetNextFunction(fn)) {
        uint64_t longest;
        if (LLVMIsDeclaration(fn))
            continue;
        switch (judge(fn, &longest)) {
        case OPTIMISE:
            break;
        case TRANSLATE:
            add_attribute(context, fn, "noinline");
            add_attribute(context, fn, "optnone");
            break;
        case REFUSE: {
            size_t len;
            snprintf(refusal, sizeof refusal, "unsupported: %s has %llu operations in a row (%d at most)",
                     LLVMGetValueName2(fn, &len), (unsigned long long)longest, MAX_BLOCK_AT_ALL);
            return;
        }
        }
    }
    LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
    LLVMErrorRef err = LLVMRunPasses(module, "function(mem2reg,instcombine,simplifycfg,jump-threading,loop(indvars))",
                                     comp_ctx->target_machine, options);
    LLVMDisposePassBuilderOptions(options);
    if (err != NULL)
        LLVMConsumeError(err); /* the module is as it was: correct, and slow */
}

LLVMErrorRef __wrap_LLVMOrcLLLazyJITAddLLVMIRModule(LLVMOrcLLLazyJITRef jit, LLVMOrcJITDylibRef dylib,
                                                    LLVMOrcThreadSafeModuleRef module)
{
    if (refusal[0] == '\0')
        return __real_LLVMOrcLLLazyJITAddLLVMIRModule(jit, dylib, module);
    LLVMErrorRef err = LLVMCreateStringError(refusal);
    refusal[0] = '\0';
    return err;
}

/* -- The machine that code is made for ------------------------------------------------------------------------------------------------ */

LLVMErrorRef __wrap_LLVMOrcJITTargetMachineBuilderDetectHost(LLVMOrcJITTargetMachineBuilderRef *result)
{
#if defined(__x86_64__)
    char *triple = LLVMGetDefaultTargetTriple(), *cpu = LLVMGetHostCPUName(), *host = LLVMGetHostCPUFeatures(),
         *message = NULL;
    size_t host_len = host != NULL ? strlen(host) : 0;
    char *features = malloc(host_len + sizeof ",-avx512f");
    LLVMTargetRef target;
    LLVMTargetMachineRef machine = NULL;
    if (triple != NULL && cpu != NULL && features != NULL && LLVMGetTargetFromTriple(triple, &target, &message) == 0) {
        /* What depends on a feature that is taken away goes with it. */
        snprintf(features, host_len + sizeof ",-avx512f", "%s,-avx512f", host != NULL ? host : "");
        machine = LLVMCreateTargetMachine(target, triple, cpu, features, LLVMCodeGenLevelDefault, LLVMRelocDefault,
                                          LLVMCodeModelJITDefault);
    }
    free(features);
    LLVMDisposeMessage(message);
    LLVMDisposeMessage(triple);
    LLVMDisposeMessage(cpu);
    LLVMDisposeMessage(host);
    if (machine != NULL) {
        *result = LLVMOrcJITTargetMachineBuilderCreateFromTargetMachine(machine); /* takes the machine */
        return NULL;
    }
#endif
    return __real_LLVMOrcJITTargetMachineBuilderDetectHost(result);
}

/* -- The threads that compile ---------------------------------------------------------------------------------------------------------- */

/* Each would install WAMR's own signal handler, past --wrap, from inside its file. What runs on them is LLVM: they get more stack than WAMR asks for. */
int __wrap_os_thread_create(korp_tid *thread, thread_start_routine_t start, void *arg, unsigned int stack_size)
{
    enum { MIN_STACK = 8 << 20 };
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    bool ok = pthread_attr_setstacksize(&attr, stack_size > MIN_STACK ? stack_size : MIN_STACK) == 0 &&
              pthread_create(thread, &attr, start, arg) == 0;
    pthread_attr_destroy(&attr);
    return ok ? BHT_OK : BHT_ERROR;
}
