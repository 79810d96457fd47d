/* support.c: what compiled code calls and no other back end does.
 *
 * Place: beside emit.h's list of helpers, which names everything that compiled code calls.
 * Non-goals: LLVM; nothing here knows it.
 */
#include "exec/llvm/emit.h"

const char cj__ll_in_realloc[] = "in realloc", cj__ll_in_post_return[] = "in post-return";

uint32_t cj__ll_trap(cj_call_ctx *call, uint32_t packed)
{
    uint32_t site = packed & 0xffffff;
    return cj__call_trap(call, (cj_trap)(packed >> CJ__LL_KIND_SHIFT), packed >> 24 & 1, site == 0xffffff ? CJ_NO_SITE : site);
}

void cj__ll_release(cj_arena *arena, cj_arena_chunk *chunk, uint8_t *at, uint64_t used_before)
{
    cj__arena_release(arena, (cj_arena_mark){chunk, at, used_before});
}
