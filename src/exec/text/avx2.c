/* avx2.c: the string kernels with AVX2: vectors.h, validating 32 bytes at a time. */
#include "exec/text/x86_vectors.h"

typedef uint8_t wide __attribute__((vector_size(32)));

static inline wide wide_look_up(const uint8_t table[16], wide halves)
{
    __m128i entries = _mm_loadu_si128((const __m128i *)table);
    return (wide)_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(entries), (__m256i)halves);
}

static inline wide wide_less(wide a, wide b)
{
    return (wide)_mm256_subs_epu8((__m256i)a, (__m256i)b);
}

static inline int wide_any_top(wide v)
{
    return _mm256_movemask_epi8((__m256i)v) != 0;
}

#include "exec/text/vectors.h"

const cj_text_kernels cj__text_avx2 = {.name = "avx2", VECTOR_TABLE};
