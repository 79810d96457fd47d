/* layout.c: a program that prints where WAMR keeps what our code reads: cj_core_layout as constants, for engine/engine.h.
 *
 * Place in the pipeline: run while building, with WAMR's headers and definitions; everything else gets by without them. Non-goals: the layout
 * of anything of ours.
 */
#include "wasm_exec_env.h"
#include "wasm_runtime.h"

#include <stddef.h>
#include <stdio.h>

#define CJ_X(member, type, at) printf("#define CJ__LAYOUT_%s %zu\n", member, offsetof(type, at));
int main(void)
{
    CJ_X("ENV_MODULE_INST", WASMExecEnv, module_inst)
    CJ_X("ENV_STACK_BOUNDARY", WASMExecEnv, native_stack_boundary)
    CJ_X("INST_EXCEPTION", WASMModuleInstance, cur_exception)
    CJ_X("INST_CUSTOM_DATA", WASMModuleInstance, custom_data)
    CJ_X("MEMORY_DATA", WASMMemoryInstance, memory_data)
    CJ_X("MEMORY_PAGE_COUNT", WASMMemoryInstance, cur_page_count)
    CJ_X("MEMORY_PAGE_SIZE", WASMMemoryInstance, num_bytes_per_page)
    return ferror(stdout) || fflush(stdout);
}
