/* demo.c: the guest of demo.wit. A word is a run of characters that are neither white space nor punctuation of ASCII.
 */
#include "cabi.h"

typedef struct word_class {
    str name;
    uint32_t shortest, longest;
} word_class;

typedef struct class_count {
    str name;
    uint32_t words;
    uint8_t has_example;
    str example;
} class_count;

typedef struct summary {
    uint32_t characters, words, lines;
    double mean_word_length;
    str longest_word;
    list classes;
} summary;

static bool in_word(uint32_t c)
{
    return c > 0x7f ? c != 0xa0 && c != 0x3000
                    : (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '\'';
}

/* The part of `s` from unit `from` to unit `to`. */
static str part(str s, uint32_t from, uint32_t to)
{
    bool wide = str_is_wide(s);
    return (str){(const char *)s.ptr + (wide ? from * 2 : from),
                 (to - from) | (ENCODING == 1 && wide ? STR_UTF16_TAG : 0)};
}

EXPORT("demo:text/stats@1.0.0#summarize")
summary *summarize(const void *ptr, uint32_t len, const word_class *classes, uint32_t class_count_)
{
    str text = {ptr, len};
    class_count *counts = heap_alloc(class_count_ * sizeof(*counts), _Alignof(class_count));
    for (uint32_t k = 0; k < class_count_; k++)
        counts[k] = (class_count){.name = classes[k].name};

    summary s = {.longest_word = part(text, 0, 0), .classes = {counts, class_count_}};
    uint32_t letters = 0, longest = 0, word_start = 0, word_length = 0, units = str_units(text);
    bool line_open = false;
    for (uint32_t at = 0, next = 0; at < units || word_length; at = next) {
        bool end = at >= units; /* closes the last word */
        uint32_t c = end ? ' ' : str_next(text, &next);
        s.characters += !end;
        line_open = c != '\n';
        s.lines += c == '\n';
        if (in_word(c)) {
            if (word_length++ == 0)
                word_start = at;
        } else if (word_length) {
            str word = part(text, word_start, at);
            s.words++;
            letters += word_length;
            if (word_length > longest) {
                longest = word_length;
                s.longest_word = word;
            }
            for (uint32_t k = 0; k < class_count_; k++) {
                if (word_length >= classes[k].shortest && word_length <= classes[k].longest && counts[k].words++ == 0) {
                    counts[k].has_example = 1;
                    counts[k].example = word;
                }
            }
            word_length = 0;
        }
    }
    s.lines += line_open;
    s.mean_word_length = s.words ? (double)letters / s.words : 0;
    return RESULT(summary, s);
}
POST_RETURN("demo:text/stats@1.0.0#summarize")
