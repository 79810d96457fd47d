/* test_handles.c: handle tables, moves of handles, lends, resource.new, .rep and .drop (exec/handles.h).
 *
 * Scenarios that the Canonical ABI's reference implementation has played (data/handles.txt, made by data/make_handles.py)
 * are played again, step by step; then what the reference does not know: limits, memory that runs out, traps that
 * unwind, destructors that misbehave.
 */
#include "support/cmocka_all.h"
#include "support/fake_engine.h"
#include "support/track_alloc.h"

#include <stdio.h>
#include <stdlib.h>

/* -- The world of data/make_handles.py ------------------------------------------------------------------------------- */

enum { A, D, B, C, GUESTS, HOST = GUESTS, TYPES = 4, MAX_FRAMES = 8 };

/* A call, as a back end has it. */
typedef struct frame {
    cj_call_ctx call;
    cj_binding bound;
    cj_plan plan;
    int callee, caller;
    bool went;
} frame;

static fake_engine *guests[GUESTS];
static cj_store_core *store;
static cj_resource types[TYPES];
static cj_resource *slots[TYPES];
static frame frames[MAX_FRAMES];
static int depth;
static char ran[256]; /* destructors */

static void note(size_t type, uint64_t rep)
{
    size_t len = strlen(ran);
    snprintf(ran + len, sizeof(ran) - len, " %zu:%llu", type, (unsigned long long)rep);
}

static void guest_dtor(fake_engine *fake, void *user, uint64_t *flat)
{
    (void)fake;
    note((size_t)((cj_resource *)user - types), flat[0]);
}

static void host_drop(void *user, uint64_t rep)
{
    note((size_t)((cj_resource *)user - types), rep);
}

static void set_limit(uint32_t max)
{
    for (int i = 0; i < GUESTS; i++) {
        cj__handles_fini(store->alloc, &guests[i]->instance.handles);
        cj__handles_init(&guests[i]->instance.handles, max);
        guests[i]->instance.may_enter = guests[i]->instance.may_leave = 1;
    }
    cj__handles_fini(store->alloc, &store->handles);
    cj__handles_init(&store->handles, max);
    store->lends.len = 0;
    store->trap.detail = NULL;
    depth = 0;
}

static int set_up(void **state)
{
    (void)state;
    static const char *const names[] = {"A", "D", "B", "C"};
    for (int i = 0; i < GUESTS; i++)
        guests[i] = i ? fake_peer(guests[A], names[i], FAKE_HEAP_BASE) : fake_new(FAKE_HEAP_BASE);
    store = &guests[A]->store;
    guests[D]->instance.parent = &guests[A]->instance;
    guests[C]->instance.parent = &guests[B]->instance;
    memset(types, 0, sizeof(types));
    types[0].impl = &guests[A]->instance;
    types[0].dtor = fake_destructor(guests[A], guest_dtor, &types[0]);
    types[1].impl = &guests[B]->instance;
    types[1].dtor = fake_destructor(guests[B], guest_dtor, &types[1]);
    types[2].impl = &guests[C]->instance;
    types[3].drop = host_drop;
    types[3].user = &types[3];
    for (int i = 0; i < TYPES; i++)
        slots[i] = &types[i];
    ran[0] = 0;
    set_limit(200);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fake_delete(guests[A]);
    return 0;
}

static cj_instance_core *instance_of(int who)
{
    return who == HOST ? NULL : &guests[who]->instance;
}

static cj_handles *table_of(int who)
{
    return who == HOST ? &store->handles : &guests[who]->instance.handles;
}

static int running(void)
{
    return depth ? frames[depth - 1].callee : HOST;
}

/* A builtin called by the guest that runs. */
static cj_call_ctx builtin(cj_binding *bound)
{
    *bound = (cj_binding){.guest = {.instance = instance_of(running())}, .resources = slots};
    return (cj_call_ctx){.bound = bound, .store = store, .env = &guests[A]->env, .arena = guests[A]->arena};
}

/* -- Steps ----------------------------------------------------------------------------------------------------------- */

static bool is_self_or_ancestor(const cj_instance_core *who, const cj_instance_core *of)
{
    while (of && of != who)
        of = of->parent;
    return of != NULL;
}

