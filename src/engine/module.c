/* module.c: core modules: loading, unloading.
 *
 * Place in the pipeline: gets merged modules from link/, makes them ready for instances. With the JIT, loading translates every function to LLVM
 * IR and optimises it; machine code comes lazily, from LLVM's own threads.
 *
 * WAMR's loader is not thread-safe (static error texts, the list of natives), recurses over what a module says, and is fed by LLVM, which
 * recurses too: it runs one module at a time, on a thread of its own with a large stack, so that the size of the caller's does not matter.
 */
#include "engine/wamr.h"

#include "base/reader.h"

#include <pthread.h>
#include <stdatomic.h>
#if CJ_HARDWARE_BOUNDS
#include <sys/resource.h>
#endif

enum {
    LOAD_STACK = 64 << 20,
    /* WAMR compares every type with every other, and when it instantiates, looks the type of every function up from the first. */
    MAX_TYPES = 20000,
    MAX_TYPE_LOOKUPS = 1 << 30,
    LEAST_ADDRESS_SPACE_MIB = 1024,
};

typedef struct load_job {
    uint8_t *bytes;
    uint32_t size;
    WASMModule *wasm;
    char text[256];
} load_job;

static __thread bool loading;

bool cj__wamr_compiles(void)
{
    return loading;
}

static void *run_load(void *arg)
{
    load_job *job = arg;
    loading = true;
    job->wasm = (WASMModule *)wasm_runtime_load(job->bytes, job->size, job->text, sizeof job->text);
    loading = false;
    return NULL;
}

/* On a thread with a large stack; on the caller's when there is no thread to be had. */
static void load_with_room(load_job *job)
{
    pthread_attr_t attr;
    pthread_t thread;
    pthread_attr_init(&attr);
    bool started =
        pthread_attr_setstacksize(&attr, LOAD_STACK) == 0 && pthread_create(&thread, &attr, run_load, job) == 0;
    pthread_attr_destroy(&attr);
    if (started)
        pthread_join(thread, NULL);
    else
        run_load(job);
}

/* What WAMR would take quadratic time for. Malformed bytes are left to WAMR. */
static cj_status check_counts(const uint8_t *bytes, size_t size, cj_error *err)
{
    uint32_t types = 0, functions = 0;
    cj_reader r = cj__reader(bytes, size, 0, NULL);
    const uint8_t *magic;
    if (cj__read_bytes(&r, 8, &magic, "a preamble") != CJ_OK)
        return CJ_OK;
    while (cj__reader_left(&r) > 0) {
        uint8_t id;
        uint32_t length, count;
        cj_reader section;
        if (cj__read_byte(&r, &id, "a section") != CJ_OK || cj__read_u32(&r, &length, "a length") != CJ_OK ||
            cj__read_slice(&r, length, &section, "a section") != CJ_OK)
            return CJ_OK;
        if ((id == 1 || id == 3) && cj__read_u32(&section, &count, "a count") == CJ_OK)
            *(id == 1 ? &types : &functions) = count;
    }
    if (types > MAX_TYPES || (uint64_t)types * functions > MAX_TYPE_LOOKUPS)
        return cj__fail(err, CJ_UNSUPPORTED,
                        "unsupported: core modules with %u types and %u functions (%d types, %d types times functions)",
                        types, functions, MAX_TYPES, MAX_TYPE_LOOKUPS);
    return CJ_OK;
}

/* LLVM ends the process when it runs out of memory. Where each linear memory reserves 8 GiB nothing of use is lost by not starting it with so
 * little. */
static cj_status check_address_space(cj_error *err)
{
#if CJ_HARDWARE_BOUNDS
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        limit.rlim_cur >> 20 < LEAST_ADDRESS_SPACE_MIB)
        return cj__fail(
            err, CJ_NO_MEMORY,
            "out of memory: RLIMIT_AS (ulimit -v) is %u MiB: LLVM wants %d MiB, each linear memory 8 GiB more; a build "
            "with -DCANONJIT_BOUNDS=software or without LLVM wants less",
            (unsigned)(limit.rlim_cur >> 20), LEAST_ADDRESS_SPACE_MIB);
#endif
    (void)err;
    return CJ_OK;
}

static void unload(cj_core_module *m)
{
#if CJ_ENGINE_JIT
    cj__exit_forget(m);
#endif
    if (m->wasm != NULL)
        wasm_runtime_unload((WASMModuleCommon *)m->wasm); /* waits for the functions that are being compiled */
    cj__load_lock();
    for (uint32_t i = 0; m->shapes != NULL && i < m->import_count; i++)
        if (m->shapes[i] != NULL)
            cj__shape_release(m->shapes[i]);
    cj__load_unlock();
#if !CJ_ENGINE_JIT
    cj__blocks_free(m);
#endif
    cj__free(m->alloc, m->shapes, m->import_count * sizeof *m->shapes);
    cj__free(m->alloc, m->export_funcs, m->export_func_count * sizeof *m->export_funcs);
    cj__free(m->alloc, m->bytes, m->size);
    cj__free(m->alloc, m, sizeof *m);
}

