/* link_eval.h: the symbolic evaluator: what every index of a component means, without running any of it.
 *
 * Place in the pipeline: AST in; it leaves the core instances, lifted exports and imports of the root behind, from
 * which link.c makes the program. Non-goals: merging, plans, anything at run time.
 *
 * Definitions are run in order, each pushing what it defines onto the index space of its sort. The model is that of a
 * language with closures:
 *
 *     entity           a small tagged reference to something with an index: twelve sorts, and values
 *     scope            the index spaces of a component, component type or instance type while its definitions run
 *     component        definitions + the scope that `outer` aliases see: run once per instantiation
 *     instance type,   declarations + the scope around: run each time that something abstract of the type is needed
 *     component type   (an import), that something real is matched against it (an argument), or that something real
 *                      is to be seen as it says (an ascription). Matching is running with the exports bound to what is
 *                      real instead of to something fresh, so substitution and the freshness of resource types cost no
 *                      code.
 *
 * One evaluator serves two ends. A *check* runs a component with abstract imports, to find what is invalid in it even
 * when nothing instantiates it; a *live* run is the root's, and those of the components that it instantiates: it
 * becomes a part of the program, and its core instances, lifted functions and resource types are recorded.
 *
 * Something valid that canonjit cannot run yet is noted, not failed on (cj__eval_unsupported): the evaluation goes
 * on, because what comes later may be invalid, and the first note becomes the result in the end.
 *
 * Files: link_eval.c spaces, tables, limits; link_component.c definitions, instances, aliases, imports and exports;
 * link_types.c type definitions; link_bind.c matching; link_visible.c external visibility; link_value.c values;
 * link_core.c core types, modules and instances; link_canon.c canonical definitions.
 */
#ifndef CJ_LINK_LINK_EVAL_H
#define CJ_LINK_LINK_EVAL_H

#include "base/arena.h"
#include "component/ast.h"
#include "component/types.h"
#include "link/core_module.h"
#include "link/program.h"

typedef struct cj_eval cj_eval;
typedef struct cj_scope cj_scope;

/* -- Entities ---------------------------------------------------------------------------------------------------- */

typedef struct cj_core_item cj_core_item;
typedef struct cj_core_typeval cj_core_typeval;
typedef struct cj_module cj_module;
typedef struct cj_core_inst cj_core_inst;
typedef struct cj_func_val cj_func_val;
typedef struct cj_type_val cj_type_val;
typedef struct cj_component_val cj_component_val;
typedef struct cj_instance_val cj_instance_val;

typedef struct cj_entity {
    cj_sort sort;
    union {
        const cj_core_item *item; /* CORE_FUNC, CORE_TABLE, CORE_MEMORY, CORE_GLOBAL, CORE_TAG */
        const cj_core_typeval *core_type;
        const cj_module *module;
        const cj_core_inst *core_instance;
        const cj_func_val *func;
        const cj_type_val *type; /* of VALUE: its type */
        const cj_component_val *component;
        const cj_instance_val *instance;
        const void *any;
    } of;
} cj_entity;

/* Entities by name, in the order in which they were added. */
typedef struct cj_named {
    cj_str name;
    cj_entity entity;
    uint64_t offset;
} cj_named;

typedef struct cj_names {
    cj_named *at;
    uint32_t len, cap;
    uint32_t *slots; /* open addressing, entry number + 1; NULL while there are few */
    uint32_t slot_count;
} cj_names;

/* -- Core entities ----------------------------------------------------------------------------------------------- */

/* The type of a core function, table, memory, global or tag. */
typedef struct cj_core_desc {
    cj_sort sort;
    bool unknown;          /* has types that cj_core has no names for: nothing but the sort is known */
    cj_core_functype func; /* FUNC, TAG */
    cj_ast_limits limits;  /* TABLE, MEMORY */
    uint8_t value_type;    /* TABLE, GLOBAL */
    bool is_mutable;       /* GLOBAL */
} cj_core_desc;

