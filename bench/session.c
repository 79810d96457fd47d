/* session.c: instances of the bench guest, and the host's side of its functions. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const call_names[] = {
#define CJB_X(name, wit) wit,
    CJB_CALL_MAP(CJB_X)
#undef CJB_X
};

/* -- Data -------------------------------------------------------------------------------------------------------------- */

const cjb_data *cjb_data_get(void)
{
    static cjb_data data;
    static bool ready;
    if (!ready) {
        for (uint32_t i = 0; i < CJB_MAX_BYTES; i++) {
            data.text[i] = "The quick brown fox jumps. "[i % 27];
            data.bytes[i] = (uint8_t)i;
        }
        for (uint32_t i = 0; i < CJB_MAX_NUMBERS; i++)
            data.numbers[i] = i;
        for (uint32_t i = 0; i < CJB_MAX_ITEMS; i++)
            data.items[i] = (cjb_item){i, (uint64_t)i << 32, (float)i};
        for (uint32_t i = 0; i < CJB_MAX_STRINGS; i++)
            data.strings[i] = (cj_string){data.text + (size_t)i * CJB_STRING_LENGTH, CJB_STRING_LENGTH};
        ready = true;
    }
    return &data;
}

static cj_list list_of(const void *ptr, uint32_t n, uint32_t max)
{
    return (cj_list){(void *)(uintptr_t)ptr, n < max ? n : max};
}

static cjb_choice choice_of(uint32_t n)
{
    cjb_choice v = {.which = n & 3};
    if (v.which == 1)
        v.of.number = n;
    else if (v.which == 2)
        v.of.text = (cj_string){cjb_data_get()->text, CJB_STRING_LENGTH};
    else if (v.which == 3)
        v.of.real = n;
    return v;
}

static cjb_result result_of(uint32_t n)
{
    cjb_result v = {.err = n == 0};
    if (n)
        v.of.ok = n;
    else
        v.of.err = (cj_string){cjb_data_get()->text, CJB_STRING_LENGTH};
    return v;
}

void cjb_arguments(cjb_call call, uint32_t n, cjb_any *args)
{
    const cjb_data *d = cjb_data_get();
    memset(args, 0, sizeof *args);
    switch (call) {
    case CJB_STRING_IN:
        args->string = (cj_string){d->text, n};
        break;
    case CJB_BYTES_IN:
        args->list = list_of(d->bytes, n, CJB_MAX_BYTES);
        break;
    case CJB_NUMBERS_IN:
        args->list = list_of(d->numbers, n, CJB_MAX_NUMBERS);
        break;
    case CJB_ITEMS_IN:
        args->list = list_of(d->items, n, CJB_MAX_ITEMS);
        break;
    case CJB_STRINGS_IN:
        args->list = list_of(d->strings, n, CJB_MAX_STRINGS);
        break;
    case CJB_OPTION_IN:
        args->option = (cjb_option){n != 0, n};
        break;
    case CJB_RESULT_IN:
        args->result = result_of(n);
        break;
    case CJB_VARIANT_IN:
        args->choice = choice_of(n);
        break;
    default:
        for (uint32_t i = 0; i < 16; i++)
            args->u32[i] = n + i;
    }
}

void cjb_answer(cjb_call call, const cjb_any *args, cjb_any *result)
{
    const cjb_data *d = cjb_data_get();
    switch (call) {
    case CJB_NOP:
        break;
    case CJB_ADD:
        result->u32[0] = args->u32[0] + args->u32[1];
        break;
    case CJB_PARAMS16:
        for (uint32_t i = 0; i < 16; i++)
            result->u32[0] += args->u32[i];
        break;
    case CJB_STRING_IN:
    case CJB_BYTES_IN:
    case CJB_NUMBERS_IN:
    case CJB_ITEMS_IN:
    case CJB_STRINGS_IN:
        result->u32[0] = (uint32_t)args->list.len;
        break;
    case CJB_OPTION_IN:
        result->u32[0] = args->option.some ? args->option.value : 0;
        break;
    case CJB_RESULT_IN:
        result->u32[0] = args->result.err ? (uint32_t)args->result.of.err.len : args->result.of.ok;
        break;
    case CJB_VARIANT_IN:
        result->u32[0] = args->choice.which == 1 ? args->choice.of.number : 0;
        break;
    case CJB_STRING_OUT:
        result->list = list_of(d->text, args->u32[0], CJB_MAX_BYTES);
        break;
    case CJB_BYTES_OUT:
        result->list = list_of(d->bytes, args->u32[0], CJB_MAX_BYTES);
        break;
    case CJB_NUMBERS_OUT:
        result->list = list_of(d->numbers, args->u32[0], CJB_MAX_NUMBERS);
        break;
    case CJB_ITEMS_OUT:
        result->list = list_of(d->items, args->u32[0], CJB_MAX_ITEMS);
        break;
    case CJB_STRINGS_OUT:
        result->list = list_of(d->strings, args->u32[0], CJB_MAX_STRINGS);
        break;
    case CJB_OPTION_OUT:
        result->option = (cjb_option){args->u32[0] != 0, args->u32[0]};
        break;
    case CJB_RESULT_OUT:
        result->result = result_of(args->u32[0]);
        break;
    case CJB_VARIANT_OUT:
        result->choice = choice_of(args->u32[0]);
        break;
    case CJB_CALL_COUNT:
        break;
    }
}

