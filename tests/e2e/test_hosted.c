/* test_hosted.c: a component does not see who implements what it imports: the guest `user` of tests/guests tells the same stories about resources
 * of the host as about those of two other components (the composition with-resources), and breaks the same rules.
 */
#include "e2e.h"

#include <stdio.h>
#include <stdlib.h>

#define ITEMS "test:resources/items@1.0.0"
#define SHOP "test:resources/shop@1.0.0"
#define RUN "test:resources/run@1.0.0#"
#define WRONG "test:resources/wrong@1.0.0#"

/* -- The host's items and tokens (tests/guests/items.c) ------------------------------------------------------------ */

enum { MAX_NAME = 64, MAX_KEPT = 64, MAX_DESTROYED = 4096 };

typedef struct item {
    uint32_t n;
    char name[MAX_NAME * 4];
} item;

typedef struct host {
    e2e *w;
    cj_resource_type *item, *token;
    uint32_t live, destroyed_count, kept[MAX_KEPT], kept_count;
    char destroyed[MAX_DESTROYED][MAX_NAME * 4];
    bool destructor_traps;
} host;

static void destroy_item(void *user, void *rep)
{
    host *h = user;
    item *it = rep;
    if (h->destroyed_count < MAX_DESTROYED)
        memcpy(h->destroyed[h->destroyed_count++], it->name, sizeof(it->name));
    h->live--;
    free(it);
}

static uint32_t new_item(host *h, cj_string name, uint32_t n)
{
    item *it = calloc(1, sizeof(*it));
    it->n = n;
    snprintf(it->name, sizeof(it->name), "%.*s", (int)name.len, name.ptr);
    h->live++;
    uint32_t handle;
    e2e_ok(cj_resource_new(h->w->store, h->item, it, &handle, &h->w->err), &h->w->err);
    return handle;
}

static item *item_of(host *h, uint32_t handle)
{
    void *rep;
    e2e_ok(cj_resource_rep(h->w->store, h->item, handle, &rep, &h->w->err), &h->w->err);
    return rep;
}

static void drop_item(host *h, uint32_t handle)
{
    e2e_ok(cj_resource_drop(h->w->store, handle, &h->w->err), &h->w->err);
}

static cj_string text(cj_call_ctx *ctx, const char *from)
{
    size_t len = strlen(from);
    char *to = cj_ctx_alloc(ctx, len + 1, 1);
    memcpy(to, from, len + 1);
    return (cj_string){to, len};
}

/* The arguments and results in the host layout: the generic parts of a function's struct. */
typedef struct option_u32 {
    uint8_t some;
    uint32_t value;
} option_u32;

#define HOST_FN(name, Args, Result) \
    static void name##_body(host *, cj_call_ctx *, const Args *, Result *); \
    static cj_status name(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err) \
    { \
        (void)err; \
        name##_body(user, ctx, args, results); \
        return CJ_OK; \
    } \
    static void name##_body(host *h, cj_call_ctx *ctx, const Args *in, Result *out)
#define UNUSED (void)h, (void)ctx, (void)in, (void)out

typedef struct name_n {
    cj_string name;
    uint32_t n;
} name_n;
HOST_FN(item_constructor, name_n, uint32_t)
{
    UNUSED;
    *out = new_item(h, in->name, in->n);
}

HOST_FN(item_name, uint32_t, cj_string)
{
    *out = text(ctx, item_of(h, *in)->name);
}

HOST_FN(item_n, uint32_t, uint32_t)
{
    UNUSED;
    *out = item_of(h, *in)->n;
}

HOST_FN(item_add, uint32_t, uint32_t)
{
    UNUSED;
    *out = item_of(h, in[0])->n += in[1];
}

HOST_FN(item_is, uint32_t, bool)
{
    UNUSED;
    *out = item_of(h, in[0]) == item_of(h, in[1]);
}

HOST_FN(item_merge, uint32_t, uint32_t)
{
    UNUSED;
    const item *a = item_of(h, in[0]), *b = item_of(h, in[1]);
    char name[MAX_NAME * 8 + 2];
    int len = snprintf(name, sizeof(name), "%s+%s", a->name, b->name);
    uint32_t n = a->n + b->n;
    drop_item(h, in[0]);
    drop_item(h, in[1]);
    *out = new_item(h, (cj_string){name, (size_t)len}, n);
}

HOST_FN(token_constructor, uint32_t, uint32_t)
{
    UNUSED;
    e2e_ok(cj_resource_new(h->w->store, h->token, (void *)(uintptr_t)*in, out, &h->w->err), &h->w->err);
}

