/* test_resources.c: resources of the host: types, handles on both sides, borrow and own in calls both ways, what traps, and what becomes of what
 * is left.
 */
#include "e2e.h"

#include <stdio.h>
#include <stdlib.h>

#define FILES "test:e2e/files@1.0.0"

/* -- A host with resources ----------------------------------------------------------------------------------------- */

enum { MAX_FILES = 4096 };

typedef struct file {
    uint32_t n;
    uint32_t drops; /* 1 at most */
} file;

typedef struct host {
    e2e *w;
    cj_component *component; /* files */
    cj_resource_type *file, *stamp;
    file files[MAX_FILES];
    uint32_t count, dropped;
    uint32_t seen; /* a handle that a host function got */
    cj_func *nested;
    bool drop_early;     /* host functions drop what they were lent */
    uint32_t same_twice; /* `several` gives nothing but this */
    cj_status (*on_call_back)(struct host *, cj_call_ctx *, uint32_t handle, cj_error *err);
} host;

static void drop_file(void *user, void *rep)
{
    host *h = user;
    file *f = rep;
    f->drops++;
    h->dropped++;
    if (f->drops > 1)
        fail_msg("file %u was dropped %u times", f->n, f->drops);
}

static uint32_t live(const host *h)
{
    return h->count - h->dropped;
}

static uint32_t new_file(host *h, uint32_t n)
{
    uint32_t handle = 0;
    assert_true(h->count < MAX_FILES);
    file *f = &h->files[h->count++];
    *f = (file){n, 0};
    e2e_ok(cj_resource_new(h->w->store, h->file, f, &handle, &h->w->err), &h->w->err);
    assert_int_not_equal(handle, 0);
    return handle;
}

static file *file_of(host *h, uint32_t handle)
{
    void *rep = NULL;
    cj_error err;
    e2e_ok(cj_resource_rep(h->w->store, h->file, handle, &rep, &err), &err);
    return rep;
}

#define HOST_FN(name) \
    static cj_status name(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)

HOST_FN(constructor)
{
    host *h = user;
    if (h->count == MAX_FILES)
        return CJ_LIMIT;
    file *f = &h->files[h->count++];
    *f = (file){*(const uint32_t *)args, 0};
    return cj_resource_new(cj_ctx_store(ctx), h->file, f, results, err);
}

HOST_FN(size)
{
    (void)ctx, (void)err;
    host *h = user;
    h->seen = *(const uint32_t *)args;
    assert_false(cj_handle_is_own(h->w->store, h->seen));
    assert_ptr_equal(cj_handle_type(h->w->store, h->seen), h->file);
    *(uint32_t *)results = file_of(h, h->seen)->n;
    if (h->drop_early)
        e2e_ok(cj_resource_drop(h->w->store, h->seen, err), err);
    return CJ_OK;
}

HOST_FN(join)
{
    host *h = user;
    const uint32_t *in = args;
    assert_true(cj_handle_is_own(h->w->store, in[0]));
    uint32_t n = file_of(h, in[0])->n + file_of(h, in[1])->n;
    e2e_ok(cj_resource_drop(h->w->store, in[0], err), err);
    e2e_ok(cj_resource_drop(h->w->store, in[1], err), err);
    return constructor(user, ctx, &n, results, err);
}

HOST_FN(consume)
{
    (void)ctx;
    host *h = user;
    void *rep;
    e2e_ok(cj_resource_take(h->w->store, h->file, *(const uint32_t *)args, &rep, err), err);
    assert_null(cj_handle_type(h->w->store, *(const uint32_t *)args));
    *(uint32_t *)results = ((file *)rep)->n;
    h->dropped++; /* by hand */
    return CJ_OK;
}

HOST_FN(compare)
{
    (void)ctx, (void)err;
    host *h = user;
    const uint32_t *in = args;
    assert_int_not_equal(in[0], in[1]); /* two handles, even of one resource */
    *(uint32_t *)results =
        file_of(h, in[0]) == file_of(h, in[1]) ? 1 : file_of(h, in[0])->n * 100 + file_of(h, in[1])->n;
    return CJ_OK;
}

HOST_FN(never)
{
    (void)user, (void)ctx, (void)args, (void)results, (void)err;
    fail_msg("this host function cannot be reached");
    return CJ_HOST;
}

HOST_FN(sum)
{
    (void)ctx, (void)err;
    host *h = user;
    const cj_list *in = args;
    uint32_t total = 0;
    for (size_t i = 0; i < in->len; i++)
        total += file_of(h, ((const uint32_t *)in->ptr)[i])->n;
    *(uint32_t *)results = total;
    return CJ_OK;
}

HOST_FN(take_all)
{
    (void)ctx;
    host *h = user;
    const cj_list *in = args;
    uint32_t total = 0;
    for (size_t i = 0; i < in->len; i++) {
        uint32_t handle = ((const uint32_t *)in->ptr)[i];
        total += file_of(h, handle)->n;
        e2e_ok(cj_resource_drop(h->w->store, handle, err), err);
    }
    *(uint32_t *)results = total;
    return CJ_OK;
}

HOST_FN(several)
{
    (void)err;
    host *h = user;
    cj_list *out = results;
    out->len = *(const uint32_t *)args;
    uint32_t *at = out->ptr = cj_ctx_alloc(ctx, out->len * sizeof(uint32_t), 4);
    for (uint32_t i = 0; i < out->len; i++)
        at[i] = h->same_twice ? h->same_twice : new_file(h, i);
    return CJ_OK;
}

typedef struct option_u32 {
    uint8_t some;
    uint32_t value;
} option_u32;
typedef struct result_file {
    uint8_t is_err;
    union {
        uint32_t ok;
        cj_string err;
    } of;
} result_file;

/* Gives back what it got, or says that there was nothing. */
HOST_FN(find)
{
    (void)user, (void)ctx, (void)err;
    const option_u32 *in = args;
    result_file *out = results;
    if (in->some) {
        out->of.ok = in->value;
    } else {
        out->is_err = 1;
        out->of.err = CJ_STRING("nothing");
    }
    return CJ_OK;
}

/* (borrow, u32, own) -> (u32, own) */
HOST_FN(mix)
{
    (void)ctx, (void)err;
    host *h = user;
    const uint32_t *in = args;
    uint32_t *out = results;
    out[0] = file_of(h, in[0])->n * 10000 + in[1] * 100 + file_of(h, in[2])->n;
    out[1] = in[2];
    return CJ_OK;
}

HOST_FN(call_back)
{
    host *h = user;
    uint32_t handle = *(const uint32_t *)args;
    *(uint32_t *)results = file_of(h, handle)->n;
    return h->on_call_back ? h->on_call_back(h, ctx, handle, err) : CJ_OK;
}

/* own<paper>, which is the same type as file, -> own<stamp> */
HOST_FN(stamp_of)
{
    host *h = user;
    void *rep;
    e2e_ok(cj_resource_take(h->w->store, h->file, *(const uint32_t *)args, &rep, err), err);
    return cj_resource_new(cj_ctx_store(ctx), h->stamp, rep, results, err);
}

