/* exec.h: the two back ends as the runtime sees them, and the helpers that both call.
 *
 * interp/ walks a plan: always there, the oracle. llvm/ compiles one: present when CJ_HAVE_LLVM is 1. text/ has the
 * string kernels.
 */
#ifndef CJ_EXEC_EXEC_H
#define CJ_EXEC_EXEC_H

#include "base/clock.h"
#include "exec/call.h"

#ifndef CJ_HAVE_LLVM
#define CJ_HAVE_LLVM 0
#endif

/* The counter that steps are timed by, read when all before it is done, and before anything behind it begins. */
static inline uint64_t cj__ticks(void)
{
#if defined(__x86_64__)
    __builtin_ia32_lfence();
    uint64_t now = __builtin_ia32_rdtsc();
    __builtin_ia32_lfence();
    return now;
#else
    return cj__now_ns();
#endif
}

/* -- interp/ ------------------------------------------------------------------------------------------------------- */

uint32_t cj__interp_export(cj_call_ctx *call, const void *args, void *results);        /* a cj_export_thunk */
uint32_t cj__interp_import(cj_call_ctx *call, const uint64_t *flat, uint64_t *result); /* a cj_import_gate */

/* cj__interp_export that counts its steps in bound->ticks. */
uint32_t cj__interp_export_timed(cj_call_ctx *call, const void *args, void *results);

uint32_t cj__interp_fused(cj_call_ctx *call, const uint64_t *flat, uint64_t *result); /* a cj_import_gate */
/* Post-return with the core function's flat result, if the function has one: inside an entered region. Gives a cj_trap after recording it. */
uint32_t cj__interp_post_return(cj_call_ctx *call, const uint64_t *result);

/* What the engine's generic gate calls (cj__core_set_gate): by the binding's kind one of the two above, a canonical builtin
 * (exec/builtins.c), or another group's core function. */
uint32_t cj__gate(cj_call_ctx *call, const uint64_t *flat, uint64_t *result);
/* JIT builds: native code, (env, params..., slot), of the kinds that need no plan and so no compiler; NULL for others. */
void *cj__builtin_code(cj_slot_kind kind);
/* JIT builds: likewise, for a core function of another group; NULL: through the gate. */
void *cj__core_call_code(const cj_core_type *);

/* -- llvm/ --------------------------------------------------------------------------------------------------------- */

/* The compiler with its cache of thunks and its thread, one per engine; thread-safe. LLVM runs on that thread only, which
 * starts with the first shape that is wanted. */
typedef struct cj_compiler cj_compiler;
cj_status cj__compiler_new(const cj_allocator *, cj_compiler **out, cj_error *err);
/* Ends the thread, after what it compiles now. */
void cj__compiler_delete(cj_compiler *);
/* What the engine's configuration says of it; before the first plan. */
typedef struct cj_compiler_options {
    uint32_t calls;       /* of a shape, after which cj__thunk_gate and cj__thunk_export want its code */
    struct cj_disk *disk; /* or NULL; the engine's */
    void (*on_thunk)(void *user, const cj_thunk_event *); /* or NULL */
    void *on_thunk_user;
    uint32_t profile; /* cj_profile */
} cj_compiler_options;
void cj__compiler_set_options(cj_compiler *, const cj_compiler_options *);
/* cj_config.profile: makes the files that it wants, once per process: the first directory counts. CJ_HOST: one cannot be made. Thread-safe. */
cj_status cj__profile_open(uint32_t kinds, const char *jitdump_dir, cj_error *err);

/* A shape. Lives as long as the compiler. `out` may be without code yet. */
typedef struct cj_thunk cj_thunk;
cj_status cj__compiler_thunk(cj_compiler *, const cj_plan *, cj_thunk **out, cj_error *err);
/* Its code, or NULL. Export: a cj_export_thunk. Import, fused: a C function (env, flat..., slot) that WAMR's code calls directly. */
void *cj__thunk_code(const cj_thunk *);
/* Has it compiled, in the background; at most once. The plan is copied. `what` and `path` are for symbols: "cj:export:iface#f". CJ_LIMIT:
 * enough is waiting already. `always`: however much that is. */
