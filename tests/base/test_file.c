/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Files that are short, missing, full, of the wrong kind or not ours: each error says so. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "support/stand_in.h"

#define PATH_SIZE 512

/* Each test works in a directory of its own, as a user whom permissions bind. */
static char directory[PATH_SIZE];

static int enter(void **state)
{
    (void)state;
    if (geteuid() == 0 && seteuid(65534) != 0) {
        return -1;
    }
    const char *parent = getenv("TMPDIR");
    parent = parent && access(parent, W_OK) == 0 ? parent : "/tmp";
    snprintf(directory, sizeof directory, "%s/tesser-file-XXXXXX", parent);
    return mkdtemp(directory) ? 0 : -1;
}

/* A process that has changed its user may not look into itself, which the leak checker does. */
static int become_root_again(void)
{
    return getuid() != 0 ? 0 : seteuid(0) != 0 ? -1 : prctl(PR_SET_DUMPABLE, 1);
}

static int leave(void **state)
{
    (void)state;
    char command[2 * PATH_SIZE + 32];
    snprintf(command, sizeof command, "chmod -R u+rwx '%s' && rm -r '%s'", directory, directory);
    return become_root_again() == 0 ? system(command) : -1;
}

static const char *path_of(const char *name)
{
    static char path[2 * PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static int open_new(const char *path)
{
    int fd = -1;
    tj_error error = TJ_ERROR_INIT;
    if (tj__file_open(path, O_RDWR | O_CREAT | O_EXCL, &fd, &error) != TJ_OK) {
        fail_msg("%s", error.message);
    }
    return fd;
}

/* The expected message has %s where the test's directory stands. */
static void assert_error(const tj_error *error, tj_status status, int os_errno,
                         const char *message_format)
{
    char expected[TJ_ERROR_MESSAGE_SIZE];
    const char *gap = strstr(message_format, "%s");
    if (gap) {
        snprintf(expected, sizeof expected, "%.*s%s%s", (int)(gap - message_format), message_format,
                 directory, gap + 2);
    } else {
        snprintf(expected, sizeof expected, "%s", message_format);
    }
    assert_string_equal(error->message, expected);
    assert_int_equal(error->status, status);
    assert_int_equal(error->os_errno, os_errno);
}

static void write_and_read(void **state)
{
    (void)state;
    const char *path = path_of("file");
    int fd = open_new(path);
    char data[8] = {0};
    uint64_t size = 0;
    size_t got = 0;
    assert_int_equal(tj__file_write_at(fd, path, "abc", 3, 5, NULL), TJ_OK);
    assert_int_equal(tj__file_write_at(fd, path, NULL, 0, 100, NULL), TJ_OK);
    assert_int_equal(tj__file_size(fd, path, &size, NULL), TJ_OK);
    assert_int_equal(size, 8);
    assert_int_equal(tj__file_read_at(fd, path, data, 8, 0, NULL), TJ_OK);
    assert_memory_equal(data, "\0\0\0\0\0abc", 8);
    assert_int_equal(tj__file_read_some(fd, path, data, 8, 6, &got, NULL), TJ_OK);
    assert_int_equal(got, 2);
    assert_memory_equal(data, "bc", 2);
    assert_int_equal(tj__file_read_some(fd, path, data, 8, 100, &got, NULL), TJ_OK);
    assert_int_equal(got, 0);
    assert_int_equal(tj__file_sync(fd, path, NULL), TJ_OK);
    assert_int_equal(tj__file_sync_data(fd, path, NULL), TJ_OK);
    assert_int_equal(tj__directory_sync(directory, NULL), TJ_OK);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    tj__file_close(fd);
    tj__file_close(-1);
}

static void a_short_file_is_corrupt(void **state)
{
    (void)state;
    const char *path = path_of("file");
    int fd = open_new(path);
    char data[8] = {0};
    tj_error error = TJ_ERROR_INIT;
    assert_int_equal(tj__file_write_at(fd, path, "abc", 3, 0, NULL), TJ_OK);
    assert_int_equal(tj__file_read_at(fd, path, data, 8, 1, &error), TJ_CORRUPT);
    assert_error(&error, TJ_CORRUPT, 0,
                 "%s/file is too short: it has 2 of the 8 bytes at offset 1");
    assert_string_equal(error.place, path);
    tj__file_close(fd);
}

static void a_missing_file_is_named(void **state)
{
    (void)state;
    int fd = 42;
    tj_error error = TJ_ERROR_INIT;
    assert_int_equal(tj__file_open(path_of("none"), O_RDONLY, &fd, &error), TJ_NOT_FOUND);
    assert_error(&error, TJ_NOT_FOUND, ENOENT, "no such file or directory: opening %s/none");
    assert_string_equal(error.place, path_of("none"));
    assert_int_equal(fd, 42);
}

static void a_full_disk(void **state)
{
    (void)state;
    int fd = -1;
    tj_error error = TJ_ERROR_INIT;
    assert_int_equal(tj__file_open("/dev/full", O_WRONLY, &fd, NULL), TJ_OK);
    assert_int_equal(tj__file_write_at(fd, "/dev/full", "abc", 3, 7, &error), TJ_FULL);
    assert_error(&error, TJ_FULL, ENOSPC,
                 "no space left on device: writing 3 bytes at offset 7 of /dev/full");
    assert_string_equal(error.place, "/dev/full");
    tj__file_close(fd);
}

/* Nothing is mapped at address 0, and this file system has no space: an EIO as a full disk may
 * give it. */
static void an_io_error_on_a_full_disk(void **state)
{
    (void)state;
    int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
    tj_error error = TJ_ERROR_INIT;
    if (fd < 0) {
        print_message("skipped: /proc/self/mem cannot be opened here\n");
        skip();
    }
    assert_int_equal(tj__file_write_at(fd, "memory", "abc", 3, 0, &error), TJ_IO);
    assert_error(&error, TJ_IO, EIO,
                 "input/output error: writing 3 bytes at offset 0 of memory: the disk is possibly "
                 "full (0 KiB free)");
    tj__file_close(fd);
}

static void wrong_descriptors(void **state)
{
    (void)state;
    const char *path = path_of("file");
    tj__file_close(open_new(path));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint64_t size = 0;
    char data[4];
    tj_error error = TJ_ERROR_INIT;
    assert_int_equal(tj__file_write_at(fd, path, "abc", 3, 0, &error), TJ_IO);
    assert_error(&error, TJ_IO, EBADF,
                 "bad file descriptor: writing 3 bytes at offset 0 of %s/file");
    tj__file_close(fd);
    assert_int_equal(tj__file_read_at(-1, path, data, 4, 9, &error), TJ_IO);
    assert_error(&error, TJ_IO, EBADF,
                 "bad file descriptor: reading 4 bytes at offset 9 of %s/file");
    assert_int_equal(tj__file_size(-1, path, &size, &error), TJ_IO);
    assert_error(&error, TJ_IO, EBADF, "bad file descriptor: looking at the size of %s/file");
    assert_int_equal(tj__file_sync(-1, path, &error), TJ_IO);
    assert_error(&error, TJ_IO, EBADF, "bad file descriptor: flushing %s/file");
    assert_int_equal(tj__file_sync_data(-1, path, NULL), TJ_IO);
}

static bool is_directory(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 && S_ISDIR(found.st_mode);
}

/* In place of the C library's: counts. */
static int flushes;
int fsync(int fd)
{
    flushes++;
    return (int)syscall(SYS_fsync, fd);
}

static int flushes_of_all;
int syncfs(int fd)
{
    flushes_of_all++;
    return (int)syscall(SYS_syncfs, fd);
}

static int flushes_of(tj_status (*create)(const char *, tj_error *), const char *name)
{
    flushes = 0;
    assert_int_equal(create(path_of(name), NULL), TJ_OK);
    return flushes;
}

/* P10: a name that is not flushed may be gone after a power cut, and all that is in it. */
static void the_names_of_new_directories_are_flushed(void **state)
{
    (void)state;
    assert_int_equal(flushes_of(tj__directory_create, "one/two/three"), 3);
    assert_int_equal(flushes_of(tj__directory_create, "one/two/three"), 0);
    assert_int_equal(flushes_of(tj__directory_create_unflushed, "one/four/five"), 1);
    flushes = 0;
    assert_int_equal(tj__directory_sync_parent(path_of("one/four/five"), NULL), TJ_OK);
    assert_int_equal(flushes, 1);
}

/* P10: where names can be made and not be read, the whole file system is flushed for them. */
static void the_names_in_an_unreadable_directory_are_flushed(void **state)
{
    (void)state;
    tj_error error = TJ_ERROR_INIT;
    tj__file_close(open_new(path_of("file")));
    assert_int_equal(chmod(directory, 0300), 0);
    flushes = flushes_of_all = 0;
    assert_int_equal(tj__directory_sync_parent(path_of("file"), &error), TJ_OK);
    assert_int_equal(flushes, 0);
    assert_int_equal(flushes_of_all, 1);
    assert_int_equal(error.status, TJ_OK);
    assert_int_equal(tj__directory_sync_parent(path_of("none"), &error), TJ_NOT_FOUND);
    assert_error(&error, TJ_NOT_FOUND, ENOENT, "no such file or directory: opening %s/none");
}

static void the_directory_of_a_path(void **state)
{
    (void)state;
    static const char *const expected[][2] = {{"a/b", "a"}, {"/a/b//", "/a"}, {"/a//b", "/a"},
                                              {"/a", "/"},  {"a", "."},       {"a/", "."},
                                              {"./a", "."}, {"/", "/"},       {"a/b/c", "a/b"}};
    static char longer[PATH_MAX + 8];
    char parent[PATH_MAX];
    tj_error error = TJ_ERROR_INIT;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_int_equal(tj__path_parent(expected[i][0], parent, NULL), TJ_OK);
        assert_string_equal(parent, expected[i][1]);
    }
    memset(longer, 'a', PATH_MAX);
    strcat(longer, "/b");
    assert_int_equal(tj__path_parent(longer, parent, &error), TJ_IO);
    assert_int_equal(error.os_errno, ENAMETOOLONG);
}

static void directories(void **state)
{
    (void)state;
    const char *path = path_of("a/b//c/");
    assert_int_equal(tj__directory_create(path, NULL), TJ_OK);
    assert_true(is_directory(path));
    assert_int_equal(tj__directory_create(path, NULL), TJ_OK);
    assert_int_equal(tj__directory_create("/", NULL), TJ_OK);
    assert_int_equal(tj__directory_create(".", NULL), TJ_OK);

    assert_int_equal(chdir(directory), 0);
    assert_int_equal(tj__directory_create("relative", NULL), TJ_OK);
    assert_int_equal(tj__directory_create("relative/deeper", NULL), TJ_OK);
    assert_true(is_directory(path_of("relative/deeper")));
    assert_int_equal(chdir("/"), 0);
}

static void directories_that_cannot_be(void **state)
{
    (void)state;
    tj_error error = TJ_ERROR_INIT;
    tj__file_close(open_new(path_of("file")));
    assert_int_equal(tj__directory_create(path_of("file"), &error), TJ_INVALID);
    assert_error(&error, TJ_INVALID, 0, "%s/file is no directory, and one is needed there");
    assert_int_equal(tj__directory_create(path_of("file/below"), &error), TJ_INVALID);
    assert_error(&error, TJ_INVALID, 0, "%s/file is no directory, and one is needed there");
    assert_string_equal(error.place, path_of("file"));
    assert_int_equal(tj__directory_create("", &error), TJ_NOT_FOUND);
    assert_error(&error, TJ_NOT_FOUND, ENOENT,
                 "no such file or directory: creating the directory \"\"");
    static char longer[PATH_MAX + 1];
    memset(longer, 'a', PATH_MAX);
    assert_int_equal(tj__directory_create(longer, &error), TJ_IO);
    assert_int_equal(error.os_errno, ENAMETOOLONG);
    assert_int_equal(tj__directory_sync(path_of("file"), &error), TJ_IO);
    assert_error(&error, TJ_IO, ENOTDIR, "not a directory: opening %s/file");
}

static void a_read_only_directory(void **state)
{
    (void)state;
    int fd = 42;
    tj_error error = TJ_ERROR_INIT;
    tj__file_close(open_new(path_of("file")));
    assert_int_equal(chmod(directory, 0500), 0);
    assert_int_equal(tj__file_open(path_of("new"), O_RDWR | O_CREAT, &fd, &error), TJ_IO);
    assert_error(&error, TJ_IO, EACCES, "permission denied: opening %s/new");
    assert_int_equal(fd, 42);
    assert_int_equal(tj__directory_create(path_of("a/b"), &error), TJ_IO);
    assert_error(&error, TJ_IO, EACCES, "permission denied: creating the directory %s/a");
    assert_int_equal(tj__file_remove(path_of("file"), &error), TJ_IO);
    assert_error(&error, TJ_IO, EACCES, "permission denied: removing %s/file");
    assert_true(access(path_of("file"), F_OK) == 0);
}

static void renaming_and_removing(void **state)
{
    (void)state;
    char from[2 * PATH_SIZE];
    tj_error error = TJ_ERROR_INIT;
    snprintf(from, sizeof from, "%s", path_of("from"));
    tj__file_close(open_new(from));
    assert_int_equal(tj__file_rename(from, path_of("to"), NULL), TJ_OK);
    assert_false(access(from, F_OK) == 0);
    assert_true(access(path_of("to"), F_OK) == 0);
    assert_false(is_directory(path_of("to")));
    assert_int_equal(tj__file_rename(from, "x", &error), TJ_NOT_FOUND);
    assert_error(&error, TJ_NOT_FOUND, ENOENT, "no such file or directory: renaming %s/from to x");
    assert_int_equal(tj__file_remove(path_of("to"), NULL), TJ_OK);
    assert_int_equal(tj__file_remove(path_of("to"), NULL), TJ_OK);
    assert_false(access(path_of("to"), F_OK) == 0);
}

static void whole_files(void **state)
{
    (void)state;
    enum { SIZE = 200000 };
    static char data[SIZE];
    memset(data, 'x', SIZE);
    const char *path = path_of("file");
    int fd = open_new(path);
    tj__buffer out = {0};
    tj_error error = TJ_ERROR_INIT;
    assert_int_equal(tj__file_write_at(fd, path, data, SIZE, 0, NULL), TJ_OK);
    tj__file_close(fd);
    tj__put_cstr(&out, ">");
    assert_int_equal(tj__file_read_all(path, SIZE, &out, NULL), TJ_OK);
    assert_int_equal(out.size, SIZE + 1);
    assert_memory_equal(out.data + 1, data, SIZE);
    assert_int_equal(tj__file_read_all(path, SIZE - 1, &out, &error), TJ_LIMIT);
    assert_error(&error, TJ_LIMIT, 0, "%s/file has more than 199999 bytes, the most that are read");
    assert_int_equal(out.size, SIZE + 1);
    assert_int_equal(tj__file_read_all(directory, SIZE, &out, &error), TJ_IO);
    assert_error(&error, TJ_IO, EISDIR, "is a directory: reading %s");
    assert_int_equal(tj__file_read_all(path_of("none"), SIZE, &out, &error), TJ_NOT_FOUND);
    tj__buffer_clear(&out);
    assert_int_equal(tj__file_read_own(path_of("file"), SIZE, &out, NULL), TJ_OK);
    assert_int_equal(out.size, SIZE);
    assert_memory_equal(out.data, data, SIZE);
    assert_int_equal(tj__file_read_own(path_of("file"), SIZE - 1, &out, NULL), TJ_LIMIT);
    assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
    assert_int_equal(tj__file_read_own(path_of("pipe"), SIZE, &out, &error), TJ_CORRUPT);
    assert_error(&error, TJ_CORRUPT, 0, "%s/pipe is not a regular file");
    assert_int_equal(out.size, SIZE);
    tj__buffer_dispose(&out);
}

static void standard_input(void **state)
{
    (void)state;
    int ends[2];
    int saved = dup(STDIN_FILENO);
    tj__buffer out = {0};
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "line\n", 5), 5);
    close(ends[1]);
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    assert_int_equal(tj__file_read_all("-", 100, &out, NULL), TJ_OK);
    assert_int_equal(out.size, 5);
    assert_memory_equal(out.data, "line\n", 5);
    tj__buffer_dispose(&out);
    dup2(saved, STDIN_FILENO);
    close(saved);
}

