/* plan.h: the move plan: how one boundary function's values travel, as a small tree of typed operations.
 *
 * Place in the pipeline: built here from a function type and its canonical options, then walked by exec/interp or compiled by
 * exec/llvm. Lift and lower are the two ends of one thing: *move a value of type T from place A to place B*.
 * Non-goals: names (cj_functype has them), operands (memories, reallocs: bound per instance, exec/call.h), how a back end does it.
 * Spec: "Lifting and Lowering Values", "Flattening", "Canonical Definitions"; every trap: docs/traps.md.
 */
#ifndef CJ_ABI_PLAN_H
#define CJ_ABI_PLAN_H

#include "base/base.h"
#include "component/ast.h"
#include "component/types.h"

/* -- Places ------------------------------------------------------------------------------------------------------------- */

/* Where one end of a program is. An operation's `src` and `dst` are slot numbers in FLAT, byte offsets from the current base in MEM (linear
 * memory) and HOST (host memory, host layout). Inside a list's body the base is the current element, and a FLAT end is MEM. */
typedef enum cj_space { CJ_SPACE_FLAT, CJ_SPACE_MEM, CJ_SPACE_HOST } cj_space;

/* -- Operations ------------------------------------------------------------------------------------------------------------ */

/* X(NAME, text, traps): one value moved per operation, from src to dst.
 *
 * COPY     `size` bytes, memory to memory: integers, floats, dense aggregates (guest -> host: plain ones). No check, no padding leaked.
 * INT      an integer or float of `width` bytes, bits kept; `is_signed` extends in an i32 slot. A float is its bits (`is_float`
 *          says that its own slot type is f32 or f64). A slot may have a wider, joined type: zero-extended or reinterpreted going in,
 *          wrapped or reinterpreted coming out.
 * BOOL     any nonzero byte or slot is 1
 * CHAR     checked: below 0x110000 and not a surrogate
 * ENUM     a discriminant of `width` bytes, checked: below `count`
 * FLAGS    `width` bytes; bits from `count` on are dropped
 * STRING   (ptr, len): transcoded between the guest's encoding and UTF-8; `mode` VIEW: a UTF-8 string is handed out in place
 * LIST     (ptr, len): allocates, then `mode` BLOCK copies all elements at once, VIEW hands them out in place, LOOP runs the body per element
 * VARIANT  a discriminant of `width` bytes, checked, then the case's body; in FLAT the payload slots that the case leaves are zeroed
 * OWN, BORROW  a handle of resource slot `count` (moves between tables)
 */
#define CJ_OP_MAP(X) \
    X(COPY, "copy", "") \
    X(INT, "int", "") \
    X(BOOL, "bool", "") \
    X(CHAR, "char", "CHAR_RANGE CHAR_SURROGATE") \
    X(ENUM, "enum", "DISCRIMINANT") \
    X(FLAGS, "flags", "") \
    X(STRING, "string", "STRING_* REALLOC_* HOST_LIMIT") \
    X(LIST, "list", "LIST_* REALLOC_* HOST_LIMIT") \
    X(VARIANT, "variant", "DISCRIMINANT") \
    X(OWN, "own", "HANDLE_*") \
    X(BORROW, "borrow", "HANDLE_*")

typedef enum cj_opcode {
#define CJ_X(name, text, traps) CJ_OP_##name,
    CJ_OP_MAP(CJ_X)
#undef CJ_X
    CJ_OP_COUNT
} cj_opcode;

typedef enum cj_move_mode { CJ_MODE_LOOP, CJ_MODE_BLOCK, CJ_MODE_VIEW } cj_move_mode;

/* Operations lie in preorder: a LIST's body is [self + 1, next), a VARIANT's cases follow it one after the other, each a range of
 * `cases`; `next` is the next sibling of every operation. All fields that an operation does not use are 0. */
