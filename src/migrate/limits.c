/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Tesser reads "binance_perp:BTCUSDT" with its exchange, and writes "BTCUSDT": what has an exchange
 * is whole until Tesser's next save, and two venues with one code in one map are then one.
 * Its decimals have a 96-bit mantissa and a scale of at most 28.
 */
#include "migrate/limits.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/text.h"
#include "migrate/checking.h"

#define MANTISSA_HIGH_MAX UINT32_MAX /* of the upper 64 bits */
#define SCALE_MAX 28

/* ---- codes with an exchange ------------------------------------------------------------------ */

typedef struct coded {
    tj_str code;
    tj_str exchange;
} coded;

static int by_code(const void *a, const void *b)
{
    const coded *left = a;
    const coded *right = b;
    return tj__str_compare(left->code, right->code);
}

/* Which of the identities of one map have the same code. */
static void check_map(tj__checking *c, const char *map, coded *keys, size_t count)
{
    if (count > 1) {
        qsort(keys, count, sizeof *keys, by_code);
    }
    for (size_t i = 0; i < count;) {
        char exchanges[200] = "";
        size_t used = 0;
        size_t end = i;
        for (; end < count && tj_str_equal(keys[i].code, keys[end].code); end++) {
            tj_str name = keys[end].exchange.size > 0 ? keys[end].exchange : TJ_STR("none");
            int more = snprintf(exchanges + used, sizeof exchanges - used, "%s%.*s",
                                end > i ? ", " : "", (int)name.size, name.data);
            used += more > 0 && used + (size_t)more < sizeof exchanges ? (size_t)more : 0;
        }
        if (end - i > 1) {
            char what[TJ_CODE_SIZE_MAX + 128];
            (void)snprintf(what, sizeof what, "%s of %.*s", map, (int)keys[i].code.size,
                           keys[i].code.data);
            tj__checking_note(
                c, true, what,
                "exchanges %s have this code: Tesser's next save writes it under one key, and all "
                "but one are lost when it is read again",
                exchanges);
        }
        i = end;
    }
}

static void add_code(tj__checking *c, tj__buffer *keys, tj_identity id)
{
    coded key = {id.code, id.exchange};
    c->report->qualified_count += id.exchange.size > 0;
    tj__put_bytes(keys, &key, sizeof key);
}

static void check_keys(tj__checking *c, const char *map, tj__buffer *keys)
{
    if (keys->failed && c->status == TJ_OK) {
        c->status = tj__fail(c->error, TJ_NOMEM, "no memory for the report");
    }
    check_map(c, map, (coded *)(void *)keys->data, keys->size / sizeof(coded));
    keys->size = 0;
}

static void check_holdings(tj__checking *c, const char *owner, const tj_position *positions,
                           size_t position_count, const tj_balance *balances, size_t balance_count)
{
    tj__buffer keys = {0};
    char map[TJ_EXCHANGE_SIZE_MAX + 32];
    for (size_t i = 0; i < position_count; i++) {
        add_code(c, &keys, positions[i].symbol);
    }
    (void)snprintf(map, sizeof map, "%spositions", owner);
    check_keys(c, map, &keys);
    for (size_t i = 0; i < balance_count; i++) {
        add_code(c, &keys, balances[i].currency);
    }
    (void)snprintf(map, sizeof map, "%sbalances", owner);
    check_keys(c, map, &keys);
    tj__buffer_dispose(&keys);
}

static void check_codes(tj__checking *c, const tj_live_state *state)
{
    const tj_portfolio *portfolio = &state->portfolio;
    tj__buffer keys = {0};
    check_holdings(c, "", portfolio->positions, portfolio->position_count, portfolio->balances,
                   portfolio->balance_count);
    for (size_t i = 0; i < portfolio->sub_account_count; i++) {
        const tj_sub_account *account = &portfolio->sub_accounts[i];
        char owner[TJ_EXCHANGE_SIZE_MAX + 4];
        (void)snprintf(owner, sizeof owner, "%.*s ", (int)account->exchange.size,
                       account->exchange.data);
        check_holdings(c, owner, account->positions, account->position_count, account->balances,
                       account->balance_count);
    }
    for (size_t i = 0; i < state->last_price_count; i++) {
        add_code(c, &keys, state->last_prices[i].symbol);
    }
    check_keys(c, "last_prices", &keys);
    for (size_t i = 0; i < state->open_order_count; i++) {
        c->report->qualified_count += state->open_orders[i].request.symbol.exchange.size > 0;
    }
    tj__buffer_dispose(&keys);
    if (c->report->qualified_count > 0) {
        tj__checking_note(
            c, false, "codes with an exchange",
            "%zu of them: Tesser reads them whole, but its next save writes the bare codes",
            c->report->qualified_count);
    }
}

/* ---- decimals ------------------------------------------------------------------------------ */

