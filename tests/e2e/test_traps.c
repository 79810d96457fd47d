/* test_traps.c: every trap that a guest can cause, through the guest of tests/guests/traps.wit: kind, place, words;
 * the trapped instance cannot be entered, all others go on, and so does the process.
 *
 * All of it twice: the guest alone, and as a component inside another, between two that pass calls on (with-traps): what
 * traps then is a call from component to component, with the same outcome.
 */
#include "e2e.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static const char *guest;

#define PKG(iface) "test:traps/" iface "@1.0.0"

typedef struct host {
    cj_status fail_with;
    cj_func *nested; /* what the host's `nested` calls */
    uint32_t nested_left;
    cj_string text; /* what give-string gives */
    size_t text_len;
    cj_list numbers;
    uint32_t seen; /* calls that got through the lifting of their arguments */
    char *big;
} host;

static cj_status h_nop(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)ctx, (void)args, (void)results, (void)err;
    host *h = user;
    h->seen++;
    /* What a host function may do, and what a trap at a bad moment would leave locked. */
    char *p = malloc(3000 + h->seen % 5000);
    if (p) {
        memset(p, 1, 3000);
        snprintf(p, 100, "%u", h->seen);
    }
    free(p);
    return CJ_OK;
}

static cj_status h_fail(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)ctx, (void)args, (void)results;
    host *h = user;
    snprintf(err->message, sizeof(err->message), "the host does not want to");
    return h->fail_with;
}

static cj_status h_nested(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)ctx;
    host *h = user;
    if (!h->nested)
        return *(uint32_t *)results = *(const uint32_t *)args, CJ_OK;
    cj_func *f = h->nested;
    cj_val arg = e2e_u32(*(const uint32_t *)args), out = {0};
    bool takes = cj_functype_param_count(cj_func_type(f)) == 1, gives = cj_functype_result(cj_func_type(f)) != NULL;
    if (h->nested_left-- == 0)
        h->nested = NULL;
    cj_status status = cj_call(f, &arg, takes, &out, gives, NULL, err);
    *(uint32_t *)results = out.of.u32;
    return status;
}

static cj_status h_take(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)ctx, (void)args, (void)results, (void)err;
    ((host *)user)->seen++;
    return CJ_OK;
}

static cj_status h_give_string(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)ctx, (void)args, (void)err;
    host *h = user;
    *(cj_string *)results = h->text;
    return CJ_OK;
}

static cj_status h_give_numbers(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)ctx, (void)args, (void)err;
    *(cj_list *)results = ((host *)user)->numbers;
    return CJ_OK;
}

static cj_status h_give_pair(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)user, (void)ctx, (void)args, (void)err;
    struct {
        uint32_t a;
        uint64_t b;
    } pair = {1, 2};
    memcpy(results, &pair, sizeof(pair));
    return CJ_OK;
}

typedef struct world {
    e2e *w;
    host h;
    cj_component *component;
    cj_instance *bystander; /* must stay well */
} world;

static void begin(world *t, e2e *w)
{
    memset(t, 0, sizeof(*t));
    t->w = w;
    t->h.fail_with = CJ_HOST;
    t->h.text = (cj_string)CJ_STRING("abcdef");
    const struct {
        const char *name;
        cj_host_fn fn;
    } fns[] = {{"nop", h_nop},
               {"fail", h_fail},
               {"nested", h_nested},
               {"take-char", h_take},
               {"take-color", h_take},
               {"take-shape", h_take},
               {"take-string", h_take},
               {"take-numbers", h_take},
               {"take-many", h_take},
               {"give-string", h_give_string},
               {"give-numbers", h_give_numbers},
               {"give-pair", h_give_pair}};
    for (size_t i = 0; i < sizeof(fns) / sizeof(fns[0]); i++)
        e2e_ok(cj_linker_func(w->linker, PKG("host"), fns[i].name, fns[i].fn, &t->h, &w->err), &w->err);
    t->component = e2e_component(w, guest);
    t->bystander = e2e_instantiate(w, t->component);
}

static cj_val val_s32(int32_t n)
{
    return (cj_val){.kind = CJ_KIND_S32, .of.s32 = n};
}

static cj_val val_u8(uint8_t n)
{
    return (cj_val){.kind = CJ_KIND_U8, .of.u8 = n};
}

