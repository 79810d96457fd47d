/* bench.c: the guest of bench.wit: functions that do next to nothing, as exports, and loops that call the same as
 * imports.
 *
 * The data that the "out" functions return is prepared once and lies still; nothing is copied inside the guest.
 * Built with -DHOST for the world `bench`, without for `bench-exports`; for the worlds `caller` and `callee`, with -DCALLER
 * and -DCALLEE.
 */
#ifdef CALLER
#define HOST
#endif
#include "cabi.h"

#define CALLS "test:bench/calls@1.0.0"
#define DRIVE "test:bench/drive@1.0.0"
#define THINGS "test:bench/things@1.0.0"
#define DRIVE_THINGS "test:bench/drive-things@1.0.0"

enum { MAX_BYTES = 65536, MAX_NUMBERS = 16384, MAX_ITEMS = 1000, MAX_STRINGS = 1000, STRING_LENGTH = 16 };

typedef struct item {
    uint32_t a;
    uint64_t b;
    float c;
} item;
typedef struct option_u32 {
    uint8_t tag;
    uint32_t some;
} option_u32;
typedef struct result_u32 {
    uint8_t tag;
    union {
        uint32_t ok;
        str err;
    };
} result_u32;
typedef struct choice {
    uint8_t tag;
    union {
        uint32_t number;
        str text;
        double real;
    };
} choice;

#if ENCODING == 16
typedef uint16_t code_unit;
#else
typedef uint8_t code_unit;
#endif

static struct data {
    _Alignas(8) code_unit text[MAX_BYTES];
#ifdef CALLER
    _Alignas(8) code_unit latin[MAX_BYTES / 4 * 5];
#endif
    uint8_t bytes[MAX_BYTES];
    uint32_t numbers[MAX_NUMBERS];
    item items[MAX_ITEMS];
    str strings[MAX_STRINGS];
    bool ready;
} data;

static __attribute__((noinline)) void prepare(void)
{
    for (uint32_t i = 0; i < MAX_BYTES; i++) {
        data.text[i] = (code_unit)("The quick brown fox jumps. "[i % 27]);
        data.bytes[i] = (uint8_t)i;
    }
#ifdef CALLER
    for (uint32_t i = 0, at = 0; i < MAX_BYTES; i++) {
        if (i % 4 != 3) {
            data.latin[at++] = (code_unit)('a' + i % 26);
        } else if (ENCODING == 8) {
            data.latin[at++] = 0xc3;
            data.latin[at++] = (code_unit)(0x80 + i % 64);
        } else {
            data.latin[at++] = (code_unit)(0xc0 + i % 64);
        }
    }
#endif
    for (uint32_t i = 0; i < MAX_NUMBERS; i++)
        data.numbers[i] = i;
    for (uint32_t i = 0; i < MAX_ITEMS; i++)
        data.items[i] = (item){i, (uint64_t)i << 32, (float)i};
    for (uint32_t i = 0; i < MAX_STRINGS; i++)
        data.strings[i] = (str){data.text + i * STRING_LENGTH, STRING_LENGTH};
    data.ready = true;
}

static inline struct data *ready_data(void)
{
    if (!data.ready)
        prepare();
    return &data;
}

static inline uint32_t at_most(uint32_t n, uint32_t max)
{
    return n < max ? n : max;
}

#ifndef CALLER
/* -- Host to guest ------------------------------------------------------------------------------------------------- */

EXPORT(CALLS "#nop") void nop(void)
{
}

EXPORT(CALLS "#add") uint32_t add(uint32_t a, uint32_t b)
{
    return a + b;
}

EXPORT(CALLS "#params16")
uint32_t params16(uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e, uint32_t f, uint32_t g, uint32_t h,
                  uint32_t i, uint32_t j, uint32_t k, uint32_t l, uint32_t m, uint32_t n, uint32_t o, uint32_t p)
{
    return a + b + c + d + e + f + g + h + i + j + k + l + m + n + o + p;
}

#define SEQUENCE_IN(name, function) \
    EXPORT(CALLS "#" name) uint32_t function(const void *ptr, uint32_t len) \
    { \
        (void)ptr; \
        heap_reset(); \
        return len; \
    }
SEQUENCE_IN("string-in", string_in)
SEQUENCE_IN("bytes-in", bytes_in)
SEQUENCE_IN("numbers-in", numbers_in)
SEQUENCE_IN("items-in", items_in)
SEQUENCE_IN("strings-in", strings_in)

