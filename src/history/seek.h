/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Finding a commit in the log without reading all of it: by the headers of the segments. */
#ifndef TJ_HISTORY_SEEK_H
#define TJ_HISTORY_SEEK_H

#include "history/past.h"
#include "log/segment.h"
#include "model/position.h"

/* Reads the header of a segment. TJ_NOT_FOUND: it is not there, or prepared and not begun; anything
 * else that is wrong with it: TJ_CORRUPT, TJ_FORMAT_NEWER. */
tj_status tj__seek_header(const char *log_path, const tj_uuid *journal_id, uint64_t ordinal,
                          tj__segment_header *out, tj_error *error);

/* The start of a segment's records, as tj__seek_commit gives it. */
tj__position tj__seek_start(const tj__segment_header *header);

/* The start of the records of the segment in which commit `sequence` stands, or would stand next.
 * A reader from there knows no time and no epoch of before. TJ_NOT_FOUND: it is not kept. */
tj_status tj__seek_commit(const tj__past_source *source, uint64_t sequence, tj__position *out,
                          tj_error *error);
/* The same for the first segment that is there. */
tj_status tj__seek_oldest(const tj__past_source *source, tj__position *out, tj_error *error);
/* From where on the state after every commit can be had: the log's start, or the oldest place
 * at which bases of all kinds stand, which a repair may have put far behind the first segment.
 * TJ_NOT_FOUND: nowhere. */
tj_status tj__seek_states(const tj__past_source *source, tj__position *out, tj_error *error);
/* The newest commit that was not made after `time`, of those that the log holds: a caller beside a
 * writer compares it with what is acknowledged. 0 before the first one. TJ_NOT_FOUND: what was then
 * is not kept any more. */
tj_status tj__seek_time(const tj__past_source *source, tj_time time, uint64_t *sequence,
                        tj_error *error);

#endif
