/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * cmocka's assertions for programs that do not run under its runner, but in processes of their own:
 * cmocka keeps their messages for the end of a test, which such a process never reaches. Include it
 * after <cmocka.h>.
 */
#ifndef TJ_TESTS_SUPPORT_ALONE_H
#define TJ_TESTS_SUPPORT_ALONE_H

#undef assert_true
#undef assert_false
#undef assert_null
#undef assert_non_null
#undef assert_int_equal
#undef assert_string_equal

#define assert_true(condition)                                             \
    do {                                                                   \
        if (!(condition)) {                                                \
            fail_msg("%s:%d: not so: %s", __FILE__, __LINE__, #condition); \
        }                                                                  \
    } while (0)
#define assert_false(condition) assert_true(!(condition))
#define assert_null(pointer) assert_true(!(pointer))
#define assert_non_null(pointer) assert_true((pointer) != NULL)

#define assert_int_equal(found, expected)                                                    \
    do {                                                                                     \
        long long alone_found = (long long)(found);                                          \
        long long alone_expected = (long long)(expected);                                    \
        if (alone_found != alone_expected) {                                                 \
            fail_msg("%s:%d: %s is %lld, not %lld", __FILE__, __LINE__, #found, alone_found, \
                     alone_expected);                                                        \
        }                                                                                    \
    } while (0)

#define assert_string_equal(found, expected)                                             \
    do {                                                                                 \
        if (strcmp((found), (expected)) != 0) {                                          \
            fail_msg("%s:%d:\n%s\nis not\n%s", __FILE__, __LINE__, (found), (expected)); \
        }                                                                                \
    } while (0)

#endif
