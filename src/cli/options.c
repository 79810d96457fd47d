/* options.c: reading options, help, limits, "did you mean".
 *
 * Place in the pipeline: first of all, for every verb.
 * Non-goals: bundled letters, abbreviations. Options come before operands, so that a guest's arguments are never
 * taken for ours.
 */
#include "cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* -- Did you mean ------------------------------------------------------------------------------------------------ */

enum { LONGEST = 40 };

static size_t edit_distance(const char *a, const char *b)
{
    size_t row[LONGEST + 1], b_len = strlen(b);
    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            best = row[j] + 1 < best ? row[j] + 1 : best;
            row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
        }
    }
    return row[b_len];
}

const char *cli_suggest(const char *wanted, const char *const *names, size_t count, const char *prefix, char *buffer,
                        size_t size)
{
    size_t best = SIZE_MAX, best_at = 0, len = strlen(wanted);
    buffer[0] = 0;
    for (size_t i = 0; i < count && len <= LONGEST; i++) {
        if (strlen(names[i]) > LONGEST)
            continue;
        size_t d = edit_distance(wanted, names[i]);
        if (len >= 2 && strncmp(names[i], wanted, len) == 0)
            d = 1; /* the beginning of a longer name */
        if (d < best) {
            best = d;
            best_at = i;
        }
    }
    if (best <= len / 3 + 1)
        snprintf(buffer, size, " (did you mean %s%s?)", prefix, names[best_at]);
    return buffer;
}

/* -- Options ----------------------------------------------------------------------------------------------------- */

static int unknown_option(const cli_args *args, const char *given, size_t name_len)
{
    const char *names[32];
    size_t count = 0;
    for (size_t i = 0; i < args->verb->option_count && count < CLI_COUNT(names); i++)
        names[count++] = args->verb->options[i].name;
    char name[LONGEST + 2], hint[96] = "";
    if (name_len <= LONGEST) {
        snprintf(name, sizeof(name), "%.*s", (int)name_len, given);
        while (name[0] == '-')
            memmove(name, name + 1, strlen(name));
        cli_suggest(name, names, count, "--", hint, sizeof(hint));
    }
    cli_fail(CLI_USAGE, "%s: unknown option %.*s%s; see canonjit %s --help", args->verb->name, (int)name_len, given,
             hint, args->verb->name);
    return CLI_BAD;
}

int cli_next_option(cli_args *args, const char **value)
{
    if (args->at >= args->argc)
        return CLI_END;
    const char *arg = args->argv[args->at];
    if (arg[0] != '-' || arg[1] == 0)
        return CLI_END;
    if (strcmp(arg, "--") == 0) {
        args->at++;
        return CLI_END;
    }
    size_t name_len = strcspn(arg, "=");
    for (size_t i = 0; i < args->verb->option_count; i++) {
        const cli_option *o = &args->verb->options[i];
        bool is_long = name_len == strlen(o->name) + 2 && arg[1] == '-' && strncmp(arg + 2, o->name, name_len - 2) == 0;
        bool is_letter = o->letter && name_len == 2 && arg[1] == o->letter;
        if (!is_long && !is_letter)
            continue;
        args->at++;
        if (!o->value) {
            if (arg[name_len] == '=') {
                cli_fail(CLI_USAGE, "%s: --%s takes no value", args->verb->name, o->name);
                return CLI_BAD;
            }
            *value = NULL;
            if (strcmp(o->name, "help") == 0) {
                cli_print_help(args->verb, stdout);
                return CLI_HELP;
            }
            return (int)i;
        }
        if (arg[name_len] == '=') {
            *value = arg + name_len + 1;
        } else if (args->at < args->argc) {
            *value = args->argv[args->at++];
        } else {
            cli_fail(CLI_USAGE, "%s: --%s wants a value: --%s %s", args->verb->name, o->name, o->name, o->value);
            return CLI_BAD;
        }
        return (int)i;
    }
    return unknown_option(args, arg, name_len);
}

/* Words into lines of a terminal's width, from the column `at` on; further lines are indented. A line break in the text stays one before
 * another, before a line that is indented, and at the end. */