static void offer(host *h)
{
    static const struct {
        const char *name;
        cj_host_fn fn;
    } functions[] = {{"[constructor]file", constructor},
                     {"[method]file.size", size},
                     {"[static]file.join", join},
                     {"consume", consume},
                     {"compare", compare},
                     {"give-and-trap", never},
                     {"sum", sum},
                     {"take-all", take_all},
                     {"several", several},
                     {"find", find},
                     {"mix", mix},
                     {"call-back", call_back}};
    cj_error *err = &h->w->err;
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
        e2e_ok(cj_linker_func(h->w->linker, FILES, functions[i].name, functions[i].fn, h, err), err);
    e2e_ok(cj_linker_func(h->w->linker, NULL, "stamp-of", stamp_of, h, err), err);
    e2e_ok(cj_linker_resource(h->w->linker, FILES, "file", h->file, err), err);
    e2e_ok(cj_linker_resource(h->w->linker, NULL, "paper", h->file, err), err);
    e2e_ok(cj_linker_resource(h->w->linker, NULL, "stamp", h->stamp, err), err);
}

static host *new_host(e2e *w)
{
    host *h = calloc(1, sizeof(*h));
    h->w = w;
    e2e_ok(cj_resource_type_new(w->engine, "file", drop_file, h, &h->file, &w->err), &w->err);
    e2e_ok(cj_resource_type_new(w->engine, "stamp", NULL, NULL, &h->stamp, &w->err), &w->err);
    offer(h);
    h->component = e2e_component(w, "files");
    return h;
}

static cj_instance *another(const host *h)
{
    return e2e_instantiate(h->w, h->component);
}

/* Deletes the store: all that is left is dropped, each once. */
static void end(host *h)
{
    cj_store_delete(h->w->store);
    h->w->store = NULL;
    for (uint32_t i = 0; i < h->count; i++)
        if (h->files[i].drops > 1)
            fail_msg("file %u was dropped twice", i);
    assert_int_equal(live(h), 0);
    cj_resource_type_delete(h->file);
    cj_resource_type_delete(h->stamp);
    free(h);
}

static cj_val seq(cj_kind kind, cj_val *at, size_t len)
{
    cj_val v;
    memset(&v, 0, sizeof(v));
    v.kind = kind;
    v.of.seq.ptr = at;
    v.of.seq.len = len;
    return v;
}

static cj_val some(cj_val *payload)
{
    cj_val v;
    memset(&v, 0, sizeof(v));
    v.kind = CJ_KIND_OPTION;
    v.of.choice.index = payload ? 1 : 0;
    v.of.choice.payload = payload;
    return v;
}

#define BODY(name) \
    static void name##_body(host *h, cj_instance *files); \
    static void name(void **state) \
    { \
        host *h = new_host(*state); \
        name##_body(h, another(h)); \
        end(h); \
    } \
    static void name##_body(host *h, cj_instance *files)

static void drop(host *h, uint32_t handle)
{
    e2e_ok(cj_resource_drop(h->w->store, handle, &h->w->err), &h->w->err);
}

/* -- Calls --------------------------------------------------------------------------------------------------------- */

BODY(own_results)
{
    cj_val f = E2E_CALL(h->w, files, "make", e2e_u32(7));
    assert_int_equal(f.kind, CJ_KIND_OWN);
    assert_true(cj_handle_is_own(h->w->store, f.of.handle));
    assert_ptr_equal(cj_handle_type(h->w->store, f.of.handle), h->file);
    assert_int_equal(file_of(h, f.of.handle)->n, 7);
    drop(h, f.of.handle);
    assert_int_equal(h->dropped, 1);
    assert_null(cj_handle_type(h->w->store, f.of.handle));
    assert_false(cj_handle_is_own(h->w->store, f.of.handle));

    /* Indices are used again, the last one first. */
    uint32_t a = E2E_CALL(h->w, files, "make", e2e_u32(1)).of.handle,
             b = E2E_CALL(h->w, files, "make", e2e_u32(2)).of.handle;
    assert_int_equal(a, f.of.handle);
    drop(h, a);
    drop(h, b);
    assert_int_equal(new_file(h, 3), b);
    assert_int_equal(new_file(h, 4), a);
}

BODY(own_arguments_move)
{
    uint32_t f = new_file(h, 5);
    uint32_t index = E2E_CALL(h->w, files, "store", e2e_own(f)).of.u32;
    assert_int_equal(index, 1); /* the guest's first */
    assert_null(cj_handle_type(h->w->store, f));
    assert_int_equal(E2E_CALL(h->w, files, "size-index", e2e_u32(index)).of.u32, 5);
    cj_val back = E2E_CALL(h->w, files, "fetch", e2e_u32(index));
    assert_int_equal(file_of(h, back.of.handle)->n, 5);
    cj_val again = E2E_CALL(h->w, files, "pass", e2e_own(back.of.handle));
    assert_int_equal(file_of(h, again.of.handle)->n, 5);
    assert_int_equal(h->dropped, 0);
    assert_int_equal(E2E_CALL(h->w, files, "store", e2e_own(again.of.handle)).of.u32, 1);
    E2E_CALL(h->w, files, "drop-index", e2e_u32(1));
    assert_int_equal(h->dropped, 1);
}

BODY(borrow_arguments_are_lent)
{
    uint32_t f = new_file(h, 9);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(E2E_CALL(h->w, files, "size-of", e2e_borrow(f)).of.u32, 9);
        assert_true(cj_handle_is_own(h->w->store, f));
        assert_null(cj_handle_type(h->w->store, h->seen)); /* what the host function was lent is gone */
    }
    assert_int_equal(E2E_CALL(h->w, files, "both-of", e2e_borrow(f), e2e_borrow(f)).of.u32, 1);
    uint32_t g = new_file(h, 3);
    assert_int_equal(E2E_CALL(h->w, files, "both-of", e2e_borrow(f), e2e_borrow(g)).of.u32, 903);
    h->drop_early = true;
    assert_int_equal(E2E_CALL(h->w, files, "size-of", e2e_borrow(f)).of.u32, 9);
    assert_int_equal(h->dropped, 0);
    drop(h, f);
    drop(h, g);
    assert_int_equal(h->dropped, 2);
}

BODY(statics_and_consumers)
{
    uint32_t a = E2E_CALL(h->w, files, "keep", e2e_u32(30)).of.u32,
             b = E2E_CALL(h->w, files, "keep", e2e_u32(12)).of.u32;
    cj_val joined = E2E_CALL(h->w, files, "join-index", e2e_u32(a), e2e_u32(b));
    assert_int_equal(file_of(h, joined.of.handle)->n, 42);
    assert_int_equal(h->dropped, 2);
    uint32_t index = E2E_CALL(h->w, files, "store", joined).of.u32;
    assert_int_equal(E2E_CALL(h->w, files, "consume-index", e2e_u32(index)).of.u32, 42);
    assert_int_equal(live(h), 0);
}

