/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * P17: whatever a meta page of data.mdb says, a verification ends with a verdict; and files that
 * hold nothing which is kept are accounted for too.
 */
#include "journal/journal_fixture.h"

#include "journal/lock.h"
#include "log/frame.h"

#include <errno.h>
#include <ftw.h>
#include <sys/syscall.h>

#include <tesser/verify.h>

#include "base/random.h"
#include "support/stand_in.h"

#define PAGE_SIZE_HERE 4096
#define META_END 152 /* of a meta page: what stands behind means nothing */

static tj_verify_report *verify(fixture *f)
{
    tj_verify_report *report = NULL;
    assert_ok(tj_verify(f->path, NULL, &report, &err));
    return report;
}

static void begin(fixture *f)
{
    random_start();
    f->config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    open_and_save(f, 1, 60);
}

static void path_of(const fixture *f, const char *name, char path[PATH_TEXT_SIZE])
{
    assert_true(snprintf(path, PATH_TEXT_SIZE, "%.500s/%s", f->path, name) < PATH_TEXT_SIZE);
}

/* ---- damage has a verdict -------------------------------------------------------------------- */

/* Harmless, or damage of which the log has all; never "it changed each time". */
static void assert_verdict(fixture *f)
{
    tj_verify_report *report = verify(f);
    assert_int_not_equal(report->verdict, TJ_VERDICT_UNCHECKED);
    assert_true(report->newest_whole);
    tj_verify_report_free(report);
}

static void a_meta_page_with_any_byte_changed(void **state)
{
    fixture *f = *state;
    char path[PATH_TEXT_SIZE];
    begin(f);
    path_of(f, "data.mdb", path);
    for (unsigned page = 0; page < 2; page++) {
        for (unsigned i = 0; i < META_END; i++) {
            uint8_t bit = (uint8_t)(1u << random_below(8));
            turn_bits(path, page * PAGE_SIZE_HERE + i, bit);
            assert_verdict(f);
            turn_bits(path, page * PAGE_SIZE_HERE + i, bit);
        }
    }
}

static void a_transaction_of_any_number(void **state)
{
    fixture *f = *state;
    char path[PATH_TEXT_SIZE];
    begin(f);
    path_of(f, "data.mdb", path);
    for (unsigned bit = 0; bit < 64; bit++) {
        for (unsigned page = 0; page < 2; page++) {
            uint64_t at = page * PAGE_SIZE_HERE + 16 + 128 + bit / 8;
            turn_bits(path, at, (uint8_t)(1u << bit % 8));
            assert_verdict(f);
            turn_bits(path, at, (uint8_t)(1u << bit % 8));
        }
    }
}

static void a_data_mdb_that_was_cut(void **state)
{
    fixture *f = *state;
    char path[PATH_TEXT_SIZE];
    begin(f);
    f->damaged = true;
    path_of(f, "data.mdb", path);
    for (off_t size = 3 * PAGE_SIZE_HERE; size >= 0; size -= 97) {
        assert_int_equal(truncate(path, size), 0);
        tj_verify_report *report = verify(f);
        assert_int_equal(report->verdict, TJ_VERDICT_DAMAGED);
        assert_true(report->newest_whole);
        tj_verify_report_free(report);
    }
}

static tj_repair_report *repair_into(fixture *f, char into[PATH_TEXT_SIZE])
{
    tj_repair_report *repaired = NULL;
    assert_true(snprintf(into, PATH_TEXT_SIZE, "%.500s.new", f->path) > 0);
    assert_ok(tj_repair(f->path, into, NULL, &repaired, &err));
    return repaired;
}

static void assert_repaired_whole(fixture *f)
{
    char into[PATH_TEXT_SIZE];
    tj_repair_report *repaired = repair_into(f, into);
    assert_true(repaired->written && !repaired->loses);
    tj_repair_report_free(repaired);
    assert_journal_sound(into);
    directory_remove(into);
}

