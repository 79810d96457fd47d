/* wast_run.c: runs the commands of a split test script.
 *
 * Place in the pipeline: the public API on one side, the JSON of tools/wast-split.mjs on the other.
 * Non-goals: messages of refusals are not compared with the script's; printing verdicts (wast.c).
 *
 * Each instance lives in a store of its own, as long as a command can name it: a trap kills an instance, not the script, and scripts that make many
 * large memories do not need them all at once. A component that needs what
 * canonjit has not built, or what its WAMR lacks, is skipped with the name of that (wast_gate), and so is every
 * command about it. Where only some of its functions need that (cj_config.trap_unsupported), the others are called.
 */
#include "wast.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* -- State ------------------------------------------------------------------------------------------------------- */

/* An instance with all that it needs, counted: (register ...) gives it a second name. */
typedef struct world {
    uint32_t users;
    cj_component *component; /* NULL when it is a definition's */
    cj_store *store;
    cj_instance *instance;
} world;

/* A component of the script, and its instance if it has one. */
typedef struct part {
    struct part *next;    /* the one before */
    const cJSON *command; /* that names its file */
    const cJSON *modules; /* core modules that the instance exports, name to file; or NULL */
    const char *name;     /* "$name" without the sign, or NULL */
    int line;
    bool is_definition, is_core;
    cj_component *component; /* of definitions */
    world *world;            /* NULL: the instance is not there */
    const char *skipped;     /* why; static or the script's */
    char *reason;            /* the memory of `skipped`, or NULL */
} part;

typedef struct runner {
    cj_engine *engine;
    cj_engine *strict; /* made when it is needed: see find_gate */
    const wast_settings *settings;
    const char *folder; /* of the binaries */
    const char *file;   /* the script */
    cj_linker *linker;
    wast_host *host; /* or NULL */
    cj_arena *arena; /* of one command */
    part *parts;     /* newest first */
    part *current;   /* the last instance, there or not */
    wast_verdict verdict;
} runner;

/* -- Verdicts ---------------------------------------------------------------------------------------------------- */

static void conclude(runner *r, wast_outcome outcome, const char *format, ...) CLI_PRINTF(3, 4);
static void conclude(runner *r, wast_outcome outcome, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    r->verdict.outcome = outcome;
    vsnprintf(r->verdict.text, sizeof(r->verdict.text), format, args);
    va_end(args);
}

#define FAIL(r, ...) conclude(r, WAST_FAILED, __VA_ARGS__)
#define SKIP(r, reason) conclude(r, WAST_SKIPPED, "%s", reason)
#define PASS(r, ...) conclude(r, WAST_PASSED, __VA_ARGS__)

/* What the library said, as one text. */
typedef struct error_text {
    char text[512];
} error_text;

static const char *text_of(const cj_error *err, error_text *buffer)
{
    cj_error_format(err, buffer->text, sizeof(buffer->text));
    return buffer->text;
}

/* Texts in verdicts are short; a cut is marked and splits no character. */
enum { SHOWN = 400 };
static void shorten(char *text)
{
    size_t len = strlen(text);
    if (len <= SHOWN)
        return;
    len = SHOWN;
    while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
        len--;
    strcpy(text + len, "...");
}

static char *show_value(const cj_type *type, const cj_val *val)
{
    size_t len = cj_wave_format(type, val, NULL, 0);
    char *text = malloc(len + 4);
    if (text) {
        cj_wave_format(type, val, text, len + 1);
        shorten(text);
    }
    return text;
}

static char *show_constant(const cJSON *constant)
{
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    if (!to)
        return NULL;
    wast_print(to, constant);
    fputs("   ", to); /* room for the mark of a cut */
    fclose(to);
    if (text) {
        text[size - 3] = 0;
        shorten(text);
    }
    return text;
}

/* -- Components -------------------------------------------------------------------------------------------------- */

static size_t put_leb(uint8_t *to, size_t value)
{
    size_t n = 0;
    do {
        to[n] = (uint8_t)(value & 0x7f);
        value >>= 7;
        to[n] |= value ? 0x80 : 0;
        n++;
    } while (value);
    return n;
}

