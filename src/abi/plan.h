/* plan.h: the move plan: how one boundary function's values travel, as a small tree of typed operations.
 *
 * Place in the pipeline: built here from a function type and its canonical options, then walked by exec/interp or
 * compiled by exec/llvm. Lift and lower are the two ends of one thing: *move a value of type T from place A to B*.
 * Non-goals: names (cj_functype has them), operands (memories, reallocs: bound per instance, exec/call.h), how a back
 * end does it.
 * Spec: "Lifting and Lowering Values", "Flattening", "Canonical Definitions"; every trap: docs/traps.md.
 */
#ifndef CJ_ABI_PLAN_H
#define CJ_ABI_PLAN_H

#include "base/base.h"
#include "component/ast.h"
#include "component/types.h"

/* -- Places -------------------------------------------------------------------------------------------------------- */

/* Where one end of a program is. An operation's `src` and `dst` are slot numbers in FLAT, byte offsets from the current
 * base in MEM (linear memory) and HOST (host memory, host layout). Inside a list's body the base is the current
 * element, and a FLAT end is MEM. */
typedef enum cj_space { CJ_SPACE_FLAT, CJ_SPACE_MEM, CJ_SPACE_HOST } cj_space;

/* -- Operations ---------------------------------------------------------------------------------------------------- */

/* X(NAME, text, traps): one value moved per operation, from src to dst.
 *
 * COPY     `size` bytes, memory to memory: integers, floats, dense aggregates (guest -> host: plain ones). No check, no
 *          padding leaked.
 * INT      an integer or float of `width` bytes, bits kept; `is_signed` (width 1 and 2 into a slot) sign-extends in an
 *          i32 slot. A float is its bits (`is_float` says that its own slot type is f32 or f64). A slot may have a
 *          wider, joined type: zero-extended or reinterpreted going in, wrapped or reinterpreted coming out.
 * BOOL     any nonzero byte or slot is 1
 * CHAR     checked: below 0x110000 and not a surrogate
 * ENUM     a discriminant of `width` bytes, checked: below `count`
 * FLAGS    `width` bytes; bits from `count` on are dropped
 * STRING   (ptr, len): transcoded between the guest's encoding and UTF-8; `mode` VIEW: a UTF-8 string is handed out in
 *          place
 * LIST     (ptr, len): allocates, then `mode` BLOCK copies all elements at once, VIEW hands them out in place, LOOP
 *          runs the body per element
 * VARIANT  a discriminant of `width` bytes, checked, then the case's body; in FLAT the payload slots that the case
 *          leaves are zeroed
 * OWN, BORROW  a handle of resource slot `count`, an i32 at both ends: cj__move_own, cj__move_borrow (exec/handles.h)
 *
 * Both directions make the same checks: a host's invalid bool, char, discriminant, flags or UTF-8 never reaches a
 * guest.
 *
 * In a FLAT end:
 *   - The slot's type is cj_core_sig's (params for args, `result` for results). The value's own type is i32 (INT of
 *     width <= 4, BOOL, CHAR, ENUM, FLAGS, discriminant, ptr, len), i64 (INT of width 8), f32 or f64 (INT with
 *     is_float). Where they differ (a joined slot) the slot is i32 or i64: i32 <-> f32 and i64 <-> f64 are
 *     reinterpreted, i64 -> i32 wraps, i32 -> i64 is zero-extended (a negative s8 in an i64 slot is
 *     0x00000000ffffffxx), i64 <-> f32 goes through i32.
 *   - Coming out, BOOL, CHAR, ENUM and a VARIANT's discriminant look at all 32 bits (0x100 is no u8 discriminant, and
 *     is true); INT takes the low `width` bytes, FLAGS the low `count` bits.
 *   - STRING and LIST take slots src and src + 1: pointer, length. In MEM the length follows 4 bytes after the pointer.
 *     In HOST they are cj_string and cj_list.
 *   - A VARIANT's payload slots are [discriminant's + 1, + `slots`]; bodies name them absolutely, as they do offsets in
 *     MEM and HOST: the base of a case's body is the variant's own.
 *
 * Between MEM and HOST an INT is a COPY of `width` bytes: is_signed and is_float are 0, so that equal layouts are equal
 * code. Its ends are aligned as the type is in the layout of each end (on most hosts to `width`).
 * A VARIANT of which no case has a payload is an ENUM. Records and tuples have no operation of their own.
 *
 * The order of checks, which is also which trap is reported:
 *   STRING out of a guest: cj__string_lift. Into a guest: cj__string_lower.
 *   LIST out of a guest: LIST_LENGTH (64-bit len * size > CJ_MAX_BYTES), LIST_ALIGNMENT (ptr % align, also when len is
 *     0), LIST_BOUNDS (also when len is 0: ptr past the end), then cj__call_alloc of len * host_size, HOST_LIMIT (not
 *     for VIEW), then the elements in order.
 *   LIST into a guest: LIST_LENGTH (the same with the host's len, a size_t), then cj__call_source for the elements'
 *     bytes (HOST_LIMIT), then cj__lower_alloc(align, len * size) also when len is 0, then the elements in order, then
 *     pointer and length are stored.
 *   Between guests (FUSED): STRING: cj__string_move. LIST: LIST_LENGTH, LIST_ALIGNMENT, LIST_BOUNDS at the source, then
 *     cj__lower_alloc(align, len * size) at the destination, also when len is 0, then the elements in order, then pointer
 *     and length are stored. Whatever is lifted is lowered before the next value is lifted. The source's memory stays as
 *     it is while a program runs: nothing of that instance does.
 *   Every alloc, realloc or string lowering can move and grow the guest's memory: take its base again after it.
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

/* Operations lie in preorder: a LIST's body is [self + 1, next), a VARIANT's cases follow it one after the other, each
 * a range of `cases` (empty: a case without payload); `next` is the next sibling of every operation. All fields that an
 * operation does not use are 0. */
