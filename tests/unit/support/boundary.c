/* boundary.c: see boundary.h. What traps when: docs/traps.md. Here: whole calls, host functions, memory of the host, properties; lifting and
 * lowering have files of their own.
 */
#include "boundary.h"

#include "boundary_rig.h"

#include "cmocka_all.h"
#include "fake_engine.h"
#include "make_types.h"
#include "random_values.h"

#include <stdlib.h>

/* -- Whole calls --------------------------------------------------------------------------------------------------- */

/* post-return runs last, with the flat result, and must not leave. */
static void put_string_result(uint64_t *flat)
{
    (void)flat;
    fake_put32(F, BLOCK, DATA);
    fake_put32(F, BLOCK + 4, 5);
    memcpy(fake_at(F, DATA, 5), "hello", 5);
}

static void scribble(fake_engine *fake, void *user, uint64_t *flat)
{
    (void)user, (void)flat;
    memset(fake_at(fake, 0, MEMORY), 0xee, MEMORY);
}

static void test_post_return(void **state)
{
    (void)state;
    const cj_functype *type = functype(PARAMS(t_string(T)), t_string(T));
    cj_binding *b = make_export(type, CJ_UTF8, true);
    core_body = put_string_result;
    core_result = BLOCK;
    cj_string in = {"abc", 3}, out;
    expect_outcome(fake_call_export(F, b, &in, &out), CJ_TRAP_NONE, false, "");
    expect_events("realloc(0,0,1,3)=1024 core(400,3) post-return(40) ");
    assert_int_equal(F->may_leave_in_realloc, 0);
    assert_int_equal(F->may_leave_in_core, 1);
    assert_int_equal(F->may_leave_in_post_return, 0);
    assert_int_equal(F->instance.may_leave, 1);
    assert_int_equal(out.len, 5);
    assert_memory_equal(out.ptr, "hello", 5);

    /* Results are copies: post-return may free or overwrite what they came from. */
    cj_plan *plan = make_plan(type, CJ_PLAN_EXPORT, CJ_UTF8, true);
    b = fake_export(F, plan, type, core_fn, scribble, NULL);
    b->code = code_for ? code_for(plan) : NULL;
    expect_outcome(fake_call_export(F, b, &in, &out), CJ_TRAP_NONE, false, "");
    assert_memory_equal(out.ptr, "hello", 5);

    /* Without a result it has no parameters; with one that is not spilled, that one. */
    fake_reset(F, MEMORY);
    expect_outcome(fake_call_export(F, make_export(functype(NO_PARAMS, NULL), CJ_UTF8, true), NULL, NULL), CJ_TRAP_NONE,
                   false, "");
    expect_events("core() post-return() ");
    fake_reset(F, MEMORY);
    core_body = NULL;
    core_result = 0x4000000000000001;
    uint64_t number;
    expect_outcome(fake_call_export(F, make_export(functype(NO_PARAMS, t_u64(T)), CJ_UTF8, true), NULL, &number),
                   CJ_TRAP_NONE, false, "");
    expect_events("core() post-return(4000000000000001) ");
    assert_int_equal(number, core_result);
    fake_reset(F, MEMORY);
    core_result = 0x40490fdb;
    expect_outcome(fake_call_export(F, make_export(functype(NO_PARAMS, t_f32(T)), CJ_UTF8, true), NULL, &number),
                   CJ_TRAP_NONE, false, "");
    expect_events("core() post-return(40490fdb) ");
}

static void trap_in_post_return(fake_engine *fake, void *user, uint64_t *flat)
{
    (void)user, (void)flat;
    fake_trap(fake, "integer divide by zero");
}

static void trap_in_core(uint64_t *flat)
{
    (void)flat;
    fake_trap(F, "unreachable");
}

static void test_core_traps(void **state)
{
    (void)state;
    const cj_functype *type = functype(PARAMS(t_list(T, t_string(T))), t_string(T));
    for (int jumps = 0; jumps < 2; jumps++) {
        cj_string out, strings[] = {{"a", 1}, {"b", 1}};
        cj_list in = {strings, 2};
        cj_binding *b = make_export(type, CJ_UTF8, true);

        fake_reset(F, MEMORY);
        F->longjmp_on_trap = jumps;
        core_body = trap_in_core;
        core_result = BLOCK;
        assert_int_equal(fake_call_export(F, b, &in, &out), CJ_TRAP_CORE);
        expect_events(
            "realloc(0,0,4,16)=1024 realloc(0,0,1,1)=1040 realloc(0,0,1,1)=1041 core(400,2) "); /* no lifting, no post-return */
        assert_int_equal(F->store.trap.kind, CJ_TRAP_NONE);
        assert_string_equal(F->inst.exception, "unreachable");

        fake_reset(F, MEMORY);
        F->longjmp_on_trap = jumps;
        fake_script(F, 3, FAKE_TRAP, 0);
        assert_int_equal(fake_call_export(F, b, &in, &out), CJ_TRAP_CORE);
        expect_events("realloc(0,0,4,16)=1024 realloc(0,0,1,1)=1040 realloc(0,0,1,1)=trap ");
        assert_int_equal(F->store.trap.kind, CJ_TRAP_NONE);
        assert_non_null(F->store.trap.running);
        char path[64];
        assert_string_equal(fake_trap_path(F, path, sizeof(path)), "param 0[1]");
        assert_int_equal(F->instance.may_leave, 0);

        fake_reset(F, MEMORY);
        F->longjmp_on_trap = jumps;
        core_body = put_string_result;
        cj_plan *plan = make_plan(type, CJ_PLAN_EXPORT, CJ_UTF8, true);
        b = fake_export(F, plan, type, core_fn, trap_in_post_return, NULL);
        b->code = code_for ? code_for(plan) : NULL;
        assert_int_equal(fake_call_export(F, b, &in, &out), CJ_TRAP_CORE);
        assert_int_equal(F->store.trap.kind, CJ_TRAP_NONE);
        assert_string_equal(F->store.trap.detail, "in post-return");
        assert_string_equal(F->inst.exception, "integer divide by zero");
        assert_int_equal(F->instance.may_leave, 0);
    }
}