HOST_FN(token_n, uint32_t, uint32_t)
{
    UNUSED;
    void *rep;
    e2e_ok(cj_resource_rep(h->w->store, h->token, *in, &rep, &h->w->err), &h->w->err);
    *out = (uint32_t)(uintptr_t)rep;
}

HOST_FN(live_items, uint32_t, uint32_t)
{
    UNUSED;
    *out = h->live;
}

HOST_FN(destroyed_items, uint32_t, cj_list)
{
    UNUSED;
    cj_string *names = cj_ctx_alloc(ctx, h->destroyed_count * sizeof(*names), _Alignof(cj_string));
    for (uint32_t i = 0; i < h->destroyed_count; i++)
        names[i] = text(ctx, h->destroyed[i]);
    *out = (cj_list){names, h->destroyed_count};
    h->destroyed_count = 0;
}

HOST_FN(sum, cj_list, uint64_t)
{
    UNUSED;
    for (size_t i = 0; i < in->len; i++)
        *out += item_of(h, ((const uint32_t *)in->ptr)[i])->n;
}

HOST_FN(sum_some, cj_list, uint64_t)
{
    UNUSED;
    const option_u32 *v = in->ptr;
    for (size_t i = 0; i < in->len; i++)
        *out += v[i].some ? item_of(h, v[i].value)->n : 0;
}

HOST_FN(numbered, cj_list, cj_list)
{
    uint32_t *handles = cj_ctx_alloc(ctx, in->len * sizeof(*handles), 4);
    for (size_t i = 0; i < in->len; i++)
        handles[i] = new_item(h, ((const cj_string *)in->ptr)[i], (uint32_t)i);
    *out = (cj_list){handles, in->len};
}

HOST_FN(consume, cj_list, uint64_t)
{
    UNUSED;
    const uint32_t *handles = in->ptr;
    for (size_t i = 0; i < in->len; i++) {
        *out += item_of(h, handles[i])->n;
        drop_item(h, handles[i]);
    }
}

HOST_FN(pass, option_u32, option_u32)
{
    UNUSED;
    *out = *in;
}

typedef struct labelled {
    cj_string label;
    uint32_t it;
} labelled;
HOST_FN(relabel, cj_list, cj_list)
{
    const labelled *v = in->ptr;
    labelled *back = cj_ctx_alloc(ctx, in->len * sizeof(*back), _Alignof(labelled));
    for (size_t i = 0; i < in->len; i++) {
        item *it = item_of(h, v[i].it);
        snprintf(it->name, sizeof(it->name), "%.*s", (int)v[i].label.len, v[i].label.ptr);
        back[in->len - 1 - i] = v[i];
    }
    *out = (cj_list){back, in->len};
}

typedef struct parcel {
    uint8_t kind;
    union {
        uint32_t two[2];
        cj_list many;
    } of;
} parcel;
HOST_FN(send_parcel, parcel, parcel)
{
    UNUSED;
    *out = *in;
}

typedef struct make_args {
    cj_string name;
    option_u32 n;
} make_args;
typedef struct made {
    uint8_t is_err;
    union {
        uint32_t ok;
        cj_string err;
    } of;
} made;
HOST_FN(make, make_args, made)
{
    if (in->n.some) {
        out->of.ok = new_item(h, in->name, in->n.value);
    } else {
        char message[200];
        snprintf(message, sizeof(message), "no number for %.*s", (int)in->name.len, in->name.ptr);
        *out = (made){.is_err = 1, .of.err = text(ctx, message)};
    }
}

HOST_FN(take_and_lend, uint32_t, uint32_t)
{
    UNUSED;
    *out = item_of(h, in[0])->n + item_of(h, in[1])->n;
    drop_item(h, in[0]);
}

HOST_FN(lend_and_take, uint32_t, uint32_t)
{
    UNUSED;
    *out = item_of(h, in[0])->n + item_of(h, in[1])->n;
    drop_item(h, in[1]);
}

HOST_FN(many, uint32_t, uint64_t)
{
    UNUSED;
    for (uint32_t i = 0; i < 17; i++)
        *out += item_of(h, in[i])->n;
    drop_item(h, in[16]);
}

HOST_FN(set_destructor, bool, uint32_t)
{
    UNUSED;
    h->destructor_traps = *in;
}

/* -- The host's shop (tests/guests/shop.c) ------------------------------------------------------------------------- */

