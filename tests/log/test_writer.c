/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The log's writer when nothing fails: what it writes, and how often it flushes. */
#include "log/writer_fixture.h"

#include <sys/wait.h>

static void a_lone_save_costs_one_write_and_one_flush(void **state)
{
    (void)state;
    fixture log;
    appended_body bodies[50];
    tj__position end;
    create_log(&log, TJ_SEGMENT_SIZE_DEFAULT, TJ_DURABILITY_SYNC);
    for (uint64_t i = 1; i <= 50; i++) {
        bodies[i - 1] = (appended_body){BODY, i};
        assert_int_equal(must_append(&log, BODY, i), i);
        expect_io((long)i - 1, (long)i - 1);
        must_wait(&log, i);
        expect_io((long)i, (long)i);
        assert_int_equal(tj__log_writer_acknowledged(log.writer), i);
        assert_int_equal(atomic_load(&log.published), i);
    }
    must_wait(&log, 17);
    must_close(&log);
    expect_io(50, 50);
    assert_int_equal(read_log(&log, bodies, 50, &end), 50);
    remove_log(&log);
}

static void os_mode_writes_at_once_and_flushes_when_asked(void **state)
{
    (void)state;
    fixture log;
    uint64_t durable = 0;
    create_log(&log, TJ_SEGMENT_SIZE_DEFAULT, TJ_DURABILITY_OS);
    must_wait(&log, must_append(&log, BODY, 1));
    must_wait(&log, must_append(&log, BODY, 2));
    expect_io(2, 0);
    assert_int_equal(tj__log_writer_sync(log.writer, &durable, NULL), TJ_OK);
    assert_int_equal(durable, 2);
    expect_io(2, 1);
    assert_int_equal(tj__log_writer_sync(log.writer, &durable, NULL), TJ_OK);
    expect_io(2, 1);
    (void)must_append(&log, BODY, 3);
    assert_int_equal(tj__log_writer_sync(log.writer, &durable, NULL), TJ_OK);
    assert_int_equal(durable, 3);
    expect_io(3, 2);
    must_wait(&log, must_append(&log, BODY, 4));
    must_close(&log);
    expect_io(4, 3);
    remove_log(&log);
}

static void os_mode_flushes_a_full_segment(void **state)
{
    (void)state;
    fixture log;
    create_log(&log, SMALL_SEGMENT, TJ_DURABILITY_OS);
    uint64_t sequence = 0;
    while (sequence * tj__record_size(BODY) < SMALL_SEGMENT - 4096 - TJ__SEAL_SIZE - 704) {
        sequence = must_append(&log, BODY, sequence + 1);
        must_wait(&log, sequence);
    }
    expect_io((long)sequence, 0);
    sequence = must_append(&log, BODY, sequence + 1);
    expect_io((long)sequence, 1);
    must_wait(&log, sequence);
    expect_io((long)sequence + 1, 1);
    must_close(&log);
    remove_log(&log);
}

static void a_record_nobody_waits_for_is_written_by_the_next_leader(void **state)
{
    (void)state;
    fixture log;
    appended_body bodies[] = {{10, 1}, {20, 2}, {30, 3}, {40, 4}};
    tj__position end;
    create_log(&log, SMALL_SEGMENT, TJ_DURABILITY_SYNC);
    (void)must_append(&log, 10, 1);
    (void)must_append(&log, 20, 2);
    expect_io(0, 0);
    must_wait(&log, must_append(&log, 30, 3));
    expect_io(1, 1);
    assert_int_equal(must_append(&log, 40, 4), 4);
    must_close(&log);
    expect_io(2, 2);
    assert_int_equal(read_log(&log, bodies, 4, &end), 4);
    remove_log(&log);
}

