/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Backups of a journal whose oldest segments went: what it keeps can be restored, at every commit,
 * the history of the restored journal included, and what went is "not kept". The model is the
 * digest of all rows after each commit.
 */
#include "backup/fixture.h"
#include "history/history_fixture.h"

#include <tesser/maintain.h>

#define COMMITS 700

static history h;
static char restored_path[DIRECTORY_SIZE + 16];

static tj_prune_report prune(fixture *f, uint64_t segments)
{
    tj_prune_options options = TJ_PRUNE_OPTIONS_INIT;
    tj_prune_report report = TJ_PRUNE_REPORT_INIT;
    options.history_size_bytes = segments * TJ_SEGMENT_SIZE_MIN;
    assert_ok(tj_prune(f->store, &options, &report, &err));
    return report;
}

/* A journal that was pruned twice, so that the ledger is in two .rest files. */
static tj_prune_report begin(fixture *f)
{
    random_start();
    snprintf(backup_path, sizeof backup_path, "%s/backup", f->directory);
    snprintf(restored_path, sizeof restored_path, "%s/restored", f->directory);
    history_begin(f, &h);
    history_go_on(f, &h, COMMITS / 2);
    fixture_reopen(f);
    assert_true(prune(f, 3).segment_count > 0);
    history_go_on(f, &h, COMMITS);
    fixture_reopen(f);
    tj_prune_report report = prune(f, 6);
    assert_true(report.segment_count > 0);
    return report;
}

static void assert_deeply_sound(const char *path)
{
    tj_verify_report *report = NULL;
    tj_verify_options options = TJ_VERIFY_OPTIONS_INIT;
    options.deep = true;
    assert_ok(tj_verify(path, &options, &report, &err));
    if (report->verdict != TJ_VERDICT_SOUND || !report->compared) {
        fail_msg("%s: %s", path,
                 report->finding_count > 0 ? report->findings[0].sentence.data : "");
    }
    tj_verify_report_free(report);
}

/* It can be pruned and backed up in its turn: what is before its log is whole, and its own. */
static void assert_goes_on(const fixture *restored)
{
    char kept[sizeof backup_path];
    tj_prune_options options = TJ_PRUNE_OPTIONS_INIT;
    tj_prune_report report = TJ_PRUNE_REPORT_INIT;
    options.history_size_bytes = 1;
    assert_ok(tj_prune(restored->store, &options, &report, &err));
    memcpy(kept, backup_path, sizeof kept);
    snprintf(backup_path, sizeof backup_path, "%s-again", restored_path);
    back_up(restored->store);
    assert_ok(tj_backup_verify(backup_path, NULL, NULL, &err));
    directory_remove(backup_path);
    memcpy(backup_path, kept, sizeof kept);
}

/* The state is the one of the model, and so is each that the restored journal has of the past. */
static void assert_restored(const char *source, uint64_t sequence, uint64_t oldest, bool proven)
{
    tj_restore_options options = TJ_RESTORE_OPTIONS_INIT;
    tj_restore_report *report = NULL;
    tj_store_info info = TJ_STORE_INFO_INIT;
    fixture restored = {.config = TJ_CONFIG_INIT};
    static history past;
    char *before = digest(source);
    options.at.sequence = sequence;
    assert_ok(tj_restore(source, restored_path, &options, &report, &err));
    char *after = digest(source);
    assert_string_equal(before, after);
    assert_int_equal(report->sequence, sequence);
    assert_int_equal(report->newest_sequence, h.last);
    assert_true(report->digest == tj__digest_value(&h.live[sequence]));
    assert_int_equal(report->proven, proven);
    memcpy(past.live, h.live, sizeof h.live);
    snprintf(past.log_path, sizeof past.log_path, "%s/log", restored_path);
    snprintf(past.history_path, sizeof past.history_path, "%s/history", restored_path);
    restored.config.path = restored_path;
    restored.config.must_exist = true;
    restored.config.read_only = true;
    fixture_open(&restored);
    assert_ok(tj_store_info_get(restored.store, &info, &err));
    assert_int_equal(info.lmdb.oldest_sequence, oldest);
    past.source = (tj__past_source){.log_path = past.log_path,
                                    .journal_id = info.journal_id,
                                    .first_segment = 2,
                                    .history_path = past.history_path};
    for (unsigned i = 0; i < 5; i++) {
        assert_past(&past, oldest + random_below((unsigned)(sequence + 1 - oldest)),
                    TJ__TABLES_ALL);
    }
    fixture_close(&restored);
    assert_deeply_sound(restored_path);
    restored.config.read_only = false;
    fixture_open(&restored);
    history_commit(&restored, h.last + 100);
    if (proven) {
        assert_goes_on(&restored);
    }
    fixture_close(&restored);
    assert_journal_sound(restored_path);
    directory_remove(restored_path);
    tj_restore_report_free(report);
    free(before);
    free(after);
}

