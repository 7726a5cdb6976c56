/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The index of a base, and the rows of its blocks. A file is input: nothing in it is trusted before
 * its hash was checked, and nothing is taken for possible because its hash was right. */
#include "history/base_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"

/* An entry of the index. */
typedef struct tj__base_block {
    uint64_t offset;
    uint64_t hash;
    uint32_t size;
    uint32_t rows;
    tj__bytes first; /* key, in the index */
} block;

/* The smallest row: a key of one byte, no value. */
#define ROW_SIZE_MIN (TJ__BASE_ROW_HEAD_SIZE + 1)
/* A block ends behind the row that fills it. */
#define BLOCK_SIZE_MAX \
    (TJ__BASE_BLOCK_SIZE + TJ__BASE_ROW_HEAD_SIZE + TJ__ROW_KEY_SIZE_MAX + TJ__ROW_VALUE_SIZE_MAX)

static tj_status damaged(const char *path, uint64_t offset, tj_error *error, const char *what)
{
    tj__fail(error, TJ_CORRUPT, "the base %s is damaged at offset %" PRIu64 ": %s", path, offset,
             what);
    tj__error_place(error, "%s:%" PRIu64, path, offset);
    return TJ_CORRUPT;
}

/* ---- opening ---------------------------------------------------------------------------- */

static tj_status read_header(const char *directory, const tj_uuid *journal_id, tj__base_kind kind,
                             uint64_t ordinal, char path[TJ__BASE_PATH_SIZE], int *fd,
                             tj__base_header *out, tj_error *error)
{
    uint8_t bytes[TJ__BASE_HEADER_SIZE];
    struct stat found;
    TJ_TRY(tj__base_path(path, directory, kind, ordinal, false, error));
    TJ_TRY(tj__file_open(path, O_RDONLY, fd, error));
    if (fstat(*fd, &found) != 0) {
        return tj__fail_errno(error, errno, "looking at %s", path);
    }
    if (!S_ISREG(found.st_mode)) {
        return damaged(path, 0, error, "it is no regular file");
    }
    TJ_TRY(tj__file_read_at(*fd, path, bytes, sizeof bytes, 0, error));
    TJ_TRY(tj__base_header_decode(bytes, journal_id, kind, ordinal, path, out, error));
    return (uint64_t)found.st_size == tj__base_size(out)
               ? TJ_OK
               : damaged(path, (uint64_t)found.st_size, error,
                         "it is not as long as its header says");
}

tj_status tj__base_look(const char *directory, const tj_uuid *journal_id, tj__base_kind kind,
                        uint64_t ordinal, tj__base_header *out, tj_error *error)
{
    char path[TJ__BASE_PATH_SIZE];
    int fd = -1;
    tj_status status = read_header(directory, journal_id, kind, ordinal, path, &fd, out, error);
    tj__file_close(fd);
    return status;
}

static tj_status read_index(tj__base *base, tj_error *error)
{
    size_t size = (size_t)base->header.index_size;
    base->index = malloc(size + 1);
    base->blocks = calloc(size / TJ__BASE_INDEX_HEAD_SIZE + 1, sizeof *base->blocks);
    if (!base->index || !base->blocks) {
        return tj__fail(error, TJ_NOMEM, "no memory for the index of %s", base->path);
    }
    TJ_TRY(tj__file_read_at(base->fd, base->path, base->index, size, base->header.index_offset,
                            error));
    return tj__hash(base->index, size) == base->header.index_hash
               ? TJ_OK
               : damaged(base->path, base->header.index_offset, error,
                         "the checksum of its index does not match");
}

static bool block_possible(const tj__base *base, const block *b, uint64_t offset)
{
    tj__bytes before =
        base->block_count > 0 ? base->blocks[base->block_count - 1].first : tj__bytes_of(NULL, 0);
    return b->offset == offset && b->size >= ROW_SIZE_MIN && b->size <= BLOCK_SIZE_MAX &&
           b->rows > 0 && b->rows <= b->size / ROW_SIZE_MIN && b->first.size > 0 &&
           b->first.size <= TJ__ROW_KEY_SIZE_MAX && tj__bytes_compare(before, b->first) < 0;
}