typedef struct cj_op {
    uint8_t code;  /* cj_opcode */
    uint8_t width; /* INT, ENUM, FLAGS, VARIANT: bytes */
    uint8_t mode;  /* STRING, LIST: cj_move_mode (STRING: LOOP means copied) */
    bool is_signed, is_float;
    uint32_t src, dst;
    uint32_t size;                  /* COPY: bytes. LIST: what one element takes at its guest end */
    uint32_t align;                 /* COPY: what is known of both ends. LIST: of an element at its guest end */
    uint32_t host_size, host_align; /* LIST: element at the host end; FUSED: 0 */
    uint32_t count;                 /* ENUM, VARIANT: cases (at least 1); FLAGS: labels; OWN, BORROW: resource slot */
    uint32_t slots;                 /* VARIANT with a FLAT end: payload slots, after the discriminant's */
    uint32_t cases;                 /* VARIANT: first of `count` ranges in cj_moves.cases */
    uint32_t next;
    /* number of LOOP lists around it: positions 0 .. depth - 1 of cj_call_ctx.index, outermost first, are its
     * path's; a LOOP list keeps index[depth] at its current element when depth < CJ_TRAP_DEPTH */
    uint32_t depth;
    uint32_t path; /* in cj_moves.paths */
} cj_op;

typedef struct cj_range {
    uint32_t first, past;
} cj_range;

enum { CJ_TRAP_DEPTH = 8 }; /* list positions that a value path can show; deeper ones are left out */

/* One step of a value path, for errors: "param 0 .items[3] .name". */
typedef enum cj_step { CJ_STEP_PARAM, CJ_STEP_RESULT, CJ_STEP_MEMBER, CJ_STEP_ELEMENT } cj_step;
typedef struct cj_path {
    uint32_t parent; /* UINT32_MAX: none */
    uint32_t step;   /* cj_step */
    uint32_t index;  /* PARAM, MEMBER */
} cj_path;

/* A program: all parameters, or the result. */
typedef struct cj_moves {
    cj_space src, dst; /* of the top level; FUSED: no end is HOST */
    const cj_op *ops;
    uint32_t op_count;
    const cj_range *cases;
    uint32_t case_count;
    const cj_path *paths;
    uint32_t path_count;
    uint32_t max_depth; /* of the operations: LOOP lists nested at most */
} cj_moves;

/* -- Plans --------------------------------------------------------------------------------------------------------- */

