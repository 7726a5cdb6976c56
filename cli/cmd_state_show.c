/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* state show: a summary for people; with --json the state with its commit. */
#include "cli.h"

#include <inttypes.h>
#include <stdlib.h>

#include <tesser/json.h>

static const option_spec all_option = {.name = "all",
                                       .help = "every row of every table, not the first 20"};

#define ROW_LIMIT 20
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const char *side_name(tj_side side)
{
    static const char *const names[] = {"-", "Buy", "Sell"};
    return names[side];
}

static const char *order_type_name(tj_order_type type)
{
    static const char *const names[] = {"-", "Market", "Limit", "StopMarket"};
    return names[type];
}

static const char *order_status_name(tj_order_status status)
{
    static const char *const names[] = {"-",      "PendingNew", "Accepted", "PartiallyFilled",
                                        "Filled", "Canceled",   "Rejected"};
    return names[status];
}

static void decimal_cell(text_table *table, bool has_value, tj_decimal value)
{
    char text[TJ_DECIMAL_TEXT_SIZE] = "-";
    if (has_value) {
        tj_decimal_format(value, text);
    }
    table_cell(table, "%s", text);
}

static void time_cell(text_table *table, tj_time time)
{
    char text[TJ_TIME_TEXT_SIZE];
    tj_time_format(time, text);
    table_cell(table, "%s", text);
}

static void identity_cell(text_table *table, tj_identity id)
{
    char text[TJ_IDENTITY_TEXT_SIZE];
    tj_identity_format(id, text);
    table_cell(table, "%s", text);
}

static void decimal_pair(output *out, const char *name, tj_decimal value)
{
    char text[TJ_DECIMAL_TEXT_SIZE];
    tj_decimal_format(value, text);
    out_pair(out, name, "%s", text);
}

static void section(output *out, const char *name, size_t count)
{
    out_format(out, "\n");
    out_heading(out, "%s (%zu)", name, count);
}

static void print_portfolio(const tj_portfolio *portfolio, output *out)
{
    char text[TJ_IDENTITY_TEXT_SIZE];
    tj_identity_format(portfolio->reporting_currency, text);
    out_format(out, "\n");
    out_heading(out, "Portfolio");
    out_pair(out, "Reporting currency", "%s", text);
    decimal_pair(out, "Initial equity", portfolio->initial_equity);
    decimal_pair(out, "Peak equity", portfolio->peak_equity);
    if (portfolio->has_drawdown_limit) {
        decimal_pair(out, "Drawdown limit", portfolio->drawdown_limit);
    } else {
        out_pair(out, "Drawdown limit", "none");
    }
    out_pair(out, "Liquidate only", "%s", portfolio->liquidate_only ? "yes" : "no");
}

/* A position with where it is held. */
typedef struct holding {
    tj_str venue;   /* of its symbol, else of its account */
    tj_str account; /* a sub-account's exchange; absent for the portfolio's own */
    const tj_position *position;
} holding;

