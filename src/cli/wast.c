/* wast.c: canonjit wast SCRIPT...: runs test scripts of the WebAssembly standard.
 *
 * Place in the pipeline: the verb: options, the loop over scripts, what is printed. wast.h has the picture.
 */
#include "wast.h"

#include <stdlib.h>
#include <string.h>

enum { TIER, HOST, JSON, VERBOSE, KEEP, SPLITTER, LIMIT, HELP };
static const cli_option options[] = {
    [TIER] =
        {"tier", 0, "TIER",
         "how calls cross: auto (interpreted, compiled once they are many; the default), interp or jit (compiled first)"},
    [HOST] = {"host", 0, "NAME", "host functions that scripts import: wasmtime (those of its own scripts)"},
    [JSON] = {"json", 0, NULL, "print every command and its verdict as JSON"},
    [VERBOSE] = {"verbose", 0, NULL, "print a line for every command, not only for those that failed"},
    [KEEP] = {"keep", 0, "FOLDER", "keep the split scripts there: SCRIPT.json, SCRIPT.N.wasm"},
    [SPLITTER] = {"splitter", 0, "FILE", "the tool that splits .wast texts, if not the installed wast-split.mjs"},
    [LIMIT] = CLI_LIMIT_OPTION,
    [HELP] = CLI_HELP_OPTION,
};

/* -- Counting and printing --------------------------------------------------------------------------------------- */

typedef struct reason {
    char *text;
    size_t count;
} reason;

typedef struct session {
    wast_settings settings;
    const char *tool, *keep;
    bool json, verbose;
    cj_engine *engine;
    size_t counts[3]; /* by wast_outcome */
    reason *reasons;
    size_t reason_count;
    cJSON *scripts;  /* --json: of all scripts */
    cJSON *commands; /* of this one */
    size_t of_script[3];
} session;

static const char *const outcomes[] = {[WAST_PASSED] = "passed", [WAST_FAILED] = "failed", [WAST_SKIPPED] = "skipped"};

static void count_reason(session *s, const char *text)
{
    for (size_t i = 0; i < s->reason_count; i++) {
        if (strcmp(s->reasons[i].text, text) == 0) {
            s->reasons[i].count++;
            return;
        }
    }
    reason *grown = realloc(s->reasons, (s->reason_count + 1) * sizeof(*grown));
    char *copy = strdup(text);
    if (grown)
        s->reasons = grown;
    if (!grown || !copy) {
        free(copy);
        return;
    }
    s->reasons[s->reason_count++] = (reason){copy, 1};
}

static void print_verdict(const wast_verdict *v)
{
    printf("%s:%d: ", v->file, v->line);
    if (v->outcome != WAST_FAILED)
        printf("%s: ", outcomes[v->outcome]);
    printf("%s%s%s%s\n", v->type, v->text[0] ? ": " : "", v->text,
           v->untold ? " (another trap would have passed too)" : "");
}

static void report(void *user, const wast_verdict *v)
{
    session *s = user;
    s->counts[v->outcome]++;
    s->of_script[v->outcome]++;
    if (v->outcome == WAST_SKIPPED)
        count_reason(s, v->text);
    if (!s->json && (s->verbose || v->outcome == WAST_FAILED))
        print_verdict(v);
    if (!s->json)
        return;
    cJSON *command = cJSON_CreateObject();
    cJSON_AddNumberToObject(command, "line", v->line);
    cJSON_AddStringToObject(command, "type", v->type);
    cJSON_AddStringToObject(command, "outcome", outcomes[v->outcome]);
    if (v->text[0])
        cJSON_AddStringToObject(command, "text", v->text);
    if (v->untold)
        cJSON_AddTrueToObject(command, "untold");
    cJSON_AddItemToArray(s->commands, command);
}

static void add_counts(cJSON *object, const size_t counts[3])
{
    for (int i = 0; i < 3; i++)
        cJSON_AddNumberToObject(object, outcomes[i], (double)counts[i]);
}

static void print_totals(session *s)
{
    if (s->json) {
        cJSON *all = cJSON_CreateObject();
        cJSON_AddItemToObject(all, "scripts", s->scripts);
        s->scripts = NULL;
        add_counts(all, s->counts);
        char *text = cJSON_Print(all);
        puts(text ? text : "null");
        cJSON_free(text);
        cJSON_Delete(all);
        return;
    }
    for (size_t i = 0; i < s->reason_count; i++)
        printf("skipped %zu: %s\n", s->reasons[i].count, s->reasons[i].text);
    printf("%zu passed, %zu failed, %zu skipped\n", s->counts[WAST_PASSED], s->counts[WAST_FAILED],
           s->counts[WAST_SKIPPED]);
}