/* A trap inside an import that the core function called: the record stays the import's, for whoever reports it. */
static void call_inner(uint64_t *flat);
static cj_binding *called_by_core;

static void test_trap_in_nested_import(void **state)
{
    (void)state;
    called_by_core = make_import(functype(PARAMS(t_u8(T), t_list(T, t_char(T))), NULL), CJ_UTF8);
    cj_binding *b = make_export(functype(NO_PARAMS, t_string(T)), CJ_UTF8, true);
    for (int jumps = 0; jumps < 2; jumps++) {
        fake_reset(F, MEMORY);
        F->longjmp_on_trap = jumps;
        fake_put32(F, DATA, 'a');
        fake_put32(F, DATA + 4, 0xd800);
        core_body = call_inner;
        cj_string out;
        expect_outcome(fake_call_export(F, b, NULL, &out), CJ_TRAP_CHAR_SURROGATE, false, "param 1[1]");
        assert_ptr_equal(F->store.trap.bound, called_by_core);
        expect_events("core() ");
    }
}

static void call_inner(uint64_t *flat)
{
    (void)flat;
    assert_false(fake_guest_import(F, called_by_core, SLOTS(0, DATA, 2), NULL));
    assert_false(F->longjmp_on_trap);
}

/* A bad result traps before post-return. */
static void test_result_traps_before_post_return(void **state)
{
    (void)state;
    core_result = BLOCK;
    fake_put32(F, BLOCK, MEMORY);
    fake_put32(F, BLOCK + 4, 1);
    cj_string out;
    cj_binding *b = make_export(functype(NO_PARAMS, t_string(T)), CJ_UTF8, true);
    expect_outcome(fake_call_export(F, b, NULL, &out), CJ_TRAP_STRING_BOUNDS, true, "result");
    expect_events("core() ");
}

static void test_may_leave(void **state)
{
    (void)state;
    const cj_type *params[17];
    for (int i = 0; i < 17; i++)
        params[i] = t_string(T);
    cj_binding *b = make_import(functype(params, 17, t_string(T)), CJ_UTF8);
    F->instance.may_leave = 0;
    uint64_t flat[2] = {UINT32_MAX, UINT32_MAX}; /* would trap too, later */
    expect_outcome(fake_call_import(F, b, flat, NULL), CJ_TRAP_CANNOT_LEAVE, false, "");
    assert_int_equal(host_calls, 0);
}

static cj_status make_stack_low(cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)ctx, (void)args, (void)err;
    *(cj_string *)results = (cj_string){"x", 1};
    fake_set_stack_low(F, true);
    return CJ_OK;
}

static void test_stack_low(void **state)
{
    (void)state;
    cj_binding *b = make_import(functype(NO_PARAMS, t_string(T)), CJ_UTF8);
    uint64_t flat[1] = {RETPTR};
    fake_set_stack_low(F, true);
    expect_outcome(fake_call_import(F, b, flat, NULL), CJ_TRAP_STACK_OVERFLOW, false, "");
    assert_int_equal(host_calls, 0);
    /* before anything is looked at */
    cj_binding *with_args = make_import(functype(PARAMS(t_string(T)), NULL), CJ_UTF8);
    expect_outcome(fake_call_import(F, with_args, SLOTS(UINT32_MAX, UINT32_MAX), NULL), CJ_TRAP_STACK_OVERFLOW, false,
                   "");

    fake_reset(F, MEMORY);
    host_body = make_stack_low;
    expect_outcome(fake_call_import(F, b, flat, NULL), CJ_TRAP_STACK_OVERFLOW, true, "result");
    assert_int_equal(host_calls, 1);
    assert_int_equal(F->realloc_calls, 0);

    fake_reset(F, MEMORY);
    fake_set_stack_low(F, true);
    cj_string in = {"x", 1};
    b = make_export(functype(PARAMS(t_string(T)), NULL), CJ_UTF8, false);
    expect_outcome(fake_call_export(F, b, &in, NULL), CJ_TRAP_STACK_OVERFLOW, false, "param 0");
    expect_events("");
}

