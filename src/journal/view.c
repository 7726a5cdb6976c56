/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Views: LMDB's state plus the log up to the acknowledged mark, as one row source.
 *
 * The order of the steps matters; each one left out shows states that never were:
 *   1. begin the LMDB transaction, and read the position in it
 *   2. load the mark
 *   3. read the log from the position, checking hash and chain, exactly to the mark
 * Falling short of the mark means that a segment went or an apply overtook us: drop everything and
 * start again. The same place failing again is corruption. A mark that is not known to be the
 * newest (another boot, another mount, a copied directory) does not say where to stop: then the log
 * is read to its end, and the mark looked at again.
 */
#include <stdlib.h>

#include "base/error.h"
#include "base/layers.h"
#include "journal/internal.h"
#include "rows/body.h"

/* A view that fell short at the same place so often is not being overtaken. */
#define VIEW_ATTEMPTS_MAX 3
/* Views that are overtaken every time: more than was ever seen, so that no caller waits for ever.
 */
#define VIEW_RESTARTS_MAX 100

typedef struct view {
    tj__layers layers; /* must be first: the caller holds a pointer to it */
    tj__journal *journal;
    tj__env_snapshot *snapshot;
    tj__overlay *overlay;
    bool acknowledged; /* the overlay ends at a valid mark */
} view;

static void drop(view *v)
{
    tj__env_snapshot_end(v->snapshot);
    tj__overlay_free(v->overlay);
    *v = (view){.journal = v->journal};
}

/* How one attempt to build a view ended. */
typedef enum attempt { ATTEMPT_DONE, ATTEMPT_AGAIN, ATTEMPT_SHORT } attempt;

typedef struct building {
    view *v;
    tj__mark mark;
    tj__position short_at; /* where the last attempt fell short of the mark */
    attempt outcome;
} building;

static tj_status take_record(building *b, const tj__record *record, tj_error *error)
{
    return tj__body_apply(b->v->overlay->rows, TJ__TABLES_ALL, record->body, record->change_count,
                          record->sequence, &record->commit_id, error);
}

/* The log ended. Without a newest mark that is where the view ends, unless a writer has recovered
 * meanwhile. */
static tj_status end_of_log(building *b, tj_error *error)
{
    tj__log_tail tail;
    TJ_TRY(tj__journal_find_lock(b->v->journal, error));
    if (!b->mark.newest && tj__lock_mark(b->v->journal->lock).newest) {
        b->outcome = ATTEMPT_AGAIN;
        return TJ_OK;
    }
    return tj__logbook_judge_end(b->v->overlay->reader, &b->mark, &tail, error);
}

static tj_status read_records(building *b, tj_error *error)
{
    tj__log_reader *reader = b->v->overlay->reader;
    uint64_t target = b->mark.newest ? b->mark.acknowledged : UINT64_MAX;
    while (tj__log_reader_position(reader)->sequence < target) {
        tj__log_next next;
        tj__record record;
        TJ_TRY(tj__logbook_next(reader, &next, &record, error));
        if (next == TJ__LOG_END) {
            return end_of_log(b, error);
        }
        TJ_TRY(take_record(b, &record, error));
    }
    return TJ_OK;
}

static tj_status read_log(building *b, tj_error *error)
{
    tj_status status = read_records(b, error);
    if (status == TJ_CORRUPT) {
        b->short_at = *tj__log_reader_position(b->v->overlay->reader);
        b->outcome = ATTEMPT_SHORT;
    }
    return status;
}

tj__mark tj__journal_mark(const tj__journal *journal)
{
    if (!journal->log) {
        return tj__lock_mark(journal->lock);
    }
    tj__mark own = {.valid = true,
                    .newest = true,
                    .acknowledged =
                        atomic_load_explicit(&journal->acknowledged, memory_order_acquire)};
    return own;
}

static tj_status build(building *b, tj_error *error)
{
    view *v = b->v;
    tj__journal *journal = v->journal;
    tj__position position;
    b->outcome = ATTEMPT_DONE;
    TJ_TRY(tj__journal_snapshot_begin(journal, &v->snapshot, &position, error));
    b->mark = tj__journal_mark(journal);
    TJ_TRY(tj__overlay_begin(journal, &position, &v->overlay, error));
    TJ_TRY(read_log(b, error));
    v->acknowledged = b->mark.newest;
    tj__layers_init(&v->layers, tj__env_snapshot_rows(v->snapshot), v->overlay->rows,
                    tj__log_reader_position(v->overlay->reader)->sequence);
    return TJ_OK;
}

/* Builds until a view is whole. */
static tj_status build_until_whole(tj__journal *journal, view *v, tj_error *error)
{
    tj__position short_at = {0};
    int same = 0;
    for (int restarts = 0; restarts < VIEW_RESTARTS_MAX; restarts++) {
        building b = {.v = v};
        tj_error failure = TJ_ERROR_INIT;
        tj_status status = build(&b, &failure);
        if (status == TJ_OK && b.outcome == ATTEMPT_DONE) {
            return TJ_OK;
        }
        drop(v);
        if (b.outcome == ATTEMPT_SHORT) {
            same = tj__position_same(&b.short_at, &short_at) ? same + 1 : 1;
            short_at = b.short_at;
        }
        if (status != TJ_OK && (b.outcome != ATTEMPT_SHORT || same == VIEW_ATTEMPTS_MAX)) {
            return tj__error_pass(error, &failure);
        }
    }
    return tj__fail(error, TJ_UNAVAILABLE,
                    "a view of journal %s was overtaken by its writer %d times: try again",
                    journal->path, VIEW_RESTARTS_MAX);
}

tj_status tj__journal_check_same_files(const tj__journal *journal, tj_error *error)
{
    const tj__lock *lock = journal->lock;
    TJ_TRY(tj__env_same_file(journal->env, error));
    return !lock ? TJ_OK : tj__lock_same_file(lock, error);
}

tj_status tj__journal_view_begin(tj__journal *journal, tj__row_source **rows, tj_error *error)
{
    *rows = NULL;
    TJ_TRY(tj__journal_find_lock(journal, error));
    TJ_TRY(tj__journal_check_same_files(journal, error));
    view *v = malloc(sizeof *v);
    if (!v) {
        return tj__fail(error, TJ_NOMEM, "no memory for a view");
    }
    *v = (view){.journal = journal};
    tj_status status = build_until_whole(journal, v, error);
    if (status != TJ_OK) {
        free(v);
        tj__error_context(error, "reading journal %s", journal->path);
        return status;
    }
    *rows = &v->layers.rows;
    return TJ_OK;
}

void tj__journal_view_end(tj__row_source *rows)
{
    if (rows) {
        view *v = (view *)rows;
        if (v->acknowledged) {
            tj__overlay_keep(v->journal, v->overlay);
            v->overlay = NULL;
        }
        drop(v);
        free(v);
    }
}
