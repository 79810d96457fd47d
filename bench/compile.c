/* compile.c: canonjit-compile-bench: how long LLVM takes to compile a thunk, over a fixed set of shapes.
 *
 * The shapes are those of functions of WASI 0.2 and of what plug-ins export, each as an export, as an import and as a call between two
 * components. Time is the compiler thread's processor time, from the plan to code that can be called; the first thunk, which pays for what
 * LLVM sets up once, is left out. Machines and their load differ: compare figures of one run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <llvm-c/Core.h>
#include <llvm-c/Support.h>

#include "abi/plan.h"
#include "exec/exec.h"
#include "exec/llvm/tuning.h"

/* -- Shapes --------------------------------------------------------------------------------------------------------- */

#define TIME "record<u64,u32>"
#define FAILED "variant<own,_>"
#define CODE "enum<37>"
#define STAT "record<enum<8>,u64,u64,option<" TIME ">,option<" TIME ">,option<" TIME ">>"
#define NEW_TIME "variant<_,_," TIME ">"
#define IP "variant<record<u16,tuple<u8,u8,u8,u8>>,record<u16,u32,tuple<u16,u16,u16,u16,u16,u16,u16,u16>,u32>>"
#define NET "enum<21>"
#define HTTP_ERROR \
    "variant<_,record<option<string>,option<u16>>,_,_,_,_,_,_,_,_,_,_,_,_,record<option<u8>,option<string>>,_,_," \
    "option<u64>,_,_,_,option<u32>,option<record<option<string>,option<u32>>>,option<u32>,record<option<string>,option<u32>>,_," \
    "option<u32>,record<option<string>,option<u32>>,option<u64>,option<u32>,record<option<string>,option<u32>>,option<string>," \
    "option<string>,_,_,_,_,_,option<string>>"
#define ALL "u8,s8,u16,s16,u32,s32,u64,s64,f32,f64,char,bool"
#define POINT "record<f32,f32,f32>"

/* Parameters -> result. "_" is no type. */
static const char *const shapes[] = {
    "->",
    "-> u64",
    "u32 u32 -> u32",
    "f64 f64 f64 -> f64",
    "string -> string",
    "string ->",
    "string string -> bool",
    "u64 -> list<u8>",
    "list<u8> ->",
    "list<u8> -> list<u8>",
    "-> " TIME,
    "borrow u64 -> result<list<u8>," FAILED ">",
    "borrow list<u8> -> result<_," FAILED ">",
    "borrow -> result<u64," FAILED ">",
    "borrow borrow u64 -> result<u64," FAILED ">",
    "-> list<tuple<string,string>>",
    "-> list<string>",
    "-> option<string>",
    "result<_,_> ->",
    "borrow u64 u64 -> result<tuple<list<u8>,bool>," CODE ">",
    "borrow list<u8> u64 -> result<u64," CODE ">",
    "borrow flags<1> string flags<4> flags<6> -> result<own," CODE ">",
    "borrow -> result<" STAT "," CODE ">",
    "borrow flags<1> string -> result<" STAT "," CODE ">",
    "borrow string -> result<_," CODE ">",
    "borrow flags<1> string borrow string -> result<_," CODE ">",
    "borrow " NEW_TIME " " NEW_TIME " -> result<_," CODE ">",
    "-> list<tuple<own,string>>",
    "borrow -> result<option<record<enum<8>,string>>," CODE ">",
    "list<borrow> -> list<u32>",
    "string u32 -> own",
    "own ->",
    "borrow string -> list<list<u8>>",
    "borrow string list<list<u8>> -> result<_,variant<_,_,_>>",
    "list<tuple<string,list<u8>>> -> result<own,variant<_,_,_>>",
    "borrow -> variant<_,_,_,_,_,_,_,_,_,string>",
    "borrow -> option<variant<_,_,string>>",
    "borrow option<string> -> result<_,_>",
    "own result<own," HTTP_ERROR "> ->",
    "own option<own> -> result<own," HTTP_ERROR ">",
    "borrow borrow " IP " -> result<_," NET ">",
    "borrow -> result<" IP "," NET ">",
    "borrow u64 -> result<list<record<list<u8>," IP ">>," NET ">",
    "borrow list<record<list<u8>,option<" IP ">>> -> result<u64," NET ">",
    "list<f32> -> f32",
    "list<f64> list<f64> -> list<f64>",
    "record<f64,f64> record<f64,f64> -> f64",
    "list<" POINT "> -> record<" POINT "," POINT ">",
    "list<record<u32,u64,f32>> -> list<record<u32,u64,f32>>",
    "string list<string> -> result<string,string>",
    "list<record<string,list<string>,option<u32>>> -> list<record<string,u32>>",
    "enum<4> char bool -> flags<8>",
    "record<" ALL "> -> record<" ALL ">",
    "u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 -> u64",
    "list<list<list<u32>>> -> list<list<string>>",
    "option<option<u32>> -> result<option<string>,variant<u32,f64,string>>",
    "record<string,string,option<string>,list<u8>,bool,u32> -> record<u16,list<tuple<string,string>>,list<u8>>",
    "list<variant<u32,f64,string,list<u8>,_>> -> variant<u32,f64,string,list<u8>,_>",
    "list<record<" ALL ">> -> list<tuple<u32,string>>",
};

