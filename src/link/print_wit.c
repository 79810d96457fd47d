/* print_wit.c: what a component imports and exports, as WIT for people or as JSON for tools.
 *
 * Place in the pipeline: after link.c; CJ_TEXT_WIT and CJ_TEXT_JSON.
 * Non-goals: reading WIT; a text that tools accept where the component is no image of a WIT world (unnamed records,
 * instances in instances).
 * Spec: design/mvp/WIT.md.
 *
 * The file knows types by structure, WIT by name. A name is taken back from what the component exports and imports:
 * types with a name belong to an interface, and a second interface that names the same definition has it by `use`.
 */
#include <stdio.h>

#include "component/names.h"
#include "link/program.h"

enum {
    TEXT_MAX = 4 << 20,    /* bytes of WIT: unnamed types that nest and repeat each other print exponentially */
    STEPS_MAX = 100000000, /* of looking for names and items, which is quadratic in what a hostile file has of them */
};

typedef struct writer {
    const cj_allocator *alloc;
    CJ_VEC(char) text;
    bool no_memory, full;
    size_t max;
    uint32_t steps;
    unsigned indent;
    const cj_program *program;
    const char *interface; /* whose names types are printed with, */
    bool is_export;        /* and in which direction it goes */
    uint32_t *numbers;     /* JSON: per type id, its number + 1 */
    uint32_t number_count;
} writer;

static void put_n(writer *w, const char *text, size_t n)
{
    if (w->no_memory || w->full)
        return;
    if (n > w->max - w->text.len) {
        w->full = true;
        return;
    }
    if (!CJ_VEC_RESERVE(w->alloc, &w->text, w->text.len + n + 1)) {
        w->no_memory = true;
        return;
    }
    memcpy(w->text.at + w->text.len, text, n);
    w->text.len += n;
}

/* Counts one step of a search; false when there were too many, and the text ends here. */
static bool step(writer *w)
{
    if (++w->steps > STEPS_MAX)
        w->full = true;
    return !w->full;
}

static void put(writer *w, const char *text)
{
    put_n(w, text, strlen(text));
}

static void put_u32(writer *w, uint32_t n)
{
    char text[16];
    snprintf(text, sizeof(text), "%u", n);
    put(w, text);
}

static void new_line(writer *w)
{
    put(w, "\n");
    for (unsigned i = 0; i < w->indent; i++)
        put(w, "  ");
}

/* A line: what begins it; the rest follows. */
static void line(writer *w, const char *text)
{
    new_line(w);
    put(w, text);
}

static void open_block(writer *w)
{
    put(w, " {");
    w->indent++;
}

static void close_block(writer *w)
{
    w->indent--;
    line(w, "}");
}

static void put_label(writer *w, cj_str label)
{
    if (cj__wit_is_keyword(label))
        put(w, "%");
    put_n(w, label.ptr, label.len);
}

/* -- Names of types ---------------------------------------------------------------------------------------------- */

/* The name that a record, variant, enum or flags type, or a resource type, has in the current interface; else in
 * any. */
static const cj_program_type *find_name(writer *w, const cj_type *type, uint32_t resource)
{
    const cj_program_type *elsewhere = NULL;
    for (uint32_t i = 0; i < w->program->named_type_count && step(w); i++) {
        const cj_program_type *named = &w->program->named_types[i];
        if (resource ? named->resource != resource : named->type != type)
            continue;
        if (strcmp(named->interface, w->interface) == 0 && named->is_export == w->is_export)
            return named;
        if (!elsewhere)
            elsewhere = named;
    }
    return elsewhere;
}

/* The first name of the same definition in another interface, whence this one has it. */
static const cj_program_type *find_origin(writer *w, const cj_program_type *named)
{
    for (uint32_t i = 0; i < w->program->named_type_count && step(w); i++) {
        const cj_program_type *other = &w->program->named_types[i];
        if (other == named)
            return NULL;
        bool same_interface = strcmp(other->interface, named->interface) == 0;
        if (other->identity == named->identity && other->interface[0] &&
            !(same_interface && other->is_export != named->is_export))
            return other;
    }
    return NULL;
}

/* -- Types as WIT ------------------------------------------------------------------------------------------------ */

static void put_type(writer *w, const cj_type *type);

