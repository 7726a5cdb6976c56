/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Encoding and decoding segment headers and records, and what a record could be. */
#include "log/frame.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"

static const uint8_t segment_magic[8] = {'T', 'J', 'L', 'O', 'G', 'S', 'E', 'G'};
static const uint8_t record_magic[4] = {'T', 'J', 'R', 'C'};

/* Where the fields of a segment header stand. */
enum {
    SEGMENT_VERSION = 8,
    SEGMENT_HEADER_SIZE = 12,
    SEGMENT_JOURNAL_ID = TJ__SEGMENT_ID_AT,
    SEGMENT_ORDINAL = 32,
    SEGMENT_FIRST_SEQUENCE = 40,
    SEGMENT_CHAIN_HASH = 48,
    SEGMENT_CREATED_AT = 56,
    SEGMENT_SIZE = 64,
    SEGMENT_HASH = 4088
};

/* Where the fields of a record stand. */
enum {
    RECORD_VERSION = 4,
    RECORD_TYPE = 5,
    RECORD_FLAGS = 6,
    RECORD_HASH = 8,
    RECORD_PREVIOUS_HASH = 16,
    RECORD_SEQUENCE = 24,
    RECORD_TIME = 32,
    RECORD_EPOCH = 40,
    RECORD_DURABLE_SEQUENCE = 48,
    RECORD_COMMIT_ID = 56,
    RECORD_BODY_SIZE = 72,
    RECORD_CHANGE_COUNT = 76
};

#define FLAG_NOTE 1 /* a note stands before the body */

_Static_assert(SEGMENT_HASH + 8 == TJ__SEGMENT_HEADER_SIZE, "the hash ends the header block");
_Static_assert(RECORD_CHANGE_COUNT + 4 == TJ__RECORD_HEADER_SIZE, "the body follows the header");
_Static_assert(sizeof(tj_uuid) == 16, "a UUID is stored as it is");

uint64_t tj__record_size(uint32_t body_size)
{
    uint64_t align = TJ__RECORD_ALIGN;
    return (TJ__RECORD_HEADER_SIZE + (uint64_t)body_size + align - 1) / align * align;
}

size_t tj__record_note_room(size_t note_size)
{
    return note_size == 0 ? 0 : sizeof(uint16_t) + note_size;
}

uint64_t tj__record_size_noted(size_t body_size, size_t note_size)
{
    return tj__record_size((uint32_t)(tj__record_note_room(note_size) + body_size));
}

void tj__segment_header_encode(const tj__segment_header *header,
                               uint8_t out[TJ__SEGMENT_HEADER_SIZE])
{
    memset(out, 0, TJ__SEGMENT_HEADER_SIZE);
    memcpy(out, segment_magic, sizeof segment_magic);
    tj__store_u32(out + SEGMENT_VERSION, TJ__LOG_FORMAT_VERSION);
    tj__store_u32(out + SEGMENT_HEADER_SIZE, TJ__SEGMENT_HEADER_SIZE);
    memcpy(out + SEGMENT_JOURNAL_ID, header->journal_id.bytes, sizeof header->journal_id.bytes);
    tj__store_u64(out + SEGMENT_ORDINAL, header->ordinal);
    tj__store_u64(out + SEGMENT_FIRST_SEQUENCE, header->first_sequence);
    tj__store_u64(out + SEGMENT_CHAIN_HASH, header->chain_hash);
    tj__store_u64(out + SEGMENT_CREATED_AT, (uint64_t)header->created_at);
    tj__store_u64(out + SEGMENT_SIZE, header->segment_size);
    tj__store_u64(out + SEGMENT_HASH, tj__hash(out, SEGMENT_HASH));
}

static tj_status refuse(tj_status status, const char *place, tj_error *error, const char *reason)
{
    tj__fail(error, status, "segment header: %s: %s", reason, place);
    tj__error_place(error, "%s", place);
    return status;
}

