/* test_base.c: allocator, arrays, arena, errors, UTF-8, the LEB128 reader. */
#include "support/bytes.h"
#include "support/cmocka_all.h"
#include "support/track_alloc.h"

#include "base/arena.h"
#include "base/hash.h"
#include "base/reader.h"
#include "base/utf8.h"

/* -- Allocator and arrays ------------------------------------------------------------------------------------------ */

static void test_default_allocator(void **state)
{
    (void)state;
    const cj_allocator *a = cj__alloc_or_default(NULL);
    char *p = cj__malloc(a, 0);
    assert_non_null(p);
    p = cj__realloc(a, p, 0, 100);
    assert_non_null(p);
    memset(p, 1, 100);
    p = cj__realloc(a, p, 100, 0);
    assert_non_null(p);
    cj__free(a, p, 0);
    cj__free(a, NULL, 5);
    uint8_t *z = cj__calloc(a, 3, 5);
    for (int i = 0; i < 15; i++)
        assert_int_equal(z[i], 0);
    cj__free(a, z, 15);
    assert_null(cj__calloc(a, SIZE_MAX / 2, 3));
}

static void test_hook_sees_honest_sizes(void **state)
{
    (void)state;
    track_alloc t;
    track_init(&t);
    assert_ptr_equal(cj__alloc_or_default(&t.hook), &t.hook);
    void *p = cj__malloc(&t.hook, 0); /* the hook aborts on size 0 and on sizes that do not match */
    p = cj__realloc(&t.hook, p, 0, 7);
    p = cj__realloc(&t.hook, p, 7, 0);
    cj__free(&t.hook, p, 0);
    p = cj__realloc(&t.hook, NULL, 0, 9);
    cj__free(&t.hook, p, 9);
    assert_int_equal(t.live_blocks, 0);
}

static void test_vec(void **state)
{
    (void)state;
    track_alloc t;
    track_init(&t);
    CJ_VEC(uint64_t) v = {0};
    for (uint64_t i = 0; i < 10000; i++)
        assert_true(CJ_VEC_PUSH(&t.hook, &v, i * 3));
    assert_int_equal(v.len, 10000);
    for (uint64_t i = 0; i < 10000; i++)
        assert_int_equal(v.at[i], i * 3);
    assert_in_range(t.calls, 1, 20); /* it doubles */
    assert_true(v.cap < 20000);

    uint64_t *before = v.at;
    assert_false(CJ_VEC_RESERVE(&t.hook, &v, SIZE_MAX / 4));
    t.fail_at = t.calls + 1;
    assert_false(CJ_VEC_RESERVE(&t.hook, &v, v.cap + 1));
    assert_ptr_equal(v.at, before);
    assert_int_equal(v.at[9999], 29997);
    CJ_VEC_FREE(&t.hook, &v);
    assert_int_equal(t.live_blocks, 0);
    assert_null(v.at);
}

/* -- Arena --------------------------------------------------------------------------------------------------------- */

static void test_arena_alignment_and_use(void **state)
{
    (void)state;
    cj_arena *arena;
    assert_int_equal(cj_arena_new(NULL, &arena), CJ_OK);
    assert_int_equal(cj__arena_used(arena), 0);
    for (size_t align = 1; align <= 16; align *= 2) {
        for (size_t size = 0; size < 40; size++) {
            uint8_t *p = cj_arena_alloc(arena, size, align);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % align, 0);
            memset(p, 0xff, size);
        }
    }
    uint64_t used = cj__arena_used(arena);
    assert_in_range(used, 5 * 39 * 20, 5 * 39 * 20 + 200 * 15);
    uint8_t *big = cj_arena_alloc(arena, 5 << 20, 16); /* larger than a chunk */
    assert_non_null(big);
    memset(big, 1, 5 << 20);
    assert_in_range(cj__arena_used(arena), used + (5 << 20), used + (5 << 20) + 16);
    assert_null(cj_arena_alloc(arena, SIZE_MAX - 8, 16));
    assert_null(cj_arena_alloc(arena, PTRDIFF_MAX, 1));
    assert_null(cj__arena_calloc(arena, SIZE_MAX / 2, 4, 4));
    assert_string_equal(cj__arena_strdup(arena, (cj_str){"hello", 4}), "hell");
    assert_string_equal(cj__arena_strdup(arena, (cj_str){NULL, 0}), "");
    cj_arena_delete(arena);
    cj_arena_delete(NULL);
}

