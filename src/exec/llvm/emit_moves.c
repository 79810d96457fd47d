/* emit_moves.c: the operations of a move plan as LLVM IR.
 *
 * Place and picture: emit.h. What each operation means and in which order it checks: abi/plan.h; the plan interpreter
 * does the same.
 * Non-goals: the calling sequence around the two programs (emit_plan.c).
 */
#include "exec/llvm/emit.h"

#include <stdio.h>

enum {
    VECTOR_BYTES = 32, /* what one step of a vector loop moves */
};

static void emit_range(cj__ll_fn *fn, uint32_t first, uint32_t past, cj__ll_place *src, cj__ll_place *dst);

bool cj__ll_calls_out(const cj_moves *moves, uint32_t first, uint32_t past)
{
    for (uint32_t i = first; i < past; i++) {
        uint8_t code = moves->ops[i].code;
        if (code == CJ_OP_STRING || code == CJ_OP_LIST)
            return true;
    }
    return false;
}

/* -- Scalars ----------------------------------------------------------------------------------------------------- */

/* A flat slot as an integer of its own width. */
static LLVMValueRef slot_bits(cj__ll_fn *fn, cj__ll_place *place, uint32_t slot)
{
    cj__ll_module *m = fn->m;
    cj_core type = place->types[slot];
    LLVMTypeRef bits = type == CJ_CORE_I64 || type == CJ_CORE_F64 ? m->i64 : m->i32;
    if (!place->slots)
        return cj__ll_load(m, bits, place->ptr, 8 * (uint64_t)slot);
    return type == CJ_CORE_F32 || type == CJ_CORE_F64 ? LLVMBuildBitCast(m->builder, place->slots[slot], bits, "")
                                                      : place->slots[slot];
}

/* Sets a flat slot from a value of its own type's width, i32 or i64 (spec, "Flattening": a joined slot is
 * zero-extended into). */
static void set_slot(cj__ll_fn *fn, cj__ll_place *place, uint32_t slot, LLVMValueRef bits)
{
    cj__ll_module *m = fn->m;
    cj_core type = place->types[slot];
    bits = cj__ll_resize(m, bits, type == CJ_CORE_I64 || type == CJ_CORE_F64 ? m->i64 : m->i32);
    if (!place->slots)
        cj__ll_store(m, bits, place->ptr, 8 * (uint64_t)slot);
    else
        place->slots[slot] = LLVMBuildBitCast(m->builder, bits, cj__ll_core_type(m, type), "");
}

/* What lies at a place: `bytes` wide in memory; in a flat slot, `bytes` of its low bits. */
static LLVMValueRef get(cj__ll_fn *fn, cj__ll_place *place, uint32_t at, uint32_t bytes)
{
    if (place->space == CJ_SPACE_FLAT)
        return cj__ll_resize(fn->m, slot_bits(fn, place, at), cj__ll_int(fn->m, bytes));
    return cj__ll_load(fn->m, cj__ll_int(fn->m, bytes), cj__ll_place_ptr(fn, place), at);
}

static void put(cj__ll_fn *fn, cj__ll_place *place, uint32_t at, LLVMValueRef value)
{
    if (place->space == CJ_SPACE_FLAT)
        set_slot(fn, place, at, value);
    else
        cj__ll_store(fn->m, value, cj__ll_place_ptr(fn, place), at);
}

/* BOOL, CHAR, ENUM and discriminants are looked at in full in a flat slot: 32 bits, of which memory has `width`
 * bytes. */
static uint32_t full_width(const cj__ll_place *place, uint32_t width)
{
    return place->space == CJ_SPACE_FLAT ? 4 : width;
}

static uint32_t scalar_width(const cj_op *op)
{
    return op->code == CJ_OP_BOOL ? 1 : op->code == CJ_OP_CHAR ? 4 : op->width;
}

/* A constant of the same integer type as `like`, or of a vector of such. */
static LLVMValueRef same(LLVMValueRef like, uint64_t value)
{
    LLVMTypeRef type = LLVMTypeOf(like);
    if (LLVMGetTypeKind(type) != LLVMVectorTypeKind)
        return LLVMConstInt(type, value, 0);
    LLVMValueRef lanes[VECTOR_BYTES];
    unsigned count = LLVMGetVectorSize(type);
    for (unsigned i = 0; i < count; i++)
        lanes[i] = LLVMConstInt(LLVMGetElementType(type), value, 0);
    return LLVMConstVector(lanes, count);
}

/* True (lane by lane) where a CHAR is out of range or a surrogate: (c ^ 0xd800) - 0x800 moves surrogates to the
 * top. */
static LLVMValueRef char_is_bad(cj__ll_module *m, LLVMValueRef c)
{
    LLVMValueRef moved = LLVMBuildSub(m->builder, LLVMBuildXor(m->builder, c, same(c, 0xd800), ""), same(c, 0x800), "");
    return LLVMBuildICmp(m->builder, LLVMIntUGE, moved, same(c, 0x110000 - 0x800), "");
}

/* False when every value of `bytes` bytes is below `count`. */
static bool can_exceed(uint32_t count, uint32_t bytes)
{
    return bytes == 4 || count < 1u << 8 * bytes;
}

static bool flags_masked(const cj_op *op)
{
    return op->count < 8u * op->width;
}

static uint32_t flags_mask(const cj_op *op)
{
    return op->count >= 32 ? UINT32_MAX : (1u << op->count) - 1;
}

static void emit_scalar(cj__ll_fn *fn, uint32_t site, cj__ll_place *src, cj__ll_place *dst)
{
    cj__ll_module *m = fn->m;
    const cj_op *op = &fn->moves->ops[site];
    uint32_t width = scalar_width(op);
    bool whole = op->code == CJ_OP_BOOL || op->code == CJ_OP_CHAR || op->code == CJ_OP_ENUM;
    LLVMValueRef value = get(fn, src, op->src, whole ? full_width(src, width) : width);
    switch (op->code) {
    case CJ_OP_BOOL:
        value = LLVMBuildZExt(m->builder, LLVMBuildICmp(m->builder, LLVMIntNE, value, same(value, 0), ""), m->i8, "");
        break;
    case CJ_OP_CHAR: {
        LLVMBasicBlockRef bad = cj__ll_block(fn, ""), next = cj__ll_block(fn, "");
        cj__ll_branch_cold(fn, char_is_bad(m, value), bad, next);
        cj__ll_use(fn, bad);
        LLVMValueRef range = LLVMBuildICmp(m->builder, LLVMIntUGE, value, cj__ll_c32(m, 0x110000), "");
        cj__ll_trap_now(
            fn, LLVMBuildSelect(m->builder, range, cj__ll_c32(m, cj__ll_pack(CJ_TRAP_CHAR_RANGE, fn->in_results, site)),
                                cj__ll_c32(m, cj__ll_pack(CJ_TRAP_CHAR_SURROGATE, fn->in_results, site)), ""));
        cj__ll_use(fn, next);
        break;
    }
    case CJ_OP_ENUM:
        if (can_exceed(op->count, full_width(src, width))) {
            LLVMValueRef bad = LLVMBuildICmp(m->builder, LLVMIntUGE, value, same(value, op->count), "");
            cj__ll_trap_if(fn, bad, CJ_TRAP_DISCRIMINANT, site);
        }
        break;
    case CJ_OP_FLAGS:
        if (flags_masked(op))
            value = LLVMBuildAnd(m->builder, value, same(value, flags_mask(op)), "");
        break;
    default: /* INT */
        if (op->is_signed && width < 4 && dst->space == CJ_SPACE_FLAT)
            value = LLVMBuildSExt(m->builder, value, m->i32, "");
        break;
    }
    put(fn, dst, op->dst, dst->space == CJ_SPACE_FLAT ? value : cj__ll_resize(m, value, cj__ll_int(m, width)));
}