static void print_text(FILE *to, const char *text, size_t at, size_t indent)
{
    enum { WIDTH = 80 };
    for (bool begun = false; *text;) {
        if (*text == '\n') {
            if (text[1] == '\n' || text[1] == ' ' || text[1] == 0 || !begun) {
                fputc('\n', to);
                at = 0;
                begun = false;
            }
            text++;
            continue;
        }
        size_t spaces = strspn(text, " "), len = strcspn(text + spaces, " \n");
        size_t gap = begun && spaces == 0 ? 1 : spaces; /* a line break was here */
        if (begun && at + gap + len > WIDTH) {
            fprintf(to, "\n%*s", (int)indent, "");
            at = indent;
            gap = 0;
        }
        fprintf(to, "%*s%.*s", (int)gap, "", (int)len, text + spaces);
        at += gap + len;
        text += spaces + len;
        begun = true;
    }
}

void cli_print_help(const cli_verb *verb, FILE *to)
{
    enum { LEFT = 31 };
    fprintf(to, "usage: canonjit %s [options]%s%s\n\n%s.\n", verb->name, verb->operands[0] ? " " : "", verb->operands,
            verb->summary);
    if (verb->details[0]) {
        fputc('\n', to);
        print_text(to, verb->details, 0, 0);
    }
    fputs("\noptions:\n", to);
    for (size_t i = 0; i < verb->option_count; i++) {
        const cli_option *o = &verb->options[i];
        char left[64];
        snprintf(left, sizeof(left), "%s--%s%s%s", o->letter == 'h' ? "-h, " : "", o->name, o->value ? " " : "",
                 o->value ? o->value : "");
        fprintf(to, "  %-28s ", left);
        print_text(to, o->help, LEFT, LEFT);
        fputc('\n', to);
    }
}

int cli_choose(const char *verb, const char *option, const char *value, const char *const *names, size_t count,
               int *out)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(value, names[i]) == 0) {
            *out = (int)i;
            return CLI_OK;
        }
    }
    char list[96] = "", hint[96];
    for (size_t i = 0; i < count; i++)
        snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", i ? ", " : "", names[i]);
    return cli_fail(CLI_USAGE, "%s: --%s %s: expected one of %s%s", verb, option, value, list,
                    cli_suggest(value, names, count, "", hint, sizeof(hint)));
}

int cli_set_cache(cli_settings *settings, const char *verb, const char *dir)
{
    const char *from_environment = getenv("CANONJIT_CACHE");
    if (dir && !dir[0]) /* perhaps a variable that is not set: not the directory that `cache clear` was meant for */
        return cli_fail(CLI_USAGE, "%s: --cache: expected a directory, or off", verb);
    if (!dir)
        dir = from_environment && from_environment[0] ? from_environment : CJ_CACHE_DEFAULT;
    settings->config.cache_dir = strcmp(dir, "off") == 0 ? NULL : dir;
    return CLI_OK;
}

int cli_set_tier(cli_settings *settings, const char *verb, const char *value)
{
    static const char *const tiers[] = {"auto", "interp", "jit"};
    int chosen;
    if (cli_choose(verb, "tier", value, tiers, CLI_COUNT(tiers), &chosen) != CLI_OK)
        return CLI_USAGE;
    settings->config.tier = chosen == 0 ? CJ_TIER_AUTO : chosen == 1 ? CJ_TIER_INTERP : CJ_TIER_JIT;
    return CLI_OK;
}

int cli_set_profile(cli_settings *settings, const char *verb, const char *value)
{
    static const char *const kinds[] = {"perfmap", "jitdump", "gdb"};
    static const cj_profile bits[] = {CJ_PROFILE_PERF_MAP, CJ_PROFILE_JITDUMP, CJ_PROFILE_GDB};
    for (const char *at = value;; at++) {
        char kind[LONGEST + 2];
        size_t len = strcspn(at, ",");
        int chosen;
        snprintf(kind, sizeof(kind), "%.*s", (int)(len > LONGEST ? LONGEST : len), at);
        if (cli_choose(verb, "profile", kind, kinds, CLI_COUNT(kinds), &chosen) != CLI_OK)
            return CLI_USAGE;
        settings->config.profile |= (uint32_t)bits[chosen];
        at += len;
        if (!*at)
            return CLI_OK;
    }
}

/* -- Limits ------------------------------------------------------------------------------------------------------ */

typedef struct limit {
    const char *name, *what;
    size_t offset; /* in cli_settings */
    uint64_t max, initial;
} limit;

