/* validate.c: canonjit validate COMPONENT...: says nothing about a component that canonjit can run.
 *
 * Place in the pipeline: decoding, linking and the engine's check of the core modules; nothing is instantiated.
 */
#include "cli.h"

enum { GIVEN, LIMIT, HELP };
static const cli_option options[] = {[GIVEN] = CLI_GIVEN_OPTION, [LIMIT] = CLI_LIMIT_OPTION, [HELP] = CLI_HELP_OPTION};

static int validate(const cli_verb *verb, int argc, char **argv)
{
    cli_args args = {verb, argc, 0, argv};
    cli_settings settings;
    cli_settings_init(&settings);
    settings.config.tier = CJ_TIER_INTERP; /* no thunk is called */
    const char *value;
    for (int option; (option = cli_next_option(&args, &value)) != CLI_END;) {
        if (option == CLI_HELP)
            return CLI_OK;
        if (option == CLI_BAD || (option == GIVEN ? cli_set_given : cli_set_limit)(&settings, value) != CLI_OK)
            return CLI_USAGE;
    }
    if (args.at == argc)
        return cli_fail(CLI_USAGE, "validate: no component given; see canonjit validate --help");

    int status = CLI_OK;
    for (; args.at < argc; args.at++) {
        cli_session session;
        int one = cli_open(&session, argv[args.at], &settings);
        cli_close(&session);
        status = one > status ? one : status;
    }
    return status;
}

const cli_verb cli_validate = {
    .name = "validate",
    .operands = "COMPONENT...",
    .summary = "Checks that a component is well-formed and that canonjit can run it",
    .details = "Prints nothing when it is so. \"-\" reads the component from standard input.\n",
    .options = options,
    .option_count = CLI_COUNT(options),
    .run = validate,
};