/* -- Host functions ------------------------------------------------------------------------------------------------ */

static cj_status host_status;
static cj_error host_error;
static bool host_fills;

static cj_status fail_as_told(cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)ctx, (void)args, (void)results;
    if (host_fills)
        *err = host_error;
    return host_status;
}

static void test_host_errors(void **state)
{
    (void)state;
    cj_binding *b = make_import(functype(NO_PARAMS, NULL), CJ_UTF8);
    host_body = fail_as_told;
    cj_trap_record *trap = &F->store.trap;

    host_status = CJ_HOST;
    host_fills = true;
    memset(&host_error, 0, sizeof(host_error));
    cj__fail(&host_error, CJ_HOST, "no such file");
    expect_outcome(fake_call_import(F, b, NULL, NULL), CJ_TRAP_HOST, false, "");
    assert_non_null(trap->host_error);
    assert_string_equal(trap->host_error->message, "no such file");
    assert_ptr_equal(trap->bound, b);

    /* Any status that is not OK; and no words at all. */
    host_status = CJ_NO_MEMORY;
    host_fills = false;
    expect_outcome(fake_call_import(F, b, NULL, NULL), CJ_TRAP_HOST, false, "");
    assert_string_equal(trap->host_error->message, cj_status_text(CJ_NO_MEMORY));
    assert_int_equal(trap->host_error->status, CJ_NO_MEMORY);
    host_status = (cj_status)12345;
    expect_outcome(fake_call_import(F, b, NULL, NULL), CJ_TRAP_HOST, false, "");

    /* A message without a status. */
    host_status = CJ_HOST;
    host_fills = true;
    host_error.status = CJ_OK;
    expect_outcome(fake_call_import(F, b, NULL, NULL), CJ_TRAP_HOST, false, "");
    assert_string_equal(trap->host_error->message, "no such file");
    assert_int_equal(trap->host_error->status, CJ_HOST);

    /* A nested call's trap that it passes on. */
    host_status = CJ_TRAP;
    cj__fail(&host_error, CJ_TRAP, "integer divide by zero");
    host_error.trap = CJ_TRAP_DIVIDE_BY_ZERO;
    snprintf(host_error.where, sizeof(host_error.where), "other");
    expect_outcome(fake_call_import(F, b, NULL, NULL), CJ_TRAP_DIVIDE_BY_ZERO, false, "");
    assert_string_equal(trap->host_error->message, "integer divide by zero");
    assert_string_equal(trap->host_error->where, "other");
    /* The same by status alone: the store knows the rest. */
    host_fills = false;
    F->store.error = host_error;
    expect_outcome(fake_call_import(F, b, NULL, NULL), CJ_TRAP_DIVIDE_BY_ZERO, false, "");
    assert_string_equal(trap->host_error->where, "other");
    /* But not what an older call left, when the words are its own. */
    host_fills = true;
    host_error.trap = CJ_TRAP_NONE;
    expect_outcome(fake_call_import(F, b, NULL, NULL), CJ_TRAP_HOST, false, "");

    /* Nothing is lowered after a failure. */
    host_status = CJ_HOST;
    b = make_import(functype(NO_PARAMS, t_string(T)), CJ_UTF8);
    expect_outcome(fake_call_import(F, b, SLOTS(RETPTR), NULL), CJ_TRAP_HOST, false, "");
    assert_int_equal(F->realloc_calls, 0);
}

static const uint8_t *seen_base;
static cj_status look_at_views(cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)results, (void)err;
    assert_ptr_equal(ctx->bound->guest.instance, &F->instance);
    assert_ptr_equal(ctx->store, &F->store);
    const cj_string *s = args;
    const cj_list *l = (const cj_list *)(s + 1);
    assert_ptr_equal(s->ptr, fake_at(F, DATA, 4));
    assert_ptr_equal(l->ptr, fake_at(F, DATA + 8, 8));
    seen_base = (const uint8_t *)s->ptr;
    return CJ_OK;
}

/* utf8 strings and plain lists are handed out in place. */
static void test_views(void **state)
{
    (void)state;
    memset(fake_at(F, DATA, 32), 0, 32);
    memcpy(fake_at(F, DATA, 4), "abcd", 4);
    host_body = look_at_views;
    cj_binding *b =
        make_import(functype(PARAMS(t_string(T), t_list(T, t_tuple(T, 2, t_u32(T), t_u8(T)))), NULL), CJ_UTF8);
    uint64_t flat[4] = {DATA, 4, DATA + 8, 2};
    expect_outcome(fake_call_import(F, b, flat, NULL), CJ_TRAP_NONE, false, "");
    assert_int_equal(host_calls, 1);
}

/* -- Results that alias the guest's memory ------------------------------------------------------------------------- */

static cj_status echo(cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)err;
    memcpy(results, args, ctx->bound->plan->host_result_size);
    return CJ_OK;
}

