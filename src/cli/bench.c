/* bench.c: canonjit bench --invoke 'f("x", [1, 2])' COMPONENT: how long a call takes, and which of its steps takes how much of it.
 *
 *     whole      the native door, as usual: blocks of calls by the clock
 *     entry      blocks of calls that only enter and leave the instance (CJ_TIMING_ENTRY)
 *     the rest   from blocks of calls that read the processor's counter between their steps (CJ_TIMING_STEPS); the cost of reading is taken
 *                off, and the steps are fitted into what the entry leaves of the whole, because a stamped call is a little slower, and its steps
 *                overlap less, than one that is not
 *
 * All kinds of blocks, in all tiers, take turns, so that a disturbance hits them alike; of each kind the fastest block counts.
 * Place in the pipeline: all of it, through the public API and its native door.
 * Non-goals: comparing with other programs (bench/), calls that differ from each other.
 */
#include "bench.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { INVOKE, TIER, ROUNDS, TIME, UNKNOWN_IMPORTS, PROFILE, JSON, SVG, ASCII, GIVEN, LIMIT, HELP };
static const cli_option options[] = {
    [INVOKE] = {"invoke", 0, "CALL", "time a call, f(\"x\", [1, 2]); repeatable"},
    [TIER] = {"tier", 0, "TIER",
              "time this tier, jit, interp or auto; repeatable (jit and interp, as far as the build has them)"},
    [ROUNDS] = {"rounds", 0, "N", "blocks of each kind, 3 to 1000 (60)"},
    [TIME] = {"time", 0, "SECONDS", "spend about this long on a call at most (2); slow calls get fewer rounds"},
    [UNKNOWN_IMPORTS] = CLI_IMPORTS_OPTION,
    [JSON] = {"json", 0, NULL, "print the figures as JSON"},
    [SVG] = {"svg", 0, "FILE", "write a chart there, too"},
    [ASCII] = {"ascii", 0, NULL, "draw bars in ASCII, whatever the locale"},
    [PROFILE] = CLI_PROFILE_OPTION,
    [GIVEN] = CLI_GIVEN_OPTION,
    [LIMIT] = CLI_LIMIT_OPTION,
    [HELP] = CLI_HELP_OPTION,
};

const char *const bench_step_names[STEP_COUNT] = {"entry", "lower", "core", "lift", "post-return"};

enum { MAX_TIERS = 3, MIN_ROUNDS = 3, MAX_ROUNDS = 1000, KEPT_RESULTS = 256 };
static const char *const tier_names[MAX_TIERS] = {"jit", "interp", "auto"};
static const double longest_block = 1e6; /* ns */

typedef struct bench_settings {
    cli_invocation asked;
    bool tiers[MAX_TIERS], json, ascii;
    uint32_t rounds;
    double seconds;
    const char *svg;
} bench_settings;

/* -- Subjects: an instance in one tier, and one call of it ----------------------------------------------------------------- */

typedef enum kind { WHOLE, ENTRY, STEPS, REALLOC, KIND_COUNT } kind;
static const cj_timing timings[KIND_COUNT] = {CJ_TIMING_OFF, CJ_TIMING_ENTRY, CJ_TIMING_STEPS, CJ_TIMING_REALLOC};

/* One kind of block of one subject. */
typedef struct contender {
    bool there;
    uint64_t count;        /* calls in a block */
    double *blocks;        /* ns per call, by round */
    double best;           /* of STEPS and REALLOC: by ticks */
    cj_step_ticks fastest; /* of that block */
} contender;

typedef struct subject {
    const char *tier;
    cli_world world;
    cj_instance *instance;
    cj_arena *arena; /* of results */
    cj_func *func;
    const cj_type *result_type;
    void *args, *results;
    size_t stride;
    bool owns; /* results have handles, which are kept and dropped after a block */
    uint64_t calls_made;
    contender kinds[KIND_COUNT];
    char why_not[256];
} subject;

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int out_of_memory(void)
{
    return cli_fail(CLI_FAILED, "out of memory");
}

