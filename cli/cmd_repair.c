/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* repair: a sound journal out of what is sound in a damaged one. */
#include "cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <tesser/verify.h>

#define EXIT_DAMAGED (EXIT_STATUS_BASE + TJ_CORRUPT)

static const option_spec option_into = {.name = "into",
                                        .value = "NEW",
                                        .help = "the new journal: not there, or an empty "
                                                "directory"};
static const option_spec option_accept_loss = {
    .name = "accept-loss", .help = "build it though commits or rows are lost, which are listed"};
static const option_spec option_swap = {
    .name = "swap", .help = "then exchange the names of the two: the damaged one is at NEW"};
static const option_spec option_dry_run = {
    .name = "dry-run", .letter = 'n', .help = "look and tell, write nothing"};
static const option_spec option_skip = {
    .name = "skip-counters",
    .value = "N",
    .help = "what each counter skips when commits are lost; 1000000 by default"};

static void print_parts(const tj_repair_report *report, output *out)
{
    for (size_t i = 0; i < report->part_count; i++) {
        char *sentence = safe_text(report->parts[i].sentence);
        out_line(out, "  %s%s", report->parts[i].lost ? "LOST: " : "", sentence);
        free(sentence);
    }
    if (report->part_left_out > 0) {
        out_line(out, "  and %zu more", report->part_left_out);
    }
}

#define OPTIONS_SIZE 64

/* What was given, for the next command. */
static const char *repeat(const tj_repair_options *options, bool accept_loss, bool swap,
                          char out[OPTIONS_SIZE])
{
    int size = snprintf(out, OPTIONS_SIZE, "%s%s", accept_loss ? " --accept-loss" : "",
                        swap ? " --swap" : "");
    if (options->skip_counters > 0) {
        snprintf(out + size, OPTIONS_SIZE - (size_t)size, " --skip-counters %" PRIu64,
                 options->skip_counters);
    }
    return out;
}

/* What follows from a loss. */
static void print_loss(const tj_repair_report *report, const tj_repair_options *options,
                       output *out)
{
    char id[TJ_UUID_TEXT_SIZE];
    uint64_t skip = options->skip_counters;
    bool commits = false;
    for (size_t i = 0; i < report->part_count; i++) {
        commits = commits ||
                  (report->parts[i].lost && report->parts[i].sequence_first > report->sequence);
    }
    if (report->written) {
        tj_uuid_format(report->journal_id, id);
        out_line(out,
                 "  the new journal has the id %s, and commit %" PRIu64
                 " says so; every counter skips %" PRIu64 " numbers",
                 id, report->sequence + 1, skip > 0 ? skip : TJ_REPAIR_SKIP_DEFAULT);
    }
    if (commits) {
        out_line(out,
                 "  compare with the exchange before you trade: orders, fills and balances since "
                 "commit %" PRIu64 " are not in it",
                 report->sequence);
    }
}

static void print_end(const tj_repair_report *report, const tj_repair_options *options,
                      const char *path, const char *into, output *out)
{
    char given_too[OPTIONS_SIZE];
    char *path_word = word_text(report->path.data);
    char *into_word = word_text(report->directory.data);
    if (report->loses) {
        print_loss(report, options, out);
    }
    if (!report->written && report->loses) {
        out_line(out,
                 "nothing was written: give --accept-loss to build it without what is lost, once "
                 "that is accepted: `tesser-journal repair -j %s --into %s%s`",
                 path_word, into_word, repeat(options, true, options->swap, given_too));
    } else if (report->swapped) {
        out_line(out,
                 "the repaired journal is at %s, and the damaged one at %s: keep it until "
                 "nothing of it is missed",
                 path, into);
    } else if (report->written) {
        out_line(out,
                 "the journal to open is %s: point the runtime's `path` at it, or let "
                 "`tesser-journal repair -j %s --into OTHER%s` put one in the place of %s",
                 into, path_word, repeat(options, report->loses, true, given_too), path);
        out_line(out, "the damaged journal stays as it is: write to it no more");
    }
    free(path_word);
    free(into_word);
}

