/* diamond.c: the three guests of diamond.wit: built with -DTALLY, -DSIDE or -DTOP. */
#include "cabi.h"

#define TALLY_PATH "test:diamond/tally@1.0.0"
#define SIDE_PATH "test:diamond/side@1.0.0"

typedef struct pair {
    uint32_t a, b;
} pair;

#ifdef TALLY
static uint32_t sum;
EXPORT(TALLY_PATH "#add") uint32_t add(uint32_t n)
{
    return sum += n;
}

enum { MAX_NOTES = 16, MAX_NOTE = 64 };
static struct {
    uint32_t len, text[MAX_NOTE];
} notes[MAX_NOTES];
static uint32_t note_count;

EXPORT(TALLY_PATH "#note") list *note(const void *p, uint32_t n)
{
    text t = {0};
    put_str(&t, (str){p, n});
    if (note_count == MAX_NOTES || t.len > MAX_NOTE)
        __builtin_trap();
    notes[note_count].len = t.len;
    memcpy(notes[note_count++].text, t.at, t.len * 4);
    str *all = heap_alloc(note_count * sizeof(str), 4);
    for (uint32_t i = 0; i < note_count; i++) {
        text each = {.at = notes[i].text, .len = notes[i].len, .cap = MAX_NOTE};
        all[i] = text_str(&each);
    }
    return RESULT(list, (list){all, note_count});
}
POST_RETURN(TALLY_PATH "#note")
#endif

#ifdef SIDE
IMPORT(TALLY_PATH, "add") uint32_t tally_add(uint32_t n);
IMPORT(TALLY_PATH, "note") void tally_note(const void *p, uint32_t n, list *result);

EXPORT(SIDE_PATH "#add-twice") pair *add_twice(uint32_t n)
{
    pair v = {tally_add(n), 0};
    v.b = tally_add(n);
    return RESULT(pair, v);
}

EXPORT(SIDE_PATH "#note") list *note(const void *p, uint32_t n)
{
    list v;
    tally_note(p, n, &v);
    return RESULT(list, v);
}
POST_RETURN(SIDE_PATH "#note")
#endif

#ifdef TOP
#define SIDE_IMPORTS(side) \
    IMPORT("test:diamond/" #side "@1.0.0", "add-twice") void side##_add_twice(uint32_t n, pair *result); \
    IMPORT("test:diamond/" #side "@1.0.0", "note") void side##_note(const void *p, uint32_t n, list *result);
SIDE_IMPORTS(left)
SIDE_IMPORTS(right)

EXPORT("both") list *both(uint32_t n)
{
    pair *v = heap_alloc(2 * sizeof(pair), 4);
    left_add_twice(n, &v[0]);
    right_add_twice(10 * n, &v[1]);
    return RESULT(list, (list){v, 4});
}
POST_RETURN("both")

EXPORT("notes") list *notes(const void *p, uint32_t n)
{
    text l = {0}, r = {0};
    list v;
    put_z(&l, "left "), put_str(&l, (str){p, n});
    put_z(&r, "right "), put_str(&r, (str){p, n});
    str s = text_str(&l);
    left_note(s.ptr, s.len, &v);
    s = text_str(&r);
    right_note(s.ptr, s.len, &v);
    return RESULT(list, v);
}
POST_RETURN("notes")
#endif