typedef enum cj_plan_kind {
    /* the host calls a lifted core function: args HOST -> FLAT or MEM, results FLAT or MEM -> HOST */
    CJ_PLAN_EXPORT,
    /* a guest calls a lowered host function: args FLAT or MEM -> HOST, results HOST -> FLAT or MEM */
    CJ_PLAN_IMPORT,
    /* a guest calls another component's lifted function: all ends FLAT or MEM, FLAT -> FLAT or MEM -> MEM at the
     * top level (both sides flatten one type by one rule) */
    CJ_PLAN_FUSED,
} cj_plan_kind;

/* What a back end does with a plan, in this order (spec, "canon lift", "canon lower"). The HOST end of args is the
 * struct of all parameters, that of results the value alone; MEM at the top level is a block of params_size or
 * result_size bytes. Traps outside of any operation have site CJ_NO_SITE; `in_results` is false until the core or host
 * function has returned, true from then on.
 *
 * EXPORT, inside an entered region, may_enter already cleared:
 *   1. call->alias_size = 0.
 *   2. sig.spill_params: cj__lower_alloc(params_align, params_size) gives the block, its address is the only parameter.
 *   3. The args program. 4. The core function.
 *   5. sig.spill_results: the function's result is the block's address: RESULTS_ALIGNMENT, then RESULTS_BOUNDS.
 *   6. The results program: copies everything, for (but with lends_results, when this is the last step)
 *   7. has_post_return: post-return runs with may_leave = 0 and the core function's own flat result (none or one) as
 *      its parameters; may_leave = 1 again. store->trap.detail is "in post-return" meanwhile.
 *
 * IMPORT:
 *   1. may_leave, else CANNOT_LEAVE. cj__core_stack_low: STACK_OVERFLOW.
 *   2. cj__call_take, before anything takes of the arena or of store->host_bytes (cj_string_as).
 *   3. sig.spill_params: params[0] is the block's address: PARAMS_ALIGNMENT, then PARAMS_BOUNDS.
 *   4. The args program, into a struct of host_args_size bytes.
 *   5. Room for the result, zeroed. cj__call_host.
 *   6. call->alias_base, alias_size = the guest's memory as it is now (0 without memory).
 *   7. sig.spill_results: the last parameter is the block's address: RESULTS_ALIGNMENT, then RESULTS_BOUNDS (checked
 *      only now).
 *   8. The results program. 9. cj__call_give_back. On a trap that is left to the frame that the host entered, with all
 *      else.
 *
 * FUSED (bound->caller calls bound->guest), in the caller's native call:
 *   1. The caller's may_leave, else CANNOT_LEAVE. cj__core_stack_low: STACK_OVERFLOW.
 *   2. may_enter of all of bound->entering, else CANNOT_ENTER; all are cleared. guest.instance->called = bound.
 *   3. sig.spill_params: params[0] is the block's address in the caller's memory: PARAMS_ALIGNMENT, PARAMS_BOUNDS; then
 *      cj__lower_alloc(callee, params_align, params_size) gives the callee's block, its address is the only parameter.
 *   4. The args program. 5. env->module_inst is the callee's; the core function; back to the caller's. A core trap is one of both.
 *   6. has_borrow: call->borrows must be 0 now, else BORROW_NOT_DROPPED.
 *   7. sig.spill_results: the function's result is the address of a block in the callee's memory, the last parameter of
 *      the caller's call one in the caller's: RESULTS_ALIGNMENT, RESULTS_BOUNDS for both, in this order.
 *   8. The results program (the caller's realloc runs with the caller's may_leave 0).
 *   9. has_post_return: as in EXPORT. 10. may_enter of all of bound->entering is 1 again; cj__lends_end.
 *
 * Handles: has_borrow makes a call begin with borrows = 0, lends_mark = store->lends.len (not needed in FUSED with
 * lends_one), and end with cj__lends_end, after the last step; EXPORT checks borrows as in FUSED, before its results
 * program; in IMPORT the host's borrowed handles are dropped for it before the results program (cj__host_borrows_end). */