static void test_arena_reset_keeps_memory(void **state)
{
    (void)state;
    track_alloc t;
    track_init(&t);
    cj_arena *arena;
    assert_int_equal(cj_arena_new(&t.hook, &arena), CJ_OK);
    uint64_t calls = 0;
    for (int round = 0; round < 5; round++) {
        for (size_t i = 0; i < 3000; i++) {
            size_t size = i % 100 == 99 ? 3000000 : i % 70;
            char *p = cj_arena_alloc(arena, size, 8);
            assert_non_null(p);
            if (size)
                p[0] = p[size - 1] = 'x';
        }
        if (round == 0)
            calls = t.calls;
        cj_arena_reset(arena);
        assert_int_equal(cj__arena_used(arena), 0);
    }
    assert_int_equal(t.calls, calls); /* only the first round took memory */
    cj_arena_delete(arena);
    assert_int_equal(t.live_blocks, 0);
}

/* Chunks double, up to a point: few allocations, little waste. */
static void test_arena_growth(void **state)
{
    (void)state;
    track_alloc t;
    track_init(&t);
    cj_arena *arena;
    assert_int_equal(cj_arena_new(&t.hook, &arena), CJ_OK);
    for (int i = 0; i < 200000; i++)
        assert_non_null(cj_arena_alloc(arena, 100, 1));
    assert_in_range(t.calls, 10, 30);
    assert_in_range(t.live_bytes, 20000000, 21200000);
    cj_arena_delete(arena);
}

/* A large request takes the spare chunk that can hold it; smaller ones before it stay for small requests. */
static void test_arena_spare_chunks(void **state)
{
    (void)state;
    track_alloc t;
    track_init(&t);
    cj_arena *arena;
    assert_int_equal(cj_arena_new(&t.hook, &arena), CJ_OK);
    uint8_t *small = cj_arena_alloc(arena, 6000, 8);
    uint8_t *large = cj_arena_alloc(arena, 3000000, 8);
    uint64_t calls = t.calls;
    cj_arena_reset(arena);
    assert_ptr_equal(cj_arena_alloc(arena, 3000000, 8), large);
    assert_ptr_equal(cj_arena_alloc(arena, 6000, 8), small);
    assert_int_equal(t.calls, calls);
    memset(large, 1, 3000000);
    memset(small, 2, 6000);
    cj_arena_delete(arena);
    assert_int_equal(t.live_blocks, 0);
}

/* However requests grow, and whatever small ones stand before them, an arena has a few times as much as was ever asked for at once. */
static void test_arena_is_bounded(void **state)
{
    (void)state;
    enum { MOST = 4000000, STEP = 1000, SMALL = 4096 };
    track_alloc t;
    track_init(&t);
    cj_arena *arena;
    assert_int_equal(cj_arena_new(&t.hook, &arena), CJ_OK);
    for (uint32_t first = 0; first < 3; first++) { /* the first so many requests of a round are small */
        for (size_t size = 100; size <= MOST; size += STEP) {
            cj_arena_mark mark = cj__arena_mark(arena);
            for (size_t left = MOST, n = 0; left >= size; left -= size, n++)
                assert_non_null(cj_arena_alloc(arena, n < first ? SMALL : size, 8));
            cj__arena_release(arena, mark);
            if (t.live_bytes > 4 * (uint64_t)MOST)
                fail_msg("%llu bytes after requests of %zu", (unsigned long long)t.live_bytes, size);
        }
    }
    cj_arena_delete(arena);
    assert_int_equal(t.live_blocks, 0);
}

static void test_arena_marks(void **state)
{
    (void)state;
    track_alloc t;
    track_init(&t);
    cj_arena *arena;
    assert_int_equal(cj_arena_new(&t.hook, &arena), CJ_OK);
    cj_arena_mark marks[20];
    uint64_t used[20];
    char *kept[20];
    for (int i = 0; i < 20; i++) {
        kept[i] = cj_arena_alloc(arena, 10, 1);
        memset(kept[i], 'a' + i, 10);
        marks[i] = cj__arena_mark(arena);
        used[i] = cj__arena_used(arena);
        assert_non_null(cj_arena_alloc(arena, 5000u * (unsigned)i, 16));
    }
    for (int i = 19; i >= 0; i--) {
        cj__arena_release(arena, marks[i]);
        assert_int_equal(cj__arena_used(arena), used[i]);
        for (int j = 0; j <= i; j++)
            for (int k = 0; k < 10; k++)
                assert_int_equal(kept[j][k], 'a' + j);
        assert_non_null(memset(cj_arena_alloc(arena, 100, 1), 'z', 100)); /* goes where the released memory was */
    }
    cj_arena_delete(arena);
    assert_int_equal(t.live_blocks, 0);
}

