/* merge_scan_loop.c: the loop over a function's body.
 *
 * Place in the pipeline: merge_scan.c begins a body and ends it. What nearly all code consists of is validated here,
 * without calls and with the state in variables; whatever is unusual about an instruction (an integer of many bytes,
 * operands that do not match, a full stack, an error) is left to cj__scan_instruction, which knows everything and begins
 * the instruction again: so here nothing is changed before all is known to be well.
 * Non-goals: errors, and speed by omission. Code is read at some 400 MB/s, 5 to 6 ns an instruction.
 */
#include "link/merge_scan.h"

/* GCC: what follows a label is laid out apart, which makes the loop 6 % faster. Clang has no such attribute. */
#if defined(__GNUC__) && !defined(__clang__)
#define COLD __attribute__((cold))
#else
#define COLD
#endif

/* What is done here of the plain instructions. */
typedef enum fast_kind {
    FAST_NOT,
    FAST_UNARY,  /* one operand, one result, no immediates */
    FAST_BINARY, /* two operands */
    FAST_LOAD,
    FAST_STORE,
    FAST_I32_CONST,
    FAST_I64_CONST,
    FAST_FLOAT_CONST,
} fast_kind;

/* The same rows, as types' bytes; operands from the one pushed last. */
typedef struct fast_row {
    uint8_t last, before, result, arg;
} fast_row;

#define COUNT_OF(sig) (!!S_OPERAND(sig, 0) + !!S_OPERAND(sig, 1) + !!S_OPERAND(sig, 2))
#define TYPE_OF(code) (0x80 - (code))
#define FAST_KIND(imm, sig) \
    ((imm) == IMM_I32                                              ? FAST_I32_CONST \
     : (imm) == IMM_I64                                            ? FAST_I64_CONST \
     : (imm) == IMM_F32 || (imm) == IMM_F64                        ? FAST_FLOAT_CONST \
     : (imm) == IMM_NONE && S_RESULT(sig) && COUNT_OF(sig) == 1    ? FAST_UNARY \
     : (imm) == IMM_NONE && S_RESULT(sig) && COUNT_OF(sig) == 2    ? FAST_BINARY \
     : (imm) == IMM_MEMARG && S_RESULT(sig) && COUNT_OF(sig) == 1  ? FAST_LOAD \
     : (imm) == IMM_MEMARG && !S_RESULT(sig) && COUNT_OF(sig) == 2 ? FAST_STORE \
                                                                   : FAST_NOT)
#define CJ_X(code, text, imm, arg, sig) \
    [code] = {TYPE_OF(COUNT_OF(sig) == 2 ? S_OPERAND(sig, 1) : S_OPERAND(sig, 0)), TYPE_OF(S_OPERAND(sig, 0)), \
              TYPE_OF(S_RESULT(sig)), arg},
static const fast_row fast_ops[256] = {CJ_OPCODE_MAP(CJ_X)};
#undef CJ_X

/* -- The loop ------------------------------------------------------------------------------------------------------ */

/* How many bytes an integer has, up to four; 0: more. */
static inline uint32_t leb_len(const uint8_t *at)
{
    return at[0] < 0x80 ? 1 : at[1] < 0x80 ? 2 : at[2] < 0x80 ? 3 : at[3] < 0x80 ? 4 : 0;
}

/* The same for indices, of up to three bytes. */
static inline uint32_t leb_index(const uint8_t *at, uint32_t *out)
{
    uint32_t value = at[0];
    if (CJ_LIKELY(value < 0x80)) {
        *out = value;
        return 1;
    }
    value += (at[1] - 1u) << 7; /* the first byte's flag is taken off again */
    if (at[1] < 0x80) {
        *out = value;
        return 2;
    }
    *out = value + ((at[2] - 1u) << 14);
    return at[2] < 0x80 ? 3 : 0;
}

