/* invoke.c: what run and bench share: calls on the command line, and stand-ins for functions and resource types that a component imports.
 *
 * Place in the pipeline: between reading a component (common.c) and calling it.
 * Non-goals: WASI.
 */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

/* -- Stand-ins for imports --------------------------------------------------------------------------------------- */

struct cli_stand_in {
    cli_imports mode;
    cj_extern_func func;
};

static cj_status host_fail(cj_error *err, const char *what)
{
    err->status = CJ_HOST;
    snprintf(err->message, sizeof(err->message), "%s", what);
    return CJ_HOST;
}

/* The value that is zero, empty, the first case. False when memory ran out or the type has none. */
static bool default_value(cj_call_ctx *ctx, const cj_type *type, cj_val *out)
{
    memset(out, 0, sizeof(*out));
    out->kind = cj_type_kind(type);
    switch (out->kind) {
    case CJ_KIND_RECORD:
    case CJ_KIND_TUPLE: {
        uint32_t count = cj_type_count(type);
        out->of.seq.ptr = cj_ctx_alloc(ctx, count * sizeof(cj_val), _Alignof(cj_val));
        out->of.seq.len = count;
        for (uint32_t i = 0; out->of.seq.ptr && i < count; i++)
            if (!default_value(ctx, cj_type_member(type, i), &out->of.seq.ptr[i]))
                return false;
        return out->of.seq.ptr != NULL;
    }
    case CJ_KIND_VARIANT:
    case CJ_KIND_RESULT: {
        const cj_type *payload = cj_type_member(type, 0);
        if (!payload)
            return true;
        out->of.choice.payload = cj_ctx_alloc(ctx, sizeof(cj_val), _Alignof(cj_val));
        return out->of.choice.payload && default_value(ctx, payload, out->of.choice.payload);
    }
    case CJ_KIND_OWN: {
        const cj_resource_type *resource = cj_instance_handle_type(cj_ctx_instance(ctx), type);
        return resource && cj_resource_new(cj_ctx_store(ctx), resource, NULL, &out->of.handle, NULL) == CJ_OK;
    }
    case CJ_KIND_BORROW:
        return false; /* never in a result */
    default:
        return true; /* all bits zero: false, 0, "", [], none, {} */
    }
}

static cj_status call_stand_in(void *user, cj_call_ctx *ctx, const cj_val *args, size_t nargs, cj_val *results,
                               size_t nresults, cj_error *err)
{
    const cli_stand_in *s = user;
    if (s->mode == CLI_IMPORTS_TRAP)
        return host_fail(err, "the guest called an import that is not there");
    const cj_type *type = nresults ? cj_functype_result(s->func.type) : NULL;
    size_t echoed = nargs;
    for (size_t i = 0; type && s->mode == CLI_IMPORTS_ECHO && i < nargs && echoed == nargs; i++)
        if (cj_functype_param(s->func.type, (uint32_t)i) == type) /* equal types are one pointer */
            echoed = i;
    for (size_t i = 0; i < nargs; i++)
        if (args[i].kind == CJ_KIND_OWN && i != echoed)
            cj_resource_drop(cj_ctx_store(ctx), args[i].of.handle, NULL);
    if (echoed < nargs)
        results[0] = args[echoed];
    if (!type || echoed < nargs)
        return CJ_OK;
    return default_value(ctx, type, &results[0]) ? CJ_OK : host_fail(err, "its result has no default value");
}

int cli_set_imports(cli_imports *mode, const char *verb, const char *value)
{
    static const char *const modes[] = {"error", "trap", "default", "echo"};
    int chosen = 0;
    int status = cli_choose(verb, "unknown-imports", value, modes, CLI_COUNT(modes), &chosen);
    *mode = (cli_imports)chosen;
    return status;
}

/* One type for each name, with nothing behind its resources. */
static int define_resources(const cli_session *session, cj_linker *linker)
{
    for (size_t i = 0; i < cj_component_resource_count(session->component); i++) {
        cj_extern_resource r = cj_component_resource(session->component, i);
        cj_resource_type *type;
        cj_error err;
        if (!r.imported)
            continue;
        if (cj_resource_type_new(session->engine, r.name, NULL, NULL, &type, &err) != CJ_OK)
            return cli_fail_error(session->file, &err);
        cj_status status = cj_linker_resource(linker, r.interface, r.name, type, &err);
        cj_resource_type_delete(type); /* the linker keeps it */
        if (status != CJ_OK)
            return cli_fail_error(session->file, &err);
    }
    return CLI_OK;
}

static int define_stand_ins(const cli_session *session, cli_imports mode, cj_linker *linker, cli_stand_in **out)
{
    *out = NULL;
    if (mode == CLI_IMPORTS_ERROR)
        return CLI_OK;
    int status = define_resources(session, linker);
    if (status != CLI_OK)
        return status;
    size_t count = cj_component_import_count(session->component);
    cli_stand_in *all = calloc(count ? count : 1, sizeof(*all));
    if (!all)
        return cli_fail(CLI_FAILED, "out of memory");
    *out = all;
    for (size_t i = 0; i < count; i++) {
        all[i] = (cli_stand_in){mode, cj_component_import(session->component, i)};
        cj_error err;
        if (cj_linker_dyn_func(linker, all[i].func.interface, all[i].func.name, call_stand_in, &all[i], &err) != CJ_OK)
            return cli_fail_error(session->file, &err);
    }
    return CLI_OK;
}