BODY(handles_in_values)
{
    /* Lists of both, in and out. */
    cj_val lent[5], moved[5];
    for (uint32_t i = 0; i < 5; i++)
        lent[i] = e2e_borrow(new_file(h, i + 1));
    assert_int_equal(E2E_CALL(h->w, files, "sum-of", seq(CJ_KIND_LIST, lent, 5)).of.u32, 15);
    assert_int_equal(E2E_CALL(h->w, files, "sum-of", seq(CJ_KIND_LIST, lent, 0)).of.u32, 0);
    for (uint32_t i = 0; i < 5; i++)
        moved[i] = e2e_own(lent[i].of.handle);
    assert_int_equal(E2E_CALL(h->w, files, "take-all-of", seq(CJ_KIND_LIST, moved, 5)).of.u32, 15);
    assert_int_equal(h->dropped, 5);
    cj_val many = E2E_CALL(h->w, files, "several-of", e2e_u32(7));
    assert_int_equal(many.of.seq.len, 7);
    for (uint32_t i = 0; i < 7; i++) { /* dropping leaves the result where it is */
        assert_int_equal(many.of.seq.ptr[i].kind, CJ_KIND_OWN);
        assert_int_equal(file_of(h, many.of.seq.ptr[i].of.handle)->n, i);
        drop(h, many.of.seq.ptr[i].of.handle);
    }

    /* option, result. */
    cj_val one = e2e_own(new_file(h, 77));
    cj_val found = E2E_CALL(h->w, files, "find-of", some(&one));
    assert_int_equal(found.kind, CJ_KIND_RESULT);
    assert_int_equal(found.of.choice.index, 0);
    assert_int_equal(file_of(h, found.of.choice.payload->of.handle)->n, 77);
    uint32_t kept = found.of.choice.payload->of.handle;
    found = E2E_CALL(h->w, files, "find-of", some(NULL));
    assert_int_equal(found.of.choice.index, 1);
    assert_memory_equal(found.of.choice.payload->of.string.ptr, "nothing", 7);

    /* A tuple with one of each. */
    cj_val parts[3] = {e2e_borrow(kept), e2e_u32(5), e2e_own(new_file(h, 2))};
    cj_val mixed = E2E_CALL(h->w, files, "mix-of", seq(CJ_KIND_TUPLE, parts, 3));
    assert_int_equal(mixed.of.seq.ptr[0].of.u32, 770502);
    assert_int_equal(file_of(h, mixed.of.seq.ptr[1].of.handle)->n, 2);
    drop(h, mixed.of.seq.ptr[1].of.handle);
    drop(h, kept);
    assert_int_equal(live(h), 0);
}

/* "paper" and "file" are one type to the guest; "stamp" is another. */
BODY(one_type_under_two_names)
{
    cj_val stamp = E2E_CALL(h->w, files, "stamp-paper", e2e_own(new_file(h, 1)));
    assert_ptr_equal(cj_handle_type(h->w->store, stamp.of.handle), h->stamp);
    void *rep;
    e2e_ok(cj_resource_take(h->w->store, h->stamp, stamp.of.handle, &rep, &h->w->err), &h->w->err);
    assert_ptr_equal(rep, &h->files[0]);
    h->dropped++;
    uint32_t index = E2E_CALL(h->w, files, "keep", e2e_u32(1)).of.u32;
    E2E_CALL(h->w, files, "drop-index-as-paper", e2e_u32(index));
    assert_int_equal(live(h), 0);
    assert_string_equal(cj_resource_type_name(h->file), "file");

    assert_ptr_equal(cj_instance_resource(files, FILES "#file"), h->file);
    assert_ptr_equal(cj_instance_resource(files, "paper"), h->file);
    assert_ptr_equal(cj_instance_resource(files, "stamp"), h->stamp);
    assert_null(cj_instance_resource(files, "file"));
    assert_null(cj_instance_resource(files, FILES "#fil"));
    assert_null(cj_instance_resource(files, FILES "#file2"));
    const cj_functype *type = cj_func_type(e2e_func(files, "mix-of"));
    const cj_type *tuple = cj_functype_param(type, 0);
    assert_ptr_equal(cj_instance_handle_type(files, cj_type_member(tuple, 0)), h->file);
    assert_ptr_equal(cj_instance_handle_type(files, cj_type_member(tuple, 2)), h->file);
    assert_null(cj_instance_handle_type(files, cj_type_member(tuple, 1)));
}

BODY(many_handles)
{
    E2E_CALL(h->w, files, "churn", e2e_u32(1000));
    assert_int_equal(h->dropped, 1000);
    for (int i = 0; i < 3; i++)
        assert_int_equal(E2E_CALL(h->w, files, "keep", e2e_u32(0)).of.u32,
                         1000 - i); /* last freed first: the guest dropped 1 to 1000 */
}

/* -- Rules that guests break --------------------------------------------------------------------------------------- */

static void wants(host *h, const char *name, const void *args, cj_trap trap, const char *where)
{
    cj_instance *files = another(h);
    e2e_traps_native(h->w, files, name, args, trap, where);
    assert_int_equal(cj_call_native(e2e_func(files, "keep"), (uint32_t[]){1}, (uint32_t[1]){0}, NULL), CJ_TRAP);
    assert_int_equal(cj_store_error(h->w->store)->trap, CJ_TRAP_CANNOT_ENTER);
    assert_contains(cj_store_error(h->w->store)->message, "trapped before");
}

BODY(guests_break_rules)
{
    (void)files;
    uint32_t index[2] = {1, 1};
    for (uint32_t bad = 0; bad < 3; bad++) {
        index[0] = bad == 2 ? UINT32_MAX : bad; /* index 1: a table that has never been used */
        wants(h, "size-index", index, CJ_TRAP_HANDLE_INDEX, FILES "#[method]file.size: param 0");
        wants(h, "drop-index", index, CJ_TRAP_HANDLE_INDEX, "resource.drop");
        wants(h, "consume-index", index, CJ_TRAP_HANDLE_INDEX, FILES "#consume: param 0");
        wants(h, "join-index", index, CJ_TRAP_HANDLE_INDEX, FILES "#[static]file.join: param 0");
        wants(h, "fetch", index, CJ_TRAP_HANDLE_INDEX, "fetch: result");
    }
    uint32_t f;
    f = new_file(h, 1);
    wants(h, "keep-borrow", &f, CJ_TRAP_BORROW_NOT_DROPPED, "keep-borrow");
    wants(h, "borrow-index", &f, CJ_TRAP_BORROW_NOT_DROPPED, "borrow-index");
    wants(h, "sell-borrow", &f, CJ_TRAP_HANDLE_BORROWED, FILES "#consume: param 0");
    drop(h, f); /* it is not lent any more */

    /* Drops what it made twice; drops it as another type. */
    cj_instance *guest = another(h);
    uint32_t kept = E2E_CALL(h->w, guest, "keep", e2e_u32(1)).of.u32;
    E2E_CALL(h->w, guest, "drop-index", e2e_u32(kept));
    e2e_traps_native(h->w, guest, "drop-index", &kept, CJ_TRAP_HANDLE_INDEX, "resource.drop");
    guest = another(h);
    kept = E2E_CALL(h->w, guest, "keep", e2e_u32(1)).of.u32;
    e2e_traps_native(h->w, guest, "drop-index-as-stamp", &kept, CJ_TRAP_HANDLE_TYPE, "resource.drop");
    guest = another(h);
    kept = E2E_CALL(h->w, guest, "keep", e2e_u32(1)).of.u32;
    e2e_traps_native(h->w, guest, "join-index", (uint32_t[]){kept, kept}, CJ_TRAP_HANDLE_INDEX,
                     FILES "#[static]file.join: param 1");
}

/* One resource in two tables at a time: the guest gives an own handle away and then fails. */
BODY(a_trap_after_a_handle_moved)
{
    uint32_t f = new_file(h, 1);
    e2e_traps_native(h->w, files, "give-and-trap", &f, CJ_TRAP_STRING_BOUNDS, FILES "#give-and-trap: param 1");
    /* The host function was not called: the host must not find a handle that it never saw. */
    for (uint32_t i = 0; i < 10; i++)
        assert_null(cj_handle_type(h->w->store, i));
    assert_int_equal(h->dropped, 0); /* the dead guest has it; end() sees it dropped */
}

