/* types.h: value types and function types, interned structurally, with everything that the rest of the pipeline asks
 * of a type computed once: canonical layout, host layout, flat form, copy classes.
 *
 * Place in the pipeline: made while a component's definitions are run (link/), used by abi/, runtime/, wave/, cli/.
 * Non-goals: type *definitions* as the file has them (ast.h); instance, component and resource types (link/).
 * Spec: "Despecialization", "Alignment", "Element Size", "Flattening".
 */
#ifndef CJ_COMPONENT_TYPES_H
#define CJ_COMPONENT_TYPES_H

#include "base/base.h"

/* Core value types, as flat slots are typed, by their binary codes. */
typedef enum cj_core {
    CJ_CORE_I32 = 0x7f,
    CJ_CORE_I64 = 0x7e,
    CJ_CORE_F32 = 0x7d,
    CJ_CORE_F64 = 0x7c,
    CJ_CORE_V128 = 0x7b,
    CJ_CORE_FUNCREF = 0x70,
    CJ_CORE_EXTERNREF = 0x6f,
} cj_core;
/* "i32", "funcref", ...; "?" for a byte that is no value type. */
const char *cj__core_valtype_name(uint32_t type);

enum {
    CJ_MAX_FLAT_PARAMS = 16,
    CJ_MAX_FLAT_RESULTS = 1,
    CJ_MAX_FLAT_ASYNC_PARAMS = 4, /* of an async lower */
    /* flat_count of a type with more slots than any call passes: counting stops */
    CJ_FLAT_OVER = CJ_MAX_FLAT_PARAMS + 1,
    CJ_MAX_BYTES = (1 << 28) - 1, /* of a string, a list or one value, in either memory */
    CJ_MAX_FLAGS = 32,
    /* of a type's WIT text: nested types print exponentially, so longer text ends in "..." */
    CJ_FORMAT_MAX = 64 * 1024,
};

/* Resource types are numbered from 1 as they come into being, so the oldest is the smallest; this is no resource. */
#define CJ_NO_RESOURCE UINT32_MAX

typedef struct cj_member {
    cj_str name;         /* "" for tuple elements */
    const cj_type *type; /* NULL: no payload */
    uint32_t offset;     /* canonical layout; of a field, or of every payload */
    size_t host_offset;
} cj_member;

struct cj_type {
    cj_kind kind;
    /* of members; see cj_type_count. Despecialised views: option, result, enum are variants */
    uint32_t count;
    const cj_member *members; /* list: one, the element; NULL entries never occur, `type` inside may be NULL */
    uint32_t id;              /* dense, in order of interning: for tables beside the type */
    uint32_t depth;           /* 1 for scalars */
    uint32_t resource;        /* OWN, BORROW: the resource's identity in its component; else 0 */
    /* OWN, BORROW: for texts; NULL until cj__types_name_resources, and where it has no name */
    const char *resource_name;
    uint32_t min_resource; /* the smallest `resource` in it, or CJ_NO_RESOURCE */
    uint32_t length;       /* FIXED_LIST: number of elements */
    /* LIST of pairs that is map<K, V>: another type than list<tuple<K, V>>, but equal in all else */
    bool is_map;
    const char *gate; /* why values of it cannot be moved yet: "streams", ...; NULL: they can */

    /* Canonical layout in linear memory with 32-bit pointers. Saturates at UINT32_MAX; a size over 2^28-1 is refused. */
    uint32_t size, align;
    uint32_t size64, align64; /* the same with 64-bit pointers: what validation of the size goes by */
    uint32_t disc_size;       /* variant and kin: 1, 2, 4; flags: size; else 0 */

    /* Host layout (design D3). */
    size_t host_size, host_align;

    /* Flat form; `flat` holds the first CJ_FLAT_OVER slots at most. */
    uint32_t flat_count;
    cj_core flat[CJ_FLAT_OVER];
    uint8_t flat64[CJ_FLAT_OVER]; /* the same (cj_core) with 64-bit pointers */

    /* Copy classes, all about one value in memory:
     *   plain:   integers, floats and aggregates of them: any bytes are valid and the host layout equals the canonical
     *            one, so guest -> host may copy the bytes, padding included (and a list may be handed out as a view)
     *   dense:   plain and without padding: host -> guest and guest -> guest may copy the bytes too */
    bool plain, dense;
    bool has_pointer; /* contains a string or list: lowering needs realloc, lifting needs memory */
    bool has_borrow, has_handle;
};

