# Faults inside WAMR's interpreters that no --wrap can reach: the loop of an interpreter is one function. Its file is copied to the build tree with
# small replacements; WAMR_ROOT_DIR itself is never written to. FIXED_ is the version that has the fault mended. In WAMR 1.1.2 every text must be
# found; versions between are left alone where it is not.
#
# canonjit_mend(LIST_VAR FILE_NAME): replaces the file in the list of sources by its mended copy.

set(MENDS_wasm_interp_fast.c table_fill memory_init memory_init_length memory_init_offset ref_locals tail_call)
set(MENDS_wasm_interp_classic.c table_fill memory_init ref_locals br_table)

# table.fill adds offset and length in 32 bits: a guest can write over the heap.
set(FIXED_table_fill 1.3)
set(OLD_table_fill "if (i + n > tbl_inst->cur_size) {")
set(NEW_table_fill "if ((uint64)i + n > tbl_inst->cur_size) {")

# An active data segment can be read again after it has been applied; the specification has dropped it by then.
set(FIXED_memory_init 2.0)
set(OLD_memory_init "                                      ->data_length;
                        data =")
set(NEW_memory_init "                                      ->data_length;
                        if (!module->module->data_segments[segment]->is_passive)
                            seg_len = 0;
                        data =")

# Length and offset of memory.init are sign-extended, so that sums wrap around 2^64.
set(FIXED_memory_init_length 1.3)
set(OLD_memory_init_length "                        bytes = (uint64)POP_I32();")
set(NEW_memory_init_length "                        bytes = (uint64)(uint32)POP_I32();")
set(FIXED_memory_init_offset 1.3)
set(OLD_memory_init_offset "                        offset = (uint64)POP_I32();")
set(NEW_memory_init_offset "                        offset = (uint64)(uint32)POP_I32();")

# Locals of a reference type begin as function 0 instead of null, and function 0 is an import.
set(FIXED_ref_locals 2.1)
set(OLD_ref_locals "                   (uint32)(cur_func->local_cell_num * 4));
")
set(NEW_ref_locals "                   (uint32)(cur_func->local_cell_num * 4));
            for (uint32 cj_local = 0, cj_cell = cur_func->param_cell_num;
                 cj_local < cur_func->local_count; cj_local++) {
                uint8 cj_type = cur_func->local_types[cj_local];
                if (cj_type == VALUE_TYPE_FUNCREF || cj_type == VALUE_TYPE_EXTERNREF)
                    frame_lp[cj_cell] = NULL_REF;
                cj_cell += wasm_value_type_cell_num(cj_type);
            }
")

# Parameters of a tail call are written past the end of the interpreter's stack (CVE-2026-54912). 2.4.5 has it still.
set(FIXED_tail_call 2.4.6)
if(WAMR_VERSION VERSION_LESS 2.0)
    set(stack wasm_stack.s)
else()
    set(stack wasm_stack)
endif()
set(OLD_tail_call "        frame->lp = frame->operand + cur_func->const_cell_num;
        if (lp - lp_base > 0) {")
set(NEW_tail_call "        frame->lp = frame->operand + cur_func->const_cell_num;
        if ((uint8 *)(frame->lp + cur_func->param_cell_num)
            > exec_env->${stack}.top_boundary) {
            if (lp_base)
                wasm_runtime_free(lp_base);
            wasm_set_exception(module, \"wasm operand stack overflow\");
            goto got_exception;
        }
        if (lp - lp_base > 0) {")

# A br_table with a far label reads past its list of depths.
set(FIXED_br_table 1.3)
set(OLD_br_table "                        depth = node->br_depths[lidx];")
set(NEW_br_table "                        depth = node->br_depths[(uint32)lidx < node->br_count ? (uint32)lidx : node->br_count];")

function(canonjit_mend list_var name)
    set(sources ${${list_var}})
    foreach(source IN LISTS sources)
        get_filename_component(source_name "${source}" NAME)
        if(NOT source_name STREQUAL name)
            continue()
        endif()
        file(READ "${source}" text)
        foreach(mend IN LISTS MENDS_${name})
            if(NOT WAMR_VERSION VERSION_LESS FIXED_${mend})
                continue()
            endif()
            string(FIND "${text}" "${OLD_${mend}}" at)
            if(at EQUAL -1 AND WAMR_VERSION VERSION_EQUAL 1.1.2)
                message(FATAL_ERROR "WAMR's ${name} is not that of 1.1.2: the text of mend ${mend} is not in it")
            endif()
            string(REPLACE "${OLD_${mend}}" "${NEW_${mend}}" text "${text}")
        endforeach()
        set(mended "${CMAKE_CURRENT_BINARY_DIR}/${name}")
        set(old "")
        if(EXISTS "${mended}")
            file(READ "${mended}" old)
        endif()
        if(NOT old STREQUAL text)
            file(WRITE "${mended}" "${text}")
        endif()
        get_filename_component(folder "${source}" DIRECTORY)
        set_source_files_properties("${mended}" PROPERTIES INCLUDE_DIRECTORIES "${folder}")
        list(REMOVE_ITEM sources "${source}")
        list(APPEND sources "${mended}")
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${source}")
    endforeach()
    set(${list_var} ${sources} PARENT_SCOPE)
endfunction()
