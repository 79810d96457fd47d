/* merge_scan.h: the scanner's insides, for its two files.
 *
 *     merge_scan.c        every instruction; bodies, modules
 *     merge_scan_loop.c   the loop over a body, which does usual instructions itself
 *
 * Non-goals: anything that other files of the merger need (merge_internal.h).
 */
#ifndef CJ_LINK_MERGE_SCAN_H
#define CJ_LINK_MERGE_SCAN_H

#include "link/merge_internal.h"
#include "link/opcodes.h"

/* -- Instructions -------------------------------------------------------------------------------------------------- */

typedef enum imm_kind {
    IMM_ABSENT, /* no such instruction in the table */
    IMM_NONE,
    IMM_MEMARG,
    IMM_MEMARG_LANE,
    IMM_MEMORY,
    IMM_I32,
    IMM_I64,
    IMM_F32,
    IMM_F64,
    IMM_V128,
    IMM_LANE,
    IMM_SHUFFLE,
} imm_kind;

/* Types in three bits; 0x80 minus the code is the byte. */
enum { NONE, I32, I64, F32, F64, V128 };
_Static_assert(0x80 - I32 == CJ_CORE_I32 && 0x80 - V128 == CJ_CORE_V128 && 0x80 - F64 == CJ_CORE_F64,
               "codes follow the format");

/* A signature: three operands, one result. */
#define S(a, b, c, r) ((a) | (b) << 3 | (c) << 6 | (r) << 9)
#define S_OPERAND(sig, i) ((unsigned)(sig) >> 3u * (unsigned)(i)&7u)
#define S_RESULT(sig) ((sig) >> 9)

/* Instructions that need more than a row. */
enum {
    OP_UNREACHABLE = 0x00,
    OP_NOP = 0x01,
    OP_BLOCK = 0x02,
    OP_LOOP = 0x03,
    OP_IF = 0x04,
    OP_ELSE = 0x05,
    OP_END = 0x0b,
    OP_BR = 0x0c,
    OP_BR_IF = 0x0d,
    OP_BR_TABLE = 0x0e,
    OP_RETURN = 0x0f,
    OP_CALL = 0x10,
    OP_CALL_INDIRECT = 0x11,
    OP_RETURN_CALL = 0x12,
    OP_RETURN_CALL_INDIRECT = 0x13,
    OP_DROP = 0x1a,
    OP_SELECT = 0x1b,
    OP_SELECT_TYPED = 0x1c,
    OP_LOCAL_GET = 0x20,
    OP_LOCAL_SET = 0x21,
    OP_LOCAL_TEE = 0x22,
    OP_GLOBAL_GET = 0x23,
    OP_GLOBAL_SET = 0x24,
    OP_TABLE_GET = 0x25,
    OP_TABLE_SET = 0x26,
    OP_MEMORY_GROW = 0x40,
    OP_I32_CONST = 0x41,
    OP_REF_NULL = 0xd0,
    OP_REF_IS_NULL = 0xd1,
    OP_REF_FUNC = 0xd2,
    OP_FC = 0xfc,
    OP_FD = 0xfd,
    /* after 0xfc */
    FC_MEMORY_INIT = 8,
    FC_DATA_DROP,
    FC_MEMORY_COPY,
    FC_MEMORY_FILL,
    FC_TABLE_INIT,
    FC_ELEM_DROP,
    FC_TABLE_COPY,
    FC_TABLE_GROW,
    FC_TABLE_SIZE,
    FC_TABLE_FILL,
    EMPTY_BLOCK = 0x40,
};

/* -- State --------------------------------------------------------------------------------------------------------- */

enum { ANY = 0 }; /* the type of an operand in code that is never reached */

typedef struct cj_scan_frame {
    uint32_t height;  /* of the operand stack below the block's own */
    uint8_t op;       /* OP_BLOCK (functions too), OP_LOOP, OP_IF, OP_ELSE */
    bool unreachable; /* the rest of the block is never reached: operands below `height` are of any type */
    uint32_t param_count, result_count;
    const uint8_t *params, *results;
    uint32_t br_table;                         /* the br_table, counted from 1, that has checked this label already */
    uint32_t loop_site, loop_at, calls_before; /* interruptible modules */
} cj_scan_frame;

/* A function type as it lies on top of the operand stack: `want` is equal to the eight bytes there under `mask`. Types
 * that do not fit (more parameters, several results) are equal to nothing. */
typedef struct cj_packed_type {
    uint64_t want, mask;
    uint8_t param_count, result_count, result;
} cj_packed_type;

/* Bytes before and behind the operand stack that may be read and written. */
enum { STACK_PAD = 8, FIRST_STACK = 1024 };

struct cj_scanner {
    const cj_config *config;
    const cj_allocator *alloc;
    cj_error *err;
    bool interruptible, plainly;
    uint8_t *stack; /* operand types, between pads */
    size_t stack_cap;
    uint8_t *locals;
    size_t locals_cap;
    CJ_VEC(cj_scan_frame) frames;
};

/* A body on its way. */
typedef struct cj_scan {
    cj_reader r;
    cj_scanner *s;
    cj_scanned *m;
    const cj_core_outline *o;
    const uint8_t *declared; /* by function: ref.func may name it */
    const cj_packed_type *packed;
    cj_scan_frame *top;
    uint8_t *stack;
    uint32_t height, limit; /* `limit`: where push must stop and think */
    uint32_t local_count;
    const uint8_t *op_at;                /* the current instruction */
    const uint8_t *const_at, *const_end; /* the last i32.const */
    uint32_t br_tables;
    uint32_t calls, heavy; /* heavy: instructions that may take long for their size */
    bool has_loop, has_bulk;
    cj_status status; /* of a failed push or pop */
} cj_scan;

static inline bool has_room_for_site(const cj_scan *f)
{
    return CJ_LIKELY(f->m->sites.len < f->m->sites.cap);
}

static inline void put_site(cj_scan *f, cj_site_kind kind, const uint8_t *from, const uint8_t *to, uint32_t value,
                            uint32_t aux)
{
    f->m->sites.at[f->m->sites.len++] =
        (cj_site){(uint32_t)(from - f->r.start), value, aux, (uint8_t)kind, (uint8_t)(to - from)};
}

static inline uint64_t load64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

/* Goes through the instructions up to the function's `end` (merge_scan_loop.c). */
cj_status cj__scan_code(cj_scan *);
/* One instruction whose opcode has been read; not `end`. And the end of a block that is not the function's. */
cj_status cj__scan_instruction(cj_scan *, uint8_t op);
cj_status cj__scan_block_end(cj_scan *);

#endif
