/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Taking commits into the log, and waiting until they are acknowledged. */
#include "base/error.h"
#include "journal/internal.h"
#include "rows/body.h"
#include "rows/value.h"

/* A commit that changes a damaged table could never be applied. */
static tj_status refuse_damaged(const tj__journal *journal, const tj__commit_record *commit,
                                tj_error *error)
{
    uint64_t changed = tj__body_tables(commit->body, &commit->commit_id);
    if ((changed & tj__env_damaged(journal->env)) == 0) {
        return TJ_OK;
    }
    return tj__fail(error, TJ_CORRUPT,
                    "not applied: it changes a table of %s that is damaged (reading it says how): "
                    "repair the journal",
                    journal->path);
}

/* An ordinary commit must leave to the urgent ones what the reserve gave. */
static tj_status check_room(tj__journal *journal, bool urgent, tj_error *error)
{
    uint64_t bound = tj__journal_lag_bound(journal, urgent);
    if (urgent) {
        return tj__journal_wait_for_apply(journal, bound, error);
    }
    if (!atomic_load(&journal->reserve_held)) {
        tj__journal_space_tend(journal);
    }
    if (!atomic_load(&journal->reserve_held)) {
        return tj__journal_refuse_full(journal, error);
    }
    return tj__journal_wait_for_apply(journal, bound, error);
}

tj_status tj__journal_append(tj__journal *journal, const tj__commit_record *commit, bool urgent,
                             uint64_t *sequence, tj_error *error)
{
    if (tj__env_damaged(journal->env) != 0) {
        TJ_TRY(refuse_damaged(journal, commit, error));
    }
    TJ_TRY(check_room(journal, urgent, error));
    tj_error failure = TJ_ERROR_INIT;
    tj_status status = tj__log_writer_append(journal->log, commit, sequence, &failure);
    if (status == TJ_FULL && urgent) {
        /* Not while LMDB writes, which would take what is given back. */
        pthread_mutex_lock(&journal->apply_mutex);
        bool more = true;
        while (status == TJ_FULL && more) {
            more = tj__journal_make_space(journal); /* or another urgent commit has done it */
            status = tj__log_writer_append(journal->log, commit, sequence, &failure);
        }
        pthread_mutex_unlock(&journal->apply_mutex);
    }
    if (status == TJ_FULL) {
        tj__journal_advise_full(journal, &failure);
    }
    if (status != TJ_OK) {
        return tj__error_pass(error, &failure);
    }
    atomic_fetch_add(&journal->appended_bytes,
                     tj__record_size_noted(commit->body.size, commit->note.size));
    tj__journal_helper_nudge(journal);
    return TJ_OK;
}

tj_status tj__journal_wait(tj__journal *journal, uint64_t sequence, bool sync, tj_error *error)
{
    tj__trace_hold(); /* it may lead others */
    tj_status status = sync ? tj__log_writer_wait_durable(journal->log, sequence, error)
                            : tj__log_writer_wait(journal->log, sequence, error);
    tj__trace_let_go();
    return status;
}

tj_status tj__journal_find(tj__journal *journal, tj__bytes key, bool *found, tj_error *error)
{
    return tj__env_find(journal->env, key, found, error);
}

uint64_t tj__journal_included(tj__journal *journal)
{
    return atomic_load(&journal->applied);
}

uint64_t tj__journal_appended(tj__journal *journal)
{
    return tj__log_writer_appended(journal->log);
}
