/* text.c: chooses the table of string kernels for this machine.
 *
 * Place in the pipeline: text.h. Each table's file is compiled for its instruction set (CMakeLists.txt), so nothing of
 * it may run before it was asked here whether the machine has that. No mutable state but the choice, which is the
 * same whoever makes it.
 */
#include "exec/text/text.h"

#include <stdlib.h>
#include <string.h>

const cj_text_kernels *_Atomic cj__text_chosen;

static bool always(void)
{
    return true;
}

#if defined(__x86_64__)
/* What these builtins say includes that the system saves the registers. */
static bool has_sse4(void)
{
    return __builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("popcnt");
}

static bool has_avx2(void)
{
    return has_sse4() && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi");
}

/* From Ice Lake and Zen 4 on. */
static bool has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi") &&
           __builtin_cpu_supports("avx512vbmi2");
}
#endif

/* The fastest first. */
static const struct {
    const cj_text_kernels *table;
    bool (*can_run)(void);
} tables[] = {
#if defined(__x86_64__)
    {&cj__text_avx512, has_avx512},
    {&cj__text_avx2, has_avx2},
    {&cj__text_sse4, has_sse4},
#elif defined(__aarch64__)
    {&cj__text_neon, always}, /* of every such machine */
#endif
    {&cj__text_scalar, always},
};

static void look_at_machine(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init(); /* does nothing the second time */
#endif
}

const cj_text_kernels *cj__text_named(const char *name)
{
    look_at_machine();
    for (size_t i = 0; i < CJ_COUNT(tables); i++)
        if (strcmp(tables[i].table->name, name) == 0)
            return tables[i].can_run() ? tables[i].table : NULL;
    return NULL;
}

const cj_text_kernels *cj__text_choose(void)
{
    const char *name = secure_getenv("CANONJIT_TEXT");
    const cj_text_kernels *chosen = name ? cj__text_named(name) : NULL;
    look_at_machine();
    for (size_t i = 0; !chosen; i++) /* the last one always can */
        if (tables[i].can_run())
            chosen = tables[i].table;
    atomic_store_explicit(&cj__text_chosen, chosen, memory_order_relaxed);
    return chosen;
}
