/* test_storm.c: resources wander at random between the host and several instances of a composition, are lent, dropped, given away and asked
 * for where they are not; the host does the same from within host functions, destructors and drop functions, and now and then fails. A
 * model of all tables says beforehand what each call gives: the very index, the very trap, whose destructor runs.
 *
 * CJ_STORM_SEED and CJ_STORM_ROUNDS choose others. What single rules mean is test_resources.c's and test_compose_resources.c's.
 */
#include "e2e.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_SLOTS = 4096, MAX_INSTANCES = 40, MAX_IDS = 1 << 16, MAX_DEPTH = 3, BAGS = 2, CALLS = 10 };

/* -- The model ------------------------------------------------------------------------------------------------------- */

typedef struct slot {
    enum { FREE, OWN, BORROW } kind;
    uint32_t id; /* of the resource */
    uint32_t lends;
} slot;

typedef struct table {
    slot slots[MAX_SLOTS];
    uint32_t free[MAX_SLOTS];
    uint32_t length, free_count; /* slot 0 is never used */
} table;

typedef struct resource {
    int owner; /* the instance whose $p has made it; -1: the host's */
    bool gone;
} resource;

typedef struct composed {
    cj_instance *instance;
    const cj_resource_type *type; /* its $p's r */
    cj_func *mk, *give, *keep, *eat, *rep;
    cj_func *bag[BAGS][CALLS];
    table p, bags[BAGS];
    bool active, dead, host_failed;
} composed;

enum { PUT_R, PUT_H, GET_R, GET_H, DROP_R, DROP_H, PEEK_R, PEEK_H, HOLD_R, HOLD_H };
static const char *const bag_names[CALLS] = {"put-r",  "put-h",  "get-r",  "get-h",  "drop-r",
                                             "drop-h", "peek-r", "peek-h", "hold-r", "hold-h"};

typedef struct storm {
    e2e *w;
    e2e_random random;
    cj_resource_type *h;
    const cj_component *component;
    composed all[MAX_INSTANCES];
    resource ids[MAX_IDS];
    table host;
    uint32_t count, id_count, depth, left, calls, traps, runs, nested;
    int calling; /* the instance whose guest runs; -1 */
    bool ending;
} storm;

static storm *s;

static uint32_t below(uint32_t n)
{
    return (uint32_t)(e2e_next(&s->random) >> 20) % n;
}

static uint32_t add(table *t, uint32_t id, bool own)
{
    uint32_t at = t->free_count > 0 ? t->free[--t->free_count] : ++t->length;
    assert_true(at < MAX_SLOTS);
    t->slots[at] = (slot){own ? OWN : BORROW, id, 0};
    return at;
}

static void take(table *t, uint32_t at)
{
    t->slots[at].kind = FREE;
    t->free[t->free_count++] = at;
}

static slot *at(table *t, uint32_t index)
{
    return index > 0 && index <= t->length && t->slots[index].kind != FREE ? &t->slots[index] : NULL;
}

/* What moving (own), lending (borrow) or dropping a handle of the type of `owner`'s resources finds. */
static cj_trap refuses(const slot *h, int owner, bool moves, bool drops)
{
    if (h == NULL)
        return CJ_TRAP_HANDLE_INDEX;
    if (s->ids[h->id].owner != owner)
        return CJ_TRAP_HANDLE_TYPE;
    if ((moves || drops) && h->lends > 0)
        return CJ_TRAP_HANDLE_LENT;
    return moves && h->kind == BORROW ? CJ_TRAP_HANDLE_BORROWED : CJ_TRAP_NONE;
}

static uint32_t new_id(int owner)
{
    assert_true(s->id_count + 1 < MAX_IDS);
    s->ids[++s->id_count] = (resource){owner, false};
    return s->id_count;
}

/* A slot with a handle of the owner's resources, most of the time; -2: of any. */
static uint32_t some(const table *t, int owner)
{
    uint32_t index = below(t->length + 3);
    bool careless = below(50) == 0;
    for (uint32_t i = 0; i < t->length && !careless; i++, index = index % t->length + 1) {
        const slot *h = &t->slots[index];
        if (index > 0 && index <= t->length && h->kind != FREE && (owner == -2 || s->ids[h->id].owner == owner))
            break;
    }
    return index;
}

