/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The symbols, the walk of their prices and the fills of orders, by an event's number. */
#include "paper_market.h"

#define SYMBOL(exchange, code)            \
    {                                     \
        {exchange, sizeof(exchange) - 1}, \
        {                                 \
            code, sizeof(code) - 1        \
        }                                 \
    }

const paper_symbol paper_symbols[PAPER_SYMBOLS] = {
    {SYMBOL("binance_perp", "BTCUSDT"), "64000.10", "0.001"},
    {SYMBOL("binance_perp", "ETHUSDT"), "3100.50", "0.010"},
    {SYMBOL("binance_perp", "SOLUSDT"), "152.25", "0.100"},
    {SYMBOL("bybit_linear", "BTCUSDT"), "64003.00", "0.001"},
    {SYMBOL("bybit_linear", "ETHUSDT"), "3101.15", "0.010"},
    {SYMBOL("bybit_linear", "XRPUSDT"), "0.52", "10.000"},
};

/* SplitMix64's finalizer over the three numbers. */
uint64_t paper_random(uint64_t seed, uint64_t event, uint64_t salt)
{
    uint64_t x = seed * 0x9E3779B97F4A7C15u + event * 0xBF58476D1CE4E5B9u + salt;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

int64_t paper_price_step(uint64_t seed, uint64_t event, size_t symbol, tj_decimal price)
{
    uint64_t hundredths = 0;
    tj_decimal_to_parts(price, NULL, NULL, &hundredths, NULL);
    int64_t reach = (int64_t)(hundredths / 500) + 1; /* 0.2 % */
    uint64_t drawn = paper_random(seed, event, 100 + symbol);
    int64_t step = (int64_t)(drawn % (2 * (uint64_t)reach + 1)) - reach;
    return (int64_t)hundredths + step < 1 ? reach : step;
}

int64_t paper_fill_lots(uint64_t seed, uint64_t event, size_t symbol)
{
    return (int64_t)(paper_random(seed, event, 200 + symbol) % 8);
}
