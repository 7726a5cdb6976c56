/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A map from row keys to row values in memory: a key table with an index that is sorted when it
 * is first needed after the set of keys has changed.
 *
 * Four users: what the newest commit left (the base that a save is compared with), the changes a
 * view reads beyond LMDB's position, the batch that is applied to LMDB, and the memory engine.
 * An entry may say "deleted": for a view that hides the row below, for a batch that deletes it.
 * Not thread-safe.
 */
#ifndef TJ_BASE_ROWMAP_H
#define TJ_BASE_ROWMAP_H

#include "base/rows.h"

typedef struct tj__rowmap tj__rowmap;

/* One entry. Key and value are stored behind each other in one allocation. Pointers to entries
 * stay valid until that entry is replaced or removed. */
typedef struct tj__rowmap_entry {
    uint64_t sequence;
    uint32_t hash;
    uint32_t key_size;
    uint32_t value_size;
    uint32_t value_room; /* a value up to this takes the place of the one before */
    uint32_t mark; /* for the user: a generation, so that "not seen this time" is cheap to find */
    bool deleted;
    uint8_t bytes[]; /* key, then value */
} tj__rowmap_entry;

static inline tj__bytes tj__rowmap_key(const tj__rowmap_entry *entry)
{
    return (tj__bytes){entry->bytes, entry->key_size};
}

static inline tj__bytes tj__rowmap_value(const tj__rowmap_entry *entry)
{
    return (tj__bytes){entry->bytes + entry->key_size, entry->value_size};
}

tj__rowmap *tj__rowmap_new(void); /* NULL when memory is short */
/* One whose entries are quick to make and to clear: what is replaced or removed keeps its memory,
 * and counts in tj__rowmap_bytes, until that is more than what is left. A put may then move all
 * entries, so what it puts is nothing of this map. It absorbs none, and is not absorbed. */
tj__rowmap *tj__rowmap_new_pooled(void);
void tj__rowmap_free(tj__rowmap *map); /* NULL is allowed */
void tj__rowmap_clear(tj__rowmap *map);
size_t tj__rowmap_count(const tj__rowmap *map); /* entries, deleted ones included */
size_t tj__rowmap_bytes(const tj__rowmap *map); /* keys, values and room for values */

/* NULL when there is no entry. */
tj__rowmap_entry *tj__rowmap_find(const tj__rowmap *map, tj__bytes key);
/* Puts or replaces; keeps `mark` of a replaced entry. NULL when memory is short: unchanged. */
tj__rowmap_entry *tj__rowmap_put(tj__rowmap *map, tj__bytes key, tj__bytes value,
                                 uint64_t sequence);
/* Puts an entry that says "deleted". */
tj__rowmap_entry *tj__rowmap_put_deleted(tj__rowmap *map, tj__bytes key, uint64_t sequence);
/* Takes the entry out; nothing when it is not there. */
void tj__rowmap_remove(tj__rowmap *map, tj__bytes key);
/* Moves all entries of `changes` into the map; those that say "deleted" remove theirs. `changes` is
 * empty afterwards. False when memory is short: both unchanged. */
bool tj__rowmap_absorb(tj__rowmap *map, tj__rowmap *changes);

/* Makes room so that the next `count` puts cannot fail for want of table space (their own
 * allocation still can). */
bool tj__rowmap_reserve(tj__rowmap *map, size_t count);

/* Entries in key order, deleted ones included: *entries has *count pointers, valid until the next
 * change of the set of keys. False when memory is short. */
bool tj__rowmap_sorted(tj__rowmap *map, tj__rowmap_entry ***entries, size_t *count);
/* Index of the first entry in key order that is not below key. Call after tj__rowmap_sorted. */
size_t tj__rowmap_lower_bound(tj__rowmap_entry *const *entries, size_t count, tj__bytes key);

#endif
