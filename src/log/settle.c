/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Making the disk hold what the reader saw, and nothing behind it.
 *
 * After a failed flush the page cache may show what the disk does not hold, in both directions:
 * records that never got there, and zeros over bytes that are still there. So everything is
 * written again, whatever it reads as, and flushed.
 *
 * The order, so that a crash at any point leaves a log that recovers to the same records again:
 *
 * First, later segments become un-begun, the highest first, each flushed before the next. A
 * segment is begun only after the seal before it is durable, so a begun segment behind an end
 * without a seal shows damage. While the tail still stands, this takes such segments away from the
 * far end; never does one stand behind a gap that was not there before.
 *
 * Second, the records from `from` to `to` are written in place with the bytes they have,
 * ascending, each segment flushed before the next, so that here too a begun segment has a durable
 * seal before it. What was on disk stays the same at every instant; what was not on disk could
 * have been lost before as well.
 *
 * Third, what lies behind `to` in its segment becomes zeros, flushed together with its last
 * records. Any part of that may reach the disk before another: until the flush returns, some of
 * the old bytes stand behind `to`. They were judged to be no part of the log, and are judged so
 * again.
 *
 * Last, the directory is flushed, so that the files themselves are there. Nothing new may be
 * appended before that: a record of before would stand behind the new ones.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "log/reader.h"

#define PIECE_SIZE ((size_t)1 << 20)

typedef struct settling {
    const tj_uuid *journal_id;
    char path[TJ__SEGMENT_PATH_SIZE];
    int fd;
    uint64_t
        size; /* of a begun segment: what its header says; what stands behind is not the log's */
    bool begun;
    uint8_t *piece; /* PIECE_SIZE bytes */
} settling;

static tj_status open_segment(settling *file, const char *directory, uint64_t ordinal,
                              tj_error *error)
{
    uint8_t block[TJ__SEGMENT_HEADER_SIZE];
    struct stat found;
    size_t got = 0;
    tj__segment_header header;
    file->fd = -1;
    TJ_TRY(tj__segment_open(file->path, directory, ordinal, O_RDWR, &file->fd, &found, error));
    TJ_TRY(tj__file_read_some(file->fd, file->path, block, sizeof block, 0, &got, error));
    file->size = (uint64_t)found.st_size;
    file->begun =
        got == sizeof block && tj__segment_header_decode(block, file->journal_id, ordinal, &header,
                                                         file->path, NULL) == TJ_OK;
    if (file->begun && header.segment_size < file->size) {
        file->size = header.segment_size;
    }
    return TJ_OK;
}

static size_t piece_of(uint64_t rest)
{
    return rest < PIECE_SIZE ? (size_t)rest : PIECE_SIZE;
}

static tj_status rewrite(settling *file, uint64_t begin, uint64_t end, tj_error *error)
{
    for (uint64_t at = begin; at < end;) {
        size_t count = piece_of(end - at);
        TJ_TRY(tj__file_read_at(file->fd, file->path, file->piece, count, at, error));
        TJ_TRY(tj__file_write_at(file->fd, file->path, file->piece, count, at, error));
        at += count;
    }
    return TJ_OK;
}

/* Fills holes too, so that the space of a begun segment is there. One that is not begun may be of
 * any size, and is looked at again when it is wanted (successor.c). */
static tj_status zero(settling *file, uint64_t begin, uint64_t end, tj_error *error)
{
    memset(file->piece, 0, PIECE_SIZE);
    for (uint64_t at = begin; at < end;) {
        if (!file->begun && (at = tj__segment_skip_hole(file->fd, at, end)) == end) {
            break;
        }
        size_t count = piece_of(end - at);
        TJ_TRY(tj__file_write_at(file->fd, file->path, file->piece, count, at, error));
        at += count;
    }
    return TJ_OK;
}

