/* compiler.c: plans in, code out: LLVM modules to objects, objects to memory (ORC).
 *
 *     plan ─ emit.h ─▶ LLVM module ── target machine ──▶ object ── LLJIT ──▶ code
 *
 * Threads: one at a time, and never one that has a guest on its stack: thunks.c has a thread for this.
 * Errors: what LLVM reports is CJ_INTERNAL with its text. No handler for LLVM's fatal errors is installed: they are
 * its own faults, or that it is out of memory, which it cannot report otherwise; the process then aborts with its
 * message.
 * Non-goals: when to compile and what is compiled already (thunks.c), what a plan means (emit_*.c).
 */
#include "exec/llvm/compiler.h"

#include "exec/llvm/emit.h"
#include "exec/llvm/profile.h"
#include "exec/llvm/sections.h"
#include "exec/llvm/target.h"
#include "exec/text/text.h"

#include "build_id.h"

#include <llvm-c/Analysis.h>
#include <llvm-c/ExecutionEngine.h>
#include <llvm-c/Orc.h>
#include <llvm-c/OrcEE.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <stdio.h>

/* -- What LLVM has to say ---------------------------------------------------------------------------------------- */

static void note(cj__ll_compiler *c, const char *text)
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

static cj_status fail_llvm(cj__ll_compiler *c, cj_error *err, LLVMErrorRef error)
{
    char *text = LLVMGetErrorMessage(error);
    cj_status status = cj__fail(err, CJ_INTERNAL, "LLVM: %s%s%s", text, c->report[0] ? ": " : "", c->report);
    LLVMDisposeErrorMessage(text);
    c->report[0] = 0;
    return status;
}

static cj_status fail_reported(cj__ll_compiler *c, cj_error *err)
{
    cj_status status = cj__fail(err, CJ_INTERNAL, "LLVM: %s", c->report);
    c->report[0] = 0;
    return status;
}

/* -- Making and deleting ----------------------------------------------------------------------------------------- */

/* All that compiled code refers to: our helpers and kernels, and what LLVM makes of other memory intrinsics. Nothing is looked up in
 * the process. */
#define SYMBOL_MAP(X) \
    X(cj__ll_in_post_return) \
    X(memmove) \
    X(memset)