static void emit_copy(cj__ll_fn *fn, const cj_op *op, cj__ll_place *src, cj__ll_place *dst)
{
    cj__ll_module *m = fn->m;
    LLVMValueRef from = cj__ll_at(m, cj__ll_place_ptr(fn, src), op->src),
                 to = cj__ll_at(m, cj__ll_place_ptr(fn, dst), op->dst);
    cj__ll_copy(m, to, from, op->size);
}

/* -- Strings ----------------------------------------------------------------------------------------------------- */

static LLVMValueRef place_at(cj__ll_fn *fn, cj__ll_place *place, uint32_t at)
{
    return cj__ll_at(fn->m, cj__ll_place_ptr(fn, place), at);
}

/* (pointer, length) at a guest end, as i32. */
static void get_pair(cj__ll_fn *fn, cj__ll_place *place, uint32_t at, LLVMValueRef pair[2])
{
    pair[0] = get(fn, place, at, 4);
    pair[1] = get(fn, place, at + (place->space == CJ_SPACE_FLAT ? 1 : 4), 4);
}

static void put_pair(cj__ll_fn *fn, cj__ll_place *place, uint32_t at, LLVMValueRef first, LLVMValueRef second)
{
    put(fn, place, at, first);
    put(fn, place, at + (place->space == CJ_SPACE_FLAT ? 1 : 4), second);
}

/* UTF-8 that the host looks at where it lies. */
static void view_string(cj__ll_fn *fn, uint32_t site, cj__ll_place *src, cj__ll_place *dst)
{
    cj__ll_module *m = fn->m;
    const cj_op *op = &fn->moves->ops[site];
    LLVMValueRef pair[2], view = place_at(fn, dst, op->dst);
    get_pair(fn, src, op->src, pair);
    LLVMValueRef ptr = cj__ll_resize(m, pair[0], m->i64), len = cj__ll_resize(m, pair[1], m->i64);
    cj__ll_trap_if(fn, LLVMBuildICmp(m->builder, LLVMIntUGT, len, cj__ll_c64(m, CJ_MAX_BYTES), ""),
                   CJ_TRAP_STRING_LENGTH, site);
    cj__ll_view memory = cj__ll_source_view(fn);
    cj__ll_check_range(fn, memory, ptr, 1, len, CJ_TRAP_NONE, CJ_TRAP_STRING_BOUNDS, site);
    LLVMValueRef args[] = {cj__ll_add(m, memory.base, ptr), len};
    cj__ll_store(m, args[0], view, offsetof(cj_string, ptr));
    cj__ll_store(m, len, view, offsetof(cj_string, len));
    LLVMBasicBlockRef bad = cj__ll_block(fn, ""), fits = cj__ll_block(fn, ""), next = cj__ll_block(fn, "");
    LLVMValueRef store = cj__ll_store_of(fn);
    LLVMValueRef left = cj__ll_load(m, m->i64, store, offsetof(cj_store_core, host_bytes));
    cj__ll_branch_cold(fn, LLVMBuildICmp(m->builder, LLVMIntUGT, len, left, ""), bad, fits);
    cj__ll_use(fn, fits);
    if (cj__string_as(op, src->space == CJ_SPACE_MEM) == CJ_STRING_VIEW_COUNTED)
        cj__ll_store(m, LLVMBuildSub(m->builder, left, len, ""), store, offsetof(cj_store_core, host_bytes));
    LLVMValueRef good = cj__ll_call(m, CJ__LL_KERNEL_utf8_valid, args, 2);
    cj__ll_branch_cold(fn, LLVMBuildICmp(m->builder, LLVMIntEQ, good, same(good, 0), ""), bad, next);
    cj__ll_use(fn, bad);
    LLVMValueRef why[] = {fn->call, view};
    cj__ll_trap_of_kind(fn, cj__ll_call(m, CJ__LL_cj__ll_string_bad_view_utf8, why, 2), site);
    cj__ll_use(fn, next);
}

static LLVMValueRef lift_string(cj__ll_fn *fn, uint32_t site, cj__ll_place *src, cj__ll_place *dst)
{
    cj__ll_module *m = fn->m;
    const cj_op *op = &fn->moves->ops[site];
    cj_encoding encoding = m->plan->options.encoding;
    LLVMValueRef pair[2];
    get_pair(fn, src, op->src, pair);
    LLVMValueRef as = cj__ll_c32(m, cj__string_as(op, src->space == CJ_SPACE_MEM)), to = place_at(fn, dst, op->dst);
    if (encoding == CJ_UTF8) {
        LLVMValueRef args[] = {fn->call, as, pair[0], pair[1], to};
        return cj__ll_call(m, CJ__LL_cj__ll_string_lift_utf8, args, 5);
    }
    LLVMValueRef args[] = {fn->call, cj__ll_side(fn, fn->from), cj__ll_c32(m, encoding), as, pair[0], pair[1], to};
    return cj__ll_call(m, CJ__LL_cj__string_lift, args, 7);
}

static LLVMValueRef lower_string(cj__ll_fn *fn, const cj_op *op, cj__ll_place *src, LLVMValueRef out)
{
    cj__ll_module *m = fn->m;
    cj_encoding encoding = m->plan->options.encoding;
    LLVMValueRef from = place_at(fn, src, op->src);
    if (encoding == CJ_UTF8) {
        LLVMValueRef args[] = {fn->call, from, out};
        return cj__ll_call(m, CJ__LL_cj__ll_string_lower_utf8, args, 3);
    }
    LLVMValueRef args[] = {fn->call, cj__ll_side(fn, fn->to), cj__ll_c32(m, encoding), from, out};
    return cj__ll_call(m, CJ__LL_cj__string_lower, args, 5);
}

/* Between two guests. */
static LLVMValueRef move_string(cj__ll_fn *fn, const cj_op *op, cj__ll_place *src)
{
    cj__ll_module *m = fn->m;
    const cj_plan_options *options = &m->plan->options;
    cj_encoding from = fn->in_results ? options->encoding : options->caller_encoding,
                to = fn->in_results ? options->caller_encoding : options->encoding;
    LLVMValueRef pair[2];
    get_pair(fn, src, op->src, pair);
    static const cj__ll_helper pairs[3][3] = {
#define CJ_X(from, to, FROM, TO) [FROM][TO] = CJ__LL_cj__ll_string_##from##_to_##to,
        CJ__LL_STRING_PAIRS(CJ_X)
#undef CJ_X
    };
    LLVMValueRef args[] = {cj__ll_env(fn), fn->binding, cj__ll_c32(m, fn->in_results), pair[0], pair[1]};
    return cj__ll_call(m, pairs[from][to], args, 5);
}

