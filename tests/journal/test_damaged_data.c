/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Unreadable is never empty (P6): a data.mdb that is damaged, of another format or not ours, and
 * what is no journal at all, is refused with a sentence, and stays as it was to the byte.
 */
#include "damage.h"

#include "base/buffer.h"

/* ---- data.mdb ------------------------------------------------------------------------------ */

static void damage_data(fixture *f, const char *command, tj_status status, const char *text)
{
    shell("cd %s && cp data.mdb ../whole && { %s; }", f->path, command);
    refuse_open(f, status, text);
    shell("cd %s && rm -rf data.mdb && mv ../whole data.mdb", f->path);
}

static void damage_data_in_every_way(fixture *f)
{
    damage_data(f, ": >data.mdb", TJ_CORRUPT, "data.mdb is empty (0 bytes)");
    damage_data(f, "truncate -s 4096 data.mdb", TJ_CORRUPT,
                "data.mdb is truncated: 4096 bytes found, 8192 needed");
    damage_data(f, "truncate -s 100 data.mdb", TJ_CORRUPT,
                "data.mdb is not an LMDB file: 100 bytes are too few");
    damage_data(f, "truncate -s 12288 data.mdb", TJ_CORRUPT, "data.mdb is truncated: 12288 bytes");
    damage_data(f, "truncate -s -1 data.mdb", TJ_CORRUPT, "data.mdb is truncated: ");
    damage_data(f, "yes text | head -c 100000 >data.mdb", TJ_CORRUPT,
                "data.mdb is not an LMDB file");
    damage_data(f, "head -c 65536 /dev/zero >data.mdb", TJ_CORRUPT, "data.mdb");
    damage_data(f, "rm data.mdb && mkdir data.mdb", TJ_UNSUPPORTED,
                "data.mdb is not a regular file");
}

static void test_damaged_data(void **state)
{
    fixture *f = *state;
    make_closed(f);
    damage_data_in_every_way(f);
    assert_opens_at(f, APPLIED);
}

static void test_damaged_data_of_a_crashed_journal(void **state)
{
    fixture *f = *state;
    make_crashed(f);
    damage_data_in_every_way(f);
    assert_opens_at(f, WRITTEN);
}

static void test_data_that_is_gone(void **state)
{
    fixture *f = *state;
    make_closed(f);
    shell("cd %s && mv data.mdb ..", f->path);
    const char *text = "data.mdb is missing, but the log beside it holds commits: put the file "
                       "back, or have it built from them with `tesser-journal repair -j ";
    refuse_open_as_is(f, TJ_CORRUPT, text);
    f->config.must_exist = true;
    refuse_open(f, TJ_CORRUPT, text);
    f->config.must_exist = false;
    shell("cd %s && mv ../data.mdb .", f->path);
    assert_opens_at(f, APPLIED);
}

/* Changes the number at `at` of every copy of a row of the meta table, and mends its checksum. */
static void patch_meta(const fixture *f, const char *row, size_t size, size_t at, uint32_t value,
                       bool mend)
{
    char path[PATH_TEXT_SIZE];
    size_t file_size = 0;
    int patched = 0;
    file_path(f, "data.mdb", path);
    uint8_t *bytes = read_whole(path, &file_size);
    for (size_t i = 0; i + strlen(row) + size <= file_size; i++) {
        uint8_t *sealed = bytes + i + strlen(row);
        if (memcmp(bytes + i, row, strlen(row)) != 0 ||
            tj__hash(sealed, size - 8) != tj__load_u64(sealed + size - 8)) {
            continue;
        }
        tj__store_u32(sealed + at, value);
        if (mend) {
            tj__store_u64(sealed + size - 8, tj__hash(sealed, size - 8));
        }
        patched++;
    }
    assert_true(patched > 0);
    write_at(path, 0, bytes, file_size);
    free(bytes);
}

