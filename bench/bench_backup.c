/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a backup costs a saver: durable saves beside full backups of the same journal, and as long
 * without one, taking turns. A turn is at least so long, and ends with a backup: each has all of
 * one in it, from looking at the state to writing the point, and thousands of saves. The backup
 * goes to the same disk, which is the worst place for it, or to another one. And how fast it is
 * when nobody saves, as it is and compressed.
 *
 *   bench_backup [directory [rounds [milliseconds per turn [directory of the backups]]]]
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>

#include <tesser/maintain.h>

#include "book.h"

#define COMMITS 400000

static bench_book book;

typedef struct backups {
    tj_store *store;
    char parent[BENCH_PATH_SIZE]; /* a directory for each backup */
    pthread_t thread;
    uint64_t until_ns; /* after that none is begun */
    atomic_bool ended;
    unsigned made;
} backups;

/* A full backup into a new directory. What was made before stays until the end: to remove it would
 * cost the savers something too. */
static tj_backup_report *make(backups *b, uint64_t rate, uint64_t compression)
{
    char name[32];
    char directory[BENCH_PATH_SIZE];
    tj_error error = TJ_ERROR_INIT;
    tj_backup_report *report = NULL;
    tj_backup_options options = TJ_BACKUP_OPTIONS_INIT;
    options.bytes_per_s = rate;
    options.compression = compression;
    snprintf(name, sizeof name, "%u", b->made++);
    bench_join(directory, b->parent, name);
    bench_must(tj_backup(b->store, directory, &options, &report, &error), &error, "backing up");
    return report;
}

static void *back_up(void *context)
{
    backups *b = context;
    do {
        tj_backup_report_free(make(b, 0, 0));
    } while (bench_now_ns() < b->until_ns);
    atomic_store(&b->ended, true);
    return NULL;
}

static bool is_backing_up(void *context)
{
    backups *b = context;
    return !atomic_load(&b->ended);
}

/* Returns how long it took. */
static uint64_t save_beside(backups *b, size_t *saved, uint64_t turn_ns, bench_saves *saves)
{
    uint64_t start = bench_now_ns();
    b->until_ns = start + turn_ns;
    atomic_store(&b->ended, false);
    if (pthread_create(&b->thread, NULL, back_up, b) != 0) {
        bench_die("a thread", "cannot be started");
    }
    bench_save_while(b->store, saved, is_backing_up, b, saves);
    pthread_join(b->thread, NULL);
    return bench_now_ns() - start;
}

static void time_one(const char *name, backups *b, uint64_t compression)
{
    uint64_t start = bench_now_ns();
    uint64_t cpu = bench_cpu_ns();
    tj_backup_report *report = make(b, TJ_BACKUP_RATE_UNBOUNDED, compression);
    printf("%s: %.0f MiB of log in %.2f s (%.2f s of processor time), %.0f MiB on the disk\n", name,
           (double)report->point.bytes / (1 << 20), (double)(bench_now_ns() - start) / 1e9,
           (double)(bench_cpu_ns() - cpu) / 1e9, (double)report->stored_bytes / (1 << 20));
    tj_backup_report_free(report);
}

int main(int argc, char **argv)
{
    char directory[BENCH_PATH_SIZE];
    char elsewhere[BENCH_PATH_SIZE];
    static backups b;
    static bench_saves alone;
    static bench_saves beside;
    size_t saved = 0;
    bench_directory(argc, argv, directory);
    size_t rounds = bench_argument(argc, argv, 2, 12);
    uint64_t turn_ns = bench_argument(argc, argv, 3, 500) * 1000000;
    snprintf(elsewhere, sizeof elsewhere, "%s", argc > 4 ? argv[4] : directory);
    bench_join(b.parent, elsewhere, "backups");
    if (mkdir(b.parent, 0700) != 0) {
        bench_die(b.parent, "cannot be made");
    }
    tj_config config = TJ_CONFIG_INIT;
    config.durability = TJ_DURABILITY_OS;
    b.store = bench_store_open(directory, "journal", &config);
    bench_book_put(&book, b.store, COMMITS);
    bench_store_settle(b.store);
    time_one("a full backup", &b, 0);
    time_one("a full backup, compressed", &b, TJ_BACKUP_COMPRESSION_DEFAULT);
    bench_store_close(b.store);
    config.durability = TJ_DURABILITY_SYNC;
    b.store = bench_store_open(directory, "journal", &config);
    unsigned before = b.made;
    for (size_t i = 0; i < rounds; i++) {
        uint64_t took_ns = save_beside(&b, &saved, turn_ns, &beside);
        bench_save_for(b.store, &saved, took_ns, &alone);
    }
    bench_store_close(b.store);
    printf("%zu saves, %u full backups made beside them\n", saved, b.made - before);
    bench_print("a save alone: p50", "us", &alone.p50);
    bench_print("a save alone: p99", "us", &alone.p99);
    bench_series p50 = bench_ratio(&beside.p50, &alone.p50);
    bench_series p99 = bench_ratio(&beside.p99, &alone.p99);
    bench_print("a save beside a backup: p50", "x", &p50);
    bench_goal_at_most("backup 5", "a save beside a backup: p99", &p99, 1.5, "x");
    bench_remove(b.parent);
    bench_remove(directory);
    return 0;
}
