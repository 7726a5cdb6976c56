/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Measuring, printing against a goal, and the stores that the benchmarks open and remove. */
#include "support.h"

#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define RAW_PAGE 4096
#define RAW_PAGES 1024

void bench_die(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

void bench_must(tj_status status, const tj_error *error, const char *what)
{
    if (status != TJ_OK) {
        bench_die(what, error->message);
    }
}

/* ---- clocks -------------------------------------------------------------------------------- */

static uint64_t read_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t bench_now_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

uint64_t bench_cpu_ns(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t bench_thread_cpu_ns(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

/* ---- series -------------------------------------------------------------------------------- */

static int compare_doubles(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

void bench_add(bench_series *series, double value)
{
    if (series->count == BENCH_ROUNDS_MAX) {
        bench_die("measuring", "too many rounds");
    }
    series->values[series->count++] = value;
}

bench_spread bench_spread_of(const bench_series *series)
{
    bench_series sorted = *series;
    if (sorted.count == 0) {
        return (bench_spread){0, 0, 0};
    }
    qsort(sorted.values, sorted.count, sizeof sorted.values[0], compare_doubles);
    return (bench_spread){sorted.values[sorted.count / 2], sorted.values[0],
                          sorted.values[sorted.count - 1]};
}

bench_series bench_ratio(const bench_series *a, const bench_series *b)
{
    bench_series ratio = {.count = a->count < b->count ? a->count : b->count};
    for (size_t i = 0; i < ratio.count; i++) {
        ratio.values[i] = a->values[i] / b->values[i];
    }
    return ratio;
}

void bench_print(const char *name, const char *unit, const bench_series *series)
{
    bench_spread spread = bench_spread_of(series);
    int digits = spread.median < 10 ? 2 : spread.median < 1000 ? 1 : 0;
    printf("  %-46s %10.*f %-5s (%.*f to %.*f)\n", name, digits, spread.median, unit, digits,
           spread.lowest, digits, spread.highest);
}

static void print_goal(const char *number, const char *what, const bench_series *series,
                       double limit, const char *unit, bool at_most)
{
    bench_spread spread = bench_spread_of(series);
    bool met = at_most ? spread.median <= limit : spread.median >= limit;
    printf("goal %s  %-6s  %-54s %8.2f%s (%.2f to %.2f), %s %g%s\n", number, met ? "met" : "MISSED",
           what, spread.median, unit, spread.lowest, spread.highest,
           at_most ? "at most" : "at least", limit, unit);
    fflush(stdout);
}

void bench_goal_at_most(const char *number, const char *what, const bench_series *series,
                        double limit, const char *unit)
{
    print_goal(number, what, series, limit, unit, true);
}

void bench_goal_at_least(const char *number, const char *what, const bench_series *series,
                         double limit, const char *unit)
{
    print_goal(number, what, series, limit, unit, false);
}

/* ---- times --------------------------------------------------------------------------------- */

static int compare_times(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left;
    uint32_t b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

void bench_times_add(bench_times *times, uint64_t ns)
{
    if (times->count == times->capacity) {
        times->capacity = times->capacity == 0 ? 4096 : 2 * times->capacity;
        times->ns = realloc(times->ns, times->capacity * sizeof *times->ns);
        if (!times->ns) {
            bench_die("measuring", "no memory for times");
        }
    }
    times->ns[times->count++] = ns < UINT32_MAX ? (uint32_t)ns : UINT32_MAX;
}

void bench_times_sort(bench_times *times)
{
    if (times->count > 0) {
        qsort(times->ns, times->count, sizeof *times->ns, compare_times);
    }
}

double bench_times_us(bench_times *times, double part)
{
    size_t index = (size_t)((double)times->count * part);
    if (times->count == 0) {
        return 0;
    }
    return times->ns[index < times->count ? index : times->count - 1] / 1e3;
}

void bench_times_clear(bench_times *times)
{
    free(times->ns);
    *times = (bench_times){NULL, 0, 0};
}

/* ---- directories --------------------------------------------------------------------------- */

void bench_directory(int argc, char **argv, char out[BENCH_PATH_SIZE])
{
    bench_join(out, argc > 1 ? argv[1] : "/var/tmp", "tesser-bench-XXXXXX");
    if (!mkdtemp(out)) {
        bench_die(out, "cannot be made");
    }
}

size_t bench_argument(int argc, char **argv, int index, size_t otherwise)
{
    return argc > index ? strtoull(argv[index], NULL, 10) : otherwise;
}

void bench_join(char out[BENCH_PATH_SIZE], const char *directory, const char *name)
{
    int length = snprintf(out, BENCH_PATH_SIZE, "%s/%s", directory, name);
    if (length < 0 || length >= BENCH_PATH_SIZE) {
        bench_die(directory, "is too long a path");
    }
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

void bench_remove(const char *directory)
{
    nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void bench_raw_open(bench_raw *raw, const char *directory)
{
    char path[BENCH_PATH_SIZE];
    bench_join(path, directory, "raw");
    *raw = (bench_raw){open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), 0};
    if (raw->fd < 0) {
        bench_die(path, "cannot be made");
    }
    for (size_t i = 0; i < RAW_PAGES; i++) {
        static const char zeros[RAW_PAGE];
        if (pwrite(raw->fd, zeros, RAW_PAGE, (off_t)(i * RAW_PAGE)) != RAW_PAGE) {
            bench_die(path, "cannot be written");
        }
    }
    if (fsync(raw->fd) != 0) {
        bench_die(path, "cannot be flushed");
    }
}

void bench_raw_write(bench_raw *raw)
{
    static char page[RAW_PAGE];
    memcpy(page, &raw->written, sizeof raw->written);
    off_t offset = (off_t)(raw->written++ % RAW_PAGES * RAW_PAGE);
    if (pwrite(raw->fd, page, RAW_PAGE, offset) != RAW_PAGE || fdatasync(raw->fd) != 0) {
        bench_die("raw", "cannot be written");
    }
}

void bench_raw_close(bench_raw *raw)
{
    close(raw->fd);
}

/* ---- stores -------------------------------------------------------------------------------- */

tj_store *bench_store_open(const char *directory, const char *name, tj_config *config)
{
    tj_config defaults = TJ_CONFIG_INIT;
    tj_error error = TJ_ERROR_INIT;
    tj_store *store = NULL;
    char path[BENCH_PATH_SIZE];
    bench_join(path, directory, name);
    if (!config) {
        config = &defaults;
    }
    config->path = path;
    bench_must(tj_store_open(config, &store, &error), &error, "opening a journal");
    config->path = NULL;
    return store;
}

void bench_store_close(tj_store *store)
{
    tj_error error = TJ_ERROR_INIT;
    bench_must(tj_store_close(store, &error), &error, "closing a journal");
}

tj_store_info bench_store_info(tj_store *store)
{
    tj_store_info info = TJ_STORE_INFO_INIT;
    tj_error error = TJ_ERROR_INIT;
    bench_must(tj_store_info_get(store, &info, &error), &error, "looking at a journal");
    return info;
}

void bench_store_settle(tj_store *store)
{
    tj_error error = TJ_ERROR_INIT;
    bench_must(tj_store_work(store, &error), &error, "bringing LMDB up to date");
}

static const char payload_start[] = "{\"order\":\"";
#define PAYLOAD_DIGITS 12
static char payload[BENCH_PAYLOAD_SIZE];

static void make_payload(void)
{
    static const char slice[] = "{\"q\":\"1.5\",\"s\":1},";
    int size = snprintf(payload, sizeof payload, "%s%0*d\",\"filled\":\"0.125\",\"slices\":[",
                        payload_start, PAYLOAD_DIGITS, 0);
    size_t at = (size_t)size;
    for (; at + sizeof slice < sizeof payload; at += sizeof slice - 1) {
        memcpy(payload + at, slice, sizeof slice - 1);
    }
    payload[at - 1] = ']';
    payload[at++] = '}';
    memset(payload + at, ' ', sizeof payload - at);
}

/* A copy and a number, so that what is measured is the save. */
void bench_payload(char out[BENCH_PAYLOAD_SIZE], size_t number)
{
    static pthread_once_t made = PTHREAD_ONCE_INIT;
    (void)pthread_once(&made, make_payload);
    memcpy(out, payload, sizeof payload);
    char *digit = out + sizeof payload_start - 1 + PAYLOAD_DIGITS;
    for (size_t i = 0; i < PAYLOAD_DIGITS; i++, number /= 10) {
        *--digit = (char)('0' + number % 10);
    }
}

tj_uuid bench_algo_id(size_t saver, size_t number)
{
    tj_uuid id = {{0}};
    uint64_t mixed = (number * BENCH_ALGO_COUNT + saver + 1) * 0x9e3779b97f4a7c15u;
    memcpy(id.bytes, &mixed, sizeof mixed);
    memcpy(id.bytes + 8, &saver, 8);
    return id;
}

void bench_save_while(tj_store *store, size_t *saved, bench_go_on *go_on, void *context,
                      bench_saves *saves)
{
    bench_times times = {0};
    uint64_t start = bench_now_ns();
    while (go_on(context)) {
        char text[BENCH_PAYLOAD_SIZE];
        tj_error error = TJ_ERROR_INIT;
        tj_uuid id = bench_algo_id(0, *saved % BENCH_ALGO_COUNT);
        bench_payload(text, (*saved)++);
        tj_algo_state state = {TJ_STR("twap"), {text, sizeof text}};
        bench_must(tj_algo_save(tj_store_algo_repository(store, NULL), &id, &state, &error), &error,
                   "saving");
        uint64_t end = bench_now_ns();
        bench_times_add(&times, end - start);
        start = end;
    }
    bench_times_sort(&times);
    bench_add(&saves->p50, bench_times_us(&times, 0.5));
    bench_add(&saves->p99, bench_times_us(&times, 0.99));
    bench_times_clear(&times);
}

static bool is_before(void *context)
{
    const uint64_t *until = context;
    return bench_now_ns() < *until;
}

void bench_save_for(tj_store *store, size_t *saved, uint64_t turn_ns, bench_saves *saves)
{
    uint64_t until = bench_now_ns() + turn_ns;
    bench_save_while(store, saved, is_before, &until, saves);
}
