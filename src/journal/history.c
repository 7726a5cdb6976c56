/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What was: the state after any commit, and the commits themselves, read from the log beside
 * whoever writes it. Nothing behind the acknowledged mark is read.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/error.h"
#include "history/base_reader.h"
#include "history/seek.h"
#include "journal/internal.h"

static tj__past_source source_of(const tj__journal *journal)
{
    return (tj__past_source){.log_path = journal->log_path,
                             .journal_id = journal->superblock.journal_id,
                             .first_segment = tj__journal_first_segment(journal),
                             .history_path = journal->history_path};
}

/* A mark that is not known to be the newest does not say how far commits are acknowledged; then a
 * view finds out, which judges the end of the log. */
tj_status tj__journal_newest(tj__journal *journal, uint64_t *sequence, tj_error *error)
{
    TJ_TRY(tj__journal_find_lock(journal, error));
    TJ_TRY(tj__journal_check_same_files(journal, error));
    tj__mark mark = tj__journal_mark(journal);
    if (mark.newest) {
        *sequence = mark.acknowledged;
        return TJ_OK;
    }
    tj__row_source *rows = NULL;
    TJ_TRY(tj__journal_view_begin(journal, &rows, error));
    *sequence = rows->sequence;
    tj__journal_view_end(rows);
    return TJ_OK;
}

/* A state is read whole; of the other tables one row is asked for, or none. */
tj_status tj__journal_view_at(tj__journal *journal, uint64_t sequence, uint64_t tables,
                              tj__row_source **rows, tj_error *error)
{
    tj__past_source source = source_of(journal);
    uint64_t at_once = tables & TJ__TABLE_BIT(TJ__TABLE_STATE);
    tj_status status = tj__past_open(&source, sequence, tables, at_once, rows, error);
    if (status != TJ_OK) {
        tj__error_context(error, "reading journal %s", journal->path);
    }
    return status;
}

void tj__journal_view_at_end(tj__row_source *rows)
{
    tj__past_end(rows);
}

/* A base that cannot be used is passed over. */
static void add_point(const tj__journal *journal, uint64_t ordinal, uint64_t last, tj__buffer *out)
{
    tj__base_header header;
    if (tj__base_look(journal->history_path, &journal->superblock.journal_id, TJ__BASE_STATE,
                      ordinal, &header, NULL) == TJ_OK &&
        header.position.sequence <= last) {
        tj__past_point point = {header.position.sequence, header.position.time};
        tj__put_bytes(out, &point, sizeof point);
    }
}

tj_status tj__journal_points(tj__journal *journal, uint64_t last, tj__buffer *out, tj_error *error)
{
    tj__base_list list = {0};
    TJ_TRY(tj__base_list_read(journal->history_path, TJ__BASE_STATE, &list, error));
    for (size_t i = 0; i < list.count; i++) {
        add_point(journal, list.ordinals[i], last, out);
    }
    tj__base_list_dispose(&list);
    return !out->failed ? TJ_OK : tj__fail(error, TJ_NOMEM, "no memory for the points of history");
}

/* ---- commits --------------------------------------------------------------------------------- */

struct tj__commits {
    tj__log_reader *reader;
    uint64_t first; /* those before it are passed over */
};

/* Where the records begin in the segment of a commit; 0: in the first segment there is. */
static tj_status seek(const tj__journal *journal, uint64_t sequence, tj__position *out,
                      tj_error *error)
{
    tj__past_source source = source_of(journal);
    return sequence > 0 ? tj__seek_commit(&source, sequence, out, error)
                        : tj__seek_oldest(&source, out, error);
}

tj_status tj__journal_commits_open(tj__journal *journal, uint64_t first,
                                   const tj__row_source *before, tj__commits **out, tj_error *error)
{
    *out = NULL;
    tj__position start;
    if (!before || !tj__past_position(before, &start)) {
        TJ_TRY(seek(journal, first, &start, error));
    }
    tj__commits *commits = malloc(sizeof *commits);
    if (!commits) {
        return tj__fail(error, TJ_NOMEM, "no memory to read commits");
    }
    *commits = (tj__commits){.first = first};
    tj_status status = tj__log_reader_open(journal->log_path, &journal->superblock.journal_id,
                                           &start, &commits->reader, error);
    if (status != TJ_OK) {
        free(commits);
        return status;
    }
    *out = commits;
    return TJ_OK;
}

static tj_status fell_short(const tj__log_reader *reader, uint64_t last, tj_error *error)
{
    return tj__logbook_fell_short(reader, last, "the newest state", error);
}

tj_status tj__journal_commits_next(tj__commits *commits, uint64_t last, bool *found,
                                   tj__commit_record *out, tj_error *error)
{
    tj__log_reader *reader = commits->reader;
    *found = false;
    while (tj__log_reader_position(reader)->sequence < last) {
        tj__log_next next;
        tj__record record;
        TJ_TRY(tj__log_reader_next(reader, &next, &record, error));
        if (next == TJ__LOG_END) {
            return fell_short(reader, last, error);
        }
        if (record.sequence < commits->first) {
            continue;
        }
        *found = true;
        *out = (tj__commit_record){record.sequence,  record.time, record.epoch,
                                   record.commit_id, record.note, record.change_count,
                                   record.body};
        return TJ_OK;
    }
    return TJ_OK;
}

void tj__journal_commits_close(tj__commits *commits)
{
    if (commits) {
        tj__log_reader_close(commits->reader);
        free(commits);
    }
}

tj_status tj__journal_block(tj__journal *journal, uint64_t sequence, uint64_t *first,
                            tj_error *error)
{
    tj__position start;
    TJ_TRY(seek(journal, sequence, &start, error));
    *first = start.sequence + 1;
    return TJ_OK;
}

/* What is behind the newest commit may be being written. */
tj_status tj__journal_sequence_at(tj__journal *journal, tj_time time, uint64_t newest,
                                  uint64_t *sequence, tj_error *error)
{
    tj_error cause = TJ_ERROR_INIT;
    tj__past_source source = source_of(journal);
    tj_status status = tj__seek_time(&source, time, sequence, &cause);
    if (status == TJ_NOT_FOUND) {
        *sequence = 0;
        return TJ_OK;
    }
    *sequence = status == TJ_OK && *sequence > newest ? newest : *sequence;
    return status == TJ_OK ? TJ_OK : tj__error_pass(error, &cause);
}
