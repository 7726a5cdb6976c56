/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Every row can be decoded on its own, by the decoder of its table. */
#include "base/error.h"
#include "rows/quarantine.h"
#include "rows/row.h"
#include "rows/value.h"

/* Bytes of a key behind the book, where every key of the table has so many. */
static size_t rest_size_of(uint8_t table)
{
    switch (table) {
    case TJ__TABLE_ALGOS:
    case TJ__TABLE_COMMITS:
    case TJ__TABLE_LEDGER_TIME:
    case TJ__TABLE_LEDGER_IDS:
        return 16;
    case TJ__TABLE_LEDGER:
        return 8;
    default:
        return 0;
    }
}

static tj_status decode_algo(tj__bytes value, tj_error *error)
{
    tj_algo_state algo;
    return tj__algo_get(value, &algo, error);
}

static tj_status decode_entry(const tj__key_parts *parts, tj__bytes value, tj_error *error)
{
    tj_ledger_entry entry;
    return tj__ledger_get(tj__load_u64_be(parts->rest.data), value, &entry, error);
}

static tj_status decode_number(uint8_t table, tj__bytes value, tj_error *error)
{
    uint32_t book = 0;
    uint64_t number = 0;
    return table == TJ__TABLE_BOOKS      ? tj__book_value_get(value, &book, error)
           : table == TJ__TABLE_COUNTERS ? tj__counter_get(value, &number, error)
                                         : tj__commit_value_get(value, &number, error);
}

/* Of an index: a version, and nothing or a number. */
static tj_status decode_index(tj__bytes value, unsigned version, size_t size, tj_error *error)
{
    tj__reader in;
    TJ_TRY(tj__value_open(&in, value, version, error));
    return value.size == size ? TJ_OK : tj__fail(error, TJ_CORRUPT, "its length is not possible");
}

static tj_status decode(const tj__row *row, const tj__key_parts *parts, tj_error *error)
{
    switch (parts->table) {
    case TJ__TABLE_STATE:
        return tj__state_row_check(row->key, row->value, error);
    case TJ__TABLE_ALGOS:
        return decode_algo(row->value, error);
    case TJ__TABLE_LEDGER:
        return decode_entry(parts, row->value, error);
    case TJ__TABLE_LEDGER_TIME:
        return decode_index(row->value, TJ__LEDGER_TIME_VERSION, TJ__LEDGER_TIME_VALUE_SIZE, error);
    case TJ__TABLE_LEDGER_IDS:
        return decode_index(row->value, TJ__LEDGER_ID_VERSION, TJ__LEDGER_ID_VALUE_SIZE, error);
    case TJ__TABLE_BOOKS:
    case TJ__TABLE_COUNTERS:
    case TJ__TABLE_COMMITS:
        return decode_number(parts->table, row->value, error);
    case TJ__TABLE_QUARANTINE:
        return tj__quarantine_value_check(row->value, error);
    default:
        return tj__value_newer(error, "table %u", parts->table);
    }
}

tj_status tj__row_decodes(const tj__row *row, tj_error *error)
{
    tj__key_parts parts;
    TJ_TRY(tj__row_intact(row, error));
    tj_status status = tj__key_open(row->key, &parts, error);
    size_t rest = status == TJ_OK ? rest_size_of(parts.table) : 0;
    if (rest > 0 && parts.rest.size != rest) {
        status = tj__fail(error, TJ_CORRUPT, "its key is malformed");
    }
    if (status == TJ_OK) {
        status = decode(row, &parts, error);
    }
    return tj__row_explain(row, status, error);
}
