/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What is written elsewhere stays out of the directories of journals and backups. */
#include "journal_fixture.h"

#include <tesser/config.h>
#include <tesser/maintain.h>
#include <tesser/migrate.h>

static char path[PATH_TEXT_SIZE + 64];

static const char *beside(const fixture *f, const char *name)
{
    snprintf(path, sizeof path, "%s/%s", f->directory, name);
    return path;
}

static void assert_inside(const fixture *f, const char *name, const char *of)
{
    char expected[PATH_TEXT_SIZE + 64];
    snprintf(expected, sizeof expected, "is inside the %s", of);
    assert_refused(tj_path_apart(beside(f, name), &err), TJ_INVALID, expected);
}

static void what_is_inside_is_told(void **state)
{
    fixture *f = *state;
    tj_backup_report *report = NULL;
    char backup[PATH_TEXT_SIZE + 64];
    fixture_open(f);
    snprintf(backup, sizeof backup, "%s", beside(f, "backup"));
    assert_ok(tj_backup(f->store, backup, NULL, &report, &err));
    tj_backup_report_free(report);
    fixture_close(f);
    shell("cd %s && ln -s journal link && ln -s journal/data.mdb file && mkdir other other/log",
          f->directory);
    assert_inside(f, "journal", "journal");
    assert_inside(f, "journal/data.mdb", "journal");
    assert_inside(f, "journal/log/deep/er", "journal");
    assert_inside(f, "journal/../journal/new", "journal");
    assert_inside(f, "link/new", "journal");
    assert_inside(f, "file", "journal");
    assert_inside(f, "backup/new/er", "backup");
    static const char *const apart[] = {"",          "new",          "journal.json", "journal2/new",
                                        "other/new", "other/log/new"};
    for (size_t i = 0; i < sizeof apart / sizeof *apart; i++) {
        assert_ok(tj_path_apart(beside(f, apart[i]), &err));
    }
    shell("cd %s && mv data.mdb ..", f->path);
    assert_inside(f, "journal/new", "journal");
    shell("cd %s && mv ../data.mdb .", f->path);
    assert_int_equal(tj_path_apart(NULL, &err), TJ_MISUSE);
}

static void nothing_is_made_there(void **state)
{
    fixture *f = *state;
    tj_config config = TJ_CONFIG_INIT;
    tj_store *other = NULL;
    tj_export_report *report = NULL;
    fixture_open(f);
    config.type = TJ_ENGINE_LMDB;
    config.path = beside(f, "journal/one/two");
    assert_refused(tj_store_open(&config, &other, &err), TJ_INVALID,
                   "journal/one/two is inside the journal");
    assert_refused(tj_export_tesser(f->store, path, NULL, &report, &err), TJ_INVALID,
                   "is inside the journal");
    fixture_close(f);
    shell("test ! -e %s/one", f->path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(what_is_inside_is_told),
        JOURNAL_TEST(nothing_is_made_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
