/* plan_internal.h: what the files of abi/ share.
 */
#ifndef CJ_ABI_PLAN_INTERNAL_H
#define CJ_ABI_PLAN_INTERNAL_H

#include "abi/plan.h"

/* Fills in key, key_len and hash. */
cj_status cj__plan_make_key(cj_plan *, const cj_allocator *, cj_error *err);

/* The slots that the args program moves: without the return pointer of a caller. */
static inline uint32_t cj__plan_arg_slots(const cj_plan *plan)
{
    bool lowered = plan->options.kind != CJ_PLAN_EXPORT;
    return plan->sig.param_count - (lowered && plan->sig.spill_results);
}

#endif
