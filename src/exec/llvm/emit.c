/* emit.c: the words that thunks are written with: values, blocks, trap edges, views of guest memory.
 *
 * Place and picture: emit.h.
 * Non-goals: what an operation means (emit_moves.c), in which order a call goes (emit_plan.c).
 */
#include "exec/llvm/emit.h"

#include <stdlib.h>

/* -- Modules ----------------------------------------------------------------------------------------------------- */

static LLVMAttributeRef attribute(cj__ll_module *m, const char *name)
{
    return LLVMCreateEnumAttribute(m->context, LLVMGetEnumAttributeKindForName(name, strlen(name)), 0);
}

static LLVMValueRef weights(cj__ll_module *m, uint32_t if_true, uint32_t if_false)
{
    LLVMMetadataRef parts[3] = {
        LLVMMDStringInContext2(m->context, "branch_weights", 14),
        LLVMValueAsMetadata(cj__ll_c32(m, if_true)),
        LLVMValueAsMetadata(cj__ll_c32(m, if_false)),
    };
    return LLVMMetadataAsValue(m->context, LLVMMDNodeInContext2(m->context, parts, 3));
}

bool cj__ll_module_init(cj__ll_module *m)
{
    m->void_type = LLVMVoidTypeInContext(m->context);
    m->i1 = LLVMInt1TypeInContext(m->context);
    m->i8 = LLVMInt8TypeInContext(m->context);
    m->i16 = LLVMInt16TypeInContext(m->context);
    m->i32 = LLVMInt32TypeInContext(m->context);
    m->i64 = LLVMInt64TypeInContext(m->context);
    m->f32 = LLVMFloatTypeInContext(m->context);
    m->f64 = LLVMDoubleTypeInContext(m->context);
    m->ptr = LLVMPointerTypeInContext(m->context, 0);
    m->moved = LLVMStructTypeInContext(m->context, (LLVMTypeRef[]){m->i64, m->i64}, 2, 0);
    m->nounwind = attribute(m, "nounwind");
    m->uwtable =
        LLVMCreateEnumAttribute(m->context, LLVMGetEnumAttributeKindForName("uwtable", 7), 2 /* at each instruction */);
    m->nonlazybind = attribute(m, "nonlazybind");
    m->cold = attribute(m, "cold");
    m->noinline = attribute(m, "noinline");
    m->optnone = attribute(m, "optnone");
    m->noimplicitfloat = attribute(m, "noimplicitfloat");
    m->prefer_width = LLVMCreateStringAttribute(m->context, "prefer-vector-width", 19, "256", 3);
    m->md_prof = LLVMGetMDKindIDInContext(m->context, "prof", 4);
    m->md_invariant = LLVMGetMDKindIDInContext(m->context, "invariant.load", 14);
    m->no_values = LLVMMetadataAsValue(m->context, LLVMMDNodeInContext2(m->context, NULL, 0));
    m->weights_true_cold = weights(m, 1, 1 << 20);
#if defined(__x86_64__)
    const char *stack_pointer = "rsp";
#elif defined(__aarch64__)
    const char *stack_pointer = "sp";
#else
    const char *stack_pointer = NULL;
#endif
    if (stack_pointer) {
        LLVMMetadataRef name = LLVMMDStringInContext2(m->context, stack_pointer, strlen(stack_pointer));
        m->stack_pointer_name = LLVMMetadataAsValue(m->context, LLVMMDNodeInContext2(m->context, &name, 1));
    }
    m->builder = LLVMCreateBuilderInContext(m->context);
    return m->builder != NULL;
}

/* -- Values ------------------------------------------------------------------------------------------------------ */

LLVMValueRef cj__ll_c32(cj__ll_module *m, uint32_t value)
{
    return LLVMConstInt(m->i32, value, 0);
}

LLVMValueRef cj__ll_c64(cj__ll_module *m, uint64_t value)
{
    return LLVMConstInt(m->i64, value, 0);
}

LLVMTypeRef cj__ll_int(cj__ll_module *m, uint32_t bytes)
{
    return bytes == 1 ? m->i8 : bytes == 2 ? m->i16 : bytes == 4 ? m->i32 : m->i64;
}