static void put_generic(writer *w, const cj_type *type)
{
    put(w, type->is_map ? "map" : cj_kind_name(type->kind));
    if (type->is_map)
        type = type->members[0].type;               /* of pairs */
    if (type->count == 1 && !type->members[0].type) /* a stream or future of nothing */
        return;
    put(w, "<");
    for (uint32_t i = 0; i < type->count && !w->full; i++) {
        put(w, i ? ", " : "");
        put_type(w, type->members[i].type);
    }
    if (type->kind == CJ_KIND_FIXED_LIST) {
        put(w, ", ");
        put_u32(w, type->length);
    }
    put(w, ">");
}

static void put_result(writer *w, const cj_type *type)
{
    const cj_type *ok = type->members[0].type, *err = type->members[1].type;
    put(w, "result");
    if (!ok && !err)
        return;
    put(w, "<");
    if (ok)
        put_type(w, ok);
    else
        put(w, "_");
    if (err) {
        put(w, ", ");
        put_type(w, err);
    }
    put(w, ">");
}

static void put_member(writer *w, const cj_type *type, uint32_t i)
{
    const cj_member *member = &type->members[i];
    put_label(w, member->name);
    if (!member->type)
        return;
    put(w, type->kind == CJ_KIND_RECORD ? ": " : "(");
    put_type(w, member->type);
    put(w, type->kind == CJ_KIND_RECORD ? "" : ")");
}

static void put_anonymous(writer *w, const cj_type *type)
{
    put(w, cj_kind_name(type->kind));
    put(w, " { ");
    for (uint32_t i = 0; i < type->count && !w->full; i++) {
        put(w, i ? ", " : "");
        put_member(w, type, i);
    }
    put(w, " }");
}

static void put_handle(writer *w, const cj_type *type)
{
    const cj_program_type *named = find_name(w, NULL, type->resource);
    if (type->kind == CJ_KIND_BORROW)
        put(w, "borrow<");
    if (named) {
        put_label(w, cj__str(named->name));
    } else {
        put(w, "resource-");
        put_u32(w, type->resource);
    }
    if (type->kind == CJ_KIND_BORROW)
        put(w, ">");
}

static bool is_nominal(const cj_type *type)
{
    return type->kind == CJ_KIND_RECORD || type->kind == CJ_KIND_VARIANT || type->kind == CJ_KIND_ENUM ||
           type->kind == CJ_KIND_FLAGS;
}

/* A use of a type. */
static void put_type(writer *w, const cj_type *type)
{
    if (w->full)
        return;
    if (is_nominal(type)) {
        const cj_program_type *named = find_name(w, type, 0);
        if (named)
            put_label(w, cj__str(named->name));
        else
            put_anonymous(w, type);
        return;
    }
    switch (type->kind) {
    case CJ_KIND_LIST:
    case CJ_KIND_FIXED_LIST:
    case CJ_KIND_OPTION:
    case CJ_KIND_STREAM:
    case CJ_KIND_FUTURE:
    case CJ_KIND_TUPLE:
        put_generic(w, type);
        break;
    case CJ_KIND_RESULT:
        put_result(w, type);
        break;
    case CJ_KIND_OWN:
    case CJ_KIND_BORROW:
        put_handle(w, type);
        break;
    default:
        put(w, cj_kind_name(type->kind));
        break;
    }
}

/* "(a: u32) -> string", from parameter `first` on. */
static void put_signature(writer *w, const cj_functype *type, uint32_t first, bool result)
{
    put(w, "(");
    for (uint32_t i = first; i < type->param_count && !w->full; i++) {
        put(w, i > first ? ", " : "");
        put_label(w, type->params[i].name);
        put(w, ": ");
        put_type(w, type->params[i].type);
    }
    put(w, ")");
    if (result && type->result) {
        put(w, " -> ");
        put_type(w, type->result);
    }
}

static void put_func(writer *w, const cj_functype *type, uint32_t first)
{
    put(w, type->is_async ? "async func" : "func");
    put_signature(w, type, first, true);
    put(w, ";");
}

/* -- Items: what an interface, or the world, contains ------------------------------------------------------------ */

/* A function or a named type, as one list in the order of the file. */
typedef struct item {
    const cj_func_info *func; /* or */
    const cj_program_type *type;
    const char *interface;
} item;

typedef struct items {
    item *at;
    uint32_t len;
    bool exports;
} items;

