/* measure.h: timing on noisy machines: blocks of about a millisecond, interleaved, compared by their minima.
 *
 * Contenders of one row take turns, block by block, so that a disturbance hits all of them; what counts is the fastest block of each
 * (a disturbance only ever adds time), and how far the median lies above it is the spread. A row whose baseline spreads over
 * 20 % is measured again.
 */
#ifndef CJ_BENCH_MEASURE_H
#define CJ_BENCH_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Does the thing `count` times. */
typedef void (*cjb_body)(void *arg, uint64_t count);

typedef struct cjb_contender {
    const char *name;
    cjb_body body; /* NULL: not in this row */
    void *arg;
    uint64_t count; /* per block; set by cjb_measure */
    double ns;      /* fastest block, per iteration */
    double spread;  /* median / fastest - 1 */
} cjb_contender;

typedef struct cjb_settings {
    uint32_t rounds;   /* blocks per contender, 40 or more for figures that are quoted */
    double block_ns;   /* length of a block */
    uint32_t attempts; /* how often a row with a spreading baseline is measured at most */
} cjb_settings;

/* Measures a row. The first contender that is there is the baseline. False when the baseline still spreads over 20 % after the last attempt; the figures
 * are those of the best attempt. */
bool cjb_measure(cjb_contender *row, size_t count, const cjb_settings *settings);

#endif
