/* thunks.c: which shapes have code: the cache of an engine, what is to be compiled, and the thread that does it.
 *
 *     binding ─▶ thunk (one per plan->key) ─ wanted ─▶ queue ─▶ the compiler's thread ─┬ compiler.c ─▶ thunk.code
 *                                                                                      └ disk.h
 *
 * Switching. The thread publishes code with one atomic store into the thunk, and touches no instance: each instance takes
 * it over itself, at its next call, on the thread that its store is used by. So there is no instance that must be found or kept
 * alive, and nothing that runs is changed under its feet. Code is freed with the compiler, thunks likewise. A plan
 * that waits is copied: its component may go.
 *
 * The thread is the only one that LLVM runs on: it needs more stack than a guest leaves, and must not be left by a trap's
 * jump. It takes no signals. Whoever must wait for it (CJ_TIER_JIT, texts) does; CJ_TIER_AUTO never does. It ends with the
 * compiler, or when the process exits, before LLVM's own static data goes. A forked child has no such thread: there,
 * nothing new is compiled, and LLVM, which may have been in the middle of something, is left alone. Only one that
 * options.on_thunk forked has, and no other: it ends with the event.
 *
 * Non-goals: LLVM (compiler.c), which functions are worth it (runtime/bind.c).
 */
#include "base/hash.h"
#include "exec/disk.h"
#include "exec/llvm/compiler.h"

#include <llvm-c/Core.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    WORKER_STACK = 16 << 20,
};

typedef enum thunk_state { THUNK_IDLE, THUNK_QUEUED, THUNK_COMPILING, THUNK_READY, THUNK_FAILED } thunk_state;

struct cj_thunk {
    _Atomic(void *) code;
    _Atomic(uint32_t) calls; /* while interpreted */
    cj_compiler *compiler;
    UT_hash_handle hh;
    /* Under the compiler's lock. */
    thunk_state state;
    cj_thunk *next;  /* in the queue */
    cj_plan *plan;   /* while it waits */
    char *name;      /* likewise; terminated */
    cj_error *error; /* when it failed */
    size_t key_len;
    uint8_t key[];
};

/* What a caller waits for that is no thunk. */
typedef struct task {
    struct task *next;
    cj_status (*run)(cj__ll_compiler *, const struct task *);
    const cj_plan *plan;
    const char *name;
    cj_error *err;
    cj_text_kind kind; /* of `text` */
    char **text;       /* what comes of it: one of both */
    void **code;
    cj_status status;
    enum { TASK_WAITS, TASK_RUNS, TASK_DONE } state;
} task;

struct cj_compiler {
    const cj_allocator *alloc;
    uint64_t seed;
    _Atomic(uint32_t) calls; /* options.calls */
    cj_compiler *next;       /* in `live` */
    pid_t process;
    pthread_mutex_t lock;
    pthread_cond_t work, change; /* there is something to do; something was done */
    /* Under `lock`. */
    cj_thunk *thunks;
    cj_thunk *first, **end; /* the queue */
    task *tasks;
    size_t queued_bytes;
    bool running, stop;
    pthread_t thread;
    cj_engine_stats stats;
    /* The thread's. */
    cj_compiler_options options;
    cj__ll_compiler llvm;
};

/* -- When the process exits -------------------------------------------------------------------------------------- */

static pthread_mutex_t live_lock = PTHREAD_MUTEX_INITIALIZER;
static cj_compiler *live;
static pthread_once_t at_exit_once = PTHREAD_ONCE_INIT;

static void stop_thread(cj_compiler *c)
{
    pthread_mutex_lock(&c->lock);
    bool join = c->running && !pthread_equal(c->thread, pthread_self());
    c->stop = true;
    c->running = false;
    pthread_cond_broadcast(&c->work);
    pthread_cond_broadcast(&c->change);
    pthread_mutex_unlock(&c->lock);
    if (join)
        pthread_join(c->thread, NULL);
}

static void stop_all(void)
{
    pthread_mutex_lock(&live_lock);
    for (cj_compiler *c = live; c; c = c->next)
        stop_thread(c);
    pthread_mutex_unlock(&live_lock);
}

static void before_fork(void)
{
    pthread_mutex_lock(&live_lock);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&live_lock);
}

/* The child has none of these threads, and their locks may be held for ever. Engines that it makes have their own. */
static void after_fork_in_child(void)
{
    live = NULL;
    pthread_mutex_unlock(&live_lock);
}