/* The blocks lie behind each other, from the header to the index. */
static tj_status decode_index(tj__base *base, tj_error *error)
{
    tj__reader in = {.rest = tj__bytes_of(base->index, (size_t)base->header.index_size)};
    uint64_t offset = TJ__BASE_HEADER_SIZE;
    uint64_t rows = 0;
    while (in.rest.size > 0) {
        block b = {.offset = tj__get_u64(&in), .size = tj__get_u32(&in), .rows = tj__get_u32(&in)};
        b.hash = tj__get_u64(&in);
        b.first = tj__get_bytes(&in, tj__get_u16(&in));
        if (in.failed || !block_possible(base, &b, offset)) {
            return damaged(base->path, base->header.index_offset, error,
                           "its index has an impossible entry");
        }
        base->blocks[base->block_count++] = b;
        offset += b.size;
        rows += b.rows;
    }
    return offset == base->header.index_offset && rows == base->header.rows
               ? TJ_OK
               : damaged(base->path, base->header.index_offset, error,
                         "its index is not that of its blocks");
}

/* ---- blocks ----------------------------------------------------------------------------- */

static tj_status read_block(tj__base *base, size_t at, tj__buffer *out, tj_error *error)
{
    const block *b = &base->blocks[at];
    tj__buffer_clear(out);
    if (!tj__buffer_reserve(out, b->size)) {
        return tj__fail(error, TJ_NOMEM, "no memory for a block of %s", base->path);
    }
    tj_status status = tj__file_read_at(base->fd, base->path, out->data, b->size, b->offset, error);
    if (status == TJ_OK && tj__hash(out->data, b->size) != b->hash) {
        status = damaged(base->path, b->offset, error, "the checksum of a block does not match");
    }
    base->damaged |= status == TJ_CORRUPT || status == TJ_IO;
    out->size = status == TJ_OK ? b->size : 0;
    return status;
}

/* Takes the next row from the front of what is left of a block; false: it is not one. */
static bool next_row(tj__reader *in, tj__row *row)
{
    uint16_t key_size = tj__get_u16(in);
    uint16_t zero = tj__get_u16(in);
    uint32_t value_size = tj__get_u32(in);
    *row = (tj__row){.sequence = tj__get_u64(in)};
    row->key = tj__get_bytes(in, key_size);
    row->value = tj__get_bytes(in, value_size);
    return !in->failed && zero == 0 && key_size > 0 && key_size <= TJ__ROW_KEY_SIZE_MAX;
}

static tj_status bad_row(tj__base *base, size_t at, tj_error *error)
{
    base->damaged = true;
    return damaged(base->path, base->blocks[at].offset, error,
                   "a block holds something that is no row");
}

/* The last block whose first key is not above `key`; block_count when there is none. */
static size_t block_of(const tj__base *base, tj__bytes key)
{
    size_t first = 0;
    size_t end = base->block_count;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        if (tj__bytes_compare(base->blocks[middle].first, key) <= 0) {
            first = middle + 1;
        } else {
            end = middle;
        }
    }
    return first > 0 ? first - 1 : base->block_count;
}

static tj_status get(tj__row_source *source, tj__bytes key, tj__row *row, tj_error *error)
{
    tj__base *base = (tj__base *)source;
    size_t at = block_of(base, key);
    if (at == base->block_count) {
        return TJ_NOT_FOUND;
    }
    if (at != base->block_at) {
        base->block_at = base->block_count;
        TJ_TRY(read_block(base, at, &base->block, error));
        base->block_at = at;
    }
    tj__reader in = {.rest = tj__buffer_bytes(&base->block)};
    while (in.rest.size > 0) {
        if (!next_row(&in, row)) {
            return bad_row(base, at, error);
        }
        int order = tj__bytes_compare(row->key, key);
        if (order >= 0) {
            return order == 0 ? TJ_OK : TJ_NOT_FOUND;
        }
    }
    return TJ_NOT_FOUND;
}

/* A scan under way, with a block of its own: the visitor may call `get`. */
typedef struct scanning {
    tj__base *base;
    tj__bytes first;
    tj__bytes end;
    tj__row_visitor *visitor;
    void *context;
    tj__buffer block;
    tj__buffer starts; /* of the rows in it: u32 each */
} scanning;

