/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* import: Tesser's own data into a journal. */
#include "cli.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <tesser/migrate.h>

static const option_spec into_option = {
    .name = "into",
    .value = "JOURNAL",
    .help = "journal to import into, created when it is not there; the same as --journal"};
static const option_spec dry_run_option = {
    .name = "dry-run", .letter = 'n', .help = "read, check and report, but write nothing"};
static const option_spec replace_option = {
    .name = "replace", .help = "the book may hold data, which what is imported replaces"};
static const option_spec newest_option = {
    .name = "newest",
    .help =
        "where one venue has a code twice, leave out what is stale: positions that were updated "
        "earlier, and prices, whose times nothing tells"};
static const option_spec exchange_option = {
    .name = "exchange",
    .value = "NAME",
    .help = "exchange of the codes that have none, e.g. binance_perp; of a code that stands twice, "
            "what its sub-account holds stays"};
static const option_spec map_option = {
    .name = "map",
    .value = "CODE=ID",
    .help = "identity of one code, e.g. BTCUSDT=binance_perp:BTCUSDT; for the second of "
            "several members under one key, last_prices.BTCUSDT#2=bybit_linear:BTCUSDT, or "
            "=- to leave it out; may be given again and again"};
static const option_spec strategy_state_option = {
    .name = "strategy-state",
    .value = "FILE",
    .help = "what knows the strategy's state of an LMDB journal: its JSON, a "
            "snapshot, or Tesser's SQLite state store"};

/* ---- the report for people ------------------------------------------------------------------ */

static void print_sources(const tj_import_report *report, output *out)
{
    static const table_column columns[] = {
        {"source", ALIGN_LEFT, true, 0},        {"state", ALIGN_LEFT, false, 0},
        {"algorithms", ALIGN_RIGHT, false, 0},  {"ledger", ALIGN_RIGHT, false, 0},
        {"quarantined", ALIGN_RIGHT, false, 0}, {"what it is", ALIGN_LEFT, true, 1}};
    text_table table = {TEXT_TABLE(columns)};
    for (size_t i = 0; i < report->source_count; i++) {
        const tj_import_source *source = &report->sources[i];
        table_text(&table, source->path);
        table_text(&table, tj_str_of(source->has_state ? "yes" : ""));
        table_number(&table, source->algo_count);
        table_number(&table, source->ledger_count);
        table_number(&table, source->quarantined_count);
        table_text(&table, source->layout);
    }
    out_heading(out, "Sources (%zu)", report->source_count);
    table_print_whole(&table, out);
    out_format(out, "\n");
}

static void print_quarantined(const tj_import_report *report, output *out)
{
    static const table_column columns[] = {{"name", ALIGN_LEFT, true, 0},
                                           {"bytes", ALIGN_RIGHT, false, 1},
                                           {"source", ALIGN_LEFT, true, 2},
                                           {"why it cannot be decoded", ALIGN_LEFT, true, 0}};
    text_table table = {TEXT_TABLE(columns)};
    for (size_t i = 0; i < report->quarantined_count; i++) {
        const tj_quarantined *item = &report->quarantined[i];
        table_text(&table, item->name);
        table_number(&table, item->raw.size);
        table_text(&table, item->source);
        table_text(&table, item->reason);
    }
    if (report->quarantined_count > 0) {
        out_format(out, "\n");
        out_heading(out, "Quarantined, kept byte for byte (%zu)", report->quarantined_count);
        table_print_whole(&table, out);
    }
}

static void print_notes(const char *title, const tj_report_note *notes, size_t count, output *out)
{
    if (count == 0) {
        return;
    }
    out_format(out, "\n");
    out_heading(out, "%s (%zu)", title, count);
    for (size_t i = 0; i < count; i++) {
        char *what = safe_text(notes[i].what);
        char *reason = safe_text(notes[i].reason);
        char *source = safe_text(notes[i].source);
        out_format(out, "  %s%s%s%s: %s\n", what, source[0] ? " (" : "", source,
                   source[0] ? ")" : "", reason);
        free(what);
        free(reason);
        free(source);
    }
}

static void print_counts(const tj_import_report *report, output *out)
{
    if (report->has_state) {
        out_pair(out, "State", "%zu open %s, %zu %s, %zu %s, %zu last %s", report->open_order_count,
                 plural(report->open_order_count, "order", "orders"), report->position_count,
                 plural(report->position_count, "position", "positions"), report->balance_count,
                 plural(report->balance_count, "balance", "balances"), report->last_price_count,
                 plural(report->last_price_count, "price", "prices"));
        out_pair(out, "Strategy state", "%s", report->has_strategy_state ? "yes" : "none");
        out_pair(out, "Codes without exchange", "%zu", report->unqualified_count);
    } else {
        out_pair(out, "State", "none");
    }
    out_pair(out, "Algorithms", "%zu", report->algo_count);
    if (report->ledger_kept_count > 0) {
        out_pair(out, "Ledger entries", "%zu, and %zu that %s there already", report->ledger_count,
                 report->ledger_kept_count, plural(report->ledger_kept_count, "was", "were"));
    } else {
        out_pair(out, "Ledger entries", "%zu", report->ledger_count);
    }
}

