/* runtime.h: the objects of the public API.
 *
 *     engine ◀── component ◀─┐            ◀── counts its users: what is deleted too early only goes later
 *        ▲  ◀── linker       │
 *        └───── store ◀── instance ── funcs      owned by their store
 *
 * Place in the pipeline: over link/, exec/ and engine/; the public header is its only user.
 * Non-goals: how values move (abi/, exec/), what WAMR is (engine/).
 *
 * The structs of exec/call.h come first in ours, so that compiled code and the engine know them without knowing us.
 */
#ifndef CJ_RUNTIME_RUNTIME_H
#define CJ_RUNTIME_RUNTIME_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "base/base.h"
#include "base/hash.h"
#include "engine/engine.h"
#include "exec/exec.h"
#include "link/program.h"

/* Compiled thunks call native core functions: they need both. */
#define CJ_HAVE_JIT (CJ_HAVE_LLVM && CJ_ENGINE_JIT)

/* -- Engine -------------------------------------------------------------------------------------------------------- */

struct cj_engine {
    const cj_allocator *alloc;
    cj_config config; /* allocator and tier resolved */
    atomic_uint users;
    pthread_mutex_t lock; /* of making the compiler */
    _Atomic(cj_compiler *) compiler;
    struct cj_disk *disk; /* the compiler's cache, or NULL */
};

cj_engine *cj__engine_use(cj_engine *);
void cj__engine_unuse(cj_engine *);
/* Made when it is first asked for. CJ_UNSUPPORTED without LLVM. */
cj_status cj__engine_compiler(cj_engine *, cj_compiler **out, cj_error *err);

/* -- Component ----------------------------------------------------------------------------------------------------- */

struct cj_component {
    cj_engine *engine;
    cj_program *program;
    cj_core_module **modules;  /* per group */
    uint32_t *exports_by_path; /* indices of exports, sorted by path */
    uint32_t *resources;       /* indices of named types that are resource types */
    uint32_t resource_count;
    atomic_uint users;
};

cj_component *cj__component_use(const cj_component *);
void cj__component_unuse(cj_component *);
/* Index of the export, or CJ_NONE. */
uint32_t cj__component_find_export(const cj_component *, const char *path);

/* -- Resource types ------------------------------------------------------------------------------------------------ */

/* The host's are counted: by their maker, linkers, and stores that have met them. A guest's lives in its instance. */
struct cj_resource_type {
    cj_resource core;
    cj_engine *engine; /* host's; NULL: a guest's */
    atomic_uint users; /* host's */
    size_t name_size;  /* host's: of `core.name`, which lies behind this struct */
    cj_drop_fn drop;   /* host's, or NULL */
    void *user;
    /* guest's: */
    cj_binding dtor;
    cj_func_info dtor_info;
};
_Static_assert(offsetof(cj_resource_type, core) == 0, "handles.h's view of a resource type");

cj_resource_type *cj__resource_type_use(const cj_resource_type *);
void cj__resource_type_unuse(cj_resource_type *);
uint32_t cj__dtor_thunk(cj_call_ctx *call, const void *rep,
                        void *results); /* a cj_export_thunk: runs a guest's destructor */
/* Arguments, or a result, are about to be looked at: an own handle moves once, so it can stand among them only alone. */
void cj__handles_begin_naming(cj_store *);
/* This one stands among them. False: as its place is now, it has moved away, or is lent. */
bool cj__handle_name(cj_store *, cj_handle *, bool own);
/* Why a call with this handle of the host's would trap, in words, or NULL. Names it. */
const char *cj__handle_refusal(const cj_instance *, const cj_type *, uint32_t handle);

/* -- Linker -------------------------------------------------------------------------------------------------------- */

typedef struct cj_linker_entry {
    cj_resource_type *resource; /* or NULL: a function */
    cj_host_fn fn;
    cj_host_dyn_fn dyn; /* when `fn` is NULL */
    void *user;
    UT_hash_handle hh;
    size_t path_len;
    char path[]; /* "interface#name" or "name" */
} cj_linker_entry;

struct cj_linker {
    cj_engine *engine;
    cj_linker_entry *entries;
    uint64_t seed;
};

const cj_linker_entry *cj__linker_find(const cj_linker *, const char *path);
/* "interface#name", or "name"; NULL when out of memory. */
char *cj__linker_path(cj_arena *, const char *interface, const char *name);

/* What the gate of a dynamic host function gets as `user`; lives in the instance. */
typedef struct cj_dyn_host {
    cj_host_dyn_fn fn;
    void *user;
} cj_dyn_host;
cj_status cj__dyn_gate(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err); /* a cj_host_fn */

/* -- Store --------------------------------------------------------------------------------------------------------- */

struct cj_store {
    cj_store_core core;
    cj_engine *engine;
    cj_limits limits;
    void *user;
    cj_arena *spare_arena;  /* lent results of the call before: arguments of the next call may lie there */
    cj_instance *instances; /* newest first */
    uint32_t instance_count;
    pthread_mutex_t lock; /* of `instances` and `interrupted` against cj_store_interrupt */
    bool interrupted;
    /* resource types of the host's of which handles may exist: the store is their user */
    CJ_VEC(cj_resource_type *) met;
    uint32_t naming;   /* counts cj__handles_begin_naming */
    uint32_t dropping; /* drop functions that are running */
    bool closing;      /* cj_store_delete is dropping what is left */
};
_Static_assert(offsetof(cj_store, core) == 0, "call.h's view of a store");

