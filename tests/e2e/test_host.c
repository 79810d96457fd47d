/* test_host.c: guests call the host: both doors inwards, what host functions may do, how their errors come out,
 * re-entrance. */
#include "e2e.h"

#include <stdio.h>
#include <stdlib.h>

#define HOST "test:e2e/host@1.0.0"

/* -- A host in C structs ------------------------------------------------------------------------------------------- */

typedef struct host {
    e2e *w;
    uint32_t nops;
    char logged[64];
    cj_status nop_status;
    const char *nop_message;
    cj_func *target;         /* what `enter` calls */
    cj_func *first, *second; /* and `enter_twice` */
    cj_status target_status; /* what came of it */
    cj_error target_err;
    bool pass_on; /* `enter` returns what the call returned */
    bool native;  /* through cj_call_native, which has no error to fill */
    cj_call_ctx *ctx;
} host;

static cj_status nop(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    host *h = user;
    assert_null(args);
    assert_null(results);
    h->nops++;
    h->ctx = ctx;
    if (h->nop_status != CJ_OK && h->nop_message && err) {
        err->status = h->nop_status;
        snprintf(err->message, sizeof(err->message), "%s", h->nop_message);
    }
    return h->nop_status;
}

static cj_status add(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)user, (void)err;
    const uint32_t *in = args;
    uint32_t *out = results;
    assert_int_equal(*out, 0); /* results are zeroed */
    assert_int_equal(cj_functype_param_count(cj_ctx_type(ctx)), 2);
    *out = in[0] + in[1];
    return CJ_OK;
}

static cj_status log_text(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)ctx, (void)err;
    const cj_string *text = args;
    host *h = user;
    assert_null(results);
    snprintf(h->logged, sizeof(h->logged), "%.*s", (int)text->len, text->ptr);
    return CJ_OK;
}

static cj_status reverse(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)user, (void)err;
    const cj_string *in = args;
    cj_string *out = results;
    char *text = cj_ctx_alloc(ctx, in->len ? in->len : 1, 1);
    assert_non_null(text);
    for (size_t i = 0; i < in->len; i++)
        text[i] = in->ptr[in->len - 1 - i];
    *out = (cj_string){text, in->len};
    return CJ_OK;
}

static cj_status numbers(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)user, (void)err;
    const cj_list *in = args;
    cj_list *out = results;
    uint64_t *to = cj_ctx_alloc(ctx, in->len * sizeof(*to), _Alignof(uint64_t));
    if (!to)
        return CJ_NO_MEMORY;
    for (size_t i = 0; i < in->len; i++)
        to[i] = (uint64_t)((const uint32_t *)in->ptr)[i] << 32;
    *out = (cj_list){to, in->len};
    return CJ_OK;
}

static cj_status divmod(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)user, (void)ctx;
    const uint32_t *in = args;
    uint32_t *out = results;
    if (in[1] == 0) {
        err->status = CJ_HOST;
        snprintf(err->message, sizeof(err->message), "the host does not divide by 0");
        return CJ_HOST;
    }
    out[0] = in[0] / in[1];
    out[1] = in[0] % in[1];
    return CJ_OK;
}

static cj_status many(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)user, (void)ctx, (void)err;
    const uint64_t *in = args;
    uint64_t sum = 0;
    for (uint64_t i = 0; i < 17; i++)
        sum += (i + 1) * in[i];
    *(uint64_t *)results = sum;
    return CJ_OK;
}

static cj_status strings(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)user, (void)ctx, (void)err;
    const cj_list *in = args;
    uint32_t total = 0;
    for (size_t i = 0; i < in->len; i++)
        total += (uint32_t)((const cj_string *)in->ptr)[i].len;
    *(uint32_t *)results = total;
    return CJ_OK;
}

static cj_status enter(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    host *h = user;
    (void)ctx;
    uint32_t n = *(const uint32_t *)args;
    if (!h->target) {
        *(uint32_t *)results = n;
        return CJ_OK;
    }
    if (h->native) {
        h->target_status = cj_call_native(h->target, args, results, NULL);
    } else {
        cj_val arg = e2e_u32(n), out = {0};
        bool takes = cj_functype_param_count(cj_func_type(h->target)) == 1;
        h->target_status = cj_call(h->target, &arg, takes, &out, takes, NULL, h->pass_on ? err : &h->target_err);
        *(uint32_t *)results = out.of.u32;
    }
    if (h->target_status != CJ_OK && !h->pass_on) {
        *(uint32_t *)results = 7;
        return CJ_OK;
    }
    return h->target_status;
}

