/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The bytes of a compressed segment, what is said of one that is damaged, or unpacks without end,
 * and backups that have both forms. */
#include "backup/fixture.h"

#include "backup/packed.h"
#include "base/hash.h"

static char packed_path[PATH_MAX];

/* A journal of several segments, a backup of it as it is, and the same compressed. */
static void make_both(fixture *f, char plain[sizeof backup_path])
{
    open_backed_up(f, 1500);
    memcpy(plain, backup_path, sizeof backup_path);
    snprintf(backup_path, sizeof backup_path, "%s/packed", f->directory);
    backup_compression = 3;
    back_up(f->store);
    backup_compression = 0;
    file_in(packed_path, backup_path, "log/0000000001.log.zst");
}

static void a_compressed_segment_has_these_bytes(void **state)
{
    fixture *f = *state;
    char plain[sizeof backup_path];
    char path[PATH_MAX];
    size_t size = 0;
    size_t packed_size = 0;
    make_both(f, plain);
    file_in(path, plain, "log/0000000001.log");
    uint8_t *segment = read_whole(path, &size);
    uint8_t *packed = read_whole(packed_path, &packed_size);
    static const uint8_t start[] = {0x54, 0x2a, 0x4d, 0x18, 0xb0, 0x10, 0, 0, 'T', 'J', 'P', 'A',
                                    'C',  'K',  'E',  'D',  1,    0,    0, 0, 0,   0,   0,   0};
    assert_memory_equal(packed, start, sizeof start);
    assert_int_equal(tj__load_u64(packed + 24), size);
    assert_true(tj__load_u64(packed + 32) == tj__hash(segment, size));
    assert_true(tj__load_u64(packed + 40) == tj__hash(packed + 4280, packed_size - 4280));
    assert_memory_equal(packed + 48, segment, 4096);
    assert_memory_equal(packed + 4144, segment + size - 128, 128);
    assert_true(tj__load_u64(packed + 4272) == tj__hash(packed + 8, 4264));
    static const uint8_t zstd[] = {0x28, 0xb5, 0x2f, 0xfd};
    assert_memory_equal(packed + 4280, zstd, sizeof zstd);
    assert_true(packed_size < size / 2);
    if (system("command -v zstd >/dev/null") == 0) { /* any zstd unpacks it */
        shell("zstd -q -d -c %s | cmp - %s", packed_path, path);
    }
    free(segment);
    free(packed);
    fixture_close(f);
}

static tj_status unpack(tj_error *error)
{
    char path[PATH_MAX];
    file_in(path, backup_path, "unpacked");
    int from = open(packed_path, O_RDONLY | O_CLOEXEC);
    int to = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(from >= 0 && to >= 0);
    tj_status status = tj__unpack(from, packed_path, to, path, error);
    close(from);
    close(to);
    unlink(path);
    return status;
}

