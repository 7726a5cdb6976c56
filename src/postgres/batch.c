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

#define RETRY_PAUSE_MS 50
/* Beside `answer`, an answer may take 1 ms for so many bytes of the batch. */
#define BYTES_PER_MS 4096
/* What one statement has of a batch, in bytes, which are in memory three times meanwhile; a single
 * larger commit goes alone. */
#define PART_SIZE_MAX ((size_t)4 << 20)

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

/* Commits column by column. Returns how many they are. */
static size_t put_columns(tj__pg_arrays *arrays, tj__bytes part)
{
    static const uint32_t types[COLUMNS] = {TJ__PG_INT8, TJ__PG_INT8,  TJ__PG_UUID, TJ__PG_INT4,
                                            TJ__PG_INT8, TJ__PG_BYTEA, TJ__PG_BYTEA};
    size_t count = 0;
    tj__pg_record record;
    tj__pg_arrays_clear(arrays);
    for (tj__bytes rest = part; rest.size > 0; count++) {
        tj__pg_record_get(&rest, &record);
    }
    for (int which = 0; which < COLUMNS; which++) {
        tj__pg_array(arrays, types[which], count);
        for (tj__bytes rest = part; rest.size > 0;) {
            tj__pg_record_get(&rest, &record);
            put_element(arrays, (column)which, &record);
        }
    }
    return count;
}

static uint32_t patience(const tj__postgres *postgres, tj__bytes part)
{
    return postgres->config.postgres.answer_ms + (uint32_t)(part.size / BYTES_PER_MS);
}

/* What one statement writes of a batch, behind what is there already; empty when all of it is. *end
 * receives its last commit, or the one that is there. */
static tj__bytes next_part(const tj__postgres *postgres, const tj__batch *batch, tj__pg_place *end)
{
    tj__bytes rest = tj__buffer_bytes(&batch->bytes);
    tj__bytes part = tj__bytes_of(rest.data, 0);
    *end = postgres->settled;
    while (rest.size > 0) {
        tj__pg_record record;
        tj__pg_record_get(&rest, &record);
        size_t size = (size_t)(rest.data - part.data);
        if (record.commit.sequence <= postgres->settled.sequence) {
            part.data = rest.data;
        } else if (part.size > 0 && size > PART_SIZE_MAX) {
            break;
        } else {
            part.size = size;
            *end = (tj__pg_place){record.commit.sequence, record.commit.time, record.hash};
        }
    }
    return part;
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

/* *whole: all of it is in the log. */
static tj_status insert(tj__postgres *postgres, tj__bytes part, bool flushed, bool *whole,
                        outcome *out, tj_error *error)
{
    tj__pg_query statements[STATEMENTS];
    tj__pg_query *append = &statements[STATEMENT];
    size_t count = put_columns(&postgres->arrays, part);
    if (postgres->arrays.bytes.failed) {
        return tj__fail(error, TJ_NOMEM, "no memory for a batch of %zu bytes", part.size);
    }
    *append = tj__pg_prepared(TJ__PG_APPEND);
    tj__pg_int4(append, postgres->number);
    tj__pg_int8(append, postgres->settled.sequence);
    tj__pg_int8(append, postgres->epoch);
    tj__pg_int8(append, postgres->settled.hash);
    for (size_t i = 0; i < COLUMNS; i++) {
        tj__pg_array_give(&postgres->arrays, i, append);
    }
    TJ_TRY(run(postgres, statements, flushed, patience(postgres, part), out, error));
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
    tj__pg_place end;
    tj__bytes part = next_part(postgres, batch, &end);
    bool there = part.size == 0;
    outcome out = {.named = true};
    if (postgres->doubtful) {
        TJ_TRY(tj__pg_settle(postgres, &end, &there, error));
        postgres->doubtful = false;
        *done = there && !flushed && !tj__pg_replicates(postgres);
    }
    if (!*done) {
        postgres->doubtful = true;
        TJ_TRY(there ? flush_only(postgres, &end, done, &out, error)
                     : insert(postgres, part, flushed, done, &out, error));
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

static tj_status give_up(const tj__postgres *postgres, const tj_error *reason, tj_error *error)
{
    return tj__fail(error, TJ_UNKNOWN,
                    "the commit waits for the server of journal %s and may become durable later: "
                    "%s",
                    postgres->place, reason->message);
}

static uint64_t waited_ms(const tj__postgres *postgres)
{
    return (tj__monotonic_ns() - postgres->group.led_since) / 1000000u;
}

/* Writes the next part of a batch, as often as it takes. */
static tj_status write_part(tj__postgres *postgres, const tj__batch *batch, bool flushed,
                            tj_error *error)
{
    tj_error reason = TJ_ERROR_INIT;
    (void)tj__fail(&reason, TJ_UNAVAILABLE, "commits before it took all the time");
    for (bool again = false; waited_ms(postgres) < tj__pg_patience_ms(postgres); again = true) {
        bool done = false;
        uint64_t begun = tj__monotonic_ns();
        if (again && atomic_load(&postgres->stopping)) {
            break;
        }
        tj_status status = attempt(postgres, batch, flushed, &done, &reason);
        if (status == TJ_OK) {
            tj__pg_note_back(postgres);
            return TJ_OK;
        }
        if (status == TJ_CLOSED) {
            (void)tj__pg_end_away(postgres); /* it has answered */
            return tj__error_pass(error, &reason);
        }
        tj__pg_note_away(postgres, begun, &reason);
        if (waited_ms(postgres) + RETRY_PAUSE_MS >= postgres->config.postgres.timeout_ms) {
            break;
        }
        if (again) { /* a connection that was cut is opened anew at once */
            (void)usleep(RETRY_PAUSE_MS * 1000);
        }
    }
    return give_up(postgres, &reason, error);
}

static tj_status write_batch(void *context, const tj__batch *batch, bool flush, bool *entered,
                             tj_error *error)
{
    tj__postgres *postgres = context;
    /* In the other modes every statement is. */
    bool flushed = flush && postgres->config.durability == TJ_DURABILITY_OS;
    bool due = flushed || batch->bytes.size > 0;
    uint64_t begun = tj__monotonic_ns();
    tj_status status = TJ_OK;
    if (!due) {
        return TJ_OK;
    }
    postgres->writer.until =
        postgres->group.led_since + tj__pg_patience_ms(postgres) * UINT64_C(1000000);
    while (status == TJ_OK && due) {
        status = write_part(postgres, batch, flushed, error);
        due = postgres->settled.sequence < batch->last_sequence;
    }
    postgres->writer.until = 0;
    if (status == TJ_CLOSED) {
        *entered = postgres->settled.sequence > atomic_load(&postgres->acknowledged);
    }
    if (status == TJ_OK) {
        tj__metrics_add(&postgres->metrics->log_bytes, batch->bytes.size);
        tj__histogram_add_since(&postgres->metrics->flush_us, begun);
    }
    return status;
}

tj_status tj__pg_wait(tj__postgres *postgres, uint64_t sequence, bool sync, tj_error *error)
{
    return sync ? tj__group_sync(&postgres->group, sequence, error)
                : tj__group_wait(&postgres->group, sequence, error);
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