/* The rule as the specification words it, for calls; destructors have it in handles.c. */
static bool enter(int callee, int caller, uint8_t may_enter)
{
    for (cj_instance_core *i = instance_of(callee); i; i = i->parent) {
        if (is_self_or_ancestor(i, instance_of(caller)))
            break;
        if (!may_enter && !i->may_enter)
            return false;
        i->may_enter = may_enter;
    }
    return true;
}

static bool can_enter(int callee, int caller)
{
    for (const cj_instance_core *i = instance_of(callee); i; i = i->parent) {
        if (!is_self_or_ancestor(i, instance_of(caller)) && !i->may_enter)
            return false;
    }
    return true;
}

static uint32_t call(int callee)
{
    int caller = running();
    if (!can_enter(callee, caller))
        return CJ_TRAP_CANNOT_ENTER;
    (void)enter(callee, caller, 0);
    frame *f = &frames[depth++];
    *f = (frame){.callee = callee, .caller = caller};
    f->plan.has_borrow = true;
    f->plan.options.kind = caller == HOST ? CJ_PLAN_EXPORT : callee == HOST ? CJ_PLAN_IMPORT : CJ_PLAN_FUSED;
    f->bound = (cj_binding){.plan = &f->plan, .resources = slots};
    f->bound.guest.instance = instance_of(callee == HOST ? caller : callee);
    f->bound.caller.instance = instance_of(caller);
    f->call = (cj_call_ctx){.bound = &f->bound, .store = store, .lends_mark = store->lends.len};
    return CJ_TRAP_NONE;
}

static uint32_t done(void)
{
    frame *f = &frames[depth - 1];
    if (f->callee == HOST)
        cj__host_borrows_end(&f->call);
    return f->call.borrows ? CJ_TRAP_BORROW_NOT_DROPPED : CJ_TRAP_NONE;
}

static void finish(void)
{
    frame *f = &frames[--depth];
    cj__lends_end(&f->call);
    (void)enter(f->callee, f->caller, 1);
}

/* To the frame that the host entered. A host function that fails has got its handles. */
static void unwind(void)
{
    frame *f = &frames[depth - 1];
    if (f->callee == HOST && f->went)
        cj__host_borrows_end(&f->call);
    do
        f = &frames[--depth];
    while (f->caller != HOST);
    cj__lends_unwind(&f->call);
}

/* What the host does to its own table: as runtime/ does it, for the scenarios to go on. */

static uint32_t host_get(uint32_t type, uint32_t index, cj_handle **out)
{
    uint32_t trap = cj__handle_get(&store->handles, index, out);
    return trap ? trap : (*out)->rt == &types[type] ? CJ_TRAP_NONE : CJ_TRAP_HANDLE_TYPE;
}

static uint32_t host_new(uint32_t type, uint32_t rep, uint32_t *index)
{
    uint32_t trap = cj__handle_add(store->alloc, &store->handles, (cj_handle){.rt = &types[type], .rep = rep}, index);
    store->trap.detail = trap ? "max_handles" : NULL;
    return trap;
}

static uint32_t host_drop_handle(uint32_t type, uint32_t index)
{
    static const int implementers[TYPES] = {A, B, C, HOST};
    cj_handle *handle;
    uint32_t trap = host_get(type, index, &handle);
    if (trap || handle->lends)
        return trap ? trap : CJ_TRAP_HANDLE_LENT;
    cj_handle gone = *handle;
    if (!gone.scope && gone.rt->impl && !can_enter(implementers[type], HOST))
        return CJ_TRAP_CANNOT_ENTER;
    cj__handle_remove(&store->handles, index);
    if (gone.scope)
        gone.scope->borrows--;
    else if (type != 2)
        note(type, gone.rep);
    return CJ_TRAP_NONE;
}

static uint32_t count_of(int who)
{
    const cj_handles *t = table_of(who);
    uint32_t count = 0;
    for (uint32_t i = 1; i < t->len; i++)
        count += t->at[i].rt != NULL;
    return count;
}

