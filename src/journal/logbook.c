/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Judging the log's end and its segments, and the errors that say what is missing or damaged. */
#include "journal/logbook.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "journal/internal.h"

/* ---- segments and records --------------------------------------------------------------- */

/* What is before the first segment is no part of the log any more: a crash came before its files
 * were removed. */
static void drop_earlier(tj__segment_list *list, uint64_t first)
{
    size_t earlier = 0;
    while (earlier < list->count && list->ordinals[earlier] < first) {
        earlier++;
    }
    list->count -= earlier;
    if (earlier > 0) {
        memmove(list->ordinals, list->ordinals + earlier, list->count * sizeof *list->ordinals);
    }
}

tj_status tj__logbook_segments(const tj__journal *journal, tj__segment_list *out, tj_error *error)
{
    bool there = false;
    struct stat found;
    TJ_TRY(tj__path_look(journal->log_path, &there, &found, error));
    if (!S_ISDIR(found.st_mode)) {
        return tj__fail(error, TJ_CORRUPT,
                        "the log directory %s is missing: put it back, or repair the journal; a "
                        "copy of data.mdb alone, as mdb_copy makes it, lacks the "
                        "newest commits",
                        journal->log_path);
    }
    tj__segment_list list = {0};
    TJ_TRY(tj__segment_list_read(journal->log_path, &list, error));
    drop_earlier(&list, tj__journal_first_segment(journal));
    *out = list;
    return TJ_OK;
}

static void warn_of_strangers(const tj__journal *journal, const tj__segment_list *list)
{
    if (list->stranger_count > 0) {
        tj__trace(&journal->config, TJ_TRACE_WARNING,
                  "%s holds %zu other %s, like \"%s\", which the journal leaves alone: "
                  "move what you do not need out of it",
                  journal->log_path, list->stranger_count,
                  tj__plural(list->stranger_count, "file", "files"), list->stranger);
    }
}

/* How many segments are missing before the newest, and the first behind all of them. */
static uint64_t count_missing(const tj__segment_list *list, uint64_t first, uint64_t *unbroken_from)
{
    uint64_t missing = 0;
    uint64_t expected = first;
    for (size_t i = 0; i < list->count; i++) {
        uint64_t ordinal = list->ordinals[i];
        if (ordinal > expected) {
            missing += ordinal - expected;
            *unbroken_from = ordinal;
        }
        expected = ordinal + 1;
    }
    return missing;
}

/* States before the hole, and in it, may have been asked for: what is gone, and what is not. */
static void warn_of_holes(const tj__journal *journal, const tj__segment_list *list)
{
    char word[TJ__WORD_SIZE];
    uint64_t first = tj__journal_first_segment(journal);
    uint64_t unbroken_from = first;
    uint64_t missing = count_missing(list, first, &unbroken_from);
    if (missing > 0) {
        tj__trace(&journal->config, TJ_TRACE_WARNING,
                  "%s lacks %" PRIu64 " old %s, the first being %010" PRIu64
                  ".log: the newest state is whole and commits go on, but history is unbroken only "
                  "from segment %" PRIu64 " on: put what is missing back if there is a copy of it, "
                  "or let `tesser-journal repair -j %s --into NEW` build a journal that begins "
                  "after it",
                  journal->log_path, missing, tj__plural(missing, "segment", "segments"),
                  tj__segment_list_gap(list, first), unbroken_from, tj__word(journal->path, word));
    }
}

uint64_t tj__logbook_missing(const tj__journal *journal, const tj__segment_list *list)
{
    uint64_t ignored = 0;
    return count_missing(list, tj__journal_first_segment(journal), &ignored);
}

uint64_t tj__logbook_unbroken_from(const tj__journal *journal, const tj__segment_list *list)
{
    uint64_t from = tj__journal_first_segment(journal);
    (void)count_missing(list, from, &from);
    return from;
}

tj_status tj__logbook_warn(const tj__journal *journal, tj_error *error)
{
    tj__segment_list list = {0};
    TJ_TRY(tj__logbook_segments(journal, &list, error));
    warn_of_strangers(journal, &list);
    warn_of_holes(journal, &list);
    tj__segment_list_dispose(&list);
    return TJ_OK;
}

static tj_status report_missing(const tj__log_reader *reader, tj_error *error)
{
    char place[TJ_ERROR_PLACE_SIZE] = "";
    if (error) {
        snprintf(place, sizeof place, "%s", error->place);
    }
    tj__fail(error, TJ_CORRUPT,
             "log segment %s is missing, though commits up to %" PRIu64
             " lead to it: put the file back, or repair the journal; a copy of data.mdb alone, as "
             "mdb_copy makes it, lacks the newest commits",
             place, tj__log_reader_position(reader)->sequence);
    tj__error_place(error, "%s", place);
    return TJ_CORRUPT;
}

