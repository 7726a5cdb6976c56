/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* status: of a journal in a directory. */
#include "status/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <tesser/maintain.h>

#define NS_PER_S 1000000000
#define HOUR_NS ((int64_t)3600 * NS_PER_S)

static void print_position(const tj_store_info *info, const tj_error *damage, output *out)
{
    char size[SIZE_TEXT_SIZE];
    uint64_t behind = info->sequence - info->lmdb.applied_sequence;
    out_pair(out, "Applied to LMDB", "%" PRIu64 ", %" PRIu64 " %s behind, %s of log",
             info->lmdb.applied_sequence, behind, plural(behind, "commit", "commits"),
             size_text(info->lmdb.lag_bytes, size));
    if (damage->status != TJ_OK) {
        char *word = word_text(info->path);
        out_alarm(out, true);
        out_pair(out, "Damaged", "%s; `tesser-journal verify -j %s --deep` tells the rest",
                 damage->message, word);
        free(word);
        out_alarm(out, false);
    }
    status_print_clock(info, out);
    if (!info->lmdb.acknowledged_known) {
        out_alarm(out, true);
        out_pair(out, "Acknowledged",
                 "not known, shown is the log to its end: no writer's mark of "
                 "this boot and mount");
        out_alarm(out, false);
    }
}

static void print_sizes(const tj_store_info *info, output *out)
{
    char size[SIZE_TEXT_SIZE];
    char map[SIZE_TEXT_SIZE];
    char left[SIZE_TEXT_SIZE];
    char *missing = missing_text(info);
    out_pair(out, "Log", "%" PRIu32 " %s, %s", info->lmdb.segment_count,
             plural(info->lmdb.segment_count, "segment", "segments"),
             size_text(info->lmdb.log_bytes, size));
    if (missing) {
        out_alarm(out, true);
        out_pair(out, "Missing", "%s", missing);
        out_alarm(out, false);
        free(missing);
    }
    out_pair(out, "State", "%s", size_text(info->state_bytes, size));
    out_alarm(out, info->lmdb.space_low || reserve_in_use(info));
    out_pair(out, "Space", "%s free%s; %s in reserve%s", size_text(info->lmdb.free_bytes, left),
             info->lmdb.space_low ? ", which is low" : "", size_text(info->lmdb.reserve_bytes, map),
             reserve_in_use(info)            ? ": only critical commits and deletes are taken"
             : info->lmdb.reserve_bytes == 0 ? ", which the next writer makes"
                                             : "");
    out_alarm(out, false);
}

/* How much log a day adds, in bytes; 0: it is too early to tell. */
static double daily_growth(const tj_store_info *info)
{
    int64_t span = info->sequence_time - info->lmdb.oldest_time;
    return span < HOUR_NS ? 0 : (double)info->lmdb.log_bytes / (double)span * 24 * HOUR_NS;
}

static uint64_t history_limit(const tj_config *config)
{
    uint64_t size = config->lmdb.history_size_bytes;
    return size > 0 ? size : TJ_HISTORY_SIZE_DEFAULT;
}

static void print_history(const tj_store_info *info, const tj_config *config, output *out)
{
    char time[TJ_TIME_TEXT_SIZE];
    char size[SIZE_TEXT_SIZE];
    char limit[SIZE_TEXT_SIZE];
    double growth = daily_growth(info);
    tj_time_format(info->lmdb.oldest_time, time);
    if (info->lmdb.oldest_sequence == 0) {
        out_pair(out, "History", "from the first commit on, and %s of bases",
                 size_text(info->lmdb.history_bytes, size));
    } else {
        out_pair(out, "History", "from commit %" PRIu64 " on, %s, and %s of bases",
                 info->lmdb.oldest_sequence, time, size_text(info->lmdb.history_bytes, size));
    }
    if (growth > 0) {
        out_pair(out, "Kept for", "%.0f days: the log grows by %s a day, and %s of it are kept",
                 (double)history_limit(config) / growth, size_text((uint64_t)growth, size),
                 size_text(history_limit(config), limit));
    } else {
        out_pair(out, "Kept for", "not known yet; %s of log are kept",
                 size_text(history_limit(config), limit));
    }
}

