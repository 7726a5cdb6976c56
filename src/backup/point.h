/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A point of a backup: what the backup holds of the log, up to one commit, and what the state came
 * to there. points/<sequence, 20 digits>.point, written when everything it names is durable.
 * Integers little-endian.
 *
 *    0  8  magic "TJPOINT1"
 *    8  4  format version, 1
 *   12  4  bit 0: the place of the journal is there; others 0
 *   16 16  journal id
 *   32 48  position behind the commit: sequence, time, hash, epoch, segment, offset
 *   80  8  when it was made, ns
 *   88  8  when it was last verified, ns; 0: not yet
 *   96  8  tables in the digest, one bit each
 *  104  8  files
 *  112 ..  of each table in the digest, ascending: rows (8), their checksums added up (8)
 *      ..  of each file: kind (4), 0 (4), ordinal (8), size (8), hash of so many bytes from its
 *           beginning (8); the bases first, by kind, then the segments, ascending
 *     [24] the place of the journal: inode (8) and birth (8) of its writer.lock, and when it was
 *           made, ns (8)
 *        8  hash of everything before
 */
#ifndef TJ_BACKUP_POINT_H
#define TJ_BACKUP_POINT_H

#include <limits.h>

#include <tesser/uuid.h>

#include "history/base.h"
#include "history/digest.h"
#include "journal/lock.h"
#include "model/position.h"

#define TJ__POINT_VERSION 1

/* Bases are those at the end of the segment before the first, when the log does not begin with
 * segment 1. */
typedef enum tj__point_file_kind {
    TJ__POINT_FILE_SEGMENT = 1,
    TJ__POINT_FILE_STATE,
    TJ__POINT_FILE_ALGOS,
    TJ__POINT_FILE_REST
} tj__point_file_kind;

/* The kind of the file of a base, and the other way round. */
static inline tj__point_file_kind tj__point_kind_of(tj__base_kind kind)
{
    return (tj__point_file_kind)(TJ__POINT_FILE_STATE + kind);
}
static inline tj__base_kind tj__point_base_kind(tj__point_file_kind kind)
{
    return (tj__base_kind)(kind - TJ__POINT_FILE_STATE);
}

typedef struct tj__point_file {
    tj__point_file_kind kind;
    uint64_t ordinal;
    uint64_t size; /* the file may have more by now */
    uint64_t hash; /* of the file as a journal has it, however the backup keeps it */
} tj__point_file;

typedef struct tj__point {
    tj_uuid journal_id;
    tj__position position;
    tj_time made_at;
    tj_time verified_at;
    tj__digest digest;
    /* Of the journal, as its writer.lock bore it, and when the journal there was made. */
    tj__mark_place place;
    tj_time journal_made_at;
    tj__point_file *files;
    size_t file_count;
} tj__point;

void tj__point_dispose(tj__point *point);
/* The segment with which the log of the backup begins. */
uint64_t tj__point_first_segment(const tj__point *point);

/* Appends the bytes of a point. */
void tj__point_encode(const tj__point *point, tj__buffer *out);
/* Checks magic, version and hash, in this order; place names the file in errors. TJ_CORRUPT,
 * TJ_FORMAT_NEWER, TJ_NOMEM. */
tj_status tj__point_decode(tj__bytes bytes, tj__point *out, const char *place, tj_error *error);

/* Reads and writes the point of this sequence in a directory of points. It appears whole and
 * flushed, in the place of one that was there, or not at all. */
tj_status tj__point_read(const char *directory, uint64_t sequence, tj__point *out, tj_error *error);
tj_status tj__point_write(const char *directory, const tj__point *point, tj_error *error);

/* Removes the point `before` one that was just written, unless it was verified or was made
 * TJ__POINT_THIN_NS after the one before it. */
#define TJ__POINT_THIN_NS (INT64_C(3600) * 1000000000)
tj_status tj__point_thin(const char *directory, const tj__point *before, tj_error *error);

/* The sequences of all points, ascending; released with free. Other names are passed over. */
tj_status tj__point_list(const char *directory, uint64_t **sequences, size_t *count,
                         tj_error *error);

#endif
