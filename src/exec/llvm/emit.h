/* emit.h: what the files that write LLVM IR for a plan share.
 *
 *     emit_plan.c   one function per plan: the calling sequence around its programs      ─┐
 *     emit_moves.c  the operations of a program, loops, parts                            ─┼─▶ LLVM module ─▶ compiler.c
 *     emit.c        values, memory views, trap edges: what the two above are made of     ─┘
 *     support.c     C functions that the emitted code calls
 *
 * Non-goals: passes, machine code, caching (compiler.c, target.c).
 *
 * The IR is written in the form that the optimiser would bring it to (SSA values for flat slots, rotated loops, cold
 * edges marked, the memory's base in a register), so that no IR pass has to run: machine code generation alone is
 * most of the time that a thunk takes to compile (tuning.h has the measurements). Nor does anything after them where the
 * module is `plain`: nothing in it runs twice in a call.
 *
 * Bounded time and stack: one function holds a few hundred operations and few nested loops (tuning.h); what is beyond
 * becomes a *part*, an internal function that is called with the two bases. A plan that costs much to compile is
 * `big`: its flat slots live in memory, so that they can be passed to parts, and it is compiled without optimisation.
 */
#ifndef CJ_EXEC_LLVM_EMIT_H
#define CJ_EXEC_LLVM_EMIT_H

#include "engine/engine.h"
#include "exec/exec.h"
#include "exec/llvm/tuning.h"

#include <llvm-c/Core.h>

enum {
    /* Host structs of imports up to this size live on the native stack, larger ones in the call's arena, counted: as in
     * the interpreter (SMALL_STRUCT), so that max_host_bytes is reached by the same calls. */
    CJ__LL_STACK_STRUCT = 256,
    CJ__LL_KIND_SHIFT = 25,
    CJ__LL_MAX_SITE = 0xfffffe, /* a trap edge says its operation in 24 bits */
};

/* C functions that emitted code calls, by address: X(NAME, signature, how often). Signature: result, then parameters; v
 * void, b bool, i i32, l i64, p pointer, m cj__ll_moved. COLD ones are called on the way to a trap only: what leads there is laid out as unlikely. */
#define CJ__LL_HELPER_MAP(X) \
    X(cj__ll_trap, "ipi", COLD) \
    X(cj__ll_give_back, "vp", WARM) \
    X(cj__ll_throw_trap, "vpi", COLD) \
    X(cj__ll_throw_host_failed, "vpip", COLD) \
    X(cj__core_throw, "vp", COLD) \
    X(cj__core_stack_low, "ip", WARM) \
    X(cj__call_alloc, "ppli", WARM) \
    X(cj__call_source, "pppli", WARM) \
    X(cj__lower_alloc, "ippiip", WARM) \
    X(cj__string_lift, "ippiiiip", WARM) \
    X(cj__string_lower, "ippipp", WARM) \
    X(cj__ll_string_lift_utf8, "ipiiip", WARM) \
    X(cj__ll_string_bad_view_utf8, "ipp", COLD) \
    X(cj__ll_string_lower_utf8, "ippp", WARM) \
    X(cj__ll_string_utf8_to_utf8, "mppiii", WARM) \
    X(cj__ll_string_utf8_to_utf16, "mppiii", WARM) \
    X(cj__ll_string_utf8_to_latin1_utf16, "mppiii", WARM) \
    X(cj__ll_string_utf16_to_utf8, "mppiii", WARM) \
    X(cj__ll_string_utf16_to_utf16, "mppiii", WARM) \
    X(cj__ll_string_utf16_to_latin1_utf16, "mppiii", WARM) \
    X(cj__ll_string_latin1_utf16_to_utf8, "mppiii", WARM) \
    X(cj__ll_string_latin1_utf16_to_utf16, "mppiii", WARM) \
    X(cj__ll_string_latin1_utf16_to_latin1_utf16, "mppiii", WARM) \
    X(cj__move_own, "ipiiip", WARM) \
    X(cj__move_borrow, "ipiiip", WARM) \
    X(cj__lends_end, "vp", WARM) \
    X(memcpy, "pppl", WARM) \
    X(cj__host_borrows_end, "vp", WARM)