static int compare_text(tj_str a, tj_str b)
{
    size_t shorter = a.size < b.size ? a.size : b.size;
    int order = shorter ? memcmp(a.data, b.data, shorter) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

static int compare_holdings(const void *left, const void *right)
{
    const holding *a = left;
    const holding *b = right;
    int order = compare_text(a->venue, b->venue);
    if (order == 0) {
        order = tj_identity_compare(a->position->symbol, b->position->symbol);
    }
    return order ? order : compare_text(a->account, b->account);
}

static size_t gather(holding *holdings, size_t count, tj_str account, const tj_position *positions,
                     size_t position_count)
{
    for (size_t i = 0; i < position_count; i++) {
        tj_str venue = positions[i].symbol.exchange;
        holdings[count++] = (holding){venue.size ? venue : account, account, &positions[i]};
    }
    return count;
}

static void print_holdings(const holding *holdings, size_t count, size_t row_limit, output *out)
{
    static const table_column columns[] = {
        {"venue", ALIGN_LEFT},       {"symbol", ALIGN_LEFT},    {"account", ALIGN_LEFT},
        {"side", ALIGN_LEFT},        {"quantity", ALIGN_POINT}, {"entry price", ALIGN_POINT},
        {"unrealized", ALIGN_POINT}, {"updated", ALIGN_LEFT}};
    text_table table = {columns, COUNT_OF(columns), NULL, 0};
    for (size_t i = 0; i < count; i++) {
        const tj_position *position = holdings[i].position;
        table_text(&table, holdings[i].venue.size ? holdings[i].venue : TJ_STR("-"));
        table_text(&table, position->symbol.code);
        table_text(&table, holdings[i].account.size ? holdings[i].account : TJ_STR("portfolio"));
        table_cell(&table, "%s", side_name(position->side));
        decimal_cell(&table, true, position->quantity);
        decimal_cell(&table, position->has_entry_price, position->entry_price);
        decimal_cell(&table, true, position->unrealized_pnl);
        time_cell(&table, position->updated_at);
    }
    table_print(&table, row_limit, out);
}

static void print_positions(const tj_portfolio *portfolio, size_t row_limit, output *out)
{
    size_t total = portfolio->position_count;
    for (size_t i = 0; i < portfolio->sub_account_count; i++) {
        total += portfolio->sub_accounts[i].position_count;
    }
    section(out, "Positions", total);
    if (total == 0) {
        return;
    }
    holding *holdings = need(calloc(total, sizeof *holdings));
    tj_str own = {NULL, 0};
    size_t count = gather(holdings, 0, own, portfolio->positions, portfolio->position_count);
    for (size_t i = 0; i < portfolio->sub_account_count; i++) {
        const tj_sub_account *account = &portfolio->sub_accounts[i];
        count =
            gather(holdings, count, account->exchange, account->positions, account->position_count);
    }
    qsort(holdings, count, sizeof *holdings, compare_holdings);
    print_holdings(holdings, count, row_limit, out);
    free(holdings);
}

static void add_balances(text_table *table, tj_str account, const tj_balance *balances,
                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        identity_cell(table, balances[i].currency);
        table_text(table, account);
        decimal_cell(table, true, balances[i].quantity);
        decimal_cell(table, true, balances[i].conversion_rate);
    }
}

static void print_balances(const tj_portfolio *portfolio, size_t row_limit, output *out)
{
    static const table_column columns[] = {{"currency", ALIGN_LEFT},
                                           {"account", ALIGN_LEFT},
                                           {"quantity", ALIGN_POINT},
                                           {"conversion rate", ALIGN_POINT}};
    text_table table = {columns, COUNT_OF(columns), NULL, 0};
    add_balances(&table, TJ_STR("portfolio"), portfolio->balances, portfolio->balance_count);
    for (size_t i = 0; i < portfolio->sub_account_count; i++) {
        const tj_sub_account *account = &portfolio->sub_accounts[i];
        add_balances(&table, account->exchange, account->balances, account->balance_count);
    }
    section(out, "Balances", table.cell_count / COUNT_OF(columns));
    if (table.cell_count > 0) {
        table_print(&table, row_limit, out);
    }
}

static void print_orders(const tj_live_state *state, size_t row_limit, output *out)
{
    static const table_column columns[] = {
        {"id", ALIGN_LEFT},        {"symbol", ALIGN_LEFT}, {"side", ALIGN_LEFT},
        {"type", ALIGN_LEFT},      {"status", ALIGN_LEFT}, {"quantity", ALIGN_POINT},
        {"filled", ALIGN_POINT},   {"price", ALIGN_POINT}, {"trigger", ALIGN_POINT},
        {"avg fill", ALIGN_POINT}, {"created", ALIGN_LEFT}};
    section(out, "Open orders", state->open_order_count);
    if (state->open_order_count == 0) {
        return;
    }
    text_table table = {columns, COUNT_OF(columns), NULL, 0};
    for (size_t i = 0; i < state->open_order_count; i++) {
        const tj_order *order = &state->open_orders[i];
        table_text(&table, order->id);
        identity_cell(&table, order->request.symbol);
        table_cell(&table, "%s", side_name(order->request.side));
        table_cell(&table, "%s", order_type_name(order->request.order_type));
        table_cell(&table, "%s", order_status_name(order->status));
        decimal_cell(&table, true, order->request.quantity);
        decimal_cell(&table, true, order->filled_quantity);
        decimal_cell(&table, order->request.has_price, order->request.price);
        decimal_cell(&table, order->request.has_trigger_price, order->request.trigger_price);
        decimal_cell(&table, order->has_avg_fill_price, order->avg_fill_price);
        time_cell(&table, order->created_at);
    }
    table_print(&table, row_limit, out);
}

