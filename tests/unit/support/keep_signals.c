/* keep_signals.c: linked into every test program: takes SIGSEGV and SIGBUS out of cmocka's hands.
 *
 * cmocka sets a handler of its own around every test and fixture, and puts back what it found: the engine's handler, installed in a fixture, would be
 * gone in the test, and a guest's out-of-bounds access would end it. A fault that is no guest's ends the program instead, which counts as
 * a failure.
 */
#include <signal.h>
#include <stddef.h>

__attribute__((visibility("default"))) __sighandler_t signal(int sig, __sighandler_t handler)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART}, old;
    sigemptyset(&action.sa_mask);
    if (sig == SIGSEGV || sig == SIGBUS)
        return SIG_DFL;
    return sigaction(sig, &action, &old) == 0 ? old.sa_handler : SIG_ERR;
}
