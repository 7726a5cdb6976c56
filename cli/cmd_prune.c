/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* prune: lets old segments of the log go. */
#include "cli.h"

#include <inttypes.h>

#include <tesser/maintain.h>

static const option_spec size_option = {
    .name = "size",
    .value = "MIB",
    .help = "keep so many MiB of log, as history_size in the configuration by default"};
static const option_spec dry_option = {
    .name = "dry-run", .letter = 'n', .help = "tell what would go, and change nothing"};

static void print_report(const tj_prune_report *report, bool server, bool dry, output *out)
{
    char size[SIZE_TEXT_SIZE];
    char time[TJ_TIME_TEXT_SIZE];
    if (report->segment_count == 0) {
        out_format(out, "nothing to prune\n");
        return;
    }
    tj_time_format(report->oldest_time, time);
    out_format(out, "%" PRIu64 " %s %s, %s; states are kept from commit %" PRIu64 " on, %s%s\n",
               report->segment_count,
               server ? plural(report->segment_count, "commit", "commits")
                      : plural(report->segment_count, "segment", "segments"),
               dry ? "would go" : "went", size_text(report->bytes, size), report->oldest_sequence,
               server ? "" : "about ", time);
}

static void json_report(const tj_prune_report *report, bool server, bool dry, output *out)
{
    json_writer json = {.out = out};
    json_open(&json, NULL, '{');
    json_bool(&json, "dry_run", dry);
    json_unsigned(&json, server ? "commits" : "segments", report->segment_count);
    json_unsigned(&json, "bytes", report->bytes);
    if (!server) {
        json_unsigned(&json, "first_segment", report->first_segment);
    }
    json_unsigned(&json, "oldest_sequence", report->oldest_sequence);
    if (report->oldest_time != 0) {
        json_time(&json, "oldest_time", report->oldest_time);
    } else {
        json_null(&json, "oldest_time");
    }
    json_close(&json, '}');
}

static tj_status run_prune(command_line *cli, tj_error *error)
{
    open_journal journal;
    bool dry = given(cli, &dry_option);
    uint64_t mib = 0;
    tj_prune_options options = TJ_PRUNE_OPTIONS_INIT;
    tj_prune_report report = TJ_PRUNE_REPORT_INIT;
    tj_status status = option_number(cli, &size_option, &mib, error);
    if (status != TJ_OK) {
        return status;
    }
    options.dry_run = dry;
    options.history_size_bytes = mib < UINT64_MAX >> 20 ? mib << 20 : UINT64_MAX;
    status = journal_configure(cli, ACCESS_READ, &journal, error);
    bool server = status == TJ_OK && journal.config.type == TJ_ENGINE_POSTGRES;
    status = journal_close(&journal, status, error);
    if (status == TJ_OK) {
        access_mode mode = dry || server ? ACCESS_READ : ACCESS_WRITE;
        status = journal_open_whole(cli, mode, &journal, error);
    }
    if (status == TJ_OK) {
        status = tj_prune(journal.store, &options, &report, error);
    }
    if (status == TJ_OK) {
        if (!dry && server) {
            note_durable(cli, "states are kept from commit %" PRIu64 " on", report.oldest_sequence);
        } else if (!dry) {
            note_durable(cli, "the log begins with segment %" PRIu64, report.first_segment);
        }
        if (given(cli, &option_json)) {
            json_report(&report, server, dry, &cli->out);
        } else {
            print_report(&report, server, dry, &cli->out);
        }
    }
    return journal_close(&journal, status, error);
}

const command_spec command_prune = {
    .name = "prune",
    .summary = "let the oldest segments of the log go, once it is proven that the rest is enough",
    .text =
        "A running writer does this by itself, as history_size and history_age in the "
        "configuration say. First the state at the last commit that goes is written apart, and "
        "compared with what the log comes to; then that and the rest of the log are compared "
        "with the newest state. Ledger entries and commit ids all stay. States of before are "
        "gone then, but for one an hour of the last 7 days and one a day of the last 400. On "
        "PostgreSQL nothing goes by itself: a role that may delete runs this, beside the writer; "
        "the state from which on the log stays is proven, and those of before are gone.",
    .example = "tesser-journal --journal ./journal prune --dry-run",
    .options = (const option_spec *const[]){&size_option, &dry_option, NULL},
    .writes = true,
    .server = true,
    .run = run_prune,
};
