/* text.c: the string kernels by themselves: each kernel on each kind of text, every table that this machine runs against the scalar kernels
 * compiled without vectorisation, and memcpy of as many bytes as the kernel writes.
 *
 * Speeds are source bytes (GB/s, a thousand million) per second. Short strings are a table of their own, in ns: there the call is what counts.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec/text/text.h"

extern const cj_text_kernels cjb_text_reference;

/* -- Texts --------------------------------------------------------------------------------------------------------------- */

typedef enum kind { ASCII, LATIN, CYRILLIC, CHINESE, EMOJI, KINDS } kind;
static const char *const kind_names[KINDS] = {"ascii", "latin", "cyrillic", "chinese", "emoji"};

enum { SOURCE = 65536, MAX_OUT = 3 * SOURCE };

typedef struct text {
    uint8_t utf8[SOURCE], utf16[SOURCE], latin1[SOURCE];
    size_t utf8_len, utf16_units; /* as much as makes whole characters */
} text;
static text texts[KINDS];
static uint8_t out[MAX_OUT + 64];

static uint32_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33);
}

/* Words of the kind with spaces between them, as its language has them: one letter in eight has an accent in Latin, Chinese has commas and no spaces,
 * emoji stand in twos. */
static uint32_t next_char(kind k, uint64_t *state)
{
    uint32_t r = next_random(state), letter = 'a' + r % 26;
    bool space = (r >> 9) % 6 == 0;
    switch (k) {
    case LATIN:
        return space ? ' ' : (r >> 16) % 8 ? letter : 0xe0 + r % 31;
    case CYRILLIC:
        return space ? ' ' : 0x430 + r % 32;
    case CHINESE:
        return (r >> 8) % 16 ? 0x4e00 + r % 0x5000 : 0xff0c;
    case EMOJI:
        return (r >> 8) % 3 ? 0x1f600 + r % 64 : ' ';
    default:
        return space ? ' ' : letter;
    }
}

static void make_texts(void)
{
    for (kind k = 0; k < KINDS; k++) {
        text *t = &texts[k];
        uint64_t state = 1 + (uint64_t)k;
        for (size_t i = 0; i < SOURCE; i++)
            t->latin1[i] = (uint8_t)(k == ASCII || k == LATIN ? next_char(k, &state) : 0xe9);
        while (t->utf8_len + 4 <= SOURCE) {
            uint32_t c = next_char(k, &state);
            uint8_t *s = t->utf8 + t->utf8_len;
            t->utf8_len += c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
            if (c < 0x80)
                *s = (uint8_t)c;
            else if (c < 0x800)
                s[0] = (uint8_t)(0xc0 | c >> 6), s[1] = (uint8_t)(0x80 | (c & 63));
            else if (c < 0x10000)
                s[0] = (uint8_t)(0xe0 | c >> 12), s[1] = (uint8_t)(0x80 | (c >> 6 & 63)),
                s[2] = (uint8_t)(0x80 | (c & 63));
            else
                s[0] = (uint8_t)(0xf0 | c >> 18), s[1] = (uint8_t)(0x80 | (c >> 12 & 63)),
                s[2] = (uint8_t)(0x80 | (c >> 6 & 63)), s[3] = (uint8_t)(0x80 | (c & 63));
        }
        while (t->utf16_units + 2 <= SOURCE / 2) {
            uint32_t c = next_char(k, &state);
            uint16_t u[2] = {(uint16_t)c, 0};
            size_t n = c < 0x10000 ? 1 : 2;
            if (n == 2)
                u[0] = (uint16_t)(0xd800 + ((c - 0x10000) >> 10)), u[1] = (uint16_t)(0xdc00 + (c & 0x3ff));
            memcpy(t->utf16 + 2 * t->utf16_units, u, 2 * n);
            t->utf16_units += n;
        }
    }
}

/* -- Kernels ----------------------------------------------------------------------------------------------------------------- */

typedef enum source { UTF8, UTF16, LATIN1 } source;

typedef struct job {
    const cj_text_kernels *k;
    const uint8_t *s;
    size_t n, written;
} job;

