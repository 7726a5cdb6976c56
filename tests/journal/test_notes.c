/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the log keeps beside the changes of a commit: its note, and the epoch of its writer. */
#include "journal_fixture.h"

#include <lmdb.h>

#include "log/reader.h"
#include "table/internal.h"

#define EPOCH_AT 552 /* in writer.lock */

/* ---- notes --------------------------------------------------------------------------------- */

static tj_status commit_noted(fixture *f, int64_t number, tj_str note, uint32_t deadline_ms)
{
    tj_txn *txn = NULL;
    tj_decimal equity = tj_decimal_int(number);
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    options.note = note;
    options.deadline_ms = deadline_ms;
    assert_ok(tj_txn_begin(f->store, &txn, &err));
    assert_ok(tj_txn_set_portfolio_equity(txn, &equity, &err));
    return tj_txn_commit(txn, &options, NULL, &err);
}

/* The note of a commit as the log has it, NUL-terminated. */
static void note_in_log(const fixture *f, const tj_uuid *id, uint64_t sequence, char out[2048])
{
    char path[PATH_TEXT_SIZE + 8];
    tj__position start = {.ordinal = 1, .offset = TJ__SEGMENT_HEADER_SIZE};
    tj__log_reader *reader = NULL;
    tj__log_next next;
    tj__record record = {0};
    snprintf(path, sizeof path, "%s/log", f->path);
    assert_ok(tj__log_reader_open(path, id, &start, &reader, &err));
    while (record.sequence < sequence) {
        assert_ok(tj__log_reader_next(reader, &next, &record, &err));
        assert_int_equal(next, TJ__LOG_RECORD);
    }
    snprintf(out, 2048, "%.*s", (int)record.note.size, (const char *)record.note.data);
    tj__log_reader_close(reader);
}

static tj_uuid id_of(fixture *f)
{
    tj_store_info info = TJ_STORE_INFO_INIT;
    assert_ok(tj_store_info_get(f->store, &info, &err));
    return info.journal_id;
}

static void notes_are_kept_in_the_log(void **state)
{
    fixture *f = *state;
    char longest[TJ_COMMIT_NOTE_SIZE_MAX + 1];
    char found[2048];
    memset(longest, 'n', sizeof longest);
    fixture_open(f);
    tj_uuid id = id_of(f);
    assert_ok(commit_noted(f, 1, TJ_STR("rollback to 4711 \xe2\x86\xa9"), 0));
    assert_ok(commit_noted(f, 2, (tj_str){NULL, 0}, 0));
    assert_ok(commit_noted(f, 3, TJ_STR("in time"), 60000));
    assert_ok(commit_noted(f, 4, (tj_str){longest, TJ_COMMIT_NOTE_SIZE_MAX}, 0));
    assert_refused(commit_noted(f, 5, (tj_str){longest, sizeof longest}, 0), TJ_LIMIT,
                   "a commit's note has at most 1024 bytes, this one 1025");
    assert_refused(commit_noted(f, 5, TJ_STR("\xff"), 0), TJ_INVALID, "no UTF-8");
    assert_number(f->store, 4);
    fixture_close(f);
    note_in_log(f, &id, 1, found);
    assert_string_equal(found, "rollback to 4711 \xe2\x86\xa9");
    note_in_log(f, &id, 2, found);
    assert_string_equal(found, "");
    note_in_log(f, &id, 3, found);
    assert_string_equal(found, "in time");
    note_in_log(f, &id, 4, found);
    assert_int_equal(strlen(found), TJ_COMMIT_NOTE_SIZE_MAX);
    assert_opens_at(f, 4);
}

static void an_import_says_of_what(void **state)
{
    fixture *f = *state;
    char found[2048];
    char source[PATH_TEXT_SIZE];
    char expected[PATH_TEXT_SIZE + 16];
    snprintf(source, sizeof source, "%s/algos.json", f->directory);
    shell("echo '{\"00000000-0000-4000-8000-000000000007\":{\"plugin\":\"twap\",\"payload\":1}}' > "
          "%s",
          source);
    const char *sources[] = {source};
    tj_import_options options = TJ_IMPORT_OPTIONS_INIT;
    tj_import_report *report = NULL;
    options.sources = sources;
    options.source_count = 1;
    assert_ok(tj_import(&f->config, &options, &report, &err));
    uint64_t sequence = report->sequence;
    tj_import_report_free(report);
    fixture_open(f);
    tj_uuid id = id_of(f);
    fixture_close(f);
    note_in_log(f, &id, sequence, found);
    snprintf(expected, sizeof expected, "import of %s", source);
    assert_string_equal(found, expected);
}

/* ---- epochs -------------------------------------------------------------------------------- */

static void move_epoch(const fixture *f, uint64_t epoch)
{
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    MDB_dbi meta = 0;
    MDB_val key = {sizeof "position" - 1, "position"};
    MDB_val value;
    uint8_t bytes[64];
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 16), 0);
    assert_int_equal(mdb_env_open(env, f->path, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, "meta", 0, &meta), 0);
    assert_int_equal(mdb_get(txn, meta, &key, &value), 0);
    assert_int_equal(value.mv_size, sizeof bytes);
    memcpy(bytes, value.mv_data, sizeof bytes);
    tj__store_u64(bytes + 32, epoch);
    tj__store_u64(bytes + 56, tj__hash(bytes, 56));
    value.mv_data = bytes;
    assert_int_equal(mdb_put(txn, meta, &key, &value, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static uint64_t epoch_told(const fixture *f)
{
    char path[PATH_TEXT_SIZE + 16];
    uint8_t bytes[8];
    snprintf(path, sizeof path, "%s/writer.lock", f->path);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, EPOCH_AT, SEEK_SET), 0);
    assert_int_equal(fread(bytes, 1, sizeof bytes, file), sizeof bytes);
    fclose(file);
    return tj__load_u64(bytes);
}

static void an_epoch_never_enters_another_term(void **state)
{
    fixture *f = *state;
    const uint64_t term = (uint64_t)7 << 48;
    fixture_open(f);
    save_numbers(f->store, 1, 3);
    assert_int_equal(epoch_told(f), 1);
    fixture_close(f);
    move_epoch(f, term | 5);
    fixture_open(f);
    save_numbers(f->store, 4, 5);
    assert_int_equal(epoch_told(f), term | 6);
    fixture_close(f);
    move_epoch(f, term | TJ__EPOCH_COUNT_MAX);
    assert_refused(tj_store_open(&f->config, &f->store, &err), TJ_LIMIT,
                   "opened by as many writers as can be counted");
    f->config.read_only = true;
    fixture_open(f);
    assert_number(f->store, 5);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(notes_are_kept_in_the_log),
        JOURNAL_TEST(an_import_says_of_what),
        JOURNAL_TEST(an_epoch_never_enters_another_term),
    };
    return cmocka_run_group_tests_name("notes and epochs", tests, NULL, NULL);
}
