/* native_door.c: a call with C structs in and C structs out: nothing is allocated or tagged on the way.
 *
 *     interface stats {                                                    // demo:text/stats@1.0.0
 *         record word-class { name: string, shortest: u32, longest: u32 }
 *         record class-count { name: string, words: u32, example: option<string> }
 *         record summary { characters: u32, words: u32, lines: u32, mean-word-length: f64,
 *                          longest-word: string, classes: list<class-count> }
 *         summarize: func(text: string, classes: list<word-class>) -> summary;
 *     }
 *
 *     ./native_door demo.wasm "Some text."
 */
#include <canonjit.h>

#include "read_file.h"

#include <string.h>

/* The types of the interface as C sees them: docs/host-layout.md. */
typedef struct word_class {
    cj_string name;
    uint32_t shortest, longest;
} word_class;

typedef struct class_count {
    cj_string name;
    uint32_t words;
    struct {
        uint8_t some;
        cj_string value;
    } example;
} class_count;

typedef struct summary {
    uint32_t characters, words, lines;
    double mean_word_length;
    cj_string longest_word;
    cj_list classes; /* of class_count */
} summary;

typedef struct summarize_args {
    cj_string text;
    cj_list classes; /* of word_class */
} summarize_args;

#define SUMMARIZE "demo:text/stats@1.0.0#summarize"
#define TEXT(s) (int)(s).len, (s).ptr

static int summarize(cj_store *store, cj_func *func, const char *text)
{
    /* The structs above were written for one type: hold it against the component's once, then trust it. */
    char type[512];
    if (!func) {
        fprintf(stderr, "the component exports no " SUMMARIZE "\n");
        return 1;
    }
    cj_functype_format(cj_func_type(func), type, sizeof(type));
    if (cj_functype_args_size(cj_func_type(func)) != sizeof(summarize_args) ||
        cj_type_size(cj_functype_result(cj_func_type(func))) != sizeof(summary)) {
        fprintf(stderr, "not the summarize that this program knows: %s\n", type);
        return 1;
    }

    word_class classes[] = {{CJ_STRING("short"), 1, 3}, {CJ_STRING("long"), 6, UINT32_MAX}};
    summarize_args args = {{text, strlen(text)}, {classes, sizeof(classes) / sizeof(classes[0])}};
    summary s;
    cj_arena *arena; /* strings and lists of the result live here */
    if (cj_arena_new(NULL, &arena) != CJ_OK || cj_call_native(func, &args, &s, arena) != CJ_OK) {
        print_error(cj_store_error(store));
        return 1;
    }
    printf("%u characters, %u words in %u lines, %.2f characters a word, the longest is \"%.*s\"\n", s.characters,
           s.words, s.lines, s.mean_word_length, TEXT(s.longest_word));
    const class_count *counts = s.classes.ptr;
    for (size_t i = 0; i < s.classes.len; i++)
        printf("%.*s: %u%s%.*s\n", TEXT(counts[i].name), counts[i].words, counts[i].example.some ? ", as " : "",
               counts[i].example.some ? (int)counts[i].example.value.len : 0, counts[i].example.value.ptr);
    cj_arena_delete(arena);
    return 0;
}

int main(int argc, char **argv)
{
    file_bytes file = read_file(argc > 1 ? argv[1] : "demo.wasm");
    cj_engine *engine = NULL;
    cj_component *component = NULL;
    cj_store *store = NULL;
    cj_instance *instance;
    cj_error err;
    int status = 1;
    if (cj_engine_new(NULL, &engine, &err) != CJ_OK ||
        cj_component_new(engine, file.bytes, file.size, &component, &err) != CJ_OK ||
        cj_store_new(engine, NULL, NULL, &store, &err) != CJ_OK ||
        cj_instantiate(store, NULL, component, &instance, &err) != CJ_OK)
        print_error(&err);
    else
        status = summarize(store, cj_instance_func(instance, SUMMARIZE), argc > 2 ? argv[2] : "Hello, world.");

    cj_store_delete(store);
    cj_component_delete(component);
    cj_engine_delete(engine);
    free(file.bytes);
    return status;
}
