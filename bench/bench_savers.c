/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Durable saves of 600 bytes a second: 1, 8 and 64 threads, and one thread that keeps 64 submitted
 * commits in flight, beside LMDB and SQLite (rivals.h) saving the same bytes, and beside the raw
 * disk. All take turns in every round.
 *
 *   bench_savers [directory [rounds [milliseconds per turn]]]
 */
#include <pthread.h>
#include <stdio.h>

#include "rivals.h"

#define THREADS_MAX 64
#define IN_FLIGHT 64

typedef enum engine { RAW, TESSER, TESSER_ASYNC, LMDB, SQLITE } engine;

typedef struct side {
    const char *name;
    engine engine;
    size_t threads;
    bench_series per_second;
    bench_series cpu;      /* us a save */
    bench_series fairness; /* saves of the slowest thread to those of the fastest */
    bench_times times;
} side;

typedef struct bench {
    bench_raw raw;
    tj_store *store;
    tj_algo_repository *algos;
    bench_lmdb *lmdb;
    bench_sqlite *sqlite[THREADS_MAX];
    pthread_barrier_t start;
    uint64_t turn_ns;
} bench;

typedef struct saver {
    bench *bench;
    engine engine;
    size_t number;
    size_t saved;
    uint64_t until_ns;
    bench_times times;
    pthread_t thread;
} saver;

/* ---- one save ------------------------------------------------------------------------------ */

static tj_algo_state next_state(saver *s, tj_uuid *id, char payload[BENCH_PAYLOAD_SIZE])
{
    *id = bench_algo_id(s->number, s->saved % BENCH_ALGO_COUNT);
    bench_payload(payload, s->saved++);
    return (tj_algo_state){TJ_STR("twap"), {payload, BENCH_PAYLOAD_SIZE}};
}

static void save_once(saver *s)
{
    char payload[BENCH_PAYLOAD_SIZE];
    tj_error error = TJ_ERROR_INIT;
    tj_uuid id;
    tj_algo_state state = next_state(s, &id, payload);
    switch (s->engine) {
    case RAW:
        bench_raw_write(&s->bench->raw);
        break;
    case LMDB:
        bench_lmdb_put(s->bench->lmdb, &id, payload, sizeof payload);
        break;
    case SQLITE:
        bench_sqlite_put(s->bench->sqlite[s->number], &id, payload, sizeof payload);
        break;
    case TESSER:
    case TESSER_ASYNC:
        bench_must(tj_algo_save(s->bench->algos, &id, &state, &error), &error, "saving");
        break;
    }
}

/* ---- 64 in flight -------------------------------------------------------------------------- */

typedef struct flight {
    saver *saver;
    uint64_t submitted_ns;
    bool busy;
} flight;

static void on_done(void *context, tj_status status, uint64_t sequence, const tj_error *error)
{
    (void)sequence;
    flight *f = context;
    bench_must(status, error, "submitting");
    bench_times_add(&f->saver->times, bench_now_ns() - f->submitted_ns);
    f->busy = false;
}

static void submit(flight *f)
{
    char payload[BENCH_PAYLOAD_SIZE];
    tj_error error = TJ_ERROR_INIT;
    tj_uuid id;
    tj_txn *txn = NULL;
    tj_algo_state state = next_state(f->saver, &id, payload);
    f->submitted_ns = bench_now_ns();
    f->busy = true;
    bench_must(tj_txn_begin(f->saver->bench->store, &txn, &error), &error, "beginning");
    bench_must(tj_txn_put_algo(txn, &id, &state, &error), &error, "putting");
    bench_must(tj_txn_submit(txn, NULL, on_done, f, NULL, &error), &error, "submitting");
}

static void run_async(saver *s)
{
    flight flights[IN_FLIGHT] = {{0}};
    tj_error error = TJ_ERROR_INIT;
    size_t busy = 0;
    for (bool running = true; running || busy > 0;) {
        running = running && bench_now_ns() < s->until_ns;
        for (size_t i = 0; i < IN_FLIGHT && running; i++) {
            if (!flights[i].busy) {
                flights[i].saver = s;
                submit(&flights[i]);
                busy++;
            }
        }
        size_t taken = 0;
        bench_must(tj_store_complete(s->bench->store, 1000, &taken, &error), &error, "completing");
        busy -= taken;
    }
}

/* ---- turns --------------------------------------------------------------------------------- */

static void *run_saver(void *argument)
{
    saver *s = argument;
    pthread_barrier_wait(&s->bench->start);
    uint64_t start = bench_now_ns();
    s->until_ns = start + s->bench->turn_ns;
    if (s->engine == TESSER_ASYNC) {
        run_async(s);
        return NULL;
    }
    while (start < s->until_ns) {
        save_once(s);
        uint64_t end = bench_now_ns();
        bench_times_add(&s->times, end - start);
        start = end;
    }
    return NULL;
}

static void add_times(side *s, saver *from)
{
    for (size_t i = 0; i < from->times.count; i++) {
        bench_times_add(&s->times, from->times.ns[i]);
    }
    bench_times_clear(&from->times);
}