typedef struct cj_op {
    uint8_t code;     /* cj_opcode */
    uint8_t width;    /* INT, ENUM, FLAGS, VARIANT: bytes */
    uint8_t mode;     /* STRING, LIST: cj_move_mode (STRING: LOOP means copied) */
    bool is_signed, is_float;
    uint32_t src, dst;
    uint32_t size;    /* COPY: bytes. LIST: what one element takes at its guest end */
    uint32_t align;   /* COPY: of both ends. LIST: of an element at its guest end. VARIANT: unused */
    uint32_t host_size, host_align; /* LIST: element at the host end */
    uint32_t count;   /* ENUM, VARIANT: cases; FLAGS: labels; OWN, BORROW: resource slot */
    uint32_t slots;   /* VARIANT with a FLAT end: payload slots, after the discriminant's */
    uint32_t cases;   /* VARIANT: first of `count` ranges in cj_moves.cases */
    uint32_t next;
    uint32_t depth;   /* number of lists around it: index positions for the value path */
    uint32_t path;    /* in cj_moves.paths */
} cj_op;

typedef struct cj_range {
    uint32_t first, past;
} cj_range;

/* One step of a value path, for errors: "param 0 .items[3] .name". */
typedef enum cj_step { CJ_STEP_PARAM, CJ_STEP_RESULT, CJ_STEP_MEMBER, CJ_STEP_ELEMENT } cj_step;
typedef struct cj_path {
    uint32_t parent; /* UINT32_MAX: none */
    uint32_t step;   /* cj_step */
    uint32_t index;  /* PARAM, MEMBER */
} cj_path;

/* A program: all parameters, or the result. */
typedef struct cj_moves {
    cj_space src, dst; /* of the top level; one end is HOST until calls are fused */
    const cj_op *ops;
    uint32_t op_count;
    const cj_range *cases;
    uint32_t case_count;
    const cj_path *paths;
    uint32_t path_count;
    uint32_t max_depth; /* of nested lists */
} cj_moves;

/* -- Plans ------------------------------------------------------------------------------------------------------------------ */

typedef enum cj_plan_kind {
    CJ_PLAN_EXPORT, /* the host calls a lifted core function: args HOST -> FLAT or MEM, results FLAT or MEM -> HOST */
    CJ_PLAN_IMPORT, /* a guest calls a lowered host function: args FLAT or MEM -> HOST, results HOST -> FLAT or MEM */
} cj_plan_kind;

typedef struct cj_plan_options {
    cj_plan_kind kind;
    cj_encoding encoding;
    bool has_memory, has_realloc, has_post_return;
} cj_plan_options;

struct cj_plan {
    cj_plan_options options;
    cj_core_sig sig; /* flat slot types: of args, and of the result in `result` */
    cj_moves args, results;
    /* Canonical layout of the parameters as one tuple and of the result: the spilled blocks (sig.spill_params, spill_results). */
    uint32_t params_size, params_align;
    uint32_t result_size, result_align;
    /* Host layout of the argument struct and of the result; 0 when there are none. */
    size_t host_args_size, host_args_align;
    size_t host_result_size, host_result_align;
    /* The shape: equal keys run equal code. Everything but names and paths is in it. */
    const uint8_t *key;
    size_t key_len;
    uint64_t hash; /* of the key */
    cj_arena *arena;
};
typedef struct cj_plan cj_plan;

/* CJ_LIMIT (max_plan_ops), CJ_UNSUPPORTED (handles), CJ_NO_MEMORY. The type must have passed the option rules (realloc and memory
 * present where needed: cj__plan_needs). Delete with cj__plan_delete. */
cj_status cj__plan_build(const cj_config *, const cj_functype *, const cj_plan_options *, cj_plan **out, cj_error *err);
void cj__plan_delete(cj_plan *);

/* What the option rules ask of a function type (spec, "canon lift", "canon lower"). */
void cj__plan_needs(const cj_functype *, cj_plan_kind, bool *memory, bool *realloc);

/* Self-check of a plan's form (ranges nest, offsets inside layouts, slots inside signatures): for tests and debug builds. */
cj_status cj__plan_check(const cj_plan *, cj_error *err);

/* Readable text, stable: one line per operation, indented by nesting. Allocated with `alloc`, free with cj__free(len + 1). */
char *cj__plan_print(const cj_allocator *alloc, const cj_plan *, const cj_functype *, size_t *len);

/* "param 0 .items[3] .name" for an operation; names are taken from the type. As snprintf. */
size_t cj__plan_path_format(const cj_moves *, uint32_t op, const uint32_t *index, const cj_functype *, char *buffer, size_t size);

const char *cj__op_name(cj_opcode);

#endif
