/* near.c: near.h. The distance is that of Levenshtein on bytes, of the names' last ones. */
#include "base/near.h"

#include "base/base.h"

#include <stdio.h>

enum {
    LONGEST = 96, /* names are compared by this many of their last bytes, where interface names differ */
    MOST = 2000,  /* so many names are looked at: files decide how many there are */
};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static const char *tail(const char *name)
{
    size_t len = strlen(name);
    return len > LONGEST ? name + (len - LONGEST) : name;
}

static size_t distance(const char *a, const char *b)
{
    size_t row[LONGEST + 1], a_len = strlen(a), b_len = strlen(b);
    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = smaller(replaced, smaller(row[j], row[j - 1]) + 1);
        }
    }
    return row[b_len];
}

/* The part after '#': people forget the interface, or its version. */
static const char *last_part(const char *path)
{
    const char *hash = strrchr(path, '#');
    return hash ? hash + 1 : path;
}

void cj__near_start(cj_near *near, const char *wanted)
{
    memset(near, 0, sizeof(*near));
    near->wanted = wanted;
}

void cj__near_offer(cj_near *near, const char *name)
{
    if (near->offered++ >= MOST)
        return;
    size_t d = distance(tail(near->wanted), tail(name));
    if (strcmp(last_part(near->wanted), last_part(name)) == 0)
        d = smaller(d, 1);
    size_t allowed = strlen(tail(last_part(near->wanted))) / 3 + 1;
    if (d > allowed)
        return;
    for (size_t i = 0; i < CJ_COUNT(near->best); i++) {
        if (!near->best[i] || d < near->distance[i]) {
            size_t after = CJ_COUNT(near->best) - i - 1;
            memmove(&near->best[i + 1], &near->best[i], after * sizeof(near->best[0]));
            memmove(&near->distance[i + 1], &near->distance[i], after * sizeof(near->distance[0]));
            near->best[i] = name;
            near->distance[i] = d;
            return;
        }
    }
}

void cj__near_finish(const cj_near *near, char *buffer, size_t size)
{
    size_t used = 0;
    buffer[0] = 0;
    for (size_t i = 0; i < CJ_COUNT(near->best) && near->best[i]; i++) {
        int n = snprintf(buffer + used, size - used, "%s\"%s\"", i ? " or " : "; did you mean ", near->best[i]);
        if (n < 0 || (size_t)n + 1 >= size - used) {
            buffer[used] = 0; /* names that do not fit whole are left out */
            break;
        }
        used += (size_t)n;
    }
    if (used && used + 1 < size) {
        buffer[used] = '?';
        buffer[used + 1] = 0;
    }
}
