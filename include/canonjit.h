/* canonjit.h: the WebAssembly Component Model on WAMR, its Canonical ABI compiled by LLVM.
 *
 * The whole public API. C11 and C++17; no type of WAMR or LLVM appears in it.
 *
 *     engine ── compiles and caches; thread-safe; one per process is enough
 *       ├── component ── decoded, validated, linked, its plans built; immutable, thread-safe
 *       ├── linker ── what the host offers to a component's imports
 *       ├── resource type ── one of the host's: an identity and what happens when a resource is dropped
 *       └── store ── the single-threaded world in which instances live
 *             └── instance ── a component, instantiated
 *                   └── func ── one exported function, ready to call
 *
 * Rules that hold everywhere:
 *   - Handles are opaque. Every creator names its destroyer. An object outlives what is made from it: delete
 *     stores before components and linkers, and these before the engine; the delete functions accept NULL. Users are counted:
 *     what is deleted too early goes when its last user does.
 *   - Functions return a cj_status; what they make is an out-parameter, set only on CJ_OK. Details go into a cj_error
 *     that the caller owns (`err` may be NULL); reporting an error never allocates.
 *   - NULL where an object, or room for what comes out, is wanted: CJ_MISUSE from a function that returns a cj_status; others find nothing (NULL, 0,
 *     false, "", as for a number past the end) or do nothing. Only cj_call_native and the functions of a cj_call_ctx, which are there to be quick, do not
 *     look: their object must not be NULL. A buffer of NULL is one of 0 bytes.
 *   - Sizes are in bytes unless the name says otherwise. Strings from the host are UTF-8.
 *   - An engine, a component and, once complete, a linker may be used by any number of threads at once. A store
 *     and all that belongs to it is for one thread at a time; it may move to another thread between calls.
 *   - Guests run on the stack of the thread that calls: its own, not one that a coroutine library has switched to. 256 KiB of it are a
 *     reserve, for host functions too: with less left a call is CJ_TRAP_STACK_OVERFLOW. Give threads that call 512 KiB or more.
 *   - Bytes of components and everything that guests say are untrusted and never crash the process; pointers that the
 *     host passes are trusted. Misuse that can be recognised is reported as CJ_MISUSE.
 *
 * "Spec" in comments is the Component Model's Canonical ABI (design/mvp/CanonicalABI.md), by section.
 */
#ifndef CANONJIT_H
#define CANONJIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define CJ_API
#else
#define CJ_API __attribute__((visibility("default")))
#endif

#define CJ_VERSION_MAJOR 0
#define CJ_VERSION_MINOR 1
#define CJ_VERSION_PATCH 0
#define CJ_VERSION_STRING "0.1.0"

/* The version of the library that runs, "0.1.0"; compare with CJ_VERSION_STRING, that of this header. */
CJ_API const char *cj_version(void);
/* What the library was built from and for, one line: "WAMR 1.1.2 llvm-jit, LLVM 15.0.6" or "WAMR 1.1.2 classic-interp, no LLVM".
 * "llvm-jit with software bounds checks": the build that handles no signal (docs/security.md). */
CJ_API const char *cj_build_info(void);

/* -- Status, traps, errors ------------------------------------------------------------------------------------ */

/* clang-format off */
/* X(NAME, text). The classes of outcome; cj_error has the details. */
#define CJ_STATUS_MAP(X) \
    X(OK, "ok") \
    X(MALFORMED, "malformed component")     /* the bytes are not a component: binary format */ \
    X(INVALID, "invalid component")         /* decodes, but breaks a validation rule */ \
    X(UNSUPPORTED, "unsupported")           /* valid, but canonjit cannot run it; the message names the feature */ \
    X(LINK, "cannot link")                  /* an import is missing from the linker, or differs in type */ \
    X(TRAP, "trap")                         /* a guest, or a host function for it, trapped; the instance is dead if it was entered */ \
    X(LIMIT, "limit exceeded")              /* a limit of cj_config or cj_limits; the message has its name */ \
    X(MISUSE, "API misuse")                 /* the host called a function in a way that this header forbids */ \
    X(NOT_FOUND, "not found")               /* no such export, type or name */ \
    X(HOST, "host error") /* for host functions to return: becomes a trap with their message; the system refused a file */ \
    X(NO_MEMORY, "out of memory") \
    X(INTERNAL, "internal error")           /* a fault of canonjit, LLVM or WAMR; please report it */

typedef enum cj_status {
#define CJ_X(name, text) CJ_##name,
    CJ_STATUS_MAP(CJ_X)
#undef CJ_X
    CJ_STATUS_COUNT
} cj_status;

