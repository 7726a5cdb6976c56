/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* export: a book as Tesser's own stores. */
#include "cli.h"

#include <inttypes.h>
#include <stdlib.h>

#include <tesser/migrate.h>

static const option_spec format_option = {
    .name = "format", .value = "FORMAT", .help = "tesser, the only one yet"};
static const option_spec dry_run_option = {
    .name = "dry-run", .letter = 'n', .help = "only tell what Tesser cannot hold"};
static const option_spec force_option = {
    .name = "force", .help = "export although Tesser would lose or refuse something"};

static void print_report(const tj_export_report *report, bool written, output *out)
{
    char *book = safe_text(report->book);
    char *directory = safe_text(report->directory);
    if (report->lost_count > 0) {
        out_heading(out, "What Tesser cannot hold (%zu)", report->lost_count);
        for (size_t i = 0; i < report->lost_count; i++) {
            char *what = safe_text(report->lost[i].what);
            char *reason = safe_text(report->lost[i].reason);
            out_format(out, "  %s: %s\n", what, reason);
            free(what);
            free(reason);
        }
        out_format(out, "\n");
    }
    out_format(
        out,
        "%s book %s %s %s: %zu open %s, %zu %s, %zu %s, %zu ledger %s; as of commit %" PRIu64 "\n",
        written ? "exported" : "not exported:", book, written ? "to" : "for", directory,
        report->open_order_count, plural(report->open_order_count, "order", "orders"),
        report->position_count, plural(report->position_count, "position", "positions"),
        report->algo_count, plural(report->algo_count, "algorithm", "algorithms"),
        report->ledger_count, plural(report->ledger_count, "entry", "entries"), report->sequence);
    free(directory);
    free(book);
}

/* The report is printed also when force is needed. */
static tj_status tell(command_line *cli, const tj_export_report *report, bool written,
                      tj_error *error)
{
    if (!given(cli, &option_json)) {
        print_report(report, written, &cli->out);
        return TJ_OK;
    }
    tj_text text = {NULL, 0};
    tj_status status = tj_export_report_to_json(report, &text, error);
    if (status == TJ_OK) {
        out_bytes(&cli->out, (tj_str){text.data, text.size});
        out_format(&cli->out, "\n");
    }
    tj_text_dispose(&text);
    return status;
}

static tj_status check_format(command_line *cli, tj_error *error)
{
    const char *format = option_value(cli, &format_option);
    return !format || strcmp(format, "tesser") == 0
               ? TJ_OK
               : usage_error(cli, error, "--format is \"%s\"; expected tesser", format);
}

static tj_status run_export(command_line *cli, tj_error *error)
{
    open_journal journal;
    tj_export_report *report = NULL;
    tj_export_options options = TJ_EXPORT_OPTIONS_INIT;
    options.dry_run = given(cli, &dry_run_option);
    options.force = given(cli, &force_option);
    tj_status status = check_format(cli, error);
    if (status != TJ_OK) {
        return status;
    }
    status = tj_path_check(cli->arguments[0], error);
    if (status != TJ_OK) {
        return status;
    }
    status = journal_open(cli, ACCESS_READ, &journal, error);
    if (status == TJ_OK) {
        status = tj_export_tesser(journal.store, cli->arguments[0], &options, &report, error);
    }
    if (status == TJ_OK && !options.dry_run) {
        note_durable(cli, "book %s is exported to %s", journal.book, cli->arguments[0]);
    }
    if (report) {
        tj_error late = TJ_ERROR_INIT;
        tj_status told = tell(cli, report, status == TJ_OK && !options.dry_run, &late);
        if (status == TJ_OK && told != TJ_OK) {
            *error = late;
            status = told;
        }
    }
    tj_export_report_free(report);
    return journal_close(&journal, status, error);
}

const command_spec command_export = {
    .name = "export",
    .arguments = "DIRECTORY",
    .arguments_min = 1,
    .arguments_max = 1,
    .summary = "write a book as Tesser's own stores",
    .text = "A new directory with snapshot.json, state.db, which holds the ledger too, and "
            "state.algos.db: name state.db in Tesser's state_path. What Tesser cannot hold is told "
            "before anything is written; where a value would be lost, it needs --force.",
    .example = "tesser-journal --journal ./journal export --format tesser ./tesser",
    .options = (const option_spec *const[]){&format_option, &dry_run_option, &force_option, NULL},
    .writes = true,
    .server = true,
    .run = run_export,
};
