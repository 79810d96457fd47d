/* test_disk.c: the cache on disk by itself: what comes back, what is refused, how much is kept. */
#include "support/cmocka_all.h"

#include <stdio.h>

#if CJ_HAVE_LLVM

#include "exec/disk.h"
#include "support/track_alloc.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64], dir[128];

static const cj_disk_key KEY = {"canonjit 1, cpu", (const uint8_t *)"shape", 5};

static cj_disk *open_disk(uint64_t max_bytes)
{
    cj_disk *d = NULL;
    cj_error err;
    if (cj__disk_open(cj__alloc_or_default(NULL), dir, max_bytes, &d, &err) != CJ_OK)
        fail_msg("%s", err.message);
    return d;
}

static int set_up(void **state)
{
    (void)state;
    snprintf(root, sizeof(root), "/tmp/canonjit-disk-XXXXXX");
    assert_non_null(mkdtemp(root));
    snprintf(dir, sizeof(dir), "%s/a/b", root);
    return 0;
}

static void remove_tree(const char *path)
{
    char command[160];
    snprintf(command, sizeof(command), "rm -rf %s", path);
    assert_int_equal(system(command), 0);
}

static int tear_down(void **state)
{
    (void)state;
    remove_tree(root);
    return 0;
}

static cj_disk_outcome get(cj_disk *d, const cj_disk_key *key)
{
    cj_disk_entry entry;
    cj_disk_outcome outcome = cj__disk_get(d, key, &entry);
    if (outcome == CJ_DISK_HIT)
        cj__disk_entry_free(d, &entry);
    return outcome;
}

/* The path of the only entry. */
static const char *only_file(void)
{
    static char path[512];
    DIR *stream = opendir(dir);
    path[0] = 0;
    for (struct dirent *e; (e = readdir(stream));) {
        if (e->d_name[0] == '.')
            continue;
        assert_int_equal(path[0], 0);
        snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
    }
    closedir(stream);
    assert_int_not_equal(path[0], 0);
    return path;
}

