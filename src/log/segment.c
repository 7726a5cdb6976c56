/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Names and lists of segment files, and preparing one in pieces. */
#include "log/segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/in_place.h"

/* What is written at once while a segment is prepared: so little that the savers' own flushes
 * beside it do not wait long for it. */
#define PREPARE_PIECE_SIZE ((size_t)256 << 10)
#define ORDINAL_DIGITS 10

static tj_status make_path(char out[TJ__SEGMENT_PATH_SIZE], const char *directory, uint64_t ordinal,
                           const char *suffix, tj_error *error)
{
    if (ordinal == 0 || ordinal > TJ__ORDINAL_MAX) {
        return tj__fail(error, TJ_LIMIT, "segment ordinal %" PRIu64 " is not in 1 to %" PRIu64,
                        ordinal, (uint64_t)TJ__ORDINAL_MAX);
    }
    char name[ORDINAL_DIGITS + 16];
    snprintf(name, sizeof name, "%0*" PRIu64 "%s", ORDINAL_DIGITS, ordinal, suffix);
    return tj__path_join(out, TJ__SEGMENT_PATH_SIZE, directory, name, error);
}

tj_status tj__segment_path(char out[TJ__SEGMENT_PATH_SIZE], const char *directory, uint64_t ordinal,
                           tj_error *error)
{
    return make_path(out, directory, ordinal, ".log", error);
}

static tj_status check_regular(int fd, const char *path, struct stat *found, tj_error *error)
{
    if (fstat(fd, found) != 0) {
        return tj__fail_errno(error, errno, "looking at %s", path);
    }
    if (S_ISREG(found->st_mode)) {
        return TJ_OK;
    }
    tj__fail(error, TJ_CORRUPT,
             "%s is not a regular file: move it away, and put the log segment back in its place",
             path);
    tj__error_place(error, "%s", path);
    return TJ_CORRUPT;
}

tj_status tj__segment_open(char path[TJ__SEGMENT_PATH_SIZE], const char *directory,
                           uint64_t ordinal, int flags, int *fd, struct stat *found,
                           tj_error *error)
{
    int opened = -1;
    TJ_TRY(tj__segment_path(path, directory, ordinal, error));
    TJ_TRY(tj__file_open(path, flags | O_NONBLOCK, &opened, error));
    tj_status status = check_regular(opened, path, found, error);
    if (status != TJ_OK) {
        tj__file_close(opened);
        return status;
    }
    *fd = opened;
    return TJ_OK;
}

bool tj__segment_size_possible(uint64_t size)
{
    return size >= TJ__SEGMENT_HEADER_SIZE + TJ__SEAL_SIZE && size % TJ__RECORD_ALIGN == 0;
}

uint64_t tj__segment_skip_hole(int fd, uint64_t offset, uint64_t end)
{
    off_t data = lseek(fd, (off_t)offset, SEEK_DATA);
    if (data < 0) {
        return errno == ENXIO ? end : offset; /* ENXIO: nothing but a hole up to the file's end */
    }
    uint64_t aligned = (uint64_t)data / TJ__RECORD_ALIGN * TJ__RECORD_ALIGN;
    aligned = aligned > offset ? aligned : offset;
    return aligned < end ? aligned : end;
}

uint64_t tj__segment_find_hole(int fd, uint64_t offset, uint64_t end)
{
    off_t hole = lseek(fd, (off_t)offset, SEEK_HOLE);
    return hole < 0 ? offset : (uint64_t)hole < end ? (uint64_t)hole : end;
}

/* The ordinal that a file name stands for, 0 if it is not that of a segment. */
static uint64_t ordinal_of_name(const char *name)
{
    if (strlen(name) != ORDINAL_DIGITS + 4 || strcmp(name + ORDINAL_DIGITS, ".log") != 0) {
        return 0;
    }
    uint64_t ordinal = 0;
    for (size_t i = 0; i < ORDINAL_DIGITS; i++) {
        if (name[i] < '0' || name[i] > '9') {
            return 0;
        }
        ordinal = ordinal * 10 + (uint64_t)(name[i] - '0');
    }
    return ordinal;
}

static bool ignored_name(const char *name)
{
    size_t size = strlen(name);
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
           (size > 4 && strcmp(name + size - 4, ".tmp") == 0);
}

