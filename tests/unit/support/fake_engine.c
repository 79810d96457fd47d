/* fake_engine.c: see fake_engine.h.
 */
#include "fake_engine.h"

#include <ffi.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* A core function: how it is called from C and from native code. */
typedef enum func_kind { FUNC_REALLOC, FUNC_CORE, FUNC_POST_RETURN } func_kind;
typedef struct fake_func {
    struct fake_func *next;
    fake_engine *fake;
    func_kind kind;
    fake_core_fn fn;
    void *user;
    cj_core params[CJ_MAX_FLAT_PARAMS + 1];
    uint32_t param_count, result_count;
    cj_core result;
    ffi_cif cif;
    ffi_type *ffi_params[CJ_MAX_FLAT_PARAMS + 2];
    ffi_closure *closure;
    void *code; /* what cj_binding's callables hold */
} fake_func;

typedef struct fake_bound {
    struct fake_bound *next;
    cj_binding binding;
    cj_func_info info;
    cj_instance_core *entering;
} fake_bound;

static void *must(void *ptr)
{
    if (!ptr)
        abort();
    return ptr;
}

/* -- Memory, events ------------------------------------------------------------------------------------------------ */

static void memory_resize(fake_engine *fake, uint32_t size)
{
    uint32_t old_size = fake->memory.page_count, kept = old_size < size ? old_size : size;
    uint8_t *data = size ? must(malloc(size)) : NULL;
    if (kept)
        memcpy(data, fake->memory.data, kept);
    if (size > kept)
        memset(data + kept, FAKE_POISON, size - kept);
    free(fake->memory.data);
    fake->memory.data = data;
    fake->memory.page_count = size;
    fake->memory.page_size = 1;
}

void fake_grow(fake_engine *fake, uint32_t bytes)
{
    memory_resize(fake, fake->memory.page_count + bytes);
}

uint8_t *fake_at(fake_engine *fake, uint32_t address, uint32_t len)
{
    return must(cj__memory_view(&fake->memory, address, len));
}

void fake_put32(fake_engine *fake, uint32_t address, uint32_t value)
{
    memcpy(fake_at(fake, address, 4), &value, 4);
}

uint32_t fake_get32(fake_engine *fake, uint32_t address)
{
    uint32_t value;
    memcpy(&value, fake_at(fake, address, 4), 4);
    return value;
}

const char *fake_events(const fake_engine *fake)
{
    return fake->root->events ? fake->root->events : "";
}

void fake_event(fake_engine *fake, const char *format, ...)
{
    char text[512];
    int n = snprintf(text, sizeof(text), "%s%s", fake->name, fake->name[0] ? "." : "");
    va_list args;
    va_start(args, format);
    n += vsnprintf(text + n, sizeof(text) - (size_t)n, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof(text))
        abort();
    fake = fake->root;
    if (fake->events_len + (size_t)n + 2 > fake->events_cap) {
        fake->events_cap = 2 * fake->events_cap + 1024;
        fake->events = must(realloc(fake->events, fake->events_cap));
    }
    memcpy(fake->events + fake->events_len, text, (size_t)n);
    fake->events_len += (size_t)n;
    fake->events[fake->events_len++] = ' ';
    fake->events[fake->events_len] = 0;
}

/* -- realloc ------------------------------------------------------------------------------------------------------- */

uint32_t fake_guest_alloc(fake_engine *fake, uint32_t align, uint32_t size)
{
    uint64_t at = cj__align_up(fake->bump, align ? align : 1), end = at + size;
    if (end > UINT32_MAX)
        return UINT32_MAX;
    if (end > fake->memory.page_count)
        fake_grow(fake, (uint32_t)end - fake->memory.page_count + fake->grow_by);
    fake->bump = (uint32_t)end;
    return (uint32_t)at;
}