static void test_another_format(void **state)
{
    fixture *f = *state;
    make_closed(f);
    shell("cp %s/data.mdb %s/whole", f->path, f->directory);
    static const struct {
        const char *row;
        size_t size;
        size_t at;
        uint32_t value;
        bool mend;
        tj_status status;
        const char *text;
    } patches[] = {
        {"superblock", 64, 0, 3, true, TJ_FORMAT_NEWER,
         "written by format version 3; this library reads up to 2: update tesser-journal"},
        {"superblock", 64, 40, 0xffe, true, TJ_FORMAT_NEWER,
         "it has tables that this library does not know (set 0xffe): update tesser-journal"},
        {"position", 64, 0, 7, true, TJ_FORMAT_NEWER, "written by format version 7"},
        {"superblock", 64, 4, 16384, true, TJ_UNSUPPORTED,
         "the journal was created on a machine with pages of 16384 bytes"},
        {"superblock", 64, 36, 0x04030201, true, TJ_UNSUPPORTED, "another byte order"},
        {"superblock", 64, 8, 5, false, TJ_CORRUPT,
         "the checksum of the superblock row does not match: in "},
        {"position", 64, 8, 5, false, TJ_CORRUPT, "the checksum of the position row"},
        {"superblock", 64, 0, 0, true, TJ_CORRUPT, "the superblock row has version 0"},
    };
    for (size_t i = 0; i < sizeof patches / sizeof patches[0]; i++) {
        patch_meta(f, patches[i].row, patches[i].size, patches[i].at, patches[i].value,
                   patches[i].mend);
        refuse_open(f, patches[i].status, patches[i].text);
        shell("cp %s/whole %s/data.mdb", f->directory, f->path);
    }
    assert_opens_at(f, APPLIED);
}

/* The data of one journal with the log of another one. */
static void test_data_of_another_journal(void **state)
{
    fixture *f = *state;
    char first[PATH_TEXT_SIZE];
    make_closed(f);
    snprintf(first, sizeof first, "%s", f->path);
    snprintf(f->path, sizeof f->path, "%s/second", f->directory);
    make_closed(f);
    shell("cd %s && mv data.mdb ../own && cp %s/data.mdb .", f->path, first);
    refuse_open_as_is(f, TJ_CORRUPT, "0000000001.log");
    shell("cd %s && mv ../own data.mdb", f->path);
    assert_opens_at(f, APPLIED);
}

/* A row that is not what was written is named by where it stands, and by what it is. */
static void test_a_damaged_row_is_named(void **state)
{
    fixture *f = *state;
    char path[PATH_TEXT_SIZE];
    char place[PATH_TEXT_SIZE + 32];
    size_t size = 0;
    tj_txn *txn = NULL;
    tj_live_state *loaded = NULL;
    tj_order order = plain_order("order-in-need");
    fixture_open(f);
    assert_ok(tj_txn_begin(f->store, &txn, &err));
    assert_ok(tj_txn_put_order(txn, &order, &err));
    assert_ok(tj_txn_commit(txn, NULL, NULL, &err));
    fixture_close(f);
    file_path(f, "data.mdb", path);
    uint8_t *bytes = read_whole(path, &size);
    uint8_t *found = memmem(bytes, size, "order-in-need", 13);
    assert_non_null(found);
    assert_null(memmem(found + 1, size - (size_t)(found + 1 - bytes), "order-in-need", 13));
    snprintf(place, sizeof place, "%s:%zu", path, (size_t)(found + 13 - bytes));
    found[13 + 40] ^= 1; /* behind the key stands the row: checksum, sequence, value */
    write_at(path, 0, bytes, size);
    free(bytes);
    f->config.read_only = true;
    fixture_open(f);
    assert_refused(tj_state_load(tj_store_state_repository(f->store, NULL), &loaded, &err),
                   TJ_CORRUPT, "order \"order-in-need\" (commit 1)");
    assert_non_null(strstr(err.message, "the stored bytes at offset "));
    assert_string_equal(err.place, place);
    fixture_close(f);
    f->damaged = true;
}

/* Flips a bit of the value behind every such key of data.mdb, and again. */
static void flip_behind(const fixture *f, const char *key, size_t key_size)
{
    char path[PATH_TEXT_SIZE];
    size_t size = 0;
    unsigned flipped = 0;
    file_path(f, "data.mdb", path);
    uint8_t *bytes = read_whole(path, &size);
    for (size_t at = 0; at + key_size + 17 <= size; at++) {
        if (memcmp(bytes + at, key, key_size) == 0) {
            bytes[at + key_size + 16] ^= 1; /* behind checksum and sequence */
            flipped++;
        }
    }
    assert_true(flipped > 0);
    write_at(path, 0, bytes, size);
    free(bytes);
}

static void refuse_writer_and_onlooker(fixture *f, const char *key, size_t key_size,
                                       const char *text)
{
    flip_behind(f, key, key_size);
    assert_refused(tj_store_open(&f->config, &f->store, &err), TJ_CORRUPT, text);
    refuse_onlooker(f, TJ_CORRUPT, text);
    flip_behind(f, key, key_size);
}

