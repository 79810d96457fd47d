/* instance.c: core instances: limits, instantiation, what the runtime asks of them.
 *
 * Place in the pipeline: between modules and calls. Non-goals: running anything (enter_*.c).
 */
#include "engine/wamr.h"

#include <stdatomic.h>
#include <stdio.h>

/* Until the store is entered, no thread is its owner; NULL would be that of a thread that never entered any. */
static const char nobody;

/* -- Limits --------------------------------------------------------------------------------------------------------------------- */

static uint32_t max_pages(const cj_limits *limits)
{
    return limits->max_memory_pages < CJ_WAMR_MAX_PAGES ? limits->max_memory_pages : CJ_WAMR_MAX_PAGES;
}

/* Before WAMR allocates anything. It keeps all tables in one block with the instance, each at the size that it may grow to, and
 * its JIT addresses them with signed 32-bit offsets. */
static cj_status check_limits(const WASMModule *w, const cj_limits *limits, cj_error *err)
{
    for (uint32_t i = 0; i < w->memory_count; i++) {
        /* A memory that never grows is one page of its whole size. */
        uint64_t bytes = (uint64_t)w->memories[i].num_bytes_per_page * w->memories[i].init_page_count;
        uint64_t pages = (bytes + CJ_WASM_PAGE - 1) / CJ_WASM_PAGE;
        if (pages > max_pages(limits))
            return cj__fail(err, CJ_LIMIT, "a memory begins with %llu pages: over max_memory_pages, %u (%d at most)",
                            (unsigned long long)pages, limits->max_memory_pages, CJ_WAMR_MAX_PAGES);
    }
    uint64_t total = w->global_data_size;
    for (uint32_t i = 0; i < w->table_count; i++) {
        uint32_t elements = CJ_TABLE_TYPE(w->tables[i]).possible_grow ? CJ_TABLE_TYPE(w->tables[i]).max_size
                                                                      : CJ_TABLE_TYPE(w->tables[i]).init_size;
        if (elements > limits->max_table_elements)
            return cj__fail(err, CJ_LIMIT, "a table may have %u elements: over max_table_elements, %u", elements,
                            limits->max_table_elements);
        total += sizeof(WASMTableInstance) + (uint64_t)elements * sizeof(((WASMTableInstance *)0)->elems[0]);
    }
    if (total > INT32_MAX / 2)
        return cj__fail(err, CJ_LIMIT,
                        "the tables of a core instance take %llu bytes: over 1 GiB (max_table_elements is per table)",
                        (unsigned long long)total);
    return CJ_OK;
}

static uint32_t constant_offset(const InitializerExpression *offset, bool *known)
{
    *known = offset->init_expr_type == INIT_EXPR_TYPE_I32_CONST;
    return (uint32_t)CJ_INIT_I32(*offset);
}

/* Active segments, in 64 bits: WAMR adds in 32. */
static cj_status check_segments(const WASMModule *w, cj_error *err)
{
    bool known;
    for (uint32_t i = 0; i < w->data_seg_count; i++) {
        const WASMDataSeg *seg = w->data_segments[i];
        if (seg->is_passive)
            continue;
        uint64_t size =
            w->memory_count == 0 ? 0 : (uint64_t)w->memories[0].num_bytes_per_page * w->memories[0].init_page_count;
        uint64_t at = constant_offset(&seg->base_offset, &known);
        if (known && at + seg->data_length > size) {
            cj_status status = cj__fail(err, CJ_TRAP, "data segment %u is out of bounds of memory", i);
            if (err != NULL)
                err->trap = CJ_TRAP_MEMORY_BOUNDS;
            return status;
        }
    }
    for (uint32_t i = 0; i < w->table_seg_count; i++) {
        const WASMTableSeg *seg = &w->table_segments[i];
        if (!wasm_elem_is_active(seg->mode))
            continue;
        uint64_t size = seg->table_index < w->table_count ? CJ_TABLE_TYPE(w->tables[seg->table_index]).init_size : 0;
        uint64_t at = constant_offset(&seg->base_offset, &known);
        if (known && at + CJ_SEG_COUNT(*seg) > size) {
            cj_status status = cj__fail(err, CJ_TRAP, "element segment %u is out of bounds of its table", i);
            if (err != NULL)
                err->trap = CJ_TRAP_TABLE_BOUNDS;
            return status;
        }
    }
    return CJ_OK;
}