/* Kernels that emitted code calls: this machine's, of cj_text_kernels. */
#define CJ__LL_KERNEL_MAP(X) X(utf8_valid, "bpl")

typedef enum cj__ll_helper {
#define CJ_X(name, signature, often) CJ__LL_##name,
    CJ__LL_HELPER_MAP(CJ_X)
#undef CJ_X
#define CJ_X(name, signature) CJ__LL_KERNEL_##name,
        CJ__LL_KERNEL_MAP(CJ_X)
#undef CJ_X
            CJ__LL_HELPER_COUNT
} cj__ll_helper;

/* support.c. `packed` is cj__ll_pack's. Records the trap with the positions in call->index. */
uint32_t cj__ll_trap(cj_call_ctx *call, uint32_t packed);
/* The same, and cj__call_host_failed, and away: for functions that WAMR's code calls. Two calls would want a register kept. */
void cj__ll_throw_trap(cj_call_ctx *call, uint32_t packed);
void cj__ll_throw_host_failed(cj_call_ctx *call, uint32_t status, const cj_error *err);
/* Back to where the store's arena was at, when it is not there. */
void cj__ll_give_back(cj_store_core *store);
/* cj__string_lift and cj__string_lower with CJ_UTF8. */
uint32_t cj__ll_string_lift_utf8(cj_call_ctx *call, uint32_t as, uint32_t ptr, uint32_t len, cj_string *out);
uint32_t cj__ll_string_lower_utf8(cj_call_ctx *call, const cj_string *in, uint32_t out[2]);
/* Why `view` cannot be one: it is malformed, or longer than host_bytes. */
uint32_t cj__ll_string_bad_view_utf8(cj_call_ctx *call, const cj_string *view);
/* cj__string_move for each pair of encodings: X(from, to, FROM, TO). env->module_inst is the lowering side's. No call object and no pointer to
 * where the result goes: what two registers give needs no stores. */
typedef struct cj__ll_moved {
    uint64_t words; /* pointer, then tagged length */
    uint64_t trap;
} cj__ll_moved;
#define CJ__LL_STRING_PAIRS(X) \
    X(utf8, utf8, CJ_UTF8, CJ_UTF8) \
    X(utf8, utf16, CJ_UTF8, CJ_UTF16) \
    X(utf8, latin1_utf16, CJ_UTF8, CJ_LATIN1_UTF16) \
    X(utf16, utf8, CJ_UTF16, CJ_UTF8) \
    X(utf16, utf16, CJ_UTF16, CJ_UTF16) \
    X(utf16, latin1_utf16, CJ_UTF16, CJ_LATIN1_UTF16) \
    X(latin1_utf16, utf8, CJ_LATIN1_UTF16, CJ_UTF8) \
    X(latin1_utf16, utf16, CJ_LATIN1_UTF16, CJ_UTF16) \
    X(latin1_utf16, latin1_utf16, CJ_LATIN1_UTF16, CJ_LATIN1_UTF16)
#define CJ_X(from, to, FROM, TO) \
    cj__ll_moved cj__ll_string_##from##_to_##to(void *env, const cj_binding *bound, uint32_t in_results, uint32_t ptr, \
                                                uint32_t tagged_units);
CJ__LL_STRING_PAIRS(CJ_X)
#undef CJ_X
extern const char cj__ll_in_post_return[]; /* trap.detail */

/* A trap's kind, program and operation in one word, so that a trap edge is one move and one jump. */
static inline uint32_t cj__ll_pack(uint32_t kind, bool in_results, uint32_t site)
{
    return kind << CJ__LL_KIND_SHIFT | (uint32_t)in_results << 24 | (site & 0xffffff);
}
_Static_assert(CJ_TRAP_COUNT < 1 << 7, "cj__ll_pack has 7 bits for the kind");

/* -- A module being written -------------------------------------------------------------------------------------- */

/* An internal function still to be written: operations [first, past) of a program, or, when `group` is set, the
 * cases [first, past) of the VARIANT `variant`. It takes (call, source base, destination base[, discriminant]) and
 * returns a cj_trap, recorded. */
typedef struct cj__ll_part {
    LLVMValueRef fn;
    const cj_moves *moves;
    bool in_results, aliasing, group;
    uint32_t first, past, variant;
    cj_space src, dst;
    uint32_t depth; /* LOOP lists around it */
} cj__ll_part;

