/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Building a journal out of sight. */
#include "backup/restore_target.h"

#include <fcntl.h>
#include <unistd.h>

#include "backup/restore_place.h"
#include "base/error.h"
#include "base/file.h"
#include "history/base.h"
#include "log/writer.h"
#include "rows/body.h"
#include "rows/value.h"

/* What LMDB takes in one transaction. */
#define BATCH_BYTES_MAX ((size_t)8 << 20)
/* Above the epochs of a term that is full. */
#define TERM_SHIFT 48
#define TERM_MAX UINT64_C(0xffff)

static tj_status make_tables(tj__restore_target *target, tj_error *error)
{
    tj__superblock superblock = {
        .format_version = TJ__TABLE_FORMAT_VERSION,
        .page_size = (uint32_t)sysconf(_SC_PAGESIZE),
        .journal_id = target->journal_id,
        .created_at = tj_time_now(),
        .tables = TJ__TABLES_ALL,
        .first_segment = target->position.ordinal,
    };
    tj__env_options options = {
        .directory = target->built, .map_size = TJ_MAP_SIZE_DEFAULT, .flushed = true};
    TJ_TRY(tj__env_create(target->built, &superblock, &target->position, 0, error));
    return tj__env_open(&options, &target->env, &superblock, error);
}

tj_status tj__restore_target_begin(tj__restore_target *target, const char *trial_directory,
                                   tj_error *error)
{
    if (tj_uuid_is_nil(target->journal_id)) {
        target->journal_id = tj_uuid_generate();
    }
    target->position = target->start;
    if (target->position.ordinal == 0) {
        target->position = (tj__position){.ordinal = 1, .offset = TJ__SEGMENT_HEADER_SIZE};
    }
    tj__scribe_init(&target->scribe, &target->journal_id, true, &target->pace);
    target->scribe.hash = target->position.hash;
    target->batch = tj__rowmap_new();
    if (!target->batch) {
        return tj__fail(error, TJ_NOMEM, "no memory to restore a journal");
    }
    TJ_TRY(tj__restore_place_make(target, trial_directory, error));
    TJ_TRY(make_tables(target, error));
    TJ_TRY(tj__path_join(target->history_path, sizeof target->history_path, target->built,
                         TJ__HISTORY_DIRECTORY, error));
    TJ_TRY(tj__path_join(target->log_path, sizeof target->log_path, target->built, "log", error));
    return tj__directory_make(target->log_path, target->built, error);
}

/* ---- records ------------------------------------------------------------------------------- */

static tj_status end_page(tj__restore_target *target, const tj__record *seal, tj_error *error)
{
    TJ_TRY(tj__scribe_put(&target->scribe, seal, error));
    return tj__scribe_end(&target->scribe, error);
}

static tj_status turn_page(tj__restore_target *target, const tj__segment_header *header,
                           const tj__record *seal, tj_error *error)
{
    char path[TJ__SEGMENT_PATH_SIZE];
    if (target->scribe.fd >= 0) {
        TJ_TRY(end_page(target, seal, error));
    }
    TJ_TRY(tj__segment_path(path, target->log_path, header->ordinal, error));
    return tj__scribe_begin(&target->scribe, path, header, error);
}

static tj_status apply_batch(tj__restore_target *target, tj_error *error)
{
    TJ_TRY(tj__env_apply(target->env, target->batch, &target->position, error));
    target->applied = true;
    tj__rowmap_clear(target->batch);
    return TJ_OK;
}

static tj_status apply_large(tj__restore_target *target, tj_error *error)
{
    size_t most = target->batch_max > 0 ? target->batch_max : BATCH_BYTES_MAX;
    return tj__rowmap_bytes(target->batch) > most ? apply_batch(target, error) : TJ_OK;
}