static void subject_close(subject *s)
{
    cli_world_close(&s->world);
    cj_arena_delete(s->arena);
    for (int k = 0; k < KIND_COUNT; k++)
        free(s->kinds[k].blocks);
}

static int subject_open(subject *s, const char *tier, const char *path, const bench_settings *settings)
{
    cli_invocation asked = settings->asked;
    cj_error err;
    s->tier = tier;
    int status = cli_set_tier(&asked.common, "bench", tier);
    if (status == CLI_OK)
        status = cli_world_open(&s->world, path, &asked);
    if (status == CLI_OK && cj_arena_new(NULL, &s->arena) != CJ_OK)
        status = out_of_memory();
    for (int k = 0; status == CLI_OK && k < KIND_COUNT; k++) {
        s->kinds[k].blocks = calloc(settings->rounds, sizeof(double));
        if (!s->kinds[k].blocks)
            status = out_of_memory();
    }
    if (status == CLI_OK &&
        cj_instantiate(s->world.store, s->world.linker, s->world.session.component, &s->instance, &err) != CJ_OK)
        status = cli_fail_instantiate(&s->world.session, &err, settings->asked.imports);
    return status;
}

static bool has_own(const cj_type *type)
{
    if (cj_type_kind(type) == CJ_KIND_OWN)
        return true;
    for (uint32_t i = 0; i < cj_type_count(type); i++) {
        const cj_type *member = cj_type_member(type, i);
        if (member && has_own(member))
            return true;
    }
    return false;
}

/* Writes the arguments to the host layout, once. */
static int subject_prepare(subject *s, const char *text)
{
    size_t i, nargs;
    cj_val *args;
    cj_error err;
    cj_arena_reset(s->world.values);
    cj_arena_reset(s->arena);
    if (cj_wave_parse_call(s->world.session.component, text, strlen(text), &i, &args, &nargs, s->world.values, &err) !=
        CJ_OK)
        return cli_fail_text("--invoke", text, &err);
    const cj_functype *type = cj_component_export(s->world.session.component, i).type;
    s->func = cj_instance_func_at(s->instance, i);
    s->result_type = cj_functype_result(type);
    s->owns = s->result_type && has_own(s->result_type);
    s->stride = 0;
    s->args = s->results = NULL;
    if (s->result_type) {
        size_t align = cj_type_align(s->result_type);
        size_t size = (cj_type_size(s->result_type) + align - 1) / align * align;
        s->stride = s->owns ? size : 0;
        s->results = cj_arena_alloc(s->world.values, size * (s->owns ? KEPT_RESULTS : 1), align);
        if (!s->results)
            return out_of_memory();
    }
    if (nargs) {
        s->args = cj_arena_alloc(s->world.values, cj_functype_args_size(type), cj_functype_args_align(type));
        if (!s->args)
            return out_of_memory();
        memset(s->args, 0, cj_functype_args_size(type));
    }
    for (uint32_t p = 0; p < nargs; p++)
        if (cj_val_store(cj_functype_param(type, p), &args[p], (char *)s->args + cj_functype_param_offset(type, p),
                         s->world.values, &err) != CJ_OK)
            return cli_fail_text("--invoke", text, &err);

    s->calls_made = 0;
    s->why_not[0] = 0;
    for (int k = 0; k < KIND_COUNT; k++) {
        cj_step_ticks ticks;
        s->kinds[k] = (contender){.blocks = s->kinds[k].blocks, .count = 1};
        s->kinds[k].there = cj_func_time(s->func, timings[k], &ticks, &err) == CJ_OK;
        if (!s->kinds[k].there && k < REALLOC)
            snprintf(s->why_not, sizeof(s->why_not), "%s", err.message);
    }
    cj_func_time(s->func, CJ_TIMING_OFF, NULL, NULL);
    return CLI_OK;
}

/* -- Blocks -------------------------------------------------------------------------------------------------------------- */

