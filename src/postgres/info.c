/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What can be told of a journal on PostgreSQL. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "postgres/internal.h"

enum { JOURNAL, NEWEST, SIZE, STATEMENTS };

/* One that has closed the journal has left no description. */
static void read_writer(const tj__pg_session *session, const tj__pg_result *row,
                        tj_store_info *info)
{
    static const char pid[] = "pid ";
    tj__bytes holder = tj__pg_get_bytes(session, row, 0, 2);
    info->writer_alive = tj__pg_get_int4(session, row, 0, 3) == 1;
    info->postgres.oldest_sequence = tj__pg_get_int8(session, row, 0, 7);
    info->postgres.writer_seen = (tj_time)tj__pg_get_int8(session, row, 0, 6) * 1000;
    snprintf(info->writer, sizeof info->writer, "%.*s", (int)holder.size,
             (const char *)holder.data);
    if (info->writer_alive && strncmp(info->writer, pid, sizeof pid - 1) == 0) {
        info->writer_pid = strtoll(info->writer + sizeof pid - 1, NULL, 10);
    }
}

static void read_answers(const tj__pg_session *session, tj__pg_result **results,
                         tj_store_info *info)
{
    const tj__pg_result *journal = results[JOURNAL];
    info->postgres.epoch = tj__pg_get_int8(session, journal, 0, 0);
    info->postgres.applied_sequence = tj__pg_get_int8(session, journal, 0, 1);
    info->postgres.lag_bytes = tj__pg_get_int8(session, journal, 0, 4);
    info->postgres.unreplicated = (uint32_t)tj__pg_get_int8(session, journal, 0, 5);
    read_writer(session, journal, info);
    info->sequence = tj__pg_get_int8(session, results[NEWEST], 0, 0);
    info->sequence_time = (tj_time)tj__pg_get_int8(session, results[NEWEST], 0, 1);
    info->state_bytes = tj__pg_get_int8(session, results[SIZE], 0, 0);
    info->postgres.server_version = (uint32_t)tj__pg_get_int4(session, results[SIZE], 0, 1);
    tj_time now = tj_time_now();
    info->clock_behind_ns = info->sequence_time > now ? info->sequence_time - now : 0;
}

static void prepare(const tj__postgres *postgres, tj__pg_query queries[STATEMENTS])
{
    queries[JOURNAL] = tj__pg_sql(
        "select epoch, applied, holder, (holder <> '' and clock_timestamp() < renewed + "
        "ttl)::int4, (select coalesce(sum(length(body)), 0)::int8 from log where journal = "
        "$1::int4 and seq > applied), unreplicated, (extract(epoch from renewed) * 1000000)::int8, "
        "pruned "
        "from journal where journal = $1::int4");
    queries[NEWEST] = tj__pg_sql("select seq, at from log where journal = $1::int4 order by seq "
                                 "desc limit 1");
    queries[SIZE] = tj__pg_sql(
        "select sum(pg_total_relation_size(('raw_' || t)::regclass))::int8, "
        "current_setting('server_version_num')::int4 from unnest(array['books', 'state', 'algos', "
        "'ledger', 'ledger_time', 'ledger_ids', 'counters', 'commits', 'quarantine']) t group by "
        "2");
    tj__pg_int4(&queries[JOURNAL], postgres->number);
    tj__pg_int4(&queries[NEWEST], postgres->number);
}

/* What the writer knows better than the server: a commit that is in doubt may be seen there. */
static void tell_acknowledged(const tj__postgres *postgres, tj_store_info *info)
{
    if (!postgres->config.read_only) {
        info->sequence = atomic_load(&postgres->acknowledged);
        info->postgres.unreplicated = (uint32_t)atomic_load(&postgres->unreplicated);
    }
}

/* Of a server that is away, what is known here. */
static void tell_known(const tj__postgres *postgres, tj_store_info *info)
{
    snprintf(info->path, sizeof info->path, "%s", postgres->place);
    info->type = TJ_ENGINE_POSTGRES;
    info->durability = postgres->config.durability;
    info->journal_id = postgres->id;
    info->format_version = TJ__PG_FORMAT_VERSION;
    info->postgres.away_since = atomic_load(&postgres->away_since);
    if (!postgres->config.read_only) {
        info->postgres.epoch = postgres->epoch;
        info->postgres.applied_sequence = atomic_load(&postgres->applied);
        info->postgres.lag_bytes = tj__pg_lag(postgres);
    }
    tell_acknowledged(postgres, info);
}

tj_status tj__postgres_info(tj__postgres *postgres, tj_store_info *info, tj_error *error)
{
    tell_known(postgres, info);
    if (info->postgres.away_since != 0) {
        return TJ_OK;
    }
    tj__pg_result *results[STATEMENTS];
    tj__pg_query queries[STATEMENTS];
    prepare(postgres, queries);
    TJ_TRY(tj__pg_pool_ask(postgres, queries, STATEMENTS, results, error));
    const tj__pg_session reader = {.pq = postgres->target.pq};
    if (reader.pq->rows(results[JOURNAL]) == 1 && reader.pq->rows(results[NEWEST]) == 1) {
        read_answers(&reader, results, info);
        tell_acknowledged(postgres, info);
    }
    tj__pg_clear(&reader, results, STATEMENTS);
    return TJ_OK;
}
