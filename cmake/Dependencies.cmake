# SPDX-License-Identifier: MIT OR Apache-2.0
# The foreign libraries, each as one target.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(toml11 REQUIRED)

function(tj_library target header)
    find_path(${target}_INCLUDE ${header} REQUIRED)
    find_library(${target}_LIBRARY NAMES ${ARGN} REQUIRED)
    add_library(${target} INTERFACE)
    target_include_directories(${target} SYSTEM INTERFACE ${${target}_INCLUDE})
    target_link_libraries(${target} INTERFACE ${${target}_LIBRARY})
endfunction()

tj_library(tj_lmdb lmdb.h lmdb)
tj_library(tj_uuid uuid/uuid.h uuid)
tj_library(tj_yajl yajl/yajl_parse.h yajl)
tj_library(tj_sqlite sqlite3.h sqlite3)
tj_library(tj_bid bid_functions.h libbidgcc000.a)
target_compile_definitions(tj_bid INTERFACE DECIMAL_CALL_BY_REFERENCE=0
    DECIMAL_GLOBAL_ROUNDING=0 DECIMAL_GLOBAL_EXCEPTION_FLAGS=0)
# XXH3 is used from its header: the hot paths inline it and no run-time dependency is added.
find_path(TJ_XXHASH_INCLUDE xxhash.h REQUIRED)
add_library(tj_xxhash INTERFACE)
target_include_directories(tj_xxhash SYSTEM INTERFACE ${TJ_XXHASH_INCLUDE})
target_compile_definitions(tj_xxhash INTERFACE XXH_INLINE_ALL)
add_library(tj_toml INTERFACE)
target_link_libraries(tj_toml INTERFACE toml11::toml11)
