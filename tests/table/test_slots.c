/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* lock.mdb, and the processes that share it: second opens, forks, slots, openers that die. */
#include "watching.h"

static void test_second_open_in_one_process(void **state)
{
    (void)state;
    place at = place_new();
    journal_create(&at);
    tj__env *env = journal_open(&at, 1 << 20, false);
    tj__env_options options = {.directory = at.directory, .read_only = true};
    tj__superblock superblock;
    tj__env *second = NULL;
    char text[2 * PATH_MAX];
    snprintf(text, sizeof text, "%s is already open in this process: use the open journal",
             at.data);
    assert_fails(TJ_BUSY, text, tj__env_open(&options, &second, &superblock, &err));
    tj__env_close(env);
    env = journal_open(&at, 1 << 20, true);
    tj__env_close(env);
    tj__env_close(NULL);
    place_remove(&at);
}

typedef struct inherited {
    place at;
    tj__env *env;
    tj__env_snapshot *snapshot;
    pid_t parent;
} inherited;

static int use_inherited(void *context)
{
    inherited *from = context;
    tj__env_snapshot *snapshot = NULL;
    tj__position position = position_at(9);
    char text[2 * PATH_MAX];
    snprintf(text, sizeof text,
             "%s was opened by process %ld, this is its child %ld: open the journal after the fork",
             from->at.data, (long)from->parent, (long)getpid());
    assert_fails(TJ_CLOSED, text, tj__env_snapshot_begin(from->env, &snapshot, &position, &err));
    tj__rowmap *batch = tj__rowmap_new();
    assert_fails(TJ_CLOSED, text, tj__env_apply(from->env, batch, &position, &err));
    tj__rowmap_free(batch);
    tj__env_snapshot_end(from->snapshot);
    tj__env_abandon(from->env);
    tj__env_close(from->env);
    tj__env *own = journal_open(&from->at, 1 << 20, true);
    tj__env_snapshot_end(snapshot_of(own, 1));
    tj__env_close(own);
    return 0;
}

static void test_fork(void **state)
{
    (void)state;
    inherited from = {.at = place_new(), .parent = getpid()};
    journal_create(&from.at);
    from.env = journal_open(&from.at, 1 << 20, false);
    journal_fill(from.env, 10, 100, 1);
    from.snapshot = snapshot_of(from.env, 1);
    assert_int_equal(info_of(from.env).reader_count, 1);
    assert_true(in_child(use_inherited, &from));
    assert_int_equal(info_of(from.env).reader_count, 1); /* the child did not wipe it */
    tally seen;
    assert_ok(tally_rows(from.snapshot, &seen, &err));
    assert_int_equal(seen.rows, 10);
    tj__env_snapshot_end(from.snapshot);
    tj__env_close(from.env);
    place_remove(&from.at);
}

/* Dies with a slot taken. */
static int die_reading(void *context)
{
    const place *at = context;
    tj__env *env = journal_open(at, 0, true);
    (void)snapshot_of(env, 1);
    return 0;
}

/* Gives the first slot in lock.mdb to another process id. */
static void set_slot_pid(const place *at, pid_t pid)
{
    int fd = open(at->lock, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, &pid, sizeof pid, 128 + 8), sizeof pid);
    close(fd);
}

static void test_slots_of_the_dead(void **state)
{
    (void)state;
    place at = place_new();
    journal_create(&at);
    tj__env *env = journal_open(&at, 1 << 20, false);
    journal_fill(env, 10, 100, 1);
    tj__env_close(env);
    assert_true(in_child(die_reading, &at));
    env = journal_open(&at, 1 << 20, false);
    assert_int_equal(info_of(env).reader_count, 0); /* cleared at open */
    tj__env_close(env);
    env = journal_open(&at, 1 << 20, false);
    assert_true(in_child(die_reading, &at));
    assert_int_equal(info_of(env).reader_count, 1);
    tj__env_reap_readers(env);
    assert_int_equal(info_of(env).reader_count, 0);
    tj__env_close(env);
    assert_true(in_child(die_reading, &at));
    set_slot_pid(&at, getpid()); /* a container before this one had this id */
    env = journal_open(&at, 1 << 20, true);
    assert_int_equal(info_of(env).reader_count, 0);
    tj__env_close(env);
    place_remove(&at);
}