/* Magic, version and hash: whether these bytes are a whole header that this version can read. */
static tj_status check_header_bytes(const uint8_t *block, const char *place, tj_error *error)
{
    char reason[160];
    if (tj__bytes_all_zero(tj__bytes_of(block, TJ__SEGMENT_HEADER_SIZE))) {
        return refuse(TJ_NOT_FOUND, place, error, "all zero, the segment was never begun");
    }
    if (memcmp(block, segment_magic, sizeof segment_magic) != 0) {
        return refuse(TJ_CORRUPT, place, error, "no segment magic");
    }
    uint32_t version = tj__load_u32(block + SEGMENT_VERSION);
    if (version > TJ__LOG_FORMAT_VERSION) {
        snprintf(reason, sizeof reason,
                 "format version %" PRIu32 " is newer than %d, the newest this library reads",
                 version, TJ__LOG_FORMAT_VERSION);
        return refuse(TJ_FORMAT_NEWER, place, error, reason);
    }
    if (version == 0) {
        return refuse(TJ_CORRUPT, place, error, "format version 0 does not exist");
    }
    if (tj__load_u64(block + SEGMENT_HASH) != tj__hash(block, SEGMENT_HASH)) {
        return refuse(TJ_CORRUPT, place, error, "checksum does not match");
    }
    return TJ_OK;
}

/* Whether a header that somebody wrote as it stands belongs here. */
static tj_status check_header_values(const uint8_t *block, const tj__segment_header *header,
                                     const tj_uuid *journal_id, uint64_t ordinal, const char *place,
                                     tj_error *error)
{
    char reason[160];
    if (tj_uuid_compare(header->journal_id, *journal_id) != 0) {
        char found[TJ_UUID_TEXT_SIZE];
        char wanted[TJ_UUID_TEXT_SIZE];
        tj_uuid_format(header->journal_id, found);
        tj_uuid_format(*journal_id, wanted);
        snprintf(reason, sizeof reason, "it belongs to journal %s, this is journal %s", found,
                 wanted);
        return refuse(TJ_CONFLICT, place, error, reason);
    }
    if (header->ordinal != ordinal) {
        snprintf(reason, sizeof reason,
                 "it is that of segment %" PRIu64 ", the file is named as segment %" PRIu64,
                 header->ordinal, ordinal);
        return refuse(TJ_CONFLICT, place, error, reason);
    }
    uint32_t header_size = tj__load_u32(block + SEGMENT_HEADER_SIZE);
    if (header_size != TJ__SEGMENT_HEADER_SIZE ||
        header->segment_size < TJ__SEGMENT_HEADER_SIZE + TJ__SEAL_SIZE ||
        header->segment_size % TJ__RECORD_ALIGN != 0) {
        snprintf(reason, sizeof reason,
                 "impossible sizes, header %" PRIu32 " and segment %" PRIu64 " bytes", header_size,
                 header->segment_size);
        return refuse(TJ_CONFLICT, place, error, reason);
    }
    return TJ_OK;
}

tj_status tj__segment_header_decode(const uint8_t block[TJ__SEGMENT_HEADER_SIZE],
                                    const tj_uuid *journal_id, uint64_t ordinal,
                                    tj__segment_header *out, const char *place, tj_error *error)
{
    TJ_TRY(check_header_bytes(block, place, error));
    tj__segment_header header = {.ordinal = tj__load_u64(block + SEGMENT_ORDINAL),
                                 .first_sequence = tj__load_u64(block + SEGMENT_FIRST_SEQUENCE),
                                 .chain_hash = tj__load_u64(block + SEGMENT_CHAIN_HASH),
                                 .created_at = (tj_time)tj__load_u64(block + SEGMENT_CREATED_AT),
                                 .segment_size = tj__load_u64(block + SEGMENT_SIZE)};
    memcpy(header.journal_id.bytes, block + SEGMENT_JOURNAL_ID, sizeof header.journal_id.bytes);
    TJ_TRY(check_header_values(block, &header, journal_id, ordinal, place, error));
    *out = header;
    return TJ_OK;
}

tj_status tj__segment_header_misplaced(const tj_error *cause, tj_error *error)
{
    tj__fail(error, TJ_CORRUPT,
             "%s: it is no segment of this log: put the right file back, or repair the journal",
             cause->message);
    tj__error_place(error, "%s", cause->place);
    return TJ_CORRUPT;
}

/* The own hash of the record of `size` padded bytes at `record`. The seed carries what a record is
 * bound to (journal, segment, place) and the bytes before the stored hash. */
static uint64_t record_hash(const uint8_t *record, uint64_t size, const tj_uuid *journal_id,
                            uint64_t ordinal, uint64_t offset)
{
    uint8_t bound[40];
    memcpy(bound, journal_id->bytes, 16);
    tj__store_u64(bound + 16, ordinal);
    tj__store_u64(bound + 24, offset);
    memcpy(bound + 32, record, RECORD_HASH);
    return tj__hash_seeded(record + RECORD_PREVIOUS_HASH, (size_t)size - RECORD_PREVIOUS_HASH,
                           tj__hash(bound, sizeof bound));
}

