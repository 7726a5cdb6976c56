/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Segment files: names, listing, preparation. */
#include "built_log.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/stand_in.h"

#define SEGMENT_SIZE ((uint64_t)600 << 10) /* several pieces, the last one not whole */

static int write_back_fails_with; /* 0: it works */

STAND_IN int sync_file_range(int fd, off_t offset, off_t size, unsigned how)
{
    if (write_back_fails_with != 0) {
        errno = write_back_fails_with;
        return -1;
    }
    return (int)syscall(SYS_sync_file_range, fd, offset, size, how);
}

static void touch(const built_log *log, const char *name)
{
    tj_error error = TJ_ERROR_INIT;
    char path[400];
    int fd = -1;
    snprintf(path, sizeof path, "%s/%s", log->directory, name);
    must(tj__file_open(path, O_WRONLY | O_CREAT, &fd, &error), &error);
    tj__file_close(fd);
}

static void directory_message(const built_log *log, char out[600], const char *before,
                              const char *name, const char *after)
{
    snprintf(out, 600, "%s%s/%s%s", before, log->directory, name, after);
}

static void paths_have_ten_digits(void **unused)
{
    (void)unused;
    char path[TJ__SEGMENT_PATH_SIZE];
    char long_directory[TJ__SEGMENT_PATH_SIZE];
    tj_error error = TJ_ERROR_INIT;
    must(tj__segment_path(path, "j/log", 1, &error), &error);
    assert_string_equal(path, "j/log/0000000001.log");
    must(tj__segment_path(path, "j/log", TJ__ORDINAL_MAX, &error), &error);
    assert_string_equal(path, "j/log/9999999999.log");
    assert_int_equal(tj__segment_path(path, "j/log", 10000000000, &error), TJ_LIMIT);
    assert_string_equal(error.message, "segment ordinal 10000000000 is not in 1 to 9999999999");
    assert_int_equal(tj__segment_path(path, "j/log", 0, &error), TJ_LIMIT);
    memset(long_directory, 'd', sizeof long_directory);
    long_directory[sizeof long_directory - 1] = '\0';
    assert_int_equal(tj__segment_path(path, long_directory, 1, &error), TJ_LIMIT);
}

static void segments_are_listed_in_order(void **unused)
{
    (void)unused;
    built_log log;
    tj_error error = TJ_ERROR_INIT;
    tj__segment_list list;
    built_open(&log, 8192);
    touch(&log, "0000000003.log");
    touch(&log, "0000000002.log");
    touch(&log, "0000000004.tmp");
    must(tj__segment_list_read(log.directory, &list, &error), &error);
    assert_int_equal(list.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(list.ordinals[i], i + 1);
    }
    tj__segment_list_dispose(&list);
    assert_int_equal(list.count, 0);
    built_close(&log);
}

static void many_segments_are_listed(void **unused)
{
    (void)unused;
    built_log log;
    tj_error error = TJ_ERROR_INIT;
    tj__segment_list list;
    built_open(&log, 8192);
    for (unsigned i = 2; i <= 200; i++) {
        char name[40];
        snprintf(name, sizeof name, "%010u.log", i);
        touch(&log, name);
    }
    must(tj__segment_list_read(log.directory, &list, &error), &error);
    assert_int_equal(list.count, 200);
    assert_int_equal(list.ordinals[0], 1);
    assert_int_equal(list.ordinals[199], 200);
    tj__segment_list_dispose(&list);
    built_close(&log);
}

static void foreign_names_are_counted(void **unused)
{
    (void)unused;
    static const char *const names[] = {
        "notes.txt",        "0000000000.log",        "000000001.log",
        "00000000010.log",  "000000000a.log",        "0000000001.lo",
        ".DS_Store",        "0000000001.log~",       ".0000000001.log.swp",
        ".nfs000000000001", ".0000000001.log.AbCdEf"};
    built_log log;
    tj_error error = TJ_ERROR_INIT;
    tj__segment_list list;
    built_open(&log, 8192);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        touch(&log, names[i]);
        must(tj__segment_list_read(log.directory, &list, &error), &error);
        assert_int_equal(list.count, 1);
        assert_int_equal(list.stranger_count, i + 1);
        assert_true(i > 0 || strcmp(list.stranger, names[0]) == 0);
        tj__segment_list_dispose(&list);
    }
    built_close(&log);
}

/* What it means is the caller's to say: only a log from some segment on may be needed. */
static void gaps_are_listed_and_named(void **unused)
{
    (void)unused;
    built_log log;
    tj_error error = TJ_ERROR_INIT;
    tj__segment_list list;
    char message[600];
    built_open(&log, 8192);
    touch(&log, "0000000004.log");
    touch(&log, "0000000002.log");
    must(tj__segment_list_read(log.directory, &list, &error), &error);
    assert_int_equal(list.count, 3);
    assert_int_equal(tj__segment_list_gap(&list, 1), 3);
    assert_int_equal(tj__segment_list_gap(&list, 3), 3);
    assert_int_equal(tj__segment_list_gap(&list, 4), 0);
    assert_int_equal(tj__segment_list_gap(&list, 5), 0);
    must(tj__segment_list_whole(&list, log.directory, 4, &error), &error);
    assert_int_equal(tj__segment_list_whole(&list, log.directory, 1, &error), TJ_CORRUPT);
    directory_message(&log, message, "log segment ", "0000000003.log",
                      " is missing, though a later one is there");
    assert_string_equal(error.message, message);
    directory_message(&log, message, "", "0000000003.log", "");
    assert_string_equal(error.place, message);
    tj__segment_list_dispose(&list);
    built_close(&log);
    assert_int_equal(tj__segment_list_read(log.directory, &list, &error), TJ_NOT_FOUND);
}