/* -- Types from words ----------------------------------------------------------------------------------------------- */

static cj_types *types;

static void give_up(const char *what, const char *at)
{
    fprintf(stderr, "canonjit-compile-bench: %s: %s\n", what, at);
    exit(1);
}

static const cj_type *parse_type(const char **at);

static const cj_type *make(const char *name, size_t len, cj_param *members, uint32_t count)
{
    static const struct {
        const char *name;
        cj_kind kind;
    } kinds[] = {
#define CJ_X(kind, wit) {wit, CJ_KIND_##kind},
        CJ_KIND_MAP(CJ_X)
#undef CJ_X
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strlen(kinds[i].name) != len || memcmp(kinds[i].name, name, len) != 0)
            continue;
        cj_kind kind = kinds[i].kind;
        const cj_type *type = kind <= CJ_KIND_STRING ? cj__type_scalar(types, kind, NULL)
                              : kind == CJ_KIND_OWN || kind == CJ_KIND_BORROW
                                  ? cj__type_handle(types, kind, 1, NULL)
                                  : cj__type_make(types, kind, members, count, NULL);
        if (!type)
            break;
        return type;
    }
    give_up("no type", name);
    return NULL;
}

static const cj_type *parse_type(const char **at)
{
    enum { MAX = 64 };
    cj_param members[MAX];
    char names[MAX][8];
    const char *name = *at;
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
    uint32_t count = 0;
    *at += len;
    if (len == 1 && name[0] == '_')
        return NULL;
    if (**at != '<')
        return make(name, len, NULL, 0);
    bool labels = (*at)[1] >= '0' && (*at)[1] <= '9';
    uint32_t wanted = labels ? (uint32_t)strtoul(*at + 1, (char **)(uintptr_t)at, 10) : MAX;
    while (count < wanted && count < MAX && (labels || **at != '>')) {
        if (!labels)
            ++*at; /* "<" or "," */
        snprintf(names[count], sizeof(names[count]), "m%u", count);
        members[count].name = cj__str(names[count]);
        members[count].type = labels ? NULL : parse_type(at);
        count++;
    }
    ++*at; /* ">" */
    return make(name, len, members, count);
}

static const cj_functype *parse_func(const char *at)
{
    cj_param params[32] = {{{0}, NULL}};
    uint32_t count = 0;
    while (strncmp(at, "->", 2) != 0) {
        static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l",
                                            "m", "n", "o", "p", "q", "r", "s", "t", "u", "v", "w", "x"};
        params[count].name = cj__str(names[count]);
        params[count++].type = parse_type(&at);
        at += *at == ' ';
    }
    at += 2;
    at += *at == ' ';
    const cj_type *result = *at ? parse_type(&at) : NULL;
    const cj_functype *type = cj__functype_make(types, params, count, result, false, NULL);
    if (!type || *at)
        give_up("no function type", at);
    return type;
}

/* -- Measuring ------------------------------------------------------------------------------------------------------ */

typedef struct sample {
    char name[80];
    double ms;
    size_t bytes;
} sample;

static sample samples[4 * sizeof(shapes) / sizeof(shapes[0])];
static size_t sample_count;

static void note(void *user, const cj_thunk_event *event)
{
    (void)user;
    if (event->outcome == CJ_THUNK_FAILED)
        give_up(event->name, event->message);
    sample *s = &samples[sample_count++];
    snprintf(s->name, sizeof(s->name), "%.70s", event->name);
    s->ms = (double)event->ns / 1e6;
    s->bytes = event->object_size;
}