static void print_prices(const tj_live_state *state, size_t row_limit, output *out)
{
    static const table_column columns[] = {{"symbol", ALIGN_LEFT}, {"price", ALIGN_POINT}};
    section(out, "Last prices", state->last_price_count);
    if (state->last_price_count == 0) {
        return;
    }
    text_table table = {columns, COUNT_OF(columns), NULL, 0};
    for (size_t i = 0; i < state->last_price_count; i++) {
        identity_cell(&table, state->last_prices[i].symbol);
        decimal_cell(&table, true, state->last_prices[i].price);
    }
    table_print(&table, row_limit, out);
}

static void print_checkpoint(const tj_execution_checkpoint *checkpoint, output *out)
{
    char text[TJ_TIME_TEXT_SIZE] = "no time";
    if (checkpoint->has_last_timestamp) {
        tj_time_format(checkpoint->last_timestamp, text);
    }
    out_pair(out, "Checkpoint", "%s, %zu execution ids", text, checkpoint->exec_id_count);
}

static void print_head(const open_journal *journal, const tj_live_state *state, output *out)
{
    char text[TJ_TIME_TEXT_SIZE];
    char size[SIZE_TEXT_SIZE];
    out_heading(out, "Live state");
    out_pair(out, "Book", "%s", journal->book);
    out_pair(out, "Commit", "%" PRIu64, state->sequence);
    if (state->has_portfolio_equity) {
        decimal_pair(out, "Equity", state->portfolio_equity);
    }
    if (state->has_last_candle_ts) {
        tj_time_format(state->last_candle_ts, text);
        out_pair(out, "Last candle", "%s", text);
    }
    out_pair(out, "Strategy state", "%s",
             state->strategy_state.size ? size_text(state->strategy_state.size, size) : "none");
    if (state->has_execution_checkpoint) {
        print_checkpoint(&state->execution_checkpoint, out);
    }
}

static void print_state(const open_journal *journal, const tj_live_state *state, size_t row_limit,
                        output *out)
{
    print_head(journal, state, out);
    if (state->has_portfolio) {
        print_portfolio(&state->portfolio, out);
        print_positions(&state->portfolio, row_limit, out);
        print_balances(&state->portfolio, row_limit, out);
    }
    print_orders(state, row_limit, out);
    print_prices(state, row_limit, out);
}

static tj_status json_state(const open_journal *journal, const tj_live_state *state, output *out,
                            tj_error *error)
{
    tj_text text = {NULL, 0};
    tj_status status = tj_live_state_to_json(state, &text, error);
    if (status == TJ_OK) {
        json_writer json = {.out = out};
        json_open(&json, NULL, '{');
        json_text(&json, "book", tj_str_of(journal->book));
        json_unsigned(&json, "sequence", state->sequence);
        json_raw(&json, "state", (tj_str){text.data, text.size});
        json_close(&json, '}');
    }
    tj_text_dispose(&text);
    return status;
}

static tj_status run_state_show(command_line *cli, tj_error *error)
{
    open_journal journal;
    tj_moment at;
    tj_live_state *state = NULL;
    tj_status status = option_moment(cli, &option_at, &at, error);
    if (status != TJ_OK) {
        return status;
    }
    status = journal_open(cli, ACCESS_READ, &journal, error);
    if (status == TJ_OK) {
        tj_state_repository *states = tj_store_state_repository(journal.store, NULL);
        status = given(cli, &option_at) ? tj_state_load_at(states, at, &state, error)
                                        : tj_state_load(states, &state, error);
    }
    if (status == TJ_OK && given(cli, &option_json)) {
        status = json_state(&journal, state, &cli->out, error);
    } else if (status == TJ_OK) {
        print_state(&journal, state, given(cli, &all_option) ? 0 : ROW_LIMIT, &cli->out);
    }
    tj_live_state_free(state);
    return journal_close(&journal, status, error);
}

const command_spec command_state_show = {
    .name = "state show",
    .summary = "a summary of the book's live state",
    .text =
        "Equity, portfolio, positions by venue, balances, open orders and last prices. With --json "
        "the whole state, with the commit it was read at.",
    .example = "tesser-journal --journal ./journal state show --all",
    .options = (const option_spec *const[]){&all_option, &option_at, NULL},
    .run = run_state_show,
};
