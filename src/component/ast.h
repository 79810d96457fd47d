/* ast.h: a component as its file has it: definitions in order, indices unresolved, everything with its file offset.
 *
 * Place in the pipeline: decode.c makes it from bytes, link/ runs it. The whole binary grammar is here, async, threads
 * and gated features included; what cannot run is refused later, by name.
 * Non-goals: index spaces, types as values, anything that needs to know what an index refers to.
 * Spec: design/mvp/Binary.md. Slices (cj_str, bytes) point into the file.
 *
 * What a decoded AST is known to satisfy, beyond the grammar, so that nobody checks it again:
 *   - labels and extern names are well-formed, and strongly unique in their type, component, component or instance type or
 *     bag of exports; annotated names stand on functions only, `implements` on instances with plain names only
 *   - records, variants, tuples, flags, enums and fixed-length lists are not empty; flags have 32 labels at most
 *   - canonical options occur once, where they may occur, and with those that they depend on
 *   - resource types are not defined inside component and instance types; aliases there are of the allowed sorts
 *   - exports are of component-level sorts or core modules; outer aliases of the allowed sorts
 *   - core modules are well-formed down to the order and sizes of their sections
 */
#ifndef CJ_COMPONENT_AST_H
#define CJ_COMPONENT_AST_H

#include "base/base.h"

typedef struct cj_bytes {
    const uint8_t *ptr;
    size_t len;
    uint64_t offset; /* in the file */
} cj_bytes;

/* -- Names --------------------------------------------------------------------------------------------------------- */

/* An import's or export's name with its attributes (both prefixes 00 and 01 mean "no attributes"; 02 has them). */
typedef struct cj_extern_name {
    cj_str name;
    bool has_implements, has_version_suffix, has_external_id;
    cj_str implements, version_suffix, external_id;
} cj_extern_name;

/* -- Sorts --------------------------------------------------------------------------------------------------------- */

/* X(NAME, core sort byte or -1, sort byte or -1, text). One enum for both: a core sort is `00 byte` where a sort is
 * meant. */
#define CJ_SORT_MAP(X) \
    X(CORE_FUNC, 0x00, -1, "core function") \
    X(CORE_TABLE, 0x01, -1, "core table") \
    X(CORE_MEMORY, 0x02, -1, "core memory") \
    X(CORE_GLOBAL, 0x03, -1, "core global") \
    X(CORE_TAG, 0x04, -1, "core tag") \
    X(CORE_TYPE, 0x10, -1, "core type") \
    X(CORE_MODULE, 0x11, -1, "core module") \
    X(CORE_INSTANCE, 0x12, -1, "core instance") \
    X(FUNC, -1, 0x01, "function") \
    X(VALUE, -1, 0x02, "value") \
    X(TYPE, -1, 0x03, "type") \
    X(COMPONENT, -1, 0x04, "component") \
    X(INSTANCE, -1, 0x05, "instance")

typedef enum cj_sort {
#define CJ_X(name, core, sort, text) CJ_SORT_##name,
    CJ_SORT_MAP(CJ_X)
#undef CJ_X
        CJ_SORT_COUNT
} cj_sort;
const char *cj__sort_name(cj_sort);

/* -- Types --------------------------------------------------------------------------------------------------------- */

/* A valtype: a primitive, or an index into the type space. */
typedef struct cj_ast_valtype {
    bool present; /* false: an omitted optional valtype */
    bool is_index;
    uint32_t index; /* when is_index */
    uint8_t prim;   /* else the byte: 0x7f bool .. 0x73 string, 0x64 error-context */
    uint64_t offset;
} cj_ast_valtype;

typedef struct cj_ast_labelled {
    cj_str label; /* "" where the construct has none */
    cj_ast_valtype type;
    uint64_t offset;
} cj_ast_labelled;

typedef struct cj_ast_labels {
    cj_ast_labelled *at;
    uint32_t len;
} cj_ast_labels;

struct cj_ast_decl;
typedef struct cj_ast_decls {
    struct cj_ast_decl *at;
    uint32_t len;
} cj_ast_decls;