/* Writes the segment's bytes from `begin` to `end` again, zeros behind them, and flushes. */
static tj_status settle_segment(settling *file, const char *directory, uint64_t ordinal,
                                uint64_t begin, uint64_t end, tj_error *error)
{
    tj_status status = open_segment(file, directory, ordinal, error);
    if (status == TJ_OK) {
        end = end < file->size ? end : file->size;
        status = rewrite(file, begin, end, error);
    }
    if (status == TJ_OK) {
        status = zero(file, end, file->size, error);
    }
    if (status == TJ_OK) {
        status = tj__file_sync_data(file->fd, file->path, error);
    }
    tj__file_close(file->fd);
    return status;
}

static tj_status unbegin_later(settling *file, const char *directory, uint64_t last,
                               tj_error *error)
{
    tj__segment_list list;
    TJ_TRY(tj__segment_list_read(directory, &list, error));
    tj_status status = TJ_OK;
    for (size_t i = list.count; i > 0 && list.ordinals[i - 1] > last && status == TJ_OK; i--) {
        status = settle_segment(file, directory, list.ordinals[i - 1], 0, 0, error);
    }
    tj__segment_list_dispose(&list);
    return status;
}

/* The records of all segments from `from` to `to`, headers included where the range begins before
 * the first record; a header without a record behind it is not kept. */
static tj_status settle_records(settling *file, const char *directory, const tj__position *from,
                                const tj__position *to, tj_error *error)
{
    for (uint64_t ordinal = from->ordinal; ordinal <= to->ordinal; ordinal++) {
        uint64_t begin = ordinal == from->ordinal ? from->offset : 0;
        uint64_t end = ordinal == to->ordinal ? to->offset : UINT64_MAX;
        if (begin == TJ__SEGMENT_HEADER_SIZE) {
            begin = 0;
        }
        if (end == TJ__SEGMENT_HEADER_SIZE) {
            end = 0;
        }
        TJ_TRY(settle_segment(file, directory, ordinal, begin, end, error));
    }
    return TJ_OK;
}

/* Whether the log leads from `from` to `to`: what is behind a wrong place must not be zeroed. */
static tj_status confirm(const char *directory, const tj_uuid *journal_id, const tj__position *from,
                         const tj__position *to, tj_error *error)
{
    tj__log_reader *reader = NULL;
    tj__log_next next = TJ__LOG_RECORD;
    TJ_TRY(tj__log_reader_open(directory, journal_id, from, &reader, error));
    tj_status status = TJ_OK;
    while (status == TJ_OK && next == TJ__LOG_RECORD &&
           !tj__position_same(tj__log_reader_position(reader), to)) {
        tj__record record;
        status = tj__log_reader_next(reader, &next, &record, error);
    }
    if (status == TJ_OK && !tj__position_same(tj__log_reader_position(reader), to)) {
        status = tj__fail(error, TJ_CORRUPT,
                          "the log %s does not lead to sequence %" PRIu64 " at offset %" PRIu64
                          " of segment %" PRIu64 ": after sequence %" PRIu64 ": %s",
                          directory, to->sequence, to->offset, to->ordinal,
                          tj__log_reader_position(reader)->sequence, tj__log_reader_why(reader));
    }
    tj__log_reader_close(reader);
    return status;
}

tj_status tj__log_settle(const char *directory, const tj_uuid *journal_id, const tj__position *from,
                         const tj__position *to, tj_error *error)
{
    TJ_TRY(confirm(directory, journal_id, from, to, error));
    settling file = {.journal_id = journal_id, .fd = -1, .piece = malloc(PIECE_SIZE)};
    if (!file.piece) {
        return tj__fail(error, TJ_NOMEM, "no memory to settle the log %s", directory);
    }
    tj_status status = unbegin_later(&file, directory, to->ordinal, error);
    if (status == TJ_OK) {
        status = settle_records(&file, directory, from, to, error);
    }
    if (status == TJ_OK) {
        status = tj__directory_sync(directory, error);
    }
    free(file.piece);
    return status;
}
