/* test_compose_resources.c: handles between components: the guests of resources.wit, who tell stories of what they did
 * (tests/cli/calls/resources.txt has them) and do what nobody may.
 */
#include "e2e.h"

#include <stdio.h>

#define PKG(iface) "test:resources/" iface "@1.0.0"

static const char *const guests[] = {"@with-resources", "@with-resources-utf16"};

static void tells(e2e *w, cj_instance *instance, const char *story, const char *expected)
{
    char path[64];
    snprintf(path, sizeof(path), PKG("run") "#%s", story);
    cj_val out;
    e2e_call(w, e2e_func(instance, path), NULL, 0, &out);
    if (out.of.string.len != strlen(expected) || memcmp(out.of.string.ptr, expected, out.of.string.len) != 0)
        fail_msg("%s: expected \"%s\", got \"%.*s\"", story, expected, (int)out.of.string.len, out.of.string.ptr);
}

static uint32_t live(e2e *w, cj_instance *instance)
{
    return e2e_call_u32(w, e2e_func(instance, PKG("items") "#live"), NULL, 0);
}

/* Each in an instance of its own, so that one that is wrong does not spoil the others. */
static void test_stories(void **state)
{
    e2e *w = *state;
    static const char *const stories[][2] = {
        {"life", "alpha=1 b\xc3\xaata=20 5 01 alpha+b\xc3\xaata=25 [alpha b\xc3\xaata]; "
                 "live 0, destroyed [alpha+b\xc3\xaata]"},
        {"options", "01 option=3; live 0, destroyed [option]"},
        {"records", "three:three=3 :=2 one:one=1 ; live 0, destroyed [three  one]"},
        {"variants", "0 1 one=1 2 one=1 two=2 3 2 two=2 one=1; live 0, destroyed [two one]"},
        {"results", "0 r\xc3\xa9sum\xc3\xa9=7 1 no number for r\xc3\xa9sum\xc3\xa9; "
                    "live 0, destroyed [r\xc3\xa9sum\xc3\xa9]"},
        {"shopping", "pear=5 23 123 1 pear=5 0 2 [plum fig]; live 0, destroyed [pear]"},
    };
    for (size_t g = 0; g < 2; g++) {
        cj_component *component = e2e_component(w, guests[g]);
        for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++)
            tells(w, e2e_instantiate(w, component), stories[i][0], stories[i][1]);
    }
}

/* Indices are the contract: the lowest at first, then the one that was freed last; one table for all types. */
static void test_indices(void **state)
{
    e2e *w = *state;
    cj_component *component = e2e_component(w, guests[0]);
    for (int i = 0; i < 2; i++) {
        cj_instance *instance = e2e_instantiate(w, component);
        cj_val out;
        e2e_call(w, e2e_func(instance, PKG("run") "#indices"), NULL, 0, &out);
        static const uint32_t expected[] = {1, 2, 3, 3, 1, 4, 3, 5};
        assert_int_equal(out.of.seq.len, 8);
        for (size_t k = 0; k < 8; k++)
            assert_int_equal(out.of.seq.ptr[k].of.u32, expected[k]);
        assert_int_equal(live(w, instance), 0);
    }
}

static void test_many_handles(void **state)
{
    e2e *w = *state;
    cj_instance *instance = e2e_instance(w, guests[0]);
    cj_val out, n = e2e_u32(300);
    e2e_call(w, e2e_func(instance, PKG("run") "#tokens"), &n, 1, &out);
    assert_int_equal(out.of.u64, 300 * 299 / 2);
    n = e2e_u32(2000);
    e2e_call(w, e2e_func(instance, PKG("run") "#churn"), &n, 1, &out);
    assert_int_equal(out.of.u32, 0);
    n = e2e_u32(100); /* 4950, the odd half, 4950, 4950, none left */
    e2e_call(w, e2e_func(instance, PKG("run") "#lists"), &n, 1, &out);
    assert_int_equal(out.of.u64, ((((UINT64_C(4950) * 1000 + 2500) * 1000) + 4950) * 1000 + 4950) * 1000);
    e2e_call(w, e2e_func(instance, PKG("run") "#spilled"), NULL, 0, &out);
    assert_int_equal(out.of.u64, 13107100);
}

static void does_wrong(e2e *w, const cj_component *component, const char *deed, const cj_val *arg, cj_trap trap)
{
    cj_instance *instance = e2e_instantiate(w, component), *bystander = e2e_instantiate(w, component);
    char path[64];
    snprintf(path, sizeof(path), PKG("wrong") "#%s", deed);
    if (trap == CJ_TRAP_NONE) {
        cj_val out;
        bool gives = cj_functype_result(cj_func_type(e2e_func(instance, path))) != NULL;
        e2e_call(w, e2e_func(instance, path), arg, arg != NULL, gives ? &out : NULL);
        return;
    }
    e2e_traps(w, e2e_func(instance, path), arg, arg != NULL, trap, NULL);
    /* All components of the instance are one to the host: none can be entered again. Another instance can. */
    e2e_traps(w, e2e_func(instance, PKG("run") "#indices"), NULL, 0, CJ_TRAP_CANNOT_ENTER, "it trapped before");
    e2e_traps(w, e2e_func(instance, PKG("items") "#live"), NULL, 0, CJ_TRAP_CANNOT_ENTER, "it trapped before");
    tells(w, bystander, "options", "01 option=3; live 0, destroyed [option]");
}

static void test_wrong_handles(void **state)
{
    e2e *w = *state;
    static const struct {
        const char *deed;
        cj_trap trap;
    } deeds[] = {
        {"use-after-drop", CJ_TRAP_HANDLE_INDEX},    {"use-after-move", CJ_TRAP_HANDLE_INDEX},
        {"drop-twice", CJ_TRAP_HANDLE_INDEX},        {"move-twice", CJ_TRAP_HANDLE_INDEX},
        {"wrong-type", CJ_TRAP_HANDLE_TYPE},         {"drop-wrong-type", CJ_TRAP_HANDLE_TYPE},
        {"take-and-lend", CJ_TRAP_HANDLE_INDEX},     {"lend-and-take", CJ_TRAP_HANDLE_LENT},
        {"keep-borrow", CJ_TRAP_BORROW_NOT_DROPPED}, {"sell-borrow", CJ_TRAP_HANDLE_BORROWED},
        {"destructor-traps", CJ_TRAP_UNREACHABLE},
    };
    cj_component *component = e2e_component(w, guests[0]);
    for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++)
        does_wrong(w, component, deeds[i].deed, NULL, deeds[i].trap);
    /* 1 is the item, 2 a token, others are nothing. */
    static const uint32_t indices[] = {0, 1, 2, 3, 0x7fffffff, 0x80000001, UINT32_MAX};
    for (size_t i = 0; i < sizeof(indices) / sizeof(indices[0]); i++) {
        cj_val index = e2e_u32(indices[i]);
        does_wrong(w, component, "use-index", &index,
                   indices[i] == 1   ? CJ_TRAP_NONE
                   : indices[i] == 2 ? CJ_TRAP_HANDLE_TYPE
                                     : CJ_TRAP_HANDLE_INDEX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E(test_stories),
        E2E(test_indices),
        E2E(test_many_handles),
        E2E(test_wrong_handles),
    };
    return e2e_run(tests);
}
