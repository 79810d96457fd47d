#include "support/far_pages.h"

#include <stdlib.h>
#include <sys/mman.h>

enum { PAGE = 4096, MOST = 1 << 16 };
static const size_t apart = (size_t)5 << 30;

struct far_pages {
    uint8_t *region; /* the system looks for room from above to below */
    size_t size;
    uint32_t count;
    void *filled[MOST]; /* what was free above it */
};

far_pages *far_pages_open(uint32_t count)
{
    far_pages *far = calloc(1, sizeof(*far));
    if (!far)
        return NULL;
    far->size = count * apart;
    far->region = mmap(NULL, far->size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (far->region == MAP_FAILED) {
        free(far);
        return NULL;
    }
    uint8_t *page = far->region + far->size;
    while (far->count < MOST && page > far->region) {
        page = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        far->filled[far->count++] = page;
    }
    for (uint32_t i = 0; i < count; i++)
        munmap(far->region + (i + 1) * apart - PAGE, PAGE);
    return far;
}

void far_pages_close(far_pages *far)
{
    for (uint32_t i = 0; i < far->count; i++)
        if (far->filled[i] != MAP_FAILED)
            munmap(far->filled[i], PAGE);
    for (uint32_t i = 0; i < far->size / apart; i++) /* who has taken a page keeps it */
        munmap(far->region + i * apart, apart - PAGE);
    free(far);
}
