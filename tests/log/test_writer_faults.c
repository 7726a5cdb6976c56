/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The log's writer when writes and flushes fail (P7): what is told, and that what was acknowledged
 * is there. */
#include "log/output.h"
#include "log/writer_fixture.h"

#include <pthread.h>

static const char *const unknown = "outcome unknown until the journal is opened again: ";
static const char *const not_applied = "not applied: ";

static void expect_closed(tj_status status, const tj_error *error, const char *outcome,
                          const char *cause)
{
    char text[TJ_ERROR_MESSAGE_SIZE];
    snprintf(text, sizeof text, "%s%s", outcome, cause);
    assert_int_equal(status, TJ_CLOSED);
    assert_int_equal(error->status, TJ_CLOSED);
    assert_string_equal(error->message, text);
}

static void expect_append_refused(fixture *log, size_t size, const char *cause)
{
    tj_error error = TJ_ERROR_INIT;
    uint64_t sequence = 4711;
    expect_closed(append_body(log, size, 99, &sequence, &error), &error, not_applied, cause);
    assert_int_equal(sequence, 4711);
}

/* Hooks for the middle of a flush, on the leader's thread: the next batch is open then. */
static void append_one(void *context)
{
    (void)must_append(context, BODY, 3);
}

static void poison_now(void *context)
{
    fixture *log = context;
    tj__log_writer_poison(log->writer, "the journal was replaced");
}

static void a_failed_flush_tells_written_from_queued(void **state)
{
    (void)state;
    fixture log;
    tj_error error = TJ_ERROR_INIT;
    tj__position end;
    appended_body bodies[] = {{BODY, 1}, {BODY, 2}, {BODY, 3}};
    char path[TJ__SEGMENT_PATH_SIZE];
    char cause[TJ__SEGMENT_PATH_SIZE + 64];
    create_log(&log, SMALL_SEGMENT, TJ_DURABILITY_SYNC);
    segment_path(&log, 1, path);
    snprintf(cause, sizeof cause, "input/output error: flushing %s", path);
    must_wait(&log, must_append(&log, BODY, 1));
    (void)must_append(&log, BODY, 2);
    atomic_store(&io.fail_flush_in, 1);
    io.on_flush = append_one;
    io.on_flush_context = &log;
    expect_closed(tj__log_writer_wait(log.writer, 2, &error), &error, unknown, cause);
    assert_int_equal(error.os_errno, EIO);
    assert_string_equal(error.place, path);
    expect_closed(tj__log_writer_wait(log.writer, 3, &error), &error, not_applied, cause);
    expect_closed(tj__log_writer_wait(log.writer, 2, &error), &error, unknown, cause);
    assert_int_equal(tj__log_writer_wait(log.writer, 1, &error), TJ_OK);
    expect_append_refused(&log, BODY, cause);
    expect_closed(tj__log_writer_sync(log.writer, NULL, &error), &error, not_applied, cause);
    assert_false(tj__log_writer_wants_prepare(log.writer));
    assert_int_equal(atomic_load(&io.writes), 2);
    assert_int_equal(atomic_load(&io.flushes), 2);
    assert_int_equal(tj__log_writer_acknowledged(log.writer), 1);
    assert_int_equal(atomic_load(&log.published), 1);
    expect_closed(tj__log_writer_close(log.writer, &error), &error, not_applied, cause);
    assert_int_equal(atomic_load(&io.writes), 2);
    assert_int_equal(read_log(&log, bodies, 3, &end), 2);
    remove_log(&log);
}

static void a_failed_write_poisons(void **state)
{
    (void)state;
    fixture log;
    tj_error error = TJ_ERROR_INIT;
    tj__position end;
    appended_body bodies[] = {{BODY, 1}, {BODY, 2}};
    char path[TJ__SEGMENT_PATH_SIZE];
    char cause[TJ__SEGMENT_PATH_SIZE + 128];
    create_log(&log, SMALL_SEGMENT, TJ_DURABILITY_OS);
    segment_path(&log, 1, path);
    snprintf(cause, sizeof cause, "no space left on device: writing 704 bytes at offset 4800 of %s",
             path);
    must_wait(&log, must_append(&log, BODY, 1));
    (void)must_append(&log, BODY, 2);
    atomic_store(&io.fail_write_in, 1);
    atomic_store(&io.code, ENOSPC);
    expect_closed(tj__log_writer_wait(log.writer, 2, &error), &error, unknown, cause);
    assert_int_equal(error.os_errno, ENOSPC);
    expect_append_refused(&log, BODY, cause);
    expect_closed(tj__log_writer_close(log.writer, &error), &error, unknown, cause);
    assert_int_equal(atomic_load(&io.flushes), 0);
    assert_int_equal(read_log(&log, bodies, 2, &end), 1);
    remove_log(&log);
}

