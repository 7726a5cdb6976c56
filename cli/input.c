/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Files in and out, and standard input line by line. */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

const char *input_name(const char *path)
{
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

const char *file_given(const command_line *cli, const option_spec *option)
{
    const char *file = option_value(cli, option);
    return file && strcmp(file, "-") != 0 ? file : NULL;
}

/* read(2) that goes on after a signal, and waits also where the descriptor does not. */
static ssize_t read_some(int fd, char *data, size_t size)
{
    for (;;) {
        ssize_t got = read(fd, data, size);
        if (got < 0 && errno == EAGAIN) {
            wait_for(fd, POLLIN);
        } else if (got >= 0 || errno != EINTR) {
            return got;
        }
    }
}

static tj_status read_to_end(int fd, const char *name, char **data, size_t *size, tj_error *error)
{
    char *text = NULL;
    size_t used = 0;
    size_t capacity = 0;
    ssize_t got = 1;
    while (got > 0 && used <= INPUT_SIZE_MAX) {
        if (used == capacity) {
            capacity = capacity ? 2 * capacity : 65536;
            text = need(realloc(text, capacity));
        }
        got = read_some(fd, text + used, capacity - used);
        used += got > 0 ? (size_t)got : 0;
    }
    if (got < 0 || used > INPUT_SIZE_MAX) {
        tj_status status = got < 0 ? fail_errno(error, errno, "reading %s", name)
                                   : fail(error, TJ_LIMIT, "%s is larger than %zu MiB", name,
                                          INPUT_SIZE_MAX >> 20);
        free(text);
        return status;
    }
    *data = text;
    *size = used;
    return TJ_OK;
}

tj_status input_read(const char *path, char **data, size_t *size, tj_error *error)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return fail_errno(error, errno, "opening %s", path);
    }
    tj_status status = read_to_end(fd, input_name(path), data, size, error);
    if (!is_stdin) {
        close(fd);
    }
    return status;
}

static tj_status write_all(int fd, const char *path, tj_str data, tj_error *error)
{
    while (data.size > 0) {
        ssize_t put = write(fd, data.data, data.size);
        if (put < 0 && errno != EINTR) {
            return fail_errno(error, errno, "writing %s", path);
        }
        data.data += put > 0 ? put : 0;
        data.size -= put > 0 ? (size_t)put : 0;
    }
    return TJ_OK;
}

/* Gives a new file the owner, group and mode of the one it replaces. Where the group cannot be
 * kept, another one does not get what only that was given. */
static tj_status take_after(int fd, const char *path, const struct stat *old, tj_error *error)
{
    mode_t mode = old->st_mode & 0777;
    if (fchown(fd, old->st_uid, old->st_gid) != 0 && fchown(fd, (uid_t)-1, old->st_gid) != 0) {
        mode &= ~(mode_t)S_IRWXG | (mode & S_IRWXO) << 3;
    }
    return fchmod(fd, mode) == 0 ? TJ_OK : fail_errno(error, errno, "setting the mode of %s", path);
}

/* Flushes the directory that holds a path, so that its new name is on the disk. */
static tj_status flush_directory_of(const char *path, tj_error *error)
{
    const char *slash = strrchr(path, '/');
    char *directory = need(slash ? strndup(path, (size_t)(slash - path) + 1) : strdup("."));
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    tj_status status = fd >= 0 && fsync(fd) == 0
                           ? TJ_OK
                           : fail_errno(error, errno, "flushing directory %s", directory);
    if (fd >= 0) {
        close(fd);
    }
    free(directory);
    return status;
}

