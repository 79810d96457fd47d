/* wast_words.c: the words of test scripts: what a message says of a trap, what a refusal says of a gate.
 *
 * Place in the pipeline: tables that wast_run.c asks.
 * Non-goals: messages about components that are not valid: the standard leaves their wording open, and so do we.
 *
 * The messages of the official suite are wasmtime's. Where its words are one for several of our traps, each will do
 * (docs/conformance.md lists what cannot be told apart).
 */
#include "wast.h"

#include <stdint.h>
#include <string.h>

#define T(name) (UINT64_C(1) << CJ_TRAP_##name)
_Static_assert(CJ_TRAP_COUNT <= 64, "traps in a set");

#define ALIGNMENT \
    (T(STRING_ALIGNMENT) | T(LIST_ALIGNMENT) | T(PARAMS_ALIGNMENT) | T(RESULTS_ALIGNMENT) | T(REALLOC_ALIGNMENT))
#define ANY UINT64_MAX

/* The first row whose words occur in the message counts. */
static const struct {
    const char *words;
    uint64_t traps;
} messages[] = {
    {"unreachable", T(UNREACHABLE)},
    {"integer divide by zero", T(DIVIDE_BY_ZERO)},
    {"integer overflow", T(INTEGER_OVERFLOW)},
    {"invalid conversion to integer", T(BAD_CONVERSION)},
    {"out of bounds memory access", T(MEMORY_BOUNDS)},
    {"out of bounds table access", T(TABLE_BOUNDS)},
    {"undefined element", T(TABLE_BOUNDS)},
    {"uninitialized element", T(NULL_ELEMENT)},
    {"indirect call type mismatch", T(INDIRECT_TYPE)},
    {"call stack exhausted", T(STACK_OVERFLOW)},
    {"cannot leave component instance", T(CANNOT_LEAVE)},
    {"cannot enter component instance", T(CANNOT_ENTER)},
    {"invalid `char` bit pattern", T(CHAR_RANGE) | T(CHAR_SURROGATE)},
    {"converted integer out of range for `char`", T(CHAR_RANGE) | T(CHAR_SURROGATE)},
    {"invalid variant discriminant", T(DISCRIMINANT)},
    {"unexpected discriminant", T(DISCRIMINANT)},
    {"invalid expected discriminant", T(DISCRIMINANT)},
    {"discriminant", T(DISCRIMINANT)},
    {"realloc return: result not aligned", T(REALLOC_ALIGNMENT)},
    {"realloc return: beyond end of memory", T(REALLOC_BOUNDS)},
    {"pointer not aligned", ALIGNMENT},
    {"unaligned pointer", ALIGNMENT},
    {"string content out-of-bounds", T(STRING_BOUNDS) | T(STRING_LENGTH) | T(REALLOC_BOUNDS)},
    {"string pointer/length out of bounds of memory", T(STRING_BOUNDS) | T(STRING_LENGTH)},
    {"string pointer out of bounds of memory", T(STRING_BOUNDS) | T(STRING_LENGTH)},
    {"list content out-of-bounds", T(LIST_BOUNDS) | T(LIST_LENGTH) | T(REALLOC_BOUNDS)},
    {"list pointer/length out of bounds of memory", T(LIST_BOUNDS) | T(LIST_LENGTH)},
    {"list pointer out of bounds of memory", T(LIST_BOUNDS) | T(LIST_LENGTH)},
    {"pointer out of bounds of memory", T(PARAMS_BOUNDS) | T(RESULTS_BOUNDS)},
    {"pointer to parameters out of bounds", T(PARAMS_BOUNDS)},
    {"invalid utf-8 sequence", T(STRING_UTF8)},
    {"incomplete utf-8 byte sequence", T(STRING_UTF8)},
    {"unpaired surrogate", T(STRING_UTF16)},
    {"invalid utf16", T(STRING_UTF16)},
    {"unknown handle index", T(HANDLE_INDEX)},
    {"used with the wrong type", T(HANDLE_KIND) | T(HANDLE_TYPE)},
    {"cannot remove owned resource while borrowed", T(HANDLE_LENT)},
    {"cannot lift own resource from a borrow", T(HANDLE_BORROWED)},
    {"borrow handles still remain at the end of the call", T(BORROW_NOT_DROPPED)},
    {"host trap", ANY},
};

wast_told wast_trap_is(const char *expected, const cj_error *err)
{
    for (int kind = CJ_TRAP_NONE + 1; kind < CJ_TRAP_COUNT; kind++)
        if (strcmp(expected, cj_trap_text((cj_trap)kind)) == 0)
            return err->trap == (cj_trap)kind ? WAST_SAME : WAST_OTHER;
    for (size_t i = 0; i < CLI_COUNT(messages); i++)
        if (strstr(expected, messages[i].words))
            return messages[i].traps >> err->trap & 1 ? WAST_SAME : WAST_OTHER;
    return WAST_UNTOLD;
}

/* What "unsupported: NAME" may begin with, and what it is skipped as. Everything else that canonjit lacks is a failure. */
static const struct {
    const char *name, *gate;
} gates[] = {
    {"async", "async"},
    {"streams", "async"},
    {"futures", "async"},
    {"threads", "threads"},
    {"shared threads", "shared threads"},
    {"error-context", "error-context"},
    {"fixed-length lists", "fixed-length lists"},
    {"memory64", "memory64"},
    {"values", "values"},
    {"start functions of components", "values"},
    {"multi-memory", "core multi-memory"},
    {"core multi-memory", "core multi-memory"},
    {"core exceptions", "core exceptions"},
    {"core GC", "core GC"},
    {"core typed function references", "core typed function references"},
    {"core stack switching", "core stack switching"},
    {"core threads", "core threads"},
    {"core memory64", "core memory64"},
    {"core custom page sizes", "core custom page sizes"},
    {"core wide arithmetic", "core wide arithmetic"},
    {"core relaxed SIMD", "core relaxed SIMD"},
    {"core SIMD where WAMR interprets", "core SIMD where WAMR interprets"},
};

const char *wast_gate(const cj_error *err)
{
    static const char prefix[] = "unsupported: ";
    if (err->status != CJ_UNSUPPORTED || strncmp(err->message, prefix, sizeof(prefix) - 1) != 0)
        return NULL;
    const char *name = err->message + sizeof(prefix) - 1;
    for (size_t i = 0; i < CLI_COUNT(gates); i++) {
        size_t len = strlen(gates[i].name);
        char next = strncmp(name, gates[i].name, len) == 0 ? name[len] : 'x';
        if (next == 0 || next == ' ')
            return gates[i].gate;
    }
    return NULL;
}