typedef struct cj__ll_module {
    const cj_allocator *alloc;
    const cj_plan *plan;
    const char *name; /* the symbol */
    cj__compiler_tuning tuning;
    LLVMContextRef context;
    LLVMModuleRef module;
    LLVMBuilderRef builder;
    LLVMTypeRef void_type, i1, i8, i16, i32, i64, f32, f64, ptr, moved;
    LLVMValueRef helpers[CJ__LL_HELPER_COUNT];
    LLVMTypeRef helper_types[CJ__LL_HELPER_COUNT];
    LLVMValueRef in_post_return;
    LLVMAttributeRef nounwind, uwtable, nonlazybind, cold, noinline, optnone, noimplicitfloat, prefer_width;
    LLVMValueRef weights_true_cold, no_values, stack_pointer_name;
    unsigned md_prof, md_invariant;
    bool big, oom;
    bool plain; /* functions are compiled as they are written: attribute optnone */
    bool unwind_tables;
    bool timed; /* an export counts its steps in bound->ticks */
    CJ_VEC(cj__ll_part) parts;
    uint32_t parts_made;
} cj__ll_module;

/* Writes the plan's function and its parts into m->module. The caller has filled in alloc, plan, name, tuning,
 * context and module. */
cj_status cj__ll_emit(cj__ll_module *m, cj_error *err);

/* -- A function being written ------------------------------------------------------------------------------------ */

/* One end of a program, or its current element.
 *   HOST  ptr
 *   MEM   ptr: native address of the base. A source's is `fixed`, for its memory stays where it is; a destination's is
 *   good while `epoch` is the function's, and off is its guest address (i64)
 *   FLAT  slots: SSA values; or NULL, then ptr is an array of 8-byte slots (big plans) */
typedef struct cj__ll_place {
    cj_space space;
    bool fixed;
    LLVMValueRef ptr, off;
    uint32_t epoch;
    LLVMValueRef *slots;
    const cj_core *types;
} cj__ll_place;

typedef struct cj__ll_edge {
    LLVMBasicBlockRef from;
    LLVMValueRef packed; /* or the kind, on an edge to `recorded` */
    LLVMValueRef index[CJ_TRAP_DEPTH];
} cj__ll_edge;

/* A memory's base and size as last read, good while `epoch` is the function's. */
typedef struct cj__ll_view {
    LLVMValueRef base, size;
    uint32_t epoch;
} cj__ll_view;

typedef struct cj__ll_fn {
    cj__ll_module *m;
    LLVMValueRef fn;
    LLVMBasicBlockRef entry;    /* allocas */
    LLVMBasicBlockRef trap;     /* records and leaves: reached by `edges` */
    LLVMBasicBlockRef recorded; /* leaves with a kind that is recorded already: reached by `forwards` */
    LLVMValueRef call, binding;
    LLVMValueRef env, store; /* NULL: read from `call` */
    bool lends_one;          /* plans of that kind, in one function: */
    LLVMValueRef mark, lent; /* length of store->lends before (EXPORT), the handle */
    bool late;               /* `call` is a block without content: what reads it is rare, and fills it in before */
    /* The program that is being written. */
    const cj_moves *moves;
    bool in_results;
    bool lowers;        /* the destination is a guest: operations may call its realloc, which moves its memory */
    uint32_t from, to;  /* offsets in the binding of the cj_side of a guest that is the source, the destination */
    cj__ll_view source; /* FUSED: the source's memory, which stays as it is; for programs with lists */
    bool aliasing;      /* results of an import: sources may lie in guest memory, */
    cj__ll_view alias;  /* as it was when the host function returned; or without a base: as the call says */
    uint32_t budget;    /* operations that still fit */
    uint32_t loops;
    uint32_t depth0; /* positions of lists outside of this function are in call->index already */
    uint32_t depth;  /* positions [depth0, depth) are index[] */
    LLVMValueRef index[CJ_TRAP_DEPTH];
    uint32_t epoch, last_epoch;
    cj__ll_view view; /* of the destination's memory when `lowers`, else of the source's */
    LLVMValueRef out; /* cj__ll_out */
    CJ_VEC(cj__ll_edge) edges;
    CJ_VEC(cj__ll_edge) forwards;
} cj__ll_fn;

