/* merge_internal.h: what the merger's files share.
 *
 *     merge.c         the passes in order; resolution of imports, liveness, sections
 *     merge_scan.c    validates a module's function bodies, once per module, and notes every place that depends on an
 *                     index: a site. merge_scan_loop.c: its loop
 *     merge_init.c    values of globals; segments: which stay active, which go into initialisers; what tables will
 *                     hold for ever
 *     merge_live.c    what is reached, and what indirect calls come down to; merged indices, of types too
 *     merge_code.c    copies bodies, replacing what is at the sites; makes the functions that no module has
 *     merge_names.c   the name section
 *     merge_encode.c  the byte writer
 *     opcodes.h       the instructions
 *
 * Three kinds of function numbers occur: an index in a module's own space; a *target*, which names a function of the
 * group before the merged indices are known; and the index in the merged module.
 */
#ifndef CJ_LINK_MERGE_INTERNAL_H
#define CJ_LINK_MERGE_INTERNAL_H

#include "base/arena.h"
#include "base/reader.h"
#include "link/const_expr.h"
#include "link/merge.h"

#define CJ_NO_INDEX UINT32_MAX

/* -- Byte writer (merge_encode.c) ---------------------------------------------------------------------------------- */

/* Growable bytes. What does not fit (memory, max_merged_size) sets `status`, which sticks: check it once at the end. */
typedef struct cj_writer {
    const cj_allocator *alloc;
    uint8_t *at;
    size_t len, cap;
    uint64_t max;
    cj_status status;
} cj_writer;

bool cj__write_room(cj_writer *, size_t size); /* false: failed */
void cj__write_bytes_slow(cj_writer *, const void *bytes, size_t size);
void cj__write_u32(cj_writer *, uint32_t value);
void cj__write_s32(cj_writer *, int32_t value);
void cj__write_s33(cj_writer *, int64_t value);
void cj__write_s64(cj_writer *, int64_t value);
void cj__write_name(cj_writer *, cj_str name);
/* A size that is known only afterwards: begin leaves room, end puts the size of what came between and closes the
 * gap. */
size_t cj__write_begin_sized(cj_writer *);
void cj__write_end_sized(cj_writer *, size_t mark);
/* The same for what is large: the size takes its five bytes, and nothing is moved. */
void cj__write_end_padded(cj_writer *, size_t mark);
/* The same where the size is about `guess`: there is no gap when it has as many bytes. */
size_t cj__write_begin_guessed(cj_writer *, uint32_t guess);
void cj__write_end_guessed(cj_writer *, size_t mark, uint32_t guess);
/* The same for a count of entries. */
void cj__write_end_counted(cj_writer *, size_t mark, uint32_t count);
void cj__write_trim(cj_writer *); /* gives back what it has too much */
void cj__write_free(cj_writer *);

static inline void cj__write_byte(cj_writer *w, uint8_t byte)
{
    if (CJ_LIKELY(w->len < w->cap) || cj__write_room(w, 1))
        w->at[w->len++] = byte;
}

static inline void cj__write_bytes(cj_writer *w, const void *bytes, size_t size)
{
    if (CJ_LIKELY(size - 1 < w->cap - w->len)) { /* not for none: there may be no address to copy from or to */
        memcpy(w->at + w->len, bytes, size);
        w->len += size;
    } else {
        cj__write_bytes_slow(w, bytes, size);
    }
}

/* -- Sites (merge_scan.c) ------------------------------------------------------------------------------------------ */

/* A place in a body that is not copied as it is. Indices are those of the module. */
typedef enum cj_site_kind {
    CJ_SITE_CALL,                 /* value: function */
    CJ_SITE_RETURN_CALL,          /* likewise */
    CJ_SITE_CALL_INDIRECT,        /* value: table, aux: type */
    CJ_SITE_RETURN_CALL_INDIRECT, /* likewise */
    CJ_SITE_CALL_CONST,           /* i32.const; call_indirect. value: table, aux: type */
    CJ_SITE_RETURN_CALL_CONST,    /* i32.const; return_call_indirect */
    CJ_SITE_REF_FUNC,             /* value: function */
    CJ_SITE_BLOCK_TYPE,           /* only the type. value: type */
    CJ_SITE_GLOBAL_GET,           /* value: global */
    CJ_SITE_GLOBAL_SET,
    CJ_SITE_TABLE,        /* only the index of a table. value: table */
    CJ_SITE_TABLE_INIT,   /* value: segment, aux: table */
    CJ_SITE_ELEM_DROP,    /* value: segment */
    CJ_SITE_MEMORY_INIT,  /* value: segment */
    CJ_SITE_DATA_DROP,    /* value: segment */
    CJ_SITE_MEMORY_INDEX, /* only the index of a memory, when it is not the byte 0 */
    /* Interruptible modules only: */
    CJ_SITE_LOOP, /* empty, behind a loop's type. value: what an iteration weighs */
    CJ_SITE_MEMORY_COPY,
    CJ_SITE_MEMORY_FILL,
} cj_site_kind;

