/* interrupt.c: stopping guests from another thread: the flags of an instance's merged modules.
 *
 * Place in the pipeline: cj_store_interrupt (store.c) calls this for every instance; the merger (link/merge.h) put the checks into the guests.
 * Non-goals: stopping host functions.
 */
#include "runtime/runtime.h"

/* merge.h: number and place of both globals. */
enum { STOP, STOPPED };

static uint32_t *flags_of(const cj_instance *instance, uint32_t g)
{
    const cj_merged *merged = &instance->component->program->groups[g].merged;
    bool there = instance->groups[g].inst && merged->interrupt_global == STOP && merged->interrupted_global == STOPPED;
    return there ? cj__core_global_data(instance->groups[g].inst) : NULL;
}

static uint32_t group_count(const cj_instance *instance)
{
    return instance->groups ? instance->component->program->group_count : 0;
}

/* Guests read the flag without any ordering: they need to see it some time, not in turn with something else. */
void cj__instance_interrupt(cj_instance *instance, bool stop)
{
    for (uint32_t g = 0; g < group_count(instance); g++) {
        uint32_t *flags = flags_of(instance, g);
        if (flags)
            __atomic_store_n(&flags[STOP], stop ? 1 : 0, __ATOMIC_RELAXED);
    }
}

bool cj__instance_was_interrupted(cj_instance *instance)
{
    bool was = false;
    for (uint32_t g = 0; g < group_count(instance); g++) {
        uint32_t *flags = flags_of(instance, g);
        if (flags && flags[STOPPED]) {
            flags[STOPPED] = 0;
            was = true;
        }
    }
    return was;
}
