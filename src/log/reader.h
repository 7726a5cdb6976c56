/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Reading the log: records in order from a position, and where the log ends.
 *
 * Both are used by the writer's recovery and apply, and by views in any process; neither writes.
 * Files are read with pread in blocks, never mapped: the writer may be appending.
 */
#ifndef TJ_LOG_READER_H
#define TJ_LOG_READER_H

#include "log/segment.h"
#include "model/position.h"

typedef struct tj__log_reader tj__log_reader;

/* A reader of the log in `directory` that will give the record after `from`. Nothing is opened yet.
 * `from` must be a position that this log had (LMDB's, or one that a reader reached). */
tj_status tj__log_reader_open(const char *directory, const tj_uuid *journal_id,
                              const tj__position *from, tj__log_reader **out, tj_error *error);
void tj__log_reader_close(tj__log_reader *reader); /* NULL is allowed */

/* Stops at the seal before the segment `ordinal`: the reader then stands at the start of its
 * records, and finds the end of the log there. */
void tj__log_reader_end_before(tj__log_reader *reader, uint64_t ordinal);
/* Opens the file of a segment whose records a backup keeps, whatever its name, and says which.
 * TJ_NOT_FOUND naming it. */
typedef tj_status tj__segment_opener(void *context, uint64_t ordinal,
                                     char path[TJ__SEGMENT_PATH_SIZE], int *fd, tj_error *error);
/* Before the first record is read: segments are opened so, and may end with their records. */
void tj__log_reader_open_by(tj__log_reader *reader, tj__segment_opener *opener, void *context);

/* What stands at the reader's position. */
typedef enum tj__log_next {
    TJ__LOG_RECORD, /* a valid commit that continues the chain: *record is filled */
    TJ__LOG_END     /* no valid record continues the chain here; tj__log_reader_why tells */
} tj__log_next;

/* Reads the next commit record. Seals are followed into the next segment (checking ordinal, chain
 * hash and first sequence); they are not given out. Sequence must be the previous + 1, time must
 * rise, previous_hash must match. record->body is valid until the next call. After TJ__LOG_END it
 * may be called again, and looks at the file again: the writer may have appended. TJ_OK with *next;
 * TJ_IO; TJ_NOMEM; TJ_NOT_FOUND when a segment that must be there is gone (the seal's successor, or
 * the segment of `from`): corruption, or retention overtook a reader; TJ_CORRUPT when the header of
 * a segment is damaged in which records stand before the position, or is that of another log,
 * another segment, or another time of this log, or when the log ends in a file that was
 * cut off; TJ_FORMAT_NEWER when a header or
 * record here is of a newer version, which is never an end. */
tj_status tj__log_reader_next(tj__log_reader *reader, tj__log_next *next, tj__record *record,
                              tj_error *error);
/* Forgets what was read ahead: the next call reads what the files hold then. A recovery may have
 * written something else behind the position, which even a whole record of before would hide. */
void tj__log_reader_forget(tj__log_reader *reader);
/* Where the reader stands: after the last commit given out (after a seal that was followed: at the
 * start of the records in the new segment). */
const tj__position *tj__log_reader_position(const tj__log_reader *reader);
/* The header of the segment from which a record was given out, and the seal that was followed into
 * it: for who writes the log anew. */
const tj__segment_header *tj__log_reader_header(const tj__log_reader *reader);
const tj__record *tj__log_reader_seal(const tj__log_reader *reader);
/* Names the path of the segment the reader stands in. */
const char *tj__log_reader_path(const tj__log_reader *reader);
/* After TJ__LOG_END: a clause such as "checksum does not match" or "chain broken: ...". */
const char *tj__log_reader_why(const tj__log_reader *reader);

/* What lies behind a TJ__LOG_END. */
typedef struct tj__log_tail {
    uint64_t nonzero_bytes; /* from the position to the last nonzero byte of its segment, 0 if
                               all is zero */
    uint64_t records_after; /* valid records found further on in this segment or later ones */
    uint64_t durable_max;   /* highest durable_sequence among those, 0 if none */
    uint64_t sequence_max;  /* highest sequence among those, 0 if none */
    char first_after[TJ__SEGMENT_PATH_SIZE]; /* file of the first of them */
    uint64_t first_after_offset;
    bool segment_begun_after; /* a later segment has a valid header */
} tj__log_tail;

/* Looks at everything behind the reader's position (after TJ__LOG_END): tries every 64-byte
 * boundary of the rest of this segment and all of the later ones. Seals count as records.
 * TJ_CORRUPT when a segment is missing between those, a foreign file is among them or has the name
 * of one, or so much looks like records and is none that the work would have no bound.
 * TJ_FORMAT_NEWER when a newer version wrote there: what it left is not ours to judge or to cut. */
tj_status tj__log_reader_tail(tj__log_reader *reader, tj__log_tail *tail, tj_error *error);

/* For recovery, before anything is acknowledged: writes again, in place, the bytes of the log from
 * `from` to `to` (as read back), zeroes everything from `to` to the end of its segment and the
 * whole of all later segments, and flushes every file. A segment in which `to` is the start of the
 * records is un-begun, too: its header is zeroed and the writer begins it anew. `from` and `to` are
 * positions of this log with from <= to, and tj__log_reader_tail has passed what lies behind `to`;
 * TJ_CORRUPT, and nothing is written, when the records from `from` do not lead to `to`. After any
 * other failure it may be called again. */
tj_status tj__log_settle(const char *directory, const tj_uuid *journal_id, const tj__position *from,
                         const tj__position *to, tj_error *error);

#endif
