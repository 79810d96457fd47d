/* mend_signals.c: one handler for the process instead of WAMR's per thread, and traps that need no signal.
 *
 * Place in the pipeline: under enter_jit.c. Replaces os_thread_signal_init, os_thread_signal_destroy, os_thread_signal_inited, os_signal_unmask,
 * os_sigreturn and wasm_runtime_access_exce_check_guard_page of WAMR, by the linker's --wrap.
 *
 * The faults: WAMR keeps the action that was there before its own once per thread (1.1.2) or overwrites it (2.x): the second thread stores
 * WAMR's own handler as "previous", and a real fault on it spins for ever; the program's own SIGSEGV action is lost or called with signals blocked.
 * It takes every fault near a guest's memory for the guest's, also one of the program's own functions, and jumps over its frames. And each trap that
 * a guest makes itself (a division by zero) goes through a page fault and a signal, 2.6 us.
 *
 * Here: the handler is installed with the runtime and removed with it. A fault is a guest's when the thread is inside an entered
 * frame, the address lies in the 8 GiB of the memory of the instance that runs, and the instruction is in no loaded object (so it is JIT code).
 * Everything else goes to the action that was there before, as if we were not there. Signals are never blocked: leaving by longjmp needs no
 * unblocking. A program that wants a SIGSEGV handler of its own installs it before the first engine, or chains to ours.
 * Non-goals: finding stack overflows: those are found by comparison, never by a guard page (design D5).
 */
#include "engine/wamr.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <ucontext.h>

int __wrap_os_thread_signal_init(os_signal_handler handler);
void __wrap_os_thread_signal_destroy(void);
bool __wrap_os_thread_signal_inited(void);
void __wrap_os_signal_unmask(void);
void __wrap_os_sigreturn(void);
void __wrap_wasm_runtime_access_exce_check_guard_page(void);

enum { SEGV, BUS, SIGNALS };
static const int signal_numbers[SIGNALS] = {SIGSEGV, SIGBUS};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static bool installed;
static struct sigaction previous[SIGNALS];
static os_signal_handler wamr_handler; /* for programs that call WAMR's own functions beside us */

#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 35)
static bool in_loaded_object(void *pc)
{
    struct dl_find_object found;
    return _dl_find_object(pc, &found) == 0; /* async-signal-safe, unlike dladdr */
}
#else
static bool in_loaded_object(void *pc)
{
    (void)pc;
    return false;
}
#endif

static void *fault_pc(void *context)
{
    const ucontext_t *u = context;
#if defined(__x86_64__)
    return (void *)(uintptr_t)u->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return (void *)(uintptr_t)u->uc_mcontext.pc;
#else
#error "where is the program counter?"
#endif
}

/* Leaves by a jump when the fault is a guest's out-of-bounds access. */
static void try_guest(siginfo_t *info, void *context)
{
    WASMExecEnv *env;
    WASMJmpBuf *wamr_jump;
    if (info->si_code <= 0 || in_loaded_object(fault_pc(context)))
        return;
    cj__leave_is_ours(&env, &wamr_jump);
    if (env == NULL)
        return;
    if (env != cj__entered_env()) { /* the program's own use of WAMR */
        if (wamr_handler != NULL)
            wamr_handler(info->si_addr);
        return;
    }
    WASMModuleInstance *inst = (WASMModuleInstance *)env->module_inst;
    if (inst == NULL || inst->memory_count == 0)
        return;
    uintptr_t base = (uintptr_t)inst->memories[0]->memory_data, at = (uintptr_t)info->si_addr;
    if (base == 0 || at < base || at - base >= (uint64_t)8 << 30)
        return;
    cj__exception_set(inst, "out of bounds memory access");
#if defined(__SANITIZE_THREAD__) /* whose own handler, around this one, blocks all signals until it returns */
    pthread_sigmask(SIG_SETMASK, &((const ucontext_t *)context)->uc_sigmask, NULL);
#endif
    cj__leave();
}

static void forward(int sig, siginfo_t *info, void *context)
{
    struct sigaction *old = &previous[sig == SIGBUS ? BUS : SEGV];
    bool plain = (old->sa_flags & SA_SIGINFO) == 0;
    if (plain && old->sa_handler == SIG_IGN && info->si_code <= 0)
        return; /* sent by a process; a real fault cannot be ignored */
    if (plain && (old->sa_handler == SIG_DFL || old->sa_handler == SIG_IGN)) {
        /* The instruction is tried again and faults again, now with the default action. */
        struct sigaction dfl = {.sa_handler = SIG_DFL};
        sigaction(sig, &dfl, NULL);
        if (info->si_code <= 0)
            raise(sig);
        return;
    }
    /* Called with the signals blocked that its action asked for; returning from the signal unblocks them. */
    sigset_t mask = old->sa_mask;
    struct sigaction now = *old;
    if ((old->sa_flags & SA_NODEFER) == 0)
        sigaddset(&mask, sig);
    if ((old->sa_flags & (int)SA_RESETHAND) != 0)
        *old = (struct sigaction){.sa_handler = SIG_DFL};
    pthread_sigmask(SIG_BLOCK, &mask, NULL);
    if (plain)
        now.sa_handler(sig);
    else
        now.sa_sigaction(sig, info, context);
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
    try_guest(info, context);
    forward(sig, info, context);
}

/* -- What WAMR calls ------------------------------------------------------------------------------------------------------------- */

/* With the runtime on its first thread, and by WAMR's users for others: once is enough. */
int __wrap_os_thread_signal_init(os_signal_handler handler)
{
    int status = 0;
    pthread_mutex_lock(&mutex);
    if (!installed) {
        /* SA_ONSTACK: threads of a program that has alternate stacks (Go, the JVM) want them used. */
        struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};
        sigemptyset(&action.sa_mask);
        wamr_handler = handler;
        for (int i = 0; i < SIGNALS && status == 0; i++)
            status = sigaction(signal_numbers[i], &action, &previous[i]);
        installed = status == 0;
    }
    pthread_mutex_unlock(&mutex);
    return status;
}

/* Threads have nothing to give back; the runtime's end is cj__signals_remove's. */
void __wrap_os_thread_signal_destroy(void)
{
}

bool __wrap_os_thread_signal_inited(void)
{
    return true;
}

void __wrap_os_signal_unmask(void)
{
}

void __wrap_os_sigreturn(void)
{
}

void cj__signals_remove(void)
{
    pthread_mutex_lock(&mutex);
    for (int i = 0; installed && i < SIGNALS; i++) {
        struct sigaction now;
        if (sigaction(signal_numbers[i], NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) != 0 &&
            now.sa_sigaction == on_fault)
            sigaction(signal_numbers[i], &previous[i], NULL);
        /* A handler that was installed after ours and may chain to it keeps it alive: on_fault then only forwards. */
    }
    installed = false;
    pthread_mutex_unlock(&mutex);
}

/* WAMR's way to leave after it has set an exception: it touches a protected page. We are in C already, so we jump. */
void __wrap_wasm_runtime_access_exce_check_guard_page(void)
{
    cj__leave();
}