/* X(NAME, text). Why a call trapped. The first group are core WebAssembly's, the others the Canonical ABI's. */
#define CJ_TRAP_MAP(X) \
    X(NONE, "no trap") \
    X(UNREACHABLE, "unreachable executed") \
    X(DIVIDE_BY_ZERO, "integer divide by zero") \
    X(INTEGER_OVERFLOW, "integer overflow") \
    X(BAD_CONVERSION, "invalid conversion to integer") \
    X(MEMORY_BOUNDS, "out of bounds memory access") \
    X(TABLE_BOUNDS, "out of bounds table access") \
    X(NULL_ELEMENT, "uninitialized element") \
    X(INDIRECT_TYPE, "indirect call type mismatch") \
    X(STACK_OVERFLOW, "stack overflow") \
    X(INTERRUPTED, "interrupted by the host") \
    X(CORE, "core trap")                                    /* one that WAMR reports in words of its own */ \
    X(CANNOT_LEAVE, "cannot leave component instance")      /* an import called during realloc or post-return */ \
    X(CANNOT_ENTER, "cannot enter component instance")      /* re-entrance, or the instance trapped before */ \
    X(CHAR_RANGE, "char is past U+10FFFF") \
    X(CHAR_SURROGATE, "char is a surrogate") \
    X(DISCRIMINANT, "discriminant names no case") \
    X(STRING_LENGTH, "string is longer than 2^28-1 bytes") \
    X(STRING_ALIGNMENT, "string pointer is not aligned") \
    X(STRING_BOUNDS, "string is out of bounds of memory") \
    X(STRING_UTF8, "string is not valid UTF-8") \
    X(STRING_UTF16, "string is not valid UTF-16") \
    X(LIST_LENGTH, "list is longer than 2^28-1 bytes") \
    X(LIST_ALIGNMENT, "list pointer is not aligned") \
    X(LIST_BOUNDS, "list is out of bounds of memory") \
    X(PARAMS_ALIGNMENT, "pointer to parameters is not aligned") \
    X(PARAMS_BOUNDS, "parameters are out of bounds of memory") \
    X(RESULTS_ALIGNMENT, "pointer to results is not aligned") \
    X(RESULTS_BOUNDS, "results are out of bounds of memory") \
    X(REALLOC_ALIGNMENT, "realloc returned a pointer that is not aligned") \
    X(REALLOC_BOUNDS, "realloc returned memory that is out of bounds") \
    X(HANDLE_INDEX, "unknown handle index") \
    X(HANDLE_KIND, "handle is of another kind") \
    X(HANDLE_TYPE, "handle is of another resource type") \
    X(HANDLE_LENT, "handle is lent") \
    X(HANDLE_BORROWED, "handle is borrowed") \
    X(HANDLE_TABLE_FULL, "handle table is full") \
    X(BORROW_NOT_DROPPED, "borrow handles still remain at the end of the call") \
    X(HOST, "host function failed") \
    X(HOST_LIMIT, "a limit on the host's memory was exceeded") /* cj_limits.max_host_bytes */ \
    X(UNSUPPORTED, "not supported by canonjit")               /* only with cj_config.trap_unsupported */

typedef enum cj_trap {
#define CJ_X(name, text) CJ_TRAP_##name,
    CJ_TRAP_MAP(CJ_X)
#undef CJ_X
    CJ_TRAP_COUNT
} cj_trap;
/* clang-format on */

/* English text of a status or trap; static, never NULL. */
CJ_API const char *cj_status_text(cj_status);
CJ_API const char *cj_trap_text(cj_trap);

#define CJ_NO_OFFSET UINT64_MAX

/* Details of what went wrong. Owned by the caller, filled in place, cut to fit; both texts are terminated UTF-8. */
typedef struct cj_error {
    cj_status status;
    cj_trap trap;      /* when status is CJ_TRAP */
    uint64_t offset;   /* byte offset in the component's file, or CJ_NO_OFFSET */
    char where[192];   /* "ns:pkg/iface@1.0.0#f: param 0 .items[3] .name", or "" */
    char message[256]; /* one sentence; for a limit it has the limit's name */
} cj_error;

/* Writes "malformed component: offset 0x1f: message" or "trap: where: message" into `buffer`, cut to `size` bytes
 * with the terminator. Returns the untruncated length, as snprintf does. */
CJ_API size_t cj_error_format(const cj_error *err, char *buffer, size_t size);

/* -- Types -------------------------------------------------------------------------------------------------------- */

/* clang-format off */
/* X(NAME, wit). Kinds of component value types (Explainer, "Type definitions"). */
#define CJ_KIND_MAP(X) \
    X(BOOL, "bool") X(S8, "s8") X(U8, "u8") X(S16, "s16") X(U16, "u16") X(S32, "s32") X(U32, "u32") \
    X(S64, "s64") X(U64, "u64") X(F32, "f32") X(F64, "f64") X(CHAR, "char") X(STRING, "string") \
    X(LIST, "list") X(RECORD, "record") X(TUPLE, "tuple") X(VARIANT, "variant") X(ENUM, "enum") \
    X(OPTION, "option") X(RESULT, "result") X(FLAGS, "flags") X(OWN, "own") X(BORROW, "borrow") \
    X(FIXED_LIST, "list") X(STREAM, "stream") X(FUTURE, "future") X(ERROR_CONTEXT, "error-context")

typedef enum cj_kind {
#define CJ_X(name, wit) CJ_KIND_##name,
    CJ_KIND_MAP(CJ_X)
#undef CJ_X
    CJ_KIND_COUNT
} cj_kind;
/* clang-format on */

/* The WIT keyword of a kind; static. */
CJ_API const char *cj_kind_name(cj_kind);

/* A value type and a function type. Owned by the component, immutable, valid as long as it. Structurally equal value
 * types of one component are one pointer. */
typedef struct cj_type cj_type;
typedef struct cj_functype cj_functype;

CJ_API cj_kind cj_type_kind(const cj_type *); /* CJ_KIND_COUNT for NULL */
/* The host layout (docs/host-layout.md): size and alignment of the C type in bytes. */
CJ_API size_t cj_type_size(const cj_type *);
CJ_API size_t cj_type_align(const cj_type *);
/* Members: fields of a record, elements of a tuple, cases of a variant or enum, labels of flags, 1 for list and option
 * (the payload of `some`), 2 for result (ok, err), 0 for the rest. */
CJ_API uint32_t cj_type_count(const cj_type *);
/* Type of member `i`: NULL for a case without payload, an enum case or a flags label. */
CJ_API const cj_type *cj_type_member(const cj_type *, uint32_t i);
/* Name of member `i` and, unless NULL, its length: "" for tuples and lists; "some", "ok", "err" for those. Terminated. */
CJ_API const char *cj_type_member_name(const cj_type *, uint32_t i, size_t *len);
/* Offset of member `i` in the host layout: of a field; of the payload for variant, option and result. */
CJ_API size_t cj_type_member_offset(const cj_type *, uint32_t i);
/* Width in bytes of a variant's, enum's, option's or result's discriminant (1, 2, 4), or of a flags value; 0 for the rest. */
CJ_API size_t cj_type_discriminant_size(const cj_type *);
/* Writes the type in WIT, "list<tuple<u32, string>>", cut to `size`; returns the untruncated length. */
CJ_API size_t cj_type_format(const cj_type *, char *buffer, size_t size);

