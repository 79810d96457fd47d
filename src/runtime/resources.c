/* resources.c: resource types, and the host's side of handles: the store's table.
 *
 * Place in the pipeline: the public functions on resources; calls move handles by themselves (exec/handles.h). Dropping a guest's
 * resource is a call into the guest.
 * Non-goals: tables and moves (exec/), which types a component has (link/), making the types of guests (bind.c).
 */
#include "runtime/runtime.h"

/* -- Types of the host's ------------------------------------------------------------------------------------------- */

static void run_drop(void *user, uint64_t rep)
{
    const cj_resource_type *type = user;
    type->drop(type->user, (void *)(uintptr_t)rep);
}

cj_status cj_resource_type_new(cj_engine *engine, const char *name, cj_drop_fn drop, void *user, cj_resource_type **out,
                               cj_error *err)
{
    cj__error_clear(err);
    if (!engine || !name || !out)
        return cj__fail(err, CJ_MISUSE, "cj_resource_type_new: engine, name and out must not be NULL");
    size_t name_size = strlen(name) + 1;
    cj_resource_type *type = cj__calloc(engine->alloc, 1, sizeof(*type) + name_size);
    if (!type)
        return cj__fail_nomem(err);
    char *copy = (char *)(type + 1);
    memcpy(copy, name, name_size);
    type->core = (cj_resource){.drop = drop ? run_drop : NULL, .user = type, .name = copy};
    type->engine = cj__engine_use(engine);
    type->name_size = name_size;
    type->drop = drop;
    type->user = user;
    atomic_init(&type->users, 1);
    *out = type;
    return CJ_OK;
}

cj_resource_type *cj__resource_type_use(const cj_resource_type *type)
{
    cj_resource_type *counted = (cj_resource_type *)(uintptr_t)type; /* the count is all that ever changes */
    atomic_fetch_add_explicit(&counted->users, 1, memory_order_relaxed);
    return counted;
}

void cj__resource_type_unuse(cj_resource_type *type)
{
    if (atomic_fetch_sub_explicit(&type->users, 1, memory_order_acq_rel) != 1)
        return;
    cj_engine *engine = type->engine;
    cj__free(engine->alloc, type, sizeof(*type) + type->name_size);
    cj__engine_unuse(engine);
}

void cj_resource_type_delete(cj_resource_type *type)
{
    if (type && type->engine)
        cj__resource_type_unuse(type);
}

const char *cj_resource_type_name(const cj_resource_type *type)
{
    return type ? type->core.name : "";
}

/* Types that stores meet are few: the one that was met last is asked for again. */
cj_status cj__store_meet(cj_store *store, const cj_resource_type *type, cj_error *err)
{
    for (size_t i = store->met.len; i-- > 0;) {
        if (store->met.at[i] != type)
            continue;
        cj_resource_type *last = store->met.at[store->met.len - 1];
        store->met.at[store->met.len - 1] = store->met.at[i];
        store->met.at[i] = last;
        return CJ_OK;
    }
    if (!CJ_VEC_RESERVE(store->engine->alloc, &store->met, store->met.len + 1))
        return cj__fail_nomem(err);
    store->met.at[store->met.len++] = cj__resource_type_use(type);
    return CJ_OK;
}

/* -- Types of an instance ------------------------------------------------------------------------------------------ */

cj_resource_type *cj__instance_resource_number(const cj_instance *instance, uint32_t number)
{
    const cj_program *program = instance->component->program;
    uint32_t at = number < program->resource_of_count ? program->resource_of[number] : CJ_NONE;
    return at < program->resource_count ? instance->resources[at] : NULL;
}

const cj_resource_type *cj_instance_handle_type(cj_instance *instance, const cj_type *type)
{
    bool handle = instance && type && (type->kind == CJ_KIND_OWN || type->kind == CJ_KIND_BORROW);
    return handle && instance->state != CJ_INSTANCE_FAILED ? cj__instance_resource_number(instance, type->resource)
                                                           : NULL;
}

static bool is_path(const char *path, const cj_program_type *type)
{
    size_t interface = strlen(type->interface);
    if (interface) {
        if (strncmp(path, type->interface, interface) != 0 || path[interface] != '#')
            return false;
        path += interface + 1;
    }
    return strcmp(path, type->name) == 0;
}

const cj_resource_type *cj_instance_resource(cj_instance *instance, const char *path)
{
    if (!instance || !path || instance->state == CJ_INSTANCE_FAILED)
        return NULL;
    const cj_component *component = instance->component;
    const cj_program_type *found = NULL;
    for (uint32_t i = 0; i < component->resource_count; i++) {
        const cj_program_type *type = &component->program->named_types[component->resources[i]];
        if ((!found || type->is_export) && is_path(path, type))
            found = type;
    }
    return found ? cj__instance_resource_number(instance, found->resource) : NULL;
}

