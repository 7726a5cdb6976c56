/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Which files a backup has, and whose they are. */
#include "backup/directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "backup/packed.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"

#define LOG_NAME "log"
#define POINTS_NAME "points"
#define HASH_PIECE_SIZE ((size_t)256 << 10)

static tj_status name_parts(tj__backup_directory *directory, const char *path, tj_error *error)
{
    const char *temporary = getenv("TMPDIR");
    directory->lock_fd = -1;
    TJ_TRY(tj__path_absolute(temporary ? temporary : "/var/tmp", directory->unpack_path,
                             sizeof directory->unpack_path, error));
    TJ_TRY(tj__path_absolute(path, directory->path, sizeof directory->path, error));
    TJ_TRY(tj__path_join(directory->log_path, sizeof directory->log_path, directory->path, LOG_NAME,
                         error));
    TJ_TRY(tj__path_join(directory->history_path, sizeof directory->history_path, directory->path,
                         TJ__HISTORY_DIRECTORY, error));
    return tj__path_join(directory->points_path, sizeof directory->points_path, directory->path,
                         POINTS_NAME, error);
}

static tj_status is_directory(const char *path, bool *is, tj_error *error)
{
    bool there = false;
    struct stat found;
    TJ_TRY(tj__path_look(path, &there, &found, error));
    *is = there && S_ISDIR(found.st_mode);
    return TJ_OK;
}

tj_status tj__backup_directory_open(tj__backup_directory *directory, const char *path,
                                    tj_error *error)
{
    bool there = false;
    bool has_log = false;
    bool has_points = false;
    TJ_TRY(name_parts(directory, path, error));
    TJ_TRY(is_directory(directory->path, &there, error));
    if (!there) {
        return tj__fail(error, TJ_NOT_FOUND, "there is no backup at %s: no such directory",
                        directory->path);
    }
    TJ_TRY(is_directory(directory->log_path, &has_log, error));
    TJ_TRY(is_directory(directory->points_path, &has_points, error));
    return has_log && has_points
               ? TJ_OK
               : tj__fail(error, TJ_INVALID,
                          "%s is no backup: one has the directories " LOG_NAME " and " POINTS_NAME,
                          directory->path);
}

/* ---- writing ------------------------------------------------------------------------------- */

