/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What was: how long a state takes at any of 10,000 to 1,000,000 commits, with 10,000 orders of
 * which each commit changes one, with orders that come and go, and beside a million algorithms and
 * ledger entries; one of those algorithms; two moments compared; every version of one order; the
 * equity curve. And what bases take beside the log, and what building them costs.
 *
 *   bench_history [directory [largest number of commits [algorithms]]]
 *
 * All files are in the page cache. The largest size that is worth the wait is 10000000.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <tesser/history.h>

#include "book.h"
#include "history/base_chain.h"
#include "history/keys.h"

#define QUERIES 500
#define SMALLEST 10000
#define COMPARED_TO 100000 /* commits: the p50 of more is set against that of so many */
#define LIVE_ORDERS 2000   /* where they come and go */
#define BATCH 1000         /* algorithms or ledger entries a commit, when they are imported */
#define APART 1000

static bench_book book;
static tj_error error = TJ_ERROR_INIT;
static uint64_t seed;

static void must(tj_status status, const char *what)
{
    bench_must(status, &error, what);
}

static uint64_t random_from(uint64_t first, uint64_t last)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return first + (seed >> 33) % (last - first + 1);
}

/* ---- journals ------------------------------------------------------------------------------ */

typedef struct journal {
    const char *name;
    char path[BENCH_PATH_SIZE];
    tj_store *store;
    uint64_t imported; /* commits before those that are asked for */
    uint64_t commits;
    size_t algos;
} journal;

/* No bases are built behind the commits, so that building can be measured alone. */
static journal begin(const char *directory, const char *name)
{
    journal j = {.name = name};
    tj_config config = TJ_CONFIG_INIT;
    config.durability = TJ_DURABILITY_OS;
    config.lmdb.no_history = true;
    bench_join(j.path, directory, name);
    j.store = bench_store_open(directory, name, &config);
    bench_book_fill(&book);
    seed = 1;
    return j;
}

static tj_txn *open_txn(journal *j)
{
    tj_txn *txn = NULL;
    must(tj_txn_begin(j->store, &txn, &error), "beginning");
    return txn;
}

static void commit(journal *j, tj_txn *txn)
{
    must(tj_txn_commit(txn, NULL, NULL, &error), "committing");
    j->commits++;
}

static void save_state(journal *j)
{
    must(tj_state_save(tj_store_state_repository(j->store, NULL), &book.state, &error), "saving");
    j->commits++;
}

/* One order changes in each. */
static void change_orders(journal *j, uint64_t commits)
{
    while (j->commits < commits) {
        tj_txn *txn = open_txn(j);
        must(tj_txn_put_order(txn, bench_book_change(&book), &error), "putting");
        commit(j, txn);
    }
}

static tj_str order_id(char out[40], uint64_t number)
{
    uint64_t mixed = (number + 1) * 0x9e3779b97f4a7c15u;
    snprintf(out, 40, "%08x-0c00-4000-8000-%012u", (unsigned)(mixed >> 32), (unsigned)number);
    return tj_str_of(out);
}

/* One order comes in each, or the oldest goes. */
static void come_and_go(journal *j, uint64_t commits)
{
    uint64_t came = 0;
    uint64_t gone = 0;
    while (j->commits < commits) {
        char id[40];
        tj_txn *txn = open_txn(j);
        if (came - gone < LIVE_ORDERS || (came + gone) % 2 == 0) {
            tj_order order = book.orders[came % BENCH_ORDER_COUNT];
            order.id = order_id(id, came++);
            must(tj_txn_put_order(txn, &order, &error), "putting");
        } else {
            must(tj_txn_delete_order(txn, order_id(id, gone++), &error), "deleting");
        }
        commit(j, txn);
    }
}

/* The equity changes in each, and an order. */
static void change_equity(journal *j, uint64_t commits)
{
    while (j->commits < commits) {
        tj_txn *txn = open_txn(j);
        tj_decimal equity;
        uint64_t units = random_from(1000000000, 1005000000);
        must(tj_decimal_from_parts(false, 0, units, 4, &equity, &error), "a decimal");
        must(tj_txn_set_portfolio_equity(txn, &equity, &error), "setting");
        must(tj_txn_put_order(txn, bench_book_change(&book), &error), "putting");
        commit(j, txn);
    }
}

static void put_algo(tj_txn *txn, uint64_t number, uint64_t change)
{
    char payload[80];
    tj_uuid id = bench_algo_id(0, number);
    int size = snprintf(payload, sizeof payload, "{\"order\":\"%u\",\"filled\":\"0.125\",\"n\":%u}",
                        (unsigned)number, (unsigned)change);
    tj_algo_state state = {TJ_STR("twap"), {payload, (size_t)size}};
    must(tj_txn_put_algo(txn, &id, &state, &error), "putting");
}

