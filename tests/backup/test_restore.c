/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* P16: what is restored is what was there: at every commit, with an id of its own, and with
 * counters that never hand out a number again. */
#include <sys/wait.h>

#include "backup/fixture.h"
#include "backup/point.h"
#include "history/digest.h"
#include "history/past.h"
#include "log/reader.h"
#include "support/orphan.h"

#define COMMITS 300
#define TERM_SHIFT 48

/* Both books, as JSON. */
typedef struct model {
    char *states[COMMITS + 1];
    uint64_t counters[COMMITS + 1]; /* of the first book: the next number */
} model;

static const char *const books[] = {"default", "second"};

static char *state_text(tj_store *store)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    for (unsigned i = 0; i < 2; i++) {
        tj_live_state *state = NULL;
        tj_text json = {0};
        tj_ledger_list *ledger = NULL;
        tj_ledger_query query = TJ_LEDGER_QUERY_INIT;
        tj_status status = tj_state_load(tj_store_state_repository(store, books[i]), &state, &err);
        if (status == TJ_NOT_FOUND || (status == TJ_OK && !state->has_portfolio_equity)) {
            fprintf(out, "%s: nothing\n", books[i]);
            tj_live_state_free(state);
            continue;
        }
        assert_int_equal(status, TJ_OK);
        assert_ok(tj_live_state_to_json(state, &json, &err));
        assert_ok(
            tj_ledger_find(tj_store_ledger_repository(store, books[i]), &query, &ledger, &err));
        fprintf(out, "%s: %s, %zu entries\n", books[i], json.data, ledger->count);
        tj_ledger_list_free(ledger);
        tj_text_dispose(&json);
        tj_live_state_free(state);
    }
    fclose(out);
    return text;
}

static void commit_something(tj_store *store, const char *book, unsigned n)
{
    tj_txn *txn = NULL;
    char id[32];
    snprintf(id, sizeof id, "order-%u", random_below(20));
    tj_order order = plain_order(id);
    order.updated_at = n;
    tj_ledger_entry entry = plain_entry(n, "1.50");
    tj_decimal equity = tj_decimal_int(n);
    assert_ok(tj_txn_begin(store, &txn, &err));
    assert_ok(tj_txn_use_book(txn, book, &err));
    if (random_below(4) == 0) {
        assert_ok(tj_txn_delete_order(txn, tj_str_of(id), &err));
    } else {
        assert_ok(tj_txn_put_order(txn, &order, &err));
    }
    if (random_below(3) == 0) {
        assert_ok(tj_txn_append_ledger(txn, &entry, &err));
    }
    assert_ok(tj_txn_set_portfolio_equity(txn, &equity, &err));
    assert_ok(tj_txn_commit(txn, NULL, NULL, &err));
}

/* Commit n of COMMITS; the second book comes late. */
static void make_history(tj_store *store, model *m, unsigned first, unsigned last)
{
    for (unsigned n = first; n <= last; n++) {
        uint64_t number = 0;
        if (n == COMMITS / 2) {
            assert_ok(tj_store_book_create(store, books[1], &err));
        } else if (n % 25 == 0) {
            assert_ok(tj_counter_reserve(store, books[n > COMMITS / 2 && n % 50 == 0], "orders",
                                         100, &number, &err));
        } else {
            commit_something(store, books[n > COMMITS / 2 && n % 3 == 0], n);
        }
        m->states[n] = state_text(store);
        assert_ok(tj_counter_next(store, books[0], "orders", &m->counters[n], &err));
    }
}

static void free_model(model *m)
{
    for (unsigned n = 0; n <= COMMITS; n++) {
        free(m->states[n]);
    }
}

/* ---- what is restored ---------------------------------------------------------------------- */

static char restored_path[PATH_TEXT_SIZE + 32];

static void name_restored(const fixture *f, unsigned n)
{
    snprintf(restored_path, sizeof restored_path, "%s/restored-%u", f->directory, n);
}

static tj_restore_report *restore(const char *source, const tj_restore_options *options)
{
    tj_restore_report *report = NULL;
    char *before = digest(source);
    assert_ok(tj_restore(source, restored_path, options, &report, &err));
    char *after = digest(source);
    assert_string_equal(before, after);
    free(before);
    free(after);
    assert_string_equal(report->directory.data, restored_path);
    return report;
}

static tj_store *open_restored(void)
{
    tj_store *store = NULL;
    tj_config config = TJ_CONFIG_INIT;
    config.path = restored_path;
    config.must_exist = true;
    assert_ok(tj_store_open(&config, &store, &err));
    return store;
}

