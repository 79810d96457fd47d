# Finds LLVM by its llvm-config and makes canonjit_llvm: include folder, definitions, and the shared libLLVM.
#
# Not find_package(LLVM): Debian's LLVM CMake packages ask for the development files of everything that LLVM's tools were built
# with (curl, libedit, z3, ...), of which a program that uses the shared library needs none. WAMR's own CMake does call
# find_package(LLVM); for it the same facts are written as an LLVMConfig.cmake into the build tree (CANONJIT_LLVM_SHIM_DIR).

set(CANONJIT_LLVM_VERSION 15 CACHE STRING "Major version of LLVM; WAMR 1.1.2 needs 13 to 15")
set(LLVM_DIR "" CACHE PATH "lib/cmake/llvm of an LLVM installation; empty: Debian's LLVM of CANONJIT_LLVM_VERSION")

function(canonjit_find_llvm)
    if(LLVM_DIR)
        get_filename_component(prefix "${LLVM_DIR}/../../.." ABSOLUTE)
        find_program(CANONJIT_LLVM_CONFIG llvm-config PATHS "${prefix}/bin" NO_DEFAULT_PATH)
    else()
        find_program(CANONJIT_LLVM_CONFIG NAMES llvm-config-${CANONJIT_LLVM_VERSION}
            PATHS /usr/lib/llvm-${CANONJIT_LLVM_VERSION}/bin)
    endif()
    if(NOT CANONJIT_LLVM_CONFIG)
        message(FATAL_ERROR "No llvm-config of LLVM ${CANONJIT_LLVM_VERSION}. Install llvm-${CANONJIT_LLVM_VERSION}-dev, set LLVM_DIR or "
            "CANONJIT_LLVM_VERSION, or build without LLVM: -DCANONJIT_LLVM=OFF")
    endif()
    foreach(what version includedir libdir cppflags)
        execute_process(COMMAND ${CANONJIT_LLVM_CONFIG} --${what} OUTPUT_VARIABLE ${what} OUTPUT_STRIP_TRAILING_WHITESPACE
            COMMAND_ERROR_IS_FATAL ANY)
    endforeach()
    string(REGEX MATCH "^[0-9]+" major "${version}")
    separate_arguments(cppflags UNIX_COMMAND "${cppflags}")
    list(FILTER cppflags INCLUDE REGEX "^-D")
    find_library(CANONJIT_LLVM_LIBRARY NAMES LLVM-${major} LLVM PATHS "${libdir}" NO_DEFAULT_PATH)
    if(NOT CANONJIT_LLVM_LIBRARY)
        message(FATAL_ERROR "No shared libLLVM in ${libdir}: canonjit links the shared library")
    endif()

    add_library(canonjit_llvm INTERFACE)
    target_include_directories(canonjit_llvm SYSTEM INTERFACE "${includedir}")
    target_link_libraries(canonjit_llvm INTERFACE "${CANONJIT_LLVM_LIBRARY}")

    set(shim "${CMAKE_BINARY_DIR}/llvm-for-wamr")
    list(JOIN cppflags " " definitions)
    file(WRITE "${shim}/LLVMConfig.cmake" "set(LLVM_FOUND TRUE)
set(LLVM_PACKAGE_VERSION \"${version}\")
set(LLVM_VERSION_MAJOR ${major})
set(LLVM_INCLUDE_DIRS \"${includedir}\")
set(LLVM_DEFINITIONS ${definitions})
set(LLVM_AVAILABLE_LIBS \"\")
")
    set(CANONJIT_LLVM_SHIM_DIR "${shim}" PARENT_SCOPE)
    set(CANONJIT_LLVM_FULL_VERSION "${version}" PARENT_SCOPE)
    set(CANONJIT_LLVM_LIBDIR "${libdir}" PARENT_SCOPE)
    message(STATUS "LLVM ${version}: ${CANONJIT_LLVM_LIBRARY}")
endfunction()
