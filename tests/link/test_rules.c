/* test_rules.c: one list of components for each area of validation, good ones among the bad: what is accepted, and by
 * which rule the rest is refused.
 *
 * A case with a message must be invalid, with the message and a place in the file; one without must be valid, though
 * canonjit may not be able to run it.
 */
#include "cases.h"

typedef struct tally {
    int valid, invalid, failed;
} tally;

static void check_case(const char *list, const char *name, const char *message, void *user)
{
    tally *t = user;
    file_bytes b = read_case(list, name);
    cj_program *program = NULL;
    cj_error err;
    cj__error_clear(&err);
    cj_status status = link_bytes(NULL, b, &program, &err);
    bool ok;
    if (message[0]) {
        ok = (status == CJ_INVALID || status == CJ_MALFORMED) && strstr(err.message, message) && err.offset < b.size;
        t->invalid++;
    } else {
        ok = status == CJ_OK || status == CJ_UNSUPPORTED;
        t->valid++;
    }
    if (!ok) {
        t->failed++;
        print_error("%s/%s: expected %s%s, found %s: %s\n", list, name, message[0] ? "invalid: " : "valid", message,
                    cj_status_text(status), err.message);
    }
    if (status == CJ_OK)
        cj__program_delete(program);
    free(b.at);
}

/* The numbers are what the list has at least: an emptied list is no success. */
static void check_list(const char *list, int valid, int invalid)
{
    tally t = {0};
    each_case(list, check_case, &t);
    assert_int_equal(t.failed, 0);
    assert_true(t.valid >= valid);
    assert_true(t.invalid >= invalid);
}

static void test_visibility(void **state)
{
    (void)state;
    check_list("visibility", 22, 47);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_visibility),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
