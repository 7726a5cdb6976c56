/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What was: commits read from the log again, and the state after any of them.
 *
 * A state is replayed from the base before it, or from the state that was asked for before.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/layers.h"
#include "postgres/internal.h"
#include "rows/body.h"

/* Commits that are read at once. */
#define BLOCK 256

struct tj__commits {
    tj__postgres *postgres;
    tj__pg_session reader; /* of results; not open */
    tj__pg_result *result;
    int row; /* the next one in it */
    int rows;
    tj__pg_place before; /* the commit before that */
    bool oldest;         /* from the oldest one on, whichever that is */
};

/* One number; 0 when there is none. */
static tj_status ask_number(tj__postgres *postgres, const tj__pg_query *query, uint64_t *number,
                            tj_error *error)
{
    tj__pg_session reader = {.pq = postgres->target.pq};
    tj__pg_result *result = NULL;
    TJ_TRY(tj__pg_pool_ask(postgres, query, 1, &result, error));
    *number = reader.pq->rows(result) > 0 ? tj__pg_get_int8(&reader, result, 0, 0) : 0;
    tj__pg_clear(&reader, &result, 1);
    return TJ_OK;
}

tj_status tj__postgres_newest(tj__postgres *postgres, uint64_t *sequence, tj_error *error)
{
    if (!postgres->config.read_only) {
        *sequence = atomic_load(&postgres->acknowledged);
        return TJ_OK;
    }
    tj__pg_query query = tj__pg_sql("select max(seq) from log where journal = $1::int4");
    tj__pg_int4(&query, postgres->number);
    return ask_number(postgres, &query, sequence, error);
}

/* ---- commits ---------------------------------------------------------------------------- */

tj_status tj__postgres_commits_open(tj__postgres *postgres, uint64_t first,
                                    tj__postgres_commits **out, tj_error *error)
{
    tj__postgres_commits *commits = calloc(1, sizeof *commits);
    if (!commits) {
        return tj__fail(error, TJ_NOMEM, "no memory to read commits");
    }
    commits->postgres = postgres;
    commits->reader.pq = postgres->target.pq;
    commits->before.sequence = first > 0 ? first - 1 : 0;
    commits->oldest = first == 0;
    *out = commits;
    return TJ_OK;
}

static tj_status not_kept(const tj__postgres *postgres, uint64_t sequence, uint64_t pruned,
                          tj_error *error)
{
    return tj__fail(error, TJ_NOT_FOUND,
                    "commit %" PRIu64 " of %s is not kept any more: its log begins behind commit "
                    "%" PRIu64,
                    sequence, postgres->place, pruned);
}

/* The log does not have the commit that the next one hangs on to. */
static tj_status explain_gap(tj__postgres_commits *commits, bool *again, tj_error *error)
{
    tj__postgres *postgres = commits->postgres;
    tj__pg_base base;
    uint64_t pruned = 0;
    TJ_TRY(tj__pg_base_before(postgres, 0, &pruned, &base, error));
    if (commits->before.sequence >= pruned) {
        return tj__fail(error, TJ_CORRUPT, "commit %" PRIu64 " is missing in the log of %s",
                        commits->before.sequence, postgres->place);
    }
    if (!commits->oldest) {
        return not_kept(postgres, commits->before.sequence + 1, pruned, error);
    }
    commits->before.sequence = pruned;
    *again = true;
    return TJ_OK;
}

/* The block behind `before`, which is read again for what the next one hangs on to. */
static tj_status read_once(tj__postgres_commits *commits, bool *again, tj_error *error)
{
    tj__postgres *postgres = commits->postgres;
    tj__pg_query query = tj__pg_sql("select " TJ__PG_RECORD_COLUMNS " from log where journal = "
                                    "$1::int4 and seq >= $2::int8 order by seq limit $3::int8");
    tj__pg_int4(&query, postgres->number);
    tj__pg_int8(&query, commits->before.sequence);
    tj__pg_int8(&query, BLOCK + 1);
    tj__pg_clear(&commits->reader, &commits->result, 1);
    TJ_TRY(tj__pg_pool_ask(postgres, &query, 1, &commits->result, error));
    commits->rows = postgres->target.pq->rows(commits->result);
    tj__pg_record record = {.commit.sequence = UINT64_MAX};
    if (commits->rows > 0) {
        tj__pg_record_read(&commits->reader, commits->result, 0, &record);
    }
    if (record.commit.sequence != commits->before.sequence) {
        return explain_gap(commits, again, error);
    }
    commits->before.hash = record.hash;
    commits->row = 1;
    return TJ_OK;
}

