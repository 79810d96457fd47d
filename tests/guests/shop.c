/* shop.c: the guest of the world `shopkeeper` of resources.wit: keeps, lends on and gives away items of another component.
 * What it is lent are handles of its own, which it has to drop before it returns.
 */
#include "cabi.h"

#define ITEMS "test:resources/items@1.0.0"
#define SHOP "test:resources/shop@1.0.0"

IMPORT(ITEMS, "[resource-drop]item") void item_drop(uint32_t handle);
IMPORT(ITEMS, "[method]item.name") void item_name(uint32_t self, str *result);
IMPORT(ITEMS, "[method]item.n") uint32_t item_n(uint32_t self);
IMPORT(ITEMS, "sum") uint64_t items_sum(const uint32_t *handles, uint32_t len);
IMPORT(ITEMS, "consume") uint64_t items_consume(const uint32_t *handles, uint32_t len);

enum { MAX_KEPT = 64 };
static uint32_t kept[MAX_KEPT], count;

EXPORT(SHOP "#deposit") uint32_t deposit(uint32_t v)
{
    if (count == MAX_KEPT)
        __builtin_trap();
    kept[count++] = v;
    return count;
}

static bool equal(str a, str b)
{
    uint32_t i = 0, j = 0;
    while (i < str_units(a) && j < str_units(b))
        if (str_next(a, &i) != str_next(b, &j))
            return false;
    return i == str_units(a) && j == str_units(b);
}

typedef struct option_item {
    uint8_t tag;
    uint32_t some;
} option_item;

EXPORT(SHOP "#withdraw") option_item *withdraw(const void *p, uint32_t len)
{
    option_item found = {0};
    for (uint32_t i = 0; i < count; i++) {
        str name;
        item_name(kept[i], &name);
        if (!found.tag && equal(name, (str){p, len}))
            found = (option_item){1, kept[i]};
        else
            kept[i - found.tag] = kept[i];
    }
    count -= found.tag;
    heap_reset();
    return RESULT(option_item, found);
}

EXPORT(SHOP "#peek") str *peek(uint32_t v)
{
    text t = {0};
    str name;
    item_name(v, &name);
    put_str(&t, name), put(&t, '='), put_u64(&t, item_n(v));
    item_drop(v);
    return RESULT(str, text_str(&t));
}
POST_RETURN(SHOP "#peek")

EXPORT(SHOP "#total") uint64_t total(const uint32_t *v, uint32_t len)
{
    uint64_t n = items_sum(v, len);
    for (uint32_t i = 0; i < len; i++)
        item_drop(v[i]);
    heap_reset();
    return n;
}

EXPORT(SHOP "#close") uint32_t close(void)
{
    uint32_t n = count;
    for (uint32_t i = 0; i < count; i++)
        item_drop(kept[i]);
    count = 0;
    return n;
}

EXPORT(SHOP "#keep-borrow") void keep_borrow(uint32_t v)
{
    (void)v;
}

EXPORT(SHOP "#sell-borrow") void sell_borrow(uint32_t v)
{
    items_consume(&v, 1);
}
