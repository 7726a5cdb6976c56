/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Exact arithmetic, and the names and times that the same run always gives. */
#include <stdio.h>
#include <stdlib.h>

#include "paper_runtime.h"

#define EVENT_NS 1000000000LL
#define EPOCH_NS 1763900000000000000LL /* the pretended time of event 0 */

const tj_str paper_venues[2] = {{"binance_perp", 12}, {"bybit_linear", 12}};
tj_error failure = TJ_ERROR_INIT;

void must(tj_status status)
{
    if (status != TJ_OK) {
        fprintf(stderr, "paper_runtime: %s\n%s\n", failure.message,
                tj_advice_text(tj_status_advice(status)));
        exit(10 + (int)status);
    }
}

tj_decimal decimal(const char *text)
{
    tj_decimal value = {{0, 0}};
    must(tj_decimal_parse(tj_str_of(text), &value, &failure));
    return value;
}

tj_decimal plus(tj_decimal a, tj_decimal b)
{
    must(tj_decimal_add(a, b, &a, &failure));
    return a;
}

tj_decimal minus(tj_decimal a, tj_decimal b)
{
    must(tj_decimal_sub(a, b, &a, &failure));
    return a;
}

tj_decimal times(tj_decimal a, tj_decimal b)
{
    must(tj_decimal_mul(a, b, &a, &failure));
    return a;
}

/* Money is kept to eight places; rounding is said where it happens. */
tj_decimal money(tj_decimal value)
{
    must(tj_decimal_rescale(value, 8, TJ_ROUND_HALF_EVEN, &value, &failure));
    return value;
}

tj_decimal lots_of(size_t symbol, int64_t lots)
{
    return times(decimal(paper_symbols[symbol].lot), tj_decimal_int(lots));
}

int64_t lots_in(size_t symbol, tj_decimal quantity)
{
    tj_decimal lots;
    uint64_t count = 0;
    must(tj_decimal_div(quantity, decimal(paper_symbols[symbol].lot), 0, TJ_ROUND_EXACT, &lots,
                        &failure));
    tj_decimal_to_parts(lots, NULL, NULL, &count, NULL);
    return (int64_t)count;
}

size_t venue_of(size_t symbol)
{
    return tj_str_equal(paper_symbols[symbol].symbol.exchange, paper_venues[0]) ? 0 : 1;
}

size_t symbol_index(tj_symbol symbol)
{
    for (size_t i = 0; i < PAPER_SYMBOLS; i++) {
        if (tj_identity_compare(paper_symbols[i].symbol, symbol) == 0) {
            return i;
        }
    }
    fprintf(stderr, "paper_runtime: the journal holds a symbol of another program\n");
    exit(1);
}

tj_decimal equity_of(const runtime *r)
{
    tj_decimal equity = plus(r->cash[0], r->cash[1]);
    for (size_t i = 0; i < PAPER_SYMBOLS; i++) {
        equity = plus(equity, times(r->holdings[i].quantity, r->holdings[i].price));
    }
    return money(equity);
}

tj_time event_time(uint64_t event)
{
    return EPOCH_NS + (tj_time)event * EVENT_NS;
}

uint64_t event_of(tj_time time)
{
    return (uint64_t)((time - EPOCH_NS) / EVENT_NS);
}

/* A UUID that the same event of the same run always gives. */
tj_uuid event_uuid(const runtime *r, uint64_t salt)
{
    tj_uuid id;
    uint64_t words[2] = {paper_random(r->seed, r->event, salt),
                         paper_random(r->seed, r->event, ~salt)};
    memcpy(id.bytes, words, sizeof id.bytes);
    return id;
}

/* A UUID that the same part of the same fill always gives: booked twice, it is refused. */
tj_uuid fill_uuid(const runtime *r, const working_order *o, tj_ledger_type type)
{
    uint64_t fill = (uint64_t)o->lots_filled << 8 | type;
    tj_uuid id;
    uint64_t words[2] = {r->seed, fill};
    for (const char *c = o->id; *c != '\0'; c++) {
        words[0] = paper_random(words[0], fill, (uint64_t)*c);
        words[1] = paper_random(words[1], words[0], (uint64_t)*c);
    }
    memcpy(id.bytes, words, sizeof id.bytes);
    return id;
}
