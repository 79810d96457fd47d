/* link_visible.c: external visibility: what an import or export refers to must have a name that others can use.
 *
 * Place in the pipeline and the model: link_eval.h. Only checks ask; instance types are looked at where they are used.
 * Spec: Explainer, "External Visibility of Types".
 *
 * Names go to identities: to the type that an import or export makes, not to the definition that is exported, and to
 * the types inside of an instance that is imported or exported. Resource, record, variant, enum and flags types need
 * one; of all other types, what they are made of. A component type has names of its own, but can mention resource
 * types around it.
 *
 * cj_scope.visible holds what is known so far. It only grows, so what has been found good once is good for ever, and
 * nothing is walked twice: anonymous types and instances that repeat each other exponentially cost no more than their
 * definitions.
 */
#include "link/link_eval.h"

/* What is known of a number; 2 * fact + 1 about imports, 2 * fact about exports. */
typedef enum fact {
    NAMED,         /* of an identity: has a name */
    USES_NAMED,    /* of an identity: all that it uses has */
    INSTANCE_DONE, /* of an instance's identity: all that is in it has */
    RESOURCE,      /* of a resource type by its own number: some name of it is imported, or exported */
    FACT_BITS = 3,
} fact;

typedef struct checker {
    cj_eval *ev;
    cj_scope *scope;
    cj_id_set *scratch; /* gets the facts instead of the scope; or NULL */
    bool is_import;
    cj_str name;
    uint64_t offset;
} checker;

static uint64_t fact_id(uint32_t number, fact what, bool is_import)
{
    return (uint64_t)number << FACT_BITS | (unsigned)what << 1 | is_import;
}

static bool known(const checker *c, uint32_t number, fact what, bool is_import)
{
    uint64_t id = fact_id(number, what, is_import);
    return cj__id_set_has(&c->scope->visible, id) || (c->scratch && cj__id_set_has(c->scratch, id));
}

static cj_status note(const checker *c, uint32_t number, fact what)
{
    cj_id_set *set = c->scratch ? c->scratch : &c->scope->visible;
    /* What imports may refer to, exports may too. */
    if (c->is_import)
        CJ_TRY(cj__id_set_add(c->ev, set, fact_id(number, what, true)));
    return cj__id_set_add(c->ev, set, fact_id(number, what, false));
}

static cj_status hidden(const checker *c, const cj_type_val *type)
{
    const char *what = c->is_import ? "import" : "export";
    char text[CJ_TYPE_ROOM];
    cj__type_val_format(type, text, sizeof(text));
    bool exported = known(c, type->identity, NAMED, false) ||
                    (type->kind == CJ_TYPE_RESOURCE && known(c, type->resource, RESOURCE, false));
    if (c->is_import && exported)
        return cj__fail_at(c->ev->err, CJ_INVALID, c->offset,
                           "import `%.*s` refers to a type that is exported, `%s`; imports cannot depend on exports",
                           CJ_STR_ARG(c->name), text);
    return cj__fail_at(c->ev->err, CJ_INVALID, c->offset,
                       "%s `%.*s` refers to `%s`, which no earlier import or export names: %s the type first, and "
                       "refer to what that defines",
                       what, CJ_STR_ARG(c->name), text, what);
}

/* -- What a type mentions ---------------------------------------------------------------------------------------- */

typedef struct collector {
    cj_eval *ev;
    uint32_t fresh;
    uint64_t offset;
    cj_id_set seen; /* identities * 2, resource types * 2 + 1 */
    CJ_VEC(uint32_t) found;
} collector;

static cj_status collect_resource(collector *c, uint32_t resource)
{
    uint64_t id = (uint64_t)resource * 2 + 1;
    if (resource >= c->fresh || cj__id_set_has(&c->seen, id))
        return CJ_OK;
    CJ_TRY(cj__id_set_add(c->ev, &c->seen, id));
    return CJ_VEC_PUSH(c->ev->alloc, &c->found, resource) ? CJ_OK : cj__eval_nomem(c->ev);
}

/* Whether something is seen for the first time. */
static cj_status visit(collector *c, uint32_t identity, uint64_t parts, bool *first)
{
    *first = !cj__id_set_has(&c->seen, (uint64_t)identity * 2);
    if (!*first)
        return CJ_OK;
    CJ_TRY(cj__eval_charge(c->ev, 1 + parts / 8, c->offset));
    return cj__id_set_add(c->ev, &c->seen, (uint64_t)identity * 2);
}

