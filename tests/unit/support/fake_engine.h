/* fake_engine.h: engine/engine.h over plain C, for tests of what calls it: no WAMR, a memory that is exactly as large
 * as it says.
 *
 * Place: linked instead of src/engine by unit tests of both back ends. The memory is a malloc block of its exact size,
 * so that AddressSanitizer sees a byte read or written outside, and it moves whenever it grows, so that it sees stale
 * pointers. realloc is scripted and logged. Core functions are C callbacks; each also has a native entry with the C ABI
 * of WAMR's JIT code (libffi), which compiled code calls.
 * A second guest in the same store is a *peer*: an instance with a memory, a realloc and flags of its own, for calls
 * between components. Every function of a guest checks that the environment's module_inst is that guest's.
 * Non-goals: modules, threads. The functions of engine.h that need them abort.
 *
 *     fake_engine *fake = fake_new(4096);
 *     cj_binding *f = fake_export(fake, plan, type, core_fn, NULL, user);  f->code: compiled, or NULL: the interpreter
 *     cj_trap trap = fake_call_export(fake, f, &args, &result);            what went wrong: fake->store.trap
 *     cj_binding *g = fake_import(fake, plan, type, host_fn, user);        g->code: likewise
 *     trap = fake_call_import(fake, g, flat, &flat_result);
 *     fake_engine *callee = fake_peer(fake, "callee", 4096);
 *     cj_binding *h = fake_fused(fake, callee, plan, type, core_fn, NULL, user);   called as an import of `fake`
 *     fake_events(fake)                                     "realloc(0,0,4,16)=1024 callee.core(400) "
 *     fake_delete(fake);
 */
#ifndef CJ_TESTS_FAKE_ENGINE_H
#define CJ_TESTS_FAKE_ENGINE_H

#include "abi/plan.h"
#include "base/base.h"
#include "engine/engine.h"
#include "exec/exec.h"

#include <setjmp.h>

enum {
    FAKE_POISON = 0xa5,    /* fills memory that nothing has written */
    FAKE_HEAP_BASE = 1024, /* where the bump allocator starts */
    FAKE_MAX_SCRIPT = 16,
    FAKE_MAX_IMPORTS = 64,
    FAKE_MAX_HANDLES = 10000, /* of each table */
};

typedef struct fake_engine fake_engine;

/* A core function: parameters in flat[0...], each zero-extended; the result goes into flat[0]. fake_trap ends the
 * call. */
typedef void (*fake_core_fn)(fake_engine *, void *user, uint64_t *flat);

/* What a scripted call of realloc does instead of bumping. `value` is the action's. */
typedef enum fake_action {
    FAKE_BUMP,   /* allocates from the bump pointer and copies the old block; the memory grows when it is full */
    FAKE_RETURN, /* allocates as FAKE_BUMP, but returns `value` */
    FAKE_ADD,    /* allocates as FAKE_BUMP, but returns the pointer plus `value` (misaligned: 1) */
    FAKE_AT_END, /* returns the size of the memory minus the size asked for, plus `value` */
    FAKE_GROW,   /* grows the memory by `value` bytes (it moves), then FAKE_BUMP */
    FAKE_TRAP,   /* traps */
    FAKE_FILL,   /* overwrites all memory below FAKE_HEAP_BASE with byte `value`, then FAKE_BUMP: a hostile guest */
} fake_action;

/* A member where WAMR's record has it. */
#define FAKE_AT(offset, ...) \
    struct { \
        char before_##offset[CJ__LAYOUT_##offset]; \
        __VA_ARGS__; \
    }

typedef struct fake_env {
    union {
        FAKE_AT(ENV_MODULE_INST, void *module_inst);
        FAKE_AT(ENV_STACK_BOUNDARY, uintptr_t stack_boundary);
    };
    fake_engine *fake;
} fake_env;

typedef union fake_inst {
    FAKE_AT(INST_EXCEPTION, char exception[128]);
    FAKE_AT(INST_CUSTOM_DATA, void *custom_data);
} fake_inst;

typedef union fake_memory {
    FAKE_AT(MEMORY_DATA, uint8_t *data);
    FAKE_AT(MEMORY_PAGE_COUNT, uint32_t page_count); /* the size: pages are of 1 byte */
    FAKE_AT(MEMORY_PAGE_SIZE, uint32_t page_size);
} fake_memory;

struct fake_engine {
    cj_store_core store;      /* the root's: peers have none */
    fake_engine *root, *peer; /* who made the store: itself, or the fake that this is a peer of; the first peer */
    const char *name;         /* "" or the peer's, before its events */
    cj_instance_core instance;
    cj_group_core group;
    cj_binding imports[FAKE_MAX_IMPORTS]; /* right after `group` */
    fake_env env;
    fake_inst inst;
    fake_memory memory;
    cj_arena *arena; /* the store's, and where results of exports go */

