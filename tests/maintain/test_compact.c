/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* data.mdb becomes as small as what is in it, and holds what it held; a kill at any moment leaves
 * the old one or the new one. */
#include "fault/calls.h"
#include "journal/journal_fixture.h"

#include "support/orphan.h"

#include "journal/child.h"

#define ALGOS 400u
#define KEPT 7u

static tj_uuid id_of(unsigned number)
{
    tj_uuid id = {{0xc0, [14] = (uint8_t)(number >> 8), [15] = (uint8_t)number}};
    return id;
}

static void change_algos(fixture *f, unsigned first, bool put)
{
    static char payload[4096];
    tj_algo_state state = {TJ_STR("TWAP"), {payload, sizeof payload}};
    tj_txn *txn = NULL;
    memset(payload, 'x', sizeof payload);
    payload[0] = payload[sizeof payload - 1] = '"';
    fixture_open(f);
    assert_ok(tj_txn_begin(f->store, &txn, &err));
    for (unsigned i = first; i < ALGOS; i++) {
        tj_uuid id = id_of(i);
        assert_ok(put ? tj_txn_put_algo(txn, &id, &state, &err)
                      : tj_txn_delete_algo(txn, &id, &err));
    }
    assert_ok(tj_txn_commit(txn, NULL, NULL, &err));
    fixture_close(f);
}

/* A journal that once had many algorithms, and has a few. */
static void make_bloated(fixture *f)
{
    f->config.lmdb.segment_size_bytes = (uint64_t)4 << 20;
    change_algos(f, 0, true);
    change_algos(f, KEPT, false);
}

static size_t algo_count(fixture *f)
{
    tj_algo_list *list = NULL;
    fixture_open(f);
    assert_ok(tj_algo_load_all(tj_store_algo_repository(f->store, NULL), &list, &err));
    size_t count = list->count;
    assert_int_equal(list->quarantined_count, 0);
    tj_algo_list_free(list);
    fixture_close(f);
    return count;
}

static tj_compact_report compacted(fixture *f, bool dry)
{
    tj_compact_options options = TJ_COMPACT_OPTIONS_INIT;
    tj_compact_report report = TJ_COMPACT_REPORT_INIT;
    options.dry_run = dry;
    assert_ok(tj_compact(&f->config, &options, &report, &err));
    return report;
}

static struct stat data_of(const fixture *f)
{
    char path[PATH_TEXT_SIZE + 16];
    struct stat found;
    snprintf(path, sizeof path, "%s/data.mdb", f->path);
    assert_int_equal(stat(path, &found), 0);
    return found;
}

/* ---- what it does ---------------------------------------------------------------------------- */

static void it_is_smaller_and_holds_the_same(void **state)
{
    fixture *f = *state;
    make_bloated(f);
    shell("chmod 0640 %s/data.mdb", f->path);
    struct stat before = data_of(f);
    tj_compact_report report = compacted(f, false);
    struct stat after = data_of(f);
    assert_true(report.written);
    assert_int_equal(report.bytes_before, before.st_size);
    assert_int_equal(report.bytes_after, after.st_size);
    assert_true(after.st_size * 10 < before.st_size);
    assert_int_equal(after.st_mode, before.st_mode);
    assert_int_not_equal(after.st_ino, before.st_ino);
    assert_journal_sound(f->path);
    assert_int_equal(algo_count(f), KEPT);
    /* It goes on as any journal does. */
    change_algos(f, 0, true);
    assert_int_equal(algo_count(f), ALGOS);
}

static void a_dry_run_tells_and_changes_nothing(void **state)
{
    fixture *f = *state;
    make_bloated(f);
    char *before = digest(f->path);
    tj_compact_report dry = compacted(f, true);
    char *after = digest(f->path);
    assert_string_equal(after, before);
    free(before);
    free(after);
    assert_false(dry.written);
    tj_compact_report real = compacted(f, false);
    assert_int_equal(dry.bytes_before, real.bytes_before);
    assert_int_equal(dry.bytes_after, real.bytes_after);
}

static void without_free_pages_nothing_is_done(void **state)
{
    fixture *f = *state;
    make_bloated(f);
    (void)compacted(f, false);
    ino_t before = data_of(f).st_ino;
    tj_compact_report report = compacted(f, false);
    assert_false(report.written);
    assert_int_equal(report.bytes_after, report.bytes_before);
    assert_int_equal(data_of(f).st_ino, before);
}

/* ---- who is in the way ----------------------------------------------------------------------- */

static void refuse(fixture *f, tj_status status, const char *text)
{
    tj_compact_report report = TJ_COMPACT_REPORT_INIT;
    ino_t before = data_of(f).st_ino;
    assert_refused(tj_compact(&f->config, NULL, &report, &err), status, text);
    assert_int_equal(data_of(f).st_ino, before);
}

static int child_have_open(const char *path, bool read_only)
{
    tj_error error = TJ_ERROR_INIT;
    tj_config config = TJ_CONFIG_INIT;
    tj_store *store = NULL;
    config.path = path;
    config.read_only = read_only;
    child_must(tj_store_open(&config, &store, &error), &error);
    say("open");
    return child_wait();
}

