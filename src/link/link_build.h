/* link_build.h: a program while it is made.
 *
 * Place in the pipeline: what the evaluator recorded (link_eval.h) -> here -> program.h, in this order:
 *
 *     groups   link_groups.c   which core instances become one module
 *     slots    link_slots.c    what crosses: boundary slots, lifted functions, plans, callables that must be exports
 *     modules  link_steps.c    the merger's input, the merged modules, the order in which everything comes to life
 *     names    link.c          imports, exports, resource types, named types: what the host sees
 *
 * Non-goals: what definitions mean (link_*.c of the evaluator), how modules are merged (merge*.c).
 */
#ifndef CJ_LINK_LINK_BUILD_H
#define CJ_LINK_LINK_BUILD_H

#include "link/const_expr.h"
#include "link/link_eval.h"

/* A group while it is collected. */
typedef struct cj_group_build {
    uint32_t part;
    /* core instances by number, in order; none in a group of wrappers */
    CJ_VEC(uint32_t) members;
    cj_names slot_keys, shape_keys, export_keys; /* what is there already: position in the table is its number */
    CJ_VEC(cj_slot) slots;
    CJ_VEC(cj_merge_slot) merge_slots;
    CJ_VEC(cj_merge_export) exports;
} cj_group_build;

/* Who needs a core function, and as what: for errors, and for the type of what has none of its own. */
typedef struct cj_core_use {
    const cj_core_functype *wanted;
    const char *what; /* "canonical option `realloc`"; NULL: an import of a core instance */
    const struct cj_module_import *import;
    uint64_t offset;
} cj_core_use;

/* A core function that must become an export of a group, so that someone can call it: done later, because wrapping one
 * can ask for another, as deep as a file likes. */
typedef struct cj_wanted_export {
    enum { CJ_WANTED_REALLOC, CJ_WANTED_CORE_FUNC, CJ_WANTED_POST_RETURN, CJ_WANTED_SLOT_REALLOC, CJ_WANTED_DTOR } kind;
    uint32_t group;
    uint32_t of; /* the lifted function, the slot of the group, the resource */
    const cj_core_item *item;
    cj_core_functype type;
    uint64_t offset;
} cj_wanted_export;

typedef struct cj_linker_state {
    const cj_config *config;
    const cj_allocator *alloc;
    cj_eval ev;
    cj_error *err;
    cj_program *program;
    uint32_t instance_count;
    uint32_t *group_of; /* per core instance */
    uint32_t *place_of; /* per core instance: position among the group's members */
    cj_group_build *groups;
    uint32_t group_count;
    uint32_t *wrapper_group; /* per part: its group without core instances, or CJ_NONE */
    uint32_t *import_at;     /* per host import: position in the program, or CJ_NONE */
    /* per host import and root export, and past the last: how many of those before it are in the program */
    uint32_t *imports_before, *exports_before;
    const cj_const **globals; /* per core instance: values of its constant globals; NULL: not worked out */
    CJ_VEC(cj_lifted) lifted;
    cj_names lifted_keys;
    CJ_VEC(cj_wanted_export) wanted;
    CJ_VEC(uint8_t) scratch;
    cj_names plan_keys;
    uint32_t *value_counts; /* per type id: values in it, or 0 while not counted */
    uint64_t total_values;  /* in all plans, against max_total_plan_ops */
} cj_linker_state;

static inline const cj_core_inst *cj__link_instance(const cj_linker_state *l, uint32_t i)
{
    return l->ev.core_instances.at[i];
}

static inline bool cj__link_is_defined(const cj_core_item *item)
{
    return item && item->origin == CJ_CORE_DEFINED;
}

/* -- link.c ------------------------------------------------------------------------------------------------------ */

/* Position of `key` in a table, where it is put if it is new. */
cj_status cj__link_intern(cj_linker_state *, cj_names *, const void *key, size_t size, uint32_t *out, bool *is_new);
cj_status cj__link_info(cj_linker_state *, cj_str interface, cj_str name, const cj_functype *, cj_func_info *out);
/* Of a resource number that something live mentions: position in the program, which is marked as used. */
cj_status cj__link_resource(cj_linker_state *, uint32_t resource, uint32_t *out);

/* -- link_groups.c ----------------------------------------------------------------------------------------------- */

cj_status cj__link_groups(cj_linker_state *);
/* The group of a part that has no core instances, only wrappers. */
uint32_t cj__link_wrapper_group(cj_linker_state *, uint32_t part);
/* The value of a constant global of another group. CJ_UNSUPPORTED: a reference. */
cj_status cj__link_const(cj_linker_state *, const cj_core_item *, const cj_const **out);

/* -- link_slots.c ------------------------------------------------------------------------------------------------ */

cj_status cj__link_plan(cj_linker_state *, const cj_functype *, const cj_plan_options *, const cj_func_info *,
                        uint64_t offset, cj_plan **out);
cj_plan_options cj__link_plan_options(cj_plan_kind, const cj_canon_opts *);
/* Why a component-level function cannot run: "async lift", "streams"; NULL: it can. */
const char *cj__link_gate(const cj_func_val *);
/* The slot of a group by which a core function that is not the group's own is called. */
cj_status cj__link_slot(cj_linker_state *, uint32_t group, const cj_core_item *, const cj_core_use *, uint32_t *out);
/* Number of a lifted function, which can run. */
cj_status cj__link_lifted(cj_linker_state *, const cj_func_val *, uint32_t *out);
/* The group that a core function of a part is best called in: who defines it, whose memory it was lowered with, or one
 * of wrappers. */
uint32_t cj__link_home(cj_linker_state *, uint32_t part, const cj_core_item *);
cj_status cj__link_want(cj_linker_state *, cj_wanted_export);
/* All that was wanted becomes exports. */
cj_status cj__link_wanted(cj_linker_state *);
/* A core function type as the engine knows it; with one parameter more, the slot number. */
cj_status cj__link_core_type(cj_linker_state *, const cj_core_functype *, bool with_slot, cj_core_type *out);

/* -- link_steps.c ------------------------------------------------------------------------------------------------ */

/* What every import of every core instance is: makes the slots that they need. */
cj_status cj__link_sources(cj_linker_state *, cj_merge_source **per_instance);
cj_status cj__link_merge(cj_linker_state *, cj_merge_source *const *per_instance);
cj_status cj__link_steps(cj_linker_state *);

#endif