void tj__record_encode(tj__record *record, const tj_uuid *journal_id, uint64_t ordinal,
                       uint64_t offset, tj__buffer *out)
{
    bool noted = record->note.size > 0;
    TJ_ASSERT(record->note.size <= UINT16_MAX);
    size_t room = tj__record_note_room(record->note.size);
    TJ_ASSERT(record->body.size <= TJ__RECORD_BODY_SIZE_MAX - room);
    uint32_t body_size = (uint32_t)(room + record->body.size);
    uint64_t size = tj__record_size(body_size);
    size_t start = out->size;
    tj__put_bytes(out, record_magic, sizeof record_magic);
    tj__put_u8(out, TJ__RECORD_VERSION);
    tj__put_u8(out, (uint8_t)record->type);
    tj__put_u16(out, noted ? FLAG_NOTE : 0);
    tj__put_u64(out, 0);
    tj__put_u64(out, record->previous_hash);
    tj__put_u64(out, record->sequence);
    tj__put_u64(out, (uint64_t)record->time);
    tj__put_u64(out, record->epoch);
    tj__put_u64(out, record->durable_sequence);
    tj__put_bytes(out, record->commit_id.bytes, sizeof record->commit_id.bytes);
    tj__put_u32(out, body_size);
    tj__put_u32(out, record->change_count);
    if (noted) {
        tj__put_u16(out, (uint16_t)record->note.size);
        tj__put_bytes(out, record->note.data, record->note.size);
    }
    tj__put_bytes(out, record->body.data, record->body.size);
    tj__put_zeros(out, (size_t)size - TJ__RECORD_HEADER_SIZE - body_size);
    TJ_ASSERT(!out->failed && out->size - start == size);
    uint8_t *bytes = out->data + start;
    record->hash = record_hash(bytes, size, journal_id, ordinal, offset);
    tj__store_u64(bytes + RECORD_HASH, record->hash);
}

const char *tj__frame_state_text(tj__frame_state state)
{
    switch (state) {
    case TJ__FRAME_VALID:
        return "a valid record";
    case TJ__FRAME_ZERO:
        return "nothing was written here";
    case TJ__FRAME_NO_MAGIC:
        return "no record magic";
    case TJ__FRAME_NEWER:
        return "a record of a newer format version";
    case TJ__FRAME_UNKNOWN:
        return "a record of an unknown type";
    case TJ__FRAME_BAD_HEADER:
        return "impossible record header";
    case TJ__FRAME_SHORT:
        return "the record would reach beyond the end";
    case TJ__FRAME_BAD_HASH:
        return "checksum does not match";
    }
    return "unknown";
}

/* Whether type and flags are some that this version writes. */
static bool known_kind(const uint8_t *record)
{
    uint16_t flags = tj__load_u16(record + RECORD_FLAGS);
    return record[RECORD_TYPE] == TJ__RECORD_COMMIT
               ? (flags & ~FLAG_NOTE) == 0
               : record[RECORD_TYPE] == TJ__RECORD_SEAL && flags == 0;
}

/* Version and body size, which a record of a version that is known can only have in these forms. */
static bool possible_header(const uint8_t *record)
{
    uint32_t body_size = tj__load_u32(record + RECORD_BODY_SIZE);
    if (known_kind(record) && record[RECORD_TYPE] == TJ__RECORD_SEAL) {
        return record[RECORD_VERSION] != 0 && body_size == 0;
    }
    return record[RECORD_VERSION] != 0 && body_size <= TJ__RECORD_BODY_SIZE_MAX;
}

/* As tj__record_plausible, of any type and flags. */
static bool plausible_header(const uint8_t *header)
{
    return memcmp(header, record_magic, sizeof record_magic) == 0 &&
           header[RECORD_VERSION] <= TJ__RECORD_VERSION && possible_header(header) &&
           tj__load_u64(header + RECORD_EPOCH) != 0 &&
           tj__load_u64(header + RECORD_DURABLE_SEQUENCE) <= tj__load_u64(header + RECORD_SEQUENCE);
}

bool tj__record_plausible(const uint8_t header[TJ__RECORD_HEADER_SIZE])
{
    return known_kind(header) && plausible_header(header);
}

bool tj__record_plausibly_unknown(const uint8_t header[TJ__RECORD_HEADER_SIZE])
{
    return !known_kind(header) && plausible_header(header);
}

