/* wave.h: what the files of this folder share: reading WAVE text, and the locale in which numbers are written.
 *
 * Place in the pipeline: above the types' reflection, beside runtime/; used by cli/ through canonjit.h.
 * Non-goals: a syntax tree. Text is parsed with its type in hand; there is no untyped form.
 */
#ifndef CJ_WAVE_WAVE_H
#define CJ_WAVE_WAVE_H

#include <locale.h>

#include "base/base.h"

enum {
    CJ_WAVE_MAX_PARTS = 16 << 20, /* values in one text: "{:}" may stand for thousands of them */
};

typedef struct cj_wave_reader {
    const char *text;
    size_t len, at;
    cj_arena *arena;
    cj_error *err; /* never NULL: `unwanted` when the caller wants none */
    uint32_t parts;
    cj_error unwanted;
} cj_wave_reader;

/* Starts reading. CJ_INVALID when the text is not UTF-8 as a whole, so that nothing after this has to look. */
cj_status cj__wave_start(cj_wave_reader *, const char *text, size_t len, cj_arena *arena, cj_error *err);
/* Past white space and comments. */
void cj__wave_space(cj_wave_reader *);
/* Past white space and `c`, if `c` comes next. */
bool cj__wave_take(cj_wave_reader *, char c);
/* One value of `type`. */
cj_status cj__wave_value(cj_wave_reader *, const cj_type *type, cj_val *out);
/* "expected WHAT, found ..." at the present place. */
cj_status cj__wave_expected(cj_wave_reader *, const char *what);
/* Room for `count` values. NULL: r->err is filled. */
cj_val *cj__wave_values(cj_wave_reader *, size_t count);

/* true, false, some, none, ok, err, inf, nan: labels of variants and enums like these need a '%'. */
bool cj__wave_is_keyword(cj_str);

/* Digits and the decimal point are those of the C locale, whatever the program's is. */
typedef struct cj_c_locale {
    locale_t mine, before;
} cj_c_locale;

static inline bool cj__c_locale_enter(cj_c_locale *l)
{
    l->mine = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!l->mine)
        return false;
    l->before = uselocale(l->mine);
    return true;
}

static inline void cj__c_locale_leave(cj_c_locale *l)
{
    uselocale(l->before);
    freelocale(l->mine);
}

#endif
