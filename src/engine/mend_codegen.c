/* mend_codegen.c: corrections to the LLVM IR that WAMR's JIT builds.
 *
 * Place in the pipeline: while a core module loads, between WAMR's compiler and LLVM's C API, by the linker's --wrap. Only what WAMR
 * builds inside cj__core_load is changed (cj__wamr_compiles): our own compiler uses the same C API.
 *
 * LLVMBuildInBoundsGEP2   WAMR indexes with 32-bit values that it means unsigned; LLVM takes them as signed. With 2 GiB of memory or more, a load or store
 *                         at a constant address past 2 GiB lands 2 GiB *below* the memory, unchecked, and memory.fill hangs (CVE-2025-58749); tables past
 *                         2 GiB likewise. Every 32-bit index is zero-extended.
 * LLVMBuildCall2          memory.copy and memory.fill pass their 32-bit length to a C function that takes a size_t: the upper half of the register is
 *                         whatever was there, for i32.wrap_i64 the guest's choice. "call_memmove" and "call_memset" get a 64-bit parameter.
 * LLVMBuildLoad2, Store   A vector among a function's second and later results travels through memory that is aligned to 4 bytes; WAMR
 *                         leaves LLVM its natural alignment, and the aligned instruction faults: a SIGSEGV that is no guest's. Such accesses are told 4.
 * LLVMBuildShl and others A shift's count is taken modulo the width by WebAssembly; one that is too large gives LLVM poison, and a branch on poison may go
 *                         anywhere. WAMR leaves scalar counts to the machine, takes signed remainders of those of vectors, and rotates by width - 0.
 *                         Every count is masked: nothing where it is constant or the machine does it.
 * LLVMAddFunction         The callers of a function check the stack by what its locals and parameters take. LLVM can need far more (values hoisted out of a
 *                         loop, one slot each), and a frame that is larger than the reserve steps over the guard page. Functions are compiled with
 *                         LLVM's stack probe: one that needs a large frame calls cj__stack_probe, which compares, and traps.
 * LLVMOrcCreateLLLazyJIT  gives the JIT the address of that function.
 * LLVMGetHostCPUName      LLVM 15 says "generic" on CPUs that are newer than it is; WAMR then refuses every module with "SIMD compatibility check
 *                         failed". Answers the x86-64 level that the CPU's features make up.
 * LLVMShutdown            WAMR calls it when its runtime ends; LLVM is the whole process's, and ours.
 */
#include "engine/wamr.h"

#include <llvm-c/Core.h>
#include <llvm-c/LLJIT.h>
#include <llvm-c/Orc.h>
#include <llvm-c/TargetMachine.h>

#include "aot_llvm.h"

#include <stdlib.h>

LLVMValueRef __real_LLVMBuildInBoundsGEP2(LLVMBuilderRef, LLVMTypeRef, LLVMValueRef, LLVMValueRef *, unsigned, const char *);
LLVMValueRef __wrap_LLVMBuildInBoundsGEP2(LLVMBuilderRef, LLVMTypeRef, LLVMValueRef, LLVMValueRef *, unsigned, const char *);
LLVMValueRef __real_LLVMBuildCall2(LLVMBuilderRef, LLVMTypeRef, LLVMValueRef, LLVMValueRef *, unsigned, const char *);
LLVMValueRef __wrap_LLVMBuildCall2(LLVMBuilderRef, LLVMTypeRef, LLVMValueRef, LLVMValueRef *, unsigned, const char *);
LLVMValueRef __real_LLVMBuildLoad2(LLVMBuilderRef, LLVMTypeRef, LLVMValueRef, const char *);
LLVMValueRef __wrap_LLVMBuildLoad2(LLVMBuilderRef, LLVMTypeRef, LLVMValueRef, const char *);
LLVMValueRef __real_LLVMBuildStore(LLVMBuilderRef, LLVMValueRef, LLVMValueRef);
LLVMValueRef __wrap_LLVMBuildStore(LLVMBuilderRef, LLVMValueRef, LLVMValueRef);
LLVMValueRef __real_LLVMBuildShl(LLVMBuilderRef, LLVMValueRef, LLVMValueRef, const char *);
LLVMValueRef __wrap_LLVMBuildShl(LLVMBuilderRef, LLVMValueRef, LLVMValueRef, const char *);
LLVMValueRef __real_LLVMBuildLShr(LLVMBuilderRef, LLVMValueRef, LLVMValueRef, const char *);
LLVMValueRef __wrap_LLVMBuildLShr(LLVMBuilderRef, LLVMValueRef, LLVMValueRef, const char *);
LLVMValueRef __real_LLVMBuildAShr(LLVMBuilderRef, LLVMValueRef, LLVMValueRef, const char *);
LLVMValueRef __wrap_LLVMBuildAShr(LLVMBuilderRef, LLVMValueRef, LLVMValueRef, const char *);
LLVMValueRef __real_LLVMAddFunction(LLVMModuleRef, const char *, LLVMTypeRef);
LLVMValueRef __wrap_LLVMAddFunction(LLVMModuleRef, const char *, LLVMTypeRef);
LLVMErrorRef __real_LLVMOrcCreateLLLazyJIT(LLVMOrcLLLazyJITRef *, LLVMOrcLLLazyJITBuilderRef);
LLVMErrorRef __wrap_LLVMOrcCreateLLLazyJIT(LLVMOrcLLLazyJITRef *, LLVMOrcLLLazyJITBuilderRef);
char *__real_LLVMGetHostCPUName(void);
char *__wrap_LLVMGetHostCPUName(void);
void __wrap_LLVMShutdown(void);