static void assert_not_kept(const char *source, const tj_restore_options *options, uint64_t oldest)
{
    char told[64];
    tj_restore_options dry = *options;
    snprintf(told, sizeof told, "is %s%" PRIu64, options->at.has_time ? "commit " : "", oldest);
    for (int i = 0; i < 2; i++) {
        dry.dry_run = i == 1;
        assert_refused(tj_restore(source, restored_path, &dry, NULL, &err), TJ_NOT_FOUND, told);
        assert_non_null(strstr(err.message, "is not kept"));
        assert_int_equal(access(restored_path, F_OK), -1);
    }
}

/* From a backup, and from the log and bases of the journal itself. */
static void what_is_kept_can_be_restored(void **state)
{
    fixture *f = *state;
    tj_backup_list *list = NULL;
    tj_restore_options options = TJ_RESTORE_OPTIONS_INIT;
    unsigned rounds = getenv("TJ_LONG") ? 200 : 10;
    tj_prune_report pruned = begin(f);
    uint64_t oldest = pruned.oldest_sequence;
    tj_backup_point point = back_up(f->store);
    fixture_close(f);
    assert_int_equal(point.sequence, h.last);
    assert_true(point.digest == tj__digest_value(&h.live[h.last]));
    assert_ok(tj_backup_verify(backup_path, NULL, NULL, &err));
    assert_ok(tj_backup_list_read(backup_path, &list, &err));
    assert_int_equal(list->oldest_sequence, oldest);
    tj_backup_list_free(list);
    for (unsigned i = 0; i < rounds; i++) {
        uint64_t sequence = i == 0   ? h.last
                            : i == 1 ? oldest
                                     : oldest + random_below((unsigned)(h.last - oldest));
        assert_restored(backup_path, sequence, oldest, sequence == h.last);
        assert_restored(f->path, sequence, oldest, false);
    }
    options.at.sequence = oldest - 1;
    assert_not_kept(backup_path, &options, oldest);
    assert_not_kept(f->path, &options, oldest);
    options.at = (tj_moment){.has_time = true, .time = h.times[oldest - 1] - 1};
    assert_not_kept(backup_path, &options, oldest);
}

/* What the backup has stays, also when the journal does not have it any more. */
static void a_backup_goes_on_when_its_journal_was_pruned(void **state)
{
    fixture *f = *state;
    tj_prune_report pruned = begin(f);
    for (unsigned round = 0; round < 4; round++) {
        tj_backup_point point = back_up(f->store);
        assert_true(point.digest == tj__digest_value(&h.live[h.last]));
        assert_ok(tj_backup_verify(backup_path, NULL, NULL, &err));
        history_go_on(f, &h, h.last + 150);
        fixture_reopen(f);
        uint64_t in_backup = point.sequence;
        tj_prune_report again = prune(f, 5);
        assert_true(again.oldest_sequence < in_backup);
    }
    back_up(f->store);
    assert_restored(backup_path, h.last, pruned.oldest_sequence, true);
    assert_restored(backup_path, pruned.oldest_sequence + 3, pruned.oldest_sequence, false);
    fixture_close(f);
}

