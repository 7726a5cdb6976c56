/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Looking on through a read-only mount beside a writer: no slot, and no page taken away either. */
#include "watching.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>

#include "support/stand_in.h"

#define ROWS 400
#define VALUE_SIZE 200
#define MAP_SIZE ((uint64_t)16 << 20)

/* Every mount is read-only to this process; what is on it can be read, and locked. */
static bool read_only_mounts;

STAND_IN int open(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
    va_end(more);
    if (read_only_mounts && (flags & O_ACCMODE) != O_RDONLY) {
        errno = EROFS;
        return -1;
    }
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

/* A process that reads as it is told: one letter in, one letter back. */
typedef struct looker {
    pid_t pid;
    int orders;
    int answers;
} looker;

static void look(tj__env_snapshot **held, tj__env *env, char order)
{
    tj__position position;
    tally seen;
    if (order == 'b') {
        assert_ok(tj__env_snapshot_begin(env, held, &position, &err));
    }
    assert_ok(tally_rows(*held, &seen, &err));
    assert_int_equal(seen.rows, ROWS);
    assert_int_equal(seen.sequence, tj__env_snapshot_rows(*held)->sequence);
    if (order == 'e') {
        tj__env_snapshot_end(*held);
        *held = NULL;
    }
}

static void serve(const place *at, int orders, int answers)
{
    read_only_mounts = true;
    unlink(at->lock); /* it cannot be made on a read-only mount */
    tj__env *env = journal_open(at, 0, true);
    assert_int_not_equal(access(at->lock, F_OK), 0);
    tj__env_snapshot *held = NULL;
    char order;
    while (read(orders, &order, 1) == 1) {
        look(&held, env, order);
        if (write(answers, "k", 1) != 1) {
            break;
        }
    }
    tj__env_close(env);
}

static looker start(const place *at)
{
    int orders[2];
    int answers[2];
    assert_int_equal(pipe2(orders, O_CLOEXEC), 0);
    assert_int_equal(pipe2(answers, O_CLOEXEC), 0);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        leave_cmocka();
        close(orders[1]);
        serve(at, orders[0], answers[1]);
        _exit(0);
    }
    close(orders[0]);
    close(answers[1]);
    return (looker){pid, orders[1], answers[0]};
}

/* b: begins a snapshot, r: reads it again, e: reads and ends it. */
static void tell(const looker *reader, char order)
{
    char answer;
    assert_int_equal(write(reader->orders, &order, 1), 1);
    assert_int_equal(read(reader->answers, &answer, 1), 1);
}

static void stop(looker *reader)
{
    int status = 0;
    close(reader->orders);
    assert_int_equal(waitpid(reader->pid, &status, 0), reader->pid);
    assert_int_equal(status, 0);
    close(reader->answers);
}

/* The readers are there first: a writer would have made lock.mdb. */
static tj__env *open_beside(const place *at, looker *readers, size_t count)
{
    journal_create(at);
    tj__env *env = journal_open(at, MAP_SIZE, false);
    journal_fill(env, ROWS, VALUE_SIZE, 1);
    tj__env_close(env);
    for (size_t i = 0; i < count; i++) {
        readers[i] = start(at);
        tell(&readers[i], 'b');
        tell(&readers[i], 'e');
    }
    return journal_open(at, MAP_SIZE, false);
}

static void test_a_snapshot_without_a_slot_stays_whole(void **state)
{
    (void)state;
    place at = place_new();
    looker reader;
    tj__env *env = open_beside(&at, &reader, 1);
    uint64_t sequence = 1;
    for (int round = 0; round < 3; round++) {
        tell(&reader, 'b');
        for (int i = 0; i < 30; i++) {
            journal_fill(env, ROWS, VALUE_SIZE, ++sequence);
            tell(&reader, 'r');
        }
        tell(&reader, 'e');
    }
    stop(&reader);
    uint64_t size = info_of(env).data_bytes;
    for (int i = 0; i < 30; i++) {
        journal_fill(env, ROWS, VALUE_SIZE, ++sequence);
    }
    assert_int_equal(info_of(env).data_bytes, size); /* nothing is held any more */
    assert_int_equal(info_of(env).reader_count, 0);
    tj__env_close(env);
    place_remove(&at);
}

/* One of the two reads at any time, and yet pages come free. */
static void test_readers_without_a_gap_keep_no_pages(void **state)
{
    (void)state;
    place at = place_new();
    looker readers[2];
    tj__env *env = open_beside(&at, readers, 2);
    uint64_t sequence = 1;
    uint64_t size = 0;
    tell(&readers[0], 'b');
    for (int i = 0; i < 120; i++) {
        journal_fill(env, ROWS, VALUE_SIZE, ++sequence);
        if (i % 3 == 0) {
            tell(&readers[(i / 3 + 1) % 2], 'b');
            tell(&readers[i / 3 % 2], 'e');
        }
        if (i == 40) {
            size = info_of(env).data_bytes;
        }
    }
    tell(&readers[0], 'e');
    assert_true(info_of(env).data_bytes <= size);
    stop(&readers[1]); /* it holds a copy of the other's pipe */
    stop(&readers[0]);
    tj__env_close(env);
    place_remove(&at);
}

static tj_status apply_nothing(tj__env *env, uint64_t sequence, tj_error *error)
{
    tj__rowmap *batch = tj__rowmap_new();
    tj__position position = position_at(sequence);
    assert_non_null(batch);
    tj_status status = tj__env_apply(env, batch, &position, error);
    tj__rowmap_free(batch);
    return status;
}

static void test_a_reader_that_outlived_its_writer(void **state)
{
    (void)state;
    place at = place_new();
    looker reader;
    char text[2 * PATH_MAX];
    tj__env *env = open_beside(&at, &reader, 1);
    tell(&reader, 'b');
    for (uint64_t sequence = 2; sequence <= 10; sequence++) {
        journal_fill(env, ROWS, VALUE_SIZE, sequence);
    }
    tj__env_close(env);
    env = journal_open(&at, MAP_SIZE, false);
    snprintf(text, sizeof text,
             "a process that looks on through a read-only mount of %s has been reading an older "
             "state for over 1 s: end it",
             at.data);
    assert_fails(TJ_BUSY, text, apply_nothing(env, 11, &err));
    tell(&reader, 'e');
    for (uint64_t sequence = 11; sequence <= 20; sequence++) {
        journal_fill(env, ROWS, VALUE_SIZE, sequence);
    }
    stop(&reader);
    tj__env_close(env);
    place_remove(&at);
}

/* The map changes with no transaction alive, the writer's for the readers included. */
static void test_the_map_grows_beside_a_reader(void **state)
{
    (void)state;
    place at = place_new();
    looker reader;
    tj__env *env = open_beside(&at, &reader, 1);
    tell(&reader, 'b');
    journal_fill(env, ROWS, VALUE_SIZE, 2);
    tell(&reader, 'e');
    tell(&reader, 'b');
    journal_fill(env, ROWS, 60000, 3); /* more than the map */
    tell(&reader, 'r');
    assert_true(info_of(env).map_size > MAP_SIZE);
    journal_fill(env, ROWS, VALUE_SIZE, 4);
    journal_fill(env, ROWS, VALUE_SIZE, 5);
    tell(&reader, 'e');
    stop(&reader);
    tj__env_close(env);
    place_remove(&at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_snapshot_without_a_slot_stays_whole),
        cmocka_unit_test(test_readers_without_a_gap_keep_no_pages),
        cmocka_unit_test(test_a_reader_that_outlived_its_writer),
        cmocka_unit_test(test_the_map_grows_beside_a_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
