/* main.c: canonjit-bench: what a call across the boundary costs, as compiled thunk, as interpreted plan, with dynamic values, and as C
 * written by hand against the same core functions, in one run.
 *
 *     canonjit-bench [--json] [--rounds N] [--block US] [--only TEXT] FOLDER     FOLDER: with the components of tests/guests
 *     canonjit-bench --smoke [--factor F] [--max-spread S] [--only TEXT] FOLDER
 *
 * Three directions: the host calls a guest (bench.wasm), the guest calls the host, one component calls another (with-bench-*.wasm). In the latter
 * two a loop of the guest is what is timed: the host's entry is paid once in a million of its calls.
 */
#include "bench.h"
#include "read_file.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef CJ_BENCH_BY_HAND
#define CJ_BENCH_BY_HAND 0
#endif

typedef struct row {
    const char *label;
    cjb_call call;
    uint32_t n;
} row;

static const row rows[] = {
    {"nop", CJB_NOP, 0},
    {"add", CJB_ADD, 1},
    {"16 params", CJB_PARAMS16, 1},
    {"option in", CJB_OPTION_IN, 7},
    {"result in", CJB_RESULT_IN, 7},
    {"variant in", CJB_VARIANT_IN, 1},
    {"string in, 16 B", CJB_STRING_IN, 16},
    {"string in, 1 KiB", CJB_STRING_IN, 1024},
    {"string in, 64 KiB", CJB_STRING_IN, 65536},
    {"list<u8> in, 16 B", CJB_BYTES_IN, 16},
    {"list<u8> in, 1 KiB", CJB_BYTES_IN, 1024},
    {"list<u8> in, 64 KiB", CJB_BYTES_IN, 65536},
    {"list<u32> in, 16384", CJB_NUMBERS_IN, 16384},
    {"list<record> in, 1000", CJB_ITEMS_IN, 1000},
    {"list<string> in, 1000", CJB_STRINGS_IN, 1000},
    {"option out", CJB_OPTION_OUT, 7},
    {"result out", CJB_RESULT_OUT, 7},
    {"variant out", CJB_VARIANT_OUT, 1},
    {"string out, 16 B", CJB_STRING_OUT, 16},
    {"string out, 1 KiB", CJB_STRING_OUT, 1024},
    {"string out, 64 KiB", CJB_STRING_OUT, 65536},
    {"list<u8> out, 16 B", CJB_BYTES_OUT, 16},
    {"list<u8> out, 1 KiB", CJB_BYTES_OUT, 1024},
    {"list<u8> out, 64 KiB", CJB_BYTES_OUT, 65536},
    {"list<u32> out, 16384", CJB_NUMBERS_OUT, 16384},
    {"list<record> out, 1000", CJB_ITEMS_OUT, 1000},
    {"list<string> out, 1000", CJB_STRINGS_OUT, 1000},
};

/* One component calls another: with-bench-FROM-TO.wasm. Strings are measured in all pairs, in characters; the rest in one. */
typedef struct pair_row {
    const char *label;
    bool thing; /* `which` is a cjb_thing, else a cjb_call */
    int which;
    uint32_t n;
    bool every_pair; /* the label is without its encodings */
} pair_row;

static const pair_row pair_rows[] = {
    {"nop", false, CJB_NOP, 0, false},
    {"add", false, CJB_ADD, 1, false},
    {"option<u32>", false, CJB_OPTION_IN, 7, false},
    {"16 params", false, CJB_PARAMS16, 1, false},
    {"list<u8>, 16 B", false, CJB_BYTES_IN, 16, false},
    {"list<u8>, 1 KiB", false, CJB_BYTES_IN, 1024, false},
    {"list<u8>, 64 KiB", false, CJB_BYTES_IN, 65536, false},
    {"list<u32>, 16384", false, CJB_NUMBERS_IN, 16384, false},
    {"list<record>, 1000", false, CJB_ITEMS_IN, 1000, false},
    {"list<string>, 1000", false, CJB_STRINGS_IN, 1000, false},
    {"borrow", true, CJB_LEND, 0, false},
    {"own, destructor", true, CJB_MAKE_THING, 0, false},
    {"own, no destructor", true, CJB_MAKE_BARE, 0, false},
    {"ascii 16", false, CJB_STRING_IN, 16, true},
    {"ascii 1024", false, CJB_STRING_IN, 1024, true},
    {"ascii 65536", false, CJB_STRING_IN, 65536, true},
    {"latin 16", true, CJB_LATIN_IN, 16, true},
    {"latin 1024", true, CJB_LATIN_IN, 1024, true},
    {"latin 65536", true, CJB_LATIN_IN, 65536, true},
};
static const char *const encodings[] = {"utf8", "utf16", "compact"};

