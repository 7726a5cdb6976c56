/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Bases: each is the one before it, and over it the rows that the segments since have changed,
 * merged into a new file. Those of all kinds come out of one reading.
 *
 * The changed rows are held in memory, up to a bound. When they are more, those of the upper half
 * of the keys are let go, and the segments are read again for them once the lower ones are written:
 * a range of keys for each pass, and the same file whatever the ranges were.
 */
#include "history/base_build.h"

#include <inttypes.h>

#include "base/error.h"
#include "base/layers.h"
#include "history/seek.h"
#include "log/reader.h"
#include "rows/body.h"
#include "rows/key.h"

#define MEMORY_DEFAULT ((size_t)64 << 20)

typedef struct building {
    const tj__base_place *place;
    uint64_t tables;  /* of all orders */
    uint64_t ordinal; /* the bases stand at the end of this segment */
    tj__base_order *orders;
    size_t count;
    tj__base_writer *writers[TJ__BASE_ORDERS_MAX];
    tj__base_writer *writer; /* the one that is written to */
    tj__position end;        /* where a pass has ended: behind the seal */
    tj__key from;            /* the keys of this pass: from here */
    tj__key to;              /* to here, without; */
    bool bounded;            /* else to the end */
    tj__rowmap *rows;        /* changed, in that range */
    tj__rowmap *fresh;       /* of one record, while not all are wanted */
} building;

tj_status tj__base_place_check(const tj__base_place *place, tj_error *error)
{
    return place->cancel && __atomic_load_n(place->cancel, __ATOMIC_RELAXED) != 0
               ? tj__fail(error, TJ_CLOSED, "building a base was stopped")
               : TJ_OK;
}

static tj_status no_memory(tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "no memory for the rows of a base");
}

/* ---- one pass over the segments --------------------------------------------------------- */

static tj__key key_copy(tj__bytes from)
{
    tj__key key = {.size = from.size};
    memcpy(key.bytes, from.data, from.size);
    return key;
}

static bool in_range(const building *b, tj__bytes key)
{
    return tj__bytes_compare(key, tj__key_bytes(&b->from)) >= 0 &&
           (!b->bounded || tj__bytes_compare(key, tj__key_bytes(&b->to)) < 0);
}

static tj_status keep(building *b, const tj__rowmap_entry *entry, tj_error *error)
{
    tj__bytes key = tj__rowmap_key(entry);
    if (!in_range(b, key)) {
        return TJ_OK;
    }
    const tj__rowmap_entry *kept =
        entry->deleted ? tj__rowmap_put_deleted(b->rows, key, entry->sequence)
                       : tj__rowmap_put(b->rows, key, tj__rowmap_value(entry), entry->sequence);
    return kept ? TJ_OK : no_memory(error);
}

/* Ends the range at the median of the keys so far, and lets go of the memory of all that is not in
 * it. */
static tj_status halve(building *b, tj_error *error)
{
    tj__rowmap_entry **entries = NULL;
    size_t count = 0;
    tj__rowmap *kept = tj__rowmap_new_pooled();
    if (!kept || !tj__rowmap_sorted(b->rows, &entries, &count)) {
        tj__rowmap_free(kept);
        return no_memory(error);
    }
    if (count > 1) { /* else it is one large row */
        b->to = key_copy(tj__rowmap_key(entries[count / 2]));
        b->bounded = true;
        count = count / 2;
    }
    tj__rowmap *all = b->rows;
    tj_status status = TJ_OK;
    b->rows = kept;
    for (size_t i = 0; i < count && status == TJ_OK; i++) {
        status = keep(b, entries[i], error);
    }
    tj__rowmap_free(all);
    return status;
}

static tj_status keep_fresh(building *b, tj_error *error)
{
    tj__rowmap_entry **entries = NULL;
    size_t count = 0;
    if (!tj__rowmap_sorted(b->fresh, &entries, &count)) {
        return no_memory(error);
    }
    for (size_t i = 0; i < count; i++) {
        TJ_TRY(keep(b, entries[i], error));
    }
    tj__rowmap_clear(b->fresh);
    return TJ_OK;
}

static tj_status take_record(building *b, const tj__record *record, tj_error *error)
{
    bool all = !b->bounded && b->from.size == 0;
    TJ_TRY(tj__body_apply(all ? b->rows : b->fresh, b->tables, record->body, record->change_count,
                          record->sequence, &record->commit_id, error));
    if (!all) {
        TJ_TRY(keep_fresh(b, error));
    }
    size_t memory = b->place->memory > 0 ? b->place->memory : MEMORY_DEFAULT;
    return tj__rowmap_bytes(b->rows) > memory ? halve(b, error) : TJ_OK;
}

static tj_status read_records(building *b, tj__log_reader *reader, tj_error *error)
{
    for (;;) {
        tj__log_next next;
        tj__record record;
        TJ_TRY(tj__base_place_check(b->place, error));
        TJ_TRY(tj__log_reader_next(reader, &next, &record, error));
        if (next == TJ__LOG_END) {
            break;
        }
        TJ_TRY(take_record(b, &record, error));
    }
    b->end = *tj__log_reader_position(reader);
    if (b->end.ordinal == b->ordinal + 1) {
        return TJ_OK;
    }
    tj__fail(error, TJ_CORRUPT, "commit %" PRIu64 " is damaged at offset %" PRIu64 " of %s (%s)",
             b->end.sequence + 1, b->end.offset, tj__log_reader_path(reader),
             tj__log_reader_why(reader));
    tj__error_place(error, "%s:%" PRIu64, tj__log_reader_path(reader), b->end.offset);
    return TJ_CORRUPT;
}