/* -- Addresses and lengths -------------------------------------------------------------------------------------------------------- */

LLVMValueRef __wrap_LLVMBuildInBoundsGEP2(LLVMBuilderRef builder, LLVMTypeRef type, LLVMValueRef pointer, LLVMValueRef *indices,
                                          unsigned count, const char *name)
{
    if (count == 1 && cj__wamr_compiles()) {
        LLVMTypeRef index_type = LLVMTypeOf(indices[0]);
        if (LLVMGetTypeKind(index_type) == LLVMIntegerTypeKind && LLVMGetIntTypeWidth(index_type) == 32) {
            LLVMValueRef wide = LLVMBuildZExt(builder, indices[0], LLVMInt64TypeInContext(LLVMGetTypeContext(index_type)), "");
            return __real_LLVMBuildInBoundsGEP2(builder, type, pointer, &wide, 1, name);
        }
    }
    return __real_LLVMBuildInBoundsGEP2(builder, type, pointer, indices, count, name);
}

LLVMValueRef __wrap_LLVMBuildCall2(LLVMBuilderRef builder, LLVMTypeRef type, LLVMValueRef fn, LLVMValueRef *args, unsigned count,
                                   const char *name)
{
    if (count == 3 && cj__wamr_compiles() && (strcmp(name, "call_memmove") == 0 || strcmp(name, "call_memset") == 0)) {
        LLVMTypeRef length_type = LLVMTypeOf(args[2]);
        if (LLVMGetIntTypeWidth(length_type) == 32) {
            LLVMTypeRef wide_type = LLVMInt64TypeInContext(LLVMGetTypeContext(length_type));
            LLVMTypeRef params[3] = {LLVMTypeOf(args[0]), LLVMTypeOf(args[1]), wide_type};
            LLVMValueRef wide[3] = {args[0], args[1], LLVMBuildZExt(builder, args[2], wide_type, "")};
            LLVMTypeRef wide_fn_type = LLVMFunctionType(LLVMGetReturnType(type), params, 3, false);
            LLVMValueRef wide_fn = LLVMBuildBitCast(builder, fn, LLVMPointerType(wide_fn_type, 0), "");
            return __real_LLVMBuildCall2(builder, wide_fn_type, wide_fn, wide, 3, name);
        }
    }
    return __real_LLVMBuildCall2(builder, type, fn, args, count, name);
}

/* Where WAMR knows better, it sets the alignment after. */
static LLVMValueRef with_alignment(LLVMValueRef access, LLVMTypeRef type, LLVMValueRef pointer)
{
    if (access != NULL && cj__wamr_compiles() && LLVMGetTypeKind(type) == LLVMVectorTypeKind && LLVMIsAAllocaInst(pointer) == NULL)
        LLVMSetAlignment(access, 4);
    return access;
}

LLVMValueRef __wrap_LLVMBuildLoad2(LLVMBuilderRef builder, LLVMTypeRef type, LLVMValueRef pointer, const char *name)
{
    return with_alignment(__real_LLVMBuildLoad2(builder, type, pointer, name), type, pointer);
}

LLVMValueRef __wrap_LLVMBuildStore(LLVMBuilderRef builder, LLVMValueRef value, LLVMValueRef pointer)
{
    return with_alignment(__real_LLVMBuildStore(builder, value, pointer), LLVMTypeOf(value), pointer);
}

static LLVMValueRef masked_count(LLVMBuilderRef builder, LLVMValueRef count)
{
    if (!cj__wamr_compiles())
        return count;
    LLVMTypeRef type = LLVMTypeOf(count), element = type;
    bool vector = LLVMGetTypeKind(type) == LLVMVectorTypeKind;
    if (vector)
        element = LLVMGetElementType(type);
    LLVMValueRef mask = LLVMConstInt(element, LLVMGetIntTypeWidth(element) - 1, false);
    if (vector) {
        LLVMValueRef lanes[16];
        unsigned lane_count = LLVMGetVectorSize(type);
        if (lane_count > CJ_COUNT(lanes))
            return count;
        for (unsigned i = 0; i < lane_count; i++)
            lanes[i] = mask;
        mask = LLVMConstVector(lanes, lane_count);
    }
    return LLVMBuildAnd(builder, count, mask, "");
}

LLVMValueRef __wrap_LLVMBuildShl(LLVMBuilderRef builder, LLVMValueRef value, LLVMValueRef count, const char *name)
{
    return __real_LLVMBuildShl(builder, value, masked_count(builder, count), name);
}

