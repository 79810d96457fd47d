/* compiler.c: plans in, code out: LLVM modules to objects, objects to memory (ORC), and the cache of what is
 * compiled.
 *
 *     plan ─ emit.h ─▶ LLVM module ── target machine ──▶ object ── LLJIT ──▶ code ──▶ cache by plan->key
 *                                                             └ here a disk cache will look first and store last
 *
 * Threads: `table` guards the cache and is held for a look-up only; `compile` is held while LLVM works, one module at
 * a time. A background compiler is a thread that calls cj__compiler_code.
 * Errors: what LLVM reports is CJ_INTERNAL with its text. No handler for LLVM's fatal errors is installed: they are
 * its own faults, or that it is out of memory, which it cannot report otherwise; the process then aborts with its
 * message.
 * Non-goals: when to compile (runtime/), what a plan means (emit_*.c).
 */
#include "base/hash.h"
#include "exec/llvm/emit.h"
#include "exec/llvm/target.h"

#include <llvm-c/Analysis.h>
#include <llvm-c/LLJIT.h>
#include <llvm-c/Orc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Code of one shape. */
typedef struct cached {
    UT_hash_handle hh;
    void *code;
    size_t key_len;
    uint8_t key[];
} cached;

struct cj_compiler {
    const cj_allocator *alloc;
    pthread_mutex_t table, compile;
    uint64_t seed;
    cached *codes; /* under `table` */
    uint64_t compiled, hits, compile_ns;
    /* Under `compile`. */
    cj__compiler_tuning tuning;
    LLVMTargetMachineRef fast, optimising; /* made when first needed */
    LLVMOrcLLJITRef jit;
    uint64_t symbols;
    char report[256]; /* what LLVM said last */
};

/* -- What LLVM has to say ---------------------------------------------------------------------------------------- */

static void note(cj_compiler *c, const char *text)
{
    if (!c->report[0])
        snprintf(c->report, sizeof(c->report), "%s", text);
}

static void on_session_error(void *user, LLVMErrorRef error)
{
    char *text = LLVMGetErrorMessage(error);
    note(user, text);
    LLVMDisposeErrorMessage(text);
}

/* Without a handler an error in code generation ends the process. */
static void on_diagnostic(LLVMDiagnosticInfoRef info, void *user)
{
    if (LLVMGetDiagInfoSeverity(info) != LLVMDSError)
        return;
    char *text = LLVMGetDiagInfoDescription(info);
    note(user, text);
    LLVMDisposeMessage(text);
}

static cj_status fail_llvm(cj_compiler *c, cj_error *err, LLVMErrorRef error)
{
    char *text = LLVMGetErrorMessage(error);
    cj_status status = cj__fail(err, CJ_INTERNAL, "LLVM: %s%s%s", text, c->report[0] ? ": " : "", c->report);
    LLVMDisposeErrorMessage(text);
    c->report[0] = 0;
    return status;
}

static cj_status fail_reported(cj_compiler *c, cj_error *err)
{
    cj_status status = cj__fail(err, CJ_INTERNAL, "LLVM: %s", c->report);
    c->report[0] = 0;
    return status;
}

/* -- Making and deleting ----------------------------------------------------------------------------------------- */

/* All that compiled code refers to: our helpers, and what LLVM makes of memory intrinsics. Nothing is looked up in
 * the process. */
#define SYMBOL_MAP(X) \
    X(cj__ll_in_post_return) \
    X(memcpy) \
    X(memmove) \
    X(memset)

static LLVMErrorRef define_symbols(cj_compiler *c)
{
    static const struct {
        const char *name;
        uintptr_t address;
    } symbols[] = {
#define CJ_X(name, signature) {#name, (uintptr_t)&name},
        CJ__LL_HELPER_MAP(CJ_X)
#undef CJ_X
#define CJ_X(name) {#name, (uintptr_t)&name},
            SYMBOL_MAP(CJ_X)
#undef CJ_X
    };
    LLVMOrcCSymbolMapPair pairs[CJ_COUNT(symbols)];
    for (size_t i = 0; i < CJ_COUNT(symbols); i++) {
        pairs[i].Name = LLVMOrcLLJITMangleAndIntern(c->jit, symbols[i].name);
        pairs[i].Sym.Address = symbols[i].address;
        pairs[i].Sym.Flags = (LLVMJITSymbolFlags){LLVMJITSymbolGenericFlagsExported, 0};
    }
    return LLVMOrcJITDylibDefine(LLVMOrcLLJITGetMainJITDylib(c->jit), LLVMOrcAbsoluteSymbols(pairs, CJ_COUNT(symbols)));
}

