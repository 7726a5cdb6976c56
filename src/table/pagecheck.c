/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The page walk: everything that the newest meta page reaches is visited once, and only what LMDB
 * could have written passes. What each step may rely on:
 *   - a page is read by tj__pages_read_ahead, which checks it as far as it stands alone;
 *   - the number of a page is marked before the page is used, so a cycle ends at its second visit
 *     and the work is bounded by the size of the file;
 *   - leaves stand at exactly the depth their tree record says, at most TJ__TREE_DEPTH_MAX, and the
 *     named databases are walked after the main one, so the recursion is at most LEVELS_MAX deep.
 * Trees with flags (duplicates, reversed or integer keys) are refused: neither this library nor
 * Tesser's own writes any, and LMDB reads their pages in other ways.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/file.h"
#include "table/table.h"
#include "table/walk.h"

#define LEVELS_MAX TJ__TREE_DEPTH_MAX
#define PAGE_NUMBERS_AT_ONCE 512

static bool take(tj__walk *walk, uint64_t page)
{
    uint8_t bit = (uint8_t)(1u << page % 8);
    bool first = (walk->taken[page / 8] & bit) == 0;
    walk->taken[page / 8] |= bit;
    return first;
}

tj_status tj__walk_used_twice(const tj__walk *walk, uint64_t page, tj_error *error)
{
    return tj__pages_bad(walk->pages, page, error, "it is in use twice, or in use and free");
}

/* Marks a run of pages, which must be within the file and in nobody's use. */
static tj_status take_run(tj__walk *walk, uint64_t first, uint64_t count, tj_error *error)
{
    const tj__pages *pages = walk->pages;
    if (first < 2 || first > pages->last_page || count > pages->last_page - first + 1) {
        return tj__pages_bad(pages, first, error,
                             "%" PRIu64 " pages from here go beyond the last page, %" PRIu64, count,
                             pages->last_page);
    }
    if ((first + count) * pages->page_size > pages->size) {
        return tj__pages_truncated(pages, error);
    }
    for (uint64_t page = first; page < first + count; page++) {
        if (!take(walk, page)) {
            return tj__walk_used_twice(walk, page, error);
        }
    }
    return TJ_OK;
}

/* Most keys of a table share the first eight bytes, and hardly any two the next: two words tell
 * sooner than a call. */
static inline bool is_below(bool numbers, tj__bytes a, tj__bytes b)
{
    if (numbers) {
        return tj__load_u64(a.data) < tj__load_u64(b.data);
    }
    for (size_t at = 0; at < 16 && a.size >= 16 && b.size >= 16; at += 8) {
        uint64_t left = tj__load_u64_be(a.data + at);
        uint64_t right = tj__load_u64_be(b.data + at);
        if (left != right) {
            return left < right;
        }
    }
    return tj__bytes_compare(a, b) < 0;
}

static tj_status bad_order(const tj__walk *walk, uint64_t number, size_t index, tj_error *error)
{
    return tj__pages_bad(walk->pages, number, error, "key %zu is out of order", index);
}

/* Keys rise, and stay within what the parent page promises. The first key of a branch page is not
 * looked at: it stands for the parent's own. Notes what nodes there are. */
static tj_status check_keys(tj__walk *walk, const tj__walked_tree *tree, uint64_t number,
                            const uint8_t *page, bool branch, tj__key_range bounds, tj_error *error)
{
    bool numbers = tree->kind == TJ__FREE_LIST;
    uint64_t page_at = number * walk->pages->page_size;
    tj__walked_row *rows = walk->rows;
    tj__bytes below = {0};
    uint16_t flags = 0;
    size_t count = tj__page_node_count(page);
    for (size_t i = branch; i < count; i++) {
        tj__node node = tj__page_node_of(page, i, branch);
        if (numbers && node.key.size != sizeof(uint64_t)) {
            return tj__pages_bad(walk->pages, number, error,
                                 "key %zu of the free list has %zu bytes", i, node.key.size);
        }
        if (below.data ? !is_below(numbers, below, node.key)
                       : bounds.low.data && is_below(numbers, node.key, bounds.low)) {
            return bad_order(walk, number, i, error);
        }
        below = node.key;
        flags |= node.flags;
        rows[i] = (tj__walked_row){below, tj__bytes_of(page + node.value_at, node.value_size),
                                   page_at + node.value_at};
    }
    walk->flags = flags;
    return below.data && bounds.high.data && !is_below(numbers, below, bounds.high)
               ? bad_order(walk, number, count - 1, error)
               : TJ_OK;
}

