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
    const char *name;              /* for errors: "iface#name" or "name" */
} cj_resource;

/* An element of a table. Free ones form a list (LIFO: indices are observable), with rt NULL and the next index in `rep`. */
typedef struct cj_handle {
    const cj_resource *rt;
    uint64_t rep;
    struct cj_call_ctx *scope; /* of a borrow: the call that it was lent to; NULL: own */
    uint32_t lends;            /* calls that are lent this handle */
} cj_handle;

typedef struct cj_handles {
    cj_handle *at;      /* [0] is never used */
    uint32_t len, cap;  /* the spec's table length, the reserved index 0 included: 0 when never used */
    uint32_t free;      /* first free index, or 0 */
    uint32_t used;
    uint32_t max;       /* max_handles of cj_limits; CJ_TRAP_HANDLE_TABLE_FULL past it, detail "max_handles" */
} cj_handles;

void cj__handles_init(cj_handles *, uint32_t max);
void cj__handles_fini(const cj_allocator *, cj_handles *);
/* All give a cj_trap and record nothing. */
uint32_t cj__handle_add(const cj_allocator *, cj_handles *, cj_handle, uint32_t *index);
uint32_t cj__handle_get(cj_handles *, uint32_t index, cj_handle **out); /* HANDLE_INDEX; valid until the next add */
void cj__handle_remove(cj_handles *, uint32_t index);

/* Handles that active calls have lent, and borrow handles that host functions were given: undone when the call ends
 * (cj__lends_end), whatever way it does: a trap leaves them to the frame that the host entered. A stack: calls nest. */
typedef struct cj_lend {
    cj_handles *table;
    uint32_t index;
    struct cj_call_ctx *scope; /* NULL: it is lent, its `lends` counts this; else it was given to the host as a borrow handle, and is to
                                * be dropped if the host has not: if it is there and has this scope */
} cj_lend;
typedef struct cj_lends {
    cj_lend *at;
    uint32_t len, cap;
} cj_lends;
void cj__lends_end(struct cj_call_ctx *call); /* back to call->lends_mark */

/* The OWN and BORROW operations: `slot` is the resource slot, `index` the handle at the lifting end, `out` the one at the lowering
 * end. Give a cj_trap, record nothing (HANDLE_*). A borrow that is lowered into the instance that implements the resource is its
 * representation, with no handle. */
uint32_t cj__move_own(struct cj_call_ctx *call, bool in_results, uint32_t slot, uint32_t index, uint32_t *out);
uint32_t cj__move_borrow(struct cj_call_ctx *call, bool in_results, uint32_t slot, uint32_t index, uint32_t *out);
/* Drops what is left of the handles that a host function was lent. */
void cj__host_borrows_end(struct cj_call_ctx *call);

/* canon resource.new/rep/drop in a guest, and the same for the host's table (`instance` NULL: the store's). drop runs the
 * destructor as a full call. */
uint32_t cj__resource_new(struct cj_call_ctx *call, const cj_resource *rt, uint64_t rep, uint32_t *out);
uint32_t cj__resource_rep(struct cj_call_ctx *call, const cj_resource *rt, uint32_t index, uint64_t *rep);
uint32_t cj__resource_drop(struct cj_call_ctx *call, const cj_resource *rt, uint32_t index);

#endif
