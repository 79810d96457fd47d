/* clock.h: clocks in nanoseconds.
 *
 * Place in the pipeline: beside base.h, for what times itself: statistics, profiles, cj_func_time.
 * Non-goals: the date.
 */
#ifndef CJ_BASE_CLOCK_H
#define CJ_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t cj__clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline uint64_t cj__now_ns(void)
{
    return cj__clock_ns(CLOCK_MONOTONIC);
}

/* Processor time of the calling thread. */
static inline uint64_t cj__cpu_ns(void)
{
    return cj__clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

#endif
