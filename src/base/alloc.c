/* alloc.c: the allocator hook, resolved and made uniform.
 *
 * Place in the pipeline: every byte of canonjit's own memory passes here.
 * Non-goals: WAMR's and LLVM's memory; pooling (see arena.c).
 *
 * A hook never sees a size of 0: an empty block is asked for as one byte, and given back as one.
 */
#include "base/base.h"

#include <stdlib.h>
#include <sys/mman.h>

static void *default_alloc(void *user, size_t size)
{
    (void)user;
    return malloc(size);
}

static void *default_resize(void *user, void *ptr, size_t old_size, size_t new_size)
{
    (void)user;
    (void)old_size;
    return realloc(ptr, new_size);
}

static void default_release(void *user, void *ptr, size_t size)
{
    (void)user;
    (void)size;
    free(ptr);
}

static const cj_allocator default_allocator = {default_alloc, default_resize, default_release, NULL};

static size_t at_least_one(size_t size)
{
    return size ? size : 1;
}

const cj_allocator *cj__alloc_or_default(const cj_allocator *hook)
{
    return hook && hook->alloc ? hook : &default_allocator;
}

bool cj__alloc_is_whole(const cj_allocator *hook)
{
    return !hook->alloc == !hook->resize && !hook->alloc == !hook->release;
}

void *cj__malloc(const cj_allocator *a, size_t size)
{
    return a->alloc(a->user, at_least_one(size));
}

void *cj__calloc(const cj_allocator *a, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        return NULL;
    void *ptr = cj__malloc(a, total);
    if (ptr)
        memset(ptr, 0, total);
    return ptr;
}

void *cj__realloc(const cj_allocator *a, void *old, size_t old_size, size_t new_size)
{
    if (!old)
        return cj__malloc(a, new_size);
    return a->resize(a->user, old, at_least_one(old_size), at_least_one(new_size));
}

void cj__free(const cj_allocator *a, void *ptr, size_t size)
{
    if (ptr)
        a->release(a->user, ptr, at_least_one(size));
}

void *cj__will_fill(const cj_allocator *a, void *ptr, size_t size)
{
    enum { PAGE = 4096, LEAST = 4 << 20 }; /* as much as two huge pages at least, wherever they begin */
    uintptr_t from = ((uintptr_t)ptr + PAGE - 1) & ~(uintptr_t)(PAGE - 1),
              to = ((uintptr_t)ptr + size) & ~(uintptr_t)(PAGE - 1);
    if (a == &default_allocator && size >= LEAST)
        (void)madvise((void *)from, to - from, MADV_HUGEPAGE); /* a hint */
    return ptr;
}
