/* linker.c: cj_linker: what the host offers to imports, by "interface#name"; the gate of dynamic host functions.
 *
 * Place in the pipeline: filled by the host, read once per cj_instantiate; instances keep what they need, so the
 * linker may go.
 * Non-goals: checking a host function's C signature, which nobody can.
 */
#include "runtime/runtime.h"

#include <stdio.h>

cj_status cj_linker_new(cj_engine *engine, cj_linker **out, cj_error *err)
{
    cj__error_clear(err);
    if (!engine || !out)
        return cj__fail(err, CJ_MISUSE, "cj_linker_new: engine and out must not be NULL");
    cj_linker *linker = cj__calloc(engine->alloc, 1, sizeof(*linker));
    if (!linker)
        return cj__fail_nomem(err);
    linker->engine = cj__engine_use(engine);
    linker->seed = cj__hash_seed();
    *out = linker;
    return CJ_OK;
}

void cj_linker_delete(cj_linker *linker)
{
    if (!linker)
        return;
    const cj_allocator *hash_alloc = linker->engine->alloc;
    cj_linker_entry *entry, *next;
    HASH_ITER (hh, linker->entries, entry, next) {
        HASH_DEL(linker->entries, entry);
        if (entry->resource)
            cj__resource_type_unuse(entry->resource);
        cj__free(hash_alloc, entry, sizeof(*entry) + entry->path_len + 1);
    }
    cj_engine *engine = linker->engine;
    cj__free(hash_alloc, linker, sizeof(*linker));
    cj__engine_unuse(engine);
}

static cj_linker_entry *find(const cj_linker *linker, const char *path, size_t len)
{
    cj_linker_entry *entry;
    HASH_FIND_BYHASHVALUE(hh, linker->entries, path, len, cj__hash(linker->seed, path, len), entry);
    return entry;
}

const cj_linker_entry *cj__linker_find(const cj_linker *linker, const char *path)
{
    return find(linker, path, strlen(path));
}

char *cj__linker_path(cj_arena *arena, const char *interface, const char *name)
{
    size_t size = strlen(interface) + strlen(name) + 2;
    char *path = cj__arena_alloc(arena, size, 1);
    if (path)
        snprintf(path, size, "%s%s%s", interface, interface[0] ? "#" : "", name);
    return path;
}

/* `what` has the function or the type. */
static cj_status add(cj_linker *linker, const char *interface, const char *name, cj_linker_entry what, cj_error *err)
{
    const cj_allocator *hash_alloc = linker->engine->alloc;
    bool hash_oom = false;
    size_t interface_len = interface ? strlen(interface) : 0, name_len = strlen(name);
    size_t path_len = interface_len ? interface_len + 1 + name_len : name_len;
    cj_linker_entry *entry = cj__calloc(hash_alloc, 1, sizeof(*entry) + path_len + 1);
    if (!entry)
        return cj__fail_nomem(err);
    entry->resource = what.resource;
    entry->fn = what.fn;
    entry->dyn = what.dyn;
    entry->user = what.user;
    entry->path_len = path_len;
    if (interface_len) {
        memcpy(entry->path, interface, interface_len);
        entry->path[interface_len] = '#';
    }
    memcpy(entry->path + path_len - name_len, name, name_len);

    cj_status status = CJ_OK;
    if (find(linker, entry->path, path_len)) {
        status = cj__fail(err, CJ_MISUSE, "\"%s\" is defined in the linker already", entry->path);
    } else {
        HASH_ADD_KEYPTR_BYHASHVALUE(hh, linker->entries, entry->path, path_len,
                                    cj__hash(linker->seed, entry->path, path_len), entry);
        if (hash_oom)
            status = cj__fail_nomem(err);
    }
    if (status != CJ_OK)
        cj__free(hash_alloc, entry, sizeof(*entry) + path_len + 1);
    return status;
}

static cj_status add_func(cj_linker *linker, const char *interface, const char *name, cj_linker_entry what,
                          cj_error *err)
{
    cj__error_clear(err);
    if (!linker || !name || !name[0] || (!what.fn && !what.dyn))
        return cj__fail(err, CJ_MISUSE, "cj_linker_func: linker, name and fn must not be NULL, name not empty");
    return add(linker, interface, name, what, err);
}