    /* Behaviour, for tests to set. */
    bool no_memory; /* the bindings made from now on have none */
    bool stack_low; /* what cj__core_stack_low says (fake_set_stack_low) */
    /* a trap leaves by longjmp, as in WAMR's JIT; else functions return, the exception set */
    bool longjmp_on_trap;
    uint32_t bump; /* next free byte */
    /* bytes that growth adds beyond the need: 0 finds writes past an allocation, more is faster */
    uint32_t grow_by;
    struct {
        uint32_t nth; /* 1: the first call of realloc since fake_script_clear or the start */
        fake_action action;
        uint64_t value;
    } script[FAKE_MAX_SCRIPT];
    uint32_t script_len;

    /* What happened. */
    uint32_t realloc_calls;
    uint8_t may_leave_in_realloc, may_leave_in_core, may_leave_in_post_return; /* as seen last */
    uint8_t may_enter_in_core;
    uint64_t core_args[CJ_MAX_FLAT_PARAMS + 1]; /* of the last call of a core function */
    char *events;
    size_t events_len, events_cap;

    jmp_buf *top; /* innermost entered frame */
    struct fake_func *funcs, *realloc;
    struct fake_bound *bounds;
};

/* A store with one instance and a memory of `memory_size` bytes, all FAKE_POISON. Never NULL. */
fake_engine *fake_new(uint32_t memory_size);
void fake_delete(fake_engine *);

/* A second guest of `fake`'s store; deleted with it. What a fake that is no peer does for all (limits, traps, log, the
 * environment) is asked of that one. `name` must outlive it. */
fake_engine *fake_peer(fake_engine *, const char *name, uint32_t memory_size);

/* A boundary function bound to the instance. Plan, type and user must outlive the fake. `post_return` is NULL when the
 * plan has none. Set `code` of what they return to run compiled code. */
cj_binding *fake_export(fake_engine *, const cj_plan *, const cj_functype *, fake_core_fn core,
                        fake_core_fn post_return, void *user);
cj_binding *fake_import(fake_engine *, const cj_plan *, const cj_functype *, cj_host_fn host, void *user);
/* For cj_resource.dtor: a core function (i32) -> (). */
cj_binding *fake_destructor(fake_engine *, fake_core_fn core, void *user);
/* An import of `caller` that is a function of `callee`, whose instance alone is entered. */
cj_binding *fake_fused(fake_engine *caller, fake_engine *callee, const cj_plan *, const cj_functype *,
                       fake_core_fn core, fake_core_fn post_return, void *user);

/* Calls binding->code, or the interpreter when it is NULL. What a trap recorded is in fake->store.trap (cleared before
 * the call). Results of an export live in fake->arena until fake_reset. On a trap of an import the arena is released,
 * as the frame that the host entered would, and handles come back (cj__lends_unwind). Fused functions are imports. */
cj_trap fake_call_export(fake_engine *, cj_binding *, const void *args, void *results);
cj_trap fake_call_import(fake_engine *, cj_binding *, const uint64_t *flat, uint64_t *result);

/* For core functions: the guest calls an import. False when it trapped: the core function must return. */
bool fake_guest_import(fake_engine *, cj_binding *, const uint64_t *flat, uint64_t *result);

/* The nth call of realloc (1: the next) does `action`. */
void fake_script(fake_engine *, uint32_t nth, fake_action, uint64_t value);
/* Everything as new but for the bindings: memory poisoned and of `memory_size`, script, log, flags, trap, arena. Of a
 * peer, what is its own. */
void fake_reset(fake_engine *, uint32_t memory_size);

void fake_set_stack_low(fake_engine *, bool);
/* For core functions: traps with this text. Returns when longjmp_on_trap is off. */
void fake_trap(fake_engine *, const char *text);
/* For core functions: an allocation by the guest itself, not logged. */
uint32_t fake_guest_alloc(fake_engine *, uint32_t align, uint32_t size);
/* Grows the memory; it moves. */
void fake_grow(fake_engine *, uint32_t bytes);
/* Guest memory, for tests: the range must be inside. */
uint8_t *fake_at(fake_engine *, uint32_t address, uint32_t len);
void fake_put32(fake_engine *, uint32_t address, uint32_t value);
uint32_t fake_get32(fake_engine *, uint32_t address);

/* The events so far as text, each followed by a space: realloc(old,old_size,align,size)=result in decimal,
 * core(args...) and post-return(args...) in hex, and what tests add with fake_event; a peer's after its name and a
 * dot. */
const char *fake_events(const fake_engine *);
void fake_event(fake_engine *, const char *format, ...) CJ_PRINTF(2, 3);
/* The place of the recorded trap: "param 0 .items[3]". */
const char *fake_trap_path(fake_engine *, char *buffer, size_t size);

#endif
