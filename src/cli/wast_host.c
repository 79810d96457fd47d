/* wast_host.c: --host wasmtime: the host functions and resources that wasmtime's own test scripts import.
 *
 * Place in the pipeline: fills the linker with which wast_run.c instantiates.
 * Non-goals: what is async in that host.
 *
 * The names and what they do are those of wasmtime's `wast` command: "host-return-two" and "host-echo-u32" at the root, all else in the instance "host".
 */
#include "wast.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct wast_host {
    cj_resource_type *first, *second;
    uint32_t drops, last_drop; /* of `first` */
};

static cj_status refuse(cj_error *err, const char *what)
{
    err->status = CJ_HOST;
    snprintf(err->message, sizeof(err->message), "%s", what);
    return CJ_HOST;
}

/* A resource's representation is a number here. */
static uint32_t number_of(void *rep)
{
    return (uint32_t)(uintptr_t)rep;
}

static void drop_first(void *user, void *rep)
{
    wast_host *host = user;
    host->drops++;
    host->last_drop = number_of(rep);
}

/* -- Functions --------------------------------------------------------------------------------------------------- */

#define HOST_FUNC(name) \
    static cj_status name(void *user, cj_call_ctx *ctx, const cj_val *args, size_t nargs, cj_val *results, \
                          size_t nresults, cj_error *err)
#define UNUSED ((void)user, (void)ctx, (void)args, (void)nargs, (void)results, (void)nresults, (void)err)

HOST_FUNC(return_two)
{
    UNUSED;
    results[0] = (cj_val){.kind = CJ_KIND_U32, .of.u32 = 2};
    return CJ_OK;
}

HOST_FUNC(return_three)
{
    UNUSED;
    results[0] = (cj_val){.kind = CJ_KIND_U32, .of.u32 = 3};
    return CJ_OK;
}

HOST_FUNC(return_four)
{
    UNUSED;
    results[0] = (cj_val){.kind = CJ_KIND_U32, .of.u32 = 4};
    return CJ_OK;
}

HOST_FUNC(return_hi)
{
    UNUSED;
    results[0] = (cj_val){.kind = CJ_KIND_STRING, .of.string = CJ_STRING("hi")};
    return CJ_OK;
}

HOST_FUNC(echo)
{
    UNUSED;
    results[0] = args[0];
    return CJ_OK;
}

HOST_FUNC(make_first)
{
    UNUSED;
    wast_host *host = user;
    results[0] = (cj_val){.kind = CJ_KIND_OWN};
    return cj_resource_new(cj_ctx_store(ctx), host->first, (void *)(uintptr_t)args[0].of.u32, &results[0].of.handle,
                           err);
}

/* (own, u32): the resource has this representation, and ends here without being dropped. */
HOST_FUNC(assert_first)
{
    UNUSED;
    wast_host *host = user;
    void *rep;
    cj_status status = cj_resource_take(cj_ctx_store(ctx), host->first, args[0].of.handle, &rep, err);
    if (status != CJ_OK)
        return status;
    return number_of(rep) == args[1].of.u32 ? CJ_OK : refuse(err, "the resource has another representation");
}

/* A borrow handle, with this representation unless `rep` is NULL. */
static cj_status check_borrow(wast_host *host, cj_call_ctx *ctx, const cj_val *handle, const uint32_t *rep,
                              cj_error *err)
{
    void *found;
    if (handle->kind != CJ_KIND_BORROW || cj_handle_is_own(cj_ctx_store(ctx), handle->of.handle))
        return refuse(err, "expected a borrow handle");
    cj_status status = cj_resource_rep(cj_ctx_store(ctx), host->first, handle->of.handle, &found, err);
    if (status != CJ_OK)
        return status;
    return !rep || number_of(found) == *rep ? CJ_OK : refuse(err, "the resource has another representation");
}

HOST_FUNC(simple)
{
    UNUSED;
    return check_borrow(user, ctx, &args[0], &args[1].of.u32, err);
}

HOST_FUNC(take_borrow)
{
    UNUSED;
    cj_status status = check_borrow(user, ctx, &args[0], NULL, err);
    return status == CJ_OK ? check_borrow(user, ctx, &args[1], NULL, err) : status;
}