static void check_zeros(const built_log *log, uint64_t ordinal, uint64_t from)
{
    uint64_t size = size_of(log, ordinal);
    uint8_t *bytes = malloc((size_t)(size - from));
    assert_non_null(bytes);
    peek(log, ordinal, from, bytes, (size_t)(size - from));
    assert_true(tj__bytes_all_zero(tj__bytes_of(bytes, (size_t)(size - from))));
    free(bytes);
}

static void a_prepared_segment_is_zeros(void **unused)
{
    (void)unused;
    built_log log;
    tj_error error = TJ_ERROR_INIT;
    char leftover[400];
    built_open(&log, 8192);
    touch(&log, "0000000002.tmp");
    snprintf(leftover, sizeof leftover, "%s/0000000002.tmp", log.directory);
    must(tj__segment_prepare(log.directory, 2, SEGMENT_SIZE, NULL, NULL, &error), &error);
    assert_int_equal(size_of(&log, 2), SEGMENT_SIZE);
    check_zeros(&log, 2, 0);
    assert_false(access(leftover, F_OK) == 0);
    built_close(&log);
}

static void a_prepared_segment_can_have_a_header(void **unused)
{
    (void)unused;
    built_log log;
    tj_error error = TJ_ERROR_INIT;
    uint8_t block[TJ__SEGMENT_HEADER_SIZE];
    tj__segment_header found;
    built_open(&log, 8192);
    tj__segment_header header = {built_id, 2, 5, 6, 7, SEGMENT_SIZE};
    must(tj__segment_prepare(log.directory, 2, SEGMENT_SIZE, &header, NULL, &error), &error);
    peek(&log, 2, 0, block, sizeof block);
    must(tj__segment_header_decode(block, &built_id, 2, &found, "x", &error), &error);
    assert_int_equal(found.first_sequence, 5);
    check_zeros(&log, 2, TJ__SEGMENT_HEADER_SIZE);
    built_close(&log);
}

static void preparing_can_be_refused(void **unused)
{
    (void)unused;
    built_log log;
    tj_error error = TJ_ERROR_INIT;
    char message[600];
    built_open(&log, 8192);
    assert_int_equal(tj__segment_prepare(log.directory, 1, 8192, NULL, NULL, &error), TJ_EXISTS);
    directory_message(&log, message, "log segment ", "0000000001.log", " is already there");
    assert_string_equal(error.message, message);
    assert_int_equal(tj__segment_prepare(log.directory, 2, 8191, NULL, NULL, &error), TJ_MISUSE);
    assert_string_equal(error.message, "a segment of 8191 bytes is not possible");
    assert_int_equal(tj__segment_prepare(log.directory, 2, 4096, NULL, NULL, &error), TJ_MISUSE);
    built_close(&log);
    assert_int_equal(tj__segment_prepare(log.directory, 2, 8192, NULL, NULL, &error), TJ_NOT_FOUND);
}

static void preparing_can_be_cancelled(void **unused)
{
    (void)unused;
    built_log log;
    tj_error error = TJ_ERROR_INIT;
    tj__segment_list list;
    char leftover[400];
    char message[600];
    volatile int cancel = 1;
    built_open(&log, 8192);
    snprintf(leftover, sizeof leftover, "%s/0000000002.tmp", log.directory);
    assert_int_equal(tj__segment_prepare(log.directory, 2, SEGMENT_SIZE, NULL, &cancel, &error),
                     TJ_CLOSED);
    directory_message(&log, message, "preparing ", "0000000002.tmp", " was cancelled");
    assert_string_equal(error.message, message);
    assert_false(access(leftover, F_OK) == 0);
    must(tj__segment_list_read(log.directory, &list, &error), &error);
    assert_int_equal(list.count, 1);
    tj__segment_list_dispose(&list);
    built_close(&log);
}

/* The flush that follows does the same; but a disk that fails is told. */
static void writing_back_is_only_a_hint(void **unused)
{
    (void)unused;
    built_log log;
    tj_error error = TJ_ERROR_INIT;
    char path[TJ__SEGMENT_PATH_SIZE];
    built_open(&log, 8192);
    write_back_fails_with = ENOSYS;
    must(tj__segment_prepare(log.directory, 2, SEGMENT_SIZE, NULL, NULL, &error), &error);
    assert_int_equal(size_of(&log, 2), SEGMENT_SIZE);
    write_back_fails_with = EIO;
    assert_int_equal(tj__segment_prepare(log.directory, 3, SEGMENT_SIZE, NULL, NULL, &error),
                     TJ_IO);
    assert_non_null(strstr(error.message, "0000000003.tmp"));
    write_back_fails_with = 0;
    path_of(&log, 3, path);
    assert_false(access(path, F_OK) == 0);
    strcpy(strrchr(path, '.'), ".tmp");
    assert_false(access(path, F_OK) == 0);
    built_close(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_have_ten_digits),
        cmocka_unit_test(segments_are_listed_in_order),
        cmocka_unit_test(many_segments_are_listed),
        cmocka_unit_test(foreign_names_are_counted),
        cmocka_unit_test(gaps_are_listed_and_named),
        cmocka_unit_test(a_prepared_segment_is_zeros),
        cmocka_unit_test(a_prepared_segment_can_have_a_header),
        cmocka_unit_test(preparing_can_be_refused),
        cmocka_unit_test(preparing_can_be_cancelled),
        cmocka_unit_test(writing_back_is_only_a_hint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
