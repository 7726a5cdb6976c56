/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A book of 10,000 open orders and 1,000 positions of which one order changes: what a save writes
 * and how long it takes, as a whole LiveState and as a transaction of its own, beside LMDB putting
 * the snapshot, already encoded as JSON, as one value; what a commit costs in processor time; how
 * long a load takes, and how much memory a writer has.
 *
 *   bench_state [directory [rounds]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "book.h"
#include "rivals.h"

#define MIB (1024.0 * 1024.0)
/* How often each side works in one round. */
#define SNAPSHOTS 3
#define STATES 6
#define OTHERS 20
#define OS_COMMITS 20000
#define MANY_MS 3600000
#define WRITER "--writer"

typedef struct bench {
    bench_raw raw;
    tj_store *store;    /* sync */
    tj_store *os_store; /* os */
    bench_lmdb *lmdb;
    tj_text snapshot;
    bench_series raw_us, snapshot_us, state_us, unchanged_us, transaction_us, load_us, os_cpu_us;
} bench;

static bench_book book;

/* ---- the sides ----------------------------------------------------------------------------- */

static void save_state(tj_store *store)
{
    tj_error error = TJ_ERROR_INIT;
    tj_state_repository *states = tj_store_state_repository(store, NULL);
    bench_must(tj_state_save(states, &book.state, &error), &error, "saving the state");
}

static tj_live_state *load_state(tj_store *store)
{
    tj_error error = TJ_ERROR_INIT;
    tj_live_state *state = NULL;
    tj_state_repository *states = tj_store_state_repository(store, NULL);
    bench_must(tj_state_load(states, &state, &error), &error, "loading the state");
    return state;
}

static void do_raw(bench *b)
{
    bench_raw_write(&b->raw);
}

static void do_snapshot(bench *b)
{
    tj_uuid key = {{1}};
    bench_lmdb_put(b->lmdb, &key, b->snapshot.data, b->snapshot.size);
}

static void do_state(bench *b)
{
    bench_book_change(&book);
    save_state(b->store);
}

static void do_unchanged(bench *b)
{
    save_state(b->store);
}

static void do_transaction(bench *b)
{
    bench_book_commit_change(&book, b->store);
}

static void do_load(bench *b)
{
    tj_live_state_free(load_state(b->store));
}

/* ---- rounds -------------------------------------------------------------------------------- */

static void measure(bench *b, void (*side)(bench *), size_t count, bench_series *series)
{
    bench_times times = {0};
    for (size_t i = 0; i < count; i++) {
        uint64_t start = bench_now_ns();
        side(b);
        bench_times_add(&times, bench_now_ns() - start);
    }
    bench_times_sort(&times);
    bench_add(series, bench_times_us(&times, 0.5));
    bench_times_clear(&times);
}

static void measure_os(bench *b)
{
    uint64_t cpu = bench_cpu_ns();
    for (size_t i = 0; i < OS_COMMITS; i++) {
        bench_book_commit_change(&book, b->os_store);
    }
    bench_store_settle(b->os_store);
    bench_add(&b->os_cpu_us, (double)(bench_cpu_ns() - cpu) / 1e3 / OS_COMMITS);
}

static void take_turns(bench *b)
{
    measure(b, do_raw, OTHERS, &b->raw_us);
    measure(b, do_snapshot, SNAPSHOTS, &b->snapshot_us);
    save_state(b->store); /* with what the transactions have changed */
    measure(b, do_state, STATES, &b->state_us);
    measure(b, do_unchanged, STATES, &b->unchanged_us);
    measure(b, do_transaction, OTHERS, &b->transaction_us);
    measure(b, do_load, STATES, &b->load_us);
    measure_os(b);
}

/* ---- sizes --------------------------------------------------------------------------------- */

/* Bytes in the log of the first save and of one with one order changed. */
static void measure_bytes(const char *directory, bench_series *whole, bench_series *one)
{
    tj_config config = TJ_CONFIG_INIT;
    config.lmdb.lag_ms = MANY_MS;
    config.lmdb.lag_bytes = (uint64_t)1 << 30;
    tj_store *store = bench_store_open(directory, "bytes", &config);
    save_state(store);
    bench_add(whole, (double)bench_store_info(store).lmdb.lag_bytes);
    bench_store_settle(store);
    bench_book_change(&book);
    save_state(store);
    bench_add(one, (double)bench_store_info(store).lmdb.lag_bytes);
    bench_store_close(store);
}

static double anonymous_mib(void)
{
    char line[256];
    double kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status)) {
        if (strncmp(line, "RssAnon:", 8) == 0) {
            kib = strtod(line + 8, NULL);
        }
    }
    if (status) {
        fclose(status);
    }
    return kib / 1024;
}

/* In a program of its own, which has held nothing else before: opens the journal, loads the state,
 * commits changes of it and saves it whole. */
