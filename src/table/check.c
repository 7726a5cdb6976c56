/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The quick look at a data.mdb before LMDB may map it: which file it is, and whether it is all
 * there. It reads a handful of pages; the damage it does not look for is tj__page_check's.
 *
 * A reading process looks while a writer may be at work. Pages found by way of a meta page that
 * has changed meanwhile may belong to no snapshot, so a failure counts only when it has not.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "table/internal.h"
#include "table/pages.h"

#define LOOKS_MAX 100

static const char *const tesser_names[] = {"live_state", "algo_states"};

static tj_status find_database(const tj__pages *pages, const char *name, uint8_t *page, bool *has,
                               tj__tree *tree, tj_error *error)
{
    tj__node node;
    tj_status status =
        tj__pages_find(pages, &pages->main, tj__bytes_of(name, strlen(name)), page, &node, error);
    if (status != TJ_OK && status != TJ_NOT_FOUND) {
        return status;
    }
    *has = status == TJ_OK && node.flags == TJ__NODE_DATABASE &&
           node.value_size == TJ__TREE_RECORD_SIZE;
    if (*has) {
        *tree = tj__tree_read(page + node.value_at);
    }
    return TJ_OK;
}

static tj_status has_database(const tj__pages *pages, const char *name, uint8_t *page, bool *has,
                              tj_error *error)
{
    tj__tree ignored;
    return find_database(pages, name, page, has, &ignored, error);
}

/* What is not sound is not taken for another's: in a copy of a journal that was made while a writer
 * went on, the tables may be where there are other pages now. */
static tj_status none_of_ours(const tj__pages *pages, tj_error *error)
{
    tj_status status = tj__pages_walk(pages, NULL, error);
    if (status != TJ_OK) {
        tj__error_context(error, "no table of a journal is found in it; restore a copy of it");
        return status;
    }
    return tj__fail(error, TJ_UNSUPPORTED,
                    "%s is an LMDB file of another program, not of tesser-journal", pages->path);
}

static tj_status check_foreign(const tj__pages *pages, const char *directory, uint8_t *page,
                               tj_error *error)
{
    char word[TJ__WORD_SIZE];
    for (size_t i = 0; i < sizeof tesser_names / sizeof *tesser_names; i++) {
        bool has = false;
        TJ_TRY(has_database(pages, tesser_names[i], page, &has, error));
        if (has) {
            return tj__fail(error, TJ_UNSUPPORTED,
                            "%s is a data file of Tesser's own LmdbJournal, not of tesser-journal: "
                            "import it with `tesser-journal import %s --into JOURNAL`",
                            pages->path, tj__word(directory, word));
        }
    }
    return none_of_ours(pages, error);
}

/* The tables that the superblock names. One that cannot be read is told of when the file is opened:
 * it has the tables of every version, as far as this look is concerned. */
static tj_status find_tables(const tj__pages *pages, uint8_t *page, uint64_t *tables,
                             tj_error *error)
{
    static const char name[] = TJ__SUPERBLOCK_NAME;
    bool has = false;
    tj__tree meta;
    tj__node node;
    tj__superblock superblock;
    *tables = TJ__TABLES_V1;
    TJ_TRY(find_database(pages, tj__table_name(TJ__TABLE_META), page, &has, &meta, error));
    if (!has) {
        return TJ_OK;
    }
    tj_status status =
        tj__pages_find(pages, &meta, tj__bytes_of(name, sizeof name - 1), page, &node, error);
    if (status == TJ_OK && node.flags == 0 &&
        tj__superblock_decode(tj__bytes_of(page + node.value_at, node.value_size), &superblock,
                              NULL) == TJ_OK) {
        *tables = superblock.tables;
    }
    return status == TJ_NOT_FOUND ? TJ_OK : status;
}

static tj_status check_names(const tj__pages *pages, const char *directory, uint8_t *page,
                             tj_error *error)
{
    const char *missing = NULL;
    unsigned found = 0;
    uint64_t tables = 0;
    TJ_TRY(find_tables(pages, page, &tables, error));
    for (uint8_t table = TJ__TABLE_FIRST; table <= TJ__TABLE_LAST; table++) {
        bool has = false;
        if (tables & TJ__TABLE_BIT(table)) {
            TJ_TRY(has_database(pages, tj__table_name(table), page, &has, error));
            found += has;
            missing = has ? missing : tj__table_name(table);
        }
    }
    if (found == 0) {
        return check_foreign(pages, directory, page, error);
    }
    if (missing) {
        return tj__fail(error, TJ_CORRUPT,
                        "%s has no table \"%s\": it is damaged; restore a copy of it", pages->path,
                        missing);
    }
    return TJ_OK;
}

/* Pages that were allocated and freed again in one transaction are never written. When they were
 * the last ones and a crash came before the file was extended, it is short and sound; only a walk
 * can tell. */
static tj_status check_size(const tj__pages *pages, tj_error *error)
{
    if (pages->size >= tj__pages_needed(pages)) {
        return TJ_OK;
    }
    tj_status status = tj__pages_walk(pages, NULL, error);
    return status == TJ_CORRUPT ? tj__pages_truncated(pages, error) : status;
}

static tj_status check_content(const tj__pages *pages, const char *directory, tj_error *error)
{
    if (pages->main.root == TJ__NO_PAGE) {
        return tj__fail(error, TJ_CORRUPT,
                        "%s is an LMDB file without any table: restore a copy of it or move it "
                        "away only if you know the journal held nothing",
                        pages->path);
    }
    uint8_t *page = malloc(pages->page_size);
    if (!page) {
        return tj__pages_no_memory(pages, error);
    }
    tj_status status = check_size(pages, error);
    if (status == TJ_OK) {
        status = check_names(pages, directory, page, error);
    }
    free(page);
    return status;
}

/* One look; *moved says whether a writer committed meanwhile. */
static tj_status look(const char *directory, const char *path, struct stat *info, bool *moved,
                      tj_error *error)
{
    tj__pages pages;
    uint32_t page_size = (uint32_t)sysconf(_SC_PAGESIZE);
    tj_status status = tj__pages_open(path, page_size, &pages, error);
    if (status == TJ_OK) {
        status = check_content(&pages, directory, error);
    }
    if (status != TJ_OK) {
        tj__error_place(error, "%s", path);
    }
    *moved = status != TJ_OK && tj__pages_moved(&pages);
    *info = pages.info;
    tj__pages_close(&pages);
    return status;
}

tj_status tj__data_check(const char *directory, const char *path, struct stat *info,
                         tj_error *error)
{
    tj_status status = TJ_OK;
    bool moved = true;
    for (unsigned looks = 0; moved && looks < LOOKS_MAX; looks++) {
        status = look(directory, path, info, &moved, error);
    }
    return status;
}

tj_status tj__env_check(const char *directory, tj_error *error)
{
    char path[TJ__PATH_SIZE];
    struct stat info;
    TJ_TRY(tj__path_join(path, sizeof path, directory, TJ__DATA_NAME, error));
    return tj__data_check(directory, path, &info, error);
}