LLVMTypeRef cj__ll_core_type(cj__ll_module *m, cj_core type)
{
    return type == CJ_CORE_I64 ? m->i64 : type == CJ_CORE_F32 ? m->f32 : type == CJ_CORE_F64 ? m->f64 : m->i32;
}

LLVMValueRef cj__ll_add(cj__ll_module *m, LLVMValueRef ptr, LLVMValueRef bytes)
{
    return LLVMBuildGEP2(m->builder, m->i8, ptr, &bytes, 1, "");
}

LLVMValueRef cj__ll_at(cj__ll_module *m, LLVMValueRef ptr, uint64_t offset)
{
    return offset ? cj__ll_add(m, ptr, cj__ll_c64(m, offset)) : ptr;
}

/* Guest addresses are checked for the alignment that the Canonical ABI asks for, but what they are relative to
 * need not be aligned (a test's memory is not), and a host's views point there: so nothing is assumed, which costs
 * nothing where unaligned accesses are native. */
LLVMValueRef cj__ll_load(cj__ll_module *m, LLVMTypeRef type, LLVMValueRef ptr, uint64_t offset)
{
    LLVMValueRef load = LLVMBuildLoad2(m->builder, type, cj__ll_at(m, ptr, offset), "");
    LLVMSetAlignment(load, 1);
    return load;
}

LLVMValueRef cj__ll_load_const(cj__ll_module *m, LLVMTypeRef type, LLVMValueRef ptr, uint64_t offset)
{
    LLVMValueRef load = LLVMBuildLoad2(m->builder, type, cj__ll_at(m, ptr, offset), "");
    LLVMSetMetadata(load, m->md_invariant, m->no_values);
    return load;
}

void cj__ll_store(cj__ll_module *m, LLVMValueRef value, LLVMValueRef ptr, uint64_t offset)
{
    LLVMSetAlignment(LLVMBuildStore(m->builder, value, cj__ll_at(m, ptr, offset)), 1);
}

/* What SelectionDAG would write out, too; FastISel calls a function for nearly all of it. */
enum { MAX_CLEARED = 128, MAX_COPIED = 64 };

static uint32_t next_word(uint64_t bytes)
{
    return bytes >= 8 ? 8 : bytes >= 4 ? 4 : bytes >= 2 ? 2 : 1;
}

void cj__ll_clear(cj__ll_module *m, LLVMValueRef ptr, uint64_t bytes)
{
    if (bytes > MAX_CLEARED || (bytes && !m->plain)) {
        LLVMBuildMemSet(m->builder, ptr, LLVMConstNull(m->i8), cj__ll_c64(m, bytes), 1);
        return;
    }
    for (uint64_t at = 0; at < bytes; at += next_word(bytes - at))
        cj__ll_store(m, LLVMConstNull(cj__ll_int(m, next_word(bytes - at))), ptr, at);
}

void cj__ll_copy(cj__ll_module *m, LLVMValueRef to, LLVMValueRef from, uint64_t bytes)
{
    if (bytes > MAX_COPIED || !m->plain) {
        LLVMBuildMemCpy(m->builder, to, 1, from, 1, cj__ll_c64(m, bytes));
        return;
    }
    for (uint64_t at = 0; at < bytes; at += next_word(bytes - at))
        cj__ll_store(m, cj__ll_load(m, cj__ll_int(m, next_word(bytes - at)), from, at), to, at);
}

LLVMValueRef cj__ll_resize(cj__ll_module *m, LLVMValueRef value, LLVMTypeRef to)
{
    unsigned from_bits = LLVMGetIntTypeWidth(LLVMTypeOf(value)), to_bits = LLVMGetIntTypeWidth(to);
    if (from_bits == to_bits)
        return value;
    return from_bits > to_bits ? LLVMBuildTrunc(m->builder, value, to, "") : LLVMBuildZExt(m->builder, value, to, "");
}

void cj__ll_add_attribute(LLVMValueRef fn, LLVMAttributeRef what)
{
    LLVMAddAttributeAtIndex(fn, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, what);
}

static LLVMTypeRef type_of_letter(cj__ll_module *m, char letter)
{
    return letter == 'b'   ? m->i8
           : letter == 'i' ? m->i32
           : letter == 'l' ? m->i64
           : letter == 'p' ? m->ptr
           : letter == 'm' ? m->moved
                           : m->void_type;
}

