/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the files of the page walk share. */
#ifndef TJ_TABLE_WALK_H
#define TJ_TABLE_WALK_H

#include "table/pages.h"

typedef enum tj__tree_kind { TJ__FREE_LIST, TJ__MAIN_DATABASE, TJ__NAMED_DATABASE } tj__tree_kind;

/* A tree under the walk: its record and what was counted. */
typedef struct tj__walked_tree {
    tj__tree_kind kind;
    tj__bytes name;
    const tj__tree *record;
    tj__tree counted;
} tj__walked_tree;

/* Keys of a page are at or above `low` and below `high`; no data: unbounded. */
typedef struct tj__key_range {
    tj__bytes low;
    tj__bytes high;
} tj__key_range;
#define TJ__ALL_KEYS ((tj__key_range){{0}, {0}})

typedef tj_status tj__leaf_visitor(tj__walk *walk, tj__walked_tree *tree, uint64_t number,
                                   tj__key_range bounds, tj_error *error);

/* What is put aside of a gigabyte of leaves is a few dozen megabytes. */
#define TJ__LEAVES_ASIDE_MAX ((size_t)1 << 18)

struct tj__walk {
    const tj__pages *pages;
    uint8_t *taken;  /* a bit per page up to the last one: in use, or in the free list */
    uint8_t *levels; /* a branch page for each of LEVELS_MAX */
    unsigned level;  /* pages of `levels` in use */
    tj__pages_ahead ahead;
    tj__buffer names;
    tj__buffer trees;        /* tj__tree for each name */
    tj__walked_row *rows;    /* of a page, as many as one can have */
    size_t row_count;        /* of them, those to give */
    uint16_t flags;          /* of any node of the page */
    tj__buffer value;        /* scratch: one that lies in overflow pages */
    tj__walk_visitor *visit; /* of the database under the walk; or NULL */
    void *context;
    tj__leaf_visitor *leaf;    /* looks at one, or puts it aside */
    struct tj__leaves *leaves; /* that were put aside (leaves.c) */
    size_t leaves_max;         /* so many are put aside before they are looked at */
};

tj__walk *tj__walk_new(const tj__pages *pages); /* NULL when memory is short */
static inline size_t tj__walk_taken_size(const tj__walk *walk)
{
    return (size_t)(walk->pages->last_page / 8) + 1;
}

/* Visits a page that stands `depth` levels below its tree's root (1: the root itself), and all
 * pages below it. */
tj_status tj__walk_page(tj__walk *walk, tj__walked_tree *tree, uint64_t number, unsigned depth,
                        tj__key_range bounds, tj_error *error);
/* Visits a leaf that is taken already. */
tj__leaf_visitor tj__walk_leaf;
tj_status tj__walk_used_twice(const tj__walk *walk, uint64_t page, tj_error *error);

/* ---- leaves.c: as tj__walk_page of the root; the leaves by the order of the file, and by two
 * threads when there is a context for the other */
tj_status tj__walk_leaves(tj__walk *walk, tj__walked_tree *tree, void *other, tj_error *error);

#endif
