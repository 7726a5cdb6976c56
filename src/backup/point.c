/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The bytes of a point, and the files that hold them. */
#include "backup/point.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"

#define SUFFIX ".point"
#define SEQUENCE_DIGITS 20
#define NAME_SIZE (SEQUENCE_DIGITS + sizeof SUFFIX)
#define VERSION_AT 8
#define FLAGS_AT 12
#define HAS_PLACE 1u
#define PLACE_SIZE 24
#define HEAD_SIZE 112
#define TABLE_SIZE 16
#define FILE_SIZE 32
#define HASH_SIZE 8
/* Of ten million segments; a file is read whole. */
#define POINT_SIZE_MAX ((size_t)320 << 20)

static const char magic[8] = {'T', 'J', 'P', 'O', 'I', 'N', 'T', '1'};

void tj__point_dispose(tj__point *point)
{
    free(point->files);
    *point = (tj__point){0};
}

uint64_t tj__point_first_segment(const tj__point *point)
{
    for (size_t i = 0; i < point->file_count; i++) {
        if (point->files[i].kind == TJ__POINT_FILE_STATE) {
            return point->files[i].ordinal + 1;
        }
    }
    return 1;
}

/* ---- bytes --------------------------------------------------------------------------------- */

static void put_position(tj__buffer *out, const tj__position *position)
{
    tj__put_u64(out, position->sequence);
    tj__put_u64(out, (uint64_t)position->time);
    tj__put_u64(out, position->hash);
    tj__put_u64(out, position->epoch);
    tj__put_u64(out, position->ordinal);
    tj__put_u64(out, position->offset);
}

void tj__point_encode(const tj__point *point, tj__buffer *out)
{
    size_t start = out->size;
    tj__put_bytes(out, magic, sizeof magic);
    tj__put_u32(out, TJ__POINT_VERSION);
    tj__put_u32(out, point->place.inode != 0 ? HAS_PLACE : 0);
    tj__put_bytes(out, point->journal_id.bytes, sizeof point->journal_id.bytes);
    put_position(out, &point->position);
    tj__put_u64(out, (uint64_t)point->made_at);
    tj__put_u64(out, (uint64_t)point->verified_at);
    tj__put_u64(out, TJ__DIGEST_TABLES);
    tj__put_u64(out, point->file_count);
    for (uint8_t table = TJ__TABLE_FIRST; table <= TJ__TABLE_LAST; table++) {
        if (TJ__DIGEST_TABLES & TJ__TABLE_BIT(table)) {
            tj__put_u64(out, point->digest.rows[table]);
            tj__put_u64(out, point->digest.checksums[table]);
        }
    }
    for (size_t i = 0; i < point->file_count; i++) {
        tj__put_u32(out, point->files[i].kind);
        tj__put_u32(out, 0);
        tj__put_u64(out, point->files[i].ordinal);
        tj__put_u64(out, point->files[i].size);
        tj__put_u64(out, point->files[i].hash);
    }
    if (point->place.inode != 0) {
        tj__put_u64(out, point->place.inode);
        tj__put_u64(out, point->place.birth);
        tj__put_u64(out, (uint64_t)point->journal_made_at);
    }
    if (!out->failed) {
        tj__put_u64(out, tj__hash(out->data + start, out->size - start));
    }
}

static tj__position get_position(tj__reader *in)
{
    tj__position position;
    position.sequence = tj__get_u64(in);
    position.time = (tj_time)tj__get_u64(in);
    position.hash = tj__get_u64(in);
    position.epoch = tj__get_u64(in);
    position.ordinal = tj__get_u64(in);
    position.offset = tj__get_u64(in);
    return position;
}

static tj_status damaged(const char *place, const char *why, tj_error *error)
{
    tj__fail(error, TJ_CORRUPT,
             "%s is damaged (%s): remove it, and the newest point before it is what the backup "
             "stands for; the next backup makes a new one",
             place, why);
    tj__error_place(error, "%s", place);
    return TJ_CORRUPT;
}

static tj_status newer(const char *place, tj_error *error)
{
    tj__fail(error, TJ_FORMAT_NEWER,
             "%s was written by a newer version of this program: use that one, or a later one",
             place);
    tj__error_place(error, "%s", place);
    return TJ_FORMAT_NEWER;
}

