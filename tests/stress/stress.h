/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the processes of the stress test know of each other, in memory they share: how far each of
 * the writer's threads ("lanes") has got.
 *
 * Commit n of lane t is one transaction that sets balance At to BASE - n, balance Bt to BASE + n
 * and algorithm t to n. So whatever is loaded tells n three times, and the sum of all balances
 * never changes.
 *
 *   attempted     stored before the commit is made
 *   acknowledged  stored after it was acknowledged
 *   seen          the highest n that any view has shown
 *
 * A view must show acknowledged (as it was before) <= n <= attempted (as it is after), and never
 * less than the view before it. A writer that was killed and begins again must find at least
 * acknowledged, and at least seen: so no view has shown what was not durable.
 */
#ifndef TJ_TESTS_STRESS_STRESS_H
#define TJ_TESTS_STRESS_STRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <tesser/journal.h>

#define LANES 8
#define BASE 1000000000
#define STRESS_PATH_SIZE 512

typedef struct lane_state {
    _Atomic uint64_t attempted;
    _Atomic uint64_t acknowledged;
    _Atomic uint64_t seen;
} lane_state;

typedef struct shared {
    lane_state lanes[LANES];
    _Atomic uint64_t counter_unused; /* no reservation may begin below it */
    _Atomic bool stop;
    _Atomic bool violated;
    _Atomic uint64_t views;
    _Atomic uint64_t good_copies;
    _Atomic uint64_t refused_copies;
    char directory[STRESS_PATH_SIZE];
    char journal[STRESS_PATH_SIZE + 16];
} shared;

extern shared *all;

/* Says what is wrong and ends this process. */
#define violation(...)                                     \
    do {                                                   \
        atomic_store(&all->violated, true);                \
        printf("VIOLATION (%s:%d): ", __FILE__, __LINE__); \
        printf(__VA_ARGS__);                               \
        printf("\n");                                      \
        fflush(stdout);                                    \
        _exit(1);                                          \
    } while (0)

/* A small generator of its own for each process and thread. */
static inline uint32_t draw(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

static inline void pause_us(uint32_t us)
{
    usleep(us);
}

/* model.c: the numbers of all lanes in one load, checked against each other. */
typedef struct numbers {
    uint64_t of[LANES];
} numbers;
tj_config stress_config(void);
tj_uuid stress_algo_id(unsigned lane);
/* Adds commit n of a lane to a transaction. */
void stress_note(tj_txn *txn, unsigned lane, uint64_t n);
numbers stress_load_state(tj_store *store);
numbers stress_load_algos(tj_store *store);
void stress_mark_seen(const numbers *shown);

/* The processes. */
void stress_create(void);
void writer_main(uint64_t seed, bool kept_short);
void viewer_main(uint64_t seed);
void copier_main(uint64_t seed);
/* viewer.c: `count` views of an open store, each checked. */
void view_some(tj_store *store, unsigned count);

#endif
