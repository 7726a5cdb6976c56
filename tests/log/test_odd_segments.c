/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Files that no writer of ours leaves: of odd sizes, grown, full of holes, of a newer version. What
 * they hold of the log is read as before, what they do not hold costs nothing, and nothing of a
 * newer version is written over.
 */
#include "three_segments.h"

#include "log/writer.h"

#define HUGE_FILE ((off_t)40 << 30)

static uint64_t blocks_of(const built_log *log, uint64_t ordinal)
{
    char path[TJ__SEGMENT_PATH_SIZE];
    struct stat info;
    path_of(log, ordinal, path);
    assert_int_equal(stat(path, &info), 0);
    return tj__file_allocated(&info);
}

static void set_size(const built_log *log, uint64_t ordinal, off_t size)
{
    char path[TJ__SEGMENT_PATH_SIZE];
    path_of(log, ordinal, path);
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, size), 0);
    close(fd);
}

static tj__log_writer *open_writer(const built_log *log, const tj__position *end)
{
    tj_error error = TJ_ERROR_INIT;
    tj__log_writer *writer = NULL;
    tj__log_writer_options options = {.directory = log->directory,
                                      .journal_id = log->id,
                                      .epoch = 9,
                                      .segment_size = SMALL_SEGMENT};
    must(tj__log_writer_open(&options, end, &writer, &error), &error);
    return writer;
}

/* Fills the first segment and two more. */
static void write_on(const built_log *log)
{
    tj_error error = TJ_ERROR_INIT;
    tj__log_writer *writer = open_writer(log, &log->end);
    uint8_t body[1000];
    for (uint64_t i = log->count + 1; i <= log->count + 10; i++) {
        uint64_t sequence = 0;
        for (size_t at = 0; at < sizeof body; at++) {
            body[at] = body_byte(i, at);
        }
        tj__commit_record commit = {.change_count = 1, .body = tj__bytes_of(body, sizeof body)};
        must(tj__log_writer_append(writer, &commit, &sequence, &error), &error);
        must(tj__log_writer_wait(writer, sequence, &error), &error);
    }
    must(tj__log_writer_close(writer, &error), &error);
    check_end(log, log->count + 10, NOTHING);
}

static void a_prepared_segment_of_odd_size_is_prepared_anew(void **unused)
{
    (void)unused;
    static const off_t sizes[] = {0, 1, 4095, 4096, 4096 + 64, 5001, 100001, HUGE_FILE};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        built_log log;
        built_open(&log, SMALL_SEGMENT);
        add_commit(&log, 10);
        set_size(&log, 2, sizes[i]);
        write_on(&log);
        assert_int_equal(size_of(&log, 2), SMALL_SEGMENT);
        built_close(&log);
    }
}

static void the_segment_that_the_log_stands_at_too(void **unused)
{
    (void)unused;
    static const off_t sizes[] = {4096, 5001, HUGE_FILE};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        built_log log;
        built_open(&log, SMALL_SEGMENT);
        add_commit(&log, 10);
        add_seal(&log);
        set_size(&log, 2, sizes[i]);
        tj_error error = TJ_ERROR_INIT;
        must(tj__log_settle(log.directory, &log.id, &built_start, &log.end, &error), &error);
        write_on(&log);
        assert_int_equal(size_of(&log, 2), SMALL_SEGMENT);
        built_close(&log);
    }
}

static void a_prepared_segment_with_holes_gets_its_blocks(void **unused)
{
    (void)unused;
    built_log log;
    built_open(&log, SMALL_SEGMENT);
    add_commit(&log, 10);
    set_size(&log, 2, (off_t)SMALL_SEGMENT);
    assert_int_equal(blocks_of(&log, 2), 0);
    write_on(&log);
    assert_true(blocks_of(&log, 2) >= SMALL_SEGMENT);
    built_close(&log);
}

static void a_grown_segment_ends_where_its_header_says(void **unused)
{
    (void)unused;
    built_log log;
    tj_error error = TJ_ERROR_INIT;
    uint8_t junk[100];
    memset(junk, 'j', sizeof junk);
    build_three(&log);
    uint64_t blocks = blocks_of(&log, 3);
    set_size(&log, 3, HUGE_FILE);
    set_size(&log, 4, HUGE_FILE);
    poke(&log, 3, SMALL_SEGMENT + 4096, junk, sizeof junk);
    check_end(&log, 8, NOTHING);
    tj__log_tail tail = tail_from_start(&log);
    assert_int_equal(tail.nonzero_bytes, 0);
    must(tj__log_settle(log.directory, &log.id, &built_start, &log.end, &error), &error);
    assert_true(blocks_of(&log, 3) <= blocks + 8192);
    assert_int_equal(blocks_of(&log, 4), 0);
    peek(&log, 3, SMALL_SEGMENT + 4096, junk, sizeof junk);
    assert_int_equal(junk[50], 'j');
    write_on(&log);
    built_close(&log);
}

