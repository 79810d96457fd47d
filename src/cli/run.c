/* run.c: canonjit run --invoke 'f("x", [1, 2])' COMPONENT: instantiates, calls, prints results as WAVE.
 *
 * Place in the pipeline: all of it, through the public API and its dynamic door.
 * Non-goals: WASI; a component that wants imports gets none but the stand-ins of --unknown-imports.
 */
#include "cli.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { INVOKE, TIER, TIMEOUT, INTERRUPTIBLE, UNKNOWN_IMPORTS, LIMIT, HELP };
static const cli_option options[] = {
    [INVOKE] = {"invoke", 0, "CALL", "call a function, f(\"x\", [1, 2]), and print its result; repeatable"},
    [TIER] = {"tier", 0, "TIER", "how calls cross: jit (compiled, the default where LLVM is built in) or interp"},
    [TIMEOUT] = {"timeout", 0, "SECONDS", "interrupt the guest after this time; implies --interruptible"},
    [INTERRUPTIBLE] = {"interruptible", 0, NULL, "compile the guest with checks for interruption"},
    [UNKNOWN_IMPORTS] = {"unknown-imports", 0, "MODE", "imports: error (the default), trap, default, echo"},
    [LIMIT] = CLI_LIMIT_OPTION,
    [HELP] = CLI_HELP_OPTION,
};

typedef enum unknown_imports { IMPORTS_ERROR, IMPORTS_TRAP, IMPORTS_DEFAULT, IMPORTS_ECHO } unknown_imports;

typedef struct run_settings {
    cli_settings common;
    const char *const *calls;
    size_t call_count;
    double timeout; /* seconds; 0: none */
    unknown_imports imports;
} run_settings;

/* -- Stand-ins for imports --------------------------------------------------------------------------------------- */

typedef struct stand_in {
    unknown_imports mode;
    cj_extern_func func;
} stand_in;