static void register_at_exit(void)
{
    atexit(stop_all);
    pthread_atfork(before_fork, after_fork, after_fork_in_child);
}

/* -- The thread -------------------------------------------------------------------------------------------------- */

/* Whose this thread is: what waits for it must not be on it, and options.on_thunk is. */
static _Thread_local const cj_compiler *own_thread_of;

static size_t queued_size(const cj_plan *plan)
{
    return sizeof(*plan) + plan->key_len + ((size_t)plan->args.op_count + plan->results.op_count) * sizeof(cj_op) +
           ((size_t)plan->args.case_count + plan->results.case_count) * sizeof(cj_range);
}

static void forget_plan(cj_compiler *c, cj_thunk *thunk)
{
    cj__plan_delete(thunk->plan);
    if (thunk->name)
        cj__free(c->alloc, thunk->name, strlen(thunk->name) + 1);
    thunk->plan = NULL;
    thunk->name = NULL;
}

/* Being out of memory passes; other failures are for good. */
static void note_failure(cj_compiler *c, cj_thunk *thunk, const cj_error *err)
{
    thunk->state = THUNK_IDLE;
    if (err->status == CJ_NO_MEMORY) {
        atomic_store_explicit(&thunk->calls, 0, memory_order_relaxed); /* or it would never be wanted again */
        return;
    }
    c->stats.thunks_failed++;
    thunk->error = cj__malloc(c->alloc, sizeof(*err));
    if (!thunk->error)
        return;
    *thunk->error = *err;
    thunk->state = THUNK_FAILED;
}

/* What came of a thunk: added to the statistics when it is done. */
typedef struct result {
    cj_status status;
    void *code;
    bool from_disk, looked, refused, stored;
    uint64_t compile_ns, disk_ns;
    size_t object_size;
    cj_error err;
} result;

static bool from_disk(cj_compiler *c, const cj_thunk *thunk, const cj_disk_key *key, result *r)
{
    cj_disk_entry entry;
    cj_disk_outcome outcome = cj__disk_get(c->options.disk, key, &entry);
    r->looked = true;
    r->refused = outcome == CJ_DISK_REFUSED;
    if (outcome != CJ_DISK_HIT)
        return false;
    /* LLVM owns what it places: a copy. */
    LLVMMemoryBufferRef object =
        LLVMCreateMemoryBufferWithMemoryRangeCopy((const char *)entry.object, entry.object_len, entry.symbol);
    r->from_disk = object && cj__ll_link(&c->llvm, object, entry.symbol, thunk->name, &r->code, NULL) == CJ_OK;
    r->refused = !r->from_disk;
    r->object_size = entry.object_len;
    cj__disk_entry_free(c->options.disk, &entry);
    return r->from_disk;
}

/* Symbols that are not unique are for the disk; two shapes with one hash and one name have the same. */
static void compile(cj_compiler *c, const cj_thunk *thunk, const cj_disk_key *key, bool unique, result *r)
{
    LLVMMemoryBufferRef object;
    char symbol[CJ__LL_SYMBOL_SIZE];
    uint64_t start = cj__cpu_ns();
    cj__ll_symbol(&c->llvm, thunk->plan, thunk->name, unique, symbol);
    r->status = cj__ll_compile(&c->llvm, thunk->plan, symbol, false, &object, &r->err);
    if (r->status == CJ_OK) {
        LLVMMemoryBufferRef kept = NULL;
        r->object_size = LLVMGetBufferSize(object);
        if (key && !unique)
            kept = LLVMCreateMemoryBufferWithMemoryRangeCopy(LLVMGetBufferStart(object), r->object_size, symbol);
        r->status = cj__ll_link(&c->llvm, object, symbol, thunk->name, &r->code, &r->err);
        uint64_t now = cj__cpu_ns();
        r->compile_ns += now - start;
        if (r->status == CJ_OK && kept)
            r->stored = cj__disk_put(c->options.disk, key, symbol, LLVMGetBufferStart(kept), LLVMGetBufferSize(kept));
        if (kept)
            LLVMDisposeMemoryBuffer(kept);
        r->disk_ns += cj__cpu_ns() - now;
    }
}

