/* test_cache.c: the cache on disk when the disk does not go along: full, read-only, gone; and several processes at once. Whatever happens, calls
 * are as they would be without it, and what is found later is whole.
 *
 * Everything runs in processes of its own, which have their own engine and, where a disk of a kind is wanted, their own mounts: without the right to
 * mount these tests are skipped. */
#include "e2e.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CANNOT_MOUNT = 77 };

static uint8_t *bytes;
static size_t size;

/* -- Processes ----------------------------------------------------------------------------------------------------- */

/* No assertion of cmocka's: these run in children. */
#define WANT(condition, ...) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition); \
            fprintf(stderr, __VA_ARGS__); \
            fputc('\n', stderr); \
            exit_now(1); \
        } \
    } while (0)

static void exit_now(int code)
{
    fflush(NULL);
    _exit(code);
}

static pid_t start(void (*run)(void *), void *arg)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        run(arg);
        exit_now(0);
    }
    return pid;
}

static int end_of(pid_t pid)
{
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void in_a_process(void (*run)(void *), void *arg)
{
    int code = end_of(start(run, arg));
    if (code == CANNOT_MOUNT)
        skip();
    assert_int_equal(code, 0);
}

static void mount_disk(const char *options)
{
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", e2e_cache, "tmpfs", 0, options) != 0)
        exit_now(CANNOT_MOUNT);
}

static void remount(unsigned long flags)
{
    WANT(mount("none", e2e_cache, "tmpfs", MS_REMOUNT | flags, NULL) == 0, "%s", e2e_cache);
}

/* -- What they do -------------------------------------------------------------------------------------------------- */

static cj_engine *make_engine(const char *cache, uint64_t max_bytes)
{
    cj_config config;
    cj_engine *engine;
    cj_error err;
    cj_config_init(&config);
    config.tier = CJ_TIER_JIT;
    config.cache_dir = cache;
    config.max_cache_bytes = max_bytes;
    WANT(cj_engine_new(&config, &engine, &err) == CJ_OK, "%s", err.message);
    return engine;
}

/* A component's life: all its thunks are wanted. Gives the engine's counters, and deletes it. */
static cj_engine_stats live(cj_engine *engine)
{
    cj_component *component;
    cj_store *store;
    cj_instance *instance;
    cj_error err;
    WANT(cj_component_new(engine, bytes, size, &component, &err) == CJ_OK, "%s", err.message);
    WANT(cj_store_new(engine, NULL, NULL, &store, &err) == CJ_OK, "%s", err.message);
    WANT(cj_instantiate(store, NULL, component, &instance, &err) == CJ_OK, "%s", err.message);
    cj_val args[2] = {e2e_u32(40), e2e_u32(2)}, sum;
    WANT(cj_call(cj_instance_func(instance, "test:bench/calls@1.0.0#add"), args, 2, &sum, 1, NULL, &err) == CJ_OK, "%s",
         err.message);
    WANT(sum.of.u32 == 42, "%u", sum.of.u32);
    cj_engine_stats stats;
    cj_engine_get_stats(engine, &stats);
    WANT(stats.thunks_failed == 0, "%llu", (unsigned long long)stats.thunks_failed);
    cj_store_delete(store);
    cj_component_delete(component);
    cj_engine_delete(engine);
    return stats;
}

static cj_engine_stats live_with(const char *cache)
{
    return live(make_engine(cache, CJ_MAX_CACHE_BYTES));
}

static uint64_t entries(void)
{
    cj_cache_info info;
    cj_error err;
    WANT(cj_cache_get_info(e2e_cache, &info, &err) == CJ_OK, "%s", err.message);
    return info.entries;
}

/* The name of some file that begins so, or "". */
static const char *some_file(const char *prefix)
{
    static char name[256];
    DIR *stream = opendir(e2e_cache);
    WANT(stream, "%s", e2e_cache);
    name[0] = 0;
    for (struct dirent *e; (e = readdir(stream));)
        if (e->d_name[0] != '.' && strncmp(e->d_name, prefix, strlen(prefix)) == 0)
            snprintf(name, sizeof(name), "%s", e->d_name);
    closedir(stream);
    return name;
}

/* -- Tests --------------------------------------------------------------------------------------------------------- */

static void fill_a_disk(void *arg)
{
    (void)arg;
    mount_disk("size=32k,mode=700");
    cj_engine_stats first = live_with(e2e_cache), second = live_with(e2e_cache);
    WANT(first.disk_stored > 0 && first.disk_stored < first.thunks_compiled, "%llu stored, %llu compiled",
         (unsigned long long)first.disk_stored, (unsigned long long)first.thunks_compiled);
    WANT(some_file("tmp-")[0] == 0, "%s is left", some_file("tmp-"));
    WANT(second.disk_hits >= first.disk_stored && second.disk_refused == 0, "%llu found, %llu refused",
         (unsigned long long)second.disk_hits, (unsigned long long)second.disk_refused);
    WANT(second.thunks_compiled + second.disk_hits == first.thunks_compiled, "%llu compiled",
         (unsigned long long)second.thunks_compiled);
}

static void test_full_disk(void **state)
{
    (void)state;
    in_a_process(fill_a_disk, NULL);
}

static void use_a_read_only_disk(void *arg)
{
    (void)arg;
    cj_error err;
    mount_disk("mode=700");
    cj_engine_stats first = live_with(e2e_cache);
    WANT(first.disk_stored == first.thunks_compiled && entries() == first.disk_stored, "%llu stored",
         (unsigned long long)first.disk_stored);
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", e2e_cache, some_file(""));
    WANT(unlink(path) == 0, "%s", path);
    remount(MS_RDONLY);
    cj_engine_stats second = live_with(e2e_cache);
    WANT(second.thunks_compiled == 1 && second.disk_stored == 0 && second.disk_refused == 0, "%llu compiled",
         (unsigned long long)second.thunks_compiled);
    /* What people ask for says what is wrong. */
    WANT(cj_cache_clear(e2e_cache, &err) == CJ_HOST && strstr(err.message, "Read-only"), "%s", err.message);
    cj_config config;
    cj_engine *engine = NULL;
    cj_config_init(&config);
    snprintf(path, sizeof(path), "%s/a/b", e2e_cache);
    config.cache_dir = path;
    WANT(cj_engine_new(&config, &engine, &err) == CJ_HOST && strstr(err.message, "Read-only"), "%s", err.message);
}

static void test_read_only_disk(void **state)
{
    (void)state;
    in_a_process(use_a_read_only_disk, NULL);
}

static void lose_the_directory(void *arg)
{
    (void)arg;
    char command[100];
    cj_engine *engine = make_engine(e2e_cache, CJ_MAX_CACHE_BYTES);
    snprintf(command, sizeof(command), "rm -rf %s", e2e_cache);
    WANT(system(command) == 0, "%s", command);
    cj_engine_stats stats = live(engine);
    WANT(stats.thunks_compiled > 0 && stats.disk_misses == stats.thunks_compiled && stats.disk_refused == 0,
         "%llu compiled, %llu refused", (unsigned long long)stats.thunks_compiled,
         (unsigned long long)stats.disk_refused);
    WANT(stats.disk_stored == stats.thunks_compiled && entries() == stats.disk_stored, "%llu stored",
         (unsigned long long)stats.disk_stored); /* it is made again */
    stats = live_with(e2e_cache);
    WANT(stats.disk_hits == entries() && stats.thunks_compiled == 0, "%llu found", (unsigned long long)stats.disk_hits);
}

static void test_directory_that_goes(void **state)
{
    (void)state;
    in_a_process(lose_the_directory, NULL);
}

typedef struct crowd {
    int gate; /* closed at the other end: go */
    uint64_t max_bytes;
} crowd;

static void live_in_a_crowd(void *arg)
{
    const crowd *c = arg;
    char byte;
    cj_engine *engine = make_engine(e2e_cache, c->max_bytes);
    WANT(read(c->gate, &byte, 1) == 0, "the gate");
    cj_engine_stats stats = live(engine);
    WANT(stats.disk_refused == 0, "%llu refused", (unsigned long long)stats.disk_refused);
    WANT(stats.disk_stored == stats.thunks_compiled && stats.disk_misses == stats.thunks_compiled,
         "%llu compiled, %llu stored", (unsigned long long)stats.thunks_compiled,
         (unsigned long long)stats.disk_stored);
}

static void look_again(void *arg)
{
    (void)arg;
    uint64_t there = entries();
    cj_engine_stats stats = live_with(e2e_cache);
    WANT(some_file("tmp-")[0] == 0, "%s is left", some_file("tmp-"));
    WANT(stats.disk_hits == there && stats.disk_refused == 0, "%llu found of %llu", (unsigned long long)stats.disk_hits,
         (unsigned long long)there);
    WANT(stats.thunks_compiled + stats.disk_hits >= 16, "%llu shapes are too few to say anything",
         (unsigned long long)(stats.thunks_compiled + stats.disk_hits));
}

/* The second time there is room for a few only, and so they remove each other's while they look for them. */
static void test_processes_at_once(void **state)
{
    (void)state;
    enum { PROCESSES = 4 };
    for (int tight = 0; tight < 2; tight++) {
        int gate[2];
        pid_t pids[PROCESSES];
        assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
        crowd c = {gate[0], tight ? 8 * 4096 : CJ_MAX_CACHE_BYTES};
        for (int i = 0; i < PROCESSES; i++) {
            pids[i] = fork();
            assert_true(pids[i] >= 0);
            if (pids[i] == 0) {
                close(gate[1]);
                live_in_a_crowd(&c);
                exit_now(0);
            }
        }
        close(gate[0]);
        close(gate[1]);
        for (int i = 0; i < PROCESSES; i++)
            assert_int_equal(end_of(pids[i]), 0);
        in_a_process(look_again, NULL);
        char command[100];
        snprintf(command, sizeof(command), "rm -rf %s/*", e2e_cache);
        assert_int_equal(system(command), 0);
    }
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, e2e_make_cache, e2e_remove_cache)

int main(void)
{
    if (strstr(cj_build_info(), "no LLVM")) {
        puts("no LLVM: nothing is kept on disk");
        return 0;
    }
    bytes = e2e_read("@bench-exports", &size);
    const struct CMUnitTest tests[] = {TEST(test_full_disk), TEST(test_read_only_disk), TEST(test_directory_that_goes),
                                       TEST(test_processes_at_once)};
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    free(bytes);
    return failures;
}