static void test_arena_out_of_memory(void **state)
{
    (void)state;
    track_alloc t;
    track_init(&t);
    for (uint64_t fail = 1; fail <= 2; fail++) {
        cj_arena *arena;
        t.calls = 0;
        t.fail_at = fail;
        assert_int_equal(cj_arena_new(&t.hook, &arena), CJ_NO_MEMORY);
        assert_int_equal(t.live_blocks, 0);
    }
    t.calls = t.fail_at = 0;
    cj_arena *arena;
    assert_int_equal(cj_arena_new(&t.hook, &arena), CJ_OK);
    t.fail_at = 1;
    char *last = NULL, *p;
    size_t n = 0;
    while ((p = cj_arena_alloc(arena, 16, 1)))
        last = p, n++;
    assert_in_range(n, 200, 256); /* what fits in the first chunk */
    last[15] = 1;
    t.fail_at = 0;
    assert_non_null(cj_arena_alloc(arena, 16, 1)); /* it recovers */
    cj_arena_delete(arena);
    assert_int_equal(t.live_blocks, 0);
}

#if CJ_ARENA_POISONS
static void test_arena_poisons_what_is_released(void **state)
{
    (void)state;
    cj_arena *arena;
    assert_int_equal(cj_arena_new(NULL, &arena), CJ_OK);
    cj_arena_mark mark = cj__arena_mark(arena);
    char *p = cj_arena_alloc(arena, 64, 1);
    assert_false(__asan_address_is_poisoned(p + 63));
    assert_true(__asan_address_is_poisoned(p + 64));
    cj__arena_release(arena, mark);
    assert_true(__asan_address_is_poisoned(p));
    cj_arena_delete(arena);
}
#endif

static void test_hash_is_seeded(void **state)
{
    (void)state;
    uint64_t a = cj__hash_seed(), b = cj__hash_seed();
    assert_true(a != b);
    assert_int_equal(cj__hash(a, "key", 3), cj__hash(a, "key", 3));
    int differ = 0;
    for (char c = 'a'; c <= 'z'; c++)
        differ += cj__hash(a, &c, 1) != cj__hash(b, &c, 1);
    assert_true(differ > 20);
}

/* -- Errors -------------------------------------------------------------------------------------------------------- */

static void test_error_format(void **state)
{
    (void)state;
    cj_error e;
    char text[600];
    assert_int_equal(cj__fail_at(&e, CJ_MALFORMED, 0x1f, "expected %s", "a sort"), CJ_MALFORMED);
    assert_int_equal(e.status, CJ_MALFORMED);
    assert_int_equal(e.trap, CJ_TRAP_NONE);
    size_t n = cj_error_format(&e, text, sizeof(text));
    assert_string_equal(text, "malformed component: offset 0x1f: expected a sort");
    assert_int_equal(n, strlen(text));
    assert_int_equal(cj_error_format(&e, NULL, 0), n);
    char small[12];
    assert_int_equal(cj_error_format(&e, small, sizeof(small)), n);
    assert_string_equal(small, "malformed c");

    cj__fail(&e, CJ_TRAP, "%s", "");
    e.trap = CJ_TRAP_CHAR_RANGE;
    cj__error_where(&e, "param %d", 0);
    cj__error_where(&e, "a:b/c#f");
    cj_error_format(&e, text, sizeof(text));
    assert_string_equal(text, "trap: a:b/c#f: param 0: char is past U+10FFFF");

    assert_int_equal(cj__fail_nomem(&e), CJ_NO_MEMORY);
    assert_string_equal(e.where, "");
    cj_error_format(&e, text, sizeof(text));
    assert_string_equal(text, "out of memory: out of memory");

    cj__error_clear(&e);
    assert_int_equal(e.status, CJ_OK);
    cj_error_format(&e, text, sizeof(text));
    assert_string_equal(text, "ok");

    assert_int_equal(cj__fail(NULL, CJ_LINK, "nobody listens"), CJ_LINK);
    cj__error_where(NULL, "nowhere");
    cj__error_clear(NULL);
}