/* A snapshot keeps the pages that it sees; that of a dead reader is let go before the map grows. */
static void test_the_map_does_not_grow_for_the_dead(void **state)
{
    (void)state;
    const uint64_t map_size = 1 << 20;
    place at = place_new();
    journal_create(&at);
    tj__env *env = journal_open(&at, map_size, false);
    journal_fill(env, 40, 1000, 1);
    assert_true(in_child(die_reading, &at));
    assert_int_equal(info_of(env).reader_count, 1);
    for (uint64_t sequence = 2; sequence <= 100; sequence++) {
        journal_fill(env, 40, 1000, sequence);
    }
    assert_int_equal(info_of(env).reader_count, 0);
    assert_int_equal(info_of(env).map_size, map_size);
    tj__env_close(env);
    place_remove(&at);
}

/* A reader with the process id of another live one: LMDB tells them by a lock on that byte. */
static int hold_pid_lock(void *context)
{
    const place *at = ((void **)context)[0];
    const int *pipes = ((void **)context)[1];
    struct flock lock = {.l_type = F_WRLCK, .l_start = getppid(), .l_len = 1};
    char byte;
    int fd = open(at->lock, O_RDWR | O_CLOEXEC);
    if (fcntl(fd, F_SETLK, &lock) != 0 || write(pipes[1], "l", 1) != 1) {
        return 1;
    }
    return read(pipes[2], &byte, 1) == 1 ? 0 : 1;
}

