/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Messages and their context, cut at a whole character; statuses of errno; advice. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/error.h"

static void a_failure_starts_afresh(void **state)
{
    (void)state;
    tj_error error = {TJ_FULL, ENOSPC, -30, "place", "message"};
    assert_int_equal(tj__fail(&error, TJ_CORRUPT, "record %d is bad", 7), TJ_CORRUPT);
    assert_int_equal(error.status, TJ_CORRUPT);
    assert_int_equal(error.os_errno, 0);
    assert_int_equal(error.engine_code, 0);
    assert_string_equal(error.place, "");
    assert_string_equal(error.message, "record 7 is bad");
}

static void context_goes_outward(void **state)
{
    (void)state;
    tj_error error = TJ_ERROR_INIT;
    assert_int_equal(tj__fail_errno(&error, ENOSPC, "appending to %s", "1.log"), TJ_FULL);
    tj__error_context(&error, "in %s", "./journal");
    tj__error_place(&error, "%s", "./journal/log/1.log");
    assert_string_equal(error.message, "no space left on device: appending to 1.log: in ./journal");
    assert_string_equal(error.place, "./journal/log/1.log");
    assert_int_equal(error.os_errno, ENOSPC);
    assert_int_equal(error.status, TJ_FULL);
}

static void errors_may_be_null(void **state)
{
    (void)state;
    assert_int_equal(tj__fail(NULL, TJ_BUSY, "x"), TJ_BUSY);
    assert_int_equal(tj__fail_errno(NULL, EACCES, "x"), TJ_IO);
    tj__error_context(NULL, "x");
    tj__error_place(NULL, "x");
}

static void errno_gives_the_status(void **state)
{
    (void)state;
    static const struct {
        int os_errno;
        tj_status status;
        const char *text;
    } cases[] = {
        {ENOSPC, TJ_FULL, "no space left on device: x"},
        {EDQUOT, TJ_FULL, "disk quota exceeded: x"},
        {ENOMEM, TJ_NOMEM, "cannot allocate memory: x"},
        {EROFS, TJ_READONLY, "read-only file system: x"},
        {ENOENT, TJ_NOT_FOUND, "no such file or directory: x"},
        {EIO, TJ_IO, "input/output error: x"},
        {EACCES, TJ_IO, "permission denied: x"},
        {EDOTDOT, TJ_IO, "RFS specific error: x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tj_error error = TJ_ERROR_INIT;
        assert_int_equal(tj__fail_errno(&error, cases[i].os_errno, "x"), cases[i].status);
        assert_string_equal(error.message, cases[i].text);
        assert_int_equal(error.os_errno, cases[i].os_errno);
    }
}

static void long_texts_are_cut(void **state)
{
    (void)state;
    char text[2 * TJ_ERROR_MESSAGE_SIZE];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    tj_error error = TJ_ERROR_INIT;
    tj__fail(&error, TJ_IO, "%s", text);
    assert_int_equal(strlen(error.message), TJ_ERROR_MESSAGE_SIZE - 1);
    assert_string_equal(error.message + TJ_ERROR_MESSAGE_SIZE - 5, "a...");
    tj__error_context(&error, "more");
    assert_string_equal(error.message + TJ_ERROR_MESSAGE_SIZE - 5, "a...");
    tj__error_place(&error, "%s", text);
    assert_int_equal(strlen(error.place), TJ_ERROR_PLACE_SIZE - 1);
    assert_string_equal(error.place + TJ_ERROR_PLACE_SIZE - 5, "a...");
}

static void every_length_of_context_fits(void **state)
{
    (void)state;
    char text[TJ_ERROR_MESSAGE_SIZE];
    for (size_t size = TJ_ERROR_MESSAGE_SIZE - 20; size < TJ_ERROR_MESSAGE_SIZE; size++) {
        memset(text, 'a', size);
        text[size] = '\0';
        tj_error error = TJ_ERROR_INIT;
        tj__fail(&error, TJ_IO, "%s", text);
        assert_string_equal(error.message, text);
        tj__error_context(&error, "%s", "context");
        size_t whole = size + strlen(": context");
        size_t length = strlen(error.message);
        assert_true(length < TJ_ERROR_MESSAGE_SIZE);
        assert_memory_equal(error.message, text, size < 1020 ? size : 1020);
        if (whole < TJ_ERROR_MESSAGE_SIZE) {
            assert_int_equal(length, whole);
            assert_string_equal(error.message + size, ": context");
        }
    }
}

static void a_character_is_not_cut_in_halves(void **state)
{
    (void)state;
    for (size_t before = TJ_ERROR_MESSAGE_SIZE - 8; before < TJ_ERROR_MESSAGE_SIZE - 4; before++) {
        char text[TJ_ERROR_MESSAGE_SIZE + 8];
        memset(text, 'a', before);
        snprintf(text + before, sizeof text - before, "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac");
        tj_error error = TJ_ERROR_INIT;
        tj__fail(&error, TJ_IO, "%s", text);
        size_t length = strlen(error.message);
        assert_string_equal(error.message + length - 3, "...");
        assert_int_equal((length - 3 - before) % 3, 0);
    }
}

static void a_message_may_be_its_own_argument(void **state)
{
    (void)state;
    tj_error error = TJ_ERROR_INIT;
    tj__fail(&error, TJ_IO, "first");
    tj__fail(&error, TJ_CORRUPT, "second after %s", error.message);
    assert_string_equal(error.message, "second after first");
}

static void names_and_advice(void **state)
{
    (void)state;
    assert_string_equal(tj_status_name(TJ_OK), "OK");
    assert_string_equal(tj_status_name(TJ_FORMAT_NEWER), "FORMAT_NEWER");
    assert_string_equal(tj_status_name(TJ_INEXACT), "INEXACT");
    assert_string_equal(tj_status_name(TJ_UNKNOWN), "UNKNOWN");
    assert_string_equal(tj_status_name((tj_status)19), "NO_STATUS");
    assert_string_equal(tj_status_name((tj_status)-1), "NO_STATUS");
    assert_int_equal(tj_status_advice(TJ_OK), TJ_ADVICE_NONE);
    assert_int_equal(tj_status_advice(TJ_FULL), TJ_ADVICE_OPERATOR);
    assert_int_equal(tj_status_advice(TJ_CORRUPT), TJ_ADVICE_STOP);
    assert_int_equal(tj_status_advice(TJ_INVALID), TJ_ADVICE_FIX_CALL);
    assert_int_equal(tj_status_advice((tj_status)19), TJ_ADVICE_STOP);
    assert_string_equal(tj_advice_text(TJ_ADVICE_RETRY), "Try again later.");
    assert_string_equal(tj_advice_text(TJ_ADVICE_NONE), "");
    for (int status = TJ_MISUSE; status <= TJ_UNKNOWN; status++) {
        assert_true(strlen(tj_advice_text(tj_status_advice((tj_status)status))) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_starts_afresh),
        cmocka_unit_test(context_goes_outward),
        cmocka_unit_test(errors_may_be_null),
        cmocka_unit_test(errno_gives_the_status),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(every_length_of_context_fits),
        cmocka_unit_test(a_character_is_not_cut_in_halves),
        cmocka_unit_test(a_message_may_be_its_own_argument),
        cmocka_unit_test(names_and_advice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
