/* load.c: canonjit-load-bench COMPONENT: what canonjit's own share of loading a component takes: decoding, validating and linking with its merger; and
 * how much memory. WAMR's loader, which comes after, is not run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "component/decode.h"
#include "link/program.h"
#include "read_file.h"

static double cpu_ms(void)
{
    return (double)cj__cpu_ns() / 1e6;
}

/* Counts what is allocated. */
typedef struct meter {
    size_t live, most;
} meter;

static void *take(void *user, size_t size)
{
    meter *m = user;
    m->live += size;
    m->most = m->live > m->most ? m->live : m->most;
    return malloc(size);
}

static void *change(void *user, void *ptr, size_t old_size, size_t new_size)
{
    meter *m = user;
    m->live += new_size - old_size;
    m->most = m->live > m->most ? m->live : m->most;
    return realloc(ptr, new_size);
}

static void give(void *user, void *ptr, size_t size)
{
    ((meter *)user)->live -= size;
    free(ptr);
}

static void check(cj_status status, const cj_error *err)
{
    if (status == CJ_OK)
        return;
    fprintf(stderr, "canonjit-load-bench: %s: %s\n", cj_status_text(status), err->message);
    exit(1);
}

typedef struct times {
    double decode, link, copy, fresh_copy;
} times;

static double least(double a, double b)
{
    return a < b ? a : b;
}

/* One load. Returns how many bytes were merged. */
static size_t load(const uint8_t *bytes, size_t size, const cj_allocator *hook, size_t *kept, times *best)
{
    cj_config config;
    cj_ast *ast;
    cj_program *program;
    cj_error err;
    cj_config_init(&config);
    config.allocator = hook;
    config.trap_unsupported = true;
    double at[3] = {cpu_ms()};
    check(cj__ast_decode(&config, bytes, size, &ast, &err), &err);
    at[1] = cpu_ms();
    check(cj__link(&config, ast, &program, &err), &err);
    at[2] = cpu_ms();
    cj__ast_delete(ast);
    best->decode = least(best->decode, at[1] - at[0]);
    best->link = least(best->link, at[2] - at[1]);
    *kept = hook ? ((meter *)hook->user)->live : 0;
    size_t merged = 0;
    for (uint32_t g = 0; g < program->group_count; g++)
        merged += program->groups[g].merged.size;
    cj__program_delete(program);
    return merged;
}

/* What memory gives: the file copied to where something was before, and to where nothing was. */
static void copy(const uint8_t *bytes, size_t size, uint8_t *to, times *best)
{
    double at[3] = {cpu_ms()};
    memcpy(to, bytes, size);
    at[1] = cpu_ms();
    uint8_t *fresh = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (fresh != MAP_FAILED) {
        memcpy(fresh, bytes, size);
        munmap(fresh, size);
    }
    at[2] = cpu_ms();
    best->copy = least(best->copy, at[1] - at[0]);
    best->fresh_copy = least(best->fresh_copy, at[2] - at[1]);
}

int main(int argc, char **argv)
{
    enum { ROUNDS = 10 };
    if (argc != 2) {
        fputs("usage: canonjit-load-bench COMPONENT\n", stderr);
        return 2;
    }
    size_t size, kept, merged = 0;
    uint8_t *bytes = cjb_read_file(argv[1], &size, 1), *to = malloc(size + 1);
    times best = {1e9, 1e9, 1e9, 1e9}, metered = best;
    for (int round = 0; round < ROUNDS && to; round++) {
        copy(bytes, size, to, &best);
        merged = load(bytes, size, NULL, &kept, &best);
    }
    meter m = {0};
    cj_allocator hook = {take, change, give, &m};
    load(bytes, size, &hook, &kept, &metered);

    const double mb = 1 << 20, whole = best.decode + best.link, mbs = (double)size / mb * 1e3;
    printf(
        "%.1f MB: decode %.2f ms, link and merge %.2f ms: %.0f MB/s; memcpy %.0f MB/s (1/%.1f), to fresh memory %.0f MB/s (1/%.1f); "
        "%.1f MB merged; memory %.1f MB at most, %.1f MB kept\n",
        (double)size / mb, best.decode, best.link, mbs / whole, mbs / best.copy, whole / best.copy,
        mbs / best.fresh_copy, whole / best.fresh_copy, (double)merged / mb, (double)m.most / mb, (double)kept / mb);
    free(to);
    free(bytes);
    return 0;
}
