/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Batches whose write does not say how it ended: nothing is lost, nothing is written twice, nobody
 * waits for ever. The log's tests are those of the rest (tests/log/test_writer.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/group.h"

#define SAVERS 4
#define SAVES 300

/* Writes to memory; each record is its sequence. */
typedef struct sink {
    tj__group group;
    pthread_mutex_t appending;
    uint64_t appended;
    unsigned in_doubt; /* so many writes do not say how they ended */
    unsigned one_in;   /* else one in so many, 0: none */
    bool there;        /* what is in doubt is there */
    bool refused;      /* the next write is refused for good */
    unsigned writes;   /* that were asked for */
    uint64_t stored;   /* everything up to here is, once and in order */
} sink;

static void store(sink *s, const tj__batch *batch)
{
    for (size_t at = 0; at < batch->bytes.size; at += sizeof(uint64_t)) {
        uint64_t sequence;
        memcpy(&sequence, batch->bytes.data + at, sizeof sequence);
        assert_int_equal(sequence, s->stored + 1);
        s->stored = sequence;
    }
}

static bool is_stored(const sink *s, const tj__batch *batch)
{
    return batch->last_sequence <= s->stored;
}

static bool doubts(sink *s)
{
    if (s->in_doubt > 0) {
        s->in_doubt--;
        return true;
    }
    return s->one_in > 0 && s->writes % s->one_in == 0;
}

static tj_status write_batch(void *context, const tj__batch *batch, bool flush, bool *entered,
                             tj_error *error)
{
    sink *s = context;
    assert_true(flush);
    s->writes++;
    if (s->refused) {
        *entered = false;
        return tj__fail(error, TJ_CLOSED, "another one writes");
    }
    if (doubts(s)) {
        if (s->there && !is_stored(s, batch)) {
            store(s, batch);
        }
        return tj__fail(error, TJ_UNKNOWN, "no answer");
    }
    if (!is_stored(s, batch)) {
        store(s, batch);
    }
    return TJ_OK;
}

static const tj__group_ops ops = {.write = write_batch};

static void start(sink *s)
{
    *s = (sink){.appended = 0};
    pthread_mutex_init(&s->appending, NULL);
    tj__group_init(&s->group, &ops, s, true, 0);
}

static void end(sink *s)
{
    tj__group_dispose(&s->group);
    pthread_mutex_destroy(&s->appending);
}

static tj_status append_sized(sink *s, size_t size, uint64_t *sequence, tj_error *error)
{
    tj__batch *batch = NULL;
    pthread_mutex_lock(&s->appending);
    tj_status status = tj__group_enter(&s->group, size, &batch, error);
    if (status == TJ_OK) {
        *sequence = ++s->appended;
        tj__put_bytes(&batch->bytes, sequence, sizeof *sequence);
        tj__group_leave(&s->group, *sequence);
    }
    pthread_mutex_unlock(&s->appending);
    return status;
}

static uint64_t append(sink *s)
{
    uint64_t sequence = 0;
    tj_error error = TJ_ERROR_INIT;
    assert_int_equal(append_sized(s, sizeof sequence, &sequence, &error), TJ_OK);
    return sequence;
}

static void assert_unknown(sink *s, uint64_t sequence)
{
    tj_error error = TJ_ERROR_INIT;
    assert_int_equal(tj__group_wait(&s->group, sequence, &error), TJ_UNKNOWN);
    assert_int_equal(error.status, TJ_UNKNOWN);
    assert_string_equal(error.message, "no answer");
}

static void settled_by_the_next_one(bool there)
{
    sink s;
    start(&s);
    s.there = there;
    s.in_doubt = 1;
    assert_unknown(&s, append(&s));
    assert_int_equal(s.stored, there ? 1 : 0);
    uint64_t second = append(&s);
    assert_int_equal(tj__group_wait(&s.group, second, NULL), TJ_OK);
    assert_int_equal(s.stored, 2);
    assert_int_equal(s.writes, 3);
    assert_int_equal(tj__group_wait(&s.group, 1, NULL), TJ_OK);
    end(&s);
}

static void a_write_in_doubt_comes_again(void **state)
{
    (void)state;
    settled_by_the_next_one(false);
    settled_by_the_next_one(true);
}

static void waiting_again_is_enough(void **state)
{
    (void)state;
    sink s;
    start(&s);
    s.in_doubt = 1;
    uint64_t only = append(&s);
    assert_unknown(&s, only);
    assert_int_equal(tj__group_wait(&s.group, only, NULL), TJ_OK);
    assert_int_equal(s.stored, 1);
    end(&s);
}