static void emit_string(cj__ll_fn *fn, uint32_t site, cj__ll_place *src, cj__ll_place *dst)
{
    cj__ll_module *m = fn->m;
    const cj_op *op = &fn->moves->ops[site];
    if (!fn->lowers) {
        if (op->mode == CJ_MODE_VIEW && m->plan->options.encoding == CJ_UTF8 && !m->big)
            view_string(fn, site, src, dst);
        else
            cj__ll_trap_unless_null(fn, lift_string(fn, site, src, dst), site);
        return;
    }
    cj__ll_note(fn, site);
    LLVMValueRef words;
    if (fn->moves->src == CJ_SPACE_HOST) {
        LLVMValueRef out = cj__ll_out(fn);
        cj__ll_trap_unless_null(fn, lower_string(fn, op, src, out), site);
        words = cj__ll_load(m, m->i64, out, 0);
    } else {
        LLVMValueRef moved = move_string(fn, op, src);
        words = LLVMBuildExtractValue(m->builder, moved, 0, "");
        cj__ll_trap_unless_null(fn, cj__ll_resize(m, LLVMBuildExtractValue(m->builder, moved, 1, ""), m->i32), site);
    }
    cj__ll_called_out(fn);
    if (dst->space == CJ_SPACE_MEM)
        put(fn, dst, op->dst, words);
    else
        put_pair(fn, dst, op->dst, cj__ll_resize(m, words, m->i32),
                 cj__ll_resize(m, LLVMBuildLShr(m->builder, words, cj__ll_c64(m, 32), ""), m->i32));
}

/* -- Handles ----------------------------------------------------------------------------------------------------- */

static LLVMValueRef times(cj__ll_fn *fn, LLVMValueRef len, uint64_t size)
{
    return size == 1 ? len : LLVMBuildMul(fn->m->builder, len, cj__ll_c64(fn->m, size), "");
}

LLVMValueRef cj__ll_table(cj__ll_fn *fn, bool lifts)
{
    cj__ll_module *m = fn->m;
    cj_space space = lifts ? fn->moves->src : fn->moves->dst;
    if (space == CJ_SPACE_HOST)
        return cj__ll_at(m, cj__ll_store_of(fn), offsetof(cj_store_core, handles));
    LLVMValueRef instance = cj__ll_load_const(m, m->ptr, fn->binding, CJ__LL_SIDE(lifts ? fn->from : fn->to, instance));
    return cj__ll_at(m, instance, offsetof(cj_instance_core, handles));
}

LLVMValueRef cj__ll_handle_at(cj__ll_fn *fn, LLVMValueRef table, LLVMValueRef index)
{
    cj__ll_module *m = fn->m;
    LLVMValueRef first = cj__ll_load(m, m->ptr, table, offsetof(cj_handles, at));
    return cj__ll_add(m, first, times(fn, cj__ll_resize(m, index, m->i64), sizeof(cj_handle)));
}

static void add_to(cj__ll_fn *fn, LLVMValueRef at, uint64_t offset, uint32_t what)
{
    cj__ll_module *m = fn->m;
    LLVMValueRef value = cj__ll_load(m, m->i32, at, offset);
    cj__ll_store(m, LLVMBuildAdd(m->builder, value, cj__ll_c32(m, what), ""), at, offset);
}

/* Goes on at `rare` when `a` and `b` compare so: what is usual, negated, would be three instructions more where nothing is optimised. */
static void rarely(cj__ll_fn *fn, LLVMIntPredicate unusual, LLVMValueRef a, LLVMValueRef b, LLVMBasicBlockRef rare)
{
    cj__ll_branch_cold(fn, LLVMBuildICmp(fn->m->builder, unusual, a, b, ""), rare, cj__ll_block(fn, ""));
}

/* cj__move_own, where the handle is neither lent nor a borrow, and the other table has a free place. Gives the new index. */
static LLVMValueRef usual_own(cj__ll_fn *fn, LLVMValueRef from, LLVMValueRef handle, LLVMValueRef index,
                              LLVMBasicBlockRef rare)
{
    cj__ll_module *m = fn->m;
    LLVMValueRef to = cj__ll_table(fn, false), null = LLVMConstNull(m->ptr), zero = cj__ll_c32(m, 0);
    rarely(fn, LLVMIntNE, cj__ll_load(m, m->ptr, handle, offsetof(cj_handle, scope)), null, rare);
    rarely(fn, LLVMIntNE, cj__ll_load(m, m->i32, handle, offsetof(cj_handle, lends)), zero, rare);
    LLVMValueRef given = cj__ll_load(m, m->i32, to, offsetof(cj_handles, free));
    rarely(fn, LLVMIntEQ, given, zero, rare);

    LLVMValueRef rt = cj__ll_load(m, m->ptr, handle, offsetof(cj_handle, rt)),
                 rep = cj__ll_load(m, m->i64, handle, offsetof(cj_handle, rep)),
                 next_free = cj__ll_load(m, m->i32, from, offsetof(cj_handles, free));
    cj__ll_store(m, null, handle, offsetof(cj_handle, rt));
    cj__ll_store(m, cj__ll_resize(m, next_free, m->i64), handle, offsetof(cj_handle, rep));
    if (fn->moves->src == CJ_SPACE_HOST)
        cj__ll_store(m, zero, handle, offsetof(cj_handle, named));
    cj__ll_store(m, index, from, offsetof(cj_handles, free));

    LLVMValueRef at = cj__ll_handle_at(fn, to, given), after = cj__ll_load(m, m->i64, at, offsetof(cj_handle, rep));
    cj__ll_store(m, cj__ll_resize(m, after, m->i32), to, offsetof(cj_handles, free));
    cj__ll_store(m, rt, at, offsetof(cj_handle, rt));
    cj__ll_store(m, rep, at, offsetof(cj_handle, rep));
    return given;
}

/* cj__move_borrow into the instance that implements the resource: the representation. */
static LLVMValueRef usual_borrow(cj__ll_fn *fn, LLVMValueRef from, LLVMValueRef handle, LLVMValueRef index,
                                 LLVMValueRef rt, LLVMBasicBlockRef rare)
{
    cj__ll_module *m = fn->m;
    LLVMValueRef impl = cj__ll_load_const(m, m->ptr, rt, offsetof(cj_resource, impl));
    LLVMValueRef callee = cj__ll_load_const(m, m->ptr, fn->binding, CJ__LL_SIDE(fn->to, instance));
    rarely(fn, LLVMIntNE, impl, callee, rare);
    if (fn->lends_one && !fn->mark) {
        add_to(fn, handle, offsetof(cj_handle, lends), 1);
        return cj__ll_resize(m, cj__ll_load(m, m->i64, handle, offsetof(cj_handle, rep)), m->i32);
    }
    LLVMValueRef lends = cj__ll_at(m, cj__ll_store_of(fn), offsetof(cj_store_core, lends));
    LLVMValueRef len = fn->mark ? fn->mark : cj__ll_load(m, m->i32, lends, offsetof(cj_lends, len)),
                 cap = cj__ll_load(m, m->i32, lends, offsetof(cj_lends, cap));
    rarely(fn, LLVMIntUGE, len, cap, rare);

    add_to(fn, handle, offsetof(cj_handle, lends), 1);
    LLVMValueRef first = cj__ll_load(m, m->ptr, lends, offsetof(cj_lends, at));
    LLVMValueRef lend = cj__ll_add(m, first, times(fn, cj__ll_resize(m, len, m->i64), sizeof(cj_lend)));
    cj__ll_store(m, from, lend, offsetof(cj_lend, table));
    cj__ll_store(m, index, lend, offsetof(cj_lend, index));
    cj__ll_store(m, cj__ll_c32(m, CJ_LEND_BORROW), lend, offsetof(cj_lend, kind));
    cj__ll_store(m, LLVMBuildAdd(m->builder, len, cj__ll_c32(m, 1), ""), lends, offsetof(cj_lends, len));
    return cj__ll_resize(m, cj__ll_load(m, m->i64, handle, offsetof(cj_handle, rep)), m->i32);
}