/* -- Rules that the host breaks ------------------------------------------------------------------------------------ */

typedef struct own_text_own {
    uint32_t a;
    cj_string text;
    uint32_t b;
} own_text_own;

BODY(what_has_not_moved_stays_with_the_host)
{
    own_text_own args = {new_file(h, 1), CJ_STRING("abc"), new_file(h, 2)};
    uint32_t result;
    assert_int_equal(cj_call_native(e2e_func(files, "own-text-own"), &args, &result, NULL), CJ_OK);
    assert_int_equal(result, 3);
    assert_int_equal(h->dropped, 2);

    args = (own_text_own){new_file(h, 1), {"\xff", 1}, new_file(h, 2)};
    e2e_traps_native(h->w, files, "own-text-own", &args, CJ_TRAP_STRING_UTF8, "own-text-own: param 1");
    assert_null(cj_handle_type(h->w->store, args.a));
    assert_ptr_equal(cj_handle_type(h->w->store, args.b), h->file);
    assert_true(cj_handle_is_own(h->w->store, args.b));
    drop(h, args.b);
    assert_int_equal(h->dropped, 3);
}

BODY(the_host_breaks_rules)
{
    uint32_t f = new_file(h, 1), stamp;
    e2e_ok(cj_resource_new(h->w->store, h->stamp, NULL, &stamp, &h->w->err), &h->w->err);
    wants(h, "size-of", (uint32_t[]){0}, CJ_TRAP_HANDLE_INDEX, "size-of: param 0");
    wants(h, "size-of", (uint32_t[]){99}, CJ_TRAP_HANDLE_INDEX, "size-of: param 0");
    wants(h, "size-of", (uint32_t[]){stamp}, CJ_TRAP_HANDLE_TYPE, "size-of: param 0");
    wants(h, "store", (uint32_t[]){stamp}, CJ_TRAP_HANDLE_TYPE, "store: param 0");
    wants(h, "two", (uint32_t[]){f, f}, CJ_TRAP_HANDLE_INDEX, "two: param 1"); /* moved by then */
    f = new_file(h, 1);
    wants(h, "own-and-borrow", (uint32_t[]){f, f}, CJ_TRAP_HANDLE_INDEX, "own-and-borrow: param 1");
    f = new_file(h, 1);
    wants(h, "borrow-and-own", (uint32_t[]){f, f}, CJ_TRAP_HANDLE_LENT, "borrow-and-own: param 1");
    drop(h, f); /* not lent any more */
    assert_true(cj_handle_is_own(h->w->store, stamp));

    /* By the dynamic door the guest is not even entered. */
    static const struct {
        const char *name, *text;
        bool own;
    } misuses[] = {{"size-of", "no such handle", false},
                   {"store", "no such handle", true},
                   {"store", "another resource type", true}};
    for (size_t i = 0; i < sizeof(misuses) / sizeof(misuses[0]); i++) {
        cj_val arg = misuses[i].own ? e2e_own(i == 2 ? stamp : 99) : e2e_borrow(99), result;
        cj_error err;
        assert_int_equal(cj_call(e2e_func(files, misuses[i].name), &arg, 1, &result, 1, NULL, &err), CJ_MISUSE);
        assert_contains(err.message, misuses[i].text);
        assert_contains(err.where, "param 0");
    }
    f = new_file(h, 4);
    assert_int_equal(E2E_CALL(h->w, files, "size-of", e2e_borrow(f)).of.u32, 4);

    /* One handle twice, where it moves: nothing has moved then. */
    uint32_t g = new_file(h, 5);
    cj_val twice[3] = {e2e_own(f), e2e_own(g), e2e_own(f)}, list = seq(CJ_KIND_LIST, twice, 3);
    const struct {
        const char *name, *where;
        const cj_val *args;
        size_t count;
    } moves[] = {{"two", "param 1", (cj_val[]){e2e_own(f), e2e_own(f)}, 2},
                 {"own-and-borrow", "param 1", (cj_val[]){e2e_own(f), e2e_borrow(f)}, 2},
                 {"borrow-and-own", "param 1", (cj_val[]){e2e_borrow(f), e2e_own(f)}, 2},
                 {"take-all-of", "param 0[2]", &list, 1}};
    for (int again = 0; again < 2; again++) {
        for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
            cj_error err;
            cj_val result;
            cj_func *func = e2e_func(files, moves[i].name);
            bool gives = cj_functype_result(cj_func_type(func)) != NULL;
            assert_int_equal(cj_call(func, moves[i].args, moves[i].count, &result, gives, NULL, &err), CJ_MISUSE);
            assert_contains(err.message, "given more than once");
            assert_contains(err.where, moves[i].where);
        }
    }
    assert_int_equal(E2E_CALL(h->w, files, "both-of", e2e_borrow(f), e2e_borrow(f)).of.u32, 1);
    twice[2] = e2e_own(new_file(h, 6));
    assert_int_equal(E2E_CALL(h->w, files, "take-all-of", list).of.u32, 15);
}

/* Inside a host function: what it was lent is not its own. */
static cj_status misuse_borrow(host *h, cj_call_ctx *ctx, uint32_t handle, cj_error *err)
{
    (void)err;
    cj_store *store = cj_ctx_store(ctx);
    cj_error e;
    void *rep;
    assert_int_equal(cj_resource_take(store, h->file, handle, &rep, &e), CJ_MISUSE);
    assert_contains(e.message, "borrowed");
    assert_int_equal(cj_resource_rep(store, h->stamp, handle, &rep, &e), CJ_MISUSE);
    assert_contains(e.message, "\"file\", not \"stamp\"");
    assert_int_equal(cj_resource_rep(store, h->file, 1000, &rep, &e), CJ_NOT_FOUND);
    assert_int_equal(cj_resource_drop(store, 1000, &e), CJ_NOT_FOUND);
    assert_int_equal(cj_resource_drop(store, 0, &e), CJ_NOT_FOUND);
    /* Own handles that are lent to the call which led here. */
    uint32_t lent = h->files[0].n;
    assert_int_equal(cj_resource_drop(store, lent, &e), CJ_MISUSE);
    assert_contains(e.message, "lent");
    assert_int_equal(cj_resource_take(store, h->file, lent, &rep, &e), CJ_MISUSE);
    cj_val arg = e2e_own(lent), result;
    assert_int_equal(cj_call(h->nested, &arg, 1, &result, 1, NULL, &e), CJ_MISUSE);
    assert_contains(e.message, "lent");
    /* A borrow may be passed on; meanwhile it cannot be dropped, and then it can. */
    arg = e2e_borrow(handle);
    assert_int_equal(cj_call(e2e_func(cj_func_instance(h->nested), "size-of"), &arg, 1, &result, 1, NULL, &e), CJ_OK);
    arg = e2e_own(handle);
    assert_int_equal(cj_call(h->nested, &arg, 1, &result, 1, NULL, &e), CJ_MISUSE);
    assert_contains(e.message, "borrowed");
    assert_int_equal(cj_resource_drop(store, handle, &e), CJ_OK);
    assert_int_equal(cj_resource_drop(store, handle, &e), CJ_NOT_FOUND);
    return CJ_OK;
}