typedef enum direction { TO_GUEST, TO_HOST, ACROSS } direction;
static const char *const direction_names[] = {"host -> guest", "guest -> host", "component -> component"};

enum { HAND, THUNK, INTERP, DYNAMIC, WAMR, BARE, CONTENDERS };
static const char *const contender_names[CONTENDERS] = {"by hand", "thunk", "interp", "dynamic", "wamr", "bare"};

static void fail(const char *what, const cj_error *err)
{
    char text[512];
    cj_error_format(err, text, sizeof text);
    fprintf(stderr, "canonjit-bench: %s: %s\n", what, text);
    exit(1);
}

/* -- Host to guest ------------------------------------------------------------------------------------------------------ */

typedef struct export_call {
    cjb_session *session;
    cj_func *func;
    cjb_any args, result;
    cj_val values[16], value;
    size_t value_count, result_count;
} export_call;

static void run_native(void *arg, uint64_t count)
{
    export_call *c = arg;
    cj_arena *arena = c->session->arena;
    while (count--) {
        cj_arena_reset(arena);
        if (cj_call_native(c->func, &c->args, &c->result, arena) != CJ_OK)
            fail("call", cj_store_error(c->session->store));
    }
}

static void run_dynamic(void *arg, uint64_t count)
{
    export_call *c = arg;
    cj_arena *arena = c->session->arena;
    cj_error err;
    while (count--) {
        cj_arena_reset(arena);
        if (cj_call(c->func, c->values, c->value_count, &c->value, c->result_count, arena, &err) != CJ_OK)
            fail("call", &err);
    }
}

static void export_call_init(export_call *c, cjb_session *s, const row *r, cj_arena *keep)
{
    memset(c, 0, sizeof *c);
    c->session = s;
    c->func = s->calls[r->call];
    cjb_arguments(r->call, r->n, &c->args);
    const cj_functype *type = cj_func_type(c->func);
    c->value_count = cj_functype_param_count(type);
    c->result_count = cj_functype_result(type) != NULL;
    cj_error err;
    for (uint32_t i = 0; i < c->value_count; i++)
        if (cj_val_load(cj_functype_param(type, i), (char *)&c->args + cj_functype_param_offset(type, i), &c->values[i],
                        keep, &err) != CJ_OK)
            fail("arguments", &err);
}

/* -- Guest to host ------------------------------------------------------------------------------------------------------ */

/* One call of the guest's loop; the entry is paid once a block. */
static void run_drive(void *arg, uint64_t count)
{
    export_call *c = arg;
    c->args.u32[0] = (uint32_t)count;
    if (cj_call_native(c->func, &c->args, &c->result, c->session->arena) != CJ_OK)
        fail("drive", cj_store_error(c->session->store));
}

static void drive_init(export_call *c, cjb_session *s, cj_func *func, uint32_t n)
{
    memset(c, 0, sizeof *c);
    c->session = s;
    c->func = func;
    c->args.u32[1] = n;
}

/* -- Sessions ------------------------------------------------------------------------------------------------------------ */

typedef struct bench {
    cjb_session sessions[CONTENDERS];
    bool open[CONTENDERS];
    cjb_hand *hand;
    cj_arena *keep;
    cj_engine_stats stats;
    cjb_settings settings;
    bool json, first;
    cjb_smoke *smoke; /* NULL: the table of figures */
} bench;

static void open_session(bench *b, int which, const uint8_t *bytes, size_t size, cj_tier tier, cjb_host host,
                         bool required)
{
    cj_error err = {0};
    cj_status status = cjb_session_open(&b->sessions[which], bytes, size, tier, host, &err);
    if (status != CJ_OK && (required || status != CJ_UNSUPPORTED))
        fail("guest", &err);
    b->open[which] = status == CJ_OK;
}