static void os_mode_tells_what_a_failed_sync_leaves(void **state)
{
    (void)state;
    fixture log;
    tj_error error = TJ_ERROR_INIT;
    char path[TJ__SEGMENT_PATH_SIZE];
    char cause[TJ__SEGMENT_PATH_SIZE + 64];
    create_log(&log, SMALL_SEGMENT, TJ_DURABILITY_OS);
    segment_path(&log, 1, path);
    snprintf(cause, sizeof cause, "input/output error: flushing %s", path);
    must_wait(&log, must_append(&log, BODY, 1));
    atomic_store(&io.fail_flush_in, 1);
    expect_closed(tj__log_writer_sync(log.writer, NULL, &error), &error, unknown, cause);
    assert_int_equal(tj__log_writer_wait(log.writer, 1, &error), TJ_OK);
    expect_append_refused(&log, BODY, cause);
    expect_closed(tj__log_writer_close(log.writer, &error), &error, unknown, cause);
    assert_int_equal(atomic_load(&io.flushes), 1);
    remove_log(&log);
}

static void a_failed_flush_of_a_seal_keeps_the_record_out(void **state)
{
    (void)state;
    fixture log;
    tj_error error = TJ_ERROR_INIT;
    tj__position end;
    appended_body bodies[] = {{30000, 1}, {20000, 2}};
    char path[TJ__SEGMENT_PATH_SIZE];
    char cause[TJ__SEGMENT_PATH_SIZE + 64];
    for (int durability = TJ_DURABILITY_SYNC; durability <= TJ_DURABILITY_OS; durability++) {
        create_log(&log, SMALL_SEGMENT, (tj_durability)durability);
        segment_path(&log, 1, path);
        snprintf(cause, sizeof cause, "input/output error: flushing %s", path);
        must_wait(&log, must_append(&log, 30000, 1));
        (void)must_append(&log, 20000, 2);
        atomic_store(&io.fail_flush_in, 1);
        expect_append_refused(&log, 30000, cause);
        expect_closed(tj__log_writer_wait(log.writer, 2, &error), &error, unknown, cause);
        assert_int_equal(tj__log_writer_appended(log.writer), 2);
        assert_int_equal(tj__log_writer_acknowledged(log.writer), 1);
        expect_closed(tj__log_writer_close(log.writer, &error), &error, unknown, cause);
        assert_int_equal(read_log(&log, bodies, 2, &end), 2);
        segment_path(&log, 2, path);
        assert_true(access(path, F_OK) == 0);
        remove_log(&log);
    }
}

static void a_full_disk_changes_nothing(void **state)
{
    (void)state;
    fixture log;
    tj_error error = TJ_ERROR_INIT;
    tj__position end;
    appended_body bodies[] = {{30000, 1}, {20000, 2}, {30000, 3}, {200000, 4}};
    create_log(&log, SMALL_SEGMENT, TJ_DURABILITY_SYNC);
    (void)must_append(&log, 30000, 1);
    (void)must_append(&log, 20000, 2);
    atomic_store(&io.disk_full, true);
    for (int i = 0; i < 3; i++) {
        uint64_t sequence = 4711;
        char path[TJ__SEGMENT_PATH_SIZE];
        char text[TJ_ERROR_MESSAGE_SIZE];
        assert_int_equal(append_body(&log, 30000, 3, &sequence, &error), TJ_FULL);
        snprintf(text, sizeof text,
                 "no space left on device: writing 65536 bytes at offset 0 of %s/0000000002.tmp",
                 log.directory);
        assert_string_equal(error.message, text);
        assert_int_equal(sequence, 4711);
        assert_int_equal(tj__log_writer_appended(log.writer), 2);
        assert_int_equal(atomic_load(&io.writes), 0);
        segment_path(&log, 2, path);
        assert_false(access(path, F_OK) == 0);
    }
    must_wait(&log, 2);
    atomic_store(&io.disk_full, false);
    must_wait(&log, must_append(&log, 30000, 3));
    /* The successor is there, but too small for the next one. */
    (void)must_append(&log, 10, 5);
    assert_int_equal(tj__log_writer_prepare(log.writer, NULL), TJ_OK);
    bodies[3] = (appended_body){10, 5};
    atomic_store(&io.disk_full, true);
    uint64_t sequence = 4711;
    assert_int_equal(append_body(&log, 200000, 4, &sequence, &error), TJ_FULL);
    assert_int_equal(error.os_errno, ENOSPC);
    assert_int_equal(tj__log_writer_appended(log.writer), 4);
    atomic_store(&io.disk_full, false);
    appended_body all[] = {bodies[0], bodies[1], bodies[2], bodies[3], {200000, 6}};
    must_wait(&log, must_append(&log, 200000, 6));
    must_close(&log);
    assert_int_equal(read_log(&log, all, 5, &end), 5);
    remove_log(&log);
}