HOST_FN(deposit, uint32_t, uint32_t)
{
    UNUSED;
    assert_true(h->kept_count < MAX_KEPT);
    h->kept[h->kept_count++] = *in;
    *out = h->kept_count;
}

HOST_FN(withdraw, cj_string, option_u32)
{
    UNUSED;
    for (uint32_t i = 0; i < h->kept_count; i++) {
        const char *name = item_of(h, h->kept[i])->name;
        if (out->some)
            h->kept[i - 1] = h->kept[i];
        else if (strlen(name) == in->len && memcmp(name, in->ptr, in->len) == 0)
            *out = (option_u32){1, h->kept[i]};
    }
    h->kept_count -= out->some;
}

HOST_FN(peek, uint32_t, cj_string)
{
    char line[MAX_NAME * 4 + 16];
    snprintf(line, sizeof(line), "%s=%u", item_of(h, *in)->name, item_of(h, *in)->n);
    *out = text(ctx, line);
}

HOST_FN(close_shop, uint32_t, uint32_t)
{
    UNUSED;
    *out = h->kept_count;
    for (uint32_t i = 0; i < h->kept_count; i++)
        drop_item(h, h->kept[i]);
    h->kept_count = 0;
}

HOST_FN(nothing, uint32_t, uint32_t)
{
    UNUSED;
}

static void offer(host *h)
{
    static const struct {
        const char *interface, *name;
        cj_host_fn fn;
    } functions[] = {
        {ITEMS, "[constructor]item", item_constructor},
        {ITEMS, "[method]item.name", item_name},
        {ITEMS, "[method]item.n", item_n},
        {ITEMS, "[method]item.add", item_add},
        {ITEMS, "[method]item.is", item_is},
        {ITEMS, "[static]item.merge", item_merge},
        {ITEMS, "[constructor]token", token_constructor},
        {ITEMS, "[method]token.n", token_n},
        {ITEMS, "live", live_items},
        {ITEMS, "destroyed", destroyed_items},
        {ITEMS, "sum", sum},
        {ITEMS, "sum-some", sum_some},
        {ITEMS, "numbered", numbered},
        {ITEMS, "consume", consume},
        {ITEMS, "pass", pass},
        {ITEMS, "relabel", relabel},
        {ITEMS, "send", send_parcel},
        {ITEMS, "make", make},
        {ITEMS, "take-and-lend", take_and_lend},
        {ITEMS, "lend-and-take", lend_and_take},
        {ITEMS, "many", many},
        {ITEMS, "set-destructor", set_destructor},
        {SHOP, "deposit", deposit},
        {SHOP, "withdraw", withdraw},
        {SHOP, "peek", peek},
        {SHOP, "total", sum},
        {SHOP, "close", close_shop},
        {SHOP, "keep-borrow", nothing}, /* what hosts do not drop is dropped for them */
        {SHOP, "sell-borrow", nothing},
    };
    cj_error *err = &h->w->err;
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
        e2e_ok(cj_linker_func(h->w->linker, functions[i].interface, functions[i].name, functions[i].fn, h, err), err);
    e2e_ok(cj_resource_type_new(h->w->engine, "item", destroy_item, h, &h->item, err), err);
    e2e_ok(cj_resource_type_new(h->w->engine, "token", NULL, NULL, &h->token, err), err);
    e2e_ok(cj_linker_resource(h->w->linker, ITEMS, "item", h->item, err), err);
    e2e_ok(cj_linker_resource(h->w->linker, ITEMS, "token", h->token, err), err);
    cj_resource_type_delete(h->item); /* the linker keeps them */
    cj_resource_type_delete(h->token);
}

/* -- Stories ------------------------------------------------------------------------------------------------------- */

static void *setup_host(void **state)
{
    host *h = calloc(1, sizeof(*h));
    h->w = *state;
    offer(h);
    return h;
}

static void end(host *h)
{
    cj_store_delete(h->w->store);
    h->w->store = NULL;
    assert_int_equal(h->live, 0);
    free(h);
}

