/* merge.h: core instances that share a memory, table or global become one core module.
 *
 * Place in the pipeline: link.c decides who belongs together and what every import is; this writes the module that WAMR
 * loads. Every rule and its reason: docs/merging.md. Non-goals: component types, plans; what a boundary function does.
 */
#ifndef CJ_LINK_MERGE_H
#define CJ_LINK_MERGE_H

#include "link/const_expr.h"

/* What an import of one instance is. */
typedef enum cj_source_kind {
    /* item `index` (in the index space of its sort) of instance number `instance` of this group, an earlier one */
    CJ_SOURCE_INSTANCE,
    CJ_SOURCE_BOUNDARY, /* a function: boundary slot `slot` */
    CJ_SOURCE_CONST,    /* a global of another group that is immutable and no reference: `value` */
} cj_source_kind;

typedef struct cj_merge_source {
    cj_source_kind kind;
    union {
        struct {
            uint32_t instance, index;
        };
        uint32_t slot;
        const cj_const *value;
    };
} cj_merge_source;

typedef struct cj_merge_instance {
    const cj_core_outline *module;  /* instances of one module share the pointer: it is decoded once */
    const cj_merge_source *sources; /* one per import of the module */
    /* Something outside the group may have run this group's code before this instance is instantiated: the start
     * function of an instance of another group. Start functions inside the group need no mention. */
    bool late;
} cj_merge_instance;

enum { CJ_MAX_BOUNDARY_PARAMS = 63 }; /* what the engine passes; one less than it knows, for the slot number */

/* A function that instances import from outside the group: a lowered import or a canonical builtin. */
typedef struct cj_merge_slot {
    cj_core_functype type; /* without the slot parameter */
    uint32_t shape;        /* slots of one shape (and so of one type) share one import */
} cj_merge_slot;

/* A function of the group that is called from outside: by the runtime, or by another group. */
typedef struct cj_merge_export {
    bool is_slot;      /* boundary slot `index`, wrapped in a defined function; else: */
    uint32_t instance; /* function `index` of that instance's module; resolved through re-exported imports */
    uint32_t index;
} cj_merge_export;

/* How guests look for the interrupt flag (docs/merging.md, "Interrupting"). */
typedef enum cj_interrupt_check {
    CJ_INTERRUPT_DEFAULT,   /* COUNTDOWN where WAMR compiles, FLAG where it interprets */
    CJ_INTERRUPT_COUNTDOWN, /* budgets that run out, then the flag: no optimiser can move it out of a loop */
    CJ_INTERRUPT_FLAG,      /* the flag itself: cheaper in an interpreter, hoisted by compilers */
} cj_interrupt_check;

typedef struct cj_merge_input {
    const cj_merge_instance *instances; /* in the order of instantiation; none in a group of wrapped slots */
    uint32_t instance_count;
    const cj_merge_slot *slots;
    uint32_t slot_count;
    const cj_merge_export *exports;
    uint32_t export_count;
    bool interruptible;
    cj_interrupt_check interrupt_check;
} cj_merge_input;

typedef struct cj_merged {
    uint8_t *bytes; /* allocated with the config's allocator; freed by cj__merged_fini */
    size_t size;
    /* Imports of the merged module: one per shape that live code calls, in this order; its type is that of the slots
     * with one more i32 at the end, the slot number. Functions, tables and passive segments that nothing reaches are
     * left out. */
    uint32_t *import_shapes;
    uint32_t import_count;
    /* Function exports: first those asked for, in order (equal ones are repeated); then the initialisers. */
    uint32_t export_count;
    /* For each instance: number of the function export that does its segments and start function, or UINT32_MAX when
     * nothing is left to do. To be called in instance order, after WAMR has instantiated the module. */
    uint32_t *init_exports;
    /* Interruptible modules begin with two mutable i32 globals, else both are UINT32_MAX:
     *   interrupt_global (0, at byte 0 of the instance's global data): any thread stores 1, and the guest stops at its
     *   next check, a few milliseconds at most; it stops again on every entry until someone stores 0.
     *   interrupted_global (1, at byte 4): the guest stores 1 just before the `unreachable` by which it stops. Whoever
     *   handles a trap finds CJ_TRAP_INTERRUPTED by it, and stores 0. */
    uint32_t interrupt_global, interrupted_global;
    bool has_memory;
    /* Function index in the merged module of every function export: what a lookup by name would give. */
    uint32_t *export_funcs;
    uint32_t instance_count; /* of init_exports */
    uint64_t local_count;    /* of all functions together */
    uint32_t type_count;     /* function types */
    size_t capacity;         /* of bytes */
} cj_merged;

/* CJ_INVALID (types or limits of an import do not match), CJ_UNSUPPORTED (two memories, a boundary function with
 * references or several results, a proposal), CJ_LIMIT (max_merged_size, max_function_body, max_function_slots). */
cj_status cj__merge(const cj_config *, const cj_merge_input *, cj_merged *out, cj_error *err);
/* The bytes alone, when they have been loaded. */
void cj__merged_forget_bytes(const cj_config *, cj_merged *);
void cj__merged_fini(const cj_config *, cj_merged *);

#endif
