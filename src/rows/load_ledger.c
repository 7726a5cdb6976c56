/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Queries on the ledger. By sequence, the entries' own rows are scanned. By time, and where only
 * times are bounded, the LEDGER_TIME rows lead to them: sequences are gathered in batches, since a
 * source need not allow a get inside a scan.
 */
#include <stdlib.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/identity.h"
#include "rows/load.h"
#include "rows/row.h"
#include "rows/value.h"

#define BATCH_SIZE 256
#define SEQUENCE_SIZE 8
#define TIME_KEY_REST_SIZE 16

typedef struct finding {
    tj__row_source *rows;
    uint32_t book;
    const tj_ledger_query *query;
    uint64_t sequence_last; /* bounds with the defaults filled in */
    tj_time time_first;
    tj_time time_last;
    char exchange[TJ_EXCHANGE_SIZE_MAX + 1]; /* canonical; "" for all */
    char asset[TJ_IDENTITY_TEXT_SIZE];       /* canonical; "" for all */
    size_t limit;
    tj__arena *arena;
    tj__buffer entries; /* tj_ledger_entry each */
} finding;

static tj_status no_memory(tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "no memory for ledger entries");
}

static size_t found_count(const finding *f)
{
    return f->entries.size / sizeof(tj_ledger_entry);
}

/* ---- one entry ----------------------------------------------------------------------------- */

static bool matches(const finding *f, const tj_ledger_entry *entry)
{
    char asset[TJ_IDENTITY_TEXT_SIZE];
    if (entry->sequence < f->query->sequence_first || entry->sequence > f->sequence_last ||
        entry->time < f->time_first || entry->time > f->time_last) {
        return false;
    }
    if (f->query->type != 0 && entry->type != f->query->type) {
        return false;
    }
    if (f->exchange[0] && !tj_str_equal(entry->exchange, tj_str_of(f->exchange))) {
        return false;
    }
    return !f->asset[0] ||
           (tj_identity_format(entry->asset, asset) > 0 && strcmp(asset, f->asset) == 0);
}

static tj_status decode(const tj__row *row, tj__bytes value, tj_ledger_entry *entry,
                        tj_error *error)
{
    tj__key_parts parts;
    if (!tj__key_split(row->key, &parts) || parts.rest.size != SEQUENCE_SIZE) {
        return tj__fail(error, TJ_CORRUPT, "its key is malformed");
    }
    return tj__ledger_get(tj__load_u64_be(parts.rest.data), value, entry, error);
}

/* Adds the entry when the query asks for it. TJ__STOP when that makes the limit. */
static tj_status consider(finding *f, const tj__row *row, tj_error *error)
{
    tj_ledger_entry entry = {0};
    TJ_TRY(tj__row_intact(row, error));
    TJ_TRY(tj__row_explain(row, decode(row, row->value, &entry, error), error));
    if (!matches(f, &entry)) {
        return TJ_OK;
    }
    tj_str copy = {(const char *)row->value.data, row->value.size};
    copy = tj__arena_str(f->arena, copy);
    if (!copy.data) {
        return no_memory(error);
    }
    TJ_TRY(decode(row, tj__bytes_of(copy.data, copy.size), &entry, error));
    tj__put_bytes(&f->entries, &entry, sizeof entry);
    if (f->entries.failed) {
        return no_memory(error);
    }
    return f->limit > 0 && found_count(f) == f->limit ? TJ__STOP : TJ_OK;
}

/* ---- by sequence ---------------------------------------------------------------------------- */

static tj_status visit_entry(void *context, const tj__row *row, tj_error *error)
{
    return consider(context, row, error);
}

/* The key behind `key`: the smallest one above it. */
static void step_behind(tj__key *key)
{
    key->bytes[key->size++] = 0;
}

static tj_status find_by_sequence(finding *f, tj_error *error)
{
    tj__key first = tj__key_ledger(f->book, f->query->sequence_first);
    tj__key end = tj__key_ledger(f->book, f->sequence_last);
    step_behind(&end);
    return f->rows->scan(f->rows, tj__key_bytes(&first), tj__key_bytes(&end), f->query->descending,
                         visit_entry, f, error);
}

/* ---- by time ------------------------------------------------------------------------------ */

typedef struct batch {
    uint64_t sequences[BATCH_SIZE];
    size_t count;
    tj__key last; /* key of the last index row that was visited */
} batch;

static tj_status visit_time(void *context, const tj__row *row, tj_error *error)
{
    batch *b = context;
    TJ_TRY(tj__row_intact(row, error));
    if (row->key.size != TJ__KEY_REST_AT + TIME_KEY_REST_SIZE) {
        return tj__row_explain(row, tj__fail(error, TJ_CORRUPT, "its key is malformed"), error);
    }
    b->sequences[b->count++] = tj__load_u64_be(row->key.data + row->key.size - SEQUENCE_SIZE);
    b->last.size = row->key.size;
    memcpy(b->last.bytes, row->key.data, row->key.size);
    return b->count == BATCH_SIZE ? TJ__STOP : TJ_OK;
}

static tj_status consider_batch(finding *f, const batch *b, tj_error *error)
{
    for (size_t i = 0; i < b->count; i++) {
        tj__row row;
        tj__key key = tj__key_ledger(f->book, b->sequences[i]);
        if (b->sequences[i] < f->query->sequence_first || b->sequences[i] > f->sequence_last) {
            continue;
        }
        tj_status status = f->rows->get(f->rows, tj__key_bytes(&key), &row, error);
        if (status == TJ_NOT_FOUND) {
            char text[TJ__KEY_TEXT_SIZE];
            tj__key_describe(tj__key_bytes(&key), text);
            return tj__fail(error, TJ_CORRUPT, "%s is in the index by time but not stored", text);
        }
        TJ_TRY(status);
        TJ_TRY(consider(f, &row, error));
    }
    return TJ_OK;
}

