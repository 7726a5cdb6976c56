/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* quarantine: what imports could not decode, and deciding on it. */
#include "cli.h"

#include <inttypes.h>
#include <stdlib.h>

#include <tesser/migrate.h>

static const option_spec raw_option = {.name = "raw", .help = "the bytes alone, as they are"};
static const option_spec all_option = {.name = "all", .help = "everything that is in quarantine"};
static const option_spec reason_option = {
    .name = "reason", .value = "TEXT", .help = "why, kept in the log with the commit"};
static const option_spec strategy_option = {
    .name = "strategy-state",
    .value = "FILE",
    .help = "what knows the strategy's state of an LMDB journal: its JSON, a snapshot, or Tesser's "
            "SQLite state store"};
static const option_spec exchange_option = {
    .name = "exchange",
    .value = "NAME",
    .help = "exchange of the codes that have none, e.g. binance_perp"};
static const option_spec map_option = {
    .name = "map",
    .value = "CODE=ID",
    .help = "identity of one code, e.g. BTCUSDT=binance_perp:BTCUSDT; for the second of several "
            "members under one key, last_prices.BTCUSDT#2=bybit_linear:BTCUSDT, or =- to leave it "
            "out; may be given again and again"};
static const option_spec dry_run_option = {
    .name = "dry-run", .letter = 'n', .help = "tell what would change, and change nothing"};

static tj_status print_list(command_line *cli, const tj_quarantine_list *list, tj_error *error)
{
    static const table_column columns[] = {{"name", ALIGN_LEFT, true, 0},
                                           {"bytes", ALIGN_RIGHT, false, 1},
                                           {"why it cannot be decoded", ALIGN_LEFT, true, 0}};
    text_table table = {.title = "Quarantine", TEXT_TABLE(columns)};
    for (size_t i = 0; i < list->count; i++) {
        table_text(&table, list->items[i].name);
        table_number(&table, list->items[i].raw.size);
        table_text(&table, list->items[i].reason);
    }
    return tables_show(cli, &table, 1, error);
}

static void json_item(json_writer *json, const tj_quarantined *item)
{
    json_open(json, NULL, '{');
    json_text(json, "name", item->name);
    json_text(json, "reason", item->reason);
    json_hex(json, "raw_hex", item->raw);
    json_close(json, '}');
}

static tj_status run_quarantine_list(command_line *cli, tj_error *error)
{
    open_journal journal;
    tj_quarantine_list *list = NULL;
    tj_status status = tables_check(cli, error);
    if (status != TJ_OK) {
        return status;
    }
    status = journal_open(cli, ACCESS_READ, &journal, error);
    if (status == TJ_OK) {
        status = tj_quarantine_load(journal.store, NULL, &list, error);
    }
    if (status == TJ_OK && given(cli, &option_json)) {
        json_writer json = {.out = &cli->out};
        json_open(&json, NULL, '{');
        json_text(&json, "book", tj_str_of(journal.book));
        json_open(&json, "quarantined", '[');
        for (size_t i = 0; i < list->count; i++) {
            json_item(&json, &list->items[i]);
        }
        json_close(&json, ']');
        json_close(&json, '}');
    } else if (status == TJ_OK) {
        status = print_list(cli, list, error);
    }
    tj_quarantine_list_free(list);
    return journal_close(&journal, status, error);
}

static void tell_item(command_line *cli, const tj_quarantined *item)
{
    if (given(cli, &raw_option)) {
        out_bytes(&cli->out, item->raw);
    } else if (given(cli, &option_json)) {
        json_writer json = {.out = &cli->out};
        json_item(&json, item);
    } else {
        char *name = safe_text(item->name);
        char *reason = safe_text(item->reason);
        out_heading(&cli->out, "Quarantined");
        out_pair(&cli->out, "Name", "%s", name);
        out_pair(&cli->out, "Bytes", "%zu", item->raw.size);
        out_pair(&cli->out, "Why", "%s", reason);
        free(reason);
        free(name);
    }
}

static const tj_quarantined *find(const tj_quarantine_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (tj_str_equal(list->items[i].name, tj_str_of(name))) {
            return &list->items[i];
        }
    }
    return NULL;
}

static tj_status run_quarantine_show(command_line *cli, tj_error *error)
{
    open_journal journal;
    tj_quarantine_list *list = NULL;
    tj_status status = journal_open(cli, ACCESS_READ, &journal, error);
    if (status == TJ_OK) {
        status = tj_quarantine_load(journal.store, NULL, &list, error);
    }
    if (status == TJ_OK) {
        const tj_quarantined *item = find(list, cli->arguments[0]);
        if (item) {
            tell_item(cli, item);
        } else {
            status = fail(error, TJ_NOT_FOUND, "\"%s\" is not in the quarantine of book \"%s\"",
                          cli->arguments[0], journal.book);
        }
    }
    tj_quarantine_list_free(list);
    return journal_close(&journal, status, error);
}

/* ---- deciding -------------------------------------------------------------------------------- */

static void print_decision(const tj_quarantine_report *report, output *out)
{
    for (size_t i = 0; i < report->count; i++) {
        const tj_quarantine_item *item = &report->items[i];
        const char *what = !item->settled ? "stays" : report->dry_run ? "would be" : "is now";
        out_line(out, "%.*s %s: %.*s", (int)item->name.size, item->name.data, what,
                 (int)item->what.size, item->what.data);
    }
    out_format(out, "%zu of %zu %s out of quarantine", report->settled_count, report->count,
               report->dry_run ? "would be" : plural(report->settled_count, "is", "are"));
    if (report->sequence > 0) {
        out_format(out, "; commit %" PRIu64, report->sequence);
    }
    out_format(out, "%s\n", report->dry_run ? "; nothing is done" : "");
}

