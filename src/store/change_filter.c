/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Which changes are asked for, told by the bytes of their keys. */
#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"
#include "base/identity.h"
#include "base/text.h"
#include "store/changes.h"

#define BIT(kind) ((uint64_t)1 << TJ_ENTITY_##kind)
#define KINDS_ALL (((uint64_t)2 << TJ_ENTITY_QUARANTINED) - 2)
/* How the key of each kind is written. */
#define KINDS_OF_TEXT (BIT(MEMBER) | BIT(ORDER) | BIT(EXEC_ID) | BIT(BOOK) | BIT(COUNTER))
#define KINDS_OF_IDENTITY (BIT(BALANCE) | BIT(POSITION) | BIT(PRICE))
#define KINDS_OF_EXCHANGE BIT(SUB_ACCOUNT)
#define KINDS_OF_UUID BIT(ALGO)
#define KINDS_OF_NUMBER BIT(LEDGER)

unsigned tj__entity_of(tj__bytes key)
{
    switch (key.data[0]) {
    case TJ__TABLE_STATE:
        return key.size > TJ__KEY_KIND_AT ? key.data[TJ__KEY_KIND_AT] : 0;
    case TJ__TABLE_ALGOS:
        return TJ_ENTITY_ALGO;
    case TJ__TABLE_LEDGER:
        return TJ_ENTITY_LEDGER;
    case TJ__TABLE_BOOKS:
        return TJ_ENTITY_BOOK;
    case TJ__TABLE_COUNTERS:
        return TJ_ENTITY_COUNTER;
    case TJ__TABLE_QUARANTINE:
        return TJ_ENTITY_QUARANTINED;
    default:
        return 0;
    }
}

/* ---- reading what is asked for ----------------------------------------------------------- */

static bool read_number(tj_str text, uint8_t out[8])
{
    tj_moment moment;
    if (tj_moment_parse(text, &moment, NULL) != TJ_OK || moment.has_time) {
        return false;
    }
    tj__store_u64_be(out, moment.sequence);
    return true;
}

static bool read_uuid(tj_str text, uint8_t out[16])
{
    tj_uuid id;
    if (tj_uuid_parse(text, &id, NULL) != TJ_OK) {
        return false;
    }
    memcpy(out, id.bytes, sizeof id.bytes);
    return true;
}

/* Which kinds can have this key, and its bytes for each way of writing it. */
static void read_key(tj__change_filter *filter)
{
    tj_identity id;
    size_t size = 0;
    filter->keyed_kinds = KINDS_OF_TEXT;
    if (tj_identity_parse(filter->text, &id, NULL) == TJ_OK &&
        (size = tj_identity_format(id, filter->identity_text)) > 0) {
        filter->identity = (tj_str){filter->identity_text, size};
        filter->keyed_kinds |= KINDS_OF_IDENTITY;
    }
    if (tj__exchange_canonical(filter->text, filter->exchange_text, &size, NULL) == TJ_OK) {
        filter->exchange = (tj_str){filter->exchange_text, size};
        filter->keyed_kinds |= KINDS_OF_EXCHANGE;
    }
    if (read_uuid(filter->text, filter->uuid)) {
        filter->keyed_kinds |= KINDS_OF_UUID;
    }
    if (read_number(filter->text, filter->number)) {
        filter->keyed_kinds |= KINDS_OF_NUMBER;
    }
}

tj_status tj__change_filter_refresh(tj__change_filter *filter, tj_store *store, tj_error *error)
{
    tj__reading now;
    if (!filter->book || filter->book_number > 0) {
        return TJ_OK;
    }
    tj_status status = tj__reading_begin(&now, store, filter->book, error);
    filter->book_number = now.book;
    tj__reading_end(&now);
    return status;
}