static LLVMValueRef declare(cj__ll_module *m, const char *name, LLVMTypeRef type)
{
    LLVMValueRef fn = LLVMAddFunction(m->module, name, type);
    cj__ll_add_attribute(fn, m->nounwind);
    /* No PLT: `call *helper@GOTPCREL(%rip)` instead of a call to a stub that jumps. */
    cj__ll_add_attribute(fn, m->nonlazybind);
    return fn;
}

LLVMValueRef cj__ll_call(cj__ll_module *m, cj__ll_helper helper, LLVMValueRef *args, unsigned count)
{
    enum { WARM, COLD };
    static const struct {
        const char *name, *signature;
        int often;
    } helpers[] = {
#define CJ_X(name, signature, often) {#name, signature, often},
        CJ__LL_HELPER_MAP(CJ_X)
#undef CJ_X
#define CJ_X(name, signature) {#name, signature, WARM},
            CJ__LL_KERNEL_MAP(CJ_X)
#undef CJ_X
    };
    if (!m->helpers[helper]) {
        const char *signature = helpers[helper].signature;
        LLVMTypeRef params[8];
        unsigned n = 0;
        for (const char *letter = signature + 1; *letter; letter++)
            params[n++] = type_of_letter(m, *letter);
        m->helper_types[helper] = LLVMFunctionType(type_of_letter(m, *signature), params, n, 0);
        m->helpers[helper] = declare(m, helpers[helper].name, m->helper_types[helper]);
        if (helpers[helper].often == COLD)
            cj__ll_add_attribute(m->helpers[helper], m->cold);
    }
    return LLVMBuildCall2(m->builder, m->helper_types[helper], m->helpers[helper], args, count, "");
}

LLVMValueRef cj__ll_add_function(cj__ll_module *m, const char *name, LLVMTypeRef type)
{
    LLVMValueRef fn = LLVMAddFunction(m->module, name, type);
    cj__ll_add_attribute(fn, m->nounwind);
    cj__ll_add_attribute(fn, m->prefer_width);
    if (m->plain) {
        cj__ll_add_attribute(fn, m->optnone);
        cj__ll_add_attribute(fn, m->noinline); /* goes with it */
    }
    if (m->unwind_tables)
        cj__ll_add_attribute(fn, m->uwtable);
    return fn;
}

LLVMValueRef cj__ll_param(cj__ll_module *m, LLVMValueRef fn, unsigned i, const char *name)
{
    (void)m;
    LLVMValueRef param = LLVMGetParam(fn, i);
    LLVMSetValueName2(param, name, strlen(name));
    return param;
}

/* -- Functions and blocks ---------------------------------------------------------------------------------------- */

LLVMBasicBlockRef cj__ll_block(cj__ll_fn *fn, const char *name)
{
    return LLVMAppendBasicBlockInContext(fn->m->context, fn->fn, name);
}

void cj__ll_use(cj__ll_fn *fn, LLVMBasicBlockRef block)
{
    LLVMPositionBuilderAtEnd(fn->m->builder, block);
}

LLVMBasicBlockRef cj__ll_here(cj__ll_fn *fn)
{
    return LLVMGetInsertBlock(fn->m->builder);
}

void cj__ll_fn_begin(cj__ll_fn *fn, cj__ll_module *m, LLVMValueRef function)
{
    *fn = (cj__ll_fn){.m = m, .fn = function, .budget = m->tuning.part_ops, .epoch = 1, .last_epoch = 1};
    fn->entry = cj__ll_block(fn, "entry"); /* not one that only jumps: where nothing is optimised it would */
    fn->trap = cj__ll_block(fn, "trap");
    fn->recorded = cj__ll_block(fn, "recorded");
    cj__ll_use(fn, fn->entry);
}

void cj__ll_ret(cj__ll_fn *fn, LLVMValueRef value)
{
    if (value)
        LLVMBuildRet(fn->m->builder, value);
    else
        LLVMBuildRetVoid(fn->m->builder);
}

typedef struct cj__ll_laid {
    LLVMBasicBlockRef block;
    bool placed;
} cj__ll_laid;

static int by_address(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t)((const cj__ll_laid *)a)->block, y = (uintptr_t)((const cj__ll_laid *)b)->block;
    return (x > y) - (x < y);
}

