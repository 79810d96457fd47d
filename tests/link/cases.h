/* cases.h: the components of a .wast file of this folder, as split.mjs leaves them. */
#ifndef CJ_TEST_LINK_CASES_H
#define CJ_TEST_LINK_CASES_H

#include "support/bytes.h"
#include "support/cmocka_all.h"

#include "link/program.h"

#define CASES CJ_TEST_BINARY_DIR "/link/"

typedef struct file_bytes {
    uint8_t *at;
    size_t size;
} file_bytes;

/* With a zero after it. Free `at`. */
static inline file_bytes read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("cannot open %s", path);
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    file_bytes b = {malloc((size_t)size + 1), (size_t)size};
    assert_int_equal(fread(b.at, 1, b.size, file), b.size);
    b.at[b.size] = 0;
    fclose(file);
    return b;
}

static inline file_bytes read_case(const char *list, const char *name)
{
    char path[512];
    snprintf(path, sizeof(path), CASES "%s/%s.wasm", list, name);
    return read_file(path);
}

/* Decodes and links; on CJ_OK delete `out` with cj__program_delete. */
static inline cj_status link_bytes(const cj_config *config, file_bytes b, cj_program **out, cj_error *err)
{
    cj_ast *ast = NULL;
    cj_status status = cj__ast_decode(config, b.at, b.size, &ast, err);
    if (status != CJ_OK)
        return status;
    status = cj__link(config, ast, out, err);
    cj__ast_delete(ast); /* programs must not need it */
    return status;
}

/* The default limits, and nothing else. */
static inline cj_config config_of(void)
{
    cj_config config = {.struct_size = sizeof(config),
#define CJ_X(type, name, default_value, what) .name = default_value,
                        CJ_LOAD_LIMIT_MAP(CJ_X)
#undef CJ_X
    };
    return config;
}

static inline cj_status link_case(const cj_config *config, const char *list, const char *name, cj_program **out,
                                  cj_error *err)
{
    file_bytes b = read_case(list, name);
    cj_status status = link_bytes(config, b, out, err);
    free(b.at);
    return status;
}

/* A case that must link. */
static inline cj_program *good_case(const cj_config *config, const char *list, const char *name)
{
    cj_program *program = NULL;
    cj_error err;
    if (link_case(config, list, name, &program, &err) != CJ_OK) {
        char text[512];
        cj_error_format(&err, text, sizeof(text));
        fail_msg("%s: %s", name, text);
    }
    return program;
}

typedef void (*case_visitor)(const char *list, const char *name, const char *message, void *user);

/* Visits the lines of a list of cases; returns how many there were. */
static inline int each_case(const char *list, case_visitor visit, void *user)
{
    char path[512];
    snprintf(path, sizeof(path), CASES "%s.tsv", list);
    file_bytes b = read_file(path);
    int count = 0;
    for (char *at = (char *)b.at, *save; (at = strtok_r(at, "\n", &save)); at = NULL) {
        char *tab = strchr(at, '\t');
        assert_non_null(tab);
        *tab = 0;
        visit(list, at, tab + 1, user);
        count++;
    }
    free(b.at);
    return count;
}

#endif
