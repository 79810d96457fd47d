/* start.c: canonjit-start-bench [--check] COMPONENT...: what a start costs canonjit itself, with a cold cache and with a
 * warm one: processor time, from the component's bytes to an instance whose thunks are all there. Every start is a
 * process of its own.
 *
 * WAMR's loader runs on a thread of its own. So canonjit's share is the time of the thread that loads and instantiates
 * (what WAMR does there while it instantiates is counted as ours) and what the engine's statistics say of the compiler
 * and the cache. WAMR goes on compiling the guest on threads of its own, which is no part of a start, and LLVM takes
 * some time for its own start, whether anything is to be compiled or not; neither is in the table.
 *
 * --check: fails if a warm start compiles anything or takes more than a fifth of the cold one. Processor time hardly
 * depends on what else runs, and each kind of start is tried some times, the fastest counts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "canonjit.h"
#include "read_file.h"

enum { TRIES = 3, ROUNDS = 3, PART = 5 };

/* Nanoseconds and counts of one start. */
typedef struct start {
    uint64_t load, instantiate, compile, disk; /* canonjit's own */
    uint64_t wamr;                             /* its loader's */
    uint64_t compiled, from_disk, failed;
} start;

static uint64_t own(const start *s)
{
    return s->load + s->instantiate + s->compile + s->disk;
}

/* -- One start ----------------------------------------------------------------------------------------------------- */

static void check(cj_status status, const cj_error *err)
{
    if (status == CJ_OK)
        return;
    fprintf(stderr, "canonjit-start-bench: %s: %s %s\n", cj_status_text(status), err->where, err->message);
    exit(2);
}

/* Stands in for every import; none is called. */
static cj_status stand_in(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)user, (void)ctx, (void)args, (void)results, (void)err;
    return CJ_HOST;
}

static void offer_imports(cj_engine *engine, const cj_component *component, cj_linker *linker)
{
    cj_error err;
    for (size_t i = 0; i < cj_component_resource_count(component); i++) {
        cj_extern_resource resource = cj_component_resource(component, i);
        cj_resource_type *type;
        if (!resource.imported)
            continue;
        check(cj_resource_type_new(engine, resource.name, NULL, NULL, &type, &err), &err);
        check(cj_linker_resource(linker, resource.interface, resource.name, type, &err), &err);
    }
    for (size_t i = 0; i < cj_component_import_count(component); i++) {
        cj_extern_func func = cj_component_import(component, i);
        check(cj_linker_func(linker, func.interface, func.name, stand_in, NULL, &err), &err);
    }
}

static start run_start(const char *path, const char *cache)
{
    size_t size;
    uint8_t *bytes = cjb_read_file(path, &size, 2);
    start s = {0};
    cj_config config;
    cj_engine *engine;
    cj_component *component;
    cj_linker *linker;
    cj_store *store;
    cj_instance *instance;
    cj_error err;
    cj_config_init(&config);
    config.tier = CJ_TIER_JIT;
    config.cache_dir = cache;
    config.trap_unsupported = true;
    check(cj_engine_new(&config, &engine, &err), &err);

    uint64_t all = cj__clock_ns(CLOCK_PROCESS_CPUTIME_ID), from = cj__cpu_ns();
    check(cj_component_new(engine, bytes, size, &component, &err), &err);
    s.load = cj__cpu_ns() - from;
    s.wamr = cj__clock_ns(CLOCK_PROCESS_CPUTIME_ID) - all - s.load;
    check(cj_linker_new(engine, &linker, &err), &err);
    offer_imports(engine, component, linker);
    check(cj_store_new(engine, NULL, NULL, &store, &err), &err);
    from = cj__cpu_ns();
    check(cj_instantiate(store, linker, component, &instance, &err), &err);
    cj_engine_wait_compiled(engine);
    s.instantiate = cj__cpu_ns() - from;

    cj_engine_stats stats;
    cj_engine_get_stats(engine, &stats);
    s.compile = stats.compile_ns;
    s.disk = stats.disk_ns;
    s.compiled = stats.thunks_compiled;
    s.from_disk = stats.disk_hits;
    s.failed = stats.thunks_failed;
    return s; /* the process ends: nothing need be deleted */
}

