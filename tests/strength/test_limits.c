/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Bounds that are configured, threads, what status tells, and who may look on. */
#include "strength/fixture.h"

#include <dirent.h>
#include <grp.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LAG_BYTES 8192
#define LAG_HARD_FACTOR 4

static tj_status commit_padded(tj_store *store, unsigned number, bool critical)
{
    static char payload[3000];
    memset(payload, ' ', sizeof payload);
    payload[0] = '{';
    payload[sizeof payload - 1] = '}';
    tj_algo_state state = {.plugin = TJ_STR("twap"), .payload = {payload, sizeof payload}};
    tj_uuid id = uuid(number);
    tj_txn *txn = NULL;
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    options.critical = critical;
    assert_ok(tj_txn_begin(store, &txn, &err));
    assert_ok(tj_txn_put_algo(txn, &id, &state, &err));
    err = (tj_error)TJ_ERROR_INIT;
    return tj_txn_commit(txn, &options, NULL, &err);
}

static size_t count_algos(tj_store *store)
{
    tj_algo_list *list = NULL;
    assert_ok(tj_algo_load_all(tj_store_algo_repository(store, NULL), &list, &err));
    size_t count = list->count;
    tj_algo_list_free(list);
    return count;
}

/* ---- the map --------------------------------------------------------------------------------- */

static char last_warning[TJ_ERROR_MESSAGE_SIZE];

static void keep_warning(void *context, tj_trace_level level, const char *message)
{
    (void)context;
    if (level == TJ_TRACE_WARNING) {
        snprintf(last_warning, sizeof last_warning, "%s", message);
    }
}

static void the_map_grows_to_its_bound_and_says_so(void **state)
{
    fixture *f = *state;
    f->config.lmdb.map_size_bytes = (uint64_t)1 << 20;
    f->config.lmdb.map_size_max_bytes = (uint64_t)3 << 20;
    f->config.lmdb.lag_bytes = LAG_BYTES;
    f->config.trace = keep_warning;
    fixture_open(f);
    unsigned stored = 0;
    while (commit_padded(f->store, stored + 1, false) == TJ_OK) {
        stored++;
        assert_true(stored < 3000);
    }
    assert_int_equal(err.status, TJ_FULL);
    assert_non_null(strstr(err.message, "the setting map_size_max allows, 3072 KiB: raise it"));
    assert_true(stored > 500);
    tj_store_info info = info_of(f->store);
    assert_int_equal(info.lmdb.map_size_bytes, (uint64_t)3 << 20);
    assert_true(info.lmdb.lag_bytes > LAG_HARD_FACTOR * LAG_BYTES);
    assert_true(info.lmdb.reserve_bytes > 0); /* the disk's reserve is for a full disk */
    assert_int_equal(count_algos(f->store), stored);
    assert_int_equal(commit_padded(f->store, stored + 1, true), TJ_OK);
    tj_uuid id = uuid(1);
    assert_ok(tj_algo_delete(tj_store_algo_repository(f->store, NULL), &id, &err));
    assert_refused(tj_store_work(f->store, &err), TJ_FULL, "map_size_max");
    fixture_close(f); /* nothing is lost by it, so it is no error */
    assert_non_null(strstr(last_warning, "map_size_max"));
    f->config.trace = NULL;
    f->config.lmdb.map_size_max_bytes = (uint64_t)64 << 20;
    fixture_open(f);
    assert_int_equal(count_algos(f->store), stored);
    assert_int_equal(commit_padded(f->store, 5000, false), TJ_OK);
    assert_ok(tj_store_work(f->store, &err));
    info = info_of(f->store);
    assert_int_equal(info.lmdb.applied_sequence, info.sequence);
    /* A bound below what is there takes nothing away. */
    f->config.lmdb.map_size_max_bytes = (uint64_t)1 << 20;
    fixture_reopen(f);
    assert_int_equal(count_algos(f->store), stored + 1);
}

static void a_bound_below_the_size_is_refused(void **state)
{
    fixture *f = *state;
    f->config.lmdb.map_size_bytes = (uint64_t)8 << 20;
    f->config.lmdb.map_size_max_bytes = (uint64_t)4 << 20;
    assert_refused(tj_store_open(&f->config, &f->store, &err), TJ_MISUSE,
                   "map_size is 8388608 bytes, more than map_size_max, 4194304");
    f->config.lmdb.map_size_bytes = 0;
    fixture_open(f);
    assert_int_equal(info_of(f->store).lmdb.map_size_bytes, (uint64_t)4 << 20);
}

/* ---- commit ids ------------------------------------------------------------------------------ */

