/* by_hand_pair.c: one component's calls of another as a careful C programmer would write them against WAMR's LLVM JIT: the bar for fused
 * calls. One native function for each import of the calling component of a pair (bench.wit, worlds `caller` and `callee`).
 *
 * `nop` and `add` are a bare switch of instances and a call. All others have the flags that the Canonical ABI wants tested and set: the caller's may_leave,
 * the callee's may_enter, and its may_leave off while its realloc runs. What moves data checks the caller's pointers, validates strings, calls the callee's
 * realloc in the Canonical ABI's sequence, checks what it says, copies. Handles are kept in tables of the simplest kind. No bookkeeping of
 * canonjit's: no room for traces, no paths for errors, two instances and no more.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

#include "exec/text/text.h"
#include "runtime/runtime.h"

#include "wasm_runtime.h"

typedef WASMExecEnv env_t;
typedef uint32_t u;

typedef struct side {
    WASMModuleInstance *inst;
    WASMMemoryInstance *memory;
    void *realloc;
} side;

enum { NONE, THING, BARE };
typedef struct handle {
    u rep, lends;
    uint8_t type; /* NONE: free, `rep` is the next free one */
} handle;
typedef struct table {
    handle at[64];
    u len, free;
} table;

/* The pair that is measured: a programmer writing for two guests would have them as cheaply. */
static struct {
    side caller, callee;
    bool caller_may_leave, callee_may_enter, callee_may_leave;
    void *func[CJB_CALL_COUNT];
    void *thing_constructor, *bare_constructor, *thing_n, *thing_destructor;
    u new_thing, drop_thing, make_thing; /* slot numbers: imports of one shape are one native function */
    table lent, owned;                   /* the caller's handles, the callee's */
    const cj_text_kernels *text;
} pair;

#define FUNC(f, type, ...) ((type(*)(env_t *, ##__VA_ARGS__))(f))

static void fault(void)
{
    wasm_set_exception(pair.caller.inst, "a call between components went wrong");
}

static inline bool in_memory(const side *s, u at, uint64_t len)
{
    uint64_t size = (uint64_t)s->memory->cur_page_count * s->memory->num_bytes_per_page;
    return at <= size && len <= size - at;
}

static inline uint8_t *memory_at(const side *s, u at)
{
    return s->memory->memory_data + at;
}

static inline u load32(const uint8_t *p)
{
    u v;
    memcpy(&v, p, 4);
    return v;
}

static inline void store32(uint8_t *p, u v)
{
    memcpy(p, &v, 4);
}

/* -- To the callee and back ---------------------------------------------------------------------------------------------- */

static inline void enter(env_t *env)
{
    env->module_inst = (WASMModuleInstanceCommon *)pair.callee.inst;
}

/* False: a trap in the callee, which is the caller's now. */
static inline bool leave(env_t *env)
{
    env->module_inst = (WASMModuleInstanceCommon *)pair.caller.inst;
    if (pair.callee.inst->cur_exception[0] == 0)
        return true;
    fault();
    return false;
}

/* The same with the flags. */
static inline bool enter_duly(env_t *env)
{
    if (!pair.caller_may_leave || !pair.callee_may_enter) {
        fault();
        return false;
    }
    pair.callee_may_enter = false;
    enter(env);
    return true;
}

static inline bool leave_duly(env_t *env)
{
    if (!leave(env))
        return false;
    pair.callee_may_enter = true;
    return true;
}

/* realloc in the callee, entered. */
static inline bool callee_realloc(env_t *env, u old, uint64_t old_size, u align, uint64_t size, u *at)
{
    pair.callee_may_leave = false;
    *at = FUNC(pair.callee.realloc, u, u, u, u, u)(env, old, (u)old_size, align, (u)size);
    if (pair.callee.inst->cur_exception[0] != 0)
        return false;
    pair.callee_may_leave = true;
    return (*at & (align - 1)) == 0 && in_memory(&pair.callee, *at, size);
}

/* -- Data ------------------------------------------------------------------------------------------------------------------ */

static inline bool move_block(env_t *env, u from, u len, u align, u size, u *at)
{
    uint64_t bytes = (uint64_t)len * size;
    if (bytes > CJ_MAX_BYTES || (from & (align - 1)) || !in_memory(&pair.caller, from, bytes) ||
        !callee_realloc(env, 0, 0, align, bytes, at))
        return false;
    memcpy(memory_at(&pair.callee, *at), memory_at(&pair.caller, from), bytes);
    return true;
}

