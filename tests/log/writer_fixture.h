/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the tests of the log's writer share: a log in a directory of its own, and a stand-in for the
 * system's write and flush that counts them and lets chosen ones fail.
 */
#ifndef TESTS_LOG_WRITER_FIXTURE_H
#define TESTS_LOG_WRITER_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "log/reader.h"
#include "log/segment.h"
#include "log/writer.h"

#define EPOCH 7
#define SMALL_SEGMENT ((uint64_t)64 << 10)
/* The size of a usual save. */
#define BODY 600

/* What happened to files named *.log, and what shall happen. A countdown of 1 makes the next call
 * fail. */
static struct {
    _Atomic long writes;
    _Atomic long flushes;
    _Atomic long fail_write_in;
    _Atomic long fail_flush_in;
    _Atomic int code;
    _Atomic bool disk_full;   /* for new and growing files */
    void (*on_flush)(void *); /* called once, in the middle of the next flush */
    void *on_flush_context;
} io;

static inline void io_reset(void)
{
    atomic_store(&io.writes, 0);
    atomic_store(&io.flushes, 0);
    atomic_store(&io.fail_write_in, 0);
    atomic_store(&io.fail_flush_in, 0);
    atomic_store(&io.code, EIO);
    atomic_store(&io.disk_full, false);
    io.on_flush = NULL;
}

static inline void expect_io(long writes, long flushes)
{
    assert_int_equal(atomic_load(&io.writes), writes);
    assert_int_equal(atomic_load(&io.flushes), flushes);
}

static inline bool fd_is_named(int fd, const char *suffix)
{
    char link[64];
    char path[1200];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path);
    size_t length = strlen(suffix);
    return size > (ssize_t)length && memcmp(path + (size_t)size - length, suffix, length) == 0;
}

static inline bool is_due(_Atomic long *countdown)
{
    return atomic_load(countdown) > 0 && atomic_fetch_sub(countdown, 1) == 1;
}

/* A failing write leaves half of its bytes behind, as a torn one does. */
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    if (atomic_load(&io.disk_full) && fd_is_named(fd, ".tmp")) {
        errno = ENOSPC;
        return -1;
    }
    if (fd_is_named(fd, ".log")) {
        atomic_fetch_add(&io.writes, 1);
        if (is_due(&io.fail_write_in)) {
            (void)syscall(SYS_pwrite64, fd, data, size / 2, offset);
            errno = atomic_load(&io.code);
            return -1;
        }
    }
    return (ssize_t)syscall(SYS_pwrite64, fd, data, size, offset);
}

int fdatasync(int fd)
{
    if (fd_is_named(fd, ".log")) {
        atomic_fetch_add(&io.flushes, 1);
        void (*hook)(void *) = io.on_flush;
        if (hook) {
            io.on_flush = NULL;
            hook(io.on_flush_context);
        }
        if (is_due(&io.fail_flush_in)) {
            errno = atomic_load(&io.code);
            return -1;
        }
    }
    return (int)syscall(SYS_fdatasync, fd);
}

/* On a full disk it gets half-way. */
int posix_fallocate(int fd, off_t offset, off_t size)
{
    if (atomic_load(&io.disk_full)) {
        assert_int_equal(ftruncate(fd, offset + size / 2), 0);
        return ENOSPC;
    }
    return syscall(SYS_fallocate, fd, 0, offset, size) == 0 ? 0 : errno;
}

typedef struct fixture {
    char directory[64];
    tj__log_writer *writer;
    tj__log_writer_options options;
    _Atomic uint64_t published; /* by the callback */
    _Atomic int publishing;     /* threads inside the callback */
    _Atomic bool misordered;
} fixture;

static inline tj_status on_acknowledged(void *context, uint64_t sequence, tj_error *error)
{
    (void)error;
    fixture *log = context;
    if (atomic_fetch_add(&log->publishing, 1) != 0 || sequence <= atomic_load(&log->published) ||
        tj__log_writer_acknowledged(log->writer) >= sequence) { /* nobody may know yet */
        atomic_store(&log->misordered, true);
    }
    atomic_store(&log->published, sequence);
    atomic_fetch_sub(&log->publishing, 1);
    return TJ_OK;
}

static inline void open_log(fixture *log, const tj__position *end)
{
    tj_error error = TJ_ERROR_INIT;
    if (tj__log_writer_open(&log->options, end, &log->writer, &error) != TJ_OK) {
        fail_msg("cannot open the log: %s", error.message);
    }
}

static const tj__position log_start = {.ordinal = 1, .offset = TJ__SEGMENT_HEADER_SIZE};