CJ_API uint32_t cj_functype_param_count(const cj_functype *);
CJ_API const cj_type *cj_functype_param(const cj_functype *, uint32_t i);
CJ_API const char *cj_functype_param_name(const cj_functype *, uint32_t i, size_t *len);
/* The result's type, or NULL when there is none. */
CJ_API const cj_type *cj_functype_result(const cj_functype *);
/* The native door's argument struct: its size, alignment, and the offset of parameter `i`, in bytes. */
CJ_API size_t cj_functype_args_size(const cj_functype *);
CJ_API size_t cj_functype_args_align(const cj_functype *);
CJ_API size_t cj_functype_param_offset(const cj_functype *, uint32_t i);
/* "func(a: u32, b: string) -> string", cut to `size`; returns the untruncated length. */
CJ_API size_t cj_functype_format(const cj_functype *, char *buffer, size_t size);

/* -- Allocator hook and arenas ---------------------------------------------------------------------------------- */

/* All memory of canonjit's own comes from here (WAMR's and LLVM's does not). Must be thread-safe. A member that is given
 * replaces malloc's; give all three or none. `size` is what was asked for; sizes are never 0. */
typedef struct cj_allocator {
    /* aligned as malloc's; NULL when there is none */
    void *(*alloc)(void *user, size_t size);
    /* as realloc; NULL leaves `ptr` valid */
    void *(*resize)(void *user, void *ptr, size_t old_size, size_t new_size);
    void (*release)(void *user, void *ptr, size_t size);
    void *user;
} cj_allocator;

/* An arena: memory that is given back all at once. Strings and lists of results live in one. Not thread-safe. */
typedef struct cj_arena cj_arena;
CJ_API cj_status cj_arena_new(const cj_allocator *hook /* borrowed for the arena's life, NULL = malloc */,
                              cj_arena **out);
CJ_API void cj_arena_delete(cj_arena *);
/* Forgets all that was allocated; keeps the memory for the next use. */
CJ_API void cj_arena_reset(cj_arena *);
/* `align` is a power of two, 16 at most. NULL when it is not, or when out of memory. Valid until reset or delete. */
CJ_API void *cj_arena_alloc(cj_arena *, size_t size, size_t align);

/* -- Values in the host layout ------------------------------------------------------------------------------------ */

/* The C forms of string and list<T>. `ptr` may be anything when `len` is 0. */
typedef struct cj_string {
    const char *ptr; /* UTF-8, not terminated */
    size_t len;      /* in bytes */
} cj_string;

typedef struct cj_list {
    void *ptr;  /* elements in the host layout, aligned as their type wants */
    size_t len; /* number of elements */
} cj_list;

#ifdef __cplusplus
#define CJ_STRING(literal) (cj_string{(literal), sizeof(literal) - 1})
#else
#define CJ_STRING(literal) ((cj_string){(literal), sizeof(literal) - 1})
#endif

/* -- Dynamic values --------------------------------------------------------------------------------------------- */

/* A value with its kind: for tools and scripting. In arguments everything is borrowed from the caller for the call; in
 * results everything lives in the call's arena. */
typedef struct cj_val cj_val;
struct cj_val {
    cj_kind kind;
    union {
        bool b;
        int8_t s8;
        uint8_t u8;
        int16_t s16;
        uint16_t u16;
        int32_t s32;
        uint32_t u32;
        int64_t s64;
        uint64_t u64;
        float f32;
        double f64;
        uint32_t ch; /* a Unicode scalar value */
        cj_string string;
        struct { /* list, record (all fields, in the type's order), tuple */
            cj_val *ptr;
            size_t len;
        } seq;
        struct { /* variant, option (0 none, 1 some), result (0 ok, 1 err), enum */
            uint32_t index;
            cj_val *payload; /* NULL when the case has none */
        } choice;
        uint32_t flags;  /* bit i is label i */
        uint32_t handle; /* own, borrow: in the store's table ("Resources", below) */
    } of;
};

/* -- Engine -------------------------------------------------------------------------------------------------------- */

typedef struct cj_engine cj_engine;
typedef struct cj_component cj_component;
typedef struct cj_linker cj_linker;
typedef struct cj_store cj_store;
typedef struct cj_instance cj_instance;
typedef struct cj_func cj_func;
typedef struct cj_call_ctx cj_call_ctx;
typedef struct cj_resource_type cj_resource_type;

/* How boundary functions run. Guest code itself runs as WAMR was built: cj_build_info. */
typedef enum cj_tier {
    /* plans are interpreted at first, compiled by a thread of the engine once they are called often enough
     * (cj_config.calls_before_compile), and run compiled from then on: nothing ever waits for LLVM. Without LLVM
     * they stay interpreted */
    CJ_TIER_AUTO,
    CJ_TIER_INTERP, /* plans are interpreted */
    /* plans are compiled when a component is instantiated, which waits for it; CJ_UNSUPPORTED without LLVM */
    CJ_TIER_JIT,
    CJ_TIER_DEFAULT = CJ_TIER_AUTO
} cj_tier;