static void a_file_that_is_no_file_is_named(void **unused)
{
    (void)unused;
    built_log log;
    char path[TJ__SEGMENT_PATH_SIZE];
    char message[600];
    built_open(&log, SMALL_SEGMENT);
    path_of(&log, 1, path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    message_of(&log, 1, message, "",
               " is not a regular file: move it away, and put the log segment back in its place");
    check_failure(&log, 0, TJ_CORRUPT, message);
    built_close(&log);
}

/* ---- newer than this library ------------------------------------------------------------ */

static void expect_newer(const built_log *log, const char *message)
{
    tj_error error = TJ_ERROR_INIT;
    tj__log_tail tail;
    tj__log_reader *reader = reader_from(log, &log->end);
    assert_int_equal(tj__log_reader_tail(reader, &tail, &error), TJ_FORMAT_NEWER);
    assert_string_equal(error.message, message);
    tj__log_reader_close(reader);
}

static void a_newer_record_behind_the_end_stops(void **unused)
{
    (void)unused;
    static const uint8_t versions[] = {2, 3, 32, 'A', 255};
    for (size_t i = 0; i < sizeof versions; i++) {
        built_log log;
        char message[600];
        uint8_t after[64];
        uint8_t torn[64];
        uint8_t record[64] = {'T', 'J', 'R', 'C', versions[i], 1, 0, 0, 9, 9, 9};
        build_three(&log);
        memset(torn, 0xab, sizeof torn);
        poke(&log, 3, log.end.offset, torn, sizeof torn);
        poke(&log, 3, log.end.offset + 128, record, sizeof record);
        char before[100];
        snprintf(before, sizeof before, "the record at offset %" PRIu64 " of ",
                 log.end.offset + 128);
        message_of(&log, 3, message, before,
                   " is of a newer format version than 1, the newest this library reads");
        expect_newer(&log, message);
        peek(&log, 3, log.end.offset + 128, after, sizeof after);
        assert_memory_equal(after, record, sizeof after);
        built_close(&log);
    }
}

/* A commit of today's version with a flag that nobody knows yet: at the end of the log, and behind
 * it. */
static void an_unknown_record_stops(void **unused)
{
    (void)unused;
    static const uint64_t distances[] = {0, 128};
    for (size_t i = 0; i < 2; i++) {
        built_log log;
        char message[600];
        char before[100];
        uint8_t bytes[128];
        build_three(&log);
        tj__position end = log.end;
        log.end.offset += distances[i];
        tj__record record = next_commit(&log, 10);
        write_record(&log, &record);
        free((void *)record.body.data);
        peek(&log, 3, end.offset + distances[i], bytes, sizeof bytes);
        bytes[6] = 2;
        rehash_record(bytes, sizeof bytes, &log.id, 3, end.offset + distances[i]);
        poke(&log, 3, end.offset + distances[i], bytes, sizeof bytes);
        log.end = end;
        snprintf(before, sizeof before, "the record at offset %" PRIu64 " of ",
                 end.offset + distances[i]);
        message_of(&log, 3, message, before,
                   " has a type or flags that this library does not know: a newer one wrote it");
        expect_newer(&log, message);
        if (distances[i] == 0) {
            check_failure(&log, end.sequence, TJ_FORMAT_NEWER, message);
        }
        built_close(&log);
    }
}

static void a_newer_segment_behind_the_end_stops(void **unused)
{
    (void)unused;
    built_log log;
    char message[600];
    static const uint8_t header[16] = {'T', 'J', 'L', 'O', 'G', 'S', 'E', 'G', 7};
    build_three(&log);
    set_size(&log, 4, 8192);
    poke(&log, 4, 0, header, sizeof header);
    message_of(
        &log, 4, message,
        "segment header: format version 7 is newer than 1, the newest this library reads: ", "");
    expect_newer(&log, message);
    built_close(&log);
}

static void text_that_holds_the_magic_is_cut(void **unused)
{
    (void)unused;
    built_log log;
    tj_error error = TJ_ERROR_INIT;
    static const char text[64] = "TJRC is what a record begins with";
    build_three(&log);
    poke(&log, 3, log.end.offset + 64, text, sizeof text);
    tj__log_tail tail = tail_from_start(&log);
    assert_true(tail.nonzero_bytes > 64);
    must(tj__log_settle(log.directory, &log.id, &built_start, &log.end, &error), &error);
    tail = tail_from_start(&log);
    assert_int_equal(tail.nonzero_bytes, 0);
    built_close(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_prepared_segment_of_odd_size_is_prepared_anew),
        cmocka_unit_test(the_segment_that_the_log_stands_at_too),
        cmocka_unit_test(a_prepared_segment_with_holes_gets_its_blocks),
        cmocka_unit_test(a_grown_segment_ends_where_its_header_says),
        cmocka_unit_test(a_file_that_is_no_file_is_named),
        cmocka_unit_test(a_newer_record_behind_the_end_stops),
        cmocka_unit_test(an_unknown_record_stops),
        cmocka_unit_test(a_newer_segment_behind_the_end_stops),
        cmocka_unit_test(text_that_holds_the_magic_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
