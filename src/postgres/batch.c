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

/* The batch column by column. Returns how many commits it has; *last is the newest. */
static size_t put_columns(tj__pg_arrays *arrays, const tj__batch *batch, tj__pg_record *last)
{
    static const uint32_t types[COLUMNS] = {TJ__PG_INT8, TJ__PG_INT8,  TJ__PG_UUID, TJ__PG_INT4,
                                            TJ__PG_INT8, TJ__PG_BYTEA, TJ__PG_BYTEA};
    size_t count = 0;
    tj__pg_arrays_clear(arrays);
    for (tj__bytes rest = tj__buffer_bytes(&batch->bytes); rest.size > 0; count++) {
        tj__pg_record_get(&rest, last);
    }
    for (int which = 0; which < COLUMNS; which++) {
        tj__pg_record record;
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

/* A statement has its place in the middle of what makes it a flushed one. */
enum { BEGIN, SYNC, STATEMENT, COMMIT, STATEMENTS };

/* *count receives how many rows the statement has changed. */
static tj_status run(tj__postgres *postgres, tj__pg_query queries[STATEMENTS], bool flushed,
                     uint32_t ms, uint64_t *count, tj_error *error)
{
    tj__pg_result *results[STATEMENTS] = {NULL};
    int first = flushed ? BEGIN : STATEMENT;
    int said = flushed ? STATEMENTS : 1;
    queries[BEGIN] = tj__pg_sql("begin");
    queries[SYNC] = tj__pg_sql("set local synchronous_commit to on");
    queries[COMMIT] = tj__pg_sql("commit");
    TJ_TRY(tj__pg_ask(&postgres->writer, queries + first, said, results, ms, error));
    *count = tj__pg_affected(&postgres->writer, results[STATEMENT - first]);
    tj__pg_clear(&postgres->writer, results, said);
    return TJ_OK;
}

static tj_status insert(tj__postgres *postgres, const tj__batch *batch, bool flushed, bool *whole,
                        tj_error *error)
{
    tj__pg_query statements[STATEMENTS];
    tj__pg_query *append = &statements[STATEMENT];
    tj__pg_record last;
    uint64_t inserted = 0;
    size_t count = put_columns(&postgres->arrays, batch, &last);
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
    TJ_TRY(run(postgres, statements, flushed, patience(postgres, batch), &inserted, error));
    *whole = inserted == count;
    if (*whole) {
        postgres->settled = (tj__pg_place){last.commit.sequence, last.commit.time, last.hash};
    }
    return TJ_OK;
}

/* What was acknowledged before it was flushed is flushed behind another write. */
static tj_status flush_only(tj__postgres *postgres, bool *whole, tj_error *error)
{
    tj__pg_query statements[STATEMENTS];
    tj__pg_query *update = &statements[STATEMENT];
    uint64_t changed = 0;
    *update = tj__pg_sql("update journal set renewed = clock_timestamp() where journal = $1::int4 "
                         "and epoch = $2::int8");
    tj__pg_int4(update, postgres->number);
    tj__pg_int8(update, postgres->epoch);
    TJ_TRY(run(postgres, statements, true, postgres->config.postgres.answer_ms, &changed, error));
    *whole = changed == 1;
    return TJ_OK;
}

/* ---- until it is there ------------------------------------------------------------------ */

static tj_status settle(tj__postgres *postgres, const tj__batch *batch, bool *there,
                        tj_error *error)
{
    tj__pg_record last = {.commit.sequence = postgres->settled.sequence,
                          .hash = postgres->settled.hash};
    for (tj__bytes rest = tj__buffer_bytes(&batch->bytes); rest.size > 0;) {
        tj__pg_record_get(&rest, &last);
    }
    TJ_TRY(tj__pg_settle(postgres, &last, there, error));
    postgres->doubtful = false;
    if (*there) {
        postgres->settled = (tj__pg_place){last.commit.sequence, last.commit.time, last.hash};
    }
    return TJ_OK;
}

/* TJ_CLOSED is final. Everything else may pass. */
static tj_status attempt(tj__postgres *postgres, const tj__batch *batch, bool flushed, bool *done,
                         tj_error *error)
{
    bool there = batch->bytes.size == 0;
    if (postgres->doubtful) {
        TJ_TRY(settle(postgres, batch, &there, error));
        *done = there && !flushed;
    }
    if (*done) {
        return TJ_OK;
    }
    postgres->doubtful = true;
    TJ_TRY(there ? flush_only(postgres, done, error)
                 : insert(postgres, batch, flushed, done, error));
    postgres->doubtful = !*done;
    return *done ? TJ_OK
                 : tj__fail(error, TJ_UNAVAILABLE, "the newest commit in the log is another one");
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
    /* In sync mode every statement is. */
    bool flushed = flush && postgres->config.durability != TJ_DURABILITY_SYNC;
    bool done = batch->bytes.size == 0 && !flushed;
    uint64_t begun = tj__monotonic_ns();
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
        (void)usleep(RETRY_PAUSE_US);
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
