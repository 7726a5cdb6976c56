/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a source is, by its content. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "journal/journal.h"
#include "migrate/gather.h"
#include "migrate/image.h"
#include "json/dom.h"

#define PATH_SIZE 4096
#define LMDB_MAGIC 0xBEEFC0DEu
#define LMDB_MAGIC_AT 16
#define SQLITE_MAGIC "SQLite format 3"

/* ---- JSON ---------------------------------------------------------------------------------- */

static bool is_snapshot(const tj__json_node *root)
{
    static const char *const names[] = {"open_orders", "portfolio", "last_prices",
                                        "execution_checkpoint", "strategy_state"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (tj__json_find(root, tj_str_of(names[i]))) {
            return true;
        }
    }
    return false;
}

static bool is_algo_map(const tj__json_node *root)
{
    for (const tj__json_node *each = root->first; each; each = each->next) {
        tj_uuid id;
        if (tj_uuid_parse(each->name, &id, NULL) != TJ_OK) {
            return false;
        }
    }
    return true;
}

/* The kind of an object; 0 when it is none of them. */
static tj_source_kind kind_of(const tj__json_node *root)
{
    if (root->type != TJ__JSON_OBJECT) {
        return (tj_source_kind)0;
    }
    return tj__json_find(root, TJ_STR("entry_type")) ? TJ_SOURCE_LEDGER
           : is_snapshot(root)                       ? TJ_SOURCE_SNAPSHOT
           : is_algo_map(root)                       ? TJ_SOURCE_ALGOS
                                                     : (tj_source_kind)0;
}

static tj_str first_line(tj_str text)
{
    const char *end = text.size > 0 ? memchr(text.data, '\n', text.size) : NULL;
    return end ? (tj_str){text.data, (size_t)(end - text.data)} : text;
}

/* Whether the first line is a ledger entry, in which case each line is one. */
static bool is_ledger(tj_str text)
{
    tj__json_doc *doc = NULL;
    bool is =
        tj__json_parse(first_line(text), NULL, TJ__JSON_SHAPE_LEVELS(1), &doc, NULL) == TJ_OK &&
        kind_of(doc->root) == TJ_SOURCE_LEDGER;
    tj__json_doc_free(doc);
    return is;
}

static tj_status detect_json(const char *path, tj_str text, tj_source_kind *kind, tj_error *error)
{
    tj__json_doc *doc = NULL;
    tj_error cause = TJ_ERROR_INIT;
    if (is_ledger(text)) {
        *kind = TJ_SOURCE_LEDGER;
        return TJ_OK;
    }
    if (tj__wal_begins(text)) {
        return tj__fail(
            error, TJ_UNSUPPORTED,
            "%s is the -wal of a SQLite database: name the database that it lies beside", path);
    }
    tj_status status = tj__json_parse(text, NULL, TJ__JSON_SHAPE_LEVELS(1), &doc, &cause);
    if (status != TJ_OK) {
        return tj__fail(error, status, "%s is no LMDB file, no SQLite database and no JSON: %s",
                        path, cause.message);
    }
    *kind = kind_of(doc->root);
    tj__json_doc_free(doc);
    if (*kind == (tj_source_kind)0) {
        return tj__fail(
            error, TJ_UNSUPPORTED,
            "%s is JSON, but no snapshot (an object with open_orders), no algorithms (an "
            "object keyed by UUID) and no ledger (entries, one a line)",
            path);
    }
    return TJ_OK;
}

static tj_status read_algos(tj__gathering *all, size_t source, tj_str text, tj_error *error)
{
    tj_algo_list *list = NULL;
    TJ_TRY(tj_algo_list_from_json(text, &list, error));
    tj_status status = TJ_OK;
    for (size_t i = 0; i < list->count && status == TJ_OK; i++) {
        status = tj__gather_algo(all, source, &list->records[i], error);
    }
    tj_algo_list_free(list);
    return status;
}

