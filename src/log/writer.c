/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The writer: places records one behind the other, segment after segment. base/group.c gathers them
 * in batches, output.c makes these durable, successor.c has the next segment ready.
 *
 * `at`, `begun` and `end` say where the next record goes. They belong to the appender: the one
 * thread at a time that is inside tj__log_writer_append.
 *
 * Rotation, in an order that leaves everything unchanged when the disk is full:
 *   1. the successor is there, large enough for the record, and open;
 *   2. the open batch gets the seal and is flushed with all before it, in os mode too;
 *   3. the leader of that batch goes over to the successor's file;
 *   4. the next batch starts with the successor's header, followed by the record, in one write.
 * If there is no memory for step 4, the log stands at a segment that is not begun; so it may when
 * it is opened. Such a segment can still be made larger for a large record.
 */
#include "log/writer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/file.h"
#include "log/output.h"

struct tj__log_writer {
    tj_uuid journal_id;
    uint64_t epoch;
    tj__position at;
    bool begun;   /* the header of the segment `at` is in is written, or in a batch */
    uint64_t end; /* where the seal of that segment must end at the latest */
    tj__group group;
    tj__log_output output;
    tj__successor successor;
};

/* Opens the segment at the end of the log. One that is not begun is made to be one that can be. */
static tj_status open_last(tj__log_writer *writer, const tj__log_writer_options *options,
                           tj__log_file *file, tj_error *error)
{
    TJ_TRY(tj__log_file_open(options->directory, writer->at.ordinal, file, error));
    tj__segment_header header;
    TJ_TRY(tj__log_file_header(file, &writer->journal_id, &writer->begun, &header, error));
    if (writer->begun || tj__log_file_usable(file, options->segment_size)) {
        return TJ_OK;
    }
    tj__file_close(file->fd);
    file->fd = -1;
    TJ_TRY(tj__segment_prepare_anew(options->directory, writer->at.ordinal, options->segment_size,
                                    error));
    return tj__log_file_open(options->directory, writer->at.ordinal, file, error);
}

/* Finds out whether the segment at the end of the log is begun, and where it ends. */
static tj_status find_end(tj__log_writer *writer, const tj__log_file *file, tj_error *error)
{
    tj__segment_header header;
    TJ_TRY(tj__log_file_header(file, &writer->journal_id, &writer->begun, &header, error));
    writer->end = writer->begun ? header.segment_size : file->size;
    if (writer->end > file->size) {
        return tj__fail(error, TJ_CORRUPT, "%s has %" PRIu64 " bytes, its header says %" PRIu64,
                        file->path, file->size, writer->end);
    }
    uint64_t offset = writer->at.offset;
    bool possible = offset >= TJ__SEGMENT_HEADER_SIZE && offset % TJ__RECORD_ALIGN == 0 &&
                    offset + TJ__SEAL_SIZE <= writer->end &&
                    (writer->begun || offset == TJ__SEGMENT_HEADER_SIZE);
    if (!possible) {
        return tj__fail(error, TJ_CORRUPT, "the log cannot go on at offset %" PRIu64 " of %s",
                        offset, file->path);
    }
    return TJ_OK;
}

static tj_status start(tj__log_writer *writer, const tj__log_writer_options *options,
                       tj__log_file *file, tj_error *error)
{
    TJ_TRY(open_last(writer, options, file, error));
    TJ_TRY(find_end(writer, file, error));
    TJ_TRY(tj__successor_init(&writer->successor, options->directory, &options->journal_id,
                              options->segment_size, error));
    tj__log_output_init(&writer->output, options, writer->at.sequence, file);
    tj__group_init(&writer->group, &tj__log_output_ops, &writer->output,
                   options->durability == TJ_DURABILITY_SYNC, writer->at.sequence);
    return TJ_OK;
}

tj_status tj__log_writer_open(const tj__log_writer_options *options, const tj__position *end,
                              tj__log_writer **out, tj_error *error)
{
    *out = NULL;
    tj__log_writer *writer = calloc(1, sizeof *writer);
    if (!writer) {
        return tj__fail(error, TJ_NOMEM, "no memory to open the log in %s", options->directory);
    }
    writer->journal_id = options->journal_id;
    writer->epoch = options->epoch;
    writer->at = *end;
    tj__log_file file = {.fd = -1};
    tj_status status = start(writer, options, &file, error);
    if (status != TJ_OK) {
        tj__file_close(file.fd);
        free(writer);
        return status;
    }
    *out = writer;
    return TJ_OK;
}