static bool is_ours(const char *name)
{
    static const char *const names[] = {LOG_NAME, TJ__HISTORY_DIRECTORY, POINTS_NAME, "lost+found"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return name[0] == '.';
}

static tj_status refuse_strangers(const char *path, tj_error *error)
{
    DIR *stream = opendir(path);
    if (!stream) {
        return tj__fail_errno(error, errno, "opening directory %s", path);
    }
    tj_status status = TJ_OK;
    const struct dirent *entry;
    while (status == TJ_OK && (errno = 0, entry = readdir(stream)) != NULL) {
        if (!is_ours(entry->d_name)) {
            status = tj__fail(error, TJ_EXISTS,
                              "%s holds \"%s\", which is no part of a backup: choose a new or an "
                              "empty directory, or that of an earlier backup",
                              path, entry->d_name);
        }
    }
    if (status == TJ_OK && errno != 0) {
        status = tj__fail_errno(error, errno, "reading directory %s", path);
    }
    closedir(stream);
    return status;
}

static tj_status lock(tj__backup_directory *directory, tj_error *error)
{
    TJ_TRY(tj__file_open(directory->path, O_RDONLY | O_DIRECTORY, &directory->lock_fd, error));
    if (flock(directory->lock_fd, LOCK_EX | LOCK_NB) == 0) {
        return TJ_OK;
    }
    return errno == EWOULDBLOCK
               ? tj__fail(error, TJ_BUSY,
                          "another process writes to the backup %s: wait until it is done",
                          directory->path)
               : tj__fail_errno(error, errno, "locking %s", directory->path);
}

tj_status tj__backup_directory_inside(const tj__backup_directory *directory, const char *path,
                                      tj_error *error)
{
    bool there = false;
    TJ_TRY(tj__backup_directory_held(directory, error));
    TJ_TRY(is_directory(path, &there, error));
    if (!there && tj__directory_make(path, directory->path, NULL) == TJ_OK) {
        return tj__directory_sync(directory->path, error);
    }
    return there ? TJ_OK : tj__directory_create(path, error); /* which says why not */
}

tj_status tj__backup_directory_take(tj__backup_directory *directory, const char *path,
                                    tj_error *error)
{
    TJ_TRY(name_parts(directory, path, error));
    TJ_TRY(tj__directory_create(directory->path, error));
    TJ_TRY(lock(directory, error));
    tj_status status = refuse_strangers(directory->path, error);
    if (status == TJ_OK) {
        status = tj__backup_directory_inside(directory, directory->log_path, error);
    }
    if (status == TJ_OK) {
        status = tj__backup_directory_inside(directory, directory->points_path, error);
    }
    if (status != TJ_OK) {
        tj__backup_directory_close(directory);
    }
    return status;
}

tj_status tj__backup_directory_held(const tj__backup_directory *directory, tj_error *error)
{
    bool same = false;
    TJ_TRY(tj__path_names_open(directory->path, directory->lock_fd, &same, error));
    return same ? TJ_OK
                : tj__fail(error, TJ_IO,
                           "%s is not the directory any more in which this backup was begun: its "
                           "disk was unmounted, or another directory took its place; what was "
                           "backed up stays as it was. Put it back, and back up again",
                           directory->path);
}

void tj__backup_directory_close(tj__backup_directory *directory)
{
    tj__file_close(directory->lock_fd);
    directory->lock_fd = -1;
}

/* ---- what is in it ------------------------------------------------------------------------- */

tj_status tj__backup_newest_point(const tj__backup_directory *directory, tj__point *out,
                                  tj_error *error)
{
    uint64_t *sequences = NULL;
    size_t count = 0;
    TJ_TRY(tj__point_list(directory->points_path, &sequences, &count, error));
    tj_status status =
        count == 0 ? TJ_NOT_FOUND
                   : tj__point_read(directory->points_path, sequences[count - 1], out, error);
    free(sequences);
    return status;
}

tj_status tj__backup_segment_path(const tj__backup_directory *directory, uint64_t ordinal,
                                  tj__backup_form form, char out[TJ__SEGMENT_PATH_SIZE],
                                  tj_error *error)
{
    static const char *const endings[] = {".part", ".log", ".log.zst"};
    char name[32];
    snprintf(name, sizeof name, "%010" PRIu64 "%s", ordinal, endings[form]);
    return tj__path_join(out, TJ__SEGMENT_PATH_SIZE, directory->log_path, name, error);
}

tj_status tj__backup_find_segment(const tj__backup_directory *directory, uint64_t ordinal,
                                  tj__backup_form *form, char path[TJ__SEGMENT_PATH_SIZE],
                                  tj_error *error)
{
    static const tj__backup_form forms[] = {TJ__BACKUP_SEALED, TJ__BACKUP_PACKED, TJ__BACKUP_PART};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        bool there = false;
        struct stat found;
        *form = forms[i];
        TJ_TRY(tj__backup_segment_path(directory, ordinal, *form, path, error));
        TJ_TRY(tj__path_look(path, &there, &found, error));
        if (there) {
            return S_ISREG(found.st_mode)
                       ? TJ_OK
                       : tj__fail(error, TJ_CORRUPT, "%s is not a regular file", path);
        }
    }
    tj__fail(error, TJ_NOT_FOUND, "segment %" PRIu64 " is missing in the backup: %s, or .log",
             ordinal, path);
    tj__error_place(error, "%s", path);
    return TJ_NOT_FOUND;
}

static tj_status make_nameless(const char *directory, int *fd, tj_error *error)
{
    char path[PATH_MAX];
    TJ_TRY(tj__path_join(path, sizeof path, directory, ".unpacked-XXXXXX", error));
    *fd = mkostemp(path, O_CLOEXEC);
    if (*fd < 0) {
        return tj__fail_errno(error, errno, "unpacking a segment in %s", directory);
    }
    (void)unlink(path);
    return TJ_OK;
}

static tj_status unpack(const tj__backup_directory *directory, int packed, const char *path,
                        int *fd, tj_error *error)
{
    int out = -1;
    TJ_TRY(make_nameless(directory->unpack_path, &out, error));
    tj_status status = tj__unpack(packed, path, out, directory->unpack_path, error);
    if (status != TJ_OK) {
        tj__file_close(out);
        return status;
    }
    *fd = out;
    return TJ_OK;
}

tj_status tj__backup_open_segment(void *context, uint64_t ordinal, char path[TJ__SEGMENT_PATH_SIZE],
                                  int *fd, tj_error *error)
{
    const tj__backup_directory *directory = context;
    tj__backup_form form;
    TJ_TRY(tj__backup_find_segment(directory, ordinal, &form, path, error));
    if (form != TJ__BACKUP_PACKED) {
        return tj__file_open(path, O_RDONLY, fd, error);
    }
    int packed = -1;
    TJ_TRY(tj__file_open(path, O_RDONLY, &packed, error));
    tj_status status = unpack(directory, packed, path, fd, error);
    tj__file_close(packed);
    return status;
}

