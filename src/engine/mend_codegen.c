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
 * LLVMGetHostCPUName      LLVM 15 says "generic" on CPUs that are newer than it is; WAMR then refuses every module with "SIMD compatibility check
 *                         failed". Answers the x86-64 level that the CPU's features make up.
 * LLVMShutdown            WAMR calls it when its runtime ends; LLVM is the whole process's, and ours.
 */
#include "engine/wamr.h"

#include <llvm-c/Core.h>
#include <llvm-c/LLJIT.h>
#include <llvm-c/Orc.h>
#include <llvm-c/TargetMachine.h>

LLVMValueRef __real_LLVMBuildInBoundsGEP2(LLVMBuilderRef, LLVMTypeRef, LLVMValueRef, LLVMValueRef *, unsigned,
                                          const char *);
LLVMValueRef __wrap_LLVMBuildInBoundsGEP2(LLVMBuilderRef, LLVMTypeRef, LLVMValueRef, LLVMValueRef *, unsigned,
                                          const char *);
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
char *__real_LLVMGetHostCPUName(void);
char *__wrap_LLVMGetHostCPUName(void);
void __wrap_LLVMShutdown(void);

/* -- Addresses and lengths -------------------------------------------------------------------------------------------------------- */

LLVMValueRef __wrap_LLVMBuildInBoundsGEP2(LLVMBuilderRef builder, LLVMTypeRef type, LLVMValueRef pointer,
                                          LLVMValueRef *indices, unsigned count, const char *name)
{
    if (count == 1 && cj__wamr_compiles()) {
        LLVMTypeRef index_type = LLVMTypeOf(indices[0]);
        if (LLVMGetTypeKind(index_type) == LLVMIntegerTypeKind && LLVMGetIntTypeWidth(index_type) == 32) {
            LLVMValueRef wide =
                LLVMBuildZExt(builder, indices[0], LLVMInt64TypeInContext(LLVMGetTypeContext(index_type)), "");
            return __real_LLVMBuildInBoundsGEP2(builder, type, pointer, &wide, 1, name);
        }
    }
    return __real_LLVMBuildInBoundsGEP2(builder, type, pointer, indices, count, name);
}

LLVMValueRef __wrap_LLVMBuildCall2(LLVMBuilderRef builder, LLVMTypeRef type, LLVMValueRef fn, LLVMValueRef *args,
                                   unsigned count, const char *name)
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
    if (access != NULL && cj__wamr_compiles() && LLVMGetTypeKind(type) == LLVMVectorTypeKind &&
        LLVMIsAAllocaInst(pointer) == NULL)
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
