/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Two layers of rows, merged in key order. */
#include "base/layers.h"

#include "base/error.h"

#define AHEAD 8

static tj__row row_of(const tj__rowmap_entry *entry)
{
    return (tj__row){.key = tj__rowmap_key(entry),
                     .value = tj__rowmap_value(entry),
                     .sequence = entry->sequence};
}

static tj_status get(tj__row_source *source, tj__bytes key, tj__row *row, tj_error *error)
{
    const tj__layers *layers = (const tj__layers *)source;
    const tj__rowmap_entry *entry = tj__rowmap_find(layers->above, key);
    if (!entry) {
        return !layers->below ? TJ_NOT_FOUND : layers->below->get(layers->below, key, row, error);
    }
    if (entry->deleted) {
        return TJ_NOT_FOUND;
    }
    *row = row_of(entry);
    return TJ_OK;
}

/* A merge under way: entries [next, end) of the layer above are still to come, from either side. */
typedef struct merge {
    tj__rowmap_entry *const *entries;
    size_t next;
    size_t end;
    bool descending;
    bool stopped; /* the visitor has seen enough, which the scan below answers as if it had ended */
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

/* Entries lie all over memory: those that come soon are fetched ahead. */
static void merge_take(merge *m)
{
    if (m->end - m->next > AHEAD) {
        __builtin_prefetch(m->entries[m->descending ? m->end - 1 - AHEAD : m->next + AHEAD]);
    }
    if (m->descending) {
        m->end--;
    } else {
        m->next++;
    }
}

static tj_status give(merge *m, const tj__row *row, tj_error *error)
{
    tj_status status = m->visitor(m->context, row, error);
    m->stopped = status == TJ__STOP;
    return status;
}

static tj_status give_entry(merge *m, const tj__rowmap_entry *entry, tj_error *error)
{
    if (entry->deleted) {
        return TJ_OK;
    }
    tj__row row = row_of(entry);
    return give(m, &row, error);
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
    return give(m, row, error);
}

static tj_status scan(tj__row_source *source, tj__bytes first, tj__bytes end, bool descending,
                      tj__row_visitor *visitor, void *context, tj_error *error)
{
    tj__layers *layers = (tj__layers *)source;
    tj__rowmap_entry **entries = NULL;
    size_t count = 0;
    if (!tj__rowmap_sorted(layers->above, &entries, &count)) {
        return tj__fail(error, TJ_NOMEM, "no memory for the order of %zu rows", count);
    }
    merge m = {.entries = entries,
               .next = tj__rowmap_lower_bound(entries, count, first),
               .end = tj__rowmap_lower_bound(entries, count, end),
               .descending = descending,
               .visitor = visitor,
               .context = context};
    if (m.next > m.end) {
        m.end = m.next;
    }
    if (layers->below) {
        TJ_TRY(layers->below->scan(layers->below, first, end, descending, visit_below, &m, error));
    }
    const tj__rowmap_entry *entry;
    while (!m.stopped && (entry = merge_peek(&m)) != NULL) {
        merge_take(&m);
        tj_status status = give_entry(&m, entry, error);
        if (status != TJ_OK && status != TJ__STOP) {
            return status;
        }
    }
    return TJ_OK;
}

/* Finding a row costs as much as scanning so many. */
#define SCANNED_PER_FOUND 16

/* Adds what a row of the layer above makes of the count below. */
static tj_status count_entry(tj__layers *layers, const tj__rowmap_entry *entry,
                             tj__row_classifier *classify, tj__row_tally *out, tj_error *error)
{
    tj__row row;
    tj__bytes key = tj__rowmap_key(entry);
    tj_status status = layers->below->get(layers->below, key, &row, error);
    if (status != TJ_OK && status != TJ_NOT_FOUND) {
        return status;
    }
    uint64_t *rows = &out->rows[classify(key)];
    *rows -= status == TJ_OK;
    *rows += !entry->deleted;
    return TJ_OK;
}

static tj_status tally(tj__row_source *source, tj__bytes prefix, tj__row_classifier *classify,
                       tj__row_tally *out, bool *known, tj_error *error)
{
    tj__layers *layers = (tj__layers *)source;
    tj__rowmap_entry **entries = NULL;
    uint8_t end[TJ__PREFIX_SIZE_MAX];
    size_t end_size = 0;
    size_t count = 0;
    uint64_t rows = 0;
    *known = false;
    if (!layers->below || !layers->below->tally || !tj__rows_prefix_end(prefix, end, &end_size)) {
        return TJ_OK;
    }
    TJ_TRY(layers->below->tally(layers->below, prefix, classify, out, known, error));
    if (!*known) {
        return TJ_OK;
    }
    if (!tj__rowmap_sorted(layers->above, &entries, &count)) {
        return tj__fail(error, TJ_NOMEM, "no memory for the order of %zu rows", count);
    }
    size_t first = tj__rowmap_lower_bound(entries, count, prefix);
    size_t last = tj__rowmap_lower_bound(entries, count, tj__bytes_of(end, end_size));
    for (size_t i = 0; i < TJ__ROW_CLASSES; i++) {
        rows += out->rows[i];
    }
    *known = (last - first) * SCANNED_PER_FOUND <= rows;
    for (size_t i = first; i < last && *known; i++) {
        TJ_TRY(count_entry(layers, entries[i], classify, out, error));
    }
    return TJ_OK;
}

void tj__layers_init(tj__layers *layers, tj__row_source *below, tj__rowmap *above,
                     uint64_t sequence)
{
    *layers = (tj__layers){.rows = {.get = get, .scan = scan, .tally = tally, .sequence = sequence},
                           .below = below,
                           .above = above};
}
