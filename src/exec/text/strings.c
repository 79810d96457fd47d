/* strings.c: strings across the boundary: guest memory in one of three encodings, UTF-8 on the host.
 *
 * Place in the pipeline: both back ends call it for a STRING operation (exec.h); it stands on the kernels and on the
 * engine's realloc.
 * Non-goals: where the two words (pointer, length) are; recording the trap. Strings between two guests come with fused
 * calls.
 * Spec: "Loading" (load_string_from_range) and "Storing" (store_string_into_range with a UTF-8 source), whose order of
 * checks and sequence of realloc calls are followed to the letter: guests can observe both.
 *
 * Whatever realloc returns, and whatever the guest does meanwhile, each write stays inside the block whose bounds were
 * checked after the last realloc, because kernels write no more than their source allows and the source is the host's:
 * cj__call_source has copied it if it was guest memory.
 */
#include "engine/engine.h"
#include "exec/exec.h"
#include "exec/text/text.h"

#define UTF16_TAG UINT32_C(0x80000000) /* in the length of a latin1+utf16 string */

/* -- Out of a guest ------------------------------------------------------------------------------------------------ */

static uint32_t copy_out(cj_call_ctx *call, size_t len, cj_string *out, char **room)
{
    *room = cj__call_alloc(call, len, 1);
    if (!*room)
        return CJ_TRAP_HOST_LIMIT;
    *out = (cj_string){*room, len};
    return CJ_TRAP_NONE;
}

static uint32_t lift_utf8(cj_call_ctx *call, const uint8_t *s, size_t len, bool view, cj_string *out)
{
    if (!cj__text()->utf8_valid(s, len))
        return CJ_TRAP_STRING_UTF8;
    if (view) {
        *out = (cj_string){(const char *)s, len};
        return cj__call_charge(call, len) ? CJ_TRAP_NONE : CJ_TRAP_HOST_LIMIT;
    }
    char *room;
    uint32_t trap = copy_out(call, len, out, &room);
    if (!trap)
        memcpy(room, s, len);
    return trap;
}

static uint32_t lift_utf16(cj_call_ctx *call, const uint8_t *s, size_t units, cj_string *out)
{
    size_t len = cj__text()->utf16_utf8_len(s, units);
    if (len == CJ_TEXT_BAD)
        return CJ_TRAP_STRING_UTF16;
    char *room;
    uint32_t trap = copy_out(call, len, out, &room);
    if (!trap)
        cj__text()->utf16_to_utf8(s, units, (uint8_t *)room);
    return trap;
}

static uint32_t lift_latin1(cj_call_ctx *call, const uint8_t *s, size_t len, cj_string *out)
{
    char *room;
    uint32_t trap = copy_out(call, cj__text()->latin1_utf8_len(s, len), out, &room);
    if (!trap)
        cj__text()->latin1_to_utf8(s, len, (uint8_t *)room);
    return trap;
}

uint32_t cj__string_lift(cj_call_ctx *call, const cj_side *from, cj_encoding encoding, bool view, uint32_t ptr, uint32_t tagged_units,
                         cj_string *out)
{
    uint32_t units = tagged_units, align = encoding == CJ_UTF8 ? 1 : 2;
    bool wide = encoding == CJ_UTF16;
    if (encoding == CJ_LATIN1_UTF16 && (tagged_units & UTF16_TAG)) {
        wide = true;
        units = tagged_units & ~UTF16_TAG;
    }
    uint64_t bytes = (uint64_t)units << wide;
    if (bytes > CJ_MAX_BYTES)
        return CJ_TRAP_STRING_LENGTH;
    if (ptr & (align - 1))
        return CJ_TRAP_STRING_ALIGNMENT;
    if (!cj__memory_covers(from->memory, ptr, bytes))
        return CJ_TRAP_STRING_BOUNDS;
    if (bytes == 0) {
        *out = (cj_string){"", 0};
        return CJ_TRAP_NONE;
    }
    const uint8_t *s = cj__memory_view(from->memory, ptr, bytes);
    if (wide)
        return lift_utf16(call, s, units, out);
    return encoding == CJ_UTF8 ? lift_utf8(call, s, units, view, out) : lift_latin1(call, s, units, out);
}

/* -- Into a guest -------------------------------------------------------------------------------------------------- */