typedef enum cj_core_origin {
    CJ_CORE_DEFINED,  /* by a module's instance */
    CJ_CORE_LOWERED,  /* canon lower */
    CJ_CORE_BUILTIN,  /* any other canon */
    CJ_CORE_ABSTRACT, /* exported by an instance of an imported module */
} cj_core_origin;

/* Canonical options, their indices resolved. */
typedef struct cj_canon_opts {
    cj_encoding encoding;
    bool is_async;
    const cj_core_item *memory, *realloc, *post_return, *callback; /* or NULL */
} cj_canon_opts;

struct cj_core_item {
    cj_core_desc type;
    cj_core_origin origin;
    const cj_core_inst *instance; /* DEFINED: never an import that it exports again, but who defines it */
    uint32_t index;               /* DEFINED: in its index space */
    const cj_func_val *func;      /* LOWERED */
    cj_canon_opts opts;           /* LOWERED */
    cj_canon_kind canon;          /* BUILTIN */
    uint32_t resource;            /* BUILTIN, resource.*: which type */
    const char *gate;             /* why it cannot run: "async"; or NULL */
    uint64_t offset;              /* LOWERED, BUILTIN */
};

struct cj_core_typeval {
    cj_ast_coretypedef_kind kind;
    cj_core_functype func;   /* FUNC */
    bool opaque;             /* FUNC: with types that cj_core has no name for */
    const cj_module *module; /* MODULE: an abstract one of that type */
};

typedef struct cj_module_import {
    cj_str module, name;
    cj_core_desc type;
    uint64_t offset;
} cj_module_import;

struct cj_module {
    const cj_core_outline *outline; /* NULL: known by its type only */
    /* No outline, for the module has types that canonjit has no names for: imports and exports are unknown. NULL: no. */
    const cj_error *opaque;
    uint64_t offset;
    cj_str import; /* without outline: as what the root imports it; "" when it does not */
    cj_module_import *imports;
    uint32_t import_count;
    cj_names import_names; /* by both names together; `of.any` is the cj_module_import */
    cj_names exports;      /* without an outline: items, ABSTRACT */
    uint32_t
        *import_of[5]; /* with one: import number of each imported func, table, memory, global, tag, by its index */
};

struct cj_core_inst {
    const cj_module *module;      /* NULL: inline exports */
    const cj_core_item **imports; /* one per import of the module */
    cj_names exports;             /* of inline ones */
    bool live;
    uint32_t number; /* live ones: position in cj_eval.core_instances */
    uint32_t part;   /* live ones: the component instance */
    uint64_t offset;
};

/* -- Component-level entities ------------------------------------------------------------------------------------ */

typedef enum cj_type_val_kind {
    CJ_TYPE_VALUE,
    CJ_TYPE_FUNC,
    CJ_TYPE_RESOURCE,
    CJ_TYPE_INSTANCE,
    CJ_TYPE_COMPONENT
} cj_type_val_kind;

/* A type: what it is, and which definition, import or export brought it into its scope. Most rules go by the first;
 * external visibility and annotated names go by the second, the `identity`. */
struct cj_type_val {
    cj_type_val_kind kind;
    cj_deftype_kind def;         /* VALUE: how it was defined */
    const cj_type *value;        /* VALUE */
    const cj_functype *func;     /* FUNC */
    uint32_t resource;           /* RESOURCE: which */
    uint32_t min_resource;       /* the oldest resource type that it mentions, or CJ_NO_RESOURCE */
    uint32_t identity;           /* never 0 */
    const cj_type_val *original; /* what this is but another name of; NULL: nothing */
    /* The types that the definition refers to by index, NULL for primitives: VALUE: members, or of own and borrow the
     * resource; FUNC: parameters, then the result if there is one. */
    const cj_type_val *const *uses;
    uint32_t use_count;
    const cj_scope *defined_in;    /* RESOURCE: the component run that defined it; NULL: imported or abstract */
    bool rep64;                    /* RESOURCE: represented by i64 */
    const cj_type_val *underlying; /* RESOURCE: what an ascription made opaque; NULL: none did */
    cj_str interface, name;        /* RESOURCE of a live run: under which its component exports it, once it does */
    const cj_ast_decls *decls;     /* INSTANCE, COMPONENT: the closure */
    cj_scope *outer;
    bool is_closed;       /* INSTANCE, COMPONENT: `free` and `min_resource` are known: it was defined in a check */
    const uint32_t *free; /* the resource types around it that it mentions */
    uint32_t free_count;
};