static cj__ll_laid *find_laid(cj__ll_laid *all, size_t count, LLVMBasicBlockRef block)
{
    return bsearch(&(cj__ll_laid){block, false}, all, count, sizeof(*all), by_address);
}

/* Orders blocks: behind each what it goes on to, of two ways the second (past what is rare, into a loop); what only cold edges lead to
 * comes last. LLVM does so only where it optimises. */
static void lay_out(cj__ll_fn *fn)
{
    cj__ll_module *m = fn->m;
    size_t count = LLVMCountBasicBlocks(fn->fn), edges = 0, i = 0;
    cj__ll_laid *all = cj__calloc(m->alloc, count, sizeof(*all));
    for (LLVMBasicBlockRef b = fn->entry; b; b = LLVMGetNextBasicBlock(b)) {
        edges += LLVMGetNumSuccessors(LLVMGetBasicBlockTerminator(b));
        if (all)
            all[i++].block = b;
    }
    cj__ll_laid **stack = cj__calloc(m->alloc, edges + 1, sizeof(*stack));
    if (all && stack) {
        qsort(all, count, sizeof(*all), by_address);
        LLVMBasicBlockRef last = fn->entry;
        size_t height = 1;
        stack[0] = find_laid(all, count, fn->entry);
        while (height) {
            cj__ll_laid *next = stack[--height];
            if (next->placed)
                continue;
            next->placed = true;
            if (next->block != last)
                LLVMMoveBasicBlockAfter(next->block, last);
            last = next->block;
            LLVMValueRef jump = LLVMGetBasicBlockTerminator(last);
            unsigned first = LLVMGetMetadata(jump, m->md_prof) != NULL; /* cj__ll_branch_cold: the first is cold */
            for (unsigned e = first; e < LLVMGetNumSuccessors(jump); e++)
                stack[height++] = find_laid(all, count, LLVMGetSuccessor(jump, e));
        }
    } else {
        m->oom = true;
    }
    cj__free(m->alloc, all, count * sizeof(*all));
    cj__free(m->alloc, stack, (edges + 1) * sizeof(*stack));
}

void cj__ll_fn_end(cj__ll_fn *fn, bool throws, LLVMValueRef zero)
{
    cj__ll_module *m = fn->m;
    LLVMBasicBlockRef last = LLVMGetLastBasicBlock(fn->fn);
    if (last != fn->trap)
        LLVMMoveBasicBlockAfter(fn->trap, last);
    if (fn->edges.len) {
        cj__ll_use(fn, fn->trap);
        LLVMValueRef packed = LLVMBuildPhi(m->builder, m->i32, "where");
        LLVMValueRef index[CJ_TRAP_DEPTH];
        uint32_t past = 0; /* positions that any edge has */
        for (size_t i = 0; i < fn->edges.len; i++) {
            for (uint32_t d = past; d < CJ_TRAP_DEPTH; d++)
                past = fn->edges.at[i].index[d] ? d + 1 : past;
        }
        for (uint32_t d = fn->depth0; d < past; d++)
            index[d] = LLVMBuildPhi(m->builder, m->i64, "index");
        for (size_t i = 0; i < fn->edges.len; i++) {
            cj__ll_edge *edge = &fn->edges.at[i];
            LLVMAddIncoming(packed, &edge->packed, &edge->from, 1);
            for (uint32_t d = fn->depth0; d < past; d++) {
                LLVMValueRef position = edge->index[d] ? edge->index[d] : cj__ll_c64(m, 0);
                LLVMAddIncoming(index[d], &position, &edge->from, 1);
            }
        }
        if (fn->late)
            cj__ll_fill_call(fn);
        for (uint32_t d = fn->depth0; d < past; d++)
            cj__ll_store(m, cj__ll_resize(m, index[d], m->i32), fn->call, offsetof(cj_call_ctx, index) + 4 * d);
        LLVMValueRef args[] = {fn->call, packed};
        LLVMValueRef kind = cj__ll_call(m, throws ? CJ__LL_cj__ll_throw_trap : CJ__LL_cj__ll_trap, args, 2);
        cj__ll_ret(fn, throws ? zero : kind);
    } else {
        LLVMDeleteBasicBlock(fn->trap);
    }
    if (fn->forwards.len) {
        LLVMMoveBasicBlockAfter(fn->recorded, LLVMGetLastBasicBlock(fn->fn));
        cj__ll_use(fn, fn->recorded);
        LLVMValueRef kind = LLVMBuildPhi(m->builder, m->i32, "kind");
        for (size_t i = 0; i < fn->forwards.len; i++)
            LLVMAddIncoming(kind, &fn->forwards.at[i].packed, &fn->forwards.at[i].from, 1);
        if (throws)
            cj__ll_call(m, CJ__LL_cj__core_throw, &fn->call, 1);
        cj__ll_ret(fn, throws ? zero : kind);
    } else {
        LLVMDeleteBasicBlock(fn->recorded);
    }
    if (m->plain && !m->oom)
        lay_out(fn);
    CJ_VEC_FREE(m->alloc, &fn->edges);
    CJ_VEC_FREE(m->alloc, &fn->forwards);
}