typedef struct cj_site {
    uint32_t at; /* from the start of the body */
    uint32_t value, aux;
    uint8_t kind, len; /* cj_site_kind; bytes replaced */
} cj_site;

/* A validated function body. */
typedef struct cj_body {
    uint32_t first_site, site_count;
    uint32_t code_at;     /* where the declarations of locals end */
    uint32_t local_count; /* parameters included */
    uint32_t weight;      /* interruptible modules: bytes and calls; 0: needs no check of its own */
    bool has_loop;
    bool has_bulk;  /* interruptible modules: memory.copy or memory.fill */
    bool allocates; /* interruptible modules: may be a realloc, whose last parameter is a size */
    bool forwards;  /* does nothing but pass its parameters on to the call at its only site */
} cj_body;

/* What a module's bodies do to a table of its. */
enum {
    CJ_TABLE_WRITTEN = 1, /* set, grow, fill, init, copy into */
    CJ_TABLE_GROWN = 2,
};

/* A module of the group, its bodies scanned; shared by its instances. */
typedef struct cj_scanned {
    const cj_core_outline *outline;
    cj_body *bodies;
    CJ_VEC(cj_site) sites;
    uint8_t *table_facts;  /* per table */
    uint8_t *elem_dropped; /* per segment: 1 when an elem.drop names it */
    uint8_t *data_dropped;
    uint32_t *types; /* merged type of each type */
} cj_scanned;

/* Weights of the countdown that looks for interrupts; units are about a byte of code. docs/merging.md,
 * "Interrupting". */
enum {
    CJ_WEIGHT_CALL = 64,        /* and so small a function, if it calls none, need not count itself */
    CJ_BUDGET_LOOP = 4096,      /* what loops of one activation run between two looks */
    CJ_BUDGET_ENTRIES = 262144, /* what activations charge between two looks */
    CJ_BULK_SMALL = 1 << 16,    /* bytes that memory.copy and memory.fill move without ado ... */
    CJ_BULK_CHUNK = 1 << 20,    /* ... and what larger ones move between two looks */
};

typedef struct cj_scanner cj_scanner;
cj_scanner *cj__scanner_new(const cj_config *, bool interruptible, cj_error *err);
void cj__scanner_delete(cj_scanner *);
/* For tests: everything by the code that otherwise does only what is unusual. The outcome must be the same. */
void cj__scanner_plainly(cj_scanner *);
/* Validates all bodies of `out->outline`. Arrays come from `arena` but for `sites`. CJ_MALFORMED, CJ_INVALID,
 * CJ_UNSUPPORTED, CJ_LIMIT (max_function_body, max_function_slots, max_function_nesting, max_core_locals). */
cj_status cj__scan_module(cj_scanner *, cj_arena *arena, cj_scanned *out);

/* -- The group ----------------------------------------------------------------------------------------------------- */

/* A function of the group: a defined one by its number (instances one after the other), or a slot. */
typedef uint32_t cj_target;
#define CJ_TARGET_SLOT 0x80000000u
#define CJ_TARGET_NULL UINT32_MAX          /* an element that is null */
#define CJ_TARGET_UNKNOWN (UINT32_MAX - 1) /* in cj_merge_table.known */

static inline bool cj__target_is_slot(cj_target t)
{
    return t & CJ_TARGET_SLOT && t < CJ_TARGET_UNKNOWN;
}

