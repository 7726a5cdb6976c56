/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Retention: the log before a base goes, once it is proven that the base is what the log comes to.
 *
 * The journal's row says first from which commit on states are kept; so a reader that comes later
 * is told, and one that is at it finds its rows gone and looks there. Then the rows go, some at a
 * time. Whoever does it needs no claim, but the right to delete, which a writer does not have.
 */
#include <inttypes.h>

#include "base/error.h"
#include "postgres/internal.h"
#include "rows/body.h"

/* Rows of the log that go in one transaction, and how long that may take. */
#define PRUNE_STEP 10000
#define PRUNE_MS 600000

typedef struct pruning {
    tj__postgres *postgres;
    tj__pg_session *session;
    uint64_t newest_to_go; /* so that at most so many bytes stay; 0: all may */
    uint64_t pruned;       /* the log begins behind this commit now */
    tj__pg_base to;        /* and would begin behind this one */
} pruning;

static tj_status ask(pruning *p, tj__pg_query *queries, int count, tj__pg_result **results,
                     tj_error *error)
{
    return tj__pg_ask(p->session, queries, count, results, PRUNE_MS, error);
}

/* ---- what goes ----------------------------------------------------------------------------- */

static tj_status choose(pruning *p, uint64_t size, tj_error *error)
{
    tj__pg_result *results[2] = {NULL};
    tj__pg_query queries[2] = {
        tj__pg_sql("select coalesce(max(seq), 0)::int8 from (select seq, sum(length(body) + "
                   "length(note)) over (order by seq desc) as behind from log where journal = "
                   "$1::int4) l where behind > $2::int8"),
        tj__pg_sql("select pruned from journal where journal = $1::int4")};
    tj__pg_int4(&queries[0], p->postgres->number);
    tj__pg_int8(&queries[0], size > INT64_MAX ? INT64_MAX : size);
    tj__pg_int4(&queries[1], p->postgres->number);
    TJ_TRY(ask(p, queries, 2, results, error));
    p->newest_to_go = tj__pg_get_int8(p->session, results[0], 0, 0);
    p->pruned =
        p->session->pq->rows(results[1]) > 0 ? tj__pg_get_int8(p->session, results[1], 0, 0) : 0;
    tj__pg_clear(p->session, results, 2);
    return TJ_OK;
}

/* The oldest base that leaves little enough. */
static tj_status find_base(pruning *p, tj_error *error)
{
    tj__pg_result *result = NULL;
    tj__pg_query query = tj__pg_sql("select " TJ__PG_BASE_COLUMNS " from base where journal = "
                                    "$1::int4 and seq >= $2::int8 order by seq limit 1");
    tj__pg_int4(&query, p->postgres->number);
    tj__pg_int8(&query, p->newest_to_go);
    TJ_TRY(ask(p, &query, 1, &result, error));
    if (p->session->pq->rows(result) > 0) {
        p->to = tj__pg_base_of(p->session, result);
    }
    tj__pg_clear(p->session, &result, 1);
    return TJ_OK;
}

/* What would go, or goes. */
static tj_status tell(pruning *p, tj_prune_report *report, tj_error *error)
{
    tj__pg_result *result = NULL;
    tj__pg_query query =
        tj__pg_sql("select count(*), coalesce(sum(length(body) + length(note)), 0)::int8, (select "
                   "at from log where journal = $1::int4 and seq = $2::int8) from log where "
                   "journal = $1::int4 and seq < $2::int8 and seq > 0");
    tj__pg_int4(&query, p->postgres->number);
    tj__pg_int8(&query, p->to.sequence);
    TJ_TRY(ask(p, &query, 1, &result, error));
    report->segment_count = tj__pg_get_int8(p->session, result, 0, 0);
    report->bytes = tj__pg_get_int8(p->session, result, 0, 1);
    report->oldest_sequence = p->to.sequence;
    report->oldest_time = (tj_time)tj__pg_get_int8(p->session, result, 0, 2);
    tj__pg_clear(p->session, &result, 1);
    return TJ_OK;
}

/* ---- the proof ----------------------------------------------------------------------------- */

static bool same(const tj__rowmap_entry *a, const tj__rowmap_entry *b)
{
    return a->sequence == b->sequence && tj__bytes_equal(tj__rowmap_key(a), tj__rowmap_key(b)) &&
           tj__bytes_equal(tj__rowmap_value(a), tj__rowmap_value(b));
}

/* Entries that say "deleted" are no rows. */
static size_t skip_deleted(tj__rowmap_entry *const *entries, size_t count, size_t at)
{
    while (at < count && entries[at]->deleted) {
        at++;
    }
    return at;
}

static bool equal(tj__rowmap *a, tj__rowmap *b, bool *sorted)
{
    tj__rowmap_entry **left = NULL;
    tj__rowmap_entry **right = NULL;
    size_t left_count = 0;
    size_t right_count = 0;
    *sorted =
        tj__rowmap_sorted(a, &left, &left_count) && tj__rowmap_sorted(b, &right, &right_count);
    size_t i = 0;
    size_t j = 0;
    while (*sorted) {
        i = skip_deleted(left, left_count, i);
        j = skip_deleted(right, right_count, j);
        if (i == left_count || j == right_count || !same(left[i], right[j])) {
            break;
        }
        i++;
        j++;
    }
    return *sorted && i == left_count && j == right_count;
}