/* The host returns the views that it got, while realloc moves the memory, or overwrites what they view. */
static void test_echoed_views(void **state)
{
    (void)state;
    host_body = echo;
    const cj_type *padded = t_tuple(T, 2, t_u32(T), t_u8(T)), *lists = t_list(T, t_list(T, t_u8(T)));
    const cj_type *type = t_tuple(T, 4, t_string(T), t_list(T, t_u16(T)), t_list(T, padded), lists);
    cj_binding *b =
        make_import(functype(PARAMS(t_string(T), t_list(T, t_u16(T)), t_list(T, padded), lists), type), CJ_UTF8);
    for (int hostile = 0; hostile < 2; hostile++) {
        fake_reset(F, MEMORY);
        memcpy(fake_at(F, DATA, 8), "abcdefgh", 8);
        memcpy(fake_at(F, DATA + 8, 16), "\1\0\0\0\2\7\7\7\3\0\0\0\4\7\7\7", 16);
        for (uint32_t i = 0; i < 3; i++) {
            fake_put32(F, DATA + 24 + 8 * i, DATA + i);
            fake_put32(F, DATA + 24 + 8 * i + 4, 3);
        }
        for (uint32_t i = 1; i <= 7; i++)
            fake_script(F, i, hostile && i == 7 ? FAKE_FILL : FAKE_GROW, 50);
        uint64_t flat[9] = {DATA, 8, DATA, 4, DATA + 8, 2, DATA + 24, 3, RETPTR};
        expect_outcome(fake_call_import(F, b, flat, NULL), CJ_TRAP_NONE, false, "");
        assert_int_equal(F->realloc_calls, 7);
        uint32_t out = hostile ? 0 : RETPTR;
        if (hostile) {
            /* The last call overwrote the views' memory, and the last list's bytes were already copied: the guest only
             * hurts itself, but nothing is read or written outside. */
            assert_int_equal(*fake_at(F, DATA, 1), 50);
            continue;
        }
        assert_memory_equal(fake_at(F, fake_get32(F, out), 8), "abcdefgh", 8);
        assert_int_equal(fake_get32(F, out + 4), 8);
        assert_memory_equal(fake_at(F, fake_get32(F, out + 8), 8), "abcdefgh", 8);
        uint8_t *copy = fake_at(F, fake_get32(F, out + 16), 16);
        assert_memory_equal(copy, "\1\0\0\0\2", 5);
        assert_memory_equal(copy + 5, "\xa5\xa5\xa5", 3); /* padding that the view had */
        assert_memory_equal(copy + 8, "\3\0\0\0\4", 5);
        uint32_t inner = fake_get32(F, out + 24);
        for (uint32_t i = 0; i < 3; i++)
            assert_memory_equal(fake_at(F, fake_get32(F, inner + 8 * i), 3), &"abcdefgh"[i], 3);
    }
}

/* realloc returns the very block that the result is a view of: source and destination overlap. */
static void test_echo_onto_itself(void **state)
{
    (void)state;
    host_body = echo;
    static const char text[] = "a\xc3\xa9\xe2\x82\xac!";
    for (cj_encoding e = CJ_UTF8; e <= CJ_UTF8; e++) {
        for (uint32_t shift = 0; shift < 4; shift++) {
            fake_reset(F, MEMORY);
            memcpy(fake_at(F, DATA, 7), text, 7);
            cj_binding *b = make_import(functype(PARAMS(t_string(T)), t_string(T)), e);
            fake_script(F, 1, FAKE_RETURN, DATA + shift);
            uint64_t flat[3] = {DATA, 7, RETPTR};
            expect_outcome(fake_call_import(F, b, flat, NULL), CJ_TRAP_NONE, false, "");
            assert_memory_equal(fake_at(F, DATA + shift, 7), text, 7);
        }
    }
    fake_reset(F, MEMORY);
    memcpy(fake_at(F, DATA, 8), "abcdefgh", 8);
    cj_binding *b = make_import(functype(PARAMS(t_list(T, t_u8(T))), t_list(T, t_u8(T))), CJ_UTF8);
    fake_script(F, 1, FAKE_RETURN, DATA + 1);
    uint64_t flat[3] = {DATA, 8, RETPTR};
    expect_outcome(fake_call_import(F, b, flat, NULL), CJ_TRAP_NONE, false, "");
    assert_memory_equal(fake_at(F, DATA + 1, 8), "abcdefgh", 8);
}

/* -- Memory of the host -------------------------------------------------------------------------------------------- */

static cj_status take_memory(cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)args, (void)err;
    char *text = cj__call_host_alloc(ctx, 100, 1);
    assert_non_null(text);
    memset(text, 'y', 100);
    *(cj_string *)results = (cj_string){text, 100};
    return CJ_OK;
}