static void merge_items(const cj_program *program, items *out)
{
    bool exports = out->exports;
    uint32_t count = exports ? program->export_count : program->import_count, t = 0;
    for (uint32_t i = 0; i <= count; i++) {
        for (; t < program->named_type_count; t++) {
            const cj_program_type *type = &program->named_types[t];
            if (type->is_export != exports)
                continue;
            if (type->before > i)
                break;
            out->at[out->len++] = (item){NULL, type, type->interface};
        }
        if (i < count) {
            const cj_func_info *info = exports ? &program->exports[i].info : &program->imports[i].info;
            out->at[out->len++] = (item){info, NULL, info->interface};
        }
    }
}

/* A function's name taken apart; names come from valid components. */
static cj_name parse_name(const char *text)
{
    cj_name name;
    if (cj__name_parse(cj__str(text), 0, &name, NULL) != CJ_OK)
        name = (cj_name){.kind = CJ_NAME_PLAIN, .label = cj__str(text)};
    return name;
}

static void put_resource_member(writer *w, const cj_func_info *func, const cj_name *name)
{
    new_line(w);
    if (name->kind == CJ_NAME_CONSTRUCTOR) {
        bool fallible = func->type->result && func->type->result->kind == CJ_KIND_RESULT;
        put(w, "constructor");
        put_signature(w, func->type, 0, fallible);
        put(w, ";");
        return;
    }
    put_label(w, name->label);
    put(w, name->kind == CJ_NAME_STATIC ? ": static " : ": ");
    put_func(w, func->type, name->kind == CJ_NAME_METHOD ? 1 : 0);
}

/* The resource with its functions, which follow it in the list. */
static void put_resource(writer *w, const items *list, uint32_t at, const char *name)
{
    bool is_open = false;
    line(w, "resource ");
    put_label(w, cj__str(name));
    for (uint32_t i = at + 1; i < list->len && step(w); i++) {
        const item *it = &list->at[i];
        if (!it->func || it->func->name[0] != '[' || strcmp(it->interface, list->at[at].interface) != 0)
            continue;
        cj_name parsed = parse_name(it->func->name);
        if (!cj__str_eq(parsed.resource, cj__str(name)))
            continue;
        if (!is_open)
            open_block(w);
        is_open = true;
        put_resource_member(w, it->func, &parsed);
    }
    if (is_open)
        close_block(w);
    else
        put(w, ";");
}

static void put_typedef(writer *w, const cj_program_type *named)
{
    const cj_type *type = named->type;
    const cj_program_type *first = find_name(w, type, 0);
    bool is_alias = first && first != named && strcmp(first->interface, named->interface) == 0 &&
                    first->is_export == named->is_export;
    if (!is_nominal(type) || is_alias) {
        line(w, "type ");
        put_label(w, cj__str(named->name));
        put(w, " = ");
        put_type(w, type);
        put(w, ";");
        return;
    }
    line(w, cj_kind_name(type->kind));
    put(w, " ");
    put_label(w, cj__str(named->name));
    open_block(w);
    for (uint32_t i = 0; i < type->count && !w->full; i++) {
        new_line(w);
        put_member(w, type, i);
        put(w, ",");
    }
    close_block(w);
}

/* An interface of the same package goes by its own name alone. */
static void put_interface_name(writer *w, const char *interface)
{
    cj_name there, here;
    if (cj__name_parse(cj__str(interface), 0, &there, NULL) == CJ_OK && there.kind == CJ_NAME_INTERFACE &&
        cj__name_parse(cj__str(w->interface), 0, &here, NULL) == CJ_OK && here.kind == CJ_NAME_INTERFACE &&
        cj__str_eq(there.package, here.package) && cj__str_eq(there.version, here.version))
        put_label(w, there.interface);
    else
        put(w, interface);
}

/* `use` of one type, and of those that follow it and come from the same interface. Returns the position of the
 * last one. */
static uint32_t put_use(writer *w, const items *list, uint32_t at, const cj_program_type *origin)
{
    const char *from = origin->interface;
    line(w, "use ");
    put_interface_name(w, from);
    for (const char *before = ".{"; origin && strcmp(origin->interface, from) == 0; before = ", ") {
        const char *name = list->at[at].type->name;
        put(w, before);
        put_label(w, cj__str(origin->name));
        if (strcmp(origin->name, name) != 0) {
            put(w, " as ");
            put_label(w, cj__str(name));
        }
        if (at + 1 == list->len || !list->at[at + 1].type ||
            strcmp(list->at[at + 1].interface, list->at[at].interface) != 0)
            break;
        origin = find_origin(w, list->at[at + 1].type);
        if (!origin || strcmp(origin->interface, from) != 0)
            break;
        at++;
    }
    put(w, "};");
    return at;
}