static void drop_owned(cj_store *store, const cj_type *type, const cj_val *val)
{
    switch (cj_type_kind(type)) {
    case CJ_KIND_OWN:
        cj_resource_drop(store, val->of.handle, NULL);
        return;
    case CJ_KIND_LIST:
        for (size_t i = 0; i < val->of.seq.len; i++)
            drop_owned(store, cj_type_member(type, 0), &val->of.seq.ptr[i]);
        return;
    case CJ_KIND_RECORD:
    case CJ_KIND_TUPLE:
        for (uint32_t i = 0; i < val->of.seq.len; i++)
            drop_owned(store, cj_type_member(type, i), &val->of.seq.ptr[i]);
        return;
    case CJ_KIND_VARIANT:
    case CJ_KIND_RESULT:
    case CJ_KIND_OPTION:
        if (val->of.choice.payload) /* an option's only member is that of `some` */
            drop_owned(store, cj_type_member(type, cj_type_kind(type) == CJ_KIND_OPTION ? 0 : val->of.choice.index),
                       val->of.choice.payload);
        return;
    default:
        return;
    }
}

static int drop_results(subject *s, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        cj_val val;
        cj_error err;
        if (cj_val_load(s->result_type, (char *)s->results + i * s->stride, &val, s->arena, &err) != CJ_OK)
            return cli_fail_error(s->world.session.file, &err);
        drop_owned(s->world.store, s->result_type, &val);
    }
    cj_arena_reset(s->arena);
    return CLI_OK;
}

/* The loop that is timed. */
static cj_status call_many(subject *s, uint64_t count)
{
    cj_status status = CJ_OK;
    char *result = s->results;
    for (uint64_t i = 0; i < count && status == CJ_OK; i++, result += s->stride) {
        if (!s->owns)
            cj_arena_reset(s->arena);
        status = cj_call_native(s->func, s->args, result, s->arena);
    }
    return status;
}

/* One block: its time per call, and its ticks. */
static int time_block(subject *s, kind k, double *ns, cj_step_ticks *ticks)
{
    uint64_t count = s->kinds[k].count;
    cj_error err;
    memset(ticks, 0, sizeof(*ticks));
    if (cj_func_time(s->func, timings[k], ticks, &err) != CJ_OK)
        return cli_fail_error(s->world.session.file, &err);
    double start = now_ns();
    cj_status called = call_many(s, count);
    *ns = (now_ns() - start) / (double)count;
    cj_func_time(s->func, CJ_TIMING_OFF, NULL, NULL);
    if (called != CJ_OK) {
        cli_fail_error(s->world.session.file, cj_store_error(s->world.store));
        if (s->calls_made == 0 && count == 1)
            return cli_fail(CLI_FAILED, "the first call failed, tier %s", s->tier);
        return cli_fail(CLI_FAILED, "the call failed, tier %s, after %llu calls and at most %llu more", s->tier,
                        (unsigned long long)s->calls_made, (unsigned long long)count - 1);
    }
    if (k != ENTRY)
        s->calls_made += count;
    return s->owns && k != ENTRY ? drop_results(s, count) : CLI_OK;
}

/* How many calls fill a block; warms up on the way. The fastest of a few tries, or one disturbance would make all blocks short. */
static int calibrate(subject *s, kind k, double block_ns)
{
    enum { TRIES = 3 };
    contender *c = &s->kinds[k];
    uint64_t most = s->owns ? KEPT_RESULTS : UINT64_MAX / 16;
    for (;;) {
        double fastest = 0;
        for (int i = 0; i < TRIES && (i == 0 || fastest < 1e8); i++) {
            double ns;
            cj_step_ticks ticks;
            int status = time_block(s, k, &ns, &ticks);
            if (status != CLI_OK)
                return status;
            ns *= (double)c->count;
            fastest = i == 0 || ns < fastest ? ns : fastest;
        }
        if (fastest >= block_ns / 4) {
            double fits = (double)c->count * block_ns / fastest;
            c->count = fits < 1 ? 1 : fits > (double)most ? most : (uint64_t)fits;
            return CLI_OK;
        }
        if (c->count == most)
            return CLI_OK;
        c->count = c->count > most / 8 ? most : c->count * (fastest < block_ns / 64 ? 8 : 2);
    }
}

