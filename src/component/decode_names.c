/* decode_names.c: labels and extern names, with their attributes.
 *
 * Place in the pipeline and shared conventions: decode.h. The grammar of names: names.h.
 * Non-goals: rules that need types ([method]'s first parameter, [constructor]'s result).
 */
#include "component/decode.h"

cj_decode_scope cj__decode_scope(const cj_decoder *d)
{
    cj_decode_scope scope = {.imports.alloc = d->alloc, .exports.alloc = d->alloc};
    return scope;
}

void cj__decode_scope_free(cj_decode_scope *scope)
{
    cj__name_set_free(&scope->imports);
    cj__name_set_free(&scope->exports);
}

cj_status cj__decode_core_name(cj_decoder *d, cj_reader *r, cj_str *out, const char *what)
{
    return cj__read_name(r, d->config.max_name_length, out, what);
}

cj_status cj__decode_label(cj_decoder *d, cj_reader *r, cj_str *out, const char *what)
{
    CJ_TRY(cj__decode_core_name(d, r, out, what));
    if (!cj__label_valid(*out))
        return cj__fail_at(d->err, CJ_INVALID, cj__decode_offset_of(d, out->ptr), "%s `%.*s` is not in kebab case",
                           what, CJ_STR_ARG(*out));
    return CJ_OK;
}

static cj_status conflict(cj_decoder *d, cj_str name, cj_str previous, const char *what)
{
    return cj__fail_at(d->err, CJ_INVALID, cj__decode_offset_of(d, name.ptr),
                       "%s `%.*s` conflicts with the earlier `%.*s`", what, (int)(name.len < 80 ? name.len : 80),
                       name.ptr, (int)(previous.len < 80 ? previous.len : 80), previous.ptr);
}

static cj_status add_name(cj_decoder *d, cj_name_set *set, const cj_name *name, cj_str text, const char *what)
{
    cj_str previous;
    switch (cj__name_set_add(set, name, text, &previous)) {
    case CJ_OK:
        return CJ_OK;
    case CJ_INVALID:
        return conflict(d, text, previous, what);
    default:
        return cj__fail_nomem(d->err);
    }
}

static cj_name label_name(cj_str label)
{
    return (cj_name){.kind = CJ_NAME_PLAIN, .label = label};
}

cj_status cj__decode_check_labels(cj_decoder *d, const cj_ast_labelled *labels, uint32_t count, const char *what)
{
    enum { FEW = 16 }; /* up to here comparing all pairs is faster than making a set */
    if (count <= FEW) {
        for (uint32_t i = 1; i < count; i++) {
            cj_name a = label_name(labels[i].label);
            for (uint32_t j = 0; j < i; j++) {
                cj_name b = label_name(labels[j].label);
                if (cj__name_conflicts(&a, &b))
                    return conflict(d, a.label, b.label, what);
            }
        }
        return CJ_OK;
    }
    cj_name_set set = {.alloc = d->alloc};
    cj_status status = CJ_OK;
    for (uint32_t i = 0; i < count && status == CJ_OK; i++) {
        cj_name name = label_name(labels[i].label);
        status = add_name(d, &set, &name, name.label, what);
    }
    cj__name_set_free(&set);
    return status;
}

/* -- Extern names -------------------------------------------------------------------------------------------------- */

static cj_status read_attributes(cj_decoder *d, cj_reader *r, cj_extern_name *out)
{
    static const char *const names[] = {"implements", "version suffix", "external id"};
    bool *const has[] = {&out->has_implements, &out->has_version_suffix, &out->has_external_id};
    cj_str *const values[] = {&out->implements, &out->version_suffix, &out->external_id};

    uint32_t count;
    CJ_TRY(cj__decode_count(d, r, 0, NULL, &count, "the attributes of a name"));
    for (uint32_t i = 0; i < count; i++) {
        uint64_t offset = cj__reader_offset(r);
        uint8_t kind;
        CJ_TRY(cj__read_byte(r, &kind, "an attribute of a name"));
        if (kind >= CJ_COUNT(names))
            return cj__decode_unexpected(d, offset, kind, "an attribute of a name (0x00 to 0x02)");
        if (*has[kind])
            return cj__fail_at(d->err, CJ_INVALID, offset, "second `%s` attribute of name `%.*s`", names[kind],
                               CJ_STR_ARG(out->name));
        *has[kind] = true;
        CJ_TRY(cj__decode_core_name(d, r, values[kind], names[kind]));
    }
    return CJ_OK;
}

