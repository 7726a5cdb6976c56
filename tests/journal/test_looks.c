/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A look at a path that fails is not taken for "nothing is there", nor for "it was replaced": each
 * stat, lstat and statx fails in turn while a journal is opened, written, read and closed.
 */
#include "journal_fixture.h"

#include <errno.h>
#include <sys/syscall.h>

#include "base/file.h"
#include "support/stand_in.h"

static struct {
    long calls;
    long fail_at; /* 0: none */
    int code;
} looks;

static bool fails(void)
{
    if (++looks.calls != looks.fail_at) {
        return false;
    }
    errno = looks.code;
    return true;
}

STAND_IN int stat(const char *path, struct stat *out)
{
    return fails() ? -1 : fstatat(AT_FDCWD, path, out, 0);
}

static bool made_meanwhile; /* between the two looks at a name */

STAND_IN int lstat(const char *path, struct stat *out)
{
    if (made_meanwhile) {
        made_meanwhile = false;
        assert_true(mkdir(path, 0770) == 0);
    }
    return fails() ? -1 : fstatat(AT_FDCWD, path, out, AT_SYMLINK_NOFOLLOW);
}

STAND_IN int statx(int directory, const char *path, int flags, unsigned mask, struct statx *out)
{
    return fails() ? -1 : (int)syscall(SYS_statx, directory, path, flags, mask, out);
}

/* What a failed call says: never that there is nothing, or something else. */
static void must_be_of_the_look(tj_status status)
{
    if (status == TJ_OK) {
        return;
    }
    note_sentence();
    tj_status expected = looks.code == ENOMEM ? TJ_NOMEM : TJ_IO;
    assert_int_equal(status, expected);
    assert_int_equal(err.os_errno, looks.code);
}

static void fail_look(long at, int code)
{
    looks.calls = 0;
    looks.fail_at = at;
    looks.code = code;
}

/* One save and one load; *saved when it was acknowledged. False when the look that was to fail
 * never came. */
static bool work_with_a_failing_look(fixture *f, long at, int code, uint64_t number, bool *saved)
{
    tj_store *store = NULL;
    uint64_t loaded = 0;
    *saved = false;
    fail_look(at, code);
    tj_status status = tj_store_open(&f->config, &store, &err);
    must_be_of_the_look(status);
    if (status == TJ_OK && !f->config.read_only) {
        status = save_number(store, number, &err);
        must_be_of_the_look(status);
        *saved = status == TJ_OK;
        assert_true(*saved); /* a writer that is open and locked goes on */
    }
    if (store) {
        status = load_number(store, &loaded, &err);
        must_be_of_the_look(status);
        assert_true(status != TJ_OK || loaded == number);
        must_be_of_the_look(tj_store_close(store, &err));
    }
    bool came = looks.calls >= at;
    fail_look(0, 0);
    return came;
}

static void test_each_look_of_a_writer(void **state)
{
    static const int codes[] = {EIO, ENOMEM, EACCES, ELOOP};
    fixture *f = *state;
    f->config.no_threads = true; /* each look at its place */
    open_and_save(f, 1, 5);
    uint64_t number = 5;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        bool saved = false;
        for (long at = 1; work_with_a_failing_look(f, at, codes[i], number + 1, &saved); at++) {
            number += saved;
        }
        number += saved;
    }
    assert_true(number > 30);
    assert_opens_at(f, number);
}

static void test_each_look_of_one_who_looks_on(void **state)
{
    fixture *f = *state;
    bool saved = false;
    open_and_save(f, 1, 5);
    f->config.read_only = true;
    long at = 1;
    while (work_with_a_failing_look(f, at, EIO, 5, &saved)) {
        at++;
    }
    assert_true(at > 5);
    f->config.read_only = false;
    assert_opens_at(f, 5);
}

static void test_a_new_journal_is_whole_or_not_there(void **state)
{
    fixture *f = *state;
    bool saved = false;
    f->config.no_threads = true;
    long at = 1;
    for (; work_with_a_failing_look(f, at, EIO, 1, &saved); at++) {
        if (saved) {
            assert_opens_at(f, 1);
        }
        shell("rm -rf %s", f->path);
    }
    assert_true(at > 5 && saved);
    assert_opens_at(f, 1);
}

static void test_what_leads_nowhere(void **state)
{
    fixture *f = *state;
    shell("ln -s not-mounted/journal %s", f->path);
    refuse_open(f, TJ_IO, "/journal is a symbolic link that leads nowhere: mount or put back");
    shell("rm %s && ln -s journal %s", f->path, f->path);
    refuse_open(f, TJ_IO, "too many levels of symbolic links: looking at ");
    shell("rm %s && ln -s not-mounted %s/mnt", f->path, f->directory);
    snprintf(f->path, sizeof f->path, "%.*s/mnt/journal", DIRECTORY_SIZE, f->directory);
    refuse_open(f, TJ_IO, "/mnt is a symbolic link that leads nowhere: mount or put back");
}

static void test_data_that_leads_nowhere(void **state)
{
    fixture *f = *state;
    open_and_save(f, 1, 3);
    shell("cd %s && mv data.mdb ../elsewhere && ln -s ../not-mounted data.mdb", f->path);
    refuse_open(f, TJ_IO, "/data.mdb is a symbolic link that leads nowhere");
    shell("cd %s && mv ../elsewhere data.mdb", f->path);
    assert_opens_at(f, 3);
}

/* Another process makes it between the look at what a name leads to and the look at the name. */
static void test_what_is_made_meanwhile_is_no_link(void **state)
{
    fixture *f = *state;
    bool there = false;
    struct stat found;
    made_meanwhile = true;
    assert_ok(tj__path_look(f->path, &there, &found, &err));
    assert_true(there && S_ISDIR(found.st_mode));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(test_each_look_of_a_writer),
        JOURNAL_TEST(test_each_look_of_one_who_looks_on),
        JOURNAL_TEST(test_a_new_journal_is_whole_or_not_there),
        JOURNAL_TEST(test_what_is_made_meanwhile_is_no_link),
        JOURNAL_TEST(test_what_leads_nowhere),
        JOURNAL_TEST(test_data_that_leads_nowhere),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    print_sentences();
    return failed;
}
