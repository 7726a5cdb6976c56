/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* backup: the log of a journal in another directory, and what can be restored from it. */
#include "cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <tesser/maintain.h>

#define DIGEST_TEXT_SIZE 17

/* ---- telling of points --------------------------------------------------------------------- */

static void json_moment(json_writer *json, const char *key, tj_time time)
{
    if (time != 0) {
        json_time(json, key, time);
    } else {
        json_null(json, key);
    }
}

static const char *digest_text(uint64_t digest, char out[DIGEST_TEXT_SIZE])
{
    snprintf(out, DIGEST_TEXT_SIZE, "%016" PRIx64, digest);
    return out;
}

static void json_point(json_writer *json, const tj_backup_point *point)
{
    char digest[DIGEST_TEXT_SIZE];
    json_unsigned(json, "sequence", point->sequence);
    json_moment(json, "time", point->time);
    json_moment(json, "made_at", point->made_at);
    json_moment(json, "verified_at", point->verified_at);
    json_text(json, "digest", tj_str_of(digest_text(point->digest, digest)));
    json_unsigned(json, "rows", point->row_count);
    json_unsigned(json, "segments", point->segment_count);
    json_unsigned(json, "bytes", point->bytes);
}

/* ---- backup -------------------------------------------------------------------------------- */

static const option_spec rate_option = {
    .name = "rate",
    .value = "MIB",
    .help = "write at most so many MiB a second, 100 by default; savers wait longer beside more"};

static const option_spec compress_option = {
    .name = "compress",
    .help = "keep segments that are whole compressed (zstd), also those of earlier backups"};
static const option_spec follow_option = {
    .name = "follow",
    .letter = 'f',
    .help = "go on, and back up what is new again and again, until it is stopped"};
static const option_spec moved_option = {
    .name = "moved",
    .help = "the journal was moved, or put back from a copy, and goes on in its place"};
static const option_spec every_option = {
    .name = "every",
    .value = "TIME",
    .help = "with --follow: how often, e.g. 500ms, 1s, 5min; 1s by default"};

static void print_report(const tj_backup_report *report, output *out)
{
    char *directory = safe_text(report->directory);
    char copied[SIZE_TEXT_SIZE];
    char all[SIZE_TEXT_SIZE];
    char stored[SIZE_TEXT_SIZE];
    out_format(out, "backed up to %s: as of commit %" PRIu64 "; %s copied, %s in %zu %s%s%s\n",
               directory, report->point.sequence, size_text(report->copied_bytes, copied),
               size_text(report->point.bytes, all), report->point.segment_count,
               plural(report->point.segment_count, "segment", "segments"),
               report->stored_bytes < report->point.bytes ? ", compressed to " : "",
               report->stored_bytes < report->point.bytes ? size_text(report->stored_bytes, stored)
                                                          : "");
    if (!report->noted) {
        out_line(out, "the journal's directory cannot be written to: `tesser-journal status` does "
                      "not know of this backup");
    }
    free(directory);
}

static void print_oldest(const tj_backup_list *list, output *out)
{
    out_line(out, "the oldest commit that can be restored is %" PRIu64, list->oldest_sequence);
}

static void json_report(const tj_backup_report *report, output *out)
{
    json_writer json = {.out = out};
    json_open(&json, NULL, '{');
    json_text(&json, "directory", report->directory);
    json_uuid(&json, "journal_id", report->journal_id);
    json_point(&json, &report->point);
    json_unsigned(&json, "copied_bytes", report->copied_bytes);
    json_bool(&json, "noted", report->noted);
    json_unsigned(&json, "stored_bytes", report->stored_bytes);
    json_close(&json, '}');
}

static tj_status read_options(command_line *cli, tj_backup_options *options, tj_error *error)
{
    uint64_t mib = 0;
    tj_status status = tj_path_check(cli->arguments[0], error);
    if (status == TJ_OK) {
        status = option_number(cli, &rate_option, &mib, error);
    }
    options->moved = given(cli, &moved_option);
    options->compression = given(cli, &compress_option) ? TJ_BACKUP_COMPRESSION_DEFAULT : 0;
    options->bytes_per_s = mib < UINT64_MAX >> 20 ? mib << 20 : TJ_BACKUP_RATE_UNBOUNDED;
    return status;
}

