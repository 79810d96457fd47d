/* const_expr.c: see const_expr.h.
 *
 * Both walks use a stack of fixed size: expressions in the wild are one or three instructions long.
 */
#include "link/const_expr.h"

enum { STACK = 64 };

/* The opcodes that constant expressions may have. */
enum {
    OP_END = 0x0b,
    OP_GLOBAL_GET = 0x23,
    OP_I32_CONST = 0x41,
    OP_I64_CONST = 0x42,
    OP_F32_CONST = 0x43,
    OP_F64_CONST = 0x44,
    OP_I32_ADD = 0x6a,
    OP_I32_SUB = 0x6b,
    OP_I32_MUL = 0x6c,
    OP_I64_ADD = 0x7c,
    OP_I64_SUB = 0x7d,
    OP_I64_MUL = 0x7e,
    OP_REF_NULL = 0xd0,
    OP_REF_FUNC = 0xd2,
    OP_GC = 0xfb,
    OP_SIMD = 0xfd,
    SIMD_V128_CONST = 12,
};

cj_status cj__const_read(cj_reader *r, const cj_core_outline *module, uint8_t type, cj_bytes *out)
{
    const uint8_t *start = r->at;
    uint64_t start_offset = cj__reader_offset(r);
    uint8_t stack[STACK];
    uint32_t depth = 0;
    for (;;) {
        uint64_t offset = cj__reader_offset(r);
        uint8_t op, pushed = 0;
        CJ_TRY(cj__read_byte(r, &op, "a constant instruction"));
        switch (op) {
        case OP_END:
            if (depth != 1 || stack[0] != type)
                return cj__fail_at(r->err, CJ_INVALID, start_offset, "constant expression must give one %s, gives %s%s",
                                   cj__core_valtype_name(type),
                                   depth ? cj__core_valtype_name(stack[depth - 1]) : "nothing",
                                   depth > 1 ? " and more" : "");
            *out = (cj_bytes){start, (size_t)(r->at - start), start_offset};
            return CJ_OK;
        case OP_I32_CONST: {
            int32_t value;
            CJ_TRY(cj__read_s32(r, &value, "an i32"));
            pushed = CJ_CORE_I32;
            break;
        }
        case OP_I64_CONST: {
            int64_t value;
            CJ_TRY(cj__read_s64(r, &value, "an i64"));
            pushed = CJ_CORE_I64;
            break;
        }
        case OP_F32_CONST:
        case OP_F64_CONST: {
            const uint8_t *bits;
            CJ_TRY(cj__read_bytes(r, op == OP_F32_CONST ? 4 : 8, &bits, "a float"));
            pushed = op == OP_F32_CONST ? CJ_CORE_F32 : CJ_CORE_F64;
            break;
        }
        case OP_SIMD: {
            uint32_t sub;
            const uint8_t *bits;
            CJ_TRY(cj__read_u32(r, &sub, "a vector opcode"));
            if (sub != SIMD_V128_CONST)
                return cj__fail_at(r->err, CJ_INVALID, offset, "vector instruction %u is not constant", sub);
            CJ_TRY(cj__read_bytes(r, 16, &bits, "a v128"));
            pushed = CJ_CORE_V128;
            break;
        }
        case OP_GLOBAL_GET: {
            uint32_t index;
            CJ_TRY(cj__read_u32(r, &index, "a global index"));
            if (index >= module->global_count)
                return cj__fail_at(r->err, CJ_INVALID, offset,
                                   "unknown global %u in a constant expression (%u are defined before it)", index,
                                   module->global_count);
            if (module->globals[index].is_mutable)
                return cj__fail_at(r->err, CJ_INVALID, offset, "global %u is mutable: not constant", index);
            pushed = module->globals[index].type;
            break;
        }
        case OP_I32_ADD:
        case OP_I32_SUB:
        case OP_I32_MUL:
        case OP_I64_ADD:
        case OP_I64_SUB:
        case OP_I64_MUL:
            pushed = op <= OP_I32_MUL ? CJ_CORE_I32 : CJ_CORE_I64;
            if (depth < 2 || stack[depth - 1] != pushed || stack[depth - 2] != pushed)
                return cj__fail_at(r->err, CJ_INVALID, offset,
                                   "type mismatch in a constant expression: two operands of %s expected",
                                   cj__core_valtype_name(pushed));
            depth -= 2;
            break;
        case OP_REF_NULL: {
            CJ_TRY(cj__core_read_valtype(r, &pushed, "a heap type"));
            if (!cj__core_is_ref(pushed))
                return cj__fail_at(r->err, CJ_MALFORMED, offset + 1, "expected a heap type, found 0x%02x", pushed);
            break;
        }
        case OP_REF_FUNC: {
            uint32_t index;
            CJ_TRY(cj__read_u32(r, &index, "a function index"));
            if (index >= module->func_count)
                return cj__fail_at(r->err, CJ_INVALID, offset, "unknown function %u (there are %u)", index,
                                   module->func_count);
            pushed = CJ_CORE_FUNCREF;
            break;
        }
        case OP_GC:
            return cj__fail_at(r->err, CJ_UNSUPPORTED, offset, "unsupported: core GC instructions");
        default:
            return cj__fail_at(r->err, CJ_INVALID, offset, "instruction 0x%02x is not constant", op);
        }
        if (depth == STACK)
            return cj__fail_at(r->err, CJ_UNSUPPORTED, start_offset,
                               "unsupported: constant expressions of more than %d operands", STACK);
        stack[depth++] = pushed;
    }
}

