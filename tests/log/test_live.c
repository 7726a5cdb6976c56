/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A reader beside a writer: it may see the log end anywhere, but never before what is known to be
 * written, and never a record that was not. */
#include <pthread.h>
#include <stdatomic.h>

#include "built_log.h"

#define COMMITS 4000
#define SEGMENT_SIZE ((uint64_t)256 << 10)

typedef struct live_log {
    built_log log;
    atomic_uint_fast64_t written;
} live_log;

static void *write_commits(void *context)
{
    live_log *live = context;
    for (uint64_t i = 1; i <= COMMITS; i++) {
        add_commit(&live->log, (size_t)(i * 97 % 3000));
        atomic_store(&live->written, i);
        if (live->log.end.offset > SEGMENT_SIZE - 4096) {
            rotate(&live->log);
        }
    }
    return NULL;
}

static void what_is_written_is_found(void **unused)
{
    (void)unused;
    live_log live;
    pthread_t writer;
    tj_error error = TJ_ERROR_INIT;
    uint64_t last = 0;
    built_open(&live.log, SEGMENT_SIZE);
    atomic_init(&live.written, 0);
    built_log start = live.log;
    tj__log_reader *reader = reader_from(&start, &built_start);
    assert_int_equal(pthread_create(&writer, NULL, write_commits, &live), 0);
    while (last < COMMITS) {
        uint64_t written = atomic_load(&live.written);
        must(read_all(reader, &last, &error), &error);
        assert_true(last >= written);
    }
    assert_int_equal(pthread_join(writer, NULL), 0);
    must(read_all(reader, &last, &error), &error);
    check_position(tj__log_reader_position(reader), &live.log.end);
    tj__log_reader_close(reader);
    built_close(&live.log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_written_is_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
