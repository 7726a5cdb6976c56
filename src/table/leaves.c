/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The leaves of a tree by the order of the file. First its branch pages are walked; each leaf is
 * marked as taken then, and put aside with the bounds of its keys. Then the leaves are looked at
 * from the front of the file to its end, so that neighbours are read together whatever their keys
 * are. Of a huge tree that is done with some of them after the other, which bounds the memory. Two
 * threads look at half of them each, with memory and a visitor's context of their own: they share
 * what was put aside and the file, and only read. What both have counted is added up. Only the
 * pages of long values are taken at that time; one that both took is in use twice.
 */
#include <stdlib.h>

#include "base/error.h"
#include "base/large.h"
#include "base/thread.h"
#include "model/change.h"
#include "table/walk.h"

/* Bytes of keys for each leaf, more than most have. Where they are longer, fewer leaves are put
 * aside at a time. */
#define KEY_ROOM 96
/* However few a damaged tree counts. */
#define LEAVES_ASIDE_MIN 512

/* A leaf that is looked at later, and where the keys are that bound its own: the high one is the
 * low one of the next, and stands behind it. No bytes: unbounded. */
typedef struct leaf {
    uint64_t page;
    uint32_t low_at;
    uint16_t low_size;
    uint16_t high_size;
} leaf;

struct tj__leaves {
    leaf *items; /* in the order of their keys, with room for as many more to sort them */
    size_t count;
    size_t max;
    uint8_t *keys;
    size_t keys_size;
    size_t keys_max;
    void *other; /* the context of a second thread; NULL: there is none */
};

typedef struct part {
    tj__walk *walk;
    tj__walked_tree tree;
    const leaf *leaves;
    size_t count;
    const uint8_t *keys;
    tj_status status;
    tj_error error;
} part;

/* By their pages, a byte of the numbers after the other: qsort would take a tenth of a walk. */
static void sort_leaves(leaf *leaves, leaf *room, size_t count)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < count; i++) {
        bits |= leaves[i].page;
    }
    for (unsigned shift = 0; shift < 64 && bits >> shift != 0; shift += 8) {
        uint32_t ends[256] = {0};
        for (size_t i = 0; i < count; i++) {
            ends[leaves[i].page >> shift & 255]++;
        }
        for (size_t byte = 1; byte < 256; byte++) {
            ends[byte] += ends[byte - 1];
        }
        for (size_t i = count; i-- > 0;) {
            room[--ends[leaves[i].page >> shift & 255]] = leaves[i];
        }
        memcpy(leaves, room, count * sizeof *leaves);
    }
}

static tj__bytes bound_of(const uint8_t *keys, size_t at, size_t size)
{
    return size > 0 ? tj__bytes_of(keys + at, size) : (tj__bytes){0};
}

/* Reads leaves together that are neighbours in the file, or all but: to copy a page that is not
 * looked at is as quick as another call. Where that fails each leaf is read alone, and tells. */
static void read_some(part *p, size_t from)
{
    const leaf *leaves = p->leaves;
    uint64_t first = leaves[from].page;
    size_t last = from;
    while (last + 1 < p->count && leaves[last + 1].page - leaves[last].page <= 2 &&
           leaves[last + 1].page - first < TJ__PAGES_AHEAD) {
        last++;
    }
    (void)tj__pages_fill(p->walk->pages, &p->walk->ahead, first,
                         (size_t)(leaves[last].page - first) + 1, NULL);
}

static tj_status walk_one(part *p, size_t index)
{
    const leaf *l = &p->leaves[index];
    tj__key_range bounds = {bound_of(p->keys, l->low_at, l->low_size),
                            bound_of(p->keys, l->low_at + l->low_size, l->high_size)};
    if (!tj__pages_has_ahead(&p->walk->ahead, l->page)) {
        read_some(p, index);
    }
    return tj__walk_leaf(p->walk, &p->tree, l->page, bounds, &p->error);
}

static void walk_part(part *p)
{
    for (size_t i = 0; i < p->count && p->status == TJ_OK; i++) {
        p->status = walk_one(p, i);
    }
}

static void *run(void *context)
{
    walk_part(context);
    return NULL;
}

static void add_counted(tj__tree *sum, const tj__tree *more)
{
    sum->leaf_pages += more->leaf_pages;
    sum->overflow_pages += more->overflow_pages;
    sum->entries += more->entries;
}

static tj_status add_taken(tj__walk *walk, const tj__walk *other, tj_error *error)
{
    for (size_t at = 0; at < tj__walk_taken_size(walk); at++) {
        unsigned both = walk->taken[at] & other->taken[at];
        if (both != 0) {
            return tj__walk_used_twice(walk, 8 * (uint64_t)at + (unsigned)__builtin_ctz(both),
                                       error);
        }
        walk->taken[at] |= other->taken[at];
    }
    return TJ_OK;
}

