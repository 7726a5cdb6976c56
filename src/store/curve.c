/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The equity of a book over time, from the commits that changed it: one key is looked for, and
 * nothing else is decoded. Thinned, from the states that are at hand. */
#include <inttypes.h>

#include "base/error.h"
#include "base/sized.h"
#include "rows/body.h"
#include "rows/value.h"
#include "store/changes.h"

#define DRAWDOWN_SCALE 6

typedef struct drawing {
    tj__engine *engine;
    const tj__engine_past *past;
    uint32_t book; /* 0: nothing stored yet */
    uint64_t first;
    uint64_t last;
    bool has_peak;
    tj_decimal peak;
    tj_decimal none; /* no drawdown */
    tj_decimal drawdown_max;
    bool thinned;
    tj__buffer points; /* tj_equity_point each */
} drawing;

static tj_status no_memory(tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "no memory for an equity curve");
}

/* How far below the peak, as a part of it. A peak that is not above 0 has no part. */
static tj_status measure(drawing *d, tj_equity_point *point, tj_error *error)
{
    int above = d->has_peak ? tj_decimal_compare(point->equity, d->peak) : 1;
    d->has_peak = true;
    d->peak = above > 0 ? point->equity : d->peak;
    point->peak = d->peak;
    point->drawdown = d->none;
    if (above >= 0 || tj_decimal_sign(d->peak) <= 0) {
        return TJ_OK;
    }
    tj_decimal below;
    TJ_TRY(tj_decimal_sub(d->peak, point->equity, &below, error));
    return tj_decimal_div(below, d->peak, DRAWDOWN_SCALE, TJ_ROUND_HALF_EVEN, &point->drawdown,
                          error);
}

static tj_status add_point(drawing *d, uint64_t sequence, tj_time time, tj__bytes value,
                           tj_error *error)
{
    tj_equity_point point = {.sequence = sequence, .time = time};
    TJ_TRY(tj__kind_get(TJ__KIND_EQUITY, (tj_str){0}, value, &point.equity, error));
    TJ_TRY(measure(d, &point, error));
    if (sequence < d->first) {
        return TJ_OK;
    }
    if (tj_decimal_compare(point.drawdown, d->drawdown_max) > 0) {
        d->drawdown_max = point.drawdown;
    }
    tj__put_bytes(&d->points, &point, sizeof point);
    return d->points.failed ? no_memory(error) : TJ_OK;
}

static tj_status take_commit(drawing *d, tj__bytes key, const tj__commit_record *record,
                             tj_error *error)
{
    tj__bytes rest = record->body;
    for (uint32_t i = 0; i < record->change_count; i++) {
        tj__change change;
        TJ_TRY(tj__body_next(&rest, &change, error));
        if (change.op == TJ__CHANGE_PUT && tj__bytes_equal(change.key, key)) {
            return add_point(d, record->sequence, record->time, change.value, error);
        }
    }
    return TJ_OK;
}

static tj_status take_commits(drawing *d, tj__commits *commits, tj_error *error)
{
    tj__key equity = tj__key_kind(d->book, TJ__KIND_EQUITY);
    for (;;) {
        tj__commit_record record;
        bool found = false;
        TJ_TRY(d->past->commits_next(commits, d->last, &found, &record, error));
        if (!found) {
            return TJ_OK;
        }
        tj_status status = take_commit(d, tj__key_bytes(&equity), &record, error);
        if (status != TJ_OK) {
            tj__error_context(error, "portfolio_equity in commit %" PRIu64, record.sequence);
            return status;
        }
    }
}

/* The peak before the first point counts, so all commits that are kept are read. */
static tj_status draw_exact(drawing *d, tj_store *store, uint64_t oldest, tj_error *error)
{
    tj__commits *commits = NULL;
    if (d->last + 1 < oldest) {
        return tj__moment_not_kept(store, d->last, error);
    }
    TJ_TRY(d->past->commits_open(d->engine, oldest, NULL, &commits, error));
    tj_status status = take_commits(d, commits, error);
    d->past->commits_close(commits);
    return status;
}

/* ---- thinned ------------------------------------------------------------------------------ */

/* The point of a state; none where it has no equity, or has gone meanwhile. */
static tj_status take_state(drawing *d, const tj__past_point *at, tj_error *error)
{
    tj__key key = tj__key_kind(d->book, TJ__KIND_EQUITY);
    tj__row_source *rows = NULL;
    tj__row row;
    tj_status status =
        d->past->view_at(d->engine, at->sequence, TJ__TABLE_BIT(TJ__TABLE_STATE), &rows, error);
    if (status == TJ_OK) {
        status = rows->get(rows, tj__key_bytes(&key), &row, error);
    }
    if (status == TJ_OK) {
        status = add_point(d, at->sequence, at->time, row.value, error);
    }
    if (rows) {
        d->past->view_at_end(rows);
    }
    return status == TJ_NOT_FOUND ? TJ_OK : status;
}

