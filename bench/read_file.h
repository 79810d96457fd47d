/* read_file.h: a whole file in memory, for the programs that measure. */
#ifndef CJB_READ_FILE_H
#define CJB_READ_FILE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* The caller frees it. What cannot be read is said, and ends the program with `status`. */
static inline uint8_t *cjb_read_file(const char *path, size_t *size, int status)
{
    FILE *file = fopen(path, "rb");
    long end = file && fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    uint8_t *bytes = end < 0 ? NULL : malloc((size_t)end + 1);
    if (!bytes || fseek(file, 0, SEEK_SET) != 0 || fread(bytes, 1, (size_t)end, file) != (size_t)end) {
        perror(path);
        exit(status);
    }
    fclose(file);
    *size = (size_t)end;
    return bytes;
}

#endif