tj_status tj__restore_target_put_at(tj__restore_target *target, const tj__segment_header *header,
                                    const tj__record *seal, const tj__record *record,
                                    const tj__position *end, tj_error *error)
{
    if (target->scribe.fd < 0 || target->scribe.ordinal != end->ordinal) {
        TJ_TRY(turn_page(target, header, seal, error));
    }
    TJ_TRY(tj__scribe_put(&target->scribe, record, error));
    target->position = *end;
    target->position.hash = target->scribe.hash;
    return TJ_OK;
}

/* What was only written to the kernel is on the disk then, too. */
static bool flush(const char *path)
{
    int fd = -1;
    bool flushed = tj__file_open(path, O_RDONLY, &fd, NULL) == TJ_OK &&
                   tj__file_sync_data(fd, path, NULL) == TJ_OK;
    tj__file_close(fd);
    return flushed;
}

bool tj__restore_target_link(tj__restore_target *target, const char *log_path, uint64_t ordinal,
                             const tj__record *seal)
{
    char from[TJ__SEGMENT_PATH_SIZE];
    char to[TJ__SEGMENT_PATH_SIZE];
    return (target->scribe.fd < 0 || end_page(target, seal, NULL) == TJ_OK) &&
           tj__segment_path(from, log_path, ordinal, NULL) == TJ_OK &&
           tj__segment_path(to, target->log_path, ordinal, NULL) == TJ_OK && flush(from) &&
           link(from, to) == 0;
}

void tj__restore_target_pass(tj__restore_target *target, const tj__record *record,
                             const tj__position *end)
{
    target->position = *end;
    target->scribe.hash = record->hash;
    if (record->type == TJ__RECORD_SEAL) {
        target->position.ordinal++;
        target->position.offset = TJ__SEGMENT_HEADER_SIZE;
    }
}

tj_status tj__restore_target_apply(tj__restore_target *target, uint64_t tables,
                                   const tj__record *record, tj_error *error)
{
    TJ_TRY(tj__body_apply(target->batch, tables, record->body, record->change_count,
                          record->sequence, &record->commit_id, error));
    return apply_large(target, error);
}

tj_status tj__restore_target_put(tj__restore_target *target, const tj__log_reader *reader,
                                 const tj__record *record, tj_error *error)
{
    TJ_TRY(tj__restore_target_put_at(target, tj__log_reader_header(reader),
                                     tj__log_reader_seal(reader), record,
                                     tj__log_reader_position(reader), error));
    return tj__restore_target_apply(target, TJ__TABLES_ALL, record, error);
}

tj_status tj__restore_target_put_row(tj__restore_target *target, const tj__row *row,
                                     tj_error *error)
{
    if (!tj__rowmap_put(target->batch, row->key, row->value, row->sequence)) {
        return tj__fail(error, TJ_NOMEM, "no memory for the rows of a journal");
    }
    return apply_large(target, error);
}

tj_status tj__restore_target_has(tj__restore_target *target, tj__bytes key, bool *has,
                                 tj_error *error)
{
    *has = tj__rowmap_find(target->batch, key) != NULL;
    return *has ? TJ_OK : tj__env_find(target->env, key, has, error);
}

tj_status tj__restore_target_put_id(tj__restore_target *target, const tj__row *row, tj_error *error)
{
    tj__derived_row derived;
    bool has = false;
    if (!tj__ledger_id_row(row->key, row->value, &derived)) {
        return TJ_OK;
    }
    tj__row own = {.key = tj__bytes_of(derived.key, derived.key_size),
                   .value = tj__bytes_of(derived.value, derived.value_size),
                   .sequence = row->sequence};
    TJ_TRY(tj__restore_target_has(target, own.key, &has, error));
    return has ? TJ_OK : tj__restore_target_put_row(target, &own, error);
}

tj_status tj__restore_target_seal(tj__restore_target *target, tj_error *error)
{
    tj__position *at = &target->position;
    if (at->offset == TJ__SEGMENT_HEADER_SIZE) {
        return TJ_OK; /* one that is linked has its own */
    }
    tj__record seal = {.type = TJ__RECORD_SEAL,
                       .sequence = at->sequence,
                       .time = at->time,
                       .epoch = at->epoch,
                       .durable_sequence = at->sequence};
    TJ_TRY(tj__scribe_put(&target->scribe, &seal, error));
    at->hash = target->scribe.hash;
    at->ordinal++;
    at->offset = TJ__SEGMENT_HEADER_SIZE;
    return TJ_OK;
}