/* A string on its way in: its source, and the guest's block as it is after the last realloc. */
typedef struct lowering {
    cj_call_ctx *call;
    const cj_side *to;
    const uint8_t *src;
    uint32_t len; /* of the source, in bytes */
    uint32_t align;
    uint32_t ptr, size; /* the block */
    uint8_t *at;        /* and where it is; valid until the next realloc; never NULL */
} lowering;

/* Takes the block's address anew. The block's bounds have just been checked. */
static void reseat(lowering *l, uint32_t size)
{
    static uint8_t nothing[1];
    l->size = size;
    l->at = size ? cj__memory_view(l->to->memory, l->ptr, size) : nothing;
}

static uint32_t allocate(lowering *l, uint32_t align, uint32_t size)
{
    l->align = align;
    uint32_t trap = cj__lower_alloc(l->call, l->to, align, size, &l->ptr);
    if (!trap)
        reseat(l, size);
    return trap;
}

static uint32_t resize(lowering *l, uint32_t size)
{
    uint32_t trap = cj__lower_realloc(l->call, l->to, l->ptr, l->size, l->align, size, true, &l->ptr);
    if (!trap)
        reseat(l, size);
    return trap;
}

static uint32_t shrink(lowering *l, uint32_t size)
{
    return size < l->size ? resize(l, size) : CJ_TRAP_NONE;
}

/* store_string_copy: exactly as many bytes, no growth. */
static uint32_t lower_utf8(lowering *l)
{
    if (!cj__text()->utf8_valid(l->src, l->len))
        return CJ_TRAP_STRING_UTF8;
    uint32_t trap = allocate(l, 1, l->len);
    if (!trap)
        memcpy(l->at, l->src, l->len);
    return trap;
}

/* store_utf8_to_utf16: room for the worst case, then shrunk. */
static uint32_t lower_utf16(lowering *l, uint32_t *units)
{
    uint32_t trap = allocate(l, 2, 2 * l->len);
    if (trap)
        return trap;
    size_t n = cj__text()->utf8_to_utf16(l->src, l->len, l->at);
    if (n == CJ_TEXT_BAD)
        return CJ_TRAP_STRING_UTF8;
    *units = (uint32_t)n;
    return shrink(l, 2 * *units);
}

/* store_string_to_latin1_or_utf16: Latin-1 until a character is past U+00FF, then UTF-16 for all of it. */
static uint32_t lower_latin1_utf16(lowering *l, uint32_t *tagged_units)
{
    uint32_t trap = allocate(l, 2, l->len);
    if (trap)
        return trap;
    size_t read, narrow = cj__text()->utf8_to_latin1(l->src, l->len, l->at, &read);
    if (read == l->len) {
        *tagged_units = (uint32_t)narrow;
        return shrink(l, (uint32_t)narrow);
    }
    trap = resize(l, 2 * l->len);
    if (trap)
        return trap;
    cj__text()->latin1_to_utf16(l->at, narrow, l->at);
    size_t wide = cj__text()->utf8_to_utf16(l->src + read, l->len - read, l->at + 2 * narrow);
    if (wide == CJ_TEXT_BAD)
        return CJ_TRAP_STRING_UTF8;
    uint32_t units = (uint32_t)(narrow + wide);
    *tagged_units = units | UTF16_TAG;
    return shrink(l, 2 * units);
}

uint32_t cj__string_lower(cj_call_ctx *call, const cj_side *to, cj_encoding encoding, const cj_string *in,
                          uint32_t out[2])
{
    if (in->len > CJ_MAX_BYTES)
        return CJ_TRAP_STRING_LENGTH;
    lowering l = {.call = call, .to = to, .len = (uint32_t)in->len};
    l.src = cj__call_source(call, in->ptr, in->len, 1);
    if (!l.src)
        return CJ_TRAP_HOST_LIMIT;
    uint32_t trap;
    out[1] = l.len;
    switch (encoding) {
    case CJ_UTF16:
        trap = lower_utf16(&l, &out[1]);
        break;
    case CJ_LATIN1_UTF16:
        trap = lower_latin1_utf16(&l, &out[1]);
        break;
    default:
        trap = lower_utf8(&l);
        break;
    }
    out[0] = l.ptr;
    return trap;
}
