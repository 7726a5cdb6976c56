/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Puts changes behind each other, and reads them back with every head checked. */
#include "rows/body.h"
#include "base/error.h"
#include "rows/value.h"

void tj__body_put(tj__buffer *body, const tj__change *change)
{
    if (!tj__buffer_reserve(body, TJ__CHANGE_HEAD_SIZE + change->key.size + change->value.size)) {
        return;
    }
    tj__pen pen = {body->data + body->size};
    tj__pen_u8(&pen, (uint8_t)change->op);
    tj__pen_u8(&pen, 0);
    tj__pen_u16(&pen, (uint16_t)change->key.size);
    tj__pen_u32(&pen, (uint32_t)change->value.size);
    tj__pen_bytes(&pen, change->key.data, change->key.size);
    tj__pen_bytes(&pen, change->value.data, change->value.size);
    body->size = (size_t)(pen.at - body->data);
}

static tj_status bad_head(size_t left, tj_error *error)
{
    return tj__fail(error, TJ_CORRUPT, "a change has no valid head %zu bytes before the end", left);
}

/* Whether the head of a change can be one that tj__body_put wrote. The record around it is whole,
 * so an operation that is not known is a later release's. */
static tj_status check_head(const tj__change *change, uint8_t zero, size_t left, tj_error *error)
{
    bool put = change->op == TJ__CHANGE_PUT;
    if (zero != 0 || change->op > TJ__CHANGE_DELETE) {
        return tj__value_newer(error, "a change of kind %u.%u", change->op, zero);
    }
    if (change->op == 0 || change->key.size == 0 || change->key.size > TJ__ROW_KEY_SIZE_MAX ||
        change->value.size > (put ? TJ__ROW_VALUE_SIZE_MAX : 0)) {
        return bad_head(left, error);
    }
    return TJ_OK;
}

static tj_status check_table(uint8_t table, tj_error *error)
{
    if (table > TJ__TABLE_LAST) {
        return tj__value_newer(error, "a change of table %u", table);
    }
    return table > TJ__TABLE_META
               ? TJ_OK
               : tj__fail(error, TJ_CORRUPT, "a change names table %u, which takes no changes",
                          table);
}

tj_status tj__body_next(tj__bytes *rest, tj__change *change, tj_error *error)
{
    tj__reader in = {.rest = *rest};
    tj__change next = {(tj__change_op)tj__get_u8(&in), {NULL, 0}, {NULL, 0}};
    uint8_t zero = tj__get_u8(&in);
    next.key.size = tj__get_u16(&in);
    next.value.size = tj__get_u32(&in);
    if (in.failed) {
        return bad_head(rest->size, error);
    }
    TJ_TRY(check_head(&next, zero, rest->size, error));
    next.key = tj__get_bytes(&in, next.key.size);
    next.value = tj__get_bytes(&in, next.value.size);
    if (in.failed) {
        return tj__fail(error, TJ_CORRUPT, "a change is cut %zu bytes before the end", rest->size);
    }
    TJ_TRY(check_table(next.key.data[0], error));
    *rest = in.rest;
    *change = next;
    return TJ_OK;
}

/* Where a commit's rows go. */
typedef struct sink {
    tj__rowmap *map;
    uint64_t tables;
    uint64_t sequence;
    tj__below *below; /* NULL: anything may stand below the map */
    void *context;
} sink;

static tj_status take(const sink *to, const tj__change *change, tj_error *error)
{
    if (!(to->tables & TJ__TABLE_BIT(change->key.data[0]))) {
        return TJ_OK;
    }
    if (change->op == TJ__CHANGE_DELETE && to->below && !to->below(to->context, change->key)) {
        tj__rowmap_remove(to->map, change->key);
        return TJ_OK;
    }
    const tj__rowmap_entry *entry =
        change->op == TJ__CHANGE_PUT
            ? tj__rowmap_put(to->map, change->key, change->value, to->sequence)
            : tj__rowmap_put_deleted(to->map, change->key, to->sequence);
    return entry ? TJ_OK : tj__fail(error, TJ_NOMEM, "no memory for the rows of a commit");
}

/* The row of an index that follows from an entry of the ledger. The first entry with an id keeps
 * it. */
static tj_status take_derived(const sink *to, const tj__change *change, tj_error *error)
{
    tj__derived_row row;
    if (change->key.data[0] != TJ__TABLE_LEDGER || change->op != TJ__CHANGE_PUT ||
        !tj__ledger_id_row(change->key, change->value, &row)) {
        return TJ_OK;
    }
    tj__change derived = {TJ__CHANGE_PUT, tj__bytes_of(row.key, row.key_size),
                          tj__bytes_of(row.value, row.value_size)};
    return tj__rowmap_find(to->map, derived.key) ? TJ_OK : take(to, &derived, error);
}

static tj_status take_commit_id(const sink *to, const tj_uuid *commit_id, tj_error *error)
{
    if (!commit_id || tj_uuid_is_nil(*commit_id)) {
        return TJ_OK;
    }
    uint8_t value[TJ__COMMIT_VALUE_SIZE];
    tj__commit_value(value, to->sequence);
    tj__key key = tj__key_commit(commit_id);
    tj__change change = {TJ__CHANGE_PUT, tj__key_bytes(&key), tj__bytes_of(value, sizeof value)};
    return take(to, &change, error);
}

static tj_status apply(const sink *to, tj__bytes body, uint32_t change_count,
                       const tj_uuid *commit_id, tj_error *error)
{
    tj__bytes rest = body;
    for (uint32_t i = 0; i < change_count; i++) {
        tj__change change;
        TJ_TRY(tj__body_next(&rest, &change, error));
        TJ_TRY(take(to, &change, error));
        TJ_TRY(take_derived(to, &change, error));
    }
    if (rest.size > 0) {
        return tj__fail(error, TJ_CORRUPT, "%zu bytes follow the last of %u changes", rest.size,
                        change_count);
    }
    return take_commit_id(to, commit_id, error);
}

tj_status tj__body_apply(tj__rowmap *map, uint64_t tables, tj__bytes body, uint32_t change_count,
                         uint64_t sequence, const tj_uuid *commit_id, tj_error *error)
{
    sink to = {map, tables, sequence, NULL, NULL};
    return apply(&to, body, change_count, commit_id, error);
}

tj_status tj__body_apply_over(tj__rowmap *map, tj__below *below, void *context, uint64_t tables,
                              tj__bytes body, uint32_t change_count, uint64_t sequence,
                              const tj_uuid *commit_id, tj_error *error)
{
    sink to = {map, tables, sequence, below, context};
    return apply(&to, body, change_count, commit_id, error);
}

uint64_t tj__body_tables(tj__bytes body, const tj_uuid *commit_id)
{
    uint64_t changed = tj_uuid_is_nil(*commit_id) ? 0 : TJ__TABLE_BIT(TJ__TABLE_COMMITS);
    tj__change change;
    while (body.size > 0 && tj__body_next(&body, &change, NULL) == TJ_OK) {
        changed |= TJ__TABLE_BIT(change.key.data[0]);
    }
    return changed & TJ__TABLE_BIT(TJ__TABLE_LEDGER) ? changed | TJ__TABLE_BIT(TJ__TABLE_LEDGER_IDS)
                                                     : changed;
}
