/* bank.c: the guest of bank.wit. An account's representation is the address of its struct. */
#include "cabi.h"

#define JOURNALS "example:bank/journals@1.0.0"
#define ACCOUNTS "example:bank/accounts@1.0.0"

typedef struct account account;
IMPORT(JOURNALS, "[method]journal.write") void journal_write(uint32_t journal, const void *line, uint32_t len);
IMPORT(JOURNALS, "[resource-drop]journal") void journal_drop(uint32_t journal);
IMPORT("[export]" ACCOUNTS, "[resource-new]account") uint32_t account_new(account *);
IMPORT("[export]" ACCOUNTS, "[resource-rep]account") account *account_rep(uint32_t handle);
IMPORT("[export]" ACCOUNTS, "[resource-drop]account") void account_drop(uint32_t handle);

enum { MAX_ACCOUNTS = 64, MAX_OWNER = 32 };

struct account {
    bool open;
    uint64_t balance;
    uint32_t len;
    char owner[MAX_OWNER];
};

static account accounts[MAX_ACCOUNTS];

static void write_line(uint32_t journal, const account *of, const char *what, uint64_t amount)
{
    text t = {0};
    put_str(&t, (str){of->owner, of->len}), put_z(&t, what), put_u64(&t, amount);
    str line = text_str(&t);
    journal_write(journal, line.ptr, line.len);
}

EXPORT(ACCOUNTS "#[constructor]account") uint32_t account_constructor(const char *owner, uint32_t len)
{
    account *a = accounts;
    while (a->open)
        if (++a == accounts + MAX_ACCOUNTS)
            __builtin_trap();
    *a = (account){.open = true, .len = len < MAX_OWNER ? len : MAX_OWNER};
    memcpy(a->owner, owner, a->len);
    heap_reset();
    return account_new(a);
}

EXPORT(ACCOUNTS "#[dtor]account") void account_destructor(account *a)
{
    a->open = false;
}

/* Handles that were lent must be dropped before the call ends; an account that is lent to its own component comes as what it is. */
EXPORT(ACCOUNTS "#[method]account.deposit") void account_deposit(account *a, uint64_t amount, uint32_t journal)
{
    a->balance += amount;
    write_line(journal, a, ": deposit of ", amount);
    journal_drop(journal);
}

EXPORT(ACCOUNTS "#[method]account.balance") uint64_t account_balance(account *a)
{
    return a->balance;
}

EXPORT(ACCOUNTS "#[method]account.merge") void account_merge(account *a, uint32_t other, uint32_t journal)
{
    account *from = account_rep(other);
    a->balance += from->balance;
    write_line(journal, from, ": closed with ", from->balance);
    account_drop(other);
    journal_drop(journal);
}

EXPORT(ACCOUNTS "#report") void report(account *const *all, uint32_t count, uint32_t journal)
{
    for (uint32_t i = 0; i < count; i++)
        write_line(journal, all[i], ": ", all[i]->balance);
    journal_drop(journal);
    heap_reset();
}
