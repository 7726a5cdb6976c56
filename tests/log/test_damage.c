/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Reading a damaged log: what is given out was written, and every end is explained. */
#include "three_segments.h"

#include "base/random.h"

static void a_damaged_header_is_an_end_at_its_start_only(void **unused)
{
    (void)unused;
    built_log log;
    tj_error error = TJ_ERROR_INIT;
    char message[600];
    uint64_t last = 0;
    build_three(&log);
    flip(&log, 2, 100, 3);
    message_of(&log, 2, message, "segment header: checksum does not match: ", "");
    check_end(&log, 3, message);
    tj__log_tail tail = tail_from_start(&log);
    assert_int_equal(tail.records_after, 6);
    assert_true(tail.segment_begun_after);
    assert_int_equal(tail.durable_max, 6);

    snprintf(message + strlen(message), sizeof message - strlen(message),
             ": though records stand in it before offset %" PRIu64, log.places[4].offset);
    tj__log_reader *reader = reader_from(&log, &log.places[4]);
    assert_int_equal(read_all(reader, &last, &error), TJ_CORRUPT);
    assert_string_equal(error.message, message);
    tj__log_reader_close(reader);
    built_close(&log);
}

static void a_newer_version_is_never_an_end(void **unused)
{
    (void)unused;
    built_log log;
    char message[600];
    uint8_t version = 2;
    build_three(&log);
    poke(&log, 3, 8, &version, 1);
    message_of(
        &log, 3, message,
        "segment header: format version 2 is newer than 1, the newest this library reads: ", "");
    check_failure(&log, 6, TJ_FORMAT_NEWER, message);
    poke(&log, 2, log.places[4].offset + 4, &version, 1);
    char before[100];
    snprintf(before, sizeof before, "the record at offset %" PRIu64 " of ", log.places[4].offset);
    message_of(&log, 2, message, before,
               " is of a newer format version than 1, the newest this library reads");
    check_failure(&log, 4, TJ_FORMAT_NEWER, message);
    built_close(&log);
}

/* Whether reading stops as it must at the byte that was changed. */
static void check_stops_at(const built_log *log, uint64_t offset)
{
    tj_error error = TJ_ERROR_INIT;
    uint64_t last = 0;
    tj__log_reader *reader = reader_from(log, &built_start);
    tj_status status = read_all(reader, &last, &error);
    uint64_t expected = 0;
    while (expected < log->count && offset >= log->places[expected].offset) {
        expected++;
    }
    if (offset < log->end.offset) {
        expected = offset < TJ__SEGMENT_HEADER_SIZE ? 0 : expected - 1;
    }
    assert_int_equal(last, expected);
    tj__log_tail tail;
    if (status == TJ_FORMAT_NEWER) {
        assert_int_equal(tj__log_reader_tail(reader, &tail, &error), TJ_FORMAT_NEWER);
        tj__log_reader_close(reader);
        return;
    }
    must(status, &error);
    tail = tail_of(reader);
    if (offset >= TJ__SEGMENT_HEADER_SIZE) {
        assert_true(tail.nonzero_bytes > offset - tj__log_reader_position(reader)->offset);
        assert_int_equal(tail.records_after, offset < log->end.offset ? 2 - expected : 0);
    } else {
        assert_int_equal(tail.records_after, 3);
    }
    tj__log_reader_close(reader);
}

static void every_flipped_bit_is_seen(void **unused)
{
    (void)unused;
    built_log log;
    built_open(&log, SMALL_SEGMENT);
    add_commit(&log, 10);
    add_commit(&log, 100);
    add_commit(&log, 200);
    for (uint64_t offset = 0; offset < SMALL_SEGMENT; offset++) {
        unsigned bit = (unsigned)(offset * 5 + offset / 8) % 8;
        flip(&log, 1, offset, bit);
        check_stops_at(&log, offset);
        flip(&log, 1, offset, bit);
    }
    check_end(&log, 3, NOTHING);
    built_close(&log);
}

