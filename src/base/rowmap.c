/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A key table for a lookup, and a sorted index for a scan in key order. */
#include "base/rowmap.h"

#include <stdalign.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/keysort.h"
#include "base/keytable.h"

/* Bytes behind a value that its entry may keep. */
#define WASTE_MAX 512

/* Entries lie all over memory: those so many slots on are fetched while one is looked at. */
#define AHEAD 16

/* Memory for entries of a pooled map. Small enough to come from what the process had before. */
#define CHUNK_SIZE ((size_t)64 << 10)
/* What is left of a pooled map moves together when it has lost more than that, and more than is
 * left. */
#define LOST_MIN ((size_t)1 << 20)

typedef struct chunk {
    alignas(tj__rowmap_entry) struct chunk *next;
} chunk;

struct tj__rowmap {
    tj__keytable table;
    bool pooled;
    chunk *chunks; /* of a pooled one */
    uint8_t *room; /* behind the entries in the first of them, */
    size_t room_size;
    size_t bytes;
    size_t lost; /* of them, in a pooled map: of entries that were replaced or removed */
    tj__rowmap_entry **sorted;
    size_t sorted_capacity;
    bool sorted_valid; /* sorted holds exactly the entries, in key order */
};

tj__rowmap *tj__rowmap_new(void)
{
    return calloc(1, sizeof(tj__rowmap));
}

tj__rowmap *tj__rowmap_new_pooled(void)
{
    tj__rowmap *map = tj__rowmap_new();
    if (map) {
        map->pooled = true;
    }
    return map;
}

static void free_chunks(chunk *first)
{
    while (first) {
        chunk *next = first->next;
        free(first);
        first = next;
    }
}

static void free_entries(const tj__rowmap *map)
{
    const tj__keyslot *slots = map->table.slots;
    for (size_t i = 0; i < map->table.slot_count; i++) {
        if (i + AHEAD < map->table.slot_count) {
            __builtin_prefetch(slots[i + AHEAD].entry);
        }
        free(slots[i].entry);
    }
}

void tj__rowmap_clear(tj__rowmap *map)
{
    if (map->pooled) {
        free_chunks(map->chunks);
    } else {
        free_entries(map);
    }
    tj__keytable_dispose(&map->table);
    free(map->sorted);
    *map = (tj__rowmap){.pooled = map->pooled};
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
    return map->table.count;
}

size_t tj__rowmap_bytes(const tj__rowmap *map)
{
    return map->bytes;
}

static tj__bytes key_of(const void *entry)
{
    return tj__rowmap_key(entry);
}

static tj__keyslot *slot_of(const tj__rowmap *map, uint32_t hash, tj__bytes key)
{
    return tj__keytable_slot(&map->table, hash, key, key_of);
}

tj__rowmap_entry *tj__rowmap_find(const tj__rowmap *map, tj__bytes key)
{
    return tj__keytable_find(&map->table, tj__keytable_hash(key), key, key_of);
}

bool tj__rowmap_reserve(tj__rowmap *map, size_t count)
{
    return tj__keytable_reserve(&map->table, count);
}

/* What an entry counts in tj__rowmap_bytes. */
static size_t bytes_of(const tj__rowmap_entry *entry)
{
    return (size_t)entry->key_size + entry->value_room;
}

static uint8_t *add_chunk(tj__rowmap *map, size_t size)
{
    chunk *fresh = malloc(sizeof *fresh + size);
    if (!fresh) {
        return NULL;
    }
    fresh->next = map->chunks;
    map->chunks = fresh;
    return (uint8_t *)(fresh + 1);
}

/* A large entry has a chunk of its own. */
static void *take_from_chunk(tj__rowmap *map, size_t size)
{
    size_t whole = (size + alignof(tj__rowmap_entry) - 1) & ~(alignof(tj__rowmap_entry) - 1);
    if (whole > CHUNK_SIZE / 4) {
        return add_chunk(map, whole);
    }
    if (whole > map->room_size) {
        map->room = add_chunk(map, CHUNK_SIZE);
        map->room_size = map->room ? CHUNK_SIZE : 0;
    }
    uint8_t *at = map->room;
    if (at) {
        map->room += whole;
        map->room_size -= whole;
    }
    return at;
}

static void *allocate(tj__rowmap *map, size_t size)
{
    return map->pooled ? take_from_chunk(map, size) : malloc(size);
}

/* Of a pooled map it stays for a while, and counts. */
static void release(tj__rowmap *map, tj__rowmap_entry *entry)
{
    if (map->pooled) {
        map->lost += bytes_of(entry);
    } else {
        map->bytes -= bytes_of(entry);
        free(entry);
    }
}

static bool move(tj__rowmap *map, tj__keyslot *slot)
{
    const tj__rowmap_entry *entry = slot->entry;
    size_t size = sizeof *entry + bytes_of(entry);
    void *to = take_from_chunk(map, size);
    if (to) {
        slot->entry = memcpy(to, entry, size);
    }
    return to;
}

/* Moves what is left of a pooled map to new memory and releases the old, unless memory is short. */
static void move_together(tj__rowmap *map)
{
    chunk *old = map->chunks;
    chunk **last = &map->chunks;
    bool moved = true;
    map->chunks = NULL;
    map->room_size = 0;
    map->sorted_valid = false;
    for (size_t i = 0; i < map->table.slot_count; i++) {
        if (map->table.slots[i].entry) {
            moved = move(map, &map->table.slots[i]) && moved;
        }
    }
    if (moved) {
        free_chunks(old);
        map->bytes -= map->lost;
    } else {
        while (*last) {
            last = &(*last)->next;
        }
        *last = old;
    }
    map->lost = 0;
}

