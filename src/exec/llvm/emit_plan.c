/* emit_plan.c: the function of a plan: what happens around its two programs, in the order that abi/plan.h gives.
 *
 *     export   uint32_t f(cj_call_ctx *call, const void *args, void *results)     a cj_export_thunk
 *     import   T f(env, T0 flat0, ..., i32 slot)                                  what WAMR's machine code calls
 *     fused    the same
 *
 * Place and picture: emit.h.
 * Non-goals: entering the guest, may_enter (engine/); tiers (runtime/).
 */
#include "exec/llvm/emit.h"

_Static_assert(sizeof(cj_status) == 4 && sizeof(cj_trap) == 4, "emitted code reads and writes them as i32");

enum { SLOTS = CJ_MAX_FLAT_PARAMS + 1 };

static LLVMTypeRef core_func_type(cj__ll_module *m, const cj_core_sig *sig, bool with_slot)
{
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

/* A spilled block, which a guest gave the address of (i64), as a source or a destination: checked. */
static void check_block(cj__ll_fn *fn, cj__ll_view memory, LLVMValueRef ptr, bool results)
{
    const cj_plan *plan = fn->m->plan;
    if (results)
        cj__ll_check_range(fn, memory, ptr, plan->result_align, cj__ll_c64(fn->m, plan->result_size),
                           CJ_TRAP_RESULTS_ALIGNMENT, CJ_TRAP_RESULTS_BOUNDS, CJ_NO_SITE);
    else
        cj__ll_check_range(fn, memory, ptr, plan->params_align, cj__ll_c64(fn->m, plan->params_size),
                           CJ_TRAP_PARAMS_ALIGNMENT, CJ_TRAP_PARAMS_BOUNDS, CJ_NO_SITE);
}

static cj__ll_place source_place(cj__ll_fn *fn, cj__ll_view memory, LLVMValueRef ptr)
{
    return (cj__ll_place){.space = CJ_SPACE_MEM, .ptr = cj__ll_add(fn->m, memory.base, ptr), .fixed = true};
}

static cj__ll_place target_place(cj__ll_fn *fn, LLVMValueRef ptr)
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

/* True when some of it may be written in functions of its own. */
static bool has_parts(const cj__ll_module *m)
{
    const cj_moves *args = &m->plan->args, *results = &m->plan->results;
    return m->big || args->op_count + results->op_count > m->tuning.part_ops || args->max_depth > m->tuning.max_loops ||
           results->max_depth > m->tuning.max_loops;
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

/* -- What calls have in common ----------------------------------------------------------------------------------- */

/* Calls the core function of `guest` with the flat parameters; its result or NULL. */
static LLVMValueRef call_core(cj__ll_fn *fn, const cj_core_sig *sig, cj__ll_place *flat)
{
    cj__ll_module *m = fn->m;
    LLVMValueRef args[SLOTS + 1] = {cj__ll_env(fn)};
    for (uint32_t i = 0; i < sig->param_count; i++)
        args[i + 1] = flat_value(fn, flat, i);
    LLVMValueRef callee = cj__ll_load_const(m, m->ptr, fn->binding, offsetof(cj_binding, core_func));
    LLVMTypeRef type = core_func_type(m, sig, false);
    LLVMValueRef result = LLVMBuildCall2(m->builder, type, callee, args, sig->param_count + 1, "");
    cj__ll_called_out(fn);
    if (m->plan->options.kind == CJ_PLAN_EXPORT) /* one register less to be kept */
        fn->binding = cj__ll_load_const(m, m->ptr, fn->call, offsetof(cj_call_ctx, bound));
    cj__ll_trap_if_exception(fn, CJ__LL_GUEST, CJ_NO_SITE);
    fn->in_results = true;
    return sig->result_count ? result : NULL;
}

static void call_post_return(cj__ll_fn *fn, const cj_core_sig *sig, LLVMValueRef result)
{
    cj__ll_module *m = fn->m;
    cj__ll_guarded(fn, CJ__LL_GUEST, true, true);
    LLVMTypeRef types[2] = {m->ptr, m->ptr};
    LLVMValueRef values[2] = {cj__ll_env(fn), result};
    if (sig->result_count)
        types[1] = cj__ll_core_type(m, sig->result);
    LLVMTypeRef type = LLVMFunctionType(m->void_type, types, 1 + sig->result_count, 0);
    LLVMValueRef post_return = cj__ll_load_const(m, m->ptr, fn->binding, offsetof(cj_binding, post_return));
    LLVMBuildCall2(m->builder, type, post_return, values, 1 + sig->result_count, "");
    cj__ll_trap_if_exception(fn, CJ__LL_GUEST, CJ_NO_SITE);
    cj__ll_guarded(fn, CJ__LL_GUEST, true, false);
}

/* The borrow scope. */

static void begin_borrows(cj__ll_fn *fn)
{
    cj__ll_module *m = fn->m;
    if (!m->plan->has_borrow)
        return;
    cj__ll_store(m, cj__ll_c32(m, 0), fn->call, offsetof(cj_call_ctx, borrows));
    fn->lends_one = m->plan->lends_one && !has_parts(m);
    if (fn->lends_one && m->plan->options.kind == CJ_PLAN_FUSED)
        return;
    LLVMValueRef mark =
        cj__ll_load(m, m->i32, cj__ll_store_of(fn), offsetof(cj_store_core, lends) + offsetof(cj_lends, len));
    if (fn->lends_one)
        fn->mark = mark;
    else
        cj__ll_store(m, mark, fn->call, offsetof(cj_call_ctx, lends_mark));
}

static void check_borrows(cj__ll_fn *fn)
{
    cj__ll_module *m = fn->m;
    if (!m->plan->has_borrow)
        return;
    LLVMValueRef left = cj__ll_load(m, m->i32, fn->call, offsetof(cj_call_ctx, borrows));
    cj__ll_trap_if(fn, LLVMBuildICmp(m->builder, LLVMIntNE, left, cj__ll_c32(m, 0), ""), CJ_TRAP_BORROW_NOT_DROPPED,
                   CJ_NO_SITE);
}

/* cj__lends_end; in place, and without a look at what is lent, where that is one handle. */
static void end_borrows(cj__ll_fn *fn)
{
    cj__ll_module *m = fn->m;
    if (!m->plan->has_borrow)
        return;
    if (!fn->lends_one) {
        if (fn->late)
            cj__ll_fill_call(fn);
        cj__ll_call(m, CJ__LL_cj__lends_end, &fn->call, 1);
        return;
    }
    cj__ll_begin_program(fn, &m->plan->args, false); /* whose source has the handle */
    LLVMValueRef handle = cj__ll_handle_at(fn, cj__ll_table(fn, true), fn->lent);
    LLVMValueRef count = cj__ll_load(m, m->i32, handle, offsetof(cj_handle, lends));
    cj__ll_store(m, LLVMBuildSub(m->builder, count, cj__ll_c32(m, 1), ""), handle, offsetof(cj_handle, lends));
    if (fn->mark)
        cj__ll_store(m, fn->mark, cj__ll_store_of(fn), offsetof(cj_store_core, lends) + offsetof(cj_lends, len));
}

/* -- Exports ----------------------------------------------------------------------------------------------------- */

/* The time-stamp counter now, in a plan that is timed: cj__ticks. */
static LLVMValueRef stamp(cj__ll_module *m)
{
    static const char name[] = "llvm.readcyclecounter", fence_name[] = "llvm.x86.sse2.lfence";
    if (!m->timed)
        return NULL;
    LLVMTypeRef type = LLVMFunctionType(m->i64, NULL, 0, 0), fence_type = LLVMFunctionType(m->void_type, NULL, 0, 0);
    LLVMValueRef read = LLVMGetIntrinsicDeclaration(m->module, LLVMLookupIntrinsicID(name, sizeof(name) - 1), NULL, 0);
    LLVMValueRef fence =
        LLVMGetIntrinsicDeclaration(m->module, LLVMLookupIntrinsicID(fence_name, sizeof(fence_name) - 1), NULL, 0);
    LLVMBuildCall2(m->builder, fence_type, fence, NULL, 0, "");
    LLVMValueRef now = LLVMBuildCall2(m->builder, type, read, NULL, 0, "stamp");
    LLVMBuildCall2(m->builder, fence_type, fence, NULL, 0, "");
    return now;
}

static void count_step(cj__ll_module *m, LLVMValueRef ticks, size_t field, LLVMValueRef value)
{
    LLVMValueRef sum = cj__ll_load(m, m->i64, ticks, field);
    cj__ll_store(m, LLVMBuildAdd(m->builder, sum, value, ""), ticks, field);
}

static void count_steps(cj__ll_fn *fn, LLVMValueRef at[5])
{
    static const size_t fields[4] = {offsetof(cj_step_ticks, lower), offsetof(cj_step_ticks, core),
                                     offsetof(cj_step_ticks, lift), offsetof(cj_step_ticks, post_return)};
    cj__ll_module *m = fn->m;
    if (!m->timed)
        return;
    LLVMValueRef ticks = cj__ll_load(m, m->ptr, fn->binding, offsetof(cj_binding, ticks));
    count_step(m, ticks, offsetof(cj_step_ticks, calls), cj__ll_c64(m, 1));
    for (int i = 0; i < 4 && at[i + 1]; i++)
        count_step(m, ticks, fields[i], LLVMBuildSub(m->builder, at[i + 1], at[i], ""));
}

static void emit_export(cj__ll_module *m)
{
    const cj_plan *plan = m->plan;
    const cj_core_sig *sig = &plan->sig;
    LLVMTypeRef params[3] = {m->ptr, m->ptr, m->ptr};
    cj__ll_fn fn;
    cj__ll_fn_begin(&fn, m, plan_function(m, LLVMFunctionType(m->i32, params, 3, 0)));
    fn.call = cj__ll_param(m, fn.fn, 0, "call");
    LLVMValueRef host_args = cj__ll_param(m, fn.fn, 1, "args"), host_results = cj__ll_param(m, fn.fn, 2, "results");
    LLVMValueRef at[5] = {stamp(m)};
    fn.binding = cj__ll_load_const(m, m->ptr, fn.call, offsetof(cj_call_ctx, bound));
    if (has_code(&plan->args, CJ_OP_STRING)) /* for cj__string_lower; lists of an export have no aliases */
        cj__ll_store(m, cj__ll_c64(m, 0), fn.call, offsetof(cj_call_ctx, alias_size));
    begin_borrows(&fn);

    LLVMValueRef slots[SLOTS];
    cj__ll_place flat = flat_place(&fn, sig->params, slots);
    cj__ll_begin_program(&fn, &plan->args, false);
    if (sig->spill_params) {
        LLVMValueRef block = cj__ll_lower_alloc(&fn, plan->params_align, cj__ll_c32(m, plan->params_size), CJ_NO_SITE);
        set_flat_value(&fn, &flat, 0, cj__ll_resize(m, block, m->i32));
        cj__ll_program(&fn, host_place(host_args), target_place(&fn, block));
    } else if (plan->args.op_count) {
        cj__ll_program(&fn, host_place(host_args), flat);
    }

    at[1] = stamp(m);
    LLVMValueRef result = call_core(&fn, sig, &flat);
    at[2] = stamp(m);
    check_borrows(&fn);
    cj__ll_begin_program(&fn, &plan->results, true);
    if (sig->spill_results) {
        LLVMValueRef ptr = cj__ll_resize(m, result, m->i64);
        cj__ll_view memory = cj__ll_view_now(&fn);
        check_block(&fn, memory, ptr, true);
        cj__ll_program(&fn, source_place(&fn, memory, ptr), host_place(host_results));
    } else if (sig->result_count) {
        LLVMValueRef slot[1];
        cj__ll_place from = flat_place(&fn, &sig->result, slot);
        set_flat_value(&fn, &from, 0, result);
        cj__ll_program(&fn, from, host_place(host_results));
    }

    at[3] = stamp(m);
    if (plan->options.lends_results) {
        cj__ll_store(m, cj__ll_c64(m, 0), fn.call, offsetof(cj_call_ctx, core_result));
        if (result)
            cj__ll_store(m, result, fn.call, offsetof(cj_call_ctx, core_result));
    } else if (plan->options.has_post_return) {
        call_post_return(&fn, sig, result);
        at[4] = stamp(m);
    }
    end_borrows(&fn);
    count_steps(&fn, at);
    LLVMBuildRet(m->builder, cj__ll_c32(m, CJ_TRAP_NONE));
    cj__ll_fn_end(&fn, false, NULL);
}

/* -- Imports ----------------------------------------------------------------------------------------------------- */

/* What the values of an import's arguments take of the host's memory. */
typedef enum takes { NOTHING, COUNT, ROOM } takes;

static takes args_take(const cj_plan *plan)
{
    takes all = NOTHING;
    if (plan->host_args_size > CJ__LL_STACK_STRUCT || plan->host_result_size > CJ__LL_STACK_STRUCT)
        return ROOM;
    for (uint32_t i = 0; i < plan->args.op_count; i++) {
        const cj_op *op = &plan->args.ops[i];
        bool string = op->code == CJ_OP_STRING;
        if (!string && op->code != CJ_OP_LIST)
            continue;
        if (op->mode != CJ_MODE_VIEW || (string && plan->options.encoding != CJ_UTF8))
            return ROOM;
        if (string && plan->sig.spill_params)
            all = COUNT;
    }
    return all;
}

/* cj__call_take, and cj__call_give_back, in few instructions. The count of what is only looked at is kept on the stack,
 * not in a register, which would have to be saved for the guest there too: returns where. */
static LLVMValueRef emit_take(cj__ll_fn *fn, LLVMValueRef store, takes what)
{
    cj__ll_module *m = fn->m;
    if (what == NOTHING)
        return NULL;
    LLVMValueRef host_bytes = cj__ll_load(m, m->i64, store, offsetof(cj_store_core, host_bytes)), count = NULL;
    if (what == COUNT) {
        count = cj__ll_alloca(fn, 8, 8);
        cj__ll_store(m, host_bytes, count, 0);
    } else {
        LLVMValueRef arena = cj__ll_load(m, m->ptr, store, offsetof(cj_store_core, arena));
        LLVMValueRef at = cj__ll_load(m, m->ptr, arena, offsetof(cj_arena, at));
        cj__ll_store(m, host_bytes, store, offsetof(cj_store_core, taken.host_bytes));
        cj__ll_store(m, at, store, offsetof(cj_store_core, taken.at));
    }
    return count;
}

static void emit_give_back(cj__ll_fn *fn, LLVMValueRef count)
{
    cj__ll_module *m = fn->m;
    LLVMValueRef store = cj__ll_load(m, m->ptr, fn->call, offsetof(cj_call_ctx, store));
    LLVMValueRef at = cj__ll_load(m, m->ptr, store, offsetof(cj_store_core, taken.at));
    LLVMBasicBlockRef taken = cj__ll_block(fn, "taken"), done = cj__ll_block(fn, "");
    LLVMBuildCondBr(m->builder, LLVMBuildICmp(m->builder, LLVMIntNE, at, LLVMConstNull(m->ptr), ""), taken, done);
    cj__ll_use(fn, taken);
    cj__ll_call(m, CJ__LL_cj__ll_give_back, &store, 1);
    LLVMBuildBr(m->builder, done);
    cj__ll_use(fn, done);
    if (!count)
        return;
    store = cj__ll_load(m, m->ptr, fn->call, offsetof(cj_call_ctx, store));
    cj__ll_store(m, cj__ll_load(m, m->i64, count, 0), store, offsetof(cj_store_core, host_bytes));
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
    cj__ll_store(m, cj__ll_c64(m, CJ_OK | (uint64_t)CJ_TRAP_NONE << 32), err, offsetof(cj_error, status));
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
    cj__ll_call(m, CJ__LL_cj__ll_throw_host_failed, failure, 3);
    const cj_core_sig *sig = &m->plan->sig;
    cj__ll_ret(fn, sig->result_count ? LLVMConstNull(cj__ll_core_type(m, sig->result)) : NULL);
    cj__ll_use(fn, next);
}

/* Begins a function that WAMR's code calls: `env` and `binding` are set. The instance that runs is the binding's side that calls. */
static void begin_native(cj__ll_fn *fn, cj__ll_module *m)
{
    const cj_core_sig *sig = &m->plan->sig;
    cj__ll_fn_begin(fn, m, plan_function(m, core_func_type(m, sig, true)));
    fn->env = cj__ll_param(m, fn->fn, 0, "env");
    LLVMValueRef slot_number = cj__ll_param(m, fn->fn, sig->param_count + 1, "slot");

    /* Who was called: env -> instance record -> group -> binding. The slot is a constant that the merger wrote. */
    LLVMValueRef inst = cj__ll_load(m, m->ptr, fn->env, cj__core_layout.env_module_inst);
    LLVMValueRef group = cj__ll_load(m, m->ptr, inst, cj__core_layout.inst_custom_data);
    LLVMValueRef at =
        LLVMBuildMul(m->builder, cj__ll_resize(m, slot_number, m->i64), cj__ll_c64(m, sizeof(cj_binding)), "");
    fn->binding = cj__ll_add(m, cj__ll_at(m, group, sizeof(cj_group_core)), at);
    fn->call = cj__ll_alloca(fn, sizeof(cj_call_ctx), _Alignof(cj_call_ctx));
}

static void check_may_leave(cj__ll_fn *fn, LLVMValueRef instance)
{
    cj__ll_module *m = fn->m;
    LLVMValueRef may_leave = cj__ll_load(m, m->i8, instance, offsetof(cj_instance_core, may_leave));
    cj__ll_trap_if(fn, LLVMBuildICmp(m->builder, LLVMIntEQ, may_leave, LLVMConstNull(m->i8), ""), CJ_TRAP_CANNOT_LEAVE,
                   CJ_NO_SITE);
    cj__ll_trap_if_stack_low(fn, CJ_NO_SITE);
}

static cj__ll_place params_place(cj__ll_fn *fn, LLVMValueRef *slots)
{
    const cj_core_sig *sig = &fn->m->plan->sig;
    cj__ll_place flat = flat_place(fn, sig->params, slots);
    for (uint32_t i = 0; i < sig->param_count; i++)
        set_flat_value(fn, &flat, i, LLVMGetParam(fn->fn, i + 1));
    return flat;
}

static void end_native(cj__ll_fn *fn, LLVMValueRef result)
{
    cj__ll_ret(fn, result);
    cj__ll_fn_end(fn, true, result ? LLVMConstNull(LLVMTypeOf(result)) : NULL);
}

/* True when an import needs neither an arena for its arguments nor the environment for its results: its call is left without
 * them (cj__call_complete). UTF-8 is looked at where it lies, but when it is too long for that. */
static bool is_lean(const cj__ll_module *m)
{
    const cj_plan *plan = m->plan;
    if (has_parts(m) || plan->has_borrow || cj__ll_calls_out(&plan->results, 0, plan->results.op_count) ||
        plan->host_args_size > CJ__LL_STACK_STRUCT || plan->host_result_size > CJ__LL_STACK_STRUCT ||
        has_code(&plan->results, CJ_OP_OWN))
        return false;
    for (uint32_t i = 0; i < plan->args.op_count; i++) {
        const cj_op *op = &plan->args.ops[i];
        bool view = op->mode == CJ_MODE_VIEW && (op->code != CJ_OP_STRING || plan->options.encoding == CJ_UTF8);
        if (op->code == CJ_OP_OWN || ((op->code == CJ_OP_STRING || op->code == CJ_OP_LIST) && !view))
            return false;
    }
    return true;
}

static void emit_import(cj__ll_module *m)
{
    const cj_plan *plan = m->plan;
    const cj_core_sig *sig = &plan->sig;
    cj__ll_fn fn;
    begin_native(&fn, m);
    LLVMValueRef instance = cj__ll_load_const(m, m->ptr, fn.binding, offsetof(cj_binding, guest.instance));
    LLVMValueRef store = cj__ll_load_const(m, m->ptr, instance, offsetof(cj_instance_core, store));

    cj__ll_store(m, fn.binding, fn.call, offsetof(cj_call_ctx, bound));
    cj__ll_store(m, store, fn.call, offsetof(cj_call_ctx, store));
    if (!is_lean(m)) {
        LLVMValueRef arena = cj__ll_load(m, m->ptr, store, offsetof(cj_store_core, arena));
        cj__ll_store(m, fn.env, fn.call, offsetof(cj_call_ctx, env));
        cj__ll_store(m, arena, fn.call, offsetof(cj_call_ctx, arena));
    }

    check_may_leave(&fn, instance);
    fn.env = NULL; /* from here on read from the call: it is not worth a register */
    LLVMValueRef count = emit_take(&fn, store, args_take(plan));
    begin_borrows(&fn);

    LLVMValueRef slots[SLOTS];
    cj__ll_place flat = params_place(&fn, slots);
    cj__ll_begin_program(&fn, &plan->args, false);
    LLVMValueRef args = host_struct(&fn, plan->host_args_size, plan->host_args_align);
    if (sig->spill_params) {
        LLVMValueRef ptr = cj__ll_resize(m, flat_value(&fn, &flat, 0), m->i64);
        cj__ll_view memory = cj__ll_view_now(&fn);
        check_block(&fn, memory, ptr, false);
        cj__ll_program(&fn, source_place(&fn, memory, ptr), host_place(args));
    } else if (plan->args.op_count) {
        cj__ll_program(&fn, flat, host_place(args));
    }

    LLVMValueRef results = host_struct(&fn, plan->host_result_size, plan->host_result_align);
    cj__ll_clear(m, results, plan->host_result_size);
    emit_host_call(&fn, args, results);
    if (plan->has_borrow)
        cj__ll_call(m, CJ__LL_cj__host_borrows_end, &fn.call, 1);
    fn.aliasing = cj__ll_calls_out(&plan->results, 0, plan->results.op_count);
    /* Before anything is in a register that would have to be kept. */
    bool release_first = !fn.aliasing && plan->host_result_size <= CJ__LL_STACK_STRUCT;
    if (release_first)
        emit_give_back(&fn, count);

    fn.binding = cj__ll_load_const(m, m->ptr, fn.call, offsetof(cj_call_ctx, bound));
    cj__ll_begin_program(&fn, &plan->results, true);
    if (fn.aliasing && (has_parts(m) || has_code(&plan->results, CJ_OP_STRING)))
        cj__ll_store_alias(&fn, cj__ll_view_now(&fn));
    else if (fn.aliasing)
        fn.alias = cj__ll_view_now(&fn);
    LLVMValueRef result = NULL;
    if (sig->spill_results) {
        LLVMValueRef ptr = cj__ll_resize(m, flat_value(&fn, &flat, sig->param_count - 1), m->i64);
        check_block(&fn, cj__ll_view_now(&fn), ptr, true);
        cj__ll_program(&fn, host_place(results), target_place(&fn, ptr));
    } else if (sig->result_count) {
        LLVMValueRef slot[1];
        cj__ll_place to = flat_place(&fn, &sig->result, slot);
        cj__ll_program(&fn, host_place(results), to);
        result = flat_value(&fn, &to, 0);
    }
    end_borrows(&fn);
    if (!release_first)
        emit_give_back(&fn, count);
    end_native(&fn, result);
}

/* -- Fused calls ------------------------------------------------------------------------------------------------- */

/* True when only what is rare looks at the call, and can fill it in: traps, and helpers for handles. No other helper that takes it, no part. */
static bool needs_no_call(const cj__ll_module *m)
{
    return !has_parts(m);
}

/* One loop over the instances that are entered, from the second on. */
typedef enum others_step { MAY_ENTER, ENTER, LEAVE } others_step;

static void each_other(cj__ll_fn *fn, LLVMValueRef count, others_step step)
{
    cj__ll_module *m = fn->m;
    LLVMValueRef entering = cj__ll_load_const(m, m->ptr, fn->binding, offsetof(cj_binding, entering));
    LLVMBasicBlockRef before = cj__ll_here(fn), loop = cj__ll_block(fn, "other"), done = cj__ll_block(fn, "");
    LLVMBuildBr(m->builder, loop);
    cj__ll_use(fn, loop);
    LLVMValueRef i = LLVMBuildPhi(m->builder, m->i64, "i"), first = cj__ll_c64(m, 1);
    LLVMValueRef at = cj__ll_add(m, entering, LLVMBuildMul(m->builder, i, cj__ll_c64(m, sizeof(void *)), ""));
    LLVMValueRef instance = cj__ll_load_const(m, m->ptr, at, 0);
    if (step == MAY_ENTER) {
        LLVMValueRef flag = cj__ll_load(m, m->i8, instance, offsetof(cj_instance_core, may_enter));
        cj__ll_trap_if(fn, LLVMBuildICmp(m->builder, LLVMIntEQ, flag, LLVMConstNull(m->i8), ""), CJ_TRAP_CANNOT_ENTER,
                       CJ_NO_SITE);
    } else {
        cj__ll_store(m, LLVMConstInt(m->i8, step == LEAVE, 0), instance, offsetof(cj_instance_core, may_enter));
    }
    LLVMValueRef next = LLVMBuildAdd(m->builder, i, cj__ll_c64(m, 1), "");
    LLVMBasicBlockRef latch = cj__ll_here(fn);
    LLVMAddIncoming(i, &first, &before, 1);
    LLVMAddIncoming(i, &next, &latch, 1);
    LLVMValueRef more = LLVMBuildICmp(m->builder, LLVMIntULT, next, cj__ll_resize(m, count, m->i64), "");
    LLVMBuildCondBr(m->builder, more, loop, done);
    cj__ll_use(fn, done);
}

/* Nearly always one instance is entered, the callee. No call here for the others: the parameters would have to be
 * saved. */
static void for_others(cj__ll_fn *fn, bool enter)
{
    cj__ll_module *m = fn->m;
    LLVMValueRef count = cj__ll_load_const(m, m->i32, fn->binding, offsetof(cj_binding, entering_count));
    LLVMBasicBlockRef others = cj__ll_block(fn, "others"), next = cj__ll_block(fn, "");
    cj__ll_branch_cold(fn, LLVMBuildICmp(m->builder, LLVMIntUGT, count, cj__ll_c32(m, 1), ""), others, next);
    cj__ll_use(fn, others);
    if (enter)
        each_other(fn, count, MAY_ENTER);
    each_other(fn, count, enter ? ENTER : LEAVE);
    LLVMBuildBr(m->builder, next);
    cj__ll_use(fn, next);
}

static void enter_callee(cj__ll_fn *fn)
{
    cj__ll_module *m = fn->m;
    LLVMValueRef callee = cj__ll_load_const(m, m->ptr, fn->binding, offsetof(cj_binding, guest.instance));
    LLVMValueRef may_enter = cj__ll_load(m, m->i8, callee, offsetof(cj_instance_core, may_enter));
    cj__ll_trap_if(fn, LLVMBuildICmp(m->builder, LLVMIntEQ, may_enter, LLVMConstNull(m->i8), ""), CJ_TRAP_CANNOT_ENTER,
                   CJ_NO_SITE);
    for_others(fn, true);
    cj__ll_store(m, LLVMConstNull(m->i8), callee, offsetof(cj_instance_core, may_enter));
    cj__ll_store(m, fn->binding, callee, offsetof(cj_instance_core, called));
}

static void leave_callee(cj__ll_fn *fn)
{
    cj__ll_module *m = fn->m;
    LLVMValueRef callee = cj__ll_load_const(m, m->ptr, fn->binding, offsetof(cj_binding, guest.instance));
    cj__ll_store(m, LLVMConstInt(m->i8, 1, 0), callee, offsetof(cj_instance_core, may_enter));
    for_others(fn, false);
}

/* Where the callee's parameters are, moved there from the caller's. */
static cj__ll_place fused_args(cj__ll_fn *fn, cj__ll_place *params, LLVMValueRef *slots)
{
    cj__ll_module *m = fn->m;
    const cj_plan *plan = m->plan;
    cj__ll_place flat = flat_place(fn, plan->sig.params, slots);
    cj__ll_begin_program(fn, &plan->args, false);
    if (plan->sig.spill_params) {
        LLVMValueRef ptr = cj__ll_resize(m, flat_value(fn, params, 0), m->i64);
        fn->source = cj__ll_memory(fn, CJ__LL_CALLER);
        check_block(fn, fn->source, ptr, false);
        LLVMValueRef block = cj__ll_lower_alloc(fn, plan->params_align, cj__ll_c32(m, plan->params_size), CJ_NO_SITE);
        set_flat_value(fn, &flat, 0, cj__ll_resize(m, block, m->i32));
        cj__ll_program(fn, source_place(fn, fn->source, ptr), target_place(fn, block));
    } else if (plan->args.op_count) {
        cj__ll_program(fn, *params, flat);
    }
    return flat;
}

/* The caller's flat result, or NULL. `result`: what the core function gave. */
static LLVMValueRef fused_results(cj__ll_fn *fn, cj__ll_place *params, LLVMValueRef result)
{
    cj__ll_module *m = fn->m;
    const cj_plan *plan = m->plan;
    const cj_core_sig *sig = &plan->sig;
    cj__ll_begin_program(fn, &plan->results, true);
    if (sig->spill_results) {
        LLVMValueRef from = cj__ll_resize(m, result, m->i64),
                     to = cj__ll_resize(m, flat_value(fn, params, sig->param_count - 1), m->i64);
        fn->source = cj__ll_memory(fn, CJ__LL_GUEST);
        check_block(fn, fn->source, from, true);
        check_block(fn, cj__ll_view_now(fn), to, true);
        cj__ll_program(fn, source_place(fn, fn->source, from), target_place(fn, to));
        return NULL;
    }
    if (!sig->result_count)
        return NULL;
    LLVMValueRef from_slot[1], to_slot[1];
    cj__ll_place from = flat_place(fn, &sig->result, from_slot), to = flat_place(fn, &sig->result, to_slot);
    set_flat_value(fn, &from, 0, result);
    cj__ll_program(fn, from, to);
    return flat_value(fn, &to, 0);
}

/* env->module_inst is the callee's while the args program runs, for its realloc, and stays so until the caller's
 * realloc may be called, or to the end. After a trap it is whatever ran: the frame that the host entered sees to it. */
static void emit_fused(cj__ll_module *m)
{
    const cj_plan *plan = m->plan;
    cj_core_sig callee_sig;
    cj__plan_callee_sig(plan, &callee_sig);
    cj__ll_fn fn;
    begin_native(&fn, m);
    LLVMValueRef caller = cj__ll_load_const(m, m->ptr, fn.binding, offsetof(cj_binding, caller.instance));
    fn.late = needs_no_call(m);
    if (!fn.late) {
        fn.store = cj__ll_load_const(m, m->ptr, caller, offsetof(cj_instance_core, store));
        cj__ll_fill_call(&fn);
        fn.store = NULL;
    }
    check_may_leave(&fn, caller);
    enter_callee(&fn);
    begin_borrows(&fn);

    LLVMValueRef param_slots[SLOTS], slots[SLOTS];
    cj__ll_place params = params_place(&fn, param_slots);
    cj__ll_switch_to(&fn, CJ__LL_GUEST);
    cj__ll_place flat = fused_args(&fn, &params, slots);
    LLVMValueRef result = call_core(&fn, &callee_sig, &flat);
    check_borrows(&fn);
    bool calls_out = cj__ll_calls_out(&plan->results, 0, plan->results.op_count);
    if (calls_out)
        cj__ll_switch_to(&fn, CJ__LL_CALLER);
    LLVMValueRef given = fused_results(&fn, &params, result);
    if (plan->options.has_post_return) {
        if (calls_out)
            cj__ll_switch_to(&fn, CJ__LL_GUEST);
        call_post_return(&fn, &callee_sig, result);
    }
    cj__ll_switch_to(&fn, CJ__LL_CALLER);
    leave_callee(&fn);
    end_borrows(&fn);
    end_native(&fn, given);
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
        case CJ_OP_OWN:
        case CJ_OP_BORROW:
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

/* True when nothing runs more than once in a call, and what a call takes fits in registers: optimising wins next to nothing there. */
static bool is_plain(const cj__ll_module *m)
{
    const cj_plan *plan = m->plan;
    const cj_moves *programs[2] = {&plan->args, &plan->results};
    if (m->big || plan->sig.param_count >= m->tuning.plain_below)
        return false;
    for (int p = 0; p < 2; p++) {
        for (uint32_t i = 0; i < programs[p]->op_count; i++) {
            if (programs[p]->ops[i].code == CJ_OP_LIST && programs[p]->ops[i].mode == CJ_MODE_LOOP)
                return false;
        }
    }
    return true;
}

cj_status cj__ll_emit(cj__ll_module *m, cj_error *err)
{
    const cj_plan *plan = m->plan;
    uint64_t ops = (uint64_t)plan->args.op_count + plan->results.op_count;
    if (plan->args.op_count > CJ__LL_MAX_SITE || plan->results.op_count > CJ__LL_MAX_SITE)
        return cj__fail(err, CJ_LIMIT,
                        "a plan of %llu operations is too large to compile; lower max_plan_ops or use the tier interp",
                        (unsigned long long)ops);
    if (!cj__ll_module_init(m))
        return cj__fail_nomem(err);
    m->big = cost(&plan->args) + cost(&plan->results) > m->tuning.big_cost;
    m->plain = is_plain(m);
    if (plan->options.kind == CJ_PLAN_EXPORT)
        emit_export(m);
    else if (plan->options.kind == CJ_PLAN_IMPORT)
        emit_import(m);
    else
        emit_fused(m);
    while (m->parts.len && !m->oom) {
        cj__ll_part part = m->parts.at[--m->parts.len];
        cj__ll_write_part(m, &part);
    }
    CJ_VEC_FREE(m->alloc, &m->parts);
    LLVMDisposeBuilder(m->builder);
    m->builder = NULL;
    return m->oom ? cj__fail_nomem(err) : CJ_OK;
}
