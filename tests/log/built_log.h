/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A log built record by record, for the tests of what reads it. Its directory is removed at the end
 * unless a test failed. */
#ifndef TJ_TESTS_LOG_BUILT_LOG_H
#define TJ_TESTS_LOG_BUILT_LOG_H

#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/hash.h"
#include "log/reader.h"

#define BUILT_RECORDS_MAX 64

typedef struct built_log {
    char directory[200];
    tj_uuid id;
    tj__position end;                       /* where the next record goes */
    uint64_t segment_size;                  /* of segments begun from now on */
    uint64_t epoch;                         /* of records from now on */
    uint64_t durable;                       /* durable_sequence of records from now on */
    tj__position places[BUILT_RECORDS_MAX]; /* the position before commit i + 1 */
    size_t body_sizes[BUILT_RECORDS_MAX];
    size_t count; /* commits, of which the first BUILT_RECORDS_MAX are remembered */
} built_log;

static const tj_uuid built_id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
static const tj__position built_start = {0, 0, 0, 0, 1, TJ__SEGMENT_HEADER_SIZE};

/* Bytes of the body of a commit, different for each and never all zero. */
static inline uint8_t body_byte(uint64_t sequence, size_t at)
{
    return (uint8_t)(sequence * 31 + at * 7 + (at >> 8) + 1);
}

static inline void must(tj_status status, const tj_error *error)
{
    if (status != TJ_OK) {
        fail_msg("%s: %s", tj_status_name(status), error->message);
    }
}

static inline void path_of(const built_log *log, uint64_t ordinal, char path[TJ__SEGMENT_PATH_SIZE])
{
    tj_error error = TJ_ERROR_INIT;
    must(tj__segment_path(path, log->directory, ordinal, &error), &error);
}

static inline void poke(const built_log *log, uint64_t ordinal, uint64_t offset, const void *data,
                        size_t size)
{
    tj_error error = TJ_ERROR_INIT;
    char path[TJ__SEGMENT_PATH_SIZE];
    int fd = -1;
    path_of(log, ordinal, path);
    must(tj__file_open(path, O_WRONLY, &fd, &error), &error);
    must(tj__file_write_at(fd, path, data, size, offset, &error), &error);
    tj__file_close(fd);
}

static inline void peek(const built_log *log, uint64_t ordinal, uint64_t offset, void *data,
                        size_t size)
{
    tj_error error = TJ_ERROR_INIT;
    char path[TJ__SEGMENT_PATH_SIZE];
    int fd = -1;
    path_of(log, ordinal, path);
    must(tj__file_open(path, O_RDONLY, &fd, &error), &error);
    must(tj__file_read_at(fd, path, data, size, offset, &error), &error);
    tj__file_close(fd);
}

static inline void flip(const built_log *log, uint64_t ordinal, uint64_t offset, unsigned bit)
{
    uint8_t byte;
    peek(log, ordinal, offset, &byte, 1);
    byte = (uint8_t)(byte ^ (1U << bit));
    poke(log, ordinal, offset, &byte, 1);
}

static inline uint64_t size_of(const built_log *log, uint64_t ordinal)
{
    char path[TJ__SEGMENT_PATH_SIZE];
    struct stat info;
    path_of(log, ordinal, path);
    assert_int_equal(stat(path, &info), 0);
    return (uint64_t)info.st_size;
}

static inline void prepare_segment(const built_log *log, uint64_t ordinal)
{
    tj_error error = TJ_ERROR_INIT;
    must(tj__segment_prepare(log->directory, ordinal, log->segment_size, NULL, NULL, &error),
         &error);
}

static inline void begin_segment(const built_log *log)
{
    uint8_t block[TJ__SEGMENT_HEADER_SIZE];
    tj__segment_header header = {log->id, log->end.ordinal, log->end.sequence + 1, log->end.hash,
                                 1000,    log->segment_size};
    tj__segment_header_encode(&header, block);
    poke(log, log->end.ordinal, 0, block, sizeof block);
}