/* -- Scripts ----------------------------------------------------------------------------------------------------- */

static bool ends_in(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static int run_split(session *s, const char *script)
{
    if (ends_in(script, ".json"))
        return wast_run(s->engine, &s->settings, script, report, s);
    char *folder = s->keep ? NULL : wast_make_folder(), *json = NULL;
    if (!s->keep && !folder)
        return CLI_FAILED;
    int status = wast_split(s->tool, script, s->keep ? s->keep : folder, &json);
    if (status == CLI_OK)
        status = wast_run(s->engine, &s->settings, json, report, s);
    free(json);
    wast_remove_folder(folder);
    return status;
}

static int run_one(session *s, const char *script)
{
    memset(s->of_script, 0, sizeof(s->of_script));
    s->commands = s->json ? cJSON_CreateArray() : NULL;
    int status = run_split(s, script);
    if (s->json) {
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "file", script);
        if (status != CLI_OK)
            cJSON_AddTrueToObject(object, "unreadable");
        add_counts(object, s->of_script);
        cJSON_AddItemToObject(object, "commands", s->commands);
        cJSON_AddItemToArray(s->scripts, object);
    }
    return status;
}

static int run_all(session *s, char **scripts, int count)
{
    cj_error err;
    if (cj_engine_new(&s->settings.common->config, &s->engine, &err) != CJ_OK) {
        char text[512];
        cj_error_format(&err, text, sizeof(text));
        return cli_fail(CLI_FAILED, "%s", text);
    }
    int status = CLI_OK;
    s->scripts = s->json ? cJSON_CreateArray() : NULL;
    for (int i = 0; i < count; i++) {
        int one = run_one(s, scripts[i]);
        status = one > status ? one : status;
    }
    print_totals(s);
    for (size_t i = 0; i < s->reason_count; i++)
        free(s->reasons[i].text);
    free(s->reasons);
    cj_engine_delete(s->engine);
    return status == CLI_OK && s->counts[WAST_FAILED] ? CLI_FAILED : status;
}

static int wast(const cli_verb *verb, int argc, char **argv)
{
    cli_args args = {verb, argc, 0, argv};
    cli_settings common;
    cli_settings_init(&common);
    common.config.trap_unsupported = true; /* a script may ask for no more than what is there: wast_run.c */
    session s = {.settings = {.common = &common}};
    static const char *const hosts[] = {"wasmtime"};
    const char *value;
    int option, host, status = CLI_OK;
    while (status == CLI_OK && (option = cli_next_option(&args, &value)) != CLI_END) {
        switch (option) {
        case CLI_HELP:
            return CLI_OK;
        case CLI_BAD:
            return CLI_USAGE;
        case TIER:
            status = cli_set_tier(&common, "wast", value);
            break;
        case HOST:
            status = cli_choose("wast", "host", value, hosts, CLI_COUNT(hosts), &host);
            s.settings.host = true;
            break;
        case JSON:
            s.json = true;
            break;
        case VERBOSE:
            s.verbose = true;
            break;
        case KEEP:
            s.keep = value;
            break;
        case SPLITTER:
            s.tool = value;
            break;
        default:
            status = cli_set_limit(&common, value);
            break;
        }
    }
    if (status != CLI_OK)
        return status;
    if (args.at == argc)
        return cli_fail(CLI_USAGE, "wast: no script given; see canonjit wast --help");
    if (s.keep && wast_keep_folder(s.keep) != CLI_OK)
        return CLI_FAILED;
    return run_all(&s, argv + args.at, argc - args.at);
}

const cli_verb cli_wast = {
    .name = "wast",
    .operands = "SCRIPT...",
    .summary = "Runs test scripts of the WebAssembly standard",
    .details = "A script is a .wast text, which Node.js and jco's assembler split into commands and binaries, or the\n"
               ".json that tools/wast-split.mjs (or `wasm-tools json-from-wast`) has made of one.\n\n"
               "Prints a line for each command that failed, with what was expected and found, why commands were\n"
               "skipped, and \"N passed, N failed, N skipped\". Only what a gate of the Component Model or a proposal\n"
               "of core WebAssembly stands before is skipped. The exit status is 1 when a command failed.\n",
    .options = options,
    .option_count = CLI_COUNT(options),
    .run = wast,
};
