/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the builder of bases costs a saver: durable saves beside a builder that never has nothing to
 * do, and without it, taking turns. It builds the bases of a log of 10,000 orders over and over, on
 * the same disk, in a thread that gives way as the journal's own does, and stands still between its
 * turns.
 *
 *   bench_builder [directory [rounds [milliseconds per turn]]]
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "book.h"
#include "history/base_chain.h"

#define COMMITS 100000
#define NICE 10

static bench_book book;

/* ---- the builder --------------------------------------------------------------------------- */

typedef struct builder {
    char log[BENCH_PATH_SIZE];
    char history[BENCH_PATH_SIZE];
    tj_uuid journal_id;
    pthread_t thread;
    _Atomic bool turn;     /* it may work */
    _Atomic bool standing; /* it does not */
    volatile int cancel;
    unsigned built; /* bases */
} builder;

static void fill(const char *directory, builder *b)
{
    char path[BENCH_PATH_SIZE];
    tj_config config = TJ_CONFIG_INIT;
    config.durability = TJ_DURABILITY_OS;
    config.lmdb.no_history = true;
    tj_store *store = bench_store_open(directory, "built", &config);
    bench_book_put(&book, store, COMMITS);
    b->journal_id = bench_store_info(store).journal_id;
    bench_store_close(store);
    bench_join(path, directory, "built");
    bench_join(b->log, path, "log");
    bench_join(b->history, path, "history");
}

static void nap(uint64_t ms)
{
    struct timespec time = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
    nanosleep(&time, NULL);
}

/* As the journal's own that is not behind, and while it is not its turn. */
static void rest(void *context, uint64_t ordinal, size_t bytes)
{
    builder *b = context;
    (void)ordinal;
    nap(tj__base_rest_ms(bytes, 0));
    while (!b->turn && !b->cancel) {
        b->standing = true;
        nap(1);
    }
    b->standing = false;
}

static void *build(void *context)
{
    builder *b = context;
    tj__base_place place = {.log_path = b->log,
                            .directory = b->history,
                            .journal_id = b->journal_id,
                            .cancel = &b->cancel,
                            .rest = rest,
                            .rest_context = b};
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
    while (!b->cancel) {
        tj_error error = TJ_ERROR_INIT;
        tj__base_chain chains[TJ__BASE_KINDS] = {{0}};
        uint32_t built = 0;
        bench_remove(b->history);
        if (mkdir(b->history, 0700) != 0) {
            bench_die("making", b->history);
        }
        tj_status status = tj__base_chains_extend(&place, 1, 0, chains, &built, &error);
        b->built += built;
        if (status != TJ_CLOSED) {
            bench_must(status, &error, "building");
        }
    }
    return NULL;
}

/* ---- the saver ----------------------------------------------------------------------------- */

static void save_beside(builder *b, tj_store *store, size_t *saved, uint64_t turn_ns,
                        bench_saves *s)
{
    b->turn = true;
    bench_save_for(store, saved, turn_ns, s);
    b->turn = false;
    while (!b->standing) {
        nap(1);
    }
}

int main(int argc, char **argv)
{
    char directory[BENCH_PATH_SIZE];
    static builder b;
    static bench_saves alone;
    static bench_saves beside;
    size_t saved = 0;
    bench_directory(argc, argv, directory);
    size_t rounds = bench_argument(argc, argv, 2, 20);
    uint64_t turn_ns = bench_argument(argc, argv, 3, 500) * 1000000;
    tj_config config = TJ_CONFIG_INIT;
    config.lmdb.no_history = true;
    fill(directory, &b);
    if (pthread_create(&b.thread, NULL, build, &b) != 0) {
        bench_die("a thread", "cannot be started");
    }
    tj_store *store = bench_store_open(directory, "saver", &config);
    for (size_t i = 0; i < rounds; i++) {
        bench_save_for(store, &saved, turn_ns, &alone);
        save_beside(&b, store, &saved, turn_ns, &beside);
    }
    bench_store_close(store);
    b.cancel = 1;
    pthread_join(b.thread, NULL);
    printf("%zu saves, %u bases built beside them\n", saved, b.built);
    bench_print("a save alone: p50", "us", &alone.p50);
    bench_print("a save alone: p99", "us", &alone.p99);
    bench_series p50 = bench_ratio(&beside.p50, &alone.p50);
    bench_series p99 = bench_ratio(&beside.p99, &alone.p99);
    bench_goal_at_most("history 2", "a save beside the builder: p50", &p50, 1.1, "x");
    bench_goal_at_most("history 2", "a save beside the builder: p99", &p99, 1.3, "x");
    bench_remove(directory);
    return 0;
}
