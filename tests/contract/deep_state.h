/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A state in which everything stands once. */
#ifndef TJ_TESTS_CONTRACT_DEEP_STATE_H
#define TJ_TESTS_CONTRACT_DEEP_STATE_H

#include "contract.h"

typedef struct deep_state {
    tj_live_state state;
    tj_position position;
    tj_balance balance;
    tj_sub_account account;
    tj_position account_position;
    tj_balance account_balance;
    tj_order order;
} deep_state;

#define EXTRA_COUNT 10

/* A state in which each entity that can have unknown members stands once. */
static inline void deep_state_init(deep_state *d, tj_str *extras[EXTRA_COUNT])
{
    *d = (deep_state){.position = plain_position("BTCUSDT"),
                      .balance = plain_balance("USDT"),
                      .account_position = plain_position("kraken:BTCUSDT"),
                      .account_balance = plain_balance("kraken:USDT"),
                      .order = plain_order("a")};
    d->account = (tj_sub_account){.exchange = TJ_STR("kraken"),
                                  .positions = &d->account_position,
                                  .position_count = 1,
                                  .balances = &d->account_balance,
                                  .balance_count = 1};
    d->state.has_portfolio = true;
    d->state.portfolio = plain_portfolio();
    d->state.portfolio.positions = &d->position;
    d->state.portfolio.position_count = 1;
    d->state.portfolio.balances = &d->balance;
    d->state.portfolio.balance_count = 1;
    d->state.portfolio.sub_accounts = &d->account;
    d->state.portfolio.sub_account_count = 1;
    d->state.open_orders = &d->order;
    d->state.open_order_count = 1;
    d->state.has_execution_checkpoint = true;
    tj_str *all[EXTRA_COUNT] = {&d->state.extra,           &d->state.portfolio.extra,
                                &d->position.extra,        &d->balance.extra,
                                &d->account.extra,         &d->account_position.extra,
                                &d->account_balance.extra, &d->order.extra,
                                &d->order.request.extra,   &d->state.execution_checkpoint.extra};
    memcpy(extras, all, sizeof all);
}

#endif
