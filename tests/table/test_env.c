/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The environment among others: growth with readers, forks, threads, slots, replaced files, a full
 * disk. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "support.h"

static tj__env_info info_of(tj__env *env)
{
    tj__env_info info;
    assert_ok(tj__env_info_get(env, &info, &error));
    return info;
}

typedef struct tally {
    unsigned rows;
    uint64_t bytes;
    uint64_t sequence; /* of all rows, which must be the same */
} tally;

static tj_status see_row(void *context, const tj__row *row, tj_error *error)
{
    tally *seen = context;
    if (row->damaged || (seen->rows > 0 && row->sequence != seen->sequence)) {
        return tj__fail(error, TJ_CORRUPT, "a row of another commit, or a damaged one");
    }
    seen->rows++;
    seen->bytes += row->value.size;
    seen->sequence = row->sequence;
    return TJ_OK;
}

static tj_status tally_rows(tj__env_snapshot *snapshot, tally *out, tj_error *error)
{
    *out = (tally){0};
    return tj__scan_prefix(tj__env_snapshot_rows(snapshot), text_bytes("\3row"), false, see_row,
                           out, error);
}

static tj__env_snapshot *snapshot_of(tj__env *env, uint64_t sequence)
{
    tj__env_snapshot *snapshot = NULL;
    tj__position position;
    assert_ok(tj__env_snapshot_begin(env, &snapshot, &position, &error));
    assert_int_equal(position.sequence, sequence);
    return snapshot;
}

/* ---- growth */

/* A thread that holds a snapshot for a while, so that the growth has to wait for it. */
static void *hold_snapshot(void *context)
{
    tj__env *env = context;
    tj__env_snapshot *snapshot = snapshot_of(env, 1);
    tally seen;
    usleep(200000);
    assert_ok(tally_rows(snapshot, &seen, &error));
    assert_int_equal(seen.rows, 10);
    tj__env_snapshot_end(snapshot);
    return NULL;
}

static void test_growth_waits_for_snapshots(void **state)
{
    (void)state;
    place at = place_new();
    journal_create(&at);
    tj__env *env = journal_open(&at, 1, false);
    uint64_t before = info_of(env).map_size;
    assert_true(before < 1 << 20);
    journal_fill(env, 10, 100, 1);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, hold_snapshot, env), 0);
    usleep(50000);
    journal_fill(env, 300, 50000, 2);
    assert_int_equal(pthread_join(thread, NULL), 0);
    uint64_t after = info_of(env).map_size;
    assert_true(after >= 300 * 50000 && after <= 128 << 20);
    assert_int_equal(after % before, 0);
    tj__env_snapshot *snapshot = snapshot_of(env, 2);
    tally seen;
    assert_ok(tally_rows(snapshot, &seen, &error));
    assert_int_equal(seen.rows, 300);
    assert_int_equal(seen.bytes, 300 * 50000);
    tj__env_snapshot_end(snapshot);
    tj__env_close(env);
    assert_ok(tj__page_check(at.data, NULL, &error));
    place_remove(&at);
}

static void test_growth_gives_up_on_a_forgotten_snapshot(void **state)
{
    (void)state;
    place at = place_new();
    journal_create(&at);
    tj__env *env = journal_open(&at, 1, false);
    journal_fill(env, 10, 100, 1);
    tj__env_snapshot *snapshot = snapshot_of(env, 1);
    tj__rowmap *batch = tj__rowmap_new();
    static uint8_t value[1 << 20];
    assert_non_null(
        tj__rowmap_put(batch, text_bytes("\3big"), tj__bytes_of(value, sizeof value), 2));
    tj__position position = position_at(2);
    char text[2 * PATH_MAX];
    snprintf(text, sizeof text,
             "the map of %s must change, but a view of it has been open in this process for over "
             "10 s: close it, then try again",
             at.data);
    assert_fails(TJ_BUSY, text, tj__env_apply(env, batch, &position, &error));
    tj__env_snapshot_end(snapshot);
    assert_ok(tj__env_apply(env, batch, &position, &error));
    tj__rowmap_free(batch);
    tj__env_close(env);
    place_remove(&at);
}

/* A reading process whose map is small, as on a system with little address space. The parent
 * writes a byte when the file has grown, and waits for one when the child is ready. */
typedef struct small_reader {
    place at;
    int ready[2];
    int grown[2];
    bool limited; /* in address space while it opens */
} small_reader;