/* An import gives back what it took, from the arena and from the limit. */
static void test_import_gives_back(void **state)
{
    (void)state;
    host_body = take_memory;
    cj_binding *b = make_import(functype(PARAMS(t_string(T)), t_string(T)), CJ_UTF16);
    memset(fake_at(F, DATA, 64), 0, 64);
    uint64_t before = F->store.host_bytes;
    cj_arena_mark mark = cj__arena_mark(F->arena);
    for (int i = 0; i < 3; i++) {
        expect_outcome(fake_call_import(F, b, SLOTS(DATA, 32, RETPTR), NULL), CJ_TRAP_NONE, false, "");
        assert_int_equal(F->store.host_bytes, before);
        assert_ptr_equal(cj__arena_mark(F->arena).at, mark.at);
        assert_ptr_equal(cj__arena_mark(F->arena).chunk, mark.chunk);
    }
}

static void expect_host_limit(cj_trap got, bool in_results, const char *path)
{
    expect_outcome(got, CJ_TRAP_HOST_LIMIT, in_results, path);
    assert_string_equal(F->store.trap.detail, "max_host_bytes");
}

static void test_host_limit(void **state)
{
    (void)state;
    /* Exactly as much as allowed, and one byte less, in all ways to lift. */
    memset(fake_at(F, DATA, 64), 0, 64);
    fake_put32(F, BLOCK, DATA);
    fake_put32(F, BLOCK + 4, 8);
    core_result = BLOCK;
    struct {
        const cj_type *type;
        cj_encoding encoding;
        uint64_t bytes;
    } cases[] = {
        {t_string(T), CJ_UTF8, 8},           {t_string(T), CJ_UTF16, 8},
        {t_string(T), CJ_LATIN1_UTF16, 8},   {t_list(T, t_u32(T)), CJ_UTF8, 32},
        {t_list(T, t_char(T)), CJ_UTF8, 32}, {t_list(T, t_string(T)), CJ_UTF8, 8 * sizeof(cj_string)},
    };
    for (size_t i = 0; i < CJ_COUNT(cases); i++) {
        cj_list out;
        cj_binding *b = make_export(functype(NO_PARAMS, cases[i].type), cases[i].encoding, false);
        F->store.host_bytes = cases[i].bytes;
        expect_outcome(fake_call_export(F, b, NULL, &out), CJ_TRAP_NONE, false, "");
        assert_int_equal(F->store.host_bytes, 0);
        F->store.host_bytes = cases[i].bytes - 1;
        expect_host_limit(fake_call_export(F, b, NULL, &out), true, "result");
    }
    /* Strings that are handed out in place have to be validated: none is longer than the limit. */
    const cj_type *pair = t_tuple(T, 2, t_string(T), t_string(T));
    cj_binding *b = make_import(functype(PARAMS(pair), NULL), CJ_UTF8);
    F->store.host_bytes = 8;
    expect_outcome(fake_call_import(F, b, SLOTS(DATA, 8, DATA, 8), NULL), CJ_TRAP_NONE, false, "");
    assert_int_equal(F->store.host_bytes, 8);
    F->store.host_bytes = 7;
    expect_host_limit(fake_call_import(F, b, SLOTS(DATA, 7, DATA, 8), NULL), false, "param 0 .1");
    /* Those that memory names are counted, so that a million views of one long string are not a day's validation. */
    b = make_import(functype(PARAMS(t_list(T, t_string(T))), NULL), CJ_UTF8);
    fake_put32(F, BLOCK + 8, DATA);
    fake_put32(F, BLOCK + 12, 8);
    F->store.host_bytes = 16 + 2 * sizeof(cj_string);
    expect_outcome(fake_call_import(F, b, SLOTS(BLOCK, 2), NULL), CJ_TRAP_NONE, false, "");
    F->store.host_bytes--;
    expect_host_limit(fake_call_import(F, b, SLOTS(BLOCK, 2), NULL), false, "param 0[1]");
    /* Whether in a list or in a block of many parameters; which are given back when only counted, too. */
    b = make_import(functype(PARAMS(t_tuple(T, 9, pair->members[0].type, t_string(T), t_string(T), t_string(T),
                                            t_string(T), t_string(T), t_string(T), t_string(T), t_string(T))),
                             NULL),
                    CJ_UTF8);
    for (uint32_t i = 0; i < 9; i++) {
        fake_put32(F, BLOCK + 8 * i, DATA);
        fake_put32(F, BLOCK + 8 * i + 4, 8);
    }
    F->store.host_bytes = 72;
    expect_outcome(fake_call_import(F, b, SLOTS(BLOCK), NULL), CJ_TRAP_NONE, false, "");
    assert_int_equal(F->store.host_bytes, 72);
    F->store.host_bytes = 71;
    expect_host_limit(fake_call_import(F, b, SLOTS(BLOCK), NULL), false, "param 0 .8");
    /* A list in place costs nothing. */
    b = make_import(functype(PARAMS(t_list(T, t_u8(T))), NULL), CJ_UTF8);
    F->store.host_bytes = 0;
    expect_outcome(fake_call_import(F, b, SLOTS(DATA, 8), NULL), CJ_TRAP_NONE, false, "");
}

