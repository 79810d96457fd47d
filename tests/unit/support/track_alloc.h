/* track_alloc.h: an allocator hook that checks how it is used: sizes given back are those asked for, nothing is freed
 * twice or lost, sizes are never 0; and that can run out of memory at a chosen allocation. The compiler's thread calls it too, so what it
 * counts is atomic.
 */
#ifndef CJ_TEST_TRACK_ALLOC_H
#define CJ_TEST_TRACK_ALLOC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "canonjit.h"

typedef struct track_alloc {
    cj_allocator hook;
    _Atomic uint64_t live_blocks, live_bytes, peak_bytes;
    _Atomic uint64_t calls; /* allocations and growths so far */
    uint64_t fail_at;       /* the call that fails, and all after it; 0: none */
    bool fail_once;         /* only that one */
} track_alloc;

typedef struct track_header {
    _Alignas(16) size_t size;
    uint32_t magic;
} track_header;

enum { TRACK_MAGIC = 0x600d };

static inline void track_expect(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "allocator hook: %s\n", what);
        abort();
    }
}

static inline void *track_get(void *user, size_t size)
{
    track_alloc *t = user;
    track_expect(size > 0, "size 0");
    uint64_t call = ++t->calls;
    if (t->fail_at && (t->fail_once ? call == t->fail_at : call >= t->fail_at))
        return NULL;
    track_header *header = malloc(sizeof(*header) + size);
    if (!header)
        return NULL;
    header->size = size;
    header->magic = TRACK_MAGIC;
    memset(header + 1, 0xa5, size); /* so that nobody relies on zeroes */
    t->live_blocks++;
    uint64_t live = t->live_bytes += size, peak = t->peak_bytes;
    while (live > peak && !atomic_compare_exchange_weak(&t->peak_bytes, &peak, live)) {
    }
    return header + 1;
}

static inline void track_give(void *user, void *ptr, size_t size)
{
    track_alloc *t = user;
    track_header *header = (track_header *)ptr - 1;
    track_expect(header->magic == TRACK_MAGIC, "freed what was not allocated");
    track_expect(header->size == size, "freed with another size");
    header->magic = 0;
    t->live_blocks--;
    t->live_bytes -= size;
    free(header);
}

static inline void *track_grow(void *user, void *ptr, size_t old_size, size_t new_size)
{
    track_alloc *t = user;
    track_expect(((track_header *)ptr - 1)->size == old_size, "resized with another size");
    void *fresh = track_get(user, new_size);
    if (!fresh)
        return NULL;
    memcpy(fresh, ptr, old_size < new_size ? old_size : new_size);
    track_give(t, ptr, old_size);
    return fresh;
}

static inline void track_init(track_alloc *t)
{
    memset(t, 0, sizeof(*t));
    t->hook = (cj_allocator){track_get, track_grow, track_give, t};
}

#endif
