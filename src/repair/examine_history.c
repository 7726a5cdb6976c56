/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The bases: each block, index and row by itself, its place in the log, and on request its rows
 * against what the log comes to there.
 *
 * A base that the log still leads to costs time when it is damaged, and nothing else. One that the
 * log begins with is a source, and so is every .rest file before it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/layers.h"
#include "history/replay.h"
#include "repair/examine.h"
#include "rows/row.h"

/* ---- telling ------------------------------------------------------------------------------- */

/* Whether the log has every commit up to the end of a segment, from where it begins. */
static bool log_leads_to(const tj__examination *x, uint64_t ordinal)
{
    const tj__log_fault *faults = (const tj__log_fault *)(const void *)x->faults.data;
    for (size_t i = 0; i < x->faults.size / sizeof *faults; i++) {
        if (faults[i].ordinal <= ordinal) {
            return false;
        }
    }
    return ordinal >= x->first_segment;
}

static void tell(tj__examination *x, const tj__seen_base *base, tj_status status,
                 const tj_error *cause)
{
    tj_error fault = *cause;
    const char *cost =
        log_leads_to(x, base->ordinal)
            ? "delete it, which costs time only, as the next writer builds it again"
        : base->kind == TJ__BASE_REST
            ? "the log before it is not whole, so data.mdb alone has the ledger up to there"
            : "the log before it is not whole, so no state up to the next base is kept";
    tj__error_context(&fault, "%s", cost);
    (void)tj__findings_add_error(
        &x->findings, status == TJ_CORRUPT ? TJ_FINDING_DAMAGE : TJ_FINDING_UNCHECKED, &fault);
}

/* ---- one by itself ------------------------------------------------------------------------- */

typedef struct reading {
    tj__base *base;
    tj__digest digest;
    uint64_t rows;
    uint8_t last[TJ__ROW_KEY_SIZE_MAX]; /* key */
    size_t last_size;
} reading;

static tj_status bad_row(const tj__row *row, const reading *r, const char *what, tj_error *error)
{
    char text[TJ__KEY_TEXT_SIZE];
    tj__key_describe(row->key, text);
    tj__fail(error, TJ_CORRUPT, "the base %s is damaged: %s (commit %" PRIu64 ") %s", r->base->path,
             text, row->sequence, what);
    tj__error_place(error, "%s", r->base->path);
    return TJ_CORRUPT;
}

static tj_status see_row(void *context, const tj__row *row, tj_error *error)
{
    reading *r = context;
    if (r->last_size > 0 && tj__bytes_compare(tj__bytes_of(r->last, r->last_size), row->key) >= 0) {
        return bad_row(row, r, "is out of order", error);
    }
    uint8_t table = row->key.data[0];
    if (table > TJ__TABLE_LAST || !(r->base->header.tables & TJ__TABLE_BIT(table)) ||
        row->sequence > r->base->header.position.sequence) {
        return bad_row(row, r, "cannot be in it", error);
    }
    memcpy(r->last, row->key.data, row->key.size);
    r->last_size = row->key.size;
    r->rows++;
    tj__digest_add(&r->digest, row);
    tj__row placed = *row;
    placed.file = r->base->path;
    return tj__row_decodes(&placed, error);
}

static tj_status read_all(reading *r, tj_error *error)
{
    static const uint8_t lowest[] = {0};
    static const uint8_t highest[] = {0xff};
    tj__row_source *rows = &r->base->rows;
    TJ_TRY(rows->scan(rows, tj__bytes_of(lowest, 1), tj__bytes_of(highest, 1), false, see_row, r,
                      error));
    if (r->rows != r->base->header.rows) {
        tj__fail(error, TJ_CORRUPT, "the base %s is damaged: it has %" PRIu64 " rows of %" PRIu64,
                 r->base->path, r->rows, r->base->header.rows);
        tj__error_place(error, "%s", r->base->path);
        return TJ_CORRUPT;
    }
    return TJ_OK;
}

/* The log before and behind it says how it goes on there. */
static tj_status check_place(const tj__examination *x, const tj__base *base, tj_error *error)
{
    const tj__position *position = &base->header.position;
    const tj__joint *joint = tj__examination_joint(x, position->ordinal);
    if (!joint || (joint->sequence == position->sequence && joint->hash == position->hash)) {
        return TJ_OK;
    }
    tj__fail(error, TJ_CORRUPT,
             "the base %s is of another history: it stands after commit %" PRIu64
             ", and segment %" PRIu64 " of the log goes on after commit %" PRIu64,
             base->path, position->sequence, position->ordinal, joint->sequence);
    tj__error_place(error, "%s", base->path);
    return TJ_CORRUPT;
}

