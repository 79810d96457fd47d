/* interrupt.c: stopping guests from another thread: the flags of an instance's merged modules.
 *
 * Place in the pipeline: cj_store_interrupt (store.c) calls this for every instance; the merger (link/merge.h) put
 * the checks into the guests.
 * Non-goals: stopping host functions.
 */
#include "runtime/runtime.h"

static uint32_t *flag_of(const cj_instance *instance, uint32_t g, uint32_t global)
{
    return instance->groups[g].inst && global != CJ_NONE ? cj__core_global(instance->groups[g].inst, global) : NULL;
}

static uint32_t group_count(const cj_instance *instance)
{
    return instance->groups ? instance->component->program->group_count : 0;
}

/* Guests read the flag without any ordering: they need to see it some time, not in turn with something else. */
void cj__instance_interrupt(cj_instance *instance, bool stop)
{
    for (uint32_t g = 0; g < group_count(instance); g++) {
        uint32_t *flag = flag_of(instance, g, instance->component->program->groups[g].merged.interrupt_global);
        if (flag)
            __atomic_store_n(flag, stop ? 1 : 0, __ATOMIC_RELAXED);
    }
}

bool cj__instance_was_interrupted(cj_instance *instance)
{
    bool was = false;
    for (uint32_t g = 0; g < group_count(instance); g++) {
        uint32_t *flag = flag_of(instance, g, instance->component->program->groups[g].merged.interrupted_global);
        if (flag && *flag) {
            *flag = 0;
            was = true;
        }
    }
    return was;
}