typedef struct cj_param {
    cj_str name;
    const cj_type *type;
} cj_param;

struct cj_functype {
    const cj_param *params;
    uint32_t param_count;
    const cj_type *result; /* NULL: none */
    bool is_async;
    const char *gate; /* of its types: as cj_type's */
    /* The parameters as one tuple (spilled parameters; the native door's argument struct). Never NULL. */
    const cj_type *params_tuple;
};

/* The interner. Types live as long as it; not thread-safe while types are added, immutable use afterwards is. */
typedef struct cj_types cj_types;
cj_types *cj__types_new(const cj_allocator *, uint32_t max_depth);
void cj__types_delete(cj_types *);
uint32_t cj__types_count(const cj_types *);

/* Each gives the one type of that structure. NULL with `err` filled: CJ_NO_MEMORY, CJ_LIMIT (max_type_depth),
 * CJ_INVALID (size past 2^28-1, no members, more than 32 flags). Names are copied; those of list, tuple, option and
 * result are ignored. Members' types must come from the same interner. An empty tuple is allowed: it is what a
 * function without parameters takes. Handles are all of equal layout: `resource` only tells them apart. Time and
 * memory are linear in `count`: nothing below a member is visited. */
const cj_type *cj__type_scalar(cj_types *, cj_kind kind, cj_error *err); /* BOOL .. STRING, ERROR_CONTEXT */
/* LIST .. FLAGS; STREAM and FUTURE, with one member, whose type may be NULL. */
const cj_type *cj__type_make(cj_types *, cj_kind kind, const cj_param *members, uint32_t count, cj_error *err);
const cj_type *cj__type_fixed_list(cj_types *, const cj_type *element, uint32_t length, cj_error *err);
const cj_type *cj__type_map(cj_types *, const cj_type *key, const cj_type *value, cj_error *err);
const cj_type *cj__type_handle(cj_types *, cj_kind own_or_borrow, uint32_t resource, cj_error *err);
const cj_functype *cj__functype_make(cj_types *, const cj_param *params, uint32_t count, const cj_type *result,
                                     bool is_async, cj_error *err);
/* Names the resources of handle types, by their identities, for texts: entries may be NULL or "". They must live as long as the types. */
void cj__types_name_resources(cj_types *, const char *const *names, uint32_t count);
/* Function types are interned too: equal ones are one pointer. */

/* How a function is flattened. */
typedef struct cj_flatten {
    bool lower;    /* canon lower; else canon lift */
    bool is_async; /* canonical option `async` */
    bool callback; /* async lift: with canonical option `callback` */
    bool addr64;   /* pointers are i64 */
} cj_flatten;

/* The core signature that a function type has when lifted or lowered (spec, flatten_functype). */
typedef struct cj_core_sig {
    uint32_t param_count; /* lift: <= 16; lower: <= 17 with the return pointer */
    cj_core params[CJ_MAX_FLAT_PARAMS + 1];
    uint32_t result_count; /* 0 or 1 */
    cj_core result;
    bool spill_params;  /* parameters travel in memory, params[0] points to them */
    bool spill_results; /* lift: the core function returns a pointer; lower: the last parameter is one */
} cj_core_sig;
void cj__core_sig_as(const cj_functype *, cj_flatten, cj_core_sig *out);
/* The same without `async`, in 32-bit memories. */
void cj__core_sig(const cj_functype *, bool lower, cj_core_sig *out);

/* The join of two flat slot types of variant cases (spec, "Flattening"). */
cj_core cj__core_join(cj_core a, cj_core b);
/* As WAMR writes signatures: i, I, f, F for i32, i64, f32, f64; '?' for what no flat slot has. */
char cj__core_letter(cj_core core);

/* WIT text of types, for errors and inspection: as snprintf. The text has CJ_FORMAT_MAX bytes at most. */
size_t cj__type_format(const cj_type *, char *buffer, size_t size);
size_t cj__functype_format(const cj_functype *, char *buffer, size_t size);
/* Labels that are words of WIT are written with a '%' before them. */
bool cj__wit_is_keyword(cj_str label);

#endif