/* -- Calls ------------------------------------------------------------------------------------------------------- */

/* Whether all calls parse, before anything runs, so that a slip in the last does not come after the effects of the others. */
static int check_calls(const cli_session *session, const char *const *calls, size_t count, cj_arena *arena)
{
    for (size_t c = 0; c < count; c++) {
        size_t i, nargs;
        cj_val *args;
        cj_error err;
        const char *call = calls[c];
        cj_arena_reset(arena);
        if (cj_wave_parse_call(session->component, call, strlen(call), &i, &args, &nargs, arena, &err) == CJ_OK)
            continue;
        cli_fail_text("--invoke", call, &err);
        if (err.status == CJ_NOT_FOUND && cj_component_export_count(session->component) > 0) {
            fputs("exported:\n", stderr);
            cli_print_funcs(stderr, session->component, false);
        }
        return CLI_USAGE;
    }
    return CLI_OK;
}

/* Without a call there is nothing to do but to say what could be called. */
static int nothing_to_call(const cli_session *session)
{
    size_t count = cj_component_export_count(session->component);
    for (size_t i = 0; i < count; i++) {
        cj_extern_func f = cj_component_export(session->component, i);
        if (strncmp(f.interface, "wasi:cli/run@", 13) == 0)
            return cli_fail(CLI_FAILED,
                            "%s: unsupported: running a command component (%s); call a function with --invoke",
                            session->file, f.interface);
    }
    if (count == 0)
        return cli_fail(CLI_FAILED, "%s: the component exports no function", session->file);
    cli_fail(CLI_USAGE, "%s: which function? --invoke 'NAME(ARGUMENTS)'; exported:", session->file);
    cli_print_funcs(stderr, session->component, false);
    return CLI_USAGE;
}

static bool imports_wasi(const cj_component *component)
{
    for (size_t i = 0; i < cj_component_import_count(component); i++)
        if (strncmp(cj_component_import(component, i).interface, "wasi:", 5) == 0)
            return true;
    return false;
}

int cli_fail_instantiate(const cli_session *session, const cj_error *err, cli_imports mode)
{
    cli_fail_error(session->file, err);
    if (err->status == CJ_LINK && mode == CLI_IMPORTS_ERROR) {
        if (imports_wasi(session->component))
            cli_fail(CLI_FAILED, "unsupported: WASI, of which the component imports functions");
        fputs(
            "imported, and not offered by this command (--unknown-imports trap, default or echo stands in for them):\n",
            stderr);
        cli_print_funcs(stderr, session->component, true);
    }
    return CLI_FAILED;
}

/* -- What run and bench begin with --------------------------------------------------------------------------------- */

int cli_invoke(const cli_verb *verb, int argc, char **argv, cli_invocation *asked, void *settings,
               int (*apply)(void *settings, int option, const char *value),
               int (*act)(const char *path, void *settings), const char *behind)
{
    enum { INVOKE };
    cli_args args = {verb, argc, 0, argv};
    asked->calls = calloc((size_t)argc + 1, sizeof(*asked->calls));
    if (!asked->calls)
        return cli_fail(CLI_FAILED, "out of memory");
    const char *value;
    int option = CLI_END, status = CLI_OK;
    while (status == CLI_OK && (option = cli_next_option(&args, &value)) != CLI_END && option != CLI_HELP) {
        if (option == CLI_BAD)
            status = CLI_USAGE;
        else if (option == INVOKE)
            asked->calls[asked->call_count++] = value;
        else
            status = apply(settings, option, value);
    }
    if (option != CLI_HELP) {
        if (status == CLI_OK && args.at == argc)
            status = cli_fail(CLI_USAGE, "%s: no component given; see canonjit %s --help", verb->name, verb->name);
        if (status == CLI_OK && args.at + 1 < argc)
            status =
                cli_fail(CLI_USAGE, "%s: %s: options go before the component%s", verb->name, argv[args.at + 1], behind);
        if (status == CLI_OK)
            status = act(argv[args.at], settings);
    }
    free(asked->calls);
    return status;
}

int cli_world_open(cli_world *world, const char *path, const cli_invocation *asked)
{
    *world = (cli_world){0};
    cj_error err;
    int status = cli_open(&world->session, path, &asked->common);
    if (status == CLI_OK && asked->call_count == 0)
        status = nothing_to_call(&world->session);
    if (status == CLI_OK && cj_arena_new(NULL, &world->values) != CJ_OK)
        status = cli_fail(CLI_FAILED, "out of memory");
    if (status == CLI_OK)
        status = check_calls(&world->session, asked->calls, asked->call_count, world->values);
    if (status == CLI_OK &&
        (cj_linker_new(world->session.engine, &world->linker, &err) != CJ_OK ||
         cj_store_new(world->session.engine, &asked->common.limits, NULL, &world->store, &err) != CJ_OK))
        status = cli_fail_error(world->session.file, &err);
    if (status == CLI_OK)
        status = define_stand_ins(&world->session, asked->imports, world->linker, &world->stand_ins);
    return status;
}

void cli_world_close(cli_world *world)
{
    cj_store_delete(world->store);
    cj_linker_delete(world->linker);
    cj_arena_delete(world->values);
    free(world->stand_ins);
    cli_close(&world->session);
}