BODY(borrows_in_host_functions)
{
    uint32_t f = new_file(h, 0);
    h->files[0].n = f; /* call-back gives its number back */
    h->nested = e2e_func(another(h), "store");
    h->on_call_back = misuse_borrow;
    assert_int_equal(E2E_CALL(h->w, files, "call-back", e2e_borrow(f)).of.u32, f);
    assert_int_equal(h->dropped, 0);
    drop(h, f);
}

/* While results are being looked at: the guest has dropped what it was lent, so the host can; own handles of the result are the host's already. */
static cj_status leave_open(host *h, cj_call_ctx *ctx, uint32_t handle, cj_error *err)
{
    (void)ctx, (void)err;
    uint32_t n;
    assert_int_equal(cj_call_begin(h->nested, &handle, &n, NULL), CJ_OK);
    assert_int_equal(n, 8);
    return CJ_OK;
}

BODY(calls_with_handles_that_are_open)
{
    cj_func *size_of = e2e_func(files, "size-of"), *pass = e2e_func(files, "pass"),
            *several_of = e2e_func(files, "several-of"), *keep = e2e_func(files, "keep-borrow");
    uint32_t f = new_file(h, 5), n = 0, three = 3, moved;
    cj_list list;
    for (int i = 0; i < 2; i++) {
        e2e_ok(cj_call_begin(size_of, &f, &n, NULL), cj_store_error(h->w->store));
        assert_int_equal(n, 5);
        drop(h, f);
        e2e_ok(cj_call_end(size_of), cj_store_error(h->w->store));
        f = new_file(h, 5);
    }
    e2e_ok(cj_call_begin(several_of, &three, &list, NULL), cj_store_error(h->w->store));
    assert_int_equal(list.len, 3);
    drop(h, ((const uint32_t *)list.ptr)[1]);
    e2e_ok(cj_call_end(several_of), cj_store_error(h->w->store));
    drop(h, ((const uint32_t *)list.ptr)[0]);

    h->nested = e2e_func(another(h), "size-of");
    h->on_call_back = leave_open;
    uint32_t g = new_file(h, 8);
    assert_int_equal(E2E_CALL(h->w, files, "call-back", e2e_borrow(g)).of.u32, 8);
    drop(h, g);
    e2e_ok(cj_call_end(h->nested), cj_store_error(h->w->store));

    e2e_ok(cj_call_begin(pass, &f, &moved, NULL), cj_store_error(h->w->store));
    assert_true(cj_handle_is_own(h->w->store, moved));
    cj_instance *doomed = another(h);
    keep = e2e_func(doomed, "keep-borrow");
    assert_int_equal(cj_call_begin(keep, &moved, NULL, NULL), CJ_TRAP);
    assert_int_equal(cj_store_error(h->w->store)->trap, CJ_TRAP_BORROW_NOT_DROPPED);
    assert_int_equal(cj_call_end(keep), CJ_MISUSE);
    /* `pass` is open when the store goes */
}

/* A host function that fails, or calls a guest that traps, leaves no borrow behind. */
static cj_status fail_with_borrow(host *h, cj_call_ctx *ctx, uint32_t handle, cj_error *err)
{
    (void)ctx;
    h->seen = handle;
    if (h->nested) {
        uint32_t arg = handle;
        assert_int_equal(cj_call_native(h->nested, &arg, NULL, NULL), CJ_TRAP);
        assert_int_equal(cj_store_error(h->w->store)->trap, CJ_TRAP_BORROW_NOT_DROPPED);
        assert_ptr_equal(cj_handle_type(h->w->store, handle), h->file); /* still the host's */
        h->nested = NULL;
        return CJ_OK;
    }
    err->status = CJ_HOST;
    snprintf(err->message, sizeof(err->message), "no more");
    return CJ_HOST;
}

BODY(borrows_end_when_host_functions_fail)
{
    uint32_t f = new_file(h, 6);
    h->on_call_back = fail_with_borrow;
    h->nested = e2e_func(another(h), "keep-borrow");
    assert_int_equal(E2E_CALL(h->w, files, "call-back", e2e_borrow(f)).of.u32, 6);
    assert_null(cj_handle_type(h->w->store, h->seen));
    e2e_traps_native(h->w, files, "call-back", &f, CJ_TRAP_HOST, FILES "#call-back");
    assert_null(cj_handle_type(h->w->store, h->seen));
    drop(h, f);
}

BODY(the_api_refuses_misuse)
{
    cj_error err;
    cj_store *store = h->w->store;
    uint32_t handle;
    void *rep;
    cj_resource_type *type;
    assert_int_equal(cj_resource_type_new(NULL, "x", NULL, NULL, &type, &err), CJ_MISUSE);
    assert_int_equal(cj_resource_type_new(h->w->engine, NULL, NULL, NULL, &type, &err), CJ_MISUSE);
    assert_int_equal(cj_resource_new(store, NULL, NULL, &handle, &err), CJ_MISUSE);
    assert_int_equal(cj_resource_new(store, h->file, NULL, NULL, &err), CJ_MISUSE);
    assert_int_equal(cj_resource_rep(store, NULL, 1, &rep, &err), CJ_MISUSE);
    assert_int_equal(cj_resource_take(store, h->file, 1, NULL, &err), CJ_MISUSE);
    assert_int_equal(cj_resource_drop(NULL, 1, &err), CJ_MISUSE);
    assert_null(cj_handle_type(NULL, 1));
    assert_null(cj_instance_resource(NULL, "x"));
    assert_null(cj_instance_resource(files, NULL));
    assert_null(cj_instance_handle_type(files, NULL));
    assert_int_equal(cj_linker_resource(h->w->linker, FILES, "file", h->file, &err), CJ_MISUSE);
    assert_contains(err.message, "already");
    assert_int_equal(cj_linker_resource(h->w->linker, FILES, "", h->file, &err), CJ_MISUSE);
    assert_int_equal(cj_linker_resource(h->w->linker, FILES, "other", NULL, &err), CJ_MISUSE);

    /* Of another engine. */
    cj_config config;
    cj_config_init(&config);
    config.tier = CJ_TIER_INTERP;
    cj_engine *other;
    e2e_ok(cj_engine_new(&config, &other, &err), &err);
    e2e_ok(cj_resource_type_new(other, "x", NULL, NULL, &type, &err), &err);
    assert_int_equal(cj_linker_resource(h->w->linker, FILES, "other", type, &err), CJ_MISUSE);
    assert_contains(err.message, "another engine");
    assert_int_equal(cj_resource_new(store, type, NULL, &handle, &err), CJ_MISUSE);
    cj_resource_type_delete(type);
    cj_engine_delete(other);
}

/* -- Imports that are exported again ------------------------------------------------------------------------------- */

typedef struct odd_result {
    uint8_t flag, bits;
    struct {
        uint8_t kind;
        union {
            cj_string text;
            struct {
                uint32_t c;
                uint8_t color;
            } both;
        } of;
    } shape;
    cj_list list; /* of option_string */
} odd_result;
typedef struct option_string {
    uint8_t some;
    cj_string value;
} option_string;

enum { GOOD, BAD_CASE, BAD_CHAR, BAD_COLOR, BAD_TEXT, BAD_ELEMENT, TOO_LONG, TOO_MUCH, FAILS };

/* What the host function of `odd` gives is its own: a buffer that the next call overwrites. */
static char scratch[16];
static const char large[2000];

