/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The session that batches are written in: how durable its commits are, and the statement. */
#include "postgres/internal.h"

/* Inserts a batch behind the row that is the newest, if that has this writer's fence. The row is
 * locked against a claim until the commit; a claim that came first has changed it, and it is no
 * longer found. */
#define APPEND_SQL                                                                                 \
    "with p as (select 1 from log where journal = $1::int4 and seq = $2::int8 and fence = "        \
    "$3::int8 and hash = $4::int8 for share) insert into log(journal, seq, fence, epoch, at, id, " \
    "changes, hash, note, body) select $1::int4, s, $3::int8, $3::int8, t, i, n, h, o, b from p, " \
    "unnest($5::int8[], $6::int8[], $7::uuid[], $8::int4[], $9::int8[], $10::bytea[], "            \
    "$11::bytea[]) u(s, t, i, n, h, o, b)"

/* And nothing, while no standby would have it. */
#define APPEND_REPLICATED_SQL APPEND_SQL " where " TJ__PG_STANDBYS_NAMED

tj_status tj__pg_ready_writer(tj__postgres *postgres, tj_error *error)
{
    bool os = postgres->config.durability == TJ_DURABILITY_OS;
    const char *append = tj__pg_waits_for_standby(postgres) ? APPEND_REPLICATED_SQL : APPEND_SQL;
    tj__pg_query queries[3] = {
        tj__pg_sql(os ? "set synchronous_commit to off" : "set synchronous_commit to on"),
        /* A process that is stopped in the middle of a claim keeps nobody away for ever. */
        tj__pg_sql("set idle_in_transaction_session_timeout to '10s'"),
        tj__pg_prepare(TJ__PG_APPEND, append)};
    return tj__pg_do(&postgres->writer, queries, 3, TJ__PG_STATEMENT_MS, error);
}