static void json_decision(const tj_quarantine_report *report, output *out)
{
    json_writer json = {.out = out};
    json_open(&json, NULL, '{');
    json_text(&json, "book", report->book);
    json_bool(&json, "dry_run", report->dry_run);
    json_open(&json, "items", '[');
    for (size_t i = 0; i < report->count; i++) {
        json_open(&json, NULL, '{');
        json_text(&json, "name", report->items[i].name);
        json_bool(&json, "settled", report->items[i].settled);
        json_text(&json, "what", report->items[i].what);
        json_close(&json, '}');
    }
    json_close(&json, ']');
    if (report->sequence > 0) {
        json_unsigned(&json, "seq", report->sequence);
    } else {
        json_null(&json, "seq");
    }
    json_close(&json, '}');
}

/* reason NULL: a retry. */
static tj_status decide(command_line *cli, const char *reason, tj_error *error)
{
    open_journal journal;
    const char *maps[OPTIONS_MAX];
    tj_quarantine_options options = TJ_QUARANTINE_OPTIONS_INIT;
    tj_quarantine_report *report = NULL;
    options.names = (const char *const *)cli->arguments;
    options.name_count = cli->argument_count;
    options.all = given(cli, &all_option);
    options.dry_run = given(cli, &dry_run_option);
    options.strategy_state = option_value(cli, &strategy_option);
    options.exchange = option_value(cli, &exchange_option);
    options.map_count = option_values(cli, &map_option, maps);
    options.maps = maps;
    if (options.all == (options.name_count > 0)) {
        return usage_error(cli, error, "%s needs the names of what is meant, or --all",
                           cli->command->name);
    }
    tj_status status =
        journal_open(cli, options.dry_run ? ACCESS_READ : ACCESS_WRITE, &journal, error);
    if (status == TJ_OK) {
        status =
            reason ? tj_quarantine_drop(journal.store, &options, tj_str_of(reason), &report, error)
                   : tj_quarantine_retry(journal.store, &options, &report, error);
    }
    if (status == TJ_OK && report->sequence > 0) {
        note_commit(cli, report->sequence);
    }
    if (status == TJ_OK && given(cli, &option_json)) {
        json_decision(report, &cli->out);
    } else if (status == TJ_OK) {
        print_decision(report, &cli->out);
    }
    if (status == TJ_OK && report->settled_count < report->count) {
        cli->exit_code = EXIT_PARTIAL;
    }
    tj_quarantine_report_free(report);
    return journal_close(&journal, status, error);
}

static tj_status run_quarantine_retry(command_line *cli, tj_error *error)
{
    return decide(cli, NULL, error);
}

static tj_status run_quarantine_drop(command_line *cli, tj_error *error)
{
    const char *reason = option_value(cli, &reason_option);
    if (!reason || reason[0] == '\0') {
        return usage_error(cli, error, "quarantine drop needs --reason TEXT");
    }
    return decide(cli, reason, error);
}

const command_spec command_quarantine_list = {
    .name = "quarantine list",
    .server = true,
    .summary = "what imports could not decode",
    .example = "tesser-journal --journal ./journal quarantine list",
    .options = (const option_spec *const[]){TABLE_OPTIONS, NULL},
    .pages = true,
    .run = run_quarantine_list,
};

const command_spec command_quarantine_show = {
    .name = "quarantine show",
    .server = true,
    .arguments = "NAME",
    .arguments_min = 1,
    .arguments_max = 1,
    .summary = "one thing in quarantine, or its bytes",
    .text = "NAME is as 'quarantine list' has it.",
    .example =
        "tesser-journal --journal ./journal quarantine show strategy_state --raw >strategy.bin",
    .options = (const option_spec *const[]){&raw_option, NULL},
    .run = run_quarantine_show,
};

const command_spec command_quarantine_retry = {
    .name = "quarantine retry",
    .server = true,
    .arguments = "[NAME...]",
    .arguments_max = SIZE_MAX,
    .summary = "decode it again, and move what can be decoded to where it belongs",
    .text =
        "With the rules that an import has now, in one commit. Nothing that is stored is "
        "replaced: what has its place taken stays, and the reason is told. A ledger entry whose "
        "number is not above the newest gets the next number. The exit code is 3 when something "
        "stays.",
    .example = "tesser-journal --journal ./journal quarantine retry strategy_state "
               "--strategy-state ./tesser/snapshot.json --dry-run",
    .options = (const option_spec *const[]){&all_option, &strategy_option, &exchange_option,
                                            &map_option, &dry_run_option, NULL},
    .writes = true,
    .run = run_quarantine_retry,
};

const command_spec command_quarantine_drop = {
    .name = "quarantine drop",
    .server = true,
    .arguments = "[NAME...]",
    .arguments_max = SIZE_MAX,
    .summary = "take it out of quarantine for good, with a reason",
    .text = "In one commit, whose note has the reason: `history` shows it, with what was dropped. "
            "`quarantine show NAME --raw` saves the bytes before.",
    .example = "tesser-journal --journal ./journal quarantine drop strategy_state --reason "
               "\"the strategy started afresh\"",
    .options = (const option_spec *const[]){&all_option, &reason_option, &dry_run_option, NULL},
    .writes = true,
    .run = run_quarantine_drop,
};