static void json_history(const tj_store_info *info, const tj_config *config, json_writer *json)
{
    double growth = daily_growth(info);
    json_open(json, "history", '{');
    json_unsigned(json, "oldest_sequence", info->lmdb.oldest_sequence);
    if (info->lmdb.oldest_time != 0) {
        json_time(json, "oldest_time", info->lmdb.oldest_time);
    } else {
        json_null(json, "oldest_time");
    }
    json_unsigned(json, "base_bytes", info->lmdb.history_bytes);
    json_unsigned(json, "size_limit", history_limit(config));
    if (growth > 0) {
        json_unsigned(json, "bytes_a_day", (uint64_t)growth);
        json_unsigned(json, "days", (uint64_t)((double)history_limit(config) / growth));
    } else {
        json_null(json, "bytes_a_day");
        json_null(json, "days");
    }
    json_close(json, '}');
}

/* ---- backups ------------------------------------------------------------------------------- */

static void print_backup(const char *name, const tj_known_backup *backup, const char *none,
                         output *out)
{
    char span[SPAN_TEXT_SIZE];
    if (backup->at == 0) {
        out_pair(out, name, "%s", none);
        return;
    }
    int64_t age = tj_time_now() - backup->at;
    if (is_to_come(backup->at)) {
        char time[TJ_TIME_TEXT_SIZE];
        tj_time_format(backup->at, time);
        out_pair(out, name,
                 "at %s, which is still to come: the clock was wrong then, or is now; up to commit "
                 "%" PRIu64 ", in %s",
                 time, backup->sequence, backup->directory.data);
        return;
    }
    out_pair(out, name, "%s ago, up to commit %" PRIu64 ", in %s",
             span_text(age > 0 ? age : 0, span), backup->sequence, backup->directory.data);
}

static void print_backups(const tj_known_backups *backups, output *out)
{
    print_backup("Backup", &backups->newest,
                 "none is known: `tesser-journal backup DIRECTORY` makes one", out);
    if (backups->newest.at != 0) {
        print_backup(
            "Proven", &backups->verified,
            "none is known: `tesser-journal backup verify -j JOURNAL DIRECTORY` proves one", out);
    }
}

static void json_backup(json_writer *json, const char *key, const char *time_key,
                        const tj_known_backup *backup)
{
    if (backup->at == 0) {
        json_null(json, key);
        return;
    }
    int64_t age = tj_time_now() - backup->at;
    json_open(json, key, '{');
    json_unsigned(json, "sequence", backup->sequence);
    json_time(json, time_key, backup->at);
    if (is_to_come(backup->at)) {
        json_null(json, "age_s");
    } else {
        json_unsigned(json, "age_s", (uint64_t)(age > 0 ? age : 0) / NS_PER_S);
    }
    json_text(json, "directory", backup->directory);
    json_close(json, '}');
}

/* ---- who uses it ---------------------------------------------------------------------------- */

static void print_readers(const tj_store_info *info, output *out)
{
    if (info->lmdb.oldest_reader_pid != 0) {
        out_pair(out, "Readers", "%" PRIu32 "; the oldest, pid %" PRId64 ", is %" PRIu64 " behind",
                 info->lmdb.reader_count, info->lmdb.oldest_reader_pid,
                 info->lmdb.oldest_reader_lag);
    } else {
        out_pair(out, "Readers", "%" PRIu32, info->lmdb.reader_count);
    }
}

