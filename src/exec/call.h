/* call.h: what is shared by everything that runs a boundary call: the engine's entry, both back ends, the runtime.
 *
 * Place in the pipeline: below runtime/ (whose objects begin with these structs) and engine/, which know its fields by
 * name; compiled code knows them by offsetof. Keep hot fields first.
 * Non-goals: no WAMR type; nothing about how values move (abi/plan.h).
 */
#ifndef CJ_EXEC_CALL_H
#define CJ_EXEC_CALL_H

#include "abi/plan.h"
#include "base/arena.h"
#include "base/base.h"
#include "exec/handles.h"

/* Signature of a core function without references or vectors. */
typedef struct cj_core_type {
    const cj_core *params;
    uint32_t param_count;
    cj_core result; /* when result_count is 1 */
    uint32_t result_count;
} cj_core_type;

/* Where and why a call trapped: written by whichever code found it, turned into a cj_error by the frame that the host
 * entered. `message` is for traps with words of their own (a host function's, WAMR's). */
typedef struct cj_trap_record {
    uint32_t site;                  /* op index in the plan's args or results program, or CJ_NO_SITE */
    uint8_t in_results;             /* which of the two programs; compiled code writes both at once */
    uint32_t kind;                  /* cj_trap; CJ_TRAP_NONE: nothing recorded, ask the engine's exception text */
    uint32_t index[CJ_TRAP_DEPTH];  /* list positions, outermost first */
    const struct cj_binding *bound; /* the boundary function; NULL: not at a boundary */
    /* A guest's realloc may trap by a jump out of its code, past all who know for which value it ran. So before it is called its function
     * is noted here, and the value in site, in_results and index. NULL: no realloc runs. */
    const struct cj_binding *running;
    /* e.g. "in post-return", or a limit's name: set while that runs; static; NULL: none */
    const char *detail;
    cj_error *host_error; /* what a host function left, or NULL */
} cj_trap_record;
_Static_assert(offsetof(cj_trap_record, in_results) == offsetof(cj_trap_record, site) + 4, "written at once");
#define CJ_NO_SITE UINT32_MAX

/* Where a store's arena and count of host memory stood before a host function took of them. */
typedef struct cj_call_point {
    uint8_t *at; /* NULL: it has taken nothing */
    uint64_t host_bytes;
} cj_call_point;

/* The part of a store that calls use. */
typedef struct cj_store_core {
    void *env;                      /* the engine's execution environment, NULL until the first core instance */
    struct cj_outermost *outermost; /* the engine's too, with env: a call that the host makes outside of all others */
    const void *owner;              /* thread that entered last: the engine compares it to its own anchor */
    cj_arena *arena;                /* the store's own */
    uint64_t host_bytes;            /* left of max_host_bytes in the outermost call */
    uint64_t max_host_bytes;
    /* innermost call that the host made, NULL outside of calls: kept by cj_func's entry */
    struct cj_call_ctx *active;
    const uint8_t *arena_start; /* of `arena`, to see whether anything lies in it */
    cj_call_point taken;        /* by the host function that runs, or the values of its import: cj__call_take */
    const struct cj_call_hooks *hooks;
    cj_trap_record trap;
    cj_error host_error; /* room for what host functions report */
    cj_error error;      /* of the last failed call: cj_store_error */
    /* what was active around that call, while the host function that made it runs; or NULL */
    const struct cj_call_ctx *failed_in;
    const cj_allocator *alloc;
    cj_handles handles; /* the host's */
    cj_lends lends;     /* of all calls that are active, innermost last; cj__lends_unwind after a trap */
} cj_store_core;

/* The part of a component instance that calls use: one for the root, one for each component that is instantiated inside
 * it. Flags are bytes: compiled code tests and sets them. */
typedef struct cj_instance_core {
    uint8_t may_enter; /* 0 while a call is inside, and for ever after a trap */
    uint8_t may_leave; /* 0 during realloc and post-return */
    cj_store_core *store;
    struct cj_instance *owner;       /* the root's object */
    struct cj_instance_core *parent; /* that instantiated it; NULL: it is a root */
    const struct cj_binding *called; /* the function of it that another guest called last (FUSED): for errors */
    const struct cj_binding *dtor;   /* its destructor that runs because a guest dropped a handle; NULL: none */
    cj_handles handles;
} cj_instance_core;

