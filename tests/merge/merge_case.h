/* merge_case.h: cases of the merger's tests: the core modules of one component text, instantiated in an order that the
 * test gives, merged, and run on the real engine.
 *
 *     merge_case c;
 *     case_open(&c, "rules/shim");                    the component's core modules become modules 0, 1, ...
 *     case_instance(&c, "a", 0);                      imports are looked up by name in earlier instances; functions
 *     case_instance(&c, "b", 1);                      that none has become boundary slots, equal types of one shape
 *     case_export(&c, "b", "get");                    or case_export_all
 *     case_run(&c);                                   merges, loads, calls the initialisers
 *     assert_int_equal(case_value(&c, "b.get"), 7);
 *     case_close(&c);
 */
#ifndef CJ_TESTS_MERGE_CASE_H
#define CJ_TESTS_MERGE_CASE_H

#include "link/merge.h"
#include "unit/support/engine_guest.h"

enum { CASE_MODULES = 16, CASE_INSTANCES = 16, CASE_EXPORTS = 256, CASE_LOG = 64 };

typedef struct merge_case {
    cj_config config;
    cj_arena *arena;
    uint8_t *file;
    size_t size;
    cj_core_outline modules[CASE_MODULES];
    uint32_t module_count;
    cj_merge_instance instances[CASE_INSTANCES];
    const char *names[CASE_INSTANCES];
    cj_merge_slot slots[GUEST_SLOTS];
    char slot_names[GUEST_SLOTS][64];
    cj_merge_export exports[CASE_EXPORTS];
    char export_names[CASE_EXPORTS][64];
    cj_merge_input input;
    cj_merged merged;
    bool is_merged;
    cj_error err;
    cj_core_outline out; /* of the merged module */
    /* Running: */
    guest_store store;
    guest *guest;
    uint32_t trapped_at;    /* instance whose initialiser trapped */
    uint32_t log[CASE_LOG]; /* what imports were called: slot * 1000 + first parameter */
    uint32_t log_count;
} merge_case;

void case_open(merge_case *, const char *name);
void case_open_bytes(merge_case *, const uint8_t *module, size_t size); /* one core module */
void case_instance(merge_case *, const char *name, uint32_t module);
/* One instance per module, called a, b, c, ..., and all exports. */
void case_instances(merge_case *);
uint32_t case_export(merge_case *, const char *instance, const char *name);
/* All function exports that the engine can call. */
void case_export_all(merge_case *);
/* cj__merge, and case_validate. */
cj_status case_merge(merge_case *);
/* Reads a merged module and merges it alone, which validates its bodies; none may be refused. */
void case_validate(merge_case *, const cj_merged *);
/* Merges if that has not been done, loads and instantiates; all must work. */
void case_load(merge_case *);
/* Loads and calls the initialisers in order; the trap of the first that fails. Imports log their calls and return twice
 * their first parameter plus the slot. */
cj_trap case_init(merge_case *);
/* The same; no initialiser may trap. */
void case_run(merge_case *);
/* By "instance.export". */
cj_trap case_trap(merge_case *, const char *name, const uint64_t *params, uint64_t *result);
uint32_t case_value_of(merge_case *, const char *name, const uint64_t *params);
#define case_value(c, ...) case_value_((c), __VA_ARGS__, 0)
#define case_value_(c, name, ...) case_value_of((c), (name), (const uint64_t[8]){__VA_ARGS__})
#define case_traps(c, ...) case_traps_((c), __VA_ARGS__, 0)
#define case_traps_(c, name, ...) case_trap((c), (name), (const uint64_t[8]){__VA_ARGS__}, NULL)
void case_close(merge_case *);

/* Whether an opcode sequence occurs in the merged code: a plain search in the code section. */
bool case_code_has(const merge_case *, const uint8_t *bytes, size_t size);

#endif
