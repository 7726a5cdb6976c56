/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Binary search over the headers of the segments, which say with what they begin. */
#include "history/seek.h"

#include <fcntl.h>
#include <inttypes.h>

#include "base/error.h"
#include "base/file.h"
#include "history/base_reader.h"
#include "log/reader.h"

tj_status tj__seek_header(const char *log_path, const tj_uuid *journal_id, uint64_t ordinal,
                          tj__segment_header *out, tj_error *error)
{
    char path[TJ__SEGMENT_PATH_SIZE];
    uint8_t block[TJ__SEGMENT_HEADER_SIZE];
    struct stat found;
    int fd = -1;
    tj_error cause = TJ_ERROR_INIT;
    TJ_TRY(tj__segment_open(path, log_path, ordinal, O_RDONLY, &fd, &found, error));
    tj_status status = tj__file_read_at(fd, path, block, sizeof block, 0, error);
    tj__file_close(fd);
    TJ_TRY(status);
    status = tj__segment_header_decode(block, journal_id, ordinal, out, path, &cause);
    return status == TJ_CONFLICT ? tj__segment_header_misplaced(&cause, error)
                                 : tj__error_pass(error, &cause);
}

/* What is looked for: the last segment that begins at or before it. */
typedef struct target {
    uint64_t sequence;
    tj_time time;
    bool by_time;
} target;

static bool begins_after(const tj__segment_header *header, const target *wanted)
{
    return wanted->by_time ? header->created_at > wanted->time
                           : header->first_sequence > wanted->sequence;
}

/* Segments that are not begun are behind all others. */
static tj_status find(const tj__past_source *source, const tj__segment_list *list,
                      const target *wanted, tj__segment_header *out, bool *found, tj_error *error)
{
    size_t first = 0;
    size_t end = list->count;
    *found = false;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        tj__segment_header header;
        tj_error cause = TJ_ERROR_INIT;
        tj_status status = tj__seek_header(source->log_path, &source->journal_id,
                                           list->ordinals[middle], &header, &cause);
        if (status == TJ_NOT_FOUND || (status == TJ_OK && begins_after(&header, wanted))) {
            end = middle;
        } else if (status == TJ_OK) {
            first = middle + 1;
            *out = header;
            *found = true;
        } else {
            return tj__error_pass(error, &cause);
        }
    }
    return TJ_OK;
}

static tj_status search(const tj__past_source *source, const target *wanted,
                        tj__segment_header *out, bool *found, bool *whole, tj_error *error)
{
    tj__segment_list list = {0};
    TJ_TRY(tj__segment_list_read(source->log_path, &list, error));
    *whole = list.count > 0 && list.ordinals[0] == 1;
    tj_status status = find(source, &list, wanted, out, found, error);
    tj__segment_list_dispose(&list);
    return status;
}

tj__position tj__seek_start(const tj__segment_header *header)
{
    return (tj__position){.sequence = header->first_sequence - 1,
                          .hash = header->chain_hash,
                          .ordinal = header->ordinal,
                          .offset = TJ__SEGMENT_HEADER_SIZE};
}

tj_status tj__seek_commit(const tj__past_source *source, uint64_t sequence, tj__position *out,
                          tj_error *error)
{
    target wanted = {.sequence = sequence > 0 ? sequence : 1};
    tj__segment_header header;
    bool found = false;
    bool whole = false;
    TJ_TRY(search(source, &wanted, &header, &found, &whole, error));
    if (found) {
        *out = tj__seek_start(&header);
        return TJ_OK;
    }
    if (whole) { /* nothing was committed yet */
        *out = (tj__position){.ordinal = 1, .offset = TJ__SEGMENT_HEADER_SIZE};
        return TJ_OK;
    }
    return tj__fail(error, TJ_NOT_FOUND, "commit %" PRIu64 " is not in the log any more", sequence);
}