cj_status cj_linker_func(cj_linker *linker, const char *interface, const char *name, cj_host_fn fn, void *user,
                         cj_error *err)
{
    return add_func(linker, interface, name, (cj_linker_entry){.fn = fn, .user = user}, err);
}

cj_status cj_linker_dyn_func(cj_linker *linker, const char *interface, const char *name, cj_host_dyn_fn fn, void *user,
                             cj_error *err)
{
    return add_func(linker, interface, name, (cj_linker_entry){.dyn = fn, .user = user}, err);
}

cj_status cj_linker_resource(cj_linker *linker, const char *interface, const char *name, const cj_resource_type *type,
                             cj_error *err)
{
    cj__error_clear(err);
    if (!linker || !name || !name[0] || !type)
        return cj__fail(err, CJ_MISUSE, "cj_linker_resource: linker, name and type must not be NULL, name not empty");
    if (!type->engine)
        return cj__fail(err, CJ_MISUSE, "\"%s\" is a guest's resource type: only the host's can be offered",
                        type->core.name);
    if (type->engine != linker->engine)
        return cj__fail(err, CJ_MISUSE, "resource type \"%s\" is of another engine than the linker", type->core.name);
    cj_linker_entry what = {.resource = cj__resource_type_use(type)};
    cj_status status = add(linker, interface, name, what, err);
    if (status != CJ_OK)
        cj__resource_type_unuse(what.resource);
    return status;
}

/* -- The dynamic door inwards -------------------------------------------------------------------------------------- */

/* Arguments become values in the call's arena, within max_host_bytes: a guest decides how many there are. */
cj_status cj__dyn_gate(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err)
{
    const cj_dyn_host *host = user;
    const cj_functype *type = ctx->bound->info->type;
    cj__call_complete(ctx);
    cj__call_take(ctx->store);
    cj_val *values = cj__arena_alloc(ctx->arena, sizeof(cj_val) * type->param_count, _Alignof(cj_val));
    if (!values)
        return cj__fail_nomem(err);
    for (uint32_t i = 0; i < type->param_count; i++) {
        cj_val_io io = {
            .arena = ctx->arena, .budget = &ctx->store->host_bytes, .root = CJ_ROOT_PARAM, .param = i, .err = err};
        cj_status status = cj__val_load(&io, type->params[i].type,
                                        (const char *)args + type->params_tuple->members[i].host_offset, &values[i]);
        if (status == CJ_LIMIT) { /* the guest's doing: the same trap as when the plan's own memory runs out */
            err->status = CJ_TRAP;
            err->trap = CJ_TRAP_HOST_LIMIT;
            return CJ_TRAP;
        }
        if (status != CJ_OK)
            return status;
    }
    cj_val result = {0};
    if (type->result)
        result.kind = type->result->kind;
    CJ_TRY(host->fn(host->user, ctx, values, type->param_count, &result, type->result ? 1 : 0, err));
    if (!type->result)
        return CJ_OK;
    cj_val_io io = {
        .arena = ctx->arena, .root = CJ_ROOT_RESULT, .instance = ctx->bound->guest.instance->owner, .err = err};
    cj__handles_begin_naming(cj_ctx_store(ctx));
    return cj__val_store(&io, type->result, &result, results);
}

/* -- In a host function -------------------------------------------------------------------------------------------- */

void *cj_ctx_alloc(cj_call_ctx *ctx, size_t size, size_t align)
{
    return cj__arena_aligns(align) ? cj__call_host_alloc(ctx, size, (uint32_t)align) : NULL;
}

cj_store *cj_ctx_store(cj_call_ctx *ctx)
{
    return (cj_store *)(void *)ctx->store;
}

cj_instance *cj_ctx_instance(cj_call_ctx *ctx)
{
    return ctx->bound->guest.instance->owner;
}

const cj_functype *cj_ctx_type(cj_call_ctx *ctx)
{
    return ctx->bound->info->type;
}
