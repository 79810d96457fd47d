/* text_reference.c: the scalar string kernels once more, compiled without vectorisation: what the tables of exec/text are compared with. */
#include "exec/text/text.h"

#define cj__text_scalar cjb_text_reference
extern const cj_text_kernels cjb_text_reference;
#include "exec/text/scalar.c"