/* The run of overflow pages that holds a node's value: *file_at is where the value starts. */
static tj_status check_overflow(tj__walk *walk, tj__walked_tree *tree, const tj__node *node,
                                uint64_t *file_at, tj_error *error)
{
    const tj__pages *pages = walk->pages;
    TJ_TRY(take_run(walk, node->child, 1, error));
    uint8_t header[TJ__PAGE_HEADER_SIZE];
    *file_at = node->child * pages->page_size;
    TJ_TRY(tj__file_read_at(pages->fd, pages->path, header, sizeof header, *file_at, error));
    uint64_t run = tj__load_u32(header + 12);
    uint64_t needed =
        (TJ__PAGE_HEADER_SIZE - 1 + (uint64_t)node->value_size) / pages->page_size + 1;
    if (tj__load_u64(header) != node->child || tj__load_u16(header + 10) != TJ__PAGE_OVERFLOW) {
        return tj__pages_bad(pages, node->child, error, "it is not the overflow page it should be");
    }
    if (run < needed) {
        return tj__pages_bad(pages, node->child, error,
                             "%" PRIu64 " overflow pages cannot hold a value of %" PRIu32 " bytes",
                             run, node->value_size);
    }
    if (run > 1) {
        TJ_TRY(take_run(walk, node->child + 1, run - 1, error));
    }
    tree->counted.overflow_pages += run;
    *file_at += TJ__PAGE_HEADER_SIZE;
    return TJ_OK;
}

/* Free pages must fall from entry to entry, and be in nobody's use. */
static tj_status check_free_pages(tj__walk *walk, uint64_t list_page, const uint8_t *entries,
                                  size_t count, uint64_t *above, tj_error *error)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t page = tj__load_u64(entries + 8 * i);
        if (page < 2 || page >= *above) {
            return tj__pages_bad(walk->pages, list_page, error,
                                 "its list of free pages holds %" PRIu64 " out of order or range",
                                 page);
        }
        if (!take(walk, page)) {
            return tj__pages_bad(walk->pages, page, error,
                                 "it is in the free list, but in use or listed before");
        }
        *above = page;
    }
    return TJ_OK;
}

/* A value of the free list: a count, then that many page numbers; more room than that is fine. */
static tj_status check_free_list(tj__walk *walk, uint64_t list_page, uint64_t file_at,
                                 uint32_t size, tj_error *error)
{
    const tj__pages *pages = walk->pages;
    uint8_t piece[8 * PAGE_NUMBERS_AT_ONCE];
    if (size < 8 || size % 8 != 0) {
        return tj__pages_bad(pages, list_page, error,
                             "its list of free pages has %" PRIu32 " bytes", size);
    }
    TJ_TRY(tj__file_read_at(pages->fd, pages->path, piece, 8, file_at, error));
    uint64_t left = tj__load_u64(piece);
    if (left > size / 8 - 1) {
        return tj__pages_bad(pages, list_page, error,
                             "its list counts %" PRIu64 " free pages in %" PRIu32 " bytes", left,
                             size);
    }
    uint64_t above = pages->last_page + 1;
    for (uint64_t at = file_at + 8; left > 0;) {
        size_t count = left < PAGE_NUMBERS_AT_ONCE ? (size_t)left : PAGE_NUMBERS_AT_ONCE;
        TJ_TRY(tj__file_read_at(pages->fd, pages->path, piece, 8 * count, at, error));
        TJ_TRY(check_free_pages(walk, list_page, piece, count, &above, error));
        at += 8 * count;
        left -= count;
    }
    return TJ_OK;
}

