/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Exchanges for codes that have none. Nothing happens unless --exchange or --map asks for it; then
 * codes in a sub-account get its exchange, and the asset of a ledger entry gets the entry's,
 * because these are known. The reporting currency is held nowhere: only a --map of its code changes
 * it.
 */
#include "migrate/gather.h"

typedef struct venues {
    tj__gathering *all;
    tj_str exchange; /* for codes that no rule names; absent: none */
    bool asked;
} venues;

static bool has_exchange(const tj_identity *id)
{
    return id->exchange.size > 0 && !tj_str_equal(id->exchange, TJ__NAMED_LATER);
}

static void qualify(const venues *v, tj_identity *id)
{
    if (has_exchange(id)) {
        return;
    }
    const tj__map_rule *rule = tj__rule_of_code(v->all, id->code);
    if (rule) {
        *id = rule->target;
    } else if (v->exchange.data) {
        id->exchange = v->exchange;
    }
    v->all->report->unqualified_count += id->exchange.size == 0;
}

static void qualify_portfolio(const venues *v, tj_portfolio *portfolio)
{
    for (size_t i = 0; i < portfolio->position_count; i++) {
        qualify(v, &portfolio->positions[i].symbol);
    }
    for (size_t i = 0; i < portfolio->balance_count; i++) {
        qualify(v, &portfolio->balances[i].currency);
    }
    tj_asset *currency = &portfolio->reporting_currency;
    const tj__map_rule *rule =
        has_exchange(currency) ? NULL : tj__rule_of_code(v->all, currency->code);
    if (rule) {
        *currency = rule->target;
    } else if (tj_str_equal(currency->exchange, TJ__NAMED_LATER)) {
        currency->exchange = v->exchange;
    }
}

/* One with a slash would make a text that is no identity: "a/b:USDT". */
static void own_exchange(const venues *v, tj_identity *id, tj_str exchange)
{
    if (exchange.size == 0 || memchr(exchange.data, '/', exchange.size)) {
        qualify(v, id);
    } else if (!has_exchange(id)) {
        id->exchange = exchange;
    }
}

static void qualify_sub_account(const venues *v, tj_sub_account *account)
{
    for (size_t i = 0; i < account->position_count; i++) {
        own_exchange(v, &account->positions[i].symbol, account->exchange);
    }
    for (size_t i = 0; i < account->balance_count; i++) {
        own_exchange(v, &account->balances[i].currency, account->exchange);
    }
}

static void qualify_state(const venues *v, tj_live_state *state)
{
    qualify_portfolio(v, &state->portfolio);
    for (size_t i = 0; i < state->portfolio.sub_account_count && v->asked; i++) {
        qualify_sub_account(v, &state->portfolio.sub_accounts[i]);
    }
    for (size_t i = 0; i < state->open_order_count; i++) {
        qualify(v, &state->open_orders[i].request.symbol);
    }
    for (size_t i = 0; i < state->last_price_count; i++) {
        qualify(v, &state->last_prices[i].symbol);
    }
}

void tj__gathering_qualify(tj__gathering *all, tj_live_state *state)
{
    venues v = {.all = all, .exchange = tj_str_of(all->options->exchange)};
    v.asked = v.exchange.data != NULL;
    for (size_t i = 0; i < all->rule_count; i++) {
        v.asked = v.asked || all->rules[i].occurrence == 0;
    }
    if (state) {
        qualify_state(&v, state);
    }
    tj__found_entry *entries = TJ__ITEMS(tj__found_entry, all->entries);
    for (size_t i = 0; i < TJ__COUNT(tj__found_entry, all->entries) && v.asked; i++) {
        own_exchange(&v, &entries[i].entry.asset, entries[i].entry.exchange);
    }
}
