/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Opening, closing, and taking commits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/thread.h"
#include "model/change.h"
#include "postgres/internal.h"

/* A round trip to a server takes longer than a flush, in any mode. */
#define GATHER_QUIET_NS 200000u
#define GATHER_TOTAL_NS 1000000u
/* However short a lease is, it is looked at no more often. */
#define LEASE_LOOK_MS 10

/* ---- opening ---------------------------------------------------------------------------- */

static tj_status new_postgres(const tj_config *config, tj__metrics *metrics, tj__postgres **out,
                              tj_error *error)
{
    const tj_postgres_config *given = &config->postgres;
    tj__postgres *postgres = calloc(1, sizeof *postgres);
    if (!postgres) {
        return tj__fail(error, TJ_NOMEM, "no memory for a journal");
    }
    postgres->config = *config;
    postgres->metrics = metrics;
    postgres->url = strdup(given->url);
    postgres->schema = strdup(given->schema);
    postgres->name = strdup(given->name);
    tj__mutex_init(&postgres->apply_lock);
    tj__pg_pool_init(&postgres->pool);
    tj__pg_reached_init(&postgres->reached);
    snprintf(postgres->place, sizeof postgres->place, "%s.%s", given->schema, given->name);
    uint32_t third = given->lease_ms / 3 > LEASE_LOOK_MS ? given->lease_ms / 3 : LEASE_LOOK_MS;
    tj__helper_init(&postgres->helper, &tj__pg_helper_ops, postgres,
                    given->lag_ms < third ? given->lag_ms : third, third);
    *out = postgres;
    return postgres->url && postgres->schema && postgres->name
               ? TJ_OK
               : tj__fail(error, TJ_NOMEM, "no memory for a journal");
}

static void free_postgres(tj__postgres *postgres)
{
    tj__pg_close(&postgres->writer);
    tj__pg_close(&postgres->applier);
    tj__pg_pool_close(&postgres->pool);
    tj__pg_reached_dispose(&postgres->reached);
    tj__helper_dispose(&postgres->helper);
    pthread_mutex_destroy(&postgres->apply_lock);
    tj__pg_arrays_dispose(&postgres->arrays);
    tj__rowmap_free(postgres->apply_rows);
    tj__pg_past_free(atomic_load(&postgres->kept_past));
    if (postgres->group.ops) {
        tj__group_dispose(&postgres->group);
    }
    free(postgres->url);
    free(postgres->schema);
    free(postgres->name);
    free(postgres);
}

/* A file system can be asked whether it keeps what it flushes; a server says so. */
static tj_status check_flushes(tj__postgres *postgres, tj_error *error)
{
    tj__pg_result *result = NULL;
    tj__pg_query query = tj__pg_sql("select (current_setting('fsync') = 'on' and "
                                    "current_setting('full_page_writes') = 'on')::int4");
    TJ_TRY(tj__pg_ask(&postgres->writer, &query, 1, &result, TJ__PG_STATEMENT_MS, error));
    bool safe = tj__pg_get_int4(&postgres->writer, result, 0, 0) == 1;
    tj__pg_clear(&postgres->writer, &result, 1);
    if (safe || postgres->config.durability == TJ_DURABILITY_OS) {
        return TJ_OK;
    }
    return tj__fail(error, TJ_UNSUPPORTED,
                    "the server at %s runs with fsync or full_page_writes off, and loses commits "
                    "in a power cut: set both to on",
                    postgres->place);
}

static tj_status prove_standby(tj__postgres *postgres, tj_error *error)
{
    tj_status status = tj__pg_prove_standby(postgres, error);
    if (status != TJ_OK) {
        tj__error_context(error, "durability \"replicated\" needs a synchronous standby that "
                                 "takes commits: pg_stat_replication shows which do");
    }
    return status;
}

