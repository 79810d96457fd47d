/* test_compose.c: components that call components: every value type, in every pair of string encodings, drawn at random;
 * parameters and results in memory; post-return on both sides; chains and diamonds.
 *
 * The compositions are made by tests/guests (wiring/). What the stories of resources and the languages say to each other is in
 * tests/cli/calls. Non-goals: traps (test_traps.c runs inside a composition as well).
 */
#include "e2e.h"

#include <stdio.h>
#include <stdlib.h>

#define PKG(iface) "test:types/" iface "@1.0.0"

static const char *const encodings[] = {"utf8", "utf16", "compact"};
static const char *const values[] = {"@values", "@values-utf16", "@values-compact"};

static uint32_t ask(e2e *w, cj_instance *instance, const char *path)
{
    return e2e_call_u32(w, e2e_func(instance, path), NULL, 0);
}

/* -- What the host offers ------------------------------------------------------------------------------------------ */

typedef struct log {
    char text[256]; /* all messages, each with a line's end */
    uint32_t count;
} log;

static cj_status keep_log(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)ctx, (void)results, (void)err;
    log *l = user;
    const cj_string *s = args;
    size_t len = strlen(l->text);
    snprintf(l->text + len, sizeof(l->text) - len, "%.*s\n", (int)s->len, s->ptr);
    l->count++;
    return CJ_OK;
}

static cj_instance *with_log(e2e *w, const char *guest, log *l)
{
    memset(l, 0, sizeof(*l));
    cj_linker *linker;
    e2e_ok(cj_linker_new(w->engine, &linker, &w->err), &w->err);
    e2e_ok(cj_linker_func(linker, NULL, "log", keep_log, l, &w->err), &w->err);
    cj_instance *instance;
    e2e_ok(cj_instantiate(w->store, linker, e2e_component(w, guest), &instance, &w->err), &w->err);
    cj_linker_delete(linker);
    return instance;
}

/* -- There and back ------------------------------------------------------------------------------------------------ */

/* Echoes of random values of all types come back as they were. Returns how many there were. */
static size_t echoes(e2e *w, cj_instance *instance, const char *guest, uint64_t seed, int rounds)
{
    const cj_component *component = w->components[w->component_count - 1];
    cj_arena *arena;
    assert_int_equal(cj_arena_new(NULL, &arena), CJ_OK);
    e2e_random random = {seed};
    size_t types = 0;
    for (size_t i = 0; i < cj_component_export_count(component); i++) {
        cj_extern_func f = cj_component_export(component, i);
        if (strncmp(f.name, "echo-", 5) != 0)
            continue;
        const cj_type *type = cj_functype_result(f.type);
        assert_ptr_equal(type, cj_functype_param(f.type, 0));
        types++;
        for (int round = 0; round < rounds; round++) {
            cj_arena_reset(arena);
            cj_val in = e2e_draw(&random, type, arena), out;
            cj_status status = cj_call(cj_instance_func_at(instance, i), &in, 1, &out, 1, arena, &w->err);
            if (status != CJ_OK)
                fail_msg("%s %s, seed %llu, round %d: %s at %s", guest, f.name, (unsigned long long)seed, round,
                         w->err.message, w->err.where);
            if (!cj_val_equal(&in, &out))
                fail_msg("%s %s: another value came back; seed %llu, round %d", guest, f.name, (unsigned long long)seed,
                         round);
        }
    }
    cj_arena_delete(arena);
    assert_int_equal(types, 56);
    return types * (size_t)rounds;
}

