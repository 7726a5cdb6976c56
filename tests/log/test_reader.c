/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Reading a sound log, also while it is written, and refusing what does not continue it. */
#include "three_segments.h"

static void segments_are_read_in_order(void **unused)
{
    (void)unused;
    built_log log;
    char path[TJ__SEGMENT_PATH_SIZE];
    build_three(&log);
    tj__log_reader *reader = reader_from(&log, &built_start);
    path_of(&log, 1, path);
    assert_string_equal(tj__log_reader_path(reader), path);
    read_on(reader, 8);
    check_position(tj__log_reader_position(reader), &log.end);
    path_of(&log, 3, path);
    assert_string_equal(tj__log_reader_path(reader), path);
    assert_string_equal(tj__log_reader_why(reader), NOTHING);
    tj__log_tail tail = tail_of(reader);
    assert_int_equal(tail.nonzero_bytes, 0);
    assert_int_equal(tail.records_after, 0);
    assert_string_equal(tail.first_after, "");
    assert_false(tail.segment_begun_after);
    tj__log_reader_close(reader);
    built_close(&log);
}

static void every_field_is_given_out(void **unused)
{
    (void)unused;
    built_log log;
    tj_error error = TJ_ERROR_INIT;
    tj__log_next next;
    tj__record record;
    built_open(&log, SMALL_SEGMENT);
    log.epoch = 5;
    add_commit(&log, 100);
    log.epoch = 4;
    log.durable = 1;
    add_commit(&log, 0);
    tj__log_reader *reader = reader_from(&log, &log.places[1]);
    must(tj__log_reader_next(reader, &next, &record, &error), &error);
    assert_int_equal(next, TJ__LOG_RECORD);
    assert_int_equal(record.sequence, 2);
    assert_int_equal(record.time, 20);
    assert_int_equal(record.epoch, 4);
    assert_int_equal(record.durable_sequence, 1);
    assert_int_equal(record.commit_id.bytes[0], 2);
    assert_int_equal(record.change_count, 1);
    assert_int_equal(record.body.size, 0);
    assert_int_equal(record.previous_hash, log.places[1].hash);
    assert_int_equal(tj__log_reader_position(reader)->epoch, 5);
    tj__log_reader_close(reader);
    built_close(&log);
}

static void reading_can_begin_at_every_place(void **unused)
{
    (void)unused;
    built_log log;
    build_three(&log);
    for (size_t i = 0; i < log.count; i++) {
        tj__log_reader *reader = reader_from(&log, &log.places[i]);
        read_on(reader, 8);
        tj__log_reader_close(reader);
    }
    built_close(&log);
}

static void large_records_cross_blocks(void **unused)
{
    (void)unused;
    static const size_t sizes[] = {60000, 70000, 5000001, 1, 65536, 3 << 20, 100};
    built_log log;
    tj_error error = TJ_ERROR_INIT;
    built_open(&log, (uint64_t)16 << 20);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        add_commit(&log, sizes[i]);
    }
    tj__log_reader *reader = reader_from(&log, &built_start);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        tj__log_next next;
        tj__record record;
        must(tj__log_reader_next(reader, &next, &record, &error), &error);
        assert_int_equal(next, TJ__LOG_RECORD);
        assert_int_equal(record.body.size, sizes[i]);
        check_commit(&record, i + 1);
    }
    read_on(reader, 0);
    tj__log_reader_close(reader);
    built_close(&log);
}

static void impossible_positions_are_refused(void **unused)
{
    (void)unused;
    const tj__position places[] = {{.ordinal = 0, .offset = 4096},
                                   {.ordinal = 1, .offset = 4032},
                                   {.ordinal = 1, .offset = 4100}};
    for (size_t i = 0; i < 3; i++) {
        tj_error error = TJ_ERROR_INIT;
        tj__log_reader *reader = (tj__log_reader *)&error;
        assert_int_equal(tj__log_reader_open("x", &built_id, &places[i], &reader, &error),
                         TJ_CORRUPT);
        assert_null(reader);
    }
}

/* Adds a commit after `change` has altered it. */
static void add_changed(built_log *log, void (*change)(tj__record *record))
{
    tj__record record = next_commit(log, 50);
    change(&record);
    write_record(log, &record);
    free((void *)record.body.data);
}

static void break_chain(tj__record *record)
{
    record->previous_hash ^= 1;
}
static void skip_sequence(tj__record *record)
{
    record->sequence++;
}
static void repeat_sequence(tj__record *record)
{
    record->sequence--;
}
static void repeat_time(tj__record *record)
{
    record->time -= 10;
}