static void the_oldest_ids_are_forgotten(void **state)
{
    fixture *f = *state;
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    uint64_t sequence = 0;
    f->config.type = TJ_ENGINE_MEMORY;
    fixture_open(f);
    for (unsigned i = 1; i <= TJ_COMMIT_ID_KEPT + 1; i++) {
        tj_txn *txn = NULL;
        options.commit_id = uuid(i);
        assert_ok(tj_txn_begin(f->store, &txn, &err));
        assert_ok(tj_txn_commit(txn, &options, &sequence, &err));
        assert_int_equal(sequence, i);
    }
    options.commit_id = uuid(1);
    assert_refused(tj_store_commit_find(f->store, &options.commit_id, &sequence, &err),
                   TJ_NOT_FOUND, "is not among the newest 65536");
    options.commit_id = uuid(2);
    assert_ok(tj_store_commit_find(f->store, &options.commit_id, &sequence, &err));
    assert_int_equal(sequence, 2);
    assert_refused(tj_store_commit_find(f->store, NULL, &sequence, &err), TJ_MISUSE, "id");
}

/* ---- threads --------------------------------------------------------------------------------- */

/* The number of this process's threads; *unblocked: those beside the main one that would take
 * SIGTERM. */
static unsigned count_threads(unsigned *unblocked)
{
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *entry;
    unsigned count = 0;
    *unblocked = 0;
    while ((entry = readdir(tasks)) != NULL) {
        char path[320];
        char line[256];
        uint64_t blocked = 0;
        if (entry->d_name[0] == '.') {
            continue;
        }
        count++;
        snprintf(path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
        FILE *status = fopen(path, "r");
        while (status && fgets(line, sizeof line, status)) {
            sscanf(line, "SigBlk: %" SCNx64, &blocked);
        }
        fclose(status);
        bool takes = (blocked & UINT64_C(1) << (SIGTERM - 1)) == 0;
        *unblocked += takes && atoi(entry->d_name) != getpid();
    }
    closedir(tasks);
    return count;
}

/* A thread that has ended may be listed for a moment longer. */
static void expect_threads(unsigned count, unsigned unblocked)
{
    unsigned takes_signals = 0;
    unsigned found = count_threads(&takes_signals);
    for (int i = 0; i < 500 && found != count; i++) {
        sleep_ms(10);
        found = count_threads(&takes_signals);
    }
    assert_int_equal(found, count);
    assert_int_equal(takes_signals, unblocked);
}

static void threads_are_few_and_block_signals(void **state)
{
    fixture *f = *state;
    unsigned unblocked = 0;
    unsigned others = count_threads(&unblocked); /* the main one, and perhaps a sanitizer's */
    fixture_open(f);
    expect_threads(others + 1, unblocked);
    assert_ok(tj_txn_submit(numbered(f->store, 1), NULL, NULL, NULL, NULL, &err));
    expect_threads(others + 2, unblocked);
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    options.deadline_ms = 60000;
    assert_ok(tj_txn_commit(numbered(f->store, 2), &options, NULL, &err));
    expect_threads(others + 3, unblocked);
    fixture_close(f);
    expect_threads(others, unblocked);
    f->config.no_threads = true;
    fixture_open(f);
    assert_ok(tj_txn_submit(numbered(f->store, 3), NULL, NULL, NULL, NULL, &err));
    assert_ok(tj_store_work(f->store, &err));
    expect_threads(others, unblocked);
}

/* Nobody brings LMDB up to date, and still the log does not run away. */
static void without_threads_the_lag_is_bounded(void **state)
{
    fixture *f = *state;
    f->config.no_threads = true;
    f->config.lmdb.lag_bytes = LAG_BYTES;
    fixture_open(f);
    uint64_t most = 0;
    for (unsigned i = 1; i <= 120; i++) {
        assert_int_equal(commit_padded(f->store, i, false), TJ_OK);
        uint64_t lag = info_of(f->store).lmdb.lag_bytes;
        most = lag > most ? lag : most;
    }
    assert_in_range(most, LAG_HARD_FACTOR * LAG_BYTES / 2, LAG_HARD_FACTOR * LAG_BYTES + 4096);
}

/* The helper applies after lag_ms whatever follows, and at once when lag_bytes have gathered. */
static void the_lag_is_bounded_in_time(void **state)
{
    fixture *f = *state;
    f->config.lmdb.lag_ms = 20;
    fixture_open(f);
    uint64_t sequence = commit_number(f->store, 1);
    uint64_t begun = now_ms();
    for (unsigned i = 2; info_of(f->store).lmdb.applied_sequence < sequence; i++) {
        assert_true(now_ms() - begun < 20000);
        commit_number(f->store, i);
    }
}

/* ---- what status tells ----------------------------------------------------------------------- */

static void status_tells_of_space_and_recovery(void **state)
{
    fixture *f = *state;
    tj_time before = tj_time_now();
    f->config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    fixture_open(f);
    tj_store_info info = info_of(f->store);
    assert_int_equal(info.lmdb.reserve_bytes, TJ_SEGMENT_SIZE_MIN + ((uint64_t)1 << 20));
    assert_true(info.lmdb.free_bytes > 0);
    assert_false(info.lmdb.space_low);
    assert_in_range(info.lmdb.recovered_at, before, tj_time_now());
    assert_int_equal(info.lmdb.recovered_bytes_cut, 0);
    commit_number(f->store, 1);
    fixture_close(f);
    /* A torn record behind the last one. */
    char path[PATH_TEXT_SIZE + 64];
    snprintf(path, sizeof path, "%s/log/0000000001.log", f->path);
    FILE *segment = fopen(path, "r+");
    assert_int_equal(fseek(segment, 60000, SEEK_SET), 0);
    assert_int_equal(fputs("torn", segment) >= 0 && fclose(segment) == 0, 1);
    before = tj_time_now();
    fixture_open(f);
    uint64_t cut = info_of(f->store).lmdb.recovered_bytes_cut;
    assert_in_range(cut, 50000, 60004);
    f->config.shared = true;
    fixture_reopen(f);
    assert_int_equal(info_of(f->store).lmdb.recovered_bytes_cut, 0);
    assert_in_range(info_of(f->store).lmdb.recovered_at, before, tj_time_now());
    fixture_close(f);
    f->config.read_only = true;
    fixture_open(f);
    info = info_of(f->store);
    assert_in_range(info.lmdb.recovered_at, before, tj_time_now());
    assert_false(info.writer_alive);
    assert_int_equal(info.lmdb.reserve_bytes, TJ_SEGMENT_SIZE_MIN + ((uint64_t)1 << 20));
}

/* ---- who may look on ------------------------------------------------------------------------- */

#define GROUP 4242
#define OTHER_GROUP 4343
#define NOBODY 65534

static void expect_mode(const fixture *f, const char *name, unsigned mode)
{
    char path[PATH_TEXT_SIZE + 64];
    struct stat found;
    snprintf(path, sizeof path, "%s/%s", f->path, name);
    assert_int_equal(stat(path, &found), 0);
    if ((found.st_mode & 07777) != mode || found.st_gid != GROUP) {
        fail_msg("%s has mode %o and group %u", name, found.st_mode & 07777, found.st_gid);
    }
}

/* The exit code of another user's process: what it could see, 100 and a status if nothing. */
static int look_as(const fixture *f, gid_t group)
{
    pid_t child = fork();
    if (child == 0) {
        tj_config config = f->config;
        tj_store *store = NULL;
        tj_store_info info = TJ_STORE_INFO_INIT;
        config.read_only = true;
        if (setgroups(0, NULL) != 0 || setgid(group) != 0 || setuid(NOBODY) != 0) {
            _exit(99);
        }
        tj_status status = tj_store_open(&config, &store, NULL);
        if (status == TJ_OK) {
            status = tj_store_info_get(store, &info, NULL);
        }
        if (status != TJ_OK) {
            _exit(100 + (int)status);
        }
        bool right = info.writer_alive && info.writer_pid == getppid() &&
                     info.lmdb.recovered_at > 0 && info.lmdb.reserve_bytes > 0;
        tj_uuid id = uuid(1);
        tj_algo_record *record = NULL;
        status = tj_algo_load(tj_store_algo_repository(store, NULL), &id, &record, NULL);
        tj_algo_record_free(record);
        (void)tj_store_close(store, NULL);
        _exit(right && status == TJ_OK ? 0 : 98);
    }
    int code = -1;
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_true(WIFEXITED(code));
    return WEXITSTATUS(code);
}

static void the_group_may_look_on(void **state)
{
    fixture *f = *state;
    if (geteuid() != 0) {
        printf("SKIP: only root can become another user\n");
        fixture_skip(f);
    }
    mode_t mask = umask(022);
    assert_int_equal(chmod(f->directory, 0755), 0);
    assert_int_equal(setegid(GROUP), 0);
    fixture_open(f);
    commit_number(f->store, 1);
    expect_mode(f, ".", 0750);
    expect_mode(f, "log", 0750);
    expect_mode(f, "log/0000000001.log", 0640);
    expect_mode(f, "data.mdb", 0640);
    expect_mode(f, "writer.lock", 0640);
    expect_mode(f, "reserve", 0640);
    expect_mode(f, "lock.mdb", 0660);
    assert_int_equal(look_as(f, GROUP), 0);
    assert_int_equal(look_as(f, OTHER_GROUP), 100 + TJ_IO);
    assert_ok(tj_store_work(f->store, &err));
    fixture_reopen(f);
    assert_int_equal(look_as(f, GROUP), 0);
    assert_int_equal(setegid(0), 0);
    umask(mask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(the_map_grows_to_its_bound_and_says_so),
        JOURNAL_TEST(a_bound_below_the_size_is_refused),
        JOURNAL_TEST(the_oldest_ids_are_forgotten),
        JOURNAL_TEST(threads_are_few_and_block_signals),
        JOURNAL_TEST(without_threads_the_lag_is_bounded),
        JOURNAL_TEST(the_lag_is_bounded_in_time),
        JOURNAL_TEST(status_tells_of_space_and_recovery),
        JOURNAL_TEST(the_group_may_look_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