static void print_table(int who, char *out, size_t size)
{
    const cj_handles *t = table_of(who);
    size_t n = 0;
    uint32_t used = 0, free = 0;
    out[0] = 0;
    for (uint32_t i = 1; i < t->len; i++) {
        const cj_handle *h = &t->at[i];
        if (!h->rt)
            continue;
        used++;
        n += (size_t)snprintf(out + n, size - n, "%u=%td:%llu%s", i, h->rt - types, (unsigned long long)h->rep,
                              h->scope ? "*" : "");
        if (h->lends)
            n += (size_t)snprintf(out + n, size - n, "+%u", h->lends);
        n += (size_t)snprintf(out + n, size - n, " ");
    }
    n += (size_t)snprintf(out + n, size - n, "|");
    for (uint32_t i = t->free; i; i = (uint32_t)t->at[i].rep, free++) {
        const cj_handle *h = &t->at[i];
        assert_true(!h->rt && !h->scope && !h->lends && !h->named);
        n += (size_t)snprintf(out + n, size - n, " %u", i);
    }
    assert_int_equal(used + free, t->len ? t->len - 1 : 0);
    assert_true(n < size);
}

static const char *trap_name(uint32_t trap)
{
    static const char *const names[] = {
#define CJ_X(name, text) [CJ_TRAP_##name] = #name,
        CJ_TRAP_MAP(CJ_X)
#undef CJ_X
    };
    return names[trap];
}

/* Plays a step, "own 0 3"; `out` is what the reference writes after "=". */
static void play(const char *step, char *out, size_t size)
{
    char verb[16], who = 0;
    uint32_t type = 0, n = 0, trap = CJ_TRAP_NONE, index = 0;
    bool gives_index = false, host = running() == HOST;
    cj_handle *handle;
    cj_binding bound;
    cj_call_ctx self = builtin(&bound);
    frame *f = depth ? &frames[depth - 1] : NULL;
    assert_true(sscanf(step, "%15s %u %u", verb, &type, &n) >= 1);
    (void)sscanf(step, "%*s %c", &who);
    const char *at = strchr("ADBCH", who);
    int named = who && at ? (int)(at - "ADBCH") : 0;
    ran[0] = 0;
    snprintf(out, size, "ok");
    if (strcmp(verb, "scenario") == 0) {
        set_limit(type);
        out[0] = 0;
    } else if (strcmp(verb, "table") == 0) {
        print_table(named, out, size);
    } else if (strcmp(verb, "call") == 0) {
        trap = call(named);
    } else if (strcmp(verb, "own") == 0) {
        trap = cj__move_own(&f->call, false, type, n, &index);
        gives_index = true;
    } else if (strcmp(verb, "borrow") == 0) {
        trap = cj__move_borrow(&f->call, false, type, n, &index);
        gives_index = true;
    } else if (strcmp(verb, "give") == 0) {
        trap = cj__move_own(&f->call, true, type, n, &index);
        gives_index = true;
    } else if (strcmp(verb, "go") == 0) {
        f->went = true;
    } else if (strcmp(verb, "new") == 0) {
        trap = host ? host_new(type, n, &index) : cj__resource_new(&self, &types[type], n, &index);
        gives_index = true;
    } else if (strcmp(verb, "rep") == 0) {
        trap = host ? host_get(type, n, &handle) : cj__resource_rep(&self, &types[type], n, &index);
        if (host && !trap)
            index = (uint32_t)handle->rep;
        gives_index = true;
    } else if (strcmp(verb, "drop") == 0) {
        trap = host ? host_drop_handle(type, n) : cj__resource_drop(&self, &types[type], n);
        snprintf(out, size, "ok%s", ran);
    } else if (strcmp(verb, "leave") == 0) {
        instance_of(running())->may_leave = (uint8_t)type;
    } else if (strcmp(verb, "done") == 0) {
        trap = done();
    } else if (strcmp(verb, "return") == 0) {
        finish();
    } else if (strcmp(verb, "trap") == 0) {
        unwind();
    } else {
        fail_msg("unknown step %s", verb);
    }
    if (trap)
        snprintf(out, size, "%s", trap_name(trap));
    else if (gives_index)
        snprintf(out, size, "%u", index);
    bool limit = trap == CJ_TRAP_HANDLE_TABLE_FULL;
    assert_string_equal(store->trap.detail ? store->trap.detail : "", limit ? "max_handles" : "");
    store->trap.detail = NULL;
}

