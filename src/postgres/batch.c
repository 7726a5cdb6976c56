/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A batch of commits: one statement, one round trip.
 *
 * The statement inserts only behind the row that this writer knows to be the newest, while that row
 * has this writer's epoch as its fence, and says how many it inserted. All of them: acknowledged.
 * Anything else, a lost connection above all, leaves the batch in doubt, and then the log is asked
 * (settle.c) before anything is written again. When the server stays away the batch stays where it
 * is, and its waiters are told that it may become durable later.
 */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "base/thread.h"
#include "postgres/arrays.h"
#include "postgres/internal.h"

#define RETRY_PAUSE_US 50000
/* Beside `answer`, an answer may take 1 ms for so many bytes of the batch. */
#define BYTES_PER_MS 4096

/* ---- the statement ---------------------------------------------------------------------- */

typedef enum column { SEQ, AT, ID, CHANGES, HASH, NOTE, BODY, COLUMNS } column;

static void put_element(tj__pg_arrays *arrays, column which, const tj__pg_record *record)
{
    const tj__commit_record *commit = &record->commit;
    switch (which) {
    case SEQ:
        tj__pg_element_int8(arrays, commit->sequence);
        break;
    case AT:
        tj__pg_element_int8(arrays, (uint64_t)commit->time);
        break;
    case ID:
        if (tj_uuid_is_nil(commit->commit_id)) {
            tj__pg_element_null(arrays);
        } else {
            tj__pg_element_bytes(
                arrays, tj__bytes_of(commit->commit_id.bytes, sizeof commit->commit_id.bytes));
        }
        break;
    case CHANGES:
        tj__pg_element_int4(arrays, commit->change_count);
        break;
    case HASH:
        tj__pg_element_int8(arrays, record->hash);
        break;
    case NOTE:
        tj__pg_element_bytes(arrays, commit->note);
        break;
    default:
        tj__pg_element_bytes(arrays, commit->body);
        break;
    }
}

/* The batch column by column. Returns how many commits it has. */
static size_t put_columns(tj__pg_arrays *arrays, const tj__batch *batch)
{
    static const uint32_t types[COLUMNS] = {TJ__PG_INT8, TJ__PG_INT8,  TJ__PG_UUID, TJ__PG_INT4,
                                            TJ__PG_INT8, TJ__PG_BYTEA, TJ__PG_BYTEA};
    size_t count = 0;
    tj__pg_record record;
    tj__pg_arrays_clear(arrays);
    for (tj__bytes rest = tj__buffer_bytes(&batch->bytes); rest.size > 0; count++) {
        tj__pg_record_get(&rest, &record);
    }
    for (int which = 0; which < COLUMNS; which++) {
        tj__pg_array(arrays, types[which], count);
        for (tj__bytes rest = tj__buffer_bytes(&batch->bytes); rest.size > 0;) {
            tj__pg_record_get(&rest, &record);
            put_element(arrays, (column)which, &record);
        }
    }
    return count;
}

static uint32_t patience(const tj__postgres *postgres, const tj__batch *batch)
{
    return postgres->config.postgres.answer_ms + (uint32_t)(batch->bytes.size / BYTES_PER_MS);
}

/* Where a batch ends: at its last commit, or where the one before ended when it is empty. */
static tj__pg_place end_of(const tj__postgres *postgres, const tj__batch *batch)
{
    tj__pg_place end = postgres->settled;
    for (tj__bytes rest = tj__buffer_bytes(&batch->bytes); rest.size > 0;) {
        tj__pg_record record;
        tj__pg_record_get(&rest, &record);
        end = (tj__pg_place){record.commit.sequence, record.commit.time, record.hash};
    }
    return end;
}

/* A statement has its place in the middle of what makes it a flushed or a replicated one. */
enum { BEGIN, SET, STATEMENT, COMMIT, NAMES, STATEMENTS };

typedef struct outcome {
    uint64_t rows; /* that the statement has changed */
    bool named;    /* the server waits for standbys, or nobody asked whether it does */
    bool warned;
} outcome;

/* That its commit has come through says that a standby has it, unless the server did not wait for
 * one any more, or was told to stop waiting, which it says in a warning. */
static bool is_alone(const outcome *o)
{
    return o->warned || !o->named;
}