/* "500ms", "1s", "5min", "1h" */
static tj_status read_every(command_line *cli, int64_t *ms, tj_error *error)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"min", 60000}, {"h", 3600000}};
    const char *text = option_value(cli, &every_option);
    char *unit = NULL;
    *ms = 1000;
    if (!text) {
        return TJ_OK;
    }
    if (!given(cli, &follow_option)) {
        return usage_error(cli, error, "--every is for --follow");
    }
    unsigned long number = text[0] >= '0' && text[0] <= '9' ? strtoul(text, &unit, 10) : 0;
    for (size_t i = 0; unit && i < sizeof units / sizeof *units; i++) {
        if (number > 0 && number <= 1000000 && strcmp(unit, units[i].name) == 0) {
            *ms = (int64_t)number * units[i].ms;
            return TJ_OK;
        }
    }
    return usage_error(cli, error, "--every is \"%s\"; expected a time such as 500ms, 1s, 5min",
                       text);
}

static void tell(command_line *cli, const tj_backup_report *report)
{
    if (!given(cli, &option_json)) {
        print_report(report, &cli->out);
        return;
    }
    json_report(report, &cli->out);
}

/* False where another one is in its place, and where anything was put into it or taken out. */
static bool is_as_seen(const struct stat *seen, const struct stat *now)
{
    return now->st_dev == seen->st_dev && now->st_ino == seen->st_ino &&
           now->st_ctim.tv_sec == seen->st_ctim.tv_sec &&
           now->st_ctim.tv_nsec == seen->st_ctim.tv_nsec;
}

/* Where a disk was unmounted, what lies beneath would be taken for the place of a first backup. All
 * points are read only when the directory is not as it was when they were read before. */
static tj_status check_place(const char *directory, uint64_t sequence, struct stat *seen,
                             tj_error *error)
{
    tj_backup_list *list = NULL;
    struct stat now = {0};
    if (stat(directory, &now) == 0 && is_as_seen(seen, &now)) {
        return TJ_OK;
    }
    *seen = now;
    tj_status status = tj_backup_list_read(directory, &list, error);
    bool holds = list && list->count > 0 && list->points[list->count - 1].sequence >= sequence;
    tj_backup_list_free(list);
    if (holds || (status != TJ_OK && status != TJ_NOT_FOUND && status != TJ_INVALID)) {
        return status;
    }
    return fail(error, TJ_IO,
                "%s does not hold any more what was backed up there up to commit %" PRIu64
                ": its disk was unmounted, or another directory took its place; nothing was "
                "written to it. Put it back, and start again",
                directory, sequence);
}

/* As long as there is something new; a line for each. */
static tj_status follow(command_line *cli, tj_store *store, tj_backup_options *options, int64_t ms,
                        tj_error *error)
{
    uint64_t last = UINT64_MAX;
    struct stat place = {0};
    struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
    options->thin = true;
    for (;;) {
        tj_store_info info = TJ_STORE_INFO_INIT;
        tj_backup_report *report = NULL;
        tj_status status = tj_store_info_get(store, &info, error);
        if (status == TJ_OK && last != UINT64_MAX) {
            status = check_place(cli->arguments[0], last, &place, error);
        }
        if (status == TJ_OK && info.sequence != last) {
            status = tj_backup(store, cli->arguments[0], options, &report, error);
        }
        if (status == TJ_OK && report) {
            last = report->point.sequence;
            options->moved = false;
            tell(cli, report);
            out_flush(&cli->out);
        }
        tj_backup_report_free(report);
        if (status != TJ_OK || cli->out.os_errno != 0) {
            return status;
        }
        nanosleep(&pause, NULL);
    }
}

/* Where a backup begins matters only of a journal that has not all of its past. */
static tj_status tell_oldest(command_line *cli, tj_store *store, tj_error *error)
{
    tj_backup_list *list = NULL;
    tj_store_info info = TJ_STORE_INFO_INIT;
    tj_status status = tj_store_info_get(store, &info, error);
    if (status == TJ_OK && info.lmdb.oldest_sequence > 0 && !given(cli, &option_json)) {
        status = tj_backup_list_read(cli->arguments[0], &list, error);
    }
    if (status == TJ_OK && list && list->oldest_sequence > 0) {
        print_oldest(list, &cli->out);
    }
    tj_backup_list_free(list);
    return status;
}

static tj_status back_up_once(command_line *cli, tj_store *store, const tj_backup_options *options,
                              tj_error *error)
{
    tj_backup_report *report = NULL;
    tj_status status = tj_backup(store, cli->arguments[0], options, &report, error);
    if (status == TJ_OK) {
        note_durable(cli, "the backup in %s is made", cli->arguments[0]);
        tell(cli, report);
        status = tell_oldest(cli, store, error);
    }
    tj_backup_report_free(report);
    return status;
}