static uint8_t *read_guest(const char *folder, const char *name, size_t *size)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.wasm", folder, name);
    return cjb_read_file(path, size, 1);
}

static void bench_open(bench *b, const char *folder)
{
    size_t size;
    uint8_t *bytes = read_guest(folder, "bench", &size);
    open_session(b, THUNK, bytes, size, CJ_TIER_JIT, CJB_HOST_NATIVE, false);
    open_session(b, INTERP, bytes, size, CJ_TIER_INTERP, CJB_HOST_NATIVE, true);
    open_session(b, DYNAMIC, bytes, size, b->open[THUNK] ? CJ_TIER_JIT : CJ_TIER_INTERP, CJB_HOST_DYNAMIC, true);
    if (b->open[THUNK]) {
        cj_engine_get_stats(b->sessions[THUNK].engine, &b->stats);
#if CJ_BENCH_BY_HAND
        open_session(b, HAND, bytes, size, CJ_TIER_JIT, CJB_HOST_NATIVE, true);
        b->hand = cjb_hand_new(&b->sessions[HAND]);
        cjb_hand_patch_imports(b->hand);
#endif
    }
    free(bytes);
    if (cj_arena_new(NULL, &b->keep) != CJ_OK)
        exit(1);
}

static void close_sessions(bench *b)
{
#if CJ_BENCH_BY_HAND
    cjb_hand_delete(b->hand);
    b->hand = NULL;
#endif
    for (int i = 0; i < CONTENDERS; i++)
        if (b->open[i])
            cjb_session_close(&b->sessions[i]);
    memset(b->open, 0, sizeof b->open);
}

static void bench_close(bench *b)
{
    close_sessions(b);
    cj_arena_delete(b->keep);
}

/* -- The table ------------------------------------------------------------------------------------------------------------ */

static void print_time(double ns)
{
    if (ns < 999.5)
        printf("%8.1f ns", ns);
    else if (ns < 999.5e3)
        printf("%8.2f us", ns / 1e3);
    else
        printf("%8.2f ms", ns / 1e6);
}

static bool has_column(direction d, int contender)
{
    return d == TO_GUEST || contender < (d == TO_HOST ? WAMR : DYNAMIC);
}

static void print_row(bench *b, direction d, const char *label, const cjb_contender *c, bool steady)
{
    const cjb_contender *base = c[HAND].body ? &c[HAND] : c[THUNK].body ? &c[THUNK] : &c[INTERP];
    if (b->json) {
        printf("%s\n  {\"direction\": \"%s\", \"row\": \"%s\", \"steady\": %s", b->first ? "" : ",", direction_names[d],
               label, steady ? "true" : "false");
        for (int i = 0; i < CONTENDERS; i++)
            if (c[i].body)
                printf(", \"%s\": {\"ns\": %.2f, \"ratio\": %.3f, \"spread\": %.3f}", c[i].name, c[i].ns,
                       c[i].ns / base->ns, c[i].spread);
        printf("}");
        b->first = false;
        return;
    }
    printf("%-27s", label);
    for (int i = 0; i < CONTENDERS && has_column(d, i); i++) {
        if (!c[i].body) {
            if (i < WAMR)
                printf("  %19s", "-");
            continue;
        }
        printf("  ");
        print_time(c[i].ns);
        if (&c[i] == base)
            printf(" ±%3.0f %%  ", 100 * c[i].spread);
        else
            printf(" %6.2fx", c[i].ns / base->ns);
    }
    printf("%s\n", steady ? "" : "  (unsteady)");
    fflush(stdout);
}

static void print_head(bench *b, direction d)
{
    if (b->json || b->smoke)
        return;
    printf("\n%-27s", direction_names[d]);
    for (int i = 0; i < CONTENDERS && has_column(d, i); i++)
        printf("  %19s", contender_names[i]);
    printf("\n");
}

static void measure_row(bench *b, direction d, const char *label, cjb_contender *c)
{
    if (b->smoke) {
        cjb_smoke_row(b->smoke, direction_names[d], label, &c[HAND], &c[THUNK]);
    } else {
        bool steady = cjb_measure(c, CONTENDERS, &b->settings);
        print_row(b, d, label, c, steady);
    }
}