static double total_ticks(const cj_step_ticks *t)
{
    return (double)(t->lower + t->core + t->lift + t->post_return + t->realloc);
}

static int measure_round(subject *s, uint32_t round)
{
    for (int k = 0; k < KIND_COUNT; k++) {
        contender *c = &s->kinds[k];
        cj_step_ticks ticks;
        if (!c->there)
            continue;
        int status = time_block(s, (kind)k, &c->blocks[round], &ticks);
        if (status != CLI_OK)
            return status;
        if (round == 0 || total_ticks(&ticks) < c->best) {
            c->best = total_ticks(&ticks);
            c->fastest = ticks;
        }
    }
    return CLI_OK;
}

/* -- Figures ------------------------------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double fastest_block(contender *c, uint32_t rounds, double *spread)
{
    qsort(c->blocks, rounds, sizeof(double), by_value);
    *spread = c->blocks[rounds / 2] / c->blocks[0] - 1;
    return c->blocks[0];
}

static double above_zero(double x)
{
    return x > 0 ? x : 0;
}

static void split(bench_figures *f, subject *s, double tick_ns, double stamp_ticks)
{
    const cj_step_ticks *t = &s->kinds[STEPS].fastest;
    double ignored, calls = (double)t->calls, sum = 0;
    const uint64_t ticks[STEP_COUNT] = {
        [STEP_LOWER] = t->lower, [STEP_CORE] = t->core, [STEP_LIFT] = t->lift, [STEP_POST_RETURN] = t->post_return};
    double entry = fastest_block(&s->kinds[ENTRY], f->rounds, &ignored);
    f->split = true;
    f->stamped[STEP_ENTRY] = entry;
    f->steps[STEP_ENTRY] = entry < f->ns ? entry : f->ns;
    for (int i = STEP_LOWER; i < STEP_COUNT; i++) {
        f->stamped[i] = ticks[i] ? above_zero((double)ticks[i] / calls - stamp_ticks) * tick_ns : 0;
        sum += f->stamped[i];
    }
    double rest = f->ns - f->steps[STEP_ENTRY];
    f->fit = sum > 0 ? rest / sum : 1;
    for (int i = STEP_LOWER; i < STEP_COUNT; i++)
        f->steps[i] = sum > 0 ? f->stamped[i] * f->fit : i == STEP_CORE ? rest : 0;
    if (s->kinds[REALLOC].there) {
        const cj_step_ticks *r = &s->kinds[REALLOC].fastest;
        calls = (double)s->kinds[REALLOC].count;
        f->has_realloc = true;
        f->realloc_calls = (double)r->realloc_calls / calls;
        f->realloc_ns = above_zero((double)r->realloc - (double)r->realloc_calls * stamp_ticks) / calls * tick_ns;
        if (f->realloc_ns > f->steps[STEP_LOWER])
            f->realloc_ns = f->steps[STEP_LOWER];
    }
}

static void figures_of(bench_figures *f, subject *s, uint32_t rounds)
{
    double tick_ns, stamp_ticks;
    cj_timing_clock(&tick_ns, &stamp_ticks);
    *f = (bench_figures){.tier = s->tier, .rounds = rounds, .block_calls = s->kinds[WHOLE].count};
    f->ns = fastest_block(&s->kinds[WHOLE], rounds, &f->spread);
    if (s->kinds[ENTRY].there && s->kinds[STEPS].there && s->kinds[STEPS].fastest.calls)
        split(f, s, tick_ns, stamp_ticks);
    else
        snprintf(f->why_not, sizeof(f->why_not), "%s", s->why_not);
}

static int measure_call(subject *subjects, size_t count, const bench_settings *settings, const char *text,
                        bench_call *out)
{
    double budget = settings->seconds * 1e9, kinds = 0, ignored;
    cj_step_ticks ticks;
    int status = CLI_OK;
    for (size_t i = 0; i < count && status == CLI_OK; i++) {
        status = subject_prepare(&subjects[i], text);
        if (status == CLI_OK)
            status = time_block(&subjects[i], WHOLE, &ignored,
                                &ticks); /* WAMR compiles functions when they are first called */
        for (int k = 0; k < KIND_COUNT; k++)
            kinds += subjects[i].kinds[k].there;
    }
    double start = now_ns(), block = budget / (kinds * settings->rounds);
    block = block > longest_block ? longest_block : block;
    for (size_t i = 0; i < count && status == CLI_OK; i++)
        for (int k = 0; k < KIND_COUNT && status == CLI_OK; k++)
            status = subjects[i].kinds[k].there ? calibrate(&subjects[i], (kind)k, block) : CLI_OK;
    uint32_t rounds = 0;
    for (; status == CLI_OK && rounds < settings->rounds && (rounds < MIN_ROUNDS || now_ns() - start < budget);
         rounds++)
        for (size_t i = 0; i < count && status == CLI_OK; i++)
            status = measure_round(&subjects[i], rounds);
    if (status != CLI_OK)
        return status;
    const cj_functype *type = cj_func_type(subjects[0].func);
    size_t size = cj_functype_format(type, NULL, 0) + 1;
    *out = (bench_call){.text = text, .function = cj_func_name(subjects[0].func), .tier_count = count};
    out->type = malloc(size);
    out->tiers = calloc(count, sizeof(*out->tiers));
    if (!out->type || !out->tiers)
        return out_of_memory();
    cj_functype_format(type, out->type, size);
    for (size_t i = 0; i < count; i++)
        figures_of(&out->tiers[i], &subjects[i], rounds);
    return CLI_OK;
}

