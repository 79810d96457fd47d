/* profile.c: names of compiled code for profilers: perf's map, and perf's jitdump.
 *
 *     /tmp/perf-PID.map      a line per function, "address size name": read by `perf report` while the process's pid is known
 *     DIR/jit-PID.dump       the code itself with its names and the time of its making: `perf record -k mono`, `perf inject --jit`
 *
 * Place: behind compiler.c, which knows where an object went. GDB's interface is LLVM's own and registered there.
 * Both files are the process's, not an engine's: perf knows one of each. They stay open until it ends. A child that was forked writes nothing.
 * /tmp is everybody's: the map is made with O_EXCL and never through a link; one that is there already is added to only if it is a
 * plain file of this user's that nobody else may write (another JIT in this process may have made it).
 * Non-goals: lines of source, unwinding, functions of guests.
 */
#include "exec/llvm/profile.h"

#include "base/clock.h"
#include "exec/exec.h"
#include "exec/files.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int map_file = -1, dump_file = -1;
static pid_t owner;
static uint64_t code_index;

/* -- Files -------------------------------------------------------------------------------------------------------- */

static bool is_ours(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && cj__file_is_ours(&st) && st.st_nlink == 1;
}

static cj_status cannot(const char *path, int error, cj_error *err)
{
    return cj__fail(err, CJ_HOST, "cj_config.profile: cannot make %s: %s", path, strerror(error));
}

static cj_status open_map(cj_error *err)
{
    char path[64];
    snprintf(path, sizeof(path), "/tmp/perf-%ld.map", (long)getpid());
    int flags = O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
    map_file = open(path, flags | O_CREAT | O_EXCL, 0600);
    if (map_file < 0 && errno == EEXIST) {
        map_file = open(path, flags);
        if (map_file >= 0 && !is_ours(map_file)) {
            close(map_file);
            map_file = -1;
            return cj__fail(err, CJ_HOST, "cj_config.profile: %s is there already, and not this user's alone", path);
        }
    }
    return map_file < 0 ? cannot(path, errno, err) : CJ_OK;
}

typedef struct dump_header {
    uint32_t magic, version, size, machine, pad, pid;
    uint64_t time, flags;
} dump_header;

typedef struct dump_load {
    uint32_t kind, size;
    uint64_t time;
    uint32_t pid, tid;
    uint64_t vma, address, code_size, index;
} dump_load;
_Static_assert(sizeof(dump_header) == 40 && sizeof(dump_load) == 56, "perf reads these as they are");

#if defined(__x86_64__)
enum { MACHINE = EM_X86_64 };
#elif defined(__aarch64__)
enum { MACHINE = EM_AARCH64 };
#else
enum { MACHINE = EM_NONE };
#endif

/* A page of the file that is mapped as code is how perf finds it; the mapping stays. */
static cj_status open_dump(const char *dir, cj_error *err)
{
    char path[4096];
    if ((size_t)snprintf(path, sizeof(path), "%s/jit-%ld.dump", dir, (long)getpid()) >= sizeof(path))
        return cannot(dir, ENAMETOOLONG, err);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return cannot(path, errno, err);
    dump_header header = {0x4a695444, 1, sizeof(header), MACHINE, 0, (uint32_t)getpid(), cj__now_ns(), 0};
    void *mark = MAP_FAILED;
    if (cj__write_all(fd, &header, sizeof(header)))
        mark = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    if (mark == MAP_FAILED) {
        int error = errno;
        close(fd);
        unlink(path);
        return cannot(path, error, err);
    }
    dump_file = fd;
    return CJ_OK;
}

cj_status cj__profile_open(uint32_t kinds, const char *jitdump_dir, cj_error *err)
{
    cj_status status = CJ_OK;
    pthread_mutex_lock(&lock);
    owner = getpid();
    if ((kinds & CJ_PROFILE_PERF_MAP) && map_file < 0)
        status = open_map(err);
    if (status == CJ_OK && (kinds & CJ_PROFILE_JITDUMP) && dump_file < 0)
        status = open_dump(jitdump_dir ? jitdump_dir : ".", err);
    pthread_mutex_unlock(&lock);
    return status;
}

/* -- Objects -------------------------------------------------------------------------------------------------------- */

/* `size` bytes at `at` of the object, or NULL. */
static const void *range(const char *object, size_t object_size, uint64_t at, uint64_t size)
{
    return at <= object_size && size <= object_size - at ? object + at : NULL;
}

typedef struct symbols {
    const char *at; /* of Elf64_Sym, at any alignment */
    size_t count;
    const char *names;
    size_t names_size; /* the last of them is 0 */
} symbols;