/* What a symbolic link names is replaced, not the link. */
static tj_status find_target(const char *path, char **target, struct stat *old, bool *replaces,
                             tj_error *error)
{
    struct stat link;
    *replaces = stat(path, old) == 0;
    if (!*replaces && errno != ENOENT) {
        return fail_errno(error, errno, "looking at %s", path);
    }
    if (!*replaces && lstat(path, &link) == 0) {
        return fail(error, TJ_IO,
                    "%s is a symbolic link that leads nowhere: mount or put back what it names, or "
                    "remove the link",
                    path);
    }
    if (*replaces && !S_ISREG(old->st_mode)) {
        return fail(error, TJ_EXISTS, "%s is no regular file and is not replaced", path);
    }
    *target = *replaces ? realpath(path, NULL) : need(strdup(path));
    return *target ? TJ_OK : fail_errno(error, errno, "following %s", path);
}

static tj_status fill_and_rename(int fd, const char *temporary, const char *target,
                                 const struct stat *as, tj_str data, tj_error *error)
{
    tj_status status = write_all(fd, target, data, error);
    if (status == TJ_OK) {
        status = take_after(fd, target, as, error);
    }
    if (status == TJ_OK && fsync(fd) != 0) {
        status = fail_errno(error, errno, "flushing %s", target);
    }
    if (close(fd) != 0 && status == TJ_OK) {
        status = fail_errno(error, errno, "closing %s", target);
    }
    if (status == TJ_OK && rename(temporary, target) != 0) {
        status = fail_errno(error, errno, "renaming %s to %s", temporary, target);
    }
    return status;
}

tj_status file_replace(const char *path, tj_str data, mode_t new_mode, tj_error *error)
{
    char *target = NULL;
    struct stat as = {.st_mode = new_mode, .st_uid = (uid_t)-1, .st_gid = (gid_t)-1};
    bool replaces = false;
    tj_status status = tj_path_apart(path, error);
    if (status == TJ_OK) {
        status = find_target(path, &target, &as, &replaces, error);
    }
    if (status != TJ_OK) {
        free(target);
        return status;
    }
    /* The name is random and the file must be new: what an earlier run left behind stops nothing,
     * and nobody can put a link there. */
    const char *slash = strrchr(target, '/');
    char *temporary = NULL;
    need(asprintf(&temporary, "%.*s.tesser-journal-XXXXXX", slash ? (int)(slash - target) + 1 : 0,
                  target) < 0
             ? NULL
             : temporary);
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        status = fail_errno(error, errno, "creating a file beside %s", path);
    } else {
        status = fill_and_rename(fd, temporary, target, &as, data, error);
        if (status != TJ_OK) {
            unlink(temporary);
        }
    }
    if (status == TJ_OK) {
        status = flush_directory_of(target, error);
    }
    free(temporary);
    free(target);
    return status;
}

tj_str trimmed(tj_str text)
{
    static const char space[] = " \t\r\n";
    static const char mark[] = "\xef\xbb\xbf";
    if (text.size >= 3 && memcmp(text.data, mark, 3) == 0) {
        text = (tj_str){text.data + 3, text.size - 3};
    }
    while (text.size > 0 && memchr(space, text.data[0], 4)) {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && memchr(space, text.data[text.size - 1], 4)) {
        text.size--;
    }
    return text;
}

/* Makes room behind what was not handed out, moving it to the front or growing. */
static void make_room(line_reader *reader)
{
    size_t rest = reader->size - reader->start;
    if (reader->start > 0) {
        memmove(reader->data, reader->data + reader->start, rest);
        reader->scanned -= reader->start;
        reader->start = 0;
        reader->size = rest;
    }
    if (reader->size == reader->capacity) {
        reader->capacity = reader->capacity ? 2 * reader->capacity : 65536;
        reader->data = need(realloc(reader->data, reader->capacity));
    }
}

static tj_status fail_reading(const line_reader *reader, tj_error *error)
{
    return fail_errno(error, errno, "reading %s", reader->name);
}

/* Reads on; at the end of the stream sets `ended`. */
static tj_status read_more(line_reader *reader, tj_error *error)
{
    make_room(reader);
    ssize_t got =
        read_some(reader->fd, reader->data + reader->size, reader->capacity - reader->size);
    if (got < 0) {
        return fail_reading(reader, error);
    }
    reader->ended = got == 0;
    reader->size += (size_t)got;
    return TJ_OK;
}