static void write_packed(const uint8_t *bytes, size_t size)
{
    int fd = open(packed_path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    close(fd);
}

/* Every byte, and many lengths. */
static void a_damaged_one_is_told(void **state)
{
    fixture *f = *state;
    char plain[sizeof backup_path];
    size_t size = 0;
    make_both(f, plain);
    fixture_close(f);
    uint8_t *bytes = read_whole(packed_path, &size);
    for (size_t i = 0; i < size; i += i < 64 || i >= 4200 ? 1 : 61) {
        bytes[i] ^= 0x10;
        write_packed(bytes, size);
        tj_status status = unpack(&err);
        if (status != TJ_CORRUPT && !(status == TJ_FORMAT_NEWER && i >= 16 && i < 20)) {
            fail_msg("byte %zu: %s: %s", i, tj_status_name(status), err.message);
        }
        note_refusal(f);
        bytes[i] ^= 0x10;
    }
    for (size_t cut = 0; cut < size; cut += 97) {
        write_packed(bytes, cut);
        assert_int_equal(unpack(&err), TJ_CORRUPT);
    }
    write_packed(bytes, size);
    assert_ok(unpack(&err));
    bytes[16] = 2;
    write_packed(bytes, size);
    assert_refused(unpack(&err), TJ_FORMAT_NEWER, "newer version");
    free(bytes);
}

/* Ten gigabytes of zeros in a file that says it is a segment. */
static void one_that_unpacks_without_end_is_told(void **state)
{
    fixture *f = *state;
    char plain[sizeof backup_path];
    size_t size = 0;
    make_both(f, plain);
    fixture_close(f);
    if (system("command -v zstd >/dev/null") != 0) {
        printf("Skipped: zstd is not installed.\n");
        skip();
    }
    uint8_t *bytes = read_whole(packed_path, &size);
    write_packed(bytes, TJ__PACKED_HEAD_SIZE);
    shell("head -c 200000000 /dev/zero | zstd -q -c >>%s", packed_path);
    assert_refused(unpack(&err), TJ_CORRUPT, "it unpacks to more than the segment");
    note_refusal(f);
    write_packed(bytes, TJ__PACKED_HEAD_SIZE);
    shell("head -c 200000000 /dev/zero | zstd -q --ultra -22 --long=31 -c >>%s", packed_path);
    assert_int_equal(unpack(&err), TJ_CORRUPT);
    note_refusal(f);
    free(bytes);
}

static unsigned count_files(const char *ending)
{
    char path[PATH_MAX];
    struct dirent **names = NULL;
    unsigned found = 0;
    file_in(path, backup_path, "log");
    int count = scandir(path, &names, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        const char *at = strstr(names[i]->d_name, ending);
        found += at && at[strlen(ending)] == '\0';
        free(names[i]);
    }
    free(names);
    return found;
}

static void assert_restores(const fixture *f, uint64_t at, uint64_t expected)
{
    char path[PATH_TEXT_SIZE + 16];
    tj_restore_report *report = NULL;
    tj_restore_options options = TJ_RESTORE_OPTIONS_INIT;
    options.at.sequence = at;
    snprintf(path, sizeof path, "%s/restored", f->directory);
    assert_ok(tj_restore(backup_path, path, &options, &report, &err));
    assert_int_equal(report->sequence, expected);
    tj_restore_report_free(report);
    directory_remove(path);
    assert_ok(tj_restore(backup_path, path, &options, NULL, &err));
    directory_remove(path);
}

/* From one form to the other and back: the point is the same, and everything reads both. */
static void a_backup_may_have_both_forms(void **state)
{
    fixture *f = *state;
    tj_backup_list *list = NULL;
    open_backed_up(f, 1500);
    unsigned sealed = count_files(".log");
    assert_true(sealed > 2);
    backup_compression = 1;
    tj_backup_point point = back_up(f->store);
    backup_compression = 0;
    assert_int_equal(count_files(".log"), 0);
    assert_int_equal(count_files(".log.zst"), sealed);
    assert_ok(tj_backup_list_read(backup_path, &list, &err));
    assert_int_equal(list->points[list->count - 1].bytes, point.bytes);
    tj_backup_list_free(list);
    assert_ok(tj_backup_verify(backup_path, NULL, NULL, &err));
    save_numbers(f->store, 1501, 2500);
    point = back_up(f->store);
    assert_true(count_files(".log") > 0);
    assert_int_equal(count_files(".log.zst"), sealed);
    assert_ok(tj_backup_verify(backup_path, NULL, NULL, &err));
    assert_restores(f, 0, 2500);
    assert_restores(f, 700, 700);
    backup_compression = 19;
    back_up(f->store);
    backup_compression = 0;
    assert_int_equal(count_files(".log"), 0);
    assert_ok(tj_backup_verify(backup_path, NULL, NULL, &err));
    fixture_close(f);
}

static void what_is_damaged_is_found(void **state)
{
    fixture *f = *state;
    char plain[sizeof backup_path];
    struct stat found;
    make_both(f, plain);
    save_numbers(f->store, 1501, 1502);
    assert_int_equal(stat(packed_path, &found), 0);
    for (unsigned i = 0; i < 30; i++) {
        size_t at = random_below((unsigned)found.st_size);
        flip_byte(packed_path, at);
        tj_status status = tj_backup_verify(backup_path, NULL, NULL, &err);
        assert_true(status == TJ_CORRUPT || status == TJ_FORMAT_NEWER);
        flip_byte(packed_path, at);
    }
    flip_byte(packed_path, 60); /* of the header in its head */
    assert_int_equal(tj_backup(f->store, backup_path, NULL, NULL, &err), TJ_CORRUPT);
    note_refusal(f);
    flip_byte(packed_path, 60);
    back_up(f->store);
    assert_int_equal(unlink(packed_path), 0);
    assert_int_equal(tj_backup_verify(backup_path, NULL, NULL, &err), TJ_NOT_FOUND);
    tj_backup_options options = TJ_BACKUP_OPTIONS_INIT;
    options.compression = 20;
    assert_refused(tj_backup(f->store, backup_path, &options, NULL, &err), TJ_INVALID,
                   "the highest is 19");
    fixture_close(f);
}

int main(void)
{
    directory_in_memory();
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(a_compressed_segment_has_these_bytes),
        JOURNAL_TEST(a_damaged_one_is_told),
        JOURNAL_TEST(one_that_unpacks_without_end_is_told),
        JOURNAL_TEST(a_backup_may_have_both_forms),
        JOURNAL_TEST(what_is_damaged_is_found),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    print_sentences();
    return failed;
}
