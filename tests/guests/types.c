/* types.c: the guest of types.wit. For every type of its list: `echo` gives the value back (in the world `types` by
 * way of the host), `show` tells what the guest sees, `give` makes a value. Besides: text in the guest's encoding,
 * parameters and results that do not fit in flat form, functions at the world's root.
 *
 * Built with -DHOST for the world `types`, without for `values`, each in all three encodings.
 * Non-goals: traps and bad values (traps.c), speed (bench.c).
 */
#include "cabi.h"

#define PKG(iface) "test:types/" iface "@1.0.0"

/* -- The types, as they lie in linear memory --------------------------------------------------------------------- */

typedef struct point {
    int32_t x, y;
} point;
typedef struct unit {
    float v;
} unit;
typedef struct mixed {
    uint8_t a;
    uint64_t b;
    uint16_t c;
    float d;
    bool e;
    uint32_t f;
    double g;
    int8_t h;
} mixed;

#define OPTION(T) \
    struct { \
        uint8_t tag; \
        T some; \
    }
#define RESULT_OF(T, E) \
    struct { \
        uint8_t tag; \
        union { \
            T ok; \
            E err; \
        }; \
    }
typedef OPTION(uint8_t) option_u8;
typedef OPTION(uint32_t) option_u32;
typedef OPTION(uint64_t) option_u64;
typedef OPTION(str) option_string;
typedef OPTION(option_u32) option_option;
typedef OPTION(point) option_point;
typedef struct none {
    uint8_t nothing[0];
} none;

typedef struct person {
    str name;
    uint8_t age;
    list tags;
    option_point home;
} person;
typedef struct shape {
    uint8_t tag;
    union {
        double circle;
        str label;
        uint32_t rect[2];
        uint64_t code;
        float small;
    };
} shape;
typedef struct number {
    uint8_t tag;
    union {
        int32_t i;
        float f;
    };
} number;
typedef RESULT_OF(uint32_t, str) result_both;
typedef RESULT_OF(uint64_t, none) result_ok;
typedef RESULT_OF(none, str) result_err;
typedef RESULT_OF(str, shape) result_shape;
typedef RESULT_OF(point, str) result_point;
typedef OPTION(result_point) option_result;
typedef struct deep {
    uint8_t tag;
    union {
        uint8_t leaf;
        struct {
            shape s;
            point p;
        } pair;
        list names;
        option_result maybe;
    };
} deep;
typedef struct many {
    uint8_t a;
    uint16_t b;
    uint32_t c;
    uint64_t d;
    int8_t e;
    int16_t f;
    int32_t g;
    int64_t h;
    float i;
    double j;
    bool k;
    uint32_t l;
    str m;
    uint8_t n, o;
    option_u8 p;
} many;
typedef struct tuple6 {
    uint8_t a;
    uint16_t b;
    uint32_t c;
    uint64_t d;
    float e;
    double f;
} tuple6;
typedef struct labelled {
    str label;
    uint32_t n;
} labelled;

_Static_assert(sizeof(mixed) == 48 && sizeof(person) == 32 && sizeof(shape) == 16 && sizeof(deep) == 32,
               "canonical layout");
_Static_assert(sizeof(many) == 72 && sizeof(result_shape) == 24 && sizeof(option_result) == 16, "canonical layout");

/* -- show: put_X writes a value; give: make_X computes one ------------------------------------------------------- */

static uint32_t float_bits(float v)
{
    uint32_t bits;
    __builtin_memcpy(&bits, &v, 4);
    return bits;
}
static float bits_float(uint32_t bits)
{
    float v;
    __builtin_memcpy(&v, &bits, 4);
    return v;
}
static double bits_double(uint64_t bits)
{
    double v;
    __builtin_memcpy(&v, &bits, 8);
    return v;
}

static void put_bool(text *t, bool v)
{
    put_z(t, v ? "true" : "false");
}
static bool make_bool(uint32_t n)
{
    return n & 1;
}

#define INTEGER(x, T, print, sign) \
    static void put_##x(text *t, T v) \
    { \
        print(t, v); \
    } \
    static T make_##x(uint32_t n) \
    { \
        return (T)(sign((int64_t)n * 0x0102030405060708)); \
    }
INTEGER(s8, int8_t, put_s64, -)
INTEGER(u8, uint8_t, put_u64, +)
INTEGER(s16, int16_t, put_s64, -)
INTEGER(u16, uint16_t, put_u64, +)
INTEGER(s32, int32_t, put_s64, -)
INTEGER(u32, uint32_t, put_u64, +)
#undef INTEGER
static int64_t make_s64(uint32_t n)
{
    return -(int64_t)n * 1000000000000;
}
static uint64_t make_u64(uint32_t n)
{
    return (uint64_t)0 - n;
}