static tj_status find_rows(scanning *s, size_t at, size_t *count, tj_error *error)
{
    TJ_TRY(read_block(s->base, at, &s->block, error));
    tj__buffer_clear(&s->starts);
    tj__reader in = {.rest = tj__buffer_bytes(&s->block)};
    *count = 0;
    while (in.rest.size > 0) {
        tj__row row;
        tj__put_u32(&s->starts, (uint32_t)(s->block.size - in.rest.size));
        if (!next_row(&in, &row)) {
            return bad_row(s->base, at, error);
        }
        ++*count;
    }
    return !s->starts.failed ? TJ_OK
                             : tj__fail(error, TJ_NOMEM, "no memory for the rows of a block");
}

static tj_status visit_row(const scanning *s, const tj__row *row, tj_error *error)
{
    bool wanted =
        tj__bytes_compare(row->key, s->first) >= 0 && tj__bytes_compare(row->key, s->end) < 0;
    return wanted ? s->visitor(s->context, row, error) : TJ_OK;
}

static tj_status visit_block(scanning *s, size_t at, tj_error *error)
{
    TJ_TRY(read_block(s->base, at, &s->block, error));
    tj__reader in = {.rest = tj__buffer_bytes(&s->block)};
    while (in.rest.size > 0) {
        tj__row row;
        if (!next_row(&in, &row)) {
            return bad_row(s->base, at, error);
        }
        TJ_TRY(visit_row(s, &row, error));
    }
    return TJ_OK;
}

static tj_status visit_block_backwards(scanning *s, size_t at, tj_error *error)
{
    size_t count = 0;
    TJ_TRY(find_rows(s, at, &count, error));
    while (count-- > 0) {
        size_t start = tj__load_u32(s->starts.data + 4 * count);
        tj__reader in = {.rest = {s->block.data + start, s->block.size - start}};
        tj__row row;
        if (next_row(&in, &row)) {
            TJ_TRY(visit_row(s, &row, error));
        }
    }
    return TJ_OK;
}

static tj_status scan(tj__row_source *source, tj__bytes first, tj__bytes end, bool descending,
                      tj__row_visitor *visitor, void *context, tj_error *error)
{
    tj__base *base = (tj__base *)source;
    scanning s = {base, first, end, visitor, context, {0}, {0}};
    size_t from = block_of(base, first);
    size_t to = from == base->block_count ? 0 : from;
    from = to;
    while (to < base->block_count && tj__bytes_compare(base->blocks[to].first, end) < 0) {
        to++;
    }
    tj_status status = TJ_OK;
    for (size_t i = from; i < to && status == TJ_OK; i++) {
        status = descending ? visit_block_backwards(&s, to - 1 - (i - from), error)
                            : visit_block(&s, i, error);
    }
    tj__buffer_dispose(&s.block);
    tj__buffer_dispose(&s.starts);
    return status == TJ__STOP ? TJ_OK : status;
}

tj_status tj__base_open(const char *directory, const tj_uuid *journal_id, tj__base_kind kind,
                        uint64_t ordinal, tj__base **out, tj_error *error)
{
    *out = NULL;
    tj__base *base = calloc(1, sizeof *base);
    if (!base) {
        return tj__fail(error, TJ_NOMEM, "no memory to read a base");
    }
    base->fd = -1;
    tj_status status = read_header(directory, journal_id, kind, ordinal, base->path, &base->fd,
                                   &base->header, error);
    if (status == TJ_OK) {
        status = read_index(base, error);
    }
    if (status == TJ_OK) {
        status = decode_index(base, error);
    }
    if (status != TJ_OK) {
        tj__base_close(base);
        return status;
    }
    base->block_at = base->block_count;
    base->rows =
        (tj__row_source){.get = get, .scan = scan, .sequence = base->header.position.sequence};
    *out = base;
    return TJ_OK;
}

void tj__base_close(tj__base *base)
{
    if (base) {
        tj__file_close(base->fd);
        free(base->index);
        free(base->blocks);
        tj__buffer_dispose(&base->block);
        free(base);
    }
}