/* The state is that of the commit that saved this number. */
static void assert_equity(uint64_t expected)
{
    tj_live_state *state = NULL;
    tj_store *store = open_restored();
    assert_ok(tj_state_load(tj_store_state_repository(store, NULL), &state, &err));
    assert_int_equal(tj_decimal_compare(state->portfolio_equity, tj_decimal_int((int64_t)expected)),
                     0);
    tj_live_state_free(state);
    assert_ok(tj_store_close(store, &err));
}

/* LMDB's state is the one that the log of the new journal leads to. */
static void assert_log_leads_to_state(const tj_restore_report *report)
{
    char log_path[PATH_MAX];
    tj__digest from_log;
    tj__row_source *rows = NULL;
    file_in(log_path, restored_path, "log");
    tj__past_source past = {
        .log_path = log_path, .journal_id = report->journal_id, .first_segment = 1};
    assert_ok(tj__past_begin(&past, report->sequence, TJ__TABLES_ALL, &rows, &err));
    assert_ok(tj__digest_rows(rows, &from_log, &err));
    tj__past_end(rows);
    assert_true(tj__digest_value(&from_log) == report->digest);
}

static void every_commit_can_be_restored(void **state)
{
    fixture *f = *state;
    model m = {{0}, {0}};
    unsigned rounds = getenv("TJ_LONG") ? COMMITS : 12;
    random_start();
    small_segments_open(f);
    make_history(f->store, &m, 1, 200);
    back_up(f->store);
    make_history(f->store, &m, 201, COMMITS);
    back_up(f->store);
    uint64_t second = 0;
    assert_ok(tj_counter_next(f->store, books[1], "orders", &second, &err));
    fixture_close(f);
    for (unsigned i = 0; i < rounds; i++) {
        tj_restore_options options = TJ_RESTORE_OPTIONS_INIT;
        unsigned n = i == 0 ? 200 : i == 1 ? COMMITS : 1 + random_below(COMMITS);
        options.at.sequence = n;
        options.skip_counters = i % 3 == 0 ? 1000 : 0;
        name_restored(f, i);
        tj_restore_report *report = restore(i % 2 == 0 ? backup_path : f->path, &options);
        assert_int_equal(report->sequence, n);
        assert_int_equal(report->newest_sequence, COMMITS);
        assert_int_equal(report->commit, n + 1);
        assert_int_equal(report->from_backup, i % 2 == 0);
        assert_true(i != 0 || report->proven);
        assert_log_leads_to_state(report);
        tj_store *store = open_restored();
        char *text = state_text(store);
        assert_string_equal(text, m.states[n]);
        free(text);
        assert_int_equal(report->counter_count, 2);
        for (unsigned k = 0; k < 2; k++) {
            uint64_t next = 0;
            assert_ok(tj_counter_next(store, books[k], "orders", &next, &err));
            assert_int_equal(next, (k == 0 ? m.counters[COMMITS] : second) + options.skip_counters);
            assert_int_equal(next, report->counters[k].next);
            assert_string_equal(report->counters[k].book.data, books[k]);
        }
        commit_something(store, books[1], 2 * COMMITS);
        assert_ok(tj_store_close(store, &err));
        tj_restore_report_free(report);
        directory_remove(restored_path);
    }
    free_model(&m);
}

static void a_time_finds_the_commit_before_it(void **state)
{
    fixture *f = *state;
    small_segments_open(f);
    tj_time times[4] = {0};
    for (unsigned n = 1; n <= 3; n++) {
        tj_store_info info = TJ_STORE_INFO_INIT;
        save_numbers(f->store, n, n);
        assert_ok(tj_store_info_get(f->store, &info, &err));
        times[n] = info.sequence_time;
    }
    fixture_close(f);
    for (unsigned n = 1; n <= 3; n++) {
        for (int past = -1; past <= 1; past++) {
            tj_restore_options options = TJ_RESTORE_OPTIONS_INIT;
            options.at.has_time = true;
            options.at.time = times[n] + past;
            options.dry_run = past != 0;
            name_restored(f, n);
            if (n == 1 && past < 0) { /* there was no state, and none is made up */
                assert_refused(tj_restore(f->path, restored_path, &options, NULL, &err),
                               TJ_NOT_FOUND, "is before the first commit of ");
                continue;
            }
            tj_restore_report *report = restore(f->path, &options);
            assert_int_equal(report->sequence, past < 0 ? n - 1 : n);
            assert_int_equal(access(restored_path, F_OK), options.dry_run && past < 0 ? -1 : 0);
            tj_restore_report_free(report);
            if (past == 0) {
                char *there = digest(restored_path);
                free(there);
                rename(restored_path, backup_path);
                directory_remove(backup_path);
                assert_int_equal(mkdir(restored_path, 0700), 0);
            }
        }
    }
}