/* Limits on component files. X(type, name, default, what). They bound the time and memory that loading takes. */
#define CJ_LOAD_LIMIT_MAP(X) \
    X(uint64_t, max_component_size, 256u << 20, "bytes of a component") \
    X(uint32_t, max_type_depth, 100, "nesting of value types") \
    X(uint32_t, max_component_depth, 100, "nesting of components and component types") \
    X(uint32_t, max_definitions, 1000000, "definitions of all kinds in a component file") \
    X(uint32_t, max_name_length, 100000, "bytes of a name") \
    X(uint32_t, max_members, 10000, "fields, cases, labels or elements of a type") \
    X(uint32_t, max_params, 1000, "parameters of a function") \
    X(uint32_t, max_plan_ops, 65536, "operations in the plan of one function") \
    X(uint32_t, max_total_plan_ops, 1048576, "operations in the plans of all functions of a component") \
    X(uint32_t, max_core_instances, 1000, "core module instances in a component") \
    X(uint32_t, max_component_instances, 10000, "component instances in a component, itself included") \
    X(uint64_t, max_merged_size, 512u << 20, "bytes of core modules after merging") \
    X(uint32_t, max_function_body, 4u << 20, "bytes of a core function's body") \
    X(uint32_t, max_function_slots, 8192, "locals and operand stack slots of a core function") \
    X(uint32_t, max_function_nesting, 1000, "blocks inside each other in a core function") \
    X(uint32_t, max_core_types, 10000, \
      "different function types in core modules after merging; several modules may have as many pairs as one") \
    X(uint32_t, max_compile_work, 1u << 19, \
      "operations, and 256 per function, of the plans that instantiating compiles; what is over stays interpreted") \
    X(uint32_t, max_core_locals, 1u << 24, "locals of all core functions together, after merging")

/* What became of a thunk that was wanted: the event of cj_config.on_thunk. */
typedef enum cj_thunk_outcome {
    CJ_THUNK_COMPILED,  /* by LLVM */
    CJ_THUNK_FROM_DISK, /* found in the cache on disk */
    CJ_THUNK_FAILED     /* neither: `message` says why */
} cj_thunk_outcome;

typedef struct cj_thunk_event {
    cj_thunk_outcome outcome;
    /* of the first function that wanted the shape: "cj:export:ns:pkg/iface@1.0.0#f", "cj:import:...",
     * "cj:fused:..." */
    const char *name;
    uint64_t ns;         /* processor time */
    size_t object_size;  /* bytes of machine code and what belongs to it */
    const char *message; /* "" unless it failed */
} cj_thunk_event;

/* Names of compiled thunks, "cj:export:iface#f", "cj:import:...", "cj:fused:...", for tools that look at the process from outside; one thunk may serve other functions
 * of its shape, too, and has the name of the first. */
typedef enum cj_profile {
    CJ_PROFILE_PERF_MAP = 1, /* in /tmp/perf-PID.map: perf top, perf report */
    /* in jit-PID.dump, with the code: perf record -k mono; perf inject --jit; perf report, perf annotate */
    CJ_PROFILE_JITDUMP = 2,
    CJ_PROFILE_GDB = 4 /* to GDB, by its JIT interface, with unwind tables: backtraces through thunks */
} cj_profile;

typedef struct cj_config {
    size_t struct_size;            /* set by cj_config_init */
    const cj_allocator *allocator; /* borrowed for the engine's life; NULL = malloc */
    cj_tier tier;
    bool interruptible; /* loop heads and function entries of guests check cj_store_interrupt's flag */
    /* canonical built-ins that canonjit cannot run (async, threads), and async functions that are lowered or
     * exported, do not fail cj_component_new: the former trap with CJ_TRAP_UNSUPPORTED when they are called,
     * exports of async functions are left out */
    bool trap_unsupported;
#define CJ_X(type, name, default_value, what) type name;
    CJ_LOAD_LIMIT_MAP(CJ_X)
#undef CJ_X
    /* CJ_TIER_AUTO: of one shape, in all instances together; 0: when it is first instantiated.
     * CJ_CALLS_BEFORE_COMPILE */
    uint32_t calls_before_compile;
    /* where thunks are kept on disk: NULL: nowhere; CJ_CACHE_DEFAULT: where the user's caches are ("The cache on
     * disk", below), or nowhere when that cannot be; else this directory, or CJ_HOST. Borrowed for
     * cj_engine_new. Without LLVM it is not looked at */
    const char *cache_dir;
    uint64_t max_cache_bytes; /* in that directory: what was used longest ago goes first */
    /* called on the engine's own thread, for each thunk that is done; nothing is compiled until it returns. NULL: none.
     * It may call cj_engine_get_stats, which does not count this thunk yet, and what reads components, types and values.
     * It must not delete the engine, nor call guests: the thread takes no signals, and some of their traps are signals.
     * What would wait for this thread does not: cj_engine_wait_compiled returns, and instantiating with CJ_TIER_JIT,
     * cj_component_text and cj_func_time are CJ_MISUSE where something had to be compiled. A child that it forks has no other
     * thread, and ends, as by exit(0), when it returns */
    void (*on_thunk)(void *user, const cj_thunk_event *);
    void *on_thunk_user;
    /* cj_profile, or-ed; 0: none. Files are the process's: the first engine makes them, and they are left
     * behind. cj_engine_new: CJ_HOST when it cannot, CJ_UNSUPPORTED without LLVM */
    uint32_t profile;
    /* of CJ_PROFILE_JITDUMP; borrowed for the engine's life; NULL: the current directory */
    const char *jitdump_dir;
} cj_config;
#define CJ_CALLS_BEFORE_COMPILE 100
#define CJ_CACHE_DEFAULT ""
#define CJ_MAX_CACHE_BYTES (64u << 20)

/* Fills in the defaults. Call it first, then change members. */
CJ_API void cj_config_init(cj_config *);

/* Starts WAMR if the process has not yet. `config` is copied; NULL means defaults.
 * Delete with cj_engine_delete after everything made from it. Engines are counted: WAMR stops with the last one. */
CJ_API cj_status cj_engine_new(const cj_config *config, cj_engine **out, cj_error *err);
CJ_API void cj_engine_delete(cj_engine *);

/* Waits until every function that is to be compiled is: those that CJ_TIER_AUTO has in the queue. For tests and benchmarks. They run their code from
 * their next call on, imports from the one after it. */
CJ_API void cj_engine_wait_compiled(cj_engine *);