static void test_the_same_pid_in_another_namespace(void **state)
{
    (void)state;
    place at = place_new();
    int pipes[4];
    void *context[2] = {&at, pipes};
    char byte;
    int status = 0;
    journal_create(&at);
    tj__env_close(journal_open(&at, 0, true)); /* makes lock.mdb */
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(pipe(pipes + 2), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        leave_cmocka();
        _exit(hold_pid_lock(context));
    }
    assert_int_equal(read(pipes[0], &byte, 1), 1);
    char text[2 * PATH_MAX];
    snprintf(text, sizeof text,
             "another process reads %s under the same process id, %ld, in another pid namespace: "
             "let the containers share one (docker run --pid)",
             at.data, (long)getpid());
    tj__env_options options = {.directory = at.directory, .read_only = true};
    tj__superblock superblock;
    tj__env *env = NULL;
    assert_fails(TJ_BUSY, text, tj__env_open(&options, &env, &superblock, &err));
    assert_int_equal(write(pipes[3], "g", 1), 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    for (int i = 0; i < 4; i++) {
        close(pipes[i]);
    }
    env = journal_open(&at, 0, true);
    tj__env_close(env);
    place_remove(&at);
}

/* LMDB's transaction counter in lock.mdb, behind magic, format and a mutex of 40 bytes. */
#define LOCK_TRANSACTION_AT 48

/* Sets it from another process: closing the file here would drop the locks LMDB holds in it. */
static int put_transaction(void *context)
{
    const place *at = ((void **)context)[0];
    const uint64_t *transaction = ((void **)context)[1];
    int fd = open(at->lock, O_RDWR | O_CLOEXEC);
    ssize_t put = pwrite(fd, transaction, sizeof *transaction, LOCK_TRANSACTION_AT);
    return put == sizeof *transaction ? 0 : 1;
}

/* A counter of two commits ago is what a reader has in hand that was held up for two commits. */
static void test_a_view_that_commits_overtake(void **state)
{
    (void)state;
    place at = place_new();
    journal_create(&at);
    tj__env *env = journal_open(&at, 1 << 20, false);
    journal_fill(env, 10, 100, 1);
    journal_fill(env, 20, 100, 2);
    uint64_t transaction = 1;
    void *context[2] = {&at, &transaction};
    assert_true(in_child(put_transaction, context));
    tj__env_snapshot *snapshot = NULL;
    tj__position position;
    char text[2 * PATH_MAX];
    snprintf(text, sizeof text,
             "commits overtook the beginning of a view of %s 10 times: try again; if it stays so, "
             "lock.mdb is out of date: close the journal in every process",
             at.data);
    assert_fails(TJ_BUSY, text, tj__env_snapshot_begin(env, &snapshot, &position, &err));
    assert_null(snapshot);
    assert_int_equal(info_of(env).oldest_reader_pid, 0);
    transaction = 2; /* its meta page is in place still */
    assert_true(in_child(put_transaction, context));
    tj__env_snapshot_end(snapshot_of(env, 1));
    transaction = 3;
    assert_true(in_child(put_transaction, context));
    tj__env_snapshot_end(snapshot_of(env, 2));
    tj__env_close(env);
    place_remove(&at);
}

/* As an opener that has begun to set lock.mdb up, with a lock of its first byte. */
static bool leave_unfinished(void **context, short lock_type)
{
    const place *at = context[0];
    const int *pipes = context[1];
    static const uint64_t none = 0;
    struct flock lock = {.l_type = lock_type, .l_len = 1};
    int fd = open(at->lock, O_RDWR | O_CLOEXEC);
    return fcntl(fd, F_SETLK, &lock) == 0 &&
           pwrite(fd, &none, sizeof none, LOCK_TRANSACTION_AT) == sizeof none &&
           write(pipes[1], "l", 1) == 1;
}

/* As one that dies before it is done. */
static int die_setting_up(void **context)
{
    bool begun = leave_unfinished(context, F_WRLCK);
    usleep(300000); /* the parent waits for the lock meanwhile */
    return begun ? 0 : 1;
}

static void test_opener_that_died_in_between(void **state)
{
    (void)state;
    place at = place_new();
    int pipes[2];
    void *context[2] = {&at, pipes};
    char byte;
    int status = 0;
    uint64_t transaction = 0;
    journal_create(&at);
    tj__env *env = journal_open(&at, 1 << 20, false);
    journal_fill(env, 10, 100, 1);
    tj__env_close(env);
    int fd = open(at.lock, O_RDONLY | O_CLOEXEC);
    assert_int_equal(pread(fd, &transaction, sizeof transaction, LOCK_TRANSACTION_AT), 8);
    close(fd);
    assert_int_equal(transaction, 2);
    assert_int_equal(pipe(pipes), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        leave_cmocka();
        _exit(die_setting_up(context));
    }
    assert_int_equal(read(pipes[0], &byte, 1), 1);
    env = journal_open(&at, 1 << 20, false);
    journal_fill(env, 20, 100, 2);
    tj__env_close(env);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    env = journal_open(&at, 0, true);
    tj__env_snapshot_end(snapshot_of(env, 2)); /* the commit is not lost */
    tj__env_close(env);
    assert_ok(tj__page_check(at.data, NULL, &err));
    close(pipes[0]);
    close(pipes[1]);
    place_remove(&at);
}

/* As one that has opened it so, and does not let go. */
static int hold_unfinished(void **context)
{
    alarm(120); /* also when nobody is left to kill it */
    if (leave_unfinished(context, F_RDLCK)) {
        pause();
    }
    return 1;
}

static void test_an_unfinished_lock_that_is_held_is_told(void **state)
{
    (void)state;
    place at = place_new();
    int pipes[2];
    void *context[2] = {&at, pipes};
    char byte;
    char text[2 * PATH_MAX];
    tj__env_options options = {.directory = at.directory, .map_size = 1 << 20};
    tj__superblock superblock;
    tj__env *env = NULL;
    journal_create(&at);
    env = journal_open(&at, 1 << 20, false);
    journal_fill(env, 10, 100, 1);
    tj__env_close(env);
    assert_int_equal(pipe(pipes), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        leave_cmocka();
        _exit(hold_unfinished(context));
    }
    assert_int_equal(read(pipes[0], &byte, 1), 1);
    snprintf(text, sizeof text,
             "lock.mdb beside %s was left unfinished by a process that died while opening it, and "
             "others hold on to it: end them, then try again",
             at.data);
    env = NULL;
    assert_fails(TJ_BUSY, text, tj__env_open(&options, &env, &superblock, &err));
    assert_null(env);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    env = journal_open(&at, 1 << 20, false);
    tj__env_snapshot_end(snapshot_of(env, 1)); /* nothing is lost */
    tj__env_close(env);
    close(pipes[0]);
    close(pipes[1]);
    place_remove(&at);
}

/* Opens, looks and closes until it is killed; an assertion aborts it. */
static _Noreturn void open_in_a_loop(const place *at)
{
    alarm(120); /* also when nobody is left to kill it */
    uint64_t last = 0;
    for (;;) {
        tj__env *env = journal_open(at, 0, true);
        tj__env_snapshot *snapshot = NULL;
        tj__position position;
        tally seen;
        assert_ok(tj__env_snapshot_begin(env, &snapshot, &position, &err));
        assert_ok(tally_rows(snapshot, &seen, &err));
        assert_true(position.sequence >= last);
        assert_true(seen.rows == 0 || seen.sequence == position.sequence);
        last = position.sequence;
        tj__env_snapshot_end(snapshot);
        tj__env_close(env);
    }
}

static pid_t start_opener(const place *at)
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        leave_cmocka();
        open_in_a_loop(at);
    }
    return child;
}