tj_status tj__log_writer_close(tj__log_writer *writer, tj_error *error)
{
    if (!writer) {
        return TJ_OK;
    }
    tj_status status = tj__log_writer_sync(writer, NULL, error);
    tj__group_dispose(&writer->group);
    tj__log_output_dispose(&writer->output);
    tj__successor_dispose(&writer->successor);
    free(writer);
    return status;
}

/* Adds a record to the batch, which has room for it, at the writer's place. */
static void put_record(tj__log_writer *writer, tj__batch *batch, tj__record *record)
{
    size_t before = batch->bytes.size;
    if (before == 0) {
        batch->offset = writer->at.offset;
    }
    tj__record_encode(record, &writer->journal_id, writer->at.ordinal, writer->at.offset,
                      &batch->bytes);
    writer->at.offset += batch->bytes.size - before;
    writer->at.hash = record->hash;
}

/* Ends the segment with a seal and goes over to the next, which has room for a record of `size`. */
static tj_status rotate(tj__log_writer *writer, uint64_t size, tj_error *error)
{
    tj__log_file next;
    tj__batch *batch = NULL;
    TJ_TRY(tj__successor_take(&writer->successor, writer->at.ordinal + 1,
                              TJ__SEGMENT_HEADER_SIZE + size + TJ__SEAL_SIZE, &next, error));
    tj_status status = tj__group_enter(&writer->group, TJ__SEAL_SIZE, &batch, error);
    if (status != TJ_OK) {
        tj__file_close(next.fd);
        return status;
    }
    tj__record seal = {.type = TJ__RECORD_SEAL,
                       .previous_hash = writer->at.hash,
                       .sequence = writer->at.sequence,
                       .time = writer->at.time,
                       .epoch = writer->epoch,
                       .durable_sequence = atomic_load(&writer->group.durable)};
    put_record(writer, batch, &seal);
    TJ_TRY(tj__group_leave_sealed(&writer->group, &next, error));
    writer->at.ordinal = next.ordinal;
    writer->at.offset = TJ__SEGMENT_HEADER_SIZE;
    writer->begun = false;
    writer->end = next.size;
    return TJ_OK;
}

/* Sees to it that the segment has room for a record of `size` and a seal behind it. */
static tj_status make_room(tj__log_writer *writer, uint64_t size, tj_error *error)
{
    uint64_t needed = writer->at.offset + size + TJ__SEAL_SIZE;
    if (needed <= writer->end) {
        return TJ_OK;
    }
    if (writer->begun) {
        return rotate(writer, size, error);
    }
    TJ_TRY(tj__log_file_extend(&writer->output.file, writer->end, needed, error));
    writer->end = needed;
    return TJ_OK;
}

/* Adds the header of a segment that is not begun; the batch is empty then. */
static void put_header(tj__log_writer *writer, tj__batch *batch, tj_time now)
{
    tj__segment_header header = {.journal_id = writer->journal_id,
                                 .ordinal = writer->at.ordinal,
                                 .first_sequence = writer->at.sequence + 1,
                                 .chain_hash = writer->at.hash,
                                 .created_at = now,
                                 .segment_size = writer->end};
    uint8_t block[TJ__SEGMENT_HEADER_SIZE];
    tj__segment_header_encode(&header, block);
    TJ_ASSERT(batch->bytes.size == 0);
    batch->offset = 0;
    tj__put_bytes(&batch->bytes, block, sizeof block);
    writer->begun = true;
}

static tj_status check_limits(const tj__log_writer *writer, const tj__commit_record *commit,
                              tj_error *error)
{
    size_t noted = tj__record_note_room(commit->note.size);
    if (commit->body.size > TJ__RECORD_BODY_SIZE_MAX - noted) {
        return tj__fail(error, TJ_LIMIT,
                        "the commit has %zu bytes%s, more than the %u bytes that one commit can "
                        "have; split it",
                        commit->body.size + noted, noted > 0 ? " with its note" : "",
                        TJ__RECORD_BODY_SIZE_MAX);
    }
    return tj__commit_time_check(writer->at.time, error);
}

