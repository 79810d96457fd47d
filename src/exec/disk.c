/* disk.c: see disk.h.
 *
 * A file: header, environment, shape, symbol with its 0, object. Its name is the hash of the first two. All numbers are the
 * machine's own: files never leave it.
 *
 * What is read is run, so whoever can write here can run code as the user. Hence: the directory belongs to the user who runs, and
 * nobody else can write to it; it is held open from that check on. The same goes for every file, which must be a plain
 * one. The checksum finds damage, not malice. Files appear by renaming, whole or not at all; nobody waits for anybody.
 * A directory that is removed meanwhile is made again when there is something to store, where it was, with the same checks.
 *
 * When a file is used its time becomes now (at most once an hour); when there are more bytes than max_bytes, the oldest go,
 * until a quarter is free.
 */
#include "exec/disk.h"
#include "exec/files.h"

#include "base/hash.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { NAME_SIZE = 40, MAX_FILE = 256 << 20, HOUR = 3600, BLOCK = 4096 };

#define MAGIC "cjthunk1"
#define SUFFIX ".thunk"

typedef struct header {
    char magic[8];
    uint64_t checksum; /* of all that follows */
    uint64_t object_len;
    uint32_t environment_len, shape_len, symbol_len;
    uint32_t zero;
} header;

_Static_assert(CJ_CACHE_PATH_SIZE >= PATH_MAX, "realpath writes as much");
struct cj_disk {
    const cj_allocator *alloc;
    int dir;
    uint64_t max_bytes;
    uint64_t bytes; /* of the directory, once `counted` */
    bool counted;
    char path[CJ_CACHE_PATH_SIZE]; /* of `dir` when it was opened, wherever the program goes since; "": not known */
};

/* -- The directory ----------------------------------------------------------------------------------------------- */

/* Where it is. A program that runs with another's rights does not follow that one's environment. */
static cj_status find_path(const char *path, char out[CJ_CACHE_PATH_SIZE], cj_error *err)
{
    const char *root = secure_getenv("XDG_CACHE_HOME"), *middle = "";
    int len;
    if (path[0]) {
        len = snprintf(out, CJ_CACHE_PATH_SIZE, "%s", path);
    } else {
        if (!root || root[0] != '/') { /* relative ones are to be ignored, says the specification */
            root = secure_getenv("HOME");
            middle = "/.cache";
        }
        if (!root || root[0] != '/')
            return cj__fail(err, CJ_HOST, "no cache directory: neither XDG_CACHE_HOME nor HOME is an absolute path");
        len = snprintf(out, CJ_CACHE_PATH_SIZE, "%s%s/canonjit", root, middle);
    }
    if (len >= CJ_CACHE_PATH_SIZE)
        return cj__fail(err, CJ_HOST, "cache directory: its path is longer than %d bytes", CJ_CACHE_PATH_SIZE - 1);
    return CJ_OK;
}

/* Gives the errno of the first that could not be made. */
static int make_parents(char *path)
{
    int problem = 0;
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (mkdir(path, 0700) != 0 && errno != EEXIST && !problem)
            problem = errno;
        *slash = '/';
    }
    return problem;
}

/* 0, or the errno that says why there is none. */
static int make_dir(char *path)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return 0;
    if (errno != ENOENT)
        return errno;
    int problem = make_parents(path);
    return mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : problem ? problem : errno;
}

static cj_status fail_path(cj_error *err, const char *path, const char *what)
{
    return cj__fail(err, CJ_HOST, "cache directory %s: %s", path, what);
}

/* CJ_NOT_FOUND: it is not there, and not to be made. */
static cj_status open_dir(char *path, bool make, int *out, cj_error *err)
{
    int not_made = make ? make_dir(path) : 0;
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0 && errno == ENOENT && !make)
        return CJ_NOT_FOUND;
    if (dir < 0)
        return fail_path(err, path, strerror(errno == ENOENT && not_made ? not_made : errno));
    struct stat st;
    const char *problem = NULL;
    if (fstat(dir, &st) != 0)
        problem = strerror(errno);
    else if (st.st_uid != geteuid())
        problem = "it belongs to another user, who could put code there";
    else if (st.st_mode & (S_IWGRP | S_IWOTH))
        problem = "others may write to it and so put code there: chmod go-w";
    if (problem) {
        cj_status status = fail_path(err, path, problem);
        close(dir);
        return status;
    }
    *out = dir;
    return CJ_OK;
}

