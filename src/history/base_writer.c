/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Blocks, index and header of a base, written in pieces. */
#include "history/base_writer.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"

#define PIECE_SIZE ((size_t)256 << 10)
#define MS_OF_PIECE 64 /* 4 MiB/s */

struct tj__base_writer {
    char directory[TJ__BASE_PATH_SIZE];
    char path[TJ__BASE_PATH_SIZE];
    char temporary[TJ__BASE_PATH_SIZE];
    tj__base_kind kind;
    uint64_t ordinal;
    tj__base_rest *rest; /* NULL: it does not */
    void *rest_context;
    int fd;
    uint64_t written; /* bytes of the file that are written, */
    uint64_t before;  /* and so many of them before the last piece */
    tj__buffer piece; /* what follows them: whole blocks, */
    size_t block_at;  /* and from here on the open one */
    tj__buffer index; /* entries of the whole ones */
    tj__buffer key;   /* first of the open block */
    uint32_t block_rows;
    uint64_t rows;
    bool finished;
};

static tj_status no_memory(const tj__base_writer *writer, tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "no memory to write the base %s", writer->path);
}

tj_status tj__base_writer_open(const char *directory, tj__base_kind kind, uint64_t ordinal,
                               tj__base_writer **out, tj_error *error)
{
    *out = NULL;
    tj__base_writer *writer = calloc(1, sizeof *writer);
    if (!writer) {
        return tj__fail(error, TJ_NOMEM, "no memory to write a base");
    }
    writer->kind = kind;
    writer->ordinal = ordinal;
    writer->fd = -1;
    tj_status status = tj__base_path(writer->path, directory, kind, ordinal, false, error);
    if (status == TJ_OK) {
        status = tj__base_path(writer->temporary, directory, kind, ordinal, true, error);
    }
    if (status == TJ_OK) {
        status = tj__file_remove(writer->temporary, error);
    }
    if (status == TJ_OK) {
        status =
            tj__file_create(writer->temporary, O_WRONLY | O_EXCL, directory, &writer->fd, error);
    }
    if (status != TJ_OK) {
        tj__base_writer_close(writer);
        return status;
    }
    snprintf(writer->directory, sizeof writer->directory, "%s", directory);
    tj__put_zeros(&writer->piece, TJ__BASE_HEADER_SIZE); /* its place */
    writer->block_at = TJ__BASE_HEADER_SIZE;
    *out = writer;
    return TJ_OK;
}

void tj__base_writer_pace(tj__base_writer *writer, tj__base_rest *rest, void *context)
{
    writer->rest = rest;
    writer->rest_context = context;
}

uint64_t tj__base_rest_ms(size_t bytes, uint64_t segments_behind)
{
    return bytes * MS_OF_PIECE / PIECE_SIZE / (1 + segments_behind);
}

/* A piece goes to the disk while the next one is made. */
static tj_status write_paced(tj__base_writer *writer, const tj__buffer *from, tj_error *error)
{
    for (size_t at = 0; at < from->size;) {
        size_t rest = from->size - at;
        size_t size = rest < PIECE_SIZE ? rest : PIECE_SIZE;
        TJ_TRY(tj__file_write_back(writer->fd, writer->temporary, writer->before,
                                   writer->written - writer->before, error));
        TJ_TRY(tj__file_write_at(writer->fd, writer->temporary, from->data + at, size,
                                 writer->written, error));
        tj__file_start_write_back(writer->fd);
        writer->before = writer->written;
        writer->written += size;
        at += size;
        if (writer->rest) {
            writer->rest(writer->rest_context, writer->ordinal, size);
        }
    }
    return TJ_OK;
}

static tj_status write_piece(tj__base_writer *writer, tj_error *error)
{
    TJ_TRY(write_paced(writer, &writer->piece, error));
    tj__buffer_clear(&writer->piece);
    writer->block_at = 0;
    return TJ_OK;
}

