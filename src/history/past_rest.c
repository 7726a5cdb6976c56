/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* File by file, the newest first: it alone says which commit ids are remembered. */
#include "history/past_rest.h"

#include "base/error.h"
#include "history/base_reader.h"
#include "rows/value.h"

typedef struct reading {
    uint64_t tables;
    tj__rowmap *rows;
} reading;

static bool put(const reading *r, tj__bytes key, tj__bytes value, uint64_t sequence)
{
    return !(r->tables & TJ__TABLE_BIT(key.data[0])) ||
           tj__rowmap_put(r->rows, key, value, sequence);
}

static bool put_derived(const reading *r, const tj__row *row)
{
    tj__derived_row derived;
    if (row->key.data[0] != TJ__TABLE_LEDGER ||
        !tj__ledger_id_row(row->key, row->value, &derived)) {
        return true;
    }
    tj__bytes key = tj__bytes_of(derived.key, derived.key_size);
    const tj__rowmap_entry *known = tj__rowmap_find(r->rows, key);
    return (known && known->sequence <= row->sequence) ||
           put(r, key, tj__bytes_of(derived.value, derived.value_size), row->sequence);
}

static tj_status take(void *context, const tj__row *row, tj_error *error)
{
    const reading *r = context;
    return put(r, row->key, row->value, row->sequence) && put_derived(r, row)
               ? TJ_OK
               : tj__fail(error, TJ_NOMEM, "no memory for the rows of a .rest file");
}

static tj_status read_file(const reading *r, tj__base *base, bool newest, tj_error *error)
{
    uint64_t tables = tj__base_tables(TJ__BASE_REST);
    if (!newest) {
        tables &= ~TJ__TABLE_BIT(TJ__TABLE_COMMITS);
    }
    for (uint8_t table = TJ__TABLE_FIRST; table <= TJ__TABLE_LAST; table++) {
        if (tables & TJ__TABLE_BIT(table)) {
            TJ_TRY(tj__rows_scan_prefix(&base->rows, tj__bytes_of(&table, 1), false, take,
                                        (void *)r, error));
        }
    }
    return TJ_OK;
}

static tj_status read_files(const tj__past_source *source, uint64_t sequence, reading *r,
                            const tj__base_list *list, tj__position *position, bool *found,
                            tj_error *error)
{
    for (size_t i = list->count; i-- > 0;) {
        tj__base *base = NULL;
        TJ_TRY(tj__base_open(source->history_path, &source->journal_id, TJ__BASE_REST,
                             list->ordinals[i], &base, error));
        bool wanted = base->header.position.sequence <= sequence;
        tj_status status = wanted ? read_file(r, base, !*found, error) : TJ_OK;
        if (wanted && !*found) {
            *position = base->header.position;
            *found = true;
        }
        tj__base_close(base);
        TJ_TRY(status);
    }
    return TJ_OK;
}

tj_status tj__past_rest_read(const tj__past_source *source, uint64_t sequence, uint64_t tables,
                             tj__rowmap *rows, tj__position *position, tj_error *error)
{
    reading r = {.tables = tables, .rows = rows};
    tj__base_list list = {0};
    bool found = false;
    if (source->history_path) {
        TJ_TRY(tj__base_list_read(source->history_path, TJ__BASE_REST, &list, error));
    }
    tj_status status = read_files(source, sequence, &r, &list, position, &found, error);
    tj__base_list_dispose(&list);
    TJ_TRY(status);
    return found ? TJ_OK
                 : tj__fail(error, TJ_NOT_FOUND,
                            "no .rest file holds what the segments before the log's first one had");
}