static void step(void);
static void host_new(void);

/* What the host does when it is called: all sorts of things. */
static void meanwhile(void)
{
    if (s->ending || s->depth >= MAX_DEPTH || below(3) > 0)
        return;
    int calling = s->calling;
    s->depth++;
    for (uint32_t n = 1 + below(3); n > 0 && s->left > 0; n--, s->nested++)
        step();
    s->depth--;
    s->calling = calling;
}

/* -- What guests call -------------------------------------------------------------------------------------------------- */

static cj_status maybe_fail(cj_error *err)
{
    if (s->ending || s->calling < 0 || below(40) > 0)
        return CJ_OK;
    s->all[s->calling].host_failed = true;
    snprintf(err->message, sizeof(err->message), "enough");
    return CJ_HOST;
}

static cj_status on_call(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)user, (void)results;
    uint32_t id = *(const uint32_t *)args;
    assert_ptr_equal(cj_ctx_instance(ctx), s->all[s->calling].instance);
    if (id != 0) { /* a destructor */
        assert_true(id <= s->id_count && s->ids[id].owner == s->calling && !s->ids[id].gone);
        s->ids[id].gone = true;
        s->runs++;
    }
    meanwhile();
    return maybe_fail(err);
}

static cj_status on_show(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)user;
    uint32_t handle = *(const uint32_t *)args;
    void *rep;
    assert_int_equal(cj_resource_rep(cj_ctx_store(ctx), s->h, handle, &rep, err), CJ_OK);
    uint32_t id = (uint32_t)(uintptr_t)rep;
    assert_int_equal(add(&s->host, id, false), handle);
    meanwhile();
    slot *h = at(&s->host, handle);
    if (h != NULL && h->kind == BORROW && h->id == id) /* not dropped meanwhile */
        take(&s->host, handle);
    *(uint32_t *)results = id;
    return maybe_fail(err);
}

static void on_drop(void *user, void *rep)
{
    (void)user;
    uint32_t id = (uint32_t)(uintptr_t)rep;
    assert_true(id > 0 && id <= s->id_count && s->ids[id].owner == -1 && !s->ids[id].gone);
    s->ids[id].gone = true;
    s->runs++;
    meanwhile();
}

/* -- Calls ------------------------------------------------------------------------------------------------------------- */

/* Enters an instance: the trap that is found before anything else, or none. */
static cj_trap enter(composed *c)
{
    if (c->active || c->dead)
        return CJ_TRAP_CANNOT_ENTER;
    c->active = true;
    c->host_failed = false;
    s->calling = (int)(c - s->all);
    return CJ_TRAP_NONE;
}

static void called(composed *c, cj_func *f, cj_status status, cj_trap expected)
{
    s->calls++;
    if (expected != CJ_TRAP_CANNOT_ENTER) {
        c->active = false;
        if (c->host_failed)
            expected = CJ_TRAP_HOST;
        c->dead = expected != CJ_TRAP_NONE;
    }
    cj_trap found = status == CJ_OK ? CJ_TRAP_NONE : cj_store_error(s->w->store)->trap;
    if (found != expected || (status != CJ_OK && status != CJ_TRAP))
        fail_msg("%s, call %u: %s, expected %s (%s %s)", cj_func_name(f), s->calls, cj_trap_text(found),
                 cj_trap_text(expected), cj_store_error(s->w->store)->where, cj_store_error(s->w->store)->message);
    s->traps += expected != CJ_TRAP_NONE;
}

/* A drop that a guest makes, of what is in a table of its own. */
static void drop_here(composed *c, table *t, uint32_t index, cj_trap *expected, int owner)
{
    slot *h = at(t, index);
    *expected = refuses(h, owner, false, true);
    (void)c;
    if (*expected == CJ_TRAP_NONE)
        take(t, index);
}

