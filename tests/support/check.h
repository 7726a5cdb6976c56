/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Checks of a status with its details. Include <cmocka.h> first. */
#ifndef TJ_TESTS_SUPPORT_CHECK_H
#define TJ_TESTS_SUPPORT_CHECK_H

#include <stdio.h>
#include <string.h>

#include <tesser/error.h>

/* The details of the thread's last call below; every call passes &err. */
static _Thread_local tj_error err;

#define assert_ok(call)                                                     \
    do {                                                                    \
        err = (tj_error)TJ_ERROR_INIT;                                      \
        tj_status assert_status = (call);                                   \
        if (assert_status != TJ_OK) {                                       \
            fail_msg("%s: %s", tj_status_name(assert_status), err.message); \
        }                                                                   \
        assert_int_equal(err.status, TJ_OK);                                \
    } while (0)

/* The call is refused with this status and a message that holds this text. */
#define assert_refused(call, expected, text)                               \
    do {                                                                   \
        err = (tj_error)TJ_ERROR_INIT;                                     \
        tj_status assert_status = (call);                                  \
        if (assert_status != (expected) || err.status != (expected) ||     \
            !strstr(err.message, (text))) {                                \
            fail_msg("%s, not %s (%s): %s", tj_status_name(assert_status), \
                     tj_status_name(expected), (text), err.message);       \
        }                                                                  \
    } while (0)

#endif