static void scripted_realloc(fake_engine *fake, void *user, uint64_t *flat)
{
    (void)user;
    uint32_t old_ptr = (uint32_t)flat[0], old_size = (uint32_t)flat[1], align = (uint32_t)flat[2],
             size = (uint32_t)flat[3];
    fake->realloc_calls++;
    fake->may_leave_in_realloc = fake->instance.may_leave;
    fake_action action = FAKE_BUMP;
    uint64_t value = 0;
    for (uint32_t i = 0; i < fake->script_len; i++) {
        if (fake->script[i].nth == fake->realloc_calls) {
            action = fake->script[i].action;
            value = fake->script[i].value;
        }
    }

    uint32_t result;
    if (action == FAKE_TRAP) {
        fake_event(fake, "realloc(%u,%u,%u,%u)=trap", old_ptr, old_size, align, size);
        fake_trap(fake, "unreachable");
        return;
    }
    if (action == FAKE_AT_END) {
        result = (uint32_t)(fake->memory.page_count - size + value);
    } else {
        if (action == FAKE_GROW)
            fake_grow(fake, (uint32_t)value);
        if (action == FAKE_FILL)
            memset(fake->memory.data, (int)value,
                   fake->memory.page_count < FAKE_HEAP_BASE ? fake->memory.page_count : FAKE_HEAP_BASE);
        result = fake_guest_alloc(fake, align, size);
        uint32_t kept = old_size < size ? old_size : size;
        if (kept && result != UINT32_MAX && cj__memory_covers(&fake->memory, old_ptr, kept))
            memmove(fake_at(fake, result, kept), fake_at(fake, old_ptr, kept), kept);
        if (action == FAKE_RETURN)
            result = (uint32_t)value;
        if (action == FAKE_ADD)
            result += (uint32_t)value;
    }
    fake_event(fake, "realloc(%u,%u,%u,%u)=%u", old_ptr, old_size, align, size, result);
    flat[0] = result;
}

void fake_script(fake_engine *fake, uint32_t nth, fake_action action, uint64_t value)
{
    if (fake->script_len == FAKE_MAX_SCRIPT)
        abort();
    fake->script[fake->script_len].nth = fake->realloc_calls + nth;
    fake->script[fake->script_len].action = action;
    fake->script[fake->script_len++].value = value;
}

/* -- Core functions ------------------------------------------------------------------------------------------------ */

static void run_func(fake_func *func, uint64_t *flat)
{
    fake_engine *fake = func->fake;
    if (fake->root->env.module_inst != &fake->inst)
        abort(); /* WAMR's code would work on another instance's memory */
    if (func->kind != FUNC_REALLOC) {
        char text[400];
        int n = snprintf(text, sizeof(text), func->kind == FUNC_CORE ? "core(" : "post-return(");
        for (uint32_t i = 0; i < func->param_count; i++)
            n += snprintf(text + n, sizeof(text) - (size_t)n, "%s%llx", i ? "," : "", (unsigned long long)flat[i]);
        fake_event(fake, "%s)", text);
    }
    if (func->kind == FUNC_CORE) {
        memset(fake->core_args, 0, sizeof(fake->core_args));
        memcpy(fake->core_args, flat, func->param_count * sizeof(*flat));
        fake->may_leave_in_core = fake->instance.may_leave;
        fake->may_enter_in_core = fake->instance.may_enter;
    } else if (func->kind == FUNC_POST_RETURN) {
        fake->may_leave_in_post_return = fake->instance.may_leave;
    }
    func->fn(fake, func->user, flat);
}

static ffi_type *ffi_of(cj_core type)
{
    switch (type) {
    case CJ_CORE_I32:
        return &ffi_type_sint32;
    case CJ_CORE_I64:
        return &ffi_type_sint64;
    case CJ_CORE_F32:
        return &ffi_type_float;
    case CJ_CORE_F64:
        return &ffi_type_double;
    default:
        abort();
    }
}

static size_t size_of(cj_core type)
{
    return type == CJ_CORE_I64 || type == CJ_CORE_F64 ? 8 : 4;
}

/* The native entry: (env, params...) with the C ABI. */
static void native_entry(ffi_cif *cif, void *ret, void **args, void *user)
{
    (void)cif;
    fake_func *func = user;
    uint64_t flat[CJ_MAX_FLAT_PARAMS + 1] = {0};
    for (uint32_t i = 0; i < func->param_count; i++)
        memcpy(&flat[i], args[i + 1], size_of(func->params[i]));
    run_func(func, flat);
    if (func->result_count) {
        uint64_t value = func->fake->inst.exception[0] ? 0 : flat[0];
        if (func->result == CJ_CORE_I32)
            value &= UINT32_MAX;
        memcpy(ret, &value, func->result == CJ_CORE_F32 ? 4 : 8); /* libffi widens small integers to a register */
    }
}