/* -- The host's handles -------------------------------------------------------------------------------------------- */

static cj_status find(const cj_store *store, uint32_t index, cj_handle **out, cj_error *err)
{
    cj_handles *handles = (cj_handles *)(uintptr_t)&store->core.handles;
    if (cj__handle_get(handles, index, out) != CJ_TRAP_NONE)
        return cj__fail(err, CJ_NOT_FOUND, "the host has no handle %u in this store", index);
    return CJ_OK;
}

/* Of a host's type, and this one. */
static cj_status find_typed(const cj_store *store, const cj_resource_type *type, uint32_t index, cj_handle **out,
                            cj_error *err)
{
    CJ_TRY(find(store, index, out, err));
    if ((*out)->rt != &type->core)
        return cj__fail(err, CJ_MISUSE, "handle %u is of resource type \"%s\", not \"%s\"", index, (*out)->rt->name,
                        type->core.name);
    if (!type->engine)
        return cj__fail(err, CJ_MISUSE,
                        "\"%s\" is a guest's resource type: what its handles stand for is the guest's alone",
                        type->core.name);
    return CJ_OK;
}

static cj_status check_lent(const cj_handle *handle, uint32_t index, cj_error *err)
{
    if (handle->lends)
        return cj__fail(err, CJ_MISUSE, "handle %u is lent to a call that is going on", index);
    return CJ_OK;
}

cj_status cj_resource_new(cj_store *store, const cj_resource_type *type, void *rep, uint32_t *out, cj_error *err)
{
    cj__error_clear(err);
    if (!store || !type || !out)
        return cj__fail(err, CJ_MISUSE, "cj_resource_new: store, type and handle must not be NULL");
    if (!type->engine)
        return cj__fail(err, CJ_MISUSE, "\"%s\" is a guest's resource type: only the guest makes resources of it",
                        type->core.name);
    if (type->engine != store->engine)
        return cj__fail(err, CJ_MISUSE, "resource type \"%s\" is of another engine than the store", type->core.name);
    if (store->closing)
        return cj__fail(err, CJ_MISUSE, "cj_resource_new: the store is being deleted");
    CJ_TRY(cj__store_meet(store, type, err));
    cj_handle handle = {.rt = &type->core, .rep = (uint64_t)(uintptr_t)rep};
    uint32_t trap = cj__handle_add(store->core.alloc, &store->core.handles, handle, out);
    if (trap == CJ_TRAP_NONE)
        return CJ_OK;
    if (trap != CJ_TRAP_HANDLE_TABLE_FULL)
        return cj__fail_nomem(err);
    return cj__fail(err, CJ_LIMIT, "the host has %u handles in this store, as many as max_handles of cj_limits allows",
                    store->core.handles.max);
}

cj_status cj_resource_rep(const cj_store *store, const cj_resource_type *type, uint32_t index, void **rep,
                          cj_error *err)
{
    cj__error_clear(err);
    if (!store || !type || !rep)
        return cj__fail(err, CJ_MISUSE, "cj_resource_rep: store, type and rep must not be NULL");
    cj_handle *handle;
    CJ_TRY(find_typed(store, type, index, &handle, err));
    *rep = (void *)(uintptr_t)handle->rep;
    return CJ_OK;
}

cj_status cj_resource_take(cj_store *store, const cj_resource_type *type, uint32_t index, void **rep, cj_error *err)
{
    cj__error_clear(err);
    if (!store || !type || !rep)
        return cj__fail(err, CJ_MISUSE, "cj_resource_take: store, type and rep must not be NULL");
    cj_handle *handle;
    CJ_TRY(find_typed(store, type, index, &handle, err));
    CJ_TRY(check_lent(handle, index, err));
    if (handle->scope)
        return cj__fail(err, CJ_MISUSE, "handle %u is borrowed: its resource is another's", index);
    *rep = (void *)(uintptr_t)handle->rep;
    cj__handle_remove(&store->core.handles, index);
    return CJ_OK;
}

const cj_resource_type *cj_handle_type(const cj_store *store, uint32_t index)
{
    cj_handle *handle;
    return store && find(store, index, &handle, NULL) == CJ_OK ? (const cj_resource_type *)(const void *)handle->rt
                                                               : NULL;
}

bool cj_handle_is_own(const cj_store *store, uint32_t index)
{
    cj_handle *handle;
    return store && find(store, index, &handle, NULL) == CJ_OK && !handle->scope;
}

