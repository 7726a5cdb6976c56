/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Files and directories that must not be opened, and the sentence for each. */
#include <lmdb.h>

#include "base/hash.h"
#include "support.h"

/* The text of an error of a file: the path stands where the format has %s. */
static const char *text_for(const char *format, ...)
{
    static char text[4 * PATH_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return text;
}

/* Neither check nor open changes the directory or the file. */
static void assert_opening_refused(const place *at, tj_status status, const char *text)
{
    tj__env_options options = {.directory = at->directory, .map_size = 1 << 20};
    tj__superblock superblock;
    tj__env *env = (tj__env *)&options;
    struct stat before = {0};
    struct stat after = {0};
    (void)stat(at->data, &before);
    bool had_lock = access(at->lock, F_OK) == 0;
    assert_fails(status, text, tj__env_check(at->directory, &err));
    assert_fails(status, text, tj__env_open(&options, &env, &superblock, &err));
    assert_null(env);
    options.read_only = true;
    assert_fails(status, text, tj__env_open(&options, &env, &superblock, &err));
    (void)stat(at->data, &after);
    assert_int_equal(before.st_size, after.st_size);
    assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    assert_int_equal(access(at->lock, F_OK) == 0, had_lock);
}

static void write_text(const place *at, const void *data, size_t size)
{
    int fd = open(at->data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, size), (ssize_t)size);
    close(fd);
}

static void patch(const place *at, off_t offset, const void *data, size_t size)
{
    int fd = open(at->data, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, data, size, offset), (ssize_t)size);
    close(fd);
}

static void patch_u32(const place *at, off_t offset, uint32_t value)
{
    uint8_t bytes[4];
    tj__store_u32(bytes, value);
    patch(at, offset, bytes, sizeof bytes);
}

static uint64_t file_size(const place *at)
{
    struct stat info;
    assert_int_equal(stat(at->data, &info), 0);
    return (uint64_t)info.st_size;
}

static void test_nothing_there(void **state)
{
    (void)state;
    place at = place_new();
    assert_opening_refused(&at, TJ_NOT_FOUND,
                           text_for("no such file or directory: opening %s", at.data));
    place_remove(&at);
}

static void test_empty_file(void **state)
{
    (void)state;
    place at = place_new();
    write_text(&at, "", 0);
    assert_opening_refused(
        &at, TJ_CORRUPT,
        text_for("%s is empty (0 bytes): it was truncated; restore a copy of it or "
                 "move it away only if you know the journal held nothing",
                 at.data));
    place_remove(&at);
}

static void test_text_file(void **state)
{
    (void)state;
    place at = place_new();
    static char text[20000];
    memset(text, 'x', sizeof text);
    write_text(&at, text, 11);
    assert_opening_refused(
        &at, TJ_CORRUPT, text_for("%s is not an LMDB file: 11 bytes are too few for one", at.data));
    write_text(&at, text, sizeof text);
    assert_opening_refused(
        &at, TJ_CORRUPT, text_for("%s is not an LMDB file: it has no LMDB magic number", at.data));
    place_remove(&at);
}

static void test_not_a_regular_file(void **state)
{
    (void)state;
    place at = place_new();
    assert_int_equal(mkfifo(at.data, 0600), 0);
    assert_opening_refused(&at, TJ_UNSUPPORTED, text_for("%s is not a regular file", at.data));
    unlink(at.data);
    assert_int_equal(mkdir(at.data, 0700), 0);
    assert_opening_refused(&at, TJ_UNSUPPORTED, text_for("%s is not a regular file", at.data));
    rmdir(at.data);
    place_remove(&at);
}

static void test_truncated(void **state)
{
    (void)state;
    place at = place_new();
    journal_create(&at);
    uint64_t whole = file_size(&at);
    for (uint64_t size = 8192; size < whole; size += 4096) {
        assert_int_equal(truncate(at.data, (off_t)size), 0);
        assert_opening_refused(&at, TJ_CORRUPT,
                               text_for("%s is truncated: %" PRIu64 " bytes found, %" PRIu64
                                        " needed; restore a copy of it",
                                        at.data, size, whole));
    }
    assert_int_equal(truncate(at.data, 5000), 0);
    assert_opening_refused(
        &at, TJ_CORRUPT,
        text_for("%s is truncated: 5000 bytes found, 8192 needed; restore a copy of it", at.data));
    place_remove(&at);
}