static const limit limits[] = {
#define CJ_X(type, name, default_value, what) \
    {#name, what, offsetof(cli_settings, config.name), (type)-1, default_value},
    CJ_LOAD_LIMIT_MAP(CJ_X)
#undef CJ_X
#define CJ_X(type, name, default_value, what) \
    {#name, what, offsetof(cli_settings, limits.name), (type)-1, default_value},
        CJ_LIMIT_MAP(CJ_X)
#undef CJ_X
};

void cli_settings_init(cli_settings *settings)
{
    cj_config_init(&settings->config);
    cj_limits_init(&settings->limits);
    settings->given_count = 0;
}

int cli_set_given(cli_settings *settings, const char *text)
{
    const char *equals = strrchr(text, '=');
    if (!equals || equals == text || equals[1] == 0)
        return cli_fail(CLI_USAGE, "--given %s: wants NAME=FILE", text);
    if (settings->given_count == CLI_MAX_GIVEN)
        return cli_fail(CLI_USAGE, "--given %s: %d at most", text, CLI_MAX_GIVEN);
    settings->given[settings->given_count++] = text;
    return CLI_OK;
}

static bool parse_size(const char *text, uint64_t *out)
{
    if (text[0] < '0' || text[0] > '9')
        return false;
    char *end;
    errno = 0;
    uint64_t n = strtoull(text, &end, 10);
    if (errno)
        return false;
    int shift = 0;
    switch (*end) {
    case 'k':
    case 'K':
        shift = 10;
        break;
    case 'm':
    case 'M':
        shift = 20;
        break;
    case 'g':
    case 'G':
        shift = 30;
        break;
    case 0:
        break;
    default:
        return false;
    }
    if ((shift && end[1]) || n > UINT64_MAX >> shift)
        return false;
    *out = n << shift;
    return true;
}

int cli_set_limit(cli_settings *settings, const char *text)
{
    const char *equals = strchr(text, '=');
    if (!equals)
        return cli_fail(CLI_USAGE, "--limit %s: expected NAME=VALUE", text);
    char name[LONGEST + 2];
    snprintf(name, sizeof(name), "%.*s", (int)(equals - text > LONGEST ? LONGEST : equals - text), text);
    for (char *c = name; *c; c++)
        if (*c == '-')
            *c = '_';
    for (size_t i = 0; i < CLI_COUNT(limits); i++) {
        if (strcmp(limits[i].name, name) != 0)
            continue;
        uint64_t value;
        if (!parse_size(equals + 1, &value))
            return cli_fail(CLI_USAGE, "--limit %s: expected a number, perhaps with K, M or G behind it", text);
        if (value > limits[i].max)
            return cli_fail(CLI_USAGE, "--limit %s: the most is %" PRIu64, text, limits[i].max);
        char *at = (char *)settings + limits[i].offset;
        uint32_t narrow = (uint32_t)value;
        if (limits[i].max == UINT64_MAX)
            memcpy(at, &value, sizeof(value));
        else
            memcpy(at, &narrow, sizeof(narrow));
        return CLI_OK;
    }
    const char *names[CLI_COUNT(limits)];
    for (size_t i = 0; i < CLI_COUNT(limits); i++)
        names[i] = limits[i].name;
    char hint[96];
    return cli_fail(CLI_USAGE, "--limit %s: no limit of that name%s; canonjit limits lists them", text,
                    cli_suggest(name, names, CLI_COUNT(names), "", hint, sizeof(hint)));
}

static int print_limits(const cli_verb *verb, int argc, char **argv)
{
    cli_args args = {verb, argc, 0, argv};
    const char *value;
    int option = cli_next_option(&args, &value);
    if (option == CLI_HELP)
        return CLI_OK;
    if (option == CLI_BAD)
        return CLI_USAGE;
    if (args.at < argc)
        return cli_fail(CLI_USAGE, "limits: takes no arguments");
    for (size_t i = 0; i < CLI_COUNT(limits); i++)
        printf("%-22s %12" PRIu64 "  %s\n", limits[i].name, limits[i].initial, limits[i].what);
    return CLI_OK;
}

static const cli_option limits_options[] = {CLI_HELP_OPTION};

const cli_verb cli_limits = {
    .name = "limits",
    .operands = "",
    .summary = "Lists the limits that --limit changes",
    .details = "A line for each: its name, its default, what it counts.\n",
    .options = limits_options,
    .option_count = CLI_COUNT(limits_options),
    .run = print_limits,
};