static tj_status read_base(tj__examination *x, tj__seen_base *seen, tj_error *error)
{
    reading r = {0};
    TJ_TRY(
        tj__base_open(x->history_path, &x->journal_id, seen->kind, seen->ordinal, &r.base, error));
    x->base_bytes += tj__base_size(&r.base->header);
    tj_status status = check_place(x, r.base, error);
    if (status == TJ_OK) {
        status = read_all(&r, error);
    }
    seen->position = r.base->header.position;
    seen->digest = r.digest;
    tj__base_close(r.base);
    return status;
}

/* A writer may have replaced or removed it since it was listed. */
static tj_status examine_base(tj__examination *x, tj__base_kind kind, uint64_t ordinal,
                              tj_error *error)
{
    tj__seen_base seen = {.kind = kind, .ordinal = ordinal};
    tj_error fault = TJ_ERROR_INIT;
    tj_status status = read_base(x, &seen, &fault);
    if (status == TJ_NOMEM) {
        return tj__error_pass(error, &fault);
    }
    if (status == TJ_NOT_FOUND) {
        return TJ_OK;
    }
    if (status != TJ_OK) {
        tell(x, &seen, status, &fault);
    }
    seen.sound = status == TJ_OK;
    tj__put_bytes(&x->bases, &seen, sizeof seen);
    return x->bases.failed ? tj__fail(error, TJ_NOMEM, "no memory to verify a journal") : TJ_OK;
}

/* ---- those that must be there ---------------------------------------------------------------- */

static const tj__seen_base *find_base(const tj__examination *x, tj__base_kind kind, uint64_t from,
                                      uint64_t to)
{
    const tj__seen_base *bases = (const tj__seen_base *)(const void *)x->bases.data;
    for (size_t i = 0; i < x->bases.size / sizeof *bases; i++) {
        if (bases[i].kind == kind && bases[i].ordinal >= from && bases[i].ordinal <= to) {
            return &bases[i];
        }
    }
    return NULL;
}

/* A log that does not begin with the first commit has one of each kind where its past begins, which
 * is where it begins itself, or behind what a repair found without any. */
static tj_status miss_bases(tj__examination *x, tj_error *error)
{
    const tj__seen_base *rest = find_base(x, TJ__BASE_REST, x->first_segment - 1, UINT64_MAX);
    tj__seen_base missed = {.ordinal = rest ? rest->ordinal : x->first_segment - 1};
    for (int kind = 0; kind <= TJ__BASE_REST && x->first_segment > 1; kind++) {
        char path[TJ__BASE_PATH_SIZE];
        tj_error fault = TJ_ERROR_INIT;
        missed.kind = (tj__base_kind)kind;
        if (find_base(x, missed.kind, missed.ordinal, missed.ordinal)) {
            continue;
        }
        TJ_TRY(tj__base_path(path, x->history_path, missed.kind, missed.ordinal, false, error));
        tj__fail(&fault, TJ_CORRUPT, "the base %s is missing", path);
        tj__error_place(&fault, "%s", path);
        tell(x, &missed, TJ_CORRUPT, &fault);
    }
    return TJ_OK;
}

static void conclude(tj__examination *x)
{
    uint64_t wanted = x->durable > x->end ? x->durable : x->end;
    uint64_t first = 0;
    uint64_t last = 0;
    x->newest_in_bases = !x->may_lose_more && wanted > 0 &&
                         tj__examination_reach_of_bases(x) >= wanted &&
                         !tj__examination_untold(x, 1, wanted, &first, &last);
}

tj_status tj__examine_history(tj__examination *x, tj_error *error)
{
    for (int kind = 0; kind <= TJ__BASE_REST && x->has_history; kind++) {
        tj__base_list list = {0};
        TJ_TRY(tj__base_list_read(x->history_path, (tj__base_kind)kind, &list, error));
        tj_status status = TJ_OK;
        for (size_t i = 0; i < list.count && status == TJ_OK; i++) {
            status = examine_base(x, (tj__base_kind)kind, list.ordinals[i], error);
        }
        tj__base_list_dispose(&list);
        TJ_TRY(status);
    }
    TJ_TRY(miss_bases(x, error));
    TJ_TRY(tj__examine_rests(x, error));
    conclude(x);
    return TJ_OK;
}

/* ---- against the log ----------------------------------------------------------------------- */

/* What the log comes to, from base to base of one kind. */
typedef struct tracing {
    tj__examination *x;
    uint64_t tables;
    tj__rowmap *rows;
    tj__log_reader *reader; /* NULL: the log does not lead on from the base before */
} tracing;

static void lose(tracing *t)
{
    tj__log_reader_close(t->reader);
    t->reader = NULL;
    tj__rowmap_clear(t->rows);
}

static tj_status start_at(tracing *t, const tj__position *start, tj_error *error)
{
    lose(t);
    return tj__log_reader_open(t->x->log_path, &t->x->journal_id, start, &t->reader, error);
}

static tj_status keep_row(void *context, const tj__row *row, tj_error *error)
{
    const tracing *t = context;
    return tj__rowmap_put(t->rows, row->key, row->value, row->sequence)
               ? TJ_OK
               : tj__fail(error, TJ_NOMEM, "no memory to compare a base with the log");
}