/* A core module as the only part of a component, instantiated if it is to run. */
static bool wrap_module(uint8_t **bytes, size_t *size, bool instantiate)
{
    static const uint8_t preamble[] = {0, 'a', 's', 'm', 0x0d, 0, 1, 0, 1};
    static const uint8_t instance[] = {2, 4, 1, 0, 0, 0};
    uint8_t *out = malloc(sizeof(preamble) + 10 + *size + sizeof(instance));
    if (!out)
        return false;
    memcpy(out, preamble, sizeof(preamble));
    size_t at = sizeof(preamble) + put_leb(out + sizeof(preamble), *size);
    memcpy(out + at, *bytes, *size);
    at += *size;
    if (instantiate) {
        memcpy(out + at, instance, sizeof(instance));
        at += sizeof(instance);
    }
    free(*bytes);
    *bytes = out;
    *size = at;
    return true;
}

/* The bytes of a file in the script's folder. */
static bool read_bytes(const runner *r, const char *name, uint8_t **bytes, size_t *size)
{
    size_t path_size = strlen(r->folder) + strlen(name) + 2;
    char *path = malloc(path_size);
    if (!path)
        return false;
    snprintf(path, path_size, "%s/%s", r->folder, name);
    bool good = cli_read_file(path, path, UINT64_MAX, bytes, size) == CLI_OK;
    free(path);
    return good;
}

/* The bytes of the file that a command names; concludes and returns false when there are none. */
static bool read_binary(runner *r, const cJSON *command, bool instantiate, uint8_t **bytes, size_t *size)
{
    const char *unassembled = wast_text(command, "unassembled"), *kind = wast_text(command, "module_type");
    const char *name = wast_text(command, kind && strcmp(kind, "text") == 0 ? "binary_filename" : "filename");
    if (unassembled) {
        conclude(r, WAST_SKIPPED, "assembler: %s", unassembled);
        return false;
    }
    if (!name) {
        FAIL(r, "the command names no binary");
        return false;
    }
    if (!read_bytes(r, name, bytes, size)) {
        FAIL(r, "%s could not be read", name);
        return false;
    }
    bool is_core = *size >= 8 && memcmp(*bytes, "\0asm\1\0\0\0", 8) == 0;
    const char *sort = wast_text(command, "kind");
    if ((is_core && !(sort && strcmp(sort, "component") == 0)) && !wrap_module(bytes, size, instantiate)) {
        free(*bytes);
        FAIL(r, "out of memory");
        return false;
    }
    return true;
}

static part *find_part(const runner *r, const char *name, bool is_definition)
{
    for (part *p = r->parts; p; p = p->next)
        if (p->is_definition == is_definition && (!name || (p->name && strcmp(p->name, name) == 0)))
            return p;
    return NULL;
}

/* -- Core modules that components import ------------------------------------------------------------------------- */

/* What could be given to a component: the core modules that named instances of the script export, and the host's. */
typedef struct offers {
    cj_component_part *parts;
    size_t count;
} offers;

static void drop_offer(offers *o, size_t i)
{
    free((void *)(uintptr_t)o->parts[i].name);
    free((void *)(uintptr_t)o->parts[i].bytes);
    o->parts[i] = o->parts[--o->count];
}

static bool add_offer(offers *o, const char *instance, const char *module, uint8_t *bytes, size_t size)
{
    size_t name_size = strlen(instance) + strlen(module) + 2;
    char *name = malloc(name_size);
    cj_component_part *grown = realloc(o->parts, (o->count + 1) * sizeof(*grown));
    if (grown)
        o->parts = grown;
    if (!grown || !name) {
        free(name);
        free(bytes);
        return false;
    }
    snprintf(name, name_size, "%s#%s", instance, module);
    o->parts[o->count++] = (cj_component_part){name, bytes, size};
    return true;
}

static offers find_offers(const runner *r)
{
    offers o = {NULL, 0};
    uint8_t *bytes;
    size_t size;
    if (r->host && wast_host_module(&bytes, &size))
        add_offer(&o, "host", "simple-module", bytes, size);
    for (const part *p = r->parts; p; p = p->next) {
        const cJSON *module;
        if (!p->name || p->is_definition || find_part(r, p->name, false) != p)
            continue;
        cJSON_ArrayForEach(module, p->modules)
        {
            const char *file = cJSON_GetStringValue(module);
            if (file && read_bytes(r, file, &bytes, &size))
                add_offer(&o, p->name, module->string, bytes, size);
        }
    }
    return o;
}

