/* disk.h: a cache of machine code on disk: one file per entry, in a directory that is its user's alone.
 *
 * Place: beside exec/llvm, whose compiler thread looks here before it compiles; knows nothing of plans or LLVM.
 * Non-goals: threads (one at a time uses a cj_disk; any number of processes share a directory), what a key means.
 */
#ifndef CJ_EXEC_DISK_H
#define CJ_EXEC_DISK_H

#include "base/base.h"

typedef struct cj_disk cj_disk;

/* What code was made by and for, and what it is: both are stored and must be found equal. */
typedef struct cj_disk_key {
    const char *environment;
    const uint8_t *shape;
    size_t shape_len;
} cj_disk_key;

/* An entry; `symbol` and `object` lie in `bytes`. */
typedef struct cj_disk_entry {
    uint8_t *bytes;
    size_t size;
    const char *symbol; /* terminated */
    const uint8_t *object;
    size_t object_len;
} cj_disk_entry;

typedef enum cj_disk_outcome { CJ_DISK_HIT, CJ_DISK_MISS, CJ_DISK_REFUSED } cj_disk_outcome;

/* `path` "" is the user's: $XDG_CACHE_HOME/canonjit, or ~/.cache/canonjit. Made when it is not there. CJ_HOST: it cannot be, or it
 * is not the user's alone. */
cj_status cj__disk_open(const cj_allocator *, const char *path, uint64_t max_bytes, cj_disk **out, cj_error *err);
void cj__disk_close(cj_disk *);
/* REFUSED: there is a file, but it is damaged, another's, or of another key. Out of memory is a MISS. */
cj_disk_outcome cj__disk_get(cj_disk *, const cj_disk_key *, cj_disk_entry *out);
void cj__disk_entry_free(cj_disk *, cj_disk_entry *);
/* Stores, replacing what is there; removes what was used longest ago when there is too much. False: it could not. */
bool cj__disk_put(cj_disk *, const cj_disk_key *, const char *symbol, const void *object, size_t object_len);

/* For people. A directory that is not there is one without entries. */
cj_status cj__disk_info(const char *path, cj_cache_info *out, cj_error *err);
cj_status cj__disk_clear(const char *path, cj_error *err);

#endif
