/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What must not grow: the cost of a durable save with 10 to 1,000,000 stored algorithms, and with
 * 1,000 to
 * 1,000,000 commits of history; and how long reopening takes after a kill, with 1, 10 and 100 MiB
 * of log that LMDB does not include yet. The stores of all sizes are open at once and take turns.
 *
 *   bench_flat [directory [rounds [largest number of algorithms and of commits]]]
 */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

#define SIZES 4
#define SAVES 40
#define TXN_ALGOS 1000
#define HISTORY_ALGOS 64
#define SETTLE_EVERY 10 /* rounds */
#define MANY_MS 3600000
#define REOPENINGS 3
#define IN_FLIGHT 1024
#define MIB ((uint64_t)1 << 20)
/* Of a record with a payload of BENCH_PAYLOAD_SIZE: rounded down, so that the tail is not
 * shorter. */
#define RECORD_SIZE 704

static const char payload[] = "{\"filled\":\"0.125\",\"left\":\"1.875\",\"slice\":7,\"of\":60}";

typedef struct side {
    size_t size; /* algorithms or commits that are there */
    size_t algos;
    tj_store *store;
    size_t saved;
    bench_series p50;
    bench_series cpu;
} side;

/* Rises with the number, so that filling a store goes through its pages once. */
static tj_uuid id_of(size_t number)
{
    tj_uuid id = {{0}};
    for (size_t i = 0; i < 8; i++) {
        id.bytes[i] = (uint8_t)(number >> (56 - 8 * i));
    }
    return id;
}

static void put(tj_txn *txn, size_t number)
{
    tj_uuid id = id_of(number);
    tj_error error = TJ_ERROR_INIT;
    tj_algo_state state = {TJ_STR("twap"), {payload, sizeof payload - 1}};
    bench_must(tj_txn_put_algo(txn, &id, &state, &error), &error, "putting");
}

/* One commit of algorithms first, first + 1, ... */
static void commit(tj_store *store, size_t first, size_t count)
{
    tj_txn *txn = NULL;
    tj_error error = TJ_ERROR_INIT;
    bench_must(tj_txn_begin(store, &txn, &error), &error, "beginning");
    for (size_t i = 0; i < count; i++) {
        put(txn, first + i);
    }
    bench_must(tj_txn_commit(txn, NULL, NULL, &error), &error, "committing");
}

/* ---- algorithms and history ------------------------------------------------------------------ */

static void fill_algos(tj_store *store, size_t size)
{
    for (size_t at = 0; at < size; at += TXN_ALGOS) {
        commit(store, at, size - at < TXN_ALGOS ? size - at : TXN_ALGOS);
    }
}

static void fill_history(tj_store *store, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        commit(store, i % HISTORY_ALGOS, 1);
    }
}

static void take_turn(side *s, bool settle)
{
    bench_times times = {0};
    uint64_t cpu = bench_cpu_ns();
    for (size_t i = 0; i < SAVES; i++) {
        size_t number = (size_t)(s->saved++ * 0x9e3779b97f4a7c15u >> 20) % s->algos;
        uint64_t start = bench_now_ns();
        commit(s->store, number, 1);
        bench_times_add(&times, bench_now_ns() - start);
    }
    bench_add(&s->cpu, (double)(bench_cpu_ns() - cpu) / 1e3 / SAVES);
    if (settle) {
        bench_store_settle(s->store);
    }
    bench_times_sort(&times);
    bench_add(&s->p50, bench_times_us(&times, 0.5));
    bench_times_clear(&times);
}

static void open_side(const char *directory, const char *what, side *s,
                      void (*fill)(tj_store *store, size_t size))
{
    /* The sides share a processor: no bases are built for one while another is measured. */
    tj_config config = TJ_CONFIG_INIT;
    char name[64];
    snprintf(name, sizeof name, "%s-%zu", what, s->size);
    config.lmdb.no_history = true;
    config.durability = TJ_DURABILITY_OS;
    tj_store *store = bench_store_open(directory, name, &config);
    fill(store, s->size);
    bench_store_close(store);
    config.durability = TJ_DURABILITY_SYNC;
    s->store = bench_store_open(directory, name, &config);
}

static void run(const char *what, side *sides, size_t rounds)
{
    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < SIZES; i++) {
            take_turn(&sides[i], round % SETTLE_EVERY == 0);
        }
    }
    for (size_t i = 0; i < SIZES; i++) {
        char name[64];
        snprintf(name, sizeof name, "%zu %s", sides[i].size, what);
        bench_print(name, "us", &sides[i].p50);
        bench_print("  processor time", "us", &sides[i].cpu);
        bench_store_close(sides[i].store);
    }
    bench_series ratio = bench_ratio(&sides[SIZES - 1].p50, &sides[0].p50);
    bench_series cpu = bench_ratio(&sides[SIZES - 1].cpu, &sides[0].cpu);
    char goal[96];
    snprintf(goal, sizeof goal, "save: %zu to %zu %s", sides[SIZES - 1].size, sides[0].size, what);
    bench_goal_at_most("4", goal, &ratio, 1.3, "x");
    bench_print("the same for processor time", "x", &cpu);
}