/* Records with padding: each field by itself, as padding must not pass. */
static inline bool move_items(env_t *env, u from, u len, u *at)
{
    uint64_t bytes = (uint64_t)len * 24;
    if (bytes > CJ_MAX_BYTES || (from & 7) || !in_memory(&pair.caller, from, bytes) ||
        !callee_realloc(env, 0, 0, 8, bytes, at))
        return false;
    const uint8_t *f = memory_at(&pair.caller, from);
    uint8_t *t = memory_at(&pair.callee, *at);
    for (u i = 0; i < len; i++, f += 24, t += 24) {
        memcpy(t, f, 4);
        memcpy(t + 8, f + 8, 8);
        memcpy(t + 16, f + 16, 4);
    }
    return true;
}

enum { UTF8, UTF16, COMPACT };

/* To UTF-8: as many bytes as units at first, then room for the worst case, then what it takes. */
static inline bool to_utf8(env_t *env, const uint8_t *s, u units, bool wide, u *at, u *len)
{
    const cj_text_kernels *k = pair.text;
    size_t n = wide ? k->utf16_utf8_len(s, units) : k->latin1_utf8_len(s, units);
    uint64_t worst = (uint64_t)units * (wide ? 3 : 2);
    if (n == CJ_TEXT_BAD || !callee_realloc(env, 0, 0, 1, units, at))
        return false;
    if (n > units && (worst > CJ_MAX_BYTES || !callee_realloc(env, *at, units, 1, worst, at)))
        return false;
    uint8_t *to = memory_at(&pair.callee, *at);
    *len = (u)(wide ? k->utf16_to_utf8(s, units, to) : k->latin1_to_utf8(s, units, to));
    return n == units || worst == n || callee_realloc(env, *at, worst, 1, n, at);
}

/* To Latin-1; what does not fit is not measured. */
static inline bool to_compact(env_t *env, const uint8_t *s, u units, bool wide, u *at, u *len)
{
    size_t read;
    if (!callee_realloc(env, 0, 0, 2, units, at))
        return false;
    uint8_t *to = memory_at(&pair.callee, *at);
    *len = (u)(wide ? pair.text->utf16_to_latin1(s, units, to, &read) : pair.text->utf8_to_latin1(s, units, to, &read));
    return read == units && (*len == units || callee_realloc(env, *at, units, 2, *len, at));
}

static inline __attribute__((always_inline)) bool move_string(env_t *env, int from, int to, u ptr, u units, u *at,
                                                              u *len)
{
    const cj_text_kernels *k = pair.text;
    if (from == COMPACT && (units & 0x80000000u))
        return false; /* not measured */
    uint64_t bytes = (uint64_t)units << (from == UTF16), room;
    if (bytes > CJ_MAX_BYTES || (from != UTF8 && (ptr & 1)) || !in_memory(&pair.caller, ptr, bytes))
        return false;
    const uint8_t *s = memory_at(&pair.caller, ptr);
    *len = units;
    if (from == to) {
        if ((from == UTF8 && !k->utf8_valid(s, units)) || (from == UTF16 && !k->utf16_valid(s, units)) ||
            !callee_realloc(env, 0, 0, from == UTF8 ? 1 : 2, bytes, at))
            return false;
        memcpy(memory_at(&pair.callee, *at), s, bytes);
        return true;
    }
    if (to == UTF8)
        return to_utf8(env, s, units, from == UTF16, at, len);
    if (to == COMPACT)
        return to_compact(env, s, units, from == UTF16, at, len);
    room = (uint64_t)units * 2;
    if (room > CJ_MAX_BYTES || !callee_realloc(env, 0, 0, 2, room, at))
        return false;
    if (from == COMPACT) {
        k->latin1_to_utf16(s, units, memory_at(&pair.callee, *at));
        return true;
    }
    size_t n = k->utf8_to_utf16(s, units, memory_at(&pair.callee, *at));
    *len = (u)n;
    return n != CJ_TEXT_BAD && (n == units || callee_realloc(env, *at, room, 2, 2 * n, at));
}

static inline bool move_strings(env_t *env, u from, u len, u *at)
{
    uint64_t bytes = (uint64_t)len * 8;
    if (bytes > CJ_MAX_BYTES || (from & 3) || !in_memory(&pair.caller, from, bytes) ||
        !callee_realloc(env, 0, 0, 4, bytes, at))
        return false;
    for (u i = 0; i < len; i++) {
        const uint8_t *f = memory_at(&pair.caller, from) + 8 * i;
        u text, units;
        if (!move_string(env, UTF8, UTF8, load32(f), load32(f + 4), &text, &units))
            return false;
        uint8_t *t = memory_at(&pair.callee, *at) + 8 * i;
        store32(t, text);
        store32(t + 4, units);
    }
    return true;
}

/* -- The imports ------------------------------------------------------------------------------------------------------------- */

static void pair_NOP(env_t *env, u slot)
{
    (void)slot;
    enter(env);
    FUNC(pair.func[CJB_NOP], void)(env);
    leave(env);
}