static void time_rises_whatever_the_clock_says(void **state)
{
    (void)state;
    fixture log;
    create_log(&log, SMALL_SEGMENT, TJ_DURABILITY_SYNC);
    must_close(&log);
    tj__position future = log_start;
    future.time = INT64_C(8000000000000000000);
    open_log(&log, &future);
    uint64_t sequence = 0;
    tj__commit_record none = {0};
    assert_int_equal(tj__log_writer_append(log.writer, &none, &sequence, NULL), TJ_OK);
    assert_int_equal(tj__log_writer_append(log.writer, &none, &sequence, NULL), TJ_OK);
    must_close(&log);
    tj__log_reader *reader = NULL;
    assert_int_equal(
        tj__log_reader_open(log.directory, &log.options.journal_id, &log_start, &reader, NULL),
        TJ_OK);
    for (tj_time time = future.time + 1; time <= future.time + 2; time++) {
        tj__log_next next;
        tj__record record;
        assert_int_equal(tj__log_reader_next(reader, &next, &record, NULL), TJ_OK);
        assert_int_equal(next, TJ__LOG_RECORD);
        assert_int_equal(record.time, time);
    }
    tj__log_reader_close(reader);
    remove_log(&log);
}

/* The durable sequence that record 3 names, when all before it were waited for. */
static uint64_t durable_in_third_record(tj_durability durability)
{
    fixture log;
    char path[TJ__SEGMENT_PATH_SIZE];
    uint8_t header[TJ__RECORD_HEADER_SIZE];
    int fd = -1;
    create_log(&log, SMALL_SEGMENT, durability);
    must_wait(&log, must_append(&log, 1, 1));
    must_wait(&log, must_append(&log, 2, 2));
    (void)must_append(&log, 3, 3);
    must_close(&log);
    segment_path(&log, 1, path);
    assert_int_equal(tj__file_open(path, O_RDONLY, &fd, NULL), TJ_OK);
    assert_int_equal(tj__file_read_at(fd, path, header, sizeof header, 4096 + 256, NULL), TJ_OK);
    tj__file_close(fd);
    assert_int_equal(tj__load_u64(header + 24), 3);
    remove_log(&log);
    return tj__load_u64(header + 48);
}

static void behind_the_last_time_nothing_is_appended(void **state)
{
    (void)state;
    fixture log;
    tj_error error = TJ_ERROR_INIT;
    uint64_t sequence = 0;
    create_log(&log, SMALL_SEGMENT, TJ_DURABILITY_SYNC);
    must_close(&log);
    tj__position end = log_start;
    end.time = INT64_MAX - 1;
    open_log(&log, &end);
    must_wait(&log, must_append(&log, 10, 1));
    assert_int_equal(append_body(&log, 10, 2, &sequence, &error), TJ_LIMIT);
    assert_non_null(strstr(error.message, "the last time that can be stored"));
    must_close(&log);
    remove_log(&log);
}

static void a_record_names_what_was_durable_before_it(void **state)
{
    (void)state;
    assert_int_equal(durable_in_third_record(TJ_DURABILITY_SYNC), 2);
    assert_int_equal(durable_in_third_record(TJ_DURABILITY_OS), 0);
}

static void the_log_goes_on_where_it_was_closed(void **state)
{
    (void)state;
    enum { ROUNDS = 40, EACH = 7 };
    fixture log;
    appended_body bodies[ROUNDS * EACH];
    tj__position end = log_start;
    create_log(&log, SMALL_SEGMENT, TJ_DURABILITY_SYNC);
    for (uint64_t round = 0, n = 0; round < ROUNDS; round++) {
        for (int i = 0; i < EACH; i++, n++) {
            bodies[n] = (appended_body){(size_t)(n * 97 % 2000), n};
            assert_int_equal(must_append(&log, bodies[n].size, n), n + 1);
        }
        must_close(&log);
        assert_int_equal(read_log(&log, bodies, n, &end), n);
        open_log(&log, &end);
    }
    assert_true(end.ordinal > 3);
    must_close(&log);
    remove_log(&log);
}