/* cj__move_own or cj__move_borrow, which find every trap; most calls do not get there. */
static void emit_handle(cj__ll_fn *fn, uint32_t site, cj__ll_place *src, cj__ll_place *dst)
{
    cj__ll_module *m = fn->m;
    const cj_op *op = &fn->moves->ops[site];
    bool own = op->code == CJ_OP_OWN, to_host = fn->moves->dst == CJ_SPACE_HOST;
    LLVMValueRef index = get(fn, src, op->src, 4), given = NULL;
    LLVMBasicBlockRef rare = NULL, after_usual = NULL, next = NULL;
    if (fn->lends_one && !own)
        fn->lent = index;
    bool in_part = !own && m->plan->lends_one && !fn->lends_one;
    if (!m->big && !in_part && !(to_host && (!own || m->plan->has_borrow))) {
        rare = cj__ll_block(fn, "rare");
        LLVMValueRef table = cj__ll_table(fn, true), len = cj__ll_load(m, m->i32, table, offsetof(cj_handles, len));
        rarely(fn, LLVMIntUGE, index, len, rare);
        LLVMValueRef handle = cj__ll_handle_at(fn, table, index);
        LLVMValueRef resources = cj__ll_load_const(m, m->ptr, fn->binding, offsetof(cj_binding, resources));
        LLVMValueRef rt = cj__ll_load_const(m, m->ptr, resources, op->count * sizeof(void *));
        LLVMValueRef is = cj__ll_load(m, m->ptr, handle, offsetof(cj_handle, rt));
        rarely(fn, LLVMIntNE, is, rt, rare);
        given = own ? usual_own(fn, table, handle, index, rare) : usual_borrow(fn, table, handle, index, rt, rare);
        after_usual = cj__ll_here(fn);
        next = cj__ll_block(fn, "");
        LLVMBuildBr(m->builder, next);
        cj__ll_use(fn, rare);
        if (fn->late)
            cj__ll_fill_call(fn);
    }
    LLVMValueRef out = cj__ll_out(fn);
    LLVMValueRef args[] = {fn->call, cj__ll_c32(m, fn->in_results), cj__ll_c32(m, op->count), index, out};
    cj__ll_helper helper = own ? CJ__LL_cj__move_own : CJ__LL_cj__move_borrow;
    cj__ll_trap_unless_null(fn, cj__ll_call(m, helper, args, 5), site);
    LLVMValueRef moved = cj__ll_load(m, m->i32, out, 0);
    if (rare)
        moved = cj__ll_merge(fn, next, given, after_usual, moved);
    put(fn, dst, op->dst, moved);
}

/* -- Lists ------------------------------------------------------------------------------------------------------- */

/* memcpy itself: LLVM would call it through a stub. */
static void copy_block(cj__ll_fn *fn, LLVMValueRef to, LLVMValueRef from, LLVMValueRef bytes)
{
    LLVMValueRef args[] = {to, from, bytes};
    cj__ll_call(fn->m, CJ__LL_memcpy, args, 3);
}

/* What one element takes at an end. */
static uint32_t element_size(const cj_moves *moves, const cj_op *op, bool at_dst)
{
    return (at_dst ? moves->dst : moves->src) == CJ_SPACE_HOST ? op->host_size : op->size;
}

static bool is_vector_body(const cj_moves *moves, uint32_t list)
{
    const cj_op *op = &moves->ops[list], *body = op + 1;
    if (op->next != list + 2 || body->src || body->dst ||
        element_size(moves, op, false) != element_size(moves, op, true))
        return false;
    return (body->code == CJ_OP_BOOL || body->code == CJ_OP_CHAR || body->code == CJ_OP_ENUM ||
            body->code == CJ_OP_FLAGS) &&
           scalar_width(body) == op->size;
}

/* Lists of one scalar whose two ends are laid out alike: whole vectors first. A vector with a value that traps is
 * left to the element loop, which says where. Returns the position (i64) where that loop goes on. */
static LLVMValueRef emit_vectors(cj__ll_fn *fn, const cj_op *body, LLVMValueRef src, LLVMValueRef dst, LLVMValueRef len)
{
    cj__ll_module *m = fn->m;
    uint32_t width = scalar_width(body), lanes = VECTOR_BYTES / width;
    LLVMTypeRef type = LLVMVectorType(cj__ll_int(m, width), lanes);
    LLVMValueRef past = LLVMBuildAnd(m->builder, len, cj__ll_c64(m, ~(uint64_t)(lanes - 1)), "");
    LLVMBasicBlockRef before = cj__ll_here(fn), loop = cj__ll_block(fn, "vectors"), done = cj__ll_block(fn, "");
    LLVMBuildCondBr(m->builder, LLVMBuildICmp(m->builder, LLVMIntEQ, past, cj__ll_c64(m, 0), ""), done, loop);
    cj__ll_use(fn, loop);
    LLVMValueRef i = LLVMBuildPhi(m->builder, m->i64, "i"), zero = cj__ll_c64(m, 0);
    LLVMAddIncoming(i, &zero, &before, 1);
    LLVMValueRef at = LLVMBuildMul(m->builder, i, cj__ll_c64(m, width), "");
    LLVMValueRef value = cj__ll_load(m, type, cj__ll_add(m, src, at), 0), bad = NULL;
    if (body->code == CJ_OP_BOOL)
        value = LLVMBuildZExt(m->builder, LLVMBuildICmp(m->builder, LLVMIntNE, value, same(value, 0), ""), type, "");
    else if (body->code == CJ_OP_CHAR)
        bad = char_is_bad(m, value);
    else if (body->code == CJ_OP_ENUM && can_exceed(body->count, width))
        bad = LLVMBuildICmp(m->builder, LLVMIntUGE, value, same(value, body->count), "");
    else if (body->code == CJ_OP_FLAGS && flags_masked(body))
        value = LLVMBuildAnd(m->builder, value, same(value, flags_mask(body)), "");
    LLVMBasicBlockRef exits[3] = {before, NULL, NULL};
    LLVMValueRef stops[3] = {zero, i, past};
    if (bad) {
        LLVMValueRef any = LLVMBuildBitCast(m->builder, bad, LLVMIntTypeInContext(m->context, lanes), "");
        any = LLVMBuildICmp(m->builder, LLVMIntNE, any, LLVMConstNull(LLVMTypeOf(any)), "");
        exits[1] = loop;
        cj__ll_branch_cold(fn, any, done, cj__ll_block(fn, ""));
    }
    cj__ll_store(m, value, cj__ll_add(m, dst, at), 0);
    LLVMValueRef next = LLVMBuildAdd(m->builder, i, cj__ll_c64(m, lanes), "");
    LLVMBasicBlockRef latch = cj__ll_here(fn);
    LLVMBuildCondBr(m->builder, LLVMBuildICmp(m->builder, LLVMIntEQ, next, past, ""), done, loop);
    LLVMAddIncoming(i, &next, &latch, 1);
    exits[2] = latch;
    cj__ll_use(fn, done);
    LLVMValueRef start = LLVMBuildPhi(m->builder, m->i64, "start");
    for (int e = 0; e < 3; e++) {
        if (exits[e])
            LLVMAddIncoming(start, &stops[e], &exits[e], 1);
    }
    return start;
}