static void a_file_that_was_cut_off_is_damage(void **unused)
{
    (void)unused;
    built_log log;
    char path[TJ__SEGMENT_PATH_SIZE];
    built_open(&log, SMALL_SEGMENT);
    add_commit(&log, 10);
    add_commit(&log, 100);
    add_commit(&log, 200);
    path_of(&log, 1, path);
    for (uint64_t size = SMALL_SEGMENT - 64;; size -= 64) {
        char why[600];
        uint64_t whole = 0;
        assert_int_equal(truncate(path, (off_t)size), 0);
        while (whole + 1 < log.count && log.places[whole + 1].offset <= size) {
            whole++;
        }
        whole += log.end.offset <= size;
        char after[199];
        snprintf(after, sizeof after,
                 " was cut off: it has %" PRIu64 " bytes and had %" PRIu64
                 " or more, and commits after %" PRIu64
                 " may be gone with the rest: put the file back as it was, or repair the journal",
                 size, (size < TJ__SEGMENT_HEADER_SIZE ? TJ__SEGMENT_HEADER_SIZE : SMALL_SEGMENT),
                 whole);
        message_of(&log, 1, why, "", after);
        check_failure(&log, whole, TJ_CORRUPT, why);
        if (size == 0) {
            break;
        }
    }
    built_close(&log);
}

static void a_torn_record_may_have_whole_ones_behind_it(void **unused)
{
    (void)unused;
    built_log log;
    char path[TJ__SEGMENT_PATH_SIZE];
    build_three(&log);
    flip(&log, 2, log.places[3].offset + 90, 0);
    check_end(&log, 3, BAD_HASH);
    tj__log_tail tail = tail_from_start(&log);
    path_of(&log, 2, path);
    assert_string_equal(tail.first_after, path);
    assert_int_equal(tail.first_after_offset, log.places[4].offset);
    assert_int_equal(tail.records_after, 5); /* 5 and 6, a seal, 7 and 8 */
    assert_int_equal(tail.durable_max, 6);
    assert_int_equal(tail.sequence_max, 8);
    assert_true(tail.segment_begun_after);
    /* The last byte that is not zero is the durable sequence of the seal. */
    uint64_t seal = log.places[5].offset + tj__record_size(6 * 37);
    assert_int_equal(tail.nonzero_bytes, seal + 49 - log.places[3].offset);
    built_close(&log);
}

static void a_record_at_the_end_of_a_block_is_found(void **unused)
{
    (void)unused;
    built_log log;
    built_open(&log, (uint64_t)256 << 10);
    add_commit(&log, ((size_t)64 << 10) - 64 - TJ__RECORD_HEADER_SIZE);
    uint64_t place = log.end.offset;
    assert_int_equal(place, 4096 + 65536 - 64);
    add_commit(&log, 10);
    add_commit(&log, 10);
    flip(&log, 1, 5000, 0);
    tj__log_tail tail = tail_from_start(&log);
    assert_int_equal(tail.records_after, 2);
    assert_int_equal(tail.first_after_offset, place);
    built_close(&log);
}

/* A record that is torn, or was taken over from elsewhere, may hold anything that looks like
 * one. */
static void looking_behind_has_bounded_cost(void **unused)
{
    (void)unused;
    built_log log;
    tj_error error = TJ_ERROR_INIT;
    tj__log_tail tail;
    uint64_t size = (uint64_t)4 << 20;
    built_open(&log, size);
    add_commit(&log, 10);
    uint64_t first = log.end.offset;
    for (uint64_t offset = first; offset < size; offset += 64) {
        uint8_t header[64] = {'T', 'J', 'R', 'C', 1, 1};
        header[40] = 1;
        poke(&log, 1, offset, header, sizeof header);
    }
    tj__log_reader *reader = reader_from(&log, &log.end);
    tail = tail_of(reader);
    assert_int_equal(tail.records_after, 0);
    for (uint64_t offset = first + 64; offset < size; offset += 64) {
        uint32_t body = (uint32_t)(size - offset - 64);
        uint8_t sizes[4] = {0};
        tj__store_u32(sizes, body & ~63U);
        poke(&log, 1, offset + 8, sizes, sizeof sizes);
    }
    assert_int_equal(tj__log_reader_tail(reader, &tail, &error), TJ_CORRUPT);
    assert_non_null(strstr(error.message, "looks like records and is none"));
    tj__log_reader_close(reader);
    built_close(&log);
}