/* Returns the position of the last item that it took. */
static uint32_t put_named_type(writer *w, const items *list, uint32_t at)
{
    const cj_program_type *named = list->at[at].type, *origin = find_origin(w, named);
    if (origin && strcmp(origin->interface, named->interface) != 0)
        return put_use(w, list, at, origin);
    if (origin) {
        line(w, "type ");
        put_label(w, cj__str(named->name));
        put(w, " = ");
        put_label(w, cj__str(origin->name));
        put(w, ";");
    } else if (named->resource) {
        put_resource(w, list, at, named->name);
    } else {
        put_typedef(w, named);
    }
    return at;
}

/* A function that belongs to a resource which the interface defines is printed there. */
static bool in_resource(writer *w, const items *list, uint32_t at)
{
    const item *it = &list->at[at];
    if (it->func->name[0] != '[')
        return false;
    cj_name parsed = parse_name(it->func->name);
    for (uint32_t i = 0; i < at && step(w); i++) {
        const cj_program_type *type = list->at[i].type;
        if (type && type->resource && strcmp(type->interface, it->interface) == 0 &&
            cj__str_eq(parsed.resource, cj__str(type->name)))
            return true;
    }
    return false;
}

/* The items of one interface, from the first one on. `prefix`: "import ", "export " in the world, else "". */
static void put_items(writer *w, const items *list, uint32_t from, const char *prefix)
{
    w->interface = list->at[from].interface;
    w->is_export = list->exports;
    for (uint32_t i = from; i < list->len && step(w); i++) {
        const item *it = &list->at[i];
        if (strcmp(it->interface, w->interface) != 0)
            continue;
        if (it->type) {
            i = put_named_type(w, list, i);
        } else if (!in_resource(w, list, i)) {
            line(w, prefix);
            put_label(w, cj__str(it->func->name));
            put(w, ": ");
            put_func(w, it->func->type, 0);
        }
    }
}

/* -- The document ------------------------------------------------------------------------------------------------ */

static bool is_first_of_interface(writer *w, const items *list, uint32_t at)
{
    for (uint32_t i = at; i > 0 && step(w); i--)
        if (strcmp(list->at[i - 1].interface, list->at[at].interface) == 0)
            return false;
    return true;
}

static bool is_global_interface(const char *interface)
{
    return strchr(interface, ':') && !strchr(interface, '#');
}

static void put_world(writer *w, const items *list)
{
    const char *word = list->exports ? "export " : "import ";
    for (uint32_t i = 0; i < list->len && !w->full; i++) {
        const char *interface = list->at[i].interface;
        if (!is_first_of_interface(w, list, i))
            continue;
        if (!interface[0]) {
            put_items(w, list, i, word);
        } else if (is_global_interface(interface)) {
            line(w, word);
            put(w, interface);
            put(w, ";");
        } else {
            line(w, word);
            put_label(w, cj__str(interface));
            put(w, ": interface");
            open_block(w);
            put_items(w, list, i, "");
            close_block(w);
        }
    }
}

/* An interface to be defined, with its items. */
typedef struct definition {
    const items *list;
    uint32_t at, len;
    cj_name name;
    bool done;
} definition;

static uint32_t count_items(writer *w, const items *list, const char *interface)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < list->len && step(w); i++)
        count += strcmp(list->at[i].interface, interface) == 0;
    return count;
}

/* An interface that is imported and exported is defined once, from where more of it is to be seen: tools leave out
 * what is not used of imports. */
static uint32_t find_definitions(writer *w, const items *list, definition *all, uint32_t count)
{
    for (uint32_t i = 0; i < list->len && !w->full; i++) {
        const char *interface = list->at[i].interface;
        definition found = {.list = list, .at = i};
        if (!is_global_interface(interface) || !is_first_of_interface(w, list, i) ||
            cj__name_parse(cj__str(interface), 0, &found.name, NULL) != CJ_OK)
            continue;
        found.len = count_items(w, list, interface);
        definition *same = NULL;
        for (uint32_t j = 0; j < count && !same && step(w); j++)
            if (strcmp(all[j].list->at[all[j].at].interface, interface) == 0)
                same = &all[j];
        if (!same)
            all[count++] = found;
        else if (found.len > same->len)
            *same = found;
    }
    return count;
}