tj_status tj__logbook_next(tj__log_reader *reader, tj__log_next *next, tj__record *record,
                           tj_error *error)
{
    tj_status status = tj__log_reader_next(reader, next, record, error);
    return status == TJ_NOT_FOUND ? report_missing(reader, error) : status;
}

/* ---- the verdict ------------------------------------------------------------------------ */

tj_status tj__logbook_fell_short(const tj__log_reader *reader, uint64_t covered, const char *by,
                                 tj_error *error)
{
    const tj__position *at = tj__log_reader_position(reader);
    tj__fail(error, TJ_CORRUPT,
             "commit %" PRIu64 " is damaged or missing at offset %" PRIu64
             " of %s (%s), and %s shows that commits up to %" PRIu64
             " were durable: put the file back as it was, or repair the journal",
             at->sequence + 1, at->offset, tj__log_reader_path(reader), tj__log_reader_why(reader),
             by, covered);
    tj__error_place(error, "%s:%" PRIu64, tj__log_reader_path(reader), at->offset);
    return TJ_CORRUPT;
}

tj_status tj__logbook_judge_end(tj__log_reader *reader, const tj__mark *mark, tj__log_tail *tail,
                                tj_error *error)
{
    uint64_t end = tj__log_reader_position(reader)->sequence;
    if (mark->valid && mark->acknowledged > end) {
        return tj__logbook_fell_short(reader, mark->acknowledged, "writer.lock", error);
    }
    TJ_TRY(tj__log_reader_tail(reader, tail, error));
    if (tail->durable_max > end) {
        char by[TJ__SEGMENT_PATH_SIZE + 64];
        snprintf(by, sizeof by, "a valid record at offset %" PRIu64 " of %s",
                 tail->first_after_offset, tail->first_after);
        return tj__logbook_fell_short(reader, tail->durable_max, by, error);
    }
    if (tail->segment_begun_after) {
        return tj__logbook_fell_short(reader, end + 1, "a later segment that was begun", error);
    }
    return TJ_OK;
}

/* ---- from LMDB's position to the end ---------------------------------------------------- */

/* The start of the records in the segment of LMDB's position. */
static tj_status segment_start(const tj__journal *journal, const tj__logbook *book,
                               tj__position *start, tj_error *error)
{
    char path[TJ__SEGMENT_PATH_SIZE];
    uint8_t block[TJ__SEGMENT_HEADER_SIZE];
    int fd = -1;
    size_t got = 0;
    tj__segment_header header;
    struct stat found;
    tj_status status = tj__segment_open(path, journal->log_path, book->applied.ordinal, O_RDONLY,
                                        &fd, &found, error);
    if (status == TJ_NOT_FOUND) {
        return tj__fail(error, TJ_CORRUPT,
                        "segment %s is missing, and the state in data.mdb stands at commit %" PRIu64
                        " in it: put it back, or repair the journal",
                        path, book->applied.sequence);
    }
    if (status == TJ_OK) {
        status = tj__file_read_some(fd, path, block, sizeof block, 0, &got, error);
    }
    tj__file_close(fd);
    TJ_TRY(status);
    if (got < sizeof block) {
        *start = book->applied; /* It was cut off; reading on from there says so. */
        return TJ_OK;
    }
    tj_error cause = TJ_ERROR_INIT;
    status = tj__segment_header_decode(block, &journal->superblock.journal_id,
                                       book->applied.ordinal, &header, path, &cause);
    bool unusable = status == TJ_NOT_FOUND || status == TJ_CORRUPT;
    if (unusable && book->applied.offset == TJ__SEGMENT_HEADER_SIZE) {
        /* Nothing in it was applied: prepared, or a power cut tore the write that began it. What
         * stands behind the header tells whether that is so. */
        *start = book->applied;
        return TJ_OK;
    }
    if (status == TJ_NOT_FOUND) {
        return tj__fail(error, TJ_CORRUPT,
                        "segment %s is empty, but data.mdb holds commits from it, up to %" PRIu64,
                        path, book->applied.sequence);
    }
    if (status == TJ_CONFLICT) {
        return tj__segment_header_misplaced(&cause, error);
    }
    if (status != TJ_OK) {
        return tj__fail(error, status, "%s", cause.message);
    }
    *start = (tj__position){.sequence = header.first_sequence - 1,
                            .time = INT64_MIN,
                            .hash = header.chain_hash,
                            .ordinal = book->applied.ordinal,
                            .offset = TJ__SEGMENT_HEADER_SIZE};
    return TJ_OK;
}