static void test_error_text_is_safe(void **state)
{
    (void)state;
    cj_error e;
    cj__fail(&e, CJ_INVALID, "name `%s`", "a\x1b[31m\n\xc3(\xc2\x9b\x7fz");
    assert_string_equal(e.message, "name `a?[31m?"
                                   "?(?"
                                   "?"
                                   "?z`");

    /* An argument may be the old message. */
    cj__fail(&e, CJ_HOST, "first");
    cj__fail(&e, CJ_TRAP, "host function failed: %s", e.message);
    assert_string_equal(e.message, "host function failed: first");

    /* Cut texts are terminated and end between sequences. */
    char text[1000];
    for (size_t lead = 0; lead < 4; lead++) {
        memset(text, 'x', lead);
        size_t n = lead;
        while (n + 4 < sizeof(text)) {
            memcpy(text + n, "\xf0\x9f\x98\x80", 4);
            n += 4;
        }
        text[n] = 0;
        cj__fail(&e, CJ_INVALID, "%s", text);
        size_t len = strlen(e.message);
        assert_in_range(len, sizeof(e.message) - 5, sizeof(e.message) - 1);
        assert_int_equal(cj__utf8_valid_prefix((const uint8_t *)e.message, len), len);
        assert_null(strchr(e.message, '?'));

        char cut[41];
        cj_error_format(&e, cut, sizeof(cut));
        len = strlen(cut);
        assert_in_range(len, 37, 40);
        assert_int_equal(cj__utf8_valid_prefix((const uint8_t *)cut, len), len);
        assert_null(strchr(cut, '?'));
    }
}

static void test_texts(void **state)
{
    (void)state;
    assert_string_equal(cj_status_text(CJ_OK), "ok");
    assert_string_equal(cj_status_text(CJ_INTERNAL), "internal error");
    assert_string_equal(cj_status_text((cj_status)9999), "unknown status");
    assert_string_equal(cj_trap_text(CJ_TRAP_HOST_LIMIT), "a limit on the host's memory was exceeded");
    assert_string_equal(cj_trap_text((cj_trap)-1), "unknown trap");
}

/* -- UTF-8 --------------------------------------------------------------------------------------------------------- */

static void test_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        uint32_t cp; /* when len > 0 */
    } cases[] = {
        {"a", 1, 'a'},
        {"\x7f", 1, 0x7f},
        {"\xc2\x80", 2, 0x80},
        {"\xdf\xbf", 2, 0x7ff},
        {"\xe0\xa0\x80", 3, 0x800},
        {"\xed\x9f\xbf", 3, 0xd7ff},
        {"\xee\x80\x80", 3, 0xe000},
        {"\xef\xbf\xbf", 3, 0xffff},
        {"\xf0\x90\x80\x80", 4, 0x10000},
        {"\xf4\x8f\xbf\xbf", 4, 0x10ffff},
        {"\x80", 0, 0},
        {"\xbf", 0, 0},
        {"\xc0\x80", 0, 0},
        {"\xc1\xbf", 0, 0},
        {"\xc2", 0, 0},
        {"\xc2\x20", 0, 0},
        {"\xe0\x9f\xbf", 0, 0},
        {"\xe1\x80", 0, 0},
        {"\xed\xa0\x80", 0, 0},
        {"\xed\xbf\xbf", 0, 0},
        {"\xf0\x8f\xbf\xbf", 0, 0},
        {"\xf4\x90\x80\x80", 0, 0},
        {"\xf5\x80\x80\x80", 0, 0},
        {"\xff", 0, 0},
        {"\xf0\x90\x80", 0, 0},
        {"\xf0\x90\x80\x20", 0, 0},
    };
    for (size_t i = 0; i < CJ_COUNT(cases); i++) {
        uint32_t cp = 0;
        size_t len = strlen(cases[i].bytes);
        assert_int_equal(cj__utf8_decode((const uint8_t *)cases[i].bytes, len, &cp), cases[i].len);
        if (cases[i].len)
            assert_int_equal(cp, cases[i].cp);
    }
    assert_int_equal(cj__utf8_valid_prefix((const uint8_t *)"ab\xc3\xa9\xff", 5), 4);
    assert_int_equal(cj__utf8_cut("a\xc3\xa9z", 4, 2), 1);
    assert_int_equal(cj__utf8_cut("a\xc3\xa9z", 4, 3), 3);
    assert_int_equal(cj__utf8_cut("a\xc3\xa9z", 4, 9), 4);
}

