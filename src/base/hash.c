/* hash.c: see hash.h. */
#define _DEFAULT_SOURCE /* getentropy */
#include "base/hash.h"

#include <time.h>
#include <unistd.h>
#if defined(__APPLE__)
#include <sys/random.h>
#endif

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t cj__hash_seed(void)
{
    uint64_t seed;
    if (getentropy(&seed, sizeof(seed)) == 0)
        return seed;
    /* No entropy source: the clock and where the stack happens to be. */
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t parts[3] = {(uint64_t)now.tv_nsec, (uint64_t)now.tv_sec, (uint64_t)(uintptr_t)&now};
    return XXH3_64bits(parts, sizeof(parts));
}

unsigned cj__hash(uint64_t seed, const void *bytes, size_t size)
{
    return (unsigned)XXH3_64bits_withSeed(bytes, size, seed);
}
