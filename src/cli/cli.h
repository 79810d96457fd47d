/* cli.h: what the verbs of the command `canonjit` share: options, component files, errors.
 *
 * Place in the pipeline: above the public API and nothing else; main.c dispatches to one file per verb.
 * Non-goals: anything that a program which embeds canonjit could want.
 *
 * Exit status: 0 success, 1 the component or the call failed, 2 bad usage. Errors go to standard error as "canonjit:
 * FILE: message".
 */
#ifndef CJ_CLI_CLI_H
#define CJ_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "canonjit.h"

#define CLI_COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

/* -- Verbs ------------------------------------------------------------------------------------------------------- */

typedef struct cli_option {
    const char *name;  /* without "--" */
    char letter;       /* "-h", or 0 */
    const char *value; /* what its value is called, or NULL when it has none */
    const char *help;
} cli_option;

typedef struct cli_verb {
    const char *name;
    const char *operands; /* "COMPONENT" */
    const char *summary;  /* one line */
    const char *details;  /* more lines for --help, each ending in a line break; or "" */
    const cli_option *options;
    size_t option_count;
    int (*run)(const struct cli_verb *, int argc, char **argv); /* what follows the verb */
} cli_verb;

extern const cli_verb cli_run, cli_bench, cli_inspect, cli_validate, cli_wast, cli_cache, cli_limits;

/* -- Options ----------------------------------------------------------------------------------------------------- */

typedef struct cli_args {
    const cli_verb *verb;
    int argc, at;
    char **argv;
} cli_args;

enum { CLI_END = -1, CLI_BAD = -2, CLI_HELP = -3 };

/* The next option: its index in the verb's table, its value in `*value`. CLI_END at the first operand or after "--";
 * CLI_BAD when an error has been printed; CLI_HELP when help has. */
int cli_next_option(cli_args *, const char **value);
void cli_print_help(const cli_verb *, FILE *to);
/* " (did you mean --tier?)", or "": of `names` the one most like `wanted`. */
const char *cli_suggest(const char *wanted, const char *const *names, size_t count, const char *prefix, char *buffer,
                        size_t size);

/* The options of all verbs that load a component. */
#define CLI_LIMIT_OPTION \
    { \
        "limit", 0, "NAME=VALUE", "change a limit; K, M, G multiply (`canonjit limits` lists them)" \
    }
#define CLI_PROFILE_OPTION \
    { \
        "profile", 0, "KINDS", "names of compiled thunks for tools: perfmap, jitdump, gdb, or several with commas" \
    }
#define CLI_HELP_OPTION \
    { \
        "help", 'h', NULL, "print this" \
    }

#define CLI_CACHE_OPTION \
    { \
        "cache", 0, "DIR", "the cache of compiled functions is there; off for none" \
    }

#define CLI_GIVEN_OPTION \
    { \
        "given", 0, "NAME=FILE", "the core module or component that is imported as NAME; repeatable" \
    }

enum { CLI_MAX_GIVEN = 32 };

typedef struct cli_settings {
    cj_config config;
    cj_limits limits;
    const char *given[CLI_MAX_GIVEN]; /* "NAME=FILE" */
    size_t given_count;
} cli_settings;
void cli_settings_init(cli_settings *);
/* "max_params=2000". CLI_OK, or CLI_USAGE when an error has been printed. */
int cli_set_limit(cli_settings *, const char *text);
/* The place of `value` among `names`, for an option of a verb. CLI_OK, or CLI_USAGE when an error has been printed. */
int cli_choose(const char *verb, const char *option, const char *value, const char *const *names, size_t count,
               int *out);
/* --profile. */
int cli_set_profile(cli_settings *, const char *verb, const char *value);
/* --given. CLI_OK, or CLI_USAGE when an error has been printed. */
int cli_set_given(cli_settings *, const char *text);
/* --cache, or, when that is NULL, CANONJIT_CACHE: a directory or "off", or the default. CLI_OK, or CLI_USAGE when an error has been printed. */
int cli_set_cache(cli_settings *, const char *verb, const char *dir);
/* --tier. */
int cli_set_tier(cli_settings *, const char *verb, const char *value);

