# SPDX-License-Identifier: MIT OR Apache-2.0
# The library's two forms, made of every room once, and how they are installed.
set(objects "")
foreach(room ${TJ_ROOMS})
    list(APPEND objects $<TARGET_OBJECTS:${room}>)
endforeach()
set(TJ_FOREIGN tj_bid tj_uuid tj_lmdb tj_sqlite tj_zstd Threads::Threads ${CMAKE_DL_LIBS})
# As an outside program links them beside the archive; the shared library carries its needs itself.
set(TJ_STATIC_NEEDS bidgcc000 uuid lmdb sqlite3 zstd stdc++)

add_library(tesser-journal-shared SHARED ${objects})
add_library(tesser-journal-static STATIC ${objects})
foreach(form shared static)
    set(target tesser-journal-${form})
    set_target_properties(${target} PROPERTIES OUTPUT_NAME tesser-journal)
    target_include_directories(${target} INTERFACE
        $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endforeach()

# Exported is what TJ_API marks, and nothing of the archives and templates folded in.
set(version_script ${PROJECT_SOURCE_DIR}/cmake/exports.map)
set_target_properties(tesser-journal-shared PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION 0
    EXPORT_NAME tesser-journal LINK_DEPENDS ${version_script} INSTALL_RPATH "$ORIGIN")
target_link_libraries(tesser-journal-shared PRIVATE tj_options ${TJ_FOREIGN})
target_link_options(tesser-journal-shared PRIVATE -Wl,--exclude-libs,ALL
    -Wl,--version-script=${version_script})
if(TJ_SANITIZE) # The sanitizer's own library is linked into programs, not into this one.
    target_link_options(tesser-journal-shared INTERFACE -fsanitize=${TJ_SANITIZE})
else()
    target_link_options(tesser-journal-shared PRIVATE -Wl,--no-undefined)
endif()

set_target_properties(tesser-journal-static PROPERTIES EXPORT_NAME static)
target_link_libraries(tesser-journal-static INTERFACE
    "$<BUILD_INTERFACE:${TJ_FOREIGN}>" "$<INSTALL_INTERFACE:${TJ_STATIC_NEEDS};Threads::Threads>")

add_library(tesser-journal::tesser-journal ALIAS tesser-journal-shared)
add_library(tesser-journal::static ALIAS tesser-journal-static)

# For the tests and tools of this tree, which may see the library's insides.
add_library(tj_all INTERFACE)
target_link_libraries(tj_all INTERFACE tesser-journal-static tj_options tj_xxhash)

# ---- installation ----
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tesser-journal)
string(REGEX REPLACE "[^/]+" ".." TJ_PREFIX_FROM_PC ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
list(TRANSFORM TJ_STATIC_NEEDS PREPEND "-l" OUTPUT_VARIABLE TJ_PC_LIBS_PRIVATE)
list(JOIN TJ_PC_LIBS_PRIVATE " " TJ_PC_LIBS_PRIVATE)
configure_file(cmake/tesser-journal.pc.in tesser-journal.pc @ONLY)
configure_file(cmake/tesser-journal-static.pc.in tesser-journal-static.pc @ONLY)
configure_package_config_file(cmake/tesser-journal-config.cmake.in tesser-journal-config.cmake
    INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(tesser-journal-config-version.cmake
    COMPATIBILITY SameMinorVersion)
install(TARGETS tesser-journal-shared tesser-journal-static EXPORT tesser-journal)
install(EXPORT tesser-journal DESTINATION ${package_dir} NAMESPACE tesser-journal::
    FILE tesser-journal-targets.cmake)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/tesser-journal-config.cmake
    ${CMAKE_CURRENT_BINARY_DIR}/tesser-journal-config-version.cmake DESTINATION ${package_dir})
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/tesser-journal.pc
    ${CMAKE_CURRENT_BINARY_DIR}/tesser-journal-static.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(DIRECTORY include/tesser DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")
# Man pages of the headers, from their comments.
find_package(Python3 COMPONENTS Interpreter)
if(Python3_Interpreter_FOUND)
    set(header_pages ${CMAKE_CURRENT_BINARY_DIR}/man3)
    file(GLOB headers CONFIGURE_DEPENDS include/tesser/*.h)
    add_custom_command(OUTPUT ${header_pages}/tesser_journal.h.3
        COMMAND ${CMAKE_COMMAND} -E rm -rf ${header_pages}
        COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/cmake/header_pages.py
            ${PROJECT_SOURCE_DIR}/include/tesser ${header_pages} ${PROJECT_VERSION}
        DEPENDS ${PROJECT_SOURCE_DIR}/cmake/header_pages.py ${headers} VERBATIM)
    add_custom_target(tesser-journal-header-pages ALL DEPENDS ${header_pages}/tesser_journal.h.3)
    install(DIRECTORY ${header_pages}/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man3)
else()
    message(STATUS "The man pages of the headers are left out: there is no python3 to make them.")
endif()
install(FILES README.md CHANGELOG.md LICENSE-APACHE LICENSE-MIT TYPE DOC)
install(DIRECTORY docs contrib TYPE DOC)
install(DIRECTORY examples TYPE DOC FILES_MATCHING PATTERN "*.[ch]" PATTERN "*.cpp" PATTERN "*.py" PATTERN "*.mjs"
    PATTERN "*.go")
