/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Rows in memory as a row source. An entry whose mark is 1 is delivered as damaged. */
#ifndef TJ_TESTS_ROWS_ROWMAP_SOURCE_H
#define TJ_TESTS_ROWS_ROWMAP_SOURCE_H

#include "base/error.h"
#include "base/rowmap.h"

typedef struct rowmap_source {
    tj__row_source source;
    tj__rowmap *map;
    size_t visit_count; /* rows that scans have delivered */
} rowmap_source;

static inline tj__row rowmap_source_row(const tj__rowmap_entry *entry)
{
    return (tj__row){.key = tj__rowmap_key(entry),
                     .value = tj__rowmap_value(entry),
                     .sequence = entry->sequence,
                     .damaged = entry->mark == 1};
}

static inline tj_status rowmap_source_get(tj__row_source *source, tj__bytes key, tj__row *row,
                                          tj_error *error)
{
    (void)error;
    const tj__rowmap_entry *entry = tj__rowmap_find(((rowmap_source *)source)->map, key);
    if (!entry || entry->deleted) {
        return TJ_NOT_FOUND;
    }
    *row = rowmap_source_row(entry);
    return TJ_OK;
}

static inline tj_status rowmap_source_scan(tj__row_source *source, tj__bytes first, tj__bytes end,
                                           bool descending, tj__row_visitor *visitor, void *context,
                                           tj_error *error)
{
    rowmap_source *self = (rowmap_source *)source;
    tj__rowmap_entry **entries = NULL;
    size_t count = 0;
    if (!tj__rowmap_sorted(self->map, &entries, &count)) {
        return tj__fail(error, TJ_NOMEM, "no memory to sort the rows");
    }
    size_t from = tj__rowmap_lower_bound(entries, count, first);
    size_t to = tj__rowmap_lower_bound(entries, count, end);
    tj_status status = TJ_OK;
    for (size_t i = from; i < to && status == TJ_OK; i++) {
        const tj__rowmap_entry *entry = entries[descending ? to - 1 - (i - from) : i];
        if (!entry->deleted) {
            tj__row row = rowmap_source_row(entry);
            self->visit_count++;
            status = visitor(context, &row, error);
        }
    }
    return status == TJ__STOP ? TJ_OK : status;
}

static inline rowmap_source rowmap_source_of(tj__rowmap *map, uint64_t sequence)
{
    return (rowmap_source){
        {.get = rowmap_source_get, .scan = rowmap_source_scan, .sequence = sequence}, map, 0};
}

#endif
