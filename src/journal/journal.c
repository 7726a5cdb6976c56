/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Opening and closing a journal. */
#include "journal/journal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "base/thread.h"
#include "journal/boot.h"
#include "journal/internal.h"
#include "rows/load.h"
#include "rows/row.h"
#include "rows/value.h"

/* ---- opening ---------------------------------------------------------------------------- */

static void init_waiting(tj__journal *journal)
{
    tj__mutex_init(&journal->apply_mutex);
    tj__mutex_init(&journal->reserve_mutex);
    tj__helper_init(&journal->helper, &tj__journal_helper_ops, journal, journal->config.lmdb.lag_ms,
                    0);
    tj__mutex_init(&journal->builder_mutex);
    tj__condition_init(&journal->builder_wake);
    tj__mutex_init(&journal->history_mutex);
}

static tj_status new_journal(const tj_config *config, tj__journal **out, tj_error *error)
{
    tj__journal *journal = calloc(1, sizeof *journal);
    if (!journal) {
        return tj__fail(error, TJ_NOMEM, "no memory for a journal");
    }
    journal->config = *config;
    init_waiting(journal);
    int written = snprintf(journal->path, sizeof journal->path, "%s", config->path);
    tj_status status = TJ_OK;
    if (written < 0 || (size_t)written >= sizeof journal->path) {
        status = tj__fail(error, TJ_LIMIT, "the journal's path is too long");
    } else {
        status = tj__path_join(journal->log_path, sizeof journal->log_path, journal->path,
                               TJ__LOG_DIRECTORY, error);
    }
    if (status == TJ_OK) {
        status = tj__path_join(journal->history_path, sizeof journal->history_path, journal->path,
                               TJ__HISTORY_DIRECTORY, error);
    }
    journal->config.path = journal->path;
    if (status != TJ_OK) {
        free(journal);
        return status;
    }
    *out = journal;
    return TJ_OK;
}

/* The directory is there or may be made; what is in it is ours or nothing. Changes nothing yet. */
static tj_status look_before(const tj__journal *journal, tj_error *error)
{
    bool found = false;
    char word[TJ__WORD_SIZE];
    TJ_TRY(tj__journal_check_file_system(journal, error));
    TJ_TRY(tj__journal_look(journal->path, &found, error));
    if (found || !(journal->config.must_exist || journal->config.read_only)) {
        return TJ_OK;
    }
    return tj__fail(error, TJ_NOT_FOUND,
                    "there is no journal at %s: `tesser-journal init -j %s` creates one",
                    journal->path, tj__word(journal->path, word));
}

static tj_status is_intact(void *context, const tj__row *row, tj_error *error)
{
    (void)context;
    return tj__row_intact(row, error);
}

/* Nothing can be loaded or saved beside a damaged book: the page walk does not look into rows. Nor
 * can anything be saved beside a damaged commit id or counter. A writer finds those by itself, and
 * who looks on finds what the next writer will. */
static tj_status check_rows(tj__journal *journal, tj_error *error)
{
    static const uint8_t tables[] = {TJ__TABLE_BOOKS, TJ__TABLE_COMMITS, TJ__TABLE_COUNTERS};
    size_t count = journal->config.read_only ? sizeof tables : 1;
    tj__env_snapshot *snapshot = NULL;
    tj__position position;
    TJ_TRY(tj__journal_snapshot_begin(journal, &snapshot, &position, error));
    tj_status status = TJ_OK;
    for (size_t i = 0; i < count && status == TJ_OK; i++) {
        status = tj__rows_scan_prefix(tj__env_snapshot_rows(snapshot), tj__bytes_of(&tables[i], 1),
                                      false, is_intact, NULL, error);
    }
    tj__env_snapshot_end(snapshot);
    return status;
}

static tj_status open_tables(tj__journal *journal, tj_error *error)
{
    tj__env_options options = {.directory = journal->path,
                               .map_size = journal->config.lmdb.map_size_bytes,
                               .map_size_max = journal->config.lmdb.map_size_max_bytes,
                               .read_only = journal->config.read_only,
                               .classify = journal->config.read_only ? tj__state_row_class : NULL,
                               .two_threads =
                                   journal->config.read_only && !journal->config.no_threads,
                               .flushed = journal->created};
    tj_error failure = TJ_ERROR_INIT;
    tj_status status = tj__env_open(&options, &journal->env, &journal->superblock, &failure);
    while (status == TJ_FULL && tj__journal_make_space(journal)) {
        status = tj__env_open(&options, &journal->env, &journal->superblock, &failure);
    }
    if (status == TJ_OK) {
        status = check_rows(journal, &failure);
    }
    if (status == TJ_OK) {
        return TJ_OK;
    }
    if (status == TJ_CORRUPT) {
        tj__error_context(&failure, "in %s/data.mdb; repair the journal", journal->path);
    } else {
        tj__error_context(&failure, "opening %s/data.mdb", journal->path);
    }
    return tj__error_pass(error, &failure);
}

