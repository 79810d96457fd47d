/* read_file.h: a whole file in memory, and an error as people read it, for the examples.
 */
#ifndef READ_FILE_H
#define READ_FILE_H

#include <canonjit.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct file_bytes {
    uint8_t *bytes; /* free it */
    size_t size;
} file_bytes;

static inline file_bytes read_file(const char *path)
{
    file_bytes file = {NULL, 0};
    FILE *in = fopen(path, "rb");
    long size = in && fseek(in, 0, SEEK_END) == 0 ? ftell(in) : -1;
    if (size < 0 || !(file.bytes = malloc((size_t)size + 1)) || fseek(in, 0, SEEK_SET) != 0 ||
        (file.size = fread(file.bytes, 1, (size_t)size, in)) != (size_t)size) {
        perror(path);
        exit(1);
    }
    fclose(in);
    return file;
}

static inline void print_error(const cj_error *err)
{
    char text[512];
    cj_error_format(err, text, sizeof(text)); /* what kind of error, where, what */
    fprintf(stderr, "%s\n", text);
}

#endif
