/* call.c: the text of a call, f("x", [1, 2]): which function is meant, and its arguments.
 *
 * Place in the pipeline: `canonjit run --invoke`; over the public reflection of a component.
 * Non-goals: named arguments; several calls in one text; resources' methods by a shorter name than the one in the file.
 *
 * People write less of a name than the file has. For f of ns:pkg/iface@1.0.0 any of these will do, with '#' or '.':
 *
 *     f    iface#f    iface@1.0.0#f    ns:pkg/iface#f    ns:pkg/iface@1.0.0#f    ns:pkg/iface.f@1.0.0
 *
 * A name that is exact wins; another must fit one function only.
 */
#include "wave/wave.h"

#include "base/near.h"

#include <inttypes.h>
#include <stdio.h>

typedef cj_extern_func extern_at(const cj_component *, size_t);

static bool starts(cj_str s, cj_str with)
{
    return s.len >= with.len && memcmp(s.ptr, with.ptr, with.len) == 0;
}

static bool ends(cj_str s, cj_str with)
{
    return s.len >= with.len && memcmp(s.ptr + (s.len - with.len), with.ptr, with.len) == 0;
}

static cj_str before(cj_str s, char c)
{
    const char *at = s.len ? memchr(s.ptr, c, s.len) : NULL;
    return at ? (cj_str){s.ptr, (size_t)(at - s.ptr)} : s;
}

/* Whether `text` names the interface: in full, without its version, without its package, without both. */
static bool names_interface(cj_str text, cj_str interface)
{
    cj_str short_name = interface;
    for (size_t i = 0; i < interface.len && interface.ptr[i] != '@'; i++)
        if (interface.ptr[i] == '/')
            short_name = (cj_str){interface.ptr + i + 1, interface.len - i - 1};
    return text.len > 0 && (cj__str_eq(text, interface) || cj__str_eq(text, before(interface, '@')) ||
                            cj__str_eq(text, short_name) || cj__str_eq(text, before(short_name, '@')));
}

static bool is_exact(cj_str text, cj_str interface, cj_str name)
{
    if (interface.len == 0)
        return cj__str_eq(text, name);
    return text.len == interface.len + 1 + name.len && starts(text, interface) && ends(text, name) &&
           text.ptr[interface.len] == '#';
}

static bool fits(cj_str text, cj_str interface, cj_str name)
{
    if (cj__str_eq(text, name))
        return true;
    cj_str version = before(interface, '@'); /* iface.f@1.0.0: the version behind the function's name */
    version = (cj_str){interface.ptr + version.len, interface.len - version.len};
    if (version.len && ends(text, version)) {
        cj_str rest = {text.ptr, text.len - version.len};
        if (rest.len > name.len + 1 && ends(rest, name) && rest.ptr[rest.len - name.len - 1] == '.' &&
            names_interface((cj_str){rest.ptr, rest.len - name.len - 1}, before(interface, '@')))
            return true;
    }
    if (text.len < name.len + 2 || !ends(text, name))
        return false;
    size_t at = text.len - name.len - 1;
    return (text.ptr[at] == '#' || text.ptr[at] == '.') && names_interface((cj_str){text.ptr, at}, interface);
}

static int path_of(const cj_extern_func *f, char *buffer, size_t size)
{
    return snprintf(buffer, size, "%s%s%s", f->interface, f->interface[0] ? "#" : "", f->name);
}

static cj_status find(const cj_component *component, size_t count, extern_at *at, const char *what, cj_str text,
                      size_t *index, cj_error *err)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        cj_extern_func f = at(component, i);
        if (is_exact(text, cj__str(f.interface), cj__str(f.name))) {
            *index = i;
            return CJ_OK;
        }
        if (fits(text, cj__str(f.interface), cj__str(f.name)) && found++ == 0)
            *index = i;
    }
    if (found == 1)
        return CJ_OK;

    if (found > 1) {
        char list[192] = "";
        size_t len = 0;
        for (size_t i = 0, listed = 0; i < count && listed < found; i++) {
            cj_extern_func f = at(component, i);
            if (!fits(text, cj__str(f.interface), cj__str(f.name)))
                continue;
            char path[128];
            int n = path_of(&f, path, sizeof(path));
            if (n < 0 || (size_t)n >= sizeof(path) || len + (size_t)n + 8 >= sizeof(list)) {
                snprintf(list + len, sizeof(list) - len, "%s...", listed ? ", " : "");
                break;
            }
            len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", listed++ ? ", " : "", path);
        }
        return cj__fail(err, CJ_INVALID, "\"%.*s\" fits %zu functions: %s", CJ_STR_ARG(text), found, list);
    }

    cj_str last = text;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '#' || text.ptr[i] == '.')
            last = (cj_str){text.ptr + i + 1, text.len - i - 1};
    char wanted[128], hint[192];
    snprintf(wanted, sizeof(wanted), "%.*s", (int)(last.len > 100 ? 100 : last.len), last.ptr);
    cj_near near;
    cj__near_start(&near, wanted);
    for (size_t i = 0; i < count; i++) {
        const char *name = at(component, i).name; /* lives as long as the component */
        bool offered = false;
        for (size_t k = 0; k < CJ_COUNT(near.best) && near.best[k]; k++)
            offered = offered || strcmp(near.best[k], name) == 0;
        if (!offered)
            cj__near_offer(&near, name);
    }
    cj__near_finish(&near, hint, sizeof(hint));
    return cj__fail(err, CJ_NOT_FOUND, "no %s function \"%.*s\" among %zu%s", what, CJ_STR_ARG(text), count, hint);
}

