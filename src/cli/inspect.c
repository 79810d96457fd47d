/* inspect.c: canonjit inspect COMPONENT: its imports and exports, or what became of one function.
 *
 * Place in the pipeline: cj_component_text with a name looked up as people write it.
 */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

enum { WIT, JSON, PLAN, LLVM, ASM, GIVEN, LIMIT, HELP };
static const cli_option options[] = {
    [WIT] = {"wit", 0, NULL, "imports and exports as WIT (the default)"},
    [JSON] = {"json", 0, NULL, "the same as JSON, for machines"},
    [PLAN] = {"plan", 0, "FUNCTION", "the move plan of a function: how its values cross"},
    [LLVM] = {"llvm", 0, "FUNCTION", "the optimised LLVM IR of its thunk"},
    [ASM] = {"asm", 0, "FUNCTION", "the machine code of its thunk, as assembler"},
    [GIVEN] = CLI_GIVEN_OPTION,
    [LIMIT] = CLI_LIMIT_OPTION,
    [HELP] = CLI_HELP_OPTION,
};
static const cj_text_kind kinds[] = {
    [WIT] = CJ_TEXT_WIT, [JSON] = CJ_TEXT_JSON, [PLAN] = CJ_TEXT_PLAN, [LLVM] = CJ_TEXT_LLVM, [ASM] = CJ_TEXT_ASM};

/* One that only components inside call of each other has to be named in full. */
static bool is_inner(const cli_session *session, const char *path)
{
    char *text;
    if (cj_component_text(session->component, CJ_TEXT_PLAN, path, &text, NULL) != CJ_OK)
        return false;
    cj_text_delete(session->component, text);
    return true;
}

/* "iface#f" in full, exports before imports; free it. */
static int find_function(const cli_session *session, const char *option, const char *name, char **out)
{
    size_t i;
    cj_error err, import_err;
    cj_extern_func f;
    if (cj_component_find_export(session->component, name, strlen(name), &i, &err) == CJ_OK) {
        f = cj_component_export(session->component, i);
    } else if (err.status == CJ_NOT_FOUND &&
               cj_component_find_import(session->component, name, strlen(name), &i, &import_err) == CJ_OK) {
        f = cj_component_import(session->component, i);
    } else if (err.status == CJ_NOT_FOUND && is_inner(session, name)) {
        f = (cj_extern_func){"", name, NULL};
    } else {
        bool other = err.status == CJ_NOT_FOUND && import_err.status != CJ_NOT_FOUND; /* fits several imports */
        cli_fail(CLI_USAGE, "%s: --%s %s: %s", session->file, option, name, other ? import_err.message : err.message);
        if (cj_component_export_count(session->component) > 0) {
            fputs("exported:\n", stderr);
            cli_print_funcs(stderr, session->component, false);
        }
        if (cj_component_import_count(session->component) > 0) {
            fputs("imported:\n", stderr);
            cli_print_funcs(stderr, session->component, true);
        }
        return CLI_USAGE;
    }
    size_t size = strlen(f.interface) + strlen(f.name) + 2;
    char *path = malloc(size);
    if (!path)
        return cli_fail(CLI_FAILED, "out of memory");
    snprintf(path, size, "%s%s%s", f.interface, f.interface[0] ? "#" : "", f.name);
    *out = path;
    return CLI_OK;
}

static int inspect(const cli_verb *verb, int argc, char **argv)
{
    cli_args args = {verb, argc, 0, argv};
    cli_settings settings;
    cli_settings_init(&settings);
    settings.config.tier = CJ_TIER_INTERP; /* what is printed is made on demand */
    int what = WIT;
    bool chosen = false;
    const char *value, *function = NULL;
    for (int option; (option = cli_next_option(&args, &value)) != CLI_END;) {
        if (option == CLI_HELP)
            return CLI_OK;
        if (option == CLI_BAD || (option == LIMIT && cli_set_limit(&settings, value) != CLI_OK) ||
            (option == GIVEN && cli_set_given(&settings, value) != CLI_OK))
            return CLI_USAGE;
        if (option == LIMIT || option == GIVEN)
            continue;
        if (chosen)
            return cli_fail(CLI_USAGE, "inspect: --%s and --%s exclude each other", options[what].name,
                            options[option].name);
        chosen = true;
        what = option;
        function = value;
    }
    if (args.at == argc)
        return cli_fail(CLI_USAGE, "inspect: no component given; see canonjit inspect --help");
    if (args.at + 1 < argc)
        return cli_fail(CLI_USAGE, "inspect: one component at a time, and options before it: %s", argv[args.at + 1]);

    cli_session session;
    int status = cli_open(&session, argv[args.at], &settings);
    char *path = NULL;
    if (status == CLI_OK && function)
        status = find_function(&session, options[what].name, function, &path);
    if (status == CLI_OK) {
        char *text;
        cj_error err;
        if (cj_component_text(session.component, kinds[what], path, &text, &err) == CJ_OK) {
            fputs(text, stdout);
            if (text[0] && text[strlen(text) - 1] != '\n')
                fputc('\n', stdout);
            cj_text_delete(session.component, text);
        } else {
            status = cli_fail_error(session.file, &err);
        }
    }
    free(path);
    cli_close(&session);
    return status;
}

const cli_verb cli_inspect = {
    .name = "inspect",
    .operands = "COMPONENT",
    .summary = "Prints what a component imports and exports, or what became of a function",
    .details = "FUNCTION is an export or import: f, iface#f or ns:pkg/iface@1.0.0#f; or, as errors name it, one that\n"
               "components inside the component call of each other.\n"
               "\"-\" reads the component from standard input.\n",
    .options = options,
    .option_count = CLI_COUNT(options),
    .run = inspect,
};
