/* emit_plan.c: the function of a plan: what happens around its two programs, in the order that abi/plan.h gives.
 *
 *     export   uint32_t f(cj_call_ctx *call, const void *args, void *results)     a cj_export_thunk
 *     import   T f(env, T0 flat0, ..., i32 slot)                                  what WAMR's machine code calls
 *
 * Place and picture: emit.h.
 * Non-goals: entering the guest, may_enter (engine/); tiers (runtime/).
 */
#include "exec/llvm/emit.h"

_Static_assert(sizeof(cj_status) == 4 && sizeof(cj_trap) == 4, "emitted code reads and writes them as i32");

enum { SLOTS = CJ_MAX_FLAT_PARAMS + 1 };

static LLVMTypeRef core_func_type(cj__ll_module *m, bool with_slot)
{
    const cj_core_sig *sig = &m->plan->sig;
    LLVMTypeRef params[SLOTS + 2];
    unsigned count = 0;
    params[count++] = m->ptr;
    for (uint32_t i = 0; i < sig->param_count; i++)
        params[count++] = cj__ll_core_type(m, sig->params[i]);
    if (with_slot)
        params[count++] = m->i32;
    return LLVMFunctionType(sig->result_count ? cj__ll_core_type(m, sig->result) : m->void_type, params, count, 0);
}

/* A FLAT place: SSA values in `slots`, or, in a big plan, an array in memory. */
static cj__ll_place flat_place(cj__ll_fn *fn, const cj_core *types, LLVMValueRef *slots)
{
    cj__ll_place place = {.space = CJ_SPACE_FLAT, .types = types, .slots = slots};
    if (fn->m->big) {
        place.slots = NULL;
        place.ptr = cj__ll_alloca(fn, 8 * SLOTS, 8);
    }
    return place;
}

static LLVMValueRef flat_value(cj__ll_fn *fn, cj__ll_place *place, uint32_t i)
{
    LLVMTypeRef type = cj__ll_core_type(fn->m, place->types[i]);
    return place->slots ? place->slots[i] : cj__ll_load(fn->m, type, place->ptr, 8 * (uint64_t)i);
}

static void set_flat_value(cj__ll_fn *fn, cj__ll_place *place, uint32_t i, LLVMValueRef value)
{
    if (place->slots)
        place->slots[i] = value;
    else
        cj__ll_store(fn->m, value, place->ptr, 8 * (uint64_t)i);
}

static cj__ll_place host_place(LLVMValueRef ptr)
{
    return (cj__ll_place){.space = CJ_SPACE_HOST, .ptr = ptr};
}

/* A block of guest memory at `ptr` (i64), found to be inside. */
static cj__ll_place guest_place(cj__ll_fn *fn, LLVMValueRef ptr)
{
    cj__ll_place place = {.space = CJ_SPACE_MEM, .off = ptr};
    cj__ll_place_ptr(fn, &place);
    return place;
}

static bool has_code(const cj_moves *moves, cj_opcode code)
{
    for (uint32_t i = 0; i < moves->op_count; i++) {
        if (moves->ops[i].code == code)
            return true;
    }
    return false;
}

/* Structs that have just been written field by field must not be read in larger pieces: the processor would wait
 * for the stores. So copies go through integer registers, but for those of list elements. */
static LLVMValueRef plan_function(cj__ll_module *m, LLVMTypeRef type)
{
    LLVMValueRef fn = cj__ll_add_function(m, m->name, type);
    const cj_moves *programs[2] = {&m->plan->args, &m->plan->results};
    for (int p = 0; p < 2; p++) {
        for (uint32_t i = 0; i < programs[p]->op_count; i++) {
            if (programs[p]->ops[i].code == CJ_OP_COPY && programs[p]->ops[i].depth > 0)
                return fn;
        }
    }
    cj__ll_add_attribute(fn, m->noimplicitfloat);
    return fn;
}

/* -- Exports ----------------------------------------------------------------------------------------------------- */

