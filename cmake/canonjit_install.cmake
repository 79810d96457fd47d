# Installation: header, libraries, command, pkg-config file, CMake package (canonjit::canonjit, canonjit::canonjit_static), licence and
# documents.

install(FILES include/canonjit.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS canonjit canonjit_static EXPORT canonjitTargets
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET canonjit_cli)
    install(TARGETS canonjit_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

# README.md's links to docs/ hold there too.
install(FILES LICENSE README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md" PATTERN man EXCLUDE)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/canonjit)
install(EXPORT canonjitTargets NAMESPACE canonjit:: DESTINATION ${package_dir})
configure_package_config_file(cmake/canonjitConfig.cmake.in canonjitConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(canonjitConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/canonjitConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/canonjitConfigVersion.cmake
    DESTINATION ${package_dir})

set(pc_private "")
if(CANONJIT_LLVM)
    string(APPEND pc_private " -L${CANONJIT_LLVM_LIBDIR} -lLLVM-${CANONJIT_LLVM_VERSION}")
endif()
foreach(lib IN LISTS static_libs)
    string(APPEND pc_private " -l${lib}")
endforeach()
# The file finds its prefix from where it lies, so that the package may be moved.
file(RELATIVE_PATH pc_prefix "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
configure_file(cmake/canonjit.pc.in canonjit.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/canonjit.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
