# Functions of WAMR and LLVM that src/engine replaces from outside, by the linker's --wrap: calls to NAME from another file go to
# __wrap_NAME (ours), which may call __real_NAME. Why, and for which versions: docs/security.md.
set(CANONJIT_WRAPPED
    # runtime.c
    wasm_runtime_init
    wasm_runtime_full_init
    wasm_runtime_destroy
)
if(CANONJIT_ENGINE STREQUAL "interp")
    list(APPEND CANONJIT_WRAPPED
        # mend_blocks.c
        wasm_loader_find_block_addr
    )
endif()
if(CANONJIT_ENGINE STREQUAL "jit")
    list(APPEND CANONJIT_WRAPPED
        # mend_bulk.c
        llvm_jit_memory_init
        # mend_codegen.c
        LLVMBuildInBoundsGEP2
        LLVMBuildCall2
        LLVMBuildLoad2
        LLVMBuildStore
        LLVMBuildShl
        LLVMBuildLShr
        LLVMBuildAShr
        LLVMGetHostCPUName
        LLVMShutdown
        # mend_stack.c
        LLVMAddFunction
        LLVMOrcCreateLLLazyJIT
        # mend_compile.c
        aot_apply_llvm_new_pass_manager
        LLVMOrcLLLazyJITAddLLVMIRModule
        LLVMOrcJITTargetMachineBuilderDetectHost
        os_thread_create
    )
    if(CANONJIT_BOUNDS STREQUAL "software")
        list(APPEND CANONJIT_WRAPPED
            # mend_traps.c
            jit_set_exception_with_id
            llvm_jit_call_indirect
            llvm_jit_invoke_native
            aot_checked_addr_list_find
            aot_checked_addr_list_add
        )
    else()
        list(APPEND CANONJIT_WRAPPED
            # mend_signals.c
            os_thread_signal_init
            os_thread_signal_destroy
            os_thread_signal_inited
            os_signal_unmask
            os_sigreturn
            wasm_runtime_access_exce_check_guard_page
        )
    endif()
    if(WAMR_VERSION VERSION_LESS 2.0)
        list(APPEND CANONJIT_WRAPPED
            # mend_bulk.c
            llvm_jit_table_init
            llvm_jit_table_copy
            llvm_jit_table_fill
        )
    endif()
endif()