static void emit_export(cj__ll_module *m)
{
    const cj_plan *plan = m->plan;
    const cj_core_sig *sig = &plan->sig;
    LLVMTypeRef params[3] = {m->ptr, m->ptr, m->ptr};
    cj__ll_fn fn;
    cj__ll_fn_begin(&fn, m, plan_function(m, LLVMFunctionType(m->i32, params, 3, 0)));
    fn.call = cj__ll_param(m, fn.fn, 0, "call");
    LLVMValueRef host_args = cj__ll_param(m, fn.fn, 1, "args"), host_results = cj__ll_param(m, fn.fn, 2, "results");
    fn.binding = cj__ll_load_const(m, m->ptr, fn.call, offsetof(cj_call_ctx, bound));
    fn.lowers = true;
    if (has_code(&plan->args, CJ_OP_STRING)) /* for cj__string_lower; lists of an export have no aliases */
        cj__ll_store(m, cj__ll_c64(m, 0), fn.call, offsetof(cj_call_ctx, alias_size));

    LLVMValueRef slots[SLOTS];
    cj__ll_place flat = flat_place(&fn, sig->params, slots);
    if (sig->spill_params) {
        LLVMValueRef block = cj__ll_lower_alloc(&fn, plan->params_align, cj__ll_c32(m, plan->params_size), CJ_NO_SITE);
        set_flat_value(&fn, &flat, 0, cj__ll_resize(m, block, m->i32));
        cj__ll_program(&fn, &plan->args, false, host_place(host_args), guest_place(&fn, block));
    } else if (plan->args.op_count) {
        cj__ll_program(&fn, &plan->args, false, host_place(host_args), flat);
    }

    LLVMValueRef args[SLOTS + 1];
    args[0] = cj__ll_load(m, m->ptr, fn.call, offsetof(cj_call_ctx, env));
    for (uint32_t i = 0; i < sig->param_count; i++)
        args[i + 1] = flat_value(&fn, &flat, i);
    LLVMValueRef callee = cj__ll_load_const(m, m->ptr, fn.binding, offsetof(cj_binding, core_func));
    LLVMValueRef result = LLVMBuildCall2(m->builder, core_func_type(m, false), callee, args, sig->param_count + 1, "");
    cj__ll_called_out(&fn);
    cj__ll_trap_if_exception(&fn, CJ_NO_SITE);
    fn.in_results = true;

    if (sig->spill_results) {
        LLVMValueRef ptr = cj__ll_resize(m, result, m->i64);
        cj__ll_check_range(&fn, ptr, plan->result_align, cj__ll_c64(m, plan->result_size), CJ_TRAP_RESULTS_ALIGNMENT,
                           CJ_TRAP_RESULTS_BOUNDS, CJ_NO_SITE);
        cj__ll_program(&fn, &plan->results, true, guest_place(&fn, ptr), host_place(host_results));
    } else if (sig->result_count) {
        LLVMValueRef slot[1];
        cj__ll_place from = flat_place(&fn, &sig->result, slot);
        set_flat_value(&fn, &from, 0, result);
        cj__ll_program(&fn, &plan->results, true, from, host_place(host_results));
    }

    if (plan->options.has_post_return) {
        cj__ll_guarded(&fn, true, true);
        LLVMTypeRef types[2] = {m->ptr, m->ptr};
        LLVMValueRef values[2] = {cj__ll_load(m, m->ptr, fn.call, offsetof(cj_call_ctx, env)), result};
        if (sig->result_count)
            types[1] = cj__ll_core_type(m, sig->result);
        LLVMTypeRef type = LLVMFunctionType(m->void_type, types, 1 + sig->result_count, 0);
        LLVMValueRef post_return = cj__ll_load_const(m, m->ptr, fn.binding, offsetof(cj_binding, post_return));
        LLVMBuildCall2(m->builder, type, post_return, values, 1 + sig->result_count, "");
        cj__ll_trap_if_exception(&fn, CJ_NO_SITE);
        cj__ll_guarded(&fn, true, false);
    }
    LLVMBuildRet(m->builder, cj__ll_c32(m, CJ_TRAP_NONE));
    cj__ll_fn_end(&fn, false, NULL);
}

/* -- Imports ----------------------------------------------------------------------------------------------------- */

/* cj__call_mark and cj__call_release in few instructions: an arena whose end has not moved is as it was, for its
 * chunks are disjoint. What is needed again after the host function is kept on the stack, not in registers, which
 * would have to be saved for the guest there too. */