/* A new log with its first segment begun, opened for writing. */
static inline void create_log(fixture *log, uint64_t segment_size, tj_durability durability)
{
    const char *base = getenv("TMPDIR");
    *log = (fixture){.options = {.journal_id = {{1, 2, 3}},
                                 .epoch = EPOCH,
                                 .segment_size = segment_size,
                                 .durability = durability,
                                 .acknowledged = on_acknowledged}};
    io_reset();
    snprintf(log->directory, sizeof log->directory, "%s/tj-writer-XXXXXX",
             base && strlen(base) < 40 ? base : "/tmp");
    assert_non_null(mkdtemp(log->directory));
    log->options.directory = log->directory;
    log->options.context = log;
    tj__segment_header header = {.journal_id = log->options.journal_id,
                                 .ordinal = 1,
                                 .first_sequence = 1,
                                 .segment_size = segment_size};
    assert_int_equal(tj__segment_prepare(log->directory, 1, segment_size, &header, NULL, NULL),
                     TJ_OK);
    open_log(log, &log_start);
    io_reset();
}

static inline void remove_log(fixture *log)
{
    char command[128];
    assert_false(atomic_load(&log->misordered));
    snprintf(command, sizeof command, "rm -r '%s'", log->directory);
    assert_int_equal(system(command), 0);
}

static inline void segment_path(const fixture *log, uint64_t ordinal, char *out)
{
    assert_int_equal(tj__segment_path(out, log->directory, ordinal, NULL), TJ_OK);
}

/* A body that can be told from every other: its number, then bytes that follow from it. */
static inline void make_body(uint8_t *out, size_t size, uint64_t number)
{
    uint64_t state = number * 0x9e3779b97f4a7c15u + 1;
    for (size_t i = 0; i < size; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        out[i] = (uint8_t)(state >> 56);
    }
}

/* Appends a body of `size` bytes made from `number`. */
static inline tj_status append_body(fixture *log, size_t size, uint64_t number, uint64_t *sequence,
                                    tj_error *error)
{
    uint8_t *body = malloc(size + 1);
    assert_non_null(body);
    make_body(body, size, number);
    tj__commit_record commit = {.change_count = (uint32_t)number, .body = tj__bytes_of(body, size)};
    memcpy(commit.commit_id.bytes, &number, sizeof number);
    tj_status status = tj__log_writer_append(log->writer, &commit, sequence, error);
    free(body);
    return status;
}

/* Appends and expects success. */
static inline uint64_t must_append(fixture *log, size_t size, uint64_t number)
{
    tj_error error = TJ_ERROR_INIT;
    uint64_t sequence = 0;
    if (append_body(log, size, number, &sequence, &error) != TJ_OK) {
        fail_msg("append failed: %s", error.message);
    }
    return sequence;
}

static inline void must_wait(fixture *log, uint64_t sequence)
{
    tj_error error = TJ_ERROR_INIT;
    if (tj__log_writer_wait(log->writer, sequence, &error) != TJ_OK) {
        fail_msg("wait failed: %s", error.message);
    }
    assert_true(tj__log_writer_acknowledged(log->writer) >= sequence);
    assert_true(atomic_load(&log->published) >= sequence);
}

static inline void must_close(fixture *log)
{
    tj_error error = TJ_ERROR_INIT;
    if (tj__log_writer_close(log->writer, &error) != TJ_OK) {
        fail_msg("close failed: %s", error.message);
    }
    log->writer = NULL;
}

/* What was appended: the record with sequence s is bodies[s - 1]. */
typedef struct appended_body {
    size_t size;
    uint64_t number;
} appended_body;

/* Reads the whole log and compares it with what was appended; returns the last sequence in it and,
 * in *end, where it ends. */
static inline uint64_t read_log(fixture *log, const appended_body *bodies, size_t count,
                                tj__position *end)
{
    tj_error error = TJ_ERROR_INIT;
    tj__log_reader *reader = NULL;
    tj__log_next next = TJ__LOG_RECORD;
    tj__record record;
    uint64_t last = 0;
    uint64_t durable = 0;
    assert_int_equal(
        tj__log_reader_open(log->directory, &log->options.journal_id, &log_start, &reader, &error),
        TJ_OK);
    for (;;) {
        if (tj__log_reader_next(reader, &next, &record, &error) != TJ_OK) {
            fail_msg("reading after %" PRIu64 ": %s", last, error.message);
        }
        if (next == TJ__LOG_END) {
            break;
        }
        last = record.sequence;
        assert_true(last <= count);
        const appended_body *body = &bodies[last - 1];
        uint8_t *expected = malloc(body->size + 1);
        assert_non_null(expected);
        make_body(expected, body->size, body->number);
        assert_int_equal(record.body.size, body->size);
        assert_memory_equal(record.body.data, expected, body->size);
        assert_memory_equal(record.commit_id.bytes, &body->number, sizeof body->number);
        assert_int_equal(record.change_count, (uint32_t)body->number);
        assert_int_equal(record.epoch, EPOCH);
        assert_true(record.durable_sequence < last && record.durable_sequence >= durable);
        durable = record.durable_sequence;
        free(expected);
    }
    *end = *tj__log_reader_position(reader);
    tj__log_reader_close(reader);
    return last;
}

#endif
