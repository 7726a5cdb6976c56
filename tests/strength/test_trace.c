/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The trace callback is called with no lock held: at every message it opens another store, forks,
 * saves and loads. A process that hangs is ended by its alarm. The messages are about opening,
 * recovery, a full disk, a reserve that is used and made whole, and closing; each comes once.
 */
#include "strength/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#define HANGS_AFTER_S 60
#define MESSAGES_MAX 64

static struct {
    fixture *f;
    char other[DIRECTORY_SIZE + 16];
    char messages[MESSAGES_MAX][TJ_ERROR_MESSAGE_SIZE];
    _Atomic unsigned count;
    _Atomic unsigned saved;
    _Atomic unsigned pause_ms; /* before the callback does anything */
} heard;
static _Thread_local bool inside; /* what the callback does says something, too */

/* Of the thread that hears; `err` is the test's. */
static _Thread_local tj_error own;

static void must(bool condition, const char *what)
{
    if (!condition) {
        printf("in the trace callback: %s: %s\n", what, own.message);
        fflush(stdout);
        _exit(1);
    }
}

static void open_another(void)
{
    tj_config config = TJ_CONFIG_INIT;
    tj_store *store = NULL;
    config.path = heard.other;
    config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    tj_status status = tj_store_open(&config, &store, &own);
    must(status == TJ_OK || status == TJ_BUSY, "opening another store"); /* another thread has it */
    must(tj_store_close(store, &own) == TJ_OK, "closing it");
}

static void fork_once(void)
{
    int code = -1;
    pid_t child = fork();
    if (child == 0) {
        _exit(0);
    }
    must(waitpid(child, &code, 0) == child && code == 0, "forking");
}

static void save_and_load(tj_store *store)
{
    uint64_t first = 0;
    tj_live_state *state = NULL;
    tj_status status = tj_counter_reserve(store, NULL, "orders", 1, &first, &own);
    must(status == TJ_OK || status == TJ_FULL, "saving");
    status = tj_state_load(tj_store_state_repository(store, NULL), &state, &own);
    must(status == TJ_OK || status == TJ_NOT_FOUND, "loading");
    tj_live_state_free(state);
    heard.saved++;
}

static void hear(void *context, tj_trace_level level, const char *message)
{
    (void)context;
    (void)level;
    unsigned at = atomic_fetch_add(&heard.count, 1);
    must(at < MESSAGES_MAX, "too many messages");
    snprintf(heard.messages[at], TJ_ERROR_MESSAGE_SIZE, "%s", message);
    if (inside) {
        return;
    }
    inside = true;
    sleep_ms(heard.pause_ms);
    open_another();
    fork_once();
    tj_store *store = heard.f->store;
    if (store) {
        save_and_load(store);
    }
    inside = false;
}

static unsigned times_heard(const char *part)
{
    unsigned times = 0;
    for (unsigned i = 0; i < heard.count; i++) {
        times += strstr(heard.messages[i], part) != NULL;
    }
    return times;
}

static void listen_to(fixture *f)
{
    heard.f = f;
    heard.count = 0;
    heard.saved = 0;
    snprintf(heard.other, sizeof heard.other, "%s/other", f->directory);
    f->config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    f->config.lmdb.lag_ms = 1;
    f->config.trace = hear;
}

static void close_listening(fixture *f)
{
    tj_store *store = f->store;
    f->store = NULL;
    assert_ok(tj_store_close(store, &err));
}

static void test_opening_and_recovery(void **state)
{
    fixture *f = *state;
    char path[PATH_TEXT_SIZE + 64];
    listen_to(f);
    fixture_open(f);
    commit_number(f->store, 1);
    close_listening(f);
    snprintf(path, sizeof path, "%s/log/0000000001.log", f->path);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "torn", 4, TJ_SEGMENT_SIZE_MIN - 8192), 4);
    close(fd);
    fixture_open(f);
    assert_int_equal(times_heard("an unfinished write"), 1);
    assert_int_equal(times_heard("opened "), 2);
    assert_true(holds_number(f->store, 1));
    close_listening(f);
}

static void fill_disk(fixture *f)
{
    static const char block[4096];
    char path[DIRECTORY_SIZE + 16];
    snprintf(path, sizeof path, "%s/filler", f->directory);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    while (write(fd, block, sizeof block) == (ssize_t)sizeof block) {
    }
    close(fd);
}

static void empty_disk(fixture *f)
{
    char path[DIRECTORY_SIZE + 16];
    snprintf(path, sizeof path, "%s/filler", f->directory);
    unlink(path);
}

