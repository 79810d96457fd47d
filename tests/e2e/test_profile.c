/* test_profile.c: names of compiled thunks for tools outside: perf's map and jitdump name every thunk at the addresses where code is, and
 * files are made where nobody can have put a trap. What cannot be had is refused.
 */
#include "e2e.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ALL = CJ_PROFILE_PERF_MAP | CJ_PROFILE_JITDUMP | CJ_PROFILE_GDB };

static char dump_dir[] = "/tmp/canonjit-profile-XXXXXX";

static void map_path(char out[64])
{
    snprintf(out, 64, "/tmp/perf-%ld.map", (long)getpid());
}

static void dump_path(char out[96])
{
    snprintf(out, 96, "%s/jit-%ld.dump", dump_dir, (long)getpid());
}

static cj_status new_engine(uint32_t profile, const char *dir, cj_engine **out, cj_error *err)
{
    cj_config config;
    cj_config_init(&config);
    config.tier = CJ_TIER_AUTO; /* jit where there is one */
    config.profile = profile;
    config.jitdump_dir = dir;
    return cj_engine_new(&config, out, err);
}

static bool has_jit(void)
{
    cj_config config;
    cj_engine *engine;
    cj_config_init(&config);
    config.tier = CJ_TIER_JIT;
    if (cj_engine_new(&config, &engine, NULL) != CJ_OK)
        return false;
    cj_engine_delete(engine);
    return true;
}

/* A component's thunks, all compiled or found in `cache`, in an engine that is profiled; what the engine counted. */
static cj_engine_stats compile_with(const char *guest, uint32_t profile, const char *cache)
{
    cj_config config;
    cj_engine *engine;
    cj_component *component;
    cj_linker *linker;
    cj_store *store;
    cj_instance *instance;
    cj_error err;
    cj_config_init(&config);
    config.tier = CJ_TIER_JIT;
    config.profile = profile;
    config.jitdump_dir = dump_dir;
    config.cache_dir = cache;
    e2e_ok(cj_engine_new(&config, &engine, &err), &err);
    size_t size;
    uint8_t *bytes = e2e_read(guest, &size);
    e2e_ok(cj_component_new(engine, bytes, size, &component, &err), &err);
    free(bytes);
    e2e_ok(cj_linker_new(engine, &linker, &err), &err);
    e2e_ok(cj_store_new(engine, NULL, NULL, &store, &err), &err);
    e2e_ok(cj_instantiate(store, linker, component, &instance, &err), &err);
    cj_engine_wait_compiled(engine);
    cj_engine_stats stats;
    cj_engine_get_stats(engine, &stats);
    cj_store_delete(store);
    cj_linker_delete(linker);
    cj_component_delete(component);
    cj_engine_delete(engine);
    return stats;
}

static void compile_all(const char *guest, uint32_t profile)
{
    compile_with(guest, profile, NULL);
}

static char *read_whole(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    char *text = NULL;
    *size = 0;
    for (size_t n = 1; n;) {
        text = realloc(text, *size + 65537);
        assert_non_null(text);
        n = fread(text + *size, 1, 65536, f);
        *size += n;
    }
    text[*size] = 0;
    fclose(f);
    return text;
}

/* In a child, which is a process of its own: 0 when `test` came to its end. */
static void in_child(void (*test)(void))
{
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        test();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            _exit(1); \
        } \
    } while (0)

/* -- The map ------------------------------------------------------------------------------------------------------ */

static void check_map(void)
{
    char path[64], name[256];
    size_t size;
    map_path(path);
    unlink(path);
    compile_all("@with-bench-utf8-utf8", CJ_PROFILE_PERF_MAP);
    struct stat s;
    CHECK(stat(path, &s) == 0 && (s.st_mode & 0777) == 0600);
    char *text = read_whole(path, &size);
    CHECK(strstr(text, " cj:export:test:bench/drive@1.0.0#nop\n"));
    CHECK(strstr(text, " cj:fused:test:bench/calls@1.0.0#string-in\n"));
    unsigned long long at, length, last = 0;
    size_t count = 0;
    for (char *line = text; *line; line = strchr(line, '\n') + 1) {
        int end = 0;
        CHECK(sscanf(line, "%llx %llx %255[^\n]%n", &at, &length, name, &end) == 3 && line[end] == '\n');
        CHECK(strncmp(name, "cj:", 3) == 0);
        CHECK(at > 4096 && at < 1ull << 47 && length > 0 && length < 1 << 20 && at != last);
        last = at;
        count++;
    }
    CHECK(count >= 10);
    free(text);
    unlink(path);
}

static void test_perf_map(void **state)
{
    (void)state;
    if (has_jit())
        in_child(check_map);
}

