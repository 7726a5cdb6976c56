/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* state export and import: the whole live state as JSON. */
#include "cli.h"

#include <inttypes.h>
#include <stdlib.h>

#include <tesser/json.h>

static const option_spec output_option = {
    .name = "output",
    .letter = 'o',
    .value = "FILE",
    .help =
        "write to FILE, which is never half-written, instead of standard output, which - means"};
static const option_spec dry_run_option = {
    .name = "dry-run", .letter = 'n', .help = "check and report, but save nothing"};

static tj_status run_state_export(command_line *cli, tj_error *error)
{
    open_journal journal;
    tj_live_state *state = NULL;
    tj_text text = {NULL, 0};
    const char *file = file_given(cli, &output_option);
    tj_status status = journal_look(cli, &journal, error);
    if (status == TJ_OK) {
        status = journal_load_state(&journal, &state, error);
    }
    if (status == TJ_OK) {
        status = tj_live_state_to_json(state, &text, error);
    }
    if (status == TJ_OK && file) {
        status = journal_write_file(cli, &journal, file, (tj_str){text.data, text.size}, error);
    } else if (status == TJ_OK) {
        out_bytes(&cli->out, (tj_str){text.data, text.size});
        out_bytes(&cli->out, TJ_STR("\n"));
    }
    tj_text_dispose(&text);
    tj_live_state_free(state);
    return journal_close(&journal, status, error);
}

static void replace_extra(tj_str *extra)
{
    if (!extra->data) {
        *extra = TJ_STR("{}");
    }
}

static void replace_extras_of(tj_position *positions, size_t position_count, tj_balance *balances,
                              size_t balance_count)
{
    for (size_t i = 0; i < position_count; i++) {
        replace_extra(&positions[i].extra);
    }
    for (size_t i = 0; i < balance_count; i++) {
        replace_extra(&balances[i].extra);
    }
}

/* An absent `extra` would keep the unknown members that are stored; a snapshot that has none is to
 * remove them. */
static void replace_extras(tj_live_state *state)
{
    tj_portfolio *portfolio = &state->portfolio;
    replace_extra(&state->extra);
    replace_extra(&state->execution_checkpoint.extra);
    replace_extra(&portfolio->extra);
    replace_extras_of(portfolio->positions, portfolio->position_count, portfolio->balances,
                      portfolio->balance_count);
    for (size_t i = 0; i < portfolio->sub_account_count; i++) {
        tj_sub_account *account = &portfolio->sub_accounts[i];
        replace_extra(&account->extra);
        replace_extras_of(account->positions, account->position_count, account->balances,
                          account->balance_count);
    }
    for (size_t i = 0; i < state->open_order_count; i++) {
        replace_extra(&state->open_orders[i].extra);
        replace_extra(&state->open_orders[i].request.extra);
    }
}

static tj_status read_snapshot(const char *path, tj_live_state **out, tj_error *error)
{
    char *data = NULL;
    size_t size = 0;
    tj_status status = input_read(path, &data, &size, error);
    if (status != TJ_OK) {
        return status;
    }
    tj_error cause = TJ_ERROR_INIT;
    status = tj_live_state_from_json((tj_str){data, size}, out, &cause);
    if (status != TJ_OK) {
        (void)fail(error, status, "%s: %s", input_name(path), cause.message);
    }
    free(data);
    return status;
}

static size_t position_count(const tj_live_state *state)
{
    size_t count = state->portfolio.position_count;
    for (size_t i = 0; i < state->portfolio.sub_account_count; i++) {
        count += state->portfolio.sub_accounts[i].position_count;
    }
    return count;
}

static tj_status save(command_line *cli, const open_journal *journal, tj_live_state *state,
                      uint64_t *sequence, tj_error *error)
{
    tj_txn *txn = NULL;
    tj_status status = tj_txn_begin(journal->store, &txn, error);
    if (status == TJ_OK) {
        replace_extras(state);
        status = tj_txn_put_state(txn, state, error);
    }
    return txn_finish(cli, txn, status, sequence, error);
}

static void tell_import(command_line *cli, const open_journal *journal, const tj_live_state *state,
                        uint64_t sequence)
{
    bool dry_run = given(cli, &dry_run_option);
    if (given(cli, &option_json)) {
        json_writer json = {.out = &cli->out};
        json_open(&json, NULL, '{');
        json_text(&json, "book", tj_str_of(journal->book));
        json_unsigned(&json, "open_orders", state->open_order_count);
        json_unsigned(&json, "positions", position_count(state));
        json_bool(&json, "dry_run", dry_run);
        if (!dry_run) {
            json_unsigned(&json, "seq", sequence);
        }
        json_close(&json, '}');
        return;
    }
    char commit[40] = "";
    if (!dry_run) {
        snprintf(commit, sizeof commit, "; commit %" PRIu64, sequence);
    }
    out_line(&cli->out, "%s %s into book %s: %zu open %s, %zu %s%s",
             dry_run ? "would import" : "imported", input_name(cli->arguments[0]), journal->book,
             state->open_order_count, plural(state->open_order_count, "order", "orders"),
             position_count(state), plural(position_count(state), "position", "positions"), commit);
}

/* A dry run loads the book, so that one which is not there or is damaged is told. */
static tj_status check_book(const open_journal *journal, tj_error *error)
{
    tj_live_state *state = NULL;
    tj_state_repository *states = tj_store_state_repository(journal->store, NULL);
    tj_status status = tj_state_load(states, &state, error);
    tj_live_state_free(state);
    return status;
}

static tj_status run_state_import(command_line *cli, tj_error *error)
{
    bool dry_run = given(cli, &dry_run_option);
    tj_live_state *state = NULL;
    tj_status status = read_snapshot(cli->arguments[0], &state, error);
    if (status != TJ_OK) {
        return status;
    }
    open_journal journal;
    uint64_t sequence = 0;
    status = journal_open(cli, dry_run ? ACCESS_READ : ACCESS_WRITE, &journal, error);
    if (status == TJ_OK) {
        status =
            dry_run ? check_book(&journal, error) : save(cli, &journal, state, &sequence, error);
    }
    if (status == TJ_OK) {
        tell_import(cli, &journal, state, sequence);
    }
    tj_live_state_free(state);
    return journal_close(&journal, status, error);
}

const command_spec command_state_export = {
    .name = "state export",
    .summary = "the book's live state as JSON, in Tesser's spelling",
    .example = "tesser-journal --journal ./journal state export --output snapshot.json",
    .options = (const option_spec *const[]){&output_option, &option_at, NULL},
    .server = true,
    .run = run_state_export,
};

const command_spec command_state_import = {
    .name = "state import",
    .arguments = "FILE|-",
    .arguments_min = 1,
    .arguments_max = 1,
    .summary = "replace the book's live state by a JSON snapshot",
    .text =
        "One commit: the book's state is then exactly the snapshot. Algorithms and ledger stay as "
        "they are.",
    .example = "tesser-journal --journal ./journal state import snapshot.json --dry-run",
    .options = (const option_spec *const[]){&dry_run_option, NULL},
    .writes = true,
    .server = true,
    .run = run_state_import,
};
