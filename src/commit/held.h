/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Rows held in memory by the tip. They are allocated one by one, found through an index, and
 * listed: a book's rows in the order in which saves visit them, a commit's in the order of its
 * changes. Once an index and a list have room, moving a row into them cannot fail.
 */
#ifndef TJ_COMMIT_HELD_H
#define TJ_COMMIT_HELD_H

#include "base/keytable.h"

typedef struct tj__held {
    uint64_t sequence; /* the commit that wrote it */
    uint64_t seen;     /* the newest scope that named it (see reconcile.c) */
    uint32_t hash;
    uint32_t slot; /* place in its list */
    uint32_t value_size;
    uint16_t key_size;
    bool deleted;    /* only of a commit being resolved: the key is deleted */
    uint8_t bytes[]; /* key, then value */
} tj__held;

/* A row of its own with room for the value; NULL when memory is short. */
tj__held *tj__held_new(tj__bytes key, tj__bytes value);
static inline tj__bytes tj__held_key(const tj__held *row)
{
    return tj__bytes_of(row->bytes, row->key_size);
}
static inline tj__bytes tj__held_value(const tj__held *row)
{
    return tj__bytes_of(row->bytes + row->key_size, row->value_size);
}

/* ---- index: key to row ------------------------------------------------------------------- */

/* Does not own the rows. */
typedef tj__keytable tj__held_index;

tj__held *tj__held_find(const tj__held_index *index, tj__bytes key);
/* The row with the key of another one. */
tj__held *tj__held_find_same(const tj__held_index *index, const tj__held *row);
/* The key is not there, and there is room. */
void tj__held_index_add(tj__held_index *index, tj__held *row);
/* The row is there. */
void tj__held_index_remove(tj__held_index *index, const tj__held *row);
/* Another row with the same key takes the place of one that is there. */
void tj__held_index_replace(tj__held_index *index, const tj__held *row, tj__held *by);

/* ---- list: rows in an order, with holes ---------------------------------------------------- */

typedef struct tj__held_list {
    tj__held **rows; /* NULL: a hole */
    size_t size;     /* holes included */
    size_t count;    /* rows */
    size_t capacity;
} tj__held_list;

/* Does not own the rows. */
void tj__held_list_dispose(tj__held_list *list);
bool tj__held_list_reserve(tj__held_list *list, size_t more);
void tj__held_list_add(tj__held_list *list, tj__held *row);
/* Leaves a hole; closes all holes when they are the larger part. */
void tj__held_list_remove(tj__held_list *list, const tj__held *row);
void tj__held_list_close_holes(tj__held_list *list);

#endif