static void put_f32(text *t, float v)
{
    put_z(t, "0x"), put_hex(t, float_bits(v), 8);
}
static float make_f32(uint32_t n)
{
    return (float)n + 0.25f;
}
static void put_f64(text *t, double v)
{
    uint64_t bits;
    __builtin_memcpy(&bits, &v, 8);
    put_z(t, "0x"), put_hex(t, bits, 16);
}
static double make_f64(uint32_t n)
{
    return (double)n / 10;
}

/* What a terminal would not show as itself is escaped, as cj_wave_format does. */
static void put_escaped(text *t, uint32_t c, uint32_t quote)
{
    if (c == quote || c == '\\') {
        put(t, '\\'), put(t, c);
    } else if (c == '\t' || c == '\n' || c == '\r') {
        put(t, '\\'), put(t, c == '\t' ? 't' : c == '\n' ? 'n' : 'r');
    } else if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x200b || c == 0x200e || c == 0x200f ||
               (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x2069) || c == 0xfeff ||
               (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe007f)) {
        int digits = 1;
        while (c >> (4 * digits))
            digits++;
        put_z(t, "\\u{"), put_hex(t, c, digits), put(t, '}');
    } else {
        put(t, c);
    }
}
static void put_char(text *t, uint32_t v)
{
    put(t, '\''), put_escaped(t, v, '\''), put(t, '\'');
}
/* ASCII, Latin-1, the rest of the BMP on both sides of the surrogates, beyond. */
static const uint32_t samples[] = {'a', 0xe9, 0x3b1, 0x20ac, 0xd7ff, 0xe000, 0xfffd, 0x1f600, 0x10ffff, '"', '\\', 0};
static uint32_t make_char(uint32_t n)
{
    return samples[n % (sizeof(samples) / sizeof(samples[0]))];
}

static void put_string(text *t, str v)
{
    put(t, '"');
    for (uint32_t i = 0, n = str_units(v); i < n;)
        put_escaped(t, str_next(v, &i), '"');
    put(t, '"');
}
static str make_string(uint32_t n)
{
    text t = {0};
    for (uint32_t i = 0; i < n % 16; i++)
        put(&t, make_char(i));
    return text_str(&t);
}

static void put_point(text *t, point v)
{
    put_z(t, "{x: "), put_s32(t, v.x), put_z(t, ", y: "), put_s32(t, v.y), put(t, '}');
}
static point make_point(uint32_t n)
{
    return (point){(int32_t)n, -(int32_t)n};
}

static void put_unit(text *t, unit v)
{
    put_z(t, "{v: "), put_f32(t, v.v), put(t, '}');
}
static unit make_unit(uint32_t n)
{
    return (unit){make_f32(n)};
}

static void put_mixed(text *t, mixed v)
{
    put_z(t, "{a: "), put_u8(t, v.a), put_z(t, ", b: "), put_u64(t, v.b), put_z(t, ", c: "), put_u16(t, v.c);
    put_z(t, ", d: "), put_f32(t, v.d), put_z(t, ", e: "), put_bool(t, v.e), put_z(t, ", f: "), put_char(t, v.f);
    put_z(t, ", g: "), put_f64(t, v.g), put_z(t, ", h: "), put_s8(t, v.h), put(t, '}');
}
static mixed make_mixed(uint32_t n)
{
    return (mixed){make_u8(n),   make_u64(n),  make_u16(n), make_f32(n),
                   make_bool(n), make_char(n), make_f64(n), make_s8(n)};
}

