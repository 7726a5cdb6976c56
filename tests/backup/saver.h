/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A thread that saves one number after the other, as fast as it goes. For files that include the
 * headers of threads and of atomics. */
#ifndef TJ_TESTS_BACKUP_SAVER_H
#define TJ_TESTS_BACKUP_SAVER_H

typedef struct saver {
    tj_store *store;
    pthread_t thread;
    _Atomic bool stop;
    _Atomic uint64_t saved;
} saver;

static inline void *save_on(void *context)
{
    saver *s = context;
    for (uint64_t n = 1; !atomic_load(&s->stop); n++) {
        tj_error error = TJ_ERROR_INIT;
        if (save_number(s->store, n, &error) != TJ_OK) {
            return NULL;
        }
        atomic_store(&s->saved, n);
    }
    return s;
}

static inline void saver_start(saver *s, fixture *f)
{
    f->config.durability = TJ_DURABILITY_OS;
    small_segments_open(f);
    s->store = f->store;
    assert_int_equal(pthread_create(&s->thread, NULL, save_on, s), 0);
}

static inline void saver_stop(saver *s)
{
    void *done = NULL;
    atomic_store(&s->stop, true);
    assert_int_equal(pthread_join(s->thread, &done), 0);
    assert_non_null(done);
}

#endif