/* Calls that give or take one handle. */
static void call_p(composed *c)
{
    int owner = (int)(c - s->all);
    uint32_t result = 0, arg = some(&s->host, owner);
    slot *h = at(&s->host, arg);
    cj_func *f;
    cj_trap trap = CJ_TRAP_NONE;
    uint32_t what = below(6);
    if (what == 3) {
        arg = some(&c->p, owner);
        h = at(&c->p, arg);
    }
    if (what >= 2 && refuses(h, owner, what < 5, false) && below(30) > 0)
        what = 0;
    uint32_t id = h != NULL ? h->id : 0, expect = 0;
    switch (what) {
    case 0:
    case 1:
        f = c->mk;
        if ((trap = enter(c)) == CJ_TRAP_NONE) {
            arg = new_id(owner);
            take(&c->p, add(&c->p, arg, true));
            expect = add(&s->host, arg, true);
        }
        break;
    case 2:
        f = c->keep;
        if ((trap = enter(c)) == CJ_TRAP_NONE && (trap = refuses(h, owner, true, false)) == CJ_TRAP_NONE) {
            take(&s->host, arg);
            expect = add(&c->p, id, true);
        }
        break;
    case 3:
        f = c->give;
        if ((trap = enter(c)) == CJ_TRAP_NONE && (trap = refuses(h, owner, true, false)) == CJ_TRAP_NONE) {
            take(&c->p, arg);
            expect = add(&s->host, h->id, true);
        }
        break;
    case 4: {
        f = c->eat;
        if ((trap = enter(c)) == CJ_TRAP_NONE && (trap = refuses(h, owner, true, false)) == CJ_TRAP_NONE) {
            take(&s->host, arg);
            take(&c->p, add(&c->p, id, true));
            cj_status status = cj_call_native(f, &arg, NULL, NULL);
            assert_true(s->ids[id].gone);
            called(c, f, status, trap);
            return;
        }
        break;
    }
    default:
        f = c->rep;
        if ((trap = enter(c)) == CJ_TRAP_NONE)
            trap = refuses(h, owner, false, false);
        expect = id;
    }
    cj_status status = cj_call_native(f, &arg, f == c->eat ? NULL : (void *)&result, NULL);
    called(c, f, status, trap);
    if (status == CJ_OK)
        assert_int_equal(result, expect);
}

static void call_bag(composed *c)
{
    uint32_t b = below(BAGS), what = below(CALLS);
    table *t = &c->bags[b];
    cj_func *f = c->bag[b][what];
    bool of_r = what == PUT_R || what == GET_R || what == DROP_R || what == PEEK_R || what == HOLD_R;
    int owner = of_r ? (int)(c - s->all) : -1;
    struct {
        uint32_t handle, mode;
    } args = {some(what <= PUT_H || what >= HOLD_R ? &s->host : t, owner), below(4)};
    if (args.mode == 1 && below(8) > 0)
        args.mode = 0;
    uint32_t result = 0, expect = 0, handle = args.handle;
    slot *mine = at(t, handle), *hosts = at(&s->host, handle);
    const slot *h = what <= PUT_H || what >= HOLD_R ? hosts : mine;
    if (refuses(h, owner, what <= GET_H, what <= DROP_H) &&
        below(30) > 0) { /* that is known: something else that makes more of them */
        if (of_r)
            call_p(c);
        else
            host_new();
        return;
    }
    cj_trap trap = enter(c);
    cj_status status;
    if (trap == CJ_TRAP_NONE) {
        switch (what) {
        case PUT_R:
        case PUT_H:
            if ((trap = refuses(hosts, owner, true, false)) == CJ_TRAP_NONE) {
                take(&s->host, handle);
                expect = add(t, hosts->id, true);
            }
            break;
        case GET_R:
        case GET_H:
            if ((trap = refuses(mine, owner, true, false)) == CJ_TRAP_NONE) {
                take(t, handle);
                expect = add(&s->host, mine->id, true);
            }
            break;
        case DROP_R:
        case DROP_H: {
            uint32_t id = mine != NULL ? mine->id : 0;
            drop_here(c, t, handle, &trap, owner);
            bool runs = trap == CJ_TRAP_NONE;
            status = cj_call_native(f, &args, NULL, NULL);
            if (runs)
                assert_true(s->ids[id].gone);
            called(c, f, status, trap);
            return;
        }
        case PEEK_R:
        case PEEK_H:
            if ((trap = refuses(mine, owner, false, false)) == CJ_TRAP_NONE)
                expect = mine->id;
            break;
        default:
            if ((trap = refuses(hosts, owner, false, false)) == CJ_TRAP_NONE) {
                hosts->lends++;
                expect = add(t, hosts->id, false);
                if (args.mode != 1)
                    take(t, expect);
                else
                    trap = CJ_TRAP_BORROW_NOT_DROPPED;
                status = cj_call_native(f, &args, &result, NULL);
                s->host.slots[handle].lends--;
                called(c, f, status, trap);
                if (status == CJ_OK)
                    assert_int_equal(result, expect);
                return;
            }
        }
    }
    status = cj_call_native(f, &args, what == DROP_R || what == DROP_H ? NULL : &result, NULL);
    called(c, f, status, trap);
    if (status == CJ_OK && what != DROP_R && what != DROP_H)
        assert_int_equal(result, expect);
}