/* -- Reader -------------------------------------------------------------------------------------------------------- */

enum leb { U32, U64, S32, S33, S64 };

static cj_status read_leb(cj_reader *r, enum leb kind, int64_t *out)
{
    cj_status status;
    uint32_t u32 = 0;
    int32_t s32 = 0;
    uint64_t u64 = 0;
    switch (kind) {
    case U32:
        status = cj__read_u32(r, &u32, "a number");
        *out = u32;
        return status;
    case U64:
        status = cj__read_u64(r, &u64, "a number");
        *out = (int64_t)u64;
        return status;
    case S32:
        status = cj__read_s32(r, &s32, "a number");
        *out = s32;
        return status;
    case S33:
        return cj__read_s33(r, out, "a number");
    default:
        return cj__read_s64(r, out, "a number");
    }
}

static void test_leb(void **state)
{
    (void)state;
    static const struct {
        enum leb kind;
        const char *bytes;
        size_t len;
        bool ok;
        int64_t value;
    } cases[] = {
        {U32, "\x00", 1, true, 0},
        {U32, "\x7f", 1, true, 127},
        {U32, "\x80\x01", 2, true, 128},
        {U32, "\xe5\x8e\x26", 3, true, 624485},
        {U32, "\xff\xff\xff\xff\x0f", 5, true, UINT32_MAX},
        {U32, "\x80\x80\x80\x80\x00", 5, true, 0}, /* padded with zeros */
        {U32, "\x81\x80\x80\x80\x00", 5, true, 1},
        {U32, "\x80\x80\x80\x80\x10", 5, false, 0}, /* bit 32 */
        {U32, "\x81\x80\x80\x80\x70", 5, false, 0},
        {U32, "\x80\x80\x80\x80\x80\x00", 6, false, 0}, /* a sixth byte */
        {U32, "\x80", 1, false, 0},
        {U32, "", 0, false, 0},
        {U64, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, true, -1},
        {U64, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 10, true, 0},
        {U64, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10, false, 0},
        {U64, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 11, false, 0},
        {S32, "\x7f", 1, true, -1},
        {S32, "\x3f", 1, true, 63},
        {S32, "\x40", 1, true, -64},
        {S32, "\xff\xff\xff\xff\x07", 5, true, INT32_MAX},
        {S32, "\x80\x80\x80\x80\x78", 5, true, INT32_MIN},
        {S32, "\xff\xff\xff\xff\x7f", 5, true, -1},
        {S32, "\x80\x80\x80\x80\x08", 5, false, 0}, /* past the sign */
        {S32, "\x80\x80\x80\x80\x70", 5, false, 0},
        {S32, "\xff\xff\xff\xff\xff\x7f", 6, false, 0},
        {S33, "\xff\xff\xff\xff\x0f", 5, true, UINT32_MAX},
        {S33, "\x80\x80\x80\x80\x70", 5, true, -4294967296},
        {S33, "\x80\x80\x80\x80\x10", 5, false, 0},
        {S33, "\x80\x80\x80\x80\x60", 5, false, 0},
        {S64, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f", 10, true, INT64_MIN},
        {S64, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00", 10, true, INT64_MAX},
        {S64, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, false, 0},
        {S64, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7e", 10, false, 0},
    };
    for (size_t i = 0; i < CJ_COUNT(cases); i++) {
        cj_error e;
        uint8_t *bytes = test_bytes_exact((const uint8_t *)cases[i].bytes, cases[i].len);
        cj_reader r = cj__reader(bytes, cases[i].len, 100, &e);
        int64_t value;
        cj_status status = read_leb(&r, cases[i].kind, &value);
        if (cases[i].ok) {
            assert_int_equal(status, CJ_OK);
            assert_int_equal(value, cases[i].value);
            assert_int_equal(cj__reader_left(&r), 0);
        } else {
            assert_int_equal(status, CJ_MALFORMED);
            assert_int_equal(e.offset, 100);
            assert_non_null(strstr(e.message, "expected a number, found"));
            assert_int_equal(cj__reader_offset(&r), 100); /* did not move */
        }
        free(bytes);
    }
}

static void test_reader_pieces(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x01, 0x02, 0x03, 'a', 0xc3, 0xa9, 0x02, 0xc3, 0x28, 0x05, 'x', 0x81};
    cj_error e;
    cj_reader r = cj__reader(bytes, sizeof(bytes), 16, &e);
    bool flag;
    assert_int_equal(cj__read_flag(&r, &flag, "a flag"), CJ_OK);
    assert_true(flag);
    assert_int_equal(cj__read_flag(&r, &flag, "a flag"), CJ_MALFORMED);
    assert_string_equal(e.message, "expected a flag (0x00 or 0x01), found 0x02");
    assert_int_equal(e.offset, 17);
    assert_int_equal(cj__read_exact(&r, 0x12, "a sort"), CJ_MALFORMED);
    assert_string_equal(e.message, "expected a sort (0x12), found 0x02");
    assert_int_equal(cj__read_exact(&r, 0x02, "a sort"), CJ_OK);

    cj_str name;
    assert_int_equal(cj__read_name(&r, 2, &name, "a name"), CJ_LIMIT);
    assert_string_equal(e.message, "a name has 3 bytes, max_name_length is 2");
    assert_int_equal(cj__read_name(&r, 3, &name, "a name"), CJ_OK);
    assert_true(cj__str_eq(name, CJ_STR("a\xc3\xa9")));
    assert_int_equal(cj__read_name(&r, 99, &name, "a name"), CJ_MALFORMED);
    assert_string_equal(e.message, "expected a name in UTF-8, found byte 0xc3");
    assert_int_equal(e.offset, 16 + 7);
    r.at += 3;
    assert_int_equal(cj__read_name(&r, 99, &name, "a name"), CJ_MALFORMED);
    assert_string_equal(e.message, "expected a name of 5 bytes, found the end after 2");

    uint32_t count;
    assert_int_equal(cj__read_count(&r, 0, NULL, &count, "things"), CJ_MALFORMED); /* 5 of 2 */
    r.at = bytes + 1;
    assert_int_equal(cj__read_count(&r, 1, "max_things", &count, "things"), CJ_LIMIT);
    assert_string_equal(e.message, "things: 2 of them, max_things is 1");
    assert_int_equal(cj__read_count(&r, 2, "max_things", &count, "things"), CJ_OK);
    assert_int_equal(count, 2);

    cj_reader slice;
    assert_int_equal(cj__read_slice(&r, UINT64_MAX, &slice, "a section"), CJ_MALFORMED);
    assert_int_equal(cj__read_slice(&r, 2, &slice, "a section"), CJ_OK);
    assert_int_equal(cj__reader_offset(&slice), 18);
    assert_int_equal(cj__read_done(&slice, "a section"), CJ_MALFORMED);
    assert_string_equal(e.message, "expected the end of a section, found 2 more bytes");
    uint8_t byte;
    assert_int_equal(cj__read_byte(&slice, &byte, "x"), CJ_OK);
    assert_int_equal(cj__read_byte(&slice, &byte, "x"), CJ_OK);
    assert_int_equal(cj__read_byte(&slice, &byte, "x"), CJ_MALFORMED);
    assert_string_equal(e.message, "expected x, found the end");
    assert_int_equal(e.offset, 20);
    assert_int_equal(cj__read_done(&slice, "a section"), CJ_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_default_allocator),
        cmocka_unit_test(test_hook_sees_honest_sizes),
        cmocka_unit_test(test_vec),
        cmocka_unit_test(test_arena_alignment_and_use),
        cmocka_unit_test(test_arena_reset_keeps_memory),
        cmocka_unit_test(test_arena_growth),
        cmocka_unit_test(test_arena_spare_chunks),
        cmocka_unit_test(test_arena_is_bounded),
        cmocka_unit_test(test_arena_marks),
        cmocka_unit_test(test_arena_out_of_memory),
#if CJ_ARENA_POISONS
        cmocka_unit_test(test_arena_poisons_what_is_released),
#endif
        cmocka_unit_test(test_hash_is_seeded),
        cmocka_unit_test(test_error_format),
        cmocka_unit_test(test_error_text_is_safe),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_leb),
        cmocka_unit_test(test_reader_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