/* What is lifted lies in the arena one behind the other, each where its type may lie. */
static void test_lists_are_aligned(void **state)
{
    (void)state;
    fake_put32(F, BLOCK, DATA);
    fake_put32(F, BLOCK + 4, 3);
    fake_put32(F, BLOCK + 8, DATA);
    fake_put32(F, BLOCK + 12, 2);
    core_result = BLOCK;
    const cj_type *wide[] = {t_u64(T), t_u32(T), t_u16(T), t_string(T), t_option(T, t_u64(T))};
    static const uint32_t align[] = {8, 4, 2, _Alignof(cj_string), 8};
    memset(fake_at(F, DATA, 64), 0, 64);
    for (size_t i = 0; i < CJ_COUNT(wide); i++) {
        cj_list out[2];
        const cj_type *type = t_tuple(T, 2, t_list(T, t_u8(T)), t_list(T, wide[i]));
        expect_outcome(fake_call_export(F, make_export(functype(NO_PARAMS, type), CJ_UTF8, false), NULL, out),
                       CJ_TRAP_NONE, false, "");
        assert_int_equal(out[0].len, 3);
        assert_int_equal(out[1].len, 2);
        assert_int_equal((uintptr_t)out[1].ptr & (align[i] - 1), 0);
        assert_true((char *)out[1].ptr >= (char *)out[0].ptr + 3);
    }
}

/* 64 pointers to one list of 64 pointers to one string of 1000 bytes: 16 of the lists and 6 strings fit in 1 MiB. */
static void test_amplification(void **state)
{
    (void)state;
    memset(fake_at(F, 3000, 1000), 'x', 1000);
    for (uint32_t i = 0; i < 64; i++) {
        fake_put32(F, 1024 + 8 * i, 2048);
        fake_put32(F, 1024 + 8 * i + 4, 64);
        fake_put32(F, 2048 + 8 * i, 3000);
        fake_put32(F, 2048 + 8 * i + 4, 1000);
    }
    fake_put32(F, BLOCK, 1024);
    fake_put32(F, BLOCK + 4, 64);
    core_result = BLOCK;
    const cj_type *type = t_list(T, t_list(T, t_string(T)));
    cj_list out;
    F->store.host_bytes = 1 << 20;
    expect_host_limit(fake_call_export(F, make_export(functype(NO_PARAMS, type), CJ_UTF8, false), NULL, &out), true,
                      "result[16][6]");
    F->store.host_bytes = 1 << 20;
    expect_host_limit(fake_call_import(F, make_import(functype(PARAMS(type), NULL), CJ_UTF8), SLOTS(1024, 64), NULL),
                      false, "param 0[16][6]");
}

static cj_status ask_for_too_much(cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)args, (void)results, (void)err;
    assert_null(cj__call_host_alloc(ctx, ctx->store->host_bytes + 1, 1));
    assert_non_null(cj__call_host_alloc(ctx, ctx->store->host_bytes, 1));
    return CJ_OK;
}

/* A host function that is refused memory and goes on leaves no trace for the next trap. */
static void test_host_function_refused_memory(void **state)
{
    (void)state;
    host_body = ask_for_too_much;
    F->store.host_bytes = 100;
    expect_outcome(fake_call_import(F, make_import(functype(NO_PARAMS, NULL), CJ_UTF8), NULL, NULL), CJ_TRAP_NONE,
                   false, "");
    assert_int_equal(F->store.host_bytes, 100);
}

/* Structs of the host that are too large for the stack, and for the limit. */
static void test_large_structs(void **state)
{
    (void)state;
    host_body = echo;
    const cj_type *big = t_u64(T);
    for (int i = 0; i < 9; i++)
        big = t_tuple(T, 2, big, big); /* 4 KiB */
    const cj_functype *type = functype(PARAMS(big), big);
    cj_binding *b = make_import(type, CJ_UTF8);
    fake_reset(F, 3 * 4096);
    for (uint32_t i = 0; i < 4096; i++)
        *fake_at(F, 4096 + i, 1) = (uint8_t)(i * 7);
    uint64_t flat[2] = {4096, 8192};
    expect_outcome(fake_call_import(F, b, flat, NULL), CJ_TRAP_NONE, false, "");
    assert_memory_equal(fake_at(F, 8192, 4096), fake_at(F, 4096, 4096), 4096);
    F->store.host_bytes = 4095;
    expect_host_limit(fake_call_import(F, b, flat, NULL), false, "");
    F->store.host_bytes = 8191;
    host_calls = 0;
    expect_host_limit(fake_call_import(F, b, flat, NULL), false, "");
    assert_int_equal(host_calls, 0);
    F->store.host_bytes = 8192;
    expect_outcome(fake_call_import(F, b, flat, NULL), CJ_TRAP_NONE, false, "");
}