#define CASES(x, T, ...) \
    static const char *const x##_names[] = {__VA_ARGS__}; \
    static void put_##x(text *t, T v) \
    { \
        put_z(t, v < sizeof(x##_names) / sizeof(x##_names[0]) ? x##_names[v] : "?"); \
    } \
    static T make_##x(uint32_t n) \
    { \
        return (T)(n % (sizeof(x##_names) / sizeof(x##_names[0]))); \
    }
CASES(color, uint8_t, "red", "green", "blue")
#undef CASES
static void put_wide(text *t, uint16_t v)
{
    put(t, 'w'), put_u64(t, v);
}
static uint16_t make_wide(uint32_t n)
{
    return (uint16_t)(n % 300);
}

static void put_flag(text *t, bool *first, bool set, const char *name, int number)
{
    if (!set)
        return;
    put_z(t, *first ? "" : ", "), put_z(t, name);
    if (number >= 0)
        put_u64(t, (uint64_t)number);
    *first = false;
}
static void put_perms(text *t, uint8_t v)
{
    bool first = true;
    put(t, '{'), put_flag(t, &first, v & 1, "read", -1), put_flag(t, &first, v & 2, "write", -1);
    put_flag(t, &first, v & 4, "exec", -1), put(t, '}');
}
static uint8_t make_perms(uint32_t n)
{
    return n & 7;
}
static void put_bits(text *t, uint32_t v, const char *name)
{
    bool first = true;
    put(t, '{');
    for (int i = 0; i < 32; i++)
        put_flag(t, &first, v >> i & 1, name, i);
    put(t, '}');
}
static void put_half(text *t, uint16_t v)
{
    put_bits(t, v, "h");
}
static uint16_t make_half(uint32_t n)
{
    return (n * 0x111) & 0xfff;
}
static void put_full(text *t, uint32_t v)
{
    put_bits(t, v, "b");
}
static uint32_t make_full(uint32_t n)
{
    return n * 0x01010101;
}

#define OPTION_FUNCS(x, T, payload) \
    static void put_##x(text *t, T v) \
    { \
        if (!v.tag) { \
            put_z(t, "none"); \
            return; \
        } \
        put_z(t, "some("), put_##payload(t, v.some), put(t, ')'); \
    } \
    static T make_##x(uint32_t n) \
    { \
        return n & 1 ? (T){1, make_##payload(n / 2)} : (T){0}; \
    }
OPTION_FUNCS(option_u8, option_u8, u8)
OPTION_FUNCS(option_u32, option_u32, u32)
OPTION_FUNCS(option_u64, option_u64, u64)
OPTION_FUNCS(option_string, option_string, string)
OPTION_FUNCS(option_option, option_option, option_u32)
OPTION_FUNCS(option_point, option_point, point)

#define LIST_FUNCS(x, T, elem) \
    static void put_##x(text *t, list v) \
    { \
        put(t, '['); \
        for (uint32_t i = 0; i < v.len; i++) \
            put_z(t, i ? ", " : ""), put_##elem(t, ((const T *)v.ptr)[i]); \
        put(t, ']'); \
    } \
    static list make_##x(uint32_t n) \
    { \
        uint32_t len = n % 5; \
        T *at = heap_alloc(len * sizeof(T), _Alignof(T)); \
        for (uint32_t i = 0; i < len; i++) \
            at[i] = make_##elem(n + i); \
        return (list){at, len}; \
    }
LIST_FUNCS(list_u8, uint8_t, u8)
LIST_FUNCS(list_s16, int16_t, s16)
LIST_FUNCS(list_u32, uint32_t, u32)
LIST_FUNCS(list_u64, uint64_t, u64)
LIST_FUNCS(list_f32, float, f32)
LIST_FUNCS(list_f64, double, f64)
LIST_FUNCS(list_bool, bool, bool)
LIST_FUNCS(list_char, uint32_t, char)
LIST_FUNCS(list_string, str, string)
LIST_FUNCS(list_list, list, list_u32)
LIST_FUNCS(list_point, point, point)
LIST_FUNCS(list_mixed, mixed, mixed)
LIST_FUNCS(list_color, uint8_t, color)
LIST_FUNCS(list_half, uint16_t, half)
LIST_FUNCS(list_option, option_u8, option_u8)

/* A record in WAVE leaves out the fields that are `none`. */
static void put_person(text *t, person v)
{
    put_z(t, "{name: "), put_string(t, v.name), put_z(t, ", age: "), put_u8(t, v.age), put_z(t, ", tags: ");
    put_list_string(t, v.tags);
    if (v.home.tag)
        put_z(t, ", home: "), put_option_point(t, v.home);
    put(t, '}');
}
static person make_person(uint32_t n)
{
    return (person){make_string(n), (uint8_t)n, make_list_string(n), make_option_point(n)};
}
LIST_FUNCS(list_person, person, person)

static void put_many(text *t, many v)
{
    put_z(t, "{a: "), put_u8(t, v.a), put_z(t, ", b: "), put_u16(t, v.b), put_z(t, ", c: "), put_u32(t, v.c);
    put_z(t, ", d: "), put_u64(t, v.d), put_z(t, ", e: "), put_s8(t, v.e), put_z(t, ", f: "), put_s16(t, v.f);
    put_z(t, ", g: "), put_s32(t, v.g), put_z(t, ", h: "), put_s64(t, v.h), put_z(t, ", i: "), put_f32(t, v.i);
    put_z(t, ", j: "), put_f64(t, v.j), put_z(t, ", k: "), put_bool(t, v.k), put_z(t, ", l: "), put_char(t, v.l);
    put_z(t, ", m: "), put_string(t, v.m), put_z(t, ", n: "), put_color(t, v.n), put_z(t, ", o: "), put_perms(t, v.o);
    if (v.p.tag)
        put_z(t, ", p: "), put_option_u8(t, v.p);
    put(t, '}');
}
static many make_many(uint32_t n)
{
    return (many){make_u8(n),     make_u16(n),   make_u32(n),   make_u64(n),      make_s8(n),   make_s16(n),
                  make_s32(n),    make_s64(n),   make_f32(n),   make_f64(n),      make_bool(n), make_char(n),
                  make_string(n), make_color(n), make_perms(n), make_option_u8(n)};
}

static void put_tuple1(text *t, uint8_t v)
{
    put(t, '('), put_u8(t, v), put(t, ')');
}
static uint8_t make_tuple1(uint32_t n)
{
    return make_u8(n);
}
static void put_tuple6(text *t, tuple6 v)
{
    put(t, '('), put_u8(t, v.a), put_z(t, ", "), put_u16(t, v.b), put_z(t, ", "), put_u32(t, v.c), put_z(t, ", ");
    put_u64(t, v.d), put_z(t, ", "), put_f32(t, v.e), put_z(t, ", "), put_f64(t, v.f), put(t, ')');
}
static tuple6 make_tuple6(uint32_t n)
{
    return (tuple6){make_u8(n), make_u16(n), make_u32(n), make_u64(n), make_f32(n), make_f64(n)};
}
static void put_labelled(text *t, labelled v)
{
    put(t, '('), put_string(t, v.label), put_z(t, ", "), put_u32(t, v.n), put(t, ')');
}
static labelled make_labelled(uint32_t n)
{
    return (labelled){make_string(n), n};
}

static void put_shape(text *t, shape v)
{
    switch (v.tag) {
    case 0:
        put_z(t, "empty");
        return;
    case 1:
        put_z(t, "circle("), put_f64(t, v.circle);
        break;
    case 2:
        put_z(t, "label("), put_string(t, v.label);
        break;
    case 3:
        put_z(t, "rect(("), put_u32(t, v.rect[0]), put_z(t, ", "), put_u32(t, v.rect[1]), put(t, ')');
        break;
    case 4:
        put_z(t, "code("), put_u64(t, v.code);
        break;
    case 5:
        put_z(t, "small("), put_f32(t, v.small);
        break;
    default:
        put_z(t, "?(");
        break;
    }
    put(t, ')');
}
static shape make_shape(uint32_t n)
{
    shape v = {.tag = (uint8_t)(n % 6)};
    switch (v.tag) {
    case 1:
        v.circle = make_f64(n);
        break;
    case 2:
        v.label = make_string(n);
        break;
    case 3:
        v.rect[0] = n, v.rect[1] = n + 1;
        break;
    case 4:
        v.code = make_u64(n);
        break;
    case 5:
        v.small = make_f32(n);
        break;
    }
    return v;
}
LIST_FUNCS(list_shape, shape, shape)

static void put_number(text *t, number v)
{
    if (v.tag)
        put_z(t, "f("), put_f32(t, v.f), put(t, ')');
    else
        put_z(t, "i("), put_s32(t, v.i), put(t, ')');
}
static number make_number(uint32_t n)
{
    return n & 1 ? (number){1, .f = make_f32(n)} : (number){0, .i = -(int32_t)n};
}

#define RESULT_FUNCS(x, T, PUT_OK, MAKE_OK, PUT_ERR, MAKE_ERR) \
    static void put_##x(text *t, T v) \
    { \
        if (v.tag) { \
            put_z(t, "err"), PUT_ERR; \
        } else { \
            put_z(t, "ok"), PUT_OK; \
        } \
    } \
    static T make_##x(uint32_t n) \
    { \
        return n & 1 ? (T){1, MAKE_ERR} : (T){0, MAKE_OK}; \
    }
#define PAYLOAD(x, member) put(t, '('), put_##x(t, v.member), put(t, ')')
RESULT_FUNCS(result_both, result_both, PAYLOAD(u32, ok), .ok = make_u32(n), PAYLOAD(string, err), .err = make_string(n))
RESULT_FUNCS(result_ok, result_ok, PAYLOAD(u64, ok), .ok = make_u64(n), (void)0, .err = {{}})
RESULT_FUNCS(result_err, result_err, (void)0, .ok = {{}}, PAYLOAD(string, err), .err = make_string(n))
RESULT_FUNCS(result_shape, result_shape, PAYLOAD(string, ok), .ok = make_string(n), PAYLOAD(shape, err),
             .err = make_shape(n))
RESULT_FUNCS(result_point, result_point, PAYLOAD(point, ok), .ok = make_point(n), PAYLOAD(string, err),
             .err = make_string(n))
OPTION_FUNCS(option_result, option_result, result_point)
static void put_result_none(text *t, uint8_t v)
{
    put_z(t, v ? "err" : "ok");
}
static uint8_t make_result_none(uint32_t n)
{
    return n & 1;
}

static void put_deep(text *t, deep v)
{
    switch (v.tag) {
    case 0:
        put_z(t, "leaf("), put_u8(t, v.leaf);
        break;
    case 1:
        put_z(t, "pair(("), put_shape(t, v.pair.s), put_z(t, ", "), put_point(t, v.pair.p), put(t, ')');
        break;
    case 2:
        put_z(t, "names("), put_list_string(t, v.names);
        break;
    case 3:
        put_z(t, "maybe("), put_option_result(t, v.maybe);
        break;
    default:
        put_z(t, "?(");
        break;
    }
    put(t, ')');
}
static deep make_deep(uint32_t n)
{
    deep v = {.tag = n & 3};
    switch (v.tag) {
    case 0:
        v.leaf = make_u8(n);
        break;
    case 1:
        v.pair.s = make_shape(n), v.pair.p = make_point(n);
        break;
    case 2:
        v.names = make_list_string(n);
        break;
    case 3:
        v.maybe = make_option_result(n >> 2);
        break;
    }
    return v;
}

/* -- Flat parameters to values: the payload's slots are the join of all cases ------------------------------------ */

static shape flat_shape(int32_t tag, int64_t s0, int32_t s1)
{
    shape v = {.tag = (uint8_t)tag};
    switch (tag) {
    case 1:
        v.circle = bits_double((uint64_t)s0);
        break;
    case 2:
        v.label = (str){(void *)(uintptr_t)(uint32_t)s0, (uint32_t)s1};
        break;
    case 3:
        v.rect[0] = (uint32_t)s0, v.rect[1] = (uint32_t)s1;
        break;
    case 4:
        v.code = (uint64_t)s0;
        break;
    case 5:
        v.small = bits_float((uint32_t)s0);
        break;
    }
    return v;
}

static number flat_number(int32_t tag, int32_t s0)
{
    return tag ? (number){1, .f = bits_float((uint32_t)s0)} : (number){0, .i = s0};
}

static deep flat_deep(int32_t tag, int32_t s0, int64_t s1, int32_t s2, int32_t s3, int32_t s4)
{
    deep v = {.tag = (uint8_t)tag};
    switch (tag) {
    case 0:
        v.leaf = (uint8_t)s0;
        break;
    case 1:
        v.pair.s = flat_shape(s0, s1, s2), v.pair.p = (point){s3, s4};
        break;
    case 2:
        v.names = (list){(void *)(uintptr_t)(uint32_t)s0, (uint32_t)s1};
        break;
    case 3:
        v.maybe.tag = (uint8_t)s0;
        if (s0) {
            v.maybe.some.tag = (uint8_t)s1;
            if (s1)
                v.maybe.some.err = (str){(void *)(uintptr_t)(uint32_t)s2, (uint32_t)s3};
            else
                v.maybe.some.ok = (point){s2, s3};
        }
        break;
    }
    return v;
}

static result_shape flat_result_shape(int32_t tag, int32_t s0, int64_t s1, int32_t s2)
{
    if (tag)
        return (result_shape){1, .err = flat_shape(s0, s1, s2)};
    return (result_shape){0, .ok = {(void *)(uintptr_t)(uint32_t)s0, (uint32_t)s1}};
}

static person flat_person(const void *name, uint32_t name_len, int32_t age, void *tags, uint32_t tags_len, int32_t home,
                          int32_t x, int32_t y)
{
    return (person){{name, name_len}, (uint8_t)age, {tags, tags_len}, {(uint8_t)home, {x, y}}};
}

/* -- The exports: one line of the tables for each type ----------------------------------------------------------- */

#define UNPACK(...) __VA_ARGS__

#define SHOW_AND_GIVE_SHOW(x, name, PARAMS, VALUE) \
    EXPORT(PKG("show") "#show-" name) str *show_##x(UNPACK PARAMS) \
    { \
        text t = {0}; \
        put_##x(&t, VALUE); \
        return RESULT(str, text_str(&t)); \
    } \
    POST_RETURN(PKG("show") "#show-" name)

/* Types with one flat value, of core type C and C type T. */
#ifdef HOST
#define FLAT_ECHO(x, name, C) \
    IMPORT(PKG("echo"), "echo-" name) C host_echo_##x(C v); \
    EXPORT(PKG("echo") "#echo-" name) C echo_##x(C v) \
    { \
        return host_echo_##x(v); \
    }
#else
#define FLAT_ECHO(x, name, C) \
    EXPORT(PKG("echo") "#echo-" name) C echo_##x(C v) \
    { \
        return v; \
    }
#endif
#define FLAT(x, name, C, T) \
    FLAT_ECHO(x, name, C) \
    SHOW_AND_GIVE_SHOW(x, name, (C v), (T)v) \
    EXPORT(PKG("give") "#give-" name) C give_##x(uint32_t n) \
    { \
        return (C)make_##x(n); \
    }

/* Types whose results go through memory. */
#ifdef HOST
#define MEMORY_ECHO(x, name, T, PARAMS, ARGS, VALUE) \
    IMPORT(PKG("echo"), "echo-" name) void host_echo_##x(UNPACK PARAMS, void *result); \
    EXPORT(PKG("echo") "#echo-" name) void *echo_##x(UNPACK PARAMS) \
    { \
        host_echo_##x(UNPACK ARGS, result_area); \
        return result_area; \
    } \
    POST_RETURN(PKG("echo") "#echo-" name)
#else
#define MEMORY_ECHO(x, name, T, PARAMS, ARGS, VALUE) \
    EXPORT(PKG("echo") "#echo-" name) void *echo_##x(UNPACK PARAMS) \
    { \
        return RESULT(T, VALUE); \
    } \
    POST_RETURN(PKG("echo") "#echo-" name)
#endif
#define MEMORY(x, name, T, PARAMS, ARGS, ...) \
    MEMORY_ECHO(x, name, T, PARAMS, ARGS, (__VA_ARGS__)) \
    SHOW_AND_GIVE_SHOW(x, name, PARAMS, (__VA_ARGS__)) \
    EXPORT(PKG("give") "#give-" name) void *give_##x(uint32_t n) \
    { \
        return RESULT(T, make_##x(n)); \
    } \
    POST_RETURN(PKG("give") "#give-" name)

FLAT(bool, "bool", int32_t, bool)
FLAT(s8, "s8", int32_t, int8_t)
FLAT(u8, "u8", int32_t, uint8_t)
FLAT(s16, "s16", int32_t, int16_t)
FLAT(u16, "u16", int32_t, uint16_t)
FLAT(s32, "s32", int32_t, int32_t)
FLAT(u32, "u32", int32_t, uint32_t)
FLAT(s64, "s64", int64_t, int64_t)
FLAT(u64, "u64", int64_t, uint64_t)
FLAT(f32, "f32", float, float)
FLAT(f64, "f64", double, double)
FLAT(char, "char", int32_t, uint32_t)
FLAT(tuple1, "tuple1", int32_t, uint8_t)
FLAT(color, "color", int32_t, uint8_t)
FLAT(wide, "wide", int32_t, uint16_t)
FLAT(perms, "perms", int32_t, uint8_t)
FLAT(half, "half", int32_t, uint16_t)
FLAT(full, "full", int32_t, uint32_t)
FLAT(result_none, "result-none", int32_t, uint8_t)

/* unit is one f32 in flat form, but a struct to put_unit. */
FLAT_ECHO(unit, "unit", float)
SHOW_AND_GIVE_SHOW(unit, "unit", (float v), (unit){v})
EXPORT(PKG("give") "#give-unit") float give_unit(uint32_t n)
{
    return make_unit(n).v;
}

MEMORY(string, "string", str, (const void *p, uint32_t n), (p, n), (str){p, n})
MEMORY(point, "point", point, (int32_t x, int32_t y), (x, y), (point){x, y})
MEMORY(mixed, "mixed", mixed, (int32_t a, uint64_t b, int32_t c, float d, int32_t e, uint32_t f, double g, int32_t h),
       (a, b, c, d, e, f, g, h), (mixed){(uint8_t)a, b, (uint16_t)c, d, e != 0, f, g, (int8_t)h})
MEMORY(person, "person", person,
       (const void *p, uint32_t n, int32_t age, void *t_p, uint32_t t_n, int32_t tag, int32_t x, int32_t y),
       (p, n, age, t_p, t_n, tag, x, y), flat_person(p, n, age, t_p, t_n, tag, x, y))
MEMORY(many, "many", many, (const many *v), (v), *v)
MEMORY(tuple6, "tuple6", tuple6, (int32_t a, int32_t b, uint32_t c, uint64_t d, float e, double f), (a, b, c, d, e, f),
       (tuple6){(uint8_t)a, (uint16_t)b, c, d, e, f})
MEMORY(labelled, "labelled", labelled, (const void *p, uint32_t n, uint32_t i), (p, n, i), (labelled){{p, n}, i})
MEMORY(shape, "shape", shape, (int32_t tag, int64_t a, int32_t b), (tag, a, b), flat_shape(tag, a, b))
MEMORY(number, "number", number, (int32_t tag, int32_t a), (tag, a), flat_number(tag, a))
MEMORY(deep, "deep", deep, (int32_t tag, int32_t a, int64_t b, int32_t c, int32_t d, int32_t e), (tag, a, b, c, d, e),
       flat_deep(tag, a, b, c, d, e))
MEMORY(option_u8, "option-u8", option_u8, (int32_t tag, int32_t a), (tag, a), (option_u8){(uint8_t)tag, (uint8_t)a})
MEMORY(option_u64, "option-u64", option_u64, (int32_t tag, uint64_t a), (tag, a), (option_u64){(uint8_t)tag, a})
MEMORY(option_string, "option-string", option_string, (int32_t tag, const void *p, uint32_t n), (tag, p, n),
       (option_string){(uint8_t)tag, {p, n}})
MEMORY(option_option, "option-option", option_option, (int32_t tag, int32_t inner, uint32_t a), (tag, inner, a),
       (option_option){(uint8_t)tag, {(uint8_t)inner, a}})
MEMORY(option_point, "option-point", option_point, (int32_t tag, int32_t x, int32_t y), (tag, x, y),
       (option_point){(uint8_t)tag, {x, y}})
MEMORY(result_both, "result-both", result_both, (int32_t tag, uint32_t a, uint32_t b), (tag, a, b),
       tag ? (result_both){1, .err = {(void *)(uintptr_t)a, b}} : (result_both){0, .ok = a})
MEMORY(result_ok, "result-ok", result_ok, (int32_t tag, uint64_t a), (tag, a), (result_ok){(uint8_t)tag, .ok = a})
MEMORY(result_err, "result-err", result_err, (int32_t tag, const void *p, uint32_t n), (tag, p, n),
       (result_err){(uint8_t)tag, .err = {p, n}})
MEMORY(result_shape, "result-shape", result_shape, (int32_t tag, int32_t a, int64_t b, int32_t c), (tag, a, b, c),
       flat_result_shape(tag, a, b, c))

#define LIST(x, name) MEMORY(x, name, list, (void *p, uint32_t n), (p, n), (list){p, n})
LIST(list_u8, "list-u8")
LIST(list_s16, "list-s16")
LIST(list_u32, "list-u32")
LIST(list_u64, "list-u64")
LIST(list_f32, "list-f32")
LIST(list_f64, "list-f64")
LIST(list_bool, "list-bool")
LIST(list_char, "list-char")
LIST(list_string, "list-string")
LIST(list_list, "list-list")
LIST(list_point, "list-point")
LIST(list_mixed, "list-mixed")
LIST(list_person, "list-person")
LIST(list_shape, "list-shape")
LIST(list_color, "list-color")
LIST(list_half, "list-half")
LIST(list_option, "list-option")

/* Exports that return a string made of `t`, which the statement fills. */
#define STRING_EXPORT(path, function, PARAMS, ...) \
    EXPORT(path) str *function(UNPACK PARAMS) \
    { \
        text t = {0}; \
        __VA_ARGS__; \
        return RESULT(str, text_str(&t)); \
    } \
    POST_RETURN(path)

STRING_EXPORT(PKG("show") "#name", show_name, (void), put_z(&t, "show"))
STRING_EXPORT(PKG("give") "#name", give_name, (void), put_z(&t, "give"))

/* -- text -------------------------------------------------------------------------------------------------------- */

STRING_EXPORT(PKG("text") "#encoding", text_encoding, (void), put_z(&t, ENCODING_NAME))

EXPORT(PKG("text") "#length") uint32_t text_length(const void *p, uint32_t n)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < str_units((str){p, n}); count++)
        str_next((str){p, n}, &i);
    heap_reset();
    return count;
}

EXPORT(PKG("text") "#units") uint32_t text_units(const void *p, uint32_t n)
{
    heap_reset();
    return str_units((str){p, n});
}

EXPORT(PKG("text") "#is-wide") bool text_is_wide(const void *p, uint32_t n)
{
    heap_reset();
    return str_is_wide((str){p, n});
}

static void put_reversed(text *t, str s)
{
    put_str(t, s);
    for (uint32_t i = 0; i < t->len / 2; i++) {
        uint32_t c = t->at[i];
        t->at[i] = t->at[t->len - 1 - i];
        t->at[t->len - 1 - i] = c;
    }
}
STRING_EXPORT(PKG("text") "#reverse", text_reverse, (const void *p, uint32_t n), put_reversed(&t, (str){p, n}))

/* Letters of ASCII, Latin-1, Greek and Cyrillic. U+00FF and U+00B5 have capitals outside Latin-1: the string grows
 * wide. */
static uint32_t to_upper(uint32_t c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 0xe0 && c <= 0xfe && c != 0xf7) || (c >= 0x3b1 && c <= 0x3c9 && c != 0x3c2) ||
        (c >= 0x430 && c <= 0x44f))
        return c - 32;
    return c == 0xff ? 0x178 : c == 0xb5 ? 0x39c : c >= 0x450 && c <= 0x45f ? c - 80 : c;
}
static void put_upper(text *t, str s)
{
    uint32_t from = t->len;
    put_str(t, s);
    for (uint32_t i = from; i < t->len; i++)
        t->at[i] = to_upper(t->at[i]);
}
STRING_EXPORT(PKG("text") "#upper", text_upper, (const void *p, uint32_t n), put_upper(&t, (str){p, n}))

STRING_EXPORT(PKG("text") "#concat", text_concat, (const void *a, uint32_t a_n, const void *b, uint32_t b_n),
              put_str(&t, (str){a, a_n}), put_str(&t, (str){b, b_n}))

static void put_repeated(text *t, str s, uint32_t times)
{
    while (times--)
        put_str(t, s);
}
STRING_EXPORT(PKG("text") "#repeat", text_repeat, (const void *p, uint32_t n, uint32_t times),
              put_repeated(&t, (str){p, n}, times))

static void put_joined(text *t, list parts, str separator)
{
    for (uint32_t i = 0; i < parts.len; i++) {
        if (i)
            put_str(t, separator);
        put_str(t, ((const str *)parts.ptr)[i]);
    }
}
STRING_EXPORT(PKG("text") "#join", text_join, (void *p, uint32_t n, const void *s, uint32_t s_n),
              put_joined(&t, (list){p, n}, (str){s, s_n}))

EXPORT(PKG("text") "#chars") list *text_chars(const void *p, uint32_t n)
{
    text t = {0};
    put_str(&t, (str){p, n});
    if (!t.at)
        t.at = heap_alloc(0, 4);
    return RESULT(list, (list){t.at, t.len});
}
POST_RETURN(PKG("text") "#chars")

static void put_chars(text *t, const uint32_t *at, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        put(t, at[i]);
}
STRING_EXPORT(PKG("text") "#from-chars", text_from_chars, (const uint32_t *p, uint32_t n), put_chars(&t, p, n))

/* -- spill ------------------------------------------------------------------------------------------------------- */

static uint64_t sum(const uint32_t *at, int n)
{
    uint64_t total = 0;
    while (n--)
        total += at[n];
    return total;
}

EXPORT(PKG("spill") "#sum17") uint64_t sum17(const uint32_t *params)
{
    uint64_t total = sum(params, 17);
    heap_reset();
    return total;
}

EXPORT(PKG("spill") "#sum16")
uint64_t sum16(uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e, uint32_t f, uint32_t g, uint32_t h,
               uint32_t i, uint32_t j, uint32_t k, uint32_t l, uint32_t m, uint32_t n, uint32_t o, uint32_t p)
{
    return sum((uint32_t[]){a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p}, 16);
}

static void put_strs(text *t, const str *at, int n)
{
    for (int i = 0; i < n; i++)
        put_str(t, at[i]);
}
STRING_EXPORT(PKG("spill") "#join9", join9, (const str *params), put_strs(&t, params, 9))

typedef struct mixed12 {
    uint8_t a;
    str b;
    int64_t c;
    float d;
    list e;
    bool f;
    option_string g;
    uint32_t h;
    double i;
    int8_t j;
    list k;
    uint16_t l;
} mixed12;
LIST_FUNCS(list_u16, uint16_t, u16)
static void put_mixed12(text *t, const mixed12 *v)
{
    put_u8(t, v->a), put(t, ' '), put_string(t, v->b), put(t, ' '), put_s64(t, v->c), put(t, ' '), put_f32(t, v->d),
        put(t, ' ');
    put_list_u16(t, v->e), put(t, ' '), put_bool(t, v->f), put(t, ' '), put_option_string(t, v->g), put(t, ' ');
    put_char(t, v->h), put(t, ' '), put_f64(t, v->i), put(t, ' '), put_s8(t, v->j), put(t, ' '),
        put_list_string(t, v->k);
    put(t, ' '), put_u16(t, v->l);
}
STRING_EXPORT(PKG("spill") "#mixed12", mixed12_show, (const mixed12 *params), put_mixed12(&t, params))

EXPORT(PKG("spill") "#divmod") point *divmod(uint32_t a, uint32_t b)
{
    return RESULT(point, (point){(int32_t)(a / b), (int32_t)(a % b)});
}

/* -- The root ---------------------------------------------------------------------------------------------------- */

EXPORT("nop") void nop(void)
{
}

EXPORT("add") uint32_t add(uint32_t a, uint32_t b)
{
    return a + b;
}

STRING_EXPORT("greet", greet, (const void *p, uint32_t n), put_z(&t, "Hello, "), put_str(&t, (str){p, n}), put(&t, '!'))

EXPORT("swap") labelled *swap(uint32_t n, const void *p, uint32_t len)
{
    return RESULT(labelled, (labelled){{p, len}, n});
}
POST_RETURN("swap")

EXPORT("heap-used") uint32_t heap_used(void)
{
    return heap_in_use();
}

EXPORT("post-returns") uint32_t post_returns_so_far(void)
{
    return post_returns;
}

#ifdef HOST
IMPORT("$root", "log") void host_log(const void *p, uint32_t n);
IMPORT(PKG("host"), "sum17") uint64_t host_sum17(const uint32_t *params);
IMPORT(PKG("host"), "divmod") void host_divmod(uint32_t a, uint32_t b, point *result);

EXPORT("log-twice") void log_twice(const void *p, uint32_t n)
{
    text t = {0};
    put_upper(&t, (str){p, n});
    str upper = text_str(&t);
    host_log(p, n);
    host_log(upper.ptr, upper.len);
    heap_reset();
}

EXPORT("ask-host") void *ask_host(void)
{
    struct answer {
        uint64_t total;
        point quotient;
    };
    uint32_t params[17];
    for (uint32_t i = 0; i < 17; i++)
        params[i] = i + 1;
    struct answer a = {.total = host_sum17(params)};
    host_divmod(100, 7, &a.quotient);
    return RESULT(struct answer, a);
}
#endif