/* Makes the store a user of a host's resource type; once is enough for all its handles. */
cj_status cj__store_meet(cj_store *, const cj_resource_type *, cj_error *err);
/* Drops the resources of host's types that tables still own. */
void cj__store_drop_all(cj_store *);

/* The store's arena for a new call from outside: what the last call lent stays valid, what the one before lent goes. */
void cj__store_turn_arena(cj_store_core *);

/* -- Instance and functions ---------------------------------------------------------------------------------------- */

typedef struct cj_scoped cj_scoped;
struct cj_func {
    cj_func_core core;
    cj_instance *instance;
    /* While it is being timed (timing.c). */
    cj_timing timing;
    void *usual_code, *usual_realloc;
    void *timed_code;  /* kept: NULL: not made yet */
    cj_scoped *scoped; /* for cj_call_begin; NULL: not made yet (scoped.c) */
};
_Static_assert(offsetof(cj_func, core.head) == 0, "cj_call_native's view of a function");

/* A group of merged core modules in an instance. */
typedef struct cj_group_run {
    cj_group_core *core;
    cj_core_instance *inst; /* NULL: not yet, or no more */
} cj_group_run;

typedef enum cj_instance_state {
    CJ_INSTANCE_STARTING,
    CJ_INSTANCE_READY,
    CJ_INSTANCE_TRAPPED,
    CJ_INSTANCE_FAILED,  /* its instantiation did */
    CJ_INSTANCE_CLOSING, /* its store is being deleted */
} cj_instance_state;

/* All component instances of one program: the root, and those inside it. */
struct cj_instance {
    cj_instance_state state;
    cj_store *store;
    cj_component *component;
    cj_arena *arena;         /* of everything below */
    cj_instance_core *parts; /* as in the program; [0] is the root */
    uint32_t part_count;     /* of those made */
    cj_group_run *groups;
    cj_func *funcs;               /* per export */
    cj_resource_type **resources; /* per resource of the program; NULL: an import that nothing uses */
    cj_func *scoped;              /* whose call has begun by cj_call_begin and is to be ended; NULL: none */
    cj_instance *next;
};

/* The type that a resource number (cj_type.resource) of its program means; NULL when it means none that is live. */
cj_resource_type *cj__instance_resource_number(const cj_instance *, uint32_t number);
/* Frees the instance and, while they are there, its core instances. */
void cj__instance_delete(cj_instance *);
/* Tells guests of the instance to stop, or to go on. The store's lock is held. */
void cj__instance_interrupt(cj_instance *, bool stop);
/* True, once, when a guest of the instance stopped because it was told to. */
bool cj__instance_was_interrupted(cj_instance *);

/* -- Entries ------------------------------------------------------------------------------------------------------- */

/* What cj_func.entry is: the native door (or the engine's faster ones), what stands there while the instance is not
 * ready, and that of an import which is exported again. */
cj_status cj__func_entry(cj_func *, const void *args, void *results, cj_arena *arena);
cj_status cj__func_entry_failed(cj_func *, const void *args, void *results, cj_arena *arena);
cj_status cj__func_entry_host(cj_func *, const void *args, void *results, cj_arena *arena);

/* What cj_call_begin has made of the function (scoped.c). */
void cj__scoped_free(cj_func *);

/* Makes `call` the store's active one, and returns the one that was, for cj__call_end. `arena` NULL: the store's. */
cj_call_ctx *cj__call_begin(cj_call_ctx *call, const cj_binding *, cj_store_core *, cj_arena *arena);
static inline void cj__call_end(const cj_call_ctx *call, cj_call_ctx *outer)
{
    call->store->active = outer;
    call->store->taken = call->taken;
}

/* An import of an instance that lives has code now: the instance's guests are to call that (cj_call_hooks.compiled). */
void cj__bind_compiled(const cj_binding *import);

/* -- Errors -------------------------------------------------------------------------------------------------------- */

/* After a call that the host entered came back with `kind` (store->active is back): fills store->error from the trap record or the
 * engine's exception, marks the instance, ends lends. Returns the call's status. */
cj_status cj__call_failed(cj_call_ctx *call, uint32_t kind);
/* The same, and forgets scratch memory that was left behind. */
cj_status cj__call_failed_forget(cj_call_ctx *call, uint32_t kind);
/* store->error is about to be of a call that traps: should the host function that made it return CJ_TRAP without words, these are they. */
void cj__store_failed(cj_store_core *);

/* -- Values -------------------------------------------------------------------------------------------------------- */

/* What begins a value's path in errors. */
typedef enum cj_val_root { CJ_ROOT_NONE, CJ_ROOT_PARAM, CJ_ROOT_RESULT } cj_val_root;

/* One conversion between the two forms of values. */
typedef struct cj_val_io {
    cj_arena *arena;
    uint64_t *budget; /* bytes that loading may take from the arena; NULL: any number */
    cj_val_root root;
    uint32_t param;              /* CJ_ROOT_PARAM: which */
    const cj_instance *instance; /* storing: handles are checked against its types; NULL: they are not */
    cj_error *err;
} cj_val_io;

/* CJ_MISUSE, CJ_NO_MEMORY; loading also CJ_LIMIT. */
cj_status cj__val_store(const cj_val_io *, const cj_type *, const cj_val *, void *at);
cj_status cj__val_load(const cj_val_io *, const cj_type *, const void *at, cj_val *out);

#endif