/* A memory of no bytes has no address. */
static void test_empty_memory(void **state)
{
    (void)state;
    fake_reset(F, 0);
    uint64_t flat[2] = {0, 0};
    host_body = NULL;
    expect_outcome(fake_call_import(F, make_import(functype(PARAMS(t_string(T)), NULL), CJ_UTF8), flat, NULL),
                   CJ_TRAP_NONE, false, "");
    expect_outcome(fake_call_import(F, make_import(functype(PARAMS(t_list(T, t_u8(T))), NULL), CJ_UTF8), flat, NULL),
                   CJ_TRAP_NONE, false, "");
    expect_outcome(fake_call_import(F, make_import(functype(PARAMS(t_list(T, t_char(T))), NULL), CJ_UTF8), flat, NULL),
                   CJ_TRAP_NONE, false, "");
    flat[1] = 1;
    expect_outcome(fake_call_import(F, make_import(functype(PARAMS(t_string(T)), NULL), CJ_UTF8), flat, NULL),
                   CJ_TRAP_STRING_BOUNDS, false, "param 0");
    cj_list empty = {NULL, 0};
    fake_script(F, 1, FAKE_RETURN, 0);
    F->bump = 0;
    expect_outcome(
        fake_call_export(F, make_export(functype(PARAMS(t_list(T, t_u8(T))), NULL), CJ_UTF8, false), &empty, NULL),
        CJ_TRAP_NONE, false, "");
}

/* -- Properties ---------------------------------------------------------------------------------------------------- */

/* f: func(params) -> result, exported by a guest that calls an import of the same type with the very same flat
 * arguments, and returns what that returns. The host function sees the export's arguments and returns `echo_result`. */
static cj_binding *inner;
static const cj_functype *echo_type;
static const void *echo_args, *echo_result;

static cj_status compare_and_return(cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)ctx, (void)err;
    assert_true(args_equal(echo_type, echo_args, args));
    if (echo_type->result)
        memcpy(results, echo_result, echo_type->result->host_size);
    return CJ_OK;
}

static void pass_on(fake_engine *fake, void *user, uint64_t *flat)
{
    (void)user;
    uint64_t args[CJ_MAX_FLAT_PARAMS + 2], result = 0;
    const cj_core_sig *sig = &inner->plan->sig;
    memcpy(args, flat, sizeof(uint64_t) * (CJ_MAX_FLAT_PARAMS + 1));
    uint32_t retptr = 0;
    if (sig->spill_results) {
        retptr = fake_guest_alloc(fake, inner->plan->result_align, inner->plan->result_size);
        memset(fake_at(fake, retptr, inner->plan->result_size), FAKE_POISON, inner->plan->result_size);
        args[sig->param_count - 1] = retptr;
    }
    assert_true(fake_guest_import(fake, inner, args, &result));
    flat[0] = sig->spill_results ? retptr : result;
}

/* Everything that the guest has seen, for comparison. */
typedef struct guest_view {
    uint8_t *memory;
    uint32_t size;
    char *events;
} guest_view;

static guest_view look(void)
{
    guest_view view = {malloc(F->memory.page_count), F->memory.page_count, strdup(fake_events(F))};
    assert_non_null(view.memory);
    memcpy(view.memory, F->memory.data, view.size);
    return view;
}

static void round_trip(random_source *r, cj_binding *outer, uint32_t max_len, guest_view *view)
{
    fake_reset(F, MEMORY);
    F->grow_by = 256;
    void *args = random_args(r, echo_type, max_len, &pool);
    void *result = random_result(r, echo_type, max_len, &pool);
    void *out = pool_alloc(&pool, echo_type->result ? echo_type->result->host_size : 0);
    echo_args = args;
    echo_result = result;
    host_body = compare_and_return;
    cj_trap got = fake_call_export(F, outer, args, out);
    expect_outcome(got, CJ_TRAP_NONE, false, "");
    if (echo_type->result)
        assert_true(value_equal(echo_type->result, result, out));
    *view = look();
}

static void test_round_trips(void **state)
{
    (void)state;
    random_source r = random_new(3);
    for (int i = 0; i < (code_for ? 100 : 1500); i++) { /* compiling takes milliseconds */
        echo_type = random_functype(&r, T, 1 + random_below(&r, 6), 1 + random_below(&r, 4));
        cj_encoding encoding = (cj_encoding)random_below(&r, 3);
        inner = make_import(echo_type, encoding);
        cj_plan *plan = make_plan(echo_type, CJ_PLAN_EXPORT, encoding, false);
        cj_binding *outer = fake_export(F, plan, echo_type, pass_on, NULL, NULL);
        outer->code = code_for ? code_for(plan) : NULL;
        /* Twice, with other bytes in the host's padding: a guest must not see the difference. */
        uint64_t seed = random_u64(&r);
        uint32_t max_len = random_below(&r, 8);
        guest_view views[2];
        for (int pass = 0; pass < 2; pass++) {
            random_source again = random_new(seed);
            pool.fill = pass ? 0x33 : 0xcc;
            round_trip(&again, outer, max_len, &views[pass]);
        }
        assert_int_equal(views[0].size, views[1].size);
        assert_string_equal(views[0].events, views[1].events);
        if (views[0].size)
            assert_memory_equal(views[0].memory, views[1].memory, views[0].size);
        for (int pass = 0; pass < 2; pass++) {
            free(views[pass].memory);
            free(views[pass].events);
        }
        pool_reset(&pool);
    }
}

