/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Collecting the keys that a segment changes, writing them, and finding one. */
#include "history/keys.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/hash.h"
#include "history/replay.h"
#include "history/seek.h"
#include "log/reader.h"
#include "rows/body.h"

#define ENTRY_SIZE sizeof(uint64_t)
#define HALF 32

static uint64_t hash_of(tj__bytes key)
{
    return tj__hash(key.data, key.size) >> HALF;
}

static uint8_t row_of(uint64_t hash)
{
    return (uint8_t)(hash >> (HALF - 8));
}

/* ---- finding ---------------------------------------------------------------------------- */

static uint64_t entry_at(const uint8_t *data, size_t at)
{
    return tj__load_u64(data + at * ENTRY_SIZE);
}

/* The first entry of a hash that is not below this one. */
static size_t lower_bound(tj__bytes value, uint64_t hash)
{
    size_t first = 0;
    size_t end = value.size / ENTRY_SIZE;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        if (entry_at(value.data, middle) >> HALF < hash) {
            first = middle + 1;
        } else {
            end = middle;
        }
    }
    return first;
}

tj_status tj__keys_find(tj__base *keys, tj__bytes key, tj__keys_span *out, tj_error *error)
{
    uint64_t hash = hash_of(key);
    uint8_t at = row_of(hash);
    tj__row row;
    *out = (tj__keys_span){NULL, 0};
    tj_status status = keys->rows.get(&keys->rows, tj__bytes_of(&at, 1), &row, error);
    if (status != TJ_OK) {
        return status == TJ_NOT_FOUND ? TJ_OK : status;
    }
    size_t first = lower_bound(row.value, hash);
    *out = (tj__keys_span){row.value.data + first * ENTRY_SIZE,
                           lower_bound(row.value, hash + 1) - first};
    return TJ_OK;
}

uint64_t tj__keys_offset(const tj__keys_span *span, size_t at)
{
    return (entry_at(span->data, at) & UINT32_MAX) * TJ__RECORD_ALIGN;
}

/* ---- collecting ------------------------------------------------------------------------- */

static tj_status no_memory(tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "no memory for the keys of a segment");
}

static tj_status take_record(const tj__record *record, uint64_t offset, tj__buffer *entries,
                             tj_error *error)
{
    tj__bytes rest = record->body;
    for (uint32_t i = 0; i < record->change_count; i++) {
        tj__change change;
        TJ_TRY(tj__body_next(&rest, &change, error));
        if (tj__base_tables(TJ__BASE_KEYS) & TJ__TABLE_BIT(change.key.data[0])) {
            uint64_t entry = hash_of(change.key) << HALF | offset / TJ__RECORD_ALIGN;
            tj__put_bytes(entries, &entry, sizeof entry);
        }
    }
    return !entries->failed ? TJ_OK : no_memory(error);
}

static tj_status read_records(const tj__base_place *place, tj__log_reader *reader,
                              tj__buffer *entries, tj_error *error)
{
    for (;;) {
        tj__log_next next;
        tj__record record;
        uint64_t offset = tj__log_reader_position(reader)->offset;
        TJ_TRY(tj__base_place_check(place, error));
        TJ_TRY(tj__log_reader_next(reader, &next, &record, error));
        if (next == TJ__LOG_END) {
            return TJ_OK;
        }
        TJ_TRY(take_record(&record, offset, entries, error));
    }
}

static int compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

tj_status tj__keys_collect(const tj__base_place *place, uint64_t ordinal, tj__buffer *entries,
                           tj__position *end, tj_error *error)
{
    tj__segment_header header;
    tj__log_reader *reader = NULL;
    TJ_TRY(tj__seek_header(place->log_path, &place->journal_id, ordinal, &header, error));
    tj__position start = tj__seek_start(&header);
    TJ_TRY(tj__log_reader_open(place->log_path, &place->journal_id, &start, &reader, error));
    tj__log_reader_end_before(reader, ordinal + 1);
    tj_status status = read_records(place, reader, entries, error);
    *end = *tj__log_reader_position(reader);
    if (status == TJ_OK && end->ordinal != ordinal + 1) {
        status = tj__replay_fell_short(reader, end->sequence + 1, error);
    }
    tj__log_reader_close(reader);
    if (status == TJ_OK && entries->size > 0) {
        qsort(entries->data, entries->size / ENTRY_SIZE, ENTRY_SIZE, compare);
    }
    return status;
}

