/* x86_vectors.h: what vectors.h wants of an instruction set, for 16 bytes on x86-64 with SSE4.1. */
#include <immintrin.h>
#include <stdint.h>

typedef uint8_t vec __attribute__((vector_size(16)));

static inline vec look_up(vec table, vec index)
{
    return (vec)_mm_shuffle_epi8((__m128i)table, (__m128i)index);
}

static inline vec less(vec a, vec b)
{
    return (vec)_mm_subs_epu8((__m128i)a, (__m128i)b);
}

static inline uint32_t tops(vec v)
{
    return (uint32_t)_mm_movemask_epi8((__m128i)v);
}

static inline int any_top(vec v)
{
    return _mm_movemask_epi8((__m128i)v) != 0;
}

static inline vec zip_low(vec a, vec b)
{
    return (vec)_mm_unpacklo_epi8((__m128i)a, (__m128i)b);
}

static inline vec zip_high(vec a, vec b)
{
    return (vec)_mm_unpackhi_epi8((__m128i)a, (__m128i)b);
}

static inline vec zip_units_low(vec a, vec b)
{
    return (vec)_mm_unpacklo_epi16((__m128i)a, (__m128i)b);
}

static inline vec zip_units_high(vec a, vec b)
{
    return (vec)_mm_unpackhi_epi16((__m128i)a, (__m128i)b);
}

static inline vec pack(vec a, vec b)
{
    return (vec)_mm_packus_epi16((__m128i)a, (__m128i)b);
}
