/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* record: JSON lines in, one durable commit and one answer for each. */
#include "cli.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

static const option_spec keep_going_option = {
    .name = "keep-going",
    .letter = 'k',
    .help = "go on after a line that failed; exit with its code at the end"};

static tj_status commit_line(command_line *cli, tj_store *store, tj_str line, uint64_t *sequence,
                             tj_error *error)
{
    tj_txn *txn = NULL;
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    forget_durable(cli);
    tj_status status = tj_txn_begin(store, &txn, error);
    if (status == TJ_OK) {
        status = tj_txn_apply_json(txn, line, &options, error);
    }
    if (status != TJ_OK) {
        tj_txn_abort(txn);
        return status;
    }
    status = tj_txn_commit(txn, &options, sequence, error);
    if (status == TJ_OK) {
        note_commit(cli, *sequence);
    }
    return status;
}

/* An answer leaves at once: whoever waits for it must not wait for the next line. */
static void answer(output *out, tj_status status, uint64_t sequence, uint64_t line,
                   const tj_error *error)
{
    json_writer json = {.out = out};
    json_open(&json, NULL, '{');
    if (status == TJ_OK) {
        json_unsigned(&json, "seq", sequence);
    } else {
        json_text(&json, "error", tj_str_of(error->message));
        json_unsigned(&json, "line", line);
    }
    json_close(&json, '}');
    out_flush(out);
}

/* Reads and commits one line; *more is false at the end of the input. */
static tj_status record_line(command_line *cli, tj_store *store, line_reader *reader, bool *more,
                             tj_error *error)
{
    tj_str line = {NULL, 0};
    uint64_t sequence = 0;
    tj_status status = line_next(reader, &line, more, error);
    if (status != TJ_OK && status != TJ_LIMIT) {
        *more = false; /* standard input itself failed */
        return status;
    }
    if (!*more || (status == TJ_OK && trimmed(line).size == 0)) {
        return status;
    }
    if (status == TJ_OK) {
        status = commit_line(cli, store, line, &sequence, error);
    }
    cut_line_one(error);
    answer(&cli->out, status, sequence, reader->number, error);
    return status;
}

/* The first failure is the one that is reported; without --keep-going it is also the last. */
static tj_status record_lines(command_line *cli, tj_store *store, line_reader *reader,
                              tj_error *error)
{
    tj_status first = TJ_OK;
    for (bool more = true; more && cli->out.os_errno == 0;) {
        tj_error cause = TJ_ERROR_INIT;
        tj_status status = record_line(cli, store, reader, &more, &cause);
        if (status != TJ_OK && first == TJ_OK) {
            first = fail_line(error, status, NULL, reader->number, &cause);
            more = more && given(cli, &keep_going_option);
        }
    }
    if (first != TJ_OK && cli->out.os_errno == 0) {
        forget_durable(cli); /* the answers tell what was committed; this tells what was not */
    }
    return first;
}

static tj_status run_record(command_line *cli, tj_error *error)
{
    open_journal journal;
    line_reader reader = {.fd = STDIN_FILENO, .name = input_name("-")};
    tj_status status = journal_open(cli, ACCESS_WRITE, &journal, error);
    if (status == TJ_OK) {
        status = record_lines(cli, journal.store, &reader, error);
    }
    free(reader.data);
    return journal_close(&journal, status, error);
}

const command_spec command_record = {
    .name = "record",
    .summary = "commit JSON lines from standard input, one commit per line",
    .text =
        "Each line is an object, every member optional: book, id (a UUID: the same id is never "
        "applied twice), state (a whole LiveState), portfolio, portfolio_equity, last_candle_ts, "
        "strategy_state, execution_checkpoint, extra, ledger (a list), and maps from key to new "
        "value, or to null to delete: orders, positions, balances, last_prices, sub_accounts, "
        "algos. "
        "Each is answered by {\"seq\":N} as soon as it is durable, or by "
        "{\"error\":\"...\",\"line\":N} with nothing of it applied. The first error ends it, "
        "unless "
        "--keep-going is given. Blank lines are skipped; a line may have 64 MiB.",
    .example = "echo '{\"last_prices\":{\"binance_perp:BTCUSDT\":\"64000.10\"}}' | "
               "tesser-journal --journal ./journal record",
    .options = (const option_spec *const[]){&keep_going_option, NULL},
    .writes = true,
    .run = run_record,
};
