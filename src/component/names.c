/* names.c: see names.h. */
#include "component/names.h"

#include "base/arena.h"
#include "base/hash.h"

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The part of `s` before the first `c`; `rest` gets what follows it. False when there is none. */
static bool split(cj_str s, char c, cj_str *before, cj_str *rest)
{
    const char *at = s.len ? memchr(s.ptr, c, s.len) : NULL;
    if (!at)
        return false;
    size_t n = (size_t)(at - s.ptr);
    *before = (cj_str){s.ptr, n};
    *rest = (cj_str){at + 1, s.len - n - 1};
    return true;
}

static bool starts_with(cj_str s, cj_str prefix)
{
    return s.len >= prefix.len && memcmp(s.ptr, prefix.ptr, prefix.len) == 0;
}

static cj_str skip(cj_str s, size_t n)
{
    return (cj_str){s.ptr + n, s.len - n};
}

/* label: fragments joined by '-'; each all lower or all upper case with digits, the first beginning with a letter.
 * words: the same without upper case. */
static bool fragments_valid(cj_str s, bool allow_upper)
{
    size_t i = 0;
    for (bool first = true;; first = false) {
        size_t start = i;
        bool lower = false, upper = false;
        for (; i < s.len && s.ptr[i] != '-'; i++) {
            char c = s.ptr[i];
            lower |= is_lower(c);
            upper |= is_upper(c);
            if (!is_lower(c) && !is_upper(c) && !is_digit(c))
                return false;
        }
        if (i == start || (lower && upper) || (upper && !allow_upper) || (first && is_digit(s.ptr[start])))
            return false;
        if (i == s.len)
            return true;
        i++;
    }
}

bool cj__label_valid(cj_str label)
{
    return fragments_valid(label, true);
}

/* Reads a number without leading zeros from the front of `s`. */
static bool take_number(cj_str *s, bool *is_zero)
{
    size_t n = 0;
    while (n < s->len && is_digit(s->ptr[n]))
        n++;
    if (n == 0 || (n > 1 && s->ptr[0] == '0'))
        return false;
    *is_zero = s->ptr[0] == '0';
    *s = skip(*s, n);
    return true;
}

static bool take_char(cj_str *s, char c)
{
    if (s->len == 0 || s->ptr[0] != c)
        return false;
    *s = skip(*s, 1);
    return true;
}

/* Identifiers joined by dots, up to `end` or the end. Numeric ones may not begin with 0 in a pre-release. */
static bool take_identifiers(cj_str *s, char end, bool numbers_strict)
{
    for (;;) {
        size_t n = 0;
        bool numeric = true;
        while (n < s->len && s->ptr[n] != '.' && s->ptr[n] != end) {
            char c = s->ptr[n++];
            if (!is_lower(c) && !is_upper(c) && !is_digit(c) && c != '-')
                return false;
            numeric &= is_digit(c);
        }
        if (n == 0 || (numbers_strict && numeric && n > 1 && s->ptr[0] == '0'))
            return false;
        *s = skip(*s, n);
        if (!take_char(s, '.'))
            return true;
    }
}

bool cj__semver_valid(cj_str s)
{
    bool zero;
    if (!take_number(&s, &zero) || !take_char(&s, '.') || !take_number(&s, &zero) || !take_char(&s, '.') ||
        !take_number(&s, &zero))
        return false;
    if (take_char(&s, '-') && !take_identifiers(&s, '+', true))
        return false;
    if (take_char(&s, '+') && !take_identifiers(&s, '+', false))
        return false;
    return s.len == 0;
}

bool cj__canonversion_valid(cj_str s)
{
    for (int place = 0; place < 3; place++) {
        bool zero;
        if (!take_number(&s, &zero))
            return false;
        if (!zero || place == 2)
            return s.len == 0;
        if (!take_char(&s, '.'))
            return false;
    }
    return false;
}

