/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Row keys: building them, taking them apart, naming them in messages. load.h has their layout. */
#ifndef TJ_ROWS_KEY_H
#define TJ_ROWS_KEY_H

#include <tesser/uuid.h>

#include "base/buffer.h"
#include "base/rows.h"
#include "model/change.h"
#include "rows/kinds.h"
#include "rows/pen.h"

/* Where the parts of a key are. */
#define TJ__KEY_BOOK_AT 1
#define TJ__KEY_KIND_AT 5     /* STATE only */
#define TJ__KEY_IDENTITY_AT 6 /* STATE only */
#define TJ__KEY_REST_AT 5     /* other tables: what follows the book */

/* Bytes of a key in a buffer of its own. */
typedef struct tj__key {
    uint8_t bytes[TJ__ROW_KEY_SIZE_MAX];
    size_t size;
} tj__key;
static inline tj__bytes tj__key_bytes(const tj__key *key)
{
    return tj__bytes_of(key->bytes, key->size);
}

/* Table byte and book number: the prefix of all rows of a book in a table. */
tj__key tj__key_book(tj__table table, uint32_t book);
/* The same for one kind of STATE row; also the whole key of a kind without identity. */
tj__key tj__key_kind(uint32_t book, tj__kind kind);
tj__key tj__key_algo(uint32_t book, const tj_uuid *id);
tj__key tj__key_ledger(uint32_t book, uint64_t sequence);
tj__key tj__key_ledger_time(uint32_t book, int64_t time, uint64_t sequence);
tj__key tj__key_ledger_id(uint32_t book, const tj_uuid *id);
tj__key tj__key_commit(const tj_uuid *commit_id);
/* name has at most TJ_BOOK_SIZE_MAX bytes. */
tj__key tj__key_book_name(tj_str name);

/* A key taken apart. Fails when the key is too short for its table or has an unknown kind. */
typedef struct tj__key_parts {
    uint8_t table;
    uint32_t book;
    uint8_t kind;   /* 0 outside STATE */
    tj__bytes rest; /* identity, UUID, name or numbers */
} tj__key_parts;
bool tj__key_split(tj__bytes key, tj__key_parts *parts);
/* The same of a row that is whole: TJ_FORMAT_NEWER for a kind that is not known, TJ_CORRUPT. */
tj_status tj__key_open(tj__bytes key, tj__key_parts *parts, tj_error *error);
/* Owner and identity in a STATE row's key: kinds that are not owned have an empty owner. False when
 * one that is owned names none. */
bool tj__key_split_owner(const tj__key_parts *parts, tj_str *owner, tj_str *identity);

/* Names the row for a person: `position "BTCUSDT" of sub-account "bybit"`. */
#define TJ__KEY_TEXT_SIZE 512
void tj__key_describe(tj__bytes key, char text[TJ__KEY_TEXT_SIZE]);

#endif