static uint64_t address_space_in_use(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lu", &pages), 1);
    fclose(file);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static tj__env *open_limited(const small_reader *reader)
{
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    struct rlimit limit = {address_space_in_use() + ((uint64_t)64 << 20), before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
    tj__env *env = journal_open(&reader->at, 0, true);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_true(info_of(env).map_size <= 64 << 20);
    return env;
}

static int read_while_it_grows(void *context)
{
    small_reader *reader = context;
    tally seen;
    char byte = 0;
    tj__env *env = reader->limited ? open_limited(reader) : journal_open(&reader->at, 0, true);
    uint64_t map_size = info_of(env).map_size;
    tj__env_snapshot *snapshot = snapshot_of(env, 1);
    assert_int_equal(write(reader->ready[1], "r", 1), 1);
    assert_int_equal(read(reader->grown[0], &byte, 1), 1);
    assert_ok(tally_rows(snapshot, &seen, &error)); /* still what it was */
    assert_int_equal(seen.rows, 10);
    tj__env_snapshot_end(snapshot);
    snapshot = snapshot_of(env, 2);
    assert_ok(tally_rows(snapshot, &seen, &error));
    assert_int_equal(seen.rows, 1500);
    tj__env_snapshot_end(snapshot);
    /* The usual map has room for any growth; a sanitizer's address space may hold less of it. */
    if (reader->limited) {
        assert_true(info_of(env).map_size > map_size);
    } else {
        assert_int_equal(info_of(env).map_size, map_size);
        assert_in_range(map_size, (uint64_t)1 << 30, (uint64_t)1 << 40);
    }
    tj__env_close(env);
    return 0;
}

static void grow_beside_a_reader(bool limited)
{
    small_reader reader = {.at = place_new(), .limited = limited};
    char byte = 0;
    int status = 0;
    journal_create(&reader.at);
    tj__env *env = journal_open(&reader.at, 1, false);
    journal_fill(env, 10, 100, 1);
    tj__env_close(env); /* nothing of LMDB's must be inherited */
    assert_int_equal(pipe(reader.ready), 0);
    assert_int_equal(pipe(reader.grown), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        leave_cmocka();
        close(reader.ready[0]);
        close(reader.grown[1]);
        _exit(read_while_it_grows(&reader));
    }
    close(reader.ready[1]); /* so that neither waits for the other when that one is gone */
    close(reader.grown[0]);
    env = journal_open(&reader.at, 1, false);
    assert_int_equal(read(reader.ready[0], &byte, 1), 1);
    assert_int_equal(info_of(env).reader_count, 1);
    assert_int_equal(info_of(env).oldest_reader_pid, child);
    assert_int_equal(info_of(env).oldest_reader_lag, 0);
    journal_fill(env, 1500, 60000, 2);
    assert_int_equal(info_of(env).oldest_reader_lag, 1);
    assert_int_equal(write(reader.grown[1], "g", 1), 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    tj__env_close(env);
    close(reader.ready[0]);
    close(reader.grown[1]);
    place_remove(&reader.at);
}

static void test_growth_beside_a_reading_process(void **state)
{
    (void)state;
    grow_beside_a_reader(false);
}

static void test_growth_beyond_a_reader_with_a_small_map(void **state)
{
    (void)state;
    grow_beside_a_reader(true);
}

/* ---- threads */

typedef struct reading_crowd {
    tj__env *env;
    atomic_bool done;
    atomic_uint views;
} reading_crowd;

/* One view; a failed assertion in a thread of its own would end the program without a word. */
static tj_status look_once(tj__env *env, uint64_t *last, tj_error *error)
{
    tj__env_snapshot *snapshot = NULL;
    tj__position position;
    tally seen = {0};
    TJ_TRY(tj__env_snapshot_begin(env, &snapshot, &position, error));
    tj_status status = tally_rows(snapshot, &seen, error);
    tj__env_snapshot_end(snapshot);
    if (status == TJ_OK &&
        (position.sequence < *last || (seen.rows > 0 && seen.sequence != position.sequence))) {
        status =
            tj__fail(error, TJ_CORRUPT, "position %" PRIu64 " after %" PRIu64 ", rows of %" PRIu64,
                     position.sequence, *last, seen.sequence);
    }
    *last = position.sequence;
    return status;
}

static void *read_in_a_loop(void *context)
{
    reading_crowd *crowd = context;
    uint64_t last = 0;
    tj_error error = TJ_ERROR_INIT;
    while (!atomic_load(&crowd->done)) {
        if (look_once(crowd->env, &last, &error) != TJ_OK) {
            return strdup(error.message);
        }
        atomic_fetch_add(&crowd->views, 1);
    }
    return NULL;
}

static void test_many_readers_while_it_grows(void **state)
{
    (void)state;
    place at = place_new();
    journal_create(&at);
    reading_crowd crowd = {.env = journal_open(&at, 1, false)};
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, read_in_a_loop, &crowd), 0);
    }
    for (uint64_t sequence = 1; sequence <= 60; sequence++) {
        journal_fill(crowd.env, 40, (size_t)sequence * 300, sequence);
        tj__env_reap_readers(crowd.env);
        (void)info_of(crowd.env);
    }
    atomic_store(&crowd.done, true);
    for (size_t i = 0; i < 4; i++) {
        void *failure = NULL;
        assert_int_equal(pthread_join(threads[i], &failure), 0);
        if (failure) {
            fail_msg("a reader saw: %s", (char *)failure);
        }
    }
    assert_true(atomic_load(&crowd.views) > 0);
    tj__env_close(crowd.env);
    assert_ok(tj__page_check(at.data, NULL, &error));
    place_remove(&at);
}

