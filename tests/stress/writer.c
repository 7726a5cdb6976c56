/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The writing process: eight threads, one for each lane, until it is killed or told to stop. Lanes
 * differ in how they commit: blocking, submitted with some in flight, with a deadline, and critical
 * with an id.
 */
#include <inttypes.h>
#include <pthread.h>

#include "stress.h"

#define IN_FLIGHT_MAX 8
#define DEADLINE_MS 60000
#define COUNTER_BLOCK 7

enum way { WAY_BLOCKING, WAY_SUBMITTED, WAY_DEADLINE, WAY_CRITICAL, WAY_COUNT };

typedef struct worker {
    tj_store *store;
    unsigned lane;
    uint64_t n;
    uint64_t random;
    pthread_t thread;
} worker;

static tj_uuid commit_id(unsigned lane, uint64_t n)
{
    tj_uuid id = {{0xc0, (uint8_t)lane}};
    for (unsigned i = 0; i < 8; i++) {
        id.bytes[8 + i] = (uint8_t)(n >> 8 * i);
    }
    return id;
}

static void acknowledge(unsigned lane, uint64_t n)
{
    uint64_t before = atomic_load(&all->lanes[lane].acknowledged);
    while (before < n &&
           !atomic_compare_exchange_weak(&all->lanes[lane].acknowledged, &before, n)) {
    }
}

static void on_done(void *context, tj_status status, uint64_t sequence, const tj_error *error)
{
    uintptr_t packed = (uintptr_t)context;
    if (status != TJ_OK) {
        violation("commit %" PRIu64 " submitted by lane %u: %s: %s", sequence,
                  (unsigned)(packed % LANES), tj_status_name(status), error->message);
    }
    acknowledge((unsigned)(packed % LANES), packed / LANES);
}

static tj_status commit(worker *w, tj_txn *txn, tj_error *error)
{
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    switch ((enum way)(w->lane % WAY_COUNT)) {
    case WAY_SUBMITTED:
        return tj_txn_submit(txn, NULL, on_done, (void *)(uintptr_t)(w->n * LANES + w->lane), NULL,
                             error);
    case WAY_DEADLINE:
        options.deadline_ms = DEADLINE_MS;
        break;
    case WAY_CRITICAL:
        options.critical = true;
        options.sync = true;
        options.commit_id = commit_id(w->lane, w->n);
        break;
    case WAY_BLOCKING:
    case WAY_COUNT:
        break;
    }
    return tj_txn_commit(txn, &options, NULL, error);
}

static void complete(worker *w, uint64_t in_flight_max)
{
    tj_error error = TJ_ERROR_INIT;
    while (w->n - atomic_load(&all->lanes[w->lane].acknowledged) > in_flight_max) {
        if (tj_store_complete(w->store, 5, NULL, &error) != TJ_OK) {
            violation("complete: %s", error.message);
        }
    }
}

static void reserve_numbers(worker *w)
{
    tj_error error = TJ_ERROR_INIT;
    uint64_t first = 0;
    if (tj_counter_reserve(w->store, NULL, "orders", COUNTER_BLOCK, &first, &error) != TJ_OK) {
        violation("reserve: %s", error.message);
    }
    if (first < atomic_load(&all->counter_unused)) {
        violation("number %" PRIu64 " is given again", first);
    }
    atomic_store(&all->counter_unused, first + COUNTER_BLOCK);
}

static void work_once(worker *w)
{
    tj_error error = TJ_ERROR_INIT;
    tj_txn *txn = NULL;
    w->n++;
    if (tj_txn_begin(w->store, &txn, &error) != TJ_OK) {
        violation("begin: %s", error.message);
    }
    stress_note(txn, w->lane, w->n);
    atomic_store(&all->lanes[w->lane].attempted, w->n);
    tj_status status = commit(w, txn, &error);
    if (status != TJ_OK) {
        violation("lane %u: %s: %s", w->lane, tj_status_name(status), error.message);
    }
    if (w->lane % WAY_COUNT == WAY_SUBMITTED) {
        complete(w, IN_FLIGHT_MAX);
    } else {
        acknowledge(w->lane, w->n);
    }
    if (w->lane == 0 && w->n % 20 == 0) {
        reserve_numbers(w);
    }
}

static void *work(void *context)
{
    worker *w = context;
    while (!atomic_load(&all->stop)) {
        work_once(w);
        pause_us(draw(&w->random) % 4000);
    }
    complete(w, 0);
    return NULL;
}

/* What a writer finds when it opens: nothing acknowledged is lost, nothing seen, nothing is
 * invented. */
static numbers expect_found(tj_store *store)
{
    numbers found = stress_load_state(store);
    numbers algos = stress_load_algos(store);
    for (unsigned lane = 0; lane < LANES; lane++) {
        uint64_t n = found.of[lane];
        if (n != algos.of[lane] || n < atomic_load(&all->lanes[lane].acknowledged) ||
            n < atomic_load(&all->lanes[lane].seen) ||
            n > atomic_load(&all->lanes[lane].attempted)) {
            violation("lane %u after a restart: %" PRIu64 " (algorithm %" PRIu64
                      "), acknowledged %" PRIu64 ", seen %" PRIu64 ", attempted %" PRIu64,
                      lane, n, algos.of[lane], atomic_load(&all->lanes[lane].acknowledged),
                      atomic_load(&all->lanes[lane].seen),
                      atomic_load(&all->lanes[lane].attempted));
        }
        tj_uuid id = commit_id(lane, n);
        if (lane % WAY_COUNT == WAY_CRITICAL && n > 0 &&
            tj_store_commit_find(store, &id, NULL, NULL) != TJ_OK) {
            violation("lane %u: commit %" PRIu64 " is there, and its id is not", lane, n);
        }
    }
    return found;
}

void writer_main(uint64_t seed, bool kept_short)
{
    static worker workers[LANES];
    tj_error error = TJ_ERROR_INIT;
    tj_store *store = NULL;
    tj_config config = stress_config();
    config.durability = seed % 3 == 0 ? TJ_DURABILITY_OS : TJ_DURABILITY_SYNC;
    if (tj_store_open(&config, &store, &error) != TJ_OK) {
        violation("open: %s", error.message);
    }
    numbers found = expect_found(store);
    for (unsigned lane = 0; lane < LANES; lane++) {
        uint64_t n = found.of[lane];
        workers[lane] = (worker){.store = store, .lane = lane, .n = n, .random = seed + lane};
        atomic_store(&all->lanes[lane].attempted, n);
        atomic_store(&all->lanes[lane].acknowledged, n);
        pthread_create(&workers[lane].thread, NULL, work, &workers[lane]);
    }
    while (!atomic_load(&all->stop)) {
        view_some(store, 1);
        pause_us(kept_short ? 1000 : 5000);
    }
    for (unsigned lane = 0; lane < LANES; lane++) {
        pthread_join(workers[lane].thread, NULL);
    }
    if (tj_store_close(store, &error) != TJ_OK) {
        violation("close: %s", error.message);
    }
}