/* Counters, for tests and monitoring. Functions of one shape share one thunk. */
typedef struct cj_engine_stats {
    uint64_t thunks_compiled;  /* by LLVM since the engine was made */
    uint64_t thunk_cache_hits; /* functions, instantiated, whose shape was known already */
    uint64_t compile_ns;       /* processor time that LLVM took for it, but for its own start */
    uint64_t thunks_pending;   /* waiting to be compiled, or being compiled */
    uint64_t thunks_failed;    /* LLVM could not: CJ_TIER_AUTO interprets them for ever */
    uint64_t disk_hits;        /* thunks that were on disk, and so were not compiled */
    uint64_t disk_misses;      /* that were not, and so were */
    uint64_t disk_refused;     /* whose file was damaged or not to be trusted, and so were */
    uint64_t disk_stored;
    uint64_t disk_ns; /* processor time for all of that */
} cj_engine_stats;
CJ_API void cj_engine_get_stats(const cj_engine *, cj_engine_stats *out);

/* The cache on disk: compiled thunks for later processes. Code is found by the shape of the function, the build of canonjit, the version of LLVM and the
 * features of the processor; anything else is compiled anew. CJ_CACHE_DEFAULT is $XDG_CACHE_HOME/canonjit, or ~/.cache/canonjit. The
 * directory is made when it is not there; it must belong to the user who runs, and nobody else may write to it: its files are machine code that
 * is run (docs/security.md). `path` as cj_config.cache_dir, but not NULL. CJ_HOST: it cannot be read, or is not the user's alone; CJ_UNSUPPORTED
 * without LLVM. */
#define CJ_CACHE_PATH_SIZE 4096
typedef struct cj_cache_info {
    char path[CJ_CACHE_PATH_SIZE];
    uint64_t entries, bytes; /* 0 when there is no such directory */
} cj_cache_info;
CJ_API cj_status cj_cache_get_info(const char *path, cj_cache_info *out, cj_error *err);
/* Removes all entries, also those that other processes use: they have loaded what they need. */
CJ_API cj_status cj_cache_clear(const char *path, cj_error *err);

/* -- Component ----------------------------------------------------------------------------------------------------- */

/* Decodes, validates and links; builds the plan of every boundary function. Where guests are compiled (cj_build_info), that is done by WAMR, with LLVM: a
 * part of it here, the rest on threads of WAMR's, and in the first call that comes to a function before them, which waits. It is done once per component
 * and not kept on disk; large guests take seconds. So keep components, rather than load them for each request. `bytes` is borrowed for the call only,
 * and must not change meanwhile: it is read more than once.
 * Errors: CJ_MALFORMED, CJ_INVALID, CJ_UNSUPPORTED, CJ_LIMIT, each with the offset. Delete with cj_component_delete. */
CJ_API cj_status cj_component_new(cj_engine *, const uint8_t *bytes, size_t size, cj_component **out, cj_error *err);
/* The same for a component that imports core modules or components: these are no business of instances, so they are given here. `name`
 * is the import's, "m", or "iface#m" in an imported instance; the bytes are a core module or a component, whichever is imported. What is
 * imported, used and not given is CJ_UNSUPPORTED, unused and not given is CJ_LINK in cj_instantiate; CJ_NOT_FOUND: there is no such import.
 * Offsets of errors in what was given are its own, with `where` saying "given as `m`". */
typedef struct cj_component_part {
    const char *name;
    const uint8_t *bytes;
    size_t size;
} cj_component_part;
CJ_API cj_status cj_component_new_with(cj_engine *, const uint8_t *bytes, size_t size, const cj_component_part *given,
                                       size_t given_count, cj_component **out, cj_error *err);
CJ_API void cj_component_delete(cj_component *);

/* Imported and exported functions, in the order of the file. `interface` is "" for the root's own; the strings live as
 * long as the component. */
typedef struct cj_extern_func {
    const char *interface; /* "ns:pkg/iface@1.0.0" or "" */
    const char *name;      /* "f", "[method]r.f" */
    const cj_functype *type;
} cj_extern_func;
CJ_API size_t cj_component_import_count(const cj_component *);
CJ_API cj_extern_func cj_component_import(const cj_component *, size_t i);
CJ_API size_t cj_component_export_count(const cj_component *);
CJ_API cj_extern_func cj_component_export(const cj_component *, size_t i);

/* Resource types that it imports or exports under a name, in the order of the file; a type with two names is there twice. */
typedef struct cj_extern_resource {
    const char *interface; /* as in cj_extern_func */
    const char *name;
    /* the linker must have it (cj_linker_resource), if the component makes any use of it; else it is exported */
    bool imported;
} cj_extern_resource;
CJ_API size_t cj_component_resource_count(const cj_component *);
CJ_API cj_extern_resource cj_component_resource(const cj_component *, size_t i);

/* Finds a function by its name as people write it: "f"; "iface#f" or "iface.f", the interface with or without its package and version
 * ("ns:pkg/iface@1.0.0#f", "iface.f"); "ns:pkg/iface.f@1.0.0". CJ_NOT_FOUND with the most similar names; CJ_INVALID, with
 * the candidates, when the name fits several and is exact for none. */
CJ_API cj_status cj_component_find_export(const cj_component *, const char *name, size_t len, size_t *index,
                                          cj_error *err);
CJ_API cj_status cj_component_find_import(const cj_component *, const char *name, size_t len, size_t *index,
                                          cj_error *err);

/* -- Linker -------------------------------------------------------------------------------------------------------- */

/* A host function. `args` points to a struct of the parameters and `results` to one for the result, both in the host
 * layout; `results` is zeroed. A function without parameters gets NULL for `args`, one without a result NULL for `results`. Strings and lists in `args` may be views into guest memory: they are valid until the
 * function returns, but not across a call into the same guest. What `results` points to is copied out before the
 * guest goes on; use cj_ctx_alloc for memory that need not live longer. Any return but CJ_OK becomes a trap of the calling guest
 * with the text in `err`, which is never NULL, and empty at first: its message, and `where` if there is one, are what counts; so does a CJ_TRAP that a nested call
 * returned. `ctx` is valid until the function returns. Called on the thread that entered the store. */
