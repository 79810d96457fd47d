/* test_builtins.c: the gate of a guest's imports, and the natives of resource.new, .rep and .drop that WAMR's machine
 * code calls (exec/builtins.c).
 */
#include "support/cmocka_all.h"
#include "support/fake_engine.h"

static fake_engine *guest, *other;
static cj_resource type, other_type;
static cj_resource *const resources[] = {&type};
static uint64_t destroyed;

static void dtor(fake_engine *fake, void *user, uint64_t *flat)
{
    (void)fake, (void)user;
    destroyed = flat[0];
}

static void dtor_traps(fake_engine *fake, void *user, uint64_t *flat)
{
    (void)user, (void)flat;
    fake_trap(fake, "unreachable");
}

static int set_up(void **state)
{
    (void)state;
    guest = fake_new(FAKE_HEAP_BASE);
    other = fake_peer(guest, "other", FAKE_HEAP_BASE);
    type = (cj_resource){.impl = &guest->instance, .dtor = fake_destructor(guest, dtor, NULL), .name = "type"};
    other_type = (cj_resource){.impl = &other->instance, .dtor = fake_destructor(other, dtor_traps, NULL)};
    cj_handles *tables[] = {&guest->instance.handles, &other->instance.handles};
    for (size_t i = 0; i < CJ_COUNT(tables); i++) {
        cj__handles_fini(guest->store.alloc, tables[i]);
        cj__handles_init(tables[i], 2);
    }
    destroyed = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fake_delete(guest);
    return 0;
}

/* An import of the guest without a plan. */
static cj_binding *slot(cj_slot_kind kind)
{
    cj_binding *b = &guest->imports[guest->group.import_count++];
    *b = (cj_binding){.guest = {.instance = &guest->instance, .core_env_inst = &guest->inst, .memory = &guest->memory},
                      .resources = resources,
                      .kind = (uint8_t)kind};
    return b;
}

/* -- Two ways to call one: through the gate, and as WAMR's code does ------------------------------------------------ */

typedef uint64_t (*caller_fn)(const cj_binding *b, uint32_t arg);

static uint64_t through_gate(const cj_binding *b, uint32_t arg)
{
    cj_call_ctx call;
    memset(&call, FAKE_POISON, sizeof(call));
    call.bound = b;
    call.store = &guest->store;
    call.env = &guest->env;
    call.arena = guest->arena;
    uint64_t flat[1] = {arg | UINT64_C(0xdeadbeef00000000)}, result = 0;
    if (cj__gate(&call, flat, &result) != CJ_TRAP_NONE)
        cj__core_throw(&call);
    return result;
}

#if CJ_ENGINE_JIT
static uint64_t natively(const cj_binding *b, uint32_t arg)
{
    void *code = cj__builtin_code((cj_slot_kind)b->kind);
    uint32_t (*fn)(void *env, uint32_t arg, uint32_t slot);
    void (*void_fn)(void *env, uint32_t arg, uint32_t slot);
    uint32_t number = (uint32_t)(b - guest->imports);
    if (b->kind == CJ_SLOT_RESOURCE_DROP) {
        memcpy(&void_fn, &code, sizeof(void_fn));
        void_fn(&guest->env, arg, number);
        return 0;
    }
    memcpy(&fn, &code, sizeof(fn));
    return fn(&guest->env, arg, number);
}
#endif

static cj_trap outcome(caller_fn how, const cj_binding *b, uint32_t arg, uint64_t *result)
{
    jmp_buf here;
    guest->top = &here;
    cj__call_trap_clear(&guest->store);
    guest->env.module_inst = &guest->inst;
    volatile bool returned = false;
    if (setjmp(here) == 0) {
        *result = how(b, arg);
        returned = true;
    }
    guest->env.module_inst = &guest->inst;
    const cj_trap_record *record = &guest->store.trap;
    if (returned) {
        assert_int_equal(record->kind, CJ_TRAP_NONE);
        assert_null(record->bound);
        return CJ_TRAP_NONE;
    }
    if (record->bound) { /* a trap in a destructor may leave before anything is recorded, or is the destructor's own */
        assert_ptr_equal(record->bound, record->kind || !other_type.dtor ? b : other_type.dtor);
        assert_int_equal(record->site, CJ_NO_SITE);
    }
    return record->kind ? (cj_trap)record->kind : CJ_TRAP_CORE;
}