/* A line was read by itself, where it was the first. */
static tj_status fail_in_line(tj_error *error, size_t number, tj_error *cause)
{
    static const char first[] = "line 1, ";
    char *twice = strstr(cause->message, "(line 1, column "); /* before the place that is told */
    if (twice) {
        memmove(twice + 1, twice + strlen(first) + 1, strlen(twice + strlen(first) + 1) + 1);
    }
    const char *at = strncmp(cause->place, first, strlen(first)) == 0
                         ? strstr(cause->message, cause->place)
                         : NULL;
    return at ? tj__fail(error, cause->status, "%.*sline %zu, %s", (int)(at - cause->message),
                         cause->message, number, at + strlen(first))
              : tj__fail(error, cause->status, "line %zu: %s", number, cause->message);
}

static tj_status read_entry(tj__gathering *all, size_t source, tj_str line, size_t number,
                            tj_error *error)
{
    tj_ledger_list *list = NULL;
    tj_error cause = TJ_ERROR_INIT;
    tj_status status = tj_ledger_entry_from_json(line, &list, &cause);
    if (status != TJ_OK) {
        return fail_in_line(error, number, &cause);
    }
    status = tj__gather_entry(all, source, &list->entries[0], error);
    tj_ledger_list_free(list);
    return status;
}

static bool is_blank(tj_str line)
{
    for (size_t i = 0; i < line.size; i++) {
        if (!strchr(" \t\r", line.data[i])) {
            return false;
        }
    }
    return true;
}

static tj_status read_ledger(tj__gathering *all, size_t source, tj_str text, tj_error *error)
{
    size_t number = 0;
    for (tj_str rest = text; rest.size > 0;) {
        tj_str line = first_line(rest);
        size_t taken = line.size < rest.size ? line.size + 1 : line.size;
        number++;
        if (!is_blank(line)) {
            TJ_TRY(read_entry(all, source, line, number, error));
        }
        rest = (tj_str){rest.data + taken, rest.size - taken};
        if (number % 1000 == 0) {
            tj__gathering_progress(all, "reading the ledger", text.size - rest.size);
        }
    }
    return TJ_OK;
}

static tj_status read_json(tj__gathering *all, size_t source, tj_str text, tj_error *error)
{
    tj_import_source *at = tj__gathering_source(all, source);
    tj_source_kind kind = (tj_source_kind)0;
    tj_error cause = TJ_ERROR_INIT;
    tj_status status = TJ_OK;
    TJ_TRY(detect_json(at->path.data, text, &kind, error));
    at->kind = kind;
    if (kind == TJ_SOURCE_SNAPSHOT) {
        at->layout = TJ_STR("a snapshot as JSON");
        return tj__gather_state(all, source, text, false, error);
    }
    at->layout =
        kind == TJ_SOURCE_ALGOS ? TJ_STR("algorithms as JSON") : TJ_STR("a ledger as JSON lines");
    status = kind == TJ_SOURCE_ALGOS ? read_algos(all, source, text, &cause)
                                     : read_ledger(all, source, text, &cause);
    return status == TJ_OK ? TJ_OK
                           : tj__fail(error, status, "%s: %s",
                                      tj__gathering_source(all, source)->path.data, cause.message);
}

/* ---- any path ------------------------------------------------------------------------------ */

typedef struct head {
    uint8_t bytes[64];
    size_t size;
    uint64_t file_size;
    dev_t device;
    ino_t inode;
} head;

static tj_status read_head(const char *path, head *out, tj_error *error)
{
    struct stat info;
    int fd = -1;
    *out = (head){.size = 0};
    TJ_TRY(tj__file_open(path, O_RDONLY, &fd, error));
    tj_status status = TJ_OK;
    if (fstat(fd, &info) != 0) {
        status = tj__fail_errno(error, errno, "looking at %s", path);
    } else if (!S_ISREG(info.st_mode)) {
        status = tj__fail(error, TJ_UNSUPPORTED, "%s is not a regular file", path);
    } else {
        out->file_size = (uint64_t)info.st_size;
        out->device = info.st_dev;
        out->inode = info.st_ino;
        status = tj__file_read_some(fd, path, out->bytes, sizeof out->bytes, 0, &out->size, error);
    }
    tj__file_close(fd);
    return status;
}