static void same_stories(void **state)
{
    static const struct {
        const char *name;
        int32_t arg; /* -1: none */
    } stories[] = {{"life", -1},    {"lists", 0},     {"lists", 7},    {"lists", 500},  {"options", -1},
                   {"records", -1}, {"variants", -1}, {"results", -1}, {"spilled", -1}, {"shopping", -1},
                   {"churn", 100},  {"tokens", 9},    {"life", -1}};
    host *h = setup_host(state);
    cj_component *hosted = e2e_component(h->w, "@user"), *composed = e2e_component(h->w, "@with-resources");
    cj_instance *a = e2e_instantiate(h->w, hosted), *b = e2e_instantiate(h->w, composed);
    for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
        char path[64];
        cj_val arg = e2e_u32((uint32_t)stories[i].arg), first, second;
        size_t nargs = stories[i].arg >= 0;
        snprintf(path, sizeof(path), RUN "%s", stories[i].name);
        cj_arena *arena;
        assert_int_equal(cj_arena_new(NULL, &arena), CJ_OK);
        e2e_ok(cj_call(e2e_func(a, path), &arg, nargs, &first, 1, arena, &h->w->err), &h->w->err);
        e2e_ok(cj_call(e2e_func(b, path), &arg, nargs, &second, 1, arena, &h->w->err), &h->w->err);
        if (!cj_val_equal(&first, &second)) {
            char texts[2][500];
            const cj_type *type = cj_functype_result(cj_func_type(e2e_func(a, path)));
            cj_wave_format(type, &first, texts[0], sizeof(texts[0]));
            cj_wave_format(type, &second, texts[1], sizeof(texts[1]));
            fail_msg("%s: by the host %s, by components %s", path, texts[0], texts[1]);
        }
        cj_arena_delete(arena);
    }
    assert_int_equal(h->live, 0);
    end(h);
}

static void same_indices(void **state)
{
    host *h = setup_host(state);
    cj_component *hosted = e2e_component(h->w, "@user"), *composed = e2e_component(h->w, "@with-resources");
    cj_val first, second; /* of fresh instances: indices depend on what was there */
    cj_arena *arena;
    assert_int_equal(cj_arena_new(NULL, &arena), CJ_OK);
    e2e_ok(cj_call(e2e_func(e2e_instantiate(h->w, hosted), RUN "indices"), NULL, 0, &first, 1, arena, &h->w->err),
           &h->w->err);
    e2e_ok(cj_call(e2e_func(e2e_instantiate(h->w, composed), RUN "indices"), NULL, 0, &second, 1, arena, &h->w->err),
           &h->w->err);
    assert_true(cj_val_equal(&first, &second));
    cj_arena_delete(arena);
    end(h);
}

static void same_rules(void **state)
{
    static const struct {
        const char *name;
        cj_trap trap;
        const char *where;
    } rules[] = {
        {"use-after-drop", CJ_TRAP_HANDLE_INDEX, ITEMS "#[method]item.n: param 0"},
        {"use-after-move", CJ_TRAP_HANDLE_INDEX, ITEMS "#[method]item.n: param 0"},
        {"drop-twice", CJ_TRAP_HANDLE_INDEX, "resource.drop"},
        {"move-twice", CJ_TRAP_HANDLE_INDEX, ITEMS "#[static]item.merge: param 1"},
        {"wrong-type", CJ_TRAP_HANDLE_TYPE, ITEMS "#[method]token.n: param 0"},
        {"drop-wrong-type", CJ_TRAP_HANDLE_TYPE, "resource.drop"},
        {"take-and-lend", CJ_TRAP_HANDLE_INDEX, ITEMS "#take-and-lend: param 1"},
        {"lend-and-take", CJ_TRAP_HANDLE_LENT, ITEMS "#lend-and-take: param 1"},
    };
    host *h = setup_host(state);
    cj_component *components[2] = {e2e_component(h->w, "@user"), e2e_component(h->w, "@with-resources")};
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        char path[64];
        snprintf(path, sizeof(path), WRONG "%s", rules[i].name);
        for (int k = 0; k < 2; k++)
            e2e_traps_native(h->w, e2e_instantiate(h->w, components[k]), path, NULL, rules[i].trap, rules[i].where);
    }
    static const struct {
        uint32_t index; /* it has an item, 1, and a token, 2 */
        cj_trap trap;
    } indices[] = {{0, CJ_TRAP_HANDLE_INDEX},
                   {2, CJ_TRAP_HANDLE_TYPE},
                   {3, CJ_TRAP_HANDLE_INDEX},
                   {UINT32_MAX, CJ_TRAP_HANDLE_INDEX}};
    for (size_t i = 0; i < sizeof(indices) / sizeof(indices[0]); i++)
        for (int k = 0; k < 2; k++)
            e2e_traps_native(h->w, e2e_instantiate(h->w, components[k]), WRONG "use-index", &indices[i].index,
                             indices[i].trap, ITEMS "#[method]item.n: param 0");
    end(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {E2E(same_stories), E2E(same_indices), E2E(same_rules)};
    return e2e_run_auto_too(tests);
}