/* No writer begins beside a damaged commit id or counter: who looks on says so before. */
static void test_a_damaged_row_that_stops_writers(void **state)
{
    fixture *f = *state;
    static const char id[] = "an id, 16 bytes.";
    static const char counter[] = "numbers in need";
    uint64_t first = 0;
    tj_txn *txn = NULL;
    tj_order order = plain_order("order");
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    memcpy(options.commit_id.bytes, id, sizeof options.commit_id.bytes);
    fixture_open(f);
    assert_ok(tj_txn_begin(f->store, &txn, &err));
    assert_ok(tj_txn_put_order(txn, &order, &err));
    assert_ok(tj_txn_commit(txn, &options, NULL, &err));
    assert_ok(tj_counter_reserve(f->store, NULL, counter, 10, &first, &err));
    fixture_close(f);
    refuse_writer_and_onlooker(f, id, strlen(id), "do not match their checksum: commit id ");
    refuse_writer_and_onlooker(f, counter, strlen(counter),
                               "do not match their checksum: counter ");
    fixture_open(f);
    fixture_close(f);
}

/* ---- what is no journal -------------------------------------------------------------------- */

static void test_tessers_own_data(void **state)
{
    fixture *f = *state;
    static const char *const sources[] = {"0.9.2", "0.9.3"};
    if (access(TJ_TESTDATA, F_OK) != 0) {
        fprintf(stderr, "skipped: " TJ_TESTDATA ", data written by Tesser, is not there\n");
        fixture_skip(f);
    }
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        char command[PATH_TEXT_SIZE + 128];
        shell("cp -r %s/%s/typical/journal.lmdb %s", TJ_TESTDATA, sources[i], f->path);
        snprintf(command, sizeof command,
                 "%s/data.mdb is a data file of Tesser's own LmdbJournal, not of tesser-journal: "
                 "import it with `tesser-journal import ",
                 f->path);
        refuse_open(f, TJ_UNSUPPORTED, command);
        shell("rm -r %s", f->path);
    }
}

static void test_a_directory_of_something_else(void **state)
{
    fixture *f = *state;
    shell("mkdir %s && echo text >%s/letter.txt", f->path, f->path);
    refuse_open_as_is(f, TJ_EXISTS,
                      "holds \"letter.txt\", which is no part of a journal: choose an empty or a "
                      "new directory");
    shell("rm %s/letter.txt && mkdir %s/lost+found", f->path, f->path);
    fixture_open(f); /* a mount point may be one */
    save_numbers(f->store, 1, 1);
    fixture_close(f);
    shell("echo text >%s/letter.txt", f->path); /* beside a journal it does no harm */
    assert_opens_at(f, 1);
}

static void test_no_journal_at_all(void **state)
{
    fixture *f = *state;
    char text[PATH_MAX + 64];
    (void)snprintf(text, sizeof text, "`tesser-journal init -j %s` creates one", f->path);
    f->config.must_exist = true;
    refuse_open(f, TJ_NOT_FOUND, text);
    f->config.must_exist = false;
    f->config.read_only = true;
    refuse_open_as_is(f, TJ_NOT_FOUND, text);
    shell("mkdir %s", f->path);
    refuse_open_as_is(f, TJ_NOT_FOUND, text);
    f->config.read_only = false;
    f->config.must_exist = true;
    refuse_open_as_is(f, TJ_NOT_FOUND, text);
    f->config.must_exist = false;
    fixture_open(f);
    fixture_close(f);
}

static void test_a_path_that_leads_through_a_file(void **state)
{
    fixture *f = *state;
    char path[PATH_TEXT_SIZE + 16];
    shell("echo text >%s", f->path);
    snprintf(path, sizeof path, "%s/journal", f->path);
    f->config.path = path;
    refuse_open_as_is(f, TJ_INVALID, "is no directory, and one is needed there");
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "child") == 0) {
        return child_save(argv[3], argv[4], TJ_DURABILITY_SYNC);
    }
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(test_damaged_data),
        JOURNAL_TEST(test_a_damaged_row_is_named),
        JOURNAL_TEST(test_a_damaged_row_that_stops_writers),
        JOURNAL_TEST(test_damaged_data_of_a_crashed_journal),
        JOURNAL_TEST(test_data_that_is_gone),
        JOURNAL_TEST(test_another_format),
        JOURNAL_TEST(test_data_of_another_journal),
        JOURNAL_TEST(test_tessers_own_data),
        JOURNAL_TEST(test_a_directory_of_something_else),
        JOURNAL_TEST(test_no_journal_at_all),
        JOURNAL_TEST(test_a_path_that_leads_through_a_file),
    };
    int failed = cmocka_run_group_tests_name("damaged data", tests, NULL, NULL);
    print_sentences();
    return failed;
}
