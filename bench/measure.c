/* measure.c: see measure.h. */
#include "measure.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_ROUNDS = 100000 };
static const double max_spread = 0.20;

static double time_block(const cjb_contender *c)
{
    uint64_t start = cj__now_ns();
    c->body(c->arg, c->count);
    return (double)(cj__now_ns() - start);
}

/* Finds how many iterations fill a block; warms up on the way. The fastest of a few tries, or one disturbance would make all blocks short. */
static void calibrate(cjb_contender *c, double block_ns)
{
    enum { TRIES = 5 };
    c->count = 1;
    for (;;) {
        double fastest = time_block(c);
        for (int i = 1; i < TRIES; i++) {
            double ns = time_block(c);
            if (ns < fastest)
                fastest = ns;
        }
        if (fastest >= block_ns / 4) {
            c->count = (uint64_t)((double)c->count * block_ns / fastest);
            if (c->count == 0)
                c->count = 1;
            return;
        }
        c->count *= fastest < block_ns / 64 ? 8 : 2;
    }
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure_once(cjb_contender *row, size_t count, uint32_t rounds, double *blocks)
{
    for (uint32_t r = 0; r < rounds; r++)
        for (size_t i = 0; i < count; i++)
            if (row[i].body)
                blocks[i * rounds + r] = time_block(&row[i]) / (double)row[i].count;
    for (size_t i = 0; i < count; i++) {
        if (!row[i].body)
            continue;
        double *mine = blocks + i * rounds;
        qsort(mine, rounds, sizeof *mine, by_value);
        row[i].ns = mine[0];
        row[i].spread = mine[rounds / 2] / mine[0] - 1;
    }
}

bool cjb_measure(cjb_contender *row, size_t count, const cjb_settings *settings)
{
    uint32_t rounds = settings->rounds < 3 ? 3 : settings->rounds > MAX_ROUNDS ? MAX_ROUNDS : settings->rounds;
    size_t baseline = 0;
    while (baseline < count && !row[baseline].body)
        baseline++;
    if (baseline == count)
        return true;

    double *blocks = malloc(count * rounds * sizeof *blocks);
    cjb_contender *best = malloc(count * sizeof *best);
    if (!blocks || !best)
        abort();
    for (size_t i = 0; i < count; i++)
        if (row[i].body)
            calibrate(&row[i], settings->block_ns);

    bool steady = false;
    for (uint32_t attempt = 0; attempt < settings->attempts && !steady; attempt++) {
        measure_once(row, count, rounds, blocks);
        steady = row[baseline].spread <= max_spread;
        if (attempt == 0 || row[baseline].spread < best[baseline].spread)
            memcpy(best, row, count * sizeof *best);
    }
    memcpy(row, best, count * sizeof *best);
    free(blocks);
    free(best);
    return steady;
}
