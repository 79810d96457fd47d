/* lowering.h: a string of a guest's where it lies, and strings on their way into a guest: one function per sequence of
 * realloc calls.
 *
 * Place in the pipeline: strings.c, which every back end calls, and llvm/support.c, which has an entry for each pair of
 * encodings, are both made of it. Before it is included, cj__lowering_realloc is what calls realloc (as
 * cj__lower_realloc does), and CJ__LOWERING how functions are declared: inlined into each entry, the pair being constant
 * there, or shared.
 * Non-goals: lifting to the host (strings.c).
 * Spec: "Storing" (store_string_into_range); what strings.c says of it holds here.
 */
#ifndef CJ_EXEC_TEXT_LOWERING_H
#define CJ_EXEC_TEXT_LOWERING_H

#include "engine/engine.h"
#include "exec/exec.h"
#include "exec/text/short.h"

#define UTF16_TAG UINT32_C(0x80000000) /* in the length of a latin1+utf16 string */

/* A string where it is in a guest's memory. */
typedef struct source {
    uint32_t at, units, bytes;
    bool wide; /* UTF-16 */
} source;

CJ__LOWERING uint32_t find_source(const cj_side *from, cj_encoding encoding, uint32_t ptr, uint32_t tagged_units,
                                  source *out)
{
    uint32_t units = tagged_units, align = encoding == CJ_UTF8 ? 1 : 2;
    bool wide = encoding == CJ_UTF16;
    if (encoding == CJ_LATIN1_UTF16 && (tagged_units & UTF16_TAG)) {
        wide = true;
        units = tagged_units & ~UTF16_TAG;
    }
    uint64_t bytes = (uint64_t)units << wide;
    if (CJ_UNLIKELY(bytes > CJ_MAX_BYTES))
        return CJ_TRAP_STRING_LENGTH;
    if (CJ_UNLIKELY(ptr & (align - 1)))
        return CJ_TRAP_STRING_ALIGNMENT;
    if (CJ_UNLIKELY(!cj__memory_covers(from->memory, ptr, bytes)))
        return CJ_TRAP_STRING_BOUNDS;
    *out = (source){ptr, units, (uint32_t)bytes, wide};
    return CJ_TRAP_NONE;
}

/* -- Into a guest: blocks ------------------------------------------------------------------------------------------ */

/* A string on its way in: its source, and the guest's block as it is after the last realloc. */
typedef struct lowering {
    cj_call_ctx *call;
    const cj_side *to;
    const uint8_t *src; /* never NULL. No realloc moves a guest's: that is another guest's */
    uint32_t len;       /* of the source, in bytes */
    uint32_t units;     /* likewise, in code units */
    uint32_t align;
    uint32_t ptr, size; /* the block */
    uint8_t *at;        /* and where it is; valid until the next realloc; never NULL */
} lowering;

static uint8_t nothing[1]; /* where a string of no bytes lies */

/* Takes the block's address anew. Its bounds have just been checked. */
CJ__LOWERING void reseat(lowering *l, uint32_t size)
{
    l->size = size;
    l->at = size ? cj__memory_view(l->to->memory, l->ptr, size) : nothing;
}

CJ__LOWERING uint32_t allocate(lowering *l, uint32_t align, uint32_t size)
{
    l->align = align;
    uint32_t trap = cj__lowering_realloc(l->call, l->to, 0, 0, align, size, &l->ptr);
    if (CJ_LIKELY(!trap))
        reseat(l, size);
    return trap;
}

CJ__LOWERING uint32_t resize(lowering *l, uint32_t size)
{
    uint32_t trap = cj__lowering_realloc(l->call, l->to, l->ptr, l->size, l->align, size, &l->ptr);
    if (CJ_LIKELY(!trap))
        reseat(l, size);
    return trap;
}

CJ__LOWERING uint32_t shrink(lowering *l, uint32_t size)
{
    return size < l->size ? resize(l, size) : CJ_TRAP_NONE;
}

/* -- Into a guest: one function per sequence of realloc calls ------------------------------------------------------ */