static tj_status run_backup(command_line *cli, tj_error *error)
{
    open_journal journal;
    int64_t every_ms = 0;
    tj_backup_options options = TJ_BACKUP_OPTIONS_INIT;
    tj_status status = read_options(cli, &options, error);
    if (status == TJ_OK) {
        status = read_every(cli, &every_ms, error);
    }
    if (status != TJ_OK) {
        return status;
    }
    status = journal_open_whole(cli, ACCESS_READ, &journal, error);
    if (status == TJ_OK) {
        status = given(cli, &follow_option) ? follow(cli, journal.store, &options, every_ms, error)
                                            : back_up_once(cli, journal.store, &options, error);
    }
    return journal_close(&journal, status, error);
}

const command_spec command_backup = {
    .name = "backup",
    .arguments = "DIRECTORY",
    .arguments_min = 1,
    .arguments_max = 1,
    .summary = "back the journal up into a directory, beside its writer or without one",
    .text = "The first backup copies the log, a later one into the same directory what was added "
            "since. What is copied was verified on the way. One that was interrupted is gone on "
            "with by the next. Nothing in the directory is ever overwritten: another journal is "
            "refused, and so are a log that went another way and a copy of the journal that a "
            "writer has opened: give it a directory of its own, or an id with 'restore', or say "
            "with --moved that it goes on in the place of the other. With --follow what a broken "
            "disk or machine can take is what came in one interval; of the points that it makes "
            "one an hour stays, and the newest. It ends where the directory does not hold any more "
            "what it backed up, as when its disk was unmounted.",
    .example = "tesser-journal --journal ./journal backup /mnt/backup/journal\n"
               "tesser-journal --journal ./journal backup /mnt/backup/journal --compress --follow "
               "--every 1s",
    .options = (const option_spec *const[]){&rate_option, &compress_option, &moved_option,
                                            &follow_option, &every_option, NULL},
    .writes = true,
    .run = run_backup,
};

/* ---- backup verify ------------------------------------------------------------------------- */

static const option_spec point_option = {
    .name = "at", .value = "COMMIT", .help = "prove the point at this commit, not the newest"};
static const option_spec trial_option = {
    .name = "trial",
    .value = "DIRECTORY",
    .help = "restore in here for the proof (default: $TMPDIR, else /var/tmp)"};

/* Whether `status` will tell of the proof. */
static const char *told(const tj_backup_report *report, const char *journal)
{
    return report->point.verified_at == 0
               ? "; the backup cannot be written to, so it does not say so"
           : report->noted ? "; the journal knows of it"
           : journal && *journal
               ? "; the journal is not told: it cannot be written to, or the backup is "
                 "not of its commits"
               : "; no journal was told: with -j JOURNAL its `status` says so, too";
}

static void print_proof(const tj_backup_report *report, const char *journal, output *out)
{
    char *directory = safe_text(report->directory);
    char size[SIZE_TEXT_SIZE];
    out_format(out,
               "%s is proven: restored up to commit %" PRIu64 ", %s of log; all %" PRIu64
               " rows decode, their digest is %016" PRIx64 " as when it was backed up%s\n",
               directory, report->point.sequence, size_text(report->copied_bytes, size),
               report->point.row_count, report->point.digest, told(report, journal));
    free(directory);
}

/* That of the options, ./tesser.toml or the environment, if they name one: a backup can be proven
 * where its journal is not. */
static tj_status find_journal(command_line *cli, open_journal *journal, tj_error *error)
{
    tj_status status = journal_configure(cli, ACCESS_READ, journal, error);
    if (status != TJ_OK && cli->usage) {
        cli->usage = false;
        *error = (tj_error)TJ_ERROR_INIT;
        return TJ_OK;
    }
    return status;
}

static tj_status prove(command_line *cli, const char *journal, tj_error *error)
{
    tj_backup_report *report = NULL;
    tj_backup_verify_options options = TJ_BACKUP_VERIFY_OPTIONS_INIT;
    options.trial_directory = option_value(cli, &trial_option);
    options.journal = journal;
    tj_status status = tj_path_check(cli->arguments[0], error);
    if (status == TJ_OK) {
        status = option_number(cli, &point_option, &options.sequence, error);
    }
    if (status == TJ_OK) {
        status = tj_backup_verify(cli->arguments[0], &options, &report, error);
    }
    if (status == TJ_OK && given(cli, &option_json)) {
        json_report(report, &cli->out);
    } else if (status == TJ_OK) {
        print_proof(report, journal, &cli->out);
    }
    tj_backup_report_free(report);
    return status;
}

