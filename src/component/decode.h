/* decode.h: what the files of the decoder share.
 *
 * Place in the pipeline: bytes -> decode*.c -> ast.h.
 * Non-goals: a public interface; that is cj__ast_decode.
 *
 *     decode.c          preamble, sections, instances, aliases, imports, exports
 *     decode_types.c    core types, types, declarations
 *     decode_canon.c    canonical definitions and options
 *     decode_names.c    labels, extern names with attributes, their uniqueness
 *     decode_module.c   the outline of core modules
 *
 * Lists are collected on stacks, one per element type, because a count in a file is only a claim; when a list is
 * complete it moves to the arena (CJ_KEEP). Nested lists of one type work, since each knows where its own part begins.
 * After an error the stacks are dropped as a whole.
 */
#ifndef CJ_COMPONENT_DECODE_H
#define CJ_COMPONENT_DECODE_H

#include "base/arena.h"
#include "base/reader.h"
#include "component/ast.h"
#include "component/names.h"

typedef struct cj_decoder {
    cj_config config;
    const cj_allocator *alloc;
    cj_arena *arena;
    cj_error *err;
    const uint8_t *file; /* borrowed, as the AST does */
    uint32_t depth;      /* of components, component types and instance types around what is being decoded */
    uint32_t max_depth;
    uint32_t elements; /* counted against max_definitions */
    CJ_VEC(cj_ast_def) defs;
    CJ_VEC(cj_ast_decl) decls;
    CJ_VEC(cj_ast_labelled) labels;
    CJ_VEC(cj_ast_arg) args;
    CJ_VEC(cj_ast_moduledecl) moduledecls;
    CJ_VEC(uint32_t) indices;
    CJ_VEC(uint8_t) bytes;
} cj_decoder;

/* The names of a component, a component or instance type, or a bag of exports. */
typedef struct cj_decode_scope {
    cj_name_set imports, exports;
} cj_decode_scope;

cj_decode_scope cj__decode_scope(const cj_decoder *);
void cj__decode_scope_free(cj_decode_scope *);

/* Reads a vector's count and counts its elements. `limit` names a further limit with value `max`, or is NULL. */
cj_status cj__decode_count(cj_decoder *, cj_reader *, uint32_t max, const char *limit, uint32_t *out, const char *what);
/* One more level of nesting; undo with d->depth--. */
cj_status cj__decode_enter(cj_decoder *, uint64_t offset);

cj_status cj__decode_unexpected(const cj_decoder *, uint64_t offset, uint8_t found, const char *what);

static inline uint64_t cj__decode_offset_of(const cj_decoder *d, const void *in_file)
{
    return (uint64_t)((const uint8_t *)in_file - d->file);
}

/* Moves the elements of a stack from `base` on to the arena and stores where they are (NULL for none) and how many. */
cj_status cj__decode_keep(cj_decoder *, const void *stack, size_t *stack_len, size_t base, size_t size, size_t align,
                          void *out, uint32_t *out_len);
#define CJ_KEEP(d, stack, base, out, out_len) \
    cj__decode_keep((d), (d)->stack.at, &(d)->stack.len, (base), sizeof(*(d)->stack.at), _Alignof(max_align_t), (out), \
                    (out_len))
#define CJ_PUSH(d, stack, ...) \
    do { \
        if (!CJ_VEC_PUSH((d)->alloc, &(d)->stack, __VA_ARGS__)) \
            return cj__fail_nomem((d)->err); \
    } while (0)

/* decode.c */
cj_status cj__decode_alias(cj_decoder *, cj_reader *, bool in_type, cj_ast_alias *out);
cj_status cj__decode_import(cj_decoder *, cj_reader *, cj_decode_scope *, bool is_export, cj_ast_import **out);

/* decode_types.c */
cj_status cj__decode_core_valtype(cj_decoder *, cj_reader *, uint8_t *out, bool *opaque);
cj_status cj__decode_core_type(cj_decoder *, cj_reader *, bool in_module_type, cj_ast_coretypedef **out);
cj_status cj__decode_valtype(cj_decoder *, cj_reader *, cj_ast_valtype *out);
cj_status cj__decode_result(cj_decoder *, cj_reader *, cj_ast_valtype *out);
cj_status cj__decode_type(cj_decoder *, cj_reader *, bool in_type, cj_ast_typedef **out);
cj_status cj__decode_externtype(cj_decoder *, cj_reader *, cj_ast_externtype *out);

/* decode_canon.c */
cj_status cj__decode_canon(cj_decoder *, cj_reader *, cj_ast_canon **out);

/* decode_names.c */
/* A name of the core specification: any UTF-8. */
cj_status cj__decode_core_name(cj_decoder *, cj_reader *, cj_str *out, const char *what);
cj_status cj__decode_label(cj_decoder *, cj_reader *, cj_str *out, const char *what);
/* Strong uniqueness of the labels of one type. */
cj_status cj__decode_check_labels(cj_decoder *, const cj_ast_labelled *labels, uint32_t count, const char *what);
cj_status cj__decode_extern_name(cj_decoder *, cj_reader *, cj_extern_name *out);
/* The rules that tie a name to the sort of what it names, and uniqueness in `set`. */
cj_status cj__decode_check_extern(cj_decoder *, cj_name_set *set, const cj_extern_name *name, cj_sort sort,
                                  const char *what);

/* decode_module.c */
cj_status cj__decode_check_module(cj_decoder *, cj_reader module);

#endif
