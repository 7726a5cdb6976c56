/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Segments of a backup and of a journal side by side. */
#include "backup/compare.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/packed.h"
#include "base/error.h"
#include "base/file.h"
#include "history/seek.h"

/* ---- which commits both have ---------------------------------------------------------------- */

/* From the start of the segment that holds the commit. */
static bool leads_to(const tj__past_source *log, const tj__position *start, const tj__position *to)
{
    tj__log_reader *reader = NULL;
    tj__log_next next = TJ__LOG_RECORD;
    tj__record record = {0};
    tj_status status = tj__log_reader_open(log->log_path, &log->journal_id, start, &reader, NULL);
    const tj__position *at = status == TJ_OK ? tj__log_reader_position(reader) : start;
    while (status == TJ_OK && next == TJ__LOG_RECORD && at->sequence < to->sequence) {
        status = tj__log_reader_next(reader, &next, &record, NULL);
    }
    bool same = status == TJ_OK && at->sequence == to->sequence && at->hash == to->hash;
    if (status == TJ_OK && at->sequence == to->sequence && !same) { /* it may be behind a seal */
        status = tj__log_reader_next(reader, &next, &record, NULL);
        same = status == TJ_OK &&
               to->hash == (next == TJ__LOG_RECORD ? record.previous_hash : at->hash);
    }
    tj__log_reader_close(reader);
    return same;
}

bool tj__backup_in_log(const char *journal_log, const tj_uuid *journal_id,
                       const tj__position *position)
{
    tj__position start;
    tj__past_source log = {.log_path = journal_log, .journal_id = *journal_id};
    tj_status status = tj__seek_commit(&log, position->sequence, &start, NULL);
    return status == TJ_NOT_FOUND || (status == TJ_OK && leads_to(&log, &start, position));
}

/* The newest point whose commit the journal has; 0: there is none. */
static uint64_t newest_shared(const tj__backup_directory *directory, const char *journal_log,
                              const tj_uuid *journal_id)
{
    uint64_t *sequences = NULL;
    size_t first = 0;
    size_t end = 0;
    if (tj__point_list(directory->points_path, &sequences, &end, NULL) != TJ_OK) {
        return 0;
    }
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        tj__point point = {0};
        bool shared =
            tj__point_read(directory->points_path, sequences[middle], &point, NULL) == TJ_OK &&
            tj__backup_in_log(journal_log, journal_id, &point.position);
        tj__point_dispose(&point);
        first = shared ? middle + 1 : first;
        end = shared ? end : middle;
    }
    uint64_t shared = first > 0 ? sequences[first - 1] : 0;
    free(sequences);
    return shared;
}

tj_status tj__backup_other_history(const tj__backup_directory *directory, const char *journal_log,
                                   const tj_uuid *journal_id, const char *why, tj_error *error)
{
    uint64_t shared = newest_shared(directory, journal_log, journal_id);
    return tj__fail(error, TJ_CONFLICT,
                    "the log of the journal is not the one that was backed up into %s (%s): up to "
                    "commit %" PRIu64 " they are the same, and after it a copy with the same id "
                    "was backed up there, or this journal was put back from one; nothing was "
                    "overwritten. Choose another directory, and give a copy that stays an id of "
                    "its own: `tesser-journal restore COPY --into NEW`",
                    directory->path, why, shared);
}

/* ---- segments side by side ------------------------------------------------------------------- */

typedef struct comparison {
    const tj__backup_directory *directory;
    const tj_uuid *journal_id;
    const char *journal_log;
    const tj__point *before;
    tj__backup_start start;
} comparison;

/* What tells one sealed segment from another: its header, and its seal, whose hash follows from all
 * that is before it. */
typedef struct ends {
    uint8_t header[TJ__SEGMENT_HEADER_SIZE];
    uint8_t seal[TJ__SEAL_SIZE];
} ends;

static tj_status read_ends(int fd, const char *path, uint64_t size, ends *out, tj_error *error)
{
    if (!tj__segment_size_possible(size)) {
        return tj__fail(error, TJ_CORRUPT, "%s has %" PRIu64 " bytes, which no segment has", path,
                        size);
    }
    TJ_TRY(tj__file_read_at(fd, path, out->header, sizeof out->header, 0, error));
    return tj__file_read_at(fd, path, out->seal, sizeof out->seal, size - TJ__SEAL_SIZE, error);
}

static tj_status read_packed_ends(int fd, const char *path, uint64_t *size, ends *out,
                                  tj_error *error)
{
    tj__packed_head head;
    TJ_TRY(tj__packed_head_read(fd, path, &head, error));
    *size = head.size;
    memcpy(out->header, head.header, sizeof out->header);
    memcpy(out->seal, head.seal, sizeof out->seal);
    return TJ_OK;
}

static tj_status read_own_ends(const char *path, bool packed, uint64_t *size, ends *out,
                               tj_error *error)
{
    int fd = -1;
    TJ_TRY(tj__file_open(path, O_RDONLY, &fd, error));
    tj_status status = packed ? read_packed_ends(fd, path, size, out, error)
                              : tj__file_size(fd, path, size, error);
    if (status == TJ_OK && !packed) {
        status = read_ends(fd, path, *size, out, error);
    }
    tj__file_close(fd);
    return status;
}