/* A trader's disk may be mounted read-only on purpose; to write there is another thing. */
static tj_status take_lock(tj__journal *journal, tj_error *error)
{
    tj__lock *lock = NULL;
    tj_status status = tj__lock_take(journal->path, &lock, error);
    journal->lock = lock;
    if (status == TJ_READONLY) {
        tj__error_context(error, "journal %s cannot be written; open it read-only to look on",
                          journal->path);
    }
    return status;
}

/* A journal of an earlier format version; those who look on read it as it is. */
static tj_status upgrade(tj__journal *journal, tj_error *error)
{
    uint32_t before = journal->superblock.format_version;
    if (before == TJ__TABLE_FORMAT_VERSION) {
        return TJ_OK;
    }
    tj_status status =
        tj__env_upgrade(journal->env, tj__ledger_id_row, &journal->superblock, error);
    if (status != TJ_OK) {
        tj__error_context(error, "bringing %s from format version %u to %d; it stays as it was",
                          journal->path, before, TJ__TABLE_FORMAT_VERSION);
        return status;
    }
    tj__trace(&journal->config, TJ_TRACE_INFO, "%s was brought from format version %u to %d",
              journal->path, before, TJ__TABLE_FORMAT_VERSION);
    return TJ_OK;
}

static tj_status take_data_lock(tj__journal *journal, tj_error *error)
{
    char path[PATH_MAX];
    TJ_TRY(tj__path_join(path, sizeof path, journal->path, "data.mdb", error));
    return tj__lock_take_data(journal->lock, path, error);
}

tj_status tj__journal_find_lock(tj__journal *journal, tj_error *error)
{
    if (journal->lock) {
        return TJ_OK;
    }
    tj__lock *found = NULL;
    tj__lock *none = NULL;
    TJ_TRY(tj__lock_look(journal->path, &found, error));
    if (found && !atomic_compare_exchange_strong(&journal->lock, &none, found)) {
        tj__lock_release(found); /* another thread was faster */
    }
    return TJ_OK;
}

static void tell_unknown_boot(const tj__journal *journal)
{
    if (journal->lock && !tj__lock_knows_boot(journal->lock)) {
        tj__trace(&journal->config, TJ_TRACE_WARNING,
                  "the boot id of this system cannot be read (" TJ__BOOT_ID_PATH
                  "): which commits of %s were acknowledged is known only while their writer "
                  "runs; mount /proc whole to mend it",
                  journal->path);
    }
}

/* The directory of a journal that is not there yet. */
static tj_status make_directory(const tj__journal *journal, tj_error *error)
{
    bool there = false;
    struct stat found;
    TJ_TRY(tj__path_look(journal->path, &there, &found, error));
    if (!there) {
        TJ_TRY(tj_path_apart(journal->path, error));
    }
    TJ_TRY(
        tj__journal_refuse_backup(journal->path, error)); /* its lock would be a stranger there */
    return tj__directory_create_unflushed(journal->path, error);
}

static tj_status open_writer(tj__journal *journal, tj_error *error)
{
    TJ_TRY(make_directory(journal, error));
    TJ_TRY(take_lock(journal, error));
    tell_unknown_boot(journal);
    /* Only now is nobody else creating or replacing what is looked at. */
    bool found = false;
    TJ_TRY(tj__journal_look(journal->path, &found, error));
    if (!found) {
        TJ_TRY(tj__journal_create(journal, error));
    }
    TJ_TRY(take_data_lock(journal, error));
    TJ_TRY(tj__journal_space_look(journal, error));
    TJ_TRY(open_tables(journal, error));
    TJ_TRY(upgrade(journal, error));
    TJ_TRY(tj__journal_recover(journal, error));
    tj__journal_metrics_tell(journal);
    tj__journal_create_tidy(journal->path);
    TJ_TRY(tj__journal_space_start(journal, error));
    if (!journal->config.no_threads) {
        TJ_TRY(tj__helper_start(&journal->helper, error));
    }
    tj__journal_builder_start(journal);
    return TJ_OK;
}

/* A journal that the next writer will refuse is refused to those who look on, too. Beside a living
 * writer its own opening has said so; one that comes meanwhile makes the log another. */
static tj_status foretell_recovery(tj__journal *journal, tj_error *error)
{
    for (;;) {
        tj_error failure = TJ_ERROR_INIT;
        tj__logbook book;
        TJ_TRY(tj__journal_find_lock(journal, error));
        tj_time recovered_at = tj__lock_mark(journal->lock).recovered_at;
        if (tj__lock_is_held(journal->lock)) {
            return tj__logbook_warn(journal, error);
        }
        tj_status status = tj__logbook_survey(journal, &book, &failure);
        tj__logbook_dispose(&book);
        TJ_TRY(tj__journal_find_lock(journal, error));
        bool written = tj__lock_is_held(journal->lock) ||
                       tj__lock_mark(journal->lock).recovered_at != recovered_at;
        if (status == TJ_OK || !written) {
            return status == TJ_OK ? TJ_OK : tj__error_pass(error, &failure);
        }
    }
}

