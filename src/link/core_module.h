/* core_module.h: a core module's outline: everything but its instructions.
 *
 * Place in the pipeline: parsed from a component's core module sections; link.c resolves imports and exports with it,
 * merge.c rewrites the module from it. All of the core specification's rules outside of function bodies are checked
 * here.
 * Non-goals: function bodies (merge_scan.c validates them). Slices point into the component's bytes.
 */
#ifndef CJ_LINK_CORE_MODULE_H
#define CJ_LINK_CORE_MODULE_H

#include "component/ast.h"
#include "component/types.h"

typedef struct cj_core_functype {
    const uint8_t *params, *results; /* value type bytes, cj_core */
    uint32_t param_count, result_count;
} cj_core_functype;
bool cj__core_functype_equal(const cj_core_functype *, const cj_core_functype *);
/* Of `realloc` for a memory with 32-bit addresses. */
extern const cj_core_functype cj__core_realloc_type;

typedef struct cj_core_import {
    cj_str module, name;
    cj_ast_coretype type; /* CORE_FUNC: func_type indexes cj_core_outline.types */
    uint32_t index;       /* in the index space of its sort */
    uint64_t offset;
} cj_core_import;

typedef struct cj_core_export {
    cj_str name;
    cj_sort sort; /* CORE_FUNC, CORE_TABLE, CORE_MEMORY, CORE_GLOBAL, CORE_TAG */
    uint32_t index;
} cj_core_export;

/* A constant expression: its bytes with the `end`. */
typedef struct cj_core_global {
    uint8_t type;
    bool is_mutable;
    bool imported;
    cj_bytes init; /* defined ones */
} cj_core_global;

typedef struct cj_core_elem {
    uint32_t flags; /* the format's, 0..7 */
    uint32_t table;
    cj_bytes offset_expr; /* active */
    uint8_t ref_type;
    uint32_t count;
    cj_bytes items; /* as in the file: indices, or expressions when flags & 4 */
} cj_core_elem;

typedef struct cj_core_data {
    uint32_t flags; /* 0 active, 1 passive, 2 active with a memory index */
    cj_bytes offset_expr;
    cj_bytes bytes;
} cj_core_data;

typedef struct cj_core_outline {
    cj_bytes file;
    cj_core_functype *types;
    cj_core_import *imports;
    uint32_t *func_types;               /* type index of every function, imported ones first */
    cj_ast_coretype *tables, *memories; /* imported ones first */
    cj_core_global *globals;
    cj_core_export *exports;
    cj_core_elem *elems;
    cj_core_data *datas;
    cj_bytes *bodies; /* of defined functions: locals and code, without the size */
    uint32_t type_count, import_count, func_count, table_count, memory_count, global_count, tag_count, export_count;
    uint32_t elem_count, data_count, body_count;
    uint32_t imported_funcs, imported_tables, imported_memories, imported_globals, imported_tags;
    bool has_start, has_data_count;
    uint32_t start;
    cj_bytes names;                 /* content of the name section, or empty */
    uint32_t *tag_types;            /* type index of every tag, imported ones first */
    const cj_core_export **by_name; /* the exports, sorted */
    /* A proposal that the module uses outside of its bodies and that canonjit cannot run: "core exceptions", "core
     * memory64", "core multi-memory", "core threads", "core custom page sizes"; NULL: none. Such a module can still be
     * type-checked; cj__merge refuses it. */
    const char *unsupported;
    uint64_t unsupported_offset;
} cj_core_outline;

/* Memory of the outline comes from `arena`. CJ_MALFORMED, CJ_INVALID, CJ_LIMIT (max_definitions, max_params,
 * max_name_length), with file offsets; CJ_UNSUPPORTED by name for what an outline cannot represent: "core GC types",
 * "core typed function references". */
cj_status cj__core_outline(const cj_config *, cj_bytes module, cj_arena *arena, cj_core_outline *out, cj_error *err);
/* Validates the function bodies of a module that is not merged with others (merge_scan.c, which cj__merge uses too).
 * CJ_MALFORMED, CJ_INVALID, CJ_LIMIT; CJ_UNSUPPORTED for what canonjit cannot run, which is then not validated. */
cj_status cj__core_check_bodies(const cj_config *, const cj_core_outline *, cj_error *err);
/* By name; NULL when there is none. By bisection: modules with thousands of exports occur. */
const cj_core_export *cj__core_find_export(const cj_core_outline *, cj_str name);

static inline bool cj__core_is_ref(uint8_t type)
{
    return type == CJ_CORE_FUNCREF || type == CJ_CORE_EXTERNREF;
}

/* Reads a value type; proposals' types are CJ_UNSUPPORTED by name. Shared with merge_scan.c. */
struct cj_reader;
cj_status cj__core_read_valtype(struct cj_reader *, uint8_t *out, const char *what);

#endif
