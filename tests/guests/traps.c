/* traps.c: the guest of traps.wit: one function for each thing that can go wrong in a guest.
 *
 * The functions that return or pass "what is at an address" do it with raw pointers: checking them is the host's work.
 * Built with -DHOST for the world `traps-host`, without for `traps`.
 */
#define CABI_OWN_REALLOC
#include "cabi.h"

#define PKG(iface) "test:traps/" iface "@1.0.0"

static _Alignas(16) unsigned char scratch[4096];

/* -- core --------------------------------------------------------------------------------------------------------- */

EXPORT(PKG("core") "#unreachable") void unreachable(void)
{
    __builtin_trap();
}

/* C leaves division by zero and overflow undefined, so the operands go through asm: the core instruction stays. */
static int32_t divide_s32(int32_t a, int32_t b)
{
    int32_t q;
    __asm__ volatile("local.get %1\n local.get %2\n i32.div_s\n local.set %0" : "=r"(q) : "r"(a), "r"(b));
    return q;
}

EXPORT(PKG("core") "#divide") int32_t divide(int32_t a, int32_t b)
{
    return divide_s32(a, b);
}

EXPORT(PKG("core") "#remainder") uint32_t remainder(uint32_t a, uint32_t b)
{
    uint32_t r;
    __asm__ volatile("local.get %1\n local.get %2\n i32.rem_u\n local.set %0" : "=r"(r) : "r"(a), "r"(b));
    return r;
}

EXPORT(PKG("core") "#truncate") int32_t truncate(double v)
{
    int32_t r;
    __asm__ volatile("local.get %1\n i32.trunc_f64_s\n local.set %0" : "=r"(r) : "r"(v));
    return r;
}

EXPORT(PKG("core") "#load") uint32_t load(const volatile uint32_t *address)
{
    return *address;
}

EXPORT(PKG("core") "#store") void store(volatile uint32_t *address, uint32_t value)
{
    *address = value;
}

typedef void function(void);
static volatile uint32_t touched;
static void plain(void)
{
    touched = 1;
}
static uint32_t with_parameter(uint32_t n)
{
    return touched + n;
}
/* The linker puts functions whose address is taken into the table from 1 on, in this order. */
static function *volatile table_1 = plain;
static uint32_t (*volatile table_2)(uint32_t) = with_parameter;

EXPORT(PKG("core") "#call-indirect") void call_indirect(uint32_t n)
{
    function *f = n == 1 ? table_1 : n == 2 ? (function *)table_2 : (function *)(uintptr_t)n;
    f();
}

static __attribute__((noinline)) uint32_t recurse(uint32_t depth)
{
    if (depth == 0)
        return touched;
    uint32_t below = recurse(depth - 1);
    touched = below; /* no tail call */
    return below + 1;
}
EXPORT(PKG("core") "#recurse") uint32_t recurse_exported(uint32_t depth)
{
    touched = 0;
    return recurse(depth);
}

static __attribute__((noinline)) void spin(void)
{
    for (;;)
        touched++;
}
EXPORT(PKG("core") "#spin") void spin_exported(void)
{
    spin();
}

EXPORT(PKG("core") "#grow") int32_t grow(uint32_t pages)
{
    return (int32_t)__builtin_wasm_memory_grow(0, pages);
}

/* -- lift: the numbers go out as they came in -------------------------------------------------------------------- */

#define AS_IT_IS(name, function) \
    EXPORT(PKG("lift") "#" name) uint32_t function(uint32_t v) \
    { \
        return v; \
    }
AS_IT_IS("char-of", char_of)
AS_IT_IS("bool-of", bool_of)
AS_IT_IS("u8-of", u8_of)
AS_IT_IS("s16-of", s16_of)
AS_IT_IS("color-of", color_of)
AS_IT_IS("perms-of", perms_of)
AS_IT_IS("pair-at", pair_at)

#define TAG_OF(name, function) \
    EXPORT(PKG("lift") "#" name) void *function(uint32_t tag) \
    { \
        memset(result_area, 0, 32); \
        result_area[0] = (unsigned char)tag; \
        return result_area; \
    }
TAG_OF("option-of", option_of)
TAG_OF("result-of", result_of)
TAG_OF("shape-of", shape_of)

#define LIST_AT(name, function) \
    EXPORT(PKG("lift") "#" name) list *function(void *address, uint32_t len) \
    { \
        return RESULT(list, (list){address, len}); \
    } \
    POST_RETURN(PKG("lift") "#" name)
LIST_AT("string-at", string_at)
LIST_AT("numbers-at", numbers_at)
LIST_AT("strings-at", strings_at)
LIST_AT("chars-at", chars_at)
LIST_AT("shapes-at", shapes_at)

EXPORT(PKG("lift") "#poke") void poke(void *address, const void *bytes, uint32_t n)
{
    memcpy(address, bytes, n);
    heap_reset();
}

EXPORT(PKG("lift") "#scratch") void *scratch_address(void)
{
    return scratch;
}

/* -- lower --------------------------------------------------------------------------------------------------------- */

enum { NORMAL, TRAP, DIVIDE, PAST_END, FAR_PAST_END, MISALIGNED, NULL_POINTER, SPIN, RECURSE, CALL_HOST };
static uint32_t realloc_mode;

#ifdef HOST
IMPORT(PKG("host"), "nop") void host_nop(void);
#else
static void host_nop(void)
{
}
#endif

