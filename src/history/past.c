/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A state of the past: its parts as one row source, which goes on when a base fails it. */
#include "history/past.h"

#include <stdlib.h>

#include "base/error.h"
#include "history/past_find.h"

#define PARTS (TJ__BASE_KINDS + 1)

typedef struct past {
    tj__row_source rows; /* must be first: the caller holds a pointer to it */
    tj__past_source source;
    char *paths[2]; /* the source's */
    tj__past_part parts[PARTS];
    tj__past_finder finder; /* of single algorithms, while their part was not read */
} past;

/* The part that has a key; NULL: it is of no table that was asked for. */
static tj__past_part *find_part(past *p, tj__bytes key)
{
    for (size_t i = 0; i < PARTS; i++) {
        if (p->parts[i].tables & TJ__TABLE_BIT(key.data[0])) {
            return &p->parts[i];
        }
    }
    return NULL;
}

static tj_status get(tj__row_source *source, tj__bytes key, tj__row *row, tj_error *error)
{
    past *p = (past *)source;
    tj__past_part *part = find_part(p, key);
    bool told = !part;
    tj_status found = TJ_NOT_FOUND;
    if (part && !part->changes) {
        found = tj__past_find(&p->finder, part, key, row, &told);
    }
    if (told) {
        return found;
    }
    TJ_TRY(tj__past_part_begin(part, error));
    for (;;) {
        tj_error failure = TJ_ERROR_INIT;
        tj_status status = part->layers.rows.get(&part->layers.rows, key, row, &failure);
        if (status == TJ_OK || status == TJ_NOT_FOUND) {
            return status;
        }
        if (!tj__past_part_mend(part)) {
            return tj__error_pass(error, &failure);
        }
    }
}

/* A scan that knows how far it came. */
typedef struct scanning {
    tj__row_visitor *visitor;
    void *context;
    uint8_t last[TJ__ROW_KEY_SIZE_MAX];      /* key that was visited */
    size_t last_size;                        /* 0: none yet */
    uint8_t bound[TJ__ROW_KEY_SIZE_MAX + 1]; /* of what is left */
    bool ended; /* by the visitor: what it answers is no failure of a base */
} scanning;

static tj_status visit(void *context, const tj__row *row, tj_error *error)
{
    scanning *s = context;
    memcpy(s->last, row->key.data, row->key.size);
    s->last_size = row->key.size;
    tj_status status = s->visitor(s->context, row, error);
    s->ended = status != TJ_OK;
    return status;
}

/* What is left of a scan: behind the key that was visited last, or before it. */
static void narrow(scanning *s, bool descending, tj__bytes *first, tj__bytes *end)
{
    if (s->last_size == 0) {
        return;
    }
    memcpy(s->bound, s->last, s->last_size);
    s->bound[s->last_size] = 0;
    if (descending) {
        *end = tj__bytes_of(s->bound, s->last_size);
    } else {
        *first = tj__bytes_of(s->bound, s->last_size + 1);
    }
}

static tj_status scan(tj__row_source *source, tj__bytes first, tj__bytes end, bool descending,
                      tj__row_visitor *visitor, void *context, tj_error *error)
{
    tj__past_part *part = find_part((past *)source, first);
    scanning s = {.visitor = visitor, .context = context};
    if (part) {
        TJ_TRY(tj__past_part_begin(part, error));
    }
    while (part) {
        tj_error failure = TJ_ERROR_INIT;
        unsigned attempt = part->attempt;
        tj_status status =
            part->layers.rows.scan(&part->layers.rows, first, end, descending, visit, &s, &failure);
        if (status == TJ_OK) {
            return TJ_OK;
        }
        if (s.ended || (part->attempt == attempt && !tj__past_part_mend(part))) {
            return tj__error_pass(error, &failure);
        }
        narrow(&s, descending, &first, &end);
    }
    return TJ_OK;
}

/* The tables are spread over the parts: those in bases of each kind, and those that are in none. */
static void divide(past *p, uint64_t tables)
{
    uint64_t rest = tables;
    for (int i = 0; i < PARTS; i++) {
        bool based = i < TJ__BASE_KINDS;
        uint64_t its = based ? tables & tj__base_tables((tj__base_kind)i) : rest;
        p->parts[i] = (tj__past_part){
            .source = &p->source,
            .sequence = p->rows.sequence,
            .tables = its,
            .based = based,
            .kind = (tj__base_kind)(based ? i : 0),
            .base_bound = p->source.bases_before > 0 ? p->source.bases_before : UINT64_MAX};
        rest &= ~its;
    }
}

static tj_status begin_parts(past *p, uint64_t at_once, tj_error *error)
{
    for (size_t i = 0; i < PARTS; i++) {
        if (p->parts[i].tables & at_once) {
            TJ_TRY(tj__past_part_begin(&p->parts[i], error));
        }
    }
    return TJ_OK;
}

static tj_status copy_source(past *p, const tj__past_source *source, tj_error *error)
{
    p->source = *source;
    p->paths[0] = strdup(source->log_path);
    p->paths[1] = source->history_path ? strdup(source->history_path) : NULL;
    p->source.log_path = p->paths[0];
    p->source.history_path = p->paths[1];
    return p->paths[0] && (p->paths[1] || !source->history_path)
               ? TJ_OK
               : tj__fail(error, TJ_NOMEM, "no memory for a state of the past");
}

tj_status tj__past_open(const tj__past_source *source, uint64_t sequence, uint64_t tables,
                        uint64_t at_once, tj__row_source **rows, tj_error *error)
{
    *rows = NULL;
    past *p = calloc(1, sizeof *p);
    if (!p) {
        return tj__fail(error, TJ_NOMEM, "no memory for a state of the past");
    }
    p->rows = (tj__row_source){.get = get, .scan = scan, .sequence = sequence};
    tj_status status = copy_source(p, source, error);
    if (status == TJ_OK) {
        divide(p, tables);
        status = begin_parts(p, at_once, error);
    }
    if (status != TJ_OK) {
        tj__past_end(&p->rows);
        return status;
    }
    *rows = &p->rows;
    return TJ_OK;
}

tj_status tj__past_begin(const tj__past_source *source, uint64_t sequence, uint64_t tables,
                         tj__row_source **rows, tj_error *error)
{
    return tj__past_open(source, sequence, tables, tables, rows, error);
}

bool tj__past_position(const tj__row_source *rows, tj__position *position)
{
    const past *p = (const past *)rows;
    for (size_t i = 0; i < PARTS; i++) {
        if (p->parts[i].changes) {
            *position = p->parts[i].end;
            return true;
        }
    }
    return false;
}

void tj__past_end(tj__row_source *rows)
{
    if (rows) {
        past *p = (past *)rows;
        for (size_t i = 0; i < PARTS; i++) {
            tj__past_part_end(&p->parts[i]);
        }
        tj__past_finder_dispose(&p->finder);
        free(p->paths[0]);
        free(p->paths[1]);
        free(p);
    }
}