/* -- Instances ------------------------------------------------------------------------------------------------------------------ */

/* The stack on which WAMR's interpreter has operands and frames: in one piece with the environment, all of it written when that is made. */
#if CJ_ENGINE_JIT
enum { JIT_STACK_SIZE = 64 << 10 }; /* for the frame that WAMR adds when a guest calls an import through a table */
static uint32_t stack_size(const cj_limits *limits)
{
    (void)limits;
    return JIT_STACK_SIZE;
}
#else
enum { LEAST_STACK_SIZE = 1024 }; /* with less nothing can be called */
static uint32_t stack_size(const cj_limits *limits)
{
    return limits->wasm_stack_size;
}
#endif

static cj_status check_stack_size(const cj_limits *limits, cj_error *err)
{
#if !CJ_ENGINE_JIT
    if (limits->wasm_stack_size < LEAST_STACK_SIZE)
        return cj__fail(err, CJ_LIMIT, "wasm_stack_size of cj_limits is %u, too little to call anything: %d at least",
                        limits->wasm_stack_size, LEAST_STACK_SIZE);
#endif
    (void)limits, (void)err;
    return CJ_OK;
}

static cj_status no_env(const cj_limits *limits, cj_error *err)
{
#if !CJ_ENGINE_JIT
    return cj__fail(err, CJ_NO_MEMORY,
                    "out of memory: no room for an operand stack of %u bytes: lower wasm_stack_size of cj_limits",
                    limits->wasm_stack_size);
#else
    (void)limits;
    return cj__fail_nomem(err);
#endif
}

static cj_status instantiate_failed(const char *text, cj_error *err)
{
    const char *colon = strstr(text, "failed: ");
    if (colon != NULL)
        text = colon + sizeof "failed: " - 1;
    if (strstr(text, "mmap memory failed") != NULL || strstr(text, "mprotect memory failed") != NULL ||
        strstr(text, "allocate linear memory failed") != NULL)
        return cj__fail(
            err, CJ_NO_MEMORY,
            "out of memory: no address space for a linear memory; each core instance reserves 8 GiB: raise RLIMIT_AS "
            "(ulimit -v) or vm.max_map_count, or delete instances");
    if (strstr(text, "allocate memory failed") != NULL)
        return cj__fail_nomem(err);
    cj_status status = cj__fail(err, CJ_TRAP, "%s", text);
    if (err != NULL)
        err->trap = CJ_TRAP_CORE;
    return status;
}

const char cj__env_is_ours;