static void print_report(const tj_import_report *report, output *out)
{
    if (report->repeated_count > 0) {
        print_notes("Codes that stand more than once", report->repeated, report->repeated_count,
                    out);
        return;
    }
    print_sources(report, out);
    char *book = safe_text(report->book);
    if (report->dry_run) {
        out_heading(out, "Would be imported into book %s", book);
    } else {
        out_heading(out, "Imported into book %s; commit %" PRIu64, book, report->sequence);
    }
    free(book);
    print_counts(report, out);
    print_quarantined(report, out);
    print_notes("Remarks", report->remarks, report->remark_count, out);
    print_notes("Not imported", report->lost, report->lost_count, out);
    if (report->ledger_count > 0) {
        out_format(out, "\nTesser's runtime books into a SQLite file of its own, from sequence 1, "
                        "whatever keeps its state;\ndocs/TESSER.md has the one expression that "
                        "makes it go on with this ledger.\n");
    }
}

static tj_status tell(command_line *cli, const tj_import_report *report, tj_error *error)
{
    if (!given(cli, &option_json)) {
        print_report(report, &cli->out);
        return TJ_OK;
    }
    tj_text text = {NULL, 0};
    tj_status status = tj_import_report_to_json(report, &text, error);
    if (status == TJ_OK) {
        out_bytes(&cli->out, (tj_str){text.data, text.size});
        out_format(&cli->out, "\n");
    }
    tj_text_dispose(&text);
    return status;
}

/* ---- the command ---------------------------------------------------------------------------- */

static tj_import_options options_of(const command_line *cli, progress_bar *bar,
                                    const char *maps[OPTIONS_MAX])
{
    tj_import_options options = TJ_IMPORT_OPTIONS_INIT;
    options.sources = (const char *const *)cli->arguments;
    options.source_count = cli->argument_count;
    options.exchange = option_value(cli, &exchange_option);
    options.map_count = option_values(cli, &map_option, maps);
    options.maps = maps;
    options.strategy_state = option_value(cli, &strategy_state_option);
    options.dry_run = given(cli, &dry_run_option);
    options.replace = given(cli, &replace_option);
    options.newest = given(cli, &newest_option);
    options.progress = progress_show;
    options.progress_context = bar;
    return options;
}

/* A source that is no good says nothing against the journal. */
static void advise(command_line *cli, tj_status status, const tj_error *error)
{
    bool unfit = status == TJ_CORRUPT || status == TJ_UNSUPPORTED;
    for (size_t i = 0; i < cli->argument_count && unfit; i++) {
        if (strcmp(error->place, cli->arguments[i]) == 0) {
            cli->advice = "Nothing was imported: correct this source, or leave it out.";
        }
    }
}

static tj_status run_import(command_line *cli, tj_error *error)
{
    open_journal journal;
    progress_bar bar = progress_begin();
    const char *maps[OPTIONS_MAX];
    tj_import_options options = options_of(cli, &bar, maps);
    tj_import_report *report = NULL;
    bar.wanted = bar.wanted && !given(cli, &option_json);
    if (given(cli, &into_option) && given(cli, &option_journal) &&
        strcmp(option_value(cli, &into_option), option_value(cli, &option_journal)) != 0) {
        return usage_error(cli, error, "--into and --journal name two journals; give one of them");
    }
    tj_status status = TJ_OK;
    if (given(cli, &into_option)) {
        status = option_give(cli, &option_journal, option_value(cli, &into_option), error);
    }
    if (status != TJ_OK) {
        return status;
    }
    status = journal_configure(cli, ACCESS_CREATE, &journal, error);
    if (status == TJ_OK) {
        status = tj_import(&journal.config, &options, &report, error);
        advise(cli, status, error);
    }
    progress_end(&bar);
    if (status == TJ_OK && !options.dry_run) {
        note_commit(cli, report->sequence);
    }
    if (status == TJ_OK) {
        status = tell(cli, report, error);
    } else if (report) {
        tj_error late = TJ_ERROR_INIT; /* the first one counts */
        (void)tell(cli, report, &late);
    }
    if (status == TJ_OK && report->quarantined_count > 0) {
        cli->exit_code = EXIT_PARTIAL;
    }
    tj_import_report_free(report);
    return journal_close(&journal, status, error);
}

const command_spec command_import = {
    .name = "import",
    .arguments = "SOURCE...",
    .arguments_min = 1,
    .arguments_max = SIZE_MAX,
    .summary = "import Tesser's own data, in one commit",
    .text =
        "A source is Tesser's LMDB journal (its directory or data.mdb), one of its SQLite stores "
        "(with "
        "the -wal beside it, if there is one), a snapshot, algorithms keyed by UUID, or a ledger "
        "of "
        "one "
        "entry a line; which one, its content tells. Sources stay as they are to the byte. What "
        "cannot be decoded goes into quarantine while the rest is imported, and the exit code is "
        "3. "
        "With --json the whole report, the quarantined bytes included.",
    .example =
        "tesser-journal import ./tesser/journal.lmdb ./tesser/state.db --into ./journal --dry-run",
    .options =
        (const option_spec *const[]){&into_option, &dry_run_option, &replace_option, &newest_option,
                                     &exchange_option, &map_option, &strategy_state_option, NULL},
    .writes = true,
    .server = true,
    .run = run_import,
};
