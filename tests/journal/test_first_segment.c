/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A log that begins with a later segment than the first: the superblock says which, and what is
 * before is no part of the journal any more. What the superblock says is moved here as whatever
 * deletes old segments will: the superblock first, durably, then the files.
 */
#include "journal_fixture.h"

#include <lmdb.h>

#include "child.h"

#include "table/internal.h"

#define COMMITS 2000

static void make_segments(fixture *f)
{
    f->damaged = true; /* what goes leaves no bases behind */
    f->config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    f->config.durability = TJ_DURABILITY_OS;
    fixture_open(f);
    save_numbers(f->store, 1, COMMITS);
    tj_store_info info = TJ_STORE_INFO_INIT;
    assert_ok(tj_store_info_get(f->store, &info, &err));
    assert_true(info.lmdb.segment_count >= 4);
    fixture_close(f);
}

static void move_first_segment(const fixture *f, uint64_t first)
{
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    MDB_dbi meta = 0;
    tj__superblock superblock;
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 16), 0);
    assert_int_equal(mdb_env_open(env, f->path, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, "meta", 0, &meta), 0);
    assert_ok(tj__superblock_get(txn, meta, &superblock, &err));
    superblock.first_segment = first;
    assert_int_equal(tj__superblock_put(txn, meta, &superblock), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static uint32_t segments_told(const fixture *f)
{
    tj_store_info info = TJ_STORE_INFO_INIT;
    assert_ok(tj_store_info_get(f->store, &info, &err));
    assert_int_equal(info.lmdb.log_bytes, info.lmdb.segment_count * TJ_SEGMENT_SIZE_MIN);
    return info.lmdb.segment_count;
}

static uint32_t count_segments(fixture *f)
{
    f->config.read_only = true;
    fixture_open(f);
    uint32_t count = segments_told(f);
    fixture_close(f);
    f->config.read_only = false;
    return count;
}

static void a_log_may_begin_later(void **state)
{
    fixture *f = *state;
    make_segments(f);
    uint32_t before = count_segments(f);
    move_first_segment(f, 3);
    assert_int_equal(count_segments(f),
                     before - 2); /* a crash came before the files were removed */
    shell("rm %s/log/0000000001.log", f->path);
    assert_int_equal(count_segments(f), before - 2);
    shell("rm %s/log/0000000002.log", f->path);
    assert_int_equal(count_segments(f), before - 2);
    assert_opens_at(f, COMMITS);
    fixture_open(f);
    save_numbers(f->store, COMMITS + 4, COMMITS + 600);
    assert_true(segments_told(f) >= before - 1);
    fixture_close(f);
    assert_opens_at(f, COMMITS + 600);
}

/* The last writer was killed, or the mark is another system's: the log is read and settled. */
static void a_log_that_begins_later_is_recovered(void **state)
{
    fixture *f = *state;
    make_segments(f);
    move_first_segment(f, 3);
    shell("cd %s && rm log/000000000[12].log && cp -r . ../copy", f->path);
    save_and_be_killed(f, "save", "20");
    assert_opens_at(f, COMMITS + 20);
    shell("cd %s && rm -r journal && mv copy journal", f->directory);
    assert_opens_at(f, COMMITS);
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "child") == 0) {
        return child_save(argv[3], argv[4], TJ_DURABILITY_SYNC);
    }
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(a_log_may_begin_later),
        JOURNAL_TEST(a_log_that_begins_later_is_recovered),
    };
    return cmocka_run_group_tests_name("first segment", tests, NULL, NULL);
}
