/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* System calls of LMDB that fail: this program's pwrite, writev and fdatasync stand before
 * libc's. */
#include <sys/syscall.h>
#include <sys/uio.h>

#include "support.h"

#define META_WRITE_SIZE 120 /* what LMDB writes of a meta page */

typedef enum victim { NOTHING, DATA_WRITE, DATA_FLUSH, META_WRITE } victim;

static victim failing;
static int failing_errno;

static bool fails(victim what)
{
    errno = failing_errno;
    return failing == what;
}

__attribute__((visibility("default"))) ssize_t pwrite(int fd, const void *data, size_t size,
                                                      off_t offset)
{
    if (fails(size == META_WRITE_SIZE ? META_WRITE : DATA_WRITE)) {
        return -1;
    }
    return syscall(SYS_pwrite64, fd, data, size, offset);
}

__attribute__((visibility("default"))) ssize_t writev(int fd, const struct iovec *parts, int count)
{
    return fails(DATA_WRITE) ? -1 : syscall(SYS_writev, fd, parts, count);
}

__attribute__((visibility("default"))) int fdatasync(int fd)
{
    return fails(DATA_FLUSH) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

__attribute__((visibility("default"))) int fsync(int fd)
{
    return fails(DATA_FLUSH) ? -1 : (int)syscall(SYS_fsync, fd);
}

static tj_status put_row(tj__env *env, uint64_t sequence, tj_error *error)
{
    tj__rowmap *batch = tj__rowmap_new();
    tj__position position = position_at(sequence);
    assert_non_null(tj__rowmap_put(batch, text_bytes("\3row"), text_bytes("value"), sequence));
    tj_status status = tj__env_apply(env, batch, &position, error);
    tj__rowmap_free(batch);
    return status;
}

static uint64_t sequence_of(tj__env *env)
{
    tj__env_snapshot *snapshot = NULL;
    tj__position position;
    assert_ok(tj__env_snapshot_begin(env, &snapshot, &position, &err));
    tj__env_snapshot_end(snapshot);
    return position.sequence;
}

/* What the call with the fault and the one after it said, and what the file then holds. */
typedef struct outcome {
    tj_status first;
    tj_status second;
    char first_text[TJ_ERROR_MESSAGE_SIZE];
    char second_text[TJ_ERROR_MESSAGE_SIZE];
    uint64_t reopened_sequence;
} outcome;

static outcome apply_with_fault(const place *at, victim what, int os_errno)
{
    outcome out = {0};
    tj_error cause = TJ_ERROR_INIT;
    journal_create(at);
    tj__env *env = journal_open(at, 1 << 20, false);
    assert_ok(put_row(env, 1, &err));
    failing = what;
    failing_errno = os_errno;
    out.first = put_row(env, 2, &cause);
    failing = NOTHING;
    memcpy(out.first_text, cause.message, sizeof out.first_text);
    cause = (tj_error)TJ_ERROR_INIT;
    out.second = put_row(env, 3, &cause);
    memcpy(out.second_text, cause.message, sizeof out.second_text);
    tj__env_close(env);
    env = journal_open(at, 1 << 20, false);
    out.reopened_sequence = sequence_of(env);
    assert_ok(put_row(env, 4, &err));
    assert_int_equal(sequence_of(env), 4);
    tj__env_close(env);
    assert_ok(tj__page_check(at->data, NULL, &err));
    return out;
}

static const char *text_of(const char *format, const place *at)
{
    static char text[2 * PATH_MAX];
    const char *mark = strchr(format, '@');
    snprintf(text, sizeof text, "%.*s%s%s", (int)(mark - format), format, at->data, mark + 1);
    return text;
}

static void test_no_space(void **state)
{
    (void)state;
    place at = place_new();
    outcome out = apply_with_fault(&at, DATA_WRITE, ENOSPC);
    assert_int_equal(out.first, TJ_FULL);
    assert_string_equal(out.first_text, text_of("no space left on device: writing @", &at));
    assert_int_equal(out.second, TJ_OK);
    assert_int_equal(out.reopened_sequence, 3);
    place_remove(&at);
}

static void test_failed_write_of_data(void **state)
{
    (void)state;
    place at = place_new();
    outcome out = apply_with_fault(&at, DATA_WRITE, EIO);
    assert_int_equal(out.first, TJ_IO);
    assert_int_equal(out.second, TJ_CLOSED);
    assert_string_equal(out.second_text, out.first_text);
    assert_string_equal(out.first_text, text_of("input/output error: writing @: it holds the state "
                                                "before the batch, and must be reopened",
                                                &at));
    assert_int_equal(out.reopened_sequence, 1);
    place_remove(&at);
}

static void test_failed_flush(void **state)
{
    (void)state;
    place at = place_new();
    outcome out = apply_with_fault(&at, DATA_FLUSH, EIO);
    assert_int_equal(out.first, TJ_IO);
    assert_int_equal(out.second, TJ_CLOSED);
    assert_int_equal(out.reopened_sequence, 1);
    place_remove(&at);
}

static void test_failed_write_of_meta(void **state)
{
    (void)state;
    static const int errors[] = {EIO, ENOSPC};
    static const char *const texts[] = {"input/output error", "no space left on device"};
    for (size_t i = 0; i < 2; i++) {
        place at = place_new();
        char format[256];
        outcome out = apply_with_fault(&at, META_WRITE, errors[i]);
        snprintf(format, sizeof format,
                 "%s: writing @: whether the batch was stored is unknown until it is reopened",
                 texts[i]);
        assert_int_equal(out.first, TJ_CLOSED);
        assert_string_equal(out.first_text, text_of(format, &at));
        assert_int_equal(out.second, TJ_CLOSED);
        assert_string_equal(out.second_text, out.first_text);
        assert_int_equal(out.reopened_sequence, 1);
        place_remove(&at);
    }
}

/* The creation leaves nothing behind that would look like a journal. */
static void test_failed_creation(void **state)
{
    (void)state;
    static const victim victims[] = {DATA_WRITE, DATA_FLUSH};
    place at = place_new();
    tj__superblock superblock = superblock_new();
    tj__position position = position_at(0);
    for (size_t i = 0; i < 2; i++) {
        err = (tj_error)TJ_ERROR_INIT;
        failing = victims[i];
        failing_errno = ENOSPC;
        tj_status status = tj__env_create(at.directory, &superblock, &position, 1 << 20, &err);
        failing = NOTHING;
        assert_int_equal(status, TJ_FULL);
        assert_non_null(strstr(err.message, "no space left on device: "));
        assert_false(access(at.data, F_OK) == 0);
    }
    journal_create(&at);
    place_remove(&at);
}

static void test_failed_flush_at_open(void **state)
{
    (void)state;
    place at = place_new();
    tj__env_options options = {.directory = at.directory};
    tj__superblock superblock;
    tj__env *env = NULL;
    journal_create(&at);
    failing = DATA_FLUSH;
    failing_errno = EIO;
    assert_fails(TJ_IO, text_of("input/output error: flushing @", &at),
                 tj__env_open(&options, &env, &superblock, &err));
    failing = NOTHING;
    assert_null(env);
    tj__env_close(journal_open(&at, 1 << 20, false));
    place_remove(&at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_space),        cmocka_unit_test(test_failed_write_of_data),
        cmocka_unit_test(test_failed_flush),    cmocka_unit_test(test_failed_write_of_meta),
        cmocka_unit_test(test_failed_creation), cmocka_unit_test(test_failed_flush_at_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
