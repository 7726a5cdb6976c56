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
#include <string.h>

#include "base/error.h"
#include "journal/internal.h"
#include "rows/body.h"

/* A view that fell short at the same place so often is not being overtaken. */
#define VIEW_ATTEMPTS_MAX 3
/* Views that are overtaken every time: more than was ever seen, so that no caller waits for ever.
 */
#define VIEW_RESTARTS_MAX 100

typedef struct view {
    tj__row_source rows; /* must be first: the caller holds a pointer to it */
    tj__journal *journal;
    tj__env_snapshot *snapshot;
    tj__row_source *below; /* LMDB's rows */
    tj__overlay *overlay;
    bool acknowledged; /* the overlay ends at a valid mark */
} view;

/* ---- the two layers as one -------------------------------------------------------------- */

static tj__row row_of(const tj__rowmap_entry *entry)
{
    return (tj__row){.key = tj__rowmap_key(entry),
                     .value = tj__rowmap_value(entry),
                     .sequence = entry->sequence};
}

static tj_status view_get(tj__row_source *source, tj__bytes key, tj__row *row, tj_error *error)
{
    view *v = (view *)source;
    const tj__rowmap_entry *entry = tj__rowmap_find(v->overlay->rows, key);
    if (entry == NULL) {
        return v->below->get(v->below, key, row, error);
    }
    if (entry->deleted) {
        return TJ_NOT_FOUND;
    }
    *row = row_of(entry);
    return TJ_OK;
}

/* A merge under way: entries [next, end) of the overlay are still to come, from either side. */
typedef struct merge {
    tj__rowmap_entry *const *entries;
    size_t next;
    size_t end;
    bool descending;
    tj__row_visitor *visitor;
    void *context;
} merge;

static const tj__rowmap_entry *merge_peek(const merge *m)
{
    if (m->next == m->end) {
        return NULL;
    }
    return m->entries[m->descending ? m->end - 1 : m->next];
}

static void merge_take(merge *m)
{
    if (m->descending) {
        m->end--;
    } else {
        m->next++;
    }
}

static tj_status give_entry(merge *m, const tj__rowmap_entry *entry, tj_error *error)
{
    if (entry->deleted) {
        return TJ_OK;
    }
    tj__row row = row_of(entry);
    return m->visitor(m->context, &row, error);
}

static tj_status visit_below(void *context, const tj__row *row, tj_error *error)
{
    merge *m = context;
    const tj__rowmap_entry *entry;
    while ((entry = merge_peek(m)) != NULL) {
        int order = tj__bytes_compare(tj__rowmap_key(entry), row->key);
        if (m->descending ? order < 0 : order > 0) {
            break;
        }
        merge_take(m);
        TJ_TRY(give_entry(m, entry, error));
        if (order == 0) {
            return TJ_OK; /* It stands in for the row below. */
        }
    }
    return m->visitor(m->context, row, error);
}

/* Passes TJ__STOP on, so that the caller of the scan below can tell "stopped" from "at the end". */
typedef struct stoppable {
    merge merge;
    bool stopped;
} stoppable;

static tj_status visit_stoppable(void *context, const tj__row *row, tj_error *error)
{
    stoppable *s = context;
    tj_status status = visit_below(&s->merge, row, error);
    s->stopped = status == TJ__STOP;
    return status;
}

static tj_status view_scan(tj__row_source *source, tj__bytes first, tj__bytes end, bool descending,
                           tj__row_visitor *visitor, void *context, tj_error *error)
{
    view *v = (view *)source;
    tj__rowmap_entry **entries = NULL;
    size_t count = 0;
    if (!tj__rowmap_sorted(v->overlay->rows, &entries, &count)) {
        return tj__fail(error, TJ_NOMEM, "no memory for a view");
    }
    stoppable s = {.merge = {.entries = entries,
                             .next = tj__rowmap_lower_bound(entries, count, first),
                             .end = tj__rowmap_lower_bound(entries, count, end),
                             .descending = descending,
                             .visitor = visitor,
                             .context = context}};
    if (s.merge.next > s.merge.end) {
        s.merge.end = s.merge.next;
    }
    TJ_TRY(v->below->scan(v->below, first, end, descending, visit_stoppable, &s, error));
    const tj__rowmap_entry *entry;
    while (!s.stopped && (entry = merge_peek(&s.merge)) != NULL) {
        merge_take(&s.merge);
        tj_status status = give_entry(&s.merge, entry, error);
        if (status != TJ_OK) {
            return status == TJ__STOP ? TJ_OK : status;
        }
    }
    return TJ_OK;
}

/* ---- building one ----------------------------------------------------------------------- */

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
    return tj__body_apply(b->v->overlay->rows, record->body, record->change_count, record->sequence,
                          &record->commit_id, error);
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

static tj__mark mark_now(const tj__journal *journal)
{
    if (journal->log == NULL) {
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
    b->mark = mark_now(journal);
    v->below = tj__env_snapshot_rows(v->snapshot);
    TJ_TRY(tj__overlay_begin(journal, &position, &v->overlay, error));
    TJ_TRY(read_log(b, error));
    v->acknowledged = b->mark.newest;
    v->rows = (tj__row_source){.get = view_get,
                               .scan = view_scan,
                               .sequence = tj__log_reader_position(v->overlay->reader)->sequence};
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

/* Whether the files opened are still those that the path names. */
static tj_status check_same_files(const tj__journal *journal, tj_error *error)
{
    const tj__lock *lock = journal->lock;
    TJ_TRY(tj__env_same_file(journal->env, error));
    return lock == NULL ? TJ_OK : tj__lock_same_file(lock, error);
}

tj_status tj__journal_view_begin(tj__journal *journal, tj__row_source **rows, tj_error *error)
{
    *rows = NULL;
    TJ_TRY(tj__journal_find_lock(journal, error));
    TJ_TRY(check_same_files(journal, error));
    view *v = malloc(sizeof *v);
    if (v == NULL) {
        return tj__fail(error, TJ_NOMEM, "no memory for a view");
    }
    *v = (view){.journal = journal};
    tj_status status = build_until_whole(journal, v, error);
    if (status != TJ_OK) {
        free(v);
        tj__error_context(error, "reading journal %s", journal->path);
        return status;
    }
    *rows = &v->rows;
    return TJ_OK;
}

void tj__journal_view_end(tj__row_source *rows)
{
    if (rows != NULL) {
        view *v = (view *)rows;
        if (v->acknowledged) {
            tj__overlay_keep(v->journal, v->overlay);
            v->overlay = NULL;
        }
        drop(v);
        free(v);
    }
}