/* ---- processes and slots */

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
    assert_fails(TJ_BUSY, text, tj__env_open(&options, &second, &superblock, &error));
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
    assert_fails(TJ_CLOSED, text, tj__env_snapshot_begin(from->env, &snapshot, &position, &error));
    tj__rowmap *batch = tj__rowmap_new();
    assert_fails(TJ_CLOSED, text, tj__env_apply(from->env, batch, &position, &error));
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
    assert_ok(tally_rows(from.snapshot, &seen, &error));
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
    assert_fails(TJ_BUSY, text, tj__env_open(&options, &env, &superblock, &error));
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
    assert_fails(TJ_BUSY, text, tj__env_snapshot_begin(env, &snapshot, &position, &error));
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

/* As an opener that has begun to set lock.mdb up, and dies before it is done. */
static int die_setting_up(void *context)
{
    const place *at = ((void **)context)[0];
    const int *pipes = ((void **)context)[1];
    static const uint64_t none = 0;
    struct flock lock = {.l_type = F_WRLCK, .l_len = 1};
    int fd = open(at->lock, O_RDWR | O_CLOEXEC);
    if (fcntl(fd, F_SETLK, &lock) != 0 ||
        pwrite(fd, &none, sizeof none, LOCK_TRANSACTION_AT) != sizeof none ||
        write(pipes[1], "l", 1) != 1) {
        return 1;
    }
    usleep(300000); /* the parent waits for the lock meanwhile */
    return 0;
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
    assert_ok(tj__page_check(at.data, NULL, &error));
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
        assert_ok(tj__env_snapshot_begin(env, &snapshot, &position, &error));
        assert_ok(tally_rows(snapshot, &seen, &error));
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
    assert_ok(tj__page_check(at.data, NULL, &error));
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
    assert_fails(TJ_BUSY, text, tj__env_snapshot_begin(env, &more, &position, &error));
    assert_null(more);
    for (size_t i = 0; i < 1022; i++) {
        tj__env_snapshot_end(snapshots[i]);
    }
    tj__env_snapshot_end(snapshot_of(env, 0));
    tj__env_snapshot_end(NULL);
    tj__env_close(env);
    place_remove(&at);
}

/* ---- files */