/* -- The verb ------------------------------------------------------------------------------------------------------------ */

static bool is_utf8(const bench_settings *settings)
{
    return !settings->ascii && setlocale(LC_CTYPE, "") && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static int terminal_width(void)
{
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40 ? size.ws_col : 80;
}

static int measure_all(subject *subjects, size_t count, const bench_settings *settings)
{
    double tick_ns, stamp_ticks;
    cj_timing_clock(&tick_ns, &stamp_ticks);
    bench_results results = {.file = subjects[0].world.session.file, .stamp_ns = tick_ns * stamp_ticks};
    bench_svg svg;
    if (settings->svg && bench_open_svg(settings->svg, &svg) != CLI_OK)
        return CLI_FAILED;
    results.calls = calloc(settings->asked.call_count, sizeof(*results.calls));
    int status = results.calls ? CLI_OK : out_of_memory();
    bool utf8 = is_utf8(settings);
    for (size_t c = 0; c < settings->asked.call_count && status == CLI_OK; c++) {
        bench_call *call = &results.calls[results.call_count++];
        status = measure_call(subjects, count, settings, settings->asked.calls[c], call);
        if (status == CLI_OK && !settings->json) {
            bench_print(stdout, call, utf8, terminal_width());
            fflush(stdout);
        }
    }
    if (status == CLI_OK && settings->json)
        status = bench_print_json(stdout, &results);
    else if (status == CLI_OK)
        bench_print_legend(stdout, utf8);
    if (status == CLI_OK && settings->svg)
        status = bench_write_svg(&svg, &results);
    else if (settings->svg)
        bench_discard_svg(&svg);
    for (size_t c = 0; results.calls && c < results.call_count; c++) {
        free(results.calls[c].type);
        free(results.calls[c].tiers);
    }
    free(results.calls);
    return status;
}

/* Whether the build can compile calls. */
static bool has_jit(void)
{
    cj_config config;
    cj_engine *engine;
    cj_config_init(&config);
    config.tier = CJ_TIER_JIT;
    if (cj_engine_new(&config, &engine, NULL) != CJ_OK)
        return false;
    cj_engine_delete(engine);
    return true;
}

static int bench_component(const char *path, void *arg)
{
    bench_settings *settings = arg;
    subject subjects[MAX_TIERS] = {0};
    size_t count = 0, chosen = 0;
    int status = CLI_OK;
    for (int t = 0; t < MAX_TIERS; t++)
        chosen += settings->tiers[t];
    if (chosen == 0) {
        settings->tiers[0] = has_jit();
        settings->tiers[1] = true;
        chosen = (size_t)settings->tiers[0] + 1;
    }
    if (strcmp(path, "-") == 0 && chosen > 1)
        return cli_fail(CLI_USAGE, "bench: standard input is read once: choose one --tier");
    for (int t = 0; t < MAX_TIERS && status == CLI_OK; t++)
        if (settings->tiers[t])
            status = subject_open(&subjects[count++], tier_names[t], path, settings);
    if (status == CLI_OK)
        status = measure_all(subjects, count, settings);
    for (size_t i = 0; i < count; i++)
        subject_close(&subjects[i]);
    return status;
}

static int apply_option(void *arg, int option, const char *value)
{
    bench_settings *settings = arg;
    char *end;
    int tier;
    switch (option) {
    case TIER:
        if (cli_choose("bench", "tier", value, tier_names, MAX_TIERS, &tier) != CLI_OK)
            return CLI_USAGE;
        settings->tiers[tier] = true;
        return CLI_OK;
    case ROUNDS: {
        unsigned long n = strtoul(value, &end, 10);
        if (end == value || *end || n < MIN_ROUNDS || n > MAX_ROUNDS)
            return cli_fail(CLI_USAGE, "bench: --rounds %s: expected a number from %d to %d", value, MIN_ROUNDS,
                            MAX_ROUNDS);
        settings->rounds = (uint32_t)n;
        return CLI_OK;
    }
    case TIME:
        settings->seconds = strtod(value, &end);
        if (end == value || *end || !(settings->seconds > 0 && settings->seconds <= 1e6))
            return cli_fail(CLI_USAGE, "bench: --time %s: expected seconds, more than 0: 2 or 0.5", value);
        return CLI_OK;
    case PROFILE:
        return cli_set_profile(&settings->asked.common, "bench", value);
    case UNKNOWN_IMPORTS:
        return cli_set_imports(&settings->asked.imports, "bench", value);
    case JSON:
        settings->json = true;
        return CLI_OK;
    case SVG:
        settings->svg = value;
        return CLI_OK;
    case ASCII:
        settings->ascii = true;
        return CLI_OK;
    case GIVEN:
        return cli_set_given(&settings->asked.common, value);
    default:
        return cli_set_limit(&settings->asked.common, value);
    }
}

static int run(const cli_verb *verb, int argc, char **argv)
{
    bench_settings settings = {.rounds = 60, .seconds = 2};
    cli_settings_init(&settings.asked.common);
    return cli_invoke(verb, argc, argv, &settings.asked, &settings, apply_option, bench_component, "");
}

const cli_verb cli_bench = {
    .name = "bench",
    .operands = "COMPONENT",
    .summary = "Times calls of functions of a component, and the steps of these calls",
    .details =
        "CALL is as in `canonjit run`. The same call is made over and over in one instance, through the native door\n"
        "with arguments that are ready in memory, once per tier. Figures are nanoseconds per call, of the fastest\n"
        "of many blocks of about a millisecond; the blocks of all tiers and kinds take turns. \"+-\" is how far the\n"
        "median block lies above the fastest.\n\n"
        "  entry        flags, jump buffer, thread and stack checks, and nothing else\n"
        "  lower        arguments into the guest's memory, its realloc included\n"
        "  core         the core function, with all that it calls\n"
        "  lift         the result out of the guest's memory\n"
        "  post-return  the guest's clean-up\n\n"
        "The whole and the entry are timed by the clock, with the code that always runs. The other steps are shares of what\n"
        "the entry leaves: they come from calls that read the processor's counter between steps, less what reading\n"
        "costs. \"fit\" is what they had to be multiplied by to fill that: near 1 they are as good as the\n"
        "whole; far from it the steps take less time than reading the counter, and are rough.\n",
    .options = options,
    .option_count = CLI_COUNT(options),
    .run = run,
};