static bool find_symbols(const char *object, size_t size, symbols *out)
{
    Elf64_Ehdr head;
    if (size < sizeof(head))
        return false;
    memcpy(&head, object, sizeof(head));
    if (memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_ident[EI_CLASS] != ELFCLASS64 ||
        head.e_shentsize != sizeof(Elf64_Shdr))
        return false;
    const char *sections = range(object, size, head.e_shoff, (uint64_t)head.e_shnum * sizeof(Elf64_Shdr));
    for (size_t i = 0; sections && i < head.e_shnum; i++) {
        Elf64_Shdr table, strings;
        memcpy(&table, sections + i * sizeof(table), sizeof(table));
        if (table.sh_type != SHT_SYMTAB || table.sh_link >= head.e_shnum)
            continue;
        memcpy(&strings, sections + table.sh_link * sizeof(strings), sizeof(strings));
        *out = (symbols){range(object, size, table.sh_offset, table.sh_size), table.sh_size / sizeof(Elf64_Sym),
                         range(object, size, strings.sh_offset, strings.sh_size), strings.sh_size};
        return out->at && out->names && out->names_size && out->names[out->names_size - 1] == 0;
    }
    return false;
}

static bool get_function(const symbols *s, size_t i, Elf64_Sym *out, const char **name)
{
    memcpy(out, s->at + i * sizeof(*out), sizeof(*out));
    if (ELF64_ST_TYPE(out->st_info) != STT_FUNC || out->st_name >= s->names_size)
        return false;
    *name = s->names + out->st_name;
    return true;
}

/* A line of the map ends at a line break; names come from components. */
static void copy_name(char *out, size_t size, const char *name, const char *helper)
{
    snprintf(out, size, "%s%s%s", name, helper[0] ? " " : "", helper);
    for (char *c = out; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '_';
}

size_t cj__ll_profile_read(const char *object, size_t size, const char *symbol, const char *name, cj__ll_function *out)
{
    symbols all;
    Elf64_Sym main = {0}, one;
    const char *its_name;
    bool found = false;
    size_t count = 0;
    if (!find_symbols(object, size, &all))
        return 0;
    for (size_t i = 0; i < all.count && !found; i++)
        found = get_function(&all, i, &main, &its_name) && strcmp(its_name, symbol) == 0;
    for (size_t i = 0; i < all.count && found && count < CJ__LL_MAX_FUNCTIONS; i++) {
        if (!get_function(&all, i, &one, &its_name) || one.st_shndx != main.st_shndx)
            continue;
        out[count].offset = one.st_value - main.st_value;
        out[count].size = one.st_size;
        copy_name(out[count].name, sizeof(out[count].name), name, one.st_value == main.st_value ? "" : its_name);
        count++;
    }
    return count;
}

/* -- Writing -------------------------------------------------------------------------------------------------------- */

/* One write each: another JIT may add lines to the same map. */
static void write_map(const cj__ll_function *f, const char *code)
{
    char line[sizeof(f->name) + 64];
    int len = snprintf(line, sizeof(line), "%llx %llx %s\n", (unsigned long long)(uintptr_t)code,
                       (unsigned long long)f->size, f->name);
    cj__write_all(map_file, line, (size_t)len);
}

static void write_dump(const cj__ll_function *f, const char *code)
{
    size_t name_size = strlen(f->name) + 1;
    uint64_t address = (uintptr_t)code;
    dump_load load = {.size = (uint32_t)(sizeof(load) + name_size + f->size),
                      .time = cj__now_ns(),
                      .pid = (uint32_t)owner,
                      .tid = (uint32_t)syscall(SYS_gettid),
                      .vma = address,
                      .address = address,
                      .code_size = f->size,
                      .index = code_index++};
    if (!cj__write_all(dump_file, &load, sizeof(load)) || !cj__write_all(dump_file, f->name, name_size) ||
        !cj__write_all(dump_file, code, (size_t)f->size)) {
        close(dump_file); /* a record that is cut makes what follows unreadable */
        dump_file = -1;
    }
}

void cj__ll_profile_write(uint32_t kinds, const cj__ll_function *functions, size_t count, const void *address)
{
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < count && owner == getpid(); i++) {
        const char *code = (const char *)address + (int64_t)functions[i].offset;
        if ((kinds & CJ_PROFILE_PERF_MAP) && map_file >= 0)
            write_map(&functions[i], code);
        if ((kinds & CJ_PROFILE_JITDUMP) && dump_file >= 0)
            write_dump(&functions[i], code);
    }
    pthread_mutex_unlock(&lock);
}