static void print_report(const tj_repair_report *report, const tj_repair_options *options,
                         output *out)
{
    char *path = safe_text(report->path);
    char *into = safe_text(report->directory);
    if (!report->needed) {
        out_line(out, "%s is sound: there is nothing to repair", path);
    } else {
        out_line(out, "%s %s into %s, up to commit %" PRIu64,
                 report->written ? "repaired" : "would repair", path, into, report->sequence);
        print_parts(report, out);
        print_end(report, options, path, into, out);
    }
    free(path);
    free(into);
}

static void json_part(const tj_repair_part *part, json_writer *json)
{
    json_open(json, NULL, '{');
    json_bool(json, "lost", part->lost);
    json_text(json, "sentence", part->sentence);
    json_unsigned(json, "sequence_first", part->sequence_first);
    if (part->sequence_last == UINT64_MAX) {
        json_null(json, "sequence_last");
    } else {
        json_unsigned(json, "sequence_last", part->sequence_last);
    }
    if (part->key.data) {
        json_text(json, "key", part->key);
    } else {
        json_null(json, "key");
    }
    json_close(json, '}');
}

static void json_report(const tj_repair_report *report, json_writer *json)
{
    json_open(json, NULL, '{');
    json_text(json, "path", report->path);
    json_text(json, "directory", report->directory);
    json_bool(json, "needed", report->needed);
    json_bool(json, "written", report->written);
    json_bool(json, "swapped", report->swapped);
    json_bool(json, "loses", report->loses);
    json_uuid(json, "source_id", report->source_id);
    json_uuid(json, "journal_id", report->journal_id);
    json_unsigned(json, "sequence", report->sequence);
    json_unsigned(json, "log_first", report->log_first);
    json_unsigned(json, "rows", report->row_count);
    json_open(json, "parts", '[');
    for (size_t i = 0; i < report->part_count; i++) {
        json_part(&report->parts[i], json);
    }
    json_close(json, ']');
    json_unsigned(json, "parts_left_out", report->part_left_out);
    json_close(json, '}');
}

static tj_status read_options(command_line *cli, tj_repair_options *options, tj_error *error)
{
    options->accept_loss = given(cli, &option_accept_loss);
    options->swap = given(cli, &option_swap);
    options->dry_run = given(cli, &option_dry_run);
    if (!option_value(cli, &option_into)) {
        return usage_error(cli, error, "repair into what? Give --into NEW");
    }
    return option_number(cli, &option_skip, &options->skip_counters, error);
}

static tj_status run_repair(command_line *cli, tj_error *error)
{
    open_journal journal;
    tj_repair_report *report = NULL;
    tj_repair_options options = TJ_REPAIR_OPTIONS_INIT;
    tj_status status = journal_configure(cli, ACCESS_READ, &journal, error);
    if (status == TJ_OK) {
        status = read_options(cli, &options, error);
    }
    if (status == TJ_OK) {
        cli->advice = ""; /* the sentence says it */
        status = tj_repair(journal.config.path, option_value(cli, &option_into), &options, &report,
                           error);
    }
    if (status == TJ_OK && report->written) {
        note_durable(cli, "%s is repaired", journal.config.path);
    }
    if (status == TJ_OK && given(cli, &option_json)) {
        json_writer json = {.out = &cli->out};
        json_report(report, &json);
    } else if (status == TJ_OK) {
        print_report(report, &options, &cli->out);
    }
    if (status == TJ_OK && report->loses && !report->written) {
        cli->exit_code = EXIT_DAMAGED;
    }
    tj_repair_report_free(report);
    return journal_close(&journal, status, error);
}

static const option_spec *const repair_options[] = {
    &option_into, &option_accept_loss, &option_swap, &option_dry_run, &option_skip, NULL};

const command_spec command_repair = {
    .name = "repair",
    .summary = "build a sound journal out of a damaged one",
    .text =
        "Builds a new journal beside the damaged one, which stays as it is, out of every part that "
        "is whole: the log from its first commit on, or the state in data.mdb or in bases, and the "
        "commits after it. It says for each range of commits where it comes from, or that it is "
        "lost, and "
        "names the rows concerned; when something is lost it writes nothing and ends with 19 until "
        "--accept-loss is given. What loses nothing keeps the journal's id. What loses commits or "
        "rows gets a new one, and its counters skip ahead, so that no number is handed out twice.",
    .example = "tesser-journal --journal ./journal repair --into ./repaired --swap",
    .options = repair_options,
    .writes = true,
    .run = run_repair,
};
