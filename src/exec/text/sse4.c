/* sse4.c: the string kernels with SSE4.1 (and SSSE3's byte shuffle, POPCNT): vectors.h with 16 bytes. */
#include "exec/text/x86_vectors.h"

typedef vec wide;

static inline wide wide_look_up(const uint8_t table[16], wide halves)
{
    return look_up((vec)_mm_loadu_si128((const __m128i *)table), halves);
}

static inline wide wide_less(wide a, wide b)
{
    return less(a, b);
}

static inline int wide_any_top(wide v)
{
    return any_top(v);
}

#include "exec/text/vectors.h"

const cj_text_kernels cj__text_sse4 = {.name = "sse4", VECTOR_TABLE};