typedef enum cj_func_origin {
    CJ_FUNC_HOST, /* imported by the root */
    CJ_FUNC_LIFTED,
    CJ_FUNC_ABSTRACT, /* in checks: imported */
} cj_func_origin;

struct cj_func_val {
    cj_func_origin origin;
    const cj_type_val *type;
    uint32_t import;          /* HOST: position in cj_eval.imports */
    const cj_core_item *core; /* LIFTED */
    cj_canon_opts opts;       /* LIFTED */
    uint32_t part;            /* LIFTED in a live run: by which component instance; else CJ_NONE */
    cj_str interface, name;   /* LIFTED in a live run: under which its component exports it, once it does */
    const char *gate;         /* why it cannot run, beyond its type; or NULL */
    uint64_t offset;
    const cj_func_val *real; /* what this is a view of, by another name of its type; NULL: of nothing */
};

struct cj_component_val {
    const cj_ast_component *ast;  /* or, when it is imported, */
    const cj_type_val *type;      /* its type */
    const cj_component_val *real; /* type: a view of this, which shows what the type does and no more */
    cj_str import;                /* neither: as what the root imports it; "" when it does not */
    cj_scope *outer;
    uint64_t offset;
};

struct cj_instance_val {
    cj_names exports;
    uint32_t min_resource; /* of what it exports */
    uint32_t identity;     /* numbered with the types */
};

/* A set of numbers. */
typedef struct cj_id_set {
    uint64_t *slots; /* open addressing, number + 1 */
    uint32_t len, slot_count;
} cj_id_set;

/* -- Scopes ------------------------------------------------------------------------------------------------------ */

typedef enum cj_scope_kind { CJ_SCOPE_COMPONENT, CJ_SCOPE_COMPONENT_TYPE, CJ_SCOPE_INSTANCE_TYPE } cj_scope_kind;

typedef struct cj_index_space {
    cj_entity *at;
    uint32_t len, cap;
} cj_index_space;

struct cj_scope {
    cj_scope_kind kind;
    bool is_root;
    bool live;     /* what it defines is recorded: it is part `part` of the program */
    uint32_t part; /* or CJ_NONE */
    bool check;    /* nested definitions are run for their own sake */
    cj_scope *outer;
    cj_index_space spaces[CJ_SORT_COUNT];
    cj_names imports, exports;
    cj_id_set visible;       /* link_visible.c */
    uint32_t first_resource; /* that can come from the scope: older ones come from around it */
    cj_id_set values_used;   /* by their index */
    uint8_t context_type;    /* of context.get and context.set, one per component; 0: not used yet */
};

/* -- The evaluator ----------------------------------------------------------------------------------------------- */

typedef struct cj_host_import {
    cj_str interface, name; /* interface: "" for the root's own */
    const cj_type_val *type;
} cj_host_import;

typedef struct cj_root_export {
    cj_str interface, name;
    const cj_func_val *func;
    uint64_t offset;
} cj_root_export;

/* A type with a name that the root imports or exports: for people. */
typedef struct cj_root_type {
    cj_str interface, name;
    bool is_export;
    const cj_type_val *type;
    uint32_t before; /* number of cj_eval.imports, or exports, that stand before it in the file */
} cj_root_type;

/* A live run of a component's definitions. */
typedef struct cj_live_part {
    uint32_t parent; /* CJ_NONE: the root */
    uint64_t offset;
    uint32_t begin; /* number of live core instances that came before it */
} cj_live_part;