static cj_status host_fail(cj_error *err, const char *what, const cj_extern_func *f)
{
    err->status = CJ_HOST;
    snprintf(err->message, sizeof(err->message), "%s: %s%s%s", what, f->interface, f->interface[0] ? "#" : "", f->name);
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
    const stand_in *s = user;
    if (s->mode == IMPORTS_TRAP)
        return host_fail(err, "the guest called an import that is not there", &s->func);
    const cj_type *type = nresults ? cj_functype_result(s->func.type) : NULL;
    size_t echoed = nargs;
    for (size_t i = 0; type && s->mode == IMPORTS_ECHO && i < nargs && echoed == nargs; i++)
        if (cj_functype_param(s->func.type, (uint32_t)i) == type) /* equal types are one pointer */
            echoed = i;
    for (size_t i = 0; i < nargs; i++)
        if (args[i].kind == CJ_KIND_OWN && i != echoed)
            cj_resource_drop(cj_ctx_store(ctx), args[i].of.handle, NULL);
    if (echoed < nargs)
        results[0] = args[echoed];
    if (!type || echoed < nargs)
        return CJ_OK;
    return default_value(ctx, type, &results[0]) ? CJ_OK
                                                 : host_fail(err, "no default value for the result of", &s->func);
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

static int define_stand_ins(const cli_session *session, unknown_imports mode, cj_linker *linker, stand_in **out)
{
    int status = define_resources(session, linker);
    if (status != CLI_OK)
        return status;
    size_t count = cj_component_import_count(session->component);
    stand_in *all = calloc(count ? count : 1, sizeof(*all));
    if (!all)
        return cli_fail(CLI_FAILED, "out of memory");
    *out = all;
    for (size_t i = 0; i < count; i++) {
        all[i] = (stand_in){mode, cj_component_import(session->component, i)};
        cj_error err;
        if (cj_linker_dyn_func(linker, all[i].func.interface, all[i].func.name, call_stand_in, &all[i], &err) != CJ_OK)
            return cli_fail_error(session->file, &err);
    }
    return CLI_OK;
}

/* -- The watchdog: interrupts the store when the time is over ---------------------------------------------------- */

typedef struct watchdog {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct timespec end;
    cj_store *store;
    bool done, fired;
} watchdog;

static void *watch(void *arg)
{
    watchdog *w = arg;
    pthread_mutex_lock(&w->lock);
    bool over = false;
    while (!w->done && !over)
        over = pthread_cond_timedwait(&w->changed, &w->lock, &w->end) == ETIMEDOUT;
    if (!w->done)
        w->fired = cj_store_interrupt(w->store) == CJ_OK;
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static bool watchdog_start(watchdog *w, cj_store *store, double seconds)
{
    memset(w, 0, sizeof(*w));
    w->store = store;
    clock_gettime(CLOCK_MONOTONIC, &w->end);
    double whole = floor(seconds);
    w->end.tv_sec += (time_t)whole;
    w->end.tv_nsec += (long)((seconds - whole) * 1e9);
    if (w->end.tv_nsec >= 1000000000) {
        w->end.tv_sec++;
        w->end.tv_nsec -= 1000000000;
    }
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, &attr);
    pthread_condattr_destroy(&attr);
    return pthread_create(&w->thread, NULL, watch, w) == 0;
}

static void watchdog_stop(watchdog *w)
{
    pthread_mutex_lock(&w->lock);
    w->done = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
}

/* -- Calls ------------------------------------------------------------------------------------------------------- */

static int print_value(const cj_type *type, const cj_val *val)
{
    size_t len = cj_wave_format(type, val, NULL, 0);
    char *text = malloc(len + 1);
    if (!text)
        return cli_fail(CLI_FAILED, "out of memory for a result of %zu bytes", len);
    cj_wave_format(type, val, text, len + 1);
    fwrite(text, 1, len, stdout);
    fputc('\n', stdout);
    free(text);
    return CLI_OK;
}

static int call_all(const cli_session *session, cj_instance *instance, const run_settings *settings, cj_arena *arena)
{
    for (size_t c = 0; c < settings->call_count; c++) {
        size_t i, nargs;
        cj_val *args, result;
        cj_error err;
        cj_arena_reset(arena);
        if (cj_wave_parse_call(session->component, settings->calls[c], strlen(settings->calls[c]), &i, &args, &nargs,
                               arena, &err) != CJ_OK)
            return cli_fail_text("--invoke", settings->calls[c], &err);
        cj_func *func = cj_instance_func_at(instance, i);
        const cj_type *type = cj_functype_result(cj_component_export(session->component, i).type);
        if (cj_call(func, args, nargs, &result, type ? 1 : 0, arena, &err) != CJ_OK)
            return cli_fail_error(session->file, &err);
        int status = CLI_OK;
        if (type)
            status = print_value(type, &result);
        else
            puts("()");
        if (status != CLI_OK)
            return status;
    }
    return CLI_OK;
}

/* Before anything runs, so that a slip in the last call does not come after the effects of the others. */
static int check_calls(const cli_session *session, const run_settings *settings, cj_arena *arena)
{
    for (size_t c = 0; c < settings->call_count; c++) {
        size_t i, nargs;
        cj_val *args;
        cj_error err;
        const char *call = settings->calls[c];
        cj_arena_reset(arena);
        if (cj_wave_parse_call(session->component, call, strlen(call), &i, &args, &nargs, arena, &err) == CJ_OK)
            continue;
        cli_fail_text("--invoke", call, &err);
        if (err.status == CJ_NOT_FOUND) {
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

static int fail_instantiate(const cli_session *session, const cj_error *err, bool missing_imports)
{
    cli_fail_error(session->file, err);
    if (err->status == CJ_LINK && missing_imports) {
        fputs(
            "imported, and not offered by this command (--unknown-imports trap, default or echo stands in for them):\n",
            stderr);
        cli_print_funcs(stderr, session->component, true);
    }
    return CLI_FAILED;
}

static int run_in_store(const cli_session *session, const run_settings *settings, cj_linker *linker, cj_store *store,
                        cj_arena *arena)
{
    cj_error err;
    cj_instance *instance;
    watchdog dog;
    bool watched = settings->timeout > 0;
    if (watched && !watchdog_start(&dog, store, settings->timeout))
        return cli_fail(CLI_FAILED, "cannot start a thread for --timeout");
    int status;
    if (cj_instantiate(store, linker, session->component, &instance, &err) == CJ_OK)
        status = call_all(session, instance, settings, arena);
    else
        status = fail_instantiate(session, &err, settings->imports == IMPORTS_ERROR);
    if (watched) {
        watchdog_stop(&dog);
        if (dog.fired && status != CLI_OK)
            cli_fail(CLI_FAILED, "interrupted after %g s (--timeout)", settings->timeout);
    }
    return status;
}

static int run_component(const char *path, const run_settings *settings)
{
    cli_session session;
    cj_arena *arena = NULL;
    cj_linker *linker = NULL;
    cj_store *store = NULL;
    stand_in *stand_ins = NULL;
    cj_error err;
    int status = cli_open(&session, path, &settings->common);
    if (status == CLI_OK && settings->call_count == 0)
        status = nothing_to_call(&session);
    if (status == CLI_OK && cj_arena_new(NULL, &arena) != CJ_OK)
        status = cli_fail(CLI_FAILED, "out of memory");
    if (status == CLI_OK)
        status = check_calls(&session, settings, arena);
    if (status == CLI_OK && (cj_linker_new(session.engine, &linker, &err) != CJ_OK ||
                             cj_store_new(session.engine, &settings->common.limits, NULL, &store, &err) != CJ_OK))
        status = cli_fail_error(session.file, &err);
    if (status == CLI_OK && settings->imports != IMPORTS_ERROR)
        status = define_stand_ins(&session, settings->imports, linker, &stand_ins);
    if (status == CLI_OK)
        status = run_in_store(&session, settings, linker, store, arena);
    cj_store_delete(store);
    cj_linker_delete(linker);
    cj_arena_delete(arena);
    free(stand_ins);
    cli_close(&session);
    return status;
}

/* -- Options ----------------------------------------------------------------------------------------------------- */

static int apply_option(run_settings *settings, int option, const char *value)
{
    static const char *const modes[] = {"error", "trap", "default", "echo"};
    int chosen = 0;
    switch (option) {
    case TIER:
        return cli_set_tier(&settings->common, "run", value);
    case UNKNOWN_IMPORTS:
        if (cli_choose("run", "unknown-imports", value, modes, CLI_COUNT(modes), &chosen) != CLI_OK)
            return CLI_USAGE;
        settings->imports = (unknown_imports)chosen;
        return CLI_OK;
    case TIMEOUT: {
        char *end;
        settings->timeout = strtod(value, &end);
        if (end == value || *end || !(settings->timeout > 0 && settings->timeout <= 1e9))
            return cli_fail(CLI_USAGE, "run: --timeout %s: expected seconds, more than 0: 2 or 0.5", value);
        settings->common.config.interruptible = true;
        return CLI_OK;
    }
    case INTERRUPTIBLE:
        settings->common.config.interruptible = true;
        return CLI_OK;
    default:
        return cli_set_limit(&settings->common, value);
    }
}

static int run(const cli_verb *verb, int argc, char **argv)
{
    cli_args args = {verb, argc, 0, argv};
    run_settings settings = {0};
    cli_settings_init(&settings.common);
    const char **calls = calloc((size_t)argc + 1, sizeof(*calls));
    if (!calls)
        return cli_fail(CLI_FAILED, "out of memory");
    settings.calls = calls;
    const char *value;
    int option, status = CLI_OK;
    while (status == CLI_OK && (option = cli_next_option(&args, &value)) != CLI_END) {
        if (option == CLI_HELP) {
            free(calls);
            return CLI_OK;
        }
        if (option == CLI_BAD)
            status = CLI_USAGE;
        else if (option == INVOKE)
            calls[settings.call_count++] = value;
        else
            status = apply_option(&settings, option, value);
    }
    if (status == CLI_OK && args.at == argc)
        status = cli_fail(CLI_USAGE, "run: no component given; see canonjit run --help");
    if (status == CLI_OK && args.at + 1 < argc)
        status = cli_fail(CLI_USAGE, "run: %s: options go before the component; unsupported: arguments for the guest",
                          argv[args.at + 1]);
    if (status == CLI_OK)
        status = run_component(argv[args.at], &settings);
    free(calls);
    return status;
}

const cli_verb cli_run = {
    .name = "run",
    .operands = "COMPONENT",
    .summary = "Instantiates a component, calls functions of it and prints their results",
    .details = "CALL is a function and its arguments in WAVE, the WebAssembly Value Encoding:\n"
               "f(\"x\", [1, 2], {width: 3}). The function may be given as f, iface#f or ns:pkg/iface@1.0.0#f.\n"
               "Results are printed as WAVE too, () where there is none. Several --invoke are called one after\n"
               "the other in one instance. \"-\" reads the component from standard input.\n\n"
               "--unknown-imports chooses what stands in for imported functions: trap traps when one is called,\n"
               "default returns zeros and empty values, echo returns the first argument of the result's type. Imported\n"
               "resource types are there then too. Handles have no text in WAVE: results show them as <own 1>.\n",
    .options = options,
    .option_count = CLI_COUNT(options),
    .run = run,
};