static void offer_with(e2e *w, host *h, cj_host_fn enter_fn)
{
    *h = (host){.w = w};
    const struct {
        const char *interface, *name;
        cj_host_fn fn;
    } fns[] = {{HOST, "nop", nop},         {HOST, "add", add},         {HOST, "log", log_text},
               {HOST, "reverse", reverse}, {HOST, "numbers", numbers}, {HOST, "divmod", divmod},
               {HOST, "many", many},       {HOST, "strings", strings}, {NULL, "enter", enter_fn}};
    for (size_t i = 0; i < sizeof(fns) / sizeof(fns[0]); i++)
        e2e_ok(cj_linker_func(w->linker, fns[i].interface, fns[i].name, fns[i].fn, h, &w->err), &w->err);
}

static void offer(e2e *w, host *h)
{
    offer_with(w, h, enter);
}

static void test_every_door(void **state)
{
    e2e *w = *state;
    host h;
    offer(w, &h);
    cj_instance *instance = e2e_instance(w, "host");
    assert_int_equal(cj_call_native(e2e_func(instance, "call-nop"), NULL, NULL, NULL), CJ_OK);
    assert_int_equal(h.nops, 1);
    uint32_t loops = 1000;
    assert_int_equal(cj_call_native(e2e_func(instance, "nop-loop"), &loops, NULL, NULL), CJ_OK);
    assert_int_equal(h.nops, 1001);
    assert_int_equal(e2e_call_u32(w, e2e_func(instance, "call-add"), (uint32_t[]){40, 2}, 2), 42);
    cj_val text = e2e_string("a line"), out;
    e2e_call(w, e2e_func(instance, "call-log"), &text, 1, NULL);
    assert_string_equal(h.logged, "a line");
    static const char *const funcs[] = {"call-reverse", "call-reverse16"};
    for (int i = 0; i < 2; i++) {
        text = e2e_string("stressed");
        e2e_call(w, e2e_func(instance, funcs[i]), &text, 1, &out);
        cj_val expected = e2e_string("desserts");
        assert_true(cj_val_equal(&out, &expected));
        text = e2e_string("");
        e2e_call(w, e2e_func(instance, funcs[i]), &text, 1, &out);
        assert_int_equal(out.of.string.len, 0);
    }
    uint32_t in[100];
    for (uint32_t i = 0; i < 100; i++)
        in[i] = i;
    cj_list list = {in, 100}, shifted;
    assert_int_equal(cj_call_native(e2e_func(instance, "call-numbers"), &list, &shifted, NULL), CJ_OK);
    assert_int_equal(shifted.len, 100);
    for (uint64_t i = 0; i < 100; i++)
        assert_int_equal(((uint64_t *)shifted.ptr)[i], i << 32);
    cj_val pair[2] = {e2e_u32(17), e2e_u32(5)};
    e2e_call(w, e2e_func(instance, "call-divmod"), pair, 2, &out);
    assert_int_equal(out.of.seq.ptr[0].of.u32, 3);
    assert_int_equal(out.of.seq.ptr[1].of.u32, 2);
    uint64_t block[17], sum = 0, expected = 0;
    for (uint64_t i = 0; i < 17; i++)
        expected += (i + 1) * (block[i] = 1000 + i);
    assert_int_equal(cj_call_native(e2e_func(instance, "call-many"), block, &sum, NULL), CJ_OK);
    assert_int_equal(sum, expected);
    cj_string names[3] = {CJ_STRING("abc"), CJ_STRING(""), CJ_STRING("\xe2\x82\xac")};
    cj_list name_list = {names, 3};
    uint32_t total = 0;
    assert_int_equal(cj_call_native(e2e_func(instance, "call-strings"), &name_list, &total, NULL), CJ_OK);
    assert_int_equal(total, 6);
}