/* Packages in the order of their first interface. */
static void put_packages(writer *w, definition *all, uint32_t count)
{
    for (uint32_t i = 0; i < count && !w->full; i++) {
        const cj_name *package = &all[i].name;
        if (all[i].done)
            continue;
        put(w, "\n");
        line(w, "package ");
        put_n(w, package->package.ptr, package->package.len);
        if (package->version.len) {
            put(w, "@");
            put_n(w, package->version.ptr, package->version.len);
        }
        open_block(w);
        for (uint32_t j = i; j < count && step(w); j++) {
            definition *it = &all[j];
            if (it->done || !cj__str_eq(it->name.package, package->package) ||
                !cj__str_eq(it->name.version, package->version))
                continue;
            it->done = true;
            line(w, "interface ");
            put_label(w, it->name.interface);
            open_block(w);
            put_items(w, it->list, it->at, "");
            close_block(w);
        }
        close_block(w);
    }
}

static void put_document(writer *w, const items *imports, const items *exports, definition *room)
{
    put(w, "package root:component;\n\nworld root");
    open_block(w);
    put_world(w, imports);
    put_world(w, exports);
    close_block(w);
    put_packages(w, room, find_definitions(w, exports, room, find_definitions(w, imports, room, 0)));
    put(w, "\n");
}

/* -- JSON -------------------------------------------------------------------------------------------------------- */

static void put_json_string(writer *w, const char *text, size_t len)
{
    char escape[8];
    put(w, "\"");
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\')
            snprintf(escape, sizeof(escape), "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            snprintf(escape, sizeof(escape), "\\u%04x", c);
        else
            snprintf(escape, sizeof(escape), "%c", c);
        put(w, escape);
    }
    put(w, "\"");
}

static void put_key(writer *w, const char *key)
{
    put_json_string(w, key, strlen(key));
    put(w, ": ");
}

static void put_field(writer *w, const char *key, const char *value)
{
    put_key(w, key);
    put_json_string(w, value, strlen(value));
}

/* The number of a type in the document's list of types, to which it is added after what it is made of. Recursion
 * goes as deep as types nest. */
static uint32_t number_of(writer *w, const cj_type *type)
{
    if (w->numbers[type->id] || w->full || w->no_memory)
        return w->numbers[type->id] ? w->numbers[type->id] - 1 : 0;
    for (uint32_t i = 0; i < type->count; i++)
        if (type->members[i].type)
            number_of(w, type->members[i].type);

    put(w, w->number_count ? "," : "");
    line(w, "{");
    put_field(w, "kind", cj_kind_name(type->kind));
    put(w, ", \"size\": ");
    put_u32(w, cj__sat32(type->host_size));
    put(w, ", \"align\": ");
    put_u32(w, cj__sat32(type->host_align));
    if (type->kind == CJ_KIND_OWN || type->kind == CJ_KIND_BORROW) {
        put(w, ", \"resource\": ");
        put_u32(w, type->resource);
    }
    if (type->length) {
        put(w, ", \"length\": ");
        put_u32(w, type->length);
    }
    if (type->is_map) {
        put(w, ", ");
        put_key(w, "map");
        put(w, "true");
    }
    if (type->count) {
        put(w, ", \"members\": [");
        for (uint32_t i = 0; i < type->count && !w->full; i++) {
            const cj_member *member = &type->members[i];
            put(w, i ? ", {" : "{");
            put_key(w, "name");
            put_json_string(w, member->name.ptr, member->name.len);
            put(w, ", \"type\": ");
            if (member->type)
                put_u32(w, w->numbers[member->type->id] - 1);
            else
                put(w, "null");
            put(w, "}");
        }
        put(w, "]");
    }
    put(w, "}");
    w->numbers[type->id] = ++w->number_count;
    return w->number_count - 1;
}

static void number_functype(writer *w, const cj_functype *type)
{
    for (uint32_t i = 0; i < type->param_count; i++)
        number_of(w, type->params[i].type);
    if (type->result)
        number_of(w, type->result);
}

static void put_json_func(writer *w, const cj_func_info *info)
{
    const cj_functype *type = info->type;
    line(w, "{");
    put_field(w, "interface", info->interface);
    put(w, ", ");
    put_field(w, "name", info->name);
    put(w, ", ");
    put_key(w, "async");
    put(w, type->is_async ? "true" : "false");
    put(w, ", ");
    put_key(w, "params");
    put(w, "[");
    for (uint32_t i = 0; i < type->param_count && !w->full; i++) {
        put(w, i ? ", {" : "{");
        put_key(w, "name");
        put_json_string(w, type->params[i].name.ptr, type->params[i].name.len);
        put(w, ", \"type\": ");
        put_u32(w, number_of(w, type->params[i].type));
        put(w, "}");
    }
    put(w, "], ");
    put_key(w, "result");
    if (type->result)
        put_u32(w, number_of(w, type->result));
    else
        put(w, "null");
    put(w, "}");
}

