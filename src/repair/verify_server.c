/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Looking at every row and every commit of a journal on a server: the rows in one view, the log
 * from its first commit up to that view, and with `deep` what the log comes to there beside the
 * rows.
 */
#include "repair/verify_server.h"

#include <inttypes.h>

#include "base/error.h"
#include "engine/engine.h"
#include "history/digest.h"
#include "repair/findings.h"
#include "rows/key.h"
#include "store/store.h"

typedef struct verification {
    tj__engine *engine;
    tj_verify_report *report;
    tj__findings findings;
    tj__digest digest; /* of the rows */
    bool rows_sound;
    bool log_sound;
} verification;

static tj_status no_memory(tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "no memory for the report of a verification");
}

/* Damage is a finding, any other failure the end. */
static tj_status take(verification *v, tj_status status, const tj_error *failure, tj_error *error)
{
    if (status == TJ_CORRUPT) {
        (void)tj__findings_add_error(&v->findings, TJ_FINDING_DAMAGE, failure);
        return TJ_OK;
    }
    return status == TJ_OK ? TJ_OK : tj__error_pass(error, failure);
}

/* ---- rows -------------------------------------------------------------------------------- */

static tj_status look_at_row(void *context, const tj__row *row, tj_error *error)
{
    (void)error;
    verification *v = context;
    v->report->row_count++;
    if (!row->damaged) {
        tj__digest_add(&v->digest, row);
        return TJ_OK;
    }
    char text[TJ__KEY_TEXT_SIZE];
    tj__key_describe(row->key, text);
    tj_finding *finding = tj__findings_add(&v->findings, TJ_FINDING_DAMAGE,
                                           "%s is damaged: its checksum does not match", text);
    tj__finding_about(&v->findings, finding, row->key, 0);
    v->rows_sound = false;
    return TJ_OK;
}

static tj_status look_at_rows(verification *v, tj__row_source *rows, tj_error *error)
{
    v->rows_sound = true;
    for (uint8_t table = TJ__TABLE_FIRST; table <= TJ__TABLE_LAST; table++) {
        if (TJ__DIGEST_TABLES & TJ__TABLE_BIT(table)) {
            TJ_TRY(
                tj__rows_scan_prefix(rows, tj__bytes_of(&table, 1), false, look_at_row, v, error));
        }
    }
    return TJ_OK;
}

/* ---- the log ----------------------------------------------------------------------------- */

static void count_commit(tj_verify_report *report, const tj__commit_record *record)
{
    report->first_sequence = report->first_sequence ? report->first_sequence : record->sequence;
    report->commit_count++;
    report->log_bytes += record->note.size + record->body.size;
}

static tj_status look_at_log(verification *v, uint64_t last, tj_error *error)
{
    const tj__engine_past *past = v->engine->ops->past;
    tj_error failure = TJ_ERROR_INIT;
    tj__commits *commits = NULL;
    tj__commit_record record;
    bool found = last > 0;
    tj_status status = past->commits_open(v->engine, 0, NULL, &commits, &failure);
    while (status == TJ_OK && found) {
        status = past->commits_next(commits, last, &found, &record, &failure);
        if (status == TJ_OK && found) {
            count_commit(v->report, &record);
        }
    }
    past->commits_close(commits);
    v->log_sound = status == TJ_OK;
    return take(v, status, &failure, error);
}

/* ---- both -------------------------------------------------------------------------------- */

static void compare(verification *v, const tj__digest *replayed)
{
    uint8_t table = tj__digest_differs(&v->digest, replayed);
    v->report->compared = true;
    v->report->digest = tj__digest_value(replayed);
    if (table != 0) {
        (void)tj__findings_add(&v->findings, TJ_FINDING_DAMAGE,
                               "table %s is not what the log comes to at commit %" PRIu64
                               ": it has %" PRIu64 " rows, and the log %" PRIu64,
                               tj__table_name(table), v->report->sequence, v->digest.rows[table],
                               replayed->rows[table]);
        v->rows_sound = false;
    }
}

static tj_status replay(verification *v, uint64_t sequence, tj_error *error)
{
    const tj__engine_past *past = v->engine->ops->past;
    tj_error failure = TJ_ERROR_INIT;
    tj__row_source *rows = NULL;
    tj__digest replayed;
    tj_status status = past->view_at(v->engine, sequence, TJ__TABLES_ALL, &rows, &failure);
    if (status == TJ_OK) {
        status = tj__digest_rows(rows, &replayed, &failure);
    }
    if (status == TJ_OK) {
        compare(v, &replayed);
    }
    past->view_at_end(rows);
    return take(v, status, &failure, error);
}

static tj_status look_at_all(verification *v, tj__row_source *rows, tj_error *error)
{
    v->report->sequence = rows->sequence;
    TJ_TRY(look_at_rows(v, rows, error));
    TJ_TRY(look_at_log(v, rows->sequence, error));
    bool deep = v->report->deep && v->rows_sound && v->log_sound;
    return deep ? replay(v, rows->sequence, error) : TJ_OK;
}

/* A view that cannot begin, because the log behind the rows is damaged, leaves the log to be looked
 * at. */
static tj_status look(verification *v, const tj_store_info *info, tj_error *error)
{
    tj__row_source *rows = NULL;
    tj_error failure = TJ_ERROR_INIT;
    tj_status status = v->engine->ops->view_begin(v->engine, &rows, &failure);
    status = status == TJ_OK ? look_at_all(v, rows, error) : take(v, status, &failure, error);
    if (status == TJ_OK && !rows) {
        v->report->sequence = info->sequence;
        status = look_at_log(v, info->sequence, error);
    }
    v->engine->ops->view_end(v->engine, rows);
    return status;
}

/* ---- the report --------------------------------------------------------------------------- */

static tj_status fill(verification *v, const tj_store_info *info, tj_error *error)
{
    tj_verify_report *report = v->report;
    report->path = tj__arena_str(v->findings.arena, tj_str_of(info->path));
    report->journal_id = info->journal_id;
    report->applied_sequence = info->postgres.applied_sequence;
    report->state_bytes = info->state_bytes;
    report->writer_alive = info->writer_alive;
    report->newest_whole = v->rows_sound || v->log_sound;
    report->verdict = v->findings.damaged ? TJ_VERDICT_DAMAGED : TJ_VERDICT_SOUND;
    report->finding_left_out = v->findings.left_out;
    return report->path.data &&
                   tj__findings_settle(&v->findings, &report->findings, &report->finding_count)
               ? TJ_OK
               : no_memory(error);
}

static tj_status verify_store(verification *v, tj_store *store, tj_error *error)
{
    tj_store_info info = TJ_STORE_INFO_INIT;
    TJ_TRY(tj_store_info_get(store, &info, error));
    v->engine = tj__store_engine(store);
    TJ_TRY(look(v, &info, error));
    return fill(v, &info, error);
}

tj_status tj__verify_server(const tj_config *config, tj_verify_report *report, tj__arena *arena,
                            tj_error *error)
{
    tj_store *store = NULL;
    tj_config reading = *config;
    verification v = {.report = report, .findings = {.arena = arena}};
    reading.read_only = true;
    reading.must_exist = true;
    TJ_TRY(tj_store_open(&reading, &store, error));
    tj_status status = verify_store(&v, store, error);
    tj__findings_dispose(&v.findings);
    (void)tj_store_close(store, NULL);
    return status;
}