static void a_poisoned_writer_acknowledges_nothing_more(void **state)
{
    (void)state;
    fixture log;
    tj_error error = TJ_ERROR_INIT;
    const char *cause = "the journal was replaced";
    create_log(&log, SMALL_SEGMENT, TJ_DURABILITY_SYNC);
    must_wait(&log, must_append(&log, BODY, 1));
    (void)must_append(&log, BODY, 2);
    tj__log_writer_poison(log.writer, cause);
    tj__log_writer_poison(log.writer, "a later reason that must not replace the first");
    expect_append_refused(&log, BODY, cause);
    expect_closed(tj__log_writer_wait(log.writer, 2, &error), &error, not_applied, cause);
    assert_int_equal(tj__log_writer_wait(log.writer, 1, &error), TJ_OK);
    expect_closed(tj__log_writer_close(log.writer, &error), &error, not_applied, cause);
    assert_int_equal(atomic_load(&io.writes), 1);
    remove_log(&log);

    create_log(&log, SMALL_SEGMENT, TJ_DURABILITY_SYNC);
    (void)must_append(&log, BODY, 1);
    io.on_flush = poison_now;
    io.on_flush_context = &log;
    expect_closed(tj__log_writer_wait(log.writer, 1, &error), &error, unknown, cause);
    assert_int_equal(atomic_load(&log.published), 0);
    assert_int_equal(tj__log_writer_acknowledged(log.writer), 0);
    expect_closed(tj__log_writer_close(log.writer, &error), &error, unknown, cause);
    remove_log(&log);
}

static void a_replaced_segment_is_noticed(void **state)
{
    (void)state;
    fixture log;
    tj_error error = TJ_ERROR_INIT;
    char path[TJ__SEGMENT_PATH_SIZE];
    char aside[TJ__SEGMENT_PATH_SIZE];
    char cause[TJ__SEGMENT_PATH_SIZE + 128];
    for (int replaced = 0; replaced < 2; replaced++) {
        create_log(&log, SMALL_SEGMENT, TJ_DURABILITY_SYNC);
        segment_path(&log, 1, path);
        segment_path(&log, 5, aside);
        must_wait(&log, must_append(&log, BODY, 1));
        assert_int_equal(rename(path, aside), 0);
        if (replaced) {
            int fd = -1;
            assert_int_equal(tj__file_open(path, O_CREAT | O_WRONLY, &fd, NULL), TJ_OK);
            tj__file_close(fd);
        }
        snprintf(cause, sizeof cause,
                 "%s is not the file that this journal writes any more: it was replaced or "
                 "removed",
                 path);
        usleep(2 * TJ__PLACE_CHECK_NS / 1000);
        uint64_t refused = must_append(&log, BODY, 2);
        expect_closed(tj__log_writer_wait(log.writer, refused, &error), &error, not_applied, cause);
        expect_append_refused(&log, BODY, cause);
        assert_int_equal(tj__log_writer_acknowledged(log.writer), 1);
        expect_closed(tj__log_writer_close(log.writer, &error), &error, not_applied, cause);
        remove_log(&log);
    }
}

static void a_begun_successor_is_corruption(void **state)
{
    (void)state;
    fixture log;
    tj_error error = TJ_ERROR_INIT;
    char path[TJ__SEGMENT_PATH_SIZE];
    char text[TJ__SEGMENT_PATH_SIZE + 64];
    uint64_t sequence = 0;
    create_log(&log, SMALL_SEGMENT, TJ_DURABILITY_SYNC);
    tj__segment_header header = {.journal_id = log.options.journal_id,
                                 .ordinal = 2,
                                 .first_sequence = 3,
                                 .segment_size = SMALL_SEGMENT};
    assert_int_equal(tj__segment_prepare(log.directory, 2, SMALL_SEGMENT, &header, NULL, NULL),
                     TJ_OK);
    segment_path(&log, 2, path);
    snprintf(text, sizeof text, "%s was begun, though the log ends before it", path);
    (void)must_append(&log, 50000, 1);
    assert_int_equal(tj__log_writer_prepare(log.writer, &error), TJ_CORRUPT);
    assert_string_equal(error.message, text);
    assert_int_equal(append_body(&log, 50000, 2, &sequence, &error), TJ_CORRUPT);
    assert_string_equal(error.message, text);
    must_close(&log);
    remove_log(&log);
}