static cj_status start_jit(cj_compiler *c, cj_error *err)
{
    LLVMTargetMachineRef machine;
    CJ_TRY(cj__ll_target_machine(LLVMCodeGenLevelDefault, &machine, err));
    LLVMOrcLLJITBuilderRef builder = LLVMOrcCreateLLJITBuilder();
    LLVMOrcLLJITBuilderSetJITTargetMachineBuilder(builder,
                                                  LLVMOrcJITTargetMachineBuilderCreateFromTargetMachine(machine));
    LLVMErrorRef error = LLVMOrcCreateLLJIT(&c->jit, builder); /* takes the builder */
    if (error) {
        c->jit = NULL;
        return fail_llvm(c, err, error);
    }
    LLVMOrcExecutionSessionSetErrorReporter(LLVMOrcLLJITGetExecutionSession(c->jit), on_session_error, c);
    error = define_symbols(c);
    return error ? fail_llvm(c, err, error) : CJ_OK;
}

cj_status cj__compiler_new(const cj_allocator *hook, cj_compiler **out, cj_error *err)
{
    const cj_allocator *alloc = cj__alloc_or_default(hook);
    cj_compiler *c = cj__calloc(alloc, 1, sizeof(*c));
    if (!c)
        return cj__fail_nomem(err);
    c->alloc = alloc;
    c->seed = cj__hash_seed();
    c->tuning = CJ__COMPILER_TUNING;
    pthread_mutex_init(&c->table, NULL);
    pthread_mutex_init(&c->compile, NULL);
    cj_status status = start_jit(c, err);
    if (status != CJ_OK) {
        cj__compiler_delete(c);
        return status;
    }
    *out = c;
    return CJ_OK;
}

void cj__compiler_tune(cj_compiler *c, const cj__compiler_tuning *tuning)
{
    c->tuning = *tuning;
    c->tuning.part_ops += !tuning->part_ops;
    c->tuning.max_loops += !tuning->max_loops;
}

void cj__compiler_delete(cj_compiler *c)
{
    if (!c)
        return;
    if (c->jit)
        LLVMConsumeError(LLVMOrcDisposeLLJIT(c->jit));
    if (c->fast)
        LLVMDisposeTargetMachine(c->fast);
    if (c->optimising)
        LLVMDisposeTargetMachine(c->optimising);
    const cj_allocator *hash_alloc = c->alloc;
    cached *entry, *next;
    HASH_ITER (hh, c->codes, entry, next) {
        HASH_DEL(c->codes, entry);
        cj__free(c->alloc, entry, sizeof(*entry) + entry->key_len);
    }
    pthread_mutex_destroy(&c->table);
    pthread_mutex_destroy(&c->compile);
    cj__free(c->alloc, c, sizeof(*c));
}

/* -- Plan to module to object ------------------------------------------------------------------------------------ */

/* The machine for a module, by what emit.c found the plan to be. */
static cj_status machine_for(cj_compiler *c, const cj__ll_module *m, LLVMTargetMachineRef *out, cj_error *err)
{
    LLVMTargetMachineRef *machine = m->big ? &c->fast : &c->optimising;
    if (!*machine)
        CJ_TRY(cj__ll_target_machine(m->big ? LLVMCodeGenLevelNone : LLVMCodeGenLevelDefault, machine, err));
    *out = *machine;
    return CJ_OK;
}

/* Names of functions come from component files. */
static void make_symbol(const char *name, uint64_t hash, uint64_t number, char out[256])
{
    size_t n = 0;
    for (; name[n] && n < 200; n++) {
        unsigned char ch = (unsigned char)name[n];
        out[n] = (char)(ch > ' ' && ch < 0x7f && ch != '"' && ch != '\\' ? ch : '_');
    }
    snprintf(out + n, 256 - n, ".%016llx", (unsigned long long)hash);
    if (number)
        snprintf(out + n + 17, 256 - n - 17, ".%llu", (unsigned long long)number);
}