typedef tj_status committer(tj_txn *txn, const tj_commit_options *options);

static tj_status commit_alone(tj_txn *txn, const tj_commit_options *options)
{
    return tj_txn_commit(txn, options, NULL, &err);
}

static tj_status commit_together(tj_txn *txn, const tj_commit_options *options)
{
    tj_commit_item item = {.txn = txn, .options = options, .error = &err};
    tj_txn_commit_all(&item, 1);
    return item.status;
}

/* Until the reserve is used, then with it. */
static void use_up_the_reserve(fixture *f, committer *commit)
{
    static const char pad[2048] = {0};
    tj_commit_options critical = TJ_COMMIT_OPTIONS_INIT;
    critical.critical = true;
    unsigned before = times_heard("its reserve is in use");
    for (unsigned i = 0; i < 200 && times_heard("its reserve is in use") == before; i++) {
        char payload[sizeof pad + 2];
        tj_uuid id = uuid(1000 + i);
        tj_txn *txn = NULL;
        memset(payload, 'x', sizeof payload);
        payload[0] = payload[sizeof payload - 1] = '"';
        tj_algo_state algo = {TJ_STR("twap"), {payload, sizeof payload}};
        assert_ok(tj_txn_begin(f->store, &txn, &err));
        assert_ok(tj_txn_put_algo(txn, &id, &algo, &err));
        assert_ok(commit(txn, &critical));
    }
}

static tj_status try_number(tj_store *store, unsigned number)
{
    tj_status status = tj_txn_commit(numbered(store, number), NULL, NULL, &err);
    assert_true(status == TJ_OK || status == TJ_FULL);
    return status;
}

static void full_disk(fixture *f, bool no_threads)
{
    if (mount("tmpfs", f->directory, "tmpfs", 0, "size=8m") != 0) {
        printf("SKIP: no tmpfs can be mounted here: %s\n", strerror(errno));
        return;
    }
    listen_to(f);
    f->config.no_threads = no_threads;
    fixture_open(f);
    fill_disk(f);
    use_up_the_reserve(f, commit_alone);
    assert_true(times_heard("its reserve is in use") > 0);
    tj_status status = tj_store_work(f->store, &err); /* LMDB cannot follow */
    assert_true(status == TJ_OK || status == TJ_FULL);
    empty_disk(f);
    assert_ok(tj_store_work(f->store, &err));
    commit_number(f->store, 2);
    /* The helper may be the one that says so, and say it later. */
    for (unsigned ms = 0; ms < 10000 && times_heard("has its reserve of space") !=
                                            times_heard("its reserve is in use");
         ms += 5) {
        sleep_ms(5);
    }
    assert_int_equal(times_heard("has its reserve of space"), times_heard("its reserve is in use"));
    assert_int_equal(times_heard("is on tmpfs"), 1);
    assert_true(heard.saved > 0);
    fill_disk(f);
    use_up_the_reserve(f, commit_together);
    close_listening(f);
    umount2(f->directory, MNT_DETACH);
}

static void test_a_full_disk(void **state)
{
    full_disk(*state, false);
}

static void test_a_full_disk_without_threads(void **state)
{
    full_disk(*state, true);
}

/* The helper speaks while a commit waits for it, and its callback saves: the commit does the
 * helper's work. */
static void test_a_save_while_a_commit_waits(void **state)
{
    fixture *f = *state;
    if (mount("tmpfs", f->directory, "tmpfs", 0, "size=8m") != 0) {
        printf("SKIP: no tmpfs can be mounted here: %s\n", strerror(errno));
        fixture_skip(f);
    }
    listen_to(f);
    f->config.lmdb.lag_bytes = 1; /* every commit waits for LMDB */
    heard.pause_ms = 100;
    fixture_open(f);
    fill_disk(f);
    for (unsigned i = 0; i < 20; i++) {
        (void)try_number(f->store, i);
    }
    while (heard.saved == 0) {
        sleep_ms(5);
    }
    assert_int_equal(times_heard("space is low"), 1);
    heard.pause_ms = 0;
    close_listening(f);
    umount2(f->directory, MNT_DETACH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(test_opening_and_recovery),
        JOURNAL_TEST(test_a_save_while_a_commit_waits),
        JOURNAL_TEST(test_a_full_disk),
        JOURNAL_TEST(test_a_full_disk_without_threads),
    };
    directory_in_memory();
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        printf("no mount namespace of its own: %s\n", strerror(errno));
    }
    alarm(HANGS_AFTER_S);
    return cmocka_run_group_tests_name("the trace callback", tests, NULL, NULL);
}