/* A guest's end of a boundary: whose flags, handles, memory and realloc. */
typedef struct cj_side {
    cj_instance_core *instance;
    void *core_instance; /* the engine's instance of the group: cj_core_instance */
    void *core_env_inst; /* what exec_env->module_inst must be while its functions run (engine) */
    void *memory;        /* the engine's memory record (cj_core_layout), or NULL */
    void *realloc;       /* callable: native code, or the engine's function record where WAMR interprets */
} cj_side;

/* What a boundary function does, besides what the host calls. */
typedef enum cj_slot_kind {
    CJ_SLOT_HOST,  /* canon lower of a host function: plan IMPORT */
    CJ_SLOT_FUSED, /* canon lower of another component's lifted function: plan FUSED */
    /* a core function of another group of the same component instance: core_func, as it is */
    CJ_SLOT_CORE,
    CJ_SLOT_RESOURCE_NEW, /* canon resource.new, .rep, .drop: resources[0] */
    CJ_SLOT_RESOURCE_REP,
    CJ_SLOT_RESOURCE_DROP,
    CJ_SLOT_CANNOT_ENTER, /* canon lower of a function of an ancestor or a descendant: always traps */
    CJ_SLOT_UNSUPPORTED,  /* a canonical builtin that canonjit cannot run: traps (CANNOT_LEAVE first) */
    /* likewise, one that does not look at may_leave: context.get, backpressure.inc, ... */
    CJ_SLOT_UNSUPPORTED_ANYWHERE,
} cj_slot_kind;

/* A boundary function bound to one instance: the operands that its plan leaves open. Immutable once instantiated but
 * for `code`, which a tier switch replaces with one atomic store. */
typedef struct cj_binding {
    cj_side guest;     /* whose function it is (export, FUSED, CORE), or who calls it (all other imports) */
    cj_side caller;    /* FUSED, CORE: who calls */
    void *post_return; /* callable, of guest */
    void *core_func;   /* export, FUSED, CORE: the core function, likewise */
    /* export: cj_export_thunk; import: native function with the C ABI of its core signature plus slot */
    void *code;
    const cj_plan *plan;           /* NULL: none is needed (slot kinds CORE, RESOURCE_*, CANNOT_ENTER, UNSUPPORTED) */
    const cj_core_type *core_type; /* CORE: of core_func */
    struct cj_resource *const *resources; /* by resource slot of the plan; RESOURCE_*: [0] */
    /* Export, FUSED: the instances whose may_enter is tested and cleared: the callee's own first, then its ancestors that the
     * caller does not share (spec, "canon lift"). At least one. */
    cj_instance_core *const *entering;
    uint32_t entering_count;
    uint8_t kind;    /* import: cj_slot_kind */
    cj_host_fn host; /* import: the host function ... */
    void *host_user;
    const struct cj_func_info *info; /* names and types, for errors */
    cj_step_ticks *ticks;   /* export: where code that times itself counts (cj_func_time); NULL: not being timed */
    struct cj_thunk *thunk; /* where its code will be (exec/llvm/thunks.c); NULL: `code` is for good */
} cj_binding;

/* Export, FUSED: whether all of bound->entering may be entered; that they may, or may not, from now on. */
static inline bool cj__may_enter(const cj_binding *bound)
{
    if (!bound->guest.instance->may_enter)
        return false;
    for (uint32_t i = 1; i < bound->entering_count; i++)
        if (!bound->entering[i]->may_enter)
            return false;
    return true;
}
static inline void cj__set_may_enter(const cj_binding *bound, uint8_t may_enter)
{
    bound->guest.instance->may_enter = may_enter; /* entering[0], one load nearer */
    for (uint32_t i = 1; i < bound->entering_count; i++)
        bound->entering[i]->may_enter = may_enter;
}

