/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Building and splitting keys, and the words for one in an error. */
#include "rows/key.h"

#include <inttypes.h>
#include <stdio.h>

#include <tesser/config.h>
#include <tesser/counter.h>

#include "base/error.h"
#include "base/text.h"
#include "rows/value.h"

#define TIME_BIAS ((uint64_t)1 << 63)

/* The longest identities: of a position of a sub-account, and texts of the caller's. */
_Static_assert(TJ__KEY_IDENTITY_AT + TJ_EXCHANGE_SIZE_MAX + 1 + TJ_IDENTITY_TEXT_SIZE <=
                   TJ__ROW_KEY_SIZE_MAX,
               "a key holds an owner and an identity");
_Static_assert(TJ__KEY_IDENTITY_AT + TJ_ID_SIZE_MAX <= TJ__ROW_KEY_SIZE_MAX &&
                   TJ__KEY_IDENTITY_AT + TJ_MEMBER_SIZE_MAX <= TJ__ROW_KEY_SIZE_MAX &&
                   TJ__KEY_REST_AT + TJ_COUNTER_NAME_SIZE_MAX <= TJ__ROW_KEY_SIZE_MAX &&
                   TJ__KEY_REST_AT + TJ_BOOK_SIZE_MAX <= TJ__ROW_KEY_SIZE_MAX,
               "a key holds an id, a member's name, a counter's, a book's");
_Static_assert(TJ__ROW_KEY_SIZE_MAX <= TJ__PREFIX_SIZE_MAX, "any key is a prefix");

tj__key tj__key_book(tj__table table, uint32_t book)
{
    tj__key key;
    key.bytes[0] = (uint8_t)table;
    tj__store_u32_be(key.bytes + TJ__KEY_BOOK_AT, book);
    key.size = TJ__KEY_REST_AT;
    return key;
}

tj__key tj__key_kind(uint32_t book, tj__kind kind)
{
    tj__key key = tj__key_book(TJ__TABLE_STATE, book);
    key.bytes[key.size++] = (uint8_t)kind;
    return key;
}

static void append(tj__key *key, const void *data, size_t size)
{
    TJ_ASSERT(size <= sizeof key->bytes - key->size);
    memcpy(key->bytes + key->size, data, size);
    key->size += size;
}

static void append_u64_be(tj__key *key, uint64_t value)
{
    uint8_t bytes[8];
    tj__store_u64_be(bytes, value);
    append(key, bytes, sizeof bytes);
}

tj__key tj__key_algo(uint32_t book, const tj_uuid *id)
{
    tj__key key = tj__key_book(TJ__TABLE_ALGOS, book);
    append(&key, id->bytes, sizeof id->bytes);
    return key;
}

tj__key tj__key_ledger(uint32_t book, uint64_t sequence)
{
    tj__key key = tj__key_book(TJ__TABLE_LEDGER, book);
    append_u64_be(&key, sequence);
    return key;
}

tj__key tj__key_ledger_time(uint32_t book, int64_t time, uint64_t sequence)
{
    tj__key key = tj__key_book(TJ__TABLE_LEDGER_TIME, book);
    append_u64_be(&key, (uint64_t)time + TIME_BIAS);
    append_u64_be(&key, sequence);
    return key;
}

tj__key tj__key_ledger_id(uint32_t book, const tj_uuid *id)
{
    tj__key key = tj__key_book(TJ__TABLE_LEDGER_IDS, book);
    append(&key, id->bytes, sizeof id->bytes);
    return key;
}

tj__key tj__key_commit(const tj_uuid *commit_id)
{
    tj__key key = tj__key_book(TJ__TABLE_COMMITS, 0);
    append(&key, commit_id->bytes, sizeof commit_id->bytes);
    return key;
}

tj__key tj__key_book_name(tj_str name)
{
    tj__key key = tj__key_book(TJ__TABLE_BOOKS, 0);
    append(&key, name.data, name.size);
    return key;
}

bool tj__key_split(tj__bytes key, tj__key_parts *parts)
{
    *parts = (tj__key_parts){0};
    if (key.size < TJ__KEY_REST_AT || key.size > TJ__ROW_KEY_SIZE_MAX) {
        return false;
    }
    parts->table = key.data[0];
    parts->book = tj__load_u32_be(key.data + TJ__KEY_BOOK_AT);
    parts->rest = tj__bytes_of(key.data + TJ__KEY_REST_AT, key.size - TJ__KEY_REST_AT);
    if (parts->table != TJ__TABLE_STATE) {
        return true;
    }
    if (parts->rest.size == 0) {
        return false;
    }
    parts->kind = parts->rest.data[0];
    parts->rest = tj__bytes_of(parts->rest.data + 1, parts->rest.size - 1);
    return parts->kind >= TJ__KIND_FIRST && parts->kind <= TJ__KIND_LAST;
}

