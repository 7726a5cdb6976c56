/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * How long one saver waits for a durable save of 600 bytes, beside the disk itself: 4 KiB written
 * into a preallocated file and flushed. LMDB is brought up to date beside the saves as always, and
 * the log changes segments at least three times; the raw writes take their turns while the journal
 * is quiet.
 *
 *   bench_saver [directory [seconds [milliseconds per turn]]]
 */
#include <stdio.h>

#include "support.h"

#define SEGMENT_CHANGES 3
#define ROUNDS_MIN 15

typedef struct side {
    const char *name;
    bench_times all; /* of every round */
    bench_series p50;
    bench_series p99;
    bench_series p999;
    bench_series cpu;
    bench_series fastest;
} side;

typedef struct bench {
    bench_raw raw;
    tj_store *store;
    tj_algo_repository *algos;
    size_t saved;
    uint64_t turn_ns;
} bench;

static void save_once(bench *b)
{
    char payload[BENCH_PAYLOAD_SIZE];
    tj_error error = TJ_ERROR_INIT;
    tj_uuid id = bench_algo_id(0, b->saved % BENCH_ALGO_COUNT);
    bench_payload(payload, b->saved++);
    tj_algo_state state = {TJ_STR("twap"), {payload, sizeof payload}};
    bench_must(tj_algo_save(b->algos, &id, &state, &error), &error, "saving");
}

static void take_turn(bench *b, side *s, bool raw)
{
    bench_times times = {0};
    uint64_t cpu = bench_cpu_ns();
    uint64_t start = bench_now_ns();
    uint64_t until = start + b->turn_ns;
    while (start < until) {
        if (raw) {
            bench_raw_write(&b->raw);
        } else {
            save_once(b);
        }
        uint64_t end = bench_now_ns();
        bench_times_add(&times, end - start);
        bench_times_add(&s->all, end - start);
        start = end;
    }
    if (!raw) {
        bench_store_settle(b->store); /* what LMDB still owes belongs to these saves */
    }
    bench_add(&s->cpu, (double)(bench_cpu_ns() - cpu) / 1e3 / (double)times.count);
    bench_times_sort(&times);
    bench_add(&s->p50, bench_times_us(&times, 0.5));
    bench_add(&s->p99, bench_times_us(&times, 0.99));
    bench_add(&s->p999, bench_times_us(&times, 0.999));
    bench_times_clear(&times);
}

static void print_side(side *s)
{
    bench_times_sort(&s->all);
    printf("  %-14s %8zu  p50 %7.1f  p99 %7.1f  p99.9 %8.1f  longest %8.1f us   cpu %5.1f us\n",
           s->name, s->all.count, bench_times_us(&s->all, 0.5), bench_times_us(&s->all, 0.99),
           bench_times_us(&s->all, 0.999), bench_times_us(&s->all, 1),
           bench_spread_of(&s->cpu).median);
    bench_times_clear(&s->all);
}

static void report(side *raw, side *saver, uint32_t changes)
{
    printf("One saver, durable saves of %d bytes, %zu rounds, %u segment changes\n",
           BENCH_PAYLOAD_SIZE, raw->p50.count, changes);
    print_side(raw);
    print_side(saver);
    bench_series p50 = bench_ratio(&saver->p50, &raw->p50);
    bench_series p99 = bench_ratio(&saver->p99, &raw->p99);
    bench_series p999 = bench_ratio(&saver->p999, &raw->p999);
    bench_goal_at_most("1", "one saver: p50 to the raw disk", &p50, 1.15, "x");
    bench_goal_at_most("1", "one saver: p99 to the raw disk", &p99, 2, "x");
    bench_print("one saver: p99.9 to the raw disk", "x", &p999);
}

int main(int argc, char **argv)
{
    static side raw = {.name = "raw disk"};
    static side saver = {.name = "saver"};
    char directory[BENCH_PATH_SIZE];
    bench b = {.turn_ns = bench_argument(argc, argv, 3, 250) * 1000000u};
    uint64_t until = bench_now_ns() + bench_argument(argc, argv, 2, 60) * 1000000000u;
    bench_directory(argc, argv, directory);
    bench_raw_open(&b.raw, directory);
    b.store = bench_store_open(directory, "journal", NULL);
    b.algos = tj_store_algo_repository(b.store, NULL);
    uint64_t segment = TJ_SEGMENT_SIZE_DEFAULT;
    uint64_t first_log = bench_store_info(b.store).lmdb.log_bytes / segment;
    uint64_t changes = 0;
    while ((raw.p50.count < ROUNDS_MIN || changes < SEGMENT_CHANGES + 1) &&
           bench_now_ns() < until && raw.p50.count < BENCH_ROUNDS_MAX) {
        take_turn(&b, &raw, true);
        take_turn(&b, &saver, false);
        changes = bench_store_info(b.store).lmdb.log_bytes / segment - first_log;
    }
    /* The last one is prepared, but may not be in use. */
    report(&raw, &saver, changes > 0 ? (uint32_t)changes - 1 : 0);
    bench_store_close(b.store);
    bench_raw_close(&b.raw);
    bench_remove(directory);
    return 0;
}