/* Both journals would share the segment if it were whole. */
static void bytes_behind_a_seal_are_not_taken_over(void **state)
{
    fixture *f = *state;
    char path[PATH_TEXT_SIZE];
    f->config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    f->damaged = true;
    open_and_save(f, 1, 1500);
    path_of(f, "log/0000000003.log", path);
    assert_int_equal(access(path, F_OK), 0);
    path_of(f, "log/0000000001.log", path);
    turn_bits(path, TJ_SEGMENT_SIZE_MIN - 1, 1);
    assert_repaired_whole(f);
}

/* The file whose pages cannot be read from one on, as those of a disk that gives out; before that,
 * so many reads of its beginning work. */
static ino_t unreadable;
static off_t unreadable_from;
static unsigned readable_times;
static bool was_refused;

static bool is_refused(off_t at)
{
    if (at == 0 && readable_times > 0) {
        readable_times--;
        return false;
    }
    was_refused = was_refused || readable_times == 0;
    return readable_times == 0;
}

STAND_IN ssize_t pread(int fd, void *to, size_t size, off_t at)
{
    struct stat found;
    if (unreadable != 0 && at >= unreadable_from && fstat(fd, &found) == 0 &&
        found.st_ino == unreadable && is_refused(at)) {
        errno = EIO;
        return -1;
    }
    return syscall(SYS_pread64, fd, to, size, at);
}

static void assert_unchecked_and_repaired(fixture *f)
{
    tj_verify_report *report = verify(f);
    assert_int_equal(report->verdict, TJ_VERDICT_UNCHECKED);
    assert_true(report->newest_whole);
    tj_verify_report_free(report);
    assert_repaired_whole(f);
}

static void a_data_mdb_that_cannot_be_read(void **state)
{
    static const off_t from[] = {0, PAGE_SIZE_HERE, 2 * PAGE_SIZE_HERE};
    fixture *f = *state;
    char path[PATH_TEXT_SIZE];
    struct stat found;
    begin(f);
    path_of(f, "data.mdb", path);
    assert_int_equal(stat(path, &found), 0);
    for (size_t i = 0; i < sizeof from / sizeof *from; i++) {
        unreadable_from = from[i];
        unreadable = found.st_ino;
        assert_unchecked_and_repaired(f);
        unreadable = 0;
    }
}

static ino_t inode_of(const fixture *f, const char *name)
{
    char path[PATH_TEXT_SIZE];
    struct stat found;
    path_of(f, name, path);
    assert_int_equal(stat(path, &found), 0);
    return found.st_ino;
}

/* It is not known whether it leads to another one: none is missing. */
static void a_newest_segment_that_cannot_be_read(void **state)
{
    fixture *f = *state;
    f->config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    open_and_save(f, 1, 600);
    unreadable_from = 0;
    unreadable = inode_of(f, "log/0000000002.log");
    tj_verify_report *report = verify(f);
    unreadable = 0;
    assert_int_equal(report->verdict, TJ_VERDICT_UNCHECKED);
    for (size_t i = 0; i < report->finding_count; i++) {
        assert_int_not_equal(report->findings[i].kind, TJ_FINDING_DAMAGE);
    }
    tj_verify_report_free(report);
}

/* Who opens the journal refuses it, and so it is not called sound. */
static void a_segment_behind_a_gap(void **state)
{
    fixture *f = *state;
    char path[PATH_TEXT_SIZE];
    begin(f);
    f->damaged = true;
    path_of(f, "log/0000000009.log", path);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, TJ_SEGMENT_SIZE_MIN), 0);
    close(fd);
    refuse_open(f, TJ_CORRUPT, "is missing, though a later one is there");
    tj_verify_report *report = verify(f);
    assert_int_equal(report->verdict, TJ_VERDICT_DAMAGED);
    assert_true(report->newest_whole);
    tj_verify_report_free(report);
    assert_repaired_whole(f);
}

/* With data.mdb as it was after 700 of 1,500 commits, without a mark, and with this much of the
 * segment that was begun last. */
