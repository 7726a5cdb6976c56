/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Which ids are taken: in what was appended lately, and in the engine behind it. */
#include "commit/ledger_ids.h"

#include "base/error.h"
#include "model/change.h"
#include "rows/key.h"

#define RECENT_COUNT 1024 /* so many before the maps are changed */

static tj_status no_memory(tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "no memory for the ids of ledger entries");
}

tj_status tj__ledger_ids_init(tj__ledger_ids *ids, tj_error *error)
{
    *ids = (tj__ledger_ids){
        .pending = tj__rowmap_new(), .recent = tj__rowmap_new(), .older = tj__rowmap_new()};
    return ids->pending && ids->recent && ids->older ? TJ_OK : no_memory(error);
}

void tj__ledger_ids_dispose(tj__ledger_ids *ids)
{
    tj__rowmap_free(ids->pending);
    tj__rowmap_free(ids->recent);
    tj__rowmap_free(ids->older);
}

static tj_status is_taken(const tj__ledger_ids *ids, tj__bytes key, bool *taken, tj_error *error)
{
    *taken = tj__rowmap_find(ids->pending, key) || tj__rowmap_find(ids->recent, key) ||
             tj__rowmap_find(ids->older, key);
    return *taken || !ids->stored.find ? TJ_OK
                                       : ids->stored.find(ids->stored.context, key, taken, error);
}

tj_status tj__ledger_ids_take(tj__ledger_ids *ids, tj__bytes key, tj_error *error)
{
    bool taken = false;
    TJ_TRY(is_taken(ids, key, &taken, error));
    if (taken) {
        tj_uuid id;
        char text[TJ_UUID_TEXT_SIZE];
        memcpy(id.bytes, key.data + TJ__KEY_REST_AT, sizeof id.bytes);
        tj_uuid_format(id, text);
        return tj__fail(
            error, TJ_EXISTS,
            "a ledger entry with the id %s is stored already, or stands twice in this "
            "commit: an entry is booked once, and every other one needs an id of its own",
            text);
    }
    return tj__rowmap_put(ids->pending, key, (tj__bytes){NULL, 0}, 0) ? TJ_OK : no_memory(error);
}

/* Where both maps would only grow, the engine is behind, and then it is bounded how far. */
static void forget_included(tj__ledger_ids *ids)
{
    uint64_t included = ids->stored.included ? ids->stored.included(ids->stored.context) : 0;
    if (tj__rowmap_count(ids->recent) < RECENT_COUNT || ids->older_last > included) {
        return;
    }
    tj__rowmap *emptied = ids->older;
    tj__rowmap_clear(emptied);
    ids->older = ids->recent;
    ids->older_last = ids->recent_last;
    ids->recent = emptied;
}

bool tj__ledger_ids_reserve(tj__ledger_ids *ids)
{
    size_t count = tj__rowmap_count(ids->pending);
    if (count == 0) {
        return true;
    }
    forget_included(ids);
    return tj__rowmap_reserve(ids->recent, count);
}

void tj__ledger_ids_advance(tj__ledger_ids *ids, uint64_t sequence)
{
    if (tj__rowmap_count(ids->pending) > 0) {
        bool absorbed = tj__rowmap_absorb(ids->recent, ids->pending);
        TJ_ASSERT(absorbed);
        ids->recent_last = sequence;
    }
}

void tj__ledger_ids_drop(tj__ledger_ids *ids)
{
    if (ids->pending) { /* a tip that could not be built has none */
        tj__rowmap_clear(ids->pending);
    }
}

typedef struct tail {
    tj__ledger_ids *ids;
    uint64_t included;
} tail;

static tj_status add_recent(void *context, const tj__row *row, tj_error *error)
{
    tail *t = context;
    if (row->sequence <= t->included) {
        return TJ_OK;
    }
    return tj__rowmap_put(t->ids->recent, row->key, (tj__bytes){NULL, 0}, row->sequence)
               ? TJ_OK
               : no_memory(error);
}

tj_status tj__ledger_ids_attach(tj__ledger_ids *ids, const tj__stored *stored, tj__row_source *rows,
                                tj_error *error)
{
    uint8_t prefix = TJ__TABLE_LEDGER_IDS;
    tail t = {ids, stored->included(stored->context)};
    ids->stored = *stored;
    if (rows->sequence <= t.included) {
        return TJ_OK;
    }
    ids->recent_last = rows->sequence;
    return tj__rows_scan_prefix(rows, tj__bytes_of(&prefix, 1), false, add_recent, &t, error);
}