/* Loads a component again, with all the core modules that it imports and that are there. CJ_NOT_FOUND: it imports none of them; CJ_LINK: they do not
 * fit. */
static cj_status load_with(runner *r, const uint8_t *bytes, size_t size, cj_component **component, cj_error *err)
{
    offers o = find_offers(r);
    cj_status status = CJ_NOT_FOUND;
    while (o.count > 0) {
        status = cj_component_new_with(r->engine, bytes, size, o.parts, o.count, component, err);
        if (status != CJ_NOT_FOUND)
            break;
        size_t left = o.count;
        for (size_t i = o.count; i-- > 0;) { /* the message names the one that it does not import */
            char quoted[256];
            snprintf(quoted, sizeof(quoted), "`%s`", o.parts[i].name);
            if (strstr(err->message, quoted))
                drop_offer(&o, i);
        }
        if (o.count == left)
            break;
    }
    while (o.count > 0)
        drop_offer(&o, 0);
    free(o.parts);
    if (status == CJ_INVALID || status == CJ_MALFORMED)
        status = err->status = CJ_LINK;
    return status;
}

/* CJ_OK with the component; another status with `err` and nothing concluded; false when concluded. */
static bool load(runner *r, const cJSON *command, bool instantiate, cj_component **component, cj_error *err)
{
    uint8_t *bytes;
    size_t size;
    *component = NULL;
    if (!read_binary(r, command, instantiate, &bytes, &size))
        return false;
    cj_status status = cj_component_new(r->engine, bytes, size, component, err);
    if (status != CJ_OK)
        *component = NULL;
    if (status == CJ_OK || status == CJ_UNSUPPORTED) {
        cj_component *linked = NULL;
        cj_error link_err;
        status = load_with(r, bytes, size, &linked, &link_err);
        if (status != CJ_NOT_FOUND) {
            cj_component_delete(*component);
            *component = linked;
            *err = link_err;
        }
    }
    free(bytes);
    return true;
}

/* What the component needs that canonjit has not, or NULL. The engine of the script lets such components pass, without the functions that cannot
 * run; another one names the reason. */
static const char *find_gate(runner *r, const part *p)
{
    cli_settings strict = *r->settings->common;
    cj_error err;
    uint8_t *bytes;
    size_t size;
    strict.config.trap_unsupported = false;
    strict.config.tier = CJ_TIER_INTERP;
    wast_verdict kept = r->verdict;
    if (!p->command || (!r->strict && cj_engine_new(&strict.config, &r->strict, &err) != CJ_OK) ||
        !read_binary(r, p->command, false, &bytes, &size)) {
        r->verdict = kept;
        return NULL;
    }
    cj_component *component = NULL;
    const char *gate = cj_component_new(r->strict, bytes, size, &component, &err) == CJ_OK ? NULL : wast_gate(&err);
    cj_component_delete(component);
    free(bytes);
    return gate;
}

static part *add_part(runner *r, const char *name, bool is_definition)
{
    part *p = calloc(1, sizeof(*p));
    if (!p) {
        FAIL(r, "out of memory");
        return NULL;
    }
    *p = (part){.next = r->parts, .name = name, .line = r->verdict.line, .is_definition = is_definition};
    r->parts = p;
    return p;
}

/* From a verdict that is not good: the part is not there, and later commands say why. */
static void mark(runner *r, part *p)
{
    if (r->verdict.outcome == WAST_SKIPPED && !p->skipped)
        p->skipped = p->reason = strdup(r->verdict.text);
}

/* Concludes about a command whose part is not there. */
static void conclude_absent(runner *r, const part *p)
{
    if (p->skipped)
        SKIP(r, p->skipped);
    else
        FAIL(r, "the component of line %d is not there", p->line);
}

static void refused(runner *r, const cj_error *err)
{
    error_text text;
    const char *gate = wast_gate(err);
    if (gate)
        SKIP(r, gate);
    else
        FAIL(r, "expected a valid component, found %s", text_of(err, &text));
}

static void leave_world(world *w)
{
    if (!w || --w->users > 0)
        return;
    cj_store_delete(w->store);
    cj_component_delete(w->component);
    free(w);
}

