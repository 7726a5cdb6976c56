/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What counting costs a lone saver: durable saves of 600 bytes, one with the metrics and one
 * without, in turn. The library has no switch for them; here its functions that count are led
 * through this file (ld's --wrap), and so are its looks at the clock, of which a commit makes
 * three: when it begins and when it flushes, for the metrics, and between them one that has another
 * reason.
 *
 *   bench_metrics [directory [rounds [milliseconds per round]]]
 */
#include <stdio.h>

#include "base/metrics.h"
#include "support.h"

#define LOOKS 3
#define LOOK_FOR_ANOTHER_REASON 1

/* Of the saver's thread: the journal's own count as ever. */
static _Thread_local bool off;
static _Thread_local size_t looks;

void __real_tj__histogram_add(tj__histogram *histogram, uint64_t value);
void __real_tj__histogram_add_since(tj__histogram *histogram, uint64_t start_ns);
void __real_tj__metrics_commit(tj__metrics *metrics, uint64_t start_ns, tj_status status);
uint64_t __real_tj__monotonic_ns(void);
void __wrap_tj__histogram_add(tj__histogram *histogram, uint64_t value);
void __wrap_tj__histogram_add_since(tj__histogram *histogram, uint64_t start_ns);
void __wrap_tj__metrics_commit(tj__metrics *metrics, uint64_t start_ns, tj_status status);
uint64_t __wrap_tj__monotonic_ns(void);

void __wrap_tj__histogram_add(tj__histogram *histogram, uint64_t value)
{
    if (!off) {
        __real_tj__histogram_add(histogram, value);
    }
}

void __wrap_tj__histogram_add_since(tj__histogram *histogram, uint64_t start_ns)
{
    if (!off) {
        __real_tj__histogram_add_since(histogram, start_ns);
    }
}

void __wrap_tj__metrics_commit(tj__metrics *metrics, uint64_t start_ns, tj_status status)
{
    if (!off) {
        __real_tj__metrics_commit(metrics, start_ns, status);
    }
}

uint64_t __wrap_tj__monotonic_ns(void)
{
    return looks++ % LOOKS == LOOK_FOR_ANOTHER_REASON || !off ? __real_tj__monotonic_ns() : 0;
}

typedef struct side {
    bench_times times; /* of one round */
    bench_series p50;
    bench_series cpu;
} side;

static void save_once(tj_algo_repository *algos, size_t number)
{
    char text[BENCH_PAYLOAD_SIZE];
    tj_error error = TJ_ERROR_INIT;
    tj_uuid id = bench_algo_id(0, number % BENCH_ALGO_COUNT);
    bench_payload(text, number);
    tj_algo_state state = {TJ_STR("twap"), {text, sizeof text}};
    bench_must(tj_algo_save(algos, &id, &state, &error), &error, "saving");
}

static void end_round(side *s, uint64_t cpu_ns)
{
    bench_times_sort(&s->times);
    bench_add(&s->p50, bench_times_us(&s->times, 0.5));
    bench_add(&s->cpu, (double)cpu_ns / 1e3 / (double)s->times.count);
    bench_times_clear(&s->times);
}

/* One save with, one without, and so on: what else goes on meets both. */
static void take_round(tj_store *store, side sides[2], size_t *saved, uint64_t round_ns)
{
    tj_algo_repository *algos = tj_store_algo_repository(store, NULL);
    uint64_t cpu_ns[2] = {0, 0};
    for (uint64_t until = bench_now_ns() + round_ns; bench_now_ns() < until; (*saved)++) {
        off = *saved % 2;
        looks = 0;
        uint64_t cpu = bench_thread_cpu_ns();
        uint64_t start = bench_now_ns();
        save_once(algos, *saved);
        bench_times_add(&sides[off].times, bench_now_ns() - start);
        cpu_ns[off] += bench_thread_cpu_ns() - cpu;
    }
    off = false;
    end_round(&sides[0], cpu_ns[0]);
    end_round(&sides[1], cpu_ns[1]);
    bench_store_settle(store);
}

int main(int argc, char **argv)
{
    static side sides[2]; /* with the metrics, and without */
    char directory[BENCH_PATH_SIZE];
    size_t saved = 0;
    size_t rounds = bench_argument(argc, argv, 2, 60);
    uint64_t round_ns = bench_argument(argc, argv, 3, 250) * 1000000u;
    bench_directory(argc, argv, directory);
    tj_store *store = bench_store_open(directory, "journal", NULL);
    for (size_t round = 0; round < rounds; round++) {
        take_round(store, sides, &saved, round_ns);
    }
    bench_print("one saver with metrics: p50", "us", &sides[0].p50);
    bench_print("without", "us", &sides[1].p50);
    bench_series p50 = bench_ratio(&sides[0].p50, &sides[1].p50);
    bench_series cpu = bench_ratio(&sides[0].cpu, &sides[1].cpu);
    bench_goal_at_most("metrics", "p50 with metrics to without", &p50, 1.01, "x");
    bench_print("the saver's processor time with them", "us", &sides[0].cpu);
    bench_print("to that without", "x", &cpu);
    bench_store_close(store);
    bench_remove(directory);
    return 0;
}
