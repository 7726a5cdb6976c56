/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Written beside it, flushed, renamed; then the other one goes. */
#include "backup/pack.h"

#include <fcntl.h>

#include "backup/packed.h"
#include "base/error.h"
#include "base/file.h"

static tj_status write_packed(int from, const char *from_path, const char *path, int level,
                              tj__pace *pace, tj_error *error)
{
    int to = -1;
    TJ_TRY(tj__file_create(path, O_WRONLY | O_TRUNC, NULL, &to, error));
    tj_status status = tj__pack(from, from_path, level, to, path, pace, error);
    if (status == TJ_OK) {
        status = tj__file_sync(to, path, error);
    }
    tj__file_close(to);
    return status;
}

tj_status tj__backup_pack(const tj__backup_directory *directory, uint64_t ordinal, int level,
                          tj__pace *pace, tj_error *error)
{
    char from_path[TJ__SEGMENT_PATH_SIZE];
    char path[TJ__SEGMENT_PATH_SIZE];
    char temporary[TJ__SEGMENT_PATH_SIZE];
    int from = -1;
    tj_error failure = TJ_ERROR_INIT;
    TJ_TRY(tj__backup_segment_path(directory, ordinal, TJ__BACKUP_SEALED, from_path, error));
    TJ_TRY(tj__backup_segment_path(directory, ordinal, TJ__BACKUP_PACKED, path, error));
    TJ_TRY(tj__path_join(temporary, sizeof temporary, directory->log_path, "packed.tmp", error));
    tj_status status = tj__file_open(from_path, O_RDONLY, &from, &failure);
    if (status != TJ_OK) {
        return status == TJ_NOT_FOUND ? TJ_OK : tj__error_pass(error, &failure);
    }
    status = write_packed(from, from_path, temporary, level, pace, error);
    tj__file_close(from);
    TJ_TRY(status);
    TJ_TRY(tj__file_rename(temporary, path, error));
    TJ_TRY(tj__directory_sync(directory->log_path, error));
    TJ_TRY(tj__backup_directory_held(directory, error));
    return tj__file_remove(from_path, error);
}