static tj_status run_backup_verify(command_line *cli, tj_error *error)
{
    open_journal journal;
    tj_status status = find_journal(cli, &journal, error);
    if (status == TJ_OK) {
        status = prove(cli, journal.config.path, error);
    }
    return journal_close(&journal, status, error);
}

const command_spec command_backup_verify = {
    .name = "backup verify",
    .arguments = "DIRECTORY",
    .arguments_min = 1,
    .arguments_max = 1,
    .summary = "prove that a backup can be restored, by restoring it",
    .text =
        "It is restored into a directory of its own, which is removed again. Files, records and "
        "rows must be whole, and the state must be the one that the journal showed when the "
        "backup was made. The journal that -j or the configuration names is told, if the backup is "
        "of its commits, and its `status` says when a backup was proven.",
    .example = "tesser-journal backup verify /mnt/backup/journal -j ./journal",
    .options = (const option_spec *const[]){&point_option, &trial_option, NULL},
    .writes = true,
    .run = run_backup_verify,
};

/* ---- backup list --------------------------------------------------------------------------- */

static tj_status print_list(command_line *cli, const tj_backup_list *list, tj_error *error)
{
    static const table_column columns[] = {
        {"commit", ALIGN_RIGHT, false, 0},   {"time", ALIGN_TIME, false, 0},
        {"backed up", ALIGN_TIME, false, 0}, {"proven", ALIGN_LEFT, false, 0},
        {"rows", ALIGN_RIGHT, false, 2},     {"size", ALIGN_RIGHT, false, 1},
        {"digest", ALIGN_LEFT, false, 3}};
    text_table table = {TEXT_TABLE(columns)};
    for (size_t i = 0; i < list->count; i++) {
        const tj_backup_point *point = &list->points[i];
        table_number(&table, point->sequence);
        if (point->time != 0) {
            table_time(&table, point->time);
        } else {
            table_none(&table);
        }
        table_time(&table, point->made_at);
        if (point->verified_at != 0) {
            table_time(&table, point->verified_at);
        } else {
            table_text(&table, TJ_STR("not yet"));
        }
        table_number(&table, point->row_count);
        table_size(&table, point->bytes);
        table_format(&table, "%016" PRIx64, point->digest);
    }
    tj_status status = tables_show(cli, &table, 1, error);
    if (status == TJ_OK && list->oldest_sequence > 0 && !tables_narrowed(cli)) {
        print_oldest(list, &cli->out);
    }
    return status;
}

static void json_list(const tj_backup_list *list, output *out)
{
    json_writer json = {.out = out};
    json_open(&json, NULL, '{');
    json_text(&json, "directory", list->directory);
    if (list->count > 0) {
        json_uuid(&json, "journal_id", list->journal_id);
    } else {
        json_null(&json, "journal_id");
    }
    json_open(&json, "points", '[');
    for (size_t i = 0; i < list->count; i++) {
        json_open(&json, NULL, '{');
        json_point(&json, &list->points[i]);
        json_close(&json, '}');
    }
    json_close(&json, ']');
    json_unsigned(&json, "oldest_sequence", list->oldest_sequence);
    json_close(&json, '}');
}

static tj_status run_backup_list(command_line *cli, tj_error *error)
{
    tj_backup_list *list = NULL;
    tj_status status = tables_check(cli, error);
    if (status == TJ_OK) {
        status = tj_path_check(cli->arguments[0], error);
    }
    if (status == TJ_OK) {
        status = tj_backup_list_read(cli->arguments[0], &list, error);
    }
    if (status == TJ_OK && given(cli, &option_json)) {
        json_list(list, &cli->out);
    } else if (status == TJ_OK && list->count == 0) {
        out_line(&cli->out, "no point yet: a backup that was begun there was never finished");
    } else if (status == TJ_OK) {
        status = print_list(cli, list, error);
    }
    tj_backup_list_free(list);
    return status;
}

const command_spec command_backup_list = {
    .name = "backup list",
    .arguments = "DIRECTORY",
    .arguments_min = 1,
    .arguments_max = 1,
    .summary = "the points of a backup: commits up to which it is whole",
    .example = "tesser-journal backup list /mnt/backup/journal",
    .options = (const option_spec *const[]){TABLE_OPTIONS, NULL},
    .pages = true,
    .run = run_backup_list,
};