static void joining(void **state)
{
    (void)state;
    char out[8] = "x";
    tj_error error = TJ_ERROR_INIT;
    assert_int_equal(tj__path_join(out, sizeof out, "ab", "cdef", NULL), TJ_OK);
    assert_string_equal(out, "ab/cdef");
    assert_int_equal(tj__path_join(out, sizeof out, "a/", "x", NULL), TJ_OK);
    assert_string_equal(out, "a/x");
    assert_int_equal(tj__path_join(out, sizeof out, "abc", "cdef", &error), TJ_LIMIT);
    assert_error(&error, TJ_LIMIT, 0, "the path abc/cdef is longer than 7 bytes");
    assert_string_equal(out, "a/x");
}

static void what_is_at_a_path(void **state)
{
    (void)state;
    bool there = true;
    struct stat found;
    tj_error error = TJ_ERROR_INIT;
    tj__file_close(open_new(path_of("file")));
    assert_int_equal(tj__path_look(path_of("file"), &there, &found, NULL), TJ_OK);
    assert_true(there && S_ISREG(found.st_mode));
    assert_int_equal(tj__path_look(path_of("none"), &there, &found, NULL), TJ_OK);
    assert_false(there);
    assert_int_equal(found.st_mode, 0);
    there = true;
    assert_int_equal(tj__path_look(path_of("file/below"), &there, &found, NULL), TJ_OK);
    assert_false(there);
    assert_int_equal(symlink("nowhere", path_of("link")), 0);
    assert_int_equal(tj__path_look(path_of("link"), &there, &found, &error), TJ_IO);
    assert_error(&error, TJ_IO, 0,
                 "%s/link is a symbolic link that leads nowhere: mount or put back what it names, "
                 "or remove the link");
    assert_int_equal(symlink("loop", path_of("loop")), 0);
    assert_int_equal(tj__path_look(path_of("loop"), &there, &found, &error), TJ_IO);
    assert_error(&error, TJ_IO, ELOOP, "too many levels of symbolic links: looking at %s/loop");
}

