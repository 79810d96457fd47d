/* far_pages.h: an address space in which each page that is free by itself lies more than 4 GiB from the others. Sections of a compiled object reach each other
 * by 32 bits: they must be kept together whatever the system finds room for.
 */
#ifndef CJ_TESTS_FAR_PAGES_H
#define CJ_TESTS_FAR_PAGES_H

#include <stdint.h>

typedef struct far_pages far_pages;

/* So many single pages are free, and none elsewhere; what takes more lies below all. NULL: there is no room. */
far_pages *far_pages_open(uint32_t count);
void far_pages_close(far_pages *);

#endif