HOST_FN(odd)
{
    (void)user, (void)ctx;
    static option_string strings[3];
    odd_result *out = results;
    uint32_t what = *(const uint32_t *)args;
    snprintf(scratch, sizeof(scratch), "what %u", what);
    strings[0] = (option_string){1, {scratch, strlen(scratch)}};
    strings[1] = (option_string){0, {scratch, 1000000}};
    strings[2] = (option_string){1, CJ_STRING("")};
    out->flag = 0x80;
    out->bits = 0xff;
    out->list = (cj_list){strings, 3};
    out->shape.kind = what == BAD_CASE ? 3 : what == GOOD || what == BAD_TEXT ? 1 : 2;
    if (out->shape.kind == 1) {
        out->shape.of.text = what == BAD_TEXT ? CJ_STRING("\xed\xa0\x80") : (cj_string){scratch, 4};
    } else {
        out->shape.of.both.c = what == BAD_CHAR ? 0xd800 : 'x';
        out->shape.of.both.color = what == BAD_COLOR ? 2 : 1;
    }
    if (what == BAD_ELEMENT)
        strings[2].some = 2;
    if (what == TOO_LONG)
        out->list.len = (size_t)1 << 40;
    if (what == TOO_MUCH)
        strings[0].value = (cj_string){large, sizeof(large)};
    if (what == FAILS) {
        snprintf(err->message, sizeof(err->message), "odd indeed");
        return CJ_HOST;
    }
    return CJ_OK;
}

HOST_FN(text)
{
    (void)user, (void)ctx, (void)err;
    *(cj_string *)results = *(const cj_string *)args;
    return CJ_OK;
}

HOST_FN(nothing)
{
    (void)ctx, (void)args, (void)results, (void)err;
    (*(uint32_t *)user)++;
    return CJ_OK;
}

static cj_instance *reexporting(host *h, uint32_t *calls)
{
    cj_error *err = &h->w->err;
    e2e_ok(cj_linker_func(h->w->linker, NULL, "odd", odd, h, err), err);
    e2e_ok(cj_linker_func(h->w->linker, NULL, "text", text, h, err), err);
    e2e_ok(cj_linker_func(h->w->linker, NULL, "nothing", nothing, calls, err), err);
    return e2e_instance(h->w, "reexport");
}

/* A result is copied, checked and counted as if it went through a guest. */
BODY(values_of_reexported_imports)
{
    (void)files;
    uint32_t calls = 0;
    cj_instance *again = reexporting(h, &calls);
    cj_func *func = e2e_func(again, "odd");
    odd_result result;
    assert_int_equal(sizeof(result), cj_type_size(cj_functype_result(cj_func_type(func))));
    cj_arena *arena;
    assert_int_equal(cj_arena_new(NULL, &arena), CJ_OK);
    assert_int_equal(cj_call_native(func, (uint32_t[]){GOOD}, &result, arena), CJ_OK);
    memset(scratch, '?', sizeof(scratch));
    assert_int_equal(result.flag, 1);
    assert_int_equal(result.bits, 7);
    assert_int_equal(result.shape.kind, 1);
    assert_memory_equal(result.shape.of.text.ptr, "what", 4);
    const option_string *strings = result.list.ptr;
    assert_int_equal(result.list.len, 3);
    assert_memory_equal(strings[0].value.ptr, "what 0", 6);
    assert_int_equal(strings[1].some, 0);
    assert_int_equal(strings[2].value.len, 0);
    assert_int_equal(cj_call_native(e2e_func(again, "nothing"), NULL, NULL, NULL), CJ_OK);
    assert_int_equal(calls, 1);
    cj_string hello = CJ_STRING("hello"), back;
    assert_int_equal(cj_call_native(e2e_func(again, "texts"), &hello, &back, NULL), CJ_OK);
    assert_memory_equal(back.ptr, "hello", 5);
    assert_ptr_not_equal(back.ptr, hello.ptr);

    static const struct {
        uint32_t what;
        cj_trap trap;
    } bad[] = {{BAD_CASE, CJ_TRAP_DISCRIMINANT},
               {BAD_CHAR, CJ_TRAP_CHAR_SURROGATE},
               {BAD_COLOR, CJ_TRAP_DISCRIMINANT},
               {BAD_TEXT, CJ_TRAP_STRING_UTF8},
               {BAD_ELEMENT, CJ_TRAP_DISCRIMINANT},
               {TOO_LONG, CJ_TRAP_LIST_LENGTH},
               {FAILS, CJ_TRAP_HOST}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        e2e_traps_native(h->w, again, "odd", &bad[i].what, bad[i].trap, "odd");
        assert_int_equal(cj_call_native(func, (uint32_t[]){GOOD}, &result, arena), CJ_OK); /* nothing is dead */
    }
    assert_contains(cj_store_error(h->w->store)->message, "odd indeed");
    cj_arena_delete(arena);

    /* Not a guest's: no plan. */
    char *plan;
    cj_error err;
    const cj_component *component = h->w->components[h->w->component_count - 1];
    assert_int_equal(cj_component_text(component, CJ_TEXT_PLAN, "odd", &plan, &err), CJ_NOT_FOUND);
    assert_contains(err.message, "no guest is called");
}

static void reexported_imports_count_against_the_limits(void **state)
{
    e2e *w = *state;
    cj_limits limits;
    cj_limits_init(&limits);
    limits.max_host_bytes = 1500;
    cj_store_delete(w->store);
    e2e_ok(cj_store_new(w->engine, &limits, w, &w->store, &w->err), &w->err);
    host *h = new_host(w);
    uint32_t calls;
    cj_instance *again = reexporting(h, &calls);
    uint32_t what = TOO_MUCH;
    e2e_traps_native(w, again, "odd", &what, CJ_TRAP_HOST_LIMIT, "odd");
    assert_contains(cj_store_error(w->store)->message, "max_host_bytes");
    odd_result result;
    assert_int_equal(cj_call_native(e2e_func(again, "odd"), (uint32_t[]){GOOD}, &result, NULL), CJ_OK);
    end(h);
}

#define AGAIN "test:e2e/again@1.0.0#"

