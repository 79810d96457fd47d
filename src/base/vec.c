/* vec.c: growth of CJ_VEC arrays.
 *
 * Place in the pipeline: under every list of unknown length, above all those whose length a file claims.
 * Non-goals: shrinking, insertion.
 */
#include "base/base.h"

/* `at` is a T** under another name: it is read and written bytewise, so that no aliasing rule is broken. */
bool cj__vec_grow(const cj_allocator *a, void **at, size_t *cap, size_t elem_size, size_t need)
{
    size_t max = PTRDIFF_MAX / elem_size;
    if (need > max)
        return false;
    size_t grown = *cap > max / 2 ? max : *cap * 2;
    if (grown < 8 && max >= 8)
        grown = 8;
    if (grown < need)
        grown = need;

    void *old;
    memcpy(&old, (const void *)at, sizeof(old));
    void *fresh = cj__realloc(a, old, *cap * elem_size, grown * elem_size);
    if (!fresh)
        return false;
    memcpy((void *)at, &fresh, sizeof(fresh));
    *cap = grown;
    return true;
}