/* Core types as far as component definitions can name them. */
typedef struct cj_ast_corefunc {
    const uint8_t *params, *results; /* value type bytes (cj_core) */
    uint32_t param_count, result_count;
    /* a type among them is not one of cj_core (a GC or typed reference): its byte is its encoding's first */
    bool opaque;
} cj_ast_corefunc;

typedef struct cj_ast_limits {
    bool has_max, shared, is64;
    uint64_t min, max;
} cj_ast_limits;

/* A core import or export's type, in core modules and in module types alike. */
typedef struct cj_ast_coretype {
    cj_sort sort;         /* CORE_FUNC, TABLE, MEMORY, GLOBAL, TAG */
    uint32_t func_type;   /* FUNC, TAG: index into the enclosing core type space */
    cj_ast_limits limits; /* TABLE, MEMORY */
    uint8_t value_type;   /* TABLE: element type; GLOBAL: content */
    bool opaque;          /* value_type is not one of cj_core */
    bool is_mutable;      /* GLOBAL */
} cj_ast_coretype;

typedef enum cj_ast_moduledecl_kind {
    CJ_MODULEDECL_IMPORT,
    CJ_MODULEDECL_TYPE,
    CJ_MODULEDECL_ALIAS,
    CJ_MODULEDECL_EXPORT,
} cj_ast_moduledecl_kind;

struct cj_ast_coretypedef;
typedef struct cj_ast_moduledecl {
    cj_ast_moduledecl_kind kind;
    uint64_t offset;
    cj_str module, name;                 /* IMPORT: both; EXPORT: name */
    cj_ast_coretype type;                /* IMPORT, EXPORT */
    struct cj_ast_coretypedef *typedef_; /* TYPE */
    uint32_t alias_count, alias_index;   /* ALIAS: outer core type */
} cj_ast_moduledecl;

typedef enum cj_ast_coretypedef_kind {
    CJ_CORETYPE_FUNC,
    CJ_CORETYPE_MODULE,
    CJ_CORETYPE_OTHER, /* struct, array, rec, sub, shared: decoded over, `unsupported: GC types` where used */
} cj_ast_coretypedef_kind;

typedef struct cj_ast_coretypedef {
    cj_ast_coretypedef_kind kind;
    uint64_t offset;
    cj_ast_corefunc func;
    cj_ast_moduledecl *decls; /* MODULE */
    uint32_t decl_count;
    uint32_t type_count; /* how many indices of the core type space it takes: 1, or the size of a rec group */
} cj_ast_coretypedef;

/* X(NAME, byte, text): type definitions other than primitives. */
#define CJ_DEFTYPE_MAP(X) \
    X(PRIM, 0x00, "primitive") \
    X(RECORD, 0x72, "record") \
    X(VARIANT, 0x71, "variant") \
    X(LIST, 0x70, "list") \
    X(FIXED_LIST, 0x67, "fixed-length list") \
    X(TUPLE, 0x6f, "tuple") \
    X(FLAGS, 0x6e, "flags") \
    X(ENUM, 0x6d, "enum") \
    X(OPTION, 0x6b, "option") \
    X(RESULT, 0x6a, "result") \
    X(OWN, 0x69, "own") \
    X(BORROW, 0x68, "borrow") \
    X(STREAM, 0x66, "stream") \
    X(FUTURE, 0x65, "future") \
    X(MAP, 0x63, "map") \
    X(RESOURCE, 0x3f, "resource") \
    X(FUNC, 0x40, "function type") \
    X(ASYNC_FUNC, 0x43, "async function type") \
    X(COMPONENT, 0x41, "component type") \
    X(INSTANCE, 0x42, "instance type")

typedef enum cj_deftype_kind {
#define CJ_X(name, byte, text) CJ_DEFTYPE_##name,
    CJ_DEFTYPE_MAP(CJ_X)
#undef CJ_X
        CJ_DEFTYPE_COUNT
} cj_deftype_kind;