static tj_status find_sqlite(const head *h, const char *path, bool *is, tj_error *error)
{
    *is =
        h->size >= sizeof SQLITE_MAGIC && memcmp(h->bytes, SQLITE_MAGIC, sizeof SQLITE_MAGIC) == 0;
    return *is ? TJ_OK : tj__image_is_all_log(path, h->file_size, is, error);
}

static bool is_lmdb(const head *h, const char *path)
{
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    return (h->size >= LMDB_MAGIC_AT + 4 && tj__load_u32(h->bytes + LMDB_MAGIC_AT) == LMDB_MAGIC) ||
           strcmp(name, "data.mdb") == 0;
}

static tj_status find_file(const char *path, char file[PATH_SIZE], tj_error *error)
{
    bool there = false;
    struct stat found;
    TJ_TRY(tj__path_look(path, &there, &found, error));
    if (!S_ISDIR(found.st_mode)) {
        int size = snprintf(file, PATH_SIZE, "%s", path);
        return (size_t)size < PATH_SIZE ? TJ_OK
                                        : tj__fail(error, TJ_LIMIT, "a source's path is too long");
    }
    TJ_TRY(tj__journal_refuse_backup(path, error));
    TJ_TRY(tj__path_join(file, PATH_SIZE, path, "data.mdb", error));
    TJ_TRY(tj__path_look(file, &there, &found, error));
    if (!there) {
        return tj__fail(error, TJ_UNSUPPORTED,
                        "%s is a directory without data.mdb: name the stores themselves", path);
    }
    return TJ_OK;
}

/* What has no number or key of its own, an entry of a ledger or bytes for quarantine, would come in
 * twice. */
static tj_status check_named_once(tj__gathering *all, const char *path, const head *h,
                                  tj_error *error)
{
    char other[PATH_SIZE];
    for (size_t i = 0; i < TJ__COUNT(tj_import_source, all->sources); i++) {
        const char *earlier = tj__gathering_source(all, i)->path.data;
        bool same = false;
        TJ_TRY(find_file(earlier, other, error));
        TJ_TRY(tj__path_names(other, h->device, h->inode, &same, error));
        if (same) {
            return tj__fail(error, TJ_INVALID, "%s and %s are the same file: name it once", earlier,
                            path);
        }
    }
    return TJ_OK;
}

static tj_status add_source(tj__gathering *all, const char *path, size_t *index, tj_error *error)
{
    tj_import_source source = {.layout = TJ_STR("")};
    TJ_TRY(tj__gathering_keep(all, tj_str_of(path), &source.path, error));
    *index = TJ__COUNT(tj_import_source, all->sources);
    return tj__gathering_add(&all->sources, &source, sizeof source, error);
}

static tj_status read_text(tj__gathering *all, size_t source, const char *path, tj_error *error)
{
    tj__buffer text = {0};
    tj_status status = tj__file_read_all(path, (size_t)TJ_IMPORT_FILE_SIZE_MAX, &text, error);
    if (status == TJ_OK && text.size == 0) {
        status = tj__fail(error, TJ_INVALID, "%s is empty (0 bytes)", path);
    }
    if (status == TJ_OK) {
        tj_str json = tj__json_without_mark((tj_str){(const char *)text.data, text.size});
        status = read_json(all, source, json, error);
    }
    tj__buffer_dispose(&text);
    return status;
}

static tj_status read_kind(tj__gathering *all, size_t source, const char *file, const head *h,
                           tj_error *error)
{
    bool sqlite = false;
    TJ_TRY(find_sqlite(h, file, &sqlite, error));
    if (sqlite) {
        tj__gathering_source(all, source)->kind = TJ_SOURCE_SQLITE;
        return tj__gather_store(all, source, file, false, error);
    }
    if (is_lmdb(h, file)) {
        tj__gathering_source(all, source)->kind = TJ_SOURCE_LMDB;
        return tj__lmdb_read(all, source, file, error);
    }
    return read_text(all, source, file, error);
}

