/* user.c: the guest of the world `user` of resources.wit: has items from one component, lends and gives them to another
 * (run), and does with handles what nobody may (wrong).
 */
#include "cabi.h"

#define ITEMS "test:resources/items@1.0.0"
#define SHOP "test:resources/shop@1.0.0"
#define RUN "test:resources/run@1.0.0"
#define WRONG "test:resources/wrong@1.0.0"

typedef struct option_item {
    uint8_t tag;
    uint32_t some;
} option_item;
typedef struct labelled {
    str label;
    uint32_t it;
} labelled;
typedef struct parcel {
    uint8_t tag;
    uint32_t a, b;
} parcel;
typedef struct made {
    uint8_t tag;
    union {
        uint32_t ok;
        str err;
    };
} made;

IMPORT(ITEMS, "[resource-drop]item") void item_drop(uint32_t handle);
IMPORT(ITEMS, "[constructor]item") uint32_t item_new(const void *p, uint32_t len, uint32_t n);
IMPORT(ITEMS, "[method]item.name") void item_name(uint32_t self, str *result);
IMPORT(ITEMS, "[method]item.n") uint32_t item_n(uint32_t self);
IMPORT(ITEMS, "[method]item.add") uint32_t item_add(uint32_t self, uint32_t by);
IMPORT(ITEMS, "[method]item.is") uint32_t item_is(uint32_t self, uint32_t other);
IMPORT(ITEMS, "[static]item.merge") uint32_t item_merge(uint32_t a, uint32_t b);
IMPORT(ITEMS, "[resource-drop]token") void token_drop(uint32_t handle);
IMPORT(ITEMS, "[constructor]token") uint32_t token_new(uint32_t n);
IMPORT(ITEMS, "[method]token.n") uint32_t token_n(uint32_t self);
IMPORT(ITEMS, "live") uint32_t items_live(void);
IMPORT(ITEMS, "destroyed") void items_destroyed(list *result);
IMPORT(ITEMS, "sum") uint64_t items_sum(const uint32_t *handles, uint32_t len);
IMPORT(ITEMS, "sum-some") uint64_t items_sum_some(const option_item *handles, uint32_t len);
IMPORT(ITEMS, "numbered") void items_numbered(const str *names, uint32_t len, list *result);
IMPORT(ITEMS, "consume") uint64_t items_consume(const uint32_t *handles, uint32_t len);
IMPORT(ITEMS, "pass") void items_pass(uint32_t tag, uint32_t handle, option_item *result);
IMPORT(ITEMS, "relabel") void items_relabel(const labelled *v, uint32_t len, list *result);
IMPORT(ITEMS, "send") void items_send(uint32_t tag, uint32_t a, uint32_t b, parcel *result);
IMPORT(ITEMS, "make") void items_make(const void *p, uint32_t len, uint32_t tag, uint32_t n, made *result);
IMPORT(ITEMS, "take-and-lend") uint32_t items_take_and_lend(uint32_t a, uint32_t b);
IMPORT(ITEMS, "lend-and-take") uint32_t items_lend_and_take(uint32_t a, uint32_t b);
IMPORT(ITEMS, "many") uint64_t items_many(const uint32_t *handles);
IMPORT(ITEMS, "set-destructor") void items_set_destructor(uint32_t traps);
IMPORT(SHOP, "deposit") uint32_t shop_deposit(uint32_t v);
IMPORT(SHOP, "withdraw") void shop_withdraw(const void *p, uint32_t len, option_item *result);
IMPORT(SHOP, "peek") void shop_peek(uint32_t v, str *result);
IMPORT(SHOP, "total") uint64_t shop_total(const uint32_t *v, uint32_t len);
IMPORT(SHOP, "close") uint32_t shop_close(void);
IMPORT(SHOP, "keep-borrow") void shop_keep_borrow(uint32_t v);
IMPORT(SHOP, "sell-borrow") void shop_sell_borrow(uint32_t v);

static uint32_t make_item(const char *name, uint32_t n)
{
    str s = str_of(name);
    return item_new(s.ptr, s.len, n);
}

/* -- Telling ------------------------------------------------------------------------------------------------------- */

static void put_item(text *t, uint32_t handle) /* name=n */
{
    str name;
    item_name(handle, &name);
    put_str(t, name), put(t, '='), put_u64(t, item_n(handle));
}

static void put_destroyed(text *t)
{
    list names;
    items_destroyed(&names);
    put(t, '[');
    for (uint32_t i = 0; i < names.len; i++) {
        if (i)
            put(t, ' ');
        put_str(t, ((const str *)names.ptr)[i]);
    }
    put(t, ']');
}