cj_status cj__disk_open(const cj_allocator *alloc, const char *path, uint64_t max_bytes, cj_disk **out, cj_error *err)
{
    char full[CJ_CACHE_PATH_SIZE];
    int dir;
    CJ_TRY(find_path(path, full, err));
    CJ_TRY(open_dir(full, true, &dir, err));
    cj_disk *d = cj__calloc(alloc, 1, sizeof(*d));
    if (!d) {
        close(dir);
        return cj__fail_nomem(err);
    }
    d->alloc = alloc;
    d->dir = dir;
    d->max_bytes = max_bytes;
    if (!realpath(full, d->path))
        d->path[0] = 0;
    *out = d;
    return CJ_OK;
}

/* Not what it lay in, too: whoever removed a whole tree does not want it back. */
static bool make_again(cj_disk *d)
{
    int dir;
    if (!d->path[0] || (mkdir(d->path, 0700) != 0 && errno != EEXIST) || open_dir(d->path, false, &dir, NULL) != CJ_OK)
        return false;
    close(d->dir);
    d->dir = dir;
    d->counted = false;
    d->bytes = 0;
    return true;
}

void cj__disk_close(cj_disk *d)
{
    if (!d)
        return;
    close(d->dir);
    cj__free(d->alloc, d, sizeof(*d));
}

/* -- Names ------------------------------------------------------------------------------------------------------- */

static void file_name(const cj_disk_key *key, char out[NAME_SIZE])
{
    XXH3_state_t state;
    XXH3_128bits_reset(&state);
    XXH3_128bits_update(&state, key->environment, strlen(key->environment) + 1);
    XXH3_128bits_update(&state, key->shape, key->shape_len);
    XXH128_hash_t hash = XXH3_128bits_digest(&state);
    snprintf(out, NAME_SIZE, "%016llx%016llx" SUFFIX, (unsigned long long)hash.high64, (unsigned long long)hash.low64);
}

static bool is_entry(const char *name)
{
    size_t digits = strspn(name, "0123456789abcdef");
    return digits == 32 && strcmp(name + digits, SUFFIX) == 0;
}

static bool is_temporary(const char *name)
{
    return strncmp(name, "tmp-", 4) == 0;
}

/* -- Looking ----------------------------------------------------------------------------------------------------- */

static bool read_all(int file, uint8_t *at, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = read(file, at + done, size - done);
        if (n == 0 || (n < 0 && errno != EINTR))
            return false;
        done += n > 0 ? (size_t)n : 0;
    }
    return true;
}

static bool can_be_entry(const struct stat *st)
{
    return cj__file_is_ours(st) && st->st_size >= (off_t)sizeof(header) && st->st_size <= MAX_FILE;
}

static bool sizes_fit(const header *h, uint64_t size)
{
    return memcmp(h->magic, MAGIC, sizeof(h->magic)) == 0 && h->symbol_len != 0 && h->object_len <= size &&
           (uint64_t)sizeof(*h) + h->environment_len + h->shape_len + h->symbol_len + h->object_len == size;
}

/* Before memory is taken for all of it. */
static bool begins_well(int file, const struct stat *st)
{
    header h;
    return can_be_entry(st) && pread(file, &h, sizeof(h), 0) == (ssize_t)sizeof(h) &&
           sizes_fit(&h, (uint64_t)st->st_size);
}

static bool parse(const cj_disk_key *key, cj_disk_entry *entry)
{
    header h;
    memcpy(&h, entry->bytes, sizeof(h));
    const size_t skip = offsetof(header, object_len);
    size_t environment_len = strlen(key->environment);
    if (!sizes_fit(&h, entry->size) || h.checksum != XXH3_64bits(entry->bytes + skip, entry->size - skip))
        return false;
    const uint8_t *at = entry->bytes + sizeof(h);
    if (h.environment_len != environment_len || memcmp(at, key->environment, environment_len) != 0)
        return false;
    at += h.environment_len;
    if (h.shape_len != key->shape_len || memcmp(at, key->shape, key->shape_len) != 0)
        return false;
    at += h.shape_len;
    entry->symbol = (const char *)at;
    entry->object = at + h.symbol_len;
    entry->object_len = (size_t)h.object_len;
    return at[h.symbol_len - 1] == 0;
}