EXPORT(CALLS "#option-in") uint32_t option_in(uint32_t tag, uint32_t v)
{
    return tag ? v : 0;
}

EXPORT(CALLS "#result-in") uint32_t result_in(uint32_t tag, uint32_t a, uint32_t b)
{
    heap_reset();
    return tag ? b : a;
}

EXPORT(CALLS "#variant-in") uint32_t variant_in(uint32_t tag, uint64_t a, uint32_t b)
{
    heap_reset();
    double real;
    __builtin_memcpy(&real, &a, 8);
    return tag == 1 ? (uint32_t)a : tag == 2 ? b : tag == 3 && real >= 0 && real < 4e9 ? (uint32_t)real : 0;
}

#define SEQUENCE_OUT(name, function, member, max) \
    EXPORT(CALLS "#" name) list *function(uint32_t n) \
    { \
        return RESULT(list, (list){ready_data()->member, at_most(n, max)}); \
    } \
    POST_RETURN(CALLS "#" name)
SEQUENCE_OUT("string-out", string_out, text, MAX_BYTES)
SEQUENCE_OUT("bytes-out", bytes_out, bytes, MAX_BYTES)
SEQUENCE_OUT("numbers-out", numbers_out, numbers, MAX_NUMBERS)
SEQUENCE_OUT("items-out", items_out, items, MAX_ITEMS)
SEQUENCE_OUT("strings-out", strings_out, strings, MAX_STRINGS)

EXPORT(CALLS "#option-out") option_u32 *option_out(uint32_t n)
{
    return RESULT(option_u32, (option_u32){n != 0, n});
}

EXPORT(CALLS "#result-out") result_u32 *result_out(uint32_t n)
{
    return RESULT(result_u32,
                  n ? (result_u32){0, .ok = n} : (result_u32){1, .err = {ready_data()->text, STRING_LENGTH}});
}
POST_RETURN(CALLS "#result-out")

EXPORT(CALLS "#variant-out") choice *variant_out(uint32_t n)
{
    choice v = {.tag = n & 3};
    if (v.tag == 1)
        v.number = n;
    else if (v.tag == 2)
        v.text = (str){ready_data()->text, STRING_LENGTH};
    else if (v.tag == 3)
        v.real = n;
    return RESULT(choice, v);
}
POST_RETURN(CALLS "#variant-out")

#endif
/* -- Guest to host ----------------------------------------------------------------------------------------------- */

#ifdef HOST
IMPORT(CALLS, "nop") void host_nop(void);
IMPORT(CALLS, "add") uint32_t host_add(uint32_t a, uint32_t b);
IMPORT(CALLS, "params16")
uint32_t host_params16(uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t,
                       uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t);
IMPORT(CALLS, "option-in") uint32_t host_option_in(uint32_t tag, uint32_t v);
IMPORT(CALLS, "result-in") uint32_t host_result_in(uint32_t tag, uint32_t a, uint32_t b);
IMPORT(CALLS, "variant-in") uint32_t host_variant_in(uint32_t tag, uint64_t a, uint32_t b);
IMPORT(CALLS, "option-out") void host_option_out(uint32_t n, option_u32 *result);
IMPORT(CALLS, "result-out") void host_result_out(uint32_t n, result_u32 *result);
IMPORT(CALLS, "variant-out") void host_variant_out(uint32_t n, choice *result);

EXPORT(DRIVE "#nop") void drive_nop(uint32_t times)
{
    while (times--)
        host_nop();
}

#define DRIVE_LOOP(name, function, PARAMS, ...) \
    EXPORT(DRIVE "#" name) uint32_t function PARAMS \
    { \
        uint32_t sum = 0; \
        for (uint32_t i = 0; i < times; i++) { \
            __VA_ARGS__; \
        } \
        return sum; \
    }
DRIVE_LOOP("add", drive_add, (uint32_t times), sum += host_add(i, 1))
DRIVE_LOOP("params16", drive_params16, (uint32_t times),
           sum += host_params16(i, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))
DRIVE_LOOP("option-in", drive_option_in, (uint32_t times, uint32_t n), sum += host_option_in(n != 0, n))
DRIVE_LOOP("result-in", drive_result_in, (uint32_t times, uint32_t n), sum += host_result_in(0, n, 0))
DRIVE_LOOP("variant-in", drive_variant_in, (uint32_t times, uint32_t n), sum += host_variant_in(1, n, 0))

