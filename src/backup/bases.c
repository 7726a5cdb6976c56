/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Listing bases, and copying them. */
#include "backup/bases.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/file.h"
#include "history/base_reader.h"
#include "history/digest.h"

/* ---- the list ------------------------------------------------------------------------------ */

static tj_status missing(const char *history_path, tj__base_kind kind, uint64_t ordinal,
                         tj_error *error)
{
    char path[TJ__BASE_PATH_SIZE];
    TJ_TRY(tj__base_path(path, history_path, kind, ordinal, false, error));
    tj__fail(error, TJ_NOT_FOUND,
             "the log begins with segment %" PRIu64 ", and %s, which holds what was before it, is "
             "missing",
             ordinal + 1, path);
    tj__error_place(error, "%s", path);
    return TJ_NOT_FOUND;
}

static bool holds(const tj__base_list *list, uint64_t ordinal)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->ordinals[i] == ordinal) {
            return true;
        }
    }
    return false;
}

/* Those of one kind that are part of it. */
static tj_status add_kind(const char *history_path, tj__base_kind kind, uint64_t ordinal,
                          tj__buffer *files, tj_error *error)
{
    tj__base_list list;
    TJ_TRY(tj__base_list_read(history_path, kind, &list, error));
    tj_status status = holds(&list, ordinal) ? TJ_OK : missing(history_path, kind, ordinal, error);
    for (size_t i = 0; i < list.count && status == TJ_OK; i++) {
        tj__point_file file = {.kind = tj__point_kind_of(kind), .ordinal = list.ordinals[i]};
        if (file.ordinal == ordinal || (kind == TJ__BASE_REST && file.ordinal < ordinal)) {
            tj__put_bytes(files, &file, sizeof file);
        }
    }
    tj__base_list_dispose(&list);
    return status;
}

tj_status tj__bases_list(const char *history_path, uint64_t ordinal, tj__point_file **files,
                         size_t *count, tj_error *error)
{
    tj__buffer found = {0};
    tj_status status = TJ_OK;
    for (int kind = 0; kind <= TJ__BASE_REST && status == TJ_OK; kind++) {
        status = add_kind(history_path, (tj__base_kind)kind, ordinal, &found, error);
    }
    if (status == TJ_OK && found.failed) {
        status = tj__fail(error, TJ_NOMEM, "no memory for a list of bases");
    }
    if (status != TJ_OK) {
        tj__buffer_dispose(&found);
        return status;
    }
    *files = (tj__point_file *)(void *)found.data;
    *count = found.size / sizeof **files;
    return TJ_OK;
}

/* ---- copying ------------------------------------------------------------------------------- */

/* Every block has its hash. */
static tj_status read_through(const char *history_path, const tj_uuid *journal_id,
                              const tj__point_file *file, tj_error *error)
{
    tj__base *base = NULL;
    tj__digest digest;
    TJ_TRY(tj__base_open(history_path, journal_id, tj__point_base_kind(file->kind), file->ordinal,
                         &base, error));
    tj_status status = tj__digest_rows(&base->rows, &digest, error);
    tj__base_close(base);
    return status;
}

static tj_status copy_bytes(int from, const char *from_path, int to, const char *to_path,
                            tj__pace *pace, tj_error *error)
{
    uint64_t size = 0;
    tj__buffer piece = {0};
    TJ_TRY(tj__file_size(from, from_path, &size, error));
    tj_status status = tj__buffer_reserve(&piece, TJ__PACE_PIECE_SIZE)
                           ? TJ_OK
                           : tj__fail(error, TJ_NOMEM, "no memory to copy %s", from_path);
    for (uint64_t at = 0; at < size && status == TJ_OK; at += piece.size) {
        uint64_t rest = size - at;
        piece.size = rest < TJ__PACE_PIECE_SIZE ? (size_t)rest : TJ__PACE_PIECE_SIZE;
        status = tj__file_read_at(from, from_path, piece.data, piece.size, at, error);
        if (status == TJ_OK) {
            status = tj__pace_write(pace, to, to_path, tj__buffer_bytes(&piece), at, error);
        }
    }
    tj__buffer_dispose(&piece);
    return status == TJ_OK ? tj__file_sync(to, to_path, error) : status;
}

static tj_status copy_file(const char *from_path, const char *to_path, tj__pace *pace,
                           tj_error *error)
{
    int from = -1;
    int to = -1;
    TJ_TRY(tj__file_open(from_path, O_RDONLY, &from, error));
    tj_status status = tj__file_create(to_path, O_WRONLY | O_TRUNC, NULL, &to, error);
    if (status == TJ_OK) {
        status = copy_bytes(from, from_path, to, to_path, pace, error);
    }
    tj__file_close(from);
    tj__file_close(to);
    return status;
}

static tj_status take(const tj__backup_directory *directory, const char *journal_history,
                      const tj_uuid *journal_id, const tj__point_file *file, tj__pace *pace,
                      tj_error *error)
{
    char from[TJ__BASE_PATH_SIZE];
    char temporary[TJ__BASE_PATH_SIZE];
    char path[TJ__BASE_PATH_SIZE];
    const char *own = directory->history_path;
    tj__base_kind kind = tj__point_base_kind(file->kind);
    if (read_through(own, journal_id, file, NULL) == TJ_OK) {
        return TJ_OK; /* an earlier backup that was never finished has copied it */
    }
    TJ_TRY(tj__base_path(from, journal_history, kind, file->ordinal, false, error));
    TJ_TRY(tj__base_path(temporary, own, kind, file->ordinal, true, error));
    TJ_TRY(tj__base_path(path, own, kind, file->ordinal, false, error));
    TJ_TRY(copy_file(from, temporary, pace, error));
    TJ_TRY(tj__file_rename(temporary, path, error));
    return read_through(own, journal_id, file, error);
}

tj_status tj__backup_bases_take(const tj__backup_directory *directory, const char *journal_history,
                                const tj_uuid *journal_id, uint64_t ordinal, tj__pace *pace,
                                tj_error *error)
{
    tj__point_file *files = NULL;
    size_t count = 0;
    TJ_TRY(tj__bases_list(journal_history, ordinal, &files, &count, error));
    tj_status status = tj__backup_directory_inside(directory, directory->history_path, error);
    for (size_t i = 0; i < count && status == TJ_OK; i++) {
        status = take(directory, journal_history, journal_id, &files[i], pace, error);
    }
    free(files);
    return status == TJ_OK ? tj__directory_sync(directory->history_path, error) : status;
}