static tj_status open_writer(tj__postgres *postgres, tj_error *error)
{
    postgres->apply_rows = tj__rowmap_new();
    if (!postgres->apply_rows) {
        return tj__fail(error, TJ_NOMEM, "no memory for the rows that are applied");
    }
    postgres->writer.until = tj__pg_patience_end(postgres);
    TJ_TRY(tj__pg_connect(postgres, &postgres->writer, error));
    tj__pg_note_server(postgres, &postgres->writer);
    TJ_TRY(check_flushes(postgres, error));
    if (!postgres->config.must_exist) {
        TJ_TRY(tj__pg_create(postgres, &postgres->writer, error));
    }
    TJ_TRY(tj__pg_look(postgres, &postgres->writer, &postgres->number, &postgres->id, error));
    TJ_TRY(tj__pg_ready_writer(postgres, error));
    TJ_TRY(tj__pg_claim(postgres, error));
    atomic_store(&postgres->acknowledged, postgres->end.sequence);
    tj__group_init(&postgres->group, &tj__pg_group_ops, postgres,
                   postgres->config.durability != TJ_DURABILITY_OS, postgres->end.sequence);
    postgres->group.gather_quiet_ns = GATHER_QUIET_NS;
    postgres->group.gather_total_ns = GATHER_TOTAL_NS;
    postgres->group.timed = true;
    postgres->group.size_max = postgres->config.no_threads ? 0 : TJ__PG_QUEUE_SIZE_MAX;
    TJ_TRY(prove_standby(postgres, error));
    postgres->writer.until = 0;
    TJ_TRY(tj__pg_apply(postgres, error));
    return postgres->config.no_threads ? TJ_OK : tj__helper_start(&postgres->helper, error);
}

static tj_status open_reader(tj__postgres *postgres, tj_error *error)
{
    tj__pg_session *session = NULL;
    TJ_TRY(tj__pg_pool_take(postgres, tj__pg_patience_end(postgres), &session, error));
    tj__pg_note_server(postgres, session);
    tj_status status = tj__pg_look(postgres, session, &postgres->number, &postgres->id, error);
    tj__pg_pool_give(postgres, session);
    return status;
}

static tj_status open_postgres(tj__postgres *postgres, tj_error *error)
{
    const tj_config *config = &postgres->config;
    bool verify = false;
    TJ_TRY(tj__libpq_load(&postgres->target.pq, error));
    TJ_TRY(tj__pg_check_url(postgres->target.pq, postgres->url, &verify, error));
    postgres->target = (tj__pg_target){.pq = postgres->target.pq,
                                       .url = postgres->url,
                                       .schema = postgres->schema,
                                       .verify = verify,
                                       .reached = &postgres->reached,
                                       .probe = tj__pg_is_at_work,
                                       .probe_ms = config->postgres.answer_ms,
                                       .writes = !config->read_only,
                                       .closing = &postgres->closing};
    return config->read_only ? open_reader(postgres, error) : open_writer(postgres, error);
}

tj_status tj__postgres_open(const tj_config *config, tj__metrics *metrics, tj__postgres **out,
                            tj_error *error)
{
    tj__postgres *postgres = NULL;
    tj_status status = new_postgres(config, metrics, &postgres, error);
    if (status == TJ_OK) {
        status = open_postgres(postgres, error);
    }
    if (status != TJ_OK) {
        status = tj__pg_judge_refusal(status, error);
        (void)tj__pg_explain(postgres, status, error);
        if (postgres) {
            if (postgres->epoch != 0) {
                tj__pg_release(postgres);
            }
            free_postgres(postgres);
        }
        return status;
    }
    *out = postgres;
    return TJ_OK;
}

/* ---- closing ---------------------------------------------------------------------------- */

void tj__postgres_quiesce(tj__postgres *postgres, uint64_t since_ns)
{
    if (!atomic_exchange(&postgres->stopping, true)) {
        atomic_store(&postgres->closing,
                     since_ns + tj__pg_patience_ms(postgres) * UINT64_C(1000000));
    }
    tj__helper_stop(&postgres->helper);
}