/* Names of a boundary function, for errors and inspection; lives in the program. */
typedef struct cj_func_info {
    const char *path; /* "iface#name" or "name" */
    const char *interface, *name;
    const cj_functype *type;
} cj_func_info;

/* One activation of a boundary function: an object of its own, so that it can one day outlive a C frame. Also what host
 * functions know as cj_call_ctx. */
struct cj_call_ctx {
    const cj_binding *bound;
    cj_store_core *store;
    void *env;
    cj_arena *arena;               /* where lifted values go */
    uint32_t index[CJ_TRAP_DEPTH]; /* current list positions: kept by the back end, read by cj__call_trap */
    /* What may alias the guest's memory while results of an import are lowered: where it lay when the host function
     * returned. Set by the back end (plan.h); size 0, and no base, in an export call. The host function may return views that it was
     * given, and realloc may move or reuse the memory. */
    const uint8_t *alias_base;
    uint64_t alias_size;
    uint64_t core_result; /* lends_results: what the core function returned, in its low bits; set by the back end */
    /* The borrow scope. */
    /* handles that the callee was lent and has not dropped (plans with has_borrow; set by the back end) */
    uint32_t borrows;
    /* length of store->lends when the call began: set by the back end for plans with has_borrow, and by whoever
     * enters for the host (cj__lends_unwind) */
    uint32_t lends_mark;
    uint32_t lent;       /* FUSED plans with lends_one: the caller's handle; set by cj__move_borrow */
    cj_call_point taken; /* a call that a host function made: by that function so far */
};

/* Where values come from in one of the two programs, and where they go: NULL is the host. */
static inline const cj_side *cj__lift_side(const cj_call_ctx *call, bool in_results)
{
    const cj_binding *b = call->bound;
    switch (b->plan->options.kind) {
    case CJ_PLAN_EXPORT:
        return in_results ? &b->guest : NULL;
    case CJ_PLAN_IMPORT:
        return in_results ? NULL : &b->guest;
    default:
        return in_results ? &b->guest : &b->caller;
    }
}
static inline const cj_side *cj__lower_side(const cj_call_ctx *call, bool in_results)
{
    return cj__lift_side(call, !in_results);
}

/* What begins an exported function's object: all that its entry needs. */
typedef struct cj_func_core {
    struct cj_func_head head;
    cj_store_core *store;
    cj_binding bound;
} cj_func_core;

/* The runtime's part in an entry that the engine makes in one frame with its own (cj__core_func_entry). */
typedef struct cj_call_hooks {
    /* the whole entry, whatever the state */
    cj_status (*entry)(cj_func *, const void *args, void *results, cj_arena *arena);
    /* what comes after a trap; store->active is back */
    cj_status (*failed)(struct cj_call_ctx *call, uint32_t trap);
    /* there is code for an import of the instance that runs: it is to call it from now on */
    void (*compiled)(const cj_binding *import);
} cj_call_hooks;

/* Group of merged core modules at run time: what WAMR's instance points back to (its custom data). The bindings of its
 * imports, by slot number, come right after it: what calls have to look up is one load nearer. */
typedef struct cj_group_core {
    cj_instance_core *instance;
    void *core_module; /* the engine's: cj_core_module */
    uint32_t import_count;
} cj_group_core;
static inline cj_binding *cj__group_imports(const cj_group_core *group)
{
    return (cj_binding *)(uintptr_t)(group + 1);
}
_Static_assert(_Alignof(cj_group_core) == _Alignof(cj_binding), "no gap between them");

/* Export code: moves args in, calls the core function, moves the result out, runs post-return. Called with the region
 * entered and flags set. Returns a cj_trap after recording it (cj__call_trap), CJ_TRAP_NONE when all went well, or
 * CJ_TRAP_CORE with nothing recorded when the engine's exception text has the reason. */
typedef uint32_t (*cj_export_thunk)(cj_call_ctx *call, const void *args, void *results);