static void touch(int file, const struct stat *st)
{
    time_t now = time(NULL);
    if (now - st->st_mtime > HOUR || st->st_mtime > now)
        (void)futimens(file, NULL);
}

cj_disk_outcome cj__disk_get(cj_disk *d, const cj_disk_key *key, cj_disk_entry *out)
{
    char name[NAME_SIZE];
    struct stat st;
    file_name(key, name);
    int file = openat(d->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file < 0)
        return errno == ENOENT ? CJ_DISK_MISS : CJ_DISK_REFUSED;
    if (fstat(file, &st) != 0 || !begins_well(file, &st)) {
        close(file);
        return CJ_DISK_REFUSED;
    }
    *out = (cj_disk_entry){.size = (size_t)st.st_size};
    out->bytes = cj__malloc(d->alloc, out->size);
    cj_disk_outcome outcome = CJ_DISK_MISS;
    if (out->bytes)
        outcome = read_all(file, out->bytes, out->size) && parse(key, out) ? CJ_DISK_HIT : CJ_DISK_REFUSED;
    if (outcome == CJ_DISK_HIT)
        touch(file, &st);
    else
        cj__disk_entry_free(d, out);
    close(file);
    return outcome;
}

void cj__disk_entry_free(cj_disk *d, cj_disk_entry *entry)
{
    cj__free(d->alloc, entry->bytes, entry->size);
    entry->bytes = NULL;
}

/* -- Counting and cleaning up ------------------------------------------------------------------------------------ */

typedef struct found {
    char name[NAME_SIZE];
    int64_t used; /* ns */
    uint64_t bytes;
} found;

typedef struct list {
    CJ_VEC(found) files;
    uint64_t bytes;
} list;

static uint64_t on_disk(off_t size)
{
    return cj__align_up((uint64_t)size, BLOCK);
}

/* All entries; temporary files that were left behind are removed on the way. */
static bool list_files(const cj_allocator *alloc, int dir, list *out)
{
    *out = (list){0};
    int again = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* with a position of its own */
    DIR *stream = again < 0 ? NULL : fdopendir(again);
    if (!stream) {
        if (again >= 0)
            close(again);
        return false;
    }
    bool ok = true;
    for (struct dirent *e; ok && (e = readdir(stream));) {
        struct stat st;
        bool temporary = is_temporary(e->d_name);
        if ((!temporary && !is_entry(e->d_name)) || fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (temporary) {
            if (time(NULL) - st.st_mtime > HOUR)
                (void)unlinkat(dir, e->d_name, 0);
            continue;
        }
        found f = {.used = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec, .bytes = on_disk(st.st_size)};
        snprintf(f.name, sizeof(f.name), "%.*s", NAME_SIZE - 1, e->d_name);
        ok = CJ_VEC_PUSH(alloc, &out->files, f);
        out->bytes += f.bytes;
    }
    closedir(stream);
    return ok;
}

static int older_first(const void *a, const void *b)
{
    const found *x = a, *y = b;
    return x->used != y->used ? (x->used > y->used) - (x->used < y->used) : strcmp(x->name, y->name);
}

static void clean_up(cj_disk *d)
{
    list l;
    if (list_files(d->alloc, d->dir, &l)) {
        d->counted = true;
        d->bytes = l.bytes;
        if (d->bytes > d->max_bytes) {
            qsort(l.files.at, l.files.len, sizeof(found), older_first);
            for (size_t i = 0; i < l.files.len && d->bytes > d->max_bytes / 4 * 3; i++)
                if (unlinkat(d->dir, l.files.at[i].name, 0) == 0 || errno == ENOENT) /* another process was quicker */
                    d->bytes -= l.files.at[i].bytes;
        }
    }
    CJ_VEC_FREE(d->alloc, &l.files);
}

/* -- Storing ----------------------------------------------------------------------------------------------------- */

static uint8_t *compose(cj_disk *d, const cj_disk_key *key, const char *symbol, const void *object, size_t object_len,
                        size_t *size)
{
    header h = {.magic = {'c', 'j', 't', 'h', 'u', 'n', 'k', '1'}, .object_len = object_len};
    h.environment_len = (uint32_t)strlen(key->environment);
    h.shape_len = (uint32_t)key->shape_len;
    h.symbol_len = (uint32_t)strlen(symbol) + 1;
    *size = sizeof(h) + h.environment_len + h.shape_len + h.symbol_len + object_len;
    if (*size > MAX_FILE)
        return NULL;
    uint8_t *bytes = cj__malloc(d->alloc, *size), *at = bytes;
    if (!bytes)
        return NULL;
    const struct {
        const void *ptr;
        size_t len;
    } pieces[] = {{&h, sizeof(h)},
                  {key->environment, h.environment_len},
                  {key->shape, h.shape_len},
                  {symbol, h.symbol_len},
                  {object, object_len}};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); at += pieces[i++].len)
        memcpy(at, pieces[i].ptr, pieces[i].len);
    const size_t skip = offsetof(header, object_len);
    h.checksum = XXH3_64bits(bytes + skip, *size - skip);
    memcpy(bytes, &h, sizeof(h));
    return bytes;
}

