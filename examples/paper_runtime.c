/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A small trading runtime on top of the journal, written as a user would write one.
 *
 *     cc paper_*.c $(pkg-config --cflags --libs tesser-journal) -o paper_runtime
 *     printf '[journal]\npath = "./journal"\n' >tesser.toml
 *     ./paper_runtime --events 50
 *
 * Six symbols on two venues follow a random walk. When a fast average crosses above a slow one, a
 * TWAP algorithm buys in slices; when it crosses below, an iceberg algorithm sells what is held.
 * Orders are filled in parts. Everything it must not lose is in the store that tesser.toml names:
 *
 *   - an order is saved as an intent (PendingNew) before it is sent;
 *   - what an event changes is one commit: prices, orders, positions, balances, equity, the
 *     algorithm that caused it, and the ledger entries of its fills;
 *   - after a restart it loads its state, lists the intents that were never confirmed, and settles
 *     them with the exchange before it goes on.
 *
 * So a run that is killed at any point and started again ends as one that was never killed: the
 * digest that it prints at the end is the same. It knows nothing but the repository interface.
 *
 * Here are start, restart and the two commits of an event. What it holds in memory is in
 * paper_runtime.h, what an event changes in paper_trade.c, how that gets into a commit and back in
 * paper_store.c, and the market that it pretends in paper_market.c.
 */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "paper_runtime.h"

/* Dies as if the power switch of the process had been pressed. Three places in an event, one chosen
 * by the seed, so that over many kills each is met. */
static void maybe_kill(const runtime *r, unsigned place)
{
    if (r->kill_at != 0 && r->event == r->kill_at &&
        paper_random(r->seed, r->event, 900) % 3 == place) {
        raise(SIGKILL);
    }
}

/* The second half of an event: the intents of `r->event` are saved; the exchange answers. */
static void finish_event(runtime *r)
{
    tj_txn *txn = NULL;
    must(tj_txn_begin(r->store, &txn, &failure));
    work_orders(txn, r);
    move_market(txn, r);
    run_strategy(txn, r);
    retire_algos(txn, r);
    watch_drawdown(r);
    put_portfolio(txn, r);
    put_strategy(txn, r);
    tj_time now = event_time(r->event);
    must(tj_txn_set_last_candle_ts(txn, &now, &failure));
    maybe_kill(r, 1);
    must(tj_txn_commit(txn, NULL, NULL, &failure));
    maybe_kill(r, 2);
}

static void run_event(runtime *r)
{
    tj_txn *txn = NULL;
    r->event++;
    maybe_kill(r, 0);
    must(tj_txn_begin(r->store, &txn, &failure));
    if (note_intents(txn, r)) {
        must(tj_txn_commit(txn, NULL, NULL, &failure));
    } else {
        tj_txn_abort(txn);
    }
    finish_event(r);
}

static void start_fresh(runtime *r)
{
    tj_txn *txn = NULL;
    must(tj_txn_begin(r->store, &txn, &failure));
    r->peak_equity = decimal("200000.00000000");
    for (size_t venue = 0; venue < 2; venue++) {
        r->cash[venue] = decimal("100000.00000000");
        put_cash(txn, r, venue);
    }
    put_portfolio(txn, r);
    put_strategy(txn, r);
    must(tj_txn_commit(txn, NULL, NULL, &failure));
}

/* An intent that was saved and not confirmed: the exchange is asked by the client order id whether
 * it came. Here it answers as if the order had come in just now, which is what happens next
 * anyway. */
static void settle_intents(runtime *r)
{
    bool any = false;
    for (size_t i = 0; i < r->order_count; i++) {
        if (r->orders[i].status == TJ_ORDER_PENDING_NEW) {
            fprintf(stderr, "  settling order intent %s, saved but not confirmed\n",
                    r->orders[i].id);
            any = true;
        }
    }
    if (any) {
        r->event++;
        finish_event(r);
    }
}

static void start(runtime *r)
{
    tj_live_state *state = NULL;
    for (size_t i = 0; i < PAPER_SYMBOLS; i++) {
        r->holdings[i].price = decimal(paper_symbols[i].first_price);
        r->holdings[i].quantity = lots_of(i, 0);
    }
    must(tj_state_load(tj_store_state_repository(r->store, NULL), &state, &failure));
    if (!state->has_portfolio) {
        start_fresh(r);
        tj_live_state_free(state);
        return;
    }
    read_state(r, state);
    tj_live_state_free(state);
    fprintf(stderr, "  resumed after event %" PRIu64 ": %zu algorithms, %zu open orders\n",
            r->event, r->algo_count, r->order_count);
    settle_intents(r);
}

static uint64_t number(const char *text)
{
    char *end = NULL;
    uint64_t value = strtoull(text, &end, 10);
    if (*text == '\0' || *end != '\0') {
        fprintf(stderr, "paper_runtime: \"%s\" is not a number\n", text);
        exit(2);
    }
    return value;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"seed", required_argument, NULL, 's'},
        {"events", required_argument, NULL, 'e'}, {"kill-at", required_argument, NULL, 'k'},
        {"pace", required_argument, NULL, 'p'},   {NULL, 0, NULL, 0}};
    static runtime r = {.seed = 1};
    const char *config_file = "tesser.toml";
    uint64_t events = 300;
    uint64_t pace_ms = 0;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            config_file = optarg;
            break;
        case 's':
            r.seed = number(optarg);
            break;
        case 'e':
            events = number(optarg);
            break;
        case 'k':
            r.kill_at = number(optarg);
            break;
        case 'p':
            pace_ms = number(optarg);
            break;
        default:
            fprintf(stderr, "usage: paper_runtime [--config FILE] [--seed N] [--events N] "
                            "[--kill-at EVENT] [--pace MILLISECONDS]\n");
            return 2;
        }
    }
    tj_config config = TJ_CONFIG_INIT;
    must(tj_config_load(config_file, &config, &failure));
    must(tj_store_open(&config, &r.store, &failure));
    tj_config_dispose(&config);
    start(&r);
    while (r.event < events) {
        run_event(&r);
        (void)usleep((useconds_t)(pace_ms * 1000));
    }
    printf("digest %016" PRIx64 " after %" PRIu64 " events\n", digest_of_store(r.store), r.event);
    must(tj_store_close(r.store, &failure));
    return 0;
}