/* An instance of `component`, which is the world's own when `owned`, failing or not. */
static cj_status make_world(runner *r, cj_component *component, bool owned, world **out, cj_error *err)
{
    world *w = calloc(1, sizeof(*w));
    *out = NULL;
    if (!w) {
        if (owned)
            cj_component_delete(component);
        *err = (cj_error){.status = CJ_NO_MEMORY, .offset = CJ_NO_OFFSET, .message = "out of memory"};
        return CJ_NO_MEMORY;
    }
    *w = (world){.users = 1, .component = owned ? component : NULL};
    cj_status status = r->host ? wast_host_check(component, err) : CJ_OK;
    if (status == CJ_OK)
        status = cj_store_new(r->engine, &r->settings->common->limits, NULL, &w->store, err);
    if (status == CJ_OK)
        status = cj_instantiate(w->store, r->linker, component, &w->instance, err);
    if (status == CJ_OK)
        *out = w;
    else
        leave_world(w);
    return status;
}

static void delete_part(part *p)
{
    leave_world(p->world);
    cj_component_delete(p->component);
    free(p->reason);
    free(p);
}

/* Instances that no command can name any more: the last one's name is another's, or it has none. */
static void forget_instances(runner *r)
{
    for (part **at = &r->parts; *at;) {
        part *p = *at;
        if (p->is_definition || p == r->current || (p->name && find_part(r, p->name, false) == p)) {
            at = &p->next;
            continue;
        }
        *at = p->next;
        delete_part(p);
    }
}

/* Concludes about an instance that was not made. */
static void conclude_uninstantiated(runner *r, const part *p, const cj_error *err)
{
    error_text text;
    const char *gate = err->status == CJ_TRAP && err->trap == CJ_TRAP_UNSUPPORTED ? find_gate(r, p) : wast_gate(err);
    if (gate)
        SKIP(r, gate);
    else
        FAIL(r, "expected an instance, found %s", text_of(err, &text));
}

static void instantiate(runner *r, part *p, cj_component *component, bool owned)
{
    cj_error err;
    if (make_world(r, component, owned, &p->world, &err) == CJ_OK)
        PASS(r, "%s", "");
    else
        conclude_uninstantiated(r, p, &err);
}

static void run_module(runner *r, const cJSON *command, bool is_definition)
{
    part *p = add_part(r, wast_text(command, "name"), is_definition);
    cj_component *component;
    cj_error err;
    if (!p)
        return;
    p->command = command;
    p->modules = cJSON_GetObjectItemCaseSensitive(command, "modules");
    const char *kind = wast_text(command, "kind");
    p->is_core = kind && strcmp(kind, "module") == 0;
    if (!is_definition) {
        r->current = p;
        forget_instances(r);
    }
    if (load(r, command, true, &component, &err)) {
        if (!component)
            refused(r, &err);
        else if (!is_definition)
            instantiate(r, p, component, true);
        else
            PASS(r, "%s", "");
        p->component = is_definition ? component : NULL;
    }
    mark(r, p);
}

static void run_module_instance(runner *r, const cJSON *command)
{
    const char *of = wast_text(command, "module");
    part *definition = find_part(r, of, true), *p = add_part(r, wast_text(command, "instance"), false);
    if (!p)
        return;
    r->current = p;
    forget_instances(r);
    if (!definition) {
        FAIL(r, "there is no definition $%s", of ? of : "");
    } else if (!definition->component) {
        conclude_absent(r, definition);
    } else {
        p->command = definition->command;
        p->modules = cJSON_GetObjectItemCaseSensitive(command, "modules");
        p->is_core = definition->is_core;
        instantiate(r, p, definition->component, false);
    }
    mark(r, p);
}

static void run_register(runner *r, const cJSON *command)
{
    const char *of = wast_text(command, "name");
    part *from = of ? find_part(r, of, false) : r->current;
    if (!from) {
        FAIL(r, "there is no instance to register");
        return;
    }
    part *p = add_part(r, wast_text(command, "as"), false);
    if (!p)
        return;
    p->command = from->command;
    p->modules = from->modules;
    p->line = from->line;
    p->is_core = from->is_core;
    p->world = from->world;
    if (p->world)
        p->world->users++;
    PASS(r, "%s", "");
    if (!from->world)
        conclude_absent(r, from);
    mark(r, p);
}

/* -- Actions ----------------------------------------------------------------------------------------------------- */

