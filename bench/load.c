/* load.c: canonjit-load-bench COMPONENT: what canonjit's own share of loading a component takes: decoding, validating and linking with its merger; and
 * how much memory. WAMR's loader, which comes after, is not run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "component/decode.h"
#include "link/program.h"

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

static uint8_t *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0) {
        perror(path);
        exit(1);
    }
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*size + 1);
    if (!bytes || fread(bytes, 1, *size, file) != *size) {
        perror(path);
        exit(1);
    }
    fclose(file);
    return bytes;
}

static void check(cj_status status, const cj_error *err)
{
    if (status == CJ_OK)
        return;
    fprintf(stderr, "canonjit-load-bench: %s: %s\n", cj_status_text(status), err->message);
    exit(1);
}

int main(int argc, char **argv)
{
    enum { ROUNDS = 5 };
    if (argc != 2) {
        fputs("usage: canonjit-load-bench COMPONENT\n", stderr);
        return 2;
    }
    size_t size;
    uint8_t *bytes = read_file(argv[1], &size), *copy = malloc(size + 1);
    double best[3] = {1e9, 1e9, 1e9};
    size_t most = 0, kept = 0, merged = 0;
    for (int round = 0; round < ROUNDS && copy; round++) {
        meter m = {0};
        cj_allocator hook = {take, change, give, &m};
        cj_config config;
        cj_ast *ast;
        cj_program *program;
        cj_error err;
        cj_config_init(&config);
        config.allocator = &hook;
        config.trap_unsupported = true;
        double at[4] = {cpu_ms()};
        memcpy(copy, bytes, size);
        at[1] = cpu_ms();
        check(cj__ast_decode(&config, bytes, size, &ast, &err), &err);
        at[2] = cpu_ms();
        check(cj__link(&config, ast, &program, &err), &err);
        at[3] = cpu_ms();
        cj__ast_delete(ast);
        for (int i = 0; i < 3; i++)
            best[i] = at[i + 1] - at[i] < best[i] ? at[i + 1] - at[i] : best[i];
        most = m.most;
        kept = m.live;
        merged = 0;
        for (uint32_t g = 0; g < program->group_count; g++)
            merged += program->groups[g].merged.size;
        cj__program_delete(program);
    }
    const double mb = 1 << 20;
    printf(
        "%.1f MB: decode %.2f ms, link and merge %.2f ms (%.0f MB/s; memcpy %.0f MB/s); %.1f MB merged; memory %.1f MB at most, "
        "%.1f MB kept\n",
        (double)size / mb, best[1], best[2], (double)size / mb / (best[1] + best[2]) * 1e3,
        (double)size / mb / best[0] * 1e3, (double)merged / mb, (double)most / mb, (double)kept / mb);
    free(copy);
    free(bytes);
    return 0;
}
