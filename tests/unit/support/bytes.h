/* bytes.h: component files written out in tests as text.
 *
 *     !             the preamble of a component           ?           the preamble of a core module
 *     07 6f         bytes                                 'abc'       a name: its length, then its bytes
 *     ( ... )       its length in bytes, then the bytes   #300        an unsigned LEB128
 *     [ ... ]xN     the part N times                      ; ...       a comment to the end of the line
 *
 * "! 07( 01 73 )" is a component with a type section of one type, string.
 */
#ifndef CJ_TEST_BYTES_H
#define CJ_TEST_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct test_bytes {
    uint8_t *at;
    size_t len, cap;
} test_bytes;

static inline void test_bytes_add(test_bytes *b, const void *bytes, size_t n)
{
    if (n > b->cap - b->len) {
        b->cap = (b->len + n) * 2;
        b->at = realloc(b->at, b->cap);
        if (!b->at)
            abort();
    }
    if (n)
        memcpy(b->at + b->len, bytes, n);
    b->len += n;
}

static inline void test_bytes_byte(test_bytes *b, unsigned byte)
{
    uint8_t value = (uint8_t)byte;
    test_bytes_add(b, &value, 1);
}

static inline void test_bytes_leb(test_bytes *b, uint64_t n)
{
    do {
        test_bytes_byte(b, (unsigned)(n & 0x7f) | (n > 0x7f ? 0x80u : 0u));
        n >>= 7;
    } while (n);
}

/* A block with its length before it. Frees `block`. */
static inline void test_bytes_sized(test_bytes *b, test_bytes *block)
{
    test_bytes_leb(b, block->len);
    test_bytes_add(b, block->at, block->len);
    free(block->at);
    memset(block, 0, sizeof(*block));
}

static inline void test_bytes_bad(const char *text)
{
    fprintf(stderr, "bytes.h cannot read: %s\n", text);
    abort();
}

/* Reads `text` up to `until`; returns what follows. */
static inline const char *test_bytes_parse(test_bytes *b, const char *text, char until)
{
    static const uint8_t component[] = {0, 'a', 's', 'm', 0x0d, 0, 1, 0}, module[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
    for (;;) {
        char c = *text;
        if (c == until)
            return c ? text + 1 : text;
        if (c == ' ' || c == '\n') {
            text++;
        } else if (c == ';') {
            text += strcspn(text, "\n");
        } else if (c == '!' || c == '?') {
            test_bytes_add(b, c == '!' ? component : module, 8);
            text++;
        } else if (c == '\'') {
            size_t n = strcspn(text + 1, "'");
            test_bytes_leb(b, n);
            test_bytes_add(b, text + 1, n);
            text += n + 2;
        } else if (c == '#') {
            char *end;
            test_bytes_leb(b, strtoull(text + 1, &end, 10));
            text = end;
        } else if (c == '(' || c == '[') {
            test_bytes block = {0};
            text = test_bytes_parse(&block, text + 1, c == '(' ? ')' : ']');
            if (c == '(') {
                test_bytes_sized(b, &block);
            } else {
                char *end;
                if (*text != 'x')
                    test_bytes_bad(text);
                for (unsigned long i = strtoul(text + 1, &end, 10); i > 0; i--)
                    test_bytes_add(b, block.at, block.len);
                text = end;
                free(block.at);
            }
        } else {
            char hex[3] = {text[0], c ? text[1] : '\0', 0}, *end;
            unsigned long byte = strtoul(hex, &end, 16);
            if (end != hex + 2)
                test_bytes_bad(text);
            test_bytes_byte(b, (unsigned)byte);
            text += 2;
        }
    }
}

/* The bytes of `text`; the caller frees `at`. */
static inline test_bytes test_bytes_of(const char *text)
{
    test_bytes b = {0};
    test_bytes_parse(&b, text, '\0');
    return b;
}

/* A copy in a block of exactly its size, so that AddressSanitizer sees reads past the end. Never NULL. */
static inline uint8_t *test_bytes_exact(const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    if (!copy)
        abort();
    if (len)
        memcpy(copy, bytes, len);
    return copy;
}

#endif