static tj_status run(tj__postgres *postgres, tj__pg_query queries[STATEMENTS], bool flushed,
                     uint32_t ms, outcome *out, tj_error *error)
{
    tj__pg_session *session = &postgres->writer;
    tj__pg_result *results[STATEMENTS] = {NULL};
    bool replicated = tj__pg_replicates(postgres);
    int first = replicated ? SET : flushed ? BEGIN : STATEMENT;
    int last = replicated ? NAMES : flushed ? COMMIT : STATEMENT;
    queries[BEGIN] = tj__pg_sql("begin");
    queries[SET] = tj__pg_sql(replicated ? "begin" : "set local synchronous_commit to on");
    queries[COMMIT] = tj__pg_sql("commit");
    queries[NAMES] = tj__pg_sql("select (" TJ__PG_STANDBYS_NAMED ")::int4");
    tj_status status =
        tj__pg_ask(session, queries + first, last - first + 1, results + first, ms, error);
    if (status != TJ_OK) {
        if (first != STATEMENT) {
            tj__pg_close(session); /* with the transaction that it may have begun */
        }
        return status;
    }
    *out = (outcome){.rows = tj__pg_affected(session, results[STATEMENT]),
                     .named = !replicated || tj__pg_get_int4(session, results[NAMES], 0, 0) == 1,
                     .warned = replicated && session->warned};
    tj__pg_clear(session, results, STATEMENTS);
    return TJ_OK;
}

/* *whole: all of the batch is in the log. */
static tj_status insert(tj__postgres *postgres, const tj__batch *batch, bool flushed, bool *whole,
                        outcome *out, tj_error *error)
{
    tj__pg_query statements[STATEMENTS];
    tj__pg_query *append = &statements[STATEMENT];
    size_t count = put_columns(&postgres->arrays, batch);
    if (postgres->arrays.bytes.failed) {
        return tj__fail(error, TJ_NOMEM, "no memory for a batch of %zu bytes", batch->bytes.size);
    }
    *append = tj__pg_prepared(TJ__PG_APPEND);
    tj__pg_int4(append, postgres->number);
    tj__pg_int8(append, postgres->settled.sequence);
    tj__pg_int8(append, postgres->epoch);
    tj__pg_int8(append, postgres->settled.hash);
    for (size_t i = 0; i < COLUMNS; i++) {
        tj__pg_array_give(&postgres->arrays, i, append);
    }
    TJ_TRY(run(postgres, statements, flushed, patience(postgres, batch), out, error));
    *whole = out->rows == count;
    return TJ_OK;
}

/* What is in the log up to here is flushed, and replicated, behind another write, which a lock on a
 * row is. */
static tj_status flush_only(tj__postgres *postgres, const tj__pg_place *end, bool *whole,
                            outcome *out, tj_error *error)
{
    tj__pg_query statements[STATEMENTS];
    tj__pg_query *lock = &statements[STATEMENT];
    *lock = tj__pg_sql("select 1 from log where journal = $1::int4 and seq = $2::int8 and hash = "
                       "$3::int8 for update");
    tj__pg_int4(lock, postgres->number);
    tj__pg_int8(lock, end->sequence);
    tj__pg_int8(lock, end->hash);
    TJ_TRY(run(postgres, statements, true, postgres->config.postgres.answer_ms, out, error));
    *whole = out->rows == 1;
    return TJ_OK;
}

/* ---- with a standby ---------------------------------------------------------------------- */

/* Commits that go on without a standby are counted until a later one is on it, and with it all that
 * came before. */
static void count_alone(tj__postgres *postgres, const outcome *out, uint64_t commits)
{
    uint64_t before = atomic_load(&postgres->unreplicated);
    if (is_alone(out)) {
        atomic_store(&postgres->unreplicated, before + commits);
        if (before == 0 && commits > 0) {
            tj__trace(&postgres->config, TJ_TRACE_WARNING,
                      "commits of journal %s are acknowledged that no standby has",
                      postgres->place);
        }
    } else if (before > 0) {
        atomic_store(&postgres->unreplicated, 0);
        tj__trace(&postgres->config, TJ_TRACE_INFO, "a standby has all commits of journal %s again",
                  postgres->place);
    }
}

static tj_status not_acknowledged(const outcome *out, tj_error *error)
{
    const char *why = !out->named ? "no standby would have it: synchronous_standby_names is empty "
                                    "at the server"
                      : out->warned ? "the server was told not to wait for its standby"
                                    : "the newest commit in the log is another one";
    return tj__fail(error, TJ_UNAVAILABLE, "%s", why);
}

/* ---- until it is there ------------------------------------------------------------------ */

/* TJ_CLOSED is final. Everything else may pass. What is found in the log is not acknowledged with a
 * standby before a write behind it has come through. */
