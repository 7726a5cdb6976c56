/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Structs that were made for an older or a newer library, and the version that tells which. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <tesser/version.h>

#include "base/sized.h"

/* What a program was built with, and what the library has become. */
typedef struct older {
    size_t struct_size;
    uint64_t first;
} older;
typedef struct known {
    size_t struct_size;
    uint64_t first;
    const char *second;
    uint64_t third;
} known;

static tj_status read_into(known *own, const void *given, tj_error *error)
{
    *own = (known){sizeof *own, 1, "default", 3};
    return tj__sized_read(given, own, "the struct", "KNOWN_INIT", error);
}

static void what_an_older_struct_lacks_has_its_default(void **state)
{
    (void)state;
    older given = {sizeof given, 11};
    known own;
    tj_error error = TJ_ERROR_INIT;
    assert_int_equal(read_into(&own, &given, &error), TJ_OK);
    assert_int_equal(own.struct_size, sizeof own);
    assert_int_equal(own.first, 11);
    assert_string_equal(own.second, "default");
    assert_int_equal(own.third, 3);
}

static void a_struct_of_this_version_is_taken_whole(void **state)
{
    (void)state;
    known given = {sizeof given, 11, "given", 13};
    known own;
    tj_error error = TJ_ERROR_INIT;
    assert_int_equal(read_into(&own, &given, &error), TJ_OK);
    assert_memory_equal(&own, &given, sizeof own);
}

static void an_older_struct_is_filled_up_to_its_end(void **state)
{
    (void)state;
    struct {
        older given;
        uint64_t behind;
    } caller = {{sizeof caller.given, 0}, 4711};
    known own = {sizeof own, 11, "found", 13};
    assert_int_equal(tj__sized_check(&caller.given, sizeof own, "the struct", "KNOWN_INIT", NULL),
                     TJ_OK);
    tj__sized_fill(&caller.given, &own);
    assert_int_equal(caller.given.struct_size, sizeof caller.given);
    assert_int_equal(caller.given.first, 11);
    assert_int_equal(caller.behind, 4711);
}

static void a_newer_struct_says_to_update(void **state)
{
    (void)state;
    known given[2] = {{sizeof given, 0, NULL, 0}};
    known own;
    tj_error error = TJ_ERROR_INIT;
    assert_int_equal(read_into(&own, &given, &error), TJ_MISUSE);
    assert_non_null(strstr(error.message, "the struct was made for a newer library"));
    assert_non_null(strstr(error.message, tj_version()));
    assert_int_equal(own.first, 1);
}

static void a_size_that_no_struct_ever_had_is_not_initialized(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, sizeof(size_t), sizeof(older) - 1, sizeof(known) - 4};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        known given = {sizes[i], 11, "given", 13};
        known own;
        tj_error error = TJ_ERROR_INIT;
        assert_int_equal(read_into(&own, &given, &error), TJ_MISUSE);
        assert_string_equal(error.message, "the struct is not initialized; start from KNOWN_INIT");
        assert_int_equal(own.first, 1);
    }
    known own;
    assert_int_equal(read_into(&own, NULL, NULL), TJ_MISUSE);
}

static void the_headers_and_the_library_have_the_version_of_the_build(void **state)
{
    (void)state;
    char headers[64];
    snprintf(headers, sizeof headers, "%d.%d.%d", TJ_VERSION_MAJOR, TJ_VERSION_MINOR,
             TJ_VERSION_PATCH);
    assert_string_equal(headers, TJ_VERSION);
    assert_string_equal(tj_version(), TJ_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_an_older_struct_lacks_has_its_default),
        cmocka_unit_test(a_struct_of_this_version_is_taken_whole),
        cmocka_unit_test(an_older_struct_is_filled_up_to_its_end),
        cmocka_unit_test(a_newer_struct_says_to_update),
        cmocka_unit_test(a_size_that_no_struct_ever_had_is_not_initialized),
        cmocka_unit_test(the_headers_and_the_library_have_the_version_of_the_build),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
