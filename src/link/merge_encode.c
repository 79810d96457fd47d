/* merge_encode.c: the byte writer of the merger.
 *
 * Place in the pipeline: under merge.c and its kin. Failures stick, so that writing reads like a list of what is
 * written.
 * Non-goals: knowing what a module looks like.
 */
#include "link/merge_internal.h"

enum { SIZE_ROOM = 5 }; /* of an LEB128 u32 at its longest */

bool cj__write_room(cj_writer *w, size_t size)
{
    if (w->status != CJ_OK)
        return false;
    if (size > w->max || w->len > w->max - size) {
        w->status = CJ_LIMIT;
        return false;
    }
    if (size > w->cap - w->len && !cj__vec_grow(w->alloc, (void **)&w->at, &w->cap, 1, w->len + size)) {
        w->status = CJ_NO_MEMORY;
        return false;
    }
    return true;
}

void cj__write_bytes_slow(cj_writer *w, const void *bytes, size_t size)
{
    if (size && cj__write_room(w, size)) {
        memcpy(w->at + w->len, bytes, size);
        w->len += size;
    }
}

void cj__write_u32(cj_writer *w, uint32_t value)
{
    while (value >= 0x80) {
        cj__write_byte(w, (uint8_t)(value | 0x80));
        value >>= 7;
    }
    cj__write_byte(w, (uint8_t)value);
}

void cj__write_s64(cj_writer *w, int64_t value)
{
    for (;;) {
        uint8_t low = (uint8_t)value & 0x7f;
        value >>= 7;
        if (value == (low & 0x40 ? -1 : 0)) {
            cj__write_byte(w, low);
            return;
        }
        cj__write_byte(w, low | 0x80);
    }
}

void cj__write_s33(cj_writer *w, int64_t value)
{
    cj__write_s64(w, value);
}

void cj__write_s32(cj_writer *w, int32_t value)
{
    cj__write_s64(w, value);
}

void cj__write_name(cj_writer *w, cj_str name)
{
    cj__write_u32(w, (uint32_t)name.len);
    cj__write_bytes(w, name.ptr, name.len);
}

size_t cj__write_begin_sized(cj_writer *w)
{
    if (cj__write_room(w, SIZE_ROOM))
        w->len += SIZE_ROOM;
    return w->len;
}

void cj__write_end_counted(cj_writer *w, size_t mark, uint32_t count)
{
    if (w->status != CJ_OK)
        return;
    size_t size = w->len - mark;
    w->len = mark - SIZE_ROOM;
    cj__write_u32(w, count);
    memmove(w->at + w->len, w->at + mark, size);
    w->len += size;
}

void cj__write_end_sized(cj_writer *w, size_t mark)
{
    cj__write_end_counted(w, mark, (uint32_t)(w->len - mark));
}

void cj__write_end_padded(cj_writer *w, size_t mark)
{
    if (w->status != CJ_OK)
        return;
    uint32_t size = (uint32_t)(w->len - mark);
    for (unsigned i = 0; i < SIZE_ROOM; i++, size >>= 7)
        w->at[mark - SIZE_ROOM + i] = (uint8_t)(size & 0x7f) | (i + 1 < SIZE_ROOM ? 0x80 : 0);
}

static size_t size_room(uint32_t size)
{
    size_t room = 1;
    while (size >>= 7)
        room++;
    return room;
}

size_t cj__write_begin_guessed(cj_writer *w, uint32_t guess)
{
    size_t room = size_room(guess);
    if (cj__write_room(w, room))
        w->len += room;
    return w->len;
}

void cj__write_end_guessed(cj_writer *w, size_t mark, uint32_t guess)
{
    size_t size = w->len - mark, left = size_room(guess), needed = size_room((uint32_t)size);
    if (w->status != CJ_OK)
        return;
    if (needed != left) {
        if (needed > left && !cj__write_room(w, needed - left))
            return;
        memmove(w->at + mark - left + needed, w->at + mark, size);
    }
    w->len = mark - left;
    cj__write_u32(w, (uint32_t)size);
    w->len += size;
}

void cj__write_trim(cj_writer *w)
{
    uint8_t *smaller = w->len ? cj__realloc(w->alloc, w->at, w->cap, w->len) : NULL;
    if (smaller) {
        w->at = smaller;
        w->cap = w->len;
    }
}

void cj__write_free(cj_writer *w)
{
    cj__free(w->alloc, w->at, w->cap);
    w->at = NULL;
    w->len = w->cap = 0;
}
