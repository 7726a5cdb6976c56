/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* From the configured path to the journal's directory. */
#include "journal_fixture.h"

#include "journal/journal.h"

static void test_path_rules(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *configured;
        const char *expected;
    } rules[] = {
        {"journal", "journal"},
        {"./journal", "journal"},
        {".//./journal", "journal"},
        {".journal", ".journal"},
        {"../journal", "../journal"},
        {"/a/./journal", "/a/./journal"},
        {"journal/", "journal"},
        {"a/journal///", "a/journal"},
        {"/", "/"},
        {"journal.lmdb", "journal.lmdb"},
        {"directory", "directory"},
        {"a/data.mdb", "a"},
        {"a/b.db/data.mdb", "a/b.db"},
        {"data.mdb", ""},
        {"data.mdb/", ""},
        {".", ""},
        {"/data.mdb", "/"},
        {"mydata.mdb", "mydata.mdb"},
        {"journal.db", "journal.lmdb"},
        {"journal.db/", "journal.lmdb"},
        {"v1.2/journal.db", "v1.2/journal.lmdb"},
        {"journal.tar.db", "journal.tar.lmdb"},
        {".db", ".db.lmdb"},
        {"a/.db", "a/.db.lmdb"},
        {"file", "file.lmdb"},
        {"file.sqlite", "file.lmdb"},
        {".hidden", ".hidden.lmdb"},
        {"directory.x/file", "directory.x/file.lmdb"},
        {"directory.db", "directory.lmdb"},
    };
    assert_int_equal(chdir(f->directory), 0);
    shell("mkdir directory directory.x directory.db && touch file file.sqlite .hidden "
          "directory.x/file");
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        char path[TJ_PATH_SIZE] = "";
        assert_ok(tj__journal_path(rules[i].configured, path, sizeof path, &err));
        const char *expected = rules[i].expected;
        char full[PATH_TEXT_SIZE];
        snprintf(full, sizeof full, "%.*s%s%s", DIRECTORY_SIZE, f->directory,
                 expected[0] == '\0' ? "" : "/", expected);
        assert_string_equal(path, expected[0] == '/' ? expected : full);
    }
    assert_int_equal(chdir("/"), 0);
}

static void test_paths_that_are_none(void **state)
{
    (void)state;
    char path[TJ_PATH_SIZE] = "kept";
    char longest[TJ_PATH_SIZE + 1];
    for (size_t i = 0; i < sizeof longest; i++) {
        longest[i] = i == 0 || i % 5 == 2 ? '/' : 'a'; /* no name too long for a file system */
    }
    longest[TJ_PATH_SIZE] = '\0';
    assert_refused(tj__journal_path(NULL, path, sizeof path, &err), TJ_MISUSE,
                   "no path is configured for the journal: set journal.path");
    assert_refused(tj__journal_path("", path, sizeof path, &err), TJ_MISUSE, "no path");
    assert_refused(tj__journal_path(longest, path, sizeof path, &err), TJ_LIMIT,
                   "the journal's path is longer than 4090 bytes");
    longest[TJ_PATH_SIZE - sizeof ".lmdb"] = '\0';
    assert_ok(tj__journal_path(longest, path, sizeof path, &err));
    assert_string_equal(path, longest);
}

static void assert_path(fixture *f, const char *configured, const char *expected)
{
    char path[PATH_TEXT_SIZE];
    char full[PATH_TEXT_SIZE];
    tj_store_info info = TJ_STORE_INFO_INIT;
    snprintf(path, sizeof path, "%.*s/%s", DIRECTORY_SIZE, f->directory, configured);
    snprintf(full, sizeof full, "%.*s/%s", DIRECTORY_SIZE, f->directory, expected);
    f->config.path = path;
    fixture_open(f);
    assert_ok(tj_store_info_get(f->store, &info, &err));
    assert_string_equal(info.path, full);
    fixture_close(f);
}

static void test_one_journal_by_many_names(void **state)
{
    fixture *f = *state;
    shell("echo text >%s/state.db", f->directory);
    assert_path(f, "state.db", "state.lmdb");
    f->config.must_exist = true;
    assert_path(f, "state.lmdb", "state.lmdb");
    assert_path(f, "state.lmdb/", "state.lmdb");
    assert_path(f, "state.lmdb/data.mdb", "state.lmdb");
    shell("test \"$(cat %s/state.db)\" = text", f->directory); /* and the file is as it was */
    f->config.must_exist = false;
    assert_path(f, "deep/er/journal", "deep/er/journal");
}

/* What is opened by a relative path stays what it is when the program changes its directory. */
static void test_another_directory_afterwards(void **state)
{
    fixture *f = *state;
    assert_int_equal(chdir(f->directory), 0);
    f->config.path = "./journal";
    f->config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    fixture_open(f);
    save_numbers(f->store, 1, 3);
    assert_int_equal(chdir("/"), 0);
    save_numbers(f->store, 4, 900); /* over several segments */
    assert_number(f->store, 900);
    assert_ok(tj_store_work(f->store, &err));
    fixture_close(f);
    f->config.path = f->path;
    assert_opens_at(f, 900);
}

static void test_without_a_working_directory(void **state)
{
    fixture *f = *state;
    tj_store *store = NULL;
    shell("mkdir %s/gone", f->directory);
    assert_int_equal(chdir(f->directory) + chdir("gone"), 0);
    shell("rmdir %s/gone", f->directory);
    f->config.path = "journal";
    assert_refused(tj_store_open(&f->config, &store, &err), TJ_IO,
                   "the working directory, from which journal is named, cannot be told (No such "
                   "file or directory): give the path from the root");
    assert_int_equal(chdir("/"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(test_path_rules),
        JOURNAL_TEST(test_paths_that_are_none),
        JOURNAL_TEST(test_one_journal_by_many_names),
        JOURNAL_TEST(test_another_directory_afterwards),
        JOURNAL_TEST(test_without_a_working_directory),
    };
    return cmocka_run_group_tests_name("path", tests, NULL, NULL);
}