static void take_turn(bench *b, side *s)
{
    static saver savers[THREADS_MAX];
    size_t total = 0;
    size_t slowest = SIZE_MAX;
    size_t fastest = 1;
    pthread_barrier_init(&b->start, NULL, (unsigned)s->threads + 1);
    for (size_t i = 0; i < s->threads; i++) {
        savers[i] = (saver){.bench = b, .engine = s->engine, .number = i};
        if (pthread_create(&savers[i].thread, NULL, run_saver, &savers[i]) != 0) {
            bench_die("saving", "a thread cannot be started");
        }
    }
    uint64_t cpu = bench_cpu_ns();
    pthread_barrier_wait(&b->start);
    uint64_t start = bench_now_ns();
    for (size_t i = 0; i < s->threads; i++) {
        pthread_join(savers[i].thread, NULL);
        size_t saved = savers[i].times.count;
        total += saved;
        slowest = saved < slowest ? saved : slowest;
        fastest = saved > fastest ? saved : fastest;
        add_times(s, &savers[i]);
    }
    uint64_t end = bench_now_ns();
    if (s->engine == TESSER || s->engine == TESSER_ASYNC) {
        bench_store_settle(b->store); /* what LMDB still owes is processor time of these saves */
    }
    bench_add(&s->per_second, (double)total * 1e9 / (double)(end - start));
    bench_add(&s->cpu, (double)(bench_cpu_ns() - cpu) / 1e3 / (double)total);
    bench_add(&s->fairness, (double)slowest / (double)fastest);
    pthread_barrier_destroy(&b->start);
}

/* ---- the report ---------------------------------------------------------------------------- */

static void print_side(side *s)
{
    bench_spread rate = bench_spread_of(&s->per_second);
    bench_times_sort(&s->times);
    printf("  %-22s %8.0f (%7.0f to %7.0f) %9.0f %9.0f %9.0f %7.1f %6.2f\n", s->name, rate.median,
           rate.lowest, rate.highest, bench_times_us(&s->times, 0.5),
           bench_times_us(&s->times, 0.99), bench_times_us(&s->times, 0.999),
           bench_spread_of(&s->cpu).median, bench_spread_of(&s->fairness).median);
    bench_times_clear(&s->times);
}

static void goal(const char *what, const side *ours, const side *theirs, double limit)
{
    bench_series ratio = bench_ratio(&ours->per_second, &theirs->per_second);
    bench_goal_at_least("2", what, &ratio, limit, "x");
}

static void report(side *sides, size_t count)
{
    printf("Durable saves of %d bytes, %zu rounds; times in us, cpu in us a save\n",
           BENCH_PAYLOAD_SIZE, sides[0].cpu.count);
    printf("  %-22s %8s %20s %9s %9s %9s %7s %6s\n", "", "a second", "(lowest to highest)", "p50",
           "p99", "p99.9", "cpu", "fair");
    for (size_t i = 0; i < count; i++) {
        print_side(&sides[i]);
    }
    goal("8 savers to LMDB", &sides[2], &sides[6], 6);
    goal("8 savers to SQLite", &sides[2], &sides[9], 6);
    goal("64 savers to LMDB", &sides[3], &sides[7], 25);
    goal("64 savers to SQLite", &sides[3], &sides[10], 25);
    goal("64 in flight to LMDB, one saver", &sides[4], &sides[5], 40);
    goal("64 in flight to SQLite, one saver", &sides[4], &sides[8], 40);
    bench_goal_at_least("2", "8 savers: slowest thread to fastest", &sides[2].fairness, 0.8, "");
    bench_goal_at_least("2", "64 savers: slowest thread to fastest", &sides[3].fairness, 0.8, "");
}

int main(int argc, char **argv)
{
    static side sides[] = {{.name = "raw disk, 1 thread", .engine = RAW, .threads = 1},
                           {.name = "tesser, 1 thread", .engine = TESSER, .threads = 1},
                           {.name = "tesser, 8 threads", .engine = TESSER, .threads = 8},
                           {.name = "tesser, 64 threads", .engine = TESSER, .threads = 64},
                           {.name = "tesser, 64 in flight", .engine = TESSER_ASYNC, .threads = 1},
                           {.name = "LMDB, 1 thread", .engine = LMDB, .threads = 1},
                           {.name = "LMDB, 8 threads", .engine = LMDB, .threads = 8},
                           {.name = "LMDB, 64 threads", .engine = LMDB, .threads = 64},
                           {.name = "SQLite, 1 thread", .engine = SQLITE, .threads = 1},
                           {.name = "SQLite, 8 threads", .engine = SQLITE, .threads = 8},
                           {.name = "SQLite, 64 threads", .engine = SQLITE, .threads = 64}};
    static bench b;
    size_t count = sizeof sides / sizeof *sides;
    size_t rounds = bench_argument(argc, argv, 2, 11);
    char directory[BENCH_PATH_SIZE];
    b.turn_ns = bench_argument(argc, argv, 3, 400) * 1000000u;
    bench_directory(argc, argv, directory);
    bench_raw_open(&b.raw, directory);
    b.store = bench_store_open(directory, "journal", NULL);
    b.algos = tj_store_algo_repository(b.store, NULL);
    b.lmdb = bench_lmdb_open(directory);
    for (size_t i = 0; i < THREADS_MAX; i++) {
        b.sqlite[i] = bench_sqlite_open(directory);
    }
    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < count; i++) {
            take_turn(&b, &sides[i]);
        }
    }
    report(sides, count);
    for (size_t i = 0; i < THREADS_MAX; i++) {
        bench_sqlite_close(b.sqlite[i]);
    }
    bench_lmdb_close(b.lmdb);
    bench_store_close(b.store);
    bench_raw_close(&b.raw);
    bench_remove(directory);
    return 0;
}
