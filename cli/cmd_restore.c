/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* restore: a new journal out of a backup, or out of another journal's log. */
#include "cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <tesser/maintain.h>
#include <tesser/verify.h>

static const option_spec into_option = {.name = "into",
                                        .value = "JOURNAL",
                                        .help =
                                            "the new journal: not there, or an empty directory"};
static const option_spec skip_option = {
    .name = "skip-counters",
    .value = "N",
    .help = "let each counter skip N numbers more, for what was handed out since the backup"};
static const option_spec dry_run_option = {
    .name = "dry-run", .letter = 'n', .help = "read the source and tell, write nothing"};

static void print_counters(const tj_restore_report *report, output *out)
{
    for (size_t i = 0; i < report->counter_count; i++) {
        char *book = safe_text(report->counters[i].book);
        char *name = safe_text(report->counters[i].name);
        out_format(out, "  counter %s of book %s goes on with %" PRIu64 "\n", name, book,
                   report->counters[i].next);
        free(name);
        free(book);
    }
}

static void print_report(const tj_restore_report *report, output *out)
{
    char *source = safe_text(report->source);
    char *directory = safe_text(report->directory);
    char id[TJ_UUID_TEXT_SIZE];
    char time[TJ_TIME_TEXT_SIZE] = "";
    if (report->sequence > 0) {
        tj_time_format(report->time, time);
    }
    tj_uuid_format(report->journal_id, id);
    out_format(out, "%s %s to %s: up to commit %" PRIu64 "%s%s of %" PRIu64 "\n",
               report->dry_run ? "would restore" : "restored", source, directory, report->sequence,
               time[0] ? ", " : "", time, report->newest_sequence);
    if (!report->dry_run) {
        out_format(out, "  the new journal has the id %s, and commit %" PRIu64 " says so\n", id,
                   report->commit);
        out_format(out, "  %" PRIu64 " %s, digest %016" PRIx64 "%s\n", report->row_count,
                   plural(report->row_count, "row", "rows"), report->digest,
                   report->proven ? ": the same as when it was backed up" : "");
    }
    print_counters(report, out);
    if (report->cut_short) {
        out_format(out,
                   "  after commit %" PRIu64 " the source is damaged: how far counters went "
                   "there is not known, and they skipped what was asked for\n",
                   report->newest_sequence);
    }
    free(directory);
    free(source);
}

/* The log of a copy may end in damage as it would end after a crash. */
static void print_damage(const tj_restore_report *report, output *out)
{
    tj_error error = TJ_ERROR_INIT;
    tj_verify_report *found = NULL;
    char *source = word_text(report->source.data);
    if (!report->from_backup && report->sequence == report->newest_sequence &&
        tj_verify(report->source.data, NULL, &found, &error) == TJ_OK &&
        found->verdict == TJ_VERDICT_DAMAGED) {
        out_line(out,
                 "  the source is damaged, and its log may go on: `tesser-journal repair -j %s "
                 "--into NEW --dry-run` says whether commits after %" PRIu64 " can be kept",
                 source, report->newest_sequence);
    }
    tj_verify_report_free(found);
    free(source);
}

static void print_unfinished(const tj_restore_report *report, output *out)
{
    char *source = word_text(report->source.data);
    if (report->from_backup && report->sequence < report->newest_sequence) {
        out_format(out,
                   "  the backup holds commits up to %" PRIu64 " and no point for them: it was not "
                   "finished, or not copied whole: `tesser-journal restore %s --into NEW --at "
                   "%" PRIu64 "` restores them, too\n",
                   report->newest_sequence, source, report->newest_sequence);
    }
    free(source);
}

static void json_counters(const tj_restore_report *report, json_writer *json)
{
    json_open(json, "counters", '[');
    for (size_t i = 0; i < report->counter_count; i++) {
        json_open(json, NULL, '{');
        json_text(json, "book", report->counters[i].book);
        json_text(json, "name", report->counters[i].name);
        json_unsigned(json, "next", report->counters[i].next);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void json_report(const tj_restore_report *report, output *out)
{
    char digest[17];
    json_writer json = {.out = out};
    snprintf(digest, sizeof digest, "%016" PRIx64, report->digest);
    json_open(&json, NULL, '{');
    json_bool(&json, "dry_run", report->dry_run);
    json_bool(&json, "from_backup", report->from_backup);
    json_text(&json, "source", report->source);
    json_text(&json, "directory", report->directory);
    json_uuid(&json, "source_id", report->source_id);
    json_unsigned(&json, "sequence", report->sequence);
    if (report->sequence > 0) {
        json_time(&json, "time", report->time);
    } else {
        json_null(&json, "time");
    }
    json_unsigned(&json, "newest_sequence", report->newest_sequence);
    json_bool(&json, "cut_short", report->cut_short);
    if (!report->dry_run) {
        json_uuid(&json, "journal_id", report->journal_id);
        json_unsigned(&json, "commit", report->commit);
        json_text(&json, "digest", tj_str_of(digest));
        json_unsigned(&json, "rows", report->row_count);
        json_bool(&json, "proven", report->proven);
    }
    json_counters(report, &json);
    json_close(&json, '}');
}

static tj_status read_options(command_line *cli, tj_restore_options *options, const char **into,
                              tj_error *error)
{
    *into = option_value(cli, &into_option);
    options->dry_run = given(cli, &dry_run_option);
    if (!*into) {
        return usage_error(cli, error, "restore where to? Give --into JOURNAL");
    }
    tj_status status = tj_path_check(cli->arguments[0], error);
    if (status == TJ_OK) {
        status = option_moment(cli, &option_at, &options->at, error);
    }
    return status == TJ_OK ? option_number(cli, &skip_option, &options->skip_counters, error)
                           : status;
}

static tj_status run_restore(command_line *cli, tj_error *error)
{
    tj_restore_options options = TJ_RESTORE_OPTIONS_INIT;
    tj_restore_report *report = NULL;
    const char *into = NULL;
    tj_status status = read_options(cli, &options, &into, error);
    if (status == TJ_OK) {
        status = tj_restore(cli->arguments[0], into, &options, &report, error);
    }
    if (status == TJ_OK && !options.dry_run) {
        note_durable(cli, "the journal %s is restored", into);
    }
    if (status == TJ_OK && given(cli, &option_json)) {
        json_report(report, &cli->out);
    } else if (status == TJ_OK) {
        print_report(report, &cli->out);
        print_damage(report, &cli->out);
        if (options.at.sequence == 0 && !options.at.has_time) {
            print_unfinished(report, &cli->out);
        }
    }
    tj_restore_report_free(report);
    return status;
}

const command_spec command_restore = {
    .name = "restore",
    .arguments = "SOURCE",
    .arguments_min = 1,
    .arguments_max = 1,
    .summary = "make a new journal out of a backup, or out of the log of another journal",
    .text = "The source stays as it is; of a journal only the log is read, its data.mdb may be "
            "gone. The new journal is there as a whole or not at all. It has an id of its own, and "
            "one commit more than was restored, which lets every counter go on behind the highest "
            "number that the source knows of. What was handed out after the backup it cannot "
            "know: --skip-counters is for that.",
    .example = "tesser-journal restore /mnt/backup/journal --into ./restored\n"
               "tesser-journal restore /mnt/backup/journal --into ./restored "
               "--at 2026-03-01T09:30:00Z --skip-counters 10000",
    .options =
        (const option_spec *const[]){&into_option, &option_at, &skip_option, &dry_run_option, NULL},
    .writes = true,
    .run = run_restore,
};