static void test_lock_file_is_allocated(void **state)
{
    (void)state;
    place at = place_new();
    struct stat info;
    journal_create(&at);
    for (int other_size = 0; other_size < 2; other_size++) {
        off_t size = other_size ? 8192 : 65536; /* 126 readers: another LMDB program made it */
        unlink(at.lock);
        if (other_size) {
            int fd = open(at.lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
            assert_int_equal(ftruncate(fd, size), 0);
            close(fd);
        }
        tj__env *env = journal_open(&at, 1 << 20, true);
        assert_int_equal(stat(at.lock, &info), 0);
        assert_int_equal(info.st_size, size);
        assert_true(info.st_blocks * 512 >= size);
        tj__env_close(env);
    }
    place_remove(&at);
}

static void test_descriptors_are_not_inherited(void **state)
{
    (void)state;
    place at = place_new();
    journal_create(&at);
    tj__env *env = journal_open(&at, 1 << 20, false);
    unsigned seen = 0;
    for (int fd = 0; fd < 64; fd++) {
        char link[64];
        char target[PATH_MAX];
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t size = readlink(link, target, sizeof target - 1);
        if (size > 0 && memmem(target, (size_t)size, "/tj-table-", 10)) {
            assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
            seen++;
        }
    }
    assert_int_equal(seen, 3); /* data, data for meta pages, lock */
    tj__env_close(env);
    place_remove(&at);
}

static void test_replaced_file(void **state)
{
    (void)state;
    place at = place_new();
    char moved[PATH_MAX];
    char text[2 * PATH_MAX];
    journal_create(&at);
    tj__env *env = journal_open(&at, 1 << 20, false);
    assert_ok(tj__env_same_file(env, &error));
    snprintf(moved, sizeof moved, "%s/moved", at.directory);
    assert_int_equal(rename(at.data, moved), 0);
    journal_create(&at);
    snprintf(text, sizeof text, "%s was removed or replaced while it was open", at.data);
    assert_fails(TJ_CLOSED, text, tj__env_same_file(env, &error));
    tj__rowmap *batch = tj__rowmap_new();
    tj__position position = position_at(1);
    assert_fails(TJ_CLOSED, text, tj__env_apply(env, batch, &position, &error));
    tj__rowmap_free(batch);
    tj__env_close(env);
    unlink(moved);
    place_remove(&at);
}

static void test_apply_to_a_reading_handle(void **state)
{
    (void)state;
    place at = place_new();
    char text[2 * PATH_MAX];
    journal_create(&at);
    tj__env *env = journal_open(&at, 0, true);
    tj__rowmap *batch = tj__rowmap_new();
    tj__position position = position_at(1);
    snprintf(text, sizeof text, "%s is open for reading", at.data);
    assert_fails(TJ_READONLY, text, tj__env_apply(env, batch, &position, &error));
    tj__rowmap_free(batch);
    tj__env_close(env);
    place_remove(&at);
}

/* ---- a full disk, and a read-only one: in a file system of the test's own */

/* Mounts a small tmpfs over the directory, seen by this process only. */
static bool mount_small(const char *directory, const char *options)
{
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tmpfs", directory, "tmpfs", MS_NOSUID | MS_NODEV, options) == 0;
}

#define CANNOT_MOUNT 77

static uint64_t fill_until_full(tj__env *env, const place *at)
{
    static uint8_t value[20000];
    tj__rowmap *batch = tj__rowmap_new();
    tj_error error = TJ_ERROR_INIT;
    for (uint64_t sequence = 1;; sequence++) {
        char key[32];
        snprintf(key, sizeof key, "\3row %04u", (unsigned)sequence);
        tj__rowmap_clear(batch);
        memset(value, (int)sequence & 0xff, sizeof value);
        assert_non_null(
            tj__rowmap_put(batch, text_bytes(key), tj__bytes_of(value, sizeof value), 7));
        tj__position position = position_at(sequence);
        tj_status status = tj__env_apply(env, batch, &position, &error);
        if (status != TJ_OK) {
            assert_int_equal(status, TJ_FULL);
            assert_true(strstr(error.message, "no space left on device: writing ") ||
                        strstr(error.message, "the disk is possibly full ("));
            assert_string_equal(error.place, at->data);
            tj__rowmap_free(batch);
            return sequence - 1;
        }
    }
}

static int fill_the_disk(void *context)
{
    const place *at = context;
    if (!mount_small(at->directory, "size=2m")) {
        return CANNOT_MOUNT;
    }
    journal_create(at);
    tj__env *env = journal_open(at, 1, false);
    char ballast[PATH_MAX];
    snprintf(ballast, sizeof ballast, "%s/ballast", at->directory);
    int fd = open(ballast, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(posix_fallocate(fd, 0, 800000), 0);
    close(fd);
    uint64_t last = fill_until_full(env, at);
    assert_true(last > 3);
    for (int i = 0; i < 3; i++) { /* it stays as it was, and readers work */
        tally seen;
        tj__env_snapshot *snapshot = snapshot_of(env, last);
        assert_ok(tally_rows(snapshot, &seen, &error));
        assert_int_equal(seen.rows, last);
        tj__env_snapshot_end(snapshot);
        tj__env_reap_readers(env);
    }
    assert_int_equal(unlink(ballast), 0);
    journal_fill(env, 1, 20000, last + 1); /* goes on when there is space */
    tj__env_close(env);
    assert_ok(tj__page_check(at->data, NULL, &error));
    return 0;
}

static int read_from_a_read_only_disk(void *context)
{
    const place *at = context;
    if (!mount_small(at->directory, "size=8m")) {
        return CANNOT_MOUNT;
    }
    journal_create(at);
    tj__env *env = journal_open(at, 1, false);
    journal_fill(env, 10, 100, 1);
    tj__env_close(env);
    unlink(at->lock);
    assert_int_equal(mount(NULL, at->directory, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
    tally seen;
    env = journal_open(at, 0, true);
    tj__env_snapshot *snapshot = snapshot_of(env, 1);
    assert_ok(tally_rows(snapshot, &seen, &error));
    assert_int_equal(seen.rows, 10);
    tj__env_snapshot_end(snapshot);
    assert_int_equal(info_of(env).reader_count, 0);
    tj__env_close(env);
    tj__env_options options = {.directory = at->directory};
    tj__superblock superblock;
    tj_error error = TJ_ERROR_INIT;
    assert_int_equal(tj__env_open(&options, &env, &superblock, &error), TJ_READONLY);
    assert_non_null(strstr(error.message, "read-only file system: opening "));
    return 0;
}

/* No room for the 64 KiB of lock.mdb: an error, not SIGBUS. */
static int open_without_room_for_the_lock(void *context)
{
    const place *at = context;
    if (!mount_small(at->directory, "size=1m")) {
        return CANNOT_MOUNT;
    }
    journal_create(at);
    unlink(at->lock);
    char ballast[PATH_MAX];
    snprintf(ballast, sizeof ballast, "%s/ballast", at->directory);
    int fd = open(ballast, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    static const char page[4096];
    while (write(fd, page, sizeof page) > 0) {
    }
    close(fd);
    tj__env_options options = {.directory = at->directory, .read_only = true};
    tj__superblock superblock;
    tj__env *env = NULL;
    tj_error error = TJ_ERROR_INIT;
    assert_int_equal(tj__env_open(&options, &env, &superblock, &error), TJ_FULL);
    assert_non_null(strstr(error.message, "no space left on device: reserving 65536 bytes for "));
    return 0;
}

static void in_own_mount(int (*body)(void *context))
{
    place at = place_new();
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        leave_cmocka();
        _exit(body(&at));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    place_remove(&at);
    if (WIFEXITED(status) && WEXITSTATUS(status) == CANNOT_MOUNT) {
        printf("SKIPPED: cannot mount a tmpfs here (needs root)\n");
        skip();
    }
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_full_disk(void **state)
{
    (void)state;
    in_own_mount(fill_the_disk);
}

static void test_read_only_disk(void **state)
{
    (void)state;
    in_own_mount(read_from_a_read_only_disk);
}

static void test_full_disk_at_open(void **state)
{
    (void)state;
    in_own_mount(open_without_room_for_the_lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_growth_waits_for_snapshots),
        cmocka_unit_test(test_growth_gives_up_on_a_forgotten_snapshot),
        cmocka_unit_test(test_growth_beside_a_reading_process),
        cmocka_unit_test(test_growth_beyond_a_reader_with_a_small_map),
        cmocka_unit_test(test_many_readers_while_it_grows),
        cmocka_unit_test(test_second_open_in_one_process),
        cmocka_unit_test(test_fork),
        cmocka_unit_test(test_slots_of_the_dead),
        cmocka_unit_test(test_the_same_pid_in_another_namespace),
        cmocka_unit_test(test_a_view_that_commits_overtake),
        cmocka_unit_test(test_opener_that_died_in_between),
        cmocka_unit_test(test_openers_killed_at_random),
        cmocka_unit_test(test_all_slots_taken),
        cmocka_unit_test(test_lock_file_is_allocated),
        cmocka_unit_test(test_descriptors_are_not_inherited),
        cmocka_unit_test(test_replaced_file),
        cmocka_unit_test(test_apply_to_a_reading_handle),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_read_only_disk),
        cmocka_unit_test(test_full_disk_at_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