void cj__handles_begin_naming(cj_store *store)
{
    if (store->naming++ < UINT32_MAX / 2)
        return;
    for (uint32_t i = 0; i < store->core.handles.len; i++) /* the numbers begin again */
        store->core.handles.at[i].named = 0;
    store->naming = 1;
}

bool cj__handle_name(cj_store *store, cj_handle *handle, bool own)
{
    uint32_t before = handle->named;
    handle->named = store->naming << 1 | own;
    return before >> 1 != store->naming || !(own || (before & 1));
}

const char *cj__handle_refusal(const cj_instance *instance, const cj_type *type, uint32_t index)
{
    cj_handle *handle;
    const cj_resource_type *wanted = cj__instance_resource_number(instance, type->resource);
    if (find(instance->store, index, &handle, NULL) != CJ_OK)
        return "the host has no such handle";
    if (!wanted || handle->rt != &wanted->core)
        return "it is of another resource type";
    if (type->kind == CJ_KIND_OWN && handle->scope)
        return "it is borrowed, and own is wanted";
    if (type->kind == CJ_KIND_OWN && handle->lends)
        return "it is lent to a call that is going on";
    if (!cj__handle_name(instance->store, handle, type->kind == CJ_KIND_OWN))
        return "it is given more than once, and own handles move";
    return NULL;
}

/* -- Dropping ------------------------------------------------------------------------------------------------------ */

uint32_t cj__dtor_thunk(cj_call_ctx *call, const void *rep, void *results)
{
    static const cj_core params[] = {CJ_CORE_I32};
    static const cj_core_type type = {.params = params, .param_count = 1};
    uint64_t flat[1];
    (void)results;
    memcpy(flat, rep, sizeof(flat));
    return cj__core_call(call, &call->bound->guest, call->bound->core_func, &type, flat);
}

/* Results that were lent stay where they are: the handles in a list are dropped one by one. */
static cj_status run_dtor(cj_store_core *store, const cj_binding *dtor, uint64_t rep)
{
    cj_arena_mark mark = cj__arena_mark(store->arena);
    cj_call_ctx call;
    cj_call_ctx *outer = cj__call_begin(&call, dtor, store, store->arena);
    uint32_t kind = cj__core_enter_export(&call, &rep, NULL);
    cj__call_end(&call, outer);
    cj_status status = kind == CJ_TRAP_NONE ? CJ_OK : cj__call_failed(&call, kind);
    cj__arena_release(store->arena, mark);
    return status;
}

/* A resource without a destructor is dropped like one with: its instance must be one that can be entered (spec, "canon resource.drop"). */
static cj_status drop_without_dtor(cj_store_core *store, const cj_resource *rt)
{
    for (const cj_instance_core *i = rt->impl; i; i = i->parent) {
        if (i->may_enter)
            continue;
        cj__store_failed(store);
        cj__fail(&store->error, CJ_TRAP, "%s: its resource cannot be dropped now", cj_trap_text(CJ_TRAP_CANNOT_ENTER));
        store->error.trap = CJ_TRAP_CANNOT_ENTER;
        cj__error_where(&store->error, "%s", rt->name);
        return CJ_TRAP;
    }
    return CJ_OK;
}

static void drop_of_host(cj_store *store, cj_handle gone)
{
    if (!gone.rt->drop)
        return;
    store->dropping++;
    gone.rt->drop(gone.rt->user, gone.rep);
    store->dropping--;
}

cj_status cj_resource_drop(cj_store *store, uint32_t index, cj_error *err)
{
    cj__error_clear(err);
    if (!store)
        return cj__fail(err, CJ_MISUSE, "cj_resource_drop: store must not be NULL");
    cj_handle *handle;
    CJ_TRY(find(store, index, &handle, err));
    CJ_TRY(check_lent(handle, index, err));
    cj_handle gone = *handle;
    cj__handle_remove(&store->core.handles, index);
    if (gone.scope) {
        gone.scope->borrows--;
        return CJ_OK;
    }
    if (!gone.rt->impl) {
        drop_of_host(store, gone);
        return CJ_OK;
    }
    if (store->closing)
        return CJ_OK; /* it ends with its instance */
    cj_status status =
        gone.rt->dtor ? run_dtor(&store->core, gone.rt->dtor, gone.rep) : drop_without_dtor(&store->core, gone.rt);
    if (status != CJ_OK && err)
        *err = store->core.error;
    return status;
}

/* None can be added while the store is closing. */
void cj__store_drop_all(cj_store *store)
{
    store->dropping++;
    for (cj_instance *instance = store->instances; instance; instance = instance->next)
        for (uint32_t i = 0; i < instance->part_count; i++)
            cj__handles_drop(&instance->parts[i].handles);
    cj__handles_drop(&store->core.handles);
    store->dropping--;
}