/* -- Resources ----------------------------------------------------------------------------------------------------- */

static void check_resources(caller_fn how)
{
    const cj_binding *new_ = slot(CJ_SLOT_RESOURCE_NEW), *rep = slot(CJ_SLOT_RESOURCE_REP),
                     *drop = slot(CJ_SLOT_RESOURCE_DROP);
    uint64_t result;
    assert_int_equal(outcome(how, new_, 0xfffffff0, &result), CJ_TRAP_NONE);
    assert_int_equal(result, 1);
    assert_int_equal(outcome(how, new_, 8, &result), CJ_TRAP_NONE);
    assert_int_equal(result, 2);
    assert_int_equal(outcome(how, new_, 9, &result), CJ_TRAP_HANDLE_TABLE_FULL);
    assert_string_equal(guest->store.trap.detail, "max_handles");
    assert_int_equal(outcome(how, rep, 1, &result), CJ_TRAP_NONE);
    assert_int_equal(result, 0xfffffff0);
    assert_int_equal(outcome(how, rep, 3, &result), CJ_TRAP_HANDLE_INDEX);
    assert_int_equal(outcome(how, drop, 0, &result), CJ_TRAP_HANDLE_INDEX);
    guest->instance.handles.at[2].rt = &other_type;
    assert_int_equal(outcome(how, rep, 2, &result), CJ_TRAP_HANDLE_TYPE);
    assert_int_equal(outcome(how, drop, 2, &result), CJ_TRAP_HANDLE_TYPE);
    guest->instance.handles.at[2].rt = &type;
    guest->instance.handles.at[2].lends = 1;
    assert_int_equal(outcome(how, drop, 2, &result), CJ_TRAP_HANDLE_LENT);
    guest->instance.handles.at[2].lends = 0;

    /* In realloc and post-return: only rep. */
    guest->instance.may_leave = 0;
    assert_int_equal(outcome(how, new_, 8, &result), CJ_TRAP_CANNOT_LEAVE);
    assert_int_equal(outcome(how, drop, 1, &result), CJ_TRAP_CANNOT_LEAVE);
    assert_int_equal(outcome(how, rep, 1, &result), CJ_TRAP_NONE);
    guest->instance.may_leave = 1;

    assert_int_equal(outcome(how, drop, 1, &result), CJ_TRAP_NONE);
    assert_int_equal(destroyed, 0xfffffff0);
    assert_int_equal(outcome(how, new_, 7, &result), CJ_TRAP_NONE);
    assert_int_equal(result, 1);

    /* Of another instance, whose destructor traps. */
    cj_resource *const theirs[] = {&other_type};
    cj_binding *drop_theirs = slot(CJ_SLOT_RESOURCE_DROP);
    drop_theirs->resources = theirs;
    for (int jumps = 0; jumps < 2; jumps++) {
        guest->longjmp_on_trap = jumps;
        other->instance.may_enter = 1;
        guest->instance.handles.at[2].rt = &other_type;
        assert_int_equal(outcome(how, drop_theirs, 2, &result), CJ_TRAP_CORE);
        /* Natives leave it to the frame that was entered, as compiled code does. */
        assert_string_equal(jumps || how != through_gate ? other->inst.exception : guest->inst.exception,
                            "unreachable");
        assert_int_equal(guest->store.trap.kind, CJ_TRAP_NONE);
        if (!jumps)
            assert_ptr_equal(guest->store.trap.bound, other_type.dtor);
        assert_int_equal(other->instance.may_enter, 0);
        guest->inst.exception[0] = other->inst.exception[0] = 0;
        assert_int_equal(outcome(how, new_, 8, &result), CJ_TRAP_NONE);
        assert_int_equal(result, 2);
    }
}