static void nobody_else_may_have_it_open(void **state)
{
    fixture *f = *state;
    char text[64];
    make_bloated(f);
    child writer = child_start("write", f->path, "");
    child_expect(&writer, "open");
    snprintf(text, sizeof text, "pid %lld", (long long)writer.pid);
    refuse(f, TJ_BUSY, text);
    tj_compact_report beside = compacted(f, true);
    assert_true(beside.bytes_after < beside.bytes_before);
    child_kill(&writer);
    child reader = child_start("look", f->path, "");
    child_expect(&reader, "open");
    snprintf(text, sizeof text, "process %lld reads journal", (long long)reader.pid);
    refuse(f, TJ_BUSY, text);
    assert_int_equal(algo_count(f), KEPT);
    child_kill(&reader);
    assert_true(compacted(f, false).written);
    fixture_open(f);
    refuse(f, TJ_BUSY, "pid");
    fixture_close(f);
}

/* Whoever has lock.mdb open tells the next opener which transaction is the newest, and by that
 * which of the two meta pages. */
static void either_meta_page_leads_to_all_of_it(void **state)
{
    fixture *f = *state;
    make_bloated(f);
    for (uint64_t i = 1; i <= 2; i++) {
        tj_compact_report report = TJ_COMPACT_REPORT_INIT;
        tj_config other = f->config;
        char path[PATH_TEXT_SIZE + 16];
        snprintf(path, sizeof path, "%s/other", f->directory);
        other.path = path;
        fixture_open(f);
        assert_ok(save_number(f->store, i, &err));
        fixture_close(f);
        shell("rm -rf %s && cp -r %s %s", path, f->path, path);
        child reader = child_start("look", f->path, "");
        child_expect(&reader, "open");
        assert_ok(tj_compact(&other, NULL, &report, &err));
        assert_true(report.written);
        shell("mv %s/data.mdb %s/data.mdb", path, f->path);
        assert_int_equal(algo_count(f), KEPT);
        child_kill(&reader);
        change_algos(f, 0, true);
        change_algos(f, KEPT, false);
        assert_journal_sound(f->path);
    }
}

static void wrong_calls_are_refused(void **state)
{
    fixture *f = *state;
    tj_compact_report report = TJ_COMPACT_REPORT_INIT;
    tj_compact_options options = TJ_COMPACT_OPTIONS_INIT;
    tj_config memory = TJ_CONFIG_INIT;
    memory.type = TJ_ENGINE_MEMORY;
    assert_refused(tj_compact(&f->config, NULL, &report, &err), TJ_NOT_FOUND,
                   "there is no journal at");
    assert_refused(tj_compact(&memory, NULL, &report, &err), TJ_UNSUPPORTED, "in memory");
    assert_refused(tj_compact(NULL, NULL, &report, &err), TJ_MISUSE, "no configuration");
    assert_refused(tj_compact(&f->config, NULL, NULL, &err), TJ_MISUSE, "");
    options.struct_size = 1;
    assert_refused(tj_compact(&f->config, &options, &report, &err), TJ_MISUSE,
                   "TJ_COMPACT_OPTIONS_INIT");
}

/* A disk that is full in the middle: the old one stays. */
static void a_full_disk_changes_nothing(void **state)
{
    fixture *f = *state;
    make_bloated(f);
    for (long call = 1;; call++) {
        tj_compact_report report = TJ_COMPACT_REPORT_INIT;
        ino_t before = data_of(f).st_ino;
        calls_watch(f->path, 1u << CALL_WRITE | 1u << CALL_RESIZE, call, ENOSPC);
        io.lasting = true;
        tj_status status = tj_compact(&f->config, NULL, &report, &err);
        bool failed = io.failed;
        calls_ignore();
        if (!failed) {
            assert_int_equal(status, TJ_OK);
            break;
        }
        assert_int_equal(data_of(f).st_ino == before, status != TJ_OK || !report.written);
        assert_int_equal(algo_count(f), KEPT);
        if (report.written) {
            break;
        }
    }
}

/* ---- kills ----------------------------------------------------------------------------------- */

static void be_killed(fixture *f, long call)
{
    tj_compact_report report = TJ_COMPACT_REPORT_INIT;
    calls_watch(f->path, CALLS_THAT_WRITE, call, CALL_KILL);
    _exit(tj_compact(&f->config, NULL, &report, NULL) == TJ_OK && report.written ? 0 : 1);
}

static void killed_at_any_moment_it_is_whole(void **state)
{
    fixture *f = *state;
    bool small = false;
    long kills = 0;
    char creating[PATH_TEXT_SIZE + 16];
    make_bloated(f);
    snprintf(creating, sizeof creating, "%s/creating", f->path);
    shell("mv %s %s/kept", f->path, f->directory);
    for (int status = 1; status != 0; kills++) {
        shell("rm -rf %s && cp -a %s/kept %s", f->path, f->directory, f->path);
        off_t before = data_of(f).st_size;
        pid_t pid = fork_dependent();
        if (pid == 0) {
            be_killed(f, kills + 1);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
        small = data_of(f).st_size < before;
        assert_int_equal(algo_count(f), KEPT);
        assert_int_not_equal(access(creating, F_OK), 0);
        assert_journal_sound(f->path);
    }
    assert_true(small);
    assert_true(kills > 20);
    printf("%ld kills\n", kills - 1);
}

int main(int argc, char **argv)
{
    directory_in_memory();
    if (argc == 5) {
        return child_have_open(argv[3], strcmp(argv[2], "look") == 0);
    }
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(it_is_smaller_and_holds_the_same),
        JOURNAL_TEST(a_dry_run_tells_and_changes_nothing),
        JOURNAL_TEST(without_free_pages_nothing_is_done),
        JOURNAL_TEST(nobody_else_may_have_it_open),
        JOURNAL_TEST(either_meta_page_leads_to_all_of_it),
        JOURNAL_TEST(wrong_calls_are_refused),
        JOURNAL_TEST(a_full_disk_changes_nothing),
        JOURNAL_TEST(killed_at_any_moment_it_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
