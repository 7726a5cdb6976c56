/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* state show: a summary for people; with --json the state with its commit. */
#include "cli.h"

#include <inttypes.h>
#include <stdlib.h>

#include <tesser/json.h>

static const option_spec all_option = {.name = "all",
                                       .help = "every row of every table, not the first 20"};

const option_spec option_head = {.name = "head"};

#define ROW_LIMIT 20

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
    if (has_value) {
        table_decimal(table, value);
    } else {
        table_none(table);
    }
}

static void side_cell(text_table *table, tj_side side)
{
    if (side == TJ_SIDE_NONE) {
        table_none(table);
        return;
    }
    table_text(table, tj_str_of(side_name(side)));
    table_tone_set(table, side == TJ_SIDE_BUY ? TONE_GOOD : TONE_BAD);
}

static void name_cell(text_table *table, const char *name)
{
    if (strcmp(name, "-") == 0) {
        table_none(table);
    } else {
        table_text(table, tj_str_of(name));
    }
}

static void identity_cell(text_table *table, tj_identity id)
{
    char text[TJ_IDENTITY_TEXT_SIZE];
    tj_identity_format(id, text);
    table_text(table, tj_str_of(text));
}

static void decimal_pair(output *out, const char *name, tj_decimal value)
{
    char text[TJ_DECIMAL_TEXT_SIZE];
    tj_decimal_format(value, text);
    out_pair(out, name, "%s", text);
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
    out_alarm(out, portfolio->liquidate_only);
    out_pair(out, "Liquidate only", "%s", portfolio->liquidate_only ? "yes" : "no");
    out_alarm(out, false);
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

static text_table holdings_table(const holding *holdings, size_t count, size_t row_limit)
{
    static const table_column columns[] = {
        {"venue", ALIGN_LEFT, true, 0},        {"symbol", ALIGN_LEFT, true, 0},
        {"account", ALIGN_LEFT, true, 2},      {"side", ALIGN_LEFT, false, 0},
        {"quantity", ALIGN_POINT, false, 0},   {"entry price", ALIGN_POINT, false, 1},
        {"unrealized", ALIGN_POINT, false, 0}, {"updated", ALIGN_TIME, false, 3}};
    text_table table = {"positions", "Positions", TEXT_TABLE(columns), .row_limit = row_limit};
    for (size_t i = 0; i < count; i++) {
        const tj_position *position = holdings[i].position;
        if (holdings[i].venue.size) {
            table_text(&table, holdings[i].venue);
        } else {
            table_none(&table);
        }
        table_text(&table, position->symbol.code);
        table_text(&table, holdings[i].account.size ? holdings[i].account : TJ_STR("portfolio"));
        side_cell(&table, position->side);
        table_decimal(&table, position->quantity);
        decimal_cell(&table, position->has_entry_price, position->entry_price);
        table_money(&table, position->unrealized_pnl);
        table_time(&table, position->updated_at);
    }
    return table;
}

static text_table positions_table(const tj_portfolio *portfolio, size_t row_limit)
{
    size_t total = portfolio->position_count;
    for (size_t i = 0; i < portfolio->sub_account_count; i++) {
        total += portfolio->sub_accounts[i].position_count;
    }
    holding *holdings = need(calloc(total + 1, sizeof *holdings));
    tj_str own = {NULL, 0};
    size_t count = gather(holdings, 0, own, portfolio->positions, portfolio->position_count);
    for (size_t i = 0; i < portfolio->sub_account_count; i++) {
        const tj_sub_account *account = &portfolio->sub_accounts[i];
        count =
            gather(holdings, count, account->exchange, account->positions, account->position_count);
    }
    qsort(holdings, count, sizeof *holdings, compare_holdings);
    text_table table = holdings_table(holdings, count, row_limit);
    free(holdings);
    return table;
}

static void add_balances(text_table *table, tj_str account, const tj_balance *balances,
                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        identity_cell(table, balances[i].currency);
        table_text(table, account);
        table_money(table, balances[i].quantity);
        table_decimal(table, balances[i].conversion_rate);
    }
}

static text_table balances_table(const tj_portfolio *portfolio, size_t row_limit)
{
    static const table_column columns[] = {{"currency", ALIGN_LEFT, true, 0},
                                           {"account", ALIGN_LEFT, true, 0},
                                           {"quantity", ALIGN_POINT, false, 0},
                                           {"conversion rate", ALIGN_POINT, false, 1}};
    text_table table = {"balances", "Balances", TEXT_TABLE(columns), .row_limit = row_limit};
    add_balances(&table, TJ_STR("portfolio"), portfolio->balances, portfolio->balance_count);
    for (size_t i = 0; i < portfolio->sub_account_count; i++) {
        const tj_sub_account *account = &portfolio->sub_accounts[i];
        add_balances(&table, account->exchange, account->balances, account->balance_count);
    }
    return table;
}

static void add_order(text_table *table, const tj_order *order)
{
    table_text(table, order->id);
    identity_cell(table, order->request.symbol);
    side_cell(table, order->request.side);
    name_cell(table, order_type_name(order->request.order_type));
    name_cell(table, order_status_name(order->status));
    if (order->status == TJ_ORDER_REJECTED) {
        table_tone_set(table, TONE_BAD);
    }
    table_decimal(table, order->request.quantity);
    table_decimal(table, order->filled_quantity);
    decimal_cell(table, order->request.has_price, order->request.price);
    decimal_cell(table, order->request.has_trigger_price, order->request.trigger_price);
    decimal_cell(table, order->has_avg_fill_price, order->avg_fill_price);
    table_time(table, order->created_at);
}