#define OPENERS 3
#define KILLS 150

/* Readers are killed at any moment of their opening, while the writer opens, commits and closes. */
static void test_openers_killed_at_random(void **state)
{
    (void)state;
    uint64_t random = seed_new();
    place at = place_new();
    pid_t openers[OPENERS];
    journal_create(&at);
    tj__env_close(journal_open(&at, 1 << 20, false));
    for (size_t i = 0; i < OPENERS; i++) {
        openers[i] = start_opener(&at);
    }
    for (uint64_t sequence = 1; sequence <= KILLS; sequence++) {
        tj__env *env = journal_open(&at, 1 << 20, false);
        tj__env_snapshot_end(snapshot_of(env, sequence - 1));
        journal_fill(env, 3, 100, sequence);
        tj__env_close(env);
        size_t victim = (size_t)random_below(&random, OPENERS);
        int status = 0;
        usleep((useconds_t)random_below(&random, 3000));
        assert_int_equal(kill(openers[victim], SIGKILL), 0);
        assert_int_equal(waitpid(openers[victim], &status, 0), openers[victim]);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        openers[victim] = start_opener(&at);
    }
    for (size_t i = 0; i < OPENERS; i++) {
        kill(openers[i], SIGKILL);
        waitpid(openers[i], NULL, 0);
    }
    assert_ok(tj__page_check(at.data, NULL, &err));
    place_remove(&at);
}

static void test_all_slots_taken(void **state)
{
    (void)state;
    place at = place_new();
    tj__env_snapshot *snapshots[1022];
    tj__position position;
    journal_create(&at);
    tj__env *env = journal_open(&at, 1 << 20, false);
    for (size_t i = 0; i < 1022; i++) {
        snapshots[i] = snapshot_of(env, 0);
    }
    char text[2 * PATH_MAX];
    tj__env_snapshot *more = NULL;
    snprintf(text, sizeof text,
             "all reader slots of %s are taken: end reading processes that are no longer needed, "
             "`tesser-journal status` shows the oldest",
             at.data);
    assert_fails(TJ_BUSY, text, tj__env_snapshot_begin(env, &more, &position, &err));
    assert_null(more);
    for (size_t i = 0; i < 1022; i++) {
        tj__env_snapshot_end(snapshots[i]);
    }
    tj__env_snapshot_end(snapshot_of(env, 0));
    tj__env_snapshot_end(NULL);
    tj__env_close(env);
    place_remove(&at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_second_open_in_one_process),
        cmocka_unit_test(test_fork),
        cmocka_unit_test(test_slots_of_the_dead),
        cmocka_unit_test(test_the_map_does_not_grow_for_the_dead),
        cmocka_unit_test(test_the_same_pid_in_another_namespace),
        cmocka_unit_test(test_a_view_that_commits_overtake),
        cmocka_unit_test(test_opener_that_died_in_between),
        cmocka_unit_test(test_an_unfinished_lock_that_is_held_is_told),
        cmocka_unit_test(test_openers_killed_at_random),
        cmocka_unit_test(test_all_slots_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
