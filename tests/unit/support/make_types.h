/* make_types.h: types in one line each: t_record(T, 2, "a", t_u32(T), "b", t_string(T)). A type that cannot be made
 * fails the test.
 */
#ifndef CJ_TEST_MAKE_TYPES_H
#define CJ_TEST_MAKE_TYPES_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "component/types.h"

static inline const cj_type *t_expect(const cj_type *type, const cj_error *err)
{
    if (!type) {
        char text[512];
        cj_error_format(err, text, sizeof(text));
        fprintf(stderr, "cannot make a type: %s\n", text);
        abort();
    }
    return type;
}

static inline const cj_type *t_scalar(cj_types *types, cj_kind kind)
{
    cj_error err;
    return t_expect(cj__type_scalar(types, kind, &err), &err);
}

static inline const cj_type *t_make(cj_types *types, cj_kind kind, const cj_param *members, uint32_t count)
{
    cj_error err;
    return t_expect(cj__type_make(types, kind, members, count, &err), &err);
}

static inline const cj_type *t_one(cj_types *types, cj_kind kind, const cj_type *member)
{
    cj_param param = {{"", 0}, member};
    return t_make(types, kind, &param, 1);
}

static inline const cj_type *t_list(cj_types *types, const cj_type *elem)
{
    return t_one(types, CJ_KIND_LIST, elem);
}

static inline const cj_type *t_option(cj_types *types, const cj_type *some)
{
    return t_one(types, CJ_KIND_OPTION, some);
}

static inline const cj_type *t_result(cj_types *types, const cj_type *ok, const cj_type *err)
{
    cj_param members[2] = {{{"", 0}, ok}, {{"", 0}, err}};
    return t_make(types, CJ_KIND_RESULT, members, 2);
}

enum { T_MAX_MEMBERS = 40 };

/* Members as (name, type) pairs, for RECORD and VARIANT; as types for TUPLE; as names for ENUM and FLAGS. */
static inline const cj_type *t_members(cj_types *types, cj_kind kind, int count, ...)
{
    cj_param members[T_MAX_MEMBERS];
    va_list args;
    va_start(args, count);
    for (int i = 0; i < count && i < T_MAX_MEMBERS; i++) {
        members[i].name = cj__str(kind == CJ_KIND_TUPLE ? "" : va_arg(args, const char *));
        members[i].type = kind == CJ_KIND_ENUM || kind == CJ_KIND_FLAGS ? NULL : va_arg(args, const cj_type *);
    }
    va_end(args);
    return t_make(types, kind, members, (uint32_t)count);
}
#define t_record(types, ...) t_members((types), CJ_KIND_RECORD, __VA_ARGS__)
#define t_variant(types, ...) t_members((types), CJ_KIND_VARIANT, __VA_ARGS__)
#define t_tuple(types, ...) t_members((types), CJ_KIND_TUPLE, __VA_ARGS__)

/* enum or flags with `count` labels l0, l1, ... */
static inline const cj_type *t_labels(cj_types *types, cj_kind kind, uint32_t count)
{
    cj_param *members = calloc(count, sizeof(*members));
    char(*names)[12] = calloc(count, sizeof(*names));
    if (!members || !names)
        abort();
    for (uint32_t i = 0; i < count; i++) {
        snprintf(names[i], sizeof(names[i]), "l%u", i);
        members[i].name = cj__str(names[i]);
    }
    const cj_type *type = t_make(types, kind, members, count);
    free(members);
    free(names);
    return type;
}

/* The same type with every scalar by its kind's name: t_u32(T). */
#define T_SCALAR(name, KIND) \
    static inline const cj_type *t_##name(cj_types *types) \
    { \
        return t_scalar(types, CJ_KIND_##KIND); \
    }
T_SCALAR(bool, BOOL)
T_SCALAR(s8, S8)
T_SCALAR(u8, U8)
T_SCALAR(s16, S16)
T_SCALAR(u16, U16)
T_SCALAR(s32, S32)
T_SCALAR(u32, U32)
T_SCALAR(s64, S64)
T_SCALAR(u64, U64)
T_SCALAR(f32, F32)
T_SCALAR(f64, F64)
T_SCALAR(char, CHAR)
T_SCALAR(string, STRING)

#endif
