/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A book as Tesser's own stores. They are written into a directory beside the one that is asked
 * for, flushed, and appear by one rename. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <tesser/json.h>

#include "base/error.h"
#include "base/file.h"
#include "base/sized.h"
#include "base/text.h"
#include "migrate/holdings.h"
#include "migrate/limits.h"
#include "migrate/sqlite.h"
#include "migrate/stores.h"
#include "rows/load.h"
#include "store/store.h"

#define PATH_SIZE 4096

/* As Tesser opens them: the ledger in the state's file, the algorithms beside it. */
static const char *const file_names[] = {"snapshot.json", "state.db", "state.algos.db"};
#define FILE_COUNT (sizeof file_names / sizeof *file_names)

/* ---- reading the book ---------------------------------------------------------------------- */

static void exported_dispose(tj__exported *book)
{
    tj_live_state_free(book->state);
    tj_algo_list_free(book->algos);
    tj_ledger_list_free(book->ledger);
    tj_quarantine_list_free(book->quarantine);
    free(book->left_out);
}

static tj_status read_view(tj__reading *reading, tj__exported *book, tj_error *error)
{
    static const tj_ledger_query everything = TJ_LEDGER_QUERY_INIT;
    TJ_TRY(tj__state_load(reading->rows, reading->book, &book->state, error));
    TJ_TRY(tj__algo_load_all(reading->rows, reading->book, &book->algos, error));
    return tj__ledger_find(reading->rows, reading->book, &everything, &book->ledger, error);
}

/* State, algorithms and ledger of one moment. */
static tj_status read_book(tj_store *store, const char *name, tj__exported *book, tj_error *error)
{
    tj__reading reading;
    tj_status status = tj__reading_begin(&reading, store, name, error);
    if (status == TJ_OK) {
        status = read_view(&reading, book, error);
    }
    tj__reading_end(&reading);
    TJ_TRY(status);
    return tj_quarantine_load(store, name, &book->quarantine, error);
}

/* ---- the stores ---------------------------------------------------------------------------- */

static tj__sqlite_value text_value(tj_str text)
{
    tj__sqlite_value value = {.type = TJ__SQLITE_TEXT, .text = text};
    return value;
}

typedef tj_status writer(tj__sqlite *database, const tj__exported *book, tj_error *error);

static tj_status write_state(tj__sqlite *database, const tj__exported *book, tj_error *error)
{
    tj_text json = {NULL, 0};
    TJ_TRY(tj_live_state_to_json(book->state, &json, error));
    tj__sqlite_value payload = text_value((tj_str){json.data, json.size});
    tj_status status = tj__sqlite_run(database, "INSERT INTO state (id, payload) VALUES (1, ?)",
                                      &payload, 1, error);
    tj_text_dispose(&json);
    return status;
}

static tj_status write_algos(tj__sqlite *database, const tj__exported *book, tj_error *error)
{
    for (size_t i = 0; i < book->algos->count; i++) {
        const tj_algo_record *record = &book->algos->records[i];
        char id[TJ_UUID_TEXT_SIZE];
        tj_text json = {NULL, 0};
        tj_uuid_format(record->id, id);
        TJ_TRY(tj_algo_state_to_json(&record->state, &json, error));
        tj__sqlite_value values[] = {text_value(tj_str_of(id)),
                                     text_value((tj_str){json.data, json.size})};
        tj_status status = tj__sqlite_run(
            database, "INSERT INTO algo_states (id, payload) VALUES (?, ?)", values, 2, error);
        tj_text_dispose(&json);
        TJ_TRY(status);
    }
    return TJ_OK;
}

/* Tesser writes an offset of +00:00 in this table, and Z everywhere else. */
static void ledger_time(tj_time time, char text[TJ_TIME_TEXT_SIZE + 8])
{
    size_t size = tj_time_format(time, text);
    (void)snprintf(text + size - 1, 8, "+00:00");
}

static const char *type_name(tj_ledger_type type)
{
    static const char *const names[] = {[TJ_LEDGER_TRADE_REALIZED_PNL] = "trade_realized_pnl",
                                        [TJ_LEDGER_FEE] = "fee",
                                        [TJ_LEDGER_FUNDING] = "funding",
                                        [TJ_LEDGER_TRANSFER_IN] = "transfer_in",
                                        [TJ_LEDGER_TRANSFER_OUT] = "transfer_out",
                                        [TJ_LEDGER_ADJUSTMENT] = "adjustment"};
    return names[type];
}