/* The end of every story: what lives, what was destroyed. */
static str *told(text *t)
{
    put_z(t, "; live "), put_u64(t, items_live()), put_z(t, ", destroyed "), put_destroyed(t);
    return RESULT(str, text_str(t));
}

#define STORY(name, function, ...) \
    EXPORT(RUN "#" name) str *function(void) \
    { \
        text t = {0}; \
        __VA_ARGS__; \
        return told(&t); \
    } \
    POST_RETURN(RUN "#" name)

/* -- run ----------------------------------------------------------------------------------------------------------- */

STORY("life", life, {
    uint32_t a = make_item("alpha", 1), b = make_item("b\xEAta", 20);
    put_item(&t, a), put(&t, ' '), put_item(&t, b), put(&t, ' ');
    put_u64(&t, item_add(a, 4)), put(&t, ' ');
    put_u64(&t, item_is(a, b)), put_u64(&t, item_is(a, a)), put(&t, ' ');
    uint32_t c = item_merge(a, b);
    put_item(&t, c), put(&t, ' '), put_destroyed(&t);
    item_drop(c);
})

EXPORT(RUN "#lists") uint64_t lists(uint32_t n)
{
    str *names = heap_alloc(n * sizeof(*names), 4);
    for (uint32_t i = 0; i < n; i++) {
        text t = {0};
        put(&t, 'i'), put_u64(&t, i);
        names[i] = text_str(&t);
    }
    list items;
    items_numbered(names, n, &items);
    uint32_t *handles = items.ptr;
    uint64_t total = items_sum(handles, n);
    option_item *some = heap_alloc(n * sizeof(*some), 4);
    for (uint32_t i = 0; i < n; i++)
        some[i] = (option_item){i % 2, handles[i]}; /* what is not there is not looked at */
    total = total * 1000 + items_sum_some(some, n);
    total = total * 1000 + shop_total(handles, n);
    total = total * 1000 + items_consume(handles, n);
    heap_reset();
    return total * 1000 + items_live();
}

STORY("options", options, {
    option_item v;
    items_pass(0, 0, &v);
    put_u64(&t, v.tag);
    uint32_t a = make_item("option", 3);
    items_pass(1, a, &v);
    put_u64(&t, v.tag), put(&t, ' '), put_item(&t, v.some);
    item_drop(v.some);
})

STORY("records", records, {
    labelled v[3] = {
        {str_of("one"), make_item("x", 1)}, {str_of(""), make_item("y", 2)}, {str_of("three"), make_item("z", 3)}};
    list back;
    items_relabel(v, 3, &back);
    for (uint32_t i = 0; i < back.len; i++) {
        const labelled *l = (const labelled *)back.ptr + i;
        put_str(&t, l->label), put(&t, ':'), put_item(&t, l->it), put(&t, ' ');
        item_drop(l->it);
    }
})

STORY("variants", variants, {
    parcel v;
    items_send(0, 0, 0, &v);
    put_u64(&t, v.tag), put(&t, ' ');
    items_send(1, make_item("one", 1), 0, &v);
    put_u64(&t, v.tag), put(&t, ' '), put_item(&t, v.a), put(&t, ' ');
    items_send(2, v.a, make_item("two", 2), &v);
    put_u64(&t, v.tag), put(&t, ' '), put_item(&t, v.a), put(&t, ' '), put_item(&t, v.b), put(&t, ' ');
    uint32_t both[2] = {v.b, v.a};
    items_send(3, (uint32_t)(uintptr_t)both, 2, &v);
    put_u64(&t, v.tag), put(&t, ' '), put_u64(&t, v.b);
    const uint32_t *back = (const uint32_t *)(uintptr_t)v.a;
    for (uint32_t i = 0; i < v.b; i++) {
        put(&t, ' '), put_item(&t, back[i]);
        item_drop(back[i]);
    }
})

STORY("results", results, {
    str name = str_of("r\xE9sum\xE9");
    made v;
    items_make(name.ptr, name.len, 1, 7, &v);
    put_u64(&t, v.tag), put(&t, ' '), put_item(&t, v.ok), put(&t, ' ');
    item_drop(v.ok);
    items_make(name.ptr, name.len, 0, 7, &v);
    put_u64(&t, v.tag), put(&t, ' '), put_str(&t, v.err);
})