static tj_status read_file(tj__gathering *all, const char *path, const char *file, tj_error *error)
{
    char what[PATH_SIZE + 16];
    head h;
    size_t source = 0;
    TJ_TRY(read_head(file, &h, error));
    TJ_TRY(check_named_once(all, path, &h, error));
    TJ_TRY(add_source(all, path, &source, error));
    (void)snprintf(what, sizeof what, "reading %s", path);
    tj__gathering_progress(all, what, 0);
    tj_status status = read_kind(all, source, file, &h, error);
    all->bytes_done += h.file_size;
    tj__gathering_progress(all, what, 0);
    return status;
}

/* Whether the sources name this file themselves. */
static tj_status find_named(const tj__gathering *all, const struct stat *file, bool *named,
                            tj_error *error)
{
    *named = false;
    for (size_t i = 0; i < all->options->source_count && !*named; i++) {
        TJ_TRY(tj__path_names(all->options->sources[i], file->st_dev, file->st_ino, named, error));
    }
    return TJ_OK;
}

/* With its LMDB journal Tesser keeps the ledger in a SQLite store in the same directory. */
static tj_status read_ledger_inside(tj__gathering *all, const char *directory, tj_error *error)
{
    char file[PATH_SIZE];
    struct stat found;
    bool there = false;
    bool named = false;
    TJ_TRY(tj__path_join(file, sizeof file, directory, "ledger.db", error));
    TJ_TRY(tj__path_look(file, &there, &found, error));
    if (there) {
        TJ_TRY(find_named(all, &found, &named, error));
    }
    return there && !named ? read_file(all, file, file, error) : TJ_OK;
}

tj_status tj__source_read(tj__gathering *all, const char *path, tj_error *error)
{
    char file[PATH_SIZE];
    TJ_TRY(find_file(path, file, error));
    TJ_TRY(read_file(all, path, file, error));
    return strcmp(file, path) == 0 ? TJ_OK : read_ledger_inside(all, path, error);
}

/* ---- the strategy's state ------------------------------------------------------------------- */

static tj_status take_json(tj__gathering *all, const char *path, tj_str text, tj_error *error)
{
    tj__json_doc *doc = NULL;
    tj_error cause = TJ_ERROR_INIT;
    tj_status status = tj__json_parse(text, NULL, TJ__JSON_SHAPE_LEVELS(1), &doc, &cause);
    if (status != TJ_OK) {
        return tj__fail(error, status, "%s: %s", path, cause.message);
    }
    const tj__json_node *member = tj__json_find(doc->root, TJ_STR("strategy_state"));
    if (member && is_snapshot(doc->root)) {
        status = tj__gather_candidate(all, member->raw, tj_str_of(path), error);
    }
    if (status == TJ_OK) {
        status = tj__gather_candidate(all, doc->root->raw, tj_str_of(path), error);
    }
    tj__json_doc_free(doc);
    return status;
}

tj_status tj__strategy_file_read(tj__gathering *all, const char *path, tj_error *error)
{
    head h;
    bool sqlite = false;
    tj__buffer text = {0};
    TJ_TRY(read_head(path, &h, error));
    TJ_TRY(find_sqlite(&h, path, &sqlite, error));
    if (sqlite) {
        return tj__gather_store(all, SIZE_MAX, path, true, error);
    }
    tj_status status = tj__file_read_all(path, (size_t)TJ_IMPORT_FILE_SIZE_MAX, &text, error);
    if (status == TJ_OK) {
        tj_str json = tj__json_without_mark((tj_str){(const char *)text.data, text.size});
        status = take_json(all, path, json, error);
    }
    tj__buffer_dispose(&text);
    return status;
}