/* store_string_copy where nothing changes: exactly as many bytes, no growth. */
CJ__LOWERING uint32_t lower_copy(lowering *l, uint32_t align)
{
    uint32_t trap = allocate(l, align, l->len);
    if (CJ_LIKELY(!trap))
        cj__text_copy(l->at, l->src, l->len);
    return trap;
}

CJ__LOWERING uint32_t lower_utf8(lowering *l)
{
    if (l->len > CJ_TEXT_SHORT) { /* in one pass */
        uint32_t trap = allocate(l, 1, l->len);
        return trap                                           ? trap
               : cj__text()->utf8_copy(l->src, l->len, l->at) ? CJ_TRAP_NONE
                                                              : (uint32_t)CJ_TRAP_STRING_UTF8;
    }
    return cj__text_utf8_valid(l->src, l->len) ? lower_copy(l, 1) : (uint32_t)CJ_TRAP_STRING_UTF8;
}

CJ__LOWERING uint32_t lower_utf16(lowering *l)
{
    return cj__text_utf16_valid(l->src, l->units) ? lower_copy(l, 2) : (uint32_t)CJ_TRAP_STRING_UTF16;
}

/* store_string_copy from Latin-1 to UTF-16: as many units. */
CJ__LOWERING uint32_t lower_latin1_to_utf16(lowering *l)
{
    uint32_t trap = allocate(l, 2, 2 * l->len);
    if (CJ_LIKELY(!trap))
        cj__text_latin1_to_utf16(l->src, l->len, l->at);
    return trap;
}

/* store_utf16_to_utf8, store_latin1_to_utf8: a byte for each unit while it is ASCII, then room for the worst case of all,
 * then shrunk. */
CJ__LOWERING uint32_t lower_to_utf8(lowering *l, bool wide, uint32_t *bytes)
{
    uint32_t trap = allocate(l, 1, l->units);
    if (CJ_UNLIKELY(trap))
        return trap;
    size_t ascii =
        wide ? cj__text_utf16_to_ascii(l->src, l->units, l->at) : cj__text_latin1_to_ascii(l->src, l->units, l->at);
    if (ascii == l->units)
        return CJ_TRAP_NONE;
    trap = resize(l, (wide ? 3u : 2u) * l->units);
    if (CJ_UNLIKELY(trap))
        return trap;
    const cj_text_kernels *text = cj__text();
    size_t more = wide ? text->utf16_to_utf8(l->src + 2 * ascii, l->units - ascii, l->at + ascii)
                       : text->latin1_to_utf8(l->src + ascii, l->units - ascii, l->at + ascii);
    if (more == CJ_TEXT_BAD)
        return CJ_TRAP_STRING_UTF16;
    *bytes = (uint32_t)(ascii + more);
    return shrink(l, *bytes);
}

/* store_utf8_to_utf16: room for the worst case, then shrunk. */
CJ__LOWERING uint32_t lower_utf8_to_utf16(lowering *l, uint32_t *units)
{
    uint32_t trap = allocate(l, 2, 2 * l->len);
    if (CJ_UNLIKELY(trap))
        return trap;
    size_t n = cj__text_utf8_to_utf16(l->src, l->len, l->at);
    if (n == CJ_TEXT_BAD)
        return CJ_TRAP_STRING_UTF8;
    *units = (uint32_t)n;
    return shrink(l, 2 * *units);
}

/* What is left of a source from byte `read` on, to UTF-16: units written, or CJ_TEXT_BAD. */
CJ__LOWERING size_t rest_to_utf16(const lowering *l, bool wide, size_t read, uint8_t *out)
{
    const uint8_t *rest = l->src + read;
    size_t len = l->len - read;
    if (!wide)
        return cj__text()->utf8_to_utf16(rest, len, out);
    if (!cj__text_utf16_valid(rest, len / 2))
        return CJ_TEXT_BAD;
    memcpy(out, rest, len);
    return len / 2;
}