static void test_reference_scenarios(void **state)
{
    (void)state;
    FILE *file = fopen(CJ_TEST_SOURCE_DIR "/unit/data/handles.txt", "r");
    assert_non_null(file);
    char line[4096], got[4096];
    int number = 0;
    for (; fgets(line, sizeof(line), file); number++) {
        line[strcspn(line, "\n")] = 0;
        char *expected = strstr(line, " = ");
        if (expected) {
            *expected = 0;
            expected += 3;
        }
        play(line, got, sizeof(got));
        if (strcmp(got, expected ? expected : "") != 0)
            fail_msg("handles.txt:%d: %s: \"%s\", not \"%s\"", number + 1, line, got, expected);
    }
    fclose(file);
    assert_true(number > 3000);
}

/* -- Tables ------------------------------------------------------------------------------------------------------------ */

static void expect_table(int who, const char *expected)
{
    char text[1024];
    print_table(who, text, sizeof(text));
    assert_string_equal(text, expected);
}

static void expect_play(const char *step, const char *expected)
{
    char got[1024];
    play(step, got, sizeof(got));
    if (strcmp(got, expected) != 0)
        fail_msg("%s: \"%s\", not \"%s\"", step, got, expected);
}

/* The host calls it. */
static void run_guest(int who)
{
    char step[] = {'c', 'a', 'l', 'l', ' ', "ADBC"[who], 0};
    expect_play(step, "ok");
    expect_play("go", "ok");
}

static void test_limits(void **state)
{
    (void)state;
    cj_handles t;
    cj__handles_init(&t, UINT32_MAX);
    assert_int_equal(t.max, (1 << 28) - 1); /* the specification's */
    cj__handles_fini(store->alloc, &t);

    set_limit(1);
    run_guest(C);
    expect_play("new 3 5", "1");
    expect_play("new 3 6", "HANDLE_TABLE_FULL");
    expect_play("drop 3 1", "ok 3:5");
    expect_play("new 3 6", "1");
    set_limit(0);
    run_guest(C);
    expect_play("new 3 5", "HANDLE_TABLE_FULL");
    expect_play("rep 3 0", "HANDLE_INDEX");

    /* Growth keeps what there is, and goes on to the limit exactly. */
    set_limit(1000);
    run_guest(C);
    cj_binding bound;
    cj_call_ctx self = builtin(&bound);
    uint32_t index, rep;
    for (uint32_t i = 1; i <= 1000; i++) {
        assert_int_equal(cj__resource_new(&self, &types[3], i, &index), CJ_TRAP_NONE);
        assert_int_equal(index, i);
    }
    expect_play("new 3 5", "HANDLE_TABLE_FULL");
    for (uint32_t i = 1; i <= 1000; i++) {
        assert_int_equal(cj__resource_rep(&self, &types[3], i, &rep), CJ_TRAP_NONE);
        assert_int_equal(rep, i);
    }
    assert_int_equal(table_of(C)->cap, 1001);
}

/* What a slot of a table says after it was freed is the free list's, not a handle's. */
static void test_stale_indices(void **state)
{
    (void)state;
    run_guest(C);
    expect_play("new 3 5", "1");
    expect_play("new 3 6", "2");
    expect_play("new 3 7", "3");
    expect_play("drop 3 1", "ok 3:5");
    expect_play("drop 3 3", "ok 3:7");
    static const char *const verbs[] = {"drop", "rep"};
    for (size_t i = 0; i < CJ_COUNT(verbs); i++) {
        char step[32];
        for (uint32_t index = 0; index < 6; index += index == 1 ? 2 : 1) {
            snprintf(step, sizeof(step), "%s 3 %u", verbs[i], index == 2 ? 0 : index);
            expect_play(step, "HANDLE_INDEX");
        }
    }
    expect_table(C, "2=3:6 | 3 1");
    expect_play("new 3 8", "3");
    expect_play("new 3 9", "1");
    expect_play("new 3 10", "4");
}

