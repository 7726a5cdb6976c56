# SPDX-License-Identifier: MIT OR Apache-2.0
# The library's two forms.
add_library(tesser-journal-shared SHARED $<TARGET_OBJECTS:tj_base>)
add_library(tesser-journal-static STATIC ${objects})