/* Its key is the transaction that freed the pages. */
static tj_status check_free_key(const tj__walk *walk, uint64_t number, tj__bytes key,
                                tj_error *error)
{
    uint64_t freed_by = tj__load_u64(key.data);
    if (freed_by == 0 || freed_by > walk->pages->transaction) {
        return tj__pages_bad(walk->pages, number, error,
                             "it lists pages freed by transaction %" PRIu64
                             ", the last one is %" PRIu64,
                             freed_by, walk->pages->transaction);
    }
    return TJ_OK;
}

static tj_status check_named(tj__walk *walk, const tj__walked_tree *parent, uint64_t number,
                             const uint8_t *page, const tj__node *node, tj_error *error)
{
    if (parent->kind != TJ__MAIN_DATABASE || node->value_size != TJ__TREE_RECORD_SIZE ||
        memchr(node->key.data, 0, node->key.size)) {
        return tj__pages_bad(walk->pages, number, error,
                             "a record of a named database is malformed");
    }
    tj__put_bytes(&walk->names, node->key.data, node->key.size);
    tj__put_u8(&walk->names, 0);
    tj__tree record = tj__tree_read(page + node->value_at);
    tj__put_bytes(&walk->trees, &record, sizeof record);
    return TJ_OK;
}

static tj_status give_rows(tj__walk *walk, tj_error *error)
{
    size_t count = walk->row_count;
    walk->row_count = 0;
    return count > 0 ? walk->visit(walk->context, walk->rows, count, error) : TJ_OK;
}

/* Gives a row to the visitor whose value is in a run of pages of its own. */
static tj_status give_long(tj__walk *walk, const tj__node *node, uint64_t file_at, tj_error *error)
{
    const tj__pages *pages = walk->pages;
    TJ_TRY(give_rows(walk, error));
    tj__buffer_clear(&walk->value);
    if (!tj__buffer_reserve(&walk->value, node->value_size)) {
        return tj__pages_no_memory(pages, error);
    }
    TJ_TRY(tj__file_read_at(pages->fd, pages->path, walk->value.data, node->value_size, file_at,
                            error));
    walk->rows[walk->row_count++] =
        (tj__walked_row){node->key, tj__bytes_of(walk->value.data, node->value_size), file_at};
    return give_rows(walk, error);
}

static tj_status visit(tj__walk *walk, const uint8_t *page, const tj__node *node, uint64_t file_at,
                       tj_error *error)
{
    if (node->flags & TJ__NODE_OVERFLOW) {
        return give_long(walk, node, file_at, error);
    }
    walk->rows[walk->row_count++] =
        (tj__walked_row){node->key, tj__bytes_of(page + node->value_at, node->value_size), file_at};
    return TJ_OK;
}

/* Node by node: what they hold stands elsewhere, or is more than a row. */
static tj_status walk_nodes(tj__walk *walk, tj__walked_tree *tree, uint64_t number,
                            const uint8_t *page, tj_error *error)
{
    walk->row_count = 0;
    for (size_t i = 0; i < tj__page_node_count(page); i++) {
        tj__node node = tj__page_node(page, i);
        uint64_t file_at = number * walk->pages->page_size + node.value_at;
        if (node.flags & TJ__NODE_DATABASE) {
            TJ_TRY(check_named(walk, tree, number, page, &node, error));
        } else if (node.flags & TJ__NODE_OVERFLOW) {
            TJ_TRY(check_overflow(walk, tree, &node, &file_at, error));
        }
        if (tree->kind == TJ__FREE_LIST) {
            TJ_TRY(check_free_key(walk, number, node.key, error));
            TJ_TRY(check_free_list(walk, number, file_at, node.value_size, error));
        }
        if (walk->visit) {
            TJ_TRY(visit(walk, page, &node, file_at, error));
        }
    }
    return give_rows(walk, error);
}

