/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* ledger list and append. */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include <tesser/json.h>

static const option_spec exchange_option = {
    .name = "exchange", .value = "NAME", .help = "only this exchange"};
static const option_spec asset_option = {
    .name = "asset", .value = "ASSET", .help = "only this asset, e.g. binance_perp:USDT"};
static const option_spec type_option = {
    .name = "type",
    .value = "TYPE",
    .help = "only this type: trade_realized_pnl, fee, funding, transfer_in, transfer_out "
            "or adjustment"};
static const option_spec from_sequence_option = {
    .name = "from-sequence", .value = "N", .help = "from this sequence on"};
static const option_spec to_sequence_option = {
    .name = "to-sequence", .value = "N", .help = "up to and including this sequence"};
static const option_spec from_time_option = {
    .name = "from-time", .value = "TIME", .help = "from this RFC 3339 time on"};
static const option_spec to_time_option = {
    .name = "to-time", .value = "TIME", .help = "up to and including this time"};
static const option_spec desc_option = {.name = "desc", .help = "newest first"};
static const option_spec by_time_option = {.name = "by-time",
                                           .help = "in the order of time instead of sequence"};

static const char *const type_names[] = {
    "", "trade_realized_pnl", "fee", "funding", "transfer_in", "transfer_out", "adjustment"};
#define TYPE_COUNT (sizeof(type_names) / sizeof(type_names[0]))

/* ---- list ---- */

static tj_status parse_time(command_line *cli, const option_spec *option, bool *has_time,
                            tj_time *time, tj_error *error)
{
    const char *text = option_value(cli, option);
    tj_error cause = TJ_ERROR_INIT;
    if (text && tj_time_parse(tj_str_of(text), time, &cause) != TJ_OK) {
        return usage_error(cli, error, "--%s: %s", option->name, cause.message);
    }
    *has_time = text != NULL;
    return TJ_OK;
}

static tj_status parse_type(command_line *cli, tj_ledger_type *type, tj_error *error)
{
    const char *text = option_value(cli, &type_option);
    for (size_t i = 1; text && i < TYPE_COUNT; i++) {
        if (strcmp(text, type_names[i]) == 0) {
            *type = (tj_ledger_type)i;
            return TJ_OK;
        }
    }
    return !text ? TJ_OK
                 : usage_error(cli, error,
                               "--type is \"%s\"; expected trade_realized_pnl, fee, funding, "
                               "transfer_in, transfer_out or adjustment",
                               text);
}

static tj_status parse_asset(command_line *cli, tj_asset *asset, tj_error *error)
{
    const char *text = option_value(cli, &asset_option);
    tj_error cause = TJ_ERROR_INIT;
    if (text && tj_identity_parse(tj_str_of(text), asset, &cause) != TJ_OK) {
        return usage_error(cli, error, "--asset: %s", cause.message);
    }
    return TJ_OK;
}

/* An empty answer would look as if there were no such entries. */
static tj_status check_ranges(command_line *cli, const tj_ledger_query *query, tj_error *error)
{
    if (query->sequence_last > 0 && query->sequence_first > query->sequence_last) {
        return usage_error(cli, error, "--from-sequence is above --to-sequence");
    }
    if (query->has_time_first && query->has_time_last && query->time_first > query->time_last) {
        return usage_error(cli, error, "--from-time is later than --to-time");
    }
    return TJ_OK;
}