static tj_status add_ordinal(tj__segment_list *list, size_t *capacity, uint64_t ordinal,
                             tj_error *error)
{
    if (list->count == *capacity) {
        size_t larger = *capacity == 0 ? 64 : *capacity * 2;
        uint64_t *grown = realloc(list->ordinals, larger * sizeof *grown);
        if (!grown) {
            return tj__fail(error, TJ_NOMEM, "no memory for a list of %zu segments", larger);
        }
        list->ordinals = grown;
        *capacity = larger;
    }
    list->ordinals[list->count++] = ordinal;
    return TJ_OK;
}

static tj_status collect_ordinals(DIR *stream, const char *directory, tj__segment_list *list,
                                  tj_error *error)
{
    size_t capacity = 0;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(stream);
        if (!entry) {
            return errno == 0 ? TJ_OK
                              : tj__fail_errno(error, errno, "reading directory %s", directory);
        }
        if (ignored_name(entry->d_name)) {
            continue;
        }
        uint64_t ordinal = ordinal_of_name(entry->d_name);
        if (ordinal == 0) {
            list->stranger_count++;
            snprintf(list->stranger, sizeof list->stranger, "%s", entry->d_name);
            continue;
        }
        TJ_TRY(add_ordinal(list, &capacity, ordinal, error));
    }
}