/* ---- writing ---------------------------------------------------------------------------- */

static tj_status add_row(tj__base_writer *writer, uint8_t at, const tj__buffer *value,
                         uint64_t sequence, tj_error *error)
{
    tj__row row = {
        .key = tj__bytes_of(&at, 1), .value = tj__buffer_bytes(value), .sequence = sequence};
    if (value->failed) {
        return no_memory(error);
    }
    return value->size > 0 ? tj__base_writer_add(writer, &row, error) : TJ_OK;
}

static tj_status add_rows(tj__base_writer *writer, const tj__buffer *entries, uint64_t sequence,
                          tj__buffer *value, tj_error *error)
{
    const uint64_t *all = (const uint64_t *)(const void *)entries->data;
    uint8_t at = 0;
    for (size_t i = 0; i < entries->size / ENTRY_SIZE; i++) {
        uint8_t its = row_of(all[i] >> HALF);
        if (its != at) {
            TJ_TRY(add_row(writer, at, value, sequence, error));
            tj__buffer_clear(value);
            at = its;
        }
        tj__put_u64(value, all[i]);
    }
    return add_row(writer, at, value, sequence, error);
}

static tj_status write_file(const tj__base_place *place, uint64_t ordinal,
                            const tj__buffer *entries, const tj__position *end, tj_error *error)
{
    tj__base_writer *writer = NULL;
    tj__buffer value = {0};
    TJ_TRY(tj__base_writer_open(place->directory, TJ__BASE_KEYS, ordinal, &writer, error));
    tj__base_writer_pace(writer, place->rest, place->rest_context);
    tj_status status = add_rows(writer, entries, end->sequence, &value, error);
    if (status == TJ_OK) {
        status = tj__base_writer_finish(writer, &place->journal_id, end, NULL, error);
    }
    tj__buffer_dispose(&value);
    tj__base_writer_close(writer);
    return status;
}

static tj_status build(const tj__base_place *place, uint64_t ordinal, tj_error *error)
{
    tj__buffer entries = {0};
    tj__position end;
    tj_status status = tj__keys_collect(place, ordinal, &entries, &end, error);
    if (status == TJ_OK) {
        status = write_file(place, ordinal, &entries, &end, error);
    }
    tj__buffer_dispose(&entries);
    return status;
}

static bool has(const tj__base_place *place, tj__base_kind kind, uint64_t ordinal)
{
    tj__base_header header;
    return tj__base_look(place->directory, &place->journal_id, kind, ordinal, &header, NULL) ==
           TJ_OK;
}

tj_status tj__keys_extend(const tj__base_place *place, uint64_t first_segment, uint64_t end,
                          uint32_t limit, uint64_t *known, uint32_t *built, tj_error *error)
{
    tj__segment_header next;
    *built = 0;
    *known = *known + 1 < first_segment ? first_segment - 1 : *known;
    /* A seal is on the disk once the segment behind it was begun. */
    while ((limit == 0 || *built < limit) && *known + 1 < end &&
           tj__seek_header(place->log_path, &place->journal_id, *known + 2, &next, NULL) == TJ_OK) {
        uint64_t ordinal = *known + 1;
        tj_error failure = TJ_ERROR_INIT;
        tj_status status = TJ_OK;
        if (!has(place, TJ__BASE_ALGOS, ordinal) && !has(place, TJ__BASE_KEYS, ordinal)) {
            status = build(place, ordinal, &failure);
            *built += status == TJ_OK;
        }
        if (status != TJ_OK && status != TJ_NOT_FOUND && status != TJ_CORRUPT &&
            status != TJ_FORMAT_NEWER) {
            return tj__error_pass(error, &failure);
        }
        *known = ordinal;
    }
    return TJ_OK;
}