/* What a crash between LMDB's commit and the extension of the file leaves. */
static void test_short_of_free_pages_only(void **state)
{
    (void)state;
    place at = place_new();
    journal_create(&at);
    tj__env *env = journal_open(&at, 1 << 20, false);
    journal_fill(env, 1, 20000, 1);
    journal_fill(env, 1, 200000, 2);
    journal_fill(env, 1, 20, 3);
    journal_fill(env, 1, 20, 4);
    tj__env_close(env);
    uint64_t whole = file_size(&at);
    assert_int_equal(truncate(at.data, (off_t)whole - 4096), 0);
    assert_ok(tj__env_check(at.directory, &err));
    env = journal_open(&at, 1 << 20, true);
    tj__env_close(env);
    env = journal_open(&at, 1 << 20, false);
    assert_int_equal(file_size(&at), whole); /* the writer extends it */
    tj__env_close(env);
    place_remove(&at);
}

static void test_other_formats(void **state)
{
    (void)state;
    place at = place_new();
    journal_create(&at);
    patch_u32(&at, 20, 2);
    assert_opening_refused(
        &at, TJ_UNSUPPORTED,
        text_for("%s has LMDB's format version 2, this library reads version 1: export "
                 "it with the program that wrote it",
                 at.data));
    static const struct {
        off_t magic_at;
        uint32_t magic;
        const char *writer;
    } others[] = {{12, 0xBEEFC0DEu, "a 32-bit program"},
                  {24, 0xBEEFC0DEu, "LMDB 1.0 or newer"},
                  {16, 0xDEC0EFBEu, "a big-endian machine"}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        static const uint8_t zeros[32] = {0};
        patch(&at, 0, zeros, sizeof zeros);
        patch_u32(&at, others[i].magic_at, others[i].magic);
        assert_opening_refused(
            &at, TJ_UNSUPPORTED,
            text_for("%s was written by %s, in a format this library does not read: "
                     "export it with the program that wrote it",
                     at.data, others[i].writer));
    }
    place_remove(&at);
}

static void test_page_size(void **state)
{
    (void)state;
    place at = place_new();
    journal_create(&at);
    patch_u32(&at, 16 + 24, 16384);
    assert_opening_refused(
        &at, TJ_UNSUPPORTED,
        text_for("%s has pages of 16384 bytes, those of this system have 4096: export "
                 "the journal on the machine that wrote it, and import it here",
                 at.data));
    patch_u32(&at, 16 + 24, 4095);
    assert_opening_refused(&at, TJ_CORRUPT,
                           text_for("%s is damaged at page 0: 4095 is no page size", at.data));
    patch_u32(&at, 16 + 24, 4096);
    patch_u32(&at, 4096 + 16 + 24, 8192);
    assert_opening_refused(
        &at, TJ_CORRUPT,
        text_for("%s is damaged at page 1: its page size is 8192, page 0 says 4096", at.data));
    place_remove(&at);
}

static void test_damaged_metas(void **state)
{
    (void)state;
    place at = place_new();
    journal_create(&at);
    patch_u32(&at, 4096 + 16 + 128, 6); /* the first commit is transaction 1, on page 1 */
    assert_opening_refused(
        &at, TJ_CORRUPT,
        text_for("%s is damaged at page 1: transaction 6 belongs on page 0", at.data));
    patch_u32(&at, 4096 + 16 + 128, 1);
    patch_u32(&at, 4096 + 8, 0);
    assert_opening_refused(
        &at, TJ_CORRUPT,
        text_for("%s is damaged at page 1: it does not say that it is meta page 1", at.data));
    place_remove(&at);
}