static void make_code(cj_compiler *c, const cj_thunk *thunk, result *r)
{
    cj__error_clear(&r->err);
    r->status = cj__ll_compiler_start(&c->llvm, &r->err);
    if (r->status != CJ_OK)
        return;
    uint64_t start = cj__cpu_ns();
    cj_disk_key key = {c->options.disk ? cj__ll_environment(&c->llvm) : NULL, thunk->key, thunk->key_len};
    bool found = key.environment && from_disk(c, thunk, &key, r);
    r->disk_ns = cj__cpu_ns() - start;
    if (found)
        return;
    compile(c, thunk, key.environment ? &key : NULL, false, r);
    if (r->status != CJ_OK && r->status != CJ_NO_MEMORY)
        compile(c, thunk, NULL, true, r);
}

static void tell(const cj_compiler *c, const cj_thunk *thunk, const result *r)
{
    if (!c->options.on_thunk)
        return;
    cj_thunk_event event = {.outcome = r->status != CJ_OK ? CJ_THUNK_FAILED
                                       : r->from_disk     ? CJ_THUNK_FROM_DISK
                                                          : CJ_THUNK_COMPILED,
                            .name = thunk->name,
                            .ns = r->compile_ns + r->disk_ns,
                            .object_size = r->object_size,
                            .message = r->status == CJ_OK ? "" : r->err.message};
    c->options.on_thunk(c->options.on_thunk_user, &event);
}

static void add_stats(cj_engine_stats *stats, const result *r)
{
    stats->thunks_compiled += r->status == CJ_OK && !r->from_disk;
    stats->compile_ns += r->compile_ns;
    stats->disk_hits += r->from_disk;
    stats->disk_misses += r->looked && !r->from_disk && !r->refused;
    stats->disk_refused += r->refused;
    stats->disk_stored += r->stored;
    stats->disk_ns += r->disk_ns;
}

/* Under the lock, which it gives back while LLVM works. */
static void compile_first(cj_compiler *c)
{
    cj_thunk *thunk = c->first;
    c->first = thunk->next;
    if (!c->first)
        c->end = &c->first;
    c->queued_bytes -= queued_size(thunk->plan);
    thunk->state = THUNK_COMPILING;
    pthread_mutex_unlock(&c->lock);

    result r = {.status = CJ_OK};
    make_code(c, thunk, &r);
    if (r.status == CJ_OK)
        atomic_store_explicit(&thunk->code, r.code, memory_order_release);
    tell(c, thunk, &r);
    if (c->process != getpid()) /* a child, and whoever held the lock is not in it */
        pthread_exit(NULL);

    pthread_mutex_lock(&c->lock);
    forget_plan(c, thunk);
    c->stats.thunks_pending--;
    add_stats(&c->stats, &r);
    if (r.status == CJ_OK)
        thunk->state = THUNK_READY;
    else
        note_failure(c, thunk, &r.err);
}

static void run_task(cj_compiler *c)
{
    task *t = c->tasks;
    c->tasks = t->next;
    t->state = TASK_RUNS;
    pthread_mutex_unlock(&c->lock);
    t->status = t->run(&c->llvm, t);
    pthread_mutex_lock(&c->lock);
    t->state = TASK_DONE;
}

static void *work(void *arg)
{
    cj_compiler *c = arg;
    own_thread_of = c;
    pthread_mutex_lock(&c->lock);
    while (!c->stop) {
        if (c->tasks) {
            run_task(c);
        } else if (c->first) {
            compile_first(c);
        } else {
            pthread_cond_wait(&c->work, &c->lock);
            continue;
        }
        pthread_cond_broadcast(&c->change);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* Under the lock. */
static bool start_thread(cj_compiler *c)
{
    if (c->running)
        return true;
    if (c->stop)
        return false;
    sigset_t all, before;
    pthread_attr_t attr;
    sigfillset(&all);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, WORKER_STACK);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* the new thread has its creator's */
    c->running = pthread_create(&c->thread, &attr, work, c) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (c->running)
        pthread_setname_np(c->thread, "canonjit-llvm");
    pthread_attr_destroy(&attr);
    return c->running;
}

static cj_status no_thread(const cj_compiler *c, cj_error *err)
{
    if (c->process != getpid())
        return cj__fail(err, CJ_UNSUPPORTED,
                        "unsupported: compiling in a forked child, with an engine of its parent's");
    if (own_thread_of == c)
        return cj__fail(err, CJ_MISUSE, "cj_config.on_thunk runs: nothing is compiled before it returns");
    if (c->stop)
        return cj__fail(err, CJ_MISUSE, "the process exits: nothing is compiled any more");
    return cj__fail(err, CJ_NO_MEMORY, "out of memory: no thread to compile on");
}

/* -- Making and deleting ----------------------------------------------------------------------------------------- */

cj_status cj__compiler_new(const cj_allocator *hook, cj_compiler **out, cj_error *err)
{
    const cj_allocator *alloc = cj__alloc_or_default(hook);
    cj_compiler *c = cj__calloc(alloc, 1, sizeof(*c));
    if (!c)
        return cj__fail_nomem(err);
    c->alloc = alloc;
    c->seed = cj__hash_seed();
    c->process = getpid();
    c->end = &c->first;
    c->llvm.alloc = alloc;
    c->llvm.tuning = CJ__COMPILER_TUNING;
    atomic_init(&c->calls, 0);
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->work, NULL);
    pthread_cond_init(&c->change, NULL);
    pthread_once(&at_exit_once, register_at_exit);
    pthread_mutex_lock(&live_lock);
    c->next = live;
    live = c;
    pthread_mutex_unlock(&live_lock);
    *out = c;
    return CJ_OK;
}

