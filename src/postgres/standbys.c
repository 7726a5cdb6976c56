/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The standbys of a server, as far as the role is shown them: any role sees their names, one with
 * pg_read_all_stats also how they do. */
#include "base/arena.h"
#include "base/error.h"
#include "postgres/internal.h"

/* A base backup is sent the same way, and is no standby. */
#define LIST_SQL                                                                                \
    "select coalesce(application_name, ''), coalesce(host(client_addr), ''), coalesce(state, "  \
    "''), coalesce(sync_state, ''), coalesce(greatest(0, pg_wal_lsn_diff(case when "            \
    "pg_is_in_recovery() then pg_last_wal_receive_lsn() else pg_current_wal_flush_lsn() end, "  \
    "flush_lsn)), 0)::int8, (state is not null)::int4 from pg_stat_replication where state is " \
    "distinct from 'backup' order by (sync_state in ('sync', 'quorum')) desc nulls last, 1, 2"

enum { SERVER, LIST, STATEMENTS };
enum { NAME, ADDRESS, STATE, SYNC, BEHIND, SHOWN };

static tj_str text(tj__arena *arena, const tj__pg_session *reader, const tj__pg_result *result,
                   int row, int column)
{
    tj__bytes bytes = tj__pg_get_bytes(reader, result, row, column);
    return tj__arena_str(arena, (tj_str){(const char *)bytes.data, bytes.size});
}

static bool read_standby(tj__arena *arena, const tj__pg_session *reader, const tj__pg_result *list,
                         int row, tj_standby *out)
{
    *out = (tj_standby){.name = text(arena, reader, list, row, NAME),
                        .address = text(arena, reader, list, row, ADDRESS),
                        .state = text(arena, reader, list, row, STATE),
                        .sync = text(arena, reader, list, row, SYNC),
                        .behind_bytes = tj__pg_get_int8(reader, list, row, BEHIND)};
    return out->name.data && out->address.data && out->state.data && out->sync.data;
}

static bool read_answers(const tj__pg_session *reader, tj__pg_result **results,
                         tj_standby_list *out)
{
    tj__arena *arena = tj__arena_of_object(out);
    const tj__pg_result *list = results[LIST];
    int rows = out->is_shown ? reader->pq->rows(list) : 0;
    out->wanted = text(arena, reader, results[SERVER], 0, 0);
    out->is_behind = tj__pg_get_int4(reader, results[SERVER], 0, 1) == 1;
    out->standbys = tj__arena_array(arena, (size_t)rows, sizeof *out->standbys);
    if (!out->wanted.data || !out->standbys) {
        return false;
    }
    for (int row = 0; row < rows; row++) {
        out->is_shown = out->is_shown && tj__pg_get_int4(reader, list, row, SHOWN) == 1;
        if (!read_standby(arena, reader, list, row, &out->standbys[out->count++])) {
            return false;
        }
    }
    return true;
}

tj_status tj__postgres_standbys(tj__postgres *postgres, tj_standby_list *out, tj_error *error)
{
    tj__pg_result *results[STATEMENTS] = {NULL};
    const tj__pg_session reader = {.pq = postgres->target.pq};
    const tj__pg_query queries[STATEMENTS] = {
        tj__pg_sql("select current_setting('synchronous_standby_names'), "
                   "pg_is_in_recovery()::int4"),
        tj__pg_sql(LIST_SQL)};
    tj_status status = tj__pg_pool_ask(postgres, queries, STATEMENTS, results, error);
    if (status == TJ_READONLY) { /* the view was taken from everybody; the rest is not */
        out->is_shown = false;
        status = tj__pg_pool_ask(postgres, queries, LIST, results, error);
    }
    TJ_TRY(status);
    bool read = read_answers(&reader, results, out);
    tj__pg_clear(&reader, results, STATEMENTS);
    return read ? TJ_OK : tj__fail(error, TJ_NOMEM, "no memory for a list of standbys");
}