static tj_status end_block(tj__base_writer *writer, tj_error *error)
{
    size_t size = writer->piece.size - writer->block_at;
    tj__put_u64(&writer->index, writer->written + writer->block_at);
    tj__put_u32(&writer->index, (uint32_t)size);
    tj__put_u32(&writer->index, writer->block_rows);
    tj__put_u64(&writer->index, tj__hash(writer->piece.data + writer->block_at, size));
    tj__put_u16(&writer->index, (uint16_t)writer->key.size);
    tj__put_bytes(&writer->index, writer->key.data, writer->key.size);
    if (writer->index.failed) {
        return no_memory(writer, error);
    }
    tj__buffer_clear(&writer->key);
    writer->block_at = writer->piece.size;
    writer->block_rows = 0;
    return writer->piece.size >= PIECE_SIZE ? write_piece(writer, error) : TJ_OK;
}

static void put_row(uint8_t *at, const tj__row *row)
{
    tj__store_u16(at, (uint16_t)row->key.size);
    tj__store_u16(at + 2, 0);
    tj__store_u32(at + 4, (uint32_t)row->value.size);
    tj__store_u64(at + 8, row->sequence);
    memcpy(at + TJ__BASE_ROW_HEAD_SIZE, row->key.data, row->key.size);
    if (row->value.size > 0) {
        memcpy(at + TJ__BASE_ROW_HEAD_SIZE + row->key.size, row->value.data, row->value.size);
    }
}

tj_status tj__base_writer_add(tj__base_writer *writer, const tj__row *row, tj_error *error)
{
    if (writer->block_rows == 0) {
        tj__put_bytes(&writer->key, row->key.data, row->key.size);
    }
    uint8_t *at =
        tj__buffer_extend(&writer->piece, TJ__BASE_ROW_HEAD_SIZE + row->key.size + row->value.size);
    if (!at || writer->key.failed) {
        return no_memory(writer, error);
    }
    put_row(at, row);
    writer->block_rows++;
    writer->rows++;
    return writer->piece.size - writer->block_at >= TJ__BASE_BLOCK_SIZE ? end_block(writer, error)
                                                                        : TJ_OK;
}

static tj_status write_index(tj__base_writer *writer, tj__base_header *header, tj_error *error)
{
    TJ_TRY(write_piece(writer, error));
    header->index_offset = writer->written;
    header->index_size = writer->index.size;
    header->index_hash = tj__hash(writer->index.data, writer->index.size);
    header->row_bytes = header->index_offset - TJ__BASE_HEADER_SIZE;
    return write_paced(writer, &writer->index, error);
}

tj_status tj__base_writer_finish(tj__base_writer *writer, const tj_uuid *journal_id,
                                 const tj__position *position, tj__base_header *header,
                                 tj_error *error)
{
    uint8_t bytes[TJ__BASE_HEADER_SIZE];
    tj__base_header made = {.tables = tj__base_tables(writer->kind),
                            .journal_id = *journal_id,
                            .position = *position,
                            .rows = writer->rows};
    if (writer->block_rows > 0) {
        TJ_TRY(end_block(writer, error));
    }
    TJ_TRY(write_index(writer, &made, error));
    tj__base_header_encode(&made, bytes);
    TJ_TRY(tj__file_write_at(writer->fd, writer->temporary, bytes, sizeof bytes, 0, error));
    TJ_TRY(tj__file_sync_data(writer->fd, writer->temporary, error));
    TJ_TRY(tj__file_rename(writer->temporary, writer->path, error));
    writer->finished = true;
    TJ_TRY(tj__directory_sync(writer->directory, error));
    if (header) {
        *header = made;
    }
    return TJ_OK;
}

void tj__base_writer_close(tj__base_writer *writer)
{
    if (!writer) {
        return;
    }
    if (writer->fd >= 0 && !writer->finished) {
        (void)tj__file_remove(writer->temporary, NULL);
    }
    tj__file_close(writer->fd);
    tj__buffer_dispose(&writer->piece);
    tj__buffer_dispose(&writer->index);
    tj__buffer_dispose(&writer->key);
    free(writer);
}
