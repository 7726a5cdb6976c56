/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A pretended market and exchange. Both are pure functions of a seed and an event number, so that a
 * runtime that was killed and goes on meets exactly what it would have met.
 */
#ifndef PAPER_MARKET_H
#define PAPER_MARKET_H

#include <tesser/decimal.h>
#include <tesser/identity.h>

#define PAPER_SYMBOLS 6

typedef struct paper_symbol {
    tj_symbol symbol;
    const char *first_price; /* decimal text, scale 2 */
    const char *lot;         /* smallest quantity traded, scale 3 */
} paper_symbol;

/* Three symbols on each of two venues; the codes repeat, the venues tell them apart. */
extern const paper_symbol paper_symbols[PAPER_SYMBOLS];

/* 64 random bits that depend on nothing but the arguments. */
uint64_t paper_random(uint64_t seed, uint64_t event, uint64_t salt);

/* How far a price of `event` moves from the one before, as a number of hundredths. */
int64_t paper_price_step(uint64_t seed, uint64_t event, size_t symbol, tj_decimal price);

/* What the exchange does with a working order in this event: how many lots it fills at most. */
int64_t paper_fill_lots(uint64_t seed, uint64_t event, size_t symbol);

#endif
