/* handles.h: resources at run time: types, handle tables, lends.
 *
 * Place in the pipeline: every component instance has a table, and so has the store, for the host; both back ends and the
 * canonical builtins (exec/builtins.c) work on them here. runtime/ makes the resource types.
 * Non-goals: which resource types exist (link/), the public API over the host's table (runtime/resources.c).
 * Spec: "Table State", "Resource State", lift_own, lift_borrow, lower_own, lower_borrow, "canon resource.*".
 */
#ifndef CJ_EXEC_HANDLES_H
#define CJ_EXEC_HANDLES_H

#include "base/base.h"

struct cj_instance_core;
struct cj_binding;
struct cj_call_ctx;

/* A resource type at run time: generative, so one per definition and component instance, or one per cj_resource_type of the host. */
typedef struct cj_resource {
    struct cj_instance_core *impl; /* the instance that implements it; NULL: the host does */
    /* guest's: its destructor as a function of `impl` (guest, core_func), or NULL. `entering` is `impl` and all its ancestors, as
     * for the host; a guest that drops a handle enters those that come before the first one that is itself or its ancestor. */
    const struct cj_binding *dtor;
    void (*drop)(void *user, uint64_t rep); /* host's, or NULL */
    void *user;
    const char *name; /* for errors: "iface#name" or "name" */
} cj_resource;

/* An element of a table. Free ones form a list (LIFO: indices are observable), with the next index in `rep` and nothing else. */
typedef struct cj_handle {
    const cj_resource *rt;
    uint64_t rep;
    struct cj_call_ctx *scope; /* of a borrow: the call that it was lent to; NULL: own */
    uint32_t lends;            /* calls that are lent this handle */
    uint32_t named;            /* the host's: in which arguments it stood last (runtime/) */
} cj_handle;

typedef struct cj_handles {
    cj_handle *at;     /* [0] is never used */
    uint32_t len, cap; /* the spec's table length, the reserved index 0 included: 0 when never used */
    uint32_t free;     /* first free index, or 0 */
    uint32_t max;      /* max_handles of cj_limits; CJ_TRAP_HANDLE_TABLE_FULL past it, detail "max_handles" */
} cj_handles;

void cj__handles_init(cj_handles *, uint32_t max); /* no more than the spec's 2^28 - 1 */
void cj__handles_fini(const cj_allocator *, cj_handles *);
/* Give a cj_trap and record nothing. */
uint32_t cj__handle_add(const cj_allocator *, cj_handles *, cj_handle,
                        uint32_t *index); /* HANDLE_TABLE_FULL; HOST_LIMIT: out of memory */
/* Where there is room: a free one, or one below `cap`. */
static inline uint32_t cj__handle_put(cj_handles *table, cj_handle handle)
{
    uint32_t index = table->free;
    if (index)
        table->free = (uint32_t)table->at[index].rep;
    else
        index = table->len++;
    table->at[index] = handle;
    return index;
}
/* The same for an own handle where one is free, and cj__handle_remove for a guest's that is not lent: what is 0 is not stored again.
 * Compiled code does likewise. */
static inline uint32_t cj__handle_put_own(cj_handles *table, const cj_resource *rt, uint32_t rep)
{
    uint32_t index = table->free;
    cj_handle *handle = &table->at[index];
    table->free = (uint32_t)handle->rep;
    handle->rt = rt;
    handle->rep = rep;
    return index;
}
static inline void cj__handle_take_own(cj_handles *table, uint32_t index)
{
    cj_handle *handle = &table->at[index];
    handle->rt = NULL;
    handle->rep = table->free;
    table->free = index;
}
uint32_t cj__handle_get(cj_handles *, uint32_t index, cj_handle **out); /* HANDLE_INDEX; valid until the next add */
void cj__handle_remove(cj_handles *, uint32_t index);

/* What active calls have done to handles and must undo, whatever way they end: a stack, for calls nest. At most as many as
 * max_handles, over all calls: CJ_TRAP_HANDLE_TABLE_FULL. Not in it is what a guest lends another where that is one handle
 * (cj_plan.lends_one): its call knows it, and after a trap the table that it is in is never used again, as guests that were left by one are
 * not entered any more. */
typedef enum cj_lend_kind {
    CJ_LEND_BORROW, /* `table`[index] is lent */
    CJ_LEND_HOST,   /* the host's table has a borrow at `index`, of the call on top */
    CJ_LEND_MOVED,  /* an own handle of `table` has become the host's `index`, but the host does not know yet */
    CJ_LEND_DONE,
} cj_lend_kind;
typedef struct cj_lend {
    cj_handles *table;
    uint32_t index;
    uint32_t kind; /* cj_lend_kind */
} cj_lend;
typedef struct cj_lends {
    cj_lend *at;
    uint32_t len, cap;
} cj_lends;
void cj__lends_fini(const cj_allocator *, cj_lends *);
/* A call has ended well: back to call->lends_mark. */
void cj__lends_end(struct cj_call_ctx *call);
/* A call that the host made was left by a trap: what it and all calls inside it have lent comes back, borrows that they gave to the host
 * are gone, own handles that were on their way to the host stay with the guest that gave them. `call` is that call: whoever enters
 * for the host sets call->lends_mark = store->lends.len before it does. */
void cj__lends_unwind(struct cj_call_ctx *call);

/* The OWN and BORROW operations: `slot` is the resource slot, `index` the handle at the lifting end, `out` the one at the lowering
 * end. Give a cj_trap, record nothing: HANDLE_INDEX, HANDLE_TYPE, for own then HANDLE_LENT, HANDLE_BORROWED; last HANDLE_TABLE_FULL or, out of
 * memory, HOST_LIMIT, and trap.detail says so. When they trap nothing has moved. A borrow that is lowered into the instance that
 * implements the resource is its representation, with no handle. */
uint32_t cj__move_own(struct cj_call_ctx *call, bool in_results, uint32_t slot, uint32_t index, uint32_t *out);
uint32_t cj__move_borrow(struct cj_call_ctx *call, bool in_results, uint32_t slot, uint32_t index, uint32_t *out);
/* The host function has returned, whatever it says: drops what is left of the handles that it was lent; own handles are the host's
 * now. */
void cj__host_borrows_end(struct cj_call_ctx *call);

/* canon resource.new, .rep, .drop of call->bound->guest.instance. Give a cj_trap, record nothing but a trap of the destructor's own; trap.detail
 * as above.
 *
 * drop of an own handle runs the destructor as a full call (spec, "canon resource.drop"): CANNOT_ENTER when the implementing instance, or one of
 * its ancestors that the dropping one does not share, is being called or has trapped; STACK_OVERFLOW. */
uint32_t cj__resource_new(struct cj_call_ctx *call, const cj_resource *rt, uint32_t rep, uint32_t *out);
uint32_t cj__resource_rep(struct cj_call_ctx *call, const cj_resource *rt, uint32_t index, uint32_t *rep);
uint32_t cj__resource_drop(struct cj_call_ctx *call, const cj_resource *rt, uint32_t index);

/* For a table whose owner goes: calls the host's drop function for every own handle of a resource of the host. No destructor of
 * a guest runs. */
void cj__handles_drop(cj_handles *);

#endif
