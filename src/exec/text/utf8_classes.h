/* utf8_classes.h: what two neighbouring bytes can have wrong in UTF-8, as tables that a byte shuffle looks up.
 *
 * Place in the pipeline: the validators of all SIMD tables. The method is Keiser and Lemire's ("Validating UTF-8 in
 * less than one instruction per byte"): each kind of fault is a bit; a pair of bytes has a fault when the high half of the
 * first, its low half and the high half of the second all allow it. Only whether a continuation is the second of two, or
 * missing as third or fourth, needs a look further back.
 */
#ifndef CJ_EXEC_TEXT_UTF8_CLASSES_H
#define CJ_EXEC_TEXT_UTF8_CLASSES_H

#include <stdint.h>

enum {
    CUT = 1 << 0,           /* lead, then no continuation */
    STRAY = 1 << 1,         /* ASCII, then a continuation */
    OVERLONG_2 = 1 << 2,    /* c0, c1 */
    OVERLONG_3 = 1 << 3,    /* e0, below a0 */
    SURROGATE = 1 << 4,     /* ed, from a0 on */
    TOO_LARGE = 1 << 5,     /* f4, from 90 on; f5 and above, from 90 on */
    FOUR_AND_LOW = 1 << 6,  /* f0, below 90: overlong; f5 and above, below 90: too large */
    CONTINUATIONS = 1 << 7, /* two: right if the second is a third or fourth byte */
    ANY_LOW = CUT | STRAY | CONTINUATIONS
};

/* By a half byte. */
static const uint8_t utf8_first_high[16] = {STRAY,
                                            STRAY,
                                            STRAY,
                                            STRAY,
                                            STRAY,
                                            STRAY,
                                            STRAY,
                                            STRAY,
                                            CONTINUATIONS,
                                            CONTINUATIONS,
                                            CONTINUATIONS,
                                            CONTINUATIONS,
                                            CUT | OVERLONG_2,
                                            CUT,
                                            CUT | OVERLONG_3 | SURROGATE,
                                            CUT | TOO_LARGE | FOUR_AND_LOW};
static const uint8_t utf8_first_low[16] = {ANY_LOW | OVERLONG_2 | OVERLONG_3 | FOUR_AND_LOW,
                                           ANY_LOW | OVERLONG_2,
                                           ANY_LOW,
                                           ANY_LOW,
                                           ANY_LOW | TOO_LARGE,
                                           ANY_LOW | TOO_LARGE | FOUR_AND_LOW,
                                           ANY_LOW | TOO_LARGE | FOUR_AND_LOW,
                                           ANY_LOW | TOO_LARGE | FOUR_AND_LOW,
                                           ANY_LOW | TOO_LARGE | FOUR_AND_LOW,
                                           ANY_LOW | TOO_LARGE | FOUR_AND_LOW,
                                           ANY_LOW | TOO_LARGE | FOUR_AND_LOW,
                                           ANY_LOW | TOO_LARGE | FOUR_AND_LOW,
                                           ANY_LOW | TOO_LARGE | FOUR_AND_LOW,
                                           ANY_LOW | TOO_LARGE | FOUR_AND_LOW | SURROGATE,
                                           ANY_LOW | TOO_LARGE | FOUR_AND_LOW,
                                           ANY_LOW | TOO_LARGE | FOUR_AND_LOW};
static const uint8_t utf8_second_high[16] = {CUT,
                                             CUT,
                                             CUT,
                                             CUT,
                                             CUT,
                                             CUT,
                                             CUT,
                                             CUT,
                                             STRAY | CONTINUATIONS | OVERLONG_2 | OVERLONG_3 | FOUR_AND_LOW,
                                             STRAY | CONTINUATIONS | OVERLONG_2 | OVERLONG_3 | TOO_LARGE,
                                             STRAY | CONTINUATIONS | OVERLONG_2 | SURROGATE | TOO_LARGE,
                                             STRAY | CONTINUATIONS | OVERLONG_2 | SURROGATE | TOO_LARGE,
                                             CUT,
                                             CUT,
                                             CUT,
                                             CUT};

#endif
