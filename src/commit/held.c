/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The index of held rows, by hash, and the lists that leave holes where rows are taken out. */
#include "commit/held.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/hash.h"

#define INDEX_CAPACITY_MIN 64
#define LIST_CAPACITY_MIN 16
#define HOLES_MIN 64

static uint32_t hash_of(tj__bytes key)
{
    return (uint32_t)tj__hash(key.data, key.size);
}

tj__held *tj__held_new(tj__bytes key, tj__bytes value)
{
    tj__held *row = malloc(sizeof *row + key.size + value.size);
    if (!row) {
        return NULL;
    }
    *row = (tj__held){
        .hash = hash_of(key), .key_size = (uint16_t)key.size, .value_size = (uint32_t)value.size};
    memcpy(row->bytes, key.data, key.size);
    if (value.size > 0) {
        memcpy(row->bytes + key.size, value.data, value.size);
    }
    return row;
}

/* ---- index ------------------------------------------------------------------------------- */

void tj__held_index_dispose(tj__held_index *index)
{
    free(index->places);
    *index = (tj__held_index){0};
}

static void place(tj__held_index *index, tj__held *row)
{
    size_t at = row->hash & (index->capacity - 1);
    while (index->places[at].row) {
        at = (at + 1) & (index->capacity - 1);
    }
    index->places[at] = (tj__held_place){row, row->hash};
}

bool tj__held_index_reserve(tj__held_index *index, size_t more)
{
    size_t needed = (index->count + more) * 2; /* at most half full */
    if (needed <= index->capacity) {
        return true;
    }
    size_t capacity = INDEX_CAPACITY_MIN;
    while (capacity < needed) {
        capacity *= 2;
    }
    tj__held_index larger = {calloc(capacity, sizeof *index->places), capacity, index->count};
    if (!larger.places) {
        return false;
    }
    for (size_t i = 0; i < index->capacity; i++) {
        if (index->places[i].row) {
            place(&larger, index->places[i].row);
        }
    }
    free(index->places);
    *index = larger;
    return true;
}

static tj__held *find(const tj__held_index *index, uint32_t hash, tj__bytes key)
{
    size_t at = hash & (index->capacity - 1);
    for (const tj__held_place *p = &index->places[at]; p->row; p = &index->places[at]) {
        if (p->hash == hash && tj__bytes_equal(tj__held_key(p->row), key)) {
            return p->row;
        }
        at = (at + 1) & (index->capacity - 1);
    }
    return NULL;
}

tj__held *tj__held_find(const tj__held_index *index, tj__bytes key)
{
    return index->count > 0 ? find(index, hash_of(key), key) : NULL;
}

tj__held *tj__held_find_same(const tj__held_index *index, const tj__held *row)
{
    return index->count > 0 ? find(index, row->hash, tj__held_key(row)) : NULL;
}

void tj__held_index_add(tj__held_index *index, tj__held *row)
{
    TJ_ASSERT((index->count + 1) * 2 <= index->capacity);
    place(index, row);
    index->count++;
}

static size_t place_of(const tj__held_index *index, const tj__held *row)
{
    size_t at = row->hash & (index->capacity - 1);
    while (index->places[at].row != row) {
        TJ_ASSERT(index->places[at].row != NULL);
        at = (at + 1) & (index->capacity - 1);
    }
    return at;
}

/* Rows behind the freed place move up, so that no search stops short of them. */
void tj__held_index_remove(tj__held_index *index, const tj__held *row)
{
    size_t mask = index->capacity - 1;
    size_t hole = place_of(index, row);
    for (size_t at = (hole + 1) & mask; index->places[at].row; at = (at + 1) & mask) {
        size_t home = index->places[at].hash & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            index->places[hole] = index->places[at];
            hole = at;
        }
    }
    index->places[hole] = (tj__held_place){NULL, 0};
    index->count--;
}

void tj__held_index_replace(tj__held_index *index, const tj__held *row, tj__held *by)
{
    index->places[place_of(index, row)].row = by;
}

/* ---- list -------------------------------------------------------------------------------- */

void tj__held_list_dispose(tj__held_list *list)
{
    free(list->rows);
    *list = (tj__held_list){0};
}

bool tj__held_list_reserve(tj__held_list *list, size_t more)
{
    size_t needed = list->size + more;
    if (needed <= list->capacity) {
        return true;
    }
    if (needed > UINT32_MAX) {
        return false;
    }
    size_t capacity = list->capacity * 2 > needed ? list->capacity * 2 : needed;
    capacity = capacity < LIST_CAPACITY_MIN ? LIST_CAPACITY_MIN : capacity;
    tj__held **rows = realloc(list->rows, capacity * sizeof(tj__held *));
    if (!rows) {
        return false;
    }
    list->rows = rows;
    list->capacity = capacity;
    return true;
}

void tj__held_list_add(tj__held_list *list, tj__held *row)
{
    TJ_ASSERT(list->size < list->capacity);
    row->slot = (uint32_t)list->size;
    list->rows[list->size++] = row;
    list->count++;
}

void tj__held_list_close_holes(tj__held_list *list)
{
    size_t size = 0;
    for (size_t i = 0; i < list->size; i++) {
        tj__held *row = list->rows[i];
        if (row) {
            row->slot = (uint32_t)size;
            list->rows[size++] = row;
        }
    }
    list->size = size;
}

void tj__held_list_remove(tj__held_list *list, const tj__held *row)
{
    TJ_ASSERT(list->rows[row->slot] == row);
    list->rows[row->slot] = NULL;
    list->count--;
    if (list->size > 2 * list->count + HOLES_MIN) {
        tj__held_list_close_holes(list);
    }
}
