/* fuzz_wave.c: any text as a value of some type. The first two bytes choose the type (the same that the property
 * tests draw), the rest is the text. What parses must come back from its own text; what does not must say where.
 *
 * A libFuzzer program (clang -fsanitize=fuzzer,address), linked with tests/unit/support/random_values.c.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/random_values.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_expect(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "fuzz_wave: %s\n", what);
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    cj_types *types = cj__types_new(NULL, 100);
    cj_arena *arena;
    fuzz_expect(types && cj_arena_new(NULL, &arena) == CJ_OK, "out of memory");
    random_source seed = random_new((uint64_t)data[0] | (uint64_t)data[1] << 8);
    const cj_type *type = random_type(&seed, types, 1 + data[0] % 5);
    const char *text = (const char *)data + 2;
    size_t len = size - 2;

    cj_val val, back;
    cj_error err;
    if (cj_wave_parse(type, text, len, &val, arena, &err) == CJ_OK) {
        size_t need = cj_wave_format(type, &val, NULL, 0);
        char *canonical = malloc(need + 1);
        fuzz_expect(canonical != NULL, "out of memory");
        fuzz_expect(cj_wave_format(type, &val, canonical, need + 1) == need, "two lengths of one text");
        fuzz_expect(cj_wave_parse(type, canonical, need, &back, arena, &err) == CJ_OK,
                    "the canonical text does not parse");
        fuzz_expect(cj_val_equal(&val, &back), "the canonical text is another value");
        free(canonical);
    } else {
        fuzz_expect(err.status == CJ_INVALID || err.status == CJ_LIMIT, "unexpected status");
        fuzz_expect(err.message[0] && err.offset <= len, "an error outside of the text, or without a message");
    }
    cj_arena_delete(arena);
    cj__types_delete(types);
    return 0;
}