static LLVMValueRef emit_mark(cj__ll_fn *fn, LLVMValueRef store, LLVMValueRef arena)
{
    cj__ll_module *m = fn->m;
    LLVMValueRef point = cj__ll_alloca(fn, sizeof(cj_call_point), _Alignof(cj_call_point));
    LLVMValueRef chunk = cj__ll_load(m, m->ptr, arena, offsetof(cj_arena, current));
    LLVMValueRef at = cj__ll_load(m, m->ptr, arena, offsetof(cj_arena, at));
    LLVMValueRef used_before = cj__ll_load(m, m->i64, arena, offsetof(cj_arena, used_before));
    LLVMValueRef host_bytes = cj__ll_load(m, m->i64, store, offsetof(cj_store_core, host_bytes));
    cj__ll_store(m, chunk, point, offsetof(cj_call_point, arena.chunk));
    cj__ll_store(m, at, point, offsetof(cj_call_point, arena.at));
    cj__ll_store(m, used_before, point, offsetof(cj_call_point, arena.used_before));
    cj__ll_store(m, host_bytes, point, offsetof(cj_call_point, host_bytes));
    return point;
}

static void emit_release(cj__ll_fn *fn, LLVMValueRef point)
{
    cj__ll_module *m = fn->m;
    LLVMValueRef store = cj__ll_load(m, m->ptr, fn->call, offsetof(cj_call_ctx, store));
    LLVMValueRef arena = cj__ll_load(m, m->ptr, fn->call, offsetof(cj_call_ctx, arena));
    LLVMValueRef host_bytes = cj__ll_load(m, m->i64, point, offsetof(cj_call_point, host_bytes));
    cj__ll_store(m, host_bytes, store, offsetof(cj_store_core, host_bytes));
    LLVMValueRef at = cj__ll_load(m, m->ptr, arena, offsetof(cj_arena, at));
    LLVMValueRef before = cj__ll_load(m, m->ptr, point, offsetof(cj_call_point, arena.at));
    LLVMBasicBlockRef moved = cj__ll_block(fn, "release"), done = cj__ll_block(fn, "");
    LLVMBuildCondBr(m->builder, LLVMBuildICmp(m->builder, LLVMIntNE, at, before, ""), moved, done);
    cj__ll_use(fn, moved);
    LLVMValueRef args[] = {fn->call, point};
    cj__ll_call(m, CJ__LL_cj__ll_release, args, 2);
    LLVMBuildBr(m->builder, done);
    cj__ll_use(fn, done);
}

/* Room for a host struct: on the native stack when it is small. */
static LLVMValueRef host_struct(cj__ll_fn *fn, size_t size, size_t align)
{
    cj__ll_module *m = fn->m;
    if (!size)
        return LLVMConstNull(m->ptr);
    if (size <= CJ__LL_STACK_STRUCT)
        return cj__ll_alloca(fn, size, align < 8 ? 8 : (uint32_t)align);
    LLVMValueRef args[] = {fn->call, cj__ll_c64(m, size), cj__ll_c32(m, (uint32_t)align)};
    LLVMValueRef ptr = cj__ll_call(m, CJ__LL_cj__call_alloc, args, 3);
    cj__ll_trap_if(fn, LLVMBuildICmp(m->builder, LLVMIntEQ, ptr, LLVMConstNull(m->ptr), ""), CJ_TRAP_HOST_LIMIT,
                   CJ_NO_SITE);
    return ptr;
}

/* cj__call_host, whose stack check has been made. */
static void emit_host_call(cj__ll_fn *fn, LLVMValueRef args, LLVMValueRef results)
{
    cj__ll_module *m = fn->m;
    LLVMValueRef err = cj__ll_alloca(fn, sizeof(cj_error), _Alignof(cj_error));
    cj__ll_store(m, cj__ll_c32(m, CJ_OK), err, offsetof(cj_error, status));
    cj__ll_store(m, cj__ll_c32(m, CJ_TRAP_NONE), err, offsetof(cj_error, trap));
    cj__ll_store(m, cj__ll_c64(m, CJ_NO_OFFSET), err, offsetof(cj_error, offset));
    cj__ll_store(m, LLVMConstNull(m->i8), err, offsetof(cj_error, where));
    cj__ll_store(m, LLVMConstNull(m->i8), err, offsetof(cj_error, message));
    LLVMTypeRef params[] = {m->ptr, m->ptr, m->ptr, m->ptr, m->ptr};
    LLVMValueRef function = cj__ll_load_const(m, m->ptr, fn->binding, offsetof(cj_binding, host));
    LLVMValueRef user = cj__ll_load_const(m, m->ptr, fn->binding, offsetof(cj_binding, host_user));
    LLVMValueRef values[] = {user, fn->call, args, results, err};
    LLVMValueRef status =
        LLVMBuildCall2(m->builder, LLVMFunctionType(m->i32, params, 5, 0), function, values, 5, "status");
    cj__ll_called_out(fn);
    LLVMBasicBlockRef failed = cj__ll_block(fn, "failed"), next = cj__ll_block(fn, "");
    cj__ll_branch_cold(fn, LLVMBuildICmp(m->builder, LLVMIntNE, status, cj__ll_c32(m, CJ_OK), ""), failed, next);
    cj__ll_use(fn, failed);
    LLVMValueRef failure[] = {fn->call, status, err};
    cj__ll_leave_now(fn, cj__ll_call(m, CJ__LL_cj__call_host_failed, failure, 3));
    cj__ll_use(fn, next);
}