/* In a process of its own. */
static start fork_start(const char *path, const char *cache)
{
    int ends[2];
    start s;
    if (pipe(ends) != 0) {
        perror("pipe");
        exit(2);
    }
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        s = run_start(path, cache);
        _exit(write(ends[1], &s, sizeof(s)) == (ssize_t)sizeof(s) ? 0 : 2);
    }
    close(ends[1]);
    int status = 0;
    bool ok = child > 0 && read(ends[0], &s, sizeof(s)) == (ssize_t)sizeof(s);
    close(ends[0]);
    if (child > 0)
        (void)waitpid(child, &status, 0);
    if (!ok || status != 0) {
        fprintf(stderr, "canonjit-start-bench: %s: a start failed\n", path);
        exit(2);
    }
    return s;
}

/* -- Cold and warm ------------------------------------------------------------------------------------------------- */

static void clear(const char *cache)
{
    cj_error err;
    check(cj_cache_clear(cache, &err), &err);
}

static void keep_least(start *best, const start *s)
{
    if (!best->wamr || own(s) < own(best))
        *best = *s;
}

static double ms(uint64_t ns)
{
    return (double)ns / 1e6;
}

static void print_start(const char *name, const char *what, const start *s)
{
    printf("%-24s %-5s %5llu %5llu %9.2f %9.2f %9.2f %9.2f %9.2f %10.2f\n", name, what, (unsigned long long)s->compiled,
           (unsigned long long)s->from_disk, ms(s->load), ms(s->instantiate), ms(s->compile), ms(s->disk), ms(own(s)),
           ms(s->wamr));
}

/* Whether a warm start is what it should be. */
static bool compare(const char *path, const char *cache, bool checks)
{
    start cold = {0}, warm = {0};
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    bool good = false;
    for (int round = 0; round < ROUNDS && !good; round++) {
        for (int i = 0; i < (checks ? 1 : TRIES); i++) {
            clear(cache);
            start s = fork_start(path, cache);
            keep_least(&cold, &s);
        }
        for (int i = 0; i < TRIES; i++) {
            start s = fork_start(path, cache);
            if (s.compiled || s.failed || s.from_disk != cold.compiled) {
                fprintf(stderr, "canonjit-start-bench: %s: a warm start compiled %llu thunks and found %llu of %llu\n",
                        name, (unsigned long long)s.compiled, (unsigned long long)s.from_disk,
                        (unsigned long long)cold.compiled);
                return false;
            }
            keep_least(&warm, &s);
        }
        good = !checks || own(&warm) * PART <= own(&cold);
    }
    print_start(name, "cold", &cold);
    print_start("", "warm", &warm);
    if (!good)
        fprintf(stderr, "canonjit-start-bench: %s: a warm start takes %.2f ms, more than a fifth of %.2f ms\n", name,
                ms(own(&warm)), ms(own(&cold)));
    return good;
}

int main(int argc, char **argv)
{
    bool checks = argc > 1 && strcmp(argv[1], "--check") == 0, good = true;
    int first = 1 + checks;
    if (first >= argc) {
        fputs("usage: canonjit-start-bench [--check] COMPONENT...\n", stderr);
        return 2;
    }
    char cache[] = "/tmp/canonjit-start-XXXXXX";
    if (!mkdtemp(cache)) {
        perror(cache);
        return 2;
    }
    puts("milliseconds of processor time\n"
         "component                start thunks disk     load    inst.   compile     cache       own WAMR's load");
    for (int i = first; i < argc; i++)
        good &= compare(argv[i], cache, checks);
    clear(cache);
    (void)rmdir(cache);
    return good ? 0 : 1;
}