/* Changes the three segments, laid behind each other, in one of several ways. */
static void mutate(uint8_t *bytes, size_t size)
{
    size_t at = (size_t)(random_u64() % size);
    size_t from = (size_t)(random_u64() % size);
    size_t count = (size_t)(random_u64() % 300) + 1;
    size_t left = size - (at > from ? at : from);
    count = count < left ? count : left;
    switch (random_u64() % 5) {
    case 0:
        bytes[at] = (uint8_t)(bytes[at] ^ (1U << (random_u64() % 8)));
        break;
    case 1:
        memset(bytes + at, 0, count);
        break;
    case 2:
        memmove(bytes + at / 64 * 64, bytes + from / 64 * 64, count);
        break;
    case 3:
        for (size_t i = 0; i < count; i++) {
            bytes[at + i] = (uint8_t)random_u64();
        }
        break;
    default: /* a number in the headers of a record */
        bytes[at / 64 * 64 + random_u64() % 64] = (uint8_t)random_u64();
        break;
    }
}

/* What is read must be what was written, and where it stands must be where it stood. */
static void check_mutated(const built_log *log, const tj__position *from)
{
    tj_error error = TJ_ERROR_INIT;
    tj__log_tail tail;
    uint64_t last = from->sequence;
    tj__log_reader *reader = reader_from(log, from);
    tj_status status = read_all(reader, &last, &error);
    assert_true(last <= log->count);
    if (last > from->sequence && tj__log_reader_position(reader)->offset > 4096) {
        const tj__position *reached = tj__log_reader_position(reader);
        assert_int_equal(reached->time, last * 10);
    }
    if (status != TJ_OK) {
        assert_true(status == TJ_CORRUPT || status == TJ_FORMAT_NEWER || status == TJ_NOT_FOUND);
        assert_string_not_equal(error.message, "");
    } else if (last < log->count) {
        assert_string_not_equal(tj__log_reader_why(reader), "");
    }
    status = tj__log_reader_tail(reader, &tail, &error);
    assert_true(status == TJ_OK || status == TJ_FORMAT_NEWER);
    tj__log_reader_close(reader);
}

static void mutations_never_give_what_was_not_written(void **unused)
{
    (void)unused;
    built_log log;
    size_t size = 3 * (size_t)SMALL_SEGMENT;
    uint8_t *original = malloc(size);
    uint8_t *mutated = malloc(size);
    assert_true(original && mutated);
    random_start();
    build_three(&log);
    for (uint64_t i = 0; i < 3; i++) {
        peek(&log, i + 1, 0, original + i * SMALL_SEGMENT, SMALL_SEGMENT);
    }
    for (int round = 0; round < 3000; round++) {
        memcpy(mutated, original, size);
        for (uint64_t i = random_u64() % 3 + 1; i > 0; i--) {
            mutate(mutated, size);
        }
        for (uint64_t i = 0; i < 3; i++) {
            poke(&log, i + 1, 0, mutated + i * SMALL_SEGMENT, SMALL_SEGMENT);
        }
        check_mutated(&log, &built_start);
        check_mutated(&log, &log.places[random_u64() % log.count]);
    }
    free(mutated);
    free(original);
    built_close(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_damaged_header_is_an_end_at_its_start_only),
        cmocka_unit_test(a_newer_version_is_never_an_end),
        cmocka_unit_test(every_flipped_bit_is_seen),
        cmocka_unit_test(a_file_that_was_cut_off_is_damage),
        cmocka_unit_test(a_torn_record_may_have_whole_ones_behind_it),
        cmocka_unit_test(a_record_at_the_end_of_a_block_is_found),
        cmocka_unit_test(looking_behind_has_bounded_cost),
        cmocka_unit_test(mutations_never_give_what_was_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