/* A fresh instance traps so; then it is dead, and the bystander is not. */
static void traps_in(world *t, cj_instance *instance, const char *path, const cj_val *args, size_t nargs, cj_trap trap,
                     const char *where)
{
    e2e *w = t->w;
    e2e_traps(w, e2e_func(instance, path), args, nargs, trap, NULL);
    if (strcmp(w->err.where, where) != 0)
        fail_msg("%s: expected the place \"%s\", got \"%s\"", path, where, w->err.where);
    e2e_traps(w, e2e_func(instance, PKG("core") "#grow"), (cj_val[]){e2e_u32(0)}, 1, CJ_TRAP_CANNOT_ENTER,
              "it trapped before");
    cj_val args2[2] = {val_s32(42), val_s32(6)}, out;
    e2e_call(w, e2e_func(t->bystander, PKG("core") "#divide"), args2, 2, &out);
    assert_int_equal(out.of.s32, 7);
}

static void traps(world *t, const char *path, const cj_val *args, size_t nargs, cj_trap trap, const char *where)
{
    traps_in(t, e2e_instantiate(t->w, t->component), path, args, nargs, trap, where);
}

/* -- Core traps ---------------------------------------------------------------------------------------------------- */

static void test_core_traps(void **state)
{
    world t;
    begin(&t, *state);
    const struct {
        const char *path;
        cj_val args[2];
        size_t nargs;
        cj_trap trap;
    } cases[] = {
        {PKG("core") "#unreachable", {{0}}, 0, CJ_TRAP_UNREACHABLE},
        {PKG("core") "#divide", {val_s32(1), val_s32(0)}, 2, CJ_TRAP_DIVIDE_BY_ZERO},
        {PKG("core") "#divide", {val_s32(INT32_MIN), val_s32(-1)}, 2, CJ_TRAP_INTEGER_OVERFLOW},
        {PKG("core") "#remainder", {e2e_u32(1), e2e_u32(0)}, 2, CJ_TRAP_DIVIDE_BY_ZERO},
        {PKG("core") "#truncate", {{.kind = CJ_KIND_F64, .of.f64 = 1e300}}, 1, CJ_TRAP_INTEGER_OVERFLOW},
        {PKG("core") "#truncate", {{.kind = CJ_KIND_F64, .of.f64 = 0.0 / 0.0}}, 1, CJ_TRAP_BAD_CONVERSION},
        {PKG("core") "#load", {e2e_u32(0x7ffffffc)}, 1, CJ_TRAP_MEMORY_BOUNDS},
        {PKG("core") "#load", {e2e_u32(0xfffffffc)}, 1, CJ_TRAP_MEMORY_BOUNDS},
        {PKG("core") "#store", {e2e_u32(0xffffffff), e2e_u32(1)}, 2, CJ_TRAP_MEMORY_BOUNDS},
        {PKG("core") "#call-indirect", {e2e_u32(2)}, 1, CJ_TRAP_INDIRECT_TYPE},
        {PKG("core") "#call-indirect", {e2e_u32(100000)}, 1, CJ_TRAP_TABLE_BOUNDS},
        {PKG("core") "#call-indirect", {e2e_u32(0)}, 1, CJ_TRAP_NULL_ELEMENT},
        {PKG("core") "#recurse", {e2e_u32(UINT32_MAX)}, 1, CJ_TRAP_STACK_OVERFLOW},
        {PKG("core") "#recurse", {e2e_u32(UINT32_MAX)}, 1, CJ_TRAP_STACK_OVERFLOW},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        traps(&t, cases[i].path, cases[i].args, cases[i].nargs, cases[i].trap, cases[i].path);
}

static void test_what_does_not_trap(void **state)
{
    world t;
    begin(&t, *state);
    e2e *w = t.w;
    cj_val out, arg = e2e_u32(0xffffff07);
    e2e_call(w, e2e_func(t.bystander, PKG("lift") "#bool-of"), &arg, 1, &out);
    assert_true(out.of.b);
    arg = e2e_u32(0x100);
    e2e_call(w, e2e_func(t.bystander, PKG("lift") "#bool-of"), &arg, 1, &out);
    assert_true(out.of.b); /* any nonzero word */
    arg = e2e_u32(0xffffff07);
    e2e_call(w, e2e_func(t.bystander, PKG("lift") "#u8-of"), &arg, 1, &out);
    assert_int_equal(out.of.u8, 7);
    arg = e2e_u32(0x12348000);
    e2e_call(w, e2e_func(t.bystander, PKG("lift") "#s16-of"), &arg, 1, &out);
    assert_int_equal(out.of.s16, -32768);
    arg = e2e_u32(0xffffffff);
    e2e_call(w, e2e_func(t.bystander, PKG("lift") "#perms-of"), &arg, 1, &out);
    assert_int_equal(out.of.flags, 7);
    arg = e2e_u32(1000);
    e2e_call(w, e2e_func(t.bystander, PKG("core") "#recurse"), &arg, 1, &out);
    assert_int_equal(out.of.u32, 1000);
    arg = e2e_u32(1);
    e2e_call(w, e2e_func(t.bystander, PKG("core") "#call-indirect"), &arg, 1, NULL);
}

/* -- Lifting results ----------------------------------------------------------------------------------------------- */

static uint32_t memory_end(world *t, cj_instance *instance)
{
    cj_val zero = e2e_u32(0), out;
    e2e_call(t->w, e2e_func(instance, PKG("core") "#grow"), &zero, 1, &out);
    return (uint32_t)out.of.s32 << 16;
}

static uint32_t scratch(world *t, cj_instance *instance)
{
    return e2e_call_u32(t->w, e2e_func(instance, PKG("lift") "#scratch"), NULL, 0);
}

static void poke(cj_instance *instance, uint32_t address, const void *bytes, size_t len)
{
    struct {
        uint32_t address;
        cj_list bytes;
    } args = {address, {(void *)(uintptr_t)bytes, len}};
    assert_int_equal(cj_call_native(e2e_func(instance, PKG("lift") "#poke"), &args, NULL, NULL), CJ_OK);
}

static void test_bad_scalars(void **state)
{
    world t;
    begin(&t, *state);
    const struct {
        const char *path;
        uint32_t n;
        cj_trap trap; /* NONE: well */
    } cases[] = {
        {PKG("lift") "#char-of", 0x10ffff, CJ_TRAP_NONE},
        {PKG("lift") "#char-of", 0xd7ff, CJ_TRAP_NONE},
        {PKG("lift") "#char-of", 0xe000, CJ_TRAP_NONE},
        {PKG("lift") "#char-of", 0x110000, CJ_TRAP_CHAR_RANGE},
        {PKG("lift") "#char-of", 0xffffffff, CJ_TRAP_CHAR_RANGE},
        {PKG("lift") "#char-of", 0xd800, CJ_TRAP_CHAR_SURROGATE},
        {PKG("lift") "#char-of", 0xdfff, CJ_TRAP_CHAR_SURROGATE},
        {PKG("lift") "#color-of", 2, CJ_TRAP_NONE},
        {PKG("lift") "#color-of", 3, CJ_TRAP_DISCRIMINANT},
        {PKG("lift") "#color-of", 0x100, CJ_TRAP_DISCRIMINANT},
        {PKG("lift") "#color-of", 0xffffffff, CJ_TRAP_DISCRIMINANT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cj_val arg = e2e_u32(cases[i].n), out;
        char where[128];
        snprintf(where, sizeof(where), "%s: result", cases[i].path);
        if (cases[i].trap)
            traps(&t, cases[i].path, &arg, 1, cases[i].trap, where);
        else
            e2e_call(t.w, e2e_func(t.bystander, cases[i].path), &arg, 1, &out);
    }
    static const struct {
        const char *path;
        uint8_t count;
    } tags[] = {{PKG("lift") "#option-of", 2}, {PKG("lift") "#result-of", 2}, {PKG("lift") "#shape-of", 4}};
    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
        char where[128];
        snprintf(where, sizeof(where), "%s: result", tags[i].path);
        for (uint8_t tag = 0; tag < tags[i].count; tag++) {
            cj_val arg = val_u8(tag), out;
            e2e_call(t.w, e2e_func(t.bystander, tags[i].path), &arg, 1, &out);
            assert_int_equal(out.of.choice.index, tag);
        }
        cj_val arg = val_u8(tags[i].count);
        traps(&t, tags[i].path, &arg, 1, CJ_TRAP_DISCRIMINANT, where);
        arg = val_u8(255);
        traps(&t, tags[i].path, &arg, 1, CJ_TRAP_DISCRIMINANT, where);
    }
}

/* Each of these hands out what lies at an address. 0 stands for the end of memory. */
static void test_bad_pointers(void **state)
{
    world t;
    begin(&t, *state);
    const struct {
        const char *name;
        int64_t from_end; /* INT64_MIN: `address` counts */
        uint32_t address, len;
        cj_trap trap;
    } cases[] = {
        {"string-at", 0, 0, 0, CJ_TRAP_NONE},
        {"string-at", -1, 0, 1, CJ_TRAP_NONE},
        {"string-at", 1, 0, 0, CJ_TRAP_STRING_BOUNDS},
        {"string-at", -1, 0, 2, CJ_TRAP_STRING_BOUNDS},
        {"string-at", INT64_MIN, 0xffffffff, 1, CJ_TRAP_STRING_BOUNDS},
        {"string-at", INT64_MIN, 16, 0xffffffff, CJ_TRAP_STRING_LENGTH},
        {"string-at", INT64_MIN, 0xffffffff, 0x10000000, CJ_TRAP_STRING_LENGTH},
        {"string-at", INT64_MIN, 0xfffffff0, 0x0fffffff, CJ_TRAP_STRING_BOUNDS},
        {"numbers-at", 0, 0, 0, CJ_TRAP_NONE},
        {"numbers-at", -4, 0, 1, CJ_TRAP_NONE},
        {"numbers-at", -4, 0, 2, CJ_TRAP_LIST_BOUNDS},
        {"numbers-at", 4, 0, 0, CJ_TRAP_LIST_BOUNDS},
        {"numbers-at", -2, 0, 0, CJ_TRAP_LIST_ALIGNMENT},
        {"numbers-at", -3, 0, 1, CJ_TRAP_LIST_ALIGNMENT},
        {"numbers-at", INT64_MIN, 16, 0x04000000, CJ_TRAP_LIST_LENGTH},
        {"numbers-at", INT64_MIN, 16, 0x40000001, CJ_TRAP_LIST_LENGTH}, /* times 4 is 4 in 32 bits */
        {"numbers-at", INT64_MIN, 0xfffffffc, 1, CJ_TRAP_LIST_BOUNDS},
        {"numbers-at", INT64_MIN, 0xfffffffc, 0x03ffffff, CJ_TRAP_LIST_BOUNDS},
        {"strings-at", -8, 0, 2, CJ_TRAP_LIST_BOUNDS},
        {"strings-at", -2, 0, 1, CJ_TRAP_LIST_ALIGNMENT},
        {"strings-at", INT64_MIN, 0, 0x02000000, CJ_TRAP_LIST_LENGTH},
        {"shapes-at", -8, 0, 1, CJ_TRAP_LIST_BOUNDS},
        {"shapes-at", -4, 0, 1, CJ_TRAP_LIST_ALIGNMENT},
        {"pair-at", -8, 0, 0, CJ_TRAP_NONE},
        {"pair-at", -4, 0, 0, CJ_TRAP_RESULTS_BOUNDS},
        {"pair-at", -2, 0, 0, CJ_TRAP_RESULTS_ALIGNMENT},
        {"pair-at", INT64_MIN, 0xfffffffc, 0, CJ_TRAP_RESULTS_BOUNDS},
        {"pair-at", INT64_MIN, 0xffffffff, 0, CJ_TRAP_RESULTS_ALIGNMENT},
    };
    uint32_t end = memory_end(&t, t.bystander);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char path[64], where[128];
        snprintf(path, sizeof(path), PKG("lift") "#%s", cases[i].name);
        bool pair = strcmp(cases[i].name, "pair-at") == 0;
        snprintf(where, sizeof(where), pair ? "%s" : "%s: result", path);
        uint32_t address = cases[i].from_end == INT64_MIN ? cases[i].address : (uint32_t)(end + cases[i].from_end);
        cj_val args[2] = {e2e_u32(address), e2e_u32(cases[i].len)}, out;
        if (cases[i].trap)
            traps(&t, path, args, pair ? 1 : 2, cases[i].trap, where);
        else
            e2e_call(t.w, e2e_func(t.bystander, path), args, pair ? 1 : 2, &out);
    }
}

