/* mend_exit.c: a process that exits with modules loaded does not die of it.
 *
 * Place in the pipeline: knows the modules that module.c has loaded, and has exit() wait for WAMR's threads that compile them.
 *
 * After a module is loaded, these threads go on compiling, with LLVM, for as long as it has functions that no one has called. A program that
 * exits then, by a return from main or by exit() when something else has failed, destroys LLVM's static objects under them. Unloading waits
 * for them; so must exit. Not: _exit and abort, which destroy nothing, and threads of the program that use canonjit while it exits.
 */
#include "engine/wamr.h"

#include <llvm-c/Core.h>
#include <llvm-c/TargetMachine.h>

#include <pthread.h>
#include <stdlib.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static cj_core_module *loaded;
static uint32_t loads;

static void stop_compiling(void)
{
    pthread_mutex_lock(&mutex);
    for (cj_core_module *m = loaded; m != NULL; m = m->next_loaded)
        m->wasm->orcjit_stop_compiling = true;
    for (cj_core_module *m = loaded; m != NULL; m = m->next_loaded) {
        for (size_t i = 0; i < sizeof m->wasm->orcjit_threads / sizeof m->wasm->orcjit_threads[0]; i++) {
            if (m->wasm->orcjit_threads[i] != 0) {
                pthread_join(m->wasm->orcjit_threads[i], NULL);
                m->wasm->orcjit_threads[i] =
                    0; /* the module may be unloaded yet, by a handler that runs after this one */
            }
        }
    }
    pthread_mutex_unlock(&mutex);
}

static void before_fork(void)
{
    pthread_mutex_lock(&mutex);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&mutex);
}

/* The child has none of the threads: it waits for those of the modules that it loads itself. */
static void after_fork_in_child(void)
{
    loaded = NULL;
    loads = 0;
    pthread_mutex_unlock(&mutex);
}

static void watch_forks(void)
{
    pthread_atfork(before_fork, after_fork, after_fork_in_child);
}

/* Handlers run in the reverse order of their registration, along with the destructors of static objects, many of which LLVM makes when it first
 * generates code: so it does that before ours is registered. */
static void compile_something(void)
{
    LLVMContextRef context = LLVMContextCreate();
    LLVMModuleRef module = LLVMModuleCreateWithNameInContext("cj", context);
    LLVMTypeRef types[] = {LLVMPointerType(LLVMInt32TypeInContext(context), 0), LLVMDoubleTypeInContext(context),
                           LLVMInt64TypeInContext(context)};
    LLVMTypeRef type = LLVMFunctionType(types[1], types, 3, false);
    LLVMValueRef callee = LLVMAddFunction(module, "callee", type), fn = LLVMAddFunction(module, "f", type);
    LLVMBuilderRef b = LLVMCreateBuilderInContext(context);
    LLVMPositionBuilderAtEnd(b, LLVMAppendBasicBlockInContext(context, fn, ""));
    LLVMValueRef at = LLVMBuildGEP2(b, types[2], LLVMGetParam(fn, 0), &(LLVMValueRef){LLVMGetParam(fn, 2)}, 1, "");
    LLVMValueRef sum = LLVMBuildAdd(b, LLVMBuildLoad2(b, types[2], at, ""), LLVMGetParam(fn, 2), "");
    LLVMValueRef args[] = {LLVMGetParam(fn, 0),
                           LLVMBuildFMul(b, LLVMGetParam(fn, 1), LLVMBuildSIToFP(b, sum, types[1], ""), ""), sum};
    LLVMBuildRet(b, LLVMBuildCall2(b, type, callee, args, 3, ""));
    LLVMDisposeBuilder(b);

    char *triple = LLVMGetDefaultTargetTriple(), *message = NULL;
    LLVMTargetRef target;
    LLVMMemoryBufferRef code = NULL;
    if (LLVMGetTargetFromTriple(triple, &target, &message) == 0) {
        LLVMTargetMachineRef machine = LLVMCreateTargetMachine(target, triple, "", "", LLVMCodeGenLevelDefault,
                                                               LLVMRelocDefault, LLVMCodeModelJITDefault);
        if (machine != NULL &&
            LLVMTargetMachineEmitToMemoryBuffer(machine, module, LLVMObjectFile, &message, &code) == 0)
            LLVMDisposeMemoryBuffer(code);
        if (machine != NULL)
            LLVMDisposeTargetMachine(machine);
    }
    LLVMDisposeMessage(message);
    LLVMDisposeMessage(triple);
    LLVMDisposeModule(module);
    LLVMContextDispose(context);
}

void cj__exit_watch(cj_core_module *m)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch_forks);
    pthread_mutex_lock(&mutex);
    m->next_loaded = loaded;
    loaded = m;
    if (loads == 0)
        compile_something();
    /* Again now and then, because there may be more of these. */
    if ((loads & (loads - 1)) == 0)
        atexit(stop_compiling);
    loads++;
    pthread_mutex_unlock(&mutex);
}

void cj__exit_forget(cj_core_module *m)
{
    pthread_mutex_lock(&mutex);
    for (cj_core_module **p = &loaded; *p != NULL; p = &(*p)->next_loaded) {
        if (*p == m) {
            *p = m->next_loaded;
            break;
        }
    }
    pthread_mutex_unlock(&mutex);
}