/* -- Host functions ------------------------------------------------------------------------------------------------------ */

/* One per call, so that none dispatches at run time. */
#define CJB_X(name, wit) \
    static cj_status host_##name(void *user, cj_call_ctx *ctx, const void *args, void *results, cj_error *err) \
    { \
        (void)user, (void)ctx, (void)err; \
        cjb_answer(CJB_##name, args, results); \
        return CJ_OK; \
    }
CJB_CALL_MAP(CJB_X)
#undef CJB_X

static const cj_host_fn host_functions[] = {
#define CJB_X(name, wit) host_##name,
    CJB_CALL_MAP(CJB_X)
#undef CJB_X
};

/* The dynamic door: values in, values out; goes through the native form to have one place for the answers. */
static cj_status host_dynamic(void *user, cj_call_ctx *ctx, const cj_val *args, size_t nargs, cj_val *results,
                              size_t nresults, cj_error *err)
{
    cjb_call call = (cjb_call)(uintptr_t)user;
    const cj_functype *type = cj_ctx_type(ctx);
    cjb_any in = {0}, out = {0};
    if (nargs == 1 && args[0].kind == CJ_KIND_LIST)
        in.list.len = args[0].of.seq.len;
    else if (nargs == 1 && args[0].kind == CJ_KIND_STRING)
        in.string = args[0].of.string;
    else
        for (size_t i = 0; i < nargs && i < 16; i++)
            in.u32[i] = args[i].kind == CJ_KIND_U32 ? args[i].of.u32 : args[i].of.choice.index;
    cjb_answer(call, &in, &out);
    if (nresults == 0)
        return CJ_OK;

    static cj_arena *arena;
    if (!arena && cj_arena_new(NULL, &arena) != CJ_OK)
        return CJ_NO_MEMORY;
    cj_arena_reset(arena);
    return cj_val_load(cj_functype_result(type), &out, &results[0], arena, err);
}

/* -- Sessions -------------------------------------------------------------------------------------------------------------- */

static cj_status find_functions(cjb_session *s, cj_error *err)
{
    for (uint32_t i = 0; i < CJB_CALL_COUNT; i++) {
        char path[96];
        snprintf(path, sizeof path, "%s#%s", CJB_CALLS, call_names[i]);
        s->calls[i] = cj_instance_func(s->instance, path);
        snprintf(path, sizeof path, "%s#%s", CJB_DRIVE, call_names[i]);
        s->drive[i] = cj_instance_func(s->instance, path);
        if (!s->calls[i] || !s->drive[i]) {
            err->status = CJ_NOT_FOUND;
            snprintf(err->message, sizeof err->message, "the guest lacks %s", path);
            return CJ_NOT_FOUND;
        }
    }
    static const char *const things[] = {
#define CJB_X(name, wit) wit,
        CJB_THING_MAP(CJB_X)
#undef CJB_X
    };
    for (uint32_t i = 0; i < CJB_THING_COUNT; i++) {
        char path[96];
        snprintf(path, sizeof path, "%s#%s", CJB_DRIVE_THINGS, things[i]);
        s->drive_things[i] = cj_instance_func(s->instance, path);
    }
    return CJ_OK;
}

cj_status cjb_session_open(cjb_session *s, const uint8_t *bytes, size_t size, cj_tier tier, cjb_host host,
                           cj_error *err)
{
    memset(s, 0, sizeof *s);
    cj_config config;
    cj_config_init(&config);
    config.tier = tier;
    cj_status status = cj_engine_new(&config, &s->engine, err);
    if (status == CJ_OK)
        status = cj_component_new(s->engine, bytes, size, &s->component, err);
    if (status == CJ_OK)
        status = cj_linker_new(s->engine, &s->linker, err);
    for (uint32_t i = 0; i < CJB_CALL_COUNT && status == CJ_OK; i++)
        status = host == CJB_HOST_NATIVE
                     ? cj_linker_func(s->linker, CJB_CALLS, call_names[i], host_functions[i], NULL, err)
                     : cj_linker_dyn_func(s->linker, CJB_CALLS, call_names[i], host_dynamic, (void *)(uintptr_t)i, err);
    if (status == CJ_OK)
        status = cj_store_new(s->engine, NULL, NULL, &s->store, err);
    if (status == CJ_OK)
        status = cj_instantiate(s->store, s->linker, s->component, &s->instance, err);
    if (status == CJ_OK)
        status = cj_arena_new(NULL, &s->arena);
    if (status == CJ_OK)
        status = find_functions(s, err);
    if (status != CJ_OK)
        cjb_session_close(s);
    return status;
}

void cjb_session_close(cjb_session *s)
{
    cj_store_delete(s->store);
    cj_linker_delete(s->linker);
    cj_component_delete(s->component);
    cj_engine_delete(s->engine);
    cj_arena_delete(s->arena);
    memset(s, 0, sizeof *s);
}