BODY(handles_of_reexported_imports)
{
    (void)files;
    uint32_t calls;
    cj_instance *again = reexporting(h, &calls);
    uint32_t a = E2E_CALL(h->w, again, AGAIN "[constructor]file", e2e_u32(6)).of.handle;
    assert_int_equal(file_of(h, a)->n, 6);
    /* Lent as a handle of its own, which the function may drop, or not. */
    for (int early = 0; early < 2; early++) {
        h->drop_early = early;
        assert_int_equal(E2E_CALL(h->w, again, AGAIN "[method]file.size", e2e_borrow(a)).of.u32, 6);
        assert_int_not_equal(h->seen, a);
        assert_null(cj_handle_type(h->w->store, h->seen));
        assert_true(cj_handle_is_own(h->w->store, a));
    }
    assert_int_equal(E2E_CALL(h->w, again, AGAIN "compare", e2e_borrow(a), e2e_borrow(a)).of.u32, 1);
    uint32_t b = new_file(h, 7);
    cj_val lent[3] = {e2e_borrow(a), e2e_borrow(b), e2e_borrow(a)};
    assert_int_equal(E2E_CALL(h->w, again, AGAIN "sum", seq(CJ_KIND_LIST, lent, 3)).of.u32, 19);
    cj_val joined = E2E_CALL(h->w, again, AGAIN "[static]file.join", e2e_own(a), e2e_own(b));
    assert_int_equal(file_of(h, joined.of.handle)->n, 13);
    assert_int_equal(h->dropped, 2);
    cj_val found = E2E_CALL(h->w, again, AGAIN "find", some(&joined));
    assert_int_equal(found.of.choice.payload->of.handle, joined.of.handle);
    found = E2E_CALL(h->w, again, AGAIN "find", some(NULL));
    assert_memory_equal(found.of.choice.payload->of.string.ptr, "nothing", 7);
    cj_val parts[3] = {e2e_borrow(joined.of.handle), e2e_u32(2), e2e_own(new_file(h, 5))};
    cj_val mixed = E2E_CALL(h->w, again, AGAIN "mix", seq(CJ_KIND_TUPLE, parts, 3));
    assert_int_equal(mixed.of.seq.ptr[0].of.u32, 130205);
    assert_int_equal(file_of(h, mixed.of.seq.ptr[1].of.handle)->n, 5);
    assert_int_equal(E2E_CALL(h->w, again, AGAIN "several", e2e_u32(3)).of.seq.len, 3);

    /* The same traps as of a guest's functions; nothing dies of them. */
    uint32_t stamp, f = new_file(h, 1);
    e2e_ok(cj_resource_new(h->w->store, h->stamp, NULL, &stamp, NULL), NULL);
    e2e_traps_native(h->w, again, AGAIN "[method]file.size", (uint32_t[]){0}, CJ_TRAP_HANDLE_INDEX, "file.size");
    e2e_traps_native(h->w, again, AGAIN "[method]file.size", &stamp, CJ_TRAP_HANDLE_TYPE, "file.size");
    e2e_traps_native(h->w, again, AGAIN "[static]file.join", (uint32_t[]){f, stamp}, CJ_TRAP_HANDLE_TYPE, "file.join");
    e2e_traps_native(h->w, again, AGAIN "[static]file.join", (uint32_t[]){f, f}, CJ_TRAP_HANDLE_INDEX, "file.join");
    struct {
        uint32_t lent, n, own;
    } both = {f, 1, f};
    e2e_traps_native(h->w, again, AGAIN "mix", &both, CJ_TRAP_HANDLE_LENT, "mix");
    h->same_twice = f;
    e2e_traps_native(h->w, again, AGAIN "several", (uint32_t[]){2}, CJ_TRAP_HANDLE_INDEX, "several");
    h->same_twice = 0;
    h->on_call_back = fail_with_borrow;
    e2e_traps_native(h->w, again, AGAIN "call-back", &f, CJ_TRAP_HOST, "call-back");
    assert_null(cj_handle_type(h->w->store, h->seen));
    drop(h, f);
    assert_ptr_equal(cj_instance_resource(again, AGAIN "file"), h->file);
}

/* -- Linking ------------------------------------------------------------------------------------------------------- */

static void missing_types(void **state)
{
    e2e *w = *state;
    cj_component *component = e2e_component(w, "files");
    cj_instance *instance;
    cj_error err;
    assert_int_equal(cj_instantiate(w->store, w->linker, component, &instance, &err), CJ_LINK);
    assert_contains(err.message, "no resource type \"file\" of interface \"" FILES "\"");
    assert_contains(err.where, FILES "#file");
    assert_int_equal(cj_instantiate(w->store, NULL, component, &instance, &err), CJ_LINK);

    /* A function where a type is wanted, and the other way round. */
    cj_resource_type *type;
    e2e_ok(cj_resource_type_new(w->engine, "file", NULL, NULL, &type, &err), &err);
    e2e_ok(cj_linker_func(w->linker, FILES, "file", never, NULL, &err), &err);
    assert_int_equal(cj_instantiate(w->store, w->linker, component, &instance, &err), CJ_LINK);
    assert_contains(err.message, "wants a resource type");
    cj_linker *linker;
    e2e_ok(cj_linker_new(w->engine, &linker, &err), &err);
    e2e_ok(cj_linker_resource(linker, FILES, "file", type, &err), &err);
    e2e_ok(cj_linker_resource(linker, NULL, "paper", type, &err), &err);
    assert_int_equal(cj_instantiate(w->store, linker, component, &instance, &err), CJ_LINK);
    assert_contains(err.message, "no resource type \"stamp\"");
    e2e_ok(cj_linker_resource(linker, NULL, "stamp", type, &err), &err);
    e2e_ok(cj_linker_resource(linker, FILES, "consume", type, &err), &err);
    assert_int_equal(cj_instantiate(w->store, linker, component, &instance, &err), CJ_LINK);
    cj_linker_delete(linker);
    cj_resource_type_delete(type);
}

static void types_are_listed(void **state)
{
    e2e *w = *state;
    const cj_component *component = e2e_component(w, "files");
    assert_int_equal(cj_component_resource_count(component), 3);
    static const char *const names[] = {"file", "paper", "stamp"};
    for (size_t i = 0; i < 3; i++) {
        cj_extern_resource r = cj_component_resource(component, i);
        assert_string_equal(r.interface, i == 0 ? FILES : "");
        assert_string_equal(r.name, names[i]);
        assert_true(r.imported);
    }
    assert_string_equal(cj_component_resource(component, 3).name, "");
}

/* -- Limits -------------------------------------------------------------------------------------------------------- */

static host *limited_host(e2e *w, uint32_t max_handles)
{
    cj_limits limits;
    cj_limits_init(&limits);
    limits.max_handles = max_handles;
    cj_store_delete(w->store);
    e2e_ok(cj_store_new(w->engine, &limits, w, &w->store, &w->err), &w->err);
    return new_host(w);
}

static void max_handles(void **state)
{
    e2e *w = *state;
    host *h = limited_host(w, 10);
    /* A guest's table: 10 are fine, 11 trap. */
    cj_instance *files = another(h);
    E2E_CALL(h->w, files, "hoard", e2e_u32(10));
    assert_int_equal(live(h), 10);
    e2e_traps_native(h->w, files, "hoard", (uint32_t[]){1}, CJ_TRAP_HANDLE_TABLE_FULL, FILES "#[constructor]file");
    assert_contains(cj_store_error(w->store)->message, "max_handles of cj_limits is 10");
    /* Another guest has a table of its own. */
    cj_instance *other = another(h);
    E2E_CALL(h->w, other, "hoard", e2e_u32(9));
    uint32_t f = 0;
    /* The host's: what the guest was about to make when it trapped counts. */
    cj_error err;
    uint32_t made = 0;
    while (cj_resource_new(w->store, h->stamp, NULL, &f, &err) == CJ_OK)
        made++;
    assert_in_range(made, 9, 10);
    assert_int_equal(cj_resource_new(w->store, h->stamp, NULL, &f, &err), CJ_LIMIT);
    assert_contains(err.message, "max_handles");
    /* Full for results and for what host functions are lent. */
    uint32_t index = 1;
    e2e_traps_native(h->w, other, "size-index", &index, CJ_TRAP_HANDLE_TABLE_FULL, FILES "#[method]file.size: param 0");
    end(h);
}