static volatile size_t sink;

typedef struct kernel {
    const char *name;
    source from;
    cjb_body run;
    size_t (*written)(const job *);
} kernel;

#define BODIES(id, call, bytes) \
    static void run_##id(void *arg, uint64_t count) \
    { \
        const job *j = arg; \
        const cj_text_kernels *k = j->k; \
        const uint8_t *s = j->s; \
        size_t n = j->n, read = 0, result = 0; \
        while (count--) \
            result += call; \
        sink = result + read; \
    } \
    static size_t written_##id(const job *j) \
    { \
        const cj_text_kernels *k = j->k; \
        const uint8_t *s = j->s; \
        size_t n = j->n, read = 0, result = call; \
        (void)read, (void)result; \
        return bytes; \
    }
BODIES(utf8_valid, k->utf8_valid(s, n), 0)
BODIES(utf8_copy, k->utf8_copy(s, n, out), n)
BODIES(utf16_valid, k->utf16_valid(s, n), 0)
BODIES(utf16_utf8_len, k->utf16_utf8_len(s, n), 0)
BODIES(latin1_utf8_len, k->latin1_utf8_len(s, n), 0)
BODIES(utf8_to_utf16, k->utf8_to_utf16(s, n, out), 2 * result)
BODIES(utf16_to_utf8, k->utf16_to_utf8(s, n, out), result)
BODIES(utf8_to_latin1, k->utf8_to_latin1(s, n, out, &read), result)
BODIES(utf16_to_latin1, k->utf16_to_latin1(s, n, out, &read), result)
BODIES(latin1_to_utf8, k->latin1_to_utf8(s, n, out), result)
BODIES(latin1_to_utf16, (k->latin1_to_utf16(s, n, out), n), 2 * n)

static const kernel kernels[] = {
    {"utf8 valid", UTF8, run_utf8_valid, written_utf8_valid},
    {"utf8 valid and copied", UTF8, run_utf8_copy, written_utf8_copy},
    {"utf16 valid", UTF16, run_utf16_valid, written_utf16_valid},
    {"utf16 as utf8, counted", UTF16, run_utf16_utf8_len, written_utf16_utf8_len},
    {"latin1 as utf8, counted", LATIN1, run_latin1_utf8_len, written_latin1_utf8_len},
    {"utf8->utf16", UTF8, run_utf8_to_utf16, written_utf8_to_utf16},
    {"utf16->utf8", UTF16, run_utf16_to_utf8, written_utf16_to_utf8},
    {"utf8->latin1", UTF8, run_utf8_to_latin1, written_utf8_to_latin1},
    {"utf16->latin1", UTF16, run_utf16_to_latin1, written_utf16_to_latin1},
    {"latin1->utf8", LATIN1, run_latin1_to_utf8, written_latin1_to_utf8},
    {"latin1->utf16", LATIN1, run_latin1_to_utf16, written_latin1_to_utf16},
};

static void run_memcpy(void *arg, uint64_t count)
{
    static uint8_t from[MAX_OUT];
    const job *j = arg;
    while (count--) {
        memcpy(out, from, j->written);
        __asm__ volatile("" ::: "memory"); /* each is done */
    }
}

/* -- Rows -------------------------------------------------------------------------------------------------------------------- */

enum { REFERENCE, FIRST_TABLE, COPY = FIRST_TABLE + 5, CONTENDERS };
static const char *const contender_names[CONTENDERS] = {"reference", "scalar", "sse4",  "avx2",
                                                        "avx512",    "neon",   "memcpy"};
static const size_t short_lengths[] = {0, 1, 4, 8, 15, 16, 17, 31, 32, 63, 64};

/* Does this kernel do all of a text of this kind? */
static bool suits(const kernel *f, kind k)
{
    return k <= LATIN || (f->from != LATIN1 && !strstr(f->name, "->latin1"));
}