static tj_status parse_query(command_line *cli, tj_ledger_query *query, tj_error *error)
{
    uint64_t limit = 0;
    query->exchange = tj_str_of(option_value(cli, &exchange_option));
    query->descending = given(cli, &desc_option);
    query->by_time = given(cli, &by_time_option);
    tj_status status = parse_asset(cli, &query->asset, error);
    if (status == TJ_OK) {
        status = parse_type(cli, &query->type, error);
    }
    if (status == TJ_OK) {
        status = option_number(cli, &from_sequence_option, &query->sequence_first, error);
    }
    if (status == TJ_OK) {
        status = option_number(cli, &to_sequence_option, &query->sequence_last, error);
    }
    if (status == TJ_OK) {
        status =
            parse_time(cli, &from_time_option, &query->has_time_first, &query->time_first, error);
    }
    if (status == TJ_OK) {
        status = parse_time(cli, &to_time_option, &query->has_time_last, &query->time_last, error);
    }
    if (status == TJ_OK) {
        status = option_number(cli, &option_limit, &limit, error);
    }
    /* What --where and --sort choose from is everything. */
    query->limit = given(cli, &option_where) || given(cli, &option_sort) ? 0 : (size_t)limit;
    return status == TJ_OK ? check_ranges(cli, query, error) : status;
}

static tj_status print_entries(command_line *cli, const tj_ledger_list *list, tj_error *error)
{
    static const table_column columns[] = {
        {"sequence", ALIGN_RIGHT, false, 0}, {"time", ALIGN_TIME, false, 0},
        {"exchange", ALIGN_LEFT, true, 2},   {"amount", ALIGN_POINT, false, 0},
        {"asset", ALIGN_LEFT, true, 0},      {"type", ALIGN_LEFT, false, 1},
        {"reference", ALIGN_LEFT, true, 3}};
    text_table table = {.title = "Ledger entries", TEXT_TABLE(columns)};
    for (size_t i = 0; i < list->count; i++) {
        const tj_ledger_entry *entry = &list->entries[i];
        char asset[TJ_IDENTITY_TEXT_SIZE];
        tj_identity_format(entry->asset, asset);
        table_number(&table, entry->sequence);
        table_time(&table, entry->time);
        table_text(&table, entry->exchange);
        table_money(&table, entry->amount);
        table_text(&table, tj_str_of(asset));
        table_text(&table, tj_str_of(type_names[entry->type]));
        table_text(&table, entry->reference);
    }
    return tables_show(cli, &table, 1, error);
}

static tj_status json_entries(const tj_ledger_list *list, output *out, tj_error *error)
{
    tj_status status = TJ_OK;
    for (size_t i = 0; i < list->count && status == TJ_OK; i++) {
        tj_text text = {NULL, 0};
        status = tj_ledger_entry_to_json(&list->entries[i], &text, error);
        if (status == TJ_OK) {
            out_bytes(out, (tj_str){text.data, text.size});
            out_bytes(out, TJ_STR("\n"));
        }
        tj_text_dispose(&text);
    }
    return status;
}

static tj_status run_ledger_list(command_line *cli, tj_error *error)
{
    tj_ledger_query query = TJ_LEDGER_QUERY_INIT;
    tj_status status = parse_query(cli, &query, error);
    if (status != TJ_OK) {
        return status;
    }
    open_journal journal;
    tj_ledger_list *list = NULL;
    status = journal_look(cli, &journal, error);
    if (status == TJ_OK) {
        tj_ledger_repository *ledger = tj_store_ledger_repository(journal.store, NULL);
        status = journal.in_past ? tj_ledger_find_at(ledger, journal.at, &query, &list, error)
                                 : tj_ledger_find(ledger, &query, &list, error);
    }
    if (status == TJ_OK && given(cli, &option_json)) {
        status = json_entries(list, &cli->out, error);
    } else if (status == TJ_OK) {
        status = print_entries(cli, list, error);
    }
    tj_ledger_list_free(list);
    return journal_close(&journal, status, error);
}

/* ---- append ---- */

static tj_status append_line(tj_txn *txn, tj_str line, tj_error *error)
{
    tj_ledger_list *list = NULL;
    tj_status status = tj_ledger_entry_from_json(line, &list, error);
    if (status == TJ_OK) {
        status = tj_txn_append_ledger(txn, &list->entries[0], error);
    }
    tj_ledger_list_free(list);
    return status;
}

