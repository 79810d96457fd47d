/* items.c: the guest of the world `provider` of resources.wit: the component that implements the resources.
 *
 * An item's representation is the address of its struct in a table that never moves; names are kept as characters, so
 * that the guest may be built for any encoding.
 */
#include "cabi.h"

#define ITEMS "test:resources/items@1.0.0"
#define RESOURCE(name) IMPORT("[export]" ITEMS, name)

enum { MAX_ITEMS = 4096, MAX_NAME = 64, MAX_DESTROYED = 4096 };

typedef struct item {
    bool used;
    uint32_t n, len;
    uint32_t name[MAX_NAME];
} item;

static item items[MAX_ITEMS];
static uint32_t live, first_free;
static bool destructor_traps;
static struct {
    uint32_t len;
    uint32_t name[MAX_NAME];
} destroyed[MAX_DESTROYED];
static uint32_t destroyed_count;

RESOURCE("[resource-new]item") uint32_t item_new(item *);
RESOURCE("[resource-rep]item") item *item_rep(uint32_t handle);
RESOURCE("[resource-drop]item") void item_drop(uint32_t handle);
RESOURCE("[resource-new]token") uint32_t token_new(uint32_t n);

static item *find_free(uint32_t n)
{
    while (first_free < MAX_ITEMS && items[first_free].used)
        first_free++;
    if (first_free == MAX_ITEMS)
        __builtin_trap();
    item *it = &items[first_free];
    *it = (item){.used = true, .n = n};
    live++;
    return it;
}

static void add_name(item *it, const uint32_t *chars, uint32_t len)
{
    for (uint32_t i = 0; i < len && it->len < MAX_NAME; i++)
        it->name[it->len++] = chars[i];
}

static item *make_item(str name, uint32_t n)
{
    item *it = find_free(n);
    text t = {0};
    put_str(&t, name);
    add_name(it, t.at, t.len);
    return it;
}

/* -- The resources ------------------------------------------------------------------------------------------------- */

EXPORT(ITEMS "#[constructor]item") uint32_t item_constructor(const void *p, uint32_t len, uint32_t n)
{
    item *it = make_item((str){p, len}, n);
    heap_reset();
    return item_new(it);
}

EXPORT(ITEMS "#[dtor]item") void item_destructor(item *it)
{
    if (!it->used || destructor_traps)
        __builtin_trap();
    if (destroyed_count < MAX_DESTROYED) {
        destroyed[destroyed_count].len = it->len;
        memcpy(destroyed[destroyed_count++].name, it->name, sizeof(it->name));
    }
    it->used = false;
    live--;
    first_free = 0;
}

static str name_of(const item *it)
{
    text t = {0};
    for (uint32_t i = 0; i < it->len; i++)
        put(&t, it->name[i]);
    return text_str(&t);
}

EXPORT(ITEMS "#[method]item.name") str *item_name(const item *it)
{
    return RESULT(str, name_of(it));
}
POST_RETURN(ITEMS "#[method]item.name")

EXPORT(ITEMS "#[method]item.n") uint32_t item_n(const item *it)
{
    return it->n;
}

EXPORT(ITEMS "#[method]item.add") uint32_t item_add(item *it, uint32_t by)
{
    return it->n += by;
}

EXPORT(ITEMS "#[method]item.is") bool item_is(const item *it, const item *other)
{
    return it == other;
}

EXPORT(ITEMS "#[static]item.merge") uint32_t item_merge(uint32_t a, uint32_t b)
{
    const item *x = item_rep(a), *y = item_rep(b);
    item *both = find_free(x->n + y->n);
    add_name(both, x->name, x->len);
    add_name(both, &(uint32_t){'+'}, 1);
    add_name(both, y->name, y->len);
    item_drop(a);
    item_drop(b);
    return item_new(both);
}

/* A token's representation is its number, so that there is nothing to destroy. */
EXPORT(ITEMS "#[constructor]token") uint32_t token_constructor(uint32_t n)
{
    return token_new(n);
}

EXPORT(ITEMS "#[method]token.n") uint32_t token_n(uint32_t n)
{
    return n;
}

/* -- Functions ----------------------------------------------------------------------------------------------------- */

EXPORT(ITEMS "#live") uint32_t live_items(void)
{
    return live;
}