static void measure_row(const cjb_text_options *o, const kernel *f, kind k, const char *label, size_t bytes,
                        bool short_string)
{
    const text *t = &texts[k];
    job jobs[CONTENDERS];
    cjb_contender c[CONTENDERS] = {0};
    size_t size = 0;
    for (int i = 0; i < CONTENDERS; i++) {
        job *j = &jobs[i];
        j->k = i == REFERENCE || i == COPY ? &cjb_text_reference : cj__text_named(contender_names[i]);
        j->s = f->from == UTF8 ? t->utf8 : f->from == UTF16 ? t->utf16 : t->latin1;
        j->n = bytes < SOURCE     ? bytes >> (f->from == UTF16)
               : f->from == UTF8  ? t->utf8_len
               : f->from == UTF16 ? t->utf16_units
                                  : SOURCE;
        size = j->n << (f->from == UTF16);
        c[i].name = contender_names[i];
        c[i].arg = j;
        if (j->k)
            c[i].body = f->run;
    }
    jobs[COPY].written = f->written(&jobs[COPY]);
    c[COPY].body = jobs[COPY].written && !short_string ? run_memcpy : NULL;
    bool steady = cjb_measure(c, CONTENDERS, o->settings);
    if (o->json) {
        printf("%s\n  {\"direction\": \"text\", \"row\": \"%s\", \"steady\": %s, \"bytes\": %zu", *o->first ? "" : ",",
               label, steady ? "true" : "false", size);
        *o->first = false;
        for (int i = 0; i < CONTENDERS; i++)
            if (c[i].body)
                printf(
                    ", \"%s\": {\"ns\": %.2f, \"gb_per_s\": %.2f, \"speedup\": %.3f, \"of_memcpy\": %.3f, \"spread\": %.3f}",
                    c[i].name, c[i].ns, (double)size / c[i].ns, c[REFERENCE].ns / c[i].ns,
                    c[COPY].body ? c[COPY].ns / c[i].ns : 0, c[i].spread);
        printf("}");
        return;
    }
    printf("%-34s", label);
    for (int i = 0; i < COPY; i++) {
        if (!cj__text_named(contender_names[i]) && i != REFERENCE)
            continue;
        if (short_string)
            printf("  %8.1f ns", c[i].ns);
        else
            printf("  %8.2f", (double)size / c[i].ns);
        if (i == REFERENCE)
            printf(" ±%3.0f %%", 100 * c[i].spread);
        else
            printf(" %6.2fx", c[REFERENCE].ns / c[i].ns);
    }
    if (c[COPY].body)
        for (int i = COPY - 1; i >= 0; i--)
            if (c[i].body) { /* the last table, the best */
                printf("  %6.2f", c[COPY].ns / c[i].ns);
                break;
            }
    printf("%s\n", steady ? "" : "  (unsteady)");
    fflush(stdout);
}

static void print_head(const cjb_text_options *o, const char *what, bool copy)
{
    if (o->json)
        return;
    printf("\n%-34s", what);
    for (int i = 0; i < COPY; i++)
        if (i == REFERENCE)
            printf("  %15s", "reference");
        else if (cj__text_named(contender_names[i]))
            printf("  %16s", contender_names[i]);
    printf("%s\n", copy ? "  of memcpy" : "");
}

void cjb_text_bench(const cjb_text_options *o)
{
    char label[64];
    make_texts();
    print_head(o, "text, 64 KiB: GB/s", true);
    for (size_t f = 0; f < sizeof kernels / sizeof kernels[0]; f++)
        for (kind k = 0; k < KINDS; k++) {
            snprintf(label, sizeof label, "%s, %s", kernels[f].name, kind_names[k]);
            if (suits(&kernels[f], k) && strstr(label, o->only))
                measure_row(o, &kernels[f], k, label, SOURCE, false);
        }
    print_head(o, "text, short", false);
    for (size_t f = 0; f < sizeof kernels / sizeof kernels[0]; f++)
        for (size_t i = 0; i < sizeof short_lengths / sizeof short_lengths[0]; i++) {
            snprintf(label, sizeof label, "%s, short: %zu B", kernels[f].name, short_lengths[i]);
            if (strstr(label, o->only))
                measure_row(o, &kernels[f], ASCII, label, short_lengths[i], true);
        }
}
