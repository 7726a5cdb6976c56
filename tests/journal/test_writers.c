/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One writer (P8): second writers, killed writers, forks, sharing, and files replaced under a
 * writer. */
#include <sys/socket.h>

#include "journal_fixture.h"

#include "child.h"

#define PROGRAM "test_journal_wr" /* as the kernel cuts it, or longer */

/* ---- the commands of the other process ----------------------------------------------------- */

static int child_try(const char *path)
{
    tj_error error = TJ_ERROR_INIT;
    tj_config config = TJ_CONFIG_INIT;
    tj_store *store = NULL;
    config.path = path;
    tj_status status = tj_store_open(&config, &store, &error);
    say("%s: %s", tj_status_name(status), error.message);
    return tj_store_close(store, NULL) == TJ_OK ? 0 : 1;
}

/* Its child lives on when this process is killed. */
static int child_save_and_fork(const char *path, const char *count)
{
    tj_store *store = child_open(path, TJ_DURABILITY_SYNC);
    tj_error error = TJ_ERROR_INIT;
    for (uint64_t i = 1; i <= strtoull(count, NULL, 10); i++) {
        child_must(save_number(store, i, &error), &error);
    }
    if (fork() == 0) {
        alarm(30); /* should nobody end it */
        say("%d", (int)getpid());
    }
    return child_wait();
}

/* Without looking at the files: the writer that is there goes on writing. */
static void refuse_second(fixture *f, tj_config config, tj_status status, const char *text)
{
    tj_store *second = f->store;
    assert_refused(tj_store_open(&config, &second, &err), status, text);
    assert_null(second);
    note_sentence();
}

/* ---- another process ----------------------------------------------------------------------- */

static void test_a_second_writer_in_another_process(void **state)
{
    fixture *f = *state;
    fixture_open(f);
    save_numbers(f->store, 1, 3);
    child second = child_start("try", f->path, "");
    char said[2 * TJ_ERROR_MESSAGE_SIZE];
    char holder[PATH_TEXT_SIZE + 128];
    child_line(&second, said, sizeof said);
    child_finish(&second);
    snprintf(holder, sizeof holder, "BUSY: journal %s is held by another writer (pid %d, program ",
             f->path, (int)getpid());
    assert_memory_equal(said, holder, strlen(holder));
    assert_non_null(strstr(said, PROGRAM));
    assert_non_null(strstr(said, "stop it first, or open the journal read-only to look on"));
    err.status = TJ_BUSY;
    snprintf(err.message, sizeof err.message, "%.1000s", said + 6);
    note_sentence();
    save_numbers(f->store, 4, 5);
    fixture_close(f);
    second = child_start("try", f->path, "");
    child_expect(&second, "OK: ");
    child_finish(&second);
    assert_opens_at(f, 5);
}

static void test_after_a_killed_writer_the_next_gets_in(void **state)
{
    fixture *f = *state;
    for (uint64_t round = 1; round <= 3; round++) {
        child writer = child_start("save", f->path, "4");
        child_expect(&writer, "saved");
        char holder[64];
        snprintf(holder, sizeof holder, "(pid %d, program " PROGRAM, (int)writer.pid);
        refuse_second(f, f->config, TJ_BUSY, holder);
        child_kill(&writer);
        fixture_open(f);
        assert_number(f->store, 4 * round);
        fixture_close(f);
    }
}

static void test_a_killed_writers_child_does_not_hold_the_journal(void **state)
{
    fixture *f = *state;
    child writer = child_start("save-and-fork", f->path, "7");
    char line[64];
    child_line(&writer, line, sizeof line);
    pid_t grandchild = (pid_t)atoi(line);
    assert_true(grandchild > 0);
    refuse_second(f, f->config, TJ_BUSY, "held by another writer");
    kill(writer.pid, SIGKILL);
    assert_int_equal(waitpid(writer.pid, NULL, 0), writer.pid);
    assert_int_equal(kill(grandchild, 0), 0); /* it lives */
    fixture_open(f);
    assert_number(f->store, 7);
    save_numbers(f->store, 8, 9);
    fixture_close(f);
    kill(grandchild, SIGKILL);
    fclose(writer.said);
    assert_opens_at(f, 9);
}