static text_table orders_table(const tj_live_state *state, size_t row_limit)
{
    static const table_column columns[] = {
        {"id", ALIGN_LEFT, true, 0},        {"symbol", ALIGN_LEFT, true, 0},
        {"side", ALIGN_LEFT, false, 0},     {"type", ALIGN_LEFT, false, 3},
        {"status", ALIGN_LEFT, false, 1},   {"quantity", ALIGN_POINT, false, 0},
        {"filled", ALIGN_POINT, false, 2},  {"price", ALIGN_POINT, false, 0},
        {"trigger", ALIGN_POINT, false, 4}, {"avg fill", ALIGN_POINT, false, 5},
        {"created", ALIGN_TIME, false, 6}};
    text_table table = {"orders", "Open orders", TEXT_TABLE(columns), .row_limit = row_limit};
    for (size_t i = 0; i < state->open_order_count; i++) {
        add_order(&table, &state->open_orders[i]);
    }
    return table;
}

static text_table prices_table(const tj_live_state *state, size_t row_limit)
{
    static const table_column columns[] = {{"symbol", ALIGN_LEFT, true, 0},
                                           {"price", ALIGN_POINT, false, 0}};
    text_table table = {"prices", "Last prices", TEXT_TABLE(columns), .row_limit = row_limit};
    for (size_t i = 0; i < state->last_price_count; i++) {
        identity_cell(&table, state->last_prices[i].symbol);
        table_decimal(&table, state->last_prices[i].price);
    }
    return table;
}

static void print_checkpoint(const tj_execution_checkpoint *checkpoint, output *out)
{
    char text[TJ_TIME_TEXT_SIZE] = "no time";
    if (checkpoint->has_last_timestamp) {
        tj_time_format(checkpoint->last_timestamp, text);
    }
    out_pair(out, "Checkpoint", "%s, %zu execution %s", text, checkpoint->exec_id_count,
             plural(checkpoint->exec_id_count, "id", "ids"));
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

static tj_status print_state(command_line *cli, const open_journal *journal,
                             const tj_live_state *state, tj_error *error)
{
    size_t row_limit = given(cli, &all_option) ? 0 : ROW_LIMIT;
    text_table tables[4];
    size_t count = 0;
    if (state->has_portfolio || tables_narrowed(cli)) {
        tables[count++] = positions_table(&state->portfolio, row_limit);
        tables[count++] = balances_table(&state->portfolio, row_limit);
    }
    tables[count++] = orders_table(state, row_limit);
    tables[count++] = prices_table(state, row_limit);
    for (size_t i = 0; i < count; i++) {
        tables[i].sequence = state->sequence;
    }
    if (!tables_narrowed(cli)) {
        print_head(journal, state, &cli->out);
        if (state->has_portfolio) {
            print_portfolio(&state->portfolio, &cli->out);
        }
    }
    return tables_show(cli, tables, count, error);
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

/* ---- the state without its lists, for the page -------------------------------------------- */

static void json_decimal(json_writer *json, const char *key, bool has_value, tj_decimal value)
{
    char text[TJ_DECIMAL_TEXT_SIZE];
    if (!has_value) {
        json_null(json, key);
        return;
    }
    tj_decimal_format(value, text);
    json_text(json, key, tj_str_of(text));
}

static void json_optional_time(json_writer *json, const char *key, bool has_value, tj_time time)
{
    if (has_value) {
        json_time(json, key, time);
    } else {
        json_null(json, key);
    }
}

static void json_portfolio(const tj_portfolio *portfolio, json_writer *json)
{
    char text[TJ_IDENTITY_TEXT_SIZE];
    tj_identity_format(portfolio->reporting_currency, text);
    json_open(json, "portfolio", '{');
    json_text(json, "reporting_currency", tj_str_of(text));
    json_decimal(json, "initial_equity", true, portfolio->initial_equity);
    json_decimal(json, "peak_equity", true, portfolio->peak_equity);
    json_decimal(json, "drawdown_limit", portfolio->has_drawdown_limit, portfolio->drawdown_limit);
    json_bool(json, "liquidate_only", portfolio->liquidate_only);
    json_unsigned(json, "sub_accounts", portfolio->sub_account_count);
    json_close(json, '}');
}

static void json_head(const open_journal *journal, const tj_live_state *state, output *out)
{
    json_writer json = {.out = out};
    json_open(&json, NULL, '{');
    json_text(&json, "book", tj_str_of(journal->book));
    json_unsigned(&json, "sequence", state->sequence);
    json_decimal(&json, "portfolio_equity", state->has_portfolio_equity, state->portfolio_equity);
    json_optional_time(&json, "last_candle_ts", state->has_last_candle_ts, state->last_candle_ts);
    if (state->has_portfolio) {
        json_portfolio(&state->portfolio, &json);
    } else {
        json_null(&json, "portfolio");
    }
    json_unsigned(&json, "open_orders", state->open_order_count);
    json_unsigned(&json, "strategy_state_bytes", state->strategy_state.size);
    json_close(&json, '}');
}

/* ---- the command -------------------------------------------------------------------------- */

static tj_status run_state_show(command_line *cli, tj_error *error)
{
    open_journal journal;
    tj_live_state *state = NULL;
    tj_status status = journal_look(cli, &journal, error);
    if (status == TJ_OK) {
        status = journal_load_state(&journal, &state, error);
    }
    if (status == TJ_OK && given(cli, &option_json)) {
        status = json_state(&journal, state, &cli->out, error);
    } else if (status == TJ_OK && given(cli, &option_head)) {
        json_head(&journal, state, &cli->out);
    } else if (status == TJ_OK) {
        status = print_state(cli, &journal, state, error);
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
    .options = (const option_spec *const[]){&all_option, &option_table, TABLE_OPTIONS, &option_at,
                                            &option_watch, NULL},
    .pages = true,
    .server = true,
    .run = run_state_show,
};
