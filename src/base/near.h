/* near.h: "did you mean ...": the names most like one that was not found.
 *
 * Place in the pipeline: for error messages of the linker, of inspection and of look-ups by people's names (wave/call.c).
 * Non-goals: speed over many thousands of names.
 */
#ifndef CJ_BASE_NEAR_H
#define CJ_BASE_NEAR_H

#include <stddef.h>

typedef struct cj_near {
    const char *wanted;
    const char *best[3]; /* nearest first */
    size_t distance[3];
    size_t offered;
} cj_near;

void cj__near_start(cj_near *, const char *wanted);
void cj__near_offer(cj_near *, const char *name); /* borrowed until cj__near_finish */
/* "; did you mean "a" or "b"?", or "" when nothing is near. */
void cj__near_finish(const cj_near *, char *buffer, size_t size);

#endif