/* A "stale lock file" removed by hand lets nobody in beside the writer. */
static void test_the_lock_file_of_a_living_writer_is_removed(void **state)
{
    static const char *const changes[] = {"rm writer.lock", "rm writer.lock && touch writer.lock",
                                          "mv writer.lock x && cp x writer.lock && rm x"};
    fixture *f = *state;
    uint64_t number = 0;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        char line[2 * TJ_ERROR_MESSAGE_SIZE];
        fixture_open(f);
        save_numbers(f->store, number + 1, number + 3);
        number += 3;
        shell("cd %s && %s", f->path, changes[i]);
        child second = child_start("try", f->path, "");
        child_line(&second, line, sizeof line);
        child_finish(&second);
        assert_memory_equal(line, "BUSY: ", 6);
        assert_non_null(strstr(line, "data.mdb is held by another writer, whose writer.lock was "
                                     "removed or replaced: stop it first"));
        assert_refused(save_number(f->store, number + 1, &err), TJ_CLOSED, "writer.lock");
        fixture_drop(f);
        assert_opens_at(f, number);
        number += 3;
    }
}

/* ---- this process -------------------------------------------------------------------------- */

static void test_a_second_open_without_shared(void **state)
{
    fixture *f = *state;
    char other[PATH_TEXT_SIZE];
    tj_config second = f->config;
    fixture_open(f);
    refuse_second(f, second, TJ_BUSY, "is already open in this process (pid ");
    second.shared = true; /* not both */
    refuse_second(f, second, TJ_BUSY, "set `shared` in both configurations");
    second.shared = false;
    second.read_only = true;
    refuse_second(f, second, TJ_BUSY, "use that store");
    shell("ln -s journal %s/link", f->directory); /* through other names */
    snprintf(other, sizeof other, "%.*s/link", DIRECTORY_SIZE, f->directory);
    second.path = other;
    refuse_second(f, second, TJ_BUSY, "is already open in this process");
    snprintf(other, sizeof other, "%.*s/journal/data.mdb", DIRECTORY_SIZE, f->directory);
    refuse_second(f, second, TJ_BUSY, "is already open in this process");
    save_numbers(f->store, 1, 2);
    fixture_close(f);
    assert_opens_at(f, 2);
}

static void test_sharing(void **state)
{
    fixture *f = *state;
    tj_store *second = NULL;
    f->config.shared = true;
    fixture_open(f);
    assert_ok(tj_store_open(&f->config, &second, &err));
    save_numbers(f->store, 1, 2);
    assert_number(second, 2);
    save_numbers(second, 3, 4);
    assert_number(f->store, 4);

    tj_config config = f->config;
    tj_store *onlooker = NULL;
    config.read_only = true;
    assert_ok(tj_store_open(&config, &onlooker, &err));
    assert_number(onlooker, 4);
    assert_refused(save_number(onlooker, 5, &err), TJ_READONLY, "opened read-only");

    fixture_close(f); /* the others go on */
    save_numbers(second, 5, 6);
    assert_number(onlooker, 6);
    assert_ok(tj_store_close(second, &err));
    assert_number(onlooker, 6);
    assert_ok(tj_store_close(onlooker, &err));
    f->config.shared = false;
    assert_opens_at(f, 6);
}

static void test_sharing_with_other_options(void **state)
{
    fixture *f = *state;
    f->config.shared = true;
    fixture_open(f);
    for (int i = 0; i < 6; i++) {
        tj_config config = f->config;
        switch (i) {
        case 0:
            config.lmdb.map_size_bytes = (uint64_t)1 << 30;
            break;
        case 1:
            config.lmdb.segment_size_bytes = (uint64_t)1 << 20;
            break;
        case 2:
            config.lmdb.lag_bytes = 5;
            break;
        case 3:
            config.lmdb.lag_ms = 5;
            break;
        case 4:
            config.durability = TJ_DURABILITY_OS;
            break;
        default:
            config.no_threads = true;
        }
        refuse_second(f, config, TJ_CONFLICT, "is open in this process with other options");
    }
    tj_config config = f->config; /* the defaults, spelt out, are no other options */
    tj_store *second = NULL;
    config.lmdb.map_size_bytes = TJ_MAP_SIZE_DEFAULT;
    config.lmdb.lag_ms = TJ_LAG_MS_DEFAULT;
    assert_ok(tj_store_open(&config, &second, &err));
    assert_ok(tj_store_close(second, &err));
    fixture_close(f);
    f->config.read_only = true;
    fixture_open(f);
    config.read_only = false;
    refuse_second(f, config, TJ_CONFLICT, "is open read-only in this process");
    fixture_close(f);
}