/* -- What the host does by itself ------------------------------------------------------------------------------------------ */

static void host_new(void)
{
    uint32_t id = new_id(-1), handle;
    e2e_ok(cj_resource_new(s->w->store, s->h, (void *)(uintptr_t)id, &handle, &s->w->err), &s->w->err);
    assert_int_equal(handle, add(&s->host, id, true));
}

static void host_drop(void)
{
    uint32_t handle = some(&s->host, -2);
    slot *h = at(&s->host, handle);
    if (h == NULL) {
        assert_int_equal(cj_resource_drop(s->w->store, handle, &s->w->err), CJ_NOT_FOUND);
        return;
    }
    if (h->lends > 0) {
        assert_int_equal(cj_resource_drop(s->w->store, handle, &s->w->err), CJ_MISUSE);
        return;
    }
    uint32_t id = h->id;
    int owner = s->ids[id].owner;
    bool own = h->kind == OWN;
    take(&s->host, handle);
    if (!own || owner < 0) {
        e2e_ok(cj_resource_drop(s->w->store, handle, &s->w->err), &s->w->err);
        assert_true(!own || s->ids[id].gone);
        return;
    }
    composed *c = &s->all[owner];
    cj_trap trap = enter(c);
    cj_status status = cj_resource_drop(s->w->store, handle, &s->w->err);
    if (trap == CJ_TRAP_NONE)
        assert_true(s->ids[id].gone);
    called(c, c->mk, status, trap);
}

static void host_look(void)
{
    uint32_t handle = some(&s->host, -2);
    slot *h = at(&s->host, handle);
    const cj_resource_type *type = cj_handle_type(s->w->store, handle);
    if (h == NULL) {
        assert_null(type);
        return;
    }
    int owner = s->ids[h->id].owner;
    assert_ptr_equal(type, owner < 0 ? s->h : s->all[owner].type);
    assert_int_equal(cj_handle_is_own(s->w->store, handle), h->kind == OWN);
    void *rep;
    cj_status status = cj_resource_rep(s->w->store, s->h, handle, &rep, &s->w->err);
    assert_int_equal(status, owner < 0 ? CJ_OK : CJ_MISUSE);
    if (status == CJ_OK)
        assert_int_equal((uintptr_t)rep, h->id);
    if (below(4) > 0)
        return;
    uint32_t id = h->id;
    bool may = owner < 0 && h->kind == OWN && h->lends == 0;
    status = cj_resource_take(s->w->store, s->h, handle, &rep, &s->w->err);
    assert_int_equal(status, may ? CJ_OK : CJ_MISUSE);
    if (may) {
        take(&s->host, handle);
        s->ids[id].gone = true;
    }
}

