/* wast_split.c: finds and runs the tool that splits a .wast script, in Node.js.
 *
 * Place in the pipeline: before wast_run.c, for scripts that are not split yet.
 * Non-goals: anything but running one program and cleaning up after it.
 */
#include "wast.h"

#include <errno.h>
#include <ftw.h>
#include <libgen.h>
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define TOOL "wast-split.mjs"

/* -- Folders ----------------------------------------------------------------------------------------------------- */

char *wast_make_folder(void)
{
    const char *parent = getenv("TMPDIR");
    static const char name[] = "/canonjit-wast-XXXXXX";
    if (!parent || !parent[0])
        parent = "/tmp";
    char *folder = malloc(strlen(parent) + sizeof(name));
    if (!folder) {
        cli_fail(CLI_FAILED, "out of memory");
        return NULL;
    }
    memcpy(folder, parent, strlen(parent));
    memcpy(folder + strlen(parent), name, sizeof(name));
    if (!mkdtemp(folder)) {
        cli_fail(CLI_FAILED, "%s: %s", folder, strerror(errno));
        free(folder);
        return NULL;
    }
    return folder;
}

/* With those above it. Not left to Node.js, whose own way does not end where a file system takes no folders (/proc). */
static int make_folders(char *path)
{
    for (char *end = path; *end;) {
        end += strspn(end, "/");
        end += strcspn(end, "/");
        char was = *end;
        *end = 0;
        int failed = mkdir(path, 0777) != 0 && errno != EEXIST;
        *end = was;
        if (failed)
            return -1;
    }
    struct stat st;
    if (stat(path, &st) != 0)
        return -1;
    errno = ENOTDIR;
    return S_ISDIR(st.st_mode) ? 0 : -1;
}

int wast_keep_folder(const char *path)
{
    char *copy = strdup(path);
    if (!copy)
        return cli_fail(CLI_FAILED, "out of memory");
    int status = CLI_OK;
    if (make_folders(copy) != 0)
        status = cli_fail(CLI_FAILED, "wast: --keep %s: %s", path, strerror(errno));
    free(copy);
    return status;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

void wast_remove_folder(char *folder)
{
    if (folder)
        nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(folder);
}

/* -- The tool ---------------------------------------------------------------------------------------------------- */

/* Beside the command, as the build tree has it, or where it was installed. */
static bool find_tool(char *path, size_t size)
{
    static const char *const places[] = {TOOL, CLI_LIBEXEC_FROM_BIN "/" TOOL};
    char self[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (len <= 0)
        return false;
    self[len] = 0;
    const char *folder = dirname(self);
    for (size_t i = 0; i < CLI_COUNT(places); i++) {
        int n = snprintf(path, size, "%s/%s", folder, places[i]);
        if (n > 0 && (size_t)n < size && access(path, R_OK) == 0)
            return true;
    }
    return false;
}

static int fail_node(const char *script, const char *node, int error)
{
    if (error != ENOENT)
        return cli_fail(CLI_FAILED, "%s: cannot run %s: %s", script, node, strerror(error));
    cli_fail(CLI_FAILED, "%s: Node.js, which reads .wast texts, is not there: %s: %s", script, node, strerror(error));
    fputs("    install it (Debian: apt install nodejs), set CANONJIT_NODE to its path,\n"
          "    or give this command the .json that " TOOL " has made elsewhere\n",
          stderr);
    return CLI_FAILED;
}

static int run_node(const char *tool, const char *script, const char *folder)
{
    const char *node = getenv("CANONJIT_NODE");
    if (!node || !node[0])
        node = "node";
    char *argv[] = {(char *)node, (char *)tool, (char *)folder, (char *)script, NULL};
    pid_t pid;
    fflush(stdout);
    int error = posix_spawnp(&pid, node, NULL, NULL, argv, environ);
    if (error)
        return fail_node(script, node, error);
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return cli_fail(CLI_FAILED, "%s: %s: %s", script, node, strerror(errno));
    if (WIFSIGNALED(status))
        return cli_fail(CLI_FAILED, "%s: %s crashed while it split the script: %s", script, node,
                        strsignal(WTERMSIG(status)));
    if (WEXITSTATUS(status) == 127) /* what spawning reports late */
        return fail_node(script, node, ENOENT);
    if (WEXITSTATUS(status) != 0)
        return cli_fail(CLI_FAILED, "%s: the script was not split: %s %s: exit status %d", script, node, tool,
                        WEXITSTATUS(status));
    return CLI_OK;
}

int wast_split(const char *tool, const char *script, const char *folder, char **json)
{
    char found[PATH_MAX];
    if (!tool)
        tool = getenv("CANONJIT_WAST_SPLIT");
    if (!tool || !tool[0]) {
        if (!find_tool(found, sizeof(found)))
            return cli_fail(CLI_FAILED,
                            "%s: the tool that reads .wast texts, " TOOL
                            ", is not there: name it with --splitter or CANONJIT_WAST_SPLIT",
                            script);
        tool = found;
    }
    if (access(tool, R_OK) != 0)
        return cli_fail(CLI_FAILED, "%s: the tool that reads .wast texts: %s: %s", script, tool, strerror(errno));
    struct stat st;
    if (stat(script, &st) != 0 || access(script, R_OK) != 0)
        return cli_fail(CLI_FAILED, "%s: %s", script, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return cli_fail(CLI_FAILED, "%s: is a directory", script);
    int status = run_node(tool, script, folder);
    if (status != CLI_OK)
        return status;

    const char *name = strrchr(script, '/') ? strrchr(script, '/') + 1 : script;
    size_t stem = strlen(name);
    if (stem >= 5 && strcmp(name + stem - 5, ".wast") == 0)
        stem -= 5;
    size_t size = strlen(folder) + stem + sizeof("/.json");
    *json = malloc(size);
    if (!*json)
        return cli_fail(CLI_FAILED, "out of memory");
    snprintf(*json, size, "%s/%.*s.json", folder, (int)stem, name);
    return CLI_OK;
}
