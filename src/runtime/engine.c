/* engine.c: cj_engine: configuration, the process-wide WAMR, the compiler; versions.
 *
 * Place in the pipeline: the first object that a host makes; components, linkers and stores hold on to it.
 * Non-goals: the code cache (exec/llvm), what WAMR needs to start (engine/).
 *
 * Thread-safe: everything is immutable after cj_engine_new but the count of users and the compiler, which is made
 * when it is first needed.
 */
#include "exec/disk.h"
#include "runtime/runtime.h"

#include <stdio.h>

const char *cj_version(void)
{
    return CJ_VERSION_STRING;
}

static char build_info[128];
static pthread_once_t build_info_once = PTHREAD_ONCE_INIT;

static void make_build_info(void)
{
#if CJ_HAVE_LLVM
    snprintf(build_info, sizeof(build_info), "%s, LLVM %s", cj__core_build_info(), CJ_LLVM_VERSION);
#else
    snprintf(build_info, sizeof(build_info), "%s, no LLVM", cj__core_build_info());
#endif
}

const char *cj_build_info(void)
{
    pthread_once(&build_info_once, make_build_info);
    return build_info;
}

/* -- Configuration ------------------------------------------------------------------------------------------------- */

void cj_config_init(cj_config *config)
{
    if (!config)
        return;
    *config = (cj_config){.struct_size = sizeof(*config),
                          .tier = CJ_TIER_DEFAULT,
                          .calls_before_compile = CJ_CALLS_BEFORE_COMPILE,
                          .max_cache_bytes = CJ_MAX_CACHE_BYTES,
#define CJ_X(type, name, default_value, what) .name = (default_value),
                          CJ_LOAD_LIMIT_MAP(CJ_X)
#undef CJ_X
    };
}

/* A caller built against an older header knows fewer members: the others keep their defaults. */
static cj_status take_config(const cj_config *given, cj_config *out, cj_error *err)
{
    cj_config_init(out);
    if (given) {
        if (given->struct_size < offsetof(cj_config, interruptible) || given->struct_size > sizeof(*out))
            return cj__fail(err, CJ_MISUSE, "cj_config.struct_size is %zu: call cj_config_init before changing members",
                            given->struct_size);
        memcpy(out, given, given->struct_size);
        out->struct_size = sizeof(*out);
    }
    const cj_allocator *hook = out->allocator;
    if (hook && !cj__alloc_is_whole(hook))
        return cj__fail(err, CJ_MISUSE, "cj_config.allocator: give all of alloc, resize and release, or none");
    out->allocator = cj__alloc_or_default(hook);

    switch (out->tier) {
    case CJ_TIER_AUTO:
        out->tier = CJ_HAVE_JIT ? CJ_TIER_AUTO : CJ_TIER_INTERP;
        return CJ_OK;
    case CJ_TIER_INTERP:
        return CJ_OK;
    case CJ_TIER_JIT:
        if (!CJ_HAVE_JIT)
            return cj__fail(err, CJ_UNSUPPORTED, "unsupported: CJ_TIER_JIT in this build (%s); use CJ_TIER_AUTO",
                            cj_build_info());
        return CJ_OK;
    }
    return cj__fail(err, CJ_MISUSE, "cj_config.tier is %d, which is no cj_tier", (int)out->tier);
}

static cj_status open_profile(const cj_config *config, cj_error *err)
{
    if (!config->profile)
        return CJ_OK;
    if (config->profile & ~(uint32_t)(CJ_PROFILE_PERF_MAP | CJ_PROFILE_JITDUMP | CJ_PROFILE_GDB))
        return cj__fail(err, CJ_MISUSE, "cj_config.profile is %#x, which is no sum of cj_profile",
                        (unsigned)config->profile);
#if CJ_HAVE_JIT
    return cj__profile_open(config->profile, config->jitdump_dir, err);
#else
    return cj__fail(err, CJ_UNSUPPORTED, "unsupported: cj_config.profile in this build (%s), which compiles no thunks",
                    cj_build_info());
#endif
}

/* -- Life ---------------------------------------------------------------------------------------------------------- */

/* The default directory is a convenience: without it all is as before, but for the time that it takes. */
static cj_status open_disk(cj_engine *engine, cj_error *err)
{
#if CJ_HAVE_JIT
    cj_config *config = &engine->config;
    const char *path = config->cache_dir;
    config->cache_dir = NULL; /* the caller's */
    if (!path || config->tier == CJ_TIER_INTERP)
        return CJ_OK;
    cj_status status = cj__disk_open(engine->alloc, path, config->max_cache_bytes, &engine->disk, path[0] ? err : NULL);
    return path[0] || status == CJ_NO_MEMORY ? status : CJ_OK;
#else
    engine->config.cache_dir = NULL;
    (void)err;
    return CJ_OK;
#endif
}