/* A resource type that is more than a name in a check: one that a live run defines, one that the host gives, or
 * another number for an older one, which an ascription made opaque. */
typedef struct cj_live_resource {
    uint32_t resource;
    uint32_t underlying;      /* the older one; 0: */
    uint32_t part;            /* that defines it; CJ_NONE: the host */
    const cj_core_item *dtor; /* or NULL */
    const cj_type_val *type;  /* has the names */
    uint64_t offset;
} cj_live_resource;

struct cj_eval {
    const cj_given *given; /* core modules and components for the root's imports */
    bool *given_used;
    size_t given_count;
    cj_str not_given; /* the first import for which there was none; "" */
    const cj_config *config;
    const cj_allocator *alloc;
    cj_types *types;
    cj_arena *arena;
    cj_error *err; /* never NULL */
    uint64_t seed;
    uint64_t work; /* counted against max_definitions */
    uint32_t depth;
    uint32_t resource_count, identity_count;
    cj_names modules; /* parsed ones, by the address of their bytes */
    bool has_unsupported;
    cj_error unsupported;
    /* Of live runs, in order. */
    CJ_VEC(cj_live_part) parts;
    CJ_VEC(const cj_core_inst *) core_instances;
    CJ_VEC(const cj_func_val *) lifts;
    CJ_VEC(cj_live_resource) resources; /* by number, with gaps */
    /* The root's. */
    CJ_VEC(cj_host_import) imports;
    CJ_VEC(cj_root_export) exports;
    CJ_VEC(cj_root_type) named_types;
};

/* Runs a root component: check and live run in one. All that it leaves is valid until cj__eval_fini. */
cj_status cj__eval_init(cj_eval *, const cj_config *, cj_types *, cj_error *err);
cj_status cj__eval_root(cj_eval *, const cj_ast *);
/* After linking, which gave `status`: validates the function bodies that the merger has not. What is invalid counts
 * more than what is unsupported, with which linking may have ended. */
cj_status cj__eval_finish(cj_eval *, cj_status status);
void cj__eval_fini(cj_eval *);

/* -- link_eval.c ------------------------------------------------------------------------------------------------- */

/* Counts `n` definitions' worth of work: CJ_LIMIT max_definitions. */
cj_status cj__eval_charge(cj_eval *, uint64_t n, uint64_t offset);
/* One level deeper into components or component types: CJ_LIMIT max_component_depth. Undo with ev->depth--. */
cj_status cj__eval_enter(cj_eval *, uint64_t offset);
/* Notes that something valid cannot run; the first note counts. */
void cj__eval_unsupported(cj_eval *, uint64_t offset, const char *format, ...) CJ_PRINTF(3, 4);
/* The same with an error that was made before. */
void cj__eval_unsupported_error(cj_eval *, const cj_error *);
cj_status cj__eval_nomem(cj_eval *);

void *cj__eval_alloc(cj_eval *, size_t count, size_t size); /* zeroed; NULL with the error filled */
#define CJ_EVAL_NEW(ev, T) ((T *)cj__eval_alloc((ev), 1, sizeof(T)))
#define CJ_EVAL_ARRAY(ev, T, count) ((T *)cj__eval_alloc((ev), (count), sizeof(T)))

cj_scope *cj__scope_new(cj_eval *, cj_scope_kind, cj_scope *outer, uint64_t offset);
cj_status cj__scope_push(cj_eval *, cj_scope *, cj_entity);
/* "outer#inner", or `inner` when there is no outer. */
cj_status cj__eval_join_path(cj_eval *, cj_str outer, cj_str inner, cj_str *out);
/* The entity at an index, which must be defined already. */
cj_status cj__scope_get(cj_eval *, const cj_scope *, cj_sort, uint32_t index, uint64_t offset, cj_entity *out);
/* The scope `count` levels out; `crosses`: whether a component's boundary lies between. */
cj_status cj__scope_outward(cj_eval *, cj_scope *, uint32_t count, uint64_t offset, cj_scope **out, bool *crosses);