static fake_func *func_new(fake_engine *fake, func_kind kind, fake_core_fn fn, void *user, const cj_core *params,
                           uint32_t param_count, const cj_core *result)
{
    fake_func *func = must(calloc(1, sizeof(*func)));
    func->next = fake->funcs;
    fake->funcs = func;
    func->fake = fake;
    func->kind = kind;
    func->fn = fn;
    func->user = user;
    func->param_count = param_count;
    func->result_count = result != NULL;
    func->result = result ? *result : CJ_CORE_I32;
    func->ffi_params[0] = &ffi_type_pointer;
    for (uint32_t i = 0; i < param_count; i++) {
        func->params[i] = params[i];
        func->ffi_params[i + 1] = ffi_of(params[i]);
    }
    func->closure = must(ffi_closure_alloc(sizeof(ffi_closure), &func->code));
    if (ffi_prep_cif(&func->cif, FFI_DEFAULT_ABI, param_count + 1, result ? ffi_of(*result) : &ffi_type_void,
                     func->ffi_params) != FFI_OK ||
        ffi_prep_closure_loc(func->closure, &func->cif, native_entry, func, func->code) != FFI_OK)
        abort();
    return func;
}

/* Among the functions of `fake` and its peers. */
static fake_func *func_find(fake_engine *fake, const void *code)
{
    for (; fake; fake = fake->peer) {
        for (fake_func *func = fake->funcs; func; func = func->next) {
            if (func->code == code)
                return func;
        }
    }
    abort();
}

void fake_trap(fake_engine *fake, const char *text)
{
    snprintf(fake->inst.exception, sizeof(fake->inst.exception), "%s", text);
    if (fake->root->longjmp_on_trap)
        longjmp(*fake->root->top, 1);
}

/* -- Fakes and bindings -------------------------------------------------------------------------------------------- */

static fake_engine *guest_new(fake_engine *root)
{
    fake_engine *fake = must(calloc(1, sizeof(*fake)));
    fake->root = root ? root : fake;
    fake->inst.custom_data = &fake->group;
    fake->group.instance = &fake->instance;
    fake->instance.store = &fake->root->store;
    static const cj_core realloc_params[4] = {CJ_CORE_I32, CJ_CORE_I32, CJ_CORE_I32, CJ_CORE_I32};
    fake->realloc = func_new(fake, FUNC_REALLOC, scripted_realloc, NULL, realloc_params, 4, realloc_params);
    return fake;
}

fake_engine *fake_new(uint32_t memory_size)
{
    fake_engine *fake = guest_new(NULL);
    if (cj_arena_new(NULL, &fake->arena) != CJ_OK)
        abort();
    fake->name = "";
    fake->env.fake = fake;
    fake->store.env = &fake->env;
    fake->store.arena = fake->arena;
    fake->store.alloc = cj__alloc_or_default(NULL);
    fake_reset(fake, memory_size);
    return fake;
}

fake_engine *fake_peer(fake_engine *fake, const char *name, uint32_t memory_size)
{
    fake_engine *peer = guest_new(fake), **last = &fake->peer;
    while (*last)
        last = &(*last)->peer;
    *last = peer;
    peer->name = name;
    fake_reset(peer, memory_size);
    return peer;
}

static void reset_handles(fake_engine *fake, cj_handles *table)
{
    cj__handles_fini(fake->root->store.alloc, table);
    cj__handles_init(table, FAKE_MAX_HANDLES);
}

/* What is a guest's own. */
static void guest_reset(fake_engine *fake, uint32_t memory_size)
{
    memory_resize(fake, 0);
    memory_resize(fake, memory_size);
    fake->instance.may_enter = fake->instance.may_leave = 1;
    fake->instance.called = NULL;
    reset_handles(fake, &fake->instance.handles);
    fake->inst.exception[0] = 0;
    fake->bump = FAKE_HEAP_BASE;
    fake->grow_by = 0;
    fake->script_len = fake->realloc_calls = 0;
    fake->may_leave_in_realloc = fake->may_leave_in_core = fake->may_leave_in_post_return = 0xff;
    fake->may_enter_in_core = 0xff;
}