/* A built-in was called that canonjit does not have: the instance is dead for what the script wants to see. */
static void conclude_unsupported(runner *r, part *p, const cj_error *err)
{
    error_text text;
    const char *gate = find_gate(r, p);
    if (!gate) {
        FAIL(r, "expected no call of what canonjit lacks, found %s", text_of(err, &text));
        return;
    }
    SKIP(r, gate);
    leave_world(p->world);
    p->world = NULL;
    mark(r, p);
}

typedef struct outcome {
    cj_status status;
    cj_error err;
    const cj_type *type; /* of the result, or NULL */
    cj_val result;
} outcome;

static bool make_arguments(runner *r, const cj_functype *type, const cJSON *constants, cj_val **out)
{
    uint32_t count = cj_functype_param_count(type), i = 0;
    const cJSON *constant;
    if ((uint32_t)cJSON_GetArraySize(constants) != count) {
        char text[256];
        cj_functype_format(type, text, sizeof(text));
        FAIL(r, "the script gives %d arguments, the function is %s", cJSON_GetArraySize(constants), text);
        return false;
    }
    *out = cj_arena_alloc(r->arena, (count + 1) * sizeof(cj_val), _Alignof(cj_val));
    if (!*out) {
        FAIL(r, "out of memory");
        return false;
    }
    cJSON_ArrayForEach(constant, constants)
    {
        char why[256];
        if (!wast_value(constant, cj_functype_param(type, i), r->arena, &(*out)[i], why, sizeof(why))) {
            FAIL(r, "argument %u of the script %s", (unsigned)i + 1, why);
            return false;
        }
        i++;
    }
    return true;
}

/* Calls; false when the verdict is concluded already. */
static bool act(runner *r, const cJSON *action, outcome *out)
{
    const char *kind = wast_text(action, "type"), *module = wast_text(action, "module");
    const char *field = wast_text(action, "field");
    part *p = module ? find_part(r, module, false) : r->current;
    if (!kind || strcmp(kind, "invoke") != 0 || !field) {
        FAIL(r, "no action of a component: %s", kind ? kind : "(nothing)");
        return false;
    }
    if (!p) {
        FAIL(r, "there is no instance%s%s", module ? " $" : "", module ? module : "");
        return false;
    }
    if (!p->world) {
        conclude_absent(r, p);
        return false;
    }
    if (p->is_core) {
        FAIL(r, "canonjit calls no functions of core modules by themselves");
        return false;
    }
    cj_func *func = cj_instance_func(p->world->instance, field);
    if (!func) {
        const char *gate = find_gate(r, p);
        if (gate)
            SKIP(r, gate);
        else
            FAIL(r, "the instance exports no function \"%s\"", field);
        return false;
    }
    const cj_functype *type = cj_func_type(func);
    cj_val *args;
    if (!make_arguments(r, type, cJSON_GetObjectItemCaseSensitive(action, "args"), &args))
        return false;
    out->type = cj_functype_result(type);
    out->status =
        cj_call(func, args, cj_functype_param_count(type), &out->result, out->type ? 1 : 0, r->arena, &out->err);
    if (out->status != CJ_TRAP || out->err.trap != CJ_TRAP_UNSUPPORTED)
        return true;
    conclude_unsupported(r, p, &out->err);
    return false;
}

/* A call that failed where it should have returned, or failed otherwise than with a trap. */
static void conclude_error(runner *r, const char *expected, const cj_error *err)
{
    error_text text;
    FAIL(r, "expected %s, found %s", expected, text_of(err, &text));
}

static void conclude_result(runner *r, const char *expected, const outcome *o)
{
    char *found = o->type ? show_value(o->type, &o->result) : NULL;
    FAIL(r, "expected %s, found %s", expected, o->type ? found ? found : "a value" : "no value");
    free(found);
}

static void check_return(runner *r, const outcome *o, const cJSON *expected)
{
    int count = cJSON_GetArraySize(expected);
    const cJSON *constant = cJSON_GetArrayItem(expected, 0);
    if (o->status != CJ_OK) {
        char *wanted = constant ? show_constant(constant) : NULL;
        conclude_error(r, wanted ? wanted : "the call to return", &o->err);
        free(wanted);
        return;
    }
    if (count != (o->type ? 1 : 0)) {
        conclude_result(r, count ? "a value" : "no value", o);
        return;
    }
    char why[256];
    if (count == 0 || wast_matches(constant, o->type, &o->result, why, sizeof(why))) {
        PASS(r, "%s", "");
        return;
    }
    char *wanted = show_constant(constant), *found = show_value(o->type, &o->result);
    FAIL(r, "expected %s, found %s%s%s", wanted ? wanted : "?", found ? found : "?",
         why[0] == 0                      ? ""
         : why[0] == '.' || why[0] == '[' ? "; differs at "
                                          : "; it ",
         why);
    free(wanted);
    free(found);
}

