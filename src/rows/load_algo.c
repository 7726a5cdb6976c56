/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Loading one algorithm's state or all of a book; a row that cannot be read is told, not dropped.
 * */
#include <stdio.h>

#include "base/arena.h"
#include "base/error.h"
#include "rows/load.h"
#include "rows/quarantine.h"
#include "rows/row.h"
#include "rows/value.h"

static tj_status no_memory(tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "no memory to load algorithms");
}

/* A copy that lives as long as what is loaded. */
static bool copy_bytes(tj__arena *arena, tj__bytes bytes, tj__bytes *copy)
{
    tj_str text = {(const char *)bytes.data, bytes.size};
    text = tj__arena_str(arena, text);
    *copy = tj__bytes_of(text.data, text.size);
    return text.data || !bytes.data;
}

/* ---- one --------------------------------------------------------------------------------- */

static tj_status get_row(tj__row_source *rows, uint32_t book, const tj_uuid *id, tj__row *row,
                         tj_error *error)
{
    tj__key key = tj__key_algo(book, id);
    tj_status status = rows->get(rows, tj__key_bytes(&key), row, error);
    if (status == TJ_NOT_FOUND) {
        char text[TJ_UUID_TEXT_SIZE];
        char what[TJ_UUID_TEXT_SIZE + 16];
        tj_uuid_format(*id, text);
        snprintf(what, sizeof what, "algorithm %s", text);
        TJ_TRY(tj__quarantine_refuse(rows, book, TJ__TABLE_ALGOS,
                                     tj__bytes_of(id->bytes, sizeof id->bytes), what, error));
        return tj__fail(error, TJ_NOT_FOUND, "%s is not stored", what);
    }
    TJ_TRY(status);
    return tj__row_intact(row, error);
}

static tj_status load_record(tj__row_source *rows, uint32_t book, tj__arena *arena,
                             tj_algo_record *record, tj_error *error)
{
    tj__row row;
    tj__bytes value;
    TJ_TRY(get_row(rows, book, &record->id, &row, error));
    if (!copy_bytes(arena, row.value, &value)) {
        return no_memory(error);
    }
    return tj__row_explain(&row, tj__algo_get(value, &record->state, error), error);
}

tj_status tj__algo_load(tj__row_source *rows, uint32_t book, const tj_uuid *id,
                        tj_algo_record **out, tj_error *error)
{
    void *object = NULL;
    *out = NULL;
    tj__arena *arena = tj__arena_new(sizeof(tj_algo_record), &object);
    if (!arena) {
        return no_memory(error);
    }
    tj_algo_record *record = object;
    record->id = *id;
    tj_status status = load_record(rows, book, arena, record, error);
    if (status != TJ_OK) {
        tj__arena_free_object(object);
        return tj__book_explain(rows, book, status, error);
    }
    *out = record;
    return TJ_OK;
}

/* ---- all --------------------------------------------------------------------------------- */

typedef struct loading {
    tj__arena *arena;
    tj__buffer records;     /* tj_algo_record each */
    tj__buffer quarantined; /* tj_algo_quarantined each */
} loading;

static tj_status quarantine(loading *all, const tj_uuid *id, tj__bytes value, tj_str reason,
                            tj_error *error)
{
    tj_algo_quarantined entry = {.id = *id,
                                 .raw = {(const char *)value.data, value.size},
                                 .reason = tj__arena_str(all->arena, reason)};
    tj__put_bytes(&all->quarantined, &entry, sizeof entry);
    return entry.reason.data && !all->quarantined.failed ? TJ_OK : no_memory(error);
}

/* A key of another size is no UUID: what there is of it is shown. */
static tj_status get_id(tj__bytes key, tj_uuid *id, tj_error *error)
{
    tj__key_parts parts;
    if (!tj__key_split(key, &parts)) {
        return tj__fail(error, TJ_CORRUPT, "its key is malformed");
    }
    bool whole = parts.rest.size == sizeof id->bytes;
    memcpy(id->bytes, parts.rest.data,
           parts.rest.size < sizeof id->bytes ? parts.rest.size : sizeof id->bytes);
    return whole ? TJ_OK
                 : tj__fail(error, TJ_CORRUPT, "its key has %zu bytes and is no UUID",
                            parts.rest.size);
}

static tj_status add_row(void *context, const tj__row *row, tj_error *error)
{
    loading *all = context;
    tj_error reason = TJ_ERROR_INIT;
    tj_algo_record record = {0};
    tj__bytes value;
    if (!copy_bytes(all->arena, row->value, &value)) {
        return no_memory(error);
    }
    tj_status status = get_id(row->key, &record.id, &reason);
    if (status == TJ_OK) {
        status = tj__row_intact(row, &reason);
    }
    if (status == TJ_OK) {
        status = tj__row_explain(row, tj__algo_get(value, &record.state, &reason), &reason);
    }
    if (status != TJ_OK) {
        return quarantine(all, &record.id, value, tj_str_of(reason.message), error);
    }
    tj__put_bytes(&all->records, &record, sizeof record);
    return all->records.failed ? no_memory(error) : TJ_OK;
}

/* One that an import could not decode. A key that is no UUID either is shown as far as it goes. */
static tj_status add_imported(void *context, const tj__quarantined *row, tj_error *error)
{
    loading *all = context;
    tj_uuid id = {{0}};
    tj__bytes raw;
    if (!copy_bytes(all->arena, row->raw, &raw)) {
        return no_memory(error);
    }
    size_t size = row->key.size < sizeof id.bytes ? row->key.size : sizeof id.bytes;
    if (size > 0) {
        memcpy(id.bytes, row->key.data, size);
    }
    return quarantine(all, &id, raw, row->reason, error);
}

/* Moves an array that was gathered into the arena. */
static bool settle(tj__arena *arena, const tj__buffer *gathered, void **out)
{
    *out = tj__arena_alloc(arena, gathered->size);
    if (*out && gathered->size > 0) {
        memcpy(*out, gathered->data, gathered->size);
    }
    return *out != NULL;
}

static tj_status load_all(tj__row_source *rows, uint32_t book, loading *all, tj_algo_list *list,
                          tj_error *error)
{
    void *records = NULL;
    void *quarantined = NULL;
    tj__key prefix = tj__key_book(TJ__TABLE_ALGOS, book);
    TJ_TRY(tj__rows_scan_prefix(rows, tj__key_bytes(&prefix), false, add_row, all, error));
    TJ_TRY(tj__quarantine_scan(rows, book, TJ__TABLE_ALGOS, add_imported, all, error));
    if (!settle(all->arena, &all->records, &records) ||
        !settle(all->arena, &all->quarantined, &quarantined)) {
        return no_memory(error);
    }
    list->records = records;
    list->count = all->records.size / sizeof *list->records;
    list->quarantined = quarantined;
    list->quarantined_count = all->quarantined.size / sizeof *list->quarantined;
    return TJ_OK;
}

tj_status tj__algo_load_all(tj__row_source *rows, uint32_t book, tj_algo_list **out,
                            tj_error *error)
{
    void *object = NULL;
    *out = NULL;
    loading all = {.arena = tj__arena_new(sizeof(tj_algo_list), &object)};
    if (!all.arena) {
        return no_memory(error);
    }
    tj_status status = load_all(rows, book, &all, object, error);
    tj__buffer_dispose(&all.records);
    tj__buffer_dispose(&all.quarantined);
    if (status != TJ_OK) {
        tj__arena_free_object(object);
        return status;
    }
    *out = object;
    return TJ_OK;
}