LLVMValueRef cj__ll_alloca(cj__ll_fn *fn, uint64_t size, uint32_t align)
{
    cj__ll_module *m = fn->m;
    LLVMBasicBlockRef here = cj__ll_here(fn);
    LLVMPositionBuilder(m->builder, fn->entry, LLVMGetFirstInstruction(fn->entry));
    LLVMValueRef slot = LLVMBuildAlloca(m->builder, LLVMArrayType(m->i8, (unsigned)size), "");
    LLVMSetAlignment(slot, align);
    cj__ll_use(fn, here);
    return slot;
}

LLVMValueRef cj__ll_out(cj__ll_fn *fn)
{
    if (!fn->out)
        fn->out = cj__ll_alloca(fn, 8, 8);
    return fn->out;
}

/* -- Trap edges -------------------------------------------------------------------------------------------------- */

void cj__ll_branch_cold(cj__ll_fn *fn, LLVMValueRef condition, LLVMBasicBlockRef cold, LLVMBasicBlockRef next)
{
    cj__ll_module *m = fn->m;
    LLVMSetMetadata(LLVMBuildCondBr(m->builder, condition, cold, next), m->md_prof, m->weights_true_cold);
    cj__ll_use(fn, next);
}

LLVMValueRef cj__ll_merge(cj__ll_fn *fn, LLVMBasicBlockRef next, LLVMValueRef value, LLVMBasicBlockRef usual,
                          LLVMValueRef other)
{
    cj__ll_module *m = fn->m;
    LLVMBasicBlockRef here = cj__ll_here(fn);
    LLVMBuildBr(m->builder, next);
    LLVMMoveBasicBlockAfter(next, here);
    cj__ll_use(fn, next);
    LLVMValueRef either = LLVMBuildPhi(m->builder, LLVMTypeOf(value), "");
    LLVMAddIncoming(either, &value, &usual, 1);
    LLVMAddIncoming(either, &other, &here, 1);
    return either;
}

/* The current block's edge to the trap block, which its terminator takes. */
static void add_edge(cj__ll_fn *fn, LLVMValueRef packed)
{
    cj__ll_module *m = fn->m;
    cj__ll_edge edge = {.from = cj__ll_here(fn), .packed = packed};
    for (uint32_t d = fn->depth0; d < fn->depth && d < CJ_TRAP_DEPTH; d++)
        edge.index[d] = fn->index[d];
    if (!CJ_VEC_PUSH(m->alloc, &fn->edges, edge))
        m->oom = true;
}

static LLVMValueRef pack(cj__ll_fn *fn, cj_trap kind, uint32_t site)
{
    return cj__ll_c32(fn->m, cj__ll_pack(kind, fn->in_results, site));
}

void cj__ll_trap_if(cj__ll_fn *fn, LLVMValueRef condition, cj_trap kind, uint32_t site)
{
    if (fn->m->plain) { /* what an edge carries is put in its place before the jump, unless the edge has a block */
        LLVMBasicBlockRef bad = cj__ll_block(fn, ""), next = cj__ll_block(fn, "");
        cj__ll_branch_cold(fn, condition, bad, next);
        cj__ll_use(fn, bad);
        cj__ll_trap_now(fn, pack(fn, kind, site));
        cj__ll_use(fn, next);
        return;
    }
    add_edge(fn, pack(fn, kind, site));
    cj__ll_branch_cold(fn, condition, fn->trap, cj__ll_block(fn, ""));
}