tj_status tj__walk_leaf(tj__walk *walk, tj__walked_tree *tree, uint64_t number,
                        tj__key_range bounds, tj_error *error)
{
    uint8_t *page = NULL;
    TJ_TRY(tj__pages_read_ahead(walk->pages, &walk->ahead, number, TJ__PAGE_LEAF, &page, error));
    TJ_TRY(check_keys(walk, tree, number, page, false, bounds, error));
    size_t count = tj__page_node_count(page);
    tree->counted.leaf_pages++;
    tree->counted.entries += count;
    if (walk->flags != 0 || tree->kind == TJ__FREE_LIST) {
        return walk_nodes(walk, tree, number, page, error);
    }
    walk->row_count = walk->visit ? count : 0;
    return give_rows(walk, error);
}

static tj_status walk_branch(tj__walk *walk, tj__walked_tree *tree, uint64_t number, unsigned depth,
                             tj__key_range bounds, tj_error *error)
{
    TJ_ASSERT(walk->level < LEVELS_MAX);
    uint8_t *page = NULL;
    TJ_TRY(tj__pages_read_ahead(walk->pages, &walk->ahead, number, TJ__PAGE_BRANCH, &page, error));
    /* its children are read meanwhile */
    page = memcpy(walk->levels + (size_t)walk->level * walk->pages->page_size, page,
                  walk->pages->page_size);
    TJ_TRY(check_keys(walk, tree, number, page, true, bounds, error));
    size_t count = tj__page_node_count(page);
    if (count < 2 && tree->kind != TJ__FREE_LIST) {
        /* LMDB leaves such a page only in the free list, and aborts on it elsewhere. */
        return tj__pages_bad(walk->pages, number, error, "a branch page has a single child");
    }
    walk->level++;
    tj_status status = TJ_OK;
    for (size_t i = 0; i < count && status == TJ_OK; i++) {
        tj__key_range below = {i > 0 ? tj__page_node(page, i).key : bounds.low,
                               i + 1 < count ? tj__page_node(page, i + 1).key : bounds.high};
        status = tj__walk_page(walk, tree, tj__page_node(page, i).child, depth + 1, below, error);
    }
    tree->counted.branch_pages++;
    walk->level--;
    return status;
}

tj_status tj__walk_page(tj__walk *walk, tj__walked_tree *tree, uint64_t number, unsigned depth,
                        tj__key_range bounds, tj_error *error)
{
    TJ_TRY(take_run(walk, number, 1, error));
    if (depth < tree->record->depth) {
        return walk_branch(walk, tree, number, depth, bounds, error);
    }
    return walk->leaf(walk, tree, number, bounds, error);
}

tj__walk *tj__walk_new(const tj__pages *pages)
{
    tj__walk *walk = calloc(1, sizeof *walk);
    if (!walk) {
        return NULL;
    }
    walk->pages = pages;
    walk->leaf = tj__walk_leaf;
    walk->leaves_max = TJ__LEAVES_ASIDE_MAX;
    walk->taken = calloc(1, tj__walk_taken_size(walk));
    walk->levels = malloc((size_t)LEVELS_MAX * pages->page_size);
    walk->rows = malloc(pages->page_size / TJ__NODE_HEADER_SIZE * sizeof *walk->rows);
    walk->ahead.bytes = tj__file_block_new((size_t)TJ__PAGES_AHEAD * pages->page_size);
    if (!walk->taken || !walk->levels || !walk->rows || !walk->ahead.bytes) {
        tj__walk_end(walk);
        return NULL;
    }
    return walk;
}

void tj__walk_end(tj__walk *walk)
{
    if (walk) {
        tj__buffer_dispose(&walk->names);
        tj__buffer_dispose(&walk->trees);
        tj__buffer_dispose(&walk->value);
        free(walk->levels);
        free(walk->rows);
        free(walk->ahead.bytes);
        free(walk->taken);
        free(walk);
    }
}
