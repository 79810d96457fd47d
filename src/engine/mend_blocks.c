/* mend_blocks.c: the classic interpreter knows where a block ends.
 *
 * Place in the pipeline: under WAMR's classic interpreter: replaces wasm_loader_find_block_addr, by the linker's --wrap.
 *
 * A branch out of a block, and every `if`, needs the address of the block's end. WAMR finds it by reading the code on from the block's
 * beginning, and remembers 128 of them; in a function with more, each branch reads its block again. The main loop of a JavaScript engine is
 * one such function, of 100 KB: it then runs thousands of times as slowly. So what has been found is kept, per module, for all its instances.
 *
 * The table is read without a lock: entries only come in, under one, and a table that has become too small stays valid until the module goes.
 */
#include "engine/wamr.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    MIN_CAPACITY = 256,
    MAX_CAPACITY = 1 << 20, /* 12 MiB; past half of it nothing new is kept */
};

/* Offsets into the module's bytes; none of these addresses is the first byte. */
typedef struct block {
    _Atomic uint32_t start; /* 0: free; written last */
    uint32_t else_, end;    /* 0: none */
} block;

struct cj_block_table {
    cj_block_table *smaller; /* the one before */
    uint32_t capacity, used;
    block at[];
};

static pthread_mutex_t growing = PTHREAD_MUTEX_INITIALIZER;

bool __real_wasm_loader_find_block_addr(WASMExecEnv *env, BlockAddr *cache, const uint8_t *start,
                                        const uint8_t *code_end, uint8_t label, uint8_t **else_, uint8_t **end);
bool __wrap_wasm_loader_find_block_addr(WASMExecEnv *env, BlockAddr *cache, const uint8_t *start,
                                        const uint8_t *code_end, uint8_t label, uint8_t **else_, uint8_t **end);

/* The entry of a block, or the free one where it belongs. At most half of a table is in use. */
static block *entry_of(cj_block_table *table, uint32_t start)
{
    uint32_t mask = table->capacity - 1, i = start * UINT32_C(0x9e3779b1) >> 7;
    for (;; i++) {
        uint32_t at = atomic_load_explicit(&table->at[i & mask].start, memory_order_acquire);
        if (at == start || at == 0)
            return &table->at[i & mask];
    }
}

static void put(cj_block_table *table, uint32_t start, uint32_t else_, uint32_t end)
{
    block *b = entry_of(table, start);
    if (atomic_load_explicit(&b->start, memory_order_relaxed) != 0)
        return; /* another thread was first */
    b->else_ = else_;
    b->end = end;
    atomic_store_explicit(&b->start, start, memory_order_release);
    table->used++;
}

/* With room for one more; NULL: nothing more is kept. */
static cj_block_table *table_with_room(cj_core_module *m)
{
    cj_block_table *old = atomic_load_explicit(&m->blocks, memory_order_relaxed);
    if (old != NULL && 2 * old->used < old->capacity)
        return old;
    uint32_t capacity = old == NULL ? MIN_CAPACITY : old->capacity * 2;
    if (capacity > MAX_CAPACITY)
        return NULL;
    cj_block_table *table = cj__calloc(m->alloc, 1, sizeof *table + capacity * sizeof(block));
    if (table == NULL)
        return NULL;
    table->smaller = old;
    table->capacity = capacity;
    for (uint32_t i = 0; old != NULL && i < old->capacity; i++)
        if (old->at[i].start != 0)
            put(table, old->at[i].start, old->at[i].else_, old->at[i].end);
    atomic_store_explicit(&m->blocks, table, memory_order_release);
    return table;
}

void cj__blocks_free(cj_core_module *m)
{
    for (cj_block_table *table = m->blocks, *next; table != NULL; table = next) {
        next = table->smaller;
        cj__free(m->alloc, table, sizeof *table + table->capacity * sizeof(block));
    }
}

static uint32_t offset_of(const cj_core_module *m, const uint8_t *address)
{
    return address == NULL ? 0 : (uint32_t)(address - m->bytes);
}

bool __wrap_wasm_loader_find_block_addr(WASMExecEnv *env, BlockAddr *cache, const uint8_t *start,
                                        const uint8_t *code_end, uint8_t label, uint8_t **else_, uint8_t **end)
{
    cj_core_module *m = env->user_data == &cj__env_is_ours ? cj__running_module(env) : NULL;
    if (m == NULL || start <= m->bytes || start >= m->bytes + m->size) /* of a program that uses WAMR beside us */
        return __real_wasm_loader_find_block_addr(env, cache, start, code_end, label, else_, end);

    uint32_t at = offset_of(m, start);
    cj_block_table *table = atomic_load_explicit(&m->blocks, memory_order_acquire);
    block *b = table == NULL ? NULL : entry_of(table, at);
    if (b != NULL && atomic_load_explicit(&b->start, memory_order_acquire) == at) {
        *else_ = b->else_ == 0 ? NULL : m->bytes + b->else_;
        *end = m->bytes + b->end;
        return true;
    }

    *else_ = NULL; /* is set for an `if` only */
    if (!__real_wasm_loader_find_block_addr(env, cache, start, code_end, label, else_, end))
        return false;
    pthread_mutex_lock(&growing);
    table = table_with_room(m);
    if (table != NULL)
        put(table, at, offset_of(m, *else_), offset_of(m, *end));
    pthread_mutex_unlock(&growing);
    return true;
}