void cj__compiler_tune(cj_compiler *c, const cj__compiler_tuning *tuning)
{
    c->llvm.tuning = *tuning;
    c->llvm.tuning.part_ops += !tuning->part_ops;
    c->llvm.tuning.max_loops += !tuning->max_loops;
    if (!tuning->queue_bytes)
        c->llvm.tuning.queue_bytes = CJ__COMPILER_TUNING.queue_bytes;
}

void cj__compiler_set_options(cj_compiler *c, const cj_compiler_options *options)
{
    pthread_mutex_lock(&c->lock);
    c->options = *options;
    c->llvm.profile = options->profile;
    pthread_mutex_unlock(&c->lock);
    atomic_store_explicit(&c->calls, options->calls, memory_order_relaxed);
}

static void forget_thunks(cj_compiler *c)
{
    const cj_allocator *hash_alloc = c->alloc;
    cj_thunk *thunk, *next;
    HASH_ITER (hh, c->thunks, thunk, next) {
        HASH_DEL(c->thunks, thunk);
        forget_plan(c, thunk);
        cj__free(c->alloc, thunk->error, sizeof(*thunk->error));
        cj__free(c->alloc, thunk, sizeof(*thunk) + thunk->key_len);
    }
}

void cj__compiler_delete(cj_compiler *c)
{
    if (!c || c->process != getpid())
        return;
    pthread_mutex_lock(&live_lock);
    cj_compiler **at = &live;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    pthread_mutex_unlock(&live_lock);
    stop_thread(c);
    cj__ll_compiler_fini(&c->llvm);
    forget_thunks(c);
    pthread_cond_destroy(&c->change);
    pthread_cond_destroy(&c->work);
    pthread_mutex_destroy(&c->lock);
    cj__free(c->alloc, c, sizeof(*c));
}

/* -- Thunks ------------------------------------------------------------------------------------------------------ */

static cj_thunk *find(cj_compiler *c, const cj_plan *plan, unsigned hash)
{
    cj_thunk *thunk;
    HASH_FIND_BYHASHVALUE(hh, c->thunks, plan->key, plan->key_len, hash, thunk);
    return thunk;
}

/* Under the lock. */
static cj_thunk *add(cj_compiler *c, const cj_plan *plan, unsigned hash)
{
    const cj_allocator *hash_alloc = c->alloc;
    bool hash_oom = false;
    cj_thunk *thunk = cj__calloc(c->alloc, 1, sizeof(*thunk) + plan->key_len);
    if (!thunk)
        return NULL;
    thunk->compiler = c;
    thunk->key_len = plan->key_len;
    memcpy(thunk->key, plan->key, plan->key_len);
    atomic_init(&thunk->code, NULL);
    atomic_init(&thunk->calls, 0);
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, c->thunks, thunk->key, thunk->key_len, hash, thunk);
    if (!hash_oom)
        return thunk;
    cj__free(c->alloc, thunk, sizeof(*thunk) + plan->key_len);
    return NULL;
}

cj_status cj__compiler_thunk(cj_compiler *c, const cj_plan *plan, cj_thunk **out, cj_error *err)
{
    unsigned hash = cj__hash(c->seed, plan->key, plan->key_len);
    pthread_mutex_lock(&c->lock);
    cj_thunk *thunk = find(c, plan, hash);
    if (thunk)
        c->stats.thunk_cache_hits++;
    else
        thunk = add(c, plan, hash);
    pthread_mutex_unlock(&c->lock);
    if (!thunk)
        return cj__fail_nomem(err);
    *out = thunk;
    return CJ_OK;
}