EXPORT(RUN "#spilled") uint64_t spilled(void)
{
    uint32_t handles[17];
    for (uint32_t i = 0; i < 17; i++)
        handles[i] = make_item("s", 1u << i);
    uint64_t total = items_many(handles);
    for (uint32_t i = 0; i < 16; i++)
        item_drop(handles[i]);
    heap_reset();
    return total * 100 + items_live();
}

STORY("shopping", shopping, {
    uint32_t pear = make_item("pear", 5), plum = make_item("plum", 6), fig = make_item("fig", 7);
    str seen;
    shop_peek(pear, &seen);
    put_str(&t, seen), put(&t, ' ');
    put_u64(&t, shop_total((uint32_t[]){pear, plum, fig, pear}, 4)), put(&t, ' ');
    put_u64(&t, shop_deposit(plum)), put_u64(&t, shop_deposit(pear)), put_u64(&t, shop_deposit(fig)), put(&t, ' ');
    option_item v;
    str name = str_of("pear");
    shop_withdraw(name.ptr, name.len, &v);
    put_u64(&t, v.tag), put(&t, ' '), put_item(&t, v.some), put(&t, ' ');
    option_item none;
    shop_withdraw(name.ptr, name.len, &none);
    put_u64(&t, none.tag), put(&t, ' '), put_u64(&t, shop_close()), put(&t, ' '), put_destroyed(&t);
    item_drop(v.some);
})

EXPORT(RUN "#indices") list *indices(void)
{
    uint32_t *v = heap_alloc(8 * sizeof(*v), 4);
    v[0] = make_item("a", 0);
    v[1] = make_item("b", 0);
    v[2] = token_new(3); /* one table for all resource types */
    item_drop(v[0]);
    token_drop(v[2]);
    v[3] = make_item("c", 0); /* the index freed last comes first */
    v[4] = make_item("d", 0);
    v[5] = make_item("e", 0);
    option_item moved;
    items_pass(1, v[3], &moved); /* goes and comes back */
    v[6] = moved.some;
    v[7] = token_new(1);
    item_drop(v[1]), item_drop(v[4]), item_drop(v[5]), item_drop(v[6]), token_drop(v[7]);
    return RESULT(list, (list){v, 8});
}
POST_RETURN(RUN "#indices")

EXPORT(RUN "#churn") uint32_t churn(uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t v = make_item("churn", i);
        if (item_add(v, 1) != i + 1)
            __builtin_trap();
        item_drop(v);
        heap_reset();
    }
    list names;
    items_destroyed(&names);
    heap_reset();
    return items_live();
}

EXPORT(RUN "#tokens") uint64_t tokens(uint32_t n)
{
    uint32_t *v = heap_alloc(n * sizeof(*v), 4);
    uint64_t total = 0;
    for (uint32_t i = 0; i < n; i++)
        v[i] = token_new(i);
    for (uint32_t i = 0; i < n; i++)
        total += token_n(v[i]);
    for (uint32_t i = 0; i < n; i++)
        token_drop(v[i]);
    heap_reset();
    return total;
}

/* -- wrong --------------------------------------------------------------------------------------------------------- */

#define WRONG_DEED(name, function, ...) \
    EXPORT(WRONG "#" name) void function(void) \
    { \
        uint32_t v = make_item("wrong", 1); \
        __VA_ARGS__; \
    }
WRONG_DEED("use-after-drop", use_after_drop, item_drop(v), item_n(v))
WRONG_DEED("use-after-move", use_after_move, items_consume(&v, 1), item_n(v))
WRONG_DEED("drop-twice", drop_twice, item_drop(v), item_drop(v))
WRONG_DEED("move-twice", move_twice, item_merge(v, v))
WRONG_DEED("wrong-type", wrong_type, token_n(v))
WRONG_DEED("drop-wrong-type", drop_wrong_type, token_drop(v))
WRONG_DEED("take-and-lend", take_and_lend, items_take_and_lend(v, v))
WRONG_DEED("lend-and-take", lend_and_take, items_lend_and_take(v, v))
WRONG_DEED("keep-borrow", keep_borrow, shop_keep_borrow(v))
WRONG_DEED("sell-borrow", sell_borrow, shop_sell_borrow(v))
WRONG_DEED("destructor-traps", destructor_traps, items_set_destructor(1), item_drop(v))

EXPORT(WRONG "#use-index") void use_index(uint32_t index)
{
    make_item("wrong", 1);
    token_new(1);
    item_n(index);
}

EXPORT(WRONG "#hoard") uint32_t hoard(uint32_t limit)
{
    for (uint32_t i = 0; i < limit; i++)
        token_new(i);
    return limit;
}
