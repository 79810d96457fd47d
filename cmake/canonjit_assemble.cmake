# canonjit_assemble(OUT_VAR TEXT...): assembles .wat texts, core modules and components, at build time. The binaries go to the folder of the
# build tree that answers to the current source folder; OUT_VAR gets their paths. All texts of a call are one process (tools/assemble.mjs).
#
#     file(GLOB texts CONFIGURE_DEPENDS guests/*.wat)
#     canonjit_assemble(binaries ${texts})
#     add_custom_target(my_guests ALL DEPENDS ${binaries})

find_program(CANONJIT_NODE NAMES node nodejs REQUIRED)

function(canonjit_assemble out_var)
    set(by_folder_outputs)
    set(texts)
    set(folders)
    foreach(text IN LISTS ARGN)
        get_filename_component(text "${text}" ABSOLUTE)
        get_filename_component(folder "${text}" DIRECTORY)
        list(APPEND texts "${text}")
        list(APPEND folders "${folder}")
    endforeach()
    list(REMOVE_DUPLICATES folders)
    foreach(folder IN LISTS folders)
        file(RELATIVE_PATH relative "${CMAKE_SOURCE_DIR}" "${folder}")
        set(out_dir "${CMAKE_BINARY_DIR}/${relative}")
        set(outputs)
        set(inputs)
        foreach(text IN LISTS texts)
            get_filename_component(text_folder "${text}" DIRECTORY)
            if(text_folder STREQUAL folder)
                get_filename_component(name "${text}" NAME_WLE)
                list(APPEND inputs "${text}")
                list(APPEND outputs "${out_dir}/${name}.wasm")
            endif()
        endforeach()
        add_custom_command(OUTPUT ${outputs}
            COMMAND ${CANONJIT_NODE} "${CMAKE_SOURCE_DIR}/tools/assemble.mjs" "${out_dir}" ${inputs}
            DEPENDS ${inputs} "${CMAKE_SOURCE_DIR}/tools/assemble.mjs"
            VERBATIM COMMENT "Assembling ${relative}")
        list(APPEND by_folder_outputs ${outputs})
    endforeach()
    set(${out_var} ${by_folder_outputs} PARENT_SCOPE)
endfunction()