/* ---- reopening ----------------------------------------------------------------------------- */

static void on_done(void *context, tj_status status, uint64_t sequence, const tj_error *error)
{
    (void)sequence;
    bench_must(status, error, "saving");
    ++*(size_t *)context;
}

static void submit_one(tj_store *store, size_t number, size_t *done)
{
    char text[BENCH_PAYLOAD_SIZE];
    tj_txn *txn = NULL;
    tj_error error = TJ_ERROR_INIT;
    tj_uuid id =
        bench_algo_id(number % BENCH_ALGO_COUNT, number / BENCH_ALGO_COUNT % BENCH_ALGO_COUNT);
    tj_algo_state state = {TJ_STR("twap"), {text, sizeof text}};
    bench_payload(text, number);
    bench_must(tj_txn_begin(store, &txn, &error), &error, "beginning");
    bench_must(tj_txn_put_algo(txn, &id, &state, &error), &error, "putting");
    bench_must(tj_txn_submit(txn, NULL, on_done, done, NULL, &error), &error, "submitting");
}

/* In a process of its own, which is killed with `bytes` of log beyond LMDB, all acknowledged. */
static void write_tail(const char *directory, const char *name, uint64_t bytes,
                       tj_durability durability)
{
    tj_config config = TJ_CONFIG_INIT;
    tj_error error = TJ_ERROR_INIT;
    config.durability = durability;
    config.lmdb.lag_ms = MANY_MS;
    config.lmdb.lag_bytes = 2 * bytes;
    tj_store *store = bench_store_open(directory, name, &config);
    size_t count = (size_t)(bytes / RECORD_SIZE) + 1;
    size_t submitted = 0;
    for (size_t done = 0; done < count;) {
        while (submitted < count && submitted - done < IN_FLIGHT) {
            submit_one(store, submitted++, &done);
        }
        bench_must(tj_store_complete(store, 1000, NULL, &error), &error, "completing");
    }
    raise(SIGKILL);
}

static double reopen_ms(const char *directory, uint64_t bytes, tj_durability durability)
{
    int status = 0;
    char path[BENCH_PATH_SIZE];
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        write_tail(directory, "tail", bytes, durability);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFSIGNALED(status)) {
        bench_die("a writer", "was not killed");
    }
    uint64_t start = bench_now_ns();
    tj_store *store = bench_store_open(directory, "tail", NULL);
    double ms = (double)(bench_now_ns() - start) / 1e6;
    bench_store_close(store);
    bench_join(path, directory, "tail");
    bench_remove(path);
    return ms;
}

static void run_reopening(const char *directory)
{
    static const uint64_t tails[] = {1, 10, 100};
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        bench_series sync = {.count = 0};
        bench_series os = {.count = 0};
        char what[96];
        for (size_t round = 0; round < REOPENINGS; round++) {
            bench_add(&sync, reopen_ms(directory, tails[i] * MIB, TJ_DURABILITY_SYNC));
            bench_add(&os, reopen_ms(directory, tails[i] * MIB, TJ_DURABILITY_OS));
        }
        snprintf(what, sizeof what, "reopening after a kill, %zu MiB of tail", (size_t)tails[i]);
        bench_goal_at_most("6", what, &sync, 100, " ms");
        bench_print("the same in os mode, which flushes the tail first", "ms", &os);
    }
}

int main(int argc, char **argv)
{
    static const size_t algo_parts[SIZES] = {100000, 1000, 10, 1};
    static const size_t history_parts[SIZES] = {1000, 100, 10, 1};
    static side algos[SIZES];
    static side history[SIZES];
    char directory[BENCH_PATH_SIZE];
    size_t rounds = bench_argument(argc, argv, 2, 40);
    size_t largest = bench_argument(argc, argv, 3, 1000000);
    bench_directory(argc, argv, directory);
    run_reopening(directory);
    for (size_t i = 0; i < SIZES; i++) {
        size_t size = largest / algo_parts[i] + (largest < algo_parts[i]);
        algos[i] = (side){.size = size, .algos = size};
        open_side(directory, "algorithms", &algos[i], fill_algos);
    }
    run("stored algorithms", algos, rounds);
    for (size_t i = 0; i < SIZES; i++) {
        size_t size = largest / history_parts[i] + (largest < history_parts[i]);
        history[i] = (side){.size = size, .algos = HISTORY_ALGOS};
        open_side(directory, "commits", &history[i], fill_history);
    }
    run("commits of history", history, rounds);
    bench_remove(directory);
    return 0;
}