static void test_echo_in_all_pairs_of_encodings(void **state)
{
    e2e *w = *state;
    for (int pair = 0; pair < 9; pair++) {
        char guest[64];
        snprintf(guest, sizeof(guest), "@with-echo-%s-%s", encodings[pair / 3], encodings[pair % 3]);
        log l;
        cj_instance *instance = with_log(w, guest, &l);
        echoes(w, instance, guest, (uint64_t)pair + 100, 15);

        /* Whoever has post-returns gave all back; both sides have the same ones. */
        assert_int_equal(ask(w, instance, "heap-used"), 0);
        assert_int_equal(ask(w, instance, "callee-heap-used"), 0);
        uint32_t before = ask(w, instance, "callee-post-returns");
        assert_int_equal(ask(w, instance, "post-returns"), before);
        assert_true(before >= 35 * 15);
        cj_val in = e2e_string("once"), out;
        e2e_call(w, e2e_func(instance, PKG("echo") "#echo-string"), &in, 1, &out);
        assert_int_equal(ask(w, instance, "callee-post-returns"), before + 1);
        assert_int_equal(ask(w, instance, "post-returns"), before + 1);
        assert_int_equal(l.count, 0);

        /* What it hands to the host's function, and what it gets by way of memory: 17 parameters, a pair of results. */
        cj_val message = e2e_string("h\xc3\xa9llo \xc3\xbf");
        e2e_call(w, e2e_func(instance, "log-twice"), &message, 1, NULL);
        assert_string_equal(l.text, "h\xc3\xa9llo \xc3\xbf\nH\xc3\x89LLO \xc5\xb8\n");
        e2e_call(w, e2e_func(instance, "ask-host"), NULL, 0, &out);
        assert_int_equal(out.of.seq.ptr[0].of.u64, 153);
        assert_int_equal(out.of.seq.ptr[1].of.seq.ptr[0].of.u32, 14);
        assert_int_equal(out.of.seq.ptr[1].of.seq.ptr[1].of.u32, 2);
        assert_int_equal(ask(w, instance, "heap-used"), 0);
        assert_int_equal(ask(w, instance, "callee-heap-used"), 0);
    }
}

static void test_chain_of_three(void **state)
{
    e2e *w = *state;
    log l;
    cj_instance *instance = with_log(w, "@with-chain", &l);
    echoes(w, instance, "@with-chain", 200, 25);
    cj_val out;
    e2e_call(w, e2e_func(instance, "ask-host"), NULL, 0, &out);
    assert_int_equal(out.of.seq.ptr[0].of.u64, 153);
    assert_int_equal(out.of.seq.ptr[1].of.seq.ptr[0].of.u32, 14);
    static const char *const heaps[] = {"heap-used", "relay-heap-used", "callee-heap-used"};
    for (int i = 0; i < 3; i++)
        assert_int_equal(ask(w, instance, heaps[i]), 0);
    uint32_t first = ask(w, instance, "post-returns"), last = ask(w, instance, "callee-post-returns");
    assert_int_equal(first, last);
    cj_val in = e2e_string("\xe2\x82\xac"), back;
    e2e_call(w, e2e_func(instance, PKG("echo") "#echo-string"), &in, 1, &back);
    assert_true(cj_val_equal(&in, &back));
    assert_int_equal(ask(w, instance, "post-returns"), first + 1);
    assert_int_equal(ask(w, instance, "callee-post-returns"), last + 1);
}

/* -- The same as without a composition ----------------------------------------------------------------------------- */

/* Arguments that the function can take: no endless repetition, no division by zero. */
static void tame(const char *name, cj_val *args)
{
    if (strcmp(name, "repeat") == 0)
        args[1].of.u32 %= 5;
    if (strcmp(name, "divmod") == 0 && args[1].of.u32 == 0)
        args[1].of.u32 = 7;
}

/* A relay that passes on all functions of a guest is like the guest itself: same results for the same arguments. */
static void test_relays_are_transparent(void **state)
{
    e2e *w = *state;
    cj_arena *arena;
    assert_int_equal(cj_arena_new(NULL, &arena), CJ_OK);
    for (int callee = 0; callee < 3; callee++) {
        cj_instance *direct = e2e_instance(w, values[callee]);
        for (int caller = 0; caller < 3; caller++) {
            /* Guests that are compiled take long to load, and the echoes go through all pairs in both tiers. */
            if (e2e_tier == CJ_TIER_INTERP && e2e_guests_are_compiled() && caller != (callee + 1) % 3)
                continue;
            char guest[64];
            snprintf(guest, sizeof(guest), "@with-relay-%s-%s", encodings[caller], encodings[callee]);
            cj_component *component = e2e_component(w, guest);
            cj_instance *relayed = e2e_instantiate(w, component);
            e2e_random random = {(uint64_t)(callee * 3 + caller) + 300};
            size_t functions = 0;
            for (size_t i = 0; i < cj_component_export_count(component); i++) {
                cj_extern_func f = cj_component_export(component, i);
                if (!*f.interface && strcmp(f.name, "greet") != 0 && strcmp(f.name, "swap") != 0)
                    continue;
                functions++;
                char path[128];
                snprintf(path, sizeof(path), "%s%s%s", f.interface, *f.interface ? "#" : "", f.name);
                cj_func *same = e2e_func(direct, path);
                for (int round = 0; round < 8; round++) {
                    cj_arena_reset(arena);
                    cj_val args[20], out, expected;
                    uint32_t n = cj_functype_param_count(f.type);
                    for (uint32_t p = 0; p < n; p++)
                        args[p] = e2e_draw(&random, cj_functype_param(f.type, p), arena);
                    tame(f.name, args);
                    e2e_ok(cj_call(same, args, n, &expected, 1, arena, &w->err), &w->err);
                    if (cj_call(cj_instance_func_at(relayed, i), args, n, &out, 1, arena, &w->err) != CJ_OK)
                        fail_msg("%s %s, round %d: %s at %s", guest, path, round, w->err.message, w->err.where);
                    if (!cj_val_equal(&expected, &out))
                        fail_msg("%s %s, round %d: not what the guest gives", guest, path, round);
                }
            }
            assert_int_equal(functions, 56 + 57 + 57 + 11 + 5 + 2); /* echo, show, give, text, spill, the root's */
            assert_int_equal(ask(w, relayed, "heap-used"), 0);
            assert_int_equal(ask(w, relayed, "own-heap-used"), 0);
            /* The relay has a post-return for every function, its callee only where there is something to give back. */
            uint32_t callees = ask(w, relayed, "post-returns"), own = ask(w, relayed, "own-post-returns");
            assert_true(own >= functions * 8 && callees > 100 * 8 && own > callees);
            e2e_call(w, e2e_func(relayed, PKG("echo") "#echo-u8"), &(cj_val){.kind = CJ_KIND_U8, .of.u8 = 7}, 1,
                     &(cj_val){0});
            assert_int_equal(ask(w, relayed, "post-returns"), callees);
            assert_int_equal(ask(w, relayed, "own-post-returns"), own + 3); /* the call, and one for each question */
        }
    }
    cj_arena_delete(arena);
}