tj_status tj__change_filter_read(tj__change_filter *filter, tj_store *store,
                                 const tj_history_query *query, tj_error *error)
{
    *filter = (tj__change_filter){.kinds = query->kinds ? query->kinds & KINDS_ALL : KINDS_ALL,
                                  .all = !query->kinds && !query->book && !query->key.data,
                                  .book = query->book,
                                  .has_key = query->key.data != NULL,
                                  .text = query->key};
    if (filter->has_key) {
        read_key(filter);
        filter->kinds &= filter->keyed_kinds;
    }
    if (filter->kinds == 0) {
        char quoted[TJ__QUOTE_SIZE];
        if (!filter->has_key) {
            return tj__fail(error, TJ_INVALID, "there are no kinds 0x%" PRIx64, query->kinds);
        }
        return tj__fail(error, TJ_INVALID, "nothing of these kinds can have the key %s",
                        tj__text_quote(query->key, quoted));
    }
    return tj__change_filter_refresh(filter, store, error);
}

/* ---- asking ------------------------------------------------------------------------------ */

static bool same(tj__bytes bytes, tj_str text)
{
    return bytes.size == text.size && memcmp(bytes.data, text.data, text.size) == 0;
}

static bool ends_with(tj__bytes bytes, tj_str text)
{
    return bytes.size > text.size && bytes.data[bytes.size - text.size - 1] == 0 &&
           memcmp(bytes.data + bytes.size - text.size, text.data, text.size) == 0;
}

static bool key_is(const tj__change_filter *filter, unsigned kind, tj__bytes key)
{
    size_t at = kind <= TJ__KIND_LAST ? TJ__KEY_IDENTITY_AT : TJ__KEY_REST_AT;
    tj__bytes rest = key.size > at ? tj__bytes_of(key.data + at, key.size - at) : (tj__bytes){0};
    switch (kind) {
    case TJ_ENTITY_PRICE:
        return same(rest, filter->identity);
    case TJ_ENTITY_BALANCE:
    case TJ_ENTITY_POSITION:
        return ends_with(rest, filter->identity);
    case TJ_ENTITY_SUB_ACCOUNT:
        return same(rest, filter->exchange);
    case TJ_ENTITY_ALGO:
        return same(rest, (tj_str){(const char *)filter->uuid, sizeof filter->uuid});
    case TJ_ENTITY_LEDGER:
        return same(rest, (tj_str){(const char *)filter->number, sizeof filter->number});
    default:
        return same(rest, filter->text);
    }
}

uint64_t tj__change_tables(const tj__change_filter *filter)
{
    static const struct {
        uint64_t kinds;
        tj__table table;
    } of[] = {{TJ__KINDS_ALL, TJ__TABLE_STATE},   {BIT(ALGO), TJ__TABLE_ALGOS},
              {BIT(LEDGER), TJ__TABLE_LEDGER},    {BIT(BOOK), TJ__TABLE_BOOKS},
              {BIT(COUNTER), TJ__TABLE_COUNTERS}, {BIT(QUARANTINED), TJ__TABLE_QUARANTINE}};
    uint64_t tables = 0;
    for (size_t i = 0; i < sizeof of / sizeof of[0]; i++) {
        tables |= filter->kinds & of[i].kinds ? TJ__TABLE_BIT(of[i].table) : 0;
    }
    return tables;
}

bool tj__change_wanted(const tj__change_filter *filter, tj__bytes key)
{
    unsigned kind = tj__entity_of(key);
    if (!(filter->kinds >> kind & 1) || kind == 0 || key.size < TJ__KEY_REST_AT) {
        return false;
    }
    if (filter->book && kind == TJ_ENTITY_BOOK) {
        return same(tj__bytes_of(key.data + TJ__KEY_REST_AT, key.size - TJ__KEY_REST_AT),
                    tj_str_of(filter->book));
    }
    if (filter->book && tj__load_u32_be(key.data + TJ__KEY_BOOK_AT) != filter->book_number) {
        return false;
    }
    return !filter->has_key || key_is(filter, kind, key);
}
