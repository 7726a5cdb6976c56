/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Small valid values for tests to start from. Include <cmocka.h> first. */
#ifndef TJ_TESTS_SUPPORT_VALUES_H
#define TJ_TESTS_SUPPORT_VALUES_H

#include <tesser/repository.h>

static inline tj_decimal decimal(const char *text)
{
    tj_decimal value;
    assert_int_equal(tj_decimal_parse(tj_str_of(text), &value, NULL), TJ_OK);
    return value;
}

static inline tj_identity identity(const char *text)
{
    tj_identity id;
    assert_int_equal(tj_identity_parse(tj_str_of(text), &id, NULL), TJ_OK);
    return id;
}

/* A UUID that sorts by its number. */
static inline tj_uuid uuid(unsigned number)
{
    tj_uuid id = {{0}};
    id.bytes[0] = 0xa0;
    for (int i = 0; i < 4; i++) {
        id.bytes[12 + i] = (uint8_t)(number >> (24 - 8 * i));
    }
    return id;
}

static inline tj_order plain_order(const char *id)
{
    return (tj_order){.id = tj_str_of(id),
                      .request = {.symbol = identity("binance_perp:BTCUSDT"),
                                  .side = TJ_SIDE_BUY,
                                  .order_type = TJ_ORDER_LIMIT,
                                  .quantity = decimal("1.50"),
                                  .has_price = true,
                                  .price = decimal("64000.10")},
                      .status = TJ_ORDER_ACCEPTED,
                      .filled_quantity = decimal("0"),
                      .created_at = 1,
                      .updated_at = 2};
}

static inline tj_portfolio plain_portfolio(void)
{
    return (tj_portfolio){.reporting_currency = identity("USDT"),
                          .initial_equity = decimal("10000.00"),
                          .peak_equity = decimal("10432.1700")};
}

static inline tj_position plain_position(const char *symbol)
{
    return (tj_position){.symbol = identity(symbol),
                         .side = TJ_SIDE_BUY,
                         .quantity = decimal("2"),
                         .unrealized_pnl = decimal("0.00")};
}

static inline tj_balance plain_balance(const char *currency)
{
    return (tj_balance){.currency = identity(currency),
                        .quantity = decimal("5.0"),
                        .conversion_rate = decimal("1")};
}

static inline tj_ledger_entry plain_entry(unsigned number, const char *amount)
{
    return (tj_ledger_entry){.id = uuid(number),
                             .time = (tj_time)number * 1000,
                             .exchange = TJ_STR("binance_perp"),
                             .asset = identity("USDT"),
                             .amount = decimal(amount),
                             .type = TJ_LEDGER_FEE,
                             .reference = TJ_STR("")};
}

#endif