typedef cj_status (*cj_host_fn)(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err);

/* The dynamic door for host functions: values instead of structs. `results[0]` is to be filled when the function has a
 * result; what it points to follows the same rules. */
typedef cj_status (*cj_host_dyn_fn)(void *user, cj_call_ctx *ctx, const cj_val *args, size_t nargs, cj_val *results,
                                    size_t nresults, cj_error *err);

CJ_API cj_status cj_linker_new(cj_engine *, cj_linker **out, cj_error *err);
CJ_API void cj_linker_delete(cj_linker *);
/* Offers a function. `interface` NULL or "" is the component's root. Names are copied; `user` is passed to `fn` and must
 * live as long as instances made with this linker. A second definition of a name is CJ_MISUSE. The type is that of the
 * component's import: `fn` must have been written for it (compare with cj_component_import where in doubt). */
CJ_API cj_status cj_linker_func(cj_linker *, const char *interface, const char *name, cj_host_fn fn, void *user,
                                cj_error *err);
CJ_API cj_status cj_linker_dyn_func(cj_linker *, const char *interface, const char *name, cj_host_dyn_fn fn, void *user,
                                    cj_error *err);

/* Offers a resource type of the host to imports of a resource type; the linker counts as its user. One type may be offered under any
 * number of names: they are then one and the same to guests. Functions and resource types share their names ("[method]r.f" is a function, `r`
 * the type). The same errors as cj_linker_func; CJ_MISUSE too when the type is of another engine or a guest's. */
CJ_API cj_status cj_linker_resource(cj_linker *, const char *interface, const char *name, const cj_resource_type *,
                                    cj_error *err);

/* In a host function: memory that lives until the guest goes on; NULL when out of memory or past max_host_bytes; `align` as of
 * cj_arena_alloc. */
CJ_API void *cj_ctx_alloc(cj_call_ctx *, size_t size, size_t align);
CJ_API cj_store *cj_ctx_store(cj_call_ctx *);
/* The instance that calls: what cj_instantiate gave, whichever of the components inside it the call comes from. */
CJ_API cj_instance *cj_ctx_instance(cj_call_ctx *);
CJ_API const cj_functype *cj_ctx_type(cj_call_ctx *);

/* -- Store and instances ------------------------------------------------------------------------------------------- */

/* Limits at run time. X(type, name, default, what). A memory that begins with more, or a table that may become larger, is CJ_LIMIT in
 * cj_instantiate; a memory.grow that would go over answers -1 to the guest. */
#define CJ_LIMIT_MAP(X) \
    X(uint64_t, max_host_bytes, 1u << 30, \
      "bytes of lifted values that one call may make the host allocate, or check in place (strings)") \
    X(uint32_t, max_memory_pages, 65536, "64 KiB pages of one linear memory") \
    X(uint32_t, max_table_elements, 10000000, "elements of one table") \
    X(uint32_t, max_instances, 10000, "component instances in a store") \
    X(uint32_t, max_handles, 1u << 20, "resource handles of one component instance, and of the host in one store") \
    X(uint32_t, wasm_stack_size, 1u << 20, "bytes of the operand stack, where WAMR interprets")

typedef struct cj_limits {
    size_t struct_size; /* set by cj_limits_init */
#define CJ_X(type, name, default_value, what) type name;
    CJ_LIMIT_MAP(CJ_X)
#undef CJ_X
} cj_limits;

CJ_API void cj_limits_init(cj_limits *);

/* `limits` is copied, NULL means defaults; `user` is for the host: cj_store_user gives it back.
 * cj_store_delete deletes the store's instances too; inside a call of the store it deletes nothing, and cj_store_error says so. Resources of host's types to which
 * an own handle is left in any table, the host's or a guest's, are dropped first, each once: those of guests, newest instance first, then the host's. No
 * guest runs any more: resources of guests end with them. */
CJ_API cj_status cj_store_new(cj_engine *, const cj_limits *limits, void *user, cj_store **out, cj_error *err);
CJ_API void cj_store_delete(cj_store *);
CJ_API void *cj_store_user(const cj_store *);
/* From any thread: guests of the store that run now, or next, trap with CJ_TRAP_INTERRUPTED at their next check, until
 * cj_store_resume; the instance is dead then, as after any trap. A guest that is done before its next check is not stopped. Needs cj_config.interruptible,
 * else CJ_UNSUPPORTED. The store must not be deleted meanwhile. */
CJ_API cj_status cj_store_interrupt(cj_store *);
CJ_API void cj_store_resume(cj_store *);
/* What the last call that failed in this store left: valid until the next call. Never NULL, not even for a store of NULL. */
CJ_API const cj_error *cj_store_error(const cj_store *);

/* Instantiates: core modules in order, their start functions, tier JIT: compiles thunks that the engine does not have yet.
 * The instance is owned by the store and lives as long, also when it is dead: where instances come and go, give each a store of its own. The linker need
 * only outlive this call.
 * CJ_LINK names the first import that the linker lacks; CJ_TRAP when a start function or segment traps; the store goes on after either. `linker`
 * may be NULL for a component without imports. */
CJ_API cj_status cj_instantiate(cj_store *, const cj_linker *, const cj_component *, cj_instance **out, cj_error *err);

/* An exported function by path: "f", or "ns:pkg/iface@1.0.0#f". NULL when there is none. Owned by the instance. */
CJ_API cj_func *cj_instance_func(cj_instance *, const char *path);
/* The same by position in cj_component_export. */
CJ_API cj_func *cj_instance_func_at(cj_instance *, size_t i);
CJ_API const cj_functype *cj_func_type(const cj_func *);
/* "ns:pkg/iface@1.0.0#f"; lives as long as the component. */
CJ_API const char *cj_func_name(const cj_func *);
CJ_API cj_instance *cj_func_instance(const cj_func *);

/* -- Resources ------------------------------------------------------------------------------------------------------ */