/* ---- forks --------------------------------------------------------------------------------- */

/* In the child: every call says TJ_CLOSED. Returns the number of the one that does not, or 0. */
static int call_everything(tj_store *store, tj_txn *begun)
{
    tj_live_state *state = NULL;
    tj_live_state none = {0};
    tj_uuid id = uuid(1);
    tj_algo_state algo = {TJ_STR("twap"), TJ_STR("1")};
    tj_algo_record *record = NULL;
    tj_algo_list *algos = NULL;
    tj_ledger_entry entry = plain_entry(1, "1");
    tj_ledger_list *entries = NULL;
    tj_book_list *books = NULL;
    tj_store_info info = TJ_STORE_INFO_INIT;
    uint64_t number = 0;
    tj_state_repository *states = tj_store_state_repository(store, NULL);
    tj_algo_repository *algo_repository = tj_store_algo_repository(store, NULL);
    tj_ledger_repository *ledger = tj_store_ledger_repository(store, NULL);
    tj_status statuses[] = {
        tj_state_load(states, &state, &err),
        tj_state_save(states, &none, &err),
        tj_algo_save(algo_repository, &id, &algo, &err),
        tj_algo_load(algo_repository, &id, &record, &err),
        tj_algo_load_all(algo_repository, &algos, &err),
        tj_algo_delete(algo_repository, &id, &err),
        tj_ledger_append(ledger, &entry, 1, NULL, &err),
        tj_ledger_latest(ledger, &number, &err),
        tj_ledger_find(ledger, NULL, &entries, &err),
        tj_store_books(store, &books, &err),
        tj_store_book_create(store, "new", &err),
        tj_store_info_get(store, &info, &err),
        tj_store_commit_find(store, &id, NULL, &err),
        tj_store_work(store, &err),
        tj_counter_reserve(store, NULL, "orders", 1, &number, &err),
        tj_counter_next(store, NULL, "orders", &number, &err),
        tj_store_complete(store, 0, NULL, &err),
        tj_txn_commit(begun, NULL, NULL, &err),
    };
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        if (statuses[i] != TJ_CLOSED) {
            return (int)i + 1;
        }
    }
    if (!strstr(err.message, "was opened by process")) {
        return 99;
    }
    return tj_store_close(store, &err) == TJ_OK ? 0 : 100;
}

static void assert_a_child_is_refused(fixture *f, pid_t (*make_child)(void))
{
    fixture_open(f);
    save_numbers(f->store, 1, 2);
    tj_txn *txn = NULL;
    assert_ok(tj_txn_begin(f->store, &txn, &err));
    pid_t pid = make_child();
    assert_true(pid >= 0);
    if (pid == 0) {
        _exit(call_everything(f->store, txn));
    }
    save_numbers(f->store, 3, 4); /* meanwhile */
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    tj_txn_abort(txn);
    save_numbers(f->store, 5, 50);
    assert_number(f->store, 50);
    fixture_close(f);
    assert_opens_at(f, 50);
}

static void test_a_forked_child_is_refused(void **state)
{
    assert_a_child_is_refused(*state, fork);
}

/* One that was made without fork handlers. */
static void test_a_bare_child_is_refused(void **state)
{
    assert_a_child_is_refused(*state, _Fork);
}

/* The child is refused while its parent has the journal, and opens it itself once that has closed
 * it. */
