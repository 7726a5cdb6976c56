/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The log's writer, and many threads that append to it and wait. */
#include "log/writer_fixture.h"

#include <pthread.h>

#include "base/random.h"

/* Many savers beside a helper that prepares segments and one that syncs. */
typedef struct crowd {
    fixture log;
    pthread_mutex_t append_lock;
    appended_body *bodies;
    uint64_t count;
    uint64_t per_thread;
    _Atomic bool done;
    _Atomic int failures;
} crowd;

typedef struct saver {
    crowd *crowd;
    pthread_t thread;
    uint64_t id;
    uint64_t random;
} saver;

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Mostly small records, some of many pages, a few larger than a segment. */
static size_t random_size(uint64_t *random)
{
    uint64_t kind = next_random(random) % 1000;
    size_t limit = kind == 0 ? 100000 : kind < 20 ? 20000 : 1000;
    return (size_t)(next_random(random) % limit);
}

static void *save_many(void *argument)
{
    saver *self = argument;
    crowd *all = self->crowd;
    uint64_t older = 0;
    for (uint64_t i = 0; i < all->per_thread; i++) {
        uint64_t sequence = 0;
        appended_body body = {random_size(&self->random), self->id << 32 | i};
        pthread_mutex_lock(&all->append_lock);
        tj_status status = append_body(&all->log, body.size, body.number, &sequence, NULL);
        if (status == TJ_OK) {
            all->bodies[sequence - 1] = body;
        }
        pthread_mutex_unlock(&all->append_lock);
        /* Wait for this one, for an older one, or for none. */
        uint64_t choice = next_random(&self->random) % 10;
        uint64_t waited = choice == 0 ? 0 : choice == 1 && older > 0 ? older : sequence;
        if (status != TJ_OK || tj__log_writer_wait(all->log.writer, waited, NULL) != TJ_OK ||
            tj__log_writer_acknowledged(all->log.writer) < waited ||
            atomic_load(&all->log.published) < waited) {
            atomic_fetch_add(&all->failures, 1);
            return NULL;
        }
        older = sequence;
    }
    return NULL;
}

static void *help(void *argument)
{
    crowd *all = argument;
    while (!atomic_load(&all->done)) {
        uint64_t appended = tj__log_writer_appended(all->log.writer);
        uint64_t durable = 0;
        if (tj__log_writer_prepare(all->log.writer, NULL) != TJ_OK ||
            tj__log_writer_sync(all->log.writer, &durable, NULL) != TJ_OK || durable < appended) {
            atomic_fetch_add(&all->failures, 1);
        }
        usleep(2000);
    }
    return NULL;
}

static void run_crowd(uint64_t threads, uint64_t per_thread, tj_durability durability)
{
    crowd all = {.count = threads * per_thread, .per_thread = per_thread};
    saver savers[16];
    pthread_t helper;
    tj__position end;
    print_message("%d threads, durability %d\n", (int)threads, (int)durability);
    create_log(&all.log, SMALL_SEGMENT, durability);
    all.bodies = calloc(all.count, sizeof *all.bodies);
    assert_non_null(all.bodies);
    assert_int_equal(pthread_mutex_init(&all.append_lock, NULL), 0);
    assert_int_equal(pthread_create(&helper, NULL, help, &all), 0);
    for (uint64_t i = 0; i < threads; i++) {
        savers[i] = (saver){.crowd = &all, .id = i, .random = random_u64() | 1};
        assert_int_equal(pthread_create(&savers[i].thread, NULL, save_many, &savers[i]), 0);
    }
    for (uint64_t i = 0; i < threads; i++) {
        pthread_join(savers[i].thread, NULL);
    }
    atomic_store(&all.done, true);
    pthread_join(helper, NULL);
    assert_int_equal(atomic_load(&all.failures), 0);
    must_close(&all.log);
    assert_int_equal(atomic_load(&all.log.published), all.count);
    assert_int_equal(read_log(&all.log, all.bodies, all.count, &end), all.count);
    assert_true(end.ordinal > 2);
    pthread_mutex_destroy(&all.append_lock);
    free(all.bodies);
    remove_log(&all.log);
}

static void many_threads_lose_nothing(void **state)
{
    (void)state;
    random_start();
    run_crowd(1, 500, TJ_DURABILITY_SYNC);
    run_crowd(2, 1000, TJ_DURABILITY_SYNC);
    run_crowd(5, 1000, TJ_DURABILITY_SYNC);
    run_crowd(16, 2000, TJ_DURABILITY_SYNC);
    run_crowd(16, 2000, TJ_DURABILITY_OS);
}

static void *wait_for_one(void *argument)
{
    fixture *log = argument;
    return tj__log_writer_wait(log->writer, 1, NULL) == TJ_OK ? log : NULL;
}

static void many_threads_wait_for_the_same_record(void **state)
{
    (void)state;
    for (int round = 0; round < 100; round++) {
        fixture log;
        pthread_t threads[8];
        create_log(&log, SMALL_SEGMENT, TJ_DURABILITY_SYNC);
        (void)must_append(&log, BODY, 1);
        for (int i = 0; i < 8; i++) {
            assert_int_equal(pthread_create(&threads[i], NULL, wait_for_one, &log), 0);
        }
        for (int i = 0; i < 8; i++) {
            void *result = NULL;
            pthread_join(threads[i], &result);
            assert_ptr_equal(result, &log);
        }
        expect_io(1, 1);
        must_close(&log);
        remove_log(&log);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_threads_lose_nothing),
        cmocka_unit_test(many_threads_wait_for_the_same_record),
    };
    return cmocka_run_group_tests_name("log/writer_threads", tests, NULL, NULL);
}