/* -- Errors and output ------------------------------------------------------------------------------------------- */

#if defined(__GNUC__)
#define CLI_PRINTF(format_at, args_at) __attribute__((format(printf, format_at, args_at)))
#else
#define CLI_PRINTF(format_at, args_at)
#endif

/* "canonjit: message", and the status to return. */
int cli_fail(int status, const char *format, ...) CLI_PRINTF(2, 3);
/* "canonjit: FILE: offset 0x1f: message"; CLI_FAILED. For a limit, how to raise it. */
int cli_fail_error(const char *file, const cj_error *err);
/* The same for a text on the command line, with the place shown below; CLI_USAGE. */
int cli_fail_text(const char *option, const char *text, const cj_error *err);
/* Flushes standard output: CLI_FAILED with an error when it could not be written, else `status`. */
int cli_finish_output(int status);

/* -- Files ------------------------------------------------------------------------------------------------------- */

/* The bytes of a file ("-": standard input), which errors call `file`; to be freed. CLI_OK, or CLI_FAILED when an error has been printed,
 * as when it is larger than `limit`, max_component_size. */
int cli_read_file(const char *path, const char *file, uint64_t limit, uint8_t **out, size_t *out_size);

/* -- Components -------------------------------------------------------------------------------------------------- */

typedef struct cli_session {
    cj_engine *engine;
    cj_component *component;
    const char *file; /* as errors name it */
} cli_session;

/* Reads the file ("-": standard input) and makes an engine and the component of it. CLI_OK, or another status when an
 * error has been printed. Close in either case. */
int cli_open(cli_session *, const char *path, const cli_settings *);
void cli_close(cli_session *);
/* Prints "  PATH: func(...)" for imports or exports, each on a line. */
void cli_print_funcs(FILE *to, const cj_component *, bool imports);

/* -- Calls (invoke.c) -------------------------------------------------------------------------------------------- */

/* --unknown-imports: what stands in for what a component imports. */
typedef enum cli_imports { CLI_IMPORTS_ERROR, CLI_IMPORTS_TRAP, CLI_IMPORTS_DEFAULT, CLI_IMPORTS_ECHO } cli_imports;
#define CLI_IMPORTS_OPTION \
    { \
        "unknown-imports", 0, "MODE", "imports: error (the default), trap, default, echo" \
    }
int cli_set_imports(cli_imports *, const char *verb, const char *value);

/* What run and bench are asked for, besides what is their own. */
typedef struct cli_invocation {
    cli_settings common;
    cli_imports imports;
    const char **calls; /* --invoke; cli_invoke's */
    size_t call_count;
} cli_invocation;
/* A verb that makes calls: reads its options, of which number 0 is --invoke and the others go to `apply`, and has `act` do the rest.
 * `behind` is added to what is said of operands behind the component. */
int cli_invoke(const cli_verb *, int argc, char **argv, cli_invocation *, void *settings,
               int (*apply)(void *settings, int option, const char *value),
               int (*act)(const char *path, void *settings), const char *behind);

/* A component that has been loaded, calls of it that have been found good, and what its instances are made with. */
typedef struct cli_stand_in cli_stand_in;
typedef struct cli_world {
    cli_session session;
    cj_arena *values; /* of arguments */
    cj_linker *linker;
    cj_store *store;
    cli_stand_in *stand_ins;
} cli_world;
/* Whatever it returns, cli_world_close is to be called. */
int cli_world_open(cli_world *, const char *path, const cli_invocation *);
void cli_world_close(cli_world *);
/* An error of cj_instantiate; for a missing import, with the list of all. */
int cli_fail_instantiate(const cli_session *, const cj_error *, cli_imports);

#endif