static void emit_import(cj__ll_module *m)
{
    const cj_plan *plan = m->plan;
    const cj_core_sig *sig = &plan->sig;
    LLVMTypeRef type = core_func_type(m, true);
    cj__ll_fn fn;
    cj__ll_fn_begin(&fn, m, plan_function(m, type));
    LLVMValueRef env = cj__ll_param(m, fn.fn, 0, "env");
    LLVMValueRef slot_number = cj__ll_param(m, fn.fn, sig->param_count + 1, "slot");

    /* Who was called: env -> instance record -> group -> binding. The slot is a constant that the merger wrote. */
    LLVMValueRef inst = cj__ll_load(m, m->ptr, env, cj__core_layout.env_module_inst);
    LLVMValueRef group = cj__ll_load(m, m->ptr, inst, cj__core_layout.inst_custom_data);
    LLVMValueRef bindings = cj__ll_load_const(m, m->ptr, group, offsetof(cj_group_core, imports));
    LLVMValueRef at =
        LLVMBuildMul(m->builder, cj__ll_resize(m, slot_number, m->i64), cj__ll_c64(m, sizeof(cj_binding)), "");
    fn.binding = cj__ll_add(m, bindings, at);
    LLVMValueRef instance = cj__ll_load_const(m, m->ptr, fn.binding, offsetof(cj_binding, guest.instance));
    LLVMValueRef store = cj__ll_load_const(m, m->ptr, instance, offsetof(cj_instance_core, store));
    LLVMValueRef arena = cj__ll_load(m, m->ptr, store, offsetof(cj_store_core, arena));

    fn.call = cj__ll_alloca(&fn, sizeof(cj_call_ctx), _Alignof(cj_call_ctx));
    cj__ll_store(m, fn.binding, fn.call, offsetof(cj_call_ctx, bound));
    cj__ll_store(m, store, fn.call, offsetof(cj_call_ctx, store));
    cj__ll_store(m, env, fn.call, offsetof(cj_call_ctx, env));
    cj__ll_store(m, arena, fn.call, offsetof(cj_call_ctx, arena));

    LLVMValueRef may_leave = cj__ll_load(m, m->i8, instance, offsetof(cj_instance_core, may_leave));
    cj__ll_trap_if(&fn, LLVMBuildICmp(m->builder, LLVMIntEQ, may_leave, LLVMConstNull(m->i8), ""), CJ_TRAP_CANNOT_LEAVE,
                   CJ_NO_SITE);
    cj__ll_trap_if_stack_low(&fn, CJ_NO_SITE);
    LLVMValueRef mark = emit_mark(&fn, store, arena);

    LLVMValueRef slots[SLOTS];
    cj__ll_place flat = flat_place(&fn, sig->params, slots);
    for (uint32_t i = 0; i < sig->param_count; i++)
        set_flat_value(&fn, &flat, i, LLVMGetParam(fn.fn, i + 1));
    LLVMValueRef args = host_struct(&fn, plan->host_args_size, plan->host_args_align);
    if (sig->spill_params) {
        LLVMValueRef ptr = cj__ll_resize(m, flat_value(&fn, &flat, 0), m->i64);
        cj__ll_check_range(&fn, ptr, plan->params_align, cj__ll_c64(m, plan->params_size), CJ_TRAP_PARAMS_ALIGNMENT,
                           CJ_TRAP_PARAMS_BOUNDS, CJ_NO_SITE);
        cj__ll_program(&fn, &plan->args, false, guest_place(&fn, ptr), host_place(args));
    } else if (plan->args.op_count) {
        cj__ll_program(&fn, &plan->args, false, flat, host_place(args));
    }

    LLVMValueRef results = host_struct(&fn, plan->host_result_size, plan->host_result_align);
    if (plan->host_result_size)
        LLVMBuildMemSet(m->builder, results, LLVMConstNull(m->i8), cj__ll_c64(m, plan->host_result_size), 1);
    emit_host_call(&fn, args, results);
    fn.binding = cj__ll_load_const(m, m->ptr, fn.call, offsetof(cj_call_ctx, bound));
    fn.in_results = true;

    fn.aliasing = cj__ll_calls_out(&plan->results, 0, plan->results.op_count);
    if (fn.aliasing) {
        cj__ll_view view = cj__ll_view_now(&fn);
        cj__ll_store(m, view.base, fn.call, offsetof(cj_call_ctx, alias_base));
        cj__ll_store(m, view.size, fn.call, offsetof(cj_call_ctx, alias_size));
    }
    LLVMValueRef result = NULL, zero = NULL;
    if (sig->spill_results) {
        LLVMValueRef ptr = cj__ll_resize(m, flat_value(&fn, &flat, sig->param_count - 1), m->i64);
        cj__ll_check_range(&fn, ptr, plan->result_align, cj__ll_c64(m, plan->result_size), CJ_TRAP_RESULTS_ALIGNMENT,
                           CJ_TRAP_RESULTS_BOUNDS, CJ_NO_SITE);
        cj__ll_program(&fn, &plan->results, true, host_place(results), guest_place(&fn, ptr));
    } else if (sig->result_count) {
        LLVMValueRef slot[1];
        cj__ll_place to = flat_place(&fn, &sig->result, slot);
        cj__ll_program(&fn, &plan->results, true, host_place(results), to);
        result = flat_value(&fn, &to, 0);
        zero = LLVMConstNull(LLVMTypeOf(result));
    }
    emit_release(&fn, mark);
    if (result)
        LLVMBuildRet(m->builder, result);
    else
        LLVMBuildRetVoid(m->builder);
    cj__ll_fn_end(&fn, true, zero);
}

