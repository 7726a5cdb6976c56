/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Creating a journal over what others left or planted there, and as root in another's directory. */
#include "journal_fixture.h"

#define USER 1234

/* `creating` may be a link to somebody's files: neither creating nor opening follows it. */
static void test_a_link_in_the_place_of_creating(void **state)
{
    fixture *f = *state;
    shell("cd %s && mkdir victim journal && touch victim/data.mdb victim/keys && "
          "ln -s ../victim journal/creating",
          f->directory);
    tj_store *store = NULL;
    assert_refused(tj_store_open(&f->config, &store, &err), TJ_EXISTS,
                   "/creating is there and is not what an interrupted creation leaves");
    note_refusal(f);
    shell("rm %s/creating", f->path);
    open_and_save(f, 1, 3);
    shell("cd %s && ln -s ../victim journal/creating", f->directory);
    assert_opens_at(f, 3);
    shell("test -e %s/victim/data.mdb && test -e %s/victim/keys", f->directory, f->directory);
}

/* P10; crash_images cuts the power in the middle of creation, too. */
static void test_what_a_crashed_creation_left_is_resumed(void **state)
{
    static const char *const leftovers[] = {
        "mkdir log",
        "mkdir log creating && : > log/0000000001.log && : > creating/data.mdb",
        "mkdir log creating && truncate -s 70000 log/0000000001.log && : > creating/lock.mdb",
        "mkdir log && truncate -s 1M log/0000000001.log && : > log/0000000002.tmp",
    };
    fixture *f = *state;
    for (size_t i = 0; i < sizeof leftovers / sizeof leftovers[0]; i++) {
        shell("mkdir %s && cd %s && %s", f->path, f->path, leftovers[i]);
        open_and_save(f, 1, 2);
        assert_opens_at(f, 2);
        shell("test ! -e %s/creating && rm -r %s", f->path, f->path);
    }
}

/* A begun segment says that a journal was here, whatever else is gone, and even before anything was
 * applied. */
static void test_a_begun_log_is_never_replaced(void **state)
{
    fixture *f = *state;
    open_and_save(f, 1, 1);
    shell("cd %s && mv data.mdb .. && rm -r writer.lock lock.mdb reserve", f->path);
    refuse_open_as_is(f, TJ_CORRUPT, "data.mdb is missing, but the log beside it holds commits");
    shell("cd %s && mv ../data.mdb .", f->path);
    assert_opens_at(f, 1);
}

static void expect_owner(const fixture *f, const char *name)
{
    char path[PATH_TEXT_SIZE];
    struct stat found;
    snprintf(path, sizeof path, "%.*s/journal/%s", DIRECTORY_SIZE, f->directory, name);
    assert_int_equal(stat(path, &found), 0);
    if (found.st_uid != USER || found.st_gid != USER || (found.st_mode & 0600) != 0600) {
        fail_msg("%s belongs to %u:%u, mode %o", name, found.st_uid, found.st_gid, found.st_mode);
    }
}

/* One command by root must not lock the journal's own user out. */
static void test_what_root_makes_is_the_users(void **state)
{
    static const char *const names[] = {"log",      "log/0000000001.log", "log/0000000002.log",
                                        "data.mdb", "lock.mdb",           "writer.lock",
                                        "reserve"};
    fixture *f = *state;
    if (geteuid() != 0) {
        fprintf(stderr, "skipped: only root can make files for another user\n");
        fixture_skip(f);
    }
    shell("mkdir %s && chown %d:%d %s", f->path, USER, USER, f->path);
    f->config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    open_and_save(f, 1, 600);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        expect_owner(f, names[i]);
    }
    shell("cd %s && rm lock.mdb writer.lock reserve", f->path);
    assert_opens_at(f, 600);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        expect_owner(f, names[i]);
    }
}

static void test_the_umask_counts(void **state)
{
    fixture *f = *state;
    struct stat found;
    char path[PATH_TEXT_SIZE];
    mode_t mask = umask(077);
    fixture_open(f);
    fixture_close(f);
    umask(mask);
    snprintf(path, sizeof path, "%.*s/journal/lock.mdb", DIRECTORY_SIZE, f->directory);
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(test_a_link_in_the_place_of_creating),
        JOURNAL_TEST(test_what_a_crashed_creation_left_is_resumed),
        JOURNAL_TEST(test_a_begun_log_is_never_replaced),
        JOURNAL_TEST(test_what_root_makes_is_the_users),
        JOURNAL_TEST(test_the_umask_counts),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    print_sentences();
    return failed;
}
