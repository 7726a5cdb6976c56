/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Headers, names and lists of bases. */
#include "history/base.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"

#define MAGIC "TJHBASE1"
#define MAGIC_SIZE 8
#define HASHED_SIZE (TJ__BASE_HEADER_SIZE - 8)
#define ORDINAL_DIGITS 10
#define UNFINISHED ".tmp"

static const char *const suffixes[] = {"state", "algos", "rest", "keys"};

static const uint64_t tables[] = {
    TJ__TABLE_BIT(TJ__TABLE_BOOKS) | TJ__TABLE_BIT(TJ__TABLE_STATE) |
        TJ__TABLE_BIT(TJ__TABLE_COUNTERS),
    TJ__TABLE_BIT(TJ__TABLE_ALGOS) | TJ__TABLE_BIT(TJ__TABLE_QUARANTINE),
    TJ__TABLE_BIT(TJ__TABLE_LEDGER) | TJ__TABLE_BIT(TJ__TABLE_LEDGER_TIME) |
        TJ__TABLE_BIT(TJ__TABLE_COMMITS),
    1 | TJ__TABLE_BIT(TJ__TABLE_ALGOS) | TJ__TABLE_BIT(TJ__TABLE_QUARANTINE),
};

uint64_t tj__base_tables(tj__base_kind kind)
{
    return tables[kind];
}

const char *tj__base_suffix(tj__base_kind kind)
{
    return suffixes[kind];
}

/* ---- headers ---------------------------------------------------------------------------- */

void tj__base_header_encode(const tj__base_header *header, uint8_t out[TJ__BASE_HEADER_SIZE])
{
    memcpy(out, MAGIC, MAGIC_SIZE);
    tj__store_u32(out + 8, TJ__BASE_VERSION);
    tj__store_u32(out + 12, (uint32_t)header->tables);
    memcpy(out + 16, header->journal_id.bytes, sizeof header->journal_id.bytes);
    tj__store_u64(out + 32, header->position.sequence);
    tj__store_u64(out + 40, (uint64_t)header->position.time);
    tj__store_u64(out + 48, header->position.hash);
    tj__store_u64(out + 56, header->position.epoch);
    tj__store_u64(out + 64, header->position.ordinal);
    tj__store_u64(out + 72, header->position.offset);
    tj__store_u64(out + 80, header->rows);
    tj__store_u64(out + 88, header->row_bytes);
    tj__store_u64(out + 96, header->index_offset);
    tj__store_u64(out + 104, header->index_size);
    tj__store_u64(out + 112, header->index_hash);
    tj__store_u64(out + 120, tj__hash(out, HASHED_SIZE));
}

static void read_header(const uint8_t *bytes, tj__base_header *out)
{
    out->tables = tj__load_u32(bytes + 12);
    memcpy(out->journal_id.bytes, bytes + 16, sizeof out->journal_id.bytes);
    out->position = (tj__position){.sequence = tj__load_u64(bytes + 32),
                                   .time = (tj_time)tj__load_u64(bytes + 40),
                                   .hash = tj__load_u64(bytes + 48),
                                   .epoch = tj__load_u64(bytes + 56),
                                   .ordinal = tj__load_u64(bytes + 64),
                                   .offset = tj__load_u64(bytes + 72)};
    out->rows = tj__load_u64(bytes + 80);
    out->row_bytes = tj__load_u64(bytes + 88);
    out->index_offset = tj__load_u64(bytes + 96);
    out->index_size = tj__load_u64(bytes + 104);
    out->index_hash = tj__load_u64(bytes + 112);
}

static tj_status refuse(tj_status status, const char *path, const char *why, tj_error *error)
{
    tj__fail(error, status, "the base %s %s", path, why);
    tj__error_place(error, "%s", path);
    return status;
}

static bool fits_place(const tj__base_header *header, const tj_uuid *journal_id, tj__base_kind kind,
                       uint64_t ordinal)
{
    return memcmp(&header->journal_id, journal_id, sizeof *journal_id) == 0 &&
           header->tables == tj__base_tables(kind) && header->position.ordinal == ordinal + 1 &&
           header->position.offset == TJ__SEGMENT_HEADER_SIZE;
}

static bool sizes_possible(const tj__base_header *header)
{
    return header->row_bytes <= INT64_MAX - TJ__BASE_HEADER_SIZE &&
           header->index_offset == TJ__BASE_HEADER_SIZE + header->row_bytes &&
           header->index_size <= INT64_MAX - header->index_offset;
}

/* A header of which the version alone is another is no newer one: its hash tells. */
static bool version_is_damaged(const uint8_t bytes[TJ__BASE_HEADER_SIZE])
{
    uint8_t copy[HASHED_SIZE];
    memcpy(copy, bytes, sizeof copy);
    tj__store_u32(copy + 8, TJ__BASE_VERSION);
    return tj__hash(copy, sizeof copy) == tj__load_u64(bytes + HASHED_SIZE);
}

