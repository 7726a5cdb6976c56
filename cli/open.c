/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* From the options to an open journal and back. */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tesser/counter.h>
#include <tesser/verify.h>

#define DEFAULT_FILE "tesser.toml"
/* What can be looked at every few seconds. */
#define ROWS_SIZE_MAX ((uint64_t)8 << 20)

/* Its path is what it is called in messages. */
static tj_status configure_server(command_line *cli, tj_config *config, const char *file,
                                  tj_error *error)
{
    const tj_postgres_config *postgres = &config->postgres;
    if (!cli->command->server) {
        return fail(error, TJ_UNSUPPORTED,
                    "'%s' works on journals in directories only, and the configured one is on "
                    "PostgreSQL",
                    cli->command->name);
    }
    if (!postgres->url) {
        return fail(error, TJ_INVALID,
                    "%s%sthe type is \"postgres\" and no server is named: set [journal] url, or "
                    "TESSER_JOURNAL_URL",
                    file ? file : "", file ? ": " : "");
    }
    snprintf(cli->server, sizeof cli->server, "%s in schema %s on PostgreSQL",
             postgres->name ? postgres->name : TJ_POSTGRES_NAME_DEFAULT,
             postgres->schema ? postgres->schema : TJ_POSTGRES_SCHEMA_DEFAULT);
    config->path = cli->server;
    return TJ_OK;
}