/* When an active segment is applied. */
typedef enum cj_apply {
    CJ_APPLY_NEVER, /* not active */
    CJ_APPLY_LOAD,  /* stays active: no code runs, and nothing traps, before it */
    CJ_APPLY_INIT,  /* by the instance's initialiser */
    CJ_APPLY_TRAP,  /* out of bounds, whatever happens: the initialiser traps there */
} cj_apply;

/* What element and data segments have in common. */
typedef struct cj_segment {
    uint8_t apply;   /* cj_apply */
    bool passive;    /* guests can name it and find more than an empty segment */
    bool fits;       /* active: within the smallest size that its table or memory can have */
    bool used;       /* passive: live code reads it */
    uint32_t offset; /* active */
    uint32_t count;  /* elements or bytes */
    /* passive: number of the global that tells whether it was dropped, CJ_NO_INDEX: it cannot be */
    uint32_t flag;
    uint32_t index; /* in the merged module, CJ_NO_INDEX: left out */
} cj_segment;

typedef struct cj_merge_elem {
    cj_segment seg;
    uint32_t table; /* active: merged number */
    uint8_t ref_type;
    bool has_null;
    cj_target *items;
    struct cj_merge_elem *next; /* active: for the same table */
} cj_merge_elem;

typedef struct cj_merge_data {
    cj_segment seg;
    const uint8_t *bytes;
} cj_merge_data;

typedef struct cj_merge_table {
    cj_ast_coretype type;
    uint8_t facts;
    bool used;      /* live code or an initialiser needs it */
    uint32_t index; /* in the merged module, or CJ_NO_INDEX */
    /* The functions that it holds whenever guest code can look, or CJ_TARGET_UNKNOWN; NULL: nothing is known. Elements
     * from known_count on are null. */
    cj_target *known;
    uint32_t known_count;
    cj_merge_elem *elems; /* active segments for it */
    /* of the active segments that fit: where the last element is, how many there are */
    uint64_t elem_end, elem_total;
} cj_merge_table;

typedef struct cj_merge_global {
    uint8_t type;
    bool is_mutable;
    cj_const value; /* of.func: a target */
} cj_merge_global;

typedef struct cj_group_instance {
    cj_scanned *module;
    const cj_merge_source *sources;
    bool late;
    uint32_t func_base; /* target of the first defined function */
    cj_target *imports; /* targets of imported functions */
    uint32_t *tables;   /* merged numbers */
    uint32_t *globals;
    cj_merge_elem *elems;
    cj_merge_data *datas;
    uint32_t init; /* merged index of the initialiser, or CJ_NO_INDEX */
} cj_group_instance;

/* Functions that no module has. */
typedef enum cj_extra_kind {
    CJ_EXTRA_WRAPPER, /* passes its parameters on to a slot */
    CJ_EXTRA_INIT,    /* an instance's segments and start function */
    CJ_EXTRA_STOP,    /* ends the guest because of an interrupt */
    CJ_EXTRA_LOOK,    /* looks at the interrupt flag */
    CJ_EXTRA_POLL,    /* renews the budget and has LOOK called so that no optimiser sees through it */
    CJ_EXTRA_COPY,    /* memory.copy in pieces */
    CJ_EXTRA_FILL,    /* memory.fill in pieces */
} cj_extra_kind;

typedef struct cj_extra {
    cj_extra_kind kind;
    uint32_t of;   /* WRAPPER: slot; INIT: instance */
    uint32_t type; /* merged type number */
} cj_extra;

/* A function type of the group, and its place in the type section once something uses it. */
typedef struct cj_merge_type {
    cj_core_functype type;
    uint32_t index; /* or CJ_NO_INDEX */
} cj_merge_type;

/* The first globals of an interruptible module. */
enum { CJ_GLOBAL_INTERRUPT, CJ_GLOBAL_INTERRUPTED, CJ_GLOBAL_BUDGET };