static void test_out_of_memory(void **state)
{
    (void)state;
    track_alloc t;
    track_init(&t);
    const cj_allocator *alloc = store->alloc;
    store->alloc = &t.hook;
    set_limit(200);
    run_guest(C);
    cj_binding bound;
    cj_call_ctx self = builtin(&bound);
    uint32_t index, added = 0;
    for (; added < 20; added++)
        assert_int_equal(cj__resource_new(&self, &types[3], added, &index), CJ_TRAP_NONE);
    t.fail_at = t.calls + 1;
    uint32_t trap;
    while ((trap = cj__resource_new(&self, &types[3], added, &index)) == CJ_TRAP_NONE)
        added++;
    assert_int_equal(trap, CJ_TRAP_HOST_LIMIT);
    assert_string_equal(store->trap.detail, "out of memory");
    store->trap.detail = NULL;
    assert_int_equal(count_of(C), added);

    /* A move for which the other table, or the list of lends, has no memory. */
    expect_play("call A", "ok");
    char before[4096], after[4096];
    print_table(C, before, sizeof(before));
    assert_int_equal(cj__move_own(&frames[1].call, false, 3, 7, &index), CJ_TRAP_HOST_LIMIT);
    assert_string_equal(store->trap.detail, "out of memory");
    assert_int_equal(cj__move_borrow(&frames[1].call, false, 3, 7, &index), CJ_TRAP_HOST_LIMIT);
    t.fail_at = t.calls + 2; /* lends, but no handle */
    assert_int_equal(cj__move_borrow(&frames[1].call, false, 3, 7, &index), CJ_TRAP_HOST_LIMIT);
    print_table(C, after, sizeof(after));
    assert_string_equal(before, after);
    expect_table(A, "|");
    assert_int_equal(store->lends.len, 0);
    t.fail_at = 0;
    assert_int_equal(cj__move_borrow(&frames[1].call, false, 3, 7, &index), CJ_TRAP_NONE);
    assert_int_equal(index, 1);
    store->trap.detail = NULL;

    for (int i = 0; i < GUESTS; i++)
        cj__handles_fini(store->alloc, &guests[i]->instance.handles);
    cj__handles_fini(store->alloc, &store->handles);
    cj__lends_fini(store->alloc, &store->lends);
    assert_int_equal(t.live_blocks, 0);
    store->alloc = alloc;
}

/* -- Lends ----------------------------------------------------------------------------------------------------------- */

/* A list may name one handle any number of times, and where the callee implements the resource no table fills up. */
static void test_lends_are_bounded(void **state)
{
    (void)state;
    set_limit(10);
    expect_play("new 0 17", "1");
    expect_play("call A", "ok");
    uint32_t rep, n = 0, trap;
    while ((trap = cj__move_borrow(&frames[0].call, false, 0, 1, &rep)) == CJ_TRAP_NONE) {
        assert_int_equal(rep, 17);
        n++;
    }
    assert_int_equal(trap, CJ_TRAP_HANDLE_TABLE_FULL);
    assert_string_equal(store->trap.detail, "max_handles");
    assert_int_equal(n, 20);
    assert_int_equal(frames[0].call.borrows, 0);
    expect_table(HOST, "1=0:17+20 |");
    expect_table(A, "|");
    store->trap.detail = NULL;
    expect_play("trap", "ok");
    expect_table(HOST, "1=0:17 |");
    assert_int_equal(store->lends.len, 0);

    /* To the host each takes a handle of its table, too: as many as that has room for. */
    set_limit(4);
    expect_play("call D", "ok");
    expect_play("go", "ok");
    expect_play("new 0 1", "1");
    expect_play("call H", "ok");
    expect_play("borrow 0 1", "1");
    expect_play("borrow 0 1", "2");
    expect_play("borrow 0 1", "3");
    expect_play("borrow 0 1", "4");
    expect_play("borrow 0 1", "HANDLE_TABLE_FULL");
    expect_table(D, "1=0:1+4 |");
    expect_play("go", "ok");
    expect_play("done", "ok");
    expect_play("return", "ok");
    expect_table(D, "1=0:1 |");
    expect_table(HOST, "| 1 2 3 4");
}

