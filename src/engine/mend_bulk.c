/* mend_bulk.c: the table and memory instructions that WAMR's JIT code calls as functions, with the bounds that the spec gives them.
 *
 * Place in the pipeline: called from guest code, in place of WAMR's llvm_jit_table_init, llvm_jit_table_fill, llvm_jit_table_copy and llvm_jit_memory_init, by the
 * linker's --wrap.
 *
 * The faults (1.1.2): sums of offset and length in 32 bits, so that table.fill(1, x, 0xffffffff) passes the check and writes over the heap;
 * an out-of-bounds memory.init sets the exception and returns, and the guest runs on; so does memory.init of length 0 past the end.
 * Spec: core specification, "Execution", table.init, table.fill, table.copy, memory.init. In the order of the checks: any of them out of bounds traps before
 * anything is written. A segment that was dropped, or that is active (which drops it when it has been applied), has length 0.
 */
#include "engine/wamr.h"

#if CJ_WAMR_AT_LEAST(2, 0)

/* 2.x computes in 64 bits; its memory.init still returns where it should leave. */
bool __real_llvm_jit_memory_init(WASMModuleInstance *, uint32 seg_index, uint32 offset, uint32 len, size_t dst);
bool __wrap_llvm_jit_memory_init(WASMModuleInstance *, uint32 seg_index, uint32 offset, uint32 len, size_t dst);

bool __wrap_llvm_jit_memory_init(WASMModuleInstance *inst, uint32 seg_index, uint32 offset, uint32 len, size_t dst)
{
    bool ok = __real_llvm_jit_memory_init(inst, seg_index, offset, len, dst);
    if (CJ_UNLIKELY(!ok))
        cj__leave_from(inst);
    return ok;
}

#else

bool __wrap_llvm_jit_memory_init(WASMModuleInstance *, uint32 seg_index, uint32 offset, uint32 len, uint32 dst);
void __wrap_llvm_jit_table_init(WASMModuleInstance *, uint32 tbl_idx, uint32 tbl_seg_idx, uint32 length,
                                uint32 src_offset, uint32 dst_offset);
void __wrap_llvm_jit_table_copy(WASMModuleInstance *, uint32 src_tbl_idx, uint32 dst_tbl_idx, uint32 length,
                                uint32 src_offset, uint32 dst_offset);
void __wrap_llvm_jit_table_fill(WASMModuleInstance *, uint32 tbl_idx, uint32 length, uint32 val, uint32 data_offset);

static __attribute__((noinline, cold)) void trap(WASMModuleInstance *inst, const char *text)
{
    cj__exception_set(inst, text);
    cj__leave_from(inst);
}

static inline bool inside(uint32 at, uint32 len, uint64_t size)
{
    return (uint64_t)at + len <= size;
}

bool __wrap_llvm_jit_memory_init(WASMModuleInstance *inst, uint32 seg_index, uint32 offset, uint32 len, uint32 dst)
{
    const WASMDataSeg *seg = inst->module->data_segments[seg_index];
    const WASMMemoryInstance *memory = inst->memory_count > 0 ? inst->memories[0] : NULL;
    uint64_t size = memory != NULL ? (uint64_t)memory->num_bytes_per_page * memory->cur_page_count : 0;
    uint64_t seg_size = seg->is_passive ? seg->data_length : 0;
    if (CJ_UNLIKELY(!inside(offset, len, seg_size) || !inside(dst, len, size))) {
        trap(inst, "out of bounds memory access");
        return false;
    }
    if (len > 0)
        memcpy(memory->memory_data + dst, seg->data + offset, len);
    return true;
}

void __wrap_llvm_jit_table_init(WASMModuleInstance *inst, uint32 tbl_idx, uint32 tbl_seg_idx, uint32 length,
                                uint32 src_offset, uint32 dst_offset)
{
    WASMTableInstance *table = inst->tables[tbl_idx];
    const WASMTableSeg *seg = &inst->module->table_segments[tbl_seg_idx];
    uint64_t seg_size = seg->is_dropped || !wasm_elem_is_passive(seg->mode) ? 0 : seg->function_count;
    if (CJ_UNLIKELY(!inside(src_offset, length, seg_size) || !inside(dst_offset, length, table->cur_size)))
        trap(inst, "out of bounds table access");
    else if (length > 0)
        memcpy(table->elems + dst_offset, seg->func_indexes + src_offset, (size_t)length * sizeof(uint32));
}

void __wrap_llvm_jit_table_copy(WASMModuleInstance *inst, uint32 src_tbl_idx, uint32 dst_tbl_idx, uint32 length,
                                uint32 src_offset, uint32 dst_offset)
{
    const WASMTableInstance *src = inst->tables[src_tbl_idx];
    WASMTableInstance *dst = inst->tables[dst_tbl_idx];
    if (CJ_UNLIKELY(!inside(src_offset, length, src->cur_size) || !inside(dst_offset, length, dst->cur_size)))
        trap(inst, "out of bounds table access");
    else if (length > 0)
        memmove(dst->elems + dst_offset, src->elems + src_offset, (size_t)length * sizeof(uint32));
}

void __wrap_llvm_jit_table_fill(WASMModuleInstance *inst, uint32 tbl_idx, uint32 length, uint32 val, uint32 data_offset)
{
    WASMTableInstance *table = inst->tables[tbl_idx];
    if (CJ_UNLIKELY(!inside(data_offset, length, table->cur_size))) {
        trap(inst, "out of bounds table access");
        return;
    }
    for (uint32 i = 0; i < length; i++)
        table->elems[data_offset + i] = val;
}

#endif
