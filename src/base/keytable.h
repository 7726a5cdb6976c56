/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The hash table of all that is found by a key of bytes: row maps, the tip's rows, what a plan has
 * named. Open addressing with linear probing: an entry stands at its home slot (hash & mask) or
 * behind it, with no free slot between; removing one closes the gap, so there are no tombstones.
 *
 * The table does not own its entries and does not know what they are: each call says how to get an
 * entry's key. The search is inline so that this is no call; it is most of what a save does.
 */
#ifndef TJ_BASE_KEYTABLE_H
#define TJ_BASE_KEYTABLE_H

#include "base/buffer.h"
#include "base/hash.h"

/* The hash stands beside the pointer, so that a search looks at an entry only when they agree. */
typedef struct tj__keyslot {
    void *entry; /* NULL: free */
    uint32_t hash;
} tj__keyslot;

/* Zero-initialized is empty. */
typedef struct tj__keytable {
    tj__keyslot *slots;
    size_t slot_count; /* 0 or a power of two */
    size_t count;      /* at most half of the slots */
} tj__keytable;

typedef tj__bytes tj__keytable_key(const void *entry);

static inline uint32_t tj__keytable_hash(tj__bytes key)
{
    return (uint32_t)tj__hash(key.data, key.size);
}

void tj__keytable_dispose(tj__keytable *table);
/* Makes room for `more` entries, so that putting them cannot fail. False when memory is short:
 * unchanged. */
bool tj__keytable_reserve(tj__keytable *table, size_t more);
/* Empties a slot that is taken; slots behind it may move. */
void tj__keytable_remove(tj__keytable *table, tj__keyslot *slot);

/* The slot that has the key, or the free one where it would go. The table has a slot. */
static inline tj__keyslot *tj__keytable_slot(const tj__keytable *table, uint32_t hash,
                                             tj__bytes key, tj__keytable_key *key_of)
{
    size_t mask = table->slot_count - 1;
    size_t at = hash & mask;
    for (;; at = (at + 1) & mask) {
        tj__keyslot *slot = &table->slots[at];
        if (!slot->entry || (slot->hash == hash && tj__bytes_equal(key_of(slot->entry), key))) {
            return slot;
        }
    }
}

/* NULL when there is no entry with the key. */
static inline void *tj__keytable_find(const tj__keytable *table, uint32_t hash, tj__bytes key,
                                      tj__keytable_key *key_of)
{
    return table->count > 0 ? tj__keytable_slot(table, hash, key, key_of)->entry : NULL;
}

/* Takes a free slot that tj__keytable_slot gave; there is room. */
static inline void tj__keytable_put(tj__keytable *table, tj__keyslot *slot, uint32_t hash,
                                    void *entry)
{
    *slot = (tj__keyslot){entry, hash};
    table->count++;
}

#endif