static tj_status find_by_time(finding *f, tj_error *error)
{
    tj__key first = tj__key_ledger_time(f->book, f->time_first, 0);
    tj__key end = tj__key_ledger_time(f->book, f->time_last, UINT64_MAX);
    step_behind(&end);
    for (;;) {
        batch b;
        b.count = 0;
        TJ_TRY(f->rows->scan(f->rows, tj__key_bytes(&first), tj__key_bytes(&end),
                             f->query->descending, visit_time, &b, error));
        tj_status status = consider_batch(f, &b, error);
        if (status != TJ_OK || b.count < BATCH_SIZE) {
            return status == TJ__STOP ? TJ_OK : status;
        }
        if (f->query->descending) {
            end = b.last;
        } else {
            first = b.last;
            step_behind(&first);
        }
    }
}

static int compare_sequence(const void *a, const void *b)
{
    const tj_ledger_entry *left = a;
    const tj_ledger_entry *right = b;
    return (left->sequence > right->sequence) - (left->sequence < right->sequence);
}

/* By sequence where only times are bounded: all entries in the range, then sorted and cut. */
static tj_status find_in_time_range(finding *f, tj_error *error)
{
    f->limit = 0;
    TJ_TRY(find_by_time(f, error));
    size_t count = found_count(f);
    tj_ledger_entry *entries = (tj_ledger_entry *)(void *)f->entries.data;
    if (count > 0) {
        qsort(entries, count, sizeof *entries, compare_sequence);
    }
    for (size_t i = 0; f->query->descending && i < count / 2; i++) {
        tj_ledger_entry swapped = entries[i];
        entries[i] = entries[count - 1 - i];
        entries[count - 1 - i] = swapped;
    }
    if (f->query->limit > 0 && count > f->query->limit) {
        f->entries.size = f->query->limit * sizeof *entries;
    }
    return TJ_OK;
}

/* ---- the query ---------------------------------------------------------------------------- */

static tj_status read_query(finding *f, tj_error *error)
{
    const tj_ledger_query *query = f->query;
    f->limit = query->limit;
    f->sequence_last = query->sequence_last == 0 ? UINT64_MAX : query->sequence_last;
    f->time_first = query->has_time_first ? query->time_first : INT64_MIN;
    f->time_last = query->has_time_last ? query->time_last : INT64_MAX;
    TJ_TRY(tj__value_check_choice((unsigned)query->type, 0, TJ_LEDGER_ADJUSTMENT, "type", error));
    if (query->exchange.size > 0) {
        size_t size = 0;
        TJ_TRY(tj__exchange_canonical(query->exchange, f->exchange, &size, error));
    }
    if (query->asset.code.size > 0 && tj_identity_format(query->asset, f->asset) == 0) {
        return tj__identity_check(query->asset, error);
    }
    return TJ_OK;
}

static tj_status find(finding *f, tj_error *error)
{
    const tj_ledger_query *query = f->query;
    TJ_TRY(read_query(f, error));
    if (query->sequence_first > f->sequence_last || f->time_first > f->time_last) {
        return TJ_OK;
    }
    if (query->by_time) {
        return find_by_time(f, error);
    }
    bool only_time = (query->has_time_first || query->has_time_last) &&
                     query->sequence_first == 0 && query->sequence_last == 0;
    return only_time ? find_in_time_range(f, error) : find_by_sequence(f, error);
}

static tj_status settle(finding *f, tj_ledger_list *list, tj_error *error)
{
    list->count = found_count(f);
    list->entries = tj__arena_array(f->arena, list->count, sizeof *list->entries);
    if (!list->entries) {
        return no_memory(error);
    }
    if (list->count > 0) {
        memcpy(list->entries, f->entries.data, f->entries.size);
    }
    return TJ_OK;
}

tj_status tj__ledger_find(tj__row_source *rows, uint32_t book, const tj_ledger_query *query,
                          tj_ledger_list **out, tj_error *error)
{
    static const tj_ledger_query all = TJ_LEDGER_QUERY_INIT;
    void *object = NULL;
    *out = NULL;
    finding f = {.rows = rows, .book = book, .query = query ? query : &all};
    f.arena = tj__arena_new(sizeof(tj_ledger_list), &object);
    if (!f.arena) {
        return no_memory(error);
    }
    tj_status status = find(&f, error);
    if (status == TJ_OK) {
        status = settle(&f, object, error);
    }
    tj__buffer_dispose(&f.entries);
    if (status != TJ_OK) {
        tj__arena_free_object(object);
        return tj__book_explain(rows, book, status, error);
    }
    *out = object;
    return TJ_OK;
}

/* ---- the newest --------------------------------------------------------------------------- */

static tj_status take_sequence(void *context, const tj__row *row, tj_error *error)
{
    uint64_t *sequence = context;
    tj__key_parts parts;
    if (!tj__key_split(row->key, &parts) || parts.rest.size != SEQUENCE_SIZE) {
        return tj__row_explain(row, tj__fail(error, TJ_CORRUPT, "its key is malformed"), error);
    }
    *sequence = tj__load_u64_be(parts.rest.data);
    return TJ__STOP;
}

tj_status tj__ledger_latest(tj__row_source *rows, uint32_t book, uint64_t *out, tj_error *error)
{
    uint64_t sequence = 0;
    tj__key prefix = tj__key_book(TJ__TABLE_LEDGER, book);
    TJ_TRY(
        tj__rows_scan_prefix(rows, tj__key_bytes(&prefix), true, take_sequence, &sequence, error));
    *out = sequence;
    return TJ_OK;
}
