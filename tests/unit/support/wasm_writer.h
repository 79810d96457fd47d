/* wasm_writer.h: core modules that tests make at run time: bytes appended to a growing buffer. */
#ifndef CJ_TESTS_WASM_WRITER_H
#define CJ_TESTS_WASM_WRITER_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct wasm_writer {
    uint8_t *at;
    size_t len, cap;
} wasm_writer;

static inline void w_bytes(wasm_writer *w, const void *bytes, size_t n)
{
    if (w->len + n > w->cap) {
        w->cap = (w->len + n) * 2;
        w->at = realloc(w->at, w->cap);
        if (w->at == NULL)
            abort();
    }
    memcpy(w->at + w->len, bytes, n);
    w->len += n;
}

static inline void w_byte(wasm_writer *w, unsigned byte)
{
    uint8_t b = (uint8_t)byte;
    w_bytes(w, &b, 1);
}

#define W(w, ...) w_bytes((w), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static inline void w_u32(wasm_writer *w, uint32_t value)
{
    do {
        w_byte(w, (value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        value >>= 7;
    } while (value != 0);
}

static inline void w_s64(wasm_writer *w, int64_t value)
{
    for (;;) {
        uint8_t byte = value & 0x7f;
        value >>= 7;
        if ((value == 0 && !(byte & 0x40)) || (value == -1 && (byte & 0x40))) {
            w_byte(w, byte);
            return;
        }
        w_byte(w, byte | 0x80u);
    }
}

/* Appends a section or a function body: its size, then its bytes; frees the part. */
static inline void w_sized(wasm_writer *w, wasm_writer *part)
{
    w_u32(w, (uint32_t)part->len);
    w_bytes(w, part->at, part->len);
    free(part->at);
    *part = (wasm_writer){0};
}

static inline void w_section(wasm_writer *w, unsigned id, wasm_writer *part)
{
    w_byte(w, id);
    w_sized(w, part);
}

#define W_PREAMBLE 0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00

#endif