/* The batch behind the one in doubt stays open: it takes more, and is written once. */
static void what_comes_behind_is_kept(void **state)
{
    (void)state;
    sink s;
    start(&s);
    s.in_doubt = 3;
    assert_unknown(&s, append(&s));
    assert_unknown(&s, append(&s));
    assert_unknown(&s, append(&s));
    assert_int_equal(s.stored, 0);
    assert_int_equal(tj__group_wait(&s.group, append(&s), NULL), TJ_OK);
    assert_int_equal(s.stored, 4);
    end(&s);
}

static void a_full_batch_behind_one_in_doubt_refuses(void **state)
{
    (void)state;
    sink s;
    tj_error error = TJ_ERROR_INIT;
    uint64_t sequence = 0;
    start(&s);
    s.in_doubt = 2;
    assert_unknown(&s, append(&s));
    (void)append(&s);
    assert_int_equal(append_sized(&s, TJ__BATCH_SIZE_SOFT_MAX, &sequence, &error), TJ_UNAVAILABLE);
    assert_string_equal(error.message, "not applied: no answer");
    assert_int_equal(sequence, 0);
    assert_int_equal(append_sized(&s, TJ__BATCH_SIZE_SOFT_MAX, &sequence, &error), TJ_OK);
    assert_int_equal(s.stored, 2);
    end(&s);
}

/* Where nobody waits for a write, the batch grows up to its bound, and then refuses. */
static void a_batch_that_others_write_is_bounded(void **state)
{
    (void)state;
    sink s;
    tj_error error = TJ_ERROR_INIT;
    uint64_t sequence = 0;
    start(&s);
    s.group.size_max = 2 * TJ__BATCH_SIZE_SOFT_MAX;
    (void)append(&s);
    assert_int_equal(append_sized(&s, TJ__BATCH_SIZE_SOFT_MAX, &sequence, &error), TJ_OK);
    assert_int_equal(append_sized(&s, s.group.size_max, &sequence, &error), TJ_UNAVAILABLE);
    assert_non_null(strstr(error.message, "not applied: commits of 16 bytes wait to be written"));
    assert_int_equal(s.writes, 0);
    assert_int_equal(tj__group_wait(&s.group, 2, &error), TJ_OK);
    assert_int_equal(append_sized(&s, s.group.size_max, &sequence, &error), TJ_OK);
    assert_int_equal(s.stored, 2);
    end(&s);
}

static void one_in_doubt_that_is_refused(void **state)
{
    (void)state;
    sink s;
    tj_error error = TJ_ERROR_INIT;
    start(&s);
    s.in_doubt = 1;
    assert_unknown(&s, append(&s));
    s.refused = true;
    uint64_t second = append(&s);
    assert_int_equal(tj__group_wait(&s.group, second, &error), TJ_CLOSED);
    assert_string_equal(error.message, "not applied: another one writes");
    assert_int_equal(tj__group_wait(&s.group, 1, &error), TJ_CLOSED);
    assert_string_equal(error.message, "not applied: another one writes");
    assert_int_equal(s.writes, 2);
    assert_int_equal(s.stored, 0);
    end(&s);
}

static void *save(void *context)
{
    sink *s = context;
    for (int i = 0; i < SAVES; i++) {
        uint64_t sequence = append(s);
        tj_status status = TJ_UNKNOWN;
        while (status == TJ_UNKNOWN) {
            status = tj__group_wait(&s->group, sequence, NULL);
        }
        assert_int_equal(status, TJ_OK);
    }
    return NULL;
}

static void many_savers_and_many_doubts(void **state)
{
    (void)state;
    for (int there = 0; there < 2; there++) {
        sink s;
        pthread_t threads[SAVERS];
        start(&s);
        s.there = there == 1;
        s.one_in = 3;
        for (int i = 0; i < SAVERS; i++) {
            assert_int_equal(pthread_create(&threads[i], NULL, save, &s), 0);
        }
        for (int i = 0; i < SAVERS; i++) {
            pthread_join(threads[i], NULL);
        }
        assert_int_equal(s.stored, SAVERS * SAVES);
        end(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_write_in_doubt_comes_again),
        cmocka_unit_test(waiting_again_is_enough),
        cmocka_unit_test(what_comes_behind_is_kept),
        cmocka_unit_test(a_full_batch_behind_one_in_doubt_refuses),
        cmocka_unit_test(a_batch_that_others_write_is_bounded),
        cmocka_unit_test(one_in_doubt_that_is_refused),
        cmocka_unit_test(many_savers_and_many_doubts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
