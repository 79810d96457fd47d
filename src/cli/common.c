/* common.c: component files, errors, output.
 *
 * Place in the pipeline: under every verb.
 * Non-goals: options (options.c).
 */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* -- Errors ------------------------------------------------------------------------------------------------------ */

int cli_fail(int status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fflush(stdout); /* results that came before an error stand before it */
    fputs("canonjit: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return status;
}

/* A message about a limit contains its name. */
static void print_limit_hint(const cj_error *err)
{
    static const char *const names[] = {
#define CJ_X(type, name, default_value, what) #name,
        CJ_LOAD_LIMIT_MAP(CJ_X) CJ_LIMIT_MAP(CJ_X)
#undef CJ_X
    };
    if (err->status != CJ_LIMIT &&
        !(err->status == CJ_TRAP && (err->trap == CJ_TRAP_HOST_LIMIT || err->trap == CJ_TRAP_HANDLE_TABLE_FULL ||
                                     err->trap == CJ_TRAP_STACK_OVERFLOW)))
        return;
    for (size_t i = 0; i < CLI_COUNT(names); i++) {
        if (strstr(err->message, names[i])) {
            cli_fail(CLI_FAILED, "to raise it: --limit %s=VALUE", names[i]);
            return;
        }
    }
}

int cli_fail_error(const char *file, const cj_error *err)
{
    const char *message = err->message[0]          ? err->message
                          : err->status == CJ_TRAP ? cj_trap_text(err->trap)
                                                   : cj_status_text(err->status);
    char offset[32] = "";
    if (err->offset != CJ_NO_OFFSET)
        snprintf(offset, sizeof(offset), "offset 0x%" PRIx64 ": ", err->offset);
    /* "unsupported: NAME", "cannot link: ..." and the like say themselves what they are; a bare rule that is broken
     * does not. */
    const char *class = err->status == CJ_TRAP ? "trap: " : err->status == CJ_INTERNAL ? "internal error: " : "";
    cli_fail(CLI_FAILED, "%s: %s%s%s%s%s", file, offset, class, err->where, err->where[0] ? ": " : "", message);
    print_limit_hint(err);
    if (err->status == CJ_UNSUPPORTED && strstr(message, "cj_component_new_with"))
        fprintf(stderr, "canonjit: to give it: --given NAME=FILE\n");
    return CLI_FAILED;
}

int cli_fail_text(const char *option, const char *text, const cj_error *err)
{
    char offset[32] = "";
    bool placed = err->offset != CJ_NO_OFFSET && err->offset <= strlen(text);
    if (placed)
        snprintf(offset, sizeof(offset), "offset 0x%" PRIx64 ": ", err->offset);
    cli_fail(CLI_USAGE, "%s: %s%s%s%s", option, offset, err->where, err->where[0] ? ": " : "", err->message);
    for (const char *c = text; placed && *c; c++)
        placed = (unsigned char)*c >= 0x20 && (unsigned char)*c != 0x7f; /* one line, nothing that a terminal obeys */
    if (!placed)
        return CLI_USAGE;

    enum { AROUND = 60 }; /* bytes shown before and after the place; no character is cut */
    size_t at = (size_t)err->offset, from = at > AROUND ? at - AROUND : 0,
           to = strlen(text) - at > AROUND ? at + AROUND : strlen(text);
    while (from > 0 && ((unsigned char)text[from] & 0xc0) == 0x80)
        from--;
    while ((unsigned char)text[to] >> 6 == 2)
        to--;
    size_t column = 0;
    for (size_t i = from; i < at; i++)
        column += ((unsigned char)text[i] & 0xc0) != 0x80;
    fprintf(stderr, "    %.*s\n    %*s^\n", (int)(to - from), text + from, (int)column, "");
    return CLI_USAGE;
}

int cli_finish_output(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    return cli_fail(CLI_FAILED, "standard output: %s", strerror(errno ? errno : EIO));
}

/* -- Files ------------------------------------------------------------------------------------------------------- */

static int too_large(const char *file, uint64_t limit)
{
    cj_error err = {.status = CJ_LIMIT, .offset = CJ_NO_OFFSET};
    snprintf(err.message, sizeof(err.message), "the file is larger than max_component_size, %" PRIu64 " bytes", limit);
    return cli_fail_error(file, &err);
}

/* Never reads more than the limit and one byte, whatever the size that the system claims. */
static int read_all(int fd, const char *file, uint64_t limit, uint8_t **out, size_t *out_size)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return cli_fail(CLI_FAILED, "%s: %s", file, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return cli_fail(CLI_FAILED, "%s: is a directory", file);
    if (S_ISREG(st.st_mode) && st.st_size > 0 && (uint64_t)st.st_size > limit)
        return too_large(file, limit);

    size_t cap = S_ISREG(st.st_mode) && st.st_size > 0 ? (size_t)st.st_size + 1 : 65536, size = 0;
    uint8_t *bytes = malloc(cap);
    while (bytes) {
        ssize_t n = read(fd, bytes + size, cap - size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            int error = errno;
            free(bytes);
            return cli_fail(CLI_FAILED, "%s: %s", file, strerror(error));
        }
        if (n == 0)
            break;
        size += (size_t)n;
        if (size > limit) {
            free(bytes);
            return too_large(file, limit);
        }
        if (size == cap) {
            uint8_t *grown = cap > SIZE_MAX / 2 ? NULL : realloc(bytes, cap * 2);
            if (!grown)
                free(bytes);
            bytes = grown;
            cap *= 2;
        }
    }
    if (!bytes)
        return cli_fail(CLI_FAILED, "%s: out of memory", file);
    *out = bytes;
    *out_size = size;
    return CLI_OK;
}

int cli_read_file(const char *path, const char *file, uint64_t limit, uint8_t **out, size_t *out_size)
{
    if (strcmp(path, "-") == 0)
        return read_all(STDIN_FILENO, file, limit, out, out_size);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return cli_fail(CLI_FAILED, "%s: %s", file, strerror(errno));
    int status = read_all(fd, file, limit, out, out_size);
    close(fd);
    return status;
}

enum { CLI_GIVEN_NAME = 256 };

/* A name may contain "=" ("locked-dep=<a:b>"): the last one divides. */
static int read_given(const cli_settings *settings, cj_component_part *parts, char names[][CLI_GIVEN_NAME])
{
    for (size_t i = 0; i < settings->given_count; i++) {
        const char *text = settings->given[i], *file = strrchr(text, '=') + 1;
        size_t len = (size_t)(file - text) - 1;
        if (len >= CLI_GIVEN_NAME)
            return cli_fail(CLI_USAGE, "--given %s: the name is too long", text);
        memcpy(names[i], text, len);
        names[i][len] = 0;
        parts[i].name = names[i];
        uint8_t *bytes;
        int status = cli_read_file(file, file, settings->config.max_component_size, &bytes, &parts[i].size);
        if (status != CLI_OK)
            return status;
        parts[i].bytes = bytes;
    }
    return CLI_OK;
}

int cli_open(cli_session *session, const char *path, const cli_settings *settings)
{
    *session = (cli_session){.file = strcmp(path, "-") == 0 ? "<stdin>" : path};
    uint8_t *bytes = NULL;
    size_t size = 0;
    cj_component_part parts[CLI_MAX_GIVEN] = {{0}};
    char names[CLI_MAX_GIVEN][CLI_GIVEN_NAME];
    cj_error err;
    int status = cli_read_file(path, session->file, settings->config.max_component_size, &bytes, &size);
    if (status == CLI_OK)
        status = read_given(settings, parts, names);
    if (status == CLI_OK && cj_engine_new(&settings->config, &session->engine, &err) != CJ_OK) {
        char text[512];
        cj_error_format(&err, text, sizeof(text));
        status = cli_fail(CLI_FAILED, "%s", err.status == CJ_HOST ? err.message : text);
    }
    if (status == CLI_OK && cj_component_new_with(session->engine, bytes, size, parts, settings->given_count,
                                                  &session->component, &err) != CJ_OK)
        status = cli_fail_error(session->file, &err);
    for (size_t i = 0; i < settings->given_count; i++)
        free((void *)parts[i].bytes);
    free(bytes);
    return status;
}

void cli_close(cli_session *session)
{
    cj_component_delete(session->component);
    cj_engine_delete(session->engine);
}

/* A list is to be read: of a type that is longer, such as an enum of all error codes, the beginning. */
enum { CLI_TYPE_WIDTH = 160 };

/* True when it was cut. */
static bool print_func(FILE *to, const cj_extern_func *f)
{
    char type[CLI_TYPE_WIDTH + 1];
    bool cut = cj_functype_format(f->type, type, sizeof(type)) > CLI_TYPE_WIDTH;
    fprintf(to, "  %s%s%s: %s%s\n", f->interface, f->interface[0] ? "#" : "", f->name, type, cut ? " ..." : "");
    return cut;
}

void cli_print_funcs(FILE *to, const cj_component *component, bool imports)
{
    bool cut = false;
    for (size_t i = 0; imports && i < cj_component_resource_count(component); i++) {
        cj_extern_resource r = cj_component_resource(component, i);
        if (r.imported)
            fprintf(to, "  %s%s%s: resource\n", r.interface, r.interface[0] ? "#" : "", r.name);
    }
    size_t count = imports ? cj_component_import_count(component) : cj_component_export_count(component);
    for (size_t i = 0; i < count; i++) {
        cj_extern_func f = imports ? cj_component_import(component, i) : cj_component_export(component, i);
        cut |= print_func(to, &f);
    }
    if (cut)
        fputs("(long types are cut; `canonjit inspect` has them all)\n", to);
}