EXPORT("cabi_realloc") void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size)
{
    switch (realloc_mode) {
    case TRAP:
        __builtin_trap();
    case DIVIDE:
        touched = (uint32_t)divide_s32(1, 0);
        break;
    case PAST_END:
        return (void *)(((uintptr_t)__builtin_wasm_memory_size(0) << 16) - (size > align ? size - align : 0));
    case FAR_PAST_END:
        return (void *)(0 - align);
    case MISALIGNED:
        return (char *)heap_alloc(size + 1, 16) + 1;
    case NULL_POINTER:
        return NULL;
    case SPIN:
        spin();
    case RECURSE:
        touched = recurse(UINT32_MAX);
        break;
    case CALL_HOST:
        host_nop();
        break;
    }
    void *fresh = heap_alloc(size, align);
    memcpy(fresh, old, old_size < size ? old_size : size);
    return fresh;
}

EXPORT(PKG("lower") "#set-realloc") void set_realloc(uint32_t mode)
{
    realloc_mode = mode;
}

#define TAKE(name, function) \
    EXPORT(PKG("lower") "#" name) uint32_t function(const void *ptr, uint32_t len) \
    { \
        (void)ptr; \
        heap_reset(); \
        return len; \
    }
TAKE("take-string", take_string)
TAKE("take-numbers", take_numbers)
TAKE("take-strings", take_strings)

EXPORT(PKG("lower") "#take-many") uint64_t take_many(const uint64_t *params)
{
    uint64_t sum = 0;
    for (int i = 0; i < 17; i++)
        sum += params[i];
    heap_reset();
    return sum;
}

#define POST(path, function, ...) \
    EXPORT(path) str *function(void) \
    { \
        return RESULT(str, str_of("done")); \
    } \
    EXPORT("cabi_post_" path) void GLUE(post_, function)(const void *result) \
    { \
        (void)result; \
        __VA_ARGS__; \
    }
POST(PKG("lower") "#post-unreachable", post_unreachable, __builtin_trap())
POST(PKG("lower") "#post-recurse", post_recurse, touched = recurse(UINT32_MAX))
POST(PKG("lower") "#post-spin", post_spin, spin())

/* -- calls --------------------------------------------------------------------------------------------------------- */

#ifdef HOST
IMPORT(PKG("host"), "fail") void host_fail(void);
IMPORT(PKG("host"), "nested") uint32_t host_nested(uint32_t n);
IMPORT(PKG("host"), "take-char") void host_take_char(uint32_t v);
IMPORT(PKG("host"), "take-color") void host_take_color(uint32_t v);
IMPORT(PKG("host"), "take-shape") void host_take_shape(uint32_t tag, uint64_t a, uint32_t b);
IMPORT(PKG("host"), "take-string") void host_take_string(const void *ptr, uint32_t units);
IMPORT(PKG("host"), "take-numbers") void host_take_numbers(const void *ptr, uint32_t len);
IMPORT(PKG("host"), "take-many") void host_take_many(const void *params);
IMPORT(PKG("host"), "give-string") void host_give_string(uint32_t n, void *result);
IMPORT(PKG("host"), "give-numbers") void host_give_numbers(uint32_t n, void *result);
IMPORT(PKG("host"), "give-pair") void host_give_pair(void *result);

EXPORT(PKG("calls") "#call-nop") void call_nop(void)
{
    host_nop();
}

EXPORT(PKG("calls") "#call-fail") void call_fail(void)
{
    host_fail();
}

EXPORT(PKG("calls") "#call-nested") uint32_t call_nested(uint32_t n)
{
    return host_nested(n) + 1;
}

EXPORT(PKG("calls") "#trap-after-nop") void trap_after_nop(void)
{
    host_nop();
    __builtin_trap();
}

static __attribute__((noinline)) void nop_at_depth(uint32_t depth)
{
    if (depth == 0)
        host_nop();
    else
        nop_at_depth(depth - 1);
    touched++; /* no tail call */
}
EXPORT(PKG("calls") "#nop-at-depth") void nop_at_depth_exported(uint32_t depth)
{
    nop_at_depth(depth);
}

EXPORT(PKG("calls") "#send-char") void send_char(uint32_t v)
{
    host_take_char(v);
}

EXPORT(PKG("calls") "#send-color") void send_color(uint32_t v)
{
    host_take_color(v);
}

EXPORT(PKG("calls") "#send-shape") void send_shape(uint32_t tag)
{
    host_take_shape(tag, 0, 0);
}

EXPORT(PKG("calls") "#send-string") void send_string(const void *address, uint32_t units)
{
    host_take_string(address, units);
}

EXPORT(PKG("calls") "#send-numbers") void send_numbers(const void *address, uint32_t len)
{
    host_take_numbers(address, len);
}

EXPORT(PKG("calls") "#send-many-at") void send_many_at(const void *address)
{
    host_take_many(address);
}

EXPORT(PKG("calls") "#get-string") uint32_t get_string(uint32_t n)
{
    list v;
    host_give_string(n, &v);
    heap_reset();
    return v.len;
}

EXPORT(PKG("calls") "#get-numbers") uint32_t get_numbers(uint32_t n)
{
    list v;
    host_give_numbers(n, &v);
    heap_reset();
    return v.len;
}

EXPORT(PKG("calls") "#get-string-at") void get_string_at(void *address)
{
    host_give_string(1, address);
}

EXPORT(PKG("calls") "#get-pair-at") void get_pair_at(void *address)
{
    host_give_pair(address);
}

POST(PKG("calls") "#post-nop", post_nop, host_nop())
#endif