static tj_status open_base(const tj__backup_directory *directory, const tj__point_file *file,
                           char path[TJ__SEGMENT_PATH_SIZE], int *fd, tj_error *error)
{
    bool there = false;
    struct stat found;
    TJ_TRY(tj__base_path(path, directory->history_path, tj__point_base_kind(file->kind),
                         file->ordinal, false, error));
    TJ_TRY(tj__path_look(path, &there, &found, error));
    if (!there) {
        tj__fail(error, TJ_NOT_FOUND,
                 "%s is missing in the backup: it holds what was before the first segment", path);
        tj__error_place(error, "%s", path);
        return TJ_NOT_FOUND;
    }
    if (!S_ISREG(found.st_mode)) {
        return tj__fail(error, TJ_CORRUPT, "%s is not a regular file", path);
    }
    return tj__file_open(path, O_RDONLY, fd, error);
}

tj_status tj__backup_open_file(const tj__backup_directory *directory, const tj__point_file *file,
                               char path[TJ__SEGMENT_PATH_SIZE], int *fd, tj_error *error)
{
    return file->kind == TJ__POINT_FILE_SEGMENT
               ? tj__backup_open_segment((void *)directory, file->ordinal, path, fd, error)
               : open_base(directory, file, path, fd, error);
}

/* Opens the file that is there, compressed or not. */
static tj_status open_as_it_is(const tj__backup_directory *directory, const tj__point_file *file,
                               bool *packed, char path[TJ__SEGMENT_PATH_SIZE], int *fd,
                               tj_error *error)
{
    tj__backup_form form = TJ__BACKUP_SEALED;
    if (file->kind != TJ__POINT_FILE_SEGMENT) {
        *packed = false;
        return open_base(directory, file, path, fd, error);
    }
    TJ_TRY(tj__backup_find_segment(directory, file->ordinal, &form, path, error));
    *packed = form == TJ__BACKUP_PACKED;
    return tj__file_open(path, O_RDONLY, fd, error);
}

tj_status tj__backup_file_size(const tj__backup_directory *directory, const tj__point_file *file,
                               uint64_t *size, uint64_t *stored, tj_error *error)
{
    char path[TJ__SEGMENT_PATH_SIZE];
    bool packed = false;
    int fd = -1;
    tj__packed_head head;
    TJ_TRY(open_as_it_is(directory, file, &packed, path, &fd, error));
    tj_status status = tj__file_size(fd, path, stored, error);
    if (status == TJ_OK && packed) {
        status = tj__packed_head_read(fd, path, &head, error);
    }
    tj__file_close(fd);
    if (status == TJ_OK) {
        *size = packed ? head.size : *stored;
    }
    return status;
}

tj_status tj__backup_file_hash(const tj__backup_directory *directory, const tj__point_file *file,
                               uint64_t *hash, tj_error *error)
{
    char path[TJ__SEGMENT_PATH_SIZE];
    bool packed = false;
    int fd = -1;
    tj__packed_head head;
    TJ_TRY(open_as_it_is(directory, file, &packed, path, &fd, error));
    tj_status status = packed ? tj__packed_head_read(fd, path, &head, error)
                              : tj__backup_hash(fd, path, file->size, hash, error);
    tj__file_close(fd);
    if (status == TJ_OK && packed) {
        *hash = head.hash;
    }
    return status;
}

tj_status tj__backup_hash(int fd, const char *path, uint64_t size, uint64_t *hash, tj_error *error)
{
    XXH3_state_t *state = XXH3_createState();
    uint8_t *piece = malloc(HASH_PIECE_SIZE);
    tj_status status = TJ_OK;
    if (!state || !piece || XXH3_64bits_reset(state) != XXH_OK) {
        status = tj__fail(error, TJ_NOMEM, "no memory to read %s", path);
    }
    for (uint64_t at = 0; status == TJ_OK && at < size;) {
        uint64_t rest = size - at;
        size_t count = rest < HASH_PIECE_SIZE ? (size_t)rest : HASH_PIECE_SIZE;
        status = tj__file_read_at(fd, path, piece, count, at, error);
        if (status == TJ_OK) {
            (void)XXH3_64bits_update(state, piece, count);
        }
        at += count;
    }
    if (status == TJ_OK) {
        *hash = XXH3_64bits_digest(state);
    }
    free(piece);
    XXH3_freeState(state);
    return status;
}
