/* timing.c: what a call costs: nop, add, a string, a list of records, each through compiled thunks, through the plan
 * interpreter and with dynamic values. `make demo` shows it; the benchmark proper, with its baselines, is bench/.
 *
 *     ./timing bench-exports.wasm
 */
#include <canonjit.h>

#include "read_file.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

typedef struct item {
    uint32_t a;
    uint64_t b;
    float c;
} item;

enum { TEXT_BYTES = 1024, ITEMS = 1000, BLOCKS = 40 };

static char text[TEXT_BYTES];
static item items[ITEMS];

typedef struct session {
    cj_engine *engine;
    cj_component *component;
    cj_store *store;
    cj_instance *instance;
} session;

/* One function, called in either way. */
typedef struct subject {
    const char *path, *what;
    size_t nargs;
    cj_val vals[2];
    const void *args;
    bool has_result;
} subject;

static void fail(const cj_error *err)
{
    print_error(err);
    exit(1);
}

static session open_session(file_bytes file, cj_tier tier)
{
    session s = {NULL, NULL, NULL, NULL};
    cj_config config;
    cj_config_init(&config);
    config.tier = tier;
    cj_error err;
    if (cj_engine_new(&config, &s.engine, &err) != CJ_OK ||
        cj_component_new(s.engine, file.bytes, file.size, &s.component, &err) != CJ_OK ||
        cj_store_new(s.engine, NULL, NULL, &s.store, &err) != CJ_OK ||
        cj_instantiate(s.store, NULL, s.component, &s.instance, &err) != CJ_OK)
        fail(&err);
    return s;
}

static void close_session(session *s)
{
    cj_store_delete(s->store);
    cj_component_delete(s->component);
    cj_engine_delete(s->engine);
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Results are small here: room for any of them. */
static void call(const session *s, cj_func *func, const subject *what, bool dynamic)
{
    _Alignas(16) char result[64];
    cj_val result_val;
    cj_error err;
    cj_status status = dynamic ? cj_call(func, what->vals, what->nargs, &result_val, what->has_result, NULL, &err)
                               : cj_call_native(func, what->args, result, NULL);
    if (status != CJ_OK)
        fail(dynamic ? &err : cj_store_error(s->store));
}

/* The fastest of many blocks of about a millisecond, in nanoseconds a call: a disturbance only ever adds time. */
static double measure(const session *s, const subject *what, bool dynamic)
{
    cj_func *func = cj_instance_func(s->instance, what->path);
    if (!func) {
        fprintf(stderr, "no %s in the component\n", what->path);
        exit(1);
    }
    /* The guest's own code is compiled when it is first called, the rest of it meanwhile. */
    uint64_t warm = now_ns() + 20000000, count = 1;
    do
        call(s, func, what, dynamic);
    while (now_ns() < warm);
    for (;;) {
        uint64_t start = now_ns();
        for (uint64_t i = 0; i < count; i++)
            call(s, func, what, dynamic);
        if (now_ns() - start > 500000)
            break;
        count *= 2;
    }
    double best = 0;
    for (int block = 0; block < BLOCKS; block++) {
        uint64_t start = now_ns();
        for (uint64_t i = 0; i < count; i++)
            call(s, func, what, dynamic);
        double ns = (double)(now_ns() - start) / (double)count;
        if (block == 0 || ns < best)
            best = ns;
    }
    return best;
}

static cj_val u32(uint32_t v)
{
    return (cj_val){.kind = CJ_KIND_U32, .of.u32 = v};
}

int main(int argc, char **argv)
{
    file_bytes file = read_file(argc > 1 ? argv[1] : "bench-exports.wasm");
    memset(text, 'x', sizeof(text));
    static cj_val fields[ITEMS][3], records[ITEMS];
    for (uint32_t i = 0; i < ITEMS; i++) {
        items[i] = (item){i, (uint64_t)i << 32, 0.5f};
        fields[i][0] = u32(i);
        fields[i][1] = (cj_val){.kind = CJ_KIND_U64, .of.u64 = (uint64_t)i << 32};
        fields[i][2] = (cj_val){.kind = CJ_KIND_F32, .of.f32 = 0.5f};
        records[i] = (cj_val){.kind = CJ_KIND_RECORD, .of.seq = {fields[i], 3}};
    }
    static const uint32_t add_args[2] = {1, 2}, n16 = 16;
    static const cj_string string_args = {text, TEXT_BYTES};
    static const cj_list list_args = {items, ITEMS};
    const subject subjects[] = {
        {"test:bench/calls@1.0.0#nop", "nop", 0, {{0}}, NULL, false},
        {"test:bench/calls@1.0.0#add", "add two u32", 2, {u32(1), u32(2)}, add_args, true},
        {"test:bench/calls@1.0.0#string-in",
         "string of 1 KiB in",
         1,
         {{.kind = CJ_KIND_STRING, .of.string = {text, TEXT_BYTES}}},
         &string_args,
         true},
        {"test:bench/calls@1.0.0#string-out", "string of 16 bytes out", 1, {u32(16)}, &n16, true},
        {"test:bench/calls@1.0.0#items-in",
         "1000 records {u32, u64, f32} in",
         1,
         {{.kind = CJ_KIND_LIST, .of.seq = {records, ITEMS}}},
         &list_args,
         true},
    };

    /* Without LLVM there is only the interpreter. */
    bool compiled = strstr(cj_build_info(), "no LLVM") == NULL;
    printf("%-34s %12s %12s %12s\n", "nanoseconds a call", compiled ? "compiled" : "-", "interpreted", "dynamic");
    session jit = compiled ? open_session(file, CJ_TIER_JIT) : (session){NULL, NULL, NULL, NULL};
    session interp = open_session(file, CJ_TIER_INTERP);
    for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
        const subject *what = &subjects[i];
        printf("%-34s ", what->what);
        if (compiled)
            printf("%12.1f ", measure(&jit, what, false));
        else
            printf("%12s ", "-");
        printf("%12.1f %12.1f\n", measure(&interp, what, false), measure(compiled ? &jit : &interp, what, true));
    }
    if (compiled) {
        cj_engine_stats stats;
        cj_engine_get_stats(jit.engine, &stats);
        printf("%" PRIu64 " thunks compiled in %.1f ms\n", stats.thunks_compiled, (double)stats.compile_ns / 1e6);
        close_session(&jit);
    }
    close_session(&interp);
    free(file.bytes);
    return 0;
}
