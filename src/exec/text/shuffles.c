/* shuffles.c: see shuffles.h. Every entry is a sum of bytes, each shifted to where it goes. */
#include "exec/text/shuffles.h"

#define ROWS4(row, i) row(i), row((i) + 1), row((i) + 2), row((i) + 3)
#define ROWS16(row, i) ROWS4(row, i), ROWS4(row, (i) + 4), ROWS4(row, (i) + 8), ROWS4(row, (i) + 12)
#define ROWS64(row, i) ROWS16(row, i), ROWS16(row, (i) + 16), ROWS16(row, (i) + 32), ROWS16(row, (i) + 48)
#define ROWS256(row) ROWS64(row, 0), ROWS64(row, 64), ROWS64(row, 128), ROWS64(row, 192)

#define BIT(bits, k) ((bits) >> (k)&1)
#define BEFORE(bits, k) __builtin_popcount((bits) & ((1 << (k)) - 1))

/* `byte` in byte `to` of 16, of which this is half `half`; nothing when not `kept`. */
#define PUT(half, kept, byte, to) ((kept) && (to) / 8 == (half) ? (uint64_t)(byte) << 8 * ((to)&7) : 0)

#define SUM4(term, half, bits) (term(half, bits, 0) | term(half, bits, 1) | term(half, bits, 2) | term(half, bits, 3))
#define SUM8(term, half, bits) \
    (SUM4(term, half, bits) | term(half, bits, 4) | term(half, bits, 5) | term(half, bits, 6) | term(half, bits, 7))

#define BYTE(half, bits, k) PUT(half, BIT(bits, k), k, BEFORE(bits, k))
#define BYTES_ROW(bits) SUM8(BYTE, 0, bits)

#define UNIT(half, bits, k) \
    (PUT(half, BIT(bits, k), 2 * (k), 2 * BEFORE(bits, k)) | \
     PUT(half, BIT(bits, k), 2 * (k) + 1, 2 * BEFORE(bits, k) + 1))
#define UNITS_ROW(bits) \
    { \
        SUM8(UNIT, 0, bits), SUM8(UNIT, 1, bits) \
    }

#define TWO(half, bits, k) \
    (PUT(half, 1, 2 * (k), (k) + BEFORE(bits, k)) | PUT(half, BIT(bits, k), 2 * (k) + 1, (k) + BEFORE(bits, k) + 1))
#define TWO_ROW(bits) \
    { \
        SUM8(TWO, 0, bits), SUM8(TWO, 1, bits) \
    }

#define THREE_AT(bits, k) ((k) + BEFORE((bits)&15, k) + BEFORE((bits) >> 4, k))
#define THREE(half, bits, k) \
    (PUT(half, BIT(bits, (k) + 4), 4 * (k), THREE_AT(bits, k)) | \
     PUT(half, BIT(bits, k), 4 * (k) + 1, THREE_AT(bits, k) + BIT(bits, (k) + 4)) | \
     PUT(half, 1, 4 * (k) + 2, THREE_AT(bits, k) + BIT(bits, (k) + 4) + BIT(bits, k)))
#define THREE_ROW(bits) \
    { \
        SUM4(THREE, 0, bits), SUM4(THREE, 1, bits) \
    }

const uint64_t cj__text_keep_bytes[256] = {ROWS256(BYTES_ROW)};
const uint64_t cj__text_keep_units[256][2] = {ROWS256(UNITS_ROW)};
const uint64_t cj__text_keep_two[256][2] = {ROWS256(TWO_ROW)};
const uint64_t cj__text_keep_three[256][2] = {ROWS256(THREE_ROW)};