static tj_status write_entry(tj__sqlite *database, const tj_ledger_entry *entry, tj_error *error)
{
    char id[TJ_UUID_TEXT_SIZE];
    char time[TJ_TIME_TEXT_SIZE + 8];
    char asset[TJ_IDENTITY_TEXT_SIZE];
    char amount[TJ_DECIMAL_TEXT_SIZE];
    tj_uuid_format(entry->id, id);
    ledger_time(entry->time, time);
    (void)tj_identity_format(entry->asset, asset);
    (void)tj_decimal_format(entry->amount, amount);
    tj_str reference = entry->reference.data ? entry->reference : TJ_STR("");
    tj__sqlite_value values[] = {
        {.type = TJ__SQLITE_INTEGER, .integer = (int64_t)entry->sequence},
        text_value(tj_str_of(id)),
        text_value(tj_str_of(time)),
        text_value(entry->exchange),
        text_value(tj_str_of(asset)),
        text_value(tj_str_of(amount)),
        text_value(tj_str_of(type_name(entry->type))),
        text_value(reference),
        text_value(entry->meta),
    };
    return tj__sqlite_run(database,
                          "INSERT INTO ledger_entries (sequence, entry_id, timestamp, exchange, "
                          "asset, amount, entry_type, reference_id, meta) "
                          "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                          values, sizeof values / sizeof *values, error);
}

static tj_status write_ledger(tj__sqlite *database, const tj__exported *book, tj_error *error)
{
    for (size_t i = 0; i < book->ledger->count; i++) {
        if (!book->left_out[i]) {
            TJ_TRY(write_entry(database, &book->ledger->entries[i], error));
        }
    }
    return TJ_OK;
}

static tj_status write_store(const char *directory, const char *name, const char *schema, bool wal,
                             writer *write, const tj__exported *book, tj_error *error)
{
    char path[PATH_SIZE];
    tj__sqlite *database = NULL;
    TJ_TRY(tj__path_join(path, sizeof path, directory, name, error));
    TJ_TRY(tj__sqlite_create(path, schema, wal, &database, error));
    tj_status status = tj__sqlite_run(database, "BEGIN", NULL, 0, error);
    if (status == TJ_OK) {
        status = write(database, book, error);
    }
    if (status == TJ_OK) {
        status = tj__sqlite_run(database, "COMMIT", NULL, 0, error);
    }
    tj_status closed = tj__sqlite_close(database, status == TJ_OK ? error : NULL);
    return status == TJ_OK ? closed : status;
}

static tj_status write_snapshot(const char *directory, const tj__exported *book, tj_error *error)
{
    char path[PATH_SIZE];
    tj_text json = {NULL, 0};
    int fd = -1;
    TJ_TRY(tj__path_join(path, sizeof path, directory, file_names[0], error));
    TJ_TRY(tj_live_state_to_json(book->state, &json, error));
    tj_status status = tj__file_open(path, O_WRONLY | O_CREAT | O_EXCL, &fd, error);
    if (status == TJ_OK) {
        status = tj__file_write_at(fd, path, json.data, json.size, 0, error);
    }
    tj__file_close(fd);
    tj_text_dispose(&json);
    return status;
}

static tj_status write_state_and_ledger(tj__sqlite *database, const tj__exported *book,
                                        tj_error *error)
{
    TJ_TRY(write_state(database, book, error));
    return write_ledger(database, book, error);
}

static tj_status write_files(const char *directory, const tj__exported *book, tj_error *error)
{
    TJ_TRY(write_snapshot(directory, book, error));
    TJ_TRY(write_store(directory, file_names[1], TJ__STATE_SCHEMA ";\n" TJ__LEDGER_SCHEMA, true,
                       write_state_and_ledger, book, error));
    return write_store(directory, file_names[2], TJ__ALGO_SCHEMA, false, write_algos, book, error);
}

/* ---- the directory ------------------------------------------------------------------------- */

static tj_status flush_file(const char *directory, const char *name, tj_error *error)
{
    char path[PATH_SIZE];
    int fd = -1;
    TJ_TRY(tj__path_join(path, sizeof path, directory, name, error));
    TJ_TRY(tj__file_open(path, O_RDONLY, &fd, error));
    tj_status status = tj__file_sync(fd, path, error);
    tj__file_close(fd);
    return status;
}

static tj_status flush_all(const char *directory, tj_error *error)
{
    for (size_t i = 0; i < FILE_COUNT; i++) {
        TJ_TRY(flush_file(directory, file_names[i], error));
    }
    return tj__directory_sync(directory, error);
}

/* What a failed export leaves, SQLite's own files included. */
static void remove_directory(const char *directory)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < FILE_COUNT; i++) {
        for (size_t k = 0; k < sizeof suffixes / sizeof *suffixes; k++) {
            char path[PATH_SIZE + 64];
            (void)snprintf(path, sizeof path, "%s/%s%s", directory, file_names[i], suffixes[k]);
            (void)unlink(path);
        }
    }
    (void)rmdir(directory);
}

