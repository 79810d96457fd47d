/* hash.h: uthash with the allocator hook, and seeded hashes, so that no file can be made to fall into one bucket.
 *
 * Place in the pipeline: under the type interner, sets of names, and every map whose keys come from a file.
 * Non-goals: iteration order, persistence of hashes (the seed differs from run to run).
 *
 * Include this instead of <uthash.h>. Where a macro of uthash is used, two local names must be in scope:
 *     const cj_allocator *hash_alloc    where the table's memory comes from
 *     bool hash_oom                     set to true when an insertion failed; the element is then not in the table
 * Use the _BYHASHVALUE forms with cj__hash and a seed kept beside the table.
 */
#ifndef CJ_BASE_HASH_H
#define CJ_BASE_HASH_H

#include "base/base.h"

#define HASH_NONFATAL_OOM 1
#define uthash_malloc(size) cj__malloc(hash_alloc, (size))
#define uthash_free(ptr, size) cj__free(hash_alloc, (ptr), (size))
#define uthash_nonfatal_oom(element) (hash_oom = true)
#include <uthash.h>

/* A fresh seed: unpredictable for who writes a file. */
uint64_t cj__hash_seed(void);
unsigned cj__hash(uint64_t seed, const void *bytes, size_t size);

#endif
