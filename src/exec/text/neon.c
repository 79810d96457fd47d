/* neon.c: the string kernels with NEON, which every 64-bit ARM has: vectors.h with 16 bytes. */
#include <arm_neon.h>

typedef uint8x16_t vec;
typedef vec wide;

static inline vec look_up(vec table, vec index)
{
    return vqtbl1q_u8(table, index);
}

static inline vec less(vec a, vec b)
{
    return vqsubq_u8(a, b);
}

static inline uint32_t tops(vec v)
{
    static const uint8_t weights[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    vec set = vandq_u8(vcltzq_s8(vreinterpretq_s8_u8(v)), vld1q_u8(weights));
    return vaddv_u8(vget_low_u8(set)) | (uint32_t)vaddv_u8(vget_high_u8(set)) << 8;
}

static inline int any_top(vec v)
{
    return vmaxvq_u8(v) >= 0x80;
}

static inline vec zip_low(vec a, vec b)
{
    return vzip1q_u8(a, b);
}

static inline vec zip_high(vec a, vec b)
{
    return vzip2q_u8(a, b);
}

static inline vec zip_units_low(vec a, vec b)
{
    return vreinterpretq_u8_u16(vzip1q_u16(vreinterpretq_u16_u8(a), vreinterpretq_u16_u8(b)));
}

static inline vec zip_units_high(vec a, vec b)
{
    return vreinterpretq_u8_u16(vzip2q_u16(vreinterpretq_u16_u8(a), vreinterpretq_u16_u8(b)));
}

static inline vec pack(vec a, vec b)
{
    return vuzp1q_u8(a, b);
}

static inline wide wide_look_up(const uint8_t table[16], wide halves)
{
    return look_up(vld1q_u8(table), halves);
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

const cj_text_kernels cj__text_neon = {.name = "neon", VECTOR_TABLE};
