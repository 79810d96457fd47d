/* arena.c: memory that is given back all at once.
 *
 * Place in the pipeline and picture: arena.h.
 * Non-goals: giving memory back to the system before delete; a host that wants that deletes the arena.
 */
#include "base/arena.h"

enum {
    FIRST_CHUNK = 4096 - (int)sizeof(cj_arena_chunk),
    MAX_CHUNK = 1 << 20, /* chunks double up to here; a bigger request gets a chunk of its own size */
    MAX_ALIGN = CJ_ARENA_MAX_ALIGN,
};

_Static_assert(sizeof(cj_arena_chunk) % MAX_ALIGN == 0, "data begins where malloc's alignment holds");
_Static_assert(offsetof(cj_arena, at) == 0 && offsetof(cj_arena, end) == sizeof(void *),
               "arena.h promises these offsets");

static cj_arena_chunk *chunk_new(cj_arena *arena, size_t size)
{
    if (size > PTRDIFF_MAX - sizeof(cj_arena_chunk))
        return NULL;
    cj_arena_chunk *chunk = cj__malloc(arena->alloc, sizeof(cj_arena_chunk) + size);
    if (chunk) {
        chunk->next = NULL;
        chunk->size = size;
        CJ_ARENA_HIDE(chunk->data, size);
    }
    return chunk;
}

/* From this one on. */
static void chunks_delete(const cj_arena *arena, cj_arena_chunk *chunk)
{
    for (cj_arena_chunk *next; chunk; chunk = next) {
        next = chunk->next;
        CJ_ARENA_SHOW(chunk->data, chunk->size);
        cj__free(arena->alloc, chunk, sizeof(*chunk) + chunk->size);
    }
}

static void make_current(cj_arena *arena, cj_arena_chunk *chunk)
{
    arena->current = chunk;
    arena->at = chunk->data;
    arena->end = chunk->data + chunk->size;
}

cj_status cj_arena_new(const cj_allocator *hook, cj_arena **out)
{
    if (!out || (hook && !cj__alloc_is_whole(hook)))
        return CJ_MISUSE;
    const cj_allocator *alloc = cj__alloc_or_default(hook);
    cj_arena *arena = cj__calloc(alloc, 1, sizeof(*arena));
    if (!arena)
        return CJ_NO_MEMORY;
    arena->alloc = alloc;
    arena->next_size = 2 * FIRST_CHUNK;
    arena->first = chunk_new(arena, FIRST_CHUNK);
    if (!arena->first) {
        cj__free(alloc, arena, sizeof(*arena));
        return CJ_NO_MEMORY;
    }
    arena->first->used_before = 0;
    make_current(arena, arena->first);
    *out = arena;
    return CJ_OK;
}

void cj_arena_delete(cj_arena *arena)
{
    if (!arena)
        return;
    chunks_delete(arena, arena->first);
    cj__free(arena->alloc, arena, sizeof(*arena));
}

void cj_arena_reset(cj_arena *arena)
{
    if (!arena)
        return;
    cj__arena_release(arena, (cj_arena_mark){arena->first, arena->first->data});
}

void *cj_arena_alloc(cj_arena *arena, size_t size, size_t align)
{
    return arena && cj__arena_aligns(align) ? cj__arena_alloc(arena, size, align) : NULL;
}

/* Without this, requests that grow from one use to the next would leave a chunk each behind. With it, chunks before the current one are no more than twice
 * as large as what was asked for: each is too small for the rest of its own and the first request of the next. */
static void drop_spares(cj_arena *arena)
{
    chunks_delete(arena, arena->current->next);
    arena->current->next = NULL;
}

/* The current chunk is too full: go on in the first spare one that is large enough, or in a new one. One of a size of its own takes the place of all
 * spare ones, which are smaller. */
void *cj__arena_alloc_slow(cj_arena *arena, size_t size, size_t align)
{
    cj_arena_chunk **link = &arena->current->next;
    while (*link && (*link)->size < size)
        link = &(*link)->next;
    cj_arena_chunk *chunk = *link;
    if (chunk) {
        *link = chunk->next;
    } else {
        if (size > arena->next_size)
            drop_spares(arena);
        chunk = chunk_new(arena, size > arena->next_size ? size : arena->next_size);
        if (!chunk)
            return NULL;
        if (arena->next_size < MAX_CHUNK)
            arena->next_size *= 2;
    }
    chunk->next = arena->current->next;
    chunk->used_before = cj__arena_used(arena);
    arena->current->next = chunk;
    make_current(arena, chunk);
    return cj__arena_alloc(arena, size, align); /* fits: data is aligned to MAX_ALIGN */
}

void cj__arena_release(cj_arena *arena, cj_arena_mark mark)
{
#if CJ_ARENA_POISONS
    for (cj_arena_chunk *chunk = mark.chunk->next; chunk; chunk = chunk->next)
        CJ_ARENA_HIDE(chunk->data, chunk->size);
    CJ_ARENA_HIDE(mark.at, (size_t)(mark.chunk->data + mark.chunk->size - mark.at));
#endif
    arena->current = mark.chunk;
    arena->at = mark.at;
    arena->end = mark.chunk->data + mark.chunk->size;
}

/* Chunks have headers, so an address is in one at most, or at its end. */
void cj__arena_release_to(cj_arena *arena, uint8_t *at)
{
    cj_arena_chunk *chunk = arena->first;
    while ((uintptr_t)at - (uintptr_t)chunk->data > chunk->size)
        chunk = chunk->next;
    cj__arena_release(arena, (cj_arena_mark){chunk, at});
}

void *cj__arena_calloc(cj_arena *arena, size_t count, size_t size, size_t align)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        return NULL;
    void *ptr = cj__arena_alloc(arena, total, align);
    if (ptr)
        memset(ptr, 0, total);
    return ptr;
}

void *cj__arena_dup(cj_arena *arena, const void *bytes, size_t size, size_t align)
{
    void *ptr = cj__arena_alloc(arena, size, align);
    if (ptr && size)
        memcpy(ptr, bytes, size);
    return ptr;
}

char *cj__arena_strdup(cj_arena *arena, cj_str s)
{
    char *copy = s.len < PTRDIFF_MAX ? cj__arena_alloc(arena, s.len + 1, 1) : NULL;
    if (copy) {
        if (s.len)
            memcpy(copy, s.ptr, s.len);
        copy[s.len] = 0;
    }
    return copy;
}
