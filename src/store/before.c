/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The changes that were read, in a map, and behind it a view of what was before all of them. */
#include "store/before.h"

#include "base/error.h"

/* An entry of the ledger is new. */
#define TABLES                                                         \
    (TJ__TABLE_BIT(TJ__TABLE_STATE) | TJ__TABLE_BIT(TJ__TABLE_ALGOS) | \
     TJ__TABLE_BIT(TJ__TABLE_COUNTERS) | TJ__TABLE_BIT(TJ__TABLE_QUARANTINE))

static tj_status no_memory(tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "no memory to read commits");
}

tj_status tj__before_begin(tj__before *before, const tj_store *store, uint64_t first,
                           tj_error *error)
{
    tj__engine *engine = store->core->engine;
    tj__before_end(before);
    before->past = engine->ops->past;
    before->changed = tj__rowmap_new();
    return before->changed
               ? before->past->view_at(engine, first - 1, TABLES, &before->earlier, error)
               : no_memory(error);
}

void tj__before_end(tj__before *before)
{
    if (before->earlier) {
        before->past->view_at_end(before->earlier);
        before->earlier = NULL;
    }
    tj__rowmap_free(before->changed);
    before->changed = NULL;
}

static bool is_asked_for(tj__bytes key)
{
    return TABLES >> key.data[0] & 1;
}

tj_status tj__before_find(const tj__before *before, tj__bytes key, tj__bytes *value,
                          tj_error *error)
{
    *value = (tj__bytes){0};
    const tj__rowmap_entry *entry = tj__rowmap_find(before->changed, key);
    if (entry) {
        *value = entry->deleted ? *value : tj__rowmap_value(entry);
        return TJ_OK;
    }
    tj__row row;
    if (!is_asked_for(key)) {
        return TJ_OK;
    }
    tj_status status = before->earlier->get(before->earlier, key, &row, error);
    if (status == TJ_OK) {
        *value = row.value;
    }
    return status == TJ_NOT_FOUND ? TJ_OK : status;
}

tj_status tj__before_note(tj__before *before, const tj__change *change, tj_error *error)
{
    if (!is_asked_for(change->key)) {
        return TJ_OK;
    }
    const tj__rowmap_entry *entry =
        change->op == TJ__CHANGE_PUT
            ? tj__rowmap_put(before->changed, change->key, change->value, 0)
            : tj__rowmap_put_deleted(before->changed, change->key, 0);
    return entry ? TJ_OK : no_memory(error);
}