/* Records a trap for the frame that the host entered; returns `kind` so that `return cj__call_trap(...)` reads well.
 * Index positions are taken from call->index. `detail` is left as it is: cj__call_alloc and the callers of realloc and
 * post-return set it. `kind` CJ_TRAP_CORE records the place only (kind stays CJ_TRAP_NONE: the engine has the reason);
 * a trap already recorded is kept. Whoever turns the record into an error zeroes it: cj__call_trap_clear. */
uint32_t cj__call_trap(cj_call_ctx *call, cj_trap kind, bool in_results, uint32_t site);
void cj__call_trap_clear(cj_store_core *store);
/* Before realloc runs for the value at `site`: cj_trap_record.running. The index positions are call->index's. */
void cj__call_note(cj_call_ctx *call, bool in_results, uint32_t site);

/* Memory for lifted values: from the call's arena, counted against max_host_bytes. NULL: past the limit or out of
 * memory; the trap is CJ_TRAP_HOST_LIMIT, and the record's `detail` says which. */
void *cj__call_alloc(cj_call_ctx *call, uint64_t size, uint32_t align);
/* The same for a host function, which may go on without: leaves no detail for a trap that comes later and is
 * another. */
void *cj__call_host_alloc(cj_call_ctx *call, uint64_t size, uint32_t align);
/* For bytes that are not allocated but looked at (strings handed out in place), so that the work of one call is bounded
 * too: whether they are within what is left; the same, and counts them. False: past the limit, and the record's `detail`
 * says so. */
bool cj__call_fits(cj_call_ctx *call, uint64_t size);
bool cj__call_charge(cj_call_ctx *call, uint64_t size);

static inline bool cj__call_aliases(const cj_call_ctx *call, const void *ptr)
{
    return call->alias_size && (uintptr_t)ptr - (uintptr_t)call->alias_base < call->alias_size;
}

/* `size` bytes at `ptr` that are about to be lowered: `ptr`, or a copy in call->arena when they lie in the aliased
 * guest memory (alias_base). NULL: past the limit. Must be asked before any realloc for the value, and for strings
 * cj__string_lower does so. */
const void *cj__call_source(cj_call_ctx *call, const void *ptr, uint64_t size, uint32_t align);

/* Compiled code leaves `env` and `arena` of an import's call open where its plan has no use for them: what host functions call begins with
 * this. */
static inline void cj__call_complete(cj_call_ctx *call)
{
    const cj_plan *plan = call->bound->plan;
    if (plan && plan->options.kind == CJ_PLAN_IMPORT) {
        call->env = call->store->env;
        call->arena = call->store->arena;
    }
}

/* An import gives back what it took when it returns to the guest: memory and its count. Most take nothing, so whoever
 * takes says so first: imports that copy their arguments, host functions that ask for room, calls that they make. While
 * guest code runs nothing is taken; a call that a host function makes sets aside what that has taken (cj__call_begin). */
static inline void cj__call_take(cj_store_core *store)
{
    if (!store->taken.at)
        store->taken = (cj_call_point){store->arena->at, store->host_bytes};
}
static inline void cj__call_give_back(cj_store_core *store)
{
    if (!store->taken.at)
        return;
    if (store->arena->at != store->taken.at) /* chunks are disjoint: else it is as it was */
        cj__arena_release_to(store->arena, store->taken.at);
    store->host_bytes = store->taken.host_bytes;
    store->taken.at = NULL;
    if (store->failed_in == store->active) /* the host function made the call, and has lived with its trap */
        store->failed_in = NULL;
}

/* Calls bound->host. `results` is room for the result, zeroed by the caller. CJ_OK gives CJ_TRAP_NONE. Anything else
 * records a trap with the host function's words (trap.host_error) and returns it: CJ_TRAP_HOST, or for CJ_TRAP the kind
 * of the nested call's trap. STACK_OVERFLOW when there is too little native stack to call it. Shared by both back
 * ends. */
uint32_t cj__call_host(cj_call_ctx *call, const void *args, void *results);
/* Its cold half: what a status other than CJ_OK means. Compiled code calls the host function itself, with an `err` of
 * its own frame. */
uint32_t cj__call_host_failed(cj_call_ctx *call, cj_status status, const cj_error *err);

#endif