static tj_status read_block(tj__postgres_commits *commits, tj_error *error)
{
    bool again = false;
    TJ_TRY(read_once(commits, &again, error));
    return again ? read_once(commits, &again, error) : TJ_OK;
}

tj_status tj__postgres_commits_next(tj__postgres_commits *commits, uint64_t last, bool *found,
                                    tj__commit_record *record, tj_error *error)
{
    *found = false;
    if (commits->before.sequence >= last) {
        return TJ_OK;
    }
    if (commits->row >= commits->rows) {
        TJ_TRY(read_block(commits, error));
    }
    if (commits->before.sequence >= last) {
        return TJ_OK; /* the log begins behind it */
    }
    if (commits->row >= commits->rows) {
        return tj__fail(error, TJ_UNAVAILABLE,
                        "the server that answers has journal %s up to commit %" PRIu64
                        ", and %" PRIu64 " is acknowledged",
                        commits->postgres->place, commits->before.sequence, last);
    }
    tj__pg_record next;
    tj__pg_record_read(&commits->reader, commits->result, commits->row, &next);
    TJ_TRY(tj__pg_record_check(commits->postgres, &next, &commits->before, error));
    commits->before = (tj__pg_place){next.commit.sequence, next.commit.time, next.hash};
    commits->row++;
    *record = next.commit;
    *found = true;
    return TJ_OK;
}

void tj__postgres_commits_close(tj__postgres_commits *commits)
{
    if (commits) {
        tj__pg_clear(&commits->reader, &commits->result, 1);
        free(commits);
    }
}

tj_status tj__postgres_block(tj__postgres *postgres, uint64_t sequence, uint64_t *first,
                             tj_error *error)
{
    tj__pg_base base;
    uint64_t pruned = 0;
    TJ_TRY(tj__pg_base_before(postgres, 0, &pruned, &base, error));
    *first = sequence > pruned + BLOCK ? sequence - BLOCK + 1 : pruned + 1;
    return TJ_OK;
}

/* Times rise with sequences, so the commit is found by halving. */
tj_status tj__postgres_sequence_at(tj__postgres *postgres, tj_time time, uint64_t newest,
                                   uint64_t *sequence, tj_error *error)
{
    tj__pg_base base;
    uint64_t pruned = 0;
    TJ_TRY(tj__pg_base_before(postgres, 0, &pruned, &base, error));
    uint64_t below = pruned > 0 ? pruned - 1 : 0; /* was made by then, if it is one that is kept */
    uint64_t above = newest + 1;
    while (above - below > 1) {
        uint64_t middle = below + (above - below) / 2;
        uint64_t at = 0;
        tj__pg_query query =
            tj__pg_sql("select at from log where journal = $1::int4 and seq = $2::int8");
        tj__pg_int4(&query, postgres->number);
        tj__pg_int8(&query, middle);
        TJ_TRY(ask_number(postgres, &query, &at, error));
        if ((tj_time)at <= time) {
            below = middle;
        } else {
            above = middle;
        }
    }
    *sequence = below >= pruned ? below : 0;
    return TJ_OK;
}

/* ---- a state ---------------------------------------------------------------------------- */

/* A state that was replayed. The newest one that nobody uses is kept: from it to a later one is
 * less work than from the first commit. */
struct tj__pg_past {
    tj__layers layers; /* must be first: the caller holds a pointer to it */
    tj__postgres *postgres;
    uint64_t tables;
    uint64_t sequence;
    tj__rowmap *rows;
};

/* A larger one is not held for a view that may never come; one further off is no gain. */
#define KEPT_BYTES_MAX ((size_t)16 << 20)
#define KEPT_COMMITS_MAX 1000

void tj__pg_past_free(tj__pg_past *past)
{
    if (past) {
        tj__rowmap_free(past->rows);
        free(past);
    }
}

/* The kept one, when this state is not far from it. */
static tj__pg_past *take_kept(tj__postgres *postgres, uint64_t sequence, uint64_t tables)
{
    tj__pg_past *kept = atomic_exchange(&postgres->kept_past, NULL);
    if (kept && (kept->tables != tables || kept->sequence > sequence ||
                 sequence - kept->sequence > KEPT_COMMITS_MAX)) {
        tj__pg_past_free(kept);
        return NULL;
    }
    return kept;
}