/* A resource is something that lives on one side and is known to the other by a handle (Explainer, "Handle types"). own<R> is the right
 * to have it dropped, and moves; borrow<R> is lent for a call. In the host layout both are a uint32_t: an index into the store's table of
 * handles, which is to the host what each component instance's table is to a guest (spec, "Resource State"). 0 is never a handle; indices
 * are used again. Only calls and the functions below make handles; they are meaningless in another store.
 *
 *   Arguments of a call    own: the handle is gone from the store's table as soon as it has been moved. Arguments are moved in order; when a call fails
 *                          before it comes to one, that one stays the host's: cj_handle_type tells. borrow: an own or borrow handle, lent: it
 *                          cannot be dropped or moved until the call is over.
 *   Results of a call      own: a new handle of the host's, to be dropped or passed on.
 *   In a host function     own parameters are new handles of the host's, likewise; borrow parameters too, but only until the function returns,
 *                          when those that it has not dropped are dropped for it. An own handle in the result moves to the guest.
 *
 * A call with a handle that is not there, of another type, lent or only borrowed traps (CJ_TRAP_HANDLE_*: the guest was entered); the dynamic door finds out
 * before (CJ_MISUSE). The host's table has max_handles of cj_limits at most: CJ_TRAP_HANDLE_TABLE_FULL. */

/* What happens when the last handle of a host's resource is dropped, once per resource: by a guest or the host, or because its store is deleted.
 * Runs on the thread that uses the store, maybe inside a guest's call. It may use the store, but not delete it, nor enter guests while it is being
 * deleted (that fails with CJ_MISUSE). */
typedef void (*cj_drop_fn)(void *user, void *rep);

/* A resource type of the host's. `name` is for errors, copied; `drop` may be NULL; `user` is passed to it and must live as long as stores that have
 * met the type. Equal only to itself. Delete with cj_resource_type_delete, at any time after: linkers, and stores with instances that use it or with
 * resources of it, count as users and keep it. Thread-safe. */
CJ_API cj_status cj_resource_type_new(cj_engine *, const char *name, cj_drop_fn drop, void *user,
                                      cj_resource_type **out, cj_error *err);
CJ_API void cj_resource_type_delete(cj_resource_type *);
/* The name given, or that of a guest's: "ns:pkg/iface@1.0.0#r" or "r"; "" for a type of a guest that has none. Lives as long as the type. */
CJ_API const char *cj_resource_type_name(const cj_resource_type *);

/* The resource type that an instance exports, or imports, under a name: "r", or "ns:pkg/iface@1.0.0#r". NULL when there is none, or when it is an import of
 * which the component makes no use. A guest's type is made with its instance and lives as long; two instances of one component have two types.
 * Types are equal when they are one pointer. */
CJ_API const cj_resource_type *cj_instance_resource(cj_instance *, const char *path);
/* The one that a handle type (CJ_KIND_OWN, CJ_KIND_BORROW) of the instance's component means in this instance; NULL when it is not such a type. */
CJ_API const cj_resource_type *cj_instance_handle_type(cj_instance *, const cj_type *);

/* Makes a resource of a host's type: `*handle` is an own handle in the store's table. `rep` is what cj_resource_rep and `drop` get; it may be anything.
 * CJ_MISUSE: a guest's type. CJ_LIMIT: max_handles. */
CJ_API cj_status cj_resource_new(cj_store *, const cj_resource_type *, void *rep, uint32_t *handle, cj_error *err);
/* The `rep` behind a handle, own or borrow, of the given host's type. CJ_NOT_FOUND: no such handle. CJ_MISUSE: of another type, or a guest's, whose
 * representation is the guest's alone. A host function's handles that its type says to be of a type are: the call has checked it. */
CJ_API cj_status cj_resource_rep(const cj_store *, const cj_resource_type *, uint32_t handle, void **rep,
                                 cj_error *err);
/* Takes a resource of a host's type out of the table without dropping it: the handle, which must be own and not lent, is gone, and `*rep` the caller's.
 * Errors as of cj_resource_rep and cj_resource_drop. */
CJ_API cj_status cj_resource_take(cj_store *, const cj_resource_type *, uint32_t handle, void **rep, cj_error *err);
/* Drops a handle. Own: calls the type's `drop`, or the guest's destructor, which is a call like another: CJ_TRAP when it traps or its instance cannot
 * be entered (the handle is gone all the same). Borrow: nothing else happens. CJ_NOT_FOUND: no such handle. CJ_MISUSE: it is lent to a call that is going on. */
CJ_API cj_status cj_resource_drop(cj_store *, uint32_t handle, cj_error *err);

/* The type of a handle of the host's, NULL when there is no such handle; whether it is own. */
CJ_API const cj_resource_type *cj_handle_type(const cj_store *, uint32_t handle);
CJ_API bool cj_handle_is_own(const cj_store *, uint32_t handle);

/* -- Calls ---------------------------------------------------------------------------------------------------------- */

/* What every cj_func begins with; the rest is private. */
struct cj_func_head {
    cj_status (*entry)(cj_func *, const void *args, void *results, cj_arena *arena);
};

/* The native door: `args` is a C struct of the parameters, `results` room for the result, both in the host layout
 * (docs/host-layout.md) and trusted; either may be NULL when there are none. Strings and lists of the result live in
 * `arena` until it is reset; with NULL, in the store's own arena: until the next call that does not come from inside a host function
 * has returned (so they may be its arguments), or, inside one or a resource's drop function, until that returns. Instantiating is such a call too. Post-return
 * has run when this returns. On CJ_TRAP, and on CJ_NO_MEMORY, the instance cannot be entered again, and cj_store_error tells why. `results`
 * is undefined unless CJ_OK. */
static inline cj_status cj_call_native(cj_func *f, const void *args, void *results, cj_arena *arena)
{
    return ((const struct cj_func_head *)(const void *)f)->entry(f, args, results, arena);
}

