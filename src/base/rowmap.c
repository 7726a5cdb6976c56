/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Open addressing for a lookup by key, and a sorted index for a scan in key order. */
#include "base/rowmap.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/hash.h"

#define SLOTS_MIN 16

/* The hash stands beside the pointer, so that a probe looks at an entry only when they agree. */
typedef struct slot {
    uint64_t hash;
    tj__rowmap_entry *entry; /* NULL: free */
} slot;

/* Open addressing with linear probing: an entry stands at its home slot (hash & mask) or behind
 * it, with no free slot between. Removing one closes the gap, so there are no tombstones. */
struct tj__rowmap {
    slot *slots;
    size_t slot_count; /* a power of two, or 0 */
    size_t count;
    size_t bytes;
    tj__rowmap_entry **sorted;
    size_t sorted_capacity;
    bool sorted_valid; /* sorted holds exactly the entries, in key order */
};

tj__bytes tj__rowmap_key(const tj__rowmap_entry *entry)
{
    return (tj__bytes){entry->bytes, entry->key_size};
}

tj__bytes tj__rowmap_value(const tj__rowmap_entry *entry)
{
    return (tj__bytes){entry->bytes + entry->key_size, entry->value_size};
}

tj__rowmap *tj__rowmap_new(void)
{
    return calloc(1, sizeof(tj__rowmap));
}

void tj__rowmap_clear(tj__rowmap *map)
{
    for (size_t i = 0; i < map->slot_count; i++) {
        free(map->slots[i].entry);
    }
    free(map->slots);
    free(map->sorted);
    *map = (tj__rowmap){0};
}

void tj__rowmap_free(tj__rowmap *map)
{
    if (map) {
        tj__rowmap_clear(map);
        free(map);
    }
}

size_t tj__rowmap_count(const tj__rowmap *map)
{
    return map->count;
}

size_t tj__rowmap_bytes(const tj__rowmap *map)
{
    return map->bytes;
}

/* The slot that holds the key, or the free one where it would go. Needs at least one free slot. */
static slot *probe(const tj__rowmap *map, uint64_t hash, tj__bytes key)
{
    size_t mask = map->slot_count - 1;
    size_t i = (size_t)hash & mask;
    while (map->slots[i].entry) {
        if (map->slots[i].hash == hash &&
            tj__bytes_equal(tj__rowmap_key(map->slots[i].entry), key)) {
            break;
        }
        i = (i + 1) & mask;
    }
    return &map->slots[i];
}

tj__rowmap_entry *tj__rowmap_find(const tj__rowmap *map, tj__bytes key)
{
    return map->count > 0 ? probe(map, tj__hash(key.data, key.size), key)->entry : NULL;
}

/* Moves every entry into a table of slot_count slots. */
static bool resize(tj__rowmap *map, size_t slot_count)
{
    slot *slots = calloc(slot_count, sizeof *slots);
    if (!slots) {
        return false;
    }
    for (size_t i = 0; i < map->slot_count; i++) {
        if (map->slots[i].entry) {
            size_t to = (size_t)map->slots[i].hash & (slot_count - 1);
            while (slots[to].entry) {
                to = (to + 1) & (slot_count - 1);
            }
            slots[to] = map->slots[i];
        }
    }
    free(map->slots);
    map->slots = slots;
    map->slot_count = slot_count;
    return true;
}

bool tj__rowmap_reserve(tj__rowmap *map, size_t count)
{
    /* At most three quarters of the slots are taken. */
    if (count > SIZE_MAX / 4 - map->count) {
        return false;
    }
    size_t needed = (map->count + count) / 3 * 4 + 4;
    size_t slot_count = map->slot_count > 0 ? map->slot_count : SLOTS_MIN;
    while (slot_count < needed && slot_count <= SIZE_MAX / 4) {
        slot_count *= 2;
    }
    if (slot_count < needed) {
        return false;
    }
    return slot_count == map->slot_count || resize(map, slot_count);
}

static tj__rowmap_entry *new_entry(uint64_t hash, tj__bytes key, tj__bytes value)
{
    if (key.size > UINT32_MAX || value.size > UINT32_MAX) {
        return NULL;
    }
    tj__rowmap_entry *entry = malloc(sizeof *entry + key.size + value.size);
    if (!entry) {
        return NULL;
    }
    *entry = (tj__rowmap_entry){
        .hash = hash, .key_size = (uint32_t)key.size, .value_size = (uint32_t)value.size};
    if (key.size > 0) {
        memcpy(entry->bytes, key.data, key.size);
    }
    if (value.size > 0) {
        memcpy(entry->bytes + key.size, value.data, value.size);
    }
    return entry;
}

static tj__rowmap_entry *insert(tj__rowmap *map, slot *at, uint64_t hash, tj__bytes key,
                                tj__bytes value)
{
    tj__rowmap_entry *entry = new_entry(hash, key, value);
    if (!entry) {
        return NULL;
    }
    *at = (slot){hash, entry};
    map->count++;
    map->bytes += key.size + value.size;
    map->sorted_valid = false;
    return entry;
}