static tj_status check(tj__bytes bytes, const char *place, tj_error *error)
{
    if (bytes.size < HEAD_SIZE + HASH_SIZE) {
        return damaged(place, "it is too short", error);
    }
    if (memcmp(bytes.data, magic, sizeof magic) != 0) {
        return damaged(place, "it does not begin as a point does", error);
    }
    if (tj__load_u32(bytes.data + VERSION_AT) > TJ__POINT_VERSION) {
        return newer(place, error);
    }
    size_t size = bytes.size - HASH_SIZE;
    return tj__hash(bytes.data, size) == tj__load_u64(bytes.data + size)
               ? TJ_OK
               : damaged(place, "its checksum does not match", error);
}

static void get_digest(tj__reader *in, uint64_t tables, tj__digest *digest)
{
    for (uint8_t table = TJ__TABLE_FIRST; table <= TJ__TABLE_LAST; table++) {
        if (tables & TJ__TABLE_BIT(table)) {
            digest->rows[table] = tj__get_u64(in);
            digest->checksums[table] = tj__get_u64(in);
        }
    }
}

static tj_status get_files(tj__reader *in, size_t place_size, tj__point *point, const char *place,
                           tj_error *error)
{
    size_t behind = in->rest.size % FILE_SIZE;
    if (point->file_count != in->rest.size / FILE_SIZE || behind != place_size) {
        return damaged(place, "it has not as many files as it says", error);
    }
    point->files = calloc(point->file_count + 1, sizeof *point->files);
    if (!point->files) {
        return tj__fail(error, TJ_NOMEM, "no memory for the %zu files of %s", point->file_count,
                        place);
    }
    for (size_t i = 0; i < point->file_count; i++) {
        tj__point_file *file = &point->files[i];
        uint32_t kind = tj__get_u32(in);
        file->kind = (tj__point_file_kind)kind;
        (void)tj__get_u32(in);
        file->ordinal = tj__get_u64(in);
        file->size = tj__get_u64(in);
        file->hash = tj__get_u64(in);
        if (kind < TJ__POINT_FILE_SEGMENT || kind > TJ__POINT_FILE_REST) {
            return newer(place, error);
        }
    }
    return TJ_OK;
}

tj_status tj__point_decode(tj__bytes bytes, tj__point *out, const char *place, tj_error *error)
{
    TJ_TRY(check(bytes, place, error));
    tj__point point = {0};
    uint32_t flags = tj__load_u32(bytes.data + FLAGS_AT);
    tj__reader in = {
        .rest = {bytes.data + VERSION_AT + 8, bytes.size - VERSION_AT - 8 - HASH_SIZE}};
    memcpy(point.journal_id.bytes, tj__get_bytes(&in, 16).data, 16);
    point.position = get_position(&in);
    point.made_at = (tj_time)tj__get_u64(&in);
    point.verified_at = (tj_time)tj__get_u64(&in);
    uint64_t tables = tj__get_u64(&in);
    point.file_count = tj__get_u64(&in);
    if ((tables & ~TJ__DIGEST_TABLES) != 0 || (flags & ~HAS_PLACE) != 0) {
        return newer(place, error);
    }
    get_digest(&in, tables, &point.digest);
    tj_status status =
        get_files(&in, (flags & HAS_PLACE) != 0 ? PLACE_SIZE : 0, &point, place, error);
    if (status != TJ_OK) {
        tj__point_dispose(&point);
        return status;
    }
    if ((flags & HAS_PLACE) != 0) {
        point.place.inode = tj__get_u64(&in);
        point.place.birth = tj__get_u64(&in);
        point.journal_made_at = (tj_time)tj__get_u64(&in);
    }
    *out = point;
    return TJ_OK;
}

/* ---- files --------------------------------------------------------------------------------- */

static tj_status path_of(const char *directory, uint64_t sequence, char out[PATH_MAX],
                         tj_error *error)
{
    char name[NAME_SIZE];
    snprintf(name, sizeof name, "%0*" PRIu64 SUFFIX, SEQUENCE_DIGITS, sequence);
    return tj__path_join(out, PATH_MAX, directory, name, error);
}

tj_status tj__point_read(const char *directory, uint64_t sequence, tj__point *out, tj_error *error)
{
    char path[PATH_MAX];
    tj__buffer bytes = {0};
    TJ_TRY(path_of(directory, sequence, path, error));
    tj_status status = tj__file_read_own(path, POINT_SIZE_MAX, &bytes, error);
    if (status == TJ_OK) {
        status = tj__point_decode(tj__buffer_bytes(&bytes), out, path, error);
    }
    if (status == TJ_OK && out->position.sequence != sequence) {
        tj__point_dispose(out);
        status = damaged(path, "it is the point of another commit", error);
    }
    tj__buffer_dispose(&bytes);
    return status;
}