void fake_reset(fake_engine *fake, uint32_t memory_size)
{
    guest_reset(fake, memory_size);
    if (fake->root != fake)
        return;
    fake->env.module_inst = &fake->inst;
    reset_handles(fake, &fake->store.handles);
    fake->store.lends.len = 0;
    cj_arena_reset(fake->arena);
    fake->store.max_host_bytes = fake->store.host_bytes = 1u << 30;
    memset(&fake->store.trap, 0, sizeof(fake->store.trap));
    memset(&fake->store.host_error, 0, sizeof(fake->store.host_error));
    memset(&fake->store.error, 0, sizeof(fake->store.error));
    fake->longjmp_on_trap = false;
    fake_set_stack_low(fake, false);
    fake->events_len = 0;
    if (fake->events)
        fake->events[0] = 0;
}

void fake_delete(fake_engine *fake)
{
    if (fake->peer)
        fake_delete(fake->peer);
    for (fake_func *func = fake->funcs, *next; func; func = next) {
        next = func->next;
        ffi_closure_free(func->closure);
        free(func);
    }
    for (fake_bound *bound = fake->bounds, *next; bound; bound = next) {
        next = bound->next;
        free(bound);
    }
    const cj_allocator *alloc = fake->root->store.alloc;
    cj__handles_fini(alloc, &fake->instance.handles);
    if (fake->root == fake) {
        cj__handles_fini(alloc, &fake->store.handles);
        cj__lends_fini(alloc, &fake->store.lends);
    }
    cj_arena_delete(fake->arena);
    free(fake->memory.data);
    free(fake->events);
    free(fake);
}

static fake_bound *bound_new(fake_engine *fake)
{
    fake_bound *bound = must(calloc(1, sizeof(*bound)));
    bound->next = fake->bounds;
    fake->bounds = bound;
    return bound;
}

static cj_side side(fake_engine *fake)
{
    return (cj_side){.instance = &fake->instance,
                     .core_env_inst = &fake->inst,
                     .memory = fake->no_memory ? NULL : &fake->memory,
                     .realloc = fake->no_memory ? NULL : fake->realloc->code};
}

static void bind(fake_engine *fake, cj_binding *b, fake_bound *bound, const cj_plan *plan, const cj_functype *type)
{
    bound->info = (cj_func_info){.path = "f", .interface = "", .name = "f", .type = type};
    bound->entering = &fake->instance;
    *b = (cj_binding){
        .guest = side(fake), .plan = plan, .info = &bound->info, .entering = &bound->entering, .entering_count = 1};
}

/* The core function that the plan calls, of `fake`. */
static void set_core(fake_engine *fake, cj_binding *b, fake_core_fn core, fake_core_fn post_return, void *user)
{
    cj_core_sig sig;
    cj__plan_callee_sig(b->plan, &sig);
    const cj_core *result = sig.result_count ? &sig.result : NULL;
    b->core_func = func_new(fake, FUNC_CORE, core, user, sig.params, sig.param_count, result)->code;
    if (post_return)
        b->post_return = func_new(fake, FUNC_POST_RETURN, post_return, user, result, sig.result_count, NULL)->code;
}

cj_binding *fake_export(fake_engine *fake, const cj_plan *plan, const cj_functype *type, fake_core_fn core,
                        fake_core_fn post_return, void *user)
{
    fake_bound *bound = bound_new(fake);
    bind(fake, &bound->binding, bound, plan, type);
    set_core(fake, &bound->binding, core, post_return, user);
    return &bound->binding;
}

cj_binding *fake_destructor(fake_engine *fake, fake_core_fn core, void *user)
{
    static const cj_core param = CJ_CORE_I32;
    fake_bound *bound = bound_new(fake);
    bind(fake, &bound->binding, bound, NULL, NULL);
    bound->binding.core_func = func_new(fake, FUNC_CORE, core, user, &param, 1, NULL)->code;
    return &bound->binding;
}

static cj_binding *import_new(fake_engine *fake)
{
    if (fake->group.import_count == FAKE_MAX_IMPORTS)
        abort();
    return &fake->imports[fake->group.import_count++];
}

cj_binding *fake_import(fake_engine *fake, const cj_plan *plan, const cj_functype *type, cj_host_fn host, void *user)
{
    cj_binding *b = import_new(fake);
    bind(fake, b, bound_new(fake), plan, type);
    b->kind = CJ_SLOT_HOST;
    b->host = host;
    b->host_user = user;
    return b;
}

cj_binding *fake_fused(fake_engine *caller, fake_engine *callee, const cj_plan *plan, const cj_functype *type,
                       fake_core_fn core, fake_core_fn post_return, void *user)
{
    cj_binding *b = import_new(caller);
    bind(callee, b, bound_new(caller), plan, type);
    b->kind = CJ_SLOT_FUSED;
    b->caller = side(caller);
    set_core(callee, b, core, post_return, user);
    return b;
}

