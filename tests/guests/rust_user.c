/* rust_user.c: the guest of the world `c-user` of rust.wit: C that uses a component in Rust. */
#include "cabi.h"

#define GEOMETRY "test:rust/geometry@1.0.0"

typedef struct point {
    double x, y;
} point;
typedef struct option_point {
    uint8_t tag;
    point some;
} option_point;
typedef struct option_string {
    uint8_t tag;
    str some;
} option_string;
typedef struct parsed {
    uint8_t tag;
    union {
        int64_t ok;
        str err;
    };
} parsed;

IMPORT(GEOMETRY, "scale") void scale(double x, double y, double by, point *result);
IMPORT(GEOMETRY, "centre") void centre(const point *p, uint32_t n, option_point *result);
IMPORT("$root", "greet") void greet(const void *p, uint32_t n, str *result);
IMPORT("$root", "sum") uint64_t sum(const uint32_t *p, uint32_t n);
IMPORT("$root", "longest") void longest(const str *p, uint32_t n, option_string *result);
IMPORT("$root", "parse") void parse(const void *p, uint32_t n, parsed *result);
IMPORT("$root", "sort") void sort(const str *p, uint32_t n, list *result);

EXPORT("report") str *report(const str *words, uint32_t n, const uint32_t *numbers, uint32_t m)
{
    text t = {0};
    put_z(&t, "sum "), put_u64(&t, sum(numbers, m));
    option_string best;
    longest(words, n, &best);
    put_z(&t, ", longest ");
    if (best.tag)
        put_str(&t, best.some);
    else
        put_z(&t, "none");
    list sorted;
    sort(words, n, &sorted);
    for (uint32_t i = 0; i < sorted.len; i++) {
        const str *word = (const str *)sorted.ptr + i;
        parsed number;
        str hello;
        parse(word->ptr, word->len, &number);
        put_z(&t, "; ");
        if (number.tag) {
            greet(word->ptr, word->len, &hello);
            put_str(&t, number.err), put_z(&t, ", so "), put_str(&t, hello);
        } else {
            put_s64(&t, number.ok);
        }
    }
    return RESULT(str, text_str(&t));
}
POST_RETURN("report")

EXPORT("middle") point *middle(const point *points, uint32_t n, double by)
{
    option_point c;
    centre(points, n, &c);
    point *result = (point *)(void *)result_area;
    if (c.tag)
        scale(c.some.x, c.some.y, by, result);
    else
        *result = (point){-1, -1};
    heap_reset();
    return result;
}