/* host -> A -> host function -> B, lends at each step; B traps. The host function survives, and all that it and A have
 * lent still is. */
static void test_trap_under_host_function(void **state)
{
    (void)state;
    expect_play("new 3 7", "1");
    expect_play("new 3 8", "2");
    expect_play("call A", "ok");
    expect_play("borrow 3 1", "1");
    expect_play("go", "ok");
    expect_play("new 0 5", "2");
    expect_play("call H", "ok");
    expect_play("borrow 0 2", "3");
    expect_play("borrow 3 1", "4");
    expect_play("go", "ok");
    expect_play("call B", "ok");
    expect_play("borrow 3 2", "1");
    expect_play("borrow 0 3", "2");
    expect_play("own 3 2", "HANDLE_LENT");
    expect_play("go", "ok");
    expect_play("call C", "ok");
    expect_play("borrow 0 2", "1");
    expect_table(HOST, "1=3:7+1 2=3:8+1 3=0:5*+1 4=3:7* |");
    expect_table(A, "1=3:7*+1 2=0:5+1 |");
    expect_table(B, "1=3:8* 2=0:5*+1 |");
    expect_play("trap", "ok");
    expect_table(HOST, "1=3:7+1 2=3:8 3=0:5* 4=3:7* |");
    expect_table(A, "1=3:7*+1 2=0:5+1 |");
    expect_play("drop 3 1", "HANDLE_LENT");
    expect_play("drop 3 2", "ok 3:8");
    expect_play("drop 0 3", "ok"); /* a borrow: no destructor */
    expect_play("new 3 9", "3");   /* in the place of what the end of the call would drop */
    expect_play("done", "ok");
    expect_play("return", "ok");
    expect_table(HOST, "1=3:7+1 3=3:9 | 4 2");
    expect_table(A, "1=3:7* 2=0:5 |");
    expect_play("done", "BORROW_NOT_DROPPED");
    expect_play("drop 3 1", "ok");
    expect_play("done", "ok");
    expect_play("return", "ok");
    expect_table(HOST, "1=3:7 3=3:9 | 4 2");
}

/* -- Own handles on their way to the host -------------------------------------------------------------------------------- */

static void test_own_to_host(void **state)
{
    (void)state;
    static const char *const begin[] = {"call A", "go",      "new 0 1",    "new 3 2", "new 0 3",
                                        "call H", "own 0 1", "borrow 0 3", "own 3 2"};
    for (int went = 0; went < 2; went++) {
        set_limit(200);
        char ignored[64];
        for (size_t i = 0; i < CJ_COUNT(begin); i++)
            play(begin[i], ignored, sizeof(ignored));
        expect_table(HOST, "1=0:1 2=0:3* 3=3:2 |");
        expect_table(A, "3=0:3+1 | 2 1");
        if (went)
            expect_play("go", "ok");
        expect_play("trap", "ok");
        /* Before it was called the host knows of none; afterwards they are its own, though it failed. */
        expect_table(HOST, went ? "1=0:1 3=3:2 | 2" : "| 1 2 3");
        expect_table(A, went ? "3=0:3 | 2 1" : "1=0:1 2=3:2 3=0:3 |");
    }
    /* Results. */
    static const char *const results[] = {"call A", "go", "new 0 1", "new 3 2", "done", "give 0 1", "give 3 2"};
    for (int ends = 0; ends < 2; ends++) {
        set_limit(200);
        char ignored[64];
        for (size_t i = 0; i < CJ_COUNT(results); i++)
            play(results[i], ignored, sizeof(ignored));
        expect_play(ends ? "return" : "trap", "ok");
        expect_table(HOST, ends ? "1=0:1 2=3:2 |" : "| 1 2");
        expect_table(A, ends ? "| 2 1" : "1=0:1 2=3:2 |");
    }
}

/* -- Destructors --------------------------------------------------------------------------------------------------------- */

static void dtor_traps(fake_engine *fake, void *user, uint64_t *flat)
{
    (void)user, (void)flat;
    fake_trap(fake, "unreachable");
}