/* Where the log goes on behind a sealed segment of the backup. */
static tj_status behind(comparison *c, const char *path, uint64_t size, const ends *own,
                        tj_error *error)
{
    tj__record seal;
    uint64_t taken = 0;
    tj__frame_state state =
        tj__record_decode(tj__bytes_of(own->seal, sizeof own->seal), c->journal_id,
                          c->start.sealed + 1, size - TJ__SEAL_SIZE, &seal, &taken);
    if (state != TJ__FRAME_VALID || seal.type != TJ__RECORD_SEAL) {
        return tj__fail(error, TJ_CORRUPT,
                        "%s does not end with the seal of a segment of this journal (%s): move it "
                        "away, or choose another directory",
                        path, tj__frame_state_text(state));
    }
    c->start.from = (tj__position){.sequence = seal.sequence,
                                   .time = seal.time,
                                   .hash = seal.hash,
                                   .epoch = seal.epoch,
                                   .ordinal = c->start.sealed + 2,
                                   .offset = TJ__SEGMENT_HEADER_SIZE};
    return TJ_OK;
}

/* The journal may not keep the segment any more. */
static tj_status compare_sealed(const comparison *c, uint64_t size, const ends *own,
                                tj_error *error)
{
    char journals[TJ__SEGMENT_PATH_SIZE];
    int fd = -1;
    ends there;
    struct stat found;
    tj_error failure = TJ_ERROR_INIT;
    tj_status status = tj__segment_open(journals, c->journal_log, c->start.sealed + 1, O_RDONLY,
                                        &fd, &found, &failure);
    if (status == TJ_NOT_FOUND) {
        return TJ_OK;
    }
    if (status == TJ_OK) {
        status = read_ends(fd, journals, size, &there, &failure);
    }
    tj__file_close(fd);
    if (status != TJ_OK && status != TJ_CORRUPT) {
        return tj__error_pass(error, &failure);
    }
    if (status == TJ_OK && memcmp(&there, own, sizeof there) == 0) {
        return TJ_OK;
    }
    char why[64];
    snprintf(why, sizeof why, "segment %" PRIu64 " differs", c->start.sealed + 1);
    return tj__backup_other_history(c->directory, c->journal_log, c->journal_id, why, error);
}

/* Finds the sealed segments and compares each. */
static tj_status check_sealed(comparison *c, tj_error *error)
{
    for (;; c->start.sealed++) {
        char path[TJ__SEGMENT_PATH_SIZE];
        uint64_t size = 0;
        tj__backup_form form;
        tj_error failure = TJ_ERROR_INIT;
        ends own;
        tj_status status =
            tj__backup_find_segment(c->directory, c->start.sealed + 1, &form, path, &failure);
        if (status == TJ_NOT_FOUND || (status == TJ_OK && form == TJ__BACKUP_PART)) {
            return TJ_OK;
        }
        TJ_TRY(tj__error_pass(error, &failure));
        TJ_TRY(read_own_ends(path, form == TJ__BACKUP_PACKED, &size, &own, error));
        TJ_TRY(behind(c, path, size, &own, error));
        TJ_TRY(compare_sealed(c, size, &own, error));
    }
}

/* The files of the newest point are there, as far as their sizes tell. */
static tj_status check_files(const comparison *c, tj_error *error)
{
    for (size_t i = 0; i < c->before->file_count; i++) {
        const tj__point_file *file = &c->before->files[i];
        uint64_t size = 0;
        uint64_t stored = 0;
        TJ_TRY(tj__backup_file_size(c->directory, file, &size, &stored, error));
        if (size < file->size) {
            return tj__fail(error, TJ_CORRUPT,
                            "segment %" PRIu64 " in %s has %" PRIu64 " bytes and had %" PRIu64
                            ": put it back, or choose another directory for a backup that is "
                            "whole",
                            file->ordinal, c->directory->path, size, file->size);
        }
    }
    return TJ_OK;
}

/* Nobody can restore what is unfinished: without a point a backup may begin anew. */
static tj_status choose_first(comparison *c, uint64_t journal_first, uint64_t journal_known,
                              tj_error *error)
{
    c->start.first = tj__point_first_segment(c->before);
    c->start.sealed = c->start.first - 1;
    TJ_TRY(check_sealed(c, error));
    bool goes_on = c->before->file_count > 0;
    if (c->start.sealed + 1 >= (goes_on ? journal_first : journal_known)) {
        return TJ_OK;
    }
    if (goes_on) {
        return tj__fail(error, TJ_NOT_FOUND,
                        "the log of the journal begins with segment %" PRIu64 " by now, and the "
                        "backup %s ends in segment %" PRIu64 ": what is between was pruned. Back "
                        "up into another directory, and keep this one for the commits that it has",
                        journal_first, c->directory->path, c->start.sealed + 1);
    }
    c->start = (tj__backup_start){.first = journal_known, .sealed = journal_known - 1};
    return check_sealed(c, error);
}

tj_status tj__backup_compare(const tj__backup_directory *directory, const tj_uuid *journal_id,
                             const char *journal_log, uint64_t journal_first,
                             uint64_t journal_known, const tj__point *before, tj__backup_start *out,
                             tj_error *error)
{
    comparison c = {directory, journal_id, journal_log, before, {0}};
    TJ_TRY(check_files(&c, error));
    TJ_TRY(choose_first(&c, journal_first, journal_known, error));
    if (c.start.first == 1 && c.start.sealed == 0) {
        c.start.from = (tj__position){.ordinal = 1, .offset = TJ__SEGMENT_HEADER_SIZE};
    }
    *out = c.start;
    return TJ_OK;
}
