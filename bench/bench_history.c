/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * States of the past: how long one takes at any of 10,000 to 1,000,000 commits, with 10,000 orders
 * of which each commit changes one; what bases take beside the log, and what building one costs.
 *
 *   bench_history [directory [largest number of commits]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <tesser/history.h>

#include "book.h"
#include "history/base_chain.h"

#define QUERIES 500
#define SMALLEST 10000

static bench_book book;
static tj_error error = TJ_ERROR_INIT;

/* No bases are built behind these commits, so that building can be measured alone. */
static tj_store *fill(const char *directory, const char *name, size_t commits)
{
    tj_config config = TJ_CONFIG_INIT;
    config.durability = TJ_DURABILITY_OS;
    config.lmdb.no_history = true;
    tj_store *store = bench_store_open(directory, name, &config);
    bench_book_fill(&book);
    bench_must(tj_state_save(tj_store_state_repository(store, NULL), &book.state, &error), &error,
               "saving");
    for (size_t i = 1; i < commits; i++) {
        tj_txn *txn = NULL;
        bench_must(tj_txn_begin(store, &txn, &error), &error, "beginning");
        bench_must(tj_txn_put_order(txn, bench_book_change(&book), &error), &error, "putting");
        bench_must(tj_txn_commit(txn, NULL, NULL, &error), &error, "committing");
    }
    return store;
}

static uint64_t directory_bytes(const char *path)
{
    uint64_t bytes = 0;
    bench_must(tj__bases_size(path, &bytes, &error), &error, "adding up");
    return bytes;
}

static void build(const char *journal, const tj_store_info *info, size_t commits)
{
    char log[BENCH_PATH_SIZE];
    char history[BENCH_PATH_SIZE];
    bench_join(log, journal, "log");
    bench_join(history, journal, "history");
    if (mkdir(history, 0700) != 0) {
        bench_die("making", history);
    }
    tj__base_place place = {.log_path = log, .directory = history, .journal_id = info->journal_id};
    uint64_t cpu = bench_cpu_ns();
    for (int kind = 0; kind < TJ__BASE_KINDS; kind++) {
        tj__base_chain chain = {0};
        uint32_t built = 0;
        bench_must(tj__base_chain_extend(&place, (tj__base_kind)kind, 1, 0, &chain, &built, &error),
                   &error, "building");
    }
    bench_series cost = {0};
    bench_series part = {0};
    bench_add(&cost, (double)(bench_cpu_ns() - cpu) / 1e3 / (double)commits);
    bench_add(&part, 100.0 * (double)directory_bytes(history) / (double)info->lmdb.log_bytes);
    bench_goal_at_most("history 2", "building bases: processor time for a commit", &cost, 0.6,
                       "us");
    bench_goal_at_most("history 2", "bases: part of the log", &part, 16, "%");
}

static void ask(tj_store *store, size_t commits)
{
    bench_times times = {0};
    bench_series p50 = {0};
    bench_series p99 = {0};
    uint64_t seed = 1;
    for (size_t i = 0; i < QUERIES; i++) {
        tj_live_state *state = NULL;
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        tj_moment moment = {.sequence = 1 + (seed >> 33) % commits};
        uint64_t start = bench_now_ns();
        bench_must(tj_state_load_at(tj_store_state_repository(store, NULL), moment, &state, &error),
                   &error, "loading");
        bench_times_add(&times, bench_now_ns() - start);
        tj_live_state_free(state);
    }
    bench_times_sort(&times);
    bench_add(&p50, bench_times_us(&times, 0.5) / 1e3);
    bench_add(&p99, bench_times_us(&times, 0.99) / 1e3);
    bench_times_clear(&times);
    bench_goal_at_most("history 1", "a state of the past: p50", &p50, 10, "ms");
    bench_goal_at_most("history 1", "a state of the past: p99", &p99, 50, "ms");
}

int main(int argc, char **argv)
{
    char directory[BENCH_PATH_SIZE];
    bench_directory(argc, argv, directory);
    size_t largest = bench_argument(argc, argv, 2, 1000000);
    for (size_t commits = SMALLEST; commits <= largest; commits *= 10) {
        char name[64];
        char journal[BENCH_PATH_SIZE];
        snprintf(name, sizeof name, "history-%zu", commits);
        bench_join(journal, directory, name);
        printf("%zu commits\n", commits);
        tj_store *store = fill(directory, name, commits);
        bench_store_settle(store);
        tj_store_info info = bench_store_info(store);
        build(journal, &info, commits);
        ask(store, commits);
        bench_store_close(store);
    }
    bench_remove(directory);
    return 0;
}