static inline void built_open(built_log *log, uint64_t segment_size)
{
    const char *base = getenv("TMPDIR");
    memset(log, 0, sizeof *log);
    snprintf(log->directory, sizeof log->directory, "%s/tj-log-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(log->directory));
    log->id = built_id;
    log->end = built_start;
    log->segment_size = segment_size;
    log->epoch = 1;
    prepare_segment(log, 1);
    begin_segment(log);
}

static inline void built_close(built_log *log)
{
    char command[300];
    snprintf(command, sizeof command, "rm -r '%s'", log->directory);
    assert_int_equal(system(command), 0);
}

/* Writes the record at the end, as it is, and makes the end what comes behind it. */
static inline void write_record(built_log *log, tj__record *record)
{
    tj__buffer bytes = {0};
    uint64_t size = tj__record_size_noted(record->body.size, record->note.size);
    assert_true(tj__buffer_reserve(&bytes, (size_t)size));
    tj__record_encode(record, &log->id, log->end.ordinal, log->end.offset, &bytes);
    assert_int_equal(bytes.size, size);
    poke(log, log->end.ordinal, log->end.offset, bytes.data, bytes.size);
    tj__buffer_dispose(&bytes);
    log->end.sequence = record->sequence;
    log->end.time = record->time;
    log->end.hash = record->hash;
    log->end.epoch = record->epoch > log->end.epoch ? record->epoch : log->end.epoch;
    log->end.offset += size;
}

/* The commit that comes next, with a body of this size; to be disposed by the caller. */
static inline tj__record next_commit(const built_log *log, size_t body_size)
{
    uint8_t *body = malloc(body_size + 1);
    assert_non_null(body);
    for (size_t i = 0; i < body_size; i++) {
        body[i] = body_byte(log->end.sequence + 1, i);
    }
    return (tj__record){.type = TJ__RECORD_COMMIT,
                        .previous_hash = log->end.hash,
                        .sequence = log->end.sequence + 1,
                        .time = log->end.time + 10,
                        .epoch = log->epoch,
                        .durable_sequence = log->durable,
                        .commit_id = {{(uint8_t)(log->end.sequence + 1)}},
                        .change_count = 1,
                        .body = {body, body_size}};
}

static inline void add_commit(built_log *log, size_t body_size)
{
    tj__record record = next_commit(log, body_size);
    if (log->count < BUILT_RECORDS_MAX) {
        log->places[log->count] = log->end;
        log->body_sizes[log->count] = body_size;
    }
    log->count++;
    write_record(log, &record);
    free((void *)record.body.data);
}

/* Makes the hash of a record right again after its bytes were changed (docs/FORMAT.md). */
static inline void rehash_record(uint8_t *record, size_t size, const tj_uuid *id, uint64_t ordinal,
                                 uint64_t offset)
{
    uint8_t bound[40];
    memcpy(bound, id->bytes, 16);
    tj__store_u64(bound + 16, ordinal);
    tj__store_u64(bound + 24, offset);
    memcpy(bound + 32, record, 8);
    tj__store_u64(record + 8,
                  tj__hash_seeded(record + 16, size - 16, tj__hash(bound, sizeof bound)));
}

/* Ends the segment; its successor is another call's matter. */
static inline void add_seal(built_log *log)
{
    tj__record seal = {.type = TJ__RECORD_SEAL,
                       .previous_hash = log->end.hash,
                       .sequence = log->end.sequence,
                       .time = log->end.time,
                       .epoch = log->epoch,
                       .durable_sequence = log->durable};
    write_record(log, &seal);
    log->end.ordinal++;
    log->end.offset = TJ__SEGMENT_HEADER_SIZE;
}

/* Ends the segment and begins the next. */
static inline void rotate(built_log *log)
{
    prepare_segment(log, log->end.ordinal + 1);
    add_seal(log);
    begin_segment(log);
}

static inline tj__log_reader *reader_from(const built_log *log, const tj__position *from)
{
    tj_error error = TJ_ERROR_INIT;
    tj__log_reader *reader = NULL;
    must(tj__log_reader_open(log->directory, &log->id, from, &reader, &error), &error);
    return reader;
}

static inline void check_commit(const tj__record *record, uint64_t sequence)
{
    assert_int_equal(record->type, TJ__RECORD_COMMIT);
    assert_int_equal(record->sequence, sequence);
    for (size_t i = 0; i < record->body.size; i++) {
        if (record->body.data[i] != body_byte(sequence, i)) {
            fail_msg("byte %zu of the body of record %" PRIu64 " differs", i, sequence);
        }
    }
}

static inline void check_position(const tj__position *position, const tj__position *expected)
{
    assert_int_equal(position->sequence, expected->sequence);
    assert_int_equal(position->time, expected->time);
    assert_int_equal(position->hash, expected->hash);
    assert_int_equal(position->epoch, expected->epoch);
    assert_int_equal(position->ordinal, expected->ordinal);
    assert_int_equal(position->offset, expected->offset);
}

/* Reads commits until something else comes; returns the status of that and the last sequence. */
static inline tj_status read_all(tj__log_reader *reader, uint64_t *last, tj_error *error)
{
    for (;;) {
        tj__log_next next;
        tj__record record;
        tj_status status = tj__log_reader_next(reader, &next, &record, error);
        if (status != TJ_OK || next == TJ__LOG_END) {
            return status;
        }
        *last = tj__log_reader_position(reader)->sequence;
        check_commit(&record, *last);
    }
}

/* Reads on to the end; `last` is the newest commit that came, 0 when none did. */
static inline void read_on(tj__log_reader *reader, uint64_t last)
{
    tj_error error = TJ_ERROR_INIT;
    uint64_t found = 0;
    must(read_all(reader, &found, &error), &error);
    assert_int_equal(found, last);
}

/* Reads from the start to the end of the log and checks where that is and why. */
static inline void check_end(const built_log *log, uint64_t last, const char *why)
{
    tj__log_reader *reader = reader_from(log, &built_start);
    read_on(reader, last);
    assert_string_equal(tj__log_reader_why(reader), why);
    tj__log_reader_close(reader);
}

/* Reads from the start to a failure and checks it. */
static inline void check_failure(const built_log *log, uint64_t last, tj_status expected,
                                 const char *message)
{
    tj_error error = TJ_ERROR_INIT;
    uint64_t found = 0;
    tj__log_reader *reader = reader_from(log, &built_start);
    assert_int_equal(read_all(reader, &found, &error), expected);
    assert_int_equal(found, last);
    assert_string_equal(error.message, message);
    tj__log_reader_close(reader);
}

#endif
