/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The values of the stress programs, and reading them back from a store. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "stress.h"

#define must(call)                                                            \
    do {                                                                      \
        tj_error must_error = TJ_ERROR_INIT;                                  \
        tj_error *error = &must_error;                                        \
        tj_status must_status = (call);                                       \
        if (must_status != TJ_OK) {                                           \
            violation("%s: %s", tj_status_name(must_status), error->message); \
        }                                                                     \
    } while (0)

tj_config stress_config(void)
{
    tj_config config = TJ_CONFIG_INIT;
    config.path = all->journal;
    config.lmdb.map_size_bytes = (uint64_t)1 << 20; /* so that it grows beside the viewers */
    config.lmdb.segment_size_bytes = (uint64_t)256 << 10;
    config.lmdb.lag_bytes = (uint64_t)64 << 10;
    config.lmdb.lag_ms = 10;
    return config;
}

tj_uuid stress_algo_id(unsigned lane)
{
    tj_uuid id = {{0xa0}};
    id.bytes[15] = (uint8_t)lane;
    return id;
}

static tj_asset asset_of(char side, unsigned lane)
{
    static const char *const names[2][LANES] = {{"A0", "A1", "A2", "A3", "A4", "A5", "A6", "A7"},
                                                {"B0", "B1", "B2", "B3", "B4", "B5", "B6", "B7"}};
    tj_asset asset;
    must(tj_identity_parse(tj_str_of(names[side - 'A'][lane]), &asset, error));
    return asset;
}

static void note_balance(tj_txn *txn, char side, unsigned lane, int64_t quantity)
{
    tj_balance balance = {.currency = asset_of(side, lane),
                          .quantity = tj_decimal_int(quantity),
                          .conversion_rate = tj_decimal_int(1)};
    must(tj_txn_put_balance(txn, (tj_str){0}, &balance, error));
}

void stress_note(tj_txn *txn, unsigned lane, uint64_t n)
{
    char payload[64];
    snprintf(payload, sizeof payload, "{\"n\":%" PRIu64 "}", n);
    tj_uuid id = stress_algo_id(lane);
    tj_algo_state state = {.plugin = TJ_STR("twap"), .payload = tj_str_of(payload)};
    note_balance(txn, 'A', lane, BASE - (int64_t)n);
    note_balance(txn, 'B', lane, BASE + (int64_t)n);
    must(tj_txn_put_algo(txn, &id, &state, error));
}

void stress_create(void)
{
    tj_config config = stress_config();
    tj_store *store = NULL;
    tj_txn *txn = NULL;
    tj_portfolio portfolio = {.initial_equity = tj_decimal_int(1),
                              .peak_equity = tj_decimal_int(1)};
    must(tj_identity_parse(TJ_STR("USDT"), &portfolio.reporting_currency, error));
    must(tj_store_open(&config, &store, error));
    must(tj_txn_begin(store, &txn, error));
    must(tj_txn_put_portfolio(txn, &portfolio, error));
    for (unsigned lane = 0; lane < LANES; lane++) {
        stress_note(txn, lane, 0);
    }
    must(tj_txn_commit(txn, NULL, NULL, error));
    must(tj_store_close(store, error));
}

static int64_t quantity_of(const tj_live_state *state, char side, unsigned lane)
{
    tj_asset wanted = asset_of(side, lane);
    for (size_t i = 0; i < state->portfolio.balance_count; i++) {
        const tj_balance *balance = &state->portfolio.balances[i];
        if (tj_identity_compare(balance->currency, wanted) == 0) {
            char text[TJ_DECIMAL_TEXT_SIZE];
            tj_decimal_format(balance->quantity, text);
            return strtoll(text, NULL, 10);
        }
    }
    violation("balance %c%u is not there", side, lane);
}

numbers stress_load_state(tj_store *store)
{
    numbers shown;
    tj_live_state *state = NULL;
    must(tj_state_load(tj_store_state_repository(store, NULL), &state, error));
    for (unsigned lane = 0; lane < LANES; lane++) {
        int64_t a = quantity_of(state, 'A', lane);
        int64_t b = quantity_of(state, 'B', lane);
        if (a + b != 2 * (int64_t)BASE) {
            violation("lane %u: half a commit: %" PRId64 " and %" PRId64, lane, a, b);
        }
        shown.of[lane] = (uint64_t)(b - BASE);
    }
    tj_live_state_free(state);
    return shown;
}

numbers stress_load_algos(tj_store *store)
{
    numbers shown;
    tj_algo_list *list = NULL;
    must(tj_algo_load_all(tj_store_algo_repository(store, NULL), &list, error));
    if (list->count != LANES || list->quarantined_count != 0) {
        violation("%zu algorithms, %zu in quarantine", list->count, list->quarantined_count);
    }
    for (unsigned lane = 0; lane < LANES; lane++) {
        tj_str payload = list->records[lane].state.payload;
        char text[64];
        snprintf(text, sizeof text, "%.*s", (int)payload.size, payload.data);
        if (sscanf(text, "{\"n\":%" SCNu64 "}", &shown.of[lane]) != 1) {
            violation("lane %u: payload %s", lane, text);
        }
    }
    tj_algo_list_free(list);
    return shown;
}

void stress_mark_seen(const numbers *shown)
{
    for (unsigned lane = 0; lane < LANES; lane++) {
        uint64_t before = atomic_load(&all->lanes[lane].seen);
        while (before < shown->of[lane] &&
               !atomic_compare_exchange_weak(&all->lanes[lane].seen, &before, shown->of[lane])) {
        }
    }
}