tj_status tj__log_writer_append(tj__log_writer *writer, const tj__commit_record *commit,
                                uint64_t *sequence, tj_error *error)
{
    TJ_TRY(check_limits(writer, commit, error));
    uint64_t size = tj__record_size_noted(commit->body.size, commit->note.size);
    TJ_TRY(make_room(writer, size, error));
    tj__batch *batch = NULL;
    TJ_TRY(tj__group_enter(&writer->group, TJ__SEGMENT_HEADER_SIZE + (size_t)size, &batch, error));
    tj__record record = {.type = TJ__RECORD_COMMIT,
                         .previous_hash = writer->at.hash,
                         .sequence = writer->at.sequence + 1,
                         .time = tj__commit_time(commit, writer->at.time),
                         .epoch = writer->epoch,
                         .durable_sequence = atomic_load(&writer->group.durable),
                         .commit_id = commit->commit_id,
                         .change_count = commit->change_count,
                         .body = commit->body,
                         .note = commit->note};
    if (!writer->begun) {
        put_header(writer, batch, record.time);
    }
    put_record(writer, batch, &record);
    writer->at.sequence = record.sequence;
    writer->at.time = record.time;
    writer->at.epoch = writer->epoch;
    bool is_short = writer->end < writer->successor.segment_size; /* the first one of a new log */
    if (is_short || writer->at.offset > writer->end / 2) {
        tj__successor_want(&writer->successor, writer->at.ordinal + 1);
    }
    *sequence = record.sequence;
    tj__group_leave(&writer->group, record.sequence);
    return TJ_OK;
}

tj_status tj__log_writer_wait(tj__log_writer *writer, uint64_t sequence, tj_error *error)
{
    return tj__group_wait(&writer->group, sequence, error);
}

tj_status tj__log_writer_sync(tj__log_writer *writer, uint64_t *durable, tj_error *error)
{
    TJ_TRY(tj__group_sync(&writer->group, atomic_load(&writer->group.appended), error));
    if (durable) {
        *durable = atomic_load(&writer->group.durable);
    }
    return TJ_OK;
}

tj_status tj__log_writer_wait_durable(tj__log_writer *writer, uint64_t sequence, tj_error *error)
{
    return tj__group_sync(&writer->group, sequence, error);
}

uint64_t tj__log_writer_acknowledged(const tj__log_writer *writer)
{
    return atomic_load(&writer->group.acknowledged);
}

uint64_t tj__log_writer_appended(const tj__log_writer *writer)
{
    return atomic_load(&writer->group.appended);
}

tj_status tj__log_writer_prepare(tj__log_writer *writer, tj_error *error)
{
    return tj__log_writer_wants_prepare(writer) ? tj__successor_prepare(&writer->successor, error)
                                                : TJ_OK;
}

void tj__log_writer_cancel_prepare(tj__log_writer *writer)
{
    tj__successor_cancel(&writer->successor);
}

bool tj__log_writer_wants_prepare(const tj__log_writer *writer)
{
    return tj__successor_is_wanted(&writer->successor) && !atomic_load(&writer->group.poisoned);
}

void tj__log_writer_poison(tj__log_writer *writer, const char *reason)
{
    tj_error cause = TJ_ERROR_INIT;
    tj__fail(&cause, TJ_CLOSED, "%s", reason);
    tj__group_poison(&writer->group, &cause);
}

void tj__log_writer_abandon(tj__log_writer *writer)
{
    /* Another thread of the parent may have been anywhere when it forked, with the lock held:
     * nothing but the descriptor, which is always an open one, is safe to touch. The memory is
     * left. */
    tj__file_close(writer->output.file.fd);
    writer->output.file.fd = -1;
}

/* A writer that is gone is poisoned for nobody: what counts is why. */
static tj_status cause_of_closed(tj_error *failure)
{
    bool full = failure->os_errno == ENOSPC || failure->os_errno == EDQUOT;
    failure->status = full ? TJ_FULL : TJ_IO;
    return failure->status;
}

tj_status tj__log_append_once(const tj__log_writer_options *options, const tj__position *end,
                              const tj__commit_record *commit, uint64_t *sequence, tj_error *error)
{
    tj__log_writer *writer = NULL;
    tj_error failure = TJ_ERROR_INIT;
    TJ_TRY(tj__log_writer_open(options, end, &writer, error));
    tj_status status = tj__log_writer_append(writer, commit, sequence, &failure);
    if (status == TJ_OK) {
        status = tj__log_writer_wait_durable(writer, *sequence, &failure);
    }
    tj_status closed = tj__log_writer_close(writer, status == TJ_OK ? &failure : NULL);
    status = status == TJ_OK ? closed : status;
    if (status == TJ_CLOSED) {
        status = cause_of_closed(&failure);
    }
    return status == TJ_OK ? TJ_OK : tj__error_pass(error, &failure);
}