static tj_status write_directory(const char *directory, const tj__exported *book, tj_error *error)
{
    char path[PATH_SIZE];
    char hidden[PATH_SIZE + 16];
    char parent[PATH_MAX];
    size_t size = tj__path_trimmed_size(directory);
    if (size == 0 || size >= sizeof path) {
        return tj__fail(error, TJ_INVALID, "the directory's path is empty or too long");
    }
    (void)snprintf(path, sizeof path, "%.*s", (int)size, directory);
    (void)snprintf(hidden, sizeof hidden, "%s.new-XXXXXX", path);
    TJ_TRY(tj__path_parent(path, parent, error));
    TJ_TRY(tj__directory_create(parent, error));
    if (!mkdtemp(hidden)) {
        return tj__fail_errno(error, errno, "creating a directory beside %s", path);
    }
    tj_status status = write_files(hidden, book, error);
    if (status == TJ_OK) {
        status = flush_all(hidden, error);
    }
    if (status == TJ_OK) {
        status = tj__file_rename(hidden, path, error);
    }
    if (status != TJ_OK) {
        remove_directory(hidden);
        return status;
    }
    return tj__path_appeared(path, error);
}

/* ---- the call ------------------------------------------------------------------------------ */

static tj_status fill_report(tj__exported *book, const tj_export_options *options, const char *name,
                             const char *directory, tj_export_report *report, tj_error *error)
{
    tj__arena *arena = tj__arena_of_object(report);
    report->dry_run = options->dry_run;
    report->book = tj__arena_str(arena, tj_str_of(name));
    report->directory = tj__arena_str(arena, tj_str_of(directory));
    report->sequence = book->state->sequence;
    report->open_order_count = book->state->open_order_count;
    report->algo_count = book->algos->count;
    report->ledger_count = book->ledger->count;
    if (!report->book.data || !report->directory.data) {
        return tj__fail(error, TJ_NOMEM, "no memory for the report");
    }
    size_t balances = 0;
    TJ_TRY(tj__holdings_count(&book->state->portfolio, &report->position_count, &balances, error));
    return tj__limits_check(book, arena, report, error);
}

static tj_status need_force(const tj_export_report *report, tj_error *error)
{
    return tj__fail(error, TJ_CONFLICT,
                    "Tesser would lose or refuse %zu %s, of which the report tells; nothing was "
                    "written. Export with force to leave it at that",
                    report->refused_count, tj__plural(report->refused_count, "thing", "things"));
}

static tj_status run(tj_store *store, const char *directory, const tj_export_options *options,
                     tj_export_report *report, tj_error *error)
{
    const char *name = options->book ? options->book : tj__store_book(store);
    tj__exported book = {0};
    tj_status status = TJ_OK;
    bool there = false;
    struct stat found;
    TJ_TRY(tj__book_name_check(name, error));
    TJ_TRY(tj__path_look(directory, &there, &found, error));
    if (there) {
        return tj__fail(error, TJ_EXISTS,
                        "%s is there already: an export makes a directory of its own", directory);
    }
    TJ_TRY(tj_path_apart(directory, error));
    status = read_book(store, name, &book, error);
    if (status == TJ_OK) {
        status = fill_report(&book, options, name, directory, report, error);
    }
    if (status == TJ_OK && !options->dry_run && report->refused_count > 0 && !options->force) {
        status = need_force(report, error);
    }
    if (status == TJ_OK && !options->dry_run) {
        status = write_directory(directory, &book, error);
    }
    exported_dispose(&book);
    return status;
}

tj_status tj_export_tesser(tj_store *store, const char *directory, const tj_export_options *options,
                           tj_export_report **report, tj_error *error)
{
    tj_export_options own_options = TJ_EXPORT_OPTIONS_INIT;
    if (!store || !directory || !report) {
        return tj__fail(error, TJ_MISUSE, "an argument that must not be NULL is NULL");
    }
    *report = NULL;
    if (options) {
        TJ_TRY(tj__sized_read(options, &own_options, "the options struct", "TJ_EXPORT_OPTIONS_INIT",
                              error));
    }
    void *object = NULL;
    if (!tj__arena_new(sizeof(tj_export_report), &object)) {
        return tj__fail(error, TJ_NOMEM, "no memory for the report");
    }
    tj_export_report *own = object;
    tj_status status = run(store, directory, &own_options, own, error);
    if (status != TJ_OK && !(status == TJ_CONFLICT && own->refused_count > 0)) {
        tj_export_report_free(own);
        return status;
    }
    *report = own;
    return status;
}

void tj_export_report_free(tj_export_report *report)
{
    tj__arena_free_object(report);
}