void fake_set_stack_low(fake_engine *fake, bool low)
{
    fake = fake->root;
    fake->stack_low = low;
    fake->env.stack_boundary = low ? UINTPTR_MAX : 0;
}

/* -- Calls --------------------------------------------------------------------------------------------------------- */

/* Fields that back ends must set themselves hold rubbish. */
static cj_call_ctx context(fake_engine *fake, const cj_binding *b)
{
    cj_call_ctx call;
    memset(&call, FAKE_POISON, sizeof(call));
    call.bound = b;
    call.store = &fake->root->store;
    call.env = &fake->root->env;
    call.arena = fake->root->arena;
    call.lends_mark = fake->root->store.lends.len;
    return call;
}

/* What was on the stack must not reach a guest: fills the frames that the call is about to have. */
__attribute__((noinline)) static void poison_stack(void)
{
    volatile uint8_t frames[4096];
    for (size_t i = 0; i < sizeof(frames); i++)
        frames[i] = FAKE_POISON;
}

/* What the frame that the host entered finds: the engine leaves kind NONE for traps of core code. After a jump the
 * instance that ran is the environment's, and the exception that instance's. */
static cj_trap outcome(fake_engine *fake, uint32_t returned)
{
    fake_engine *root = fake->root;
    fake_inst *ran = root->env.module_inst;
    root->env.module_inst = &fake->inst;
    if (returned == CJ_TRAP_NONE && !ran->exception[0]) {
        if (ran != &fake->inst)
            abort(); /* returned with another instance's */
        return CJ_TRAP_NONE;
    }
    if (ran != &fake->inst) {
        memcpy(fake->inst.exception, ran->exception, sizeof(ran->exception));
        ran->exception[0] = 0;
    }
    cj_trap_record *trap = &root->store.trap;
    if (trap->kind == CJ_TRAP_NONE && !trap->bound)
        trap->bound = trap->running; /* it jumped out of realloc */
    return root->store.trap.kind != CJ_TRAP_NONE ? (cj_trap)root->store.trap.kind : CJ_TRAP_CORE;
}

/* The environment as it is while `fake` runs. */
static void begin_call(fake_engine *fake)
{
    cj__call_trap_clear(&fake->root->store);
    fake->inst.exception[0] = 0;
    fake->root->env.module_inst = &fake->inst;
}

cj_trap fake_call_export(fake_engine *fake, cj_binding *b, const void *args, void *results)
{
    cj_call_ctx call = context(fake, b);
    begin_call(fake);
    fake_engine *root = fake->root;
    jmp_buf here, *outer = root->top;
    root->top = &here;
    volatile uint32_t returned = CJ_TRAP_CORE;
    if (setjmp(here) == 0) {
        cj_export_thunk thunk = cj__interp_export;
        if (b->code)
            memcpy(&thunk, &b->code, sizeof(thunk));
        poison_stack();
        returned = thunk(&call, args, results);
    }
    root->top = outer;
    cj_trap trap = outcome(fake, returned);
    if (trap != CJ_TRAP_NONE)
        cj__lends_unwind(&call);
    return trap;
}

/* As WAMR's code calls a native function: (env, params..., slot). */
static void call_native(fake_engine *fake, cj_binding *b, const uint64_t *flat, uint64_t *result)
{
    const cj_core_sig *sig = &b->plan->sig;
    ffi_type *types[CJ_MAX_FLAT_PARAMS + 3];
    void *args[CJ_MAX_FLAT_PARAMS + 3];
    uint64_t values[CJ_MAX_FLAT_PARAMS + 1];
    void *env = &fake->root->env;
    uint32_t n = 0, slot = (uint32_t)(b - fake->imports);
    types[n] = &ffi_type_pointer;
    args[n++] = &env;
    for (uint32_t i = 0; i < sig->param_count; i++) {
        values[i] = flat[i];
        types[n] = ffi_of(sig->params[i]);
        args[n++] = &values[i];
    }
    types[n] = &ffi_type_sint32;
    args[n++] = &slot;
    ffi_cif cif;
    if (ffi_prep_cif(&cif, FFI_DEFAULT_ABI, n, sig->result_count ? ffi_of(sig->result) : &ffi_type_void, types) !=
        FFI_OK)
        abort();
    void (*code)(void);
    memcpy(&code, &b->code, sizeof(code));
    ffi_call(&cif, code, sig->result_count ? result : NULL, args);
    if (sig->result_count && size_of(sig->result) == 4)
        *result &= UINT32_MAX;
}