static void check_link_is_not_followed(void)
{
    char path[64], target[96];
    cj_engine *engine;
    cj_error err;
    map_path(path);
    snprintf(target, sizeof(target), "%s/victim", dump_dir);
    unlink(path);
    CHECK(symlink(target, path) == 0);
    CHECK(new_engine(CJ_PROFILE_PERF_MAP, NULL, &engine, &err) == CJ_HOST);
    CHECK(strstr(err.message, "cj_config.profile") && strstr(err.message, path));
    CHECK(access(target, F_OK) != 0);
    FILE *f = fopen(target, "w"); /* nor when it is there */
    CHECK(f && fclose(f) == 0);
    CHECK(new_engine(CJ_PROFILE_PERF_MAP, NULL, &engine, &err) == CJ_HOST);
    unlink(target);
    unlink(path);
}

static void check_others_file_is_not_used(void)
{
    char path[64];
    cj_engine *engine;
    cj_error err;
    map_path(path);
    unlink(path);
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);
    CHECK(fd >= 0 && fchmod(fd, 0666) == 0);
    CHECK(new_engine(CJ_PROFILE_PERF_MAP, NULL, &engine, &err) == CJ_HOST);
    CHECK(strstr(err.message, "not this user's alone"));
    unlink(path);
    CHECK(mkdir(path, 0700) == 0);
    CHECK(new_engine(CJ_PROFILE_PERF_MAP, NULL, &engine, &err) == CJ_HOST);
    CHECK(rmdir(path) == 0);
    CHECK(mkfifo(path, 0600) == 0); /* nor waited for */
    CHECK(new_engine(CJ_PROFILE_PERF_MAP, NULL, &engine, &err) == CJ_HOST);
    unlink(path);
    close(fd);
}

static void check_own_file_is_added_to(void)
{
    char path[64];
    map_path(path);
    unlink(path);
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);
    CHECK(fd >= 0 && write(fd, "1000 10 another\n", 16) == 16);
    close(fd);
    compile_all("@bench-exports", CJ_PROFILE_PERF_MAP);
    compile_all("@bench-exports", CJ_PROFILE_PERF_MAP); /* a second engine, in the same file */
    size_t size;
    char *text = read_whole(path, &size);
    CHECK(strncmp(text, "1000 10 another\n", 16) == 0);
    char *first = strstr(text, "#nop\n");
    CHECK(first && strstr(first + 1, "#nop\n"));
    free(text);
    unlink(path);
}

static void test_map_in_a_place_of_everybody(void **state)
{
    (void)state;
    if (!has_jit())
        return;
    in_child(check_link_is_not_followed);
    in_child(check_others_file_is_not_used);
    in_child(check_own_file_is_added_to);
}

/* Code that comes from the cache on disk is named like code that was compiled. */
static void check_cached_code(void)
{
    char path[64], cache[64];
    size_t size, other_size;
    map_path(path);
    snprintf(cache, sizeof(cache), "%s/cache", dump_dir);
    unlink(path);
    CHECK(compile_with("@bench-exports", CJ_PROFILE_PERF_MAP, cache).thunks_compiled > 5);
    char *compiled = read_whole(path, &size);
    CHECK(truncate(path, 0) == 0);
    cj_engine_stats stats = compile_with("@bench-exports", CJ_PROFILE_PERF_MAP, cache);
    CHECK(stats.thunks_compiled == 0 && stats.disk_hits > 5);
    char *cached = read_whole(path, &other_size);
    CHECK(strstr(cached, " cj:export:test:bench/calls@1.0.0#nop\n"));
    for (char *a = compiled, *b = cached; *a || *b; a = strchr(a, '\n') + 1, b = strchr(b, '\n') + 1) {
        a = strchr(a, ' '); /* but for the addresses the same */
        b = strchr(b, ' ');
        CHECK(a && b && strcspn(a, "\n") == strcspn(b, "\n") && strncmp(a, b, strcspn(a, "\n")) == 0);
    }
    free(compiled);
    free(cached);
    unlink(path);
    CHECK(cj_cache_clear(cache, NULL) == CJ_OK);
    rmdir(cache);
}

static void test_cached_code(void **state)
{
    (void)state;
    if (has_jit())
        in_child(check_cached_code);
}

/* -- The dump ----------------------------------------------------------------------------------------------------- */

static uint32_t u32_at(const char *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

static uint64_t u64_at(const char *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

/* The layout is that of perf's tools/perf/Documentation/jitdump-specification.txt. */
static void check_dump(void)
{
    char path[96], line[4352];
    size_t size;
    dump_path(path);
    compile_all("@with-bench-utf8-utf8", CJ_PROFILE_JITDUMP);
    char *dump = read_whole(path, &size);
    CHECK(size > 40 && u32_at(dump) == 0x4a695444 && u32_at(dump + 4) == 1 && u32_at(dump + 8) == 40);
    CHECK(u32_at(dump + 20) == (uint32_t)getpid());
    uint64_t time = u64_at(dump + 24), index = 0;
    bool has_export = false, has_fused = false;
    for (size_t at = 40; at < size; at += u32_at(dump + at + 4)) {
        const char *r = dump + at;
        CHECK(size - at > 56 && u32_at(r) == 0 && u32_at(r + 4) > 56 && u32_at(r + 4) <= size - at);
        CHECK(u64_at(r + 8) >= time);
        time = u64_at(r + 8);
        CHECK(u32_at(r + 16) == (uint32_t)getpid() && u64_at(r + 24) == u64_at(r + 32) && u64_at(r + 48) == index++);
        const char *name = r + 56;
        size_t name_size = strlen(name) + 1;
        uint64_t code_size = u64_at(r + 40);
        CHECK(code_size > 0 && 56 + name_size + code_size == u32_at(r + 4));
        has_export |= strcmp(name, "cj:export:test:bench/drive@1.0.0#add") == 0;
        has_fused |= strcmp(name, "cj:fused:test:bench/calls@1.0.0#add") == 0;
    }
    CHECK(has_export && has_fused && index >= 10);
    free(dump);

    /* perf finds the file by a mapping of it that may be executed. */
    bool mapped = false;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof(line), maps))
        mapped |= strstr(line, path) && strstr(line, " r-xp ");
    fclose(maps);
    CHECK(mapped);
    unlink(path);
}