static void test_bad_contents(void **state)
{
    world t;
    begin(&t, *state);
    static const char *const bad_utf8[] = {"\xff",       "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                           "ab\xe2\x82", "\x80"};
    for (size_t i = 0; i < sizeof(bad_utf8) / sizeof(bad_utf8[0]); i++) {
        cj_instance *instance = e2e_instantiate(t.w, t.component);
        uint32_t at = scratch(&t, instance);
        poke(instance, at, bad_utf8[i], strlen(bad_utf8[i]));
        cj_val args[2] = {e2e_u32(at), e2e_u32((uint32_t)strlen(bad_utf8[i]))};
        traps_in(&t, instance, PKG("lift") "#string-at", args, 2, CJ_TRAP_STRING_UTF8,
                 PKG("lift") "#string-at: result");
    }
    /* In element 3 of a list. */
    const struct {
        const char *name;
        uint32_t words[10];
        size_t len;
        cj_trap trap;
        const char *where;
    } lists[] = {
        {"chars-at", {'a', 'b', 'c', 0xd800}, 4, CJ_TRAP_CHAR_SURROGATE, PKG("lift") "#chars-at: result[3]"},
        {"chars-at", {'a', 0x110000, 'c', 0xd800}, 4, CJ_TRAP_CHAR_RANGE, PKG("lift") "#chars-at: result[1]"},
        {"strings-at",
         {0, 0, 0, 0, 0xfffffff0, 1, 0, 0},
         4,
         CJ_TRAP_STRING_BOUNDS,
         PKG("lift") "#strings-at: result[2]"},
        {"shapes-at", {0, 0, 0, 0, 0, 0, 0, 0, 9}, 3, CJ_TRAP_DISCRIMINANT, PKG("lift") "#shapes-at: result[2]"},
        {"shapes-at",
         {0, 0, 0, 0, 2, 0, 0xfffffff0, 9},
         2,
         CJ_TRAP_STRING_BOUNDS,
         PKG("lift") "#shapes-at: result[1] .label"},
    };
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        cj_instance *instance = e2e_instantiate(t.w, t.component);
        uint32_t at = scratch(&t, instance);
        poke(instance, at, lists[i].words, sizeof(lists[i].words));
        char path[64];
        snprintf(path, sizeof(path), PKG("lift") "#%s", lists[i].name);
        cj_val args[2] = {e2e_u32(at), e2e_u32((uint32_t)lists[i].len)};
        traps_in(&t, instance, path, args, 2, lists[i].trap, lists[i].where);
    }
}