static void test_a_forked_child_may_open_its_own(void **state)
{
    fixture *f = *state;
    int ends[2];
    char byte = 0;
    fixture_open(f);
    save_numbers(f->store, 1, 2);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        tj_store *own = NULL;
        uint64_t number = 0;
        bool fine = tj_store_open(&f->config, &own, &err) == TJ_BUSY &&
                    write(ends[0], "b", 1) == 1 && read(ends[0], &byte, 1) == 1;
        fine = fine && tj_store_open(&f->config, &own, &err) == TJ_OK &&
               load_number(own, &number, &err) == TJ_OK && number == 2 &&
               save_number(own, 3, &err) == TJ_OK && tj_store_close(own, &err) == TJ_OK;
        if (!fine) {
            fprintf(stderr, "in the child: %s\n", err.message);
        }
        _exit(fine ? 0 : 1);
    }
    close(ends[0]); /* so that the next line does not wait for a child that is gone */
    assert_int_equal(read(ends[1], &byte, 1), 1); /* it was refused */
    fixture_close(f);
    assert_int_equal(write(ends[1], "x", 1), 1);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    close(ends[1]);
    assert_opens_at(f, 3);
}

/* ---- files replaced under a writer --------------------------------------------------------- */

typedef struct replacement {
    const char *change; /* shell commands in the journal's directory */
    const char *undo;
    const char *text;
} replacement;

static const replacement replacements[] = {
    {"mv data.mdb away", "mv away data.mdb", "data.mdb was removed or replaced while it was open"},
    {"mv data.mdb away; cp -a away data.mdb", "mv away data.mdb",
     "data.mdb was removed or replaced while it was open"},
    {"mv writer.lock away", "mv away writer.lock",
     "writer.lock was replaced or removed while it was open"},
    {"mv writer.lock away; cp -a away writer.lock", "mv away writer.lock",
     "writer.lock was replaced or removed while it was open"},
    {": >writer.lock", ":", "writer.lock was cut short while it was open"},
    {"mv log/0000000001.log away", "mv away log/0000000001.log", "0000000001.log"},
    {"mv log/0000000001.log away; cp -a away log/0000000001.log", "mv away log/0000000001.log",
     "0000000001.log"},
    {"mv log away", "mv away log", "0000000001.log"},
    {"mv ../journal ../away", "mv ../away ../journal", "data.mdb was removed or replaced"},
};

static void test_files_replaced_under_a_writer(void **state)
{
    fixture *f = *state;
    f->config.lmdb.lag_ms = NEVER_MS;
    uint64_t number = 0;
    for (size_t i = 0; i < sizeof replacements / sizeof replacements[0]; i++) {
        fixture_open(f);
        save_numbers(f->store, number + 1, number + 3);
        number += 3;
        shell("cd %s/journal && { %s; }", f->directory, replacements[i].change);
        assert_refused(save_number(f->store, number + 1, &err), TJ_CLOSED, replacements[i].text);
        note_sentence();
        assert_refused(save_number(f->store, number + 1, &err), TJ_CLOSED, "");
        fixture_drop(f);
        shell("cd %s/%s && { %s; }", f->directory,
              strstr(replacements[i].change, "../away") ? "away" : "journal", replacements[i].undo);
        fixture_open(f);
        assert_number(f->store, number); /* what was acknowledged is there, the refused is not */
        fixture_close(f);
    }
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "child") == 0) {
        if (strcmp(argv[2], "try") == 0) {
            return child_try(argv[3]);
        }
        return strcmp(argv[2], "save") == 0 ? child_save(argv[3], argv[4], TJ_DURABILITY_SYNC)
                                            : child_save_and_fork(argv[3], argv[4]);
    }
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(test_a_second_writer_in_another_process),
        JOURNAL_TEST(test_after_a_killed_writer_the_next_gets_in),
        JOURNAL_TEST(test_a_killed_writers_child_does_not_hold_the_journal),
        JOURNAL_TEST(test_the_lock_file_of_a_living_writer_is_removed),
        JOURNAL_TEST(test_a_second_open_without_shared),
        JOURNAL_TEST(test_sharing),
        JOURNAL_TEST(test_sharing_with_other_options),
        JOURNAL_TEST(test_a_forked_child_is_refused),
        JOURNAL_TEST(test_a_bare_child_is_refused),
        JOURNAL_TEST(test_a_forked_child_may_open_its_own),
        JOURNAL_TEST(test_files_replaced_under_a_writer),
    };
    int failed = cmocka_run_group_tests_name("writers", tests, NULL, NULL);
    print_sentences();
    return failed;
}