static tj_status write_file(const char *path, const tj__buffer *bytes, tj_error *error)
{
    int fd = -1;
    TJ_TRY(tj__file_create(path, O_WRONLY | O_TRUNC, NULL, &fd, error));
    tj_status status = tj__file_write_at(fd, path, bytes->data, bytes->size, 0, error);
    if (status == TJ_OK) {
        status = tj__file_sync(fd, path, error);
    }
    tj__file_close(fd);
    return status;
}

tj_status tj__point_write(const char *directory, const tj__point *point, tj_error *error)
{
    char path[PATH_MAX];
    char temporary[PATH_MAX];
    tj__buffer bytes = {0};
    TJ_TRY(path_of(directory, point->position.sequence, path, error));
    TJ_TRY(tj__path_join(temporary, sizeof temporary, directory, "next.tmp", error));
    tj__point_encode(point, &bytes);
    tj_status status = bytes.failed ? tj__fail(error, TJ_NOMEM, "no memory to write %s", path)
                                    : write_file(temporary, &bytes, error);
    tj__buffer_dispose(&bytes);
    TJ_TRY(status);
    TJ_TRY(tj__file_rename(temporary, path, error));
    return tj__directory_sync(directory, error);
}

/* ---- the list ------------------------------------------------------------------------------ */

static bool sequence_of(const char *name, uint64_t *sequence)
{
    if (strlen(name) != NAME_SIZE - 1 || strcmp(name + SEQUENCE_DIGITS, SUFFIX) != 0 ||
        strspn(name, "0123456789") != SEQUENCE_DIGITS) {
        return false;
    }
    *sequence = strtoull(name, NULL, 10);
    return true;
}

static int compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

static tj_status collect(DIR *stream, const char *directory, tj__buffer *found, tj_error *error)
{
    for (;;) {
        uint64_t sequence;
        errno = 0;
        const struct dirent *entry = readdir(stream);
        if (!entry && errno != 0) {
            return tj__fail_errno(error, errno, "reading directory %s", directory);
        }
        if (!entry) {
            return found->failed
                       ? tj__fail(error, TJ_NOMEM, "no memory for the points of %s", directory)
                       : TJ_OK;
        }
        if (sequence_of(entry->d_name, &sequence)) {
            tj__put_bytes(found, &sequence, sizeof sequence);
        }
    }
}

tj_status tj__point_list(const char *directory, uint64_t **sequences, size_t *count,
                         tj_error *error)
{
    tj__buffer found = {0};
    DIR *stream = opendir(directory);
    if (!stream) {
        return tj__fail_errno(error, errno, "opening directory %s", directory);
    }
    tj_status status = collect(stream, directory, &found, error);
    closedir(stream);
    if (status != TJ_OK) {
        tj__buffer_dispose(&found);
        return status;
    }
    *sequences = (uint64_t *)(void *)found.data;
    *count = found.size / sizeof **sequences;
    if (*count > 0) {
        qsort(*sequences, *count, sizeof **sequences, compare);
    }
    return TJ_OK;
}

/* ---- thinning ------------------------------------------------------------------------------ */

/* The newest point below a sequence; TJ_NOT_FOUND, without touching error, when there is none. */
static tj_status read_earlier(const char *directory, uint64_t sequence, tj__point *out,
                              tj_error *error)
{
    uint64_t *sequences = NULL;
    size_t count = 0;
    TJ_TRY(tj__point_list(directory, &sequences, &count, error));
    while (count > 0 && sequences[count - 1] >= sequence) {
        count--;
    }
    tj_status status =
        count == 0 ? TJ_NOT_FOUND : tj__point_read(directory, sequences[count - 1], out, error);
    free(sequences);
    return status;
}

tj_status tj__point_thin(const char *directory, const tj__point *before, tj_error *error)
{
    char path[PATH_MAX];
    tj__point earlier = {0};
    tj_status status = read_earlier(directory, before->position.sequence, &earlier, error);
    bool goes = status == TJ_OK && before->verified_at == 0 &&
                before->made_at - earlier.made_at < TJ__POINT_THIN_NS;
    tj__point_dispose(&earlier);
    if (status == TJ_OK && goes) {
        TJ_TRY(path_of(directory, before->position.sequence, path, error));
        return tj__file_remove(path, error);
    }
    return status == TJ_NOT_FOUND ? TJ_OK : status;
}