void cj__ll_trap_now(cj__ll_fn *fn, LLVMValueRef packed)
{
    add_edge(fn, packed);
    LLVMBuildBr(fn->m->builder, fn->trap);
}

void cj__ll_trap_unless_null(cj__ll_fn *fn, LLVMValueRef kind, uint32_t site)
{
    cj__ll_module *m = fn->m;
    LLVMBasicBlockRef bad = cj__ll_block(fn, ""), next = cj__ll_block(fn, "");
    cj__ll_branch_cold(fn, LLVMBuildICmp(m->builder, LLVMIntNE, kind, cj__ll_c32(m, 0), ""), bad, next);
    cj__ll_use(fn, bad);
    cj__ll_trap_of_kind(fn, kind, site);
    cj__ll_use(fn, next);
}

void cj__ll_trap_of_kind(cj__ll_fn *fn, LLVMValueRef kind, uint32_t site)
{
    cj__ll_module *m = fn->m;
    LLVMValueRef shifted = LLVMBuildShl(m->builder, kind, cj__ll_c32(m, CJ__LL_KIND_SHIFT), "");
    cj__ll_trap_now(fn, LLVMBuildOr(m->builder, shifted, pack(fn, CJ_TRAP_NONE, site), ""));
}

static void add_forward(cj__ll_fn *fn, LLVMValueRef kind)
{
    cj__ll_edge edge = {.from = cj__ll_here(fn), .packed = kind};
    if (!CJ_VEC_PUSH(fn->m->alloc, &fn->forwards, edge))
        fn->m->oom = true;
}

void cj__ll_leave_unless_null(cj__ll_fn *fn, LLVMValueRef kind)
{
    cj__ll_module *m = fn->m;
    add_forward(fn, kind);
    LLVMValueRef bad = LLVMBuildICmp(m->builder, LLVMIntNE, kind, cj__ll_c32(m, 0), "");
    cj__ll_branch_cold(fn, bad, fn->recorded, cj__ll_block(fn, ""));
}

void cj__ll_leave_now(cj__ll_fn *fn, LLVMValueRef kind)
{
    add_forward(fn, kind);
    LLVMBuildBr(fn->m->builder, fn->recorded);
}

/* The same comparison as cj__core_stack_low: native stack pointer against the lowest usable address, the reserve
 * included. */
void cj__ll_trap_if_stack_low(cj__ll_fn *fn, uint32_t site)
{
    cj__ll_module *m = fn->m;
    LLVMValueRef low;
    if (m->stack_pointer_name) {
        unsigned id = LLVMLookupIntrinsicID("llvm.read_register", 18);
        LLVMValueRef read = LLVMGetIntrinsicDeclaration(m->module, id, &m->i64, 1);
        LLVMTypeRef type = LLVMIntrinsicGetType(m->context, id, &m->i64, 1);
        LLVMValueRef sp = LLVMBuildCall2(m->builder, type, read, &m->stack_pointer_name, 1, "sp");
        LLVMValueRef boundary = cj__ll_load(m, m->i64, cj__ll_env(fn), cj__core_layout.env_stack_boundary);
        low = LLVMBuildICmp(m->builder, LLVMIntULT, sp, boundary, "");
    } else {
        LLVMValueRef said = cj__ll_call(m, CJ__LL_cj__core_stack_low, &fn->call, 1);
        low = LLVMBuildTrunc(m->builder, said, m->i1, "");
    }
    cj__ll_trap_if(fn, low, CJ_TRAP_STACK_OVERFLOW, site);
}

void cj__ll_trap_if_exception(cj__ll_fn *fn, uint32_t side, uint32_t site)
{
    cj__ll_module *m = fn->m;
    LLVMValueRef inst = cj__ll_load_const(m, m->ptr, fn->binding, CJ__LL_SIDE(side, core_env_inst));
    LLVMValueRef byte = cj__ll_load(m, m->i8, inst, cj__core_layout.inst_exception);
    cj__ll_trap_if(fn, LLVMBuildICmp(m->builder, LLVMIntNE, byte, LLVMConstInt(m->i8, 0, 0), ""), CJ_TRAP_CORE, site);
}

/* -- The call and its sides -------------------------------------------------------------------------------------- */

