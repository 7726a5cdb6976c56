/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A commit as it stands in a batch and in the log.
 *
 *    0  u64  hash: XXH3-64 of all that follows
 *    8  u64  hash of the commit before it; before the first: XXH3-64 of the journal's id
 *   16  u64  sequence
 *   24  i64  time
 *   32  u64  epoch
 *   40  16   the caller's commit id, zeros if none
 *   56  u32  number of changes
 *   60  u32  size of the note
 *   64  u32  size of the body
 *   68  u32  0
 *   72       note, body
 */
#include <inttypes.h>

#include "base/error.h"
#include "base/hash.h"
#include "postgres/internal.h"

uint64_t tj__pg_first_hash(const tj_uuid *id)
{
    return tj__hash(id->bytes, sizeof id->bytes);
}

static void put_frame(uint8_t frame[TJ__PG_FRAME_SIZE], uint64_t previous_hash,
                      const tj__commit_record *commit)
{
    tj__store_u64(frame, 0);
    tj__store_u64(frame + 8, previous_hash);
    tj__store_u64(frame + 16, commit->sequence);
    tj__store_u64(frame + 24, (uint64_t)commit->time);
    tj__store_u64(frame + 32, commit->epoch);
    memcpy(frame + 40, commit->commit_id.bytes, sizeof commit->commit_id.bytes);
    tj__store_u32(frame + 56, commit->change_count);
    tj__store_u32(frame + 60, (uint32_t)commit->note.size);
    tj__store_u32(frame + 64, (uint32_t)commit->body.size);
    tj__store_u32(frame + 68, 0);
}

void tj__pg_record_put(tj__buffer *bytes, uint64_t previous_hash, tj__pg_record *record)
{
    const tj__commit_record *commit = &record->commit;
    uint8_t frame[TJ__PG_FRAME_SIZE];
    size_t at = bytes->size;
    put_frame(frame, previous_hash, commit);
    tj__put_bytes(bytes, frame, sizeof frame);
    tj__put_bytes(bytes, commit->note.data, commit->note.size);
    tj__put_bytes(bytes, commit->body.data, commit->body.size);
    record->hash = tj__hash(bytes->data + at + 8, bytes->size - at - 8);
    tj__store_u64(bytes->data + at, record->hash);
}

void tj__pg_record_get(tj__bytes *rest, tj__pg_record *record)
{
    const uint8_t *frame = rest->data;
    tj__commit_record *commit = &record->commit;
    record->hash = tj__load_u64(frame);
    *commit = (tj__commit_record){.sequence = tj__load_u64(frame + 16),
                                  .time = (tj_time)tj__load_u64(frame + 24),
                                  .epoch = tj__load_u64(frame + 32),
                                  .change_count = tj__load_u32(frame + 56)};
    memcpy(commit->commit_id.bytes, frame + 40, sizeof commit->commit_id.bytes);
    commit->note = tj__bytes_of(frame + TJ__PG_FRAME_SIZE, tj__load_u32(frame + 60));
    commit->body = tj__bytes_of(commit->note.data + commit->note.size, tj__load_u32(frame + 64));
    size_t size = TJ__PG_FRAME_SIZE + commit->note.size + commit->body.size;
    TJ_ASSERT(size <= rest->size);
    rest->data += size;
    rest->size -= size;
}

static uint64_t record_hash(const tj__pg_record *record, uint64_t previous_hash)
{
    const tj__commit_record *commit = &record->commit;
    uint8_t frame[TJ__PG_FRAME_SIZE];
    XXH3_state_t state;
    put_frame(frame, previous_hash, commit);
    XXH3_64bits_reset(&state);
    XXH3_64bits_update(&state, frame + 8, sizeof frame - 8);
    XXH3_64bits_update(&state, commit->note.data, commit->note.size);
    XXH3_64bits_update(&state, commit->body.data, commit->body.size);
    return XXH3_64bits_digest(&state);
}

void tj__pg_record_read(const tj__pg_session *session, const tj__pg_result *result, int row,
                        tj__pg_record *record)
{
    tj__commit_record *commit = &record->commit;
    *commit = (tj__commit_record){
        .sequence = tj__pg_get_int8(session, result, row, 0),
        .time = (tj_time)tj__pg_get_int8(session, result, row, 1),
        .epoch = tj__pg_get_int8(session, result, row, 2),
        .change_count = (uint32_t)tj__pg_get_int4(session, result, row, 4),
        .note = tj__pg_get_bytes(session, result, row, 5),
        .body = tj__pg_get_bytes(session, result, row, 6),
    };
    tj__bytes id = tj__pg_get_bytes(session, result, row, 3);
    if (id.size == sizeof commit->commit_id.bytes) {
        memcpy(commit->commit_id.bytes, id.data, id.size);
    }
    record->hash = tj__pg_get_int8(session, result, row, 7);
}

tj_status tj__pg_record_check(const tj__postgres *postgres, const tj__pg_record *record,
                              const tj__pg_place *before, tj_error *error)
{
    if (record->commit.sequence != before->sequence + 1) {
        return tj__fail(
            error, TJ_CORRUPT,
            "commit %" PRIu64 " is missing in the log of %s: %" PRIu64 " follows %" PRIu64,
            before->sequence + 1, postgres->place, record->commit.sequence, before->sequence);
    }
    if (record_hash(record, before->hash) != record->hash) {
        return tj__fail(error, TJ_CORRUPT,
                        "commit %" PRIu64 " in the log of %s is not what was written, or does not "
                        "follow the one before it: its checksum does not match",
                        record->commit.sequence, postgres->place);
    }
    return TJ_OK;
}
