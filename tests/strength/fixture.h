/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Commits that are easy to tell apart: commit n puts algorithm n. */
#ifndef TJ_TESTS_STRENGTH_FIXTURE_H
#define TJ_TESTS_STRENGTH_FIXTURE_H

#include <stdatomic.h>
#include <time.h>

#include <tesser/async.h>
#include <tesser/counter.h>

#include "support/fixture.h"
#include "support/values.h"

/* ---- numbered commits --------------------------------------------------------------------- */

static inline tj_status note_number(tj_txn *txn, unsigned number, tj_error *error)
{
    char payload[32];
    snprintf(payload, sizeof payload, "{\"n\":%u}", number);
    tj_uuid id = uuid(number);
    tj_algo_state state = {.plugin = TJ_STR("twap"), .payload = tj_str_of(payload)};
    return tj_txn_put_algo(txn, &id, &state, error);
}

/* A transaction that puts algorithm `number`. */
static inline tj_txn *numbered(tj_store *store, unsigned number)
{
    tj_txn *txn = NULL;
    assert_ok(tj_txn_begin(store, &txn, &err));
    assert_ok(note_number(txn, number, &err));
    return txn;
}

static inline uint64_t commit_number(tj_store *store, unsigned number)
{
    uint64_t sequence = 0;
    assert_ok(tj_txn_commit(numbered(store, number), NULL, &sequence, &err));
    return sequence;
}

static inline bool holds_number(tj_store *store, unsigned number)
{
    tj_uuid id = uuid(number);
    tj_algo_record *record = NULL;
    tj_status status = tj_algo_load(tj_store_algo_repository(store, NULL), &id, &record, &err);
    if (status != TJ_OK && status != TJ_NOT_FOUND) {
        fail_msg("%s: %s", tj_status_name(status), err.message);
    }
    tj_algo_record_free(record);
    return status == TJ_OK;
}

/* How many there are; each must be intact. */
static inline size_t count_numbers(tj_store *store)
{
    tj_algo_list *list = NULL;
    assert_ok(tj_algo_load_all(tj_store_algo_repository(store, NULL), &list, &err));
    assert_int_equal(list->quarantined_count, 0);
    for (size_t i = 0; i < list->count; i++) {
        const uint8_t *b = list->records[i].id.bytes;
        char payload[32];
        snprintf(payload, sizeof payload, "{\"n\":%u}",
                 (unsigned)b[12] << 24 | (unsigned)b[13] << 16 | (unsigned)b[14] << 8 | b[15]);
        assert_true(tj_str_equal(list->records[i].state.payload, tj_str_of(payload)));
    }
    size_t count = list->count;
    tj_algo_list_free(list);
    return count;
}

static inline tj_store_info info_of(tj_store *store)
{
    tj_store_info info = TJ_STORE_INFO_INIT;
    assert_ok(tj_store_info_get(store, &info, &err));
    return info;
}

/* ---- time ----------------------------------------------------------------------------------- */

static inline uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static inline void sleep_ms(unsigned ms)
{
    struct timespec pause = {ms / 1000, (long)(ms % 1000) * 1000000};
    nanosleep(&pause, NULL);
}

#endif