static void test_resources_through_gate(void **state)
{
    (void)state;
    check_resources(through_gate);
}

static void test_resource_natives(void **state)
{
    (void)state;
#if CJ_ENGINE_JIT
    check_resources(natively);
    static const cj_slot_kind without[] = {CJ_SLOT_HOST,         CJ_SLOT_FUSED,       CJ_SLOT_CORE,
                                           CJ_SLOT_CANNOT_ENTER, CJ_SLOT_UNSUPPORTED, CJ_SLOT_UNSUPPORTED_ANYWHERE};
    for (size_t i = 0; i < CJ_COUNT(without); i++)
        assert_null(cj__builtin_code(without[i]));
#else
    for (cj_slot_kind kind = CJ_SLOT_HOST; kind <= CJ_SLOT_UNSUPPORTED_ANYWHERE; kind++)
        assert_null(cj__builtin_code(kind));
#endif
}

/* -- The rest of the gate ------------------------------------------------------------------------------------------ */

static void test_what_always_traps(void **state)
{
    (void)state;
    uint64_t result;
    const cj_binding *enter = slot(CJ_SLOT_CANNOT_ENTER), *unsupported = slot(CJ_SLOT_UNSUPPORTED),
                     *anywhere = slot(CJ_SLOT_UNSUPPORTED_ANYWHERE);
    assert_int_equal(outcome(through_gate, enter, 0, &result), CJ_TRAP_CANNOT_ENTER);
    assert_int_equal(outcome(through_gate, unsupported, 0, &result), CJ_TRAP_UNSUPPORTED);
    guest->instance.may_leave = 0;
    assert_int_equal(outcome(through_gate, enter, 0, &result), CJ_TRAP_CANNOT_LEAVE);
    assert_int_equal(outcome(through_gate, unsupported, 0, &result), CJ_TRAP_CANNOT_LEAVE);
    assert_int_equal(outcome(through_gate, anywhere, 0, &result), CJ_TRAP_UNSUPPORTED);
}

static cj_status host_seven(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)user, (void)ctx, (void)err;
    *(uint32_t *)results = 7 * *(const uint32_t *)args;
    return CJ_OK;
}

static void core_eight(fake_engine *fake, void *user, uint64_t *flat)
{
    (void)user;
    assert_ptr_equal(guest->env.module_inst, &fake->inst);
    if (flat[0] == 666)
        fake_trap(fake, "unreachable");
    flat[0] = 8 * flat[0];
}