static void print_recovery(const tj_store_info *info, output *out)
{
    char size[SIZE_TEXT_SIZE];
    char time[TJ_TIME_TEXT_SIZE];
    tj_time_format(info->lmdb.recovered_at, time);
    if (info->lmdb.recovered_at == 0) {
        out_pair(out, "Last recovery", "not known");
    } else if (info->lmdb.recovered_bytes_cut == 0) {
        out_pair(out, "Last recovery", "%s, cut nothing", time);
    } else {
        out_pair(out, "Last recovery", "%s, cut a torn tail of %s", time,
                 size_text(info->lmdb.recovered_bytes_cut, size));
    }
}

static void print_status(const tj_store_info *info, const tj_config *config,
                         const tj_known_backups *backups, const tj_book_list *books,
                         const tj_error *damage, output *out)
{
    status_print_head(info, out);
    print_position(info, damage, out);
    print_sizes(info, out);
    print_history(info, config, out);
    print_backups(backups, out);
    status_print_writer(info, out);
    print_readers(info, out);
    print_recovery(info, out);
    status_print_books(books, out);
}

static void json_status(const tj_store_info *info, const tj_config *config,
                        const tj_known_backups *backups, const tj_book_list *books,
                        const tj_error *damage, json_writer *json)
{
    json_open(json, NULL, '{');
    status_json_head(info, json);
    json_bool(json, "acknowledged_known", info->lmdb.acknowledged_known);
    json_unsigned(json, "applied_sequence", info->lmdb.applied_sequence);
    json_unsigned(json, "lag_bytes", info->lmdb.lag_bytes);
    json_unsigned(json, "log_segments", info->lmdb.segment_count);
    json_unsigned(json, "log_segments_missing", info->lmdb.segments_missing);
    json_unsigned(json, "log_bytes", info->lmdb.log_bytes);
    json_unsigned(json, "state_bytes", info->state_bytes);
    json_unsigned(json, "free_bytes", info->lmdb.free_bytes);
    json_unsigned(json, "reserve_bytes", info->lmdb.reserve_bytes);
    json_bool(json, "space_low", info->lmdb.space_low);
    json_history(info, config, json);
    json_backup(json, "backup", "made_at", &backups->newest);
    json_backup(json, "verified_backup", "verified_at", &backups->verified);
    status_json_writer(info, json);
    json_open(json, "readers", '{');
    json_unsigned(json, "count", info->lmdb.reader_count);
    status_json_optional(json, "oldest_pid", info->lmdb.oldest_reader_pid);
    json_unsigned(json, "oldest_lag", info->lmdb.oldest_reader_lag);
    json_close(json, '}');
    if (info->lmdb.recovered_at != 0) {
        json_time(json, "recovered_at", info->lmdb.recovered_at);
    } else {
        json_null(json, "recovered_at");
    }
    json_unsigned(json, "recovered_bytes_cut", info->lmdb.recovered_bytes_cut);
    books_json(books, json, "books");
    if (damage->status != TJ_OK) {
        json_text(json, "damaged", tj_str_of(damage->message));
    } else {
        json_null(json, "damaged");
    }
    json_close(json, '}');
}

tj_status tell_directory(command_line *cli, const open_journal *journal, const tj_store_info *info,
                         const tj_book_list *books, tj_error *error)
{
    tj_known_backups *backups = NULL;
    tj_error damage = TJ_ERROR_INIT; /* it stops nobody, else it would not have been opened */
    tj_status status = tj_known_backups_read(journal->config.path, &backups, error);
    if (status == TJ_OK && rows_verify(info, &damage) != TJ_CORRUPT) {
        damage = (tj_error)TJ_ERROR_INIT;
    }
    if (status == TJ_OK && given(cli, &option_json)) {
        json_writer json = {.out = &cli->out};
        json_status(info, &journal->config, backups, books, &damage, &json);
    } else if (status == TJ_OK) {
        print_status(info, &journal->config, backups, books, &damage, &cli->out);
    }
    tj_known_backups_free(backups);
    return status;
}