tj_status tj__key_open(tj__bytes key, tj__key_parts *parts, tj_error *error)
{
    if (tj__key_split(key, parts)) {
        return TJ_OK;
    }
    if (key.size > TJ__KEY_KIND_AT && parts->kind > TJ__KIND_LAST) {
        return tj__value_newer(error, "kind %u of a state row", parts->kind);
    }
    return tj__fail(error, TJ_CORRUPT, "its key is malformed");
}

bool tj__key_split_owner(const tj__key_parts *parts, tj_str *owner, tj_str *identity)
{
    tj__bytes rest = parts->rest;
    const uint8_t *from = rest.data;
    *owner = (tj_str){0};
    if (TJ__KINDS_OWNED >> parts->kind & 1) {
        const uint8_t *zero = rest.size > 0 ? memchr(rest.data, 0, rest.size) : NULL;
        if (!zero) {
            return false;
        }
        *owner = (tj_str){(const char *)rest.data, (size_t)(zero - rest.data)};
        from = zero + 1;
    }
    *identity = (tj_str){(const char *)from, rest.size - (size_t)(from - rest.data)};
    return true;
}

static void describe_state(const tj__key_parts *parts, char *text)
{
    const char *name = tj__kinds[parts->kind]->name;
    tj_str owner = {0};
    tj_str identity = {0};
    char quoted[TJ__QUOTE_SIZE];
    char quoted_owner[TJ__QUOTE_SIZE];
    if (!tj__key_split_owner(parts, &owner, &identity)) {
        snprintf(text, TJ__KEY_TEXT_SIZE, "%s without an owner", name);
    } else if (owner.size > 0) {
        snprintf(text, TJ__KEY_TEXT_SIZE, "%s %s of sub-account %s", name,
                 tj__text_quote(identity, quoted), tj__text_quote(owner, quoted_owner));
    } else if (identity.size > 0) {
        snprintf(text, TJ__KEY_TEXT_SIZE, "%s %s", name, tj__text_quote(identity, quoted));
    } else {
        snprintf(text, TJ__KEY_TEXT_SIZE, "%s", name);
    }
}

/* A UUID after a word, or the word alone when the key has another size. */
static void describe_uuid(const char *word, tj__bytes rest, char *text)
{
    tj_uuid id;
    char id_text[TJ_UUID_TEXT_SIZE] = "with a key of the wrong size";
    if (rest.size == sizeof id.bytes) {
        memcpy(id.bytes, rest.data, sizeof id.bytes);
        tj_uuid_format(id, id_text);
    }
    snprintf(text, TJ__KEY_TEXT_SIZE, "%s %s", word, id_text);
}

void tj__key_describe(tj__bytes key, char text[TJ__KEY_TEXT_SIZE])
{
    tj__key_parts parts;
    if (!tj__key_split(key, &parts) && parts.kind > TJ__KIND_LAST) {
        snprintf(text, TJ__KEY_TEXT_SIZE, "state row of kind %u", parts.kind);
    } else if (!tj__key_split(key, &parts)) {
        snprintf(text, TJ__KEY_TEXT_SIZE, "row with a malformed key of %zu bytes", key.size);
    } else if (parts.table == TJ__TABLE_STATE) {
        describe_state(&parts, text);
    } else if (parts.table == TJ__TABLE_ALGOS) {
        describe_uuid("algorithm", parts.rest, text);
    } else if (parts.table == TJ__TABLE_COMMITS) {
        describe_uuid("commit id", parts.rest, text);
    } else if (parts.table == TJ__TABLE_LEDGER_IDS) {
        describe_uuid("ledger entry id", parts.rest, text);
    } else if (parts.table == TJ__TABLE_LEDGER && parts.rest.size == 8) {
        snprintf(text, TJ__KEY_TEXT_SIZE, "ledger entry %" PRIu64,
                 tj__load_u64_be(parts.rest.data));
    } else if (parts.table == TJ__TABLE_BOOKS || parts.table == TJ__TABLE_COUNTERS) {
        char quoted[TJ__QUOTE_SIZE];
        tj_str name = {(const char *)parts.rest.data, parts.rest.size};
        snprintf(text, TJ__KEY_TEXT_SIZE, "%s %s",
                 parts.table == TJ__TABLE_BOOKS ? "book" : "counter", tj__text_quote(name, quoted));
    } else {
        snprintf(text, TJ__KEY_TEXT_SIZE, "row of table %s",
                 tj__table_name(parts.table) ? tj__table_name(parts.table) : "unknown");
    }
}
