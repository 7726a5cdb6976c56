/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A scan relies on the page walk that opening did: depth, page numbers and overflow runs are sound.
 * Pages are still read through tj__pages_read, because the file is another program's and may
 * change.
 */
#include "table/foreign.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/file.h"
#include "table/pages.h"

struct tj__foreign {
    tj__pages pages;
    tj__buffer names;
    tj__buffer value; /* scratch: one that lies in overflow pages */
    uint8_t *levels;  /* a page for each level of a tree */
    char *path;
};

/* ---- the two meta pages -------------------------------------------------------------------- */

/* Every transaction frees at least the page that the root of the main database stood on, and lists
 * it in the free list under its own number. So the greatest key there says which transaction wrote
 * a meta page, whatever the number in it has become. The first transaction has nothing to free. */
static tj_status newest_freed(tj__foreign *file, const tj__tree *tree, uint64_t *newest,
                              tj_error *error)
{
    uint64_t number = tree->root;
    uint8_t *page = file->levels;
    *newest = 0;
    if (number == TJ__NO_PAGE) {
        return TJ_OK;
    }
    if (tree->depth > TJ__TREE_DEPTH_MAX) {
        return tj__pages_bad(&file->pages, number, error, "its tree has an impossible depth");
    }
    for (unsigned level = 1; level < tree->depth; level++) {
        TJ_TRY(tj__pages_read(&file->pages, number, TJ__PAGE_BRANCH, page, error));
        number = tj__page_node(page, tj__page_node_count(page) - 1).child;
    }
    TJ_TRY(tj__pages_read(&file->pages, number, TJ__PAGE_LEAF, page, error));
    tj__node last = tj__page_node(page, tj__page_node_count(page) - 1);
    if (last.key.size != sizeof(uint64_t)) {
        return tj__pages_bad(&file->pages, number, error, "a key of the free list has %zu bytes",
                             last.key.size);
    }
    *newest = tj__load_u64(last.key.data);
    return TJ_OK;
}

static tj_status check_meta(tj__foreign *file, unsigned number, tj_error *error)
{
    const uint8_t *meta = file->pages.metas[number];
    uint64_t transaction = tj__load_u64(meta + 128);
    tj__tree free_list = tj__tree_read(meta + 24);
    uint64_t freed = 0;
    TJ_TRY(newest_freed(file, &free_list, &freed, error));
    if (transaction > 1 && freed != transaction) {
        return tj__pages_bad(&file->pages, number, error,
                             "it says transaction %" PRIu64 ", but its free list ends with %" PRIu64
                             ": which snapshot is the newest cannot be told",
                             transaction, freed);
    }
    return TJ_OK;
}

/* The metas are of transactions n and n - 1; a file that was never committed to has 0 in both. */
static tj_status check_metas(tj__foreign *file, tj_error *error)
{
    uint64_t first = tj__load_u64(file->pages.metas[0] + 128);
    uint64_t second = tj__load_u64(file->pages.metas[1] + 128);
    uint64_t apart = first > second ? first - second : second - first;
    if (apart > 1 || (apart == 0 && first != 0)) {
        return tj__pages_bad(&file->pages, 0, error,
                             "the meta pages say transactions %" PRIu64 " and %" PRIu64
                             ", which do not follow each other",
                             first, second);
    }
    TJ_TRY(check_meta(file, 0, error));
    return check_meta(file, 1, error);
}

/* ---- opening ------------------------------------------------------------------------------- */

static tj_status busy_if_moved(const tj__foreign *file, tj_status status, tj_error *error)
{
    if (!tj__pages_moved(&file->pages)) {
        return status;
    }
    return tj__fail(error, TJ_BUSY, "%s is being written by another program; stop it and try again",
                    file->path);
}

static tj_status open_pages(tj__foreign *file, tj_error *error)
{
    TJ_TRY(tj__pages_open(file->path, 0, &file->pages, error));
    file->levels = malloc((size_t)TJ__TREE_DEPTH_MAX * file->pages.page_size);
    if (!file->levels) {
        return tj__fail(error, TJ_NOMEM, "no memory to read %s", file->path);
    }
    tj_status status = tj__pages_walk(&file->pages, &file->names, error);
    if (status == TJ_OK) {
        status = check_metas(file, error);
    }
    return busy_if_moved(file, status, error);
}

