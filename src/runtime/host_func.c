/* host_func.c: imports that a component exports again: the host calls its own function, and no guest is entered.
 *
 * Place in the pipeline: an entry like those of func.c. The caller's argument struct is what the host function gets. What the function returns is
 * checked and copied as if it went through a guest: it lives in the caller's arena, whoever owned it before.
 * Non-goals: plans: nothing moves to or from a guest.
 *
 * Handles stay in the host's table. Own ones keep their index, and can be given once. A borrow is a new handle, as for a guest's call, so that the function cannot
 * drop what was only lent to it; for these the arguments are copied.
 */
#include "runtime/runtime.h"

#include "base/utf8.h"
#include "exec/text/text.h"

typedef struct lent {
    struct lent *next;
    uint32_t index, borrow; /* what the caller lent, and the handle that the function got for it */
} lent;

typedef struct copy {
    cj_call_ctx *call;
    bool results; /* or arguments */
    lent *lent;   /* newest first */
} copy;

static uint32_t copy_value(copy *c, const cj_type *type, uint8_t *at);

static uint32_t read_discriminant(const cj_type *type, const uint8_t *at)
{
    uint32_t value = 0;
    memcpy(&value, at, type->disc_size); /* little-endian, as linear memory */
    return value;
}

static uint32_t copy_string(copy *c, uint8_t *at)
{
    cj_string s;
    memcpy(&s, at, sizeof(s));
    if (s.len > CJ_MAX_BYTES)
        return CJ_TRAP_STRING_LENGTH;
    if (!cj__text_utf8_valid((const uint8_t *)s.ptr, s.len))
        return CJ_TRAP_STRING_UTF8;
    char *ptr = cj__call_alloc(c->call, s.len, 1);
    if (!ptr)
        return CJ_TRAP_HOST_LIMIT;
    if (s.len)
        memcpy(ptr, s.ptr, s.len);
    s.ptr = ptr;
    memcpy(at, &s, sizeof(s));
    return CJ_TRAP_NONE;
}

static uint32_t copy_list(copy *c, const cj_type *type, uint8_t *at)
{
    const cj_type *elem = type->members[0].type;
    cj_list list;
    memcpy(&list, at, sizeof(list));
    if (list.len > CJ_MAX_BYTES / elem->size)
        return CJ_TRAP_LIST_LENGTH;
    uint8_t *ptr = cj__call_alloc(c->call, (uint64_t)list.len * elem->host_size, (uint32_t)elem->host_align);
    if (!ptr)
        return CJ_TRAP_HOST_LIMIT;
    if (list.len)
        memcpy(ptr, list.ptr, list.len * elem->host_size);
    for (size_t i = 0; !elem->plain && i < list.len; i++) {
        uint32_t trap = copy_value(c, elem, ptr + i * elem->host_size);
        if (trap)
            return trap;
    }
    list.ptr = ptr;
    memcpy(at, &list, sizeof(list));
    return CJ_TRAP_NONE;
}

static uint32_t copy_choice(copy *c, const cj_type *type, uint8_t *at)
{
    uint32_t value = read_discriminant(type, at);
    bool optional = type->kind == CJ_KIND_OPTION;
    if (value >= (optional || type->kind == CJ_KIND_RESULT ? 2 : type->count))
        return CJ_TRAP_DISCRIMINANT;
    if (type->kind == CJ_KIND_ENUM || (optional && value == 0))
        return CJ_TRAP_NONE;
    const cj_member *payload = &type->members[optional ? 0 : value];
    return payload->type ? copy_value(c, payload->type, at + payload->host_offset) : CJ_TRAP_NONE;
}

static uint32_t lend(copy *c, uint32_t index, uint32_t *borrow)
{
    cj_store_core *store = c->call->store;
    lent *l = cj__call_alloc(c->call, sizeof(*l), _Alignof(lent));
    if (!l)
        return CJ_TRAP_HOST_LIMIT;
    cj_handle handle = {.rt = store->handles.at[index].rt, .rep = store->handles.at[index].rep, .scope = c->call};
    uint32_t trap = cj__handle_add(store->alloc, &store->handles, handle, borrow);
    if (trap)
        return trap;
    store->handles.at[index].lends++;
    c->call->borrows++;
    *l = (lent){c->lent, index, *borrow};
    c->lent = l;
    return CJ_TRAP_NONE;
}

/* What is lent cannot have been dropped; the borrow may have been, and its index be another's. */
static void end_lends(const copy *c)
{
    cj_handle *at = c->call->store->handles.at;
    for (const lent *l = c->lent; l; l = l->next) {
        at[l->index].lends--;
        if (at[l->borrow].rt && at[l->borrow].scope == c->call)
            cj__handle_remove(&c->call->store->handles, l->borrow);
    }
}