/* The body for each of `len` elements. src and dst are the places of element 0. */
static void emit_loop(cj__ll_fn *fn, uint32_t site, cj__ll_place src, cj__ll_place dst, LLVMValueRef len)
{
    cj__ll_module *m = fn->m;
    const cj_op *op = &fn->moves->ops[site];
    uint32_t src_step = element_size(fn->moves, op, false), dst_step = element_size(fn->moves, op, true);
    bool calls_out = fn->lowers && cj__ll_calls_out(fn->moves, site + 1, op->next);

    LLVMValueRef start = cj__ll_c64(m, 0), src0 = src.ptr, dst0 = calls_out ? dst.off : cj__ll_place_ptr(fn, &dst);
    LLVMTypeRef dst_type = calls_out ? m->i64 : m->ptr;
    if (is_vector_body(fn->moves, site) && !m->big) {
        start = emit_vectors(fn, op + 1, src0, dst0, len);
        LLVMValueRef done = LLVMBuildMul(m->builder, start, cj__ll_c64(m, op->size), "");
        src0 = cj__ll_add(m, src0, done);
        dst0 = cj__ll_add(m, dst0, done);
    }

    LLVMBasicBlockRef before = cj__ll_here(fn), loop = cj__ll_block(fn, "element"), done = cj__ll_block(fn, "");
    LLVMBuildCondBr(m->builder, LLVMBuildICmp(m->builder, LLVMIntEQ, start, len, ""), done, loop);
    cj__ll_use(fn, loop);
    LLVMValueRef i = LLVMBuildPhi(m->builder, m->i64, "i");
    LLVMValueRef src_at = LLVMBuildPhi(m->builder, m->ptr, "from"), dst_at = LLVMBuildPhi(m->builder, dst_type, "to");
    LLVMAddIncoming(i, &start, &before, 1);
    LLVMAddIncoming(src_at, &src0, &before, 1);
    LLVMAddIncoming(dst_at, &dst0, &before, 1);

    /* What is known of the memory before the loop holds in it only if the body never calls out; what the body
     * reads of it does not reach beyond. */
    cj__ll_view view = fn->view;
    uint32_t epoch = fn->epoch;
    if (calls_out)
        cj__ll_called_out(fn);
    cj__ll_place from = src, to = dst;
    from.ptr = src_at;
    if (calls_out) {
        to.off = dst_at;
        to.epoch = 0;
    } else {
        to.ptr = dst_at;
        to.epoch = epoch;
        /* For parts, which find the memory themselves: a constant distance from where the list's block lies. */
        if (dst.off && op->next - site - 1 > fn->budget)
            to.off = LLVMBuildAdd(m->builder, dst.off, LLVMBuildMul(m->builder, i, cj__ll_c64(m, dst_step), ""), "");
    }
    bool shown = op->depth < CJ_TRAP_DEPTH;
    uint32_t outer_depth = fn->depth;
    if (shown) {
        fn->index[op->depth] = i;
        fn->depth = op->depth + 1;
    }
    fn->loops++;
    emit_range(fn, site + 1, op->next, &from, &to);
    fn->loops--;
    fn->depth = outer_depth;

    LLVMBasicBlockRef latch = cj__ll_here(fn);
    LLVMValueRef next = LLVMBuildAdd(m->builder, i, cj__ll_c64(m, 1), "");
    LLVMValueRef src_next = cj__ll_at(m, src_at, src_step);
    LLVMValueRef dst_next =
        calls_out ? LLVMBuildAdd(m->builder, dst_at, cj__ll_c64(m, dst_step), "") : cj__ll_at(m, dst_at, dst_step);
    LLVMAddIncoming(i, &next, &latch, 1);
    LLVMAddIncoming(src_at, &src_next, &latch, 1);
    LLVMAddIncoming(dst_at, &dst_next, &latch, 1);
    LLVMBuildCondBr(m->builder, LLVMBuildICmp(m->builder, LLVMIntEQ, next, len, ""), done, loop);
    cj__ll_use(fn, done);
    if (calls_out) {
        cj__ll_called_out(fn);
    } else {
        fn->view = view;
        fn->epoch = epoch;
    }
}

/* 64-bit len * size > CJ_MAX_BYTES, without the product. */
static void check_length(cj__ll_fn *fn, LLVMValueRef len, uint32_t size, uint32_t site)
{
    cj__ll_module *m = fn->m;
    LLVMValueRef most = cj__ll_c64(m, size ? CJ_MAX_BYTES / size : UINT64_MAX);
    cj__ll_trap_if(fn, LLVMBuildICmp(m->builder, LLVMIntUGT, len, most, ""), CJ_TRAP_LIST_LENGTH, site);
}

static void trap_if_null(cj__ll_fn *fn, LLVMValueRef ptr, uint32_t site)
{
    LLVMValueRef null = LLVMBuildICmp(fn->m->builder, LLVMIntEQ, ptr, LLVMConstNull(fn->m->ptr), "");
    cj__ll_trap_if(fn, null, CJ_TRAP_HOST_LIMIT, site);
}

/* cj__call_alloc, in line where the arena's chunk has room: what is too much, and in what way, the function finds out. Sizes
 * are far from overflowing an address (LIST_LENGTH). */
static LLVMValueRef list_room(cj__ll_fn *fn, LLVMValueRef size, uint32_t align, uint32_t site)
{
    cj__ll_module *m = fn->m;
    LLVMValueRef args[] = {fn->call, size, cj__ll_c32(m, align)};
    LLVMBasicBlockRef enter = NULL, next = NULL, slow = NULL;
    LLVMValueRef room = NULL;
    if (!CJ_ARENA_POISONS && !m->big) {
        LLVMBasicBlockRef take = cj__ll_block(fn, "");
        slow = cj__ll_block(fn, "slow"), next = cj__ll_block(fn, "");
        LLVMValueRef store = cj__ll_store_of(fn);
        LLVMValueRef arena = cj__ll_load(m, m->ptr, fn->call, offsetof(cj_call_ctx, arena));
        LLVMValueRef left = cj__ll_load(m, m->i64, store, offsetof(cj_store_core, host_bytes));
        LLVMValueRef at = cj__ll_load(m, m->i64, arena, offsetof(cj_arena, at));
        LLVMValueRef end = cj__ll_load(m, m->i64, arena, offsetof(cj_arena, end));
        if (align > 1) {
            at = LLVMBuildAdd(m->builder, at, cj__ll_c64(m, align - 1), "");
            at = LLVMBuildAnd(m->builder, at, cj__ll_c64(m, ~(uint64_t)(align - 1)), "");
        }
        LLVMValueRef past = LLVMBuildAdd(m->builder, at, size, "");
        LLVMValueRef full = LLVMBuildICmp(m->builder, LLVMIntUGT, past, end, "");
        LLVMValueRef over = LLVMBuildICmp(m->builder, LLVMIntUGT, size, left, "");
        cj__ll_branch_cold(fn, LLVMBuildOr(m->builder, full, over, ""), slow, take);
        cj__ll_use(fn, take);
        cj__ll_store(m, past, arena, offsetof(cj_arena, at));
        cj__ll_store(m, LLVMBuildSub(m->builder, left, size, ""), store, offsetof(cj_store_core, host_bytes));
        room = LLVMBuildIntToPtr(m->builder, at, m->ptr, "");
        enter = cj__ll_here(fn);
        LLVMBuildBr(m->builder, next);
        cj__ll_use(fn, slow);
    }
    LLVMValueRef called = cj__ll_call(m, CJ__LL_cj__call_alloc, args, 3);
    trap_if_null(fn, called, site);
    return next ? cj__ll_merge(fn, next, room, enter, called) : called;
}