typedef struct cj_plan_options {
    cj_plan_kind kind;
    cj_encoding encoding; /* the guest's: of who is called (EXPORT, FUSED) or calls (IMPORT) */
    bool has_memory, has_realloc, has_post_return;
    /* EXPORT: strings and flat lists of the result are views, as an import's parameters are; post-return is left
     * to whoever called, who finds the core function's result in the call (cj_call_begin) */
    bool lends_results;
    cj_encoding caller_encoding; /* FUSED: of who calls */
    bool caller_has_memory, caller_has_realloc;
} cj_plan_options;

struct cj_plan {
    cj_plan_options options;
    /* Flat slot types: of args, and of the result in `result`. Lifted (EXPORT) or lowered (IMPORT); FUSED: the caller's,
     * lowered; the callee's is cj__plan_callee_sig. */
    cj_core_sig sig;
    cj_moves args, results;
    /* Canonical layout of the parameters as one tuple and of the result: the spilled blocks (sig.spill_params,
     * spill_results). */
    uint32_t params_size, params_align;
    uint32_t result_size, result_align;
    /* Handles: resource types (cj_type.resource) by resource slot, in the order of first use; equal ones share one. */
    const uint32_t *resources; /* in args, then in results */
    uint32_t resource_count;
    /* The call has a borrow scope: some parameter is or contains a borrow, or an own handle goes to the host (which a trap
     * must not leave with handles that it was never told of). */
    bool has_borrow;
    /* EXPORT, FUSED: each call lends one handle, neither more nor less, to a guest: most methods. */
    bool lends_one;
    /* Host layout of the argument struct and of the result; 0 when there are none, and in FUSED. */
    size_t host_args_size, host_args_align;
    size_t host_result_size, host_result_align;
    /* The shape: equal keys run equal code. In it is everything that code may depend on: kind, sig, both programs
     * without their paths, block and host layouts, has_post_return, and the encodings when there is a string. Code must
     * not depend on has_memory, has_realloc, paths or `resources`. */
    const uint8_t *key;
    size_t key_len;
    uint64_t hash; /* of the key */
    cj_arena *arena;
};
typedef struct cj_plan cj_plan;

/* CJ_LIMIT (max_plan_ops, counted over both programs: values of all kinds, records and variant cases among them, before
 * neighbours are made one copy), CJ_UNSUPPORTED (async), CJ_INVALID (memory or realloc missing that the type
 * needs: cj__plan_needs), CJ_NO_MEMORY. The plan does not keep the config or the type. Delete with cj__plan_delete. */
cj_status cj__plan_build(const cj_config *, const cj_functype *, const cj_plan_options *, cj_plan **out, cj_error *err);
void cj__plan_delete(cj_plan *);
/* A copy of all that code may depend on: for compiling when the plan may be gone. NULL when out of memory; cj__plan_delete. */
cj_plan *cj__plan_copy_shape(const cj_allocator *, const cj_plan *);

/* The core function that a plan calls: the signature of guest.core_func (EXPORT, FUSED). */
void cj__plan_callee_sig(const cj_plan *, cj_core_sig *out);

/* What the option rules ask of a function type when lifted (EXPORT, and FUSED of the callee) or lowered (IMPORT; spec,
 * "canon lift", "canon lower"). */
void cj__plan_needs(const cj_functype *, cj_plan_kind, bool *memory, bool *realloc);

/* Self-check of a plan's form (ranges nest, offsets inside layouts, slots inside signatures): for tests and debug
 * builds. */
cj_status cj__plan_check(const cj_plan *, cj_error *err);

/* Readable text, stable: one line per operation, indented by nesting. Allocated with `alloc`, free with cj__free(len +
 * 1). */
char *cj__plan_print(const cj_allocator *alloc, const cj_plan *, const cj_functype *, size_t *len);

/* "param 0 .items[3] .name" for an operation; names are taken from the type: a record's field, a tuple's position, a
 * variant's case, "some", "ok", "err". `index` has min(op's depth, CJ_TRAP_DEPTH) positions; deeper ones are shown as
 * "[...]", and without an index (NULL) all as "[]". As snprintf. `op` past the program's end (CJ_NO_SITE): "". */
size_t cj__plan_path_format(const cj_moves *, uint32_t op, const uint32_t *index, const cj_functype *, char *buffer,
                            size_t size);

const char *cj__op_name(cj_opcode);

#endif