/* -- emit.c: values ---------------------------------------------------------------------------------------------- */

bool cj__ll_module_init(cj__ll_module *m);
LLVMValueRef cj__ll_c32(cj__ll_module *m, uint32_t value);
LLVMValueRef cj__ll_c64(cj__ll_module *m, uint64_t value);
LLVMTypeRef cj__ll_int(cj__ll_module *m, uint32_t bytes);
LLVMTypeRef cj__ll_core_type(cj__ll_module *m, cj_core type);
LLVMValueRef cj__ll_at(cj__ll_module *m, LLVMValueRef ptr, uint64_t offset); /* ptr + offset bytes */
LLVMValueRef cj__ll_add(cj__ll_module *m, LLVMValueRef ptr, LLVMValueRef bytes);
LLVMValueRef cj__ll_load(cj__ll_module *m, LLVMTypeRef type, LLVMValueRef ptr, uint64_t offset);
LLVMValueRef cj__ll_load_const(cj__ll_module *m, LLVMTypeRef type, LLVMValueRef ptr,
                               uint64_t offset); /* never changes */
void cj__ll_store(cj__ll_module *m, LLVMValueRef value, LLVMValueRef ptr, uint64_t offset);
/* A constant number of bytes. */
void cj__ll_clear(cj__ll_module *m, LLVMValueRef ptr, uint64_t bytes);
void cj__ll_copy(cj__ll_module *m, LLVMValueRef to, LLVMValueRef from, uint64_t bytes);
LLVMValueRef cj__ll_resize(cj__ll_module *m, LLVMValueRef value,
                           LLVMTypeRef to); /* integer: truncated or zero-extended */
LLVMValueRef cj__ll_call(cj__ll_module *m, cj__ll_helper helper, LLVMValueRef *args, unsigned count);
void cj__ll_add_attribute(LLVMValueRef fn, LLVMAttributeRef what);
LLVMValueRef cj__ll_add_function(cj__ll_module *m, const char *name, LLVMTypeRef type);
LLVMValueRef cj__ll_param(cj__ll_module *m, LLVMValueRef fn, unsigned i, const char *name);

/* -- emit.c: functions ------------------------------------------------------------------------------------------- */

void cj__ll_fn_begin(cj__ll_fn *fn, cj__ll_module *m, LLVMValueRef function);
/* Writes the trap blocks. `throws`: leaves by cj__core_throw, returning `zero` (NULL: void) where that returns;
 * else returns the kind. */
void cj__ll_fn_end(cj__ll_fn *fn, bool throws, LLVMValueRef zero);
void cj__ll_ret(cj__ll_fn *fn, LLVMValueRef value); /* NULL: void */
LLVMBasicBlockRef cj__ll_block(cj__ll_fn *fn, const char *name);
void cj__ll_use(cj__ll_fn *fn, LLVMBasicBlockRef block); /* writes on at its end */
LLVMBasicBlockRef cj__ll_here(cj__ll_fn *fn);
LLVMValueRef cj__ll_alloca(cj__ll_fn *fn, uint64_t size, uint32_t align);
LLVMValueRef cj__ll_out(
    cj__ll_fn *fn); /* 8 bytes on the native stack, one block per function: what helpers return through a pointer */

/* A branch that is hardly ever taken to `cold`; writing goes on at `next`. */
void cj__ll_branch_cold(cj__ll_fn *fn, LLVMValueRef condition, LLVMBasicBlockRef cold, LLVMBasicBlockRef next);
/* Goes on at `next`, which `usual` has led to with `value`, and which what has just been written leads to with `other`: whichever it is. */
LLVMValueRef cj__ll_merge(cj__ll_fn *fn, LLVMBasicBlockRef next, LLVMValueRef value, LLVMBasicBlockRef usual,
                          LLVMValueRef other);