static const char *made_meanwhile;

/* Comes after a stat that found nothing: another process makes a directory in between. */
STAND_IN int lstat(const char *path, struct stat *out)
{
    if (made_meanwhile && strcmp(path, made_meanwhile) == 0) {
        made_meanwhile = NULL;
        assert_int_equal(mkdir(path, 0770), 0);
    }
    return fstatat(AT_FDCWD, path, out, AT_SYMLINK_NOFOLLOW);
}

static void what_is_made_between_two_looks(void **state)
{
    (void)state;
    bool there = false;
    struct stat found;
    made_meanwhile = path_of("meanwhile");
    assert_int_equal(tj__path_look(path_of("meanwhile"), &there, &found, NULL), TJ_OK);
    assert_null(made_meanwhile);
    assert_true(there && S_ISDIR(found.st_mode));
}

static bool names(const char *path, dev_t device, ino_t inode)
{
    bool same = false;
    assert_int_equal(tj__path_names(path, device, inode, &same, NULL), TJ_OK);
    return same;
}

static void the_file_at_a_path(void **state)
{
    (void)state;
    struct stat made;
    bool same = false;
    tj_error error = TJ_ERROR_INIT;
    char kept[2 * PATH_SIZE];
    snprintf(kept, sizeof kept, "%s", path_of("kept"));
    int fd = open_new(path_of("a"));
    assert_int_equal(fstat(fd, &made), 0);
    tj__file_close(fd);
    assert_true(names(path_of("a"), made.st_dev, made.st_ino));
    assert_false(names(path_of("a"), made.st_dev, made.st_ino + 1));
    assert_false(names(path_of("a"), made.st_dev + 1, made.st_ino));
    assert_int_equal(link(path_of("a"), kept), 0);
    assert_int_equal(unlink(path_of("a")), 0);
    assert_false(names(path_of("a"), made.st_dev, made.st_ino));
    tj__file_close(open_new(path_of("a")));
    assert_false(names(path_of("a"), made.st_dev, made.st_ino));
    assert_true(names(kept, made.st_dev, made.st_ino));
    assert_int_equal(symlink("loop", path_of("loop")), 0);
    assert_int_equal(tj__path_names(path_of("loop"), made.st_dev, made.st_ino, &same, &error),
                     TJ_IO);
    assert_error(&error, TJ_IO, ELOOP, "too many levels of symbolic links: looking at %s/loop");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_io_error_on_a_full_disk),
        TEST(write_and_read),
        TEST(a_short_file_is_corrupt),
        TEST(a_missing_file_is_named),
        TEST(a_full_disk),
        TEST(wrong_descriptors),
        TEST(the_directory_of_a_path),
        TEST(directories),
        TEST(the_names_of_new_directories_are_flushed),
        TEST(the_names_in_an_unreadable_directory_are_flushed),
        TEST(directories_that_cannot_be),
        TEST(a_read_only_directory),
        TEST(renaming_and_removing),
        TEST(whole_files),
        TEST(standard_input),
        TEST(joining),
        TEST(what_is_at_a_path),
        TEST(what_is_made_between_two_looks),
        TEST(the_file_at_a_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