/* The last moment, whose state is at hand too: it is not far from a point. */
static tj_status take_last(drawing *d, tj_error *error)
{
    tj__commits *commits = NULL;
    tj__commit_record record;
    bool found = false;
    TJ_TRY(d->past->commits_open(d->engine, d->last, NULL, &commits, error));
    tj_status status = d->past->commits_next(commits, d->last, &found, &record, error);
    if (status == TJ_OK && found) {
        tj__past_point at = {record.sequence, record.time};
        status = take_state(d, &at, error);
    }
    d->past->commits_close(commits);
    return status;
}

static tj_status draw_thinned(drawing *d, tj_error *error)
{
    tj__buffer points = {0};
    uint64_t newest = 0;
    tj_status status = d->past->points(d->engine, d->last, &points, error);
    const tj__past_point *at = (const tj__past_point *)(const void *)points.data;
    for (size_t i = 0; i < points.size / sizeof *at && status == TJ_OK; i++) {
        status = take_state(d, &at[i], error);
        newest = at[i].sequence;
    }
    tj__buffer_dispose(&points);
    return status == TJ_OK && newest < d->last ? take_last(d, error) : status;
}

/* ---- the whole ----------------------------------------------------------------------------- */

static tj_status draw(drawing *d, tj_store *store, tj_equity_detail detail, tj_error *error)
{
    uint64_t oldest = 0;
    if (d->book == 0 || d->last == 0) {
        return TJ_OK;
    }
    TJ_TRY(d->past->block(d->engine, 0, &oldest, error));
    bool many = d->last > oldest && d->last - oldest >= TJ_EQUITY_EXACT_COMMITS_MAX;
    d->thinned = detail == TJ_EQUITY_THINNED || (detail == TJ_EQUITY_AUTOMATIC && many);
    return d->thinned ? draw_thinned(d, error) : draw_exact(d, store, oldest, error);
}

static tj_status find_book(drawing *d, tj_store *store, const char *book, tj_moment to,
                           tj_error *error)
{
    tj__looking_back back;
    tj_status status = tj__looking_back_begin(&back, store, book, to, 0, error);
    d->book = back.book;
    tj__looking_back_end(&back);
    return status;
}

static tj_status start(drawing *d, tj_state_repository *repository, const tj_equity_query *query,
                       tj_error *error)
{
    tj_moment from = query->from;
    if ((unsigned)query->detail > TJ_EQUITY_THINNED) {
        return tj__fail(error, TJ_MISUSE, "%d is no tj_equity_detail", (int)query->detail);
    }
    tj_store *store = repository->store;
    d->engine = store->core->engine;
    TJ_TRY(tj__past_of(store, &d->past, error));
    TJ_TRY(tj__moment_find(store, query->to, &d->last, error));
    if (from.has_time || from.sequence > 0) {
        TJ_TRY(tj__moment_find(store, from, &d->first, error));
    }
    return find_book(d, store, repository->book, query->to, error);
}

static tj_status settle(const drawing *d, tj__arena *arena, tj_equity_curve *out, tj_error *error)
{
    out->count = d->points.size / sizeof *out->points;
    out->points = tj__arena_array(arena, out->count, sizeof *out->points);
    out->drawdown_max = d->drawdown_max;
    out->thinned = d->thinned;
    if (!out->points) {
        return no_memory(error);
    }
    if (out->count > 0) {
        memcpy(out->points, d->points.data, d->points.size);
    }
    return TJ_OK;
}

tj_status tj_equity_curve_find(tj_state_repository *repository, const tj_equity_query *query,
                               tj_equity_curve **out, tj_error *error)
{
    tj_equity_query own = TJ_EQUITY_QUERY_INIT;
    void *object = NULL;
    if (!repository || !out) {
        return tj__fail(error, TJ_MISUSE,
                        "no repository, or an argument that must not be NULL is NULL");
    }
    *out = NULL;
    if (query) {
        TJ_TRY(tj__sized_read(query, &own, "the query", "TJ_EQUITY_QUERY_INIT", error));
    }
    tj__arena *arena = tj__arena_new(sizeof(tj_equity_curve), &object);
    if (!arena) {
        return no_memory(error);
    }
    drawing d = {.none = tj_decimal_int(0), .drawdown_max = tj_decimal_int(0)};
    tj_status status = start(&d, repository, &own, error);
    if (status == TJ_OK) {
        status = draw(&d, repository->store, own.detail, error);
    }
    if (status == TJ_OK) {
        status = settle(&d, arena, object, error);
    }
    tj__buffer_dispose(&d.points);
    if (status != TJ_OK) {
        tj__arena_free_object(object);
        return status;
    }
    *out = object;
    return TJ_OK;
}

tj_status tj_equity_curve_load(tj_state_repository *repository, tj_moment from, tj_moment to,
                               tj_equity_curve **out, tj_error *error)
{
    tj_equity_query query = TJ_EQUITY_QUERY_INIT;
    query.from = from;
    query.to = to;
    return tj_equity_curve_find(repository, &query, out, error);
}

void tj_equity_curve_free(tj_equity_curve *curve)
{
    tj__arena_free_object(curve);
}