void *cj__thunk_code(const cj_thunk *thunk)
{
    return atomic_load_explicit(&thunk->code, memory_order_acquire);
}

/* Under the lock; takes the name. */
static cj_status enqueue(cj_compiler *c, cj_thunk *thunk, const cj_plan *plan, char *name, bool always)
{
    size_t size = queued_size(plan);
    if (!always && c->queued_bytes + size > c->llvm.tuning.queue_bytes)
        return CJ_LIMIT;
    if (!start_thread(c))
        return no_thread(c, NULL);
    thunk->plan = cj__plan_copy_shape(c->alloc, plan);
    if (!thunk->plan)
        return CJ_NO_MEMORY;
    thunk->name = name;
    thunk->next = NULL;
    thunk->state = THUNK_QUEUED;
    *c->end = thunk;
    c->end = &thunk->next;
    c->queued_bytes += size;
    c->stats.thunks_pending++;
    pthread_cond_signal(&c->work);
    return CJ_OK;
}

cj_status cj__thunk_want(cj_thunk *thunk, const cj_plan *plan, const char *what, const char *path, bool always)
{
    cj_compiler *c = thunk->compiler;
    if (c->process != getpid())
        return no_thread(c, NULL);
    size_t name_size = strlen(what) + strlen(path) + 1;
    char *name = cj__malloc(c->alloc, name_size);
    if (!name)
        return CJ_NO_MEMORY;
    snprintf(name, name_size, "%s%s", what, path);
    cj_status status = CJ_OK;
    pthread_mutex_lock(&c->lock);
    if (thunk->state == THUNK_IDLE)
        status = enqueue(c, thunk, plan, name, always);
    bool taken = thunk->name == name;
    pthread_mutex_unlock(&c->lock);
    if (!taken)
        cj__free(c->alloc, name, name_size);
    return status;
}

cj_status cj__thunk_wait(cj_thunk *thunk, void **out, cj_error *err)
{
    cj_compiler *c = thunk->compiler;
    cj_status status = CJ_OK;
    pthread_mutex_lock(&c->lock);
    while ((thunk->state == THUNK_QUEUED || thunk->state == THUNK_COMPILING) && !c->stop && own_thread_of != c)
        pthread_cond_wait(&c->change, &c->lock);
    if (thunk->state == THUNK_FAILED) {
        status = thunk->error->status;
        if (err)
            *err = *thunk->error;
    } else if (thunk->state != THUNK_READY) {
        status = c->stop || own_thread_of == c ? no_thread(c, err) : cj__fail_nomem(err);
    }
    pthread_mutex_unlock(&c->lock);
    if (status == CJ_OK)
        *out = cj__thunk_code(thunk);
    return status;
}

void cj__compiler_wait(cj_compiler *c)
{
    if (c->process != getpid())
        return;
    pthread_mutex_lock(&c->lock);
    while (c->stats.thunks_pending && !c->stop && own_thread_of != c)
        pthread_cond_wait(&c->change, &c->lock);
    pthread_mutex_unlock(&c->lock);
}

cj_status cj__compiler_code(cj_compiler *c, const cj_plan *plan, const char *name, void **out, cj_error *err)
{
    cj_thunk *thunk;
    CJ_TRY(cj__compiler_thunk(c, plan, &thunk, err));
    cj_status status = cj__thunk_want(thunk, plan, "", name, true);
    if (status != CJ_OK)
        return status == CJ_NO_MEMORY ? cj__fail_nomem(err) : no_thread(c, err);
    return cj__thunk_wait(thunk, out, err);
}

void cj__compiler_stats(const cj_compiler *compiler, cj_engine_stats *add_to)
{
    cj_compiler *c = (cj_compiler *)(uintptr_t)compiler; /* for its lock */
    pthread_mutex_lock(&c->lock);
    add_to->thunks_compiled += c->stats.thunks_compiled;
    add_to->thunk_cache_hits += c->stats.thunk_cache_hits;
    add_to->compile_ns += c->stats.compile_ns;
    add_to->thunks_pending += c->stats.thunks_pending;
    add_to->thunks_failed += c->stats.thunks_failed;
    add_to->disk_hits += c->stats.disk_hits;
    add_to->disk_misses += c->stats.disk_misses;
    add_to->disk_refused += c->stats.disk_refused;
    add_to->disk_stored += c->stats.disk_stored;
    add_to->disk_ns += c->stats.disk_ns;
    pthread_mutex_unlock(&c->lock);
}