static tj_status append_lines(line_reader *reader, tj_txn *txn, uint64_t *count, tj_error *error)
{
    for (;;) {
        tj_str line = {NULL, 0};
        bool more = false;
        tj_error cause = TJ_ERROR_INIT;
        tj_status status = line_next(reader, &line, &more, &cause);
        if (status == TJ_OK && !more) {
            return TJ_OK;
        }
        if (status == TJ_OK && trimmed(line).size > 0) {
            status = append_line(txn, line, &cause);
            *count += 1;
        }
        if (status != TJ_OK) {
            return fail_line(error, status, reader->name, reader->number, &cause);
        }
    }
}

static void tell_append(command_line *cli, const open_journal *journal, uint64_t count,
                        uint64_t latest, uint64_t sequence)
{
    if (given(cli, &option_json)) {
        json_writer json = {.out = &cli->out};
        json_open(&json, NULL, '{');
        json_text(&json, "book", tj_str_of(journal->book));
        json_unsigned(&json, "entries", count);
        json_unsigned(&json, "ledger_sequence", latest);
        json_unsigned(&json, "seq", sequence);
        json_close(&json, '}');
    } else {
        out_line(&cli->out,
                 "appended %" PRIu64 " %s to the ledger of book %s, up to %" PRIu64
                 "; commit %" PRIu64,
                 count, plural(count, "entry", "entries"), journal->book, latest, sequence);
    }
}

static tj_status append(command_line *cli, line_reader *reader, tj_error *error)
{
    open_journal journal;
    tj_txn *txn = NULL;
    uint64_t count = 0;
    uint64_t sequence = 0;
    uint64_t latest = 0;
    tj_status status = journal_open(cli, ACCESS_WRITE, &journal, error);
    if (status == TJ_OK) {
        status = tj_txn_begin(journal.store, &txn, error);
    }
    if (status == TJ_OK) {
        status = append_lines(reader, txn, &count, error);
    }
    status = txn_finish(cli, txn, status, &sequence, error);
    if (status == TJ_OK) {
        tj_ledger_repository *ledger = tj_store_ledger_repository(journal.store, NULL);
        status = tj_ledger_latest(ledger, &latest, error);
    }
    if (status == TJ_OK) {
        tell_append(cli, &journal, count, latest, sequence);
    }
    return journal_close(&journal, status, error);
}

static tj_status run_ledger_append(command_line *cli, tj_error *error)
{
    const char *path = cli->arguments[0];
    bool is_stdin = strcmp(path, "-") == 0;
    line_reader reader = {.fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC),
                          .name = input_name(path)};
    if (reader.fd < 0) {
        return fail_errno(error, errno, "opening %s", path);
    }
    tj_status status = append(cli, &reader, error);
    if (!is_stdin) {
        close(reader.fd);
    }
    free(reader.data);
    return status;
}

const command_spec command_ledger_list = {
    .name = "ledger list",
    .summary = "entries of the book's ledger",
    .text = "Through an index on sequence or on time. With --json one entry per line, as 'ledger "
            "append' "
            "reads them.",
    .example = "tesser-journal --journal ./journal ledger list --type fee --from-time "
               "2025-01-01T00:00:00Z",
    .options = (const option_spec *const[]){&exchange_option, &asset_option, &type_option,
                                            &from_sequence_option, &to_sequence_option,
                                            &from_time_option, &to_time_option, TABLE_OPTIONS,
                                            &desc_option, &by_time_option, &option_at, NULL},
    .pages = true,
    .server = true,
    .run = run_ledger_list,
};

const command_spec command_ledger_append = {
    .name = "ledger append",
    .arguments = "FILE|-",
    .arguments_min = 1,
    .arguments_max = 1,
    .summary = "append entries, one JSON object per line, in one commit",
    .text = "All or none. An entry with sequence 0 gets the next number; others must be above the "
            "newest.",
    .example = "tesser-journal --journal ./journal ledger append ledger.jsonl",
    .writes = true,
    .server = true,
    .run = run_ledger_append,
};