static void check_trap(runner *r, cj_status status, const cj_error *err, const char *expected)
{
    error_text text;
    char wanted[300];
    snprintf(wanted, sizeof(wanted), "the trap \"%.250s\"", expected);
    if (status != CJ_TRAP) {
        conclude_error(r, wanted, err);
        return;
    }
    wast_told told = wast_trap_is(expected, err);
    if (told == WAST_OTHER) {
        conclude_error(r, wanted, err);
        return;
    }
    r->verdict.untold = told == WAST_UNTOLD;
    PASS(r, "%s", text_of(err, &text));
}

static void run_action(runner *r, const cJSON *command)
{
    outcome o;
    const char *type = r->verdict.type, *expected = wast_text(command, "text");
    if (!act(r, cJSON_GetObjectItemCaseSensitive(command, "action"), &o))
        return;
    if (strcmp(type, "action") == 0) {
        if (o.status == CJ_OK)
            PASS(r, "%s", "");
        else
            conclude_error(r, "the call to return", &o.err);
    } else if (strcmp(type, "assert_return") == 0) {
        check_return(r, &o, cJSON_GetObjectItemCaseSensitive(command, "expected"));
    } else if (o.status == CJ_OK) {
        char wanted[300];
        snprintf(wanted, sizeof(wanted), "a trap%s%.250s", expected ? ": " : "", expected ? expected : "");
        conclude_result(r, wanted, &o);
    } else {
        check_trap(r, o.status, &o.err,
                   strcmp(type, "assert_exhaustion") == 0 ? "call stack exhausted"
                   : expected                             ? expected
                                                          : "");
    }
}

/* -- Refusals ---------------------------------------------------------------------------------------------------- */

/* A text that the assembler is to refuse tests the assembler. */
static bool is_about_text(const cJSON *command)
{
    const char *kind = wast_text(command, "module_type"), *unassembled = wast_text(command, "unassembled");
    const char *expected = wast_text(command, "text");
    if (!kind || strcmp(kind, "text") != 0)
        return false;
    return strcmp(wast_text(command, "type"), "assert_malformed") == 0 ||
           (unassembled && expected && expected[0] && strstr(unassembled, expected));
}

static void run_refusal(runner *r, const cJSON *command)
{
    cj_component *component;
    cj_error err;
    error_text text;
    if (is_about_text(command)) {
        SKIP(r, "text format");
        return;
    }
    if (!load(r, command, false, &component, &err))
        return;
    const char *expected = wast_text(command, "text"), *gate = component ? NULL : wast_gate(&err);
    if (component)
        FAIL(r, "expected a refusal, \"%s\", found that the component is valid", expected ? expected : "");
    else if (gate)
        SKIP(r, gate);
    else if (err.status == CJ_INVALID || err.status == CJ_MALFORMED)
        PASS(r, "%s", text_of(&err, &text));
    else
        FAIL(r, "expected a refusal, \"%s\", found %s", expected ? expected : "", text_of(&err, &text));
    cj_component_delete(component);
}

/* assert_unlinkable, assert_uninstantiable: the component is good, its instance is not. */
static void run_no_instance(runner *r, const cJSON *command)
{
    const char *expected = wast_text(command, "text");
    bool traps = strcmp(r->verdict.type, "assert_uninstantiable") == 0;
    const part probe = {.command = command};
    cj_component *component;
    cj_error err;
    error_text text;
    if (!load(r, command, true, &component, &err))
        return;
    if (!component) {
        if (err.status == CJ_LINK && !traps)
            PASS(r, "%s", text_of(&err, &text));
        else
            refused(r, &err);
        return;
    }
    world *made;
    cj_status status = make_world(r, component, true, &made, &err);
    leave_world(made);
    const char *gate = status == CJ_OK                                        ? NULL
                       : status == CJ_TRAP && err.trap == CJ_TRAP_UNSUPPORTED ? find_gate(r, &probe)
                                                                              : wast_gate(&err);
    if (status == CJ_OK)
        FAIL(r, "expected that instantiating fails, \"%s\", found an instance", expected ? expected : "");
    else if (gate)
        SKIP(r, gate);
    else if (traps)
        check_trap(r, status, &err, expected ? expected : "");
    else if (status == CJ_LINK)
        PASS(r, "%s", text_of(&err, &text));
    else
        FAIL(r, "expected that linking fails, \"%s\", found %s", expected ? expected : "", text_of(&err, &text));
}

