/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The leaves of a tree by the order of the file. First its branch pages are walked; each leaf is
 * marked as taken then, and put aside with the bounds of its keys. Then the leaves are looked at
 * from the front of the file to its end, so that neighbours are read together whatever their keys
 * are. Two threads look at half of them each, with memory and a visitor's context of their own:
 * they share what was put aside and the file, and only read. What both have counted is added up.
 * Only the pages of long values are taken at that time; one that both took is in use twice.
 */
#include <stdlib.h>

#include "base/error.h"
#include "base/thread.h"
#include "table/walk.h"

typedef struct part {
    tj__walk *walk;
    tj__walked_tree tree;
    const tj__leaf *leaves;
    size_t count;
    const uint8_t *keys;
    tj_status status;
    tj_error error;
} part;

/* By their pages, a byte of the numbers after the other: there may be many. False when memory is
 * short. */
static bool sort_leaves(tj__leaf *leaves, size_t count)
{
    uint64_t bits = 0;
    tj__leaf *room = malloc(count * sizeof *room);
    if (!room) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        bits |= leaves[i].page;
    }
    for (unsigned shift = 0; shift < 64 && bits >> shift != 0; shift += 8) {
        size_t ends[256] = {0};
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
    free(room);
    return true;
}

static tj__bytes bound_of(const uint8_t *keys, size_t at, size_t size)
{
    return size > 0 ? tj__bytes_of(keys + at, size) : (tj__bytes){0};
}

static void walk_part(part *p)
{
    for (size_t i = 0; i < p->count && p->status == TJ_OK; i++) {
        const tj__leaf *leaf = &p->leaves[i];
        tj__key_range bounds = {bound_of(p->keys, leaf->low_at, leaf->low_size),
                                bound_of(p->keys, leaf->low_at + leaf->low_size, leaf->high_size)};
        p->status = tj__walk_leaf(p->walk, &p->tree, leaf->page, bounds, &p->error);
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
    for (uint64_t page = 0; page <= walk->pages->last_page; page++) {
        uint8_t bit = (uint8_t)(1u << page % 8);
        if (walk->taken[page / 8] & other->taken[page / 8] & bit) {
            return tj__walk_used_twice(walk, page, error);
        }
        walk->taken[page / 8] |= other->taken[page / 8] & bit;
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

static tj_status out_of_memory(const tj__walk *walk, tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "out of memory checking %s", walk->pages->path);
}

static tj_status walk_by_two(part *all, void *context, tj_error *error)
{
    part second = *all;
    second.walk = tj__walk_new(all->walk->pages);
    if (!second.walk) {
        return out_of_memory(all->walk, error);
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

static tj_status walk_aside(tj__walk *walk, tj__walked_tree *tree, const tj__leaves *leaves,
                            void *other, tj_error *error)
{
    part all = {.walk = walk,
                .tree = *tree,
                .leaves = (const tj__leaf *)(const void *)leaves->items.data,
                .count = leaves->items.size / sizeof(tj__leaf),
                .keys = leaves->keys.data};
    if (!sort_leaves((tj__leaf *)(void *)leaves->items.data, all.count)) {
        return out_of_memory(walk, error);
    }
    if (other) {
        TJ_TRY(walk_by_two(&all, other, error));
    } else {
        walk_part(&all);
    }
    *tree = all.tree;
    return all.status == TJ_OK ? TJ_OK : tj__error_pass(error, &all.error);
}

tj_status tj__walk_leaves(tj__walk *walk, tj__walked_tree *tree, void *other, tj_error *error)
{
    tj__leaves leaves = {{0}, {0}};
    walk->leaves = &leaves;
    tj_status status = tj__walk_page(walk, tree, tree->record->root, 1, TJ__ALL_KEYS, error);
    walk->leaves = NULL;
    if (status == TJ_OK) {
        status = walk_aside(walk, tree, &leaves, other, error);
    }
    tj__buffer_dispose(&leaves.items);
    tj__buffer_dispose(&leaves.keys);
    return status;
}