/* A module of its own context, which the caller disposes of with the module, also after a failure. `text`: names
 * are kept for people. */
static cj_status write_module(cj_compiler *c, cj__ll_module *m, bool text, LLVMTargetMachineRef *machine, cj_error *err)
{
    m->context = LLVMContextCreate();
    LLVMContextSetDiagnosticHandler(m->context, on_diagnostic, c);
    LLVMContextSetDiscardValueNames(m->context, !text);
    m->module = LLVMModuleCreateWithNameInContext(m->name, m->context);
    CJ_TRY(cj__ll_emit(m, err));
    CJ_TRY(machine_for(c, m, machine, err));
    char *triple = LLVMGetTargetMachineTriple(*machine);
    LLVMSetTarget(m->module, triple);
    LLVMDisposeMessage(triple);
    LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(*machine);
    LLVMSetModuleDataLayout(m->module, layout);
    LLVMDisposeTargetData(layout);
#ifndef NDEBUG
    char *complaint = NULL;
    if (LLVMVerifyModule(m->module, LLVMReturnStatusAction, &complaint))
        note(c, complaint);
    LLVMDisposeMessage(complaint);
#endif
    return c->report[0] ? fail_reported(c, err) : CJ_OK;
}

static cj_status generate(cj_compiler *c, cj__ll_module *m, LLVMTargetMachineRef machine, LLVMCodeGenFileType type,
                          LLVMMemoryBufferRef *out, cj_error *err)
{
    char *message = NULL;
    if (LLVMTargetMachineEmitToMemoryBuffer(machine, m->module, type, &message, out)) {
        note(c, message);
        LLVMDisposeMessage(message);
        return fail_reported(c, err);
    }
    if (!c->report[0])
        return CJ_OK;
    LLVMDisposeMemoryBuffer(*out);
    return fail_reported(c, err);
}

static void dispose(cj__ll_module *m)
{
    if (m->module)
        LLVMDisposeModule(m->module);
    if (m->context)
        LLVMContextDispose(m->context);
}

/* -- Object to code ---------------------------------------------------------------------------------------------- */

static cj_status link_object(cj_compiler *c, LLVMMemoryBufferRef object, const char *symbol, void **out, cj_error *err)
{
    LLVMErrorRef error = LLVMOrcLLJITAddObjectFile(c->jit, LLVMOrcLLJITGetMainJITDylib(c->jit), object);
    if (error)
        return fail_llvm(c, err, error);
    LLVMOrcExecutorAddress address = 0;
    error = LLVMOrcLLJITLookup(c->jit, &address, symbol);
    if (error)
        return fail_llvm(c, err, error);
    *out = (void *)(uintptr_t)address;
    return CJ_OK;
}

/* Under `compile`. */
static cj_status compile(cj_compiler *c, const cj_plan *plan, const char *name, bool timed, void **out, cj_error *err)
{
    char symbol[256];
    make_symbol(name, plan->hash, c->symbols++, symbol);
    cj__ll_module m = {.alloc = c->alloc, .plan = plan, .name = symbol, .tuning = c->tuning, .timed = timed};
    LLVMTargetMachineRef machine;
    LLVMMemoryBufferRef object = NULL;
    cj_status status = write_module(c, &m, false, &machine, err);
    if (status == CJ_OK)
        status = generate(c, &m, machine, LLVMObjectFile, &object, err);
    dispose(&m);
    return status == CJ_OK ? link_object(c, object, symbol, out, err) : status;
}

/* -- Cache ------------------------------------------------------------------------------------------------------- */

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void *find(cj_compiler *c, const cj_plan *plan, unsigned hash)
{
    cached *entry;
    pthread_mutex_lock(&c->table);
    HASH_FIND_BYHASHVALUE(hh, c->codes, plan->key, plan->key_len, hash, entry);
    if (entry)
        c->hits++;
    pthread_mutex_unlock(&c->table);
    return entry ? entry->code : NULL;
}

