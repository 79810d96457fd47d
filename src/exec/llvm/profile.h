/* profile.h: names of compiled code for profilers and debuggers. */
#ifndef CJ_EXEC_LLVM_PROFILE_H
#define CJ_EXEC_LLVM_PROFILE_H

#include "base/base.h"

/* The functions of an object (ELF, x86-64 or any other of 64 bits) that lie beside `symbol`. */
typedef struct cj__ll_function {
    char name[256];
    uint64_t offset; /* from `symbol`; it may lie before it */
    uint64_t size;
} cj__ll_function;

enum { CJ__LL_MAX_FUNCTIONS = 64 }; /* of one object that get a name; what is beyond stays unnamed */

/* Reads them before the object is given away; `symbol` gets the name `name`, its helpers that and their own. Gives how many: 0 for what is no such object. */
size_t cj__ll_profile_read(const char *object, size_t size, const char *symbol, const char *name, cj__ll_function *out);
/* Writes them, `symbol` being at `address`. */
void cj__ll_profile_write(uint32_t kinds, const cj__ll_function *functions, size_t count, const void *address);

#endif