/* The checks of lift_own and lift_borrow (spec); an own handle that moves from the host's table to the host's is where it was. */
static uint32_t copy_handle(copy *c, const cj_type *type, uint8_t *at)
{
    cj_store_core *store = c->call->store;
    const cj_resource_type *wanted =
        cj__instance_resource_number(c->call->bound->guest.instance->owner, type->resource);
    uint32_t index;
    cj_handle *handle;
    memcpy(&index, at, sizeof(index));
    uint32_t trap = cj__handle_get(&store->handles, index, &handle);
    if (trap)
        return trap;
    if (!wanted || handle->rt != &wanted->core)
        return CJ_TRAP_HANDLE_TYPE;
    bool own = type->kind == CJ_KIND_OWN;
    if (own && (handle->lends || handle->scope))
        return handle->lends ? CJ_TRAP_HANDLE_LENT : CJ_TRAP_HANDLE_BORROWED;
    if (!cj__handle_name((cj_store *)store, handle, own))
        return CJ_TRAP_HANDLE_INDEX; /* by now it would be gone */
    if (own)
        return CJ_TRAP_NONE;
    trap = lend(c, index, &index);
    memcpy(at, &index, sizeof(index));
    return trap;
}

static uint32_t copy_value(copy *c, const cj_type *type, uint8_t *at)
{
    uint32_t value;
    switch (type->kind) {
    case CJ_KIND_BOOL:
        *at = *at != 0;
        return CJ_TRAP_NONE;
    case CJ_KIND_CHAR:
        memcpy(&value, at, 4);
        return value >= 0x110000                    ? CJ_TRAP_CHAR_RANGE
               : value >= 0xd800 && value <= 0xdfff ? CJ_TRAP_CHAR_SURROGATE
                                                    : CJ_TRAP_NONE;
    case CJ_KIND_STRING:
        return c->results ? copy_string(c, at) : (uint32_t)CJ_TRAP_NONE;
    case CJ_KIND_LIST:
        return c->results || type->has_handle ? copy_list(c, type, at) : (uint32_t)CJ_TRAP_NONE;
    case CJ_KIND_RECORD:
    case CJ_KIND_TUPLE:
        for (uint32_t i = 0; i < type->count; i++) {
            uint32_t trap = copy_value(c, type->members[i].type, at + type->members[i].host_offset);
            if (trap)
                return trap;
        }
        return CJ_TRAP_NONE;
    case CJ_KIND_VARIANT:
    case CJ_KIND_ENUM:
    case CJ_KIND_OPTION:
    case CJ_KIND_RESULT:
        return copy_choice(c, type, at);
    case CJ_KIND_FLAGS:
        value = read_discriminant(type, at) & (UINT32_MAX >> (32 - type->count));
        memcpy(at, &value, type->disc_size);
        return CJ_TRAP_NONE;
    case CJ_KIND_OWN:
    case CJ_KIND_BORROW:
        return copy_handle(c, type, at);
    default:
        return CJ_TRAP_NONE;
    }
}

/* The function, between its arguments and its result. `c` lends. */
static uint32_t call_function(copy *c, const void *args, void *results)
{
    cj_call_ctx *call = c->call;
    const cj_functype *type = call->bound->info->type;
    const cj_type *params = type->params_tuple;
    uint32_t trap = CJ_TRAP_NONE;
    if (params->has_handle) {
        uint8_t *copied = cj__call_alloc(call, params->host_size, (uint32_t)params->host_align);
        if (copied)
            memcpy(copied, args, params->host_size);
        args = copied;
        cj__handles_begin_naming((cj_store *)call->store);
        trap = copied ? copy_value(c, params, copied) : (uint32_t)CJ_TRAP_HOST_LIMIT;
        if (trap)
            return cj__call_trap(call, (cj_trap)trap, false, CJ_NO_SITE);
    }
    if (type->result)
        memset(results, 0, type->result->host_size);
    trap = cj__call_host(call, args, results);
    if (trap || !type->result)
        return trap;
    copy out = {.call = call, .results = true};
    cj__handles_begin_naming((cj_store *)call->store);
    trap = copy_value(&out, type->result, results);
    return trap ? cj__call_trap(call, (cj_trap)trap, true, CJ_NO_SITE) : (uint32_t)CJ_TRAP_NONE;
}

typedef struct host_call {
    const void *args;
    void *results;
} host_call;

static uint32_t run(cj_call_ctx *call, void *arg)
{
    const host_call *h = arg;
    copy c = {.call = call};
    call->borrows = 0;
    uint32_t trap = call_function(&c, h->args, h->results);
    end_lends(&c);
    return trap;
}

cj_status cj__func_entry_host(cj_func *func, const void *args, void *results, cj_arena *arena)
{
    cj_store_core *store = func->core.store;
    cj_call_ctx call;
    cj_call_ctx *outer = cj__call_begin(&call, &func->core.bound, store, arena);
    host_call h = {args, results};
    uint32_t kind = cj__core_enter(&call, run, &h);
    cj__call_end(&call, outer);
    return kind == CJ_TRAP_NONE ? CJ_OK : cj__call_failed_forget(&call, kind);
}