static void opening_refuses_a_place_where_the_log_cannot_end(void **state)
{
    (void)state;
    fixture log;
    tj_error error = TJ_ERROR_INIT;
    char text[2 * TJ__SEGMENT_PATH_SIZE];
    char path[TJ__SEGMENT_PATH_SIZE];
    create_log(&log, SMALL_SEGMENT, TJ_DURABILITY_SYNC);
    must_close(&log);
    segment_path(&log, 1, path);
    uint64_t offsets[] = {0, 64, 4097, SMALL_SEGMENT - 64, SMALL_SEGMENT};
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        tj__position end = log_start;
        end.offset = offsets[i];
        assert_int_equal(tj__log_writer_open(&log.options, &end, &log.writer, &error), TJ_CORRUPT);
        assert_null(log.writer);
        snprintf(text, sizeof text, "the log cannot go on at offset %" PRIu64 " of %s", offsets[i],
                 path);
        assert_string_equal(error.message, text);
    }
    assert_int_equal(truncate(path, 32768), 0);
    assert_int_equal(tj__log_writer_open(&log.options, &log_start, &log.writer, &error),
                     TJ_CORRUPT);
    snprintf(text, sizeof text, "%s has 32768 bytes, its header says 65536", path);
    assert_string_equal(error.message, text);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(tj__log_writer_open(&log.options, &log_start, &log.writer, &error),
                     TJ_NOT_FOUND);
    assert_null(log.writer);
    remove_log(&log);
}

static void records_larger_than_a_segment_get_their_own(void **state)
{
    (void)state;
    fixture log;
    tj__position end;
    struct stat found;
    char path[TJ__SEGMENT_PATH_SIZE];
    appended_body bodies[] = {{100, 1}, {300000, 2}, {100, 3}, {40000, 4}, {5 << 20, 5}, {9, 6}};
    create_log(&log, SMALL_SEGMENT, TJ_DURABILITY_SYNC);
    for (size_t i = 0; i < 6; i++) {
        must_wait(&log, must_append(&log, bodies[i].size, bodies[i].number));
        if (i == 3) {
            /* The large one finds a successor of the usual size, prepared and not begun. */
            assert_true(tj__log_writer_wants_prepare(log.writer));
            assert_int_equal(tj__log_writer_prepare(log.writer, NULL), TJ_OK);
            assert_false(tj__log_writer_wants_prepare(log.writer));
        }
    }
    must_close(&log);
    assert_int_equal(read_log(&log, bodies, 6, &end), 6);
    uint64_t sizes[] = {SMALL_SEGMENT, 4096 + 300096 + 128, SMALL_SEGMENT, 4096 + 5243008 + 128,
                        SMALL_SEGMENT};
    for (uint64_t ordinal = 1; ordinal <= 5; ordinal++) {
        segment_path(&log, ordinal, path);
        assert_int_equal(stat(path, &found), 0);
        assert_int_equal(found.st_size, sizes[ordinal - 1]);
    }
    assert_int_equal(end.ordinal, 5);
    remove_log(&log);
}