static void a_record_must_continue_the_log(void **unused)
{
    (void)unused;
    static const struct {
        void (*change)(tj__record *record);
        const char *why;
    } cases[] = {
        {break_chain, NULL},
        {skip_sequence, "sequence gap: the commit has sequence 4, the last commit is 2"},
        {repeat_sequence, "sequence gap: the commit has sequence 2, the last commit is 2"},
        {repeat_time, "time runs back: the commit has time 20, the last commit 20"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        built_log log;
        char why[200];
        built_open(&log, SMALL_SEGMENT);
        add_commit(&log, 10);
        add_commit(&log, 10);
        uint64_t place = log.end.offset;
        uint64_t hash = log.end.hash;
        snprintf(why, sizeof why,
                 "chain broken: the record follows one with hash %016" PRIx64
                 ", the record before it has hash %016" PRIx64,
                 hash ^ 1, hash);
        add_changed(&log, cases[i].change);
        check_end(&log, 2, cases[i].why ? cases[i].why : why);
        tj__log_tail tail = tail_from_start(&log);
        assert_int_equal(tail.records_after, 1);
        assert_int_equal(tail.first_after_offset, place);
        built_close(&log);
    }
}

static void a_seal_must_repeat_the_last_commit(void **unused)
{
    (void)unused;
    for (int wrong = 0; wrong < 2; wrong++) {
        built_log log;
        built_open(&log, SMALL_SEGMENT);
        add_commit(&log, 10);
        prepare_segment(&log, 2);
        tj__record seal = {.type = TJ__RECORD_SEAL,
                           .previous_hash = log.end.hash,
                           .sequence = wrong == 0 ? 2 : 1,
                           .time = wrong == 0 ? 10 : 9,
                           .epoch = 1};
        write_record(&log, &seal);
        check_end(&log, 1,
                  wrong == 0 ? "sequence gap: the seal has sequence 2, the last commit is 1"
                             : "time runs back: the seal has time 9, the last commit 10");
        built_close(&log);
    }
}

static void a_moved_record_is_none(void **unused)
{
    (void)unused;
    built_log log;
    uint8_t record[128];
    built_open(&log, SMALL_SEGMENT);
    add_commit(&log, 48);
    peek(&log, 1, 4096, record, sizeof record);
    poke(&log, 1, 4224, record, sizeof record);
    check_end(&log, 1, BAD_HASH);
    assert_int_equal(tail_from_start(&log).records_after, 0);
    assert_int_equal(tail_from_start(&log).nonzero_bytes, 128);
    built_close(&log);
}

/* A whole header of something else is refused at every position in its segment, and as a later
 * one. */
static void check_misplaced(const built_log *log, uint64_t ordinal, uint64_t last, const char *what)
{
    tj_error error = TJ_ERROR_INIT;
    tj__log_tail tail = {.records_after = 99};
    char path[TJ__SEGMENT_PATH_SIZE];
    char message[600];
    path_of(log, ordinal, path);
    message_of(log, ordinal, message, what,
               ": it is no segment of this log: put the right file back, or repair the journal");
    check_failure(log, last, TJ_CORRUPT, message);
    tj__log_reader *reader = reader_from(log, &built_start);
    if (ordinal > 1) {
        assert_int_equal(tj__log_reader_tail(reader, &tail, &error), TJ_CORRUPT);
        assert_string_equal(error.message, message);
        assert_string_equal(error.place, path);
        assert_int_equal(tail.records_after, 99);
    }
    tj__log_reader_close(reader);
}

static void another_journals_segment_is_refused(void **unused)
{
    (void)unused;
    built_log log;
    built_open(&log, SMALL_SEGMENT);
    add_commit(&log, 48);
    log.id = (tj_uuid){{9}};
    check_misplaced(&log, 1, 0,
                    "segment header: it belongs to journal 01020304-0506-0708-090a-0b0c0d0e0f10, "
                    "this is journal 09000000-0000-0000-0000-000000000000: ");
    built_close(&log);
}

static void a_copied_segment_is_refused(void **unused)
{
    (void)unused;
    static const char what[] =
        "segment header: it is that of segment 1, the file is named as segment 2: ";
    built_log log;
    char message[600];
    tj_error error = TJ_ERROR_INIT;
    uint64_t last = 0;
    uint8_t bytes[SMALL_SEGMENT];
    build_three(&log);
    peek(&log, 1, 0, bytes, sizeof bytes);
    poke(&log, 2, 0, bytes, sizeof bytes);
    check_misplaced(&log, 2, 3, what);
    message_of(&log, 2, message, what,
               ": it is no segment of this log: put the right file back, or repair the journal");
    tj__log_reader *reader = reader_from(&log, &log.places[4]); /* behind records of it */
    assert_int_equal(read_all(reader, &last, &error), TJ_CORRUPT);
    assert_string_equal(error.message, message);
    tj__log_reader_close(reader);
    built_close(&log);
}

/* No crash leaves one that does not: it is from another time of this log, and is not
 * overwritten. */
static void a_header_must_continue_the_log(void **unused)
{
    (void)unused;
    for (int wrong = 0; wrong < 2; wrong++) {
        built_log log;
        char why[300];
        char message[600];
        built_open(&log, SMALL_SEGMENT);
        add_commit(&log, 10);
        rotate(&log);
        uint64_t hash = log.end.hash;
        snprintf(why, sizeof why,
                 wrong == 0 ? " follows a segment that ends with hash %016" PRIx64
                              ", the one before it here ends with %016" PRIx64
                            : " begins with commit 3, though the last one before it is 1",
                 hash + 1, hash);
        strcat(why,
               ": it is no segment of this log: put the right file back, or repair the journal");
        log.end.hash += wrong == 0;
        log.end.sequence += wrong == 1;
        begin_segment(&log);
        message_of(&log, 2, message, "", why);
        check_failure(&log, 1, TJ_CORRUPT, message);
        built_close(&log);
    }
}

static void a_missing_segment_is_named(void **unused)
{
    (void)unused;
    built_log log;
    tj_error error = TJ_ERROR_INIT;
    char path[TJ__SEGMENT_PATH_SIZE];
    char message[600];
    uint64_t last = 0;
    build_three(&log);
    path_of(&log, 2, path);
    must(tj__file_remove(path, &error), &error);
    message_of(&log, 2, message, "log segment ",
               " is missing: the log goes on there after sequence 3");
    check_failure(&log, 3, TJ_NOT_FOUND, message);
    tj__log_reader *reader = reader_from(&log, &log.places[4]);
    message_of(&log, 2, message, "log segment ", " is missing");
    assert_int_equal(read_all(reader, &last, &error), TJ_NOT_FOUND);
    assert_string_equal(error.message, message);
    assert_string_equal(error.place, path);
    check_position(tj__log_reader_position(reader), &log.places[4]);
    tj__log_reader_close(reader);
    built_close(&log);
}

/* A reader that goes on later must not give out a whole record of before that is another one
 * now. */
static void what_was_read_ahead_can_be_forgotten(void **unused)
{
    (void)unused;
    built_log log;
    tj_error error = TJ_ERROR_INIT;
    tj__record record;
    tj__log_next next = TJ__LOG_END;
    built_open(&log, SMALL_SEGMENT);
    add_commit(&log, 10);
    add_commit(&log, 20);
    tj__log_reader *reader = reader_from(&log, &built_start);
    must(tj__log_reader_next(reader, &next, &record, &error), &error);
    log.end = log.places[1];
    add_commit(&log, 30);
    tj__log_reader_forget(reader);
    must(tj__log_reader_next(reader, &next, &record, &error), &error);
    assert_int_equal(next, TJ__LOG_RECORD);
    assert_int_equal(record.sequence, 2);
    assert_int_equal(record.body.size, 30);
    tj__log_reader_close(reader);
    built_close(&log);
}

static void a_seal_without_successor_is_tried_again(void **unused)
{
    (void)unused;
    built_log log;
    tj_error error = TJ_ERROR_INIT;
    uint64_t last = 0;
    built_open(&log, SMALL_SEGMENT);
    add_commit(&log, 10);
    tj__position before_seal = log.end;
    add_seal(&log);
    tj__log_reader *reader = reader_from(&log, &built_start);
    assert_int_equal(read_all(reader, &last, &error), TJ_NOT_FOUND);
    assert_int_equal(last, 1);
    check_position(tj__log_reader_position(reader), &before_seal);
    prepare_segment(&log, 2);
    read_on(reader, 0);
    check_position(tj__log_reader_position(reader), &log.end);
    tj__log_reader_close(reader);
    built_close(&log);
}

static void a_prepared_segment_is_an_end(void **unused)
{
    (void)unused;
    built_log log;
    char path[TJ__SEGMENT_PATH_SIZE];
    built_open(&log, SMALL_SEGMENT);
    add_commit(&log, 10);
    prepare_segment(&log, 2);
    check_end(&log, 1, NOTHING);
    assert_false(tail_from_start(&log).segment_begun_after);
    add_seal(&log);
    check_end(&log, 1, "the next segment is prepared but not begun");

    tj__log_reader *reader = reader_from(&log, &built_start);
    read_on(reader, 1);
    check_position(tj__log_reader_position(reader), &log.end);
    path_of(&log, 2, path);
    assert_string_equal(tj__log_reader_path(reader), path);
    assert_int_equal(tail_of(reader).nonzero_bytes, 0);
    tj__log_reader *resumed = reader_from(&log, &log.end);
    read_on(resumed, 0);
    assert_string_equal(tj__log_reader_why(resumed), "the next segment is prepared but not begun");

    begin_segment(&log);
    add_commit(&log, 10);
    read_on(reader, 2);
    read_on(resumed, 2);
    tj__log_reader_close(resumed);
    tj__log_reader_close(reader);
    built_close(&log);
}

static void a_segment_may_be_extended_before_it_is_begun(void **unused)
{
    (void)unused;
    built_log log;
    char path[TJ__SEGMENT_PATH_SIZE];
    built_open(&log, SMALL_SEGMENT);
    add_commit(&log, 10);
    prepare_segment(&log, 2);
    add_seal(&log);
    tj__log_reader *reader = reader_from(&log, &built_start);
    read_on(reader, 1);
    path_of(&log, 2, path);
    log.segment_size = 4 * SMALL_SEGMENT;
    assert_int_equal(truncate(path, (off_t)log.segment_size), 0);
    begin_segment(&log);
    add_commit(&log, 2 * SMALL_SEGMENT);
    read_on(reader, 2);
    tj__log_reader_close(reader);
    built_close(&log);
}

static void a_seal_may_follow_a_header(void **unused)
{
    (void)unused;
    built_log log;
    built_open(&log, SMALL_SEGMENT);
    add_commit(&log, 10);
    rotate(&log);
    tj__position start = log.end;
    start.time = INT64_MIN;
    rotate(&log);
    tj__log_reader *reader = reader_from(&log, &start);
    read_on(reader, 0);
    check_position(tj__log_reader_position(reader), &log.end);
    tj__log_reader_close(reader);
    built_close(&log);
}

static void a_record_that_is_written_meanwhile_is_found(void **unused)
{
    (void)unused;
    built_log log;
    uint8_t record[192];
    uint8_t zeros[192] = {0};
    built_open(&log, SMALL_SEGMENT);
    add_commit(&log, 10);
    tj__log_reader *reader = reader_from(&log, &built_start);
    add_commit(&log, 100);
    peek(&log, 1, log.places[1].offset, record, sizeof record);
    poke(&log, 1, log.places[1].offset, zeros, sizeof zeros);
    read_on(reader, 1);
    poke(&log, 1, log.places[1].offset, record, 128);
    read_on(reader, 0);
    assert_string_equal(tj__log_reader_why(reader), BAD_HASH);
    poke(&log, 1, log.places[1].offset, record, sizeof record);
    read_on(reader, 2);
    tj__log_reader_close(reader);
    built_close(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_are_read_in_order),
        cmocka_unit_test(every_field_is_given_out),
        cmocka_unit_test(reading_can_begin_at_every_place),
        cmocka_unit_test(large_records_cross_blocks),
        cmocka_unit_test(impossible_positions_are_refused),
        cmocka_unit_test(a_record_must_continue_the_log),
        cmocka_unit_test(a_seal_must_repeat_the_last_commit),
        cmocka_unit_test(a_moved_record_is_none),
        cmocka_unit_test(another_journals_segment_is_refused),
        cmocka_unit_test(a_copied_segment_is_refused),
        cmocka_unit_test(a_header_must_continue_the_log),
        cmocka_unit_test(a_missing_segment_is_named),
        cmocka_unit_test(what_was_read_ahead_can_be_forgotten),
        cmocka_unit_test(a_seal_without_successor_is_tried_again),
        cmocka_unit_test(a_prepared_segment_is_an_end),
        cmocka_unit_test(a_segment_may_be_extended_before_it_is_begun),
        cmocka_unit_test(a_seal_may_follow_a_header),
        cmocka_unit_test(a_record_that_is_written_meanwhile_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