/* Whether the operands of a block are its results, one at most. */
static inline bool has_results(const cj_scan_frame *block, const uint8_t *base, const uint8_t *sp)
{
    return (uint32_t)(sp - base) == block->result_count && block->result_count <= 1 &&
           (block->result_count == 0 || *base == *block->results);
}

/* The only test against the end of the body is that before an opcode, if the body's last byte is that of `end`: then
 * no opcode with immediates is the last byte, no integer that begins in the body goes beyond it, and no alignment is
 * followed by nothing, since none is as large. What else has two immediates tests between them. */
cj_status cj__scan_code(cj_scan *f)
{
    cj_scanner *const s = f->s;
    const cj_core_outline *const o = f->o;
    const uint8_t *at = f->r.at, *const end = f->r.end;
    /* other bodies are invalid: to find out how, nothing is done here */
    const unsigned mask = at != end && end[-1] == OP_END && !s->plainly ? 0 : 0xff; /* 0xff is no instruction */
    const uint8_t *const locals = s->locals;
    const uint32_t local_count = f->local_count;
    const bool has_memory = o->memory_count > 0, interruptible = s->interruptible;
    uint8_t *sp = f->stack + f->height, *base = f->stack + f->top->height, *limit = f->stack + f->limit;
    cj_scan_frame *bottom = s->frames.at, *top = f->top;

    /* GNU C: a jump through a table of labels, without the tests and the second table of a switch */
#define CJ_X(code, text, imm, arg, sig) \
    [code] = FAST_KIND(IMM_##imm, sig) == FAST_UNARY         ? &&unary \
             : FAST_KIND(IMM_##imm, sig) == FAST_BINARY      ? &&binary \
             : FAST_KIND(IMM_##imm, sig) == FAST_LOAD        ? &&load \
             : FAST_KIND(IMM_##imm, sig) == FAST_STORE       ? &&store \
             : FAST_KIND(IMM_##imm, sig) == FAST_I32_CONST   ? &&i32_const \
             : FAST_KIND(IMM_##imm, sig) == FAST_I64_CONST   ? &&i64_const \
             : FAST_KIND(IMM_##imm, sig) == FAST_FLOAT_CONST ? &&float_const \
                                                             : &&other,
    static const void *const handlers[256] = {[OP_BLOCK] = &&block,
                                              [OP_LOOP] = &&block,
                                              [OP_IF] = &&block,
                                              [OP_ELSE] = &&else_,
                                              [OP_END] = &&end_,
                                              [OP_UNREACHABLE] = &&unreachable,
                                              [OP_BR] = &&br,
                                              [OP_BR_IF] = &&br,
                                              [OP_RETURN] = &&return_,
                                              [OP_CALL] = &&call,
                                              [OP_CALL_INDIRECT] = &&call_indirect,
                                              [OP_DROP] = &&drop,
                                              [OP_SELECT] = &&select,
                                              [OP_LOCAL_GET] = &&local_get,
                                              [OP_LOCAL_SET] = &&local_set,
                                              [OP_LOCAL_TEE] = &&local_tee,
                                              [OP_GLOBAL_GET] = &&global_get,
                                              [OP_GLOBAL_SET] = &&global_set,
                                              CJ_OPCODE_MAP(CJ_X)};
#undef CJ_X

    for (;;) {
        if (CJ_UNLIKELY(at == end)) {
            f->r.at = at;
            return cj__fail_at(s->err, CJ_MALFORMED, cj__reader_offset(&f->r),
                               "expected an instruction, found the end of the function");
        }
        const uint8_t *const op_at = at++;
        const fast_row *const row = &fast_ops[*op_at];
        uint32_t index, len;
        const void *const handler = handlers[*op_at | mask];
        if (CJ_UNLIKELY(!handler))
            goto other;
        goto *handler;
    local_get:
        len = leb_index(at, &index);
        if (!len || index >= local_count || sp == limit)
            goto other;
        *sp++ = locals[index];
        at += len;
        continue;
    local_set:
        len = leb_index(at, &index);
        if (!len || index >= local_count || sp == base || sp[-1] != locals[index])
            goto other;
        sp--;
        at += len;
        continue;
    local_tee:
        len = leb_index(at, &index);
        if (!len || index >= local_count || sp == base || sp[-1] != locals[index])
            goto other;
        at += len;
        continue;
    i32_const:
        len = leb_len(at);
        if (!len) /* five bytes, the last of which has four bits and their sign */
            len = at[4] < 0x08 || (at[4] >= 0x78 && at[4] < 0x80) ? 5 : 0;
        if (!len || sp == limit)
            goto other;
        *sp++ = CJ_CORE_I32;
        at += len;
        f->const_at = op_at;
        f->const_end = at;
        continue;
    i64_const:
        len = at[0] < 0x80 ? 1 : 0;
        if (!len && end - at >= 9) { /* nine bytes have 63 bits, so that all are good */
            uint64_t last = ~load64(at) & 0x8080808080808080;
            len = last ? (uint32_t)__builtin_ctzll(last) / 8 + 1 : at[8] < 0x80 ? 9 : 0;
        }
        if (!len || sp == limit)
            goto other;
        *sp++ = CJ_CORE_I64;
        at += len;
        continue;
    float_const:
        len = row->result == CJ_CORE_F32 ? 4 : 8;
        if (end - at < (ptrdiff_t)len || sp == limit)
            goto other;
        *sp++ = row->result;
        at += len;
        continue;
    unary:
        if (sp == base || sp[-1] != row->last)
            goto other;
        sp[-1] = row->result;
        continue;
    binary:
        if (sp - base < 2 || sp[-1] != row->last || sp[-2] != row->before)
            goto other;
        sp--;
        sp[-1] = row->result;
        continue;
    load:
        if (sp == base || sp[-1] != row->last || !has_memory || at[0] > row->arg)
            goto other;
        len = leb_len(at + 1);
        if (!len)
            goto other;
        sp[-1] = row->result;
        at += 1 + len;
        continue;
    store:
        if (sp - base < 2 || sp[-1] != row->last || sp[-2] != row->before || !has_memory || at[0] > row->arg)
            goto other;
        len = leb_len(at + 1);
        if (!len)
            goto other;
        sp -= 2;
        at += 1 + len;
        continue;
    global_get:
        len = leb_index(at, &index);
        if (!len || index >= o->global_count || sp == limit || !has_room_for_site(f))
            goto other;
        *sp++ = o->globals[index].type;
        at += len;
        put_site(f, CJ_SITE_GLOBAL_GET, op_at, at, index, 0);
        continue;
    global_set:
        len = leb_index(at, &index);
        if (!len || index >= o->global_count || !o->globals[index].is_mutable || sp == base ||
            sp[-1] != o->globals[index].type || !has_room_for_site(f))
            goto other;
        sp--;
        at += len;
        put_site(f, CJ_SITE_GLOBAL_SET, op_at, at, index, 0);
        continue;
    call : {
        len = leb_index(at, &index);
        if (!len || index >= o->func_count || !has_room_for_site(f))
            goto other;
        const cj_packed_type *type = &f->packed[o->func_types[index]];
        if ((load64(sp - STACK_PAD) & type->mask) != type->want || sp - base < type->param_count ||
            (sp == limit && type->result_count > type->param_count))
            goto other;
        sp -= type->param_count;
        *sp = type->result;
        sp += type->result_count;
        at += len;
        f->calls++;
        put_site(f, CJ_SITE_CALL, op_at, at, index, 0);
        continue;
    }
    call_indirect : {
        len = leb_index(at, &index);
        if (!len || index >= o->type_count || at + len == end || at[len] != 0 || o->table_count == 0 ||
            o->tables[0].value_type != CJ_CORE_FUNCREF || f->const_end == op_at || sp == base ||
            sp[-1] != CJ_CORE_I32 || !has_room_for_site(f))
            goto other;
        const cj_packed_type *type = &f->packed[index];
        if ((load64(sp - 1 - STACK_PAD) & type->mask) != type->want || sp - 1 - base < type->param_count)
            goto other;
        sp -= 1 + type->param_count;
        *sp = type->result;
        sp += type->result_count;
        at += len + 1;
        f->calls++;
        put_site(f, CJ_SITE_CALL_INDIRECT, op_at, at, 0, index);
        continue;
    }
    block : {
        bool empty = *at == EMPTY_BLOCK, one = *at >= CJ_CORE_F64 && *at <= CJ_CORE_I32;
        bool is_if = *op_at == OP_IF, is_loop = *op_at == OP_LOOP;
        if (!(empty || one) || (is_if && (sp == base || sp[-1] != CJ_CORE_I32)) || (is_loop && interruptible) ||
            (size_t)(top - bottom) >= s->config->max_function_nesting || (size_t)(top - bottom) + 1 == s->frames.cap)
            goto other;
        sp -= is_if;
        f->has_loop |= is_loop;
        base = sp;
        top++; /* each member by itself: a literal would be cleared first, as a whole */
        top->height = (uint32_t)(sp - f->stack);
        top->op = *op_at;
        top->unreachable = false;
        top->param_count = 0;
        top->params = NULL;
        top->results = at;
        top->result_count = one;
        top->br_table = 0;
        top->calls_before = f->calls;
        at++;
        continue;
    }
    else_:
        if (top->op != OP_IF || top->param_count || !has_results(top, base, sp))
            goto other;
        sp = base;
        top->op = OP_ELSE;
        top->unreachable = false;
        top->br_table = 0;
        continue;
    end_:
        if (top == bottom || (top->op == OP_IF && (top->param_count || top->result_count)) ||
            (top->op == OP_LOOP && interruptible) || !has_results(top, base, sp))
            goto other;
        top--;
        base = f->stack + top->height;
        continue;
    br : {
        bool is_if = *op_at == OP_BR_IF;
        if (*at >= 0x80 || *at > top - bottom || (is_if && (sp == base || sp[-1] != CJ_CORE_I32)))
            goto other;
        const cj_scan_frame *target = top - *at;
        uint32_t count = target->op == OP_LOOP ? target->param_count : target->result_count;
        const uint8_t *below = sp - is_if;
        if (count > 1 || (count == 1 && (below == base || target->op == OP_LOOP || below[-1] != *target->results)))
            goto other;
        sp -= is_if;
        at++;
        if (!is_if) {
            sp = base;
            top->unreachable = true;
        }
        continue;
    }
    return_:
        if (bottom->result_count > 1 || (bottom->result_count == 1 && (sp == base || sp[-1] != *bottom->results)))
            goto other;
        sp = base;
        top->unreachable = true;
        continue;
    unreachable:
        sp = base;
        top->unreachable = true;
        continue;
    drop:
        if (sp == base)
            goto other;
        sp--;
        continue;
    select:
        if (sp - base < 3 || sp[-1] != CJ_CORE_I32 || sp[-2] != sp[-3] || sp[-2] < CJ_CORE_V128)
            goto other;
        sp -= 2;
        continue;

    other:
        COLD;
        f->op_at = op_at;
        f->r.at = op_at + 1;
        f->height = (uint32_t)(sp - f->stack);
        f->top = top;
        s->frames.len = (size_t)(top - bottom) + 1;
        if (*op_at != OP_END) {
            CJ_TRY(cj__scan_instruction(f, *op_at));
        } else {
            if (top == bottom)
                return CJ_OK;
            CJ_TRY(cj__scan_block_end(f));
        }
        at = f->r.at;
        bottom = s->frames.at;
        top = f->top;
        sp = f->stack + f->height;
        base = f->stack + top->height;
        limit = f->stack + f->limit;
    }
}
