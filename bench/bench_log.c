/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * How many durable saves a second the log takes, and how long one waits: 600-byte records from 1, 8
 * and
 * 64 threads, beside what the disk itself does: a 4 KiB write into a preallocated file and a flush,
 * from one thread. A disk's flush time drifts, so all of them take turns in every round; what is
 * printed are medians over the rounds, the lowest and the highest, and the ratio to the raw disk of
 * the same round.
 *
 *   bench_log [directory [rounds [milliseconds per turn]]]
 */
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "log/segment.h"
#include "log/writer.h"

#define BODY_SIZE 600
#define ROUNDS_MAX 99
#define THREADS_MAX 64
/* Times kept of one thread in one turn. */
#define SAMPLES_MAX 200000

typedef struct result {
    double per_second;
    double p50_us;
    double p99_us;
    double p999_us;
} result;

/* What all threads of a turn share. */
typedef struct turn {
    tj__log_writer *writer; /* NULL: raw */
    int raw_fd;
    pthread_mutex_t append_lock;
    uint64_t until_ns;
} turn;

typedef struct saver {
    turn *turn;
    pthread_t thread;
    uint32_t *times_ns;
    size_t count;
} saver;

static void die(const char *what, const tj_error *error)
{
    fprintf(stderr, "bench_log: %s: %s\n", what, error ? error->message : "failed");
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void save_once(turn *shared, tj_error *error)
{
    static const uint8_t body[BODY_SIZE] = {1};
    uint64_t sequence = 0;
    tj__commit_record commit = {.change_count = 1, .body = tj__bytes_of(body, sizeof body)};
    pthread_mutex_lock(&shared->append_lock);
    tj_status status = tj__log_writer_append(shared->writer, &commit, &sequence, error);
    pthread_mutex_unlock(&shared->append_lock);
    if (status == TJ_OK) {
        status = tj__log_writer_wait(shared->writer, sequence, error);
    }
    if (status != TJ_OK) {
        die("saving", error);
    }
}

/* Goes round in a file of 4 MiB. */
static void write_raw(int fd, size_t number, tj_error *error)
{
    static const uint8_t page[4096] = {1};
    uint64_t offset = number % 1024 * sizeof page;
    if (tj__file_write_at(fd, "raw", page, sizeof page, offset, error) != TJ_OK ||
        tj__file_sync_data(fd, "raw", error) != TJ_OK) {
        die("writing raw", error);
    }
}

static void *run_saver(void *argument)
{
    saver *self = argument;
    tj_error error = TJ_ERROR_INIT;
    uint64_t start = now_ns();
    while (start < self->turn->until_ns && self->count < SAMPLES_MAX) {
        if (self->turn->writer) {
            save_once(self->turn, &error);
        } else {
            write_raw(self->turn->raw_fd, self->count, &error);
        }
        uint64_t end = now_ns();
        self->times_ns[self->count++] = (uint32_t)(end - start);
        start = end;
    }
    return NULL;
}

static int compare_times(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left;
    uint32_t b = *(const uint32_t *)right;
    return a < b ? -1 : a > b;
}

static int compare_doubles(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return a < b ? -1 : a > b;
}

static double quantile_us(const uint32_t *sorted, size_t count, double part)
{
    size_t index = (size_t)((double)count * part);
    return count == 0 ? 0 : sorted[index < count ? index : count - 1] / 1000.0;
}

/* All times of a turn in ascending order; takes them from the savers. */
static uint32_t *merge_times(saver *savers, size_t threads, size_t total)
{
    uint32_t *all = malloc((total + 1) * sizeof *all);
    if (!all) {
        die("collecting times", NULL);
    }
    size_t filled = 0;
    for (size_t i = 0; i < threads; i++) {
        memcpy(all + filled, savers[i].times_ns, savers[i].count * sizeof *all);
        filled += savers[i].count;
        free(savers[i].times_ns);
    }
    qsort(all, total, sizeof *all, compare_times);
    return all;
}

static result run_turn(turn *shared, size_t threads, uint64_t turn_ms)
{
    saver savers[THREADS_MAX];
    size_t total = 0;
    uint64_t start = now_ns();
    shared->until_ns = start + turn_ms * 1000000u;
    for (size_t i = 0; i < threads; i++) {
        savers[i] = (saver){.turn = shared, .times_ns = malloc(SAMPLES_MAX * sizeof(uint32_t))};
        if (!savers[i].times_ns ||
            pthread_create(&savers[i].thread, NULL, run_saver, &savers[i]) != 0) {
            die("starting a thread", NULL);
        }
    }
    for (size_t i = 0; i < threads; i++) {
        pthread_join(savers[i].thread, NULL);
        total += savers[i].count;
    }
    double seconds = (double)(now_ns() - start) / 1e9;
    uint32_t *times = merge_times(savers, threads, total);
    result turned = {(double)total / seconds, quantile_us(times, total, 0.5),
                     quantile_us(times, total, 0.99), quantile_us(times, total, 0.999)};
    free(times);
    return turned;
}

/* The helper thread of the log: prepares segments before they are needed. */
typedef struct helper {
    tj__log_writer *writer;
    _Atomic bool stop;
} helper;

static void *run_helper(void *argument)
{
    helper *self = argument;
    tj_error error = TJ_ERROR_INIT;
    while (!atomic_load(&self->stop)) {
        if (tj__log_writer_prepare(self->writer, &error) != TJ_OK) {
            die("preparing a segment", &error);
        }
        usleep(1000);
    }
    return NULL;
}

static double median(const result *results, size_t rounds, size_t member, double *low, double *high)
{
    double values[ROUNDS_MAX];
    for (size_t i = 0; i < rounds; i++) {
        const result *r = &results[i];
        values[i] = member == 0   ? r->per_second
                    : member == 1 ? r->p50_us
                    : member == 2 ? r->p99_us
                                  : r->p999_us;
    }
    qsort(values, rounds, sizeof values[0], compare_doubles);
    *low = values[0];
    *high = values[rounds - 1];
    return values[rounds / 2];
}

static void print_row(const char *name, const result *results, const result *raw, size_t rounds)
{
    double low = 0;
    double high = 0;
    double unused = 0;
    result ratios[ROUNDS_MAX];
    for (size_t i = 0; i < rounds; i++) {
        ratios[i].per_second = results[i].per_second / raw[i].per_second;
    }
    double per_second = median(results, rounds, 0, &low, &high);
    printf("%-12s %9.0f (%7.0f to %7.0f)", name, per_second, low, high);
    double p50 = median(results, rounds, 1, &unused, &unused);
    double p99 = median(results, rounds, 2, &unused, &unused);
    printf(" %8.0f %8.0f %8.0f", p50, p99, median(results, rounds, 3, &unused, &unused));
    double ratio = median(ratios, rounds, 0, &low, &high);
    printf("  %6.2f (%.2f to %.2f)\n", ratio, low, high);
}

static tj__log_writer *create_log(const char *directory)
{
    tj_error error = TJ_ERROR_INIT;
    tj__log_writer *writer = NULL;
    tj__log_writer_options options = {.directory = directory,
                                      .epoch = 1,
                                      .segment_size = TJ_SEGMENT_SIZE_DEFAULT,
                                      .durability = TJ_DURABILITY_SYNC};
    tj__position start = {.ordinal = 1, .offset = TJ__SEGMENT_HEADER_SIZE};
    tj__segment_header header = {
        .ordinal = 1, .first_sequence = 1, .segment_size = TJ_SEGMENT_SIZE_DEFAULT};
    if (tj__segment_prepare(directory, 1, TJ_SEGMENT_SIZE_DEFAULT, &header, NULL, &error) !=
            TJ_OK ||
        tj__log_writer_open(&options, &start, &writer, &error) != TJ_OK) {
        die("creating the log", &error);
    }
    return writer;
}

static int create_raw(const char *directory)
{
    char path[512];
    int fd = -1;
    tj_error error = TJ_ERROR_INIT;
    snprintf(path, sizeof path, "%s/raw", directory);
    if (tj__file_open(path, O_RDWR | O_CREAT | O_EXCL, &fd, &error) != TJ_OK) {
        die("creating the raw file", &error);
    }
    for (size_t i = 0; i < 1024; i++) {
        write_raw(fd, i, &error);
    }
    return fd;
}

static void remove_directory(const char *directory)
{
    char path[TJ__SEGMENT_PATH_SIZE];
    for (uint64_t ordinal = 1;; ordinal++) {
        if (tj__segment_path(path, directory, ordinal, NULL) != TJ_OK || unlink(path) != 0) {
            break;
        }
    }
    snprintf(path, sizeof path, "%s/raw", directory);
    unlink(path);
    rmdir(directory);
}

int main(int argc, char **argv)
{
    static const size_t threads[] = {1, 8, 64};
    static result results[3][ROUNDS_MAX];
    static result raw[ROUNDS_MAX];
    char directory[256];
    snprintf(directory, sizeof directory, "%s/bench-log-XXXXXX", argc > 1 ? argv[1] : "/var/tmp");
    size_t rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 7;
    uint64_t turn_ms = argc > 3 ? strtoull(argv[3], NULL, 10) : 200;
    if (rounds == 0 || rounds > ROUNDS_MAX || !mkdtemp(directory)) {
        die("starting", NULL);
    }
    turn disk = {.raw_fd = create_raw(directory)};
    turn log = {.writer = create_log(directory), .append_lock = PTHREAD_MUTEX_INITIALIZER};
    helper preparing = {.writer = log.writer};
    pthread_t helper_thread;
    tj_error error = TJ_ERROR_INIT;
    if (pthread_create(&helper_thread, NULL, run_helper, &preparing) != 0) {
        die("starting a thread", NULL);
    }
    for (size_t round = 0; round < rounds; round++) {
        raw[round] = run_turn(&disk, 1, turn_ms);
        for (size_t i = 0; i < 3; i++) {
            results[i][round] = run_turn(&log, threads[i], turn_ms);
        }
    }
    atomic_store(&preparing.stop, true);
    pthread_join(helper_thread, NULL);
    if (tj__log_writer_close(log.writer, &error) != TJ_OK) {
        die("closing the log", &error);
    }
    printf("%zu rounds of %" PRIu64
           " ms; saves per second (lowest to highest), then microseconds\n",
           rounds, turn_ms);
    printf("%-12s %9s %21s %8s %8s %8s  %s\n", "", "median", "", "p50", "p99", "p99.9", "of raw");
    print_row("raw disk", raw, raw, rounds);
    print_row("1 thread", results[0], raw, rounds);
    print_row("8 threads", results[1], raw, rounds);
    print_row("64 threads", results[2], raw, rounds);
    tj__file_close(disk.raw_fd);
    remove_directory(directory);
    return 0;
}