cj_status cj_component_find_export(const cj_component *component, const char *name, size_t len, size_t *index,
                                   cj_error *err)
{
    cj__error_clear(err);
    if (!component || (!name && len) || !index)
        return cj__fail(err, CJ_MISUSE, "cj_component_find_export: component, name and index must not be NULL");
    return find(component, cj_component_export_count(component), cj_component_export, "exported", (cj_str){name, len},
                index, err);
}

cj_status cj_component_find_import(const cj_component *component, const char *name, size_t len, size_t *index,
                                   cj_error *err)
{
    cj__error_clear(err);
    if (!component || (!name && len) || !index)
        return cj__fail(err, CJ_MISUSE, "cj_component_find_import: component, name and index must not be NULL");
    return find(component, cj_component_import_count(component), cj_component_import, "imported", (cj_str){name, len},
                index, err);
}

/* -- Arguments --------------------------------------------------------------------------------------------------- */

static void describe_param(const cj_functype *type, uint32_t i, char *buffer, size_t size)
{
    size_t name_len;
    const char *name = cj_functype_param_name(type, i, &name_len);
    char wit[80];
    if (cj_type_format(cj_functype_param(type, i), wit, sizeof(wit)) >= sizeof(wit))
        snprintf(wit, sizeof(wit), "%s", cj_kind_name(cj_type_kind(cj_functype_param(type, i))));
    snprintf(buffer, size, "argument %" PRIu32 " of %" PRIu32 " (%.*s: %s)", i + 1, cj_functype_param_count(type),
             (int)(name_len > 40 ? 40 : name_len), name, wit);
}

/* Arguments in parentheses: an array of as many values as `type` has parameters. */
static cj_status read_arguments(cj_wave_reader *r, const cj_functype *type, cj_val **args)
{
    if (!cj__wave_take(r, '('))
        return cj__wave_expected(r, "'(' and the arguments");
    uint32_t count = cj_functype_param_count(type), given = 0;
    cj_val *at = cj__wave_values(r, count);
    char what[192];
    if (!at)
        return r->err->status;
    bool more = !cj__wave_take(r, ')');
    for (; more && given < count; given++) {
        cj_status status = cj__wave_value(r, cj_functype_param(type, given), &at[given]);
        if (status != CJ_OK) {
            describe_param(type, given, what, sizeof(what));
            cj__error_where(r->err, "%s", what);
            return status;
        }
        bool comma = cj__wave_take(r, ',');
        more = !cj__wave_take(r, ')');
        if (more && !comma)
            return cj__wave_expected(r, given + 1 < count ? "',' or ')' after an argument"
                                                          : "')' after the last argument");
    }
    if (more) {
        snprintf(what, sizeof(what), "')': the function has %" PRIu32 " parameter%s", count, count == 1 ? "" : "s");
        return cj__wave_expected(r, what);
    }
    for (uint32_t i = given; i < count; i++) {
        if (cj_type_kind(cj_functype_param(type, i)) != CJ_KIND_OPTION) {
            r->at--;
            describe_param(type, i, what, sizeof(what));
            return cj__wave_expected(r, what);
        }
        at[i] = (cj_val){.kind = CJ_KIND_OPTION};
    }
    *args = at;
    return CJ_OK;
}

cj_status cj_wave_parse_call(const cj_component *component, const char *text, size_t len, size_t *index, cj_val **args,
                             size_t *nargs, cj_arena *arena, cj_error *err)
{
    cj__error_clear(err);
    if (!component || (!text && len) || !index || !args || !nargs || !arena)
        return cj__fail(err, CJ_MISUSE, "cj_wave_parse_call: no argument but err may be NULL");
    cj_wave_reader r;
    CJ_TRY(cj__wave_start(&r, text, len, arena, err));
    cj__wave_space(&r);
    size_t start = r.at;
    while (r.at < len && !memchr("( \t\r\n", text[r.at], 5))
        r.at++;
    cj_str name = {text + start, r.at - start};
    if (name.len == 0)
        return cj__wave_expected(&r, "the name of a function");
    size_t found;
    cj_status status = cj_component_find_export(component, name.ptr, name.len, &found, r.err);
    if (status != CJ_OK) {
        r.err->offset = start;
        return status;
    }
    const cj_functype *type = cj_component_export(component, found).type;
    CJ_TRY(read_arguments(&r, type, args));
    cj__wave_space(&r);
    if (r.at != r.len)
        return cj__wave_expected(&r, "the end of the text");
    *index = found;
    *nargs = cj_functype_param_count(type);
    return CJ_OK;
}