static void check_decimal(tj__checking *c, const char *owner, tj_str name, const char *member,
                          tj_decimal value)
{
    uint64_t high = 0;
    unsigned scale = 0;
    tj_decimal_to_parts(value, NULL, &high, NULL, &scale);
    if (high > MANTISSA_HIGH_MAX || scale > SCALE_MAX) {
        char what[400];
        char text[TJ_DECIMAL_TEXT_SIZE];
        (void)tj_decimal_format(value, text);
        (void)snprintf(what, sizeof what, "%s %.*s: %s", owner,
                       (int)(name.size < 256 ? name.size : 256), name.size ? name.data : "",
                       member);
        tj__checking_note(c, true, what, "%s has more digits than Tesser's decimals hold", text);
    }
}

static void check_positions(tj__checking *c, const tj_position *positions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const tj_position *p = &positions[i];
        check_decimal(c, "position", p->symbol.code, "quantity", p->quantity);
        check_decimal(c, "position", p->symbol.code, "entry_price", p->entry_price);
        check_decimal(c, "position", p->symbol.code, "unrealized_pnl", p->unrealized_pnl);
    }
}

static void check_balances(tj__checking *c, const tj_balance *balances, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const tj_balance *b = &balances[i];
        check_decimal(c, "balance", b->currency.code, "quantity", b->quantity);
        check_decimal(c, "balance", b->currency.code, "conversion_rate", b->conversion_rate);
    }
}

static void check_order(tj__checking *c, const tj_order *o)
{
    const tj_order_request *r = &o->request;
    check_decimal(c, "order", o->id, "filled_quantity", o->filled_quantity);
    check_decimal(c, "order", o->id, "avg_fill_price", o->avg_fill_price);
    check_decimal(c, "order", o->id, "quantity", r->quantity);
    check_decimal(c, "order", o->id, "price", r->price);
    check_decimal(c, "order", o->id, "trigger_price", r->trigger_price);
    check_decimal(c, "order", o->id, "take_profit", r->take_profit);
    check_decimal(c, "order", o->id, "stop_loss", r->stop_loss);
    check_decimal(c, "order", o->id, "display_quantity", r->display_quantity);
}

static void check_decimals(tj__checking *c, const tj__exported *book)
{
    const tj_live_state *state = book->state;
    const tj_portfolio *portfolio = &state->portfolio;
    tj_str none = {NULL, 0};
    check_decimal(c, "portfolio", none, "initial_equity", portfolio->initial_equity);
    check_decimal(c, "portfolio", none, "peak_equity", portfolio->peak_equity);
    check_decimal(c, "portfolio", none, "drawdown_limit", portfolio->drawdown_limit);
    check_positions(c, portfolio->positions, portfolio->position_count);
    check_balances(c, portfolio->balances, portfolio->balance_count);
    for (size_t i = 0; i < portfolio->sub_account_count; i++) {
        const tj_sub_account *account = &portfolio->sub_accounts[i];
        check_positions(c, account->positions, account->position_count);
        check_balances(c, account->balances, account->balance_count);
    }
    for (size_t i = 0; i < state->open_order_count; i++) {
        check_order(c, &state->open_orders[i]);
    }
    for (size_t i = 0; i < state->last_price_count; i++) {
        check_decimal(c, "last price", state->last_prices[i].symbol.code, "price",
                      state->last_prices[i].price);
    }
    for (size_t i = 0; i < book->ledger->count; i++) {
        check_decimal(c, "ledger entry", book->ledger->entries[i].reference, "amount",
                      book->ledger->entries[i].amount);
    }
}

/* ---- the rest ------------------------------------------------------------------------------ */

static void check_kept_aside(tj__checking *c, const tj__exported *book)
{
    if (book->state->has_portfolio_equity) {
        tj__checking_note(c, false, "portfolio_equity",
                          "Tesser has no such member and passes over it");
    }
    if (book->state->extra.data) {
        tj__checking_note(c, false, "unknown members of the state",
                          "a Tesser that does not know them passes over them");
    }
    size_t imported = 0; /* algorithms among those in quarantine; the list has them at its end */
    for (size_t i = 0; i < book->quarantine->count; i++) {
        const char *name = book->quarantine->items[i].name.data;
        imported += strncmp(name, "algo:", 5) == 0;
        tj__checking_note(
            c, true, name,
            "it is in quarantine and is not exported; `quarantine show --raw` gives its bytes");
    }
    for (size_t i = 0; i + imported < book->algos->quarantined_count; i++) {
        char what[TJ_UUID_TEXT_SIZE + 16] = "algorithm ";
        tj_uuid_format(book->algos->quarantined[i].id, what + strlen(what));
        tj__checking_note(c, true, what, "its stored row cannot be decoded and is not exported");
    }
}

tj_status tj__limits_check(tj__exported *book, tj__arena *arena, tj_export_report *report,
                           tj_error *error)
{
    tj__checking c = {.arena = arena, .report = report, .error = error, .status = TJ_OK};
    check_codes(&c, book->state);
    check_decimals(&c, book);
    tj__limits_check_texts(&c, book);
    tj__limits_check_ids(&c, book);
    check_kept_aside(&c, book);
    return tj__checking_finish(&c);
}
