/* sections.h: where the sections of a compiled thunk lie: together.
 *
 * LLVM 13 to 15 link objects for x86-64 by RuntimeDyld with a memory manager that maps code, constants and the table of addresses (GOT) one by one, wherever the
 * system finds room. Code reaches the others by 32-bit distances, which are cut without a word when they are too far away. Where a core instance
 * takes 8 GiB that is soon so: code then calls what lies 4 GiB beside an address, or takes a guest's memory for constants.
 *
 * Place in the pipeline: the object layer of the compiler (compiler.c).
 * Non-goals: guests' code. WAMR compiles it with the large code model, which has no such distances.
 */
#ifndef CJ_EXEC_LLVM_SECTIONS_H
#define CJ_EXEC_LLVM_SECTIONS_H

#include <llvm-c/LLJIT.h>
#include <llvm-c/Orc.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A RuntimeDyld layer that maps one block per object. An LLVMOrcLLJITBuilderObjectLinkingLayerCreatorFunction. */
LLVMOrcObjectLayerRef cj__sections_layer(void *user, LLVMOrcExecutionSessionRef session, const char *triple);

#ifdef __cplusplus
}
#endif

#endif