static cj_status bad_label(cj_str label, uint64_t offset, cj_error *err)
{
    return cj__fail_at(err, CJ_INVALID, offset, "name `%.*s` is not in kebab case", CJ_STR_ARG(label));
}

static cj_status parse_interface(cj_str text, uint64_t offset, cj_name *out, cj_error *err)
{
    cj_str ns, rest, pkg, path, version = {"", 0};
    split(text, ':', &ns, &rest);
    if (!fragments_valid(ns, false))
        return cj__fail_at(err, CJ_INVALID, offset, "namespace `%.*s` of name `%.*s` is not lower kebab case",
                           CJ_STR_ARG(ns), CJ_STR_ARG(text));
    if (!split(rest, '/', &pkg, &path))
        return cj__fail_at(err, CJ_INVALID, offset, "name `%.*s` has no `/` after its package", CJ_STR_ARG(text));
    if (!fragments_valid(pkg, false))
        return cj__fail_at(err, CJ_INVALID, offset, "package `%.*s` of name `%.*s` is not lower kebab case",
                           CJ_STR_ARG(pkg), CJ_STR_ARG(text));
    cj_str interface = path;
    bool has_version = split(path, '@', &interface, &version);
    if (!fragments_valid(interface, true))
        return cj__fail_at(err, CJ_INVALID, offset, "interface `%.*s` of name `%.*s` is not in kebab case",
                           CJ_STR_ARG(interface), CJ_STR_ARG(text));
    if (has_version && !cj__semver_valid(version) && !cj__canonversion_valid(version))
        return cj__fail_at(err, CJ_INVALID, offset, "`%.*s` of name `%.*s` is not a semantic version",
                           CJ_STR_ARG(version), CJ_STR_ARG(text));
    out->kind = CJ_NAME_INTERFACE;
    out->package = (cj_str){text.ptr, (size_t)(pkg.ptr + pkg.len - text.ptr)};
    out->interface = interface;
    out->version = version;
    return CJ_OK;
}

static cj_status parse_annotated(cj_str text, uint64_t offset, cj_name *out, cj_error *err)
{
    static const struct {
        cj_str prefix;
        cj_name_kind kind;
    } annotations[] = {
        {CJ_STR("[constructor]"), CJ_NAME_CONSTRUCTOR},
        {CJ_STR("[method]"), CJ_NAME_METHOD},
        {CJ_STR("[static]"), CJ_NAME_STATIC},
    };
    for (size_t i = 0; i < CJ_COUNT(annotations); i++) {
        if (!starts_with(text, annotations[i].prefix))
            continue;
        cj_str rest = skip(text, annotations[i].prefix.len);
        out->kind = annotations[i].kind;
        if (out->kind == CJ_NAME_CONSTRUCTOR)
            out->resource = out->label = rest;
        else if (!split(rest, '.', &out->resource, &out->label))
            return cj__fail_at(err, CJ_INVALID, offset, "name `%.*s` has no `.` after its resource", CJ_STR_ARG(text));
        if (!cj__label_valid(out->resource))
            return bad_label(out->resource, offset, err);
        return cj__label_valid(out->label) ? CJ_OK : bad_label(out->label, offset, err);
    }
    return cj__fail_at(err, CJ_INVALID, offset,
                       "name `%.*s` has an unknown annotation; known are [constructor], [method], [static]",
                       CJ_STR_ARG(text));
}

cj_status cj__name_parse(cj_str text, uint64_t offset, cj_name *out, cj_error *err)
{
    cj_str none = {"", 0};
    *out = (cj_name){CJ_NAME_PLAIN, none, none, none, none, none};
    if (text.len && text.ptr[0] == '[')
        return parse_annotated(text, offset, out, err);
    if (text.len && memchr(text.ptr, ':', text.len))
        return parse_interface(text, offset, out, err);
    if (!cj__label_valid(text))
        return bad_label(text, offset, err);
    out->label = text;
    return CJ_OK;
}