static cj_status collect_names(collector *c, const cj_names *names);

static cj_status collect_type(collector *c, const cj_type_val *type)
{
    bool first;
    if (type->decls && !type->is_closed) { /* of a run that was no check: its declarations tell */
        CJ_TRY(visit(c, type->original ? type->original->identity : type->identity, 0, &first));
        if (!first)
            return CJ_OK;
        cj_scope *ran;
        const cj_bind bind = {.offset = c->offset};
        const cj_decl_run run = {.bind = &bind};
        CJ_TRY(cj__eval_decls(c->ev, type, &run, &ran));
        CJ_TRY(collect_names(c, &ran->imports));
        return collect_names(c, &ran->exports);
    }
    if (type->min_resource >= c->fresh) /* no older one is in it */
        return CJ_OK;
    CJ_TRY(visit(c, type->identity, (uint64_t)type->use_count + type->free_count, &first));
    if (!first)
        return CJ_OK;
    if (type->kind == CJ_TYPE_RESOURCE)
        return collect_resource(c, type->resource);
    for (uint32_t i = 0; i < type->use_count; i++)
        if (type->uses[i])
            CJ_TRY(collect_type(c, type->uses[i]));
    for (uint32_t i = 0; i < type->free_count; i++)
        CJ_TRY(collect_resource(c, type->free[i]));
    return CJ_OK;
}

static cj_status collect_entity(collector *c, cj_entity entity)
{
    bool first;
    switch (entity.sort) {
    case CJ_SORT_FUNC:
        return collect_type(c, entity.of.func->type);
    case CJ_SORT_VALUE:
    case CJ_SORT_TYPE:
        return collect_type(c, entity.of.type);
    case CJ_SORT_INSTANCE:
        CJ_TRY(visit(c, entity.of.instance->identity, entity.of.instance->exports.len, &first));
        return first ? collect_names(c, &entity.of.instance->exports) : CJ_OK;
    case CJ_SORT_COMPONENT:
        return entity.of.component->type ? collect_type(c, entity.of.component->type) : CJ_OK;
    default:
        return CJ_OK;
    }
}

static cj_status collect_names(collector *c, const cj_names *names)
{
    CJ_TRY(cj__eval_enter(c->ev, c->offset));
    for (uint32_t i = 0; i < names->len; i++)
        CJ_TRY(collect_entity(c, names->at[i].entity));
    c->ev->depth--;
    return CJ_OK;
}

cj_status cj__eval_free_resources(cj_eval *ev, const cj_scope *ran, uint32_t fresh, uint64_t offset, cj_type_val *type)
{
    type->is_closed = true;
    type->min_resource = cj__min_resource(cj__names_min_resource(&ran->imports), cj__names_min_resource(&ran->exports));
    if (type->min_resource >= fresh) {
        type->min_resource = CJ_NO_RESOURCE;
        return CJ_OK;
    }
    collector c = {.ev = ev, .fresh = fresh, .offset = offset};
    cj_status status = collect_names(&c, &ran->imports);
    if (status == CJ_OK)
        status = collect_names(&c, &ran->exports);
    if (status == CJ_OK) {
        type->free = cj__arena_dup(ev->arena, c.found.at, c.found.len * sizeof(*c.found.at), _Alignof(uint32_t));
        type->free_count = (uint32_t)c.found.len;
        status = type->free ? CJ_OK : cj__eval_nomem(ev);
    }
    CJ_VEC_FREE(ev->alloc, &c.found);
    return status;
}

/* -- Checking ----------------------------------------------------------------------------------------------------- */

/* A component type that mentions a resource type of the scope, by its own number. */
static cj_status check_free(const checker *c, const cj_type_val *type)
{
    collector found = {.ev = c->ev, .fresh = c->ev->resource_count + 1, .offset = c->offset};
    cj_status status = collect_type(&found, type);
    for (size_t i = 0; status == CJ_OK && i < found.found.len; i++) {
        const cj_type_val resource = {.kind = CJ_TYPE_RESOURCE, .resource = found.found.at[i]};
        if (resource.resource >= c->scope->first_resource && !known(c, resource.resource, RESOURCE, c->is_import))
            status = hidden(c, &resource);
    }
    CJ_VEC_FREE(c->ev->alloc, &found.found);
    return status;
}