bool tj__record_plausibly_newer(const uint8_t start[TJ__RECORD_ALIGN])
{
    return memcmp(start, record_magic, sizeof record_magic) == 0 &&
           start[RECORD_VERSION] > TJ__RECORD_VERSION && start[RECORD_TYPE] < ' ' &&
           start[RECORD_FLAGS] < ' ' && start[RECORD_FLAGS + 1] < ' ';
}

tj_status tj__record_refuse_newer(tj__frame_state state, const char *path, uint64_t offset,
                                  tj_error *error)
{
    if (state == TJ__FRAME_UNKNOWN) {
        tj__fail(error, TJ_FORMAT_NEWER,
                 "the record at offset %" PRIu64 " of %s has a type or flags that this library "
                 "does not know: a newer one wrote it",
                 offset, path);
    } else {
        tj__fail(error, TJ_FORMAT_NEWER,
                 "the record at offset %" PRIu64 " of %s is of a newer format version than %d, the "
                 "newest this library reads",
                 offset, path, TJ__RECORD_VERSION);
    }
    tj__error_place(error, "%s", path);
    return TJ_FORMAT_NEWER;
}

/* The note and what is behind it. False: the note would reach beyond the body. */
static bool split_note(const uint8_t *record, tj__bytes *note, tj__bytes *body)
{
    *note = tj__bytes_of(NULL, 0);
    *body = tj__bytes_of(record + TJ__RECORD_HEADER_SIZE, tj__load_u32(record + RECORD_BODY_SIZE));
    if (!(tj__load_u16(record + RECORD_FLAGS) & FLAG_NOTE)) {
        return true;
    }
    size_t length = body->size < sizeof(uint16_t) ? body->size : tj__load_u16(body->data);
    if (tj__record_note_room(length) > body->size || length == 0) {
        return false;
    }
    *note = tj__bytes_of(body->data + sizeof(uint16_t), length);
    *body = tj__bytes_of(note->data + length, body->size - tj__record_note_room(length));
    return true;
}

static void fill_record(const uint8_t *record, tj__record *out)
{
    out->type = (tj__record_type)record[RECORD_TYPE];
    out->previous_hash = tj__load_u64(record + RECORD_PREVIOUS_HASH);
    out->sequence = tj__load_u64(record + RECORD_SEQUENCE);
    out->time = (tj_time)tj__load_u64(record + RECORD_TIME);
    out->epoch = tj__load_u64(record + RECORD_EPOCH);
    out->durable_sequence = tj__load_u64(record + RECORD_DURABLE_SEQUENCE);
    memcpy(out->commit_id.bytes, record + RECORD_COMMIT_ID, sizeof out->commit_id.bytes);
    out->change_count = tj__load_u32(record + RECORD_CHANGE_COUNT);
    out->hash = tj__load_u64(record + RECORD_HASH);
}

tj__frame_state tj__record_decode(tj__bytes bytes, const tj_uuid *journal_id, uint64_t ordinal,
                                  uint64_t offset, tj__record *out, uint64_t *size)
{
    *size = 2 * TJ__RECORD_ALIGN;
    if (bytes.size < TJ__RECORD_ALIGN) {
        return TJ__FRAME_SHORT;
    }
    const uint8_t *record = bytes.data;
    if (tj__bytes_all_zero(tj__bytes_of(record, TJ__RECORD_ALIGN))) {
        return TJ__FRAME_ZERO;
    }
    if (memcmp(record, record_magic, sizeof record_magic) != 0) {
        return TJ__FRAME_NO_MAGIC;
    }
    if (record[RECORD_VERSION] > TJ__RECORD_VERSION) {
        return TJ__FRAME_NEWER;
    }
    if (bytes.size < *size) {
        return TJ__FRAME_SHORT;
    }
    if (!possible_header(record)) {
        return TJ__FRAME_BAD_HEADER;
    }
    *size = tj__record_size(tj__load_u32(record + RECORD_BODY_SIZE));
    if (*size > bytes.size) {
        return TJ__FRAME_SHORT;
    }
    if (record_hash(record, *size, journal_id, ordinal, offset) !=
        tj__load_u64(record + RECORD_HASH)) {
        return known_kind(record) ? TJ__FRAME_BAD_HASH : TJ__FRAME_BAD_HEADER;
    }
    if (!known_kind(record)) {
        return TJ__FRAME_UNKNOWN;
    }
    tj__bytes note;
    tj__bytes body;
    if (!split_note(record, &note, &body)) {
        return TJ__FRAME_BAD_HEADER;
    }
    fill_record(record, out);
    out->note = note;
    out->body = body;
    return TJ__FRAME_VALID;
}