/* An option beats the environment, the environment beats the file. */
static tj_status configure(command_line *cli, tj_config *config, tj_error *error)
{
    const char *file = option_value(cli, &option_config);
    const char *path = option_value(cli, &option_journal);
    /* One that cannot be looked at is not passed over: loading it says why. */
    if (!file && !path &&
        (faccessat(AT_FDCWD, DEFAULT_FILE, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT)) {
        file = DEFAULT_FILE;
    }
    tj_status status = file    ? tj_config_load(file, config, error)
                       : !path ? tj_config_from_environment(config, error)
                               : TJ_OK;
    if (status != TJ_OK) {
        return status;
    }
    if (path) {
        config->path = path;
        config->type = TJ_ENGINE_LMDB;
        if (config->durability == TJ_DURABILITY_REPLICATED) {
            config->durability = TJ_DURABILITY_SYNC; /* which a directory knows nothing above */
        }
    }
    if (config->type == TJ_ENGINE_POSTGRES) {
        return configure_server(cli, config, file, error);
    }
    if (config->type != TJ_ENGINE_LMDB) {
        return fail(error, TJ_UNSUPPORTED,
                    "the configured type is \"memory\": such a store lives inside its own process "
                    "and cannot be looked at from outside");
    }
    if (!config->path && config->postgres.url) {
        return fail(error, TJ_INVALID,
                    "%s%sa server is named, and the type is not \"postgres\": set [journal] type, "
                    "or TESSER_JOURNAL_TYPE",
                    file ? file : "", file ? ": " : "");
    }
    if (!config->path && file) {
        return fail(error, TJ_INVALID,
                    "%s names no journal: give it a path in [journal], or in [live.persistence] "
                    "where that table is Tesser's, or give --journal",
                    file);
    }
    return config->path ? TJ_OK
                        : usage_error(cli, error,
                                      "which journal? Give --journal PATH or --config FILE, or set "
                                      "TESSER_JOURNAL_PATH; there is no ./" DEFAULT_FILE " here");
}

void journal_hurry(tj_config *config)
{
    uint32_t answer_ms = config->postgres.answer_ms;
    config->postgres.timeout_ms = answer_ms ? answer_ms : TJ_POSTGRES_ANSWER_MS_DEFAULT;
}

tj_status journal_configure(command_line *cli, access_mode mode, open_journal *out, tj_error *error)
{
    *out = (open_journal){.config = TJ_CONFIG_INIT, .book = TJ_BOOK_DEFAULT};
    tj_status status = configure(cli, &out->config, error);
    if (status != TJ_OK) {
        return status;
    }
    if (out->config.type == TJ_ENGINE_LMDB) {
        snprintf(cli->journal, sizeof cli->journal, "%s", out->config.path);
    }
    if (given(cli, &option_book)) {
        out->config.book = option_value(cli, &option_book);
    }
    if (out->config.book) {
        out->book = out->config.book;
    }
    out->config.read_only = mode == ACCESS_READ;
    out->config.must_exist = mode != ACCESS_CREATE;
    out->config.shared = cli->within_server;
    out->config.trace = cli->within_server ? NULL : report_trace;
    out->config.trace_context = cli;
    if (cli->within_server) {
        journal_hurry(&out->config);
    }
    return TJ_OK;
}

tj_status journal_open(command_line *cli, access_mode mode, open_journal *out, tj_error *error)
{
    tj_status status = journal_configure(cli, mode, out, error);
    return status == TJ_OK ? tj_store_open(&out->config, &out->store, error) : status;
}

tj_status journal_open_whole(command_line *cli, access_mode mode, open_journal *out,
                             tj_error *error)
{
    uint64_t ignored = 0; /* the cheapest that is asked of a book */
    tj_status status = journal_open(cli, mode, out, error);
    return status == TJ_OK && given(cli, &option_book)
               ? tj_counter_next(out->store, NULL, "-", &ignored, error)
               : status;
}

tj_status journal_look(command_line *cli, open_journal *out, tj_error *error)
{
    tj_moment at;
    *out = (open_journal){.config = TJ_CONFIG_INIT};
    tj_status status = tables_check(cli, error);
    if (status == TJ_OK) {
        status = option_moment(cli, &option_at, &at, error);
    }
    if (status == TJ_OK) {
        status = journal_open(cli, ACCESS_READ, out, error);
        out->in_past = given(cli, &option_at);
        out->at = at;
    }
    return status;
}

tj_status journal_load_state(const open_journal *journal, tj_live_state **out, tj_error *error)
{
    tj_state_repository *states = tj_store_state_repository(journal->store, NULL);
    return journal->in_past ? tj_state_load_at(states, journal->at, out, error)
                            : tj_state_load(states, out, error);
}

bool reserve_in_use(const tj_store_info *info)
{
    return info->lmdb.reserve_bytes == 0 && (info->writer_alive || info->lmdb.space_low);
}

char *missing_text(const tj_store_info *info)
{
    uint64_t count = info->lmdb.segments_missing;
    char *text = NULL;
    if (count > 0) {
        char *word = word_text(info->path);
        int size =
            asprintf(&text,
                     "%" PRIu64 " old %s of the log %s missing or cut short: the newest "
                     "state is whole, and history is not; `tesser-journal verify -j %s` "
                     "tells which",
                     count, plural(count, "segment", "segments"), plural(count, "is", "are"), word);
        need(size < 0 ? NULL : text);
        free(word);
    }
    return text;
}

tj_status journal_close(open_journal *journal, tj_status status, tj_error *error)
{
    if (journal->store) {
        tj_error late = TJ_ERROR_INIT;
        tj_status closed = tj_store_close(journal->store, &late);
        if (status == TJ_OK && closed != TJ_OK) {
            *error = late;
            status = closed;
        }
        journal->store = NULL;
    }
    tj_config_dispose(&journal->config);
    return status;
}

tj_status txn_finish(command_line *cli, tj_txn *txn, tj_status status, uint64_t *sequence,
                     tj_error *error)
{
    if (status != TJ_OK) {
        tj_txn_abort(txn);
        return status;
    }
    status = tj_txn_commit(txn, NULL, sequence, error);
    if (status == TJ_OK) {
        note_commit(cli, *sequence);
    }
    return status;
}

tj_status journal_write_file(command_line *cli, const open_journal *journal, const char *file,
                             tj_str text, tj_error *error)
{
    tj_status status = tj_path_check(file, error);
    if (status != TJ_OK) {
        return status;
    }
    tj_store_info info = TJ_STORE_INFO_INIT;
    struct stat data;
    char *path = NULL;
    status = tj_store_info_get(journal->store, &info, error);
    if (status != TJ_OK) {
        return status;
    }
    mode_t mask = umask(0);
    (void)umask(mask);
    need(asprintf(&path, "%s/data.mdb", info.path) < 0 ? NULL : path);
    mode_t widest = stat(path, &data) == 0 ? data.st_mode & 0666 : 0600;
    free(path);
    status = file_replace(file, text, widest & ~mask, error);
    if (status == TJ_OK) {
        note_durable(cli, "%s is written", file);
    }
    return status;
}

tj_status rows_verify(const tj_store_info *info, tj_error *error)
{
    return info->type == TJ_ENGINE_LMDB ? tj_verify_rows(info->path, ROWS_SIZE_MAX, NULL, error)
                                        : TJ_OK;
}
