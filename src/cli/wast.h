/* wast.h: what the files of `canonjit wast` share: the script's values, its words for traps, one script's run.
 *
 *     SCRIPT.wast ── wast_split.c (node, jco) ──▶ SCRIPT.json, *.wasm ── wast_run.c ──▶ verdicts ── wast.c
 *                                                     wast_values.c: constants       wast_words.c: messages
                                                     wast_host.c: host functions
 *
 * Place in the pipeline: a verb of the command, through the public API alone.
 * Non-goals: reading .wast text in C; core modules by themselves (they are checked as parts of a component, but not called).
 */
#ifndef CJ_CLI_WAST_H
#define CJ_CLI_WAST_H

#include <cjson/cJSON.h>

#include "cli.h"

/* The member of an object if it is a text, else NULL. */
const char *wast_text(const cJSON *object, const char *key);

/* -- Values (wast_values.c) -------------------------------------------------------------------------------------- */

/* A constant of the script, {"type": "u32", "value": "1"}, as a value of `type`; memory comes from `arena`. False with
 * the reason in `why`. */
bool wast_value(const cJSON *constant, const cj_type *type, cj_arena *arena, cj_val *out, char *why, size_t size);
/* Whether `val`, of `type`, is what the constant says: NaN patterns match as the standard has it. False with the place of the
 * difference in `why`: ".name[2]", or "". */
bool wast_matches(const cJSON *constant, const cj_type *type, const cj_val *val, char *why, size_t size);
/* Writes the constant much as WAVE would. */
void wast_print(FILE *to, const cJSON *constant);

/* -- Words (wast_words.c) ---------------------------------------------------------------------------------------- */

typedef enum wast_told {
    WAST_OTHER,  /* another trap than the message means */
    WAST_SAME,   /* the trap that the message means, or one that its words do not tell from it */
    WAST_UNTOLD, /* nobody wrote down what the message means: any trap will do */
} wast_told;

/* Compares a trap with the message that a script expects: wasmtime's words, or cj_trap_text's. */
wast_told wast_trap_is(const char *expected, const cj_error *err);
/* What a refusal of the library is skipped as: the gate of the Component Model or the proposal of core WebAssembly that is
 * not there, "async", "core exceptions". NULL when the refusal is no reason to skip. */
const char *wast_gate(const cj_error *err);

/* -- The splitter (wast_split.c) --------------------------------------------------------------------------------- */

/* Splits the script into `folder`; the path of the JSON is `*json`, to be freed. `tool` is the splitter, or NULL to look for
 * it. CLI_OK, or another status when an error has been printed. */
int wast_split(const char *tool, const char *script, const char *folder, char **json);
/* A new folder for temporary files, to be freed; NULL when an error has been printed. */
char *wast_make_folder(void);
void wast_remove_folder(char *folder);
/* Makes the folder of --keep where it is not there yet. CLI_OK, or another status when an error has been printed. */
int wast_keep_folder(const char *path);

/* -- wasmtime's host (wast_host.c) ------------------------------------------------------------------------------- */

typedef struct wast_host wast_host;

/* Offers it in the linker; NULL with the error. Delete after the stores that used the linker. */
wast_host *wast_host_new(cj_engine *, cj_linker *, cj_error *err);
void wast_host_delete(wast_host *);
/* A copy of the core module that the host exports as "simple-module", to be freed. */
bool wast_host_module(uint8_t **bytes, size_t *size);
/* CJ_LINK when the component wants a function of the host that it has not, or has in another type; CJ_UNSUPPORTED for its async ones. */
cj_status wast_host_check(const cj_component *, cj_error *err);

/* -- One script (wast_run.c) ------------------------------------------------------------------------------------- */

typedef enum wast_outcome { WAST_PASSED, WAST_FAILED, WAST_SKIPPED } wast_outcome;

typedef struct wast_verdict {
    const char *file; /* the script, as the JSON calls it */
    const char *type; /* of the command: "assert_return" */
    int line;
    wast_outcome outcome;
    bool untold;     /* passed, but any trap would have */
    char text[1200]; /* FAILED: what was expected and found; SKIPPED: the reason; PASSED: what was found, or "" */
} wast_verdict;

typedef struct wast_settings {
    const cli_settings *common;
    bool host; /* wasmtime's host functions are there */
} wast_settings;

typedef void (*wast_report)(void *user, const wast_verdict *);

/* Runs the commands of `json`, the path of a split script, and reports each. CLI_OK whatever the verdicts are; another status
 * when an error has been printed. */
int wast_run(cj_engine *, const wast_settings *, const char *json, wast_report report, void *user);

#endif