static tj__rowmap_entry *new_entry(tj__rowmap *map, uint32_t hash, tj__bytes key, tj__bytes value)
{
    if (key.size > UINT32_MAX || value.size > UINT32_MAX) {
        return NULL;
    }
    tj__rowmap_entry *entry = allocate(map, sizeof *entry + key.size + value.size);
    if (!entry) {
        return NULL;
    }
    *entry = (tj__rowmap_entry){.hash = hash,
                                .key_size = (uint32_t)key.size,
                                .value_size = (uint32_t)value.size,
                                .value_room = (uint32_t)value.size};
    if (key.size > 0) {
        memcpy(entry->bytes, key.data, key.size);
    }
    if (value.size > 0) {
        memcpy(entry->bytes + key.size, value.data, value.size);
    }
    return entry;
}

static tj__rowmap_entry *insert(tj__rowmap *map, tj__keyslot *at, uint32_t hash, tj__bytes key,
                                tj__bytes value)
{
    tj__rowmap_entry *entry = new_entry(map, hash, key, value);
    if (!entry) {
        return NULL;
    }
    tj__keytable_put(&map->table, at, hash, entry);
    map->bytes += key.size + value.size;
    map->sorted_valid = false;
    return entry;
}

/* Whether a value is put where the one before is, which wastes little. */
static bool fits(const tj__rowmap_entry *entry, size_t value_size)
{
    return value_size <= entry->value_room && entry->value_room - value_size <= WASTE_MAX;
}

/* Gives an entry a value that has no place in it: it moves, and the sorted index follows. */
static tj__rowmap_entry *replace(tj__rowmap *map, tj__keyslot *at, tj__bytes value)
{
    tj__rowmap_entry *old = at->entry;
    tj__rowmap_entry *entry = new_entry(map, old->hash, tj__rowmap_key(old), value);
    if (!entry) {
        return NULL;
    }
    entry->mark = old->mark;
    if (map->sorted_valid) {
        map->sorted[tj__rowmap_lower_bound(map->sorted, map->table.count, tj__rowmap_key(old))] =
            entry;
    }
    at->entry = entry;
    map->bytes += bytes_of(entry);
    release(map, old);
    return entry;
}

static tj__rowmap_entry *put(tj__rowmap *map, tj__bytes key, tj__bytes value)
{
    if (!tj__rowmap_reserve(map, 1)) {
        return NULL;
    }
    if (map->lost > LOST_MIN && map->lost > map->bytes / 2) {
        move_together(map);
    }
    uint32_t hash = tj__keytable_hash(key);
    tj__keyslot *at = slot_of(map, hash, key);
    tj__rowmap_entry *entry = at->entry;
    if (!entry) {
        return insert(map, at, hash, key, value);
    }
    if (!fits(entry, value.size)) {
        return replace(map, at, value);
    }
    if (value.size > 0) {
        memmove(entry->bytes + entry->key_size, value.data, value.size);
    }
    entry->value_size = (uint32_t)value.size;
    return entry;
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

void tj__rowmap_remove(tj__rowmap *map, tj__bytes key)
{
    if (map->table.count == 0) {
        return;
    }
    tj__keyslot *at = slot_of(map, tj__keytable_hash(key), key);
    tj__rowmap_entry *entry = at->entry;
    if (!entry) {
        return;
    }
    tj__keytable_remove(&map->table, at);
    map->sorted_valid = false;
    release(map, entry);
}

static bool sort(tj__rowmap *map)
{
    if (map->sorted_capacity < map->table.count) {
        tj__rowmap_entry **sorted = realloc(map->sorted, map->table.slot_count * sizeof *sorted);
        if (!sorted) {
            return false;
        }
        map->sorted = sorted;
        map->sorted_capacity = map->table.slot_count;
    }
    size_t count = 0;
    for (size_t i = 0; i < map->table.slot_count; i++) {
        if (map->table.slots[i].entry) {
            map->sorted[count++] = map->table.slots[i].entry;
        }
    }
    TJ_ASSERT(count == map->table.count);
    map->sorted_valid = tj__keysort((void **)map->sorted, count, key_of);
    return map->sorted_valid;
}

bool tj__rowmap_sorted(tj__rowmap *map, tj__rowmap_entry ***entries, size_t *count)
{
    if (!map->sorted_valid && !sort(map)) {
        return false;
    }
    *entries = map->sorted;
    *count = map->table.count;
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
    tj__keyslot *at = slot_of(map, entry->hash, tj__rowmap_key(entry));
    tj__rowmap_entry *old = at->entry;
    if (old) {
        entry->mark = old->mark;
        release(map, old);
        at->entry = entry;
    } else {
        tj__keytable_put(&map->table, at, entry->hash, entry);
    }
    map->bytes += bytes_of(entry);
    map->sorted_valid = false;
}

bool tj__rowmap_absorb(tj__rowmap *map, tj__rowmap *changes)
{
    TJ_ASSERT(!map->pooled && !changes->pooled);
    if (!tj__rowmap_reserve(map, changes->table.count)) {
        return false;
    }
    for (size_t i = 0; i < changes->table.slot_count; i++) {
        tj__rowmap_entry *entry = changes->table.slots[i].entry;
        if (entry && entry->deleted) {
            tj__rowmap_remove(map, tj__rowmap_key(entry));
        } else if (entry) {
            adopt(map, entry);
            changes->table.slots[i].entry = NULL;
        }
    }
    tj__rowmap_clear(changes);
    return true;
}
