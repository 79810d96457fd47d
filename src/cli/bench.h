/* bench.h: what the parts of `canonjit bench` share: the figures of a call, which bench.c measures and bench_report.c shows. */
#ifndef CJ_CLI_BENCH_H
#define CJ_CLI_BENCH_H

#include "cli.h"

typedef enum bench_step { STEP_ENTRY, STEP_LOWER, STEP_CORE, STEP_LIFT, STEP_POST_RETURN, STEP_COUNT } bench_step;
extern const char *const bench_step_names[STEP_COUNT];

/* One call in one tier; nanoseconds per call, of the fastest block. */
typedef struct bench_figures {
    const char *tier;
    double ns;
    double spread; /* median / fastest - 1 */
    uint64_t block_calls;
    uint32_t rounds;
    bool split; /* else `why_not` */
    char why_not[256];
    double steps[STEP_COUNT]; /* sum up to ns */
    double stamped
        /* as the counter gave them, without the stamps' own cost: [STEP_ENTRY] is the call that only enters */
        [STEP_COUNT];
    double fit; /* what `stamped` was multiplied by, all but the entry */
    bool has_realloc;
    double realloc_calls, realloc_ns; /* per call; part of STEP_LOWER */
} bench_figures;

typedef struct bench_call {
    const char *text; /* as it was given */
    const char *function;
    char *type; /* "func(a: u32)" */
    bench_figures *tiers;
    size_t tier_count;
} bench_call;

typedef struct bench_results {
    const char *file;
    bench_call *calls;
    size_t call_count;
    double stamp_ns; /* what reading the counter costs */
} bench_results;

/* bench_report.c. The terminal's form is a table and bars for each call. */
void bench_print(FILE *to, const bench_call *, bool utf8, int width);
void bench_print_legend(FILE *to, bool utf8);
int bench_print_json(FILE *to, const bench_results *);
/* A file for a picture that needs nothing else. It is opened before anything is measured, so that nobody waits for figures that cannot be
 * written, and what is in it stays until there are new ones. CLI_OK, or CLI_FAILED when an error has been printed. One of `write` and
 * `discard` follows. */
typedef struct bench_svg {
    const char *path;
    int fd;
    bool made; /* it was not there */
} bench_svg;
int bench_open_svg(const char *path, bench_svg *);
int bench_write_svg(bench_svg *, const bench_results *);
void bench_discard_svg(bench_svg *);

#endif