/* A guest's list: checked, and where its elements lie. */
typedef struct guest_list {
    LLVMValueRef at, len, bytes;
} guest_list;

static guest_list get_list(cj__ll_fn *fn, uint32_t site, cj__ll_place *src)
{
    cj__ll_module *m = fn->m;
    const cj_op *op = &fn->moves->ops[site];
    LLVMValueRef pair[2];
    get_pair(fn, src, op->src, pair);
    LLVMValueRef ptr = cj__ll_resize(m, pair[0], m->i64), len = cj__ll_resize(m, pair[1], m->i64);
    check_length(fn, len, op->size, site);
    LLVMValueRef bytes = times(fn, len, op->size);
    cj__ll_view memory = cj__ll_source_view(fn);
    cj__ll_check_range(fn, memory, ptr, op->align, bytes, CJ_TRAP_LIST_ALIGNMENT, CJ_TRAP_LIST_BOUNDS, site);
    return (guest_list){cj__ll_add(m, memory.base, ptr), len, bytes};
}

static void emit_list_lift(cj__ll_fn *fn, uint32_t site, cj__ll_place *src, cj__ll_place *dst)
{
    cj__ll_module *m = fn->m;
    const cj_op *op = &fn->moves->ops[site];
    guest_list list = get_list(fn, site, src);
    LLVMValueRef host = list.at;
    if (op->mode != CJ_MODE_VIEW)
        host = list_room(fn, times(fn, list.len, op->host_size), op->host_align, site);
    if (op->mode == CJ_MODE_BLOCK) {
        copy_block(fn, host, list.at, list.bytes);
    } else if (op->mode == CJ_MODE_LOOP) {
        cj__ll_place from = {.space = CJ_SPACE_MEM, .ptr = list.at, .fixed = true};
        cj__ll_place to = {.space = CJ_SPACE_HOST, .ptr = host};
        emit_loop(fn, site, from, to, list.len);
    }
    LLVMValueRef out = place_at(fn, dst, op->dst);
    cj__ll_store(m, host, out, offsetof(cj_list, ptr));
    cj__ll_store(m, list.len, out, offsetof(cj_list, len));
}

/* Elements that may lie in guest memory (a view that the host function was given and returns) are copied before
 * realloc runs. */
static LLVMValueRef list_source(cj__ll_fn *fn, const cj_op *op, uint32_t site, LLVMValueRef ptr, LLVMValueRef len)
{
    cj__ll_module *m = fn->m;
    if (!fn->aliasing)
        return ptr;
    LLVMBasicBlockRef next = NULL, usual = NULL;
    if (fn->alias.base) {
        LLVMBasicBlockRef rare = cj__ll_block(fn, "alias");
        next = cj__ll_block(fn, "");
        LLVMValueRef distance = LLVMBuildSub(m->builder, LLVMBuildPtrToInt(m->builder, ptr, m->i64, ""),
                                             LLVMBuildPtrToInt(m->builder, fn->alias.base, m->i64, ""), "");
        usual = cj__ll_here(fn);
        cj__ll_branch_cold(fn, LLVMBuildICmp(m->builder, LLVMIntULT, distance, fn->alias.size, ""), rare, next);
        cj__ll_use(fn, rare);
        cj__ll_store_alias(fn, fn->alias);
    }
    LLVMValueRef args[] = {fn->call, ptr, times(fn, len, op->host_size), cj__ll_c32(m, op->host_align)};
    LLVMValueRef source = cj__ll_call(m, CJ__LL_cj__call_source, args, 4);
    trap_if_null(fn, source, site);
    return next ? cj__ll_merge(fn, next, ptr, usual, source) : source;
}

static void emit_list_lower(cj__ll_fn *fn, uint32_t site, cj__ll_place *src, cj__ll_place *dst)
{
    cj__ll_module *m = fn->m;
    const cj_op *op = &fn->moves->ops[site];
    LLVMValueRef in = place_at(fn, src, op->src);
    LLVMValueRef host = cj__ll_load(m, m->ptr, in, offsetof(cj_list, ptr)),
                 len = cj__ll_load(m, m->i64, in, offsetof(cj_list, len));
    check_length(fn, len, op->size, site);
    host = list_source(fn, op, site, host, len);
    LLVMValueRef bytes = times(fn, len, op->size);
    LLVMValueRef block = cj__ll_lower_alloc(fn, op->align, cj__ll_resize(m, bytes, m->i32), site);
    cj__ll_place from = {.space = CJ_SPACE_HOST, .ptr = host}, to = {.space = CJ_SPACE_MEM, .off = block};
    if (op->mode == CJ_MODE_BLOCK)
        copy_block(fn, cj__ll_place_ptr(fn, &to), host, bytes);
    else
        emit_loop(fn, site, from, to, len);
    put_pair(fn, dst, op->dst, cj__ll_resize(m, block, m->i32), cj__ll_resize(m, len, m->i32));
}

/* Between two guests: all checks at the source, then the block, then the elements. */
static void emit_list_move(cj__ll_fn *fn, uint32_t site, cj__ll_place *src, cj__ll_place *dst)
{
    cj__ll_module *m = fn->m;
    const cj_op *op = &fn->moves->ops[site];
    guest_list list = get_list(fn, site, src);
    cj__ll_place from = {.space = CJ_SPACE_MEM, .ptr = list.at, .fixed = true};
    LLVMValueRef block = cj__ll_lower_alloc(fn, op->align, cj__ll_resize(m, list.bytes, m->i32), site);
    cj__ll_place to = {.space = CJ_SPACE_MEM, .off = block};
    if (op->mode == CJ_MODE_BLOCK)
        copy_block(fn, cj__ll_place_ptr(fn, &to), list.at, list.bytes);
    else
        emit_loop(fn, site, from, to, list.len);
    put_pair(fn, dst, op->dst, cj__ll_resize(m, block, m->i32), cj__ll_resize(m, list.len, m->i32));
}

static void emit_list(cj__ll_fn *fn, uint32_t site, cj__ll_place *src, cj__ll_place *dst)
{
    if (fn->moves->src == CJ_SPACE_HOST)
        emit_list_lower(fn, site, src, dst);
    else if (fn->moves->dst == CJ_SPACE_HOST)
        emit_list_lift(fn, site, src, dst);
    else
        emit_list_move(fn, site, src, dst);
}

/* -- Parts ------------------------------------------------------------------------------------------------------- */

/* Bases are passed as native addresses, but in a memory that moves: as guest addresses. */
static bool is_moving(const cj__ll_place *place)
{
    return place->space == CJ_SPACE_MEM && !place->fixed;
}