/* CJ_INVALID when the name is there already: "WHAT `name` is given twice". The name is not copied. */
cj_status cj__names_add(cj_eval *, cj_names *, cj_str name, cj_entity, uint64_t offset, const char *what);
const cj_named *cj__names_find(const cj_eval *, const cj_names *, cj_str name);

/* The oldest resource type that an entity's type mentions, or any of the names' entities. */
uint32_t cj__entity_min_resource(cj_entity);
uint32_t cj__names_min_resource(const cj_names *);
static inline uint32_t cj__min_resource(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

bool cj__id_set_has(const cj_id_set *, uint64_t id);
cj_status cj__id_set_add(cj_eval *, cj_id_set *, uint64_t id);

/* -- link_component.c -------------------------------------------------------------------------------------------- */

/* How the imports of a component are filled: by name from `args`, or, with NULL, by something abstract of their
 * type. */
typedef struct cj_run {
    const cj_names *args;
    bool live, check, is_root;
    uint32_t parent; /* live: the component instance that asks for it */
    uint64_t offset; /* of the definition that does */
} cj_run;

/* Runs a component's definitions, or an abstract component's declarations; `out` has its exports. */
cj_status cj__eval_component(cj_eval *, const cj_component_val *, const cj_run *, cj_scope **out);
cj_status cj__eval_alias(cj_eval *, cj_scope *, const cj_ast_alias *, uint64_t offset);
cj_status cj__eval_inst_new(cj_eval *, cj_names exports, cj_entity *out);
/* The rules for names like [method]r.f: `names` has what came before in the scope; NULL: it names no types. */
cj_status cj__eval_check_annotated(cj_eval *, const cj_names *, cj_str name, cj_entity, uint64_t offset);

/* -- link_types.c ------------------------------------------------------------------------------------------------ */

cj_status cj__eval_typedef(cj_eval *, cj_scope *, const cj_ast_typedef *, const cj_type_val **out);
/* `use` gets the definition, or NULL for a primitive. Both are NULL for a type that is not there. */
cj_status cj__eval_valtype(cj_eval *, const cj_scope *, const cj_ast_valtype *, const cj_type **out,
                           const cj_type_val **use);
/* The same for a value: fills in a new VALUE type, which uses the definition. */
cj_status cj__eval_value_type(cj_eval *, const cj_scope *, const cj_ast_valtype *, cj_type_val *);
/* The type at an index, which must be of a kind ("a function type" in words). */
cj_status cj__eval_get_type(cj_eval *, const cj_scope *, uint32_t index, uint64_t offset, cj_type_val_kind,
                            const char *wanted, const cj_type_val **out);
/* A type with an identity of its own; `original` NULL: and with nothing else yet. */
cj_type_val *cj__eval_type_new(cj_eval *, cj_type_val_kind, const cj_type_val *original);
/* A new abstract resource type; `underlying` may be NULL. */
cj_type_val *cj__eval_resource_new(cj_eval *, const cj_type_val *underlying);
/* "a record type", "a function type"; for errors. */
const char *cj__type_val_text(const cj_type_val *);
void cj__type_val_format(const cj_type_val *, char *buffer, size_t size);
#define CJ_TYPE_ROOM 88 /* bytes of each of the two types in an error */
/* What of a function's type keeps it from running: "async function types", "streams"; NULL: nothing. */
const char *cj__functype_gate(const cj_type_val *);
const char *cj__sort_text(cj_sort); /* "a function", "an instance" */

/* -- link_bind.c ------------------------------------------------------------------------------------------------- */

/* What becomes of a declared type: of an import, an export or an argument. */
typedef enum cj_bind_mode {
    CJ_BIND_ABSTRACT, /* something of the type, which nothing else is known of */
    CJ_BIND_MATCH,    /* the actual entity, which must be of the type; its resource types are what they are */
    /* the actual entity, known to match, with the type as its own: opaque resource types are new */
    CJ_BIND_VIEW,
} cj_bind_mode;

typedef struct cj_bind {
    cj_bind_mode mode;
    const cj_entity *actual; /* MATCH, VIEW */
    bool host;               /* ABSTRACT, and the host's to give: functions become imports of the program */
    cj_str interface, name;  /* host: as in cj_func_info; else for errors */
    uint64_t offset;
} cj_bind;
cj_status cj__eval_bind(cj_eval *, cj_scope *, const cj_ast_externtype *, const cj_bind *, cj_entity *out);
/* MATCH, then VIEW. */
cj_status cj__eval_ascribe(cj_eval *, cj_scope *, const cj_ast_externtype *, cj_entity actual, cj_str name,
                           uint64_t offset, cj_entity *out);

/* Runs the declarations of an instance or component type. */
typedef struct cj_decl_run {
    const cj_names *args;   /* imports, matched; NULL: abstract */
    const cj_names *actual; /* exports, bound as `bind` says; NULL: abstract */
    bool check;
    const cj_bind *bind; /* mode of exports, host, names, offset */
} cj_decl_run;
cj_status cj__eval_decls(cj_eval *, const cj_type_val *, const cj_decl_run *, cj_scope **out);
/* Runs an abstract component, or a view. */
cj_status cj__eval_abstract_component(cj_eval *, const cj_component_val *, const cj_run *, cj_scope **out);

/* -- link_visible.c ---------------------------------------------------------------------------------------------- */

/* "External Visibility of Types": all that an import or export of a component or component type refers to has a name
 * there already. Gives names to what it brings. */
cj_status cj__eval_check_visible(cj_eval *, cj_scope *, bool is_import, cj_str name, cj_entity, uint64_t offset);
/* Fills in `free` and `min_resource` of an instance or component type from a run of its declarations, which made all resource
 * types from number `fresh` on. */
cj_status cj__eval_free_resources(cj_eval *, const cj_scope *ran, uint32_t fresh, uint64_t offset, cj_type_val *);

/* -- link_value.c ------------------------------------------------------------------------------------------------ */

cj_status cj__eval_value(cj_eval *, cj_scope *, const cj_ast_valtype *, cj_bytes, uint64_t offset);
cj_status cj__eval_start(cj_eval *, cj_scope *, const cj_ast_start *, uint64_t offset);
/* The value at an index, which is used up thereby. */
cj_status cj__eval_use_value(cj_eval *, cj_scope *, uint32_t index, uint64_t offset, cj_entity *out);
/* All of a component's values must have been used. */
cj_status cj__eval_values_done(cj_eval *, const cj_scope *, uint64_t offset);

/* -- link_core.c ------------------------------------------------------------------------------------------------- */

cj_status cj__eval_module(cj_eval *, cj_bytes, const cj_module **out);
/* Pushes the one or more indices that the definition takes. */
cj_status cj__eval_core_typedef(cj_eval *, cj_scope *, const cj_ast_coretypedef *);
cj_status cj__eval_core_instance(cj_eval *, cj_scope *, const cj_ast_instance *, uint64_t offset,
                                 const cj_core_inst **out);
/* The export of a core instance. An opaque module has whatever is `wanted` of it. */
cj_status cj__core_inst_export(cj_eval *, const cj_core_inst *, cj_str name, cj_sort wanted, cj_entity *out,
                               bool *found);
/* CJ_INVALID when `actual` cannot stand in for `expected`: it may import less and export more. */
cj_status cj__eval_match_module(cj_eval *, const cj_module *expected, const cj_module *actual, const cj_bind *);
/* "(param i32 i32) (result i32)", cut to `size`. */
char *cj__core_functype_text(const cj_core_functype *, char *buffer, size_t size);

/* -- link_canon.c ------------------------------------------------------------------------------------------------ */

cj_status cj__eval_canon(cj_eval *, cj_scope *, const cj_ast_canon *, uint64_t offset);

#endif