/* Gives an entry a value of another size: it moves, and the sorted index follows. */
static tj__rowmap_entry *replace(tj__rowmap *map, slot *at, tj__bytes value)
{
    tj__rowmap_entry *old = at->entry;
    tj__rowmap_entry *entry = new_entry(old->hash, tj__rowmap_key(old), value);
    if (!entry) {
        return NULL;
    }
    entry->mark = old->mark;
    if (map->sorted_valid) {
        map->sorted[tj__rowmap_lower_bound(map->sorted, map->count, tj__rowmap_key(old))] = entry;
    }
    at->entry = entry;
    map->bytes = map->bytes - old->value_size + entry->value_size;
    free(old);
    return entry;
}

static tj__rowmap_entry *put(tj__rowmap *map, tj__bytes key, tj__bytes value)
{
    if (!tj__rowmap_reserve(map, 1)) {
        return NULL;
    }
    uint64_t hash = tj__hash(key.data, key.size);
    slot *at = probe(map, hash, key);
    if (!at->entry) {
        return insert(map, at, hash, key, value);
    }
    if (at->entry->value_size != value.size) {
        return replace(map, at, value);
    }
    if (value.size > 0) {
        memmove(at->entry->bytes + at->entry->key_size, value.data, value.size);
    }
    return at->entry;
}

tj__rowmap_entry *tj__rowmap_put(tj__rowmap *map, tj__bytes key, tj__bytes value, uint64_t sequence)
{
    tj__rowmap_entry *entry = put(map, key, value);
    if (entry) {
        entry->sequence = sequence;
        entry->deleted = false;
    }
    return entry;
}

tj__rowmap_entry *tj__rowmap_put_deleted(tj__rowmap *map, tj__bytes key, uint64_t sequence)
{
    tj__rowmap_entry *entry = put(map, key, (tj__bytes){NULL, 0});
    if (entry) {
        entry->sequence = sequence;
        entry->deleted = true;
    }
    return entry;
}

/* Empties slot `hole` and moves back each later entry of the run that may stand there. */
static void close_gap(tj__rowmap *map, size_t hole)
{
    size_t mask = map->slot_count - 1;
    for (size_t i = (hole + 1) & mask; map->slots[i].entry; i = (i + 1) & mask) {
        size_t home = (size_t)map->slots[i].hash & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            map->slots[hole] = map->slots[i];
            hole = i;
        }
    }
    map->slots[hole] = (slot){0, NULL};
}

void tj__rowmap_remove(tj__rowmap *map, tj__bytes key)
{
    if (map->count == 0) {
        return;
    }
    slot *at = probe(map, tj__hash(key.data, key.size), key);
    tj__rowmap_entry *entry = at->entry;
    if (!entry) {
        return;
    }
    close_gap(map, (size_t)(at - map->slots));
    map->count--;
    map->bytes -= (size_t)entry->key_size + entry->value_size;
    map->sorted_valid = false;
    free(entry);
}

static int compare_entries(const void *a, const void *b)
{
    tj__rowmap_entry *const *left = a;
    tj__rowmap_entry *const *right = b;
    return tj__bytes_compare(tj__rowmap_key(*left), tj__rowmap_key(*right));
}

static bool sort(tj__rowmap *map)
{
    if (map->sorted_capacity < map->count) {
        tj__rowmap_entry **sorted = realloc(map->sorted, map->slot_count * sizeof *sorted);
        if (!sorted) {
            return false;
        }
        map->sorted = sorted;
        map->sorted_capacity = map->slot_count;
    }
    size_t count = 0;
    for (size_t i = 0; i < map->slot_count; i++) {
        if (map->slots[i].entry) {
            map->sorted[count++] = map->slots[i].entry;
        }
    }
    TJ_ASSERT(count == map->count);
    if (count > 1) {
        qsort(map->sorted, count, sizeof *map->sorted, compare_entries);
    }
    map->sorted_valid = true;
    return true;
}

bool tj__rowmap_sorted(tj__rowmap *map, tj__rowmap_entry ***entries, size_t *count)
{
    if (!map->sorted_valid && !sort(map)) {
        return false;
    }
    *entries = map->sorted;
    *count = map->count;
    return true;
}

size_t tj__rowmap_lower_bound(tj__rowmap_entry *const *entries, size_t count, tj__bytes key)
{
    size_t first = 0;
    while (count > 0) {
        size_t half = count / 2;
        if (tj__bytes_compare(tj__rowmap_key(entries[first + half]), key) < 0) {
            first += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return first;
}

/* Puts an entry that was allocated for another map; the table has room for it. */
static void adopt(tj__rowmap *map, tj__rowmap_entry *entry)
{
    slot *at = probe(map, entry->hash, tj__rowmap_key(entry));
    if (at->entry) {
        entry->mark = at->entry->mark;
        map->bytes -= (size_t)at->entry->key_size + at->entry->value_size;
        free(at->entry);
    } else {
        map->count++;
    }
    map->bytes += (size_t)entry->key_size + entry->value_size;
    map->sorted_valid = false;
    *at = (slot){entry->hash, entry};
}

bool tj__rowmap_absorb(tj__rowmap *map, tj__rowmap *changes)
{
    if (!tj__rowmap_reserve(map, changes->count)) {
        return false;
    }
    for (size_t i = 0; i < changes->slot_count; i++) {
        tj__rowmap_entry *entry = changes->slots[i].entry;
        if (entry && entry->deleted) {
            tj__rowmap_remove(map, tj__rowmap_key(entry));
        } else if (entry) {
            adopt(map, entry);
            changes->slots[i].entry = NULL;
        }
    }
    tj__rowmap_clear(changes);
    return true;
}