/* -- Diamonds ------------------------------------------------------------------------------------------------------ */

static void both(e2e *w, cj_instance *instance, uint32_t n, const uint32_t expected[4])
{
    cj_val arg = e2e_u32(n), out;
    e2e_call(w, e2e_func(instance, "both"), &arg, 1, &out);
    assert_int_equal(out.of.seq.len, 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(out.of.seq.ptr[i].of.u32, expected[i]);
}

static void notes(e2e *w, cj_instance *instance, const char *text, const char *expected)
{
    cj_val arg = e2e_string(text), out;
    e2e_call(w, e2e_func(instance, "notes"), &arg, 1, &out);
    char all[256] = "";
    for (size_t i = 0; i < out.of.seq.len; i++) {
        cj_string s = out.of.seq.ptr[i].of.string;
        strncat(all, s.ptr, s.len);
        strcat(all, "|");
    }
    assert_string_equal(all, expected);
}

static void test_one_provider_used_by_two(void **state)
{
    e2e *w = *state;
    cj_instance *instance = e2e_instance(w, "@with-diamond");
    both(w, instance, 3, (uint32_t[]){3, 6, 36, 66});
    both(w, instance, 1, (uint32_t[]){67, 68, 78, 88});
    notes(w, instance, "n\xc3\xa9", "left n\xc3\xa9|right n\xc3\xa9|");
    notes(w, instance, "\xe2\x82\xac", "left n\xc3\xa9|right n\xc3\xa9|left \xe2\x82\xac|right \xe2\x82\xac|");
    uint32_t one = 1;
    assert_int_equal(e2e_call_u32(w, e2e_func(instance, "test:diamond/tally@1.0.0#add"), &one, 1), 89);
    /* Another instance of the whole has a tally of its own. */
    cj_instance *other = e2e_instantiate(w, w->components[0]);
    both(w, other, 3, (uint32_t[]){3, 6, 36, 66});
}

static void test_a_provider_for_each(void **state)
{
    e2e *w = *state;
    cj_instance *instance = e2e_instance(w, "@with-diamond-twice");
    both(w, instance, 3, (uint32_t[]){3, 6, 30, 60});
    both(w, instance, 1, (uint32_t[]){7, 8, 70, 80});
    notes(w, instance, "n\xc3\xa9", "right n\xc3\xa9|");
    notes(w, instance, "\xe2\x82\xac", "right n\xc3\xa9|right \xe2\x82\xac|");
    uint32_t one = 1;
    assert_int_equal(e2e_call_u32(w, e2e_func(instance, "test:diamond/tally@1.0.0#add"), &one, 1), 9);
    assert_int_equal(e2e_call_u32(w, e2e_func(instance, "test:diamond/tally@2.0.0#add"), &one, 1), 81);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E(test_echo_in_all_pairs_of_encodings), E2E(test_chain_of_three),      E2E(test_relays_are_transparent),
        E2E(test_one_provider_used_by_two),       E2E(test_a_provider_for_each),
    };
    return e2e_run(tests);
}