/* Savers that go on until they are told of a failure. */
typedef struct doomed {
    fixture log;
    pthread_mutex_t append_lock;
    appended_body bodies[4096];
    _Atomic uint64_t acknowledged; /* highest that a saver was told of */
    _Atomic int wrong;
} doomed;

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static void *save_until_failure(void *argument)
{
    doomed *all = argument;
    for (uint64_t i = 0;; i++) {
        tj_error error = TJ_ERROR_INIT;
        uint64_t sequence = 0;
        appended_body body = {BODY + (size_t)(i % 7) * 300, i};
        pthread_mutex_lock(&all->append_lock);
        tj_status status = append_body(&all->log, body.size, i, &sequence, &error);
        if (status == TJ_OK) {
            all->bodies[sequence - 1] = body;
        }
        pthread_mutex_unlock(&all->append_lock);
        if (status == TJ_OK) {
            status = tj__log_writer_wait(all->log.writer, sequence, &error);
            if (status != TJ_OK && starts_with(error.message, unknown)) {
                return NULL;
            }
        }
        if (status != TJ_OK) {
            bool right = status == TJ_CLOSED && starts_with(error.message, not_applied);
            atomic_fetch_add(&all->wrong, right ? 0 : 1);
            return NULL;
        }
        uint64_t highest = atomic_load(&all->acknowledged);
        while (highest < sequence &&
               !atomic_compare_exchange_weak(&all->acknowledged, &highest, sequence)) {
        }
    }
}

static void fail_at(doomed *all, int threads, _Atomic long *countdown, long call)
{
    pthread_t savers[8];
    tj__position end;
    tj_error error = TJ_ERROR_INIT;
    create_log(&all->log, SMALL_SEGMENT, TJ_DURABILITY_SYNC);
    atomic_store(&all->acknowledged, 0);
    atomic_store(countdown, call);
    for (int i = 0; i < threads; i++) {
        assert_int_equal(pthread_create(&savers[i], NULL, save_until_failure, all), 0);
    }
    for (int i = 0; i < threads; i++) {
        pthread_join(savers[i], NULL);
    }
    uint64_t told = atomic_load(&all->acknowledged);
    uint64_t appended = tj__log_writer_appended(all->log.writer);
    assert_int_equal(atomic_load(&all->wrong), 0);
    assert_int_equal(tj__log_writer_acknowledged(all->log.writer), told);
    assert_int_equal(atomic_load(&all->log.published), told);
    assert_true(told >= (uint64_t)call / 4);
    long writes = atomic_load(&io.writes);
    long flushes = atomic_load(&io.flushes);
    tj_status status = tj__log_writer_close(all->log.writer, &error);
    assert_int_equal(status, appended > told ? TJ_CLOSED : TJ_OK);
    assert_int_equal(atomic_load(&io.writes), writes);
    assert_int_equal(atomic_load(&io.flushes), flushes);
    uint64_t found = read_log(&all->log, all->bodies, 4096, &end);
    assert_true(found >= told && found <= appended);
    remove_log(&all->log);
}

static void any_write_or_flush_may_fail(void **state)
{
    (void)state;
    doomed *all = calloc(1, sizeof *all);
    assert_non_null(all);
    assert_int_equal(pthread_mutex_init(&all->append_lock, NULL), 0);
    for (long call = 1; call <= 120; call += call < 20 ? 1 : 9) {
        fail_at(all, call % 2 == 0 ? 1 : 8, &io.fail_write_in, call);
        fail_at(all, call % 2 == 0 ? 1 : 8, &io.fail_flush_in, call);
    }
    pthread_mutex_destroy(&all->append_lock);
    free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_flush_tells_written_from_queued),
        cmocka_unit_test(a_failed_write_poisons),
        cmocka_unit_test(os_mode_tells_what_a_failed_sync_leaves),
        cmocka_unit_test(a_failed_flush_of_a_seal_keeps_the_record_out),
        cmocka_unit_test(a_full_disk_changes_nothing),
        cmocka_unit_test(a_poisoned_writer_acknowledges_nothing_more),
        cmocka_unit_test(a_replaced_segment_is_noticed),
        cmocka_unit_test(a_begun_successor_is_corruption),
        cmocka_unit_test(any_write_or_flush_may_fail),
    };
    return cmocka_run_group_tests_name("log/writer faults", tests, NULL, NULL);
}