/* The native door for results that are large and need not be copied. cj_call_begin is cj_call_native, but that the result's strings (of functions
 * with UTF-8) and its lists of integers, floats and padding-free records of them, at any depth, lie in the guest's memory: look at them, do not write or
 * keep them. cj_call_end runs post-return. Handles are as after a call: what was lent is not any more.
 * In between, nobody can enter the instance (CJ_TRAP, cannot enter), so call begin and end in pairs; a host
 * function should not leave one open. When cj_call_begin fails there is nothing to end. cj_call_end without a call of that function that has begun:
 * CJ_MISUSE, as cj_call_begin of an import that is exported again. The first call in the tier jit compiles; in the others this way is interpreted. */
CJ_API cj_status cj_call_begin(cj_func *, const void *args, void *results, cj_arena *arena);
CJ_API cj_status cj_call_end(cj_func *);

/* The dynamic door: checks `args` against the type (CJ_MISUSE, with the path of the value: the guest is not entered), writes them to the
 * host layout and takes the same path. `nresults` is 1 when the function has a result, else 0. The values of the result count against
 * max_host_bytes (CJ_LIMIT: the call itself is done, the instance alive). */
CJ_API cj_status cj_call(cj_func *, const cj_val *args, size_t nargs, cj_val *results, size_t nresults, cj_arena *arena,
                         cj_error *err);

/* Between the two forms: writes `val` as a value of `type` at `at` (lists are copied to `arena`; strings stay where they are); reads one
 * back (values and their lists come from `arena`; strings stay where they are). What does not fit the type is CJ_MISUSE, with the path. */
CJ_API cj_status cj_val_store(const cj_type *type, const cj_val *val, void *at, cj_arena *arena, cj_error *err);
CJ_API cj_status cj_val_load(const cj_type *type, const void *at, cj_val *out, cj_arena *arena, cj_error *err);
/* Structural equality of two values of one type. NaNs are equal to each other; 0 and -0 are not. */
CJ_API bool cj_val_equal(const cj_val *a, const cj_val *b);

/* -- Timing calls ----------------------------------------------------------------------------------------------------- */

/* What calls of a function do besides, or instead, until the mode is changed; `canonjit bench` is made of this. The compiled code of a function that is not
 * being timed knows nothing of it. */
typedef enum cj_timing {
    CJ_TIMING_OFF,
    /* they enter the instance and leave it: no argument is moved, no guest code runs, `results` is undefined */
    CJ_TIMING_ENTRY,
    /* code of its own, or the plan interpreter, reads the processor's time-stamp counter between their steps */
    CJ_TIMING_STEPS,
    /* the counter is read before and after each call of the guest's realloc for an argument; only where guests
     * are compiled */
    CJ_TIMING_REALLOC,
} cj_timing;

/* Sums over the calls that returned CJ_OK, in ticks of the counter, the cost of reading it included: once in each step, once in each call of realloc. */
typedef struct cj_step_ticks {
    uint64_t calls; /* STEPS */
    /* from the thunk's beginning until the core function is called: arguments, realloc included */
    uint64_t lower;
    uint64_t core;                   /* the core function */
    uint64_t lift;                   /* the result */
    uint64_t post_return;            /* 0 when there is none */
    uint64_t realloc_calls, realloc; /* REALLOC */
} cj_step_ticks;

/* Changes the mode. Calls add to `ticks`, which must live until the mode is changed again; for OFF and ENTRY it may be NULL. CJ_UNSUPPORTED: the function
 * is an import that is exported again, or the build or the processor lacks the mode. CJ_MISUSE: inside a call of its store. */
CJ_API cj_status cj_func_time(cj_func *, cj_timing, cj_step_ticks *ticks, cj_error *err);
/* How long a tick is, and how many ticks it takes to read the counter: measured once per process, which takes some milliseconds. */
CJ_API void cj_timing_clock(double *ns_per_tick, double *ticks_per_stamp);

/* -- WAVE: values as text ------------------------------------------------------------------------------------------- */

/* Parses a value of `type` from `text` (the WebAssembly Value Encoding). Integers out of range, unknown labels and duplicates are
 * errors (CJ_INVALID, offset is the byte in `text`). Memory comes from `arena`. */
CJ_API cj_status cj_wave_parse(const cj_type *type, const char *text, size_t len, cj_val *out, cj_arena *arena,
                               cj_error *err);
/* Writes a value as WAVE text, cut to `size` bytes with the terminator; returns the untruncated length. */
CJ_API size_t cj_wave_format(const cj_type *type, const cj_val *val, char *buffer, size_t size);
/* Parses a call, "f(1, [2])": finds the export by its name (as cj_component_find_export does) and reads the arguments by its type; trailing
 * arguments of option type may be left out. `*index` is the position in cj_component_export, and for cj_instance_func_at. Offsets
 * of errors are bytes in `text`. */
CJ_API cj_status cj_wave_parse_call(const cj_component *, const char *text, size_t len, size_t *index, cj_val **args,
                                    size_t *nargs, cj_arena *arena, cj_error *err);

/* -- Inspection ------------------------------------------------------------------------------------------------------ */

/* Texts for people: allocated with the engine's allocator, terminated; free with cj_text_delete. */
typedef enum cj_text_kind {
    CJ_TEXT_WIT,  /* imports and exports of the component, in WIT; `func` is ignored */
    CJ_TEXT_JSON, /* the same as JSON */
    CJ_TEXT_PLAN, /* the move plan of a function, "f", "iface#f"; imports as well as exports */
    CJ_TEXT_LLVM, /* the LLVM IR that it became, optimised */
    CJ_TEXT_ASM,  /* the machine code, in assembler */
} cj_text_kind;
CJ_API cj_status cj_component_text(const cj_component *, cj_text_kind, const char *func, char **out, cj_error *err);
CJ_API void cj_text_delete(const cj_component *, char *text);

#ifdef __cplusplus
}
#endif

#endif