static int create(const cj_disk *d, const char *name)
{
    return openat(d->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

static bool store(cj_disk *d, const char *name, const uint8_t *bytes, size_t size)
{
    char temporary[64];
    /* not the process's number: it may have several engines, and another container its number */
    snprintf(temporary, sizeof(temporary), "tmp-%016llx", (unsigned long long)cj__hash_seed());
    int file = create(d, temporary);
    if (file < 0 && errno == ENOENT && make_again(d)) /* nothing can be made in a directory that is removed */
        file = create(d, temporary);
    if (file < 0)
        return false;
    bool ok = cj__write_all(file, bytes, size);
    ok = close(file) == 0 && ok && renameat(d->dir, temporary, d->dir, name) == 0;
    if (!ok)
        (void)unlinkat(d->dir, temporary, 0);
    return ok;
}

bool cj__disk_put(cj_disk *d, const cj_disk_key *key, const char *symbol, const void *object, size_t object_len)
{
    char name[NAME_SIZE];
    size_t size;
    file_name(key, name);
    uint8_t *bytes = compose(d, key, symbol, object, object_len, &size);
    if (!bytes)
        return false;
    bool ok = on_disk((off_t)size) <= d->max_bytes && store(d, name, bytes, size);
    cj__free(d->alloc, bytes, size);
    d->bytes += ok ? on_disk((off_t)size) : 0;
    if (ok && (!d->counted || d->bytes > d->max_bytes))
        clean_up(d);
    return ok;
}

/* -- For people -------------------------------------------------------------------------------------------------- */

static cj_status look(const char *path, char full[CJ_CACHE_PATH_SIZE], int *dir, list *l, cj_error *err)
{
    CJ_TRY(find_path(path, full, err));
    *dir = -1;
    *l = (list){0};
    cj_status status = open_dir(full, false, dir, err);
    if (status != CJ_OK)
        return status == CJ_NOT_FOUND ? CJ_OK : status;
    if (list_files(cj__alloc_or_default(NULL), *dir, l))
        return CJ_OK;
    status = fail_path(err, full, strerror(errno));
    CJ_VEC_FREE(cj__alloc_or_default(NULL), &l->files);
    close(*dir);
    return status;
}

static void end_look(int dir, list *l)
{
    CJ_VEC_FREE(cj__alloc_or_default(NULL), &l->files);
    if (dir >= 0)
        close(dir);
}

cj_status cj__disk_info(const char *path, cj_cache_info *out, cj_error *err)
{
    int dir;
    list l;
    memset(out, 0, sizeof(*out));
    CJ_TRY(look(path, out->path, &dir, &l, err));
    out->entries = l.files.len;
    out->bytes = l.bytes;
    end_look(dir, &l);
    return CJ_OK;
}

cj_status cj__disk_clear(const char *path, cj_error *err)
{
    char full[CJ_CACHE_PATH_SIZE];
    int dir;
    list l;
    cj_status status = CJ_OK;
    CJ_TRY(look(path, full, &dir, &l, err));
    for (size_t i = 0; i < l.files.len && status == CJ_OK; i++)
        if (unlinkat(dir, l.files.at[i].name, 0) != 0 && errno != ENOENT)
            status = fail_path(err, full, strerror(errno));
    end_look(dir, &l);
    return status;
}