static void test_what_is_stored_comes_back(void **state)
{
    (void)state;
    cj_disk *d = open_disk(1 << 20);
    cj_disk_entry entry;
    assert_int_equal(cj__disk_get(d, &KEY, &entry), CJ_DISK_MISS);
    assert_true(cj__disk_put(d, &KEY, "symbol", "\0code", 5));
    for (int again = 0; again < 2; again++) {
        assert_int_equal(cj__disk_get(d, &KEY, &entry), CJ_DISK_HIT);
        assert_string_equal(entry.symbol, "symbol");
        assert_int_equal(entry.object_len, 5);
        assert_memory_equal(entry.object, "\0code", 5);
        cj__disk_entry_free(d, &entry);
        cj__disk_close(d);
        d = open_disk(1 << 20); /* another process would see the same */
    }
    assert_true(cj__disk_put(d, &KEY, "other", "", 0));
    assert_int_equal(cj__disk_get(d, &KEY, &entry), CJ_DISK_HIT);
    assert_string_equal(entry.symbol, "other");
    cj__disk_entry_free(d, &entry);

    cj_disk_key other = KEY;
    other.environment = "canonjit 2, cpu";
    assert_int_equal(get(d, &other), CJ_DISK_MISS);
    other = (cj_disk_key){KEY.environment, (const uint8_t *)"shapf", 5};
    assert_int_equal(get(d, &other), CJ_DISK_MISS);
    cj__disk_close(d);
    struct stat st;
    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(stat(only_file(), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

/* Every byte changed, every length: none of it is taken for an entry. */
static void test_damage(void **state)
{
    (void)state;
    cj_disk *d = open_disk(1 << 20);
    uint8_t bytes[512];
    assert_true(cj__disk_put(d, &KEY, "symbol", "code", 4));
    int file = open(only_file(), O_RDWR);
    ssize_t size = read(file, bytes, sizeof(bytes));
    assert_true(size > 60 && size < (ssize_t)sizeof(bytes));
    for (ssize_t i = 0; i < size; i++) {
        uint8_t changed = (uint8_t)(bytes[i] ^ (i % 2 ? 0x80 : 1));
        assert_int_equal(pwrite(file, &changed, 1, i), 1);
        assert_int_equal(get(d, &KEY), CJ_DISK_REFUSED);
        assert_int_equal(pwrite(file, &bytes[i], 1, i), 1);
    }
    assert_int_equal(get(d, &KEY), CJ_DISK_HIT);
    assert_int_equal(pwrite(file, "x", 1, size), 1); /* too long */
    assert_int_equal(get(d, &KEY), CJ_DISK_REFUSED);
    for (ssize_t length = size - 1; length >= 0; length--) {
        assert_int_equal(ftruncate(file, length), 0);
        assert_int_equal(get(d, &KEY), CJ_DISK_REFUSED);
    }
    close(file);
    assert_true(cj__disk_put(d, &KEY, "symbol", "code", 4)); /* mended */
    assert_int_equal(get(d, &KEY), CJ_DISK_HIT);
    cj__disk_close(d);
}

/* A large file that is none costs no memory. */
static void test_large_files(void **state)
{
    (void)state;
    track_alloc memory;
    track_init(&memory);
    cj_disk *d = NULL;
    cj_error err;
    assert_int_equal(cj__disk_open(&memory.hook, dir, 1 << 20, &d, &err), CJ_OK);
    assert_true(cj__disk_put(d, &KEY, "symbol", "code", 4));
    uint64_t before = memory.peak_bytes;
    assert_int_equal(truncate(only_file(), 200 << 20), 0);
    assert_int_equal(get(d, &KEY), CJ_DISK_REFUSED);
    assert_int_equal(memory.peak_bytes, before);
    assert_true(cj__disk_put(d, &KEY, "symbol", "code", 4));
    assert_int_equal(get(d, &KEY), CJ_DISK_HIT);
    cj__disk_close(d);
    assert_int_equal(memory.live_blocks, 0);
}

/* A whole entry under the name of another: of another build, or of another shape with the same hash. */
static void test_entries_of_other_keys(void **state)
{
    (void)state;
    char name[512], other_name[512];
    cj_disk *d = open_disk(1 << 20);
    assert_true(cj__disk_put(d, &KEY, "symbol", "code", 4));
    snprintf(name, sizeof(name), "%s", only_file());
    const cj_disk_key others[] = {{"canonjit 2, cpu", KEY.shape, 5}, {KEY.environment, (const uint8_t *)"shapf", 5}};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(unlink(name), 0);
        assert_true(cj__disk_put(d, &others[i], "symbol", "evil", 4));
        snprintf(other_name, sizeof(other_name), "%s", only_file());
        assert_int_equal(rename(other_name, name), 0);
        assert_int_equal(get(d, &KEY), CJ_DISK_REFUSED);
        assert_int_equal(get(d, &others[i]), CJ_DISK_MISS);
    }
    cj__disk_close(d);
}

static void test_files_that_others_may_write(void **state)
{
    (void)state;
    char moved[600], name[512];
    cj_disk *d = open_disk(1 << 20);
    assert_true(cj__disk_put(d, &KEY, "symbol", "code", 4));
    snprintf(name, sizeof(name), "%s", only_file());
    const mode_t modes[] = {0620, 0602};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(chmod(name, modes[i]), 0);
        assert_int_equal(get(d, &KEY), CJ_DISK_REFUSED);
    }
    assert_int_equal(chmod(name, 0600), 0);
    assert_int_equal(get(d, &KEY), CJ_DISK_HIT);
    if (geteuid() == 0) {
        assert_int_equal(chown(name, 65534, 65534), 0);
        assert_int_equal(get(d, &KEY), CJ_DISK_REFUSED);
        assert_int_equal(chown(name, 0, 0), 0);
    }
    snprintf(moved, sizeof(moved), "%s/elsewhere", root);
    assert_int_equal(rename(name, moved), 0);
    assert_int_equal(symlink(moved, name), 0);
    assert_int_equal(get(d, &KEY), CJ_DISK_REFUSED);
    assert_int_equal(unlink(name), 0);
    assert_int_equal(mkfifo(name, 0600), 0);
    assert_int_equal(get(d, &KEY), CJ_DISK_REFUSED); /* and does not wait */
    cj__disk_close(d);
}

static void refuses_dir(const char *why)
{
    cj_disk *d = NULL;
    cj_cache_info info;
    cj_error err;
    assert_int_equal(cj__disk_open(cj__alloc_or_default(NULL), dir, 1 << 20, &d, &err), CJ_HOST);
    if (!strstr(err.message, why))
        fail_msg("%s", err.message);
    assert_int_equal(cj__disk_info(dir, &info, &err), CJ_HOST);
    assert_int_equal(cj__disk_clear(dir, &err), CJ_HOST);
}

static void test_directories_that_others_may_write(void **state)
{
    (void)state;
    cj_disk *d = open_disk(1 << 20);
    assert_true(cj__disk_put(d, &KEY, "symbol", "code", 4));
    cj__disk_close(d);
    const mode_t modes[] = {0770, 0702};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(chmod(dir, modes[i]), 0);
        refuses_dir("chmod go-w");
    }
    assert_int_equal(chmod(dir, 0755), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(dir, 65534, 65534), 0);
        refuses_dir("another user");
        assert_int_equal(chown(dir, 0, 0), 0);
    }
    d = open_disk(1 << 20);
    assert_int_equal(get(d, &KEY), CJ_DISK_HIT);
    cj__disk_close(d);
    snprintf(dir, sizeof(dir), "%s/a/b/file", root);
    FILE *file = fopen(dir, "w");
    fclose(file);
    refuses_dir("Not a directory");
}