/* From the base behind which the log begins, which was proven when the log before it went. */
static tj_status prove(pruning *p, tj_error *error)
{
    tj__rowmap *rows = tj__rowmap_new();
    tj__rowmap *replayed = NULL;
    bool sound = false;
    bool sorted = true;
    tj_status status = rows ? TJ_OK : tj__fail(error, TJ_NOMEM, "no memory for a proof");
    if (status == TJ_OK) {
        status = tj__pg_base_read(p->postgres, &p->to, TJ__PG_BASE_BITS, rows, &sound, error);
    }
    if (status == TJ_OK) {
        status = tj__pg_replay_between(p->postgres, p->pruned, p->to.sequence, &replayed, error);
    }
    if (status == TJ_OK && !(sound && equal(rows, replayed, &sorted))) {
        status = sorted ? tj__fail(error, TJ_CORRUPT,
                                   "nothing was pruned: the rows kept of %s at commit %" PRIu64
                                   " are not what its log comes to; verify --deep looks closer",
                                   p->postgres->place, p->to.sequence)
                        : tj__fail(error, TJ_NOMEM, "no memory for a proof");
    }
    tj__rowmap_free(rows);
    tj__rowmap_free(replayed);
    return status;
}

/* ---- letting it go ------------------------------------------------------------------------- */

static tj_status let_go_some(pruning *p, bool *more, tj_error *error)
{
    tj__pg_result *results[3] = {NULL};
    tj__pg_query queries[3] = {
        tj__pg_sql("begin read write"),
        tj__pg_sql("delete from log where journal = $1::int4 and seq < least($2::int8, (select "
                   "min(seq) from log where journal = $1::int4) + $3::int8)"),
        tj__pg_sql("commit")};
    tj__pg_int4(&queries[1], p->postgres->number);
    tj__pg_int8(&queries[1], p->to.sequence);
    tj__pg_int8(&queries[1], PRUNE_STEP);
    TJ_TRY(ask(p, queries, 3, results, error));
    *more = tj__pg_affected(p->session, results[1]) > 0;
    tj__pg_clear(p->session, results, 3);
    return TJ_OK;
}

static tj_status let_go(pruning *p, tj_error *error)
{
    tj__pg_query queries[5] = {
        tj__pg_sql("begin read write"),
        tj__pg_sql("update journal set pruned = $2::int8 where journal = $1::int4 and pruned < "
                   "$2::int8"),
        tj__pg_sql("delete from base where journal = $1::int4 and seq < $2::int8"),
        tj__pg_sql("delete from base_rows where journal = $1::int4 and base < $2::int8"),
        tj__pg_sql("commit")};
    for (int i = 1; i < 4; i++) {
        tj__pg_int4(&queries[i], p->postgres->number);
        tj__pg_int8(&queries[i], p->to.sequence);
    }
    TJ_TRY(tj__pg_do(p->session, queries, 5, PRUNE_MS, error));
    for (bool more = true; more;) {
        TJ_TRY(let_go_some(p, &more, error));
    }
    return TJ_OK;
}

static tj_status prune(pruning *p, uint64_t size, bool dry, tj_prune_report *report,
                       tj_error *error)
{
    TJ_TRY(choose(p, size, error));
    report->oldest_sequence = p->pruned;
    if (p->newest_to_go <= p->pruned) {
        return TJ_OK;
    }
    TJ_TRY(find_base(p, error));
    if (p->to.sequence == 0 && !dry) {
        TJ_TRY(tj__pg_base_make(p->session, p->postgres->number, PRUNE_MS, &p->to, error));
    }
    p->to.sequence = dry && p->to.sequence == 0 ? p->newest_to_go : p->to.sequence;
    if (p->to.sequence <= p->pruned) {
        return TJ_OK;
    }
    TJ_TRY(tell(p, report, error));
    if (dry) {
        return TJ_OK;
    }
    TJ_TRY(prove(p, error));
    return let_go(p, error);
}

tj_status tj__postgres_prune(tj__postgres *postgres, uint64_t size, bool dry,
                             tj_prune_report *report, tj_error *error)
{
    pruning p = {.postgres = postgres};
    uint64_t configured = postgres->config.lmdb.history_size_bytes;
    size = size ? size : configured ? configured : TJ_HISTORY_SIZE_DEFAULT;
    TJ_TRY(tj__pg_pool_take(postgres, tj__pg_patience_end(postgres), &p.session, error));
    p.session->until = 0;
    tj_status status = prune(&p, size, dry, report, error);
    if (status != TJ_OK && p.session->conn) {
        tj__pg_query rollback = tj__pg_sql("rollback");
        (void)tj__pg_do(p.session, &rollback, 1, TJ__PG_STATEMENT_MS, NULL);
    }
    tj__pg_pool_give(postgres, p.session);
    tj__pg_past_free(atomic_exchange(&postgres->kept_past, NULL)); /* it may be of before */
    return tj__pg_explain(postgres, status, error);
}
