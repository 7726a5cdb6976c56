/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Changes of rows, for those who read the past: which ones are asked for, and what they say.
 *
 * Most changes of a long log are of no interest, so a filter compares bytes of keys, and only what
 * it lets through is decoded.
 */
#ifndef TJ_STORE_CHANGES_H
#define TJ_STORE_CHANGES_H

#include <tesser/history.h>

#include "base/arena.h"
#include "rows/key.h"
#include "store/past.h"

/* ---- books ------------------------------------------------------------------------------- */

/* Names of books by number. Zero-initialized: not read yet. */
typedef struct tj__book_names {
    tj__arena *arena; /* of the names */
    void *object;
    tj__buffer list; /* tj__book_name each */
} tj__book_names;
typedef struct tj__book_name {
    uint32_t number;
    tj_str name;
} tj__book_name;

tj_status tj__book_names_read(tj__book_names *names, tj_store *store, tj_error *error);
void tj__book_names_dispose(tj__book_names *names);
/* Absent when it is not known. */
tj_str tj__book_names_of(const tj__book_names *names, uint32_t number);

/* ---- which changes ----------------------------------------------------------------------- */

typedef struct tj__change_filter {
    uint64_t kinds;       /* of tj_entity_kind as bits */
    bool all;             /* every commit is wanted, also one without such changes */
    const char *book;     /* NULL: all */
    uint32_t book_number; /* 0: not there yet */
    bool has_key;
    uint64_t keyed_kinds; /* kinds that can have such a key */
    tj_str text;          /* the key as it was given, */
    tj_str identity;      /* and canonical: of a symbol or asset, */
    tj_str exchange;      /* of an exchange, */
    uint8_t uuid[16];     /* as an id, */
    uint8_t number[8];    /* as a number */
    char identity_text[TJ_IDENTITY_TEXT_SIZE];
    char exchange_text[TJ_EXCHANGE_SIZE_MAX + 1];
} tj__change_filter;

/* Reads book, kinds and key of a query, whose texts must live as long as the filter. TJ_INVALID
 * for a key that none of the kinds can have; TJ_NOT_FOUND for a book. */
tj_status tj__change_filter_read(tj__change_filter *filter, tj_store *store,
                                 const tj_history_query *query, tj_error *error);
/* Looks again for a book that was not there. */
tj_status tj__change_filter_refresh(tj__change_filter *filter, tj_store *store, tj_error *error);
bool tj__change_wanted(const tj__change_filter *filter, tj__bytes key);
/* The tables of all that it lets through. */
uint64_t tj__change_tables(const tj__change_filter *filter);

/* What kind of entity a row is; 0: nothing for others to see (indexes, commit ids). */
unsigned tj__entity_of(tj__bytes key);

/* ---- what they say ----------------------------------------------------------------------- */

/* A change with the bytes of its row before and after; data NULL: it was not there. */
typedef struct tj__raw_change {
    tj__bytes key;
    tj__bytes old_value;
    tj__bytes new_value;
} tj__raw_change;

/* Decodes one; all texts are in the arena. */
tj_status tj__change_decode(const tj__raw_change *raw, const tj__book_names *names,
                            tj__arena *arena, tj_change *out, tj_error *error);

#endif