static LLVMTypeRef base_type(cj__ll_fn *fn, const cj__ll_place *place)
{
    return is_moving(place) ? fn->m->i64 : fn->m->ptr;
}

static LLVMValueRef base_value(cj__ll_fn *fn, cj__ll_place *place)
{
    return is_moving(place) ? place->off : cj__ll_place_ptr(fn, place);
}

static cj_range case_range(const cj_moves *moves, const cj_op *op, uint32_t i)
{
    return moves->cases[op->cases + i];
}

/* The operations in it. */
static cj_range part_range(const cj_moves *moves, const cj__ll_part *part)
{
    if (!part->group)
        return (cj_range){part->first, part->past};
    const cj_op *variant = &moves->ops[part->variant];
    return (cj_range){case_range(moves, variant, part->first).first, case_range(moves, variant, part->past - 1).past};
}

/* Calls a part that is yet to be written. */
static void emit_part(cj__ll_fn *fn, cj__ll_part part, cj__ll_place *src, cj__ll_place *dst, LLVMValueRef discriminant)
{
    cj__ll_module *m = fn->m;
    LLVMTypeRef params[4] = {m->ptr, base_type(fn, src), base_type(fn, dst), m->i32};
    LLVMTypeRef type = LLVMFunctionType(m->i32, params, discriminant ? 4 : 3, 0);
    char name[64];
    snprintf(name, sizeof(name), "part.%u", (unsigned)m->parts_made++);
    part.fn = cj__ll_add_function(m, name, type);
    LLVMSetLinkage(part.fn, LLVMInternalLinkage);
    cj__ll_add_attribute(part.fn, m->noinline);
    part.moves = fn->moves;
    part.in_results = fn->in_results;
    part.aliasing = fn->aliasing;
    part.src = src->space;
    part.dst = dst->space;
    part.depth = fn->depth;
    if (!CJ_VEC_PUSH(m->alloc, &m->parts, part))
        m->oom = true;

    for (uint32_t d = fn->depth0; d < fn->depth; d++)
        cj__ll_store(m, cj__ll_resize(m, fn->index[d], m->i32), fn->call, offsetof(cj_call_ctx, index) + 4 * d);
    LLVMValueRef args[4] = {fn->call, base_value(fn, src), base_value(fn, dst), discriminant};
    cj__ll_leave_unless_null(fn, LLVMBuildCall2(m->builder, type, part.fn, args, discriminant ? 4 : 3, ""));
    cj_range ops = part_range(fn->moves, &part);
    if (fn->lowers && cj__ll_calls_out(fn->moves, ops.first, ops.past))
        cj__ll_called_out(fn);
}

/* SSA slots cannot be passed to a part; plans whose flat operations do not fit in one function are big. */
static bool can_part(const cj__ll_place *src, const cj__ll_place *dst)
{
    return !src->slots && !dst->slots;
}

/* -- Variants ---------------------------------------------------------------------------------------------------- */

/* The bodies of cases [first, past), one of which is the discriminant's; cases without one do nothing. */
static void emit_cases(cj__ll_fn *fn, uint32_t site, uint32_t first, uint32_t past, LLVMValueRef discriminant,
                       cj__ll_place *src, cj__ll_place *dst)
{
    cj__ll_module *m = fn->m;
    const cj_op *op = &fn->moves->ops[site];
    LLVMBasicBlockRef merge = cj__ll_block(fn, ""), before = cj__ll_here(fn), otherwise = merge;
    uint32_t bodies = 0, last = past;
    for (uint32_t i = first; i < past; i++) {
        if (case_range(fn->moves, op, i).first < case_range(fn->moves, op, i).past) {
            bodies++;
            last = i;
        }
    }
    if (bodies == past - first) /* one comparison less: whatever is not another case is the last */
        otherwise = cj__ll_block(fn, "case");
    LLVMValueRef jump = LLVMBuildSwitch(m->builder, discriminant, otherwise, bodies);

    /* Slots and views as they are before the cases; each case starts from them. */
    cj__ll_place src0 = *src, dst0 = *dst;
    cj__ll_view view = fn->view;
    uint32_t epoch = fn->epoch, slots = dst->slots ? op->slots : 0, slot0 = op->dst + 1;
    LLVMValueRef zero[CJ_FLAT_OVER], phi[CJ_FLAT_OVER];
    for (uint32_t s = 0; s < slots; s++)
        zero[s] = dst->slots[slot0 + s];
    cj__ll_use(fn, merge);
    for (uint32_t s = 0; s < slots; s++) {
        phi[s] = LLVMBuildPhi(m->builder, LLVMTypeOf(zero[s]), "");
        if (otherwise == merge)
            LLVMAddIncoming(phi[s], &zero[s], &before, 1);
    }
    bool called_out = false;
    for (uint32_t i = first; i < past; i++) {
        cj_range range = case_range(fn->moves, op, i);
        if (range.first == range.past)
            continue;
        LLVMBasicBlockRef block = otherwise;
        if (otherwise == merge || i != last) {
            block = cj__ll_block(fn, "case");
            LLVMAddCase(jump, cj__ll_c32(m, i), block);
        }
        cj__ll_use(fn, block);
        fn->epoch = epoch;
        fn->view = view;
        *src = src0;
        *dst = dst0;
        for (uint32_t s = 0; s < slots; s++)
            dst->slots[slot0 + s] = zero[s];
        emit_range(fn, range.first, range.past, src, dst);
        called_out |= fn->epoch != epoch;
        LLVMBasicBlockRef end = cj__ll_here(fn);
        for (uint32_t s = 0; s < slots; s++)
            LLVMAddIncoming(phi[s], &dst->slots[slot0 + s], &end, 1);
        LLVMBuildBr(m->builder, merge);
    }
    LLVMMoveBasicBlockAfter(merge, LLVMGetLastBasicBlock(fn->fn));
    cj__ll_use(fn, merge);
    fn->epoch = epoch;
    fn->view = view;
    *src = src0;
    *dst = dst0;
    for (uint32_t s = 0; s < slots; s++)
        dst->slots[slot0 + s] = phi[s];
    if (called_out)
        cj__ll_called_out(fn);
}

/* A variant of more operations than fit: runs of cases become parts, which switch again. */
static void emit_case_groups(cj__ll_fn *fn, uint32_t site, LLVMValueRef discriminant, cj__ll_place *src,
                             cj__ll_place *dst)
{
    cj__ll_module *m = fn->m;
    const cj_op *op = &fn->moves->ops[site];
    LLVMBasicBlockRef merge = cj__ll_block(fn, "");
    cj__ll_place src0 = *src, dst0 = *dst;
    cj__ll_view view = fn->view;
    uint32_t epoch = fn->epoch;
    bool called_out = false;
    for (uint32_t i = 0; i < op->count;) {
        uint32_t first = i, ops = 0;
        for (; i < op->count; i++) {
            cj_range range = case_range(fn->moves, op, i);
            if (i > first && ops + (range.past - range.first) > m->tuning.part_ops)
                break;
            ops += range.past - range.first;
        }
        LLVMBasicBlockRef group = cj__ll_block(fn, "cases"), rest = cj__ll_block(fn, "");
        LLVMBuildCondBr(m->builder, LLVMBuildICmp(m->builder, LLVMIntULT, discriminant, cj__ll_c32(m, i), ""), group,
                        rest);
        cj__ll_use(fn, group);
        fn->epoch = epoch;
        fn->view = view;
        *src = src0;
        *dst = dst0;
        emit_part(fn, (cj__ll_part){.group = true, .variant = site, .first = first, .past = i}, src, dst, discriminant);
        called_out |= fn->epoch != epoch;
        LLVMBuildBr(m->builder, merge);
        cj__ll_use(fn, rest);
    }
    LLVMBuildUnreachable(m->builder); /* the discriminant has been checked */
    cj__ll_use(fn, merge);
    fn->epoch = epoch;
    fn->view = view;
    *src = src0;
    *dst = dst0;
    if (called_out)
        cj__ll_called_out(fn);
}