/* The log has everything, so rows that cannot be brought up to date are left to the next writer. */
static tj_status close_writer(tj__postgres *postgres, tj_error *error)
{
    tj_error failure = TJ_ERROR_INIT;
    tj__postgres_quiesce(postgres, tj__monotonic_ns());
    tj_status status = tj__pg_wait(postgres, atomic_load(&postgres->group.appended), true, error);
    if (status == TJ_OK && tj__pg_apply(postgres, &failure) != TJ_OK) {
        tj__trace(&postgres->config, TJ_TRACE_WARNING,
                  "closing journal %s: every commit is in its log, and its rows are left to the "
                  "next writer: %s",
                  postgres->place, failure.message);
    }
    tj__pg_tell_metrics(postgres, true);
    tj__pg_release(postgres);
    return status;
}

tj_status tj__postgres_close(tj__postgres *postgres, tj_error *error)
{
    tj_status status = postgres->config.read_only ? TJ_OK : close_writer(postgres, error);
    free_postgres(postgres);
    return status;
}

/* The memory is left: another thread of the parent may have been anywhere. */
void tj__postgres_abandon(tj__postgres *postgres)
{
    tj__pg_abandon(&postgres->writer);
    tj__pg_abandon(&postgres->applier);
    for (int i = 0; i < TJ__PG_POOL_SIZE; i++) {
        tj__pg_abandon(&postgres->pool.sessions[i]);
    }
}

/* ---- commits ---------------------------------------------------------------------------- */

static tj_status check_limits(const tj__postgres *postgres, const tj__commit_record *commit,
                              tj_error *error)
{
    size_t size = commit->body.size + commit->note.size;
    if (size > TJ__BODY_SIZE_MAX) {
        return tj__fail(error, TJ_LIMIT,
                        "the commit has %zu bytes, more than the %zu bytes that one commit can "
                        "have; split it",
                        size, TJ__BODY_SIZE_MAX);
    }
    return tj__commit_time_check(postgres->end.time, error);
}

tj_status tj__postgres_append(tj__postgres *postgres, const tj__commit_record *commit,
                              uint64_t *sequence, tj_error *error)
{
    tj__batch *batch = NULL;
    size_t size = TJ__PG_FRAME_SIZE + commit->note.size + commit->body.size;
    TJ_TRY(check_limits(postgres, commit, error));
    TJ_TRY(tj__pg_refuse_away(postgres, error));
    TJ_TRY(tj__group_enter(&postgres->group, size, &batch, error));
    tj__pg_record record = {.commit = *commit};
    record.commit.sequence = postgres->end.sequence + 1;
    record.commit.time = tj__commit_time(commit, postgres->end.time);
    record.commit.epoch = postgres->epoch;
    tj__pg_record_put(&batch->bytes, postgres->end.hash, &record);
    postgres->end = (tj__pg_place){record.commit.sequence, record.commit.time, record.hash};
    *sequence = record.commit.sequence;
    tj__group_leave(&postgres->group, record.commit.sequence);
    if (atomic_fetch_add(&postgres->appended_bytes, size) + size -
            atomic_load(&postgres->applied_bytes) >
        postgres->config.postgres.lag_bytes) {
        tj__helper_nudge(&postgres->helper);
    }
    return TJ_OK;
}

tj_status tj__postgres_wait(tj__postgres *postgres, uint64_t sequence, bool sync, tj_error *error)
{
    tj__trace_hold(); /* it may lead others */
    tj_status status = tj__pg_wait(postgres, sequence, sync, error);
    tj__trace_let_go();
    return status;
}

uint64_t tj__postgres_settled(tj__postgres *postgres, bool sync)
{
    return atomic_load(sync ? &postgres->group.durable : &postgres->group.acknowledged);
}

uint64_t tj__postgres_included(tj__postgres *postgres)
{
    return atomic_load(&postgres->applied);
}

uint64_t tj__postgres_appended(tj__postgres *postgres)
{
    return atomic_load(&postgres->group.appended);
}
