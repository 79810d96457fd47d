/* program.h: a linked component: what WAMR must load and in which order, and every boundary function with its plan.
 *
 * Place in the pipeline: link.c runs a component's definitions symbolically and leaves this; runtime/ instantiates it.
 * Immutable; shared by all instances of the component. Non-goals: anything that differs from one instance to the next.
 */
#ifndef CJ_LINK_PROGRAM_H
#define CJ_LINK_PROGRAM_H

#include "abi/plan.h"
#include "component/ast.h"
#include "component/types.h"
#include "exec/call.h"
#include "link/merge.h"

#define CJ_NONE UINT32_MAX

/* A function of a component, lifted: what its plan moves to and from. All callables are exports of one group: what is
 * defined in another, lowered or built in is wrapped there, by a function that calls a slot. Only those that the root
 * exports or some slot lowers are listed. */
typedef struct cj_lifted {
    cj_func_info info;
    uint32_t part;                 /* component instance that it belongs to */
    uint32_t group;                /* whose memory it uses */
    uint32_t core_func;            /* function export number in the group */
    uint32_t realloc, post_return; /* likewise, or CJ_NONE */
} cj_lifted;

/* What a boundary slot of a group does (exec/call.h). */
typedef struct cj_slot {
    cj_slot_kind kind;
    /* HOST: index into cj_program.imports; FUSED: into .lifted; RESOURCE_*: into .resources; CORE: a group */
    uint32_t of;
    uint32_t core_func; /* CORE: function export number in that group */
    /* of slots without a plan: the core function's, without the slot number; else NULL */
    const cj_core_type *core_type;
    cj_plan *plan;         /* HOST, FUSED; else NULL */
    uint32_t memory_group; /* whose memory the caller's values lie in: this group, or CJ_NONE */
    uint32_t realloc;      /* function export number in this group, or CJ_NONE */
    uint32_t shape;        /* index into the group's shapes */
    /* for errors where there is no plan: "resource.drop", "stream.new", "iface#f"; CORE: NULL */
    const char *name;
} cj_slot;

/* A component instance: the root, or one that is instantiated inside it, at any depth. Parents come before their children. */
typedef struct cj_part {
    uint32_t parent; /* CJ_NONE: the root, which is part 0 */
    uint64_t offset; /* of its instantiation in the file */
} cj_part;

/* A resource type of a live component instance, or one that the root imports. cj_type.resource of live types, and cj_plan.resources, are
 * numbers that cj_program.resource_of maps to positions here (several numbers can be one type). */
typedef struct cj_program_resource {
    uint32_t part; /* that defines it; CJ_NONE: imported from the host */
    /* function export number of the destructor in the group; dtor CJ_NONE: there is none */
    uint32_t group, dtor;
    /* of the import, or under which its component first exports it; "" when it has none */
    const char *interface, *name;
    bool used; /* imported ones: something live needs it */
} cj_program_resource;

/* Core instances merged into one module. All slots with a memory use this group's; a core function of another group of the
 * part is called through a CORE slot. */
typedef struct cj_group {
    uint32_t part;    /* component instance that it belongs to */
    cj_merged merged; /* of no core instance at all when all that it has is wrappers */
    /* per import of the merged module, slot parameter included (engine/engine.h) */
    struct cj_core_type *import_types;
    cj_slot *slots;
    uint32_t slot_count;
} cj_group;

/* One step of instantiation, in order. */
typedef enum cj_step_kind {
    CJ_STEP_INSTANTIATE, /* WAMR instantiates group `group` */
    /* function export `export_` of `group` is called: segments and start of one core instance */
    CJ_STEP_INIT,
} cj_step_kind;

typedef struct cj_program_step {
    cj_step_kind kind;
    uint32_t group;
    uint32_t export_;
    uint64_t offset; /* of the core instance in the file */
} cj_program_step;

typedef struct cj_program_import {
    cj_func_info info;
    bool used; /* some slot lowers it, or it is exported again; else it need not be given to instantiate */
} cj_program_import;

typedef struct cj_program_export {
    cj_func_info info;
    uint32_t lifted; /* index into cj_program.lifted, or CJ_NONE: */
    uint32_t import; /* an import of the root that is exported again */
    cj_plan *plan;   /* EXPORT; NULL for such an import */
} cj_program_export;

/* A type that the component imports or exports under a name, in the order of the file: for inspection. */
typedef struct cj_program_type {
    bool is_export;
    const char *interface, *name; /* as in cj_func_info */
    const cj_type *type;          /* NULL: a resource type */
    uint32_t resource;            /* cj_type.resource of its handles; 0: not a resource type */
    const void *identity;         /* equal for two names of one and the same definition; never followed */
    /* number of the program's imports, or exports, that stand before it in the file */
    uint32_t before;
} cj_program_type;

typedef struct cj_program {
    cj_types *types;
    cj_arena *arena; /* of everything below but the plans */
    cj_group *groups;
    cj_program_step *steps;
    cj_part *parts;
    cj_lifted *lifted;
    cj_program_resource *resources;
    /* by cj_type.resource (0: none): position in `resources`, or CJ_NONE for types that nothing live has */
    uint32_t *resource_of;
    cj_program_import *imports;
    cj_program_export *exports;
    uint32_t group_count, step_count, part_count, lifted_count, resource_count, resource_of_count, import_count,
        export_count;
    /* core module or component that the root imports and nobody gave, although nothing that runs uses it: it
     * cannot be instantiated; NULL: none. One that is used is unsupported */
    const char *not_given;
    cj_config config;        /* the limits it was linked with */
    CJ_VEC(cj_plan *) plans; /* all of them, each once: slots and exports of one type and options share one */
    cj_program_type *named_types;
    uint32_t named_type_count;
} cj_program;

/* What the root imports as a core module or component, known when it is linked. */
typedef struct cj_given {
    cj_str name;             /* of the import: "m", or "iface#m" */
    const cj_ast *component; /* or, when NULL, */
    cj_bytes module;
} cj_given;

/* Decoded bytes in, program out; the ASTs and bytes may be deleted afterwards. `config` NULL means defaults; its
 * allocator must outlive the program. CJ_INVALID, CJ_UNSUPPORTED (only when nothing is invalid), CJ_LIMIT, CJ_NO_MEMORY;
 * CJ_NOT_FOUND: something is given that the root does not import. */
cj_status cj__link(const cj_config *, const cj_ast *, cj_program **out, cj_error *err);
cj_status cj__link_with(const cj_config *, const cj_ast *, const cj_given *, size_t given_count, cj_program **out,
                        cj_error *err);
void cj__program_delete(cj_program *);

/* What the component imports and exports, as WIT or as JSON (CJ_TEXT_WIT, CJ_TEXT_JSON). NULL when out of memory;
 * free with cj__free(len + 1). WIT texts are cut, and say so, where types repeat each other without end. */
char *cj__program_wit(const cj_allocator *, const cj_program *, bool json, size_t *len);

#endif