/* An LMDB file with these databases, written by "another program". */
static void make_foreign(const place *at, const char *const *names, size_t count)
{
    MDB_env *lmdb = NULL;
    MDB_txn *txn = NULL;
    assert_int_equal(mdb_env_create(&lmdb), 0);
    assert_int_equal(mdb_env_set_maxdbs(lmdb, 20), 0);
    assert_int_equal(mdb_env_open(lmdb, at->directory, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(lmdb, NULL, 0, &txn), 0);
    for (size_t i = 0; i < count; i++) {
        MDB_dbi dbi;
        assert_int_equal(mdb_dbi_open(txn, names[i], MDB_CREATE, &dbi), 0);
    }
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(lmdb);
}

static void test_files_of_other_programs(void **state)
{
    (void)state;
    static const char *const tesser[] = {"live_state", "algo_states"};
    static const char *const other[] = {"accounts", "blocks"};
    static const char *const partly[] = {"books",    "meta",       "algos",   "ledger",
                                         "counters", "quarantine", "commits", "ledger_time"};
    place at = place_new();
    make_foreign(&at, tesser, 2);
    assert_opening_refused(
        &at, TJ_UNSUPPORTED,
        text_for("%s is a data file of Tesser's own LmdbJournal, not of tesser-journal: "
                 "import it with `tesser-journal import %s --into JOURNAL`",
                 at.data, at.directory));
    place_remove(&at);
    at = place_new();
    make_foreign(&at, other, 2);
    assert_opening_refused(
        &at, TJ_UNSUPPORTED,
        text_for("%s is an LMDB file of another program, not of tesser-journal", at.data));
    place_remove(&at);
    at = place_new();
    make_foreign(&at, other, 0);
    assert_opening_refused(&at, TJ_CORRUPT,
                           text_for("%s is an LMDB file without any table: restore a copy of it or "
                                    "move it away only if you know the journal held nothing",
                                    at.data));
    place_remove(&at);
    at = place_new();
    make_foreign(&at, partly, 8);
    assert_opening_refused(
        &at, TJ_CORRUPT,
        text_for("%s has no table \"state\": it is damaged; restore a copy of it", at.data));
    place_remove(&at);
}

/* As in a copy made while a writer goes on: the page where the tables' names were is one of a
 * table. */
static void test_names_that_were_overwritten(void **state)
{
    (void)state;
    enum { PAGE = 4096, ROOT_AT = 128, TRANSACTION_AT = 144 };
    place at = place_new();
    uint8_t page[PAGE];
    uint64_t transactions[2];
    uint64_t root = 0;
    journal_create(&at);
    tj__env *env = journal_open(&at, 1 << 20, false);
    journal_fill(env, 7, 100, 1);
    tj__env_close(env);
    int fd = open(at.data, O_RDWR | O_CLOEXEC);
    for (off_t i = 0; i < 2; i++) {
        assert_int_equal(pread(fd, &transactions[i], 8, i * PAGE + TRANSACTION_AT), 8);
    }
    off_t newest = transactions[1] > transactions[0];
    assert_int_equal(pread(fd, &root, 8, newest * PAGE + ROOT_AT), 8);
    off_t other = 2;
    do {
        assert_int_equal(pread(fd, page, PAGE, other++ * PAGE), PAGE);
    } while (!memmem(page, PAGE, "row 0000", 8));
    memcpy(page, &root, sizeof root);
    assert_int_equal(pwrite(fd, page, PAGE, (off_t)root * PAGE), PAGE);
    close(fd);
    assert_opening_refused(
        &at, TJ_CORRUPT,
        text_for("%s: the main database does not hold as many pages or rows as it "
                 "counts: no table of a journal is found in it; restore a copy of it",
                 at.data));
    place_remove(&at);
}

/* A main database of more than one page is searched through its branch pages. */
static void test_many_databases(void **state)
{
    (void)state;
    static char names[200][32];
    const char *list[200];
    for (size_t i = 0; i < 200; i++) {
        snprintf(names[i], sizeof names[i], "%c database number %03zu", "aklmz"[i % 5], i);
        list[i] = names[i];
    }
    list[150] = "live_state";
    place at = place_new();
    MDB_env *lmdb = NULL;
    MDB_txn *txn = NULL;
    assert_int_equal(mdb_env_create(&lmdb), 0);
    assert_int_equal(mdb_env_set_maxdbs(lmdb, 200), 0);
    assert_int_equal(mdb_env_open(lmdb, at.directory, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(lmdb, NULL, 0, &txn), 0);
    for (size_t i = 0; i < 200; i++) {
        MDB_dbi dbi;
        assert_int_equal(mdb_dbi_open(txn, list[i], MDB_CREATE, &dbi), 0);
    }
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(lmdb);
    assert_opening_refused(
        &at, TJ_UNSUPPORTED,
        text_for("%s is a data file of Tesser's own LmdbJournal, not of tesser-journal: "
                 "import it with `tesser-journal import %s --into JOURNAL`",
                 at.data, at.directory));
    place_remove(&at);
}

/* Opens as far as the rows of the meta table. */
static void assert_open_fails(const place *at, tj_status status, const char *text)
{
    tj__env_options options = {.directory = at->directory, .map_size = 1 << 20};
    tj__superblock superblock;
    tj__env *env = NULL;
    assert_ok(tj__env_check(at->directory, &err));
    assert_fails(status, text, tj__env_open(&options, &env, &superblock, &err));
    assert_null(env);
}

static off_t offset_of(const place *at, const void *bytes, size_t size)
{
    tj__buffer file = {0};
    assert_ok(tj__file_read_all(at->data, SIZE_MAX / 2, &file, &err));
    uint8_t *found = memmem(file.data, file.size, bytes, size);
    assert_non_null(found);
    off_t offset = found - file.data;
    tj__buffer_dispose(&file);
    return offset;
}

static void test_superblock(void **state)
{
    (void)state;
    place at = place_new();
    tj__superblock superblock = superblock_new();
    tj__position position = position_at(0);
    superblock.format_version = 3;
    assert_ok(tj__env_create(at.directory, &superblock, &position, 1 << 20, &err));
    assert_open_fails(&at, TJ_FORMAT_NEWER,
                      "written by format version 3; this library reads up to 2: update "
                      "tesser-journal");
    place_remove(&at);
    at = place_new();
    superblock.format_version = 2;
    superblock.page_size = 16384;
    assert_ok(tj__env_create(at.directory, &superblock, &position, 1 << 20, &err));
    assert_open_fails(&at, TJ_UNSUPPORTED,
                      "the journal was created on a machine with pages of 16384 bytes or another "
                      "byte order, this one has pages of 4096: export the journal there, and "
                      "import it here");
    place_remove(&at);
    at = place_new();
    journal_create(&at);
    patch(&at, offset_of(&at, "0123456789abcdef", 16), "1", 1);
    assert_open_fails(&at, TJ_CORRUPT, "the checksum of the superblock row does not match");
    place_remove(&at);
}

/* The bytes that docs and other programs rely on. */
static void test_layout_of_the_meta_rows(void **state)
{
    (void)state;
    place at = place_new();
    journal_create(&at);
    tj__env *env = journal_open(&at, 1 << 20, false);
    journal_fill(env, 1, 1, 77);
    tj__env_close(env);
    uint8_t superblock[64] = {2, 0, 0, 0};
    tj__store_u32(superblock + 4, 4096);
    memcpy(superblock + 8, "0123456789abcdef", 16);
    tj__store_u64(superblock + 24, 1700000000123456789);
    tj__store_u32(superblock + 32, 24 | 9 << 16);
    tj__store_u32(superblock + 36, 0x01020304);
    tj__store_u64(superblock + 40, 0x7fe);
    tj__store_u64(superblock + 48, 1);
    tj__store_u64(superblock + 56, tj__hash(superblock, 56));
    (void)offset_of(&at, superblock, sizeof superblock);
    uint8_t position[64] = {1, 0, 0, 0};
    tj__store_u64(position + 8, 77);
    tj__store_u64(position + 16, (uint64_t)-77);
    tj__store_u64(position + 24, 77 * 3);
    tj__store_u64(position + 32, 2);
    tj__store_u64(position + 40, 8);
    tj__store_u64(position + 48, 64 * 77);
    tj__store_u64(position + 56, tj__hash(position, 56));
    (void)offset_of(&at, position, sizeof position);
    uint8_t row[17];
    uint8_t hashed[9 + 8 + 1];
    memcpy(hashed, "\3row 0000", 9);
    tj__store_u64(hashed + 9, 77);
    hashed[17] = 'v';
    tj__store_u64(row, tj__hash(hashed, sizeof hashed));
    tj__store_u64(row + 8, 77);
    row[16] = 'v';
    (void)offset_of(&at, row, sizeof row);
    place_remove(&at);
}

static void test_create_over_something(void **state)
{
    (void)state;
    place at = place_new();
    tj__superblock superblock = superblock_new();
    tj__position position = position_at(0);
    write_text(&at, "", 0);
    assert_fails(TJ_EXISTS, text_for("%s is already there", at.data),
                 tj__env_create(at.directory, &superblock, &position, 1 << 20, &err));
    assert_int_equal(file_size(&at), 0);
    unlink(at.data);
    char missing[PATH_MAX];
    snprintf(missing, sizeof missing, "%s/none", at.directory);
    assert_fails(TJ_NOT_FOUND,
                 text_for("no such file or directory: opening %s/none/data.mdb", at.directory),
                 tj__env_create(missing, &superblock, &position, 1 << 20, &err));
    place_remove(&at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_there),
        cmocka_unit_test(test_empty_file),
        cmocka_unit_test(test_text_file),
        cmocka_unit_test(test_not_a_regular_file),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_short_of_free_pages_only),
        cmocka_unit_test(test_other_formats),
        cmocka_unit_test(test_page_size),
        cmocka_unit_test(test_damaged_metas),
        cmocka_unit_test(test_files_of_other_programs),
        cmocka_unit_test(test_names_that_were_overwritten),
        cmocka_unit_test(test_many_databases),
        cmocka_unit_test(test_superblock),
        cmocka_unit_test(test_layout_of_the_meta_rows),
        cmocka_unit_test(test_create_over_something),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