/* -- Plans ------------------------------------------------------------------------------------------------------- */

/* What optimised code for a program takes to compile, in units of a flag's move (some 90 us). */
static uint64_t cost(const cj_moves *moves)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < moves->op_count; i++) {
        switch ((cj_opcode)moves->ops[i].code) {
        case CJ_OP_LIST:
            sum += 20;
            break;
        case CJ_OP_STRING:
            sum += 5;
            break;
        case CJ_OP_VARIANT:
        case CJ_OP_CHAR:
            sum += 2;
            break;
        default:
            sum += 1;
            break;
        }
    }
    return sum;
}

cj_status cj__ll_emit(cj__ll_module *m, cj_error *err)
{
    const cj_plan *plan = m->plan;
    uint64_t ops = (uint64_t)plan->args.op_count + plan->results.op_count;
    if (plan->args.op_count > CJ__LL_MAX_SITE || plan->results.op_count > CJ__LL_MAX_SITE)
        return cj__fail(err, CJ_LIMIT,
                        "a plan of %llu operations is too large to compile; lower max_plan_ops or use the tier interp",
                        (unsigned long long)ops);
    if (plan->options.kind == CJ_PLAN_FUSED)
        return cj__fail(err, CJ_UNSUPPORTED, "unsupported: calls between components in compiled code");
    if (has_code(&plan->args, CJ_OP_OWN) || has_code(&plan->args, CJ_OP_BORROW) || has_code(&plan->results, CJ_OP_OWN))
        return cj__fail(err, CJ_UNSUPPORTED, "unsupported: resource handles in compiled code");
    if (!cj__ll_module_init(m))
        return cj__fail_nomem(err);
    m->big = cost(&plan->args) + cost(&plan->results) > m->tuning.big_cost;
    if (plan->options.kind == CJ_PLAN_EXPORT)
        emit_export(m);
    else
        emit_import(m);
    while (m->parts.len && !m->oom) {
        cj__ll_part part = m->parts.at[--m->parts.len];
        cj__ll_write_part(m, &part);
    }
    CJ_VEC_FREE(m->alloc, &m->parts);
    LLVMDisposeBuilder(m->builder);
    m->builder = NULL;
    return m->oom ? cj__fail_nomem(err) : CJ_OK;
}