static cj_status check_implements(cj_decoder *d, const cj_extern_name *name, const cj_name *parsed)
{
    uint64_t offset = cj__decode_offset_of(d, name->implements.ptr);
    cj_name interface;
    CJ_TRY(cj__name_parse(name->implements, offset, &interface, d->err));
    if (interface.kind != CJ_NAME_INTERFACE)
        return cj__fail_at(d->err, CJ_INVALID, offset, "`implements` value `%.*s` must be an interface name",
                           CJ_STR_ARG(name->implements));
    if (parsed->kind != CJ_NAME_PLAIN)
        return cj__fail_at(d->err, CJ_INVALID, offset, "name `%.*s` cannot have `implements`: it is not a plain name",
                           CJ_STR_ARG(name->name));
    return CJ_OK;
}

/* The version in the name is canonical, and with the suffix a semantic version: "1" and ".2.3". */
static cj_status check_version_suffix(cj_decoder *d, const cj_extern_name *name, const cj_name *parsed)
{
    cj_str suffix = name->version_suffix;
    bool ok = parsed->kind == CJ_NAME_INTERFACE && cj__canonversion_valid(parsed->version);
    if (ok) {
        cj_arena_mark mark = cj__arena_mark(d->arena);
        size_t len = parsed->version.len + suffix.len;
        char *joined = cj__arena_alloc(d->arena, len, 1);
        if (!joined)
            return cj__fail_nomem(d->err);
        memcpy(joined, parsed->version.ptr, parsed->version.len);
        memcpy(joined + parsed->version.len, suffix.ptr, suffix.len);
        ok = cj__semver_valid((cj_str){joined, len});
        cj__arena_release(d->arena, mark);
    }
    if (!ok)
        return cj__fail_at(d->err, CJ_INVALID, cj__decode_offset_of(d, suffix.ptr),
                           "version suffix `%.*s` does not complete the canonical version of name `%.*s`",
                           CJ_STR_ARG(suffix), CJ_STR_ARG(name->name));
    return CJ_OK;
}

cj_status cj__decode_extern_name(cj_decoder *d, cj_reader *r, cj_extern_name *out)
{
    memset(out, 0, sizeof(*out));
    uint64_t offset = cj__reader_offset(r);
    uint8_t prefix;
    CJ_TRY(cj__read_byte(r, &prefix, "the prefix of a name"));
    if (prefix > 0x02)
        return cj__decode_unexpected(d, offset, prefix, "the prefix of a name (0x00 to 0x02)");
    CJ_TRY(cj__decode_core_name(d, r, &out->name, "a name"));
    if (prefix == 0x02)
        CJ_TRY(read_attributes(d, r, out));

    cj_name parsed;
    CJ_TRY(cj__name_parse(out->name, cj__decode_offset_of(d, out->name.ptr), &parsed, d->err));
    if (out->has_implements)
        CJ_TRY(check_implements(d, out, &parsed));
    if (out->has_version_suffix)
        CJ_TRY(check_version_suffix(d, out, &parsed));
    return CJ_OK;
}

cj_status cj__decode_check_extern(cj_decoder *d, cj_name_set *set, const cj_extern_name *name, cj_sort sort,
                                  const char *what)
{
    uint64_t offset = cj__decode_offset_of(d, name->name.ptr);
    cj_name parsed;
    CJ_TRY(cj__name_parse(name->name, offset, &parsed, d->err));
    bool annotated =
        parsed.kind == CJ_NAME_CONSTRUCTOR || parsed.kind == CJ_NAME_METHOD || parsed.kind == CJ_NAME_STATIC;
    if (annotated && sort != CJ_SORT_FUNC)
        return cj__fail_at(d->err, CJ_INVALID, offset, "%s name `%.*s` must name a function, found: %s", what,
                           CJ_STR_ARG(name->name), cj__sort_name(sort));
    if (name->has_implements && sort != CJ_SORT_INSTANCE)
        return cj__fail_at(d->err, CJ_INVALID, offset,
                           "%s name `%.*s` has `implements`, which only instances can; found: %s", what,
                           CJ_STR_ARG(name->name), cj__sort_name(sort));
    if (sort <= CJ_SORT_CORE_INSTANCE && sort != CJ_SORT_CORE_MODULE)
        return cj__fail_at(d->err, CJ_INVALID, offset,
                           "%s name `%.*s` must not name a %s: of the core sorts only modules can be named", what,
                           CJ_STR_ARG(name->name), cj__sort_name(sort));
    return add_name(d, set, &parsed, name->name, what);
}