/* -- The script -------------------------------------------------------------------------------------------------- */

static const struct {
    const char *type;
    void (*run)(runner *, const cJSON *);
} commands[] = {
    {"module_instance", run_module_instance},
    {"register", run_register},
    {"action", run_action},
    {"assert_return", run_action},
    {"assert_trap", run_action},
    {"assert_exhaustion", run_action},
    {"assert_exception", run_action},
    {"assert_invalid", run_refusal},
    {"assert_malformed", run_refusal},
    {"assert_unlinkable", run_no_instance},
    {"assert_uninstantiable", run_no_instance},
};

static void run_command(runner *r, const cJSON *command)
{
    const char *type = wast_text(command, "type");
    const cJSON *line = cJSON_GetObjectItemCaseSensitive(command, "line");
    r->verdict = (wast_verdict){
        .file = r->file, .type = type ? type : "(nothing)", .line = cJSON_IsNumber(line) ? line->valueint : 0};
    cj_arena_reset(r->arena);
    if (type && strncmp(type, "module", 6) == 0 && strcmp(type, "module_instance") != 0) {
        run_module(r, command, strcmp(type, "module_definition") == 0);
        return;
    }
    for (size_t i = 0; type && i < CLI_COUNT(commands); i++) {
        if (strcmp(commands[i].type, type) == 0) {
            commands[i].run(r, command);
            return;
        }
    }
    const char *text = wast_text(command, "text");
    FAIL(r, "%s", type && strcmp(type, "unreadable") == 0 && text ? text : "unknown command");
}

static void delete_parts(runner *r)
{
    while (r->parts) {
        part *p = r->parts;
        r->parts = p->next;
        delete_part(p);
    }
}

static int run_script(runner *r, const char *path, const cJSON *script, wast_report report, void *user)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(script, "commands"), *command;
    cj_error err;
    error_text text;
    if (!cJSON_IsArray(list))
        return cli_fail(CLI_FAILED, "%s: not the JSON of a test script: no \"commands\"", path);
    if (cj_arena_new(NULL, &r->arena) != CJ_OK)
        return cli_fail(CLI_FAILED, "out of memory");
    if (cj_linker_new(r->engine, &r->linker, &err) != CJ_OK ||
        (r->settings->host && !(r->host = wast_host_new(r->engine, r->linker, &err))))
        return cli_fail(CLI_FAILED, "%s: %s", path, text_of(&err, &text));
    r->file = wast_text(script, "source_filename");
    if (!r->file)
        r->file = path;
    cJSON_ArrayForEach(command, list)
    {
        run_command(r, command);
        report(user, &r->verdict);
    }
    return CLI_OK;
}

int wast_run(cj_engine *engine, const wast_settings *settings, const char *path, wast_report report, void *user)
{
    uint8_t *bytes;
    size_t size;
    int status = cli_read_file(path, path, SIZE_MAX, &bytes, &size);
    if (status != CLI_OK)
        return status;
    cJSON *script = cJSON_ParseWithLength((const char *)bytes, size);
    free(bytes);
    if (!script)
        return cli_fail(CLI_FAILED, "%s: not the JSON of a test script, nor a .wast", path);

    char *folder = strdup(path);
    char *slash = folder ? strrchr(folder, '/') : NULL;
    if (slash)
        *slash = 0;
    runner r = {.engine = engine, .settings = settings, .folder = slash ? folder : "."};
    if (!folder)
        status = cli_fail(CLI_FAILED, "out of memory");
    else
        status = run_script(&r, path, script, report, user);
    delete_parts(&r);
    cj_linker_delete(r.linker);
    wast_host_delete(r.host);
    cj_arena_delete(r.arena);
    cj_engine_delete(r.strict);
    cJSON_Delete(script);
    free(folder);
    return status;
}
