# SPDX-License-Identifier: MIT OR Apache-2.0
# The foreign libraries, each as one target. All are looked for before anything is said of one that is
# missing, by the name of its Debian package.
set(tj_missing "")

# tj_need(PACKAGE VARIABLE...): the package is missing when one of the variables is false.
macro(tj_need package)
    foreach(tj_found ${ARGN})
        if(NOT ${tj_found})
            list(APPEND tj_missing ${package})
        endif()
    endforeach()
endmacro()

macro(tj_library target package header)
    find_path(${target}_INCLUDE ${header})
    find_library(${target}_LIBRARY NAMES ${ARGN})
    tj_need(${package} ${target}_INCLUDE ${target}_LIBRARY)
    if(${target}_INCLUDE AND ${target}_LIBRARY)
        add_library(${target} INTERFACE)
        target_include_directories(${target} SYSTEM INTERFACE ${${target}_INCLUDE})
        target_link_libraries(${target} INTERFACE ${${target}_LIBRARY})
    endif()
endmacro()

find_package(Threads REQUIRED)
find_package(PkgConfig QUIET)
tj_need(pkg-config PKG_CONFIG_FOUND)
find_package(toml11 QUIET)
tj_need(libtoml11-dev toml11_FOUND)
tj_library(tj_lmdb liblmdb-dev lmdb.h lmdb)
tj_library(tj_uuid uuid-dev uuid/uuid.h uuid)
tj_library(tj_sqlite libsqlite3-dev sqlite3.h sqlite3)
tj_library(tj_smartcols libsmartcols-dev libsmartcols/libsmartcols.h smartcols)
tj_library(tj_zstd libzstd-dev zstd.h zstd)
tj_library(tj_bid libintelrdfpmath-dev bid_functions.h libbidgcc000.a)
# XXH3 is used from its header: the hot paths inline it and no run-time dependency is added.
find_path(TJ_XXHASH_INCLUDE xxhash.h)
tj_need(libxxhash-dev TJ_XXHASH_INCLUDE)

if(tj_missing)
    list(REMOVE_DUPLICATES tj_missing)
    string(REPLACE ";" " " tj_missing "${tj_missing}")
    message(FATAL_ERROR "Missing are, by their Debian names: ${tj_missing}. "
        "In a checkout `make setup` installs them; elsewhere: apt-get install ${tj_missing}")
endif()

target_compile_definitions(tj_bid INTERFACE DECIMAL_CALL_BY_REFERENCE=0
    DECIMAL_GLOBAL_ROUNDING=0 DECIMAL_GLOBAL_EXCEPTION_FLAGS=0)
add_library(tj_xxhash INTERFACE)
target_include_directories(tj_xxhash SYSTEM INTERFACE ${TJ_XXHASH_INCLUDE})
target_compile_definitions(tj_xxhash INTERFACE XXH_INLINE_ALL)
add_library(tj_toml INTERFACE)
target_link_libraries(tj_toml INTERFACE toml11::toml11)
