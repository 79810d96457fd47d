/* plan_internal.h: what the files of abi/ share.
 */
#ifndef CJ_ABI_PLAN_INTERNAL_H
#define CJ_ABI_PLAN_INTERNAL_H

#include "abi/plan.h"

/* Fills in key, key_len and hash. */
cj_status cj__plan_make_key(cj_plan *, const cj_allocator *, cj_error *err);

static inline cj_space cj__plan_guest_space(const cj_moves *moves)
{
    return moves->src == CJ_SPACE_HOST ? moves->dst : moves->src;
}

#endif