static void test_context(void **state)
{
    e2e *w = *state;
    host h;
    offer(w, &h);
    assert_ptr_equal(cj_store_user(w->store), w);
    cj_component *component = e2e_component(w, "host");
    cj_instance *a = e2e_instantiate(w, component), *b = e2e_instantiate(w, component);
    assert_ptr_not_equal(a, b);
    e2e_call(w, e2e_func(a, "call-nop"), NULL, 0, NULL);
    assert_int_equal(e2e_call_u32(w, e2e_func(a, "count"), NULL, 0), 1);
    assert_int_equal(e2e_call_u32(w, e2e_func(b, "count"), NULL, 0), 0); /* each has its own globals */
    assert_ptr_equal(cj_func_instance(e2e_func(b, "count")), b);
    assert_string_equal(cj_func_name(e2e_func(b, "count")), "count");
}

/* The linker may go, and names may be offered to nobody. */
static void test_linker_is_read_once(void **state)
{
    e2e *w = *state;
    host h;
    offer(w, &h);
    e2e_ok(cj_linker_func(w->linker, "test:e2e/other", "unused", nop, NULL, &w->err), &w->err);
    cj_instance *instance = e2e_instance(w, "host");
    cj_linker_delete(w->linker);
    w->linker = NULL;
    assert_int_equal(e2e_call_u32(w, e2e_func(instance, "call-add"), (uint32_t[]){1, 2}, 2), 3);
}

/* -- A host in values ---------------------------------------------------------------------------------------------- */

typedef struct dyn {
    char path[64];
    bool bad_result, fails;
    size_t calls;
} dyn;

static cj_status dyn_fn(void *user, cj_call_ctx *ctx, const cj_val *args, size_t nargs, cj_val *results,
                        size_t nresults, cj_error *err)
{
    dyn *d = user;
    d->calls++;
    assert_int_equal(nargs, cj_functype_param_count(cj_ctx_type(ctx)));
    if (d->fails) {
        err->status = CJ_HOST;
        snprintf(err->message, sizeof(err->message), "no values today");
        return CJ_HOST;
    }
    if (!nresults)
        return CJ_OK;
    if (d->bad_result) {
        results[0] = e2e_string("\xff");
        return CJ_OK;
    }
    switch (results[0].kind) {
    case CJ_KIND_STRING:
        results[0].of.string = args[0].of.string; /* a view of the guest's memory */
        break;
    case CJ_KIND_U32:
        if (nargs == 2)
            results[0].of.u32 = args[0].of.u32 + args[1].of.u32;
        else
            results[0].of.u32 = args[0].kind == CJ_KIND_LIST ? (uint32_t)args[0].of.seq.len : args[0].of.u32;
        break;
    case CJ_KIND_U64:
        for (size_t i = 0; i < nargs; i++)
            results[0].of.u64 += args[i].of.u64;
        break;
    case CJ_KIND_TUPLE:
        results[0].of.seq.ptr = cj_ctx_alloc(ctx, 2 * sizeof(cj_val), _Alignof(cj_val));
        results[0].of.seq.len = 2;
        results[0].of.seq.ptr[0] = args[1];
        results[0].of.seq.ptr[1] = args[0];
        break;
    case CJ_KIND_LIST: {
        size_t len = args[0].of.seq.len;
        cj_val *to = cj_ctx_alloc(ctx, len * sizeof(cj_val) + 1, _Alignof(cj_val));
        for (size_t i = 0; i < len; i++) {
            to[i] = (cj_val){.kind = CJ_KIND_U64};
            to[i].of.u64 = args[0].of.seq.ptr[i].of.u32 + UINT64_C(1);
        }
        results[0].of.seq.ptr = to;
        results[0].of.seq.len = len;
        break;
    }
    default:
        fail_msg("unexpected kind");
    }
    return CJ_OK;
}

