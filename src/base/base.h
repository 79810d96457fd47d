/* base.h: what every folder stands on: the allocator hook, strings as slices, saturating sums, growable arrays.
 *
 * Place in the pipeline: below everything; includes nothing of ours but the public header.
 * Non-goals: no containers that a Debian library has (hash tables are uthash's), no I/O, no global state.
 */
#ifndef CJ_BASE_BASE_H
#define CJ_BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "canonjit.h"

#define CJ_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define CJ_LIKELY(x) __builtin_expect(!!(x), 1)
#define CJ_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define CJ_PRINTF(format_at, args_at) __attribute__((format(printf, format_at, args_at)))

/* Leaves the function with the status of `expr` unless it is CJ_OK. */
#define CJ_TRY(expr) \
    do { \
        cj_status cj_try_ = (expr); \
        if (CJ_UNLIKELY(cj_try_ != CJ_OK)) \
            return cj_try_; \
    } while (0)

/* What max_type_depth and max_component_depth can be raised to: code recurses that deep. */
enum { CJ_DEPTH_CEILING = 1000 };

/* A slice of bytes that are UTF-8 unless said otherwise; not terminated, never owned by the slice. */
typedef struct cj_str {
    const char *ptr;
    size_t len;
} cj_str;

#define CJ_STR(literal) ((cj_str){(literal), sizeof(literal) - 1})
#define CJ_STR_ARG(s) (int)((s).len > 200 ? 200 : (s).len), (s).ptr /* for "%.*s" */

static inline bool cj__str_eq(cj_str a, cj_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline cj_str cj__str(const char *z)
{
    return (cj_str){z, z ? strlen(z) : 0};
}

/* Sizes that come from a file are computed in 64 bits and stick at UINT32_MAX instead of wrapping. */
static inline uint32_t cj__sat32(uint64_t n)
{
    return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

static inline uint64_t cj__align_up(uint64_t n, uint64_t align)
{
    return (n + (align - 1)) & ~(align - 1);
}

/* The allocator hook (cj_allocator of the public header), resolved: never NULL after cj__alloc_or_default. `size` at
 * free and resize is what was asked for; freeing NULL does nothing. */
const cj_allocator *cj__alloc_or_default(const cj_allocator *hook);
bool cj__alloc_is_whole(const cj_allocator *hook);   /* all three functions, or none */
void *cj__malloc(const cj_allocator *, size_t size); /* NULL when out of memory; size 0 gives a valid pointer */
void *cj__calloc(const cj_allocator *, size_t count, size_t size); /* zeroed; NULL on overflow of the product */
void *cj__realloc(const cj_allocator *, void *old, size_t old_size, size_t new_size);
void cj__free(const cj_allocator *, void *ptr, size_t size);
/* Says that a large block will be written from end to end: huge pages save most of the faults. Memory of an embedder's
 * allocator is its own business. Returns `ptr`. */
void *cj__will_fill(const cj_allocator *, void *ptr, size_t size);

/* Growable arrays: CJ_VEC(T) declares one; zeroed is empty. Growth doubles, so a count claimed by a file never
 * allocates ahead of the bytes that back it. CJ_VEC_PUSH yields false when out of memory. */
#define CJ_VEC(T) \
    struct { \
        T *at; \
        size_t len, cap; \
    }
bool cj__vec_grow(const cj_allocator *, void **at, size_t *cap, size_t elem_size, size_t need);
#define CJ_VEC_RESERVE(alloc, v, need) \
    ((need) <= (v)->cap || cj__vec_grow((alloc), (void **)&(v)->at, &(v)->cap, sizeof(*(v)->at), (need)))
#define CJ_VEC_PUSH(alloc, v, ...) \
    (CJ_VEC_RESERVE((alloc), (v), (v)->len + 1) ? ((v)->at[(v)->len++] = (__VA_ARGS__), true) : false)
#define CJ_VEC_FREE(alloc, v) \
    (cj__free((alloc), (v)->at, (v)->cap * sizeof(*(v)->at)), (v)->at = NULL, (v)->len = (v)->cap = 0)

/* Error details. Each returns `status`, so that `return cj__fail(...)` reads well. `err` may be NULL. Arguments may
 * point into `err` itself. Text that comes from files is made printable: control characters and bad UTF-8 become '?'. */
cj_status cj__fail(cj_error *err, cj_status status, const char *format, ...) CJ_PRINTF(3, 4);
cj_status cj__fail_at(cj_error *err, cj_status status, uint64_t offset, const char *format, ...) CJ_PRINTF(4, 5);
cj_status cj__fail_nomem(cj_error *err);
/* Adds the place to an error already filled; before the place that it has: "outer: inner". */
void cj__error_where(cj_error *err, const char *format, ...) CJ_PRINTF(2, 3);
void cj__error_clear(cj_error *err);

#endif
