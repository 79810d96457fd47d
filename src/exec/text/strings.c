/* strings.c: strings across the boundary: guest memory in one of three encodings, UTF-8 on the host.
 *
 * Place in the pipeline: both back ends call it for a STRING operation (exec.h); it stands on the kernels and on the
 * engine's realloc.
 * Non-goals: where the two words (pointer, length) are; recording the trap.
 * Spec: "Loading" (load_string_from_range) and "Storing" (store_string_into_range), whose order of checks and sequence
 * of realloc calls are followed to the letter: guests can observe both. But whether a string that is transcoded, or a
 * long one in UTF-8, is well-formed is found on the way, when realloc may have run already: nobody can tell, for
 * that guest is dead then.
 *
 * Whatever realloc returns, and whatever the guest does meanwhile, each write stays inside the block whose bounds were
 * checked after the last realloc, because kernels write no more than the source's length allows, whatever its bytes.
 * The host's sources cannot change: cj__call_source has copied what was guest memory. Those of a guest stay as and where they are
 * too: realloc is another guest's, and may not call anybody.
 */
#define CJ__LOWERING static
#define cj__lowering_realloc cj__lower_realloc
#include "exec/text/lowering.h"

/* -- Out of a guest ------------------------------------------------------------------------------------------------ */

static uint32_t copy_out(cj_call_ctx *call, size_t len, cj_string *out, char **room)
{
    *room = cj__call_alloc(call, len, 1);
    if (!*room)
        return CJ_TRAP_HOST_LIMIT;
    *out = (cj_string){*room, len};
    return CJ_TRAP_NONE;
}

static uint32_t lift_utf8(cj_call_ctx *call, const uint8_t *s, size_t len, cj_string_as as, cj_string *out)
{
    char *room;
    if (as == CJ_STRING_COPY && len <= call->store->host_bytes) { /* malformed comes before the host's limit */
        uint32_t trap = copy_out(call, len, out, &room);
        return trap                                             ? trap
               : cj__text()->utf8_copy(s, len, (uint8_t *)room) ? CJ_TRAP_NONE
                                                                : (uint32_t)CJ_TRAP_STRING_UTF8;
    }
    if (!cj__text_utf8_valid(s, len))
        return CJ_TRAP_STRING_UTF8;
    if (as == CJ_STRING_COPY)
        return copy_out(call, len, out, &room); /* says what the limit is */
    *out = (cj_string){(const char *)s, len};
    bool fits = as == CJ_STRING_VIEW ? cj__call_fits(call, len) : cj__call_charge(call, len);
    return fits ? CJ_TRAP_NONE : CJ_TRAP_HOST_LIMIT;
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

uint32_t cj__string_lift(cj_call_ctx *call, const cj_side *from, cj_encoding encoding, cj_string_as as, uint32_t ptr,
                         uint32_t tagged_units, cj_string *out)
{
    source string;
    uint32_t trap = find_source(from, encoding, ptr, tagged_units, &string);
    if (trap)
        return trap;
    if (string.bytes == 0) {
        *out = (cj_string){"", 0};
        return CJ_TRAP_NONE;
    }
    const uint8_t *s = cj__memory_view(from->memory, string.at, string.bytes);
    if (string.wide)
        return lift_utf16(call, s, string.units, out);
    return encoding == CJ_UTF8 ? lift_utf8(call, s, string.units, as, out) : lift_latin1(call, s, string.units, out);
}

/* -- Into a guest: from the host, from another guest --------------------------------------------------------------- */

uint32_t cj__string_lower(cj_call_ctx *call, const cj_side *to, cj_encoding encoding, const cj_string *in,
                          uint32_t out[2])
{
    if (in->len > CJ_MAX_BYTES)
        return CJ_TRAP_STRING_LENGTH;
    uint32_t len = (uint32_t)in->len;
    lowering l = {.call = call, .to = to, .len = len, .units = len};
    l.src = cj__call_source(call, in->ptr, in->len, 1);
    return l.src ? lower_string(&l, CJ_UTF8, false, encoding, out) : (uint32_t)CJ_TRAP_HOST_LIMIT;
}

uint32_t cj__string_move(cj_call_ctx *call, const cj_side *from, cj_encoding from_encoding, const cj_side *to,
                         cj_encoding to_encoding, uint32_t ptr, uint32_t tagged_units, uint32_t out[2])
{
    return move_string(call, from, from_encoding, to, to_encoding, ptr, tagged_units, out);
}
