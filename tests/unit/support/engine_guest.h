/* engine_guest.h: core modules of unit/guests/ on the real engine, without components: a store, instances, and calls of their exports.
 *
 *     guest_store store;                       guest_store_init(&store);
 *     guest *g = guest_load(&store, "engine_basic", &options);          NULL: store.err says why
 *     CALL(g, "add", &result, 1, 2)            trap kind; parameters are 64-bit slots
 *     guest_delete(g); guest_store_fini(&store);
 */
#ifndef CJ_TESTS_ENGINE_GUEST_H
#define CJ_TESTS_ENGINE_GUEST_H

#include "base/arena.h"
#include "engine/engine.h"

enum { GUEST_SLOTS = 8 };

typedef struct guest_store {
    cj_store_core core;
    cj_arena *arena;
    cj_limits limits;
    cj_error err;   /* of the last guest_load that failed */
    char text[256]; /* WAMR's words of the last CALL that trapped */
} guest_store;

typedef struct guest {
    guest_store *store;
    cj_core_module *module;
    cj_core_instance *instance;
    cj_instance_core core;
    cj_group_core group;
    cj_binding imports[GUEST_SLOTS]; /* right after `group` */
    cj_core_type *types;             /* of the function exports */
    char **names;
    uint32_t export_count;
    cj_binding *bindings; /* one per export */
    /* What the gate does with a call of an import. NULL: traps with CJ_TRAP_HOST. */
    uint32_t (*gate)(struct guest *, cj_call_ctx *call, uint32_t slot, const uint64_t *flat, uint64_t *result);
    void *user;
} guest;

void guest_store_init(guest_store *);
void guest_store_fini(guest_store *);
/* Reads unit/guests/NAME.wasm from the build tree; its imports are what its names say. */
guest *guest_load(guest_store *, const char *name);
guest *guest_load_bytes(guest_store *, const uint8_t *bytes, size_t size);
/* A second instance of the same module. */
guest *guest_again(guest_store *, const guest *);
void guest_delete(guest *);

/* Whether there is room for a memory of that size. With guard pages it is only reserved; else it is allocated, and written. */
bool guest_has_room(uint64_t bytes);

uint32_t guest_export(const guest *, const char *name);
/* Calls through cj__core_enter_export, as a component's call does. */
cj_trap guest_call(guest *, const char *name, const uint64_t *params, uint64_t *result);
cj_trap guest_call_at(guest *, uint32_t export, const uint64_t *params, uint64_t *result);
#define CALL(g, name, result, ...) guest_call((g), (name), (const uint64_t[16]){__VA_ARGS__}, (result))

uint64_t bits_f32(float f);
uint64_t bits_f64(double d);

#endif