static void begin_at_a_seal(fixture *f, unsigned size)
{
    f->config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    f->damaged = true;
    open_and_save(f, 1, 700);
    shell("cp %s/data.mdb %s.data", f->path, f->path);
    open_and_save(f, 701, 1500);
    shell("mv %s.data %s/data.mdb && rm %s/writer.lock && : >%s/log/0000000004.log && "
          "truncate -s %u %s/log/0000000004.log",
          f->path, f->path, f->path, f->path, size, f->path);
}

/* As logrotate's copytruncate does it. */
static void a_segment_that_was_emptied(void **state)
{
    fixture *f = *state;
    char into[PATH_TEXT_SIZE];
    tj_store *store = NULL;
    begin_at_a_seal(f, 0);
    assert_refused(tj_store_open(&f->config, &store, &err), TJ_CORRUPT,
                   "0000000004.log was cut off");
    tj_verify_report *report = verify(f);
    assert_int_equal(report->verdict, TJ_VERDICT_DAMAGED);
    assert_false(report->newest_whole);
    tj_verify_report_free(report);
    tj_repair_report *repaired = repair_into(f, into);
    assert_true(repaired->needed && repaired->loses && !repaired->written);
    tj_repair_report_free(repaired);
}

/* Who opens the journal says that it is no segment of this log. */
static void a_segment_under_another_name(void **state)
{
    fixture *f = *state;
    char into[PATH_TEXT_SIZE];
    tj_store *store = NULL;
    begin_at_a_seal(f, 0);
    shell("cp %s/log/0000000002.log %s/log/0000000004.log", f->path, f->path);
    assert_refused(tj_store_open(&f->config, &store, &err), TJ_CORRUPT, "no segment of this log");
    tj_verify_report *report = verify(f);
    assert_int_equal(report->verdict, TJ_VERDICT_DAMAGED);
    tj_verify_report_free(report);
    tj_repair_report *repaired = repair_into(f, into);
    assert_true(repaired->needed && repaired->loses && !repaired->written);
    tj_repair_report_free(repaired);
}

/* It is shared with the new journal, which begins where bases are made, and has the next one. */
static void a_log_that_ends_with_a_seal(void **state)
{
    fixture *f = *state;
    begin_at_a_seal(f, TJ_SEGMENT_SIZE_MIN);
    shell("rm %s/log/0000000001.log", f->path);
    assert_repaired_whole(f);
}

/* However long it could be read, a repair that says that nothing is lost has lost nothing. */
static bool repair_beside_a_failing_disk(fixture *f, unsigned times)
{
    char into[PATH_TEXT_SIZE];
    tj_repair_report *repaired = NULL;
    tj_verify_report *report = NULL;
    assert_true(snprintf(into, sizeof into, "%.500s.new", f->path) > 0);
    readable_times = times;
    was_refused = false;
    unreadable = inode_of(f, "log/0000000002.log");
    tj_status status = tj_repair(f->path, into, NULL, &repaired, &err);
    unreadable = 0;
    assert_true(status == TJ_OK || status == TJ_IO);
    if (status == TJ_OK && repaired->written) {
        assert_false(repaired->loses);
        assert_ok(tj_verify(into, NULL, &report, &err));
        assert_int_equal(report->sequence, 600);
        tj_verify_report_free(report);
    }
    tj_repair_report_free(repaired);
    if (access(into, F_OK) == 0) {
        directory_remove(into);
    }
    return was_refused;
}

static void a_segment_that_cannot_be_read_any_more(void **state)
{
    fixture *f = *state;
    char path[PATH_TEXT_SIZE];
    f->config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    f->damaged = true;
    open_and_save(f, 1, 600);
    path_of(f, "data.mdb", path);
    assert_int_equal(truncate(path, PAGE_SIZE_HERE), 0);
    unreadable_from = 0;
    unsigned times = 0;
    while (repair_beside_a_failing_disk(f, times)) {
        times++;
    }
    assert_int_equal(times, 2); /* it is read to make the plan, and to follow it */
}