/* Each kind goes its way: the host's function, another component's, another group's. */
static void test_calls(void **state)
{
    (void)state;
    cj_types *types = cj__types_new(NULL, 100);
    cj_error err;
    const cj_param param = {{"p", 1}, cj__type_scalar(types, CJ_KIND_U32, &err)};
    const cj_functype *f = cj__functype_make(types, &param, 1, param.type, false, &err);
    assert_non_null(f);
    cj_config config;
    cj_config_init(&config);
    cj_plan *import, *fused;
    assert_int_equal(cj__plan_build(&config, f, &(cj_plan_options){.kind = CJ_PLAN_IMPORT}, &import, &err), CJ_OK);
    assert_int_equal(cj__plan_build(&config, f, &(cj_plan_options){.kind = CJ_PLAN_FUSED}, &fused, &err), CJ_OK);

    uint64_t result;
    assert_int_equal(outcome(through_gate, fake_import(guest, import, f, host_seven, NULL), 3, &result), CJ_TRAP_NONE);
    assert_int_equal(result, 21);
    cj_binding *across = fake_fused(guest, other, fused, f, core_eight, NULL, NULL);
    assert_int_equal(outcome(through_gate, across, 4, &result), CJ_TRAP_NONE);
    assert_int_equal(result, 32);

    /* As it is: no flags are looked at, and it may be called in realloc. */
    static const cj_core i32 = CJ_CORE_I32;
    const cj_core_type core_type = {.params = &i32, .param_count = 1, .result = CJ_CORE_I32, .result_count = 1};
    cj_binding *core = slot(CJ_SLOT_CORE);
    core->guest = across->guest;
    core->core_func = across->core_func;
    core->core_type = &core_type;
    guest->instance.may_leave = other->instance.may_enter = other->instance.may_leave = 0;
    assert_int_equal(outcome(through_gate, core, 5, &result), CJ_TRAP_NONE);
    assert_int_equal(result, 40);
    /* Its trap's place is not this import. */
    assert_int_equal(outcome(through_gate, core, 666, &result), CJ_TRAP_CORE);
    assert_null(guest->store.trap.bound);
    assert_string_equal(guest->inst.exception, "unreachable");

    cj__plan_delete(import);
    cj__plan_delete(fused);
    cj__types_delete(types);
}

/* -- Core functions of another group, as WAMR's code calls them ------------------------------------------------------ */

#if CJ_ENGINE_JIT

static void core_mixed(fake_engine *fake, void *user, uint64_t *flat)
{
    (void)user;
    assert_ptr_equal(guest->env.module_inst, &fake->inst);
    float first, last;
    double middle, sum;
    memcpy(&first, &flat[0], sizeof(first));
    memcpy(&middle, &flat[2], sizeof(middle));
    memcpy(&last, &flat[10], sizeof(last));
    if (first < 0)
        fake_trap(fake, "unreachable");
    sum = (double)first + 2 * middle + 3 * (double)last + (double)flat[1];
    for (uint32_t i = 3; i < 10; i++)
        sum = 10 * sum + (double)(uint32_t)flat[i];
    memcpy(&flat[0], &sum, sizeof(sum));
}

static void core_nothing(fake_engine *fake, void *user, uint64_t *flat)
{
    (void)user, (void)flat;
    assert_ptr_equal(guest->env.module_inst, &fake->inst);
    destroyed++;
}

typedef uint32_t i32_t;
typedef double (*mixed_fn)(void *env, float, uint64_t, double, i32_t, i32_t, i32_t, i32_t, i32_t, i32_t, i32_t, float,
                           i32_t slot);

static cj_binding *core_slot(const cj_functype *f, const cj_core_type *core_type, fake_core_fn fn, cj_plan **plan)
{
    cj_config config;
    cj_error err;
    cj_config_init(&config);
    assert_int_equal(cj__plan_build(&config, f, &(cj_plan_options){.kind = CJ_PLAN_FUSED}, plan, &err), CJ_OK);
    cj_binding *fused = fake_fused(guest, other, *plan, f, fn, NULL, NULL), *core = slot(CJ_SLOT_CORE);
    core->guest = fused->guest;
    core->core_func = fused->core_func;
    core->core_type = core_type;
    return core;
}