cj_const cj__const_eval(cj_bytes expr, const cj_const *globals)
{
    cj_reader r = cj__reader(expr.ptr, expr.len, expr.offset, NULL);
    cj_const stack[STACK + 1];
    cj_const *top = stack; /* one past */
    for (;;) {
        uint8_t op = OP_END;
        (void)cj__read_byte(&r, &op, "");
        cj_const value;
        memset(&value, 0, sizeof(value));
        switch (op) {
        case OP_I32_CONST: {
            int32_t n = 0;
            (void)cj__read_s32(&r, &n, "");
            value.type = CJ_CORE_I32;
            value.of.i32 = (uint32_t)n;
            break;
        }
        case OP_I64_CONST: {
            int64_t n = 0;
            (void)cj__read_s64(&r, &n, "");
            value.type = CJ_CORE_I64;
            value.of.i64 = (uint64_t)n;
            break;
        }
        case OP_F32_CONST:
        case OP_F64_CONST:
        case OP_SIMD: {
            const uint8_t *bits = NULL;
            uint32_t sub;
            if (op == OP_SIMD)
                (void)cj__read_u32(&r, &sub, "");
            value.type = op == OP_F32_CONST ? CJ_CORE_F32 : op == OP_F64_CONST ? CJ_CORE_F64 : CJ_CORE_V128;
            size_t size = op == OP_F32_CONST ? 4 : op == OP_F64_CONST ? 8 : 16;
            (void)cj__read_bytes(&r, size, &bits, "");
            for (size_t i = 0; i < size; i++) {
                if (op == OP_F32_CONST)
                    value.of.i32 |= (uint32_t)bits[i] << 8 * i;
                else if (op == OP_F64_CONST)
                    value.of.i64 |= (uint64_t)bits[i] << 8 * i;
                else
                    value.of.v128[i] = bits[i];
            }
            break;
        }
        case OP_GLOBAL_GET: {
            uint32_t index = 0;
            (void)cj__read_u32(&r, &index, "");
            value = globals[index];
            break;
        }
        case OP_I32_ADD:
        case OP_I32_SUB:
        case OP_I32_MUL: {
            uint32_t a = top[-2].of.i32, b = top[-1].of.i32;
            value.type = CJ_CORE_I32;
            value.of.i32 = op == OP_I32_ADD ? a + b : op == OP_I32_SUB ? a - b : a * b;
            top -= 2;
            break;
        }
        case OP_I64_ADD:
        case OP_I64_SUB:
        case OP_I64_MUL: {
            uint64_t a = top[-2].of.i64, b = top[-1].of.i64;
            value.type = CJ_CORE_I64;
            value.of.i64 = op == OP_I64_ADD ? a + b : op == OP_I64_SUB ? a - b : a * b;
            top -= 2;
            break;
        }
        case OP_REF_NULL:
            (void)cj__read_byte(&r, &value.type, "");
            value.is_null = true;
            break;
        case OP_REF_FUNC:
            value.type = CJ_CORE_FUNCREF;
            (void)cj__read_u32(&r, &value.of.func, "");
            break;
        default: /* `end`: checked when it was read */
            return top[-1];
        }
        *top++ = value;
    }
}