cj_status cj__thunk_want(cj_thunk *, const cj_plan *, const char *what, const char *path, bool always);
/* Until code that is wanted is there. */
cj_status cj__thunk_wait(cj_thunk *, void **out, cj_error *err);
/* Until nothing waits to be compiled. */
void cj__compiler_wait(cj_compiler *);

/* What functions run while their thunk has no code: both count calls, and switch to the code when there is some. An export's
 * cj_binding.code; and what the gate asks before it interprets the plan of an import. */
uint32_t cj__thunk_export(cj_call_ctx *call, const void *args, void *results); /* a cj_export_thunk */
void cj__thunk_gate(cj_call_ctx *call);

/* All of the above at once: the code of a plan, now. */
cj_status cj__compiler_code(cj_compiler *, const cj_plan *, const char *name, void **out, cj_error *err);
/* The code of an export that counts its steps in bound->ticks: compiled anew each time, and not cached. CJ_UNSUPPORTED on processors without a counter that
 * compiled code can read. */
cj_status cj__compiler_timed(cj_compiler *, const cj_plan *, const char *name, void **out, cj_error *err);
/* The text of a stage, for inspection; free with cj__free(strlen + 1). */
cj_status cj__compiler_text(cj_compiler *, const cj_plan *, const char *name, cj_text_kind llvm_or_asm, char **out,
                            cj_error *err);
void cj__compiler_stats(const cj_compiler *, cj_engine_stats *add_to);

/* -- Helpers of both back ends (exec/text/strings.c, exec/call.c) ----------------------------------------------------- */

/* They give a cj_trap and record nothing: the caller knows the site. */

/* What becomes of a guest's string. Views are of UTF-8 only; other encodings are copied. */
typedef enum cj_string_as {
    CJ_STRING_COPY,         /* in call->arena, with no terminator */
    CJ_STRING_VIEW,         /* where it is; no longer than what max_host_bytes leaves */
    CJ_STRING_VIEW_COUNTED, /* and counted, as a copy is */
} cj_string_as;
/* Of pointers and lengths in core parameters there are at most eight, so the work of checking what they name is bounded;
 * of those in memory there may be any number. */
static inline cj_string_as cj__string_as(const cj_op *op, bool in_memory)
{
    return op->mode != CJ_MODE_VIEW ? CJ_STRING_COPY : in_memory ? CJ_STRING_VIEW_COUNTED : CJ_STRING_VIEW;
}

/* Guest string -> host UTF-8. Checks length, alignment, bounds, encoding in the spec's order, then the host's limit. */
uint32_t cj__string_lift(cj_call_ctx *call, const cj_side *from, cj_encoding encoding, cj_string_as as, uint32_t ptr,
                         uint32_t tagged_units, cj_string *out);

/* Host UTF-8 -> guest, by the spec's realloc sequence for a UTF-8 source. Longer than CJ_MAX_BYTES is
 * CJ_TRAP_STRING_LENGTH, invalid UTF-8 from the host CJ_TRAP_STRING_UTF8. out: pointer, tagged units. */
uint32_t cj__string_lower(cj_call_ctx *call, const cj_side *to, cj_encoding encoding, const cj_string *in,
                          uint32_t out[2]);

/* Guest string -> guest string, all nine pairs of encodings: length, alignment and bounds as cj__string_lift checks them, then
 * the spec's realloc sequence for the pair; the encoding is checked before it where it does not change, else on the way. */
uint32_t cj__string_move(cj_call_ctx *call, const cj_side *from, cj_encoding from_encoding, const cj_side *to,
                         cj_encoding to_encoding, uint32_t ptr, uint32_t tagged_units, uint32_t out[2]);

/* realloc(0, 0, align, size) with the checks on what it returns: REALLOC_ALIGNMENT, then REALLOC_BOUNDS. may_leave is 0
 * and trap.running set meanwhile. STACK_OVERFLOW when there is too little native stack. `align` is a power of
 * two. */
uint32_t cj__lower_alloc(cj_call_ctx *call, const cj_side *to, uint32_t align, uint32_t size, uint32_t *ptr);
/* The same with an old block (string growth). */
uint32_t cj__lower_realloc(cj_call_ctx *call, const cj_side *to, uint32_t old_ptr, uint32_t old_size, uint32_t align,
                           uint32_t new_size, uint32_t *ptr);

#endif