LLVMValueRef cj__ll_env(cj__ll_fn *fn)
{
    return fn->env ? fn->env : cj__ll_load(fn->m, fn->m->ptr, fn->call, offsetof(cj_call_ctx, env));
}

LLVMValueRef cj__ll_store_of(cj__ll_fn *fn)
{
    cj__ll_module *m = fn->m;
    if (fn->store)
        return fn->store;
    if (!fn->late)
        return cj__ll_load(m, m->ptr, fn->call, offsetof(cj_call_ctx, store));
    LLVMValueRef instance = cj__ll_load_const(m, m->ptr, fn->binding, offsetof(cj_binding, guest.instance));
    return cj__ll_load_const(m, m->ptr, instance, offsetof(cj_instance_core, store));
}

void cj__ll_fill_call(cj__ll_fn *fn)
{
    cj__ll_module *m = fn->m;
    LLVMValueRef store = cj__ll_store_of(fn);
    cj__ll_store(m, fn->binding, fn->call, offsetof(cj_call_ctx, bound));
    cj__ll_store(m, store, fn->call, offsetof(cj_call_ctx, store));
    cj__ll_store(m, fn->env, fn->call, offsetof(cj_call_ctx, env));
}

LLVMValueRef cj__ll_side(cj__ll_fn *fn, uint32_t side)
{
    return cj__ll_at(fn->m, fn->binding, side);
}

void cj__ll_switch_to(cj__ll_fn *fn, uint32_t side)
{
    cj__ll_module *m = fn->m;
    LLVMValueRef inst = cj__ll_load_const(m, m->ptr, fn->binding, CJ__LL_SIDE(side, core_env_inst));
    cj__ll_store(m, inst, cj__ll_env(fn), cj__core_layout.env_module_inst);
}

/* -- Guest memory ------------------------------------------------------------------------------------------------ */

void cj__ll_called_out(cj__ll_fn *fn)
{
    fn->epoch = ++fn->last_epoch;
}

cj__ll_view cj__ll_memory(cj__ll_fn *fn, uint32_t side)
{
    cj__ll_module *m = fn->m;
    cj__ll_view view = {.epoch = fn->epoch};
    LLVMValueRef memory = cj__ll_load_const(m, m->ptr, fn->binding, CJ__LL_SIDE(side, memory));
    LLVMValueRef pages = cj__ll_load(m, m->i32, memory, cj__core_layout.memory_page_count);
    LLVMValueRef page_size = cj__ll_load(m, m->i32, memory, cj__core_layout.memory_page_size);
    view.base = cj__ll_load(m, m->ptr, memory, cj__core_layout.memory_data);
    view.size = LLVMBuildMul(m->builder, cj__ll_resize(m, pages, m->i64), cj__ll_resize(m, page_size, m->i64), "");
    return view;
}

void cj__ll_store_alias(cj__ll_fn *fn, cj__ll_view view)
{
    cj__ll_store(fn->m, view.base, fn->call, offsetof(cj_call_ctx, alias_base));
    cj__ll_store(fn->m, view.size, fn->call, offsetof(cj_call_ctx, alias_size));
}

cj__ll_view cj__ll_view_now(cj__ll_fn *fn)
{
    if (fn->view.epoch != fn->epoch)
        fn->view = cj__ll_memory(fn, fn->lowers ? fn->to : fn->from);
    return fn->view;
}

cj__ll_view cj__ll_source_view(cj__ll_fn *fn)
{
    return fn->lowers ? fn->source : cj__ll_view_now(fn);
}

LLVMValueRef cj__ll_place_ptr(cj__ll_fn *fn, cj__ll_place *place)
{
    if (place->space == CJ_SPACE_MEM && !place->fixed && place->epoch != fn->epoch) {
        place->ptr = cj__ll_add(fn->m, cj__ll_view_now(fn).base, place->off);
        place->epoch = fn->epoch;
    }
    return place->ptr;
}