static bool wanted(const bench *b, direction d, const char *label, const char *only)
{
    return strstr(label, only) && (!b->smoke || cjb_smoke_has(direction_names[d], label));
}

static void bench_row(bench *b, const row *r, bool to_guest)
{
    static export_call calls[CONTENDERS];
    cjb_contender c[CONTENDERS] = {0};
    for (int i = 0; i < CONTENDERS; i++) {
        c[i].name = contender_names[i];
        c[i].arg = &calls[i];
    }
    cj_arena_reset(b->keep);
    for (int i = THUNK; i <= DYNAMIC; i++) {
        if (!b->open[i])
            continue;
        if (to_guest)
            export_call_init(&calls[i], &b->sessions[i], r, b->keep);
        else
            drive_init(&calls[i], &b->sessions[i], b->sessions[i].drive[r->call], r->n);
        c[i].body = !to_guest ? run_drive : i == DYNAMIC ? run_dynamic : run_native;
    }
#if CJ_BENCH_BY_HAND
    static cjb_hand_call by_hand;
    if (b->hand && to_guest) {
        by_hand = (cjb_hand_call){.hand = b->hand, .call = r->call};
        cjb_arguments(r->call, r->n, &by_hand.args);
        c[HAND].arg = c[WAMR].arg = c[BARE].arg = &by_hand;
        c[HAND].body = cjb_hand_export;
        if (r->call == CJB_NOP || r->call == CJB_ADD) {
            c[WAMR].body = cjb_hand_wamr;
            c[BARE].body = cjb_hand_bare;
        }
        /* the store was entered last on this thread by whoever ran before: prepare it as a first call does */
        export_call prime;
        export_call_init(&prime, &b->sessions[HAND], r, b->keep);
        run_native(&prime, 1);
    } else if (b->hand) {
        drive_init(&calls[HAND], &b->sessions[HAND], b->sessions[HAND].drive[r->call], r->n);
        c[HAND].body = run_drive;
    }
#endif
    measure_row(b, to_guest ? TO_GUEST : TO_HOST, r->label, c);
}

/* -- Component to component ---------------------------------------------------------------------------------------------- */

static void pair_bench_row(bench *b, const pair_row *r, const char *label)
{
    static export_call calls[CONTENDERS];
    cjb_contender c[CONTENDERS] = {0};
    for (int i = 0; i <= INTERP; i++) {
        cjb_session *s = &b->sessions[i];
        c[i].name = contender_names[i];
        c[i].arg = &calls[i];
        if (!b->open[i])
            continue;
        drive_init(&calls[i], s, r->thing ? s->drive_things[r->which] : s->drive[r->which], r->n);
        c[i].body = run_drive;
    }
    measure_row(b, ACROSS, label, c);
}

/* The rows of one pair of encodings whose label contains `only`. */
static void bench_pair(bench *b, const char *folder, int from, int to, const char *only)
{
    bool opened = false;
    for (size_t i = 0; i < sizeof pair_rows / sizeof pair_rows[0]; i++) {
        const pair_row *r = &pair_rows[i];
        char label[64], name[64];
        snprintf(label, sizeof label, "%s-%s %s", encodings[from], encodings[to], r->label);
        if ((!r->every_pair && (from || to)) || !wanted(b, ACROSS, r->every_pair ? label : r->label, only))
            continue;
        if (!opened) {
            size_t size;
            snprintf(name, sizeof name, "with-bench-%s-%s", encodings[from], encodings[to]);
            uint8_t *bytes = read_guest(folder, name, &size);
            open_session(b, THUNK, bytes, size, CJ_TIER_JIT, CJB_HOST_NATIVE, false);
            open_session(b, INTERP, bytes, size, CJ_TIER_INTERP, CJB_HOST_NATIVE, true);
#if CJ_BENCH_BY_HAND
            open_session(b, HAND, bytes, size, CJ_TIER_JIT, CJB_HOST_NATIVE, true);
            cjb_pair_patch(&b->sessions[HAND], from, to);
#endif
            free(bytes);
            opened = true;
        }
        pair_bench_row(b, r, r->every_pair ? label : r->label);
    }
    close_sessions(b);
}