static int be_a_writer(const char *directory, int out)
{
    double mib[2];
    tj_error error = TJ_ERROR_INIT;
    tj_store *store = bench_store_open(directory, "bytes", NULL);
    tj_live_state *state = load_state(store);
    for (size_t i = 0; i < 1000; i++) {
        tj_txn *txn = NULL;
        state->open_orders[i].updated_at++;
        bench_must(tj_txn_begin(store, &txn, &error), &error, "beginning");
        bench_must(tj_txn_put_order(txn, &state->open_orders[i], &error), &error, "putting");
        bench_must(tj_txn_commit(txn, NULL, NULL, &error), &error, "committing");
    }
    mib[0] = anonymous_mib();
    state->open_orders[0].updated_at++;
    bench_must(tj_state_save(tj_store_state_repository(store, NULL), state, &error), &error,
               "saving");
    mib[1] = anonymous_mib();
    if (write(out, mib, sizeof mib) != (ssize_t)sizeof mib) {
        bench_die("a writer", "cannot report");
    }
    tj_live_state_free(state);
    bench_store_close(store);
    return 0;
}

static void measure_memory(const char *directory, bench_series *committing, bench_series *saving)
{
    int ends[2];
    double mib[2];
    char out[16];
    if (pipe(ends) != 0) {
        bench_die("a writer", "cannot be asked");
    }
    snprintf(out, sizeof out, "%d", ends[1]);
    pid_t child = fork();
    if (child == 0) {
        execl("/proc/self/exe", "bench_state", WRITER, directory, out, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    if (child < 0 || read(ends[0], mib, sizeof mib) != (ssize_t)sizeof mib) {
        bench_die("a writer", "does not report");
    }
    waitpid(child, NULL, 0);
    close(ends[0]);
    bench_add(committing, mib[0]);
    bench_add(saving, mib[1]);
}

/* ---- the report ---------------------------------------------------------------------------- */

static void report(const bench *b, const bench_series *whole, const bench_series *one,
                   const bench_series *committing, const bench_series *saving)
{
    bench_series per_state = bench_ratio(&b->snapshot_us, &b->state_us);
    bench_series per_transaction = bench_ratio(&b->snapshot_us, &b->transaction_us);
    bench_series load_ms = b->load_us;
    double encoded_mib = bench_spread_of(whole).median / MIB;
    for (size_t i = 0; i < load_ms.count; i++) {
        load_ms.values[i] /= 1e3;
    }
    printf("%d open orders, %d positions, one order changed; %zu rounds\n", BENCH_ORDER_COUNT,
           BENCH_POSITION_COUNT, b->raw_us.count);
    bench_print("raw disk", "us", &b->raw_us);
    printf("  the snapshot has %.2f MiB as JSON, %.2f MiB as rows in the log\n",
           (double)b->snapshot.size / MIB, encoded_mib);
    bench_print("LMDB, the encoded snapshot as one value", "us", &b->snapshot_us);
    bench_print("save(LiveState), one order changed", "us", &b->state_us);
    bench_print("save(LiveState), unchanged: encode and compare", "us", &b->unchanged_us);
    bench_print("transaction, one order put", "us", &b->transaction_us);
    bench_print("load", "us", &b->load_us);
    bench_print("memory after opening, a load, 1000 commits", "MiB", committing);
    bench_print("memory after a whole save beside", "MiB", saving);
    bench_goal_at_most("3", "bytes in the log for one changed order", one, 4096, "");
    bench_goal_at_least("3", "save(LiveState): LMDB's snapshot to it", &per_state, 2.5, "x");
    bench_goal_at_least("3", "transaction: LMDB's snapshot to it", &per_transaction, 20, "x");
    bench_goal_at_most("3", "processor time of a commit in os mode, with apply", &b->os_cpu_us, 5,
                       " us");
    bench_goal_at_most("5", "loading", &load_ms, 5, " ms");
    bench_goal_at_most("5", "memory of a writer (3x the rows + 16 MiB)", saving,
                       3 * encoded_mib + 16, " MiB");
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], WRITER) == 0) {
        return be_a_writer(argv[2], atoi(argv[3]));
    }
    static bench b;
    static bench_series whole, one, committing, saving;
    char directory[BENCH_PATH_SIZE];
    tj_config os = TJ_CONFIG_INIT;
    tj_error error = TJ_ERROR_INIT;
    size_t rounds = bench_argument(argc, argv, 2, 21);
    bench_directory(argc, argv, directory);
    bench_book_fill(&book);
    measure_bytes(directory, &whole, &one);
    measure_memory(directory, &committing, &saving);
    bench_must(tj_live_state_to_json(&book.state, &b.snapshot, &error), &error, "encoding");
    bench_raw_open(&b.raw, directory);
    b.lmdb = bench_lmdb_open(directory);
    b.store = bench_store_open(directory, "sync", NULL);
    os.durability = TJ_DURABILITY_OS;
    os.lmdb.no_history = true; /* bench_history says what bases cost */
    b.os_store = bench_store_open(directory, "os", &os);
    save_state(b.store);
    save_state(b.os_store);
    for (size_t round = 0; round < rounds; round++) {
        take_turns(&b);
    }
    report(&b, &whole, &one, &committing, &saving);
    bench_store_close(b.os_store);
    bench_store_close(b.store);
    bench_lmdb_close(b.lmdb);
    bench_raw_close(&b.raw);
    tj_text_dispose(&b.snapshot);
    bench_remove(directory);
    return 0;
}
