/* resources.c: a resource of the host's that a guest uses, and one of the guest's that the host uses.
 *
 *     interface journals {                                        // example:bank/journals@1.0.0, the host's
 *         resource journal { constructor(title: string); write: func(line: string); }
 *     }
 *     interface accounts {                                        // example:bank/accounts@1.0.0, the guest's
 *         resource account {
 *             constructor(owner: string);
 *             deposit: func(amount: u64, into: borrow<journal>);
 *             balance: func() -> u64;
 *             merge: func(other: account, into: borrow<journal>);
 *         }
 *         report: func(all: list<borrow<account>>, into: journal);
 *     }
 *
 *     ./resources bank.wasm
 */
#include <canonjit.h>

#include "read_file.h"

#include <string.h>

#define JOURNALS "example:bank/journals@1.0.0"
#define ACCOUNTS "example:bank/accounts@1.0.0"

/* -- The host's resource: its representation is a pointer of ours --------------------------------------------------- */

typedef struct journal {
    char title[32];
    unsigned lines;
} journal;

static cj_resource_type *journal_type;

static journal *journal_new(cj_string title)
{
    journal *j = calloc(1, sizeof(*j));
    if (j)
        snprintf(j->title, sizeof(j->title), "%.*s", (int)title.len, title.ptr);
    return j;
}

/* Called once for each journal: when its owner, guest or host, drops it, or when the store goes. */
static void journal_close(void *user, void *rep)
{
    journal *j = rep;
    (void)user;
    printf("%s: closed after %u lines\n", j->title, j->lines);
    free(j);
}

static cj_status journal_constructor(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)user;
    journal *j = journal_new(*(const cj_string *)args);
    return j ? cj_resource_new(cj_ctx_store(ctx), journal_type, j, results, err) : CJ_NO_MEMORY;
}

typedef struct write_args {
    uint32_t self; /* a borrow handle: lent to us until we return */
    cj_string line;
} write_args;

static cj_status journal_write(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    (void)user, (void)results;
    const write_args *a = args;
    void *rep;
    cj_status status = cj_resource_rep(cj_ctx_store(ctx), journal_type, a->self, &rep, err);
    if (status != CJ_OK)
        return status;
    journal *j = rep;
    printf("%s %u: %.*s\n", j->title, ++j->lines, (int)a->line.len, a->line.ptr);
    return CJ_OK;
}

/* -- The guest's resource: a handle in the store's table ------------------------------------------------------------- */

typedef struct deposit_args {
    uint32_t self; /* lent, and still ours afterwards */
    uint64_t amount;
    uint32_t into;
} deposit_args;

typedef struct merge_args {
    uint32_t self, other /* own: gone when the call returns */, into;
} merge_args;

typedef struct report_args {
    cj_list all;
    uint32_t into;
} report_args;

static cj_func *find(cj_instance *instance, const char *name)
{
    cj_func *func = cj_instance_func(instance, name);
    if (!func) {
        fprintf(stderr, "the guest has no function %s\n", name);
        exit(1);
    }
    return func;
}

static cj_status open_account(cj_instance *bank, const char *owner, uint32_t *handle)
{
    cj_string name = {owner, strlen(owner)};
    return cj_call_native(find(bank, ACCOUNTS "#[constructor]account"), &name, handle, NULL);
}

static cj_status use_bank(cj_store *store, cj_instance *bank)
{
    cj_func *deposit = find(bank, ACCOUNTS "#[method]account.deposit");
    cj_func *balance = find(bank, ACCOUNTS "#[method]account.balance");
    cj_func *merge = find(bank, ACCOUNTS "#[method]account.merge");
    cj_func *report = find(bank, ACCOUNTS "#report");

    uint32_t book, ada, bob;
    uint64_t money;
    cj_status status;
    if ((status = cj_resource_new(store, journal_type, journal_new(CJ_STRING("book")), &book, NULL)) != CJ_OK ||
        (status = open_account(bank, "ada", &ada)) != CJ_OK || (status = open_account(bank, "bob", &bob)) != CJ_OK ||
        (status = cj_call_native(deposit, &(deposit_args){ada, 30, book}, NULL, NULL)) != CJ_OK ||
        (status = cj_call_native(deposit, &(deposit_args){bob, 12, book}, NULL, NULL)) != CJ_OK ||
        (status = cj_call_native(merge, &(merge_args){ada, bob, book}, NULL, NULL)) != CJ_OK ||
        (status = cj_call_native(balance, &ada, &money, NULL)) != CJ_OK)
        return status;
    printf("ada has %llu; %s\n", (unsigned long long)money,
           cj_handle_type(store, bob) ? "bob is there" : "bob is gone");
    if ((status = cj_call_native(report, &(report_args){{&ada, 1}, book}, NULL, NULL)) != CJ_OK)
        return status;
    return cj_resource_drop(store, ada, NULL); /* runs the guest's destructor */
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: resources bank.wasm\n");
        return 2;
    }
    file_bytes file = read_file(argv[1]);
    cj_engine *engine = NULL;
    cj_component *component = NULL;
    cj_linker *linker = NULL;
    cj_store *store = NULL;
    cj_instance *bank;
    cj_error err;
    bool ok = cj_engine_new(NULL, &engine, &err) == CJ_OK &&
              cj_component_new(engine, file.bytes, file.size, &component, &err) == CJ_OK &&
              cj_resource_type_new(engine, "journal", journal_close, NULL, &journal_type, &err) == CJ_OK &&
              cj_linker_new(engine, &linker, &err) == CJ_OK &&
              cj_linker_resource(linker, JOURNALS, "journal", journal_type, &err) == CJ_OK &&
              cj_linker_func(linker, JOURNALS, "[constructor]journal", journal_constructor, NULL, &err) == CJ_OK &&
              cj_linker_func(linker, JOURNALS, "[method]journal.write", journal_write, NULL, &err) == CJ_OK &&
              cj_store_new(engine, NULL, NULL, &store, &err) == CJ_OK &&
              cj_instantiate(store, linker, component, &bank, &err) == CJ_OK;
    if (ok && use_bank(store, bank) != CJ_OK) {
        err = *cj_store_error(store);
        ok = false;
    }
    if (!ok)
        print_error(&err);

    cj_store_delete(store); /* closes journals that are left */
    cj_linker_delete(linker);
    cj_resource_type_delete(journal_type);
    cj_component_delete(component);
    cj_engine_delete(engine);
    free(file.bytes);
    return ok ? 0 : 1;
}