static uint32_t run_import(fake_engine *fake, cj_binding *b, const uint64_t *flat, uint64_t *result)
{
    uint64_t unused;
    poison_stack();
    if (b->code) {
        call_native(fake, b, flat, result ? result : &unused);
        return fake->root->store.trap.kind;
    }
    cj_call_ctx call = context(fake, b);
    cj_import_gate gate = b->kind == CJ_SLOT_FUSED ? cj__interp_fused : cj__interp_import;
    return gate(&call, flat, result ? result : &unused);
}

cj_trap fake_call_import(fake_engine *fake, cj_binding *b, const uint64_t *flat, uint64_t *result)
{
    fake_engine *root = fake->root;
    cj_call_ctx entered = {.store = &root->store, .lends_mark = root->store.lends.len};
    cj_arena_mark mark = cj__arena_mark(root->arena);
    uint64_t host_bytes = root->store.host_bytes;
    begin_call(fake);
    jmp_buf here, *outer = root->top;
    root->top = &here;
    volatile uint32_t returned = CJ_TRAP_CORE;
    if (setjmp(here) == 0)
        returned = run_import(fake, b, flat, result);
    root->top = outer;
    cj_trap trap = outcome(fake, returned);
    if (trap != CJ_TRAP_NONE) {
        cj__lends_unwind(&entered);
        cj__arena_release(root->arena, mark);
        root->store.host_bytes = host_bytes;
        root->store.taken.at = NULL;
    }
    return trap;
}

bool fake_guest_import(fake_engine *fake, cj_binding *b, const uint64_t *flat, uint64_t *result)
{
    if (run_import(fake, b, flat, result) == CJ_TRAP_NONE && !fake->inst.exception[0])
        return true;
    if (!fake->inst.exception[0])
        fake_trap(fake, "trap in an import");
    return false;
}

const char *fake_trap_path(fake_engine *fake, char *buffer, size_t size)
{
    const cj_trap_record *trap = &fake->root->store.trap;
    buffer[0] = 0;
    if (trap->bound) {
        const cj_plan *plan = trap->bound->plan;
        cj__plan_path_format(trap->in_results ? &plan->results : &plan->args, trap->site, trap->index,
                             trap->bound->info->type, buffer, size);
    }
    return buffer;
}

/* -- engine.h: calls ----------------------------------------------------------------------------------------------- */

static fake_engine *fake_of(const cj_call_ctx *call)
{
    return ((fake_env *)call->store->env)->fake;
}

/* Calls a function with its instance as the environment's. False: it trapped, and the exception is that of the instance
 * that called. */
static bool run_switched(cj_call_ctx *call, fake_func *f, uint64_t *flat)
{
    fake_env *env = call->env;
    fake_inst *outer = env->module_inst, *inst = &f->fake->inst;
    env->module_inst = inst;
    run_func(f, flat);
    env->module_inst = outer;
    if (!inst->exception[0])
        return true;
    if (outer != inst) {
        memcpy(outer->exception, inst->exception, sizeof(outer->exception));
        inst->exception[0] = 0;
    }
    return false;
}

uint32_t cj__core_call(cj_call_ctx *call, const cj_side *callee, void *func, const cj_core_type *type, uint64_t *flat)
{
    fake_func *f = func_find(fake_of(call), func);
    if (callee->core_env_inst != &f->fake->inst)
        abort();
    if (type->param_count != f->param_count || type->result_count != f->result_count ||
        (type->param_count && memcmp(type->params, f->params, type->param_count * sizeof(cj_core)) != 0) ||
        (type->result_count && type->result != f->result))
        abort(); /* WAMR would misread its arguments */
    uint64_t at[CJ_MAX_FLAT_PARAMS + 1] = {0};
    for (uint32_t i = 0; i < f->param_count; i++)
        at[i] = size_of(f->params[i]) == 4 ? (uint32_t)flat[i] : flat[i];
    if (!run_switched(call, f, at))
        return CJ_TRAP_CORE;
    if (f->result_count)
        flat[0] = size_of(f->result) == 4 ? (uint32_t)at[0] : at[0];
    return CJ_TRAP_NONE;
}