typedef struct cj_merger {
    const cj_config *config;
    const cj_allocator *alloc;
    const cj_merge_input *input;
    cj_merged *out;
    cj_error *err;
    cj_arena *arena;
    cj_interrupt_check check; /* never DEFAULT */

    cj_scanned *modules;
    uint32_t module_count;
    cj_group_instance *instances;

    CJ_VEC(cj_merge_type) types;
    uint32_t *type_slots; /* open addressing: number + 1 */
    uint32_t type_slot_count;
    CJ_VEC(uint32_t) type_order; /* numbers, by index */
    bool types_failed;           /* out of memory while a type got its index */
    uint32_t type_init;          /* () -> () */
    uint32_t type_bulk;          /* (i32, i32, i32) -> () */

    CJ_VEC(cj_merge_table) tables;
    CJ_VEC(cj_merge_global) globals;
    bool has_memory;
    cj_ast_limits memory;

    uint32_t *slot_types;    /* merged type number of each slot */
    uint32_t *slot_wrappers; /* number of the extra, or CJ_NO_INDEX */
    uint32_t shape_count;
    uint32_t *shape_imports; /* by shape: index of the import, CJ_NO_INDEX: not used */
    uint32_t *shape_types;   /* by shape: merged type number, the slot parameter included */

    /* Defined functions, by target. */
    uint32_t defined_count;
    uint32_t *func_index;    /* merged index; CJ_NO_INDEX: dead */
    uint32_t *func_instance; /* whose */
    uint8_t *declared;       /* ref.func names it */
    CJ_VEC(cj_target) work;  /* live, not looked into yet */
    CJ_VEC(cj_target) live;  /* in index order */

    CJ_VEC(cj_extra) extras; /* their merged indices follow on live ones' */
    uint32_t first_extra;
    uint8_t *slot_declared;                /* ref.func names its wrapper */
    uint32_t stop, look, poll, copy, fill; /* numbers of extras, or CJ_NO_INDEX */
    uint32_t poll_table;                   /* merged index of the table that holds LOOK */
    uint32_t global_base;                  /* merged index of globals.at[0] */
    uint32_t flag_base, flag_count;        /* globals that tell whether segments were dropped */
    uint32_t elem_count, data_count;       /* segments that are left */
    bool needs_data_count;
    /* merged indices of segments without elements, funcref and externref; CJ_NO_INDEX: not needed */
    uint32_t empty_elem[2];
    uint32_t empty_data;
} cj_merger;

/* -- merge.c ------------------------------------------------------------------------------------------------------- */

/* The place of a type in the type section; it gets one now if it has none. */
uint32_t cj__merge_type_index(cj_merger *, uint32_t number);
cj_target cj__merge_target(const cj_merger *, uint32_t instance, uint32_t func);
/* Of an export that was asked for, past functions that only pass on. */
cj_target cj__merge_export_target(const cj_merger *, const cj_merge_export *);
uint32_t cj__merge_target_type(const cj_merger *, cj_target);
/* The body of a defined function, and whose it is. */
const cj_body *cj__merge_body(const cj_merger *, cj_target, const cj_group_instance **instance, cj_bytes *bytes);

/* -- merge_init.c -------------------------------------------------------------------------------------------------- */

/* Decodes the segments of an instance; its imports are resolved. */
cj_status cj__merge_segments(cj_merger *, uint32_t instance);
/* Decides when each active segment is applied. */
cj_status cj__merge_plan_init(cj_merger *);
/* Finds out what tables hold. */
cj_status cj__merge_known_tables(cj_merger *);
/* Whether an instance needs an initialiser that is more than its start function. */
bool cj__merge_init_has_segments(const cj_merger *, uint32_t instance);
void cj__merge_write_init(cj_merger *, cj_writer *, uint32_t instance);

/* -- merge_live.c -------------------------------------------------------------------------------------------------- */

/* What a call of `target` may go to instead: past functions that only pass their parameters on. */
cj_target cj__merge_call_target(const cj_merger *, cj_target);
/* Whether an indirect call with a constant index always ends in one function: which. */
bool cj__merge_direct_target(const cj_merger *, const cj_group_instance *, const uint8_t *body, const cj_site *,
                             cj_target *out);
/* Finds all that the exports asked for and the initialisers can reach, and gives it its merged index. */
cj_status cj__merge_live(cj_merger *);
/* The merged index of a function to be referred to: a slot's wrapper, never its import. */
uint32_t cj__merge_ref_index(const cj_merger *, cj_target);

/* -- merge_code.c -------------------------------------------------------------------------------------------------- */

void cj__merge_write_code(cj_merger *, cj_writer *);
void cj__merge_write_const(cj_merger *, cj_writer *, const cj_const *); /* an expression without its `end` */

/* -- merge_names.c ------------------------------------------------------------------------------------------------- */

void cj__merge_write_names(cj_merger *, cj_writer *);

#endif