static void append_entry(tj_txn *txn, uint64_t number)
{
    tj_ledger_entry entry = {.id = bench_algo_id(1, number),
                             .time = 1763900000000000000 + (tj_time)number,
                             .exchange = TJ_STR("binance"),
                             .asset = {{"", 0}, TJ_STR("USDT")},
                             .amount = tj_decimal_int(1 + (int64_t)(number % 1000)),
                             .type = TJ_LEDGER_FEE};
    must(tj_txn_append_ledger(txn, &entry, &error), "appending");
}

/* So many algorithms and entries of the ledger; afterwards an order changes in each commit, and in
 * every tenth an algorithm, too. */
static void change_beside(journal *j, size_t algos, uint64_t commits)
{
    for (size_t n = 0; n < algos; n += BATCH) {
        tj_txn *txn = open_txn(j);
        for (size_t i = 0; i < BATCH; i++) {
            put_algo(txn, n + i, 0);
            append_entry(txn, n + i);
        }
        commit(j, txn);
    }
    save_state(j);
    j->algos = algos;
    j->imported = j->commits;
    while (j->commits < j->imported + commits) {
        tj_txn *txn = open_txn(j);
        if (j->commits % 10 == 0) {
            put_algo(txn, random_from(0, algos - 1), j->commits);
        }
        must(tj_txn_put_order(txn, bench_book_change(&book), &error), "putting");
        commit(j, txn);
    }
}

/* Builds the bases, and says what they cost. */
static void build(const journal *j)
{
    char log[BENCH_PATH_SIZE];
    char history[BENCH_PATH_SIZE];
    tj__base_chain chains[TJ__BASE_KINDS] = {{0}};
    uint64_t known = 0;
    uint32_t built = 0;
    uint32_t keys = 0;
    uint64_t bytes = 0;
    bench_series cost = {0};
    bench_series part = {0};
    bench_store_settle(j->store);
    tj_store_info info = bench_store_info(j->store);
    bench_join(log, j->path, "log");
    bench_join(history, j->path, "history");
    if (mkdir(history, 0700) != 0) {
        bench_die("making", history);
    }
    tj__base_place place = {.log_path = log, .directory = history, .journal_id = info.journal_id};
    uint64_t cpu = bench_thread_cpu_ns();
    must(tj__base_chains_extend(&place, 1, 0, chains, &built, &error), "building");
    must(tj__keys_extend(&place, 1, UINT64_MAX, 0, &known, &keys, &error), "building");
    bench_add(&cost, (double)(bench_thread_cpu_ns() - cpu) / 1e3 / (double)j->commits);
    must(tj__bases_size(history, &bytes, &error), "adding up");
    bench_add(&part, 100.0 * (double)bytes / (double)info.lmdb.log_bytes);
    printf("%s: %u commits, %u bases, keys of %u segments\n", j->name, (unsigned)j->commits, built,
           keys);
    if (j->imported == 0) {
        bench_goal_at_most("history 2", "building bases: processor time for a commit", &cost, 0.6,
                           "us");
        bench_goal_at_most("history 2", "bases: part of the log", &part, 16, "%");
    }
}

static void end(journal *j)
{
    bench_store_close(j->store);
    bench_remove(j->path);
}

/* ---- questions ----------------------------------------------------------------------------- */

static tj_moment moment_of(uint64_t sequence)
{
    return (tj_moment){.sequence = sequence};
}

static tj_moment random_moment(const journal *j)
{
    return moment_of(random_from(j->imported + 1, j->commits));
}

static void load_state(journal *j)
{
    tj_live_state *state = NULL;
    must(tj_state_load_at(tj_store_state_repository(j->store, NULL), random_moment(j), &state,
                          &error),
         "loading");
    tj_live_state_free(state);
}

static void load_algo(journal *j)
{
    tj_algo_record *record = NULL;
    tj_uuid id = bench_algo_id(0, random_from(0, j->algos - 1));
    must(tj_algo_load_at(tj_store_algo_repository(j->store, NULL), random_moment(j), &id, &record,
                         &error),
         "loading");
    tj_algo_record_free(record);
}

static void compare(journal *j)
{
    tj_history_diff *diff = NULL;
    uint64_t from = random_from(j->imported + 1, j->commits - APART);
    must(tj_history_diff_load(j->store, moment_of(from), moment_of(from + APART), NULL, &diff,
                              &error),
         "comparing");
    tj_history_diff_free(diff);
}

static void find_versions(journal *j)
{
    tj_history_query query = TJ_HISTORY_QUERY_INIT;
    tj_history *history = NULL;
    const tj_history_commit *found = NULL;
    query.kinds = (uint64_t)1 << TJ_ENTITY_ORDER;
    query.key = book.orders[random_from(0, BENCH_ORDER_COUNT - 1)].id;
    must(tj_history_open(j->store, &query, &history, &error), "opening");
    do {
        must(tj_history_next(history, &found, &error), "reading");
    } while (found);
    tj_history_close(history);
}

static void draw_curve(journal *j)
{
    tj_equity_curve *curve = NULL;
    tj_moment whole = TJ_MOMENT_INIT;
    must(tj_equity_curve_load(tj_store_state_repository(j->store, NULL), whole, whole, &curve,
                              &error),
         "drawing");
    tj_equity_curve_free(curve);
}

