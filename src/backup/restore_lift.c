/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The highest of every counter. */
#include "backup/restore_lift.h"

#include <inttypes.h>

#include "base/error.h"
#include "base/text.h"
#include "model/change.h"
#include "rows/body.h"
#include "rows/key.h"
#include "rows/value.h"

#define RAISED 1u

static tj_status no_memory(tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "no memory for the counters");
}

tj_status tj__lift_init(tj__lift *lift, tj_error *error)
{
    lift->rows = tj__rowmap_new();
    return lift->rows ? TJ_OK : no_memory(error);
}

void tj__lift_dispose(tj__lift *lift)
{
    tj__rowmap_free(lift->rows);
    lift->rows = NULL;
}

/* Whether a counter already stands as high. */
static tj_status stands(const tj__rowmap_entry *entry, tj__bytes value, bool *high, tj_error *error)
{
    uint64_t own = 0;
    uint64_t next = 0;
    TJ_TRY(tj__counter_get(tj__rowmap_value(entry), &own, error));
    TJ_TRY(tj__counter_get(value, &next, error));
    *high = own >= next;
    return TJ_OK;
}

static tj_status take(tj__lift *lift, const tj__change *change, uint64_t sequence, bool restored,
                      tj_error *error)
{
    bool counter = change->key.data[0] == TJ__TABLE_COUNTERS;
    tj__rowmap_entry *entry = tj__rowmap_find(lift->rows, change->key);
    if (entry && counter) {
        bool high = false;
        TJ_TRY(stands(entry, change->value, &high, error));
        if (high) {
            return TJ_OK;
        }
    }
    entry = tj__rowmap_put(lift->rows, change->key, change->value, sequence);
    if (!entry) {
        return no_memory(error);
    }
    entry->mark = restored ? 0 : RAISED;
    return TJ_OK;
}

tj_status tj__lift_take(tj__lift *lift, const tj__record *record, bool restored, tj_error *error)
{
    tj__bytes rest = record->body;
    while (rest.size > 0) {
        tj__change change;
        TJ_TRY(tj__body_next(&rest, &change, error));
        uint8_t table = change.key.data[0];
        if (change.op == TJ__CHANGE_PUT &&
            (table == TJ__TABLE_COUNTERS || table == TJ__TABLE_BOOKS)) {
            TJ_TRY(take(lift, &change, record->sequence, restored, error));
        }
    }
    return TJ_OK;
}

tj_status tj__lift_take_row(tj__lift *lift, const tj__row *row, bool restored, tj_error *error)
{
    tj__change change = {TJ__CHANGE_PUT, row->key, row->value};
    bool book = row->key.data[0] == TJ__TABLE_BOOKS;
    if ((!book && row->key.data[0] != TJ__TABLE_COUNTERS) ||
        (book && !restored && tj__rowmap_find(lift->rows, row->key))) {
        return TJ_OK;
    }
    return take(lift, &change, row->sequence, restored, error);
}

static tj_str name_of(const tj__rowmap_entry *entry)
{
    tj__bytes key = tj__rowmap_key(entry);
    return (tj_str){(const char *)key.data + TJ__KEY_REST_AT, key.size - TJ__KEY_REST_AT};
}

static tj_status sorted(tj__lift *lift, tj__rowmap_entry ***entries, size_t *count, tj_error *error)
{
    return tj__rowmap_sorted(lift->rows, entries, count) ? TJ_OK : no_memory(error);
}

static tj_status skip_one(tj__rowmap_entry *entry, uint64_t skip, tj_error *error)
{
    uint64_t next = 0;
    TJ_TRY(tj__counter_get(tj__rowmap_value(entry), &next, error));
    if (skip > TJ__COUNTER_MAX - next) {
        char quoted[TJ__QUOTE_SIZE];
        return tj__fail(error, TJ_LIMIT,
                        "counter %s stands at %" PRIu64 " and cannot skip %" PRIu64 " numbers",
                        tj__text_quote(name_of(entry), quoted), next, skip);
    }
    tj__store_u64(entry->bytes + entry->key_size + 1, next + skip);
    entry->mark = RAISED;
    return TJ_OK;
}

tj_status tj__lift_skip(tj__lift *lift, uint64_t skip, tj_error *error)
{
    tj__rowmap_entry **entries = NULL;
    size_t count = 0;
    TJ_TRY(sorted(lift, &entries, &count, error));
    for (size_t i = 0; i < count && skip > 0; i++) {
        if (entries[i]->bytes[0] == TJ__TABLE_COUNTERS) {
            TJ_TRY(skip_one(entries[i], skip, error));
        }
    }
    return TJ_OK;
}

tj_status tj__lift_body(tj__lift *lift, tj__buffer *body, uint32_t *change_count, tj_error *error)
{
    tj__rowmap_entry **entries = NULL;
    size_t count = 0;
    TJ_TRY(sorted(lift, &entries, &count, error));
    *change_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (entries[i]->mark == RAISED) {
            tj__change change = {TJ__CHANGE_PUT, tj__rowmap_key(entries[i]),
                                 tj__rowmap_value(entries[i])};
            tj__body_put(body, &change);
            ++*change_count;
        }
    }
    return body->failed ? no_memory(error) : TJ_OK;
}

/* ---- telling ------------------------------------------------------------------------------- */

static tj_str book_name(tj__rowmap_entry **entries, size_t count, uint32_t number)
{
    for (size_t i = 0; i < count && entries[i]->bytes[0] == TJ__TABLE_BOOKS; i++) {
        uint32_t own = 0;
        if (tj__book_value_get(tj__rowmap_value(entries[i]), &own, NULL) == TJ_OK &&
            own == number) {
            return name_of(entries[i]);
        }
    }
    return TJ_STR("");
}

tj_status tj__lift_tell(tj__lift *lift, tj__arena *arena, tj_restored_counter **counters,
                        size_t *count, tj_error *error)
{
    tj__rowmap_entry **entries = NULL;
    size_t all = 0;
    TJ_TRY(sorted(lift, &entries, &all, error));
    *counters = tj__arena_array(arena, all, sizeof **counters);
    *count = 0;
    for (size_t i = 0; i < all && *counters; i++) {
        if (entries[i]->bytes[0] != TJ__TABLE_COUNTERS) {
            continue;
        }
        tj_restored_counter *told = &(*counters)[(*count)++];
        uint32_t book = tj__load_u32_be(entries[i]->bytes + TJ__KEY_BOOK_AT);
        told->book = tj__arena_str(arena, book_name(entries, all, book));
        told->name = tj__arena_str(arena, name_of(entries[i]));
        TJ_TRY(tj__counter_get(tj__rowmap_value(entries[i]), &told->next, error));
        if (!told->book.data || !told->name.data) {
            return no_memory(error);
        }
    }
    return *counters ? TJ_OK : no_memory(error);
}