/* Drops the last handle of its own instance, if there is any. */
static uint32_t inner_trap;
static void dtor_drops(fake_engine *fake, void *user, uint64_t *flat)
{
    note((size_t)((cj_resource *)user - types), flat[0]);
    cj_binding bound = {.guest = {.instance = &fake->instance, .core_env_inst = &fake->inst}};
    cj_call_ctx self = {.bound = &bound, .store = store, .env = &guests[A]->env, .arena = guests[A]->arena};
    assert_int_equal(fake->instance.may_enter, 0);
    const cj_handles *own = &fake->instance.handles;
    if (own->len && own->at[own->len - 1].rt)
        inner_trap = cj__resource_drop(&self, user, own->len - 1);
}

/* What a call between guests lends when that is one handle is not listed, given back all the same, and left as it is by a trap. */
static void test_one_lend(void **state)
{
    (void)state;
    set_limit(1);
    run_guest(A);
    expect_play("new 3 5", "1");
    for (int trapped = 0; trapped < 2; trapped++) {
        expect_play("call B", "ok");
        frames[depth - 1].plan.lends_one = true;
        expect_play("borrow 3 2", "HANDLE_INDEX");
        expect_play("borrow 3 1", "1");
        expect_table(A, "1=3:5+1 |");
        expect_table(B, "1=3:5* |");
        expect_play("call C", "ok"); /* which is lent the same once more, by B */
        frames[depth - 1].plan.lends_one = true;
        expect_play("borrow 3 1", "1");
        expect_table(B, "1=3:5*+1 |");
        assert_int_equal(store->lends.len, 0);
        if (trapped)
            break;
        expect_play("drop 3 1", "ok");
        expect_play("done", "ok");
        expect_play("return", "ok");
        expect_table(B, "1=3:5* |");
        expect_table(A, "1=3:5+1 |");
        expect_play("drop 3 1", "ok");
        expect_play("done", "ok");
        expect_play("return", "ok");
        expect_table(A, "1=3:5 |");
    }
    expect_play("trap", "ok");
    expect_table(A, "1=3:5+1 |");
    static const char *const calls[] = {"call A", "call B", "call C"};
    for (size_t i = 0; i < CJ_COUNT(calls); i++)
        expect_play(calls[i], "CANNOT_ENTER");
}

static void test_destructor_traps(void **state)
{
    (void)state;
    types[1].dtor = fake_destructor(guests[B], dtor_traps, &types[1]);
    for (int jumps = 0; jumps < 2; jumps++) {
        set_limit(200);
        guests[A]->longjmp_on_trap = jumps;
        expect_play("call A", "ok");
        expect_play("go", "ok");
        expect_play("new 1 9", "1");
        cj_binding bound;
        cj_call_ctx self = builtin(&bound);
        bound.guest.core_env_inst = &guests[A]->inst;
        jmp_buf here;
        guests[A]->top = &here;
        volatile uint32_t trap = CJ_TRAP_CORE;
        if (setjmp(here) == 0)
            trap = cj__resource_drop(&self, &types[1], 1);
        assert_int_equal(trap, CJ_TRAP_CORE);
        /* The handle is gone; B was entered and stays so; who dropped is left to the frame that the host entered. */
        expect_table(A, "| 1");
        assert_int_equal(guests[B]->instance.may_enter, 0);
        assert_ptr_equal(guests[B]->instance.dtor, types[1].dtor); /* for the trap's place */
        guests[A]->env.module_inst = &guests[A]->inst;
        guests[A]->inst.exception[0] = guests[B]->inst.exception[0] = 0;
    }
}

static void test_destructor_in_destructor(void **state)
{
    (void)state;
    types[1].dtor = fake_destructor(guests[B], dtor_drops, &types[1]);
    expect_play("call B", "ok"); /* B implements it and holds four */
    expect_play("go", "ok");
    expect_play("new 1 1", "1");
    expect_play("new 1 2", "2");
    expect_play("drop 1 2", "ok 1:2");
    expect_play("done", "ok");
    expect_table(B, "1=1:1 | 2");
    expect_play("return", "ok");

    set_limit(200);
    expect_play("call B", "ok");
    expect_play("go", "ok");
    expect_play("new 1 1", "1");
    expect_play("done", "ok");
    expect_play("return", "ok");
    run_guest(A);
    expect_play("new 1 5", "1");
    inner_trap = CJ_TRAP_NONE;
    expect_play("drop 1 1", "ok 1:5 1:1"); /* from outside: B is entered once, and its own drop is no entry */
    assert_int_equal(inner_trap, CJ_TRAP_NONE);
    assert_int_equal(guests[B]->instance.may_enter, 1);
    assert_int_equal(guests[B]->instance.may_leave, 1);
    expect_table(B, "| 1");
}