static void one_more(void)
{
    composed *c = &s->all[s->count];
    memset(c, 0, sizeof(*c));
    e2e_ok(cj_instantiate(s->w->store, s->w->linker, s->component, &c->instance, &s->w->err), &s->w->err);
    s->count++;
    c->type = cj_instance_resource(c->instance, "p#r");
    assert_non_null(c->type);
    c->mk = e2e_func(c->instance, "p#mk");
    c->give = e2e_func(c->instance, "p#give");
    c->keep = e2e_func(c->instance, "p#keep");
    c->eat = e2e_func(c->instance, "p#eat");
    c->rep = e2e_func(c->instance, "p#rep");
    for (uint32_t b = 0; b < BAGS; b++) {
        for (uint32_t i = 0; i < CALLS; i++) {
            char path[32];
            snprintf(path, sizeof(path), "b%u#%s", b, bag_names[i]);
            c->bag[b][i] = e2e_func(c->instance, path);
        }
    }
}

static void step(void)
{
    s->left -= s->left > 0;
    uint32_t what = below(20);
    composed *c = s->count > 0 ? &s->all[below(s->count)] : NULL;
    uint32_t alive = 0;
    for (uint32_t i = 0; i < s->count; i++)
        alive += !s->all[i].dead;
    for (int i = 0; c != NULL && i < 50 && (c->dead || (c->active && below(4) > 0)); i++)
        c = &s->all[below(s->count)];
    if (alive < 3 && s->count < MAX_INSTANCES)
        one_more();
    else if (what < 6)
        call_p(c);
    else if (what < 15)
        call_bag(c);
    else if (what < 17)
        host_new();
    else if (what < 19)
        host_drop();
    else
        host_look();
}

static void storms(void **state)
{
    e2e *w = *state;
    const char *text = getenv("CJ_STORM_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : 1;
    int rounds = getenv("CJ_STORM_ROUNDS") ? atoi(getenv("CJ_STORM_ROUNDS")) : 40;
    s = calloc(1, sizeof(*s));
    assert_non_null(s);
    uint32_t calls = 0, traps = 0, runs = 0, nested = 0;
    for (int round = 0; round < rounds; round++) {
        memset(s, 0, sizeof(*s));
        s->w = w;
        s->random.state = seed + (uint64_t)round;
        s->calling = -1;
        s->left = 600;
        e2e_ok(cj_resource_type_new(w->engine, "h", on_drop, NULL, &s->h, &w->err), &w->err);
        e2e_ok(cj_linker_resource(w->linker, "host", "h", s->h, &w->err), &w->err);
        e2e_ok(cj_linker_func(w->linker, "host", "call", on_call, NULL, &w->err), &w->err);
        e2e_ok(cj_linker_func(w->linker, "host", "show", on_show, NULL, &w->err), &w->err);
        if (round == 0)
            e2e_component(w, "storm");
        s->component = w->components[0];
        while (s->left > 0)
            step();
        /* The store goes first, or last of all but the component. */
        s->ending = true;
        if (round % 2 == 0)
            cj_store_delete(w->store);
        cj_linker_delete(w->linker);
        cj_resource_type_delete(s->h);
        if (round % 2 != 0)
            cj_store_delete(w->store);
        for (uint32_t id = 1; id <= s->id_count; id++)
            if (s->ids[id].owner < 0 && !s->ids[id].gone)
                fail_msg("seed %llu: resource %u of the host's was never dropped",
                         (unsigned long long)seed + (unsigned)round, id);
        calls += s->calls;
        traps += s->traps;
        runs += s->runs;
        nested += s->nested;
        e2e_ok(cj_linker_new(w->engine, &w->linker, &w->err), &w->err);
        e2e_ok(cj_store_new(w->engine, NULL, NULL, &w->store, &w->err), &w->err);
    }
    printf("%u calls, %u of them traps; %u destructors and drop functions; %u steps inside of others\n", calls, traps,
           runs, nested);
    assert_true(traps > calls / 100 && runs > calls / 50 && nested > calls / 20);
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {E2E(storms)};
    return e2e_run(tests);
}
