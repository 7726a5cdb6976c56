/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* compact: gives the disk back what data.mdb has no use for. */
#include "cli.h"

#include <tesser/maintain.h>

static const option_spec dry_run_option = {
    .name = "dry-run", .letter = 'n', .help = "tell what it would come to, and change nothing"};

static void print_report(const tj_compact_report *report, output *out)
{
    char before[SIZE_TEXT_SIZE];
    char after[SIZE_TEXT_SIZE];
    size_text(report->bytes_before, before);
    size_text(report->bytes_after, after);
    if (report->bytes_after >= report->bytes_before) {
        out_format(out, "data.mdb has %s and no free pages: there is nothing to gain\n", before);
    } else if (report->written) {
        out_format(out, "data.mdb had %s and has %s\n", before, after);
    } else {
        out_format(out, "data.mdb has %s and would have %s; nothing is done\n", before, after);
    }
}

static void json_report(const tj_compact_report *report, bool dry, output *out)
{
    json_writer json = {.out = out};
    json_open(&json, NULL, '{');
    json_bool(&json, "dry_run", dry);
    json_bool(&json, "written", report->written);
    json_unsigned(&json, "bytes_before", report->bytes_before);
    json_unsigned(&json, "bytes_after", report->bytes_after);
    json_close(&json, '}');
}

static tj_status run_compact(command_line *cli, tj_error *error)
{
    open_journal journal;
    tj_compact_options options = TJ_COMPACT_OPTIONS_INIT;
    tj_compact_report report = TJ_COMPACT_REPORT_INIT;
    options.dry_run = given(cli, &dry_run_option);
    tj_status status = journal_configure(cli, ACCESS_WRITE, &journal, error);
    if (status == TJ_OK) {
        status = tj_compact(&journal.config, &options, &report, error);
    }
    if (status == TJ_OK && report.written) {
        note_durable(cli, "data.mdb is compacted");
    }
    if (status == TJ_OK && given(cli, &option_json)) {
        json_report(&report, options.dry_run, &cli->out);
    } else if (status == TJ_OK) {
        print_report(&report, &cli->out);
    }
    return journal_close(&journal, status, error);
}

const command_spec command_compact = {
    .name = "compact",
    .summary = "make data.mdb as small as what is in it",
    .text = "LMDB keeps the pages of what was deleted, for rows to come; a journal that once had "
            "many more of them can give the space back. Nobody else may have the journal open. A "
            "copy is built beside data.mdb, which takes as much space as the command says with "
            "--dry-run, and takes its place when it is flushed and compared. The log is not "
            "touched: `prune` is for that.",
    .example = "tesser-journal --journal ./journal compact --dry-run",
    .options = (const option_spec *const[]){&dry_run_option, NULL},
    .writes = true,
    .run = run_compact,
};