/* -- Strong uniqueness ("Name Uniqueness") ------------------------------------------------------------------------- */

static char fold(char c)
{
    return is_upper(c) ? (char)(c - 'A' + 'a') : c;
}

static bool equal_folded(cj_str a, cj_str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (fold(a.ptr[i]) != fold(b.ptr[i]))
            return false;
    return true;
}

enum { MAX_PIECES = 5 };

/* The canonical form of a name before folding, as pieces to be joined. */
static size_t canonical_pieces(const cj_name *name, cj_str out[MAX_PIECES])
{
    size_t n = 0;
    switch (name->kind) {
    case CJ_NAME_CONSTRUCTOR:
        out[n++] = CJ_STR("[constructor]");
        break;
    case CJ_NAME_METHOD:
    case CJ_NAME_STATIC:
        if (!equal_folded(name->resource, name->label)) {
            out[n++] = name->resource;
            out[n++] = CJ_STR(".");
        }
        break;
    case CJ_NAME_INTERFACE:
        out[n++] = name->package;
        out[n++] = CJ_STR("/");
        out[n++] = name->interface;
        if (name->version.len) {
            out[n++] = CJ_STR("@");
            out[n++] = name->version;
        }
        return n;
    case CJ_NAME_PLAIN:
        break;
    }
    out[n++] = name->label;
    return n;
}

static size_t pieces_length(const cj_str *pieces, size_t count)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++)
        len += pieces[i].len;
    return len;
}

bool cj__name_conflicts(const cj_name *a, const cj_name *b)
{
    cj_str pa[MAX_PIECES], pb[MAX_PIECES];
    size_t na = canonical_pieces(a, pa), nb = canonical_pieces(b, pb);
    if (pieces_length(pa, na) != pieces_length(pb, nb))
        return false;
    size_t ia = 0, ib = 0, ja = 0, jb = 0;
    for (;;) {
        while (ia < na && ja == pa[ia].len)
            ia++, ja = 0;
        while (ib < nb && jb == pb[ib].len)
            ib++, jb = 0;
        if (ia == na || ib == nb)
            return ia == na && ib == nb;
        if (fold(pa[ia].ptr[ja++]) != fold(pb[ib].ptr[jb++]))
            return false;
    }
}

typedef struct cj_name_set_entry {
    UT_hash_handle hh;
    cj_str text;
} cj_name_set_entry;

cj_status cj__name_set_add(cj_name_set *set, const cj_name *name, cj_str text, cj_str *previous)
{
    if (!set->arena) {
        set->seed = cj__hash_seed();
        CJ_TRY(cj_arena_new(set->alloc, &set->arena));
    }
    cj_str pieces[MAX_PIECES];
    size_t count = canonical_pieces(name, pieces);
    size_t len = pieces_length(pieces, count);
    char *key = cj__arena_alloc(set->arena, len + 1, 1);
    cj_name_set_entry *entry = CJ_ARENA_NEW(set->arena, cj_name_set_entry);
    if (!key || !entry)
        return CJ_NO_MEMORY;
    char *at = key;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < pieces[i].len; j++)
            *at++ = fold(pieces[i].ptr[j]);

    const cj_allocator *hash_alloc = set->alloc;
    bool hash_oom = false;
    unsigned hash = cj__hash(set->seed, key, len);
    cj_name_set_entry *old = NULL;
    HASH_FIND_BYHASHVALUE(hh, set->head, key, len, hash, old);
    if (old) {
        *previous = old->text;
        return CJ_INVALID;
    }
    entry->text = text;
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, set->head, key, len, hash, entry);
    return hash_oom ? CJ_NO_MEMORY : CJ_OK;
}

void cj__name_set_free(cj_name_set *set)
{
    const cj_allocator *hash_alloc = set->alloc;
    HASH_CLEAR(hh, set->head);
    cj_arena_delete(set->arena);
    set->arena = NULL;
}