static void a_large_record_can_begin_a_prepared_segment(void **state)
{
    (void)state;
    fixture log;
    tj__position end;
    appended_body bodies[] = {{100, 1}, {70000, 2}, {100, 3}};
    create_log(&log, SMALL_SEGMENT, TJ_DURABILITY_SYNC);
    must_close(&log);
    char path[TJ__SEGMENT_PATH_SIZE];
    segment_path(&log, 1, path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(tj__segment_prepare(log.directory, 1, SMALL_SEGMENT, NULL, NULL, NULL), TJ_OK);
    open_log(&log, &log_start);
    atomic_store(&io.disk_full, true);
    uint64_t sequence = 99;
    tj_error error = TJ_ERROR_INIT;
    assert_int_equal(append_body(&log, 70000, 2, &sequence, &error), TJ_FULL);
    assert_int_equal(sequence, 99);
    struct stat found;
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_size, SMALL_SEGMENT);
    must_wait(&log, must_append(&log, 100, 1));
    atomic_store(&io.disk_full, false);
    must_wait(&log, must_append(&log, 70000, 2));
    must_wait(&log, must_append(&log, 100, 3));
    must_close(&log);
    assert_int_equal(read_log(&log, bodies, 3, &end), 3);
    remove_log(&log);

    create_log(&log, SMALL_SEGMENT, TJ_DURABILITY_SYNC);
    must_close(&log);
    segment_path(&log, 1, path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(tj__segment_prepare(log.directory, 1, SMALL_SEGMENT, NULL, NULL, NULL), TJ_OK);
    open_log(&log, &log_start);
    must_wait(&log, must_append(&log, 70000, 2));
    must_close(&log);
    appended_body alone[] = {{70000, 2}};
    assert_int_equal(read_log(&log, alone, 1, &end), 1);
    assert_int_equal(end.ordinal, 1);
    remove_log(&log);
}

static void the_largest_record_is_taken_and_a_larger_one_refused(void **state)
{
    (void)state;
    fixture log;
    tj__position end;
    tj_error error = TJ_ERROR_INIT;
    uint64_t sequence = 0;
    appended_body bodies[] = {{TJ__RECORD_BODY_SIZE_MAX, 1}, {1, 2}};
    create_log(&log, SMALL_SEGMENT, TJ_DURABILITY_SYNC);
    assert_int_equal(append_body(&log, bodies[0].size + 1, 1, &sequence, &error), TJ_LIMIT);
    assert_string_equal(error.message, "the commit has 67108865 bytes, more than the 67108864 "
                                       "bytes that one commit can have; split it");
    must_wait(&log, must_append(&log, bodies[0].size, 1));
    must_wait(&log, must_append(&log, 1, 2));
    must_close(&log);
    assert_int_equal(read_log(&log, bodies, 2, &end), 2);
    remove_log(&log);
}

static void a_note_counts_for_the_largest_record(void **state)
{
    (void)state;
    fixture log;
    uint64_t sequence = 0;
    tj_error error = TJ_ERROR_INIT;
    uint8_t *body = calloc(1, TJ__RECORD_BODY_SIZE_MAX);
    assert_non_null(body);
    create_log(&log, SMALL_SEGMENT, TJ_DURABILITY_SYNC);
    tj__commit_record commit = {.note = tj__bytes_of("why", 3),
                                .body = tj__bytes_of(body, TJ__RECORD_BODY_SIZE_MAX - 4)};
    assert_int_equal(tj__log_writer_append(log.writer, &commit, &sequence, &error), TJ_LIMIT);
    assert_string_equal(error.message, "the commit has 67108865 bytes with its note, more than the "
                                       "67108864 bytes that one commit can have; split it");
    commit.body.size--;
    assert_int_equal(tj__log_writer_append(log.writer, &commit, &sequence, &error), TJ_OK);
    must_wait(&log, sequence);
    must_close(&log);
    free(body);
    remove_log(&log);
}

static void a_full_batch_is_flushed_before_more_is_appended(void **state)
{
    (void)state;
    enum { COUNT = 14 };
    fixture log;
    tj__position end;
    appended_body bodies[COUNT];
    create_log(&log, TJ_SEGMENT_SIZE_DEFAULT, TJ_DURABILITY_SYNC);
    for (uint64_t i = 1; i <= COUNT; i++) {
        bodies[i - 1] = (appended_body){1000000, i};
        (void)must_append(&log, 1000000, i);
        assert_int_equal(atomic_load(&io.flushes), (i - 1) / 4);
        assert_int_equal(tj__log_writer_acknowledged(log.writer), (i - 1) / 4 * 4);
    }
    must_close(&log);
    assert_int_equal(read_log(&log, bodies, COUNT, &end), COUNT);
    remove_log(&log);
}

static void a_segment_is_prepared_when_half_full(void **state)
{
    (void)state;
    fixture log;
    char path[TJ__SEGMENT_PATH_SIZE];
    create_log(&log, SMALL_SEGMENT, TJ_DURABILITY_SYNC);
    segment_path(&log, 2, path);
    assert_int_equal(tj__log_writer_prepare(log.writer, NULL), TJ_OK);
    assert_false(access(path, F_OK) == 0);
    for (uint64_t i = 1; i <= 60; i++) {
        (void)must_append(&log, BODY, i);
        assert_int_equal(tj__log_writer_wants_prepare(log.writer), 4096 + i * 704 > 32768);
    }
    atomic_store(&io.disk_full, true);
    assert_int_equal(tj__log_writer_prepare(log.writer, NULL), TJ_FULL);
    assert_true(tj__log_writer_wants_prepare(log.writer));
    atomic_store(&io.disk_full, false);
    assert_int_equal(tj__log_writer_prepare(log.writer, NULL), TJ_OK);
    assert_false(tj__log_writer_wants_prepare(log.writer));
    assert_true(access(path, F_OK) == 0);
    must_close(&log);
    remove_log(&log);
}

static void waiting_for_what_was_never_appended_is_misuse(void **state)
{
    (void)state;
    fixture log;
    tj_error error = TJ_ERROR_INIT;
    create_log(&log, SMALL_SEGMENT, TJ_DURABILITY_SYNC);
    assert_int_equal(tj__log_writer_wait(log.writer, 1, &error), TJ_MISUSE);
    assert_string_equal(error.message, "sequence 1 was never appended");
    must_close(&log);
    assert_int_equal(tj__log_writer_close(NULL, &error), TJ_OK);
    remove_log(&log);
}

static void a_forked_child_closes_without_writing(void **state)
{
    (void)state;
    fixture log;
    tj__position end;
    appended_body bodies[] = {{10, 1}, {20, 2}};
    create_log(&log, SMALL_SEGMENT, TJ_DURABILITY_SYNC);
    (void)must_append(&log, 10, 1);
    pid_t child = fork();
    if (child == 0) {
        tj__log_writer_abandon(log.writer);
        bool open = false;
        for (int fd = 3; fd < 64; fd++) {
            open = open || fd_is_named(fd, ".log");
        }
        _exit(open || atomic_load(&io.writes) != 0);
    }
    int result = -1;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    must_wait(&log, must_append(&log, 20, 2));
    must_close(&log);
    assert_int_equal(read_log(&log, bodies, 2, &end), 2);
    remove_log(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lone_save_costs_one_write_and_one_flush),
        cmocka_unit_test(os_mode_writes_at_once_and_flushes_when_asked),
        cmocka_unit_test(os_mode_flushes_a_full_segment),
        cmocka_unit_test(a_record_nobody_waits_for_is_written_by_the_next_leader),
        cmocka_unit_test(time_rises_whatever_the_clock_says),
        cmocka_unit_test(behind_the_last_time_nothing_is_appended),
        cmocka_unit_test(a_record_names_what_was_durable_before_it),
        cmocka_unit_test(the_log_goes_on_where_it_was_closed),
        cmocka_unit_test(opening_refuses_a_place_where_the_log_cannot_end),
        cmocka_unit_test(records_larger_than_a_segment_get_their_own),
        cmocka_unit_test(a_large_record_can_begin_a_prepared_segment),
        cmocka_unit_test(the_largest_record_is_taken_and_a_larger_one_refused),
        cmocka_unit_test(a_note_counts_for_the_largest_record),
        cmocka_unit_test(a_full_batch_is_flushed_before_more_is_appended),
        cmocka_unit_test(a_segment_is_prepared_when_half_full),
        cmocka_unit_test(waiting_for_what_was_never_appended_is_misuse),
        cmocka_unit_test(a_forked_child_closes_without_writing),
    };
    return cmocka_run_group_tests_name("log/writer", tests, NULL, NULL);
}