/* The new journal and the old one have different ids, and never one writer epoch. */
static void a_restored_journal_is_another_one(void **state)
{
    fixture *f = *state;
    open_backed_up(f, 900);
    fixture_close(f);
    char source[sizeof restored_path];
    snprintf(source, sizeof source, "%s", backup_path);
    for (unsigned n = 1; n <= 3; n++) {
        char log_path[PATH_MAX];
        tj__position at = {.ordinal = 1, .offset = TJ__SEGMENT_HEADER_SIZE};
        tj__log_reader *reader = NULL;
        tj__log_next next = TJ__LOG_RECORD;
        name_restored(f, n);
        tj_restore_report *report = restore(source, NULL);
        assert_memory_not_equal(&report->journal_id, &report->source_id, sizeof(tj_uuid));
        file_in(log_path, restored_path, "log");
        assert_ok(tj__log_reader_open(log_path, &report->journal_id, &at, &reader, &err));
        while (next == TJ__LOG_RECORD) {
            tj__record record;
            assert_ok(tj__log_reader_next(reader, &next, &record, &err));
            if (next == TJ__LOG_RECORD && record.sequence == report->commit) {
                assert_int_equal(record.epoch >> TERM_SHIFT, n);
                assert_memory_equal(record.note.data, "restored from ", 14);
            }
        }
        assert_int_equal(tj__log_reader_position(reader)->sequence, 900 + n);
        tj__log_reader_close(reader);
        tj_restore_report_free(report);
        snprintf(source, sizeof source, "%s", restored_path);
    }
    tj_store *store = open_restored();
    tj_backup_report *none = NULL;
    assert_refused(tj_backup(store, backup_path, NULL, &none, &err), TJ_CONFLICT,
                   "is a backup of the journal with id");
    assert_ok(tj_store_close(store, &err));
}

/* The log alone, when nothing else is left. */
static void a_journal_without_data_mdb_is_restored(void **state)
{
    fixture *f = *state;
    char path[PATH_MAX];
    small_segments_open(f);
    save_numbers(f->store, 1, 1200);
    fixture_close(f);
    file_in(path, f->path, "data.mdb");
    assert_int_equal(unlink(path), 0);
    for (unsigned i = 0; i < 2; i++) {
        name_restored(f, i);
        tj_restore_report *report = restore(f->path, NULL);
        assert_int_equal(report->sequence, 1200);
        tj_restore_report_free(report);
        assert_equity(1200);
        file_in(path, f->path, "writer.lock");
        unlink(path);
    }
    f->damaged = true;
}

/* ---- refused, killed ----------------------------------------------------------------------- */

/* The source stays as it is, and nothing is left in the new place or beside it. */
static void refuse(const fixture *f, const char *source, const tj_restore_options *options,
                   tj_status status, const char *text)
{
    tj_restore_report *report = (tj_restore_report *)(void *)&err;
    char *before = digest(f->directory);
    assert_refused(tj_restore(source, restored_path, options, &report, &err), status, text);
    assert_null(report);
    if (status != TJ_LIMIT) {
        note_refusal(f);
    }
    char *after = digest(f->directory);
    assert_string_equal(after, before);
    free(before);
    free(after);
}

/* As the sentence says. */
static void up_to_the_damage(const tj_error *told)
{
    tj_restore_options options = TJ_RESTORE_OPTIONS_INIT;
    const char *at = strstr(told->message, "--at ");
    assert_non_null(at);
    options.at.sequence = strtoull(at + 5, NULL, 10);
    assert_true(options.at.sequence > 400 && options.at.sequence < 1500);
    options.skip_counters = 1;
    tj_restore_report *report = restore(backup_path, &options);
    assert_true(report->cut_short);
    assert_false(report->proven);
    tj_restore_report_free(report);
    assert_equity(options.at.sequence);
    directory_remove(restored_path);
}

