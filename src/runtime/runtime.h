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
};

cj_engine *cj__engine_use(cj_engine *);
void cj__engine_unuse(cj_engine *);
/* Made with the engine for tier JIT, at first use for inspection. CJ_UNSUPPORTED without LLVM. */
cj_status cj__engine_compiler(cj_engine *, cj_compiler **out, cj_error *err);

/* -- Component ----------------------------------------------------------------------------------------------------- */

struct cj_component {
    cj_engine *engine;
    cj_program *program;
    cj_core_module **modules;  /* per group */
    uint32_t *exports_by_path; /* indices of exports, sorted by path */
    atomic_uint users;
};

cj_component *cj__component_use(const cj_component *);
void cj__component_unuse(cj_component *);
/* Index of the export, or CJ_NONE. */
uint32_t cj__component_find_export(const cj_component *, const char *path);

/* -- Linker -------------------------------------------------------------------------------------------------------- */

typedef struct cj_linker_entry {
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
};
_Static_assert(offsetof(cj_store, core) == 0, "call.h's view of a store");

/* The store's arena for a new call from outside: what the last call lent stays valid, what the one before lent goes. */
void cj__store_turn_arena(cj_store_core *);

/* -- Instance and functions ---------------------------------------------------------------------------------------- */

struct cj_func {
    cj_func_core core;
    cj_instance *instance;
};
_Static_assert(offsetof(cj_func, core.head) == 0, "cj_call_native's view of a function");

/* A group of merged core modules in an instance. */
typedef struct cj_group_run {
    cj_group_core core;
    cj_core_instance *inst; /* NULL: not yet, or no more */
} cj_group_run;

typedef enum cj_instance_state {
    CJ_INSTANCE_STARTING,
    CJ_INSTANCE_READY,
    CJ_INSTANCE_TRAPPED,
    CJ_INSTANCE_FAILED, /* its instantiation did */
} cj_instance_state;

struct cj_instance {
    cj_instance_core core;
    cj_instance_state state;
    cj_store *store;
    cj_component *component;
    cj_arena *arena; /* of everything below */
    cj_group_run *groups;
    cj_func *funcs; /* per export */
    cj_instance *next;
};
_Static_assert(offsetof(cj_instance, core) == 0, "call.h's view of an instance");

/* Frees the instance and, while they are there, its core instances. */
void cj__instance_delete(cj_instance *);
/* Tells guests of the instance to stop, or to go on. The store's lock is held. */
void cj__instance_interrupt(cj_instance *, bool stop);
/* True, once, when a guest of the instance stopped because it was told to. */
bool cj__instance_was_interrupted(cj_instance *);

/* What cj_func.entry is: the native door (or the engine's faster one), and what stands there while the instance is
 * not ready. */
#if CJ_ENGINE_JIT
#define CJ_FUNC_ENTRY cj__core_func_entry
#else
#define CJ_FUNC_ENTRY cj__func_entry
#endif
cj_status cj__func_entry(cj_func *, const void *args, void *results, cj_arena *arena);
cj_status cj__func_entry_failed(cj_func *, const void *args, void *results, cj_arena *arena);

/* -- Errors -------------------------------------------------------------------------------------------------------- */

/* After a call that the host entered came back with `kind`: fills store->error from the trap record or the engine's
 * exception, marks the instance, forgets scratch memory. Returns the call's status. */
cj_status cj__call_failed(cj_call_ctx *call, uint32_t kind);

/* Appends " (did you mean ...)" with the names most like `wanted` to a message, as far as they fit. */
typedef struct cj_near {
    const char *wanted;
    const char *best[3];
    size_t distance[3];
    size_t offered;
} cj_near;
void cj__near_start(cj_near *, const char *wanted);
void cj__near_offer(cj_near *, const char *name); /* borrowed until cj__near_finish */
/* "; did you mean "a" or "b"?", or "" when nothing is near. */
void cj__near_finish(const cj_near *, char *buffer, size_t size);

/* -- Values -------------------------------------------------------------------------------------------------------- */

/* What begins a value's path in errors. */
typedef enum cj_val_root { CJ_ROOT_NONE, CJ_ROOT_PARAM, CJ_ROOT_RESULT } cj_val_root;

/* One conversion between the two forms of values. */
typedef struct cj_val_io {
    cj_arena *arena;
    uint64_t *budget; /* bytes that loading may take from the arena; NULL: any number */
    cj_val_root root;
    uint32_t param; /* CJ_ROOT_PARAM: which */
    cj_error *err;
} cj_val_io;

/* CJ_MISUSE, CJ_NO_MEMORY; loading also CJ_LIMIT. */
cj_status cj__val_store(const cj_val_io *, const cj_type *, const cj_val *, void *at);
cj_status cj__val_load(const cj_val_io *, const cj_type *, const void *at, cj_val *out);

#endif