tj_status tj__base_header_decode(const uint8_t bytes[TJ__BASE_HEADER_SIZE],
                                 const tj_uuid *journal_id, tj__base_kind kind, uint64_t ordinal,
                                 const char *path, tj__base_header *out, tj_error *error)
{
    tj__base_header header;
    if (memcmp(bytes, MAGIC, MAGIC_SIZE) != 0) {
        return refuse(TJ_CORRUPT, path, "does not begin as one", error);
    }
    if (tj__load_u32(bytes + 8) > TJ__BASE_VERSION && !version_is_damaged(bytes)) {
        return refuse(TJ_FORMAT_NEWER, path, "was written by a newer version", error);
    }
    if (tj__hash(bytes, HASHED_SIZE) != tj__load_u64(bytes + HASHED_SIZE)) {
        return refuse(TJ_CORRUPT, path, "is damaged: the checksum of its header does not match",
                      error);
    }
    read_header(bytes, &header);
    if (tj__load_u32(bytes + 8) != TJ__BASE_VERSION || !sizes_possible(&header)) {
        return refuse(TJ_CORRUPT, path, "has an impossible header", error);
    }
    if (!fits_place(&header, journal_id, kind, ordinal)) {
        return refuse(TJ_CORRUPT, path, "is that of another journal, segment or kind", error);
    }
    *out = header;
    return TJ_OK;
}

/* ---- names ------------------------------------------------------------------------------ */

tj_status tj__base_path(char out[TJ__BASE_PATH_SIZE], const char *directory, tj__base_kind kind,
                        uint64_t ordinal, bool unfinished, tj_error *error)
{
    char name[ORDINAL_DIGITS + 32];
    snprintf(name, sizeof name, "%0*" PRIu64 ".%s%s", ORDINAL_DIGITS, ordinal, suffixes[kind],
             unfinished ? UNFINISHED : "");
    return tj__path_join(out, TJ__BASE_PATH_SIZE, directory, name, error);
}

/* The segment that a name stands for, 0 if it is not that of a base of the kind. */
static uint64_t ordinal_of(const char *name, tj__base_kind kind)
{
    uint64_t ordinal = 0;
    for (size_t i = 0; i < ORDINAL_DIGITS; i++) {
        if (name[i] < '0' || name[i] > '9') {
            return 0;
        }
        ordinal = ordinal * 10 + (uint64_t)(name[i] - '0');
    }
    bool ours = name[ORDINAL_DIGITS] == '.' &&
                strcmp(name + ORDINAL_DIGITS + 1, suffixes[kind]) == 0 && ordinal < TJ__ORDINAL_MAX;
    return ours ? ordinal : 0;
}

static int compare_ordinals(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

static tj_status collect(DIR *stream, const char *directory, tj__base_kind kind,
                         tj__buffer *ordinals, tj_error *error)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(stream);
        if (!entry && errno != 0) {
            return tj__fail_errno(error, errno, "reading directory %s", directory);
        }
        if (!entry) {
            return !ordinals->failed ? TJ_OK
                                     : tj__fail(error, TJ_NOMEM, "no memory for a list of bases");
        }
        uint64_t ordinal = ordinal_of(entry->d_name, kind);
        if (ordinal != 0) {
            tj__put_bytes(ordinals, &ordinal, sizeof ordinal);
        }
    }
}

tj_status tj__base_list_read(const char *directory, tj__base_kind kind, tj__base_list *out,
                             tj_error *error)
{
    tj__buffer ordinals = {0};
    *out = (tj__base_list){0};
    DIR *stream = opendir(directory);
    if (!stream) {
        return errno == ENOENT ? TJ_OK
                               : tj__fail_errno(error, errno, "opening directory %s", directory);
    }
    tj_status status = collect(stream, directory, kind, &ordinals, error);
    closedir(stream);
    if (status != TJ_OK) {
        tj__buffer_dispose(&ordinals);
        return status;
    }
    *out = (tj__base_list){(uint64_t *)(void *)ordinals.data, ordinals.size / sizeof(uint64_t)};
    if (out->count > 0) {
        qsort(out->ordinals, out->count, sizeof *out->ordinals, compare_ordinals);
    }
    return TJ_OK;
}

static tj_status add_sizes(const char *directory, tj__base_kind kind, const tj__base_list *list,
                           uint64_t *bytes, tj_error *error)
{
    for (size_t i = 0; i < list->count; i++) {
        char path[TJ__BASE_PATH_SIZE];
        bool there = false;
        struct stat found;
        TJ_TRY(tj__base_path(path, directory, kind, list->ordinals[i], false, error));
        TJ_TRY(tj__path_look(path, &there, &found, error));
        *bytes += there ? (uint64_t)found.st_size : 0;
    }
    return TJ_OK;
}

tj_status tj__bases_size(const char *directory, uint64_t *bytes, tj_error *error)
{
    *bytes = 0;
    for (int kind = 0; kind <= TJ__BASE_KEYS; kind++) {
        tj__base_list list;
        TJ_TRY(tj__base_list_read(directory, (tj__base_kind)kind, &list, error));
        tj_status status = add_sizes(directory, (tj__base_kind)kind, &list, bytes, error);
        tj__base_list_dispose(&list);
        TJ_TRY(status);
    }
    return TJ_OK;
}

void tj__base_list_dispose(tj__base_list *list)
{
    free(list->ordinals);
    *list = (tj__base_list){0};
}

void tj__base_tidy(const char *directory)
{
    DIR *stream = opendir(directory);
    const struct dirent *entry;
    while (stream && (entry = readdir(stream)) != NULL) {
        char path[TJ__BASE_PATH_SIZE];
        size_t size = strlen(entry->d_name);
        bool unfinished = size > strlen(UNFINISHED) &&
                          strcmp(entry->d_name + size - strlen(UNFINISHED), UNFINISHED) == 0;
        if (unfinished &&
            tj__path_join(path, sizeof path, directory, entry->d_name, NULL) == TJ_OK) {
            (void)tj__file_remove(path, NULL);
        }
    }
    if (stream) {
        closedir(stream);
    }
}