static void a_damaged_backup_is_refused(void **state)
{
    fixture *f = *state;
    char path[PATH_MAX];
    char aside[PATH_MAX];
    open_backed_up(f, 1500);
    fixture_close(f);
    name_restored(f, 0);
    file_in(aside, f->directory, "aside");
    file_in(path, backup_path, "log/0000000002.log");
    flip_byte(path, 9000);
    refuse(f, backup_path, NULL, TJ_CORRUPT, "of the backup is damaged at offset");
    up_to_the_damage(&err);
    flip_byte(path, 9000);
    assert_int_equal(rename(path, aside), 0);
    refuse(f, backup_path, NULL, TJ_NOT_FOUND, "segment 2 is missing in the backup");
    assert_int_equal(rename(aside, path), 0);
    file_in(path, backup_path, "points/00000000000000001500.point");
    flip_byte(path, 130); /* of the digest */
    refuse(f, backup_path, NULL, TJ_CORRUPT, "is damaged");
    assert_int_equal(unlink(path), 0);
    refuse(f, backup_path, NULL, TJ_NOT_FOUND, "has no point yet");
}

/* The records are all there, and still it is not the state that was backed up. */
static void another_state_than_the_one_backed_up_is_told(void **state)
{
    fixture *f = *state;
    char points[PATH_MAX];
    tj__point point;
    open_backed_up(f, 100);
    fixture_close(f);
    name_restored(f, 0);
    file_in(points, backup_path, "points");
    assert_ok(tj__point_read(points, 100, &point, &err));
    point.digest.checksums[TJ__TABLE_STATE]++;
    assert_ok(tj__point_write(points, &point, &err));
    tj__point_dispose(&point);
    refuse(f, backup_path, NULL, TJ_CORRUPT, "does not come to the state that was backed up");
}

static void what_cannot_be_done_is_said(void **state)
{
    fixture *f = *state;
    char path[PATH_MAX];
    tj_restore_options options = TJ_RESTORE_OPTIONS_INIT;
    uint64_t first = 0;
    small_segments_open(f);
    save_numbers(f->store, 1, 10);
    assert_ok(tj_counter_reserve(f->store, NULL, "orders", 5, &first, &err));
    back_up(f->store);
    save_numbers(f->store, 12, 20);
    fixture_close(f);
    name_restored(f, 0);
    options.at.sequence = 12;
    refuse(f, backup_path, &options, TJ_NOT_FOUND, "whose newest is 11");
    options.at.sequence = 11;
    options.skip_counters = UINT64_MAX;
    refuse(f, backup_path, &options, TJ_LIMIT, "cannot skip");
    options.skip_counters = 0;
    file_in(path, f->directory, "nothing");
    refuse(f, path, NULL, TJ_NOT_FOUND, "there is nothing at");
    refuse(f, f->directory, NULL, TJ_INVALID, "neither a backup nor a journal");
    snprintf(restored_path, sizeof restored_path, "%s", f->path);
    refuse(f, backup_path, &options, TJ_EXISTS, "is there already and not empty");
    file_in(path, f->path, "log/0000000001.log");
    assert_int_equal(unlink(path), 0);
    name_restored(f, 0);
    refuse(f, f->path, NULL, TJ_NOT_FOUND, "0000000001.log is missing");
    f->damaged = true;
}

static void one_that_was_killed_left_nothing_or_all(void **state)
{
    fixture *f = *state;
    unsigned rounds = getenv("TJ_LONG") ? 300 : 15;
    unsigned there = 0;
    random_start();
    open_backed_up(f, 3000);
    fixture_close(f);
    for (unsigned i = 0; i < rounds; i++) {
        int status = 0;
        name_restored(f, i);
        pid_t child = fork_dependent();
        if (child == 0) {
            _exit(tj_restore(backup_path, restored_path, NULL, NULL, NULL) == TJ_OK ? 0 : 1);
        }
        usleep(random_below(60000));
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
        if (access(restored_path, F_OK) == 0) {
            assert_equity(3000);
            there++;
        }
    }
    printf("%u restores killed, %u were done\n", rounds, there);
}

int main(void)
{
    directory_in_memory();
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(every_commit_can_be_restored),
        JOURNAL_TEST(a_time_finds_the_commit_before_it),
        JOURNAL_TEST(a_restored_journal_is_another_one),
        JOURNAL_TEST(a_journal_without_data_mdb_is_restored),
        JOURNAL_TEST(a_damaged_backup_is_refused),
        JOURNAL_TEST(another_state_than_the_one_backed_up_is_told),
        JOURNAL_TEST(what_cannot_be_done_is_said),
        JOURNAL_TEST(one_that_was_killed_left_nothing_or_all),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    print_sentences();
    return failed;
}
