/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The bytes of the log: segment headers and records. All integers little-endian.
 *
 * A segment file is one header block of TJ__SEGMENT_HEADER_SIZE bytes, then records on 64-byte
 * boundaries, then zeros up to its preallocated size.
 *
 * Segment header            Record header (then body, then zeros to a 64-byte boundary)
 *    0  8  magic "TJLOGSEG"    0  4  magic "TJRC"
 *    8  4  format version      4  1  format version
 *   12  4  header size         5  1  type: 1 commit, 2 seal
 *   16 16  journal id          6  2  flags: 1 note
 *   32  8  ordinal, from 1     8  8  own hash
 *   40  8  first sequence     16  8  hash of the previous record (a seal included), 0 for the first
 *   48  8  chain hash         24  8  sequence: of the commit; of a seal: the last commit's
 *   56  8  created at, ns     32  8  time, ns: max(clock, previous + 1); a seal: the last commit's
 *   64  8  segment size       40  8  writer epoch
 *   72 ..  zeros              48  8  durable sequence: highest known to be flushed when written
 * 4088  8  hash of 0..4087    56 16  the caller's commit id, zeros if none
 *                             72  4  body size, with the note
 *                             76  4  number of changes in the body
 *                             80 ..  flag 1: note (2 bytes length, text); body
 *
 * Own hash: seed = XXH3-64 of (journal id, ordinal, offset of the record in its segment, record
 * bytes 0..7), 40 bytes; hash = XXH3-64 with that seed of record bytes 16 up to the padded end. So
 * a record is valid only in its own journal, segment and place.
 *
 * Chain: a record's previous hash is the own hash of the record before it; a segment's chain hash
 * is the own hash of the seal that ends the segment before it.
 */
#ifndef TJ_LOG_FRAME_H
#define TJ_LOG_FRAME_H

#include <tesser/error.h>
#include <tesser/time.h>
#include <tesser/uuid.h>

#include "base/buffer.h"
#include "model/change.h"

#define TJ__LOG_FORMAT_VERSION 1
#define TJ__RECORD_VERSION 1
#define TJ__SEGMENT_HEADER_SIZE 4096
#define TJ__RECORD_HEADER_SIZE 80
#define TJ__RECORD_ALIGN 64
#define TJ__RECORD_BODY_SIZE_MAX ((uint32_t)TJ__BODY_SIZE_MAX) /* with the note */
/* Size of a seal on disk. Every segment keeps room for one. */
#define TJ__SEAL_SIZE 128

/* Where a header has the journal's id: it says whose log a segment is. */
#define TJ__SEGMENT_ID_AT 16

typedef struct tj__segment_header {
    tj_uuid journal_id;
    uint64_t ordinal;
    uint64_t first_sequence;
    uint64_t chain_hash;
    tj_time created_at;
    uint64_t segment_size;
} tj__segment_header;

typedef enum tj__record_type { TJ__RECORD_COMMIT = 1, TJ__RECORD_SEAL = 2 } tj__record_type;

typedef struct tj__record {
    tj__record_type type;
    uint64_t previous_hash;
    uint64_t sequence;
    tj_time time;
    uint64_t epoch;
    uint64_t durable_sequence;
    tj_uuid commit_id;
    uint32_t change_count;
    tj__bytes body;
    tj__bytes note; /* why the commit was made, at most 65,535 bytes; empty: none */
    uint64_t hash;  /* own hash; set by encode and decode */
} tj__record;

/* Bytes that a record with this body takes on disk. */
uint64_t tj__record_size(uint32_t body_size);
/* The same for a body and a note; both together at most TJ__RECORD_BODY_SIZE_MAX. */
uint64_t tj__record_size_noted(size_t body_size, size_t note_size);
/* What a note takes of that body's bytes. */
size_t tj__record_note_room(size_t note_size);

void tj__segment_header_encode(const tj__segment_header *header,
                               uint8_t out[TJ__SEGMENT_HEADER_SIZE]);

/* Checks in order: magic, version, hash, journal id, ordinal, size. place names the file in
 * errors: TJ_CORRUPT, TJ_FORMAT_NEWER. An all-zero block is TJ_NOT_FOUND: prepared, not begun. A
 * header whose hash is right and whose values are not those of this place is TJ_CONFLICT: no torn
 * write leaves that, the file is another's. */
tj_status tj__segment_header_decode(const uint8_t block[TJ__SEGMENT_HEADER_SIZE],
                                    const tj_uuid *journal_id, uint64_t ordinal,
                                    tj__segment_header *out, const char *place, tj_error *error);
/* What that TJ_CONFLICT is to a log that is read or written: TJ_CORRUPT, and what to do. */
tj_status tj__segment_header_misplaced(const tj_error *cause, tj_error *error);

/* Appends the record's bytes to out (which has reserved room) and sets record->hash. */
void tj__record_encode(tj__record *record, const tj_uuid *journal_id, uint64_t ordinal,
                       uint64_t offset, tj__buffer *out);

/* Why a place in a segment holds no valid record. */
typedef enum tj__frame_state {
    TJ__FRAME_VALID = 0,
    TJ__FRAME_ZERO,     /* all zero in its first 64 bytes: nothing was written here */
    TJ__FRAME_NO_MAGIC, /* other bytes */
    TJ__FRAME_NEWER,    /* magic, but a newer version (and the hash cannot be judged) */
    TJ__FRAME_UNKNOWN,  /* its hash is right, its type or flags are not known: a newer version's */
    TJ__FRAME_BAD_HEADER, /* impossible type, flags or size */
    TJ__FRAME_SHORT,      /* would reach beyond the given bytes */
    TJ__FRAME_BAD_HASH
} tj__frame_state;
const char *tj__frame_state_text(tj__frame_state state);

/* Reads the record at the start of `bytes`, which stands at `offset` of segment `ordinal` and
 * reaches to the end of what can be read. On VALID fills *out (body views bytes) and *size with
 * the padded size; on SHORT *size is how many bytes it takes to judge the record; *size is
 * meaningless otherwise. Checks, in order: magic, version, size, hash, type, flags. Does not check
 * the chain. */
tj__frame_state tj__record_decode(tj__bytes bytes, const tj_uuid *journal_id, uint64_t ordinal,
                                  uint64_t offset, tj__record *out, uint64_t *size);

/* Whether these first bytes of something can be a record that this version writes: magic, version,
 * type, flags, size, epoch, marks. Costs nothing beside the hash, which alone decides; for searches
 * that must not hash everything that happens to hold the magic. */
bool tj__record_plausible(const uint8_t header[TJ__RECORD_HEADER_SIZE]);

/* Whether these first bytes of something can be a record that a newer version wrote. Its hash
 * cannot be judged; what tells it from text that happens to hold the magic is that text has no
 * control characters where a record has its type and flags. */
bool tj__record_plausibly_newer(const uint8_t start[TJ__RECORD_ALIGN]);
/* The same for one of a known version, with a type or flags that are not known; its hash
 * decides. */
bool tj__record_plausibly_unknown(const uint8_t header[TJ__RECORD_HEADER_SIZE]);
/* The sentence for TJ__FRAME_NEWER and TJ__FRAME_UNKNOWN: TJ_FORMAT_NEWER. */
tj_status tj__record_refuse_newer(tj__frame_state state, const char *path, uint64_t offset,
                                  tj_error *error);

#endif