/* How long a question takes, in milliseconds. */
typedef struct answers {
    bench_series p50;
    bench_series p99;
    bench_series longest;
    bench_series cpu; /* processor time, p50 */
} answers;

static answers ask(journal *j, void (*question)(journal *), size_t times)
{
    bench_times all = {0};
    bench_times cpu = {0};
    answers a = {{{0}, 0}, {{0}, 0}, {{0}, 0}, {{0}, 0}};
    for (size_t i = 0; i < times; i++) {
        uint64_t start = bench_now_ns();
        uint64_t used = bench_cpu_ns();
        question(j);
        bench_times_add(&cpu, bench_cpu_ns() - used);
        bench_times_add(&all, bench_now_ns() - start);
    }
    bench_times_sort(&all);
    bench_times_sort(&cpu);
    bench_add(&a.p50, bench_times_us(&all, 0.5) / 1e3);
    bench_add(&a.p99, bench_times_us(&all, 0.99) / 1e3);
    bench_add(&a.longest, bench_times_us(&all, 1) / 1e3);
    bench_add(&a.cpu, bench_times_us(&cpu, 0.5) / 1e3);
    bench_times_clear(&all);
    bench_times_clear(&cpu);
    return a;
}

static bench_series ask_states(journal *j)
{
    answers a = ask(j, load_state, QUERIES);
    bench_print("  a state of the past: processor time", "ms", &a.cpu);
    bench_goal_at_most("history 1", "a state of the past: p50", &a.p50, 10, "ms");
    bench_goal_at_most("history 1", "a state of the past: p99", &a.p99, 50, "ms");
    return a.p50;
}

static void ask_diffs(journal *j)
{
    answers a = ask(j, compare, QUERIES / 5);
    bench_print("  two moments compared: processor time", "ms", &a.cpu);
    bench_print("  two moments compared: p50", "ms", &a.p50);
    bench_goal_at_most("history 1", "two moments compared, 1,000 apart: longest", &a.longest, 20,
                       "ms");
}

/* ---- the rounds ---------------------------------------------------------------------------- */

static void measure_changing(const char *directory, size_t largest)
{
    bench_series compared_to = {0};
    for (uint64_t commits = SMALLEST; commits <= largest; commits *= 10) {
        journal j = begin(directory, "10,000 orders");
        save_state(&j);
        change_orders(&j, commits);
        build(&j);
        bench_series p50 = ask_states(&j);
        ask_diffs(&j);
        if (commits == COMPARED_TO) {
            compared_to = p50;
        } else if (commits > COMPARED_TO) {
            bench_series ratio = bench_ratio(&p50, &compared_to);
            bench_goal_at_most("history 1", "p50 beside that of 100,000 commits", &ratio, 1.5, "x");
        }
        answers versions = ask(&j, find_versions, 5);
        if (commits <= 1000000) {
            bench_goal_at_most("history 1", "every version of an order: p50", &versions.p50, 250,
                               "ms");
        }
        end(&j);
    }
}

static void measure_coming_and_going(const char *directory, size_t largest)
{
    for (uint64_t commits = SMALLEST; commits <= largest && commits <= 1000000; commits *= 10) {
        journal j = begin(directory, "orders that come and go");
        come_and_go(&j, commits);
        build(&j);
        (void)ask_states(&j);
        end(&j);
    }
}

static void measure_beside(const char *directory, size_t largest, size_t algos)
{
    journal j = begin(directory, "beside algorithms and a ledger");
    change_beside(&j, algos, largest < 1000000 ? largest : 1000000);
    build(&j);
    (void)ask_states(&j);
    load_algo(&j); /* the first one walks over the pages of the table */
    answers a = ask(&j, load_algo, QUERIES);
    bench_print("  an algorithm of the past: p50", "ms", &a.p50);
    bench_print("  an algorithm of the past: p99", "ms", &a.p99);
    bench_goal_at_most("history 1", "an algorithm of the past: longest", &a.longest, 20, "ms");
    end(&j);
}

static void measure_curve(const char *directory, size_t largest)
{
    uint64_t commits = largest < 1000000 ? largest : 1000000;
    journal j = begin(directory, "an equity that changes");
    save_state(&j);
    change_equity(&j, commits);
    build(&j);
    answers a = ask(&j, draw_curve, 5);
    bench_print("  the equity curve: processor time", "ms", &a.cpu);
    bench_goal_at_most("history 1", "the equity curve: p50", &a.p50, 500, "ms");
    end(&j);
}

int main(int argc, char **argv)
{
    char directory[BENCH_PATH_SIZE];
    setvbuf(stdout, NULL, _IOLBF, 0);
    bench_directory(argc, argv, directory);
    size_t largest = bench_argument(argc, argv, 2, 1000000);
    size_t algos = bench_argument(argc, argv, 3, 1000000);
    measure_changing(directory, largest);
    measure_coming_and_going(directory, largest);
    measure_beside(directory, largest, algos);
    measure_curve(directory, largest);
    bench_remove(directory);
    return 0;
}