/* store_string_to_latin1_or_utf16: Latin-1 until a character is past U+00FF, then UTF-16 for all of it. */
CJ__LOWERING uint32_t lower_to_latin1_or_utf16(lowering *l, bool wide, uint32_t *tagged_units)
{
    uint32_t trap = allocate(l, 2, l->units);
    if (CJ_UNLIKELY(trap))
        return trap;
    size_t read, narrow = wide ? cj__text_utf16_to_latin1(l->src, l->units, l->at, &read)
                               : cj__text_utf8_to_latin1(l->src, l->units, l->at, &read);
    if (read == l->units) {
        *tagged_units = (uint32_t)narrow;
        return shrink(l, (uint32_t)narrow);
    }
    trap = resize(l, 2 * l->units);
    if (CJ_UNLIKELY(trap))
        return trap;
    cj__text()->latin1_to_utf16(l->at, narrow, l->at);
    size_t more = rest_to_utf16(l, wide, read << wide, l->at + 2 * narrow);
    if (more == CJ_TEXT_BAD)
        return wide ? CJ_TRAP_STRING_UTF16 : CJ_TRAP_STRING_UTF8;
    uint32_t units = (uint32_t)(narrow + more);
    *tagged_units = units | UTF16_TAG;
    return shrink(l, 2 * units);
}

/* store_probably_utf16_to_latin1_or_utf16: room for UTF-16; when it turns out to be Latin-1, half of it is given back,
 * aligned to 1 from then on. */
CJ__LOWERING uint32_t lower_tagged_utf16(lowering *l, uint32_t *tagged_units)
{
    uint32_t trap = allocate(l, 2, l->len);
    if (CJ_UNLIKELY(trap))
        return trap;
    size_t read, narrow = cj__text_utf16_to_latin1(l->src, l->units, l->at, &read);
    if (read == l->units) {
        *tagged_units = l->units;
        l->align = 1;
        return resize(l, (uint32_t)narrow);
    }
    if (!cj__text_utf16_valid(l->src + 2 * read, l->units - read))
        return CJ_TRAP_STRING_UTF16;
    memcpy(l->at, l->src, l->len);
    *tagged_units = l->units | UTF16_TAG;
    return CJ_TRAP_NONE;
}

/* The two words at once, as that is how compiled code may read them. */
CJ__LOWERING void put_words(uint32_t out[2], uint32_t ptr, uint32_t tagged_units)
{
    uint64_t words = (uint64_t)tagged_units << 32 | ptr;
    memcpy(out, &words, sizeof(words));
}

CJ__LOWERING uint32_t lower_string(lowering *l, cj_encoding from, bool wide, cj_encoding to, uint32_t out[2])
{
    uint32_t trap, units = l->units;
    if (to == CJ_UTF8)
        trap = from == CJ_UTF8 ? lower_utf8(l) : lower_to_utf8(l, wide, &units);
    else if (to == CJ_UTF16)
        trap = from == CJ_UTF8 ? lower_utf8_to_utf16(l, &units) : wide ? lower_utf16(l) : lower_latin1_to_utf16(l);
    else if (from != CJ_LATIN1_UTF16)
        trap = lower_to_latin1_or_utf16(l, wide, &units);
    else
        trap = wide ? lower_tagged_utf16(l, &units) : lower_copy(l, 2);
    put_words(out, l->ptr, units);
    return trap;
}

/* Between two guests. */
CJ__LOWERING uint32_t move_string(cj_call_ctx *call, const cj_side *from, cj_encoding from_encoding, const cj_side *to,
                                  cj_encoding to_encoding, uint32_t ptr, uint32_t tagged_units, uint32_t out[2])
{
    source string;
    uint32_t trap = find_source(from, from_encoding, ptr, tagged_units, &string);
    if (CJ_UNLIKELY(trap))
        return trap;
    lowering l = {.call = call, .to = to, .len = string.bytes, .units = string.units};
    l.src = l.len ? cj__memory_view(from->memory, string.at, l.len) : nothing;
    return lower_string(&l, from_encoding, string.wide, to_encoding, out);
}

#endif
