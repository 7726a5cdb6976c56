/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * How long the newest state is away when data.mdb is lost: a repair, and an opening that loads the
 * state; with bases beside the log, without them, and with a log of which the older half was
 * pruned. 10,000 orders, of which each commit changes one.
 *
 *   bench_repair [directory [commits]]
 *
 * All files are in the page cache.
 */
#include <stdio.h>
#include <sys/stat.h>

#include <tesser/maintain.h>
#include <tesser/verify.h>

#include "book.h"
#include "history/base_chain.h"

#define ROUNDS 5

static bench_book book;
static tj_error error = TJ_ERROR_INIT;
static char path[BENCH_PATH_SIZE];
static char lost[BENCH_PATH_SIZE];
static char repaired[BENCH_PATH_SIZE];
static uint64_t newest;

static void must(tj_status status, const char *what)
{
    bench_must(status, &error, what);
}

static tj_config config_of(void)
{
    tj_config config = TJ_CONFIG_INIT;
    config.durability = TJ_DURABILITY_OS;
    config.lmdb.no_history = true;
    return config;
}

static void make_journal(const char *directory, size_t commits)
{
    tj_config config = config_of();
    tj_store *store = bench_store_open(directory, "journal", &config);
    bench_join(path, directory, "journal");
    bench_join(lost, directory, "data.mdb.lost");
    bench_join(repaired, directory, "repaired");
    bench_book_fill(&book);
    must(tj_state_save(tj_store_state_repository(store, NULL), &book.state, &error), "saving");
    for (size_t i = 1; i < commits; i++) {
        tj_txn *txn = NULL;
        must(tj_txn_begin(store, &txn, &error), "beginning");
        must(tj_txn_put_order(txn, bench_book_change(&book), &error), "putting");
        must(tj_txn_commit(txn, NULL, NULL, &error), "committing");
    }
    newest = bench_store_info(store).sequence;
    bench_store_close(store);
}

static void build_bases(const char *directory)
{
    char log[BENCH_PATH_SIZE];
    char history[BENCH_PATH_SIZE];
    tj__base_chain chains[TJ__BASE_KINDS] = {{0}};
    uint32_t built = 0;
    tj_config config = config_of();
    tj_store *store = bench_store_open(directory, "journal", &config);
    bench_join(log, path, "log");
    bench_join(history, path, "history");
    (void)mkdir(history, 0700);
    tj__base_place place = {
        .log_path = log, .directory = history, .journal_id = bench_store_info(store).journal_id};
    must(tj__base_chains_extend(&place, 1, 0, chains, &built, &error), "building bases");
    bench_store_close(store);
}

static void prune_half(const char *directory)
{
    tj_config config = config_of();
    tj_store *store = bench_store_open(directory, "journal", &config);
    tj_prune_options options = TJ_PRUNE_OPTIONS_INIT;
    tj_prune_report report = TJ_PRUNE_REPORT_INIT;
    options.history_size_bytes = bench_store_info(store).lmdb.log_bytes / 2;
    must(tj_prune(store, &options, &report, &error), "pruning");
    bench_store_close(store);
}

/* The newest state can be worked with again. */
static void load(void)
{
    tj_config config = config_of();
    tj_store *store = NULL;
    tj_live_state *state = NULL;
    config.path = repaired;
    must(tj_store_open(&config, &store, &error), "opening");
    must(tj_state_load(tj_store_state_repository(store, NULL), &state, &error), "loading");
    if (bench_store_info(store).sequence != newest ||
        state->open_order_count != BENCH_ORDER_COUNT) {
        bench_die("the state that came back", "is not the newest");
    }
    tj_live_state_free(state);
    must(tj_store_close(store, &error), "closing");
}

static void lose_and_repair(bench_series *cpu, bench_series *repairing, bench_series *all)
{
    char data[BENCH_PATH_SIZE];
    tj_repair_report *report = NULL;
    bench_join(data, path, "data.mdb");
    if (rename(data, lost) != 0) {
        bench_die("data.mdb", "could not be moved away");
    }
    uint64_t cpu_before = bench_cpu_ns();
    uint64_t start = bench_now_ns();
    must(tj_repair(path, repaired, NULL, &report, &error), "repairing");
    uint64_t done = bench_now_ns();
    load();
    uint64_t end = bench_now_ns();
    if (!report->written || report->loses) {
        bench_die("the repair", "lost something");
    }
    tj_repair_report_free(report);
    bench_add(cpu, (double)(bench_cpu_ns() - cpu_before) / 1e9);
    bench_add(repairing, (double)(done - start) / 1e9);
    bench_add(all, (double)(end - start) / 1e9);
    bench_remove(repaired);
    if (rename(lost, data) != 0) {
        bench_die("data.mdb", "could not be put back");
    }
}

static bench_series measure(const char *what)
{
    char name[80];
    bench_series cpu = {0};
    bench_series repairing = {0};
    bench_series all = {0};
    for (size_t i = 0; i < ROUNDS; i++) {
        lose_and_repair(&cpu, &repairing, &all);
    }
    snprintf(name, sizeof name, "%s: the repair", what);
    bench_print(name, "s", &repairing);
    snprintf(name, sizeof name, "%s: until the state is loaded", what);
    bench_print(name, "s", &all);
    snprintf(name, sizeof name, "%s: processor time of it", what);
    bench_print(name, "s", &cpu);
    return all;
}

int main(int argc, char **argv)
{
    char directory[BENCH_PATH_SIZE];
    setvbuf(stdout, NULL, _IOLBF, 0);
    bench_directory(argc, argv, directory);
    size_t commits = bench_argument(argc, argv, 2, 1000000);
    make_journal(directory, commits);
    printf("%zu commits, %d orders, data.mdb lost\n", commits, BENCH_ORDER_COUNT);
    (void)measure("log alone");
    build_bases(directory);
    bench_series based = measure("log and bases");
    prune_half(directory);
    (void)measure("pruned by half");
    bench_goal_at_most("11.7", "the newest state is back, with bases", &based, 1.0, "s");
    bench_remove(directory);
    return 0;
}