/* -- While there is no code -------------------------------------------------------------------------------------- */

/* The code, or NULL: then the call is counted, and the one that makes it enough has it compiled. Where that cannot be, the
 * count begins anew. */
static void *count(const cj_binding *bound, const char *what)
{
    cj_thunk *thunk = bound->thunk;
    void *code = cj__thunk_code(thunk);
    if (code)
        return code;
    uint32_t enough = atomic_load_explicit(&thunk->compiler->calls, memory_order_relaxed);
    uint32_t calls = atomic_fetch_add_explicit(&thunk->calls, 1, memory_order_relaxed) + 1;
    if (CJ_UNLIKELY(calls == enough + (enough == 0)) &&
        cj__thunk_want(thunk, bound->plan, what, bound->info->path, false) != CJ_OK)
        atomic_store_explicit(&thunk->calls, 0, memory_order_relaxed);
    return NULL;
}

uint32_t cj__thunk_export(cj_call_ctx *call, const void *args, void *results)
{
    cj_binding *bound = (cj_binding *)(uintptr_t)call->bound;
    void *code = count(bound, "cj:export:");
    if (CJ_LIKELY(!code))
        return cj__interp_export(call, args, results);
    __atomic_store_n(&bound->code, code, __ATOMIC_RELEASE);
    cj_export_thunk thunk;
    memcpy(&thunk, &code, sizeof(thunk));
    return thunk(call, args, results);
}

void cj__thunk_gate(cj_call_ctx *call)
{
    cj_binding *bound = (cj_binding *)(uintptr_t)call->bound;
    void *code = count(bound, bound->kind == CJ_SLOT_FUSED ? "cj:fused:" : "cj:import:");
    if (CJ_LIKELY(!code))
        return;
    bound->thunk = NULL;
    __atomic_store_n(&bound->code, code, __ATOMIC_RELEASE);
    call->store->hooks->compiled(bound);
}

/* -- What is not cached ------------------------------------------------------------------------------------------ */

/* Has the thread do something, and waits for it. */
static cj_status run_there(cj_compiler *c, task *t)
{
    if (c->process != getpid())
        return no_thread(c, t->err);
    pthread_mutex_lock(&c->lock);
    if (start_thread(c) && own_thread_of != c) {
        t->next = c->tasks;
        c->tasks = t;
        pthread_cond_signal(&c->work);
        while (t->state != TASK_DONE && !(c->stop && t->state == TASK_WAITS))
            pthread_cond_wait(&c->change, &c->lock);
    }
    pthread_mutex_unlock(&c->lock);
    return t->state == TASK_DONE ? t->status : no_thread(c, t->err);
}

static cj_status write_text(cj__ll_compiler *llvm, const task *t)
{
    return cj__ll_text(llvm, t->plan, t->name, t->kind, t->text, t->err);
}

cj_status cj__compiler_text(cj_compiler *c, const cj_plan *plan, const char *name, cj_text_kind kind, char **out,
                            cj_error *err)
{
    return run_there(c, &(task){.run = write_text, .plan = plan, .name = name, .err = err, .kind = kind, .text = out});
}

#if defined(__x86_64__)
static cj_status compile_timed(cj__ll_compiler *llvm, const task *t)
{
    char symbol[CJ__LL_SYMBOL_SIZE];
    LLVMMemoryBufferRef object;
    cj__ll_symbol(llvm, t->plan, t->name, true, symbol);
    CJ_TRY(cj__ll_compile(llvm, t->plan, symbol, true, &object, t->err));
    return cj__ll_link(llvm, object, symbol, t->name, t->code, t->err);
}
#endif

cj_status cj__compiler_timed(cj_compiler *c, const cj_plan *plan, const char *name, void **out, cj_error *err)
{
#if defined(__x86_64__)
    return run_there(c, &(task){.run = compile_timed, .plan = plan, .name = name, .err = err, .code = out});
#else /* LLVM's counter is one that user programs may not read there */
    (void)c, (void)plan, (void)name, (void)out;
    return cj__fail(err, CJ_UNSUPPORTED,
                    "unsupported: CJ_TIMING_STEPS in compiled code of this processor; use CJ_TIER_INTERP");
#endif
}