LLVMValueRef __wrap_LLVMBuildLShr(LLVMBuilderRef builder, LLVMValueRef value, LLVMValueRef count, const char *name)
{
    return __real_LLVMBuildLShr(builder, value, masked_count(builder, count), name);
}

LLVMValueRef __wrap_LLVMBuildAShr(LLVMBuilderRef builder, LLVMValueRef value, LLVMValueRef count, const char *name)
{
    return __real_LLVMBuildAShr(builder, value, masked_count(builder, count), name);
}

/* -- Large frames ------------------------------------------------------------------------------------------------------------------ */

#if defined(__x86_64__)

/* Frames up to this size are covered by the reserve. */
#define PROBE_FROM "16384"

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
        "    call cj__stack_probe_failed\n"
        "    ud2\n"
        "    .cfi_endproc\n"
        ".size cj__stack_probe, .-cj__stack_probe\n"
        ".popsection\n");
void cj__stack_probe(void);
__attribute__((visibility("hidden"), used)) const uint64_t cj__stack_probe_boundary = offsetof(WASMExecEnv, native_stack_boundary);

__attribute__((visibility("hidden"), used, noreturn)) void cj__stack_probe_failed(WASMExecEnv *env);
void cj__stack_probe_failed(WASMExecEnv *env)
{
    cj__exception_set((WASMModuleInstance *)env->module_inst, "native stack overflow");
    wasm_runtime_access_exce_check_guard_page();
    abort(); /* guest code never runs without an entered frame */
}

static void add_attribute(LLVMContextRef context, LLVMValueRef fn, const char *name, const char *value)
{
    LLVMAttributeRef attribute =
        LLVMCreateStringAttribute(context, name, (unsigned)strlen(name), value, (unsigned)strlen(value));
    LLVMAddAttributeAtIndex(fn, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, attribute);
}

LLVMValueRef __wrap_LLVMAddFunction(LLVMModuleRef module, const char *name, LLVMTypeRef type)
{
    LLVMValueRef fn = __real_LLVMAddFunction(module, name, type);
    if (fn != NULL && cj__wamr_compiles() && strncmp(name, AOT_FUNC_PREFIX, sizeof AOT_FUNC_PREFIX - 1) == 0) {
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
        .Sym = {.Address = (uintptr_t)cj__stack_probe, .Flags = {.GenericFlags = LLVMJITSymbolGenericFlagsExported | LLVMJITSymbolGenericFlagsCallable}},
    };
    return LLVMOrcJITDylibDefine(LLVMOrcLLLazyJITGetMainJITDylib(*result), LLVMOrcAbsoluteSymbols(&pair, 1));
}

#else /* LLVM 15 has no stack probes for other machines */

LLVMValueRef __wrap_LLVMAddFunction(LLVMModuleRef module, const char *name, LLVMTypeRef type)
{
    return __real_LLVMAddFunction(module, name, type);
}

LLVMErrorRef __wrap_LLVMOrcCreateLLLazyJIT(LLVMOrcLLLazyJITRef *result, LLVMOrcLLLazyJITBuilderRef builder)
{
    return __real_LLVMOrcCreateLLLazyJIT(result, builder);
}

#endif

/* -- The host's CPU ----------------------------------------------------------------------------------------------------------------- */

/* The highest level of the x86-64 psABI whose features LLVM found: it asks the operating system too, so wide registers are safe to use. */
const char *cj__cpu_level(const char *features);
const char *cj__cpu_level(const char *features)
{
#if defined(__x86_64__)
    static const struct {
        const char *level, *needs;
    } levels[] = {
        {"x86-64-v4", "+avx512f +avx512bw +avx512cd +avx512dq +avx512vl +avx2 +bmi +bmi2 +f16c +fma +lzcnt +movbe"},
        {"x86-64-v3", "+avx2 +bmi +bmi2 +f16c +fma +lzcnt +movbe +sse4.2 +popcnt"},
        {"x86-64-v2", "+cx16 +popcnt +sse3 +ssse3 +sse4.1 +sse4.2"},
    };
    for (size_t i = 0; i < CJ_COUNT(levels); i++) {
        bool all = true;
        for (const char *need = levels[i].needs; all && *need != '\0';) {
            size_t len = strcspn(need, " ");
            bool found = false;
            for (const char *have = features; !found && *have != '\0';) {
                size_t have_len = strcspn(have, ",");
                found = have_len == len && memcmp(have, need, len) == 0;
                have += have_len + (have[have_len] == ',');
            }
            all = found;
            need += len + (need[len] == ' ');
        }
        if (all)
            return levels[i].level;
    }
    return "x86-64";
#else
    (void)features;
    return NULL;
#endif
}

char *__wrap_LLVMGetHostCPUName(void)
{
    char *name = __real_LLVMGetHostCPUName();
    if (name == NULL || strcmp(name, "generic") != 0)
        return name;
    char *features = LLVMGetHostCPUFeatures();
    const char *level = features != NULL ? cj__cpu_level(features) : NULL;
    if (level != NULL) {
        LLVMDisposeMessage(name);
        name = LLVMCreateMessage(level);
    }
    LLVMDisposeMessage(features);
    return name;
}

void __wrap_LLVMShutdown(void)
{
}