uint32_t cj__core_call_realloc(cj_call_ctx *call, const cj_side *callee, uint32_t old_ptr, uint32_t old_size,
                               uint32_t align, uint32_t new_size, uint32_t *out)
{
    uint64_t flat[4] = {old_ptr, old_size, align, new_size};
    fake_func *f = func_find(fake_of(call), callee->realloc);
    if (callee->core_env_inst != &f->fake->inst || f->kind != FUNC_REALLOC)
        abort();
    if (!run_switched(call, f, flat))
        return CJ_TRAP_CORE;
    *out = (uint32_t)flat[0];
    return CJ_TRAP_NONE;
}

bool cj__core_stack_low(const cj_call_ctx *call)
{
    return fake_of(call)->stack_low;
}

void cj__core_throw(cj_call_ctx *call)
{
    longjmp(*fake_of(call)->top, 1);
}

cj_trap cj__core_take_exception(void *core_env_inst, char *text, size_t size)
{
    fake_inst *inst = core_env_inst;
    if (!inst->exception[0])
        return CJ_TRAP_NONE;
    snprintf(text, size, "%s", inst->exception);
    inst->exception[0] = 0;
    return CJ_TRAP_CORE;
}

/* -- engine.h: what no fake has: here so that the real engine is not linked ---------------------------------------- */

cj_status cj__core_runtime_acquire(cj_error *err)
{
    (void)err;
    return CJ_OK;
}

void cj__core_runtime_release(void)
{
}

const char *cj__core_build_info(void)
{
    return "fake engine";
}

void cj__core_set_gate(cj_import_gate gate)
{
    (void)gate;
}

cj_status cj__core_load(const cj_allocator *alloc, const uint8_t *bytes, size_t size, const cj_core_type *imports,
                        uint32_t import_count, cj_core_module **out, cj_error *err)
{
    (void)alloc, (void)bytes, (void)size, (void)imports, (void)import_count, (void)out, (void)err;
    abort();
}

void cj__core_unload(cj_core_module *module)
{
    (void)module;
    abort();
}

cj_status cj__core_instantiate(cj_store_core *store, cj_core_module *module, const cj_limits *limits,
                               cj_group_core *group, cj_core_instance **out, cj_error *err)
{
    (void)store, (void)module, (void)limits, (void)group, (void)out, (void)err;
    abort();
}

void cj__core_deinstantiate(cj_core_instance *instance)
{
    (void)instance;
    abort();
}

void cj__core_store_fini(cj_store_core *store)
{
    (void)store;
    abort();
}

/* -- The linker's --wrap ------------------------------------------------------------------------------------------- */

/* Our compiler calls functions of LLVM that src/engine wraps for WAMR's sake; without these the real engine would be
 * linked after all. One line each. */
#if CJ_HAVE_LLVM
#include <llvm-c/Core.h>

#define PASS_ON(name, params, args) \
    LLVMValueRef __real_##name params __attribute__((weak)); \
    LLVMValueRef __wrap_##name params; \
    LLVMValueRef __wrap_##name params \
    { \
        return __real_##name args; \
    }
PASS_ON(LLVMAddFunction, (LLVMModuleRef m, const char *name, LLVMTypeRef type), (m, name, type))
PASS_ON(LLVMBuildCall2,
        (LLVMBuilderRef b, LLVMTypeRef type, LLVMValueRef fn, LLVMValueRef *args, unsigned n, const char *name),
        (b, type, fn, args, n, name))
PASS_ON(LLVMBuildLoad2, (LLVMBuilderRef b, LLVMTypeRef type, LLVMValueRef at, const char *name), (b, type, at, name))
PASS_ON(LLVMBuildStore, (LLVMBuilderRef b, LLVMValueRef value, LLVMValueRef at), (b, value, at))
PASS_ON(LLVMBuildShl, (LLVMBuilderRef b, LLVMValueRef v, LLVMValueRef n, const char *name), (b, v, n, name))
PASS_ON(LLVMBuildLShr, (LLVMBuilderRef b, LLVMValueRef v, LLVMValueRef n, const char *name), (b, v, n, name))
PASS_ON(LLVMBuildAShr, (LLVMBuilderRef b, LLVMValueRef v, LLVMValueRef n, const char *name), (b, v, n, name))
#endif
