/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Threads that append to the ledger of a journal on a server while the way to it breaks. What was
 * not applied they try again: nothing acknowledged is lost, nothing is there twice. */
#ifndef TJ_TESTS_POSTGRES_SAVERS_H
#define TJ_TESTS_POSTGRES_SAVERS_H

#include <pthread.h>
#include <stdatomic.h>

#include "database.h"

#define SAVERS 3

typedef struct saver {
    tj_store *store;
    unsigned number;
    _Atomic bool *stop;
    _Atomic unsigned acknowledged;
    tj_error failure;
    pthread_t thread;
} saver;

typedef struct savers {
    _Atomic bool stop;
    saver all[SAVERS];
} savers;

static inline void *save_until_stopped(void *context)
{
    saver *s = context;
    while (!atomic_load(s->stop)) {
        tj_ledger_entry entry = plain_entry(s->number * 1000000 + s->acknowledged + 1, "1");
        tj_error failure = TJ_ERROR_INIT;
        tj_status status =
            tj_ledger_append(tj_store_ledger_repository(s->store, NULL), &entry, 1, NULL, &failure);
        s->acknowledged += status == TJ_OK;
        if (status != TJ_OK && status != TJ_UNAVAILABLE) { /* not applied: again */
            s->failure = failure;
            return NULL;
        }
    }
    return NULL;
}

static inline void savers_start(savers *s, tj_store *store)
{
    atomic_store(&s->stop, false);
    for (unsigned i = 0; i < SAVERS; i++) {
        s->all[i] = (saver){.store = store, .number = i + 1, .stop = &s->stop};
    }
    for (unsigned i = 0; i < SAVERS; i++) {
        saver *one = &s->all[i];
        assert_int_equal(pthread_create(&one->thread, NULL, save_until_stopped, one), 0);
    }
}

static inline unsigned savers_acknowledged(const savers *s)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < SAVERS; i++) {
        sum += atomic_load(&s->all[i].acknowledged);
    }
    return sum;
}

/* Ends them; what they were acknowledged is in the store, and in one that is opened then. Returns
 * how many commits that is. */
static inline unsigned savers_settle(savers *s, tj_store *store, const tj_config *again)
{
    atomic_store(&s->stop, true);
    for (unsigned i = 0; i < SAVERS; i++) {
        pthread_join(s->all[i].thread, NULL);
        assert_string_equal(s->all[i].failure.message, "");
    }
    assert_int_equal(count_fees(store), savers_acknowledged(s));
    assert_ok(tj_store_close(store, &err));
    store = open_store(again);
    assert_int_equal(count_fees(store), savers_acknowledged(s));
    assert_ok(tj_store_close(store, &err));
    return savers_acknowledged(s);
}

#endif