#define DRIVE_IN(name, function, import, member, max) \
    IMPORT(CALLS, name) uint32_t import(const void *ptr, uint32_t len); \
    DRIVE_LOOP(name, function, (uint32_t times, uint32_t n), sum += import(ready_data()->member, at_most(n, max)))
DRIVE_IN("string-in", drive_string_in, host_string_in, text, MAX_BYTES)
DRIVE_IN("bytes-in", drive_bytes_in, host_bytes_in, bytes, MAX_BYTES)
DRIVE_IN("numbers-in", drive_numbers_in, host_numbers_in, numbers, MAX_NUMBERS)
DRIVE_IN("items-in", drive_items_in, host_items_in, items, MAX_ITEMS)
DRIVE_IN("strings-in", drive_strings_in, host_strings_in, strings, MAX_STRINGS)

#define DRIVE_OUT(name, function, import) \
    IMPORT(CALLS, name) void import(uint32_t n, list *result); \
    DRIVE_LOOP(name, function, (uint32_t times, uint32_t n), list v; import(n, &v); sum += v.len; heap_reset())
DRIVE_OUT("string-out", drive_string_out, host_string_out)
DRIVE_OUT("bytes-out", drive_bytes_out, host_bytes_out)
DRIVE_OUT("numbers-out", drive_numbers_out, host_numbers_out)
DRIVE_OUT("items-out", drive_items_out, host_items_out)
DRIVE_OUT("strings-out", drive_strings_out, host_strings_out)

DRIVE_LOOP("option-out", drive_option_out, (uint32_t times, uint32_t n), option_u32 v; host_option_out(n, &v);
           sum += v.some)
DRIVE_LOOP("result-out", drive_result_out, (uint32_t times, uint32_t n), result_u32 v; host_result_out(n, &v);
           sum += v.tag ? v.err.len : v.ok; heap_reset())
DRIVE_LOOP("variant-out", drive_variant_out, (uint32_t times, uint32_t n), choice v; host_variant_out(n, &v);
           sum += v.tag == 1   ? v.number
                  : v.tag == 2 ? v.text.len
                               : 0;
           heap_reset())
#endif

/* -- Component to component ---------------------------------------------------------------------------------------- */

#ifdef CALLEE
IMPORT("[export]" THINGS, "[resource-new]thing") uint32_t thing_new(uint32_t n);
IMPORT("[export]" THINGS, "[resource-new]bare") uint32_t bare_new(uint32_t n);
static uint32_t things_dropped;

EXPORT(THINGS "#[constructor]thing") uint32_t thing_constructor(uint32_t n)
{
    return thing_new(n);
}
EXPORT(THINGS "#[method]thing.n") uint32_t thing_n(uint32_t n)
{
    return n;
}
EXPORT(THINGS "#[dtor]thing") void thing_destructor(uint32_t n)
{
    things_dropped += n;
}
EXPORT(THINGS "#[constructor]bare") uint32_t bare_constructor(uint32_t n)
{
    return bare_new(n);
}
#endif

#ifdef CALLER
IMPORT(THINGS, "[constructor]thing") uint32_t thing_new(uint32_t n);
IMPORT(THINGS, "[method]thing.n") uint32_t thing_n(uint32_t handle);
IMPORT(THINGS, "[resource-drop]thing") void thing_drop(uint32_t handle);
IMPORT(THINGS, "[constructor]bare") uint32_t bare_new(uint32_t n);
IMPORT(THINGS, "[resource-drop]bare") void bare_drop(uint32_t handle);

EXPORT(DRIVE_THINGS "#lend") uint32_t drive_lend(uint32_t times)
{
    uint32_t handle = thing_new(2), sum = 0;
    while (times--)
        sum += thing_n(handle);
    thing_drop(handle);
    return sum;
}

EXPORT(DRIVE_THINGS "#make-thing") uint32_t drive_make_thing(uint32_t times)
{
    uint32_t i = 0;
    for (; i < times; i++)
        thing_drop(thing_new(i));
    return i;
}

EXPORT(DRIVE_THINGS "#make-bare") uint32_t drive_make_bare(uint32_t times)
{
    uint32_t i = 0;
    for (; i < times; i++)
        bare_drop(bare_new(i));
    return i;
}

EXPORT(DRIVE_THINGS "#latin-in") uint32_t drive_latin_in(uint32_t times, uint32_t n)
{
    uint32_t sum = 0, units = at_most(n, MAX_BYTES);
    units += ENCODING == 8 ? units / 4 : 0;
    while (times--)
        sum += host_string_in(ready_data()->latin, units);
    return sum;
}
#endif
