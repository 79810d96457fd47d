/* arena.h: the inside of cj_arena: a chunked bump allocator with marks.
 *
 * Place in the pipeline: ASTs, types, programs and plans live in one each; the results of calls live in the caller's
 * or the store's.
 * Non-goals: freeing single blocks, threads.
 *
 *     first ── ... ── current ── spare ── spare        chunks after `current` are empty and kept for the next use
 *                     └ at .. end is free
 *
 * Spare chunks go when none is large enough for what needs a chunk of a size of its own, so that an arena never has more than a few times what it
 * held at most.
 *
 * Under AddressSanitizer memory that is not allocated is poisoned, so that use after release is found. Generated code
 * that bumps `at` itself must not do so in such a build (CJ_ARENA_POISONS); it can always call cj_arena_alloc.
 */
#ifndef CJ_BASE_ARENA_H
#define CJ_BASE_ARENA_H

#include "base/base.h"

#if defined(__SANITIZE_ADDRESS__)
#define CJ_ARENA_POISONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CJ_ARENA_POISONS 1
#endif
#endif
#ifdef CJ_ARENA_POISONS
/* As <sanitizer/asan_interface.h> has them, which not every installation of clang has. */
void __asan_poison_memory_region(const volatile void *, size_t);
void __asan_unpoison_memory_region(const volatile void *, size_t);
int __asan_address_is_poisoned(const volatile void *);
#define CJ_ARENA_HIDE(ptr, size) __asan_poison_memory_region((ptr), (size))
#define CJ_ARENA_SHOW(ptr, size) __asan_unpoison_memory_region((ptr), (size))
#else
#define CJ_ARENA_POISONS 0
#define CJ_ARENA_HIDE(ptr, size) ((void)0)
#define CJ_ARENA_SHOW(ptr, size) ((void)0)
#endif

typedef struct cj_arena_chunk {
    struct cj_arena_chunk *next;
    size_t size;          /* of the data that follows */
    uint64_t used_before; /* bytes taken from the chunks before, when it is `current` */
    _Alignas(16) uint8_t data[];
} cj_arena_chunk;

struct cj_arena {
    uint8_t *at, *end; /* first, so that generated code finds them at offsets 0 and 8 */
    cj_arena_chunk *current, *first;
    size_t next_size;
    const cj_allocator *alloc;
};

/* A point in the life of an arena. Marks are released in reverse order of taking them; a release frees all that came
 * later. */
typedef struct cj_arena_mark {
    cj_arena_chunk *chunk;
    uint8_t *at;
} cj_arena_mark;

void *cj__arena_alloc_slow(cj_arena *, size_t size, size_t align);

/* cj_arena_alloc, inline. */
#define CJ_ARENA_MAX_ALIGN 16
static inline bool cj__arena_aligns(size_t align)
{
    return align - 1 < CJ_ARENA_MAX_ALIGN && (align & (align - 1)) == 0;
}

static inline void *cj__arena_alloc(cj_arena *arena, size_t size, size_t align)
{
    size_t pad = (size_t)(-(uintptr_t)arena->at & (align - 1));
    size_t room = (size_t)(arena->end - arena->at);
    if (CJ_LIKELY(pad <= room && size <= room - pad)) {
        uint8_t *ptr = arena->at + pad;
        arena->at = ptr + size;
        CJ_ARENA_SHOW(ptr, size);
        return ptr;
    }
    return cj__arena_alloc_slow(arena, size, align);
}

/* Zeroed room for `count` elements; NULL when out of memory or when the product overflows. */
void *cj__arena_calloc(cj_arena *, size_t count, size_t size, size_t align);
#define CJ_ARENA_NEW(arena, T) ((T *)cj__arena_calloc((arena), 1, sizeof(T), _Alignof(T)))
#define CJ_ARENA_ARRAY(arena, T, count) ((T *)cj__arena_calloc((arena), (count), sizeof(T), _Alignof(T)))

/* Copies; NULL when out of memory. The string gets a terminator. */
void *cj__arena_dup(cj_arena *, const void *bytes, size_t size, size_t align);
char *cj__arena_strdup(cj_arena *, cj_str);

/* Bytes allocated since the last reset, padding included. */
static inline uint64_t cj__arena_used(const cj_arena *arena)
{
    return arena->current->used_before + (uint64_t)(arena->at - arena->current->data);
}

static inline cj_arena_mark cj__arena_mark(const cj_arena *arena)
{
    return (cj_arena_mark){arena->current, arena->at};
}

void cj__arena_release(cj_arena *, cj_arena_mark);
/* The same by the mark's `at` alone, for code that has no room for more: the chunk is looked for. */
void cj__arena_release_to(cj_arena *, uint8_t *at);

#endif