typedef struct cj_ast_typedef {
    cj_deftype_kind kind;
    uint64_t offset;
    /* PRIM (the type itself), LIST, FIXED_LIST, OPTION, STREAM, FUTURE; RESULT's ok, MAP's key, FUNC's result */
    cj_ast_valtype elem;
    cj_ast_valtype second; /* RESULT's error, MAP's value */
    cj_ast_labels labels;  /* RECORD, VARIANT, TUPLE, FLAGS, ENUM, FUNC's parameters */
    uint32_t index;        /* OWN, BORROW: type index; FIXED_LIST: length */
    uint8_t rep;           /* RESOURCE: core type byte of the representation */
    bool has_dtor;         /* RESOURCE */
    uint32_t dtor;         /* core function index */
    cj_ast_decls decls;    /* COMPONENT, INSTANCE */
} cj_ast_typedef;

/* externtype: what an import or an export declaration promises. */
typedef enum cj_bound {
    CJ_BOUND_EQ,   /* type: eq index; value: eq */
    CJ_BOUND_SUB,  /* type: sub resource */
    CJ_BOUND_TYPE, /* value: of a type */
} cj_bound;

typedef struct cj_ast_externtype {
    cj_sort sort;         /* CORE_MODULE, FUNC, VALUE, TYPE, COMPONENT, INSTANCE */
    uint32_t index;       /* of the type; TYPE with EQ: the type; VALUE with EQ: the value */
    cj_bound bound;       /* TYPE, VALUE */
    cj_ast_valtype value; /* VALUE with CJ_BOUND_TYPE */
    uint64_t offset;
} cj_ast_externtype;

/* -- Aliases, instances -------------------------------------------------------------------------------------------- */

typedef enum cj_alias_kind { CJ_ALIAS_EXPORT, CJ_ALIAS_CORE_EXPORT, CJ_ALIAS_OUTER } cj_alias_kind;

typedef struct cj_ast_alias {
    cj_sort sort;
    cj_alias_kind kind;
    uint32_t instance; /* EXPORT, CORE_EXPORT */
    cj_str name;
    uint32_t outer_count, outer_index; /* OUTER */
} cj_ast_alias;

typedef struct cj_ast_arg { /* instantiation argument or inline export */
    cj_extern_name name;    /* core forms use name.name only */
    cj_sort sort;
    uint32_t index;
    uint64_t offset;
} cj_ast_arg;

typedef struct cj_ast_instance { /* core:instance and instance alike */
    bool is_inline;              /* inline exports; else instantiate */
    uint32_t target;             /* module or component index */
    cj_ast_arg *args;
    uint32_t arg_count;
} cj_ast_instance;

/* -- Canonical definitions ----------------------------------------------------------------------------------------- */

