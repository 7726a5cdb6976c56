/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The last row of a range, read with pread and believed only after a look at each page on the way
 * to it: a writer opens with it before its largest tables have been walked.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "table/internal.h"
#include "table/pages.h"

/* Index behind the last node whose key is below `end`; the first key of a branch is below
 * everything. */
static size_t count_below(const uint8_t *page, bool branch, tj__bytes end, bool has_end)
{
    size_t count = tj__page_node_count(page);
    size_t below = branch;
    while (below < count &&
           (!has_end || tj__bytes_compare(tj__page_node(page, below).key, end) < 0)) {
        below++;
    }
    return below;
}

static tj_status descend(const tj__pages *pages, const tj__tree *tree, tj__bytes end, bool has_end,
                         uint8_t *page, tj__node *node, tj_error *error)
{
    uint64_t number = tree->root;
    if (number == TJ__NO_PAGE) {
        return TJ_NOT_FOUND;
    }
    for (unsigned level = 1; level < tree->depth && level < TJ__TREE_DEPTH_MAX; level++) {
        TJ_TRY(tj__pages_read(pages, number, TJ__PAGE_BRANCH, page, error));
        number = tj__page_node(page, count_below(page, true, end, has_end) - 1).child;
    }
    TJ_TRY(tj__pages_read(pages, number, TJ__PAGE_LEAF, page, error));
    size_t below = count_below(page, false, end, has_end);
    if (below == 0) {
        return TJ_NOT_FOUND;
    }
    *node = tj__page_node(page, below - 1);
    return TJ_OK;
}

static tj_status find(const tj__pages *pages, const char *name, tj__bytes end, bool has_end,
                      uint8_t *page, tj__node *node, tj_error *error)
{
    TJ_TRY(
        tj__pages_find(pages, &pages->main, tj__bytes_of(name, strlen(name)), page, node, error));
    if (node->flags != TJ__NODE_DATABASE || node->value_size != TJ__TREE_RECORD_SIZE) {
        return TJ_NOT_FOUND;
    }
    tj__tree tree = tj__tree_read(page + node->value_at);
    TJ_TRY(descend(pages, &tree, end, has_end, page, node, error));
    return node->flags == 0 ? TJ_OK : TJ_NOT_FOUND;
}

bool tj__edge_last(const tj__env *env, uint64_t transaction, uint8_t table, tj__bytes end,
                   bool has_end, uint8_t **page, tj__bytes *key, tj__bytes *stored)
{
    tj__pages pages;
    tj__node node;
    uint32_t page_size = (uint32_t)sysconf(_SC_PAGESIZE);
    *page =
        aligned_alloc(page_size, page_size); /* as in the map, for who looks where a row stands */
    bool found = *page && tj__pages_open(env->data_path, page_size, &pages, NULL) == TJ_OK &&
                 pages.transaction == transaction &&
                 find(&pages, tj__table_name(table), end, has_end, *page, &node, NULL) == TJ_OK;
    if (*page) {
        tj__pages_close(&pages);
    }
    if (!found) {
        free(*page);
        *page = NULL;
        return false;
    }
    *key = node.key;
    *stored = tj__bytes_of(*page + node.value_at, node.value_size);
    return true;
}
