/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the benchmarks share: clocks, quantiles, series over rounds, the raw disk.
 *
 * Every benchmark lets its sides take turns, round after round, because a disk's flush time and the
 * load of a shared machine drift. A ratio is taken inside one round; what is printed is the median
 * over the rounds with the lowest and the highest. Processor time is printed beside, because it
 * drifts less.
 */
#ifndef TJ_BENCH_SUPPORT_H
#define TJ_BENCH_SUPPORT_H

#include <tesser/journal.h>

#define BENCH_ROUNDS_MAX 400
#define BENCH_PATH_SIZE 512

_Noreturn void bench_die(const char *what, const char *why);
void bench_must(tj_status status, const tj_error *error, const char *what);

/* ---- clocks -------------------------------------------------------------------------------- */

uint64_t bench_now_ns(void);
/* Processor time of all threads of this process. */
uint64_t bench_cpu_ns(void);
/* Of the calling one alone: the store's helper may be at work beside it. */
uint64_t bench_thread_cpu_ns(void);

/* ---- series: one value a round --------------------------------------------------------------- */

typedef struct bench_series {
    double values[BENCH_ROUNDS_MAX];
    size_t count;
} bench_series;

typedef struct bench_spread {
    double median;
    double lowest;
    double highest;
} bench_spread;

void bench_add(bench_series *series, double value);
bench_spread bench_spread_of(const bench_series *series);
/* Round by round a / b. */
bench_series bench_ratio(const bench_series *a, const bench_series *b);
/* One line of figures. */
void bench_print(const char *name, const char *unit, const bench_series *series);
/* One line that says whether a goal is met by the median: "goal 2  met  ...". */
void bench_goal_at_most(const char *number, const char *what, const bench_series *series,
                        double limit, const char *unit);
void bench_goal_at_least(const char *number, const char *what, const bench_series *series,
                         double limit, const char *unit);

/* ---- times of single operations -------------------------------------------------------------- */

typedef struct bench_times {
    uint32_t *ns;
    size_t count;
    size_t capacity;
} bench_times;

void bench_times_add(bench_times *times, uint64_t ns);
/* Sorts them when needed: quantiles come after all times were added. */
double bench_times_us(bench_times *times, double part);
void bench_times_sort(bench_times *times);
void bench_times_clear(bench_times *times);

/* ---- directories and the raw disk ------------------------------------------------------------ */

/* A new directory under the one that the first argument names, /var/tmp without one. */
void bench_directory(int argc, char **argv, char out[BENCH_PATH_SIZE]);
/* The number in argv[index], or the default. */
size_t bench_argument(int argc, char **argv, int index, size_t otherwise);
void bench_join(char out[BENCH_PATH_SIZE], const char *directory, const char *name);
void bench_remove(const char *directory);

/* The physical limit: a 4 KiB write into a preallocated, written file of 4 MiB and one
 * fdatasync. */
typedef struct bench_raw {
    int fd;
    size_t written;
} bench_raw;
void bench_raw_open(bench_raw *raw, const char *directory);
void bench_raw_write(bench_raw *raw);
void bench_raw_close(bench_raw *raw);

/* ---- stores ---------------------------------------------------------------------------------- */

/* Opens a journal in directory/name. config may be changed before: NULL means the defaults. */
tj_store *bench_store_open(const char *directory, const char *name, tj_config *config);
void bench_store_close(tj_store *store);
/* Waits until LMDB includes every commit. */
void bench_store_settle(tj_store *store);
tj_store_info bench_store_info(tj_store *store);

/* What one turn of a saver came to. */
typedef struct bench_saves {
    bench_series p50;
    bench_series p99;
} bench_saves;
/* Saves an algorithm's state again and again for so long; *saved counts on. */
void bench_save_for(tj_store *store, size_t *saved, uint64_t turn_ns, bench_saves *saves);
/* The same for as long as it is told to. */
typedef bool bench_go_on(void *context);
void bench_save_while(tj_store *store, size_t *saved, bench_go_on *go_on, void *context,
                      bench_saves *saves);

/* What a saver saves: an algorithm's state of about 600 bytes. The payload is JSON and differs with
 * the number. Tesser keeps it under the UUID, a rival as value under the same 16 bytes. */
#define BENCH_PAYLOAD_SIZE 600
#define BENCH_ALGO_COUNT 64
void bench_payload(char out[BENCH_PAYLOAD_SIZE], size_t number);
tj_uuid bench_algo_id(size_t saver, size_t number);

#endif