static tj_status attempt(tj__postgres *postgres, const tj__batch *batch, bool flushed, bool *done,
                         tj_error *error)
{
    tj__pg_place end = end_of(postgres, batch);
    bool there = batch->bytes.size == 0;
    outcome out = {.named = true};
    if (postgres->doubtful) {
        TJ_TRY(tj__pg_settle(postgres, &end, &there, error));
        postgres->doubtful = false;
        *done = there && !flushed && !tj__pg_replicates(postgres);
    }
    if (!*done) {
        postgres->doubtful = true;
        TJ_TRY(there ? flush_only(postgres, &end, done, &out, error)
                     : insert(postgres, batch, flushed, done, &out, error));
        *done = *done && !(is_alone(&out) && tj__pg_waits_for_standby(postgres));
        postgres->doubtful = !*done;
    }
    if (!*done) {
        return not_acknowledged(&out, error);
    }
    count_alone(postgres, &out, end.sequence - postgres->settled.sequence);
    postgres->settled = end;
    return TJ_OK;
}

tj_status tj__pg_prove_standby(tj__postgres *postgres, tj_error *error)
{
    outcome out;
    bool done = false;
    if (!tj__pg_replicates(postgres)) {
        return TJ_OK;
    }
    TJ_TRY(flush_only(postgres, &postgres->settled, &done, &out, error));
    if (done && is_alone(&out) && !tj__pg_waits_for_standby(postgres)) {
        tj__trace(&postgres->config, TJ_TRACE_WARNING, "journal %s is opened without a standby",
                  postgres->place);
        return TJ_OK;
    }
    return done && !is_alone(&out) ? TJ_OK : not_acknowledged(&out, error);
}

static void note_away(tj__postgres *postgres, const tj_error *reason)
{
    if (atomic_load(&postgres->away_since_ns) == 0) {
        atomic_store(&postgres->away_since, tj_time_now());
        atomic_store(&postgres->away_since_ns, tj__monotonic_ns());
        tj__trace(&postgres->config, TJ_TRACE_WARNING,
                  "the server of journal %s takes no commits, which wait: %s", postgres->place,
                  reason->message);
    }
}

static bool end_away(tj__postgres *postgres)
{
    atomic_store(&postgres->away_since, 0);
    return atomic_exchange(&postgres->away_since_ns, 0) != 0;
}

static void note_back(tj__postgres *postgres)
{
    if (end_away(postgres)) {
        tj__trace(&postgres->config, TJ_TRACE_INFO, "the server of journal %s takes commits again",
                  postgres->place);
    }
}

static tj_status give_up(const tj__postgres *postgres, const tj_error *reason, tj_error *error)
{
    return tj__fail(error, TJ_UNKNOWN,
                    "the commit waits for the server of journal %s and may become durable later: "
                    "%s",
                    postgres->place, reason->message);
}

static tj_status write_batch(void *context, const tj__batch *batch, bool flush, bool *entered,
                             tj_error *error)
{
    tj__postgres *postgres = context;
    /* In the other modes every statement is. */
    bool flushed = flush && postgres->config.durability == TJ_DURABILITY_OS;
    bool done = batch->bytes.size == 0 && !flushed;
    uint64_t begun = tj__monotonic_ns();
    bool again = false;
    while (!done) {
        tj_error reason = TJ_ERROR_INIT;
        tj_status status = attempt(postgres, batch, flushed, &done, &reason);
        if (status == TJ_OK) {
            note_back(postgres);
            tj__metrics_add(&postgres->metrics->log_bytes, batch->bytes.size);
            tj__histogram_add_since(&postgres->metrics->flush_us, begun);
            return TJ_OK;
        }
        if (status == TJ_CLOSED) {
            (void)end_away(postgres); /* it has answered */
            *entered = false;
            return tj__error_pass(error, &reason);
        }
        note_away(postgres, &reason);
        if (tj__monotonic_ns() - begun >=
                postgres->config.postgres.timeout_ms * UINT64_C(1000000) ||
            atomic_load(&postgres->stopping)) {
            return give_up(postgres, &reason, error);
        }
        if (again) { /* a connection that was cut is opened anew at once */
            (void)usleep(RETRY_PAUSE_US);
        }
        again = true;
    }
    return TJ_OK;
}

static tj_status acknowledged(void *context, uint64_t sequence, tj_error *error)
{
    (void)error;
    tj__postgres *postgres = context;
    uint64_t before = atomic_exchange(&postgres->acknowledged, sequence);
    tj__histogram_add(&postgres->metrics->flush_commits, sequence - before);
    tj__helper_notice(&postgres->helper);
    return TJ_OK;
}

const tj__group_ops tj__pg_group_ops = {.write = write_batch, .acknowledged = acknowledged};
