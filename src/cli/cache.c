/* cache.c: canonjit cache: shows and clears the cache of compiled thunks on disk.
 *
 * Place in the pipeline: none; through the public API.
 */
#include "cli.h"

#include <inttypes.h>
#include <string.h>

enum { CACHE, HELP };
static const cli_option options[] = {[CACHE] = CLI_CACHE_OPTION, [HELP] = CLI_HELP_OPTION};

static int fail(const cj_error *err)
{
    return cli_fail(CLI_FAILED, "%s", err->message);
}

/* "28 KiB", "64 MiB", "1.5 MiB" */
static const char *size_text(uint64_t bytes, char buffer[32])
{
    const double mib = 1 << 20;
    if (bytes < 1 << 20)
        snprintf(buffer, 32, "%" PRIu64 " KiB", bytes >> 10);
    else
        snprintf(buffer, 32, bytes % (1 << 20) ? "%.1f MiB" : "%.0f MiB", (double)bytes / mib);
    return buffer;
}

static int show(const char *dir, uint64_t max_bytes)
{
    cj_cache_info info;
    cj_error err;
    if (cj_cache_get_info(dir, &info, &err) != CJ_OK)
        return fail(&err);
    char used[32], most[32];
    printf("%s\n%" PRIu64 " thunks, %s of %s at most\n", info.path, info.entries, size_text(info.bytes, used),
           size_text(max_bytes, most));
    return CLI_OK;
}

static int run(const cli_verb *verb, int argc, char **argv)
{
    cli_args args = {verb, argc, 0, argv};
    cli_settings settings;
    cli_settings_init(&settings);
    const char *value;
    bool by_option = false;
    (void)cli_set_cache(&settings, "cache", NULL); /* cannot fail */
    for (int option; (option = cli_next_option(&args, &value)) != CLI_END;) {
        if (option == CLI_HELP)
            return CLI_OK;
        if (option == CLI_BAD || cli_set_cache(&settings, "cache", value) != CLI_OK)
            return CLI_USAGE;
        by_option = true;
    }
    const char *what = args.at < argc ? argv[args.at] : "show";
    bool clear = strcmp(what, "clear") == 0;
    if (args.at + 1 < argc && argv[args.at + 1][0] == '-')
        return cli_fail(CLI_USAGE, "cache: %s: options go before show or clear", argv[args.at + 1]);
    if (args.at + 1 < argc || (!clear && strcmp(what, "show") != 0))
        return cli_fail(CLI_USAGE, "cache: expected show or clear; see canonjit cache --help");
    if (!settings.config.cache_dir)
        return cli_fail(CLI_FAILED, "cache: it is off: %s", by_option ? "--cache off" : "CANONJIT_CACHE=off");
    cj_error err;
    if (!clear)
        return show(settings.config.cache_dir, settings.config.max_cache_bytes);
    return cj_cache_clear(settings.config.cache_dir, &err) == CJ_OK ? CLI_OK : fail(&err);
}

const cli_verb cli_cache = {
    .name = "cache",
    .operands = "[show | clear]",
    .summary = "Shows or clears the cache of compiled functions on disk",
    .details =
        "It is in $XDG_CACHE_HOME/canonjit, else in ~/.cache/canonjit; CANONJIT_CACHE in the environment is another\n"
        "directory, or \"off\", and --cache one that goes before it. The directory must be yours, and nobody else may write to it: what is in it is run.\n",
    .options = options,
    .option_count = CLI_COUNT(options),
    .run = run,
};
