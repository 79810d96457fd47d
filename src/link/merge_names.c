/* merge_names.c: the name section of the merged module: names of functions, for profilers and traps.
 *
 * Place in the pipeline: the last section. A function is called "module.function": the module by its own name or "core"
 * and the instance's number; the function by the module's name section, else by an export of it. Functions without
 * either, and all of a malformed name section from where it is wrong, have no name: names are nothing to fail for.
 * Non-goals: names of locals and other things.
 */
#include "link/merge_internal.h"

#include <stdio.h>

enum { SUBSECTION_MODULE = 0, SUBSECTION_FUNCTION = 1, MAX_NAME = 1024 };

/* -- Reading ------------------------------------------------------------------------------------------------------- */

static cj_status read_function_names(cj_reader *r, const cj_core_outline *o, cj_str *names)
{
    uint32_t count;
    CJ_TRY(cj__read_count(r, 0, NULL, &count, ""));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index;
        cj_str name;
        CJ_TRY(cj__read_u32(r, &index, ""));
        CJ_TRY(cj__read_name(r, MAX_NAME, &name, ""));
        if (index >= o->func_count)
            return CJ_MALFORMED;
        names[index] = name;
    }
    return CJ_OK;
}

static cj_status read_names(const cj_core_outline *o, cj_str *module, cj_str *names)
{
    cj_reader r = cj__reader(o->names.ptr, o->names.len, o->names.offset, NULL), sub;
    while (cj__reader_left(&r)) {
        uint8_t id;
        uint32_t size;
        CJ_TRY(cj__read_byte(&r, &id, ""));
        CJ_TRY(cj__read_u32(&r, &size, ""));
        CJ_TRY(cj__read_slice(&r, size, &sub, ""));
        if (id == SUBSECTION_MODULE)
            CJ_TRY(cj__read_name(&sub, MAX_NAME, module, ""));
        else if (id == SUBSECTION_FUNCTION)
            CJ_TRY(read_function_names(&sub, o, names));
    }
    return CJ_OK;
}

/* NULL: out of memory, and so no names. */
static cj_str *names_of(cj_merger *m, const cj_core_outline *o, cj_str *module)
{
    cj_str *names = CJ_ARENA_ARRAY(m->arena, cj_str, o->func_count);
    if (!names)
        return NULL;
    for (uint32_t i = o->export_count; i-- > 0;) /* the first one wins */
        if (o->exports[i].sort == CJ_SORT_CORE_FUNC && o->exports[i].name.len <= MAX_NAME)
            names[o->exports[i].index] = o->exports[i].name;
    if (o->names.len)
        (void)read_names(o, module, names);
    return names;
}

/* -- Writing ------------------------------------------------------------------------------------------------------- */

static void write_name(cj_writer *w, uint32_t index, cj_str module, cj_str name)
{
    cj__write_u32(w, index);
    cj__write_u32(w, (uint32_t)(module.len + 1 + name.len));
    cj__write_bytes(w, module.ptr, module.len);
    cj__write_byte(w, '.');
    cj__write_bytes(w, name.ptr, name.len);
}

/* Live functions are numbered instance by instance, so this goes through them once. */
static uint32_t write_live_names(cj_merger *m, cj_writer *w)
{
    uint32_t written = 0;
    size_t at = 0;
    for (uint32_t i = 0; i < m->input->instance_count; i++) {
        const cj_group_instance *inst = &m->instances[i];
        const cj_core_outline *o = inst->module->outline;
        char number[24];
        cj_str module = {number, (size_t)snprintf(number, sizeof(number), "core%u", i)};
        cj_arena_mark mark = cj__arena_mark(m->arena);
        const cj_str *names = names_of(m, o, &module);
        for (; at < m->live.len && m->func_instance[m->live.at[at]] == i; at++) {
            cj_str name = names ? names[o->imported_funcs + (m->live.at[at] - inst->func_base)] : (cj_str){0};
            if (!name.len)
                continue;
            write_name(w, m->func_index[m->live.at[at]], module, name);
            written++;
        }
        cj__arena_release(m->arena, mark);
    }
    return written;
}

static void write_extra_names(cj_merger *m, cj_writer *w)
{
    static const char *const names[] = {
        [CJ_EXTRA_WRAPPER] = "slot", [CJ_EXTRA_INIT] = "init", [CJ_EXTRA_STOP] = "stop", [CJ_EXTRA_LOOK] = "look",
        [CJ_EXTRA_POLL] = "poll",    [CJ_EXTRA_COPY] = "copy", [CJ_EXTRA_FILL] = "fill",
    };
    for (uint32_t i = 0; i < m->extras.len; i++) {
        const cj_extra *extra = &m->extras.at[i];
        bool numbered = extra->kind == CJ_EXTRA_WRAPPER || extra->kind == CJ_EXTRA_INIT;
        char name[24], number[12];
        snprintf(number, sizeof(number), "%u", extra->of);
        int len = snprintf(name, sizeof(name), "%s%s", names[extra->kind], numbered ? number : "");
        write_name(w, m->first_extra + i, CJ_STR("cj"), (cj_str){name, (size_t)len});
    }
}

void cj__merge_write_names(cj_merger *m, cj_writer *w)
{
    cj__write_byte(w, 0); /* custom */
    size_t section = cj__write_begin_sized(w);
    cj__write_name(w, CJ_STR("name"));
    cj__write_byte(w, SUBSECTION_FUNCTION);
    size_t sub = cj__write_begin_sized(w), entries = cj__write_begin_sized(w);
    uint32_t count = write_live_names(m, w);
    write_extra_names(m, w);
    cj__write_end_counted(w, entries, count + (uint32_t)m->extras.len);
    cj__write_end_sized(w, sub);
    cj__write_end_sized(w, section);
}