static tj_status read_segments(building *b, tj_error *error)
{
    tj__position start = {.ordinal = 1, .offset = TJ__SEGMENT_HEADER_SIZE};
    tj__log_reader *reader = NULL;
    if (b->orders[0].before) {
        start = b->orders[0].before->header.position;
    }
    tj__rowmap_clear(b->rows);
    TJ_TRY(tj__log_reader_open(b->place->log_path, &b->place->journal_id, &start, &reader, error));
    tj__log_reader_end_before(reader, b->ordinal + 1);
    tj_status status = read_records(b, reader, error);
    tj__log_reader_close(reader);
    return status;
}

/* ---- writing what they leave ------------------------------------------------------------ */

static tj_status write_row(void *context, const tj__row *row, tj_error *error)
{
    building *b = context;
    TJ_TRY(tj__base_place_check(b->place, error));
    return tj__base_writer_add(b->writer, row, error);
}

static tj__bytes later(tj__bytes a, tj__bytes b)
{
    return tj__bytes_compare(a, b) < 0 ? b : a;
}

/* The rows of the base before it that belong into this one, too; NULL: none. */
static tj__row_source *taken_over(const tj__base_order *order, uint8_t table)
{
    bool only_since = table == TJ__TABLE_LEDGER || table == TJ__TABLE_LEDGER_TIME;
    return order->before && !only_since ? &order->before->rows : NULL;
}

/* The rows of one table in the range of this pass. */
static tj_status write_table(building *b, const tj__base_order *order, uint8_t table,
                             tj_error *error)
{
    tj__layers layers;
    tj__layers_init(&layers, taken_over(order, table), b->rows, b->end.sequence);
    uint8_t above = (uint8_t)(table + 1);
    tj__bytes first = later(tj__bytes_of(&table, 1), tj__key_bytes(&b->from));
    tj__bytes end = tj__bytes_of(&above, 1);
    if (b->bounded && tj__bytes_compare(tj__key_bytes(&b->to), end) < 0) {
        end = tj__key_bytes(&b->to);
    }
    return tj__bytes_compare(first, end) < 0
               ? layers.rows.scan(&layers.rows, first, end, false, write_row, b, error)
               : TJ_OK;
}

static tj_status write_range(building *b, tj_error *error)
{
    for (size_t i = 0; i < b->count; i++) {
        uint64_t tables = tj__base_tables(b->orders[i].kind);
        b->writer = b->writers[i];
        for (uint8_t table = TJ__TABLE_FIRST; table <= TJ__TABLE_LAST; table++) {
            if (tables & TJ__TABLE_BIT(table)) {
                TJ_TRY(write_table(b, &b->orders[i], table, error));
            }
        }
    }
    return TJ_OK;
}

static tj_status write_all(building *b, tj_error *error)
{
    for (;;) {
        b->bounded = false;
        TJ_TRY(read_segments(b, error));
        TJ_TRY(write_range(b, error));
        if (!b->bounded) {
            return TJ_OK;
        }
        b->from = b->to;
    }
}

static tj_status open_all(building *b, tj_error *error)
{
    b->rows = tj__rowmap_new_pooled();
    b->fresh = tj__rowmap_new();
    if (!b->rows || !b->fresh) {
        return no_memory(error);
    }
    for (size_t i = 0; i < b->count; i++) {
        b->tables |= tj__base_tables(b->orders[i].kind);
        TJ_TRY(tj__base_writer_open(b->place->directory, b->orders[i].kind, b->ordinal,
                                    &b->writers[i], error));
        tj__base_writer_pace(b->writers[i], b->place->rest, b->place->rest_context);
    }
    return TJ_OK;
}

static tj_status build(building *b, tj_error *error)
{
    TJ_TRY(open_all(b, error));
    TJ_TRY(write_all(b, error));
    for (size_t i = 0; i < b->count; i++) {
        TJ_TRY(tj__base_writer_finish(b->writers[i], &b->place->journal_id, &b->end,
                                      &b->orders[i].header, error));
    }
    return TJ_OK;
}

tj_status tj__base_build(const tj__base_place *place, uint64_t ordinal, tj__base_order *orders,
                         size_t count, tj_error *error)
{
    building b = {.place = place, .ordinal = ordinal, .orders = orders, .count = count};
    TJ_ASSERT(count > 0 && count <= TJ__BASE_ORDERS_MAX);
    /* Its seal is on the disk once the next one was begun. */
    tj__segment_header next;
    TJ_TRY(tj__seek_header(place->log_path, &place->journal_id, ordinal + 1, &next, error));
    tj_status status = build(&b, error);
    for (size_t i = 0; i < count; i++) {
        tj__base_writer_close(b.writers[i]);
    }
    tj__rowmap_free(b.rows);
    tj__rowmap_free(b.fresh);
    return status;
}