static int compare_ordinals(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

uint64_t tj__segment_list_gap(const tj__segment_list *list, uint64_t from)
{
    uint64_t expected = from;
    for (size_t i = 0; i < list->count; i++) {
        if (list->ordinals[i] > expected) {
            return expected;
        }
        expected += list->ordinals[i] == expected;
    }
    return 0;
}

tj_status tj__segment_list_whole(const tj__segment_list *list, const char *directory, uint64_t from,
                                 tj_error *error)
{
    char path[TJ__SEGMENT_PATH_SIZE];
    uint64_t missing = tj__segment_list_gap(list, from);
    if (missing == 0) {
        return TJ_OK;
    }
    TJ_TRY(tj__segment_path(path, directory, missing, error));
    tj__fail(error, TJ_CORRUPT, "log segment %s is missing, though a later one is there", path);
    tj__error_place(error, "%s", path);
    return TJ_CORRUPT;
}

tj_status tj__segment_list_read(const char *directory, tj__segment_list *out, tj_error *error)
{
    tj__segment_list list = {0};
    DIR *stream = opendir(directory);
    if (!stream) {
        return tj__fail_errno(error, errno, "opening directory %s", directory);
    }
    tj_status status = collect_ordinals(stream, directory, &list, error);
    closedir(stream);
    if (status != TJ_OK) {
        tj__segment_list_dispose(&list);
        return status;
    }
    if (list.count > 0) {
        qsort(list.ordinals, list.count, sizeof *list.ordinals, compare_ordinals);
    }
    *out = list;
    return TJ_OK;
}

void tj__segment_list_dispose(tj__segment_list *list)
{
    free(list->ordinals);
    *list = (tj__segment_list){0};
}

/* Writes the segment's zeros, the header first when there is one, and flushes them at the end: a
 * flush for each piece would have the file's size to write each time. */
static tj_status write_pieces(int fd, const char *path, uint64_t size,
                              const tj__segment_header *header, const volatile int *cancel,
                              tj_error *error)
{
    uint8_t *piece = calloc(1, PREPARE_PIECE_SIZE);
    if (!piece) {
        return tj__fail(error, TJ_NOMEM, "no memory to prepare %s", path);
    }
    if (header) {
        tj__segment_header_encode(header, piece);
    }
    tj_status status = TJ_OK;
    for (uint64_t at = 0; at < size && status == TJ_OK;) {
        size_t count = size - at < PREPARE_PIECE_SIZE ? (size_t)(size - at) : PREPARE_PIECE_SIZE;
        if (cancel && __atomic_load_n(cancel, __ATOMIC_RELAXED) != 0) {
            status = tj__fail(error, TJ_CLOSED, "preparing %s was cancelled", path);
            break;
        }
        status = tj__file_write_at(fd, path, piece, count, at, error);
        if (status == TJ_OK) {
            status = tj__file_write_back(fd, path, at, count, error);
        }
        if (at == 0) {
            memset(piece, 0, TJ__SEGMENT_HEADER_SIZE);
        }
        at += count;
    }
    free(piece);
    return status == TJ_OK ? tj__file_sync_data(fd, path, error) : status;
}

/* Fills a new file under its temporary name, or the spare one when none can be made. It is owned as
 * the segment before it. */
static tj_status write_temporary(const char *path, const char *model, const char *spare,
                                 bool *is_spare, uint64_t size, const tj__segment_header *header,
                                 const volatile int *cancel, tj_error *error)
{
    int fd = -1;
    tj_error failure = TJ_ERROR_INIT;
    TJ_TRY(tj__file_remove(path, error));
    tj_status made = tj__file_create(path, O_WRONLY | O_EXCL, model, &fd, &failure);
    *is_spare = made == TJ_FULL && rename(spare, path) == 0;
    if (*is_spare) {
        made = tj__file_open(path, O_WRONLY | O_TRUNC | O_NOFOLLOW, &fd, &failure);
    }
    if (made != TJ_OK) {
        return tj__error_pass(error, &failure);
    }
    tj__file_in_place(fd); /* or its zeros would hold no space for the records */
    tj_status status = write_pieces(fd, path, size, header, cancel, error);
    tj__file_close(fd);
    return status;
}

/* Puts a prepared segment in its place, whatever stands there. */
static tj_status put_in_place(const char *directory, const char *path, uint64_t ordinal,
                              uint64_t size, const tj__segment_header *header,
                              const volatile int *cancel, tj_error *error)
{
    char temporary[TJ__SEGMENT_PATH_SIZE];
    char spare[TJ__SEGMENT_PATH_SIZE];
    char before[TJ__SEGMENT_PATH_SIZE];
    bool is_spare = false;
    if (!tj__segment_size_possible(size)) {
        return tj__fail(error, TJ_MISUSE, "a segment of %" PRIu64 " bytes is not possible", size);
    }
    TJ_TRY(tj__path_join(spare, sizeof spare, directory, TJ__SEGMENT_SPARE_NAME, error));
    TJ_TRY(make_path(temporary, directory, ordinal, ".tmp", error));
    TJ_TRY(make_path(before, directory, ordinal > 1 ? ordinal - 1 : 1, ".log", error));
    tj_status status =
        write_temporary(temporary, before, spare, &is_spare, size, header, cancel, error);
    if (status == TJ_OK) {
        status = tj__file_rename(temporary, path, error);
    }
    if (status == TJ_OK) {
        return tj__directory_sync(directory, error);
    }
    /* The next attempt may find no other file. */
    bool kept = is_spare && truncate(temporary, 0) == 0 && rename(temporary, spare) == 0;
    if (!kept) {
        (void)tj__file_remove(temporary, NULL);
    }
    return status;
}

tj_status tj__segment_prepare(const char *directory, uint64_t ordinal, uint64_t size,
                              const tj__segment_header *header, const volatile int *cancel,
                              tj_error *error)
{
    char path[TJ__SEGMENT_PATH_SIZE];
    bool there = false;
    struct stat found;
    TJ_TRY(make_path(path, directory, ordinal, ".log", error));
    TJ_TRY(tj__path_look(path, &there, &found, error));
    if (there) {
        return tj__fail(error, TJ_EXISTS, "log segment %s is already there", path);
    }
    tj_status status = put_in_place(directory, path, ordinal, size, header, cancel, error);
    if (status != TJ_OK) {
        /* The name may not survive a power cut, so nothing may be built on it. */
        (void)tj__file_remove(path, NULL);
    }
    return status;
}

tj_status tj__segment_prepare_anew(const char *directory, uint64_t ordinal, uint64_t size,
                                   tj_error *error)
{
    char path[TJ__SEGMENT_PATH_SIZE];
    TJ_TRY(make_path(path, directory, ordinal, ".log", error));
    return put_in_place(directory, path, ordinal, size, NULL, NULL, error);
}

tj_status tj__segment_prepare_first(const char *directory, uint64_t size, int *fd, tj_error *error)
{
    static const uint8_t zeros[PREPARE_PIECE_SIZE];
    char path[TJ__SEGMENT_PATH_SIZE];
    TJ_TRY(make_path(path, directory, 1, ".log", error));
    TJ_TRY(tj__file_create(path, O_WRONLY, directory, fd, error));
    tj__file_in_place(*fd);
    tj_status status = tj__file_resize(*fd, path, size, error);
    for (uint64_t at = 0; at < size && status == TJ_OK; at += sizeof zeros) {
        uint64_t rest = size - at;
        status = tj__file_write_at(*fd, path, zeros, rest < sizeof zeros ? rest : sizeof zeros, at,
                                   error);
    }
    tj__file_start_write_back(*fd);
    return status;
}
