/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Keys lie all over memory, so that to compare two of them costs two cache misses. Here seven bytes
 * of each, from where they begin to differ, are put beside its pointer, and only these are
 * compared; keys that agree in them are sorted by what follows.
 */
#include "base/keysort.h"

#include <stdlib.h>

#define HEAD_BYTES 7
/* Entries that far on are fetched while one is looked at. */
#define AHEAD 8
/* So many are compared with each other. */
#define FEW 64
#define GOES_ON (HEAD_BYTES + 1) /* the key does not end within its head */

typedef struct item {
    uint64_t head; /* the bytes, then how many of them there were, or GOES_ON */
    void *entry;
} item;

static size_t same_bytes(tj__bytes a, tj__bytes b, size_t from, size_t most)
{
    size_t at = from;
    while (at < most && at < a.size && at < b.size && a.data[at] == b.data[at]) {
        at++;
    }
    return at;
}

/* How many first bytes all keys share, of which `from` are known to be. */
static size_t shared_bytes(const item *items, size_t count, size_t from, tj__keysort_key *key_of)
{
    tj__bytes first = key_of(items[0].entry);
    size_t shared = first.size;
    for (size_t i = 1; i < count && shared > from; i++) {
        __builtin_prefetch(items[i + AHEAD < count ? i + AHEAD : i].entry);
        shared = same_bytes(first, key_of(items[i].entry), from, shared);
    }
    return shared;
}

static uint64_t head_of(tj__bytes key, size_t from)
{
    size_t rest = key.size - from;
    uint64_t head = 0;
    if (rest > HEAD_BYTES) {
        return (tj__load_u64_be(key.data + from) & ~(uint64_t)0xff) | GOES_ON;
    }
    for (size_t i = 0; i < HEAD_BYTES; i++) {
        head = head << 8 | (i < rest ? key.data[from + i] : 0);
    }
    return head << 8 | rest;
}

static int compare_heads(const void *a, const void *b)
{
    uint64_t left = ((const item *)a)->head;
    uint64_t right = ((const item *)b)->head;
    return left < right ? -1 : left > right;
}

/* By one byte of their heads; items that agree in it stay as they were. */
static void sort_by_byte(const item *from, item *to, size_t count, unsigned shift)
{
    size_t next[257] = {0};
    for (size_t i = 0; i < count; i++) {
        next[(from[i].head >> shift & 0xff) + 1]++;
    }
    for (size_t byte = 1; byte < 256; byte++) {
        next[byte] += next[byte - 1];
    }
    for (size_t i = 0; i < count; i++) {
        to[next[from[i].head >> shift & 0xff]++] = from[i];
    }
}

/* Byte by byte from the last one that differs: no comparing, which is a call each time. */
static void sort_heads(item *items, item *scratch, size_t count)
{
    uint64_t differing = 0;
    item *from = items;
    item *to = scratch;
    if (count < FEW) {
        qsort(items, count, sizeof *items, compare_heads);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        differing |= items[i].head ^ items[0].head;
    }
    for (unsigned shift = 0; shift < 64; shift += 8) {
        if (differing >> shift & 0xff) {
            sort_by_byte(from, to, count, shift);
            item *other = from;
            from = to;
            to = other;
        }
    }
    if (from == scratch) {
        memcpy(items, scratch, count * sizeof *items);
    }
}

/* `from`: so many first bytes are the same in all. */
static void sort(item *items, item *scratch, size_t count, size_t from, tj__keysort_key *key_of)
{
    size_t shared = shared_bytes(items, count, from, key_of);
    for (size_t i = 0; i < count; i++) {
        items[i].head = head_of(key_of(items[i].entry), shared);
    }
    sort_heads(items, scratch, count);
    for (size_t i = 0, end = 0; i < count; i = end) {
        for (end = i + 1; end < count && items[end].head == items[i].head;) {
            end++;
        }
        if (end - i > 1 && (items[i].head & 0xff) == GOES_ON) {
            sort(items + i, scratch, end - i, shared + HEAD_BYTES, key_of);
        }
    }
}

bool tj__keysort(void **entries, size_t count, tj__keysort_key *key_of)
{
    if (count < 2) {
        return true;
    }
    item *items = malloc(2 * count * sizeof *items);
    if (!items) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        items[i].entry = entries[i];
    }
    sort(items, items + count, count, 0, key_of);
    for (size_t i = 0; i < count; i++) {
        entries[i] = items[i].entry;
    }
    free(items);
    return true;
}
