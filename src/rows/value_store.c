/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * algorithm (ALGOS):         version, short plugin, rest payload (1 byte at least)
 * ledger entry (LEDGER):     version, choice type, 16 bytes id, time, decimal amount,
 *                            short exchange, identity asset, short reference,
 *                            rest meta (nothing: none)
 * LEDGER_TIME:               version
 * LEDGER_IDS:                version, 8 bytes sequence of the entry
 * book (BOOKS):              version, 4 bytes number
 * commit id (COMMITS):       version, 8 bytes sequence
 */
#include "base/error.h"
#include "rows/value.h"
#include "json/check.h"

#define LEDGER_BOUND                                                               \
    (1 + 1 + 16 + 8 + 16 + 2 + TJ_EXCHANGE_SIZE_MAX + 1 + TJ__IDENTITY_BOUND + 2 + \
     TJ_REFERENCE_SIZE_MAX)

tj_status tj__algo_put(tj__buffer *out, const tj_algo_state *state, tj_error *error)
{
    TJ_TRY(tj__value_check_text(state->plugin, TJ_PLUGIN_SIZE_MAX, false, "plugin", error));
    tj__pen pen = {NULL};
    TJ_TRY(tj__pen_start(out, 1 + 2 + state->plugin.size + state->payload.size, &pen, error));
    tj__pen_u8(&pen, TJ__ALGO_VERSION);
    tj__pen_short_str(&pen, state->plugin);
    tj__pen_str(&pen, state->payload);
    tj__pen_finish(out, &pen);
    return TJ_OK;
}

tj_status tj__algo_get(tj__bytes value, tj_algo_state *out, tj_error *error)
{
    tj__reader in;
    TJ_TRY(tj__value_open(&in, value, TJ__ALGO_VERSION, error));
    out->plugin = tj__value_get_short_str(&in, TJ_PLUGIN_SIZE_MAX);
    out->payload = tj__value_get_rest(&in);
    in.failed = in.failed || out->plugin.size == 0 || !out->payload.data;
    return tj__value_close(&in, value, error);
}

static tj_status check_entry(const tj_ledger_entry *entry, tj_error *error)
{
    TJ_TRY(tj__value_check_choice(entry->type, TJ_LEDGER_TRADE_REALIZED_PNL, TJ_LEDGER_ADJUSTMENT,
                                  "type", error));
    TJ_TRY(tj__value_check_text(entry->reference, TJ_REFERENCE_SIZE_MAX, true, "reference", error));
    return entry->meta.data ? tj__json_check(entry->meta, "meta", error) : TJ_OK;
}

tj_status tj__ledger_put(tj__buffer *out, const tj_ledger_entry *entry, tj_error *error)
{
    TJ_TRY(check_entry(entry, error));
    tj__pen pen = {NULL};
    TJ_TRY(tj__pen_start(out, LEDGER_BOUND + entry->meta.size, &pen, error));
    tj__pen_u8(&pen, TJ__LEDGER_VERSION);
    tj__pen_u8(&pen, (uint8_t)entry->type);
    tj__pen_bytes(&pen, entry->id.bytes, sizeof entry->id.bytes);
    tj__pen_u64(&pen, (uint64_t)entry->time);
    TJ_TRY(tj__pen_decimal(&pen, entry->amount, "amount", error));
    TJ_TRY(tj__pen_exchange(&pen, entry->exchange, "exchange", error));
    TJ_TRY(tj__pen_identity(&pen, entry->asset, "asset", error));
    tj__pen_short_str(&pen, entry->reference);
    tj__pen_str(&pen, entry->meta);
    tj__pen_finish(out, &pen);
    return TJ_OK;
}