void cj__ll_trap_if(cj__ll_fn *fn, LLVMValueRef condition, cj_trap kind, uint32_t site);
void cj__ll_trap_unless_null(cj__ll_fn *fn, LLVMValueRef kind, uint32_t site); /* kind: i32, CJ_TRAP_NONE goes on */
void cj__ll_trap_of_kind(cj__ll_fn *fn, LLVMValueRef kind, uint32_t site);     /* ends the block */
void cj__ll_leave_unless_null(cj__ll_fn *fn, LLVMValueRef kind);               /* the same, recorded already */
void cj__ll_leave_now(cj__ll_fn *fn, LLVMValueRef kind);                       /* ends the block */
void cj__ll_trap_now(cj__ll_fn *fn, LLVMValueRef packed);                      /* ends the block */
void cj__ll_trap_if_stack_low(cj__ll_fn *fn, uint32_t site);
void cj__ll_trap_if_exception(cj__ll_fn *fn, uint32_t side, uint32_t site);

/* What is known of the call: its environment and store. */
LLVMValueRef cj__ll_env(cj__ll_fn *fn);
LLVMValueRef cj__ll_store_of(cj__ll_fn *fn);
/* Fills in the call object of a fused call: without an arena, as nothing is lifted to the host. */
void cj__ll_fill_call(cj__ll_fn *fn);
/* A field of a cj_side, `side` being its offset in the binding. */
#define CJ__LL_SIDE(side, field) ((side) + (uint32_t)offsetof(cj_side, field))
enum { CJ__LL_GUEST = offsetof(cj_binding, guest), CJ__LL_CALLER = offsetof(cj_binding, caller) };
LLVMValueRef cj__ll_side(cj__ll_fn *fn, uint32_t side); /* a const cj_side * */
/* env->module_inst = that side's: before functions of another instance are called. */
void cj__ll_switch_to(cj__ll_fn *fn, uint32_t side);

/* Guest code has run, or may have: views of the memory are stale. */
void cj__ll_called_out(cj__ll_fn *fn);
/* A side's memory as it is now. The one place where compiled code reads where a guest's memory lies. */
cj__ll_view cj__ll_memory(cj__ll_fn *fn, uint32_t side);
/* call->alias_base, alias_size. */
void cj__ll_store_alias(cj__ll_fn *fn, cj__ll_view view);
/* fn->view, read anew when it is stale; and where the program's source is. */
cj__ll_view cj__ll_view_now(cj__ll_fn *fn);
cj__ll_view cj__ll_source_view(cj__ll_fn *fn);
/* Native address of a place's base. MEM: `off` must have been found inside the memory. */
LLVMValueRef cj__ll_place_ptr(cj__ll_fn *fn, cj__ll_place *place);
/* Guest pointer (i64, from an i32) aligned and [ptr, ptr + bytes) inside the memory, else the traps, in this
 * order; bytes: i64, at most 2^33. */
void cj__ll_check_range(cj__ll_fn *fn, cj__ll_view memory, LLVMValueRef ptr, uint32_t align, LLVMValueRef bytes,
                        cj_trap misaligned, cj_trap outside, uint32_t site);
/* Around guest code that may not call out: may_leave, and the record's `detail` or `running`: set `before`, else cleared. */
void cj__ll_guarded(cj__ll_fn *fn, uint32_t side, bool post_return, bool before);
/* Before realloc may be called for the value at `site`: cj_trap_record.running, but for `running` itself. */
void cj__ll_note(cj__ll_fn *fn, uint32_t site);
/* realloc(0, 0, align, size) at the destination and its checks: the new block's guest address, i64. size: i32. */
LLVMValueRef cj__ll_lower_alloc(cj__ll_fn *fn, uint32_t align, LLVMValueRef size, uint32_t site);

/* -- emit_moves.c ------------------------------------------------------------------------------------------------ */

/* Sets what belongs to a program; then writes all of it. */
void cj__ll_begin_program(cj__ll_fn *fn, const cj_moves *moves, bool in_results);
void cj__ll_program(cj__ll_fn *fn, cj__ll_place src, cj__ll_place dst);
void cj__ll_write_part(cj__ll_module *m, const cj__ll_part *part);
/* The handle table of the program's source, else of its destination; an element of one. */
LLVMValueRef cj__ll_table(cj__ll_fn *fn, bool lifts);
LLVMValueRef cj__ll_handle_at(cj__ll_fn *fn, LLVMValueRef table, LLVMValueRef index);
/* True when operations [first, past) may call realloc when they lower (handles only go from table to table). */
bool cj__ll_calls_out(const cj_moves *moves, uint32_t first, uint32_t past);

#endif
