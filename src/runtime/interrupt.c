/* interrupt.c: stopping guests from another thread: the flags of an instance's merged modules.
 *
 * Place in the pipeline: cj_store_interrupt (store.c) calls this for every instance; the merger (link/merge.h) put the checks into the guests.
 * Non-goals: stopping host functions.
 */
#include "runtime/runtime.h"

void cj__instance_interrupt(cj_instance *instance, bool stop)
{
    const cj_program *program = instance->component->program;
    for (uint32_t g = 0; instance->groups && g < program->group_count; g++) {
        uint32_t global = program->groups[g].merged.interrupt_global;
        if (instance->groups[g].inst && global != CJ_NONE)
            cj__core_set_global(instance->groups[g].inst, global, stop);
    }
}
