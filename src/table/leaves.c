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
#include "base/thread.h"
#include "model/change.h"
#include "table/walk.h"

/* A leaf that is looked at later, and where the keys are that bound its own: the high one is the
 * low one of the next, and stands behind it. No bytes: unbounded. */
typedef struct leaf {
    uint64_t page;
    uint32_t low_at;
    uint16_t low_size;
    uint16_t high_size;
} leaf;

struct tj__leaves {
    tj__buffer items; /* leaf each, in the order of their keys */
    tj__buffer keys;
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

_Static_assert(TJ__LEAVES_ASIDE_MAX *TJ__ROW_KEY_SIZE_MAX <= UINT32_MAX, "keys have their places");

#define SORT_BITS 11

/* By their pages, some bits of the numbers after the other: there may be many. False when memory is
 * short. */
static bool sort_leaves(leaf *leaves, size_t count)
{
    uint64_t bits = 0;
    leaf *room = malloc(count * sizeof *room);
    if (!room) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        bits |= leaves[i].page;
    }
    for (unsigned shift = 0; shift < 64 && bits >> shift != 0; shift += SORT_BITS) {
        uint32_t ends[1 << SORT_BITS] = {0};
        size_t mask = (1 << SORT_BITS) - 1;
        for (size_t i = 0; i < count; i++) {
            ends[leaves[i].page >> shift & mask]++;
        }
        for (size_t digit = 1; digit <= mask; digit++) {
            ends[digit] += ends[digit - 1];
        }
        for (size_t i = count; i-- > 0;) {
            room[--ends[leaves[i].page >> shift & mask]] = leaves[i];
        }
        memcpy(leaves, room, count * sizeof *leaves);
    }
    free(room);
    return true;
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
                .leaves = (const leaf *)(const void *)leaves->items.data,
                .count = leaves->items.size / sizeof(leaf),
                .keys = leaves->keys.data};
    if (!sort_leaves((leaf *)(void *)leaves->items.data, all.count)) {
        return tj__pages_no_memory(walk->pages, error);
    }
    if (leaves->other) {
        TJ_TRY(walk_by_two(&all, leaves->other, error));
    } else {
        walk_part(&all);
    }
    *tree = all.tree;
    tj__buffer_clear(&leaves->items);
    tj__buffer_clear(&leaves->keys);
    return all.status == TJ_OK ? TJ_OK : tj__error_pass(error, &all.error);
}

static tj_status put_aside(tj__walk *walk, tj__walked_tree *tree, uint64_t number,
                           tj__key_range bounds, tj_error *error)
{
    struct tj__leaves *leaves = walk->leaves;
    leaf aside = {number, (uint32_t)leaves->keys.size, (uint16_t)bounds.low.size,
                  (uint16_t)bounds.high.size};
    tj__put_bytes(&leaves->items, &aside, sizeof aside);
    tj__put_bytes(&leaves->keys, bounds.low.data, bounds.low.size);
    bool full = leaves->items.size / sizeof aside >= walk->leaves_max;
    if (full) { /* no next one will stand behind it */
        tj__put_bytes(&leaves->keys, bounds.high.data, bounds.high.size);
    }
    if (leaves->items.failed || leaves->keys.failed) {
        return tj__pages_no_memory(walk->pages, error);
    }
    return full ? walk_aside(walk, tree, error) : TJ_OK;
}

tj_status tj__walk_leaves(tj__walk *walk, tj__walked_tree *tree, void *other, tj_error *error)
{
    struct tj__leaves leaves = {.other = other};
    walk->leaves = &leaves;
    walk->leaf = put_aside;
    tj_status status = tj__walk_page(walk, tree, tree->record->root, 1, TJ__ALL_KEYS, error);
    if (status == TJ_OK && leaves.items.size > 0) {
        status = walk_aside(walk, tree, error);
    }
    walk->leaf = tj__walk_leaf;
    walk->leaves = NULL;
    tj__buffer_dispose(&leaves.items);
    tj__buffer_dispose(&leaves.keys);
    return status;
}
