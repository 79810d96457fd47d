/* scalar.c: the table of the kernels in portable C, for machines that no other table is for. */
#include "exec/text/scalar.h"

const cj_text_kernels cj__text_scalar = {
    .name = "scalar",
    .utf8_valid = scalar_utf8_valid,
    .utf8_copy = scalar_utf8_copy,
    .utf16_valid = scalar_utf16_valid,
    .utf16_utf8_len = scalar_utf16_utf8_len,
    .latin1_utf8_len = scalar_latin1_utf8_len,
    .utf8_to_utf16 = scalar_utf8_to_utf16,
    .utf16_to_utf8 = scalar_utf16_to_utf8,
    .latin1_to_utf8 = scalar_latin1_to_utf8,
    .latin1_to_ascii = scalar_latin1_to_ascii,
    .utf16_to_ascii = scalar_utf16_to_ascii,
    .utf8_to_latin1 = scalar_utf8_to_latin1,
    .utf16_to_latin1 = scalar_utf16_to_latin1,
    .latin1_to_utf16 = scalar_latin1_to_utf16,
};
