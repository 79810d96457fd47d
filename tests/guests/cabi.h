/* cabi.h: the Canonical ABI by hand, for guests in C without a libc: names of imports and exports, cabi_realloc on a
 * heap that each call empties, strings in the encoding that the guest is built for, text put together from characters.
 *
 * Included by one C file per guest. A guest is built with -DENCODING=8 (UTF-8), 16 (UTF-16) or 1 (latin1+utf16), and
 * the same is told to the tool that makes the component of it.
 * Non-goals: a real allocator. Calls of a component do not nest, so the heap holds one call's arguments and results: an
 * export that returns plain numbers empties it before it returns, the others in their post-return.
 */
#ifndef CABI_H
#define CABI_H

#include <stddef.h>
#include <stdint.h>

/* <stdbool.h> makes `bool` a macro, which cannot be glued to a prefix. */
typedef _Bool bool;
#define true 1
#define false 0

#ifndef ENCODING
#define ENCODING 8
#endif

#define IMPORT(module, name) extern __attribute__((import_module(module), import_name(name)))
#define EXPORT(name) __attribute__((export_name(name), used))
#define GLUE_(a, b) a##b
#define GLUE(a, b) GLUE_(a, b)

/* -- Without a libc ------------------------------------------------------------------------------------------------ */

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    unsigned char *t = to;
    const unsigned char *f = from;
    if ((((uintptr_t)t | (uintptr_t)f) & 7) == 0)
        for (; n >= 8; n -= 8, t += 8, f += 8)
            *(uint64_t *)(void *)t = *(const uint64_t *)(const void *)f;
    while (n--)
        *t++ = *f++;
    return to;
}

void *memset(void *to, int byte, size_t n)
{
    unsigned char *t = to;
    while (n--)
        *t++ = (unsigned char)byte;
    return to;
}

/* -- The heap ---------------------------------------------------------------------------------------------------- */

extern unsigned char __heap_base;
static uintptr_t heap_end; /* 0: nothing allocated since the start */
static uint32_t post_returns;

static uintptr_t heap_start(void)
{
    return ((uintptr_t)&__heap_base + 15) & ~(uintptr_t)15;
}

static void heap_reset(void)
{
    heap_end = heap_start();
}

static uint32_t heap_in_use(void)
{
    return heap_end ? (uint32_t)(heap_end - heap_start()) : 0;
}

static void heap_need(uint64_t end)
{
    uint64_t have = (uint64_t)__builtin_wasm_memory_size(0) << 16;
    if (end > have && __builtin_wasm_memory_grow(0, (size_t)((end - have + 0xffff) >> 16)) == SIZE_MAX)
        __builtin_trap();
}

static void *heap_alloc(size_t size, size_t align)
{
    if (!heap_end)
        heap_reset();
    uint64_t at = ((uint64_t)heap_end + align - 1) & ~(uint64_t)(align - 1);
    heap_need(at + size);
    heap_end = (uintptr_t)(at + size);
    return (void *)(uintptr_t)at;
}

#ifndef CABI_OWN_REALLOC
EXPORT("cabi_realloc") void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size)
{
    if (old_size && (uintptr_t)old + old_size == heap_end) { /* the newest block grows and shrinks in place */
        heap_need((uint64_t)(uintptr_t)old + size);
        heap_end = (uintptr_t)old + size;
        return old;
    }
    if (old_size >= size && old_size)
        return old;
    void *fresh = heap_alloc(size, align);
    memcpy(fresh, old, old_size);
    return fresh;
}
#endif

/* The post-return of an export whose core function returns one value of type R. */
#define POST_RETURN_OF(name, R) \
    EXPORT("cabi_post_" name) void GLUE(post_return_, __COUNTER__)(R result) \
    { \
        (void)result; \
        heap_reset(); \
        post_returns++; \
    }
#define POST_RETURN(name) POST_RETURN_OF(name, const void *)

/* -- Strings and lists ------------------------------------------------------------------------------------------- */

typedef struct str {
    const void *ptr;
    uint32_t len; /* code units; in latin1+utf16, with the tag */
} str;

typedef struct list {
    void *ptr;
    uint32_t len;
} list;

#define STR_UTF16_TAG 0x80000000u

#if ENCODING == 8
#define ENCODING_NAME "utf8"
#elif ENCODING == 16
#define ENCODING_NAME "utf16"
#else
#define ENCODING_NAME "latin1+utf16"
#endif

static bool str_is_wide(str s)
{
    return ENCODING == 16 || (ENCODING == 1 && (s.len & STR_UTF16_TAG));
}