static void put_numbered(cj_disk *d, uint32_t i, const void *object, size_t size)
{
    cj_disk_key key = {KEY.environment, (const uint8_t *)&i, sizeof(i)};
    assert_true(cj__disk_put(d, &key, "symbol", object, size));
}

static bool has_numbered(cj_disk *d, uint32_t i)
{
    cj_disk_key key = {KEY.environment, (const uint8_t *)&i, sizeof(i)};
    return get(d, &key) == CJ_DISK_HIT;
}

/* Over the bound, the files that were used longest ago go, until a quarter is free. */
static void test_the_bound(void **state)
{
    (void)state;
    enum { FILE_BYTES = 4096, MAX = 16 * FILE_BYTES };
    static const uint8_t object[3000];
    cj_disk *d = open_disk(MAX);
    cj_cache_info info;
    cj_error err;
    for (uint32_t i = 0; i < 16; i++)
        put_numbered(d, i, object, sizeof(object));
    assert_int_equal(cj__disk_info(dir, &info, &err), CJ_OK);
    assert_int_equal(info.entries, 16);
    assert_int_equal(info.bytes, MAX);
    assert_string_equal(info.path, dir);

    struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    DIR *stream = opendir(dir);
    for (struct dirent *e; (e = readdir(stream));)
        if (e->d_name[0] != '.')
            assert_int_equal(utimensat(dirfd(stream), e->d_name, old, 0), 0);
    closedir(stream);
    assert_true(has_numbered(d, 0) && has_numbered(d, 7)); /* used now */
    put_numbered(d, 16, object, sizeof(object));
    assert_int_equal(cj__disk_info(dir, &info, &err), CJ_OK);
    assert_int_equal(info.entries, 12);
    assert_true(has_numbered(d, 0) && has_numbered(d, 7) && has_numbered(d, 16));

    cj_disk_key large = {KEY.environment, (const uint8_t *)"large", 5};
    uint8_t *much = calloc(1, MAX);
    assert_false(cj__disk_put(d, &large, "symbol", much, MAX)); /* more than all */
    free(much);
    assert_true(has_numbered(d, 0));
    cj__disk_close(d);

    d = open_disk(8 * FILE_BYTES); /* another process, with another bound */
    put_numbered(d, 17, object, sizeof(object));
    assert_int_equal(cj__disk_info(dir, &info, &err), CJ_OK);
    assert_int_equal(info.entries, 6);
    cj__disk_close(d);
}

/* Two engines of one process, or processes of two containers, which have the same number: what one writes is no business of the other. */
static void *put_many(void *arg)
{
    enum { COUNT = 40, BYTES = 200000 };
    const uint32_t from = *(const uint32_t *)arg;
    uint8_t *object = calloc(1, BYTES);
    cj_disk *d = open_disk(1u << 30);
    uint32_t good = 0;
    for (uint32_t i = from; i < from + COUNT; i++) {
        cj_disk_key key = {KEY.environment, (const uint8_t *)&i, sizeof(i)};
        good += cj__disk_put(d, &key, "symbol", object, BYTES) && has_numbered(d, i);
    }
    cj__disk_close(d);
    free(object);
    return good == COUNT ? NULL : "what was stored is not there, or is damaged";
}

