/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The trees of a file, one after the other, and what none of them holds. */
#include <inttypes.h>

#include "base/error.h"
#include "table/table.h"
#include "table/walk.h"

#define FREE_LIST_FLAGS 0x08     /* integer keys; LMDB's environment flags share the field */
#define ENVIRONMENT_FLAGS 0x4000 /* MDB_NOSUBDIR may have been set when it was created */

static const char *kind_name(tj__tree_kind kind)
{
    static const char *const names[] = {"free list", "main database", "database"};
    return names[kind];
}

/* A name from a foreign file is shown only if it is plain text. */
static tj__bytes shown_name(tj__bytes name)
{
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] <= ' ' || name.data[i] >= 0x7f) {
            return (tj__bytes){0};
        }
    }
    return name;
}

static tj_status bad_tree(const tj__walk *walk, const tj__walked_tree *tree, tj_status status,
                          const char *reason, tj_error *error)
{
    tj__bytes name = shown_name(tree->name);
    tj__fail(error, status, "%s: the %s %.*s%s%s", walk->pages->path, kind_name(tree->kind),
             (int)name.size, name.size ? (const char *)name.data : "", name.size ? " " : "",
             reason);
    tj__error_place(error, "%s", walk->pages->path);
    return status;
}

static tj_status check_record(const tj__walk *walk, const tj__walked_tree *tree, tj_error *error)
{
    uint16_t flags = tree->record->flags;
    if (tree->kind == TJ__FREE_LIST ? (flags & ~ENVIRONMENT_FLAGS) != FREE_LIST_FLAGS
                                    : flags != 0) {
        return bad_tree(walk, tree, TJ_UNSUPPORTED,
                        "has flags (duplicates, or another order of keys) that neither "
                        "tesser-journal nor Tesser writes",
                        error);
    }
    bool empty = tree->record->root == TJ__NO_PAGE;
    if (empty != (tree->record->depth == 0) || tree->record->depth > TJ__TREE_DEPTH_MAX) {
        return bad_tree(walk, tree, TJ_CORRUPT, "has an impossible depth", error);
    }
    return TJ_OK;
}

static tj_status walk_tree(tj__walk *walk, tj__tree_kind kind, tj__bytes name,
                           const tj__tree *record, bool by_file, void *other, tj_error *error)
{
    tj__walked_tree tree = {.kind = kind, .name = name, .record = record};
    TJ_TRY(check_record(walk, &tree, error));
    if (record->root != TJ__NO_PAGE) {
        TJ_TRY(by_file ? tj__walk_leaves(walk, &tree, other, error)
                       : tj__walk_page(walk, &tree, record->root, 1, TJ__ALL_KEYS, error));
    }
    if (tree.counted.branch_pages != record->branch_pages ||
        tree.counted.leaf_pages != record->leaf_pages ||
        tree.counted.overflow_pages != record->overflow_pages ||
        tree.counted.entries != record->entries) {
        return bad_tree(walk, &tree, TJ_CORRUPT, "does not hold as many pages or rows as it counts",
                        error);
    }
    return TJ_OK;
}

tj_status tj__walk_begin(const tj__pages *pages, tj__walk **out, tj_error *error)
{
    *out = NULL;
    tj__walk *walk = tj__walk_new(pages);
    tj_status status =
        walk ? walk_tree(walk, TJ__MAIN_DATABASE, (tj__bytes){0}, &pages->main, false, NULL, error)
             : TJ_NOMEM;
    if (status == TJ_NOMEM || walk->names.failed || walk->trees.failed) {
        status = tj__pages_no_memory(pages, error);
    }
    if (status != TJ_OK) {
        tj__walk_end(walk);
        return status;
    }
    *out = walk;
    return TJ_OK;
}

tj__bytes tj__walk_names(const tj__walk *walk)
{
    return tj__buffer_bytes(&walk->names);
}

static const tj__tree *find_tree(const tj__walk *walk, const char *name)
{
    const tj__tree *tree = (const tj__tree *)(const void *)walk->trees.data;
    const uint8_t *end = walk->names.data + walk->names.size;
    for (const uint8_t *at = walk->names.data; at < end; at += strlen((const char *)at) + 1) {
        if (strcmp((const char *)at, name) == 0) {
            return tree;
        }
        tree++;
    }
    return NULL;
}

uint64_t tj__walk_size(const tj__walk *walk, const char *name)
{
    const tj__tree *tree = find_tree(walk, name);
    return tree ? tree->branch_pages + tree->leaf_pages + tree->overflow_pages : 0;
}

static tj_status walk_named(tj__walk *walk, const char *name, tj__walk_visitor *visitor,
                            void *context, bool by_file, void *other, tj_error *error)
{
    const tj__tree *tree = find_tree(walk, name);
    if (!tree) {
        return TJ_OK;
    }
    walk->visit = visitor;
    walk->context = context;
    walk->level = 0; /* where damage ended the walk of another */
    tj_status status = walk_tree(walk, TJ__NAMED_DATABASE, tj__bytes_of(name, strlen(name)), tree,
                                 by_file, other, error);
    walk->visit = NULL;
    return status;
}

tj_status tj__walk_database(tj__walk *walk, const char *name, tj__walk_visitor *visitor,
                            void *context, tj_error *error)
{
    return walk_named(walk, name, visitor, context, false, NULL, error);
}

tj_status tj__walk_by_file(tj__walk *walk, const char *name, tj__walk_visitor *visitor,
                           void *context, void *other, tj_error *error)
{
    return walk_named(walk, name, visitor, context, true, other, error);
}

tj_status tj__walk_free_list(tj__walk *walk, tj_error *error)
{
    walk->level = 0;
    return walk_tree(walk, TJ__FREE_LIST, (tj__bytes){0}, &walk->pages->free_list, false, NULL,
                     error);
}

uint64_t tj__walk_lost(const tj__walk *walk, uint64_t *first)
{
    uint64_t lost = 0;
    for (uint64_t page = walk->pages->last_page; page >= 2; page--) {
        if ((walk->taken[page / 8] & 1u << page % 8) == 0) {
            lost++;
            *first = page;
        }
    }
    return lost;
}

static tj_status walk_all(tj__walk *walk, tj_error *error)
{
    tj__bytes names = tj__walk_names(walk);
    for (size_t at = 0; at < names.size; at += strlen((const char *)names.data + at) + 1) {
        const char *name = (const char *)names.data + at;
        TJ_TRY(tj__walk_by_file(walk, name, NULL, NULL, NULL, error));
    }
    return tj__walk_free_list(walk, error);
}

tj_status tj__pages_walk(const tj__pages *pages, tj__buffer *names, tj_error *error)
{
    tj__walk *walk = NULL;
    TJ_TRY(tj__walk_begin(pages, &walk, error));
    tj_status status = walk_all(walk, error);
    if (status == TJ_OK && names) {
        tj__put_bytes(names, walk->names.data, walk->names.size);
        status = names->failed ? tj__pages_no_memory(pages, error) : TJ_OK;
    }
    tj__walk_end(walk);
    return status;
}

tj_status tj__page_check(const char *path, tj__buffer *names, tj_error *error)
{
    tj__pages pages;
    tj_status status = tj__pages_open(path, 0, &pages, error);
    if (status == TJ_OK) {
        status = tj__pages_walk(&pages, names, error);
    }
    tj__pages_close(&pages);
    return status;
}
