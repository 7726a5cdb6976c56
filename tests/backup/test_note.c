/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a journal knows of its backups: its words, and that it is neither more nor less than what
 * succeeded. */
#include "backup/fixture.h"

#include "backup/note.h"

static tj__backup_note some_note(void)
{
    return (tj__backup_note){.made = {4711, INT64_C(1772357400123456789), "/mnt/a b/100%\n"},
                             .proven = {4600, INT64_C(1772353800000000000), "/mnt/backup"}};
}

/* Written by hand after FORMAT.md. */
static const char pinned[] = "made 4711 2026-03-01T09:30:00.123456789Z /mnt/a b/100%25%0A\n"
                             "proven 4600 2026-03-01T08:30:00Z /mnt/backup\n";

static void a_note_has_these_words(void **state)
{
    (void)state;
    char checksum[64];
    tj__buffer bytes = {0};
    tj__backup_note note = some_note();
    tj__backup_note back;
    tj__backup_note_encode(&note, &bytes);
    assert_int_equal(bytes.size, strlen(pinned) + 26);
    assert_memory_equal(bytes.data, pinned, strlen(pinned));
    snprintf(checksum, sizeof checksum, "checksum %016" PRIx64 "\n",
             tj__hash(pinned, strlen(pinned)));
    assert_memory_equal(bytes.data + strlen(pinned), checksum, 26);
    assert_true(tj__backup_note_decode(tj__buffer_bytes(&bytes), &back));
    assert_int_equal(back.made.sequence, 4711);
    assert_int_equal(back.made.at, note.made.at);
    assert_string_equal(back.made.directory, note.made.directory);
    assert_string_equal(back.proven.directory, note.proven.directory);
    tj__buffer_dispose(&bytes);
}

static void a_damaged_note_knows_of_none(void **state)
{
    (void)state;
    tj__buffer bytes = {0};
    tj__backup_note note = some_note();
    tj__backup_note back;
    tj__backup_note_encode(&note, &bytes);
    for (size_t i = 0; i < bytes.size * 8; i++) {
        bytes.data[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_false(tj__backup_note_decode(tj__buffer_bytes(&bytes), &back));
        assert_int_equal(back.made.at | back.proven.at, 0);
        bytes.data[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    for (size_t size = 0; size < bytes.size; size++) {
        assert_false(tj__backup_note_decode(tj__bytes_of(bytes.data, size), &back));
    }
    tj__buffer_dispose(&bytes);
}

static void assert_known(const fixture *f, uint64_t newest, uint64_t verified)
{
    tj_known_backups *known = NULL;
    assert_ok(tj_known_backups_read(f->path, &known, &err));
    assert_int_equal(known->newest.sequence, newest);
    assert_int_equal(known->newest.at != 0, newest != 0);
    assert_int_equal(known->verified.sequence, verified);
    assert_int_equal(known->verified.at != 0, verified != 0);
    if (newest != 0) {
        assert_string_equal(known->newest.directory.data, backup_path);
        assert_true(known->newest.at <= tj_time_now());
    }
    tj_known_backups_free(known);
}

static void prove(const char *journal, uint64_t sequence, bool noted)
{
    tj_backup_report *report = NULL;
    tj_backup_verify_options options = TJ_BACKUP_VERIFY_OPTIONS_INIT;
    options.journal = journal;
    options.sequence = sequence;
    assert_ok(tj_backup_verify(backup_path, &options, &report, &err));
    assert_int_equal(report->noted, noted);
    tj_backup_report_free(report);
}

static void what_succeeded_is_known(void **state)
{
    fixture *f = *state;
    char path[PATH_MAX];
    tj_verify_report *verified = NULL;
    small_segments_open(f);
    assert_known(f, 0, 0);
    save_numbers(f->store, 1, 10);
    back_up(f->store);
    assert_known(f, 10, 0);
    save_numbers(f->store, 11, 20);
    back_up(f->store);
    assert_known(f, 20, 0);
    prove(f->path, 10, true);
    assert_known(f, 20, 10);
    prove(f->path, 20, true);
    prove(f->path, 10, true); /* an older one takes nothing from it */
    assert_known(f, 20, 20);
    save_numbers(f->store, 21, 30);
    file_in(path, backup_path, "points/00000000000000000020.point");
    flip_byte(path, 100);
    assert_int_equal(tj_backup(f->store, backup_path, NULL, NULL, &err), TJ_CORRUPT);
    assert_known(f, 20, 20);
    fixture_close(f);
    assert_ok(tj_verify(f->path, NULL, &verified, &err)); /* it is no stranger */
    assert_int_equal(verified->finding_count, 0);
    tj_verify_report_free(verified);
    file_in(path, f->path, "backups");
    flip_byte(path, 12);
    assert_known(f, 0, 0);
}

/* A proof that was made without the journal is known with the next backup. */
static void a_proof_elsewhere_comes_with_the_next_backup(void **state)
{
    fixture *f = *state;
    open_backed_up(f, 10);
    prove(NULL, 0, false);
    assert_known(f, 10, 0);
    save_numbers(f->store, 11, 12);
    back_up(f->store);
    assert_known(f, 12, 10);
    fixture_close(f);
    snprintf(f->path, sizeof f->path, "%s/another", f->directory);
    fixture_open(f);
    save_numbers(f->store, 1, 3);
    fixture_close(f);
    prove(f->path, 0, false);
    assert_known(f, 0, 0);
}

static void backups_every_second_are_noted_each_minute(void **state)
{
    fixture *f = *state;
    tj_backup_options options = TJ_BACKUP_OPTIONS_INIT;
    options.thin = true;
    small_segments_open(f);
    for (uint64_t n = 1; n <= 3; n++) {
        save_numbers(f->store, n, n);
        assert_ok(tj_backup(f->store, backup_path, &options, NULL, &err));
        assert_known(f, 1, 0);
    }
    fixture_close(f);
}

/* The backup is as good without. */
static void where_nothing_can_be_written_it_is_not_known(void **state)
{
    fixture *f = *state;
    char path[PATH_MAX];
    tj_backup_report *report = NULL;
    small_segments_open(f);
    save_numbers(f->store, 1, 10);
    file_in(path, f->path, "backups.tmp");
    assert_int_equal(mkdir(path, 0700), 0); /* root may write where nobody else may */
    assert_ok(tj_backup(f->store, backup_path, NULL, &report, &err));
    assert_int_equal(report->point.sequence, 10);
    assert_false(report->noted);
    tj_backup_report_free(report);
    assert_known(f, 0, 0);
    assert_int_equal(rmdir(path), 0);
    fixture_close(f);
}

int main(void)
{
    directory_in_memory();
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(a_note_has_these_words),
        JOURNAL_TEST(a_damaged_note_knows_of_none),
        JOURNAL_TEST(what_succeeded_is_known),
        JOURNAL_TEST(a_proof_elsewhere_comes_with_the_next_backup),
        JOURNAL_TEST(backups_every_second_are_noted_each_minute),
        JOURNAL_TEST(where_nothing_can_be_written_it_is_not_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