/* Nothing happens to a handle whose destructor cannot be called. */
static void test_destructor_refused(void **state)
{
    (void)state;
    /* B is on the stack. A drops. */
    expect_play("call B", "ok");
    expect_play("go", "ok");
    expect_play("call A", "ok");
    expect_play("go", "ok");
    expect_play("new 1 1", "1");
    expect_play("drop 1 1", "CANNOT_ENTER");
    expect_table(A, "1=1:1 |");
    /* So is C's parent, though C itself is not; and that C's type has no destructor does not matter. */
    expect_play("new 2 1", "2");
    expect_play("drop 2 2", "CANNOT_ENTER");
    expect_play("done", "ok");
    expect_play("return", "ok");
    expect_play("drop 1 1", "HANDLE_INDEX"); /* B has none */

    /* Little native stack: for a destructor, or the host's function; what calls neither goes on. */
    set_limit(200);
    run_guest(C);
    fake_set_stack_low(guests[A], true);
    expect_play("new 0 1", "1");
    expect_play("new 3 2", "2");
    expect_play("new 2 3", "3");
    expect_play("drop 0 1", "STACK_OVERFLOW");
    expect_play("drop 3 2", "STACK_OVERFLOW");
    expect_play("drop 2 3", "ok");
    expect_table(C, "1=0:1 2=3:2 | 3");
    fake_set_stack_low(guests[A], false);
    expect_play("drop 3 2", "ok 3:2");

    /* It has trapped before. */
    guests[A]->instance.may_enter = 0;
    expect_play("drop 0 1", "CANNOT_ENTER");
    expect_table(C, "1=0:1 | 2 3");
}

/* A child may drop what its parent implements while the parent is on the stack: the parent is entered already. */
static void test_destructor_of_ancestor(void **state)
{
    (void)state;
    expect_play("call D", "ok");
    expect_play("go", "ok");
    assert_int_equal(guests[A]->instance.may_enter, 0);
    expect_play("new 0 4", "1");
    expect_play("drop 0 1", "ok 0:4");
    assert_int_equal(guests[A]->instance.may_enter, 0);
    expect_play("done", "ok");
    expect_play("return", "ok");
    assert_int_equal(guests[A]->instance.may_enter, 1);
}

static void test_host_types(void **state)
{
    (void)state;
    run_guest(C);
    types[3].drop = NULL;
    expect_play("new 3 4", "1");
    expect_play("drop 3 1", "ok");
    types[3].drop = host_drop;
    expect_play("done", "ok");
    expect_play("return", "ok");

    /* A table whose owner goes: own handles of the host's types only. */
    expect_play("call A", "ok");
    expect_play("go", "ok");
    expect_play("new 3 5", "1");
    expect_play("new 0 6", "2");
    expect_play("new 3 7", "3");
    expect_play("call B", "ok");
    expect_play("borrow 3 1", "1");
    ran[0] = 0;
    cj__handles_drop(table_of(B));
    assert_string_equal(ran, "");
    expect_table(B, "| 1");
    cj__handles_drop(table_of(A));
    assert_string_equal(ran, " 3:5 3:7");
    assert_int_equal(count_of(A), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reference_scenarios),
        TEST(test_limits),
        TEST(test_stale_indices),
        TEST(test_out_of_memory),
        TEST(test_lends_are_bounded),
        TEST(test_trap_under_host_function),
        TEST(test_own_to_host),
        TEST(test_one_lend),
        TEST(test_one_lend),
        TEST(test_destructor_traps),
        TEST(test_destructor_in_destructor),
        TEST(test_destructor_refused),
        TEST(test_destructor_of_ancestor),
        TEST(test_host_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
