/* imports.c: what a component imports, found in the linker: functions and resource types.
 *
 * Place in the pipeline: the first thing that instantiating does (instance.c).
 * Non-goals: comparing types of functions, which the linker does not know.
 */
#include "runtime/start.h"

#include "base/near.h"

#include <stdio.h>

/* " "name" of interface "iface"", or " "name"". */
static const char *describe(char *buffer, size_t size, const char *interface, const char *name)
{
    if (interface[0])
        snprintf(buffer, size, "\"%s\" of interface \"%s\"", name, interface);
    else
        snprintf(buffer, size, "\"%s\"", name);
    return buffer;
}

static const char *hint(const cj_start *s, const char *path, char *buffer, size_t size)
{
    buffer[0] = 0;
    if (s->linker) {
        cj_near near;
        cj__near_start(&near, path);
        for (const cj_linker_entry *e = s->linker->entries; e; e = e->hh.next)
            cj__near_offer(&near, e->path);
        cj__near_finish(&near, buffer, size);
    }
    return buffer;
}

static cj_status no_function(cj_start *s, const cj_func_info *info, const cj_linker_entry *found)
{
    char type[160], near[160], what[192];
    cj_functype_format(info->type, type, sizeof(type));
    describe(what, sizeof(what), info->interface, info->name);
    if (found)
        cj__fail(s->err, CJ_LINK, "the linker has a resource type %s where the component wants a function, %s", what,
                 type);
    else
        cj__fail(s->err, CJ_LINK, "the linker has no function %s, %s%s", what, type,
                 hint(s, info->path, near, sizeof(near)));
    cj__error_where(s->err, "%s", info->path);
    return CJ_LINK;
}

static cj_status no_resource(cj_start *s, const cj_program_resource *resource, const char *path,
                             const cj_linker_entry *found)
{
    char near[160], what[192];
    describe(what, sizeof(what), resource->interface, resource->name);
    if (found)
        cj__fail(s->err, CJ_LINK, "the linker has a function %s where the component wants a resource type", what);
    else
        cj__fail(s->err, CJ_LINK, "the linker has no resource type %s (cj_linker_resource)%s", what,
                 hint(s, path, near, sizeof(near)));
    cj__error_where(s->err, "%s", path);
    return CJ_LINK;
}

static cj_status find_function(cj_start *s, uint32_t i)
{
    const cj_program_import *import = &s->program->imports[i];
    const cj_linker_entry *found = s->linker ? cj__linker_find(s->linker, import->info.path) : NULL;
    if (found && !found->resource)
        s->hosts[i] = found;
    else if (import->used)
        return no_function(s, &import->info, found);
    return CJ_OK;
}

static cj_status find_resource(cj_start *s, uint32_t i)
{
    const cj_program_resource *resource = &s->program->resources[i];
    char *path = cj__linker_path(s->scratch, resource->interface, resource->name);
    if (!path)
        return cj__fail_nomem(s->err);
    const cj_linker_entry *found = s->linker ? cj__linker_find(s->linker, path) : NULL;
    if (found && found->resource) {
        s->instance->resources[i] = found->resource;
        return cj__store_meet(s->store, found->resource, s->err);
    }
    return resource->used ? no_resource(s, resource, path, found) : CJ_OK;
}

cj_status cj__start_imports(cj_start *s)
{
    const cj_program *program = s->program;
    if (program->not_given)
        return cj__fail(s->err, CJ_LINK,
                        "the component imports `%s`, a core module or component: give it to "
                        "cj_component_new_with",
                        program->not_given);
    s->hosts = CJ_ARENA_ARRAY(s->scratch, const cj_linker_entry *, program->import_count);
    s->instance->resources = CJ_ARENA_ARRAY(s->instance->arena, cj_resource_type *, program->resource_count);
    if (!s->hosts || !s->instance->resources)
        return cj__fail_nomem(s->err);
    /* Functions of a resource are only half of what is missing when their type is: the type first. */
    for (uint32_t i = 0; i < program->resource_count; i++)
        if (program->resources[i].part == CJ_NONE)
            CJ_TRY(find_resource(s, i));
    for (uint32_t i = 0; i < program->import_count; i++)
        CJ_TRY(find_function(s, i));
    return CJ_OK;
}