static cj_status add(cj_compiler *c, const cj_plan *plan, unsigned hash, void *code, uint64_t ns, cj_error *err)
{
    const cj_allocator *hash_alloc = c->alloc;
    bool hash_oom = false;
    cached *entry = cj__malloc(c->alloc, sizeof(*entry) + plan->key_len);
    if (!entry)
        return cj__fail_nomem(err);
    entry->code = code;
    entry->key_len = plan->key_len;
    memcpy(entry->key, plan->key, plan->key_len);
    pthread_mutex_lock(&c->table);
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, c->codes, entry->key, entry->key_len, hash, entry);
    if (!hash_oom) {
        c->compiled++;
        c->compile_ns += ns;
    }
    pthread_mutex_unlock(&c->table);
    if (!hash_oom)
        return CJ_OK;
    cj__free(c->alloc, entry, sizeof(*entry) + plan->key_len);
    return cj__fail_nomem(err);
}

cj_status cj__compiler_code(cj_compiler *c, const cj_plan *plan, const char *name, void **out, cj_error *err)
{
    unsigned hash = cj__hash(c->seed, plan->key, plan->key_len);
    void *code = find(c, plan, hash);
    cj_status status = CJ_OK;
    if (!code) {
        pthread_mutex_lock(&c->compile);
        code = find(c, plan, hash); /* another thread's, meanwhile */
        if (!code) {
            uint64_t start = now_ns();
            status = compile(c, plan, name, false, &code, err);
            if (status == CJ_OK)
                status = add(c, plan, hash, code, now_ns() - start, err);
        }
        pthread_mutex_unlock(&c->compile);
    }
    if (status == CJ_OK)
        *out = code;
    return status;
}

cj_status cj__compiler_timed(cj_compiler *c, const cj_plan *plan, const char *name, void **out, cj_error *err)
{
#if defined(__x86_64__)
    pthread_mutex_lock(&c->compile);
    cj_status status = compile(c, plan, name, true, out, err);
    pthread_mutex_unlock(&c->compile);
    return status;
#else /* LLVM's counter is one that user programs may not read there */
    (void)c, (void)plan, (void)name, (void)out;
    return cj__fail(err, CJ_UNSUPPORTED, "unsupported: CJ_TIMING_STEPS in compiled code of this processor; use CJ_TIER_INTERP");
#endif
}

void cj__compiler_stats(const cj_compiler *compiler, cj_engine_stats *add_to)
{
    cj_compiler *c = (cj_compiler *)compiler; /* for its mutex */
    pthread_mutex_lock(&c->table);
    add_to->thunks_compiled += c->compiled;
    add_to->thunk_cache_hits += c->hits;
    add_to->compile_ns += c->compile_ns;
    pthread_mutex_unlock(&c->table);
}

/* -- Texts ------------------------------------------------------------------------------------------------------- */

static cj_status copy_text(cj_compiler *c, const char *text, size_t len, char **out, cj_error *err)
{
    *out = cj__malloc(c->alloc, len + 1);
    if (!*out)
        return cj__fail_nomem(err);
    memcpy(*out, text, len);
    (*out)[len] = 0;
    return CJ_OK;
}

cj_status cj__compiler_text(cj_compiler *c, const cj_plan *plan, const char *name, cj_text_kind kind, char **out,
                            cj_error *err)
{
    if (kind != CJ_TEXT_LLVM && kind != CJ_TEXT_ASM)
        return cj__fail(err, CJ_MISUSE, "the compiler has texts of LLVM IR and of assembler only");
    char symbol[256];
    make_symbol(name, plan->hash, 0, symbol);
    cj__ll_module m = {.alloc = c->alloc, .plan = plan, .name = symbol, .tuning = c->tuning};
    LLVMTargetMachineRef machine;
    pthread_mutex_lock(&c->compile);
    cj_status status = write_module(c, &m, true, &machine, err);
    if (status == CJ_OK && kind == CJ_TEXT_LLVM) {
        char *text = LLVMPrintModuleToString(m.module);
        status = copy_text(c, text, strlen(text), out, err);
        LLVMDisposeMessage(text);
    } else if (status == CJ_OK) {
        LLVMMemoryBufferRef buffer;
        status = generate(c, &m, machine, LLVMAssemblyFile, &buffer, err);
        if (status == CJ_OK) {
            status = copy_text(c, LLVMGetBufferStart(buffer), LLVMGetBufferSize(buffer), out, err);
            LLVMDisposeMemoryBuffer(buffer);
        }
    }
    dispose(&m);
    pthread_mutex_unlock(&c->compile);
    return status;
}