/* -- Lowering arguments -------------------------------------------------------------------------------------------- */

enum { NORMAL, TRAP, DIVIDE, PAST_END, FAR_PAST_END, MISALIGNED, NULL_POINTER, SPIN, RECURSE, CALL_HOST };

static void test_bad_realloc(void **state)
{
    world t;
    begin(&t, *state);
    static const uint64_t numbers[3] = {1, 2, 3};
    cj_val elements[3], strings[2] = {e2e_string("abcdefghijklmnopqrst"), e2e_string("uvwxyz0123456789")}, many[17];
    for (int i = 0; i < 3; i++)
        elements[i] = (cj_val){.kind = CJ_KIND_U64, .of.u64 = numbers[i]};
    for (int i = 0; i < 17; i++)
        many[i] = (cj_val){.kind = CJ_KIND_U64, .of.u64 = 1};
    cj_val string = e2e_string("a string of some length"), list = {.kind = CJ_KIND_LIST, .of.seq = {elements, 3}};
    cj_val names = {.kind = CJ_KIND_LIST, .of.seq = {strings, 2}};
    const struct {
        const char *path;
        const cj_val *args;
        size_t nargs;
        const char *place;
        cj_trap misaligned;
    } takers[] = {
        {PKG("lower") "#take-string", &string, 1, ": param 0", CJ_TRAP_NONE}, /* bytes lie anywhere */
        {PKG("lower") "#take-numbers", &list, 1, ": param 0", CJ_TRAP_REALLOC_ALIGNMENT},
        {PKG("lower") "#take-strings", &names, 1, ": param 0", CJ_TRAP_REALLOC_ALIGNMENT},
        {PKG("lower") "#take-many", many, 17, "", CJ_TRAP_REALLOC_ALIGNMENT},
    };
    static const struct {
        uint32_t mode;
        cj_trap trap;
        const char *words;
    } modes[] = {
        {TRAP, CJ_TRAP_UNREACHABLE, "(in realloc)"},       {DIVIDE, CJ_TRAP_DIVIDE_BY_ZERO, "(in realloc)"},
        {PAST_END, CJ_TRAP_REALLOC_BOUNDS, NULL},          {FAR_PAST_END, CJ_TRAP_REALLOC_BOUNDS, NULL},
        {MISALIGNED, CJ_TRAP_REALLOC_ALIGNMENT, NULL},     {RECURSE, CJ_TRAP_STACK_OVERFLOW, "(in realloc)"},
        {CALL_HOST, CJ_TRAP_CANNOT_LEAVE, "(in realloc)"}, {NULL_POINTER, CJ_TRAP_NONE, NULL},
    };
    for (size_t k = 0; k < sizeof(takers) / sizeof(takers[0]); k++) {
        for (size_t m = 0; m < sizeof(modes) / sizeof(modes[0]); m++) {
            cj_instance *instance = e2e_instantiate(t.w, t.component);
            cj_val mode = {.kind = CJ_KIND_ENUM, .of.choice = {modes[m].mode, NULL}}, out;
            e2e_call(t.w, e2e_func(instance, PKG("lower") "#set-realloc"), &mode, 1, NULL);
            cj_trap trap = modes[m].trap == CJ_TRAP_REALLOC_ALIGNMENT ? takers[k].misaligned : modes[m].trap;
            if (trap == CJ_TRAP_NONE) {
                e2e_call(t.w, e2e_func(instance, takers[k].path), takers[k].args, takers[k].nargs, &out);
                continue;
            }
            char where[128];
            snprintf(where, sizeof(where), "%s%s", modes[m].mode == CALL_HOST ? PKG("host") "#nop" : takers[k].path,
                     modes[m].mode == CALL_HOST ? "" : takers[k].place);
            e2e_traps(t.w, e2e_func(instance, takers[k].path), takers[k].args, takers[k].nargs, trap, modes[m].words);
            if (strcmp(t.w->err.where, where) != 0)
                fail_msg("expected the place \"%s\", got \"%s\"", where, t.w->err.where);
            e2e_traps(t.w, e2e_func(instance, PKG("lift") "#scratch"), NULL, 0, CJ_TRAP_CANNOT_ENTER, NULL);
        }
    }
}