HOST_FUNC(take_own)
{
    UNUSED;
    wast_host *host = user;
    void *rep;
    cj_status status = check_borrow(host, ctx, &args[0], NULL, err);
    return status == CJ_OK ? cj_resource_take(cj_ctx_store(ctx), host->first, args[1].of.handle, &rep, err) : status;
}

HOST_FUNC(drops)
{
    UNUSED;
    results[0] = (cj_val){.kind = CJ_KIND_U32, .of.u32 = ((wast_host *)user)->drops};
    return CJ_OK;
}

HOST_FUNC(last_drop)
{
    UNUSED;
    results[0] = (cj_val){.kind = CJ_KIND_U32, .of.u32 = ((wast_host *)user)->last_drop};
    return CJ_OK;
}

/* A component may call its parameters and resource types what it likes: types are compared without names of parameters, "r" stands for a resource. */
static const struct {
    const char *interface, *name, *type;
    cj_host_dyn_fn fn;
} functions[] = {
    {"", "host-return-two", "func() -> u32", return_two},
    {"", "host-echo-u32", "func(u32) -> u32", echo},
    {"host", "return-three", "func() -> u32", return_three},
    {"host#nested", "return-four", "func() -> u32", return_four},
    {"host", "return-hi", "func() -> string", return_hi},
    {"host", "[constructor]resource1", "func(u32) -> own", make_first},
    {"host", "[static]resource1.assert", "func(own, u32)", assert_first},
    {"host", "[static]resource1.drops", "func() -> u32", drops},
    {"host", "[static]resource1.last-drop", "func() -> u32", last_drop},
    {"host", "[method]resource1.simple", "func(borrow, u32)", simple},
    {"host", "[method]resource1.take-borrow", "func(borrow, borrow)", take_borrow},
    {"host", "[method]resource1.take-own", "func(borrow, own)", take_own},
};

/* What wasmtime's host has and this one lacks, because it is async, or about that. */
static const char *const async_functions[] = {"never-return", "return-two-slowly", "echo-slowly",
                                              "[method]resource1.never-return", "set-max-table-capacity"};

/* -- Types ------------------------------------------------------------------------------------------------------- */

static void put_type(FILE *to, const cj_type *type)
{
    cj_kind kind = cj_type_kind(type);
    char text[256];
    if (kind == CJ_KIND_OWN || kind == CJ_KIND_BORROW) {
        fputs(cj_kind_name(kind), to);
        return;
    }
    cj_type_format(type, text, sizeof(text));
    fputs(text, to);
}

/* The type of an import, as the table has it. */
static void describe(const cj_functype *type, char *buffer, size_t size)
{
    FILE *to = fmemopen(buffer, size, "w");
    buffer[0] = 0;
    if (!to)
        return;
    fputs("func(", to);
    for (uint32_t i = 0; i < cj_functype_param_count(type); i++) {
        fputs(i ? ", " : "", to);
        put_type(to, cj_functype_param(type, i));
    }
    fputs(")", to);
    if (cj_functype_result(type)) {
        fputs(" -> ", to);
        put_type(to, cj_functype_result(type));
    }
    fclose(to);
    buffer[size - 1] = 0;
}

/* Other interfaces are instances of the script's own. */
static bool is_of_host(const char *interface)
{
    return !interface[0] || strcmp(interface, "host") == 0 || strncmp(interface, "host#", 5) == 0 ||
           strcmp(interface, "wasmtime") == 0;
}

static cj_status fail_link(cj_error *err, const char *format, ...) CLI_PRINTF(2, 3);
static cj_status fail_link(cj_error *err, const char *format, ...)
{
    va_list args;
    *err = (cj_error){.status = CJ_LINK, .offset = CJ_NO_OFFSET};
    va_start(args, format);
    vsnprintf(err->message, sizeof(err->message), format, args);
    va_end(args);
    return CJ_LINK;
}