EXPORT(ITEMS "#destroyed") list *destroyed_items(void)
{
    str *names = heap_alloc(destroyed_count * sizeof(str), 4);
    for (uint32_t i = 0; i < destroyed_count; i++) {
        text t = {.at = destroyed[i].name, .len = destroyed[i].len, .cap = MAX_NAME};
        names[i] = text_str(&t);
    }
    list v = {names, destroyed_count};
    destroyed_count = 0;
    return RESULT(list, v);
}
POST_RETURN(ITEMS "#destroyed")

EXPORT(ITEMS "#sum") uint64_t sum(item *const *v, uint32_t len)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < len; i++)
        total += v[i]->n;
    heap_reset();
    return total;
}

typedef struct option_borrow {
    uint8_t tag;
    const item *some;
} option_borrow;

EXPORT(ITEMS "#sum-some") uint64_t sum_some(const option_borrow *v, uint32_t len)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < len; i++)
        if (v[i].tag)
            total += v[i].some->n;
    heap_reset();
    return total;
}

EXPORT(ITEMS "#numbered") list *numbered(const str *names, uint32_t len)
{
    uint32_t *handles = heap_alloc(len * sizeof(*handles), 4);
    for (uint32_t i = 0; i < len; i++)
        handles[i] = item_new(make_item(names[i], i));
    return RESULT(list, (list){handles, len});
}
POST_RETURN(ITEMS "#numbered")

EXPORT(ITEMS "#consume") uint64_t consume(const uint32_t *handles, uint32_t len)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < len; i++) {
        total += item_rep(handles[i])->n;
        item_drop(handles[i]);
    }
    heap_reset();
    return total;
}

typedef struct option_item {
    uint8_t tag;
    uint32_t some;
} option_item;

EXPORT(ITEMS "#pass") option_item *pass(uint32_t tag, uint32_t handle)
{
    return RESULT(option_item, (option_item){(uint8_t)tag, handle});
}

typedef struct labelled {
    str label;
    uint32_t it;
} labelled;

EXPORT(ITEMS "#relabel") list *relabel(labelled *v, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++) {
        item *it = item_rep(v[i].it);
        text t = {0};
        put_str(&t, v[i].label);
        it->len = 0;
        add_name(it, t.at, t.len);
    }
    for (uint32_t i = 0; i < len / 2; i++) {
        labelled swap = v[i];
        v[i] = v[len - 1 - i];
        v[len - 1 - i] = swap;
    }
    return RESULT(list, (list){v, len});
}
POST_RETURN(ITEMS "#relabel")

typedef struct parcel {
    uint8_t tag;
    uint32_t a, b;
} parcel;

EXPORT(ITEMS "#send") parcel *send(uint32_t tag, uint32_t a, uint32_t b)
{
    return RESULT(parcel, (parcel){(uint8_t)tag, a, b});
}
POST_RETURN(ITEMS "#send")

typedef struct made {
    uint8_t tag;
    union {
        uint32_t ok;
        str err;
    };
} made;

EXPORT(ITEMS "#make") made *make(const void *p, uint32_t len, uint32_t tag, uint32_t n)
{
    if (tag)
        return RESULT(made, (made){0, .ok = item_new(make_item((str){p, len}, n))});
    text t = {0};
    put_z(&t, "no number for "), put_str(&t, (str){p, len});
    return RESULT(made, (made){1, .err = text_str(&t)});
}
POST_RETURN(ITEMS "#make")

EXPORT(ITEMS "#take-and-lend") uint32_t take_and_lend(uint32_t a, const item *b)
{
    uint32_t total = item_rep(a)->n + b->n;
    item_drop(a);
    return total;
}

EXPORT(ITEMS "#lend-and-take") uint32_t lend_and_take(const item *a, uint32_t b)
{
    return take_and_lend(b, a);
}

struct many {
    const item *lent[16];
    uint32_t own;
};
EXPORT(ITEMS "#many") uint64_t many(const struct many *v)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < 16; i++)
        total += v->lent[i]->n;
    total += item_rep(v->own)->n;
    item_drop(v->own);
    heap_reset();
    return total;
}

EXPORT(ITEMS "#set-destructor") void set_destructor(uint32_t traps)
{
    destructor_traps = traps != 0;
}