static void assert_deep_damage(fixture *f)
{
    tj_verify_report *report = NULL;
    tj_verify_options options = TJ_VERIFY_OPTIONS_INIT;
    options.deep = true;
    assert_ok(tj_verify(f->path, &options, &report, &err));
    assert_int_equal(report->verdict, TJ_VERDICT_DAMAGED);
    tj_verify_report_free(report);
}

/* What looks like a newer version's record is none: its checksum tells. */
static void the_version_type_and_flags_of_any_record(void **state)
{
    static uint8_t segment[TJ_SEGMENT_SIZE_MIN];
    fixture *f = *state;
    char path[PATH_TEXT_SIZE];
    unsigned records = 0;
    begin(f);
    path_of(f, "log/0000000001.log", path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(read(fd, segment, sizeof segment), sizeof segment);
    close(fd);
    for (size_t at = TJ__SEGMENT_HEADER_SIZE; at < sizeof segment; at += TJ__RECORD_ALIGN) {
        if (memcmp(segment + at, "TJRC", 4) == 0) {
            uint64_t byte = at + 4 + random_below(4);
            uint8_t bit = (uint8_t)(1u << random_below(8));
            turn_bits(path, records % 3 == 0 ? at + 4 : byte, bit);
            assert_deep_damage(f);
            turn_bits(path, records++ % 3 == 0 ? at + 4 : byte, bit);
        }
    }
    assert_true(records >= 60);
}

/* In a copy no mark is believed, and data.mdb is behind: that damage is no unfinished write, the
 * records behind it say. */
static void what_a_later_record_says_was_durable(void **state)
{
    fixture *f = *state;
    char copy[PATH_TEXT_SIZE];
    char path[PATH_TEXT_SIZE];
    size_t size = 0;
    f->config.no_threads = true;
    fixture_open(f);
    save_numbers(f->store, 1, 20);
    assert_ok(tj_store_work(f->store, &err));
    save_numbers(f->store, 21, 40);
    path_of(f, "../copy", copy);
    shell("cp -r %s %s", f->path, copy);
    fixture_close(f);
    assert_true(snprintf(path, sizeof path, "%.500s/log/0000000001.log", copy) > 0);
    uint8_t *segment = read_whole(path, &size);
    size_t at = TJ__SEGMENT_HEADER_SIZE;
    for (unsigned records = 1; records < 30; records++) {
        do {
            at += TJ__RECORD_ALIGN;
        } while (memcmp(segment + at, "TJRC", 4) != 0);
    }
    free(segment);
    turn_bits(path, at + TJ__RECORD_HEADER_SIZE, 1);
    tj_verify_report *report = NULL;
    assert_ok(tj_verify(copy, NULL, &report, &err));
    assert_int_equal(report->verdict, TJ_VERDICT_DAMAGED);
    assert_int_equal(report->findings[0].sequence_first, 30);
    assert_int_equal(report->findings[0].sequence_last, 30);
    tj_verify_report_free(report);
}

/* ---- every byte is counted ------------------------------------------------------------------- */

static uint64_t counted;

static int count_file(const char *path, const struct stat *found, int kind, struct FTW *walk)
{
    (void)path;
    (void)walk;
    counted += kind == FTW_F ? (uint64_t)found->st_size : 0;
    return 0;
}

static void assert_all_counted(fixture *f)
{
    tj_verify_report *report = verify(f);
    counted = 0;
    assert_int_equal(nftw(f->path, count_file, 8, FTW_PHYS), 0);
    assert_int_equal(report->log_bytes + report->state_bytes + report->base_bytes +
                         report->other_bytes,
                     counted);
    assert_int_equal(report->verdict, TJ_VERDICT_SOUND);
    tj_verify_report_free(report);
}

/* One note, about this file at this place. */
static void assert_noted(fixture *f, const char *name, uint64_t offset, const char *what)
{
    char path[PATH_TEXT_SIZE];
    path_of(f, name, path);
    tj_verify_report *report = verify(f);
    assert_int_equal(report->verdict, TJ_VERDICT_SOUND);
    assert_int_equal(report->finding_count, 1);
    const tj_finding *finding = &report->findings[0];
    assert_int_equal(finding->kind, TJ_FINDING_NOTE);
    assert_string_equal(finding->file.data, path);
    assert_int_equal(finding->offset, offset);
    if (!strstr(finding->sentence.data, what)) {
        fail_msg("\"%s\" lacks: %s", finding->sentence.data, what);
    }
    tj_verify_report_free(report);
}

static void resize(const fixture *f, const char *name, off_t size)
{
    char path[PATH_TEXT_SIZE];
    path_of(f, name, path);
    assert_int_equal(truncate(path, size), 0);
}

static void assert_nothing_found(fixture *f)
{
    tj_verify_report *report = verify(f);
    assert_int_equal(report->finding_count, 0);
    tj_verify_report_free(report);
}

static void what_holds_nothing_is_counted_and_noted(void **state)
{
    fixture *f = *state;
    char path[PATH_TEXT_SIZE];
    begin(f);
    assert_nothing_found(f);
    assert_all_counted(f);
    resize(f, "log/0000000001.log", TJ_SEGMENT_SIZE_MIN + 100);
    assert_noted(f, "log/0000000001.log", TJ_SEGMENT_SIZE_MIN, "100 bytes behind that are no part");
    resize(f, "log/0000000001.log", TJ_SEGMENT_SIZE_MIN);
    path_of(f, "log/0000000009.tmp", path);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    resize(f, "log/0000000009.tmp", 5000);
    assert_noted(f, "log/0000000009.tmp", 0, "nothing needs its 5000 bytes");
    assert_all_counted(f);
    assert_int_equal(unlink(path), 0);
    assert_nothing_found(f);
}

static void a_lock_that_no_writer_left(void **state)
{
    static const uint64_t places[] = {300, 513, 700, 1020, 4000, 4095};
    fixture *f = *state;
    char path[PATH_TEXT_SIZE];
    begin(f);
    path_of(f, "writer.lock", path);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        turn_bits(path, places[i], 1);
        /* A mark that is none is told from where it begins. */
        assert_noted(f, "writer.lock", places[i] == 513 ? 512 : places[i], "what no writer writes");
        turn_bits(path, places[i], 1);
    }
    resize(f, "writer.lock", TJ__LOCK_SIZE + 7);
    assert_noted(f, "writer.lock", TJ__LOCK_SIZE, "what no writer writes");
    resize(f, "writer.lock", 1000);
    assert_noted(f, "writer.lock", 0, "has 1000 bytes instead of 4096");
    open_and_save(f, 61, 61);
    assert_nothing_found(f);
}

int main(void)
{
    directory_in_memory();
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(a_meta_page_with_any_byte_changed),
        JOURNAL_TEST(a_transaction_of_any_number),
        JOURNAL_TEST(a_data_mdb_that_was_cut),
        JOURNAL_TEST(bytes_behind_a_seal_are_not_taken_over),
        JOURNAL_TEST(a_data_mdb_that_cannot_be_read),
        JOURNAL_TEST(a_newest_segment_that_cannot_be_read),
        JOURNAL_TEST(a_segment_that_cannot_be_read_any_more),
        JOURNAL_TEST(a_segment_behind_a_gap),
        JOURNAL_TEST(a_segment_that_was_emptied),
        JOURNAL_TEST(a_segment_under_another_name),
        JOURNAL_TEST(a_log_that_ends_with_a_seal),
        JOURNAL_TEST(the_version_type_and_flags_of_any_record),
        JOURNAL_TEST(what_a_later_record_says_was_durable),
        JOURNAL_TEST(what_holds_nothing_is_counted_and_noted),
        JOURNAL_TEST(a_lock_that_no_writer_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