static uint32_t str_units(str s)
{
    return ENCODING == 1 ? s.len & ~STR_UTF16_TAG : s.len;
}

/* The character at unit `*i`, and past it. */
static uint32_t str_next(str s, uint32_t *i)
{
    if (str_is_wide(s)) {
        const uint16_t *u = s.ptr;
        uint32_t c = u[(*i)++];
        if (c >= 0xd800 && c < 0xdc00)
            c = 0x10000 + ((c - 0xd800) << 10) + (u[(*i)++] - 0xdc00u);
        return c;
    }
    const uint8_t *b = s.ptr;
    uint32_t c = b[(*i)++];
    if (ENCODING == 1 || c < 0x80)
        return c;
    int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
    c &= 0x3fu >> more;
    while (more--)
        c = c << 6 | (b[(*i)++] & 0x3fu);
    return c;
}

/* -- Text: characters that become a string ----------------------------------------------------------------------- */

typedef struct text {
    uint32_t *at, len, cap;
} text;

static __attribute__((noinline)) void put(text *t, uint32_t c)
{
    if (t->len == t->cap) {
        uint32_t cap = t->cap ? t->cap * 2 : 64;
        uint32_t *at = heap_alloc(cap * sizeof(*at), 4);
        memcpy(at, t->at, t->len * sizeof(*at));
        t->at = at;
        t->cap = cap;
    }
    t->at[t->len++] = c;
}

static __attribute__((noinline)) void put_z(text *t, const char *ascii)
{
    while (*ascii)
        put(t, (unsigned char)*ascii++);
}

static __attribute__((noinline)) void put_str(text *t, str s)
{
    for (uint32_t i = 0, n = str_units(s); i < n;)
        put(t, str_next(s, &i));
}

static __attribute__((noinline)) void put_u64(text *t, uint64_t n)
{
    char digits[20];
    int count = 0;
    do
        digits[count++] = (char)('0' + n % 10);
    while (n /= 10);
    while (count)
        put(t, (unsigned char)digits[--count]);
}

static __attribute__((noinline)) void put_s64(text *t, int64_t n)
{
    if (n < 0)
        put(t, '-');
    put_u64(t, n < 0 ? 0 - (uint64_t)n : (uint64_t)n);
}

static __attribute__((noinline)) void put_hex(text *t, uint64_t n, int digits)
{
    while (digits--)
        put(t, (unsigned char)"0123456789abcdef"[n >> (4 * digits) & 15]);
}

static __attribute__((noinline)) str text_str(const text *t)
{
    uint32_t widest = 0;
    for (uint32_t i = 0; i < t->len; i++)
        widest = t->at[i] > widest ? t->at[i] : widest;

    if (ENCODING == 16 || (ENCODING == 1 && widest > 0xff)) {
        uint16_t *u = heap_alloc(t->len * 4, 2);
        uint32_t n = 0;
        for (uint32_t i = 0; i < t->len; i++) {
            uint32_t c = t->at[i];
            if (c >= 0x10000) {
                u[n++] = (uint16_t)(0xd800 + ((c - 0x10000) >> 10));
                c = 0xdc00 + (c & 0x3ff);
            }
            u[n++] = (uint16_t)c;
        }
        return (str){u, n | (ENCODING == 1 ? STR_UTF16_TAG : 0)};
    }
    uint8_t *b = heap_alloc(t->len * 4, 2); /* latin1+utf16 wants 2 even for Latin-1 */
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->len; i++) {
        uint32_t c = t->at[i];
        if (ENCODING == 1 || c < 0x80) {
            b[n++] = (uint8_t)c;
            continue;
        }
        if (c < 0x800) {
            b[n++] = (uint8_t)(0xc0 | c >> 6);
        } else {
            if (c < 0x10000) {
                b[n++] = (uint8_t)(0xe0 | c >> 12);
            } else {
                b[n++] = (uint8_t)(0xf0 | c >> 18);
                b[n++] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
            }
            b[n++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
        }
        b[n++] = (uint8_t)(0x80 | (c & 0x3f));
    }
    return (str){b, n};
}

static str str_of(const char *ascii)
{
    text t = {0};
    put_z(&t, ascii);
    return text_str(&t);
}

/* The place of a result that does not fit in one core value: read by the host before the next call. */
static _Alignas(8) unsigned char result_area[512];
#define RESULT(T, ...) (*(T *)(void *)result_area = (__VA_ARGS__), (T *)(void *)result_area)

#endif
