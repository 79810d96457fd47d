/* main.c: the command `canonjit`: chooses the verb.
 *
 * Place in the pipeline: the outermost layer; see cli.h.
 */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const cli_verb *const verbs[] = {&cli_run,  &cli_bench, &cli_inspect, &cli_validate,
                                        &cli_wast, &cli_cache, &cli_limits};

static void print_help(FILE *to)
{
    fputs("usage: canonjit VERB [options] COMPONENT\n\n"
          "Runs WebAssembly components on WAMR, their Canonical ABI compiled by LLVM.\n\nverbs:\n",
          to);
    for (size_t i = 0; i < CLI_COUNT(verbs); i++)
        fprintf(to, "  %-10s %s\n", verbs[i]->name, verbs[i]->summary);
    fputs("\noptions:\n"
          "  -h, --help     print this; after a verb, print its options\n"
          "  -V, --version  print the version and what it was built with\n"
          "\nexit status: 0 success, 1 the component or the call failed, 2 bad usage\n",
          to);
}

static int unknown_verb(const char *name)
{
    static const char *const planned[] = {"compile", "bindgen"};
    for (size_t i = 0; i < CLI_COUNT(planned); i++)
        if (strcmp(name, planned[i]) == 0)
            return cli_fail(CLI_USAGE, "unsupported: canonjit %s", name);
    const char *names[CLI_COUNT(verbs)];
    for (size_t i = 0; i < CLI_COUNT(verbs); i++)
        names[i] = verbs[i]->name;
    char hint[96];
    if (name[0] == '-')
        return cli_fail(CLI_USAGE, "unknown option %s; the verb comes first: canonjit VERB [options] COMPONENT", name);
    return cli_fail(CLI_USAGE, "unknown verb %s%s; see canonjit --help", name,
                    cli_suggest(name, names, CLI_COUNT(names), "", hint, sizeof(hint)));
}

/* Where we were started without a standard stream, the next file that is opened would take its place, and what is printed would go into it.
 * So something else does, which cannot be used either. */
static void keep_streams_apart(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", fd ? O_RDONLY : O_WRONLY) != fd)
            _exit(CLI_FAILED);
}

int main(int argc, char **argv)
{
    keep_streams_apart();
    if (argc < 2) {
        print_help(stderr);
        return CLI_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || (strcmp(name, "help") == 0 && argc == 2)) {
        print_help(stdout);
        return cli_finish_output(CLI_OK);
    }
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        printf("canonjit %s (%s)\n", cj_version(), cj_build_info());
        return cli_finish_output(CLI_OK);
    }
    if (strcmp(name, "help") == 0)
        name = argv[2];
    for (size_t i = 0; i < CLI_COUNT(verbs); i++) {
        if (strcmp(name, verbs[i]->name) != 0)
            continue;
        if (name == argv[1])
            return cli_finish_output(verbs[i]->run(verbs[i], argc - 2, argv + 2));
        cli_print_help(verbs[i], stdout);
        return cli_finish_output(CLI_OK);
    }
    return unknown_verb(name);
}
