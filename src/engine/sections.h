/* sections.h: where the sections of compiled objects lie: together.
 *
 * LLVM 13 to 15 link objects for x86-64 by RuntimeDyld with a memory manager that maps code, constants and the table of addresses (GOT) one by one, wherever the
 * system finds room. Code reaches the others by 32-bit distances, which are cut without a word when they are too far away. Where a core instance
 * takes 8 GiB that is soon so: code then calls what lies 4 GiB beside an address, or takes a guest's memory for constants.
 *
 * Place in the pipeline: the object layer of both of LLVM's users: WAMR's JIT (mend_stack.c) and the compiler of thunks (exec/llvm/).
 * Non-goals: what is linked.
 */
#ifndef CJ_ENGINE_SECTIONS_H
#define CJ_ENGINE_SECTIONS_H

#include <llvm-c/LLJIT.h>
#include <llvm-c/Orc.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A RuntimeDyld layer that maps one block per object. An LLVMOrcLLJITBuilderObjectLinkingLayerCreatorFunction. */
LLVMOrcObjectLayerRef cj__sections_layer(void *user, LLVMOrcExecutionSessionRef session, const char *triple);
/* The same for WAMR's builder, a C++ orc::LLLazyJITBuilder, for which LLVM's C API has no setter. */
void cj__sections_of_lazy(void *lazy_builder);

#ifdef __cplusplus
}
#endif

#endif
