/* bench.h: the parts of the benchmark: sessions (an instance of the bench guest, ready to call), the host's side of its
 * functions, and the same calls written by hand.
 */
#ifndef CJ_BENCH_BENCH_H
#define CJ_BENCH_BENCH_H

#include "canonjit.h"
#include "measure.h"

/* X(NAME, wit name): the functions of tests/guests/bench.wit, in its order. */
#define CJB_CALL_MAP(X) \
    X(NOP, "nop") \
    X(ADD, "add") \
    X(PARAMS16, "params16") \
    X(STRING_IN, "string-in") \
    X(BYTES_IN, "bytes-in") \
    X(NUMBERS_IN, "numbers-in") \
    X(ITEMS_IN, "items-in") \
    X(STRINGS_IN, "strings-in") \
    X(OPTION_IN, "option-in") \
    X(RESULT_IN, "result-in") \
    X(VARIANT_IN, "variant-in") \
    X(STRING_OUT, "string-out") \
    X(BYTES_OUT, "bytes-out") \
    X(NUMBERS_OUT, "numbers-out") \
    X(ITEMS_OUT, "items-out") \
    X(STRINGS_OUT, "strings-out") \
    X(OPTION_OUT, "option-out") \
    X(RESULT_OUT, "result-out") \
    X(VARIANT_OUT, "variant-out")

typedef enum cjb_call {
#define CJB_X(name, wit) CJB_##name,
    CJB_CALL_MAP(CJB_X)
#undef CJB_X
        CJB_CALL_COUNT
} cjb_call;

/* X(NAME, wit name): the functions of the interface drive-things, which only pairs of components have. */
#define CJB_THING_MAP(X) \
    X(LEND, "lend") \
    X(MAKE_THING, "make-thing") \
    X(MAKE_BARE, "make-bare") \
    X(LATIN_IN, "latin-in")

typedef enum cjb_thing {
#define CJB_X(name, wit) CJB_##name,
    CJB_THING_MAP(CJB_X)
#undef CJB_X
        CJB_THING_COUNT
} cjb_thing;

#define CJB_CALLS "test:bench/calls@1.0.0"
#define CJB_DRIVE "test:bench/drive@1.0.0"
#define CJB_DRIVE_THINGS "test:bench/drive-things@1.0.0"

/* The guest's types in the host layout. */
typedef struct cjb_item {
    uint32_t a;
    uint64_t b;
    float c;
} cjb_item;
typedef struct cjb_option {
    uint8_t some;
    uint32_t value;
} cjb_option;
typedef struct cjb_result {
    uint8_t err;
    union {
        uint32_t ok;
        cj_string err;
    } of;
} cjb_result;
typedef struct cjb_choice {
    uint8_t which; /* nothing, number, text, real */
    union {
        uint32_t number;
        cj_string text;
        double real;
    } of;
} cjb_choice;

/* Room for any argument struct or result. */
typedef union cjb_any {
    uint32_t u32[16];
    cj_string string;
    cj_list list;
    cjb_option option;
    cjb_result result;
    cjb_choice choice;
} cjb_any;

enum {
    CJB_MAX_BYTES = 65536,
    CJB_MAX_NUMBERS = 16384,
    CJB_MAX_ITEMS = 1000,
    CJB_MAX_STRINGS = 1000,
    CJB_STRING_LENGTH = 16
};

/* The host's data, the same that the guest prepares for itself. */
typedef struct cjb_data {
    char text[CJB_MAX_BYTES];
    uint8_t bytes[CJB_MAX_BYTES];
    uint32_t numbers[CJB_MAX_NUMBERS];
    cjb_item items[CJB_MAX_ITEMS];
    cj_string strings[CJB_MAX_STRINGS];
} cjb_data;
const cjb_data *cjb_data_get(void);

/* The arguments of a call of size `n`, in the host layout; what a host function of that name answers. */
void cjb_arguments(cjb_call call, uint32_t n, cjb_any *args);
void cjb_answer(cjb_call call, const cjb_any *args, cjb_any *result);

/* -- Sessions --------------------------------------------------------------------------------------------------------- */

typedef struct cjb_session {
    cj_engine *engine;
    cj_component *component;
    cj_linker *linker;
    cj_store *store;
    cj_instance *instance;
    cj_func *calls[CJB_CALL_COUNT];
    cj_func *drive[CJB_CALL_COUNT];
    cj_func *drive_things[CJB_THING_COUNT]; /* NULL: not a pair */
    cj_arena *arena;
} cjb_session;

/* How host functions are offered. */
typedef enum cjb_host { CJB_HOST_NATIVE, CJB_HOST_DYNAMIC } cjb_host;

cj_status cjb_session_open(cjb_session *, const uint8_t *bytes, size_t size, cj_tier tier, cjb_host host,
                           cj_error *err);
void cjb_session_close(cjb_session *);

/* -- Text ---------------------------------------------------------------------------------------------------------------- */

/* The string kernels by themselves: rows whose name contains `only`. */
typedef struct cjb_text_options {
    const cjb_settings *settings;
    const char *only;
    bool json, *first; /* `first`: no row of the JSON array yet */
} cjb_text_options;
void cjb_text_bench(const cjb_text_options *);

/* -- By hand (WAMR's LLVM JIT only) -------------------------------------------------------------------------------------- */

/* What a careful C programmer would write against WAMR for this one function, on the session's own core instance: pushes the jump
 * buffer, checks what the Canonical ABI wants checked with the same string validator, calls the same core function. */
typedef struct cjb_hand cjb_hand;
cjb_hand *cjb_hand_new(cjb_session *);
void cjb_hand_delete(cjb_hand *);

typedef struct cjb_hand_call {
    cjb_hand *hand;
    cjb_call call;
    cjb_any args;
    cjb_any result;
} cjb_hand_call;
void cjb_hand_export(void *hand_call, uint64_t count); /* a cjb_body */
/* The barest possible: no jump buffer to leave to, the instance set once and for all. NOP and ADD only. */
void cjb_hand_bare(void *hand_call, uint64_t count);
void cjb_hand_wamr(void *hand_call, uint64_t count); /* the same through wasm_runtime_call_wasm: NOP and ADD only */
/* Makes every import of the session's instance a native function written by hand; its `drive` functions then measure that. */
void cjb_hand_patch_imports(cjb_hand *);
/* The same for a pair of components with these string encodings (0 UTF-8, 1 UTF-16, 2 latin1+utf16): `drive` and `drive_things`, but those with results
 * in memory. One pair at a time. */
void cjb_pair_patch(cjb_session *, int from, int to);

/* -- Smoke test --------------------------------------------------------------------------------------------------------- */

enum { CJB_MAX_SMOKE_ROWS = 64 };
typedef struct cjb_smoke {
    double factor;     /* times what the ratio should be: from there on a row is too slow */
    double max_spread; /* of a baseline that is trusted */
    uint32_t passed, skipped, slow;
    bool seen[CJB_MAX_SMOKE_ROWS];
} cjb_smoke;

/* Whether the row is in the table of what ratios should be. */
bool cjb_smoke_has(const char *direction, const char *row);
/* Measures one that is, prints a line. */
void cjb_smoke_row(cjb_smoke *, const char *direction, const char *row, const cjb_contender *hand,
                   const cjb_contender *thunk);
/* Prints the sum; 1 when a row was too slow, or one of the table whose name has `only` in it was not there. */
int cjb_smoke_end(const cjb_smoke *, const char *only);

#endif