/* A .rest has the ledger's rows since the one before it, and all commit ids. */
static uint64_t taken_over(tj__base_kind kind)
{
    return kind == TJ__BASE_REST ? TJ__TABLE_BIT(TJ__TABLE_COMMITS) : tj__base_tables(kind);
}

/* Goes on from what a base has. */
static tj_status start_from(tracing *t, const tj__seen_base *seen, tj_error *error)
{
    tj__base *base = NULL;
    TJ_TRY(start_at(t, &seen->position, error));
    TJ_TRY(tj__base_open(t->x->history_path, &t->x->journal_id, seen->kind, seen->ordinal, &base,
                         error));
    tj_status status = TJ_OK;
    for (uint8_t table = TJ__TABLE_FIRST; table <= TJ__TABLE_LAST && status == TJ_OK; table++) {
        if (taken_over(seen->kind) & TJ__TABLE_BIT(table)) {
            status = tj__rows_scan_prefix(&base->rows, tj__bytes_of(&table, 1), false, keep_row, t,
                                          error);
        }
    }
    tj__base_close(base);
    return status;
}

static tj_status compare(tracing *t, tj__seen_base *seen, tj_error *error)
{
    tj__layers layers;
    tj__digest digest;
    tj_error fault = TJ_ERROR_INIT;
    char path[TJ__BASE_PATH_SIZE];
    tj__layers_init(&layers, NULL, t->rows, seen->position.sequence);
    TJ_TRY(tj__digest_rows(&layers.rows, &digest, error));
    uint8_t table = tj__digest_differs(&digest, &seen->digest);
    if (table == 0) {
        return TJ_OK;
    }
    seen->sound = false;
    TJ_TRY(tj__base_path(path, t->x->history_path, seen->kind, seen->ordinal, false, error));
    tj__fail(&fault, TJ_CORRUPT,
             "the base %s is not what the log comes to at commit %" PRIu64
             ": its table \"%s\" has %" PRIu64 " rows of %" PRIu64 ", or others",
             path, seen->position.sequence, tj__table_name(table), seen->digest.rows[table],
             digest.rows[table]);
    tj__error_place(&fault, "%s", path);
    tell(t->x, seen, TJ_CORRUPT, &fault);
    return TJ_OK;
}

/* Up to a base; false: the log does not lead there. */
static tj_status advance(tracing *t, const tj__seen_base *seen, bool *reached, tj_error *error)
{
    tj_error why = TJ_ERROR_INIT;
    *reached = false;
    if (!t->reader) {
        return TJ_OK;
    }
    tj_status status = tj__replay(t->reader, seen->position.sequence, t->tables, t->rows, &why);
    *reached = status == TJ_OK;
    if (tj__examination_told(status)) {
        return TJ_OK;
    }
    return tj__error_pass(error, &why);
}

static tj_status trace_base(tracing *t, tj__seen_base *seen, tj_error *error)
{
    bool reached = false;
    if (!seen->sound || seen->position.ordinal < t->x->first_segment) {
        return TJ_OK;
    }
    TJ_TRY(advance(t, seen, &reached, error));
    if (reached) {
        TJ_TRY(compare(t, seen, error));
    }
    if (reached && seen->kind != TJ__BASE_REST) {
        return TJ_OK;
    }
    tj_error gone = TJ_ERROR_INIT;
    tj_status status = start_from(t, seen, &gone);
    if (tj__examination_told(status)) {
        /* A writer is at work on it, or it cannot be read any more. */
        lose(t);
        return TJ_OK;
    }
    return tj__error_pass(error, &gone);
}

static tj_status trace_kind(tj__examination *x, tj__base_kind kind, tj_error *error)
{
    static const tj__position log_start = {.ordinal = 1, .offset = TJ__SEGMENT_HEADER_SIZE};
    tj__seen_base *bases = (tj__seen_base *)(void *)x->bases.data;
    tracing t = {.x = x, .tables = tj__base_tables(kind), .rows = tj__rowmap_new()};
    tj_status status =
        t.rows ? TJ_OK : tj__fail(error, TJ_NOMEM, "no memory to compare a base with the log");
    if (status == TJ_OK && x->first_segment == 1) {
        status = start_at(&t, &log_start, error);
    }
    for (size_t i = 0; i < x->bases.size / sizeof *bases && status == TJ_OK; i++) {
        if (bases[i].kind == kind) {
            status = trace_base(&t, &bases[i], error);
        }
    }
    tj__log_reader_close(t.reader);
    tj__rowmap_free(t.rows);
    return status;
}

tj_status tj__examine_history_deep(tj__examination *x, tj_error *error)
{
    for (int kind = 0; kind <= TJ__BASE_REST && x->has_log; kind++) {
        TJ_TRY(trace_kind(x, (tj__base_kind)kind, error));
    }
    conclude(x);
    return TJ_OK;
}
