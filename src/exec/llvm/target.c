/* target.c: see target.h.
 *
 * The CPU's name is not asked for: LLVM answers "generic" on CPUs newer than itself, and WAMR's objects are linked
 * with that function wrapped. Its features are listed one by one, each with + or -, and a name that covers most of
 * them chooses the tuning only.
 */
#include "exec/llvm/target.h"

#include <llvm-c/Core.h>
#include <llvm-c/Target.h>
#include <pthread.h>
#include <stdio.h>

static pthread_once_t native_once = PTHREAD_ONCE_INIT;
static bool native_failed;

static void init_native(void)
{
    native_failed = LLVMInitializeNativeTarget() || LLVMInitializeNativeAsmPrinter();
}

static const char *cpu_for(const char *features)
{
#if defined(__x86_64__)
    return strstr(features, "+avx2") && strstr(features, "+bmi2") && strstr(features, "+fma") ? "x86-64-v3" : "x86-64";
#else
    (void)features;
    return "generic";
#endif
}

cj_status cj__ll_target_machine(LLVMCodeGenOptLevel level, LLVMTargetMachineRef *out, cj_error *err)
{
    pthread_once(&native_once, init_native);
    if (native_failed)
        return cj__fail(err, CJ_INTERNAL, "LLVM was built without code generation for this machine");
    char *triple = LLVMGetDefaultTargetTriple(), *features = LLVMGetHostCPUFeatures(), *message = NULL;
    LLVMTargetRef target;
    LLVMTargetMachineRef machine = NULL;
    cj_status status = CJ_OK;
    if (LLVMGetTargetFromTriple(triple, &target, &message)) {
        status = cj__fail(err, CJ_INTERNAL, "LLVM: %s", message);
    } else {
        /* PIC: code and its constants are placed together wherever there is room, helpers are reached through the
         * GOT. */
        machine = LLVMCreateTargetMachine(target, triple, cpu_for(features), features, level, LLVMRelocPIC,
                                          LLVMCodeModelSmall);
        if (!machine)
            status = cj__fail(err, CJ_INTERNAL, "LLVM has no target machine for %s", triple);
    }
    LLVMDisposeMessage(message);
    LLVMDisposeMessage(features);
    LLVMDisposeMessage(triple);
    *out = machine;
    return status;
}

char *cj__ll_target_text(const cj_allocator *alloc, const char *head)
{
    char *triple = LLVMGetDefaultTargetTriple(), *features = LLVMGetHostCPUFeatures();
    const char *cpu = cpu_for(features);
    size_t size = strlen(head) + strlen(triple) + strlen(cpu) + strlen(features) + 3;
    char *text = cj__malloc(alloc, size);
    if (text)
        snprintf(text, size, "%s%s %s %s", head, triple, cpu, features);
    LLVMDisposeMessage(features);
    LLVMDisposeMessage(triple);
    return text;
}