tj_status tj__ledger_get(uint64_t sequence, tj__bytes value, tj_ledger_entry *out, tj_error *error)
{
    tj__reader in;
    TJ_TRY(tj__value_open(&in, value, TJ__LEDGER_VERSION, error));
    out->sequence = sequence;
    out->type = (tj_ledger_type)tj__value_get_choice(&in, TJ_LEDGER_TRADE_REALIZED_PNL,
                                                     TJ_LEDGER_ADJUSTMENT);
    tj__bytes id = tj__get_bytes(&in, sizeof out->id.bytes);
    if (id.size == sizeof out->id.bytes) {
        memcpy(out->id.bytes, id.data, id.size);
    }
    out->time = (tj_time)tj__get_u64(&in);
    out->amount = tj__value_get_decimal(&in);
    out->exchange = tj__value_get_short_str(&in, TJ_EXCHANGE_SIZE_MAX);
    out->asset = tj__value_get_identity(&in);
    out->reference = tj__value_get_short_str(&in, TJ_REFERENCE_SIZE_MAX);
    out->meta = tj__value_get_rest(&in);
    return tj__value_close(&in, value, error);
}

_Static_assert(sizeof((tj__derived_row *)0)->key >= TJ__KEY_REST_AT + sizeof(tj_uuid) &&
                   sizeof((tj__derived_row *)0)->value >= TJ__LEDGER_ID_VALUE_SIZE,
               "a derived row holds the id of an entry");

bool tj__ledger_id_row(tj__bytes key, tj__bytes value, tj__derived_row *out)
{
    tj__key_parts parts;
    if (!tj__key_split(key, &parts) || parts.table != TJ__TABLE_LEDGER || parts.rest.size != 8 ||
        value.size < TJ__LEDGER_TIME_AT) {
        return false;
    }
    tj_uuid id;
    memcpy(id.bytes, value.data + TJ__LEDGER_ID_AT, sizeof id.bytes);
    tj__key derived = tj__key_ledger_id(parts.book, &id);
    memcpy(out->key, derived.bytes, derived.size);
    out->key_size = derived.size;
    out->value[0] = TJ__LEDGER_ID_VERSION;
    tj__store_u64(out->value + 1, tj__load_u64_be(parts.rest.data));
    out->value_size = TJ__LEDGER_ID_VALUE_SIZE;
    return true;
}

bool tj__ledger_time_row(tj__bytes key, tj__bytes value, tj__derived_row *out)
{
    tj__key_parts parts;
    if (!tj__key_split(key, &parts) || parts.table != TJ__TABLE_LEDGER || parts.rest.size != 8 ||
        value.size < TJ__LEDGER_TIME_AT + sizeof(tj_time)) {
        return false;
    }
    tj_time time = (tj_time)tj__load_u64(value.data + TJ__LEDGER_TIME_AT);
    tj__key derived = tj__key_ledger_time(parts.book, time, tj__load_u64_be(parts.rest.data));
    memcpy(out->key, derived.bytes, derived.size);
    out->key_size = derived.size;
    out->value[0] = TJ__LEDGER_TIME_VERSION;
    out->value_size = TJ__LEDGER_TIME_VALUE_SIZE;
    return true;
}

void tj__book_value(uint8_t out[TJ__BOOK_VALUE_SIZE], uint32_t number)
{
    out[0] = TJ__BOOK_VERSION;
    tj__store_u32(out + 1, number);
}

tj_status tj__book_value_get(tj__bytes value, uint32_t *number, tj_error *error)
{
    tj__reader in;
    TJ_TRY(tj__value_open(&in, value, TJ__BOOK_VERSION, error));
    *number = tj__get_u32(&in);
    in.failed = in.failed || *number == 0;
    return tj__value_close(&in, value, error);
}

void tj__commit_value(uint8_t out[TJ__COMMIT_VALUE_SIZE], uint64_t sequence)
{
    out[0] = TJ__COMMIT_VERSION;
    tj__store_u64(out + 1, sequence);
}

tj_status tj__commit_value_get(tj__bytes value, uint64_t *sequence, tj_error *error)
{
    tj__reader in;
    TJ_TRY(tj__value_open(&in, value, TJ__COMMIT_VERSION, error));
    *sequence = tj__get_u64(&in);
    return tj__value_close(&in, value, error);
}
