/* boundary_rig.c: see boundary_rig.h.
 */
#include "boundary_rig.h"

#include "cmocka_all.h"
#include "make_types.h"

boundary_code_fn code_for;
cj_types *T;
fake_engine *F, *P;
static cj_plan *plans[8192];
static size_t plan_count;
value_pool pool;

void (*core_body)(uint64_t *flat);
uint64_t core_result;
cj_status (*host_body)(cj_call_ctx *ctx, const void *args, void *results, cj_error *err);
uint32_t host_calls;

int boundary_set_up(void **state)
{
    (void)state;
    T = cj__types_new(NULL, 100);
    F = fake_new(MEMORY);
    P = fake_peer(F, "callee", MEMORY);
    core_body = NULL;
    core_result = 0;
    host_body = NULL;
    host_calls = 0;
    pool.fill = 0x5c;
    return T ? 0 : -1;
}

int boundary_tear_down(void **state)
{
    (void)state;
    fake_delete(F);
    while (plan_count)
        cj__plan_delete(plans[--plan_count]);
    cj__types_delete(T);
    pool_reset(&pool);
    return 0;
}

void core_fn(fake_engine *fake, void *user, uint64_t *flat)
{
    (void)fake, (void)user;
    if (core_body)
        core_body(flat);
    flat[0] = core_result;
}

static void post_return_fn(fake_engine *fake, void *user, uint64_t *flat)
{
    (void)fake, (void)user, (void)flat;
}

static cj_status host_fn(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    assert_ptr_equal(user, &host_calls);
    host_calls++;
    return host_body ? host_body(ctx, args, results, err) : CJ_OK;
}

const cj_functype *functype(const cj_type *const *params, uint32_t count, const cj_type *result)
{
    cj_param named[T_MAX_MEMBERS];
    static const char names[] = "pppppppppppppppppppppppppppppppppppppppppp";
    cj_error err;
    assert_true(count <= T_MAX_MEMBERS);
    for (uint32_t i = 0; i < count; i++)
        named[i] = (cj_param){{names, i + 1}, params[i]};
    const cj_functype *type = cj__functype_make(T, named, count, result, false, &err);
    assert_non_null(type);
    return type;
}

cj_plan *make_plan_of(const cj_functype *type, const cj_plan_options *options)
{
    cj_config config;
    memset(&config, 0, sizeof(config));
    config.max_plan_ops = 65536;
    cj_error err;
    cj_plan *plan;
    cj_status status = cj__plan_build(&config, type, options, &plan, &err);
    if (status == CJ_OK) {
        assert_true(plan_count < CJ_COUNT(plans));
        plans[plan_count++] = plan;
        status = cj__plan_check(plan, &err);
    }
    if (status != CJ_OK)
        fail_msg("%s", err.message);
    return plan;
}

cj_plan *make_plan(const cj_functype *type, cj_plan_kind kind, cj_encoding encoding, bool post_return)
{
    cj_plan_options options = {
        .kind = kind, .encoding = encoding, .has_memory = true, .has_realloc = true, .has_post_return = post_return};
    return make_plan_of(type, &options);
}

cj_binding *make_export(const cj_functype *type, cj_encoding encoding, bool post_return)
{
    cj_plan *plan = make_plan(type, CJ_PLAN_EXPORT, encoding, post_return);
    cj_binding *b = fake_export(F, plan, type, core_fn, post_return ? post_return_fn : NULL, NULL);
    b->code = code_for ? code_for(plan) : NULL;
    return b;
}

cj_binding *make_import(const cj_functype *type, cj_encoding encoding)
{
    cj_plan *plan = make_plan(type, CJ_PLAN_IMPORT, encoding, false);
    if (F->group.import_count == FAKE_MAX_IMPORTS)
        F->group.import_count = 0; /* earlier ones are done with */
    cj_binding *b = fake_import(F, plan, type, host_fn, &host_calls);
    b->code = code_for ? code_for(plan) : NULL;
    return b;
}

cj_binding *make_fused(const cj_functype *type, cj_encoding caller, cj_encoding callee, bool post_return)
{
    cj_plan_options options = {.kind = CJ_PLAN_FUSED,
                               .encoding = callee,
                               .has_memory = true,
                               .has_realloc = true,
                               .has_post_return = post_return,
                               .caller_encoding = caller,
                               .caller_has_memory = true,
                               .caller_has_realloc = true};
    cj_plan *plan = make_plan_of(type, &options);
    if (F->group.import_count == FAKE_MAX_IMPORTS)
        F->group.import_count = 0;
    cj_binding *b = fake_fused(F, P, plan, type, core_fn, post_return ? post_return_fn : NULL, NULL);
    b->code = code_for ? code_for(plan) : NULL;
    return b;
}

void expect_outcome(cj_trap got, cj_trap expected, bool in_results, const char *path)
{
    char text[256];
    fake_trap_path(F, text, sizeof(text));
    if (got != expected)
        fail_msg("outcome \"%s\" at \"%s\", not \"%s\"", cj_trap_text(got), text, cj_trap_text(expected));
    if (expected == CJ_TRAP_NONE) {
        assert_int_equal(F->store.trap.kind, CJ_TRAP_NONE);
        assert_null(F->store.trap.bound);
        assert_null(F->store.trap.detail);
        assert_int_equal(F->instance.may_leave, 1);
        return;
    }
    assert_int_equal(F->store.trap.kind, expected == CJ_TRAP_CORE ? CJ_TRAP_NONE : expected);
    assert_non_null(F->store.trap.bound);
    assert_string_equal(text, path);
    assert_int_equal(F->store.trap.in_results, in_results);
}

void expect_events(const char *expected)
{
    assert_string_equal(fake_events(F), expected);
}