static void test_bad_post_return(void **state)
{
    world t;
    begin(&t, *state);
    const struct {
        const char *path;
        cj_trap trap;
        const char *where;
    } cases[] = {
        {PKG("lower") "#post-unreachable", CJ_TRAP_UNREACHABLE, PKG("lower") "#post-unreachable"},
        {PKG("lower") "#post-recurse", CJ_TRAP_STACK_OVERFLOW, PKG("lower") "#post-recurse"},
        {PKG("calls") "#post-nop", CJ_TRAP_CANNOT_LEAVE, PKG("host") "#nop"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cj_instance *instance = e2e_instantiate(t.w, t.component);
        e2e_traps(t.w, e2e_func(instance, cases[i].path), NULL, 0, cases[i].trap, "(in post-return)");
        assert_string_equal(t.w->err.where, cases[i].where);
        e2e_traps(t.w, e2e_func(instance, PKG("lift") "#scratch"), NULL, 0, CJ_TRAP_CANNOT_ENTER, NULL);
    }
}

/* -- The way out --------------------------------------------------------------------------------------------------- */

static void test_bad_arguments_to_the_host(void **state)
{
    world t;
    begin(&t, *state);
    uint32_t end = memory_end(&t, t.bystander);
    const struct {
        const char *name;
        uint32_t args[2];
        size_t nargs;
        cj_trap trap;
        const char *where;
    } cases[] = {
        {"send-char", {0x110000}, 1, CJ_TRAP_CHAR_RANGE, "take-char: param 0"},
        {"send-char", {0xdabc}, 1, CJ_TRAP_CHAR_SURROGATE, "take-char: param 0"},
        {"send-color", {3}, 1, CJ_TRAP_DISCRIMINANT, "take-color: param 0"},
        {"send-shape", {4}, 1, CJ_TRAP_DISCRIMINANT, "take-shape: param 0"},
        {"send-shape", {0xffffffff}, 1, CJ_TRAP_DISCRIMINANT, "take-shape: param 0"},
        {"send-string", {end - 1, 2}, 2, CJ_TRAP_STRING_BOUNDS, "take-string: param 0"},
        {"send-string", {0, 0x10000000}, 2, CJ_TRAP_STRING_LENGTH, "take-string: param 0"},
        {"send-numbers", {end - 4, 2}, 2, CJ_TRAP_LIST_BOUNDS, "take-numbers: param 0"},
        {"send-numbers", {2, 1}, 2, CJ_TRAP_LIST_ALIGNMENT, "take-numbers: param 0"},
        {"send-numbers", {0, 0x40000000}, 2, CJ_TRAP_LIST_LENGTH, "take-numbers: param 0"},
        {"send-many-at", {4}, 1, CJ_TRAP_PARAMS_ALIGNMENT, "take-many"},
        {"send-many-at", {end - 17 * 8 + 8}, 1, CJ_TRAP_PARAMS_BOUNDS, "take-many"},
        {"send-many-at", {0xfffffff8}, 1, CJ_TRAP_PARAMS_BOUNDS, "take-many"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char path[64], where[128];
        snprintf(path, sizeof(path), PKG("calls") "#%s", cases[i].name);
        snprintf(where, sizeof(where), PKG("host") "#%s", cases[i].where);
        cj_val args[2] = {e2e_u32(cases[i].args[0]), e2e_u32(cases[i].args[1])};
        traps(&t, path, args, cases[i].nargs, cases[i].trap, where);
    }
    assert_int_equal(t.h.seen, 0); /* no host function saw any of it */
    cj_val at = e2e_u32(end - 17 * 8);
    e2e_call(t.w, e2e_func(t.bystander, PKG("calls") "#send-many-at"), &at, 1, NULL);
    cj_val empty[2] = {e2e_u32(end), e2e_u32(0)};
    e2e_call(t.w, e2e_func(t.bystander, PKG("calls") "#send-string"), empty, 2, NULL);
    assert_int_equal(t.h.seen, 2);
}

static void test_bad_places_for_results(void **state)
{
    world t;
    begin(&t, *state);
    uint32_t end = memory_end(&t, t.bystander);
    const struct {
        const char *name;
        uint32_t at;
        cj_trap trap;
        const char *where;
    } cases[] = {
        {"get-pair-at", 12, CJ_TRAP_RESULTS_ALIGNMENT, "give-pair"},
        {"get-pair-at", end - 8, CJ_TRAP_RESULTS_BOUNDS, "give-pair"},
        {"get-pair-at", 0xfffffff8, CJ_TRAP_RESULTS_BOUNDS, "give-pair"},
        {"get-string-at", 2, CJ_TRAP_RESULTS_ALIGNMENT, "give-string"},
        {"get-string-at", end - 4, CJ_TRAP_RESULTS_BOUNDS, "give-string"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char path[64], where[128];
        snprintf(path, sizeof(path), PKG("calls") "#%s", cases[i].name);
        snprintf(where, sizeof(where), PKG("host") "#%s", cases[i].where);
        cj_val at = e2e_u32(cases[i].at);
        traps(&t, path, &at, 1, cases[i].trap, where);
    }
    cj_val n = e2e_u32(1);
    assert_int_equal(e2e_call_u32(t.w, e2e_func(t.bystander, PKG("calls") "#get-string"), &n.of.u32, 1), 6);

    /* What the host gives is checked as well, and what the guest's realloc says to it. */
    t.h.text = (cj_string){"\xff\xfe", 2};
    traps(&t, PKG("calls") "#get-string", &n, 1, CJ_TRAP_STRING_UTF8, PKG("host") "#give-string: result");
    t.h.text = (cj_string)CJ_STRING("fine");
    static const uint32_t modes[] = {TRAP, PAST_END, RECURSE};
    static const cj_trap kinds[] = {CJ_TRAP_UNREACHABLE, CJ_TRAP_REALLOC_BOUNDS, CJ_TRAP_STACK_OVERFLOW};
    for (int i = 0; i < 3; i++) {
        cj_instance *instance = e2e_instantiate(t.w, t.component);
        cj_val mode = {.kind = CJ_KIND_ENUM, .of.choice = {modes[i], NULL}};
        e2e_call(t.w, e2e_func(instance, PKG("lower") "#set-realloc"), &mode, 1, NULL);
        traps_in(&t, instance, PKG("calls") "#get-string", &n, 1, kinds[i], PKG("host") "#give-string: result");
    }
}

static void test_traps_around_the_host(void **state)
{
    world t;
    begin(&t, *state);
    traps(&t, PKG("calls") "#call-fail", NULL, 0, CJ_TRAP_HOST, PKG("host") "#fail");
    assert_int_equal(t.h.seen, 0);
    traps(&t, PKG("calls") "#trap-after-nop", NULL, 0, CJ_TRAP_UNREACHABLE, PKG("calls") "#trap-after-nop");
    assert_int_equal(t.h.seen, 1);
}

/* Guests recurse and call the host at the bottom: near the stack's end either comes back well, or as a trap; never as
 * a crash or a lock that nobody holds. */
static void test_host_calls_near_the_end_of_the_stack(void **state)
{
    world t;
    begin(&t, *state);
    uint32_t low = 0, high = 1u << 26;
    cj_instance *instance = e2e_instantiate(t.w, t.component);
    while (high - low > 1) { /* the depth at which it starts to trap */
        uint32_t middle = low + (high - low) / 2;
        cj_val depth = e2e_u32(middle);
        cj_status status =
            cj_call(e2e_func(instance, PKG("calls") "#nop-at-depth"), &depth, 1, NULL, 0, NULL, &t.w->err);
        if (status == CJ_OK) {
            low = middle;
        } else {
            assert_int_equal(status, CJ_TRAP);
            assert_int_equal(t.w->err.trap, CJ_TRAP_STACK_OVERFLOW);
            high = middle;
            instance = e2e_instantiate(t.w, t.component);
        }
    }
    assert_true(low > 100);
    for (uint32_t depth = low > 40 ? low - 40 : 0; depth < high + 40; depth++) {
        cj_val arg = e2e_u32(depth);
        cj_status status = cj_call(e2e_func(instance, PKG("calls") "#nop-at-depth"), &arg, 1, NULL, 0, NULL, &t.w->err);
        if (status != CJ_OK) {
            assert_int_equal(t.w->err.trap, CJ_TRAP_STACK_OVERFLOW);
            instance = e2e_instantiate(t.w, t.component);
        }
    }
    char *p = malloc(100000); /* the allocator's lock is free */
    assert_non_null(p);
    free(p);
}

/* Instances that call each other through the host, without end: the native stack is one for all. */
static cj_status h_endless(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    world *t = user;
    (void)results;
    cj_instance *next;
    cj_status status = cj_instantiate(cj_ctx_store(ctx), t->w->linker, t->component, &next, err);
    if (status != CJ_OK)
        return status;
    cj_val arg = e2e_u32(*(const uint32_t *)args + 1), out;
    t->h.seen++;
    return cj_call(cj_instance_func(next, PKG("calls") "#call-nested"), &arg, 1, &out, 1, NULL, err);
}

/* The same with large frames: the stack ends before there are many instances, each of which takes 24 GiB of address space. */
static cj_status h_endless_and_large(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    volatile char frame[128 << 10];
    frame[0] = 0;
    cj_status status = h_endless(user, ctx, args, results, err);
    return frame[0] ? CJ_OK : status; /* it is there until then */
}

static void nest_endlessly(e2e *w, cj_host_fn nested, uint32_t max_instances, cj_trap trap, const char *text)
{
    world t = {.w = w};
    static const char *const names[] = {"nop",         "fail",         "take-char",    "take-color",
                                        "take-shape",  "take-string",  "take-numbers", "take-many",
                                        "give-string", "give-numbers", "give-pair"};
    cj_linker *linker = w->linker;
    e2e_ok(cj_linker_new(w->engine, &w->linker, &w->err), &w->err);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        e2e_ok(cj_linker_func(w->linker, PKG("host"), names[i], h_take, &t.h, &w->err), &w->err);
    e2e_ok(cj_linker_func(w->linker, PKG("host"), "nested", nested, &t, &w->err), &w->err);
    t.component = e2e_component(w, guest);
    cj_limits limits;
    cj_limits_init(&limits);
    limits.max_instances = max_instances;
    cj_store *store;
    e2e_ok(cj_store_new(w->engine, &limits, NULL, &store, &w->err), &w->err);
    cj_instance *first;
    e2e_ok(cj_instantiate(store, w->linker, t.component, &first, &w->err), &w->err);
    cj_val arg = e2e_u32(0), out;
    cj_status status = cj_call(e2e_func(first, PKG("calls") "#call-nested"), &arg, 1, &out, 1, NULL, &w->err);
    assert_int_equal(status, CJ_TRAP);
    assert_int_equal(w->err.trap, trap);
    assert_contains(w->err.message, text);
    assert_true(t.h.seen > 5);
    cj_store_delete(store);
    cj_linker_delete(w->linker);
    w->linker = linker;
}

static void test_endless_nesting(void **state)
{
    e2e *w = *state;
    nest_endlessly(w, h_endless, 20, CJ_TRAP_HOST, "max_instances");
    struct rlimit stack;
    assert_int_equal(getrlimit(RLIMIT_STACK, &stack), 0);
    if (stack.rlim_cur <= 10 << 20)
        nest_endlessly(w, h_endless_and_large, 200, CJ_TRAP_STACK_OVERFLOW, "stack");
}

/* A trap deep in nested calls comes to the host function that made the call, which passes it on, level by level. */
static void test_nested_traps_pass_through(void **state)
{
    world t;
    begin(&t, *state);
    cj_instance *outer = e2e_instantiate(t.w, t.component), *inner = e2e_instantiate(t.w, t.component);
    t.h.nested = e2e_func(inner, PKG("core") "#unreachable");
    cj_val arg = e2e_u32(1);
    traps_in(&t, outer, PKG("calls") "#call-nested", &arg, 1, CJ_TRAP_UNREACHABLE,
             PKG("host") "#nested: " PKG("core") "#unreachable");
    e2e_traps(t.w, e2e_func(inner, PKG("lift") "#scratch"), NULL, 0, CJ_TRAP_CANNOT_ENTER, NULL);
}

/* Many traps in one store leave nothing behind that grows. */
static void test_many_traps(void **state)
{
    world t;
    begin(&t, *state);
    for (int i = 0; i < 300; i++) {
        cj_store *store;
        cj_instance *instance;
        e2e_ok(cj_store_new(t.w->engine, NULL, NULL, &store, &t.w->err), &t.w->err);
        e2e_ok(cj_instantiate(store, t.w->linker, t.component, &instance, &t.w->err), &t.w->err);
        static const char *const paths[] = {PKG("core") "#unreachable", PKG("calls") "#call-fail",
                                            PKG("calls") "#trap-after-nop"};
        assert_int_equal(cj_call_native(e2e_func(instance, paths[i % 3]), NULL, NULL, NULL), CJ_TRAP);
        cj_store_delete(store);
    }
}

int main(void)
{
    if (!e2e_exists("@traps-host")) {
        fprintf(stderr, "no guest traps-host\n");
        return 1;
    }
    const struct CMUnitTest tests[] = {
        E2E(test_core_traps),
        E2E(test_what_does_not_trap),
        E2E(test_bad_scalars),
        E2E(test_bad_pointers),
        E2E(test_bad_contents),
        E2E(test_bad_realloc),
        E2E(test_bad_post_return),
        E2E(test_bad_arguments_to_the_host),
        E2E(test_bad_places_for_results),
        E2E(test_traps_around_the_host),
        E2E(test_host_calls_near_the_end_of_the_stack),
        E2E(test_endless_nesting),
        E2E(test_nested_traps_pass_through),
        E2E(test_many_traps),
    };
    guest = "@traps-host";
    int failures = e2e_run(tests);
    guest = "@with-traps";
    return failures + e2e_run(tests);
}