/* X(NAME, byte, text, gate). `gate` is what the feature is called in "unsupported: ..." ("" = runs today or soon). */
#define CJ_CANON_MAP(X) \
    X(LIFT, 0x00, "canon lift", "") \
    X(LOWER, 0x01, "canon lower", "") \
    X(RESOURCE_NEW, 0x02, "resource.new", "") \
    X(RESOURCE_DROP, 0x03, "resource.drop", "") \
    X(RESOURCE_REP, 0x04, "resource.rep", "") \
    X(TASK_CANCEL, 0x05, "task.cancel", "async") \
    X(SUBTASK_CANCEL, 0x06, "subtask.cancel", "async") \
    X(TASK_RETURN, 0x09, "task.return", "async") \
    X(CONTEXT_GET, 0x0a, "context.get", "async") \
    X(CONTEXT_SET, 0x0b, "context.set", "async") \
    X(THREAD_YIELD, 0x0c, "thread.yield", "async") \
    X(SUBTASK_DROP, 0x0d, "subtask.drop", "async") \
    X(STREAM_NEW, 0x0e, "stream.new", "async") \
    X(STREAM_READ, 0x0f, "stream.read", "async") \
    X(STREAM_WRITE, 0x10, "stream.write", "async") \
    X(STREAM_CANCEL_READ, 0x11, "stream.cancel-read", "async") \
    X(STREAM_CANCEL_WRITE, 0x12, "stream.cancel-write", "async") \
    X(STREAM_DROP_READABLE, 0x13, "stream.drop-readable", "async") \
    X(STREAM_DROP_WRITABLE, 0x14, "stream.drop-writable", "async") \
    X(FUTURE_NEW, 0x15, "future.new", "async") \
    X(FUTURE_READ, 0x16, "future.read", "async") \
    X(FUTURE_WRITE, 0x17, "future.write", "async") \
    X(FUTURE_CANCEL_READ, 0x18, "future.cancel-read", "async") \
    X(FUTURE_CANCEL_WRITE, 0x19, "future.cancel-write", "async") \
    X(FUTURE_DROP_READABLE, 0x1a, "future.drop-readable", "async") \
    X(FUTURE_DROP_WRITABLE, 0x1b, "future.drop-writable", "async") \
    X(ERROR_CONTEXT_NEW, 0x1c, "error-context.new", "error-context") \
    X(ERROR_CONTEXT_DEBUG_MESSAGE, 0x1d, "error-context.debug-message", "error-context") \
    X(ERROR_CONTEXT_DROP, 0x1e, "error-context.drop", "error-context") \
    X(WAITABLE_SET_NEW, 0x1f, "waitable-set.new", "async") \
    X(WAITABLE_SET_WAIT, 0x20, "waitable-set.wait", "async") \
    X(WAITABLE_SET_POLL, 0x21, "waitable-set.poll", "async") \
    X(WAITABLE_SET_DROP, 0x22, "waitable-set.drop", "async") \
    X(WAITABLE_JOIN, 0x23, "waitable.join", "async") \
    X(BACKPRESSURE_INC, 0x24, "backpressure.inc", "async") \
    X(BACKPRESSURE_DEC, 0x25, "backpressure.dec", "async") \
    X(THREAD_INDEX, 0x26, "thread.index", "threads") \
    X(THREAD_NEW_INDIRECT, 0x27, "thread.new-indirect", "threads") \
    X(THREAD_RESUME_LATER, 0x28, "thread.resume-later", "threads") \
    X(THREAD_SUSPEND, 0x29, "thread.suspend", "threads") \
    X(THREAD_SUSPEND_THEN_RESUME, 0x2a, "thread.suspend-then-resume", "threads") \
    X(THREAD_YIELD_THEN_RESUME, 0x2b, "thread.yield-then-resume", "threads") \
    X(THREAD_SUSPEND_THEN_PROMOTE, 0x2c, "thread.suspend-then-promote", "threads") \
    X(THREAD_YIELD_THEN_PROMOTE, 0x2d, "thread.yield-then-promote", "threads") \
    X(THREAD_SPAWN_REF, 0x40, "thread.spawn-ref", "shared threads") \
    X(THREAD_SPAWN_INDIRECT, 0x41, "thread.spawn-indirect", "shared threads") \
    X(THREAD_AVAILABLE_PARALLELISM, 0x42, "thread.available-parallelism", "shared threads")

typedef enum cj_canon_kind {
#define CJ_X(name, byte, text, gate) CJ_CANON_##name,
    CJ_CANON_MAP(CJ_X)
#undef CJ_X
        CJ_CANON_COUNT
} cj_canon_kind;
const char *cj__canon_name(cj_canon_kind);
const char *cj__canon_gate(cj_canon_kind);

typedef enum cj_encoding { CJ_UTF8, CJ_UTF16, CJ_LATIN1_UTF16 } cj_encoding;

typedef struct cj_ast_canonopts {
    cj_encoding encoding; /* CJ_UTF8 unless given */
    bool has_encoding, has_memory, has_realloc, has_post_return, has_callback, is_async;
    uint32_t memory, realloc, post_return, callback;
    uint64_t offset;
} cj_ast_canonopts;

