/* smoke.c: canonjit-bench --smoke: whether compiled calls are about as fast as they should be, for `make check`: seconds, not minutes, and never a
 * matter of how busy the machine is.
 *
 * The table says what each row's ratio to C written by hand should be; a row fails at twice that. One attempt is some dozens of short
 * blocks, interleaved, of which the fastest count. An attempt whose baseline spreads too far says nothing; a row that looks slow is measured again, longer, and
 * is slow only when no attempt found it otherwise and two that could be trusted said so. A row without such attempts is skipped.
 * Non-goals: figures to quote (`make bench`).
 */
#include "bench.h"

#include <stdio.h>
#include <string.h>

typedef struct expectation {
    const char *direction, *row;
    double ratio;
} expectation;

#define TO_GUEST "host -> guest"
#define TO_HOST "guest -> host"
#define ACROSS "component -> component"
static const expectation table[] = {
    {TO_GUEST, "nop", 1.1},
    {TO_GUEST, "add", 1.15},
    {TO_GUEST, "16 params", 1.3},
    {TO_GUEST, "variant in", 1.25},
    {TO_GUEST, "string in, 16 B", 1.25},
    {TO_GUEST, "string in, 64 KiB", 1.1},
    {TO_GUEST, "list<u8> in, 64 KiB", 1.05},
    {TO_GUEST, "list<record> in, 1000", 1.05},
    {TO_GUEST, "list<string> in, 1000", 1.1},
    {TO_GUEST, "string out, 16 B", 1.25},
    {TO_GUEST, "string out, 64 KiB", 1.1},
    {TO_GUEST, "list<u8> out, 16 B", 1.05},
    {TO_GUEST, "list<u32> out, 16384", 1.05},
    {TO_GUEST, "list<record> out, 1000", 1.05},
    {TO_GUEST, "list<string> out, 1000", 1.1},
    {TO_HOST, "nop", 1.8},
    {TO_HOST, "add", 1.15},
    {TO_HOST, "16 params", 1.2},
    {TO_HOST, "string in, 16 B", 1.15},
    {TO_HOST, "string in, 64 KiB", 1.1},
    {TO_HOST, "list<u32> in, 16384", 1.05},
    {TO_HOST, "string out, 16 B", 1.25},
    {TO_HOST, "string out, 64 KiB", 1.1},
    {TO_HOST, "list<u8> out, 64 KiB", 1.05},
    {TO_HOST, "list<record> out, 1000", 1.05},
    {TO_HOST, "list<string> out, 1000", 1.1},
    {ACROSS, "nop", 1.1},
    {ACROSS, "add", 1.1},
    {ACROSS, "16 params", 1.3},
    {ACROSS, "list<u8>, 64 KiB", 1.05},
    {ACROSS, "list<record>, 1000", 1.1},
    {ACROSS, "list<string>, 1000", 1.25},
    {ACROSS, "borrow", 1.2}, /* by hand there are no tables that others could use, and no types in them */
    {ACROSS, "own, destructor", 1.1},
    {ACROSS, "utf8-utf8 ascii 16", 1.25},
    {ACROSS, "utf8-utf8 ascii 65536", 0.75},
    {ACROSS, "utf8-utf16 ascii 16", 1.5},
    {ACROSS, "utf16-utf8 ascii 16", 1.15},
    {ACROSS, "utf16-compact ascii 16", 1.35},
    {ACROSS, "compact-utf8 ascii 16", 1.15},
};
enum { ROWS = sizeof table / sizeof table[0], ATTEMPTS = 6, ROUNDS = 30 };
_Static_assert((int)ROWS <= (int)CJB_MAX_SMOKE_ROWS, "cjb_smoke has a place for each row");

static int find(const char *direction, const char *row)
{
    for (int i = 0; i < ROWS; i++)
        if (strcmp(table[i].direction, direction) == 0 && strcmp(table[i].row, row) == 0)
            return i;
    return -1;
}

bool cjb_smoke_has(const char *direction, const char *row)
{
    return find(direction, row) >= 0;
}

void cjb_smoke_row(cjb_smoke *s, const char *direction, const char *row, const cjb_contender *hand,
                   const cjb_contender *thunk)
{
    int at = find(direction, row);
    double allowed = table[at].ratio * s->factor, best = 0, spread = 0;
    uint32_t trusted = 0, attempts = 0;
    bool fast = false;
    for (; attempts < ATTEMPTS && !fast; attempts++) {
        cjb_contender pair[2] = {*hand, *thunk};
        cjb_settings settings = {.rounds = (uint32_t)ROUNDS << (attempts / 2), .block_ns = 1e5, .attempts = 1};
        cjb_measure(pair, 2, &settings);
        double ratio = pair[1].ns / pair[0].ns;
        spread = pair[0].spread;
        if (spread > s->max_spread)
            continue;
        best = trusted == 0 || ratio < best ? ratio : best;
        trusted++;
        fast = ratio <= allowed;
    }
    s->seen[at] = true;
    const char *verdict = fast ? "ok" : trusted >= 2 ? "SLOW" : "skipped";
    s->passed += fast;
    s->slow += !fast && trusted >= 2;
    s->skipped += !fast && trusted < 2;
    printf("%-8s%-24s%-26s", verdict, direction, row);
    if (trusted)
        printf("%6.2fx, should be %.2fx, fails above %.2fx\n", best, table[at].ratio, allowed);
    else
        printf("the baseline spreads over %.0f %% (%.0f %%)\n", 100 * s->max_spread, 100 * spread);
    fflush(stdout);
}

int cjb_smoke_end(const cjb_smoke *s, const char *only)
{
    uint32_t missing = 0;
    for (int i = 0; i < ROWS; i++) {
        if (s->seen[i] || !strstr(table[i].row, only))
            continue;
        printf("MISSING %-24s%s\n", table[i].direction, table[i].row);
        missing++;
    }
    printf("%u rows as fast as they should be, %u skipped, %u too slow, %u missing\n", s->passed, s->skipped, s->slow,
           missing);
    return s->slow || missing;
}
