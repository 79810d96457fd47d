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

enum { INVOKE, TIER, CACHE, NO_CACHE, STATS, TIMEOUT, INTERRUPTIBLE, UNKNOWN_IMPORTS, PROFILE, GIVEN, LIMIT, HELP };
static const cli_option options[] = {
    [INVOKE] = {"invoke", 0, "CALL", "call a function, f(\"x\", [1, 2]), and print its result; repeatable"},
    [TIER] =
        {"tier", 0, "TIER",
         "how calls cross: auto (interpreted, compiled once they are many; the default), interp or jit (compiled first)"},
    [CACHE] = CLI_CACHE_OPTION,
    [NO_CACHE] = {"no-cache", 0, NULL, "keep no compiled functions on disk, and use none (`canonjit cache --help`)"},
    [STATS] = {"stats", 0, NULL, "say on standard error, at the end, what was compiled and found in caches"},
    [TIMEOUT] = {"timeout", 0, "SECONDS", "interrupt the guest after this time; implies --interruptible"},
    [INTERRUPTIBLE] = {"interruptible", 0, NULL, "compile the guest with checks for interruption"},
    [UNKNOWN_IMPORTS] = CLI_IMPORTS_OPTION,
    [PROFILE] = CLI_PROFILE_OPTION,
    [GIVEN] = CLI_GIVEN_OPTION,
    [LIMIT] = CLI_LIMIT_OPTION,
    [HELP] = CLI_HELP_OPTION,
};

typedef struct run_settings {
    cli_invocation asked;
    double timeout; /* seconds; 0: none */
    bool stats;
} run_settings;

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

static int call_all(const cli_world *world, cj_instance *instance, const cli_invocation *asked)
{
    const cj_component *component = world->session.component;
    for (size_t c = 0; c < asked->call_count; c++) {
        const char *text = asked->calls[c];
        size_t i, nargs;
        cj_val *args, result;
        cj_error err;
        cj_arena_reset(world->values);
        if (cj_wave_parse_call(component, text, strlen(text), &i, &args, &nargs, world->values, &err) != CJ_OK)
            return cli_fail_text("--invoke", text, &err);
        cj_func *func = cj_instance_func_at(instance, i);
        const cj_type *type = cj_functype_result(cj_component_export(component, i).type);
        if (cj_call(func, args, nargs, &result, type ? 1 : 0, world->values, &err) != CJ_OK)
            return cli_fail_error(world->session.file, &err);
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

static int run_in_store(const cli_world *world, const run_settings *settings)
{
    cj_error err;
    cj_instance *instance;
    watchdog dog;
    bool watched = settings->timeout > 0;
    if (watched && !watchdog_start(&dog, world->store, settings->timeout))
        return cli_fail(CLI_FAILED, "cannot start a thread for --timeout");
    int status;
    if (cj_instantiate(world->store, world->linker, world->session.component, &instance, &err) == CJ_OK)
        status = call_all(world, instance, &settings->asked);
    else
        status = cli_fail_instantiate(&world->session, &err, settings->asked.imports);
    if (watched) {
        watchdog_stop(&dog);
        if (dog.fired && status != CLI_OK)
            cli_fail(CLI_FAILED, "interrupted after %g s (--timeout)", settings->timeout);
    }
    return status;
}

static void print_stats(const cj_engine *engine)
{
    cj_engine_stats s;
    cj_engine_get_stats(engine, &s);
    fflush(stdout); /* results stand before it */
    fprintf(stderr,
            "thunks: %" PRIu64 " compiled in %.1f ms, %" PRIu64 " shared, %" PRIu64 " waiting, %" PRIu64 " failed\n"
            "cache on disk: %" PRIu64 " found, %" PRIu64 " not found, %" PRIu64 " refused, %" PRIu64
            " stored, in %.1f ms\n",
            s.thunks_compiled, (double)s.compile_ns / 1e6, s.thunk_cache_hits, s.thunks_pending, s.thunks_failed,
            s.disk_hits, s.disk_misses, s.disk_refused, s.disk_stored, (double)s.disk_ns / 1e6);
}

static int run_component(const char *path, void *arg)
{
    const run_settings *settings = arg;
    cli_world world;
    int status = cli_world_open(&world, path, &settings->asked);
    if (status == CLI_OK)
        status = run_in_store(&world, settings);
    if (settings->stats && world.session.engine)
        print_stats(world.session.engine);
    cli_world_close(&world);
    return status;
}

/* -- Options ----------------------------------------------------------------------------------------------------- */

static int apply_option(void *arg, int option, const char *value)
{
    run_settings *settings = arg;
    switch (option) {
    case TIER:
        return cli_set_tier(&settings->asked.common, "run", value);
    case PROFILE:
        return cli_set_profile(&settings->asked.common, "run", value);
    case UNKNOWN_IMPORTS:
        return cli_set_imports(&settings->asked.imports, "run", value);
    case CACHE:
        return cli_set_cache(&settings->asked.common, "run", value);
    case NO_CACHE:
        settings->asked.common.config.cache_dir = NULL;
        return CLI_OK;
    case STATS:
        settings->stats = true;
        return CLI_OK;
    case TIMEOUT: {
        char *end;
        settings->timeout = strtod(value, &end);
        if (end == value || *end || !(settings->timeout > 0 && settings->timeout <= 1e9))
            return cli_fail(CLI_USAGE, "run: --timeout %s: expected seconds, more than 0: 2 or 0.5", value);
        settings->asked.common.config.interruptible = true;
        return CLI_OK;
    }
    case INTERRUPTIBLE:
        settings->asked.common.config.interruptible = true;
        return CLI_OK;
    case GIVEN:
        return cli_set_given(&settings->asked.common, value);
    default:
        return cli_set_limit(&settings->asked.common, value);
    }
}

static int run(const cli_verb *verb, int argc, char **argv)
{
    run_settings settings = {0};
    cli_settings_init(&settings.asked.common);
    (void)cli_set_cache(&settings.asked.common, "run", NULL); /* cannot fail */
    return cli_invoke(verb, argc, argv, &settings.asked, &settings, apply_option, run_component,
                      "; unsupported: arguments for the guest");
}

const cli_verb cli_run = {
    .name = "run",
    .operands = "COMPONENT",
    .summary = "Instantiates a component, calls functions of it and prints their results",
    .details =
        "CALL is a function and its arguments in WAVE, the WebAssembly Value Encoding:\n"
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