tj_status tj__restore_target_settle(tj__restore_target *target, tj_error *error)
{
    TJ_TRY(tj__scribe_end(&target->scribe, error));
    if (target->position.offset == TJ__SEGMENT_HEADER_SIZE) { /* the next is not begun */
        uint64_t size = target->scribe.size > 0 ? target->scribe.size : TJ_SEGMENT_SIZE_DEFAULT;
        TJ_TRY(tj__segment_prepare(target->log_path, target->position.ordinal, size, NULL, NULL,
                                   error));
    }
    return apply_batch(target, error);
}

/* ---- the last commit ----------------------------------------------------------------------- */

static tj_status begin_term(tj__restore_target *target, tj_error *error)
{
    uint64_t term = target->position.epoch >> TERM_SHIFT;
    if (term == TERM_MAX) {
        return tj__fail(error, TJ_LIMIT,
                        "the journal was restored as often as can be counted: export it, and "
                        "import it into a new one");
    }
    target->position.epoch = (term + 1) << TERM_SHIFT | 1;
    return TJ_OK;
}

static tj_status append_to_log(const tj__restore_target *target, const tj__commit_record *commit,
                               tj_error *error)
{
    uint64_t sequence = 0;
    tj__log_writer_options options = {.directory = target->log_path,
                                      .journal_id = target->journal_id,
                                      .epoch = target->position.epoch,
                                      .segment_size = TJ_SEGMENT_SIZE_DEFAULT,
                                      .durability = TJ_DURABILITY_SYNC};
    return tj__log_append_once(&options, &target->position, commit, &sequence, error);
}

/* Where it stands is found out by reading it back. */
static tj_status apply_last(tj__restore_target *target, tj_error *error)
{
    tj__log_reader *reader = NULL;
    tj__log_next next = TJ__LOG_END;
    tj__record record;
    TJ_TRY(tj__log_reader_open(target->log_path, &target->journal_id, &target->position, &reader,
                               error));
    tj_status status = tj__log_reader_next(reader, &next, &record, error);
    if (status == TJ_OK && next == TJ__LOG_END) {
        status = tj__fail(error, TJ_CORRUPT, "%s cannot be read back: %s",
                          tj__log_reader_path(reader), tj__log_reader_why(reader));
    }
    if (status == TJ_OK) {
        target->position = *tj__log_reader_position(reader);
        status = tj__body_apply(target->batch, TJ__TABLES_ALL, record.body, record.change_count,
                                record.sequence, &record.commit_id, error);
    }
    tj__log_reader_close(reader);
    return status == TJ_OK ? apply_batch(target, error) : status;
}

tj_status tj__restore_target_append(tj__restore_target *target, tj__bytes body,
                                    uint32_t change_count, tj__bytes note, tj_error *error)
{
    TJ_TRY(begin_term(target, error));
    tj__commit_record commit = {.note = note, .change_count = change_count, .body = body};
    TJ_TRY(append_to_log(target, &commit, error));
    return apply_last(target, error);
}

/* ---- the end ------------------------------------------------------------------------------- */

tj_status tj__restore_target_appear(tj__restore_target *target, tj_error *error)
{
    tj__env_close(target->env);
    target->env = NULL;
    TJ_TRY(tj__directory_sync(target->log_path, error));
    TJ_TRY(tj__directory_sync(target->built, error));
    return tj__restore_place_take(target, error);
}

void tj__restore_target_dispose(tj__restore_target *target)
{
    tj__scribe_dispose(&target->scribe);
    tj__env_close(target->env);
    tj__rowmap_free(target->batch);
    target->env = NULL;
    target->batch = NULL;
    tj__restore_place_leave(target);
}