typedef struct cj_ast_canon {
    cj_canon_kind kind;
    uint32_t func; /* LIFT: core function; LOWER: function */
    /* LIFT: function type; RESOURCE_*: resource; STREAM_*, FUTURE_*: type; THREAD_*: core type */
    uint32_t type;
    cj_ast_canonopts opts;
    cj_ast_valtype result; /* TASK_RETURN; CONTEXT_*: `prim` is the core type's byte, 0x7f i32 or 0x7e i64 */
    uint32_t immediate;    /* CONTEXT_*: slot; THREAD_*_INDIRECT: table; WAITABLE_SET_WAIT, POLL: memory */
    bool flag;             /* the `async?`, `cancel?` or `shared?` byte */
} cj_ast_canon;

/* -- Definitions --------------------------------------------------------------------------------------------------- */

struct cj_ast_component;

typedef enum cj_def_kind {
    CJ_DEF_CORE_MODULE,
    CJ_DEF_CORE_INSTANCE,
    CJ_DEF_CORE_TYPE,
    CJ_DEF_COMPONENT,
    CJ_DEF_INSTANCE,
    CJ_DEF_ALIAS,
    CJ_DEF_TYPE,
    CJ_DEF_CANON,
    CJ_DEF_START,
    CJ_DEF_IMPORT,
    CJ_DEF_EXPORT,
    CJ_DEF_VALUE,
} cj_def_kind;

typedef struct cj_ast_import {
    cj_extern_name name;
    cj_ast_externtype type;
} cj_ast_import;

typedef struct cj_ast_export {
    cj_extern_name name;
    cj_sort sort;
    uint32_t index;
    bool has_type;
    cj_ast_externtype type;
} cj_ast_export;

typedef struct cj_ast_start {
    uint32_t func;
    uint32_t *args;
    uint32_t arg_count, result_count; /* results: 0 or 1 */
} cj_ast_start;

typedef struct cj_ast_def {
    cj_def_kind kind;
    uint64_t offset;
    union {
        cj_bytes module;                    /* CORE_MODULE: the whole module with its preamble */
        struct cj_ast_component *component; /* COMPONENT */
        cj_ast_instance instance;           /* CORE_INSTANCE, INSTANCE */
        cj_ast_coretypedef *core_type;
        cj_ast_alias alias;
        cj_ast_typedef *type;
        cj_ast_canon *canon;
        cj_ast_start start;
        cj_ast_import *import;
        cj_ast_export *export_;
        struct {
            cj_ast_valtype type;
            cj_bytes bytes;
        } value;
    } of;
} cj_ast_def;

/* A declaration inside a component or instance type. */
typedef enum cj_decl_kind {
    CJ_DECL_CORE_TYPE,
    CJ_DECL_TYPE,
    CJ_DECL_ALIAS,
    CJ_DECL_IMPORT,
    CJ_DECL_EXPORT,
} cj_decl_kind;

typedef struct cj_ast_decl {
    cj_decl_kind kind;
    uint64_t offset;
    union {
        cj_ast_coretypedef *core_type;
        cj_ast_typedef *type;
        cj_ast_alias alias;
        cj_ast_import *import; /* IMPORT; EXPORT has the same form: name and externtype */
    } of;
} cj_ast_decl;

typedef struct cj_ast_component {
    uint64_t offset; /* of its preamble in the file */
    size_t size;
    uint32_t depth; /* 0: the root */
    cj_ast_def *defs;
    uint32_t def_count;
    cj_str debug_name; /* of the component-name section, or "" */
} cj_ast_component;

/* The AST with all its memory, one arena; the file is borrowed. */
typedef struct cj_ast {
    cj_ast_component root;
    cj_bytes file;
    cj_arena *arena;
} cj_ast;

/* Decodes a whole component. `config` gives the limits and the allocator; NULL means defaults. CJ_MALFORMED with
 * offset and what was expected; CJ_INVALID; CJ_LIMIT; CJ_NO_MEMORY. Delete with cj__ast_delete. What is inside the
 * sections of core modules is not looked at. max_definitions counts everything that takes a place in the AST:
 * definitions, declarations, members of types, arguments and inline exports; memory is in proportion to it and to the
 * file's size. `bytes` must live, and not change, as long as the AST. */
cj_status cj__ast_decode(const cj_config *config, const uint8_t *bytes, size_t size, cj_ast **out, cj_error *err);
void cj__ast_delete(cj_ast *);

#endif