/* WAMR gives imports that it does not find a private stand-in, calls some exports by their names when it instantiates, and runs start
 * functions outside of any entered frame: merged modules have none of that, and this holds them to it. */
static cj_status check_loaded(const cj_core_module *m, cj_error *err)
{
    const WASMModule *w = m->wasm;
    if (w->import_count != m->import_count || w->import_function_count != m->import_count)
        return cj__fail(err, CJ_INTERNAL,
                        "a core module has %u imports, %u functions among them, where %u functions were announced",
                        w->import_count, w->import_function_count, m->import_count);
    for (uint32_t i = 0; i < m->import_count; i++)
        if (w->import_functions[i].u.function.func_ptr_linked == NULL)
            return cj__fail(err, CJ_INTERNAL,
                            "import %u of a core module is not named by its signature, or is of another type", i);
    if (w->start_function != UINT32_MAX)
        return cj__fail(err, CJ_INTERNAL, "a core module with a start section");
    if (w->memory_count > 1)
        return cj__fail(err, CJ_UNSUPPORTED, "unsupported: multi-memory");
    for (uint32_t i = 0; i < w->export_count; i++)
        if (strcmp(w->exports[i].name, "__post_instantiate") == 0 ||
            strcmp(w->exports[i].name, "__wasm_call_ctors") == 0)
            return cj__fail(err, CJ_INTERNAL, "a core module exports %s, which WAMR would call", w->exports[i].name);
    return CJ_OK;
}

static cj_status list_exports(cj_core_module *m, cj_error *err)
{
    const WASMModule *w = m->wasm;
    uint32_t n = 0;
    for (uint32_t i = 0; i < w->export_count; i++)
        n += w->exports[i].kind == EXPORT_KIND_FUNC;
    m->export_funcs = cj__calloc(m->alloc, n, sizeof *m->export_funcs);
    if (m->export_funcs == NULL)
        return cj__fail_nomem(err);
    m->export_func_count = n;
    n = 0;
    for (uint32_t i = 0; i < w->export_count; i++)
        if (w->exports[i].kind == EXPORT_KIND_FUNC)
            m->export_funcs[n++] = w->exports[i].index;
    return CJ_OK;
}

cj_status cj__core_load(const cj_allocator *alloc, const uint8_t *bytes, size_t size, const cj_core_type *imports,
                        uint32_t import_count, cj_core_module **out, cj_error *err)
{
    if (size >= UINT32_MAX)
        return cj__fail(err, CJ_UNSUPPORTED, "unsupported: core modules of 4 GiB and more");
    CJ_TRY(check_address_space(err));
    CJ_TRY(check_counts(bytes, size, err));

    cj_core_module *m = cj__calloc(alloc, 1, sizeof *m);
    if (m == NULL)
        return cj__fail_nomem(err);
    m->alloc = alloc;
    atomic_init(&m->users, 1);
    m->size = size;
    m->import_count = import_count;
    m->bytes = cj__malloc(alloc, size);
    m->shapes = cj__calloc(alloc, import_count, sizeof *m->shapes);
    cj_status status = CJ_OK;
    if (m->bytes == NULL || (m->shapes == NULL && import_count > 0))
        status = cj__fail_nomem(err);
    else
        memcpy(cj__will_fill(alloc, m->bytes, size), bytes, size);

    load_job job = {.bytes = m->bytes, .size = (uint32_t)size};
    cj__load_lock();
    for (uint32_t i = 0; status == CJ_OK && i < import_count; i++)
        status = cj__shape_acquire(&imports[i], &m->shapes[i], err);
    if (status == CJ_OK)
        load_with_room(&job);
    cj__load_unlock();

    if (status == CJ_OK && job.wasm == NULL) {
        const char *text = job.text, *colon = strstr(text, "failed: ");
        if (colon != NULL)
            text = colon + sizeof "failed: " - 1;
        const char *unsupported = strstr(text, "unsupported: ");
        status = unsupported != NULL                              ? cj__fail(err, CJ_UNSUPPORTED, "%s", unsupported)
                 : strstr(text, "allocate memory failed") != NULL ? cj__fail_nomem(err)
                                                                  : cj__fail(err, CJ_INVALID, "core module: %s", text);
    }
    m->wasm = job.wasm;
#if CJ_ENGINE_JIT
    if (m->wasm != NULL)
        cj__exit_watch(m);
#endif
    if (status == CJ_OK)
        status = check_loaded(m, err);
    if (status == CJ_OK)
        status = list_exports(m, err);
    if (status != CJ_OK) {
        unload(m);
        return status;
    }
    *out = m;
    return CJ_OK;
}

void cj__core_unload(cj_core_module *m)
{
    if (m != NULL && atomic_fetch_sub_explicit(&m->users, 1, memory_order_acq_rel) == 1)
        unload(m);
}
