/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* rollback: a book's state and algorithms back to what they were. */
#include "cli.h"

#include <inttypes.h>

static const option_spec to_option = {
    .name = "to", .value = "SEQ|TIME", .help = "go back to this commit, or this RFC 3339 time"};
static const option_spec keep_option = {
    .name = "keep-checkpoint",
    .help = "leave the execution checkpoint as it is, so that no execution is fetched again"};
static const option_spec note_option = {
    .name = "note", .value = "TEXT", .help = "why, kept in the log with the commit"};
static const option_spec dry_run_option = {
    .name = "dry-run", .letter = 'n', .help = "tell what would change, and change nothing"};

/* ---- telling ----------------------------------------------------------------------------- */

static void print_ledger(const tj_rollback_report *report, output *out)
{
    if (report->ledger_count == 0) {
        out_format(out, "The ledger has no entries since then.\n");
        return;
    }
    out_format(out, "These ledger entries were made since, and stay:\n");
    for (size_t i = 0; i < report->ledger_count; i++) {
        const tj_ledger_sum *sum = &report->ledger[i];
        char asset[TJ_IDENTITY_TEXT_SIZE];
        char amount[TJ_DECIMAL_TEXT_SIZE];
        tj_identity_format(sum->asset, asset);
        tj_decimal_format(sum->amount, amount);
        out_line(out, "  %zu %s of %s, together %s", sum->count,
                 plural(sum->count, "entry", "entries"), asset, amount);
    }
}

/* Said every time: what it costs to overlook it is money. */
static void print_checkpoint(const tj_rollback_report *report, output *out)
{
    if (report->checkpoint_back) {
        out_format(out,
                   "The execution checkpoint goes back, and the ledger does not: executions that "
                   "are fetched again are booked twice. --keep-checkpoint leaves it as it is.\n");
    } else if (report->checkpoint_kept) {
        out_format(out, "The execution checkpoint stays as it is.\n");
    } else {
        out_format(out, "The execution checkpoint is the same then and now.\n");
    }
}

static void print_report(const tj_rollback_report *report, output *out)
{
    const char *changes = plural(report->change_count, "change", "changes");
    for (size_t i = 0; i < report->change_count; i++) {
        print_change(out, &report->changes[i], true);
    }
    print_ledger(report, out);
    print_checkpoint(report, out);
    if (report->dry_run) {
        out_line(out, "would take book %.*s back to commit %" PRIu64 ": %zu %s; nothing is done",
                 (int)report->book.size, report->book.data, report->sequence_to,
                 report->change_count, changes);
    } else if (report->sequence == 0) {
        out_line(out, "book %.*s is as it was at commit %" PRIu64 ": there is nothing to do",
                 (int)report->book.size, report->book.data, report->sequence_to);
    } else {
        out_line(out, "took book %.*s back to commit %" PRIu64 ": %zu %s; commit %" PRIu64,
                 (int)report->book.size, report->book.data, report->sequence_to,
                 report->change_count, changes, report->sequence);
    }
}

static void json_report(const tj_rollback_report *report, output *out)
{
    json_writer json = {.out = out};
    json_open(&json, NULL, '{');
    json_text(&json, "book", report->book);
    json_unsigned(&json, "to", report->sequence_to);
    json_bool(&json, "dry_run", report->dry_run);
    json_open(&json, "changes", '[');
    for (size_t i = 0; i < report->change_count; i++) {
        json_change(&json, &report->changes[i], true);
    }
    json_close(&json, ']');
    json_open(&json, "ledger_kept", '[');
    for (size_t i = 0; i < report->ledger_count; i++) {
        char text[TJ_DECIMAL_TEXT_SIZE > TJ_IDENTITY_TEXT_SIZE ? TJ_DECIMAL_TEXT_SIZE
                                                               : TJ_IDENTITY_TEXT_SIZE];
        json_open(&json, NULL, '{');
        tj_identity_format(report->ledger[i].asset, text);
        json_text(&json, "asset", tj_str_of(text));
        json_unsigned(&json, "entries", report->ledger[i].count);
        tj_decimal_format(report->ledger[i].amount, text);
        json_text(&json, "amount", tj_str_of(text));
        json_close(&json, '}');
    }
    json_close(&json, ']');
    json_bool(&json, "checkpoint_back", report->checkpoint_back);
    json_bool(&json, "checkpoint_kept", report->checkpoint_kept);
    if (!report->dry_run) {
        json_unsigned(&json, "seq", report->sequence);
    }
    json_close(&json, '}');
}

/* ---- the command ------------------------------------------------------------------------- */

static tj_status roll_back(command_line *cli, tj_moment to, const tj_rollback_options *options,
                           tj_error *error)
{
    open_journal journal;
    tj_rollback_report *report = NULL;
    tj_status status =
        journal_open(cli, options->dry_run ? ACCESS_READ : ACCESS_WRITE, &journal, error);
    if (status == TJ_BUSY) {
        cli->advice = "stop the runtime first, or let it call tj_state_rollback itself: its next "
                      "save of the whole state would undo a rollback from outside";
    }
    if (status == TJ_OK) {
        tj_state_repository *states = tj_store_state_repository(journal.store, NULL);
        status = tj_state_rollback(states, to, options, &report, error);
    }
    if (status == TJ_OK && report->sequence > 0) {
        note_commit(cli, report->sequence);
    }
    if (status == TJ_OK && given(cli, &option_json)) {
        json_report(report, &cli->out);
    } else if (status == TJ_OK) {
        print_report(report, &cli->out);
    }
    tj_rollback_report_free(report);
    return journal_close(&journal, status, error);
}

static tj_status run_rollback(command_line *cli, tj_error *error)
{
    tj_moment to;
    tj_rollback_options options = TJ_ROLLBACK_OPTIONS_INIT;
    options.dry_run = given(cli, &dry_run_option);
    options.keep_checkpoint = given(cli, &keep_option);
    options.note = tj_str_of(option_value(cli, &note_option));
    if (!given(cli, &to_option)) {
        return usage_error(cli, error, "rollback needs --to SEQ|TIME");
    }
    tj_status status = option_moment(cli, &to_option, &to, error);
    return status == TJ_OK ? roll_back(cli, to, &options, error) : status;
}

const command_spec command_rollback = {
    .name = "rollback",
    .summary = "take a book's state and algorithms back to a commit or time",
    .text = "One new commit, after which both are exactly as they were; nothing of the history is "
            "lost, and going back to a commit before this one undoes it. Never touched: the ledger "
            "(what was booked since is told), counters, other books, quarantine. The execution "
            "checkpoint goes back too, unless --keep-checkpoint is given: executions that are then "
            "fetched again are booked twice.",
    .example = "tesser-journal --journal ./journal rollback --to 4711 --keep-checkpoint --dry-run",
    .options =
        (const option_spec *const[]){&to_option, &keep_option, &note_option, &dry_run_option, NULL},
    .writes = true,
    .server = true,
    .run = run_rollback,
};