static void test_writers_at_once(void **state)
{
    (void)state;
    enum { THREADS = 3 };
    pthread_t threads[THREADS];
    uint32_t from[THREADS];
    cj_cache_info info;
    cj_error err;
    for (uint32_t i = 0; i < THREADS; i++) {
        from[i] = i * 1000;
        assert_int_equal(pthread_create(&threads[i], NULL, put_many, &from[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *problem;
        pthread_join(threads[i], &problem);
        if (problem)
            fail_msg("%s", (const char *)problem);
    }
    assert_int_equal(cj__disk_info(dir, &info, &err), CJ_OK);
    assert_int_equal(info.entries, THREADS * 40);
}

/* Processes that find too much at the same time remove the same files, and not each as much as there is too much. */
typedef struct cleaner {
    cj_disk *disk;
    pthread_barrier_t *barrier;
    uint32_t number;
} cleaner;

static void *clean(void *arg)
{
    cleaner *c = arg;
    static const uint8_t object[3000];
    cj_disk_key key = {KEY.environment, (const uint8_t *)&c->number, sizeof(c->number)};
    pthread_barrier_wait(c->barrier);
    return cj__disk_put(c->disk, &key, "symbol", object, sizeof(object)) ? NULL : "not stored";
}

static void test_cleaners_at_once(void **state)
{
    (void)state;
    enum { FILE_BYTES = 4096, FILES = 400, THREADS = 4, ROUNDS = 5 };
    static const uint8_t object[3000];
    cj_cache_info info;
    cj_error err;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        cj_disk *d = open_disk(1u << 30);
        for (uint32_t i = 0; i < FILES; i++)
            put_numbered(d, i, object, sizeof(object));
        cj__disk_close(d);
        pthread_t threads[THREADS];
        cleaner cleaners[THREADS];
        pthread_barrier_t barrier;
        pthread_barrier_init(&barrier, NULL, THREADS);
        for (uint32_t i = 0; i < THREADS; i++) {
            cleaners[i] = (cleaner){open_disk((uint64_t)FILES * FILE_BYTES), &barrier, 1000 + i};
            assert_int_equal(pthread_create(&threads[i], NULL, clean, &cleaners[i]), 0);
        }
        for (int i = 0; i < THREADS; i++) {
            void *problem;
            pthread_join(threads[i], &problem);
            assert_null(problem);
            cj__disk_close(cleaners[i].disk);
        }
        pthread_barrier_destroy(&barrier);
        assert_int_equal(cj__disk_info(dir, &info, &err), CJ_OK);
        if (info.entries < FILES * 3 / 4 - THREADS || info.entries > FILES)
            fail_msg("%u entries are left of %d", (unsigned)info.entries, FILES);
    }
}

/* A directory that is removed while it is in use comes back, in the same place and as private as before, for what is stored then. */
static void test_a_directory_that_is_removed(void **state)
{
    (void)state;
    static const uint8_t object[3000];
    cj_cache_info info;
    cj_error err;
    struct stat st;
    char here[256];
    assert_non_null(getcwd(here, sizeof(here)));
    assert_int_equal(chdir(root), 0);
    cj_disk *d = NULL;
    assert_int_equal(cj__disk_open(cj__alloc_or_default(NULL), "a/b", 8 * 4096, &d, &err), CJ_OK);
    assert_int_equal(chdir("/"), 0); /* which it does not follow */
    for (uint32_t i = 0; i < 6; i++)
        put_numbered(d, i, object, sizeof(object));
    remove_tree(dir);
    assert_false(has_numbered(d, 1));
    assert_int_equal(access(dir, F_OK), -1); /* looking makes nothing */
    for (uint32_t i = 1; i < 7; i++)         /* what was there before does not count any more */
        put_numbered(d, i, object, sizeof(object));
    assert_true(has_numbered(d, 1) && has_numbered(d, 6) && !has_numbered(d, 0));
    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(cj__disk_info(dir, &info, &err), CJ_OK);
    assert_int_equal(info.entries, 6);

    /* What may not be a cache at the start may not become one. */
    cj_disk_key key = {KEY.environment, (const uint8_t *)"later", 5};
    remove_tree(dir);
    assert_int_equal(mkdir(dir, 0700), 0);
    assert_int_equal(chmod(dir, 0777), 0);
    assert_false(cj__disk_put(d, &key, "symbol", "x", 1));
    remove_tree(dir);
    fclose(fopen(dir, "w"));
    assert_false(cj__disk_put(d, &key, "symbol", "x", 1));
    assert_int_equal(unlink(dir), 0);
    assert_true(cj__disk_put(d, &key, "symbol", "x", 1));
    assert_int_equal(get(d, &key), CJ_DISK_HIT);

    /* What it lay in does not come back. */
    char parent[100], moved[100];
    snprintf(parent, sizeof(parent), "%s/a", root);
    snprintf(moved, sizeof(moved), "%s/c", root);
    remove_tree(dir);
    assert_int_equal(rename(parent, moved), 0);
    assert_false(cj__disk_put(d, &key, "symbol", "x", 1));
    assert_int_equal(access(parent, F_OK), -1);
    assert_int_equal(rename(moved, parent), 0);
    assert_true(cj__disk_put(d, &key, "symbol", "x", 1));
    cj__disk_close(d);
    assert_int_equal(chdir(here), 0);
}

static void test_clearing(void **state)
{
    (void)state;
    cj_cache_info info;
    cj_error err;
    assert_int_equal(cj__disk_info(dir, &info, &err), CJ_OK); /* not there: not made either */
    assert_int_equal(info.entries, 0);
    assert_int_equal(cj__disk_clear(dir, &err), CJ_OK);
    assert_int_equal(access(dir, F_OK), -1);
    cj_disk *d = open_disk(1 << 20);
    put_numbered(d, 1, "x", 1);
    put_numbered(d, 2, "x", 1);
    char other[256];
    snprintf(other, sizeof(other), "%s/mine.txt", dir); /* what is not ours stays */
    FILE *file = fopen(other, "w");
    fclose(file);
    assert_int_equal(cj__disk_clear(dir, &err), CJ_OK);
    assert_false(has_numbered(d, 1));
    assert_int_equal(access(other, F_OK), 0);
    put_numbered(d, 1, "x", 1);
    assert_true(has_numbered(d, 1));
    cj__disk_close(d);
}

static void test_where_it_is(void **state)
{
    (void)state;
    cj_cache_info info;
    cj_error err;
    char expected[200];
    setenv("HOME", root, 1);
    setenv("XDG_CACHE_HOME", dir, 1);
    snprintf(expected, sizeof(expected), "%s/canonjit", dir);
    assert_int_equal(cj__disk_info("", &info, &err), CJ_OK);
    assert_string_equal(info.path, expected);
    snprintf(expected, sizeof(expected), "%s/.cache/canonjit", root);
    setenv("XDG_CACHE_HOME", "relative/path", 1);
    assert_int_equal(cj__disk_info("", &info, &err), CJ_OK);
    assert_string_equal(info.path, expected);
    unsetenv("XDG_CACHE_HOME");
    assert_int_equal(cj__disk_info("", &info, &err), CJ_OK);
    assert_string_equal(info.path, expected);
    unsetenv("HOME");
    assert_int_equal(cj__disk_info("", &info, &err), CJ_HOST);

    /* What cannot be made says why. */
    static const struct {
        const char *path, *why;
    } bad[] = {{"/file", "Not a directory"}, {"/file/a/b", "Not a directory"}, {"/link", "No such file"}};
    char path[200];
    cj_disk *d = NULL;
    snprintf(path, sizeof(path), "%s/file", root);
    fclose(fopen(path, "w"));
    snprintf(path, sizeof(path), "%s/link", root);
    assert_int_equal(symlink("nowhere", path), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(path, sizeof(path), "%s%s", root, bad[i].path);
        assert_int_equal(cj__disk_open(cj__alloc_or_default(NULL), path, 1 << 20, &d, &err), CJ_HOST);
        if (!strstr(err.message, bad[i].why))
            fail_msg("%s", err.message);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    umask(022);
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_stored_comes_back),
        TEST(test_damage),
        TEST(test_large_files),
        TEST(test_entries_of_other_keys),
        TEST(test_files_that_others_may_write),
        TEST(test_directories_that_others_may_write),
        TEST(test_the_bound),
        TEST(test_writers_at_once),
        TEST(test_cleaners_at_once),
        TEST(test_a_directory_that_is_removed),
        TEST(test_clearing),
        TEST(test_where_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    puts("skipped: built without LLVM");
    return 0;
}

#endif