static void emit_variant(cj__ll_fn *fn, uint32_t site, cj__ll_place *src, cj__ll_place *dst)
{
    cj__ll_module *m = fn->m;
    const cj_op *op = &fn->moves->ops[site];
    uint32_t read = full_width(src, op->width);
    LLVMValueRef value = get(fn, src, op->src, read);
    if (can_exceed(op->count, read))
        cj__ll_trap_if(fn, LLVMBuildICmp(m->builder, LLVMIntUGE, value, same(value, op->count), ""),
                       CJ_TRAP_DISCRIMINANT, site);
    put(fn, dst, op->dst, dst->space == CJ_SPACE_FLAT ? value : cj__ll_resize(m, value, cj__ll_int(m, op->width)));
    if (dst->space == CJ_SPACE_FLAT) {
        for (uint32_t s = 0; s < op->slots; s++)
            set_slot(fn, dst, op->dst + 1 + s, cj__ll_c32(m, 0));
    }
    LLVMValueRef discriminant = cj__ll_resize(m, value, m->i32);
    if (op->next - site - 1 > fn->budget && can_part(src, dst))
        emit_case_groups(fn, site, discriminant, src, dst);
    else
        emit_cases(fn, site, 0, op->count, discriminant, src, dst);
}

/* -- Programs ---------------------------------------------------------------------------------------------------- */

static void emit_op(cj__ll_fn *fn, uint32_t site, cj__ll_place *src, cj__ll_place *dst)
{
    const cj_op *op = &fn->moves->ops[site];
    if (fn->budget)
        fn->budget--;
    switch ((cj_opcode)op->code) {
    case CJ_OP_COPY:
        emit_copy(fn, op, src, dst);
        break;
    case CJ_OP_STRING:
        emit_string(fn, site, src, dst);
        break;
    case CJ_OP_LIST:
        emit_list(fn, site, src, dst);
        break;
    case CJ_OP_OWN:
    case CJ_OP_BORROW:
        emit_handle(fn, site, src, dst);
        break;
    case CJ_OP_VARIANT:
        emit_variant(fn, site, src, dst);
        break;
    default:
        emit_scalar(fn, site, src, dst);
        break;
    }
}

/* Operations that do not fit in the function any more go into parts, runs of siblings together; one that is too
 * large for a part alone is written here, its insides being divided in turn. */
static void emit_range(cj__ll_fn *fn, uint32_t first, uint32_t past, cj__ll_place *src, cj__ll_place *dst)
{
    const cj_op *ops = fn->moves->ops;
    bool fits = past - first <= fn->budget || !can_part(src, dst);
    for (uint32_t i = first; i < past;) {
        uint32_t end = ops[i].next;
        bool nested = ops[i].code == CJ_OP_LIST && ops[i].mode == CJ_MODE_LOOP && fn->loops >= fn->m->tuning.max_loops;
        if ((fits && !nested) || (!fits && end - i > fn->m->tuning.part_ops && !nested)) {
            emit_op(fn, i, src, dst);
        } else {
            while (!nested && end < past && ops[end].next - i <= fn->m->tuning.part_ops)
                end = ops[end].next;
            emit_part(fn, (cj__ll_part){.first = i, .past = end}, src, dst, NULL);
        }
        i = end;
    }
}

void cj__ll_begin_program(cj__ll_fn *fn, const cj_moves *moves, bool in_results)
{
    bool fused = fn->m->plan->options.kind == CJ_PLAN_FUSED;
    fn->moves = moves;
    fn->in_results = in_results;
    fn->lowers = moves->dst != CJ_SPACE_HOST;
    fn->from = fused && !in_results ? CJ__LL_CALLER : CJ__LL_GUEST;
    fn->to = fused && in_results ? CJ__LL_CALLER : CJ__LL_GUEST;
    fn->source = (cj__ll_view){0};
    fn->view = (cj__ll_view){0};
}

/* The source's memory is read where it is known that lists need it: at the start, which comes before all. */
static void find_source(cj__ll_fn *fn, uint32_t first, uint32_t past)
{
    bool fused = fn->m->plan->options.kind == CJ_PLAN_FUSED;
    for (uint32_t i = first; fused && i < past && !fn->source.base; i++) {
        if (fn->moves->ops[i].code == CJ_OP_LIST)
            fn->source = cj__ll_memory(fn, fn->from);
    }
}

void cj__ll_program(cj__ll_fn *fn, cj__ll_place src, cj__ll_place dst)
{
    fn->depth0 = fn->depth = 0;
    find_source(fn, 0, fn->moves->op_count);
    emit_range(fn, 0, fn->moves->op_count, &src, &dst);
}

static cj__ll_place part_place(cj__ll_fn *fn, cj_space space, bool is_dst, LLVMValueRef base)
{
    cj__ll_place place = {.space = space};
    if (space == CJ_SPACE_MEM && is_dst) {
        place.off = base;
    } else {
        place.ptr = base;
        place.fixed = true;
    }
    place.types = fn->in_results ? &fn->m->plan->sig.result : fn->m->plan->sig.params;
    return place;
}

void cj__ll_write_part(cj__ll_module *m, const cj__ll_part *part)
{
    cj__ll_fn fn;
    cj__ll_fn_begin(&fn, m, part->fn);
    cj__ll_begin_program(&fn, part->moves, part->in_results);
    fn.aliasing = part->aliasing;
    fn.depth0 = fn.depth = part->depth < CJ_TRAP_DEPTH ? part->depth : CJ_TRAP_DEPTH;
    fn.call = cj__ll_param(m, part->fn, 0, "call");
    fn.binding = cj__ll_load_const(m, m->ptr, fn.call, offsetof(cj_call_ctx, bound));
    cj__ll_place src = part_place(&fn, part->src, false, cj__ll_param(m, part->fn, 1, "from"));
    cj__ll_place dst = part_place(&fn, part->dst, true, cj__ll_param(m, part->fn, 2, "to"));
    /* Lists in lists, variants in variants: the reserve below the boundary is many times a part's frame. */
    cj__ll_trap_if_stack_low(&fn, part->group ? part->variant : part->first);
    cj_range ops = part_range(part->moves, part);
    find_source(&fn, ops.first, ops.past);
    if (part->group)
        emit_cases(&fn, part->variant, part->first, part->past, cj__ll_param(m, part->fn, 3, "discriminant"), &src,
                   &dst);
    else
        emit_range(&fn, part->first, part->past, &src, &dst);
    LLVMBuildRet(m->builder, cj__ll_c32(m, CJ_TRAP_NONE));
    cj__ll_fn_end(&fn, false, NULL);
}