/* Nothing of the directory changes, and a new one takes what there is. */
static void a_gap_is_told(void **state)
{
    fixture *f = *state;
    begin(f);
    back_up(f->store);
    history_go_on(f, &h, h.last + 500);
    fixture_reopen(f);
    prune(f, 3);
    char *before = digest(backup_path);
    assert_refused(tj_backup(f->store, backup_path, NULL, NULL, &err), TJ_NOT_FOUND,
                   "what is between was pruned");
    char *after = digest(backup_path);
    assert_string_equal(before, after);
    free(before);
    free(after);
    snprintf(backup_path, sizeof backup_path, "%s/another", f->directory);
    back_up(f->store);
    assert_ok(tj_backup_verify(backup_path, NULL, NULL, &err));
    fixture_close(f);
}

/* Each byte of a base is missed by a proof, and each base by a backup, a proof and a restore. */
static void a_base_that_is_damaged_or_gone_is_told(void **state)
{
    fixture *f = *state;
    static const char *const kinds[] = {"state", "algos", "rest"};
    uint64_t last = begin(f).first_segment - 1;
    back_up(f->store);
    fixture_close(f);
    for (unsigned i = 0; i < 3; i++) {
        char path[PATH_MAX];
        char aside[PATH_MAX];
        struct stat found;
        snprintf(path, sizeof path, "%s/history/%010" PRIu64 ".%s", backup_path, last, kinds[i]);
        file_in(aside, f->directory, "aside");
        assert_int_equal(stat(path, &found), 0);
        for (unsigned k = 0; k < 10; k++) {
            size_t at = random_below((unsigned)found.st_size);
            flip_byte(path, at);
            assert_int_equal(tj_backup_verify(backup_path, NULL, NULL, &err), TJ_CORRUPT);
            flip_byte(path, at);
        }
        assert_int_equal(rename(path, aside), 0);
        assert_refused(tj_backup_verify(backup_path, NULL, NULL, &err), TJ_NOT_FOUND,
                       "is missing in the backup");
        assert_refused(tj_restore(backup_path, restored_path, NULL, NULL, &err), TJ_NOT_FOUND,
                       "is missing in the backup");
        fixture_open(f);
        assert_refused(tj_backup(f->store, backup_path, NULL, NULL, &err), TJ_NOT_FOUND,
                       "is missing in the backup");
        fixture_close(f);
        assert_int_equal(rename(aside, path), 0);
    }
    assert_ok(tj_backup_verify(backup_path, NULL, NULL, &err));
}

/* The journal lets segments go behind the backups' back. */
static void beside_a_journal_that_prunes_itself(void **state)
{
    fixture *f = *state;
    f->config.lmdb.lag_ms = 1;
    f->config.lmdb.history_size_bytes = 6 * TJ_SEGMENT_SIZE_MIN;
    random_start();
    snprintf(restored_path, sizeof restored_path, "%s/restored", f->directory);
    history_begin(f, &h);
    history_go_on(f, &h, COMMITS);
    for (unsigned i = 0; i < 12; i++) {
        tj_store_info info = TJ_STORE_INFO_INIT;
        snprintf(backup_path, sizeof backup_path, "%s/backup-%u", f->directory, i);
        history_go_on(f, &h, h.last + 100);
        assert_ok(tj_store_info_get(f->store, &info, &err));
        tj_backup_point point = back_up(f->store);
        assert_true(point.digest == tj__digest_value(&h.live[h.last]));
        assert_ok(tj_backup_verify(backup_path, NULL, NULL, &err));
        directory_remove(backup_path);
    }
    fixture_close(f);
}

int main(void)
{
    directory_in_memory();
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(what_is_kept_can_be_restored),
        JOURNAL_TEST(a_backup_goes_on_when_its_journal_was_pruned),
        JOURNAL_TEST(a_gap_is_told),
        JOURNAL_TEST(a_base_that_is_damaged_or_gone_is_told),
        JOURNAL_TEST(beside_a_journal_that_prunes_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