static void put_json_named(writer *w, const cj_program_type *named)
{
    line(w, "{");
    put_field(w, "direction", named->is_export ? "export" : "import");
    put(w, ", ");
    put_field(w, "interface", named->interface);
    put(w, ", ");
    put_field(w, "name", named->name);
    if (named->type) {
        put(w, ", \"type\": ");
        put_u32(w, number_of(w, named->type));
    } else {
        put(w, ", \"resource\": ");
        put_u32(w, named->resource);
    }
    put(w, "}");
}

static void open_list(writer *w, const char *key)
{
    new_line(w);
    put_key(w, key);
    put(w, "[");
    w->indent++;
}

static void close_list(writer *w, const char *end)
{
    w->indent--;
    line(w, end);
}

static void put_json(writer *w)
{
    const cj_program *program = w->program;
    put(w, "{");
    w->indent++;
    open_list(w, "types");
    for (uint32_t i = 0; i < program->import_count; i++)
        number_functype(w, program->imports[i].info.type);
    for (uint32_t i = 0; i < program->export_count; i++)
        number_functype(w, program->exports[i].info.type);
    for (uint32_t i = 0; i < program->named_type_count; i++)
        if (program->named_types[i].type)
            number_of(w, program->named_types[i].type);
    close_list(w, "],");

    open_list(w, "namedTypes");
    for (uint32_t i = 0; i < program->named_type_count; i++) {
        put(w, i ? "," : "");
        put_json_named(w, &program->named_types[i]);
    }
    close_list(w, "],");
    open_list(w, "imports");
    for (uint32_t i = 0; i < program->import_count; i++) {
        put(w, i ? "," : "");
        put_json_func(w, &program->imports[i].info);
    }
    close_list(w, "],");
    open_list(w, "exports");
    for (uint32_t i = 0; i < program->export_count; i++) {
        put(w, i ? "," : "");
        put_json_func(w, &program->exports[i].info);
    }
    close_list(w, "]");
    w->indent--;
    line(w, "}\n");
}

/* -- The whole --------------------------------------------------------------------------------------------------- */

static void write_wit(writer *w)
{
    const cj_program *program = w->program;
    size_t count = (size_t)program->import_count + program->export_count + program->named_type_count;
    item *room = cj__calloc(w->alloc, count + 1, sizeof(*room));
    definition *definitions = cj__calloc(w->alloc, count + 1, sizeof(*definitions));
    if (room && definitions) {
        items imports = {room, 0, false};
        merge_items(program, &imports);
        items exports = {room + imports.len, 0, true};
        merge_items(program, &exports);
        put_document(w, &imports, &exports, definitions);
    } else {
        w->no_memory = true;
    }
    cj__free(w->alloc, room, (count + 1) * sizeof(*room));
    cj__free(w->alloc, definitions, (count + 1) * sizeof(*definitions));
}

static void write_json(writer *w)
{
    size_t size = (size_t)cj__types_count(w->program->types) * sizeof(uint32_t);
    w->numbers = cj__calloc(w->alloc, size ? size : 1, 1);
    if (!w->numbers) {
        w->no_memory = true;
        return;
    }
    put_json(w);
    cj__free(w->alloc, w->numbers, size ? size : 1);
}

char *cj__program_wit(const cj_allocator *hook, const cj_program *program, bool json, size_t *len)
{
    static const char cut[] = "\n// ... cut: the text is too long\n";
    writer w = {
        .alloc = cj__alloc_or_default(hook), .program = program, .interface = "", .max = json ? SIZE_MAX : TEXT_MAX};
    if (json)
        write_json(&w);
    else
        write_wit(&w);
    char *text = NULL;
    if (!w.no_memory) {
        size_t tail = w.full ? sizeof(cut) - 1 : 0;
        text = cj__malloc(w.alloc, w.text.len + tail + 1);
        if (text) {
            memcpy(text, w.text.at, w.text.len);
            memcpy(text + w.text.len, cut, tail);
            text[w.text.len + tail] = 0;
            *len = w.text.len + tail;
        }
    }
    CJ_VEC_FREE(w.alloc, &w.text);
    return text;
}