static cj_status check_func(const cj_extern_func *import, cj_error *err)
{
    for (size_t i = 0; i < CLI_COUNT(functions); i++) {
        char type[512];
        if (strcmp(functions[i].interface, import->interface) != 0 || strcmp(functions[i].name, import->name) != 0)
            continue;
        describe(import->type, type, sizeof(type));
        if (strcmp(type, functions[i].type) == 0)
            return CJ_OK;
        return fail_link(err, "the host's %.60s is %s, the import %.100s", import->name, functions[i].type, type);
    }
    for (size_t i = 0; i < CLI_COUNT(async_functions); i++) {
        if (strcmp(async_functions[i], import->name) != 0)
            continue;
        *err = (cj_error){.status = CJ_UNSUPPORTED, .offset = CJ_NO_OFFSET};
        snprintf(err->message, sizeof(err->message), "unsupported: async host function %.60s", import->name);
        return CJ_UNSUPPORTED;
    }
    return fail_link(err, "the host has no function %.60s%s%.60s", import->interface, import->interface[0] ? "#" : "",
                     import->name);
}

static const struct {
    const char *name;
    bool is_first;
} resources[] = {{"resource1", true}, {"resource1-again", true}, {"resource2", false}};

cj_status wast_host_check(const cj_component *component, cj_error *err)
{
    cj_status status = CJ_OK;
    for (size_t i = 0; status == CJ_OK && i < cj_component_import_count(component); i++) {
        cj_extern_func import = cj_component_import(component, i);
        if (is_of_host(import.interface))
            status = check_func(&import, err);
    }
    for (size_t i = 0; status == CJ_OK && i < cj_component_resource_count(component); i++) {
        cj_extern_resource resource = cj_component_resource(component, i);
        for (size_t j = 0; resource.imported && j < CLI_COUNT(functions); j++)
            if (strcmp(functions[j].interface, resource.interface) == 0 &&
                strcmp(functions[j].name, resource.name) == 0)
                status = fail_link(err, "the host's %s is a function, no resource type", functions[j].name);
    }
    return status;
}

bool wast_host_module(uint8_t **bytes, size_t *size)
{
    /* (module (func (export "f") (result i32) (i32.const 101)) (global (export "g") i32 (i32.const 100))) */
    static const uint8_t module[] = {0,   'a', 's', 'm', 1,   0, 0,    0,  1,    5,    1, 0x60, 0,    1,    0x7f, 3,
                                     2,   1,   0,   6,   7,   1, 0x7f, 0,  0x41, 0xe4, 0, 0x0b, 7,    9,    2,    1,
                                     'f', 0,   0,   1,   'g', 3, 0,    10, 7,    1,    5, 0,    0x41, 0xe5, 0,    0x0b};
    *bytes = malloc(sizeof(module));
    if (!*bytes)
        return false;
    memcpy(*bytes, module, sizeof(module));
    *size = sizeof(module);
    return true;
}

/* -- The linker -------------------------------------------------------------------------------------------------- */

static cj_status define(wast_host *host, cj_engine *engine, cj_linker *linker, cj_error *err)
{
    cj_status status = cj_resource_type_new(engine, "resource1", drop_first, host, &host->first, err);
    if (status == CJ_OK)
        status = cj_resource_type_new(engine, "resource2", NULL, NULL, &host->second, err);
    for (size_t i = 0; status == CJ_OK && i < CLI_COUNT(resources); i++)
        status = cj_linker_resource(linker, "host", resources[i].name,
                                    resources[i].is_first ? host->first : host->second, err);
    for (size_t i = 0; status == CJ_OK && i < CLI_COUNT(functions); i++)
        status = cj_linker_dyn_func(linker, functions[i].interface, functions[i].name, functions[i].fn, host, err);
    return status;
}

wast_host *wast_host_new(cj_engine *engine, cj_linker *linker, cj_error *err)
{
    wast_host *host = calloc(1, sizeof(*host));
    if (!host) {
        *err = (cj_error){.status = CJ_NO_MEMORY, .offset = CJ_NO_OFFSET, .message = "out of memory"};
        return NULL;
    }
    if (define(host, engine, linker, err) == CJ_OK)
        return host;
    wast_host_delete(host);
    return NULL;
}

void wast_host_delete(wast_host *host)
{
    if (!host)
        return;
    cj_resource_type_delete(host->first);
    cj_resource_type_delete(host->second);
    free(host);
}