static u pair_ADD(env_t *env, u a, u b, u slot)
{
    (void)slot;
    enter(env);
    u r = FUNC(pair.func[CJB_ADD], u, u, u)(env, a, b);
    leave(env);
    return r;
}

static u pair_OPTION_IN(env_t *env, u tag, u v, u slot)
{
    (void)slot;
    if (tag > 1)
        return fault(), 0;
    if (!enter_duly(env))
        return 0;
    u r = FUNC(pair.func[CJB_OPTION_IN], u, u, u)(env, tag, tag ? v : 0);
    leave_duly(env);
    return r;
}

static u pair_PARAMS16(env_t *env, u a, u b, u c, u d, u e, u f, u g, u h, u i, u j, u k, u l, u m, u n, u o, u p,
                       u slot)
{
    (void)slot;
    if (!enter_duly(env))
        return 0;
    u r = FUNC(pair.func[CJB_PARAMS16], u, u, u, u, u, u, u, u, u, u, u, u, u, u, u, u, u)(env, a, b, c, d, e, f, g, h,
                                                                                           i, j, k, l, m, n, o, p);
    leave_duly(env);
    return r;
}

#define PAIR_IN(name, call, move) \
    static u pair_##name(env_t *env, u ptr, u len, u slot) \
    { \
        (void)slot; \
        u at, to = len, r = 0; \
        if (!enter_duly(env)) \
            return 0; \
        if (move) \
            r = FUNC(pair.func[CJB_##call], u, u, u)(env, at, to); \
        else \
            fault(); \
        leave_duly(env); \
        return r; \
    }
PAIR_IN(BYTES_IN, BYTES_IN, move_block(env, ptr, len, 1, 1, &at))
PAIR_IN(NUMBERS_IN, NUMBERS_IN, move_block(env, ptr, len, 4, 4, &at))
PAIR_IN(ITEMS_IN, ITEMS_IN, move_items(env, ptr, len, &at))
PAIR_IN(STRINGS_IN, STRINGS_IN, move_strings(env, ptr, len, &at))
#define PAIR_STRING(from, to_) \
    PAIR_IN(STRING_##from##_##to_, STRING_IN, move_string(env, from, to_, ptr, len, &at, &to))
PAIR_STRING(UTF8, UTF8)
PAIR_STRING(UTF8, UTF16)
PAIR_STRING(UTF8, COMPACT)
PAIR_STRING(UTF16, UTF8)
PAIR_STRING(UTF16, UTF16)
PAIR_STRING(UTF16, COMPACT)
PAIR_STRING(COMPACT, UTF8)
PAIR_STRING(COMPACT, UTF16)
PAIR_STRING(COMPACT, COMPACT)

/* -- Handles --------------------------------------------------------------------------------------------------------------------- */

static inline u table_add(table *t, u rep, uint8_t type)
{
    u i = t->free;
    if (i)
        t->free = t->at[i].rep;
    else if (t->len < sizeof t->at / sizeof t->at[0] - 1)
        i = ++t->len;
    else
        abort();
    t->at[i] = (handle){.rep = rep, .type = type};
    return i;
}

static inline handle *table_get(table *t, u i, uint8_t type)
{
    return i <= t->len && t->at[i].type == type ? &t->at[i] : NULL;
}

static inline void table_remove(table *t, u i)
{
    t->at[i] = (handle){.rep = t->free};
    t->free = i;
}

static u pair_new(env_t *env, u rep, u slot) /* the callee's resource.new */
{
    (void)env;
    if (!pair.callee_may_leave)
        return fault(), 0;
    return table_add(&pair.owned, rep, slot == pair.new_thing ? THING : BARE);
}

static u pair_make(env_t *env, u n, u slot)
{
    uint8_t type = slot == pair.make_thing ? THING : BARE;
    if (!enter_duly(env))
        return 0;
    u i = FUNC(type == THING ? pair.thing_constructor : pair.bare_constructor, u, u)(env, n);
    if (!leave_duly(env))
        return 0;
    handle *own = table_get(&pair.owned, i, type);
    if (!own || own->lends)
        return fault(), 0;
    u rep = own->rep;
    table_remove(&pair.owned, i);
    return table_add(&pair.lent, rep, type);
}

static u pair_lend(env_t *env, u i, u slot)
{
    (void)slot;
    handle *own = table_get(&pair.lent, i, THING);
    if (!own)
        return fault(), 0;
    own->lends++;
    if (!enter_duly(env))
        return 0;
    u r = FUNC(pair.thing_n, u, u)(env, own->rep);
    leave_duly(env);
    own->lends--;
    return r;
}

static void pair_drop(env_t *env, u i, u slot)
{
    uint8_t type = slot == pair.drop_thing ? THING : BARE;
    handle *own = table_get(&pair.lent, i, type);
    if (!pair.caller_may_leave || !own || own->lends)
        return fault();
    u rep = own->rep;
    table_remove(&pair.lent, i);
    if (type == THING) {
        if (!enter_duly(env))
            return;
        FUNC(pair.thing_destructor, void, u)(env, rep);
        leave_duly(env);
    }
}

/* -- Set-up ------------------------------------------------------------------------------------------------------------------------ */

static side side_of(const cj_side *from)
{
    return (side){from->core_env_inst, from->memory, from->realloc};
}

static void patch(const cj_instance *instance, uint32_t g, uint32_t slot, void *native)
{
    const cj_group *group = &instance->component->program->groups[g];
    for (uint32_t k = 0; k < group->merged.import_count; k++)
        if (group->merged.import_shapes[k] == group->slots[slot].shape)
            cj__core_patch_import(instance->groups[g].inst, k, native);
}

void cjb_pair_patch(cjb_session *s, int from, int to)
{
    static void *const strings[3][3] = {
        {(void *)pair_STRING_UTF8_UTF8, (void *)pair_STRING_UTF8_UTF16, (void *)pair_STRING_UTF8_COMPACT},
        {(void *)pair_STRING_UTF16_UTF8, (void *)pair_STRING_UTF16_UTF16, (void *)pair_STRING_UTF16_COMPACT},
        {(void *)pair_STRING_COMPACT_UTF8, (void *)pair_STRING_COMPACT_UTF16, (void *)pair_STRING_COMPACT_COMPACT}};
    const struct {
        const char *name;
        void *native;
        void **func; /* the callee's */
    } calls[] = {
        {"nop", (void *)pair_NOP, &pair.func[CJB_NOP]},
        {"add", (void *)pair_ADD, &pair.func[CJB_ADD]},
        {"option-in", (void *)pair_OPTION_IN, &pair.func[CJB_OPTION_IN]},
        {"params16", (void *)pair_PARAMS16, &pair.func[CJB_PARAMS16]},
        {"bytes-in", (void *)pair_BYTES_IN, &pair.func[CJB_BYTES_IN]},
        {"numbers-in", (void *)pair_NUMBERS_IN, &pair.func[CJB_NUMBERS_IN]},
        {"items-in", (void *)pair_ITEMS_IN, &pair.func[CJB_ITEMS_IN]},
        {"strings-in", from == UTF8 && to == UTF8 ? (void *)pair_STRINGS_IN : NULL, &pair.func[CJB_STRINGS_IN]},
        {"string-in", strings[from][to], &pair.func[CJB_STRING_IN]},
        {"[constructor]thing", (void *)pair_make, &pair.thing_constructor},
        {"[constructor]bare", (void *)pair_make, &pair.bare_constructor},
        {"[method]thing.n", (void *)pair_lend, &pair.thing_n}};

    const cj_instance *instance = s->instance;
    const cj_program *program = instance->component->program;
    memset(&pair, 0, sizeof pair);
    pair.text = cj__text();
    pair.caller_may_leave = pair.callee_may_enter = pair.callee_may_leave = true;
    for (uint32_t g = 0; g < program->group_count; g++)
        for (uint32_t i = 0; i < program->groups[g].slot_count; i++) {
            const cj_binding *b = &cj__group_imports(instance->groups[g].core)[i];
            if (b->kind == CJ_SLOT_RESOURCE_NEW || b->kind == CJ_SLOT_RESOURCE_DROP) {
                bool is_new = b->kind == CJ_SLOT_RESOURCE_NEW;
                if (b->resources[0]->dtor) {
                    pair.thing_destructor = b->resources[0]->dtor->core_func;
                    *(is_new ? &pair.new_thing : &pair.drop_thing) = i;
                }
                patch(instance, g, i, is_new ? (void *)pair_new : (void *)pair_drop);
            }
            for (size_t c = 0; c < sizeof calls / sizeof calls[0] && b->kind == CJ_SLOT_FUSED; c++) {
                if (!calls[c].native || strcmp(b->info->name, calls[c].name) != 0)
                    continue;
                *calls[c].func = b->core_func;
                if (calls[c].func == &pair.thing_constructor)
                    pair.make_thing = i;
                if (calls[c].func == &pair.func[CJB_STRING_IN]) {
                    pair.caller = side_of(&b->caller);
                    pair.callee = side_of(&b->guest);
                }
                patch(instance, g, i, calls[c].native);
            }
        }
    if (!pair.caller.inst || !pair.callee.realloc || !pair.thing_destructor || !pair.thing_n)
        abort(); /* another guest than this was written for */
}