static cj_status touch_everything(cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)ctx, (void)results, (void)err;
    assert_true(args_equal(echo_type, args, args)); /* reads all of it */
    return CJ_OK;
}

/* Random flat arguments over random memory: traps or succeeds, and touches nothing outside (AddressSanitizer). */
static void test_garbage(void **state)
{
    (void)state;
    random_source r = random_new(4);
    uint32_t outcomes[CJ_TRAP_COUNT] = {0}, types = code_for ? 60 : 600, per_type = 20;
    cj_binding *import = NULL, *export = NULL;
    for (uint32_t i = 0; i < types * per_type; i++) {
        if (i % per_type == 0) {
            const cj_functype *type = random_functype(&r, T, 1 + random_below(&r, 4), 1 + random_below(&r, 4));
            cj_encoding encoding = (cj_encoding)random_below(&r, 3);
            cj_error err;
            echo_type = cj__functype_make(T, type->params, type->param_count, NULL, false, &err);
            import = make_import(echo_type, encoding);
            export = type->result ? make_export(functype(NO_PARAMS, type->result), encoding, false) : NULL;
        }
        uint32_t size = 64 + random_below(&r, 512);
        fake_reset(F, size);
        F->store.host_bytes = 1 << 20;
        for (uint32_t at = 0; at + 4 <= size; at += 4) /* mostly small, so that pointers and lengths are often good */
            fake_put32(F, at,
                       random_below(&r, 8) ? random_below(&r, 40) * (1 + random_below(&r, 2) * 3)
                                           : (uint32_t)random_u64(&r));
        uint64_t flat[CJ_MAX_FLAT_PARAMS + 1], result;
        for (size_t k = 0; k < CJ_COUNT(flat); k++)
            flat[k] = random_below(&r, 16) ? random_below(&r, 24) * (1 + random_below(&r, 2) * 7) : random_u64(&r);
        cj_trap got;
        if (export && i % 2) {
            const cj_type *type = export->info->type->result;
            core_body = NULL;
            core_result = flat[0];
            void *out = pool_alloc(&pool, type->host_size);
            got = fake_call_export(F, export, NULL, out);
            if (got == CJ_TRAP_NONE)
                assert_true(value_equal(type, out, out));
        } else {
            host_body = touch_everything;
            got = fake_call_import(F, import, flat, &result);
        }
        outcomes[got]++;
        pool_reset(&pool);
    }
    /* Not all of one kind. */
    assert_true(outcomes[CJ_TRAP_NONE] > types * per_type / 10);
    assert_true(outcomes[CJ_TRAP_DISCRIMINANT] > types * per_type / 200);
    assert_true(outcomes[CJ_TRAP_STRING_BOUNDS] > types * per_type / 200);
    assert_true(outcomes[CJ_TRAP_LIST_BOUNDS] > types * per_type / 200);
    assert_true(outcomes[CJ_TRAP_LIST_ALIGNMENT] > types * per_type / 1000);
}

/* -- All of them --------------------------------------------------------------------------------------------------- */

static size_t boundary_call_tests(struct CMUnitTest *out)
{
    const struct CMUnitTest tests[] = {
        BOUNDARY_TEST(test_post_return),
        BOUNDARY_TEST(test_core_traps),
        BOUNDARY_TEST(test_trap_in_nested_import),
        BOUNDARY_TEST(test_result_traps_before_post_return),
        BOUNDARY_TEST(test_may_leave),
        BOUNDARY_TEST(test_stack_low),
        BOUNDARY_TEST(test_host_errors),
        BOUNDARY_TEST(test_views),
        BOUNDARY_TEST(test_echoed_views),
        BOUNDARY_TEST(test_echo_onto_itself),
        BOUNDARY_TEST(test_import_gives_back),
        BOUNDARY_TEST(test_host_limit),
        BOUNDARY_TEST(test_lists_are_aligned),
        BOUNDARY_TEST(test_amplification),
        BOUNDARY_TEST(test_host_function_refused_memory),
        BOUNDARY_TEST(test_large_structs),
        BOUNDARY_TEST(test_empty_memory),
        BOUNDARY_TEST(test_round_trips),
        BOUNDARY_TEST(test_garbage),
    };
    memcpy(out, tests, sizeof(tests));
    return CJ_COUNT(tests);
}

int boundary_tests(const char *name, boundary_code_fn code)
{
    struct CMUnitTest tests[BOUNDARY_MOST_TESTS];
    size_t count = boundary_lift_tests(tests);
    count += boundary_lower_tests(tests + count);
    count += boundary_fused_tests(tests + count);
    count += boundary_handle_tests(tests + count);
    count += boundary_call_tests(tests + count);
    code_for = code;
    return _cmocka_run_group_tests(name, tests, count, NULL, NULL);
}
