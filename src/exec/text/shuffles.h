/* shuffles.h: byte shuffles that move what is kept to the front of a 16-byte vector, for instruction sets that have no such
 * instruction.
 *
 * Place in the pipeline: vectors.h looks them up; shuffles.c has them. Bytes past what is kept come from anywhere.
 */
#ifndef CJ_EXEC_TEXT_SHUFFLES_H
#define CJ_EXEC_TEXT_SHUFFLES_H

#include <stdint.h>

/* Of 8 bytes those whose bit is set. */
extern const uint64_t cj__text_keep_bytes[256];
/* Of 8 two-byte lanes those whose bit is set. */
extern const uint64_t cj__text_keep_units[256][2];
/* Of 8 two-byte lanes both bytes where the bit is set, the first one elsewhere. */
extern const uint64_t cj__text_keep_two[256][2];
/* Of 4 four-byte lanes the last of the first three bytes; the second too where bit 0-3 is set, and the first where bit
 * 4-7 is. */
extern const uint64_t cj__text_keep_three[256][2];

#endif