static tj__pg_past *new_past(tj__postgres *postgres, uint64_t tables)
{
    tj__pg_past *past = calloc(1, sizeof *past);
    tj__rowmap *rows = tj__rowmap_new();
    if (!past || !rows) {
        free(past);
        tj__rowmap_free(rows);
        return NULL;
    }
    *past = (tj__pg_past){.postgres = postgres, .tables = tables, .rows = rows};
    return past;
}

static tj_status replay(tj__pg_past *past, uint64_t sequence, tj_error *error)
{
    tj__postgres_commits *commits = NULL;
    tj__commit_record record;
    bool found = true;
    tj_status status =
        tj__postgres_commits_open(past->postgres, past->sequence + 1, &commits, error);
    while (status == TJ_OK) {
        status = tj__postgres_commits_next(commits, sequence, &found, &record, error);
        if (status != TJ_OK || !found) {
            break;
        }
        status = tj__body_apply(past->rows, past->tables, record.body, record.change_count,
                                record.sequence, &record.commit_id, error);
        past->sequence = record.sequence;
    }
    tj__postgres_commits_close(commits);
    return status;
}

/* Fills it from the newest base before a commit that is sound; from the first commit when there is
 * none, or when tables are asked for that no base has. */
static tj_status start_from_base(tj__pg_past *past, uint64_t sequence, tj_error *error)
{
    tj__postgres *postgres = past->postgres;
    bool copied = (past->tables & ~TJ__PG_BASE_BITS) == 0;
    bool sound = false;
    uint64_t wanted = sequence;
    while (!sound) {
        tj__pg_base base;
        uint64_t pruned = 0;
        TJ_TRY(tj__pg_base_before(postgres, wanted, &pruned, &base, error));
        if (sequence < pruned) {
            return not_kept(postgres, sequence, pruned, error);
        }
        if (base.sequence == 0 || (!copied && pruned == 0)) {
            return TJ_OK;
        }
        TJ_TRY(tj__pg_base_read(postgres, &base, past->tables, past->rows, &sound, error));
        if (!sound && base.sequence == pruned) {
            return tj__fail(error, TJ_CORRUPT,
                            "rows kept of %s at commit %" PRIu64
                            " are not what was written, and the log before it is gone",
                            postgres->place, base.sequence);
        }
        past->sequence = base.sequence;
        if (!sound) {
            tj__rowmap_clear(past->rows);
            past->sequence = 0;
            wanted = base.sequence - 1;
        }
    }
    return TJ_OK;
}

tj_status tj__postgres_view_at(tj__postgres *postgres, uint64_t sequence, uint64_t tables,
                               tj__row_source **rows, tj_error *error)
{
    *rows = NULL;
    tj__pg_past *past = take_kept(postgres, sequence, tables);
    bool kept = past != NULL;
    past = kept ? past : new_past(postgres, tables);
    if (!past) {
        return tj__fail(error, TJ_NOMEM, "no memory for a view");
    }
    tj_status status = kept ? TJ_OK : start_from_base(past, sequence, error);
    if (status == TJ_OK) {
        status = replay(past, sequence, error);
    }
    if (status != TJ_OK) {
        tj__pg_past_free(past);
        return status;
    }
    tj__layers_init(&past->layers, NULL, past->rows, sequence);
    *rows = &past->layers.rows;
    return TJ_OK;
}

tj_status tj__pg_replay_between(tj__postgres *postgres, uint64_t pruned, uint64_t sequence,
                                tj__rowmap **out, tj_error *error)
{
    tj__pg_past *past = new_past(postgres, TJ__PG_BASE_BITS);
    if (!past) {
        return tj__fail(error, TJ_NOMEM, "no memory for a proof");
    }
    tj_status status = pruned > 0 ? start_from_base(past, pruned, error) : TJ_OK;
    if (status == TJ_OK) {
        status = replay(past, sequence, error);
    }
    *out = past->rows;
    past->rows = NULL;
    tj__pg_past_free(past);
    return status;
}

void tj__postgres_view_at_end(tj__row_source *rows)
{
    tj__pg_past *past = (tj__pg_past *)rows;
    if (past && tj__rowmap_bytes(past->rows) <= KEPT_BYTES_MAX) {
        past = atomic_exchange(&past->postgres->kept_past, past);
    }
    tj__pg_past_free(past);
}