static tj_status join(part *first, part *second, tj_error *error)
{
    if (first->status != TJ_OK || second->status != TJ_OK) {
        return tj__error_pass(error, first->status != TJ_OK ? &first->error : &second->error);
    }
    add_counted(&first->tree.counted, &second->tree.counted);
    return add_taken(first->walk, second->walk, error);
}

/* Without a thread for the second part it is walked behind the first. No cancellation of the caller
 * leaves the thread behind. */
static void walk_both(part *first, part *second)
{
    int cancel = PTHREAD_CANCEL_ENABLE;
    pthread_t thread;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    bool beside = tj__thread_start(&thread, run, second, "half of a walk", NULL) == TJ_OK;
    walk_part(first);
    if (beside) {
        pthread_join(thread, NULL);
    } else {
        walk_part(second);
    }
    pthread_setcancelstate(cancel, NULL);
}

static tj_status walk_by_two(part *all, void *context, tj_error *error)
{
    part second = *all;
    second.walk = tj__walk_new(all->walk->pages);
    if (!second.walk) {
        return tj__pages_no_memory(all->walk->pages, error);
    }
    second.walk->visit = all->walk->visit;
    second.walk->context = context;
    second.tree.counted = (tj__tree){0};
    all->count /= 2;
    second.leaves += all->count;
    second.count -= all->count;
    walk_both(all, &second);
    tj_status status = join(all, &second, error);
    tj__walk_end(second.walk);
    return status;
}

static tj_status walk_aside(tj__walk *walk, tj__walked_tree *tree, tj_error *error)
{
    struct tj__leaves *leaves = walk->leaves;
    part all = {.walk = walk,
                .tree = *tree,
                .leaves = leaves->items,
                .count = leaves->count,
                .keys = leaves->keys};
    sort_leaves(leaves->items, leaves->items + leaves->max, leaves->count);
    if (leaves->other) {
        TJ_TRY(walk_by_two(&all, leaves->other, error));
    } else {
        walk_part(&all);
    }
    *tree = all.tree;
    leaves->count = 0;
    leaves->keys_size = 0;
    return all.status == TJ_OK ? TJ_OK : tj__error_pass(error, &all.error);
}

static void put_key(struct tj__leaves *leaves, tj__bytes key)
{
    if (key.size > 0) {
        memcpy(leaves->keys + leaves->keys_size, key.data, key.size);
        leaves->keys_size += key.size;
    }
}

static tj_status put_aside(tj__walk *walk, tj__walked_tree *tree, uint64_t number,
                           tj__key_range bounds, tj_error *error)
{
    struct tj__leaves *leaves = walk->leaves;
    leaves->items[leaves->count++] = (leaf){number, (uint32_t)leaves->keys_size,
                                            (uint16_t)bounds.low.size, (uint16_t)bounds.high.size};
    put_key(leaves, bounds.low);
    if (leaves->count < leaves->max &&
        leaves->keys_max - leaves->keys_size >= 2 * TJ__ROW_KEY_SIZE_MAX) {
        return TJ_OK;
    }
    put_key(leaves, bounds.high); /* no next one will stand behind it */
    return walk_aside(walk, tree, error);
}

/* Memory for as many as a tree counts, or for some after the other. False when it is short. */
static bool leaves_open(struct tj__leaves *leaves, uint64_t count, size_t max, void *other)
{
    count = count < LEAVES_ASIDE_MIN ? LEAVES_ASIDE_MIN : count;
    *leaves = (struct tj__leaves){.max = count < max ? (size_t)count : max, .other = other};
    leaves->keys_max = leaves->max * KEY_ROOM + 3 * TJ__ROW_KEY_SIZE_MAX;
    leaves->items = tj__large_new(2 * leaves->max * sizeof *leaves->items + leaves->keys_max);
    leaves->keys = leaves->items ? (uint8_t *)(leaves->items + 2 * leaves->max) : NULL;
    return leaves->items;
}

tj_status tj__walk_leaves(tj__walk *walk, tj__walked_tree *tree, void *other, tj_error *error)
{
    struct tj__leaves leaves;
    if (!leaves_open(&leaves, tree->record->leaf_pages, walk->leaves_max, other)) {
        return tj__pages_no_memory(walk->pages, error);
    }
    walk->leaves = &leaves;
    walk->leaf = put_aside;
    tj_status status = tj__walk_page(walk, tree, tree->record->root, 1, TJ__ALL_KEYS, error);
    if (status == TJ_OK && leaves.count > 0) {
        status = walk_aside(walk, tree, error);
    }
    walk->leaf = tj__walk_leaf;
    walk->leaves = NULL;
    free(leaves.items);
    return status;
}