static void test_core_calls(void **state)
{
    (void)state;
    cj_types *types = cj__types_new(NULL, 100);
    cj_error err;
    static const cj_kind kinds[] = {CJ_KIND_F32, CJ_KIND_U64, CJ_KIND_F64, CJ_KIND_U32, CJ_KIND_U32, CJ_KIND_U32,
                                    CJ_KIND_U32, CJ_KIND_U32, CJ_KIND_U32, CJ_KIND_U32, CJ_KIND_F32};
    static const cj_core cores[] = {CJ_CORE_F32, CJ_CORE_I64, CJ_CORE_F64, CJ_CORE_I32, CJ_CORE_I32, CJ_CORE_I32,
                                    CJ_CORE_I32, CJ_CORE_I32, CJ_CORE_I32, CJ_CORE_I32, CJ_CORE_F32};
    cj_param params[11];
    for (size_t i = 0; i < CJ_COUNT(params); i++)
        params[i] = (cj_param){{"p", 1}, cj__type_scalar(types, kinds[i], &err)};
    const cj_functype *mixed = cj__functype_make(types, params, 11, params[2].type, false, &err),
                      *nothing = cj__functype_make(types, NULL, 0, NULL, false, &err);
    const cj_core_type mixed_type = {cores, 11, CJ_CORE_F64, 1}, nothing_type = {cores, 0, CJ_CORE_I32, 0};
    cj_plan *plans[2];
    const cj_binding *b = core_slot(mixed, &mixed_type, core_mixed, &plans[0]);
    void *code = cj__core_call_code(&mixed_type);
    mixed_fn call;
    memcpy(&call, &code, sizeof(call));
    uint32_t number = (uint32_t)(b - guest->imports);
    guest->env.module_inst = &guest->inst;
    for (int side = 0; side < 2; side++) { /* flags are not looked at */
        double sum = call(&guest->env, 1, 20, 3, 1, 2, 3, 4, 5, 6, 7, 4, number);
        assert_true(sum == 39 * 1e7 + 1234567);
        assert_ptr_equal(guest->env.module_inst, &guest->inst);
        guest->instance.may_leave = other->instance.may_enter = other->instance.may_leave = 0;
    }
    const cj_binding *none = core_slot(nothing, &nothing_type, core_nothing, &plans[1]);
    code = cj__core_call_code(&nothing_type);
    void (*call_nothing)(void *env, uint32_t slot);
    memcpy(&call_nothing, &code, sizeof(call_nothing));
    call_nothing(&guest->env, (uint32_t)(none - guest->imports));
    assert_int_equal(destroyed, 1);

    /* A trap is left to the frame that was entered; too little stack is found before the call. */
    jmp_buf here;
    guest->top = &here;
    cj__call_trap_clear(&guest->store);
    if (setjmp(here) == 0) {
        (void)call(&guest->env, -1, 20, 3, 1, 2, 3, 4, 5, 6, 7, 4, number);
        fail();
    }
    assert_string_equal(other->inst.exception, "unreachable");
    assert_null(guest->store.trap.bound);
    other->inst.exception[0] = 0;
    guest->env.module_inst = &guest->inst;
    guest->env.stack_boundary = UINTPTR_MAX;
    if (setjmp(here) == 0) {
        call_nothing(&guest->env, (uint32_t)(none - guest->imports));
        fail();
    }
    assert_int_equal(guest->store.trap.kind, CJ_TRAP_STACK_OVERFLOW);
    assert_int_equal(destroyed, 1);

    /* What has more integers than this is made for, or more floats than registers. */
    cj_core many[16];
    for (size_t i = 0; i < CJ_COUNT(many); i++)
        many[i] = CJ_CORE_I64;
    assert_non_null(cj__core_call_code(&(cj_core_type){many, 12, CJ_CORE_I32, 0}));
    assert_null(cj__core_call_code(&(cj_core_type){many, 13, CJ_CORE_I32, 0}));
    for (size_t i = 0; i < CJ_COUNT(many); i++)
        many[i] = CJ_CORE_F32;
    assert_non_null(cj__core_call_code(&(cj_core_type){many, 8, CJ_CORE_F32, 1}));
    assert_null(cj__core_call_code(&(cj_core_type){many, 9, CJ_CORE_F32, 1}));
    cj__plan_delete(plans[0]);
    cj__plan_delete(plans[1]);
    cj__types_delete(types);
}

#endif

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_resources_through_gate),
        TEST(test_resource_natives),
        TEST(test_what_always_traps),
        TEST(test_calls),
#if CJ_ENGINE_JIT
        TEST(test_core_calls),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
