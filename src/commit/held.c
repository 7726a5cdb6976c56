/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The index of held rows, by hash, and the lists that leave holes where rows are taken out. */
#include "commit/held.h"

#include <stdlib.h>

#include "base/error.h"

#define LIST_CAPACITY_MIN 16
#define HOLES_MIN 64

tj__held *tj__held_new(tj__bytes key, tj__bytes value)
{
    tj__held *row = malloc(sizeof *row + key.size + value.size);
    if (!row) {
        return NULL;
    }
    *row = (tj__held){.hash = tj__keytable_hash(key),
                      .key_size = (uint16_t)key.size,
                      .value_size = (uint32_t)value.size};
    memcpy(row->bytes, key.data, key.size);
    if (value.size > 0) {
        memcpy(row->bytes + key.size, value.data, value.size);
    }
    return row;
}

/* ---- index ------------------------------------------------------------------------------- */

static tj__bytes key_of(const void *row)
{
    return tj__held_key(row);
}

tj__held *tj__held_find(const tj__held_index *index, tj__bytes key)
{
    return tj__keytable_find(index, tj__keytable_hash(key), key, key_of);
}

tj__held *tj__held_find_same(const tj__held_index *index, const tj__held *row)
{
    return tj__keytable_find(index, row->hash, tj__held_key(row), key_of);
}

static tj__keyslot *slot_of(const tj__held_index *index, const tj__held *row)
{
    return tj__keytable_slot(index, row->hash, tj__held_key(row), key_of);
}

void tj__held_index_add(tj__held_index *index, tj__held *row)
{
    tj__keyslot *slot = slot_of(index, row);
    TJ_ASSERT(!slot->entry && (index->count + 1) * 2 <= index->slot_count);
    tj__keytable_put(index, slot, row->hash, row);
}

void tj__held_index_remove(tj__held_index *index, const tj__held *row)
{
    tj__keyslot *slot = slot_of(index, row);
    TJ_ASSERT(slot->entry == row);
    tj__keytable_remove(index, slot);
}

void tj__held_index_replace(tj__held_index *index, const tj__held *row, tj__held *by)
{
    tj__keyslot *slot = slot_of(index, row);
    TJ_ASSERT(slot->entry == row);
    slot->entry = by;
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