static void list_of_handles_over_the_limit(void **state)
{
    e2e *w = *state;
    host *h = limited_host(w, 100);
    cj_instance *files = another(h);
    uint32_t handles[100];
    for (uint32_t i = 0; i < 100; i++)
        handles[i] = new_file(h, i);
    /* One handle lent again and again: bounded all the same. */
    static uint32_t same[100000];
    for (uint32_t i = 0; i < 100000; i++)
        same[i] = handles[0];
    cj_list list = {same, 10000};
    uint32_t result = 0;
    assert_int_equal(cj_call_native(e2e_func(files, "sum-of"), &list, &result, NULL), CJ_TRAP);
    assert_int_equal(cj_store_error(w->store)->trap, CJ_TRAP_HANDLE_TABLE_FULL);
    for (uint32_t i = 0; i < 100; i++)
        drop(h, handles[i]); /* none is lent */
    end(h);
}

/* -- The end of things --------------------------------------------------------------------------------------------- */

/* Everything that holds handles at the end: guests dead and alive, the host. */
BODY(what_is_left_is_dropped_once)
{
    cj_instance *dead = another(h), *other = another(h);
    E2E_CALL(h->w, files, "hoard", e2e_u32(50));
    E2E_CALL(h->w, other, "hoard", e2e_u32(30));
    E2E_CALL(h->w, dead, "hoard", e2e_u32(20));
    e2e_traps_native(h->w, dead, "drop-index", (uint32_t[]){1000}, CJ_TRAP_HANDLE_INDEX, "resource.drop");
    for (uint32_t i = 0; i < 10; i++)
        new_file(h, i);
    uint32_t stamp;
    e2e_ok(cj_resource_new(h->w->store, h->stamp, h, &stamp, NULL), NULL);
    assert_int_equal(h->dropped, 0);
    assert_int_equal(live(h), 110);
}

/* A drop function that uses the store: drops another resource, and tries what is not allowed. */
typedef struct node {
    e2e *w;
    uint32_t next; /* a handle that it owns, or 0 */
    bool during_delete;
    uint32_t dropped;
    cj_func *func;
    cj_component *component;
    cj_resource_type *type;
} node;

static void drop_node(void *user, void *rep)
{
    node *n = rep;
    (void)user;
    n->dropped++;
    cj_error err;
    uint32_t handle;
    cj_instance *instance;
    if (n->during_delete) {
        uint32_t result;
        assert_int_equal(cj_call_native(n->func, (uint32_t[]){1}, &result, NULL), CJ_MISUSE);
        assert_contains(cj_store_error(n->w->store)->message, "being deleted");
        assert_int_equal(cj_resource_new(n->w->store, n->type, n, &handle, &err), CJ_MISUSE);
        assert_int_equal(cj_instantiate(n->w->store, n->w->linker, n->component, &instance, &err), CJ_MISUSE);
    }
    cj_store_delete(n->w->store); /* refused */
    assert_contains(cj_store_error(n->w->store)->message, "inside a drop function");
    if (n->next) /* gone already when the store got to it first */
        (void)cj_resource_drop(n->w->store, n->next, NULL);
}

BODY(drop_functions_use_the_store)
{
    (void)files;
    e2e *w = h->w;
    cj_resource_type *type;
    e2e_ok(cj_resource_type_new(w->engine, "node", drop_node, NULL, &type, &w->err), &w->err);
    node nodes[6] = {{0}};
    uint32_t handles[6];
    for (int i = 0; i < 6; i++) {
        nodes[i] = (node){.w = w, .next = i % 3 ? handles[i - 1] : 0, .func = e2e_func(files, "keep"), .type = type};
        e2e_ok(cj_resource_new(w->store, type, &nodes[i], &handles[i], &w->err), &w->err);
    }
    drop(h, handles[2]); /* a chain of three */
    for (int i = 0; i < 6; i++)
        assert_int_equal(nodes[i].dropped, i < 3);
    for (int i = 3; i < 6; i++) {
        nodes[i].during_delete = true;
        nodes[i].component = h->component;
    }
    cj_resource_type_delete(type); /* the store uses it */
    cj_store *store = w->store;
    cj_store_delete(store);
    for (int i = 0; i < 6; i++)
        assert_int_equal(nodes[i].dropped, 1);
    e2e_ok(cj_store_new(w->engine, NULL, w, &w->store, &w->err), &w->err);
}

/* Store, instance, linker, component, resource type and engine, deleted in every order that the header allows or mends. */
static void every_order_of_deletion(void **state)
{
    e2e *w = *state;
    size_t size;
    uint8_t *bytes = e2e_read("files", &size);
    for (uint32_t order = 0; order < 120; order++) {
        cj_error err;
        cj_config config;
        cj_config_init(&config);
        config.tier = CJ_TIER_INTERP; /* compiling is not what is tested */
        cj_engine *engine;
        cj_component *component;
        e2e own_world = {0};
        host *h = calloc(1, sizeof(*h));
        h->w = &own_world;
        e2e_ok(cj_engine_new(&config, &engine, &err), &err);
        own_world.engine = engine;
        e2e_ok(cj_linker_new(engine, &own_world.linker, &err), &err);
        e2e_ok(cj_store_new(engine, NULL, NULL, &own_world.store, &err), &err);
        e2e_ok(cj_component_new(engine, bytes, size, &component, &err), &err);
        e2e_ok(cj_resource_type_new(engine, "file", drop_file, h, &h->file, &err), &err);
        e2e_ok(cj_resource_type_new(engine, "stamp", NULL, NULL, &h->stamp, &err), &err);
        offer(h);
        cj_instance *instance;
        e2e_ok(cj_instantiate(own_world.store, own_world.linker, component, &instance, &err), &err);
        E2E_CALL(h->w, instance, "hoard", e2e_u32(3));
        (void)new_file(h, 1);

        uint32_t left = order, done = 0;
        for (uint32_t n = 5; n > 0; n--) {
            uint32_t pick = left % n, what = 0;
            left /= n;
            while (done & 1u << what)
                what++;
            for (; pick > 0; pick--)
                do
                    what++;
                while (done & 1u << what);
            done |= 1u << what;
            switch (what) {
            case 0:
                assert_int_equal(h->dropped, 0);
                cj_store_delete(own_world.store);
                assert_int_equal(h->dropped, 4);
                break;
            case 1:
                cj_linker_delete(own_world.linker);
                break;
            case 2:
                cj_component_delete(component);
                break;
            case 3:
                cj_resource_type_delete(h->file);
                cj_resource_type_delete(h->stamp);
                break;
            default:
                cj_engine_delete(engine);
                break;
            }
        }
        assert_int_equal(done, 31);
        free(h);
    }
    free(bytes);
    (void)w;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E(own_results),
        E2E(own_arguments_move),
        E2E(borrow_arguments_are_lent),
        E2E(statics_and_consumers),
        E2E(handles_in_values),
        E2E(one_type_under_two_names),
        E2E(many_handles),
        E2E(guests_break_rules),
        E2E(a_trap_after_a_handle_moved),
        E2E(what_has_not_moved_stays_with_the_host),
        E2E(the_host_breaks_rules),
        E2E(borrows_in_host_functions),
        E2E(calls_with_handles_that_are_open),
        E2E(borrows_end_when_host_functions_fail),
        E2E(the_api_refuses_misuse),
        E2E(values_of_reexported_imports),
        E2E(reexported_imports_count_against_the_limits),
        E2E(handles_of_reexported_imports),
        E2E(missing_types),
        E2E(types_are_listed),
        E2E(max_handles),
        E2E(list_of_handles_over_the_limit),
        E2E(what_is_left_is_dropped_once),
        E2E(drop_functions_use_the_store),
        E2E(every_order_of_deletion),
    };
    return e2e_run(tests);
}