cj_status cj__core_instantiate(cj_store_core *store, cj_core_module *module, const cj_limits *limits,
                               cj_group_core *group, cj_core_instance **out, cj_error *err)
{
    CJ_TRY(check_limits(module->wasm, limits, err));
    CJ_TRY(check_stack_size(limits, err));
    CJ_TRY(check_segments(module->wasm, err));
    cj_core_instance *instance = cj__calloc(store->alloc, 1, sizeof *instance);
    if (instance == NULL)
        return cj__fail_nomem(err);

    char text[256] = "";
    WASMModuleInstance *wasm = (WASMModuleInstance *)wasm_runtime_instantiate((WASMModuleCommon *)module->wasm,
                                                                              stack_size(limits), 0, text, sizeof text);
    if (wasm == NULL) {
        cj__free(store->alloc, instance, sizeof *instance);
        return instantiate_failed(text, err);
    }
    if (store->env == NULL) {
        store->env = wasm_runtime_create_exec_env((WASMModuleInstanceCommon *)wasm, stack_size(limits));
        store->owner = &nobody;
#if CJ_ENGINE_JIT
        if (store->env != NULL && !cj__outermost_new(store)) {
            wasm_runtime_destroy_exec_env(store->env);
            store->env = NULL;
        }
#endif
        if (store->env == NULL) {
            wasm_runtime_deinstantiate((WASMModuleInstanceCommon *)wasm);
            cj__free(store->alloc, instance, sizeof *instance);
            return no_env(limits, err);
        }
        ((WASMExecEnv *)store->env)->module_inst = NULL;
        ((WASMExecEnv *)store->env)->user_data = (void *)(uintptr_t)&cj__env_is_ours;
    }
    group->core_module = module;
    wasm_runtime_set_custom_data((WASMModuleInstanceCommon *)wasm, group);
    for (uint32_t i = 0; i < wasm->memory_count; i++) {
        WASMMemoryInstance *memory = wasm->memories[i];
        if (memory->num_bytes_per_page == CJ_WASM_PAGE && memory->max_page_count > max_pages(limits))
            memory->max_page_count = max_pages(limits);
    }
    atomic_fetch_add_explicit(&module->users, 1, memory_order_relaxed);
    *instance = (cj_core_instance){.module = module, .wasm = wasm, .store = store};
    *out = instance;
    return CJ_OK;
}

void cj__core_deinstantiate(cj_core_instance *instance)
{
    if (instance == NULL)
        return;
    WASMExecEnv *env = instance->store->env; /* which names the instance that the host entered last */
    if (env != NULL && (void *)env->module_inst == (void *)instance->wasm)
        env->module_inst = NULL;
    wasm_runtime_deinstantiate((WASMModuleInstanceCommon *)instance->wasm);
    cj__core_unload(instance->module);
    cj__free(instance->store->alloc, instance, sizeof *instance);
}

void cj__core_store_fini(cj_store_core *store)
{
    if (store->env == NULL)
        return;
#if CJ_HARDWARE_BOUNDS
    /* WAMR's own variable, which it sets when its interpreter runs under an entered frame. */
    if (wasm_runtime_get_exec_env_tls() == store->env)
        wasm_runtime_set_exec_env_tls(NULL);
#endif
#if CJ_ENGINE_JIT
    cj__outermost_free(store);
#endif
    wasm_runtime_destroy_exec_env(store->env);
    store->env = NULL;
    store->owner = NULL;
}

void *cj__core_export_func(cj_core_instance *instance, uint32_t i)
{
    if (i >= instance->module->export_func_count)
        return NULL;
    uint32_t index = instance->module->export_funcs[i];
#if CJ_ENGINE_JIT
    return instance->wasm->func_ptrs[index];
#else
    return &instance->wasm->e->functions[index];
#endif
}

void *cj__core_memory(cj_core_instance *instance)
{
    return instance->wasm->memory_count > 0 ? instance->wasm->memories[0] : NULL;
}

void *cj__core_env_inst(cj_core_instance *instance)
{
    return instance->wasm;
}

uint32_t *cj__core_global_data(cj_core_instance *instance)
{
    return (uint32_t *)(void *)instance->wasm->global_data;
}

void *cj__core_global(cj_core_instance *instance, uint32_t index)
{
    const WASMModuleInstance *wasm = instance->wasm;
    return index < wasm->e->global_count ? wasm->global_data + wasm->e->globals[index].data_offset : NULL;
}

void cj__core_patch_import(cj_core_instance *instance, uint32_t k, void *native)
{
#if CJ_ENGINE_JIT
    if (k < instance->module->import_count)
        __atomic_store_n(&instance->wasm->func_ptrs[k], native, __ATOMIC_RELEASE);
#else
    (void)instance;
    (void)k;
    (void)native;
#endif
}