static bool needs_name(const cj_type_val *type)
{
    if (type->kind != CJ_TYPE_VALUE)
        return true;
    return type->def == CJ_DEFTYPE_RECORD || type->def == CJ_DEFTYPE_VARIANT || type->def == CJ_DEFTYPE_ENUM ||
           type->def == CJ_DEFTYPE_FLAGS;
}

/* All that a type is made of. Types are nested no deeper than max_type_depth. */
static cj_status check_uses(checker *c, const cj_type_val *type)
{
    if (type->use_count == 0 || known(c, type->identity, USES_NAMED, c->is_import))
        return CJ_OK;
    CJ_TRY(cj__eval_charge(c->ev, 1 + type->use_count / 8, c->offset));
    for (uint32_t i = 0; i < type->use_count; i++) {
        const cj_type_val *use = type->uses[i];
        if (!use)
            continue;
        if (!needs_name(use))
            CJ_TRY(check_uses(c, use));
        else if (!known(c, use->identity, NAMED, c->is_import))
            return hidden(c, use);
    }
    return note(c, type->identity, USES_NAMED);
}

static cj_status check_entity(checker *c, cj_entity entity);

static cj_status check_instance(checker *c, const cj_instance_val *instance)
{
    if (known(c, instance->identity, INSTANCE_DONE, c->is_import))
        return CJ_OK;
    CJ_TRY(cj__eval_enter(c->ev, c->offset));
    CJ_TRY(cj__eval_charge(c->ev, 1 + instance->exports.len / 8, c->offset));
    for (uint32_t i = 0; i < instance->exports.len; i++) {
        cj_status status = check_entity(c, instance->exports.at[i].entity);
        if (status == CJ_INVALID)
            cj__error_where(c->ev->err, "export `%.*s`", CJ_STR_ARG(instance->exports.at[i].name));
        CJ_TRY(status);
    }
    c->ev->depth--;
    return note(c, instance->identity, INSTANCE_DONE);
}

/* The type of instances may rely on the names that it has itself, but gives none to anything else. */
static cj_status check_instance_type(checker *c, const cj_type_val *type)
{
    cj_id_set scratch = {0};
    cj_scope *ran;
    cj_entity instance;
    const cj_bind fresh = {.offset = c->offset};
    const cj_decl_run run = {.bind = &fresh};
    CJ_TRY(cj__eval_decls(c->ev, type, &run, &ran));
    CJ_TRY(cj__eval_inst_new(c->ev, ran->exports, &instance));
    checker inner = *c;
    if (!inner.scratch)
        inner.scratch = &scratch;
    return check_instance(&inner, instance.of.instance);
}

static cj_status check_type(checker *c, const cj_type_val *type)
{
    switch (type->kind) {
    case CJ_TYPE_VALUE:
    case CJ_TYPE_FUNC:
        CJ_TRY(check_uses(c, type));
        break;
    case CJ_TYPE_RESOURCE:
        /* New ones are their own; another name must be of one that is imported, or, in a type, comes from around it. */
        if (c->is_import && type->original && type->resource >= c->scope->first_resource &&
            !known(c, type->resource, RESOURCE, true))
            return hidden(c, type->original);
        CJ_TRY(note(c, type->resource, RESOURCE));
        break;
    case CJ_TYPE_INSTANCE:
        CJ_TRY(check_instance_type(c, type));
        break;
    case CJ_TYPE_COMPONENT:
        CJ_TRY(check_free(c, type));
        break;
    }
    return note(c, type->identity, NAMED);
}

static cj_status check_entity(checker *c, cj_entity entity)
{
    switch (entity.sort) {
    case CJ_SORT_FUNC:
        return check_uses(c, entity.of.func->type);
    case CJ_SORT_VALUE:
        return check_uses(c, entity.of.type);
    case CJ_SORT_TYPE:
        return check_type(c, entity.of.type);
    case CJ_SORT_INSTANCE:
        return check_instance(c, entity.of.instance);
    case CJ_SORT_COMPONENT: /* those that the file defines mention nothing around them */
        return entity.of.component->type ? check_free(c, entity.of.component->type) : CJ_OK;
    default:
        return CJ_OK;
    }
}

cj_status cj__eval_check_visible(cj_eval *ev, cj_scope *scope, bool is_import, cj_str name, cj_entity entity,
                                 uint64_t offset)
{
    if (scope->kind == CJ_SCOPE_INSTANCE_TYPE)
        return CJ_OK;
    checker c = {.ev = ev, .scope = scope, .is_import = is_import, .name = name, .offset = offset};
    return check_entity(&c, entity);
}
