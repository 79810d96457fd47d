/* runtime.c: WAMR's process-wide runtime, counted, and the calling thread's anchor.
 *
 * Place in the pipeline: the first thing that an engine starts, the last that it stops.
 *
 * WAMR has one runtime per process and 1.1.2 does not count its users. A program that links WAMR too may start it itself, before or after
 * us; so the linker routes every call of wasm_runtime_init, wasm_runtime_full_init and wasm_runtime_destroy through here: the first starts it, the
 * last stops it. (A program whose WAMR is another copy, in a shared library or beside libcanonjit.a, has a runtime of its own.)
 */
#include "engine/wamr.h"

#include "bh_log.h"

#include <pthread.h>
#include <stdatomic.h>

static pthread_mutex_t runtime_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t load_mutex = PTHREAD_MUTEX_INITIALIZER;
static uint32_t users;

__thread cj_anchor cj__anchor __attribute__((tls_model("initial-exec")));

bool __real_wasm_runtime_init(void);
bool __real_wasm_runtime_full_init(RuntimeInitArgs *args);
void __real_wasm_runtime_destroy(void);
bool __wrap_wasm_runtime_init(void);
bool __wrap_wasm_runtime_full_init(RuntimeInitArgs *args);
void __wrap_wasm_runtime_destroy(void);

static bool start(RuntimeInitArgs *args, bool quiet)
{
    pthread_mutex_lock(&runtime_mutex);
    bool ok = true;
    if (users == 0) {
        ok = args != NULL ? __real_wasm_runtime_full_init(args) : __real_wasm_runtime_init();
        if (ok && quiet)
            bh_log_set_verbose_level(0); /* its warnings go to standard output; what matters comes back as errors */
    } else if (args != NULL && args->n_native_symbols > 0) {
        ok = wasm_runtime_register_natives(args->native_module_name, args->native_symbols, args->n_native_symbols);
    }
    users += ok;
    pthread_mutex_unlock(&runtime_mutex);
    return ok;
}

static void stop(void)
{
    pthread_mutex_lock(&runtime_mutex);
    if (users > 0 && --users == 0) {
        __real_wasm_runtime_destroy();
#if CJ_HARDWARE_BOUNDS
        cj__signals_remove();
#endif
    }
    pthread_mutex_unlock(&runtime_mutex);
}

bool __wrap_wasm_runtime_init(void)
{
    return start(NULL, false);
}

bool __wrap_wasm_runtime_full_init(RuntimeInitArgs *args)
{
    return start(args, false);
}

void __wrap_wasm_runtime_destroy(void)
{
    stop();
}

cj_status cj__core_runtime_acquire(cj_error *err)
{
    if (!start(NULL, true))
        return cj__fail(err, CJ_INTERNAL, "WAMR's runtime does not start");
    return CJ_OK;
}

void cj__core_runtime_release(void)
{
    stop();
}

void cj__load_lock(void)
{
    pthread_mutex_lock(&load_mutex);
}

void cj__load_unlock(void)
{
    pthread_mutex_unlock(&load_mutex);
}

/* -- Threads ------------------------------------------------------------------------------------------------------------------ */

void cj__thread_attach(cj_store_core *store)
{
    static _Atomic uintptr_t next_id = 1;
    if (cj__anchor.id == NULL)
        cj__anchor.id = (const void *)(atomic_fetch_add_explicit(&next_id, 1, memory_order_relaxed) * 2);
    wasm_exec_env_set_thread_info(store->env); /* the thread's handle and the boundary of its stack */
    store->owner = cj__anchor.id;
}
