/* test_profile.c: reading the functions of an object for profilers: what it finds, and that no cut or damaged object makes it read past its end. */
#include "support/cmocka_all.h"

#include "exec/exec.h"

#if CJ_HAVE_LLVM
#include "exec/llvm/profile.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

/* An object with the functions "main" (at 16, 32 bytes), "part.0" (at 48, 8 bytes), one of another section, and a variable. */
typedef struct object {
    Elf64_Ehdr head;
    Elf64_Shdr sections[4]; /* none, code, symbols, names */
    Elf64_Sym symbols[5];
    char names[32];
} object;

static object make(void)
{
    static const char names[] = "\0main\0part.0\0other\0data";
    object o;
    memset(&o, 0, sizeof(o));
    memcpy(o.head.e_ident, ELFMAG, SELFMAG);
    o.head.e_ident[EI_CLASS] = ELFCLASS64;
    o.head.e_shoff = offsetof(object, sections);
    o.head.e_shentsize = sizeof(Elf64_Shdr);
    o.head.e_shnum = 4;
    o.sections[2] = (Elf64_Shdr){
        .sh_type = SHT_SYMTAB, .sh_offset = offsetof(object, symbols), .sh_size = sizeof(o.symbols), .sh_link = 3};
    o.sections[3] = (Elf64_Shdr){.sh_type = SHT_STRTAB, .sh_offset = offsetof(object, names), .sh_size = sizeof(names)};
    memcpy(o.names, names, sizeof(names));
    unsigned char func = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
    o.symbols[1] = (Elf64_Sym){.st_name = 6, .st_info = func, .st_shndx = 1, .st_value = 48, .st_size = 8};
    o.symbols[2] = (Elf64_Sym){.st_name = 1, .st_info = func, .st_shndx = 1, .st_value = 16, .st_size = 32};
    o.symbols[3] = (Elf64_Sym){.st_name = 13, .st_info = func, .st_shndx = 2, .st_value = 16, .st_size = 32};
    o.symbols[4] = (Elf64_Sym){
        .st_name = 19, .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT), .st_shndx = 1, .st_value = 16, .st_size = 32};
    return o;
}

static cj__ll_function found[CJ__LL_MAX_FUNCTIONS];

static size_t read_object(const void *bytes, size_t size, const char *symbol, const char *name)
{
    return cj__ll_profile_read(bytes, size, symbol, name, found);
}

static void test_functions_beside_the_symbol(void **state)
{
    (void)state;
    object o = make();
    assert_int_equal(read_object(&o, sizeof(o), "main", "cj:export:f"), 2);
    assert_string_equal(found[0].name, "cj:export:f part.0");
    assert_int_equal(found[0].offset, 32);
    assert_int_equal(found[0].size, 8);
    assert_string_equal(found[1].name, "cj:export:f");
    assert_int_equal(found[1].offset, 0);
    assert_int_equal(found[1].size, 32);
    assert_int_equal(read_object(&o, sizeof(o), "data", "x"), 0);
    assert_int_equal(read_object(&o, sizeof(o), "nothing", "x"), 0);
}

static void test_names_are_one_line(void **state)
{
    (void)state;
    object o = make();
    assert_int_equal(read_object(&o, sizeof(o), "main", "a\nb\x7f\tc"), 2);
    assert_string_equal(found[1].name, "a_b__c");
    char longest[600];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = 0;
    assert_int_equal(read_object(&o, sizeof(o), "main", longest), 2);
    assert_int_equal(strlen(found[1].name), sizeof(found[1].name) - 1);
}

static void test_cut_objects(void **state)
{
    (void)state;
    object o = make();
    for (size_t size = 0; size < sizeof(o); size++) {
        char *copy = malloc(size + 1); /* exactly as long, for AddressSanitizer */
        assert_non_null(copy);
        char *exact = size ? realloc(copy, size) : copy;
        memcpy(exact, &o, size);
        size_t count = read_object(exact, size, "main", "f");
        assert_true(count == 0 || size >= offsetof(object, names) + 24);
        free(exact);
    }
}

/* Every byte of the tables, with every value that could be an edge. */
static void test_damaged_objects(void **state)
{
    (void)state;
    static const unsigned char values[] = {0, 1, 3, 5, 0x7f, 0x80, 0xff};
    object whole = make(), *o = malloc(sizeof(*o));
    assert_non_null(o);
    for (size_t at = 0; at < sizeof(whole); at++) {
        for (size_t v = 0; v < sizeof(values); v++) {
            *o = whole;
            ((unsigned char *)o)[at] = values[v];
            assert_true(read_object(o, sizeof(*o), "main", "f") <= 4);
        }
    }
    *o = whole;
    memset(o->names, 'x', sizeof(o->names)); /* names without an end */
    o->sections[3].sh_size = sizeof(o->names);
    assert_int_equal(read_object(o, sizeof(*o), "main", "f"), 0);
    free(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_functions_beside_the_symbol),
                                       cmocka_unit_test(test_names_are_one_line), cmocka_unit_test(test_cut_objects),
                                       cmocka_unit_test(test_damaged_objects)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
int main(void)
{
    return 0;
}
#endif