static LLVMErrorRef define_symbols(cj__ll_compiler *c)
{
    const struct {
        const char *name;
        uintptr_t address;
    } symbols[] = {
#define CJ_X(name, signature, often) {#name, (uintptr_t)&name},
        CJ__LL_HELPER_MAP(CJ_X)
#undef CJ_X
#define CJ_X(name, signature) {#name, (uintptr_t)cj__text()->name},
            CJ__LL_KERNEL_MAP(CJ_X)
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

/* With listeners. */
static LLVMOrcObjectLayerRef make_gdb_layer(void *user, LLVMOrcExecutionSessionRef session, const char *triple)
{
    LLVMOrcObjectLayerRef layer = cj__sections_layer(user, session, triple);
    LLVMOrcRTDyldObjectLinkingLayerRegisterJITEventListener(layer, LLVMCreateGDBRegistrationListener());
    return layer;
}

static cj_status start_jit(cj__ll_compiler *c, cj_error *err)
{
    LLVMTargetMachineRef machine;
    CJ_TRY(cj__ll_target_machine(LLVMCodeGenLevelDefault, &machine, err));
    LLVMOrcLLJITBuilderRef builder = LLVMOrcCreateLLJITBuilder();
    LLVMOrcLLJITBuilderSetJITTargetMachineBuilder(builder,
                                                  LLVMOrcJITTargetMachineBuilderCreateFromTargetMachine(machine));
    LLVMOrcLLJITBuilderSetObjectLinkingLayerCreator(
        builder, c->profile & CJ_PROFILE_GDB ? make_gdb_layer : cj__sections_layer, NULL);
    LLVMErrorRef error = LLVMOrcCreateLLJIT(&c->jit, builder); /* takes the builder */
    if (error) {
        c->jit = NULL;
        return fail_llvm(c, err, error);
    }
    LLVMOrcExecutionSessionSetErrorReporter(LLVMOrcLLJITGetExecutionSession(c->jit), on_session_error, c);
    error = define_symbols(c);
    if (!error)
        return CJ_OK;
    cj_status status = fail_llvm(c, err, error);
    LLVMConsumeError(LLVMOrcDisposeLLJIT(c->jit));
    c->jit = NULL;
    return status;
}

cj_status cj__ll_compiler_start(cj__ll_compiler *c, cj_error *err)
{
    return c->jit ? CJ_OK : start_jit(c, err);
}

void cj__ll_compiler_fini(cj__ll_compiler *c)
{
    if (c->environment)
        cj__free(c->alloc, c->environment, strlen(c->environment) + 1);
    if (c->jit)
        LLVMConsumeError(LLVMOrcDisposeLLJIT(c->jit));
    if (c->fast)
        LLVMDisposeTargetMachine(c->fast);
    if (c->optimising)
        LLVMDisposeTargetMachine(c->optimising);
}

/* -- Plan to module to object ------------------------------------------------------------------------------------ */

/* The machine for a module, by what emit.c found the plan to be. */
static cj_status machine_for(cj__ll_compiler *c, const cj__ll_module *m, LLVMTargetMachineRef *out, cj_error *err)
{
    LLVMTargetMachineRef *machine = m->big ? &c->fast : &c->optimising;
    if (!*machine)
        CJ_TRY(cj__ll_target_machine(m->big ? LLVMCodeGenLevelNone : (LLVMCodeGenOptLevel)(2 + c->tuning.level),
                                     machine, err));
    *out = *machine;
    return CJ_OK;
}

/* Names of functions come from component files. */
static void make_symbol(const char *name, uint64_t hash, uint64_t number, char out[CJ__LL_SYMBOL_SIZE])
{
    size_t n = 0;
    for (; name[n] && n < 200; n++) {
        unsigned char ch = (unsigned char)name[n];
        out[n] = (char)(ch > ' ' && ch < 0x7f && ch != '"' && ch != '\\' ? ch : '_');
    }
    snprintf(out + n, CJ__LL_SYMBOL_SIZE - n, ".%016llx", (unsigned long long)hash);
    if (number)
        snprintf(out + n + 17, CJ__LL_SYMBOL_SIZE - n - 17, ".%llu", (unsigned long long)number);
}

/* To measure what they would be good for. */
static cj_status run_passes(cj__ll_compiler *c, cj__ll_module *m, LLVMTargetMachineRef machine, cj_error *err)
{
    LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
    LLVMErrorRef error = LLVMRunPasses(m->module, c->tuning.passes, machine, options);
    LLVMDisposePassBuilderOptions(options);
    return error ? fail_llvm(c, err, error) : CJ_OK;
}

/* A module of its own context, which the caller disposes of with the module, also after a failure. `text`: names
 * are kept for people. */
static cj_status write_module(cj__ll_compiler *c, cj__ll_module *m, bool text, LLVMTargetMachineRef *machine,
                              cj_error *err)
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
    if (c->tuning.passes && !m->big)
        CJ_TRY(run_passes(c, m, *machine, err));
#ifndef NDEBUG
    char *complaint = NULL;
    if (LLVMVerifyModule(m->module, LLVMReturnStatusAction, &complaint))
        note(c, complaint);
    LLVMDisposeMessage(complaint);
#endif
    return c->report[0] ? fail_reported(c, err) : CJ_OK;
}

static cj_status generate(cj__ll_compiler *c, cj__ll_module *m, LLVMTargetMachineRef machine, LLVMCodeGenFileType type,
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

cj_status cj__ll_link(cj__ll_compiler *c, LLVMMemoryBufferRef object, const char *symbol, const char *name, void **out,
                      cj_error *err)
{
    cj_status started = cj__ll_compiler_start(c, err);
    if (started != CJ_OK) {
        LLVMDisposeMemoryBuffer(object);
        return started;
    }
    cj__ll_function *functions = NULL;
    size_t count = 0;
    if (c->profile & (CJ_PROFILE_PERF_MAP | CJ_PROFILE_JITDUMP))
        functions = cj__calloc(c->alloc, CJ__LL_MAX_FUNCTIONS, sizeof(*functions));
    if (functions)
        count = cj__ll_profile_read(LLVMGetBufferStart(object), LLVMGetBufferSize(object), symbol, name, functions);
    LLVMOrcExecutorAddress address = 0;
    LLVMErrorRef error = LLVMOrcLLJITAddObjectFile(c->jit, LLVMOrcLLJITGetMainJITDylib(c->jit), object);
    if (!error)
        error = LLVMOrcLLJITLookup(c->jit, &address, symbol);
    *out = (void *)(uintptr_t)address;
    if (!error)
        cj__ll_profile_write(c->profile, functions, count, *out);
    if (functions)
        cj__free(c->alloc, functions, CJ__LL_MAX_FUNCTIONS * sizeof(*functions));
    return error ? fail_llvm(c, err, error) : CJ_OK;
}

void cj__ll_symbol(cj__ll_compiler *c, const cj_plan *plan, const char *name, bool unique, char out[CJ__LL_SYMBOL_SIZE])
{
    make_symbol(name, plan->hash, unique ? ++c->symbols : 0, out);
}

cj_status cj__ll_compile(cj__ll_compiler *c, const cj_plan *plan, const char *symbol, bool timed,
                         LLVMMemoryBufferRef *object, cj_error *err)
{
    cj__ll_module m = {.alloc = c->alloc,
                       .plan = plan,
                       .name = symbol,
                       .tuning = c->tuning,
                       .timed = timed,
                       .unwind_tables = (c->profile & CJ_PROFILE_GDB) != 0};
    LLVMTargetMachineRef machine;
    cj_status status = write_module(c, &m, false, &machine, err);
    if (status == CJ_OK)
        status = generate(c, &m, machine, LLVMObjectFile, object, err);
    dispose(&m);
    return status;
}

/* -- What objects depend on -------------------------------------------------------------------------------------- */

const char *cj__ll_environment(cj__ll_compiler *c)
{
    if (c->environment)
        return c->environment;
    const cj_core_layout *l = &cj__core_layout;
    char head[512];
    snprintf(
        head, sizeof(head), "canonjit %s %s, LLVM %s, %s, tuning %u %u %u %u %d %s, layout %u %u %u %u %u %u %u, %s",
        CJ_VERSION_STRING, CJ_BUILD_ID, CJ_LLVM_VERSION, cj__core_build_info(), c->tuning.part_ops, c->tuning.max_loops,
        c->tuning.big_cost, c->tuning.plain_below, c->tuning.level, c->tuning.passes ? c->tuning.passes : "-",
        l->env_module_inst, l->env_stack_boundary, l->inst_exception, l->inst_custom_data, l->memory_data,
        l->memory_page_count, l->memory_page_size, c->profile & CJ_PROFILE_GDB ? "unwind tables, " : "");
    c->environment = cj__ll_target_text(c->alloc, head);
    return c->environment;
}

/* -- Texts ------------------------------------------------------------------------------------------------------- */

static cj_status copy_text(cj__ll_compiler *c, const char *text, size_t len, char **out, cj_error *err)
{
    *out = cj__malloc(c->alloc, len + 1);
    if (!*out)
        return cj__fail_nomem(err);
    memcpy(*out, text, len);
    (*out)[len] = 0;
    return CJ_OK;
}

cj_status cj__ll_text(cj__ll_compiler *c, const cj_plan *plan, const char *name, cj_text_kind kind, char **out,
                      cj_error *err)
{
    if (kind != CJ_TEXT_LLVM && kind != CJ_TEXT_ASM)
        return cj__fail(err, CJ_MISUSE, "the compiler has texts of LLVM IR and of assembler only");
    char symbol[CJ__LL_SYMBOL_SIZE];
    cj__ll_symbol(c, plan, name, false, symbol);
    cj__ll_module m = {.alloc = c->alloc, .plan = plan, .name = symbol, .tuning = c->tuning};
    LLVMTargetMachineRef machine;
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
    return status;
}