static size_t longest_line(const line_reader *reader)
{
    return reader->limit ? reader->limit : LINE_SIZE_MAX;
}

static tj_status too_long(const line_reader *reader, tj_error *error)
{
    return fail(error, TJ_LIMIT, "the line is longer than %zu MiB", longest_line(reader) >> 20);
}

/* Finds the newline that ends the next line, NULL when the stream ends first. When `skipping`,
 * what was looked at is dropped. */
static tj_status find_newline(line_reader *reader, bool skipping, char **newline, tj_error *error)
{
    for (;;) {
        size_t rest = reader->size - reader->scanned;
        *newline = rest ? memchr(reader->data + reader->scanned, '\n', rest) : NULL;
        reader->scanned = *newline ? (size_t)(*newline - reader->data) : reader->size;
        if (skipping) {
            reader->start = reader->scanned;
        }
        if (*newline || reader->ended || reader->scanned - reader->start > longest_line(reader)) {
            return TJ_OK;
        }
        tj_status status = read_more(reader, error);
        if (status != TJ_OK) {
            return status;
        }
    }
}

/* Steps over the newline that was found. */
static void step_over(line_reader *reader, const char *newline)
{
    reader->start = reader->scanned = reader->scanned + (newline ? 1 : 0);
}

static tj_status skip_long_line(line_reader *reader, tj_error *error)
{
    char *newline = NULL;
    tj_status status = find_newline(reader, true, &newline, error);
    if (status != TJ_OK) {
        return status;
    }
    step_over(reader, newline);
    return too_long(reader, error);
}

tj_status line_next(line_reader *reader, tj_str *line, bool *more, tj_error *error)
{
    char *newline = NULL;
    tj_status status = find_newline(reader, false, &newline, error);
    if (status != TJ_OK) {
        return status;
    }
    size_t size = reader->scanned - reader->start;
    *more = newline || size > 0;
    if (!*more) {
        return TJ_OK;
    }
    reader->number++;
    if (size > longest_line(reader)) {
        return reader->limit ? too_long(reader, error) : skip_long_line(reader, error);
    }
    *line = (tj_str){reader->data + reader->start, size};
    step_over(reader, newline);
    return TJ_OK;
}

bool line_buffered(line_reader *reader)
{
    size_t rest = reader->size - reader->scanned;
    const char *newline = rest ? memchr(reader->data + reader->scanned, '\n', rest) : NULL;
    reader->scanned = newline ? (size_t)(newline - reader->data) : reader->size;
    return newline || reader->ended ||
           reader->scanned - reader->start > longest_line(reader); /* too long already */
}

tj_status line_fetch(line_reader *reader, tj_error *error)
{
    return read_more(reader, error);
}

tj_status line_receive(line_reader *reader, int flags, size_t *got, bool *more, tj_error *error)
{
    make_room(reader);
    size_t room = reader->capacity - reader->size;
    ssize_t size = recv(reader->fd, reader->data + reader->size, room, flags | MSG_DONTWAIT);
    if (size < 0 && errno != EAGAIN && errno != EINTR) {
        return fail_reading(reader, error);
    }
    reader->ended = size == 0;
    *got = size > 0 ? (size_t)size : 0;
    *more = *got == room || (size < 0 && errno == EINTR);
    reader->size += *got;
    return TJ_OK;
}

tj_status line_ready(line_reader *reader, bool *ready, tj_error *error)
{
    for (;;) {
        *ready = line_buffered(reader);
        struct pollfd input = {.fd = reader->fd, .events = POLLIN};
        if (*ready || poll(&input, 1, 0) <= 0) {
            return TJ_OK;
        }
        tj_status status = line_fetch(reader, error);
        if (status != TJ_OK) {
            return status;
        }
    }
}