static void compile_all(cj_compiler *compiler)
{
    static const struct {
        const char *name;
        cj_plan_options options;
    } kinds[] = {
        {"export", {.kind = CJ_PLAN_EXPORT, .has_memory = true, .has_realloc = true, .has_post_return = true}},
        {"import", {.kind = CJ_PLAN_IMPORT, .has_memory = true, .has_realloc = true}},
        {"fused",
         {.kind = CJ_PLAN_FUSED,
          .has_memory = true,
          .has_realloc = true,
          .has_post_return = true,
          .caller_has_memory = true,
          .caller_has_realloc = true}},
    };
    cj_config config;
    cj_config_init(&config);
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        const cj_functype *type = parse_func(shapes[i]);
        for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
            cj_plan *plan;
            cj_error err;
            void *code;
            char name[80];
            snprintf(name, sizeof(name), "%s: %.60s", kinds[k].name, shapes[i]);
            if (cj__plan_build(&config, type, &kinds[k].options, &plan, &err) != CJ_OK ||
                cj__compiler_code(compiler, plan, name, &code, &err) != CJ_OK)
                give_up(err.message, shapes[i]);
            cj__plan_delete(plan);
        }
    }
}

static int slower(const void *a, const void *b)
{
    const sample *x = a, *y = b;
    return (x->ms > y->ms) - (x->ms < y->ms);
}

int main(int argc, char **argv)
{
    bool list = false, json = false;
    double max_ms = 0;
    cj__compiler_tuning tuning = CJ__COMPILER_TUNING;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--list") == 0) {
            list = true;
        } else if (strcmp(argv[i], "--json") == 0) {
            json = true;
        } else if (strcmp(argv[i], "--optimise-all") == 0) {
            tuning.plain_below = 0;
        } else if (strcmp(argv[i], "--level") == 0 && i + 1 < argc) {
            tuning.level = atoi(argv[++i]) - 2;
        } else if (strcmp(argv[i], "--passes") == 0 && i + 1 < argc) {
            tuning.passes = argv[++i];
        } else if (strcmp(argv[i], "--max") == 0 && i + 1 < argc) {
            max_ms = atof(argv[++i]);
        } else if (strcmp(argv[i], "--llvm") == 0 && i + 1 < argc) {
            const char *options[] = {argv[0], argv[++i]};
            LLVMParseCommandLineOptions(2, options, "");
        } else {
            fputs(
                "usage: canonjit-compile-bench [--list] [--json] [--optimise-all] [--level 0..3] [--passes PIPELINE] [--llvm OPTION] [--max MS]\n"
                "the level is the code generator's; the pipeline is one of opt's, \"default<O1>\": what other choices than the\n"
                "library's would cost\n",
                stderr);
            return 2;
        }
    }
    cj_compiler *compiler = NULL;
    cj_error err;
    types = cj__types_new(cj__alloc_or_default(NULL), 100);
    if (!types || cj__compiler_new(NULL, &compiler, &err) != CJ_OK)
        give_up("no compiler", "out of memory");
    cj__compiler_set_options(compiler, &(cj_compiler_options){.on_thunk = note});
    cj__compiler_tune(compiler, &tuning);
    compile_all(compiler);
    cj__compiler_delete(compiler);
    cj__types_delete(types);
    LLVMShutdown(); /* what options print, they print now */

    sample *all = samples + 1; /* without the first */
    size_t count = sample_count - 1, bytes = 0;
    double total = 0, first = samples[0].ms;
    qsort(all, count, sizeof(*all), slower);
    for (size_t i = 0; i < count; i++) {
        total += all[i].ms;
        bytes += all[i].bytes;
        if (list)
            printf("%7.2f ms %7zu bytes  %s\n", all[i].ms, all[i].bytes, all[i].name);
    }
    double p50 = all[count / 2].ms, p95 = all[count * 95 / 100].ms, most = all[count - 1].ms;
    if (json)
        printf(
            "{\"shapes\": %zu, \"first_ms\": %.3f, \"p50_ms\": %.3f, \"p95_ms\": %.3f, \"max_ms\": %.3f, \"mean_ms\": %.3f, "
            "\"object_bytes\": %zu}\n",
            count, first, p50, p95, most, total / (double)count, bytes);
    else
        printf(
            "%zu shapes: p50 %.2f ms, p95 %.2f ms, most %.2f ms, mean %.2f ms of processor time; objects of %zu KiB in all; "
            "the first, left out: %.2f ms\n",
            count, p50, p95, most, total / (double)count, bytes >> 10, first);
    if (max_ms > 0 && p50 > max_ms) {
        fprintf(stderr, "canonjit-compile-bench: too slow: p50 is over %.2f ms (--max)\n", max_ms);
        return 1;
    }
    return 0;
}