static tj_status check_on_chain(const tj__logbook *book, tj_error *error)
{
    const tj__position *at = tj__log_reader_position(book->reader);
    if (at->ordinal == book->applied.ordinal && at->offset == book->applied.offset &&
        at->hash == book->applied.hash && at->sequence == book->applied.sequence) {
        return TJ_OK;
    }
    return tj__fail(
        error, TJ_CORRUPT,
        "data.mdb and the log do not belong together: data.mdb stands after commit %" PRIu64
        " at offset %" PRIu64 " of %s, where the log has commit %" PRIu64 " at offset %" PRIu64
        "; one of them was replaced: put it back, or repair the journal",
        book->applied.sequence, book->applied.offset, tj__log_reader_path(book->reader),
        at->sequence, at->offset);
}

static bool at_or_beyond(const tj__position *at, const tj__position *place)
{
    return at->ordinal > place->ordinal ||
           (at->ordinal == place->ordinal && at->offset >= place->offset);
}

/* From the start of the segment to LMDB's position. */
static tj_status read_to_applied(const tj__journal *journal, tj__logbook *book, tj_error *error)
{
    tj__position start;
    TJ_TRY(segment_start(journal, book, &start, error));
    TJ_TRY(tj__log_reader_open(journal->log_path, &journal->superblock.journal_id, &start,
                               &book->reader, error));
    while (!at_or_beyond(tj__log_reader_position(book->reader), &book->applied)) {
        tj__log_next next;
        tj__record record;
        TJ_TRY(tj__logbook_next(book->reader, &next, &record, error));
        if (next == TJ__LOG_END &&
            !at_or_beyond(tj__log_reader_position(book->reader), &book->applied)) {
            return tj__logbook_fell_short(book->reader, book->applied.sequence, "data.mdb", error);
        }
    }
    return check_on_chain(book, error);
}

static tj_status read_to_end(tj__logbook *book, tj_error *error)
{
    bool believed = book->mark.valid && book->mark.durability == TJ_DURABILITY_SYNC;
    book->settled = *tj__log_reader_position(book->reader);
    for (;;) {
        tj__log_next next;
        tj__record record;
        TJ_TRY(tj__logbook_next(book->reader, &next, &record, error));
        if (next == TJ__LOG_END) {
            break;
        }
        book->pending_bytes += tj__record_size_noted(record.body.size, record.note.size);
        if (believed && record.sequence <= book->mark.acknowledged) {
            book->settled = *tj__log_reader_position(book->reader);
        }
    }
    book->end = *tj__log_reader_position(book->reader);
    /* A segment without records knows neither. */
    book->end.epoch = book->end.epoch > book->applied.epoch ? book->end.epoch : book->applied.epoch;
    book->end.time = book->end.time > book->applied.time ? book->end.time : book->applied.time;
    return TJ_OK;
}

static tj_status find_applied(const tj__journal *journal, tj__logbook *book, tj_error *error)
{
    tj__env_snapshot *snapshot = NULL;
    TJ_TRY(tj__env_snapshot_begin(journal->env, &snapshot, &book->applied, error));
    tj__env_snapshot_end(snapshot);
    return TJ_OK;
}

/* That of LMDB's position is missed by who reads it. */
static tj_status check_segments(const tj__journal *journal, const tj__position *applied,
                                tj_error *error)
{
    tj__segment_list segments = {0};
    TJ_TRY(tj__logbook_segments(journal, &segments, error));
    tj_status status =
        tj__segment_list_whole(&segments, journal->log_path, applied->ordinal + 1, error);
    tj__segment_list_dispose(&segments);
    return status;
}

tj_status tj__logbook_survey(const tj__journal *journal, tj__logbook *out, tj_error *error)
{
    *out = (tj__logbook){.mark = tj__lock_mark(journal->lock)};
    TJ_TRY(find_applied(journal, out, error));
    TJ_TRY(check_segments(journal, &out->applied, error));
    TJ_TRY(read_to_applied(journal, out, error));
    TJ_TRY(read_to_end(out, error));
    TJ_TRY(tj__logbook_judge_end(out->reader, &out->mark, &out->tail, error));
    return tj__logbook_warn(journal, error);
}

void tj__logbook_dispose(tj__logbook *book)
{
    tj__log_reader_close(book->reader);
    book->reader = NULL;
}

int64_t tj__logbook_clock_behind(tj_time newest)
{
    tj_time now = tj_time_now();
    return newest <= now ? 0 : now < newest - INT64_MAX ? INT64_MAX : newest - now;
}
