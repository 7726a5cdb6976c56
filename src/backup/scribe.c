/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Records put into segment files one after the other. */
#include "backup/scribe.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/error.h"
#include "base/file.h"
#include "base/in_place.h"

void tj__scribe_init(tj__scribe *scribe, const tj_uuid *journal_id, bool for_journal,
                     tj__pace *pace)
{
    *scribe =
        (tj__scribe){.journal_id = *journal_id, .pace = pace, .for_journal = for_journal, .fd = -1};
}

void tj__scribe_dispose(tj__scribe *scribe)
{
    tj__file_close(scribe->fd);
    scribe->fd = -1;
    tj__buffer_dispose(&scribe->rest);
    (void)XXH3_freeState(scribe->content);
    scribe->content = NULL;
}

static tj_status open_file(tj__scribe *scribe, const char *path, int flags, tj_error *error)
{
    TJ_ASSERT(scribe->fd < 0);
    snprintf(scribe->path, sizeof scribe->path, "%s", path);
    return tj__file_create(path, O_WRONLY | flags, NULL, &scribe->fd, error);
}

static tj_status write_rest(tj__scribe *scribe, tj_error *error)
{
    TJ_TRY(tj__pace_write(scribe->pace, scribe->fd, scribe->path, tj__buffer_bytes(&scribe->rest),
                          scribe->written, error));
    if (scribe->content_known) {
        (void)XXH3_64bits_update(scribe->content, scribe->rest.data, scribe->rest.size);
    }
    scribe->written += scribe->rest.size;
    tj__buffer_clear(&scribe->rest);
    return TJ_OK;
}

static tj_status no_memory(const tj__scribe *scribe, tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "no memory to write %s", scribe->path);
}

tj_status tj__scribe_begin(tj__scribe *scribe, const char *path, const tj__segment_header *header,
                           tj_error *error)
{
    tj__segment_header own = *header;
    own.journal_id = scribe->journal_id;
    own.chain_hash = scribe->hash;
    TJ_TRY(open_file(scribe, path, O_TRUNC, error));
    if (scribe->for_journal) {
        tj__file_in_place(scribe->fd);
    }
    scribe->ordinal = header->ordinal;
    scribe->size = header->segment_size;
    scribe->written = 0;
    scribe->content_known = scribe->content && XXH3_64bits_reset(scribe->content) == XXH_OK;
    tj__buffer_clear(&scribe->rest);
    if (!tj__buffer_reserve(&scribe->rest, TJ__SEGMENT_HEADER_SIZE)) {
        return no_memory(scribe, error);
    }
    tj__segment_header_encode(&own, scribe->rest.data);
    scribe->rest.size = TJ__SEGMENT_HEADER_SIZE;
    return TJ_OK;
}

tj_status tj__scribe_resume(tj__scribe *scribe, const char *path, uint64_t ordinal, uint64_t size,
                            uint64_t hash, tj_error *error)
{
    TJ_TRY(open_file(scribe, path, 0, error));
    TJ_TRY(tj__file_resize(scribe->fd, path, size, error));
    scribe->ordinal = ordinal;
    scribe->written = size;
    scribe->content_known = false;
    scribe->hash = hash;
    tj__buffer_clear(&scribe->rest);
    return TJ_OK;
}

uint64_t tj__scribe_offset(const tj__scribe *scribe)
{
    return scribe->written + scribe->rest.size;
}

tj_status tj__scribe_put(tj__scribe *scribe, const tj__record *record, tj_error *error)
{
    tj__record own = *record;
    own.previous_hash = scribe->hash;
    if (!tj__buffer_reserve(&scribe->rest,
                            tj__record_size_noted(record->body.size, record->note.size))) {
        return no_memory(scribe, error);
    }
    tj__record_encode(&own, &scribe->journal_id, scribe->ordinal, tj__scribe_offset(scribe),
                      &scribe->rest);
    scribe->hash = own.hash;
    return scribe->rest.size >= tj__pace_piece(scribe->pace) ? write_rest(scribe, error) : TJ_OK;
}

tj_status tj__scribe_hash_content(tj__scribe *scribe, tj_error *error)
{
    scribe->content = XXH3_createState();
    return scribe->content ? TJ_OK : tj__fail(error, TJ_NOMEM, "no memory to hash what is copied");
}

bool tj__scribe_content_hash(const tj__scribe *scribe, uint64_t *hash)
{
    if (scribe->content_known) {
        *hash = XXH3_64bits_digest(scribe->content);
    }
    return scribe->content_known;
}

/* Its space must be there before a commit is written into it. */
static tj_status fill_up(tj__scribe *scribe, tj_error *error)
{
    while (scribe->written < scribe->size) {
        uint64_t missing = scribe->size - scribe->written;
        tj__put_zeros(&scribe->rest,
                      missing < TJ__PACE_PIECE_SIZE ? (size_t)missing : TJ__PACE_PIECE_SIZE);
        if (scribe->rest.failed) {
            return no_memory(scribe, error);
        }
        TJ_TRY(write_rest(scribe, error));
    }
    return TJ_OK;
}

tj_status tj__scribe_end(tj__scribe *scribe, tj_error *error)
{
    if (scribe->fd < 0) {
        return TJ_OK;
    }
    TJ_TRY(write_rest(scribe, error));
    if (scribe->for_journal) {
        TJ_TRY(fill_up(scribe, error));
    }
    TJ_TRY(tj__file_sync(scribe->fd, scribe->path, error));
    tj__file_close(scribe->fd);
    scribe->fd = -1;
    return TJ_OK;
}