void cj__ll_check_range(cj__ll_fn *fn, cj__ll_view memory, LLVMValueRef ptr, uint32_t align, LLVMValueRef bytes,
                        cj_trap misaligned, cj_trap outside, uint32_t site)
{
    cj__ll_module *m = fn->m;
    if (align > 1) {
        LLVMValueRef low = LLVMBuildAnd(m->builder, ptr, cj__ll_c64(m, align - 1), "");
        cj__ll_trap_if(fn, LLVMBuildICmp(m->builder, LLVMIntNE, low, cj__ll_c64(m, 0), ""), misaligned, site);
    }
    LLVMValueRef past = LLVMBuildAdd(m->builder, ptr, bytes, "");
    cj__ll_trap_if(fn, LLVMBuildICmp(m->builder, LLVMIntUGT, past, memory.size, ""), outside, site);
}

void cj__ll_guarded(cj__ll_fn *fn, uint32_t side, bool post_return, bool before)
{
    cj__ll_module *m = fn->m;
    LLVMValueRef what = LLVMConstNull(m->ptr);
    if (post_return && !m->in_post_return)
        m->in_post_return = LLVMAddGlobal(m->module, m->i8, "cj__ll_in_post_return");
    if (before)
        what = post_return ? m->in_post_return : fn->binding;
    uint64_t field = post_return ? offsetof(cj_trap_record, detail) : offsetof(cj_trap_record, running);
    cj__ll_store(m, what, cj__ll_store_of(fn), offsetof(cj_store_core, trap) + field);
    LLVMValueRef instance = cj__ll_load_const(m, m->ptr, fn->binding, CJ__LL_SIDE(side, instance));
    cj__ll_store(m, LLVMConstInt(m->i8, !before, 0), instance, offsetof(cj_instance_core, may_leave));
}

/* Constants, and the positions that are in registers anyway. */
void cj__ll_note(cj__ll_fn *fn, uint32_t site)
{
    cj__ll_module *m = fn->m;
    const uint64_t record = offsetof(cj_store_core, trap), index = record + offsetof(cj_trap_record, index);
    LLVMValueRef store = cj__ll_store_of(fn);
    cj__ll_store(m, cj__ll_c64(m, site | (uint64_t)fn->in_results << 32), store,
                 record + offsetof(cj_trap_record, site));
    for (uint32_t d = 0; d < fn->depth && d < CJ_TRAP_DEPTH; d++) {
        LLVMValueRef at = d < fn->depth0 ? cj__ll_load(m, m->i32, fn->call, offsetof(cj_call_ctx, index) + 4 * d)
                                         : cj__ll_resize(m, fn->index[d], m->i32);
        cj__ll_store(m, at, store, index + 4 * d);
    }
}

LLVMValueRef cj__ll_lower_alloc(cj__ll_fn *fn, uint32_t align, LLVMValueRef size, uint32_t site)
{
    cj__ll_module *m = fn->m;
    cj__ll_note(fn, site);
    if (m->big) {
        LLVMValueRef out = cj__ll_out(fn);
        LLVMValueRef args[] = {fn->call, cj__ll_side(fn, fn->to), cj__ll_c32(m, align), size, out};
        cj__ll_trap_unless_null(fn, cj__ll_call(m, CJ__LL_cj__lower_alloc, args, 5), site);
        cj__ll_called_out(fn);
        return cj__ll_resize(m, cj__ll_load(m, m->i32, out, 0), m->i64);
    }
    cj__ll_trap_if_stack_low(fn, site);
    cj__ll_guarded(fn, fn->to, false, true);
    LLVMTypeRef params[] = {m->ptr, m->i32, m->i32, m->i32, m->i32};
    LLVMTypeRef type = LLVMFunctionType(m->i32, params, 5, 0);
    LLVMValueRef function = cj__ll_load_const(m, m->ptr, fn->binding, CJ__LL_SIDE(fn->to, realloc));
    LLVMValueRef args[] = {cj__ll_env(fn), cj__ll_c32(m, 0), cj__ll_c32(m, 0), cj__ll_c32(m, align), size};
    LLVMValueRef ptr = LLVMBuildCall2(m->builder, type, function, args, 5, "block");
    cj__ll_called_out(fn);
    cj__ll_trap_if_exception(fn, fn->to, site);
    cj__ll_guarded(fn, fn->to, false, false);
    ptr = cj__ll_resize(m, ptr, m->i64);
    cj__ll_check_range(fn, cj__ll_view_now(fn), ptr, align, cj__ll_resize(m, size, m->i64), CJ_TRAP_REALLOC_ALIGNMENT,
                       CJ_TRAP_REALLOC_BOUNDS, site);
    return ptr;
}