tj_status tj__seek_oldest(const tj__past_source *source, tj__position *out, tj_error *error)
{
    tj__segment_list list = {0};
    tj__segment_header header;
    tj_error cause = TJ_ERROR_INIT;
    TJ_TRY(tj__segment_list_read(source->log_path, &list, error));
    uint64_t oldest = list.count > 0 ? list.ordinals[0] : 1;
    tj__segment_list_dispose(&list);
    tj_status status =
        tj__seek_header(source->log_path, &source->journal_id, oldest, &header, &cause);
    if (status == TJ_NOT_FOUND && oldest == 1) { /* nothing was committed yet */
        header = (tj__segment_header){.ordinal = 1, .first_sequence = 1};
        status = TJ_OK;
    }
    if (status != TJ_OK) {
        return tj__error_pass(error, &cause);
    }
    *out = tj__seek_start(&header);
    return TJ_OK;
}

/* Bases of all kinds at a segment's end. */
static bool all_stand(const tj__past_source *source, uint64_t ordinal, tj__position *out)
{
    for (int kind = 0; kind <= TJ__BASE_REST; kind++) {
        tj__base_header header;
        if (tj__base_look(source->history_path, &source->journal_id, (tj__base_kind)kind, ordinal,
                          &header, NULL) != TJ_OK) {
            return false;
        }
        *out = header.position;
    }
    return true;
}

tj_status tj__seek_states(const tj__past_source *source, tj__position *out, tj_error *error)
{
    tj__base_list list = {0};
    bool found = source->first_segment <= 1;
    *out = (tj__position){.ordinal = 1, .offset = TJ__SEGMENT_HEADER_SIZE};
    if (!found) {
        TJ_TRY(tj__base_list_read(source->history_path, TJ__BASE_STATE, &list, error));
    }
    for (size_t i = 0; i < list.count && !found; i++) {
        found = list.ordinals[i] + 1 >= source->first_segment &&
                all_stand(source, list.ordinals[i], out);
    }
    tj__base_list_dispose(&list);
    return found ? TJ_OK
                 : tj__fail(error, TJ_NOT_FOUND,
                            "the log begins with segment %" PRIu64
                            ", and no bases in %s hold what was before it",
                            source->first_segment, source->history_path);
}

/* The last commit of the segment that was not made after `time`. */
static tj_status scan(const tj__past_source *source, const tj__segment_header *header, tj_time time,
                      uint64_t *sequence, tj_error *error)
{
    tj__position start = tj__seek_start(header);
    tj__log_reader *reader = NULL;
    TJ_TRY(tj__log_reader_open(source->log_path, &source->journal_id, &start, &reader, error));
    tj__log_reader_end_before(reader, header->ordinal + 1);
    tj__log_next next = TJ__LOG_RECORD;
    tj_status status = TJ_OK;
    *sequence = start.sequence;
    while (status == TJ_OK && next == TJ__LOG_RECORD) {
        tj__record record;
        status = tj__log_reader_next(reader, &next, &record, error);
        if (status == TJ_OK && next == TJ__LOG_RECORD) {
            if (record.time > time) {
                break;
            }
            *sequence = record.sequence;
        }
    }
    tj__log_reader_close(reader);
    return status;
}

tj_status tj__seek_time(const tj__past_source *source, tj_time time, uint64_t *sequence,
                        tj_error *error)
{
    target wanted = {.time = time, .by_time = true};
    tj__segment_header header;
    bool found = false;
    bool whole = false;
    TJ_TRY(search(source, &wanted, &header, &found, &whole, error));
    if (found) {
        return scan(source, &header, time, sequence, error);
    }
    if (whole) {
        *sequence = 0;
        return TJ_OK;
    }
    char text[TJ_TIME_TEXT_SIZE];
    tj_time_format(time, text);
    return tj__fail(error, TJ_NOT_FOUND, "what was at %s is not kept any more", text);
}