cj_status cj_engine_new(const cj_config *config, cj_engine **out, cj_error *err)
{
    cj__error_clear(err);
    if (!out)
        return cj__fail(err, CJ_MISUSE, "cj_engine_new: out must not be NULL");
    cj_config resolved;
    CJ_TRY(take_config(config, &resolved, err));
    CJ_TRY(open_profile(&resolved, err));

    cj_engine *engine = cj__calloc(resolved.allocator, 1, sizeof(*engine));
    if (!engine)
        return cj__fail_nomem(err);
    engine->alloc = resolved.allocator;
    engine->config = resolved;
    atomic_init(&engine->users, 1);
    atomic_init(&engine->compiler, NULL);
    pthread_mutex_init(&engine->lock, NULL);

    cj_status status = cj__core_runtime_acquire(err);
    if (status != CJ_OK) {
        pthread_mutex_destroy(&engine->lock);
        cj__free(engine->alloc, engine, sizeof(*engine));
        return status;
    }
    cj__core_set_gate(cj__gate);
    status = open_disk(engine, err);
    if (status != CJ_OK) {
        cj__engine_unuse(engine);
        return status;
    }
    *out = engine;
    return CJ_OK;
}

cj_status cj__engine_compiler(cj_engine *engine, cj_compiler **out, cj_error *err)
{
#if CJ_HAVE_LLVM
    cj_status status = CJ_OK;
    cj_compiler *compiler = atomic_load_explicit(&engine->compiler, memory_order_acquire);
    if (!compiler) {
        pthread_mutex_lock(&engine->lock);
        compiler = atomic_load_explicit(&engine->compiler, memory_order_relaxed);
        if (!compiler) {
            status = cj__compiler_new(engine->alloc, &compiler, err);
            if (status == CJ_OK)
                cj__compiler_set_options(compiler,
                                         &(cj_compiler_options){engine->config.calls_before_compile, engine->disk,
                                                                engine->config.on_thunk, engine->config.on_thunk_user,
                                                                engine->config.profile});
            if (status == CJ_OK)
                atomic_store_explicit(&engine->compiler, compiler, memory_order_release);
        }
        pthread_mutex_unlock(&engine->lock);
    }
    if (status == CJ_OK)
        *out = compiler;
    return status;
#else
    (void)engine;
    (void)out;
    return cj__fail(err, CJ_UNSUPPORTED, "unsupported: compiling in this build (%s)", cj_build_info());
#endif
}

cj_engine *cj__engine_use(cj_engine *engine)
{
    atomic_fetch_add_explicit(&engine->users, 1, memory_order_relaxed);
    return engine;
}

void cj__engine_unuse(cj_engine *engine)
{
    if (atomic_fetch_sub_explicit(&engine->users, 1, memory_order_acq_rel) != 1)
        return;
#if CJ_HAVE_LLVM
    cj_compiler *compiler = atomic_load_explicit(&engine->compiler, memory_order_relaxed);
    if (compiler)
        cj__compiler_delete(compiler);
    cj__disk_close(engine->disk);
#endif
    cj__core_runtime_release();
    pthread_mutex_destroy(&engine->lock);
    cj__free(engine->alloc, engine, sizeof(*engine));
}

void cj_engine_delete(cj_engine *engine)
{
    if (engine)
        cj__engine_unuse(engine);
}

void cj_engine_wait_compiled(cj_engine *engine)
{
#if CJ_HAVE_LLVM
    cj_compiler *compiler = engine ? atomic_load_explicit(&engine->compiler, memory_order_acquire) : NULL;
    if (compiler)
        cj__compiler_wait(compiler);
#else
    (void)engine;
#endif
}

void cj_engine_get_stats(const cj_engine *engine, cj_engine_stats *out)
{
    if (!out)
        return;
    memset(out, 0, sizeof(*out));
#if CJ_HAVE_LLVM
    cj_compiler *compiler = engine ? atomic_load_explicit(&engine->compiler, memory_order_acquire) : NULL;
    if (compiler)
        cj__compiler_stats(compiler, out);
#else
    (void)engine;
#endif
}

/* -- The cache on disk --------------------------------------------------------------------------------------------- */

#if CJ_HAVE_LLVM
cj_status cj_cache_get_info(const char *path, cj_cache_info *out, cj_error *err)
{
    cj__error_clear(err);
    if (!path || !out)
        return cj__fail(err, CJ_MISUSE, "cj_cache_get_info: path and out must not be NULL");
    return cj__disk_info(path, out, err);
}

cj_status cj_cache_clear(const char *path, cj_error *err)
{
    cj__error_clear(err);
    return path ? cj__disk_clear(path, err) : cj__fail(err, CJ_MISUSE, "cj_cache_clear: path must not be NULL");
}
#else
static cj_status no_cache(cj_error *err)
{
    cj__error_clear(err);
    return cj__fail(err, CJ_UNSUPPORTED, "unsupported: a cache of compiled thunks in this build (%s)", cj_build_info());
}

cj_status cj_cache_get_info(const char *path, cj_cache_info *out, cj_error *err)
{
    (void)path;
    (void)out;
    return no_cache(err);
}

cj_status cj_cache_clear(const char *path, cj_error *err)
{
    (void)path;
    return no_cache(err);
}
#endif