static tj_status open_viewer(tj__journal *journal, tj_error *error)
{
    TJ_TRY(tj__journal_find_lock(journal, error));
    tell_unknown_boot(journal);
    TJ_TRY(open_tables(journal, error));
    tj_status status = foretell_recovery(journal, error);
    if (status != TJ_OK) {
        tj__error_context(error, "reading journal %s", journal->path);
    }
    return status;
}

static void release(tj__journal *journal)
{
    tj__overlay_forget(journal);
    tj__log_reader_close(journal->apply_reader);
    tj__rowmap_free(journal->apply_batch);
    while (journal->env && tj__env_ready(journal->env, NULL) == TJ_FULL &&
           tj__journal_make_space(journal)) {
    }
    tj__env_close(journal->env);
    tj__lock_release(journal->lock);
    tj__helper_dispose(&journal->helper);
    pthread_cond_destroy(&journal->builder_wake);
    pthread_mutex_destroy(&journal->builder_mutex);
    pthread_mutex_destroy(&journal->history_mutex);
    pthread_mutex_destroy(&journal->reserve_mutex);
    pthread_mutex_destroy(&journal->apply_mutex);
    free(journal);
}

tj_status tj__journal_open(const tj_config *config, tj__metrics *metrics, tj__journal **out,
                           tj_error *error)
{
    *out = NULL;
    tj__journal *journal = NULL;
    TJ_TRY(new_journal(config, &journal, error));
    journal->metrics = metrics;
    tj_status status = look_before(journal, error);
    if (status == TJ_OK) {
        status = config->read_only ? open_viewer(journal, error) : open_writer(journal, error);
    }
    if (status != TJ_OK) {
        tj__log_writer_close(journal->log, NULL);
        release(journal);
        return status;
    }
    *out = journal;
    return TJ_OK;
}

/* ---- closing ---------------------------------------------------------------------------- */

/* On a full disk LMDB stays behind, and nothing is lost by it: the log has every commit. So it is
 * said to the trace callback and no error, which would make who sees it repeat a commit that was
 * made. */
static tj_status apply_at_close(tj__journal *journal, tj_error *error)
{
    tj_error failure = TJ_ERROR_INIT;
    tj__journal_space_tend(journal); /* there may be space again */
    tj_status status = tj__journal_apply(journal, &failure);
    if (status == TJ_FULL) {
        tj__trace(&journal->config, TJ_TRACE_WARNING,
                  "closing %s: every commit up to %" PRIu64
                  " is durable in the log, and data.mdb follows when there is space: %s",
                  journal->path, atomic_load(&journal->acknowledged), failure.message);
        return TJ_OK;
    }
    return tj__error_pass(error, &failure);
}

void tj__journal_quiesce(tj__journal *journal)
{
    tj__journal_helper_stop(journal);
    tj__journal_builder_stop(journal); /* which the helper may have started */
}

/* compacted NULL: data.mdb stays as it is. */
static tj_status close_writer(tj__journal *journal, tj_compact_report *compacted, tj_error *error)
{
    tj__journal_quiesce(journal);
    tj_status status = tj__log_writer_sync(journal->log, NULL, error);
    if (status == TJ_OK) {
        status = apply_at_close(journal, error);
    }
    tj__journal_metrics_tell(journal);
    bool complete =
        status == TJ_OK && tj__log_writer_appended(journal->log) == atomic_load(&journal->applied);
    tj_status closed = tj__log_writer_close(journal->log, status == TJ_OK ? error : NULL);
    if (status == TJ_OK) {
        status = closed;
    }
    bool sound = status == TJ_OK;
    if (sound && compacted) {
        status = tj__journal_compact(journal, compacted, error);
    }
    if (sound && complete && tj__lock_same_file(journal->lock, NULL) == TJ_OK &&
        tj__journal_mark_ready(journal, NULL) == TJ_OK) {
        tj__lock_clean(journal->lock);
    }
    return status;
}

tj_status tj__journal_close(tj__journal *journal, tj_error *error)
{
    if (!journal) {
        return TJ_OK;
    }
    tj_status status = TJ_OK;
    if (journal->log) {
        status = close_writer(journal, NULL, error);
        if (status != TJ_OK) {
            tj__error_context(error, "closing journal %s", journal->path);
        }
    }
    release(journal);
    return status;
}

tj_status tj__journal_close_compacted(tj__journal *journal, tj_compact_report *report,
                                      tj_error *error)
{
    tj_status status = close_writer(journal, report, error);
    release(journal);
    return status;
}

void tj__journal_abandon(tj__journal *journal)
{
    if (journal->log) {
        tj__log_writer_abandon(journal->log);
        tj__lock_abandon(journal->lock);
    }
    tj__env_abandon(journal->env);
}