static void check_dump_places(void)
{
    char path[96];
    cj_engine *engine;
    cj_error err;
    CHECK(new_engine(CJ_PROFILE_JITDUMP, "/dev/null", &engine, &err) == CJ_HOST);
    CHECK(strstr(err.message, "/dev/null/jit-") && strstr(err.message, "Not a directory"));
    dump_path(path);
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);
    CHECK(fd >= 0 && write(fd, "x", 1) == 1);
    close(fd);
    CHECK(new_engine(CJ_PROFILE_JITDUMP, dump_dir, &engine, &err) == CJ_HOST);
    CHECK(strstr(err.message, "File exists"));
    size_t size;
    char *text = read_whole(path, &size);
    CHECK(size == 1);
    free(text);
    unlink(path);
}

static void test_jitdump(void **state)
{
    (void)state;
    if (!has_jit())
        return;
    in_child(check_dump);
    in_child(check_dump_places);
}

/* -- All at once; none -------------------------------------------------------------------------------------------- */

static void check_calls_work(void)
{
    char map[64], dump[96];
    cj_engine *engine;
    cj_component *component;
    cj_store *store;
    cj_instance *instance;
    cj_error err;
    map_path(map);
    dump_path(dump);
    unlink(map);
    CHECK(new_engine(ALL, dump_dir, &engine, &err) == CJ_OK);
    size_t size;
    uint8_t *bytes = e2e_read("@bench-exports", &size);
    CHECK(cj_component_new(engine, bytes, size, &component, &err) == CJ_OK);
    CHECK(cj_store_new(engine, NULL, NULL, &store, &err) == CJ_OK);
    CHECK(cj_instantiate(store, NULL, component, &instance, &err) == CJ_OK);
    uint32_t args[2] = {3, 4}, sum = 0;
    cj_func *add = cj_instance_func(instance, "test:bench/calls@1.0.0#add");
    for (int i = 0; i < 1000; i++) {
        CHECK(cj_call_native(add, args, &sum, NULL) == CJ_OK && sum == 7);
        if (i == 500)
            cj_engine_wait_compiled(engine);
    }
    cj_store_delete(store);
    cj_component_delete(component);
    cj_engine_delete(engine);
    free(bytes);
    unlink(map);
    unlink(dump);
}

static void check_nothing_is_made(void)
{
    char map[64], dump[96];
    map_path(map);
    dump_path(dump);
    unlink(map);
    compile_all("@bench-exports", 0);
    CHECK(access(map, F_OK) != 0 && access(dump, F_OK) != 0);
    compile_all("@bench-exports", CJ_PROFILE_GDB);
    CHECK(access(map, F_OK) != 0 && access(dump, F_OK) != 0);
}

static void test_all_and_none(void **state)
{
    (void)state;
    if (!has_jit())
        return;
    in_child(check_calls_work);
    in_child(check_nothing_is_made);
}

static void test_refusals(void **state)
{
    (void)state;
    cj_engine *engine;
    cj_error err;
    assert_int_equal(new_engine(8, NULL, &engine, &err), CJ_MISUSE);
    if (has_jit())
        return;
    for (uint32_t kind = 1; kind <= 4; kind *= 2) {
        assert_int_equal(new_engine(kind, NULL, &engine, &err), CJ_UNSUPPORTED);
        assert_non_null(strstr(err.message, "unsupported: cj_config.profile"));
    }
}

static int remove_dir(void **state)
{
    (void)state;
    return rmdir(dump_dir);
}

/* Not in e2e_run's worlds: each test is a process of its own, which starts WAMR itself. */
int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_refusals),
                                       cmocka_unit_test(test_perf_map),
                                       cmocka_unit_test(test_map_in_a_place_of_everybody),
                                       cmocka_unit_test(test_cached_code),
                                       cmocka_unit_test(test_jitdump),
                                       cmocka_unit_test(test_all_and_none)};
    if (!mkdtemp(dump_dir))
        return 1;
    return cmocka_run_group_tests(tests, NULL, remove_dir);
}