static void offer_dyn(e2e *w, dyn *d)
{
    *d = (dyn){0};
    static const char *const names[] = {"nop", "add", "log", "reverse", "numbers", "divmod", "many", "strings"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        e2e_ok(cj_linker_dyn_func(w->linker, HOST, names[i], dyn_fn, d, &w->err), &w->err);
    e2e_ok(cj_linker_dyn_func(w->linker, "", "enter", dyn_fn, d, &w->err), &w->err);
}

static void test_dynamic_host_functions(void **state)
{
    e2e *w = *state;
    dyn d;
    offer_dyn(w, &d);
    cj_instance *instance = e2e_instance(w, "host");
    cj_val text = e2e_string("round and round"), out;
    e2e_call(w, e2e_func(instance, "call-nop"), NULL, 0, NULL);
    assert_int_equal(e2e_call_u32(w, e2e_func(instance, "call-add"), (uint32_t[]){40, 2}, 2), 42);
    e2e_call(w, e2e_func(instance, "call-reverse"), &text, 1, &out);
    assert_true(cj_val_equal(&out, &text));
    e2e_call(w, e2e_func(instance, "call-reverse16"), &text, 1, &out);
    assert_true(cj_val_equal(&out, &text));
    cj_val pair[2] = {e2e_u32(1), e2e_u32(2)};
    e2e_call(w, e2e_func(instance, "call-divmod"), pair, 2, &out);
    assert_int_equal(out.of.seq.ptr[0].of.u32, 2);
    cj_val list = {.kind = CJ_KIND_LIST, .of.seq = {pair, 2}};
    e2e_call(w, e2e_func(instance, "call-numbers"), &list, 1, &out);
    assert_int_equal(out.of.seq.len, 2);
    assert_int_equal(out.of.seq.ptr[1].of.u64, 3);
    cj_val u64s[17];
    for (uint64_t i = 0; i < 17; i++)
        u64s[i] = (cj_val){.kind = CJ_KIND_U64, .of.u64 = i};
    e2e_call(w, e2e_func(instance, "call-many"), u64s, 17, &out);
    assert_int_equal(out.of.u64, 136);
    assert_int_equal(d.calls, 7);
}

static void test_dynamic_host_failures(void **state)
{
    e2e *w = *state;
    dyn d;
    offer_dyn(w, &d);
    cj_component *component = e2e_component(w, "host");
    cj_val text = e2e_string("x");
    d.fails = true;
    e2e_traps(w, e2e_func(e2e_instantiate(w, component), "call-nop"), NULL, 0, CJ_TRAP_HOST, "no values today");
    assert_string_equal(w->err.where, HOST "#nop");
    d.fails = false;
    d.bad_result = true;
    e2e_traps(w, e2e_func(e2e_instantiate(w, component), "call-reverse"), &text, 1, CJ_TRAP_HOST, "not valid UTF-8");
    assert_string_equal(w->err.where, HOST "#reverse: result");
    cj_val pair[2] = {e2e_u32(1), e2e_u32(2)};
    e2e_traps(w, e2e_func(e2e_instantiate(w, component), "call-divmod"), pair, 2, CJ_TRAP_HOST,
              "expected tuple<u32, u32>, got string");
}

/* A guest decides how many values its arguments become: they count. */
static void test_dynamic_arguments_are_limited(void **state)
{
    e2e *w = *state;
    dyn d;
    offer_dyn(w, &d);
    cj_limits limits;
    cj_limits_init(&limits);
    limits.max_host_bytes = 20000;
    cj_store *store;
    e2e_ok(cj_store_new(w->engine, &limits, NULL, &store, &w->err), &w->err);
    cj_instance *instance;
    e2e_ok(cj_instantiate(store, w->linker, e2e_component(w, "host"), &instance, &w->err), &w->err);
    static const uint32_t in[1000];
    cj_list list = {(void *)(uintptr_t)in, 1000}, out;
    assert_int_equal(cj_call_native(e2e_func(instance, "call-numbers"), &list, &out, NULL), CJ_TRAP);
    assert_int_equal(cj_store_error(store)->trap, CJ_TRAP_HOST_LIMIT);
    assert_contains(cj_store_error(store)->message, "max_host_bytes");
    assert_string_equal(cj_store_error(store)->where, HOST "#numbers: param 0");
    cj_store_delete(store);
}

/* -- Errors of host functions -------------------------------------------------------------------------------------- */

static void test_host_errors(void **state)
{
    e2e *w = *state;
    host h;
    offer(w, &h);
    cj_component *component = e2e_component(w, "host");
    const struct {
        cj_status status;
        const char *message, *expected;
    } cases[] = {
        {CJ_HOST, "the disk is on fire", "the disk is on fire"},
        {CJ_NOT_FOUND, NULL, "not found"},
        {CJ_TRAP, "a trap by hand", "a trap by hand"},
        {CJ_LIMIT, "enough", "enough"},
        {CJ_INTERNAL, NULL, "internal error"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cj_instance *instance = e2e_instantiate(w, component);
        h.nop_status = cases[i].status;
        h.nop_message = cases[i].message;
        e2e_traps(w, e2e_func(instance, "call-nop"), NULL, 0, CJ_TRAP_HOST, cases[i].expected);
        assert_string_equal(w->err.where, HOST "#nop");
        h.nop_status = CJ_OK;
        e2e_traps(w, e2e_func(instance, "call-nop"), NULL, 0, CJ_TRAP_CANNOT_ENTER, "it trapped before");
        assert_string_equal(w->err.where, "call-nop");
    }
    cj_val pair[2] = {e2e_u32(1), e2e_u32(0)};
    e2e_traps(w, e2e_func(e2e_instantiate(w, component), "call-divmod"), pair, 2, CJ_TRAP_HOST,
              "the host does not divide by 0");
}

/* Out of memory is no trap, though the instance is as dead. */
static void test_host_out_of_memory(void **state)
{
    e2e *w = *state;
    host h;
    offer(w, &h);
    cj_instance *instance = e2e_instance(w, "host");
    h.nop_status = CJ_NO_MEMORY;
    assert_int_equal(cj_call(e2e_func(instance, "call-nop"), NULL, 0, NULL, 0, NULL, &w->err), CJ_NO_MEMORY);
    assert_int_equal(w->err.status, CJ_NO_MEMORY);
    assert_int_equal(w->err.trap, CJ_TRAP_NONE);
    h.nop_status = CJ_OK;
    e2e_traps(w, e2e_func(instance, "call-nop"), NULL, 0, CJ_TRAP_CANNOT_ENTER, NULL);
}

/* -- Re-entrance --------------------------------------------------------------------------------------------------- */

static void test_host_function_calls_another_instance(void **state)
{
    e2e *w = *state;
    host h;
    offer(w, &h);
    cj_component *component = e2e_component(w, "host");
    cj_instance *outer = e2e_instantiate(w, component), *inner = e2e_instantiate(w, component);
    h.target = e2e_func(inner, "leaf");
    for (int i = 0; i < 2; i++) {
        h.native = i;
        assert_int_equal(e2e_call_u32(w, e2e_func(outer, "call-enter"), (uint32_t[]){5}, 1), 1006);
    }
}

static void test_same_instance_cannot_be_reentered(void **state)
{
    e2e *w = *state;
    host h;
    offer(w, &h);
    cj_instance *instance = e2e_instance(w, "host");
    h.target = e2e_func(instance, "leaf");
    /* The host function may live with it: the outer call goes on. */
    assert_int_equal(e2e_call_u32(w, e2e_func(instance, "call-enter"), (uint32_t[]){5}, 1), 1007);
    assert_int_equal(h.target_status, CJ_TRAP);
    assert_int_equal(h.target_err.trap, CJ_TRAP_CANNOT_ENTER);
    assert_contains(h.target_err.message, "being called already");
    assert_string_equal(h.target_err.where, "leaf");
    assert_int_equal(e2e_call_u32(w, h.target, (uint32_t[]){5}, 1), 6);
    /* Or pass it on: then it traps on. */
    h.pass_on = true;
    cj_val five = e2e_u32(5);
    e2e_traps(w, e2e_func(instance, "call-enter"), &five, 1, CJ_TRAP_CANNOT_ENTER, "being called already");
    assert_string_equal(w->err.where, "enter: leaf");
    e2e_traps(w, e2e_func(instance, "leaf"), &five, 1, CJ_TRAP_CANNOT_ENTER, "it trapped before");
}

/* A trap of a nested call goes to the host function, which may handle it or return it. */
static void test_nested_traps(void **state)
{
    e2e *w = *state;
    host h;
    offer(w, &h);
    cj_component *component = e2e_component(w, "host");
    cj_val five = e2e_u32(5);
    for (int native = 0; native < 2; native++) {
        cj_instance *outer = e2e_instantiate(w, component), *inner = e2e_instantiate(w, component);
        h.target = e2e_func(inner, "trap");
        h.native = native;
        h.pass_on = false;
        assert_int_equal(e2e_call_u32(w, e2e_func(outer, "call-enter"), (uint32_t[]){5}, 1), 1007);
        assert_int_equal(h.target_status, CJ_TRAP);
        assert_int_equal(cj_store_error(w->store)->trap, CJ_TRAP_UNREACHABLE);
        e2e_traps(w, e2e_func(inner, "leaf"), &five, 1, CJ_TRAP_CANNOT_ENTER, "it trapped before");
        assert_int_equal(e2e_call_u32(w, e2e_func(outer, "leaf"), (uint32_t[]){5}, 1), 6);

        h.target = e2e_func(e2e_instantiate(w, component), "trap");
        h.pass_on = true;
        e2e_traps(w, e2e_func(outer, "call-enter"), &five, 1, CJ_TRAP_UNREACHABLE, "unreachable");
        assert_string_equal(w->err.where, "enter: trap");
        e2e_traps(w, e2e_func(outer, "leaf"), &five, 1, CJ_TRAP_CANNOT_ENTER, "it trapped before");
        h.target = NULL;
        assert_int_equal(e2e_call_u32(w, e2e_func(e2e_instantiate(w, component), "call-enter"), (uint32_t[]){5}, 1),
                         1005);
    }
}

/* `enter` of the test below: with 1 calls a guest that traps, and lives with it; else has another instance do that, and then has
 * the same one call a host function that returns CJ_TRAP and says nothing. */
static cj_status enter_twice(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    host *h = user;
    (void)ctx, (void)err;
    *(uint32_t *)results = 7;
    if (*(const uint32_t *)args == 1) {
        assert_int_equal(cj_call_native(h->target, NULL, NULL, NULL), CJ_TRAP);
        return CJ_OK;
    }
    uint32_t one = 1, seven;
    assert_int_equal(cj_call_native(h->first, &one, &seven, NULL), CJ_OK);
    h->target_status = cj_call_native(h->second, NULL, NULL, NULL);
    h->target_err = *cj_store_error(h->w->store);
    return CJ_OK;
}

/* A host function's CJ_TRAP without words is told in those of a nested call's trap, but not of one that an earlier call had: however both calls came
 * from outside, and when they are nested themselves and the later one has its frame where the earlier one's was. */
static void test_bare_trap_after_an_older_one(void **state)
{
    e2e *w = *state;
    host h;
    offer_with(w, &h, enter_twice);
    cj_component *component = e2e_component(w, "host");
    const cj_val one = e2e_u32(1), two = e2e_u32(2);
    for (int way = 0; way < 10; way++) {
        cj_instance *a = e2e_instantiate(w, component), *b = e2e_instantiate(w, component);
        h.target = e2e_func(e2e_instantiate(w, component), "trap");
        h.first = e2e_func(b, "call-enter");
        h.second = e2e_func(b, "call-nop");
        h.nop_status = CJ_OK;
        e2e_call(w, h.second, NULL, 0, NULL); /* what was lent before is gone */
        uint32_t seven = 0;
        bool nested = way >= 8, native = way & 1;
        if (nested || native)
            e2e_call(w, e2e_func(a, "leaf"), &one, 1, &(cj_val){0});
        h.nop_status = CJ_TRAP;
        if (nested)
            e2e_call(w, e2e_func(a, "call-enter"), &two, 1, &(cj_val){0});
        else if (way & 2)
            assert_int_equal(cj_call_native(e2e_func(a, "call-enter"), &one.of.u32, &seven, NULL), CJ_OK);
        else
            e2e_call(w, e2e_func(a, "call-enter"), &one, 1, &(cj_val){0});
        if (!nested) {
            h.target_status =
                way & 4 ? cj_call_native(h.second, NULL, NULL, NULL) : cj_call(h.second, NULL, 0, NULL, 0, NULL, NULL);
            h.target_err = *cj_store_error(w->store);
        }
        assert_int_equal(h.target_status, CJ_TRAP);
        if (h.target_err.trap != CJ_TRAP_HOST)
            fail_msg("way %d: expected words of nobody's, got %s", way, h.target_err.message);
        assert_string_equal(h.target_err.message, "trap");
        assert_string_equal(h.target_err.where, HOST "#nop");
    }
}

/* `enter` of the test below: with 1 calls a guest that traps and lives with it, else returns CJ_TRAP and says nothing; with 2 the one, then the other. */
static cj_status enter_or_trap(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    host *h = user;
    (void)ctx, (void)err;
    uint32_t n = *(const uint32_t *)args;
    *(uint32_t *)results = 7;
    if (n <= 2)
        assert_int_equal(cj_call_native(h->target, NULL, NULL, NULL), CJ_TRAP);
    return n == 1 ? CJ_OK : CJ_TRAP;
}

/* Nor in those of a trap that another host function swallowed, or the same one before, in the same call of the guest. */
static void test_bare_trap_after_one_in_the_same_call(void **state)
{
    static const struct {
        const char *func;
        uint32_t n;
        cj_trap trap;
        const char *where, *message;
    } cases[] = {
        {"enter-then-nop", 1, CJ_TRAP_HOST, HOST "#nop", "trap"},
        {"enter-again", 1, CJ_TRAP_HOST, "enter", "trap"},
        {"enter-again", 2, CJ_TRAP_UNREACHABLE, "enter: trap", "unreachable"},
    };
    e2e *w = *state;
    host h;
    offer_with(w, &h, enter_or_trap);
    h.nop_status = CJ_TRAP;
    cj_component *component = e2e_component(w, "host");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (int native = 0; native < 2; native++) {
            cj_func *func = e2e_func(e2e_instantiate(w, component), cases[i].func);
            h.target = e2e_func(e2e_instantiate(w, component), "trap");
            const cj_val n = e2e_u32(cases[i].n);
            cj_val out;
            uint32_t number;
            assert_int_equal(native ? cj_call_native(func, &n.of.u32, &number, NULL)
                                    : cj_call(func, &n, 1, &out, 1, NULL, NULL),
                             CJ_TRAP);
            const cj_error *err = cj_store_error(w->store);
            if (err->trap != cases[i].trap)
                fail_msg("%s(%u): expected %s, got %s", cases[i].func, (unsigned)cases[i].n, cases[i].message,
                         err->message);
            assert_contains(err->message, cases[i].message);
            assert_string_equal(err->where, cases[i].where);
        }
}

/* Guests of two stores, one inside a call of the other: each store's calls are outermost in it, and a trap leaves as far as the
 * host function and no further. */
static void test_two_stores_on_one_stack(void **state)
{
    e2e *w = *state;
    host h;
    offer(w, &h);
    cj_component *component = e2e_component(w, "host");
    cj_store *other;
    e2e_ok(cj_store_new(w->engine, NULL, NULL, &other, &w->err), &w->err);
    cj_val five = e2e_u32(5);
    for (int native = 0; native < 2; native++) {
        cj_instance *here = e2e_instantiate(w, component), *there, *doomed;
        e2e_ok(cj_instantiate(other, w->linker, component, &there, &w->err), &w->err);
        e2e_ok(cj_instantiate(other, w->linker, component, &doomed, &w->err), &w->err);
        cj_func *inner = e2e_func(there, "leaf");
        h.native = native;
        h.pass_on = false;
        for (int i = 0; i < 3; i++) {
            assert_int_equal(e2e_call_u32(w, inner, (uint32_t[]){5}, 1), 6);
            h.target = inner;
            assert_int_equal(e2e_call_u32(w, e2e_func(here, "call-enter"), (uint32_t[]){5}, 1), 1006);
            assert_int_equal(e2e_call_u32(w, e2e_func(here, "leaf"), (uint32_t[]){5}, 1), 6);
            h.target = e2e_func(here, "leaf"); /* the other way round */
            assert_int_equal(e2e_call_u32(w, e2e_func(there, "call-enter"), (uint32_t[]){5}, 1), 1006);
        }
        h.target = e2e_func(doomed, "trap");
        assert_int_equal(e2e_call_u32(w, e2e_func(here, "call-enter"), (uint32_t[]){5}, 1), 1007);
        assert_int_equal(h.target_status, CJ_TRAP);
        assert_int_equal(cj_store_error(other)->trap, CJ_TRAP_UNREACHABLE);
        assert_int_equal(cj_call(e2e_func(doomed, "leaf"), &five, 1, &(cj_val){0}, 1, NULL, &w->err), CJ_TRAP);
        assert_int_equal(w->err.trap, CJ_TRAP_CANNOT_ENTER);
        h.target = inner;
        assert_int_equal(e2e_call_u32(w, e2e_func(here, "call-enter"), (uint32_t[]){5}, 1), 1006);
        /* Out of both: whose trap it is the host function says, or nobody does, and then it is not the one that this store saw last. */
        e2e_ok(cj_instantiate(other, w->linker, component, &doomed, &w->err), &w->err);
        h.target = e2e_func(doomed, "trap");
        h.pass_on = true;
        e2e_traps(w, e2e_func(here, "call-enter"), &five, 1, native ? CJ_TRAP_HOST : CJ_TRAP_UNREACHABLE, NULL);
        assert_int_equal(cj_call(e2e_func(here, "leaf"), &five, 1, &(cj_val){0}, 1, NULL, &w->err), CJ_TRAP);
        assert_int_equal(e2e_call_u32(w, inner, (uint32_t[]){5}, 1), 6);
    }
    cj_store_delete(other);
}

/* Host functions that call each other's guests, deep: results lent to an inner frame must not touch those of an outer
 * one. */
typedef struct chain {
    cj_func *greet;
    cj_instance **instances;
    size_t depth, max;
} chain;

static cj_status chain_reverse(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    chain *c = user;
    const cj_string *in = args;
    cj_string *out = results;
    char *copy = cj_ctx_alloc(ctx, in->len + 8, 1);
    memcpy(copy, in->ptr, in->len);
    cj_string mine = {copy, in->len}, lent = {"", 0}, greeting;
    assert_int_equal(cj_call_native(c->greet, &mine, &greeting, NULL), CJ_OK);
    if (++c->depth < c->max) {
        cj_func *next = cj_instance_func(c->instances[c->depth], c->depth % 2 ? "call-reverse16" : "call-reverse");
        cj_val arg = {.kind = CJ_KIND_STRING, .of.string = mine}, val;
        cj_status status = cj_call(next, &arg, 1, &val, 1, NULL, err);
        if (status != CJ_OK)
            return status;
        lent = val.of.string;
    }
    assert_int_equal(greeting.len, mine.len + 8);
    assert_memory_equal(greeting.ptr + 7, in->ptr, mine.len);
    char *text = cj_ctx_alloc(ctx, lent.len + mine.len, 1);
    memcpy(text, lent.ptr, lent.len);
    memcpy(text + lent.len, mine.ptr, mine.len);
    *out = (cj_string){text, lent.len + mine.len};
    return CJ_OK;
}

static void test_deep_nesting(void **state)
{
    e2e *w = *state;
    enum { DEPTH = 40 };
    host h;
    offer(w, &h);
    cj_instance *instances[DEPTH];
    chain c = {e2e_func(e2e_instance(w, "calls"), "test:e2e/greeter@1.2.0#greet"), instances, 0, DEPTH};
    cj_linker *linker;
    e2e_ok(cj_linker_new(w->engine, &linker, &w->err), &w->err);
    static const char *const names[] = {"nop", "add", "log", "numbers", "divmod", "many", "strings"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        e2e_ok(cj_linker_func(linker, HOST, names[i], nop, &h, &w->err), &w->err);
    e2e_ok(cj_linker_func(linker, HOST, "reverse", chain_reverse, &c, &w->err), &w->err);
    e2e_ok(cj_linker_func(linker, NULL, "enter", enter, &h, &w->err), &w->err);
    cj_component *component = e2e_component(w, "host");
    for (size_t i = 0; i < DEPTH; i++)
        e2e_ok(cj_instantiate(w->store, linker, component, &instances[i], &w->err), &w->err);
    cj_linker_delete(linker);
    cj_val arg = e2e_string("abc"), out;
    for (int i = 0; i < 3; i++) {
        c.depth = 0;
        e2e_call(w, e2e_func(instances[0], "call-reverse"), &arg, 1, &out);
        assert_int_equal(out.of.string.len, 3 * DEPTH);
        for (size_t k = 0; k < DEPTH; k++)
            assert_memory_equal(out.of.string.ptr + 3 * k, "abc", 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E(test_every_door),
        E2E(test_context),
        E2E(test_linker_is_read_once),
        E2E(test_dynamic_host_functions),
        E2E(test_dynamic_host_failures),
        E2E(test_dynamic_arguments_are_limited),
        E2E(test_host_errors),
        E2E(test_host_out_of_memory),
        E2E(test_host_function_calls_another_instance),
        E2E(test_same_instance_cannot_be_reentered),
        E2E(test_nested_traps),
        E2E(test_bare_trap_after_an_older_one),
        E2E(test_bare_trap_after_one_in_the_same_call),
        E2E(test_two_stores_on_one_stack),
        E2E(test_deep_nesting),
    };
    return e2e_run_auto_too(tests);
}
