/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Settling a log: the records stay, everything behind them is gone, wrong places are refused. */
#include "built_log.h"

#define SMALL_SEGMENT ((uint64_t)8192)

/* Two records in each of three segments, all begun; nothing is in the fourth. */
static void build_three(built_log *log)
{
    built_open(log, SMALL_SEGMENT);
    for (int i = 1; i <= 6; i++) {
        add_commit(log, (size_t)(i * 41));
        if (i == 2 || i == 4) {
            rotate(log);
        }
    }
    prepare_segment(log, 4);
}

static void settle(const built_log *log, const tj__position *from, const tj__position *to)
{
    tj_error error = TJ_ERROR_INIT;
    must(tj__log_settle(log->directory, &log->id, from, to, &error), &error);
}

static bool zero_from(const built_log *log, uint64_t ordinal, uint64_t offset)
{
    uint8_t bytes[SMALL_SEGMENT];
    assert_int_equal(size_of(log, ordinal), SMALL_SEGMENT);
    peek(log, ordinal, offset, bytes, (size_t)(SMALL_SEGMENT - offset));
    return tj__bytes_all_zero(tj__bytes_of(bytes, (size_t)(SMALL_SEGMENT - offset)));
}

static void read_segments(const built_log *log, uint8_t *bytes)
{
    for (uint64_t i = 0; i < 4; i++) {
        peek(log, i + 1, 0, bytes + i * SMALL_SEGMENT, SMALL_SEGMENT);
    }
}

static void a_sound_log_stays_as_it_is(void **unused)
{
    (void)unused;
    for (size_t from = 0; from < 6; from++) {
        built_log log;
        uint8_t before[4 * SMALL_SEGMENT];
        uint8_t after[4 * SMALL_SEGMENT];
        build_three(&log);
        read_segments(&log, before);
        settle(&log, &log.places[from], &log.end);
        read_segments(&log, after);
        assert_memory_equal(before, after, sizeof before);
        check_end(&log, 6, "nothing was written here");
        built_close(&log);
    }
}

static void a_torn_tail_is_zeroed(void **unused)
{
    (void)unused;
    built_log log;
    build_three(&log);
    flip(&log, 3, log.places[4].offset + 30, 2);
    settle(&log, &log.places[2], &log.places[4]);
    /* No record is left in the segment, so it is not begun any more. */
    assert_true(zero_from(&log, 3, 0));
    check_end(&log, 4, "the next segment is prepared but not begun");
    log.end = log.places[4];
    begin_segment(&log);
    add_commit(&log, 300);
    check_end(&log, 5, "nothing was written here");
    built_close(&log);
}

static void junk_behind_the_end_is_zeroed(void **unused)
{
    (void)unused;
    built_log log;
    build_three(&log);
    flip(&log, 3, log.places[5].offset + 30, 2);
    flip(&log, 3, SMALL_SEGMENT - 1, 0);
    flip(&log, 4, 5000, 1);
    settle(&log, &log.places[5], &log.places[5]);
    assert_true(zero_from(&log, 3, log.places[5].offset));
    assert_true(zero_from(&log, 4, 0));
    check_end(&log, 5, "nothing was written here");
    built_close(&log);
}

static void later_segments_are_unbegun(void **unused)
{
    (void)unused;
    built_log log;
    build_three(&log);
    flip(&log, 1, log.places[1].offset + 30, 2);
    settle(&log, &built_start, &log.places[1]);
    assert_true(zero_from(&log, 1, log.places[1].offset));
    for (uint64_t ordinal = 2; ordinal <= 4; ordinal++) {
        assert_true(zero_from(&log, ordinal, 0));
    }
    check_end(&log, 1, "nothing was written here");
    built_close(&log);
}

static void a_large_segment_is_settled_in_pieces(void **unused)
{
    (void)unused;
    built_log log;
    uint64_t size = ((uint64_t)3 << 20) + 64;
    built_open(&log, size);
    add_commit(&log, (size_t)1 << 20);
    add_commit(&log, 100);
    flip(&log, 1, log.end.offset, 0);
    flip(&log, 1, size - 1, 7);
    settle(&log, &built_start, &log.end);
    check_end(&log, 2, "nothing was written here");
    uint8_t last;
    peek(&log, 1, size - 1, &last, 1);
    assert_int_equal(last, 0);
    assert_int_equal(size_of(&log, 1), size);
    built_close(&log);
}

static void check_refused(const built_log *log, const tj__position *from, const tj__position *to,
                          tj_status expected, const char *message)
{
    tj_error error = TJ_ERROR_INIT;
    uint8_t before[4 * SMALL_SEGMENT];
    uint8_t after[4 * SMALL_SEGMENT];
    read_segments(log, before);
    assert_int_equal(tj__log_settle(log->directory, &log->id, from, to, &error), expected);
    assert_string_equal(error.message, message);
    read_segments(log, after);
    assert_memory_equal(before, after, sizeof before);
}

static void a_place_that_is_none_is_refused(void **unused)
{
    (void)unused;
    built_log log;
    char message[600];
    build_three(&log);
    tj__position wrong = log.places[3];
    wrong.hash++;
    snprintf(message, sizeof message,
             "the log %s does not lead to sequence 3 at offset %" PRIu64
             " of segment 2: after sequence 6: nothing was written here",
             log.directory, wrong.offset);
    check_refused(&log, &built_start, &wrong, TJ_CORRUPT, message);
    snprintf(message, sizeof message,
             "the log %s does not lead to sequence 1 at offset %" PRIu64
             " of segment 1: after sequence 6: nothing was written here",
             log.directory, log.places[1].offset);
    check_refused(&log, &log.places[3], &log.places[1], TJ_CORRUPT, message);
    built_close(&log);
}

static void a_record_that_is_lost_meanwhile_is_refused(void **unused)
{
    (void)unused;
    built_log log;
    char message[600];
    build_three(&log);
    flip(&log, 2, log.places[3].offset + 100, 2);
    snprintf(message, sizeof message,
             "the log %s does not lead to sequence 6 at offset %" PRIu64
             " of segment 3: after sequence 3: checksum does not match",
             log.directory, log.end.offset);
    check_refused(&log, &built_start, &log.end, TJ_CORRUPT, message);
    built_close(&log);
}

static void an_empty_log_is_unbegun(void **unused)
{
    (void)unused;
    built_log log;
    built_open(&log, SMALL_SEGMENT);
    settle(&log, &built_start, &built_start);
    assert_true(zero_from(&log, 1, 0));
    check_end(&log, 0, "the next segment is prepared but not begun");
    built_close(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_log_stays_as_it_is),
        cmocka_unit_test(a_torn_tail_is_zeroed),
        cmocka_unit_test(junk_behind_the_end_is_zeroed),
        cmocka_unit_test(later_segments_are_unbegun),
        cmocka_unit_test(a_large_segment_is_settled_in_pieces),
        cmocka_unit_test(a_place_that_is_none_is_refused),
        cmocka_unit_test(a_record_that_is_lost_meanwhile_is_refused),
        cmocka_unit_test(an_empty_log_is_unbegun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