static void usage(FILE *to)
{
    fprintf(
        to,
        "usage: canonjit-bench [--json] [--rounds N] [--block US] [--only TEXT] FOLDER\n"
        "  --json        the table as JSON\n"
        "  --rounds N    blocks per contender and row (60)\n"
        "  --block US    length of a block in microseconds (1000); many short ones find undisturbed moments on a busy machine\n"
        "  --only TEXT   rows whose name contains TEXT\n"
        "  --smoke       whether ratios are what they should be: exit status 1 when one is over twice that\n"
        "  --factor F    how many times that is too slow (2)\n"
        "  --max-spread S    skip rows whose baseline spreads further (20, in percent)\n");
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'},
                                            {"rounds", required_argument, NULL, 'r'},
                                            {"block", required_argument, NULL, 'b'},
                                            {"only", required_argument, NULL, 'o'},
                                            {"smoke", no_argument, NULL, 's'},
                                            {"factor", required_argument, NULL, 'f'},
                                            {"max-spread", required_argument, NULL, 'm'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    bench b = {.settings = {.rounds = 60, .block_ns = 1e6, .attempts = 4}, .first = true};
    cjb_smoke smoke = {.factor = 2, .max_spread = 0.20};
    const char *only = "";
    for (int o; (o = getopt_long(argc, argv, "h", options, NULL)) != -1;)
        switch (o) {
        case 'j':
            b.json = true;
            break;
        case 'r':
            b.settings.rounds = (uint32_t)strtoul(optarg, NULL, 10);
            break;
        case 'b':
            b.settings.block_ns = strtod(optarg, NULL) * 1e3;
            break;
        case 'o':
            only = optarg;
            break;
        case 's':
            b.smoke = &smoke;
            break;
        case 'f':
            smoke.factor = strtod(optarg, NULL);
            break;
        case 'm':
            smoke.max_spread = strtod(optarg, NULL) / 100;
            break;
        case 'h':
            usage(stdout);
            return 0;
        default:
            usage(stderr);
            return 2;
        }
    if (optind + 1 != argc) {
        usage(stderr);
        return 2;
    }
    bench_open(&b, argv[optind]);
    if (b.smoke && !b.hand) {
        fprintf(stderr, "canonjit-bench: unsupported: --smoke without a JIT (%s)\n", cj_build_info());
        bench_close(&b);
        return 1;
    }

    if (b.smoke)
        printf("%s\n", cj_build_info());
    else if (b.json)
        printf("{\"build\": \"%s\", \"rows\": [", cj_build_info());
    else
        printf(
            "%s\nns per call: the fastest of %u blocks of %g ms, interleaved; ratios to the first column, whose spread is median over "
            "fastest\n",
            cj_build_info(), b.settings.rounds, b.settings.block_ns / 1e6);
    for (direction d = TO_GUEST; d <= TO_HOST; d++) {
        print_head(&b, d);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
            if (wanted(&b, d, rows[i].label, only))
                bench_row(&b, &rows[i], d == TO_GUEST);
    }
    close_sessions(&b);
    print_head(&b, ACROSS);
    for (int pair = 0; pair < 9; pair++)
        bench_pair(&b, argv[optind], pair / 3, pair % 3, only);
    if (b.smoke) {
        bench_close(&b);
        return cjb_smoke_end(&smoke, only);
    }
    cjb_text_bench(&(cjb_text_options){.settings = &b.settings, .only = only, .json = b.json, .first = &b.first});
    double compile_ms =
        b.stats.thunks_compiled ? (double)b.stats.compile_ns / 1e6 / (double)b.stats.thunks_compiled : 0;
    if (b.json)
        printf("\n], \"thunks\": %llu, \"compile_ms_per_thunk\": %.3f}\n", (unsigned long long)b.stats.thunks_compiled,
               compile_ms);
    else if (b.stats.thunks_compiled)
        printf("\n%llu thunks compiled, %.2f ms each\n", (unsigned long long)b.stats.thunks_compiled, compile_ms);
    bench_close(&b);
    return 0;
}