tj_status tj__foreign_open(const char *path, tj__foreign **out, tj_error *error)
{
    *out = NULL;
    tj__foreign *file = calloc(1, sizeof *file);
    char *copy = strdup(path);
    if (!file || !copy) {
        free(file);
        free(copy);
        return tj__fail(error, TJ_NOMEM, "no memory to read %s", path);
    }
    file->path = copy;
    file->pages.fd = -1;
    tj_status status = open_pages(file, error);
    if (status != TJ_OK) {
        tj__foreign_close(file);
        return status;
    }
    *out = file;
    return TJ_OK;
}

void tj__foreign_close(tj__foreign *file)
{
    if (file) {
        tj__pages_close(&file->pages);
        tj__buffer_dispose(&file->names);
        tj__buffer_dispose(&file->value);
        free(file->levels);
        free(file->path);
        free(file);
    }
}

tj__bytes tj__foreign_names(const tj__foreign *file)
{
    return tj__buffer_bytes(&file->names);
}

bool tj__foreign_has(const tj__foreign *file, const char *database)
{
    const uint8_t *end = file->names.data + file->names.size;
    for (const uint8_t *name = file->names.data; name < end;) {
        if (strcmp((const char *)name, database) == 0) {
            return true;
        }
        name += strlen((const char *)name) + 1;
    }
    return false;
}

/* ---- scanning ------------------------------------------------------------------------------ */

typedef struct scan {
    tj__foreign *file;
    tj__tree tree;
    tj__foreign_visitor *visitor;
    void *context;
} scan;

/* The value in a node of `page`, or in the run of pages that the node names. */
static tj_status read_value(const scan *s, const uint8_t *page, const tj__node *node,
                            tj__bytes *value, tj_error *error)
{
    const tj__pages *pages = &s->file->pages;
    if (!(node->flags & TJ__NODE_OVERFLOW)) {
        *value = tj__bytes_of(page + node->value_at, node->value_size);
        return TJ_OK;
    }
    tj__buffer *run = &s->file->value;
    tj__buffer_clear(run);
    if (!tj__buffer_reserve(run, node->value_size)) {
        return tj__fail(error, TJ_NOMEM, "no memory for a value of %" PRIu32 " bytes in %s",
                        node->value_size, pages->path);
    }
    TJ_TRY(tj__file_read_at(pages->fd, pages->path, run->data, node->value_size,
                            node->child * pages->page_size + TJ__PAGE_HEADER_SIZE, error));
    *value = tj__bytes_of(run->data, node->value_size);
    return TJ_OK;
}

static tj_status visit_page(const scan *s, uint64_t number, unsigned depth, tj_error *error)
{
    const tj__pages *pages = &s->file->pages;
    bool branch = depth < s->tree.depth;
    uint8_t *page = s->file->levels + (size_t)(depth - 1) * pages->page_size;
    TJ_TRY(tj__pages_read(pages, number, branch ? TJ__PAGE_BRANCH : TJ__PAGE_LEAF, page, error));
    for (size_t i = 0; i < tj__page_node_count(page); i++) {
        tj__node node = tj__page_node(page, i);
        tj__bytes value;
        if (branch) {
            TJ_TRY(visit_page(s, node.child, depth + 1, error));
        } else {
            TJ_TRY(read_value(s, page, &node, &value, error));
            TJ_TRY(s->visitor(s->context, node.key, value, error));
        }
    }
    return TJ_OK;
}

tj_status tj__foreign_scan(tj__foreign *file, const char *database, tj__foreign_visitor *visitor,
                           void *context, tj_error *error)
{
    scan s = {.file = file, .visitor = visitor, .context = context};
    tj__node node;
    tj_status status =
        tj__pages_find(&file->pages, &file->pages.main, tj__bytes_of(database, strlen(database)),
                       file->levels, &node, error);
    if (status == TJ_NOT_FOUND) {
        return busy_if_moved(file, TJ_OK, error);
    }
    if (status == TJ_OK && !(node.flags & TJ__NODE_DATABASE)) {
        return tj__fail(error, TJ_UNSUPPORTED, "%s: \"%s\" is a row and no database", file->path,
                        database);
    }
    if (status == TJ_OK) {
        s.tree = tj__tree_read(file->levels + node.value_at);
        status = s.tree.root == TJ__NO_PAGE ? TJ_OK : visit_page(&s, s.tree.root, 1, error);
    }
    return busy_if_moved(file, status, error);
}
